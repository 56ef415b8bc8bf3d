//! The doctor and its canary on AWS: what is broken by hand fails, and the command that it names mends it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::moto::{Moto, package, target};

const REGION: &str = "eu-central-1";

const DOCTOR: &[&str] = &["doctor", "--env", "prod"];
const JSON: &[&str] = &["doctor", "--env", "prod", "--format", "json"];

/// Names that the code by hand uses.
const NAMES: &str = r"
import time
logs, rds, events, keys, sns = client('logs'), client('rds'), client('events'), client('kms'), client('sns')
alarms, functions, roles = client('cloudwatch'), client('lambda'), client('iam')
LOG = '/aws/rds/cluster/orders/postgresql'
def base():
    return functions.list_functions()['Functions'][0]['FunctionName']
def topic():
    return sns.list_topics()['Topics'][0]['TopicArn']
def written(group, name):
    try:
        logs.create_log_stream(logGroupName=group, logStreamName=name)
    except logs.exceptions.ResourceAlreadyExistsException:
        pass
    event = {'timestamp': int(time.time() * 1000), 'message': 'x'}
    logs.put_log_events(logGroupName=group, logStreamName=name, logEvents=[event])
def counted(namespace, metric, dimensions, value, ages):
    for age in ages:
        point = {'MetricName': metric, 'Dimensions': dimensions, 'Value': value, 'Timestamp': time.time() - age}
        alarms.put_metric_data(Namespace=namespace, MetricData=[point])
def of_function(metric, value):
    counted('AWS/Lambda', metric, [{'Name': 'FunctionName', 'Value': base()}], value, [600])
def heartbeats(ages):
    found = [a for a in alarms.describe_alarms()['MetricAlarms'] if 'heartbeat' in a['AlarmName']][0]
    counted(found['Namespace'], found['MetricName'], found['Dimensions'], 1, ages)
";

/// A cluster as RDS has it, whose log is exported and whose group preloads pgaudit.
const DATABASE: &str = r"
rds.create_db_cluster_parameter_group(
    DBClusterParameterGroupName='audited', DBParameterGroupFamily='aurora-postgresql15', Description='x')
rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName='audited', Parameters=[
    {'ParameterName': 'shared_preload_libraries', 'ParameterValue': 'pg_stat_statements,pgaudit', 'ApplyMethod': 'pending-reboot'}])
rds.create_db_cluster(
    DBClusterIdentifier='orders', Engine='aurora-postgresql', EngineVersion='15.12', MasterUsername='root',
    MasterUserPassword='not-a-secret', DBClusterParameterGroupName='audited', EnableCloudwatchLogsExports=['postgresql'])
rds.create_db_instance(
    DBInstanceIdentifier='orders-1', DBClusterIdentifier='orders', Engine='aurora-postgresql', DBInstanceClass='db.r6g.large')
logs.create_log_group(logGroupName=LOG)
written(LOG, 'orders-1.0')
";

/// What a monitor leaves that ran for an hour.
const RUNNING: &str = r"
heartbeats(range(0, 3600, 300))
of_function('Invocations', 12)
written('/aws/lambda/' + base(), 'run')
";

struct World {
    moto: Moto,
    folder: tempfile::TempDir,
}

