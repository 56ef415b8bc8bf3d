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

#[cfg(test)]
mod tests {
    use super::{Finding, Note};
    use crate::policy::load_from;

    #[test]
    fn every_finding_has_the_name_of_the_schema() {
        let schemas = crate::policy::schemas();
        let (_, text) = schemas
            .iter()
            .find(|(path, _)| path.ends_with("/note.schema.json"))
            .unwrap();
        let schema: serde_json::Value = serde_json::from_str(text).unwrap();
        let names: Vec<&str> = schema["$defs"]["Finding"]["oneOf"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["const"].as_str().unwrap())
            .collect();
        assert_eq!(names, Finding::ALL.map(Finding::name));
        for finding in Finding::ALL {
            assert_eq!(Finding::named(finding.name()), Some(finding));
        }
        assert_eq!(Finding::named("Open"), None);
    }

    #[test]
    fn a_detection_has_one_spelling() {
        assert!(Note::is_detection_id("3f9c2b7a1d04"));
        for wrong in [
            "",
            "3f9c2b7a1d0",
            "3f9c2b7a1d045",
            "3F9C2B7A1D04",
            "3f9c2b7a1d0g",
            "3f9c2b7a1d0é",
        ] {
            assert!(!Note::is_detection_id(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_last_note_by_date_counts() {
        let text = "version: 1\nnotes:\n\
            - {id: b, detections: [3f9c2b7a1d04], finding: mistake, text: the wrong window was open, author: bob, date: 2026-12-03}\n\
            - {id: a, detections: [3f9c2b7a1d04, aaaaaaaaaaaa], finding: open, text: alice is asked, author: bob, date: 2026-12-02}\n";
        let loaded = load_from([("notes/a.yaml", text)]);
        let found = Note::by_detection(&loaded.notes);
        let ids = |detection: &str| -> Vec<&str> {
            found[detection]
                .iter()
                .map(|note| note.id.as_str())
                .collect()
        };
        assert_eq!(ids("3f9c2b7a1d04"), ["a", "b"]);
        assert_eq!(ids("aaaaaaaaaaaa"), ["a"]);
    }
}
