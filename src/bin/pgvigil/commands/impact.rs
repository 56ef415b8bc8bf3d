//! `rules impact`: which records in real logs a policy change makes silent or loud.

use std::path::Path;

use anyhow::bail;
use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::audit_log::reader::{Inputs, ReadReport};
use pgvigil::diagnostic::count;
use pgvigil::policy::model::Environment;
use pgvigil::policy::{Loaded, revision};
use pgvigil::report;
use pgvigil::report::impact::human::Style;
use pgvigil::report::impact::{html, human, json, markdown};
use pgvigil::rules::hearing::{HearingChange, files};
use pgvigil::rules::impact::{ImpactReport, Question, Side, assess};

use super::eval::{Written, ended, missing_log, tell};
use super::files::replace;
use crate::args::{ImpactArgs, ImpactFormat};
use crate::exit::Exit;
use crate::progress::Progress;
use crate::session::Session;

/// Name of the files as they are now.
const WORKING_TREE: &str = "working tree";

pub(crate) fn run(session: &Session, args: &ImpactArgs) -> anyhow::Result<Exit> {
    // Checked before logs are read, which can take long.
    for path in &args.reports {
        kind(path)?;
    }
    // clap accepts an argument although the one that it requires conflicts with others.
    #[cfg(feature = "aws")]
    if !args.live && (args.since.is_some() || args.auto_approve) {
        session.say("error: --since and --auto-approve require --live, which reads no log files");
        return Ok(Exit::Usage);
    }
    let change = Change::read(session, &args.base, args.head.as_deref())?;
    let head = match session.readable_of(session.judged(change.later(session)?)) {
        Ok(head) => head,
        Err(exit) => return Ok(exit),
    };
    // A removed environment is compared too: nothing counts there any more.
    let gone = change
        .base
        .policy
        .environment(&args.env)
        .filter(|_| head.policy.environment(&args.env).is_none());
    let environment = match gone {
        Some(environment) => environment,
        None => match session.environment(&head, &args.env) {
            Ok(environment) => environment,
            Err(exit) => return Ok(exit),
        },
    };
    let written = match Written::parse(session, args.log_line_prefix.as_deref()) {
        Ok(written) => written,
        Err(exit) => return Ok(exit),
    };
    let faults = change.base.diagnostics.errors();
    if faults > 0 {
        session.say(&format!(
            "note: {} has {}; faulty entries there silence nothing",
            report::visible(&change.base_name),
            count(faults, "error")
        ));
    }
    #[cfg(feature = "aws")]
    if args.live {
        let compared = super::impact_live::compare(session, args, &change, &head, environment)?;
        let report = match compared {
            Ok(report) => report,
            Err(exit) => return Ok(exit),
        };
        let ended = match report.logs.unread.as_slice() {
            [] => Exit::Clean,
            unread => {
                for sentence in unread {
                    session.say(&format!("error: {sentence}"));
                }
                Exit::Unread
            }
        };
        return shown(session, args, &report, ended);
    }
    if let Some(exit) = missing_log(session, &args.logs) {
        return Ok(exit);
    }
    let inputs = Inputs::from_paths(&args.logs).written_with(written.template);
    let (report, read) = change.assess(session, &head, environment, written.prefix, &inputs)?;
    let exit = shown(session, args, &report, ended(&read))?;
    tell(session, &inputs, &read);
    Ok(exit)
}

/// Writes the report in every requested format. `ended` is how reading the logs ended.
fn shown(
    session: &Session,
    args: &ImpactArgs,
    report: &ImpactReport,
    ended: Exit,
) -> anyhow::Result<Exit> {
    for path in &args.reports {
        let text = render(session, report, kind(path)?, false);
        replace(path, text.as_bytes())?;
    }
    session.show(&render(
        session,
        report,
        args.format.into(),
        session.colour_out(),
    ))?;
    Ok(if report.passed() {
        ended
    } else {
        Exit::Diagnostics.worse(ended)
    })
}

/// The policy before a change, what the change is, and who wrote it.
pub(crate) struct Change {
    pub(crate) base: Loaded,
    pub(crate) base_name: String,
    pub(crate) base_commit: String,
    pub(crate) head_name: String,
    pub(crate) head_commit: Option<String>,
    pub(crate) authors: Vec<String>,
    /// What it does to other files that protect the policy, such as CODEOWNERS.
    pub(crate) guards: Vec<HearingChange>,
}

