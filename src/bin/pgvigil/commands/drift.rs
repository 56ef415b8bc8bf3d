//! `drift`.

use crate::args::DriftArgs;
use crate::exit::Exit;
use crate::session::Session;

pub(crate) fn run(_session: &Session, _args: &DriftArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
