//! What people could do unheard: the old query's text is run on log lines of statements that hide from it, and the new
//! one's on the same statements.

use serde::Serialize;

use super::query::{Condition, OldQuery};
use crate::audit_log::prefix::LogLinePrefix;
use crate::audit_log::write::{PrefixFields, RecordFields, TextOut, write_entry, write_record};
use crate::insights::syntax::Pattern;
use crate::judge::{Judge, Scratch, Verdict};
use crate::rules::attack::carrier;
use crate::rules::attack::corpus::{Entry, Fact, Harm, TextOf, corpus, plain};
use crate::rules::attack::pattern;

/// Readings of a regular expression that are tried.
const READINGS: usize = 4;

/// The schema of the corpus; the old system's people have tables of their own.
const SCHEMA: &str = "pgvigil_attack.";

/// A statement that the old query does not count because of one exclusion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evasion {
    /// Where the text is.
    pub carrier: String,
    /// As it can be pasted.
    pub statement: String,
    pub does: String,
    /// What it does to data.
    pub harm: Harm,
    /// The line of the log that the old query looked at.
    pub line: String,
    /// Whether pgvigil's query counts it.
    pub counted_by_pgvigil: bool,
}

/// Everything that was tried on one exclusion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct Tried {
    pub tried: usize,
    /// Those that the old query does not count.
    pub silent: usize,
    /// The most telling of those.
    pub evasions: Vec<Evasion>,
}

/// A statement that the old query does not look for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Miss {
    pub does: String,
    /// What it does to data.
    pub harm: Harm,
    /// As it can be pasted.
    pub statement: String,
    /// The line of the log.
    pub line: String,
    /// Whether it is missed in this letter case only.
    pub in_small_letters_only: bool,
    /// Whether pgvigil's query counts it.
    pub counted_by_pgvigil: bool,
}

/// Texts that an exclusion looks for.
pub fn witnesses(condition: &Condition) -> Vec<String> {
    let mut found = Vec::new();
    match &condition.pattern {
        Some(Pattern::Text(text)) => found.push(text.clone()),
        Some(Pattern::Regex(regex)) => {
            for template in pattern::templates(&regex.pattern, READINGS) {
                found.push(template.text());
            }
        }
        None => {}
    }
    found.retain(|text| !text.trim().is_empty());
    found.dedup();
    found
}

fn sql(text: &str) -> String {
    text.replace(SCHEMA, "")
}

/// A line of the log for a record: its class, command, object type and object, and the statement.
pub(super) fn entry(prefix: LogLinePrefix, fields: [&str; 4], statement: &str) -> Vec<u8> {
    let [class, command, object_type, object] = fields.map(str::as_bytes);
    let record = write_record(&RecordFields {
        class,
        command,
        object_type,
        object_name: object,
        statement: TextOut::Logged(statement.as_bytes()),
        ..RecordFields::default()
    });
    write_entry(prefix, &PrefixFields::default(), &record)
}

fn line(prefix: LogLinePrefix, fact: &Fact, statement: &str) -> Vec<u8> {
    let object = fact.object.replace(SCHEMA, "public.");
    let fields = [&fact.class, &fact.command, &fact.object_type, &object];
    entry(prefix, fields.map(String::as_str), statement)
}

fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

/// Runs texts on lines.
pub struct Trial<'a> {
    pub old: &'a OldQuery,
    pub new: &'a Judge,
}

