//! What happened in some windows: fetches their entries, and has the judge decide on each.
//!
//! A query returns a bounded number of rows, and whoever makes many different statements fills it. So a result that is cut is
//! asked for again, window by window and part by part (`compile::fetch::Part`), so that no part and no signal pushes another
//! out. Of a part that is still cut the query without texts says how much there is, of whom; what the judged rows do not
//! account for of that counts, as *not judged*.

use std::collections::{BTreeMap, BTreeSet};

use super::RunError;
use super::attempt::Patience;
use super::judging::Judging;
use super::port::World;
use super::query;
use super::row::{Groups, Key, Place, Row, Seen, Sum};
use super::settings::Settings;
use crate::compile::fetch::{Ask, Detail, Fetched, Part};
use crate::insights::service::Request;
use crate::judge::{Judged, Scratch, Verdict};
use crate::policy::model::Signal;

/// What happened in some windows.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// In the order of window, log group and key.
    pub(super) rows: Vec<Row>,
    /// Records that exclusions silenced, by their ids.
    pub(super) suppressed: BTreeMap<Place, BTreeMap<String, u64>>,
    /// Windows of which not even all people are known.
    pub(super) incomplete: BTreeSet<i64>,
}

/// Fetches and judges the windows from `first` to `last`.
pub(super) async fn gather<P: World>(
    settings: &Settings,
    judging: &Judging,
    port: &P,
    patience: &Patience<'_, P>,
    (first, last): (i64, i64),
) -> Result<Gathered, RunError> {
    let mut gatherer = Gatherer {
        settings,
        judging,
        port,
        patience,
        scratch: Scratch::default(),
        tally: Tally::default(),
    };
    gatherer.windows(first, last).await?;
    let tally = gatherer.tally;
    Ok(Gathered {
        rows: tally.groups.into_rows(),
        suppressed: tally.suppressed,
        incomplete: tally.incomplete,
    })
}

struct Gatherer<'a, P> {
    settings: &'a Settings,
    judging: &'a Judging,
    port: &'a P,
    patience: &'a Patience<'a, P>,
    scratch: Scratch,
    tally: Tally,
}

#[derive(Debug, Default)]
struct Tally {
    groups: Groups,
    suppressed: BTreeMap<Place, BTreeMap<String, u64>>,
    incomplete: BTreeSet<i64>,
}

/// Records and statements, by log group and what a query says without texts.
type Totals = BTreeMap<(usize, Seen), (u64, u64)>;

/// All that there is, in the same way.
type There = BTreeMap<(usize, Seen), Sum>;

