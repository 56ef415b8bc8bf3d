//! `ci pr`: what the reviewer of a pull request needs to know, in one go. It reads, and changes nothing.

mod impact;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use pgvigil::ci::finding::{self, APPROVALS, ATTACK, CHECK, IMPACT, RULES_TEST};
use pgvigil::ci::{EnvironmentResult, Finding, Level, Review, Work, touched};
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

use super::{Ended, PLAN, Pipeline, environments, skipped, step};
use crate::args::CiPrArgs;
use crate::commands::deployment::{Deployment, Ground, NoProvider};
use crate::commands::eval::missing_log;
use crate::commands::impact::Change;
use crate::commands::plan as plan_command;
use crate::exit::Exit;
use crate::progress::Activity;
use crate::session::Session;
use impact::Impacts;

/// Steps of an environment.
const COMPILE: &str = "compile";

/// The file of an environment's plan.
pub(super) fn plan_file(folder: &Path, environment: &str) -> PathBuf {
    folder.join(format!("{environment}.plan.json"))
}

pub(super) fn run(session: &Session, args: &CiPrArgs) -> anyhow::Result<Exit> {
    let mut pipeline = Pipeline::new(session, Work::Pr, &args.output);
    if let Some(exit) = missing_log(session, &args.logs) {
        return Ok(exit);
    }
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
    // That people can hide behind an exclusion is what the other steps are there to show. Faults that are not kept may be of
    // any kind.
    if checked.beside_evasions().errors() > 0 || checked.diagnostics.dropped() > 0 {
        // Which environments there are is not known for sure: the one that is named may be the faulty one.
        for name in [RULES_TEST, ATTACK, IMPACT, COMPILE, PLAN] {
            let step = skipped(name, "the policy files have faults");
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
            // Without the base nobody can say what falls silent.
            let why = format!("the change cannot be compared with {name}: {error:#}");
            pipeline.finding(Finding::new(IMPACT, "impact/base", why.clone()));
            pipeline.step("base", since, (Exit::Failed, why));
            return pipeline.finish();
        }
    };
    let wanted = match wanted(&mut pipeline, args, &loaded, change.as_ref()) {
        Ok(wanted) => wanted,
        Err(exit) => return Ok(exit),
    };
    let (wanted, gone): (Vec<_>, Vec<_>) = wanted
        .into_iter()
        .partition(|environment| loaded.policy.environment(&environment.name).is_some());
    let tested = rules_test(&mut pipeline, &loaded, &wanted)?;
    let all: Vec<&Environment> = wanted.iter().chain(&gone).copied().collect();
    let mut impacts = match &change {
        Some(change) => Some(Impacts::of_all(
            session,
            (change, &loaded),
            &impact::logs(session, args, &names(change, &loaded))?,
            &all,
            &tested,
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
            is_faulty,
        )?;
        activity.one_more();
    }
    drop(activity);
    pipeline.finish()
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

/// The environments that are looked at: those that are named, or those that the change touches; also those that it takes
/// out of the files, as they were, whichever are named: nobody names the old name of one that is renamed.
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
            format!("the environment `{name}` is taken out of the files: what is deployed for it stays, and nobody looks after it"),
        )
        .help(format!("take it down first: `pgvigil destroy --env {}`", quote(&name)));
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

/// An environment that the change takes out of the files: what is no longer heard there, and who has to agree.
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

/// Whether somebody has to agree: who did is known to the forge alone.
fn approvals(pipeline: &mut Pipeline<'_>, report: &ImpactReport) -> Ended {
    let summary = match report.approvals.required {
        0 => return (Exit::Clean, "no approval is needed".to_owned()),
        1 => "1 approval is needed, and none can be shown".to_owned(),
        more => format!("{more} approvals are needed, and none can be shown"),
    };
    let why = report.approvals.reasons.first();
    let message = why.map_or_else(|| summary.clone(), |why| format!("{summary}: {why}"));
    pipeline.finding(
        Finding::new(APPROVALS, "approvals/missing", message)
            .of(&report.env)
            .help("let people approve it who did not write it, and let the forge require that"),
    );
    (Exit::ApprovalsMissing, summary)
}

/// Samples and fixtures, in the environments that are looked at; in all of them where none is touched.
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
            format!("{failed} judged otherwise than promised"),
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
    is_faulty: bool,
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
        add(&mut result, ATTACK, since, attacked(&report));
        add(&mut result, IMPACT, since, ended);
        if args.require_approvals {
            let ended = approvals(pipeline, &report);
            add(&mut result, APPROVALS, Instant::now(), ended);
        }
        result.impact = Some(report);
    } else {
        let ended = attack(pipeline, loaded, environment)?;
        add(&mut result, ATTACK, since, ended);
        result.steps.push(skipped(
            IMPACT,
            "there is nothing to compare with: name a revision with --base",
        ));
    }
    let since = Instant::now();
    let (review, ended) = compile(pipeline, loaded, environment)?;
    let is_compiled = ended.0 == Exit::Clean;
    add(&mut result, COMPILE, since, ended);
    result.review = Some(review);
    if is_faulty || !is_compiled {
        result.steps.push(skipped(
            PLAN,
            "nothing is planned of a policy that must not be applied",
        ));
    } else {
        let since = Instant::now();
        match plan(pipeline, args, loaded, environment)? {
            Ok((planned, ended)) => {
                add(&mut result, PLAN, since, ended);
                result.plan = planned;
            }
            Err(why) => result.steps.push(skipped(PLAN, &why)),
        }
    }
    pipeline.environment(result, exit);
    Ok(())
}

