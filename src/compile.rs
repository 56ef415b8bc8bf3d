//! The policy as artefacts: queries, enrolment SQL, the monitor's environment, resource documents.
//!
//! Everything here is a pure function of the policy files (and of the day, where an enrolment ends):
//! the same input gives the same bytes. Limits of the services are diagnostics at the place in the
//! YAML that breaks them ([`limits`]).

pub mod cloudformation;
pub mod audit_setting;
pub mod enrolment;
pub mod export;
pub mod fetch;
pub mod monitor_environment;
pub mod name;
pub(crate) mod pattern;
pub mod query;
pub mod resources;
pub mod terraform;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::civil::Date;
use rayon::prelude::*;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, count, quote, quote_all};
use crate::digest::sha256;
use crate::judge::Rules;
use crate::policy::Loaded;
use crate::policy::model::{Cluster, Engine, Environment, Exclusion, Signal};
use crate::source::Place;

use fetch::{Ask, Fetch};
use monitor_environment::{MonitorInputs, monitor_environment};
use name::{NameFault, NameProblem, check_names};
use resources::{Document, Inputs, PolicyLayer, chat_topic_arn, event_bus_arn, topic_arn};

use query::room::LeftOut;

pub use query::{CompiledQuery, QUERY_LIMIT, QuerySource, StageRole};

/// A file that is compiled from the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artefact {
    /// Where it stands below the output folder, with forward slashes: `ENV/…`.
    pub path: String,
    pub text: String,
}

/// What an environment is compiled into.
#[derive(Debug, Clone)]
pub struct Compiled {
    pub query: CompiledQuery,
    /// The same records, newest first.
    pub investigate: CompiledQuery,
    /// SHA-256 of the alarm query, in hexadecimal.
    pub query_digest: String,
    /// Everything that decides what counts.
    pub rules: Rules,
    /// What all clusters share, then every resource of every cluster, cluster by cluster, in the safe order.
    pub documents: Vec<Document>,
    /// Every file, sorted by path.
    pub artefacts: Vec<Artefact>,
}

pub fn compile(loaded: &Loaded, environment: &Environment, today: Date) -> Compiled {
    let all = QuerySource::of(&loaded.policy, environment);
    let fetch = Fetch::of(&all).text(Ask::ALL);
    let (source, left_out) = all.that_fits();
    let consequence = match environment.engine {
        Engine::Monitor => "It shows more records than count",
        Engine::LogAlarm => "The alarm counts the records that they would silence",
    };
    let heading = |what: &str| {
        let mut header = header(what, &all, environment);
        if let Some(sentence) = left_out.sentence(consequence) {
            header.push('\n');
            header.push_str(&sentence);
        }
        header
    };
    let query = source.alarm(&heading("counted records"));
    let query_digest = sha256(&query.text);
    let investigate = source.investigate(&heading("counted records, newest first"));
    let summary = source.summary(&heading("sums of counted records"));
    let table = source.table(&heading("counted records, without statements"));
    let rules = Rules::of(&loaded.policy, environment);
    let policy_layer = PolicyLayer::of(environment, &rules);
    let inputs = MonitorInputs {
        rules_digest: &policy_layer.digest,
        policy_digest: &environment.digest,
    };

    let signal_rows = signal_rows(
        &source,
        environment,
        &heading("records that an alarm counts"),
    );
    let rows: BTreeMap<Signal, String> = signal_rows
        .iter()
        .map(|(signal, query)| (*signal, query.text.clone()))
        .collect();

    let shared = Inputs {
        summary: &summary.text,
        investigate: &investigate.text,
        table: &table.text,
        last_days: &last_days(&all.exclusions),
        query_digest: &query_digest,
        policy_digest: &environment.digest,
        policy_layer: &policy_layer,
        monitor_environment: &BTreeMap::new(),
        signal_rows: &rows,
    };
    let mut documents = resources::shared(environment, &shared);
    for cluster in &environment.clusters {
        let variables = cluster_environment(environment, cluster, inputs);
        let inputs = Inputs {
            monitor_environment: &variables,
            ..shared
        };
        documents.extend(resources::resources(environment, cluster, &inputs));
    }

    let groups: Vec<String> = environment
        .clusters
        .iter()
        .map(Cluster::log_group)
        .collect();
    let monitor = monitor_environment(environment, &groups, inputs);
    let enrolment = enrolment::enrolment_sql(
        &loaded.policy,
        environment,
        today,
        &header("audited people", &all, environment),
    );
    let at = |name: &str| format!("{}/{name}", environment.name);
    let mut artefacts = vec![
        Artefact {
            path: at("query.cwli"),
            text: query.text.clone(),
        },
        Artefact {
            path: at("investigate.cwli"),
            text: investigate.text.clone(),
        },
        Artefact {
            path: at("enrol.sql"),
            text: enrolment,
        },
    ];
    match environment.engine {
        Engine::Monitor => artefacts.extend([
            Artefact {
                path: at("fetch.cwli"),
                text: fetch,
            },
            Artefact {
                path: at("monitor-env.json"),
                text: json(&monitor),
            },
            Artefact {
                path: at("policy.json"),
                text: String::from_utf8_lossy(&rules.to_bytes()).into_owned(),
            },
        ]),
        Engine::LogAlarm => artefacts.extend(rows.iter().map(|(signal, text)| Artefact {
            path: at(&format!("log-alarm-{}.cwli", signal.name())),
            text: text.clone(),
        })),
    }
    artefacts.extend(documents.iter().map(|document| {
        Artefact {
            path: at(&document
                .file()
                .to_string_lossy()
                .replace(std::path::MAIN_SEPARATOR, "/")),
            text: document.to_text(),
        }
    }));
    artefacts.sort_by(|a, b| a.path.cmp(&b.path));
    Compiled {
        query,
        investigate,
        query_digest,
        rules,
        documents,
        artefacts,
    }
}

