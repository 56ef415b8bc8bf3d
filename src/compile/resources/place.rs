//! Where an environment's resources live, as ARNs spell it.

use crate::policy::model::Environment;
pub use crate::policy::model::partition;

/// Account of the local provider, which has none.
pub const LOCAL_ACCOUNT: &str = "000000000000";

/// Region of the local provider, which has none.
pub const LOCAL_REGION: &str = "local";

/// Partition, region and account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: &'static str,
    pub region: String,
    pub account: String,
}

impl Location {
    /// Where an environment is deployed.
    pub fn of(environment: &Environment) -> Self {
        let region = environment
            .region
            .clone()
            .unwrap_or_else(|| LOCAL_REGION.to_owned());
        Self {
            partition: partition(&region),
            region,
            account: environment
                .account
                .clone()
                .unwrap_or_else(|| LOCAL_ACCOUNT.to_owned()),
        }
    }

    /// The ARN of a resource of a region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}:{}:{}:{resource}",
            self.partition, self.region, self.account
        )
    }

    /// The ARN of an IAM resource: IAM has no regions.
    pub fn iam_arn(&self, resource: &str) -> String {
        format!("arn:{}:iam::{}:{resource}", self.partition, self.account)
    }

    /// The ARN of a log group, without the `:*` that stands for its streams.
    pub fn log_group_arn(&self, name: &str) -> String {
        self.arn("logs", &format!("log-group:{name}"))
    }
}
