//! `rules attack`: tries to evade each exclusion.

#[cfg(feature = "database")]
mod database;

use pgvigil::diagnostic::count;
use pgvigil::report::attack as render;
use pgvigil::rules::attack::{Effort, Options, run as attack};

use crate::args::{AttackArgs, AttackFormat};
use crate::exit::{Exit, Ran};
use crate::progress::Activity;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &AttackArgs) -> Ran {
    let loaded = session.readable()?;
    let environment = session.environment(&loaded, &args.env)?;
    let applied: Vec<&str> = loaded
        .policy
        .exclusions_in(environment)
        .map(|exclusion| exclusion.id.as_str())
        .collect();
    if let Some(unknown) = args
        .exclusions
        .iter()
        .find(|id| !applied.contains(&id.as_str()))
    {
        session.say(&format!(
            "error: no exclusion `{}` applies in `{}`; there are: {}",
            pgvigil::report::visible(unknown),
            environment.name,
            applied.join(", ")
        ));
        return Ok(Exit::Usage);
    }
    let options = Options {
        effort: Effort::Full,
        exclusions: (!args.exclusions.is_empty()).then(|| args.exclusions.clone()),
    };
    let database = match &args.database {
        Some(value) => Some(database::open(session, value, args.auto_approve)?),
        None => None,
    };
    let mut report = {
        let many = if args.exclusions.is_empty() {
            applied.len()
        } else {
            args.exclusions.len()
        };
        let what = format!("attacking {}", count(many, "exclusion"));
        let _activity = Activity::of(session, &what);
        attack(&loaded.policy, environment, session.today(), &options)
    };
    if let Some(database) = database {
        database::confirm(
            session,
            &loaded.policy,
            environment,
            &options,
            &mut report,
            database,
            args.generate,
        )?;
    }
    session.show(&match args.format {
        AttackFormat::Human => render::human(&report, session.colour_out()),
        AttackFormat::Json => render::json(&report),
    })?;
    Ok(if report.passed {
        Exit::Clean
    } else {
        Exit::Diagnostics
    })
}

#[cfg(not(feature = "database"))]
mod database {
    use std::convert::Infallible;

    use pgvigil::policy::model::{Environment, Policy};
    use pgvigil::rules::attack::{AttackReport, Options};

    use crate::exit::Ran;
    use crate::feature::lacking;
    use crate::session::Session;

    pub(super) fn open(_: &Session, _: &str, _: bool) -> Ran<Infallible> {
        Err(lacking("database").into())
    }

    pub(super) fn confirm(
        _: &Session,
        _: &Policy,
        _: &Environment,
        _: &Options,
        _: &mut AttackReport,
        database: Infallible,
        _: Option<usize>,
    ) -> Ran<()> {
        match database {}
    }
}
