//! The query language of CloudWatch Logs Insights: syntax tree, printer, parser, interpreter.
//!
//! It supports the subset that the compiler emits, and similar queries that a responder would write.
//! Everything else is refused with its place: if a stage were silently ignored, a query would look
//! proven although it is not. Where AWS documents no answer, there is an option ([`MissingField`]),
//! or [`open_questions`](fn@open_questions) reports it.
//!
//! A query passes through three steps. The parser (`parse`) turns the text into a syntax tree. The
//! lowering (`lower`) turns the tree into a program: it replaces names by numbered slots, compiles
//! regular expressions, and refuses everything that has no documented meaning. The interpreter
//! (`program`, `segment`) runs the program over events. AWS runs the same text; `pgvigil prove`
//! asks a real account about the answers that are assumed here ([`assumed`]).
//!
//! ```
//! use pgvigil::insights::{Event, Options, Program, parse};
//!
//! let query = parse("filter @message like 'AUDIT: '\n| stats count(*) as records").unwrap();
//! let program = Program::new(&query, Options::default()).unwrap();
//! let mut run = program.run();
//! run.push(&Event {
//!     message: b"LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,select 1,<none>",
//!     timestamp_ms: 0,
//!     ingestion_ms: 0,
//!     log_stream: b"writer",
//!     log: b"123456789012:/aws/rds/cluster/a/postgresql",
//! });
//! assert_eq!(run.finish().rows, [[Some("1".to_owned())]]);
//! ```

mod aggregate;
pub mod assumed;
mod extract;
mod function;
mod guard;
mod lex;
mod likeness;
mod lower;
mod open_questions;
mod parse;
mod predicate;
mod print;
mod program;
mod regex;
mod segment;
pub mod service;
pub mod syntax;
mod term;
mod value;

pub use crate::policy::pattern::Fault;
pub use likeness::{Difference, NamedRow};
pub use open_questions::open_questions;
pub use parse::parse;
pub use predicate::MissingField;
pub use program::{Options, Program, Row, Run, Scratch, Table};
pub use regex::portable_pattern;
pub use segment::{Event, Verdict};
pub use syntax::{Query, Stage};

#[cfg(test)]
mod tests;
