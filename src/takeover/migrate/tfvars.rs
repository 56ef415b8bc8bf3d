//! Variables of Terraform: a strict reader of what a `.tfvars` file may hold, and nothing more. What it does not know is
//! told with its line.

use serde_json::Value as Json;

use super::settings::Settings;
use super::{At, Input, line_of};
use crate::diagnostic::quote;

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Text(String),
    /// A number as written, `true`, `false`, `null`.
    Word(String),
    List(Vec<Value>),
    Map(Vec<(String, Value, usize)>),
}

impl Value {
    fn is_null(&self) -> bool {
        matches!(self, Self::Word(word) if word == "null")
    }

    /// A text, or a number as text.
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Word(word) if word.starts_with(|first: char| first.is_ascii_digit()) => {
                Some(word)
            }
            _ => None,
        }
    }
}

/// What cannot be read, and what to do.
type Refused = (&'static str, &'static str);

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

const TEMPLATE: Refused = (
    "a template of Terraform",
    "write the value itself: `terraform console` shows it",
);
const UNKNOWN: Refused = (
    "not a text, number, list or map",
    "write the value itself, or transfer it manually",
);

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn line(&self) -> usize {
        line_of(self.text, self.at)
    }

    fn take(&mut self, what: char) -> bool {
        let is_there = self.rest().starts_with(what);
        if is_there {
            self.at += what.len_utf8();
        }
        is_there
    }

    /// White space and comments; with `lines` also line ends.
    fn gap(&mut self, lines: bool) {
        loop {
            let rest = self.rest();
            let space: usize = rest
                .chars()
                .take_while(|sign| {
                    matches!(sign, ' ' | '\t' | '\r' | '\u{feff}') || (lines && *sign == '\n')
                })
                .map(char::len_utf8)
                .sum();
            self.at += space;
            let rest = self.rest();
            if rest.starts_with('#') || rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                self.at += rest.find("*/").map_or(rest.len(), |end| end + 2);
            } else if space == 0 {
                return;
            }
        }
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let length = rest
            .find(|sign: char| !(sign.is_alphanumeric() || matches!(sign, '_' | '-' | '.')))
            .unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn skip_line(&mut self) {
        let rest = self.rest();
        self.at += rest.find('\n').map_or(rest.len(), |end| end + 1);
    }

    fn value(&mut self, depth: usize) -> Result<Value, Refused> {
        if depth > 8 {
            return Err(("values are nested too deeply", "transfer it manually"));
        }
        let rest = self.rest();
        if rest.starts_with('"') {
            return self.string().map(Value::Text);
        }
        if rest.starts_with("<<") {
            return Err((
                "text of several lines is not supported",
                "write it in quotes, with \\n",
            ));
        }
        if self.take('[') {
            let mut items = Vec::new();
            loop {
                self.gap(true);
                if self.take(']') {
                    return Ok(Value::List(items));
                }
                items.push(self.value(depth + 1)?);
                self.gap(true);
                if !self.take(',') && !self.rest().starts_with(']') {
                    return Err(("a list has no closing `]`", "close it"));
                }
            }
        }
        if self.take('{') {
            let mut entries = Vec::new();
            loop {
                self.gap(true);
                if self.take('}') {
                    return Ok(Value::Map(entries));
                }
                let line = self.line();
                let key = if self.rest().starts_with('"') {
                    self.string()?
                } else {
                    self.word().to_owned()
                };
                self.gap(false);
                if key.is_empty() || !(self.take('=') || self.take(':')) {
                    return Err((
                        "a map contains an entry that is not `key = value`",
                        "write one entry a line",
                    ));
                }
                self.gap(false);
                let value = self.value(depth + 1)?;
                entries.push((key, value, line));
                self.gap(false);
                let _ = self.take(',');
            }
        }
        let word = self.word();
        let is_number = word.parse::<f64>().is_ok()
            && word.starts_with(|first: char| first.is_ascii_digit() || first == '-');
        if is_number || ["true", "false", "null"].contains(&word) {
            Ok(Value::Word(word.to_owned()))
        } else {
            Err(UNKNOWN)
        }
    }

    fn string(&mut self) -> Result<String, Refused> {
        self.at += 1;
        let mut text = String::new();
        let mut signs = self.rest().char_indices();
        while let Some((at, sign)) = signs.next() {
            match sign {
                '"' => {
                    self.at += at + 1;
                    return Ok(text);
                }
                '\n' => break,
                '\\' => match signs.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, 'r')) => text.push('\r'),
                    Some((_, sign @ ('"' | '\\'))) => text.push(sign),
                    Some((_, 'u')) => {
                        let digits: String = signs.by_ref().take(4).map(|(_, sign)| sign).collect();
                        let sign = u32::from_str_radix(&digits, 16)
                            .ok()
                            .and_then(char::from_u32);
                        text.push(sign.ok_or((
                            "an escape does not stand for a character",
                            "write the character",
                        ))?);
                    }
                    _ => {
                        return Err((
                            "an escape is not valid in Terraform",
                            "write \\\\ for a backslash",
                        ));
                    }
                },
                '$' | '%' if signs.as_str().starts_with('{') => return Err(TEMPLATE),
                other => text.push(other),
            }
        }
        Err(("a text has no closing quote", "close it"))
    }
}

