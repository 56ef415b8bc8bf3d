//! Semantic checks of the policy: errors in files that are well formed. There is one check per file; each implements
//! [`Check`] and is listed in [`ALL`].
//!
//! A check reads the model and the places in it. It takes today's date from its [`Context`].

pub mod dates;
pub mod duplicates;
pub mod environment;
pub mod grants;
pub mod matches;
pub mod names;
pub mod notes;
pub mod notifications;
pub mod patterns;
pub mod people;
pub mod protected;
pub mod reasons;
pub mod relations;
pub mod roles;
pub mod routes;
pub mod samples;
pub mod schedule;
pub mod sensitivity;
pub mod tags;
pub mod vocabulary;
pub mod writer_only;

use jiff::civil::Date;

use crate::diagnostic::{Diagnostics, Severity};
use crate::policy::model::Note;
use crate::policy::{Loaded, Policy};
use crate::source::SourceFiles;

/// Everything that a check can read.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub policy: &'a Policy,
    /// The notes on detections, which are not in the policy.
    pub notes: &'a [Note],
    /// The files that it was read from.
    pub files: &'a SourceFiles,
    /// The day for which the policy is checked.
    pub today: Date,
}

pub trait Check {
    /// Reports what is wrong.
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics);
}

/// Every check, in the order in which they run. The order does not show in the result.
pub const ALL: &[&(dyn Check + Sync)] = &[
    &duplicates::Duplicates,
    &roles::Roles,
    &names::Names,
    &people::People,
    &dates::Dates,
    &reasons::Reasons,
    &vocabulary::Vocabulary,
    &matches::Matches,
    &writer_only::WriterOnly,
    &relations::Relations,
    &protected::ProtectedRecords,
    &sensitivity::Severities,
    &patterns::Patterns,
    &samples::Samples,
    &grants::Grants,
    &notes::Notes,
    &environment::Environments,
    &schedule::Schedule,
    &notifications::Notifications,
    &routes::Routes,
    &tags::Tags,
];

/// Everything that is wrong with the policy: what loading found and what the checks find.
pub fn run(loaded: &Loaded, today: Date) -> Diagnostics {
    let mut sink = loaded.diagnostics.clone();
    let context = Context {
        policy: &loaded.policy,
        notes: &loaded.notes,
        files: &loaded.files,
        today,
    };
    for check in ALL {
        check.run(&context, &mut sink);
    }
    // A faulty rules file might be the one that audits someone: report that cause only once.
    let is_faulty = |place: &crate::source::Place| {
        let path = context.files.path(place.file);
        path.starts_with("rules/") || path == "rules"
    };
    let are_rules_sound = !sink
        .iter()
        .chain(&loaded.forms)
        .filter(|found| found.severity == Severity::Error)
        .filter_map(|found| found.place())
        .any(is_faulty);
    if are_rules_sound {
        people::nobody_audited(&context, &mut sink);
    }
    // A violation of the schema is an error even if no check has a message for it.
    let worded: Vec<_> = sink
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
        .filter_map(|diagnostic| diagnostic.place().cloned())
        .collect();
    for form in &loaded.forms {
        let is_worded = form
            .place()
            .is_some_and(|place| worded.iter().any(|known| place.holds(known)));
        if !is_worded {
            sink.push(form.clone());
        }
    }
    sink.sort();
    sink
}