impl World {
    /// A cluster whose monitor was applied, and did not run yet.
    fn applied(emails: &str) -> Self {
        let world = Self {
            moto: Moto::start(),
            folder: tempfile::tempdir().unwrap(),
        };
        let root = world.folder.path();
        fs::create_dir_all(root.join("environments")).unwrap();
        fs::create_dir_all(root.join("rules")).unwrap();
        fs::write(
            root.join("environments/prod.yaml"),
            format!(
                "version: 1\nprovider: aws\naccount: \"123456789012\"\nregion: {REGION}\nclusters: [orders]\n\
                 notifications:\n  email: [{emails}]\n"
            ),
        )
        .unwrap();
        package(&root.join("pgvigil-monitor-arm64.zip"), "#!/bin/sh\n");
        fs::create_dir(root.join("bin")).unwrap();
        let python = fs::canonicalize(target()).unwrap().join("venv/bin/python");
        world.shim(
            "aws",
            &format!("exec {} -m awscli \"$@\"", python.display()),
        );
        let pgvigil = assert_cmd::cargo::cargo_bin("pgvigil");
        world.shim(
            "pgvigil",
            &format!(
                "exec {} \"$@\" --auto-approve --package .",
                pgvigil.display()
            ),
        );
        world.by_hand(DATABASE);
        let (code, text) =
            world.run(&["apply", "--env", "prod", "--auto-approve", "--package", "."]);
        assert_eq!(code, 0, "{text}");
        world
    }

    /// One that runs well.
    fn running() -> Self {
        let world = Self::applied("dba@example.com");
        world.by_hand(RUNNING);
        world
    }

    /// A command as a person has it.
    fn shim(&self, name: &str, line: &str) {
        let path = self.folder.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{line}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn by_hand(&self, code: &str) -> String {
        self.moto.by_hand(REGION, &format!("{NAMES}{code}"))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.moto.pgvigil(self.folder.path());
        command.args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let (code, out, err) = self.outputs(arguments);
        (code, out + &err)
    }

    fn outputs(&self, arguments: &[&str]) -> (i32, String, String) {
        let Output {
            status,
            stdout,
            stderr,
        } = self.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap_or(-1), text(stdout), text(stderr))
    }

    /// Runs the doctor, which must write nothing.
    fn doctor(&self) -> Report {
        let before = self.moto.calls().len();
        let (code, out, err) = self.outputs(JSON);
        for call in &self.moto.calls()[before..] {
            assert!(!call.writes, "the doctor writes: {call:?}");
        }
        let report = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
        Report { code, report }
    }

    /// Runs a command that the doctor names, as a shell reads it.
    fn mend(&self, command: &str) {
        let mut shell = Command::new("sh");
        self.moto.env(&mut shell);
        let path = std::env::var("PATH").unwrap();
        let bin = self.folder.path().join("bin");
        let done = shell
            .args(["-c", command])
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}", bin.display()))
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{command}\n{}{}",
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        );
    }

    /// Breaks something and sees the check fail; carries out what the doctor says and sees it mended.
    fn breaks(&self, id: &str, verdict: &str, by_hand: &str, begins: &str) {
        self.by_hand(by_hand);
        let broken = self.doctor();
        assert_eq!(broken.verdict(id), verdict, "{id}: {}", broken.check(id));
        // What is not as the files declare fails in its own check, so a warning is seldom alone.
        if verdict == "fail" {
            assert_eq!(broken.code, 10, "{id}");
        }
        let (kind, command) = broken.remedy(id);
        assert_eq!(kind, "mend", "{id}");
        assert!(command.starts_with(begins), "{id}: {command}");
        self.mend(&command);
        let mended = self.doctor();
        assert_eq!(mended.verdict(id), "ok", "{id}: {}", mended.check(id));
    }
}

struct Report {
    code: i32,
    report: Value,
}

impl Report {
    fn checks(&self) -> Vec<&Value> {
        let of_cluster = self.report["clusters"][0]["checks"].as_array().unwrap();
        let of_environment = self.report["environment"].as_array().unwrap();
        of_environment.iter().chain(of_cluster).collect()
    }

    fn check(&self, id: &str) -> &Value {
        let checks = self.checks();
        checks.into_iter().find(|check| check["id"] == id).unwrap()
    }

    fn verdict(&self, id: &str) -> &str {
        self.check(id)["verdict"].as_str().unwrap()
    }

    /// Checks that are not fine.
    fn loud(&self) -> Vec<String> {
        let checks = self.checks();
        let loud = checks.into_iter().filter(|check| check["verdict"] != "ok");
        loud.map(|check| {
            format!(
                "{} {}: {}",
                check["id"], check["verdict"], check["findings"]
            )
        })
        .collect()
    }