/// Reads a `.tfvars` file.
pub fn read(input: &Input, settings: &mut Settings) {
    let mut reader = Reader {
        text: &input.text,
        at: 0,
    };
    loop {
        reader.gap(true);
        if reader.rest().is_empty() {
            return;
        }
        let at = At::new(&input.name, reader.line());
        let name = reader.word().to_owned();
        reader.gap(false);
        if name.is_empty() || !reader.take('=') {
            settings.open(
                &at,
                "this line is not `name = value`",
                "it was not read: correct it, or transfer it manually",
            );
            reader.skip_line();
            continue;
        }
        reader.gap(false);
        match reader.value(0) {
            Ok(value) => {
                assign(&at, &input.name, &name, &value, settings);
                reader.gap(false);
                if !reader.rest().is_empty() && !reader.rest().starts_with('\n') {
                    settings.open(
                        &at,
                        format!("there is more text after the value of {}", quote(&name)),
                        "that text was not read: write only the value",
                    );
                    reader.skip_line();
                }
            }
            Err((what, help)) => {
                settings.open(&at, format!("the value of {}: {what}", quote(&name)), help);
                reader.skip_line();
            }
        }
    }
}

/// Reads a `.tfvars.json` file.
pub fn read_json(input: &Input, settings: &mut Settings) {
    let object = match serde_json::from_str(&input.text) {
        Ok(Json::Object(object)) => object,
        Ok(_) => {
            settings.open(
                &At::new(&input.name, 1),
                "this JSON is not an object",
                "provide an object of variables",
            );
            return;
        }
        Err(error) => {
            settings.open(
                &At::new(&input.name, error.line()),
                format!("this is not valid JSON: {error}"),
                "correct the file",
            );
            return;
        }
    };
    for (name, value) in &object {
        let at = At::new(&input.name, json_line(&input.text, name));
        match of_json(&input.text, value) {
            Some(value) => assign(&at, &input.name, name, &value, settings),
            None => settings.open(
                &at,
                format!("the value of {} could not be read", quote(name)),
                "transfer it manually",
            ),
        }
    }
}

fn json_line(text: &str, key: &str) -> usize {
    let quoted = serde_json::to_string(key).unwrap_or_default();
    text.find(&quoted).map_or(1, |at| line_of(text, at))
}

fn of_json(text: &str, value: &Json) -> Option<Value> {
    Some(match value {
        Json::Null => Value::Word("null".to_owned()),
        Json::Bool(value) => Value::Word(value.to_string()),
        Json::Number(number) => Value::Word(number.to_string()),
        Json::String(value) => Value::Text(value.clone()),
        Json::Array(items) => Value::List(
            items
                .iter()
                .map(|item| of_json(text, item))
                .collect::<Option<_>>()?,
        ),
        Json::Object(entries) => Value::Map(
            entries
                .iter()
                .map(|(key, value)| {
                    Some((key.clone(), of_json(text, value)?, json_line(text, key)))
                })
                .collect::<Option<_>>()?,
        ),
    })
}

