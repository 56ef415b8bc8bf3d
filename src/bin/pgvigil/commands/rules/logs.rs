//! The logs that a command judges: how they were written, and what could not be read of them.

use std::path::PathBuf;

use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::audit_log::reader::{Inputs, ReadReport, Template};
use pgvigil::diagnostic::count;
use pgvigil::judge::Rules;
use pgvigil::policy::Loaded;
use pgvigil::report::visible;

use crate::exit::Exit;
use crate::session::Session;

/// With which `log_line_prefix` logs were written, if it is not the environment's.
#[derive(Default)]
pub(crate) struct Written {
    /// One of RDS's two.
    pub(crate) prefix: Option<LogLinePrefix>,
    pub(crate) template: Option<Template>,
}

impl Written {
    /// Reads the value of the option.
    pub(crate) fn parse(session: &Session, prefix: Option<&str>) -> Result<Self, Exit> {
        let Some(prefix) = prefix else {
            return Ok(Self::default());
        };
        if let Ok(prefix) = prefix.parse() {
            return Ok(Self {
                prefix: Some(prefix),
                template: None,
            });
        }
        match prefix.parse() {
            Ok(template) => Ok(Self {
                prefix: None,
                template: Some(template),
            }),
            Err(error) => {
                session.say(&format!("error: {}", visible(&error.to_string())));
                Err(Exit::Usage)
            }
        }
    }
}

/// The rules of an environment, for logs of its own or another prefix.
pub(crate) fn rules(
    session: &Session,
    loaded: &Loaded,
    env: &str,
    prefix: Option<&str>,
) -> Result<Rules, Exit> {
    let environment = session.environment(loaded, env)?;
    let mut rules = Rules::of(&loaded.policy, environment);
    if let Some(prefix) = prefix {
        match prefix.parse::<LogLinePrefix>() {
            Ok(prefix) => rules.prefix = prefix,
            Err(error) => {
                session.say(&format!("error: {error}"));
                return Err(Exit::Usage);
            }
        }
    }
    Ok(rules)
}

/// Refuses a log that does not exist.
pub(crate) fn missing_log(session: &Session, logs: &[PathBuf]) -> Result<(), Exit> {
    let is_missing = |path: &&PathBuf| path.as_os_str() != "-" && !path.exists();
    let Some(missing) = logs.iter().find(is_missing) else {
        return Ok(());
    };
    session.say(&format!(
        "error: there is no log `{}`",
        visible(&missing.to_string_lossy())
    ));
    Err(Exit::Usage)
}

/// The exit code of a command that did its work on the logs that could be read.
pub(crate) fn ended(report: &ReadReport) -> Exit {
    if report.broken_count > 0 {
        Exit::Failed
    } else if report.is_unread() {
        Exit::Unread
    } else {
        Exit::Clean
    }
}

/// Problems of the input that make the result unreliable, a sentence each.
pub(crate) fn problems(inputs: &Inputs, report: &ReadReport) -> Vec<String> {
    report
        .sentences(inputs)
        .iter()
        .map(|text| visible(text))
        .collect()
}

/// Reports the parts of the input that are not log entries. Without this, no output would look like a verdict.
pub(crate) fn tell(session: &Session, inputs: &Inputs, report: &ReadReport) {
    let name = |file: usize| {
        inputs
            .sources()
            .get(file)
            .map_or_else(String::new, |source| visible(&source.name()))
    };
    let sentences = problems(inputs, report);
    for sentence in sentences.iter().take(20) {
        session.say(&format!("warning: {sentence}"));
    }
    if sentences.len() > 20 {
        session.say(&format!(
            "… and {} beyond these",
            count(sentences.len() - 20, "warning")
        ));
    }
    if report.converted > 0 {
        session.say(&format!(
            "note: entries with the other prefix that RDS offers: {}; they were read",
            report.converted
        ));
    }
    if report.truncated > 0 {
        session.say(&format!(
            "note: entries that the server has truncated: {}; records among them count",
            report.truncated
        ));
    }
    for broken in report.broken.iter().take(10) {
        session.say(&format!(
            "warning: {}:{}: {}",
            name(broken.file),
            broken.line,
            visible(&broken.what)
        ));
    }
    for foreign in report.foreign.iter().take(3) {
        let text: String = String::from_utf8_lossy(&foreign.text)
            .chars()
            .take(60)
            .collect();
        session.say(&format!(
            "note: {}:{}: not a log entry: {}",
            name(foreign.file),
            foreign.line,
            visible(&text)
        ));
    }
    if report.broken_count > 0 || report.foreign_count > 0 {
        session.say(&format!(
            "{} outside log entries, {} read; {}",
            count(report.foreign_count, "text fragment"),
            count(report.entries, "entry"),
            count(report.broken_count, "input error")
        ));
    }
}
