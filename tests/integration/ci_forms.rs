//! Every form of a pipeline's result: `tests/golden/ci/`, byte for byte, made of one document with everything in it, and of one
//! whose every text is hostile. `PGVIGIL_UPDATE=1 cargo test` rewrites it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use pgvigil::ci::{CiResult, Spot};
use pgvigil::report::ci::human::Folds;
use pgvigil::report::ci::{
    annotations, code_quality, comment, human, issue, json, junit, sarif, summary,
};
use pgvigil::report::plan::human::Style;
use serde_json::{Value, json};

use crate::golden;
use crate::impact_fixture::{HOSTILE, hostile, large, realistic};

#[track_caller]
fn assert_golden(name: &str, actual: &str) {
    golden::holds(&format!("ci/{name}"), actual);
}

/// A document in which every text is `text`, or what stands in its place where there must be something else.
fn document(work: &str, text: impl Fn(&str) -> String) -> Value {
    let identity = json!({
        "provider": "aws", "account": "123456789012", "region": "eu-central-1",
        "environment": "production", "clusters": [text("orders"), text("billing")],
    });
    let step = |name: &str, state: &str, summary: &str, code: u8| json!({"name": name, "state": state, "summary": text(summary), "exit_code": code, "milliseconds": 1234});
    let change = json!({
        "path": text("threshold"), "before": 0, "after": 5, "lines": [],
    });
    let planned = json!({
        "address": text("orders/alarm/pgvigil-production-orders-1a2b3c4d-human-dml"), "kind": "alarm",
        "name": text("pgvigil-production-orders-1a2b3c4d-human-dml"), "action": "update", "verdict": "pending",
        "outcome": "pending", "changes": [change.clone()], "desired_digest": null, "live_digest": null,
        "remember": false, "note": text("the alarm stays silent for one period"), "desired": null,
    });
    let drift = json!({
        "address": text("orders/event-rule/pgvigil-production-orders-1a2b3c4d"), "kind": "event-rule", "verdict": "drifted",
        "changes": [{"path": text("state"), "before": text("ENABLED"), "after": text("DISABLED"), "lines": []}], "note": null,
    });
    let unread = json!({"address": text("orders/kms-key/pgvigil-production-orders-1a2b3c4d"), "error": text("AccessDenied: no right to kms:DescribeKey")});
    let mut environment = json!({
        "identity": identity, "exit_code": 10, "steps": [], "review": null, "impact": null, "plan": null, "applied": null, "drift": null,
    });
    let (steps, findings, exit_code) = match work {
        "pr" => {
            environment["steps"] = json!([
                step(
                    "attack",
                    "failed",
                    "4482 statements tried on 12 exclusions, 1 of them evadable",
                    10
                ),
                step(
                    "impact",
                    "failed",
                    "silences more; 1300 newly silent, 24 newly loud, on 390118 records of log samples",
                    10
                ),
                step(
                    "compile",
                    "passed",
                    "23 files, 19 resources; query 9579 of 10000 characters",
                    0
                ),
                step(
                    "plan",
                    "skipped",
                    "no valid credentials: none are configured; could not determine what an apply would change",
                    0
                ),
            ]);
            environment["review"] = json!({
                "exclusions": 12, "query_characters": 9579, "query_limit": 10000,
                "query_digest": text("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
                "rules_digest": text("5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"),
            });
            environment["plan"] = json!({
                "format_version": 1, "purpose": "apply", "identity": identity, "resources": [planned],
                "drift": [drift], "unread": [],
            });
            (
                json!([
                    step("check", "failed", "5 files, 1 error, 1 warning", 10),
                    step("rules test", "failed", "1 not judged as promised", 11),
                ]),
                json!([
                    {
                        "step": "check", "code": "exclusion/evadable", "level": "error", "environment": null,
                        "message": text("the exclusion `dbeaver-catalog` can be used to evade the alarm"),
                        "help": [text("narrow it, or accept the risk for a short time: 100%")],
                        "statement": text("DELETE FROM public.accounts /* pg_catalog */"),
                        "excerpt": text("error[exclusion/evadable]: a person can hide\n  --> rules/exclusions.yaml:31:9"),
                        "spot": {"file": text("rules/exclusions.yaml"), "line": 31, "column": 9, "end_line": 31, "end_column": 24},
                    },
                    {
                        "step": "rules test", "code": "rules/sample", "level": "error", "environment": null,
                        "message": text("`dbeaver-catalog`: it counts, and must be silenced"), "help": [],
                        "statement": text("SELECT 1\nFROM pg_class"), "excerpt": null,
                        "spot": {"file": text("rules/exclusions.yaml"), "line": 52, "column": null, "end_line": 52, "end_column": null},
                    },
                    {
                        "step": "plan", "code": "plan/drift", "level": "warning", "environment": "production",
                        "message": text("orders/event-rule drifted: it was changed outside pgvigil"), "help": [text("add it to the files")],
                        "statement": null, "excerpt": null, "spot": null,
                    },
                ]),
                10,
            )
        }
        "apply" => {
            environment["steps"] = json!([
                step(
                    "plan",
                    "passed",
                    "1 to create, 1 to change, 17 unchanged",
                    0
                ),
                step(
                    "apply",
                    "failed",
                    "1 of 3 steps done, it stopped at the step that failed",
                    15
                ),
            ]);
            environment["exit_code"] = 15.into();
            let one = |address: &str, action: &str, state: Value| {
                let mut step = json!({"address": text(address), "kind": "alarm", "action": action});
                for (key, value) in state.as_object().unwrap() {
                    step[key] = value.clone();
                }
                step
            };
            environment["applied"] = json!({
                "end": "failed",
                "steps": [
                    one("orders/sns-topic/pgvigil-production-orders-1a2b3c4d", "create", json!({"state": "done"})),
                    one("orders/alarm/pgvigil-production-orders-1a2b3c4d-human-dml", "update",
                        json!({"state": "failed", "error": text("AccessDenied: no right to cloudwatch:PutMetricAlarm"), "written": "no"})),
                    one("orders/dashboard/pgvigil-production-orders-1a2b3c4d", "update", json!({"state": "not_reached"})),
                ],
                "left": [{"address": text("orders/alarm/x"), "why": text("update, pending")}],
            });
            (
                json!([step("check", "passed", "no faults", 0)]),
                json!([{
                    "step": "apply", "code": "apply/failed", "level": "error", "environment": "production",
                    "message": text("orders/alarm was not updated: AccessDenied"), "help": [], "statement": null, "excerpt": null,
                    "spot": {"file": text("environments/production.yaml"), "line": 1, "column": 1, "end_line": 1, "end_column": 8},
                }]),
                15,
            )
        }
        _ => {
            environment["steps"] = json!([step("drift", "failed", "1 resource drifted", 13)]);
            environment["exit_code"] = 13.into();
            environment["drift"] = json!({
                "format_version": 1, "identity": identity, "outcome": "drifted", "drift": [drift], "alike": [], "unread": [unread],
                "blame": {(text("orders/event-rule/pgvigil-production-orders-1a2b3c4d")): {"state": "known", "deeds": [{
                    "at": "2026-11-22T09:58:41Z", "who": text("arn:aws:iam::123456789012:user/eve"), "operation": text("DisableRule"),
                    "agent": text("aws-cli/2"), "source": text("10.0.0.9"), "by_pgvigil": false,
                }]}},
            });
            (
                json!([step("check", "passed", "no faults", 0)]),
                json!([{
                    "step": "drift", "code": "drift/drifted", "level": "error", "environment": "production",
                    "message": text("orders/event-rule drifted: state"), "help": [text("run apply again")], "statement": null,
                    "excerpt": null,
                    "spot": {"file": text("environments/production.yaml"), "line": 1, "column": 1, "end_line": 1, "end_column": 8},
                }]),
                13,
            )
        }
    };
    json!({
        "format_version": 3, "pgvigil": "0.1.0", "work": work, "today": "2026-11-27",
        "run": {
            "forge": "github", "repository": text("shop/audit"), "request": 12, "commit": text("5ca8218d0c1f6a1e"),
            "base": text("origin/main"), "url": text("https://github.com/shop/audit/actions/runs/77"),
        },
        "exit_code": exit_code, "findings": findings, "findings_left_out": 3, "steps": steps,
        "environments": [environment], "untouched": [text("staging")],
    })
}

fn read(document: &Value) -> CiResult {
    CiResult::from_text(&document.to_string()).unwrap()
}

fn real(work: &str) -> CiResult {
    let mut result = read(&document(work, str::to_owned));
    if work == "pr" {
        result.environments[0].impact = Some(realistic());
    }
    result
}

/// Everything that somebody could write into a file, a log, a tag or a name.
fn hostile_result(work: &str) -> CiResult {
    let number = std::cell::Cell::new(0);
    let text = |text: &str| {
        number.set(number.get() + 1);
        format!("{text} {}", HOSTILE[number.get() % HOSTILE.len()])
    };
    let mut result = read(&document(work, text));
    if work == "pr" {
        let mut report = hostile();
        for exclusion in &mut report.exclusions {
            // No number, which no document can hold and no measurement comes to.
            exclusion.share = 0.0;
        }
        result.environments[0].impact = Some(report);
    }
    result
}

fn forms(result: &CiResult) -> Vec<(&'static str, String)> {
    let environment = &result.environments[0];
    let mut forms = vec![
        ("txt", human::render(result, Style::default(), Folds::None)),
        (
            "github.txt",
            human::render(result, Style::default(), Folds::Github("secret-word"))
                + &annotations::render(result),
        ),
        (
            "gitlab.txt",
            human::render(result, Style::default(), Folds::Gitlab(1_795_330_000)),
        ),
        ("summary.md", summary::render(result, summary::LIMIT)),
        ("sarif", sarif::render(result)),
        ("junit.xml", junit::render(result)),
        ("quality.json", code_quality::render(result)),
        ("json", json::render(result)),
    ];
    match result.work.name() {
        "pr" => forms.push((
            "comment.md",
            comment::render(result, environment, comment::LIMIT),
        )),
        "drift" => {
            let issue = issue::render(result, environment);
            forms.push(("issue.md", format!("{}\n{}", issue.title, issue.body)));
        }
        _ => {}
    }
    forms
}

#[test]
fn forms_are_as_people_have_read_them() {
    for work in ["pr", "apply", "drift"] {
        for (form, text) in forms(&real(work)) {
            assert_golden(&format!("{work}.{form}"), &text);
        }
        for (form, text) in forms(&hostile_result(work)) {
            assert_golden(&format!("{work}.hostile.{form}"), &text);
        }
    }
}

#[test]
fn a_result_read_back_is_the_same() {
    for work in ["pr", "apply", "drift"] {
        for result in [real(work), hostile_result(work)] {
            let text = json::render(&result);
            assert_eq!(json::render(&CiResult::from_text(&text).unwrap()), text);
        }
    }
}

#[test]
fn hostile_text_commands_nobody() {
    for work in ["pr", "apply", "drift"] {
        let result = hostile_result(work);
        for (form, text) in forms(&result) {
            for character in ['\u{1b}', '\u{202e}', '\u{200b}', '\u{7}', '\u{0}'] {
                // GitLab's sections are made of escapes: those are ours, at the beginnings of lines and behind a carriage return.
                let text = if form == "gitlab.txt" {
                    text.replace("\u{1b}[0Ksection_", "")
                        .replace("\r\u{1b}[0K", "")
                } else {
                    text.clone()
                };
                assert!(!text.contains(character), "{work}.{form}: {character:?}");
            }
        }
        // What GitHub's runner obeys: nothing within a fold, and our own annotations behind them.
        let text = human::render(&result, Style::default(), Folds::Github("secret-word"))
            + &annotations::render(&result);
        let mut is_stopped = false;
        for line in text.lines().map(str::trim_start) {
            if is_stopped {
                is_stopped = line != "::secret-word::";
                continue;
            }
            is_stopped = line == "::stop-commands::secret-word";
            let Some(command) = line.strip_prefix("::") else {
                continue;
            };
            let ours = [
                "error ",
                "warning ",
                "notice ",
                "group::",
                "endgroup::",
                "stop-commands::secret-word",
            ];
            assert!(ours.iter().any(|ours| command.starts_with(ours)), "{line}");
        }
        assert!(!is_stopped);
    }
}

#[test]
fn a_comment_fits_and_says_where_the_rest_is() {
    let mut result = real("pr");
    result.environments[0].impact = Some(large());
    let many: Vec<_> = (0..500_u64)
        .map(|line| {
            let mut finding = result.findings[0].clone();
            finding.spot = Some(Spot {
                file: "rules/exclusions.yaml".to_owned(),
                line,
                column: None,
                end_line: line,
                end_column: None,
            });
            finding
        })
        .collect();
    result.findings.extend(many);
    for limit in [65_536, 20_000, 8_000, 1_000, 80] {
        let text = comment::render(&result, &result.environments[0], limit);
        assert!(text.len() <= limit, "{limit}: {}", text.len());
        assert!(text.starts_with("<!-- pgvigil env production "), "{text}");
        if limit >= 8_000 {
            assert!(
                text.contains("must not be merged") && text.contains("*Shortened: "),
                "{limit}: {text}"
            );
            assert_eq!(
                text.matches("<details>").count(),
                text.matches("</details>").count(),
                "{limit}"
            );
        }
        let hostile = hostile_result("pr");
        assert!(comment::render(&hostile, &hostile.environments[0], limit).len() <= limit);
    }
    let page = summary::render(&result, 30_000);
    assert!(
        page.len() <= 30_000 && page.contains("*Shortened: "),
        "{}",
        page.len()
    );
    // GitHub shows ten of a kind.
    let commands = annotations::render(&result);
    assert_eq!(
        commands
            .lines()
            .filter(|line| line.starts_with("::error"))
            .count(),
        10
    );
    assert!(commands.contains("more of this kind"), "{commands}");
}

/// Two names are never one comment, and no name ends the comment of HTML.
#[test]
fn markers_tell_names_apart() {
    let names = ["prod", "pr-od", "prod--", "prod -->", "", "prod\n", "prød"];
    let markers: std::collections::BTreeSet<String> =
        names.iter().map(|name| comment::marker(name)).collect();
    assert_eq!(markers.len(), names.len());
    for marker in &markers {
        assert!(comment::is_marker(marker), "{marker}");
        assert_eq!(marker.matches("--").count(), 2, "{marker}");
    }
}

#[test]
fn code_scanning_takes_it() {
    let report: Value = serde_json::from_str(&sarif::render(&real("pr"))).unwrap();
    let run = &report["runs"][0];
    assert_eq!(report["version"], "2.1.0");
    let rules: Vec<&str> = run["tool"]["driver"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["id"].as_str().unwrap())
        .collect();
    for result in run["results"].as_array().unwrap() {
        assert!(rules.contains(&result["ruleId"].as_str().unwrap()));
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(
            !uri.starts_with('/') && !uri.contains("://") && !uri.is_empty(),
            "{uri}"
        );
        assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
        assert!(
            result["partialFingerprints"]["pgvigil/v2"]
                .as_str()
                .unwrap()
                .len()
                >= 32
        );
    }
    // The one without a place is told all the same.
    let told = run["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(told.contains("it was changed outside pgvigil"), "{told}");
}
