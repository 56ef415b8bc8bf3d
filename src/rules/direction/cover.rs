//! Whether everything that one exclusion silences is silenced by others together.
//!
//! The box is cut along its finite fields until each piece is either inside another box or outside
//! it. What remains of a piece is a question about texts, which the automata answer.

use std::collections::BTreeMap;

use crate::policy::model::Statement;

use super::area::{Area, Field, Values};
use super::automaton::{Alphabet, Condition, Shortest, shortest};
use super::text;

/// Pieces that one exclusion is cut into at most.
const PIECES_MAX: usize = 1_000;

/// Other exclusions that are weighed together on one piece. To weigh fewer is safe: what is not
/// covered then is only a candidate.
const TOGETHER_MAX: usize = 24;

/// States that one search of the automata visits at most: below a second, and a few megabytes.
const STATES_MAX: usize = 20_000;

/// What is known of a cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Covered {
    /// Proven: everything is covered.
    Yes,
    /// Proven by a record that is not.
    No,
    Unknown,
}

/// A record that may not be covered, to be tried.
pub(super) struct Candidate<'c, 'a> {
    /// The piece in which it lies.
    pub(super) piece: &'c Area<'a>,
    /// The text; `None` where the piece asks for none.
    pub(super) statement: Option<&'c [u8]>,
}

/// Decides whether `covers` together hold everything of `area`. `is_loud` is asked whether a
/// candidate is silenced by the one and not by the others, in truth; `texts` are candidates to begin with.
pub(super) fn is_covered<'a>(
    area: &Area<'a>,
    covers: &[&Area<'a>],
    texts: &[Vec<u8>],
    is_loud: &mut dyn FnMut(Candidate<'_, 'a>) -> bool,
) -> Covered {
    let mut work = Work {
        pieces: 0,
        texts,
        is_loud,
    };
    work.piece(area.clone(), covers.to_vec())
}

struct Work<'w, 'a> {
    pieces: usize,
    texts: &'w [Vec<u8>],
    is_loud: &'w mut dyn FnMut(Candidate<'_, 'a>) -> bool,
}

impl<'a> Work<'_, 'a> {
    fn piece(&mut self, piece: Area<'a>, mut covers: Vec<&Area<'a>>) -> Covered {
        self.pieces += 1;
        if self.pieces > PIECES_MAX {
            return Covered::Unknown;
        }
        if piece.is_empty() {
            return Covered::Yes;
        }
        covers.retain(|cover| piece.can_be_shared(cover));
        for field in Field::ALL {
            let Values::Only(values) = piece.values(field) else {
                continue;
            };
            // Values that the same boxes hold stay together.
            let mut groups: BTreeMap<Vec<bool>, Vec<&'a str>> = BTreeMap::new();
            for value in values {
                let holders = covers
                    .iter()
                    .map(|cover| cover.values(field).holds(value))
                    .collect();
                groups.entry(holders).or_default().push(value);
            }
            if groups.len() < 2 {
                continue;
            }
            let mut result = Covered::Yes;
            for values in groups.into_values() {
                match self.piece(piece.clone().with(field, values), covers.clone()) {
                    Covered::Yes => {}
                    Covered::No => return Covered::No,
                    Covered::Unknown => result = Covered::Unknown,
                }
            }
            return result;
        }
        self.texts(&piece, &covers)
    }

    /// Every cover holds all fields of the piece: the texts decide.
    fn texts(&mut self, piece: &Area<'a>, covers: &[&Area<'a>]) -> Covered {
        let Some(statements) = covers
            .iter()
            .map(|cover| cover.statement)
            .collect::<Option<Vec<_>>>()
        else {
            return Covered::Yes;
        };
        let Some(statement) = piece.statement else {
            // Every other exclusion asks something of the text, and a record need not have one.
            return self.verdict(piece, None);
        };
        let rests: Vec<Statement> = statements
            .iter()
            .map(|wide| text::not_implied(statement, wide))
            .collect();
        if rests.iter().any(|rest| !text::has_conditions(rest)) {
            return Covered::Yes;
        }
        for text in self.texts {
            let candidate = Candidate {
                piece,
                statement: Some(text),
            };
            if (self.is_loud)(candidate) {
                return Covered::No;
            }
        }
        match texts_between(statement, &rests, STATES_MAX) {
            Between::Nothing => Covered::Yes,
            Between::Text(text) => self.verdict(piece, Some(&text)),
            Between::Unknown => Covered::Unknown,
        }
    }

    fn verdict(&mut self, piece: &Area<'a>, statement: Option<&[u8]>) -> Covered {
        if (self.is_loud)(Candidate { piece, statement }) {
            Covered::No
        } else {
            Covered::Unknown
        }
    }
}

/// What lies between the texts of one exclusion and those of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Between {
    /// Proven: no text.
    Nothing,
    Text(Vec<u8>),
    /// A limit was reached.
    Unknown,
}

/// Whether `others` together surely allow every text that `statement` allows.
///
/// That is proven without `only_calls`: no expression says what the judge reads there. Without it `statement` allows more
/// texts, so if the others allow all of those, they allow the fewer too; and an other that has it takes no part in the
/// proof, so that it never stands for more than it allows.
pub(super) fn is_within(statement: &Statement, others: &[Statement], states: usize) -> bool {
    matches!(proof(statement, others, states), Shortest::None)
}

/// See [`is_within`]; a text is one that the proof leaves.
fn proof(statement: &Statement, others: &[Statement], states: usize) -> Shortest {
    let mut without_calls = statement.clone();
    without_calls.only_calls = None;
    let mut all = text::conditions(&without_calls);
    all.push(text::is_field());
    let sure = others.iter().filter(|other| other.only_calls.is_none());
    shortest(&all, &groups(sure), Alphabet::Bytes, states)
}

/// The conditions of each.
fn groups<'s>(others: impl Iterator<Item = &'s Statement>) -> Vec<Vec<Condition>> {
    let mut groups: Vec<Vec<_>> = others.map(text::conditions).collect();
    // The small ones first: they more often decide, and `only_calls` is large.
    groups.sort_by_key(|group| group.iter().map(|c| c.expression.len()).sum::<usize>());
    groups.truncate(TOGETHER_MAX);
    groups
}

/// Finds a text that `statement` allows and none of `others` does.
pub(super) fn texts_between(statement: &Statement, others: &[Statement], states: usize) -> Between {
    let asks_calls = |one: &Statement| one.only_calls.is_some();
    match proof(statement, others, states) {
        Shortest::None => return Between::Nothing,
        Shortest::TooLarge if !asks_calls(statement) && !others.iter().any(asks_calls) => {
            return Between::Unknown;
        }
        Shortest::TooLarge | Shortest::Text(_) => {}
    }
    let mut all = text::conditions(statement);
    all.push(text::is_field());
    all.push(text::is_written());
    let groups = groups(others.iter());
    for alphabet in [Alphabet::Readable, Alphabet::Bytes] {
        match shortest(&all, &groups, alphabet, states) {
            Shortest::Text(field) => return Between::Text(text::decoded(&field)),
            Shortest::TooLarge => return Between::Unknown,
            // Such a text may exist, but PostgreSQL does not write it in this form.
            Shortest::None => {}
        }
    }
    Between::Unknown
}
