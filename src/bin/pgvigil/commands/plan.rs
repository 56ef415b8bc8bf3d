//! `plan`.

use crate::args::PlanArgs;
use crate::exit::Exit;
use crate::session::Session;

pub(crate) fn run(_session: &Session, _args: &PlanArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
