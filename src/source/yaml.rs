//! YAML text → [`Node`]: the only code that knows the YAML crate.
//!
//! The dialect is YAML 1.2 (core schema) without what makes configuration ambiguous or hard to
//! review: anchors, aliases, merge keys, tags, several documents, keys that are not text, and plain
//! scalars on which YAML readers disagree. Each of these is a [`Fault`] at its place, and the tree
//! comes out all the same, with [`Kind::Invalid`] where no value could be agreed on.

use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::files::{FileId, Place, SourceFiles};

/// Deepest nesting that is read.
pub const MAX_DEPTH: usize = 64;

/// A value in a document.
#[derive(Debug, Clone)]
pub struct Node {
    /// From its first to after its last byte.
    pub place: Place,
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone)]
pub enum Kind {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    /// Keys and values, in the order of the file, each key once.
    Mapping(Vec<Entry>),
    /// Something that a fault was reported for: it has no value, and needs no second report.
    Invalid,
}

#[derive(Debug, Clone)]
pub struct Scalar {
    /// Its text, quotes and escapes resolved.
    pub text: String,
    /// How it is written.
    pub style: Style,
    /// Where the text begins in the file, if the file contains it unchanged on one line.
    pub verbatim: Option<usize>,
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes: may be a number, a boolean or nothing.
    Plain,
    /// In quotes: text.
    Quoted,
    /// As a block after `|` or `>`: text.
    Block,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub struct Entry {
    pub key: String,
    /// The place of the key.
    pub key_place: Place,
    pub value: Node,
}

/// What a scalar means under the core schema of YAML 1.2.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    /// `true` or `false`.
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text,
}

impl Scalar {
    /// What the scalar means.
    pub fn value(&self) -> Value {
        if self.style != Style::Plain {
            return Value::Text;
        }
        match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
            "true" | "True" | "TRUE" => return Value::Boolean(true),
            "false" | "False" | "FALSE" => return Value::Boolean(false),
            _ => {}
        }
        let digits = self.text.strip_prefix(['-', '+']).unwrap_or(&self.text);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return match self.text.parse() {
                Ok(number) => Value::Integer(number),
                Err(_) => self.text.parse().map_or(Value::Text, Value::Float),
            };
        }
        // Rust accepts more floats than the core schema, which allows only these characters and requires a digit.
        let is_float = digits
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
            && digits.bytes().any(|byte| byte.is_ascii_digit())
            && digits.starts_with(|first: char| first.is_ascii_digit() || first == '.');
        match self.text.parse::<f64>() {
            Ok(number) if is_float && number.is_finite() => Value::Float(number),
            _ => Value::Text,
        }
    }
}

/// Something that policy files must not contain.
#[derive(Debug, Clone)]
pub struct Fault {
    pub kind: FaultKind,
    pub place: Place,
    /// The other place that it has to do with.
    pub other: Option<Place>,
}

/// The kinds of things that policy files must not contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// Not YAML, in words.
    Syntax(String),
    /// The marks that Git leaves where two changes meet.
    MergeConflict,
    /// A tab where YAML wants spaces.
    Tab,
    /// The key is repeated in its mapping; the first one is kept.
    DuplicateKey(String),
    /// `<<`.
    MergeKey,
    /// `&name` or `*name`.
    Alias,
    /// `!name`.
    Tag,
    SeveralDocuments,
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// A key that is not text.
    KeyNotText,
    /// A key without value, `~` or `null`.
    Null,
    /// `yes`, `no`, `on`, `off`, `y`, `n`: the boolean it is to readers of YAML 1.1.
    BooleanLike(bool),
    /// `012`.
    LeadingZero,
    /// `1:30`, `1_000`, `0x1f`, `0o17`, `.inf`: a number to some readers and text to others.
    NumberLike,
}

