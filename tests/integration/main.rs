//! Tests that run the built binary and whole recordings.
mod cases;
mod enrolment;
mod golden;
mod readme;
