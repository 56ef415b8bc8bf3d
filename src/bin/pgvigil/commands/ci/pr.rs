//! `ci pr`: everything that the reviewer of a pull request needs to know. It reads, and changes nothing.

mod impact;

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::Context as _;
use pgvigil::ci::finding::{self, APPROVALS, ATTACK, CHECK, IMPACT, NOTES, RULES_TEST};
use pgvigil::ci::{EnvironmentResult, Finding, Level, Review, Work, notes, touched};
use pgvigil::compile::{self, QUERY_LIMIT};
use pgvigil::deploy::{CloudError, Identity, Plan, Prune};
use pgvigil::diagnostic::count;
use pgvigil::doctor::remedy::quote;
use pgvigil::policy::Loaded;
use pgvigil::policy::model::Environment;
use pgvigil::report::{self, plan as plan_report};
use pgvigil::rules::attack::{self, Effort, ExclusionReport, Kind};
use pgvigil::rules::impact::ImpactReport;
use pgvigil::rules::test::TestReport;
use pgvigil::rules::{canary, fixture, test};

use super::pipeline::{
    Ended, PLAN, Pipeline, environments, impossible, plan_file, rights, skipped, step,
};
use crate::args::CiPrArgs;
use crate::commands::deploy::deployment::Deployment;
use crate::commands::deploy::ground::{Ground, NoProvider};
use crate::commands::deploy::saved;
use crate::commands::rules::change::Change;
use crate::commands::rules::logs::missing_log;
use crate::exit::{Exit, Ran};
use crate::progress::Activity;
use crate::session::Session;
use impact::Impacts;

/// Why a review is short.
const SHORT: &str = "only access grants change, and they silence nothing";

/// Steps of an environment.
const COMPILE: &str = "compile";

pub(super) fn run(session: &Session, args: &CiPrArgs) -> Ran {
    let mut pipeline = Pipeline::new(session, Work::Pr, &args.output);
    missing_log(session, &args.logs)?;
    let since = Instant::now();
    let checked = session.check()?;
    let summary = format!(
        "{}, {}",
        count(checked.loaded.files.ids().count(), "file"),
        report::summary(&checked.diagnostics)
    );
    let is_faulty = checked.diagnostics.errors() > 0;
    pipeline.diagnostics(&checked.loaded, &checked.diagnostics, None);
    pipeline.step(
        CHECK,
        since,
        (
            if is_faulty {
                Exit::Diagnostics
            } else {
                Exit::Clean
            },
            summary,
        ),
    );
    // The other steps show evadable exclusions. Problems that were dropped from the list can be of any kind.
    if checked.beside_evasions().errors() > 0 || checked.diagnostics.dropped() > 0 {
        // The list of environments is not certain: the named one might be the faulty one.
        for name in [RULES_TEST, ATTACK, IMPACT, COMPILE, PLAN] {
            let step = skipped(name, "the policy files have errors");
            pipeline.result.steps.push(step);
        }
        return pipeline.finish();
    }
    let loaded = checked.loaded;
    let base = args
        .base
        .clone()
        .or_else(|| pipeline.result.run.base.clone());
    pipeline.result.run.base.clone_from(&base);
    let change = match base.map(|name| (Change::read(session, &name, None), name)) {
        None => None,
        Some((Ok(change), _)) => Some(change),
        Some((Err(error), name)) => {
            // Without the base, the newly silent records cannot be determined.
            let why = format!("the change cannot be compared with {name}: {error:#}");
            pipeline.finding(Finding::new(IMPACT, "impact/base", why.clone()));
            pipeline.step("base", since, (Exit::Failed, why));
            return pipeline.finish();
        }
    };
    if let Some(change) = &change {
        review_notes(&mut pipeline, change, &loaded);
    }
    let wanted = wanted(&mut pipeline, args, &loaded, change.as_ref())?;
    let (wanted, gone): (Vec<_>, Vec<_>) = wanted
        .into_iter()
        .partition(|environment| loaded.policy.environment(&environment.name).is_some());
    let tested = rules_test(&mut pipeline, &loaded, &wanted)?;
    let all: Vec<&Environment> = wanted.iter().chain(&gone).copied().collect();
    // A mark silences nothing: what is silent and what evades it cannot have changed.
    let is_short = change.as_ref().is_some_and(|change| {
        change.guards.is_empty() && touched::is_access_alone(&change.base, &loaded)
    });
    let mut impacts = match &change {
        Some(change) => Some(Impacts::of_all(
            session,
            (change, &loaded),
            &if is_short {
                impact::Samples::default()
            } else {
                impact::logs(session, args, &names(change, &loaded))?
            },
            &all,
            &tested,
            is_short,
        )?),
        None => None,
    };
    for environment in gone {
        if let Some(impacts) = &mut impacts {
            vanished(&mut pipeline, args, environment, impacts)?;
        }
    }
    let activity = Activity::of_many(session, "compiling and planning", wanted.len());
    for environment in wanted {
        one(
            &mut pipeline,
            args,
            &loaded,
            environment,
            impacts.as_mut(),
            (is_faulty, is_short),
        )?;
        activity.one_more();
    }
    drop(activity);
    pipeline.finish()
}

