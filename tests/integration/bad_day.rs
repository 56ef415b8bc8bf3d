//! A bad day: servers that say nothing, names that somebody hostile chose, repositories that somebody hostile made. The other
//! parts of `benches/bad-day.sh` are tests beside what they are about.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests may panic and print"
)]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::cli::{Repository, Run};
use crate::git::{commit, git};

/// The program with git at hand, and without anybody's settings.
fn with_git(repository: &Repository) -> Command {
    let mut command = repository.command();
    command
        .env("PATH", std::env::var("PATH").unwrap())
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    command
}

/// A repository of which the first commit is made.
fn committed() -> Repository {
    let repository = Repository::new();
    let root = repository.path("");
    git(&root, &["init", "-q", "-b", "main"]);
    commit(&root, "alice@example.com");
    git(&root, &["checkout", "-q", "-b", "change"]);
    repository
}

/// Compares with the branch `main`, on an empty log.
fn impact(repository: &Repository, more: &[&str]) -> Run {
    repository.write("empty.log", "");
    let mut command = with_git(repository);
    command.args(["rules", "impact", "--env", "local", "--base", "main"]);
    Run::of(command.args(more).arg("empty.log").output().unwrap())
}

/// Accepts connections, and says nothing.
fn silent() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[cfg(feature = "database")]
#[test]
fn a_silent_server_is_given_up_and_named() {
    let repository = Repository::new();
    let (_listener, port) = silent();
    let url = format!("postgresql://alice@127.0.0.1:{port}/shop?sslmode=disable");
    for tls in ["disable", "require"] {
        let url = url.replace("disable", tls);
        for (command, more) in [
            (vec!["enrol", "plan"], vec![]),
            (vec!["enrol", "coverage"], vec![]),
            (vec!["enrol", "apply"], vec!["--auto-approve"]),
            (
                vec!["enrol", "import"],
                vec!["--owner", "dba", "--out", "rules/new.yaml"],
            ),
            (vec!["rules", "attack"], vec![]),
        ] {
            let start = Instant::now();
            let mut args = vec!["--call-timeout", "1"];
            args.extend(&command);
            args.extend(["--env", "local", "--database", &url]);
            args.extend(more);
            let run = repository.run(&args).exits(1);
            assert!(
                run.err.contains("no answer within 1 second"),
                "{command:?}: {}",
                run.err
            );
            assert!(
                run.err.contains(&format!("127.0.0.1:{port}")),
                "{command:?}: {}",
                run.err
            );
            println!("{command:?} {tls}: {:?}", start.elapsed());
            assert!(start.elapsed() < Duration::from_secs(30));
        }
    }
    // By the variable too, which must be a number.
    let mut command = repository.command();
    command.env("PGVIGIL_CALL_TIMEOUT", "1");
    command.args(["enrol", "plan", "--env", "local", "--database", &url]);
    let run = Run::of(command.output().unwrap()).exits(1);
    assert!(run.err.contains("no answer within 1 second"), "{}", run.err);
    let mut command = repository.command();
    command.env("PGVIGIL_CALL_TIMEOUT", "soon").arg("check");
    let run = Run::of(command.output().unwrap()).exits(2);
    assert!(
        run.err
            .contains("PGVIGIL_CALL_TIMEOUT must be a number of seconds"),
        "{}",
        run.err
    );
}

#[cfg(feature = "database")]
#[test]
fn a_dead_cluster_does_not_keep_the_others_from_being_enrolled() {
    let server = crate::server::Server::start(&[]);
    server.ask("create role alice login");
    let repository = Repository::new();
    repository.write(
        "environments/local.yaml",
        "version: 1\nprovider: local\nfolder: live\nclusters: [dead, shop]\ndatabases:\n  dead: {from_env: DEAD}\n  shop: {from_env: SHOP}\n",
    );
    let (_listener, port) = silent();
    let order = |args: &[&str]| {
        let mut command = repository.command();
        command
            .env(
                "DEAD",
                format!("postgresql://alice@127.0.0.1:{port}/shop?sslmode=disable"),
            )
            .env("SHOP", server.address("postgres", "postgres"))
            .args(["--call-timeout", "2"])
            .args(args);
        Run::of(command.output().unwrap())
    };
    let run = order(&["enrol", "plan", "--env", "local"]).exits(1);
    assert!(
        run.out.contains("alice") && run.err.contains("local, dead: cannot connect"),
        "{}{}",
        run.out,
        run.err
    );
    let run = order(&["enrol", "coverage", "--env", "local"]).exits(1);
    assert!(
        run.out.contains("alice") && run.err.contains("local, dead"),
        "{}{}",
        run.out,
        run.err
    );
    let run = order(&["enrol", "apply", "--env", "local", "--auto-approve"]).exits(15);
    assert!(run.out.contains("read back, and as planned"), "{}", run.out);
    assert!(
        run.err
            .contains("servers that could not be read were left unchanged"),
        "{}",
        run.err
    );
    assert_ne!(server.ask("select setconfig from pg_db_role_setting r join pg_roles on oid = setrole where rolname = 'alice'"), "");
}

