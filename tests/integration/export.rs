//! The exports for other engines: their golden files, and what the engines' own tools say about them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "helpers of tests may panic, and a test that was not run says so"
)]

#[cfg(feature = "aws")]
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[cfg(feature = "aws")]
use serde_json::Value;

use crate::terraform::Terraform;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs `compile` on the shipped policy.
fn compile(out: &Path, options: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pgvigil"))
        .args(["--today", "2026-11-22", "compile", "--root"])
        .arg(root())
        .arg("--out")
        .arg(out)
        .args(options)
        .output()
        .unwrap()
}

#[track_caller]
fn compiled(out: &Path, target: &str) {
    let ran = compile(out, &["--env", "production", "--target", target]);
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{errors}");
    assert!(
        !errors.contains("bucket"),
        "the shipped rules need no bucket: {errors}"
    );
}

/// Holds the written files against `tests/golden/export/`.
#[track_caller]
fn golden(out: &Path, files: &[&str]) {
    let update = std::env::var_os("PGVIGIL_UPDATE").is_some();
    for file in files {
        let text = std::fs::read_to_string(out.join(file)).unwrap();
        let expected = root().join("tests/golden/export").join(file);
        if update {
            std::fs::create_dir_all(expected.parent().unwrap()).unwrap();
            std::fs::write(&expected, &text).unwrap();
        }
        let wanted = std::fs::read_to_string(&expected).unwrap_or_default();
        let differs = text.lines().zip(wanted.lines()).position(|(a, b)| a != b);
        assert!(
            text == wanted,
            "{file} differs from line {:?} on; PGVIGIL_UPDATE=1 rewrites it",
            differs.map(|line| line + 1)
        );
    }
}

#[test]
fn terraform_modules_are_golden() {
    let out = tempfile::tempdir().unwrap();
    compiled(out.path(), "terraform");
    golden(out.path(), &["production/terraform/main.tf.json"]);
}

#[test]
fn cloudformation_templates_are_golden() {
    let out = tempfile::tempdir().unwrap();
    compiled(out.path(), "cloudformation");
    golden(
        out.path(),
        &[
            "production/cloudformation/shop-orders.template.json",
            "production/cloudformation/shop-billing.template.json",
        ],
    );
}

#[test]
fn targets_share_a_folder_and_check_only_their_own_files() {
    let out = tempfile::tempdir().unwrap();
    let out = out.path();
    for target in ["documents", "terraform", "cloudformation"] {
        compiled(out, target);
    }
    // What a fleet keeps beside the module, and a template of a cluster that is no more.
    let backend = out.join("production/terraform/backend.tf");
    std::fs::write(&backend, "").unwrap();
    let left_over = out.join("production/cloudformation/gone.template.json");
    std::fs::write(&left_over, "{}").unwrap();

    for (target, code) in [("documents", 0), ("terraform", 0), ("cloudformation", 12)] {
        let ran = compile(out, &["--env", "production", "--target", target, "--check"]);
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(code), "{target}: {said}");
        assert!(!said.contains("note:"), "{target}: {said}");
    }
    compiled(out, "cloudformation");
    assert!(!left_over.exists() && backend.exists());

    let module = out.join("production/terraform/main.tf.json");
    std::fs::write(&module, "{}").unwrap();
    let options = ["--env", "production", "--target", "terraform", "--check"];
    let ran = compile(out, &options);
    assert_eq!(ran.status.code(), Some(12));
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(said.starts_with("stale    "), "{said}");
    assert!(
        said.contains("-{}\n\\ No newline at end of file\n+{\n"),
        "{said}"
    );
}

/// The layer's file stands beside module and templates. One of other rules, of which nobody speaks any more, goes.
#[test]
fn the_layer_is_written_beside_what_names_it() {
    let out = tempfile::tempdir().unwrap();
    for target in ["terraform", "cloudformation"] {
        let folder = out.path().join("production").join(target);
        std::fs::create_dir_all(&folder).unwrap();
        let old = folder.join(format!("policy-{}.zip", "0".repeat(64)));
        let theirs = folder.join("policy-mine.zip");
        std::fs::write(&old, "").unwrap();
        std::fs::write(&theirs, "").unwrap();
        compiled(out.path(), target);
        assert!(!old.exists() && theirs.exists(), "{target}");
        let layers: Vec<String> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".zip") && name != "policy-mine.zip")
            .collect();
        let [layer] = layers.as_slice() else {
            panic!("{target}: {layers:?}")
        };
        let rules = pgvigil::package::layer::read(&std::fs::read(folder.join(layer)).unwrap());
        let rules = String::from_utf8(rules.unwrap()).unwrap();
        let digest = pgvigil::digest::sha256(&rules);
        assert_eq!(layer, &format!("policy-{digest}.zip"));
    }
}

