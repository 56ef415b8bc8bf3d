//! Refuses, before it leaves, a call that is not in the table of operations for the purpose of the run.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::deploy::permission::{Operation, Purpose};

/// Every client is built with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard(pub(super) Purpose);

#[dyn_dispatch_hint]
impl Intercept for Guard {
    fn name(&self) -> &'static str {
        "PgvigilGuard"
    }

    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let asked = bag.load::<Metadata>();
        let known = asked
            .and_then(|asked| Operation::find(asked.service(), asked.name()))
            .is_some_and(|operation| self.0.allows(operation));
        if known {
            return Ok(());
        }
        let what = asked.map_or_else(
            || "an unnamed call".to_owned(),
            |asked| format!("{} {}", asked.service(), asked.name()),
        );
        Err(format!("{what} is not a call that pgvigil makes for {:?}", self.0).into())
    }
}
