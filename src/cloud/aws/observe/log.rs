//! Log groups: how long they keep, and when they were last written.

use aws_sdk_cloudwatchlogs::types::OrderBy;
use jiff::Timestamp;

use crate::cloud::aws::call::found;
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::look::log_group;
use crate::cloud::aws::sight::Sight;
use crate::deploy::permission::Operation;
use crate::doctor::observation::{Answer, LogGroup};

pub(super) async fn read(aws: &Inner, name: &str) -> Answer<LogGroup> {
    let groups = log_group::beginning(aws, &Sight::default(), name).await?;
    let Some(group) = groups.get(name) else {
        return Ok(None);
    };
    Ok(Some(LogGroup {
        retention_days: group
            .retention_in_days()
            .and_then(|days| u32::try_from(days).ok()),
        last_event: last_event(aws, name).await?,
        stored_bytes: group
            .stored_bytes()
            .and_then(|bytes| u64::try_from(bytes).ok())
            .unwrap_or_default(),
        is_protected: group.deletion_protection_enabled().unwrap_or_default(),
    }))
}

/// Time of the newest entry of the stream that was written last.
async fn last_event(aws: &Inner, name: &str) -> Answer<Timestamp> {
    let answer = aws
        .caller
        .make(Operation::DescribeLogStreams, name, || {
            aws.logs
                .describe_log_streams()
                .log_group_name(name)
                .order_by(OrderBy::LastEventTime)
                .descending(true)
                .limit(1)
                .send()
        })
        .await;
    let stream = found(answer)?.and_then(|page| page.log_streams?.into_iter().next());
    Ok(stream
        .and_then(|stream| stream.last_event_timestamp())
        .and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok()))
}