/// What the change does to the notes on detections: a step of its own, if it touches them. It never fails: a note decides
/// nothing.
fn review_notes(pipeline: &mut Pipeline<'_>, change: &Change, loaded: &Loaded) {
    let since = Instant::now();
    let is_alone = change.guards.is_empty() && touched::are_notes_alone(&change.base, loaded);
    let review = notes::review(&change.base, loaded, is_alone, &pipeline.folder);
    if let Some(review) = review {
        for found in review.findings {
            pipeline.finding(found);
        }
        pipeline.step(NOTES, since, (Exit::Clean, review.summary));
    }
}

/// Names of the environments before and after a change.
fn names(change: &Change, loaded: &Loaded) -> BTreeSet<String> {
    let sides = [&change.base.policy, &loaded.policy];
    sides
        .into_iter()
        .flat_map(|policy| &policy.environments)
        .map(|environment| environment.name.clone())
        .collect()
}

/// The environments to review: the named ones, or those that the change affects. Removed environments are always included,
/// as they were before: no one would give the old name of a renamed environment.
fn wanted<'a>(
    pipeline: &mut Pipeline<'_>,
    args: &CiPrArgs,
    loaded: &'a Loaded,
    change: Option<&'a Change>,
) -> Result<Vec<&'a Environment>, Exit> {
    let removed = change.map_or_else(Vec::new, |change| touched::removed(&change.base, loaded));
    let gone: Vec<&Environment> = removed
        .iter()
        .filter_map(|name| change?.base.policy.environment(name))
        .collect();
    let named: Vec<String> = args
        .env
        .iter()
        .filter(|name| !removed.contains(name))
        .cloned()
        .collect();
    let mut all = if named.is_empty() && !args.env.is_empty() {
        Vec::new()
    } else {
        environments(pipeline.session, loaded, &named)?
    };
    let Some(change) = change else { return Ok(all) };
    for name in removed {
        let mut found = Finding::new(
            CHECK,
            "environment/removed",
            format!("the environment `{name}` was removed from the files, but its deployed resources remain, unmanaged"),
        )
        .help(format!("delete its resources first: `pgvigil destroy --env {}`", quote(&name)));
        found.level = Level::Warning;
        pipeline.finding(found);
    }
    if !args.env.is_empty() {
        all.extend(gone);
        return Ok(all);
    }
    // What guards the policy guards every environment.
    if !change.guards.is_empty() {
        all.extend(gone);
        return Ok(all);
    }
    let names = touched::touched(&change.base, loaded);
    let (touched, others): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|environment| names.contains(&environment.name));
    pipeline.result.untouched = others
        .into_iter()
        .map(|environment| environment.name.clone())
        .collect();
    Ok(touched.into_iter().chain(gone).collect())
}

