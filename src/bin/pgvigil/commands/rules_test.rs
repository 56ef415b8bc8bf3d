//! `rules_test`.

use crate::args::TestArgs;
use crate::exit::Exit;
use crate::session::Session;

pub(crate) fn run(_session: &Session, _args: &TestArgs) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
