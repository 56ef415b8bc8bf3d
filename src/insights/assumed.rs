//! What is assumed of the service where AWS's documents leave a question open, each with a probe: a query over known
//! entries and the answer that we expect. The interpreter gives these answers, and `pgvigil prove` asks a real account.
//!
//! No account has answered yet: every answer here is *assumed*, for the reason that stands beside it. Most questions are
//! asked although nothing rests on them, since the texts that we send avoid them ([`open_questions`](fn@super::open_questions)): a known
//! answer would allow simpler texts.

use super::likeness::values;
use super::program::Table;

/// Log stream of the probes' entries.
pub const STREAM: &str = "probes";

/// Entries of the probe that asks for a second page: more than GetQueryResults returns in one (10,000).
const MANY: usize = 10_100;

/// Bytes of the longest entry.
const LONG: usize = 250_000;

/// Characters of the longest text that StartQuery takes (CloudWatch Logs API, `StartQuery`, `queryString`).
const LONGEST_TEXT: usize = 10_000;

/// A question that AWS's documents leave open, and the answer that is assumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumption {
    /// A word for it, which stays the same over versions.
    pub name: &'static str,
    pub question: &'static str,
    pub answer: &'static str,
    pub reason: &'static str,
    /// What of pgvigil would be wrong with another answer; nothing where every text avoids the question.
    pub rests: Option<&'static str>,
    /// How the service is asked.
    pub probe: Probe,
}

/// A query over the probes' entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What StartQuery is given.
    pub text: String,
    pub range: Range,
    /// What must come back.
    pub expected: Expected,
    /// Whether our interpreter takes the text. It refuses what AWS does not document.
    pub interpreted: bool,
}

/// The time of a probe, from the first second of the probes' entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// Up to the moment of the question.
    UntilNow,
    /// Up to this second, which is written as the last.
    UntilSecond(i64),
    /// Up to two hours after the moment of the question.
    TwoHoursAhead,
}

/// What a probe must bring back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// These rows. Their order counts where the text sorts.
    Rows(Vec<Vec<Option<String>>>),
    /// One number in these bounds.
    Between(u64, u64),
    Count(usize),
    /// The service must not take the text.
    Refused,
}

impl Expected {
    /// Says whether an answer is the expected one. `answer` is a result, or nothing where the service does not take the
    /// text. The order of rows counts where the text sorts.
    #[must_use]
    pub fn is_met(&self, text: &str, answer: Option<&Table>) -> bool {
        let Some(table) = answer else {
            return *self == Self::Refused;
        };
        match self {
            Self::Refused => false,
            Self::Count(count) => table.rows.len() == *count,
            Self::Between(least, most) => match table.rows.as_slice() {
                [row] => row
                    .iter()
                    .flatten()
                    .filter_map(|value| value.parse::<f64>().ok())
                    .any(|number| (*least as f64..=*most as f64).contains(&number)),
                _ => false,
            },
            Self::Rows(expected) => {
                let sorted = |rows: &[Vec<Option<String>>]| {
                    let mut rows: Vec<Vec<String>> = rows.iter().map(|row| values(row)).collect();
                    if !text.contains("\n| sort ") {
                        rows.sort_unstable();
                    }
                    rows
                };
                sorted(expected) == sorted(&table.rows)
            }
        }
    }
}

/// An entry that the probes look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeEntry {
    /// Its time, in milliseconds after the first second of the probes' entries. Some are two hours later than it.
    pub offset_ms: i64,
    pub message: String,
}

/// Seconds between the first probe's entry and the moment of the questions.
pub const PROBED_SECONDS_AGO: i64 = 60 * 60;

