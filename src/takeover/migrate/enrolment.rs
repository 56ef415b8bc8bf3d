//! SQL that switches the audit on: `ALTER USER alice SET pgaudit.log TO 'all'` becomes a person of the policy.

use super::{At, Carried, Input, Leftover, line_of};
use crate::begin::UserWish;
use crate::begin::wish::role_fault;
use crate::diagnostic::quote;
use crate::policy::model::LogClass;

#[derive(Debug, Clone, Default)]
pub struct Enrolment {
    pub users: Vec<UserWish>,
    /// What is carried over.
    pub carried: Vec<Carried>,
    pub left: Vec<Leftover>,
}

/// A word of SQL.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// A name or keyword, folded to lower case.
    Word(String),
    /// A name in double quotes.
    Quoted(String),
    /// A text in single quotes.
    Text(String),
    Sign(char),
}

/// A statement: its words, and where it begins.
struct Statement {
    tokens: Vec<Token>,
    start: usize,
    is_whole: bool,
}

/// Cuts a script into statements. Comments, quotes and dollar quotes may hold `;`.
fn statements(text: &str) -> Vec<Statement> {
    let mut all = Vec::new();
    let mut tokens = Vec::new();
    let mut start = None;
    let mut is_whole = true;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap_or(' ');
        if first.is_whitespace() || first == '\u{feff}' {
            at += first.len_utf8();
            continue;
        }
        if rest.starts_with("--") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        if rest.starts_with("/*") {
            at += comment(rest);
            continue;
        }
        // A command of psql is a line of its own.
        if first == '\\' && tokens.is_empty() {
            let length = rest.find('\n').unwrap_or(rest.len());
            all.push(Statement {
                tokens: vec![
                    Token::Sign('\\'),
                    Token::Text(rest.get(1..length).unwrap_or_default().trim().to_owned()),
                ],
                start: at,
                is_whole: true,
            });
            at += length;
            continue;
        }
        if first == ';' {
            at += 1;
            if let Some(start) = start.take() {
                all.push(Statement {
                    tokens: std::mem::take(&mut tokens),
                    start,
                    is_whole: std::mem::replace(&mut is_whole, true),
                });
            }
            continue;
        }
        start.get_or_insert(at);
        match first {
            '"' | '\'' => match quoted(rest, first) {
                Some((value, length)) => {
                    tokens.push(if first == '"' {
                        Token::Quoted(value)
                    } else {
                        Token::Text(value)
                    });
                    at += length;
                }
                None => {
                    is_whole = false;
                    at = text.len();
                }
            },
            '$' => match dollar(rest) {
                Some(length) => {
                    tokens.push(Token::Sign('$'));
                    at += length;
                }
                None => {
                    tokens.push(Token::Sign('$'));
                    at += 1;
                }
            },
            first if first.is_alphanumeric() || first == '_' => {
                let length = rest
                    .find(|sign: char| !(sign.is_alphanumeric() || matches!(sign, '_' | '$')))
                    .unwrap_or(rest.len());
                tokens.push(Token::Word(
                    rest.get(..length).unwrap_or_default().to_lowercase(),
                ));
                at += length;
            }
            other => {
                tokens.push(Token::Sign(other));
                at += other.len_utf8();
            }
        }
    }
    if let Some(start) = start {
        all.push(Statement {
            tokens,
            start,
            is_whole,
        });
    }
    all
}

/// The length of a block comment; they nest.
fn comment(text: &str) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth = depth.saturating_sub(1);
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The value between quotes, doubled ones made single, and its length with them.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut signs = text.char_indices().skip(1).peekable();
    while let Some((at, sign)) = signs.next() {
        if sign != quote {
            value.push(sign);
        } else if signs.next_if(|(_, next)| *next == quote).is_some() {
            value.push(quote);
        } else {
            return Some((value, at + 1));
        }
    }
    None
}

