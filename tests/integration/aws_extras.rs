//! What no file asks for, subscriptions, taking down, other accounts, and which calls are made at all.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use pgvigil::cloud::aws::{Aws, Settings, Variables};
use pgvigil::deploy::document::Document;
use pgvigil::deploy::permission::{self, Operation, Purpose};
use pgvigil::deploy::port::{Cloud as _, Expected};
use pgvigil::policy;
use pgvigil::policy::model::Architecture;
use pgvigil::policy::model::Environment;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;

use crate::aws_fields::{base, documents, drift};
use crate::aws_world::{REGION, World};

const FILE: &str = "environments/prod.yaml";

fn edit(world: &World, from: &str, to: &str) {
    let path = world.root().join(FILE);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

/// Addresses that `drift` reports as extra.
fn extras(world: &World) -> Vec<String> {
    let (code, report) = drift(world);
    let all: Vec<String> = report["drift"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["verdict"] == "extra")
        .map(|one| one["address"].as_str().unwrap().to_owned())
        .collect();
    // The files may have moved too.
    let expected: &[i32] = if all.is_empty() {
        &[0, 12]
    } else {
        &[12, 13, 14]
    };
    assert!(expected.contains(&code), "{report}");
    all
}

fn prune(world: &World, what: &[&str], count: usize) -> (i32, String) {
    let count = count.to_string();
    let mut arguments = vec![
        "apply",
        "--env",
        "prod",
        "--auto-approve",
        "--allow-delete",
        &count,
        "--package",
        ".",
    ];
    for address in what {
        arguments.extend(["--prune", address]);
    }
    world.run(&arguments)
}

/// Additions by hand, with the beginning of the address under which they are reported.
const ADDED: &[(&str, &str)] = &[
    (
        "client('sns').subscribe(TopicArn=TOPIC, Protocol='https', Endpoint='https://x.example.com/?key=hunter2')",
        "orders/sns-subscription/BASE/https-",
    ),
    (
        "client('sns').subscribe(TopicArn=TOPIC, Protocol='email', Endpoint='somebody@example.com')",
        "orders/sns-subscription/BASE/email-",
    ),
    (
        "client('iam').put_role_policy(RoleName='BASE', PolicyName='more', PolicyDocument=json.dumps({'Version': \
         '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 's3:*', 'Resource': '*'}]}))",
        "orders/iam-role-policy/BASE/more",
    ),
    (
        "client('lambda').add_permission(FunctionName='BASE', StatementId='more', Action='lambda:InvokeFunction', \
         Principal='s3.amazonaws.com')",
        "orders/lambda-permission/BASE/more",
    ),
    (
        "client('events').put_targets(Rule='BASE', Targets=[{'Id': 'more', 'Arn': TOPIC}])",
        "orders/event-target/BASE/more",
    ),
    (
        "client('cloudwatch').put_metric_alarm(AlarmName='BASE-more', MetricName='m', Namespace='n', Statistic='Sum', \
         Period=60, EvaluationPeriods=1, Threshold=1, ComparisonOperator='LessThanThreshold')",
        "orders/alarm/BASE-more",
    ),
];

#[test]
fn additions_are_reported_and_go_when_they_are_named() {
    let world = World::new(&["orders"]);
    world.apply();
    let base = base(&world);
    for (code, expected) in ADDED {
        let topic = format!("TOPIC = 'arn:aws:sns:{REGION}:123456789012:{base}'\n");
        world.by_hand(&(topic + &code.replace("BASE", &base)));
        let found = extras(&world);
        assert_eq!(found.len(), 1, "{code}: {found:?}");
        assert!(
            found[0].starts_with(&expected.replace("BASE", &base)),
            "{found:?}"
        );
        // Not named: it stays.
        world.apply();
        assert_eq!(extras(&world), found);
        let (code, text) = prune(&world, &[&found[0]], 1);
        assert_eq!(code, 0, "{text}");
        assert_eq!(extras(&world), Vec::<String>::new());
    }
}

#[test]
fn what_the_file_no_longer_names_is_ours_to_prune() {
    let world = World::new(&["orders"]);
    world.apply();
    edit(&world, "[dba@example.com]", "[new@example.com]");
    world.apply();
    let found = extras(&world);
    assert_eq!(found.len(), 1, "{found:?}");
    edit(&world, "  https:\n    - {from_env: INCIDENT_URL}\n", "");
    let found = extras(&world);
    assert_eq!(found.len(), 2, "{found:?}");
    // A pattern prunes only what is surely ours.
    let (code, text) = prune(&world, &["orders/sns-subscription/*"], 2);
    assert_eq!(code, 0, "{text}");
    assert_eq!(extras(&world), Vec::<String>::new());
    let left = world.by_hand(
        "print([x['Endpoint'] for x in client('sns').list_subscriptions()['Subscriptions']])",
    );
    assert_eq!(left.trim(), "['new@example.com']");
}

#[test]
fn a_former_cluster_is_listed_and_pruned_and_its_log_stays() {
    // Cut, so that its name does not tell all of it.
    let long = format!("billing-{}", "x".repeat(50));
    let world = World::new(&["orders", &long]);
    world.apply();
    // Another environment, whose name begins alike, and another policy repository in the same account.
    let text = fs::read_to_string(world.root().join(FILE)).unwrap();
    for (name, cluster) in [("prod-eu", "legacy"), ("stage", "other")] {
        world.by_hand(&format!(
            "client('logs').create_log_group(logGroupName='/aws/rds/cluster/{cluster}/postgresql')"
        ));
        fs::write(
            world.root().join(format!("environments/{name}.yaml")),
            text.replace(&format!("[orders, {long}]"), &format!("[{cluster}]")),
        )
        .unwrap();
        let (code, text) = world.run(&["apply", "--env", name, "--auto-approve", "--package", "."]);
        assert_eq!(code, 0, "{text}");
    }
    assert_eq!(extras(&world), Vec::<String>::new());
    edit(&world, &format!("[orders, {long}]"), "[orders]");
    let found = extras(&world);
    assert!(
        found
            .iter()
            .all(|address| address.starts_with(&format!("{long}/"))),
        "{found:?}"
    );
    let kinds: BTreeSet<&str> = found
        .iter()
        .map(|address| address.split('/').nth(1).unwrap())
        .collect();
    // Every kind but the cluster's own log group, which is another of the kind.
    assert_eq!(kinds.len(), 14, "{kinds:?}");
    let named: Vec<&str> = found
        .iter()
        .map(String::as_str)
        .filter(|address| !address.contains("/log-group/"))
        .collect();
    let (code, text) = prune(&world, &named, named.len());
    assert_eq!(code, 0, "{text}");
    let left = extras(&world);
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].contains("/log-group/aws/lambda/"), "{left:?}");
    for name in ["prod-eu", "stage"] {
        let (code, text) = world.run(&["drift", "--env", name]);
        assert_eq!(code, 0, "{text}");
    }
}

