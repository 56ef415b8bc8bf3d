//! Renewing exclusions: later last days, written into the existing policy files, with the person and the reason next to them.
//!
//! Nothing else of a file changes, comments and layout least of all: what is written is reviewed as a change of three lines.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::policy::Loaded;
use crate::policy::model::Exclusion;
use crate::policy::scalar::remark;
use crate::source::FileId;

/// Days before its last day from which an exclusion is said to end soon.
pub const SOON: i64 = 30;

/// Days between two last days that are set together: not everything ends at once.
const APART: i64 = 14;

/// The longest time over which last days are spread.
const SPREAD: i64 = 182;

/// A decision to keep exclusions.
#[derive(Debug, Clone, Copy)]
pub struct Renewal<'a> {
    /// The day on which it is made.
    pub today: Date,
    /// The last day; without one they are spread below the longest life that the policy allows.
    pub until: Option<Date>,
    pub by: &'a str,
    /// Why they are still needed.
    pub why: &'a str,
}

/// What becomes of one exclusion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewed {
    pub id: String,
    /// The last day so far.
    pub before: Date,
    pub until: Date,
}

/// Why nothing is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RenewError(String);

/// Last days of several entries that begin on one day and may live for `longest` days: the first gets the latest, and no two
/// end within the same fortnight as long as half a year has room for them.
pub fn spread(begin: Date, longest: i64, count: usize) -> impl Iterator<Item = Date> {
    let gaps = i64::try_from(count)
        .unwrap_or(i64::MAX)
        .saturating_sub(1)
        .max(1);
    // A short life is not made shorter than its half.
    let room = SPREAD.min(longest / 2);
    let apart = APART.min(room / gaps);
    (0..count).map(move |index| {
        let back = apart * i64::try_from(index).unwrap_or(0);
        begin
            .checked_add((longest - back.min(room)).days())
            .unwrap_or(begin)
    })
}

/// Exclusions that end within so many days, or have ended, the first to end first.
pub fn ending(loaded: &Loaded, today: Date, within: i64) -> Vec<&Exclusion> {
    let mut found: Vec<(Date, &Exclusion)> = loaded
        .policy
        .exclusions
        .iter()
        .filter_map(|exclusion| Some((exclusion.last_day()?, exclusion)))
        .filter(|(last, _)| {
            today
                .until(*last)
                .is_ok_and(|left| i64::from(left.get_days()) < within)
        })
        .collect();
    found.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
    found.into_iter().map(|(_, exclusion)| exclusion).collect()
}

