//! `rules impact --live`: the same comparison where the logs are, in CloudWatch Logs Insights.

use anyhow::{Context as _, bail};
use jiff::{SpanRelativeTo, Timestamp};
use pgvigil::cloud::aws::Logs;
use pgvigil::compile::QuerySource;
use pgvigil::insights::service::ServiceError;
use pgvigil::policy::Loaded;
use pgvigil::policy::model::{Cluster, Environment, Provider};
use pgvigil::report::live::{self, Found};
use pgvigil::rules::live::{Borders, LiveError, Plan, SLICE, Window};
use pgvigil::rules::{direction, hearing};

use crate::args::{ImpactArgs, ImpactFormat};
use crate::exit::Exit;
use crate::progress::Activity;
use crate::session::Session;
use crate::stop;

/// Seconds that entries may take to arrive: one that arrives between two queries would be a difference.
const SETTLE: i64 = 15 * 60;

pub(crate) fn run(
    session: &Session,
    args: &ImpactArgs,
    base: &Loaded,
    head: &Loaded,
    environment: &Environment,
) -> anyhow::Result<Exit> {
    if environment.provider != Provider::Aws {
        session.say(&format!(
            "error: the environment `{}` is not on AWS: give logs instead of --live",
            environment.name
        ));
        return Ok(Exit::Usage);
    }
    if head.policy.environment(&environment.name).is_none() {
        session.say(&format!(
            "error: the environment `{}` is gone: nothing is heard there any more",
            environment.name
        ));
        return Ok(Exit::Usage);
    }
    let window = window(args)?;
    let after = QuerySource::of(&head.policy, environment).alarm("").text;
    let before = match base.policy.environment(&environment.name) {
        Some(old) => QuerySource::of(&base.policy, old).alarm("").text,
        None => bail!("the environment is new: there is nothing to compare it with"),
    };
    let groups: Vec<String> = environment
        .clusters
        .iter()
        .map(Cluster::log_group)
        .collect();
    let plan = Plan::new(&[&before, &after], &groups, window, SLICE);
    let activity = Activity::of(session, "estimating what is read");
    let logs = Logs::connect(environment.region.as_deref())?;
    let estimate = plan.estimate(&logs, window.until)?;
    drop(activity);
    session.say(live::estimate(&estimate, logs.region()).trim_end());
    if plan.borders() == Borders::WholeSeconds {
        session.say("note: the queries have no room for exact borders; entries in the last second of a day may be missed");
    }
    if !args.auto_approve && !session.is_agreed("\nStart them?")? {
        session.say("nothing was started");
        return Ok(Exit::Usage);
    }
    let stop = stop::listen()?;
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
    let ran = plan.run(&logs, stop, &mut progress);
    drop(activity);
    let answers = match ran {
        Ok(answers) => answers,
        Err(LiveError::Service(ServiceError::Stopped)) => {
            session.say("stopped; the queries were stopped too");
            return Ok(Exit::Failed);
        }
        Err(error) => return Err(error.into()),
    };
    let [base_answer, head_answer] = answers.as_slice() else {
        bail!("an answer is missing");
    };
    let direction = direction::compare(
        &base.policy,
        &head.policy,
        &environment.name,
        session.today(),
    );
    let hearing = hearing::compare(&hearing::Ground {
        base: &base.policy,
        head: &head.policy,
        environment: &environment.name,
        called: &environment.name,
        today: session.today(),
    });
    let found = Found {
        env: &environment.name,
        base: base_answer,
        head: head_answer,
        direction: &direction,
        hearing: &hearing,
    };
    session.show(&match args.format {
        ImpactFormat::Json => live::json(&found),
        ImpactFormat::Human | ImpactFormat::Markdown => live::human(&found),
    })?;
    let cut = base_answer.cut.len().max(head_answer.cut.len());
    if cut > 0 {
        session.say(&format!(
            "error: {cut} days have more groups than a query returns; what is missing there was not compared"
        ));
        return Ok(Exit::Failed);
    }
    Ok(Exit::Clean)
}

/// The time that is asked for, up to a little before now.
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
