//! Which kind of file an input is: by what it holds, and where that is not enough by its name.

use serde::Serialize;

use super::embedded;
use super::stages::{Stage, stages};

/// A file of the old system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// As it was named.
    pub name: String,
    pub text: String,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A query of Logs Insights.
    Query,
    /// A file of something else that holds queries: a dashboard, definitions, Terraform, CloudFormation, CDK.
    Queries,
    /// The function's configuration, as AWS prints it.
    Function,
    /// Variables, a line each.
    Variables,
    Tfvars,
    /// The same as JSON.
    TfvarsJson,
    /// SQL that switches the audit on.
    Sql,
}

impl Kind {
    /// What a person reads.
    pub fn title(self) -> &'static str {
        match self {
            Self::Query => "the detection query",
            Self::Queries => "queries inside another file",
            Self::Function => "the function's configuration",
            Self::Variables => "the function's variables",
            Self::Tfvars | Self::TfvarsJson => "variables of Terraform",
            Self::Sql => "SQL that turns on the audit",
        }
    }
}

/// Commands of Logs Insights that a query can begin with.
const COMMANDS: [&str; 8] = [
    "filter", "fields", "stats", "parse", "sort", "display", "limit", "dedup",
];

/// Whether a text is a query of Logs Insights with a condition, beyond doubt.
pub fn is_query(text: &str) -> bool {
    let stages = stages(text);
    let is_known = |stage: &Stage| {
        COMMANDS.contains(&stage.command.as_str())
            || matches!(stage.command.as_str(), "where" | "source")
    };
    stages.first().is_some_and(is_known)
        && stages.iter().any(|stage| {
            let text = text.get(stage.span.clone()).unwrap_or_default();
            stage.is_condition()
                && (text.contains('@')
                    || text.contains(" like ")
                    || text.contains("=~")
                    || text.contains('='))
        })
}

/// The kind; `None` where nothing is recognised.
pub fn kind(input: &Input) -> Option<Kind> {
    let name = input.name.to_lowercase();
    let ends = |end: &str| name.ends_with(end);
    if ends(".tfvars.json") {
        return Some(Kind::TfvarsJson);
    }
    if ends(".tfvars") {
        return Some(Kind::Tfvars);
    }
    if ends(".sql") {
        return Some(Kind::Sql);
    }
    let text = input.text.trim_start();
    let is_json = text.starts_with(['{', '[']);
    let is_code = [
        ".tf",
        ".tf.json",
        ".ts",
        ".js",
        ".py",
        ".yaml",
        ".yml",
        ".json",
        ".template",
    ];
    if (is_json || is_code.into_iter().any(ends)) && !embedded::queries(input).is_empty() {
        return Some(Kind::Queries);
    }
    if text.starts_with('{') {
        return Some(Kind::Function);
    }
    let first = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with("--"))?;
    let word = first
        .split(|sign: char| !sign.is_ascii_alphabetic())
        .next()
        .unwrap_or_default();
    // `where` and `source` are words of prose too.
    if COMMANDS.contains(&word.to_ascii_lowercase().as_str()) || is_query(&input.text) {
        return Some(Kind::Query);
    }
    let is_variable = |line: &str| {
        let line = line.strip_prefix("export ").unwrap_or(line);
        line.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        })
    };
    if is_variable(first) {
        return Some(Kind::Variables);
    }
    let is_sql = ["alter", "create", "select", "set", "grant", "show"];
    is_sql
        .contains(&word.to_ascii_lowercase().as_str())
        .then_some(Kind::Sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart() {
        for (name, text, expected) in [
            (
                "log-insights-query.txt",
                "# x\nfilter @message like /AUDIT:/",
                Some(Kind::Query),
            ),
            ("q", "fields @timestamp\n| filter a = 1", Some(Kind::Query)),
            (
                "lambda.json",
                "{\"FunctionName\": \"x\"}",
                Some(Kind::Function),
            ),
            (".env", "LOG_GROUP_NAME=/aws/x\n", Some(Kind::Variables)),
            ("env", "export A=b\n", Some(Kind::Variables)),
            ("prod.tfvars", "cluster_name = \"a\"", Some(Kind::Tfvars)),
            ("prod.tfvars.json", "{}", Some(Kind::TfvarsJson)),
            ("pgaudit-setup.sql", "", Some(Kind::Sql)),
            (
                "setup.txt",
                "-- x\nALTER USER a SET pgaudit.log TO 'all';",
                Some(Kind::Sql),
            ),
            (
                "w",
                "where @message like /AUDIT/ | limit 3",
                Some(Kind::Query),
            ),
            (
                "s",
                "SOURCE '/aws/rds/x' | filter @message like /AUDIT/",
                Some(Kind::Query),
            ),
            ("prose", "where do we go from here?", None),
            (
                "dashboard.json",
                "{\"widgets\": [{\"properties\": {\"query\": \"SOURCE 'x' | filter @message like /AUDIT/\"}}]}",
                Some(Kind::Queries),
            ),
            ("README.md", "# Title\n\nSome prose.", None),
            ("empty", "", None),
        ] {
            let input = Input {
                name: name.to_owned(),
                text: text.to_owned(),
            };
            assert_eq!(kind(&input), expected, "{name}");
        }
    }
}
