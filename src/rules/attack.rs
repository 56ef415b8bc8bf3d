//! Whether a person can hide behind an exclusion: statements that read or change protected data are
//! made to look like what the exclusions silence, and the compiled text judges their records.
//!
//! ```text
//! corpus.sql (statements, and their records as a server wrote them) ─┐
//! an exclusion's own conditions (witness, pattern) ──────────────────┼─> attacks ─> judged ─> evasions
//! carrier (comments, literals, names …), forge (roles, databases) ───┘
//!
//! grammar/ (places × hidden calls × carriers × layouts) ── generate ──> a server ─> did a secret come back unheard?
//! ```
//!
//! An attack is an **evasion** if at least one of its records is excluded and none counts. "None silent"
//! is what was tried, not a proof.

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

/// How an attack hides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It does not: the statement as it is.
    Plain,
    /// The text that the exclusion looks for stands in a comment, a literal, a name.
    Planted,
    /// A function that leaves no relation in the record rides on a relation of the exclusion.
    Rider,
    /// What a pattern leaves open is filled with SQL.
    Pattern,
    /// More SQL stands before or behind a text that the exclusion silences.
    Beside,
    /// A users' table or function stands, by `search_path`, for one that the text names.
    Shadow,
    /// It does not: the exclusion names users' data itself.
    Named,
    /// A users' table is named so that it looks like one that the exclusion names.
    LookAlike,
    /// A role, database or application name holds the head of a record.
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
    /// Class.
    pub class: String,
    /// Command.
    pub command: String,
    /// Object type, empty for none.
    pub object_type: String,
    /// Object as pgAudit prints it, empty for none.
    pub object: String,
    /// The record's text.
    pub statement: String,
    /// The bound parameters, where they are logged.
    pub parameters: Option<String>,
}

/// The session of an attack, as the prefix of its entries prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Who {
    /// Role.
    pub user: String,
    /// Database.
    pub database: String,
    /// Client with port.
    pub client: String,
    /// Application name, printed with the long prefix.
    pub application: String,
}

/// A statement that a person could send, and the records that pgAudit would write for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attack {
    /// The exclusion it was made for.
    pub exclusion: String,
    /// How it hides.
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
    /// The session.
    pub who: Who,
    /// The condition of the exclusion that lets it through, as a path in the file (`match/relation`).
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
