//! The clock of AWS: the `Date` of an answer.

use aws_smithy_types::DateTime;
use jiff::Timestamp;

use crate::cloud::aws::connect::Inner;
pub(super) use crate::cloud::aws::dates::time;
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;

/// A time for the SDK, in whole seconds.
pub(super) fn date_time(time: Timestamp) -> DateTime {
    DateTime::from_secs(time.as_second())
}

/// What time it is in AWS, to the second. The service that tells who one is needs no right at all.
pub(super) async fn now(aws: &Inner) -> Result<Timestamp, CloudError> {
    aws.caller
        .make(Operation::GetCallerIdentity, "the clock", || {
            aws.identity.get_caller_identity().send()
        })
        .await?;
    aws.dates.last().ok_or_else(|| CloudError::Unreadable {
        resource: "the clock of AWS".to_owned(),
        message: "the answer has no date".to_owned(),
    })
}
