//! The monitor's IAM role and its inline policy.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_iam::types::{Role, Tag};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::call::{found, gone};
use super::connect::Inner;
use super::note;
use super::provider::owner_and_name;
use super::sight::{Sight, Tags};
use crate::deploy::document::{Document, Fingerprint, Kind, canonical};
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Found, Live, Reading};

pub(super) async fn role(
    aws: &Inner,
    sight: &Sight,
    name: &str,
) -> Result<Option<Arc<Role>>, CloudError> {
    let ask = || async {
        let answer = aws
            .caller
            .make(Operation::GetRole, name, || {
                aws.roles.get_role().role_name(name).send()
            })
            .await;
        Ok(found(answer)?.and_then(|answer| answer.role).map(Arc::new))
    };
    sight.roles.get(name, ask).await
}

fn tags_of(role: &Role) -> Tags {
    role.tags()
        .iter()
        .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
        .collect()
}

/// Tags of a role; `None` when there is none.
pub(super) async fn tags(
    aws: &Inner,
    sight: &Sight,
    base: &str,
) -> Result<Option<Arc<Tags>>, CloudError> {
    Ok(role(aws, sight, base)
        .await?
        .map(|role| Arc::new(tags_of(&role))))
}

fn iam_tags(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, CloudError> {
    tags.iter()
        .map(|(key, value)| {
            Tag::builder()
                .key(key)
                .value(value)
                .build()
                .map_err(|error| super::schedule::refused("iam:TagRole", key, error.to_string()))
        })
        .collect()
}

pub(super) async fn tag(
    aws: &Inner,
    base: &str,
    tags: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    if tags.is_empty() {
        return Ok(());
    }
    let tags = iam_tags(tags)?;
    aws.caller
        .make(Operation::TagRole, base, || {
            aws.roles
                .tag_role()
                .role_name(base)
                .set_tags(Some(tags.clone()))
                .send()
        })
        .await?;
    Ok(())
}

pub(super) async fn untag(aws: &Inner, base: &str, keys: &[String]) -> Result<(), CloudError> {
    if keys.is_empty() {
        return Ok(());
    }
    aws.caller
        .make(Operation::UntagRole, base, || {
            aws.roles
                .untag_role()
                .role_name(base)
                .set_tag_keys(Some(keys.to_vec()))
                .send()
        })
        .await?;
    Ok(())
}

/// IAM hands policies out with every sign encoded as in a URL.
pub(super) fn policy_document(text: &str) -> Value {
    let text = percent_decode_str(text).decode_utf8_lossy();
    serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text.as_ref()))
}

pub(super) async fn attached(aws: &Inner, name: &str) -> Result<Vec<String>, CloudError> {
    let mut all = Vec::new();
    let mut marker = None;
    loop {
        let page = aws
            .caller
            .make(Operation::ListAttachedRolePolicies, name, || {
                aws.roles
                    .list_attached_role_policies()
                    .role_name(name)
                    .set_marker(marker.clone())
                    .send()
            })
            .await?;
        let arns = page.attached_policies().iter();
        all.extend(arns.filter_map(|policy| policy.policy_arn().map(str::to_owned)));
        marker = page.marker;
        if marker.is_none() {
            return Ok(all);
        }
    }
}