/// What was read from a file.
#[derive(Debug)]
pub struct Parsed {
    /// The document: nothing if the file is empty or is not YAML.
    pub root: Option<Node>,
    /// Everything in it that policy files must not contain, in the order of the file.
    pub faults: Vec<Fault>,
}

/// Reads a file. Time and memory are linear in its size.
pub fn parse(files: &SourceFiles, file: FileId) -> Parsed {
    let text = files.text(file);
    let skipped = if text.starts_with('\u{FEFF}') {
        '\u{FEFF}'.len_utf8()
    } else {
        0
    };
    let body = text.get(skipped..).unwrap_or_default();
    let conflicts = conflicts(body);
    if !conflicts.is_empty() {
        // Neither of the two sides is the content of the file.
        let faults = conflicts.into_iter().map(|span| Fault {
            kind: FaultKind::MergeConflict,
            place: Place::new(file, span.start + skipped..span.end + skipped),
            other: None,
        });
        return Parsed {
            root: None,
            faults: faults.collect(),
        };
    }
    let mut builder = Builder {
        file,
        text,
        offsets: Offsets::new(body, skipped),
        stack: Vec::new(),
        root: None,
        faults: Vec::new(),
    };
    let is_complete = builder.read(body);
    let root = if is_complete { builder.root } else { None };
    let mut faults = builder.faults;
    let is_told = |fault: &Fault| fault.kind == FaultKind::SeveralDocuments;
    if let Some(span) = early_end(body)
        && !faults.iter().any(is_told)
    {
        faults.push(Fault {
            kind: FaultKind::SeveralDocuments,
            place: Place::new(file, span.start + skipped..span.end + skipped),
            other: None,
        });
    }
    faults.sort_by_key(|fault| fault.place.span.start);
    Parsed { root, faults }
}

/// The first mark `...` with something after it: readers disagree on one before the document.
fn early_end(text: &str) -> Option<Range<usize>> {
    let mut mark = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let shown = line.trim();
        if mark.is_some() && !shown.is_empty() && !shown.starts_with('#') {
            return mark;
        }
        let is_mark = line
            .strip_prefix("...")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if is_mark {
            mark = Some(at..at + 3);
        }
        at += line.len();
    }
    None
}

/// The first line of each conflict that a merge left (git-merge(1), "HOW CONFLICTS ARE PRESENTED"). One mark alone may be text.
fn conflicts(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start: Option<Range<usize>> = None;
    let mut has_middle = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let shown = line.trim_end();
        let is = |mark: &str| {
            shown
                .strip_prefix(mark)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        if is("<<<<<<<") {
            start = Some(at..at + shown.len());
            has_middle = false;
        } else if is("=======") {
            has_middle = true;
        } else if is(">>>>>>>")
            && has_middle
            && let Some(first) = start.take()
        {
            found.push(first);
        }
        at += line.len();
    }
    found
}

/// Byte offsets of characters: the crate counts characters.
struct Offsets {
    of_character: Option<Vec<usize>>,
    skipped: usize,
    end: usize,
}

impl Offsets {
    fn new(body: &str, skipped: usize) -> Self {
        let of_character = (!body.is_ascii()).then(|| {
            body.char_indices()
                .map(|(offset, _)| offset + skipped)
                .collect()
        });
        Self {
            of_character,
            skipped,
            end: skipped + body.len(),
        }
    }

    fn byte(&self, character: usize) -> usize {
        match &self.of_character {
            Some(offsets) => offsets.get(character).copied().unwrap_or(self.end),
            None => (character + self.skipped).min(self.end),
        }
    }
}

enum Frame {
    Sequence {
        start: usize,
        items: Vec<Node>,
    },
    Mapping {
        start: usize,
        entries: Vec<Entry>,
        key: Option<Key>,
        seen: HashMap<String, Place>,
    },
}

/// A key whose value has not been read.
enum Key {
    /// Text, and whether its value counts.
    Text {
        text: String,
        place: Place,
        is_kept: bool,
    },
    /// Anything else: its value is dropped.
    Other,
}

