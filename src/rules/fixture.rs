//! Log fixtures: a log and, next to it, the expected verdicts on its lines.
//!
//! `NAME.log` (also `.gz`, `.zst`) has its expectations in `NAME.expect.tsv`, with the columns
//! `first_line`, `last_line`, `label`, `note`. A record belongs to the range in which its first line lies.

use std::io;
use std::path::{Path, PathBuf};

use crate::audit_log::prefix::LogLinePrefix;
use crate::audit_log::reader::{Inputs, ReadOptions, Source, for_each_entry};

/// The folder of a policy repository that holds fixtures.
pub const FOLDER: &str = "rules/fixtures";

/// Deepest folder below it that is searched.
const DEPTH_MAX: usize = 16;

/// What must become of the records of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// At least one is counted.
    Human,
    Noise,
    Aside,
}

impl Label {
    /// The word in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Noise => "noise",
            Self::Aside => "aside",
        }
    }
}

/// A range of lines and its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// First line of the log, counted from 1 in the decompressed text.
    pub first_line: u64,
    /// Last line of the log.
    pub last_line: u64,
    /// What must become of it.
    pub label: Label,
    /// What was done, as written in the file.
    pub note: String,
    /// The line of the expectations' file.
    pub line: usize,
}

/// What is wrong with a fixture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixtureFault {
    pub file: String,
    /// The line; 0 for the file as a whole.
    pub line: u64,
    pub what: String,
}

/// One entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its first line, counted from 1 in the decompressed text.
    pub line: u64,
    /// The message, over all its lines.
    pub text: Vec<u8>,
}

/// A log with its expectations.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// The log: relative to the repository, with forward slashes.
    pub log: String,
    /// The file of the expectations.
    pub expect: String,
    /// The form of the log's entries; `None` where it has none.
    pub prefix: Option<LogLinePrefix>,
    pub entries: Vec<LogEntry>,
    /// In the order of the file.
    pub expectations: Vec<Expectation>,
    /// What is wrong with either file.
    pub faults: Vec<FixtureFault>,
}

impl Fixture {
    /// Reads a log and its expectations; `log` and `expect` are the names in reports.
    pub fn read(log: String, log_path: &Path, expect: String, expect_text: &str) -> Self {
        let mut faults = Vec::new();
        let (entries, lines) = read_log(&log, log_path, &mut faults);
        let expectations = parse_expectations(&expect, expect_text, lines, &mut faults);
        let prefix = entries
            .iter()
            .take(100)
            .find_map(|entry| LogLinePrefix::detect(&entry.text));
        Self {
            log,
            expect,
            prefix,
            entries,
            expectations,
            faults,
        }
    }

    /// The entries of a range.
    pub fn entries_in<'a>(
        &'a self,
        range: &Expectation,
    ) -> impl Iterator<Item = &'a LogEntry> + use<'a> {
        let (first, last) = (range.first_line, range.last_line);
        self.entries
            .iter()
            .filter(move |entry| (first..=last).contains(&entry.line))
    }
}

fn read_log(log: &str, path: &Path, faults: &mut Vec<FixtureFault>) -> (Vec<LogEntry>, u64) {
    let inputs = Inputs::new(vec![Source::Path(path.to_owned())]);
    let options = ReadOptions {
        threads: Some(1),
        ..ReadOptions::default()
    };
    let mut entries = Vec::new();
    let report = for_each_entry(&inputs, &options, |entry| {
        entries.push(LogEntry {
            line: entry.line,
            text: entry.text.to_vec(),
        });
    });
    for broken in &report.broken {
        faults.push(FixtureFault {
            file: log.to_owned(),
            line: broken.line,
            what: broken.what.clone(),
        });
    }
    (entries, report.lines)
}

/// Reads expectations; `lines` is the length of their log.
pub fn parse_expectations(
    file: &str,
    text: &str,
    lines: u64,
    faults: &mut Vec<FixtureFault>,
) -> Vec<Expectation> {
    let mut expectations: Vec<Expectation> = Vec::new();
    for (index, row) in text.lines().enumerate() {
        let line = index + 1;
        let mut fault = |what: String| {
            faults.push(FixtureFault {
                file: file.to_owned(),
                line: line as u64,
                what,
            });
        };
        if index == 0 {
            if row != "first_line\tlast_line\tlabel\tnote" {
                fault("the first line must be `first_line`, `last_line`, `label`, `note`, with tabs between".to_owned());
            }
            continue;
        }
        if row.trim().is_empty() {
            continue;
        }
        let mut columns = row.splitn(4, '\t');
        let (first, last) = (
            columns.next().unwrap_or_default(),
            columns.next().unwrap_or_default(),
        );
        let label = match columns.next().unwrap_or_default() {
            "human" => Label::Human,
            "noise" => Label::Noise,
            "aside" => Label::Aside,
            other => {
                fault(format!(
                    "the label is `{other}`; it must be `human`, `noise` or `aside`"
                ));
                continue;
            }
        };
        let (Ok(first_line), Ok(last_line)) = (first.parse::<u64>(), last.parse::<u64>()) else {
            fault(format!("`{first}` and `{last}` must be numbers of lines"));
            continue;
        };
        if first_line == 0 || last_line < first_line || last_line > lines {
            fault(format!(
                "the lines {first_line} to {last_line} are not in the log, which has {lines}"
            ));
            continue;
        }
        if let Some(other) = expectations
            .iter()
            .find(|e| e.first_line <= last_line && first_line <= e.last_line)
        {
            fault(format!(
                "the lines {first_line} to {last_line} overlap those of line {}",
                other.line
            ));
            continue;
        }
        let note = columns.next().unwrap_or_default().to_owned();
        expectations.push(Expectation {
            first_line,
            last_line,
            label,
            note,
            line,
        });
    }
    if text.lines().next().is_none() {
        faults.push(FixtureFault {
            file: file.to_owned(),
            line: 0,
            what: "the file is empty".to_owned(),
        });
    }
    expectations
}

