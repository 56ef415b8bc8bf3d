//! The compile room.