struct Builder<'a> {
    file: FileId,
    text: &'a str,
    offsets: Offsets,
    stack: Vec<Frame>,
    root: Option<Node>,
    faults: Vec<Fault>,
}

impl Builder<'_> {
    fn read(&mut self, body: &str) -> bool {
        let mut parser = Parser::new_from_str(body);
        let mut documents = 0;
        loop {
            let (event, span) = match parser.next_event() {
                None => return true,
                Some(Ok(next)) => next,
                Some(Err(error)) => {
                    self.syntax_fault(error.marker().index(), error.info());
                    return false;
                }
            };
            let place = self.place(&span);
            match event {
                Event::Nothing | Event::StreamStart | Event::DocumentEnd => {}
                Event::StreamEnd => return true,
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        self.fault(FaultKind::SeveralDocuments, place);
                        return self.root.is_some();
                    }
                }
                Event::Alias(_) => {
                    self.fault(FaultKind::Alias, place.clone());
                    self.put(Node {
                        place,
                        kind: Kind::Invalid,
                    });
                }
                Event::Scalar(text, style, anchor, tag) => {
                    let place = if text.is_empty() && style == ScalarStyle::Plain {
                        Place::new(self.file, place.span.start..place.span.start)
                    } else {
                        self.trim(place, style)
                    };
                    self.decorations(anchor, tag.is_some(), place.span.start);
                    self.scalar(text.into_owned(), style, place);
                }
                Event::SequenceStart(anchor, tag) => {
                    self.decorations(anchor, tag.is_some(), place.span.start);
                    self.stack.push(Frame::Sequence {
                        start: place.span.start,
                        items: Vec::new(),
                    });
                }
                Event::MappingStart(anchor, tag) => {
                    self.decorations(anchor, tag.is_some(), place.span.start);
                    self.stack.push(Frame::Mapping {
                        start: place.span.start,
                        entries: Vec::new(),
                        key: None,
                        seen: HashMap::new(),
                    });
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(&place),
            }
            if self.stack.len() > MAX_DEPTH {
                self.fault(FaultKind::TooDeep, self.place(&span));
                return false;
            }
        }
    }

    fn place(&self, span: &Span) -> Place {
        let start = self.offsets.byte(span.start.index());
        let end = self.offsets.byte(span.end.index());
        Place::new(self.file, start..end.max(start))
    }

    /// The crate lets some spans run on over the white space after the value.
    fn trim(&self, place: Place, style: ScalarStyle) -> Place {
        let written = self.text.get(place.span.clone()).unwrap_or_default();
        let trimmed = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => {
                written.trim_end_matches(['\n', '\r', ' '])
            }
            _ => written.trim_end(),
        };
        let end = place.span.start + trimmed.len();
        Place::new(place.file, place.span.start..end)
    }

    fn fault(&mut self, kind: FaultKind, place: Place) {
        self.faults.push(Fault {
            kind,
            place,
            other: None,
        });
    }

    /// Anchors and tags stand before the place of what they belong to.
    fn decorations(&mut self, anchor: usize, has_tag: bool, start: usize) {
        for (sign, is_there, kind) in [
            ('&', anchor != 0, FaultKind::Alias),
            ('!', has_tag, FaultKind::Tag),
        ] {
            if !is_there {
                continue;
            }
            let before = self.text.get(..start).unwrap_or_default();
            let found = before.rfind(sign).unwrap_or(start);
            let rest = self.text.get(found..).unwrap_or_default();
            let length = rest
                .find(|c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}'))
                .unwrap_or(rest.len());
            self.fault(kind, Place::new(self.file, found..found + length));
        }
    }

    fn scalar(&mut self, text: String, style: ScalarStyle, place: Place) {
        let written = self.text.get(place.span.clone()).unwrap_or_default();
        let (style, verbatim) = match style {
            ScalarStyle::Plain => (Style::Plain, (written == text).then_some(place.span.start)),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                let inner = written.get(1..written.len().saturating_sub(1));
                (
                    Style::Quoted,
                    (inner == Some(&text)).then_some(place.span.start + 1),
                )
            }
            ScalarStyle::Literal | ScalarStyle::Folded => (Style::Block, None),
        };
        // Other readers refuse both.
        if style == Style::Plain && text.starts_with(['|', '>']) {
            self.syntax(
                "a text cannot begin with `|` or `>` inside brackets: quote it",
                &place,
            );
        }
        let is_key = matches!(self.stack.last(), Some(Frame::Mapping { key: None, .. }));
        if is_key && written.contains('\n') {
            self.syntax("a key must be on one line", &place);
        }
        let scalar = Scalar {
            text,
            style,
            verbatim,
        };
        if let Some(Frame::Mapping {
            key: key @ None,
            seen,
            ..
        }) = self.stack.last_mut()
        {
            if scalar.text == "<<" && style == Style::Plain {
                *key = Some(Key::Other);
                self.fault(FaultKind::MergeKey, place);
                return;
            }
            let twin = seen.get(&scalar.text).cloned();
            if twin.is_none() {
                seen.insert(scalar.text.clone(), place.clone());
            }
            *key = Some(Key::Text {
                text: scalar.text.clone(),
                place: place.clone(),
                is_kept: twin.is_none(),
            });
            if let Some(twin) = twin {
                self.faults.push(Fault {
                    kind: FaultKind::DuplicateKey(scalar.text),
                    place,
                    other: Some(twin),
                });
            } else if let Some(fault) = plain_fault(&scalar) {
                self.fault(fault, place);
            }
            return;
        }
        let kind = match plain_fault(&scalar) {
            Some(fault) => {
                // Nothing is written where a value is missing: the key is what can be underlined.
                let place = match self.stack.last() {
                    Some(Frame::Mapping {
                        key: Some(Key::Text { place: key, .. }),
                        ..
                    }) if place.span.is_empty() => key.clone(),
                    _ => place.clone(),
                };
                if !self.stack.is_empty() || fault != FaultKind::Null {
                    self.fault(fault, place);
                }
                Kind::Invalid
            }
            None => Kind::Scalar(scalar),
        };
        self.put(Node { place, kind });
    }

    fn syntax(&mut self, why: &str, place: &Place) {
        self.fault(FaultKind::Syntax(why.to_owned()), place.clone());
    }

    fn is_bracket(&self, at: usize) -> bool {
        self.text
            .get(at..)
            .is_some_and(|rest| rest.starts_with(['[', '{']))
    }

    fn close(&mut self, end: &Place) {
        let (start, kind, last) = match self.stack.pop() {
            Some(Frame::Sequence { start, items }) => {
                let last = items.last().map(|item| item.place.span.end);
                (start, Kind::Sequence(items), last)
            }
            Some(Frame::Mapping { start, entries, .. }) => {
                let last = entries
                    .last()
                    .map(|entry| entry.value.place.span.end.max(entry.key_place.span.end));
                (start, Kind::Mapping(entries), last)
            }
            None => return,
        };
        // A flow collection ends with its bracket, a block collection with its last value.
        let end = if self.is_bracket(start) {
            end.span.end
        } else {
            last.unwrap_or(start)
        };
        self.put(Node {
            place: Place::new(self.file, start..end.max(start)),
            kind,
        });
    }

    fn put(&mut self, node: Node) {
        let key_fault = match self.stack.last_mut() {
            None => {
                // A file of comments alone has an empty document.
                if !(matches!(node.kind, Kind::Invalid) && node.place.span.is_empty()) {
                    self.root = Some(node);
                }
                None
            }
            Some(Frame::Sequence { items, .. }) => {
                items.push(node);
                None
            }
            Some(Frame::Mapping { entries, key, .. }) => match key.take() {
                None => {
                    *key = Some(Key::Other);
                    (!matches!(node.kind, Kind::Invalid)).then(|| node.head())
                }
                Some(Key::Text {
                    text,
                    place,
                    is_kept: true,
                }) => {
                    entries.push(Entry {
                        key: text,
                        key_place: place,
                        value: node,
                    });
                    None
                }
                Some(Key::Text { .. } | Key::Other) => None,
            },
        };
        if let Some(place) = key_fault {
            self.fault(FaultKind::KeyNotText, place);
        }
    }

    /// The tab that the crate's message is about: it comes after the value that was being read, or before the next
    /// one.
    fn tab_near(&self, offset: usize, info: &str) -> Option<usize> {
        let behind = self.text.get(offset..)?;
        if info.contains("found a tab") {
            return behind.find('\t').map(|at| offset + at);
        }
        let before = self.text.get(..offset)?;
        (info.contains("YAML whitespace") && before.ends_with('\t')).then(|| offset - 1)
    }

    fn syntax_fault(&mut self, character: usize, info: &str) {
        let offset = self.offsets.byte(character);
        let line_start = self
            .text
            .get(..offset)
            .and_then(|before| before.rfind('\n'))
            .map_or(0, |end| end + 1);
        let line = self.text.get(line_start..).unwrap_or_default();
        let line = line.split('\n').next().unwrap_or_default();
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        let tab = line.get(..indentation).and_then(|blank| blank.find('\t'));
        if tab.is_none()
            && let Some(start) = self.tab_near(offset, info)
        {
            self.fault(FaultKind::Tab, Place::new(self.file, start..start + 1));
            return;
        }
        if let Some(tab) = tab.filter(|_| {
            info.contains("tab") || info.contains("expected") || info.contains("indent")
        }) {
            let start = line_start + tab;
            self.fault(FaultKind::Tab, Place::new(self.file, start..start + 1));
        } else if info.contains("recursion limit") {
            self.fault(
                FaultKind::TooDeep,
                Place::new(self.file, offset..offset + 1),
            );
        } else if info.contains("unknown anchor") {
            let length = self.text.get(offset..).map_or(0, |rest| {
                rest.find(char::is_whitespace).unwrap_or(rest.len())
            });
            self.fault(
                FaultKind::Alias,
                Place::new(self.file, offset..offset + length),
            );
        } else if self
            .text
            .get(offset..)
            .is_some_and(|rest| rest.trim().is_empty())
            && !self.text.trim().is_empty()
        {
            // The end of the file: underline the last there is.
            let end = self.text.trim_end().len();
            let start = self
                .text
                .trim_end()
                .char_indices()
                .next_back()
                .map_or(0, |(start, _)| start);
            let why = "the file ends in the middle: a quote or bracket is not closed, or a value is missing";
            self.fault(
                FaultKind::Syntax(why.to_owned()),
                Place::new(self.file, start..end),
            );
        } else {
            let rest = self.text.get(offset..).unwrap_or_default();
            let length = rest
                .chars()
                .next()
                .filter(|next| *next != '\n')
                .map_or(0, char::len_utf8);
            let place = if length > 0 || offset == line_start {
                Place::new(self.file, offset..offset + length)
            } else {
                // The end of a line: underline what stands before it.
                let from = line_start + indentation;
                Place::new(self.file, from.min(offset)..offset)
            };
            self.fault(FaultKind::Syntax(explain(info)), place);
        }
    }
}

