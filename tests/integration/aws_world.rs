//! A repository whose environment is on AWS, with a server of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::moto::{Moto, package};

/// A repository with one environment, its clusters' log groups, and a package.
pub(crate) struct World {
    pub(crate) moto: Moto,
    clusters: Vec<String>,
    folder: tempfile::TempDir,
}

pub(crate) const REGION: &str = "eu-central-1";

pub(crate) const APPLY: &[&str] = &["apply", "--env", "prod", "--auto-approve", "--package", "."];

impl World {
    pub(crate) fn new(clusters: &[&str]) -> Self {
        Self::on(Moto::start(), clusters)
    }

    /// The same on a server that was started before.
    pub(crate) fn on(moto: Moto, clusters: &[&str]) -> Self {
        let world = Self {
            moto,
            clusters: clusters.iter().map(|name| (*name).to_owned()).collect(),
            folder: tempfile::tempdir().unwrap(),
        };
        let root = world.root();
        fs::create_dir_all(root.join("environments")).unwrap();
        fs::create_dir_all(root.join("rules")).unwrap();
        fs::write(
            root.join("environments/prod.yaml"),
            format!(
                "version: 1\nprovider: aws\naccount: \"123456789012\"\nregion: {REGION}\nclusters: [{}]\n\
                 notifications:\n  email: [dba@example.com]\n  https:\n    - {{from_env: INCIDENT_URL}}\n",
                clusters.join(", ")
            ),
        )
        .unwrap();
        package(&root.join("pgvigil-monitor-arm64.zip"), "#!/bin/sh\n");
        world.fill();
        world
    }

    /// What stands before the first apply: the clusters' log groups, which RDS made.
    fn fill(&self) {
        for cluster in &self.clusters {
            let name = format!("/aws/rds/cluster/{cluster}/postgresql");
            self.json(
                "logs",
                "Logs_20140328.CreateLogGroup",
                &json!({ "logGroupName": name }),
            );
        }
    }

    /// Empties the account, in the place of starting another server.
    pub(crate) fn reset(&self) {
        self.moto.reset();
        self.fill();
    }

    /// Makes a call of a service that speaks JSON.
    pub(crate) fn json(&self, service: &str, target: &str, asked: &Value) -> Value {
        let text = self
            .moto
            .call(REGION, service, Some(target), &asked.to_string());
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Makes a call of a service that speaks XML.
    pub(crate) fn xml(&self, service: &str, asked: &str) -> String {
        self.moto.call(REGION, service, None, asked)
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn by_hand(&self, code: &str) -> String {
        self.moto.by_hand(REGION, code)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.moto.pgvigil(self.root());
        command.args(arguments).env("COLUMNS", "300").env(
            "INCIDENT_URL",
            "https://incident.example.com/hook?key=hunter2",
        );
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String) {
        let Output {
            status,
            stdout,
            stderr,
        } = self.command(arguments).output().unwrap();
        let text = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
        assert!(!text.contains("hunter2"), "a secret is shown: {text}");
        (status.code().unwrap_or(-1), text)
    }

    pub(crate) fn apply(&self) {
        let (code, text) = self.run(APPLY);
        assert_eq!(code, 0, "{text}");
    }
}
