//! JUnit XML, which CI systems show test by test: its form, and the rule tests in it.

use std::fmt::Write as _;

use super::visible;
use crate::rules::test::{EnvironmentReport, ExclusionReport, TestReport};

/// A whole report.
pub(in crate::report) struct Document {
    pub(in crate::report) name: String,
    pub(in crate::report) suites: Vec<Suite>,
}

/// Cases that belong together.
pub(in crate::report) struct Suite {
    pub(in crate::report) name: String,
    pub(in crate::report) properties: Vec<(String, String)>,
    pub(in crate::report) cases: Vec<Case>,
}

/// What was tried.
pub(in crate::report) struct Case {
    pub(in crate::report) name: String,
    pub(in crate::report) group: String,
    pub(in crate::report) milliseconds: Option<u64>,
    pub(in crate::report) outcome: Outcome,
}

/// What that came to.
pub(in crate::report) enum Outcome {
    Passed,
    Skipped { message: String },
    Failed { message: String, text: String },
}

/// The report as XML: one suite for each environment, one case for each sample and fixture.
pub fn test(report: &TestReport) -> String {
    Document {
        name: "pgvigil rules test".to_owned(),
        suites: report.environments.iter().map(suite).collect(),
    }
    .to_xml()
}

fn suite(environment: &EnvironmentReport) -> Suite {
    let mut cases = Vec::new();
    for exclusion in &environment.exclusions {
        for sample in &exclusion.samples {
            let place = format!("{}:{}", sample.file, sample.line);
            let failure = sample
                .failure
                .as_ref()
                .map(|failure| format!("{failure}\n{}", sample.statement));
            let name = format!("{} {place}", sample.promise.name());
            cases.push(case(name, &exclusion.id, &place, failure));
        }
    }
    for fixture in &environment.fixtures {
        let failures: Vec<String> = fixture
            .failures
            .iter()
            .map(|failure| format!("{}:{}: {}", failure.file, failure.line, failure.what))
            .collect();
        let failure = (!failures.is_empty()).then(|| failures.join("\n"));
        cases.push(case(
            fixture.log.clone(),
            "fixtures",
            &fixture.expect,
            failure,
        ));
    }
    Suite {
        name: environment.name.clone(),
        properties: environment.exclusions.iter().flat_map(noticed).collect(),
        cases,
    }
}

fn case(name: String, group: &str, place: &str, failure: Option<String>) -> Case {
    let outcome = match failure {
        None => Outcome::Passed,
        Some(failure) => Outcome::Failed {
            message: failure.lines().next().unwrap_or_default().to_owned(),
            text: format!("{place}\n{failure}"),
        },
    };
    Case {
        name,
        group: group.to_owned(),
        milliseconds: None,
        outcome,
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

impl Document {
    /// The XML. Texts are escaped here.
    pub(in crate::report) fn to_xml(&self) -> String {
        let (mut tests, mut skipped, mut failed) = (0, 0, 0);
        for suite in &self.suites {
            let (more_skipped, more_failed) = suite.counts();
            tests += suite.cases.len();
            skipped += more_skipped;
            failed += more_failed;
        }
        let name = attribute(&self.name);
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{name}\" tests=\"{tests}\" \
             skipped=\"{skipped}\" failures=\"{failed}\" errors=\"0\">\n"
        );
        for suite in &self.suites {
            suite.write(&mut xml);
        }
        xml.push_str("</testsuites>\n");
        xml
    }
}

impl Suite {
    /// How many cases were skipped, and how many failed.
    fn counts(&self) -> (usize, usize) {
        let count = |is: fn(&Outcome) -> bool| {
            let cases = self.cases.iter().filter(|case| is(&case.outcome));
            cases.count()
        };
        (
            count(|outcome| matches!(outcome, Outcome::Skipped { .. })),
            count(|outcome| matches!(outcome, Outcome::Failed { .. })),
        )
    }

    fn write(&self, xml: &mut String) {
        let (name, tests, (skipped, failed)) =
            (attribute(&self.name), self.cases.len(), self.counts());
        // Writing to a text cannot fail.
        let _ = writeln!(
            xml,
            "    <testsuite name=\"{name}\" tests=\"{tests}\" skipped=\"{skipped}\" errors=\"0\" failures=\"{failed}\">"
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
        if let Some(time) = self.milliseconds {
            let _ = write!(xml, " time=\"{}.{:03}\"", time / 1000, time % 1000);
        }
        let below = match &self.outcome {
            Outcome::Passed => {
                xml.push_str("/>\n");
                return;
            }
            Outcome::Skipped { message } => {
                format!("<skipped message=\"{}\"/>", attribute(message))
            }
            Outcome::Failed { message, text } => format!(
                "<failure message=\"{}\">{}</failure>",
                attribute(message),
                content(text)
            ),
        };
        let _ = writeln!(xml, ">\n            {below}\n        </testcase>");
    }
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
            '\'' => escaped.push_str("&apos;"),
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
        let case = |name: &str, group: &str, outcome| Case {
            name: name.to_owned(),
            group: group.to_owned(),
            milliseconds: Some(1_007),
            outcome,
        };
        let document = Document {
            name: "a\"b".to_owned(),
            suites: vec![Suite {
                name: "<c>&\u{202e}".to_owned(),
                properties: vec![("d'".to_owned(), "\t".to_owned())],
                cases: vec![
                    case("passed", "x\ny", Outcome::Passed),
                    case(
                        "skipped",
                        "g",
                        Outcome::Skipped {
                            message: "\u{fffe}".to_owned(),
                        },
                    ),
                    case(
                        "failed",
                        "g",
                        Outcome::Failed {
                            message: "\u{1b}[31m".to_owned(),
                            text: "]]></failure><x/>\nsecond".to_owned(),
                        },
                    ),
                ],
            }],
        };
        assert_eq!(
            document.to_xml(),
            r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="a&quot;b" tests="3" skipped="1" failures="1" errors="0">
    <testsuite name="&lt;c&gt;&amp;\u{202e}" tests="3" skipped="1" errors="0" failures="1">
        <properties>
            <property name="d&apos;" value="&#9;"/>
        </properties>
        <testcase name="passed" classname="x&#10;y" time="1.007"/>
        <testcase name="skipped" classname="g" time="1.007">
            <skipped message="\u{fffe}"/>
        </testcase>
        <testcase name="failed" classname="g" time="1.007">
            <failure message="\u{1b}[31m">]]&gt;&lt;/failure&gt;&lt;x/&gt;
second</failure>
        </testcase>
    </testsuite>
</testsuites>
"#
        );
    }
}