/// The crate's messages, rewritten for people who write policy files.
fn explain(info: &str) -> String {
    let words = match info {
        "mapping values are not allowed in this context" => {
            "unexpected `:`: quote text that contains `: `, and align the keys of a mapping in one column"
        }
        "mapping keys are not allowed in this context" => "a key is not allowed here",
        "block sequence entries are not allowed in this context" => {
            "a list item is not allowed here"
        }
        "simple key expected" | "simple key expect ':'" => "a key lacks its `:`",
        "while parsing a block mapping, did not find expected key" => {
            "a key is expected here: check the indentation, and quotes that close too early"
        }
        "while parsing a block collection, did not find expected '-' indicator" => {
            "a `- ` is expected here: check the indentation"
        }
        "while parsing a flow sequence, expected ',' or ']'" => "a `,` or `]` is expected here",
        "while parsing a flow mapping, did not find expected ',' or '}'" => {
            "a `,` or `}` is expected here"
        }
        "while scanning a quoted scalar, found unexpected end of stream" | "unexpected eof" => {
            "the file ends inside a quoted text or a bracket"
        }
        "while parsing a quoted scalar, found unknown escape character" => {
            "unknown escape: write a backslash as `\\\\` in double quotes, or use single quotes, where it is an ordinary character"
        }
        "invalid trailing content after double-quoted scalar" => "text follows a closing quote",
        "while parsing a node, did not find expected node content" => "a value is expected here",
        "invalid indentation"
        | "invalid indentation in flow construct"
        | "invalid indentation in quoted scalar" => {
            "the indentation does not match the lines above"
        }
        other => other,
    };
    words.to_owned()
}

