//! What every command shares: the repository, the day, and where words go.

use std::cell::RefCell;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use jiff::civil::Date;
use jiff::{Timestamp, ZonedDateTime};
use pgvigil::report;
use pgvigil::report::escape::inert;
use pgvigil::report::plan::human::Style;

use crate::args::{Color, Global};
use crate::exit::Exit;
use crate::terminal::aside;

/// One run of the program.
pub(crate) struct Session {
    global: Global,
    today: Date,
    /// Collects what would go to stdout, if set.
    collected: RefCell<Option<String>>,
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

    /// The present moment; the first of the day that the person named.
    pub(crate) fn now(&self) -> Timestamp {
        let named = self.global.today;
        let named = named.and_then(|day| format!("{day}T00:00:00Z").parse().ok());
        named.unwrap_or_else(Timestamp::now)
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

    /// How plans and reports are drawn on stdout.
    pub(crate) fn style(&self) -> Style {
        Style {
            width: self.width(),
            colour: self.colour_out(),
        }
    }

    /// The same for what goes to stderr.
    pub(crate) fn width_err(&self) -> usize {
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
