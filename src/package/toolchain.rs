//! How the monitor is built from its source: with cargo-zigbuild, so that it asks for no newer glibc than Lambda has,
//! and without a trace of the machine that built it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::program::GLIBC;
use crate::policy::model::Architecture;

pub const BINARY: &str = "pgvigil-monitor";

/// Cargo's profile for it, and the feature that it needs.
const PROFILE: &str = "monitor";

/// What stands in the program in the place of folders of the machine.
const SOURCE_AS: &str = "/pgvigil";
const CARGO_AS: &str = "/cargo";
const TARGET_AS: &str = "/target";

/// The first second that a zip file knows: whatever asks for the time of the build is given this.
const EPOCH: &str = "315532800";

#[derive(Debug, Clone, Copy)]
pub struct Build<'a> {
    /// Folder of pgvigil's source, absolute.
    pub source: &'a Path,
    /// Folder of cargo's registry, absolute.
    pub cargo_home: &'a Path,
    /// Where everything that is built stands, absolute.
    pub target: &'a Path,
    pub architecture: Architecture,
}

/// The name of an architecture's target in Rust.
pub fn triple(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::X86_64 => "x86_64-unknown-linux-gnu",
        Architecture::Arm64 => "aarch64-unknown-linux-gnu",
    }
}

impl Build<'_> {
    /// What `cargo` is called with.
    pub fn arguments(&self) -> Vec<OsString> {
        let triple = triple(self.architecture);
        let mut arguments: Vec<OsString> = [
            "zigbuild",
            "--locked",
            "--profile",
            PROFILE,
            "--no-default-features",
            "--features",
            PROFILE,
            "--bin",
            BINARY,
            "--target",
        ]
        .map(OsString::from)
        .into();
        arguments.push(format!("{triple}.{GLIBC}").into());
        arguments.push("--manifest-path".into());
        arguments.push(self.source.join("Cargo.toml").into());
        arguments.push("--target-dir".into());
        arguments.push(self.target.into());
        arguments
    }

    /// The variables that it is called with, beside those that are there. They replace what a person has set, which
    /// would show in the program.
    pub fn variables(&self) -> Vec<(&'static str, OsString)> {
        let mut flags = OsString::new();
        let mut c_flags = OsString::new();
        for (folder, name) in [
            (self.source, SOURCE_AS),
            (self.target, TARGET_AS),
            (self.cargo_home, CARGO_AS),
        ] {
            if !flags.is_empty() {
                // Cargo's separator: a space can be part of a path.
                flags.push("\u{1f}");
                c_flags.push(" ");
            }
            flags.push("--remap-path-prefix=");
            flags.push(folder);
            flags.push(format!("={name}"));
            c_flags.push("-ffile-prefix-map=");
            c_flags.push(folder);
            c_flags.push(format!("={name}"));
        }
        vec![
            ("CARGO_ENCODED_RUSTFLAGS", flags),
            ("CFLAGS", c_flags),
            ("CARGO_INCREMENTAL", "0".into()),
            ("SOURCE_DATE_EPOCH", EPOCH.into()),
        ]
    }

    /// Where the program stands when it is built.
    pub fn program(&self) -> PathBuf {
        self.target
            .join(triple(self.architecture))
            .join(PROFILE)
            .join(BINARY)
    }
}
