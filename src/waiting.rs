//! How long an answer is waited for. Each kind of call has a limit of its own, and whoever runs the program can set another
//! one for all of them: a server that accepts a connection and says nothing must not hold up a run forever.

use std::sync::OnceLock;
use std::time::Duration;

/// A day: whoever needs more has another problem.
pub const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The option that sets the limit, as messages name it.
pub const OPTION: &str = "--call-timeout";

/// What a user set, for the whole process.
static SET: OnceLock<Duration> = OnceLock::new();

/// Sets the limit of every call. The first one counts.
pub fn set(limit: Duration) {
    // A second one would be a fault of the program that harms nobody.
    let _ = SET.set(limit.min(LONGEST));
}

/// The limit of a call: what a user set, or what is usual for calls of its kind.
pub fn limit(usual: Duration) -> Duration {
    SET.get().copied().unwrap_or(usual)
}

/// What a message says of an answer that did not come: how long it was waited for, and how to wait longer.
pub fn given_up(limit: Duration) -> String {
    format!(
        "no answer within {}: wait longer with {OPTION} SECONDS",
        seconds(limit)
    )
}

fn seconds(limit: Duration) -> String {
    match limit.as_secs() {
        0 => format!("{} ms", limit.as_millis()),
        1 => "1 second".to_owned(),
        more => format!("{more} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_how_long_it_was_and_what_helps() {
        assert_eq!(
            given_up(Duration::from_secs(10)),
            "no answer within 10 seconds: wait longer with --call-timeout SECONDS"
        );
        assert!(given_up(Duration::from_secs(1)).contains("1 second:"));
        assert!(given_up(Duration::from_millis(200)).contains("200 ms"));
    }
}
