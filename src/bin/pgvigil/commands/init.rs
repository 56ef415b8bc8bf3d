//! `init`: a new policy repository.

#[cfg(feature = "aws")]
mod clusters;
mod questions;
#[cfg(feature = "database")]
mod roles;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use pgvigil::begin::{
    ClusterWish, EnvironmentWish, Fault, File, Forge, State, UserWish, Wish, place, tree,
};
use pgvigil::doctor::remedy::quote;
use pgvigil::policy::{self, Loaded, model::Provider};
use pgvigil::report::begin as report;
use pgvigil::report::visible;

use crate::args::{DiagnosticFormat, ForgeArg, InitArgs, ProviderArg};
use crate::exit::{Exit, Ran};
use crate::session::Session;
use crate::signals;
use questions::{Answers, Questions};

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
    #[cfg_attr(
        not(feature = "aws"),
        expect(unused_mut, reason = "only an import adds to it")
    )]
    let mut wish = wish(session, &root, &answers, &mut faults);
    #[cfg(feature = "aws")]
    if answers.import_clusters && faults.is_empty() {
        clusters::import(session, &mut wish, &mut faults)?;
    }
    faults.extend(wish.faults());
    #[cfg(feature = "database")]
    let sources = roles::sources(args, &wish, &mut faults);
    if !faults.is_empty() {
        session.say(report::faults(&faults).trim_end());
        return Ok(Exit::Usage);
    }
    #[cfg_attr(
        not(feature = "database"),
        expect(unused_mut, reason = "only an import adds to them")
    )]
    let mut files = tree(&wish);
    #[cfg(feature = "database")]
    if !roles::import(session, args, &wish, &sources, &mut files)? {
        return Ok(Exit::Diagnostics);
    }
    write(session, &root, &files, args.dry_run, &next(&root, &wish))
}

/// The policy of the files alone.
#[cfg(feature = "database")]
pub(super) fn loaded(files: &[File]) -> Loaded {
    policy::load_from(
        files
            .iter()
            .map(|file| (file.path.clone(), file.text.clone())),
    )
}

/// The policy of the files, and of existing files in the folder, which are kept.
fn together(root: &Path, files: &[File]) -> anyhow::Result<Loaded> {
    let there = policy::load(root)?;
    let mut texts: Vec<(String, String)> = there
        .files
        .ids()
        .map(|id| {
            (
                there.files.path(id).to_owned(),
                there.files.text(id).to_owned(),
            )
        })
        .collect();
    for file in files {
        if !texts.iter().any(|(path, _)| *path == file.path) {
            texts.push((file.path.clone(), file.text.clone()));
        }
    }
    Ok(policy::load_from(texts))
}

/// Writes the files of a new repository, checks it, and says what comes next.
pub(super) fn write(
    session: &Session,
    root: &Path,
    files: &[File],
    is_dry: bool,
    next: &[String],
) -> Ran {
    // Nothing is written that `check` would refuse, alone or together with the existing files.
    let before = place::look(root, files)?;
    let checked = session.judged(together(root, files)?);
    session.sound_of(checked).inspect_err(|_| {
        session.say(if before.iter().all(|file| file.state == State::Written) {
            "nothing was written: the files would have these errors"
        } else {
            "nothing was written: together with the existing files, the policy would have these errors"
        });
    })?;
    if is_dry {
        session.show(&report::placed(&before, true))?;
        return Ok(Exit::Clean);
    }
    signals::listen()?;
    let placed = place::place(root, files, &signals::is_asked)?;
    session.show(&report::placed(&placed, false))?;
    let there = session.at(root);
    let checked = there.check()?;
    let (errors, warnings) = (checked.diagnostics.errors(), checked.diagnostics.warnings());
    if errors + warnings > 0 {
        let colour = session.colour_out();
        session.show(&format!(
            "\n{}",
            there.render(&checked, DiagnosticFormat::Human, colour)
        ))?;
    }
    session.show(&format!(
        "checked   {}\n",
        pgvigil::report::summary(&checked.diagnostics)
    ))?;
    if errors > 0 {
        return Ok(Exit::Diagnostics);
    }
    session.show(&report::next(next))?;
    Ok(Exit::Clean)
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

/// The region that the AWS tools would use.
pub(super) fn usual_region() -> Option<String> {
    ["AWS_REGION", "AWS_DEFAULT_REGION"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .filter(|region| !region.is_empty())
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

/// The forge in the remotes of the Git repository that contains the folder; GitHub if they do not show it.
pub(super) fn forge_of(root: &Path) -> ForgeArg {
    let mut at: Option<PathBuf> = std::path::absolute(root).ok();
    while let Some(folder) = at {
        if let Ok(config) = std::fs::read_to_string(folder.join(".git/config")) {
            let remotes = config
                .lines()
                .filter_map(|line| line.trim().strip_prefix("url = "));
            let is_gitlab = remotes.into_iter().any(|url| url.contains("gitlab"));
            return if is_gitlab {
                ForgeArg::Gitlab
            } else {
                ForgeArg::Github
            };
        }
        at = folder.parent().map(Path::to_owned);
    }
    ForgeArg::Github
}
