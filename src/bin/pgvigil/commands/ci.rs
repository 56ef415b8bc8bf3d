//! The commands for pipelines.

mod apply;
#[cfg(feature = "webhook")]
mod approvals;
mod drift;
mod pipeline;
mod pr;
mod publish;
mod render;
mod write;

use crate::args::CiCommand;
use crate::exit::Ran;
use crate::session::Session;

pub(crate) fn run(session: &Session, command: CiCommand) -> Ran {
    match command {
        CiCommand::Pr(args) => pr::run(session, &args),
        CiCommand::Apply(args) => apply::run(session, &args),
        CiCommand::Drift(args) => drift::run(session, &args),
        CiCommand::Publish(args) => publish::run(session, &args),
        CiCommand::Render(args) => render::run(session, &args),
    }
}
