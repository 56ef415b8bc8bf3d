//! Attacks on exclusions: those of the system that pgvigil replaces have an evasion each, the shipped
//! ones none; what is reported really is silent, and really runs on a server.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic and print"
)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use jiff::civil::{Date, date};
use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::audit_log::reader::{Inputs, ReadOptions, Source, for_each_entry};
use pgvigil::audit_log::{EntryKind, judge_entry};
use pgvigil::diagnostic::Code;
use pgvigil::judge::{Judge, Rules, Scratch};
use pgvigil::policy::{self, Loaded};
use pgvigil::report;
use pgvigil::rules::attack::{
    self, Attack, AttackReport, Effort, Harm, Kind, Options, corpus, judge_records,
};
use pgvigil::{check, rules::attack::AttackRecord};

use crate::server::Server;

use crate::recorded;

const TODAY: Date = date(2026, 11, 22);

/// What the lines `filter @message not like /…/` of the system that pgvigil replaces look for.
const REFERENCE: &[&str] = &[
    "SELECT version()",
    "pg_shdescription",
    "pg_database",
    "pg_catalog",
    "information_schema",
    "SET application_name",
    "SHOW search_path",
    "SELECT current_schema",
    "DBeaver",
    "PostgreSQL JDBC Driver",
    "datname = $1",
];

const FULL: Options = Options {
    effort: Effort::Full,
    exclusions: None,
};

/// A repository with these matches as exclusions `x0`, `x1` …
pub(crate) fn repository(matches: &[String], sample: &str) -> Loaded {
    let mut rules =
        "version: 1\nusers:\n  - {role: alice, owner: security, environments: all, audit: {log_relation: false}}\nexclusions:\n"
            .to_owned();
    for (index, matcher) in matches.iter().enumerate() {
        rules.push_str(&format!(
            "  - id: x{index}\n    title: Noise of a client\n    reason: the client asks this by itself and reads no users' data\n    \
             owner: security\n    created: 2026-11-01\n    expires: 2027-10-31\n    environments: all\n    match: {matcher}\n    \
             samples:\n      silences:\n        - {sample}\n      stays_loud:\n        - {{class: READ, command: SELECT, object_type: TABLE, \
             object: app.orders, statement: select 2 from app.orders}}\n"
        ));
    }
    let environment = "version: 1\nprovider: local\nfolder: out\nclusters: [shop]\nlog_line_prefix: \"%t:%r:%u@%d:[%p]:\"\nmonitor: {schedule: rate(5 minutes), settle_seconds: 120, late_arrival_minutes: 15, architecture: arm64, memory_mb: 128, timeout_seconds: 300, namespace: A/B}\nsignals: {dml: {threshold: 0}}\nretention_days: 365\nmonitor_retention_days: 365\ntags: {owner: security}\n";
    policy::load_from([
        ("rules/rules.yaml", rules),
        ("environments/dev.yaml", environment.to_owned()),
    ])
}

/// The texts of the reference as exclusions that load: as wide as the checks let them be.
fn reference() -> Loaded {
    let matches: Vec<String> = REFERENCE
        .iter()
        .map(|text| {
            format!(
                "{{class: [READ, WRITE], command: [SELECT, INSERT, UPDATE, DELETE], statement: {{contains: \"{text}\"}}}}"
            )
        })
        .collect();
    let sample = "{class: READ, command: SELECT, object_type: none, statement: select 1}";
    repository(&matches, sample)
}

fn run(loaded: &Loaded) -> AttackReport {
    let environment = loaded.policy.environments.first().unwrap();
    attack::run(&loaded.policy, environment, TODAY, &FULL)
}

