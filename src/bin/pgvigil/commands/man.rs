//! `man`.

use crate::args::ManArgs;
use crate::exit::Exit;
use crate::session::Session;

pub(crate) fn run(_session: &Session, _args: &ManArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
