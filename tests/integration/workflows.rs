//! This repository's workflows, step by step on this machine: with a forge, an account, and the program that was built.

#![cfg(all(feature = "aws", feature = "http"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::begin::Https;
use crate::forge::{Forge, TOKEN};
use crate::git::{commit, git};
use crate::moto::{Moto, package, target};

fn source() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every workflow by its file's name, as a parser of YAML reads it.
fn workflows() -> serde_json::Map<String, Value> {
    let read = "import glob, json, os, sys, yaml\nprint(json.dumps({os.path.basename(f): {str(k): v for k, v in yaml.safe_load(open(f)).items()} for f in glob.glob(sys.argv[1] + '/*.yml')}, default=str))";
    // The key `on` is true to YAML 1.1, and no text.
    let mut python = Command::new(target().join("venv/bin/python"));
    let output = python
        .args(["-c", read])
        .arg(source().join(".github/workflows"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let found: serde_json::Map<String, Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(found.len() >= 4);
    found
}

/// A checkout of the repository, as a job has it.
struct Machine {
    folder: TempDir,
    moto: Moto,
    forge: Forge,
}

impl Machine {
    fn new() -> Self {
        let machine = Self {
            folder: tempfile::tempdir().unwrap(),
            moto: Moto::start(),
            forge: Forge::start(),
        };
        for name in [
            "rules/users.yaml",
            "rules/exclusions.yaml",
            "environments/base.yaml",
            "environments/production.yaml",
            "action.yml",
            "action/program",
            "action/run",
        ] {
            let target = machine.workspace().join(name);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(source().join(name), target).unwrap();
        }
        // Building takes minutes: what was built stands in for it.
        let tools = machine.folder.path().join("tools");
        fs::create_dir_all(&tools).unwrap();
        let program = env!("CARGO_BIN_EXE_pgvigil");
        let cargo = format!(
            "#!/bin/bash\nset -eu\n[[ $1 == build ]]\nprofile=debug\n[[ \" $* \" != *\" --release \"* ]] || profile=release\n\
             mkdir -p target/$profile\ncp '{program}' target/$profile/pgvigil\n"
        );
        fs::write(tools.join("cargo"), cargo).unwrap();
        Command::new("chmod")
            .arg("+x")
            .arg(tools.join("cargo"))
            .status()
            .unwrap();
        package(&tools.join("pgvigil-monitor-arm64.zip"), "#!/bin/sh\n");
        let made = format!(
            "#!/bin/bash\nset -eu\nmkdir -p \"$2\"\ncp '{}'/*.zip \"$2\"\n",
            tools.display()
        );
        machine.write("action/package", &made);
        Command::new("chmod")
            .arg("+x")
            .arg(machine.workspace().join("action/package"))
            .status()
            .unwrap();
        machine.git(&["init", "-q", "-b", "main"]);
        machine.write(
            ".gitignore",
            "/target\n/pgvigil-ci\n/pgvigil-applied\n/monitor-packages\n",
        );
        machine.commit();
        for cluster in ["shop-orders", "shop-billing"] {
            let group = json!({"logGroupName": format!("/aws/rds/cluster/{cluster}/postgresql")});
            machine.moto.call(
                "eu-central-1",
                "logs",
                Some("Logs_20140328.CreateLogGroup"),
                &group.to_string(),
            );
        }
        machine
    }

    fn workspace(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.workspace().join(name), text).unwrap();
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.workspace().join(name)).unwrap();
        assert!(text.contains(from), "{name}");
        self.write(name, &text.replacen(from, to, 1));
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(&self.workspace(), arguments)
    }

    fn commit(&self) {
        commit(&self.workspace(), "a@example.com");
    }

    /// Runs a job.
    fn job(&self, workflow: &str, job: &str, mut event: Value) -> Value {
        let tools = self.folder.path().join("tools");
        let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
        event["artifacts"] = self
            .folder
            .path()
            .join("artifacts")
            .to_string_lossy()
            .into();
        event["env"] =
            json!({"PATH": path, "HOME": self.folder.path(), "AWS_EC2_METADATA_DISABLED": "true"});
        let role = json!({
            "AWS_ENDPOINT_URL": self.moto.endpoint(), "AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "eu-central-1",
        });
        event["role"] = json!({"arn:reads": role, "arn:writes": role});
        for (key, value) in [
            ("api_url", self.forge.url()),
            ("token", TOKEN.to_owned()),
            ("repository", "shop/audit".to_owned()),
        ] {
            event["github"][key] = value.into();
        }
        let file = self.folder.path().join("event.json");
        fs::write(&file, event.to_string()).unwrap();
        let output = Command::new(target().join("venv/bin/python"))
            .arg(source().join("tests/workflow/runner.py"))
            .arg(source().join(".github/workflows").join(workflow))
            .arg(job)
            .arg(self.workspace())
            .arg(&file)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains("hunter2"), "a secret is shown: {text}");
        serde_json::from_str(&text).unwrap()
    }
}