/// The name of a log without what says that it is one.
fn stem(name: &str) -> Option<&str> {
    let plain = name
        .strip_suffix(".gz")
        .or_else(|| name.strip_suffix(".zst"))
        .unwrap_or(name);
    plain.strip_suffix(".log").filter(|stem| !stem.is_empty())
}

/// Reads every fixture of a policy repository, in the order of their paths.
///
/// # Errors
/// If a folder or file cannot be read.
pub fn find(root: &Path) -> io::Result<Vec<Fixture>> {
    let mut files = Vec::new();
    let folder = root.join(FOLDER);
    match std::fs::symlink_metadata(&folder) {
        Ok(kind) if kind.is_dir() => list(&folder, FOLDER, 0, &mut files)?,
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut fixtures = Vec::new();
    for (shown, path) in &files {
        if let Some(stem) = stem(shown) {
            let expect = format!("{stem}.expect.tsv");
            let text = match files.iter().find(|(name, _)| *name == expect) {
                Some((_, path)) => std::fs::read_to_string(path)?,
                None => String::new(),
            };
            fixtures.push(Fixture::read(shown.clone(), path, expect, &text));
        } else if let Some(stem) = shown.strip_suffix(".expect.tsv")
            && !files.iter().any(|(name, _)| self::stem(name) == Some(stem))
        {
            let what = "there is no log with this name".to_owned();
            fixtures.push(Fixture {
                log: format!("{stem}.log"),
                expect: shown.clone(),
                prefix: None,
                entries: Vec::new(),
                expectations: Vec::new(),
                faults: vec![FixtureFault {
                    file: shown.clone(),
                    line: 0,
                    what,
                }],
            });
        }
    }
    Ok(fixtures)
}

fn list(
    folder: &Path,
    shown: &str,
    depth: usize,
    files: &mut Vec<(String, PathBuf)>,
) -> io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let shown = format!("{shown}/{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type()?;
        if kind.is_dir() && depth < DEPTH_MAX {
            list(&entry.path(), &shown, depth + 1, files)?;
        } else if kind.is_file() {
            files.push((shown, entry.path()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(u64, String)> {
        let mut faults = Vec::new();
        let _ = parse_expectations("a.expect.tsv", text, 10, &mut faults);
        faults
            .into_iter()
            .map(|fault| (fault.line, fault.what))
            .collect()
    }

    #[test]
    fn expectations_are_read_strictly() {
        const HEAD: &str = "first_line\tlast_line\tlabel\tnote\n";
        assert_eq!(
            faults(&format!("{HEAD}1\t2\thuman\tx\ty\n3\t10\tnoise\t\n")),
            []
        );
        for (rows, line, what) in [
            ("1\t2\thumans\t\n", 2, "`humans`"),
            (
                "1\t2\thuman\t\n2\t3\tnoise\t\n",
                3,
                "overlap those of line 2",
            ),
            ("0\t2\thuman\t\n", 2, "not in the log"),
            ("9\t11\thuman\t\n", 2, "not in the log"),
            ("3\t2\thuman\t\n", 2, "not in the log"),
            ("x\t2\thuman\t\n", 2, "must be numbers"),
        ] {
            let found = faults(&format!("{HEAD}{rows}"));
            assert!(
                found.len() == 1 && found[0].0 == line && found[0].1.contains(what),
                "{found:?}"
            );
        }
        assert_eq!(faults("").len(), 1);
        assert_eq!(faults("1\t2\thuman\t\n").len(), 1);
    }

    #[test]
    fn logs_are_known_by_their_names() {
        for (name, expected) in [
            ("a/b.log", Some("a/b")),
            ("b.log.gz", Some("b")),
            ("b.log.zst", Some("b")),
            ("b.txt", None),
            (".log", None),
        ] {
            assert_eq!(stem(name), expected, "{name}");
        }
    }
}
