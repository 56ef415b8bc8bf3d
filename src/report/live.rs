//! What a live comparison will cost.

use super::visible;
use crate::rules::live::Estimate;

/// What is said before the first query is started.
pub fn estimate(estimate: &Estimate, region: &str) -> String {
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    let mut text = format!(
        "{} queries in {} will read about {} of {} log groups\nestimated cost: {:.2} USD, or {:.2} USD if AWS reports the \
         compressed size; prices are for us-east-1, other regions differ\n",
        estimate.queries,
        visible(region),
        gigabytes(estimate.bytes),
        estimate.groups.len(),
        estimate.usd,
        estimate.usd_if_compressed
    );
    let unknown: Vec<String> = estimate.unknown().map(visible).collect();
    if !unknown.is_empty() {
        text.push_str(&format!(
            "not in the estimate because their size could not be determined: {}\n",
            unknown.join(", ")
        ));
    }
    text
}
