//! What a person sees in an editor: the real YAML language server, over its protocol on stdin and stdout, with the
//! schemas of this repository and without a network.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::recorded::root;

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the server is told when it asks for the editor's settings: everything on, and no list of schemas from elsewhere.
fn settings(section: &str) -> Value {
    match section {
        "yaml" => json!({
            "validate": true, "hover": true, "completion": true,
            "schemaStore": {"enable": false, "url": ""},
        }),
        _ => json!({}),
    }
}

/// The folder with the server; `tests/editor/install` makes it.
fn server() -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let script = target.join("editor/node_modules/yaml-language-server/bin/yaml-language-server");
    assert!(
        script.is_file(),
        "missing: {} (`tests/editor/install` makes it; `tests/run` calls it)",
        script.display()
    );
    script
}

struct Editor {
    process: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    last: u64,
    /// Diagnostics that came while an answer was waited for.
    early: Vec<Value>,
    scratch: tempfile::TempDir,
}

/// What the server says about a file: line from 1, and message.
type Diagnostics = Vec<(u64, String)>;

impl Editor {
    fn start() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let mut process = Command::new("node")
            .arg("--require")
            .arg(root().join("tests/editor/offline.cjs"))
            .arg(server())
            .arg("--stdio")
            .env("PGVIGIL_CONNECTIONS", scratch.path().join("connections"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("missing: node (Debian: nodejs)");
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut output = output;
            while let Some(message) = read(&mut output) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut editor = Self {
            process,
            input,
            messages,
            last: 0,
            early: Vec::new(),
            scratch,
        };
        let answer = editor.ask(
            "initialize",
            json!({
                "processId": std::process::id(),
                "rootUri": uri(root()),
                "workspaceFolders": [{"uri": uri(root()), "name": "pgvigil"}],
                "capabilities": {
                    "workspace": {"configuration": true},
                    "textDocument": {
                        "completion": {"completionItem": {"snippetSupport": true, "documentationFormat": ["markdown"]}},
                        "hover": {"contentFormat": ["markdown"]},
                    },
                },
            }),
        );
        assert!(
            answer["capabilities"]["hoverProvider"].is_boolean(),
            "{answer}"
        );
        editor.tell("initialized", json!({}));
        editor.tell(
            "workspace/didChangeConfiguration",
            json!({"settings": {"yaml": settings("yaml")}}),
        );
        editor
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.input.flush().unwrap();
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let id = self.last;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let message = self.next(method);
            if message["id"] == id && message.get("method").is_none() {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
            if message["method"] == "textDocument/publishDiagnostics" {
                self.early.push(message["params"].clone());
            }
        }
    }

    /// The next message; what the server asks the editor is answered.
    fn next(&mut self, waiting_for: &str) -> Value {
        let message = match self.messages.recv_timeout(PATIENCE) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => panic!("no answer to {waiting_for}"),
            Err(RecvTimeoutError::Disconnected) => panic!("the server ended before {waiting_for}"),
        };
        if let (Some(id), Some(method)) = (message.get("id"), message["method"].as_str()) {
            let result = match method {
                "workspace/configuration" => message["params"]["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|item| settings(item["section"].as_str().unwrap_or_default()))
                    .collect(),
                _ => Value::Null,
            };
            self.send(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
        }
        message
    }

    /// Opens a text as a file, and waits for what the server says about it.
    fn open(&mut self, path: &Path, text: &str) -> Diagnostics {
        self.tell(
            "textDocument/didOpen",
            json!({"textDocument": {"uri": uri(path), "languageId": "yaml", "version": 1, "text": text}}),
        );
        loop {
            let early = self.early.iter().position(|said| said["uri"] == uri(path));
            let said = match early {
                Some(index) => self.early.remove(index),
                None => {
                    let message = self.next("textDocument/publishDiagnostics");
                    if message["method"] != "textDocument/publishDiagnostics" {
                        continue;
                    }
                    message["params"].clone()
                }
            };
            if said["uri"] != uri(path) {
                continue;
            }
            return said["diagnostics"]
                .as_array()
                .unwrap()
                .iter()
                .map(|fault| {
                    (
                        fault["range"]["start"]["line"].as_u64().unwrap() + 1,
                        fault["message"].as_str().unwrap().to_owned(),
                    )
                })
                .collect();
        }
    }

    /// A file of the repository, in the scratch folder's place beside the real schemas: `rules` or `environments`.
    fn try_out(&mut self, folder: &str, name: &str, text: &str) -> (PathBuf, Diagnostics) {
        let kind = if folder == "rules" {
            "rules"
        } else {
            "environment"
        };
        let schema = root().join(format!("schema/{kind}.schema.json"));
        let path = self.scratch.path().join(folder).join(name);
        let text = format!(
            "# yaml-language-server: $schema={}\n{text}",
            schema.display()
        );
        let diagnostics = self.open(&path, &text);
        (path, diagnostics)
    }

    /// What hovering over a place shows; lines and characters from 0.
    fn hover(&mut self, path: &Path, line: usize, character: usize) -> String {
        let place = json!({"textDocument": {"uri": uri(path)}, "position": {"line": line, "character": character}});
        let shown = self.ask("textDocument/hover", place);
        shown["contents"]["value"]
            .as_str()
            .unwrap_or_default()
            // Markdown: what would be markup is escaped.
            .replace('\\', "")
    }

    /// What is offered at a place: the label of each, and what it says.
    fn offers(&mut self, path: &Path, line: usize, character: usize) -> Vec<(String, String)> {
        let place = json!({"textDocument": {"uri": uri(path)}, "position": {"line": line, "character": character}});
        let offered = self.ask("textDocument/completion", place);
        let items = offered["items"].as_array().or_else(|| offered.as_array());
        items
            .unwrap()
            .iter()
            .map(|item| {
                let said = &item["documentation"];
                let said = said["value"].as_str().or_else(|| said.as_str());
                (
                    item["label"].as_str().unwrap().to_owned(),
                    said.unwrap_or_default().to_owned(),
                )
            })
            .collect()
    }

    /// Ends the server; fails if it wanted a connection.
    fn end(mut self) {
        self.ask("shutdown", Value::Null);
        self.tell("exit", Value::Null);
        let connections = std::fs::read_to_string(self.scratch.path().join("connections"));
        assert_eq!(
            connections.unwrap_or_default(),
            "",
            "the server wanted a network"
        );
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        // Ended already as a rule.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One message of the protocol.
fn read(output: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim();
        if line.is_empty() {
            break;
        }
        if let Some(number) = line.strip_prefix("Content-Length: ") {
            length = number.parse().ok()?;
        }
    }
    let mut text = vec![0; length];
    output.read_exact(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// The YAML files below a folder of the repository.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut ahead = vec![root().join(folder)];
    while let Some(folder) = ahead.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                ahead.push(path);
            } else if path
                .extension()
                .is_some_and(|end| end == "yaml" || end == "yml")
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn an_editor_finds_no_fault_in_the_shipped_files() {
    let mut editor = Editor::start();
    let mut files = files("rules");
    files.extend(self::files("environments"));
    assert!(files.len() > 4, "{files:?}");
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("# yaml-language-server: $schema="),
            "{}",
            path.display()
        );
        let diagnostics = editor.open(&path, &text);
        assert_eq!(diagnostics, [], "{}", path.display());
    }
    editor.end();
}

#[test]
fn an_editor_shows_faults_where_they_are() {
    const USER: &str =
        "version: 1\nusers:\n  - role: alice\n    owner: data-platform\n    environments: all\n";
    const PLACE: &str = "version: 1\nprovider: local\nfolder: f\nclusters: [shop]\n";
    let mut editor = Editor::start();
    // The schema line is line 1.
    let cases: [(&str, &str, String, u64, &str); 11] = [
        ("rules", "sound", USER.to_owned(), 0, ""),
        ("environments", "sound", PLACE.to_owned(), 0, ""),
        (
            "rules",
            "unknown-key",
            USER.replace("owner", "ownr"),
            5,
            "ownr",
        ),
        (
            "rules",
            "missing-key",
            USER.replace("    owner: data-platform\n", ""),
            4,
            "owner",
        ),
        (
            "rules",
            "wrong-type",
            USER.replace("[]", "")
                .replace("users:\n  - role", "users:\n    role"),
            4,
            "array",
        ),
        (
            "rules",
            "not-a-list-of-classes",
            format!("{USER}audit: {{log: [reads]}}\n"),
            7,
            "read",
        ),
        (
            "rules",
            "out-of-range",
            format!("{USER}limits: {{max_life_days: 0}}\n"),
            7,
            "minimum",
        ),
        (
            "rules",
            "form",
            format!("{USER}    until: \"31.12.2026\"\n"),
            7,
            "pattern",
        ),
        (
            "environments",
            "engine",
            format!("{PLACE}engine: lambda\n"),
            6,
            "log-alarm",
        ),
        (
            "environments",
            "retention",
            format!("{PLACE}retention_days: 100\n"),
            6,
            "90",
        ),
        (
            "environments",
            "twice",
            format!("{PLACE}folder: g\n"),
            6,
            "unique",
        ),
    ];
    for (folder, name, text, line, message) in cases {
        let (_, found) = editor.try_out(folder, &format!("{name}.yaml"), &text);
        if message.is_empty() {
            assert_eq!(found, [], "{name}");
            continue;
        }
        assert!(
            found
                .iter()
                .any(|(at, said)| *at == line && said.to_lowercase().contains(message)),
            "{name}: nothing about {message} at line {line}: {found:?}"
        );
    }
    editor.end();
}

#[test]
fn an_editor_explains_keys() {
    let mut editor = Editor::start();
    let text = "version: 1\naudit:\n  log_relation: true\nexclusions:\n  - id: a\n    match:\n      schema: pg_catalog\n";
    let (path, _) = editor.try_out("rules", "hover.yaml", text);
    let shown = editor.hover(&path, 3, 4);
    assert!(
        shown.contains("one record for each relation of a statement")
            && shown.contains("Default: `true`."),
        "{shown}"
    );
    let shown = editor.hover(&path, 7, 8);
    assert!(
        shown.contains("Exact names of the object's schema") && shown.contains("Trust: server"),
        "{shown}"
    );
    let text = "version: 1\nmonitor:\n  late_arrival_minutes: 15\n";
    let (path, _) = editor.try_out("environments", "hover.yaml", text);
    let shown = editor.hover(&path, 3, 4);
    assert!(shown.contains("counted for certain"), "{shown}");
    editor.end();
}

#[test]
fn an_editor_offers_keys_and_values() {
    let mut editor = Editor::start();
    let names = |offers: &[(String, String)]| -> Vec<String> {
        let mut names: Vec<String> = offers.iter().map(|(label, _)| label.clone()).collect();
        names.sort();
        names
    };
    let text = "version: 1\nexclusions:\n  - id: a\n    match:\n      c\n";
    let (path, _) = editor.try_out("rules", "keys.yaml", text);
    let offers = editor.offers(&path, 5, 7);
    let offered = names(&offers);
    for key in [
        "class",
        "client",
        "command",
        "database",
        "object_type",
        "relation",
        "schema",
        "statement",
        "user",
    ] {
        assert!(
            offered.iter().any(|label| label == key),
            "{key}: {offered:?}"
        );
    }
    let (_, said) = offers.iter().find(|(label, _)| label == "class").unwrap();
    assert!(said.contains("as pgAudit prints them"), "{said}");

    let text = "version: 1\nengine: \n";
    let (path, _) = editor.try_out("environments", "values.yaml", text);
    let offered = names(&editor.offers(&path, 2, 8));
    for value in ["monitor", "log-alarm"] {
        assert!(
            offered.iter().any(|label| label == value),
            "{value}: {offered:?}"
        );
    }
    let text = "version: 1\naudit:\n  log: [\n";
    let (path, _) = editor.try_out("rules", "items.yaml", text);
    let offered = names(&editor.offers(&path, 3, 8));
    for value in ["all", "read", "misc_set"] {
        assert!(
            offered.iter().any(|label| label == value),
            "{value}: {offered:?}"
        );
    }
    editor.end();
}
