//! The monitor from end to end: a real PostgreSQL with pgAudit writes the log, a server on loopback runs the fetch query
//! over it, the real binary judges what it returns under cargo-lambda's emulator, and moto takes metrics and messages.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pgvigil::audit_log::reader::{Inputs, ReadOptions, for_each_entry};
use pgvigil::compile::compile;
use pgvigil::compile::resources::{Document, Kind};
use pgvigil::judge::Rules;
use pgvigil::policy;
use serde_json::{Value, json};

use crate::insights_server::{Fault, Server as Insights, Stored};
use crate::lambda::{Emulator, Function};
use crate::moto::{Call, Moto};
use crate::server::Server as Postgres;

const REGION: &str = "eu-central-1";
const ORDERS: &str = "/aws/rds/cluster/orders/postgresql";
const NAMESPACE: &str = "RDSAudit/UserActivity";

/// A window of the shipped schedule, in seconds.
const WINDOW: i64 = 300;

/// What the shipped monitor waits for records to settle, in seconds.
const SETTLE: i64 = 120;

/// A policy without exclusions, and with every signal.
const ENVIRONMENT: &str = "version: 1\nprovider: aws\naccount: \"123456789012\"\nregion: eu-central-1\nclusters: [orders]\n\
    monitor: {metrics: [command, user]}\n";

/// What of [`WORK`] is silent.
const EXCLUSIONS: &str = r#"version: 1
exclusions:
  - id: customers-count
    title: Customers are counted
    reason: How many there are is no secret, and nothing else of them is read.
    owner: data-platform
    created: 2026-11-01
    expires: 2027-06-01
    environments: all
    match: {class: READ, command: SELECT, schema: public, relation: customers, statement: {equals: select count(*) from customers}}
  - id: orders-late
    title: A fixed text is read
    reason: The text stands in the statement itself, and nothing of the table is read.
    owner: data-platform
    created: 2026-11-01
    expires: 2027-06-01
    environments: all
    match: {class: READ, command: SELECT, schema: public, relation: orders, statement: {equals: select 'late' from orders}}
  - id: never
    title: Nobody asks this
    reason: It stands here to be counted as nothing, hour by hour.
    owner: data-platform
    created: 2026-11-01
    expires: 2027-06-01
    environments: all
    match: {class: READ, command: SELECT, schema: public, relation: nothing, statement: {equals: select 1 from nothing}}
"#;

/// Everything that stands around the function.
pub(crate) struct Stand {
    pub(crate) insights: Insights,
    pub(crate) moto: Moto,
    documents: Vec<Document>,
    /// Holds what the layer brings.
    layer: tempfile::TempDir,
    /// End of the first window, in seconds since 1970.
    zero: i64,
}

impl Stand {
    pub(crate) fn new() -> Self {
        Self::of(&[("environments/prod.yaml", ENVIRONMENT)])
    }

