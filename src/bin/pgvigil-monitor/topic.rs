//! Messages of SNS.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sns::types::MessageAttributeValue;
use pgvigil::monitor::attributes::array;
use pgvigil::monitor::port::{CallError, CallErrorKind, Publication, Topic};

use crate::aws::Services;
use crate::failure::answer;

impl Topic for Services {
    async fn publish(
        &self,
        topic: &str,
        message: &Publication,
        within: Duration,
    ) -> Result<(), CallError> {
        let mut attributes = HashMap::new();
        for (name, values) in &message.attributes {
            let attribute = MessageAttributeValue::builder()
                .data_type("String.Array")
                .string_value(array(values))
                .build()
                .map_err(|error| CallError {
                    kind: CallErrorKind::Refused,
                    message: error.to_string(),
                })?;
            attributes.insert((*name).to_owned(), attribute);
        }
        let call = self
            .topic
            .publish()
            .topic_arn(topic)
            .subject(&message.subject)
            .message(&message.text)
            .set_message_attributes(Some(attributes));
        answer(within, call.send()).await.map(|_| ())
    }
}
