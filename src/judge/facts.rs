//! The fields of one record that the judge uses. Expensive ones are computed when a condition first needs them.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::statement::{Changes, Reading};
use crate::audit_log::prefix::Prefix;
use crate::audit_log::record::{Record, Text};
use crate::policy::model::Field;

pub(super) struct Facts<'a> {
    pub(super) user: &'a [u8],
    pub(super) database: &'a [u8],
    /// Client address without the port.
    pub(super) client: &'a [u8],
    pub(super) class: &'a [u8],
    pub(super) command: &'a [u8],
    /// Empty where there is none.
    pub(super) object_type: &'a [u8],
    /// The object as it is printed, CSV quoting included: what is quoted is not a plain name. Empty where there is none.
    pub(super) object: &'a [u8],
    /// The text; `None` where pgAudit did not log it.
    pub(super) statement: Option<Sql<'a>>,
    /// Days since 1970, in UTC; `None` where it cannot be read. No exclusion that ends silences such a record.
    pub(super) day: Option<i32>,
    /// What the client calls itself, and the entry's message.
    pub(super) application: &'a [u8],
    pub(super) message: &'a [u8],
}

impl<'a> Facts<'a> {
    pub(super) fn of(prefix: &Prefix<'a>, record: &Record<'a>, day: Option<i32>) -> Self {
        Self {
            user: prefix.user,
            database: prefix.database,
            client: prefix.client.host,
            class: record.class,
            command: record.command,
            object_type: record.object_type.unwrap_or_default(),
            object: record
                .object_name
                .map(|name| name.raw())
                .unwrap_or_default(),
            statement: Sql::of(record.statement),
            day,
            application: prefix.application_name.unwrap_or_default(),
            message: prefix.message,
        }
    }

    /// Writes everything that [`Facts::of`] uses, so records with the same bytes have the same outcome. The numbers
    /// in the message are left out, because no condition uses them.
    pub(super) fn key(prefix: &Prefix<'a>, record: &Record<'a>, day: i32, key: &mut Vec<u8>) {
        key.clear();
        key.extend_from_slice(&day.to_ne_bytes());
        for name in [
            prefix.user,
            prefix.database,
            prefix.client.host,
            prefix.application_name.unwrap_or_default(),
        ] {
            key.extend_from_slice(&name.len().to_ne_bytes());
            key.extend_from_slice(name);
        }
        key.extend_from_slice(record.body);
    }

    pub(super) fn value(&self, field: Field) -> &'a [u8] {
        match field {
            Field::User => self.user,
            Field::Database => self.database,
            Field::Client => self.client,
            Field::Class => self.class,
            Field::Command => self.command,
            Field::ObjectType => self.object_type,
        }
    }

    /// Whether anything behind the prefix names a setting that decides what is logged.
    pub(super) fn tampers(&self) -> bool {
        super::scope::tampers(self.message)
            || (!self.application.is_empty() && super::scope::tampers(self.application))
    }

    /// Whether the statement changes what the names in later ones mean, or whose rights they have.
    pub(super) fn changes_session(&self) -> bool {
        self.statement.as_ref().is_some_and(|sql| {
            let has = |part: &str| memchr::memmem::find(sql.lower(), part.as_bytes()).is_some();
            (has("set_config") || (has("update") && has("pg_settings"))) && {
                let changes = sql.changes();
                changes.path || changes.role
            }
        })
    }
}

/// The text of a statement.
pub(super) struct Sql<'a> {
    text: Cow<'a, [u8]>,
    lower: OnceCell<Vec<u8>>,
    words: OnceCell<Vec<u8>>,
    reading: OnceCell<Reading>,
    changes: OnceCell<Changes>,
}

impl<'a> Sql<'a> {
    /// No statement begins with `<`, as pgAudit's marks do (`<not logged>`).
    fn of(text: Text<'a>) -> Option<Self> {
        let text = text.decoded()?;
        (!text.starts_with(b"<")).then(|| Self {
            text,
            lower: OnceCell::new(),
            words: OnceCell::new(),
            reading: OnceCell::new(),
            changes: OnceCell::new(),
        })
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The text in lower case, as far as ASCII goes.
    pub(super) fn lower(&self) -> &[u8] {
        self.lower.get_or_init(|| self.text.to_ascii_lowercase())
    }

    /// The text as `equals` compares it: see [`words`].
    pub(super) fn words(&self) -> &[u8] {
        self.words.get_or_init(|| words(&self.text))
    }

    pub(super) fn reading(&self) -> &Reading {
        self.reading.get_or_init(|| Reading::of(&self.text))
    }

    pub(super) fn changes(&self) -> Changes {
        *self.changes.get_or_init(|| Changes::of(&self.text))
    }
}

/// A text in lower case, with one blank for each run of white space, without white space and one semicolon at its end.
pub(super) fn words(text: &[u8]) -> Vec<u8> {
    let text = trim_end(text);
    let text = text.strip_suffix(b";").map_or(text, trim_end);
    let mut joined = Vec::with_capacity(text.len());
    for word in text.split(|byte| is_space(*byte)) {
        if !word.is_empty() {
            if !joined.is_empty() {
                joined.push(b' ');
            }
            joined.extend(word.iter().map(u8::to_ascii_lowercase));
        }
    }
    joined
}

fn trim_end(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !is_space(*byte));
    text.get(..end.map_or(0, |at| at + 1)).unwrap_or_default()
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
