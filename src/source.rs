//! Text and places in it: the files that users write, their YAML trees, and the place of each value.
//!
//! [`yaml`] is the only code that knows the YAML crate. Nothing here knows what the files mean.

pub mod files;
pub mod path;
pub mod yaml;

pub use files::{FileId, Place, Position, SourceFiles};
pub use path::{DocPath, Places};
