//! Patterns that accept more than they say: what can be put into their open places, and signs of a slip.

use std::ops::Range;

use regex_automata::meta::Regex;
use regex_syntax::ast::{self, Ast};
use serde::Serialize;

use crate::policy::Pattern;
use crate::policy::model::Exclusion;

use super::corpus::{Fact, Harm, TABLE};
use super::{pattern, plan};

/// A statement made from a pattern by filling one of its open places.
#[derive(Debug, Clone)]
pub struct Payload {
    pub text: String,
    /// What it does, in a few words.
    pub does: &'static str,
    /// What it does to data.
    pub harm: Harm,
    writes: bool,
}

impl Payload {
    /// The records that the payload adds to those of the statement.
    pub fn added(&self, log_relation: bool) -> Vec<Fact> {
        let (class, command) = if self.writes {
            ("WRITE", "DELETE")
        } else {
            ("READ", "SELECT")
        };
        if log_relation && plan::names_table(&self.text) {
            vec![Fact::own(class, command, "TABLE", TABLE)]
        } else if self.writes {
            vec![Fact::own(class, command, "", "")]
        } else {
            Vec::new()
        }
    }
}

/// SQL that can be put between `before` and `behind` in place of `fill`.
pub fn payloads(before: &str, fill: &str, behind: &str) -> Vec<Payload> {
    let mut found = Vec::new();
    let mut add = |inside: String, does, harm, writes| {
        // A class may leave out spaces: comments and other white space do as well.
        for inside in [
            inside.clone(),
            inside.replace(' ', "/**/"),
            inside.replace(' ', "\t"),
            inside.replace(' ', "\n"),
        ] {
            let text = format!("{before}{inside}{behind}");
            found.push(Payload {
                text,
                does,
                harm,
                writes,
            });
        }
    };
    let query = format!("(SELECT max(secret) FROM {TABLE})");
    let (reads, changes) = (Harm::Reads, Harm::Changes);
    let lower = before.to_lowercase();
    let last = last_word(&lower);
    let is_last = behind.trim().trim_end_matches(';').trim().is_empty();
    if is_in_literal(before) {
        add(format!("' || {query} || '"), "reads a table", reads, false);
        add(
            "' || lo_get(471100) || '".to_owned(),
            "reads a large object",
            reads,
            false,
        );
        add(
            format!("{fill}'; DELETE FROM {TABLE} --"),
            "deletes rows",
            changes,
            true,
        );
        return found;
    }
    match last {
        Some("from" | "join" | "into" | "update" | "table" | "only") => {
            add(TABLE.to_owned(), "reads a table", reads, false);
            add(format!("{TABLE} a"), "reads a table", reads, false);
            add(format!("{fill}, {TABLE}"), "reads a table", reads, false);
            add(
                "lo_get(471100) a".to_owned(),
                "reads a large object",
                reads,
                false,
            );
        }
        _ if expects_expression(&lower, last) => {
            for (call, does) in [
                (query.as_str(), "reads a table"),
                ("lo_get(471100)", "reads a large object"),
                ("pg_read_file('PG_VERSION')", "reads a file of the server"),
            ] {
                add(call.to_owned(), does, reads, false);
                add(format!("{call}, {fill}"), does, reads, false);
            }
            add(
                format!("(SELECT 1), max(secret) FROM {TABLE}"),
                "reads a table",
                reads,
                false,
            );
        }
        _ => {}
    }
    // Behind a whole item, where the rest is nothing or another item.
    if is_last {
        let item = if expects_expression(&lower, last) && fill.is_empty() {
            "1"
        } else {
            fill
        };
        if !lower.contains(" from ") {
            add(
                format!("{item} FROM {TABLE}"),
                "reads a table",
                reads,
                false,
            );
        }
        add(format!("{item}, {query}"), "reads a table", reads, false);
        add(
            format!("{item}, lo_get(471100)"),
            "reads a large object",
            reads,
            false,
        );
        add(
            format!("{item} UNION ALL SELECT secret FROM {TABLE}"),
            "reads a table",
            reads,
            false,
        );
        add(
            format!("{item} WHERE lo_get(471100) IS NOT NULL"),
            "reads a large object",
            reads,
            false,
        );
        if lower.contains(" from ") {
            add(format!("{item}, {TABLE}"), "reads a table", reads, false);
            add(
                format!("{item} JOIN {TABLE} ON true"),
                "reads a table",
                reads,
                false,
            );
        }
        add(
            format!("{item}; DELETE FROM {TABLE}"),
            "deletes rows",
            changes,
            true,
        );
    }
    add(
        format!("{fill}; DELETE FROM {TABLE} --"),
        "deletes rows",
        changes,
        true,
    );
    found
}

