//! The Logs Insights queries of an environment: what is counted, and what a responder reads.
//!
//! Both share one row part, so that the alarm, the dashboard and the runbook never disagree. It is
//! written for a reviewer and for an engine of which little is documented: one exclusion is one
//! `filter` stage, each stage a flat list of reasons why a record stays loud, joined by `or`.
//! A field that is missing makes its record loud, whichever way the service compares missing fields.
//!
//! ```text
//! has an audit head ─> fields that the server wrote ─> not an audit record? ─> in scope? ─> not a
//! service account? ─> exclusion 1 … n ─> counted
//! ```

use crate::audit_log::prefix::LogLinePrefix;
use crate::policy::model::{Environment, Exclusion, Match, Policy, RoleMatch, ServiceAccount};

use super::pattern;

/// Characters that StartQuery and PutQueryDefinition accept (CloudWatch Logs API, `QueryString`).
pub const QUERY_LIMIT: usize = 10_000;

/// Rows that a query returns at most (Logs Insights, `limit`).
const ROW_LIMIT: u32 = 10_000;

/// First words of MISC commands that touch no users' data, as pgAudit prints them. `EXECUTE`,
/// `EXPLAIN` and `CLOSE CURSOR` come with a record of their own for what they read or write. Every
/// command that is not listed counts: `???` (MERGE), `CALL`, `FETCH`, and what a later version invents.
const MISC_OUT_OF_SCOPE: &[&str] = &[
    "ANALYZE",
    "BEGIN",
    "CHECKPOINT",
    "CLOSE",
    "COMMIT",
    "DEALLOCATE",
    "DISCARD",
    "EXECUTE",
    "EXPLAIN",
    "LISTEN",
    "LOCK",
    "MOVE",
    "NOTIFY",
    "PREPARE TRANSACTION",
    "REINDEX",
    "RELEASE",
    "RESET",
    "ROLLBACK",
    "SAVEPOINT",
    "SET",
    "SHOW",
    "START",
    "UNLISTEN",
    "VACUUM",
];

/// Classes that hold no reads or writes of users' data.
const CLASS_OUT_OF_SCOPE: &[&str] = &["DDL", "ROLE"];

/// Says whether no signal counts records of this class and command, as pgAudit prints them.
pub(crate) fn is_out_of_scope(class: &str, command: &str) -> bool {
    CLASS_OUT_OF_SCOPE.contains(&class)
        || (class == "MISC"
            && MISC_OUT_OF_SCOPE.iter().any(|words| {
                command
                    .strip_prefix(words)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            }))
}

/// What a stage of the row part decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StageRole {
    /// Reads fields, decides nothing.
    Extract,
    /// Drops lines that hold no audit record.
    NotARecord,
    /// Drops records that no signal counts.
    Scope,
    /// Drops records of accounts that are deliberately not audited.
    ServiceAccounts,
    /// Drops what this exclusion silences.
    Exclusion(String),
    /// Counts, sorts, formats.
    Result,
}

/// A compiled query: its text, and what each of its stages is for.
#[derive(Debug, Clone)]
pub struct CompiledQuery {
    /// What StartQuery is given.
    pub text: String,
    /// The role of each stage, in the order of the text.
    pub stages: Vec<StageRole>,
    /// Characters that each exclusion takes, in the order of the policy.
    pub shares: Vec<(String, usize)>,
}

impl CompiledQuery {
    /// Length as the service counts it, in characters.
    pub fn length(&self) -> usize {
        self.text.chars().count()
    }
}

/// What a query is compiled from.
#[derive(Debug, Clone)]
pub struct QuerySource<'a> {
    /// `log_line_prefix` of the log.
    pub prefix: LogLinePrefix,
    /// Accounts that are out of scope.
    pub service_accounts: Vec<&'a ServiceAccount>,
    /// Exclusions, in the order in which they are tried.
    pub exclusions: Vec<&'a Exclusion>,
}

impl<'a> QuerySource<'a> {
    /// What applies in an environment of the policy.
    pub fn of(policy: &'a Policy, environment: &'a Environment) -> Self {
        Self {
            prefix: environment.log_line_prefix,
            service_accounts: policy.service_accounts_in(environment).collect(),
            exclusions: policy.exclusions_in(environment).collect(),
        }
    }

    /// Everything of the policy that decides what the query says.
    pub fn provenance(&self) -> String {
        let accounts: Vec<&RoleMatch> = self
            .service_accounts
            .iter()
            .map(|account| &account.role)
            .collect();
        let exclusions: Vec<(&str, &Match)> = self
            .exclusions
            .iter()
            .map(|exclusion| (exclusion.id.as_str(), &exclusion.matcher))
            .collect();
        format!("{:?}\n{accounts:?}\n{exclusions:?}", self.prefix)
    }

