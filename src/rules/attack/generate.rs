//! Statements that are made from a grammar: a place of an expression × a way to hide a call × what carries it × how it is
//! written. On a server only their effect is observed, not what an author had in mind: secrets are planted, and a
//! statement that brings one back, or changes something, while nothing counts is a finding.
//!
//! The grammar is in `grammar/`, one form a line. Which of all the combinations are made depends on their number alone, so
//! that a run is the same each time.

use serde::Serialize;

use crate::audit_log::prefix::LogLinePrefix;
use crate::audit_log::write::{PrefixFields, write_entry};
use crate::judge::{Judge, Rules, Scratch, Verdict};
use crate::policy::model::{Environment, Policy};

use super::server::{AttackServer, ConfirmError, Script};

/// What generated statements find in addition to [`SETUP`](super::corpus::SETUP).
pub const SETUP: &str = include_str!("grammar/setup.sql");

/// What shows that a planted secret came back: the contents of tables and the large object, and the head of a file.
pub const SECRETS: &[&str] = &["hidden", "PostgreSQL configuration file"];

/// The setting in which an expression may leave what it read.
pub const SETTING: &str = "pgvigil.x";

const HIDDEN: &str = include_str!("grammar/hidden.tsv");
const PLACES: &str = include_str!("grammar/places.tsv");
const CARRIERS: &str = include_str!("grammar/carriers.tsv");
const LAYOUTS: &str = include_str!("grammar/layouts.tsv");

/// Combinations are taken in steps of this many. A prime that divides no length of a list, so that all of them are met.
const STRIDE: usize = 104_729;

/// Findings that a report shows.
const SHOWN: usize = 20;

/// A name and its template.
type Form = (&'static str, &'static str);

fn forms(file: &'static str) -> Vec<Form> {
    file.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .collect()
}

#[derive(Debug)]
struct Grammar {
    hidden: Vec<Form>,
    places: Vec<Form>,
    carriers: Vec<Form>,
    layouts: Vec<Form>,
}

/// A statement with the classes that it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    pub script: Script,
    /// Names of the place, the way to hide, the carrier and the layout.
    pub classes: [&'static str; 4],
}

impl Grammar {
    fn read() -> Self {
        Self {
            hidden: forms(HIDDEN),
            places: forms(PLACES),
            carriers: forms(CARRIERS),
            layouts: forms(LAYOUTS),
        }
    }

    fn combinations(&self) -> usize {
        self.hidden.len() * self.places.len() * self.carriers.len() * self.layouts.len()
    }

    fn statement(&self, number: usize) -> Option<Generated> {
        let mut rest = number;
        let mut pick = |forms: &[Form]| {
            let form = forms.get(rest % forms.len().max(1)).copied();
            rest /= forms.len().max(1);
            form
        };
        let hidden = pick(&self.hidden)?;
        let place = pick(&self.places)?;
        let carrier = pick(&self.carriers)?;
        let layout = pick(&self.layouts)?;
        let whole = place.1.replace("{e}", hidden.1).replace("{f}", carrier.1);
        let mut steps: Vec<String> = whole.split(";;").map(str::to_owned).collect();
        let last = steps.pop()?;
        steps.push(layout.1.replace("{s}", &last));
        Some(Generated {
            script: Script {
                without_relation: false,
                before: Vec::new(),
                steps: steps
                    .into_iter()
                    .map(|step| step.replace("{nl}", "\n"))
                    .collect(),
            },
            classes: [place.0, hidden.0, carrier.0, layout.0],
        })
    }
}

/// So many statements, or all that the grammar has.
pub fn statements(count: usize) -> Vec<Generated> {
    let grammar = Grammar::read();
    let all = grammar.combinations().max(1);
    (0..count.min(all))
        .filter_map(|number| grammar.statement(number.wrapping_mul(STRIDE) % all))
        .collect()
}

/// What a server says to a generated statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probe {
    /// The messages of its records.
    pub records: Vec<Vec<u8>>,
    /// The step that the server refused, whose text its log contains next to the error.
    pub failed: Option<usize>,
    /// A secret came back, or something changed.
    pub reached: bool,
}

/// What was generated and tried.
#[derive(Debug, Clone, Serialize)]
pub struct GeneratedReport {
    /// Combinations that the grammar has.
    pub combinations: usize,
    /// Statements that were sent.
    pub tried: usize,
    /// Those that brought a secret back, or changed something.
    pub reached: usize,
    /// Those of them of which nothing counted.
    pub silent: usize,
    /// The first of these.
    pub findings: Vec<Silent>,
    /// The classes: how many reached something.
    pub classes: Classes,
}

