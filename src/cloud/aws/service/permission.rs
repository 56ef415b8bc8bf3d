//! Who may start a function, and do what else with it: the statements of its policy.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::cloud::aws::call::{found, gone};
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::look::function::tags;
use crate::cloud::aws::note;
use crate::cloud::aws::sight::Sight;
use crate::cloud::aws::value::owner_and_name;
use crate::deploy::document::{Document, Fingerprint, Kind};
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Found, Live, Reading};

/// Who may do what with a function: its policy, and the revision that a change of it must name.
async fn policy(aws: &Inner, sight: &Sight, base: &str) -> Result<Option<Arc<Value>>, CloudError> {
    let ask = || async {
        let answer = aws
            .caller
            .make(Operation::GetPolicy, base, || {
                aws.lambda.get_policy().function_name(base).send()
            })
            .await;
        Ok(found(answer)?.map(|answer| {
            let text = answer.policy.unwrap_or_default();
            let document: Value = serde_json::from_str(&text).unwrap_or_default();
            Arc::new(json!({ "document": document, "revision": answer.revision_id }))
        }))
    };
    sight.function_policies.get(base, ask).await
}

fn statements(policy: Option<&Arc<Value>>) -> impl Iterator<Item = &Value> {
    policy
        .and_then(|policy| policy["document"]["Statement"].as_array())
        .into_iter()
        .flatten()
}

/// A statement of a function's policy in the form of a document. What a document cannot say stays as it is.
fn permission_properties(base: &str, statement: &Value) -> Value {
    let principal = &statement["Principal"];
    let principal = ["Service", "AWS"]
        .iter()
        .find_map(|key| principal.get(key))
        .unwrap_or(principal);
    let mut properties = json!({
        "function": base,
        "statement_id": statement["Sid"],
        "action": statement["Action"],
        "principal": principal,
        "source_arn": null,
        "source_account": null,
    });
    let conditions = statement["Condition"].as_object().into_iter().flatten();
    for (operator, keys) in conditions {
        for (key, value) in keys.as_object().into_iter().flatten() {
            match (operator.as_str(), key.to_lowercase().as_str()) {
                ("ArnLike", "aws:sourcearn") => properties["source_arn"] = value.clone(),
                ("StringEquals", "aws:sourceaccount") => {
                    properties["source_account"] = value.clone();
                }
                _ => properties[format!("{operator} {key}")] = value.clone(),
            }
        }
    }
    if statement["Effect"] != "Allow" {
        properties["effect"] = statement["Effect"].clone();
    }
    properties
}

pub(in crate::cloud::aws) async fn read(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Reading, CloudError> {
    let applied = note::read(aws, sight, document).await?.applied;
    let (base, id) = owner_and_name(&document.name);
    let policy = policy(aws, sight, base).await?;
    let statement = statements(policy.as_ref()).find(|statement| statement["Sid"] == id);
    Ok(match statement {
        None => Reading::Absent { applied },
        Some(statement) => Reading::Present(Live {
            properties: permission_properties(base, statement),
            applied,
            note: None,
        }),
    })
}

pub(in crate::cloud::aws) async fn put(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<(), CloudError> {
    let (base, id) = owner_and_name(&document.name);
    let policy = policy(aws, sight, base).await?;
    let exists = statements(policy.as_ref()).any(|statement| statement["Sid"] == id);
    if exists {
        // A statement cannot be edited.
        delete(aws, &document.name).await?;
    }
    let wanted = &document.properties;
    let text = |key: &str| wanted[key].as_str().map(str::to_owned);
    aws.caller
        .make(Operation::AddPermission, &document.name, || {
            aws.lambda
                .add_permission()
                .function_name(base)
                .statement_id(id)
                .set_action(text("action"))
                .set_principal(text("principal"))
                .set_source_arn(text("source_arn"))
                .set_source_account(text("source_account"))
                .send()
        })
        .await?;
    Ok(())
}

pub(in crate::cloud::aws) async fn delete(aws: &Inner, name: &str) -> Result<(), CloudError> {
    let (base, id) = owner_and_name(name);
    let answer = aws
        .caller
        .make(Operation::RemovePermission, name, || {
            aws.lambda
                .remove_permission()
                .function_name(base)
                .statement_id(id)
                .send()
        })
        .await;
    gone(answer)
}

/// Statements that no document asks for: somebody else may run the monitor, or change it.
pub(in crate::cloud::aws) async fn beside(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Vec<Found>, CloudError> {
    let base = &document.name;
    let cluster = document.address.split('/').next().unwrap_or_default();
    let notes = tags(aws, sight, base).await?.unwrap_or_default();
    let policy = policy(aws, sight, base).await?;
    let mut beside = Vec::new();
    for statement in statements(policy.as_ref()) {
        let id = statement["Sid"].as_str().unwrap_or_default();
        let name = format!("{base}/{id}");
        let address = Document::address_of(cluster, Kind::LambdaPermission, &name);
        if sight
            .documents
            .iter()
            .any(|document| document.address == address)
        {
            continue;
        }
        let properties = permission_properties(base, statement);
        beside.push(Found {
            digest: Some(Fingerprint::of(Kind::LambdaPermission, &properties)),
            applied: note::of(&notes, Kind::LambdaPermission, &address).applied,
            address,
            kind: Some(Kind::LambdaPermission),
            name,
        });
    }
    Ok(beside)
}
