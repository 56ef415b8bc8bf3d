//! `pgvigil migrate`: the old monitor's files become policy files, and its query's holes are shown by running it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use serde_json::Value;

use crate::begin::Ground;
use crate::console::holds;
use crate::recorded::root;

const FUNCTION: &str = r#"{
  "FunctionName": "rds-audit-monitor",
  "FunctionArn": "arn:aws:lambda:eu-central-1:123456789012:function:rds-audit-monitor",
  "Runtime": "python3.9",
  "Timeout": 300,
  "Environment": {
    "Variables": {
      "LOG_GROUP_NAME": "/aws/rds/cluster/orders/postgresql",
      "METRIC_NAMESPACE": "RDSAudit/UserActivity",
      "QUERY_WINDOW_MINUTES": "5",
      "SLACK_TOKEN": "xoxb-s3cr3t"
    }
  }
}
"#;

const TFVARS: &str = r#"cluster_name           = "orders"
environment            = "Production"
alert_email            = "dba@example.com"
incident_platform_url  = "https://api.example.com/v1/alerts?apiKey=s3cr3t"
query_window_minutes   = 5
log_retention_days     = 300
tags = {
  Team = "data"
}
vpc_name = var.x
"#;

const SQL: &str = "CREATE EXTENSION IF NOT EXISTS pgaudit;\nALTER USER alice SET pgaudit.log TO 'all';\n\
                   ALTER USER \"Bob\" SET pgaudit.log TO 'all';\nSELECT usename FROM pg_user;\nDROP TABLE x;\n";

fn ground() -> Ground {
    let ground = Ground::new();
    let query = root().join("tests/fixtures/reference-query.cwli");
    std::fs::copy(query, ground.path("query.txt")).unwrap();
    for (name, text) in [
        ("lambda.json", FUNCTION),
        ("prod.tfvars", TFVARS),
        ("setup.sql", SQL),
    ] {
        std::fs::write(ground.path(name), text).unwrap();
    }
    ground
}

const ALL: [&str; 5] = [
    "migrate",
    "query.txt",
    "lambda.json",
    "prod.tfvars",
    "setup.sql",
];

fn report(ground: &Ground, args: &[&str]) -> Value {
    let run = ground.run(&[args, &["--format", "json"]].concat()).exits(0);
    serde_json::from_str(&run.out).unwrap()
}

#[test]
fn every_exclusion_of_the_old_query_is_shown_to_be_evadable() {
    let ground = ground();
    let report = report(&ground, &["migrate", "query.txt"]);
    let query = &report["queries"][0];
    let exclusions = query["exclusions"].as_array().unwrap();
    assert_eq!(exclusions.len(), 11);
    for exclusion in exclusions {
        assert_eq!(exclusion["evadable"], true, "{exclusion}");
        let evasions = exclusion["evasions"].as_array().unwrap();
        assert!(!evasions.is_empty() && evasions.len() <= 3);
        let carriers: Vec<&str> = evasions
            .iter()
            .map(|e| e["carrier"].as_str().unwrap())
            .collect();
        assert!(
            carriers.contains(&"a block comment after the statement"),
            "{carriers:?}"
        );
        for evasion in evasions {
            assert_eq!(evasion["counted_by_pgvigil"], true, "{evasion}");
            // What is shown is what was run: the line holds the statement.
            let (line, statement) = (
                evasion["line"].as_str().unwrap(),
                evasion["statement"].as_str().unwrap(),
            );
            assert!(
                line.contains("AUDIT: SESSION,") && line.replace("\"\"", "\"").contains(statement),
                "{evasion}"
            );
        }
    }
    // A pair of parentheses is an empty group: a column does without any disguise.
    let version = exclusions
        .iter()
        .find(|e| e["text"] == "/SELECT version()/")
        .unwrap();
    assert_eq!(
        version["evasions"][0]["statement"],
        "SELECT version_id FROM contracts"
    );
    let place = |text: &str| -> Vec<String> {
        let found = exclusions.iter().find(|e| e["text"] == text).unwrap();
        let ids = found["in_its_place"]["exclusions"].as_array().unwrap();
        ids.iter()
            .map(|id| id.as_str().unwrap().to_owned())
            .collect()
    };
    assert!(place("/SELECT version()/").contains(&"session-questions".to_owned()));
    assert!(place("/SELECT current_schema/").contains(&"session-questions".to_owned()));
    for text in [
        "/pg_shdescription/",
        "/pg_database/",
        "/pg_catalog/",
        "/datname = \\$1/",
        "/DBeaver/",
    ] {
        assert!(
            place(text).contains(&"catalog-metadata".to_owned()),
            "{text}"
        );
    }
    assert!(place("/information_schema/").contains(&"information-schema".to_owned()));
    for text in ["/SET application_name/", "/SHOW search_path/"] {
        let found = exclusions.iter().find(|e| e["text"] == text).unwrap();
        assert!(
            found["in_its_place"]["notes"]
                .to_string()
                .contains("out of scope"),
            "{found}"
        );
    }
    for exclusion in exclusions {
        assert!(
            exclusion["in_its_place"].get("proposal").is_none(),
            "{exclusion}"
        );
    }
    // What it does not look for at all: COPY, TRUNCATE, and MERGE unless it is typed in capitals.
    let misses = query["misses"].as_array().unwrap();
    for word in ["COPY", "TRUNCATE", "MERGE"] {
        let miss = misses.iter().find(|miss| {
            miss["statement"]
                .as_str()
                .unwrap()
                .to_uppercase()
                .contains(word)
        });
        let miss = miss.unwrap_or_else(|| panic!("{word} is not told\n{query}"));
        assert_eq!(miss["counted_by_pgvigil"], true, "{miss}");
    }
    for miss in misses {
        assert_eq!(miss["counted_by_pgvigil"], true, "{miss}");
    }
}