/// Words that YAML parsers read differently.
fn plain_fault(scalar: &Scalar) -> Option<FaultKind> {
    if scalar.style != Style::Plain {
        return None;
    }
    let text = scalar.text.as_str();
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(FaultKind::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            return Some(FaultKind::BooleanLike(true));
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            return Some(FaultKind::BooleanLike(false));
        }
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let all = |text: &str, allowed: fn(&u8) -> bool| {
        !text.is_empty() && text.as_bytes().iter().all(allowed)
    };
    if unsigned.len() > 1 && unsigned.starts_with('0') && all(unsigned, u8::is_ascii_digit) {
        return Some(FaultKind::LeadingZero);
    }
    let is_sexagesimal = unsigned.contains(':')
        && unsigned
            .split(':')
            .all(|part| (1..=2).contains(&part.len()) && all(part, u8::is_ascii_digit))
        && unsigned
            .split(':')
            .skip(1)
            .all(|part| part.parse::<u32>().is_ok_and(|number| number < 60));
    let is_underscored = unsigned.contains('_')
        && unsigned.starts_with(|c: char| c.is_ascii_digit())
        && all(unsigned, |byte| byte.is_ascii_digit() || *byte == b'_');
    let radix = |prefix: &str, digits: fn(&u8) -> bool| {
        unsigned
            .strip_prefix(prefix)
            .is_some_and(|rest| all(rest, digits))
    };
    let is_radix = radix("0x", |byte| byte.is_ascii_hexdigit() || *byte == b'_')
        || radix("0o", u8::is_ascii_digit)
        || radix("0b", |byte| matches!(byte, b'0' | b'1' | b'_'));
    let is_special = matches!(unsigned.to_ascii_lowercase().as_str(), ".inf" | ".nan");
    // `1e3` is a number in YAML 1.2 and text in YAML 1.1, which wants a point.
    let is_exponent = unsigned
        .split_once(['e', 'E'])
        .is_some_and(|(mantissa, exponent)| {
            all(mantissa, u8::is_ascii_digit)
                && all(exponent.trim_start_matches(['-', '+']), u8::is_ascii_digit)
        });
    // Beyond 64 bits some readers have big numbers, others floats.
    let is_huge = all(unsigned, u8::is_ascii_digit) && text.parse::<i64>().is_err();
    (is_sexagesimal || is_underscored || is_radix || is_special || is_exponent || is_huge)
        .then_some(FaultKind::NumberLike)
}