/// In words, which exclusions end soon and which have ended; none where there are none.
pub fn notice(loaded: &Loaded, today: Date) -> Option<String> {
    let (ended, soon): (Vec<&Exclusion>, Vec<&Exclusion>) = ending(loaded, today, SOON)
        .into_iter()
        .partition(|exclusion| !exclusion.is_alive(today));
    let list = |exclusions: &[&Exclusion]| {
        let names: Vec<String> = exclusions
            .iter()
            .filter_map(|one| Some(format!("{} ({})", remark(&one.id), one.last_day()?)))
            .collect();
        names.join(", ")
    };
    let count = |number: usize, one: &str, more: &str| match number {
        1 => format!("1 exclusion {one}"),
        number => format!("{number} exclusions {more}"),
    };
    let mut parts = Vec::new();
    if !ended.is_empty() {
        let what = count(
            ended.len(),
            "has ended and no longer silences anything",
            "have ended and no longer silence anything",
        );
        parts.push(format!("{what}: {}", list(&ended)));
    }
    if !soon.is_empty() {
        let what = count(soon.len(), "ends within 30 days", "end within 30 days");
        parts.push(format!("{what}: {}", list(&soon)));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The files as they are to be, with what becomes of each exclusion.
///
/// # Errors
/// If a last day cannot be written: the exclusion has none so far, or the new one is not allowed.
pub fn renew(
    loaded: &Loaded,
    exclusions: &[&Exclusion],
    renewal: &Renewal<'_>,
) -> Result<(BTreeMap<FileId, String>, Vec<Renewed>), RenewError> {
    let Renewal {
        today,
        until,
        by,
        why,
    } = *renewal;
    let longest = i64::from(loaded.policy.limits.max_life_days);
    let mut last_days = spread(today, longest.min(364), exclusions.len());
    // Byte ranges of a file and what takes their place.
    let mut edits: BTreeMap<FileId, Vec<(std::ops::Range<usize>, String)>> = BTreeMap::new();
    let mut renewed = Vec::new();
    for exclusion in exclusions {
        let refused = |why: String| RenewError(format!("the exclusion `{}` {why}", exclusion.id));
        let before = exclusion
            .expires
            .ok_or_else(|| refused("has no last day: write `expires` first".to_owned()))?;
        let spread_to = last_days.next().unwrap_or(today);
        let last = until.unwrap_or(spread_to);
        if last <= before {
            return Err(refused(format!("already lasts until {before}")));
        }
        if last <= today {
            return Err(refused(format!(
                "cannot be renewed until {last}, which is not in the future"
            )));
        }
        let days = today
            .until(last)
            .map_or(0, |span| i64::from(span.get_days()));
        if days > longest {
            return Err(refused(format!(
                "would last {days} days; the limit `limits.max_life_days` is {longest}"
            )));
        }
        let (expires, created) = (
            exclusion.places.value("expires"),
            exclusion.places.value("created"),
        );
        let text = loaded.files.text(expires.file);
        if loaded.files.slice(&expires).is_empty() || created.file != expires.file {
            return Err(refused(
                "has `created` and `expires` in different places".to_owned(),
            ));
        }
        let file = edits.entry(expires.file).or_default();
        // The comment goes above the last day if that has a line of its own, otherwise above the entry.
        let line_of = |at: usize| {
            text.get(..at)
                .and_then(|head| head.rfind('\n'))
                .map_or(0, |at| at + 1)
        };
        let own = line_of(expires.span.start);
        let is_own_line = text
            .get(own..)
            .is_some_and(|line| line.trim_start().starts_with("expires"));
        let start = if is_own_line {
            own
        } else {
            line_of(exclusion.place.span.start)
        };
        let indent: String = text
            .get(start..)
            .unwrap_or_default()
            .chars()
            .take_while(|character| *character == ' ')
            .collect();
        let line = text.get(start..).and_then(|rest| rest.split('\n').next());
        let end = if line.is_some_and(|line| line.ends_with('\r')) {
            "\r\n"
        } else {
            "\n"
        };
        file.push((
            start..start,
            format!(
                "{indent}# renewed {today} until {last} by {}: {}{end}",
                remark(by.trim()),
                remark(why.trim())
            ),
        ));
        file.push((scalar(text, &expires.span), last.to_string()));
        file.push((scalar(text, &created.span), today.to_string()));
        renewed.push(Renewed {
            id: exclusion.id.clone(),
            before,
            until: last,
        });
    }
    let mut texts = BTreeMap::new();
    for (file, mut edits) in edits {
        edits.sort_by_key(|(range, _)| range.start);
        let whole = loaded.files.text(file);
        let (mut text, mut at) = (String::with_capacity(whole.len()), 0);
        for (range, with) in edits {
            text.push_str(whole.get(at..range.start).unwrap_or_default());
            text.push_str(&with);
            at = range.end;
        }
        text.push_str(whole.get(at..).unwrap_or_default());
        texts.insert(file, text);
    }
    Ok((texts, renewed))
}

/// The scalar at the beginning of a range: if it is in quotes, the reader's range includes the comment after it.
fn scalar(text: &str, span: &std::ops::Range<usize>) -> std::ops::Range<usize> {
    let written = text.get(span.clone()).unwrap_or_default();
    let length = match written.chars().next() {
        Some(quote @ ('\'' | '"')) => written
            .get(1..)
            .and_then(|inside| inside.find(quote))
            .map(|at| at + 2),
        _ => written.find(char::is_whitespace),
    };
    span.start..span.start + length.unwrap_or(written.len())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::policy::load_from;

    const RULES: &str = "version: 1
exclusions:
  # The pool's own.
  - id: probe
    title: The pool's probe   # kept
    reason: one constant
    owner: data
    created: 2026-01-10
    expires: '2026-12-20'     # a year
    environments: all
    match: {class: READ, statement: {equals: select 1}}
  - {id: flow, title: Flow, reason: r, owner: o, created: 2026-01-10, expires: 2026-12-01, environments: all, match: {class: MISC}}
  - {id: late, title: Late, reason: r, owner: o, created: 2026-11-10, expires: 2027-10-01, environments: all, match: {class: MISC}}
";

    #[test]
    fn a_last_day_is_written_where_it_stands() {
        let loaded = load_from([("rules/rules.yaml", RULES)]);
        let today = date(2026, 12, 2);
        let exclusions = ending(&loaded, today, SOON);
        let ids: Vec<&str> = exclusions.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids, ["flow", "probe"]);
        assert_eq!(
            notice(&loaded, today).unwrap(),
            "1 exclusion has ended and no longer silences anything: flow (2026-12-01); 1 exclusion ends within 30 days: probe (2026-12-20)"
        );
        let renewal = Renewal {
            today,
            until: Some(date(2027, 6, 1)),
            by: "security",
            why: "the pool\nis still there",
        };
        let (texts, renewed) = renew(&loaded, &exclusions, &renewal).unwrap();
        assert_eq!(renewed.len(), 2);
        let text = texts.values().next().unwrap();
        for line in [
            "    title: The pool's probe   # kept",
            "    created: 2026-12-02",
            "    # renewed 2026-12-02 until 2027-06-01 by security: the pool\\nis still there",
            "    expires: 2027-06-01     # a year",
            "  # renewed 2026-12-02 until 2027-06-01 by security: the pool\\nis still there",
            "  - {id: flow, title: Flow, reason: r, owner: o, created: 2026-12-02, expires: 2027-06-01, environments: all, match: {class: MISC}}",
        ] {
            assert!(text.lines().any(|known| known == line), "{line}: {text}");
        }
        // Nothing else, and the policy reads it.
        assert_eq!(text.lines().count(), RULES.lines().count() + 2);
        let again = load_from([("rules/rules.yaml", text.as_str())]);
        assert_eq!(again.diagnostics.errors(), 0, "{:?}", again.diagnostics);
        assert_eq!(notice(&again, today), None);
        for (before, after) in loaded
            .policy
            .exclusions
            .iter()
            .zip(&again.policy.exclusions)
        {
            assert_eq!(before.matcher, after.matcher);
        }
        // Too long, too short, not at all.
        for until in [date(2028, 1, 1), date(2026, 12, 1), date(2026, 12, 19)] {
            let renewal = Renewal {
                until: Some(until),
                ..renewal
            };
            assert!(renew(&loaded, &exclusions, &renewal).is_err(), "{until}");
        }
    }

    #[test]
    fn last_days_are_spread() {
        let days: Vec<Date> = spread(date(2026, 12, 2), 364, 12).collect();
        assert_eq!(days.first(), Some(&date(2027, 12, 1)));
        for pair in days.windows(2) {
            assert_eq!(pair[1].until(pair[0]).unwrap().get_days(), 14);
        }
        // Many, and a short life: never below its half.
        for (longest, count) in [(364, 400), (10, 12), (1, 3)] {
            for day in spread(date(2026, 12, 2), longest, count) {
                let life = i64::from(date(2026, 12, 2).until(day).unwrap().get_days());
                assert!(life >= longest / 2 && life <= longest && life > 0, "{life}");
            }
        }
    }
}
