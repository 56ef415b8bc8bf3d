//! Where a text may be cut into blocks: only between entries.

use super::block::Unit;
use super::csv::CsvCutter;
use super::json::JsonCutter;
use super::lead;
use super::report::ReadReport;
use super::rows::RowCutter;
use super::text_output;
use crate::audit_log::form::Format;

/// Bytes of a log in text form that are kept of an entry that is given up, to find its end.
pub(super) const LOOK_AHEAD: usize = 40;

/// What the cutter knows about the buffer that it looks at.
pub(super) struct Window<'a> {
    /// The text; it begins where the block before it ended.
    pub(super) text: &'a [u8],
    pub(super) is_last: bool,
    /// Index of the file.
    pub(super) file: usize,
    /// The number of the first line of the text.
    pub(super) first_line: u64,
}

/// Finds the end of a block.
pub(super) enum Cutter {
    Lines(Format),
    Json(JsonCutter),
    Csv(CsvCutter),
    Rows(RowCutter),
}

/// Where to cut, and the entries before it where they are not found by their lines.
pub(super) struct Cut {
    /// Length of the block; 0 if the entry at the start does not end in the window.
    pub(super) len: usize,
    /// The events, for JSON and CSV.
    pub(super) units: Vec<Unit>,
}

impl Cutter {
    /// For a text of this format with this beginning.
    pub(super) fn new(format: Format, head: &[u8]) -> Self {
        match format {
            Format::Postgres | Format::Export | Format::AwsText | Format::Yaml | Format::Joined => {
                Self::Lines(format)
            }
            Format::Json => Self::Json(JsonCutter::new(head)),
            Format::Csv => Self::Csv(CsvCutter::default()),
            Format::Csvlog => Self::Rows(RowCutter::default()),
        }
    }

    /// Finds the last place where the text can be cut.
    pub(super) fn cut(&mut self, window: &Window<'_>, report: &mut ReadReport) -> Cut {
        match self {
            Self::Lines(_) if window.is_last => Cut {
                len: window.text.len(),
                units: Vec::new(),
            },
            Self::Lines(format) => Cut {
                len: last_border(window.text, *format).unwrap_or(0),
                units: Vec::new(),
            },
            Self::Json(cutter) => cutter.cut(window, report),
            Self::Csv(cutter) => cutter.cut(window),
            Self::Rows(cutter) => cutter.cut(window),
        }
    }

    /// Gives up the entry at the start of the text, which is longer than allowed. Gives the bytes of
    /// it that are still handed on, and those that are kept to find the end of it.
    pub(super) fn give_up(&mut self, text: &[u8]) -> GivenUp {
        match self {
            Self::Lines(format) => GivenUp {
                hand_on: text.len().saturating_sub(ahead(*format)),
                skip_lines: true,
            },
            Self::Json(cutter) => {
                cutter.drop_unit();
                GivenUp {
                    hand_on: 0,
                    skip_lines: false,
                }
            }
            Self::Rows(cutter) => {
                cutter.drop_unit();
                GivenUp {
                    hand_on: 0,
                    skip_lines: false,
                }
            }
            Self::Csv(cutter) => {
                cutter.drop_unit();
                GivenUp {
                    hand_on: 0,
                    skip_lines: false,
                }
            }
        }
    }

    /// While the rest of a given up entry is passed over: the first border in the text, if any,
    /// and otherwise how many bytes hold none.
    pub(super) fn skip(&self, text: &[u8], is_last: bool) -> Result<usize, usize> {
        let Self::Lines(format) = self else {
            return Ok(0);
        };
        match memchr::memchr_iter(b'\n', text).find(|at| is_border(text, *at, *format)) {
            Some(at) => Ok(at + 1),
            None if is_last => Ok(text.len()),
            None => Err(text.len().saturating_sub(ahead(*format))),
        }
    }
}

/// What becomes of an entry that is too long.
pub(super) struct GivenUp {
    /// So many bytes of it are handed on as a cut entry.
    pub(super) hand_on: usize,
    /// Whether the rest has to be skipped line by line; else the cutter does it itself.
    pub(super) skip_lines: bool,
}

/// Bytes that have to be seen behind a line break to know whether an entry begins there.
fn ahead(format: Format) -> usize {
    match format {
        Format::Postgres => LOOK_AHEAD,
        _ => lead::AHEAD,
    }
}

pub(super) fn last_border(text: &[u8], format: Format) -> Option<usize> {
    memchr::memrchr_iter(b'\n', text)
        .find(|at| is_border(text, *at, format))
        .map(|at| at + 1)
}

/// Whether an entry begins behind the line break at `at`.
pub(super) fn is_border(text: &[u8], at: usize, format: Format) -> bool {
    match format {
        Format::Export => text
            .get(at + 1..)
            .is_some_and(|line| line.len() >= lead::AHEAD && lead::begins_event(line)),
        Format::AwsText => text
            .get(at + 1..)
            .is_some_and(|line| line.len() >= lead::AHEAD && text_output::is_border(line)),
        // One document, one line: they are read as a whole.
        Format::Yaml | Format::Joined => false,
        _ => text.get(at + 1).is_some_and(|next| *next != b'\t'),
    }
}
