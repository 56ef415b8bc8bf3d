//! What was read, and what was not.

use super::dress::Sight;
use super::input::{Inputs, Source};
use super::problem::{Problem, Problems, Seen};
use crate::audit_log::form::{foreign_form, looks_like};
use std::collections::BTreeMap;

/// At most so many faults are kept one by one; all are counted.
const KEPT: usize = 100;

/// Something in the input that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Broken {
    /// Index of the file in [`super::Inputs::sources`].
    pub file: usize,
    /// The line, counted from 1 in the decompressed text; 0 for the file as a whole.
    pub line: u64,
    pub what: String,
}

/// Text that belongs to no entry: a continuation without a first line, JSON that is no event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Foreign {
    /// Index of the file in [`super::Inputs::sources`].
    pub file: usize,
    /// The first line of the text, counted from 1 in the decompressed text.
    pub line: u64,
    /// The beginning of the text.
    pub text: Vec<u8>,
}

/// The sum of a reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadReport {
    /// Bytes of text, after decompression.
    pub bytes: u64,
    pub lines: u64,
    /// Entries handed to the visitor.
    pub entries: u64,
    /// Pieces of text that belong to no entry. Blank lines are not counted.
    pub foreign_count: u64,
    /// The first of them, in the order of the input.
    pub foreign: Vec<Foreign>,
    /// Faults of the input.
    pub broken_count: u64,
    /// The first of them, in the order of the input.
    pub broken: Vec<Broken>,
    /// What was read and is not what it seems. Only where the reading was asked for a prefix.
    pub problems: Problems,
    /// Entries with the other one of RDS's two prefixes, which were read.
    pub converted: u64,
    /// Entries that the server has cut, and said so.
    pub truncated: u64,
    /// Entries that turned out to be none, and were not handed on.
    pub(super) dropped: u64,
    /// What was seen of each file.
    pub(super) sights: BTreeMap<usize, Sight>,
}

impl ReadReport {
    pub(super) fn add_foreign(&mut self, file: usize, line: u64, text: &[u8]) {
        self.foreign_count += 1;
        if self.foreign.len() < KEPT {
            let text = text.get(..200).unwrap_or(text).to_vec();
            self.foreign.push(Foreign { file, line, text });
        }
    }

    pub(super) fn add_broken(&mut self, file: usize, line: u64, what: impl Into<String>) {
        self.broken_count += 1;
        if self.broken.len() < KEPT {
            self.broken.push(Broken {
                file,
                line,
                what: what.into(),
            });
        }
    }

    /// Whether something of the input was not read, or not as a whole: a verdict does not rest on all of it.
    pub fn is_unread(&self) -> bool {
        self.broken_count > 0 || self.foreign_count > 0 || !self.problems.is_empty()
    }

    /// Each problem in a sentence, with the place of the first one. The texts in them are those of the logs: hostile.
    pub fn sentences(&self, inputs: &Inputs) -> Vec<String> {
        let sentence = |(file, problem, seen): (usize, &Problem, &Seen)| {
            let name = inputs.sources().get(file).map(Source::name);
            let name = name.unwrap_or_default();
            let place = match seen.line {
                0 => name.into_owned(),
                line => format!("{name}:{line}"),
            };
            let mut text = format!("{place}: {}", problem.sentence(seen.count));
            let example = seen.example.split(|byte| *byte == b'\n').next();
            let example = String::from_utf8_lossy(example.unwrap_or_default());
            let example = example.trim();
            if !example.is_empty() {
                let short: String = example.chars().take(80).collect();
                text.push_str(&format!("; the first: `{short}`"));
            }
            text
        };
        self.problems.iter().map(sentence).collect()
    }

    pub(super) fn problem(&mut self, file: usize, problem: Problem, line: u64, text: &[u8]) {
        self.problems.add(file, problem, line, text);
    }

    pub(super) fn see(&mut self, file: usize, sight: Sight) {
        let known = self.sights.entry(file).or_default();
        known.understood += sight.understood;
        known.has_record |= sight.has_record;
        if sight.has_text && (!known.has_text || sight.head.0 < known.head.0) {
            known.head = sight.head;
        }
        known.has_text |= sight.has_text;
    }

    /// Adds what was found in a later part of the input.
    pub(super) fn merge(&mut self, later: Self) {
        self.bytes += later.bytes;
        self.lines += later.lines;
        self.entries += later.entries;
        self.foreign_count += later.foreign_count;
        self.broken_count += later.broken_count;
        self.foreign.extend(later.foreign);
        self.broken.extend(later.broken);
        self.problems.merge(later.problems);
        self.converted += later.converted;
        self.truncated += later.truncated;
        for (file, sight) in later.sights {
            self.see(file, sight);
        }
        // A margin, because the parts do not come in order.
        self.foreign.truncate(KEPT * 4);
        self.broken.truncate(KEPT * 4);
    }

    /// Says which files held nothing that was understood, and whether there was no record at all.
    fn conclude(&mut self) {
        let sights = std::mem::take(&mut self.sights);
        let has_record = sights.values().any(|sight| sight.has_record);
        let mut understood = 0;
        let mut first = None;
        for (file, sight) in &sights {
            let has_other_prefix = self
                .problems
                .iter()
                .any(|(known, problem, _)| known == *file && *problem == Problem::OtherPrefix);
            if has_other_prefix && let Some((like, remedy)) = foreign_form(&sight.head.1) {
                self.problem(*file, Problem::Form { like, remedy }, 0, b"");
            }
            understood += sight.understood;
            if sight.understood > 0 {
                first = first.or(Some(*file));
            } else if sight.has_text
                && !sight.has_record
                && !self.broken.iter().any(|broken| broken.file == *file)
                && !self.problems.iter().any(|(known, ..)| known == *file)
            {
                let (like, remedy) = looks_like(&sight.head.1);
                let head = sight.head.1.split(|byte| *byte == b'\n').next();
                self.problem(
                    *file,
                    Problem::NoLog { like, remedy },
                    0,
                    head.unwrap_or_default(),
                );
            }
        }
        if let Some(first) = first.filter(|_| !has_record) {
            self.problems.count(first, Problem::NoRecord, understood);
        }
    }

    pub(super) fn finish(mut self) -> Self {
        self.conclude();
        self.foreign.sort();
        self.foreign.truncate(KEPT);
        self.broken.sort();
        self.broken.truncate(KEPT);
        self
    }
}