    /// With a policy of these files.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self::around(Moto::start(), files)
    }

    /// The same with the server that takes metrics and messages.
    fn around(moto: Moto, files: &[(&str, &str)]) -> Self {
        let loaded = policy::load_from(files.iter().copied());
        let environment = &loaded.policy.environments[0];
        let compiled = compile(&loaded, environment, jiff::civil::date(2026, 11, 22));
        let stand = Self {
            insights: Insights::start(Vec::new()),
            moto,
            documents: compiled.documents,
            layer: tempfile::tempdir().unwrap(),
            // Hours ago: every window of the test is over.
            zero: (Timestamp::now().as_second() - 4 * 3600).div_euclid(WINDOW) * WINDOW,
        };
        let rules = Rules::of(&loaded.policy, environment);
        std::fs::write(stand.rules(), rules.to_bytes()).unwrap();
        stand
            .insights
            .state()
            .groups
            .push(crate::insights_server::group(ORDERS, 0, None, 0));
        stand.moto.by_hand(
            REGION,
            &format!(
                "t = client('sns').create_topic(Name={:?})['TopicArn']\n\
                 q = client('sqs').create_queue(QueueName='people')['QueueUrl']\n\
                 client('sns').subscribe(TopicArn=t, Protocol='sqs', Endpoint='arn:aws:sqs:{REGION}:123456789012:people')\n\
                 print(t)\n",
                stand.document(Kind::SnsTopic).name
            ),
        );
        stand
    }

    /// Where the rules are.
    pub(crate) fn rules(&self) -> std::path::PathBuf {
        self.layer.path().join("policy.json")
    }

    fn document(&self, kind: Kind) -> &Document {
        self.documents.iter().find(|one| one.kind == kind).unwrap()
    }

    /// What Lambda sets: the compiled variables, and its own.
    pub(crate) fn variables(&self) -> BTreeMap<String, String> {
        let compiled = self.document(Kind::LambdaFunction).properties["environment"].clone();
        let mut variables: BTreeMap<String, String> = serde_json::from_value(compiled).unwrap();
        for (name, value) in [
            ("RULES_FILE", self.rules().display().to_string()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", "AKIATEST".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
            ("AWS_ENDPOINT_URL", self.moto.endpoint()),
            ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", self.insights.url()),
        ] {
            variables.insert(name.to_owned(), value);
        }
        variables
    }

    /// The schedule's event for the run after some window has settled; the first is number 0.
    pub(crate) fn event(&self, window: i64) -> Value {
        let time = Timestamp::from_second(self.zero + window * WINDOW + SETTLE + 20).unwrap();
        json!({
            "version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "account": "123456789012",
            "time": time.to_string(), "region": REGION, "resources": [], "detail": {},
        })
    }

    /// Puts entries into the log: they happened so many seconds before the end of a window, and arrived then.
    pub(crate) fn log(&self, entries: &[Vec<u8>], window: i64, happened: i64, arrived: i64) {
        let end_ms = (self.zero + window * WINDOW) * 1000;
        let mut state = self.insights.state();
        let events = std::sync::Arc::make_mut(&mut state.events);
        for entry in entries {
            events.push(Stored {
                ingestion_ms: end_ms - arrived,
                ..Stored::new(ORDERS, "orders-1", end_ms - happened, entry.clone())
            });
        }
    }

    /// What an alarm sees: of a metric the maximum of each window, by the window's number.
    fn figures(&self, metric: &Value) -> BTreeMap<i64, f64> {
        let code = format!(
            "r = client('cloudwatch').get_metric_statistics(Namespace={}, MetricName={}, Dimensions={}, StartTime={}, \
             EndTime={}, Period={WINDOW}, Statistics=['Maximum'])['Datapoints']\n\
             print(json.dumps([[p['Timestamp'].timestamp(), p['Maximum']] for p in r]))\n",
            metric["namespace"],
            metric["metric"],
            json!(
                metric["dimensions"]
                    .as_object()
                    .unwrap()
                    .iter()
                    .map(|(name, value)| json!({"Name": name, "Value": value}))
                    .collect::<Vec<_>>()
            ),
            self.zero - 20 * WINDOW,
            Timestamp::now().as_second() + WINDOW,
        );
        let points: Vec<(f64, f64)> =
            serde_json::from_str(&self.moto.by_hand(REGION, &code)).unwrap();
        points
            .into_iter()
            .map(|(time, value)| ((time as i64 - self.zero).div_euclid(WINDOW) + 1, value))
            .collect()
    }

    /// What the alarm of the signal `dml` sees.
    fn counted(&self) -> BTreeMap<i64, f64> {
        let alarm = self
            .documents
            .iter()
            .find(|one| one.kind == Kind::Alarm && one.name.ends_with("human-dml"))
            .unwrap();
        assert_eq!(alarm.properties["statistic"], "Maximum");
        assert_eq!(alarm.properties["period_seconds"], WINDOW);
        let mut figures = self.figures(&alarm.properties);
        figures.retain(|_, value| *value > 0.0);
        figures
    }

    fn metric(name: &str, extra: &[(&str, &str)]) -> Value {
        let mut dimensions = json!({ "LogGroup": ORDERS });
        for (key, value) in extra {
            dimensions[*key] = json!(value);
        }
        json!({ "namespace": NAMESPACE, "metric": name, "dimensions": dimensions })
    }

    /// Subjects and texts of the messages that a subscriber got since the last look.
    fn messages(&self) -> Vec<(String, String)> {
        self.messages_of("people")
    }

    /// The same of another subscriber.
    fn messages_of(&self, queue: &str) -> Vec<(String, String)> {
        let code = "q = client('sqs')\nu = q.get_queue_url(QueueName='QUEUE')['QueueUrl']\nfound = []\n\
            while True:\n  m = q.receive_message(QueueUrl=u, MaxNumberOfMessages=10).get('Messages', [])\n\
            \x20 if not m: break\n\
            \x20 for one in m:\n    b = json.loads(one['Body'])\n    found.append([b['Subject'], b['Message']])\n    \
            q.delete_message(QueueUrl=u, ReceiptHandle=one['ReceiptHandle'])\n\
            print(json.dumps(found))\n";
        let code = code.replace("QUEUE", queue);
        serde_json::from_str(&self.moto.by_hand(REGION, &code)).unwrap()
    }
}

/// A real log: these people's statements, each with what it is called here.
fn recorded(work: &[(&str, &str)]) -> BTreeMap<String, Vec<Vec<u8>>> {
    let postgres = Postgres::start(&[]);
    postgres.ask("create extension pgaudit");
    postgres.ask(
        "create table public.customers (id int, name text); create table public.orders (id int)",
    );
    let mut people: Vec<&str> = work.iter().map(|(user, _)| *user).collect();
    people.sort_unstable();
    people.dedup();
    for user in people {
        postgres.ask(&format!(
            "create role {user:?} login; grant all on all tables in schema public to {user:?}"
        ));
        postgres.ask(&format!("alter role {user:?} set pgaudit.log = 'all'; alter role {user:?} set pgaudit.log_relation = on"));
    }
    for (user, statement) in work {
        postgres.ask_as(user, statement);
    }
    let log = postgres.log();
    let mut entries: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for_each_entry(
        &Inputs::from_paths([log]),
        &ReadOptions::default(),
        |entry| {
            let text = String::from_utf8_lossy(entry.text).into_owned();
            for (user, statement) in work {
                if text.contains(&format!(":{user}@")) && text.contains(statement) {
                    entries
                        .entry((*statement).to_owned())
                        .or_default()
                        .push(entry.text.to_vec());
                }
            }
        },
    );
    assert_eq!(entries.len(), work.len(), "{:?}", entries.keys());
    entries
}

