//! The one command that mends a finding, or shows what is behind it.

use serde::Serialize;

/// What a command does about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RemedyKind {
    Mend,
    /// Shows the cause, where a person has to decide.
    Look,
}

impl RemedyKind {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mend => "mend",
            Self::Look => "look",
        }
    }
}

/// A command line for a POSIX shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remedy {
    pub kind: RemedyKind,
    /// The line, with every word quoted that needs it.
    pub command: String,
}

impl Remedy {
    /// A command that mends.
    pub fn mend(words: &[&str]) -> Self {
        Self {
            kind: RemedyKind::Mend,
            command: command_line(words),
        }
    }

    /// A command that shows the cause.
    pub fn look(words: &[&str]) -> Self {
        Self {
            kind: RemedyKind::Look,
            command: command_line(words),
        }
    }

    /// Another command after this one, if this one succeeds.
    #[must_use]
    pub fn then(mut self, next: &Self) -> Self {
        self.command = format!("{} && {}", self.command, next.command);
        self
    }
}

fn command_line(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| quote(word))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The same of a path among the arguments of a command, which must not be taken for an option.
pub fn operand(path: &str) -> String {
    if path.starts_with('-') {
        quote(&format!("./{path}"))
    } else {
        quote(path)
    }
}

/// A word that a POSIX shell reads as this text and nothing else.
pub fn quote(word: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "-_./:=,@%+".contains(character);
    // `=` and `~` mean something only at the start of a word; `~` is quoted wherever it stands.
    if !word.is_empty() && word.chars().all(plain) && !word.starts_with('=') {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shell itself is asked.
    #[test]
    fn a_shell_reads_back_every_word() {
        for word in [
            "plain-Word_1./:=,@%+",
            "",
            "it's",
            "a b",
            "$(reboot)",
            "`x`",
            "~root",
            "*",
            "a\nb",
            "\\",
            "\"",
            "'; rm -rf /; '",
            "=x",
            "é\u{202e}",
            "[{\"ParameterName\":\"a\"}]",
            "-n",
        ] {
            let line = command_line(&["printf", "%s", word]);
            let output = std::process::Command::new("sh")
                .args(["-c", &line])
                .output()
                .unwrap();
            assert!(output.status.success(), "{line}");
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word, "{line}");
        }
    }
}