impl Trial<'_> {
    fn counts(&self, line: &[u8]) -> bool {
        self.new.verdict(&mut Scratch::default(), line) == Verdict::Counted
    }

    /// Whether an exclusion drops everything that the query looks for: no statement counts any more.
    pub fn drops_everything(&self, condition: &Condition) -> bool {
        let mut seen = 0;
        for entry in &corpus().actions {
            for step in &entry.steps {
                let statement = sql(&plain(&step.sql));
                for fact in &step.off {
                    let line = line(self.new.prefix(), fact, &statement);
                    if !self.old.includes(&line) {
                        continue;
                    }
                    if !condition.finds(&line) {
                        return false;
                    }
                    seen += 1;
                }
            }
        }
        seen > 0
    }

    /// A statement of the corpus that the old query counts as it is, and that has room for a text.
    fn victim(&self) -> Option<(&'static Entry, &'static str)> {
        let names = ["update", "delete", "insert", "select"];
        names.iter().find_map(|name| {
            let entry = corpus().actions.iter().find(|entry| entry.name == *name)?;
            let step = entry.steps.first()?;
            let statement = sql(&plain(&step.sql));
            let fact = step.off.first()?;
            let is_counted = self.old.counts(&line(self.new.prefix(), fact, &statement));
            is_counted.then_some((entry, step.sql.as_str()))
        })
    }

    /// Tries to evade the alarm through one exclusion.
    pub fn hide(&self, condition: &Condition) -> Tried {
        let mut tried = Tried::default();
        let Some((entry, template)) = self.victim() else {
            return tried;
        };
        let Some(step) = entry.steps.first() else {
            return tried;
        };
        let (Some(off), Some(on)) = (step.off.first(), step.on.first()) else {
            return tried;
        };
        for witness in witnesses(condition) {
            for carrier in carrier::ALL {
                let Some(statement) = carrier.plant(template, &witness) else {
                    continue;
                };
                let statement = sql(&statement);
                let before = line(self.new.prefix(), off, &statement);
                tried.tried += 1;
                if !condition.finds(&before) || self.old.counts(&before) {
                    continue;
                }
                tried.silent += 1;
                tried.evasions.push(Evasion {
                    carrier: carrier.name.to_owned(),
                    does: entry.title.clone(),
                    harm: entry.harm,
                    line: shown(&before),
                    counted_by_pgvigil: self.counts(&line(self.new.prefix(), on, &statement)),
                    statement,
                });
            }
            if let Some(found) = self.by_itself(condition, &witness) {
                tried.tried += 1;
                tried.silent += 1;
                tried.evasions.insert(0, found);
            }
        }
        tell(&mut tried.evasions);
        tried
    }

    /// A plain statement whose words begin as the exclusion's: no disguise is needed.
    fn by_itself(&self, condition: &Condition, witness: &str) -> Option<Evasion> {
        let is_question = witness
            .get(..7)
            .is_some_and(|head| head.eq_ignore_ascii_case("select "));
        // A column's name begins with a letter: PostgreSQL reads no other.
        let last = witness.split_whitespace().last().unwrap_or_default();
        let is_name = last.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && last
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_question || !is_name {
            return None;
        }
        let statement = format!("{witness}_id FROM contracts");
        let fact = Fact::own("READ", "SELECT", "", "");
        let before = line(self.new.prefix(), &fact, &statement);
        let other = line(self.new.prefix(), &fact, "SELECT id FROM contracts");
        if !self.old.counts(&other) || !condition.finds(&before) || self.old.counts(&before) {
            return None;
        }
        let fact = Fact::own("READ", "SELECT", "TABLE", "public.contracts");
        Some(Evasion {
            carrier: PLAIN.to_owned(),
            does: "reads a table".to_owned(),
            harm: Harm::Reads,
            line: shown(&before),
            counted_by_pgvigil: self.counts(&line(self.new.prefix(), &fact, &statement)),
            statement,
        })
    }

    /// Statements that the old query does not look for at all.
    pub fn misses(&self) -> Vec<Miss> {
        let mut misses = Vec::new();
        for entry in &corpus().actions {
            let as_written = self.is_missed(entry, &|text| text.to_owned());
            let small = self.is_missed(entry, &|text| text.to_lowercase());
            if let Some(miss) = as_written.or_else(|| {
                small.map(|miss| Miss {
                    in_small_letters_only: true,
                    ..miss
                })
            }) {
                misses.push(miss);
            }
        }
        misses
    }

    fn is_missed(&self, entry: &Entry, spell: &dyn Fn(&str) -> String) -> Option<Miss> {
        let spelt: Vec<String> = entry
            .steps
            .iter()
            .map(|step| spell(&sql(&plain(&step.sql))))
            .collect();
        let lines = |log_relation: bool| -> Vec<Vec<u8>> {
            let mut all = Vec::new();
            for (step, own) in entry.steps.iter().zip(&spelt) {
                for fact in step.facts(log_relation) {
                    let text = match &fact.text {
                        TextOf::Own => own.clone(),
                        TextOf::Step(number) => number
                            .checked_sub(1)
                            .and_then(|at| spelt.get(at))
                            .cloned()
                            .unwrap_or_default(),
                        TextOf::Other(text) => spell(&sql(text)),
                    };
                    all.push(line(self.new.prefix(), fact, &text));
                }
            }
            all
        };
        // The old system never sets log_relation.
        let before = lines(false);
        let first = before.first()?;
        if before.iter().any(|line| self.old.includes(line)) {
            return None;
        }
        Some(Miss {
            does: entry.title.clone(),
            harm: entry.harm,
            statement: spelt.join(";\n"),
            line: shown(first),
            in_small_letters_only: false,
            counted_by_pgvigil: lines(true).iter().any(|line| self.counts(line)),
        })
    }
}

/// Where the text is when nothing is hidden at all.
pub const PLAIN: &str = "plain sight: a column whose name begins with the text";

/// How many evasions of an exclusion are listed.
const TOLD: usize = 3;

/// Keeps the clearest: one that needs no disguise, a comment, a literal, an alias.
fn tell(evasions: &mut Vec<Evasion>) {
    let order = [
        PLAIN,
        "a block comment after the statement",
        "a literal",
        "an alias",
    ];
    let rank = |evasion: &Evasion| {
        let found = order.iter().position(|name| evasion.carrier == *name);
        found.unwrap_or(order.len())
    };
    evasions.sort_by_key(rank);
    evasions.dedup_by(|left, right| left.carrier == right.carrier);
    evasions.truncate(TOLD);
}
