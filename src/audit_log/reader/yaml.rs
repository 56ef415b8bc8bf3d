//! What `aws logs … --output yaml` prints: one document, read as a whole.

use super::envelope::{self, Opened};
use crate::audit_log::prefix::LogLinePrefix;
use crate::source::SourceFiles;
use crate::source::yaml::{self, FaultKind, InvalidAs};

/// Opens a document.
pub(super) fn open(text: &[u8], form: LogLinePrefix) -> Result<Opened, String> {
    let text = String::from_utf8_lossy(text);
    let mut files = SourceFiles::default();
    let file = files.add("log", text.into_owned());
    let parsed = yaml::parse(&files, file);
    // What only a policy may not hold is no fault of a log.
    let fault = parsed.faults.iter().find(|fault| {
        !matches!(
            fault.kind,
            FaultKind::KeyNotText
                | FaultKind::Null
                | FaultKind::BooleanLike(_)
                | FaultKind::LeadingZero
                | FaultKind::NumberLike
        )
    });
    match (parsed.root, fault) {
        (Some(root), None) => envelope::open_value(root.to_json(InvalidAs::Null), form),
        _ => Err("the YAML cannot be read as a whole: take the log again with --output json".to_owned()),
    }
}
