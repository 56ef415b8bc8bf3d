//! AWS on loopback: a moto server of its own for each test, with what it lacks (`tests/moto/server.py`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use assert_cmd::cargo::CommandCargoExt as _;
use pgvigil::package::Package;
use pgvigil::policy::model::Architecture;
use serde::Deserialize;
use serde_json::Value;

/// A server that ends with the value.
pub(crate) struct Moto {
    child: Child,
    port: u16,
}

/// A call that somebody made.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Call {
    /// As it signs: `monitoring`, `events`, `logs` …
    pub(crate) service: Option<String>,
    pub(crate) operation: String,
    /// 0 when the connection was cut before it was carried out.
    pub(crate) status: Option<u16>,
    pub(crate) writes: bool,
    pub(crate) region: Option<String>,
    pub(crate) access_key: Option<String>,
    /// When it arrived, in seconds.
    pub(crate) time: f64,
    /// Whether its body was compressed.
    pub(crate) packed: bool,
    /// What it asked for.
    pub(crate) body: String,
}

impl Moto {
    /// Starts a server. It must be installed: `tests/moto/install`.
    pub(crate) fn start() -> Self {
        Self::of("tests/moto/server.py")
    }

    /// Starts ministack, another emulator, with what it lacks. It must be installed: `tests/ministack/install`.
    pub(crate) fn ministack() -> Self {
        let venv = target().join("ministack/bin/python");
        assert!(
            venv.exists(),
            "ministack is not installed: run tests/ministack/install ({} is missing)",
            venv.display()
        );
        Self::of("tests/ministack/server.py")
    }

    fn of(script: &str) -> Self {
        let venv = target().join("venv/bin/python");
        assert!(
            venv.exists(),
            "moto is not installed: run tests/moto/install ({} is missing)",
            venv.display()
        );
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
        let mut child = Command::new(venv)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port = line.trim().parse().expect("the emulator did not start");
        Self { child, port }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Points a command at this server, with credentials that moto does not look at.
    pub(crate) fn env<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("AWS_ENDPOINT_URL", self.endpoint())
            .env("AWS_ACCESS_KEY_ID", "AKIATEST")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env_remove("AWS_SESSION_TOKEN")
            .env_remove("AWS_PROFILE")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("AWS_EC2_METADATA_DISABLED", "true")
    }

    /// The built program in a repository, pointed at this server.
    pub(crate) fn pgvigil(&self, repository: &Path) -> Command {
        let mut command = Command::cargo_bin("pgvigil").unwrap();
        command.current_dir(repository).env("NO_COLOR", "1");
        self.env(&mut command);
        command
    }

    /// Every call so far, oldest first.
    pub(crate) fn calls(&self) -> Vec<Call> {
        serde_json::from_str(&self.http("GET", "/test/calls", "")).unwrap()
    }

    /// What the services' models refuse of the requests that our program made since the last question.
    pub(crate) fn refused(&self) -> Vec<String> {
        serde_json::from_str(&self.http("GET", "/test/contract", "")).unwrap()
    }

    /// Sets faults in the place of those before: see `tests/moto/server.py`.
    pub(crate) fn faults(&self, faults: &Value) {
        self.http("POST", "/test/faults", &faults.to_string());
    }

    /// What topics took of alarms, oldest first.
    pub(crate) fn messages(&self) -> Value {
        serde_json::from_str(&self.http("GET", "/test/messages", "")).unwrap()
    }

    /// Whether alarms change their state.
    pub(crate) fn judges_alarms(&self, judges: bool) {
        let settings = serde_json::json!({ "judged": judges });
        self.http("POST", "/test/alarms", &settings.to_string());
    }

    /// Concurrent runs that Lambda allows the account, and how many of them it never reserves.
    pub(crate) fn concurrency(&self, limit: u32, unreserved: u32) {
        let limits = serde_json::json!({ "concurrency": limit, "unreserved": unreserved });
        self.http("POST", "/test/limits", &limits.to_string());
    }