/// Judges what a report shows anew, with a judge of its own.
fn assert_silent(loaded: &Loaded, report: &AttackReport) {
    let environment = loaded.policy.environments.first().unwrap();
    let judge = Judge::new(&Rules::of(&loaded.policy, environment));
    let mut scratch = Scratch::default();
    for exclusion in &report.exclusions {
        for evasion in &exclusion.evasions {
            let attack = Attack {
                exclusion: exclusion.id.clone(),
                kind: evasion.kind,
                does: String::new(),
                carrier: String::new(),
                harm: evasion.harm,
                steps: vec![evasion.script.clone()],
                log_relation: evasion.log_relation,
                records: evasion
                    .records
                    .iter()
                    .map(|judged| judged.record.clone())
                    .collect(),
                who: evasion.who.clone(),
                condition: String::new(),
                item: None,
            };
            let outcome = judge_records(&judge, &mut scratch, &attack.entries(judge.prefix()));
            assert!(outcome.is_evasion(), "{evasion:?}");
            assert!(evasion.silenced_by.contains(&exclusion.id), "{evasion:?}");
            let text = &evasion.script;
            let harms = match evasion.harm {
                Harm::Changes => [
                    "delete",
                    "update",
                    "insert",
                    "merge",
                    "truncate",
                    "copy",
                    "call",
                    "erase",
                    "lo_put",
                    "005fput",
                    "nextval",
                    "setval",
                    "set_config",
                    "do $$",
                ]
                .as_slice(),
                Harm::Reads => &[
                    "select", "table", "values", "copy", "refresh", "execute", "lo_get", "005fget",
                ],
            };
            assert!(
                harms.iter().any(|word| text.to_lowercase().contains(word)),
                "{text}"
            );
        }
    }
}

#[test]
fn behind_each_exclusion_of_the_replaced_system_a_person_can_hide() {
    let loaded = reference();
    let faults = check::run(&loaded, TODAY);
    assert_eq!(
        faults.errors(),
        0,
        "{}",
        report::human::render(&loaded.files, &faults, report::human::Options::default())
    );
    let report = run(&loaded);
    println!("{}", report::attack::human(&report, false));
    assert!(!report.passed);
    assert_eq!(report.exclusions.len(), REFERENCE.len());
    for (exclusion, text) in report.exclusions.iter().zip(REFERENCE) {
        let planted = exclusion
            .evasions
            .iter()
            .find(|evasion| evasion.kind == Kind::Planted);
        assert!(planted.is_some(), "{text}: {exclusion:?}");
        assert!(
            planted
                .unwrap()
                .script
                .to_lowercase()
                .contains(&text.to_lowercase())
        );
    }
    assert_silent(&loaded, &report);

    let found = attack::check(&loaded, TODAY);
    assert_eq!(found.errors(), REFERENCE.len());
    for diagnostic in found.iter() {
        assert_eq!(diagnostic.code, Code::ExclusionEvadable);
        let shown = loaded.files.shown_slice(diagnostic.place().unwrap());
        assert!(REFERENCE.iter().any(|text| shown.contains(text)), "{shown}");
    }
}

#[test]
fn behind_no_shipped_exclusion_a_person_can_hide() {
    let loaded = recorded::shipped();
    let found = attack::check(loaded, TODAY);
    assert!(
        found.is_empty(),
        "{}",
        report::human::render(&loaded.files, &found, report::human::Options::default())
    );
    // Somebody without `log_relation`, so that its records are tried too.
    let mut policy = loaded.policy.clone();
    for user in &mut policy.users {
        user.audit.log_relation = false;
    }
    for prefix in LogLinePrefix::ALL {
        let mut environment = policy.environment("local").unwrap().clone();
        environment.log_line_prefix = prefix;
        let report = attack::run(&policy, &environment, TODAY, &FULL);
        assert!(report.passed, "{}", report::attack::human(&report, false));
        for exclusion in &report.exclusions {
            assert!(
                exclusion.statements > 5_000,
                "{} {}",
                exclusion.id,
                exclusion.statements
            );
        }
    }
}

