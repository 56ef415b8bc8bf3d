//! `pgvigil watch`: the binary on a real server whose log is rotated, killed and started again, and beside receivers
//! that fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may panic"
)]

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::server::Server;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A watcher that is killed with the value.
pub(crate) struct Watcher {
    child: Child,
    said: PathBuf,
}

impl Watcher {
    fn start(folder: &Path, policy: &Path, arguments: &[&str]) -> Self {
        Self::start_with(folder, policy, arguments, &[])
    }

    pub(crate) fn start_with(
        folder: &Path,
        policy: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let said = folder.join("said");
        let errors = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&said)
            .unwrap();
        let stdout = OpenOptions::new()
            .append(true)
            .create(true)
            .open(folder.join("stdout"))
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_pgvigil"))
            .args(["--color", "never", "-C"])
            .arg(policy)
            .args(["watch", "--env", "local"])
            .args(arguments)
            .envs(variables.iter().copied())
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(errors)
            .spawn()
            .unwrap();
        Self { child, said }
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap()
    }

    fn wait_said(&self, text: &str) {
        eventually(text, || self.said().contains(text));
    }

    /// The address at which it serves metrics: the last that it said.
    pub(crate) fn metrics(&self) -> String {
        self.wait_said("metrics at http://");
        let said = self.said();
        let (_, rest) = said.rsplit_once("metrics at http://").unwrap();
        rest.split('/').next().unwrap().to_owned()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    fn stop(mut self) -> i32 {
        self.signal("TERM");
        self.child.wait().unwrap().code().unwrap()
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs until it ends by itself: exit code, stdout and stderr.
fn once(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pgvigil"))
        .arg("-C")
        .arg(root())
        .args(["watch", "--env", "local"])
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

pub(crate) fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !check() {
        assert!(Instant::now() < until, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// The samples as Prometheus' own parser reads them.
fn parsed(text: &str) -> BTreeMap<String, f64> {
    let python = root().join("target/venv/bin/python");
    let python = std::env::var_os("CARGO_TARGET_DIR")
        .map_or(python, |target| Path::new(&target).join("venv/bin/python"));
    let script = "import json, sys\n\
        from prometheus_client.parser import text_string_to_metric_families as parse\n\
        families = list(parse(sys.stdin.read()))\n\
        assert all(f.documentation and f.type != 'unknown' for f in families), families\n\
        print(json.dumps([[s.name + json.dumps(s.labels, sort_keys=True), s.value] for f in families for s in f.samples]))";
    let mut child = Command::new(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the parser of prometheus-client is missing: run `tests/moto/install`");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "Prometheus cannot read this:\n{text}"
    );
    let samples: Vec<(String, f64)> = serde_json::from_slice(&output.stdout).unwrap();
    samples.into_iter().collect()
}

fn statements(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["statement"].as_str().unwrap_or_default().to_owned()
        })
        .collect()
}

#[test]
fn people_work_while_logs_rotate_and_the_watcher_is_killed() {
    for names in ["postgresql-%Y-%m-%d_%H%M%S.log", "postgresql.log"] {
        let server = Server::start(&["--set", &format!("log_filename={names}")]);
        server.ask(
            "create table orders (id int); create role alice login; grant all on orders to alice",
        );
        server.ask("alter role alice set pgaudit.log = 'all'");
        server.ask("alter role alice set pgaudit.log_relation = on");
        let log = PathBuf::from(&server.facts["log"]);
        let is_renamed = names == "postgresql.log";
        let target = if is_renamed {
            log.clone()
        } else {
            log.parent().unwrap().to_owned()
        };
        let folder = tempfile::tempdir().unwrap();
        let target = target.to_str().unwrap();
        let arguments = [
            "--cursor",
            "cursor",
            "--out",
            "out.jsonl",
            "--from",
            "start",
            target,
        ];
        let mut watcher = Watcher::start(folder.path(), root(), &arguments);
        let mut number = 0;
        let mut expected = Vec::new();
        for round in 0..6 {
            for _ in 0..5 {
                number += 1;
                let statement = format!("insert into orders\nvalues ({number})");
                server.ask_as("alice", &statement);
                expected.push(statement);
            }
            match round {
                1 | 3 => {
                    if is_renamed {
                        fs::rename(&log, log.with_extension(format!("log.{round}"))).unwrap();
                    } else {
                        // The name has seconds.
                        thread::sleep(Duration::from_millis(1100));
                    }
                    server.ask("select pg_rotate_logfile()");
                }
                2 => {
                    watcher.kill();
                    watcher = Watcher::start(folder.path(), root(), &arguments);
                }
                4 => assert_eq!(watcher.signal_and_restart(folder.path(), &arguments), 0),
                _ => {}
            }
        }
        let out = folder.path().join("out.jsonl");
        eventually("every statement", || {
            statements(&out).len() >= expected.len()
        });
        thread::sleep(Duration::from_millis(1500));
        assert_eq!(statements(&out), expected, "{names}\n{}", watcher.said());
        assert_eq!(watcher.stop(), 0);
        let line: Value =
            serde_json::from_str(fs::read_to_string(&out).unwrap().lines().next().unwrap())
                .unwrap();
        assert_eq!(line["user"], "alice");
        assert_eq!(line["object"], "public.orders");
        assert!(line["time"].as_str().unwrap().ends_with('Z'));
    }
}

impl Watcher {
    fn signal_and_restart(&mut self, folder: &Path, arguments: &[&str]) -> i32 {
        let new = Self {
            child: Command::new("true").spawn().unwrap(),
            said: self.said.clone(),
        };
        let code = std::mem::replace(self, new).stop();
        *self = Self::start(folder, root(), arguments);
        code
    }
}

/// A record that counts.
pub(crate) fn entry(number: usize, user: &str) -> String {
    format!(
        "2026-11-22 06:{:02}:{:02} UTC:10.0.0.1(5000):{user}@shop:[77]:LOG:  AUDIT: SESSION,{number},1,READ,SELECT,TABLE,\
         public.orders,select {number} from orders,<not logged>\n",
        number / 60 % 60,
        number % 60
    )
}

pub(crate) fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// A receiver that answers as it is told, and keeps what it took.
pub(crate) struct Receiver {
    pub(crate) url: String,
    taken: Arc<Mutex<Vec<Value>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    /// Answers: a status, or `hang`, or `reset`; the last one for ever.
    pub(crate) fn start(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!(
            "http://{}/hidden-path?token=hidden-token",
            listener.local_addr().unwrap()
        );
        let taken = Arc::new(Mutex::new(Vec::new()));
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (to, heads_to) = (Arc::clone(&taken), Arc::clone(&heads));
        thread::spawn(move || {
            let mut number = 0;
            // Connections that hang stay open.
            let mut open = Vec::new();
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                loop {
                    let (mut head, mut length) = (String::new(), 0);
                    loop {
                        let mut line = String::new();
                        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                            break;
                        }
                        if let Some(value) =
                            line.to_ascii_lowercase().strip_prefix("content-length:")
                        {
                            length = value.trim().parse().unwrap();
                        }
                        head.push_str(&line);
                    }
                    if head.is_empty() {
                        break;
                    }
                    let mut body = vec![0; length];
                    reader.read_exact(&mut body).unwrap();
                    let answer = answers[number.min(answers.len() - 1)];
                    number += 1;
                    heads_to.lock().unwrap().push(head);
                    match answer {
                        "hang" => {
                            open.push(stream.try_clone().unwrap());
                            break;
                        }
                        "reset" => break,
                        status => {
                            if status.starts_with('2') {
                                to.lock()
                                    .unwrap()
                                    .push(serde_json::from_slice(&body).unwrap());
                            }
                            let text = format!(
                                "HTTP/1.1 {status} x\r\nContent-Length: 14\r\n\r\nhidden-token!!"
                            );
                            let _ = (&stream).write_all(text.as_bytes());
                        }
                    }
                }
            }
        });
        Self { url, taken, heads }
    }

    fn ids(&self) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        let records = taken
            .iter()
            .flat_map(|body| body["records"].as_array().unwrap());
        records
            .map(|record| record["id"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[test]
fn a_webhook_that_fails_gets_everything_and_nobody_sees_its_address() {
    let receiver = Receiver::start(&["500", "hang", "reset", "204"]);
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("postgresql.log");
    append(&log, "");
    let arguments = [
        "--cursor",
        "cursor",
        "--out",
        "out.jsonl",
        "--webhook",
        "env:HOOK",
        "--webhook-authorization",
        "env:TOKEN",
        "--webhook-timeout",
        "1",
        "--metrics",
        "127.0.0.1:0",
        "postgresql.log",
    ];
    let variables = [
        ("HOOK", receiver.url.as_str()),
        ("TOKEN", "Bearer hidden-bearer"),
    ];
    let watcher = Watcher::start_with(folder.path(), root(), &arguments, &variables);
    let address = watcher.metrics();
    watcher.wait_said("read from its end");
    let hostile = "mallory\"} 1\u{7}\\";
    for number in 0..250 {
        append(
            &log,
            &entry(number, if number == 7 { hostile } else { "alice" }),
        );
    }
    watcher.wait_said("the webhook does not accept records");
    let (status, health) = get(&address, "/healthz");
    assert_eq!(status, 503);
    assert!(
        health.contains("the webhook does not accept records"),
        "{health}"
    );
    watcher.wait_said("the webhook accepts records again");
    eventually("every record", || receiver.ids().len() >= 250);
    let out = folder.path().join("out.jsonl");
    eventually("every line", || statements(&out).len() >= 250);
    let written: Vec<String> = fs::read_to_string(&out)
        .unwrap()
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(
        receiver.ids(),
        written,
        "each once, in order, under the same id"
    );
    {
        let taken = receiver.taken.lock().unwrap();
        let record = &taken[0]["records"][0];
        assert_eq!(
            record["statement"],
            Value::Null,
            "statements stay here unless asked for"
        );
        assert_eq!(record["object"], "public.orders");
        assert_eq!(taken[0]["source"]["environment"], "local");
        crate::output_schemas::holds("webhook-batch", &taken[0]);
        let heads = receiver.heads.lock().unwrap();
        assert!(heads[0].contains("Bearer hidden-bearer"));
        let key = format!("idempotency-key: {}", taken[0]["batch"].as_str().unwrap());
        assert!(
            heads
                .iter()
                .filter(|head| head.to_ascii_lowercase().contains(&key))
                .count()
                >= 4
        );
    }
    eventually("a healthy watcher", || get(&address, "/healthz").0 == 200);
    eventually("the figures", || {
        parsed(&get(&address, "/metrics").1)["pgvigil_watch_webhook_delivered_total{}"] >= 250.0
    });
    let (_, text) = get(&address, "/metrics");
    let samples = parsed(&text);
    assert_eq!(
        samples[r#"pgvigil_watch_records_total{"signal": "dml", "verdict": "counted"}"#],
        250.0
    );
    let alice =
        r#"pgvigil_watch_counted_total{"class": "READ", "command": "SELECT", "user": "alice"}"#;
    assert_eq!(samples[alice], 249.0);
    assert_eq!(
        samples[r#"pgvigil_watch_signals_total{"signal": "dml"}"#],
        250.0
    );
    assert_eq!(
        samples[r#"pgvigil_watch_signals_total{"signal": "denied"}"#],
        0.0
    );
    let by_severity = samples
        .iter()
        .filter(|(name, _)| name.starts_with("pgvigil_watch_severities_total"));
    assert_eq!(by_severity.map(|(_, number)| number).sum::<f64>(), 250.0);
    assert_eq!(samples["pgvigil_watch_healthy{}"], 1.0);
    assert_eq!(samples["pgvigil_watch_behind_bytes{}"], 0.0);
    assert_eq!(samples["pgvigil_watch_lag_seconds{}"], 0.0);
    assert!(samples[r#"pgvigil_watch_webhook_failures_total{"reason": "failed"}"#] >= 3.0);
    assert!(samples["pgvigil_watch_webhook_last_success_timestamp_seconds{}"] > 1e9);
    assert!(!text.contains('\u{7}'));
    // Slow and senseless clients hold up nobody.
    let _slow: Vec<TcpStream> = (0..10)
        .map(|_| TcpStream::connect(&address).unwrap())
        .collect();
    append(&log, &(entry(251, "alice") + &entry(252, "alice")));
    eventually("the next record", || receiver.ids().len() > 250);
    let said = watcher.said();
    assert_eq!(watcher.stop(), 0);
    for file in ["said", "stdout", "out.jsonl", "cursor"] {
        let text = fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(!text.contains("hidden"), "{file}: {text}");
    }
    assert!(!text.contains("hidden"), "{said}");
}

#[test]
fn what_a_webhook_refuses_waits_for_the_next_run() {
    let refusing = Receiver::start(&["404"]);
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("postgresql.log");
    append(&log, &(entry(1, "alice") + &entry(2, "bob")));
    let arguments = [
        "--once",
        "--from",
        "start",
        "--cursor",
        "cursor",
        "--out",
        "out.jsonl",
        "--webhook",
        "env:HOOK",
        "--with-statements",
        "postgresql.log",
    ];
    let run = |url: &str| {
        let (code, _, said) = once(folder.path(), &arguments, &[("HOOK", url)]);
        (code, said)
    };
    let (code, said) = run(&refusing.url);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("status 404"), "{said}");
    assert!(
        said.contains("are queued for the webhook: the next run delivers them"),
        "{said}"
    );
    let out = folder.path().join("out.jsonl");
    assert_eq!(statements(&out).len(), 2);
    append(&log, &entry(3, "carol"));
    let taking = Receiver::start(&["200"]);
    let (code, said) = run(&taking.url);
    assert_eq!(code, 0, "{said}");
    assert_eq!(statements(&out).len(), 3, "the file has each once");
    assert_eq!(taking.ids().len(), 3);
    let first = taking.taken.lock().unwrap()[0]["records"][0]["statement"].clone();
    assert_eq!(first, "select 1 from orders");
}

/// A policy of its own, so that it can be changed.
fn policy() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for part in ["rules", "environments"] {
        let copied = Command::new("cp")
            .arg("-r")
            .args([root().join(part), folder.path().join(part)])
            .status();
        assert!(copied.unwrap().success());
    }
    folder
}

#[test]
fn a_broken_policy_changes_nothing_and_a_sound_one_is_used() {
    let policy = policy();
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("postgresql.log");
    append(&log, "");
    let arguments = [
        "--metrics",
        "127.0.0.1:0",
        "--out",
        "out.jsonl",
        "postgresql.log",
    ];
    let watcher = Watcher::start(folder.path(), policy.path(), &arguments);
    let address = watcher.metrics();
    watcher.wait_said("read from its end");
    let out = folder.path().join("out.jsonl");
    append(&log, &entry(1, "night_batch"));
    eventually("a role that nobody declared", || {
        statements(&out).len() == 1
    });

    let more = policy.path().join("rules/more.yaml");
    fs::write(
        &more,
        "version: 1\nservice_accounts:\n  - {role: night_batch\n",
    )
    .unwrap();
    watcher.wait_said("the changed policy cannot be used");
    eventually("a broken policy", || get(&address, "/healthz").0 == 503);
    append(&log, &entry(2, "night_batch"));
    eventually("the old policy", || statements(&out).len() == 2);

    fs::write(
        &more,
        "version: 1\nservice_accounts:\n  - {role: night_batch, reason: It only runs reviewed code., owner: shop-team, environments: all}\n",
    )
    .unwrap();
    watcher.signal("HUP");
    watcher.wait_said("the policy was read again");
    eventually("a sound policy", || get(&address, "/healthz").0 == 200);
    append(&log, &(entry(3, "night_batch") + &entry(4, "alice")));
    eventually("the new policy", || statements(&out).len() == 3);
    assert_eq!(statements(&out)[2], "select 4 from orders");
    let samples = parsed(&get(&address, "/metrics").1);
    assert_eq!(
        samples[r#"pgvigil_watch_policy_reloads_total{"result": "broken"}"#],
        1.0
    );
    assert!(samples[r#"pgvigil_watch_policy_reloads_total{"result": "used"}"#] >= 1.0);
    assert_eq!(watcher.stop(), 0);
}

#[test]
fn a_full_disk_stops_the_reading_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("postgresql.log");
    let all: String = (0..200).map(|number| entry(number, "alice")).collect();
    append(&log, &all);
    let mut watcher = Watcher {
        // 32 kB a file, and an error instead of a signal, as on a full disk.
        child: Command::new("bash")
            .args([
                "-c",
                "trap '' XFSZ; ulimit -S -f 32; exec \"$@\"",
                "bash",
                env!("CARGO_BIN_EXE_pgvigil"),
                "-C",
            ])
            .arg(root())
            .args([
                "watch",
                "--env",
                "local",
                "--cursor",
                "cursor",
                "--out",
                "out.jsonl",
                "--from",
                "start",
            ])
            .args(["--metrics", "127.0.0.1:0", "postgresql.log"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("said")).unwrap())
            .spawn()
            .unwrap(),
        said: folder.path().join("said"),
    };
    watcher.wait_said("the output cannot be written");
    let address = watcher.metrics();
    eventually("an unhealthy watcher", || {
        get(&address, "/healthz")
            .1
            .contains("the output cannot be written")
    });
    let raised = Command::new("prlimit")
        .args([
            "--pid",
            &watcher.child.id().to_string(),
            "--fsize=unlimited",
        ])
        .status();
    assert!(raised.unwrap().success());
    watcher.wait_said("the output can be written again");
    let out = folder.path().join("out.jsonl");
    eventually("every line", || statements(&out).len() == 200);
    assert_eq!(
        watcher.said().matches("cannot be written").count(),
        1,
        "told once"
    );
    // Only one may have the cursor.
    let arguments = ["--cursor", "cursor", "postgresql.log"];
    let (code, _, said) = once(folder.path(), &arguments, &[]);
    assert!(
        code == 1 && said.contains("another watcher uses the cursor"),
        "{said}"
    );
    watcher.signal("INT");
    assert_eq!(watcher.child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_cannot_be_followed_is_told() {
    let folder = tempfile::tempdir().unwrap();
    append(
        &folder.path().join("x.csv"),
        "2026-11-22 06:55:28.123 UTC,\"alice\",\"shop\",1,,\n",
    );
    append(
        &folder.path().join("debian.log"),
        "2026-11-22 06:55:28.123 UTC [1] LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,select 1,<none>\n",
    );
    append(&folder.path().join("damaged"), "{}");
    let run = |arguments: &[&str]| {
        let arguments = [&["--once", "--from", "start"], arguments].concat();
        once(folder.path(), &arguments, &[("HOOK", "ftp://hidden")])
    };
    let (code, _, said) = run(&["x.csv"]);
    assert!(
        code == 1 && said.contains("set log_destination = 'stderr'"),
        "{said}"
    );
    let (code, out, said) = run(&["debian.log"]);
    assert!(
        out.contains("\"counted\""),
        "a record under another prefix is loud"
    );
    assert!(
        code == 1 && said.contains("set that prefix on the server"),
        "{said}"
    );
    let (code, _, said) = run(&["nowhere.log"]);
    assert!(code == 1 && said.contains("does not exist"), "{said}");
    let (code, _, said) = run(&["--cursor", "damaged", "debian.log"]);
    assert!(
        code == 1 && said.contains("not a cursor of this version"),
        "{said}"
    );
    let (code, _, said) = run(&["-"]);
    assert!(code == 2 && said.contains("rules eval"), "{said}");
    let (code, _, said) = run(&["--out", "/dev/null", "debian.log"]);
    assert!(
        code == 1 && said.contains("it is not a regular file"),
        "{said}"
    );
    for (address, what) in [
        ("https://hidden/x", "give `env:NAME`"),
        ("env:HOOK", "not an http or https URL"),
        ("env:NONE", "empty or not set"),
    ] {
        let (code, _, said) = run(&["--webhook", address, "debian.log"]);
        assert!(
            code == 2 && said.contains(what) && !said.contains("hidden"),
            "{said}"
        );
    }
}

/// Chats get one message for a batch, the pager one event for equal work; each record is in exactly one of them, also after
/// a failure, and the schemas of the receivers hold.
#[test]
fn chats_and_pagers_get_messages_in_their_form() {
    let schema = |name: &str| {
        let path = root().join(format!("tests/receivers/{name}.schema.json"));
        let text = fs::read_to_string(path).unwrap();
        jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("postgresql.log");
    let people = ["alice", "alice", "bob", "<!channel>", "alice"];
    for (number, user) in people.iter().enumerate() {
        append(&log, &entry(number, user));
    }
    for (format, receiver, requests) in [
        ("slack", Receiver::start(&["429", "200"]), 1..=2),
        ("teams", Receiver::start(&["503", "202"]), 1..=2),
        // Alice twice is one event; what she does after the others is another of the same incident.
        ("pagerduty", Receiver::start(&["429", "202"]), 4..=4),
    ] {
        let arguments = [
            "--once",
            "--from",
            "start",
            "--webhook",
            "env:HOOK",
            "--webhook-format",
            format,
            "--pagerduty-routing-key",
            "env:ROUTE",
            "--runbook",
            "https://example.com/runbook",
            "postgresql.log",
        ];
        let variables = [
            ("HOOK", receiver.url.as_str()),
            ("ROUTE", "hidden89abcdef0123456789abcdef00"),
        ];
        let (code, _, said) = once(folder.path(), &arguments, &variables);
        assert_eq!(code, 0, "{said}");
        assert!(!said.contains("hidden"), "{said}");
        let taken = receiver.taken.lock().unwrap();
        // The last entry of a log may go on, so it can come by itself.
        assert!(requests.contains(&taken.len()), "{format}: {taken:#?}");
        let schema = schema(format);
        for body in taken.iter() {
            let errors: Vec<String> = schema
                .iter_errors(body)
                .map(|error| error.to_string())
                .collect();
            assert!(errors.is_empty(), "{format}: {errors:?}");
            let text = body.to_string();
            assert!(text.contains("https://example.com/runbook"), "{text}");
        }
        let text = Value::Array(taken.clone()).to_string();
        if format == "pagerduty" {
            let keys: Vec<&Value> = taken.iter().map(|event| &event["dedup_key"]).collect();
            assert_eq!(keys[0], keys[3]);
            assert_ne!(keys[0], keys[1]);
            assert_eq!(
                taken[0]["payload"]["custom_details"]["How many, and when"],
                "2 records, 2026-11-22T06:00:00Z to 2026-11-22T06:00:01Z"
            );
        } else {
            let counted: usize = text
                .split("pgvigil local: ")
                .skip(1)
                .filter_map(|rest| rest.split_once(" record")?.0.parse::<usize>().ok())
                .sum();
            // Slack's title is there twice.
            let titles = if format == "slack" { 2 } else { 1 };
            assert_eq!(counted, titles * people.len(), "{format}: {text}");
        }
    }
    // Nothing here is critical, so nothing is posted.
    let receiver = Receiver::start(&["200"]);
    let arguments = [
        "--once",
        "--from",
        "start",
        "--webhook",
        "env:HOOK",
        "--webhook-min-severity",
        "critical",
        "postgresql.log",
    ];
    let (code, printed, said) = once(folder.path(), &arguments, &[("HOOK", &receiver.url)]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(printed.lines().count(), people.len());
    assert!(receiver.taken.lock().unwrap().is_empty());
    // Without its key the pager cannot be called.
    let arguments = [
        "--once",
        "--webhook",
        "env:HOOK",
        "--webhook-format",
        "pagerduty",
        "postgresql.log",
    ];
    let (code, _, said) = once(folder.path(), &arguments, &[("HOOK", &receiver.url)]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("--pagerduty-routing-key"), "{said}");
}
