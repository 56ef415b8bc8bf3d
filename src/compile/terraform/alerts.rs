//! The way to people: key, alias, topic, subscriptions, alarms.

use serde_json::{Value, json};

use super::super::export::{ExportFault, Fields, label};
use super::super::resources::{Document, Kind};
use super::import::Id;
use super::literal::{self, literal};
use super::{Block, Module, block};

pub(super) fn key(module: &Module, document: &Document) -> Result<Vec<Block>, ExportFault> {
    let mut fields = Fields::of(document)?;
    let mut rotation = fields.object("rotation")?;
    // Who else may use the key cannot be said: that nobody may is what the document says.
    fields.must("grants", &json!([]))?;
    let arguments = json!({
        "description": literal(&fields.take("description")?),
        "is_enabled": fields.take("enabled")?,
        "customer_master_key_spec": fields.take("key_spec")?,
        "key_usage": fields.take("key_usage")?,
        "multi_region": fields.take("multi_region")?,
        "enable_key_rotation": rotation.take("enabled")?,
        "rotation_period_in_days": rotation.take("period_days")?,
        "policy": literal::document(&fields.take("policy")?),
        "tags": literal(&fields.take("tags")?),
    });
    rotation.finish()?;
    fields.finish()?;
    let id = Id::KeyOf(module.label(document));
    Ok(vec![block(document.kind, arguments, id)])
}

pub(super) fn alias(module: &mut Module, document: &Document) -> Result<Vec<Block>, ExportFault> {
    let mut fields = Fields::of(document)?;
    let name = literal(&json!(fields.text("name")?));
    let target = fields.take("target")?;
    fields.finish()?;
    let key = target
        .get("id_of")
        .and_then(Value::as_str)
        .and_then(|address| module.known.get(address))
        .filter(|key| key.kind == Kind::KmsKey)
        .ok_or_else(|| ExportFault::Inexpressible {
            address: document.address.clone(),
            field: "target".to_owned(),
            value: target.to_string(),
        })?;
    let arguments = json!({
        "name": name,
        "target_key_id": format!("${{aws_kms_key.{}.key_id}}", module.label(key)),
    });
    let source = json!({
        "for_each": super::import::IF_TAKEN_OVER,
        "name": name,
    });
    let label = module.label(document);
    module.data.insert(label, source);
    let id = Id::known(&document.name);
    Ok(vec![block(document.kind, arguments, id)])
}

pub(super) fn topic(module: &Module, document: &Document) -> Result<Vec<Block>, ExportFault> {
    let mut fields = Fields::of(document)?;
    let arguments = json!({
        "name": literal(&fields.take("name")?),
        "display_name": literal(&fields.take("display_name")?),
        "fifo_topic": fields.take("fifo")?,
        "kms_master_key_id": module.referred(document, &fields.text("kms_key")?, Kind::KmsAlias, "name"),
        // Here and not as a resource of its own: the topic is never without it.
        "policy": literal::document(&fields.take("policy")?),
        "signature_version": fields.take("signature_version")?,
        "tracing_config": fields.take("tracing")?,
        "tags": literal(&fields.take("tags")?),
    });
    fields.finish()?;
    let id = Id::known(&module.at.arn("sns", &document.name));
    Ok(vec![block(document.kind, arguments, id)])
}

pub(super) fn subscription(
    module: &mut Module,
    document: &Document,
) -> Result<Vec<Block>, ExportFault> {
    let mut fields = Fields::of(document)?;
    let endpoint = fields.take("endpoint")?;
    let endpoint = match &endpoint {
        Value::String(_) => literal(&endpoint),
        reference => json!(format!("${{var.{}}}", module.secret(document, reference)?)),
    };
    let mut arguments = json!({
        "topic_arn": module.referred(document, &fields.text("topic")?, Kind::SnsTopic, "arn"),
        "protocol": fields.take("protocol")?,
        "endpoint": endpoint,
        "raw_message_delivery": fields.take("raw_message_delivery")?,
        // How this provider waits when it subscribes; AWS knows nothing of it, so that an import has none.
        "lifecycle": { "ignore_changes": ["confirmation_timeout_in_minutes", "endpoint_auto_confirms"] },
    });
    let delivery = fields.take("delivery_policy")?;
    if let (Some(arguments), false) = (arguments.as_object_mut(), delivery.is_null()) {
        arguments.insert("delivery_policy".to_owned(), literal::document(&delivery));
    }
    let filter = fields.take("filter_policy")?;
    if let (Some(arguments), false) = (arguments.as_object_mut(), filter.is_null()) {
        arguments.insert("filter_policy".to_owned(), literal::document(&filter));
        let scope = fields.take("filter_policy_scope")?;
        arguments.insert("filter_policy_scope".to_owned(), scope);
    }
    fields.must("redrive_policy", &Value::Null)?;
    fields.finish()?;
    Ok(vec![block(document.kind, arguments, Id::Given)])
}

