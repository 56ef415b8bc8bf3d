//! One run: it collects steps and findings into one result, and writes it in every requested format at the end.

use std::path::{Path, PathBuf};
use std::time::Instant;

use pgvigil::ci::{
    CiResult, EnvironmentResult, FORMAT_VERSION, Finding, Level, Run, State, Step, Work, finding,
};
use pgvigil::deploy::obstacle::{Obstacle, Shared};
use pgvigil::diagnostic::{Code, Diagnostic, Diagnostics};
use pgvigil::policy::model::Environment;
use pgvigil::policy::{Loaded, revision};
use pgvigil::report::human;

use super::write;
use crate::args::CiOutput;
use crate::checked::Checked;
use crate::commands::deploy::fleet::every;
use crate::exit::{Exit, Ran};
use crate::session::Session;

/// The step that reads the deployed resources.
pub(super) const PLAN: &str = "plan";

/// A run under way.
pub(super) struct Pipeline<'a> {
    pub(super) session: &'a Session,
    pub(super) output: &'a CiOutput,
    pub(super) result: CiResult,
    /// Folder of the policy in the Git repository.
    pub(super) folder: String,
    /// The capacity that the environments so far use in their accounts.
    pub(super) shared: Shared,
    pub(super) exit: Exit,
}

/// The result of a step: its exit code, and a summary line.
pub(super) type Ended = (Exit, String);

impl<'a> Pipeline<'a> {
    pub(super) fn new(session: &'a Session, work: Work, output: &'a CiOutput) -> Self {
        Self {
            session,
            output,
            result: CiResult {
                format_version: FORMAT_VERSION,
                pgvigil: env!("CARGO_PKG_VERSION").to_owned(),
                work,
                today: session.today().to_string(),
                run: Run::of(|name| std::env::var(name).ok()),
                exit_code: 0,
                findings: Vec::new(),
                findings_left_out: 0,
                steps: Vec::new(),
                environments: Vec::new(),
                untouched: Vec::new(),
            },
            // A folder outside a repository is its own root.
            folder: revision::place(session.root()).unwrap_or_default(),
            shared: Shared::default(),
            exit: Exit::Clean,
        }
    }

    /// Adds a step of the whole repository.
    pub(super) fn step(&mut self, name: &str, since: Instant, (exit, summary): Ended) {
        self.exit = self.exit.worse(exit);
        self.result.steps.push(step(name, since, exit, summary));
    }

    /// Reads and checks the policy for a run that deploys, or reads the deployed resources: `None` if it has errors.
    pub(super) fn sound(&mut self) -> anyhow::Result<Option<Loaded>> {
        let since = Instant::now();
        let checked = self.session.check()?;
        let summary = pgvigil::report::summary(&checked.diagnostics);
        // An ended exclusion is no error here: it silences nothing, as agreed. It is reported as a warning.
        let is_sound = match self.result.work {
            Work::Drift => checked.beside_ended().errors() == 0,
            Work::Pr | Work::Apply => checked.diagnostics.errors() == 0,
        };
        if !is_sound {
            self.diagnostics(&checked.loaded, &checked.diagnostics, None);
            self.step(finding::CHECK, since, (Exit::Diagnostics, summary));
            return Ok(None);
        }
        if self.result.work == Work::Drift {
            self.ending(&checked);
        }
        self.step(finding::CHECK, since, (Exit::Clean, summary));
        Ok(Some(checked.loaded))
    }

    /// Warns about exclusions that end within a month, or have ended: someone has to decide before their records are loud.
    fn ending(&mut self, checked: &Checked) {
        let codes = [
            Code::ExclusionExpired,
            Code::ExclusionExpiresSoon,
            Code::UserExpired,
            Code::UserExpiresSoon,
        ];
        for diagnostic in &checked.diagnostics {
            if codes.contains(&diagnostic.code) {
                let excerpt = drawn(&checked.loaded, diagnostic);
                let mut found = finding::of_diagnostic(
                    &checked.loaded.files,
                    diagnostic,
                    excerpt,
                    &self.folder,
                );
                found.level = Level::Warning;
                self.finding(found);
            }
        }
    }

