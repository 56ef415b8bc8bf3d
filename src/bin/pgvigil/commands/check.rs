//! `check`: every fault of every policy file.

use pgvigil::diagnostic::count;
use pgvigil::report;

use crate::args::{CheckArgs, Deny, DiagnosticFormat};
use crate::exit::Exit;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &CheckArgs) -> anyhow::Result<Exit> {
    let checked = session.check()?;
    session.show(&session.render(&checked, args.format, session.colour_out()))?;
    if args.format == DiagnosticFormat::Human {
        let (policy, files) = (&checked.loaded.policy, checked.loaded.files.ids().count());
        session.hint(&format!(
            "{}: {}, {}, {}, {}; {}",
            count(files, "file"),
            count(policy.users.len(), "person"),
            count(policy.service_accounts.len(), "service account"),
            count(policy.exclusions.len(), "exclusion"),
            count(policy.environments.len(), "environment"),
            report::summary(&checked.diagnostics)
        ));
    }
    let is_denied = args.deny == Some(Deny::Warnings) && checked.diagnostics.warnings() > 0;
    if is_denied && checked.diagnostics.errors() == 0 {
        session.say("error: there are warnings, and --deny warnings was given");
    }
    Ok(if checked.diagnostics.errors() > 0 || is_denied {
        Exit::Diagnostics
    } else {
        Exit::Clean
    })
}
