//! Writes entries as PostgreSQL and pgAudit do: for samples, for the attack analysis, for tests.
//!
//! Sources: `log_audit_event` and `append_valid_csv` in pgaudit.c; `log_line_prefix` and
//! `append_with_tabs` in elog.c.

use super::prefix::LogLinePrefix;
use super::record::Kind;

/// A statement or its parameters, to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextOut<'a> {
    Logged(&'a [u8]),
    /// `<none>`.
    None,
    /// `<not logged>`.
    NotLogged,
    /// `<previously logged>`.
    PreviouslyLogged,
}

/// The fields of a record, as values without quoting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordFields<'a> {
    /// Session or object logging.
    pub kind: Kind,
    /// Number of the statement in its session.
    pub statement_id: u64,
    /// Number of the record in its statement.
    pub substatement_id: u64,
    /// Such as `READ`.
    pub class: &'a [u8],
    /// Such as `SELECT`.
    pub command: &'a [u8],
    /// Such as `TABLE`; empty for none.
    pub object_type: &'a [u8],
    /// As `quote_qualified_identifier` prints it; empty for none.
    pub object_name: &'a [u8],
    pub statement: TextOut<'a>,
    /// The parameter list: see [`write_parameters`].
    pub parameters: TextOut<'a>,
    /// Rows, with `pgaudit.log_rows`.
    pub rows: Option<u64>,
}

impl Default for RecordFields<'_> {
    /// `SESSION,1,1,READ,SELECT,,,select 1,<not logged>`.
    fn default() -> Self {
        Self {
            kind: Kind::Session,
            statement_id: 1,
            substatement_id: 1,
            class: b"READ",
            command: b"SELECT",
            object_type: b"",
            object_name: b"",
            statement: TextOut::Logged(b"select 1"),
            parameters: TextOut::NotLogged,
            rows: None,
        }
    }
}

/// What the prefix of an entry prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixFields<'a> {
    /// The second, `2026-11-22 06:55:28`.
    pub second: &'a [u8],
    /// Milliseconds, printed by the long form.
    pub millisecond: u16,
    /// Such as `UTC`.
    pub zone: &'a [u8],
    /// Such as `10.0.1.123(50322)`, `[local]`; empty for a process that serves no client.
    pub client: &'a [u8],
    pub user: &'a [u8],
    pub database: &'a [u8],
    pub pid: u32,
    /// Printed by the long form for a process that serves a client.
    pub application_name: &'a [u8],
    /// Such as `LOG`.
    pub level: &'a [u8],
}

impl Default for PrefixFields<'_> {
    fn default() -> Self {
        Self {
            second: b"2026-11-22 06:55:28",
            millisecond: 765,
            zone: b"UTC",
            client: b"10.0.1.123(50322)",
            user: b"alice",
            database: b"shop",
            pid: 24298,
            application_name: b"psql",
            level: b"LOG",
        }
    }
}

/// Writes `text` as a CSV field: quoted when it holds a comma, a quote, CR or LF.
pub fn write_field(out: &mut Vec<u8>, text: &[u8]) {
    if !text
        .iter()
        .any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'))
    {
        out.extend_from_slice(text);
        return;
    }
    out.push(b'"');
    for byte in text {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

/// The text of the parameter field for these parameters; `None` stands for null.
pub fn write_parameters(parameters: &[Option<&[u8]>]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, parameter) in parameters.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        if let Some(text) = parameter {
            write_field(&mut out, text);
        }
    }
    out
}

/// The message of a record, `AUDIT: ` included, before PostgreSQL adds its TABs.
pub fn write_record(fields: &RecordFields<'_>) -> Vec<u8> {
    let mut out = format!(
        "AUDIT: {},{},{},",
        fields.kind.as_str(),
        fields.statement_id,
        fields.substatement_id
    )
    .into_bytes();
    for field in [
        fields.class,
        fields.command,
        fields.object_type,
        fields.object_name,
    ] {
        write_field(&mut out, field);
        out.push(b',');
    }
    write_text(&mut out, fields.statement);
    out.push(b',');
    write_text(&mut out, fields.parameters);
    if let Some(rows) = fields.rows {
        out.extend_from_slice(format!(",{rows}").as_bytes());
    }
    out
}

fn write_text(out: &mut Vec<u8>, text: TextOut<'_>) {
    match text {
        TextOut::Logged(text) => write_field(out, text),
        TextOut::None => out.extend_from_slice(b"<none>"),
        TextOut::NotLogged => out.extend_from_slice(b"<not logged>"),
        TextOut::PreviouslyLogged => out.extend_from_slice(b"<previously logged>"),
    }
}

/// The prefix of an entry, severity and its two spaces included. Names are printed as they are.
pub fn write_prefix(form: LogLinePrefix, fields: &PrefixFields<'_>) -> Vec<u8> {
    let mut out = fields.second.to_vec();
    if form == LogLinePrefix::Long {
        out.extend_from_slice(format!(".{:03}", fields.millisecond % 1000).as_bytes());
    }
    for part in [
        b" ",
        fields.zone,
        b":",
        fields.client,
        b":",
        fields.user,
        b"@",
        fields.database,
    ] {
        out.extend_from_slice(part);
    }
    out.extend_from_slice(format!(":[{}]:", fields.pid).as_bytes());
    if form == LogLinePrefix::Long {
        out.extend_from_slice(b"1:00000:");
        out.extend_from_slice(fields.second);
        out.push(b' ');
        out.extend_from_slice(fields.zone);
        out.extend_from_slice(format!(":3/2:0:6b029238.{:x}:", fields.pid).as_bytes());
        if !fields.client.is_empty() {
            out.extend_from_slice(fields.application_name);
            out.push(b':');
        }
    }
    out.extend_from_slice(fields.level);
    out.extend_from_slice(b":  ");
    out
}

