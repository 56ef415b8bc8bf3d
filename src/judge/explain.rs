//! The judge's reasons: why a record counts or does not, and what each exclusion says to it.

use super::condition::{self, Test};
use super::facts::Facts;
use super::grants::GrantAnswer;
use super::judging::{Judge, Judged, Read, Scratch, Verdict, own_time};
use crate::audit_log::EntryKind;
use crate::audit_log::timestamp::{day_of, time_of};
use crate::policy::model::RoleMatch;

/// Characters of a text that are shown.
const SHOWN: usize = 160;

/// Values of a list that are shown.
const LISTED: usize = 6;

/// What an exclusion says to a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It silences the record.
    Silences,
    /// It does not: this is the first condition that does not hold.
    Fails(Failed),
    /// The record cannot be read in one way only, so no exclusion applies.
    NotRead,
}

/// A condition that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The key in the policy file, such as `statement.only_calls`.
    pub condition: &'static str,
    /// What the record has, and what was asked for.
    pub why: String,
}

/// The answer of one exclusion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleAnswer {
    pub id: String,
    pub answer: Answer,
}

/// The verdict on an entry with its reasons.
#[derive(Debug, Clone)]
pub struct Explanation<'a> {
    /// The entry with its verdict.
    pub judged: Judged<'a>,
    /// Why, in one sentence.
    pub reason: String,
    /// Every exclusion of the environment, in the order of the policy; empty where none is asked.
    pub exclusions: Vec<RuleAnswer>,
    /// Every grant of the record's role, by id; empty unless the record counts.
    pub grants: Vec<GrantAnswer>,
}

impl Judge {
    /// Judges an entry as [`Judge::judge`] does, and says why.
    pub fn explain<'a>(&self, scratch: &mut Scratch, text: &'a [u8]) -> Explanation<'a> {
        let judged = self.judge(scratch, text);
        let read = self.read(text, &judged.entry);
        let facts = match read {
            Read::Record(prefix, record) | Read::Names(prefix, record) => {
                Some(Facts::of(prefix, record, day_number_of(text)))
            }
            Read::Nothing | Read::InDoubt | Read::Refusal(_) | Read::Told(..) => None,
        };
        let exclusions = match &judged.verdict {
            Verdict::NotARecord | Verdict::OutOfScope => Vec::new(),
            Verdict::Counted | Verdict::Excluded(_) => {
                self.answers(&judged.verdict, facts.as_ref(), text)
            }
        };
        let grants = match &judged.verdict {
            Verdict::Counted => self.grant_answers(read, own_time(text)),
            _ => Vec::new(),
        };
        let reason = match &judged.verdict {
            Verdict::NotARecord => "the entry holds no audit record".to_owned(),
            Verdict::OutOfScope => self.out_of_scope(&judged.entry),
            Verdict::Excluded(by) => match by.as_slice() {
                [only] => format!("the exclusion `{only}` silences it"),
                _ => format!("the exclusions `{}` silence it", by.join("`, `")),
            },
            Verdict::Counted => match (&read, self.exclusions.is_empty()) {
                (Read::InDoubt, _) => format!(
                    "it cannot be read reliably, so it stays loud: {}",
                    doubt(&judged.entry)
                ),
                (Read::Refusal(_), _) => "an attempt was refused".to_owned(),
                (Read::Told(_, told), _) => told.reason().to_owned(),
                (_, true) => "there is no exclusion".to_owned(),
                _ => "no exclusion silences it".to_owned(),
            },
        };
        Explanation {
            judged,
            reason,
            exclusions,
            grants,
        }
    }

    fn answers(
        &self,
        verdict: &Verdict,
        facts: Option<&Facts<'_>>,
        text: &[u8],
    ) -> Vec<RuleAnswer> {
        self.exclusions
            .iter()
            .map(|exclusion| {
                let is_silent =
                    matches!(verdict, Verdict::Excluded(by) if by.contains(&exclusion.id));
                let answer = match facts {
                    _ if is_silent => Answer::Silences,
                    None => Answer::NotRead,
                    Some(facts) => Answer::Fails(self.failed(exclusion, facts, text)),
                };
                RuleAnswer {
                    id: exclusion.id.clone(),
                    answer,
                }
            })
            .collect()
    }

    /// Why an exclusion does not silence a record.
    fn failed(
        &self,
        exclusion: &super::judging::Exclusion,
        facts: &Facts<'_>,
        text: &[u8],
    ) -> Failed {
        let fail = |condition, why| Failed { condition, why };
        if self.is_protected(facts.user) {
            return fail(
                "protected",
                format!("every statement of {} counts", quote(facts.user)),
            );
        }
        if facts.tampers() {
            return fail(
                "audit",
                "it names a setting that controls the log: such a record is never silenced"
                    .to_owned(),
            );
        }
        if facts.changes_session() {
            return fail(
                "statement",
                "it changes the search path or the role: such a record is never silenced"
                    .to_owned(),
            );
        }
        if !exclusion.is_alive(facts.day) {
            let day = day_of(text).map(|day| day.to_string());
            return fail(
                "expires",
                match (exclusion.last_day.and_then(date), day) {
                    (Some(last), Some(day)) => {
                        format!("its last day was {last}, but the record is from {day}")
                    }
                    _ => "the day of the record cannot be read".to_owned(),
                },
            );
        }
        match exclusion.tests.iter().find(|test| !test.holds(facts)) {
            Some(test) => {
                let (condition, why) = condition::why(test, facts);
                fail(condition, why)
            }
            // Every condition holds for the likeliest names, and not for others that the line may mean.
            None => fail(
                names_condition(&exclusion.tests),
                "role and database can be separated in several ways, but not all of them match"
                    .to_owned(),
            ),
        }
    }

    fn out_of_scope(&self, entry: &EntryKind<'_>) -> String {
        let (user, class, command) = match entry {
            EntryKind::Audit { prefix, record, .. } => (prefix.user, record.class, record.command),
            EntryKind::Other { prefix, .. } => (prefix.user, prefix.level, &b""[..]),
            EntryKind::Suspicious { .. } | EntryKind::Foreign(_) => {
                return "no signal counts it".to_owned();
            }
        };
        match self.roles.iter().find(|account| account.takes(user)) {
            Some(RoleMatch::Name(name)) => {
                format!("the service account `{name}` is deliberately not audited")
            }
            Some(RoleMatch::Pattern(pattern)) => {
                format!("the service accounts that match `{pattern}` are deliberately not audited")
            }
            None => format!(
                "no signal counts the class {} with the command {}",
                quote(class),
                quote(command)
            ),
        }
    }
}

