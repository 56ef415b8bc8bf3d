//! Runs in a world of the tests' own.

mod cases;
mod report;
mod simulation;
mod world;

/// Whether this is a run that may take hours, as it is each night.
fn is_thorough() -> bool {
    std::env::var_os("PGVIGIL_THOROUGH").is_some_and(|value| !value.is_empty())
}
