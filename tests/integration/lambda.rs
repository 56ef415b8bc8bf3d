//! Lambda on loopback: cargo-lambda's emulator of the runtime API, and a function's process under it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::moto::target;

/// As the emulator knows the function: a binary of a package of this name.
const FUNCTION: &str = "pgvigil-monitor";

/// The emulator. It ends with the value.
pub(crate) struct Emulator {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Emulator {
    /// Starts it. It must be installed: `tests/moto/install`.
    pub(crate) fn start() -> Self {
        let program = target().join("venv/bin/cargo-lambda");
        assert!(
            program.exists(),
            "cargo-lambda is not installed: run tests/moto/install ({} is missing)",
            program.display()
        );
        // It asks a package which functions there are.
        let folder = tempfile::tempdir().unwrap();
        let manifest = format!(
            "[package]\nname = \"{FUNCTION}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n"
        );
        std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        std::fs::create_dir(folder.path().join("src")).unwrap();
        std::fs::write(folder.path().join("src/main.rs"), "fn main() {}\n").unwrap();
        // It takes no free port by itself.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = Command::new(program)
            .args([
                "lambda",
                "watch",
                "--only-lambda-apis",
                "--invoke-address",
                "127.0.0.1",
            ])
            .args(["--invoke-port", &port.to_string()])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "cargo-lambda does not answer");
            thread::sleep(Duration::from_millis(20));
        }
        Self {
            child,
            port,
            _folder: folder,
        }
    }

    /// Starts the function's process, as Lambda does for a cold start.
    pub(crate) fn function(&self, variables: &BTreeMap<String, String>) -> Function {
        // The binary as it is shipped, where it is to be measured.
        let program = std::env::var_os("PGVIGIL_MONITOR")
            .unwrap_or_else(|| env!("CARGO_BIN_EXE_pgvigil-monitor").into());
        let mut child = Command::new(program)
            .env_clear()
            .envs(variables)
            .env(
                "AWS_LAMBDA_RUNTIME_API",
                format!("http://127.0.0.1:{}/.rt/{FUNCTION}", self.port),
            )
            .env("AWS_LAMBDA_FUNCTION_NAME", FUNCTION)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let out = BufReader::new(child.stdout.take().unwrap());
        let reader = thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        Function {
            child,
            lines,
            reader: Some(reader),
        }
    }

    /// Where it takes events.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Sends an event and waits for the answer: whether the run was well, and what it said.
    pub(crate) fn invoke(&self, event: &Value) -> (bool, Value) {
        answer(send(self.address(), event))
    }
}

/// The answer to an event that was sent.
pub(crate) fn answer(mut stream: TcpStream) -> (bool, Value) {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let well = head.starts_with("HTTP/1.1 200");
    (well, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// Sends an event and does not wait.
pub(crate) fn send(address: SocketAddr, event: &Value) -> TcpStream {
    let body = event.to_string();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST /2015-03-31/functions/{FUNCTION}/invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    stream
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A function's process. It ends with the value.
pub(crate) struct Function {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<thread::JoinHandle<()>>,
}

impl Function {
    /// Its log so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends the process in the middle of what it does.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }

    /// Waits until it ends by itself.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let code = self.child.wait().unwrap().code();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        code
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.kill();
    }
}