    /// Kind and command of the first remedy of a check.
    fn remedy(&self, id: &str) -> (String, String) {
        let findings = self.check(id)["findings"].as_array().unwrap();
        let remedy = findings
            .iter()
            .find_map(|finding| finding.get("remedy"))
            .unwrap();
        let text = |key: &str| remedy[key].as_str().unwrap().to_owned();
        (text("kind"), text("command"))
    }

    fn sentences(&self, id: &str) -> String {
        self.check(id)["findings"].to_string()
    }
}

#[test]
fn what_runs_well_is_fine() {
    let world = World::running();
    let report = world.doctor();
    assert_eq!(report.loud(), Vec::<String>::new());
    assert_eq!(report.code, 0);
    assert_eq!(report.report["verdict"], "ok");
    assert!(
        report
            .sentences("function-runs")
            .contains("12 runs in 24 hours, 0 failed")
    );
    let (code, out, err) = world.outputs(DOCTOR);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
}

#[test]
fn what_is_broken_in_the_database_is_mended_by_its_command() {
    let world = World::running();
    world.breaks(
        "log-export",
        "fail",
        "rds.modify_db_cluster(DBClusterIdentifier='orders', CloudwatchLogsExportConfiguration={'DisableLogTypes': ['postgresql']})",
        "aws rds modify-db-cluster --db-cluster-identifier orders",
    );
    let set = |name: &str, value: &str| {
        format!(
            "rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName='audited', Parameters=[\
             {{'ParameterName': '{name}', 'ParameterValue': '{value}', 'ApplyMethod': 'immediate'}}])"
        )
    };
    let modify =
        "aws rds modify-db-cluster-parameter-group --db-cluster-parameter-group-name audited";
    world.breaks(
        "pgaudit-preloaded",
        "fail",
        &set("shared_preload_libraries", "pg_stat_statements,pg_cron"),
        modify,
    );
    // The library is preloaded with the next reboot only, and the doctor says so.
    let waiting = world.doctor();
    assert_eq!(waiting.verdict("parameters-in-sync"), "fail");
    let (_, reboot) = waiting.remedy("parameters-in-sync");
    assert!(
        reboot.starts_with("aws rds reboot-db-instance --db-instance-identifier orders-1"),
        "{reboot}"
    );
    world.mend(&reboot);
    assert_eq!(world.doctor().loud(), Vec::<String>::new());
    world.breaks(
        "audit-level",
        "fail",
        &set("log_min_messages", "panic"),
        modify,
    );
    world.breaks(
        "audited-by-role",
        "warn",
        &set("pgaudit.log", "all"),
        modify,
    );
    world.breaks(
        "log-line-prefix",
        "fail",
        &set("log_line_prefix", "%m"),
        modify,
    );
    world.breaks(
        "retention",
        "fail",
        "logs.put_retention_policy(logGroupName=LOG, retentionInDays=1)",
        "aws logs put-retention-policy",
    );
    assert_eq!(world.doctor().loud(), Vec::<String>::new());
}

#[test]
fn what_is_broken_on_the_way_to_people_is_mended_by_its_command() {
    let world = World::running();
    world.breaks(
        "alarms-enabled",
        "fail",
        "alarms.disable_alarm_actions(AlarmNames=[a['AlarmName'] for a in alarms.describe_alarms()['MetricAlarms'][:1]])",
        "aws cloudwatch enable-alarm-actions",
    );
    world.breaks(
        "key-state",
        "fail",
        "keys.disable_key(KeyId=keys.list_aliases()['Aliases'][0]['TargetKeyId'])",
        "aws kms enable-key",
    );
    world.breaks(
        "key-state",
        "fail",
        "keys.schedule_key_deletion(KeyId=keys.list_aliases()['Aliases'][0]['TargetKeyId'])",
        "aws kms cancel-key-deletion",
    );
    world.breaks(
        "key-rotation",
        "warn",
        "keys.disable_key_rotation(KeyId=keys.list_aliases()['Aliases'][0]['TargetKeyId'])",
        "aws kms enable-key-rotation",
    );
    assert_eq!(world.doctor().loud(), Vec::<String>::new());
}