fn pull_request(fork: bool) -> Value {
    let from = if fork { "mallory/audit" } else { "shop/audit" };
    json!({
        "github": {
            "ref": "refs/pull/12/merge", "base_ref": "base", "sha": "abc", "server_url": "https://github.example", "run_id": "77",
            "event": {"pull_request": {"number": "12", "base": {"sha": "base"}, "head": {"repo": {"full_name": from}}}},
        },
        "vars": {"PGVIGIL_PLAN_ROLE": "arn:reads", "PGVIGIL_REGION": "eu-central-1"},
    })
}

fn step<'a>(job: &'a Value, name: &str) -> &'a str {
    let steps = job["steps"].as_array().unwrap();
    let found = steps.iter().find(|step| step["name"] == name);
    found.unwrap_or_else(|| panic!("{name}: {job}"))["conclusion"]
        .as_str()
        .unwrap()
}

#[test]
fn a_review_is_published_by_a_job_that_runs_nothing_of_the_change() {
    let machine = Machine::new();
    machine.git(&["update-ref", "refs/remotes/origin/base", "HEAD"]);
    machine.edit(
        "rules/exclusions.yaml",
        "exclusions:\n",
        "exclusions:\n  - id: wide\n    title: Wide\n    reason: Somebody says that this is only noise, and it is not\n    owner: x\n    \
         created: 2026-11-22\n    expires: 2027-03-01\n    environments: all\n    match: {statement: {contains: DBeaver}}\n    samples:\n      \
         silences: [{class: READ, command: SELECT, object_type: none, statement: select 1 /* DBeaver */}]\n      \
         stays_loud: [{class: READ, command: SELECT, object_type: none, statement: select 1}]\n",
    );
    machine.commit();
    let event = pull_request(false);
    let review = machine.job("policy-review.yml", "review", event.clone());
    assert_eq!(review["result"], "failure", "{review}");
    assert_eq!(
        (
            step(&review, "Role that reads"),
            step(&review, "Review"),
            step(&review, "Result")
        ),
        ("success", "failure", "success")
    );
    assert!(
        review["summary"]
            .as_str()
            .unwrap()
            .contains("must not be merged"),
        "{}",
        review["summary"]
    );
    assert!(
        machine.forge.state().calls.is_empty(),
        "the job that reviews asked the forge"
    );

    let program = machine.job("policy-review.yml", "program", event.clone());
    assert_eq!(program["result"], "success", "{program}");
    let mut event = event;
    event["needs"] = json!({"program": {"result": "success"}, "review": {"result": "failure"}});
    let publish = machine.job("policy-review.yml", "publish", event);
    assert_eq!(publish["result"], "success", "{publish}");
    assert_eq!(publish["permissions"]["pull-requests"], "write");
    let state = machine.forge.state();
    assert_eq!(state.comments.len(), 1);
    assert!(
        state.comments[0].body.contains("wide") && state.comments[0].body.contains("DBeaver"),
        "{}",
        state.comments[0].body
    );
}

