//! Queries inside files of something else: the body of a dashboard, `aws logs describe-query-definitions`, Terraform,
//! CloudFormation, and what CDK is written in. Whatever text of such a file is a query, is one.

use serde_json::Value;

use super::input::is_query;
use super::{Input, line_of};
use crate::source::SourceFiles;
use crate::source::yaml::{self, Kind, Node, Style};

/// A query in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedded {
    pub text: String,
    /// The line on which it begins.
    pub line: usize,
    /// All of it is on that line.
    pub is_one_line: bool,
}

/// How deep JSON in texts of JSON is looked at: a dashboard's body is one.
const DEPTH: usize = 3;

/// The queries of a file, each once.
pub fn queries(input: &Input) -> Vec<Embedded> {
    let name = input.name.to_lowercase();
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let mut found = Vec::new();
    if let Ok(value) = serde_json::from_str::<Value>(&input.text) {
        let mut texts = Vec::new();
        strings(&value, DEPTH, &mut texts);
        for text in texts {
            found.push(Embedded {
                line: json_line(&input.text, &text),
                text,
                is_one_line: true,
            });
        }
    } else if ends(&[".yaml", ".yml", ".template"]) {
        let mut files = SourceFiles::default();
        let file = files.add(input.name.as_str(), input.text.as_str());
        let parsed = yaml::parse(&files, file);
        if let Some(root) = parsed.root {
            scalars(&root, &input.text, &mut found);
        }
    } else {
        found = literals(&input.text);
    }
    let mut seen = Vec::new();
    found.retain(|one| {
        let is_new = is_query(&one.text) && !seen.contains(&one.text);
        if is_new {
            seen.push(one.text.clone());
        }
        is_new
    });
    found
}

fn strings(value: &Value, depth: usize, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let inner = text.trim_start();
            if depth > 0
                && inner.starts_with(['{', '['])
                && let Ok(value) = serde_json::from_str::<Value>(inner)
            {
                strings(&value, depth - 1, texts);
            } else {
                texts.push(text.clone());
            }
        }
        Value::Array(list) => list.iter().for_each(|one| strings(one, depth, texts)),
        Value::Object(object) => object.values().for_each(|one| strings(one, depth, texts)),
        _ => {}
    }
}

/// The line of a JSON text, found by its first words as they are written there.
fn json_line(json: &str, text: &str) -> usize {
    let spelt = serde_json::to_string(text).unwrap_or_default();
    let spelt = spelt.trim_matches('"');
    let twice = serde_json::to_string(spelt).unwrap_or_default();
    let twice = twice.trim_matches('"');
    [spelt, twice]
        .into_iter()
        .find_map(|spelt| json.find(spelt))
        .map_or(1, |at| line_of(json, at))
}

/// The scalars of YAML: a block begins on the line after its sign.
fn scalars(node: &Node, text: &str, found: &mut Vec<Embedded>) {
    match &node.kind {
        Kind::Scalar(scalar) => {
            let start = node.place.span.start;
            let is_block = scalar.style == Style::Block;
            // The lines of a block begin after the one with its sign.
            let head = text.get(start..).and_then(|rest| rest.split('\n').next());
            let is_below = is_block
                && head.is_some_and(|head| {
                    head.split_whitespace().all(|word| {
                        // Of a tag too, such as `!Sub |`.
                        word.starts_with('!')
                            || word.trim_matches(|sign| "|>+-".contains(sign)).is_empty()
                    })
                });
            found.push(Embedded {
                text: scalar.text.clone(),
                line: line_of(text, start) + usize::from(is_below),
                is_one_line: !is_block,
            });
        }
        Kind::Sequence(items) => items.iter().for_each(|item| scalars(item, text, found)),
        Kind::Mapping(entries) => entries
            .iter()
            .for_each(|entry| scalars(&entry.value, text, found)),
        Kind::Invalid => {}
    }
}

