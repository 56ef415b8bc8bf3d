//! Every field that somebody can edit by hand is seen, named and healed (`tests/moto/edits.py`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::aws_world::World;
use crate::moto::target;

/// What cannot be edited in place, with the reason.
const FIXED: &[(&str, &str, &str)] = &[
    (
        "*",
        "name",
        "a resource of another name is another resource",
    ),
    ("kms-key", "key_spec", "KMS cannot change it"),
    ("kms-key", "key_usage", "KMS cannot change it"),
    ("kms-key", "multi_region", "KMS cannot change it"),
    ("sns-topic", "fifo", "SNS cannot change it"),
    ("sns-subscription", "topic", "a subscription cannot move"),
    (
        "sns-subscription",
        "protocol",
        "a subscription cannot change it",
    ),
    (
        "sns-subscription",
        "endpoint",
        "a subscription that leads elsewhere is another one",
    ),
    (
        "sns-subscription",
        "endpoint.from_env",
        "a subscription that leads elsewhere is another one",
    ),
    ("iam-role", "path", "IAM cannot move a role"),
    (
        "iam-role-policy",
        "role",
        "a policy of another role is another one",
    ),
    (
        "policy-layer",
        "description",
        "nobody can change a version of a layer",
    ),
    (
        "policy-layer",
        "code_sha256",
        "nobody can change a version of a layer",
    ),
    (
        "policy-layer",
        "compatible_runtimes",
        "nobody can change a version of a layer",
    ),
    (
        "policy-layer",
        "compatible_architectures",
        "nobody can change a version of a layer",
    ),
    ("lambda-function", "package_type", "Lambda cannot change it"),
    (
        "lambda-function",
        "code.digest_of",
        "stands for the package: `code.sha256` once it is known",
    ),
    (
        "lambda-permission",
        "function",
        "a statement of another function is another one",
    ),
    (
        "lambda-permission",
        "statement_id",
        "a statement of another id is another one",
    ),
    (
        "event-rule",
        "event_bus",
        "a rule of another bus is another one",
    ),
    (
        "event-target",
        "rule",
        "a target of another rule is another one",
    ),
    (
        "event-target",
        "id",
        "a target of another id is another one",
    ),
];

/// The Python that makes the edits.
pub(crate) struct Edits {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    pub(crate) table: Vec<(String, String)>,
}

impl Edits {
    pub(crate) fn start(world: &World, base: &str) -> Self {
        let mut python = Command::new(target().join("venv/bin/python"));
        python
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/moto/edits.py"))
            .arg(base)
            .current_dir(world.root())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = world.moto.env(&mut python).spawn().unwrap();
        let mut edits = Self {
            stdin: child.stdin.take().unwrap(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
            table: Vec::new(),
        };
        edits.table = serde_json::from_str(&edits.line()).unwrap();
        edits
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    pub(crate) fn make(&mut self, index: usize) {
        writeln!(self.stdin, "{index}").unwrap();
        let said = self.line();
        assert_eq!(said, "ok", "{:?}", self.table[index]);
    }
}

impl Drop for Edits {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The documents of a world, as `compile` writes them.
pub(crate) fn documents(world: &World) -> Vec<Value> {
    let (code, text) = world.run(&["compile", "--env", "prod", "--out", "compiled"]);
    assert_eq!(code, 0, "{text}");
    let mut all = Vec::new();
    let mut folders = vec![world.root().join("compiled")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                let value: Value =
                    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
                if value.get("address").is_some() {
                    all.push(value);
                }
            }
        }
    }
    fs::remove_dir_all(world.root().join("compiled")).unwrap();
    assert!(all.len() > 15, "{} documents", all.len());
    all
}

/// What `drift` finds, with the exit code.
pub(crate) fn drift(world: &World) -> (i32, Value) {
    let output = world
        .command(&["drift", "--env", "prod", "--format", "json"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("hunter2"), "a secret is shown: {text}");
    let report = serde_json::from_str(&text).unwrap_or_else(|error| {
        panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr))
    });
    (output.status.code().unwrap(), report)
}

/// The base of the names of the only cluster's resources.
pub(crate) fn base(world: &World) -> String {
    let documents = documents(world);
    let function = documents
        .iter()
        .find(|document| document["kind"] == "lambda-function")
        .unwrap();
    function["name"].as_str().unwrap().to_owned()
}

/// Says whether an edit of the table is about this resource.
pub(crate) fn is_about(address: &str, resource: &str) -> bool {
    let resource = resource.split_once('/').unwrap().1;
    match address.split_once(':') {
        Some((kind, protocol)) => {
            resource.starts_with(kind) && resource.contains(&format!("/{protocol}-"))
        }
        None => resource == address || resource.split('/').next() == Some(address),
    }
}

/// Every leaf of a value, in the form of paths.
fn leaves(value: &Value, path: &str, all: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let dot = if path.is_empty() { "" } else { "." };
                leaves(value, &format!("{path}{dot}{key}"), all);
            }
        }
        _ => {
            all.insert(path.to_owned());
        }
    }
}

