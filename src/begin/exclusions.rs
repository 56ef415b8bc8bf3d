//! The shipped exclusions, as a new repository gets them: its own owner, its own dates.

use jiff::civil::Date;

use crate::policy::scalar::scalar;
use crate::rules::renew::spread;

/// The exclusions of pgvigil's own repository.
const SHIPPED: &str = include_str!("../../rules/exclusions.yaml");

/// Days from `created` to the latest `expires`: a review each year, within the 366 days that `limits` allows by default. The
/// others end earlier, so that not all records become loud on the same day.
const LIFE: i64 = 364;

/// Their ids, in the order of the file.
pub fn ids() -> impl Iterator<Item = &'static str> {
    SHIPPED
        .lines()
        .filter_map(|line| line.strip_prefix("  - id: "))
}

/// The file. Its owner agrees to the exclusions on this day.
pub fn exclusions(owner: &str, today: Date, proposals: &str) -> String {
    // Those that come last in the file end first: they are the newest and the least tried.
    let mut last_days = spread(today, LIFE, ids().count());
    let owner = scalar(owner);
    let mut text = String::with_capacity(SHIPPED.len());
    for line in SHIPPED.lines() {
        if line == "version: 1" {
            text.push_str(&format!(
                "#\n# Copied from pgvigil {}. Review each exclusion as your own: you are responsible for what it silences. Delete those\n\
                 # that none of your tools needs; a deleted exclusion silences nothing.\n",
                env!("CARGO_PKG_VERSION")
            ));
        }
        match line
            .strip_prefix("    ")
            .and_then(|rest| rest.split_once(':'))
        {
            Some(("owner", _)) => text.push_str(&format!("    owner: {owner}\n")),
            Some(("created", _)) => text.push_str(&format!("    created: {today}\n")),
            Some(("expires", _)) => {
                let expires = last_days.next().unwrap_or(today);
                text.push_str(&format!("    expires: {expires}\n"));
            }
            // The ticket of another repository.
            Some(("ticket", _)) => {}
            _ => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    if !proposals.is_empty() {
        text.push('\n');
        text.push_str(proposals);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn every_exclusion_gets_its_owner_and_dates() {
        let text = exclusions("it's \"us\"", date(2027, 3, 1), "");
        let count = |what: &str| text.lines().filter(|line| *line == what).count();
        let all = ids().count();
        assert!(all > 5);
        assert_eq!(count("    owner: \"it's \\\"us\\\"\""), all);
        assert_eq!(count("    created: 2027-03-01"), all);
        assert_eq!(count("    expires: 2028-02-28"), 1);
        let mut last_days: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("    expires: "))
            .collect();
        assert_eq!(last_days.len(), all);
        last_days.dedup();
        assert_eq!(last_days.len(), all, "two end on one day");
        assert!(!text.contains("SEC-101") && !text.contains("data-platform"));
    }
}