/// An environment that the change removes from the files: what no longer counts there, and the approvals that it needs.
fn vanished(
    pipeline: &mut Pipeline<'_>,
    args: &CiPrArgs,
    environment: &Environment,
    impacts: &mut Impacts<'_>,
) -> anyhow::Result<()> {
    let mut result = EnvironmentResult::new(Identity::of(environment));
    let since = Instant::now();
    let (report, (mut exit, summary), took) = impacts.of(pipeline, environment)?;
    let began = since.checked_sub(took).unwrap_or(since);
    result.steps.push(step(IMPACT, began, exit, summary));
    if args.require_approvals {
        let ended = approvals(pipeline, &report);
        exit = exit.worse(ended.0);
        result.steps.push(step(APPROVALS, since, ended.0, ended.1));
    }
    result.impact = Some(report);
    pipeline.environment(result, exit);
    Ok(())
}

/// Whether approvals are needed. Only the forge knows which were given.
fn approvals(pipeline: &mut Pipeline<'_>, report: &ImpactReport) -> Ended {
    let summary = match report.approvals.required {
        0 => return (Exit::Clean, "no approval is needed".to_owned()),
        1 => "1 approval is needed, but this run cannot see any".to_owned(),
        more => format!("{more} approvals are needed, but this run cannot see any"),
    };
    let why = report.approvals.reasons.first();
    let message = why.map_or_else(|| summary.clone(), |why| format!("{summary}: {why}"));
    pipeline.finding(
        Finding::new(APPROVALS, "approvals/missing", message)
            .of(&report.env)
            .help(
                "ask people other than the author to approve it, and make the forge require that",
            ),
    );
    (Exit::ApprovalsMissing, summary)
}

/// Samples and fixtures, in the reviewed environments; in all environments if the change affects none.
fn rules_test(
    pipeline: &mut Pipeline<'_>,
    loaded: &Loaded,
    wanted: &[&Environment],
) -> anyhow::Result<TestReport> {
    let since = Instant::now();
    let session = pipeline.session;
    let _activity = Activity::of(session, "testing the rules");
    let fixtures = fixture::find(session.root())
        .with_context(|| format!("cannot read {}", fixture::FOLDER))?;
    let all: Vec<&Environment> = loaded.policy.environments.iter().collect();
    let environments = if wanted.is_empty() { &all } else { wanted };
    let report = test::run(loaded, &fixtures, environments, session.today());
    for found in finding::of_tests(&report, &pipeline.folder) {
        pipeline.finding(found);
    }
    let totals = &report.totals;
    let failed = totals.samples_failed + totals.ranges_failed + totals.fixture_faults;
    let ended = if report.passed {
        (
            Exit::Clean,
            format!(
                "{} and {} of log fixtures judged as promised",
                count(totals.samples, "sample"),
                count(totals.ranges, "range")
            ),
        )
    } else {
        (
            Exit::RuleTestsFailed,
            format!("{failed} not judged as promised"),
        )
    };
    pipeline.step(RULES_TEST, since, ended);
    Ok(report)
}

/// Everything about one environment.
fn one(
    pipeline: &mut Pipeline<'_>,
    args: &CiPrArgs,
    loaded: &Loaded,
    environment: &Environment,
    impacts: Option<&mut Impacts<'_>>,
    (is_faulty, is_short): (bool, bool),
) -> anyhow::Result<()> {
    let mut result = EnvironmentResult::new(Identity::of(environment));
    let mut exit = Exit::Clean;
    let mut add =
        |result: &mut EnvironmentResult, name: &str, since: Instant, (code, summary): Ended| {
            exit = exit.worse(code);
            result.steps.push(step(name, since, code, summary));
        };
    let since = Instant::now();
    if let Some(impacts) = impacts {
        let (report, ended, took) = impacts.of(pipeline, environment)?;
        let since = since.checked_sub(took).unwrap_or(since);
        if is_short {
            result.steps.push(skipped(ATTACK, SHORT));
            let summary = format!("not measured on logs: {SHORT}");
            add(&mut result, IMPACT, since, (ended.0, summary));
        } else {
            add(&mut result, ATTACK, since, attacked(&report));
            add(&mut result, IMPACT, since, ended);
        }
        if args.require_approvals {
            let ended = approvals(pipeline, &report);
            add(&mut result, APPROVALS, Instant::now(), ended);
        }
        result.impact = Some(report);
    } else {
        let ended = attack(pipeline, loaded, environment)?;
        add(&mut result, ATTACK, since, ended);
        result
            .steps
            .push(skipped(IMPACT, "no base revision: set one with --base"));
    }
    let since = Instant::now();
    let (review, ended) = compile(pipeline, loaded, environment)?;
    let is_compiled = ended.0 == Exit::Clean;
    add(&mut result, COMPILE, since, ended);
    result.review = Some(review);
    if is_faulty || !is_compiled {
        result.steps.push(skipped(
            PLAN,
            "not planned, because this policy must not be applied",
        ));
    } else {
        let since = Instant::now();
        match plan(pipeline, args, loaded, environment)? {
            Planned::As(planned, ended) => {
                add(&mut result, PLAN, since, ended);
                result.plan = planned.map(|plan| *plan);
            }
            Planned::Not(why) => result.steps.push(skipped(PLAN, &why)),
        }
    }
    pipeline.environment(result, exit);
    Ok(())
}

