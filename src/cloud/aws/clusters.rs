//! The Aurora clusters of an account and region, for a new policy repository. Every call here reads.

use std::collections::BTreeMap;

use super::connect::{Aws, Inner};
use super::observe::cluster_parameters;
use crate::begin::cluster::{ClusterLister, FoundCluster};
use crate::deploy::permission::Operation;
use crate::deploy::port::{At, CloudError, Reader as _};

/// The engine of Aurora with PostgreSQL (`DescribeDBClusters`, Engine).
const ENGINE: &str = "aurora-postgresql";

/// Most clusters of a page that RDS gives (`DescribeDBClusters`).
const PAGE: i32 = 100;

impl ClusterLister for Aws {
    fn place(&self) -> Result<At, CloudError> {
        self.at()
    }

    fn clusters(&self) -> Result<Vec<FoundCluster>, CloudError> {
        self.runtime.block_on(list(&self.inner))
    }
}

async fn list(aws: &Inner) -> Result<Vec<FoundCluster>, CloudError> {
    let mut found = Vec::new();
    let mut groups: BTreeMap<String, Option<BTreeMap<String, String>>> = BTreeMap::new();
    let mut marker = None;
    loop {
        let page = aws
            .caller
            .make(Operation::DescribeDBClusters, "all clusters", || {
                aws.databases
                    .describe_db_clusters()
                    .max_records(PAGE)
                    .set_marker(marker.clone())
                    .send()
            })
            .await?;
        for cluster in page.db_clusters.unwrap_or_default() {
            if cluster.engine() != Some(ENGINE) {
                continue;
            }
            let group = cluster.db_cluster_parameter_group().unwrap_or_default();
            if !groups.contains_key(group) {
                let read = match cluster_parameters(aws, group).await {
                    Ok(parameters) => Some(parameters),
                    // The list is worth more than what each preloads.
                    Err(CloudError::Denied { .. } | CloudError::NotFound { .. }) => None,
                    Err(error) => return Err(error),
                };
                groups.insert(group.to_owned(), read);
            }
            let parameters = groups.get(group).and_then(Option::as_ref);
            let parameter = |name: &str| parameters.and_then(|known| known.get(name).cloned());
            found.push(FoundCluster {
                name: cluster
                    .db_cluster_identifier()
                    .unwrap_or_default()
                    .to_owned(),
                version: cluster.engine_version().unwrap_or_default().to_owned(),
                exports_log: cluster
                    .enabled_cloudwatch_logs_exports()
                    .iter()
                    .any(|log| log == "postgresql"),
                preloads: parameters
                    .map(|_| parameter("shared_preload_libraries").unwrap_or_default()),
                parameter_group: group.to_owned(),
                log_line_prefix: parameter("log_line_prefix"),
            });
        }
        marker = page.marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            found.sort_by(|left, right| left.name.cmp(&right.name));
            return Ok(found);
        }
    }
}
