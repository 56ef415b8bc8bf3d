//! Notes on detections: names that are not unique, ids that no detection has, days that have not come, texts that say nothing,
//! and notes that contradict each other.
//!
//! A note decides nothing. It is evidence: a reader must be able to trust that it is about one thing and says one thing.

use std::collections::{BTreeMap, HashSet};

use jiff::ToSpan as _;

use super::reasons::is_weak;
use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote};
use crate::policy::is_kebab;
use crate::policy::model::Note;
use crate::source::Place;

/// Longest name of a note, as of an exclusion.
const LONGEST: usize = 63;

/// See the codes of the area `note`.
#[derive(Debug)]
pub struct Notes;

impl Check for Notes {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        let mut known: BTreeMap<&str, &Place> = BTreeMap::new();
        for note in context.notes {
            match known.get(note.id.as_str()) {
                Some(first) => sink.push(
                    Diagnostic::new(
                        Code::NoteDuplicateId,
                        format!("another note has the id {}", quote(&note.id)),
                    )
                    .label(note.place.clone(), "used again")
                    .context((*first).clone(), "used here")
                    .help("give each note its own id"),
                ),
                None => {
                    known.insert(&note.id, &note.place);
                }
            }
            form(note, sink);
            day(note, context, sink);
            if is_weak(&note.text) {
                sink.push(
                    Diagnostic::new(
                        Code::NoteWeakText,
                        format!(
                            "the text {} does not explain what happened",
                            quote(note.text.trim())
                        ),
                    )
                    .at(note.places.value("text"))
                    .help("state what happened, and how you know it"),
                );
            }
        }
        contradictions(context.notes, sink);
    }
}

fn form(note: &Note, sink: &mut Diagnostics) {
    if !is_kebab(&note.id, LONGEST) {
        sink.push(
            Diagnostic::new(
                Code::NoteId,
                format!("the id {} is not in kebab case", quote(&note.id)),
            )
            .at(note.place.clone())
            .help(format!(
                "write lower-case words joined by hyphens, at most {LONGEST} characters, as in `countries-export`"
            )),
        );
    }
    for (index, detection) in note.detections.iter().enumerate() {
        if !Note::is_detection_id(detection) {
            sink.push(
                Diagnostic::new(
                    Code::NoteDetection,
                    format!("{} is not the id of a detection", quote(detection)),
                )
                .at(note.places.item("detections", index))
                .help("copy the id from the report: 12 hexadecimal digits in lower case, as in `3f9c2b7a1d04`"),
            );
        }
    }
}

fn day(note: &Note, context: &Context<'_>, sink: &mut Diagnostics) {
    // East of UTC the next day begins earlier, by 14 hours at most.
    let last = context.today.saturating_add(1.day());
    if note.date > last {
        sink.push(
            Diagnostic::new(
                Code::NoteFuture,
                format!("the note {} has a date in the future", quote(&note.id)),
            )
            .at(note.places.value("date"))
            .help("write the day on which it was found"),
        );
    }
}

/// Two notes of one day that found different things about one detection: no one could tell which of them counts. One fault
/// for each pair of notes.
fn contradictions(notes: &[Note], sink: &mut Diagnostics) {
    let mut told: HashSet<(&Place, &Place)> = HashSet::new();
    for (detection, notes) in Note::by_detection(notes) {
        for pair in notes.windows(2) {
            let [first, second] = pair else { continue };
            if first.date != second.date
                || first.finding == second.finding
                || !told.insert((&first.place, &second.place))
            {
                continue;
            }
            sink.push(
                Diagnostic::new(
                    Code::NoteContradiction,
                    format!(
                        "the notes {} and {} have the same date, but different findings about {}",
                        quote(&first.id),
                        quote(&second.id),
                        quote(detection)
                    ),
                )
                .label(
                    second.places.value("finding"),
                    format!("{} here", second.finding.name()),
                )
                .context(
                    first.places.value("finding"),
                    format!("{} here", first.finding.name()),
                )
                .help("keep one of the two findings: of several notes, the last by date counts"),
            );
        }
    }
}