#[test]
fn subscriptions_wait_move_and_are_known_by_their_trace() {
    let world = World::new(&["orders"]);
    edit(&world, "dba@example.com", "unconfirmed@example.com");
    world.apply();
    for command in ["plan", "drift"] {
        let (code, text) = world.run(&[command, "--env", "prod"]);
        assert!(
            text.contains("has been waiting for its confirmation since"),
            "{command} {code}: {text}"
        );
        assert!(text.contains("(0 hours)"), "{text}");
    }
    // A pull request from a fork: no secret, and nothing to say.
    let output = world
        .command(&["plan", "--env", "prod", "--detailed-exitcode"])
        .env_remove("INCIDENT_URL")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    // Rotated.
    let rotated = |arguments: &[&str]| {
        let output = world
            .command(arguments)
            .env(
                "INCIDENT_URL",
                "https://incident.example.com/hook?key=hunter2-rotated",
            )
            .output()
            .unwrap();
        let text =
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        (output.status.code().unwrap(), text)
    };
    // Nobody edited anything: the secret moved, as a file would.
    let (code, text) = rotated(&["plan", "--env", "prod", "--detailed-exitcode"]);
    assert_eq!(code, 12, "{text}");
    assert!(
        text.contains(r#""(secret)" → "(secret, changed)""#),
        "{text}"
    );
    let before = world.moto.calls().len();
    let (code, text) = rotated(&["apply", "--env", "prod", "--auto-approve", "--package", "."]);
    assert_eq!(code, 0, "{text}");
    let order: Vec<String> = world.moto.calls()[before..]
        .iter()
        .map(|call| call.operation.clone())
        .filter(|name| name == "Subscribe" || name == "Unsubscribe")
        .collect();
    assert_eq!(order, ["Subscribe", "Unsubscribe"]);
    let (code, text) = rotated(&["plan", "--env", "prod", "--detailed-exitcode"]);
    assert_eq!(code, 0, "{text}");
    // From Secrets Manager.
    world.by_hand("client('secretsmanager').create_secret(Name='incident', SecretString='https://secret.example.com/?hunter2')");
    edit(
        &world,
        "{from_env: INCIDENT_URL}",
        "{from_secret: incident}",
    );
    world.apply();
    let (code, text) = world.run(&["plan", "--env", "prod"]);
    assert_eq!(code, 0, "{text}");
    let all = world.by_hand(
        "print(sorted(x['Endpoint'] for x in client('sns').list_subscriptions()['Subscriptions']))",
    );
    assert!(all.contains("https://secret.example.com/?hunter2"), "{all}");
    assert_eq!(extras(&world).len(), 1, "the one of the variable is left");
}

#[test]
fn taken_down_in_order_and_built_again() {
    let world = World::new(&["orders"]);
    world.apply();
    let writes = |from: usize| -> Vec<String> {
        world.moto.calls()[from..]
            .iter()
            .filter(|call| call.writes && !call.operation.starts_with("Untag"))
            .map(|call| call.operation.clone())
            .collect()
    };
    let destroy = |more: &[&str]| {
        let from = world.moto.calls().len();
        let arguments = [&["destroy", "--env", "prod", "--auto-approve"], more].concat();
        let (code, text) = world.run(&arguments);
        assert_eq!(code, 0, "{text}");
        (writes(from), text)
    };
    let (calls, text) = destroy(&[]);
    assert_eq!(
        &calls[..3],
        ["RemoveTargets", "DeleteRule", "RemovePermission"],
        "{calls:?}"
    );
    assert!(text.contains("kept: the cluster's own log"), "{text}");
    assert!(text.contains("`--also key` deletes it"), "{text}");
    for kept in [
        "DeleteLogGroup",
        "DeleteTopic",
        "ScheduleKeyDeletion",
        "DeleteAlias",
    ] {
        assert!(!calls.contains(&kept.to_owned()), "{kept}");
    }
    world.apply();
    let (code, text) = world.run(&["plan", "--env", "prod", "--detailed-exitcode"]);
    assert_eq!(code, 0, "{text}");
    let (calls, _) = destroy(&["--also", "key", "--also", "topic"]);
    let place = |name: &str| {
        calls
            .iter()
            .position(|call| call == name)
            .unwrap_or_else(|| panic!("{name}: {calls:?}"))
    };
    assert!(place("RemoveTargets") < place("DeleteFunction"));
    assert!(place("DeleteTopic") < place("ScheduleKeyDeletion"));
    assert!(!calls.contains(&"DeleteLogGroup".to_owned()));
    world.apply();
    let (code, text) = world.run(&["plan", "--env", "prod", "--detailed-exitcode"]);
    assert_eq!(code, 0, "{text}");
}

/// Routes and the topic of the chat integration: what is made, what is healed, and that both topics go.
#[test]
fn routes_have_filters_that_heal_and_destroy_takes_both_topics() {
    let world = World::new(&["orders"]);
    fs::write(
        world.root().join("rules/users.yaml"),
        "version: 1\nusers:\n  - {role: alice, owner: lead, team: payments, environments: all}\n",
    )
    .unwrap();
    edit(
        &world,
        "  email: [dba@example.com]\n",
        "  email: [dba@example.com]\n  chat: true\n  routes:\n    \
         - {email: [payments@example.com, dba@example.com], team: payments, severity: [high, critical]}\n",
    );
    world.apply();
    let is_as_planned = || {
        let (code, text) = world.run(&["plan", "--env", "prod", "--detailed-exitcode"]);
        assert_eq!(code, 0, "{text}");
    };
    is_as_planned();
    let filters = || {
        let text = world.by_hand(
            "s = client('sns')\n\
             all = [x for x in s.list_subscriptions()['Subscriptions'] if x['Protocol'] == 'email']\n\
             read = lambda x: s.get_subscription_attributes(SubscriptionArn=x['SubscriptionArn'])['Attributes'].get('FilterPolicy')\n\
             print(json.dumps({x['Endpoint']: read(x) for x in all}))",
        );
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    let own = filters();
    assert!(own["dba@example.com"].is_null(), "{own}");
    assert_eq!(
        own["payments@example.com"],
        r#"{"severity":["critical","high"],"team":["(any)","payments"]}"#,
        "{own}"
    );
    // A receiver who would hear nothing any more, for each way to do it.
    for (name, value) in [
        ("FilterPolicy", r#"{"team": ["nobody"]}"#),
        ("FilterPolicyScope", "MessageBody"),
    ] {
        world.by_hand(&format!(
            "s = client('sns')\n\
             [x] = [x for x in s.list_subscriptions()['Subscriptions'] if x['Endpoint'] == 'payments@example.com']\n\
             s.set_subscription_attributes(SubscriptionArn=x['SubscriptionArn'], AttributeName='{name}', AttributeValue='{value}')"
        ));
        let (code, text) = world.run(&["drift", "--env", "prod"]);
        assert_eq!(code, 13, "{text}");
        assert!(text.contains("filter_policy"), "{text}");
        world.apply();
        assert_eq!(filters(), own);
        is_as_planned();
    }
    // The chat integration subscribes itself; anybody else is an addition.
    let subscribe = |endpoint: &str| {
        world.by_hand(&format!(
            "s = client('sns')\n\
             [t] = [t['TopicArn'] for t in s.list_topics()['Topics'] if t['TopicArn'].endswith('-chat')]\n\
             s.subscribe(TopicArn=t, Protocol='https', Endpoint='{endpoint}')"
        ));
    };
    subscribe("https://global.sns-api.chatbot.amazonaws.com");
    let (code, text) = world.run(&["drift", "--env", "prod"]);
    assert_eq!(code, 0, "{text}");
    subscribe("https://other.example.com/");
    let (code, text) = world.run(&["drift", "--env", "prod"]);
    assert_eq!(code, 13, "{text}");
    let (code, text) = world.run(&[
        "destroy",
        "--env",
        "prod",
        "--auto-approve",
        "--also",
        "key",
        "--also",
        "topic",
    ]);
    assert_eq!(code, 0, "{text}");
    let left = world.by_hand("print(len(client('sns').list_topics()['Topics']))");
    assert_eq!(left.trim(), "0");
}

/// The bus of events is a permission and a variable: both are deployed, and a permission that is taken away is drift.
#[test]
fn a_bus_of_events_is_a_permission_that_heals() {
    let world = World::new(&["orders"]);
    edit(
        &world,
        "  email: [dba@example.com]\n",
        "  email: [dba@example.com]\n  events: default\n",
    );
    world.apply();
    let deployed = || -> serde_json::Value {
        let text = world.by_hand(
            "i, l = client('iam'), client('lambda')\n\
             [r] = [r['RoleName'] for r in i.list_roles()['Roles'] if r['RoleName'].startswith('pgvigil-')]\n\
             p = i.get_role_policy(RoleName=r, PolicyName='monitor')['PolicyDocument']\n\
             [f] = l.list_functions()['Functions']\n\
             print(json.dumps([[s for s in p['Statement'] if 'events:PutEvents' in json.dumps(s['Action'])], \
             f['Environment']['Variables'].get('PGVIGIL_EVENT_BUS')]))",
        );
        serde_json::from_str(&text).unwrap()
    };
    let bus = "arn:aws:events:eu-central-1:123456789012:event-bus/default";
    let own = deployed();
    assert_eq!(own[0][0]["Resource"], serde_json::json!([bus]), "{own}");
    assert_eq!(own[1], bus, "{own}");
    let (code, text) = world.run(&["plan", "--env", "prod", "--detailed-exitcode"]);
    assert_eq!(code, 0, "{text}");
    world.by_hand(
        "i = client('iam')\n\
         [r] = [r['RoleName'] for r in i.list_roles()['Roles'] if r['RoleName'].startswith('pgvigil-')]\n\
         p = i.get_role_policy(RoleName=r, PolicyName='monitor')['PolicyDocument']\n\
         p['Statement'] = [s for s in p['Statement'] if 'events:PutEvents' not in json.dumps(s['Action'])]\n\
         i.put_role_policy(RoleName=r, PolicyName='monitor', PolicyDocument=json.dumps(p))",
    );
    let (code, text) = world.run(&["drift", "--env", "prod"]);
    assert_eq!(code, 13, "{text}");
    assert!(text.contains("SendEvents"), "{text}");
    world.apply();
    assert_eq!(deployed(), own);

    // EventBridge drops events for a bus that does not exist, and says nothing.
    let doctor = || world.run(&["doctor", "--env", "prod"]).1;
    let text = doctor();
    assert!(
        text.contains(&format!("event-bus: {bus} is there")),
        "{text}"
    );
    edit(&world, "events: default", "events: audit");
    world.apply();
    let bus = "arn:aws:events:eu-central-1:123456789012:event-bus/audit";
    assert_eq!(deployed()[0][0]["Resource"], serde_json::json!([bus]));
    let text = doctor();
    let words =
        format!("event-bus: there is no event bus {bus}, so the monitor's events reach no one");
    assert!(text.contains(&words), "{text}");
    world.by_hand("client('events').create_event_bus(Name='audit')");
    assert!(doctor().contains(&format!("event-bus: {bus} is there")));
    // A bus of another account may answer nobody else.
    world.moto.faults(&serde_json::json!([
        {"operation": "events:DescribeEventBus", "status": 400, "code": "AccessDeniedException"},
    ]));
    let text = doctor();
    assert!(text.contains("events:DescribeEventBus"), "{text}");
}

#[test]
fn two_accounts_by_their_roles() {
    let world = World::new(&["orders"]);
    let text = fs::read_to_string(world.root().join(FILE)).unwrap();
    let other = "210987654321";
    let role = format!("account: \"{other}\"\nassume_role: arn:aws:iam::{other}:role/deploy");
    fs::write(
        world.root().join("environments/other.yaml"),
        text.replace("account: \"123456789012\"", &role),
    )
    .unwrap();
    let other_client = format!(
        "c = boto3.client('sts', region_name={REGION:?}).assume_role(RoleArn='arn:aws:iam::{other}:role/x', \
         RoleSessionName='deploy')['Credentials']\n\
         o = lambda s: boto3.client(s, region_name={REGION:?}, aws_access_key_id=c['AccessKeyId'], \
         aws_secret_access_key=c['SecretAccessKey'], aws_session_token=c['SessionToken'])\n"
    );
    world.by_hand(&format!("{other_client}o('logs').create_log_group(logGroupName='/aws/rds/cluster/orders/postgresql')"));
    world.apply();
    let (code, text) = world.run(&["plan", "--all", "--detailed-exitcode"]);
    assert_eq!(code, 12, "{text}");
    let (code, text) = world.run(&[
        "apply",
        "--env",
        "other",
        "--auto-approve",
        "--package",
        ".",
    ]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = world.run(&["plan", "--all", "--detailed-exitcode"]);
    assert_eq!(code, 0, "{text}");
    let arns = world.by_hand(&format!(
        "{other_client}print([f['FunctionArn'] for s in (client('lambda'), o('lambda')) for f in s.list_functions()['Functions']])"
    ));
    assert!(
        arns.contains(":123456789012:function:pgvigil-prod-"),
        "{arns}"
    );
    assert!(
        arns.contains(&format!(":{other}:function:pgvigil-other-")),
        "{arns}"
    );
    // Credentials of another account than the file says.
    let prod = fs::read_to_string(world.root().join("environments/prod.yaml")).unwrap();
    fs::write(
        world.root().join("environments/wrong.yaml"),
        prod.replace("123456789012", "111111111111"),
    )
    .unwrap();
    let from = world.moto.calls().len();
    let (code, text) = world.run(&[
        "apply",
        "--env",
        "wrong",
        "--auto-approve",
        "--package",
        ".",
    ]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("the credentials are for"), "{text}");
    assert!(world.moto.calls()[from..].iter().all(|call| !call.writes));
}

/// The name of a service by the one that it signs with.
fn service(signs: &str) -> &'static str {
    match signs {
        "sts" => "STS",
        "logs" => "CloudWatch Logs",
        "kms" => "KMS",
        "sns" => "SNS",
        "iam" => "IAM",
        "lambda" => "Lambda",
        "monitoring" => "CloudWatch",
        "events" => "EventBridge",
        "secretsmanager" => "Secrets Manager",
        other => panic!("{other} is not in the table"),
    }
}

/// A table's row is found by what a call is named on the wire, also where a model files a tag's call elsewhere.
fn operation(call: &crate::moto::Call) -> Operation {
    let service = service(call.service.as_deref().unwrap());
    let by_suffix = |name: &str| {
        Operation::ALL
            .iter()
            .copied()
            .find(|one| one.row().service == service && one.row().name == name)
    };
    Operation::find(service, &call.operation)
        .or_else(|| by_suffix(&call.operation))
        .unwrap_or_else(|| panic!("{service} {} is not in the table", call.operation))
}

fn environment(root: &Path) -> Environment {
    let loaded = policy::load(root).unwrap();
    loaded.policy.environment("prod").unwrap().clone()
}

/// Actions that the policy of a purpose allows.
fn allowed(world: &World, purpose: Purpose) -> BTreeSet<String> {
    let policy = permission::policy(&environment(world.root()), purpose);
    policy["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|statement| statement["Effect"] == "Allow")
        .flat_map(|statement| statement["Action"].as_array().unwrap().clone())
        .map(|action| action.as_str().unwrap().to_owned())
        .collect()
}

/// Where the child of [`a_client_that_plans_cannot_write`] finds its repository.
const GUARDED: &str = "PGVIGIL_TEST_GUARDED";

#[test]
fn a_client_that_plans_cannot_write() {
    if let Some(root) = std::env::var_os(GUARDED) {
        return plans(Path::new(&root));
    }
    let world = World::new(&["orders"]);
    let alarm = documents(&world)
        .into_iter()
        .find(|document| document["kind"] == "alarm")
        .unwrap();
    fs::write(world.root().join("alarm.json"), alarm.to_string()).unwrap();
    let from = world.moto.calls().len();
    // Endpoint and credentials come from the variables of a process.
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "aws_extras::a_client_that_plans_cannot_write"])
        .env(GUARDED, world.root());
    let output = world.moto.env(&mut child).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let calls = world.moto.calls();
    assert!(calls.len() > from, "the child looks before it writes");
    assert!(calls[from..].iter().all(|call| !call.writes), "{calls:?}");
}

fn plans(root: &Path) {
    let settings = Settings {
        purpose: Purpose::Plan,
        assume_role: None,
        variables: Variables(|_| None),
        now: jiff::Timestamp::now,
        package: None,
    };
    let aws = Aws::connect(&environment(root), settings).unwrap();
    let text = fs::read_to_string(root.join("alarm.json")).unwrap();
    let alarm: Document = serde_json::from_str(&text).unwrap();
    let error = aws.put(&alarm, Expected::Absent).unwrap_err().to_string();
    assert!(
        error.contains("is not a call that pgvigil makes for Plan"),
        "{error}"
    );
}

/// Operations of plan and apply that these runs do not reach.
const UNREACHED: &[(Operation, &str)] = &[
    (
        Operation::PutLogGroupDeletionProtection,
        "a key of the file, in `aws_alterations`",
    ),
    (
        Operation::PutRolePermissionsBoundary,
        "a key of the file, in `aws_alterations`",
    ),
    (Operation::CancelKeyDeletion, "an edit of `aws_fields`"),
    (Operation::EnableKey, "an edit of `aws_fields`"),
    (Operation::UpdateKeyDescription, "an edit of `aws_fields`"),
    (Operation::UntagKey, "an edit of `aws_fields`"),
    (Operation::RevokeGrant, "an edit of `aws_fields`"),
    (Operation::UpdateAlias, "an edit of `aws_fields`"),
    (Operation::SetTopicAttributes, "an edit of `aws_fields`"),
    (
        Operation::SetSubscriptionAttributes,
        "an edit of `aws_fields`",
    ),
    (Operation::DetachRolePolicy, "an edit of `aws_fields`"),
    (
        Operation::DeleteRolePermissionsBoundary,
        "an edit of `aws_fields`",
    ),
    (Operation::UpdateFunctionCode, "an edit of `aws_fields`"),
    (
        Operation::UpdateFunctionConfiguration,
        "a later build of the monitor, and edits of `aws_fields`",
    ),
    (Operation::UntagLogGroup, "an edit of `aws_fields`"),
    (Operation::UntagRole, "destroy takes the role itself"),
    (Operation::ListKeys, "only when an alias is gone"),
    (Operation::ListAliases, "never called"),
];

#[test]
fn every_call_is_in_the_policy_of_its_purpose() {
    let world = World::new(&["orders"]);
    world.by_hand("client('secretsmanager').create_secret(Name='incident', SecretString='https://secret.example.com/')");
    edit(
        &world,
        "    - {from_env: INCIDENT_URL}\n",
        "    - {from_env: INCIDENT_URL}\n    - {from_secret: incident}\n",
    );
    let mut used = BTreeSet::new();
    let mut run = |purpose: Purpose, arguments: &[&str]| {
        let word = if purpose == Purpose::Apply {
            "apply"
        } else {
            "plan"
        };
        let from = world.moto.calls().len();
        let (code, text) = world.run(arguments);
        assert!(
            code == 0 || code == 12 || code == 13,
            "{arguments:?}: {text}"
        );
        let calls = world.moto.calls();
        let allowed = allowed(&world, purpose);
        for call in &calls[from..] {
            let operation = operation(call);
            assert!(purpose.allows(operation), "{word} makes {operation:?}");
            for action in operation.row().actions {
                assert!(
                    allowed.contains(*action),
                    "{word} needs {action} for {operation:?}"
                );
            }
            used.insert(operation);
        }
    };
    let apply = ["apply", "--env", "prod", "--auto-approve", "--package", "."];
    run(Purpose::Plan, &["plan", "--env", "prod"]);
    run(Purpose::Apply, &apply);
    run(Purpose::Plan, &["drift", "--env", "prod"]);
    edit(
        &world,
        "clusters:",
        "tags: {owner: dba}\nretention_days: 30\nmonitor: {reserved_concurrency: none}\nclusters:",
    );
    run(Purpose::Apply, &apply);
    edit(&world, "tags: {owner: dba}\n", "");
    edit(&world, "monitor: {reserved_concurrency: none}\n", "");
    edit(&world, "[dba@example.com]", "[]");
    run(Purpose::Apply, &apply);
    run(
        Purpose::Apply,
        &[
            &apply[..],
            &[
                "--allow-delete",
                "1",
                "--prune",
                "orders/sns-subscription/*",
            ],
        ]
        .concat(),
    );
    run(
        Purpose::Apply,
        &[
            "destroy",
            "--env",
            "prod",
            "--auto-approve",
            "--also",
            "key",
            "--also",
            "topic",
        ],
    );
    // The other engine, where nothing stands any more.
    edit(&world, "clusters:", "engine: log-alarm\nclusters:");
    run(
        Purpose::Apply,
        &["apply", "--env", "prod", "--auto-approve"],
    );
    let mut unused = Vec::new();
    for one in Operation::ALL {
        let listed = UNREACHED.iter().any(|(other, _)| other == one);
        if Purpose::Apply.allows(*one) && !used.contains(one) && !listed {
            unused.push(*one);
        }
    }
    assert!(unused.is_empty(), "allowed, and never called: {unused:?}");
}

/// An environment file that the checks let pass, with its region, account's partition and log groups.
fn any_file() -> impl Strategy<Value = (String, &'static str, &'static str, Vec<String>)> {
    (
        prop::sample::select(vec![
            ("eu-central-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
        ]),
        prop::collection::btree_set("[a-z]([a-z0-9]{0,30}-?[a-z0-9]{1,28})", 1..3),
        prop::collection::btree_set("db[a-z0-9]{1,50}", 0..2),
        prop::collection::btree_set("[a-z]{1,8}@example\\.com", 0..6),
        prop::collection::btree_map("[a-z]{1,6}", "[a-zA-Z0-9é +=._:/@-]{1,12}[a-z]", 0..4),
        (1u32..=60, 0u32..600, 0u32..120, 0u32..10),
        prop::sample::select(vec![1, 30, 365, 3653]),
        any::<bool>(),
    )
        .prop_map(
            |((region, partition), clusters, instances, emails, tags, numbers, days, arm)| {
                let (minutes, settle, late, threshold) = numbers;
                let mut groups: Vec<String> = clusters
                    .iter()
                    .map(|name| format!("/aws/rds/cluster/{name}/postgresql"))
                    .collect();
                groups.extend(
                    instances
                        .iter()
                        .map(|name| format!("/aws/rds/instance/{name}/postgresql")),
                );
                let unit = if minutes == 1 { "minute" } else { "minutes" };
                let file = json!({
                    "version": 1,
                    "provider": "aws",
                    "account": "123456789012",
                    "region": region,
                    "clusters": clusters,
                    "instances": instances,
                    "notifications": { "email": emails, "https": [{ "from_env": "INCIDENT_URL" }] },
                    "monitor": {
                        "schedule": format!("rate({minutes} {unit})"),
                        "settle_seconds": settle,
                        "late_arrival_minutes": late,
                        "architecture": if arm { "arm64" } else { "x86_64" },
                    },
                    "signals": { "dml": { "threshold": threshold } },
                    "retention_days": days,
                    "tags": tags,
                });
                // JSON is YAML too.
                (file.to_string(), region, partition, groups)
            },
        )
}

#[test]
fn a_plan_after_an_apply_is_empty_for_any_environment() {
    let cases = std::env::var("PGVIGIL_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(8);
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let mut partitions: BTreeMap<&str, u32> = BTreeMap::new();
    let world = World::new(&[]);
    crate::moto::package_for(
        Architecture::X86_64,
        &world.root().join("pgvigil-monitor-x86_64.zip"),
        "#!/bin/sh\n",
    );
    let mut done = 0;
    for number in 0..cases {
        let (file, region, partition, groups) = any_file().new_tree(&mut runner).unwrap().current();
        let name = format!("env{number}");
        for old in fs::read_dir(world.root().join("environments")).unwrap() {
            fs::remove_file(old.unwrap().path()).unwrap();
        }
        fs::write(
            world.root().join(format!("environments/{name}.yaml")),
            &file,
        )
        .unwrap();
        let make: String = groups
            .iter()
            .map(|group| format!("l.create_log_group(logGroupName={group:?}) if not l.describe_log_groups(logGroupNamePrefix={group:?})['logGroups'] else 0\n"))
            .collect();
        world
            .moto
            .by_hand(region, &format!("l = client('logs')\n{make}"));
        let (code, text) =
            world.run(&["apply", "--env", &name, "--auto-approve", "--package", "."]);
        assert_eq!(code, 0, "{file}\n{text}");
        let (code, text) = world.run(&["plan", "--env", &name, "--detailed-exitcode"]);
        assert_eq!(code, 0, "{file}\n{text}");
        let (code, text) = world.run(&["drift", "--env", &name]);
        assert_eq!(code, 0, "{file}\n{text}");
        let arns = world.moto.by_hand(
            region,
            &format!(
                "for f in client('lambda').list_functions()['Functions']:\n if '-{name}-' in f['FunctionName']: print(f['FunctionArn'], f['Role'])\n\
                 for t in client('sns').list_topics()['Topics']:\n if '-{name}-' in t['TopicArn']: print(t['TopicArn'], client('sns').get_topic_attributes(TopicArn=t['TopicArn'])['Attributes']['Policy'])\n\
                 for a in client('cloudwatch').describe_alarms(AlarmNamePrefix='pgvigil-{name}-')['MetricAlarms']: print(a['AlarmActions'])\n"
            ),
        );
        let mut seen = 0;
        for arn in arns.match_indices("arn:").map(|(at, _)| &arns[at..]) {
            assert!(
                arn.starts_with(&format!("arn:{partition}:")),
                "{region}: {}",
                &arn[..80.min(arn.len())]
            );
            seen += 1;
        }
        assert!(seen > 6, "{arns}");
        *partitions.entry(partition).or_default() += 1;
        done += 1;
    }
    assert_eq!(done, cases);
    assert!(partitions.len() > 1 || cases < 4, "{partitions:?}");
}
