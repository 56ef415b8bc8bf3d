//! `pgvigil init`: what it writes is sound, what stands there is kept, and nothing half-written is left.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::cli::Run;
use crate::console::{Place, holds};
use crate::recorded::root;

const TODAY: &str = "2026-11-27";

/// A folder in which repositories begin.
pub(crate) struct Ground {
    pub(crate) folder: tempfile::TempDir,
}

impl Ground {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgvigil"));
        command
            .env_clear()
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("PATH", std::env::var_os("PATH").unwrap())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .args(["--today", TODAY]);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        Run::of(self.command().args(args).output().unwrap())
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    /// Every file, below the folder.
    fn files(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                let path = entry.path();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(path);
                } else {
                    let path = path.strip_prefix(self.folder.path()).unwrap();
                    all.insert(path.to_str().unwrap().to_owned());
                }
            }
        }
        all
    }
}

/// The target folder that this test was built in.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The lint of workflows, without a network: everything that it knows to say.
fn zizmor(repository: &Path) {
    let program = target().join("venv/bin/zizmor");
    assert!(
        program.exists(),
        "zizmor is not installed: run tests/moto/install ({} is missing)",
        program.display()
    );
    let done = Command::new(program)
        .args([
            "--offline",
            "--no-progress",
            "--persona",
            "auditor",
            "--no-config",
        ])
        .arg(repository.join(".github/workflows"))
        .env_remove("GH_TOKEN")
        .env_remove("GITHUB_TOKEN")
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}

/// Every script of a workflow or pipeline, as the YAML reader of Python finds it, is one that a shell reads.
fn scripts_are_read(path: &Path) {
    let code = r#"
import subprocess, sys, yaml
whole = yaml.safe_load(open(sys.argv[1]))
found = []
def walk(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "run":
                found.append(value)
            elif key in ("script", "before_script"):
                found.extend(value)
            else:
                walk(value)
    elif isinstance(node, list):
        for value in node:
            walk(value)
walk(whole)
assert found
for script in found:
    subprocess.run(["bash", "-n"], input=script.encode(), check=True)
# A pipeline of GitLab: what a job extends or needs is there.
for name, job in whole.items():
    if isinstance(job, dict) and "script" in job:
        assert job.get("extends", ".pgvigil") in whole, name
        assert job["stage"] in whole["stages"], name
        for need in job.get("needs", []):
            assert (need if isinstance(need, str) else need["job"]) in whole, name
"#;
    let done = Command::new(target().join("venv/bin/python"))
        .args(["-c", code])
        .arg(path)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}\n{}",
        path.display(),
        String::from_utf8_lossy(&done.stderr)
    );
}

/// Checks, tests and compiles a new repository; `check` says the summary.
fn is_sound(ground: &Ground, dir: &str, summary: &str) {
    let run = ground.run(&["-C", dir, "check"]).exits(0);
    assert!(
        run.err.lines().any(|line| line.ends_with(summary)),
        "{}\n{}",
        run.out,
        run.err
    );
    ground
        .run(&["-C", dir, "rules", "test", "--min-score", "99"])
        .exits(0);
    ground
        .run(&["-C", dir, "compile", "--out", "build"])
        .exits(0);
}

#[test]
fn what_is_written_is_sound() {
    let odd = "Größe & \"Söhne\": it's # 1 – 東京";
    let aws = [
        "--provider",
        "aws",
        "--account",
        "123456789012",
        "--region",
        "eu-central-1",
    ];
    let wide = [
        "--env",
        "staging",
        "--env",
        "production",
        "--region",
        "staging=eu-west-1",
        "--account",
        "staging=210987654321",
        "--cluster",
        "staging=orders-stg",
        "--cluster",
        "production=orders",
        "--cluster",
        "production=billing",
        "--email",
        "dba@example.com",
        "--user",
        "alice",
        "--user",
        "Bob O'Neil",
        "--code-owner",
        "@shop/dba",
    ];
    let few = ["--cluster", "orders", "--email", "dba@example.com"];
    let cases: [(&str, Vec<&str>, &str); 6] = [
        ("local", vec![], "1 warning"),
        ("wide", [&aws[..], &wide[..]].concat(), "no faults"),
        (
            "gitlab",
            [&aws[..], &few[..], &["--forge", "gitlab"]].concat(),
            "1 warning",
        ),
        ("gitlab-local", vec!["--forge", "gitlab"], "1 warning"),
        (
            "odd",
            vec![
                "--owner", odd, "--forge", "none", "--env", "no", "--env", "on",
            ],
            "2 warnings",
        ),
        (
            "nobody-told",
            [&aws[..], &["--cluster", "orders", "--owner", "@shop/dba"]].concat(),
            "2 warnings",
        ),
    ];
    for (dir, flags, summary) in cases {
        let ground = Ground::new();
        let run = ground
            .run(&[&["init", dir][..], &flags[..]].concat())
            .exits(0);
        assert!(
            run.out.contains(&format!("checked   {summary}\n")),
            "{}",
            run.out
        );
        is_sound(&ground, dir, summary);
        let repository = ground.path(dir);
        if repository.join(".github/workflows").exists() {
            zizmor(&repository);
            for file in std::fs::read_dir(repository.join(".github/workflows")).unwrap() {
                scripts_are_read(&file.unwrap().path());
            }
        } else if dir.starts_with("gitlab") {
            scripts_are_read(&repository.join(".gitlab-ci.yml"));
        }
        for file in ground.files().iter().filter(|file| file.starts_with(dir)) {
            let text = ground.read(file);
            assert!(
                !text.contains("{{aws}}") && !text.contains("{{/aws}}"),
                "{file}"
            );
            let left = text.replace("${{", "").matches("{{").count();
            assert_eq!(left, 0, "{file} holds a placeholder");
            assert!(!text.contains("/work/") && text.ends_with('\n'), "{file}");
        }

        // Once more: nothing moves.
        let before: Vec<(String, String)> = ground
            .files()
            .iter()
            .map(|file| (file.clone(), ground.read(file)))
            .collect();
        let run = ground
            .run(&[&["init", dir][..], &flags[..]].concat())
            .exits(0);
        assert!(
            !run.out.contains("\nwritten") && !run.out.contains("\nkept"),
            "{}",
            run.out
        );
        let after: Vec<(String, String)> = ground
            .files()
            .iter()
            .map(|file| (file.clone(), ground.read(file)))
            .collect();
        assert_eq!(before, after);
    }
}

