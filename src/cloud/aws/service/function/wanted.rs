//! A document's fields as the SDK takes them.

use std::collections::HashMap;

use aws_sdk_lambda::types::{
    Architecture, Environment, EphemeralStorage, LogFormat, LoggingConfig, TracingConfig,
    TracingMode, VpcConfig,
};
use serde_json::Value;

use crate::cloud::aws::value::texts;

/// The values of a document's fields, as the SDK takes them.
pub(super) struct Wanted<'a> {
    pub(super) properties: &'a Value,
}

impl Wanted<'_> {
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.properties[key].as_str().map(str::to_owned)
    }

    pub(super) fn number(&self, value: &Value) -> Option<i32> {
        value.as_i64().and_then(|number| i32::try_from(number).ok())
    }

    pub(super) fn architectures(&self) -> Vec<Architecture> {
        texts(&self.properties["architectures"])
            .iter()
            .map(|name| Architecture::from(name.as_str()))
            .collect()
    }

    pub(super) fn environment(&self) -> Environment {
        environment(&self.properties["environment"])
    }

    pub(super) fn storage(&self) -> Option<EphemeralStorage> {
        let size = self.number(&self.properties["ephemeral_storage_mb"])?;
        EphemeralStorage::builder().size(size).build().ok()
    }

    pub(super) fn network(&self) -> VpcConfig {
        let network = &self.properties["vpc"];
        VpcConfig::builder()
            .set_security_group_ids(Some(texts(&network["security_groups"])))
            .set_subnet_ids(Some(texts(&network["subnets"])))
            .build()
    }

    pub(super) fn tracing(&self) -> TracingConfig {
        TracingConfig::builder()
            .set_mode(
                self.text("tracing")
                    .map(|mode| TracingMode::from(mode.as_str())),
            )
            .build()
    }

    pub(super) fn logging(&self) -> LoggingConfig {
        let logging = &self.properties["logging"];
        LoggingConfig::builder()
            .set_log_format(logging["format"].as_str().map(LogFormat::from))
            .set_log_group(logging["log_group"].as_str().map(str::to_owned))
            .build()
    }
}

/// Variables of a function.
pub(super) fn environment(variables: &Value) -> Environment {
    let variables = variables.as_object().into_iter().flatten();
    let variables: HashMap<String, String> = variables
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    Environment::builder()
        .set_variables(Some(variables))
        .build()
}
