//! AWS as the canary uses it: a metric and an alarm of its own, and nothing else.

use aws_sdk_cloudwatch::types::{
    ComparisonOperator, Dimension, MetricDatum, StandardUnit, Statistic,
};

use super::connect::{Aws, Inner};
use super::look::alarm;
use super::observe;
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;
use crate::doctor::canary::{Canary, CanaryAlarm, PERIOD_SECONDS};
use crate::doctor::observation::{AlarmAction, AlarmState};

impl Canary for Aws {
    fn publish(&self, alarm: &CanaryAlarm, value: u32) -> Result<(), CloudError> {
        self.runtime.block_on(publish(&self.inner, alarm, value))
    }

    fn create(&self, alarm: &CanaryAlarm) -> Result<(), CloudError> {
        self.runtime.block_on(create(&self.inner, alarm))
    }

    fn state(&self, name: &str) -> Result<Option<AlarmState>, CloudError> {
        self.runtime.block_on(observe::state(&self.inner, name))
    }

    fn actions(&self, name: &str) -> Result<Vec<AlarmAction>, CloudError> {
        let read = observe::actions(&self.inner, name, None);
        self.runtime.block_on(read)
    }

    fn alarms(&self, prefix: &str) -> Result<Vec<String>, CloudError> {
        self.runtime.block_on(alarm::names(&self.inner, prefix))
    }

    fn delete(&self, name: &str) -> Result<(), CloudError> {
        self.runtime.block_on(alarm::delete(&self.inner, name))
    }
}

fn dimensions(alarm: &CanaryAlarm) -> Vec<Dimension> {
    alarm
        .dimensions
        .iter()
        .map(|(name, value)| Dimension::builder().name(*name).value(value).build())
        .collect()
}

/// Without a time: a point belongs to when CloudWatch takes it, whatever this machine's clock says.
async fn publish(aws: &Inner, alarm: &CanaryAlarm, value: u32) -> Result<(), CloudError> {
    let point = MetricDatum::builder()
        .metric_name(alarm.metric)
        .set_dimensions(Some(dimensions(alarm)))
        .unit(StandardUnit::Count)
        .value(f64::from(value))
        .build();
    aws.caller
        .make(Operation::PutMetricData, alarm.metric, || {
            aws.alarms
                .put_metric_data()
                .namespace(&alarm.namespace)
                .metric_data(point.clone())
                .send()
        })
        .await?;
    Ok(())
}

async fn create(aws: &Inner, alarm: &CanaryAlarm) -> Result<(), CloudError> {
    let period = i32::try_from(PERIOD_SECONDS).unwrap_or(i32::MAX);
    let actions = alarm.topic.clone().map(|topic| vec![topic]);
    aws.caller
        .make(Operation::PutMetricAlarm, &alarm.name, || {
            aws.alarms
                .put_metric_alarm()
                .alarm_name(&alarm.name)
                .alarm_description(&alarm.description)
                .namespace(&alarm.namespace)
                .metric_name(alarm.metric)
                .set_dimensions(Some(dimensions(alarm)))
                .statistic(Statistic::Maximum)
                .period(period)
                .evaluation_periods(1)
                .datapoints_to_alarm(1)
                .threshold(0.0)
                .comparison_operator(ComparisonOperator::GreaterThanThreshold)
                .treat_missing_data("notBreaching")
                .actions_enabled(true)
                .set_alarm_actions(actions.clone())
                .set_ok_actions(actions.clone())
                .send()
        })
        .await?;
    Ok(())
}