/// The length of a dollar-quoted text.
fn dollar(text: &str) -> Option<usize> {
    let end = text.get(1..)?.find('$')? + 2;
    let tag = text.get(..end)?;
    let is_tag = tag
        .trim_matches('$')
        .chars()
        .all(|sign| sign.is_alphanumeric() || sign == '_');
    let close = text.get(end..)?.find(tag)?;
    is_tag.then_some(end + close + tag.len())
}

pub fn read(input: &Input, enrolment: &mut Enrolment) {
    for statement in statements(&input.text) {
        let at = At::new(&input.name, line_of(&input.text, statement.start));
        let mut tell = |what: String, help: &str, is_open: bool| {
            enrolment.left.push(Leftover {
                at: at.clone(),
                what,
                help: help.to_owned(),
                is_open,
            });
        };
        if !statement.is_whole {
            tell(
                "a quote is not closed: the text after it was not read".to_owned(),
                "close it, and run the command again",
                true,
            );
            continue;
        }
        match meaning(&statement.tokens) {
            Meaning::Enrol {
                role,
                database,
                classes,
            } => {
                let person = (role, database, classes);
                enrol(&at, person, enrolment);
            }
            Meaning::Setting { name } => tell(
                format!("{} is set for a role", quote(&name)),
                "the policy's `audit` at the top of rules/users.yaml applies to all users: where a user differs, write it \
                 under `audit` of their entry",
                true,
            ),
            Meaning::Off { role } => tell(
                format!("the audit of {} is switched off", quote(&role)),
                "no entry was written: add a person who is to be audited under `users`, or an account under `service_accounts` with a reason",
                true,
            ),
            Meaning::Extension => tell(
                "CREATE EXTENSION pgaudit".to_owned(),
                "`pgvigil enrol apply` creates it where it is missing",
                false,
            ),
            Meaning::Question => tell(
                "a statement that only reads".to_owned(),
                "`pgvigil enrol coverage` shows who is enrolled and who is not",
                false,
            ),
            Meaning::Psql(word) => tell(
                format!("the command \\{word} of psql"),
                "it does not change the audit; if it changes to another database, run `pgvigil enrol` for that one too",
                !["echo", "q", "set", "timing", "pset", "x"].contains(&word.as_str()),
            ),
            Meaning::ForAll(what) => tell(
                format!("{what} sets the audit for all roles, including service accounts"),
                "pgvigil audits role by role: name the people under `users`, then remove the setting",
                true,
            ),
            Meaning::Unknown => tell(
                format!(
                    "a statement could not be interpreted: {}",
                    shown(&statement.tokens)
                ),
                "transfer it manually, or leave it out if it does not concern the audit",
                true,
            ),
        }
    }
}

/// What a statement is about.
enum Meaning {
    Enrol {
        role: String,
        database: Option<String>,
        classes: Vec<String>,
    },
    Setting {
        name: String,
    },
    Off {
        role: String,
    },
    Extension,
    Question,
    Psql(String),
    ForAll(String),
    Unknown,
}

/// The first words, without texts, because these can contain a password.
fn shown(tokens: &[Token]) -> String {
    let words: Vec<String> = tokens
        .iter()
        .take(6)
        .map(|token| match token {
            Token::Word(word) => word.to_uppercase(),
            Token::Quoted(name) => format!("\"{name}\""),
            Token::Text(_) => "'…'".to_owned(),
            Token::Sign(sign) => sign.to_string(),
        })
        .collect();
    quote(&words.join(" "))
}

