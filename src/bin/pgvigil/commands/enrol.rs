//! The commands that compare the roles of live databases with the declared ones.

mod apply;
mod coverage;
pub(super) mod entries;
mod import;
pub(super) mod places;
mod plan;
mod planned;

use crate::args::EnrolCommand;
use crate::exit::Ran;
use crate::session::Session;

pub(crate) fn run(session: &Session, command: EnrolCommand) -> Ran {
    match command {
        EnrolCommand::Plan(args) => plan::run(session, &args),
        EnrolCommand::Apply(args) => apply::run(session, &args),
        EnrolCommand::Coverage(args) => coverage::run(session, &args),
        EnrolCommand::Import(args) => import::run(session, &args),
    }
}