/// The word at the end of a text, if nothing but white space follows it.
fn last_word(text: &str) -> Option<&str> {
    let trimmed = text.trim_end();
    if trimmed.len() == text.len() {
        return None;
    }
    let start = trimmed
        .rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .map_or(0, |index| index + 1);
    trimmed.get(start..).filter(|word| !word.is_empty())
}

fn expects_expression(before: &str, last: Option<&str>) -> bool {
    matches!(
        last,
        Some(
            "select"
                | "where"
                | "and"
                | "or"
                | "not"
                | "limit"
                | "values"
                | "when"
                | "then"
                | "else"
                | "by"
                | "on"
                | "having"
        )
    ) || before
        .trim_end()
        .ends_with([',', '(', '=', '<', '>', '+', '*', '|'])
}

/// Says whether a text ends inside a literal.
fn is_in_literal(text: &str) -> bool {
    text.matches('\'').count() % 2 == 1
}

/// Something about a pattern that a reviewer should see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    pub what: &'static str,
    /// Which pattern of the exclusion, counted from 0.
    pub item: usize,
    /// Where in the pattern, in bytes.
    pub span: Range<usize>,
    /// That part of the pattern.
    pub part: String,
    /// A statement that the pattern accepts for it.
    pub accepts: Option<String>,
}

/// The notes on the patterns of an exclusion.
pub fn notes(exclusion: &Exclusion) -> Vec<Note> {
    let patterns = exclusion
        .matcher
        .statement
        .as_ref()
        .and_then(|statement| statement.matches.as_ref());
    let mut found = Vec::new();
    for (item, pattern) in patterns.into_iter().flatten().enumerate() {
        let expression = pattern.as_str();
        let Ok(tree) = ast::parse::Parser::new().parse(expression) else {
            continue;
        };
        let mut signs = Vec::new();
        look(&tree, &mut signs);
        let mut accepts = None;
        let mut told = Vec::new();
        for (what, span, is_open) in signs {
            let part = expression.get(span.clone()).unwrap_or_default();
            // The same part often occurs in several places.
            if told.contains(&(what, part)) {
                continue;
            }
            told.push((what, part));
            let accepts = if is_open {
                accepts.get_or_insert_with(|| accepted(pattern)).clone()
            } else {
                None
            };
            found.push(Note {
                what,
                item,
                part: part.to_owned(),
                span,
                accepts,
            });
        }
    }
    found
}

/// A statement with a payload that the whole pattern accepts.
fn accepted(wanted: &Pattern) -> Option<String> {
    pattern::templates(wanted.as_str(), 4)
        .iter()
        .flat_map(|template| {
            template
                .holes()
                .flat_map(|(before, fill, behind)| payloads(before, fill, behind))
                .map(|payload| payload.text)
                .collect::<Vec<_>>()
        })
        .filter(|text| wanted.is_whole_statement(text.as_bytes()))
        .min_by_key(String::len)
}

fn look(tree: &Ast, signs: &mut Vec<(&'static str, Range<usize>, bool)>) {
    let range = |span: &ast::Span| span.start.offset..span.end.offset;
    match tree {
        Ast::Group(group) => {
            if matches!(*group.ast, Ast::Empty(_)) {
                signs.push((
                    "an empty group matches only an empty text: write parentheses of the statement as `\\(\\)`",
                    range(&group.span),
                    false,
                ));
            }
            look(&group.ast, signs);
        }
        Ast::Repetition(repetition) => {
            let is_unbounded = matches!(
                repetition.op.kind,
                ast::RepetitionKind::ZeroOrMore
                    | ast::RepetitionKind::OneOrMore
                    | ast::RepetitionKind::Range(ast::RepetitionRange::AtLeast(_))
            );
            let is_wide = match &*repetition.ast {
                Ast::ClassBracketed(class) => class.negated || is_anything(&repetition.ast),
                Ast::Dot(_) => true,
                _ => false,
            };
            if is_unbounded && is_wide {
                signs.push((
                    "matches any text of any length, including other SQL",
                    range(&repetition.span),
                    true,
                ));
            }
            look(&repetition.ast, signs);
        }
        Ast::Alternation(alternation) => {
            alternation.asts.iter().for_each(|part| look(part, signs));
        }
        Ast::Concat(concat) => concat.asts.iter().for_each(|part| look(part, signs)),
        _ => {}
    }
}

/// Says whether a class has letters, spaces, parentheses and quotes: all that SQL needs.
fn is_anything(class: &Ast) -> bool {
    let Ok(regex) = Regex::new(&format!("^(?:{class})$")) else {
        return false;
    };
    ["a", " ", "(", ")", "."]
        .iter()
        .all(|character| regex.is_match(character))
}