#[test]
fn what_is_said_stands_in_the_files() {
    let ground = Ground::new();
    let flags = [
        "init",
        "--provider",
        "aws",
        "--account",
        "123456789012",
        "--region",
        "eu-central-1",
        "--env",
        "staging",
        "--env",
        "production",
        "--cluster",
        "staging=orders-stg",
        "--cluster",
        "production=orders",
        "--email",
        "production=dba@example.com",
        "--owner",
        "O'Neil: \"us\"",
    ];
    ground.run(&flags).exits(0);
    let production = ground.read("environments/production.yaml");
    for line in [
        "# yaml-language-server: $schema=../schema/environment.schema.json",
        "account: \"123456789012\"",
        "region: eu-central-1",
        "  - orders",
        "  email: [\"dba@example.com\"]",
    ] {
        assert!(
            production.lines().any(|found| found == line),
            "{line}\n{production}"
        );
    }
    assert!(
        ground
            .read("environments/staging.yaml")
            .contains("# notifications:")
    );
    let exclusions = ground.read("rules/exclusions.yaml");
    assert!(exclusions.contains("    created: 2026-11-27\n    expires: 2027-11-26\n"));
    assert!(exclusions.contains("    owner: \"O'Neil: \\\"us\\\"\"\n"));
    for schema in ["schema/rules.schema.json", "schema/environment.schema.json"] {
        let ours = std::fs::read_to_string(root().join(schema)).unwrap();
        assert_eq!(ground.read(schema), ours);
    }
    // Staging is deployed before production, and each waits for its own approval.
    let apply = ground.read(".github/workflows/pgvigil-apply.yml");
    assert!(
        apply.contains("        environment: [staging, production]\n"),
        "{apply}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &str| {
            std::fs::metadata(ground.path(path))
                .unwrap()
                .permissions()
                .mode()
                & 0o111
        };
        assert_ne!(mode(".githooks/pre-commit"), 0);
        assert_eq!(mode("README.md"), 0);
    }
}

/// Jobs of the workflows with what each may do.
#[test]
fn no_job_may_do_more_than_it_needs() {
    let ground = Ground::new();
    let flags = [
        "init",
        "--provider",
        "aws",
        "--account",
        "123456789012",
        "--region",
        "eu-central-1",
        "--cluster",
        "orders",
    ];
    ground.run(&flags).exits(0);
    let code = "import json, sys, yaml\nprint(json.dumps([yaml.safe_load(open(path)) for path in sys.argv[1:]]))";
    let done = Command::new(target().join("venv/bin/python"))
        .args(["-c", code])
        .args(
            ["pr", "apply", "drift"]
                .map(|name| ground.path(&format!(".github/workflows/pgvigil-{name}.yml"))),
        )
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let all: Vec<Value> = serde_json::from_slice(&done.stdout).unwrap();
    let reads = json!({"contents": "read", "id-token": "write"});
    let expected = [
        json!({"review": reads, "comment": {"pull-requests": "write"}}),
        json!({"apply": reads}),
        json!({"look": reads, "report": {"issues": "write"}}),
    ];
    for (workflow, expected) in all.iter().zip(expected) {
        assert_eq!(workflow["permissions"], json!({}));
        let jobs = workflow["jobs"].as_object().unwrap();
        let found: serde_json::Map<String, Value> = jobs
            .iter()
            .map(|(name, job)| (name.clone(), job["permissions"].clone()))
            .collect();
        assert_eq!(Value::from(found), expected);
        for (name, job) in jobs {
            let steps = job["steps"].as_array().unwrap();
            let checks_out = steps.iter().any(|step| {
                step["uses"]
                    .as_str()
                    .is_some_and(|uses| uses.starts_with("actions/checkout@"))
            });
            let writes = job["permissions"]
                .as_object()
                .unwrap()
                .keys()
                .any(|what| what != "contents" && what != "id-token");
            // What writes on the forge runs nothing of the change.
            assert_ne!(checks_out, writes, "{name}");
            for step in steps {
                if let Some(uses) = step["uses"].as_str() {
                    let (_, digest) = uses.split_once('@').unwrap();
                    assert!(
                        digest.len() == 40 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()),
                        "{uses}"
                    );
                }
            }
        }
    }
    let comment = all[0]["jobs"]["comment"]["if"].as_str().unwrap();
    assert!(
        comment.contains("head.repo.full_name == github.repository"),
        "{comment}"
    );
    assert_eq!(
        all[1]["jobs"]["apply"]["environment"],
        "${{ matrix.environment }}"
    );
    assert_eq!(all[1]["jobs"]["apply"]["strategy"]["max-parallel"], 1);
}