    /// The alarm query: statements by user, database, class, command and object.
    pub fn alarm(&self, header: &str) -> CompiledQuery {
        let mut text = self.rows(header);
        text.stage(
            StageRole::Result,
            "stats count_distinct(concat(@logStream, ' ', coalesce(pgPid, '-'), ' ', coalesce(pgIds, @message))) \
             as statements, count(*) as records by coalesce(pgUser, '-') as user, coalesce(pgDatabase, '-') as \
             database, coalesce(pgClass, '-') as class, coalesce(pgCommand, '-') as command, \
             coalesce(pgObject, '-') as object",
        );
        text.stage(StageRole::Result, "sort statements desc");
        text.stage(StageRole::Result, &format!("limit {ROW_LIMIT}"));
        text.finish()
    }

    /// The investigation query: the same records, newest first, as a responder reads them.
    pub fn investigate(&self, header: &str) -> CompiledQuery {
        let mut text = self.rows(header);
        text.stage(
            StageRole::Result,
            "parse pgText /^,(?<pgStatement>[\\s\\S]*)/",
        );
        text.stage(
            StageRole::Result,
            "display @timestamp, pgUser, pgDatabase, pgClient, pgClass, pgCommand, pgObject, pgStatement, \
             @message, @logStream, @log",
        );
        text.stage(StageRole::Result, "sort @timestamp desc");
        text.stage(StageRole::Result, "limit 1000");
        text.finish()
    }

    /// The table for a dashboard: no statements, whose literals can be personal data.
    pub fn table(&self, header: &str) -> CompiledQuery {
        let mut text = self.rows(header);
        text.stage(
            StageRole::Result,
            "display @timestamp, pgUser, pgDatabase, pgClient, pgClass, pgCommand, pgObject",
        );
        text.stage(StageRole::Result, "sort @timestamp desc");
        text.stage(StageRole::Result, "limit 100");
        text.finish()
    }

    fn rows(&self, header: &str) -> Text {
        let mut text = Text::new(header);
        // Every line that can be a record, and nothing else: what follows keeps whatever it cannot read.
        text.stage(
            StageRole::NotARecord,
            &format!("filter @message like /: +AUDIT: {}/", pattern::RECORD_IDS),
        );
        let prefix = pattern::prefix(self.prefix);
        text.stage(
            StageRole::Extract,
            &format!("parse @message /^{prefix}(?<pgRest>[\\s\\S]*)/"),
        );
        let head = pattern::head(self.prefix);
        text.stage(
            StageRole::Extract,
            &format!("parse pgRest /^{head}(?<pgRecord>[\\s\\S]*)/"),
        );
        // A second head: a role, database or application name may have forged the first, and a line
        // with two readings has none. `AUDIT: ` is no record, and the line stays loud. Where an
        // application name stands before the record, it must not matter which head is found first, and
        // no second prefix may hide in it.
        let ids = pattern::RECORD_IDS;
        let second = match self.prefix {
            LogLinePrefix::Short => format!("parse pgRecord /: +(?<pgTwice>AUDIT: ){ids}/"),
            LogLinePrefix::Long => {
                format!(
                    "parse pgRest /(?<pgTwice>AUDIT: {ids}[\\s\\S]*: +AUDIT: {ids}|\\]:[0-9]+:[0-9A-Z]{{5}}:[0-9])/"
                )
            }
        };
        text.stage(StageRole::Extract, &second);
        text.stage(
            StageRole::Extract,
            "fields coalesce(pgTwice, pgRecord, '') as pgSure",
        );
        text.stage(
            StageRole::Extract,
            "parse pgSure /^(?:SESSION|OBJECT),(?<pgIds>[0-9]+,[0-9]+),(?<pgWhat>[A-Z_]+,[^,\"\\n]+,[^,\"\\n]*),\
             (?<pgObject>[^,\"\\n]*|\"[^\"]*(?:\"\"[^\"]*)*\")(?<pgFields>,[\\s\\S]*)/",
        );
        text.stage(
            StageRole::Extract,
            "parse pgWhat /^(?<pgClass>[A-Z_]+),(?<pgCommand>[^,]+),(?<pgType>[^,]*)/",
        );
        // `<not logged>` and `<previously logged>` are no text; a statement never begins with `<`.
        text.stage(
            StageRole::Extract,
            "parse pgFields /^(?<pgText>,(?:\"[^\"]*(?:\"\"[^\"]*)*\"|[^,\"<][^,\"]*|)),/",
        );
        let guard = "isempty(pgWhat) = 1";
        text.stage(
            StageRole::Scope,
            &format!(
                "filter ({guard} or pgWhat not like /^(?:{},|MISC,{}[ ,])/)",
                pattern::any_of(CLASS_OUT_OF_SCOPE.iter().copied()),
                pattern::any_of(MISC_OUT_OF_SCOPE.iter().copied())
            ),
        );
        self.service_accounts(&mut text, guard);

        let mut call_lists: Vec<&[String]> = Vec::new();
        for exclusion in &self.exclusions {
            let start = text.length;
            let mut calls_field = None;
            if let Some(functions) = exclusion
                .matcher
                .statement
                .as_ref()
                .and_then(|s| s.only_calls.as_deref())
            {
                let known = call_lists.iter().position(|list| *list == functions);
                let index = known.unwrap_or(call_lists.len());
                let field = if index == 0 {
                    "pgCalls".to_owned()
                } else {
                    format!("pgCalls{}", index + 1)
                };
                if known.is_none() {
                    call_lists.push(functions);
                    let body = pattern::only_calls(functions.iter().map(String::as_str));
                    text.stage(
                        StageRole::Extract,
                        &format!("parse pgText /(?i)^(?<{field}>,\"?(?:{body})\"?)\\z/"),
                    );
                }
                calls_field = Some(field);
            }
            text.comment(&exclusion.id);
            let mut reasons = loud_reasons(&exclusion.matcher, calls_field.as_deref());
            // A record that was not understood has no fields but those of the prefix: one test for a
            // missing field of its own keeps it loud.
            let prefix_fields = ["pgUser", "pgDatabase", "pgClient"];
            if !reasons.iter().any(|reason| {
                reason
                    .strip_prefix("isempty(")
                    .is_some_and(|rest| !prefix_fields.iter().any(|field| rest.starts_with(field)))
                    && reason.contains(") = 1")
            }) {
                reasons.insert(0, guard.to_owned());
            }
            text.stage(
                StageRole::Exclusion(exclusion.id.clone()),
                &format!("filter ({})", reasons.join(" or ")),
            );
            text.shares
                .push((exclusion.id.clone(), text.length - start));
        }
        text
    }

