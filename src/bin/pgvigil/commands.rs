//! One file for each command.

mod access;
mod adopt;
mod apply;
mod approval;
mod attack;
#[cfg(feature = "database")]
mod attack_database;
mod blame;
mod carry_out;
mod check;
mod ci;
mod clock;
mod command_reference;
mod compile;
mod completions;
mod deployment;
mod destroy;
mod doctor;
mod drift;
mod drift_all;
#[cfg(feature = "database")]
mod enrol_apply;
#[cfg(feature = "database")]
mod enrol_coverage;
#[cfg(feature = "database")]
mod enrol_import;
#[cfg(feature = "database")]
mod enrol_places;
#[cfg(feature = "database")]
mod enrol_plan;
mod eval;
mod explain;
mod explain_code;
mod files;
mod fleet;
mod iam_policy;
mod init;
mod init_questions;
mod impact;
#[cfg(feature = "aws")]
mod impact_live;
#[cfg(feature = "aws")]
mod init_clusters;
#[cfg(feature = "database")]
mod init_roles;
mod man;
mod migrate;
mod package;
mod plan;
mod plan_all;
mod prove;
mod provider_aws;
mod rules_list;
mod rules_renew;
mod rules_test;
mod schema;
mod watch;
#[cfg(feature = "webhook")]
mod watch_webhook;

use crate::args::{AccessCommand, Command, EnrolCommand, RulesCommand};
use crate::exit::Exit;
use crate::session::Session;

/// Runs a command.
pub(crate) fn run(session: &Session, command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Init(args) => init::run(session, &args),
        Command::Migrate(args) => migrate::run(session, &args),
        Command::Check(args) => check::run(session, &args),
        Command::Rules(RulesCommand::Test(args)) => rules_test::run(session, &args),
        Command::Rules(RulesCommand::Renew(args)) => rules_renew::run(session, &args),
        Command::Rules(RulesCommand::List(args)) => rules_list::run(session, &args),
        Command::Rules(RulesCommand::Eval(args)) => eval::run(session, &args),
        Command::Rules(RulesCommand::Explain(args)) => explain::run(session, &args),
        Command::Rules(RulesCommand::Attack(args)) => attack::run(session, &args),
        Command::Rules(RulesCommand::Impact(args)) => impact::run(session, &args),
        Command::Access(AccessCommand::Grant(args)) => access::grant(session, &args),
        Command::Compile(args) => compile::run(session, &args),
        Command::Plan(args) => plan::run(session, &args),
        Command::Apply(args) => apply::run(session, &args),
        Command::Destroy(args) => destroy::run(session, &args),
        Command::Drift(args) => drift::run(session, &args),
        Command::Doctor(args) => doctor::run(session, &args),
        Command::Prove(args) => prove::run(session, &args),
        Command::IamPolicy(args) => iam_policy::run(session, &args),
        Command::Adopt(args) => adopt::run(session, &args),
        Command::Package(args) => package::run(session, &args),
        Command::Enrol(command) => enrol(session, command),
        Command::Watch(args) => watch::run(session, &args),
        Command::Ci(command) => ci::run(session, command),
        Command::Explain(args) => explain_code::run(session, &args),
        Command::Schema(args) => schema::run(session, &args),
        Command::Completions(args) => completions::run(session, &args),
        Command::Man(args) => man::run(session, &args),
    }
}

#[cfg(feature = "database")]
fn enrol(session: &Session, command: EnrolCommand) -> anyhow::Result<Exit> {
    match command {
        EnrolCommand::Plan(args) => enrol_plan::run(session, &args),
        EnrolCommand::Apply(args) => enrol_apply::run(session, &args),
        EnrolCommand::Coverage(args) => enrol_coverage::run(session, &args),
        EnrolCommand::Import(args) => enrol_import::run(session, &args),
    }
}

#[cfg(not(feature = "database"))]
fn enrol(_session: &Session, _command: EnrolCommand) -> anyhow::Result<Exit> {
    anyhow::bail!(
        "this pgvigil was built without the feature `database`: build it with the feature, or run the compiled \
         `enrol.sql` with psql"
    )
}
