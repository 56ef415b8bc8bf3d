//! Notes of `notes/*.yaml`: the dates are read; a note that lost a part is left out, and the fault was reported.

use super::{Lowering, has_invalid};
use crate::policy::load::Document;
use crate::policy::model::{Finding, Note};
use crate::policy::raw::notes::{RawFinding, RawNote};
use crate::source::yaml::Node;
use crate::source::{DocPath, Places};

impl Lowering<'_> {
    /// The notes, in the order of the files. They are no part of the policy, so [`finish`](Lowering::finish) knows none.
    pub(in crate::policy) fn notes(&mut self, documents: Vec<Document>) -> Vec<Note> {
        let mut notes = Vec::new();
        for document in documents {
            let Some(root) = &document.root else { continue };
            let entries = root.get("notes").map(Node::items).unwrap_or_default();
            for (index, node) in entries.iter().enumerate() {
                let path = DocPath::root().then("notes").then(index);
                let is_whole = !document
                    .incomplete
                    .iter()
                    .any(|missing| missing.starts_with(&path));
                if let Some(raw) = self.entry::<RawNote>(node, is_whole && !has_invalid(node)) {
                    notes.extend(self.note(raw, Places::new(node.clone())));
                }
            }
        }
        notes
    }

    fn note(&mut self, raw: RawNote, places: Places) -> Option<Note> {
        let date = self.date(&raw.date, &places, "date")?;
        Some(Note {
            id: raw.id,
            detections: raw.detections,
            finding: match raw.finding {
                RawFinding::Authorised => Finding::Authorised,
                RawFinding::Tool => Finding::Tool,
                RawFinding::Mistake => Finding::Mistake,
                RawFinding::Misuse => Finding::Misuse,
                RawFinding::Incident => Finding::Incident,
                RawFinding::Open => Finding::Open,
            },
            text: raw.text,
            author: raw.author,
            date,
            ticket: raw.ticket,
            place: places.value("id"),
            places,
        })
    }
}
