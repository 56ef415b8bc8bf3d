//! The deploy room.
