//! One file for each kind of resource: how it is read, written and deleted. None of them uses another; what they share is in
//! `look`.

pub(super) mod alarm;
pub(super) mod alias;
pub(super) mod dashboard;
pub(super) mod event_rule;
pub(super) mod event_target;
pub(super) mod function;
pub(super) mod key;
pub(super) mod layer;
pub(super) mod log_alarm;
pub(super) mod log_group;
pub(super) mod permission;
pub(super) mod role;
pub(super) mod role_policy;
pub(super) mod saved_query;
pub(super) mod subscription;
pub(super) mod topic;

use super::connect::Inner;
use super::sight::Sight;
use crate::deploy::document::{Document, Kind};
use crate::deploy::port::{CloudError, Found, Reading};

/// Calls a function that the file of each kind has.
macro_rules! of_kind {
    ($kind:expr, $function:ident $arguments:tt) => {
        match $kind {
            Kind::LogGroup => log_group::$function$arguments.await,
            Kind::KmsKey => key::$function$arguments.await,
            Kind::KmsAlias => alias::$function$arguments.await,
            Kind::SnsTopic => topic::$function$arguments.await,
            Kind::SnsSubscription => subscription::$function$arguments.await,
            Kind::IamRole => role::$function$arguments.await,
            Kind::IamRolePolicy => role_policy::$function$arguments.await,
            Kind::PolicyLayer => layer::$function$arguments.await,
            Kind::LambdaFunction => function::$function$arguments.await,
            Kind::Alarm => alarm::$function$arguments.await,
            Kind::LogAlarm => log_alarm::$function$arguments.await,
            Kind::Dashboard => dashboard::$function$arguments.await,
            Kind::SavedQuery => saved_query::$function$arguments.await,
            Kind::LambdaPermission => permission::$function$arguments.await,
            Kind::EventRule => event_rule::$function$arguments.await,
            Kind::EventTarget => event_target::$function$arguments.await,
        }
    };
}

/// A resource as it is now.
pub(super) async fn read(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Reading, CloudError> {
    of_kind!(document.kind, read(aws, sight, document))
}

/// Brings a resource to what its document says.
pub(super) async fn put(aws: &Inner, sight: &Sight, document: &Document) -> Result<(), CloudError> {
    of_kind!(document.kind, put(aws, sight, document))
}

pub(super) async fn delete(aws: &Inner, kind: Kind, name: &str) -> Result<(), CloudError> {
    of_kind!(kind, delete(aws, name))
}

/// What is noted about a resource besides its fingerprint.
pub(super) async fn words(aws: &Inner, document: &Document) -> Result<Vec<String>, CloudError> {
    match document.kind {
        Kind::SnsSubscription => subscription::words(aws, &Sight::default(), document).await,
        Kind::LambdaFunction => Ok(function::words(document)),
        _ => Ok(Vec::new()),
    }
}

/// What belongs to a resource and no document asks for.
pub(super) async fn beside(
    aws: &Inner,
    sight: &Sight,
    owner: &Document,
) -> Result<Vec<Found>, CloudError> {
    match owner.kind {
        Kind::SnsTopic => subscription::beside(aws, sight, owner).await,
        Kind::IamRole => role_policy::beside(aws, sight, owner).await,
        Kind::LambdaFunction => permission::beside(aws, sight, owner).await,
        Kind::EventRule => event_target::beside(aws, sight, owner).await,
        _ => Ok(Vec::new()),
    }
}
