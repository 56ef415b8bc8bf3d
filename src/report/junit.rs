//! Rule tests as JUnit XML, which CI systems show test by test.

use std::fmt::Write as _;

use super::visible;
use crate::rules::test::{EnvironmentReport, ExclusionReport, TestReport};

/// The report as XML: one suite for each environment, one case for each sample and fixture.
pub fn test(report: &TestReport) -> String {
    let suites: Vec<Suite> = report.environments.iter().map(Suite::of).collect();
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let tests: usize = suites.iter().map(|suite| suite.cases.len()).sum();
    let failures: usize = suites.iter().map(Suite::failures).sum();
    // Writing to a text cannot fail.
    let _ = writeln!(
        xml,
        "<testsuites name=\"pgvigil rules test\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\">"
    );
    for suite in &suites {
        suite.write(&mut xml);
    }
    xml.push_str("</testsuites>\n");
    xml
}

struct Suite {
    name: String,
    properties: Vec<(String, String)>,
    cases: Vec<Case>,
}

struct Case {
    name: String,
    group: String,
    place: String,
    failure: Option<String>,
}

impl Suite {
    fn of(environment: &EnvironmentReport) -> Self {
        let mut cases = Vec::new();
        for exclusion in &environment.exclusions {
            cases.extend(exclusion.samples.iter().map(|sample| {
                let place = format!("{}:{}", sample.file, sample.line);
                Case {
                    name: format!("{} {place}", sample.promise.name()),
                    group: exclusion.id.clone(),
                    place,
                    failure: sample
                        .failure
                        .as_ref()
                        .map(|failure| format!("{failure}\n{}", sample.statement)),
                }
            }));
        }
        for fixture in &environment.fixtures {
            let failures: Vec<String> = fixture
                .failures
                .iter()
                .map(|failure| format!("{}:{}: {}", failure.file, failure.line, failure.what))
                .collect();
            cases.push(Case {
                name: fixture.log.clone(),
                group: "fixtures".to_owned(),
                place: fixture.expect.clone(),
                failure: (!failures.is_empty()).then(|| failures.join("\n")),
            });
        }
        Self {
            name: environment.name.clone(),
            properties: environment.exclusions.iter().flat_map(noticed).collect(),
            cases,
        }
    }

    fn failures(&self) -> usize {
        let failed = self.cases.iter().filter(|case| case.failure.is_some());
        failed.count()
    }

    fn write(&self, xml: &mut String) {
        let (name, tests, failures) = (attribute(&self.name), self.cases.len(), self.failures());
        let _ = writeln!(
            xml,
            "    <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\">"
        );
        if !self.properties.is_empty() {
            xml.push_str("        <properties>\n");
            for (name, value) in &self.properties {
                let (name, value) = (attribute(name), attribute(value));
                let _ = writeln!(
                    xml,
                    "            <property name=\"{name}\" value=\"{value}\"/>"
                );
            }
            xml.push_str("        </properties>\n");
        }
        for case in &self.cases {
            case.write(xml);
        }
        xml.push_str("    </testsuite>\n");
    }
}

impl Case {
    fn write(&self, xml: &mut String) {
        let (name, group) = (attribute(&self.name), attribute(&self.group));
        let _ = write!(
            xml,
            "        <testcase name=\"{name}\" classname=\"{group}\""
        );
        let Some(failure) = &self.failure else {
            xml.push_str("/>\n");
            return;
        };
        let message = attribute(failure.lines().next().unwrap_or_default());
        let text = content(&format!("{}\n{failure}", self.place));
        let _ = writeln!(
            xml,
            ">\n            <failure message=\"{message}\">{text}</failure>\n        </testcase>"
        );
    }
}

/// How much of an exclusion its samples notice.
fn noticed(exclusion: &ExclusionReport) -> [(String, String); 2] {
    let findings = &exclusion.findings;
    let property = |what: &str, part: usize, whole: usize| {
        (
            format!("{}: {what}", exclusion.id),
            format!("{part} of {whole}"),
        )
    };
    let (rule, records) = (&findings.mutation, &findings.record_mutants);
    [
        property("mutants noticed", rule.killed, rule.total),
        property("changed records loud", records.loud, records.total),
    ]
}

/// Text between two tags. XML knows no spelling for most control characters: they are made visible first.
fn content(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // No characters, and none of XML's.
            '\u{fffe}' | '\u{ffff}' => escaped.extend(character.escape_unicode()),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Text of a quoted attribute, where a reader makes blanks of line ends that are not spelt out.
fn attribute(text: &str) -> String {
    content(text).replace('\n', "&#10;").replace('\t', "&#9;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let case = Case {
            name: "a\"b<c>&\u{202e}".to_owned(),
            group: "x\ny".to_owned(),
            place: "f.yaml:1".to_owned(),
            failure: Some("]]></failure><x/>\u{1b}[31m\nsecond".to_owned()),
        };
        let mut xml = String::new();
        case.write(&mut xml);
        assert_eq!(
            xml,
            "        <testcase name=\"a&quot;b&lt;c&gt;&amp;\\u{202e}\" classname=\"x&#10;y\">\n            \
             <failure message=\"]]&gt;&lt;/failure&gt;&lt;x/&gt;\\u{1b}[31m\">f.yaml:1\n\
             ]]&gt;&lt;/failure&gt;&lt;x/&gt;\\u{1b}[31m\nsecond</failure>\n        </testcase>\n"
        );
    }
}
