//! The bus that gets the monitor's events.

use crate::cloud::aws::call::found;
use crate::cloud::aws::connect::Inner;
use crate::deploy::permission::Operation;
use crate::doctor::observation::Answer;

/// Whether the bus is there. One of another account answers only where its policy allows that, and is refused otherwise.
pub(super) async fn read(aws: &Inner, arn: &str) -> Answer<()> {
    let answer = aws
        .caller
        .make(Operation::DescribeEventBus, arn, || {
            aws.events.describe_event_bus().name(arn).send()
        })
        .await;
    Ok(found(answer)?.map(|_| ()))
}
