//! `rules impact --live`: the same comparison on what Logs Insights fetches.

use anyhow::Context as _;
use jiff::{SpanRelativeTo, Timestamp};
use pgvigil::cloud::aws::Logs;
use pgvigil::compile::fetch::{Ask, FETCH_ROWS, Fetched, Part};
use pgvigil::insights::Table;
use pgvigil::insights::service::ServiceError;
use pgvigil::policy::Loaded;
use pgvigil::policy::model::{Cluster, Environment, Provider};
use pgvigil::report::live;
use pgvigil::rules::impact::report::Logs as ReadLogs;
use pgvigil::rules::impact::{Comparison, ImpactReport};
use pgvigil::rules::live::{Answer, LiveError, Plan, SLICE, Window};

use super::super::change::Change;
use crate::args::ImpactArgs;
use crate::exit::{Exit, Ran};
use crate::progress::Activity;
use crate::session::Session;
use crate::signals;

/// Seconds that entries can take to arrive.
const SETTLE: i64 = 15 * 60;

/// Compares both policies on the entries of a window.
pub(crate) fn compare(
    session: &Session,
    args: &ImpactArgs,
    change: &Change,
    head: &Loaded,
    environment: &Environment,
) -> Ran<ImpactReport> {
    if environment.provider != Provider::Aws {
        session.say(&format!(
            "error: the environment `{}` is not on AWS: give logs instead of --live",
            environment.name
        ));
        return Err(Exit::Usage.into());
    }
    let question = change.question(session, head, environment);
    let comparison = Comparison::of(&question);
    let window = window(args)?;
    let groups: Vec<String> = environment
        .clusters
        .iter()
        .map(Cluster::log_group)
        .collect();
    let text = comparison.fetch().text(Ask::ALL);
    let plan = Plan::new(&text, FETCH_ROWS, &groups, window, SLICE);
    let activity = Activity::of(session, "estimating how much data the queries read");
    let logs = Logs::connect(environment.region.as_deref())?;
    let estimate = plan.estimate(&logs, window.until)?;
    drop(activity);
    session.say(live::estimate(&estimate, logs.region()).trim_end());
    if !args.auto_approve && !session.is_agreed("\nStart them?")? {
        session.say("nothing was started");
        return Err(Exit::Usage.into());
    }
    let stop = signals::listen()?;
    let activity = Activity::of(session, "running queries");
    let mut last = 0;
    let mut progress = |now: pgvigil::insights::service::Progress| {
        if now.done > last {
            last = now.done;
            let done = format!("{} of {} queries", now.done, now.queries);
            if !activity.is_shown() {
                session.hint(&done);
            }
            activity.now(&done);
        }
    };
    let mut rows = comparison.rows();
    let mut take = |table: &Table| {
        for fields in fields(table) {
            let row = Fetched::read(&fields, Part::All)
                .map_err(|fault| LiveError::NotTheResult(fault.to_string()))?;
            rows.add(&row);
        }
        rows.settle();
        Ok(())
    };
    let ran = plan.run(&logs, stop, &mut progress, &mut take);
    drop(activity);
    let answer = match ran {
        Ok(answer) => answer,
        Err(LiveError::Service(ServiceError::Stopped)) => {
            session.say("stopped; the queries were stopped too");
            return Err(Exit::Failed.into());
        }
        Err(error) => return Err(error.into()),
    };
    let report = comparison.of_rows(
        rows,
        ReadLogs {
            files: groups,
            bytes: answer.statistics.bytes_scanned,
            entries: answer.statistics.records_scanned,
            unread: cut(&answer),
            ..ReadLogs::default()
        },
    );
    Ok(report)
}

/// The rows of a result as names and values.
fn fields(table: &Table) -> impl Iterator<Item = Vec<(String, String)>> {
    table.rows.iter().map(|row| {
        let named = table.columns.iter().zip(row);
        named
            .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
            .collect()
    })
}

/// What was not looked at.
fn cut(answer: &Answer) -> Vec<String> {
    let sentence = |window: &Window| {
        let time = |second| {
            Timestamp::from_second(second)
                .map(|time| time.to_string())
                .unwrap_or_default()
        };
        format!(
            "from {} until {} the log has more distinct records than a query can return: the missing ones were not judged",
            time(window.from),
            time(window.until)
        )
    };
    answer.cut.iter().map(sentence).collect()
}

/// The requested window, which ends a little before now.
fn window(args: &ImpactArgs) -> anyhow::Result<Window> {
    let since = args
        .since
        .context("--live needs --since, such as `--since 7d`")?;
    let seconds = since
        .total((jiff::Unit::Second, SpanRelativeTo::days_are_24_hours()))
        .context("--since takes weeks, days, hours and minutes, such as `7d`")?
        .abs() as i64;
    let until = Timestamp::now().as_second() - SETTLE;
    Ok(Window {
        from: until - seconds,
        until,
    })
}