/// Exclusions that the dashboard names: what has room in a widget of four rows.
const ON_A_DASHBOARD: usize = 5;

/// The exclusions that end first, in Markdown as a dashboard shows it. No day of today is in it: a dashboard changes when the
/// policy does.
fn last_days(exclusions: &[&Exclusion]) -> String {
    let mut ending: Vec<(Date, &str)> = exclusions
        .iter()
        .filter_map(|exclusion| Some((exclusion.last_day()?, exclusion.id.as_str())))
        .collect();
    ending.sort();
    if ending.is_empty() {
        return "**Exclusions that end first**: no exclusion of this environment has a last day."
            .to_owned();
    }
    let mut text =
        "**Exclusions that end first**: after its last day an exclusion silences nothing, so its records count. \
         `pgvigil rules renew` sets a later day.\n"
            .to_owned();
    for (day, id) in ending.iter().take(ON_A_DASHBOARD) {
        let _ = write!(text, "\n- {day} `{id}`");
    }
    let more = ending.len().saturating_sub(ON_A_DASHBOARD);
    if more > 0 {
        let _ = write!(text, "\n- and {} that end later", count(more, "exclusion"));
    }
    text
}

/// The queries of log alarms, where the environment has any.
fn signal_rows(
    source: &QuerySource<'_>,
    environment: &Environment,
    heading: &str,
) -> BTreeMap<Signal, CompiledQuery> {
    let signals = match environment.engine {
        Engine::Monitor => &[][..],
        Engine::LogAlarm => &environment.signals,
    };
    signals
        .iter()
        .map(|settings| {
            (
                settings.signal,
                source.signal_rows(settings.signal, heading),
            )
        })
        .collect()
}

/// The variables of one cluster's monitor.
fn cluster_environment(
    environment: &Environment,
    cluster: &Cluster,
    inputs: MonitorInputs<'_>,
) -> BTreeMap<String, String> {
    let mut variables = monitor_environment(environment, &[cluster.log_group()], inputs);
    variables.insert("PGVIGIL_CLUSTER".to_owned(), cluster.name.clone());
    variables.insert("PGVIGIL_TOPIC".to_owned(), topic_arn(environment, cluster));
    if let Some(chat) = chat_topic_arn(environment, cluster) {
        variables.insert("PGVIGIL_CHAT_TOPIC".to_owned(), chat);
    }
    if let Some(bus) = event_bus_arn(environment) {
        variables.insert("PGVIGIL_EVENT_BUS".to_owned(), bus);
    }
    if let Some(runbook) = &environment.runbook {
        variables.insert("PGVIGIL_RUNBOOK".to_owned(), runbook.clone());
    }
    variables
}

/// Where an artefact comes from. Short, since it counts against the limits of the services; its digest
/// covers the rules that apply here and nothing else, so that a change of a retention period does not
/// change the query.
fn header(what: &str, source: &QuerySource<'_>, environment: &Environment) -> String {
    let rules = sha256(source.provenance());
    format!(
        "pgvigil {}: {what}, rules {}",
        environment.name,
        rules.get(..12).unwrap_or(&rules)
    )
}

fn json(variables: &BTreeMap<String, String>) -> String {
    let mut text = serde_json::to_string_pretty(variables).unwrap_or_default();
    text.push('\n');
    text
}

