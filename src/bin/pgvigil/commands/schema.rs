//! `schema`.

use crate::args::SchemaArgs;
use crate::exit::Exit;
use crate::session::Session;

pub(crate) fn run(_session: &Session, _args: &SchemaArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
