//! Which exclusions of a policy fit into the texts that people read.
//!
//! The judge knows every exclusion. A text that Logs Insights runs has 10,000 characters: an exclusion that it leaves
//! out makes it show more, and never less. Exclusions are taken in the order of the policy, so an important one goes
//! first.

use super::{QUERY_LIMIT, QuerySource};
use crate::policy::model::{Exclusion, ServiceAccount};

/// Characters that the line of comment above a text takes at most.
const HEADER: usize = 120;

/// Exclusions without room after which no other is tried: each try makes all texts.
const MISSES: usize = 16;

/// Characters that the line takes which says what is left out.
const SENTENCE: usize = 280;

/// What a text leaves out, in the order of the policy.
#[derive(Debug, Clone, Default)]
pub struct LeftOut<'a> {
    pub exclusions: Vec<&'a Exclusion>,
    pub accounts: Vec<&'a ServiceAccount>,
}

impl LeftOut<'_> {
    /// Whether everything has room.
    pub fn is_empty(&self) -> bool {
        self.exclusions.is_empty() && self.accounts.is_empty()
    }

    /// What is left out, for the comment above a text, and what that does to it; nothing where everything has room.
    pub fn sentence(&self, consequence: &str) -> Option<String> {
        let count = |number: usize, what: &str| match number {
            1 => format!("1 {what}"),
            _ => format!("{number} {what}s"),
        };
        let exclusions = self.exclusions.first().map(|first| {
            let number = self.exclusions.len();
            match number {
                1 => format!("the exclusion {}", first.id),
                _ => format!("{}, the first is {}", count(number, "exclusion"), first.id),
            }
        });
        let accounts =
            (!self.accounts.is_empty()).then(|| count(self.accounts.len(), "service account"));
        let parts: Vec<String> = exclusions.into_iter().chain(accounts).collect();
        (!parts.is_empty()).then(|| {
            format!(
                "left out because the text is too long: {}. {consequence}",
                parts.join(" and ")
            )
        })
    }
}

impl<'a> QuerySource<'a> {
    /// As much of the source as the longest of the texts has room for, and the rest. Each exclusion is taken, in the order of
    /// the policy, that has room beside those before it.
    pub fn that_fits(&self) -> (Self, LeftOut<'a>) {
        if self.is_short() {
            return (self.clone(), LeftOut::default());
        }
        let mut fitting = self.clone();
        let mut left = LeftOut::default();
        fitting.exclusions.clear();
        if !fitting.fits(HEADER + SENTENCE) {
            let most = most_that_fit(self.service_accounts.len(), |number| {
                fitting.service_accounts =
                    self.service_accounts.iter().take(number).copied().collect();
                fitting.fits(HEADER + SENTENCE)
            });
            fitting.service_accounts = self.service_accounts.iter().take(most).copied().collect();
            left.accounts = self.service_accounts.iter().skip(most).copied().collect();
        }
        let mut misses = 0;
        for exclusion in &self.exclusions {
            fitting.exclusions.push(exclusion);
            if misses >= MISSES || !fitting.fits(HEADER + SENTENCE) {
                fitting.exclusions.pop();
                left.exclusions.push(exclusion);
                misses += 1;
            }
        }
        (fitting, left)
    }

    /// Whether the texts have room for everything.
    pub fn is_short(&self) -> bool {
        // No text has room for more, and to make one of thousands takes long.
        let few = self.exclusions.len() + self.service_accounts.len() < 500;
        few && self.fits(HEADER)
    }

    fn fits(&self, header: usize) -> bool {
        let header = "-".repeat(header);
        // The longest first. The rows of a log alarm are shorter than the investigation's.
        let texts = [Self::alarm, Self::investigate, Self::summary, Self::table];
        texts
            .iter()
            .all(|text| text(self, &header).length() <= QUERY_LIMIT)
    }
}

/// The greatest number up to `all` of which `fits` holds, if it holds for every smaller one too. Few are tried first: a text
/// with everything in it can be a thousand times as long as one that fits.
fn most_that_fit(all: usize, mut fits: impl FnMut(usize) -> bool) -> usize {
    let (mut fitting, mut too_many) = (0, all + 1);
    let mut step = 32;
    while fitting + 1 < too_many {
        let number = (fitting + step).min(too_many - 1);
        if fits(number) {
            fitting = number;
            step *= 2;
        } else {
            too_many = number;
        }
        step = step.min(((too_many - fitting) / 2).max(1));
    }
    fitting
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_number_that_fits_is_found() {
        for all in [0, 1, 2, 31, 32, 33, 100, 10_000] {
            for limit in [0, 1, 5, 31, 32, 33, 64, 99, 100, 9_999, 10_000, 20_000] {
                let mut tried = 0;
                let most = most_that_fit(all, |number| {
                    tried += 1;
                    assert!((1..=all).contains(&number));
                    number <= limit
                });
                assert_eq!(most, limit.min(all), "{all} {limit}");
                assert!(tried <= 30, "{all} {limit}: {tried}");
            }
        }
    }
}
