//! What is watched and what responders see: log groups, dashboard, saved query, schedule.

use serde_json::{Value, json};

use super::super::export::{ExportFault, Fields};
use super::super::resources::{Document, Kind, canonical};
use super::{Template, tags};

/// Settings of resources that belong to RDS: listed, but not part of the template.
pub(super) fn adopted(template: &mut Template, document: &Document) -> Result<(), ExportFault> {
    let mut fields = Fields::of(document)?;
    let (name, days) = (fields.text("name")?, fields.take("retention_days")?);
    let protection = fields.optional("deletion_protection");
    fields.finish()?;
    if let Some(protection) = protection {
        template.left_out.push(format!(
            "The deletion protection ({protection}) of {name}, for the same reason. Set it with `aws logs put-log-group-deletion-protection`."
        ));
    }
    template.left_out.push(format!(
        "The retention of {days} days of {name}: the group belongs to RDS, and a stack that sets it would own it. Set it with `aws logs put-retention-policy`."
    ));
    Ok(())
}

pub(super) fn log_group(template: &mut Template, document: &Document) -> Result<(), ExportFault> {
    let mut fields = Fields::of(document)?;
    let properties = json!({
        "LogGroupName": fields.take("name")?,
        "RetentionInDays": fields.take("retention_days")?,
        "Tags": tags(&fields.take("tags")?),
    });
    fields.finish()?;
    template.put(document, "AWS::Logs::LogGroup", properties)
}

pub(super) fn dashboard(template: &mut Template, document: &Document) -> Result<(), ExportFault> {
    let mut fields = Fields::of(document)?;
    let properties = json!({
        "DashboardName": fields.take("name")?,
        "DashboardBody": canonical(&fields.take("body")?),
    });
    fields.finish()?;
    template.put(document, "AWS::CloudWatch::Dashboard", properties)
}

pub(super) fn saved_query(template: &mut Template, document: &Document) -> Result<(), ExportFault> {
    let mut fields = Fields::of(document)?;
    // The default of the service.
    fields.must("language", &json!("CWLI"))?;
    let properties = json!({
        "Name": fields.take("name")?,
        "LogGroupNames": fields.take("log_groups")?,
        "QueryString": fields.take("query")?,
    });
    fields.finish()?;
    template.put(document, "AWS::Logs::QueryDefinition", properties)
}

/// The rule with its targets, which CloudFormation makes in one step: it waits for what any of them waits for.
pub(super) fn rule(template: &mut Template, document: &Document) -> Result<(), ExportFault> {
    let mut fields = Fields::of(document)?;
    let targets: Vec<Document> = template
        .known
        .values()
        .filter(|target| {
            target.kind == Kind::EventTarget && target.depends_on.contains(&document.address)
        })
        .cloned()
        .collect();
    let listed = targets
        .iter()
        .map(|target| target_of(template, document, target))
        .collect::<Result<Vec<Value>, _>>()?;
    let properties = json!({
        "Name": fields.take("name")?,
        "Description": fields.take("description")?,
        "EventBusName": fields.take("event_bus")?,
        "ScheduleExpression": fields.take("schedule")?,
        "State": fields.take("state")?,
        "Targets": listed,
    });
    fields.must("event_pattern", &Value::Null)?;
    fields.finish()?;
    let together: Vec<&Document> = std::iter::once(document).chain(&targets).collect();
    let (id, depends_on) = (template.id(document), template.depends_on(&together));
    template.put_as(document, id, "AWS::Events::Rule", properties, &depends_on)
}

fn target_of(
    template: &Template,
    rule: &Document,
    target: &Document,
) -> Result<Value, ExportFault> {
    let mut fields = Fields::of(target)?;
    let mut retries = fields.object("retries")?;
    fields.must("rule", &json!(rule.name))?;
    let function = fields.text("target")?;
    let value = json!({
        "Id": fields.take("id")?,
        "Arn": template.referred(target, &function, Kind::LambdaFunction, Some("Arn")),
        "RetryPolicy": {
            "MaximumRetryAttempts": retries.take("maximum_attempts")?,
            "MaximumEventAgeInSeconds": retries.take("maximum_event_age_seconds")?,
        },
    });
    fields.must("input", &Value::Null)?;
    fields.must("dead_letter", &Value::Null)?;
    retries.finish()?;
    fields.finish()?;
    Ok(value)
}

/// Refuses a target that no rule takes along.
pub(super) fn taken_along(template: &Template, target: &Document) -> Result<(), ExportFault> {
    let has_rule = target
        .depends_on
        .iter()
        .filter_map(|address| template.known.get(address))
        .any(|needed| needed.kind == Kind::EventRule);
    if has_rule {
        return Ok(());
    }
    Err(ExportFault::Missing {
        address: target.address.clone(),
        field: "rule".to_owned(),
    })
}