fn assign(at: &At, file: &str, name: &str, value: &Value, settings: &mut Settings) {
    if value.is_null() {
        settings.done(
            at,
            format!("{} is null", quote(name)),
            "the default is used",
        );
        return;
    }
    match (name, value) {
        ("cluster_name" | "cluster_identifier", value) if value.text().is_some() => {
            settings.cluster_name(at, name, value.text().unwrap_or_default());
        }
        ("environment", Value::Text(text)) => settings.name(at, name, text),
        ("alert_email", Value::Text(text)) => settings.email(at, name, text),
        ("alert_email" | "alert_emails", Value::List(items)) => {
            for item in items {
                settings.email(at, name, item.text().unwrap_or_default());
            }
        }
        ("incident_platform_url", Value::Text(text)) => {
            settings.incident_url(at, name, text.is_empty())
        }
        ("query_window_minutes", value) if value.text().is_some() => {
            settings.window(at, name, value.text().unwrap_or_default());
        }
        ("log_retention_days", value) if value.text().is_some() => {
            settings.retention(at, name, value.text().unwrap_or_default());
        }
        ("aws_region" | "region", Value::Text(text)) => settings.region(at, name, text),
        ("account_id" | "aws_account_id", value) if value.text().is_some() => {
            settings.account(at, name, value.text().unwrap_or_default());
        }
        ("metric_namespace", Value::Text(text)) => settings.namespace(at, name, text),
        ("tags", Value::Map(entries)) => {
            for (key, value, line) in entries {
                let at = At::new(file, *line);
                match value.text() {
                    Some(value) => settings.tag(&at, key, value),
                    None => settings.open(
                        &at,
                        format!("the tag {} is not text", quote(key)),
                        "write it under `tags`",
                    ),
                }
            }
        }
        (
            "cluster_name"
            | "environment"
            | "alert_email"
            | "incident_platform_url"
            | "query_window_minutes"
            | "log_retention_days"
            | "aws_region"
            | "region"
            | "account_id"
            | "metric_namespace"
            | "tags",
            _,
        ) => settings.open(
            at,
            format!(
                "the value of {} has a form that the old system does not accept",
                quote(name)
            ),
            "transfer it manually",
        ),
        // A value of an unknown variable may be a secret: it is not shown.
        _ => settings.open(
            at,
            format!("the variable {} is unknown", quote(name)),
            "its value was not read: check whether you need it",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        let mut settings = Settings::default();
        let input = Input {
            name: "prod.tfvars".to_owned(),
            text: text.to_owned(),
        };
        read(&input, &mut settings);
        settings
    }

    #[test]
    fn everything_is_carried_over_or_told() {
        let text = "# the shop\ncluster_name = \"orders\" // main\nenvironment = \"Prod EU\"\n/* who\n is told */\n\
                    alert_email = \"dba@example.com\"\nincident_platform_url = \"https://x.example/key?token=s3cr3t\"\n\
                    query_window_minutes = 1\nlog_retention_days = 364\n\
                    tags = {\n  Team = \"data\"\n  \"cost:center\" : \"7\",\n  bad = [\"x\"]\n  \"aws:x\" = \"y\"\n}\n\
                    vpc_id = \"vpc-s3cr3t\"\nlate = var.x\nmore = \"${var.y}\"\nlines = <<EOT\nhello s3cr3t\nEOT\n";
        let settings = settings(text);
        let environment = &settings.environment;
        assert_eq!(environment.name, "prod-eu");
        assert_eq!(environment.clusters[0].name, "orders");
        assert_eq!(environment.emails, ["dba@example.com"]);
        assert_eq!(environment.https, ["INCIDENT_PLATFORM_URL"]);
        assert_eq!(environment.window_minutes, Some(1));
        assert_eq!(environment.retention_days, Some(365));
        assert_eq!(
            environment.tags,
            [("Team", "data"), ("cost:center", "7")].map(|(k, v)| (k.to_owned(), v.to_owned()))
        );
        let open: Vec<usize> = settings
            .left
            .iter()
            .filter(|left| left.is_open)
            .map(|left| left.at.line)
            .collect();
        // The entries of `tags` that cannot be taken, then each unknown or unreadable line.
        assert_eq!(open, [13, 14, 16, 17, 18, 19, 20, 21]);
        assert!(!format!("{settings:?}").contains("s3cr3t"), "{settings:?}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[ -~\n\"{}\\[\\]=$%<#/*\\\\é]{0,200}") {
            let _ = settings(&text);
        }
    }
}
