//! `rules impact`: which records in real logs a policy change makes silent or loud.

#[cfg(feature = "aws")]
mod live;

use std::path::Path;

use anyhow::bail;
use pgvigil::audit_log::reader::Inputs;
use pgvigil::diagnostic::count;
use pgvigil::report;
use pgvigil::report::impact::human::Style;
use pgvigil::report::impact::{html, human, json, markdown};
use pgvigil::rules::impact::ImpactReport;

use super::change::Change;
use super::logs::{Written, ended, missing_log, tell};
use crate::args::{ImpactArgs, ImpactFormat};
use crate::commands::files::replace;
use crate::exit::{Exit, Ran};
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &ImpactArgs) -> Ran {
    // Checked before logs are read, which can take long.
    for path in &args.reports {
        kind(path)?;
    }
    // clap accepts an argument although the one that it requires conflicts with others.
    if !args.live && (args.since.is_some() || args.auto_approve) {
        session.say("error: --since and --auto-approve require --live, which reads no log files");
        return Ok(Exit::Usage);
    }
    let change = Change::read(session, &args.base, args.head.as_deref())?;
    let head = session.readable_of(session.judged(change.later(session)?))?;
    // A removed environment is compared too: nothing counts there any more.
    let gone = change
        .base
        .policy
        .environment(&args.env)
        .filter(|_| head.policy.environment(&args.env).is_none());
    let environment = match gone {
        Some(environment) => environment,
        None => session.environment(&head, &args.env)?,
    };
    let written = Written::parse(session, args.log_line_prefix.as_deref())?;
    let faults = change.base.diagnostics.errors();
    if faults > 0 {
        session.say(&format!(
            "note: {} has {}; faulty entries there silence nothing",
            report::visible(&change.base_name),
            count(faults, "error")
        ));
    }
    if args.live {
        let report = live::compare(session, args, &change, &head, environment)?;
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
    missing_log(session, &args.logs)?;
    let inputs = Inputs::from_paths(&args.logs).written_with(written.template);
    let (report, read) = change.assess(session, &head, environment, written.prefix, &inputs)?;
    let exit = shown(session, args, &report, ended(&read))?;
    tell(session, &inputs, &read);
    Ok(exit)
}

/// Writes the report in every requested format. `ended` is how reading the logs ended.
fn shown(session: &Session, args: &ImpactArgs, report: &ImpactReport, ended: Exit) -> Ran {
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

#[cfg(not(feature = "aws"))]
mod live {
    use pgvigil::policy::Loaded;
    use pgvigil::policy::model::Environment;
    use pgvigil::rules::impact::ImpactReport;

    use crate::args::ImpactArgs;
    use crate::commands::rules::change::Change;
    use crate::exit::Ran;
    use crate::feature::lacking;
    use crate::session::Session;

    pub(super) fn compare(
        _: &Session,
        _: &ImpactArgs,
        _: &Change,
        _: &Loaded,
        _: &Environment,
    ) -> Ran<ImpactReport> {
        Err(lacking("aws").into())
    }
}