    /// Adds what came of an environment.
    pub(super) fn environment(&mut self, mut result: EnvironmentResult, exit: Exit) {
        result.exit_code = exit as u8;
        self.exit = self.exit.worse(exit);
        self.result.environments.push(result);
    }

    pub(super) fn finding(&mut self, finding: Finding) {
        self.result.findings.push(finding);
    }

    /// Adds the problems of the files. `environment` is the one that they are about, if they are about one.
    pub(super) fn diagnostics(
        &mut self,
        loaded: &Loaded,
        diagnostics: &Diagnostics,
        environment: Option<&str>,
    ) {
        for diagnostic in diagnostics {
            let excerpt = drawn(loaded, diagnostic);
            let mut found =
                finding::of_diagnostic(&loaded.files, diagnostic, excerpt, &self.folder);
            found.environment = environment.map(str::to_owned);
            self.finding(found);
        }
    }

    /// A finding about an environment points at its file, unless it has a better place.
    pub(super) fn finding_of(
        &mut self,
        loaded: &Loaded,
        environment: &Environment,
        mut found: Finding,
    ) {
        if found.spot.is_none() {
            found.spot = Some(finding::spot(
                &loaded.files,
                &environment.place,
                &self.folder,
            ));
        }
        found.environment = Some(environment.name.clone());
        self.finding(found);
    }

    /// Ends the run: the result is complete, and every form of it is written.
    pub(super) fn finish(mut self) -> Ran {
        self.result.findings_left_out = finding::arrange(&mut self.result.findings);
        self.result.exit_code = self.exit as u8;
        write::all(self.session, self.output, &self.result)?;
        Ok(self.exit)
    }
}

/// A step of a plan that an apply would refuse.
pub(super) fn impossible(obstacle: &Obstacle) -> Finding {
    let message = format!("{} cannot succeed: {}", obstacle.address, obstacle.why);
    Finding::new(PLAN, "plan/impossible", message).help(obstacle.help.clone())
}

/// A step that ended.
pub(super) fn step(name: &str, since: Instant, exit: Exit, summary: String) -> Step {
    Step {
        name: name.to_owned(),
        state: if exit == Exit::Clean {
            State::Passed
        } else {
            State::Failed
        },
        summary: one_line(&summary),
        exit_code: exit as u8,
        milliseconds: u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

/// A step that was not run.
pub(super) fn skipped(name: &str, why: &str) -> Step {
    Step {
        name: name.to_owned(),
        state: State::Skipped,
        summary: one_line(why),
        exit_code: 0,
        milliseconds: 0,
    }
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// A problem as `pgvigil check` shows it.
fn drawn(loaded: &Loaded, diagnostic: &Diagnostic) -> String {
    let mut one = Diagnostics::default();
    one.push(diagnostic.clone());
    let options = human::Options {
        colour: false,
        width: 100,
    };
    human::render(&loaded.files, &one, options)
        .trim_end()
        .to_owned()
}

/// What to do if the provider cannot be read.
pub(super) fn rights(environment: &str) -> String {
    format!(
        "to see the permissions that the role needs, run `pgvigil iam-policy --env {environment} --for plan`"
    )
}

/// The named environments, in that order; all of them if none is named.
pub(super) fn environments<'a>(
    session: &Session,
    loaded: &'a Loaded,
    names: &[String],
) -> Result<Vec<&'a Environment>, Exit> {
    if names.is_empty() {
        return Ok(every(loaded));
    }
    let mut found: Vec<&Environment> = Vec::new();
    for name in names {
        let environment = session.environment(loaded, name)?;
        if !found.iter().any(|known| known.name == environment.name) {
            found.push(environment);
        }
    }
    Ok(found)
}

/// The file of an environment's plan.
pub(super) fn plan_file(folder: &Path, environment: &str) -> PathBuf {
    folder.join(format!("{environment}.plan.json"))
}
