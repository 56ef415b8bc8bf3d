//! Exclusions that depend only on text that the watched person types.

use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity, quote};
use crate::policy::model::Match;

/// See [`Code::ExclusionWriterOnly`].
#[derive(Debug)]
pub struct WriterOnly;

impl Check for WriterOnly {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        for exclusion in &context.policy.exclusions {
            if rests_on_text(&exclusion.matcher) {
                let mut diagnostic = Diagnostic::new(
                        Code::ExclusionWriterOnly,
                        format!(
                            "the exclusion {} depends only on the statement, which any user can type",
                            quote(&exclusion.id)
                        ),
                    )
                    .at(exclusion.places.key("match/statement"))
                    .help("add `class` and `command`, and `schema` and `relation`; or write the whole statement under `equals` or `matches`");
                if exclusion.is_risk_accepted(context.today) {
                    diagnostic.severity = Severity::Warning;
                }
                sink.push(diagnostic);
            }
        }
    }
}

/// Says whether a match has no condition on a field that the server writes, and no whole statement. The server writes
/// every field of the model but the statement; the table of fields is `audit_log::trust`.
pub(super) fn rests_on_text(matcher: &Match) -> bool {
    let Some(statement) = &matcher.statement else {
        return false;
    };
    let is_alone = Match {
        statement: None,
        ..matcher.clone()
    } == Match::default();
    let is_whole = statement.is_whole() || statement.is_empty;
    let says_something = *statement != crate::policy::model::Statement::default();
    is_alone && !is_whole && says_something
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::model::Statement;

    #[test]
    fn a_field_of_the_server_or_a_whole_statement_is_enough() {
        let text = || Some(vec!["DBeaver".to_owned()]);
        let contains = Statement {
            contains: text(),
            ..Statement::default()
        };
        let only = |statement: Statement| Match {
            statement: Some(statement),
            ..Match::default()
        };
        assert!(rests_on_text(&only(contains.clone())));
        assert!(!rests_on_text(&Match {
            user: text(),
            ..only(contains.clone())
        }));
        assert!(!rests_on_text(&only(Statement {
            equals: text(),
            ..contains
        })));
        assert!(!rests_on_text(&only(Statement::default())));
    }
}
