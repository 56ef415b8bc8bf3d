//! Mutants of a rule: the conditions of one exclusion with one small change.

use super::Change;
use crate::check::relations::PROTECTED_RELATIONS;
use crate::policy::model::{Match, Statement};
use crate::policy::{Pattern, sets};

#[derive(Debug, Clone)]
pub(super) struct Mutant {
    /// The key in the policy file below `match`, such as `statement.only_calls`.
    pub(super) condition: &'static str,
    pub(super) change: Change,
    /// The change in words.
    pub(super) what: String,
    pub(super) matcher: Match,
}

/// The mutants of an exclusion, each another than the exclusion and than those before it.
pub(super) fn mutants(matcher: &Match) -> Vec<Mutant> {
    let mut made = Made {
        original: matcher,
        mutants: Vec::new(),
    };
    for field in FIELDS {
        made.field(field);
    }
    if let Some(statement) = &matcher.statement {
        made.statement(statement);
    }
    made.mutants
}

type List = Option<Vec<String>>;

/// A condition that lists what a field of the record may be.
struct Field {
    condition: &'static str,
    get: fn(&mut Match) -> &mut List,
    /// A value that it could list too, so close that a near miss should catch it.
    other: fn(&Match) -> Option<&'static str>,
}

const FIELDS: &[Field] = &[
    Field {
        condition: "user",
        get: |matcher| &mut matcher.user,
        other: |_| None,
    },
    Field {
        condition: "database",
        get: |matcher| &mut matcher.database,
        other: |_| None,
    },
    Field {
        condition: "client",
        get: |matcher| &mut matcher.client,
        other: |_| None,
    },
    Field {
        condition: "class",
        get: |matcher| &mut matcher.class,
        other: |matcher| unlisted(&matcher.class, &["WRITE", "READ"]),
    },
    Field {
        condition: "command",
        get: |matcher| &mut matcher.command,
        other: |matcher| unlisted(&matcher.command, &["SELECT", "COPY", "UPDATE"]),
    },
    Field {
        condition: "object_type",
        get: |matcher| &mut matcher.object_type,
        other: |matcher| {
            unlisted(
                &matcher.object_type,
                &["TABLE", "VIEW", "FOREIGN TABLE", "SEQUENCE"],
            )
        },
    },
    Field {
        condition: "schema",
        get: |matcher| &mut matcher.schema,
        other: |matcher| unlisted(&matcher.schema, &["public", "pg_catalog"]),
    },
    Field {
        condition: "relation",
        get: |matcher| &mut matcher.relation,
        other: |matcher| {
            let in_schema = |name: &str| {
                let mut schemas = matcher.schema.iter().flatten();
                schemas.any(|schema| schema == name)
            };
            let mut types = matcher.object_type.iter().flatten();
            if types.any(|object_type| object_type == "FUNCTION") {
                unlisted(&matcher.relation, &["lo_get"])
            } else if in_schema("pg_catalog") {
                unlisted(&matcher.relation, &["pg_authid"])
                    .or_else(|| unlisted(&matcher.relation, PROTECTED_RELATIONS))
            } else if in_schema("information_schema") {
                unlisted(&matcher.relation, &["user_mapping_options"])
            } else {
                unlisted(&matcher.relation, &["accounts", "orders"])
            }
        },
    },
];

/// A list of the statement: it accepts a text that is in the list.
struct Choice {
    condition: &'static str,
    get: fn(&mut Statement) -> &mut List,
    /// Values that it could list too.
    others: &'static [&'static str],
}

const CHOICES: &[Choice] = &[
    Choice {
        condition: "statement.starts_with",
        get: |statement| &mut statement.starts_with,
        others: &["with"],
    },
    // One reads large objects, the other files; neither leaves a relation in the record.
    Choice {
        condition: "statement.only_calls",
        get: |statement| &mut statement.only_calls,
        others: &["lo_get", "pg_read_file"],
    },
    Choice {
        condition: "statement.contains",
        get: |statement| &mut statement.contains,
        others: &[],
    },
];

/// A list of the statement: it refuses a text that contains an item of the list.
struct Refusal {
    condition: &'static str,
    get: fn(&mut Statement) -> &mut List,
}

