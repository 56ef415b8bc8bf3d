//! `check`: every problem in every policy file.

use pgvigil::diagnostic::count;
use pgvigil::{compile, report};

use crate::args::{CheckArgs, Deny, DiagnosticFormat};
use crate::exit::{Exit, Ran};
use crate::session::Session;

/// Environments that a sentence names one by one.
const NAMED: usize = 4;

pub(crate) fn run(session: &Session, args: &CheckArgs) -> Ran {
    let checked = session.check()?;
    let text = session.render(&checked, args.format, session.colour_out());
    if args.format == DiagnosticFormat::Github {
        // pgvigil writes these workflow commands itself, so they are not escaped.
        session.show_exactly(&text)?;
    } else {
        session.show(&text)?;
    }
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
        let short: Vec<String> = compile::with_short_texts(&checked.loaded)
            .into_iter()
            .map(|environment| report::visible(&environment.name))
            .collect();
        if !short.is_empty() {
            session.hint(&format!(
                "the saved queries and dashboards of {} cannot hold every exclusion, so they show more than the monitor counts; \
                 `pgvigil rules list` shows which exclusions they leave out",
                named(&short)
            ));
        }
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

/// The first few names, and how many more there are.
fn named(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).map(String::as_str);
    let more = names.len().saturating_sub(NAMED);
    let rest = (more > 0).then(|| format!("{more} more"));
    shown.chain(rest.as_deref()).collect::<Vec<_>>().join(", ")
}