    /// Empties the account, and forgets calls and faults.
    pub(crate) fn reset(&self) {
        self.http("POST", "/test/reset", "");
    }

    /// Makes a call as a client would, without the time that Python takes to start. Without a target it is a form.
    pub(crate) fn call(
        &self,
        region: &str,
        service: &str,
        target: Option<&str>,
        body: &str,
    ) -> String {
        let kind = match target {
            Some(target) => {
                format!("X-Amz-Target: {target}\r\nContent-Type: application/x-amz-json-1.1\r\n")
            }
            None => "Content-Type: application/x-www-form-urlencoded\r\n".to_owned(),
        };
        let headers = format!(
            "{kind}Authorization: AWS4-HMAC-SHA256 \
             Credential=AKIATEST/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n"
        );
        self.send("POST", "/", &headers, body)
    }

    /// Runs Python with boto3 against this server, for what somebody does by hand. `client(service)` makes a client.
    pub(crate) fn by_hand(&self, region: &str, code: &str) -> String {
        let prelude = format!(
            "import boto3, json\ndef client(service): return boto3.client(service, region_name={region:?})\n"
        );
        let mut python = Command::new(target().join("venv/bin/python"));
        self.env(&mut python);
        let done = python.arg("-c").arg(prelude + code).output().unwrap();
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(
            done.status.success(),
            "{code}\n{}",
            String::from_utf8_lossy(&done.stderr)
        );
        text
    }

    pub(crate) fn http(&self, method: &str, path: &str, body: &str) -> String {
        self.send(method, path, "", body)
    }

    /// Any request, with headers that each end a line.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
            .split_once("\r\n\r\n")
            .map(|(_, body)| body.to_owned())
            .unwrap()
    }
}

impl Drop for Moto {
    /// Nothing was sent that the services' models refuse.
    fn drop(&mut self) {
        let refused = (!std::thread::panicking()).then(|| self.refused());
        let _ = self.child.kill();
        let _ = self.child.wait();
        assert_eq!(
            refused.unwrap_or_default(),
            [""; 0],
            "AWS refuses what was sent"
        );
    }
}

/// The target folder that this test was built in.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target"),
        PathBuf::from,
    )
}

/// The smallest package that passes for one of arm64: the head of a program, and this text behind it.
pub(crate) fn package(path: &Path, text: &str) {
    package_for(Architecture::Arm64, path, text);
}

/// The same for either processor.
pub(crate) fn package_for(architecture: Architecture, path: &Path, text: &str) {
    let machine = match architecture {
        Architecture::Arm64 => ARM,
        Architecture::X86_64 => X86,
    };
    let package = Package::of(&program(machine, text), architecture).unwrap();
    fs::write(path, package.bytes).unwrap();
}

/// The processors in an ELF file.
pub(crate) const ARM: u16 = 183;
const X86: u16 = 62;

/// An ELF file that starts nothing and needs nothing, with a text behind it.
pub(crate) fn program(machine: u16, text: &str) -> Vec<u8> {
    let mut elf = vec![0x7f, b'E', b'L', b'F', 2, 1, 1];
    elf.resize(16, 0);
    elf.extend(2u16.to_le_bytes());
    elf.extend(machine.to_le_bytes());
    elf.extend(1u32.to_le_bytes());
    for word in [0u64, 64, 0] {
        elf.extend(word.to_le_bytes());
    }
    elf.extend(0u32.to_le_bytes());
    for half in [64u16, 56, 1, 64, 0, 0] {
        elf.extend(half.to_le_bytes());
    }
    // One segment to load.
    elf.extend(1u32.to_le_bytes());
    elf.extend(5u32.to_le_bytes());
    for word in [0u64, 0, 0, 120, 120, 4096] {
        elf.extend(word.to_le_bytes());
    }
    elf.extend(text.as_bytes());
    elf
}
