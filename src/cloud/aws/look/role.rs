//! Roles, their tags and their policies.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_iam::types::{Role, Tag};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::cloud::aws::call::found;
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::failure::refused;
use crate::cloud::aws::sight::{Sight, Tags};
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;

pub(in crate::cloud::aws) async fn role(
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

pub(in crate::cloud::aws) fn tags_of(role: &Role) -> Tags {
    role.tags()
        .iter()
        .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
        .collect()
}

/// Tags of a role; `None` when there is none.
pub(in crate::cloud::aws) async fn tags(
    aws: &Inner,
    sight: &Sight,
    base: &str,
) -> Result<Option<Arc<Tags>>, CloudError> {
    Ok(role(aws, sight, base)
        .await?
        .map(|role| Arc::new(tags_of(&role))))
}

pub(in crate::cloud::aws) fn iam_tags(
    tags: &BTreeMap<String, String>,
) -> Result<Vec<Tag>, CloudError> {
    tags.iter()
        .map(|(key, value)| {
            Tag::builder()
                .key(key)
                .value(value)
                .build()
                .map_err(|error| refused("iam:TagRole", key, error.to_string()))
        })
        .collect()
}

pub(in crate::cloud::aws) async fn tag(
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

pub(in crate::cloud::aws) async fn untag(
    aws: &Inner,
    base: &str,
    keys: &[String],
) -> Result<(), CloudError> {
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
pub(in crate::cloud::aws) fn policy_document(text: &str) -> Value {
    let text = percent_decode_str(text).decode_utf8_lossy();
    serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text.as_ref()))
}

pub(in crate::cloud::aws) async fn attached(
    aws: &Inner,
    name: &str,
) -> Result<Vec<String>, CloudError> {
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

pub(in crate::cloud::aws) async fn policy_text(
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

pub(in crate::cloud::aws) async fn policy_names(
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
