//! Who touched what: the detections of a period by role and object, for readers who want the whole before the parts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use super::report::Detected;
use crate::policy::model::Severity;

/// Commands that are kept of a role and an object.
const COMMANDS: usize = 10;

/// What one role did to one object in the period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Touched {
    /// Role.
    pub user: String,
    /// Database.
    pub database: String,
    /// Object.
    pub object: String,
    /// Commands, up to 10.
    pub commands: Vec<String>,
    /// The highest severity.
    pub severity: Severity,
    /// Statements.
    pub statements: u64,
    /// Days in UTC.
    pub days: usize,
    /// The first of them; none if no record has a time that can be read.
    #[schemars(with = "Option<String>")]
    pub first: Option<Date>,
    /// The last of them.
    #[schemars(with = "Option<String>")]
    pub last: Option<Date>,
    /// Detections that a grant covers.
    pub expected: u64,
    /// Detections that no grant covers and that a note explains.
    pub explained: u64,
    /// Detections that no grant covers and no note explains.
    pub unexplained: u64,
}

#[derive(Default)]
struct Whole<'a> {
    commands: BTreeSet<&'a str>,
    severity: Severity,
    statements: u64,
    days: BTreeSet<Date>,
    expected: u64,
    explained: u64,
    unexplained: u64,
    is_begun: bool,
}

/// The gravest first, then those with most detections that nothing explains.
pub(super) fn touched(detections: &[Detected]) -> Vec<Touched> {
    let mut found: BTreeMap<(&str, &str, &str), Whole<'_>> = BTreeMap::new();
    for one in detections {
        let whole = found
            .entry((&one.user, &one.database, &one.object))
            .or_default();
        if whole.commands.len() < COMMANDS {
            whole.commands.insert(&one.command);
        }
        if !whole.is_begun || one.severity > whole.severity {
            whole.severity = one.severity;
        }
        whole.is_begun = true;
        whole.statements = whole.statements.saturating_add(one.statements);
        whole.days.extend(one.day);
        if one.expected.is_some() {
            whole.expected += 1;
        } else if one.is_explained() {
            whole.explained += 1;
        } else {
            whole.unexplained += 1;
        }
    }
    let mut touched: Vec<Touched> = found
        .into_iter()
        .map(|((user, database, object), whole)| Touched {
            user: user.to_owned(),
            database: database.to_owned(),
            object: object.to_owned(),
            commands: whole.commands.into_iter().map(str::to_owned).collect(),
            severity: whole.severity,
            statements: whole.statements,
            days: whole.days.len(),
            first: whole.days.first().copied(),
            last: whole.days.last().copied(),
            expected: whole.expected,
            explained: whole.explained,
            unexplained: whole.unexplained,
        })
        .collect();
    // Stable: those that are alike stay in the order of their names.
    touched.sort_by(|left, right| {
        (right.severity, right.unexplained).cmp(&(left.severity, left.unexplained))
    });
    touched
}
