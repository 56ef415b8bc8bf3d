//! `ci apply`: deploys the merged policy, environment by environment. It stops at the first that fails, and the result shows
//! that nothing was changed in the remaining ones.

use std::collections::BTreeMap;
use std::time::Instant;

use pgvigil::ci::{Applied, EnvironmentResult, Finding, Work};
use pgvigil::deploy::apply::{End, State as StepState};
use pgvigil::deploy::obstacle::Reservations;
use pgvigil::deploy::port::At;
use pgvigil::deploy::{Identity, Left, Plan, Prune};
use pgvigil::diagnostic::count;
use pgvigil::policy::Loaded;
use pgvigil::policy::model::Environment;
use pgvigil::report::plan as plan_report;

use super::pipeline::{PLAN, Pipeline, environments, impossible, plan_file, skipped, step};
use super::write::format_of;
use crate::args::{CiApplyArgs, CiFormat};
use crate::commands::deploy::approval::{not_as_allowed, resources};
use crate::commands::deploy::carry_out::{self, Done};
use crate::commands::deploy::deployment::Deployment;
use crate::commands::deploy::ground::Ground;
use crate::commands::deploy::saved::{read, refuse_another_place, refuse_another_policy};
use crate::exit::{Exit, Ran};
use crate::session::Session;
use crate::signals;

/// The step that writes.
const APPLY: &str = "apply";

pub(super) fn run(session: &Session, args: &CiApplyArgs) -> Ran {
    let mut pipeline = Pipeline::new(session, Work::Apply, &args.output);
    let Some(loaded) = pipeline.sound()? else {
        return pipeline.finish();
    };
    let mut wanted = environments(session, &loaded, &args.env)?;
    if args.allow_delete.is_some() && wanted.len() != 1 {
        session.say(
            "error: --allow-delete confirms the deletions of one environment: name it with --env",
        );
        return Ok(Exit::Usage);
    }
    // Without names, every environment with a plan is applied.
    if let (Some(folder), true) = (&args.plans, args.env.is_empty()) {
        if !folder.is_dir() {
            session.say(&format!(
                "error: there is no folder `{}`",
                pgvigil::report::visible(&folder.to_string_lossy())
            ));
            return Ok(Exit::Usage);
        }
        let (planned, others): (Vec<_>, Vec<_>) = wanted
            .into_iter()
            .partition(|environment| plan_file(folder, &environment.name).exists());
        wanted = planned;
        pipeline.result.untouched = others
            .into_iter()
            .map(|environment| environment.name.clone())
            .collect();
    }
    if no_room(&mut pipeline, &loaded, &wanted) {
        return pipeline.finish();
    }
    let mut stopped_at: Option<String> = None;
    for environment in wanted {
        let mut result = EnvironmentResult::new(Identity::of(environment));
        if let Some(name) = &stopped_at {
            result.steps.push(skipped(
                APPLY,
                &format!("nothing was changed, because {name} did not succeed"),
            ));
            pipeline.environment(result, Exit::Clean);
            continue;
        }
        let exit = one(&mut pipeline, args, &loaded, environment, &mut result);
        if exit != Exit::Clean || signals::is_asked() {
            stopped_at = Some(environment.name.clone());
        }
        pipeline.environment(result, exit);
    }
    pipeline.finish()
}