#[test]
fn all_files_together_become_a_sound_repository_without_a_secret() {
    let ground = ground();
    let run = ground
        .run(
            &[
                &ALL[..],
                &["--out", "new", "--owner", "dba", "--forge", "github"],
            ]
            .concat(),
        )
        .exits(19);
    let everything = format!("{}{}", run.out, run.err);
    assert!(!everything.contains("s3cr3t"), "{everything}");
    let environment =
        std::fs::read_to_string(ground.path("new/environments/production.yaml")).unwrap();
    for line in [
        "account: \"123456789012\"",
        "region: eu-central-1",
        "  - orders",
        "  email: [\"dba@example.com\"]",
        "    - {from_env: \"INCIDENT_PLATFORM_URL\"}",
        "  schedule: rate(5 minutes)",
        "  namespace: \"RDSAudit/UserActivity\"",
        "retention_days: 365",
        "  \"Team\": data",
    ] {
        assert!(
            environment.lines().any(|found| found == line),
            "{line}\n{environment}"
        );
    }
    let users = std::fs::read_to_string(ground.path("new/rules/users.yaml")).unwrap();
    assert!(
        users.contains("  - role: alice\n") && users.contains("  - role: \"Bob\"\n"),
        "{users}"
    );
    for folder in [
        "new",
        "new/rules",
        "new/environments",
        "new/.github/workflows",
    ] {
        for entry in std::fs::read_dir(ground.path(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                assert!(
                    !std::fs::read_to_string(&path).unwrap().contains("s3cr3t"),
                    "{}",
                    path.display()
                );
            }
        }
    }
    let apply =
        std::fs::read_to_string(ground.path("new/.github/workflows/pgvigil-apply.yml")).unwrap();
    assert!(
        apply.contains("INCIDENT_PLATFORM_URL: ${{ secrets.INCIDENT_PLATFORM_URL }}"),
        "{apply}"
    );
    ground.run(&["-C", "new", "check"]).exits(0);
    ground.run(&["-C", "new", "rules", "test"]).exits(0);
    // Everything that was not understood is told with its place.
    for words in [
        "lambda.json:11",
        "`SLACK_TOKEN` is unknown",
        "prod.tfvars:10",
        "the value of `vpc_name`",
        "setup.sql:5",
        "\"DROP TABLE X\"",
        "CloudWatch does not support 300 days",
    ] {
        let words = words.replace('"', "`");
        assert!(run.out.contains(&words), "{words}\n{}", run.out);
    }
    // A second run keeps what is there.
    let run = ground
        .run(
            &[
                &ALL[..],
                &["--out", "new", "--owner", "dba", "--forge", "github"],
            ]
            .concat(),
        )
        .exits(19);
    assert!(!run.out.contains("\nwritten "), "{}", run.out);
}

