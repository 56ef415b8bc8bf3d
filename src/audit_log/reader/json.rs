//! Finds the events in a stream of JSON without holding a document in memory.
//!
//! An event is: an element of a list at the top; an element of `events`, `logEvents`, `results` and the like of
//! an object at the top; or an object at the top that has none of these (JSON lines). Documents may
//! follow one another. What stands around such a list is handed on too: it may say that the list is not whole.
//!
//! Broken text costs as little as possible: a line break inside a string, which JSON does not
//! allow, or a value where none may stand, ends what was begun, and reading starts afresh.

use super::block::{Unit, UnitKind};
use super::cut::{Cut, Window};
use super::report::ReadReport;

const DEPTH_MAX: usize = 64;
/// Keys of the top object whose elements are events.
const CONTAINERS: [&[u8]; 7] = [
    b"events",
    b"logEvents",
    b"results",
    b"Records",
    b"records",
    b"data",
    b"entries",
];
/// The same, one object further in: OpenSearch (`hits.hits`), Loki (`data.result`), live tail.
const INNER_CONTAINERS: [&[u8]; 3] = [b"hits", b"result", b"sessionResults"];
const KEY_MAX: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    Object,
    List,
    /// A list whose elements are events.
    Events,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Expect {
    /// A value, or the end of an empty list.
    #[default]
    Value,
    FirstValueOrEnd,
    Key,
    FirstKeyOrEnd,
    Colon,
    CommaOrEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    Key,
    Value,
}

/// The event that has begun.
#[derive(Clone, Copy, Debug)]
struct Begun {
    /// Where, in the window; `None` when it is too long and is passed over.
    start: Option<usize>,
    line: u64,
    depth: usize,
    kind: UnitKind,
}

/// The state between two windows.
#[derive(Debug, Default)]
pub(super) struct JsonCutter {
    stack: Vec<Frame>,
    expect: Expect,
    string: Option<Inside>,
    /// The last byte was a backslash in a string.
    escaped: bool,
    /// In a number or a word.
    scalar: bool,
    begun: Option<Begun>,
    key: Vec<u8>,
    /// Passing over text up to the next line.
    noise: bool,
    /// After broken text, the remains of a list around it are no news.
    afresh: bool,
    /// Whether texts stand at the top, one a line.
    texts: bool,
    /// Whether an event may go on with the one before, so that the two must not be parted.
    joins: bool,
    /// Events that have ended and are kept for one that goes on with them.
    held: Vec<Unit>,
    /// What is held is too much to keep.
    release: bool,
    /// Looked at, from the start of the window.
    at: usize,
    /// Number of the line at `at`.
    line: u64,
}

impl JsonCutter {
    /// For a text with this beginning. CloudWatch's messages are whole.
    pub(super) fn new(head: &[u8]) -> Self {
        let has = |key: &[u8]| memchr::memmem::find(head, key).is_some();
        Self {
            texts: head.trim_ascii_start().first() == Some(&b'"'),
            joins: !has(b"\"message\"") && !has(b"\"@message\""),
            ..Self::default()
        }
    }

    pub(super) fn cut(&mut self, window: &Window<'_>, report: &mut ReadReport) -> Cut {
        if self.line == 0 {
            self.line = window.first_line;
        }
        let mut units = std::mem::take(&mut self.held);
        let text = window.text;
        while self.at < text.len() {
            if self.string.is_some() {
                self.in_string(text, window.file, &mut units, report);
            } else {
                self.outside(text, window.file, &mut units, report);
            }
        }
        if window.is_last {
            if let Some(begun) = self.begun.filter(|begun| {
                begun.kind == UnitKind::Whole && (!self.stack.is_empty() || self.string.is_some())
            }) {
                report.add_broken(window.file, begun.line, "the file ends inside this event");
            } else if !self.stack.is_empty() {
                report.add_broken(
                    window.file,
                    self.line,
                    "the file ends inside a JSON document",
                );
            }
            return Cut {
                len: text.len(),
                units,
            };
        }
        let mut len = self.begun.and_then(|begun| begun.start).unwrap_or(self.at);
        if self.joins && !std::mem::take(&mut self.release) {
            let keep = units
                .iter()
                .rposition(|unit| !goes_on(text.get(unit.start..unit.end).unwrap_or_default()))
                .unwrap_or(0);
            self.held = units.split_off(keep);
            len = self.held.first().map_or(len, |unit| unit.start.min(len));
            for unit in &mut self.held {
                unit.start -= len;
                unit.end -= len;
            }
        }
        self.at -= len;
        if let Some(Begun {
            start: Some(start), ..
        }) = &mut self.begun
        {
            *start -= len;
        }
        Cut { len, units }
    }

