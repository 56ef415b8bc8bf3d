//! Account, region, roles, folder, clusters.

use std::path::Component;

use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, closest, quote};
use crate::policy::model::{Cluster, ClusterKind, Engine, Environment, partition};

/// See [`Code::EnvironmentAccount`], [`Code::EnvironmentRegion`], [`Code::EnvironmentEngineRegion`],
/// [`Code::EnvironmentAssumeRole`], [`Code::EnvironmentBoundary`], [`Code::EnvironmentFolder`] and [`Code::EnvironmentCluster`].
#[derive(Debug)]
pub struct Environments;

/// Regions of RDS in November 2026. An unknown one is a warning, not an error: it may be new.
const REGIONS: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

impl Check for Environments {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        for environment in &context.policy.environments {
            account(environment, sink);
            region(environment, sink);
            engine(environment, sink);
            assume_role(environment, sink);
            permissions_boundary(environment, sink);
            folder(environment, sink);
            for cluster in &environment.clusters {
                name(cluster, sink);
            }
        }
    }
}

fn account(environment: &Environment, sink: &mut Diagnostics) {
    let Some(account) = &environment.account else {
        return;
    };
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        sink.push(
            Diagnostic::new(
                Code::EnvironmentAccount,
                format!("{} is not a valid AWS account number", quote(account)),
            )
            .at(environment.places.value("account"))
            .help("write twelve digits in quotes, as in `\"123456789012\"`"),
        );
    }
}

fn region(environment: &Environment, sink: &mut Diagnostics) {
    let Some(region) = environment
        .region
        .as_deref()
        .filter(|region| !REGIONS.contains(region))
    else {
        return;
    };
    let mut parts = region.split('-');
    let is_area = parts.next().is_some_and(|area| {
        (2..=4).contains(&area.len()) && area.bytes().all(|byte| byte.is_ascii_lowercase())
    });
    let rest: Vec<&str> = parts.collect();
    let has_form = is_area
        && rest.split_last().is_some_and(|(number, words)| {
            (1..=2).contains(&number.len())
                && number.bytes().all(|byte| byte.is_ascii_digit())
                && !words.is_empty()
                && words.iter().all(|word| {
                    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())
                })
        });
    let closest = closest(region, REGIONS.iter().copied())
        .map(|closest| format!("did you mean {}?", quote(closest)));
    let (code, message, otherwise) = if has_form {
        (
            Code::EnvironmentUnknownRegion,
            format!("unknown region {}", quote(region)),
            "correct it, unless the region is new",
        )
    } else {
        (
            Code::EnvironmentRegion,
            format!("{} is not a valid AWS region", quote(region)),
            "write it as in `eu-central-1`",
        )
    };
    sink.push(
        Diagnostic::new(code, message)
            .at(environment.places.value("region"))
            .help(closest.unwrap_or_else(|| otherwise.to_owned())),
    );
}

/// Commercial regions that had no log alarms when AWS introduced them (July 2026).
const WITHOUT_LOG_ALARMS: &[&str] = &["me-central-1", "me-south-1"];

/// AWS announced log alarms for all commercial regions but two, and said nothing about the other partitions.
fn engine(environment: &Environment, sink: &mut Diagnostics) {
    let Some(region) = environment
        .region
        .as_deref()
        .filter(|_| environment.engine == Engine::LogAlarm)
    else {
        return;
    };
    let message = if WITHOUT_LOG_ALARMS.contains(&region) {
        "had no log alarms in July 2026"
    } else if partition(region) != "aws" || region.starts_with("eusc-") {
        "is not among the regions for which AWS has announced log alarms"
    } else {
        return;
    };
    sink.push(
        Diagnostic::new(
            Code::EnvironmentEngineRegion,
            format!("the region {} {message}", quote(region)),
        )
        .at(environment.places.value("engine"))
        .help("check whether it has them now, or write `engine: monitor`"),
    );
}

fn assume_role(environment: &Environment, sink: &mut Diagnostics) {
    let (Some(roles), Some(account), Some(region)) = (
        &environment.assume_role,
        &environment.account,
        &environment.region,
    ) else {
        return;
    };
    let places = &environment.places;
    let values = if places.has("assume_role/plan") {
        vec![
            (&roles.plan, places.value("assume_role/plan")),
            (&roles.apply, places.value("assume_role/apply")),
        ]
    } else {
        vec![(&roles.plan, places.value("assume_role"))]
    };
    let partition = partition(region);
    for (arn, place) in values {
        let Some((its_partition, its_account)) = role(arn) else {
            sink.push(
                Diagnostic::new(
                    Code::EnvironmentAssumeRole,
                    format!("{} is not a valid ARN of an IAM role", quote(arn)),
                )
                .at(place)
                .help(format!(
                    "write it as in {}",
                    quote(&format!("arn:{partition}:iam::{account}:role/pgvigil"))
                )),
            );
            continue;
        };
        if let Some((message, help)) =
            belongs_elsewhere("role", arn, (its_partition, its_account), (region, account))
        {
            sink.push(
                Diagnostic::new(Code::EnvironmentAssumeRole, message)
                    .at(place)
                    .help(help),
            );
        }
    }
}

