//! Sends the attacks to a server and judges the records that it really writes.
//!
//! [`AttackServer`] is the only way to the server, so the results depend only on its answers.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use jiff::civil::Date;
use rayon::prelude::*;
use serde::Serialize;

use crate::audit_log::prefix::LogLinePrefix;
use crate::audit_log::record::{HEAD, Record};
use crate::audit_log::write::{PrefixFields, write_entry};
use crate::judge::{Judge, Rules, Scratch};
use crate::policy::model::{Environment, Policy};

use super::generate::Probe;
use super::run::{
    AttackReport, Evasion, Found, Options, Outcome, Rank, attacks, chosen, culprit, evasion,
    judge_records, keep_shortest,
};
use super::{Attack, AttackRecord, Kind, Who};

/// How many reasons for failure a report lists.
const FAILURES_MAX: usize = 8;

/// Texts that are sent one after the other, and then undone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Script {
    /// `pgaudit.log_relation`. Stands first, so that scripts in order change it once.
    pub without_relation: bool,
    /// What the texts need; its records do not count as anyone's.
    pub before: Vec<String>,
    pub steps: Vec<String>,
}

/// What became of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// The messages of its records in their order, each from `AUDIT: ` on.
    Records(Vec<Vec<u8>>),
    /// The server refused a text.
    Failed {
        /// The SQLSTATE; empty where it was not the server that said so.
        code: String,
        message: String,
    },
}

/// A server cannot be used any more.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ServerError(pub String);

/// A server that writes audit records.
pub trait AttackServer {
    fn version(&self) -> &str;

    fn pgaudit(&self) -> &str;

    /// Runs a script and undoes it.
    ///
    /// # Errors
    /// The server is gone, or what a script left could not be undone.
    fn run(&mut self, script: &Script) -> Result<Ran, ServerError>;

    /// Runs a script again, undoes it, and says whether anything of [`SETUP`](super::corpus::SETUP) was read or
    /// changed: by the server's own counters, not by what pgAudit wrote.
    ///
    /// # Errors
    /// As [`AttackServer::run`].
    fn has_effect(&mut self, script: &Script) -> Result<bool, ServerError>;

    /// Runs a generated script, undoes it, and says whether a planted secret came back or anything changed.
    ///
    /// # Errors
    /// As [`AttackServer::run`], and where the server cannot be watched.
    fn probe(&mut self, _script: &Script) -> Result<Probe, ServerError> {
        Err(ServerError("this server cannot be watched".to_owned()))
    }
}

/// Why the attacks were not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The user stopped it.
    #[error("stopped")]
    Stopped,
}

/// What a server says to an evasion that was predicted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum OnServer {
    /// It runs, and its real records are silent.
    Confirmed,
    /// It runs, and a real record counts.
    Counted { records: Vec<AttackRecord> },
    /// It runs and is silent, but neither reads nor changes what it is for.
    WithoutEffect { records: Vec<AttackRecord> },
    /// It does not run.
    Failed { message: String },
}

/// A statement that was predicted to count, and is silent on the server.
#[derive(Debug, Clone, Serialize)]
pub struct Unpredicted {
    /// The exclusion that silences it, or that it was made for.
    pub exclusion: String,
    /// The statement, with its real records.
    #[serde(flatten)]
    pub evasion: Evasion,
    /// Someone accepted the risk of the exclusion.
    pub accepted: bool,
}

/// Statements that the server refused for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    pub code: String,
    /// One of the messages.
    pub message: String,
    pub statements: usize,
}

/// What was tried on a server.
#[derive(Debug, Clone, Serialize)]
pub struct ServerReport {
    pub version: String,
    pub pgaudit: String,
    /// Different statements that ran, each under a setting of `log_relation`.
    pub executed: usize,
    /// Those that the server refused: of them only the prediction is known.
    pub failed_to_run: usize,
    /// Evasions of the report that are silent on the server.
    pub confirmed: usize,
    /// Silent ones that neither read nor changed anything: the server never came to the disguised part.
    pub without_effect: usize,
    /// What the analysis did not see.
    pub unpredicted: Vec<Unpredicted>,
    /// Why statements did not run, the most frequent first.
    pub failures: Vec<Failure>,
}