    /// The event that has begun fills the buffer and is too long to keep.
    pub(super) fn drop_unit(&mut self) {
        if !self.held.is_empty() {
            self.release = true;
        } else if let Some(begun) = &mut self.begun {
            begun.start = None;
        }
    }

    fn in_string(
        &mut self,
        text: &[u8],
        file: usize,
        units: &mut Vec<Unit>,
        report: &mut ReadReport,
    ) {
        if self.escaped {
            self.escaped = false;
            // An escaped line break is as illegal as a plain one.
            if text.get(self.at) != Some(&b'\n') {
                self.at += 1;
            }
            return;
        }
        let rest = text.get(self.at..).unwrap_or_default();
        let found = memchr::memchr3(b'"', b'\\', b'\n', rest);
        let taken = rest.get(..found.unwrap_or(rest.len())).unwrap_or_default();
        if self.string == Some(Inside::Key) && self.stack.len() <= 2 && self.key.len() < KEY_MAX {
            self.key.extend(taken.iter().take(KEY_MAX));
        }
        self.at += taken.len();
        match rest.get(taken.len()) {
            Some(b'"') => {
                self.at += 1;
                match self.string.take() {
                    Some(Inside::Key) => self.expect = Expect::Colon,
                    Some(Inside::Value) | None => self.end_value(units),
                }
            }
            Some(b'\\') => {
                self.at += 1;
                self.escaped = true;
            }
            Some(_) => self.broken(
                file,
                "there is a line break inside a JSON string; the event is left out",
                report,
            ),
            None => {}
        }
    }

