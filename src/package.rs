//! What is uploaded to AWS Lambda: the monitor's package, a program that runs there, and the layer with the rules that it
//! judges by. Both are zip files that are the same bytes wherever they are made.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::digest;
use crate::policy::model::Architecture;

pub mod archive;
pub mod layer;
pub mod program;
pub mod toolchain;

pub use archive::ArchiveFault;
pub use program::{Program, ProgramFault};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    pub bytes: Vec<u8>,
    /// What its program needs of the system it runs on.
    pub program: Program,
}

/// Why there is no package.
#[derive(Debug, thiserror::Error)]
pub enum PackageFault {
    /// The program would not run.
    #[error(transparent)]
    Program(#[from] ProgramFault),
    /// The zip file cannot be written, or is none of Lambda's.
    #[error(transparent)]
    Archive(#[from] ArchiveFault),
}

impl Package {
    /// Packs a program for an architecture. A program that would not run there is refused.
    ///
    /// # Errors
    /// If it would not run, or cannot be packed.
    pub fn of(program: &[u8], architecture: Architecture) -> Result<Self, PackageFault> {
        Ok(Self {
            program: program::check(program, architecture)?,
            bytes: archive::write(program)?,
        })
    }

    /// Takes a zip file that somebody made for an architecture.
    ///
    /// # Errors
    /// If it is no package, or its program would not run.
    pub fn open(bytes: Vec<u8>, architecture: Architecture) -> Result<Self, PackageFault> {
        let program = archive::read(&bytes)?;
        Ok(Self {
            program: program::check(&program, architecture)?,
            bytes,
        })
    }

    /// SHA-256 in hexadecimal, as `sha256sum` prints it.
    pub fn sha256(&self) -> String {
        digest::sha256(&self.bytes)
    }

    /// SHA-256 in base64: what Lambda shows as `CodeSha256`, and what a plan compares.
    pub fn code_sha256(&self) -> String {
        code_sha256(&self.bytes)
    }
}

/// The digest by which Lambda knows a package.
pub fn code_sha256(package: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(package))
}

/// The name of an architecture's package.
pub fn file_name(architecture: Architecture) -> String {
    format!("pgvigil-monitor-{}.zip", architecture.name())
}

/// The package that a path means: the file itself, or the architecture's file in a folder.
pub fn file_at(path: &Path, architecture: Architecture) -> PathBuf {
    if path.is_dir() {
        path.join(file_name(architecture))
    } else {
        path.to_owned()
    }
}

#[cfg(test)]
mod tests;
