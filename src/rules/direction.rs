//! Whether a change of the policy silences more: a proof by automata, or a record that shows it.
//!
//! An exclusion stands for a set of records. `area` describes that set as a box: the allowed values of each field that the
//! server writes (role, class, command, relation …), and the conditions on the statement. Records that no signal counts, and
//! records of service accounts, are boxes too. The question "does the new policy silence more?" then becomes: does the old
//! policy cover each box of the new one? `compare` asks this for every exclusion in both directions, old against new and new
//! against old, and combines the two answers into a verdict.
//!
//! `cover` answers it in two steps. It first cuts the box along its fields until, in the fields, each piece lies wholly
//! inside or wholly outside every box that might cover it. What is left of a piece is a question about texts: is there a
//! statement that this exclusion allows and none of the covering ones does? Conditions of the others that follow from its
//! own are dropped first. `text` turns the conditions on a statement into regular expressions over the field as the record
//! contains it, and `automaton` searches their product, breadth first, for the shortest such text. If the search ends
//! without one, the piece is proven to be covered. `only_calls` has no exact expression, so the proof leaves it out on the
//! safe side: an exclusion with it counts as one that allows more, and never as one that covers.
//!
//! A text that the search finds proves nothing yet. `witness` writes the log entry that PostgreSQL and pgAudit would write
//! for it, and the judges of both policies decide. Only if one policy silences the entry and the other counts it, it becomes
//! the counterexample of the verdict. `guess` supplies likely texts to try first, because they are easier to read, and the
//! samples of the exclusion are tried last.
//!
//! So *narrowed* and *unchanged* are always proven, and *widened* always comes with a record (or with a signal or an
//! environment that is gone). Every search has a limit on pieces and states. A question that exceeds a limit, or whose text
//! no judge confirms, is *unknown*, which everything that reads the verdict treats as widened.

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