#[test]
fn an_exclusion_of_ones_own_becomes_a_proposal_that_is_switched_off() {
    let ground = ground();
    let query = "fields @timestamp, @message\n| filter @message like 'AUDIT:' and @message like /(?i)select|update/\n\
                 | filter @message not like /SELECT shop_alive()/\n| filter @message not like 'nagios'\n\
                 | filter @logStream = 'x'\n| sort @timestamp desc | limit 20\n";
    std::fs::write(ground.path("own.txt"), query).unwrap();
    let run = ground
        .run(&["migrate", "own.txt", "--out", "new"])
        .exits(19);
    assert!(run.out.contains("own.txt:5"), "{}", run.out);
    assert!(
        run.out.contains("2 exclusions, 2 of them evadable"),
        "{}",
        run.out
    );
    let exclusions = std::fs::read_to_string(ground.path("new/rules/exclusions.yaml")).unwrap();
    let proposals = exclusions.split_once("# proposal for ").unwrap().1;
    assert!(
        proposals.contains("# proposal for 'nagios' of the old query (own.txt:4)"),
        "{proposals}"
    );
    ground.run(&["-C", "new", "check"]).exits(0);
    // Whoever completes each, and takes the signs away, has exclusions that check takes.
    let (head, _) = exclusions.split_once("# proposal for ").unwrap();
    let mut done = head.to_owned();
    let all = &exclusions[head.len()..];
    for proposal in all.split("# proposal for ").skip(1) {
        let entry: Vec<&str> = proposal
            .lines()
            .skip(3)
            .filter_map(|line| line.strip_prefix("# "))
            .collect();
        done.push_str(&entry.join("\n"));
        done.push('\n');
    }
    let done = done
        .replace(
            "decide: what sends it, and why it is harmless",
            "The pool asks whether the session is alive.",
        )
        .replace("SCHEMA", "shop")
        .replace("RELATION", "heartbeat");
    assert!(done.matches("  - id: old-").count() == 2, "{done}");
    std::fs::write(ground.path("new/rules/exclusions.yaml"), done).unwrap();
    let run = ground.run(&["-C", "new", "check"]).exits(0);
    assert!(!run.out.contains("error"), "{}", run.out);
    ground.run(&["-C", "new", "rules", "test"]).exits(0);
    // The second is of a table: whoever gives no whole text for it sees what that means.
    let run = ground
        .run(&["-C", "new", "rules", "attack", "--env", "local"])
        .exits(10);
    let hiding: Vec<&str> = run
        .out
        .lines()
        .filter(|line| line.contains("  HIDE ") || line.starts_with("      the exclusion "))
        .collect();
    assert!(
        matches!(hiding.as_slice(), [one, way] if one.contains("old-nagios") && way.contains("names users' data itself")),
        "{hiding:#?}"
    );
}

/// The query of these tests, as it stands in many files.
const EMBEDDED: &str = "fields @timestamp, @message\n| filter @message like /AUDIT:/\n| filter @message not like /nagios/";

#[test]
fn queries_are_found_wherever_people_keep_them() {
    let ground = ground();
    let spelt = serde_json::to_string(EMBEDDED).unwrap();
    let source = serde_json::to_string(&format!(
        "SOURCE '/aws/rds/cluster/orders/postgresql' | {EMBEDDED}"
    ))
    .unwrap();
    let body = format!(
        "{{\"widgets\": [{{\"type\": \"log\", \"properties\": {{\"query\": {source}}}}}]}}"
    );
    for (name, text) in [
        ("where.txt", EMBEDDED.replace("fields @timestamp, @message\n| filter", "where")),
        ("source.txt", format!("SOURCE '/aws/rds/x' | {EMBEDDED}")),
        ("body.json", body.clone()),
        (
            "dashboard.json",
            format!("{{\"DashboardArn\": \"arn:aws:cloudwatch::1:dashboard/x\", \"DashboardBody\": {}}}", serde_json::to_string(&body).unwrap()),
        ),
        (
            "definitions.json",
            format!("{{\"queryDefinitions\": [{{\"queryDefinitionId\": \"x\", \"name\": \"audit\", \"queryString\": {spelt}}}]}}"),
        ),
        (
            "main.tf",
            format!("resource \"aws_cloudwatch_query_definition\" \"audit\" {{\n  name = \"audit\"\n  query_string = <<EOF\n{EMBEDDED}\nEOF\n}}\n"),
        ),
        (
            "template.yaml",
            format!("Resources:\n  Audit:\n    Type: AWS::Logs::QueryDefinition\n    Properties:\n      Name: audit\n      QueryString: |\n        {}\n", EMBEDDED.replace('\n', "\n        ")),
        ),
        (
            "template.json",
            format!("{{\"Resources\": {{\"Audit\": {{\"Type\": \"AWS::Logs::QueryDefinition\", \"Properties\": {{\"QueryString\": {spelt}}}}}}}}}"),
        ),
        (
            "stack.ts",
            format!("new logs.CfnQueryDefinition(this, 'Audit', {{\n  name: 'audit',\n  queryString: `{EMBEDDED}`,\n}});\n"),
        ),
        (
            "query.ts",
            "new logs.QueryString({\n  filterStatements: ['@message like /AUDIT:/', '@message not like /nagios/'],\n});\n".to_owned(),
        ),
        ("stack.py", format!("logs.CfnQueryDefinition(self, \"Audit\", query_string={spelt})\n")),
    ] {
        std::fs::write(ground.path(name), text).unwrap();
        let report = report(&ground, &["migrate", name]);
        let queries = report["queries"].as_array().unwrap();
        assert_eq!(queries.len(), 1, "{name}: {report}");
        let exclusions = queries[0]["exclusions"].as_array().unwrap();
        assert_eq!(exclusions.len(), 1, "{name}: {report}");
        assert_eq!(exclusions[0]["text"], "/nagios/", "{name}");
        assert_eq!(exclusions[0]["evadable"], true, "{name}: {report}");
    }
}

