//! IAM roles.

use aws_sdk_iam::types::Role;
use serde_json::json;

use crate::cloud::aws::call::gone;
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::failure::lasting;
use crate::cloud::aws::look::role::{
    attached, iam_tags, policy_document, role, tag, tags_of, untag,
};
use crate::cloud::aws::note;
use crate::cloud::aws::sight::{Sight, Tags};
use crate::deploy::document::{Document, canonical};
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Live, Reading};

pub(in crate::cloud::aws) async fn read(
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

pub(in crate::cloud::aws) async fn put(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<(), CloudError> {
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
        return Err(lasting(
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

pub(in crate::cloud::aws) async fn delete(aws: &Inner, name: &str) -> Result<(), CloudError> {
    let answer = aws
        .caller
        .make(Operation::DeleteRole, name, || {
            aws.roles.delete_role().role_name(name).send()
        })
        .await;
    gone(answer)
}
