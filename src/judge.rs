//! Decides, from the policy alone, the verdict on one entry of a log.
//!
//! ```text
//! entry ─ audit_log ─> record ─ scope ─> does a signal count it? ─ accounts ─> is the role audited?
//!                                              ─ index ─> exclusions that may fit ─ conditions ─> the verdict
//! ```
//!
//! This is the only module that knows what a policy means. `rules eval`, `test`, `explain`, `impact`, `attack`, `watch`, the
//! pipelines and the function in Lambda all use it. Compiled queries that people read leave out a record only if the judge
//! does not count it.
//!
//! An entry goes through the steps of the drawing, and the first step that settles it ends the work. Most entries are neither
//! a record nor another kind of entry that can count; a search for a few words finds that out, before anything is parsed. If a
//! prefix or a record has several readings, the entry counts and no person is named. The one exception is a name such as
//! `a@b@c`, in which the border between role and database is in doubt: an exclusion, or an account, must then match under
//! every reading. A record that a signal counts, and whose role is audited, goes to the exclusions. Each condition of an
//! exclusion is one test, and all of them must hold. Cheap tests come first; the calls of a statement are read last, at most
//! once for each record. A record that names a setting of the audit log, or changes the meaning of later names, is never silenced.
//!
//! Logs repeat themselves, so each thread remembers its outcomes ([`known`]). That changes the cost, never a verdict.
//!
//! Three rules hold everywhere in this module:
//!
//! - An entry that cannot be read in exactly one way counts, and no person is named for it.
//! - Fields that the server writes decide. Text that a person types can only narrow an exclusion, or be the whole statement.
//! - The cost of a record does not grow with the number of exclusions: [`index`] finds the few that may match.

mod accounts;
mod condition;
pub(crate) mod couple;
mod explain;
mod facts;
mod grants;
mod index;
mod judging;
mod known;
pub(crate) mod memo;
mod names;
mod people;
mod records;
mod rules;
pub(crate) mod scope;
mod severity;
mod statement;
mod told;

pub use explain::{Answer, Explanation, Failed, RuleAnswer, quote, shorten};
pub use grants::{Expected, GrantAnswer, RuleGrant};
pub use judging::{Judge, Judged, Outcome, Scratch, Verdict};
pub use people::Person;
pub use records::RuleRecords;
pub use rules::{Rule, Rules, RulesError};
pub use scope::{is_out_of_scope, signals_of};
pub use severity::{Graded, RuleSensitivity};
pub use statement::{Stop, Unreadable};
pub use told::Told;

/// Where reading the calls of a text ends, if every call has to be one of `functions` and every cast one to `types`
/// (the set `harmless-types` where there are none): at a call or a cast that is not listed, or at what could be read in two ways.
pub fn stops_at(text: &[u8], functions: &[String], types: Option<&[String]>) -> Option<usize> {
    let reading = statement::Reading::of(text);
    let functions = names::Names::of(functions);
    let types = types.map_or_else(names::harmless_types, |types| {
        std::sync::Arc::new(names::Names::of(types))
    });
    names::stops_at(text, &reading, &functions, &types)
}