/// The entries of all probes, in the order of their times.
#[must_use]
pub fn entries() -> Vec<ProbeEntry> {
    let mut entries = Vec::new();
    let mut add = |offset_ms: i64, message: &str| {
        entries.push(ProbeEntry {
            offset_ms,
            message: message.to_owned(),
        });
    };
    add(0, "missing color=red");
    add(1, "missing color=blue");
    add(2, "missing nothing");
    add(10, "group b");
    add(20, "lines a\nb");
    add(30, "choice ab");
    add(40, "accent é");
    add(41, "digits 123");
    add(42, "slash a/b");
    add(50, "quotes \"\"a\"\"");
    add(60, "order 9");
    add(61, "order 10..");
    add(70, "pair same");
    add(70, "pair same");
    add(80, "latest v=b");
    add(81, "latest v=a");
    add(1_123, "clock");
    add(2_000, "return a\r\nb");
    add(3_000, r#"{"probe":"json","person":"alice","statements":3}"#);
    add(4_000, &format!("long {}", "x".repeat(LONG - 5)));
    for number in 0..60 {
        add(5_000 + number, &format!("few id={}", number % 30));
    }
    for number in 0..MANY {
        let offset = 10_000 + i64::try_from(number).unwrap_or_default();
        add(offset, &format!("many id={number}"));
    }
    add(600_900, "end of a second");
    add(
        PROBED_SECONDS_AGO * 1_000 + 60 * 60 * 1_000,
        "an hour ahead",
    );
    entries
}

fn rows(rows: &[&[&str]]) -> Expected {
    let row = |row: &&[&str]| row.iter().map(|cell| Some((*cell).to_owned())).collect();
    Expected::Rows(rows.iter().map(row).collect())
}

/// A text that our interpreter takes too, over all entries.
fn probe(text: &str, expected: Expected) -> Probe {
    Probe {
        text: text.to_owned(),
        range: Range::UntilNow,
        expected,
        interpreted: true,
    }
}

/// A text that only the service takes.
fn only_there(text: &str, expected: Expected) -> Probe {
    Probe {
        interpreted: false,
        ..probe(text, expected)
    }
}

/// The number of the entries that a condition holds for.
fn counted(condition: &str, count: u64) -> Probe {
    let text = format!("filter {condition}\n| stats count(*) as n");
    probe(&text, rows(&[&[&count.to_string()]]))
}

/// A text of so many characters, some of which are of two bytes.
fn padded(length: usize) -> String {
    let query = "filter @message like 'clock'\n| stats count(*) as n";
    let heading = "# é";
    let padding = length.saturating_sub(heading.chars().count() + 1 + query.chars().count());
    format!("{heading}{}\n{query}", "é".repeat(padding))
}

const COLOR: &str = "filter @message like 'missing '\n| parse @message /color=(?<color>[a-z]+)/";

const TEXTS: &str = "the fetch query and the saved queries";
const FETCH: &str = "the fetch query";
const SAVED: &str = "the saved queries";

/// The reference page of what is assumed.
#[must_use]
pub fn render_reference() -> String {
    let mut page = String::from(
        "# What is assumed of CloudWatch Logs Insights\n\nGenerated from `src/insights/assumed.rs`. AWS's documents \
         leave these questions open. No account has answered them yet: every answer is *assumed*, for the reason \
         next to it.\n`pgvigil prove` tests each of them on a real account ([prove.md](prove.md)).\n\n| name | \
         question | assumed | reason | what depends on it |\n| --- | --- | --- | --- | --- |\n",
    );
    for one in assumptions() {
        let cells = [
            one.name,
            one.question,
            one.answer,
            one.reason,
            one.rests.unwrap_or("nothing"),
        ];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        page.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    page
}

#[must_use]
pub fn assumptions() -> Vec<Assumption> {
    let mut all = missing_fields();
    all.extend(conditions());
    all.extend(expressions());
    all.extend(functions());
    all.extend(figures());
    all.extend(times());
    all.extend(sizes());
    all
}

fn missing_fields() -> Vec<Assumption> {
    let missing = |what: &str, expected| probe(&format!("{COLOR}\n| {what}"), expected);
    vec![
        Assumption {
            name: "missing-not-equal",
            question: "Does `color != 'red'` hold for an entry that has no `color`?",
            answer: "no",
            reason: "an operator of many clusters saw a bare `!=` drop such entries; SQL has it so",
            rests: None,
            probe: missing("filter color != 'red'\n| display color", rows(&[&["blue"]])),
        },
        Assumption {
            name: "missing-not-like",
            question: "Does `color not like /red/` hold for an entry that has no `color`?",
            answer: "no",
            reason: "as for `!=`",
            rests: None,
            probe: missing(
                "filter color not like /red/\n| display color",
                rows(&[&["blue"]]),
            ),
        },
        Assumption {
            name: "missing-isempty",
            question: "Is `isempty(color)` 1 for an entry that has no `color`?",
            answer: "yes",
            reason: "AWS's page of functions: it returns 1 if the field is missing or an empty text",
            rests: Some(TEXTS),
            probe: missing(
                "filter isempty(color) = 1\n| display @message",
                rows(&[&["missing nothing"]]),
            ),
        },
        Assumption {
            name: "missing-coalesce",
            question: "Does `coalesce(color, @message)` pass over a field that is missing?",
            answer: "yes",
            reason: "AWS's page of functions: it returns the first value that is not null",
            rests: Some(TEXTS),
            probe: missing(
                "fields coalesce(color, @message) as got\n| display got",
                rows(&[&["red"], &["blue"], &["missing nothing"]]),
            ),
        },
        Assumption {
            name: "missing-key",
            question: "Do entries without `color` form a group of `stats … by color`?",
            answer: "yes, one without a name",
            reason: "SQL has it so",
            rests: None,
            probe: missing(
                "stats count(*) as n by color",
                Expected::Rows(vec![
                    vec![Some("red".to_owned()), Some("1".to_owned())],
                    vec![Some("blue".to_owned()), Some("1".to_owned())],
                    vec![None, Some("1".to_owned())],
                ]),
            ),
        },
        Assumption {
            name: "missing-order",
            question: "Where does `sort color desc` put an entry that has no `color`?",
            answer: "last",
            reason: "a missing value as the smallest of all",
            rests: None,
            probe: missing(
                "fields coalesce(color, 'none') as shown\n| sort color desc\n| display shown",
                rows(&[&["red"], &["blue"], &["none"]]),
            ),
        },
        Assumption {
            name: "missing-concat",
            question: "What is `concat(color, '!')` where `color` is missing?",
            answer: "missing",
            reason: "as most functions of SQL",
            rests: None,
            probe: missing(
                "fields concat(color, '!') as got\n| fields coalesce(got, 'none') as shown\n| display shown",
                rows(&[&["red!"], &["blue!"], &["none"]]),
            ),
        },
        Assumption {
            name: "group-without-part",
            question: "Is the name of a group missing that takes no part in a match?",
            answer: "yes",
            reason: "regular expressions of Java give null for it",
            rests: None,
            probe: probe(
                "filter @message like 'group '\n| parse @message /group (?<a>x)?(?<b>b)/\n\
                 | fields coalesce(a, 'none') as got\n| display got",
                rows(&[&["none"]]),
            ),
        },
        Assumption {
            name: "json-fields",
            question: "Are the keys of an entry that is a JSON object its fields?",
            answer: "yes",
            reason: "AWS's page of discovered fields",
            rests: Some("the saved query of detections, and the dashboard's table of them"),
            probe: only_there(
                "filter probe = 'json'\n| display person, statements",
                rows(&[&["alice", "3"]]),
            ),
        },
    ]
}

fn conditions() -> Vec<Assumption> {
    vec![
        Assumption {
            name: "precedence",
            question: "Does `and` bind tighter than `or`?",
            answer: "yes",
            reason: "as in SQL and most other languages",
            rests: None,
            probe: only_there(
                "filter @message like 'missing ' or @message like 'clock' and @message like 'nowhere'\n\
                 | stats count(*) as n",
                rows(&[&["3"]]),
            ),
        },
        Assumption {
            name: "unary-not",
            question: "Does `not (…)` turn the whole condition over?",
            answer: "yes",
            reason: "its plain reading; people report other results without the parentheses",
            rests: None,
            probe: counted(
                "@message like 'missing ' and not (@message like 'red' or @message like 'blue')",
                1,
            ),
        },
        Assumption {
            name: "text-case",
            question: "Does `like 'Clock'` find `clock`?",
            answer: "no",
            reason: "AWS's page of `filter`: matches are case-sensitive, and `(?i)` is for the others",
            rests: Some(TEXTS),
            probe: counted("@message like 'Clock'", 0),
        },
        Assumption {
            name: "equality-case",
            question: "Does `color = 'RED'` hold for `red`?",
            answer: "no",
            reason: "as for `like`",
            rests: Some(TEXTS),
            probe: probe(
                &format!("{COLOR}\n| filter color = 'RED'\n| stats count(*) as n"),
                rows(&[&["0"]]),
            ),
        },
        Assumption {
            name: "list-case",
            question: "Does `color in ['RED', 'blue']` hold for `red`?",
            answer: "no",
            reason: "as for `=`",
            rests: Some(TEXTS),
            probe: probe(
                &format!("{COLOR}\n| filter color in ['RED', 'blue']\n| display color"),
                rows(&[&["blue"]]),
            ),
        },
        Assumption {
            name: "comments",
            question: "Are lines that begin with `#` passed over, also between two stages?",
            answer: "yes",
            reason: "AWS's page of the syntax says so of lines; its examples have them in front",
            rests: Some(SAVED),
            probe: probe(
                "# before\nfilter @message like 'clock'\n# between\n| stats count(*) as n",
                rows(&[&["1"]]),
            ),
        },
    ]
}

fn expressions() -> Vec<Assumption> {
    vec![
        Assumption {
            name: "expression-case",
            question: "Does `/CLOCK/` find `clock`?",
            answer: "no",
            reason: "AWS's page of `filter`: `(?i)` makes it so",
            rests: Some(TEXTS),
            probe: counted("@message like /CLOCK/", 0),
        },
        Assumption {
            name: "expression-flag",
            question: "Does `/(?i)CLOCK/` find `clock`?",
            answer: "yes",
            reason: "AWS's page of `filter`",
            rests: Some(FETCH),
            probe: counted("@message like /(?i)CLOCK/", 1),
        },
        Assumption {
            name: "dot-and-line-break",
            question: "Does `.` stand for a line break?",
            answer: "no",
            reason: "Java, PCRE, Hyperscan and RE2 have it so by default",
            rests: None,
            probe: counted("@message like /lines a.b/", 0),
        },
        Assumption {
            name: "class-and-line-break",
            question: "Do `[\\s\\S]` and `[^x]` stand for a line break?",
            answer: "yes",
            reason: "every engine has it so",
            rests: Some(TEXTS),
            probe: counted("@message like /lines[\\s\\S]a[^x]b/", 1),
        },
        Assumption {
            name: "start-of-text",
            question: "Does `^` also match after a line break?",
            answer: "no",
            reason: "every engine has it so without the flag `m`",
            rests: Some(TEXTS),
            probe: counted("@message like /^b/", 0),
        },
        Assumption {
            name: "end-of-text",
            question: "Does `$` also match before a line break inside the text?",
            answer: "no",
            reason: "as for `^`",
            rests: Some(TEXTS),
            probe: counted("@message like /lines a$/", 0),
        },
        Assumption {
            name: "first-choice",
            question: "Does `(a|ab)` take the first choice that matches, or the longest?",
            answer: "the first",
            reason: "Java, PCRE and RE2 have it so",
            rests: None,
            probe: probe(
                "filter @message like 'choice '\n| parse @message /choice (?<got>a|ab)/\n| display got",
                rows(&[&["a"]]),
            ),
        },
        Assumption {
            name: "repetition",
            question: "Is `[0-9]{3}` three digits, and `\\/` a slash?",
            answer: "yes",
            reason: "every engine has it so; AWS's pages show neither",
            rests: Some(TEXTS),
            probe: counted("@message like /digits [0-9]{3}$|slash a\\/b$/", 2),
        },
        Assumption {
            name: "characters",
            question: "Does a negated class stand for characters beyond ASCII?",
            answer: "yes",
            reason: "every engine has it so, one of bytes for each byte of a character",
            rests: Some(FETCH),
            probe: counted("@message like /accent [^ -~]+$/", 1),
        },
        Assumption {
            name: "line-break-kept",
            question: "Does an entry keep its carriage returns and line breaks?",
            answer: "yes",
            reason: "PutLogEvents takes any text",
            rests: Some("the judge: a statement of several lines is read as it was written"),
            probe: counted("@message like /return a\\r\\nb$/", 1),
        },
    ]
}

fn functions() -> Vec<Assumption> {
    vec![
        Assumption {
            name: "replace-all",
            question: "Does `replace` take every place, and is `'\"\"'` a text of two quotes?",
            answer: "yes",
            reason: "AWS's page of functions says that it replaces every place, but does not mention quotes in a text",
            rests: Some(FETCH),
            probe: probe(
                "filter @message like 'quotes '\n| fields replace(@message, '\"\"', '`') as got\n| display got",
                rows(&[&["quotes `a`"]]),
            ),
        },
        Assumption {
            name: "length",
            question: "Does `strlen` count characters, not bytes?",
            answer: "yes",
            reason: "AWS's page of functions: the length in Unicode code points",
            rests: None,
            probe: probe(
                "filter @message like 'accent '\n| fields strlen(@message) as got\n| display got",
                rows(&[&["8"]]),
            ),
        },
        Assumption {
            name: "order-of-numbers",
            question: "Are numbers sorted as numbers?",
            answer: "yes",
            reason: "AWS's page of `sort`",
            rests: Some("the fetch query where its result is cut: the longest texts come first"),
            probe: probe(
                "filter @message like 'order '\n| fields strlen(@message) as size\n| sort size desc\n| display size",
                rows(&[&["10"], &["7"]]),
            ),
        },
        Assumption {
            name: "floor",
            question: "Is `floor` of a quotient a whole number?",
            answer: "yes",
            reason: "AWS's page of functions",
            rests: Some("the fetch query: the number of a window"),
            probe: probe(
                "filter @message like 'clock'\n| fields floor(strlen(@message) / 2) as got\n| display got",
                rows(&[&["2"]]),
            ),
        },
    ]
}

fn figures() -> Vec<Assumption> {
    vec![
        Assumption {
            name: "equal-entries",
            question: "Are two equal entries of the same millisecond two?",
            answer: "yes",
            reason: "CloudWatch Logs joins nothing",
            rests: Some("the figures of records"),
            probe: counted("@message like 'pair '", 2),
        },
        Assumption {
            name: "few-distinct",
            question: "Is `count_distinct` exact for few values?",
            answer: "yes",
            reason: "AWS's page of `stats` calls it an approximation where there are many",
            rests: Some("the figures of statements"),
            probe: probe(
                "filter @message like 'few '\n| parse @message /id=(?<id>[0-9]+)/\n| stats count_distinct(id) as n",
                rows(&[&["30"]]),
            ),
        },
        Assumption {
            name: "many-distinct",
            question: "How far is `count_distinct` off for 10,100 values?",
            answer: "by less than 5 in 100",
            reason: "sketches for this purpose are off by 1 or 2 in 100",
            rests: Some("the figures of statements in large windows"),
            probe: probe(
                "filter @message like 'many '\n| parse @message /id=(?<id>[0-9]+)/\n| stats count_distinct(id) as n",
                Expected::Between((MANY - MANY / 20) as u64, (MANY + MANY / 20) as u64),
            ),
        },
        Assumption {
            name: "latest",
            question: "Is `latest(v)` the value of the entry with the newest time?",
            answer: "yes",
            reason: "AWS's page of `stats`",
            rests: Some("the process and the ids that a detection shows"),
            probe: probe(
                "filter @message like 'latest '\n| parse @message /v=(?<v>[a-z])/\n| stats latest(v) as got",
                rows(&[&["a"]]),
            ),
        },
    ]
}

fn times() -> Vec<Assumption> {
    vec![
        Assumption {
            name: "milliseconds",
            question: "Does `toMillis(@timestamp)` have the milliseconds with which the entry was written?",
            answer: "yes",
            reason: "PutLogEvents takes milliseconds",
            rests: Some("the times of a detection"),
            probe: probe(
                "filter @message like 'clock'\n| fields toMillis(@timestamp) % 1000 as got\n| display got",
                rows(&[&["123"]]),
            ),
        },
        Assumption {
            name: "time-of-arrival",
            question: "Is `toMillis(@ingestionTime)` a number of milliseconds, of when the entry arrived?",
            answer: "yes",
            reason: "AWS's page of discovered fields; every public query that computes with it writes `toMillis`",
            rests: Some("the fetch query: in which window a record counts, and how late it was"),
            probe: probe(
                // An hour late, and not more than two.
                "filter @message like 'clock'\n| fields toMillis(@ingestionTime) - toMillis(@timestamp) as late\n\
                 | filter late > 3000000 and late < 7200000\n| stats count(*) as n",
                rows(&[&["1"]]),
            ),
        },
        Assumption {
            name: "name-of-the-log",
            question: "Is `@log` the account, a colon and the log group's name?",
            answer: "yes",
            reason: "AWS's page of discovered fields",
            rests: Some("the fetch query: to which cluster a record belongs"),
            probe: counted(
                "@message like 'clock' and @log like /^[0-9]{12}:\\/pgvigil\\//",
                1,
            ),
        },
        Assumption {
            name: "last-second",
            question: "Does the whole last second belong to the range of a query?",
            answer: "yes",
            reason: "StartQuery: the end is inclusive, in seconds",
            rests: None,
            probe: Probe {
                range: Range::UntilSecond(600),
                ..counted("@message like 'end of a second'", 1)
            },
        },
        Assumption {
            name: "two-hours-ahead",
            question: "Does a query whose range ends two hours from now find an entry dated an hour ahead?",
            answer: "yes",
            reason: "PutLogEvents takes entries of up to two hours ahead; StartQuery says nothing of the future",
            rests: Some("the monitor: a server whose clock is ahead hides nothing"),
            probe: Probe {
                range: Range::TwoHoursAhead,
                ..counted("@message like 'an hour ahead'", 1)
            },
        },
    ]
}

fn sizes() -> Vec<Assumption> {
    vec![
        Assumption {
            name: "longest-text",
            question: "Does StartQuery take 10,000 characters, also where their bytes are more?",
            answer: "yes",
            reason: "its model: a length of at most 10,000",
            rests: Some("the room for exclusions in the saved queries and in log alarms"),
            probe: probe(&padded(LONGEST_TEXT), rows(&[&["1"]])),
        },
        Assumption {
            name: "longer-text",
            question: "Does StartQuery refuse 10,001 characters?",
            answer: "yes",
            reason: "its model",
            rests: None,
            probe: only_there(&padded(LONGEST_TEXT + 1), Expected::Refused),
        },
        Assumption {
            name: "long-entry",
            question: "Is an entry of 250,000 bytes read as a whole?",
            answer: "yes",
            reason: "PutLogEvents takes entries of up to a megabyte",
            rests: Some("the judge: of a long statement nothing is hidden at its end"),
            probe: probe(
                "filter @message like 'long '\n| fields strlen(@message) as got\n| display got",
                rows(&[&[&LONG.to_string()]]),
            ),
        },
        Assumption {
            name: "many-rows",
            question: "Does a query return more than 10,000 rows, in several pages?",
            answer: "yes",
            reason: "StartQuery: a limit of 1 to 100,000; GetQueryResults: pages of up to 10,000",
            rests: Some("the monitor: how much is judged before a result is cut"),
            probe: probe(
                "filter @message like 'many '\n| display @message\n| limit 100000",
                Expected::Count(MANY),
            ),
        },
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::insights::{Event, Options, Program, Table, parse};

    fn interpreted(probe: &Probe) -> Result<Table, String> {
        let told = |faults: Vec<crate::insights::Fault>| faults[0].message.clone();
        let query = parse(&probe.text).map_err(told)?;
        let program = Program::new(&query, Options::default()).map_err(told)?;
        let mut run = program.run();
        let until = match probe.range {
            Range::UntilNow => PROBED_SECONDS_AGO * 1_000,
            Range::UntilSecond(second) => second * 1_000 + 999,
            Range::TwoHoursAhead => i64::MAX,
        };
        for entry in entries() {
            if entry.offset_ms <= until {
                run.push(&Event {
                    message: entry.message.as_bytes(),
                    timestamp_ms: 1_790_000_000_000 + entry.offset_ms,
                    ingestion_ms: 1_790_000_000_000 + PROBED_SECONDS_AGO * 1_000,
                    log_stream: STREAM.as_bytes(),
                    log: b"123456789012:/pgvigil/prove/x",
                });
            }
        }
        Ok(run.finish())
    }

    #[test]
    fn the_interpreter_gives_the_assumed_answers() {
        for assumption in assumptions() {
            let found = interpreted(&assumption.probe);
            let is_refused_there = assumption.probe.expected == Expected::Refused;
            assert!(
                found.is_ok() == assumption.probe.interpreted || is_refused_there,
                "{}: {found:?}",
                assumption.name
            );
            if !assumption.probe.interpreted {
                continue;
            }
            assert!(
                assumption
                    .probe
                    .expected
                    .is_met(&assumption.probe.text, found.as_ref().ok()),
                "{}: {found:?}",
                assumption.name
            );
        }
    }

    #[test]
    fn each_question_has_a_name_of_its_own() {
        let all = assumptions();
        let names: BTreeSet<&str> = all.iter().map(|one| one.name).collect();
        assert_eq!(names.len(), all.len());
        for one in all {
            assert!(one.question.ends_with('?'), "{}", one.name);
            assert!(one.probe.text.chars().count() <= LONGEST_TEXT + 1);
        }
    }

    #[test]
    fn the_entries_are_in_the_order_of_their_times() {
        let entries = entries();
        assert!(entries.is_sorted_by_key(|entry| entry.offset_ms));
    }
}