const REFUSALS: &[Refusal] = &[
    Refusal {
        condition: "statement.lacks",
        get: |statement| &mut statement.lacks,
    },
    Refusal {
        condition: "statement.lacks_words",
        get: |statement| &mut statement.lacks_words,
    },
    Refusal {
        condition: "statement.lacks_names",
        get: |statement| &mut statement.lacks_names,
    },
];

struct Made<'a> {
    original: &'a Match,
    mutants: Vec<Mutant>,
}

impl Made<'_> {
    fn add(
        &mut self,
        condition: &'static str,
        change: Change,
        what: String,
        edit: impl FnOnce(&mut Match),
    ) {
        let mut matcher = self.original.clone();
        edit(&mut matcher);
        if matcher.statement.as_ref() == Some(&Statement::default()) {
            matcher.statement = None;
        }
        let known = *self.original == matcher
            || self.mutants.iter().any(|mutant| mutant.matcher == matcher);
        if !known {
            self.mutants.push(Mutant {
                condition,
                change,
                what,
                matcher,
            });
        }
    }

    fn edit_statement(
        &mut self,
        condition: &'static str,
        change: Change,
        what: String,
        edit: impl FnOnce(&mut Statement),
    ) {
        self.add(condition, change, what, |matcher| {
            edit(matcher.statement.get_or_insert_default());
        });
    }

    fn field(&mut self, field: &Field) {
        let get = field.get;
        let condition = field.condition;
        let Some(values) = get(&mut self.original.clone()).clone() else {
            return;
        };
        self.add(condition, Change::Drop, dropped(condition), |matcher| {
            *get(matcher) = None;
        });
        if let Some(other) = (field.other)(self.original) {
            self.add(condition, Change::Widen, added(condition, other), |m| {
                get(m).get_or_insert_default().push(other.to_owned());
            });
        }
        for (unit, rest) in without_one(&values) {
            if !rest.is_empty() {
                self.add(condition, Change::Narrow, less(condition, &unit), |m| {
                    *get(m) = Some(rest);
                });
            }
        }
    }

    fn statement(&mut self, statement: &Statement) {
        if statement.is_empty {
            let condition = "statement.is_empty";
            self.edit_statement(condition, Change::Drop, dropped(condition), |s| {
                s.is_empty = false;
            });
        }
        self.whole(statement);
        for choice in CHOICES {
            let (get, condition) = (choice.get, choice.condition);
            let Some(values) = get(&mut statement.clone()).clone() else {
                continue;
            };
            self.edit_statement(condition, Change::Drop, dropped(condition), |s| {
                *get(s) = None;
            });
            for other in choice.others {
                if !values.iter().any(|value| value == other) {
                    self.edit_statement(condition, Change::Widen, added(condition, other), |s| {
                        get(s).get_or_insert_default().push((*other).to_owned());
                    });
                }
            }
            // A text that calls nothing is one that an empty list of calls accepts.
            let may_be_empty = condition == "statement.only_calls";
            for (unit, rest) in without_one(&values) {
                if !rest.is_empty() || may_be_empty {
                    self.edit_statement(condition, Change::Narrow, less(condition, &unit), |s| {
                        *get(s) = Some(rest);
                    });
                }
            }
        }
        for refusal in REFUSALS {
            let (get, condition) = (refusal.get, refusal.condition);
            let Some(values) = get(&mut statement.clone()).clone() else {
                continue;
            };
            self.edit_statement(condition, Change::Drop, dropped(condition), |s| {
                *get(s) = None;
            });
            for (unit, rest) in without_one(&values) {
                if !rest.is_empty() {
                    self.edit_statement(condition, Change::Widen, less(condition, &unit), |s| {
                        *get(s) = Some(rest);
                    });
                }
            }
        }
    }

    /// `equals` and `matches` are one condition: one of either has to be the whole text.
    fn whole(&mut self, statement: &Statement) {
        let equals = statement.equals.as_deref().unwrap_or_default();
        let matches = statement.matches.as_deref().unwrap_or_default();
        let condition = match (equals, matches) {
            ([], []) => return,
            ([], _) => "statement.matches",
            (_, []) => "statement.equals",
            _ => "statement.equals or statement.matches",
        };
        self.edit_statement(condition, Change::Drop, dropped(condition), |s| {
            s.equals = None;
            s.matches = None;
        });
        for (index, text) in equals.iter().enumerate() {
            let Ok(more) = Pattern::read(&format!("{}[\\s\\S]*", literal(text))) else {
                continue;
            };
            let what = format!("`statement.equals` {}: more text can follow", index + 1);
            self.edit_statement("statement.equals", Change::Widen, what, |s| {
                s.matches.get_or_insert_default().push(more);
            });
        }
        for (index, pattern) in matches.iter().enumerate() {
            for (what, wider) in wider(pattern.as_str()) {
                let Ok(wider) = Pattern::read(&wider) else {
                    continue;
                };
                let what = format!("`statement.matches` {}: {what}", index + 1);
                self.edit_statement("statement.matches", Change::Widen, what, |s| {
                    if let Some(one) = s.matches.as_mut().and_then(|list| list.get_mut(index)) {
                        *one = wider;
                    }
                });
            }
        }
        if equals.len() + matches.len() > 1 {
            for index in 0..equals.len() {
                let what = format!("`statement.equals` without its text {}", index + 1);
                self.edit_statement("statement.equals", Change::Narrow, what, |s| {
                    remove(&mut s.equals, index);
                });
            }
            for index in 0..matches.len() {
                let what = format!("`statement.matches` without its pattern {}", index + 1);
                self.edit_statement("statement.matches", Change::Narrow, what, |s| {
                    remove(&mut s.matches, index);
                });
            }
        }
    }
}