fn names_condition(tests: &[Test]) -> &'static str {
    use crate::policy::model::Field;
    let asks_user = tests
        .iter()
        .any(|test| matches!(test, Test::OneOf(Field::User, _)));
    if asks_user {
        Field::User.key()
    } else {
        Field::Database.key()
    }
}

/// Why an entry cannot be read for certain.
fn doubt(entry: &EntryKind<'_>) -> String {
    match entry {
        EntryKind::Audit {
            doubt: Some(doubt), ..
        } => doubt.to_string(),
        EntryKind::Audit { doubt: None, .. } => {
            "a name contains `:`, `[` or `]`, so it can look like the rest of the line".to_owned()
        }
        EntryKind::Suspicious { reason, .. } => reason.to_string(),
        EntryKind::Foreign(mismatch) => mismatch.to_string(),
        EntryKind::Other { .. } => "it is not an audit record".to_owned(),
    }
}

fn day_number_of(text: &[u8]) -> Option<i32> {
    i32::try_from(time_of(text).div_euclid(86_400_000)).ok()
}

fn date(days: i32) -> Option<jiff::civil::Date> {
    let epoch = jiff::civil::date(1970, 1, 1);
    epoch
        .checked_add(jiff::Span::new().try_days(days).ok()?)
        .ok()
}

/// Values in backticks, the first few of them; an empty one is `none`.
pub(super) fn any_of<'v>(values: impl Iterator<Item = &'v [u8]>) -> String {
    let mut values: Vec<&[u8]> = values.collect();
    values.sort_unstable();
    let mut names: Vec<String> = values
        .iter()
        .take(LISTED)
        .map(|value| {
            if value.is_empty() {
                "none".to_owned()
            } else {
                quote(value)
            }
        })
        .collect();
    if values.len() > LISTED {
        names.push(format!("{} more", values.len() - LISTED));
    }
    names.join(", ")
}

/// The text around the place where a part of it stands, in backticks.
pub(super) fn around(text: &[u8], part: &[u8]) -> String {
    let lower = text.to_ascii_lowercase();
    let at = memchr::memmem::find(&lower, &part.to_ascii_lowercase()).unwrap_or(0);
    let start = at.saturating_sub(SHOWN / 4);
    let end = (at + part.len() + SHOWN / 4).min(text.len());
    quote(text.get(start..end).unwrap_or(text))
}

/// The text from a byte on.
pub(super) fn behind(text: &[u8], at: usize) -> &[u8] {
    let end = (at + SHOWN / 2).min(text.len());
    text.get(at.min(text.len())..end).unwrap_or_default()
}

/// A text of the log in backticks: one line, shortened in the middle.
pub fn quote(text: &[u8]) -> String {
    format!("`{}`", shorten(text, SHOWN))
}

/// A text of the log on one line, with `…` in the middle where it is longer than `most` characters.
/// What a terminal would obey is spelt out by the report, and line breaks are here.
pub fn shorten(text: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(text);
    let line: String = text
        .chars()
        .flat_map(|character| match character {
            '\n' | '\r' | '\t' => character.escape_default().collect::<Vec<_>>(),
            _ => vec![character],
        })
        .collect();
    let length = line.chars().count();
    if length <= most {
        return line;
    }
    let half = most / 2;
    let start: String = line.chars().take(half).collect();
    let end: String = line.chars().skip(length - half).collect();
    format!("{start} … {end}")
}
