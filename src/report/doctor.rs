//! Diagnoses and canaries, for people ([`human`]) and for programs ([`json`]).
//!
//! Names and messages come from the provider: everything drawn goes through [`escape`](super::escape).

pub mod human;
pub mod json;

#[cfg(test)]
mod tests;
