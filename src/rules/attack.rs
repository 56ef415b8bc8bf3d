//! Whether an exclusion can be used to evade the alarm: statements that read or change protected data are made to look like
//! records that the exclusions silence, and the judge decides about their records.
//!
//! ```text
//! corpus.sql (statements, and their records as a server wrote them) ─┐
//! an exclusion's own conditions (witness, pattern) ──────────────────┼─> attacks ─> judged ─> evasions
//! carrier (comments, literals, names …), forge (roles, databases) ───┘
//!
//! grammar/ (places × hidden calls × carriers × layouts) ── generate ──> a server ─> did a secret come back unheard?
//! ```
//!
//! The analysis needs no server, because it knows the records of its statements. [`corpus`] contains harmful statements
//! together with the records that a real server wrote for them, with `log_relation` on and off. [`plan`] rewrites them for
//! one exclusion, in a way for each [`Kind`]. [`witness`] and [`pattern`] take from the exclusion's conditions the texts
//! that it looks for; [`carrier`] plants such a text in a place where it does not change the statement, such as a comment or
//! a literal. Other kinds add a call that leaves no relation in its record ([`ride`]), fill the open places of a pattern
//! with SQL ([`lint`]), put a second statement next to a silenced one, or use names that look like others or contain the
//! head of a record ([`forge`]). Class, command and object of the records stay those that a server writes for such a
//! statement.
//!
//! [`run`](mod@run) writes the log entries of each attack as the server would and gives them to the judge. An attack is an
//! **evasion** if at least one of its records is excluded and none counts. It is charged to the exclusion that it was made
//! for, if that one takes part in silencing it, otherwise to the first that does. The report shows the shortest evasion of
//! each kind. `rules attack` tries as many as it can make, with all rules in force; `check` tries a few of each kind, on
//! each exclusion alone.
//!
//! With a database, [`server`] sends the same statements to a real server, judges the records that it really writes, and
//! compares them with the prediction. [`generate`] goes further: it combines the forms of a grammar and looks only at
//! effects. "None silent" describes what was tried; it is not a proof.

pub mod carrier;
pub mod corpus;
pub mod forge;
pub mod generate;
pub mod lint;
pub mod pattern;
pub mod plan;
pub mod ride;
pub mod run;
pub mod server;
pub mod witness;

use serde::Serialize;

use crate::audit_log::prefix::LogLinePrefix;
use crate::audit_log::write::{PrefixFields, RecordFields, TextOut, write_entry, write_record};

pub use corpus::Harm;
pub use run::{
    AttackReport, Effort, Evasion, ExclusionReport, Options, Outcome, attacks, check,
    judge_records, run, statements,
};

/// How an attack evades.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It does not: the statement as it is.
    Plain,
    /// The text that the exclusion looks for is in a comment, a literal, a name.
    Planted,
    /// A function that leaves no relation in the record rides on a relation of the exclusion.
    Rider,
    /// What a pattern leaves open is filled with SQL.
    Pattern,
    /// More SQL comes before or after a text that the exclusion silences.
    Beside,
    /// Through `search_path`, a users' table or function takes the place of one that the text names.
    Shadow,
    /// It does not: the exclusion names users' data itself.
    Named,
    /// A users' table is named so that it looks like one that the exclusion names.
    LookAlike,
    /// A role, database or application name contains the head of a record.
    Forged,
}

impl Kind {
    /// What a reviewer reads.
    pub fn title(self) -> &'static str {
        match self {
            Self::Plain => "the statement as it is",
            Self::Planted => "the text is planted in the statement",
            Self::Rider => "a function call is added to a silenced statement",
            Self::Pattern => "what the pattern leaves open is filled with SQL",
            Self::Beside => "more SQL is added next to the silenced text",
            Self::Shadow => "another object answers to the name in the text",
            Self::Named => "the exclusion names users' data itself",
            Self::LookAlike => "a users' table has a name that looks like it",
            Self::Forged => "a name contains the head of another record",
        }
    }
}

/// A record that pgAudit would write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttackRecord {
    pub class: String,
    pub command: String,
    /// Object type, empty for none.
    pub object_type: String,
    /// Object as pgAudit prints it, empty for none.
    pub object: String,
    pub statement: String,
    /// The bound parameters, where they are logged.
    pub parameters: Option<String>,
}

/// The session of an attack, as the prefix of its entries prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Who {
    pub user: String,
    pub database: String,
    pub client: String,
    /// Application name, printed with the long prefix.
    pub application: String,
}

/// A statement that a person could send, and the records that pgAudit would write for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attack {
    /// The exclusion it was made for.
    pub exclusion: String,
    pub kind: Kind,
    /// What it does, in a few words.
    pub does: String,
    /// Where the disguise is, in a few words.
    pub carrier: String,
    /// What it does to data.
    pub harm: Harm,
    /// The texts that are sent, one after the other.
    pub steps: Vec<String>,
    /// The setting under which these records are written.
    pub log_relation: bool,
    /// The records, in their order.
    pub records: Vec<AttackRecord>,
    pub who: Who,
    /// The condition of the exclusion that does not stop it, as a path in the file (`match/relation`).
    pub condition: String,
    /// Which item of a list of patterns or texts it is.
    pub item: Option<usize>,
}

impl Attack {
    /// The statements as they can be pasted.
    pub fn script(&self) -> String {
        let mut script = String::new();
        for (index, step) in self.steps.iter().enumerate() {
            if index > 0 {
                script.push_str(";\n");
            }
            script.push_str(step);
        }
        script
    }

    /// The entries of the log.
    pub fn entries(&self, prefix: LogLinePrefix) -> Vec<Vec<u8>> {
        let names = PrefixFields {
            client: self.who.client.as_bytes(),
            user: self.who.user.as_bytes(),
            database: self.who.database.as_bytes(),
            application_name: self.who.application.as_bytes(),
            ..PrefixFields::default()
        };
        self.records
            .iter()
            .map(|record| {
                let message = write_record(&RecordFields {
                    class: record.class.as_bytes(),
                    command: record.command.as_bytes(),
                    object_type: record.object_type.as_bytes(),
                    object_name: record.object.as_bytes(),
                    statement: TextOut::Logged(record.statement.as_bytes()),
                    parameters: record
                        .parameters
                        .as_ref()
                        .map_or(TextOut::NotLogged, |parameters| {
                            TextOut::Logged(parameters.as_bytes())
                        }),
                    ..RecordFields::default()
                });
                write_entry(prefix, &names, &message)
            })
            .collect()
    }
}
