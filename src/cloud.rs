//! Adapters of the deploy port.

pub mod local;

#[cfg(test)]
pub(crate) mod faulty;
