//! The binary from outside: exit codes, where words go, and formats.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

const RULES: &str = r#"version: 1
users:
  - {role: alice, owner: data-platform, environments: all}
service_accounts:
  - {role: shop, reason: the shop's own program, owner: shop, environments: all}
exclusions:
  - id: client-questions
    title: Clients ask the server for its version
    reason: every client asks for the version when it connects, and the answer holds no data
    owner: data-platform
    created: 2026-01-10
    expires: 2027-01-05
    environments: all
    match:
      class: READ
      command: SELECT
      statement: {equals: ["SELECT version()"]}
    samples:
      silences:
        - {class: READ, command: SELECT, statement: "select version();"}
      stays_loud:
        - {class: READ, command: SELECT, statement: "SELECT version(), * FROM orders"}
"#;

const LOCAL: &str = "version: 1\nprovider: local\nfolder: live\nclusters: [shop]\n";

const PROD: &str = r#"version: 1
provider: aws
account: "123456789012"
region: eu-central-1
clusters: [shop-orders]
notifications: {email: [dba@example.com]}
"#;

/// A folder that vanishes: in memory where that is possible, since an apply waits for the disk at every step.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// A policy repository in a folder of its own.
pub(crate) struct Repository {
    folder: TempDir,
}

impl Repository {
    pub(crate) fn new() -> Self {
        let repository = Self { folder: folder() };
        repository.write("rules/rules.yaml", RULES);
        repository.write("environments/local.yaml", LOCAL);
        repository.write("environments/prod.yaml", PROD);
        repository
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    pub(crate) fn edit(&self, path: &str, old: &str, new: &str) {
        let text = self.read(path);
        assert!(text.contains(old), "{path} lacks {old}");
        self.write(path, &text.replace(old, new));
    }

    /// The program with nothing of this machine's environment, in the repository, on a fixed day.
    pub(crate) fn command(&self) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pgvigil"));
        command
            .env_clear()
            // Nor with what the machine itself may be allowed.
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .args(["--today", "2026-11-22"]);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        let mut command = assert_cmd::Command::from_std(self.command());
        let output = command
            .args(args)
            .timeout(Duration::from_secs(120))
            .output()
            .unwrap();
        Run::of(output)
    }
}

/// What a run came to.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

/// `rules test` has tests of its own: here only what `ci pr` makes of its result counts.
fn rules_test(repository: &Repository) -> i32 {
    repository.run(&["rules", "test", "--env", "local"]).code
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn exit_codes() {
    let repository = Repository::new();
    let sound: &[(&[&str], i32)] = &[
        (&["check"], 0),
        (&["check", "--deny", "warnings"], 0),
        (&["explain", "exclusion/evadable"], 0),
        (&["explain", "impact/hears-less"], 0),
        (&["explain", "enrol/not-loaded"], 0),
        (&["explain", "exclusion/evadible"], 2),
        (&["-C", "nowhere", "check"], 1),
        (&["--version"], 0),
        (&["--help"], 0),
        (&["plan", "--env", "local"], 0),
        (&["plan", "--env", "local", "--detailed-exitcode"], 12),
        (&["drift", "--env", "local"], 12),
        (&["compile", "--out", "out", "--check"], 12),
        (&["schema", "--check"], 12),
        (&["apply", "--env", "local"], 2),
        (&["apply", "--env", "local", "no-such-plan"], 1),
        (&["plan", "--env", "prod"], 1),
        (&["apply", "--env", "prod", "--auto-approve"], 1),
        (&["drift", "--env", "prod"], 1),
        (&["plan"], 2),
        (&["plan", "--env", "nowhere"], 2),
        (&["compile", "--env", "nowhere", "--out", "out"], 2),
        (&["ci", "pr", "--env", "nowhere"], 2),
        (&["chek"], 2),
        (&[], 2),
        (&["--today", "yesterday", "check"], 2),
        (&["completions", "bash"], 0),
        (&["man", "--out", "man"], 0),
    ];
    for (args, code) in sound {
        // The fixed day may stand on the line only once.
        let run = if args.first() == Some(&"--today") {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pgvigil"));
            Run::of(command.env_clear().args(*args).output().unwrap())
        } else {
            repository.run(args)
        };
        assert_eq!(run.code, *code, "{args:?}\n{}\n{}", run.out, run.err);
        if *code == 1 {
            assert!(run.err.starts_with("error: "), "{args:?}: {}", run.err);
            assert_eq!(run.err.lines().count(), 1, "{args:?}: {}", run.err);
        }
    }
    assert!(!repository.path("live").exists());

    repository.write(
        "environments/local.yaml",
        "version: 1\nprovider: local\nclusters: [Shop]\n",
    );
    for args in [
        &["check"][..],
        &["compile", "--out", "out"],
        &["plan", "--env", "local"],
        &["apply", "--env", "local", "--auto-approve"],
        &["drift", "--env", "local"],
        &["ci", "pr", "--env", "local"],
    ] {
        repository.run(args).exits(10);
    }
    assert!(!repository.path("out").exists() && !repository.path("live").exists());
}

#[test]
fn results_go_to_stdout_and_words_to_stderr() {
    let repository = Repository::new();
    let check = repository.run(&["check"]).exits(0);
    assert_eq!(check.out, "");
    assert!(check.err.contains("no faults"), "{}", check.err);
    let plan = repository.run(&["plan", "--env", "local"]).exits(0);
    assert!(
        plan.out.contains("20 to create, 1 to change"),
        "{}",
        plan.out
    );
    assert_eq!(plan.err, "");
    let unknown = repository.run(&["drift", "--env", "lokal"]).exits(2);
    assert_eq!(unknown.out, "");
    assert_eq!(
        unknown.err,
        "error: there is no environment `lokal`; there are: local, prod\n"
    );
    let aws = repository.run(&["plan", "--env", "prod"]).exits(1);
    assert_eq!(aws.out, "");
    assert_eq!(
        aws.err,
        if cfg!(feature = "aws") {
            "error: no valid credentials: none are configured in the environment, in a profile, or where this runs: sign \
             in, or set AWS_PROFILE\n"
        } else {
            "error: the environment `prod` is deployed to `aws`, but this pgvigil was built without the feature `aws`: \
             build it with `--features aws`\n"
        }
    );
    repository.edit("rules/rules.yaml", "command: SELECT\n", "comand: SELECT\n");
    let faults = repository.run(&["check"]).exits(10);
    assert!(
        faults.out.contains("error[schema/unknown-key]"),
        "{}",
        faults.out
    );
    let faults = repository.run(&["plan", "--env", "local"]).exits(10);
    assert_eq!(faults.out, "");
    assert!(
        faults.err.contains("error[schema/unknown-key]"),
        "{}",
        faults.err
    );
}

#[test]
fn json_is_json() {
    let repository = Repository::new();
    for args in [
        &["check", "--format", "json"][..],
        &["plan", "--env", "local", "--format", "json"],
        &["drift", "--env", "local", "--format", "json"],
    ] {
        let report = repository.run(args).json();
        assert_eq!(report["format_version"], 1, "{args:?}");
    }
    for env in ["local", "prod"] {
        let args = ["ci", "pr", "--env", env, "--format", "json"];
        assert_eq!(repository.run(&args).json()["format_version"], 3, "{env}");
    }
    repository.edit(
        "rules/rules.yaml",
        "id: client-questions",
        "id: Client\u{202e}Questions",
    );
    for args in [
        &["check", "--format", "json"][..],
        &["ci", "pr", "--env", "local", "--format", "json"],
    ] {
        let run = repository.run(args).exits(10);
        assert!(run.json()["format_version"].is_u64(), "{args:?}");
        assert!(!run.out.contains('\u{202e}'), "{}", run.out);
    }
}

/// What an exclusion silences, and what would count without it, agree with what `rules eval` says of the same log.
#[test]
fn the_list_of_exclusions_counts_as_the_judge_does() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ask = |args: &[&str]| -> Value {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_pgvigil"))
            .current_dir(root)
            .args(["rules"])
            .args(args)
            .arg("tests/recordings/psql.on-short.log.gz")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let listed = ask(&["list", "--env", "local", "--format", "json"]);
    let totals = ask(&["eval", "--env", "local", "--summary", "--format", "json"]);
    let exclusions = listed["exclusions"].as_array().unwrap();
    assert_eq!(exclusions.len(), 17);
    let (mut first_sum, mut in_texts) = (0, 0);
    for exclusion in exclusions {
        let id = exclusion["id"].as_str().unwrap();
        let (silenced, alone) = (
            exclusion["silenced"].as_u64().unwrap(),
            exclusion["alone"].as_u64().unwrap(),
        );
        let first = totals["totals"]["excluded_by"][id].as_u64().unwrap();
        assert!(alone <= first && first <= silenced, "{exclusion} {first}");
        in_texts += usize::from(exclusion["in_texts"] == true);
        first_sum += first;
    }
    assert!(first_sum > 1000);
    // The texts for people have room for some.
    assert!((5..17).contains(&in_texts), "{in_texts}");
    assert_eq!(totals["totals"]["excluded"], first_sum);
}

#[test]
fn a_pull_request_in_one_go() {
    let repository = Repository::new();
    let rules = rules_test(&repository);
    let run = repository.run(&["ci", "pr", "--env", "local"]).exits(rules);
    let sections = [
        "── check: passed",
        "── rules test: ",
        "── local (local, account 000000000000, region local)",
        "── attack: passed",
        "── impact: skipped (no base revision: set one with --base)",
        "── compile: passed",
        "── plan: passed",
        "── ci pr: ",
    ];
    let places: Vec<usize> = sections
        .iter()
        .map(|section| {
            run.out
                .find(section)
                .unwrap_or_else(|| panic!("{section}\n{}", run.out))
        })
        .collect();
    assert!(places.is_sorted(), "{}", run.out);
    let end = &run.out[places[7]..];
    for part in [
        "plan: 20 to create, 1 to change",
        "1 exclusion, query ",
        " of 10000 characters",
    ] {
        assert!(end.contains(part), "{part}: {end}");
    }
    assert!(!repository.path("live").exists());

    let report = repository
        .run(&["ci", "pr", "--env", "local", "--format", "json"])
        .exits(rules)
        .json();
    assert_eq!(report["exit_code"], rules);
    let environment = &report["environments"][0];
    let names: Vec<&str> = environment["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["attack", "impact", "compile", "plan"]);
    assert_eq!(environment["review"]["exclusions"], 1);
    assert_eq!(
        environment["plan"]["resources"].as_array().unwrap().len(),
        21
    );

    let run = repository.run(&["ci", "pr", "--env", "prod"]).exits(rules);
    assert!(
        run.out
            .contains("── plan: skipped (no valid credentials: none are configured"),
        "{}",
        run.out
    );

    repository.edit("rules/rules.yaml", "command: SELECT\n", "comand: SELECT\n");
    let run = repository.run(&["ci", "pr", "--env", "local"]).exits(10);
    assert!(
        run.out
            .contains("── plan: skipped (the policy files have errors)"),
        "{}",
        run.out
    );
}

/// GitHub takes every line that begins with `::` for a command, also behind spaces.
#[test]
fn no_text_of_a_file_commands_github() {
    let repository = Repository::new();
    repository.write(
        "environments/local.yaml",
        "version: 1\nprovider: local\nfolder: live\nclusters: [shop]\ntitle: \"a\\n::error::b\"\ntags: {note: \"::set-env\"}\n",
    );
    repository.edit(
        "rules/rules.yaml",
        "owner: shop,",
        "owner: \"::add-mask::x\",",
    );
    let run = repository.run(&["ci", "pr", "--env", "local", "--format", "github"]);
    let mut stopped: Option<String> = None;
    for line in run.out.lines() {
        let line = line.trim_start();
        if let Some(token) = &stopped {
            if line == format!("::{token}::") {
                stopped = None;
            }
            continue;
        }
        let Some(command) = line.strip_prefix("::") else {
            continue;
        };
        if let Some(token) = command.strip_prefix("stop-commands::") {
            stopped = Some(token.to_owned());
            continue;
        }
        let known = ["error ", "warning ", "group::", "endgroup::"];
        assert!(
            known.iter().any(|known| command.starts_with(known)),
            "{line}"
        );
    }
    assert_eq!(stopped, None);
}

#[test]
fn hostile_text_never_reaches_the_terminal() {
    let repository = Repository::new();
    let hostile = [
        "\\u001b[31m",
        "\\u202e",
        "\\u200b",
        "\\r",
        "\\u009b2J",
        "\\a",
    ];
    for text in hostile {
        repository.write(
            "rules/rules.yaml",
            &RULES
                .replace(
                    "title: Clients ask",
                    &format!("title: \"{text}\"\n    tilte: \"{text}"),
                )
                .replace("for its version\n", "for its version\"\n"),
        );
        repository.write(
            "rules/more.yaml",
            &format!(
                "version: 1\nusers: [{{role: \"{text}\", owner: x, environments: [\"{text}\"]}}]\n"
            ),
        );
        for args in [
            &["check"][..],
            &["check", "--format", "json"],
            &["check", "--format", "github"],
            &["ci", "pr", "--env", "local"],
            &["plan", "--env", "a\u{1b}[2Jb"],
        ] {
            let run = repository.run(args);
            assert_eq!(run.code, 10, "{args:?} {text}: {}", run.err);
            let shown = format!("{}{}", run.out, run.err);
            assert!(
                !shown.contains(['\u{1b}', '\u{202e}', '\u{200b}', '\r', '\u{9b}', '\u{7}']),
                "{shown:?}"
            );
        }
    }
    let repository = Repository::new();
    let run = repository.run(&["plan", "--env", "a\u{1b}[2Jb"]).exits(2);
    assert!(!run.err.contains('\u{1b}'), "{:?}", run.err);
}

/// `pgvigil … | head -1` ends without a word, and the exit code still tells.
#[test]
fn a_reader_may_go_away() {
    let repository = Repository::new();
    for (args, code) in [
        (&["plan", "--env", "local", "--detailed-exitcode"][..], 12),
        (&["compile", "--out", "out", "--check"], 12),
        (&["completions", "zsh"], 0),
        (&["apply", "--env", "local", "--auto-approve"], 0),
    ] {
        let mut child = repository
            .command()
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(code), "{args:?} {said}");
        assert!(
            !said.contains("error") && !said.contains("panicked"),
            "{args:?} {said}"
        );
    }
    repository.run(&["drift", "--env", "local"]).exits(0);
}

#[test]
fn colour_only_where_it_is_wanted() {
    let repository = Repository::new();
    repository.edit("rules/rules.yaml", "command: SELECT\n", "comand: SELECT\n");
    let colours = |args: &[&str]| repository.run(args).out.contains('\u{1b}');
    assert!(!colours(&["check"]));
    assert!(colours(&["check", "--color", "always"]));
    assert!(!colours(&["check", "--color", "never"]));
    let mut command = repository.command();
    let output = command.env("NO_COLOR", "1").arg("check").output().unwrap();
    assert!(!output.stdout.contains(&0x1b));
}

#[test]
fn compiled_files_are_kept_up_to_date() {
    let repository = Repository::new();
    let compile = |more: &[&str]| repository.run(&[&["compile", "--out", "out"], more].concat());
    let first = compile(&[]).exits(0);
    assert!(
        first.out.contains("written  out/local/query.cwli\n"),
        "{}",
        first.out
    );
    assert!(files(&repository.path("out/prod")).len() > 15);
    assert_eq!(compile(&[]).exits(0).out, "");
    assert_eq!(compile(&["--check"]).exits(0).out, "");
    assert_eq!(compile(&["--check", "--env", "local"]).exits(0).out, "");

    repository.write("out/local/query.cwli", "old\n");
    std::fs::remove_file(repository.path("out/local/enrol.sql")).unwrap();
    repository.write("out/local/gone/alarm/old.json", "{}\n");
    repository.write("out/local/.123.pgvigil-new", "half");
    repository.write("out/local/notes.txt", "mine");
    repository.write("out/mine/alarm/shop/x.json", "mine");
    let check = compile(&["--check"]).exits(12);
    let words = ["extra ", "missing ", "stale "];
    let mut lines: Vec<&str> = check
        .out
        .lines()
        .filter(|line| words.iter().any(|word| line.starts_with(word)))
        .collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "extra    out/local/.123.pgvigil-new",
            "extra    out/local/gone/alarm/old.json",
            "missing  out/local/enrol.sql",
            "stale    out/local/query.cwli",
        ]
    );
    assert!(
        check.out.contains(
            "stale    out/local/query.cwli\n--- out/local/query.cwli (found)\n\
             +++ out/local/query.cwli (expected)\n@@ -1 +1,"
        ) && check.out.contains(" @@\n-old\n+"),
        "{}",
        check.out
    );
    assert!(
        check
            .err
            .contains("note: out/local/notes.txt was not written by pgvigil, so it is kept"),
        "{}",
        check.err
    );
    compile(&["--check", "--env", "prod"]).exits(0);
    compile(&["--env", "local"]).exits(0);
    assert!(!repository.path("out/local/gone").exists());
    assert_eq!(repository.read("out/local/notes.txt"), "mine");
    assert_eq!(repository.read("out/mine/alarm/shop/x.json"), "mine");
    compile(&["--check"]).exits(0);

    // An environment that is no more leaves nothing behind.
    std::fs::remove_file(repository.path("environments/prod.yaml")).unwrap();
    let check = compile(&["--check"]).exits(12);
    assert!(
        check.out.contains("extra    out/prod/query.cwli"),
        "{}",
        check.out
    );
    compile(&[]).exits(0);
    assert!(!repository.path("out/prod/query.cwli").exists());
}

