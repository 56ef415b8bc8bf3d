//! What several services need to know of a resource: asked once in a look, with the tags that bear notes. The services of
//! the adapter know nothing of each other; what they share is here.

pub(super) mod alarm;
pub(super) mod function;
pub(super) mod key;
pub(super) mod layer;
pub(super) mod log_alarm;
pub(super) mod log_group;
pub(super) mod role;
pub(super) mod topic;
