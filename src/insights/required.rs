//! A text that every match of a pattern holds.
//!
//! It is found much faster than the pattern, and most log lines do not have it. Where it stands also
//! tells where a match may begin: `: +AUDIT: ` cannot match before the blanks and colons in front of
//! the first `AUDIT: `.

use memchr::memmem;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// Shorter texts stand in most lines.
const SHORTEST: usize = 3;

/// A literal that every match holds, and the bytes that may stand in a match before it.
#[derive(Debug)]
pub(super) struct Required {
    literal: memmem::Finder<'static>,
    before: Bytes,
}

/// A set of bytes.
type Bytes = [bool; 256];

impl Required {
    /// Looks for the longest literal that stands by itself in a pattern with ASCII meaning. None for
    /// patterns that begin at the start of the text: those fail fast by themselves.
    pub(super) fn of(pattern: &str) -> Option<Self> {
        let mut parser = regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .build();
        let hir = parser.parse(pattern).ok()?;
        if hir.properties().look_set_prefix().contains(Look::Start) {
            return None;
        }
        let mut search = Search {
            so_far: [false; 256],
            best: None,
        };
        search.sequence(&hir);
        let (literal, before) = search.best?;
        Some(Self {
            literal: memmem::Finder::new(&literal).into_owned(),
            before,
        })
    }

    /// A place before which no match begins; none if nothing in the text matches.
    ///
    /// Every match holds an occurrence of the literal, and from its start to there only bytes that
    /// the pattern allows before. So it begins behind the last other byte before the first
    /// occurrence.
    pub(super) fn start(&self, text: &[u8]) -> Option<usize> {
        let found = self.literal.find(text)?;
        let head = text.get(..found)?;
        let other = head.iter().rposition(|byte| !has(&self.before, *byte));
        Some(other.map_or(0, |at| at + 1))
    }
}

struct Search {
    /// The bytes that may stand before what comes next.
    so_far: Bytes,
    best: Option<(Box<[u8]>, Bytes)>,
}

impl Search {
    /// Goes through what has to match one after the other.
    fn sequence(&mut self, hir: &Hir) {
        match hir.kind() {
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.sequence(part)),
            HirKind::Capture(capture) => self.sequence(&capture.sub),
            HirKind::Literal(literal) => {
                let best = self.best.as_ref().map_or(SHORTEST - 1, |best| best.0.len());
                if literal.0.len() > best {
                    self.best = Some((literal.0.clone(), self.so_far));
                }
                add(&mut self.so_far, hir);
            }
            _ => add(&mut self.so_far, hir),
        }
    }
}

/// Adds every byte that a match of `hir` may hold.
fn add(bytes: &mut Bytes, hir: &Hir) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => literal.0.iter().for_each(|byte| set(bytes, *byte)),
        HirKind::Class(Class::Bytes(class)) => {
            for range in class.ranges() {
                (range.start()..=range.end()).for_each(|byte| set(bytes, byte));
            }
        }
        HirKind::Class(Class::Unicode(_)) => bytes.fill(true),
        HirKind::Repetition(repetition) => add(bytes, &repetition.sub),
        HirKind::Capture(capture) => add(bytes, &capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().for_each(|part| add(bytes, part));
        }
    }
}

fn set(bytes: &mut Bytes, byte: u8) {
    if let Some(place) = bytes.get_mut(usize::from(byte)) {
        *place = true;
    }
}

fn has(bytes: &Bytes, byte: u8) -> bool {
    bytes.get(usize::from(byte)).copied().unwrap_or(true)
}
