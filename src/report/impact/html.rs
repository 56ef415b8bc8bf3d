//! The impact of a change as one page.
use crate::rules::impact::report::ImpactReport;
/// Page.
pub fn render(_: &ImpactReport) -> String {
    String::new()
}
