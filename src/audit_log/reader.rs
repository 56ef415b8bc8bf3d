//! Finds the entries in the files that people have.
//!
//! PostgreSQL's log files, CloudWatch exports to S3, the JSON of `aws logs filter-log-events`,
//! `get-log-events` and `get-query-results`, JSON lines and CSV of the same, each plain, `.gz` or
//! `.zst`, from files, folders and stdin. What a file is, is seen from its content.
//!
//! A plain log file of PostgreSQL is read by position: each thread reads and visits the entries that begin in the next
//! range of the file. Anything else is read in turn: one thread at a time reads, decompresses and cuts a block off the
//! text at an entry border, and then visits the entries in it while another reads on. The results come back in the order
//! of the input. A fixed number of blocks and ranges is under way, so memory does not grow with the input. They are read
//! rather than mapped: a mapped log that is rotated away kills the process, and reading into few reused buffers costs
//! hardly more.
//!
//! Input that cannot be read is never fatal and never dropped without a word: [`ReadReport`] has it.

mod block;
mod blocks;
mod csv;
mod cut;
mod decode;
mod dress;
mod envelope;
mod event;
pub(in crate::audit_log) mod growing;
mod input;
mod json;
mod lead;
mod parts;
mod pipeline;
mod problem;
mod ranges;
mod report;
mod rows;
mod starts;
mod template;
mod text_output;
mod yaml;

pub use super::form::Format;
pub use block::Entry;
pub use growing::Piece;
pub use input::{Inputs, Source};
pub use pipeline::{Progress, ReadOptions, Visitor, for_each_entry, read};
pub use problem::{Problem, Problems, Seen};
pub use report::{Broken, Foreign, ReadReport};
pub use template::{Template, TemplateError};

#[cfg(test)]
mod ranges_tests;
#[cfg(test)]
mod tests;
