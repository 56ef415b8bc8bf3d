//! A matcher for the anchored patterns with many groups that take a log line's head apart.
//!
//! General engines find a match fast and its groups slowly. Heads are almost deterministic: what may
//! follow a loop tells where it ends. So this one walks the pattern once, remembers the few choices
//! that the next byte does not decide, and takes them back in the order of Perl (leftmost-first,
//! which is that of `regex-automata`). It gives up after a bounded number of steps, and on whatever
//! it does not know; then the general engine decides.

use std::fmt;

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

/// Larger programs are left to the general engine.
const MAX_INSTRUCTIONS: usize = 20_000;

/// A compiled pattern that begins with `^` or `\A`.
#[derive(Debug)]
pub(super) struct Head {
    code: Vec<Instruction>,
    start: usize,
}

/// What [`Head::run`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The slots hold the groups; the match ends here.
    Match {
        end: usize,
    },
    NoMatch,
    /// Too many steps: ask another engine.
    GaveUp,
}

/// The stack of choices, reused.
#[derive(Clone, Debug, Default)]
pub(super) struct Stack(Vec<Choice>);

#[derive(Clone, Copy, Debug)]
enum Choice {
    /// Go on at an instruction.
    Branch { at: usize, position: usize },
    /// Give back bytes of a greedy loop down to `low`; the next try is `high`.
    Shorter { at: usize, low: usize, high: usize },
    /// Let a lazy loop take one more byte.
    Longer {
        at: usize,
        position: usize,
        limit: usize,
    },
    /// Undo a group's bound.
    Restore { slot: usize, old: usize },
}

/// The bound of a group that took no part.
pub(super) const UNSET: usize = usize::MAX;

#[derive(Debug)]
enum Instruction {
    Match,
    Literal {
        bytes: Box<[u8]>,
        next: usize,
    },
    One {
        set: Box<Set>,
        next: usize,
    },
    /// A loop over one byte, perhaps the whole of a group.
    Many(Box<Many>),
    Split {
        first: usize,
        second: usize,
        sets: Box<(Set, Set)>,
    },
    Save {
        slot: usize,
        undo: bool,
        next: usize,
    },
    Start {
        next: usize,
    },
    End {
        next: usize,
    },
}

#[derive(Debug)]
struct Many {
    set: Set,
    least: usize,
    most: usize,
    lazy: bool,
    /// What follows cannot begin inside the loop: only its full length can do.
    possessive: bool,
    next: usize,
    after: Set,
    /// The slot of the group that the loop is.
    group: Option<usize>,
}

/// A set of bytes, and whether the end of the text belongs to it.
#[derive(Clone)]
struct Set {
    bytes: [bool; 256],
    end: bool,
    /// The bytes outside, if there are at most three: then the end of a loop is searched for.
    outside: Option<Vec<u8>>,
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.bytes.iter().filter(|inside| **inside).count();
        write!(f, "{count} bytes, end: {}", self.end)
    }
}

impl Set {
    fn new(bytes: [bool; 256], end: bool) -> Self {
        let outside: Vec<u8> = (0..=255)
            .zip(bytes)
            .filter(|(_, inside)| !inside)
            .map(|(byte, _)| byte)
            .collect();
        Self {
            bytes,
            end,
            outside: (outside.len() <= 3).then_some(outside),
        }
    }

    fn anything() -> Self {
        Self::new([true; 256], true)
    }

    fn only_end() -> Self {
        Self::new([false; 256], true)
    }

    fn byte(byte: u8) -> Self {
        let mut bytes = [false; 256];
        if let Some(place) = bytes.get_mut(usize::from(byte)) {
            *place = true;
        }
        Self::new(bytes, false)
    }

    fn class(class: &Class) -> Option<Self> {
        let Class::Bytes(class) = class else {
            return None;
        };
        let mut bytes = [false; 256];
        for range in class.ranges() {
            bytes
                .get_mut(usize::from(range.start())..=usize::from(range.end()))?
                .fill(true);
        }
        Some(Self::new(bytes, false))
    }

    fn or(mut self, other: &Self) -> Self {
        for (mine, theirs) in self.bytes.iter_mut().zip(other.bytes) {
            *mine |= theirs;
        }
        Self::new(self.bytes, self.end || other.end)
    }

    fn is_disjoint(&self, other: &Self) -> bool {
        !self
            .bytes
            .iter()
            .zip(other.bytes)
            .any(|(mine, theirs)| *mine && theirs)
    }

    #[inline]
    fn has(&self, byte: u8) -> bool {
        #[expect(clippy::indexing_slicing, reason = "a byte is less than 256")]
        self.bytes[usize::from(byte)]
    }

