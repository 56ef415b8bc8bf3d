//! Taking over stacks that other scripts and Terraform made: found, told, and retired without a gap.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::aws_world::World;
use crate::moto::Call;

/// Makes a stack with the names and settings of `pcraavi/PostgreSQL-Audit`: those of its scripts with an empty suffix,
/// those of its Terraform with the environment's.
const STACK: &str = r#"
import io, zipfile
ACCOUNT, REGION = "123456789012", "eu-central-1"

def archive():
    text = io.BytesIO()
    with zipfile.ZipFile(text, "w") as z: z.writestr("lambda_function.py", "def lambda_handler(event, context): pass")
    return text.getvalue()

def stack(cluster, suffix="", alarm="rds-user-dml-detected-1763800000", minutes=5, target="AuditMonitorTarget"):
    group = f"/aws/rds/cluster/{cluster}/postgresql"
    role, function, rule = f"lambda-rds-audit-monitor{suffix}", f"rds-user-audit-monitor{suffix}", f"rds-audit-monitor-schedule{suffix}"
    iam = client("iam")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role_arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    allow = lambda actions, resource: {"Effect": "Allow", "Action": actions, "Resource": resource}
    iam.put_role_policy(RoleName=role, PolicyName="lambda-rds-audit-monitor-policy", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        allow(["logs:StartQuery", "logs:GetQueryResults", "logs:StopQuery"], "*"), allow(["cloudwatch:PutMetricData"], "*"),
        allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], "arn:aws:logs:*:*:*")]}))
    function_arn = client("lambda").create_function(FunctionName=function, Runtime="python3.9", Role=role_arn, Handler="lambda_function.lambda_handler",
        Code={"ZipFile": archive()}, Timeout=300, Environment={"Variables": {"LOG_GROUP_NAME": group, "METRIC_NAMESPACE": "RDSAudit/UserActivity", "QUERY_WINDOW_MINUTES": str(minutes)}})["FunctionArn"]
    client("logs").create_log_group(logGroupName=f"/aws/lambda/{function}")
    events = client("events")
    rule_arn = events.put_rule(Name=rule, ScheduleExpression=f"rate({minutes} minutes)", State="ENABLED")["RuleArn"]
    events.put_targets(Rule=rule, Targets=[{"Id": target, "Arn": function_arn}])
    client("lambda").add_permission(FunctionName=function, StatementId="allow-eventbridge-audit-monitor", Action="lambda:InvokeFunction", Principal="events.amazonaws.com", SourceArn=rule_arn)
    kms = client("kms")
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": ["kms:GenerateDataKey*", "kms:Decrypt"], "Resource": "*"}]}
    key = kms.create_key(Policy=json.dumps(policy))["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=f"alias/rds-audit-sns{suffix}", TargetKeyId=key)
    sns = client("sns")
    topic = sns.create_topic(Name=f"rds-user-audit-alerts{suffix}")["TopicArn"]
    refuse = lambda condition: {"Effect": "Deny", "Principal": "*", "Action": "SNS:Publish", "Resource": topic, "Condition": condition}
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": "SNS:Publish", "Resource": topic, "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}},
        refuse({"Bool": {"aws:SecureTransport": "false"}}), refuse({"StringNotEquals": {"aws:SourceAccount": ACCOUNT}})]}))
    sns.set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue=f"alias/rds-audit-sns{suffix}")
    sns.subscribe(TopicArn=topic, Protocol="https", Endpoint="https://incident.example.com/hook?key=hunter2")
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="dba@example.com")
    cloudwatch = client("cloudwatch")
    cloudwatch.put_metric_alarm(AlarmName=alarm, MetricName="UserDMLOperationCount", Namespace="RDSAudit/UserActivity", Statistic="Sum", Period=300, Threshold=0,
        ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1, AlarmActions=[topic], TreatMissingData="notBreaching",
        Dimensions=[{"Name": "LogGroup", "Value": group}, {"Name": "OperationType", "Value": "UserDMLFiltered"}])
    cloudwatch.put_dashboard(DashboardName=f"RDS_User_Audit_Activity{suffix.replace('-', '_')}", DashboardBody=json.dumps({"widgets": [
        {"type": "log", "properties": {"query": f"SOURCE '{group}' | filter @message like /AUDIT:/ | filter @message not like /DBeaver/", "region": REGION}},
        {"type": "alarm", "properties": {"alarms": [f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:rds-user-dml-detected"]}}]}))
"#;

/// What nobody may touch: names that look alike, and things that stand beside.
const BYSTANDERS: &str = r#"
bystander = client("lambda").create_function(FunctionName="log-shipper", Runtime="python3.12", Role=client("iam").get_role(RoleName="lambda-rds-audit-monitor")["Role"]["Arn"],
    Handler="a.b", Code={"ZipFile": archive()}, Environment={"Variables": {"LOG_GROUP_NAME": "/aws/rds/cluster/orders/postgresql"}})["FunctionArn"]
client("events").put_rule(Name="nightly", ScheduleExpression="rate(1 day)", State="ENABLED")
client("events").put_targets(Rule="nightly", Targets=[{"Id": "1", "Arn": bystander}])
client("cloudwatch").put_metric_alarm(AlarmName="orders-cpu", MetricName="CPUUtilization", Namespace="AWS/RDS", Statistic="Average", Period=300, Threshold=80,
    ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1, AlarmActions=["arn:aws:sns:eu-central-1:123456789012:rds-user-audit-alerts"])
client("cloudwatch").put_metric_alarm(AlarmName="team-orders-many", MetricName="UserDMLOperationCount", Namespace="RDSAudit/UserActivity", Statistic="Sum", Period=300, Threshold=1000,
    ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1, Dimensions=[{"Name": "LogGroup", "Value": "/aws/rds/cluster/orders/postgresql"}, {"Name": "OperationType", "Value": "UserDMLFiltered"}])
client("cloudwatch").put_dashboard(DashboardName="team-orders", DashboardBody=json.dumps({"widgets": [{"type": "log", "properties": {"query": "SOURCE '/aws/rds/cluster/orders/postgresql' | limit 1", "region": REGION}}]}))
"#;

/// Everything that stands, by kind and name.
const STANDING: &str = r#"
def standing():
    lam, events, cw, iam, sns, kms, logs = (client(s) for s in ("lambda", "events", "cloudwatch", "iam", "sns", "kms", "logs"))
    return sorted(
        ["function " + f["FunctionName"] for f in lam.list_functions()["Functions"]]
        + ["rule " + r["Name"] + " " + r["State"] for r in events.list_rules()["Rules"]]
        + ["target " + r["Name"] + " " + t["Arn"] for r in events.list_rules()["Rules"] for t in events.list_targets_by_rule(Rule=r["Name"])["Targets"]]
        + ["alarm " + a["AlarmName"] for a in cw.describe_alarms()["MetricAlarms"]]
        + ["dashboard " + d["DashboardName"] for d in cw.list_dashboards()["DashboardEntries"]]
        + ["role " + r["RoleName"] + " " + ",".join(iam.list_role_policies(RoleName=r["RoleName"])["PolicyNames"]) for r in iam.list_roles()["Roles"]]
        + ["topic " + t["TopicArn"] for t in sns.list_topics()["Topics"]]
        + ["subscription " + s["TopicArn"] + s["Protocol"] for s in sns.list_subscriptions()["Subscriptions"]]
        + ["alias " + a["AliasName"] for a in kms.list_aliases()["Aliases"]]
        + ["log group " + g["logGroupName"] for g in logs.describe_log_groups()["logGroups"]])
print(json.dumps(standing()))
"#;

/// Clusters whose log some enabled schedule's function reads.
const WATCHED: &str = r#"
lam, events = client("lambda"), client("events")
groups = {f["FunctionArn"]: f.get("Environment", {}).get("Variables", {}).get("LOG_GROUP_NAME") for f in lam.list_functions()["Functions"]}
enabled = [r["Name"] for r in events.list_rules()["Rules"] if r["State"] == "ENABLED"]
print(json.dumps(sorted({groups.get(t["Arn"]) for r in enabled for t in events.list_targets_by_rule(Rule=r)["Targets"]} - {None})))
"#;

fn stack(world: &World, code: &str) {
    world.by_hand(&format!("{STACK}\n{code}"));
}

/// pgvigil's monitor of a cluster ran twice.
fn beat(world: &World, cluster: &str) {
    world.by_hand(&format!(
        "import datetime\nfor minutes in (1, 6):\n    client('cloudwatch').put_metric_data(Namespace='RDSAudit/UserActivity', \
         MetricData=[{{'MetricName': 'MonitorHeartbeat', 'Value': 1, 'Dimensions': [{{'Name': 'LogGroup', 'Value': \
         '/aws/rds/cluster/{cluster}/postgresql'}}], 'Timestamp': datetime.datetime.now(datetime.UTC) - \
         datetime.timedelta(minutes=minutes)}}])"
    ));
}

fn standing(world: &World) -> BTreeSet<String> {
    let text = world.by_hand(&format!("{STACK}\n{STANDING}"));
    serde_json::from_str(text.trim()).unwrap()
}

fn report(world: &World) -> Value {
    let output = world
        .command(&["adopt", "--env", "prod", "--format", "json"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("hunter2"), "a secret is shown: {text}");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_str(&text).unwrap()
}

/// Ids of every defect of a cluster and its resources.
fn defects(cluster: &Value) -> BTreeSet<String> {
    let own = cluster["defects"].as_array().unwrap().iter();
    let resources = cluster["resources"].as_array().unwrap().iter();
    own.chain(resources.flat_map(|resource| resource["defects"].as_array().unwrap()))
        .map(|defect| defect["id"].as_str().unwrap().to_owned())
        .collect()
}

fn names(cluster: &Value, kind: &str) -> Vec<String> {
    let resources = cluster["resources"].as_array().unwrap().iter();
    resources
        .filter(|resource| resource["kind"] == kind)
        .map(|resource| resource["name"].as_str().unwrap().to_owned())
        .collect()
}

fn writes(calls: &[Call]) -> Vec<String> {
    let writes = calls.iter().filter(|call| call.writes);
    writes.map(|call| call.operation.clone()).collect()
}

/// Runs a retirement with so many deletions allowed: the work of the steps that are left to do.
fn steps_left(world: &World, arguments: &[&str], deletions: &str) -> Vec<String> {
    let output = world.command(arguments).arg(deletions).output().unwrap();
    let run: Value = serde_json::from_slice(&output.stdout).unwrap();
    let steps = run["steps"].as_array().unwrap().iter();
    let left: Vec<String> = steps
        .filter(|step| step["state"] != "done")
        .map(|step| step["work"].as_str().unwrap().to_owned())
        .collect();
    let said = String::from_utf8_lossy(&output.stderr);
    let expected = match (deletions, left.is_empty()) {
        ("0", _) => 2,
        (_, false) => 15,
        (_, true) => 0,
    };
    assert_eq!(output.status.code(), Some(expected), "{said}");
    left
}

const RETIRE: [&str; 5] = ["adopt", "--env", "prod", "--retire", "--auto-approve"];

#[test]
fn a_stack_is_found_and_its_defects_are_told() {
    let world = World::new(&["orders"]);
    stack(&world, "stack('orders')");
    let before = world.moto.calls().len();
    let report = report(&world);
    assert_eq!(writes(&world.moto.calls()[before..]), Vec::<String>::new());
    assert_eq!(report["format_version"], 1);
    let cluster = &report["clusters"][0];
    for (kind, expected) in [
        ("lambda-function", "rds-user-audit-monitor"),
        ("event-rule", "rds-audit-monitor-schedule"),
        ("iam-role", "lambda-rds-audit-monitor"),
        ("alarm", "rds-user-dml-detected-1763800000"),
        (
            "sns-topic",
            "arn:aws:sns:eu-central-1:123456789012:rds-user-audit-alerts",
        ),
        ("kms-key", "alias/rds-audit-sns"),
        ("dashboard", "RDS_User_Audit_Activity"),
    ] {
        assert_eq!(names(cluster, kind), [expected], "{kind}");
    }
    assert_eq!(
        names(cluster, "sns-subscription"),
        ["https (endpoint not shown)", "email dba@example.com"]
    );
    let expected: BTreeSet<String> = [
        "L10", "T4", "L12", "A1", "A2", "L5", "A9", "A11", "A12", "A14", "A15", "D1", "D11",
    ]
    .map(str::to_owned)
    .into();
    assert_eq!(defects(cluster), expected);
    let alarm = cluster["resources"]
        .as_array()
        .unwrap()
        .iter()
        .find(|resource| resource["kind"] == "alarm")
        .unwrap();
    let statistic = alarm["differences"]
        .as_array()
        .unwrap()
        .iter()
        .find(|difference| difference["field"] == "statistic");
    assert_eq!(
        statistic.unwrap(),
        &json!({ "field": "statistic", "former": "Sum", "pgvigil": "Maximum" })
    );
    let (code, text) = world.run(&["adopt", "--env", "prod"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("terraform destroy"), "{text}");
}

#[test]
fn terraforms_names_and_a_second_stack_are_found() {
    let world = World::new(&["orders", "billing"]);
    stack(
        &world,
        "stack('orders')\nstack('orders', '-prod', 'rds-user-dml-detected-prod-orders', target='AuditMonitorLambda')",
    );
    let report = report(&world);
    let clusters = report["clusters"].as_array().unwrap();
    assert_eq!(clusters[0]["cluster"], "billing");
    assert_eq!(clusters[0]["resources"], json!([]));
    let cluster = &clusters[1];
    assert_eq!(
        names(cluster, "lambda-function"),
        ["rds-user-audit-monitor", "rds-user-audit-monitor-prod"]
    );
    assert_eq!(names(cluster, "event-rule").len(), 2);
    assert_eq!(names(cluster, "sns-topic").len(), 2);
    assert_eq!(
        names(cluster, "dashboard"),
        ["RDS_User_Audit_Activity", "RDS_User_Audit_Activity_prod"]
    );
    assert!(defects(cluster).contains("T10") && defects(cluster).contains("A4"));
}

/// Deploying by script for another cluster turns the function away.
#[test]
fn t4_alarms_without_a_monitor_are_told() {
    let world = World::new(&["orders"]);
    stack(
        &world,
        "stack('orders')\nclient('lambda').update_function_configuration(FunctionName='rds-user-audit-monitor', \
         Environment={'Variables': {'LOG_GROUP_NAME': '/aws/rds/cluster/other/postgresql', 'METRIC_NAMESPACE': 'x', \
         'QUERY_WINDOW_MINUTES': '5'}})",
    );
    let report = report(&world);
    let cluster = &report["clusters"][0];
    assert_eq!(names(cluster, "lambda-function"), Vec::<String>::new());
    assert!(defects(cluster).contains("T4"));
    // The other cluster's only monitor is nobody's to stop.
    world.apply();
    beat(&world, "orders");
    let (_, text) = world.run(&RETIRE);
    assert!(text.contains("nothing to take out of service"), "{text}");
}

#[test]
fn nothing_is_stopped_before_pgvigil_is_seen_to_run() {
    let world = World::new(&["orders"]);
    stack(&world, "stack('orders')");
    let before = standing(&world);
    let (code, text) = world.run(&RETIRE);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("run `pgvigil apply`"), "{text}");
    assert_eq!(standing(&world), before);
    world.apply();
    let (code, text) = world.run(&RETIRE);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("has not published its heartbeat yet"),
        "{text}"
    );
    let before = world.moto.calls().len();
    beat(&world, "orders");
    // What somebody changed by hand is not what the files say.
    let by_hand = "rules = [r['Name'] for r in client('events').list_rules()['Rules'] if r['Name'].startswith('pgvigil')]\n";
    world.by_hand(&format!(
        "{by_hand}client('events').disable_rule(Name=rules[0])"
    ));
    assert_eq!(world.run(&RETIRE).0, 1);
    world.by_hand(&format!(
        "{by_hand}client('events').enable_rule(Name=rules[0])"
    ));
    let (code, text) = world.run(&RETIRE);
    assert_eq!(code, 0, "{text}");
    let ours: Vec<Call> = world.moto.calls()[before..].to_vec();
    let last = |operation: &str| {
        ours.iter()
            .rposition(|call| call.operation == operation && call.access_key.is_some())
            .unwrap()
    };
    let stopped = last("DisableRule");
    let heartbeat = ours[..stopped]
        .iter()
        .any(|call| call.operation == "GetMetricData");
    assert!(heartbeat, "stopped before the heartbeat was read");
    assert!(standing(&world).contains("rule rds-audit-monitor-schedule DISABLED"));
    // Again: there is nothing left, and nothing is written.
    let before = world.moto.calls().len();
    let (code, text) = world.run(&RETIRE);
    assert_eq!(code, 0, "{text}");
    assert_eq!(writes(&world.moto.calls()[before..]), Vec::<String>::new());
}

/// Every write fails once, at every place; each time the clusters are watched, and the same command goes on.
#[test]
fn a_retirement_that_fails_anywhere_leaves_no_gap_and_converges() {
    let world = World::new(&["orders"]);
    stack(
        &world,
        &format!(
            "stack('orders')\nstack('orders', '-prod', 'rds-user-dml-detected-prod-orders')\n{BYSTANDERS}"
        ),
    );
    world.apply();
    beat(&world, "orders");
    let before = standing(&world);
    let (code, text) = world.run(&[
        "adopt", "--env", "prod", "--retire", "--delete", "--also", "role",
    ]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("confirm them with --allow-delete"), "{text}");
    assert_eq!(standing(&world), before);
    let delete = [
        "adopt",
        "--env",
        "prod",
        "--retire",
        "--delete",
        "--also",
        "role",
        "--format",
        "json",
        "--allow-delete",
    ];
    let mut left = steps_left(&world, &delete, "0");
    let mut failures = 0;
    while !left.is_empty() {
        // The first write of each run is carried out, and the second fails.
        world.moto.faults(
            &json!([{ "writes": true, "skip": 1, "times": 1, "status": 400, "code": "ValidationException" }]),
        );
        let before = left.len();
        let deletions = left.iter().filter(|work| *work != "disable_rule").count();
        left = steps_left(&world, &delete, &deletions.to_string());
        assert_eq!(left.len(), before - 1);
        let watched = world.by_hand(WATCHED);
        assert!(
            watched.contains("/aws/rds/cluster/orders/postgresql"),
            "nobody watches: {watched}"
        );
        failures += 1;
    }
    world.moto.faults(&json!([]));
    assert!(failures >= 10, "{failures}");
    let gone: BTreeSet<String> = before.difference(&standing(&world)).cloned().collect();
    let arn = "arn:aws:lambda:eu-central-1:123456789012:function:rds-user-audit-monitor";
    let expected: BTreeSet<String> = [
        "function rds-user-audit-monitor",
        "function rds-user-audit-monitor-prod",
        "rule rds-audit-monitor-schedule ENABLED",
        "rule rds-audit-monitor-schedule-prod ENABLED",
        &format!("target rds-audit-monitor-schedule {arn}"),
        &format!("target rds-audit-monitor-schedule-prod {arn}-prod"),
        "alarm rds-user-dml-detected-1763800000",
        "alarm rds-user-dml-detected-prod-orders",
        "dashboard RDS_User_Audit_Activity",
        "dashboard RDS_User_Audit_Activity_prod",
        // The other role is the log shipper's too, and stays.
        "role lambda-rds-audit-monitor-prod lambda-rds-audit-monitor-policy",
    ]
    .map(str::to_owned)
    .into();
    assert_eq!(gone, expected);
    assert_eq!(standing(&world).difference(&before).count(), 0);
}

/// A schedule that starts something else too is not disabled: only the monitor is taken from it.
#[test]
fn a_shared_schedule_goes_on() {
    let world = World::new(&["orders"]);
    stack(
        &world,
        &format!(
            "stack('orders')\n{BYSTANDERS}\nclient('events').put_targets(Rule='rds-audit-monitor-schedule', \
             Targets=[{{'Id': 'other', 'Arn': bystander}}])"
        ),
    );
    world.apply();
    beat(&world, "orders");
    let (code, text) = world.run(&["adopt", "--env", "prod", "--retire", "--allow-delete", "1"]);
    assert_eq!(code, 0, "{text}");
    let standing = standing(&world);
    assert!(standing.contains("rule rds-audit-monitor-schedule ENABLED"));
    let arn = "arn:aws:lambda:eu-central-1:123456789012:function:";
    assert!(standing.contains(&format!(
        "target rds-audit-monitor-schedule {arn}log-shipper"
    )));
    assert!(!standing.contains(&format!(
        "target rds-audit-monitor-schedule {arn}rds-user-audit-monitor"
    )));
}

/// Whoever heard of the old alarms must hear of the new ones before the old ones go.
#[test]
fn alarms_stay_while_somebody_hears_only_them() {
    let world = World::new(&["orders"]);
    stack(
        &world,
        "stack('orders')\nclient('sns').subscribe(TopicArn='arn:aws:sns:eu-central-1:123456789012:rds-user-audit-alerts', \
         Protocol='email', Endpoint='night@example.com')",
    );
    world.apply();
    beat(&world, "orders");
    let before = standing(&world);
    let delete = [
        "adopt",
        "--env",
        "prod",
        "--retire",
        "--delete",
        "--allow-delete",
        "5",
    ];
    let (code, text) = world.run(&delete);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("email night@example.com"), "{text}");
    assert_eq!(standing(&world), before);
    let mut forced = delete.to_vec();
    forced.push("--without-proof");
    let (code, text) = world.run(&forced);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("continuing without proof"), "{text}");
}
