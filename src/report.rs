//! The report room.