/// Whether the environments of one account and region together reserve more than the account allows. Reports each that
/// would be refused, before the first is changed. Read errors are reported when the environment is planned.
fn no_room(pipeline: &mut Pipeline<'_>, loaded: &Loaded, wanted: &[&Environment]) -> bool {
    let session = pipeline.session;
    let at: Vec<At> = wanted
        .iter()
        .map(|environment| Identity::of(environment).at())
        .collect();
    let ground = Ground::of(session);
    let mut refused = BTreeMap::new();
    let mut times = BTreeMap::new();
    for (environment, at) in wanted.iter().zip(&at) {
        if at.provider != "aws" || wanted.len() < 2 {
            continue;
        }
        let since = Instant::now();
        let reservations = Deployment::for_reading(ground, loaded, environment)
            .and_then(|one| Ok(Reservations::ask(&one.documents, &*one.provider)?));
        if let Ok(reservations) = reservations {
            let room = pipeline.shared.room(at, &reservations);
            refused.insert(environment.name.as_str(), room.obstacles);
            times.insert(environment.name.as_str(), since);
        }
    }
    refused.retain(|_, obstacles| !obstacles.is_empty());
    let names: Vec<String> = refused.keys().map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        return false;
    }
    let why = format!(
        "nothing was changed: the account does not have enough capacity for {}",
        names.join(", ")
    );
    for environment in wanted {
        let mut result = EnvironmentResult::new(Identity::of(environment));
        let name = environment.name.as_str();
        let mut exit = Exit::Clean;
        if let (Some(obstacles), Some(since)) = (refused.get(name), times.get(name)) {
            exit = Exit::Diagnostics;
            let summary =
                "the account does not have enough capacity for what it reserves".to_owned();
            result.steps.push(step(PLAN, *since, exit, summary));
            for obstacle in obstacles {
                let found = impossible(obstacle);
                pipeline.finding_of(loaded, environment, found);
            }
        }
        result.steps.push(skipped(APPLY, &why));
        pipeline.environment(result, exit);
    }
    true
}

/// A step that could not be done. Nothing was changed.
struct Failed {
    step: &'static str,
    since: Instant,
    error: anyhow::Error,
}

/// One environment: its plan, and the apply of it.
fn one(
    pipeline: &mut Pipeline<'_>,
    args: &CiApplyArgs,
    loaded: &Loaded,
    environment: &Environment,
    result: &mut EnvironmentResult,
) -> Exit {
    let failed = match attempt(pipeline, args, loaded, environment, result) {
        Ok(exit) => return exit,
        Err(failed) => failed,
    };
    let why = format!("{:#}", failed.error);
    let done = step(failed.step, failed.since, Exit::Failed, why.clone());
    result.steps.push(done);
    let code = format!("{}/failed", failed.step);
    let mut found = Finding::new(failed.step, &code, format!("{why}; nothing was changed"));
    if failed.step == PLAN {
        result.steps.push(skipped(APPLY, "nothing was changed"));
        if args.plans.is_some() {
            found = found.help(
                "make the plans of the merged commit with `pgvigil ci pr --out DIR`, which saves them in DIR/plans",
            );
        }
    }
    pipeline.finding_of(loaded, environment, found);
    Exit::Failed
}

fn attempt(
    pipeline: &mut Pipeline<'_>,
    args: &CiApplyArgs,
    loaded: &Loaded,
    environment: &Environment,
    result: &mut EnvironmentResult,
) -> Result<Exit, Failed> {
    let session = pipeline.session;
    let since = Instant::now();
    let failed = |step, since| move |error| Failed { step, since, error };
    let (plan, deployment) =
        prepare(session, args, loaded, environment).map_err(failed(PLAN, since))?;
    let summary = plan_report::summary(&plan.counts());
    result.steps.push(step(PLAN, since, Exit::Clean, summary));
    let since = Instant::now();
    if plan.is_empty() && !plan.resources.iter().any(|resource| resource.remember) {
        let summary = "there is nothing to apply".to_owned();
        result.steps.push(step(APPLY, since, Exit::Clean, summary));
        return Ok(Exit::Clean);
    }
    let deletes = plan.deletes();
    are_confirmed(deletes.len(), args.allow_delete).map_err(failed(APPLY, since))?;
    let apply = || carry_out::execute(session, &plan, &*deployment.provider, &deletes);
    // Each step is printed as it ends, unless stdout is one document.
    let done = if format_of(&args.output, &pipeline.result) == CiFormat::Json {
        session.collect(apply).0
    } else {
        let heading = format!(
            "── {}: apply\n",
            pgvigil::report::visible(&environment.name)
        );
        session.show(&heading).and_then(|()| apply())
    };
    let done = done.map_err(failed(APPLY, since))?;
    tell(pipeline, loaded, environment, result, &done, since);
    Ok(done.exit())
}

