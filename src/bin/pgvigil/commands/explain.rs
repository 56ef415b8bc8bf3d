//! `explain`.

use crate::args::ExplainArgs;
use crate::exit::Exit;
use crate::session::Session;

pub(crate) fn run(_session: &Session, _args: &ExplainArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