#[test]
fn everything_that_is_wrong_is_told_at_once_and_nothing_is_written() {
    let ground = Ground::new();
    let flags = [
        "init",
        "new",
        "--provider",
        "aws",
        "--env",
        "../x",
        "--env",
        "base",
        "--account",
        "12",
        "--cluster",
        "UPPER",
        "--cluster",
        "nowhere=a",
        "--owner",
        "a\u{202e}b",
        "--user",
        "x]:LOG",
        "--email",
        "nobody",
        "--code-owner",
        "a b",
    ];
    let run = ground.run(&flags).exits(2);
    assert_eq!(run.out, "");
    for words in [
        "error: could not determine which environment the cluster `UPPER` belongs to: write --cluster ENV=UPPER",
        "error: there is no environment `nowhere`",
        "error: `a\\u{202e}b` is not a valid owner",
        "error: `a b` is not a valid code owner",
        "error: `../x` is not a valid environment name",
        "error: `12` is not a valid AWS account number",
        "error: `../x` has no AWS region",
        "error: `base` is the file that all environments share",
        "error: `nobody` is not a valid email address",
        "error: the role `x]:LOG` can imitate a line of the log",
        "nothing was written",
    ] {
        assert!(run.err.contains(words), "{words}\n{}", run.err);
    }
    assert!(ground.files().is_empty() && !ground.path("new").exists());
    let run = ground.run(&["init", "--account", "123456789012"]).exits(2);
    assert!(run.err.contains("--account is for AWS"), "{}", run.err);
    // A name that is well formed and makes a resource's name too long.
    let long = "a".repeat(33);
    ground.run(&["init", "--env", &long]).exits(2);
    assert!(ground.files().is_empty());
}

#[test]
fn a_dry_run_tells_and_writes_nothing() {
    let ground = Ground::new();
    let run = ground.run(&["init", "new", "--dry-run"]).exits(0);
    assert!(
        run.out.contains("new       rules/users.yaml\n"),
        "{}",
        run.out
    );
    assert!(run.out.contains("would be written"), "{}", run.out);
    assert!(!ground.path("new").exists());
}

