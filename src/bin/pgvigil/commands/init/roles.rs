//! `init --import-roles`: the login roles of live databases, before anything is written.

use pgvigil::begin::{Fault, File, Wish};
use pgvigil::database::enrol::coverage::Declared;
use pgvigil::database::enrol::guess::Guess;
use pgvigil::database::enrol::import::import as add;
use pgvigil::diagnostic::count;
use pgvigil::policy::{self, Loaded};

use crate::args::{DatabaseArgs, InitArgs};
use crate::commands::enrol::entries::{DECIDE, tell_left_out};
use crate::commands::enrol::places::of_one;
use crate::session::Session;

/// Where entries are added.
const PATH: &str = "rules/users.yaml";

/// An environment, and a database of its.
pub(super) type Source = (String, String);

/// The databases, each with its environment.
pub(super) fn sources(args: &InitArgs, wish: &Wish, faults: &mut Vec<Fault>) -> Vec<Source> {
    let mut sources = Vec::new();
    for value in &args.import_roles {
        let named = value.split_once('=').filter(|(name, _)| {
            wish.environments
                .iter()
                .any(|environment| environment.name == *name)
        });
        match (named, wish.environments.as_slice()) {
            (Some((name, url)), _) => sources.push((name.to_owned(), url.to_owned())),
            (None, [only]) => sources.push((only.name.clone(), value.clone())),
            // The URL is not shown: it can contain a password.
            (None, _) => faults.push(Fault::new(
                "could not determine which environment a database of --import-roles belongs to",
                "write --import-roles ENV=URL",
            )),
        }
    }
    sources
}

/// Adds the roles to the file of users among `files`. `false` if the environment of a database is not clear.
pub(super) fn import(
    session: &Session,
    args: &InitArgs,
    wish: &Wish,
    sources: &[Source],
    files: &mut [File],
) -> anyhow::Result<bool> {
    let mut loaded = loaded(files);
    let (mut people, mut accounts) = (0, 0);
    for (name, url) in sources {
        let reach = DatabaseArgs {
            cluster: None,
            database: Some(url.clone()),
            ca: args.ca.clone(),
            iam: args.iam,
        };
        let Ok(spots) = of_one(session, &loaded, name, &reach) else {
            return Ok(false);
        };
        let mut found = Vec::new();
        for spot in &spots {
            found.push(spot.look()?);
        }
        for found in found {
            let Some(environment) = loaded.policy.environment(name) else {
                continue;
            };
            let Some(file) = files.iter_mut().find(|file| file.path == PATH) else {
                continue;
            };
            let declared = Declared {
                policy: &loaded.policy,
                environment,
                today: session.today(),
            };
            let imported = add(declared, &found.snapshot, Some(&file.text), &wish.owner)?;
            tell_left_out(session, &imported);
            for role in &imported.added {
                if role.guess == Guess::Person {
                    people += 1;
                } else {
                    accounts += 1;
                }
            }
            file.text = imported.text;
            loaded = loaded.with_file(PATH, &file.text);
        }
    }
    if !sources.is_empty() && !session.is_quiet() {
        session.say(&format!(
            "{} and {} found",
            count(people, "person"),
            count(accounts, "account")
        ));
        if accounts > 0 {
            session.say(DECIDE);
        }
    }
    Ok(true)
}

/// The policy of the files alone.
fn loaded(files: &[File]) -> Loaded {
    policy::load_from(
        files
            .iter()
            .map(|file| (file.path.clone(), file.text.clone())),
    )
}