/// Sends every attack to a server and completes the report with what it says. `watch` is told how many
/// scripts are done and how many there are, and says whether to go on.
///
/// # Errors
/// The query cannot be run, the server is gone, or `watch` said no.
pub fn confirm(
    policy: &Policy,
    environment: &Environment,
    today: Date,
    options: &Options,
    report: &mut AttackReport,
    server: &mut dyn AttackServer,
    watch: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<(), ConfirmError> {
    let judge = Judge::new(&Rules::of(policy, environment));
    let prefix = judge.prefix();
    let wanted = chosen(policy, environment, options);
    let planned: Vec<Planned> = wanted
        .par_iter()
        .flat_map_iter(|exclusion| {
            planned(attacks(
                policy,
                environment,
                exclusion,
                today,
                options.effort,
            ))
        })
        .collect();
    let scripts: BTreeSet<&Script> = planned.iter().map(|planned| &planned.script).collect();
    let total = scripts.len();
    let mut ran: BTreeMap<&Script, Ran> = BTreeMap::new();
    for (done, script) in scripts.into_iter().enumerate() {
        if !watch(done, total) {
            return Err(ConfirmError::Stopped);
        }
        ran.insert(script, server.run(script)?);
    }
    let mut answers: Vec<Answer<'_>> = planned
        .par_iter()
        .map_init(Scratch::default, |scratch, planned| {
            answer(&judge, scratch, prefix, planned, &ran)
        })
        .collect();
    let mut effects: BTreeMap<&Script, bool> = BTreeMap::new();
    for answer in &mut answers {
        let planned = answer.planned;
        if !planned.needs_effect || answer.failure.is_some() || !answer.outcome.is_silent() {
            continue;
        }
        answer.has_effect = match effects.get(&planned.script) {
            Some(known) => *known,
            None => {
                if !watch(total, total) {
                    return Err(ConfirmError::Stopped);
                }
                let has_effect = server.has_effect(&planned.script)?;
                effects.insert(&planned.script, has_effect);
                has_effect
            }
        };
    }
    let confirmed = complete(report, &answers);
    let unpredicted = unpredicted(report, &answers);
    report.passed &= unpredicted.iter().all(|found| found.accepted);
    report.server = Some(ServerReport {
        version: server.version().to_owned(),
        pgaudit: server.pgaudit().to_owned(),
        executed: ran
            .values()
            .filter(|ran| matches!(ran, Ran::Records(_)))
            .count(),
        failed_to_run: ran
            .values()
            .filter(|ran| matches!(ran, Ran::Failed { .. }))
            .count(),
        confirmed,
        without_effect: effects.values().filter(|effect| !**effect).count(),
        unpredicted,
        failures: failures(ran.values()),
    });
    Ok(())
}

/// An attack as it is sent.
#[derive(Debug)]
struct Planned {
    attack: Attack,
    script: Script,
    /// It might run without reaching the disguised part; the server's counters show whether it does.
    needs_effect: bool,
}

/// What a server said to an attack.
struct Answer<'a> {
    planned: &'a Planned,
    was_silent: bool,
    records: &'a [Vec<u8>],
    failure: Option<&'a str>,
    has_effect: bool,
    outcome: Outcome,
}

fn answer<'a>(
    judge: &Judge,
    scratch: &mut Scratch,
    prefix: LogLinePrefix,
    planned: &'a Planned,
    ran: &'a BTreeMap<&Script, Ran>,
) -> Answer<'a> {
    let attack = &planned.attack;
    let predicted = judge_records(judge, scratch, &attack.entries(prefix));
    let (records, failure) = match ran.get(&planned.script) {
        Some(Ran::Records(records)) => (records.as_slice(), None),
        Some(Ran::Failed { message, .. }) => (&[][..], Some(message.as_str())),
        None => (&[][..], Some("it was not sent")),
    };
    let entries: Vec<Vec<u8>> = records
        .iter()
        .map(|record| entry(prefix, &attack.who, record))
        .collect();
    Answer {
        planned,
        was_silent: predicted.is_silent(),
        records,
        failure,
        has_effect: true,
        outcome: judge_records(judge, scratch, &entries),
    }
}