/// A program that never ends in the place of git.
#[test]
fn git_is_not_waited_for_forever() {
    let repository = committed();
    repository.write("tools/git", "#!/bin/sh\nexec /bin/sleep 60\n");
    fs::set_permissions(
        repository.path("tools/git"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    repository.write("empty.log", "");
    let start = Instant::now();
    let run = Run::of(
        repository
            .command()
            .env("PATH", repository.path("tools"))
            .args([
                "--call-timeout",
                "1",
                "rules",
                "impact",
                "--env",
                "local",
                "--base",
                "main",
                "empty.log",
            ])
            .output()
            .unwrap(),
    )
    .exits(1);
    assert!(
        run.err
            .contains("gave up on `git rev-parse`: no answer within 1 second"),
        "{}",
        run.err
    );
    assert!(start.elapsed() < Duration::from_secs(30));
}

/// A repository's own configuration names programs in many places.
#[test]
fn nothing_that_a_repository_names_is_run() {
    let repository = committed();
    let root = repository.path("");
    let trap = repository.path("trap");
    let sprung = repository.path("sprung");
    let script = format!("#!/bin/sh\necho \"$0 $*\" >>'{}'\ncat\n", sprung.display());
    fs::write(&trap, script).unwrap();
    fs::set_permissions(&trap, fs::Permissions::from_mode(0o755)).unwrap();
    let trap = trap.to_str().unwrap();
    repository.write(".gitattributes", "* filter=trap diff=trap\n");
    repository.edit("rules/rules.yaml", "owner: shop", "owner: shops");
    commit(&root, "mallory@example.com");
    for setting in [
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "core.sshCommand",
        "gpg.program",
        "diff.external",
        "diff.trap.command",
        "diff.trap.textconv",
        "filter.trap.clean",
        "filter.trap.smudge",
        "filter.trap.process",
        "pager.log",
        "pager.diff",
        "pager.status",
    ] {
        git(&root, &["config", setting, trap]);
    }
    git(&root, &["config", "log.showSignature", "true"]);
    git(&root, &["config", "filter.trap.required", "true"]);
    for hook in ["post-index-change", "fsmonitor-watchman"] {
        fs::copy(trap, repository.path(&format!(".git/hooks/{hook}"))).unwrap();
    }
    // The index no longer knows whether the files are what they were: git would look at them through the filter.
    repository.edit("rules/rules.yaml", "owner: shops", "owner: shop ");
    let run = impact(&repository, &[]);
    assert!(run.code != 1, "{}{}", run.out, run.err);
    let told = fs::read_to_string(&sprung).unwrap_or_default();
    assert_eq!(told, "", "{told}");
}

/// What is not read in a folder is not read in a revision either, and is told; the change that removes it can be reviewed.
#[test]
fn a_base_with_what_is_not_read_does_not_block_its_removal() {
    let repository = Repository::new();
    let root = repository.path("");
    git(&root, &["init", "-q", "-b", "main"]);
    let deep = format!("rules/{}alice.yaml", "d/".repeat(17));
    symlink("/etc/passwd", repository.path("rules/link.yaml")).unwrap();
    repository.write(&deep, "version: 1\n");
    repository.write("rules/large.yaml", &"#".repeat((1 << 20) + 1));
    commit(&root, "alice@example.com");
    let head = git(&root, &["rev-parse", "HEAD"]);
    let entry = format!("160000,{head},rules/shared");
    git(&root, &["update-index", "--add", "--cacheinfo", &entry]);
    git(&root, &["commit", "-q", "-m", "submodule"]);
    let faults = |run: &Run| {
        for code in [
            "source/symbolic-link",
            "source/too-deep",
            "source/too-large",
            "source/submodule",
        ] {
            assert!(run.err.contains(code), "{code}: {}", run.err);
        }
    };
    git(&root, &["checkout", "-q", "-b", "change"]);
    // As a revision, and as a folder.
    repository.write("note.txt", "1");
    commit(&root, "alice@example.com");
    git(&root, &["update-index", "--add", "--cacheinfo", &entry]);
    git(&root, &["commit", "-q", "--allow-empty", "-m", "again"]);
    faults(&impact(&repository, &["--head", "change"]).exits(10));
    fs::create_dir_all(repository.path("rules/shared")).unwrap();
    fs::write(repository.path("rules/shared/.git"), "gitdir: elsewhere\n").unwrap();
    faults(&impact(&repository, &[]).exits(10));
    // The change that removes them.
    fs::remove_dir_all(repository.path("rules/shared")).unwrap();
    fs::remove_dir_all(repository.path("rules/d")).unwrap();
    fs::remove_file(repository.path("rules/link.yaml")).unwrap();
    fs::remove_file(repository.path("rules/large.yaml")).unwrap();
    commit(&root, "alice@example.com");
    for more in [&["--head", "change"][..], &[]] {
        let run = impact(&repository, more);
        assert!(!run.err.contains("source/"), "{}", run.err);
        assert!(
            ![1, 10].contains(&run.code) || run.err.is_empty(),
            "{} {}",
            run.out,
            run.err
        );
    }
}

/// No line of any output is a command of a pipeline's runner.
#[track_caller]
fn is_inert(run: &Run) {
    for line in run.out.lines().chain(run.err.lines()) {
        assert!(!line.trim_start().starts_with("::"), "{line}");
        for command in ["##[", "##vso[", "##teamcity["] {
            assert!(!line.contains(command), "{line}");
        }
    }
}

#[test]
fn hostile_names_are_no_commands_in_any_output() {
    let repository = Repository::new();
    let hostile = "x\n::error::pwn\n##[error]pwn\n##vso[task.setvariable variable=a]b\n";
    repository.write(&format!("rules/{hostile}.yaml"), "version: 1\nfoo: 1\n");
    symlink(
        "/etc/passwd",
        repository.path(&format!("rules/{hostile}link.yaml")),
    )
    .unwrap();
    for format in ["human", "json"] {
        let run = repository.run(&["check", "--format", format]).exits(10);
        assert!(run.out.contains("pwn"), "{}", run.out);
        is_inert(&run);
    }
    let run = repository.run(&["check", "--format", "github"]).exits(10);
    for line in run.out.lines() {
        assert!(
            line.starts_with("::error file=") || line.starts_with("::warning file="),
            "{line}"
        );
        assert!(!line.contains("##["), "{line}");
    }
    // In logs: roles, statements, and the name of the log itself.
    let repository = Repository::new();
    let name = format!("{hostile}.log");
    let role = "##[error]eve";
    let entry = |role: &str, statement: &str| {
        format!(
            "2026-11-22 09:00:00 UTC:10.0.3.17(51234):{role}@shop:[4711]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,{statement},<none>\n"
        )
    };
    let text =
        entry("alice", "\"select 1\n\t::error::pwn\n\t##vso[x]y\"") + &entry(role, "select 2");
    repository.write(&name, &text);
    for args in [
        &["rules", "eval", "--env", "local"][..],
        &["rules", "eval", "--env", "local", "--format", "jsonl"],
        &["rules", "eval", "--env", "local", "--summary"],
        &[
            "rules",
            "eval",
            "--env",
            "local",
            "--summary",
            "--format",
            "json",
        ],
        &["rules", "explain", "--env", "local"],
    ] {
        let mut args = args.to_vec();
        args.push(&name);
        let run = repository.run(&args);
        assert!(
            run.out.contains("pgvigil") || !run.out.is_empty(),
            "{args:?}: {}",
            run.err
        );
        is_inert(&run);
        if args.contains(&"jsonl") {
            let statements: Vec<serde_json::Value> = run
                .out
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            assert!(
                statements
                    .iter()
                    .any(|line| line.to_string().contains("##vso[x]y")),
                "{}",
                run.out
            );
        }
    }
    is_inert(&repository.run(&[
        "rules",
        "eval",
        "--env",
        "local",
        "::error::x\n##[error]y.log",
    ]));
    is_inert(&repository.run(&["plan", "--env", "\n::error::x"]));
}

#[test]
fn a_path_in_a_command_to_paste_is_one_word() {
    let repository = Repository::new();
    for (path, word) in [
        ("a b; touch X", "'a b; touch X'"),
        ("$(touch X)", "'$(touch X)'"),
        ("it's", "'it'\\''s'"),
        ("plain.plan", "plain.plan"),
    ] {
        let run = repository
            .run(&["plan", "--env", "local", "--out", path])
            .exits(0);
        let line = format!("apply it with `pgvigil apply --env local {word}`");
        assert!(run.err.contains(&line), "{}", run.err);
    }
    // It is not taken for an option.
    let run = repository
        .run(&["plan", "--env", "local", "--out=-x.plan"])
        .exits(0);
    assert!(
        run.err.contains("`pgvigil apply --env local ./-x.plan`"),
        "{}",
        run.err
    );
}

#[test]
fn the_local_provider_writes_nothing_through_a_link() {
    let repository = Repository::new();
    let outside = tempfile::tempdir().unwrap();
    repository.edit("environments/local.yaml", "folder: live", "folder: lnk/x");
    symlink(outside.path(), repository.path("lnk")).unwrap();
    let run = repository.run(&["apply", "--env", "local", "--auto-approve"]);
    assert!(
        run.code != 0 && run.err.contains("is a symbolic link"),
        "{} {}",
        run.code,
        run.err
    );
    let is_empty = |folder: &Path| fs::read_dir(folder).unwrap().next().is_none();
    assert!(is_empty(outside.path()));
    // Nor through one that somebody put into the folder later.
    fs::remove_file(repository.path("lnk")).unwrap();
    repository.edit("environments/local.yaml", "folder: lnk/x", "folder: live");
    repository
        .run(&["apply", "--env", "local", "--auto-approve"])
        .exits(0);
    fs::remove_dir_all(repository.path("live/local/shop")).unwrap();
    symlink(outside.path(), repository.path("live/local/shop")).unwrap();
    let run = repository.run(&["apply", "--env", "local", "--auto-approve"]);
    assert!(
        run.code != 0 && (run.out.clone() + &run.err).contains("is a symbolic link"),
        "{} {}",
        run.code,
        run.err
    );
    assert!(is_empty(outside.path()));
}
