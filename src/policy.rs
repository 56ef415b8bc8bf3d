//! Policy files: what users write ([`raw`]), how it is found and read ([`load`](mod@load)), what it
//! means ([`model`]), and the step between the two.

pub mod load;
pub mod lower;
pub mod model;
pub mod pattern;
pub mod raw;
pub mod reference;
mod refused;
pub mod revision;
pub mod scalar;
pub mod schema;
pub mod sets;
#[cfg(test)]
mod second_reader;

pub use load::{FOLDERS, LoadError, Loaded, POLICY_FOLDERS, load, load_from};
pub use lower::grants::parse_moment;
pub use lower::is_kebab;
pub use model::Policy;
pub use pattern::Pattern;
pub use schema::schemas;