/// A whole entry without its last line break: prefix, then the message with a TAB after each LF.
pub fn write_entry(form: LogLinePrefix, fields: &PrefixFields<'_>, message: &[u8]) -> Vec<u8> {
    let mut out = write_prefix(form, fields);
    for byte in message {
        out.push(*byte);
        if *byte == b'\n' {
            out.push(b'\t');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit_log::field::split_parameters;
    use crate::audit_log::record::{Record, Text};
    use crate::audit_log::{EntryKind, judge_entry};
    use proptest::prelude::*;

    /// Text in which the bytes that matter are frequent.
    fn hostile() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b",".to_vec()),
            Just(b"\"".to_vec()),
            Just(b"\n".to_vec()),
            Just(b"\r\n".to_vec()),
            Just(b"\t".to_vec()),
            Just(b":[7]:LOG:  ".to_vec()),
            Just(b"AUDIT: SESSION,1,1,READ,SELECT,,,".to_vec()),
            Just(b"<none>".to_vec()),
            "[a-z ;'()]{0,12}".prop_map(String::into_bytes),
            prop::collection::vec(1u8.., 0..6),
        ];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    fn is_mark(text: &[u8]) -> bool {
        matches!(text, b"<none>" | b"<not logged>" | b"<previously logged>")
    }

    fn value(text: Text<'_>) -> Option<Vec<u8>> {
        text.decoded().map(std::borrow::Cow::into_owned)
    }

    proptest! {
        #[test]
        fn a_written_record_reads_back(
            name in hostile(), statement in hostile(), parameters in prop::collection::vec(hostile(), 1..4),
            rows in prop::option::of(0..u64::MAX), long: bool,
        ) {
            let list = write_parameters(&parameters.iter().map(|text| Some(&text[..])).collect::<Vec<_>>());
            prop_assume!(!is_mark(&statement) && !is_mark(&list));
            let fields = RecordFields {
                class: b"WRITE", command: b"TRUNCATE TABLE", object_type: b"TABLE", object_name: &name,
                statement: TextOut::Logged(&statement), parameters: TextOut::Logged(&list), rows,
                ..RecordFields::default()
            };
            let form = if long { LogLinePrefix::Long } else { LogLinePrefix::Short };
            let entry = write_entry(form, &PrefixFields::default(), &write_record(&fields));
            let EntryKind::Audit { prefix, record, .. } = judge_entry(&entry, form) else {
                panic!("{:?}", judge_entry(&entry, form));
            };
            prop_assert_eq!(prefix.user, b"alice");
            prop_assert_eq!(prefix.database, b"shop");
            prop_assert_eq!(prefix.pid, 24298);
            prop_assert_eq!(record.command, b"TRUNCATE TABLE");
            let read_name = record.object_name.map(|field| field.decoded().into_owned()).unwrap_or_default();
            prop_assert_eq!(read_name, name);
            prop_assert_eq!(value(record.statement), Some(statement));
            prop_assert_eq!(value(record.parameters), Some(list.clone()));
            prop_assert_eq!(split_parameters(&list).expect("list"), parameters);
            prop_assert_eq!(record.rows, rows);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), hostile in hostile()) {
            for text in [&bytes, &hostile] {
                let _ = Record::parse(text);
                let _ = split_parameters(text);
                let _ = crate::audit_log::QualifiedName::parse(text);
                for form in LogLinePrefix::ALL {
                    let _ = judge_entry(text, form);
                    let mut entry = write_prefix(form, &PrefixFields::default());
                    entry.extend_from_slice(text);
                    let _ = judge_entry(&entry, form);
                    let names = PrefixFields { user: text, database: &bytes, application_name: &hostile, ..PrefixFields::default() };
                    let _ = judge_entry(&write_entry(form, &names, b"AUDIT: x"), form);
                }
            }
        }

        /// Whoever picks the names (63 bytes each), a deletion never passes as something else.
        #[test]
        fn no_name_hides_a_record(mut user in hostile(), mut database in hostile(), mut application in hostile(), long: bool) {
            user.truncate(63);
            database.truncate(63);
            application.truncate(63);
            application.retain(|byte| (b' '..=b'~').contains(byte));
            let form = if long { LogLinePrefix::Long } else { LogLinePrefix::Short };
            let names = PrefixFields { user: &user, database: &database, application_name: &application, ..PrefixFields::default() };
            let deletion = write_record(&RecordFields { class: b"WRITE", command: b"DELETE", ..RecordFields::default() });
            let entry = [write_prefix(form, &names), deletion].concat();
            match judge_entry(&entry, form) {
                EntryKind::Audit { prefix, record, doubt } => {
                    let right = prefix.user == user && prefix.database == database && record.command == b"DELETE";
                    prop_assert!(right || doubt.is_some(), "{}", String::from_utf8_lossy(&entry));
                }
                EntryKind::Suspicious { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
}
