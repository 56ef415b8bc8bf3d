//! The policy for a command: read and checked, with the problems that end the command.

use pgvigil::check;
use pgvigil::compile;
use pgvigil::diagnostic::{Code, Diagnostics, count};
use pgvigil::policy::model::Environment;
use pgvigil::policy::{self, Loaded};
use pgvigil::report::{self, github, human, json};
use pgvigil::rules;

use crate::args::DiagnosticFormat;
use crate::exit::{Exit, Ran};
use crate::progress::Activity;
use crate::session::Session;

/// A policy that was read, with everything that is wrong with it.
pub(crate) struct Checked {
    pub(crate) loaded: Loaded,
    pub(crate) diagnostics: Diagnostics,
}

impl Checked {
    /// The problems except those that a review shows anyway: an exclusion is evadable, an exclusion has ended, or an
    /// environment audits no one.
    pub(crate) fn beside_evasions(&self) -> Diagnostics {
        self.without(&[
            Code::ExclusionEvadable,
            Code::ExclusionWriterOnly,
            Code::ExclusionExpired,
            Code::EnvironmentNobodyAudited,
        ])
    }

    /// The problems except exclusions that have ended.
    pub(crate) fn beside_ended(&self) -> Diagnostics {
        self.without(&[Code::ExclusionExpired])
    }

    fn without(&self, codes: &[Code]) -> Diagnostics {
        let mut rest = Diagnostics::default();
        for diagnostic in &self.diagnostics {
            if !codes.contains(&diagnostic.code) {
                rest.push(diagnostic.clone());
            }
        }
        rest
    }
}

impl Session {
    /// Reads and checks the policy.
    pub(crate) fn check(&self) -> anyhow::Result<Checked> {
        let root = self.root();
        anyhow::ensure!(
            root.is_dir(),
            "there is no folder {}: `-C` names the one that contains `rules/` and `environments/`",
            root.display()
        );
        Ok(self.judged(policy::load(self.root())?))
    }

    /// Checks a policy that was read.
    pub(crate) fn judged(&self, loaded: Loaded) -> Checked {
        let _activity = Activity::of(self, "checking the policy");
        let today = self.today();
        let (mut diagnostics, (limits, judged)) = rayon::join(
            || check::run(&loaded, today),
            || rayon::join(|| compile::limits(&loaded), || rules::check(&loaded, today)),
        );
        diagnostics.extend(rules::loudness::check(self.root(), &loaded));
        diagnostics.extend(limits);
        diagnostics.extend(judged);
        diagnostics.sort();
        Checked {
            loaded,
            diagnostics,
        }
    }

    pub(crate) fn render(
        &self,
        checked: &Checked,
        format: DiagnosticFormat,
        colour: bool,
    ) -> String {
        let (files, diagnostics) = (&checked.loaded.files, &checked.diagnostics);
        match format {
            DiagnosticFormat::Human => human::render(
                files,
                diagnostics,
                human::Options {
                    colour,
                    width: self.width(),
                },
            ),
            DiagnosticFormat::Json => json::render(files, diagnostics),
            DiagnosticFormat::Github => github::render(files, diagnostics),
        }
    }

    /// Reads and checks the policy for a command that needs a valid one: problems go to stderr, and
    /// errors end the command.
    pub(crate) fn sound(&self) -> Ran<Loaded> {
        Ok(self.sound_of(self.check()?)?)
    }

    /// As [`Session::sound`], for a command that examines exclusions and deploys nothing: evadable exclusions
    /// are no error there, because the command shows them.
    pub(crate) fn readable(&self) -> Ran<Loaded> {
        Ok(self.readable_of(self.check()?)?)
    }

    /// The same of a policy that was checked. Says which exclusions have ended.
    pub(crate) fn readable_of(&self, mut checked: Checked) -> Result<Loaded, Exit> {
        checked.diagnostics = checked.beside_evasions();
        let loaded = self.sound_of(checked)?;
        self.tell_ended(&loaded);
        Ok(loaded)
    }

