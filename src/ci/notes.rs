//! What a change does to the notes on detections. Adding notes is work well done; a note that is removed or changed is
//! evidence that readers no longer find.

use std::collections::BTreeSet;

use super::finding::{self, Finding, Level, NOTES};
use crate::diagnostic::{Severity, count};
use crate::policy::Loaded;
use crate::policy::model::Note;

/// The code of a note that a change removes.
pub const REMOVED: &str = "notes/removed";
/// The code of a note that a change rewrites.
pub const CHANGED: &str = "notes/changed";

/// What a change does to the notes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotesReview {
    /// What it does, in a few words: `2 notes added`.
    pub summary: String,
    /// One warning for each note that is removed or changed.
    pub findings: Vec<Finding>,
}

/// Compares the notes before and after a change; nothing if the change does not touch the files under `notes/`. `is_alone` says
/// that the change affects no other file that pgvigil reads; `folder` is the policy repository's place in the Git repository.
pub fn review(base: &Loaded, head: &Loaded, is_alone: bool, folder: &str) -> Option<NotesReview> {
    if super::touched::texts(base, is_note) == super::touched::texts(head, is_note) {
        return None;
    }
    let before: BTreeSet<&str> = base.notes.iter().map(|note| note.id.as_str()).collect();
    let added = head.notes.iter();
    let added = added.filter(|note| !before.contains(note.id.as_str()));
    let (mut removed, mut changed) = (0_usize, 0_usize);
    let mut findings = Vec::new();
    for was in &base.notes {
        let mut same_name = head.notes.iter().filter(|now| now.id == was.id);
        let Some(now) = same_name.clone().next() else {
            removed += 1;
            findings.push(
                warning(
                    REMOVED,
                    format!(
                        "the note `{}` was removed: it said {} about {}",
                        was.id,
                        was.finding.name(),
                        count(was.detections.len(), "detection")
                    ),
                )
                .help(
                    "restore it: a later note can correct an earlier one, and both stay readable",
                ),
            );
            continue;
        };
        if same_name.any(|now| differences(was, now).is_empty()) {
            continue;
        }
        changed += 1;
        findings.push(
            warning(
                CHANGED,
                format!(
                    "the note `{}` was changed: {}",
                    was.id,
                    differences(was, now).join(", ")
                ),
            )
            .at(Some(finding::spot(&head.files, &now.place, folder)))
            .help("restore it, and write another note with a later date"),
        );
    }
    findings.extend(unread(base, head));
    let parts: Vec<String> = [
        (added.count(), "added"),
        (changed, "changed"),
        (removed, "removed"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, verb)| format!("{} {verb}", count(number, "note")))
    .collect();
    let summary = if parts.is_empty() {
        "the files changed, but no note".to_owned()
    } else {
        parts.join(", ")
    };
    Some(NotesReview {
        summary: if is_alone {
            format!("{summary}; no other policy file changes")
        } else {
            summary
        },
        findings,
    })
}

fn is_note(path: &str) -> bool {
    path.starts_with("notes/")
}

fn warning(code: &str, message: String) -> Finding {
    let mut found = Finding::new(NOTES, code, message);
    found.level = Level::Warning;
    found
}

/// What differs between two notes of the same name, in words.
fn differences(was: &Note, now: &Note) -> Vec<String> {
    // Taken apart, so that nothing new in a note is forgotten here.
    let Note {
        id: _,
        detections,
        finding,
        text,
        author,
        date,
        ticket,
        place: _,
        places: _,
    } = was;
    let mut found = Vec::new();
    if *finding != now.finding {
        found.push(format!(
            "`finding` from {} to {}",
            finding.name(),
            now.finding.name()
        ));
    }
    if *date != now.date {
        found.push(format!("`date` from {date} to {}", now.date));
    }
    let gone = detections.iter().any(|id| !now.detections.contains(id));
    let more = now.detections.iter().any(|id| !detections.contains(id));
    for (is_different, word) in [
        (gone, "fewer `detections`"),
        (more, "more `detections`"),
        (*text != now.text, "`text`"),
        (*author != now.author, "`author`"),
        (*ticket != now.ticket, "`ticket`"),
    ] {
        if is_different {
            found.push(word.to_owned());
        }
    }
    found
}