impl Node {
    /// The scalar's text, if the node is text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(scalar) if scalar.value() == Value::Text => Some(&scalar.text),
            _ => None,
        }
    }

    /// The entries of a mapping.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.value)
    }

    /// The same value as JSON; what is invalid becomes null, or is left out.
    pub fn to_json(&self, invalid: InvalidAs) -> serde_json::Value {
        use serde_json::Value as Json;
        let keeps = |node: &Node| invalid == InvalidAs::Null || !matches!(node.kind, Kind::Invalid);
        match &self.kind {
            Kind::Scalar(scalar) => match scalar.value() {
                Value::Null => Json::Null,
                Value::Boolean(value) => Json::Bool(value),
                Value::Integer(value) => Json::from(value),
                Value::Float(value) => Json::from(value),
                Value::Text => Json::from(scalar.text.as_str()),
            },
            Kind::Sequence(items) => Json::Array(
                items
                    .iter()
                    .filter(|item| keeps(item))
                    .map(|item| item.to_json(invalid))
                    .collect(),
            ),
            Kind::Mapping(entries) => Json::Object(
                entries
                    .iter()
                    .filter(|entry| keeps(&entry.value))
                    .map(|entry| (entry.key.clone(), entry.value.to_json(invalid)))
                    .collect(),
            ),
            Kind::Invalid => Json::Null,
        }
    }

    /// This document on top of a base: mappings merge key by key, everything else replaces. What
    /// comes from the base keeps its place there.
    #[must_use]
    pub fn over(self, base: Node) -> Node {
        let Node { place, kind } = self;
        let kind = match (kind, base.kind) {
            (Kind::Mapping(entries), Kind::Mapping(mut merged)) => {
                for entry in entries {
                    match merged.iter_mut().find(|known| known.key == entry.key) {
                        Some(known) => {
                            let below = std::mem::replace(&mut known.value.kind, Kind::Invalid);
                            let below = Node {
                                place: known.value.place.clone(),
                                kind: below,
                            };
                            known.value = entry.value.over(below);
                            known.key_place = entry.key_place;
                        }
                        None => merged.push(entry),
                    }
                }
                Kind::Mapping(merged)
            }
            (kind, _) => kind,
        };
        Node { place, kind }
    }
}