/// Where everybody is audited with `log_relation` on, records without it are not held against a rule.
#[test]
fn the_settings_of_the_people_decide() {
    let sample = "{class: READ, command: SELECT, object_type: none, statement: select 1}";
    let matcher = "{class: READ, command: SELECT, statement: {equals: [select id from jobs]}}";
    let mut loaded = repository(&[matcher.to_owned()], sample);
    assert_eq!(attack::check(&loaded, TODAY).errors(), 1);
    for user in &mut loaded.policy.users {
        user.audit.log_relation = true;
    }
    assert!(attack::check(&loaded, TODAY).is_empty());
    assert!(run(&loaded).passed);
}

/// What reviewers let pass: each is evadable by the kind beside it.
#[test]
fn each_kind_of_weakness_is_found() {
    let sample = "{class: READ, command: SELECT, object_type: TABLE, object: pg_catalog.pg_class, statement: select relname from pg_class}";
    for (matcher, kind) in [
        (
            "{class: READ, command: SELECT, object_type: TABLE, schema: pg_catalog, relation: [pg_class, pg_type]}",
            Kind::Rider,
        ),
        (
            "{class: READ, command: SELECT, object_type: TABLE, schema: pg_catalog, relation: pg_class, statement: {lacks: [lo_get, pg_read_file]}}",
            Kind::Rider,
        ),
        (
            "{class: READ, command: SELECT, object_type: TABLE, schema: pg_catalog, relation: pg_class, statement: {only_calls: [count, lo_get]}}",
            Kind::Rider,
        ),
        (
            "{class: WRITE, command: UPDATE, schema: jobs, relation: queue, user: [worker]}",
            Kind::Rider,
        ),
        (
            "{class: READ, command: SELECT, object_type: none, statement: {matches: [\"SELECT 1[^;]*\"]}}",
            Kind::Pattern,
        ),
        (
            "{class: READ, command: SELECT, statement: {matches: [\"SELECT [a-z_ ,.()0-9]+ FROM jobs\"]}}",
            Kind::Pattern,
        ),
        (
            "{class: READ, command: SELECT, statement: {matches: [\"SELECT name FROM [a-z_.]+\"]}}",
            Kind::Pattern,
        ),
        (
            "{class: READ, command: SELECT, object_type: none, statement: {matches: [\"SELECT 1 WHERE 'a' = '[^;]*'\"]}}",
            Kind::Pattern,
        ),
        (
            "{class: [READ, MISC], command: [SELECT, \"???\"], statement: {equals: [select id from jobs]}}",
            Kind::Shadow,
        ),
        (
            "{class: [READ, WRITE], command: [SELECT, DELETE], statement: {contains: healthcheck}}",
            Kind::Planted,
        ),
        (
            "{class: READ, command: SELECT, object_type: none, statement: {starts_with: [select], lacks: [lo_get]}}",
            Kind::Plain,
        ),
    ] {
        let loaded = repository(&[matcher.to_owned()], sample);
        assert_eq!(loaded.policy.exclusions.len(), 1, "{matcher}");
        let report = run(&loaded);
        let kinds: Vec<Kind> = report.exclusions[0]
            .evasions
            .iter()
            .map(|evasion| evasion.kind)
            .collect();
        println!("{matcher}\n{}", report::attack::human(&report, false));
        assert!(kinds.contains(&kind), "{matcher}: {kinds:?}");
        assert_silent(&loaded, &report);
        assert_eq!(attack::check(&loaded, TODAY).errors(), 1, "{matcher}");
    }
}

