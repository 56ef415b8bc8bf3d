//! The insights room.
