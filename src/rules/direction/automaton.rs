//! The shortest text that some regular expressions allow and others do not.
//!
//! The automata are the compiled query's own expressions, determinised only as far as the search
//! goes, over bytes and with the interpreter's meaning. Every search has limits; beyond them the
//! answer is [`Shortest::TooLarge`].

use std::collections::{BTreeMap, HashMap, VecDeque};

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};

/// Bytes that the NFA of one expression may take.
const NFA_BYTES_MAX: usize = 8 << 20;

/// Bytes that the determinised part of one expression may take.
const CACHE_BYTES: usize = 8 << 20;

/// A `like` or `not like` on one field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Condition {
    /// The expression, searched anywhere in the field, as the query contains it.
    pub(super) expression: String,
    /// Whether it must be found, or must not be.
    pub(super) found: bool,
}

impl Condition {
    pub(super) fn found(expression: impl Into<String>) -> Self {
        Self {
            expression: expression.into(),
            found: true,
        }
    }

    pub(super) fn absent(expression: impl Into<String>) -> Self {
        Self {
            expression: expression.into(),
            found: false,
        }
    }
}

/// Bytes that a text may be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// Every byte: for proofs.
    Bytes,
    /// Printable ASCII, tab, CR and LF: for texts that people read.
    Readable,
}

/// What a search came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shortest {
    /// There is no such text.
    None,
    Text(Vec<u8>),
    /// A limit was reached, or an expression cannot be compiled.
    TooLarge,
}

/// Finds the shortest text for which every condition of `all` holds and, in each group of `none_of`,
/// at least one condition does not. It visits at most `states` states of the product.
pub(super) fn shortest(
    all: &[Condition],
    none_of: &[Vec<Condition>],
    alphabet: Alphabet,
    states: usize,
) -> Shortest {
    Product::new(all, none_of)
        .and_then(|mut product| product.search(alphabet, states))
        .map_or(Shortest::TooLarge, |text| {
            text.map_or(Shortest::None, Shortest::Text)
        })
}

/// The state of one expression after some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Slot {
    Live(LazyStateID),
    /// Found, regardless of what follows.
    Found,
    /// Never found, regardless of what follows.
    Never,
    /// What becomes of it no longer matters.
    Idle,
}

struct Machine {
    dfa: DFA,
    cache: Cache,
}

/// Expressions by number, and what they must come to.
struct Product {
    machines: Vec<Machine>,
    all: Vec<(usize, bool)>,
    none_of: Vec<Vec<(usize, bool)>>,
}

impl Product {
    fn new(all: &[Condition], none_of: &[Vec<Condition>]) -> Option<Self> {
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let mut machines = Vec::new();
        let mut number = |condition: &Condition| -> Option<(usize, bool)> {
            let index = match known.get(&condition.expression) {
                Some(index) => *index,
                None => {
                    machines.push(Machine::new(&condition.expression)?);
                    known.insert(condition.expression.clone(), machines.len() - 1);
                    machines.len() - 1
                }
            };
            Some((index, condition.found))
        };
        let all = all.iter().map(&mut number).collect::<Option<Vec<_>>>()?;
        let none_of = none_of
            .iter()
            .map(|group| group.iter().map(&mut number).collect::<Option<Vec<_>>>())
            .collect::<Option<Vec<_>>>()?;
        Some(Self {
            machines,
            all,
            none_of,
        })
    }

    /// `None` if a limit is reached.
    fn search(&mut self, alphabet: Alphabet, states: usize) -> Option<Option<Vec<u8>>> {
        let bytes = self.representatives(alphabet);
        let mut start = Vec::with_capacity(self.machines.len());
        for machine in &mut self.machines {
            start.push(machine.start()?);
        }
        let Some(start) = self.pruned(start) else {
            return Some(None);
        };
        let mut known: HashMap<Box<[Slot]>, ()> = HashMap::new();
        // Each state with the state before it and the byte between.
        let mut visited: Vec<(Box<[Slot]>, usize, u8)> = vec![(start.clone(), 0, 0)];
        known.insert(start, ());
        let mut waiting = VecDeque::from([0_usize]);
        while let Some(at) = waiting.pop_front() {
            let (slots, ..) = visited.get(at)?;
            let slots = slots.clone();
            if self.accepts(&slots)? {
                return Some(Some(spelled(&visited, at)));
            }
            for byte in &bytes {
                let next = self.step(&slots, *byte)?;
                let Some(next) = self.pruned(next) else {
                    continue;
                };
                if known.insert(next.clone(), ()).is_none() {
                    if visited.len() >= states {
                        return None;
                    }
                    waiting.push_back(visited.len());
                    visited.push((next, at, *byte));
                }
            }
        }
        Some(None)
    }

