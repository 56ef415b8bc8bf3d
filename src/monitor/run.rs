//! One run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::attempt::Patience;
use super::detection::{self, one_line, time};
use super::figures::{self, safe};
use super::invocation::{Invocation, What};
use super::notification;
use super::port::{Datum, World};
use super::receipt::{self, LONGEST_MS, Receipts};
use super::row::{self, Key, Row};
use super::settings::Settings;
use super::{RunError, query};
use crate::compile::query::within_windows;
use crate::compile::resources::{Metric, WINDOWS_RECOMPUTED};
use crate::insights::service::Request;
use crate::policy::model::Signal;

/// Windows of one query in a backlog: each query reads the allowances before and after its windows once more.
const BACKLOG_MS: i64 = 6 * 60 * 60 * 1000;

/// The period of what exclusions silence: each figure costs a further scan of it.
const HOUR_MS: i64 = 60 * 60 * 1000;

/// Windows that every run computes.
const RECOMPUTED: i64 = WINDOWS_RECOMPUTED as i64;

/// Time that is left for saying that a run failed, at most.
const MARGIN_MS: i64 = 15_000;

/// What a run did: the answer to the invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Statements of the signal `dml` in the newest window.
    pub operations: u64,
    /// Windows that were counted, first and last. The backlog is not among them.
    pub windows: (i64, i64),
    /// Windows that nobody had counted before and that were made up for beyond those.
    pub made_up: usize,
    /// Windows that are left to make up for.
    pub left: usize,
    /// New groups that people were told of.
    pub told: usize,
    /// Windows of which the result was cut.
    pub incomplete: usize,
}

impl Answer {
    /// What the reference system answers, and more.
    pub fn json(&self, settings: &Settings) -> Value {
        let windows = settings.windows;
        let (first, last) = self.windows;
        json!({
            "statusCode": 200,
            "operationCount": self.operations,
            "window": { "start": time(windows.start_ms(last)), "end": time(windows.start_ms(last + 1)) },
            "logGroup": settings.log_groups.join(","),
            "counted": { "start": time(windows.start_ms(first)), "end": time(windows.start_ms(last + 1)) },
            "windowsMadeUp": self.made_up,
            "windowsLeft": self.left,
            "newGroups": self.told,
            "incompleteWindows": self.incomplete,
        })
    }
}

/// Does what an invocation asks for. What fails is told by the metric of errors too, and the invocation must fail, so
/// that Lambda tries it again.
///
/// # Errors
/// The first thing that failed. No window whose count, records or notification are not out has a receipt then.
pub async fn run<P: World>(
    settings: &Settings,
    receipts: &mut Receipts,
    port: &P,
    invocation: &Invocation,
) -> Result<Answer, RunError> {
    let began_ms = port.now_ms();
    let time = invocation.deadline_ms.saturating_sub(began_ms).max(0);
    let margin = MARGIN_MS.min(time / 4);
    let mut run = Run {
        settings,
        receipts,
        port,
        patience: Patience::until(port, invocation.deadline_ms.saturating_sub(margin)),
        told: 0,
        incomplete: 0,
    };
    let result = run.go(invocation).await;
    if let Err(error) = &result {
        run.journal(
            json!({ "record": "pgvigil.error", "level": "ERROR", "message": error.to_string() }),
        );
        let last = Patience::until(port, invocation.deadline_ms.saturating_sub(margin / 4));
        if let Err(unsaid) = run.health(&last, false).await {
            run.journal(json!({
                "record": "pgvigil.error",
                "level": "ERROR",
                "message": format!("the metric of errors was not published: {unsaid}"),
            }));
        }
    }
    result
}

struct Run<'a, P> {
    settings: &'a Settings,
    receipts: &'a mut Receipts,
    port: &'a P,
    patience: Patience<'a, P>,
    told: usize,
    incomplete: usize,
}

