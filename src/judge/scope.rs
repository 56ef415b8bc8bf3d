//! Which signals count a record, before any exclusion.

use std::sync::LazyLock;

use regex_automata::meta::Regex;

use super::statement::{Changes, Parameters, Reading};
use crate::policy::model::Signal;

/// First words of MISC commands that touch no users' data, as pgAudit prints them. `CLOSE CURSOR` comes with a record of
/// its own for what it reads or writes. Every command that is not listed counts: `???` (MERGE), `CALL`, `FETCH`, what a later
/// version invents, and `ANALYZE`, `REINDEX` and `VACUUM`, which call functions of a type (`subtype_diff` of a range) without
/// a record.
pub(crate) const MISC_OUT_OF_SCOPE: &[&str] = &[
    "BEGIN",
    "CHECKPOINT",
    "CLOSE",
    "COMMIT",
    "DEALLOCATE",
    "DISCARD",
    "EXECUTE",
    "EXPLAIN",
    "LISTEN",
    "LOCK",
    "MOVE",
    "NOTIFY",
    "PREPARE TRANSACTION",
    "RELEASE",
    "RESET",
    "ROLLBACK",
    "SAVEPOINT",
    "SET",
    "SHOW",
    "START",
    "UNLISTEN",
];

/// Those of them that compute parameters: `EXECUTE p(lo_get(1))` has its call in this record alone.
const WITH_PARAMETERS: &[&str] = &["EXECUTE", "EXPLAIN"];

/// What makes a type, a domain or a cast, or changes one: whoever does can put a call behind a cast to a listed type. It
/// counts whether the signal `schema` is on or not.
const MAKES_CASTS: &[&str] = &[
    "ALTER DOMAIN",
    "ALTER TYPE",
    "CREATE CAST",
    "CREATE DOMAIN",
    "CREATE TYPE",
];

/// What the statement of a record that is out of scope by its command does all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// It computes the parameters of an `EXECUTE`.
    Computes,
    /// It changes where names are looked up.
    LooksElsewhere,
    /// It takes another role.
    TakesRole,
}

/// Levels of entries that tell what a person was refused; in results they stand where a record has its class.
pub(crate) const REFUSAL_LEVELS: &[&str] = &["ERROR", "FATAL"];

/// What a statement or a refusal names that decides what is logged: pgAudit and its settings, the threshold of the log,
/// the libraries that are loaded, and all settings of a role at once. The last is looked at once more: it counts behind
/// an `alter` of the same statement.
static TAMPERING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    crate::policy::pattern::dialect::build(
        r"(?i)pgaudit|log_min_messages|preload_libraries|reset[ \t\r\n]+all",
    )
    .ok()
});

/// The signals that count a record: the one of its class, and the one of tampering.
pub(super) type Signals = [Option<Signal>; 2];

/// The signals that count a record of this class and command. `tampers` says whether it names a setting that decides what
/// is logged, `deed` what its statement does beside its command.
pub(super) fn signals(class: &[u8], command: &[u8], tampers: bool, deed: Option<Deed>) -> Signals {
    let by_class = match class {
        b"ROLE" => Some(Signal::Privilege),
        b"DDL" => Some(Signal::Schema),
        _ if REFUSAL_LEVELS.iter().any(|level| level.as_bytes() == class) => Some(Signal::Denied),
        _ if is_misc_out_of_scope(class, command) => match deed {
            None => None,
            Some(Deed::TakesRole) => Some(Signal::Privilege),
            Some(Deed::Computes | Deed::LooksElsewhere) => Some(Signal::Dml),
        },
        _ => Some(Signal::Dml),
    };
    let tampering = (tampers && !is_question(class, command)).then_some(Signal::AuditTampering);
    [by_class, tampering]
}

