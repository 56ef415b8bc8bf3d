//! What logs show when they are judged now.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::group::{Groups, Key, Sum, UNKNOWN};
use super::hours::Hours;
use super::period::{Period, day_of};
use crate::audit_log::reader::{Entry, Inputs, Progress, ReadOptions, ReadReport, Visitor, read};
use crate::audit_log::timestamp::{NO_TIME, fast_epoch_ms, time_of};
use crate::judge::{Judge, Outcome, Scratch};
use crate::rules::eval::{key_of, statement_of};

/// What logs show of a period.
#[derive(Debug)]
pub struct Shown {
    /// What counts.
    pub groups: Groups,
    /// Records by the first exclusion that silences them.
    pub silenced: BTreeMap<String, u64>,
    /// The hours in which a server wrote anything.
    pub hours: Hours,
    /// Records that count outside the period.
    pub outside: u64,
    /// How reading went.
    pub report: ReadReport,
}

/// Judges logs. `cluster` is whose they are, and `rules` the digest of the rules that judge.
pub fn judge(
    judge: &Judge,
    inputs: &Inputs,
    period: Period,
    cluster: &str,
    rules: &str,
    progress: impl FnMut(Progress),
) -> Shown {
    let visitor = Reading {
        judge,
        inputs,
        period,
        cluster,
    };
    let mut members: HashMap<Key, Members> = HashMap::new();
    let mut silenced = vec![0_u64; judge.exclusion_ids().len()];
    let mut hours = Hours::none(period);
    let mut outside = 0;
    let report = read(
        inputs,
        &ReadOptions::with_prefix(judge.prefix()),
        &visitor,
        progress,
        |block| {
            #[expect(clippy::iter_over_hash_type, reason = "sums are the same in any order")]
            for (key, more) in block.members {
                let known = members.entry(key).or_default();
                known.statements.extend(more.statements);
                known.sum.add(more.sum);
            }
            for (sum, part) in silenced.iter_mut().zip(&block.silenced) {
                *sum += part;
            }
            hours.join(&block.hours);
            outside += block.outside;
            ControlFlow::Continue(())
        },
    );
    let mut groups = Groups::default();
    #[expect(clippy::iter_over_hash_type, reason = "groups are sorted")]
    for (
        key,
        Members {
            mut sum,
            statements,
        },
    ) in members
    {
        sum.statements = statements.len() as u64;
        sum.rules = BTreeSet::from([rules.to_owned()]);
        groups.add(key, sum);
    }
    let silenced = judge
        .exclusion_ids()
        .zip(silenced)
        .map(|(id, number)| (id.to_owned(), number));
    Shown {
        groups,
        silenced: silenced.collect(),
        hours,
        outside,
        report,
    }
}

struct Reading<'a> {
    judge: &'a Judge,
    inputs: &'a Inputs,
    period: Period,
    cluster: &'a str,
}

/// Records of one group.
#[derive(Debug, Default)]
struct Members {
    sum: Sum,
    /// One statement may have several records.
    statements: HashSet<u64>,
}

/// What one block of a log shows.
struct Block {
    members: HashMap<Key, Members>,
    silenced: Vec<u64>,
    hours: Hours,
    outside: u64,
}

impl Visitor for Reading<'_> {
    type Worker = Scratch;
    type Output = Block;

    fn worker(&self) -> Scratch {
        Scratch::default()
    }

    fn output(&self) -> Block {
        Block {
            members: HashMap::new(),
            silenced: vec![0; self.judge.exclusion_ids().len()],
            hours: Hours::none(self.period),
            outside: 0,
        }
    }

    fn visit(&self, scratch: &mut Scratch, block: &mut Block, entry: &Entry<'_>) {
        // Any entry shows that the server wrote its log at that time.
        if let Some(written) = fast_epoch_ms(entry.text)
            .or(entry.timestamp_ms)
            .and_then(moment)
        {
            block.hours.add(written);
        }
        let mut time = None;
        let outcome = self
            .judge
            .outcome(scratch, entry.text, || *time.insert(time_of(entry.text)));
        let ms = match outcome {
            Outcome::NotARecord | Outcome::OutOfScope | Outcome::OfAccount => return,
            Outcome::Excluded(_) | Outcome::Counted => time.unwrap_or_else(|| time_of(entry.text)),
        };
        // A time that cannot be read is in every period: what counts is never left out.
        let written = (ms < NO_TIME).then(|| moment(ms)).flatten();
        if written.is_some_and(|written| !self.period.contains(written)) {
            block.outside += u64::from(outcome == Outcome::Counted);
            return;
        }
        if let Outcome::Excluded(number) = outcome {
            if let Some(sum) = block.silenced.get_mut(number as usize) {
                *sum += 1;
            }
            return;
        }
        self.count(scratch, block, entry, written);
    }
}

impl Reading<'_> {
    fn count(
        &self,
        scratch: &mut Scratch,
        block: &mut Block,
        entry: &Entry<'_>,
        written: Option<Timestamp>,
    ) {
        let judged = self.judge.judge(scratch, entry.text);
        let found = key_of(&judged);
        let who = judged.who();
        let person = who.and_then(|prefix| self.judge.person(prefix.user));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let client = who.map(|prefix| text(prefix.client.host));
        let graded = judged
            .graded
            .clone()
            .unwrap_or_else(|| self.judge.unjudged());
        let key = Key {
            day: written.map(day_of),
            cluster: self.cluster.to_owned(),
            user: found.user,
            database: found.database,
            class: found.class,
            command: found.command,
            object: found.object,
            expected: judged
                .expected
                .as_ref()
                .map(|expected| expected.grant.clone()),
        };
        let members = block.members.entry(key).or_default();
        members
            .statements
            .insert(statement_of(self.inputs, entry, &judged));
        members.sum.add(Sum {
            statements: 0,
            records: 1,
            not_judged: 0,
            first: written,
            last: written,
            signals: judged.signals.iter().copied().collect(),
            severity: graded.severity,
            severity_reason: graded.reason.to_string(),
            clients: client
                .filter(|client| !client.is_empty() && client != UNKNOWN)
                .into_iter()
                .collect(),
            session_names: self
                .judge
                .session_name(&judged)
                .map(text)
                .into_iter()
                .collect(),
            owner: person.map(|person| person.owner.clone()),
            team: person.and_then(|person| person.team.clone()),
            identity: person.and_then(|person| person.identity.clone()),
            rules: BTreeSet::new(),
        });
    }
}

fn moment(ms: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(ms).ok()
}
