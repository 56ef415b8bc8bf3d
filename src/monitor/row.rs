//! The rows of the alarm query.

use super::RunError;
use super::settings::Settings;
use crate::compile::query::signals_of;
use crate::policy::model::Signal;

/// What people did in one window: one row of the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Place of the log group in the settings.
    pub(super) group: usize,
    /// Account of the log group.
    pub(super) account: String,
    /// The window that the records arrived in.
    pub(super) window: i64,
    /// Who did what to what.
    pub(super) key: Key,
    /// Statements, each once.
    pub(super) statements: u64,
    /// Records: a statement has one for each relation.
    pub(super) records: u64,
    /// Time of the first record, in milliseconds since 1970.
    pub(super) first_ms: i64,
    /// Time of the last.
    pub(super) last_ms: i64,
    /// Longest time between a record and its arrival.
    pub(super) lag_ms: i64,
}

/// What makes a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) signals: Vec<Signal>,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) client: String,
    pub(super) class: String,
    pub(super) command: String,
    pub(super) object: String,
}

/// Reads a row. None for one that no enabled signal counts.
pub(super) fn read(
    settings: &Settings,
    mut fields: Vec<(String, String)>,
) -> Result<Option<Row>, RunError> {
    let mut take = |name: &str| {
        fields
            .iter_mut()
            .find(|(field, _)| field == name)
            .map(|(_, value)| std::mem::take(value))
    };
    let mut text = |name: &str| take(name).unwrap_or_else(|| "-".to_owned());
    let (class, command) = (text("class"), text("command"));
    let tampering = text("tampering");
    let (user, database, client) = (text("user"), text("database"), text("client"));
    let object = text("object");
    let tampering = !matches!(tampering.as_str(), "" | "-");
    let mut signals = signals_of(&class, &command, tampering);
    signals.retain(|signal| settings.signals.contains(signal));
    let log = take("log").unwrap_or_default();
    // `ACCOUNT:GROUP`.
    let (account, name) = log.split_once(':').unwrap_or(("", &log));
    let group = settings
        .log_groups
        .iter()
        .position(|group| group == name)
        .ok_or_else(|| refused(&format!("`log` is {}", crate::diagnostic::quote(&log))))?;
    let mut number = |name: &str| {
        let value = take(name);
        whole(value.as_deref().unwrap_or_default()).ok_or_else(|| {
            let value = value.as_deref().unwrap_or_default();
            refused(&format!("`{name}` is {}", crate::diagnostic::quote(value)))
        })
    };
    let window = number("window")?;
    let records = number("records")?.max(1).unsigned_abs();
    // Approximate where there are many: never none where there are records.
    let statements = number("statements")?.max(1).unsigned_abs();
    let (first_ms, last_ms, lag_ms) = (number("first")?, number("last")?, number("lag")?);
    if signals.is_empty() {
        return Ok(None);
    }
    Ok(Some(Row {
        group,
        account: account.to_owned(),
        window,
        key: Key {
            signals,
            user,
            database,
            client,
            class,
            command,
            object,
        },
        statements,
        records,
        first_ms,
        last_ms,
        lag_ms,
    }))
}

/// A number as the service prints it: `5984412`, `5984412.0`, `1.79E12`.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the size is looked at before"
)]
fn whole(text: &str) -> Option<i64> {
    let number: f64 = text.parse().ok()?;
    let number = number.round();
    // Up to here every whole number has a double of its own.
    (number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
}

fn refused(message: &str) -> RunError {
    RunError::Result {
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn numbers_are_read_in_every_form_of_the_service() {
        for (text, number) in [
            ("5984412", 5_984_412),
            ("5984412.0", 5_984_412),
            ("1.79E12", 1_790_000_000_000),
            ("-12", -12),
            ("0", 0),
        ] {
            assert_eq!(whole(text), Some(number), "{text}");
        }
        for text in ["", "-", "NaN", "inf", "1e300", "12 ms", "0x10"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }
}
