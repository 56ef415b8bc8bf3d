//! What was read, and what was not.

/// At most so many faults are kept one by one; all are counted.
const KEPT: usize = 100;

/// Something in the input that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Broken {
    /// Index of the file in [`super::Inputs::sources`].
    pub file: usize,
    /// The line, counted from 1 in the decompressed text; 0 for the file as a whole.
    pub line: u64,
    /// What is wrong.
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
    /// Lines of text.
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

    /// Adds what was found in a later part of the input.
    pub(super) fn merge(&mut self, later: Self) {
        self.bytes += later.bytes;
        self.lines += later.lines;
        self.entries += later.entries;
        self.foreign_count += later.foreign_count;
        self.broken_count += later.broken_count;
        self.foreign.extend(later.foreign);
        self.broken.extend(later.broken);
        // A margin, because the parts do not come in order.
        self.foreign.truncate(KEPT * 4);
        self.broken.truncate(KEPT * 4);
    }

    pub(super) fn finish(mut self) -> Self {
        self.foreign.sort();
        self.foreign.truncate(KEPT);
        self.broken.sort();
        self.broken.truncate(KEPT);
        self
    }
}