fn dropped(condition: &str) -> String {
    format!("without `{condition}`")
}

fn added(condition: &str, value: &str) -> String {
    format!("`{condition}` with `{value}` too")
}

fn less(condition: &str, unit: &str) -> String {
    format!("`{condition}` without {unit}")
}

fn remove<T>(list: &mut Option<Vec<T>>, index: usize) {
    if let Some(values) = list {
        values.remove(index);
        if values.is_empty() {
            *list = None;
        }
    }
}

fn unlisted(values: &List, candidates: &[&'static str]) -> Option<&'static str> {
    let listed = |candidate: &str| values.iter().flatten().any(|value| value == candidate);
    candidates
        .iter()
        .copied()
        .find(|candidate| !listed(candidate))
}

/// Each part of a list with what is left without it. A built-in set is one part: a person writes its
/// name, and no one writes a sample for each of its members.
fn without_one(values: &[String]) -> Vec<(String, Vec<String>)> {
    let mut parts: Vec<(String, Vec<&str>)> = Vec::new();
    let mut in_a_set: Vec<&str> = Vec::new();
    for set in sets::ALL {
        let names: Vec<&str> = set.names().collect();
        let has = |name: &&str| values.iter().any(|value| value == name);
        if names.len() <= values.len() && names.iter().all(has) {
            parts.push((format!("the set `{}`", set.name), names.clone()));
            in_a_set.extend(names);
        }
    }
    for value in values {
        if !in_a_set.contains(&value.as_str()) {
            let shown = if value.is_empty() { "none" } else { value };
            parts.push((format!("`{shown}`"), vec![value]));
        }
    }
    parts
        .into_iter()
        .map(|(name, part)| {
            let rest = values
                .iter()
                .filter(|value| !part.contains(&value.as_str()))
                .cloned()
                .collect();
            (name, rest)
        })
        .collect()
}

/// Wider forms of a pattern: open at either end, and one class of characters that becomes any character.
fn wider(pattern: &str) -> Vec<(String, String)> {
    let mut wider = vec![
        (
            "more text can come before".to_owned(),
            format!("[\\s\\S]*(?:{pattern})"),
        ),
        (
            "more text can follow".to_owned(),
            format!("(?:{pattern})[\\s\\S]*"),
        ),
    ];
    let mut seen: Vec<&str> = Vec::new();
    for class in classes(pattern) {
        if class != ANY && !seen.contains(&class) {
            seen.push(class);
            wider.push((
                format!("any character for `{class}`"),
                pattern.replace(class, ANY),
            ));
        }
    }
    wider
}

const ANY: &str = "[\\s\\S]";

/// The bracketed classes of a portable pattern.
fn classes(pattern: &str) -> Vec<&str> {
    let mut classes = Vec::new();
    let mut start = None;
    let mut escaped = false;
    for (at, character) in pattern.char_indices() {
        match (character, start) {
            _ if escaped => escaped = false,
            ('\\', _) => escaped = true,
            ('[', None) => start = Some(at),
            (']', Some(from)) => {
                classes.extend(pattern.get(from..=at));
                start = None;
            }
            _ => {}
        }
    }
    classes
}

/// A text as a pattern of the portable dialect, in which the amount of white space does not matter.
fn literal(text: &str) -> String {
    let words: Vec<String> = text
        .trim_end_matches(|c: char| c.is_ascii_whitespace() || c == ';')
        .split_ascii_whitespace()
        .map(|word| {
            let mut escaped = String::new();
            for character in word.chars() {
                match character {
                    _ if character.is_ascii_punctuation()
                        && !"_-,;:'!#%&<=>@`~".contains(character) =>
                    {
                        escaped.push('\\');
                    }
                    _ => {}
                }
                escaped.push(character);
            }
            escaped
        })
        .collect();
    words.join("[ \\t\\r\\n]+")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(values: &[&str]) -> List {
        Some(values.iter().map(|value| (*value).to_owned()).collect())
    }

    fn whats(matcher: &Match) -> Vec<String> {
        mutants(matcher)
            .into_iter()
            .map(|mutant| mutant.what)
            .collect()
    }

    #[test]
    fn every_condition_is_dropped_widened_and_narrowed() {
        let matcher = Match {
            user: some(&["alice"]),
            object_type: some(&["TABLE", ""]),
            statement: Some(Statement {
                lacks: some(&["a", "b"]),
                only_calls: some(&["version"]),
                ..Statement::default()
            }),
            ..Match::default()
        };
        assert_eq!(
            whats(&matcher),
            [
                "without `user`",
                "without `object_type`",
                "`object_type` with `VIEW` too",
                "`object_type` without `TABLE`",
                "`object_type` without `none`",
                "without `statement.only_calls`",
                "`statement.only_calls` with `lo_get` too",
                "`statement.only_calls` with `pg_read_file` too",
                "`statement.only_calls` without `version`",
                "without `statement.lacks`",
                "`statement.lacks` without `a`",
                "`statement.lacks` without `b`",
            ]
        );
    }

    #[test]
    fn the_last_condition_on_the_text_goes_with_its_key() {
        let matcher = Match {
            class: some(&["READ"]),
            statement: Some(Statement {
                lacks: some(&["a"]),
                ..Statement::default()
            }),
            ..Match::default()
        };
        let last = mutants(&matcher).pop().unwrap();
        assert_eq!(
            (last.what.as_str(), last.matcher.statement),
            ("without `statement.lacks`", None)
        );
    }

    #[test]
    fn a_set_is_one_value() {
        let set = sets::find("catalog-metadata").unwrap();
        let mut relations: Vec<String> = set.names().map(str::to_owned).collect();
        relations.push("pg_extra".to_owned());
        let parts = without_one(&relations);
        assert_eq!(
            parts
                .iter()
                .map(|(name, rest)| (name.as_str(), rest.len()))
                .collect::<Vec<_>>(),
            [
                ("the set `catalog-metadata`", 1),
                ("`pg_extra`", relations.len() - 1)
            ]
        );
    }

    #[test]
    fn patterns_are_opened_and_their_classes_widened() {
        assert_eq!(classes(r"a\[s\][a-z\]]+[^;]*"), [r"[a-z\]]", "[^;]"]);
        let wider: Vec<String> = wider(r"x[ab]y[ab][\s\S]")
            .into_iter()
            .map(|(_, p)| p)
            .collect();
        assert_eq!(
            wider,
            [
                r"[\s\S]*(?:x[ab]y[ab][\s\S])",
                r"(?:x[ab]y[ab][\s\S])[\s\S]*",
                r"x[\s\S]y[\s\S][\s\S]"
            ]
        );
    }

    #[test]
    fn a_text_becomes_a_pattern() {
        assert_eq!(
            literal("select  f('a.b/c') ;"),
            r"select[ \t\r\n]+f\('a\.b\/c'\)"
        );
    }
}
