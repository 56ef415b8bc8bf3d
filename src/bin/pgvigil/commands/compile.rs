//! `compile`.

use crate::args::CompileArgs;
use crate::exit::Exit;
use crate::session::Session;

pub(crate) fn run(_session: &Session, _args: &CompileArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
