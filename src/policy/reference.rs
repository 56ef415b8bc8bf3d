//! The reference page of every key of the policy files, made of their schemas.

use serde_json::Value as Json;

use super::schema::{ACCESS, DocumentSchema, ENVIRONMENT, NOTES, RULES, as_written};

/// Begins the last sentence of a description: what a key means when it is left out.
const DEFAULT: &str = " Default: ";

pub fn render_reference() -> String {
    let mut page = String::from(
        "# Keys of the policy files\n\nGenerated from `src/policy/raw.rs`, like the schemas in `schema/`: editors \
         show the same texts. [policy.md](policy.md) explains how the keys work together, and which YAML is \
         refused.\n\nIn a path, `[]` means each item of a list, and `NAME` a name of your choice.\n",
    );
    for (files, schema) in [
        ("rules/**/*.yaml", &RULES),
        ("environments/NAME.yaml", &ENVIRONMENT),
        ("access/**/*.yaml", &ACCESS),
        ("notes/**/*.yaml", &NOTES),
    ] {
        let sections = Section::all(schema);
        page.push_str(&format!("\n## `{files}`\n"));
        for section in sections {
            section.write(&mut page);
        }
    }
    page
}

/// Mappings of one shape.
struct Section<'a> {
    /// Where such a mapping stands; empty for the file itself.
    paths: Vec<String>,
    keys: Vec<Key<'a>>,
    description: &'a str,
}

/// One key of a mapping.
struct Key<'a> {
    document: &'a DocumentSchema,
    name: &'a str,
    schema: &'a Json,
    is_required: bool,
}

impl<'a> Section<'a> {
    /// The mappings of a kind of file, each shape once, in the order in which they are met.
    fn all(document: &'a DocumentSchema) -> Vec<Self> {
        let mut sections: Vec<Self> = Vec::new();
        let mut ahead = vec![(String::new(), document.json())];
        while !ahead.is_empty() {
            let mut below = Vec::new();
            for (path, schema) in ahead {
                let known = sections.iter_mut().find(|section| {
                    section
                        .keys
                        .first()
                        .zip(properties(schema).next())
                        .is_some_and(|(key, (_, other))| std::ptr::eq(key.schema, other))
                });
                if let Some(known) = known {
                    known.paths.push(path);
                    continue;
                }
                let section = Self::of(document, &path, schema);
                for key in &section.keys {
                    let here = match path.as_str() {
                        "" => key.name.to_owned(),
                        _ => format!("{path}.{}", key.name),
                    };
                    below.extend(mappings(document, key.schema, here));
                }
                sections.push(section);
            }
            ahead = below;
        }
        sections
    }

    fn of(document: &'a DocumentSchema, path: &str, schema: &'a Json) -> Self {
        let required: Vec<&str> = list(schema, "required").filter_map(Json::as_str).collect();
        let keys = properties(schema)
            .map(|(name, schema)| Key {
                document,
                name,
                schema,
                is_required: required.contains(&name),
            })
            .collect();
        Self {
            paths: vec![path.to_owned()],
            keys,
            description: text(schema, "description"),
        }
    }

    fn write(&self, page: &mut String) {
        if self.paths.iter().any(|path| !path.is_empty()) {
            let paths: Vec<String> = self.paths.iter().map(|path| format!("`{path}`")).collect();
            page.push_str(&format!("\n### {}\n", paths.join(", ")));
        }
        page.push_str(&format!(
            "\n{}\n\n| key | type | default | range, form | means | for example |\n| --- | --- | --- | --- | --- | --- |\n",
            self.description.replace('\n', " ")
        ));
        for key in &self.keys {
            let cells = [
                format!("`{}`", key.name),
                key.kind(),
                key.default(),
                key.range(),
                key.meaning(),
                key.examples(),
            ];
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            page.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
    }
}

impl Key<'_> {
    fn kind(&self) -> String {
        kind(self.document, self.schema)
    }

    /// What holds when the key is left out.
    fn default(&self) -> String {
        if self.is_required {
            return "required".to_owned();
        }
        self.words().1.unwrap_or_default()
    }

    fn range(&self) -> String {
        let mut parts = Vec::new();
        range(self.schema, &mut parts);
        parts.dedup();
        parts.join("; ")
    }

