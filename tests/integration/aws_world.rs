//! A repository that is deployed to AWS on loopback.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::moto::{Moto, package};

/// A repository with one environment, its clusters' log groups, and a package.
pub(crate) struct World {
    pub(crate) moto: Moto,
    folder: tempfile::TempDir,
}

pub(crate) const REGION: &str = "eu-central-1";

impl World {
    pub(crate) fn new(clusters: &[&str]) -> Self {
        let world = Self {
            moto: Moto::start(),
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
        for cluster in clusters {
            world.by_hand(&format!(
                "client('logs').create_log_group(logGroupName='/aws/rds/cluster/{cluster}/postgresql')"
            ));
        }
        world
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn by_hand(&self, code: &str) -> String {
        self.moto.by_hand(REGION, code)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.moto.pgvigil(self.root());
        command.args(arguments).env(
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
        let (code, text) =
            self.run(&["apply", "--env", "prod", "--auto-approve", "--package", "."]);
        assert_eq!(code, 0, "{text}");
    }
}
