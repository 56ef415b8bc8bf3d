//! `ci`.

use crate::args::CiPrArgs;
use crate::exit::Exit;
use crate::session::Session;

pub(crate) fn run(_session: &Session, _args: &CiPrArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