#[test]
fn a_stage_that_decides_nothing_switches_nothing_off() {
    let ground = ground();
    let head = "fields @timestamp, @message\n| filter @message like /AUDIT:/\n| filter @message not like /nagios/\n";
    for stage in [
        "| stats count(*) as n by bin(5m)\n| sort @timestamp desc",
        "| stats count(*) by bin(300s)",
        "| fields @ptr",
        "| pattern @message",
        "| unmask @message",
        "| stats count(*) as n by bin(5m)\n| filter n > 3",
        "| dedup @message",
        "| display nothing_of_this_name",
    ] {
        std::fs::write(ground.path("own.txt"), format!("{head}{stage}\n")).unwrap();
        let report = report(&ground, &["migrate", "own.txt"]);
        let exclusions = &report["queries"][0]["exclusions"];
        assert_eq!(exclusions[0]["evadable"], true, "{stage}: {report}");
    }
    // One that decides is told, and the others are looked at all the same.
    std::fs::write(
        ground.path("own.txt"),
        format!("{head}| filter nothing(@message) = 1\n"),
    )
    .unwrap();
    let run = ground
        .run(&["migrate", "own.txt", "--format", "json"])
        .exits(19);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(
        report["queries"][0]["exclusions"][0]["evadable"], true,
        "{report}"
    );
    assert!(
        report["left"]
            .as_array()
            .unwrap()
            .iter()
            .any(|left| left["is_open"] == true && left["at"]["line"] == 4),
        "{report}"
    );
}

#[test]
fn every_way_of_excluding_is_one() {
    let ground = ground();
    let head = "filter @message like /AUDIT:/\n";
    for condition in [
        "strcontains(@message, 'nagios') = 0",
        "strcontains(@message, 'nagios') != 1",
        "strcontains(@message, 'nagios') < 1",
        "not (strcontains(@message, 'nagios') = 1)",
        "@message not like 'nagios'",
        "not (@message like 'nagios')",
    ] {
        std::fs::write(
            ground.path("own.txt"),
            format!("{head}| filter {condition}\n"),
        )
        .unwrap();
        let report = report(&ground, &["migrate", "own.txt"]);
        let exclusions = report["queries"][0]["exclusions"].as_array().unwrap();
        assert_eq!(exclusions.len(), 1, "{condition}: {report}");
        assert_eq!(exclusions[0]["text"], "'nagios'", "{condition}");
        assert_eq!(exclusions[0]["evadable"], true, "{condition}: {report}");
    }
    // It excludes every record: whoever does anything is unheard.
    std::fs::write(
        ground.path("own.txt"),
        format!("{head}| filter @message not like /:LOG:/\n| filter @message not like /nagios/\n"),
    )
    .unwrap();
    let found = report(&ground, &["migrate", "own.txt"]);
    let exclusions = &found["queries"][0]["exclusions"];
    assert_eq!(exclusions[0]["drops_everything"], true, "{found}");
    assert_eq!(exclusions[0]["evadable"], true, "{found}");
    assert_eq!(exclusions[1]["evadable"], true, "{found}");
    let run = ground.run(&["migrate", "own.txt"]).exits(0);
    assert!(
        run.out.contains("2 exclusions, 2 of them evadable")
            && run.out.contains("excludes every record"),
        "{}",
        run.out
    );
}