#[test]
fn a_sound_exclusion_is_not_accused() {
    let sample = "{class: READ, command: SELECT, object_type: none, statement: select 1}";
    for matcher in [
        // Another function of that name has to be made, or looked for elsewhere: both count.
        "{class: [READ, FUNCTION], command: [SELECT, EXECUTE], statement: {equals: [\"select check_health()\"]}}",
        "{class: READ, command: SELECT, object_type: none, statement: {equals: [select 1]}}",
        "{class: READ, command: SELECT, object_type: none, statement: {equals: [\"select pg_catalog.version()\"]}}",
        "{class: READ, command: SELECT, object_type: none, statement: {matches: [\"SELECT [0-9]+\"]}}",
        "{class: MISC, command: FETCH}",
        "{class: READ, command: PREPARE, object_type: none}",
        "{class: READ, command: SELECT, object_type: TABLE, schema: pg_catalog, relation: [pg_class], statement: {only_calls: [count], lacks: [pgaudit]}}",
    ] {
        let loaded = repository(&[matcher.to_owned()], sample);
        assert_eq!(loaded.policy.exclusions.len(), 1, "{matcher}");
        let report = run(&loaded);
        assert!(
            report.passed,
            "{matcher}\n{}",
            report::attack::human(&report, false)
        );
        assert!(attack::check(&loaded, TODAY).is_empty(), "{matcher}");
    }
}

#[test]
fn a_slip_in_a_pattern_is_noted() {
    let sample = "{class: READ, command: SELECT, object_type: none, statement: select 1}";
    let matcher = "{class: READ, command: SELECT, object_type: none, statement: {matches: [\"SELECT version()\", \"SELECT [^;]*\"]}}";
    let loaded = repository(&[matcher.to_owned()], sample);
    let notes = attack::lint::notes(&loaded.policy.exclusions[0]);
    let parts: Vec<(&str, usize)> = notes
        .iter()
        .map(|note| (note.part.as_str(), note.item))
        .collect();
    assert_eq!(parts, [("()", 0), ("[^;]*", 1)]);
    assert!(notes[1].accepts.as_ref().unwrap().starts_with("SELECT "));
}

#[test]
fn reports_hide_nothing_and_obey_no_terminal() {
    let sample = "{class: READ, command: SELECT, object_type: none, statement: select 1}";
    let matcher = "{class: [READ, WRITE], command: [SELECT, DELETE], statement: {contains: \"\\e[31mnoise\"}}";
    let loaded = repository(&[matcher.to_owned()], sample);
    let report = run(&loaded);
    for text in [
        report::attack::human(&report, false),
        report::attack::json(&report),
    ] {
        assert!(text.contains("31mnoise"), "{text}");
        assert!(!text.contains('\u{1b}'));
    }
    let json: serde_json::Value = serde_json::from_str(&report::attack::json(&report)).unwrap();
    assert_eq!(json["format_version"], 1);
    assert_eq!(
        json["exclusions"][0]["evasions"][0]["records"][0]["verdict"],
        "excluded"
    );
}

/// Prints the curve; the figures are told by an optimised build.
#[test]
fn the_bounded_form_is_linear() {
    let mut times = Vec::new();
    for number in [100_usize, 300] {
        let matches: Vec<String> = (0..number)
            .map(|index| match index % 3 {
                0 => format!("{{class: READ, command: SELECT, object_type: TABLE, schema: pg_catalog, relation: [pg_class, t{index}], statement: {{only_calls: {{set: harmless-functions}}, lacks: [pgaudit]}}}}"),
                1 => format!("{{class: READ, command: SELECT, object_type: none, statement: {{equals: [\"select {index}\"]}}}}"),
                _ => format!("{{class: READ, command: SELECT, object_type: none, statement: {{matches: [\"select {index} as [a-z]+\"]}}}}"),
            })
            .collect();
        let sample = "{class: READ, command: SELECT, object_type: none, statement: select 1}";
        let loaded = repository(&matches, sample);
        assert_eq!(loaded.policy.exclusions.len(), number);
        let start = Instant::now();
        let found = attack::check(&loaded, TODAY);
        let time = start.elapsed();
        println!("{number} exclusions: {time:?}");
        assert!(found.is_empty());
        times.push(time.as_secs_f64() / number as f64);
    }
    assert!(times[1] < times[0] * 3.0, "{times:?}");
}

/// A server with what the corpus needs.
fn prepared() -> Server {
    let server = Server::start(&[]);
    let errors = server.run_script(corpus::SETUP);
    assert!(errors.is_empty(), "{errors}");
    server
}

