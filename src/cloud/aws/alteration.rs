//! What changes a watched log before a query sees it: data protection policies, transformers, the class of the group.
//! Every call here reads.

use std::sync::Arc;

use aws_sdk_cloudwatchlogs::types::{
    DataProtectionStatus, InheritedProperty, LogGroup, PolicyType, Processor,
};
use futures_util::future::join_all;

use super::call::found;
use super::connect::Inner;
use super::look::log_group;
use super::sight::Sight;
use crate::deploy::alteration::{AccountPolicy, Alteration, Group, Means};
use crate::deploy::document::{Document, Kind, Ownership};
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;

/// Of all log groups that others own, side by side.
pub(super) async fn of(aws: &Inner, sight: &Sight, documents: &[&Document]) -> Vec<Alteration> {
    let watched = documents.iter().filter(|document| {
        document.kind == Kind::LogGroup && document.ownership == Ownership::Adopted
    });
    let each = watched.map(|document| of_group(aws, sight, document));
    let mut all: Vec<Alteration> = join_all(each).await.into_iter().flatten().collect();
    all.sort_by(|left, right| left.address.cmp(&right.address));
    all
}

async fn of_group(aws: &Inner, sight: &Sight, document: &Document) -> Vec<Alteration> {
    let group = Group { document };
    // That it cannot be read is told of the document.
    let Ok(live) = log_group::beginning(aws, sight, &document.name).await else {
        return Vec::new();
    };
    let live = live.get(&document.name);
    let (mask, transformer, account_masks, account_transformers) = tokio::join!(
        mask(aws, live),
        transformer(aws, live),
        account(aws, sight, PolicyType::DataProtectionPolicy),
        account(aws, sight, PolicyType::TransformerPolicy),
    );
    let mut all = Vec::new();
    if let Some(class) = live.and_then(LogGroup::log_group_class) {
        all.extend(group.class(class.as_str()));
    }
    let is_masked =
        live.and_then(LogGroup::data_protection_status) == Some(&DataProtectionStatus::Activated);
    match mask {
        Ok(Some(policy)) => all.push(group.mask(&policy)),
        // A second witness: what describes the group says so too.
        Ok(None) if is_masked => {
            all.push(group.unexplained(Means::Mask, "its data protection is `ACTIVATED`"));
        }
        Ok(None) => {}
        Err(error) => all.push(group.not_read(Means::Mask, &error)),
    }
    let inherits = live.is_some_and(|live| {
        live.inherited_properties()
            .contains(&InheritedProperty::AccountDataProtection)
    });
    match account_masks {
        Ok(policies) if policies.is_empty() && inherits => {
            let sign = "it inherits the account's data protection";
            all.push(group.unexplained(Means::AccountMask, sign));
        }
        Ok(policies) => all.extend(policies.iter().filter_map(|one| group.account_mask(one))),
        Err(error) => all.push(group.not_read(Means::AccountMask, &error)),
    }
    // A log group with a transformer of its own ignores the account's (`PutAccountPolicy`, "Transformer policy").
    let has_own = matches!(transformer, Ok(Some(_)));
    match transformer {
        Ok(Some(processors)) => all.push(group.transformer(&processors)),
        Ok(None) => {}
        Err(error) => all.push(group.not_read(Means::Transformer, &error)),
    }
    match account_transformers {
        Ok(_) if has_own => {}
        Ok(policies) => all.extend(
            policies
                .iter()
                .filter_map(|one| group.account_transformer(one)),
        ),
        Err(error) => all.push(group.not_read(Means::AccountTransformer, &error)),
    }
    all
}

/// The document of a log group's data protection policy; `None` when it has none (`GetDataProtectionPolicy`).
async fn mask(aws: &Inner, group: Option<&LogGroup>) -> Result<Option<String>, CloudError> {
    let Some(name) = group.and_then(LogGroup::log_group_name) else {
        return Ok(None);
    };
    let answer = aws
        .caller
        .make(Operation::GetDataProtectionPolicy, name, || {
            aws.logs
                .get_data_protection_policy()
                .log_group_identifier(name)
                .send()
        })
        .await;
    let policy = found(answer)?.and_then(|answer| answer.policy_document);
    Ok(policy.filter(|text| !text.trim().is_empty()))
}