    fn meaning(&self) -> String {
        let (mut meaning, _) = self.words();
        for (value, description) in values(self.document, self.schema) {
            if let Some(description) = description {
                meaning.push_str(&format!(" `{value}`: {description}"));
            }
        }
        meaning
    }

    fn examples(&self) -> String {
        let examples: Vec<String> = list(self.schema, "examples")
            .map(|example| format!("`{}`", as_written(example)))
            .collect();
        examples.join(" or ")
    }

    /// The description in one line, and what it says about a key that is left out.
    fn words(&self) -> (String, Option<String>) {
        let text = text(self.schema, "description");
        let (text, default) = match text.split_once(DEFAULT) {
            None => (text.to_owned(), None),
            Some((before, rest)) => {
                let (default, after) = rest.split_once("\n\n").unwrap_or((rest, ""));
                (
                    format!("{before}\n\n{after}"),
                    Some(default.trim_end_matches('.').to_owned()),
                )
            }
        };
        (
            text.split_whitespace().collect::<Vec<_>>().join(" "),
            default,
        )
    }
}

/// The mappings that a value may hold, and where they stand.
fn mappings<'a>(
    document: &'a DocumentSchema,
    schema: &'a Json,
    path: String,
) -> Vec<(String, &'a Json)> {
    let schema = followed(document, schema);
    if properties(schema).next().is_some() {
        return vec![(path, schema)];
    }
    let mut found = Vec::new();
    if let Some(items) = schema.get("items") {
        found.extend(mappings(document, items, format!("{path}[]")));
    }
    if let Some(values) = schema.get("additionalProperties") {
        found.extend(mappings(document, values, format!("{path}.NAME")));
    }
    for branch in list(schema, "anyOf") {
        found.extend(mappings(document, branch, path.clone()));
    }
    found
}

/// The words for what a value is.
fn kind(document: &DocumentSchema, schema: &Json) -> String {
    let schema = followed(document, schema);
    let values = values(document, schema);
    if !values.is_empty() && schema.get("items").is_none() && schema.get("anyOf").is_none() {
        let values: Vec<String> = values
            .iter()
            .map(|(value, _)| format!("`{value}`"))
            .collect();
        return values.join(", ");
    }
    let branches: Vec<&Json> = list(schema, "anyOf").collect();
    if let [one, many, others @ ..] = branches.as_slice()
        && many.get("items") == Some(*one)
    {
        let others = others.iter().map(|branch| kind(document, branch));
        let parts: Vec<String> = [kind(document, one), "a list of these".to_owned()]
            .into_iter()
            .chain(others)
            .collect();
        return parts.join(", or ");
    }
    if !branches.is_empty() {
        let branches: Vec<String> = branches
            .iter()
            .map(|branch| kind(document, branch))
            .collect();
        return branches.join(", or ");
    }
    match text(schema, "type") {
        "string" => "text".to_owned(),
        "integer" => "whole number".to_owned(),
        "number" => "number".to_owned(),
        "boolean" => "`true`, `false`".to_owned(),
        "array" => {
            let item = schema.get("items").map(|items| kind(document, items));
            format!("list of: {}", item.unwrap_or_default())
        }
        _ => match schema.get("additionalProperties") {
            Some(values @ Json::Object(_)) => format!("mapping to: {}", kind(document, values)),
            _ => "mapping".to_owned(),
        },
    }
}

/// What a value is held to, beyond its type.
fn range(schema: &Json, parts: &mut Vec<String>) {
    if schema.get("const").is_some() {
        return;
    }
    let number = |key: &str| schema.get(key).map(Json::to_string);
    match (number("minimum"), number("maximum")) {
        (Some(low), Some(high)) => parts.push(format!("{low} to {high}")),
        (None, Some(high)) => parts.push(format!("at most {high}")),
        (Some(low), None) => parts.push(format!("at least {low}")),
        (None, None) => {}
    }
    if let Some(pattern) = schema.get("pattern").and_then(Json::as_str) {
        // That something other than white space must stand there goes without saying.
        if pattern != r"\S" {
            parts.push(format!("`{pattern}`"));
        }
    }
    if let Some(most) = number("maxLength") {
        parts.push(format!("at most {most} characters"));
    }
    if let Some(most) = number("maxItems") {
        parts.push(format!("at most {most} items"));
    }
    let numbers: Vec<String> = list(schema, "enum").map(Json::to_string).collect();
    if !numbers.is_empty() {
        parts.push(format!("one of {}", numbers.join(", ")));
    }
    if let Some(items) = schema.get("items") {
        range(items, parts);
    }
    for branch in list(schema, "anyOf") {
        range(branch, parts);
    }
}