#[test]
fn what_stands_there_is_kept() {
    let ground = Ground::new();
    std::fs::create_dir_all(ground.path("a/rules")).unwrap();
    std::fs::write(ground.path("a/README.md"), "mine\n").unwrap();
    std::fs::write(
        ground.path("a/rules/users.yaml"),
        "version: 1\nusers:\n  - {role: zoe, owner: us, environments: all}\n",
    )
    .unwrap();
    let run = ground.run(&["init", "a"]).exits(0);
    assert!(
        run.out
            .contains("kept      README.md: a different file exists there"),
        "{}",
        run.out
    );
    assert!(
        run.out.contains("kept      rules/users.yaml"),
        "{}",
        run.out
    );
    assert!(run.out.contains("2 left unchanged"), "{}", run.out);
    assert_eq!(ground.read("a/README.md"), "mine\n");
    assert!(ground.read("a/rules/users.yaml").contains("zoe"));

    // With a kept file that has a fault, or that says the same again, nothing is written.
    let exclusions = "version: 1\nexclusions:\n  - {id: catalog-metadata, title: Mine, reason: It is mine and harmless to everybody here., owner: us, \
                      created: 2026-11-01, expires: 2027-02-01, environments: all, match: {class: READ, command: SELECT, statement: {equals: select 1}}}\n";
    for (path, text, code) in [
        ("rules/users.yaml", "version: 7\n", "schema/version"),
        ("rules/mine.yaml", exclusions, "exclusion/duplicate-id"),
    ] {
        let ground = Ground::new();
        std::fs::create_dir_all(ground.path("rules")).unwrap();
        std::fs::write(ground.path(path), text).unwrap();
        let run = ground.run(&["init"]).exits(10);
        assert!(run.err.contains(code), "{}", run.err);
        assert!(run.err.contains("nothing was written"), "{}", run.err);
        assert_eq!(ground.files(), BTreeSet::from([path.to_owned()]));
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_takes_nothing_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let ground = Ground::new();
    std::fs::create_dir(ground.path("a")).unwrap();
    let may = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    may(&ground.path("a"), 0o555);
    may(ground.folder.path(), 0o755);
    let mut command = ground.command();
    if Command::new("id").arg("-u").output().unwrap().stdout == b"0\n" {
        // Nothing holds the superuser off: a copy of the program, run as nobody.
        std::fs::copy(env!("CARGO_BIN_EXE_pgvigil"), ground.path("pgvigil")).unwrap();
        command = Command::new(ground.path("pgvigil"));
        command
            .current_dir(ground.folder.path())
            .stdin(Stdio::null())
            .uid(65534)
            .gid(65534);
    }
    let run = Run::of(command.args(["init", "a"]).output().unwrap()).exits(1);
    assert!(
        run.err.contains("nothing was written: Permission denied"),
        "{}",
        run.err
    );
    assert_eq!(std::fs::read_dir(ground.path("a")).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere_and_what_cannot_be_written_is_told() {
    use std::os::unix::fs::symlink;
    let ground = Ground::new();
    std::fs::create_dir_all(ground.path("outside")).unwrap();
    std::fs::create_dir_all(ground.path("a")).unwrap();
    symlink(ground.path("outside"), ground.path("a/rules")).unwrap();
    let run = ground.run(&["init", "a"]).exits(1);
    assert!(
        run.err.contains(
            "a/rules is a symbolic link, but a folder is needed there: nothing was written"
        ),
        "{}",
        run.err
    );
    assert_eq!(ground.files(), BTreeSet::from(["a/rules".to_owned()]));
    std::fs::remove_file(ground.path("a/rules")).unwrap();

    symlink(ground.path("outside/README.md"), ground.path("a/README.md")).unwrap();
    let run = ground.run(&["init", "a"]).exits(0);
    assert!(
        run.out
            .contains("kept      README.md: a symbolic link exists there"),
        "{}",
        run.out
    );
    assert_eq!(
        std::fs::read_dir(ground.path("outside")).unwrap().count(),
        0
    );

    std::fs::write(ground.path("file"), "").unwrap();
    let run = ground.run(&["init", "file/below"]).exits(1);
    assert!(run.err.contains("nothing was written"), "{}", run.err);
    // A file system that takes nothing.
    let run = ground.run(&["init", "/proc/pgvigil"]).exits(1);
    assert!(run.err.contains("nothing was written"), "{}", run.err);
}

/// Answers questions on a terminal of its own; `^C` is the key. Returns the exit code and what stood there.
fn on_a_terminal(ground: &Ground, args: &[&str], answers: &[&str]) -> (i32, String) {
    let code = r#"
import json, os, pty, select, sys
program, args, answers = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
child, terminal = pty.fork()
if child == 0:
    os.execv(program, [program] + args)
shown = b""
asked = b""
while True:
    ready, _, _ = select.select([terminal], [], [], 60)
    if not ready:
        sys.exit("nothing happens: " + shown.decode())
    try:
        some = os.read(terminal, 4096)
    except OSError:
        break
    if not some:
        break
    shown += some
    asked += some
    if asked.endswith(b": ") and answers:
        answer = answers.pop(0)
        asked = b""
        os.write(terminal, b"\x03" if answer == "^C" else b"\x04" if answer == "^D" else answer.encode() + b"\n")
_, status = os.waitpid(child, 0)
code = os.waitstatus_to_exitcode(status)
print(json.dumps([code, shown.decode()]))
"#;
    let done = Command::new("python3")
        .args(["-c", code, env!("CARGO_BIN_EXE_pgvigil")])
        .args([
            serde_json::to_string(args).unwrap(),
            serde_json::to_string(answers).unwrap(),
        ])
        .current_dir(ground.folder.path())
        .env_remove("AWS_REGION")
        .env_remove("AWS_DEFAULT_REGION")
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    serde_json::from_slice(&done.stdout).unwrap()
}

#[test]
fn on_a_terminal_it_asks() {
    let ground = Ground::new();
    // Enter alone takes every default.
    let (code, shown) = on_a_terminal(&ground, &["init", "a"], &["", "", "", "", "", ""]);
    assert_eq!(code, 0, "{shown}");
    let asked = Ground::new();
    asked.run(&["init", "a"]).exits(0);
    assert_eq!(ground.files(), asked.files());

    let answers = [
        "aws",
        "staging production",
        "1234",
        "123456789012",
        "123456789012",
        "eu-central-1",
        "eu-west-1",
        "no",
        "orders-stg",
        "orders, billing",
        "Team \"A\"",
        "alice bob",
        "dba@example.com",
        "gitl",
    ];
    let (code, shown) = on_a_terminal(&ground, &["init", "b"], &answers);
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("`1234` is not valid here."), "{shown}");
    assert!(
        ground
            .read("b/environments/production.yaml")
            .contains("  - billing\n")
    );
    assert!(
        ground
            .read("b/environments/staging.yaml")
            .contains("region: eu-central-1\n")
    );
    assert!(
        ground
            .read("b/rules/users.yaml")
            .contains("  - role: bob\n    owner: \"Team \\\"A\\\"\"\n")
    );
    assert!(ground.path("b/.gitlab-ci.yml").exists());
    // What an option says is not asked.
    let (code, shown) = on_a_terminal(
        &ground,
        &[
            "init",
            "c",
            "--provider",
            "local",
            "--env",
            "try",
            "--forge",
            "none",
        ],
        &["", "us", ""],
    );
    assert_eq!(code, 0, "{shown}");
    assert!(
        ground
            .read("c/rules/exclusions.yaml")
            .contains("    owner: us\n")
    );
}

#[test]
fn who_stops_at_a_question_has_nothing_on_the_disk() {
    for key in ["^C", "^D"] {
        let ground = Ground::new();
        let (code, shown) = on_a_terminal(&ground, &["init", "a"], &["local", key]);
        assert_ne!(code, 0, "{shown}");
        assert!(!ground.path("a").exists());
    }
}

/// Git, apart from this machine's settings.
fn git(ground: &Ground, args: &[&str]) -> std::process::Output {
    let built = Path::new(env!("CARGO_BIN_EXE_pgvigil")).parent().unwrap();
    let path = format!("{}:{}", built.display(), std::env::var("PATH").unwrap());
    Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
        .args(args)
        .current_dir(ground.folder.path())
        .env("PATH", path)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .unwrap()
}

#[test]
fn the_hook_keeps_a_fault_out_of_a_commit() {
    let ground = Ground::new();
    assert!(git(&ground, &["init", "-q"]).status.success());
    ground.run(&["init"]).exits(0);
    assert!(
        git(&ground, &["config", "core.hooksPath", ".githooks"])
            .status
            .success()
    );
    assert!(git(&ground, &["add", "-A"]).status.success());
    let done = git(&ground, &["commit", "-qm", "begin"]);
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    std::fs::write(ground.path("rules/users.yaml"), "version: 7\n").unwrap();
    let done = git(&ground, &["commit", "-qam", "worse"]);
    assert!(!done.status.success());
    assert!(
        String::from_utf8_lossy(&done.stderr).contains("schema/version"),
        "{done:?}"
    );
}

#[test]
fn a_remote_tells_the_forge() {
    let ground = Ground::new();
    assert!(git(&ground, &["init", "-q"]).status.success());
    assert!(
        git(
            &ground,
            &[
                "remote",
                "add",
                "origin",
                "git@gitlab.example.com:shop/audit.git"
            ]
        )
        .status
        .success()
    );
    ground.run(&["init"]).exits(0);
    assert!(ground.path(".gitlab-ci.yml").exists() && !ground.path(".github").exists());
}

/// Clusters as RDS has them: three of Aurora PostgreSQL, two that are not.
#[cfg(feature = "aws")]
const CLUSTERS: &str = r"
rds = client('rds')
for name, parameters in [('audited', [('shared_preload_libraries', 'pg_stat_statements,pgaudit'),
                                      ('log_line_prefix', '%t:%r:%u@%d:[%p]:')]), ('bare', [])]:
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName=name, DBParameterGroupFamily='aurora-postgresql15', Description='x')
    if parameters:
        rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName=name, Parameters=[
            {'ParameterName': key, 'ParameterValue': value, 'ApplyMethod': 'pending-reboot'} for key, value in parameters])