/// What replaces invalid values in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidAs {
    /// Null, so that every route is the same as in the tree.
    Null,
    Absent,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (SourceFiles, Parsed) {
        let mut files = SourceFiles::default();
        let file = files.add("a.yaml", text);
        let parsed = parse(&files, file);
        (files, parsed)
    }

    fn faults(text: &str) -> Vec<(FaultKind, String)> {
        let (files, parsed) = read(text);
        parsed
            .faults
            .into_iter()
            .map(|fault| (fault.kind, files.slice(&fault.place).to_owned()))
            .collect()
    }

    fn slices(node: &Node, files: &SourceFiles, out: &mut Vec<String>) {
        match &node.kind {
            Kind::Mapping(entries) => entries.iter().for_each(|entry| {
                assert_eq!(
                    files.slice(&entry.key_place).trim_matches(['"', '\'']),
                    entry.key
                );
                slices(&entry.value, files, out);
            }),
            Kind::Sequence(items) => items.iter().for_each(|item| slices(item, files, out)),
            _ => out.push(files.slice(&node.place).to_owned()),
        }
    }

    #[test]
    fn places_are_bytes_whatever_stands_before() {
        let text = "é: ü   # ö\n\"k\": 'x y'\nlist:\n  - a: 1\n    b: \"q\\n\"\n  - [ä, {c: d}]\nblock: |\n  one\n  two\nlast: end of\n  text\n";
        let (files, parsed) = read(text);
        assert!(parsed.faults.is_empty(), "{:?}", parsed.faults);
        let mut out = Vec::new();
        slices(&parsed.root.unwrap(), &files, &mut out);
        assert_eq!(
            out,
            [
                "ü",
                "'x y'",
                "1",
                "\"q\\n\"",
                "ä",
                "d",
                "one\n  two",
                "end of\n  text"
            ]
        );
    }

    #[test]
    fn places_survive_windows_line_ends_and_a_mark() {
        let (files, parsed) = read("\u{FEFF}a: b\r\nc:\r\n  - d\r\n");
        let mut out = Vec::new();
        slices(&parsed.root.unwrap(), &files, &mut out);
        assert_eq!(out, ["b", "d"]);
    }

    #[test]
    fn reports_what_readers_disagree_on() {
        use FaultKind::*;
        assert_eq!(
            faults("a: no\nb: 012\nc: 1:30\nd:\ne: ~\nf: 1_0\n"),
            [
                (BooleanLike(false), "no".into()),
                (LeadingZero, "012".into()),
                (NumberLike, "1:30".into()),
                (Null, "d".into()),
                (Null, "~".into()),
                (NumberLike, "1_0".into()),
            ]
        );
        assert_eq!(
            faults("a: 'no'\nb: \"012\"\nc: 2027-06-30\nd: true\ne: 10\nf: ::1\ng: -5\n"),
            []
        );
    }

    #[test]
    fn reports_what_hides_meaning() {
        use FaultKind::*;
        assert_eq!(
            faults("a: &x 1\nb: *x\nc: !t u\n<<: {d: 1}\na: 2\n? [k]\n: v\n"),
            [
                (Alias, "&x".into()),
                (Alias, "*x".into()),
                (Tag, "!t".into()),
                (MergeKey, "<<".into()),
                (DuplicateKey("a".into()), "a".into()),
                (KeyNotText, "k".into()),
            ]
        );
        assert_eq!(
            faults("a: 1\n---\nb: 2\n"),
            [(SeveralDocuments, "---".into())]
        );
        assert_eq!(faults("a:\n\tb: 1\n"), [(Tab, "\t".into())]);
        assert_eq!(faults("a:\n  - b: c\n  \td: 1\n"), [(Tab, "\t".into())]);
        assert_eq!(faults("a:\t1\n"), [(Tab, "\t".into())]);
        assert_eq!(faults("a: *x\n"), [(Alias, "*x".into())]);
        assert_eq!(faults(&"[".repeat(100_000)), [(TooDeep, "[".into())]);
    }

    #[test]
    fn an_end_before_the_end_is_one_fault() {
        for (text, place) in [
            ("...\n# x\na: b\n", "..."),
            ("# x\n... # y\na: b\n", "..."),
            ("a: b\n...\n---\nc: d\n", "---"),
        ] {
            let found = faults(text);
            assert_eq!(
                found,
                [(FaultKind::SeveralDocuments, place.to_owned())],
                "{text:?}"
            );
        }
        for text in ["a: b\n...\n", "a: b\n...\n# x\n\n", "a: |\n  ...\n  b\n"] {
            assert_eq!(faults(text), [], "{text:?}");
        }
    }

    #[test]
    fn comments_alone_are_an_empty_document() {
        for text in ["", "# x\n", "---\n", "---\n# x\n...\n"] {
            let (_, parsed) = read(text);
            assert!(
                parsed.root.is_none() && parsed.faults.is_empty(),
                "{text:?} {parsed:?}"
            );
        }
    }

    #[test]
    fn merges_mappings_and_keeps_places() {
        let mut files = SourceFiles::default();
        let base = files.add("base.yaml", "a: {x: 1, y: [1, 2]}\nb: 2\n");
        let child = files.add("child.yaml", "a: {y: [3]}\n");
        let merged = parse(&files, child)
            .root
            .unwrap()
            .over(parse(&files, base).root.unwrap());
        assert_eq!(
            merged.to_json(InvalidAs::Null),
            serde_json::json!({"a": {"x": 1, "y": [3]}, "b": 2})
        );
        assert_eq!(merged.get("b").unwrap().place.file, base);
        assert_eq!(merged.get("a").unwrap().get("y").unwrap().place.file, child);
    }
}