#[cfg(unix)]
#[test]
fn a_link_does_not_lead_out_of_the_folder() {
    let repository = Repository::new();
    std::fs::create_dir_all(repository.path("elsewhere")).unwrap();
    std::fs::create_dir_all(repository.path("out")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", repository.path("out/local")).unwrap();
    let run = repository
        .run(&["compile", "--env", "local", "--out", "out"])
        .exits(1);
    assert!(
        run.err.contains("out/local is a symbolic link"),
        "{}",
        run.err
    );
    assert!(files(&repository.path("elsewhere")).is_empty());
}

/// A file where the folder should be stops everybody, also root, whom no permission stops.
#[test]
fn a_folder_that_cannot_be_written() {
    let repository = Repository::new();
    repository.write("out", "a file\n");
    for args in [
        &["compile", "--out", "out"][..],
        &["man", "--out", "out"],
        &["schema", "--out", "out"],
        &["plan", "--env", "local", "--out", "out/plan"],
    ] {
        let run = repository.run(args).exits(1);
        assert!(
            run.err.starts_with("error: ") && run.err.contains("out"),
            "{args:?} {}",
            run.err
        );
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = repository.path("shut");
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o555)).unwrap();
        if std::fs::write(folder.join("probe"), "").is_err() {
            let run = repository.run(&["compile", "--out", "shut"]).exits(1);
            assert!(
                run.err.starts_with("error: cannot write shut/"),
                "{}",
                run.err
            );
        }
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn warnings_are_denied_where_that_is_asked_for() {
    let repository = Repository::new();
    repository.edit(
        "rules/rules.yaml",
        "expires: 2027-01-05",
        "expires: 2026-12-01",
    );
    let run = repository.run(&["check"]).exits(0);
    assert!(
        run.out.contains("warning[exclusion/expires-soon]"),
        "{}",
        run.out
    );
    let run = repository.run(&["check", "--deny", "warnings"]).exits(10);
    assert!(run.err.contains("1 warning"), "{}", run.err);
    assert!(run.err.contains("--deny warnings"), "{}", run.err);
    repository.run(&["check", "--deny", "errors"]).exits(2);
}

#[test]
fn a_code_is_explained_with_an_example() {
    let repository = Repository::new();
    let run = repository.run(&["explain", "yaml/tab"]).exits(0);
    for words in [
        "the indentation contains a tab",
        "why it matters: ",
        "what to do: ",
        "error[yaml/tab]",
    ] {
        assert!(run.out.contains(words), "{words}: {}", run.out);
    }
    let value = repository
        .run(&["explain", "yaml/tab", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(value["remedy"], "indent with spaces");
    let run = repository.run(&["explain", "tab"]).exits(2);
    assert_eq!(
        run.err,
        "error: there is no code `tab`: did you mean `yaml/tab`?\n"
    );
}

/// What nearly is something gets the words that help.
#[test]
fn near_misses_are_told_what_they_miss() {
    let repository = Repository::new();
    let run = repository.run(&["-C", "nowhere", "check"]).exits(1);
    assert!(
        run.err.starts_with("error: there is no folder nowhere: "),
        "{}",
        run.err
    );
    let run = repository
        .run(&[
            "rules",
            "explain",
            "--env",
            "local",
            "--line",
            "AUDIT: SESSION,1,1,READ,SELECT,,,select 1,<not logged>",
        ])
        .exits(2);
    assert!(
        run.err.contains("contains only the record") && run.out.is_empty(),
        "{}",
        run.err
    );
}

#[test]
fn schemas_and_pages_are_written() {
    let repository = Repository::new();
    repository.run(&["schema", "--docs", "docs"]).exits(0);
    let mut paths: Vec<String> = ["rules", "environment", "access", "note"]
        .iter()
        .map(|name| format!("schema/{name}.schema.json"))
        .collect();
    for entry in std::fs::read_dir(repository.path("schema/outputs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        paths.push(format!("schema/outputs/{name}"));
    }
    assert_eq!(paths.len(), 16, "{paths:?}");
    for path in &paths {
        let schema: Value = serde_json::from_str(&repository.read(path)).unwrap();
        assert!(schema["$schema"].is_string(), "{path}");
        let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        assert_eq!(
            std::fs::read_to_string(committed).unwrap(),
            repository.read(path)
        );
    }
    repository
        .run(&["schema", "--docs", "docs", "--check"])
        .exits(0);
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/codes.md");
    assert_eq!(
        std::fs::read_to_string(committed).unwrap(),
        repository.read("docs/codes.md")
    );
    repository.write("docs/codes.md", "\u{1b}[2J\u{202e}old\n");
    let check = ["schema", "--docs", "docs", "--check"];
    let run = repository.run(&check).exits(12);
    assert!(
        run.out.starts_with(
            "stale    docs/codes.md\n--- docs/codes.md (found)\n+++ docs/codes.md (expected)\n@@ -1 +1,"
        ) && run
            .out
            .contains(" @@\n-\\u{1b}[2J\\u{202e}old\n+# "),
        "{}",
        run.out
    );
    // The file's name, two more lines with it, forty of the difference, and how many follow.
    assert_eq!(run.out.lines().count(), 44, "{}", run.out);
    assert!(run.out.ends_with(" more lines\n"), "{}", run.out);
    let run = repository
        .run(&[&check[..], &["--color", "always"]].concat())
        .exits(12);
    assert!(
        run.out
            .contains("\n\u{1b}[31m-\\u{1b}[2J\\u{202e}old\u{1b}[0m\n\u{1b}[32m+# "),
        "{}",
        run.out
    );
    repository.run(&["man", "--out", "man"]).exits(0);
    assert!(
        repository
            .read("man/pgvigil-ci-pr.1")
            .contains(".TH pgvigil-ci-pr")
    );
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            repository
                .run(&["completions", shell])
                .exits(0)
                .out
                .contains("pgvigil"),
            "{shell}"
        );
    }
}
