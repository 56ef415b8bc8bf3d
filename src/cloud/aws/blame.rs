//! CloudTrail's record of calls.

use std::cmp::Reverse;

use aws_sdk_cloudtrail::types::{Event, LookupAttribute, LookupAttributeKey};
use jiff::Timestamp;
use serde_json::Value;

use super::connect::{APP, Aws, Inner};
use crate::deploy::blame::{Deed, Witness};
use crate::deploy::document::Kind;
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;

impl Witness for Aws {
    fn deeds(&self, kind: Kind, name: &str) -> Result<Option<Vec<Deed>>, CloudError> {
        self.runtime.block_on(self.inner.deeds(kind, name))
    }
}

impl Inner {
    async fn deeds(&self, kind: Kind, name: &str) -> Result<Option<Vec<Deed>>, CloudError> {
        let Some(resource) = self.resource_name(kind, name) else {
            return Ok(None);
        };
        // IAM belongs to no region: its events stand in the partition's first.
        let trail = match kind {
            Kind::IamRole | Kind::IamRolePolicy => &self.global_trail,
            _ => &self.trail,
        };
        let attribute = LookupAttribute::builder()
            .attribute_key(LookupAttributeKey::ResourceName)
            .attribute_value(&resource)
            .build()
            .map_err(|error| CloudError::Unavailable {
                operation: "cloudtrail:LookupEvents",
                resource: resource.clone(),
                message: error.to_string(),
            })?;
        let answer = self
            .caller
            .make(Operation::LookupEvents, &resource, || {
                trail
                    .lookup_events()
                    .lookup_attributes(attribute.clone())
                    .max_results(50)
                    .send()
            })
            .await?;
        let mut deeds: Vec<Deed> = answer
            .events()
            .iter()
            // Resources of several services bear the same name.
            .filter(|event| event.event_source() == Some(source(kind)))
            .filter_map(deed)
            .collect();
        deeds.sort_by_key(|deed| Reverse(deed.at));
        Ok(Some(deeds))
    }

    /// The name under which the record files a resource ("Viewing events with CloudTrail": the resource name is what
    /// the call named). Saved queries bear none.
    fn resource_name(&self, kind: Kind, name: &str) -> Option<String> {
        let owner = name.split('/').next().unwrap_or(name);
        Some(match kind {
            Kind::SnsTopic | Kind::SnsSubscription => self.location.arn("sns", owner),
            Kind::IamRolePolicy
            | Kind::LambdaPermission
            | Kind::EventTarget
            | Kind::LambdaFunction => owner.to_owned(),
            // An address leaves out the slash at the beginning.
            Kind::LogGroup => format!("/{}", name.trim_start_matches('/')),
            Kind::KmsKey => format!("alias/{name}"),
            Kind::SavedQuery => return None,
            _ => name.to_owned(),
        })
    }
}

/// The service whose calls change a resource, as events name it.
fn source(kind: Kind) -> &'static str {
    match kind {
        Kind::LogGroup | Kind::SavedQuery => "logs.amazonaws.com",
        Kind::KmsKey | Kind::KmsAlias => "kms.amazonaws.com",
        Kind::SnsTopic | Kind::SnsSubscription => "sns.amazonaws.com",
        Kind::IamRole | Kind::IamRolePolicy => "iam.amazonaws.com",
        Kind::PolicyLayer | Kind::LambdaFunction | Kind::LambdaPermission => "lambda.amazonaws.com",
        Kind::Alarm | Kind::LogAlarm | Kind::Dashboard => "monitoring.amazonaws.com",
        Kind::EventRule | Kind::EventTarget => "events.amazonaws.com",
    }
}

/// An event that changed something. What cannot be read of it is left open.
fn deed(event: &Event) -> Option<Deed> {
    let record: Value = event
        .cloud_trail_event()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let reads = event.read_only() == Some("true")
        || record["readOnly"] == Value::Bool(true)
        || !record["errorCode"].is_null();
    if reads {
        return None;
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let identity = &record["userIdentity"];
    let who = ["arn", "invokedBy", "principalId"]
        .iter()
        .find_map(|key| identity[*key].as_str())
        .or(event.username())
        .unwrap_or("a caller that the record does not name");
    let agent = text(&record["userAgent"]);
    Some(Deed {
        at: Timestamp::from_second(event.event_time()?.secs()).ok()?,
        who: who.to_owned(),
        operation: event.event_name().unwrap_or_default().to_owned(),
        by_pgvigil: agent.contains(&format!("app/{APP}")),
        agent,
        source: text(&record["sourceIPAddress"]),
    })
}
