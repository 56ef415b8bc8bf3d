//! Inline policies of IAM roles.

use serde_json::{Value, json};

use crate::cloud::aws::call::gone;
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::look::role::{policy_document, policy_names, policy_text, role, tags_of};
use crate::cloud::aws::note;
use crate::cloud::aws::sight::Sight;
use crate::cloud::aws::value::owner_and_name;
use crate::deploy::document::{Document, Fingerprint, Kind, canonical};
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Found, Live, Reading};

fn policy_properties(role: &str, name: &str, text: &str) -> Value {
    json!({ "role": role, "name": name, "policy": policy_document(text) })
}

pub(in crate::cloud::aws) async fn read(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Reading, CloudError> {
    let applied = note::read(aws, sight, document).await?.applied;
    let (owner, name) = owner_and_name(&document.name);
    // Without the role there is nothing to ask for.
    if role(aws, sight, owner).await?.is_none() {
        return Ok(Reading::Absent { applied });
    }
    Ok(match policy_text(aws, owner, name).await? {
        None => Reading::Absent { applied },
        Some(text) => Reading::Present(Live {
            properties: policy_properties(owner, name, &text),
            applied,
            note: None,
        }),
    })
}

pub(in crate::cloud::aws) async fn put(
    aws: &Inner,
    _: &Sight,
    document: &Document,
) -> Result<(), CloudError> {
    let (owner, name) = owner_and_name(&document.name);
    let text = canonical(&document.properties["policy"]);
    aws.caller
        .make(Operation::PutRolePolicy, &document.name, || {
            aws.roles
                .put_role_policy()
                .role_name(owner)
                .policy_name(name)
                .policy_document(&text)
                .send()
        })
        .await?;
    Ok(())
}

pub(in crate::cloud::aws) async fn delete(aws: &Inner, name: &str) -> Result<(), CloudError> {
    let (owner, name) = owner_and_name(name);
    let answer = aws
        .caller
        .make(Operation::DeleteRolePolicy, owner, || {
            aws.roles
                .delete_role_policy()
                .role_name(owner)
                .policy_name(name)
                .send()
        })
        .await;
    gone(answer)
}

/// Inline policies that no document asks for: rights that the monitor must not have.
pub(in crate::cloud::aws) async fn beside(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Vec<Found>, CloudError> {
    let owner = &document.name;
    let cluster = document.address.split('/').next().unwrap_or_default();
    let Some(role) = role(aws, sight, owner).await? else {
        return Ok(Vec::new());
    };
    let notes = tags_of(&role);
    let mut beside = Vec::new();
    for policy in policy_names(aws, sight, owner).await?.iter() {
        let name = format!("{owner}/{policy}");
        let address = Document::address_of(cluster, Kind::IamRolePolicy, &name);
        if sight
            .documents
            .iter()
            .any(|document| document.address == address)
        {
            continue;
        }
        let text = policy_text(aws, owner, policy).await?.unwrap_or_default();
        beside.push(Found {
            digest: Some(Fingerprint::of(
                Kind::IamRolePolicy,
                &policy_properties(owner, policy, &text),
            )),
            applied: note::of(&notes, Kind::IamRolePolicy, &address).applied,
            address,
            kind: Some(Kind::IamRolePolicy),
            name,
        });
    }
    Ok(beside)
}
