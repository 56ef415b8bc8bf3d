//! The diagnostic room.