    /// Whether the text may go on like this at `position`.
    #[inline]
    fn admits(&self, text: &[u8], position: usize) -> bool {
        text.get(position).map_or(self.end, |byte| self.has(*byte))
    }

    /// How many of the first bytes belong to the set.
    #[inline]
    fn run(&self, text: &[u8]) -> usize {
        let stop = match self.outside.as_deref() {
            Some([]) => None,
            Some([a]) => memchr::memchr(*a, text),
            Some([a, b]) => memchr::memchr2(*a, *b, text),
            Some([a, b, c]) => memchr::memchr3(*a, *b, *c, text),
            _ => text.iter().position(|byte| !self.has(*byte)),
        };
        stop.unwrap_or(text.len())
    }
}

impl Head {
    /// Compiles a pattern with ASCII meaning; none if it does not begin at the start of the text or
    /// holds what this matcher does not know.
    pub(super) fn new(pattern: &str) -> Option<Self> {
        let mut parser = regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .build();
        let hir = parser.parse(pattern).ok()?;
        if !hir.properties().look_set_prefix().contains(Look::Start) {
            return None;
        }
        let mut head = Self {
            code: vec![Instruction::Match],
            start: 0,
        };
        head.start = head.emit(&hir, 0, &Set::anything(), true)?;
        Some(head)
    }

    fn push(&mut self, instruction: Instruction) -> Option<usize> {
        self.code.push(instruction);
        (self.code.len() <= MAX_INSTRUCTIONS).then(|| self.code.len() - 1)
    }

    /// Appends code for `hir` that goes on at `next`, where the text may begin as `after` says.
    ///
    /// `once` says that every match passes here exactly once: what a group got on a way that failed
    /// is then always overwritten, and need not be undone.
    fn emit(&mut self, hir: &Hir, next: usize, after: &Set, once: bool) -> Option<usize> {
        match hir.kind() {
            HirKind::Empty => Some(next),
            HirKind::Literal(literal) => self.push(Instruction::Literal {
                bytes: literal.0.clone(),
                next,
            }),
            HirKind::Class(class) => {
                let set = Box::new(Set::class(class)?);
                self.push(Instruction::One { set, next })
            }
            HirKind::Look(Look::Start) => self.push(Instruction::Start { next }),
            HirKind::Look(Look::End) => self.push(Instruction::End { next }),
            HirKind::Look(_) => None,
            // Groups without a name are never asked for.
            HirKind::Capture(capture) if capture.name.is_none() => {
                self.emit(&capture.sub, next, after, once)
            }
            HirKind::Capture(capture) => {
                let slot = usize::try_from(capture.index).ok()? * 2;
                if let (true, HirKind::Repetition(repetition)) = (once, capture.sub.kind())
                    && let Some(set) = single(&repetition.sub)
                {
                    return self.emit_many(repetition, set, next, after, Some(slot));
                }
                let close = self.push(Instruction::Save {
                    slot: slot + 1,
                    undo: !once,
                    next,
                })?;
                let inner = self.emit(&capture.sub, close, after, once)?;
                self.push(Instruction::Save {
                    slot,
                    undo: !once,
                    next: inner,
                })
            }
            HirKind::Concat(parts) => {
                let mut next = next;
                let mut after = after.clone();
                for part in parts.iter().rev() {
                    next = self.emit(part, next, &after, once)?;
                    after = first(part, &after)?;
                }
                Some(next)
            }
            HirKind::Alternation(branches) => {
                let mut branches = branches.iter().rev();
                let last = branches.next()?;
                let mut entry = self.emit(last, next, after, false)?;
                let mut starts = first(last, after)?;
                for branch in branches {
                    let start = self.emit(branch, next, after, false)?;
                    let set = first(branch, after)?;
                    let sets = Box::new((set.clone(), starts.clone()));
                    entry = self.push(Instruction::Split {
                        first: start,
                        second: entry,
                        sets,
                    })?;
                    starts = starts.or(&set);
                }
                Some(entry)
            }
            HirKind::Repetition(repetition) => self.emit_repetition(repetition, next, after),
        }
    }

    fn emit_many(
        &mut self,
        repetition: &Repetition,
        set: Set,
        next: usize,
        after: &Set,
        group: Option<usize>,
    ) -> Option<usize> {
        let (least, most) = bounds(repetition)?;
        self.push(Instruction::Many(Box::new(Many {
            possessive: set.is_disjoint(after),
            set,
            least,
            most,
            lazy: !repetition.greedy,
            next,
            after: after.clone(),
            group,
        })))
    }