/// Whether `--allow-delete` confirms the deletions of the plan.
fn are_confirmed(count: usize, allowed: Option<usize>) -> anyhow::Result<()> {
    match allowed {
        Some(allowed) if allowed != count => anyhow::bail!(not_as_allowed(count, allowed)),
        None if count > 0 => anyhow::bail!(
            "the plan deletes {}, and there is no terminal to confirm on: review the plan, then confirm with --allow-delete {count}",
            resources(count)
        ),
        _ => Ok(()),
    }
}

/// The plan that is applied, and the provider that it is applied with.
fn prepare(
    session: &Session,
    args: &CiApplyArgs,
    loaded: &Loaded,
    environment: &Environment,
) -> anyhow::Result<(Plan, Deployment<dyn pgvigil::deploy::Cloud>)> {
    let faults = pgvigil::rules::canary::prove(loaded, environment, session.today());
    anyhow::ensure!(
        faults.is_empty(),
        "the compiled query silences a canary: run `pgvigil check`"
    );
    let saved = match &args.plans {
        Some(folder) => {
            let path = plan_file(folder, &environment.name);
            let saved = read(&path)?;
            refuse_another_place(&path, &saved, &Identity::of(environment))?;
            Some((path, saved))
        }
        None => None,
    };
    let ground = Ground::of(session).with_package(args.package.as_deref());
    let deployment = Deployment::for_writing(ground, loaded, environment)?;
    let plan = match saved {
        Some((path, saved)) => {
            refuse_another_policy(&path, &saved, &deployment)?;
            saved.plan
        }
        None => deployment.plan(&Prune::default())?,
    };
    if let Some(unread) = plan.unread.first() {
        anyhow::bail!(
            "{} not read, so could not determine what would change; the first: {}: {}",
            plan.unread.len(),
            unread.address,
            unread.error
        );
    }
    if let Some(first) = plan.obstacles.first() {
        anyhow::bail!("the plan cannot be applied: {first}");
    }
    Ok((plan, deployment))
}

/// Reports the steps that the apply did and did not do.
fn tell(
    pipeline: &mut Pipeline<'_>,
    loaded: &Loaded,
    environment: &Environment,
    result: &mut EnvironmentResult,
    done: &Done,
    since: Instant,
) {
    let (report, all) = (&done.report, done.report.steps.len());
    let left: Vec<Left> = match &done.left {
        Ok(left) => left.clone(),
        Err(error) => vec![Left {
            address: environment.name.clone(),
            why: format!("could not check whether anything is left to do: {error}"),
        }],
    };
    for step in &report.steps {
        if let StepState::Failed { error, lasting, .. } = &step.state {
            let what = step.action.name();
            let message = format!("{what} {} failed: {error}", step.address);
            let help = if *lasting {
                "first fix the problem that it names: another apply would fail at this step too"
            } else {
                "fix the problem that it names, then run apply again: it continues where it stopped"
            };
            pipeline.finding_of(
                loaded,
                environment,
                Finding::new(APPLY, "apply/failed", message).help(help),
            );
        }
    }
    for left in &left {
        let message = format!("{} is left to do: {}", left.address, left.why);
        pipeline.finding_of(
            loaded,
            environment,
            Finding::new(APPLY, "apply/left", message)
                .help("run apply again: it skips the completed steps"),
        );
    }
    let end = match report.end {
        End::Complete if left.is_empty() => "nothing is left to do",
        End::Complete => "something is left to do",
        End::Failed => "it stopped at the step that failed",
        End::Interrupted => "it was asked to stop",
    };
    let summary = format!("{} of {} done, {end}", report.done(), count(all, "step"));
    result.steps.push(step(APPLY, since, done.exit(), summary));
    result.applied = Some(Applied {
        end: report.end,
        steps: report.steps.clone(),
        left,
    });
}