/// The status comes from the base's workflow, on a push and on a review alike; the change is there as data.
#[test]
fn approvals_are_looked_at_by_the_workflow_of_the_base() {
    let machine = Machine::new();
    let base = machine.git(&["rev-parse", "HEAD"]);
    machine.git(&["remote", "add", "origin", "."]);
    machine.git(&["checkout", "-q", "-b", "change"]);
    machine.edit("environments/base.yaml", "rate(5 minutes)", "rate(1 hour)");
    machine.commit();
    let head = machine.git(&["rev-parse", "HEAD"]);
    machine.git(&["checkout", "-q", "main"]);
    {
        let mut state = machine.forge.state();
        state.asked.head.clone_from(&head);
        state.asked.base = base;
    }
    let pushed = json!({"pull_request": {"head": {"sha": head}}});
    let reviewed = json!({"workflow_run": {"head_sha": head}});
    for (event, approvals) in [(pushed, 0), (reviewed, 2)] {
        machine.forge.state().asked.said = ["dave", "erin"]
            .iter()
            .take(approvals)
            .map(|by| crate::forge::Said {
                by,
                state: "APPROVED",
                is_of_head: true,
                association: "MEMBER",
            })
            .collect();
        let event = json!({"github": {"ref": "refs/heads/main", "sha": "abc", "event": event}});
        let program = machine.job("policy-approvals.yml", "program", event.clone());
        assert_eq!(program["result"], "success", "{program}");
        let mut event = event;
        event["needs"] = json!({"program": {"result": "success"}});
        let job = machine.job("policy-approvals.yml", "approvals", event);
        assert_eq!(job["result"], "success", "{job}");
        assert_eq!(job["permissions"]["statuses"], "write");
        let state = machine.forge.state();
        let (commit, word, text) = state.statuses.last().unwrap();
        assert_eq!(*commit, head);
        let expected = if approvals == 2 { "success" } else { "failure" };
        assert_eq!(word, expected, "{text}");
    }
}

#[test]
fn a_fork_is_reviewed_without_any_right() {
    let machine = Machine::new();
    machine.git(&["update-ref", "refs/remotes/origin/base", "HEAD"]);
    machine.edit(
        "environments/production.yaml",
        "stage: production",
        "stage: prod",
    );
    machine.commit();
    let review = machine.job("policy-review.yml", "review", pull_request(true));
    assert_eq!(
        (
            review["result"].as_str().unwrap(),
            step(&review, "Role that reads")
        ),
        ("success", "skipped"),
        "{review}"
    );
    assert!(
        review["summary"]
            .as_str()
            .unwrap()
            .contains("no valid credentials"),
        "{}",
        review["summary"]
    );
    let mut event = pull_request(true);
    assert_eq!(
        machine.job("policy-review.yml", "program", event.clone())["result"],
        "skipped"
    );
    event["needs"] = json!({"program": {"result": "skipped"}, "review": {"result": "success"}});
    assert_eq!(
        machine.job("policy-review.yml", "publish", event)["result"],
        "skipped"
    );
    assert!(machine.forge.state().calls.is_empty());
}

#[test]
fn a_merge_is_planned_approved_and_applied_and_drift_becomes_an_issue() {
    let machine = Machine::new();
    let before = machine.git(&["rev-parse", "HEAD"]);
    machine.edit(
        "environments/production.yaml",
        "stage: production",
        "stage: prod",
    );
    machine.commit();
    let event = |needs: Value| {
        json!({
            "github": {"ref": "refs/heads/main", "sha": "abc", "event": {"before": before}},
            "vars": {"PGVIGIL_PLAN_ROLE": "arn:reads", "PGVIGIL_APPLY_ROLE": "arn:writes", "PGVIGIL_REGION": "eu-central-1"},
            "secrets": {"INCIDENT_URL": "https://incident.example.com/hook?key=hunter2"},
            "needs": needs,
        })
    };
    let plan = machine.job("policy-apply.yml", "plan", event(json!({})));
    assert_eq!(plan["result"], "success", "{plan}");
    assert_eq!(plan["outputs"]["environments"], "[\"production\"]");
    let writes = |machine: &Machine| {
        machine
            .moto
            .calls()
            .iter()
            .filter(|call| call.writes)
            .count()
    };
    // Those with which the test made the log groups.
    let made = writes(&machine);
    let needs = json!({"plan": {"result": "success", "outputs": plan["outputs"]}});
    let apply = machine.job("policy-apply.yml", "apply", event(needs));
    assert_eq!(apply["result"], "success", "{apply}");
    assert!(writes(&machine) > made);

    machine.moto.by_hand("eu-central-1", "events = client('events')\nevents.disable_rule(Name=events.list_rules()['Rules'][0]['Name'])\n");
    let drift = machine.job("policy-drift.yml", "drift", event(json!({})));
    assert_eq!(
        (drift["result"].as_str().unwrap(), step(&drift, "Result")),
        ("failure", "success"),
        "{drift}"
    );
    let publish = machine.job(
        "policy-drift.yml",
        "publish",
        event(json!({"drift": {"result": "failure"}})),
    );
    assert_eq!(publish["result"], "success", "{publish}");
    assert!(machine.forge.state().issues[0].body.contains("DISABLED"));
}

