//! Names of the environment's resources, and read backwards.

use crate::cloud::aws::connect::Inner;
use crate::compile::name::{Names, PREFIX};
use crate::deploy::document::Document;
use crate::policy::model::{Cluster, ClusterKind};

/// What the names of the environment's resources begin with.
pub(super) fn prefix(aws: &Inner) -> String {
    format!("{PREFIX}-{}-", aws.environment.name)
}

/// What the names of a cluster's resources would begin with, for either kind of cluster.
pub(super) fn bases(aws: &Inner, cluster: &str) -> Vec<String> {
    [ClusterKind::Aurora, ClusterKind::Instance]
        .into_iter()
        .map(|kind| {
            let cluster = Cluster {
                name: cluster.to_owned(),
                kind,
                place: aws.environment.place.clone(),
            };
            Names::new(&aws.environment, &cluster).base().to_owned()
        })
        .collect()
}

/// The base of a name that was made of one: up to the eight digits of the hash.
pub(super) fn base_of(name: &str) -> &str {
    let is_named = |part: &&str| part.starts_with(PREFIX) && part.len() > PREFIX.len();
    let name = name.split('/').find(is_named).unwrap_or(name);
    let is_hash = |part: &str| {
        part.len() == 8
            && part
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    // The last one: a cluster's name may look like a hash too.
    let mut base = name;
    let mut end = 0;
    for part in name.split('-') {
        end += part.len();
        if is_hash(part) {
            base = name.get(..end).unwrap_or(name);
        }
        end += 1;
    }
    base
}

/// The base of the names of a document's cluster.
pub(super) fn base(aws: &Inner, document: &Document) -> String {
    aws.base(document.address.split('/').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::base_of;

    #[test]
    fn a_name_leads_back_to_its_base() {
        let base = "pgvigil-prod-orders-12ab34cd";
        for name in [
            base.to_owned(),
            format!("{base}-human-dml"),
            format!("{base}/monitor"),
            format!("/aws/lambda/{base}"),
            format!("alias/{base}"),
            format!("pgvigil/{base}"),
        ] {
            assert_eq!(base_of(&name), base, "{name}");
        }
    }
}
