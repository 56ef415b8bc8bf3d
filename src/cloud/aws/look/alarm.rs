//! Metric alarms of the environment.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_cloudwatch::types::MetricAlarm;

use crate::cloud::aws::call::gone;
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::names::prefix;
use crate::cloud::aws::sight::Sight;
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;

pub(in crate::cloud::aws) type Alarms = Arc<BTreeMap<String, MetricAlarm>>;

/// All metric alarms of the environment: one call for a hundred of them, where asking by name takes one for each.
pub(in crate::cloud::aws) async fn all(aws: &Inner, sight: &Sight) -> Result<Alarms, CloudError> {
    beginning(aws, sight, &prefix(aws)).await
}

/// Names of the metric alarms that begin so.
pub(in crate::cloud::aws) async fn names(
    aws: &Inner,
    prefix: &str,
) -> Result<Vec<String>, CloudError> {
    let alarms = beginning(aws, &Sight::default(), prefix).await?;
    Ok(alarms.keys().cloned().collect())
}

pub(in crate::cloud::aws) async fn beginning(
    aws: &Inner,
    sight: &Sight,
    prefix: &str,
) -> Result<Alarms, CloudError> {
    let ask = || async {
        let mut all = BTreeMap::new();
        let mut token = None;
        loop {
            let page = aws
                .caller
                .make(Operation::DescribeAlarms, &format!("{prefix}*"), || {
                    aws.alarms
                        .describe_alarms()
                        .alarm_name_prefix(prefix)
                        .alarm_types(aws_sdk_cloudwatch::types::AlarmType::MetricAlarm)
                        .max_records(100)
                        .set_next_token(token.clone())
                        .send()
                })
                .await?;
            for alarm in page.metric_alarms.unwrap_or_default() {
                all.insert(alarm.alarm_name.clone().unwrap_or_default(), alarm);
            }
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(Arc::new(all));
            }
        }
    };
    sight.alarms.get(prefix, ask).await
}

pub(in crate::cloud::aws) async fn delete(aws: &Inner, name: &str) -> Result<(), CloudError> {
    let answer = aws
        .caller
        .make(Operation::DeleteAlarms, name, || {
            aws.alarms.delete_alarms().alarm_names(name).send()
        })
        .await;
    gone(answer)
}
