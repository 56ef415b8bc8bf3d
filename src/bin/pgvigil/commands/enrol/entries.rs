//! Entries for roles that no file declares yet: what `enrol import` and `init` share.

use pgvigil::database::enrol::import::Import;
use pgvigil::report::visible;

use crate::session::Session;

/// What to do about accounts that were found.
pub(crate) const DECIDE: &str = "accounts are not audited: review each entry with the comment `decide`, and move people to `users`";

/// Says which roles get no entry, and why.
pub(crate) fn tell_left_out(session: &Session, imported: &Import) {
    for (role, why) in &imported.left_out {
        let what = visible(&format!("`{role}`: {why}"));
        session.say(&format!("left out: {what}"));
    }
}
