//! Saved queries of Logs Insights. A name may occur twice: the service tells them apart by an id of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_cloudwatchlogs::types::QueryDefinition;
use serde_json::json;

use crate::cloud::aws::call::gone;
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::names::prefix;
use crate::cloud::aws::note;
use crate::cloud::aws::sight::Sight;
use crate::cloud::aws::value::texts;
use crate::compile::name::PREFIX;
use crate::deploy::document::Document;
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Live, Reading};

type Queries = Arc<BTreeMap<String, Vec<QueryDefinition>>>;

/// All saved queries of the environment, by name, in the order of their ids.
pub(in crate::cloud::aws) async fn all(aws: &Inner, sight: &Sight) -> Result<Queries, CloudError> {
    let prefix = format!("{PREFIX}/{}", prefix(aws));
    let ask = || async {
        let mut all: BTreeMap<String, Vec<QueryDefinition>> = BTreeMap::new();
        let mut token = None;
        loop {
            let page = aws
                .caller
                .make(
                    Operation::DescribeQueryDefinitions,
                    &format!("{prefix}*"),
                    || {
                        aws.logs
                            .describe_query_definitions()
                            .query_definition_name_prefix(&prefix)
                            .max_results(1000)
                            .set_next_token(token.clone())
                            .send()
                    },
                )
                .await?;
            for query in page.query_definitions.unwrap_or_default() {
                let name = query.name.clone().unwrap_or_default();
                all.entry(name).or_default().push(query);
            }
            token = page.next_token;
            if token.is_none() {
                for same in all.values_mut() {
                    same.sort_by(|left, right| {
                        left.query_definition_id.cmp(&right.query_definition_id)
                    });
                }
                return Ok(Arc::new(all));
            }
        }
    };
    sight.queries.get(&prefix, ask).await
}

pub(in crate::cloud::aws) async fn read(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Reading, CloudError> {
    let applied = note::read(aws, sight, document).await?.applied;
    let all = all(aws, sight).await?;
    let same = all.get(&document.name).map_or(&[][..], Vec::as_slice);
    let Some(query) = same.first() else {
        return Ok(Reading::Absent { applied });
    };
    let mut properties = json!({
        "name": query.name(),
        "language": query.query_language().map_or("CWLI", |language| language.as_str()),
        "log_groups": query.log_group_names(),
        "query": query.query_string(),
    });
    // Whoever opens one of them does not know which.
    if same.len() > 1 {
        properties["copies"] = json!(same.len());
    }
    Ok(Reading::Present(Live {
        properties,
        applied,
        note: None,
    }))
}

pub(in crate::cloud::aws) async fn put(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<(), CloudError> {
    let id = all(aws, sight)
        .await?
        .get(&document.name)
        .and_then(|same| same.first()?.query_definition_id.clone());
    let wanted = &document.properties;
    aws.caller
        .make(Operation::PutQueryDefinition, &document.name, || {
            aws.logs
                .put_query_definition()
                .name(&document.name)
                .set_query_definition_id(id.clone())
                .set_log_group_names(Some(texts(&wanted["log_groups"])))
                .query_string(wanted["query"].as_str().unwrap_or_default())
                .send()
        })
        .await?;
    // Another apply may have made one of the same name meanwhile: both keep the one with the smallest id.
    let now = all(aws, &Sight::default()).await?;
    for copy in now.get(&document.name).into_iter().flatten().skip(1) {
        delete_one(aws, &document.name, copy).await?;
    }
    Ok(())
}

pub(in crate::cloud::aws) async fn delete(aws: &Inner, name: &str) -> Result<(), CloudError> {
    let found = all(aws, &Sight::default()).await?;
    for query in found.get(name).into_iter().flatten() {
        delete_one(aws, name, query).await?;
    }
    Ok(())
}

async fn delete_one(aws: &Inner, name: &str, query: &QueryDefinition) -> Result<(), CloudError> {
    let Some(id) = query.query_definition_id() else {
        return Ok(());
    };
    let answer = aws
        .caller
        .make(Operation::DeleteQueryDefinition, name, || {
            aws.logs
                .delete_query_definition()
                .query_definition_id(id)
                .send()
        })
        .await;
    gone(answer)
}
