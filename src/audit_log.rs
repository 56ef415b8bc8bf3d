//! Audit logs: from the files that people have to pgAudit records, and what could not be read.
//!
//! [`reader`] finds the entries of a file, [`follow`] those of a file that grows,
//! [`prefix`] reads what the server printed before a
//! message, [`record`] reads what pgAudit printed, and [`judge`] joins the two into a verdict
//! about one entry. [`mod@write`] is the way back, for samples and tests.
//!
//! Everything works on bytes: a log may hold text in any encoding. Nothing here prints. What is
//! not understood is always handed on as such, because an audit record that silently is none
//! is the failure that matters.

mod byte_set;
pub mod field;
pub mod follow;
pub mod form;
pub mod judge;
pub mod object_name;
pub mod prefix;
pub mod reader;
pub mod record;
pub mod timestamp;
pub mod trust;
pub mod write;

pub use judge::{EntryKind, Suspicion, judge_entry};
pub use object_name::{Identifier, QualifiedName};
pub use prefix::{Client, Doubt, LogLinePrefix, Prefix, PrefixReading};
pub use record::{Kind, Record, RecordError, Text};
pub use timestamp::Timestamp;
