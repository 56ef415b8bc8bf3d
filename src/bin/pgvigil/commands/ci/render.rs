//! `ci render`: prints an existing result in another format.

use super::form::{read, text};
use crate::args::CiRenderArgs;
use crate::exit::{Exit, Ran};
use crate::session::Session;

pub(super) fn run(session: &Session, args: &CiRenderArgs) -> Ran {
    let result = read(&args.result)?;
    session.show(&text(session, args.form, &result))?;
    Ok(Exit::Clean)
}
