//! `completions`.

use crate::args::CompletionsArgs;
use crate::exit::Exit;
use crate::session::Session;

pub(crate) fn run(_session: &Session, _args: &CompletionsArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