/// The signals that count what a query returns under these words: class and command of a record, level and message of a
/// refusal, or `-` where the line is not understood.
pub fn signals_of(class: &str, command: &str, tampers: bool) -> Vec<Signal> {
    signals(class.as_bytes(), command.as_bytes(), tampers, None)
        .into_iter()
        .flatten()
        .collect()
}

/// `SHOW pgaudit.log` looks and changes nothing.
fn is_question(class: &[u8], command: &[u8]) -> bool {
    class == b"MISC" && command == b"SHOW"
}

fn begins_with(command: &[u8], words: &[&str]) -> bool {
    words.iter().any(|words| {
        command
            .strip_prefix(words.as_bytes())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(b" "))
    })
}

fn is_misc_out_of_scope(class: &[u8], command: &[u8]) -> bool {
    class == b"MISC" && begins_with(command, MISC_OUT_OF_SCOPE)
}

/// Whether the statement of such a record has to be read to know its scope.
fn may_compute(class: &[u8], command: &[u8]) -> bool {
    class == b"MISC" && begins_with(command, WITH_PARAMETERS)
}

fn may_change(class: &[u8], command: &[u8]) -> bool {
    class == b"MISC" && begins_with(command, &["SET"])
}

/// Whether a record is of DDL that can put a call behind a cast.
pub(super) fn makes_casts(class: &[u8], command: &[u8]) -> bool {
    class == b"DDL" && begins_with(command, MAKES_CASTS)
}

/// What the statement of a record does beside its command. `reading` and `changes` are those of its text, and nothing where
/// that was not logged.
pub(super) fn deed<'t>(
    class: &[u8],
    command: &[u8],
    reading: impl FnOnce() -> Option<(&'t [u8], &'t Reading)>,
    changes: impl FnOnce() -> Option<Changes>,
) -> Option<Deed> {
    if may_compute(class, command) {
        return computes(reading()).then_some(Deed::Computes);
    }
    if !may_change(class, command) {
        return None;
    }
    match changes() {
        None | Some(Changes { path: true, .. }) => Some(Deed::LooksElsewhere),
        Some(Changes { role: true, .. }) => Some(Deed::TakesRole),
        Some(_) => None,
    }
}

/// Whether a statement, its text and what was read in it, computes the parameters of an `EXECUTE`. One that is not logged
/// may; one without a parenthesis has no parameters.
fn computes(statement: Option<(&[u8], &Reading)>) -> bool {
    statement.is_none_or(|(text, reading)| match reading.execute {
        Some(Parameters::Computed) => true,
        Some(Parameters::Constant) => reading.stop.is_some() && text.contains(&b'('),
        None => false,
    })
}

/// Says whether none of these signals counts records of this class and command, as pgAudit prints them, whatever
/// their statement is.
pub fn is_out_of_scope(class: &str, command: &str, signals: &[Signal]) -> bool {
    if signals.contains(&Signal::AuditTampering) {
        return is_question(class.as_bytes(), command.as_bytes());
    }
    !signals_of(class, command, false)
        .iter()
        .any(|signal| signals.contains(signal))
        && !may_compute(class.as_bytes(), command.as_bytes())
        && !may_change(class.as_bytes(), command.as_bytes())
        && !makes_casts(class.as_bytes(), command.as_bytes())
}

/// Whether a text names a setting that decides what is logged.
pub(super) fn tampers(text: &[u8]) -> bool {
    let Some(regex) = TAMPERING.as_ref() else {
        return true;
    };
    // `alter role … reset all` is one statement. The text is looked at once, however often `reset all` stands in it.
    let (mut from, mut is_alter) = (0, false);
    regex.find_iter(text).any(|found| {
        let passed = text.get(from..found.start()).unwrap_or_default();
        from = found.start();
        let statement = passed.rsplit(|byte| *byte == b';').next();
        is_alter &= statement == Some(passed);
        is_alter |= statement.is_some_and(begins_alter);
        let first = text.get(found.start()).map(u8::to_ascii_lowercase);
        first != Some(b'r') || is_alter
    })
}

