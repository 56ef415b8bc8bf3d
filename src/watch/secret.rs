//! Values that must not stand on a command line, where every user of a machine reads them.

use std::fmt;
use std::path::PathBuf;

/// Bytes of a secret, at most.
const MAX: usize = 64 << 10;

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    Variable(String),
    File(PathBuf),
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It stands where it must not.
    #[error("give `env:NAME` or `file:PATH`: every user of the machine can read the command line")]
    Bare,
    #[error("{0} is empty or not set")]
    Empty(SecretRef),
    /// It cannot be read.
    #[error("{0} cannot be read: {1}")]
    Unreadable(SecretRef, std::io::Error),
    /// It has a line break or another control character in it, or is far too long.
    #[error("{0} is not one line of text")]
    NoLine(SecretRef),
}

impl SecretRef {
    /// Reads `env:NAME` or `file:PATH`.
    ///
    /// # Errors
    /// If it is neither: it may be the secret itself, which is not repeated.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        if let Some(name) = text.strip_prefix("env:").filter(|name| !name.is_empty()) {
            Ok(Self::Variable(name.to_owned()))
        } else if let Some(path) = text.strip_prefix("file:").filter(|path| !path.is_empty()) {
            Ok(Self::File(PathBuf::from(path)))
        } else {
            Err(SecretError::Bare)
        }
    }

    /// The secret, without line breaks at its end.
    ///
    /// # Errors
    /// The secret is missing.
    pub fn read(&self, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, SecretError> {
        let text = match self {
            Self::Variable(name) => variable(name).unwrap_or_default(),
            Self::File(path) => std::fs::read_to_string(path)
                .map_err(|error| SecretError::Unreadable(self.clone(), error))?,
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(SecretError::Empty(self.clone()));
        }
        if text.len() > MAX || text.chars().any(char::is_control) {
            return Err(SecretError::NoLine(self.clone()));
        }
        Ok(text.to_owned())
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
        }
    }
}
