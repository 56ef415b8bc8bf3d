//! The pgAudit record: the text after `AUDIT: ` of a message.
//!
//! `TYPE,STATEMENT_ID,SUBSTATEMENT_ID,CLASS,COMMAND,OBJECT_TYPE,OBJECT_NAME,STATEMENT,PARAMETER[,ROWS]`,
//! from `log_audit_event` in pgaudit.c. The form is the same from pgAudit 1.0 to 18; ROWS came with
//! `pgaudit.log_rows` in 1.6, and from 17 a statement is printed without its `;`.

use super::byte_set::ByteSet;
use super::field::{Field, FieldFault};
use memchr::memmem::Finder;
use std::borrow::Cow;
use std::sync::LazyLock;

/// What begins the message of every record.
pub const HEAD: &[u8] = b"AUDIT: ";

/// Which of pgAudit's two kinds of logging wrote a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `SESSION`: the statement's class is in `pgaudit.log`.
    Session,
    /// `OBJECT`: the relation is granted to `pgaudit.role`.
    Object,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Session => "SESSION",
            Self::Object => "OBJECT",
        }
    }
}

/// A statement or its parameters, as far as pgAudit was told to log them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text<'a> {
    /// The text itself. A null statement prints as an empty one.
    Logged(Field<'a>),
    /// `<none>`: the statement has no parameters.
    None,
    /// `<not logged>`: `pgaudit.log_statement` or `pgaudit.log_parameter` is off.
    NotLogged,
    /// `<previously logged>`: an earlier record of the same statement holds it
    /// (`pgaudit.log_statement_once`).
    PreviouslyLogged,
}

impl<'a> Text<'a> {
    /// A bind parameter may hold any of the three marks as its value; pgAudit prints it without
    /// quotes, so it cannot be told from the mark.
    fn of(field: Field<'a>) -> Self {
        if field.raw().first() != Some(&b'<') {
            return Self::Logged(field);
        }
        match field.raw() {
            b"<none>" => Self::None,
            b"<not logged>" => Self::NotLogged,
            b"<previously logged>" => Self::PreviouslyLogged,
            _ => Self::Logged(field),
        }
    }

    /// The decoded text, when it was logged.
    pub fn decoded(&self) -> Option<Cow<'a, [u8]>> {
        match self {
            Self::Logged(field) => Some(field.decoded()),
            Self::None | Self::NotLogged | Self::PreviouslyLogged => None,
        }
    }

    /// The bytes as printed, marks included.
    pub fn raw(&self) -> &'a [u8] {
        match self {
            Self::Logged(field) => field.raw(),
            Self::None => b"<none>",
            Self::NotLogged => b"<not logged>",
            Self::PreviouslyLogged => b"<previously logged>",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Session or object logging.
    pub kind: Kind,
    /// Counts the statements of a session; unique within it only.
    pub statement_id: u64,
    /// Counts the records of one statement.
    pub substatement_id: u64,
    /// `READ`, `WRITE`, `FUNCTION`, `ROLE`, `DDL` or `MISC`; never `MISC_SET`.
    pub class: &'a [u8],
    /// The command tag, such as `SELECT`, `TRUNCATE TABLE`, or `???` for a `MERGE` without
    /// `pgaudit.log_relation`.
    pub command: &'a [u8],
    /// `TABLE`, `FUNCTION`, …, when the record names an object or its type.
    pub object_type: Option<&'a [u8]>,
    /// The object, when the record names one: see [`super::QualifiedName`] for its parts. `GRANT`
    /// has a type and no name.
    pub object_name: Option<Field<'a>>,
    pub statement: Text<'a>,
    /// The bind parameters: see [`super::field::split_parameters`]. A long one is replaced by a mark
    /// (`<long param suppressed>` in the README, `<long field suppressed>` in pgaudit.c 16).
    pub parameters: Text<'a>,
    /// Rows read or changed, with `pgaudit.log_rows`.
    pub rows: Option<u64>,
    /// Everything from the class to the parameters, as printed: all but the numbers.
    pub body: &'a [u8],
}

/// What is wrong with a record, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at byte {at} of the record")]
pub struct RecordError {
    /// Offset in the text after `AUDIT: `.
    pub at: usize,
    /// What is wrong there.
    pub fault: RecordFault,
}

