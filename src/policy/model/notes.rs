//! Notes on detections: what became of them. They are evidence and no part of the policy: no rule, digest or resource depends
//! on one.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::source::{Place, Places};

/// Digits of a detection's id.
const ID_DIGITS: usize = 12;

/// What became of some detections.
#[derive(Debug, Clone)]
pub struct Note {
    /// Its name: kebab case, unique in the repository.
    pub id: String,
    /// Ids of the detections, in the order of the file.
    pub detections: Vec<String>,
    /// What was found.
    pub finding: Finding,
    /// What happened, and how that is known.
    pub text: String,
    /// Who looked into it and answers for it.
    pub author: String,
    /// The day on which it was found.
    pub date: Date,
    /// The ticket about it.
    pub ticket: Option<String>,
    /// The `id` value in the file.
    pub place: Place,
    /// The places of all other values of the entry.
    pub places: Places,
}

/// What was found about detections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Finding {
    /// The work was agreed, and no access grant covered it.
    Authorised,
    /// A client caused it, and not a person.
    Tool,
    /// A person did it by mistake.
    Mistake,
    /// A person broke the rules of the company.
    Misuse,
    /// It is handled as a security incident.
    Incident,
    /// It is still being looked into.
    Open,
}

impl Finding {
    /// Every finding.
    pub const ALL: [Self; 6] = [
        Self::Authorised,
        Self::Tool,
        Self::Mistake,
        Self::Misuse,
        Self::Incident,
        Self::Open,
    ];

    /// The name in the files and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Authorised => "authorised",
            Self::Tool => "tool",
            Self::Mistake => "mistake",
            Self::Misuse => "misuse",
            Self::Incident => "incident",
            Self::Open => "open",
        }
    }

    /// The finding of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|finding| finding.name() == name)
    }
}

impl Note {
    /// Whether a text has the form of a detection's id: 12 hexadecimal digits in lower case.
    pub fn is_detection_id(text: &str) -> bool {
        text.len() == ID_DIGITS
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }

    /// The notes on each detection, the oldest first: the last one counts. Notes of the same day keep their order in the
    /// files.
    pub fn by_detection(notes: &[Self]) -> BTreeMap<&str, Vec<&Self>> {
        let mut found: BTreeMap<&str, Vec<&Self>> = BTreeMap::new();
        for note in notes {
            for detection in &note.detections {
                found.entry(detection).or_default().push(note);
            }
        }
        for notes in found.values_mut() {
            notes.sort_by_key(|note| note.date);
        }
        found
    }
}
