//! An entry whose parts stand apart, in columns or keys, written again as the server writes it in text form: so that
//! one reader reads every record.

use crate::audit_log::prefix::{LogLinePrefix, Readings, split_level};
use crate::audit_log::timestamp::Timestamp;
use std::borrow::Cow;

/// The parts of an entry. What a form does not have is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    /// With or without milliseconds, and with the zone.
    pub(super) time: Cow<'a, [u8]>,
    /// As `%r` prints it: `10.0.1.23(50322)`, `[local]`, or nothing.
    pub(super) client: Cow<'a, [u8]>,
    pub(super) user: Cow<'a, [u8]>,
    pub(super) database: Cow<'a, [u8]>,
    pub(super) pid: Cow<'a, [u8]>,
    pub(super) line_number: Cow<'a, [u8]>,
    pub(super) sqlstate: Cow<'a, [u8]>,
    pub(super) session_start: Cow<'a, [u8]>,
    pub(super) virtual_transaction: Cow<'a, [u8]>,
    pub(super) transaction: Cow<'a, [u8]>,
    pub(super) session: Cow<'a, [u8]>,
    pub(super) application: Cow<'a, [u8]>,
    pub(super) level: Cow<'a, [u8]>,
    /// With line breaks as they were sent, without the TABs that the text form adds.
    pub(super) message: Cow<'a, [u8]>,
}

impl Parts<'_> {
    /// The entry with this prefix. What cannot be written so that it reads as the same again has no prefix: such an entry
    /// counts, and is nobody's.
    pub(super) fn write(&self, form: LogLinePrefix) -> Vec<u8> {
        let mut text = self.prefix(form).unwrap_or_default();
        let prefix = text.len();
        text.extend_from_slice(&self.level);
        text.extend_from_slice(b":  ");
        for byte in self.message.iter() {
            text.push(*byte);
            if *byte == b'\n' {
                text.push(b'\t');
            }
        }
        if prefix > 0 && !self.reads_back(form, &text) {
            text.drain(..prefix);
        }
        text
    }

    fn reads_back(&self, form: LogLinePrefix, text: &[u8]) -> bool {
        match form.readings(text) {
            // The judge knows what to think of doubts.
            Readings::Found { doubt: Some(_), .. } => true,
            Readings::Found { first, .. } => {
                first.user == &*self.user
                    && first.database == &*self.database
                    && first.client.text == &*self.client
                    && first.level == &*self.level
            }
            Readings::Foreign(_) => false,
        }
    }

    fn prefix(&self, form: LogLinePrefix) -> Option<Vec<u8>> {
        let (second, millisecond, zone) = split_time(&self.time)?;
        let mut text = second.to_vec();
        if form == LogLinePrefix::Long {
            text.push(b'.');
            text.extend_from_slice(millisecond);
        }
        let number = |part: &[u8]| {
            if !part.is_empty() && part.iter().all(u8::is_ascii_digit) {
                part.to_vec()
            } else {
                b"0".to_vec()
            }
        };
        for part in [
            b" ",
            zone,
            b":",
            &self.client,
            b":",
            &self.user,
            b"@",
            &self.database,
            b":[",
            &number(&self.pid),
            b"]:",
        ] {
            text.extend_from_slice(part);
        }
        if form == LogLinePrefix::Long {
            let start = split_time(&self.session_start).map_or_else(
                || [second, b" ", zone].concat(),
                |(second, _, zone)| [second, b" ", zone].concat(),
            );
            let sqlstate: &[u8] = match self.sqlstate.len() {
                5 => &self.sqlstate,
                _ => b"00000",
            };
            let session: &[u8] = match self.session.contains(&b'.') {
                true => &self.session,
                false => b"0.0",
            };
            for part in [
                &*number(&self.line_number),
                b":",
                sqlstate,
                b":",
                &start,
                b":",
                &self.virtual_transaction,
                b":",
                &number(&self.transaction),
                b":",
                session,
                b":",
            ] {
                text.extend_from_slice(part);
            }
            if !self.client.is_empty() {
                let name: &[u8] = match self.application.is_empty() {
                    true => b"[unknown]",
                    false => &self.application,
                };
                text.extend_from_slice(name);
                text.push(b':');
            }
        }
        Some(text)
    }
}

/// Second, millisecond and zone of a time as PostgreSQL prints it.
fn split_time(time: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (millisecond, zone): (&[u8], _) = if Timestamp::split(time, true).is_some() {
        (time.get(20..23)?, time.get(24..)?)
    } else {
        Timestamp::split(time, false)?;
        (b"000", time.get(20..)?)
    };
    Some((time.get(..19)?, millisecond, zone))
}