for name, engine, group, logs in [
        ('orders-prod', 'aurora-postgresql', 'audited', ['postgresql']), ('orders-stg', 'aurora-postgresql', 'bare', []),
        ('lonely', 'aurora-postgresql', 'audited', ['postgresql']), ('other', 'aurora-mysql', None, []), ('multi', 'mysql', None, [])]:
    more = {'DBClusterParameterGroupName': group} if group else {}
    if engine == 'mysql':
        more |= {'DBClusterInstanceClass': 'db.m5d.large', 'StorageType': 'io1', 'AllocatedStorage': 100, 'Iops': 1000}
    rds.create_db_cluster(DBClusterIdentifier=name, Engine=engine, MasterUsername='root', MasterUserPassword='not-a-secret',
        EnableCloudwatchLogsExports=logs, **more)
";

#[cfg(feature = "aws")]
#[test]
fn clusters_are_imported_with_what_they_lack() {
    use crate::moto::Moto;
    let moto = Moto::start();
    moto.by_hand("eu-central-1", CLUSTERS);
    let before = moto.calls().len();
    let ground = Ground::new();
    let run = |more: &[&str]| {
        let mut command = ground.command();
        moto.env(&mut command);
        let output = command
            .args([
                "init",
                "a",
                "--provider",
                "aws",
                "--region",
                "eu-central-1",
                "--import-clusters",
            ])
            .args(["--email", "dba@example.com"])
            .args(more)
            .output()
            .unwrap();
        Run::of(output)
    };
    let two = ["--env", "staging", "--env", "production"];
    let done = run(&two).exits(0);
    assert!(
        done.err
            .contains("3 Aurora PostgreSQL clusters in account 123456789012, eu-central-1"),
        "{}",
        done.err
    );
    assert!(
        done.err
            .contains("the name `lonely` contains no environment's name"),
        "{}",
        done.err
    );
    let production = ground.read("a/environments/production.yaml");
    assert!(
        production.contains("account: \"123456789012\"\n"),
        "{production}"
    );
    assert!(
        production.contains("; exports its log; preloads pgaudit\n  - orders-prod\n"),
        "{production}"
    );
    let staging = ground.read("a/environments/staging.yaml");
    assert!(
        staging.contains("does NOT export its log") && staging.contains("does NOT preload pgaudit"),
        "{staging}"
    );
    assert!(staging.contains("  # - lonely\n"), "{staging}");
    is_sound(&ground, "a", "2 warnings");
    let calls = moto.calls();
    assert!(calls.len() > before);
    assert!(
        calls.iter().skip(before).all(|call| !call.writes),
        "{calls:?}"
    );

    // A word more says where it belongs; the files of before are kept, so in another folder.
    std::fs::remove_dir_all(ground.path("a")).unwrap();
    let done = run(&[&two[..], &["--cluster", "production=lonely"]].concat()).exits(0);
    assert!(!done.err.contains("lonely"), "{}", done.err);
    assert!(
        ground
            .read("a/environments/production.yaml")
            .contains("preloads pgaudit\n  - lonely\n")
    );

    // Credentials of another account, and none at all.
    std::fs::remove_dir_all(ground.path("a")).unwrap();
    let done = run(&["--account", "999999999999", "--cluster", "orders"]).exits(2);
    assert!(
        done.err.contains(
            "`production` is in the account 999999999999, but the credentials lead to 123456789012"
        ),
        "{}",
        done.err
    );
    let bare = ground
        .run(&[
            "init",
            "a",
            "--provider",
            "aws",
            "--region",
            "eu-central-1",
            "--import-clusters",
        ])
        .exits(1);
    assert!(bare.err.contains("credentials"), "{}", bare.err);
    assert!(!ground.path("a").exists());
}

