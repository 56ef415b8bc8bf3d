//! Metrics of CloudWatch.

use std::time::Duration;

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric as Named, MetricDataQuery, MetricDatum, MetricStat, ScanBy, StandardUnit,
    StatusCode,
};
use pgvigil::compile::resources::{Metric, Unit};
use pgvigil::monitor::port::{CallError, CallErrorKind, Datum, Metrics};

use crate::aws::Services;
use crate::failure::answer;

/// A minute: what the service keeps of figures that are older than three hours.
const PERIOD: i32 = 60;

impl Metrics for Services {
    async fn put(
        &self,
        namespace: &str,
        data: &[Datum],
        within: Duration,
    ) -> Result<(), CallError> {
        let data = data.iter().map(|datum| {
            MetricDatum::builder()
                .metric_name(datum.metric.name)
                .set_dimensions(Some(dimensions(&datum.metric)))
                .timestamp(DateTime::from_millis(datum.time_ms))
                .value(datum.value)
                .unit(match datum.metric.unit() {
                    Unit::Count => StandardUnit::Count,
                    Unit::Seconds => StandardUnit::Seconds,
                })
                .build()
        });
        let call = self
            .metrics
            .put_metric_data()
            .namespace(namespace)
            .set_metric_data(Some(data.collect()));
        answer(within, call.send()).await.map(|_| ())
    }

    async fn read(
        &self,
        namespace: &str,
        metrics: &[Metric],
        from_ms: i64,
        until_ms: i64,
        within: Duration,
    ) -> Result<Vec<Vec<(i64, f64)>>, CallError> {
        let queries: Vec<MetricDataQuery> = metrics
            .iter()
            .zip(0..)
            .map(|(metric, number)| query(namespace, metric, number))
            .collect();
        let call = self
            .metrics
            .get_metric_data()
            .set_metric_data_queries(Some(queries))
            .start_time(DateTime::from_millis(from_ms))
            .end_time(DateTime::from_millis(until_ms))
            .scan_by(ScanBy::TimestampAscending);
        let mut found = vec![Vec::new(); metrics.len()];
        let mut token = None;
        loop {
            let page = answer(within, call.clone().set_next_token(token.clone()).send()).await?;
            for result in page.metric_data_results.unwrap_or_default() {
                let number = result
                    .id()
                    .and_then(|id| id.strip_prefix('m')?.parse().ok());
                let place: Option<&mut Vec<(i64, f64)>> =
                    number.and_then(|number: usize| found.get_mut(number));
                let is_whole = matches!(
                    result.status_code(),
                    None | Some(StatusCode::Complete | StatusCode::PartialData)
                );
                let (Some(place), true) = (place, is_whole) else {
                    return Err(refused(
                        "the service returned metrics that were not requested",
                    ));
                };
                for (time, value) in result.timestamps().iter().zip(result.values()) {
                    let time = time
                        .to_millis()
                        .map_err(|_| refused("a time is out of range"))?;
                    place.push((time, *value));
                }
            }
            if page.next_token.is_none() || page.next_token == token {
                return Ok(found);
            }
            token = page.next_token;
        }
    }
}

fn query(namespace: &str, metric: &Metric, number: usize) -> MetricDataQuery {
    MetricDataQuery::builder()
        .id(format!("m{number}"))
        .metric_stat(
            MetricStat::builder()
                .metric(
                    Named::builder()
                        .namespace(namespace)
                        .metric_name(metric.name)
                        .set_dimensions(Some(dimensions(metric)))
                        .build(),
                )
                .period(PERIOD)
                .stat("Maximum")
                .build(),
        )
        .build()
}

fn dimensions(metric: &Metric) -> Vec<Dimension> {
    let dimension = |(name, value): &(&'static str, String)| {
        Dimension::builder().name(*name).value(value).build()
    };
    metric.dimensions.iter().map(dimension).collect()
}

fn refused(message: &str) -> CallError {
    CallError {
        kind: CallErrorKind::Refused,
        message: message.to_owned(),
    }
}
