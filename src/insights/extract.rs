//! How `parse` takes a value apart.

use std::ops::Range;

use memchr::memmem;
use regex_automata::Input;
use regex_automata::meta;
use regex_automata::util::primitives::NonMaxUsize;
use regex_syntax::ast::Ast;

use super::regex;
use crate::policy::pattern::Fault;

/// A compiled pattern of `parse`.
#[derive(Debug)]
pub(super) enum Extractor {
    Glob(Glob),
    Regex(Captures),
    Whole(Whole),
}

/// A pattern whose only group is the whole text: it matches or not.
#[derive(Debug)]
pub(super) struct Whole {
    regex: meta::Regex,
}

/// The literal pieces of a glob: the first may stand anywhere, each `*` reaches to the first
/// occurrence of the next piece, a `*` at the end reaches to the end.
#[derive(Debug)]
pub(super) struct Glob {
    pieces: Vec<memmem::Finder<'static>>,
}

/// A regular expression with the groups that are wanted.
#[derive(Debug)]
pub(super) struct Captures {
    regex: meta::Regex,
    /// For each name its group's number, or none for the group of all the rest.
    groups: Vec<Option<usize>>,
    /// One for the start and one for the end of every group.
    slots: usize,
}

impl Glob {
    pub(super) fn new(text: &str) -> Self {
        let pieces = text
            .split('*')
            .map(|piece| memmem::Finder::new(piece.as_bytes()).into_owned());
        Self {
            pieces: pieces.collect(),
        }
    }

    /// Appends the place of every `*` in `text`; false when it does not match.
    fn run(&self, text: &[u8], found: &mut Vec<Option<Range<usize>>>) -> bool {
        let mut pieces = self.pieces.iter();
        let Some(mut at) = pieces
            .next()
            .and_then(|first| Some(first.find(text)? + first.needle().len()))
        else {
            return false;
        };
        let count = pieces.len();
        for (index, piece) in pieces.enumerate() {
            let rest = text.get(at..).unwrap_or_default();
            if piece.needle().is_empty() && index + 1 == count {
                found.push(Some(at..text.len()));
                return true;
            }
            let Some(length) = piece.find(rest) else {
                return false;
            };
            found.push(Some(at..at + length));
            at += length + piece.needle().len();
        }
        true
    }
}

impl Extractor {
    /// Compiles an accepted regular expression and returns its names in order.
    pub(super) fn regex(pattern: &str) -> Result<(Self, Vec<String>), Fault> {
        let ast = regex::accepted(pattern)?;
        if let Some(whole) = regex::whole_group(pattern, &ast) {
            let regex = regex::build(&whole.pattern)?;
            return Ok((Self::Whole(Whole { regex }), vec![whole.name]));
        }
        let (captures, names) = Captures::new(pattern, &ast)?;
        Ok((Self::Regex(captures), names))
    }
}

impl Whole {
    fn run(
        &self,
        text: &[u8],
        workspace: &mut Workspace,
        found: &mut Vec<Option<Range<usize>>>,
    ) -> bool {
        let cache = workspace
            .cache
            .get_or_insert_with(|| self.regex.create_cache());
        let matched = self
            .regex
            .search_half_with(cache, &Input::new(text))
            .is_some();
        if matched {
            found.push(Some(0..text.len()));
        }
        matched
    }
}

impl Captures {
    fn new(pattern: &str, ast: &Ast) -> Result<(Self, Vec<String>), Fault> {
        let rest = regex::rest_group(ast);
        let run = rest
            .as_ref()
            .map_or(pattern, |rest| pattern.get(..rest.head).unwrap_or(pattern));
        let regex = regex::build(run)?;
        let slots = regex.group_info().slot_len();
        let mut groups = Vec::new();
        let mut names = Vec::new();
        for (index, name) in regex
            .group_info()
            .pattern_names(regex_automata::PatternID::ZERO)
            .enumerate()
        {
            if let Some(name) = name {
                groups.push(Some(index));
                names.push(name.to_owned());
            }
        }
        if let Some(rest) = rest {
            groups.push(None);
            names.push(rest.name);
        }
        if names.is_empty() {
            return Err(
                Fault::new(0..pattern.len(), "this regular expression names no field")
                    .help("name the part to extract: `(?<name>…)`"),
            );
        }
        Ok((
            Self {
                regex,
                groups,
                slots,
            },
            names,
        ))
    }

    fn run(
        &self,
        text: &[u8],
        workspace: &mut Workspace,
        found: &mut Vec<Option<Range<usize>>>,
    ) -> bool {
        let Workspace { cache, slots } = workspace;
        let cache = cache.get_or_insert_with(|| self.regex.create_cache());
        if self
            .regex
            .search_slots_with(cache, &Input::new(text), slots)
            .is_none()
        {
            return false;
        }
        let bound = |slot: usize| slots.get(slot).copied().flatten().map(NonMaxUsize::get);
        let end = bound(1).unwrap_or_default();
        for group in &self.groups {
            found.push(match group {
                Some(group) => bound(group * 2)
                    .zip(bound(group * 2 + 1))
                    .map(|(start, end)| start..end),
                None => Some(end..text.len()),
            });
        }
        true
    }
}

/// What a search needs besides the pattern.
#[derive(Clone, Debug, Default)]
pub(super) struct Workspace {
    cache: Option<meta::Cache>,
    slots: Vec<Option<NonMaxUsize>>,
}

impl Extractor {
    pub(super) fn workspace(&self) -> Workspace {
        match self {
            Self::Glob(_) | Self::Whole(_) => Workspace::default(),
            Self::Regex(captures) => Workspace {
                slots: vec![None; captures.slots],
                ..Workspace::default()
            },
        }
    }

    /// Appends the place of each name in `text`, none where its group took no part. False when the
    /// text does not match; what was appended then means nothing.
    pub(super) fn run(
        &self,
        text: &[u8],
        workspace: &mut Workspace,
        found: &mut Vec<Option<Range<usize>>>,
    ) -> bool {
        match self {
            Self::Glob(glob) => glob.run(text, found),
            Self::Regex(captures) => captures.run(text, workspace, found),
            Self::Whole(whole) => whole.run(text, workspace, found),
        }
    }
}