    fn outside(
        &mut self,
        text: &[u8],
        file: usize,
        units: &mut Vec<Unit>,
        report: &mut ReadReport,
    ) {
        let Some(byte) = text.get(self.at).copied() else {
            return;
        };
        if self.noise {
            let rest = text.get(self.at..).unwrap_or_default();
            match memchr::memchr(b'\n', rest) {
                Some(end) => {
                    self.at += end;
                    self.noise = false;
                }
                None => self.at = text.len(),
            }
            return;
        }
        if self.scalar {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.') {
                self.at += 1;
                return;
            }
            self.scalar = false;
            self.end_value(units);
            return;
        }
        match byte {
            b'\n' => {
                self.line += 1;
                self.at += 1;
            }
            b' ' | b'\t' | b'\r' => self.at += 1,
            // Records of JSON text sequences, and the remains around broken text.
            0x1e if self.stack.is_empty() => self.at += 1,
            b',' | b']' | b'}' if self.stack.is_empty() && self.afresh => self.at += 1,
            b'{' | b'[' if self.takes_value() => self.open(byte, text, units, report, file),
            b'"' if self.takes_value() && (self.texts || !self.stack.is_empty()) => {
                self.begin_element();
                self.string = Some(Inside::Value);
                self.at += 1;
            }
            b'"' if matches!(self.expect, Expect::Key | Expect::FirstKeyOrEnd)
                && !self.stack.is_empty() =>
            {
                self.key.clear();
                self.string = Some(Inside::Key);
                self.at += 1;
            }
            b':' if self.expect == Expect::Colon => {
                self.expect = Expect::Value;
                self.at += 1;
            }
            b',' if self.expect == Expect::CommaOrEnd && !self.stack.is_empty() => {
                self.expect = if self.stack.last() == Some(&Frame::Object) {
                    Expect::Key
                } else {
                    Expect::Value
                };
                self.at += 1;
            }
            b'}' | b']' if self.closes(byte) => {
                self.stack.pop();
                self.at += 1;
                self.end_value(units);
            }
            _ if self.takes_value()
                && !self.stack.is_empty()
                && (byte.is_ascii_alphanumeric() || byte == b'-') =>
            {
                self.begin_element();
                self.scalar = true;
                self.at += 1;
            }
            _ if self.stack.is_empty() => {
                let rest = text.get(self.at..).unwrap_or_default();
                let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                report.add_foreign(
                    file,
                    self.line,
                    rest.get(..end).unwrap_or_default().trim_ascii_end(),
                );
                self.noise = true;
            }
            _ => self.broken(
                file,
                "this is not valid JSON; the rest of the line is left out",
                report,
            ),
        }
    }

    fn takes_value(&self) -> bool {
        matches!(self.expect, Expect::Value | Expect::FirstValueOrEnd)
    }

    fn closes(&self, byte: u8) -> bool {
        match self.stack.last() {
            Some(Frame::Object) => {
                byte == b'}' && matches!(self.expect, Expect::CommaOrEnd | Expect::FirstKeyOrEnd)
            }
            Some(_) => {
                byte == b']' && matches!(self.expect, Expect::CommaOrEnd | Expect::FirstValueOrEnd)
            }
            None => false,
        }
    }

    fn open(
        &mut self,
        byte: u8,
        text: &[u8],
        units: &mut Vec<Unit>,
        report: &mut ReadReport,
        file: usize,
    ) {
        if self.stack.len() >= DEPTH_MAX {
            self.broken(
                file,
                "JSON is nested too deeply; the rest of the line is left out",
                report,
            );
            return;
        }
        let names: &[&[u8]] = match &*self.stack {
            [Frame::Object] => &CONTAINERS,
            [Frame::Object, Frame::Object] => &INNER_CONTAINERS,
            _ => &[],
        };
        let is_container = byte == b'['
            && names.iter().any(|name| **name == self.key[..])
            && self
                .begun
                .is_some_and(|begun| begun.depth == 0 && !self.has_message(begun, text));
        match (self.stack.is_empty(), byte) {
            (true, b'[') => self.stack.push(Frame::Events),
            _ if is_container => {
                // The object is an envelope and no event.
                self.end_envelope(units);
                self.stack.push(Frame::Events);
            }
            (is_top, _) => {
                if is_top {
                    self.begun = Some(Begun {
                        start: Some(self.at),
                        line: self.line,
                        depth: 0,
                        kind: UnitKind::Whole,
                    });
                } else {
                    self.begin_element();
                }
                self.stack.push(if byte == b'{' {
                    Frame::Object
                } else {
                    Frame::List
                });
            }
        }
        self.expect = if byte == b'{' {
            Expect::FirstKeyOrEnd
        } else {
            Expect::FirstValueOrEnd
        };
        self.at += 1;
    }

    /// Whether a document has a message before the list at which it is read: then it is an event itself.
    fn has_message(&self, begun: Begun, text: &[u8]) -> bool {
        let before = begun.start.and_then(|start| text.get(start..self.at));
        before.is_some_and(|before| {
            [&b"\"message\""[..], b"\"@message\"", b"\"log\""]
                .iter()
                .any(|key| memchr::memmem::find(before, key).is_some())
        })
    }

    /// What stood before a list of events is handed on by itself.
    fn end_envelope(&mut self, units: &mut Vec<Unit>) {
        if let Some(begun) = self.begun.take()
            && let Some(start) = begun.start
        {
            units.push(Unit {
                start,
                end: self.at,
                line: begun.line,
                kind: UnitKind::Envelope,
            });
        }
    }

    /// Notes that an event begins, if one does.
    fn begin_element(&mut self) {
        if self.begun.is_none()
            && (self.stack.is_empty() || self.stack.last() == Some(&Frame::Events))
        {
            self.begun = Some(Begun {
                start: Some(self.at),
                line: self.line,
                depth: self.stack.len(),
                kind: UnitKind::Whole,
            });
        }
    }

    fn end_value(&mut self, units: &mut Vec<Unit>) {
        if let Some(begun) = self.begun
            && begun.depth == self.stack.len()
        {
            self.begun = None;
            if let Some(start) = begun.start {
                units.push(Unit {
                    start,
                    end: self.at,
                    line: begun.line,
                    kind: begun.kind,
                });
            }
        }
        // Behind a list of events the rest of its document is no event.
        if self.begun.is_none()
            && matches!(
                &*self.stack,
                [Frame::Object] | [Frame::Object, Frame::Object]
            )
        {
            self.begun = Some(Begun {
                start: Some(self.at),
                line: self.line,
                depth: 0,
                kind: UnitKind::Envelope,
            });
        }
        self.expect = if self.stack.is_empty() {
            Expect::Value
        } else {
            Expect::CommaOrEnd
        };
        if self.stack.is_empty() {
            self.afresh = false;
        }
    }

    fn broken(&mut self, file: usize, what: &str, report: &mut ReadReport) {
        let line = self.begun.map_or(self.line, |begun| begun.line);
        report.add_broken(file, line, what);
        let (at, line) = (self.at, self.line);
        // An object may begin right here; anything else is passed over up to the next line.
        let begins_here =
            self.string.is_none() && line > self.begun.map_or(line, |begun| begun.line);
        *self = Self {
            at,
            line,
            afresh: true,
            noise: !begins_here,
            texts: self.texts,
            joins: self.joins,
            ..Self::default()
        };
    }
}

/// Whether an event may go on with the one before it: it holds a text that begins with a TAB.
fn goes_on(event: &[u8]) -> bool {
    memchr::memmem::find(event, b"\"\\t").is_some()
        || memchr::memmem::find(event, b"\"\\u0009").is_some()
}
