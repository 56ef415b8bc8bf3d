//! The commands for pipelines.

mod apply;
mod drift;
mod form;
mod pipeline;
mod pr;
#[cfg(feature = "http")]
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

#[cfg(not(feature = "http"))]
mod publish {
    use crate::args::CiPublishArgs;
    use crate::exit::Ran;
    use crate::feature::lacking;
    use crate::session::Session;

    pub(super) fn run(_: &Session, _: &CiPublishArgs) -> Ran {
        Err(lacking("http").into())
    }
}
