//! `enrol import`: entries for login roles that no file declares yet.

use std::path::Component;

use anyhow::Context as _;
use pgvigil::database::enrol::coverage::Declared;
use pgvigil::database::enrol::guess::Guess;
use pgvigil::database::enrol::import::import;
use pgvigil::diagnostic::count;
use pgvigil::report::visible;

use super::entries::{DECIDE, tell_left_out};
use super::places::{each, of_one, tell_unread};
use crate::args::EnrolImportArgs;
use crate::commands::files;
use crate::exit::{Exit, Ran};
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &EnrolImportArgs) -> Ran {
    let is_inside = args.out.starts_with("rules")
        && args.out.extension().is_some_and(|end| end == "yaml")
        && args
            .out
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
    if !is_inside {
        session.say("error: --out must be a .yaml file in rules/ of the policy repository");
        return Ok(Exit::Usage);
    }
    let loaded = session.sound()?;
    let spots = of_one(session, &loaded, &args.env, &args.database)?;
    let path = session.root().join(&args.out);
    let shown = visible(&args.out.display().to_string());
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => Err(error).with_context(|| format!("cannot read {shown}"))?,
    };
    let mut grown = loaded.clone();
    let mut text = before.clone();
    let (mut people, mut services, mut systems) = (0, 0, 0);
    let found = each(session, &spots, |_, found| Ok(found));
    let is_any_unread = tell_unread(session, &found);
    for found in found.into_iter().filter_map(|entry| entry.result.ok()) {
        let declared = Declared {
            policy: &grown.policy,
            environment: grown
                .policy
                .environment(&args.env)
                .context("the environment no longer exists")?,
            today: session.today(),
        };
        let imported = import(declared, &found.snapshot, text.as_deref(), &args.owner)
            .with_context(|| format!("{shown} was not changed"))?;
        tell_left_out(session, &imported);
        for added in &imported.added {
            match &added.guess {
                Guess::Person => people += 1,
                Guess::Service(_) => services += 1,
                Guess::System(_) => systems += 1,
            }
        }
        if imported.added.is_empty() {
            continue;
        }
        // Roles that the next server has too are declared by now.
        let path = args.out.to_string_lossy().replace('\\', "/");
        grown = grown.with_file(&path, &imported.text);
        text = Some(imported.text);
    }
    let checked = session.judged(grown);
    if text == before {
        if is_any_unread {
            session.say("nothing was written");
            return Ok(Exit::Failed);
        }
        session.hint("every login role is declared: nothing was written");
        return Ok(Exit::Clean);
    }
    session.sound_of(checked).inspect_err(|_| {
        session.say(&format!(
            "{shown} was not changed: with the new entries the policy would have these errors"
        ));
    })?;
    files::replace(&path, text.unwrap_or_default().as_bytes())?;
    session.show(&format!(
        "{shown}: {}, {} and {} added\n",
        count(people, "person"),
        count(services, "service account"),
        count(systems, "system role")
    ))?;
    if services + systems > 0 {
        session.hint(DECIDE);
    }
    if is_any_unread {
        session.say(
            "roles of servers that could not be read are missing: import again when they answer",
        );
        return Ok(Exit::Failed);
    }
    Ok(Exit::Clean)
}
