//! Words of the sentences.

use jiff::civil::Date;

/// Names that a sentence lists.
const NAMES: usize = 5;

/// `3 December 2026`
pub(super) fn day(date: Date) -> String {
    date.strftime("%-d %B %Y").to_string()
}

/// `alice, bob and carol`; `alice, bob, carol, dave and 8 others`.
pub(super) fn listed(names: &[&str]) -> String {
    let Some((last, first)) = names.split_last() else {
        return String::new();
    };
    if first.is_empty() {
        return (*last).to_owned();
    }
    if names.len() <= NAMES {
        return format!("{} and {last}", first.join(", "));
    }
    let shown = names.get(..NAMES - 1).unwrap_or_default();
    format!(
        "{} and {} others",
        shown.join(", "),
        names.len() - shown.len()
    )
}

/// Every one of them: `READ, WRITE and MISC`.
pub(super) fn all(names: &[&str]) -> String {
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
    }
}

/// `5 minutes`
pub(super) fn minutes(minutes: u32) -> String {
    amount(minutes, "minute")
}

/// `1 day`, `30 days`
pub(super) fn amount(number: u32, unit: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}
