//! A change of the policy: two revisions in Git, who wrote it, and what it does to files that guard the policy.

use std::path::Path;

use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::audit_log::reader::{Inputs, ReadReport};
use pgvigil::policy::model::Environment;
use pgvigil::policy::{Loaded, revision};
use pgvigil::rules::hearing::{HearingChange, files};
use pgvigil::rules::impact::{ImpactReport, Question, Side, assess};

use crate::progress::Progress;
use crate::session::Session;

/// Name of the files as they are now.
const WORKING_TREE: &str = "working tree";

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
            now: session.now(),
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
