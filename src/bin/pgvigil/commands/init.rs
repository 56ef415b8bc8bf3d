//! `init`: a new policy repository.

mod clusters;
mod questions;
pub(super) mod repository;
#[cfg(feature = "database")]
mod roles;
mod usual;

use std::io::IsTerminal as _;
use std::path::Path;

use pgvigil::begin::{ClusterWish, EnvironmentWish, Fault, Forge, UserWish, Wish, tree};
use pgvigil::doctor::remedy::quote;
use pgvigil::policy::model::Provider;
use pgvigil::report::begin as report;
use pgvigil::report::visible;

use crate::args::{ForgeArg, InitArgs, ProviderArg};
use crate::exit::{Exit, Ran};
use crate::session::Session;
use questions::{Answers, Questions};
use repository::write;
use usual::{forge_of, usual_region};

pub(crate) fn run(session: &Session, args: &InitArgs) -> Ran {
    let is_here = session.root().as_os_str() == ".";
    let root = match &args.dir {
        Some(dir) if is_here => dir.clone(),
        Some(dir) => session.root().join(dir),
        None => session.root().to_owned(),
    };
    let mut answers = Answers::of(args);
    if std::io::stdin().is_terminal() {
        let Some(given) = Questions::new(session, &root).ask(answers)? else {
            session.say("nothing was written");
            return Ok(Exit::Usage);
        };
        answers = given;
    }
    let mut faults = Vec::new();
    let mut wish = wish(session, &root, &answers, &mut faults);
    if answers.import_clusters && faults.is_empty() {
        clusters::import(session, &mut wish, &mut faults)?;
    }
    faults.extend(wish.faults());
    let sources = roles::sources(args, &wish, &mut faults);
    if !faults.is_empty() {
        session.say(report::faults(&faults).trim_end());
        return Ok(Exit::Usage);
    }
    let mut files = tree(&wish);
    if !roles::import(session, args, &wish, &sources, &mut files)? {
        return Ok(Exit::Diagnostics);
    }
    write(session, &root, &files, args.dry_run, &next(&root, &wish))
}

/// The next commands, as they can be pasted.
fn next(root: &Path, wish: &Wish) -> Vec<String> {
    let mut next = Vec::new();
    let is_here = root.components().eq(Path::new(".").components());
    let at = if is_here {
        String::new()
    } else {
        format!(" -C {}", quote(&root.to_string_lossy()))
    };
    let name = wish
        .environments
        .first()
        .map_or("", |environment| environment.name.as_str());
    match wish.provider {
        Provider::Local => {
            next.push(format!("pgvigil{at} rules test"));
            next.push(format!("pgvigil{at} rules attack --env {name}"));
            next.push(format!("pgvigil{at} ci pr --env {name}"));
        }
        Provider::Aws => {
            next.push(format!("pgvigil{at} doctor --env {name}"));
            next.push(format!(
                "pgvigil{at} enrol import --env {name} --database URL"
            ));
            next.push(format!("pgvigil{at} plan --env {name}"));
        }
    }
    next
}

