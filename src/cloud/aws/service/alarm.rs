//! CloudWatch alarms.

use aws_sdk_cloudwatch::types::{
    ComparisonOperator, Dimension, MetricAlarm, StandardUnit, Statistic,
};
use serde_json::{Map, Value, json};

use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::look::alarm::all;
pub(in crate::cloud::aws) use crate::cloud::aws::look::alarm::delete;
use crate::cloud::aws::note;
use crate::cloud::aws::sight::Sight;
use crate::cloud::aws::value::texts;
use crate::deploy::document::Document;
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Live, Reading};

pub(in crate::cloud::aws) async fn read(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Reading, CloudError> {
    let applied = note::read(aws, sight, document).await?.applied;
    Ok(match all(aws, sight).await?.get(&document.name) {
        None => Reading::Absent { applied },
        Some(alarm) => Reading::Present(Live {
            properties: properties(alarm),
            applied,
            note: None,
        }),
    })
}

/// An alarm in the form of its document.
pub(in crate::cloud::aws) fn properties(alarm: &MetricAlarm) -> Value {
    let dimensions: Map<String, Value> = alarm
        .dimensions()
        .iter()
        .map(|dimension| {
            (
                dimension.name().unwrap_or_default().to_owned(),
                json!(dimension.value()),
            )
        })
        .collect();
    let statistic = match (alarm.statistic(), alarm.extended_statistic()) {
        (Some(statistic), _) => Some(statistic.as_str()),
        (None, extended) => extended,
    };
    let mut properties = json!({
        "name": alarm.alarm_name(),
        "description": alarm.alarm_description().unwrap_or_default(),
        "namespace": alarm.namespace(),
        "metric": alarm.metric_name(),
        "dimensions": dimensions,
        "period_seconds": alarm.period(),
        "unit": alarm.unit().map(StandardUnit::as_str),
        "actions_enabled": alarm.actions_enabled().unwrap_or(true),
        "alarm_actions": alarm.alarm_actions(),
        "ok_actions": alarm.ok_actions(),
        "insufficient_data_actions": alarm.insufficient_data_actions(),
        "statistic": statistic,
        "evaluation_periods": alarm.evaluation_periods(),
        // Unless it is said, every period counts.
        "datapoints_to_alarm": alarm.datapoints_to_alarm().or(alarm.evaluation_periods()),
        "comparison": alarm.comparison_operator().map(ComparisonOperator::as_str),
        "threshold": alarm.threshold(),
        "missing_data": alarm.treat_missing_data().unwrap_or("missing"),
    });
    // A document has none of these: whoever set one made another alarm of it.
    if !alarm.metrics().is_empty() {
        let metrics: Vec<String> = alarm
            .metrics()
            .iter()
            .map(|metric| format!("{metric:?}"))
            .collect();
        properties["metrics"] = json!(metrics);
    }
    if let Some(metric) = alarm.threshold_metric_id() {
        properties["threshold_metric"] = json!(metric);
    }
    properties
}

pub(in crate::cloud::aws) async fn put(
    aws: &Inner,
    _: &Sight,
    document: &Document,
) -> Result<(), CloudError> {
    let wanted = &document.properties;
    let text = |key: &str| wanted[key].as_str().map(str::to_owned);
    let number = |key: &str| {
        wanted[key]
            .as_i64()
            .and_then(|number| i32::try_from(number).ok())
    };
    let dimensions = wanted["dimensions"].as_object().map(|map| {
        map.iter()
            .map(|(name, value)| {
                Dimension::builder()
                    .name(name)
                    .value(value.as_str().unwrap_or_default())
                    .build()
            })
            .collect::<Vec<_>>()
    });
    aws.caller
        .make(Operation::PutMetricAlarm, &document.name, || {
            aws.alarms
                .put_metric_alarm()
                .alarm_name(&document.name)
                .set_alarm_description(text("description"))
                .set_namespace(text("namespace"))
                .set_metric_name(text("metric"))
                .set_dimensions(dimensions.clone())
                .set_period(number("period_seconds"))
                .set_unit(text("unit").map(|unit| StandardUnit::from(unit.as_str())))
                .set_actions_enabled(wanted["actions_enabled"].as_bool())
                .set_alarm_actions(Some(texts(&wanted["alarm_actions"])))
                .set_ok_actions(Some(texts(&wanted["ok_actions"])))
                .set_insufficient_data_actions(Some(texts(&wanted["insufficient_data_actions"])))
                .set_statistic(text("statistic").map(|name| Statistic::from(name.as_str())))
                .set_evaluation_periods(number("evaluation_periods"))
                .set_datapoints_to_alarm(number("datapoints_to_alarm"))
                .set_comparison_operator(
                    text("comparison").map(|name| ComparisonOperator::from(name.as_str())),
                )
                .set_threshold(wanted["threshold"].as_f64())
                .set_treat_missing_data(text("missing_data"))
                .send()
        })
        .await?;
    Ok(())
}