impl Answer<'_> {
    fn real_records(&self) -> Vec<AttackRecord> {
        self.records.iter().map(|record| parsed(record)).collect()
    }

    fn on_server(&self) -> OnServer {
        if let Some(message) = self.failure {
            OnServer::Failed {
                message: message.to_owned(),
            }
        } else if !self.outcome.is_silent() {
            OnServer::Counted {
                records: self.real_records(),
            }
        } else if !self.has_effect {
            OnServer::WithoutEffect {
                records: self.real_records(),
            }
        } else {
            OnServer::Confirmed
        }
    }

    /// With its real records.
    fn found(&self) -> Found {
        let mut attack = self.planned.attack.clone();
        attack.records = self.real_records();
        Found {
            attack,
            outcome: self.outcome.clone(),
        }
    }
}

/// How the name of a temporary object begins in a record.
const TEMPORARY: &str = "pg_temp_";

/// Says how each attack of one exclusion is sent. The attacks with `log_relation` on tell what those without it need.
fn planned(attacks: Vec<Attack>) -> Vec<Planned> {
    let mut named: BTreeMap<Vec<String>, Vec<AttackRecord>> = BTreeMap::new();
    for attack in &attacks {
        if attack.log_relation && attack.kind == Kind::Shadow {
            named
                .entry(attack.steps.clone())
                .or_insert_with(|| attack.records.clone());
        }
    }
    attacks
        .into_iter()
        .map(|attack| {
            let before = match attack.kind {
                Kind::Shadow => named
                    .get(&attack.steps)
                    .map(|records| records.iter().filter_map(stand_in).collect())
                    .unwrap_or_default(),
                _ => Vec::new(),
            };
            Planned {
                script: Script {
                    without_relation: !attack.log_relation,
                    before,
                    steps: attack.steps.clone(),
                },
                needs_effect: needs_effect(&attack),
                attack,
            }
        })
        .collect()
}

/// Says whether the harm of an attack may stay away though it runs, and whether it would be counted: by a name
/// that is answered by the system's object, by text that ends up in a literal, by a call that is never evaluated.
fn needs_effect(attack: &Attack) -> bool {
    match attack.kind {
        Kind::Shadow => true,
        // Sequences have no counters, nor do the functions that read files.
        Kind::Rider | Kind::Pattern => attack.steps.iter().any(|step| {
            ["pgvigil_attack.", "lo_get", "loread"]
                .iter()
                .any(|name| step.contains(name))
                && !step.contains("pgvigil_attack.numbers")
        }),
        _ => false,
    }
}

/// Makes the object that answers to a name of the system's; one that is there already stays.
fn stand_in(record: &AttackRecord) -> Option<String> {
    let (schema, name) = record.object.split_once('.')?;
    let create = match record.object_type.as_str() {
        "VIEW" if record.command == "SELECT" && schema == "pgvigil_attack" => {
            format!(
                "CREATE VIEW {schema}.{name} AS SELECT * FROM {}",
                super::corpus::TABLE
            )
        }
        "VIEW" if record.command == "SELECT" && schema.starts_with(TEMPORARY) => {
            format!(
                "CREATE TEMP VIEW {name} AS SELECT * FROM {}",
                super::corpus::TABLE
            )
        }
        "FUNCTION" if schema == "pgvigil_attack" => format!(
            "CREATE FUNCTION {schema}.{name}() RETURNS text LANGUAGE plpgsql AS $body$ BEGIN RETURN lo_get(471100); END $body$"
        ),
        _ => return None,
    };
    Some(format!(
        "DO $do$ BEGIN {create}; EXCEPTION WHEN others THEN NULL; END $do$"
    ))
}

