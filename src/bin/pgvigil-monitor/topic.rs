//! Messages of SNS.

use std::time::Duration;

use pgvigil::monitor::port::{CallError, Topic};

use crate::aws::Services;
use crate::failure::answer;

impl Topic for Services {
    async fn publish(
        &self,
        topic: &str,
        subject: &str,
        text: &str,
        within: Duration,
    ) -> Result<(), CallError> {
        let call = self
            .topic
            .publish()
            .topic_arn(topic)
            .subject(subject)
            .message(text);
        answer(within, call.send()).await.map(|_| ())
    }
}