    fn service_accounts(&self, text: &mut Text, guard: &str) {
        let mut reasons = Vec::new();
        let names: Vec<&str> = self
            .service_accounts
            .iter()
            .filter_map(|account| match &account.role {
                RoleMatch::Name(name) => Some(name.as_str()),
                RoleMatch::Pattern(_) => None,
            })
            .collect();
        if !names.is_empty() {
            reasons.push(format!("pgUser not in {}", list(&names)));
        }
        let patterns: Vec<&str> = self
            .service_accounts
            .iter()
            .filter_map(|account| match &account.role {
                RoleMatch::Pattern(pattern) => Some(pattern.as_str()),
                RoleMatch::Name(_) => None,
            })
            .collect();
        if !patterns.is_empty() {
            reasons.push(format!("pgUser not like /^(?:{})\\z/", patterns.join("|")));
        }
        if !reasons.is_empty() {
            text.stage(
                StageRole::ServiceAccounts,
                &format!(
                    "filter ({guard} or isempty(pgUser) = 1 or ({}))",
                    reasons.join(" and ")
                ),
            );
        }
    }
}

/// Why a record stays loud although an exclusion is there: one reason for each condition that may fail.
fn loud_reasons(matcher: &Match, calls_field: Option<&str>) -> Vec<String> {
    let mut reasons = Vec::new();
    let mut one_of = |field: &str, values: &Option<Vec<String>>| {
        let Some(values) = values else { return };
        let (empty, values): (Vec<&str>, Vec<&str>) = values
            .iter()
            .map(String::as_str)
            .partition(|value| value.is_empty());
        match (values.is_empty(), empty.is_empty()) {
            (true, false) => reasons.push(format!("isempty({field}) = 0")),
            (false, true) => reasons.push(format!(
                "isempty({field}) = 1 or {field} not in {}",
                list(&values)
            )),
            (false, false) => reasons.push(format!(
                "(isempty({field}) = 0 and {field} not in {})",
                list(&values)
            )),
            (true, true) => reasons.push("ispresent(@message)".to_owned()),
        }
    };
    one_of("pgUser", &matcher.user);
    one_of("pgDatabase", &matcher.database);
    let what = what(matcher);
    if what.is_none() {
        one_of("pgClass", &matcher.class);
        one_of("pgCommand", &matcher.command);
        one_of("pgType", &matcher.object_type);
    }
    if let Some(combinations) = what {
        reasons.push(format!("pgWhat not in {}", list(&combinations)));
    }
    if let Some(clients) = &matcher.client {
        let addresses = pattern::any_of(clients.iter().map(String::as_str));
        reasons.push(format!(
            "isempty(pgClient) = 1 or pgClient not like /^{addresses}(?:\\(|\\z)/"
        ));
    }
    if let Some(object) = object_pattern(matcher) {
        reasons.push(format!(
            "isempty(pgObject) = 1 or pgObject not like /{object}/"
        ));
    }
    if let Some(statement) = &matcher.statement {
        let mut text_read = false;
        if let Some(field) = calls_field {
            reasons.push(format!("isempty({field}) = 1"));
            // The calls are read from the text: where they are present, so is the text.
            text_read = true;
        }
        let mut on_text = |condition: String| {
            if !text_read {
                reasons.push("isempty(pgText) = 1".to_owned());
                text_read = true;
            }
            reasons.push(condition);
        };
        if statement.is_empty {
            on_text("pgText != ','".to_owned());
        }
        if let Some(words) = &statement.starts_with {
            let words = pattern::starts_with(words.iter().map(String::as_str));
            on_text(format!("pgText not like /{words}/"));
        }
        let wholes: Vec<String> = statement
            .equals
            .iter()
            .flatten()
            .map(|text| pattern::equals(text))
            .chain(statement.matches.iter().flatten().cloned())
            .collect();
        if !wholes.is_empty() {
            on_text(format!(
                "pgText not like /{}/",
                pattern::whole(&wholes.join("|"))
            ));
        }
        if let Some(texts) = &statement.lacks {
            on_text(format!(
                "pgText like /{}/",
                pattern::contains(texts.iter().map(String::as_str))
            ));
        }
        if let Some(words) = &statement.lacks_words {
            on_text(format!(
                "pgText like /{}/",
                pattern::contains_word(words.iter().map(String::as_str))
            ));
        }
        if let Some(names) = &statement.lacks_names {
            on_text(format!(
                "pgText like /{}/",
                pattern::contains_name(names.iter().map(String::as_str))
            ));
        }
        if let Some(texts) = &statement.contains {
            on_text(format!(
                "pgText not like /{}/",
                pattern::contains(texts.iter().map(String::as_str))
            ));
        }
    }
    reasons
}