/// What is wrong with an ARN of IAM that belongs to another partition or account than the environment, and what to do.
fn belongs_elsewhere(
    what: &str,
    arn: &str,
    (its_partition, its_account): (&str, &str),
    (region, account): (&str, &str),
) -> Option<(String, String)> {
    let partition = partition(region);
    if its_partition != partition {
        return Some((
            format!(
                "the {what} belongs to the partition {}, but the region {} belongs to {}",
                quote(its_partition),
                quote(region),
                quote(partition)
            ),
            format!(
                "write {}",
                quote(&arn.replacen(its_partition, partition, 1))
            ),
        ));
    }
    (its_account != account).then(|| {
        (
            format!(
                "the {what} belongs to account {}, but the environment deploys to account {}",
                quote(its_account),
                quote(account)
            ),
            format!("name a {what} of the environment's account, or correct `account`"),
        )
    })
}

/// A boundary is a managed policy of the role's own account, or one of AWS's (IAM API, `PutRolePermissionsBoundary`). The
/// schema holds its form.
fn permissions_boundary(environment: &Environment, sink: &mut Diagnostics) {
    let (Some(arn), Some(account), Some(region)) = (
        &environment.permissions_boundary,
        &environment.account,
        &environment.region,
    ) else {
        return;
    };
    let mut parts = arn.splitn(6, ':').skip(1);
    let (its_partition, its_account) = (
        parts.next().unwrap_or_default(),
        parts.nth(2).unwrap_or_default(),
    );
    // One of AWS's belongs to every account.
    let its_account = if its_account == "aws" {
        account
    } else {
        its_account
    };
    if let Some((message, help)) = belongs_elsewhere(
        "policy",
        arn,
        (its_partition, its_account),
        (region, account),
    ) {
        sink.push(
            Diagnostic::new(Code::EnvironmentBoundary, message)
                .at(environment.places.value("permissions_boundary"))
                .help(help),
        );
    }
}

/// Partition and account of a role's ARN: `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`, with the characters that
/// IAM takes (CreateRole: a name of at most 64, a path of at most 512).
fn role(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let mut next = || parts.next();
    let (head, partition, service, region) = (next()?, next()?, next()?, next()?);
    let (account, resource) = (next()?, next()?);
    let (path, name) = resource.strip_prefix("role/").map(|rest| {
        rest.rsplit_once('/')
            .map_or(("", rest), |(path, name)| (path, name))
    })?;
    let is_name = (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte));
    let is_path = path.len() <= 510 && path.bytes().all(|byte| byte.is_ascii_graphic());
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let is_role = head == "arn"
        && ["aws", "aws-cn", "aws-us-gov"].contains(&partition)
        && service == "iam"
        && region.is_empty();
    (is_role && is_account && is_path && is_name).then_some((partition, account))
}

fn folder(environment: &Environment, sink: &mut Diagnostics) {
    let Some(folder) = &environment.folder else {
        return;
    };
    let text = folder.to_string_lossy();
    let is_inside = folder
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
        && folder
            .components()
            .any(|part| matches!(part, Component::Normal(_)))
        && !text.contains(['\\', ':', '\0'])
        && !text.starts_with('~');
    if !is_inside {
        sink.push(
            Diagnostic::new(
                Code::EnvironmentFolder,
                format!("the folder {} is not inside the repository", quote(&text)),
            )
            .at(environment.places.value("folder"))
            .help("write a path inside it, as in `.pgvigil/local`"),
        );
    }
}

/// Rules of RDS for identifiers (CreateDBCluster, CreateDBInstance). RDS keeps them in lower case,
/// and so does the name of the log group.
fn name(cluster: &Cluster, sink: &mut Diagnostics) {
    let name = cluster.name.as_str();
    let kind = match cluster.kind {
        ClusterKind::Aurora => "cluster",
        ClusterKind::Instance => "instance",
    };
    let help = if let Some((first, _)) = name
        .split_once('.')
        .filter(|(first, rest)| is_identifier(first) && rest.ends_with("amazonaws.com"))
    {
        format!("that is an endpoint: write the identifier {}", quote(first))
    } else if let Some((_, last)) = name
        .rsplit_once(':')
        .filter(|(arn, last)| arn.starts_with("arn:") && is_identifier(last))
    {
        format!("that is an ARN: write the identifier {}", quote(last))
    } else if is_identifier(&name.to_ascii_lowercase()) && !is_identifier(name) {
        format!(
            "RDS keeps identifiers in lower case: write {}",
            quote(&name.to_ascii_lowercase())
        )
    } else if name.len() > 63 {
        format!("it has {} characters; the limit is 63", name.len())
    } else if !is_identifier(name) {
        "write 1 to 63 letters, digits and single hyphens, beginning with a letter and not ending with a hyphen".to_owned()
    } else {
        return;
    };
    sink.push(
        Diagnostic::new(
            Code::EnvironmentCluster,
            format!(
                "{} is not a valid identifier for {} {kind}",
                quote(name),
                if kind == "cluster" { "a" } else { "an" }
            ),
        )
        .at(cluster.place.clone())
        .help(help),
    );
}

fn is_identifier(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}
