//! `check`: every fault of every policy file.

use pgvigil::report;

use crate::args::{CheckArgs, DiagnosticFormat};
use crate::exit::Exit;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &CheckArgs) -> anyhow::Result<Exit> {
    let checked = session.check()?;
    session.show(&session.render(&checked, args.format, session.colour_out()))?;
    if args.format == DiagnosticFormat::Human {
        let (policy, files) = (&checked.loaded.policy, checked.loaded.files.ids().count());
        session.hint(&format!(
            "{files} files: {} people, {} service accounts, {} exclusions, {} environments; {}",
            policy.users.len(),
            policy.service_accounts.len(),
            policy.exclusions.len(),
            policy.environments.len(),
            report::summary(&checked.diagnostics)
        ));
    }
    Ok(if checked.diagnostics.errors() > 0 {
        Exit::Diagnostics
    } else {
        Exit::Clean
    })
}
