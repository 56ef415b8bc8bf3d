//! `prove`: asks a real account whether its services behave as we assume.

use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use pgvigil::compile::fetch::Fetch;
use pgvigil::compile::{self, QuerySource};
use pgvigil::doctor::Subject;
use pgvigil::doctor::canary::{self, Patience};
use pgvigil::policy::Loaded;
use pgvigil::policy::model::{Cluster, Environment, Provider};
use pgvigil::prove::report::{Removed, Report};
use pgvigil::prove::{self, Question, recorded, text};
use pgvigil::report;

use super::deployment::refuse_elsewhere;
use super::ground::Ground;
use super::provider_aws::{self, Proving};
use crate::args::{ProveArgs, ProveFormat};
use crate::exit::{Exit, Ran};
use crate::progress::Activity;
use crate::session::Session;
use crate::signals;

pub(crate) fn run(session: &Session, args: &ProveArgs) -> Ran {
    let loaded = session.usable(&args.env)?;
    let environment = session.environment(&loaded, &args.env)?;
    if environment.provider == Provider::Local {
        session.say(&format!(
            "error: the environment `{}` is a folder on this machine: there is no service to test",
            args.env
        ));
        return Ok(Exit::Usage);
    }
    let provider = provider_aws::proving(Ground::of(session), environment)?;
    refuse_elsewhere(environment, &*provider)?;
    if args.clean {
        return clean(session, &loaded, environment, &*provider);
    }
    ask(session, args, &loaded, environment, &*provider)
}

/// Removes what earlier runs left, whenever they started.
fn clean(
    session: &Session,
    loaded: &Loaded,
    environment: &Environment,
    provider: &dyn Proving,
) -> Ran {
    let now = Timestamp::now();
    let mut gone = prove::clean(provider, environment, now, true)?;
    let documents = compile::compile(loaded, environment, session.today()).documents;
    for cluster in &environment.clusters {
        let subject = Subject::new(environment, cluster, &documents);
        gone.extend(canary::clean(
            &subject,
            provider,
            now,
            canary::Old::OfProofs,
        )?);
    }
    for name in &gone {
        session.show(&format!("deleted {}\n", report::visible(name)))?;
    }
    if gone.is_empty() {
        session.show("no test resources are left\n")?;
    }
    Ok(Exit::Clean)
}

fn ask(
    session: &Session,
    args: &ProveArgs,
    loaded: &Loaded,
    environment: &Environment,
    provider: &dyn Proving,
) -> Ran {
    let compiled = compile::compile(loaded, environment, session.today());
    let source = QuerySource::of(&loaded.policy, environment);
    let fetch = Fetch::of(&source);
    let cluster = environment
        .clusters
        .first()
        .with_context(|| format!("the environment `{}` has no cluster", environment.name))?;
    let subject = Subject::new(environment, cluster, &compiled.documents);
    let token = canary::token(&environment.name, Timestamp::now(), std::process::id());
    let stop = signals::listen()?;
    let question = Question {
        subject: &subject,
        fetch: &fetch,
        texts: text::others(&source, &compiled, &subject),
        recordings: recorded::texts(environment.log_line_prefix),
        rules: &compiled.rules,
        token: &token,
        pages: args.page,
        patience: Patience {
            timeout: Duration::from_secs(args.timeout),
            ..Patience::default()
        },
        stop,
        clock: &super::clock::SystemClock,
    };
    session.say(&intention(&question, environment, cluster));
    if !args.auto_approve && !session.is_agreed("\nBegin?")? {
        session.say("nothing was created");
        return Ok(Exit::Usage);
    }
    let queries = provider.queries()?;
    let activity = Activity::of(session, &format!("proving {}", environment.name));
    let mut last = String::new();
    let mut progress = |what: &str| {
        // Without a terminal, only steps are printed, not every query.
        let step = what.split(':').next().unwrap_or_default();
        if !activity.is_shown() && step != last {
            step.clone_into(&mut last);
            session.hint(&format!("{step} …"));
        }
        activity.now(what);
    };
    let found = prove::prove(&question, provider, &*queries, provider, &mut progress);
    drop(activity);
    session.show(&match args.format {
        ProveFormat::Human => report::prove::human(&found, session.style()),
        ProveFormat::Markdown => report::prove::markdown(&found),
        ProveFormat::Json => report::prove::json(&found),
    })?;
    Ok(exit(session, environment, &found))
}

fn exit(session: &Session, environment: &Environment, found: &Report) -> Exit {
    if found.removed == Removed::NotEverything {
        session.say(&format!(
            "error: resources that the proof created might still exist: `pgvigil prove --env {} --clean` removes them",
            environment.name
        ));
        return Exit::Failed;
    }
    if let Some(why) = &found.ended_early {
        session.say(&format!(
            "error: the proof ended early; everything that it created was removed: {}",
            report::visible(why)
        ));
        return Exit::Failed;
    }
    match (found.others(), found.not_asked()) {
        (0, 0) => Exit::Clean,
        (0, _) => Exit::Failed,
        _ => Exit::Diagnostics,
    }
}

/// US dollars for a gigabyte that CloudWatch Logs takes in, in us-east-1 (AWS, "Amazon CloudWatch Pricing", Logs, "Collect").
const USD_PER_GB_WRITTEN: f64 = 0.5;

/// The announcement: what the proof will do, and what it costs.
fn intention(question: &Question<'_>, environment: &Environment, cluster: &Cluster) -> String {
    let (written, read) = question.bytes();
    let usd = written as f64 / 1e9 * USD_PER_GB_WRITTEN
        + read as f64 / 1e9 * pgvigil::rules::live::USD_PER_GB;
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let people = if question.pages {
        format!(
            "The subscribers of {} get two test messages.",
            report::visible(&cluster.name)
        )
    } else {
        "No one is paged.".to_owned()
    };
    format!(
        "In the account of `{}` this creates two log groups and one alarm, and removes them afterwards.\n\
         It writes {:.1} MB, and its {} queries read {:.0} MB in total: {:.3} USD at the list price of us-east-1, and about as much again for the alarm.\n\
         {people} It takes a few minutes, or up to half an hour if the alarm is slow.",
        report::visible(&environment.name),
        megabytes(written),
        question.queries(),
        megabytes(read),
        usd.max(0.001),
    )
}