/// Texts of a program or of Terraform: quoted, in heredocs, put together with `+`, and lists that are joined or hold the
/// conditions of a query (`filterStatements` of CDK).
fn literals(text: &str) -> Vec<Embedded> {
    let mut found = Vec::new();
    // The literal before, and where it ended: two that follow each other are one text.
    let mut last: Option<(Embedded, usize)> = None;
    let mut list: Vec<(String, usize)> = Vec::new();
    let mut is_conditions = false;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let sign = rest.chars().next().unwrap_or(' ');
        if is_comment(text, at) {
            at += rest.find('\n').map_or(rest.len(), |end| end + 1);
            continue;
        }
        if let Some((value, length, is_raw)) = literal(rest) {
            let line = line_of(text, at);
            list.push((value.clone(), line));
            let joined = last.take().and_then(|(before, end)| {
                let between = text.get(end..at)?;
                let joins = between
                    .chars()
                    .all(|sign| sign.is_whitespace() || matches!(sign, '+' | '\\'));
                joins.then_some(before)
            });
            let whole = match joined {
                Some(before) => {
                    // The larger text that contains it is not a text of its own.
                    found.pop();
                    Embedded {
                        text: before.text + &value,
                        is_one_line: true,
                        ..before
                    }
                }
                None => Embedded {
                    text: value,
                    line: line + usize::from(rest.starts_with("<<")),
                    is_one_line: !is_raw,
                },
            };
            at += length;
            found.push(whole.clone());
            last = Some((whole, at));
            continue;
        }
        match sign {
            '[' => {
                list.clear();
                let before = text.get(..at).unwrap_or_default().trim_end();
                let before = before.trim_end_matches([':', '=']).trim_end();
                is_conditions = ["filterStatements", "filter_statements"]
                    .iter()
                    .any(|name| before.ends_with(name));
            }
            ']' => {
                let line = list.first().map_or(1, |(_, line)| *line);
                let parts: Vec<&str> = list.iter().map(|(part, _)| part.as_str()).collect();
                let joint = rest
                    .strip_prefix("].join(")
                    .and_then(literal)
                    .map(|(joint, _, _)| joint);
                let whole = if is_conditions {
                    Some(
                        parts
                            .iter()
                            .map(|part| format!("filter {part}"))
                            .collect::<Vec<_>>()
                            .join(" | "),
                    )
                } else {
                    joint.map(|joint| parts.join(&joint))
                };
                found.extend(whole.filter(|_| !parts.is_empty()).map(|text| Embedded {
                    text,
                    line,
                    is_one_line: true,
                }));
                list.clear();
                is_conditions = false;
            }
            _ => {}
        }
        at += sign.len_utf8();
    }
    found
}

/// Whether a comment begins here, at the beginning of a line.
fn is_comment(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let is_first = before
        .rsplit('\n')
        .next()
        .is_none_or(|line| line.trim().is_empty());
    let rest = text.get(at..).unwrap_or_default();
    is_first && (rest.starts_with('#') || rest.starts_with("//"))
}

