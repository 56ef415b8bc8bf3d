//! What a pattern of a query captures: its named groups, and the shapes that can be run in a cheaper way.

use regex_syntax::ast::{
    self, AssertionKind, Ast, ClassSetItem, GroupKind, RepetitionKind, RepetitionRange,
};

use super::syntax::Span;
pub use crate::policy::pattern::dialect::portable_pattern;
pub(super) use crate::policy::pattern::dialect::{accepted, build};
use crate::policy::pattern::dialect::{is_everything, syntax};

/// Named groups that may take no part in a match, with their places in the pattern.
pub(super) fn optional_groups(pattern: &str) -> Vec<(String, Span)> {
    fn walk(ast: &Ast, optional: bool, found: &mut Vec<(String, Span)>) {
        match ast {
            Ast::Group(group) => {
                if let (true, GroupKind::CaptureName { name, .. }) = (optional, &group.kind) {
                    found.push((
                        name.name.clone(),
                        Span::new(group.span.start.offset, group.span.end.offset),
                    ));
                }
                walk(&group.ast, optional, found);
            }
            Ast::Repetition(repetition) => {
                let none = match &repetition.op.kind {
                    RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore => true,
                    RepetitionKind::OneOrMore => false,
                    RepetitionKind::Range(
                        RepetitionRange::Exactly(least)
                        | RepetitionRange::AtLeast(least)
                        | RepetitionRange::Bounded(least, _),
                    ) => *least == 0,
                };
                walk(&repetition.ast, optional || none, found);
            }
            Ast::Alternation(alternation) => {
                alternation
                    .asts
                    .iter()
                    .for_each(|branch| walk(branch, true, found));
            }
            Ast::Concat(concat) => concat
                .asts
                .iter()
                .for_each(|part| walk(part, optional, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    if let Ok(ast) = syntax(pattern) {
        walk(&ast, false, &mut found);
    }
    found
}

/// The names of a pattern's groups, in order.
pub(super) fn group_names(pattern: &str) -> Vec<String> {
    let Ok(regex) = build(pattern) else {
        return Vec::new();
    };
    let names = regex
        .group_info()
        .pattern_names(regex_automata::PatternID::ZERO);
    names.flatten().map(str::to_owned).collect()
}

/// A pattern that ends in a group for all the rest: `…(?<rest>[\s\S]*)`, perhaps with `\z`.
///
/// The rest always matches and reaches to the end, so the match of what stands before it alone is
/// the same match: only that part need be run.
pub(super) struct RestGroup {
    /// Bytes of the pattern before the group.
    pub(super) head: usize,
    pub(super) name: String,
}

pub(super) fn rest_group(ast: &Ast) -> Option<RestGroup> {
    let Ast::Concat(concat) = ast else {
        return None;
    };
    let last = match concat.asts.as_slice() {
        [.., last, Ast::Assertion(end)] if end.kind == AssertionKind::EndText => last,
        [.., last] => last,
        [] => return None,
    };
    let Ast::Group(group) = last else { return None };
    let GroupKind::CaptureName { name, .. } = &group.kind else {
        return None;
    };
    let Ast::Repetition(repetition) = group.ast.as_ref() else {
        return None;
    };
    let Ast::ClassBracketed(class) = repetition.ast.as_ref() else {
        return None;
    };
    let ast::ClassSet::Item(ClassSetItem::Union(union)) = &class.kind else {
        return None;
    };
    let everything = is_everything(&union.items) && !class.negated;
    let all = repetition.op.kind == RepetitionKind::ZeroOrMore && repetition.greedy;
    (everything && all && group.span.start.offset > 0).then(|| RestGroup {
        head: group.span.start.offset,
        name: name.name.clone(),
    })
}

/// A pattern that is one named group from the start of the text to its end: `^(?<name>…)\z`. Where it
/// matches, the group is the whole text, and no group has to be followed through the pattern.
pub(super) struct WholeGroup {
    /// The pattern with a group that is not captured.
    pub(super) pattern: String,
    pub(super) name: String,
}

pub(super) fn whole_group(pattern: &str, ast: &Ast) -> Option<WholeGroup> {
    let Ast::Concat(concat) = ast else {
        return None;
    };
    let (first, group, last) = match concat.asts.as_slice() {
        [Ast::Flags(_), first, Ast::Group(group), last] | [first, Ast::Group(group), last] => {
            (first, group, last)
        }
        _ => return None,
    };
    let is =
        |ast: &Ast, kind: AssertionKind| matches!(ast, Ast::Assertion(found) if found.kind == kind);
    let from_start = is(first, AssertionKind::StartLine) || is(first, AssertionKind::StartText);
    let GroupKind::CaptureName { name, .. } = &group.kind else {
        return None;
    };
    let inside = group.ast.span().start.offset..group.ast.span().end.offset;
    if !from_start
        || !is(last, AssertionKind::EndText)
        || pattern.get(inside.clone())?.contains("(?<")
    {
        return None;
    }
    let before = pattern.get(..group.span.start.offset)?;
    let after = pattern.get(group.span.end.offset..)?;
    Some(WholeGroup {
        pattern: format!("{before}(?:{}){after}", pattern.get(inside)?),
        name: name.name.clone(),
    })
}
