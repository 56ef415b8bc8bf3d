//! One case for each code: `tests/cases/AREA-NAME/` holds the files and `expected.txt`, what a person
//! sees. `PGVIGIL_UPDATE=1 cargo test` rewrites the latter; the text that must be underlined stands here.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::civil::{Date, date};
use pgvigil::check;
use pgvigil::compile;
use pgvigil::diagnostic::code::EXAMPLE;
use pgvigil::diagnostic::{Code, Diagnostics};
use pgvigil::policy::{self, Loaded};
use pgvigil::report::{github, human, json};
use pgvigil::rules;

const TODAY: Date = date(2026, 11, 22);

/// Each case, and the text under the first diagnostic of its code, as it is shown.
const UNDERLINED: &[(&str, &str)] = &[
    ("account-matches-everything", r"'[\s\S]+'"),
    ("account-role-or-pattern", "pattern"),
    ("account-swallows-user", "\"[a-z]+\""),
    ("compile-left-out", "probe-6"),
    ("compile-too-loud", "probe-6"),
    ("canary-silenced", "class: READ"),
    ("exclusion-no-expiry", "catalog-metadata"),
    ("exclusion-risk-accepted-long", "2027-10-31"),
    ("exclusion-risk-accepted-by-its-owner", "security"),
    ("exclusion-silences-protected", "match"),
    ("grant-backwards", "2026-11-22T14:00:00Z"),
    ("grant-broad", "relations"),
    ("grant-duplicate-id", "CHG-123"),
    ("grant-ended", "2026-11-21T17:00:00Z"),
    ("grant-marks-nothing", "alice"),
    ("grant-protected", "relations"),
    ("grant-relation", "orders"),
    ("grant-time", "2026-11-31T14:00:00Z"),
    ("grant-too-long", "2026-11-26T14:00:01Z"),
    ("grant-unknown-user", "alicia"),
    ("limits-given-twice", "limits"),
    ("protected-empty", "reason: card data under PCI DSS"),
    ("protected-relation-without-schema", "relation: accounts"),
    ("protected-unknown-word", "class: WRITES"),
    ("sensitivity-empty", "severity: low"),
    ("sensitivity-relation-without-schema", "severity: high"),
    ("sensitivity-signal-off", "severity: high"),
    ("sensitivity-unknown-word", "severity: high"),
    ("date-future", "2027-01-01"),
    ("date-impossible", "2027-02-29"),
    ("date-order", "2026-10-01"),
    ("environment-account", "\"1234-5678-9012\""),
    (
        "environment-assume-role",
        "arn:aws:iam::999999999999:role/pgvigil-apply",
    ),
    ("environment-cluster-name", "Orders-Prod"),
    ("environment-duplicate-cluster", "orders-prod"),
    ("environment-duplicate-name", "version: 1"),
    ("environment-email", "dba at example.com"),
    ("environment-own-receiver", "email"),
    ("environment-route-alone", "routes"),
    ("environment-route-engine", "chat"),
    ("environment-route-no-receiver", "team: payments"),
    ("environment-route-takes-all", "email"),
    ("environment-route-too-many", "routes"),
    ("environment-route-unknown", "paymnets"),
    ("environment-engine-region", "log-alarm"),
    ("environment-folder", "../elsewhere"),
    ("environment-late-arrival", "1440"),
    ("environment-late-figures", "rate(6 hours)"),
    (
        "environment-literal-secret",
        "****************************************",
    ),
    ("environment-log-line-prefix", "\"%m [%p] \""),
    ("environment-missing-key", "version: 1"),
    ("environment-name-form", "version: 1"),
    ("environment-namespace", "AWS/RDS"),
    ("environment-nobody-audited", "version: 1"),
    ("environment-nobody-told", "version: 1"),
    ("environment-overlap", "300"),
    (
        "environment-permissions-boundary",
        "arn:aws:iam::999999999999:policy/boundary",
    ),
    ("environment-rate", "rate(1 minutes)"),
    ("environment-region", "Frankfurt"),
    ("environment-resource-name", "version: 1"),
    ("environment-retention", "360"),
    ("environment-secret-reference", "INCIDENT URL"),
    ("environment-tag", "aws:team"),
    ("environment-unknown-cluster", "order"),
    ("environment-unknown-region", "eu-centrall-1"),
    ("environment-unused-key", "region"),
    ("exclusion-duplicate-id", "catalog-metadata"),
    ("exclusion-duplicate-match", "match"),
    ("exclusion-empty-match", "match"),
    ("exclusion-evadable", "DBeaver"),
    ("exclusion-expired", "2026-11-21"),
    ("exclusion-expires-soon", "2026-12-01"),
    ("exclusion-id-form", "Catalog_Metadata"),
    ("exclusion-lives-long", "2028-12-31"),
    ("exclusion-never-matches", "match"),
    ("exclusion-no-samples", "samples"),
    ("exclusion-protected-relation", "pg_stats"),
    ("exclusion-relation-without-schema", "relation"),
    ("exclusion-sample-object", "class: READ"),
    ("exclusion-shadowed", "match"),
    ("exclusion-too-wide", "match"),
    ("exclusion-unknown-word", "MISC_SET"),
    ("exclusion-unreachable", "match"),
    ("exclusion-weak-reason", "noise"),
    ("exclusion-whole-catalog", "pg_catalog"),
    ("exclusion-writer-only", "statement"),
    ("note-contradiction", "misuse"),
    ("note-detection-id", "3F9C2B7A"),
    ("note-duplicate-id", "countries-export"),
    ("note-future", "2026-11-24"),
    ("note-id-form", "Countries_Export"),
    ("note-weak-text", "As discussed."),
    ("pattern-empty", "\"[0-9]*\""),
    ("pattern-invalid", "("),
    ("pattern-not-portable", "\\d"),
    ("pattern-wildcard", "\"app_*\""),
    ("reference-extends-cycle", "green"),
    ("reference-extends-too-deep", "link-02"),
    ("reference-unknown-base", "bose"),
    ("reference-unknown-environment", "prd"),
    ("reference-unknown-exclusion", "catalog-metdata"),
    ("reference-unknown-set", "catalog-metadta"),
    ("role-control-character", "\"ali\\tce\""),
    ("role-duplicate", "alice"),
    ("role-imitates-log", "\"svc@app:[1]:LOG\""),
    ("role-outer-space", "\" alice\""),
    (
        "role-too-long",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ),
    ("role-user-and-account", "alice"),
    ("schema-empty", "\"\""),
    ("schema-missing-key", "role: alice"),
    ("schema-out-of-range", "64"),
    ("schema-repeated-item", "read"),
    ("schema-unknown-key", "enviroments"),
    ("schema-unknown-value", "ams"),
    ("schema-unquoted-text", "123456789012"),
    ("schema-value", "\"12\""),
    ("schema-version", "2"),
    ("schema-wrong-type", "orders-prod"),
    ("source-bidirectional-character", "\u{202e}"),
    ("source-byte-order-mark", "\u{feff}"),
    ("source-control-character", "\u{1b}"),
    ("source-empty-file", ""),
    ("source-invisible-character", "\u{200b}"),
    ("source-mixed-scripts", "\u{430}lice"),
    ("source-no-files", ""),
    ("source-not-utf8", "\u{fffd}"),
    ("source-not-a-file", ""),
    ("source-submodule", ""),
    ("source-symbolic-link", ""),
    ("source-too-deep", ""),
    ("source-too-large", ""),
    ("source-unexpected-file", ""),
    ("user-expired", "2026-10-31"),
    ("user-expires-soon", "2026-12-01"),
    ("user-no-relations", "alice"),
    ("user-not-watched", "log"),
    ("user-two-defaults", "audit"),
    ("yaml-alias", "&owner"),
    ("yaml-boolean-like", "no"),
    ("yaml-duplicate-key", "owner"),
    ("yaml-key-not-text", "role"),
    ("yaml-leading-zero", "012345678901"),
    ("yaml-merge-conflict", "<<<<<<< HEAD"),
    ("yaml-merge-key", "<<"),
    ("yaml-null", "users"),
    ("yaml-number-like", "1_000"),
    ("yaml-several-documents", "---"),
    ("yaml-syntax", ":"),
    ("yaml-tab", "\t"),
    ("yaml-tag", "!text"),
    ("yaml-too-deep", "["),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

fn name(code: Code) -> String {
    code.id().replace('/', "-")
}

/// Most cases are files; those that no repository should hold are made here.
fn judge(name: &str) -> (Loaded, Diagnostics) {
    let loaded = match name {
        "source-too-large" => {
            policy::load_from([("rules/rules.yaml", "#".repeat(policy::load::MAX_BYTES + 1))])
        }
        "source-submodule" | "source-too-deep" | "source-not-a-file" => made(name),
        _ => policy::load(&folder().join(name)).unwrap(),
    };
    let mut diagnostics = check::run(&loaded, TODAY);
    diagnostics.extend(compile::limits(&loaded));
    diagnostics.extend(rules::check(&loaded, TODAY));
    diagnostics.extend(rules::loudness::check(&folder().join(name), &loaded));
    diagnostics.sort();
    (loaded, diagnostics)
}

/// A case with what Git does not hold, or would hold in every checkout.
fn made(name: &str) -> Loaded {
    let place = tempfile::tempdir().unwrap();
    let rules = place.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    let text = folder().join(name).join("rules/rules.yaml");
    std::fs::copy(text, rules.join("rules.yaml")).unwrap();
    match name {
        "source-submodule" => {
            std::fs::create_dir(rules.join("shared")).unwrap();
            std::fs::write(rules.join("shared/.git"), "gitdir: elsewhere\n").unwrap();
        }
        "source-too-deep" => {
            let deep = rules.join("d/".repeat(17));
            std::fs::create_dir_all(&deep).unwrap();
            std::fs::write(deep.join("alice.yaml"), "version: 1\n").unwrap();
        }
        _ => drop(std::os::unix::net::UnixListener::bind(rules.join("pipe.yaml")).unwrap()),
    }
    policy::load(place.path()).unwrap()
}

#[test]
fn every_code_has_a_case() {
    let codes: BTreeSet<String> = Code::ALL.iter().map(|code| name(*code)).collect();
    let listed: BTreeSet<String> = UNDERLINED
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let folders: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("good") && !name.starts_with("many-"))
        .collect();
    assert_eq!(codes, listed, "the codes and the list of this file differ");
    assert_eq!(
        codes, folders,
        "the codes and the folders of tests/cases differ"
    );
}