/// The action's step that finds the program, with a release on loopback and a `gh` that knows one archive.
#[test]
fn the_action_takes_a_release_with_its_digest_and_its_provenance() {
    let shop = TempDir::new().unwrap();
    let at = |path: &str| shop.path().join(path);
    let make = "set -eu\n\
        case $(uname -sm) in *x86_64) here=x86_64-unknown-linux-gnu ;; *) here=aarch64-unknown-linux-gnu ;; esac\n\
        mkdir -p releases/v9.9.9 \"pgvigil-9.9.9-$here\" tools none\n\
        printf '#!/bin/sh\\necho pgvigil 9.9.9${GH_TOKEN:+ with a token}\\n' >\"pgvigil-9.9.9-$here/pgvigil\"\n\
        chmod 0755 \"pgvigil-9.9.9-$here/pgvigil\"\n\
        tar -czf \"releases/v9.9.9/pgvigil-9.9.9-$here.tar.gz\" \"pgvigil-9.9.9-$here\"\n\
        printf '#!/bin/sh\\nset -eu\\n[ \"$GH_TOKEN\" = secret ]\\n[ \"$1 $2 $4 $5\" = \"attestation verify --repo shop/pgvigil\" ]\\n\
        [ \"$6 $7\" = \"--signer-workflow shop/pgvigil/.github/workflows/release.yml\" ]\\n[ \"$8 $9\" = \"--source-ref refs/tags/v9.9.9\" ]\\n' >tools/gh\n\
        chmod 0755 tools/gh\n\
        sha256sum releases/v9.9.9/*.tar.gz";
    let made = Command::new("bash")
        .args(["-c", make])
        .current_dir(shop.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let line = String::from_utf8(made.stdout).unwrap();
    let (sum, archive) = line.trim().split_once("  ").unwrap();
    let https = Https::start(shop.path());
    let url = format!("https://localhost:{}/{archive}", https.port);
    let run = |more: &[(&str, &str)]| {
        let machine = TempDir::new().unwrap();
        let output = machine.path().join("output");
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new("bash");
        command
            .arg(source().join("action/program"))
            .env_clear()
            .env("PATH", format!("{}:{path}", at("tools").display()))
            .env("RUNNER_TEMP", machine.path())
            .env("GITHUB_OUTPUT", &output)
            .env("CURL_CA_BUNDLE", at("cert.pem"))
            .env("GH_TOKEN", "secret")
            .envs([("VERSION", "9.9.9"), ("SHA256", sum), ("URL", &url)])
            .envs([("REPOSITORY", "shop/pgvigil"), ("PROVENANCE", "true")])
            .envs(more.iter().copied());
        let done = command.output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout).into_owned()
            + &String::from_utf8_lossy(&done.stderr);
        let program = fs::read_to_string(output).ok();
        assert_eq!(program.is_some(), done.status.success(), "{said}");
        assert!(!said.contains("with a token"), "{said}");
        (done.status.success(), said)
    };
    let (is_done, said) = run(&[]);
    assert!(is_done && said.ends_with("pgvigil 9.9.9\n"), "{said}");
    let other = "0".repeat(64);
    let missing = url.replace("v9.9.9", "v9.9.8");
    for (more, words) in [
        (&[("VERSION", "")][..], "set the inputs version"),
        (&[("VERSION", "9.9.9;id")], "set the inputs version"),
        (&[("SHA256", "")], "set the inputs version"),
        (&[("SHA256", &other)], "does not have the digest"),
        (&[("URL", &missing)], "could not be fetched"),
        (
            &[("URL", ""), ("REPOSITORY", "")],
            "set the input repository",
        ),
        (&[("REPOSITORY", "")], "set the input repository"),
        (
            &[("REPOSITORY", "else/pgvigil")],
            "was not built by the release",
        ),
        (&[("GH_TOKEN", "")], "was not built by the release"),
    ] {
        let (is_done, said) = run(more);
        assert!(!is_done && said.contains(words), "{more:?}: {said}");
    }
    let (is_done, said) = run(&[("PROVENANCE", "false"), ("REPOSITORY", "")]);
    assert!(is_done, "{said}");
}