#[test]
fn what_an_apply_heals_on_the_way_to_people_is_mended_by_it() {
    let world = World::running();
    let apply = "pgvigil apply --env prod";
    world.breaks(
        "topic-admits-alarms",
        "fail",
        "policy = json.loads(sns.get_topic_attributes(TopicArn=topic())['Attributes']['Policy'])\n\
         policy['Statement'] = [s for s in policy['Statement'] if 'cloudwatch' not in json.dumps(s['Principal'])]\n\
         sns.set_topic_attributes(TopicArn=topic(), AttributeName='Policy', AttributeValue=json.dumps(policy))",
        apply,
    );
    world.breaks(
        "somebody-is-told",
        "fail",
        "[sns.unsubscribe(SubscriptionArn=s['SubscriptionArn']) for s in sns.list_subscriptions()['Subscriptions']]",
        apply,
    );
    world.breaks(
        "alarms-present",
        "fail",
        "alarms.delete_alarms(AlarmNames=[a['AlarmName'] for a in alarms.describe_alarms()['MetricAlarms'] if 'heartbeat' in a['AlarmName']])",
        apply,
    );
    assert_eq!(world.doctor().loud(), Vec::<String>::new());
}

#[test]
fn what_is_broken_in_the_monitor_is_mended_by_its_command() {
    let world = World::running();
    let apply = "pgvigil apply --env prod";
    world.breaks(
        "rule",
        "fail",
        "events.disable_rule(Name=base())",
        "aws events enable-rule",
    );
    world.breaks(
        "invoke-permission",
        "fail",
        "policy = json.loads(functions.get_policy(FunctionName=base())['Policy'])\n\
         functions.remove_permission(FunctionName=base(), StatementId=policy['Statement'][0]['Sid'])",
        apply,
    );
    world.breaks(
        "target",
        "fail",
        "targets = events.list_targets_by_rule(Rule=base())['Targets']\n\
         events.remove_targets(Rule=base(), Ids=[t['Id'] for t in targets])",
        apply,
    );
    world.breaks(
        "function-concurrency",
        "fail",
        "functions.put_function_concurrency(FunctionName=base(), ReservedConcurrentExecutions=0)",
        "aws lambda put-function-concurrency",
    );
    assert_eq!(world.doctor().loud(), Vec::<String>::new());
}

#[test]
fn what_an_apply_heals_in_the_monitor_is_mended_by_it() {
    let world = World::running();
    let apply = "pgvigil apply --env prod";
    let another_log = "variables = functions.get_function_configuration(FunctionName=base())['Environment']['Variables']\n\
         variables['LOG_GROUP_NAME'] = '/aws/rds/cluster/other/postgresql'\n\
         functions.update_function_configuration(FunctionName=base(), Environment={'Variables': variables})";
    world.breaks("function-variables", "fail", another_log, apply);
    world.breaks("alarms-metric", "fail", another_log, apply);
    let no_layer = "functions.update_function_configuration(FunctionName=base(), Layers=[])";
    world.breaks("function-rules", "fail", no_layer, apply);
    world.breaks(
        "monitor-permissions",
        "fail",
        "roles.put_role_policy(RoleName=base(), PolicyName=roles.list_role_policies(RoleName=base())['PolicyNames'][0], \
         PolicyDocument=json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 's3:*', 'Resource': '*'}]}))",
        apply,
    );
    assert_eq!(world.doctor().loud(), Vec::<String>::new());
}

