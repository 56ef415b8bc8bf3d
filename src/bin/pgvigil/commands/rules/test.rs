//! `rules test`: the samples of every exclusion, the mutants that they catch, and the log fixtures.

use anyhow::Context as _;
use pgvigil::policy::model::Environment;
use pgvigil::report::{junit, rules_human, rules_json};
use pgvigil::rules::{fixture, test};

use crate::args::{TestArgs, TestFormat};
use crate::exit::{Exit, Ran};
use crate::progress::Activity;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &TestArgs) -> Ran {
    let loaded = session.readable()?;
    let environments: Vec<&Environment> = match &args.env {
        None => loaded.policy.environments.iter().collect(),
        Some(name) => vec![session.environment(&loaded, name)?],
    };
    let fixtures = fixture::find(session.root())
        .with_context(|| format!("cannot read {}", fixture::FOLDER))?;
    let mut report = {
        let _activity = Activity::of(session, "testing the rules");
        test::run(&loaded, &fixtures, &environments, session.today())
    };
    if let Some(percent) = args.min_score {
        report.require_score(percent);
    }
    session.show(&match args.format {
        TestFormat::Human => rules_human::test(&report, session.colour_out()),
        TestFormat::Json => rules_json::test(&report),
        TestFormat::Junit => junit::test(&report),
    })?;
    Ok(if report.passed {
        Exit::Clean
    } else {
        Exit::RuleTestsFailed
    })
}
