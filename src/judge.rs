//! Decides, from the policy alone, what becomes of one entry of a log.
//!
//! ```text
//! entry ─ audit_log ─> record ─ scope ─> does a signal count it? ─ accounts ─> is the role audited?
//!                                              ─ index ─> exclusions that may fit ─ conditions ─> the verdict
//! ```
//!
//! This is the only place that knows what a policy means. `rules eval`, `test`, `explain`, `impact`, `attack`, `watch`, the
//! pipelines and the function in Lambda all ask it. Queries that are compiled for people leave records out only where the
//! judge does.
//!
//! Three rules hold everywhere here:
//!
//! - What cannot be read in exactly one way counts, and nobody is named for it.
//! - What the server writes decides; what a person types can only narrow an exclusion, or be the whole statement.
//! - The cost of a record does not grow with the number of exclusions: [`index`] finds the few that may fit.

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
mod rules;
pub(crate) mod scope;
mod statement;
mod told;

pub use explain::{Answer, Explanation, Failed, RuleAnswer, quote, shorten};
pub use grants::{Expected, GrantAnswer, NeverExpected, RuleGrant};
pub use judging::{Judge, Judged, Outcome, Scratch, Verdict};
pub use rules::{Rule, Rules, RulesError};
pub use scope::{is_out_of_scope, signals_of};
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