/// What can be wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordFault {
    /// Neither `SESSION` nor `OBJECT`.
    #[error("expected `SESSION` or `OBJECT`")]
    Kind,
    #[error("expected a number for the {0}")]
    Number(&'static str),
    /// Class, command or type holds what pgAudit never prints there.
    #[error("expected a plain word for the {0}")]
    Word(&'static str),
    /// The record ends early.
    #[error("the record ends before its {0}")]
    Missing(&'static str),
    /// A quote or a line break in a field without quotes.
    #[error("there is a quote or line break in the {0}, which is not quoted")]
    BareSpecial(&'static str),
    /// The closing quote is missing.
    #[error("the closing quote of the {0} is missing")]
    Unclosed(&'static str),
    /// Text between a closing quote and the next comma.
    #[error("there is text after the closing quote of the {0}")]
    AfterQuote(&'static str),
    /// More than pgAudit prints.
    #[error("there are more fields than a record has")]
    Trailing,
}

impl<'a> Record<'a> {
    /// Reads the text after `AUDIT: `, to its end.
    ///
    /// # Errors
    /// What pgAudit cannot have printed, with its place. Nothing is repaired: a record that was
    /// cut or forged must be seen as such.
    pub fn parse(text: &'a [u8]) -> Result<Self, RecordError> {
        let mut cursor = Cursor { text, at: 0 };
        let kind = match cursor.word("kind")? {
            b"SESSION" => Kind::Session,
            b"OBJECT" => Kind::Object,
            _ => {
                return Err(RecordError {
                    at: 0,
                    fault: RecordFault::Kind,
                });
            }
        };
        let statement_id = cursor.number("statement id")?;
        let substatement_id = cursor.number("substatement id")?;
        let body = cursor.at;
        let class = cursor.word("class")?;
        let command = cursor.word("command")?;
        let object_type = Some(cursor.word("object type")?).filter(|word| !word.is_empty());
        let object_name = Some(cursor.field("object name")?).filter(|field| !field.is_empty());
        cursor.comma("statement")?;
        let statement = Text::of(cursor.field("statement")?);
        cursor.comma("parameters")?;
        let parameters = Text::of(cursor.field("parameters")?);
        let body = text.get(body..cursor.at).unwrap_or_default();
        let rows = match cursor.rest() {
            [] => None,
            _ => {
                cursor.comma("rows")?;
                let at = cursor.at;
                let rows = parse_number(cursor.rest());
                Some(rows.ok_or(RecordError {
                    at,
                    fault: RecordFault::Trailing,
                })?)
            }
        };
        Ok(Self {
            kind,
            statement_id,
            substatement_id,
            class,
            command,
            object_type,
            object_name,
            statement,
            parameters,
            rows,
            body,
        })
    }
}

/// Whether `text` begins as a record does: `AUDIT: SESSION,1,1,` or `AUDIT: OBJECT,1,1,`.
pub fn starts_with_head(text: &[u8]) -> bool {
    let Some(text) = text.strip_prefix(HEAD) else {
        return false;
    };
    let after_kind = text
        .strip_prefix(b"SESSION,")
        .or_else(|| text.strip_prefix(b"OBJECT,"));
    after_kind
        .and_then(skip_number)
        .and_then(skip_number)
        .is_some()
}

/// Counts the places in `text` where a record could begin, up to `most`.
///
/// An entry holds one when it is a record and nobody typed another into a name or a statement. The
/// server writes `:` and spaces before a head (`LOG:  AUDIT: …`); a head without them begins nothing.
pub fn count_heads(text: &[u8], most: usize) -> usize {
    // Building a searcher costs more than searching most entries.
    static SEARCHER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(HEAD));
    SEARCHER
        .find_iter(text)
        .filter(|at| {
            let before = text.get(..*at).unwrap_or_default();
            let spaces = before
                .iter()
                .rev()
                .take_while(|byte| **byte == b' ')
                .count();
            let colon = before
                .len()
                .checked_sub(spaces + 1)
                .and_then(|at| before.get(at));
            spaces > 0 && colon == Some(&b':') && text.get(*at..).is_some_and(starts_with_head)
        })
        .take(most)
        .count()
}

fn skip_number(text: &[u8]) -> Option<&[u8]> {
    let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if len == 0 {
        return None;
    }
    text.get(len..)?.strip_prefix(b",")
}

fn parse_number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// A field of letters, digits, spaces and the like, and the comma after it.
    fn word(&mut self, name: &'static str) -> Result<&'a [u8], RecordError> {
        let rest = self.rest();
        let len = WORD_BYTES.span(rest);
        match rest.get(len) {
            Some(b',') => {
                self.at += len + 1;
                Ok(rest.get(..len).unwrap_or_default())
            }
            Some(_) => Err(RecordError {
                at: self.at + len,
                fault: RecordFault::Word(name),
            }),
            None => Err(RecordError {
                at: self.at + len,
                fault: RecordFault::Missing(name),
            }),
        }
    }

    fn number(&mut self, name: &'static str) -> Result<u64, RecordError> {
        let at = self.at;
        let mut value = 0u64;
        for byte in self.rest() {
            self.at += 1;
            let digit = match byte {
                b'0'..=b'9' => u64::from(byte - b'0'),
                b',' if self.at - at > 1 => return Ok(value),
                _ => break,
            };
            match value
                .checked_mul(10)
                .and_then(|value| value.checked_add(digit))
            {
                Some(next) => value = next,
                None => break,
            }
        }
        Err(RecordError {
            at,
            fault: RecordFault::Number(name),
        })
    }

    fn field(&mut self, name: &'static str) -> Result<Field<'a>, RecordError> {
        match Field::split(self.rest()) {
            Ok((field, len)) => {
                self.at += len;
                Ok(field)
            }
            Err(fault) => {
                let (at, fault) = match fault {
                    FieldFault::BareSpecial(at) => (at, RecordFault::BareSpecial(name)),
                    FieldFault::Unclosed(at) => (at, RecordFault::Unclosed(name)),
                    FieldFault::AfterQuote(at) => (at, RecordFault::AfterQuote(name)),
                };
                Err(RecordError {
                    at: self.at + at,
                    fault,
                })
            }
        }
    }

    /// The comma before the field `name`.
    fn comma(&mut self, name: &'static str) -> Result<(), RecordError> {
        match self.rest().first() {
            Some(b',') => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(RecordError {
                at: self.at,
                fault: RecordFault::Trailing,
            }),
            None => Err(RecordError {
                at: self.at,
                fault: RecordFault::Missing(name),
            }),
        }
    }
}

/// Bytes of kinds, classes, command tags and object types: none of PostgreSQL's tags or types
/// holds another.
static WORD_BYTES: ByteSet = ByteSet::alphanumeric_and(b" _?-");

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Record<'_> {
        Record::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn fault(text: &str) -> (usize, RecordFault) {
        let error = Record::parse(text.as_bytes()).expect_err(text);
        (error.at, error.fault)
    }

    fn text(text: Text<'_>) -> String {
        String::from_utf8(text.decoded().expect("logged").into_owned()).expect("utf-8")
    }

    /// The records of the measured lines and of the lines from AWS, word by word.
    #[test]
    fn parses_the_verified_records() {
        type Case = (
            &'static str,
            &'static str,
            &'static str,
            Option<&'static str>,
            Option<&'static str>,
            Option<u64>,
        );
        let cases: &[Case] = &[
            (
                "SESSION,11,1,MISC,???,,,\"merge into t1 using t2 on x;\",<not logged>",
                "MISC",
                "???",
                None,
                None,
                None,
            ),
            (
                "SESSION,73,1,READ,SELECT,,,\"with x as (insert into t2 values (12,'cte') returning *) select * from x;\",<not logged>",
                "READ",
                "SELECT",
                None,
                None,
                None,
            ),
            (
                "SESSION,36,2,WRITE,EXPLAIN,,,\"explain analyze insert into t2 values (11,'ea');\",<not logged>",
                "WRITE",
                "EXPLAIN",
                None,
                None,
                None,
            ),
            (
                "SESSION,42,1,ROLE,CREATE ROLE,,,create role bob login password <REDACTED>,<not logged>",
                "ROLE",
                "CREATE ROLE",
                None,
                None,
                None,
            ),
            (
                "SESSION,44,1,ROLE,GRANT,TABLE,,grant select on t1 to bob;,<not logged>",
                "ROLE",
                "GRANT",
                Some("TABLE"),
                None,
                None,
            ),
            (
                "SESSION,9,1,READ,SELECT,,,select * from t1;,<not logged>,7",
                "READ",
                "SELECT",
                None,
                None,
                Some(7),
            ),
            (
                "SESSION,24,1,READ,SELECT,TABLE,public.t2,<previously logged>,<previously logged>",
                "READ",
                "SELECT",
                Some("TABLE"),
                Some("public.t2"),
                None,
            ),
            (
                "SESSION,2,1,READ,SELECT,TABLE,public.t1,select count(*) from t1;,<none>",
                "READ",
                "SELECT",
                Some("TABLE"),
                Some("public.t1"),
                None,
            ),
            (
                "SESSION,114,1,MISC,BEGIN,,,BEGIN ISOLATION LEVEL REPEATABLE READ ,<not logged>",
                "MISC",
                "BEGIN",
                None,
                None,
                None,
            ),
            (
                "SESSION,1,1,DDL,DROP TABLE,TABLE,public.t3,drop table t3;,<not logged>",
                "DDL",
                "DROP TABLE",
                Some("TABLE"),
                Some("public.t3"),
                None,
            ),
            (
                "OBJECT,2,1,WRITE,INSERT,,,\"INSERT INTO test_table VALUES ('0002', 28);\",<not logged>",
                "WRITE",
                "INSERT",
                None,
                None,
                None,
            ),
            (
                "SESSION,3,1,READ,SELECT,TABLE,\"public.\"\"Odd, \"\"\"\"Name\"\"\",select 1,<none>",
                "READ",
                "SELECT",
                Some("TABLE"),
                Some("public.\"Odd, \"\"Name\""),
                None,
            ),
        ];
        for (text, class, command, object_type, object_name, rows) in cases {
            let record = parse(text);
            assert_eq!(record.class, class.as_bytes(), "{text}");
            assert_eq!(record.command, command.as_bytes(), "{text}");
            assert_eq!(record.object_type, object_type.map(str::as_bytes), "{text}");
            let name = record
                .object_name
                .map(|name| String::from_utf8(name.decoded().into_owned()).expect("utf-8"));
            assert_eq!(name.as_deref(), *object_name, "{text}");
            assert_eq!(record.rows, *rows, "{text}");
        }
    }

    #[test]
    fn tells_what_was_not_logged() {
        let record = parse(
            "SESSION,24,1,READ,SELECT,TABLE,public.t2,<previously logged>,<previously logged>",
        );
        assert_eq!(
            (record.statement, record.parameters),
            (Text::PreviouslyLogged, Text::PreviouslyLogged)
        );
        let record = parse("SESSION,24,1,READ,SELECT,,,<not logged>,<not logged>,0");
        assert_eq!(
            (record.statement, record.parameters, record.rows),
            (Text::NotLogged, Text::NotLogged, Some(0))
        );
        let record = parse("SESSION,24,1,READ,SELECT,,,select 1,<none>");
        assert_eq!(record.parameters, Text::None);
        let record = parse(
            "SESSION,2,1,READ,SELECT,,,\"select $1::text, $2::int, $3::text\",\"\"\"x,y \"\"\"\"q\"\"\"\"\n\tline2\"\",5,\"",
        );
        assert_eq!(text(record.statement), "select $1::text, $2::int, $3::text");
        let list = record.parameters.decoded().expect("logged");
        let values = crate::audit_log::field::split_parameters(&list).expect("list");
        assert_eq!(values, [&b"x,y \"q\"\nline2"[..], b"5", b""]);
        let record = parse("SESSION,2,1,READ,SELECT,,,select $1,<long param suppressed>,1");
        assert_eq!(text(record.parameters), "<long param suppressed>");
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        assert_eq!(fault(""), (0, RecordFault::Missing("kind")));
        assert_eq!(fault("SESSIONS,1"), (0, RecordFault::Kind));
        assert_eq!(
            fault("SESSION,x,1,"),
            (8, RecordFault::Number("statement id"))
        );
        assert_eq!(
            fault("SESSION,99999999999999999999,1,"),
            (8, RecordFault::Number("statement id"))
        );
        assert_eq!(
            fault("SESSION,1,1,READ,SEL\"ECT,"),
            (20, RecordFault::Word("command"))
        );
        assert_eq!(
            fault("SESSION,1,1,READ,SELECT,,,\"select 1"),
            (35, RecordFault::Unclosed("statement"))
        );
        assert_eq!(
            fault("SESSION,1,1,READ,SELECT,,,select 1"),
            (34, RecordFault::Missing("parameters"))
        );
        assert_eq!(
            fault("SESSION,1,1,READ,SELECT,,,a\"b,<none>"),
            (27, RecordFault::BareSpecial("statement"))
        );
        assert_eq!(
            fault("SESSION,1,1,READ,SELECT,,,\"a,\"b,<none>"),
            (30, RecordFault::AfterQuote("statement"))
        );
        assert_eq!(
            fault("SESSION,1,1,READ,SELECT,,,a,<none>,x"),
            (35, RecordFault::Trailing)
        );
        assert_eq!(
            fault("SESSION,1,1,READ,SELECT,,,a,<none>,1,2"),
            (35, RecordFault::Trailing)
        );
    }

    #[test]
    fn counts_heads() {
        assert_eq!(
            count_heads(
                b"LOG:  AUDIT: SESSION,1,1,x: AUDIT: OBJECT,12,3, AUDIT: OBJECT,12,3,",
                9
            ),
            2
        );
        assert_eq!(
            count_heads(b": AUDIT: SESSION,1, : AUDIT: SESSION,,1, : AUDIT: x", 9),
            0
        );
    }
}
