//! The way to people: key, alias, topic, subscriptions, alarms.

use serde_json::{Value, json};

use super::super::export::{ExportFault, Fields, pascal};
use super::super::resources::{Document, Kind};
use super::{Template, pairs, tags, unless_null};

pub(super) fn key(template: &mut Template, document: &Document) -> Result<(), ExportFault> {
    let mut fields = Fields::of(document)?;
    let mut rotation = fields.object("rotation")?;
    // Who else may use the key cannot be said: that nobody may is what the document says.
    fields.must("grants", &json!([]))?;
    let properties = json!({
        "Description": fields.take("description")?,
        "Enabled": fields.take("enabled")?,
        "KeySpec": fields.take("key_spec")?,
        "KeyUsage": fields.take("key_usage")?,
        "MultiRegion": fields.take("multi_region")?,
        "EnableKeyRotation": rotation.take("enabled")?,
        "RotationPeriodInDays": rotation.take("period_days")?,
        "KeyPolicy": fields.take("policy")?,
        "Tags": tags(&fields.take("tags")?),
    });
    rotation.finish()?;
    fields.finish()?;
    template.put(document, "AWS::KMS::Key", properties)
}

pub(super) fn alias(template: &mut Template, document: &Document) -> Result<(), ExportFault> {
    let mut fields = Fields::of(document)?;
    let name = fields.take("name")?;
    let target = fields.take("target")?;
    fields.finish()?;
    let key = target
        .get("id_of")
        .and_then(Value::as_str)
        .and_then(|address| template.known.get(address))
        .filter(|key| key.kind == Kind::KmsKey)
        .ok_or_else(|| ExportFault::Inexpressible {
            address: document.address.clone(),
            field: "target".to_owned(),
            value: target.to_string(),
        })?;
    let properties = json!({ "AliasName": name, "TargetKeyId": { "Ref": template.id(key) } });
    template.put(document, "AWS::KMS::Alias", properties)
}

pub(super) fn topic(template: &mut Template, document: &Document) -> Result<(), ExportFault> {
    let mut fields = Fields::of(document)?;
    let key = fields.text("kms_key")?;
    let mut properties = json!({
        "TopicName": fields.take("name")?,
        "KmsMasterKeyId": template.referred(document, &key, Kind::KmsAlias, None),
        "SignatureVersion": fields.take("signature_version")?.to_string(),
        "TracingConfig": fields.take("tracing")?,
        "Tags": tags(&fields.take("tags")?),
    });
    // An empty name is no name.
    match fields.text("display_name")? {
        name if name.is_empty() => {}
        name => unless_null(&mut properties, "DisplayName", json!(name)),
    }
    // SNS refuses the attribute of a standard topic, even when it is false.
    fields.must("fifo", &json!(false))?;
    let policy = fields.take("policy")?;
    fields.finish()?;
    template.put(document, "AWS::SNS::Topic", properties)?;
    let id = template.id(document);
    template.put_as(
        document,
        format!("{id}Policy"),
        "AWS::SNS::TopicPolicy",
        json!({ "Topics": [{ "Ref": id }], "PolicyDocument": policy }),
        &[],
    )
}

pub(super) fn subscription(
    template: &mut Template,
    document: &Document,
) -> Result<(), ExportFault> {
    let mut fields = Fields::of(document)?;
    let endpoint = match fields.take("endpoint")? {
        Value::String(text) => json!(text),
        reference => json!({ "Ref": template.secret(document, &reference)? }),
    };
    let topic = fields.text("topic")?;
    let mut properties = json!({
        "TopicArn": template.referred(document, &topic, Kind::SnsTopic, None),
        "Protocol": fields.take("protocol")?,
        "Endpoint": endpoint,
        "RawMessageDelivery": fields.take("raw_message_delivery")?,
    });
    let delivery = fields.take("delivery_policy")?;
    unless_null(&mut properties, "DeliveryPolicy", delivery);
    let filter = fields.take("filter_policy")?;
    if !filter.is_null() {
        unless_null(&mut properties, "FilterPolicy", filter);
        let scope = fields.take("filter_policy_scope")?;
        unless_null(&mut properties, "FilterPolicyScope", scope);
    }
    fields.must("redrive_policy", &Value::Null)?;
    fields.finish()?;
    // Without the policy of the topic anybody might subscribe in between.
    let mut depends_on = template.depends_on(&[document]);
    depends_on.extend(
        depends_on
            .iter()
            .map(|topic| format!("{topic}Policy"))
            .collect::<Vec<_>>(),
    );
    let id = template.id(document);
    template.put_as(
        document,
        id,
        "AWS::SNS::Subscription",
        properties,
        &depends_on,
    )
}

