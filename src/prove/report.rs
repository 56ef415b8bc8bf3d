//! What a proof found, in a form that can be published.

use serde::Serialize;

use crate::doctor::canary::{Outcome, Step};

/// Version of the JSON form. A change that a reader could trip over raises it.
pub const FORMAT_VERSION: u32 = 1;

/// Characters of a value in a report at most.
const VALUE_SHOWN: usize = 80;

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "detail")]
pub enum State {
    /// The service does as we assume.
    AsAssumed,
    /// It does not. What it does instead.
    Other(String),
    /// It is not known. Why.
    NotAsked(String),
}

/// A text that was run, and compared with what our interpreter makes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextProof {
    pub name: String,
    /// Its length, in characters.
    pub characters: usize,
    /// Rows that came back.
    pub rows: usize,
    /// Whether they were compared, or only the text was seen to be taken.
    pub compared: bool,
    /// Whether every row is the same.
    #[serde(flatten)]
    pub state: State,
}

/// A question of [`crate::insights::assumed`], answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answered {
    pub name: &'static str,
    pub question: &'static str,
    pub assumed: &'static str,
    /// What rests on it.
    pub rests: Option<&'static str>,
    /// What the service says.
    #[serde(flatten)]
    pub state: State,
}

/// A step of the metric and the alarm of a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlarmStep {
    pub step: Step,
    /// What it came to.
    #[serde(flatten)]
    pub state: State,
}

/// What was made and had to be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Removed {
    /// Nothing was made, or it is gone.
    Everything,
    /// Something may be there still.
    NotEverything,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The version of pgvigil.
    pub pgvigil: &'static str,
    /// The day, in UTC.
    pub day: String,
    /// Entries of recordings that were written.
    pub entries: usize,
    /// Of these, those that were late.
    pub late: usize,
    /// What ended the proof before its end.
    pub ended_early: Option<String>,
    /// That every entry came back as it was written.
    pub stored: State,
    pub texts: Vec<TextProof>,
    /// That the judge says the same of the rows of the fetch query as of the entries themselves.
    pub judged: State,
    pub questions: Vec<Answered>,
    /// The metric and its alarm.
    pub alarm: Vec<AlarmStep>,
    /// Whether all was taken away.
    pub removed: Removed,
    /// What former runs had left behind, and this one took away.
    pub left_behind: usize,
}

impl Report {
    fn states(&self) -> impl Iterator<Item = &State> {
        let texts = self.texts.iter().map(|text| &text.state);
        let questions = self.questions.iter().map(|question| &question.state);
        let alarm = self.alarm.iter().map(|step| &step.state);
        [&self.stored, &self.judged]
            .into_iter()
            .chain(texts)
            .chain(questions)
            .chain(alarm)
    }

    /// How many questions the service answers otherwise than assumed.
    pub fn others(&self) -> usize {
        let is_other = |state: &&State| matches!(state, State::Other(_));
        self.states().filter(is_other).count()
    }

    /// How many questions nothing is known of.
    pub fn not_asked(&self) -> usize {
        let is_unknown = |state: &&State| matches!(state, State::NotAsked(_));
        self.states().filter(is_unknown).count()
    }
}

/// Takes out of a text what belongs to an account: ARNs, account numbers, and the words that are named.
#[derive(Debug, Clone)]
pub struct Scrub {
    words: Vec<(String, &'static str)>,
}

impl Scrub {
    /// Words with what stands in their place. The longest are replaced first.
    pub fn new(words: impl IntoIterator<Item = (String, &'static str)>) -> Self {
        let mut words: Vec<_> = words
            .into_iter()
            .filter(|(word, _)| !word.is_empty())
            .collect();
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        Self { words }
    }

    /// The text without them.
    pub fn clean(&self, text: &str) -> String {
        let mut text = self
            .words
            .iter()
            .fold(text.to_owned(), |text, (word, instead)| {
                text.replace(word.as_str(), instead)
            });
        while let Some(start) = text.find("arn:aws") {
            let rest = text.get(start..).unwrap_or_default();
            let end = rest
                .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ')' | ']'))
                .unwrap_or(rest.len());
            text.replace_range(start..start + end, "ARN");
        }
        without_account_numbers(&text)
    }

    /// A value of a row, as short as a report shows it.
    pub fn value(&self, value: Option<&str>) -> String {
        let Some(value) = value else {
            return "nothing".to_owned();
        };
        let clean = self.clean(value);
        match clean.char_indices().nth(VALUE_SHOWN) {
            Some((cut, _)) => format!("`{}…`", clean.get(..cut).unwrap_or_default()),
            None => format!("`{clean}`"),
        }
    }
}

/// Twelve digits in a row, and no more, are an account.
fn without_account_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut digits = String::new();
    for next in text.chars().chain(std::iter::once('\n')) {
        if next.is_ascii_digit() {
            digits.push(next);
            continue;
        }
        out.push_str(if digits.len() == 12 {
            "ACCOUNT"
        } else {
            &digits
        });
        digits.clear();
        out.push(next);
    }
    out.pop();
    out
}

impl State {
    /// What a canary's step came to. Its details name resources, and are left out where it went well.
    pub(super) fn of_step(outcome: &Outcome, scrub: &Scrub) -> Self {
        match outcome {
            Outcome::Proven(_) => Self::AsAssumed,
            Outcome::Failed(why) => Self::Other(scrub.clean(why)),
            Outcome::NotReached(why) => Self::NotAsked(scrub.clean(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_an_account_is_left() {
        let scrub = Scrub::new([
            ("/pgvigil/prove/prod/7".to_owned(), "OWN-LOG-GROUP"),
            ("prod".to_owned(), "ENVIRONMENT"),
        ]);
        assert_eq!(
            scrub.clean(
                "not allowed: arn:aws:logs:us-east-1:123456789012:log-group:/pgvigil/prove/prod/7:*, account 123456789012 in prod, \
                 1234567890123 is none"
            ),
            "not allowed: ARN, account ACCOUNT in ENVIRONMENT, 1234567890123 is none"
        );
        assert_eq!(scrub.value(Some(&"é".repeat(100))).chars().count(), 83);
        assert_eq!(scrub.value(None), "nothing");
    }
}
