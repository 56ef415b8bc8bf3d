//! The dashboard.

use serde_json::{Value, json};

use crate::cloud::aws::call::{found, gone};
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::note;
use crate::cloud::aws::sight::Sight;
use crate::deploy::document::{Document, canonical};
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Live, Reading};

pub(in crate::cloud::aws) async fn read(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Reading, CloudError> {
    let applied = note::read(aws, sight, document).await?.applied;
    let answer = aws
        .caller
        .make(Operation::GetDashboard, &document.name, || {
            aws.alarms
                .get_dashboard()
                .dashboard_name(&document.name)
                .send()
        })
        .await;
    Ok(match found(answer)? {
        None => Reading::Absent { applied },
        Some(dashboard) => {
            let text = dashboard.dashboard_body.unwrap_or_default();
            // What is no JSON is shown as it stands.
            let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
            Reading::Present(Live {
                properties: json!({ "name": document.name, "body": body }),
                applied,
                note: None,
            })
        }
    })
}

pub(in crate::cloud::aws) async fn put(
    aws: &Inner,
    _: &Sight,
    document: &Document,
) -> Result<(), CloudError> {
    let body = canonical(&document.properties["body"]);
    let answer = aws
        .caller
        .make(Operation::PutDashboard, &document.name, || {
            aws.alarms
                .put_dashboard()
                .dashboard_name(&document.name)
                .dashboard_body(&body)
                .send()
        })
        .await?;
    // Taken with reservations: a widget would not show.
    match answer.dashboard_validation_messages().first() {
        None => Ok(()),
        Some(message) => Err(CloudError::Unavailable {
            operation: "cloudwatch:PutDashboard",
            resource: document.address.clone(),
            message: message.message().unwrap_or_default().to_owned(),
        }),
    }
}

pub(in crate::cloud::aws) async fn delete(aws: &Inner, name: &str) -> Result<(), CloudError> {
    let answer = aws
        .caller
        .make(Operation::DeleteDashboards, name, || {
            aws.alarms.delete_dashboards().dashboard_names(name).send()
        })
        .await;
    gone(answer)
}