    /// Reads and checks the policy for a command that examines one environment and deploys nothing: errors elsewhere are
    /// counted on stderr, and do not end the command. Entries that cannot be read silence nothing.
    pub(crate) fn usable(&self, environment: &str) -> Ran<Loaded> {
        let checked = self.check()?;
        let errors = checked.beside_evasions().errors();
        if errors > 0 && checked.loaded.policy.environment(environment).is_none() {
            return Ok(self.sound_of(checked)?);
        }
        if errors > 0 {
            let verb = if errors == 1 { "is" } else { "are" };
            let many = count(errors, "error");
            self.say(&format!(
                "note: there {verb} {many} in the policy files: see `pgvigil check`; an exclusion or account that cannot be read \
                 silences nothing"
            ));
        }
        self.tell_ended(&checked.loaded);
        Ok(checked.loaded)
    }

    /// As [`Session::sound`], for a command that reads the deployed resources, or writes what to deploy. An ended exclusion
    /// is no error here: it silences nothing, as agreed, and must not stop anyone from looking or from auditing more.
    pub(crate) fn in_force(&self) -> Ran<Loaded> {
        let mut checked = self.check()?;
        checked.diagnostics = checked.beside_ended();
        let loaded = self.sound_of(checked)?;
        self.tell_ending(&loaded);
        Ok(loaded)
    }

    /// Says which exclusions have ended, and which end soon.
    pub(crate) fn tell_ending(&self, loaded: &Loaded) {
        if let Some(notice) = rules::renew::notice(loaded, self.today()) {
            self.say(&format!(
                "note: {notice}; `pgvigil rules renew` writes a later day"
            ));
        }
    }

    /// Lists the exclusions that no longer silence anything, because their last day has passed.
    fn tell_ended(&self, loaded: &Loaded) {
        let ended: Vec<String> = loaded
            .policy
            .exclusions
            .iter()
            .filter(|exclusion| !exclusion.is_alive(self.today()))
            .map(|exclusion| report::visible(&exclusion.id))
            .collect();
        if ended.is_empty() {
            return;
        }
        let what = match ended.len() {
            1 => "1 exclusion has ended and no longer silences anything".to_owned(),
            more => format!("{more} exclusions have ended and no longer silence anything"),
        };
        self.say(&format!("note: {what}: {}", ended.join(", ")));
    }

    /// As [`Session::sound`], of a policy that was checked.
    pub(crate) fn sound_of(&self, checked: Checked) -> Result<Loaded, Exit> {
        if checked.diagnostics.errors() == 0 {
            return Ok(checked.loaded);
        }
        self.say(
            human::render(
                &checked.loaded.files,
                &checked.diagnostics,
                self.options_err(),
            )
            .trim_end(),
        );
        self.say(&report::summary(&checked.diagnostics));
        Err(Exit::Diagnostics)
    }

    /// How problems are rendered on stderr.
    fn options_err(&self) -> human::Options {
        human::Options {
            colour: self.colour_err(),
            width: self.width_err(),
        }
    }

    /// Runs the compiled query of an environment on the canaries, before it is written or deployed.
    pub(crate) fn proven(&self, loaded: &Loaded, environment: &Environment) -> Result<(), Exit> {
        let diagnostics = rules::canary::prove(loaded, environment, self.today());
        if diagnostics.is_empty() {
            return Ok(());
        }
        self.say(human::render(&loaded.files, &diagnostics, self.options_err()).trim_end());
        self.say(&report::summary(&diagnostics));
        Err(Exit::Diagnostics)
    }

    /// Finds an environment by its name, or lists those that exist.
    pub(crate) fn environment<'a>(
        &self,
        loaded: &'a Loaded,
        name: &str,
    ) -> Result<&'a Environment, Exit> {
        loaded.policy.environment(name).ok_or_else(|| {
            let names: Vec<&str> = loaded
                .policy
                .environments
                .iter()
                .map(|e| e.name.as_str())
                .collect();
            let there_are = if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            };
            self.say(&format!(
                "error: there is no environment `{}`; there are: {there_are}",
                report::visible(name)
            ));
            Exit::Usage
        })
    }
}
