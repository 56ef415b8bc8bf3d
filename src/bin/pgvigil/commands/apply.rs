//! `apply`.

use crate::args::ApplyArgs;
use crate::exit::Exit;
use crate::session::Session;

pub(crate) fn run(_session: &Session, _args: &ApplyArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