#[cfg(feature = "database")]
#[test]
fn roles_of_a_real_server_are_imported_before_anything_is_written() {
    use crate::server::Server;
    let server = Server::start(&[]);
    server.ask("create role alice login; create role \"Mixed \"\"Case\"\"\" login; create role shop_api login; create role grp");
    let ground = Ground::new();
    let url = server.address("postgres", "postgres");
    let run = ground
        .run(&["init", "a", "--import-roles", &url, "--dry-run"])
        .exits(0);
    assert!(
        run.err.contains("3 people and 1 account found"),
        "{}",
        run.err
    );
    assert!(!ground.path("a").exists());
    ground
        .run(&["init", "a", "--import-roles", &url, "--owner", "us"])
        .exits(0);
    let users = ground.read("a/rules/users.yaml");
    for entry in [
        "  - role: alice\n    owner: us\n    environments: [local]\n",
        "  - role: \"Mixed \\\"Case\\\"\"\n",
        "  # decide: taken for an application because its name contains the word api\n  - role: shop_api\n",
    ] {
        assert!(users.contains(entry), "{entry}\n{users}");
    }
    assert!(!users.contains("grp"));
    is_sound(&ground, "a", "no faults");
    // More accounts than a saved query has room for: the monitor takes them all, and every exclusion stays.
    for number in 0..40 {
        let name = format!(
            "create role \"billing_{}_api_{number}x\" login",
            "long".repeat(5)
        );
        server.ask(&name);
    }
    let run = ground
        .run(&["init", "many", "--import-roles", &url, "--owner", "us"])
        .exits(0);
    assert!(!run.err.contains("left out"), "{}", run.err);
    let base = ground.read("many/environments/base.yaml");
    assert!(base.contains("exclusions: all\n"), "{base}");
    ground.run(&["-C", "many", "check"]).exits(0);

    // What cannot be reached is told, without the password, and nothing is written.
    let run = ground
        .run(&[
            "init",
            "b",
            "--import-roles",
            "postgresql://postgres@127.0.0.1:1/x",
        ])
        .exits(1);
    assert!(!ground.path("b").exists(), "{}", run.err);
    let run = ground
        .run(&[
            "init",
            "b",
            "--env",
            "x",
            "--env",
            "y",
            "--import-roles",
            "postgresql://u:s3cr3t@h/x",
        ])
        .exits(2);
    assert!(
        run.err.contains("write --import-roles ENV=URL") && !run.err.contains("s3cr3t"),
        "{}",
        run.err
    );
}

impl Place for Ground {
    /// Both streams, as a person sees them.
    fn run(&mut self, command: &str) -> Result<String, String> {
        let words: Vec<&str> = command.split(' ').collect();
        let Some(("pgvigil", args)) = words.split_first().map(|(first, args)| (*first, args))
        else {
            return Err("only pgvigil is run here".to_owned());
        };
        let done = self.command().args(args).output().unwrap();
        let said = [done.stdout, done.stderr].concat();
        String::from_utf8(said).map_err(|error| error.to_string())
    }

    fn write(&mut self, path: &str, content: &str) -> Result<(), String> {
        std::fs::write(self.path(path), content).map_err(|error| error.to_string())
    }
}