/// What was tried on the exclusions: everything on those that the change touches, a few of each kind on the others.
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

/// The bounded evasion analysis, where nothing says what is changed.
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
    // Of users' data that an exclusion names itself `check` warns.
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
        let message = format!("a person can hide behind the exclusion `{}`", found.id);
        let mut finding = Finding::new(ATTACK, "attack/evadable", message)
            .help("narrow it until the statement counts, or let somebody accept the risk for a short time")
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
        0 => (
            Exit::Clean,
            format!("{tried}, nobody can hide as far as was tried"),
        ),
        1 => (
            Exit::Diagnostics,
            format!("{tried}, a person can hide behind 1"),
        ),
        count => (
            Exit::Diagnostics,
            format!("{tried}, a person can hide behind {count}"),
        ),
    }
}

/// What a reviewer weighs, and whether the compiled query hears the canaries.
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

/// What an apply would change; or why that was not looked at.
fn plan(
    pipeline: &mut Pipeline<'_>,
    args: &CiPrArgs,
    loaded: &Loaded,
    environment: &Environment,
) -> anyhow::Result<Result<(Option<Plan>, Ended), String>> {
    let ground = Ground::of(pipeline.session).with_package(args.package.as_deref());
    let planned = Deployment::for_reading(ground, loaded, environment)
        .and_then(|deployment| Ok(deployment.plan(&Prune::default())?));
    let mut planned = match planned {
        Ok(planned) => planned,
        // A pull request of a stranger has no credentials, and no right to any.
        Err(error)
            if error.is::<NoProvider>()
                || matches!(error.downcast_ref(), Some(CloudError::NoCredentials { .. })) =>
        {
            return Ok(Err(format!(
                "{error}; what an apply would change is not known"
            )));
        }
        Err(error) => {
            let why = format!("{error:#}");
            pipeline.finding_of(
                loaded,
                environment,
                Finding::new(PLAN, "plan/failed", why.clone()),
            );
            return Ok(Ok((None, (Exit::Failed, why))));
        }
    };
    planned.share(&mut pipeline.shared);
    for unread in &planned.unread {
        let message = format!("{} could not be read: {}", unread.address, unread.error);
        let found = Finding::new(PLAN, "plan/unread", message);
        let found = found.help(super::rights(&environment.name));
        pipeline.finding_of(loaded, environment, found);
    }
    for obstacle in &planned.obstacles {
        pipeline.finding_of(loaded, environment, super::impossible(obstacle));
    }
    for drift in &planned.drift {
        let (why, help) = match (drift.kind, &drift.note) {
            (None, Some(note)) => (
                note.as_str(),
                "an apply changes nothing about it: have its owner remove it, or leave the watched log groups out of it",
            ),
            _ => (
                "somebody changed it by hand",
                "the plan shows what an apply would do about it: take the change into the files if it is to stay",
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
        plan_command::write(
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
    Ok(Ok((Some(without_documents(planned)), (exit, summary))))
}

/// A saved plan carries what is asked for; a result need not.
fn without_documents(mut plan: Plan) -> Plan {
    for resource in &mut plan.resources {
        resource.desired = None;
    }
    plan
}