impl<P: World> Gatherer<'_, P> {
    async fn windows(&mut self, first: i64, last: i64) -> Result<(), RunError> {
        if !self.texts(Ask::ALL, (first, last), &mut None).await? {
            return Ok(());
        }
        self.tally = Tally::default();
        for window in first..=last {
            let alone = Ask {
                windows: Some((window, window)),
                ..Ask::ALL
            };
            // A range of the records' time holds windows beside those that were asked for.
            if !self.texts(alone, (window, window), &mut None).await? {
                continue;
            }
            let judging = self.judging;
            for part in judging.fetch.parts() {
                self.part(part, window).await?;
            }
        }
        Ok(())
    }

    /// One part of one window.
    async fn part(&mut self, part: Part, window: i64) -> Result<(), RunError> {
        let mut details: &[Detail] = match part {
            Part::All | Part::Records => &[Detail::Object, Detail::Person],
            Part::Unread | Part::Refusals => &[Detail::Client],
        };
        let (detail, there, is_cut) = loop {
            let Some((detail, coarser)) = details.split_first() else {
                return Ok(());
            };
            let mut there = There::new();
            let ask = Ask {
                part,
                detail: *detail,
                windows: Some((window, window)),
            };
            let is_cut = self.totals(ask, window, &mut there).await?;
            if !is_cut || coarser.is_empty() {
                break (*detail, there, is_cut);
            }
            details = coarser;
        };
        if is_cut {
            self.tally.incomplete.insert(window);
        }
        let records: u64 = there.values().map(|sum| sum.records).sum();
        let is_flood = is_cut || records >= u64::from(self.settings.row_limit);
        let mut judged = Some(Totals::new());
        // Of refusals in such a number no text says more than the client does, and each has another name in it.
        if records > 0 && !(part == Part::Refusals && is_flood) {
            let ask = Ask {
                part,
                detail: Detail::Text,
                windows: Some((window, window)),
            };
            self.texts(ask, (window, window), &mut judged).await?;
        }
        self.not_judged(part, detail, window, there, &judged.unwrap_or_default());
        Ok(())
    }

    /// Judges what a query returns. Says whether it was cut; then nothing of it is kept, but where `totals` are there, which
    /// hear what was judged.
    async fn texts(
        &mut self,
        ask: Ask,
        range: (i64, i64),
        totals: &mut Option<Totals>,
    ) -> Result<bool, RunError> {
        let mut tally = Tally::default();
        let request = self.request(ask, range);
        let (settings, judging) = (self.settings, self.judging);
        let scratch = &mut self.scratch;
        let is_cut = query::run(self.port, self.patience, &request, &mut |fields| {
            let row = read(fields, ask.part)?;
            let place = place(settings, &row)?;
            // The range holds records of neighbours too, of which it does not hold all.
            if !(range.0..=range.1).contains(&place.window) {
                return Ok(());
            }
            let entry = row.entry(judging.judge.prefix());
            let judged =
                judging
                    .judge
                    .judge_between(scratch, &entry, (row.oldest_ms, row.newest_ms));
            if let Some(totals) = totals {
                let (records, statements) = totals
                    .entry((place.group, seen(&row, Some(&judged))))
                    .or_default();
                *records += row.records;
                *statements += row.statements;
            }
            match &judged.verdict {
                Verdict::NotARecord | Verdict::OutOfScope => {}
                Verdict::Excluded(ids) => {
                    let sums = tally.suppressed.entry(place).or_default();
                    for id in ids {
                        *sums.entry(id.clone()).or_default() += row.records;
                    }
                }
                Verdict::Counted => {
                    tally
                        .groups
                        .add(place, Key::of(&judging.judge, &judged), Sum::of(&row))
                }
            }
            Ok(())
        })
        .await?;
        if !is_cut || totals.is_some() {
            self.tally.append(tally);
        }
        Ok(is_cut)
    }

    /// What there is, without texts.
    async fn totals(&self, ask: Ask, window: i64, there: &mut There) -> Result<bool, RunError> {
        let request = self.request(ask, (window, window));
        query::run(self.port, self.patience, &request, &mut |fields| {
            let row = read(fields, ask.part)?;
            let place = place(self.settings, &row)?;
            if place.window == window {
                let sum = Sum::of(&row);
                there
                    .entry((place.group, seen(&row, None)))
                    .and_modify(|known| known.add(sum.clone()))
                    .or_insert(sum);
            }
            Ok(())
        })
        .await
    }

    /// Counts what is there and was not judged.
    fn not_judged(
        &mut self,
        part: Part,
        detail: Detail,
        window: i64,
        there: There,
        judged: &Totals,
    ) {
        let mut known = Totals::new();
        for ((group, seen), (records, statements)) in judged {
            let sums = known.entry((*group, seen.as_of(detail))).or_default();
            sums.0 += records;
            sums.1 += statements;
        }
        for ((group, seen), mut sum) in there {
            let is_account = part == Part::Records
                && self
                    .judging
                    .judge
                    .is_account(&mut self.scratch, seen.role.as_bytes());
            if is_account {
                continue;
            }
            let judged = known.get(&(group, seen.clone())).copied();
            let (records, statements) = judged.unwrap_or_default();
            sum.not_judged = sum.records.saturating_sub(records);
            if sum.not_judged == 0 {
                continue;
            }
            sum.records = sum.not_judged;
            sum.statements = sum
                .statements
                .saturating_sub(statements)
                .clamp(1, sum.records);
            let signal = match part {
                Part::All | Part::Records => None,
                Part::Unread => Some(Signal::Dml),
                Part::Refusals => Some(Signal::Denied),
            };
            let key = Key::not_judged(self.judging, &seen, signal);
            self.tally.groups.add(Place { window, group }, key, sum);
        }
    }

    fn request(&self, ask: Ask, (first, last): (i64, i64)) -> Request {
        let (from, until) = self.settings.windows.seconds(first, last);
        Request {
            text: self.judging.fetch.text(ask),
            log_groups: self.settings.log_groups.clone(),
            from,
            until,
            limit: self.settings.row_limit,
        }
    }
}

impl Tally {
    fn append(&mut self, other: Self) {
        self.groups.append(other.groups);
        for (place, sums) in other.suppressed {
            let known = self.suppressed.entry(place).or_default();
            for (id, records) in sums {
                *known.entry(id).or_default() += records;
            }
        }
        self.incomplete.extend(other.incomplete);
    }
}

impl Seen {
    /// As a query of this detail says it.
    fn as_of(&self, detail: Detail) -> Self {
        match detail {
            Detail::Text | Detail::Object => self.clone(),
            Detail::Person => Self {
                role: self.role.clone(),
                database: self.database.clone(),
                ..Self::default()
            },
            Detail::Client => Self {
                client: self.client.clone(),
                ..Self::default()
            },
        }
    }
}

/// What a row says without its text; of a row with a text what was judged.
fn seen(row: &Fetched<'_>, judged: Option<&Judged<'_>>) -> Seen {
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (class, command, object) = match judged.map(Judged::record) {
        None => {
            let (class, command) = row.action();
            (class.to_owned(), command.to_owned(), row.object())
        }
        Some(Some(record)) => (
            lossy(record.class),
            lossy(record.command),
            record
                .object_name
                .map_or_else(String::new, |name| lossy(&name.decoded())),
        ),
        Some(None) => Default::default(),
    };
    Seen {
        role: row.role().to_owned(),
        database: row.database().to_owned(),
        client: row.client().to_owned(),
        class,
        command,
        object,
    }
}

fn read(fields: &query::Fields, part: Part) -> Result<Fetched<'_>, RunError> {
    Fetched::read(fields, part).map_err(|fault| RunError::Result {
        message: fault.to_string(),
    })
}

fn place(settings: &Settings, row: &Fetched<'_>) -> Result<Place, RunError> {
    // `ACCOUNT:GROUP`. A row's values are not shown: any of them may be SQL.
    let name = row.log.split_once(':').map_or(row.log, |(_, name)| name);
    let mut groups = settings.log_groups.iter();
    let group = groups
        .position(|group| group == name)
        .ok_or_else(|| RunError::Result {
            message: "`@log` of a row is not a log group of `LOG_GROUP_NAME`".to_owned(),
        })?;
    Ok(Place {
        window: row.window,
        group,
    })
}