/// The wish from flags and answers.
fn wish(session: &Session, root: &Path, answers: &Answers, faults: &mut Vec<Fault>) -> Wish {
    let provider = match answers.provider.unwrap_or(ProviderArg::Local) {
        ProviderArg::Local => Provider::Local,
        ProviderArg::Aws => Provider::Aws,
    };
    let is_aws = provider == Provider::Aws;
    let mut names = answers.environments.clone();
    if names.is_empty() {
        names.push(if is_aws { "production" } else { "local" }.to_owned());
    }
    let mut environments: Vec<EnvironmentWish> = names
        .into_iter()
        .map(|name| EnvironmentWish {
            name,
            ..EnvironmentWish::default()
        })
        .collect();
    if !is_aws {
        let unused = [
            ("--account", answers.accounts.is_empty()),
            ("--region", answers.regions.is_empty()),
            ("--email", answers.emails.is_empty()),
            ("--import-clusters", !answers.import_clusters),
        ];
        for (flag, is_absent) in unused {
            if !is_absent {
                faults.push(Fault::new(
                    format!("{flag} is for AWS, but the provider is `local`"),
                    "add --provider aws, or remove the option",
                ));
            }
        }
    } else {
        spread(
            &answers.accounts,
            &mut environments,
            faults,
            |environment, account| {
                environment.account = Some(account.to_owned());
            },
        );
        spread(
            &answers.regions,
            &mut environments,
            faults,
            |environment, region| {
                environment.region = Some(region.to_owned());
            },
        );
        spread(
            &answers.emails,
            &mut environments,
            faults,
            |environment, email| {
                environment.emails.push(email.to_owned());
            },
        );
        if answers.regions.is_empty()
            && let Some(region) = usual_region()
        {
            for environment in &mut environments {
                environment.region = Some(region.clone());
            }
        }
    }
    clusters(&answers.clusters, &mut environments, faults);
    if !is_aws {
        for environment in &mut environments {
            if environment.clusters.is_empty() {
                environment.clusters.push(ClusterWish::aurora("shop"));
            }
        }
    }
    let owner = answers
        .owner
        .clone()
        .unwrap_or_else(|| "data-platform".to_owned());
    let mut code_owners = answers.code_owners.clone();
    if code_owners.is_empty() && owner.starts_with('@') {
        code_owners.push(owner.clone());
    }
    Wish {
        provider,
        forge: match answers.forge.unwrap_or_else(|| forge_of(root)) {
            ForgeArg::Github => Forge::Github,
            ForgeArg::Gitlab => Forge::Gitlab,
            ForgeArg::None => Forge::None,
        },
        owner,
        code_owners,
        environments,
        users: answers
            .users
            .iter()
            .map(|role| UserWish {
                role: role.clone(),
                log: None,
                remarks: Vec::new(),
            })
            .collect(),
        today: session.today(),
        proposals: String::new(),
    }
}

/// `VALUE` for every environment, `ENV=VALUE` for one.
fn spread(
    values: &[String],
    environments: &mut [EnvironmentWish],
    faults: &mut Vec<Fault>,
    mut set: impl FnMut(&mut EnvironmentWish, &str),
) {
    let is_for_one = |value: &&String| value.contains('=');
    // A value for one environment comes last, so it overrides the value for all.
    for value in values.iter().filter(|value| !is_for_one(value)) {
        for environment in &mut *environments {
            set(environment, value);
        }
    }
    for value in values.iter().filter(is_for_one) {
        let (name, value) = value.split_once('=').unwrap_or_default();
        match environments.iter_mut().find(|one| one.name == name) {
            Some(environment) => set(environment, value),
            None => faults.push(no_environment(name)),
        }
    }
}

fn no_environment(name: &str) -> Fault {
    Fault::new(
        format!("there is no environment `{name}`"),
        format!("add it with --env {}, or correct the name", visible(name)),
    )
}

/// A cluster belongs to one environment.
fn clusters(values: &[String], environments: &mut [EnvironmentWish], faults: &mut Vec<Fault>) {
    for value in values {
        let found = match (value.split_once('='), &mut *environments) {
            (Some((name, cluster)), all) => match all.iter_mut().find(|one| one.name == name) {
                Some(environment) => Some((environment, cluster)),
                None => {
                    faults.push(no_environment(name));
                    None
                }
            },
            (None, [only]) => Some((only, value.as_str())),
            (None, _) => {
                faults.push(Fault::new(
                    format!(
                        "could not determine which environment the cluster `{value}` belongs to"
                    ),
                    format!("write --cluster ENV={}", visible(value)),
                ));
                None
            }
        };
        if let Some((environment, cluster)) = found {
            environment.clusters.push(ClusterWish::aurora(cluster));
        }
    }
}

#[cfg(not(feature = "database"))]
mod roles {
    use pgvigil::begin::{Fault, File, Wish};

    use crate::args::InitArgs;
    use crate::feature::lacks;
    use crate::session::Session;

    pub(super) fn sources(args: &InitArgs, _: &Wish, faults: &mut Vec<Fault>) -> Vec<()> {
        if !args.import_roles.is_empty() {
            faults.push(Fault::new(lacks("database"), "remove --import-roles"));
        }
        Vec::new()
    }

    #[expect(clippy::unnecessary_wraps, reason = "as with a database")]
    pub(super) fn import(
        _: &Session,
        _: &InitArgs,
        _: &Wish,
        _: &[()],
        _: &mut [File],
    ) -> anyhow::Result<bool> {
        Ok(true)
    }
}
