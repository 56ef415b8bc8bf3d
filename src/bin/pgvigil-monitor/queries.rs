//! Queries in CloudWatch Logs Insights.

use std::time::Duration;

use aws_sdk_cloudwatchlogs::types::QueryStatus;
use pgvigil::insights::service::Request;
use pgvigil::monitor::port::{CallError, CallErrorKind, Page, Progress, Queries};

use crate::aws::Services;
use crate::failure::answer;

impl Queries for Services {
    async fn start(&self, request: &Request, within: Duration) -> Result<String, CallError> {
        let call = self
            .logs
            .start_query()
            .query_string(&request.text)
            .set_log_group_names(Some(request.log_groups.clone()))
            .start_time(request.from)
            .end_time(request.until)
            .limit(i32::try_from(request.limit).unwrap_or(i32::MAX));
        answer(within, call.send())
            .await?
            .query_id
            .ok_or_else(|| CallError {
                kind: CallErrorKind::Refused,
                message: "the service did not return a query id".to_owned(),
            })
    }

    async fn page(
        &self,
        id: &str,
        next: Option<&str>,
        most: u32,
        within: Duration,
    ) -> Result<Page, CallError> {
        let call = self
            .logs
            .get_query_results()
            .query_id(id)
            .max_items(i32::try_from(most).unwrap_or(i32::MAX))
            .set_next_token(next.map(str::to_owned));
        let page = answer(within, call.send()).await?;
        let progress = match page.status() {
            Some(QueryStatus::Complete) => Progress::Complete,
            // `Unknown` is no end: the service may know later.
            None
            | Some(QueryStatus::Scheduled | QueryStatus::Running | QueryStatus::UnknownValue) => {
                Progress::Runs
            }
            Some(state) => Progress::Ended(state.as_str().to_owned()),
        };
        let rows = page.results.unwrap_or_default().into_iter().map(|row| {
            row.into_iter()
                .filter_map(|field| Some((field.field?, field.value?)))
                .collect()
        });
        Ok(Page {
            progress,
            rows: rows.collect(),
            next: page.next_token,
        })
    }

    async fn stop(&self, id: &str, within: Duration) -> Result<(), CallError> {
        let call = self.logs.stop_query().query_id(id);
        answer(within, call.send()).await.map(|_| ())
    }
}
