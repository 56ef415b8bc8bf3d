//! What a value of an audit setting means: two spellings of one value are one, and some values say less than others.

/// Classes of `pgaudit.log`. Source: pgAudit's README, "pgaudit.log".
const CLASSES: [&str; 7] = [
    "ddl", "function", "misc", "misc_set", "read", "role", "write",
];

/// The setting in which the server itself can drop every record.
pub const LOG_MIN_MESSAGES: &str = "log_min_messages";

/// Beside a role's settings: what was last applied.
pub const FINGERPRINT: &str = "pgvigil.enrolled";

/// The one form of a value: lists sorted, switches `on` or `off`. What is not understood stays as it is.
pub fn normal(name: &str, value: &str) -> String {
    match name {
        "pgaudit.log" => classes(value).map_or_else(
            || value.trim().to_lowercase(),
            |classes| {
                if classes.is_empty() {
                    "none".to_owned()
                } else if classes.len() == CLASSES.len() {
                    "all".to_owned()
                } else {
                    classes.join(",")
                }
            },
        ),
        "pgaudit.role" | "pgaudit.log_parameter_max_size" => value.to_owned(),
        _ => match value.trim().to_lowercase().as_str() {
            "on" | "true" | "yes" | "1" | "t" | "y" => "on".to_owned(),
            "off" | "false" | "no" | "0" | "f" | "n" => "off".to_owned(),
            other => other.to_owned(),
        },
    }
}

/// The classes that a value of `pgaudit.log` leaves on, sorted; `None` where a word is not known.
pub fn classes(value: &str) -> Option<Vec<&'static str>> {
    let mut on: Vec<&'static str> = Vec::new();
    for word in value.split(',') {
        let word = word.trim().trim_matches('"').to_lowercase();
        let (word, is_minus) = match word.strip_prefix('-') {
            Some(rest) => (rest.trim().to_owned(), true),
            None => (word, false),
        };
        let meant: Vec<&'static str> = match word.as_str() {
            "none" | "" => Vec::new(),
            "all" => CLASSES.to_vec(),
            // pgAudit counts SET to both.
            "misc" => vec!["misc", "misc_set"],
            other => vec![*CLASSES.iter().find(|known| **known == other)?],
        };
        on.retain(|class| !meant.contains(class));
        if !is_minus {
            on.extend(meant);
        }
    }
    on.sort_unstable();
    Some(on)
}

/// Says whether records are lost, or say less, where this value stands in place of what is wanted.
pub fn weakens(name: &str, value: &str, wanted: &str) -> bool {
    let (now, then) = (normal(name, value), normal(name, wanted));
    match name {
        "pgaudit.log" => match (classes(value), classes(wanted)) {
            (Some(value), Some(wanted)) => wanted.iter().any(|class| !value.contains(class)),
            _ => now != then,
        },
        "pgaudit.log_statement_once" | "pgaudit.log_client" => now == "on" && then != "on",
        _ => then == "on" && now != "on",
    }
}

/// What somebody would not see where a setting outside the policy has this value; `None` where it takes nothing away.
///
/// Sources: pgAudit's README; PostgreSQL's manual, "When To Log": LOG ranks between ERROR and FATAL for the log.
pub fn hides(name: &str, value: &str) -> Option<&'static str> {
    let value = normal(name, value);
    match (name, value.as_str()) {
        (LOG_MIN_MESSAGES, "fatal" | "panic") => Some("the log has no audit record at all"),
        ("pgaudit.log_level", level) if level != "log" => {
            Some("records have a level that the log can be configured to leave out")
        }
        ("pgaudit.log_client", "on") => Some("the audited user sees the records"),
        ("log_min_error_statement", "log" | "fatal" | "panic") => Some(
            "statements that fail are not in the log, and pgAudit makes no record of DDL that fails",
        ),
        ("pgaudit.log_rows", "on") => Some(
            "a statement that ends with an error after rows were sent, or whose client hangs up, has no record",
        ),
        ("pgaudit.log_statement", "off") => Some("records have no text of the statement"),
        ("pgaudit.log_parameter_max_size", size) if size != "0" => {
            Some("long bound values are left out of the records")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_value_are_one() {
        for (name, left, right) in [
            ("pgaudit.log", "READ, Write", "write,read"),
            ("pgaudit.log", "all", "ddl,function,misc,read,role,write"),
            ("pgaudit.log", "all, -misc", "ddl,function,read,role,write"),
            ("pgaudit.log", "none, read", "read"),
            ("pgaudit.log", "none", ""),
            ("pgaudit.log_relation", "TRUE", "on"),
            ("pgaudit.log_catalog", "0", "off"),
        ] {
            assert_eq!(normal(name, left), normal(name, right), "{left}");
        }
        assert_ne!(normal("pgaudit.log", "reed"), normal("pgaudit.log", "read"));
        assert_ne!(normal("pgaudit.role", "On"), normal("pgaudit.role", "on"));
    }

    #[test]
    fn what_says_less_is_weaker() {
        for (name, value, wanted, weaker) in [
            ("pgaudit.log", "read", "read, write", true),
            ("pgaudit.log", "all", "read, write", false),
            ("pgaudit.log", "all, -misc_set", "all", true),
            ("pgaudit.log", "reed", "read", true),
            ("pgaudit.log_relation", "off", "on", true),
            ("pgaudit.log_relation", "on", "off", false),
            ("pgaudit.log_statement_once", "on", "off", true),
            ("pgaudit.log_statement_once", "off", "on", false),
        ] {
            assert_eq!(
                weakens(name, value, wanted),
                weaker,
                "{name} {value} {wanted}"
            );
        }
        assert!(hides(LOG_MIN_MESSAGES, "PANIC").is_some());
        assert!(hides(LOG_MIN_MESSAGES, "error").is_none());
        assert!(hides("pgaudit.log_rows", "true").is_some());
        assert!(hides("pgaudit.log_rows", "off").is_none());
        assert!(hides("log_min_error_statement", "panic").is_some());
        assert!(hides("log_min_error_statement", "error").is_none());
        assert!(hides("pgaudit.log_level", "log").is_none());
        assert!(hides("pgaudit.log_parameter_max_size", "0").is_none());
        assert!(hides("pgaudit.log_parameter_max_size", "1").is_some());
    }
}