/// What builds a program that others run comes by its digest.
#[test]
fn what_builds_is_installed_by_hash() {
    let mut scripts = Vec::new();
    for folder in ["action", "release", ".github/workflows"] {
        for entry in fs::read_dir(source().join(folder)).unwrap() {
            scripts.push(entry.unwrap().path());
        }
    }
    let mut installs = 0;
    for script in scripts.iter().filter(|path| path.is_file()) {
        let text = fs::read_to_string(script).unwrap().replace("\\\n", " ");
        for line in text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .filter(|line| {
                ["pip\" install", "pip install", "pip download"]
                    .iter()
                    .any(|word| line.contains(word))
            })
        {
            installs += 1;
            assert!(
                line.contains("--require-hashes"),
                "{}: {line}",
                script.display()
            );
        }
    }
    assert!(installs >= 3);
}

/// In a workflow of a pull request, whoever may write has nothing of it but data: neither its sources nor a program made of them.
#[test]
fn no_job_that_may_write_has_a_program_of_a_change() {
    let is_of_base = |step: &Value| {
        let with = &step["with"];
        with["ref"] == "${{ github.event.pull_request.base.sha }}"
    };
    for (name, workflow) in workflows() {
        // The event `pull_request_target` checks out the base by itself.
        if workflow["on"].get("pull_request").is_none()
            && workflow["True"].get("pull_request").is_none()
        {
            continue;
        }
        let jobs = workflow["jobs"].as_object().unwrap();
        let steps = |job: &Value| job["steps"].as_array().cloned().unwrap_or_default();
        let uses = |step: &Value, action: &str| {
            let text = step["uses"].as_str().unwrap_or_default();
            text.starts_with(&format!("actions/{action}@"))
        };
        // Artifacts with something that can be run, of a job that has the change's sources.
        let mut programs = Vec::new();
        for job in jobs.values() {
            let has_change = steps(job)
                .iter()
                .any(|step| uses(step, "checkout") && !is_of_base(step));
            for step in steps(job)
                .iter()
                .filter(|step| uses(step, "upload-artifact"))
            {
                let path = step["with"]["path"].as_str().unwrap();
                if has_change && path != "pgvigil-ci" {
                    programs.push(step["with"]["name"].clone());
                }
            }
        }
        for (job, about) in jobs {
            let writes = about["permissions"].as_object().is_some_and(|rights| {
                rights
                    .iter()
                    .any(|(what, right)| right == "write" && what != "id-token")
            });
            for step in steps(about).iter().filter(|_| writes) {
                assert!(
                    !uses(step, "checkout") || is_of_base(step),
                    "{name}: {job} may write, and checks out the change"
                );
                assert!(
                    !uses(step, "download-artifact") || !programs.contains(&step["with"]["name"]),
                    "{name}: {job} may write, and downloads a program of the change"
                );
            }
        }
    }
}

/// What a linter does not know: who may write what.
#[test]
fn no_job_that_runs_a_change_may_write() {
    for (name, workflow) in workflows() {
        let jobs = workflow["jobs"].as_object().unwrap();
        for (job, about) in jobs {
            let of_all = json!({});
            let permissions = about
                .get("permissions")
                .or(workflow.get("permissions"))
                .unwrap_or(&of_all);
            let writes: Vec<&String> = permissions
                .as_object()
                .unwrap_or_else(|| panic!("{name}: {job} has no permissions of its own"))
                .iter()
                .filter(|(_, right)| *right == "write")
                .map(|(what, _)| what)
                .collect();
            let text = about.to_string();
            // A token for a role of the account writes nothing of the repository.
            let builds = text.contains("cargo build") || text.contains(".ci/run");
            let may_write = writes.iter().any(|what| *what != "id-token");
            assert!(
                !(builds && may_write) || name == "release.yml",
                "{name}: {job} builds and may write {writes:?}"
            );
            assert!(
                about.get("timeout-minutes").is_some(),
                "{name}: {job} may run for hours"
            );
        }
    }
}

#[test]
fn a_linter_finds_nothing() {
    let zizmor = target().join("venv/bin/zizmor");
    assert!(
        zizmor.exists(),
        "zizmor is not installed: run tests/moto/install"
    );
    let output = Command::new(zizmor)
        .args(["--offline", "--no-progress", "--quiet"])
        .arg(source())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("No findings to report"), "{text}");
}