    fn step(&mut self, slots: &[Slot], byte: u8) -> Option<Vec<Slot>> {
        let mut next = Vec::with_capacity(slots.len());
        for (slot, machine) in slots.iter().zip(&mut self.machines) {
            next.push(match slot {
                Slot::Live(state) => machine.next(*state, byte)?,
                decided => *decided,
            });
        }
        Some(next)
    }

    /// The state without what no longer matters; `None` if no text can go on from here.
    fn pruned(&self, mut slots: Vec<Slot>) -> Option<Box<[Slot]>> {
        let decided = |slots: &[Slot], index: usize| match slots.get(index) {
            Some(Slot::Found) => Some(true),
            Some(Slot::Never) => Some(false),
            _ => None,
        };
        for (index, found) in &self.all {
            if decided(&slots, *index) == Some(!*found) {
                return None;
            }
        }
        let mut matters = vec![false; slots.len()];
        let mut mark = |index: usize| {
            if let Some(matters) = matters.get_mut(index) {
                *matters = true;
            }
        };
        for (index, _) in &self.all {
            mark(*index);
        }
        for group in &self.none_of {
            let is_idle = |index: usize| matches!(slots.get(index), Some(Slot::Idle));
            // A group that has failed once stays failed.
            let failed = group
                .iter()
                .any(|(index, found)| is_idle(*index) || decided(&slots, *index) == Some(!*found));
            if failed {
                continue;
            }
            if group
                .iter()
                .all(|(index, found)| decided(&slots, *index) == Some(*found))
            {
                return None;
            }
            for (index, _) in group {
                mark(*index);
            }
        }
        for (slot, matters) in slots.iter_mut().zip(matters) {
            if !matters {
                *slot = Slot::Idle;
            }
        }
        Some(slots.into_boxed_slice())
    }

    /// Says whether the text may end here.
    fn accepts(&mut self, slots: &[Slot]) -> Option<bool> {
        let mut found = Vec::with_capacity(slots.len());
        for (slot, machine) in slots.iter().zip(&mut self.machines) {
            found.push(match slot {
                Slot::Live(state) => Some(machine.ends(*state)?),
                Slot::Found => Some(true),
                Slot::Never => Some(false),
                Slot::Idle => None,
            });
        }
        let holds =
            |(index, wanted): &(usize, bool)| found.get(*index).copied().flatten() == Some(*wanted);
        Some(
            self.all.iter().all(holds) && self.none_of.iter().all(|group| !group.iter().all(holds)),
        )
    }

    /// One byte for each kind that the expressions tell apart, the most readable one.
    fn representatives(&self, alphabet: Alphabet) -> Vec<u8> {
        let mut order: Vec<u8> = (0..=u8::MAX).collect();
        order.sort_by_key(|byte| (readability(*byte), *byte));
        let mut seen = std::collections::HashSet::new();
        order
            .into_iter()
            .filter(|byte| alphabet == Alphabet::Bytes || readability(*byte) < UNREADABLE)
            .filter(|byte| {
                let kinds: Vec<u8> = self
                    .machines
                    .iter()
                    .map(|machine| machine.dfa.byte_classes().get(*byte))
                    .collect();
                seen.insert(kinds)
            })
            .collect()
    }
}

const UNREADABLE: u8 = 6;

fn readability(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => 0,
        b'0'..=b'9' => 1,
        b' ' => 2,
        b'A'..=b'Z' => 3,
        b'!'..=b'~' => 4,
        b'\t' | b'\r' | b'\n' => 5,
        _ => UNREADABLE,
    }
}

fn spelled(visited: &[(Box<[Slot]>, usize, u8)], end: usize) -> Vec<u8> {
    let mut text = Vec::new();
    let mut at = end;
    while at != 0 {
        let Some((_, before, byte)) = visited.get(at) else {
            break;
        };
        text.push(*byte);
        at = *before;
    }
    text.reverse();
    text
}

