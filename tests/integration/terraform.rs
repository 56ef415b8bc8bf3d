//! Terraform, where the machine has it and a mirror of its AWS provider: neither can be had from the registries that
//! the tests install from.

#![cfg_attr(
    not(feature = "aws"),
    allow(
        dead_code,
        reason = "a take-over needs something that was applied to AWS"
    )
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The folder of providers, in the layout of `terraform providers mirror`; `PGVIGIL_TF_PLUGINS` names another.
const PLUGINS: &str = "/opt/tf-plugins";

/// What an import shows as changed though AWS holds no such thing: it stands in Terraform's state only. The package
/// is uploaded again, since the state does not know its digest.
pub(crate) const STATE_ONLY: &[&str] = &[
    "aws_cloudwatch_log_group.skip_destroy",
    "aws_kms_key.bypass_policy_lockout_safety_check",
    "aws_lambda_function.filename",
    "aws_lambda_function.publish",
    "aws_lambda_function.source_code_hash",
];

/// Terraform in the folder of a module.
pub(crate) struct Terraform {
    module: PathBuf,
    variables: BTreeMap<String, String>,
    /// Holds the configuration of the command line.
    settings: TempDir,
}

impl Terraform {
    /// Terraform for that module; nothing where the machine has no Terraform or no AWS provider.
    pub(crate) fn in_folder(module: &Path) -> Option<Self> {
        let plugins = std::env::var("PGVIGIL_TF_PLUGINS").unwrap_or_else(|_| PLUGINS.to_owned());
        let has_provider = Path::new(&plugins)
            .join("registry.terraform.io/hashicorp/aws")
            .is_dir();
        let has_terraform = Command::new("terraform").arg("-version").output().is_ok();
        if !has_provider || !has_terraform {
            return None;
        }
        let settings = tempfile::tempdir().unwrap();
        std::fs::write(
            settings.path().join("terraformrc"),
            format!("provider_installation {{\n  filesystem_mirror {{\n    path = {plugins:?}\n  }}\n}}\n"),
        )
        .unwrap();
        Some(Self {
            module: module.to_owned(),
            variables: BTreeMap::new(),
            settings,
        })
    }

    /// Sets a variable of the module, such as `package` or `from_env_NAME`.
    pub(crate) fn variable(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Sends every call to this URL instead of AWS, by an override file beside the module.
    pub(crate) fn point_at(&self, endpoint: &str) {
        let services = [
            "cloudwatch",
            "events",
            "iam",
            "kms",
            "lambda",
            "logs",
            "sns",
            "sts",
        ];
        let endpoints: BTreeMap<&str, &str> = services
            .iter()
            .map(|service| (*service, endpoint))
            .collect();
        let provider = json!({ "provider": { "aws": {
            "access_key": "test",
            "secret_key": "test",
            "endpoints": [endpoints],
            "max_retries": 2,
            "skip_credentials_validation": true,
            "skip_metadata_api_check": "true",
            "skip_region_validation": true,
        } } });
        std::fs::write(
            self.module.join("endpoint_override.tf.json"),
            provider.to_string(),
        )
        .unwrap();
    }

    fn output(&self, arguments: &[&str]) -> Output {
        let (command, options) = arguments.split_first().unwrap();
        let mut terraform = Command::new("terraform");
        terraform
            .arg(command)
            .args(options)
            .current_dir(&self.module)
            .env(
                "TF_CLI_CONFIG_FILE",
                self.settings.path().join("terraformrc"),
            )
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_INPUT", "0")
            .env("CHECKPOINT_DISABLE", "1");
        for (name, value) in &self.variables {
            terraform.env(format!("TF_VAR_{name}"), value);
        }
        terraform.output().unwrap()
    }

    /// Runs a command that must succeed, and returns what it printed.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let ran = self.output(arguments);
        assert!(
            ran.status.success(),
            "terraform {}\n{}{}",
            arguments.join(" "),
            String::from_utf8_lossy(&ran.stdout),
            String::from_utf8_lossy(&ran.stderr)
        );
        String::from_utf8(ran.stdout).unwrap()
    }

    /// A plan that takes over what is there. The ids are those that AWS chose, by the resource's address.
    #[track_caller]
    pub(crate) fn takeover(&mut self, import_ids: &BTreeMap<String, String>) -> Takeover {
        self.variable("take_over", "true");
        self.variable("import_ids", &json!(import_ids).to_string());
        let file = self.settings.path().join("plan");
        let file = file.to_str().unwrap();
        self.run(&["plan", "-no-color", "-out", file]);
        let plan: Value = serde_json::from_str(&self.run(&["show", "-json", file])).unwrap();
        Takeover::of(&plan)
    }
}

/// What a plan with imports would do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Takeover {
    /// Addresses of what is imported.
    pub(crate) imported: BTreeSet<String>,
    /// Addresses of what would be made, deleted or replaced.
    pub(crate) made_or_deleted: BTreeSet<String>,
    /// `TYPE.ARGUMENT` of what would be changed in place, without [`STATE_ONLY`].
    pub(crate) changed: BTreeSet<String>,
}

impl Takeover {
    /// Reads a plan as `terraform show -json` prints it:
    /// <https://developer.hashicorp.com/terraform/internals/json-format#plan-representation>
    fn of(plan: &Value) -> Self {
        let mut takeover = Self::default();
        for resource in plan["resource_changes"].as_array().unwrap() {
            let address = resource["address"].as_str().unwrap().to_owned();
            let change = &resource["change"];
            if change.get("importing").is_some() {
                takeover.imported.insert(address.clone());
            }
            match change["actions"].as_array().unwrap().as_slice() {
                [action] if action == "no-op" || action == "read" => {}
                [action] if action == "update" => {
                    let of_type = resource["type"].as_str().unwrap();
                    takeover.changed.extend(changed(of_type, change));
                }
                _ => {
                    takeover.made_or_deleted.insert(address);
                }
            }
        }
        takeover
    }
}

/// Arguments that would differ afterwards; what is computed anew, such as the time of the change, is none.
fn changed(of_type: &str, change: &Value) -> Vec<String> {
    let after = change["after"].as_object().unwrap();
    after
        .iter()
        .filter(|(argument, value)| change["before"][argument.as_str()] != **value)
        .map(|(argument, _)| format!("{of_type}.{argument}"))
        .filter(|argument| !STATE_ONLY.contains(&argument.as_str()))
        .collect()
}

#[test]
fn a_takeover_tells_changes_from_what_only_the_state_holds() {
    let change = |actions: Value, before: Value, after: Value| json!({ "actions": actions, "before": before, "after": after, "importing": { "id": "x" } });
    let plan = json!({ "resource_changes": [
        { "address": "aws_sns_topic.a", "type": "aws_sns_topic",
          "change": change(json!(["no-op"]), json!({"a": 1}), json!({"a": 1})) },
        { "address": "aws_cloudwatch_log_group.b", "type": "aws_cloudwatch_log_group",
          "change": change(json!(["update"]), json!({"skip_destroy": false, "tags": {}}), json!({"skip_destroy": true, "tags": {"a": "b"}})) },
        { "address": "aws_kms_key.c", "type": "aws_kms_key",
          "change": { "actions": ["create"], "before": null, "after": {} } },
    ] });
    let takeover = Takeover::of(&plan);
    assert_eq!(takeover.imported.len(), 2);
    let set = |text: &str| BTreeSet::from([text.to_owned()]);
    assert_eq!(takeover.changed, set("aws_cloudwatch_log_group.tags"));
    assert_eq!(takeover.made_or_deleted, set("aws_kms_key.c"));
}
