//! Whether a change of the policy silences more: a proof by automata, or a record that shows it.
//!
//! An exclusion is a set of records: a set of values for each field that the server writes, and a
//! regular language of texts. *Narrowed* and *unchanged* are said only of what is proven: every record
//! that is silent now was silent before. *Widened* is said with a record that was tried on the compiled
//! text of both policies. What cannot be decided within the limits is *unknown*, which counts as widened.
//!
//! The proof is about the compiled text: the languages are the query's own expressions, over the field
//! as it stands in the record.

mod account;
mod area;
mod automaton;
mod compare;
mod cover;
mod findings;
mod guess;
mod index;
mod text;
mod witness;

#[cfg(test)]
mod tests;

pub use compare::{
    AccountChange, Change, DirectionReport, ExclusionChange, FORMAT_VERSION, Presence, Verdict,
    compare,
};
pub use findings::findings;
pub use witness::Counterexample;