/// What no command mends: a person must look.
#[test]
fn what_is_silent_is_loud() {
    let world = World::applied("unconfirmed@example.com");
    world.by_hand("written('/aws/lambda/' + base(), 'run')");
    let report = world.doctor();
    assert_eq!(report.code, 10);
    let findings = report.sentences("subscriptions-confirmed");
    assert_eq!(report.verdict("subscriptions-confirmed"), "warn");
    // Since when was noted when it was asked for.
    assert!(
        findings.contains("pending for") && findings.contains("second"),
        "{findings}"
    );
    // The message is sent again; who has it must still confirm.
    let (kind, again) = report.remedy("subscriptions-confirmed");
    assert!(
        kind == "mend" && again.starts_with("aws sns subscribe --topic-arn arn:aws:sns:"),
        "{again}"
    );
    let before = world.moto.calls().len();
    world.mend(&again);
    assert_eq!(writes(&world, before), ["Subscribe"]);
    assert_eq!(report.verdict("somebody-is-told"), "fail");
    assert_eq!(report.verdict("heartbeat"), "fail");
    assert!(
        report
            .sentences("heartbeat")
            .contains("there is no heartbeat")
    );
    assert_eq!(report.verdict("function-runs"), "fail");
    assert!(report.sentences("function-runs").contains("did not run"));
    // The alarm about it is on, and told the topic, where nobody listens.
    assert_eq!(report.verdict("alarms-state"), "fail");
    assert_eq!(report.verdict("alarms-delivered"), "ok");

    world.by_hand("heartbeats([7200])\nof_function('Invocations', 3)\nof_function('Errors', 3)");
    let report = world.doctor();
    assert!(
        report.sentences("heartbeat").contains("2 hours old"),
        "{}",
        report.check("heartbeat")
    );
    assert_eq!(report.verdict("heartbeat"), "fail");
    assert_eq!(report.verdict("function-runs"), "fail");
    assert!(
        report
            .sentences("function-runs")
            .contains("3 runs in 24 hours, 3 failed")
    );

    world.by_hand("logs.delete_log_stream(logGroupName=LOG, logStreamName='orders-1.0')");
    let report = world.doctor();
    assert_eq!(report.verdict("recent-entries"), "fail");
    world.by_hand("logs.delete_log_group(logGroupName=LOG)");
    let report = world.doctor();
    assert_eq!(report.verdict("log-group"), "fail");
    assert_eq!(report.verdict("recent-entries"), "skip");
    world.by_hand(
        "rds.delete_db_instance(DBInstanceIdentifier='orders-1', SkipFinalSnapshot=True)\n\
         rds.delete_db_cluster(DBClusterIdentifier='orders', SkipFinalSnapshot=True)",
    );
    let report = world.doctor();
    assert_eq!(report.verdict("cluster"), "fail");
    assert_eq!(report.verdict("log-export"), "skip");
}

#[test]
fn what_may_not_be_read_is_not_clean() {
    let world = World::running();
    for (operation, id) in [
        ("rds:DescribeDBClusters", "cluster"),
        ("monitoring:DescribeAlarmHistory", "alarms-delivered"),
        ("monitoring:GetMetricData", "heartbeat"),
        ("iam:SimulatePrincipalPolicy", "monitor-permissions"),
        ("logs:DescribeLogStreams", "log-group"),
    ] {
        world
            .moto
            .faults(&json!([{ "operation": operation, "code": "AccessDenied", "status": 403 }]));
        let report = world.doctor();
        assert_eq!(report.code, 1, "{operation}: {:?}", report.loud());
        assert_eq!(report.verdict(id), "unknown", "{operation}");
    }
}

const CANARY: &[&str] = &["doctor", "--env", "prod", "--canary", "--timeout", "30"];

/// Calls of a run that wrote.
fn writes(world: &World, from: usize) -> Vec<String> {
    let calls = world.moto.calls();
    let writes = calls[from..].iter().filter(|call| call.writes);
    writes.map(|call| call.operation.clone()).collect()
}

fn alarms(world: &World) -> String {
    world.by_hand("print(sorted(a['AlarmName'] for a in alarms.describe_alarms()['MetricAlarms']))")
}

