//! The approval of a plan, and of its deletions.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;

use pgvigil::deploy::{Plan, Prune};
use pgvigil::report;

use crate::exit::{Exit, Ran};
use crate::session::Session;

/// What decides whether a plan needs approval.
pub(crate) struct Approval<'a> {
    pub(crate) plan: &'a Plan,
    /// A saved plan was reviewed when it was made: only its deletions need approval.
    pub(crate) is_saved: bool,
    pub(crate) auto_approve: bool,
    /// Every deletion was named by its whole address, or by the command itself.
    pub(crate) is_explicit: bool,
    /// How to confirm deletions if there is no terminal.
    pub(crate) how_to_confirm: &'a str,
    /// How many deletions were allowed on the command line.
    pub(crate) allow_delete: Option<usize>,
}

impl Approval<'_> {
    /// The addresses whose deletion was approved.
    pub(crate) fn ask(&self, session: &Session) -> Ran<BTreeSet<String>> {
        let deletes = self.plan.deletes();
        let count = deletes.len();
        let refused = |why: &str| {
            session.say(&format!("error: {why}"));
            Err(Exit::Usage.into())
        };
        let is_allowed = match self.allow_delete {
            Some(allowed) if allowed != count => {
                let why = not_as_allowed(count, allowed);
                return refused(&format!("{why}: nothing was changed"));
            }
            Some(_) => true,
            None => self.auto_approve && !self.is_saved && self.is_explicit,
        };
        let is_agreed = self.is_saved || self.auto_approve || self.plan.is_empty();
        if count > 0 && !is_allowed {
            if !std::io::stdin().is_terminal() {
                return refused(&format!(
                    "the plan deletes {}, and there is no terminal to confirm on: review the plan, then confirm with {}",
                    resources(count),
                    self.how_to_confirm.replace("COUNT", &count.to_string())
                ));
            }
            let environment = &self.plan.identity.environment;
            let question = format!("\nThis deletes {} of `{environment}`.", resources(count));
            if !session.is_typed(&question, environment)? {
                return Err(self.declined(session).into());
            }
        } else if !is_agreed {
            if !std::io::stdin().is_terminal() {
                return refused(
                    "there is no terminal to ask for approval: save a plan with `pgvigil plan --out FILE` and apply \
                     it, or use --auto-approve",
                );
            }
            let environment = &self.plan.identity.environment;
            if !session.is_typed(&format!("\nApply this to `{environment}`?"), "yes")? {
                return Err(self.declined(session).into());
            }
        }
        Ok(deletes)
    }

    fn declined(&self, session: &Session) -> Exit {
        session.say("nothing was changed");
        self.plan.outcome().map_or(Exit::Failed, Exit::from)
    }
}

/// Why deletions are not carried out: their number differs from `--allow-delete`.
pub(crate) fn not_as_allowed(count: usize, allowed: usize) -> String {
    format!(
        "the plan deletes {}, but --allow-delete is {allowed}",
        resources(count)
    )
}

/// Resources with their number.
pub(crate) fn resources(count: usize) -> String {
    match count {
        1 => "1 resource".to_owned(),
        count => format!("{count} resources"),
    }
}

/// The deletions that the options name.
pub(crate) fn named(session: &Session, texts: &[String]) -> Result<Prune, Exit> {
    Prune::parse(texts).map_err(|error| {
        session.say(&report::visible(&format!("error: {error}")));
        Exit::Usage
    })
}