fn covers(edited: &str, leaf: &str) -> bool {
    match edited.strip_suffix(".*") {
        Some(root) => leaf.starts_with(root),
        None => {
            let rest = leaf.strip_prefix(edited);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        }
    }
}

#[test]
fn every_field_is_in_the_table() {
    let world = World::new(&["orders"]);
    world.apply();
    let edits = Edits::start(&world, &base(&world));
    let mut used = BTreeSet::new();
    for document in documents(&world) {
        let (kind, address) = (
            document["kind"].as_str().unwrap(),
            document["address"].as_str().unwrap(),
        );
        // One alarm stands for all: they are made by one function.
        if kind == "alarm" && !address.ends_with("human-dml") {
            continue;
        }
        // One saved query too.
        if kind == "saved-query" && (address.ends_with("/detections") || address.ends_with("/role"))
        {
            continue;
        }
        let mut fields = BTreeSet::new();
        leaves(&document["properties"], "", &mut fields);
        // What the digest of a layer vouches for.
        fields.retain(|field| kind != "policy-layer" || !field.starts_with("rules."));
        for field in fields {
            let fixed = FIXED
                .iter()
                .position(|(of, path, _)| (*of == kind || *of == "*") && *path == field);
            used.extend(fixed);
            let edited = edits
                .table
                .iter()
                .any(|(about, path)| is_about(about, address) && covers(path, &field));
            // SNS takes these two only for endpoints over HTTP.
            let only_https = address.contains("/email-")
                && (field == "delivery_policy" || field == "raw_message_delivery");
            assert!(
                edited || fixed.is_some() || only_https,
                "nothing edits {address} {field}"
            );
            assert!(
                !(edited && fixed.is_some()),
                "{address} {field} can be edited"
            );
        }
    }
    assert_eq!(
        used.len(),
        FIXED.len(),
        "{FIXED:?}: only {used:?} are fields"
    );
}

/// Makes every edit of these kinds, each seen alone and healed.
fn seen_and_healed(kinds: &[&str]) {
    let world = World::new(&["orders"]);
    world.apply();
    let mut edits = Edits::start(&world, &base(&world));
    let documents = documents(&world);
    let mut made = 0;
    let mut faults = Vec::new();
    for (index, (about, path)) in edits.table.clone().into_iter().enumerate() {
        let kind = about.split(['/', ':']).next().unwrap();
        if !kinds.contains(&kind) {
            continue;
        }
        made += 1;
        edits.make(index);
        let (code, report) = drift(&world);
        let found = report["drift"].as_array().unwrap();
        let address = found
            .first()
            .map_or("", |one| one["address"].as_str().unwrap());
        if code != 13 || found.len() != 1 || !is_about(&about, address) {
            faults.push(format!(
                "{about} {path}: drift exits with {code} and finds {found:?}"
            ));
        }
        for change in found
            .iter()
            .flat_map(|one| one["changes"].as_array().unwrap())
        {
            let changed = change["path"].as_str().unwrap();
            // A filter where there is none brings its scope.
            let is_scope = path == "filter_policy" && changed == "filter_policy_scope";
            if !covers(&path, changed) && !is_scope {
                faults.push(format!("{about} {path}: also {change}"));
            }
            if change.get("before") == change.get("after") {
                faults.push(format!("{about} {path}: {change} shows no change"));
            }
        }
        if let Some(root) = path.strip_suffix(".*") {
            // Each text of the structure is told by itself.
            let document = documents
                .iter()
                .find(|one| one["address"] == address)
                .unwrap();
            let mut expected = BTreeSet::new();
            let pointer = format!("/properties/{root}");
            texts(document.pointer(&pointer).unwrap(), root, &mut expected);
            for text in expected {
                let told = found[0]["changes"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|change| {
                        let path = change["path"].as_str().unwrap();
                        text == path
                            || text.starts_with(&format!("{path}."))
                            || text.starts_with(&format!("{path}["))
                            || path.starts_with(&format!("{text}["))
                    });
                if !told {
                    faults.push(format!("{about} {path}: nothing is told of {text}"));
                }
            }
        }
        let (code, text) =
            world.run(&["apply", "--env", "prod", "--auto-approve", "--package", "."]);
        let (clean, report) = drift(&world);
        if code != 0 || clean != 0 {
            faults.push(format!(
                "{about} {path}: not healed: {text} {}",
                report["drift"]
            ));
        }
    }
    assert!(made > 0);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The texts and numbers that `edited` in the table's file changes, by their path.
fn texts(value: &Value, path: &str, all: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let fixed = ["Sid", "Effect", "Version"].contains(&key.as_str());
                if !fixed && (!path.starts_with("trust_policy") || key != "Federated") {
                    texts(value, &format!("{path}.{key}"), all);
                }
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (index, item) in items.iter().enumerate() {
                let name = item
                    .get("Sid")
                    .and_then(Value::as_str)
                    .map_or(index.to_string(), str::to_owned);
                texts(item, &format!("{path}[{name}]"), all);
            }
        }
        Value::Array(items) if items.is_empty() && !path.starts_with("vpc") => {}
        _ => {
            all.insert(path.to_owned());
        }
    }
}