#[test]
fn the_document_shows_what_it_does() {
    holds(&root().join("docs/init.md"), &mut Ground::new());
}

/// What the written pipelines call is there: each command with these options, on a repository that was just made.
#[test]
fn what_the_pipelines_call_is_there() {
    let ground = Ground::new();
    assert!(git(&ground, &["init", "-q", "-b", "main"]).status.success());
    ground.run(&["init", "--code-owner", "@shop/dba"]).exits(0);
    assert!(git(&ground, &["add", "-A"]).status.success());
    assert!(git(&ground, &["commit", "-qm", "begin"]).status.success());
    let workflow = ground.read(".github/workflows/pgvigil-pr.yml");
    assert!(workflow.contains("run: pgvigil ci pr --out pgvigil-ci\n"));
    assert!(workflow.contains("run: pgvigil ci publish --comments-only pgvigil-ci/result.json\n"));
    // The base's files, and never those of the request: what may write a status runs nothing of it.
    let workflow = ground.read(".github/workflows/pgvigil-approvals.yml");
    assert!(workflow.contains("ci publish --commit \"$HEAD\" --base HEAD"));
    assert!(workflow.contains("      statuses: write") && !workflow.contains("ref:"));
    assert!(workflow.contains("pull_request_target:") && workflow.contains("[pgvigil review]"));
    assert!(!workflow.contains("GITHUB_PATH"));
    let workflow = ground.read(".github/workflows/pgvigil-review.yml");
    assert!(workflow.contains("pull_request_review:") && !workflow.contains("uses:"));
    let run = ground.run(&["ci", "pr", "--out", "pgvigil-ci", "--base", "HEAD"]);
    run.exits(0);
    assert!(ground.path("pgvigil-ci/result.json").exists());
    // Outside of a forge there is nobody to tell; the result is read.
    let run = ground
        .run(&["ci", "publish", "pgvigil-ci/result.json"])
        .exits(1);
    assert!(
        run.err.contains("neither GitHub Actions nor GitLab CI"),
        "{}",
        run.err
    );
    for args in [
        &["ci", "apply", "--env", "local", "--out", "pgvigil-ci"][..],
        &["ci", "drift", "--out", "pgvigil-ci"],
    ] {
        ground.run(args).exits(0);
    }
    // What is left by a run is no change of the repository.
    let status = git(&ground, &["status", "--porcelain"]);
    assert_eq!(String::from_utf8_lossy(&status.stdout), "");
}

/// Serves a folder by HTTPS, until the program that Python runs is stopped.
pub(crate) struct Https {
    child: std::process::Child,
    pub(crate) port: u16,
}

impl Https {
    pub(crate) fn start(folder: &Path) -> Self {
        use std::io::{BufRead as _, BufReader};
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let code = r#"
import functools, http.server, ssl, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1] + "/cert.pem", sys.argv[1] + "/key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
"#;
        let mut child = Command::new("python3")
            .args(["-c", code])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            child,
            port: line.trim().parse().unwrap(),
        }
    }
}

