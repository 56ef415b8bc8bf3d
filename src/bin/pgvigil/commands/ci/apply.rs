//! `ci apply`: brings what is deployed to what was merged, environment by environment. The first that fails is the last that
//! is touched, and the result says of every other that nothing was changed there.

use std::time::Instant;

use pgvigil::ci::{Applied, EnvironmentResult, Finding, Work};
use pgvigil::deploy::apply::{End, State as StepState};
use pgvigil::deploy::{Identity, Left, Plan, Prune};
use pgvigil::policy::Loaded;
use pgvigil::policy::model::Environment;
use pgvigil::report::plan as plan_report;

use super::write::format_of;
use super::{Pipeline, environments, skipped, step};
use crate::args::{CiApplyArgs, CiFormat};
use crate::commands::apply::{read, refuse_another_place, refuse_another_policy};
use crate::commands::carry_out::{self, Done};
use crate::commands::deployment::{Deployment, Ground};
use crate::exit::Exit;
use crate::session::Session;

/// The steps of an environment.
const PLAN: &str = "plan";
const APPLY: &str = "apply";

pub(super) fn run(session: &Session, args: &CiApplyArgs) -> anyhow::Result<Exit> {
    let mut pipeline = Pipeline::new(session, Work::Apply, &args.output);
    let Some(loaded) = pipeline.sound()? else {
        return pipeline.finish();
    };
    let mut wanted = match environments(session, &loaded, &args.env) {
        Ok(wanted) => wanted,
        Err(exit) => return Ok(exit),
    };
    if args.allow_delete.is_some() && wanted.len() != 1 {
        session.say(
            "error: --allow-delete confirms the deletions of one environment: name it with --env",
        );
        return Ok(Exit::Usage);
    }
    // Without names, what was planned is what is applied.
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
            .partition(|environment| super::pr::plan_file(folder, &environment.name).exists());
        wanted = planned;
        pipeline.result.untouched = others
            .into_iter()
            .map(|environment| environment.name.clone())
            .collect();
    }
    let mut stopped_at: Option<String> = None;
    for environment in wanted {
        let mut result = EnvironmentResult::new(Identity::of(environment));
        if let Some(name) = &stopped_at {
            result.steps.push(skipped(
                APPLY,
                &format!("nothing was changed: {name} did not end well before it"),
            ));
            pipeline.environment(result, Exit::Clean);
            continue;
        }
        let exit = one(&mut pipeline, args, &loaded, environment, &mut result)?;
        if exit != Exit::Clean || carry_out::is_stopped() {
            stopped_at = Some(environment.name.clone());
        }
        pipeline.environment(result, exit);
    }
    pipeline.finish()
}