const WORK: [(&str, &str); 4] = [
    ("alice", "select name from customers where id = 471147114"),
    ("alice", "select count(*) from customers"),
    ("bob", "delete from orders where id = 815815815"),
    ("bob", "select 'late' from orders"),
];

/// The detection records that a function wrote into its log.
pub(crate) fn detections(function: &Function) -> Vec<Value> {
    function
        .log()
        .iter()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("no JSON: {line}"))
        })
        .filter(|line| line["record"] == "pgvigil.detection")
        .collect()
}

#[test]
fn what_people_do_reaches_the_metrics_the_alarm_and_people() {
    let log = recorded(&WORK);
    let of = |index: usize| &log[WORK[index].1];
    let stand = Stand::new();
    let emulator = Emulator::start();
    // L1: just inside, and at the very border; and one that took ten minutes to arrive.
    stand.log(of(0), 0, 3000, 1);
    stand.log(of(1), 0, 2000, 0);
    stand.log(of(2), 1, 60_000, 58_000);
    stand.log(of(3), 2, 660_000, 30_000);
    let function = emulator.function(&stand.variables());

    let (well, answer) = emulator.invoke(&stand.event(0));
    assert!(well, "{answer}\n{:?}", function.log());
    assert_eq!(answer["operationCount"], 1);
    assert_eq!(answer["logGroup"], ORDERS);
    let end = Timestamp::from_second(stand.zero).unwrap().to_string();
    assert_eq!(answer["window"]["end"], end);
    let messages = stand.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].0, "pgvigil prod/orders: alice, 1 new group");
    let text = &messages[0].1;
    for words in [
        "alice@postgres",
        "SELECT on public.customers",
        "1 statement (READ; dml)",
        "environment  prod",
        "account      123456789012",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(text.contains("https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#logsV2:logs-insights$3F"));
    assert!(
        text.contains("like*20*27*3aalice*40postgres*3a*27"),
        "the link shows no statements of hers: {text}"
    );
    assert_eq!(stand.counted(), BTreeMap::from([(0, 1.0)]));

    // L6: the border belongs to the next window. A second person, while the alarm is on.
    assert!(emulator.invoke(&stand.event(1)).0);
    // The same event twice, as EventBridge and Lambda may send it.
    assert!(emulator.invoke(&stand.event(1)).0);
    let messages = stand.messages();
    assert_eq!(messages.len(), 1, "{messages:#?}");
    assert!(messages[0].0.contains(": bob,") && messages[0].1.contains("DELETE on public.orders"));
    assert_eq!(stand.counted(), BTreeMap::from([(0, 1.0), (1, 2.0)]));

    // A run that never came, and the next makes it up.
    assert!(emulator.invoke(&stand.event(3)).0);
    assert_eq!(
        stand.counted(),
        BTreeMap::from([(0, 1.0), (1, 2.0), (2, 1.0)])
    );
    let messages = stand.messages();
    assert_eq!(messages.len(), 1);
    assert!(
        messages[0].1.contains("bob@postgres") && messages[0].1.contains("SELECT on public.orders")
    );

    // By hand: the newest window of all, in which nothing happened.
    let (well, answer) = emulator.invoke(&json!({}));
    assert!(well);
    assert_eq!(answer["operationCount"], 0);

    let found = detections(&function);
    assert_eq!(found.len(), 4, "{found:#?}");
    for (line, (user, command, window)) in found.iter().zip([
        ("alice", "SELECT", 0),
        ("alice", "SELECT", 1),
        ("bob", "DELETE", 1),
        ("bob", "SELECT", 2),
    ]) {
        assert_eq!(
            (&line["user"], &line["command"]),
            (&json!(user), &json!(command)),
            "{found:#?}"
        );
        let start = Timestamp::from_second(stand.zero + (window - 1) * WINDOW).unwrap();
        assert_eq!(line["window"]["start"], start.to_string());
        assert_eq!(line["cluster"], "orders");
        assert_eq!(
            (&line["statements"], &line["records"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(line["rules"].as_str().unwrap().len(), 64);
    }
    for line in function.log() {
        assert!(
            !line.contains("471147114") && !line.contains("815815815"),
            "a literal: {line}"
        );
    }

    // The rest of the table of metrics.
    let command = |command| {
        Stand::metric(
            "UserDMLOperationCount",
            &[("OperationType", "UserDMLFiltered"), ("Command", command)],
        )
    };
    assert_eq!(
        stand.figures(&command("DELETE")),
        BTreeMap::from([(1, 1.0)])
    );
    let user = |user| {
        Stand::metric(
            "UserDMLOperationCount",
            &[("OperationType", "UserDMLFiltered"), ("User", user)],
        )
    };
    assert_eq!(
        stand.figures(&user("bob")),
        BTreeMap::from([(1, 1.0), (2, 1.0)])
    );
    let lag = stand.figures(&Stand::metric("MonitorIngestionLag", &[]));
    assert_eq!(lag[&2], 630.0);
    assert!(
        stand
            .figures(&Stand::metric("MonitorHeartbeat", &[]))
            .values()
            .all(|value| *value == 1.0)
    );
    assert!(
        stand
            .figures(&Stand::metric("MonitorExecutionErrors", &[]))
            .values()
            .all(|value| *value == 0.0)
    );

    // What was called is what the role may call.
    let allowed: BTreeSet<String> =
        stand.document(Kind::IamRolePolicy).properties["policy"]["Statement"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|statement| match &statement["Action"] {
                Value::Array(actions) => actions.clone(),
                one => vec![one.clone()],
            })
            .map(|action| action.as_str().unwrap().to_owned())
            .collect();
    let key = "AKIATEST";
    let mut called: BTreeSet<String> = stand
        .insights
        .state()
        .calls
        .iter()
        .map(|call| format!("logs:{}", call.operation))
        .collect();
    // By hand the tests call others.
    called.extend(
        stand
            .moto
            .calls()
            .iter()
            .filter(|call| call.access_key.as_deref() == Some(key))
            .filter_map(|call| {
                let service = match call.service.as_deref()? {
                    "monitoring" => "cloudwatch",
                    service => service,
                };
                let by_monitor = ["PutMetricData", "GetMetricData", "Publish"]
                    .contains(&call.operation.as_str());
                by_monitor.then(|| format!("{service}:{}", call.operation))
            }),
    );
    assert!(called.is_subset(&allowed), "{called:?} {allowed:?}");
    assert!(called.len() >= 5, "{called:?}");
    assert!(stand.insights.state().calls.iter().all(|call| call.signed));
}

/// What people do reaches metrics and a subscriber of another emulator too.
pub(crate) fn runs_on(moto: Moto) {
    let log = recorded(&WORK[..1]);
    let stand = Stand::around(moto, &[("environments/prod.yaml", ENVIRONMENT)]);
    stand.log(&log[WORK[0].1], 0, 3000, 1000);
    let emulator = Emulator::start();
    let function = emulator.function(&stand.variables());
    for _ in 0..2 {
        let (well, answer) = emulator.invoke(&stand.event(0));
        assert!(well, "{answer}\n{:?}", function.log());
    }
    assert_eq!(stand.counted(), BTreeMap::from([(0, 1.0)]));
    let messages = stand.messages();
    // The second run finds the receipt of the first one.
    assert_eq!(messages.len(), 1, "{messages:#?}");
    assert!(messages[0].0.contains(": alice,"), "{messages:#?}");
    assert_eq!(detections(&function).len(), 1);
}

/// A policy with two people of different teams, and with receivers of all kinds.
const ROUTED: &str = r#"version: 1
provider: aws
account: "123456789012"
region: eu-central-1
clusters: [orders]
notifications:
  email: [everything@example.com]
  chat: true
  routes:
    - {email: [payments@example.com], team: payments}
    - {email: [data@example.com], owner: data-lead, severity: [medium]}
    - {email: [calm@example.com], severity: low}
    - {email: [both@example.com, everything@example.com], severity: critical}
    - {email: [both@example.com], signal: [dml], team: [payments]}
"#;

const PEOPLE: &str = "version: 1
users:
  - {role: alice, owner: payments-lead, team: payments, environments: all}
  - {role: bob, owner: data-lead, team: data, environments: all}
";

/// Makes a queue for each compiled subscription, with its filter, and one for the chat integration.
const LISTEN: &str = "
s, q = client('sns'), client('sqs')
def listen(topic, name, filter):
  q.create_queue(QueueName=name)
  attributes = {'FilterPolicy': json.dumps(filter)} if filter else {}
  s.subscribe(TopicArn=topic, Protocol='sqs', Endpoint='arn:aws:sqs:eu-central-1:123456789012:' + name, Attributes=attributes)
given = json.loads(GIVEN)
arns = [s.create_topic(Name=name)['TopicArn'] for name in given['topics']]
for one in given['subscriptions']: listen(one['topic'], one['endpoint'].split('@')[0], one['filter_policy'])
listen([arn for arn in arns if arn.endswith('-chat')][0], 'chat', None)
";

/// moto applies the compiled filters to what the function publishes.
#[test]
fn messages_reach_those_whom_the_filters_choose() {
    let log = recorded(&WORK);
    let stand = Stand::of(&[
        ("environments/prod.yaml", ROUTED),
        ("rules/users.yaml", PEOPLE),
    ]);
    let of_kind = |kind| stand.documents.iter().filter(move |one| one.kind == kind);
    let subscriptions: Vec<&Value> = of_kind(Kind::SnsSubscription)
        .map(|one| &one.properties)
        .collect();
    let topics: Vec<&str> = of_kind(Kind::SnsTopic)
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!((subscriptions.len(), topics.len()), (5, 2));
    let given = json!({ "subscriptions": subscriptions, "topics": topics });
    let given = format!("{:?}", given.to_string());
    stand.moto.by_hand(REGION, &LISTEN.replace("GIVEN", &given));
    stand.log(&log[WORK[0].1], 0, 3000, 1);
    stand.log(&log[WORK[2].1], 1, 3000, 1);
    let emulator = Emulator::start();
    let _function = emulator.function(&stand.variables());
    let count = || -> Vec<usize> {
        ["everything", "payments", "data", "calm", "both"]
            .iter()
            .map(|queue| stand.messages_of(queue).len())
            .collect()
    };
    let (well, answer) = emulator.invoke(&stand.event(0));
    assert!(well, "{answer}");
    assert_eq!(count(), [1, 1, 0, 0, 1], "alice, of the team payments");
    let chat = stand.messages_of("chat");
    assert_eq!(chat.len(), 1);
    let chat: Value = serde_json::from_str(&chat[0].1).unwrap();
    assert_eq!(chat["source"], "custom", "{chat:#}");
    assert_eq!(chat["metadata"]["threadId"], "pgvigil/prod/orders");
    assert!(emulator.invoke(&stand.event(1)).0);
    assert_eq!(count(), [1, 0, 1, 0, 0], "bob, whose owner is data-lead");
    assert_eq!(stand.messages_of("chat").len(), 1);
}

/// Makes the bus, a rule that takes what the documents say, and a queue that gets it.
const LISTEN_TO_EVENTS: &str = "
e, q = client('events'), client('sqs')
e.create_event_bus(Name='audit')
q.create_queue(QueueName='events')
pattern = json.dumps({'source': ['pgvigil'], 'detail-type': ['pgvigil detection'], 'detail': {'environment': ['prod']}})
e.put_rule(Name='r', EventBusName='audit', EventPattern=pattern)
e.put_targets(Rule='r', EventBusName='audit', Targets=[{'Id': '1', 'Arn': 'arn:aws:sqs:eu-central-1:123456789012:events'}])
";

/// What the queue has got since the last look.
const EVENTS: &str = "
q = client('sqs')
u = q.get_queue_url(QueueName='events')['QueueUrl']
found = []
while True:
  m = q.receive_message(QueueUrl=u, MaxNumberOfMessages=10).get('Messages', [])
  if not m: break
  for one in m:
    found.append(json.loads(one['Body']))
    q.delete_message(QueueUrl=u, ReceiptHandle=one['ReceiptHandle'])
print(json.dumps(found))
";

/// The same, in whatever order they came.
fn events(stand: &Stand) -> Vec<Value> {
    serde_json::from_str(&stand.moto.by_hand(REGION, EVENTS)).unwrap()
}

/// With a bus, its rule and its queue.
fn with_events() -> Stand {
    let environment =
        format!("{ENVIRONMENT}notifications: {{email: [dba@example.com], events: audit}}\n");
    let stand = Stand::of(&[("environments/prod.yaml", &environment)]);
    stand.moto.by_hand(REGION, LISTEN_TO_EVENTS);
    stand
}

/// A rule on the bus gets each new detection once, in the form of the schema, and with the record that the log has.
#[test]
fn new_detections_are_events_on_a_bus() {
    let log = recorded(&WORK);
    let stand = with_events();
    stand.log(&log[WORK[0].1], 0, 3000, 1);
    stand.log(&log[WORK[2].1], 0, 3000, 1);
    // A name that tries to leave its text, the line and the document.
    let entry = String::from_utf8(log[WORK[0].1][0].clone()).unwrap();
    let hostile = "alice\",\"detail\":{}}\\\u{1b}c\u{202e}";
    let forged = entry.replace(":alice@", &format!(":{hostile}@"));
    assert_ne!(forged, entry);
    stand.log(&[forged.into_bytes()], 0, 3000, 1);
    let emulator = Emulator::start();
    let function = emulator.function(&stand.variables());
    // An attempt that has no answer is made again, and so is the entry that is not taken, alone.
    stand.moto.faults(&json!([
        {"operation": "events:PutEvents", "times": 1, "status": 500, "code": "InternalException"},
        {"operation": "events:PutEvents", "times": 1, "entries": [1], "entry_code": "InternalFailure"},
        {"operation": "events:PutEvents", "times": 1, "entries": [0], "entry_code": "ThrottlingException"},
    ]));
    let (well, answer) = emulator.invoke(&stand.event(0));
    assert!(well, "{answer}\n{:?}", function.log());
    let found = events(&stand);
    let written = detections(&function);
    assert_eq!((found.len(), written.len()), (3, 3), "{found:#?}");
    let mut users: Vec<&str> = Vec::new();
    for event in &found {
        crate::output_schemas::holds("event", event);
        assert!(written.contains(&event["detail"]), "{event:#}");
        assert_eq!(event["source"], "pgvigil");
        assert_eq!(event["detail-type"], "pgvigil detection");
        assert_eq!(event["account"], "123456789012");
        let time = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
        let seen = time(&event["detail"]["last_seen"]);
        assert_eq!(time(&event["time"]).as_second(), seen.as_second());
        users.push(event["detail"]["user"].as_str().unwrap());
    }
    users.sort_unstable();
    // The forged name can be read in two ways: it is nobody's.
    assert_eq!(users, ["-", "alice", "bob"]);
    let puts = |stand: &Stand| {
        let calls = stand.moto.calls();
        let puts = calls.into_iter().filter(|one| one.operation == "PutEvents");
        puts.count()
    };
    assert_eq!(puts(&stand), 4);
    // The next run finds the receipt.
    assert!(emulator.invoke(&stand.event(0)).0);
    assert_eq!((events(&stand).len(), puts(&stand)), (0, 4));
    assert_eq!(stand.moto.refused(), [""; 0]);
    // The schema can refuse.
    let mut damaged = found[0].clone();
    damaged["detail"]["severity"] = json!("urgent");
    assert!(!crate::output_schemas::faults("event", &damaged).is_empty());
}

/// A bus that refuses fails the run, after people have their message, and its retry sends the event.
#[test]
fn a_bus_that_refuses_fails_the_run() {
    let log = recorded(&WORK);
    let stand = with_events();
    let emulator = Emulator::start();
    let function = emulator.function(&stand.variables());
    assert!(emulator.invoke(&stand.event(0)).0);
    stand.log(&log[WORK[3].1], 5, 3000, 1);
    for (fault, words) in [
        (
            json!({"operation": "events:PutEvents", "status": 400, "code": "AccessDeniedException"}),
            "cannot send the events of new detections: AccessDeniedException",
        ),
        (
            json!({"operation": "events:PutEvents", "entries": [0], "entry_code": "NotAuthorizedForSourceException"}),
            "cannot send the events of new detections: 1 of the events: NotAuthorizedForSourceException",
        ),
    ] {
        stand.messages();
        stand.moto.faults(&json!([fault]));
        let (well, answer) = emulator.invoke(&stand.event(5));
        assert!(!well, "{answer}");
        let found = answer["errorMessage"].as_str().unwrap();
        assert!(found.starts_with(words), "{found}");
        assert_eq!(stand.messages().len(), 1);
        assert_eq!(events(&stand).len(), 0);
    }
    stand.moto.faults(&json!([]));
    assert!(emulator.invoke(&stand.event(5)).0);
    let found = events(&stand);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["detail"]["user"], "bob");
    assert!(detections(&function).contains(&found[0]["detail"]));

    // EventBridge itself says nothing of a bus that does not exist: the doctor does.
    stand.moto.by_hand(
        REGION,
        "e = client('events')\ne.remove_targets(Rule='r', EventBusName='audit', Ids=['1'])\n\
         e.delete_rule(Name='r', EventBusName='audit')\ne.delete_event_bus(Name='audit')\n",
    );
    stand.log(&log[WORK[0].1], 6, 3000, 1);
    let (well, answer) = emulator.invoke(&stand.event(6));
    assert!(well, "{answer}");
    assert_eq!(answer["newGroups"], 1, "{answer}");
    assert_eq!(events(&stand).len(), 0);
}

/// Many figures in one call: the SDK compresses what is larger than 10 KB, and AWS takes that. They are all published.
#[test]
fn a_run_with_many_figures_is_published_whole() {
    let log = recorded(&WORK[..1]);
    let entry = String::from_utf8(log[WORK[0].1][0].clone()).unwrap();
    let people: Vec<String> = (0..50).map(|number| format!("person{number:02}")).collect();
    let entries: Vec<Vec<u8>> = people
        .iter()
        .map(|name| {
            let text = entry.replace(":alice@", &format!(":{name}@"));
            assert_ne!(text, entry);
            text.into_bytes()
        })
        .collect();
    let stand = Stand::new();
    for window in -2..=0 {
        stand.log(&entries, window, 3000, 1000);
    }
    let emulator = Emulator::start();
    let function = emulator.function(&stand.variables());
    let (well, answer) = emulator.invoke(&stand.event(0));
    assert!(well, "{answer}\n{:?}", function.log());
    let calls = stand.moto.calls();
    let published: Vec<&Call> = calls
        .iter()
        .filter(|call| call.operation == "PutMetricData")
        .collect();
    assert!(published.iter().all(|call| call.status == Some(200)));
    assert!(
        published.iter().any(|call| call.packed),
        "none was compressed"
    );
    assert!(
        published.iter().any(|call| !call.packed),
        "each was compressed"
    );
    for window in -2..=0 {
        assert_eq!(stand.counted()[&window], 50.0);
    }
    for name in &people {
        let of_person = Stand::metric(
            "UserDMLOperationCount",
            &[("OperationType", "UserDMLFiltered"), ("User", name)],
        );
        assert_eq!(stand.figures(&of_person).len(), 3, "{name}");
    }
}

/// Each part fails once and is tried again inside the run; or for good, and the run fails with it, is heard of, and its
/// retry makes it up.
#[test]
fn l3_l8_what_fails_is_tried_again_or_fails_the_run_loudly() {
    let log = recorded(&WORK);
    let stand = Stand::new();
    let emulator = Emulator::start();
    stand.log(&log[WORK[0].1], 0, 3000, 1000);
    let function = emulator.function(&stand.variables());
    let throttled = [
        Fault::Answer(400, "ThrottlingException"),
        Fault::Answer(503, "ServiceUnavailableException"),
        Fault::Reset,
        Fault::LoseAnswer,
    ];
    stand.insights.state().fail(
        "StartQuery",
        &[Fault::Answer(400, "LimitExceededException")],
    );
    stand.insights.state().fail("StartQuery", &throttled);
    stand.insights.state().fail("GetQueryResults", &throttled);
    stand.moto.faults(&json!([
        {"operation": "monitoring:PutMetricData", "times": 2, "status": 400, "code": "Throttling"},
        {"operation": "monitoring:GetMetricData", "times": 1, "status": 500, "code": "InternalServiceFault"},
        {"operation": "sns:Publish", "times": 2, "status": 400, "code": "Throttled"},
    ]));
    let (well, answer) = emulator.invoke(&stand.event(0));
    assert!(well, "{answer} {:?}", function.log());
    assert_eq!(stand.counted(), BTreeMap::from([(0, 1.0)]));
    assert_eq!(stand.messages().len(), 1);

    // For good, each in turn: another window, with a record of its own.
    let errors = Stand::metric("MonitorExecutionErrors", &[]);
    let forever = |operation: &str| json!([{"operation": operation, "times": null, "status": 400, "code": "AccessDenied"}]);
    type Break<'a> = Box<dyn Fn() + 'a>;
    let parts: Vec<(&str, Break<'_>)> = vec![
        (
            "start",
            Box::new(|| {
                stand
                    .insights
                    .state()
                    .fail("StartQuery", &[Fault::Answer(400, "AccessDeniedException")])
            }),
        ),
        (
            "failed",
            Box::new(|| stand.insights.state().ends.push_back("Failed")),
        ),
        (
            "cancelled",
            Box::new(|| stand.insights.state().ends.push_back("Cancelled")),
        ),
        (
            "timeout",
            Box::new(|| stand.insights.state().ends.push_back("Timeout")),
        ),
        (
            "publish",
            Box::new(|| stand.moto.faults(&forever("sns:Publish"))),
        ),
        (
            "metrics",
            Box::new(|| stand.moto.faults(&forever("monitoring:PutMetricData"))),
        ),
    ];
    let mut counted = BTreeMap::from([(0, 1.0)]);
    for ((name, break_it), number) in parts.iter().zip(1..) {
        // Far enough from the one before to be new again.
        let window = number * 5;
        stand.log(&log[WORK[2].1], window, 5000, 3000);
        break_it();
        let (well, answer) = emulator.invoke(&stand.event(window));
        assert!(!well, "{name}: {answer}");
        assert!(
            answer["errorMessage"].as_str().unwrap().contains("cannot")
                || answer["errorMessage"].as_str().unwrap().contains("ended"),
            "{answer}"
        );
        assert!(stand.messages().is_empty(), "{name}");
        stand.moto.faults(&json!([]));
        if *name != "metrics" {
            assert!(
                stand.figures(&errors).values().any(|value| *value == 1.0),
                "{name}: no metric of errors"
            );
        }
        let (well, answer) = emulator.invoke(&stand.event(window));
        assert!(well, "{name}: {answer}");
        counted.insert(window, 1.0);
        assert_eq!(stand.counted(), counted, "{name}");
        let messages = stand.messages();
        assert_eq!(messages.len(), 1, "{name}: {messages:#?}");
        assert!(messages[0].0.contains("bob"));
    }
}

/// What an exclusion silences is no detection, and is counted by the exclusion, in the window of its arrival.
#[test]
fn what_an_exclusion_silences_reaches_its_own_metric() {
    let log = recorded(&WORK);
    let environment = ENVIRONMENT.replace("[command, user]", "[suppressed]");
    let stand = Stand::of(&[
        ("environments/prod.yaml", &environment),
        ("rules/exclusions.yaml", EXCLUSIONS),
    ]);
    stand.log(&log[WORK[0].1], 0, 3000, 1000);
    stand.log(&log[WORK[1].1], 0, 2000, 1000);
    stand.log(&log[WORK[1].1], 0, 1000, 500);
    stand.log(&log[WORK[3].1], 0, 1000, 500);
    let emulator = Emulator::start();
    let function = emulator.function(&stand.variables());
    let (well, answer) = emulator.invoke(&stand.event(0));
    assert!(well, "{answer}\n{:?}", function.log());
    let silenced = |id: &str| -> Vec<f64> {
        let figures = stand.figures(&Stand::metric(
            "MonitorSuppressedRecords",
            &[("Exclusion", id)],
        ));
        figures.into_values().collect()
    };
    assert_eq!(silenced("customers-count"), [2.0]);
    assert_eq!(silenced("orders-late"), [1.0]);
    assert_eq!(silenced("never"), [] as [f64; 0]);
    assert_eq!(stand.counted(), BTreeMap::from([(0, 1.0)]));
    assert_eq!(detections(&function).len(), 1);
}

/// Killed in the middle of each call, by itself and by nothing that it could see coming: nothing is lost, no figure is
/// doubled, and whoever is told twice is told because the first message may not have arrived.
#[test]
fn a_process_that_is_killed_at_any_call_loses_nothing() {
    let log = recorded(&WORK[..1]);
    let stand = Stand::new();
    stand.log(&log[WORK[0].1], 0, 3000, 1000);
    let slow = Duration::from_secs(5);
    let operations = [
        "GetMetricData",
        "StartQuery",
        "GetQueryResults",
        "PutMetricData",
        "Publish",
        "PutMetricData receipt",
        "PutMetricData heartbeat",
    ];
    for operation in operations {
        let emulator = Emulator::start();
        let mut function = emulator.function(&stand.variables());
        let before = stand.moto.calls().len();
        let asked = stand.insights.state().calls.len();
        let (name, skip) = match operation {
            "PutMetricData receipt" => ("PutMetricData", 1),
            "PutMetricData heartbeat" => ("PutMetricData", 1),
            name => (name, 0),
        };
        let service = if name == "Publish" {
            "sns"
        } else {
            "monitoring"
        };
        if ["StartQuery", "GetQueryResults"].contains(&name) {
            stand.insights.state().delay = slow;
        } else {
            stand.moto.faults(
                &json!([{"operation": format!("{service}:{name}"), "skip": skip, "delay": 5.0}]),
            );
        }
        thread::scope(|scope| {
            let event = stand.event(0);
            let emulator = &emulator;
            // Nobody answers it.
            let address = emulator.address();
            scope.spawn(move || crate::lambda::send(address, &event));
            let until = Instant::now() + Duration::from_secs(30);
            loop {
                let is_there = match name {
                    "StartQuery" | "GetQueryResults" => {
                        let state = stand.insights.state();
                        state.waiting > 0
                            && state.calls.len() >= asked + usize::from(name == "GetQueryResults")
                    }
                    _ => {
                        stand
                            .moto
                            .calls()
                            .iter()
                            .skip(before)
                            .filter(|call| call.operation == name)
                            .count()
                            > skip
                    }
                };
                if is_there || Instant::now() > until {
                    break;
                }
                thread::sleep(Duration::from_millis(20));
            }
            function.kill();
        });
        stand.insights.state().delay = Duration::ZERO;
        stand.moto.faults(&json!([]));
    }
    let emulator = Emulator::start();
    let function = emulator.function(&stand.variables());
    let (well, answer) = emulator.invoke(&stand.event(0));
    assert!(well, "{answer} {:?}", function.log());
    assert_eq!(stand.counted(), BTreeMap::from([(0, 1.0)]));
    let messages = stand.messages();
    // Each of those that came so far may have told: what a process sends is carried out although it dies.
    assert!((1..=4).contains(&messages.len()), "{messages:#?}");
    let (well, _) = emulator.invoke(&stand.event(0));
    assert!(well);
    assert!(
        stand.messages().is_empty(),
        "told again although it has a receipt"
    );
}

#[test]
fn l9_a_monitor_without_its_variables_does_not_start() {
    let stand = Stand::new();
    let emulator = Emulator::start();
    let mut variables = stand.variables();
    variables.remove("LOG_GROUP_NAME");
    variables.insert("PGVIGIL_FUTURE".to_owned(), "1".to_owned());
    let mut function = emulator.function(&variables);
    assert_eq!(function.ended(), Some(1));
    let told = function.log().join("\n");
    assert!(
        told.contains("`LOG_GROUP_NAME` is missing")
            && told.contains("`PGVIGIL_FUTURE` is not a variable of this monitor"),
        "{told}"
    );
    assert!(stand.insights.state().calls.is_empty());

    // Nor with other rules than its variables name, or without any.
    std::fs::write(stand.rules(), "{}").unwrap();
    let mut function = emulator.function(&stand.variables());
    assert_eq!(function.ended(), Some(1));
    let told = function.log().join("\n");
    assert!(told.contains("is not the digest of"), "{told}");
    std::fs::remove_file(stand.rules()).unwrap();
    let mut function = emulator.function(&stand.variables());
    assert_eq!(function.ended(), Some(1));
    let told = function.log().join("\n");
    assert!(told.contains("cannot read the rules"), "{told}");
    assert!(stand.insights.state().calls.is_empty());
}
