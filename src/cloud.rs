//! Adapters of the ports: providers of deployed resources, and services that run queries.

#[cfg(feature = "aws")]
pub mod aws;
pub mod local;

#[cfg(test)]
pub(crate) mod faulty;
