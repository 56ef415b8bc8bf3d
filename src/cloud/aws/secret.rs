//! Secrets that documents refer to: read when they are needed, never kept, never shown.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::connect::Inner;
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;
use crate::digest;

/// The text that a value stands for: itself, or the secret that it refers to. `None` when the secret cannot be had
/// here: a plan may run where there are no secrets.
pub(super) async fn text(aws: &Inner, value: &Value) -> Result<Option<String>, CloudError> {
    if let Some(text) = value.as_str() {
        return Ok(Some(text.to_owned()));
    }
    if let Some(name) = value.get("from_env").and_then(Value::as_str) {
        return Ok((aws.variables.0)(name)
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty()));
    }
    match value.get("from_secret").and_then(Value::as_str) {
        Some(name) if aws.purpose.allows(Operation::GetSecretValue) => {
            let answer = aws
                .caller
                .make(Operation::GetSecretValue, name, || {
                    aws.secrets.get_secret_value().secret_id(name).send()
                })
                .await?;
            Ok(answer.secret_string.map(|text| text.trim().to_owned()))
        }
        _ => Ok(None),
    }
}

/// As [`text`], for a write, which cannot do without.
pub(super) async fn required(
    aws: &Inner,
    value: &Value,
    address: &str,
) -> Result<String, CloudError> {
    let name = ["from_env", "from_secret"]
        .iter()
        .find_map(|key| value.get(key).and_then(Value::as_str))
        .unwrap_or_default();
    text(aws, value).await?.ok_or_else(|| CloudError::Refused {
        operation: "write",
        resource: address.to_owned(),
        message: if value.get("from_env").is_some() {
            format!("the variable {name} is not set where pgvigil runs")
        } else {
            format!("the secret {name} has no text")
        },
    })
}

/// What SNS lists in the place of a password in an endpoint. AWS does not document it: Terraform's acceptance tests
/// (`TestAccSNSTopicSubscription_autoConfirmingSecuredEndpoint`), which run on AWS, expect four asterisks.
const MASK: &str = "****";

/// An endpoint as SNS lists it: with a mask in the place of the password. `None` for one that has no password, and for one
/// that is masked is the endpoint itself.
pub(super) fn masked(endpoint: &str) -> Option<String> {
    let (scheme, rest) = endpoint.split_once("://")?;
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    // The last `@` ends the user and the password (RFC 3986, section 3.2.1).
    let (user, password) = rest
        .get(..rest.get(..authority)?.rfind('@')?)?
        .split_once(':')?;
    let after = rest.get(user.len() + 1 + password.len()..)?;
    Some(format!("{scheme}://{user}:{MASK}{after}"))
}

/// Tells whether a secret is the one that was written, without telling the secret: it holds a key, so that nobody
/// finds it by trying.
pub(super) fn trace(place: &str, secret: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update((place.len() as u64).to_be_bytes());
    hasher.update(place.as_bytes());
    hasher.update(secret.as_bytes());
    digest::short(&hasher.finalize(), 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_masked_and_nothing_else() {
        for (endpoint, expected) in [
            (
                "https://bot:hunter2@example.com/hook?key=a:b@c",
                Some("https://bot:****@example.com/hook?key=a:b@c"),
            ),
            (
                "https://bot:****@example.com/",
                Some("https://bot:****@example.com/"),
            ),
            (
                "https://bot:@example.com",
                Some("https://bot:****@example.com"),
            ),
            (
                "https://:secret@example.com",
                Some("https://:****@example.com"),
            ),
            (
                "https://bot:a:b@c@example.com:8443/",
                Some("https://bot:****@example.com:8443/"),
            ),
            ("https://bot@example.com/", None),
            ("https://example.com:8443/a@b", None),
            ("https://example.com?at=a:b@c", None),
            ("dba@example.com", None),
            ("", None),
        ] {
            assert_eq!(masked(endpoint).as_deref(), expected, "{endpoint}");
        }
    }
}