impl Server {
    /// Runs a script and returns what it complains about.
    fn run_script(&self, script: &str) -> String {
        let mut child = self
            .psql("postgres", "postgres")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(script.as_bytes())
            .unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap()
    }

    /// Runs the texts of each named script in a transaction that is rolled back, and returns for each
    /// step its records: class, command, type and object in one text, and the record's own.
    fn records_of(
        &self,
        scripts: &[(String, Vec<String>)],
        log_relation: bool,
    ) -> BTreeMap<(String, usize), Vec<(String, String)>> {
        let setting = if log_relation { "on" } else { "off" };
        let mut script = format!(
            "SET pgaudit.log = 'all'; SET pgaudit.log_relation = {setting}; SET client_min_messages = error;\n"
        );
        for (name, steps) in scripts {
            script.push_str("BEGIN;\n");
            for (index, step) in steps.iter().enumerate() {
                script.push_str(&format!(
                    "SELECT 'begin {setting} {name} {index}';\n{step}\n;\n"
                ));
                if step.contains("FROM STDIN") {
                    script.push_str("\\.\n");
                }
                script.push_str(&format!("SELECT 'end {setting} {name}';\n"));
            }
            script.push_str("ROLLBACK;\n");
        }
        let errors = self.run_script(&script);
        assert!(errors.is_empty(), "{errors}");
        let inputs = Inputs::new(vec![Source::Path(self.log())]);
        let mut found: BTreeMap<_, Vec<(String, String)>> = BTreeMap::new();
        let mut current = None;
        let options = ReadOptions {
            threads: Some(1),
            ..ReadOptions::default()
        };
        for_each_entry(&inputs, &options, |entry| {
            let EntryKind::Audit { record, .. } = judge_entry(entry.text, LogLinePrefix::Short)
            else {
                return;
            };
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let statement = text(&record.statement.decoded().unwrap_or_default());
            if let Some(rest) = statement.strip_prefix(&format!("SELECT 'begin {setting} ")) {
                let rest = rest.trim_end_matches([';', '\'']);
                let (name, step) = rest.rsplit_once(' ').unwrap();
                let key = (name.to_owned(), step.parse::<usize>().unwrap());
                found.entry(key.clone()).or_default();
                current = Some(key);
            } else if statement.starts_with("SELECT 'end ")
                || statement.starts_with("SELECT 'begin ")
            {
                current = None;
            } else if let Some(key) = &current {
                let object = record
                    .object_name
                    .map(|name| text(&name.decoded()))
                    .unwrap_or_default();
                let what = format!(
                    "{},{},{},{object}",
                    text(record.class),
                    text(record.command),
                    text(record.object_type.unwrap_or_default())
                );
                found.get_mut(key).unwrap().push((what, statement));
            }
        });
        found
    }
}

/// The text of a record without what psql adds.
fn trimmed(text: &str) -> &str {
    text.trim_end_matches([';', '\n', ' '])
}

/// `corpus.sql` says what a server writes; `PGVIGIL_UPDATE=1` writes it anew.
#[test]
fn the_corpus_has_the_records_of_a_server() {
    let server = prepared();
    let scripts = attack::statements();
    let recorded: BTreeMap<bool, _> = [true, false]
        .into_iter()
        .map(|log_relation| (log_relation, server.records_of(&scripts, log_relation)))
        .collect();
    let mut written = String::new();
    let mut name = String::new();
    let mut step = 0;
    let mut in_entry = false;
    for line in corpus::TEXT.lines() {
        if line.starts_with("-- on ") || line.starts_with("-- off ") {
            continue;
        }
        written.push_str(line);
        written.push('\n');
        if let Some(rest) = line
            .strip_prefix("-- action ")
            .or(line.strip_prefix("-- rider "))
        {
            name = rest.split(' ').next().unwrap().to_owned();
            step = 0;
            in_entry = true;
        }
        if !in_entry || line.starts_with("--") || !line.ends_with(';') {
            continue;
        }
        let steps = &scripts.iter().find(|(known, _)| *known == name).unwrap().1;
        for (log_relation, word) in [(true, "on"), (false, "off")] {
            for (what, text) in recorded[&log_relation]
                .get(&(name.clone(), step))
                .into_iter()
                .flatten()
            {
                let text = trimmed(text);
                let whose = if text == trimmed(&steps[step]) {
                    String::new()
                } else if let Some(other) = steps.iter().position(|step| trimmed(step) == text) {
                    format!("\tof {}", other + 1)
                } else if text.is_empty() {
                    "\ttext".to_owned()
                } else {
                    format!("\ttext {}", text.replace('\n', " "))
                };
                written.push_str(&format!("-- {word} {what}{whose}\n"));
            }
        }
        step += 1;
    }
    expect("src/rules/attack/corpus.sql", corpus::TEXT, &written);
}