/// The text of a literal at the beginning, its length, and whether its lines are lines of the text.
fn literal(rest: &str) -> Option<(String, usize, bool)> {
    if let Some(heredoc) = rest.strip_prefix("<<") {
        let strips = heredoc.starts_with('-');
        let heredoc = heredoc.trim_start_matches('-');
        let (word, body) = heredoc.split_once('\n')?;
        let word = word.trim().trim_matches('"');
        let is_word = !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_word {
            return None;
        }
        let mut length = rest.len() - body.len();
        let mut lines: Vec<&str> = Vec::new();
        for line in body.split_inclusive('\n') {
            if line.trim() == word {
                length += line.len();
                let text = lines.concat();
                return Some((
                    if strips {
                        text.replace('\t', " ")
                    } else {
                        text
                    },
                    length,
                    true,
                ));
            }
            length += line.len();
            lines.push(line);
        }
        return None;
    }
    for quote in ["\"\"\"", "'''", "\"", "'", "`"] {
        let Some(body) = rest.strip_prefix(quote) else {
            continue;
        };
        let mut value = String::new();
        let mut signs = body.char_indices();
        while let Some((at, sign)) = signs.next() {
            if body.get(at..).is_some_and(|rest| rest.starts_with(quote)) {
                let is_raw = quote.len() == 3 || quote == "`";
                return Some((value, quote.len() * 2 + at, is_raw));
            }
            match sign {
                '\\' => match signs.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, 't')) => value.push('\t'),
                    Some((_, escaped @ ('\\' | '"' | '\'' | '`'))) => value.push(escaped),
                    Some((_, '\n')) | None => {}
                    // An escape of a regular expression that the language does not know.
                    Some((_, other)) => value.extend(['\\', other]),
                },
                '\n' if quote.len() == 1 && quote != "`" => return None,
                _ => value.push(sign),
            }
        }
        return None;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, text: &str) -> Vec<(usize, String)> {
        let input = Input {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        let queries = queries(&input).into_iter();
        queries.map(|one| (one.line, one.text)).collect()
    }

    const QUERY: &str =
        "fields @message\n| filter @message like /AUDIT:/\n| filter @message not like /a\\/b/";

    #[test]
    fn a_query_is_found_wherever_it_stands() {
        let spelt = serde_json::to_string(QUERY).unwrap();
        let body = format!("{{\n\"widgets\": [{{\"properties\": {{\n\"query\": {spelt}}}}}]}}");
        let wrapped = format!(
            "{{\"DashboardArn\": \"x\",\n\"DashboardBody\": {}}}",
            serde_json::to_string(&body).unwrap()
        );
        for (name, text, line) in [
            ("body.json", body.clone(), 3),
            ("dashboard.json", wrapped, 2),
            ("definitions.json", format!("{{\"queryDefinitions\": [\n{{\"queryString\": {spelt}}}]}}"), 2),
            ("main.tf", format!("resource \"aws_cloudwatch_query_definition\" \"x\" {{\n  query_string = <<-EOF\n{QUERY}\nEOF\n}}\n"), 3),
            ("main.tf", format!("x {{\n  query_string = {spelt}\n}}\n"), 2),
            ("stack.ts", format!("new CfnQueryDefinition(this, 'x', {{\n  queryString: `{}`,\n}});", QUERY.replace('\\', "\\\\")), 2),
            ("stack.py", format!("q = {spelt}\n"), 1),
            ("stack.py", "q = (\"fields @message\\n\"\n  \"| filter @message like /AUDIT:/\\n\"\n  \"| filter @message not like /a\\\\/b/\")\n".to_owned(), 1),
            ("stack.ts", "queryString: [\n'fields @message',\n'filter @message like /AUDIT:/',\n'filter @message not like /a\\\\/b/'].join('\\n| ')".to_owned(), 2),
        ] {
            let found = found(name, &text);
            assert!(
                found.iter().any(|(at, query)| *at == line && query.trim_end() == QUERY),
                "{name}: {found:?}"
            );
        }
    }

    #[test]
    fn cloudformation_and_conditions_of_cdk() {
        let text = "Resources:\n  Q:\n    Type: AWS::Logs::QueryDefinition\n    Properties:\n      QueryString: !Sub |\n        fields @message\n        | filter @message not like /x/\n";
        assert_eq!(
            found("template.yaml", text),
            [(
                6,
                "fields @message\n| filter @message not like /x/\n".to_owned()
            )]
        );
        let text = "new QueryString({\n  filterStatements: ['@message like /AUDIT/', '@message not like /x/'],\n  sort: '@timestamp desc',\n})";
        assert_eq!(
            found("stack.ts", text),
            [(
                2,
                "filter @message like /AUDIT/ | filter @message not like /x/".to_owned()
            )]
        );
        assert!(found("stack.ts", "const a = 'where are we';").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[ -~\n\"'`<\\\\é]{0,200}") {
            for name in ["a.tf", "a.yaml", "a.json"] {
                let _ = found(name, &text);
            }
        }
    }
}