#[test]
fn a_local_environment_is_refused_by_name_and_left_out_of_all() {
    let out = tempfile::tempdir().unwrap();
    for target in ["terraform", "cloudformation"] {
        let ran = compile(out.path(), &["--env", "local", "--target", target]);
        assert_eq!(ran.status.code(), Some(2));
        assert_eq!(
            String::from_utf8_lossy(&ran.stderr),
            "error: the environment `local` has the provider `local`: only environments of the provider `aws` can be \
             compiled for another tool\n"
        );
        let ran = compile(out.path(), &["--target", target]);
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(0), "{said}");
        assert!(said.contains("`local` has the provider `local` and is left out"));
        assert!(!out.path().join("local").exists());
    }
}

/// CloudFormation's linter: of the tests' own Python, else on the path.
fn cfn_lint() -> Option<PathBuf> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let own = target.join("venv/bin/cfn-lint");
    if own.is_file() {
        return Some(own);
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join("cfn-lint"))
        .find(|file| file.is_file())
}

#[test]
fn cfn_lint_finds_nothing() {
    let Some(cfn_lint) = cfn_lint() else {
        assert!(
            std::env::var_os("CI").is_none(),
            "cfn-lint is missing: tests/moto/install installs it"
        );
        eprintln!("cfn_lint_finds_nothing: not run, cfn-lint is missing (tests/moto/install)");
        return;
    };
    let out = tempfile::tempdir().unwrap();
    compiled(out.path(), "cloudformation");
    let folder = out.path().join("production/cloudformation");
    let template = folder.join("shop-orders.template.json");
    let ran = Command::new(&cfn_lint).arg(&template).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.is_empty(), "{said}");

    // It looks: a word that CloudFormation does not know is found.
    let text = std::fs::read_to_string(&template).unwrap();
    std::fs::write(&template, text.replace("\"TopicName\"", "\"TopicNome\"")).unwrap();
    let ran = Command::new(&cfn_lint).arg(&template).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(said.contains("TopicNome"), "{said}");
}

/// The monitor's variable names the bus, and its role has the permission on this bus alone.
#[test]
fn an_export_has_the_event_bus_and_the_permission_on_it() {
    let own = "arn:aws:events:eu-central-1:123456789012:event-bus/audit";
    let other = "arn:aws:events:eu-central-1:210987654321:event-bus/security";
    for (events, expected) in [
        (None, None),
        (Some("audit"), Some(own)),
        (Some(other), Some(other)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let events = events.map_or_else(String::new, |bus| format!(", events: \"{bus}\""));
        std::fs::create_dir_all(folder.path().join("environments")).unwrap();
        std::fs::create_dir_all(folder.path().join("rules")).unwrap();
        std::fs::write(
            folder.path().join("environments/prod.yaml"),
            format!(
                "version: 1\nprovider: aws\naccount: \"123456789012\"\nregion: eu-central-1\nclusters: [orders]\n\
                 notifications: {{email: [dba@example.com]{events}}}\n"
            ),
        )
        .unwrap();
        for (target, file) in [
            ("terraform", "main.tf.json"),
            ("cloudformation", "orders.template.json"),
        ] {
            let ran = Command::new(env!("CARGO_BIN_EXE_pgvigil"))
                .args([
                    "--today",
                    "2026-11-22",
                    "compile",
                    "--env",
                    "prod",
                    "--target",
                    target,
                ])
                .args(["--out", "out"])
                .current_dir(folder.path())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&ran.stderr);
            assert!(ran.status.success(), "{said}");
            let written = folder.path().join("out/prod").join(target).join(file);
            let text = std::fs::read_to_string(&written).unwrap();
            let times = |words: &str| text.matches(words).count();
            let found = (times("PGVIGIL_EVENT_BUS"), times("events:PutEvents"));
            match expected {
                None => assert_eq!(found, (0, 0), "{target}"),
                Some(bus) => {
                    assert_eq!(found, (1, 1), "{target}");
                    // The variable and the resource of the statement.
                    assert_eq!(times(bus), 2, "{target}");
                    assert_eq!(times(":event-bus/"), 2, "{target}");
                }
            }
            if target == "cloudformation"
                && let Some(cfn_lint) = cfn_lint()
            {
                let ran = Command::new(&cfn_lint).arg(&written).output().unwrap();
                let said = String::from_utf8_lossy(&ran.stdout);
                assert!(ran.status.success() && said.is_empty(), "{said}");
            }
            if target == "terraform"
                && let Some(terraform) = Terraform::in_folder(written.parent().unwrap())
            {
                terraform.run(&["init"]);
                terraform.run(&["validate"]);
            }
        }
    }
}