pub(super) async fn read(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Reading, CloudError> {
    let name = &document.name;
    let Some(role) = role(aws, sight, name).await? else {
        return Ok(Reading::Absent { applied: None });
    };
    let attached = attached(aws, name).await?;
    let boundary = role
        .permissions_boundary()
        .and_then(|boundary| boundary.permissions_boundary_arn());
    Ok(Reading::Present(Live {
        properties: json!({
            "name": role.role_name(),
            "description": role.description().unwrap_or_default(),
            "path": role.path(),
            "max_session_seconds": role.max_session_duration().unwrap_or(3600),
            "managed_policies": attached,
            "permissions_boundary": boundary,
            "trust_policy": policy_document(role.assume_role_policy_document().unwrap_or_default()),
            "tags": note::own_tags(&tags_of(&role)),
        }),
        applied: note::read(aws, sight, document).await?.applied,
        note: None,
    }))
}

/// Before anything else is done with a role: what bounds it also bounds who may change it.
async fn bound(aws: &Inner, live: &Role, wanted: Option<&str>) -> Result<(), CloudError> {
    let name = live.role_name();
    let now = live
        .permissions_boundary()
        .and_then(|boundary| boundary.permissions_boundary_arn());
    match wanted {
        _ if now == wanted && live.permissions_boundary().is_some() == wanted.is_some() => {}
        Some(arn) => {
            aws.caller
                .make(Operation::PutRolePermissionsBoundary, name, || {
                    aws.roles
                        .put_role_permissions_boundary()
                        .role_name(name)
                        .permissions_boundary(arn)
                        .send()
                })
                .await?;
        }
        None => {
            aws.caller
                .make(Operation::DeleteRolePermissionsBoundary, name, || {
                    aws.roles
                        .delete_role_permissions_boundary()
                        .role_name(name)
                        .send()
                })
                .await?;
        }
    }
    Ok(())
}

pub(super) async fn put(aws: &Inner, sight: &Sight, document: &Document) -> Result<(), CloudError> {
    let name = &document.name;
    let wanted = &document.properties;
    let trust = canonical(&wanted["trust_policy"]);
    let description = wanted["description"].as_str().unwrap_or_default();
    let seconds = wanted["max_session_seconds"]
        .as_i64()
        .and_then(|seconds| i32::try_from(seconds).ok());
    let boundary = wanted["permissions_boundary"].as_str();
    let Some(live) = role(aws, sight, name).await? else {
        let (tags, _) = note::tag_changes(&wanted["tags"], &Tags::new());
        let tags = iam_tags(&tags)?;
        aws.caller
            .make(Operation::CreateRole, name, || {
                aws.roles
                    .create_role()
                    .role_name(name)
                    .path(wanted["path"].as_str().unwrap_or("/"))
                    .assume_role_policy_document(&trust)
                    .description(description)
                    .set_max_session_duration(seconds)
                    .set_permissions_boundary(boundary.map(str::to_owned))
                    .set_tags(Some(tags.clone()))
                    .send()
            })
            .await?;
        return Ok(());
    };
    if Some(live.path()) != wanted["path"].as_str() {
        return Err(super::failure::lasting(
            "change the path of",
            &document.address,
            "IAM cannot move a role: delete it, and apply again".to_owned(),
        ));
    }
    bound(aws, &live, boundary).await?;
    aws.caller
        .make(Operation::UpdateAssumeRolePolicy, name, || {
            aws.roles
                .update_assume_role_policy()
                .role_name(name)
                .policy_document(&trust)
                .send()
        })
        .await?;
    aws.caller
        .make(Operation::UpdateRole, name, || {
            aws.roles
                .update_role()
                .role_name(name)
                .description(description)
                .set_max_session_duration(seconds)
                .send()
        })
        .await?;
    for arn in attached(aws, name).await? {
        let answer = aws
            .caller
            .make(Operation::DetachRolePolicy, name, || {
                aws.roles
                    .detach_role_policy()
                    .role_name(name)
                    .policy_arn(&arn)
                    .send()
            })
            .await;
        gone(answer)?;
    }
    let (missing, stale) = note::tag_changes(&wanted["tags"], &tags_of(&live));
    tag(aws, name, &missing).await?;
    untag(aws, name, &stale).await
}

pub(super) async fn delete(aws: &Inner, name: &str) -> Result<(), CloudError> {
    let answer = aws
        .caller
        .make(Operation::DeleteRole, name, || {
            aws.roles.delete_role().role_name(name).send()
        })
        .await;
    gone(answer)
}

fn policy_properties(role: &str, name: &str, text: &str) -> Value {
    json!({ "role": role, "name": name, "policy": policy_document(text) })
}

pub(super) async fn policy_text(
    aws: &Inner,
    role: &str,
    name: &str,
) -> Result<Option<String>, CloudError> {
    let answer = aws
        .caller
        .make(Operation::GetRolePolicy, role, || {
            aws.roles
                .get_role_policy()
                .role_name(role)
                .policy_name(name)
                .send()
        })
        .await;
    Ok(found(answer)?.map(|answer| answer.policy_document))
}

pub(super) async fn read_policy(
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

pub(super) async fn put_policy(aws: &Inner, document: &Document) -> Result<(), CloudError> {
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

pub(super) async fn delete_policy(aws: &Inner, name: &str) -> Result<(), CloudError> {
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
pub(super) async fn beside(
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

pub(super) async fn policy_names(
    aws: &Inner,
    sight: &Sight,
    role: &str,
) -> Result<Arc<Vec<String>>, CloudError> {
    let ask = || async {
        let mut all = Vec::new();
        let mut marker = None;
        loop {
            let page = aws
                .caller
                .make(Operation::ListRolePolicies, role, || {
                    aws.roles
                        .list_role_policies()
                        .role_name(role)
                        .set_marker(marker.clone())
                        .send()
                })
                .await?;
            all.extend(page.policy_names.iter().cloned());
            marker = page.marker;
            if marker.is_none() {
                return Ok(Arc::new(all));
            }
        }
    };
    sight.role_policies.get(role, ask).await
}