/// The evasions tried on the exclusions: all on changed exclusions, a few of each kind on the others.
fn attacked(report: &ImpactReport) -> Ended {
    let tried = report
        .exclusions
        .iter()
        .filter_map(|exclusion| exclusion.attack.as_ref());
    let statements: u64 = tried.clone().map(|attack| attack.tried).sum();
    let hidden = report
        .faults
        .iter()
        .filter(|fault| fault.code == "impact/evadable")
        .count();
    told(statements, tried.count(), hidden)
}

/// The bounded evasion analysis, for when the changed exclusions are not known.
fn attack(
    pipeline: &mut Pipeline<'_>,
    loaded: &Loaded,
    environment: &Environment,
) -> anyhow::Result<Ended> {
    let options = attack::Options {
        effort: Effort::Bounded,
        exclusions: None,
    };
    let report = attack::run(
        &loaded.policy,
        environment,
        pipeline.session.today(),
        &options,
    );
    let mut hidden = 0;
    // `check` warns about user data that an exclusion names itself.
    let hides = |found: &&ExclusionReport| {
        let mut evasions = found.evasions.iter();
        !found.accepted && evasions.any(|evasion| evasion.kind != Kind::Named)
    };
    for found in report.exclusions.iter().filter(hides) {
        hidden += 1;
        let exclusion = loaded
            .policy
            .exclusions
            .iter()
            .find(|exclusion| exclusion.id == found.id);
        let message = format!(
            "the exclusion `{}` can be used to evade the alarm",
            found.id
        );
        let mut finding = Finding::new(ATTACK, "attack/evadable", message)
            .help("narrow it until the statement counts, or ask someone to accept the risk for a short time")
            .at(exclusion.map(|exclusion| finding::spot(&loaded.files, &exclusion.place, &pipeline.folder)));
        finding.statement = found.evasions.first().map(|evasion| evasion.script.clone());
        pipeline.finding_of(loaded, environment, finding);
    }
    Ok(told(
        report.statements as u64,
        report.exclusions.len(),
        hidden,
    ))
}

fn told(statements: u64, exclusions: usize, hidden: usize) -> Ended {
    let tried = format!(
        "{} tried on {}",
        count(statements, "statement"),
        count(exclusions, "exclusion")
    );
    match hidden {
        0 => (Exit::Clean, format!("{tried}, no evasion found")),
        1 => (Exit::Diagnostics, format!("{tried}, 1 of them evadable")),
        count => (
            Exit::Diagnostics,
            format!("{tried}, {count} of them evadable"),
        ),
    }
}

