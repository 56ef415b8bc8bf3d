//! Clusters and instances, as RDS knows them.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_rds::types::Parameter;

use crate::cloud::aws::call::found;
use crate::cloud::aws::connect::Inner;
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;
use crate::doctor::observation::{Answer, Database, Member, PARAMETERS};
use crate::policy::model::{Cluster, ClusterKind};

/// Most parameters of a page that RDS gives (`DescribeDBClusterParameters`).
const PAGE: i32 = 100;

pub(super) async fn read(aws: &Inner, cluster: &Cluster) -> Answer<Database> {
    match cluster.kind {
        ClusterKind::Aurora => of_cluster(aws, &cluster.name).await,
        ClusterKind::Instance => of_instance(aws, &cluster.name).await,
    }
}

async fn of_cluster(aws: &Inner, name: &str) -> Answer<Database> {
    let answer = aws
        .caller
        .make(Operation::DescribeDBClusters, name, || {
            aws.databases
                .describe_db_clusters()
                .db_cluster_identifier(name)
                .send()
        })
        .await;
    let Some(cluster) = found(answer)?.and_then(|page| page.db_clusters?.into_iter().next()) else {
        return Ok(None);
    };
    let group = cluster.db_cluster_parameter_group().unwrap_or_default();
    let members = cluster.db_cluster_members().iter().map(|member| Member {
        instance: text(member.db_instance_identifier()),
        parameter_status: text(member.db_cluster_parameter_group_status()),
    });
    let pending = cluster
        .pending_modified_values()
        .and_then(|values| values.pending_cloudwatch_logs_exports())
        .map(|logs| logs.log_types_to_enable());
    Ok(Some(Database {
        engine: text(cluster.engine()),
        version: text(cluster.engine_version()),
        log_exports: set(cluster.enabled_cloudwatch_logs_exports()),
        pending_log_exports: set(pending.unwrap_or_default()),
        parameter_group: group.to_owned(),
        members: members.collect(),
        parameters: cluster_parameters(aws, group).await?,
    }))
}

async fn of_instance(aws: &Inner, name: &str) -> Answer<Database> {
    let answer = aws
        .caller
        .make(Operation::DescribeDBInstances, name, || {
            aws.databases
                .describe_db_instances()
                .db_instance_identifier(name)
                .send()
        })
        .await;
    let Some(instance) = found(answer)?.and_then(|page| page.db_instances?.into_iter().next())
    else {
        return Ok(None);
    };
    // An instance has one group; while it changes to another, RDS tells the new one.
    let status = instance.db_parameter_groups().first();
    let group = status.and_then(|status| status.db_parameter_group_name());
    let group = group.unwrap_or_default();
    let pending = instance
        .pending_modified_values()
        .and_then(|values| values.pending_cloudwatch_logs_exports())
        .map(|logs| logs.log_types_to_enable());
    Ok(Some(Database {
        engine: text(instance.engine()),
        version: text(instance.engine_version()),
        log_exports: set(instance.enabled_cloudwatch_logs_exports()),
        pending_log_exports: set(pending.unwrap_or_default()),
        parameter_group: group.to_owned(),
        members: vec![Member {
            instance: name.to_owned(),
            parameter_status: text(status.and_then(|status| status.parameter_apply_status())),
        }],
        parameters: instance_parameters(aws, group).await?,
    }))
}

fn text(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

fn set(names: &[String]) -> BTreeSet<String> {
    names.iter().cloned().collect()
}

/// Those that are looked at and have a value. A group has some four hundred.
fn keep(kept: &mut BTreeMap<String, String>, page: Vec<Parameter>) {
    kept.extend(page.into_iter().filter_map(|parameter| {
        let name = parameter.parameter_name?;
        let value = parameter.parameter_value?;
        PARAMETERS.contains(&name.as_str()).then_some((name, value))
    }));
}

pub(in crate::cloud::aws) async fn cluster_parameters(
    aws: &Inner,
    group: &str,
) -> Result<BTreeMap<String, String>, CloudError> {
    let mut kept = BTreeMap::new();
    let mut marker = None;
    loop {
        let page = aws
            .caller
            .make(Operation::DescribeDBClusterParameters, group, || {
                aws.databases
                    .describe_db_cluster_parameters()
                    .db_cluster_parameter_group_name(group)
                    .max_records(PAGE)
                    .set_marker(marker.clone())
                    .send()
            })
            .await?;
        keep(&mut kept, page.parameters.unwrap_or_default());
        marker = page.marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            return Ok(kept);
        }
    }
}

async fn instance_parameters(
    aws: &Inner,
    group: &str,
) -> Result<BTreeMap<String, String>, CloudError> {
    let mut kept = BTreeMap::new();
    let mut marker = None;
    loop {
        let page = aws
            .caller
            .make(Operation::DescribeDBParameters, group, || {
                aws.databases
                    .describe_db_parameters()
                    .db_parameter_group_name(group)
                    .max_records(PAGE)
                    .set_marker(marker.clone())
                    .send()
            })
            .await?;
        keep(&mut kept, page.parameters.unwrap_or_default());
        marker = page.marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            return Ok(kept);
        }
    }
}