#[test]
fn the_relations_have_the_records_of_a_server() {
    let server = prepared();
    let scripts: Vec<(String, Vec<String>)> = corpus::RELATIONS
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(relation, _)| {
            (
                relation.to_owned(),
                vec![format!("SELECT 1 FROM {relation} LIMIT 0")],
            )
        })
        .collect();
    let recorded = server.records_of(&scripts, true);
    let mut written = corpus::RELATIONS.lines().next().unwrap().to_owned() + "\n";
    for (relation, _) in &scripts {
        let mut line = vec![relation.clone()];
        for (what, _) in &recorded[&(relation.clone(), 0)] {
            if !line.contains(what) {
                line.push(what.clone());
            }
        }
        written.push_str(&(line.join("\t") + "\n"));
    }
    expect(
        "src/rules/attack/relations.tsv",
        corpus::RELATIONS,
        &written,
    );
}

fn expect(file: &str, known: &str, written: &str) {
    if known == written {
        return;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("PGVIGIL_UPDATE").is_some() {
        std::fs::write(path, written).unwrap();
    } else {
        let line = known.lines().zip(written.lines()).find(|(a, b)| a != b);
        panic!("{file} is not what the server writes: {line:?}; PGVIGIL_UPDATE=1 writes it anew");
    }
}

/// The evasions that are shown run on a server, and make the records that are shown.
#[test]
fn what_is_shown_can_be_pasted() {
    let server = prepared();
    let loaded = reference();
    let report = run(&loaded);
    let evasions: Vec<_> = report
        .exclusions
        .iter()
        .flat_map(|exclusion| {
            exclusion
                .evasions
                .iter()
                .map(move |evasion| (exclusion, evasion))
        })
        // Beside a sample stands a statement of its own, and a shadow needs its view first.
        .filter(|(_, evasion)| matches!(evasion.kind, Kind::Plain | Kind::Planted | Kind::Rider))
        .collect();
    assert!(evasions.len() >= REFERENCE.len());
    for log_relation in [true, false] {
        let scripts: Vec<(String, Vec<String>)> = evasions
            .iter()
            .enumerate()
            .filter(|(_, (_, evasion))| evasion.log_relation == log_relation)
            .map(|(index, (_, evasion))| (format!("e{index}"), vec![evasion.script.clone()]))
            .collect();
        let recorded = server.records_of(&scripts, log_relation);
        for (name, steps) in &scripts {
            let (_, evasion) = evasions[name[1..].parse::<usize>().unwrap()];
            let real: Vec<&str> = recorded[&(name.clone(), 0)]
                .iter()
                .map(|(what, _)| what.as_str())
                .collect();
            let shown: Vec<String> = evasion
                .records
                .iter()
                .map(|judged| what(&judged.record))
                .collect();
            assert_eq!(real, shown, "{steps:?}");
        }
    }
}

fn what(record: &AttackRecord) -> String {
    format!(
        "{},{},{},{}",
        record.class, record.command, record.object_type, record.object
    )
}
