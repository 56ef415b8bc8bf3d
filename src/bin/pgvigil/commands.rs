//! The commands: a file that is named after one exports only `run`. What several share is in a file named after its idea.

mod access;
mod check;
mod ci;
mod compile;
mod completions;
mod deploy;
#[cfg(feature = "database")]
mod enrol;
mod explain;
mod files;
mod init;
mod man;
mod package;
mod report;
mod rules;
mod schema;
mod takeover;
mod watch;

use crate::args::Command;
use crate::exit::Ran;
use crate::session::Session;

pub(crate) fn run(session: &Session, command: Command) -> Ran {
    match command {
        Command::Init(args) => init::run(session, &args),
        Command::Migrate(args) => takeover::migrate::run(session, &args),
        Command::Check(args) => check::run(session, &args),
        Command::Rules(command) => rules::run(session, command),
        Command::Access(command) => access::run(session, command),
        Command::Compile(args) => compile::run(session, &args),
        Command::Plan(args) => deploy::plan::run(session, &args),
        Command::Apply(args) => deploy::apply::run(session, &args),
        Command::Destroy(args) => deploy::destroy::run(session, &args),
        Command::Drift(args) => deploy::drift::run(session, &args),
        Command::Doctor(args) => deploy::doctor::run(session, &args),
        Command::Prove(args) => deploy::prove::run(session, &args),
        Command::IamPolicy(args) => deploy::iam_policy::run(session, &args),
        Command::Adopt(args) => takeover::adopt::run(session, &args),
        Command::Package(args) => package::run(session, &args),
        Command::Enrol(command) => enrol::run(session, command),
        Command::Report(args) => report::run(session, &args),
        Command::Watch(args) => watch::run(session, &args),
        Command::Ci(command) => ci::run(session, command),
        Command::Explain(args) => explain::run(session, &args),
        Command::Schema(args) => schema::run(session, &args),
        Command::Completions(args) => completions::run(session, &args),
        Command::Man(args) => man::run(session, &args),
    }
}

#[cfg(not(feature = "database"))]
mod enrol {
    use crate::args::EnrolCommand;
    use crate::exit::Ran;
    use crate::feature::lacks;
    use crate::session::Session;

    pub(super) fn run(_: &Session, _: EnrolCommand) -> Ran {
        let what = lacks("database");
        Err(anyhow::anyhow!("{what}, or run the compiled `enrol.sql` with psql").into())
    }
}
