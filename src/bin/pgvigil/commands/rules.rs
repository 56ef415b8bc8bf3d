//! The commands that examine exclusions, and judge logs by them.

mod attack;
pub(super) mod change;
mod eval;
mod explain;
mod impact;
mod list;
pub(super) mod logs;
mod renew;
mod suggest;
mod test;

use crate::args::RulesCommand;
use crate::exit::Ran;
use crate::session::Session;

pub(crate) fn run(session: &Session, command: RulesCommand) -> Ran {
    match command {
        RulesCommand::Test(args) => test::run(session, &args),
        RulesCommand::Renew(args) => renew::run(session, &args),
        RulesCommand::List(args) => list::run(session, &args),
        RulesCommand::Eval(args) => eval::run(session, &args),
        RulesCommand::Explain(args) => explain::run(session, &args),
        RulesCommand::Suggest(args) => suggest::run(session, &args),
        RulesCommand::Attack(args) => attack::run(session, &args),
        RulesCommand::Impact(args) => impact::run(session, &args),
    }
}
