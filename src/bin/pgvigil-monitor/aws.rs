//! The four services, with what Lambda gives: region and credentials of the role, in variables.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_sdk_cloudwatchlogs::config::{BehaviorVersion, Credentials, Region};
use pgvigil::monitor::port::{Clock, Journal};

use crate::log;

/// What the monitor calls.
pub(crate) struct Services {
    pub(crate) logs: aws_sdk_cloudwatchlogs::Client,
    pub(crate) metrics: aws_sdk_cloudwatch::Client,
    pub(crate) topic: aws_sdk_sns::Client,
    pub(crate) events: aws_sdk_eventbridge::Client,
}

/// The configuration of one service's client. All retries are the library's, so that there is one place with one
/// deadline: the SDK makes none.
macro_rules! client {
    ($sdk:ident, $service:literal, $given:expr) => {{
        let given = $given;
        let mut config = $sdk::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(given.region.clone())
            .credentials_provider(given.credentials.clone())
            .retry_config($sdk::config::retry::RetryConfig::disabled());
        if let Some(url) = given.endpoint($service) {
            config = config.endpoint_url(url);
        }
        $sdk::Client::from_conf(config.build())
    }};
}

impl Services {
    /// Clients for the region and with the credentials of Lambda's variables; `AWS_ENDPOINT_URL_SERVICE` or
    /// `AWS_ENDPOINT_URL` leads elsewhere.
    pub(crate) fn connect(variables: &BTreeMap<String, String>) -> Result<Self, String> {
        let given = Given::of(variables)?;
        Ok(Self {
            logs: client!(aws_sdk_cloudwatchlogs, "CLOUDWATCH_LOGS", &given),
            metrics: client!(aws_sdk_cloudwatch, "CLOUDWATCH", &given),
            topic: client!(aws_sdk_sns, "SNS", &given),
            events: client!(aws_sdk_eventbridge, "EVENTBRIDGE", &given),
        })
    }
}

struct Given<'a> {
    variables: &'a BTreeMap<String, String>,
    region: Region,
    credentials: Credentials,
}

impl<'a> Given<'a> {
    fn of(variables: &'a BTreeMap<String, String>) -> Result<Self, String> {
        let text = |name: &str| {
            variables
                .get(name)
                .filter(|value| !value.is_empty())
                .ok_or_else(|| format!("`{name}` is missing: Lambda sets it"))
        };
        Ok(Self {
            variables,
            region: Region::new(text("AWS_REGION")?.clone()),
            credentials: Credentials::new(
                text("AWS_ACCESS_KEY_ID")?,
                text("AWS_SECRET_ACCESS_KEY")?,
                variables.get("AWS_SESSION_TOKEN").cloned(),
                None,
                "Lambda",
            ),
        })
    }

    fn endpoint(&self, service: &str) -> Option<&str> {
        let of_service = format!("AWS_ENDPOINT_URL_{service}");
        [of_service.as_str(), "AWS_ENDPOINT_URL"]
            .iter()
            .find_map(|name| self.variables.get(*name))
            .map(String::as_str)
    }
}

impl Clock for Services {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    }

    async fn sleep(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }

    fn chance(&self) -> f64 {
        let random = RandomState::new().hash_one(Instant::now());
        f64::from(u32::try_from(random % 1000).unwrap_or_default()) / 1000.0
    }
}

impl Journal for Services {
    fn write(&self, line: &str) {
        log::line(line);
    }
}
