//! Saved queries of Logs Insights. A name may occur twice: the service tells them apart by an id of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_cloudwatchlogs::types::QueryDefinition;
use serde_json::json;

use super::alarm::texts;
use super::call::gone;
use super::connect::Inner;
use super::former::prefix;
use super::note;
use super::sight::Sight;
use crate::compile::name::PREFIX;
use crate::deploy::document::Document;
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Live, Reading};

type Queries = Arc<BTreeMap<String, QueryDefinition>>;

/// All saved queries of the environment, by name.
pub(super) async fn all(aws: &Inner, sight: &Sight) -> Result<Queries, CloudError> {
    let prefix = format!("{PREFIX}/{}", prefix(aws));
    let ask = || async {
        let mut all = BTreeMap::new();
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
                all.insert(query.name.clone().unwrap_or_default(), query);
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(Arc::new(all));
            }
        }
    };
    sight.queries.get(&prefix, ask).await
}

pub(super) async fn read(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Reading, CloudError> {
    let applied = note::read(aws, sight, document).await?.applied;
    Ok(match all(aws, sight).await?.get(&document.name) {
        None => Reading::Absent { applied },
        Some(query) => Reading::Present(Live {
            properties: json!({
                "name": query.name(),
                "language": query.query_language().map_or("CWLI", |language| language.as_str()),
                "log_groups": query.log_group_names(),
                "query": query.query_string(),
            }),
            applied,
            note: None,
        }),
    })
}

pub(super) async fn put(aws: &Inner, sight: &Sight, document: &Document) -> Result<(), CloudError> {
    let id = all(aws, sight)
        .await?
        .get(&document.name)
        .and_then(|query| query.query_definition_id.clone());
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
    Ok(())
}

pub(super) async fn delete(aws: &Inner, name: &str) -> Result<(), CloudError> {
    let found = all(aws, &Sight::default()).await?;
    let Some(id) = found
        .get(name)
        .and_then(|query| query.query_definition_id())
    else {
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
