//! Runs in a world of the tests' own.

mod cases;
mod report;
mod simulation;
mod world;
