//! Stand-in until the room is merged.

/// Stand-in until the room is merged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogLinePrefix;