#[test]
fn logs_keys_and_schedules() {
    seen_and_healed(&[
        "log-group",
        "kms-key",
        "event-rule",
        "event-target",
        "saved-query",
    ]);
}

#[test]
fn topics_and_roles() {
    seen_and_healed(&[
        "sns-topic",
        "sns-subscription",
        "iam-role",
        "iam-role-policy",
        "dashboard",
    ]);
}

#[test]
fn functions() {
    seen_and_healed(&["lambda-function"]);
}

#[test]
fn alarms_and_permissions() {
    seen_and_healed(&["alarm", "lambda-permission"]);
}

#[test]
fn a_key_name_that_leads_elsewhere_is_led_back() {
    let world = World::new(&["orders"]);
    world.apply();
    let base = base(&world);
    let key = world.by_hand(&format!(
        "print(client('kms').describe_key(KeyId='alias/{base}')['KeyMetadata']['KeyId'])"
    ));
    world.by_hand(&format!(
        "k = client('kms')\nk.update_alias(AliasName='alias/{base}', TargetKeyId=k.create_key()['KeyMetadata']['KeyId'])"
    ));
    let (_, report) = drift(&world);
    let alias = &report["drift"][0];
    assert_eq!(alias["kind"], "kms-alias", "{report}");
    assert_eq!(alias["changes"][0]["path"], "target.id_of", "{report}");
    world.apply();
    assert_eq!(drift(&world).0, 0);
    let after = world.by_hand(&format!(
        "print(client('kms').describe_key(KeyId='alias/{base}')['KeyMetadata']['KeyId'])"
    ));
    assert_eq!(key, after);
    let tags = world.by_hand(
        "k = client('kms')\nfor x in k.list_keys()['Keys']: print(x['KeyId'], len(k.list_resource_tags(KeyId=x['KeyId'])['Tags']))",
    );
    let marked = tags.lines().filter(|line| !line.ends_with(" 0")).count();
    assert_eq!(marked, 1, "somebody's key bears our tags: {tags}");
}

/// What is deleted by hand, with what goes with it, and the kinds that are told as missing.
const DELETED: &[(&str, &[&str])] = &[
    (
        "client('cloudwatch').delete_alarms(AlarmNames=['BASE-human-dml'])",
        &["alarm"],
    ),
    (
        "client('cloudwatch').delete_dashboards(DashboardNames=['BASE'])",
        &["dashboard"],
    ),
    (
        "l = client('logs')\nl.delete_query_definition(queryDefinitionId=l.describe_query_definitions(\
         queryDefinitionNamePrefix='pgvigil/BASE')['queryDefinitions'][0]['queryDefinitionId'])",
        &["saved-query"],
    ),
    (
        "client('events').remove_targets(Rule='BASE', Ids=['monitor'])",
        &["event-target"],
    ),
    (
        "e = client('events')\ne.remove_targets(Rule='BASE', Ids=['monitor'])\ne.delete_rule(Name='BASE')",
        &["event-rule", "event-target"],
    ),
    (
        "client('iam').delete_role_policy(RoleName='BASE', PolicyName='monitor')",
        &["iam-role-policy"],
    ),
    (
        "s = client('sns')\nfor x in s.list_subscriptions()['Subscriptions']: s.unsubscribe(SubscriptionArn=x['SubscriptionArn'])",
        &["sns-subscription", "sns-subscription"],
    ),
    (
        "l = client('lambda')\np = json.loads(l.get_policy(FunctionName='BASE')['Policy'])\n\
         l.remove_permission(FunctionName='BASE', StatementId=p['Statement'][0]['Sid'])",
        &["lambda-permission"],
    ),
];

#[test]
fn what_is_deleted_is_missing_and_made_again() {
    let world = World::new(&["orders"]);
    world.apply();
    let base = base(&world);
    for (code, expected) in DELETED {
        world.by_hand(&code.replace("BASE", &base));
        let (exit, report) = drift(&world);
        let missing: Vec<&str> = report["drift"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["verdict"] == "missing")
            .map(|one| one["kind"].as_str().unwrap())
            .collect();
        assert_eq!(
            (exit, missing.as_slice()),
            (13, *expected),
            "{code}: {report}"
        );
        world.apply();
        assert_eq!(drift(&world).0, 0, "{code}");
    }
    // What bears its own note takes it along: the plan makes it again, as it would make a new one.
    world.by_hand(&format!(
        "client('lambda').delete_function(FunctionName={base:?})"
    ));
    let (exit, text) = world.run(&["plan", "--env", "prod", "--detailed-exitcode"]);
    assert_eq!(exit, 12, "{text}");
    world.apply();
    assert_eq!(drift(&world).0, 0);
}
