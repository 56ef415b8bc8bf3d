//! One look at an environment: what several documents need is asked once.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_cloudwatch::types::{LogAlarm, MetricAlarm};
use aws_sdk_cloudwatchlogs::types::{LogGroup, QueryDefinition};
use aws_sdk_eventbridge::types::Target;
use aws_sdk_iam::types::Role;
use aws_sdk_kms::types::KeyMetadata;
use aws_sdk_lambda::operation::get_layer_version::GetLayerVersionOutput;
use aws_sdk_lambda::types::LayerVersionsListItem;
use aws_sdk_sns::types::Subscription;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::deploy::alteration::AccountPolicy;
use crate::deploy::document::Document;
use crate::deploy::port::{CloudError, Found};
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;

/// Tags of a resource.
pub(super) type Tags = BTreeMap<String, String>;

/// Answers by what was asked for. An error is an answer too: within one look it would only come again.
#[derive(Debug)]
pub(super) struct Memo<T> {
    cells: Mutex<BTreeMap<String, Cell<T>>>,
}

/// An answer, or the asking of it.
type Cell<T> = Arc<OnceCell<Result<T, CloudError>>>;

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self {
            cells: Mutex::default(),
        }
    }
}

impl<T: Clone> Memo<T> {
    /// The answer to a question, asked now if it was not asked before.
    pub(super) async fn get<F>(
        &self,
        question: &str,
        ask: impl FnOnce() -> F,
    ) -> Result<T, CloudError>
    where
        F: Future<Output = Result<T, CloudError>>,
    {
        let cell = {
            let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(question.to_owned()).or_default())
        };
        cell.get_or_init(ask).await.clone()
    }
}

/// What one look saw so far.
#[derive(Debug, Default)]
pub(super) struct Sight {
    /// Metric alarms by name, by the beginning of the name.
    pub(super) alarms: Memo<Arc<BTreeMap<String, MetricAlarm>>>,
    /// Log alarms by name, by the beginning of the name.
    pub(super) log_alarms: Memo<Arc<BTreeMap<String, LogAlarm>>>,
    /// Log groups by name, by the beginning of the name.
    pub(super) log_groups: Memo<Arc<BTreeMap<String, LogGroup>>>,
    /// Saved queries by name, by the beginning of the name. A name may stand for several.
    pub(super) queries: Memo<Arc<BTreeMap<String, Vec<QueryDefinition>>>>,
    pub(super) functions: Memo<Option<Arc<Function>>>,
    /// Versions of layers by the layer's name, the newest first.
    pub(super) layers: Memo<Arc<Vec<LayerVersionsListItem>>>,
    /// Versions of layers with what they hold, by ARN; `None` for one that was deleted.
    pub(super) layer_versions: Memo<Option<Arc<GetLayerVersionOutput>>>,
    /// Policies of functions by name.
    pub(super) function_policies: Memo<Option<Arc<Value>>>,
    pub(super) keys: Memo<Option<Arc<KeyMetadata>>>,
    pub(super) roles: Memo<Option<Arc<Role>>>,
    /// Names of a role's inline policies, by the role.
    pub(super) role_policies: Memo<Arc<Vec<String>>>,
    /// Subscriptions by topic; `None` when there is no topic.
    pub(super) subscriptions: Memo<Option<Arc<Vec<Subscription>>>>,
    /// Targets by rule; `None` when there is no rule.
    pub(super) targets: Memo<Option<Arc<Vec<Target>>>>,
    /// Tags by the ARN or id of what bears them.
    pub(super) tags: Memo<Option<Arc<Tags>>>,
    /// Policies of the account by their type.
    pub(super) account_policies: Memo<Arc<Vec<AccountPolicy>>>,
    /// What was asked for: a list tells apart what stands beside it.
    pub(super) documents: Vec<Document>,
    /// What of it is there.
    pub(super) present: Mutex<Vec<Found>>,
}

/// What a plan looks at of a function. `GetFunction` would say it in one call, and hand out an address of the code, which who
/// reads a plan does not need.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) configuration: GetFunctionConfigurationOutput,
    /// Concurrent runs that are kept free for it.
    pub(super) reserved: Option<i32>,
    pub(super) tags: Arc<Tags>,
}