impl Change {
    /// Reads the policy before a change that ends at a revision, or at the files as they are now, where no head is named.
    pub(crate) fn read(session: &Session, base: &str, head: Option<&str>) -> anyhow::Result<Self> {
        let root = session.root();
        let named = revision::commit(root, base)?;
        let head_commit = match head {
            Some(name) => Some(revision::commit(root, name)?),
            None => None,
        };
        let tip = match &head_commit {
            Some(commit) => commit.clone(),
            None => revision::commit(root, "HEAD")?,
        };
        let base_commit = revision::merge_base(root, &named, &tip)?;
        let mut authors = revision::authors(root, &base_commit, &tip)?;
        if head_commit.is_none() {
            authors.extend(revision::author_of_changes(root)?);
        }
        authors.sort_unstable();
        authors.dedup();
        let guards = guards(root, &base_commit, head_commit.as_deref())?;
        Ok(Self {
            guards,
            base: revision::load_commit(root, &base_commit)?,
            base_name: base.to_owned(),
            base_commit,
            head_name: head.unwrap_or(WORKING_TREE).to_owned(),
            head_commit,
            authors,
        })
    }

    /// The policy after it.
    pub(crate) fn later(&self, session: &Session) -> anyhow::Result<Loaded> {
        Ok(match &self.head_commit {
            Some(commit) => revision::load_commit(session.root(), commit)?,
            None => pgvigil::policy::load(session.root())?,
        })
    }

    /// What it makes silent and loud in logs. `head` is its later policy, checked; `prefix` that of the logs, if it is not the
    /// environment's.
    pub(crate) fn assess(
        &self,
        session: &Session,
        head: &Loaded,
        environment: &Environment,
        prefix: Option<LogLinePrefix>,
        inputs: &Inputs,
    ) -> anyhow::Result<(ImpactReport, ReadReport)> {
        let question = Question {
            prefix,
            ..self.question(session, head, environment)
        };
        let progress = Progress::new(session);
        let assessed = assess(&question, inputs, |done| progress.show(done));
        progress.clear();
        Ok(assessed)
    }

    /// What is compared in an environment, as head has it.
    pub(crate) fn question<'a>(
        &'a self,
        session: &Session,
        head: &'a Loaded,
        environment: &'a Environment,
    ) -> Question<'a> {
        Question {
            base: Side {
                name: &self.base_name,
                commit: Some(&self.base_commit),
                loaded: &self.base,
            },
            head: Side {
                name: &self.head_name,
                commit: self.head_commit.as_deref(),
                loaded: head,
            },
            environment,
            prefix: None,
            authors: &self.authors,
            guards: &self.guards,
            today: session.today(),
            tested: None,
            is_short: false,
        }
    }
}

/// What a change does to the files that guard the policy.
fn guards(root: &Path, base: &str, head: Option<&str>) -> anyhow::Result<Vec<HearingChange>> {
    let mut changed = Vec::new();
    for revision::Changed { path, now } in revision::changed(root, base, head)? {
        // Samples are large, and their texts are not compared.
        let is_text = files::is_compared(&path);
        let text = |commit: Option<&str>, path: Option<&str>| match path {
            Some(path) if is_text => revision::text_of(root, commit, path),
            _ => Ok(String::new()),
        };
        changed.push(files::ChangedFile {
            before: text(Some(base), Some(&path))?,
            after: text(head, now.as_deref())?,
            path,
            now,
        });
    }
    Ok(files::changes(&changed, &revision::place(root)?))
}

/// A form of the report.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Json,
    Markdown,
    Html,
}

impl From<ImpactFormat> for Kind {
    fn from(format: ImpactFormat) -> Self {
        match format {
            ImpactFormat::Human => Self::Text,
            ImpactFormat::Json => Self::Json,
            ImpactFormat::Markdown => Self::Markdown,
        }
    }
}

fn kind(path: &Path) -> anyhow::Result<Kind> {
    Ok(match path.extension().and_then(|ending| ending.to_str()) {
        Some("html") => Kind::Html,
        Some("md") => Kind::Markdown,
        Some("json") => Kind::Json,
        Some("txt") => Kind::Text,
        _ => bail!(
            "{} has no known extension: use .html, .md, .json or .txt",
            path.display()
        ),
    })
}

fn render(session: &Session, report: &ImpactReport, kind: Kind, colour: bool) -> String {
    match kind {
        Kind::Text => human::render(
            report,
            Style {
                width: session.width(),
                colour,
            },
        ),
        Kind::Json => json::render(report),
        Kind::Markdown => markdown::render(report, markdown::COMMENT_LIMIT),
        Kind::Html => html::render(report),
    }
}