/// The words that a value may be, with what each means where that is said.
fn values<'a>(document: &'a DocumentSchema, schema: &'a Json) -> Vec<(String, Option<&'a str>)> {
    let schema = followed(document, schema);
    let mut found = Vec::new();
    if let Some(value) = schema.get("const") {
        let description = text(schema, "description");
        found.push((
            as_written(value),
            (!description.is_empty()).then_some(description),
        ));
        // The description of a key with one value is the key's own.
        if schema.get("type").is_some_and(|kind| kind == "integer") {
            return vec![(as_written(value), None)];
        }
    }
    for branch in list(schema, "oneOf") {
        found.extend(values(document, branch));
    }
    for branch in list(schema, "anyOf") {
        found.extend(values(document, branch));
    }
    if let Some(items) = schema.get("items") {
        found.extend(values(document, items));
    }
    let mut known = Vec::new();
    found.retain(|(value, _)| {
        let is_new = !known.contains(value);
        known.push(value.clone());
        is_new
    });
    found
}

/// The schema that a reference leads to, or the schema itself.
fn followed<'a>(document: &'a DocumentSchema, schema: &'a Json) -> &'a Json {
    let target = schema
        .get("$ref")
        .and_then(Json::as_str)
        .and_then(|reference| reference.strip_prefix('#'))
        .and_then(|pointer| document.json().pointer(pointer));
    target.unwrap_or(schema)
}

fn properties(schema: &Json) -> impl Iterator<Item = (&str, &Json)> {
    schema
        .get("properties")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
        .map(|(name, schema)| (name.as_str(), schema))
}

fn list<'a>(schema: &'a Json, key: &str) -> impl Iterator<Item = &'a Json> {
    schema
        .get(key)
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
}

