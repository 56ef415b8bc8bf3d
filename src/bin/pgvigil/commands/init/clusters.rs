//! `init --import-clusters`: the clusters that RDS lists for an account.

use pgvigil::begin::cluster::{assign, somewhere};
use pgvigil::begin::{EnvironmentWish, Fault, Wish};
use pgvigil::report::visible;

use crate::commands::deploy::ground::Ground;
use crate::commands::deploy::provider_aws;
use crate::session::Session;

/// Adds the clusters that are found, region by region, to the environments of the account.
pub(super) fn import(
    session: &Session,
    wish: &mut Wish,
    faults: &mut Vec<Fault>,
) -> anyhow::Result<()> {
    let mut regions: Vec<String> = Vec::new();
    for environment in &wish.environments {
        match &environment.region {
            Some(region) if !regions.contains(region) => regions.push(region.clone()),
            _ => {}
        }
    }
    for region in regions {
        let Some(place) = somewhere(None, &region) else {
            // A malformed region is reported with the other errors.
            continue;
        };
        let lister = provider_aws::lister(Ground::of(session), &place)?;
        let account = lister.place()?.account;
        let mut here: Vec<&mut EnvironmentWish> = Vec::new();
        for environment in &mut wish.environments {
            if environment.region.as_deref() != Some(&region) {
                continue;
            }
            match &environment.account {
                Some(other) if *other != account => faults.push(Fault::new(
                    format!(
                        "`{}` is in the account {}, but the credentials lead to {account}",
                        visible(&environment.name),
                        visible(other)
                    ),
                    "name its clusters with --cluster, or use credentials of that account",
                )),
                _ => {
                    environment.account = Some(account.clone());
                    here.push(environment);
                }
            }
        }
        if here.is_empty() {
            continue;
        }
        let found = lister.clusters()?;
        if !session.is_quiet() {
            session.say(&format!(
                "{} Aurora PostgreSQL clusters in account {account}, {region}",
                found.len()
            ));
        }
        for name in assign(&mut here, &found) {
            session.say(&format!(
                "warning: the name `{}` contains no environment's name: the cluster is a comment in the first environment's \
                 file, not watched yet; assign it with --cluster ENV={0}",
                visible(&name)
            ));
        }
    }
    Ok(())
}
