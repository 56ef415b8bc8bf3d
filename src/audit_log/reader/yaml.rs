//! What `aws logs … --output yaml` prints: one document or several, read as a whole.

use super::envelope::{self, Opened};
use crate::audit_log::prefix::LogLinePrefix;
use crate::source::SourceFiles;
use crate::source::yaml::{self, FaultKind, InvalidAs};

/// Opens a document, or several.
pub(super) fn open(text: &[u8], form: LogLinePrefix) -> Result<Opened, String> {
    let text = String::from_utf8_lossy(text);
    let mut whole = Opened::default();
    // What is indented or quoted is no border between documents.
    for document in format!("\n{text}").split("\n---") {
        if document.trim().is_empty() {
            continue;
        }
        let opened = document_of(document, form)?;
        whole.events.extend(opened.events);
        whole.problems.extend(opened.problems);
        whole.is_known |= opened.is_known;
    }
    Ok(whole)
}

fn document_of(text: &str, form: LogLinePrefix) -> Result<Opened, String> {
    let mut files = SourceFiles::default();
    let file = files.add("log", text);
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
        _ => Err(
            "part of the YAML cannot be read: download the log again with --output json".to_owned(),
        ),
    }
}
