//! Which servers an enrolment command works on, and how each is reached.

use std::path::Path;

use pgvigil::database::Target;
use pgvigil::database::enrol::{Place, Snapshot};
use pgvigil::database::read;
use pgvigil::deploy::fleet::{AT_ONCE, side_by_side};
use pgvigil::policy::Loaded;
use pgvigil::policy::model::Environment;
use pgvigil::report::enrol::Entry;
use pgvigil::report::visible;

use crate::args::DatabaseArgs;
use crate::exit::Exit;
use crate::progress::Activity;
use crate::session::Session;

/// One server that a command works on.
pub(crate) struct Spot<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) cluster: Option<String>,
    /// The address, or why there is none.
    target: Result<Target, String>,
}

/// What was found at a server.
pub(crate) struct Found {
    pub(crate) place: Place,
    pub(crate) snapshot: Snapshot,
}

impl Spot<'_> {
    /// Environment and cluster, for messages.
    pub(crate) fn name(&self) -> String {
        match &self.cluster {
            Some(cluster) => format!("{}, {cluster}", self.environment.name),
            None => self.environment.name.clone(),
        }
    }

    pub(crate) fn target(&self) -> anyhow::Result<&Target> {
        self.target
            .as_ref()
            .map_err(|error| anyhow::anyhow!("{error}"))
    }

    pub(crate) fn look(&self) -> anyhow::Result<Found> {
        let target = self.target()?;
        let snapshot = read::snapshot(target)?;
        let shown = target.to_string();
        let place = Place::of(
            &self.environment.name,
            self.cluster.as_deref(),
            &shown,
            &snapshot,
        );
        Ok(Found { place, snapshot })
    }
}

/// The servers of one environment.
pub(crate) fn of_one<'a>(
    session: &Session,
    loaded: &'a Loaded,
    name: &str,
    args: &DatabaseArgs,
) -> Result<Vec<Spot<'a>>, Exit> {
    let environment = session.environment(loaded, name)?;
    let usage = |text: &str| {
        session.say(&format!("error: {}", visible(text)));
        Err(Exit::Usage)
    };
    if let Some(cluster) = &args.cluster
        && !environment
            .clusters
            .iter()
            .any(|known| known.name == *cluster)
    {
        let names: Vec<&str> = environment
            .clusters
            .iter()
            .map(|known| known.name.as_str())
            .collect();
        return usage(&format!(
            "`{name}` has no cluster `{cluster}`; there are: {}",
            names.join(", ")
        ));
    }
    if let Some(url) = &args.database {
        let cluster = args
            .cluster
            .clone()
            .or_else(|| match environment.clusters.as_slice() {
                [only] => Some(only.name.clone()),
                _ => None,
            });
        let target = match target(environment, url, args) {
            Ok(target) => target,
            Err(error) => return usage(&error),
        };
        return Ok(vec![Spot {
            environment,
            cluster,
            target: Ok(target),
        }]);
    }
    let spots = spots(environment, args);
    match spots.iter().find_map(|spot| spot.target.as_ref().err()) {
        Some(error) => usage(error),
        None => Ok(spots),
    }
}

/// The servers of every environment.
pub(crate) fn of_all<'a>(loaded: &'a Loaded, args: &DatabaseArgs) -> Vec<Spot<'a>> {
    let mut environments: Vec<&Environment> = loaded.policy.environments.iter().collect();
    environments.sort_by(|left, right| left.name.cmp(&right.name));
    let spots = environments.into_iter();
    spots
        .flat_map(|environment| spots_of(environment, args))
        .collect()
}

fn spots<'a>(environment: &'a Environment, args: &DatabaseArgs) -> Vec<Spot<'a>> {
    let wanted = |spot: &Spot<'_>| args.cluster.is_none() || spot.cluster == args.cluster;
    spots_of(environment, args)
        .into_iter()
        .filter(wanted)
        .collect()
}

fn spots_of<'a>(environment: &'a Environment, args: &DatabaseArgs) -> Vec<Spot<'a>> {
    environment
        .clusters
        .iter()
        .map(|cluster| {
            let name = &cluster.name;
            let mut databases = environment.databases.iter();
            let target = match databases.find(|(known, _)| known == name) {
                Some((_, variable)) => target(environment, &format!("env:{variable}"), args),
                None => Err(format!(
                    "`{}` names no database of `{name}`: use --database, or write `databases: {{{name}: {{from_env: \
                     VARIABLE}}}}` into the environment",
                    environment.name
                )),
            };
            Spot {
                environment,
                cluster: Some(name.clone()),
                target,
            }
        })
        .collect()
}

fn target(environment: &Environment, url: &str, args: &DatabaseArgs) -> Result<Target, String> {
    let target =
        Target::parse(url, &|name| std::env::var(name).ok()).map_err(|error| error.to_string())?;
    let target = match args.ca.as_deref().map(Path::to_string_lossy) {
        Some(path) => target.with_ca(&path),
        None => target,
    };
    if args.iam {
        return with_token(environment, target);
    }
    Ok(target)
}

#[cfg(feature = "aws")]
fn with_token(environment: &Environment, target: Target) -> Result<Target, String> {
    use pgvigil::cloud::aws::{DatabaseLogin, database_token};
    let (host, port, user) = target.for_token().map_err(|error| error.to_string())?;
    let region = match &environment.region {
        Some(region) => region.clone(),
        None => std::env::var("AWS_REGION").map_err(|_| {
            format!(
                "an IAM token needs a region: `{}` has none, and AWS_REGION is not set",
                environment.name
            )
        })?,
    };
    let login = DatabaseLogin {
        region: &region,
        host: &host,
        port,
        user: &user,
    };
    let token = database_token(login, std::time::SystemTime::now())?;
    Ok(target.with_password(&token))
}

#[cfg(not(feature = "aws"))]
fn with_token(_: &Environment, _: Target) -> Result<Target, String> {
    Err(crate::feature::lacks("aws"))
}

/// Reads every server, several at a time, and turns each into a result.
pub(crate) fn each<'a, Made: Send>(
    session: &Session,
    spots: &[Spot<'a>],
    make: impl Fn(&Spot<'a>, Found) -> anyhow::Result<Made> + Sync,
) -> Vec<Entry<Made>> {
    let entry = |spot: &Spot<'_>, result| Entry {
        environment: spot.environment.name.clone(),
        cluster: spot.cluster.clone(),
        result,
    };
    let activity = Activity::of_many(session, "reading servers", spots.len());
    side_by_side(
        spots,
        AT_ONCE,
        |spot| {
            let _under_way = activity.begin(&spot.name());
            let made = spot.look().and_then(|found| make(spot, found));
            entry(spot, made.map_err(|error| format!("{error:#}")))
        },
        |spot| {
            let message = "pgvigil itself failed here: this is a bug in pgvigil".to_owned();
            entry(spot, Err(message))
        },
    )
}

/// Reports on stderr the servers that could not be read; returns whether there are any.
pub(crate) fn tell_unread<T>(session: &Session, entries: &[Entry<T>]) -> bool {
    let mut is_any = false;
    for entry in entries {
        if let Err(error) = &entry.result {
            is_any = true;
            session.say(&format!(
                "error: {}",
                visible(&format!("{}: {error}", entry.name()))
            ));
        }
    }
    is_any
}
