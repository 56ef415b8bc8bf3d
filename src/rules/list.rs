//! Every exclusion of an environment: whose it is, until when it holds, what it silences, and whether people's texts have it.

use std::ops::ControlFlow;

use foldhash::HashMap;
use jiff::civil::Date;
use serde::Serialize;

use crate::audit_log::reader::{Entry, Inputs, Progress, ReadOptions, ReadReport, Visitor, read};
use crate::compile::QuerySource;
use crate::judge::{Judge, Rules, Scratch, Verdict};
use crate::policy::model::{Environment, Policy};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    pub id: String,
    pub title: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it silences anything; none where it has no end.
    pub last_day: Option<Date>,
    /// Whether it still holds.
    pub holds: bool,
    /// Whether the saved queries and the dashboard have it.
    pub in_texts: bool,
    /// Characters that it takes there, of 10,000 for everything; none where they leave it out.
    pub characters: Option<usize>,
    /// Records of the logs that it silences; none where no logs were given.
    pub silenced: Option<u64>,
    /// Those that nothing else silences: what would count without it.
    pub alone: Option<u64>,
}

/// The exclusions that an environment selects, in the order of the policy.
pub fn list(policy: &Policy, environment: &Environment, today: Date) -> Vec<Listed> {
    let (source, _) = QuerySource::of(policy, environment).that_fits();
    let shares = source.alarm("").shares;
    policy
        .exclusions_in(environment)
        .map(|exclusion| {
            let share = shares.iter().find(|(id, _)| *id == exclusion.id);
            Listed {
                id: exclusion.id.clone(),
                title: exclusion.title.clone(),
                owner: exclusion.owner.clone(),
                last_day: exclusion.last_day(),
                holds: exclusion.is_alive(today),
                in_texts: share.is_some(),
                characters: share.map(|(_, characters)| *characters),
                silenced: None,
                alone: None,
            }
        })
        .collect()
}

/// Adds what each of them silences in logs.
pub fn count(
    listed: &mut [Listed],
    rules: &Rules,
    inputs: &Inputs,
    progress: impl FnMut(Progress),
) -> ReadReport {
    let judge = Judge::new(rules);
    let mut sums = Sums(vec![(0, 0); listed.len()]);
    let visitor = Counting {
        judge: &judge,
        places: judge.exclusion_ids().zip(0..).collect(),
    };
    let report = read(
        inputs,
        &ReadOptions::with_prefix(judge.prefix()),
        &visitor,
        progress,
        |block: Sums| {
            for (sum, part) in sums.0.iter_mut().zip(block.0) {
                *sum = (sum.0 + part.0, sum.1 + part.1);
            }
            ControlFlow::Continue(())
        },
    );
    for (exclusion, (silenced, alone)) in listed.iter_mut().zip(sums.0) {
        exclusion.silenced = Some(silenced);
        exclusion.alone = Some(alone);
    }
    report
}

/// Records that each exclusion silences, and those that it silences alone.
struct Sums(Vec<(u64, u64)>);

struct Counting<'a> {
    judge: &'a Judge,
    /// The place of each exclusion.
    places: HashMap<&'a str, usize>,
}

impl Visitor for Counting<'_> {
    type Worker = Scratch;
    type Output = Sums;

    fn worker(&self) -> Scratch {
        Scratch::default()
    }

    fn output(&self) -> Sums {
        Sums(vec![(0, 0); self.places.len()])
    }

    fn visit(&self, scratch: &mut Scratch, block: &mut Sums, entry: &Entry<'_>) {
        if !self.judge.may_concern(entry.text) {
            return;
        }
        let Verdict::Excluded(by) = self.judge.verdict(scratch, entry.text) else {
            return;
        };
        for id in &by {
            let place = self.places.get(id.as_str());
            if let Some(sum) = place.and_then(|place| block.0.get_mut(*place)) {
                sum.0 += 1;
                sum.1 += u64::from(by.len() == 1);
            }
        }
    }
}