/// The numbers that a reviewer needs, and whether the compiled query counts the canaries.
fn compile(
    pipeline: &mut Pipeline<'_>,
    loaded: &Loaded,
    environment: &Environment,
) -> anyhow::Result<(Review, Ended)> {
    let today = pipeline.session.today();
    let compiled = compile::compile(loaded, environment, today);
    let review = Review {
        exclusions: loaded.policy.exclusions_in(environment).count(),
        query_characters: compiled.query.length().max(compiled.investigate.length()),
        query_limit: QUERY_LIMIT,
        query_digest: compiled.query_digest.clone(),
        rules_digest: compiled.rules.digest(),
    };
    let silenced = canary::prove(loaded, environment, today);
    if !silenced.is_empty() {
        pipeline.diagnostics(loaded, &silenced, Some(&environment.name));
        return Ok((
            review,
            (
                Exit::Diagnostics,
                "the compiled query silences a canary".to_owned(),
            ),
        ));
    }
    let summary = format!(
        "{}, {}; query {} of {QUERY_LIMIT} characters",
        count(compiled.artefacts.len(), "file"),
        count(compiled.documents.len(), "resource"),
        review.query_characters
    );
    Ok((review, (Exit::Clean, summary)))
}

/// How planning an environment ended.
enum Planned {
    /// With a plan, unless it failed.
    As(Option<Box<Plan>>, Ended),
    /// Not tried, and why.
    Not(String),
}

/// What an apply would change, or why that was not determined.
fn plan(
    pipeline: &mut Pipeline<'_>,
    args: &CiPrArgs,
    loaded: &Loaded,
    environment: &Environment,
) -> anyhow::Result<Planned> {
    let ground = Ground::of(pipeline.session).with_package(args.package.as_deref());
    let planned = Deployment::for_reading(ground, loaded, environment)
        .and_then(|deployment| Ok(deployment.plan(&Prune::default())?));
    let mut planned = match planned {
        Ok(planned) => planned,
        // A pull request from a fork has no credentials, and must not get any.
        Err(error)
            if error.is::<NoProvider>()
                || matches!(error.downcast_ref(), Some(CloudError::NoCredentials { .. })) =>
        {
            return Ok(Planned::Not(format!(
                "{error}; could not determine what an apply would change"
            )));
        }
        Err(error) => {
            let why = format!("{error:#}");
            pipeline.finding_of(
                loaded,
                environment,
                Finding::new(PLAN, "plan/failed", why.clone()),
            );
            return Ok(Planned::As(None, (Exit::Failed, why)));
        }
    };
    planned.share(&mut pipeline.shared);
    for unread in &planned.unread {
        let message = format!("{} could not be read: {}", unread.address, unread.error);
        let found = Finding::new(PLAN, "plan/unread", message);
        let found = found.help(rights(&environment.name));
        pipeline.finding_of(loaded, environment, found);
    }
    for obstacle in &planned.obstacles {
        pipeline.finding_of(loaded, environment, impossible(obstacle));
    }
    for drift in &planned.drift {
        let (why, help) = match (drift.kind, &drift.note) {
            (None, Some(note)) => (
                note.as_str(),
                "an apply does not change it: ask its owner to remove it, or to leave the watched log groups out of it",
            ),
            _ => (
                "it was changed outside pgvigil",
                "the plan shows what an apply would do; to keep the change, add it to the files",
            ),
        };
        let message = format!("{} {}: {why}", drift.address, drift.verdict.name());
        let mut found = Finding::new(PLAN, "plan/drift", message).help(help);
        found.level = Level::Warning;
        pipeline.finding_of(loaded, environment, found);
    }
    let is_known = planned.outcome().is_ok();
    let is_possible = planned.obstacles.is_empty();
    if let (Some(folder), true) = (&args.output.out, is_known && is_possible) {
        saved::write(
            &planned,
            &plan_file(&folder.join("plans"), &environment.name),
        )?;
    }
    let summary = plan_report::summary(&planned.counts());
    let exit = match (is_known, is_possible) {
        (false, _) => Exit::Failed,
        (true, false) => Exit::Diagnostics,
        (true, true) => Exit::Clean,
    };
    let plan = Some(Box::new(without_documents(planned)));
    Ok(Planned::As(plan, (exit, summary)))
}

/// A saved plan contains the declared documents; a result does not need them.
fn without_documents(mut plan: Plan) -> Plan {
    for resource in &mut plan.resources {
        resource.desired = None;
    }
    plan
}