impl Template {
    /// The parameter of a secret.
    fn secret(&mut self, document: &Document, reference: &Value) -> Result<String, ExportFault> {
        let named = |key: &str| reference.get(key).and_then(Value::as_str);
        let (start, name, what) = match (named("from_env"), named("from_secret")) {
            (Some(name), None) => ("FromEnv", name, "the environment variable"),
            (None, Some(name)) => ("FromSecret", name, "the secret"),
            _ => {
                return Err(ExportFault::Inexpressible {
                    address: document.address.clone(),
                    field: "endpoint".to_owned(),
                    value: reference.to_string(),
                });
            }
        };
        let parameter = format!("{start}{}", pascal(name));
        let description = format!("The value that the policy takes from {what} {name}");
        match self.secrets.insert(parameter.clone(), description.clone()) {
            // `A_B` and `AB` would be one parameter: two secrets are not.
            Some(other) if other != description => Err(ExportFault::SameLabel {
                address: document.address.clone(),
                label: parameter,
            }),
            _ => Ok(parameter),
        }
    }
}

impl Template {
    /// Actions of an alarm.
    fn actions(&self, document: &Document, items: Vec<Value>) -> Value {
        let item = |item: Value| match &item {
            Value::String(text) => self.referred(document, text, Kind::SnsTopic, None),
            _ => item,
        };
        items.into_iter().map(item).collect()
    }
}

pub(super) fn log_alarm(template: &mut Template, document: &Document) -> Result<(), ExportFault> {
    let mut fields = Fields::of(document)?;
    let mut lines = fields.object("message_lines")?;
    let role = fields.text("role")?;
    let actions = |items: Vec<Value>| template.actions(document, items);
    let properties = json!({
        "AlarmName": fields.take("name")?,
        "AlarmDescription": fields.take("description")?,
        "ScheduledQueryConfiguration": {
            "QueryString": fields.take("query")?,
            "LogGroupIdentifiers": fields.take("log_groups")?,
            "ScheduledQueryRoleARN": template.referred(document, &role, Kind::IamRole, Some("Arn")),
            "AggregationExpression": fields.take("aggregation")?,
            "ScheduleConfiguration": {
                "ScheduleExpression": fields.take("schedule")?,
                "StartTimeOffset": fields.take("start_offset_seconds")?,
                "EndTimeOffset": fields.take("end_offset_seconds")?,
            },
        },
        "QueryResultsToEvaluate": fields.take("results_to_evaluate")?,
        "QueryResultsToAlarm": fields.take("results_to_alarm")?,
        "ComparisonOperator": fields.take("comparison")?,
        "Threshold": fields.take("threshold")?,
        "TreatMissingData": fields.take("missing_data")?,
        "ActionsEnabled": fields.take("actions_enabled")?,
        "AlarmActions": actions(fields.list("alarm_actions")?),
        "OKActions": actions(fields.list("ok_actions")?),
        "InsufficientDataActions": actions(fields.list("insufficient_data_actions")?),
        "ActionLogLineCount": lines.take("count")?,
    });
    lines.must("role", &Value::Null)?;
    lines.finish()?;
    fields.finish()?;
    template.put(document, "AWS::CloudWatch::LogAlarm", properties)
}

pub(super) fn alarm(template: &mut Template, document: &Document) -> Result<(), ExportFault> {
    let mut fields = Fields::of(document)?;
    let actions = |items: Vec<Value>| template.actions(document, items);
    let mut properties = json!({
        "AlarmName": fields.take("name")?,
        "AlarmDescription": fields.take("description")?,
        "Namespace": fields.take("namespace")?,
        "MetricName": fields.take("metric")?,
        "Dimensions": pairs(&fields.take("dimensions")?, "Name"),
        "Period": fields.take("period_seconds")?,
        "Statistic": fields.take("statistic")?,
        "EvaluationPeriods": fields.take("evaluation_periods")?,
        "DatapointsToAlarm": fields.take("datapoints_to_alarm")?,
        "ComparisonOperator": fields.take("comparison")?,
        "Threshold": fields.take("threshold")?,
        "TreatMissingData": fields.take("missing_data")?,
        "ActionsEnabled": fields.take("actions_enabled")?,
        "AlarmActions": actions(fields.list("alarm_actions")?),
        "OKActions": actions(fields.list("ok_actions")?),
        "InsufficientDataActions": actions(fields.list("insufficient_data_actions")?),
    });
    let unit = fields.take("unit")?;
    unless_null(&mut properties, "Unit", unit);
    fields.finish()?;
    template.put(document, "AWS::CloudWatch::Alarm", properties)
}
