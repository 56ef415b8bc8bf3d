//! Data points of metrics.

use aws_sdk_cloudwatch::types::{
    Dimension, Metric as AwsMetric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy,
    StatusCode,
};
use jiff::{SignedDuration, Timestamp};

use super::clock::{date_time, time};
use crate::cloud::aws::connect::Inner;
use crate::compile::resources::Metric;
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;
use crate::doctor::observation::Answer;
use crate::doctor::port::Since;

/// Seconds of the period in which sums are made. CloudWatch keeps it for 63 days (`GetMetricData`).
const SUM_PERIOD: i32 = 300;

/// Seconds of the period in which a point is looked for. CloudWatch keeps it for 15 days.
const POINT_PERIOD: i32 = 60;

/// The metric with its statistic, as a question of its own.
fn question(
    id: &str,
    namespace: &str,
    name: &str,
    dimensions: &[(&str, &str)],
    statistic: &str,
    period: i32,
) -> MetricDataQuery {
    let dimensions = dimensions
        .iter()
        .map(|(name, value)| Dimension::builder().name(*name).value(*value).build());
    let metric = AwsMetric::builder()
        .namespace(namespace)
        .metric_name(name)
        .set_dimensions(Some(dimensions.collect()))
        .build();
    let statistic = MetricStat::builder()
        .metric(metric)
        .period(period)
        .stat(statistic)
        .build();
    MetricDataQuery::builder()
        .id(id)
        .metric_stat(statistic)
        .build()
}

/// Every page of the answer. `what` is what it is about, for messages.
async fn ask(
    aws: &Inner,
    what: &str,
    questions: &[MetricDataQuery],
    within: Since,
) -> Result<Vec<MetricDataResult>, CloudError> {
    let mut all = Vec::new();
    let mut token = None;
    loop {
        let page = aws
            .caller
            .make(Operation::GetMetricData, what, || {
                aws.alarms
                    .get_metric_data()
                    .set_metric_data_queries(Some(questions.to_vec()))
                    .start_time(date_time(within.from))
                    // The end does not belong to it.
                    .end_time(date_time(
                        within
                            .until
                            .checked_add(SignedDuration::from_secs(1))
                            .unwrap_or(within.until),
                    ))
                    .scan_by(ScanBy::TimestampDescending)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
        for result in page.metric_data_results.unwrap_or_default() {
            match result.status_code() {
                // `PartialData` goes on with the next page.
                Some(StatusCode::Complete | StatusCode::PartialData) | None => all.push(result),
                Some(status) => {
                    return Err(CloudError::Unreadable {
                        resource: what.to_owned(),
                        message: format!("CloudWatch answers `{}`", status.as_str()),
                    });
                }
            }
        }
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all);
        }
    }
}

/// Sums of metrics that have the same dimension.
pub(super) async fn sums<const N: usize>(
    aws: &Inner,
    namespace: &str,
    names: [&str; N],
    dimension: (&str, &str),
    within: Since,
) -> Result<[u64; N], CloudError> {
    let questions: Vec<MetricDataQuery> = names
        .iter()
        .map(|name| {
            let id = name.to_ascii_lowercase();
            question(&id, namespace, name, &[dimension], "Sum", SUM_PERIOD)
        })
        .collect();
    let results = ask(aws, dimension.1, &questions, within).await?;
    Ok(names.map(|name| {
        let id = name.to_ascii_lowercase();
        results
            .iter()
            .filter(|result| result.id() == Some(&id))
            .flat_map(MetricDataResult::values)
            .map(|value| whole(*value))
            .sum()
    }))
}

/// A count, which the service tells as a number with a fraction.
fn whole(count: f64) -> u64 {
    count.max(0.0).round() as u64
}

/// Beginning of the newest period that has a point.
pub(super) async fn last(
    aws: &Inner,
    namespace: &str,
    metric: &Metric,
    within: Since,
) -> Answer<Timestamp> {
    let dimensions: Vec<(&str, &str)> = metric
        .dimensions
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let question = question(
        "last",
        namespace,
        metric.name,
        &dimensions,
        "SampleCount",
        POINT_PERIOD,
    );
    let results = ask(aws, metric.name, &[question], within).await?;
    Ok(results
        .iter()
        .flat_map(|result| result.timestamps())
        .filter_map(time)
        .max())
}