impl Machine {
    fn new(expression: &str) -> Option<Self> {
        let dfa = DFA::builder()
            .configure(
                DFA::config()
                    .match_kind(MatchKind::All)
                    .cache_capacity(CACHE_BYTES)
                    .skip_cache_capacity_check(true)
                    // A full cache is an error: states must keep their meaning.
                    .minimum_cache_clear_count(Some(0)),
            )
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .thompson(
                thompson::Config::new()
                    .utf8(false)
                    .nfa_size_limit(Some(NFA_BYTES_MAX)),
            )
            .build(expression)
            .ok()?;
        let cache = dfa.create_cache();
        Some(Self { dfa, cache })
    }

    fn start(&mut self) -> Option<Slot> {
        let input = Input::new("").anchored(Anchored::No);
        let state = self.dfa.start_state_forward(&mut self.cache, &input).ok()?;
        slot(state)
    }

    fn next(&mut self, state: LazyStateID, byte: u8) -> Option<Slot> {
        slot(self.dfa.next_state(&mut self.cache, state, byte).ok()?)
    }

    /// Whether the expression is found in a text that ends here.
    fn ends(&mut self, state: LazyStateID) -> Option<bool> {
        let end = self.dfa.next_eoi_state(&mut self.cache, state).ok()?;
        Some(end.is_match())
    }
}

/// `None` for a state in which the automaton gives up.
fn slot(state: LazyStateID) -> Option<Slot> {
    if state.is_match() {
        Some(Slot::Found)
    } else if state.is_dead() {
        Some(Slot::Never)
    } else if state.is_quit() {
        None
    } else {
        Some(Slot::Live(state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(all: &str, not: &str) -> Shortest {
        shortest(
            &[Condition::found(all)],
            &[vec![Condition::found(not)]],
            Alphabet::Bytes,
            10_000,
        )
    }

    #[test]
    fn equal_languages_have_nothing_between_them() {
        for (a, b) in [
            (r"^(?:a|b)\z", r"^(?:b|a)\z"),
            (r"^[ab]\z", r"^(?:a|b)\z"),
            (r"^a*a\z", r"^a+\z"),
            (r"(?i)^select\z", r"^[sS][eE][lL][eE][cC][tT]\z"),
            ("ab", r"^[\s\S]*ab[\s\S]*\z"),
        ] {
            assert_eq!(between(a, b), Shortest::None, "{a} {b}");
            assert_eq!(between(b, a), Shortest::None, "{b} {a}");
        }
    }

    #[test]
    fn the_shortest_and_most_readable_text_is_found() {
        assert_eq!(
            between(r"^[a-z]+\z", r"^[a-m]+\z"),
            Shortest::Text(b"n".to_vec())
        );
        assert_eq!(between(r"^a+\z", r"^a\z"), Shortest::Text(b"aa".to_vec()));
        assert_eq!(between("b", "a?b"), Shortest::None);
        assert_eq!(
            shortest(
                &[Condition::found("or"), Condition::absent("ord")],
                &[vec![Condition::found(r"^or\z")]],
                Alphabet::Readable,
                10_000,
            ),
            Shortest::Text(b"aor".to_vec())
        );
    }

    #[test]
    fn a_union_covers_what_none_of_its_parts_does() {
        let all = [Condition::found(r"^[a-z]\z")];
        let low = vec![Condition::found(r"^[a-m]\z")];
        let high = vec![Condition::found(r"^[l-z]\z")];
        let find = |groups: &[Vec<Condition>]| shortest(&all, groups, Alphabet::Bytes, 100);
        assert_eq!(find(&[low.clone(), high.clone()]), Shortest::None);
        assert_eq!(find(&[low]), Shortest::Text(b"n".to_vec()));
        assert_eq!(find(&[high]), Shortest::Text(b"a".to_vec()));
    }

    #[test]
    fn a_search_beyond_its_limit_gives_up() {
        // The hundredth letter from the end: 2^100 states.
        let expression = r"a[ab]{100}\z";
        let answer = shortest(
            &[Condition::found(expression)],
            &[vec![Condition::found("^[ab]*c?")]],
            Alphabet::Bytes,
            5_000,
        );
        assert_ne!(answer, Shortest::Text(Vec::new()));
        let answer = shortest(
            &[Condition::found(expression), Condition::found("^[ab]+\\z")],
            &[vec![Condition::found(r"a[ab]{100,101}\z")]],
            Alphabet::Bytes,
            5_000,
        );
        assert_eq!(answer, Shortest::TooLarge);
    }
}