fn text<'a>(schema: &'a Json, key: &str) -> &'a str {
    schema.get(key).and_then(Json::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::policy::load_from;

    fn sections() -> Vec<Section<'static>> {
        [&RULES, &ENVIRONMENT, &ACCESS, &NOTES]
            .into_iter()
            .flat_map(|document| Section::all(document))
            .collect()
    }

    /// What is wrong with how a key explains itself.
    fn fault(key: &Key<'_>) -> Option<&'static str> {
        let (meaning, default) = key.words();
        let is_mapping = !mappings(key.document, key.schema, String::new()).is_empty();
        let kind = key.kind();
        let speaks_for_itself =
            kind.starts_with('`') || is_mapping || !values(key.document, key.schema).is_empty();
        if meaning.len() < 8 || !meaning.ends_with(['.', ')']) {
            Some("no description, or none that ends as a sentence")
        } else if default.as_deref() == Some("") {
            Some("an empty default")
        } else if key.schema.get("default").is_some() && key.is_required {
            Some("required, and a default")
        } else if !speaks_for_itself && default.is_none() && key.examples().is_empty() {
            Some("neither an example nor a default")
        } else if kind.contains("number") && key.range().is_empty() {
            Some("a number without a range")
        } else {
            None
        }
    }

    #[test]
    fn every_key_explains_itself() {
        let mut seen = 0;
        for section in sections() {
            assert!(!section.description.is_empty(), "{:?}", section.paths);
            for key in &section.keys {
                assert_eq!(fault(key), None, "{:?} {}", section.paths, key.name);
                for (value, description) in values(key.document, key.schema) {
                    let needs_none = ["1", "all"].contains(&value.as_str());
                    assert!(needs_none || description.is_some(), "{} {value}", key.name);
                }
                seen += 1;
            }
        }
        assert!(seen > 90, "{seen}");
    }

    #[test]
    fn a_key_that_does_not_is_found() {
        for (schema, expected) in [
            (r#"{"type": "string", "examples": ["a"]}"#, "no description"),
            (
                r#"{"type": "string", "description": "What it is"}"#,
                "ends as a sentence",
            ),
            (
                r#"{"type": "string", "description": "What it is."}"#,
                "neither an example",
            ),
            (
                r#"{"type": "integer", "description": "How many.", "examples": [1]}"#,
                "without a range",
            ),
        ] {
            let schema: Json = serde_json::from_str(schema).unwrap();
            let key = Key {
                document: &RULES,
                name: "try",
                schema: &schema,
                is_required: false,
            };
            assert!(fault(&key).unwrap().contains(expected), "{schema}");
        }
    }

    /// The defaults of the schema, as a file would write them out.
    fn written_out(section: &Section<'_>) -> BTreeMap<String, Json> {
        section
            .keys
            .iter()
            .filter_map(|key| Some((key.name.to_owned(), key.schema.get("default")?.clone())))
            .collect()
    }

    fn at(path: &str) -> BTreeMap<String, Json> {
        let sections = sections();
        let section = sections
            .iter()
            .find(|section| section.paths.iter().any(|one| one == path))
            .unwrap();
        written_out(section)
    }

    /// A file that writes every default out means the same as one that leaves every key out.
    #[test]
    fn defaults_are_what_a_missing_key_means() {
        let mut environment = sections()
            .iter()
            .filter(|section| section.paths == [""])
            .map(written_out)
            .find(|defaults| defaults.contains_key("engine"))
            .unwrap();
        environment.insert("monitor".to_owned(), serde_json::json!(at("monitor")));
        environment.insert(
            "signals".to_owned(),
            serde_json::json!({"dml": at("signals.dml")}),
        );
        let mut rules = BTreeMap::new();
        rules.insert("limits", at("limits"));
        rules.insert("audit", at("audit"));
        assert!(environment.len() > 6 && rules["audit"].len() == 5 && rules["limits"].len() == 5);

        let people = "users:\n  - {role: alice, owner: o, environments: all}\n";
        let place = "version: 1\nprovider: local\nfolder: f\nclusters: [a]\n";
        let lines = |values: Json| {
            let values = values.as_object().unwrap().clone();
            let lines: Vec<String> = values
                .iter()
                .map(|(key, value)| format!("{key}: {value}\n"))
                .collect();
            lines.concat()
        };
        let short = load_from([
            ("rules/a.yaml", format!("version: 1\n{people}")),
            ("environments/a.yaml", place.to_owned()),
        ]);
        let long = load_from([
            (
                "rules/a.yaml",
                format!("version: 1\n{}{people}", lines(serde_json::json!(rules))),
            ),
            (
                "environments/a.yaml",
                format!("{place}{}", lines(serde_json::json!(environment))),
            ),
        ]);
        for loaded in [&short, &long] {
            let faults: Vec<String> = loaded
                .diagnostics
                .iter()
                .map(|fault| format!("{fault:?}"))
                .collect();
            assert!(faults.is_empty(), "{faults:?}");
        }
        let (short, long) = (short.policy, long.policy);
        assert_eq!(short.limits, long.limits);
        assert_eq!(short.users[0].audit, long.users[0].audit);
        let (short, long) = (&short.environments[0], &long.environments[0]);
        assert_eq!(
            format!("{:?}", short.monitor),
            format!("{:?}", long.monitor)
        );
        assert_eq!(
            format!("{:?}", short.signals),
            format!("{:?}", long.signals)
        );
        assert_eq!(short.engine, long.engine);
        assert_eq!(short.exclusions, long.exclusions);
        assert_eq!(short.log_line_prefix, long.log_line_prefix);
        assert_eq!(
            (short.retention_days, short.monitor_retention_days),
            (long.retention_days, long.monitor_retention_days)
        );
    }

    #[test]
    fn a_table_is_not_broken_by_what_it_holds() {
        let page = render_reference();
        for line in page.lines().filter(|line| line.starts_with('|')) {
            let bars = line.matches('|').count() - line.matches("\\|").count();
            assert_eq!(bars, 7, "{line}");
        }
    }
}
