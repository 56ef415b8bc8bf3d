//! `eval`.

use crate::args::EvalArgs;
use crate::exit::Exit;
use crate::session::Session;

pub(crate) fn run(_session: &Session, _args: &EvalArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