/// The combinations of class, command and object type, as they stand side by side in the record,
/// where all three are given and they are few.
fn what(matcher: &Match) -> Option<Vec<String>> {
    let (classes, commands, types) = (
        matcher.class.as_ref()?,
        matcher.command.as_ref()?,
        matcher.object_type.as_ref()?,
    );
    if classes.len() * commands.len() * types.len() > 12 {
        return None;
    }
    let mut combinations = Vec::new();
    for class in classes {
        for command in commands {
            combinations.extend(
                types
                    .iter()
                    .map(|object_type| format!("{class},{command},{object_type}")),
            );
        }
    }
    Some(combinations)
}

/// The object as pgAudit prints it, for a schema and the names in it.
fn object_pattern(matcher: &Match) -> Option<String> {
    let schemas = matcher
        .schema
        .as_ref()
        .map(|schemas| pattern::any_of(schemas.iter().map(String::as_str)));
    let names = matcher
        .relation
        .as_ref()
        .map(|names| pattern::any_of(names.iter().map(String::as_str)));
    match (schemas, names) {
        (None, None) => None,
        (Some(schemas), None) => Some(format!(r"^{schemas}\.")),
        (Some(schemas), Some(names)) => Some(format!(r"^{schemas}\.{names}\z")),
        (None, Some(names)) => Some(format!(r"^[a-z_][a-z0-9_]*\.{names}\z")),
    }
}

/// `['a', 'b']`. The checks refuse names that hold a quote, a backslash or a control character.
fn list<T: AsRef<str>>(values: &[T]) -> String {
    let quoted: Vec<String> = values
        .iter()
        .map(|value| format!("'{}'", value.as_ref()))
        .collect();
    format!("[{}]", quoted.join(", "))
}

/// A query under construction.
struct Text {
    text: String,
    length: usize,
    stages: Vec<StageRole>,
    shares: Vec<(String, usize)>,
}

impl Text {
    fn new(header: &str) -> Self {
        let mut text = Self {
            text: String::new(),
            length: 0,
            stages: Vec::new(),
            shares: Vec::new(),
        };
        for line in header.lines() {
            text.push(&format!("# {line}\n"));
        }
        text
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.length += text.chars().count();
    }

    fn comment(&mut self, line: &str) {
        self.push(&format!("# {line}\n"));
    }

    fn stage(&mut self, role: StageRole, text: &str) {
        let bar = if self.stages.is_empty() { "" } else { "| " };
        self.push(&format!("{bar}{text}\n"));
        self.stages.push(role);
    }

    fn finish(self) -> CompiledQuery {
        CompiledQuery {
            text: self.text,
            stages: self.stages,
            shares: self.shares,
        }
    }
}
