//! The result as the document that is kept, and from which the other forms can be made later.

use crate::ci::CiResult;
use crate::deploy::document::pretty;
use crate::report::escape;

/// One object. Hostile characters are spelt out.
pub fn render(result: &CiResult) -> String {
    let mut document = serde_json::to_value(result).unwrap_or_default();
    if let (Some(document), Some(decision)) = (document.as_object_mut(), result.decision()) {
        document.insert(
            "decision".to_owned(),
            serde_json::to_value(decision).unwrap_or_default(),
        );
    }
    escape::json(&pretty(&document))
}