    fn emit_repetition(
        &mut self,
        repetition: &Repetition,
        next: usize,
        after: &Set,
    ) -> Option<usize> {
        let sub = &repetition.sub;
        if let Some(set) = single(sub) {
            return self.emit_many(repetition, set, next, after, None);
        }
        let (least, most) = bounds(repetition)?;
        // A loop over what may be empty has rules of its own.
        if sub
            .properties()
            .minimum_len()
            .is_none_or(|length| length == 0)
        {
            return None;
        }
        let again = first(sub, after)?.or(after);
        let mut entry = next;
        let mut following = after.clone();
        if most == usize::MAX {
            let split = self.push(Instruction::Match)?;
            let inner = self.emit(sub, split, &again, false)?;
            let split_instruction =
                self.split(repetition.greedy, inner, next, &first(sub, &again)?, after);
            *self.code.get_mut(split)? = split_instruction;
            entry = split;
            following = again;
        } else {
            for _ in least..most {
                let inner = self.emit(sub, entry, &following, false)?;
                let set = first(sub, &following)?;
                let split = self.split(repetition.greedy, inner, next, &set, after);
                entry = self.push(split)?;
                following = set.or(after);
            }
        }
        for _ in 0..least {
            entry = self.emit(sub, entry, &following, false)?;
            following = first(sub, &following)?;
        }
        Some(entry)
    }

    fn split(
        &self,
        greedy: bool,
        inner: usize,
        next: usize,
        set: &Set,
        after: &Set,
    ) -> Instruction {
        if greedy {
            Instruction::Split {
                first: inner,
                second: next,
                sets: Box::new((set.clone(), after.clone())),
            }
        } else {
            Instruction::Split {
                first: next,
                second: inner,
                sets: Box::new((after.clone(), set.clone())),
            }
        }
    }

    /// Matches from the start of `text`. `slots` holds a start and an end for every group.
    pub(super) fn run(&self, text: &[u8], slots: &mut [usize], stack: &mut Stack) -> Found {
        slots.fill(UNSET);
        stack.0.clear();
        let budget = 2_000 + 16 * text.len();
        let mut walk = Walk {
            text,
            slots,
            stack: &mut stack.0,
            budget,
        };
        let mut at = self.start;
        let mut position = 0;
        loop {
            let next = self.step(at, position, &mut walk);
            (at, position) = match next {
                Step::To(at, position) => (at, position),
                Step::Matched => return Found::Match { end: position },
                Step::Failed => loop {
                    if walk.budget == 0 {
                        return Found::GaveUp;
                    }
                    walk.budget = walk.budget.saturating_sub(1);
                    match walk.stack.pop() {
                        None => return Found::NoMatch,
                        Some(choice) => {
                            if let Some(next) = self.retry(choice, &mut walk) {
                                break next;
                            }
                        }
                    }
                },
            };
        }
    }

    #[inline]
    fn step(&self, at: usize, position: usize, walk: &mut Walk<'_>) -> Step {
        let text = walk.text;
        match self.code.get(at) {
            None | Some(Instruction::Match) => Step::Matched,
            Some(Instruction::Literal { bytes, next }) => {
                let end = position + bytes.len();
                if text.get(position..end) == Some(bytes.as_ref()) {
                    Step::To(*next, end)
                } else {
                    Step::Failed
                }
            }
            Some(Instruction::One { set, next }) => match text.get(position) {
                Some(byte) if set.has(*byte) => Step::To(*next, position + 1),
                _ => Step::Failed,
            },
            Some(Instruction::Many(many)) => {
                let rest = text.get(position..).unwrap_or_default();
                let reach = rest.get(..many.most).unwrap_or(rest);
                let length = many.set.run(reach);
                walk.budget = walk.budget.saturating_sub(length);
                if length < many.least {
                    return Step::Failed;
                }
                walk.set(many.group, position);
                let (low, high) = (position + many.least, position + length);
                if many.possessive {
                    walk.set(many.group.map(|slot| slot + 1), high);
                    return Step::To(many.next, high);
                }
                let choice = if many.lazy {
                    Choice::Longer {
                        at,
                        position: low,
                        limit: high,
                    }
                } else {
                    Choice::Shorter { at, low, high }
                };
                many.repeat(choice, walk)
                    .map_or(Step::Failed, |(at, position)| Step::To(at, position))
            }
            Some(Instruction::Split {
                first,
                second,
                sets,
            }) => match (sets.0.admits(text, position), sets.1.admits(text, position)) {
                (true, true) => {
                    walk.stack.push(Choice::Branch {
                        at: *second,
                        position,
                    });
                    Step::To(*first, position)
                }
                (true, false) => Step::To(*first, position),
                (false, true) => Step::To(*second, position),
                (false, false) => Step::Failed,
            },
            Some(Instruction::Save { slot, undo, next }) => {
                // Without a choice to come back to, nothing is ever undone.
                if *undo && !walk.stack.is_empty() {
                    let old = walk.slots.get(*slot).copied().unwrap_or(UNSET);
                    walk.stack.push(Choice::Restore { slot: *slot, old });
                }
                walk.set(Some(*slot), position);
                Step::To(*next, position)
            }
            Some(Instruction::Start { next }) if position == 0 => Step::To(*next, position),
            Some(Instruction::End { next }) if position == text.len() => Step::To(*next, position),
            Some(Instruction::Start { .. } | Instruction::End { .. }) => Step::Failed,
        }
    }