#[test]
fn roles_become_accounts_and_no_exclusions() {
    let ground = ground();
    let query = "filter @message like /AUDIT:/\n| filter @message not like /rdsadmin/\n\
                 | filter @message not like /ledger_api/\n| filter @message not like /:nagios@/\n\
                 | filter @message not like /SELECT 1/\n";
    std::fs::write(ground.path("own.txt"), query).unwrap();
    let found = report(&ground, &["migrate", "own.txt"]);
    let exclusions = found["queries"][0]["exclusions"].as_array().unwrap();
    let roles: Vec<Option<&str>> = exclusions
        .iter()
        .map(|one| one["in_its_place"]["role"].as_str())
        .collect();
    assert_eq!(
        roles,
        [Some("rdsadmin"), Some("ledger_api"), Some("nagios"), None]
    );
    for one in &exclusions[..3] {
        assert!(one["in_its_place"].get("proposal").is_none(), "{one}");
    }
    assert!(
        exclusions[0]["in_its_place"]["notes"]
            .to_string()
            .contains("a role that RDS creates"),
        "{found}"
    );
    // `SELECT 1_id` is no SQL.
    assert!(!found.to_string().contains("SELECT 1_id"), "{found}");
    ground.run(&["migrate", "own.txt", "--out", "new"]).exits(0);
    let text = std::fs::read_to_string(ground.path("new/rules/exclusions.yaml")).unwrap();
    let (head, accounts) = text.split_once("# service_accounts:\n").unwrap();
    let accounts: Vec<&str> = accounts
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .collect();
    let done = format!("{head}service_accounts:\n{}\n", accounts.join("\n")).replace(
        "decide: what it runs, and who has its password",
        "It runs the ledger's reviewed code; the password is in its vault.",
    );
    std::fs::write(ground.path("new/rules/exclusions.yaml"), done).unwrap();
    let run = ground.run(&["-C", "new", "check"]).exits(0);
    assert!(run.err.contains("3 service accounts"), "{}", run.err);
}

#[test]
fn what_is_missing_is_told_at_once_and_nothing_is_written() {
    let ground = ground();
    std::fs::write(ground.path("x.tfvars"), "cluster_name = \"orders\"\n").unwrap();
    let run = ground
        .run(&["migrate", "x.tfvars", "--out", "new"])
        .exits(2);
    for words in [
        "has no AWS account",
        "has no AWS region",
        "nothing was written",
    ] {
        assert!(run.err.contains(words), "{words}\n{}", run.err);
    }
    assert!(!ground.path("new").exists());
    ground
        .run(&[
            "migrate",
            "x.tfvars",
            "--out",
            "new",
            "--account",
            "123456789012",
            "--region",
            "eu-west-1",
        ])
        .exits(0);
    // Files that are none of the old system's.
    std::fs::write(ground.path("prose.md"), "# Title\n\nhello\n").unwrap();
    let run = ground.run(&["migrate", "prose.md"]).exits(19);
    assert!(run.out.contains("prose.md: not recognised"), "{}", run.out);
    std::fs::write(
        ground.path("bad.txt"),
        "filter @message like /a/\n| unmask @message\n",
    )
    .unwrap();
    let run = ground.run(&["migrate", "bad.txt"]).exits(0);
    assert!(run.out.contains("bad.txt:2"), "{}", run.out);
    ground.run(&["migrate", "no-such-file"]).exits(1);
    std::fs::write(ground.path("binary"), [0xff, 0xfe, 0]).unwrap();
    let run = ground.run(&["migrate", "binary"]).exits(1);
    assert!(run.err.contains("is not UTF-8"), "{}", run.err);
}

#[test]
fn hostile_text_is_spelt_out() {
    let ground = ground();
    let query =
        "filter @message like /SELECT/\n| filter @message not like 'a\u{202e}b\u{1b}[31m'\n";
    std::fs::write(ground.path("own.txt"), query).unwrap();
    for format in ["human", "json"] {
        let run = ground
            .run(&["migrate", "own.txt", "--format", format])
            .exits(19);
        assert!(
            !run.out.contains('\u{202e}') && !run.out.contains('\u{1b}'),
            "{}",
            run.out
        );
    }
    let run = ground
        .run(&["migrate", "own.txt", "--out", "new"])
        .exits(19);
    assert!(!run.out.contains('\u{1b}'));
    ground.run(&["-C", "new", "check"]).exits(0);
}

#[test]
fn the_document_shows_what_it_does() {
    let mut ground = ground();
    for (from, to) in [
        ("query.txt", "log-insights-query.txt"),
        ("lambda.json", "function.json"),
        ("prod.tfvars", "production.tfvars"),
        ("setup.sql", "pgaudit-setup.sql"),
    ] {
        std::fs::rename(ground.path(from), ground.path(to)).unwrap();
    }
    holds(&root().join("docs/migrate.md"), &mut ground);
}
