//! The commands that deploy an environment, and those that look at the deployed resources.

pub(super) mod apply;
pub(super) mod approval;
pub(super) mod blame;
pub(super) mod carry_out;
pub(super) mod clock;
pub(super) mod deployment;
pub(super) mod destroy;
pub(super) mod doctor;
pub(super) mod drift;
pub(super) mod drift_all;
pub(super) mod fleet;
pub(super) mod ground;
pub(super) mod iam_policy;
pub(super) mod plan;
pub(super) mod plan_all;
pub(super) mod prove;
pub(super) mod provider_aws;
pub(super) mod saved;
pub(super) mod shown;