impl<P: World> Run<'_, P> {
    async fn go(&mut self, invocation: &Invocation) -> Result<Answer, RunError> {
        let windows = self.settings.windows;
        let now_ms = self.port.now_ms();
        // A window that has not settled must not be counted, whoever says that it is time.
        let settled = windows.newest(now_ms);
        let (first, last) = match invocation.what {
            What::Scheduled { time_ms } => normal(windows.newest(time_ms.min(now_ms))),
            What::Now => normal(settled),
            What::Range { from_ms, until_ms } => {
                let oldest = windows.of(now_ms - LONGEST_MS);
                let first = windows.of(from_ms);
                let last = windows.of(until_ms - 1).min(settled);
                if first < oldest {
                    return Err(RunError::Invocation(format!(
                        "the range begins more than {} days ago, and CloudWatch takes no figure that old: begin at {} or later",
                        LONGEST_MS / 86_400_000,
                        time(windows.start_ms(oldest + 1)),
                    )));
                }
                if first > last {
                    return Err(RunError::Invocation(format!(
                        "the range has no window that is over and settled: the newest one ends at {}",
                        time(windows.start_ms(settled + 1)),
                    )));
                }
                (first, last)
            }
        };
        if let Err(error) = receipt::read(
            self.port,
            self.settings,
            &self.patience,
            self.receipts,
            last,
        )
        .await
        {
            // Without them a run only does more than it must: it tells again, which is better than never.
            self.journal(json!({
                "record": "pgvigil.warning",
                "level": "WARN",
                "message": format!("{error}: the last {WINDOWS_RECOMPUTED} windows are told again where nothing else is known"),
            }));
        }
        let mut answer = Answer {
            operations: 0,
            windows: (first, last),
            made_up: 0,
            left: 0,
            told: 0,
            incomplete: 0,
        };
        let is_range = matches!(invocation.what, What::Range { .. });
        if is_range {
            let wanted: Vec<i64> = (first..=last).collect();
            let (done, operations) = self.many(&wanted).await?;
            answer.operations = operations;
            answer.left = wanted.len() - done;
            if answer.left > 0 {
                let next = wanted.get(done).copied().unwrap_or(last);
                return Err(RunError::Invocation(format!(
                    "the time of the run was over after {done} windows: ask for the rest, from {}",
                    time(windows.start_ms(next)),
                )));
            }
            self.health(&self.patience, true).await?;
        } else {
            answer.operations = self.unit(first, last).await?;
            self.health(&self.patience, true).await?;
            let missing = self.receipts.missing(
                self.settings.log_groups.len(),
                windows.of(windows.start_ms(last + 1) - LONGEST_MS),
                first,
            );
            let (done, _) = self.many(&missing).await?;
            (answer.made_up, answer.left) = (done, missing.len() - done);
            if let What::Scheduled { time_ms } = invocation.what {
                self.suppressed(time_ms.min(now_ms)).await?;
            }
        }
        (answer.told, answer.incomplete) = (self.told, self.incomplete);
        let mut summary = answer.json(self.settings);
        if let Value::Object(fields) = &mut summary {
            fields.insert("record".to_owned(), json!("pgvigil.run"));
            fields.insert("level".to_owned(), json!("INFO"));
            fields.insert("query".to_owned(), json!(self.settings.query_digest));
            fields.insert("policy".to_owned(), json!(self.settings.policy_digest));
        }
        self.journal(summary);
        Ok(answer)
    }

    /// Counts windows that need not be side by side, oldest first, as far as the time allows. Gives how many, and the
    /// operations of the last.
    async fn many(&mut self, wanted: &[i64]) -> Result<(usize, u64), RunError> {
        let most = usize::try_from(BACKLOG_MS / self.settings.windows.length_ms()).unwrap_or(1);
        let (mut done, mut operations) = (0, 0);
        let mut slowest = Duration::ZERO;
        for (first, last) in ranges(wanted, most.max(1)) {
            // One that cannot end would only read in vain.
            if done > 0 && self.patience.left() < slowest * 2 {
                break;
            }
            let before = self.patience.left();
            operations = match self.unit(first, last).await {
                Ok(operations) => operations,
                Err(RunError::Late { .. } | RunError::Busy { .. }) if done > 0 => break,
                Err(error) => return Err(error),
            };
            slowest = slowest.max(before.saturating_sub(self.patience.left()));
            done += usize::try_from(last - first + 1).unwrap_or_default();
        }
        if done < wanted.len() {
            self.journal(json!({
                "record": "pgvigil.warning",
                "level": "WARN",
                "message": format!("{} windows are left to make up for: the next run goes on", wanted.len() - done),
            }));
        }
        Ok((done, operations))
    }

    /// Counts windows that are side by side: metrics, detection records, notification, receipts, in this order. Gives
    /// the operations of the last.
    async fn unit(&mut self, first: i64, last: i64) -> Result<u64, RunError> {
        let (rows, cut) = self.rows(first, last).await?;
        let figures = figures::of(self.settings, &rows, first, last);
        self.put(&figures::data(self.settings, &figures)).await?;

        // What nobody was told of: windows without a receipt, and those that came to more since.
        let fresh: BTreeMap<(usize, i64), u64> = figures
            .iter()
            .map(|((group, window), figure)| ((*group, *window), figure.total()))
            .filter(|((group, window), total)| {
                self.receipts
                    .total(*group, *window)
                    .is_none_or(|known| *total > known)
            })
            .collect();
        let mut seen: BTreeMap<(usize, &Key), i64> = BTreeMap::new();
        let mut news: BTreeMap<usize, Vec<(&Row, bool)>> = BTreeMap::new();
        for row in &rows {
            let before = seen.insert((row.group, &row.key), row.window);
            if fresh.contains_key(&(row.group, row.window)) {
                // As far back as every run sees, so that it does not depend on how many windows this one computes.
                let is_new = before.is_none_or(|window| row.window - window >= RECOMPUTED);
                news.entry(row.group).or_default().push((row, is_new));
            }
        }
        for (row, is_new) in news.values().flatten() {
            let incomplete = cut.contains(&row.window);
            self.port
                .write(&detection::line(self.settings, row, *is_new, incomplete));
        }
        for window in &cut {
            let message = format!(
                "the window that begins at {} has more groups than one query returns: its figures are the least that happened",
                time(self.settings.windows.start_ms(*window))
            );
            self.journal(
                json!({ "record": "pgvigil.warning", "level": "WARN", "message": message }),
            );
        }
        for (group, rows) in &news {
            self.tell(*group, rows, !cut.is_empty()).await?;
        }
        let receipts: Vec<Datum> = fresh
            .iter()
            .filter_map(|((group, window), total)| {
                let name = self.settings.log_groups.get(*group)?;
                Some(receipt::datum(self.settings, name, *window, *total))
            })
            .collect();
        self.put(&receipts).await?;
        for ((group, window), total) in fresh {
            self.receipts.add(group, window, total);
        }
        self.incomplete += cut.len();
        let newest = figures.iter().filter(|((_, window), _)| *window == last);
        Ok(newest
            .filter_map(|(_, figure)| figure.signals.get(&Signal::Dml))
            .sum())
    }

    /// The rows of windows, in their order, and the windows of which there can be more. A result that is cut is asked
    /// for again in halves, down to single windows, and then without the rows of their neighbours.
    async fn rows(&self, first: i64, last: i64) -> Result<(Vec<Row>, BTreeSet<i64>), RunError> {
        let windows = self.settings.windows;
        let mut rows = Vec::new();
        let mut cut = BTreeSet::new();
        let mut ranges = vec![(first, last, false)];
        while let Some((first, last, alone)) = ranges.pop() {
            let narrow = alone
                .then(|| within_windows(&self.settings.query, first, last))
                .flatten();
            let text = narrow.as_ref().unwrap_or(&self.settings.query);
            let seconds = windows.seconds(first, last);
            let request = self.request(text, &self.settings.log_groups, seconds);
            let found = query::run(self.port, &self.patience, &request).await?;
            if found.cut && first < last {
                let middle = first + (last - first) / 2;
                ranges.push((middle + 1, last, true));
                ranges.push((first, middle, true));
                continue;
            }
            if found.cut && !alone {
                ranges.push((first, last, true));
                continue;
            }
            if found.cut {
                cut.insert(first);
            }
            for fields in found.rows {
                let row = row::read(self.settings, fields)?;
                // The range holds records of neighbours too, of which it does not hold all.
                rows.extend(row.filter(|row| (first..=last).contains(&row.window)));
            }
        }
        rows.sort_by(|left, right| {
            (left.window, left.group, &left.key).cmp(&(right.window, right.group, &right.key))
        });
        Ok((rows, cut))
    }

    fn request(&self, text: &str, log_groups: &[String], (from, until): (i64, i64)) -> Request {
        Request {
            text: text.to_owned(),
            log_groups: log_groups.to_vec(),
            from,
            until,
            limit: self.settings.row_limit,
        }
    }

    async fn tell(
        &mut self,
        group: usize,
        rows: &[(&Row, bool)],
        incomplete: bool,
    ) -> Result<(), RunError> {
        let (Some(topic), Some(log_group)) =
            (&self.settings.topic, self.settings.log_groups.get(group))
        else {
            return Ok(());
        };
        let Some(message) = notification::message(self.settings, log_group, rows, incomplete)
        else {
            return Ok(());
        };
        self.patience
            .call("tell people of new groups", async |within| {
                self.port
                    .publish(topic, &message.subject, &message.text, within)
                    .await
            })
            .await?;
        self.told += message.groups;
        Ok(())
    }

    async fn put(&self, data: &[Datum]) -> Result<(), RunError> {
        self.put_within(&self.patience, data).await
    }

    async fn put_within(&self, patience: &Patience<'_, P>, data: &[Datum]) -> Result<(), RunError> {
        for data in figures::calls(data) {
            patience
                .call("publish metrics", async |within| {
                    self.port.put(&self.settings.namespace, data, within).await
                })
                .await?;
        }
        Ok(())
    }

    /// Says how the run went, at its own time.
    async fn health(&self, patience: &Patience<'_, P>, well: bool) -> Result<(), RunError> {
        let time_ms = self.port.now_ms();
        let datum = |metric, value| Datum {
            metric,
            time_ms,
            value,
        };
        let mut data = Vec::new();
        for name in &self.settings.log_groups {
            data.push(datum(Metric::errors_in(name), if well { 0.0 } else { 1.0 }));
            if well {
                data.push(datum(Metric::heartbeat_in(name), 1.0));
            }
        }
        self.put_within(patience, &data).await
    }

    /// What exclusions silenced in the last whole hour, once an hour. It is no alarm's input: where there is no time for
    /// it, it is left out, and said.
    async fn suppressed(&self, time_ms: i64) -> Result<(), RunError> {
        if self.settings.shadows.is_empty() {
            return Ok(());
        }
        let length = self.settings.windows.length_ms();
        let period = HOUR_MS.max(length);
        let settled = self
            .settings
            .windows
            .start_ms(self.settings.windows.newest(time_ms) + 1);
        let hour = settled.div_euclid(period) - 1;
        if hour == (settled - length).div_euclid(period) - 1 {
            return Ok(());
        }
        let from_ms = hour * period;
        // The last second belongs to a range.
        let seconds = (
            from_ms.div_euclid(1000),
            (from_ms + period).div_euclid(1000) - 1,
        );
        let mut data = Vec::new();
        for log_group in &self.settings.log_groups {
            let mut sums: BTreeMap<String, f64> = BTreeMap::new();
            for text in &self.settings.shadows {
                let request = self.request(text, std::slice::from_ref(log_group), seconds);
                let found = query::run(self.port, &self.patience, &request).await;
                let found = match found {
                    Ok(found) => found,
                    Err(RunError::Late { .. } | RunError::Busy { .. }) => {
                        self.journal(json!({
                            "record": "pgvigil.warning",
                            "level": "WARN",
                            "message": format!("there was no time to count what exclusions silenced in the hour from {}", time(from_ms)),
                        }));
                        return Ok(());
                    }
                    Err(error) => return Err(error),
                };
                for (name, value) in found.rows.into_iter().flatten() {
                    // The columns of a shadow query: `user`, and one for each exclusion.
                    if let Some(id) = name.strip_prefix("x_") {
                        let number: f64 = value.parse().unwrap_or_default();
                        *sums.entry(id.replace('_', "-")).or_default() += number;
                    }
                }
            }
            data.extend(
                sums.into_iter()
                    .filter(|(_, sum)| sum.is_finite())
                    .map(|(id, value)| Datum {
                        metric: Metric::suppressed(log_group, &safe(&id)),
                        time_ms: from_ms,
                        value,
                    }),
            );
        }
        self.put(&data).await
    }

    fn journal(&self, value: Value) {
        self.port.write(&one_line(&value));
    }
}

/// The windows that every run computes, first and last.
fn normal(newest: i64) -> (i64, i64) {
    (newest - RECOMPUTED + 1, newest)
}

/// Runs of numbers that follow each other, none longer than `most`.
fn ranges(numbers: &[i64], most: usize) -> Vec<(i64, i64)> {
    numbers
        .chunk_by(|left, right| left + 1 == *right)
        .flat_map(|run| run.chunks(most))
        .filter_map(|run| Some((*run.first()?, *run.last()?)))
        .collect()
}
