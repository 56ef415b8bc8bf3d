//! Proving the rules: on samples, on real logs, record by record.
//!
//! Everything here asks the [`judge`](crate::judge), as the function in Lambda does. [`reference`](mod@reference) and [`evaluator`], the
//! compiled text, are second opinions that tests hold against it.

pub mod attack;
pub mod canary;
pub mod direction;
pub mod eval;
pub mod evaluator;
pub mod explain;
pub mod fixture;
pub mod hearing;
pub mod impact;
pub mod list;
pub mod live;
pub mod loudness;
pub mod mutation;
pub mod reference;
pub mod renew;
pub mod sample;
pub mod suggest;
pub mod test;

use jiff::civil::Date;

use crate::diagnostic::Diagnostics;
use crate::policy::Loaded;

pub use crate::judge::{Judged, Verdict};

/// What judging records finds wrong with the policy, beyond what [`check`](crate::check) sees in the
/// files. Bounded, so that it can run on every check.
pub fn check(loaded: &Loaded, today: Date) -> Diagnostics {
    let (mut found, (covered, evaded)) = rayon::join(
        || canary::check(loaded, today),
        || {
            rayon::join(
                || direction::findings(loaded, today),
                || attack::check(loaded, today),
            )
        },
    );
    found.extend(covered);
    found.extend(evaded);
    found
}