/// Names of the processors of a log group's transformer; `None` when it has none (`GetTransformer`).
async fn transformer(
    aws: &Inner,
    group: Option<&LogGroup>,
) -> Result<Option<Vec<String>>, CloudError> {
    let Some(group) = group else {
        return Ok(None);
    };
    // Only groups of the class `STANDARD` can have one, and the call refuses others (`PutTransformer`).
    if group
        .log_group_class()
        .is_some_and(|class| class.as_str() != "STANDARD")
    {
        return Ok(None);
    }
    let Some(name) = group.log_group_name() else {
        return Ok(None);
    };
    let answer = aws
        .caller
        .make(Operation::GetTransformer, name, || {
            aws.logs.get_transformer().log_group_identifier(name).send()
        })
        .await;
    Ok(found(answer)?
        .filter(|answer| {
            answer.creation_time().is_some() || !answer.transformer_config().is_empty()
        })
        .map(|answer| answer.transformer_config().iter().map(named).collect()))
}

/// What a processor is called in the API: the one field that is set (`Processor`).
fn named(processor: &Processor) -> String {
    let all = [
        ("addKeys", processor.add_keys().is_some()),
        ("copyValue", processor.copy_value().is_some()),
        ("csv", processor.csv().is_some()),
        (
            "dateTimeConverter",
            processor.date_time_converter().is_some(),
        ),
        ("deleteKeys", processor.delete_keys().is_some()),
        ("grok", processor.grok().is_some()),
        ("listToMap", processor.list_to_map().is_some()),
        ("lowerCaseString", processor.lower_case_string().is_some()),
        ("moveKeys", processor.move_keys().is_some()),
        ("parseCloudfront", processor.parse_cloudfront().is_some()),
        ("parseJSON", processor.parse_json().is_some()),
        ("parseKeyValue", processor.parse_key_value().is_some()),
        ("parseRoute53", processor.parse_route53().is_some()),
        ("parseToOCSF", processor.parse_to_ocsf().is_some()),
        ("parsePostgres", processor.parse_postgres().is_some()),
        ("parseVPC", processor.parse_vpc().is_some()),
        ("parseWAF", processor.parse_waf().is_some()),
        ("renameKeys", processor.rename_keys().is_some()),
        ("splitString", processor.split_string().is_some()),
        ("substituteString", processor.substitute_string().is_some()),
        ("trimString", processor.trim_string().is_some()),
        ("typeConverter", processor.type_converter().is_some()),
        ("upperCaseString", processor.upper_case_string().is_some()),
    ];
    let set = all.iter().find(|(_, is_set)| *is_set);
    set.map_or("an unknown processor", |(name, _)| name)
        .to_owned()
}

/// The account's policies of a type in this region (`DescribeAccountPolicies`).
async fn account(
    aws: &Inner,
    sight: &Sight,
    of_type: PolicyType,
) -> Result<Arc<Vec<AccountPolicy>>, CloudError> {
    let ask = || async {
        let mut all = Vec::new();
        let mut token = None;
        loop {
            let page = aws
                .caller
                .make(Operation::DescribeAccountPolicies, of_type.as_str(), || {
                    aws.logs
                        .describe_account_policies()
                        .policy_type(of_type.clone())
                        .set_next_token(token.clone())
                        .send()
                })
                .await;
            // The API names `ResourceNotFoundException` among its errors, and not when: then there is none.
            let Some(page) = found(page)? else {
                return Ok(Arc::new(all));
            };
            all.extend(page.account_policies().iter().map(|policy| AccountPolicy {
                name: policy.policy_name().unwrap_or_default().to_owned(),
                document: policy.policy_document().unwrap_or_default().to_owned(),
                scope: policy.scope().map(|scope| scope.as_str().to_owned()),
                selection: policy.selection_criteria().map(str::to_owned),
            }));
            token = page.next_token;
            if token.is_none() {
                return Ok(Arc::new(all));
            }
        }
    };
    sight.account_policies.get(of_type.as_str(), ask).await
}
