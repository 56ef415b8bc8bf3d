//! The shadow queries: how many records each exclusion silences, by user.
//!
//! An exclusion leaves no trace in the alarm; a sudden jump in what it silences is the trace. The
//! documented functions give numbers, not conditions, so each condition becomes a `parse` whose field is
//! empty when it fails, and the reasons that keep a record loud are added up: an exclusion silences a
//! record when their sum is zero.

use super::{
    Calls, CompiledQuery, QUERY_LIMIT, QuerySource, Reason, StageRole, Text, pattern, reasons,
};
use crate::policy::model::Exclusion;

impl QuerySource<'_> {
    /// The shadow queries, as few as the limit of characters allows. The columns are `user` and, for each
    /// exclusion, [`column`]: records that it silences, whether or not others silence them too.
    pub fn shadow(&self, header: &str) -> Vec<CompiledQuery> {
        let mut queries = Vec::new();
        let mut current = Shadow::new(self.record(header));
        for exclusion in &self.exclusions {
            let mut longer = current.clone();
            longer.add(exclusion);
            if longer.length() > QUERY_LIMIT && !current.columns.is_empty() {
                queries.push(current.finish());
                longer = Shadow::new(self.record(header));
                longer.add(exclusion);
            }
            current = longer;
        }
        if !current.columns.is_empty() {
            queries.push(current.finish());
        }
        queries
    }
}

/// The column of an exclusion: its id with `_` for `-`, behind `x_` so that it is no field of a record.
pub fn column(id: &str) -> String {
    format!("x_{}", id.replace('-', "_"))
}

#[derive(Clone)]
struct Shadow<'a> {
    text: Text,
    calls: Calls<'a>,
    /// The sums of the result.
    columns: Vec<String>,
    /// Fields read so far.
    fields: usize,
}

impl<'a> Shadow<'a> {
    fn new(text: Text) -> Self {
        Self {
            text,
            calls: Calls::default(),
            columns: Vec::new(),
            fields: 0,
        }
    }

    fn add(&mut self, exclusion: &'a Exclusion) {
        let calls_field = self.calls.read(exclusion, &mut self.text);
        self.text.comment(&exclusion.id);
        let summands: Vec<String> = reasons(exclusion, calls_field.as_deref())
            .iter()
            .map(|reason| self.summand(reason))
            .collect();
        let flag = format!("pgX{}", self.columns.len() + 1);
        self.text.stage(
            StageRole::Extract,
            &format!("fields (1 - least({}, 1)) as {flag}", summands.join(" + ")),
        );
        self.columns
            .push(format!("sum({flag}) as {}", column(&exclusion.id)));
    }

    /// A number that is 0 when the reason does not hold, and at least 1 when it does.
    fn summand(&mut self, reason: &Reason) -> String {
        let any_of = |values: &[String]| {
            format!(r"^{}\z", pattern::any_of(values.iter().map(String::as_str)))
        };
        match reason {
            Reason::After(day) => format!("greatest((pgDay - {day}), 0)"),
            Reason::Missing(field) => format!("isempty({field})"),
            Reason::Present(field) => format!("(1 - isempty({field}))"),
            Reason::NotIn(field, values) => {
                let found = self.find(field, &any_of(values));
                format!("isempty({found})")
            }
            Reason::NeitherMissingNorIn(field, values) => {
                let found = self.find(field, &any_of(values));
                format!("((1 - isempty({field})) * isempty({found}))")
            }
            Reason::Not(field, value) => {
                let found = self.find(field, &format!(r"^{}\z", pattern::literal(value)));
                format!("isempty({found})")
            }
            Reason::NotLike(field, expression) => {
                let found = self.find(field, expression);
                format!("isempty({found})")
            }
            Reason::Like(field, expression) => {
                let found = self.find(field, expression);
                format!("(1 - isempty({found}))")
            }
            Reason::Always => "1".to_owned(),
        }
    }

    /// Reads what an expression finds in a field into a field of its own.
    fn find(&mut self, field: &str, expression: &str) -> String {
        self.fields += 1;
        let name = format!("pgS{}", self.fields);
        let (flags, expression) = match expression.strip_prefix("(?i)") {
            Some(rest) => ("(?i)", rest),
            None => ("", expression),
        };
        self.text.stage(
            StageRole::Extract,
            &format!(
                "parse {field} /{flags}(?<{name}>{})/",
                without_groups(expression)
            ),
        );
        name
    }

    fn length(&self) -> usize {
        self.clone().finish().length()
    }

    fn finish(mut self) -> CompiledQuery {
        let sums = self.columns.join(", ");
        self.text.stage(
            StageRole::Result,
            &format!("stats {sums} by coalesce(pgUser, '-') as user"),
        );
        self.text.finish()
    }
}

/// The expression without groups that capture: in a `parse` each would be a field.
fn without_groups(expression: &str) -> String {
    let mut out = String::with_capacity(expression.len());
    let mut rest = expression;
    let mut in_class = false;
    while let Some(first) = rest.chars().next() {
        let mut length = first.len_utf8();
        match first {
            '\\' => {
                length += rest.chars().nth(1).map_or(0, char::len_utf8);
                out.push_str(rest.get(..length).unwrap_or_default());
            }
            '[' => {
                in_class = true;
                out.push(first);
                // `[]a]` and `[^]a]` hold a bracket; the portable dialect escapes it.
            }
            ']' => {
                in_class = false;
                out.push(first);
            }
            '(' if !in_class && rest.starts_with("(?<") => {
                length = rest.find('>').map_or(length, |end| end + 1);
                out.push_str("(?:");
            }
            '(' if !in_class && !rest.starts_with("(?") => out.push_str("(?:"),
            _ => out.push(first),
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_group_captures() {
        for (expression, without) in [
            ("^(a|b)c", "^(?:a|b)c"),
            ("(?:a)(?<name>b)", "(?:a)(?:b)"),
            (r"\(a\)[(x]([^)\]])", r"\(a\)[(x](?:[^)\]])"),
        ] {
            assert_eq!(without_groups(expression), without);
        }
        assert_eq!(column("pg-dump-cursors"), "x_pg_dump_cursors");
    }
}