/// One environment: its plan, and the apply of it.
fn one(
    pipeline: &mut Pipeline<'_>,
    args: &CiApplyArgs,
    loaded: &Loaded,
    environment: &Environment,
    result: &mut EnvironmentResult,
) -> anyhow::Result<Exit> {
    let session = pipeline.session;
    let since = Instant::now();
    let planned = pgvigil::rules::canary::prove(loaded, environment, session.today())
        .map_err(anyhow::Error::from)
        .and_then(|faults| {
            anyhow::ensure!(
                faults.is_empty(),
                "the compiled query silences a canary: run `pgvigil check`"
            );
            prepare(session, args, loaded, environment)
        });
    let (plan, deployment) = match planned {
        Ok(planned) => planned,
        Err(error) => {
            return Ok(failed(
                pipeline,
                loaded,
                environment,
                result,
                PLAN,
                since,
                &error,
            ));
        }
    };
    result.steps.push(step(
        PLAN,
        since,
        Exit::Clean,
        plan_report::summary(&plan.counts()),
    ));
    let since = Instant::now();
    if plan.is_empty() && !plan.resources.iter().any(|resource| resource.remember) {
        result.steps.push(step(
            APPLY,
            since,
            Exit::Clean,
            "there is nothing to apply".to_owned(),
        ));
        return Ok(Exit::Clean);
    }
    let deletes = plan.deletes();
    if deletes.len() != args.allow_delete.unwrap_or(0) {
        let error = anyhow::anyhow!(
            "the plan deletes {}, and {} confirmed: look at the plan, then confirm them with --allow-delete {}",
            deletes.len(),
            args.allow_delete
                .map_or("nothing is".to_owned(), |allowed| format!("{allowed} are")),
            deletes.len()
        );
        return Ok(failed(
            pipeline,
            loaded,
            environment,
            result,
            APPLY,
            since,
            &error,
        ));
    }
    let apply = || carry_out::execute(session, &plan, &*deployment.provider, &deletes);
    // Each step is told as it ends, but where stdout is one document.
    let done = if format_of(&args.output, &pipeline.result) == CiFormat::Json {
        session.collect(apply).0
    } else {
        session.show(&format!(
            "── {}: apply\n",
            pgvigil::report::visible(&environment.name)
        ))?;
        apply()
    };
    let done = match done {
        Ok(done) => done,
        Err(error) => {
            return Ok(failed(
                pipeline,
                loaded,
                environment,
                result,
                APPLY,
                since,
                &error,
            ));
        }
    };
    let exit = done.exit();
    tell(pipeline, loaded, environment, result, &done, since);
    Ok(exit)
}

/// The plan that is applied, and the provider that it is applied with.
fn prepare(
    session: &Session,
    args: &CiApplyArgs,
    loaded: &Loaded,
    environment: &Environment,
) -> anyhow::Result<(Plan, Deployment<dyn pgvigil::deploy::Cloud>)> {
    let saved = match &args.plans {
        Some(folder) => {
            let path = super::pr::plan_file(folder, &environment.name);
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
            "{} not read, so what would change is not known; the first: {}: {}",
            plan.unread.len(),
            unread.address,
            unread.error
        );
    }
    Ok((plan, deployment))
}

fn failed(
    pipeline: &mut Pipeline<'_>,
    loaded: &Loaded,
    environment: &Environment,
    result: &mut EnvironmentResult,
    name: &str,
    since: Instant,
    error: &anyhow::Error,
) -> Exit {
    let why = format!("{error:#}");
    result
        .steps
        .push(step(name, since, Exit::Failed, why.clone()));
    if name == PLAN {
        result.steps.push(skipped(APPLY, "nothing was changed"));
    }
    pipeline.finding_of(
        loaded,
        environment,
        Finding::new(
            name,
            &format!("{name}/failed"),
            format!("{why}; nothing was changed"),
        ),
    );
    Exit::Failed
}

/// What the apply did and did not do.
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
            why: format!("whether anything is left to do is not known: {error}"),
        }],
    };
    for step in &report.steps {
        if let StepState::Failed { error, .. } = &step.state {
            let what = step.action.name();
            let message = format!("{what} {} failed: {error}", step.address);
            pipeline.finding_of(
                loaded,
                environment,
                Finding::new(APPLY, "apply/failed", message).help(
                    "mend what it names, then run the apply again: it goes on where it stopped",
                ),
            );
        }
    }
    for left in &left {
        let message = format!("{} is left to do: {}", left.address, left.why);
        pipeline.finding_of(
            loaded,
            environment,
            Finding::new(APPLY, "apply/left", message),
        );
    }
    let end = match report.end {
        End::Complete if left.is_empty() => "nothing is left to do",
        End::Complete => "something is left to do",
        End::Failed => "it stopped at the step that failed",
        End::Interrupted => "it was asked to stop",
    };
    let summary = format!("{} of {all} steps done, {end}", report.done());
    result.steps.push(step(APPLY, since, done.exit(), summary));
    result.applied = Some(Applied {
        end: report.end,
        steps: report.steps.clone(),
        left,
    });
}