#[test]
fn every_case_shows_what_is_expected() {
    let mut wrong = Vec::new();
    let mut examples = String::new();
    for (name, underlined) in UNDERLINED {
        let (loaded, diagnostics) = judge(name);
        let Some(found) = diagnostics
            .iter()
            .find(|diagnostic| diagnostic.code.id().replace('/', "-") == *name)
        else {
            wrong.push(format!(
                "{name}: its code is not reported\n{}",
                human::render(&loaded.files, &diagnostics, human::Options::default())
            ));
            continue;
        };
        let shown = found
            .place()
            .map(|place| loaded.files.shown_slice(place))
            .unwrap_or_default();
        if shown != *underlined {
            wrong.push(format!(
                "{name}: {shown:?} is underlined instead of {underlined:?}"
            ));
        }
        let text = human::render(&loaded.files, &diagnostics, human::Options::default());
        if let Err(message) = expect(&folder().join(name).join("expected.txt"), &text) {
            wrong.push(message);
        }
        // What `pgvigil explain` shows: the first of its code.
        let mut first = Diagnostics::default();
        first.push(found.clone());
        let example = human::render(&loaded.files, &first, human::Options::default());
        let id = found.code.id();
        examples.push_str(&format!("{EXAMPLE}{id}\n{}\n", example.trim_end()));
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diagnostic/examples.txt");
    if let Err(message) = expect(&file, &examples) {
        wrong.push(message);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_correct_repository_has_no_faults() {
    let (loaded, diagnostics) = judge("good");
    assert!(
        diagnostics.is_empty(),
        "{}",
        human::render(&loaded.files, &diagnostics, human::Options::default())
    );
}

#[test]
fn all_faults_of_all_files_come_out_in_one_run() {
    let (loaded, diagnostics) = judge("many-faults");
    let text = human::render(&loaded.files, &diagnostics, human::Options::default());
    expect(&folder().join("many-faults/expected.txt"), &text).unwrap();
    let codes: BTreeSet<&str> = diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code.id())
        .collect();
    assert!(codes.len() >= 20, "{codes:?}");
}

/// One file for each way in which a reservation can be wrong: the message is read as it is shown.
#[test]
fn reservations_that_cannot_be() {
    let (loaded, diagnostics) = judge("many-reservations");
    let text = human::render(&loaded.files, &diagnostics, human::Options::default());
    expect(&folder().join("many-reservations/expected.txt"), &text).unwrap();
    let wrong: BTreeSet<String> = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.code.id().starts_with("schema/"))
        .filter_map(|diagnostic| diagnostic.place())
        .map(|place| loaded.files.shown_slice(place))
        .collect();
    let values = [
        "0",
        "1001",
        "-1",
        "all",
        "\"1\"",
        "1.5",
        "reserved_concurrency",
    ];
    assert_eq!(wrong, values.map(str::to_owned).into());
}

#[test]
fn a_secret_in_a_file_is_never_shown() {
    let secret = "T0KEN-of-the-hook";
    for notifications in [
        "{https: [https://example.com/T0KEN-of-the-hook]}",
        "{https: https://example.com/T0KEN-of-the-hook}",
        "{https: [{from_env: https://example.com/T0KEN-of-the-hook}]}",
        "{https: [{url: https://example.com/T0KEN-of-the-hook}]}",
        "{webhook: https://example.com/T0KEN-of-the-hook}",
        "{https: [https://example.com/T0KEN-of-the-hook",
    ] {
        let text = format!(
            "version: 1\nprovider: local\nclusters: [orders]\nnotifications: {notifications}\n"
        );
        let loaded = policy::load_from([("environments/dev.yaml", text)]);
        let diagnostics = check::run(&loaded, TODAY);
        assert!(diagnostics.errors() > 0, "{notifications}");
        for shown in [
            human::render(&loaded.files, &diagnostics, human::Options::default()),
            json::render(&loaded.files, &diagnostics),
            github::render(&loaded.files, &diagnostics),
        ] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

/// What is left out of the model was reported.
#[test]
fn nothing_is_dropped_in_silence() {
    let good = good_files();
    let whole = |loaded: &Loaded| {
        (
            loaded.policy.users.len(),
            loaded.policy.service_accounts.len(),
            loaded.policy.exclusions.len(),
            loaded.policy.environments.len(),
        )
    };
    let expected = whole(&policy::load_from(good.clone()));
    for (index, (_, text)) in good.iter().enumerate() {
        let text = String::from_utf8(text.clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (line, old) in lines.iter().enumerate() {
            for new in [
                old.replacen(": ", ": 5 # ", 1),
                old.replacen(": ", ": no # ", 1),
                old.replacen(": ", "x: ", 1),
                old.replacen(": ", ": [[]] # ", 1),
                old.replacen(": ", ":", 1),
                format!("{old}x"),
            ] {
                let mut damaged = lines.clone();
                damaged[line] = &new;
                let mut files = good.clone();
                files[index].1 = damaged.join("\n").into_bytes();
                let loaded = policy::load_from(files);
                let diagnostics = check::run(&loaded, TODAY);
                assert!(
                    whole(&loaded) == expected || diagnostics.errors() > 0,
                    "line {line}: {new}"
                );
            }
        }
    }
}

#[test]
fn an_environment_may_have_no_exclusions() {
    let text = "version: 1\nprovider: local\nclusters: [orders]\nexclusions: []\n";
    let loaded = policy::load_from([("environments/dev.yaml", text)]);
    assert!(check::run(&loaded, TODAY).is_empty());
    assert_eq!(
        loaded.policy.environments[0].exclusions,
        pgvigil::policy::model::Selection::Only(Vec::new())
    );
}

/// One row for each way in which a role can be none of the environment's account.
#[test]
fn roles_to_assume() {
    let judge = |region: &str, role: &str| {
        let text = format!(
            "version: 1\nprovider: aws\naccount: \"123456789012\"\nregion: {region}\nassume_role: {role}\n\
             clusters: [orders]\nnotifications: {{email: [dba@example.com]}}\n"
        );
        let loaded = policy::load_from([("environments/prod.yaml", text)]);
        let codes: Vec<&str> = check::run(&loaded, TODAY)
            .iter()
            .map(|diagnostic| diagnostic.code.id())
            .collect();
        codes.join(" ")
    };
    let wrong = "environment/assume-role";
    let rows = [
        ("eu-west-1", "arn:aws:iam::123456789012:role/pgvigil", ""),
        ("eu-west-1", "arn:aws:iam::123456789012:role/a/b/c@d", ""),
        ("cn-north-1", "arn:aws-cn:iam::123456789012:role/x", ""),
        (
            "us-gov-west-1",
            "arn:aws-us-gov:iam::123456789012:role/x",
            "",
        ),
        ("cn-north-1", "arn:aws:iam::123456789012:role/x", wrong),
        ("eu-west-1", "arn:aws-cn:iam::123456789012:role/x", wrong),
        ("eu-west-1", "arn:aws:iam::123456789013:role/x", wrong),
        ("eu-west-1", "arn:aws:iam::123456789012:user/x", wrong),
        ("eu-west-1", "arn:aws:iam::123456789012:role/", wrong),
        ("eu-west-1", "arn:aws:sts::123456789012:role/x", wrong),
        (
            "eu-west-1",
            "arn:aws:iam:eu-west-1:123456789012:role/x",
            wrong,
        ),
        ("eu-west-1", "pgvigil", wrong),
    ];
    for (region, role, expected) in rows {
        assert_eq!(judge(region, role), expected, "{region} {role}");
    }
}

/// A boundary is a policy of the environment's account, or one of AWS's.
#[test]
fn permissions_boundaries() {
    let judge = |provider: &str, boundary: &str| {
        let text = format!(
            "version: 1\n{provider}permissions_boundary: {boundary}\nclusters: [orders]\n\
             notifications: {{email: [dba@example.com]}}\n"
        );
        let loaded = policy::load_from([("environments/prod.yaml", text.as_str())]);
        let codes: Vec<&str> = check::run(&loaded, TODAY)
            .iter()
            .map(|diagnostic| diagnostic.code.id())
            .collect();
        codes.join(" ")
    };
    let aws = "provider: aws\naccount: \"123456789012\"\nregion: eu-west-1\n";
    for (provider, boundary, expected) in [
        (aws, "arn:aws:iam::123456789012:policy/b", ""),
        (aws, "arn:aws:iam::aws:policy/PowerUserAccess", ""),
        (
            aws,
            "arn:aws:iam::123456789013:policy/b",
            "environment/permissions-boundary",
        ),
        (
            aws,
            "arn:aws-cn:iam::123456789012:policy/b",
            "environment/permissions-boundary",
        ),
        (aws, "arn:aws:iam::123456789012:role/b", "schema/value"),
        (
            "provider: local\n",
            "arn:aws:iam::123456789012:policy/b",
            "environment/unused-key",
        ),
    ] {
        assert_eq!(judge(provider, boundary), expected, "{boundary}");
    }
}

#[test]
fn roles_are_inherited_and_replaced() {
    let base = "version: 1\nbase: true\nprovider: aws\naccount: \"123456789012\"\nregion: eu-west-1\n\
                assume_role: arn:aws:iam::123456789012:role/base\nclusters: [orders]\n\
                notifications: {email: [dba@example.com]}\n";
    let own = "version: 1\nextends: base\nassume_role:\n  plan: arn:aws:iam::123456789012:role/read\n  \
               apply: arn:aws:iam::123456789012:role/write\n";
    let loaded = policy::load_from([
        ("environments/base.yaml", base),
        ("environments/one.yaml", "version: 1\nextends: base\n"),
        ("environments/two.yaml", own),
    ]);
    let codes: Vec<&str> = check::run(&loaded, TODAY)
        .iter()
        .map(|diagnostic| diagnostic.code.id())
        .collect();
    assert!(!codes.contains(&"environment/assume-role"), "{codes:?}");
    let roles = |name: &str| {
        let roles = loaded.policy.environment(name).unwrap().assume_role.clone();
        roles.map(|roles| (roles.plan, roles.apply)).unwrap()
    };
    let arn = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
    assert_eq!(roles("one"), (arn("base"), arn("base")));
    assert_eq!(roles("two"), (arn("read"), arn("write")));

    let local = "version: 1\nprovider: local\nclusters: [orders]\nassume_role: arn:aws:iam::123456789012:role/x\n";
    let loaded = policy::load_from([("environments/dev.yaml", local)]);
    let diagnostics = check::run(&loaded, TODAY);
    assert_eq!(
        diagnostics.iter().next().unwrap().code.id(),
        "environment/assume-role"
    );
}

fn expect(path: &Path, text: &str) -> Result<(), String> {
    if std::env::var_os("PGVIGIL_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    if expected == text {
        Ok(())
    } else {
        Err(format!(
            "{} differs:\n--- expected\n{expected}\n--- found\n{text}",
            path.display()
        ))
    }
}

/// Loads, checks and renders; says how long that took.
fn survive(files: Vec<(String, Vec<u8>)>) -> std::time::Duration {
    let start = std::time::Instant::now();
    let loaded = policy::load_from(files);
    let diagnostics = check::run(&loaded, TODAY);
    let text = human::render(
        &loaded.files,
        &diagnostics,
        human::Options {
            colour: false,
            width: 100,
        },
    );
    assert!(
        !text.chars().any(pgvigil::diagnostic::is_hostile),
        "{text:?}"
    );
    let report = json::render(&loaded.files, &diagnostics);
    assert!(serde_json::from_str::<serde_json::Value>(&report).is_ok());
    let commands = github::render(&loaded.files, &diagnostics);
    assert!(
        commands
            .lines()
            .all(|line| line.starts_with("::error ") || line.starts_with("::warning ")),
        "{commands}"
    );
    start.elapsed()
}

fn good_files() -> Vec<(String, Vec<u8>)> {
    [
        "rules/rules.yaml",
        "environments/base.yaml",
        "environments/prod.yaml",
        "environments/local.yaml",
    ]
    .map(|path| {
        (
            path.to_owned(),
            std::fs::read(folder().join("good").join(path)).unwrap(),
        )
    })
    .to_vec()
}

/// Pieces that mean something to YAML, to the policy or to a terminal.
const PIECES: &[&str] = &[
    "\n",
    "  ",
    "\t",
    "- ",
    ": ",
    ":",
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    ",",
    "#",
    "&a ",
    "*a",
    "!t ",
    "|\n",
    ">\n",
    "? ",
    "<<: ",
    "---\n",
    "...\n",
    "%",
    "@",
    "`",
    "~",
    "null",
    "yes",
    "012",
    "1:30",
    "\u{FEFF}",
    "\u{202E}",
    "\u{200B}",
    "\u{1b}[31m",
    "\0",
    "\r",
    "\r\n",
    "é",
    "\u{1F600}",
    "users:",
    "role: ",
    "exclusions:",
    "match: ",
    "environments: all",
    "extends: prod",
    "base: true",
    "version: 2",
    "pattern: (a*)*b",
    "matches: ['",
    "\\",
    "\\x41",
    "((((",
    "a{1000}{1000}",
    "9999999999999999999999",
    "1e999",
    "-",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    #[test]
    fn arbitrary_bytes_never_break_the_loader(
        rules in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        environment in proptest::collection::vec(proptest::sample::select(PIECES), 0..60),
    ) {
        survive(vec![("rules/a.yaml".to_owned(), rules), ("environments/b.yaml".to_owned(), environment.concat().into_bytes())]);
    }

    #[test]
    fn damaged_files_never_break_the_loader(
        edits in proptest::collection::vec((0..4_usize, 0.0..1.0_f64, 0..12_usize, proptest::sample::select(PIECES)), 1..6),
    ) {
        let mut files = good_files();
        for (file, at, removed, piece) in edits {
            let text = &mut files[file].1;
            let start = (at * text.len() as f64) as usize;
            let end = (start + removed).min(text.len());
            text.splice(start..end, piece.bytes());
        }
        survive(files);
    }
}

#[test]
fn hostile_files_take_bounded_time() {
    let big = 200_000;
    let head = "version: 1\n";
    let texts = [
        "[".repeat(big),
        "{a: ".repeat(big / 4),
        "- ".repeat(big / 2),
        "? ".repeat(big / 2),
        format!("{head}users:\n{}", "  - role: no\n".repeat(big / 13)),
        format!("{head}users: [{}]", "~, ".repeat(big / 3)),
        format!(
            "{head}{}",
            (0..big / 10)
                .map(|key| format!("k{key}: 1\n"))
                .collect::<String>()
        ),
        format!(
            "{head}users:\n{}",
            (0..big / 70)
                .map(|_| "  - {role: alice, owner: data-platform, environments: all}\n")
                .collect::<String>()
        ),
        format!(
            "{head}service_accounts:\n{}",
            (0..big / 90)
                .map(|key| format!(
                    "  - {{pattern: a{key}, reason: x, owner: y, environments: [nowhere{key}]}}\n"
                ))
                .collect::<String>()
        ),
        format!("{head}users: \"{}\"", "x".repeat(big)),
        format!("{head}users: {}", "\u{202E}".repeat(big / 3)),
        format!("{head}a: |\n{}", "  line\n".repeat(big / 7)),
        format!(
            "{head}service_accounts:\n  - {{pattern: '{}', reason: x, owner: y, environments: all}}\n",
            "(a{1,9})".repeat(400)
        ),
        format!(
            "{head}service_accounts:\n  - {{pattern: '{}', reason: x, owner: y, environments: all}}\n",
            "(".repeat(5_000)
        ),
    ];
    for text in texts {
        let shown: String = text.chars().take(40).collect();
        let taken = survive(vec![
            ("rules/a.yaml".to_owned(), text.clone().into_bytes()),
            ("environments/b.yaml".to_owned(), text.into_bytes()),
        ]);
        assert!(taken.as_secs() < 20, "{shown} took {taken:?}");
    }
}