impl Module {
    /// The sensitive variable of a secret.
    fn secret(&mut self, document: &Document, reference: &Value) -> Result<String, ExportFault> {
        let named = |key: &str| reference.get(key).and_then(Value::as_str);
        let (variable, description) = match (named("from_env"), named("from_secret")) {
            (Some(name), None) => (
                format!("from_env_{}", label(name)),
                format!("The value that the policy takes from the environment variable {name}"),
            ),
            (None, Some(name)) => (
                format!("from_secret_{}", label(name)),
                format!("The value that the policy takes from the secret {name}"),
            ),
            _ => {
                return Err(ExportFault::Inexpressible {
                    address: document.address.clone(),
                    field: "endpoint".to_owned(),
                    value: reference.to_string(),
                });
            }
        };
        match self.secrets.insert(variable.clone(), description.clone()) {
            Some(other) if other != description => Err(ExportFault::SameLabel {
                address: document.address.clone(),
                label: variable,
            }),
            _ => Ok(variable),
        }
    }
}

impl Module {
    /// Actions of an alarm.
    fn actions(&self, document: &Document, items: &[Value]) -> Value {
        let item = |item: &Value| match item {
            Value::String(text) => self.referred(document, text, Kind::SnsTopic, "arn"),
            other => literal(other),
        };
        items.iter().map(item).collect()
    }
}

/// In the words of `awscc`, which are those of CloudFormation's `AWS::CloudWatch::LogAlarm`.
pub(super) fn log_alarm(module: &Module, document: &Document) -> Result<Vec<Block>, ExportFault> {
    let mut fields = Fields::of(document)?;
    let mut lines = fields.object("message_lines")?;
    let actions = |items: Vec<Value>| module.actions(document, &items);
    let group = |group: &Value| match group {
        Value::String(text) => module.referred(document, text, Kind::LogGroup, "name"),
        other => literal(other),
    };
    let groups: Value = fields.list("log_groups")?.iter().map(group).collect();
    let arguments = json!({
        "alarm_name": literal(&fields.take("name")?),
        "alarm_description": literal(&fields.take("description")?),
        "scheduled_query_configuration": {
            "query_string": literal(&fields.take("query")?),
            "log_group_identifiers": groups,
            "scheduled_query_role_arn": module.referred(document, &fields.text("role")?, Kind::IamRole, "arn"),
            "aggregation_expression": literal(&fields.take("aggregation")?),
            "schedule_configuration": {
                "schedule_expression": fields.take("schedule")?,
                "start_time_offset": fields.take("start_offset_seconds")?,
                "end_time_offset": fields.take("end_offset_seconds")?,
            },
        },
        "query_results_to_evaluate": fields.take("results_to_evaluate")?,
        "query_results_to_alarm": fields.take("results_to_alarm")?,
        "comparison_operator": fields.take("comparison")?,
        "threshold": fields.take("threshold")?,
        "treat_missing_data": fields.take("missing_data")?,
        "actions_enabled": fields.take("actions_enabled")?,
        "alarm_actions": actions(fields.list("alarm_actions")?),
        "ok_actions": actions(fields.list("ok_actions")?),
        "insufficient_data_actions": actions(fields.list("insufficient_data_actions")?),
        "action_log_line_count": lines.take("count")?,
    });
    lines.must("role", &Value::Null)?;
    lines.finish()?;
    fields.finish()?;
    let id = Id::known(&document.name);
    Ok(vec![block(document.kind, arguments, id)])
}

pub(super) fn alarm(module: &Module, document: &Document) -> Result<Vec<Block>, ExportFault> {
    let mut fields = Fields::of(document)?;
    let actions = |items: Vec<Value>| module.actions(document, &items);
    let mut arguments = json!({
        "alarm_name": literal(&fields.take("name")?),
        "alarm_description": literal(&fields.take("description")?),
        "namespace": literal(&fields.take("namespace")?),
        "metric_name": literal(&fields.take("metric")?),
        "dimensions": literal(&fields.take("dimensions")?),
        "period": fields.take("period_seconds")?,
        "statistic": fields.take("statistic")?,
        "evaluation_periods": fields.take("evaluation_periods")?,
        "datapoints_to_alarm": fields.take("datapoints_to_alarm")?,
        "comparison_operator": fields.take("comparison")?,
        "threshold": fields.take("threshold")?,
        "treat_missing_data": fields.take("missing_data")?,
        "actions_enabled": fields.take("actions_enabled")?,
        "alarm_actions": actions(fields.list("alarm_actions")?),
        "ok_actions": actions(fields.list("ok_actions")?),
        "insufficient_data_actions": actions(fields.list("insufficient_data_actions")?),
    });
    let unit = fields.take("unit")?;
    if let (Some(arguments), false) = (arguments.as_object_mut(), unit.is_null()) {
        arguments.insert("unit".to_owned(), unit);
    }
    fields.finish()?;
    let id = Id::known(&document.name);
    Ok(vec![block(document.kind, arguments, id)])
}
