//! The result as the document that is kept, and from which the other forms can be made later.

use crate::ci::CiResult;
use crate::deploy::document::pretty;
use crate::report::escape;

/// One object. Hostile characters are spelt out.
pub fn render(result: &CiResult) -> String {
    escape::json(&pretty(&serde_json::to_value(result).unwrap_or_default()))
}
