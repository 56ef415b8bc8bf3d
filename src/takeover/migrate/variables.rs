//! The function's configuration as AWS prints it, and its variables a line each.

use serde_json::{Map, Value};

use super::settings::Settings;
use super::{At, Input, line_of};
use crate::diagnostic::quote;

/// Reads `aws lambda get-function-configuration`, its part with the variables, or a plain object of them.
pub fn function(input: &Input, settings: &mut Settings) {
    let whole = At::new(&input.name, 1);
    let value: Value = match serde_json::from_str(&input.text) {
        Ok(value) => value,
        Err(error) => {
            settings.open(
                &At::new(&input.name, error.line()),
                format!("this is not valid JSON: {error}"),
                "write it again with `aws lambda get-function-configuration --function-name NAME`",
            );
            return;
        }
    };
    // `get-function` wraps it.
    let value = match value {
        Value::Object(mut object) if object.contains_key("Configuration") => {
            if object.contains_key("Code") {
                let at = key_at(input, "Code");
                settings.done(
                    &at,
                    "`Code` is not read",
                    "it contains a signed address of the function's code",
                );
            }
            object.remove("Configuration").unwrap_or_default()
        }
        other => other,
    };
    let Value::Object(object) = value else {
        settings.open(
            &whole,
            "this JSON is not an object",
            "provide the output of `aws lambda get-function-configuration`",
        );
        return;
    };
    let is_configuration = ["FunctionArn", "FunctionName", "Environment", "Variables"]
        .iter()
        .any(|key| object.contains_key(*key));
    if !is_configuration {
        variables(input, &object, settings);
        return;
    }
    for (key, value) in &object {
        let at = key_at(input, key);
        match (key.as_str(), value) {
            ("FunctionArn", Value::String(arn)) => settings.arn(&at, key, arn),
            ("Timeout", Value::Number(number)) => {
                let seconds = number.as_u64().and_then(|seconds| u32::try_from(seconds).ok());
                settings.timeout(&at, key, seconds.unwrap_or_default());
            }
            ("Environment", Value::Object(inner)) => match inner.get("Variables") {
                Some(Value::Object(all)) => variables(input, all, settings),
                _ => settings.open(
                    &at,
                    "`Environment` contains no variables",
                    "the credentials might lack kms:Decrypt for the function's variables: run the command again with others",
                ),
            },
            ("Variables", Value::Object(all)) => variables(input, all, settings),
            ("Runtime" | "Handler" | "Architectures" | "MemorySize" | "CodeSize" | "CodeSha256", _) => settings.done(
                &at,
                format!("`{key}` is not carried over"),
                "pgvigil has its own monitor program",
            ),
            ("Role", _) => settings.done(
                &at,
                "`Role` is not carried over",
                "pgvigil creates a role with fewer permissions; `pgvigil adopt` takes the old one out of service",
            ),
            ("FunctionName", _) => settings.done(
                &at,
                "`FunctionName` is not carried over",
                "`pgvigil adopt` finds the old function and takes it out of service, without a gap",
            ),
            ("VpcConfig", Value::Object(inner)) if inner.get("VpcId").is_some_and(|id| id.as_str().is_some_and(|id| !id.is_empty())) => {
                settings.open(
                    &at,
                    "the function runs in a VPC",
                    "pgvigil's monitor needs none because it uses only CloudWatch and SNS: check that both can be reached from outside the VPC",
                );
            }
            ("DeadLetterConfig" | "KMSKeyArn" | "Layers" | "FileSystemConfigs", inner) if !is_empty(inner) => settings.open(
                &at,
                format!("`{key}` is not carried over"),
                "pgvigil's monitor has no such setting: check whether you need it",
            ),
            // Times, states and numbers of AWS' own.
            _ => {}
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(object) => object.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// The line of a key. The first that has the name.
fn key_at(input: &Input, key: &str) -> At {
    let quoted = serde_json::to_string(key).unwrap_or_default();
    let line = input
        .text
        .match_indices(&quoted)
        .find(|(at, _)| {
            let behind = input.text.get(at + quoted.len()..).unwrap_or_default();
            behind.trim_start().starts_with(':')
        })
        .map_or(1, |(at, _)| line_of(&input.text, at));
    At::new(&input.name, line)
}

fn variables(input: &Input, all: &Map<String, Value>, settings: &mut Settings) {
    for (key, value) in all {
        let at = key_at(input, key);
        match value {
            Value::String(text) => variable(&at, key, text, settings),
            Value::Number(number) => variable(&at, key, &number.to_string(), settings),
            _ => settings.open(
                &at,
                format!("the variable {} is not text", quote(key)),
                "check whether you need it",
            ),
        }
    }
}

/// One variable. Values of unknown ones may be secrets: they are not shown.
fn variable(at: &At, name: &str, value: &str, settings: &mut Settings) {
    match name {
        "LOG_GROUP_NAME" => settings.log_group(at, name, value),
        "METRIC_NAMESPACE" => settings.namespace(at, name, value),
        "QUERY_WINDOW_MINUTES" => settings.window(at, name, value),
        "AWS_REGION" | "AWS_DEFAULT_REGION" | "REGION" => settings.region(at, name, value),
        "ACCOUNT_ID" | "AWS_ACCOUNT_ID" => settings.account(at, name, value),
        "CLUSTER_NAME" => settings.cluster_name(at, name, value),
        "ENVIRONMENT" => settings.name(at, name, value),
        "ALERT_EMAIL" => settings.email(at, name, value),
        "INCIDENT_PLATFORM_URL" => settings.incident_url(at, name, value.is_empty()),
        _ => settings.open(
            at,
            format!("the variable {} is unknown", quote(name)),
            "its value was not read: check whether you need it; put a secret into `from_env` or `from_secret`",
        ),
    }
}

/// Reads `NAME=value`, a line each.
pub fn lines(input: &Input, settings: &mut Settings) {
    for (index, line) in input.text.lines().enumerate() {
        let at = At::new(&input.name, index + 1);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let Some((name, value)) = line.split_once('=') else {
            settings.open(
                &at,
                "this line is not NAME=value",
                "it was not read: correct it, or transfer it manually",
            );
            continue;
        };
        let (name, value) = (name.trim(), value.trim());
        if value.contains("$(") || value.contains('`') || value.contains("${") {
            settings.open(
                &at,
                format!("the value of {} depends on a shell", quote(name)),
                "write the value itself",
            );
            continue;
        }
        variable(&at, name, unquoted(value), settings);
    }
}

/// A value without the quotes around it, or without the comment after it.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote)
            && let Some((inside, _)) = rest.split_once(quote)
        {
            return inside;
        }
    }
    value
        .split_once(" #")
        .map_or(value, |(value, _)| value.trim_end())
}
