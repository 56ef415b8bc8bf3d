//! `rules renew`: later last days for exclusions that are still needed, written into the policy files for a review.

use std::path::Path;

use anyhow::Context as _;
use pgvigil::policy::model::Exclusion;
use pgvigil::report::visible;
use pgvigil::rules::renew::{self, Renewal, SOON};

use crate::args::RenewArgs;
use crate::commands::files::replace;
use crate::exit::{Exit, Ran};
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &RenewArgs) -> Ran {
    for (option, text) in [("--by", &args.by), ("--why", &args.why)] {
        if text.trim().is_empty() {
            session.say(&format!(
                "error: {option} is empty: it is written into the policy file for reviewers"
            ));
            return Ok(Exit::Usage);
        }
    }
    let checked = session.check()?;
    let rest = checked.beside_evasions();
    if rest.errors() > 0 {
        return Ok(session.sound_of(checked).err().unwrap_or(Exit::Diagnostics));
    }
    let loaded = checked.loaded;
    let today = session.today();
    let mut exclusions: Vec<&Exclusion> = Vec::new();
    for id in &args.exclusions {
        let Some(found) = loaded.policy.exclusions.iter().find(|one| one.id == *id) else {
            session.say(&format!("error: there is no exclusion `{}`", visible(id)));
            return Ok(Exit::Usage);
        };
        if !exclusions.iter().any(|known| known.id == found.id) {
            exclusions.push(found);
        }
    }
    if args.exclusions.is_empty() {
        exclusions = renew::ending(&loaded, today, SOON);
    }
    if exclusions.is_empty() {
        session.hint("no exclusion ends within 30 days: nothing to renew");
        return Ok(Exit::Clean);
    }
    let renewal = Renewal {
        today,
        until: args.until,
        by: &args.by,
        why: &args.why,
    };
    let (texts, renewed) = match renew::renew(&loaded, &exclusions, &renewal) {
        Ok(done) => done,
        Err(error) => {
            session.say(&format!(
                "error: {}: nothing was written",
                visible(&error.to_string())
            ));
            return Ok(Exit::Usage);
        }
    };
    for (file, text) in &texts {
        let path = session.root().join(loaded.files.path(*file));
        refuse_changed(&path, loaded.files.text(*file))?;
        if !args.dry_run {
            replace(&path, text.as_bytes())?;
        }
    }
    for one in &renewed {
        session.show(&format!(
            "{} {} until {}, previously {}\n",
            if args.dry_run {
                "would renew"
            } else {
                "renewed"
            },
            visible(&one.id),
            one.until,
            one.before
        ))?;
    }
    if !args.dry_run {
        session
            .hint("review the change, commit it, and ask the owner of the exclusion to approve it");
    }
    Ok(Exit::Clean)
}

/// Refuses a file that changed since it was read.
fn refuse_changed(path: &Path, read: &str) -> anyhow::Result<()> {
    let shown = path.display();
    let now = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    anyhow::ensure!(
        now == read,
        "{shown} changed while it was read: nothing was written to it"
    );
    Ok(())
}
