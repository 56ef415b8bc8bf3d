//! Credentials, region and clients of one environment.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::sts::AssumeRoleProvider;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{ProvideCredentials, SharedCredentialsProvider};
use jiff::Timestamp;
use tokio::runtime::Runtime;

use super::call::Caller;
use super::dates::Dates;
use super::failure;
use super::guard::Guard;
use super::sight::Sight;
use crate::compile::name::Names;
use crate::compile::resources::Location;
use crate::deploy::permission::Purpose;
use crate::deploy::port::CloudError;
use crate::policy::model::Environment;
use crate::waiting;

/// The name under which the account's record of calls knows pgvigil.
pub(super) const APP: &str = "pgvigil";

/// Looks up a variable of the environment in which pgvigil runs.
#[derive(Clone, Copy)]
pub struct Variables(pub fn(&str) -> Option<String>);

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Variables")
    }
}

/// What the outermost layer knows and the adapter needs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What is about to be done. Calls that the table does not know for it are refused before they leave.
    pub purpose: Purpose,
    /// A role to assume with the credentials that are found, as an ARN.
    pub assume_role: Option<String>,
    /// Variables that may hold secrets.
    pub variables: Variables,
    pub now: fn() -> Timestamp,
    /// The monitor's package, a zip file. Only a write of the function needs it.
    pub package: Option<Arc<[u8]>>,
}

/// The resources of one environment, in its account and region.
#[derive(Debug)]
pub struct Aws {
    pub(super) runtime: Runtime,
    pub(super) inner: Inner,
    /// What the last look at all resources saw, for the list that follows it.
    pub(super) last: Mutex<Option<Arc<Sight>>>,
}

/// What every call needs.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) environment: Environment,
    pub(super) location: Location,
    /// What the names of each cluster's resources begin with, by cluster.
    pub(super) bases: BTreeMap<String, String>,
    /// The same of clusters that no file names any more, as they are found.
    pub(super) former: Mutex<BTreeMap<String, String>>,
    pub(super) purpose: Purpose,
    pub(super) variables: Variables,
    pub(super) now: fn() -> Timestamp,
    pub(super) package: Option<Arc<[u8]>>,
    pub(super) caller: Caller,
    /// Notes whose keeper does not exist yet, by the keeper's address.
    pub(super) pending: Mutex<BTreeMap<String, BTreeMap<String, String>>>,
    /// When the service of identities last answered, by its clock.
    pub(super) dates: Dates,
    pub(super) alarms: aws_sdk_cloudwatch::Client,
    pub(super) databases: aws_sdk_rds::Client,
    pub(super) events: aws_sdk_eventbridge::Client,
    pub(super) identity: aws_sdk_sts::Client,
    pub(super) keys: aws_sdk_kms::Client,
    pub(super) lambda: aws_sdk_lambda::Client,
    pub(super) logs: aws_sdk_cloudwatchlogs::Client,
    pub(super) roles: aws_sdk_iam::Client,
    pub(super) secrets: aws_sdk_secretsmanager::Client,
    pub(super) topics: aws_sdk_sns::Client,
    pub(super) trail: aws_sdk_cloudtrail::Client,
    /// Where the events of services without regions stand.
    pub(super) global_trail: aws_sdk_cloudtrail::Client,
}

impl Aws {
    /// Finds credentials as every AWS tool does (environment, profile, SSO, container, instance), assumes the role
    /// where one is named, and builds the clients. The region is the environment's, whatever else is configured.
    ///
    /// `AWS_ENDPOINT_URL` leads to another server.
    ///
    /// # Errors
    /// [`CloudError::NoCredentials`] when there are none, [`CloudError::Credentials`] when they do not work, or the role cannot be assumed.
    pub fn connect(environment: &Environment, settings: Settings) -> Result<Self, CloudError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CloudError::Unavailable {
                operation: "start",
                resource: "the client".to_owned(),
                message: error.to_string(),
            })?;
        let location = Location::of(environment);
        let config = runtime.block_on(configure(&location.region, &settings))?;
        let inner = Inner::new(environment, location, settings, &config);
        Ok(Self {
            runtime,
            inner,
            last: Mutex::default(),
        })
    }
}

/// For a connection, and for a call.
const CONNECT: Duration = Duration::from_secs(5);
const CALL: Duration = Duration::from_secs(60);