/// Tells at each evasion of the report what the server says. Where another of its kind is confirmed and the
/// shown one is not, that one is shown. Returns how many are confirmed.
fn complete(report: &mut AttackReport, answers: &[Answer<'_>]) -> usize {
    let mut confirmed: IndexMap<&str, BTreeMap<Rank, Found>> = report
        .exclusions
        .iter()
        .map(|exclusion| (exclusion.id.as_str(), BTreeMap::new()))
        .collect();
    for answer in answers.iter().filter(|answer| answer.was_silent) {
        if answer.outcome.is_evasion() && matches!(answer.on_server(), OnServer::Confirmed) {
            let found = answer.found();
            if let Some(kinds) = culprit(&found).and_then(|id| confirmed.get_mut(id)) {
                keep_shortest(kinds, &found);
            }
        }
    }
    let confirmed: Vec<BTreeMap<Rank, Found>> = confirmed.into_values().collect();
    let mut count = 0;
    for (exclusion, mut kinds) in report.exclusions.iter_mut().zip(confirmed) {
        for shown in &mut exclusion.evasions {
            let said = answers
                .iter()
                .find(|answer| {
                    let attack = &answer.planned.attack;
                    attack.kind == shown.kind
                        && attack.log_relation == shown.log_relation
                        && attack.who == shown.who
                        && attack.script() == shown.script
                })
                .map(Answer::on_server);
            match (
                said,
                kinds.remove(&(std::cmp::Reverse(shown.harm), shown.kind)),
            ) {
                (Some(OnServer::Confirmed), _) => shown.server = Some(OnServer::Confirmed),
                (_, Some(other)) => {
                    *shown = evasion(other);
                    shown.server = Some(OnServer::Confirmed);
                }
                (said, None) => shown.server = said,
            }
            count += usize::from(shown.server == Some(OnServer::Confirmed));
        }
    }
    count
}

/// The shortest of each kind and exclusion that are silent though they were expected to count.
fn unpredicted(report: &AttackReport, answers: &[Answer<'_>]) -> Vec<Unpredicted> {
    let mut found: IndexMap<String, BTreeMap<Rank, Found>> = IndexMap::new();
    for answer in answers {
        if answer.was_silent || answer.on_server() != OnServer::Confirmed {
            continue;
        }
        let silent = answer.found();
        let id = culprit(&silent)
            .unwrap_or(&silent.attack.exclusion)
            .to_owned();
        keep_shortest(found.entry(id).or_default(), &silent);
    }
    found
        .into_iter()
        .flat_map(|(id, kinds)| {
            let accepted = report
                .exclusions
                .iter()
                .any(|exclusion| exclusion.id == id && exclusion.accepted);
            kinds.into_values().map(move |found| Unpredicted {
                exclusion: id.clone(),
                evasion: Evasion {
                    server: Some(OnServer::Confirmed),
                    ..evasion(found)
                },
                accepted,
            })
        })
        .collect()
}

fn failures<'a>(ran: impl Iterator<Item = &'a Ran>) -> Vec<Failure> {
    let mut codes: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    for ran in ran {
        if let Ran::Failed { code, message } = ran {
            codes.entry(code).or_insert((message, 0)).1 += 1;
        }
    }
    let mut failures: Vec<Failure> = codes
        .into_iter()
        .map(|(code, (message, statements))| Failure {
            code: code.to_owned(),
            message: message.to_owned(),
            statements,
        })
        .collect();
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.statements));
    failures.truncate(FAILURES_MAX);
    failures
}

/// A real record after the prefix of the imitated session.
fn entry(prefix: LogLinePrefix, who: &Who, record: &[u8]) -> Vec<u8> {
    write_entry(
        prefix,
        &PrefixFields {
            client: who.client.as_bytes(),
            user: who.user.as_bytes(),
            database: who.database.as_bytes(),
            application_name: who.application.as_bytes(),
            ..PrefixFields::default()
        },
        record,
    )
}

/// The fields of a real record; one that cannot be read has its text alone.
fn parsed(message: &[u8]) -> AttackRecord {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let body = message.strip_prefix(HEAD).unwrap_or(message);
    match Record::parse(body) {
        Ok(record) => AttackRecord {
            class: text(record.class),
            command: text(record.command),
            object_type: text(record.object_type.unwrap_or_default()),
            object: record
                .object_name
                .map(|name| text(&name.decoded()))
                .unwrap_or_default(),
            statement: text(&record.statement.decoded().unwrap_or_default()),
            parameters: record.parameters.decoded().map(|list| text(&list)),
        },
        Err(_) => AttackRecord {
            class: "?".to_owned(),
            command: "?".to_owned(),
            object_type: String::new(),
            object: String::new(),
            statement: text(body),
            parameters: None,
        },
    }
}