/// Files whose earlier notes could not be read: what a change does to them is not known.
fn unread(base: &Loaded, head: &Loaded) -> Vec<Finding> {
    let before = super::touched::texts(base, is_note);
    let after = super::touched::texts(head, is_note);
    let faulty: BTreeSet<&str> = base
        .diagnostics
        .iter()
        .filter(|fault| fault.severity == Severity::Error)
        .filter_map(|fault| fault.place())
        .map(|place| base.files.path(place.file))
        .filter(|path| is_note(path) && before.get(*path) != after.get(*path))
        .collect();
    faulty
        .into_iter()
        .map(|path| {
            warning(
                CHANGED,
                format!("the file `{path}` had errors before the change, so its notes could not be compared"),
            )
            .help("compare the file yourself: `git diff`")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::load_from;

    const HEAD: &str = "version: 1\nnotes:\n";
    const EXPORT: &str = "- {id: export, detections: [3f9c2b7a1d04, aaaaaaaaaaaa], finding: authorised, text: agreed with the owner of the table, author: bob, date: 2026-12-02, ticket: INC-1}\n";
    const CLIENT: &str = "- {id: client, detections: [bbbbbbbbbbbb], finding: tool, text: the client lists its tables, author: bob, date: 2026-12-02}\n";

    fn notes(entries: &[&str]) -> Loaded {
        load_from([("notes/a.yaml", format!("{HEAD}{}", entries.concat()))])
    }

    /// The summary, and the message of each finding.
    fn told(base: &Loaded, head: &Loaded) -> Option<(String, Vec<String>)> {
        let review = review(base, head, false, "")?;
        assert!(
            review
                .findings
                .iter()
                .all(|found| found.level == Level::Warning)
        );
        let messages = review.findings.into_iter().map(|found| found.message);
        Some((review.summary, messages.collect()))
    }

    #[test]
    fn added_notes_are_counted_and_take_nothing_away() {
        let (none, both) = (load_from::<&str, &str>([]), notes(&[EXPORT, CLIENT]));
        assert_eq!(
            told(&none, &both),
            Some(("2 notes added".to_owned(), Vec::new()))
        );
        assert_eq!(told(&both, &both), None);
        let alone = review(&none, &both, true, "").unwrap();
        assert_eq!(alone.summary, "2 notes added; no other policy file changes");
    }

    #[test]
    fn a_removed_note_is_told_and_a_moved_one_is_not() {
        let both = notes(&[EXPORT, CLIENT]);
        let (summary, messages) = told(&both, &notes(&[CLIENT])).unwrap();
        assert_eq!(summary, "1 note removed");
        assert_eq!(
            messages,
            ["the note `export` was removed: it said authorised about 2 detections"]
        );
        let moved = load_from([("notes/b.yaml", format!("{HEAD}{CLIENT}{EXPORT}"))]);
        let (summary, messages) = told(&both, &moved).unwrap();
        assert_eq!(summary, "the files changed, but no note");
        assert!(messages.is_empty(), "{messages:?}");
    }

    #[test]
    fn every_change_of_a_key_is_told() {
        let base = notes(&[EXPORT]);
        for (from, to, words) in [
            (
                "finding: authorised",
                "finding: mistake",
                "`finding` from authorised to mistake",
            ),
            (
                "2026-12-02",
                "2026-12-01",
                "`date` from 2026-12-02 to 2026-12-01",
            ),
            (", aaaaaaaaaaaa", "", "fewer `detections`"),
            (
                "aaaaaaaaaaaa",
                "aaaaaaaaaaaa, cccccccccccc",
                "more `detections`",
            ),
            ("agreed with", "unknown to", "`text`"),
            ("author: bob", "author: eve", "`author`"),
            (", ticket: INC-1", "", "`ticket`"),
        ] {
            let head = notes(&[&EXPORT.replace(from, to)]);
            let (summary, messages) = told(&base, &head).unwrap();
            assert_eq!(summary, "1 note changed", "{to}");
            assert_eq!(
                messages,
                [format!("the note `export` was changed: {words}")]
            );
        }
    }

    #[test]
    fn a_note_that_shares_its_name_is_compared_too() {
        let other = CLIENT.replace("id: client", "id: export");
        let base = notes(&[EXPORT, &other]);
        let (summary, _) = told(&base, &notes(&[EXPORT])).unwrap();
        assert_eq!(summary, "1 note changed");
    }

    #[test]
    fn notes_that_could_not_be_read_are_not_passed_over() {
        let base = load_from([("notes/a.yaml", format!("{HEAD}{EXPORT}- {{id: lost}}\n"))]);
        let (_, messages) = told(&base, &notes(&[EXPORT])).unwrap();
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert!(messages[0].contains("had errors before"), "{messages:?}");
        // A file that stays as it is takes nothing away.
        let head = load_from([
            ("notes/a.yaml", format!("{HEAD}{EXPORT}- {{id: lost}}\n")),
            ("notes/b.yaml", format!("{HEAD}{CLIENT}")),
        ]);
        let (summary, messages) = told(&base, &head).unwrap();
        assert_eq!((summary.as_str(), messages.len()), ("1 note added", 0));
    }
}