async fn configure(region: &str, settings: &Settings) -> Result<SdkConfig, CloudError> {
    let base = aws_config::defaults(BehaviorVersion::v2026_01_12())
        // Names the program in the account's record of calls.
        .app_name(AppName::new(APP).map_err(|error| CloudError::Unavailable {
            operation: "start",
            resource: "the client".to_owned(),
            message: error.to_string(),
        })?)
        .region(Region::new(region.to_owned()))
        // All attempts are made in one place, which knows what may be tried again.
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT.min(waiting::limit(CALL)))
                .operation_timeout(waiting::limit(CALL))
                .build(),
        )
        .load()
        .await;
    let config = match &settings.assume_role {
        None => base,
        Some(role) => {
            let session = format!("pgvigil-{:?}", settings.purpose).to_lowercase();
            let provider = AssumeRoleProvider::builder(role)
                .session_name(session)
                .configure(&base)
                .build()
                .await;
            base.into_builder()
                .credentials_provider(SharedCredentialsProvider::new(provider))
                .build()
        }
    };
    let provider = config
        .credentials_provider()
        .ok_or_else(|| CloudError::NoCredentials {
            message: "none are configured".to_owned(),
        })?;
    provider
        .provide_credentials()
        .await
        .map_err(|error| failure::credentials(&error))?;
    Ok(config)
}

/// A client whose calls the guard sees.
macro_rules! client {
    ($service:ident, $config:expr, $purpose:expr) => {
        $service::Client::from_conf(
            $service::config::Builder::from($config)
                .interceptor(Guard($purpose))
                .build(),
        )
    };
}

impl Inner {
    fn new(
        environment: &Environment,
        location: Location,
        settings: Settings,
        config: &SdkConfig,
    ) -> Self {
        let purpose = settings.purpose;
        let dates = Dates::default();
        let identity = aws_sdk_sts::config::Builder::from(config)
            .interceptor(Guard(purpose))
            .interceptor(dates.clone())
            .build();
        let bases = environment
            .clusters
            .iter()
            .map(|cluster| {
                let names = Names::new(environment, cluster);
                (cluster.name.clone(), names.base().to_owned())
            })
            .collect();
        Self {
            environment: environment.clone(),
            former: Mutex::default(),
            bases,
            purpose,
            variables: settings.variables,
            now: settings.now,
            package: settings.package,
            caller: Caller::new(&format!("{}/{}", location.account, location.region)),
            pending: Mutex::default(),
            dates,
            alarms: client!(aws_sdk_cloudwatch, config, purpose),
            databases: client!(aws_sdk_rds, config, purpose),
            events: client!(aws_sdk_eventbridge, config, purpose),
            identity: aws_sdk_sts::Client::from_conf(identity),
            keys: client!(aws_sdk_kms, config, purpose),
            lambda: client!(aws_sdk_lambda, config, purpose),
            logs: client!(aws_sdk_cloudwatchlogs, config, purpose),
            roles: client!(aws_sdk_iam, config, purpose),
            secrets: client!(aws_sdk_secretsmanager, config, purpose),
            topics: client!(aws_sdk_sns, config, purpose),
            trail: client!(aws_sdk_cloudtrail, config, purpose),
            global_trail: aws_sdk_cloudtrail::Client::from_conf(
                aws_sdk_cloudtrail::config::Builder::from(config)
                    .region(Region::new(global_region(location.partition)))
                    .interceptor(Guard(purpose))
                    .build(),
            ),
            location,
        }
    }

    /// What the names of a cluster's resources begin with.
    pub(super) fn base(&self, cluster: &str) -> String {
        let former = self.former.lock().unwrap_or_else(PoisonError::into_inner);
        let base = self.bases.get(cluster).or_else(|| former.get(cluster));
        base.cloned().unwrap_or_default()
    }

    /// The cluster whose resources' names begin so.
    pub(super) fn cluster_of_base(&self, base: &str) -> Option<String> {
        let former = self.former.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = self.bases.iter().chain(former.iter());
        all.find(|(_, other)| *other == base)
            .map(|(cluster, _)| cluster.clone())
    }
}

/// The region whose record holds the events of IAM, which has none ("AWS service endpoints": global services).
fn global_region(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        _ => "us-east-1",
    }
}