/// A client as `%r` prints it, of `host:port` (csvlog), `[local]`, or a host alone.
pub(super) fn client_of(text: &[u8]) -> Vec<u8> {
    if text.is_empty() || text == b"[local]" {
        return text.to_vec();
    }
    match text.iter().rposition(|byte| *byte == b':') {
        Some(at) => client_with(
            text.get(..at).unwrap_or_default(),
            text.get(at + 1..).unwrap_or_default(),
        ),
        None => client_with(text, b""),
    }
}

/// A client of a host and a port that stand apart. Without a port it is printed with the port 0, which nobody has.
pub(super) fn client_with(host: &[u8], port: &[u8]) -> Vec<u8> {
    if host.is_empty() || host == b"[local]" {
        return host.to_vec();
    }
    let port: &[u8] = if port.is_empty() { b"0" } else { port };
    [host, b"(", port, b")"].concat()
}

/// An entry with one of RDS's two prefixes, written with the other. `None` if it cannot be read in exactly one way.
pub(super) fn rewrite(entry: &[u8], from: LogLinePrefix, to: LogLinePrefix) -> Option<Vec<u8>> {
    let Readings::Found { first, doubt, .. } = from.readings(entry) else {
        return None;
    };
    if doubt.is_some_and(|doubt| !doubt.is_only_names()) {
        return None;
    }
    // Behind the prefix the entry stays as it is, byte for byte: its message is the rest of it.
    let pid = first.pid.to_string();
    let parts = Parts {
        time: Cow::Borrowed(first.timestamp.text),
        client: Cow::Borrowed(first.client.text),
        user: Cow::Borrowed(first.user),
        database: Cow::Borrowed(first.database),
        pid: Cow::Owned(pid.into_bytes()),
        application: Cow::Borrowed(first.application_name.unwrap_or_default()),
        ..Parts::default()
    };
    let mut text = parts.prefix(to)?;
    text.extend_from_slice(first.level);
    text.extend_from_slice(b":  ");
    text.extend_from_slice(first.message);
    match to.readings(&text) {
        Readings::Found { .. } => Some(text),
        Readings::Foreign(_) => None,
    }
}

/// The severity of an entry and its message, where a prefix ends.
pub(super) fn level_and_message(text: &[u8]) -> Option<(&[u8], &[u8])> {
    split_level(text).map(|message| (message.level, message.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_written_as_the_server_writes_them() {
        let parts = Parts {
            time: Cow::Borrowed(b"2026-11-22 06:55:28.765 UTC"),
            client: Cow::Borrowed(b"10.0.1.23(50322)"),
            user: Cow::Borrowed(b"alice"),
            database: Cow::Borrowed(b"shop"),
            pid: Cow::Borrowed(b"4711"),
            level: Cow::Borrowed(b"LOG"),
            message: Cow::Borrowed(b"AUDIT: a\nb"),
            ..Parts::default()
        };
        assert_eq!(
            parts.write(LogLinePrefix::Short),
            b"2026-11-22 06:55:28 UTC:10.0.1.23(50322):alice@shop:[4711]:LOG:  AUDIT: a\n\tb"
        );
        assert_eq!(
            parts.write(LogLinePrefix::Long),
            b"2026-11-22 06:55:28.765 UTC:10.0.1.23(50322):alice@shop:[4711]:0:00000:2026-11-22 06:55:28 UTC::0:0.0:[unknown]:LOG:  AUDIT: a\n\tb"
        );
        let short = parts.write(LogLinePrefix::Short);
        let long = rewrite(&short, LogLinePrefix::Short, LogLinePrefix::Long).unwrap();
        assert_eq!(
            rewrite(&long, LogLinePrefix::Long, LogLinePrefix::Short).unwrap(),
            short
        );
        let nobody = Parts {
            time: Cow::Borrowed(b"today"),
            ..parts
        };
        assert_eq!(nobody.write(LogLinePrefix::Short), b"LOG:  AUDIT: a\n\tb");
    }

    #[test]
    fn clients_are_written_as_the_prefix_prints_them() {
        assert_eq!(client_of(b"10.0.1.23:50322"), b"10.0.1.23(50322)");
        assert_eq!(client_of(b"::1:50322"), b"::1(50322)");
        assert_eq!(client_of(b"[local]"), b"[local]");
        assert_eq!(client_of(b""), b"");
        assert_eq!(client_with(b"db.example", b""), b"db.example(0)");
    }
}