#[test]
fn a_canary_proves_the_way_to_the_topic() {
    let world = World::running();
    let (before, alarms_before) = (world.moto.calls().len(), alarms(&world));
    let told_before = world.moto.messages().as_array().unwrap().len();
    let (code, text) = world.run(CANARY);
    assert_eq!(code, 0, "{text}");
    assert_eq!(
        writes(&world, before),
        [
            "PutMetricAlarm",
            "PutMetricData",
            "PutMetricData",
            "DeleteAlarms"
        ]
    );
    assert_eq!(alarms(&world), alarms_before);
    let messages = world.moto.messages();
    let told: Vec<(bool, &str)> = messages.as_array().unwrap()[told_before..]
        .iter()
        .map(|message| {
            let text = |key: &str| message[key].as_str().unwrap();
            (text("alarm").contains("-canary-"), text("state"))
        })
        .collect();
    // No other alarm said anything.
    assert_eq!(told, [(true, "ALARM"), (true, "OK")]);
}

#[test]
fn a_canary_that_the_topic_refuses_fails_and_is_taken_away() {
    let world = World::running();
    world.by_hand("keys.disable_key(KeyId=keys.list_aliases()['Aliases'][0]['TargetKeyId'])");
    let alarms_before = alarms(&world);
    let (code, text) = world.run(CANARY);
    assert_eq!(code, 10, "{text}");
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(words.join(" ").contains("KMS key is Disabled"), "{text}");
    assert_eq!(alarms(&world), alarms_before);
}

#[test]
fn a_canary_whose_alarm_never_goes_off_ends_and_is_taken_away() {
    let world = World::running();
    world.moto.judges_alarms(false);
    let alarms_before = alarms(&world);
    let mut arguments = CANARY.to_vec();
    *arguments.last_mut().unwrap() = "2";
    let (code, text) = world.run(&arguments);
    assert_eq!(code, 10, "{text}");
    assert!(
        text.contains("it did not become ALARM within 2 seconds"),
        "{text}"
    );
    assert_eq!(alarms(&world), alarms_before);
}

#[test]
fn a_canary_that_is_interrupted_takes_its_alarm_away() {
    let world = World::running();
    world.moto.judges_alarms(false);
    let alarms_before = alarms(&world);
    let before = world.moto.calls().len();
    let child = world
        .command(&["doctor", "--env", "prod", "--canary"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while !writes(&world, before).contains(&"PutMetricData".to_owned()) {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "no point is published"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    // A running canary's alarm is nobody's drift.
    assert!(alarms(&world).contains("-canary-"));
    let (code, text) = world.run(&["drift", "--env", "prod"]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(world.doctor().verdict("extras"), "ok");
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&stdout) + String::from_utf8_lossy(&stderr);
    assert_eq!(status.code(), Some(1), "{text}");
    assert!(text.contains("asked to stop"), "{text}");
    assert_eq!(alarms(&world), alarms_before);
}

/// What a killed run left is loud, and the next run takes it away.
#[test]
fn what_a_killed_canary_left_behind_is_loud_until_the_next() {
    let world = World::running();
    let alarms_before = alarms(&world);
    world.by_hand(
        "alarms.put_metric_alarm(AlarmName=f'{base()}-canary-{int(time.time()) - 7200:x}-0123456789ab', Namespace='x', \
         MetricName='CanaryProbe', Statistic='Maximum', Period=60, EvaluationPeriods=1, Threshold=0, \
         ComparisonOperator='GreaterThanThreshold', TreatMissingData='notBreaching')",
    );
    let report = world.doctor();
    assert_eq!(report.verdict("extras"), "warn");
    assert!(report.sentences("extras").contains("-canary-"));
    let (code, text) = world.run(CANARY);
    assert_eq!(code, 0, "{text}");
    assert_eq!(alarms(&world), alarms_before);
    assert_eq!(world.doctor().verdict("extras"), "ok");
}
