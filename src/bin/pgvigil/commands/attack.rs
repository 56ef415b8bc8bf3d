//! `rules attack`: tries to hide behind each exclusion.

use pgvigil::report::attack as render;
use pgvigil::rules::attack::{Effort, Options, run as attack};

use crate::args::{AttackArgs, AttackFormat};
use crate::exit::Exit;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &AttackArgs) -> anyhow::Result<Exit> {
    let loaded = match session.readable()? {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let environment = match session.environment(&loaded, &args.env) {
        Ok(environment) => environment,
        Err(exit) => return Ok(exit),
    };
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
    let report = attack(&loaded.policy, environment, session.today(), &options)?;
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