    fn retry(&self, choice: Choice, walk: &mut Walk<'_>) -> Option<(usize, usize)> {
        match choice {
            Choice::Branch { at, position } => Some((at, position)),
            Choice::Restore { slot, old } => {
                walk.set(Some(slot), old);
                None
            }
            Choice::Shorter { at, .. } | Choice::Longer { at, .. } => match self.code.get(at) {
                Some(Instruction::Many(many)) => many.repeat(choice, walk),
                _ => None,
            },
        }
    }
}

impl Many {
    /// Ends the loop at the next length at which the text may go on, keeping the other lengths as a
    /// choice.
    fn repeat(&self, choice: Choice, walk: &mut Walk<'_>) -> Option<(usize, usize)> {
        let text = walk.text;
        let position = match choice {
            Choice::Shorter { at, low, high } => {
                let found = (low..=high)
                    .rev()
                    .find(|position| self.after.admits(text, *position));
                walk.budget = walk.budget.saturating_sub(high - found.unwrap_or(low));
                let position = found?;
                if position > low {
                    walk.stack.push(Choice::Shorter {
                        at,
                        low,
                        high: position - 1,
                    });
                }
                position
            }
            Choice::Longer {
                at,
                position: from,
                limit,
            } => {
                let found = (from..=limit).find(|position| self.after.admits(text, *position));
                walk.budget = walk.budget.saturating_sub(found.unwrap_or(limit) - from);
                let position = found?;
                if position < limit {
                    walk.stack.push(Choice::Longer {
                        at,
                        position: position + 1,
                        limit,
                    });
                }
                position
            }
            Choice::Branch { .. } | Choice::Restore { .. } => return None,
        };
        walk.set(self.group.map(|slot| slot + 1), position);
        Some((self.next, position))
    }
}

impl Walk<'_> {
    fn set(&mut self, slot: Option<usize>, position: usize) {
        if let Some(place) = slot.and_then(|slot| self.slots.get_mut(slot)) {
            *place = position;
        }
    }
}

/// One text on its way through a pattern.
struct Walk<'w> {
    text: &'w [u8],
    slots: &'w mut [usize],
    stack: &'w mut Vec<Choice>,
    /// Bytes and choices that may still be looked at.
    budget: usize,
}

enum Step {
    To(usize, usize),
    Matched,
    Failed,
}

fn bounds(repetition: &Repetition) -> Option<(usize, usize)> {
    let most = repetition
        .max
        .map_or(Some(usize::MAX), |most| usize::try_from(most).ok());
    Some((usize::try_from(repetition.min).ok()?, most?))
}

/// The set of a pattern that always matches exactly one byte.
fn single(hir: &Hir) -> Option<Set> {
    match hir.kind() {
        HirKind::Class(class) => Set::class(class),
        HirKind::Literal(literal) => match literal.0.as_ref() {
            [byte] => Some(Set::byte(*byte)),
            _ => None,
        },
        _ => None,
    }
}

/// How the text may begin where `hir` stands and what follows begins as `after`; never too small.
fn first(hir: &Hir, after: &Set) -> Option<Set> {
    Some(match hir.kind() {
        HirKind::Empty | HirKind::Look(Look::Start) => after.clone(),
        HirKind::Look(Look::End) => Set::only_end(),
        HirKind::Look(_) => return None,
        HirKind::Literal(literal) => literal
            .0
            .first()
            .map_or_else(|| after.clone(), |byte| Set::byte(*byte)),
        HirKind::Class(class) => Set::class(class)?,
        HirKind::Capture(capture) => first(&capture.sub, after)?,
        HirKind::Concat(parts) => {
            let mut set = after.clone();
            for part in parts.iter().rev() {
                set = first(part, &set)?;
            }
            set
        }
        HirKind::Alternation(branches) => {
            let mut sets = branches.iter().map(|branch| first(branch, after));
            let mut all = sets.next()??;
            for set in sets {
                all = all.or(&set?);
            }
            all
        }
        HirKind::Repetition(repetition) => {
            let once = first(&repetition.sub, after)?;
            if repetition.min == 0 || repetition.sub.properties().minimum_len() == Some(0) {
                once.or(after)
            } else {
                once
            }
        }
    })
}
