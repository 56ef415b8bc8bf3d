//! What every command shares: the repository, the day, and where words go.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use jiff::Zoned;
use jiff::civil::Date;
use pgvigil::check;
use pgvigil::compile;
use pgvigil::diagnostic::Diagnostics;
use pgvigil::policy::{self, Loaded};
use pgvigil::policy::model::Environment;
use pgvigil::report::{self, github, human, json};

use crate::args::{Color, DiagnosticFormat, Global};
use crate::exit::Exit;

/// One run of the program.
pub(crate) struct Session {
    global: Global,
    today: Date,
}

/// A policy that was read, with everything that is wrong with it.
pub(crate) struct Checked {
    pub(crate) loaded: Loaded,
    pub(crate) diagnostics: Diagnostics,
}

impl Session {
    pub(crate) fn new(global: Global) -> Self {
        let today = global.today.unwrap_or_else(|| Zoned::now().date());
        Self { global, today }
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
            Color::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        }
    }

    /// Columns of the terminal; 100 where there is none.
    pub(crate) fn width(&self) -> usize {
        std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(100)
    }

    /// Prints a result. A reader that has gone away ends the program quietly.
    pub(crate) fn print(&self, text: &str) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write to stdout")
    }

    /// Says something that is no result.
    pub(crate) fn say(&self, text: &str) {
        // Where even stderr is gone, nobody is left to tell.
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Reads and checks the policy.
    pub(crate) fn check(&self) -> anyhow::Result<Checked> {
        let loaded = policy::load(self.root())?;
        let mut diagnostics = check::run(&loaded, self.today);
        diagnostics.extend(compile::limits(&loaded));
        diagnostics.sort();
        Ok(Checked { loaded, diagnostics })
    }

    /// Renders faults.
    pub(crate) fn render(&self, checked: &Checked, format: DiagnosticFormat, colour: bool) -> String {
        let (files, diagnostics) = (&checked.loaded.files, &checked.diagnostics);
        match format {
            DiagnosticFormat::Human => {
                human::render(files, diagnostics, human::Options { colour, width: self.width() })
            }
            DiagnosticFormat::Json => json::render(files, diagnostics),
            DiagnosticFormat::Github => github::render(files, diagnostics),
        }
    }

    /// Reads and checks the policy for a command that needs a sound one: faults go to stderr, and
    /// errors end the command.
    pub(crate) fn sound(&self) -> anyhow::Result<Result<Loaded, Exit>> {
        let checked = self.check()?;
        if checked.diagnostics.errors() == 0 {
            return Ok(Ok(checked.loaded));
        }
        self.say(self.render(&checked, DiagnosticFormat::Human, self.colour_err()).trim_end());
        self.say(&report::summary(&checked.diagnostics));
        Ok(Err(Exit::Diagnostics))
    }

    /// Finds an environment by its name, or says which there are.
    pub(crate) fn environment<'a>(&self, loaded: &'a Loaded, name: &str) -> Result<&'a Environment, Exit> {
        loaded.policy.environment(name).ok_or_else(|| {
            let names: Vec<&str> = loaded.policy.environments.iter().map(|e| e.name.as_str()).collect();
            self.say(&format!(
                "error: there is no environment `{}`; there are: {}",
                report::visible(name),
                names.join(", ")
            ));
            Exit::Usage
        })
    }

    /// Tells why the program failed.
    pub(crate) fn failure(&self, error: &anyhow::Error) -> Exit {
        if let Some(io) = error.root_cause().downcast_ref::<std::io::Error>()
            && io.kind() == std::io::ErrorKind::BrokenPipe
        {
            return Exit::Clean;
        }
        let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
        self.say(&format!("error: {}", report::visible(&causes.join(": "))));
        Exit::Failed
    }
}
