//! Log alarms of the environment.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_cloudwatch::types::{AlarmType, LogAlarm};

use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::names::prefix;
use crate::cloud::aws::sight::Sight;
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;
use crate::policy::model::Engine;

pub(in crate::cloud::aws) type Alarms = Arc<BTreeMap<String, LogAlarm>>;

/// All log alarms of the environment.
pub(in crate::cloud::aws) async fn all(aws: &Inner, sight: &Sight) -> Result<Alarms, CloudError> {
    let prefix = prefix(aws);
    let answer = sight.log_alarms.get(&prefix, || ask(aws, &prefix)).await;
    match answer {
        // A place that does not know the type has no alarm of it. Where the files ask for some, that is the answer.
        Err(CloudError::Unavailable { message, .. } | CloudError::Refused { message, .. })
            if aws.environment.engine == Engine::Monitor && message.contains("LogAlarm") =>
        {
            Ok(Alarms::default())
        }
        other => other,
    }
}

pub(in crate::cloud::aws) async fn ask(aws: &Inner, prefix: &str) -> Result<Alarms, CloudError> {
    let mut all = BTreeMap::new();
    let mut token = None;
    loop {
        let page = aws
            .caller
            .make(Operation::DescribeAlarms, &format!("{prefix}*"), || {
                aws.alarms
                    .describe_alarms()
                    .alarm_name_prefix(prefix)
                    .alarm_types(AlarmType::LogAlarm)
                    .max_records(100)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
        for alarm in page.log_alarms.unwrap_or_default() {
            all.insert(alarm.alarm_name.clone().unwrap_or_default(), alarm);
        }
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(Arc::new(all));
        }
    }
}