fn begins_alter(statement: &[u8]) -> bool {
    statement
        .windows(6)
        .any(|word| word.eq_ignore_ascii_case(b"alter "))
}

/// Whether the entry of an error tells that a person was refused: how the messages begin that PostgreSQL writes when
/// somebody lacks a right or is not let in, those with the SQLSTATE 42501 and of class 28 (PostgreSQL,
/// `ERRCODE_INSUFFICIENT_PRIVILEGE` and `ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION` in src/backend). English, as RDS
/// writes them.
pub(super) fn is_refusal(level: &[u8], message: &[u8]) -> bool {
    if !REFUSAL_LEVELS.iter().any(|known| known.as_bytes() == level) {
        return false;
    }
    let start = message
        .split(|byte| matches!(byte, b':' | b'\n'))
        .next()
        .unwrap_or_default();
    ["authentication failed", "pg_hba", "row-level"]
        .iter()
        .any(|text| memchr::memmem::find(start, text.as_bytes()).is_some())
        || [
            "must be ",
            "must have ",
            "only role",
            "only superuse",
            "permission denied",
            "role \"",
        ]
        .iter()
        .any(|text| message.starts_with(text.as_bytes()))
}

/// Whether a refusal may stand in a line whose prefix is not understood.
pub(super) fn may_hold_refusal(text: &[u8]) -> bool {
    static REFUSAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
        crate::policy::pattern::dialect::build(
            "(?:ERROR|FATAL): +(?:[0-9A-Z]{5}: )?(?:[^:\\n]*(?:authentication failed|pg_hba|row-level)|must (?:be|have) |\
             only (?:role|superuse)|permission denied|role \")",
        )
        .ok()
    });
    REFUSAL.as_ref().is_none_or(|regex| regex.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_decide_what_is_logged_are_found() {
        for text in [
            "set PgAudit.log = 'none'",
            "alter role alice reset\tall",
            "ALTER DATABASE shop RESET ALL",
            "select 1; alter role alice set x = 1 reset all",
            "alter system set shared_preload_libraries = ''",
            "reset all; alter role alice x reset all",
            "alter role alice x reset  all reset all",
        ] {
            assert!(tampers(text.as_bytes()), "{text}");
        }
        for text in [
            "reset all",
            "alter role alice; reset all",
            "alter role alice; reset all; reset all",
            "select 1",
            "preload",
        ] {
            assert!(!tampers(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_long_text_is_looked_at_once() {
        assert!(!tampers("reset all ".repeat(200_000).as_bytes()));
    }

    #[test]
    fn execute_counts_where_it_computes() {
        let signals = |text: &str| {
            let reading = Reading::of(text.as_bytes());
            let deed = deed(
                b"MISC",
                b"EXECUTE",
                || Some((text.as_bytes(), &reading)),
                || None,
            );
            signals(b"MISC", b"EXECUTE", false, deed)
        };
        assert_eq!(signals("execute x(1)"), [None, None]);
        assert_eq!(signals("execute x(lo_get(1))"), [Some(Signal::Dml), None]);
        assert_eq!(signals("execute x('a\\')"), [Some(Signal::Dml), None]);
        assert_eq!(signals("execute x /*"), [None, None]);
        assert!(computes(None));
    }
    #[test]
    fn set_counts_where_it_changes_names_or_rights() {
        let signals = |text: Option<&str>| {
            let changes = || text.map(|text| Changes::of(text.as_bytes()));
            signals(
                b"MISC",
                b"SET",
                false,
                deed(b"MISC", b"SET", || None, changes),
            )
        };
        assert_eq!(signals(Some("set x = 1")), [None, None]);
        assert_eq!(
            signals(Some("set search_path = evil")),
            [Some(Signal::Dml), None]
        );
        assert_eq!(
            signals(Some("set role support")),
            [Some(Signal::Privilege), None]
        );
        assert_eq!(signals(None), [Some(Signal::Dml), None]);
    }
}
