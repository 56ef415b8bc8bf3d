//! `doctor`: finds silent failures, and proves that alarms work from end to end.

use std::time::Duration;

use jiff::Timestamp;
use pgvigil::deploy::Reader;
use pgvigil::deploy::document::Document;
use pgvigil::doctor::canary::{self, Canary, Outcome, Patience};
use pgvigil::doctor::{Observer, Question, Settings, Subject, Verdict, diagnose};
use pgvigil::policy::Loaded;
use pgvigil::policy::model::{Environment, Provider};
use pgvigil::report::doctor::{human, json};

use super::clock::SystemClock;
use super::deployment::{Deployment, refuse_elsewhere};
use super::ground::Ground;
use super::provider_aws::{self, Running};
use crate::args::{DoctorArgs, DoctorFormat};
use crate::exit::{Exit, Ran};
use crate::progress::Activity;
use crate::session::Session;
use crate::signals;

pub(crate) fn run(session: &Session, args: &DoctorArgs) -> Ran {
    let loaded = session.in_force()?;
    let environment = session.environment(&loaded, &args.env)?;
    let activity = Activity::of(session, &format!("examining {}", args.env));
    let site = Site::open(session, &loaded, environment, args.canary)?;
    if args.canary {
        drop(activity);
        return prove(session, args, &loaded, environment, &site);
    }
    let question = Question {
        environment,
        documents: site.documents(),
        settings: Settings { hours: args.hours },
        now: Timestamp::now(),
    };
    let diagnosis = diagnose(&question, site.reader(), site.observer())?;
    drop(activity);
    session.show(&match args.format {
        DoctorFormat::Human => human::render(&diagnosis, session.style()),
        DoctorFormat::Json => json::render(&diagnosis),
    })?;
    let counts = diagnosis.counts();
    if counts.unknown > 0 {
        session.say(&format!(
            "error: could not determine the result of {}",
            pgvigil::diagnostic::count(counts.unknown, "check")
        ));
    }
    Ok(match diagnosis.verdict() {
        Verdict::Fail => Exit::Diagnostics,
        Verdict::Unknown => Exit::Failed,
        Verdict::Ok | Verdict::Warn | Verdict::Skip => Exit::Clean,
    })
}

/// What is looked at.
enum Site {
    /// A folder runs nothing and has no alarms.
    Folder(Deployment<dyn Reader>),
    Running(Deployment<dyn Running>),
}

impl Site {
    fn open(
        session: &Session,
        loaded: &Loaded,
        environment: &Environment,
        canary: bool,
    ) -> anyhow::Result<Self> {
        let ground = Ground::of(session);
        Ok(match environment.provider {
            Provider::Local => Self::Folder(Deployment::for_reading(ground, loaded, environment)?),
            Provider::Aws => {
                let running = if canary {
                    provider_aws::canary(ground, environment)?
                } else {
                    provider_aws::running(ground, environment)?
                };
                Self::Running(Deployment::new(ground, loaded, environment, running)?)
            }
        })
    }

    fn documents(&self) -> &[Document] {
        match self {
            Self::Folder(deployment) => &deployment.documents,
            Self::Running(deployment) => &deployment.documents,
        }
    }

    fn reader(&self) -> &dyn Reader {
        match self {
            Self::Folder(deployment) => &*deployment.provider,
            Self::Running(deployment) => &*deployment.provider,
        }
    }

    /// Who looks at what runs.
    fn observer(&self) -> Option<&dyn Observer> {
        match self {
            Self::Folder(_) => None,
            Self::Running(deployment) => Some(&*deployment.provider),
        }
    }

    /// Who carries out a canary's steps.
    fn chain(&self) -> Option<&dyn Canary> {
        match self {
            Self::Folder(_) => None,
            Self::Running(deployment) => Some(&*deployment.provider),
        }
    }
}

fn prove(
    session: &Session,
    args: &DoctorArgs,
    loaded: &Loaded,
    environment: &Environment,
    site: &Site,
) -> Ran {
    refuse_elsewhere(environment, site.reader())?;
    let now = Timestamp::now();
    let token = canary::token(&environment.name, now, std::process::id());
    let matcher = canary::prove_matcher(&loaded.policy, environment, now, &token);
    // A stop ends the waiting, but the test resources are still removed.
    let stop = signals::listen()?;
    let mut reports = Vec::new();
    for cluster in &environment.clusters {
        let subject = Subject::new(environment, cluster, site.documents());
        let run = canary::Run {
            subject: &subject,
            matcher: matcher.clone(),
            token: &token,
            pages: true,
            patience: Patience {
                timeout: Duration::from_secs(args.timeout),
                ..Patience::default()
            },
            stop,
            clock: &SystemClock,
        };
        let activity = Activity::of(session, &cluster.name);
        let mut progress = |step: canary::Step| {
            let what = format!("{}: {}", cluster.name, step.title());
            if !activity.is_shown() {
                session.hint(&format!("{what} …"));
            }
            activity.now(&what);
        };
        reports.push(canary::prove(&run, site.chain(), &mut progress));
    }
    session.show(&match args.format {
        DoctorFormat::Json => json::render_canary(&environment.name, &reports),
        DoctorFormat::Human => reports
            .iter()
            .map(|report| human::render_canary(report, session.style()))
            .collect::<Vec<_>>()
            .join("\n"),
    })?;
    Ok(if reports.iter().any(canary::Report::has_failed) {
        Exit::Diagnostics
    } else if reports.iter().all(canary::Report::is_proven) {
        Exit::Clean
    } else if site.chain().is_none() && matches!(matcher, Outcome::Proven(_)) {
        session.say("note: a folder has no metrics and no alarms: only the query was proven");
        Exit::Clean
    } else {
        session.say("error: the proof was stopped before it finished");
        Exit::Failed
    })
}