impl Drop for Https {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Nobody holds the name on PyPI or npm: a stranger could, and a workflow that names a package would run theirs.
#[test]
fn no_file_names_a_package_of_a_registry() {
    for (forge, provider) in [("github", "aws"), ("gitlab", "aws"), ("github", "local")] {
        let ground = Ground::new();
        let mut args = vec!["init", "--forge", forge, "--provider", provider];
        if provider == "aws" {
            args.extend(["--env", "a", "--region", "eu-central-1", "--cluster", "a=b"]);
            args.extend(["--account", "123456789012", "--email", "dba@example.com"]);
        }
        ground.run(&args).exits(0);
        // What is run, and what a person is told to run. Exclusions quote what people type.
        let is_run = |path: &String| !path.starts_with("rules/") && !path.starts_with("schema/");
        for path in ground.files().into_iter().filter(is_run) {
            let text = ground.read(&path);
            for word in [
                "pip ",
                "pipx",
                "uvx",
                "npx",
                "npm ",
                "cargo install",
                "docker:",
            ] {
                assert!(!text.contains(word), "{path}: {word}");
            }
        }
    }
}

/// The step that fetches pgvigil, run as a runner runs it.
#[test]
fn a_pipeline_takes_the_program_with_the_right_checksum_and_no_other() {
    let ground = Ground::new();
    ground.run(&["init", "--code-owner", "@shop/dba"]).exits(0);
    let code = "import sys, yaml\nsteps = yaml.safe_load(open(sys.argv[1]))['jobs']['review']['steps']\n\
                print(next(step['run'] for step in steps if step['name'] == 'Install pgvigil'))";
    let script = Command::new(target().join("venv/bin/python"))
        .args(["-c", code])
        .arg(ground.path(".github/workflows/pgvigil-pr.yml"))
        .output()
        .unwrap();
    let script = String::from_utf8(script.stdout).unwrap();
    assert!(script.contains("sha256sum"));

    // As a release packs it: the program in a folder, beside a file of the same name that is none.
    let shop = tempfile::tempdir().unwrap();
    let at = |path: &str| shop.path().join(path);
    let program = "#!/bin/sh\necho pgvigil 9.9.9\n";
    std::fs::create_dir_all(at("pgvigil-9.9.9/completions")).unwrap();
    std::fs::write(at("pgvigil-9.9.9/completions/pgvigil"), "complete\n").unwrap();
    std::fs::write(at("pgvigil-9.9.9/pgvigil"), program).unwrap();
    std::fs::write(at("bare"), program).unwrap();
    let pack = "chmod 0755 pgvigil-9.9.9/pgvigil && tar -czf pgvigil.tar.gz pgvigil-9.9.9 && sha256sum pgvigil.tar.gz bare";
    let packed = Command::new("sh")
        .args(["-c", pack])
        .current_dir(shop.path())
        .output()
        .unwrap();
    let sums = String::from_utf8(packed.stdout).unwrap();
    let sum = |name: &str| {
        let line = sums.lines().find(|line| line.ends_with(name)).unwrap();
        line.split(' ').next().unwrap().to_owned()
    };
    let https = Https::start(shop.path());
    let run = |url: &str, sum: &str, version: &str| {
        let machine = tempfile::tempdir().unwrap();
        let path = machine.path().join("path");
        let done = Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &script])
            .env("URL", url)
            .env("SHA256", sum)
            .env("VERSION", version)
            .env("RUNNER_TEMP", machine.path())
            .env("GITHUB_PATH", &path)
            .env("CURL_CA_BUNDLE", at("cert.pem"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stdout).into_owned()
            + &String::from_utf8_lossy(&done.stderr);
        let program = std::fs::read_to_string(path).ok().map(|folder| {
            let found = Command::new(Path::new(folder.trim()).join("pgvigil"))
                .output()
                .unwrap();
            String::from_utf8(found.stdout).unwrap()
        });
        (done.status.success(), said, program)
    };
    let url = |name: &str| format!("https://localhost:{}/{name}", https.port);
    for name in ["pgvigil.tar.gz", "bare"] {
        let (is_done, said, program) = run(&url(name), &sum(name), "9.9.9");
        assert!(is_done, "{said}");
        assert_eq!(program.as_deref(), Some("pgvigil 9.9.9\n"), "{said}");
    }
    let unset = "::error::set the repository variables PGVIGIL_URL";
    let other = "::error::PGVIGIL_URL contains pgvigil 9.9.9, and PGVIGIL_VERSION is 9.9.8";
    let http = url("bare").replace("https", "http");
    for (url, sum, version, words) in [
        (url("pgvigil.tar.gz"), sum("bare"), "9.9.9", "FAILED"),
        (url("nothing"), sum("bare"), "9.9.9", "404"),
        (http, sum("bare"), "9.9.9", "curl"),
        (url("bare"), sum("bare"), "9.9.8", other),
        (url("bare"), sum("bare"), "", unset),
        (url("bare"), String::new(), "9.9.9", unset),
        (String::new(), sum("bare"), "9.9.9", unset),
    ] {
        let (is_done, said, program) = run(&url, &sum, version);
        assert!(
            !is_done && program.is_none() && said.contains(words),
            "{said}"
        );
    }
}

/// Waits for the first file of a run below a folder, or for its end.
#[cfg(unix)]
fn wait_for_a_file(ground: &Ground, child: &mut std::process::Child) {
    while ground.files().is_empty() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
}

#[cfg(unix)]
#[test]
fn a_run_that_is_stopped_or_killed_leaves_all_or_nothing_or_whole_files() {
    let whole = Ground::new();
    whole.run(&["init", "a"]).exits(0);
    let all = whole.files();
    let signal = |child: &std::process::Child, name: &str| {
        let sent = Command::new("kill")
            .args(["-s", name, &child.id().to_string()])
            .status();
        assert!(sent.unwrap().success() || name == "INT");
    };
    let begin = |ground: &Ground| {
        let mut command = ground.command();
        command
            .args(["init", "a"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().unwrap()
    };
    for number in 0..12 {
        let ground = Ground::new();
        let mut child = begin(&ground);
        if number % 2 == 0 {
            wait_for_a_file(&ground, &mut child);
        } else {
            std::thread::sleep(std::time::Duration::from_millis(number * 12));
        }
        signal(&child, "INT");
        child.wait().unwrap();
        let files = ground.files();
        assert!(files.is_empty() || files == all, "{files:?}");
    }
    for _ in 0..4 {
        let ground = Ground::new();
        let mut child = begin(&ground);
        wait_for_a_file(&ground, &mut child);
        let _ = child.kill();
        child.wait().unwrap();
        // What is there is whole; the next run goes on.
        ground.run(&["init", "a"]).exits(0);
        let files: BTreeSet<String> = ground
            .files()
            .into_iter()
            .filter(|file| !file.ends_with(".pgvigil-new"))
            .collect();
        assert_eq!(files, all);
        for file in &files {
            assert_eq!(ground.read(file), whole.read(file), "{file}");
        }
    }
}