/// Tells where the artefacts break a limit of the service that takes them.
pub fn limits(loaded: &Loaded) -> Diagnostics {
    let mut sink = Diagnostics::default();
    let environments: Vec<(&Environment, Diagnostics)> = loaded
        .policy
        .environments
        .par_iter()
        .map(|environment| (environment, limits_of(loaded, environment)))
        .collect();
    sink.extend(joined(environments));
    let (long, others): (Vec<_>, Vec<_>) = check_names(&loaded.policy)
        .into_iter()
        .partition(|fault| matches!(fault.problem, NameProblem::TooLong { .. }));
    sink.extend(names_too_long(&long));
    for fault in others {
        let (name, kind) = (quote(&fault.name), fault.kind);
        let diagnostic = match &fault.problem {
            NameProblem::TooLong { .. } => continue,
            NameProblem::Character(character) => Diagnostic::new(
                Code::EnvironmentResourceName,
                format!(
                    "the {kind} would have the name {name}, which contains {}",
                    quote(&character.to_string())
                ),
            )
            .help("write the name with letters, digits and hyphens"),
            NameProblem::Taken { by } => Diagnostic::new(
                Code::EnvironmentResourceName,
                format!("two clusters would have the same {kind} {name}"),
            )
            .context(by.clone(), "the other cluster")
            .help("watch a cluster in one environment only"),
        };
        sink.push(diagnostic.at(fault.place));
    }
    sink.sort();
    sink
}

/// One fault for each environment whose name makes names of resources too long, whatever their number.
fn names_too_long(faults: &[NameFault]) -> Diagnostics {
    let mut sink = Diagnostics::default();
    let mut seen: Vec<&Place> = Vec::new();
    for fault in faults {
        let NameProblem::TooLong { length } = fault.problem else {
            continue;
        };
        if seen.contains(&&fault.place) {
            continue;
        }
        seen.push(&fault.place);
        let mut kinds: Vec<String> = faults
            .iter()
            .filter(|other| other.place == fault.place)
            .map(|other| other.kind.to_string())
            .collect();
        kinds.dedup();
        sink.push(
            Diagnostic::new(
                Code::EnvironmentResourceName,
                format!(
                    "the name {} would be too long for {}: it has {length} characters; the limit is {}",
                    quote(&fault.name),
                    kinds.join(", "),
                    fault.limit
                ),
            )
            .at(fault.place.clone())
            .help("shorten the name of the environment, which is the name of its file"),
        );
    }
    sink
}

/// One fault for all environments in which it is the same.
fn joined(found: Vec<(&Environment, Diagnostics)>) -> Diagnostics {
    let mut whole: Vec<(Diagnostic, &str, Vec<&str>)> = Vec::new();
    for (environment, diagnostics) in found {
        for diagnostic in &diagnostics {
            // A message names its environment.
            let says =
                |diagnostic: &Diagnostic, name: &str| diagnostic.message.replace(&quote(name), "");
            let same = whole.iter_mut().find(|(known, name, _)| {
                known.code == diagnostic.code
                    && known.place() == diagnostic.place()
                    && says(known, name) == says(diagnostic, &environment.name)
            });
            match same {
                Some((_, _, others)) => others.push(&environment.name),
                None => whole.push((diagnostic.clone(), &environment.name, Vec::new())),
            }
        }
    }
    let mut sink = Diagnostics::default();
    for (diagnostic, _, others) in whole {
        let named = quote_all(others.iter().take(NAMED));
        let help = match others.len() {
            0 => None,
            many if many > NAMED => Some(format!(
                "the same applies to {named} and {} more",
                count(many - NAMED, "environment")
            )),
            _ => Some(format!("the same applies to {named}")),
        };
        sink.push(diagnostic.maybe_help(help));
    }
    sink
}

/// Environments with the engine `monitor` whose texts for people leave something out: those show more records than count,
/// and the monitor counts the same.
pub fn with_short_texts(loaded: &Loaded) -> Vec<&Environment> {
    loaded
        .policy
        .environments
        .par_iter()
        .filter(|environment| environment.engine == Engine::Monitor)
        .filter(|environment| !QuerySource::of(&loaded.policy, environment).is_short())
        .collect()
}

/// What breaks a limit of a service in one environment.
fn limits_of(loaded: &Loaded, environment: &Environment) -> Diagnostics {
    let mut sink = Diagnostics::default();
    if environment.engine == Engine::Monitor {
        return sink;
    }
    let all = QuerySource::of(&loaded.policy, environment);
    let (_, left_out) = all.that_fits();
    if !left_out.is_empty() {
        sink.push(leaves_out(&left_out, environment));
    }
    sink
}

fn leaves_out(left_out: &LeftOut<'_>, environment: &Environment) -> Diagnostic {
    let mut names: Vec<String> = left_out
        .exclusions
        .iter()
        .map(|exclusion| quote(&exclusion.id))
        .collect();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    if !left_out.accounts.is_empty() {
        names.push(count(left_out.accounts.len(), "service account"));
    }
    let place = left_out
        .exclusions
        .first()
        .map_or(&environment.place, |exclusion| &exclusion.place);
    Diagnostic::new(
        Code::CompileLeftOut,
        format!(
            "the log alarms, saved queries and the dashboard of {} have no room for {}",
            quote(&environment.name),
            names.join(", ")
        ),
    )
    .help("these texts have a limit of 10,000 characters: the alarms count records of the exclusions left out; \
        `engine: monitor` has room for all")
    .help("the texts contain the exclusions in the order of the policy: move those that silence the most records to the top")
    .at(place.clone())
}

/// Exclusions that a message names one by one.
const NAMED: usize = 8;
