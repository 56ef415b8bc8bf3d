//! What every command shares: the repository, the day, and where words go.

use std::cell::RefCell;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use jiff::ZonedDateTime;
use jiff::civil::Date;
use pgvigil::check;
use pgvigil::compile;
use pgvigil::diagnostic::{Code, Diagnostics, count};
use pgvigil::policy::model::Environment;
use pgvigil::policy::{self, Loaded};
use pgvigil::report::escape::inert;
use pgvigil::report::{self, github, human, json};
use pgvigil::rules;

use crate::args::{Color, DiagnosticFormat, Global};
use crate::exit::{Exit, Ran};
use crate::progress::{Activity, aside};

/// One run of the program.
pub(crate) struct Session {
    global: Global,
    today: Date,
    /// Collects what would go to stdout, if set.
    collected: RefCell<Option<String>>,
}

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
}

impl Checked {
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
    pub(crate) fn new(global: Global) -> Self {
        let today = global.today.unwrap_or_else(|| ZonedDateTime::now().date());
        Self {
            global,
            today,
            collected: RefCell::new(None),
        }
    }

    /// The same with the current day, for a command that runs for many days.
    pub(crate) fn renewed(&self) -> Self {
        Self::new(self.global.clone())
    }

    /// The same in another folder.
    pub(crate) fn at(&self, root: &Path) -> Self {
        let mut other = Self::new(self.global.clone());
        other.global.root = root.to_owned();
        other
    }

    /// The folder of the policy repository.
    pub(crate) fn root(&self) -> &Path {
        &self.global.root
    }

    /// The day on which dates are judged.
    pub(crate) fn today(&self) -> Date {
        self.today
    }

    /// Whether progress and hints are wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.global.quiet
    }

    /// Whether what goes to stdout is coloured.
    pub(crate) fn colour_out(&self) -> bool {
        self.colour(std::io::stdout().is_terminal())
    }

    /// Whether what goes to stderr is coloured.
    pub(crate) fn colour_err(&self) -> bool {
        self.colour(std::io::stderr().is_terminal())
    }

    fn colour(&self, is_terminal: bool) -> bool {
        match self.global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                is_terminal
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && std::env::var_os("TERM").is_none_or(|value| value != "dumb")
            }
        }
    }

    /// Columns for results: those of the terminal, or what COLUMNS says instead; 100 without a terminal.
    pub(crate) fn width(&self) -> usize {
        columns(terminal_size::terminal_size_of(std::io::stdout()))
    }

    /// The same for what goes to stderr.
    fn width_err(&self) -> usize {
        columns(terminal_size::terminal_size_of(std::io::stderr()))
    }

    /// Prints a result. A reader that has gone away ends the program quietly, and a pipeline's runner finds no command in it.
    pub(crate) fn print(&self, text: &str) -> anyhow::Result<()> {
        self.hand_out(&inert(text))
    }

    /// Prints what another program reads, byte for byte: a script, or commands for a runner.
    pub(crate) fn hand_out(&self, text: &str) -> anyhow::Result<()> {
        if let Some(collected) = self.collected.borrow_mut().as_mut() {
            collected.push_str(text);
            return Ok(());
        }
        aside(|| {
            let mut out = std::io::stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        })
        .context("cannot write to stdout")
    }

    /// Prints a result that the exit code shows too: a closed stdout changes nothing.
    pub(crate) fn show(&self, text: &str) -> anyhow::Result<()> {
        match self.print(text) {
            Err(error) if is_broken_pipe(&error) => Ok(()),
            other => other,
        }
    }

    /// The same for output that another program reads, byte for byte.
    pub(crate) fn show_exactly(&self, text: &str) -> anyhow::Result<()> {
        match self.hand_out(text) {
            Err(error) if is_broken_pipe(&error) => Ok(()),
            other => other,
        }
    }

    /// Runs a function and returns its result, with the text that it printed.
    pub(crate) fn collect<T>(&self, run: impl FnOnce() -> T) -> (T, String) {
        let outer = self.collected.replace(Some(String::new()));
        let result = run();
        (result, self.collected.replace(outer).unwrap_or_default())
    }

    /// Asks on the terminal for a `yes`. Without a terminal the answer is no.
    pub(crate) fn is_agreed(&self, question: &str) -> anyhow::Result<bool> {
        self.is_typed(question, "yes")
    }

    /// Asks on the terminal for exactly this word. Without a terminal the answer is no.
    pub(crate) fn is_typed(&self, question: &str, word: &str) -> anyhow::Result<bool> {
        if !std::io::stdin().is_terminal() {
            self.say("error: there is no terminal to ask for approval: use --auto-approve");
            return Ok(false);
        }
        let mut terminal = std::io::stderr().lock();
        write!(terminal, "{question} Only `{word}` is accepted: ").context("cannot ask")?;
        terminal.flush().context("cannot ask")?;
        let mut answer = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut answer)
            .context("cannot read the answer")?;
        Ok(answer.trim() == word)
    }

    /// Prints a message on stderr.
    pub(crate) fn say(&self, text: &str) {
        // If even stderr is closed, there is no way to report it.
        let _ = aside(|| writeln!(std::io::stderr().lock(), "{}", inert(text)));
    }

    /// Prints a hint on stderr; nothing with `--quiet`.
    pub(crate) fn hint(&self, text: &str) {
        if !self.is_quiet() {
            self.say(text);
        }
    }

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
        let today = self.today;
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

    /// Renders the problems.
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
        if let Some(notice) = rules::renew::notice(loaded, self.today) {
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
            .filter(|exclusion| !exclusion.is_alive(self.today))
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
        let diagnostics = rules::canary::prove(loaded, environment, self.today);
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

    /// Prints why the program failed.
    pub(crate) fn failure(&self, error: &anyhow::Error) -> Exit {
        if is_broken_pipe(error) {
            return Exit::Clean;
        }
        let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
        self.say(&format!("error: {}", report::visible(&causes.join(": "))));
        Exit::Failed
    }
}

/// A table needs at least this many columns.
const NARROWEST: usize = 40;

fn columns(terminal: Option<(terminal_size::Width, terminal_size::Height)>) -> usize {
    let asked = std::env::var("COLUMNS").ok();
    asked
        .and_then(|columns| columns.parse().ok())
        .or(terminal.map(|(terminal_size::Width(columns), _)| usize::from(columns)))
        .unwrap_or(100)
        .max(NARROWEST)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.root_cause().downcast_ref::<std::io::Error>();
    io.is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}