/// Names of forms, and how many statements of each reached something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Classes {
    /// The place of the expression.
    pub places: Vec<(String, usize)>,
    /// How the call is hidden.
    pub hidden: Vec<(String, usize)>,
    pub carriers: Vec<(String, usize)>,
    /// How it is written.
    pub layouts: Vec<(String, usize)>,
}

/// A statement that reached something while nothing counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Silent {
    /// As it can be pasted.
    pub script: String,
    /// Names of the place, the way to hide, the carrier and the layout.
    pub classes: Vec<String>,
    /// The exclusions that silenced its records.
    pub silenced_by: Vec<String>,
}

/// Sends so many generated statements. `watch` is told how many are done and how many there are, and says whether to go on.
///
/// # Errors
/// The server is gone, or `watch` said no.
pub fn generate(
    policy: &Policy,
    environment: &Environment,
    count: usize,
    server: &mut dyn AttackServer,
    watch: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<GeneratedReport, ConfirmError> {
    let judge = Judge::new(&Rules::of(policy, environment));
    let mut scratch = Scratch::default();
    let all = statements(count);
    let grammar = Grammar::read();
    let zero = |forms: &[Form]| forms.iter().map(|form| (form.0.to_owned(), 0)).collect();
    let mut report = GeneratedReport {
        combinations: grammar.combinations(),
        tried: 0,
        reached: 0,
        silent: 0,
        findings: Vec::new(),
        classes: Classes {
            places: zero(&grammar.places),
            hidden: zero(&grammar.hidden),
            carriers: zero(&grammar.carriers),
            layouts: zero(&grammar.layouts),
        },
    };
    for (done, generated) in all.iter().enumerate() {
        if !watch(done, all.len()) {
            return Err(ConfirmError::Stopped);
        }
        let probe = server.probe(&generated.script)?;
        report.tried += 1;
        if !probe.reached {
            continue;
        }
        report.reached += 1;
        report.classes.count(generated.classes);
        let mut silenced_by = Vec::new();
        let mut is_heard = false;
        for entry in entries(judge.prefix(), generated, &probe) {
            match judge.judge(&mut scratch, &entry).verdict {
                Verdict::Counted => is_heard = true,
                Verdict::Excluded(ids) => silenced_by.extend(ids),
                Verdict::NotARecord | Verdict::OutOfScope => {}
            }
        }
        if !is_heard {
            report.silent += 1;
            if report.findings.len() < SHOWN {
                silenced_by.sort();
                silenced_by.dedup();
                report.findings.push(Silent {
                    script: generated.script.steps.join(";\n"),
                    classes: generated.classes.map(str::to_owned).to_vec(),
                    silenced_by,
                });
            }
        }
    }
    Ok(report)
}

/// The entries that a log would have: the records, and the statement next to an error.
fn entries(prefix: LogLinePrefix, generated: &Generated, probe: &Probe) -> Vec<Vec<u8>> {
    let names = PrefixFields {
        client: b"10.0.0.1(5000)",
        user: b"somebody",
        database: b"shop",
        application_name: b"psql",
        ..PrefixFields::default()
    };
    let mut entries: Vec<Vec<u8>> = probe
        .records
        .iter()
        .map(|record| write_entry(prefix, &names, record))
        .collect();
    if let Some(text) = probe
        .failed
        .and_then(|step| generated.script.steps.get(step))
    {
        let names = PrefixFields {
            level: b"STATEMENT",
            ..names
        };
        entries.push(write_entry(prefix, &names, text.as_bytes()));
    }
    entries
}

impl Classes {
    fn count(&mut self, [place, hidden, carrier, layout]: [&str; 4]) {
        for (forms, name) in [
            (&mut self.places, place),
            (&mut self.hidden, hidden),
            (&mut self.carriers, carrier),
            (&mut self.layouts, layout),
        ] {
            if let Some((_, count)) = forms.iter_mut().find(|(known, _)| known == name) {
                *count += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_form_is_met_and_no_statement_twice() {
        let grammar = Grammar::read();
        let all = grammar.combinations();
        assert!(all > 100_000, "{all}");
        let found = statements(all);
        let scripts: HashSet<&[&str; 4]> = found.iter().map(|one| &one.classes).collect();
        assert_eq!(scripts.len(), all);
        let few = statements(2_000);
        assert_eq!(few.len(), 2_000);
        let names = |at: usize| {
            few.iter()
                .map(|one| one.classes[at])
                .collect::<HashSet<_>>()
        };
        assert_eq!(names(0).len(), grammar.places.len());
        assert_eq!(names(1).len(), grammar.hidden.len());
        assert_eq!(names(2).len(), grammar.carriers.len());
        assert_eq!(names(3).len(), grammar.layouts.len());
    }
}
