//! What is watched and what responders see: log groups, dashboard, saved query, schedule.

use serde_json::{Value, json};

use super::super::export::{ExportFault, Fields};
use super::super::resources::{Document, Kind};
use super::import::Id;
use super::literal::{self, literal};
use super::{Block, Module, block};

pub(super) fn log_group(document: &Document) -> Result<Vec<Block>, ExportFault> {
    let mut fields = Fields::of(document)?;
    let mut arguments = json!({
        "name": literal(&fields.take("name")?),
        "retention_in_days": fields.take("retention_days")?,
        // Where the block is gone, so is its `prevent_destroy`: the group is let go of, and stays.
        "skip_destroy": true,
    });
    if let (Some(arguments), Some(tags)) = (arguments.as_object_mut(), fields.optional("tags")) {
        arguments.insert("tags".to_owned(), literal(&tags));
    }
    // The provider knows it from 6.25 on (`hashicorp/aws`, pull request 45298), and the module asks for one before 6.
    if let (Some(arguments), Some(protection)) = (
        arguments.as_object_mut(),
        fields.optional("deletion_protection"),
    ) {
        let left_out = format!(
            "Left out: its deletion protection ({protection}), which this version of the provider does not support. \
             Set it with `aws logs put-log-group-deletion-protection`"
        );
        arguments.insert("//".to_owned(), json!(left_out));
    }
    fields.finish()?;
    let id = Id::known(&document.name);
    Ok(vec![block(document.kind, arguments, id)])
}

pub(super) fn dashboard(document: &Document) -> Result<Vec<Block>, ExportFault> {
    let mut fields = Fields::of(document)?;
    let arguments = json!({
        "dashboard_name": literal(&fields.take("name")?),
        "dashboard_body": literal::document(&fields.take("body")?),
    });
    fields.finish()?;
    let id = Id::known(&document.name);
    Ok(vec![block(document.kind, arguments, id)])
}

pub(super) fn saved_query(module: &Module, document: &Document) -> Result<Vec<Block>, ExportFault> {
    let mut fields = Fields::of(document)?;
    // The provider knows no other language.
    fields.must("language", &json!("CWLI"))?;
    let group = |group: &Value| match group {
        Value::String(text) => module.referred(document, text, Kind::LogGroup, "name"),
        other => literal(other),
    };
    let groups: Value = fields.list("log_groups")?.iter().map(group).collect();
    let arguments = json!({
        "name": literal(&fields.take("name")?),
        "log_group_names": groups,
        "query_string": literal(&fields.take("query")?),
    });
    fields.finish()?;
    Ok(vec![block(document.kind, arguments, Id::Given)])
}

pub(super) fn rule(document: &Document) -> Result<Vec<Block>, ExportFault> {
    let mut fields = Fields::of(document)?;
    let bus = fields.text("event_bus")?;
    let arguments = json!({
        "name": literal(&fields.take("name")?),
        "description": literal(&fields.take("description")?),
        "event_bus_name": literal(&json!(bus)),
        "schedule_expression": fields.take("schedule")?,
        "state": fields.take("state")?,
    });
    fields.must("event_pattern", &Value::Null)?;
    fields.finish()?;
    let id = Id::known(&format!("{bus}/{}", document.name));
    Ok(vec![block(document.kind, arguments, id)])
}

pub(super) fn target(module: &Module, document: &Document) -> Result<Vec<Block>, ExportFault> {
    let mut fields = Fields::of(document)?;
    let mut retries = fields.object("retries")?;
    let (rule, id) = (fields.text("rule")?, fields.text("id")?);
    let arguments = json!({
        "rule": module.referred(document, &rule, Kind::EventRule, "name"),
        "target_id": literal(&json!(id)),
        "arn": module.referred(document, &fields.text("target")?, Kind::LambdaFunction, "arn"),
        "retry_policy": {
            "maximum_retry_attempts": retries.take("maximum_attempts")?,
            "maximum_event_age_in_seconds": retries.take("maximum_event_age_seconds")?,
        },
    });
    fields.must("input", &Value::Null)?;
    fields.must("dead_letter", &Value::Null)?;
    retries.finish()?;
    fields.finish()?;
    let id = Id::known(&format!("{rule}/{id}"));
    Ok(vec![block(document.kind, arguments, id)])
}
