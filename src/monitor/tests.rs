//! Runs in a world of the tests' own.

mod cases;
mod simulation;
mod world;