fn meaning(tokens: &[Token]) -> Meaning {
    let word = |at: usize| match tokens.get(at) {
        Some(Token::Word(word)) => word.as_str(),
        _ => "",
    };
    match (word(0), word(1)) {
        _ if tokens.first() == Some(&Token::Sign('\\')) => {
            let text = match tokens.get(1) {
                Some(Token::Text(text)) => text.as_str(),
                _ => "",
            };
            Meaning::Psql(
                text.split_whitespace()
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            )
        }
        ("select" | "show", _) => Meaning::Question,
        ("create", "extension") => {
            let is_pgaudit = tokens.iter().any(|token| {
                matches!(token, Token::Word(name) | Token::Quoted(name) if name == "pgaudit")
            });
            if is_pgaudit {
                Meaning::Extension
            } else {
                Meaning::Unknown
            }
        }
        ("alter", "user" | "role") => alter(tokens),
        ("alter", "system") if names_pgaudit(tokens) => Meaning::ForAll("ALTER SYSTEM".to_owned()),
        ("alter", "database") if names_pgaudit(tokens) => {
            Meaning::ForAll("ALTER DATABASE".to_owned())
        }
        _ => Meaning::Unknown,
    }
}

fn names_pgaudit(tokens: &[Token]) -> bool {
    tokens
        .iter()
        .any(|token| matches!(token, Token::Word(word) if word == "pgaudit"))
}

/// `ALTER USER name [IN DATABASE name] SET pgaudit.log {TO | =} value`.
fn alter(tokens: &[Token]) -> Meaning {
    let mut rest = tokens.iter().skip(2).peekable();
    let role = match rest.next() {
        Some(Token::Word(word)) if word == "all" => {
            return if names_pgaudit(tokens) {
                Meaning::ForAll("ALTER ROLE ALL".to_owned())
            } else {
                Meaning::Unknown
            };
        }
        Some(Token::Word(name) | Token::Quoted(name)) => name.clone(),
        _ => return Meaning::Unknown,
    };
    let is = |token: Option<&Token>, word: &str| matches!(token, Some(Token::Word(found)) if found == word);
    let mut database = None;
    if is(rest.peek().copied(), "in") {
        rest.next();
        if !is(rest.next(), "database") {
            return Meaning::Unknown;
        }
        match rest.next() {
            Some(Token::Word(name) | Token::Quoted(name)) => database = Some(name.clone()),
            _ => return Meaning::Unknown,
        }
    }
    let is_reset = match rest.next() {
        Some(Token::Word(word)) if word == "set" => false,
        Some(Token::Word(word)) if word == "reset" => true,
        _ => return Meaning::Unknown,
    };
    if !is(rest.next(), "pgaudit") || rest.next() != Some(&Token::Sign('.')) {
        return Meaning::Unknown;
    }
    let Some(Token::Word(setting)) = rest.next() else {
        return Meaning::Unknown;
    };
    if setting != "log" {
        return Meaning::Setting {
            name: format!("pgaudit.{setting}"),
        };
    }
    if is_reset {
        return if rest.next().is_none() {
            Meaning::Off { role }
        } else {
            Meaning::Unknown
        };
    }
    match rest.next() {
        Some(Token::Sign('=')) => {}
        Some(Token::Word(word)) if word == "to" => {}
        _ => return Meaning::Unknown,
    }
    let mut classes = Vec::new();
    loop {
        match rest.next() {
            Some(Token::Text(text) | Token::Quoted(text) | Token::Word(text)) => {
                classes.extend(text.split(',').map(|class| class.trim().to_lowercase()));
            }
            // `-` takes a class away.
            _ => return Meaning::Unknown,
        }
        match rest.next() {
            None => break,
            Some(Token::Sign(',')) => {}
            Some(_) => return Meaning::Unknown,
        }
    }
    if classes
        .iter()
        .all(|class| class == "none" || class == "default")
    {
        Meaning::Off { role }
    } else {
        Meaning::Enrol {
            role,
            database,
            classes,
        }
    }
}

fn class(name: &str) -> Option<LogClass> {
    Some(match name {
        "all" => LogClass::All,
        "read" => LogClass::Read,
        "write" => LogClass::Write,
        "function" => LogClass::Function,
        "role" => LogClass::Role,
        "ddl" => LogClass::Ddl,
        "misc" => LogClass::Misc,
        "misc_set" => LogClass::MiscSet,
        _ => return None,
    })
}

