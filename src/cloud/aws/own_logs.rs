//! AWS as a proof uses it: log groups of its own, and nothing else.

use std::collections::BTreeMap;

use aws_sdk_cloudwatchlogs::types::InputLogEvent;

use super::call::{found, gone};
use super::connect::{Aws, Inner};
use super::logs::Logs;
use super::look::log_group;
use super::sight::Sight;
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;
use crate::insights::service::ServiceError;
use crate::prove::port::{Entry, Group, OwnLogs, Stored};

/// Days after which entries are deleted, whatever happens to the proof: more than the oldest is late.
const RETENTION_DAYS: i32 = 3;

/// Entries of one call at most (CloudWatch Logs API, `PutLogEvents`).
const ENTRIES_AT_ONCE: usize = 10_000;

/// Bytes of one call at most, with [`BYTES_AROUND`] for each entry (the same page).
const BYTES_AT_ONCE: usize = 1_048_576;

/// What an entry costs beside its text (the same page).
const BYTES_AROUND: usize = 26;

impl Aws {
    /// Queries with the same credentials.
    ///
    /// # Errors
    /// The system has no room for a runtime.
    pub fn queries(&self) -> Result<Logs, ServiceError> {
        Logs::of(&self.inner.logs, &self.inner.location.region)
    }
}

impl OwnLogs for Aws {
    fn create(&self, group: &str, tags: &BTreeMap<String, String>) -> Result<(), CloudError> {
        self.runtime.block_on(create(&self.inner, group, tags))
    }

    fn write(&self, group: &str, stream: &str, entries: &[Entry]) -> Result<(), CloudError> {
        self.runtime
            .block_on(write(&self.inner, group, stream, entries))
    }

    fn read(&self, group: &str, stream: &str) -> Result<Vec<Stored>, CloudError> {
        self.runtime.block_on(read(&self.inner, group, stream))
    }

    fn groups(&self, prefix: &str) -> Result<Vec<Group>, CloudError> {
        self.runtime.block_on(groups(&self.inner, prefix))
    }

    fn delete(&self, group: &str) -> Result<(), CloudError> {
        self.runtime.block_on(async {
            let deleted = self
                .inner
                .caller
                .make(Operation::DeleteLogGroup, group, || {
                    self.inner
                        .logs
                        .delete_log_group()
                        .log_group_name(group)
                        .send()
                })
                .await;
            gone(deleted)
        })
    }
}

async fn create(
    aws: &Inner,
    group: &str,
    tags: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    let tags: std::collections::HashMap<_, _> = tags.clone().into_iter().collect();
    aws.caller
        .make(Operation::CreateLogGroup, group, || {
            aws.logs
                .create_log_group()
                .log_group_name(group)
                .set_tags(Some(tags.clone()))
                .send()
        })
        .await?;
    aws.caller
        .make(Operation::PutRetentionPolicy, group, || {
            aws.logs
                .put_retention_policy()
                .log_group_name(group)
                .retention_in_days(RETENTION_DAYS)
                .send()
        })
        .await?;
    Ok(())
}

async fn write(
    aws: &Inner,
    group: &str,
    stream: &str,
    entries: &[Entry],
) -> Result<(), CloudError> {
    aws.caller
        .make(Operation::CreateLogStream, group, || {
            aws.logs
                .create_log_stream()
                .log_group_name(group)
                .log_stream_name(stream)
                .send()
        })
        .await?;
    for batch in batches(entries) {
        let unreadable = |message: String| CloudError::Unreadable {
            resource: group.to_owned(),
            message,
        };
        let events = batch
            .iter()
            .map(|entry| {
                InputLogEvent::builder()
                    .timestamp(entry.at_ms)
                    .message(&entry.text)
                    .build()
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unreadable(error.to_string()))?;
        let answer = aws
            .caller
            .make(Operation::PutLogEvents, group, || {
                aws.logs
                    .put_log_events()
                    .log_group_name(group)
                    .log_stream_name(stream)
                    .set_log_events(Some(events.clone()))
                    .send()
            })
            .await?;
        if let Some(rejected) = answer.rejected_log_events_info {
            return Err(unreadable(format!(
                "the service does not accept all entries: too new from {:?} on, too old up to {:?}, expired up to {:?}",
                rejected.too_new_log_event_start_index,
                rejected.too_old_log_event_end_index,
                rejected.expired_log_event_end_index
            )));
        }
    }
    Ok(())
}

/// Entries in as few calls as take them all.
fn batches(entries: &[Entry]) -> Vec<&[Entry]> {
    let mut batches = Vec::new();
    let mut start = 0;
    let mut bytes = 0;
    for (index, entry) in entries.iter().enumerate() {
        let size = entry.text.len() + BYTES_AROUND;
        if index > start && (bytes + size > BYTES_AT_ONCE || index - start == ENTRIES_AT_ONCE) {
            batches.extend(entries.get(start..index));
            start = index;
            bytes = 0;
        }
        bytes += size;
    }
    batches.extend(entries.get(start..).filter(|rest| !rest.is_empty()));
    batches
}

async fn read(aws: &Inner, group: &str, stream: &str) -> Result<Vec<Stored>, CloudError> {
    let mut all = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let answer = aws
            .caller
            .make(Operation::GetLogEvents, group, || {
                aws.logs
                    .get_log_events()
                    .log_group_name(group)
                    .log_stream_name(stream)
                    .start_from_head(true)
                    .set_next_token(token.clone())
                    .send()
            })
            .await;
        let Some(page) = found(answer)? else {
            return Ok(all);
        };
        for event in page.events.unwrap_or_default() {
            all.push(Stored {
                stream: stream.to_owned(),
                at_ms: event.timestamp.unwrap_or_default(),
                arrived_ms: event.ingestion_time.unwrap_or_default(),
                text: event.message.unwrap_or_default(),
            });
        }
        // At the end of the stream the service returns the token that it was given (GetLogEvents). A page before that may be empty.
        if page.next_forward_token.is_none() || page.next_forward_token == token {
            return Ok(all);
        }
        token = page.next_forward_token;
    }
}

async fn groups(aws: &Inner, prefix: &str) -> Result<Vec<Group>, CloudError> {
    // What was seen before is not true any more.
    let sight = Sight::default();
    let found = log_group::beginning(aws, &sight, prefix).await?;
    let mut groups = Vec::new();
    for (name, group) in found.iter() {
        let tags = log_group::tags(aws, &sight, name).await?;
        groups.push(Group {
            name: name.clone(),
            tags: tags.map(|tags| (*tags).clone()).unwrap_or_default(),
            created_ms: group.creation_time,
        });
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_is_larger_than_the_service_takes() {
        let entry = |length: usize| Entry {
            at_ms: 0,
            text: "x".repeat(length),
        };
        let small: Vec<Entry> = (0..25_000).map(|_| entry(1)).collect();
        let sizes: Vec<usize> = batches(&small).iter().map(|batch| batch.len()).collect();
        assert_eq!(sizes, [10_000, 10_000, 5_000]);
        let large: Vec<Entry> = (0..5).map(|_| entry(400_000)).collect();
        let sizes: Vec<usize> = batches(&large).iter().map(|batch| batch.len()).collect();
        assert_eq!(sizes, [2, 2, 1]);
        assert!(batches(&[]).is_empty());
    }
}