#[test]
fn terraform_takes_the_module() {
    let out = tempfile::tempdir().unwrap();
    compiled(out.path(), "terraform");
    let module = out.path().join("production/terraform");
    let Some(terraform) = Terraform::in_folder(&module) else {
        eprintln!("terraform_takes_the_module: not run, terraform or its AWS provider is missing");
        return;
    };
    terraform.run(&["init"]);
    terraform.run(&["validate"]);
}

/// The module of the shipped environment in that folder, ready to plan against the AWS at that URL; nothing where the
/// machine has no Terraform.
#[cfg(feature = "aws")]
pub(crate) fn module_at(folder: &Path, endpoint: &str, package: &Path) -> Option<Terraform> {
    compiled(folder, "terraform");
    let mut terraform = Terraform::in_folder(&folder.join("production/terraform"))?;
    terraform.point_at(endpoint);
    terraform.variable("package", package.to_str().unwrap());
    terraform.variable("from_env_INCIDENT_URL", "https://hooks.example.com/9f8e");
    terraform.run(&["init"]);
    Some(terraform)
}

/// What pgvigil applied, Terraform takes over, and finds nothing to change.
#[cfg(feature = "aws")]
#[test]
fn what_pgvigil_applied_is_taken_over_as_it_is() {
    use crate::moto::{Moto, package};

    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("package.zip");
    package(&zip, "#!/bin/sh\n");
    let moto = Moto::start();
    let Some(mut terraform) = module_at(folder.path(), &moto.endpoint(), &zip) else {
        eprintln!(
            "what_pgvigil_applied_is_taken_over_as_it_is: not run, terraform or its AWS provider is missing"
        );
        return;
    };
    let region = "eu-central-1";
    moto.by_hand(
        region,
        "for name in ['shop-orders', 'shop-billing']:\n    \
         client('logs').create_log_group(logGroupName=f'/aws/rds/cluster/{name}/postgresql')",
    );
    let applied = moto
        .pgvigil(root())
        .args([
            "apply",
            "--env",
            "production",
            "--auto-approve",
            "--package",
        ])
        .arg(&zip)
        .env("INCIDENT_URL", "https://hooks.example.com/9f8e")
        .output()
        .unwrap();
    assert!(applied.status.success(), "{applied:?}");

    // What AWS chose, by the topic's and the query's own name.
    let ids: Value = serde_json::from_str(&moto.by_hand(
        region,
        "ids = {}\n\
         for each in client('sns').list_subscriptions()['Subscriptions']:\n    \
             ids[each['TopicArn'].rpartition(':')[2] + ' ' + each['Protocol']] = each['SubscriptionArn']\n\
         for each in client('logs').describe_query_definitions()['queryDefinitions']:\n    \
             ids[each['name']] = 'arn:aws:logs:eu-central-1:123456789012:query-definition:' + each['queryDefinitionId']\n\
         print(json.dumps(ids))",
    ))
    .unwrap();
    let module = folder.path().join("production/terraform/main.tf.json");
    let module: Value = serde_json::from_str(&std::fs::read_to_string(module).unwrap()).unwrap();
    let resources = &module["resource"];
    let mut import_ids = BTreeMap::new();
    for (key, subscription) in resources["aws_sns_topic_subscription"].as_object().unwrap() {
        let topic = subscription["depends_on"][0].as_str().unwrap();
        let topic = topic.strip_prefix("aws_sns_topic.").unwrap();
        let topic = resources["aws_sns_topic"][topic]["name"].as_str().unwrap();
        let live = format!("{topic} {}", subscription["protocol"].as_str().unwrap());
        let id = ids[live].as_str().unwrap().to_owned();
        import_ids.insert(format!("aws_sns_topic_subscription.{key}"), id);
    }
    for (key, query) in resources["aws_cloudwatch_query_definition"]
        .as_object()
        .unwrap()
    {
        let id = ids[query["name"].as_str().unwrap()]
            .as_str()
            .unwrap()
            .to_owned();
        import_ids.insert(format!("aws_cloudwatch_query_definition.{key}"), id);
    }
    assert_eq!(import_ids.len(), 10);

    let takeover = terraform.takeover(&import_ids);
    // Nobody can change a version of a layer: Terraform publishes one of its own, and functions are told of it.
    let layer = "aws_lambda_layer_version.policy".to_owned();
    assert_eq!(takeover.made_or_deleted, BTreeSet::from([layer]));
    assert_eq!(takeover.changed, BTreeSet::new());
    assert_eq!(takeover.imported.len(), 54);
}