fn enrol(
    at: &At,
    (role, database, classes): (String, Option<String>, Vec<String>),
    enrolment: &mut Enrolment,
) {
    let mut open = |what: String, help: &str| {
        enrolment.left.push(Leftover {
            at: at.clone(),
            what,
            help: help.to_owned(),
            is_open: true,
        });
    };
    if let Some(fault) = role_fault(&role) {
        open(fault, "write the name as `pg_roles` shows it");
        return;
    }
    let mut log = Vec::new();
    for name in &classes {
        match class(name) {
            Some(class) if !log.contains(&class) => log.push(class),
            Some(_) => {}
            None => {
                open(
                    format!(
                        "{}: {} is not a class that pgAudit can add",
                        quote(&role),
                        quote(name)
                    ),
                    "all classes are audited for this person instead: to audit less, narrow `audit: {log: [...]}` manually",
                );
                log = vec![LogClass::All];
                break;
            }
        }
    }
    if let Some(database) = database {
        open(
            format!(
                "{} is audited in the database {} only",
                quote(&role),
                quote(&database)
            ),
            "the entry audits the person in every database of the cluster",
        );
    }
    if enrolment.users.iter().any(|user| user.role == role) {
        open(
            format!("{} is enrolled twice", quote(&role)),
            "the first statement was used",
        );
        return;
    }
    let is_all = log.contains(&LogClass::All);
    enrolment.carried.push(Carried {
        at: at.clone(),
        name: format!("ALTER USER {role} SET pgaudit.log"),
        becomes: format!("rules/users.yaml: users, role {role}"),
        note: (!is_all).then(|| {
            "not all classes are logged: records of the others cannot be counted".to_owned()
        }),
    });
    enrolment.users.push(UserWish {
        role,
        log: (!is_all).then_some(log),
        remarks: Vec::new(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enrolment(text: &str) -> Enrolment {
        let mut enrolment = Enrolment::default();
        let input = Input {
            name: "setup.sql".to_owned(),
            text: text.to_owned(),
        };
        read(&input, &mut enrolment);
        enrolment
    }

    #[test]
    fn people_are_found_and_everything_else_is_told() {
        let text = "-- ALTER USER commented SET pgaudit.log TO 'all';\nCREATE EXTENSION IF NOT EXISTS pgaudit;\n\
                    ALTER USER Alice SET pgaudit.log TO 'all';\nALTER ROLE \"Bob;x\" SET pgaudit.log = 'read, write';\n\
                    alter user carol in database shop set pgaudit.log to 'all';\n/* ; /* nested */ ; */\n\
                    ALTER USER dave RESET pgaudit.log;\nALTER USER eve SET pgaudit.log TO 'all, -misc';\n\
                    ALTER USER alice SET pgaudit.log_relation TO on;\nSELECT 'a;b' FROM pg_user;\n\\echo done; really\n\
                    ALTER SYSTEM SET pgaudit.log = 'all';\nCREATE USER mallory PASSWORD 's3cr3t';\nDO $$ begin; end; $$;\n\
                    ALTER USER alice SET pgaudit.log TO 'all';\nALTER USER x SET pgaudit.log TO 'all\n";
        let found = enrolment(text);
        let roles: Vec<&str> = found.users.iter().map(|user| user.role.as_str()).collect();
        assert_eq!(roles, ["alice", "Bob;x", "carol", "eve"]);
        assert_eq!(found.users[0].log, None);
        assert_eq!(
            found.users[1].log,
            Some(vec![LogClass::Read, LogClass::Write])
        );
        let told: Vec<(usize, bool)> = found
            .left
            .iter()
            .map(|left| (left.at.line, left.is_open))
            .collect();
        assert_eq!(
            told,
            [
                (2, false),
                (5, true),
                (7, true),
                (8, true),
                (9, true),
                (10, false),
                (11, false),
                (12, true),
                (13, true),
                (14, true),
                (15, true),
                (16, true)
            ]
        );
        assert!(!format!("{found:?}").contains("s3cr3t"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[ -~\n\"'$;/*\\\\é]{0,200}") {
            let _ = enrolment(&text);
        }
    }
}
