use serde_json::json;

use super::human::Style;
use super::*;
use crate::deploy::diff;
use crate::deploy::document::{Fingerprint, Kind};
use crate::deploy::obstacle::Reservations;
use crate::deploy::plan::{Action, Drift, FORMAT_VERSION, Planned, Unread};
use crate::deploy::verdict::Outcome;

fn planned(
    address: &str,
    kind: Kind,
    action: Action,
    verdict: Verdict,
    outcome: Outcome,
) -> Planned {
    Planned {
        address: address.to_owned(),
        kind: Some(kind),
        name: address.to_owned(),
        action,
        verdict,
        outcome,
        changes: Vec::new(),
        desired_digest: None,
        live_digest: Some(Fingerprint::of(kind, &json!({}))),
        remember: false,
        note: None,
        desired: None,
    }
}

fn plan() -> Plan {
    let old = json!({"query": (1..12).map(|line| format!("line {line}\n")).collect::<String>()});
    let mut new = old.clone();
    new["query"] = json!(old["query"].as_str().unwrap().replace("line 6", "line six"));
    let query = Planned {
        changes: diff::changes(Kind::SavedQuery, &old, &new),
        ..planned(
            "orders/saved-query/q",
            Kind::SavedQuery,
            Action::Update,
            Verdict::Pending,
            Outcome::Pending,
        )
    };
    let live = json!({"threshold": 5, "tags": {"a": "1"}, "description": "x".repeat(60)});
    let desired = json!({"threshold": 0, "unit": null, "description": "y".repeat(60)});
    let alarm = Planned {
        changes: diff::changes(Kind::Alarm, &live, &desired),
        ..planned(
            "orders/alarm/dml",
            Kind::Alarm,
            Action::Update,
            Verdict::Drifted,
            Outcome::Drifted,
        )
    };
    let extra = Planned {
        note: Some("kept: deleted only if named with --prune".to_owned()),
        ..planned(
            "orders/alarm/old",
            Kind::Alarm,
            Action::None,
            Verdict::Extra,
            Outcome::Pending,
        )
    };
    Plan {
        purpose: Purpose::Apply,
        format_version: FORMAT_VERSION,
        identity: Identity {
            provider: "aws".to_owned(),
            account: "123456789012".to_owned(),
            region: "eu-west-1".to_owned(),
            environment: "prod".to_owned(),
            clusters: vec!["billing".to_owned(), "orders".to_owned()],
        },
        resources: vec![
            planned(
                "orders/sns-topic/t",
                Kind::SnsTopic,
                Action::Create,
                Verdict::Pending,
                Outcome::Pending,
            ),
            planned(
                "orders/iam-role/r",
                Kind::IamRole,
                Action::None,
                Verdict::Clean,
                Outcome::Clean,
            ),
            query,
            alarm.clone(),
            extra,
        ],
        drift: vec![Drift {
            address: alarm.address,
            kind: Some(Kind::Alarm),
            verdict: Verdict::Drifted,
            changes: diff::edits(Kind::Alarm, &desired, &live),
            note: None,
        }],
        rules: Vec::new(),
        obstacles: Vec::new(),
        reservations: Reservations::default(),
        alterations: Vec::new(),
        unread: Vec::new(),
    }
}

#[test]
fn draws_a_plan_for_a_terminal() {
    insta::assert_snapshot!(human::render_plan(&plan(), Style { width: 80, colour: false }), @r####"
    prod (aws, account 123456789012, region eu-west-1): billing, orders

      + orders/sns-topic/t  create

      ~ orders/saved-query/q  update
          query:
            …
              line 3
              line 4
              line 5
            - line 6
            + line six
              line 7
              line 8
              line 9
            …

      ~ orders/alarm/dml  update, drifted
          description:
            - "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
            + "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
          - tags: {"a":"1"}
          threshold: 5 → 0
          + unit: null

        orders/alarm/old  extra
          kept: deleted only if named with --prune

    1 to create, 2 to change, 1 unchanged; 1 drifted, 1 extra.

    pending: the files changed since the last apply; the resource did not
    drifted: the resource changed since the last apply; the files did not
    extra: it is deployed, but no file declares it
    "####);
}

#[test]
fn draws_a_plan_for_a_pull_request() {
    insta::assert_snapshot!(markdown::render_plan(&plan(), markdown::COMMENT_LIMIT), @r####"
    ### Plan: `prod (aws, account 123456789012, region eu-west-1): billing, orders`

    **1 to create, 2 to change, 1 unchanged; 1 drifted, 1 extra**

    `+` `orders/sns-topic/t` (create, pending)

    `~` `orders/saved-query/q` (update, pending)
    <details><summary>1 field</summary>

    ```diff
    @@ query @@
      …
      line 3
      line 4
      line 5
    - line 6
    + line six
      line 7
      line 8
      line 9
      …
    ```

    </details>

    `~` `orders/alarm/dml` (update, drifted)
    <details><summary>4 fields</summary>

    ```diff
    @@ description @@
    - "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    + "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
    @@ tags @@
    - {"a":"1"}
    @@ threshold @@
    - 5
    + 0
    @@ unit @@
    + null
    ```

    </details>

    `!` `orders/alarm/old` (none, extra)
    `kept: deleted only if named with --prune`

    - *pending*: the files changed since the last apply; the resource did not
    - *drifted*: the resource changed since the last apply; the files did not
    - *extra*: it is deployed, but no file declares it
    "####);
}

#[test]
fn json_has_a_version_and_no_documents() {
    let value: serde_json::Value = serde_json::from_str(&json::render_plan(&plan())).unwrap();
    assert_eq!(value["format_version"], 1);
    assert_eq!(value["outcome"], "both");
    assert_eq!(value["counts"]["drifted"], 1);
    assert_eq!(value["resources"][3]["verdict"], "drifted");
    assert!(
        value["resources"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one.get("desired").is_none())
    );
}

#[test]
fn colours_only_when_asked() {
    let drawn = |colour| human::render_plan(&plan(), Style { width: 80, colour });
    assert!(!drawn(false).contains('\u{1b}'));
    let coloured = drawn(true);
    assert!(coloured.contains("\u{1b}[32m+\u{1b}[0m"));
    let codes = regex_automata::meta::Regex::new("\u{1b}\\[[0-9]+m").unwrap();
    let mut plain = coloured.clone();
    while let Some(found) = codes.find(&plain) {
        plain.replace_range(found.range(), "");
    }
    assert_eq!(plain, drawn(false), "colour changes nothing else");
}

#[test]
fn no_line_is_wider_than_asked() {
    use unicode_width::UnicodeWidthStr;
    for width in [60, 80, 120] {
        let mut plan = plan();
        let wide = diff::changes(
            Kind::Alarm,
            &json!({"d": "漢字".repeat(200)}),
            &json!({"d": "é".repeat(300)}),
        );
        plan.resources[3].changes.extend(wide);
        plan.resources[3].changes.extend(diff::changes(
            Kind::Alarm,
            &json!({}),
            &json!({"n": "z".repeat(300)}),
        ));
        plan.resources[0].address = format!("orders/sns-topic/{}", "t".repeat(200));
        for line in human::render_plan(
            &plan,
            Style {
                width,
                colour: false,
            },
        )
        .lines()
        {
            let is_word = ["pending:", "drifted:", "extra:"]
                .iter()
                .any(|word| line.starts_with(word));
            assert!(
                is_word || line.width() <= width,
                "{width}: {} {line}",
                line.width()
            );
        }
    }
}

#[test]
fn hostile_text_of_live_resources_is_harmless() {
    let hostile = "\u{1b}[2J\u{202e}`````\n```\n</details><img src=x>\n@team\u{200b}\r";
    let mut plan = plan();
    plan.resources[3].changes = diff::changes(
        Kind::Alarm,
        &json!({"description": hostile, "tags": {(hostile): hostile}}),
        &json!({"description": "plain", "tags": {}}),
    );
    plan.resources[4].address = format!("orders/alarm/{hostile}");
    plan.unread.push(Unread {
        address: hostile.to_owned(),
        error: hostile.to_owned(),
    });
    let bad = |text: &str| {
        text.chars()
            .any(|one| (one.is_control() && one != '\n') || "\u{202e}\u{200b}".contains(one))
    };
    let terminal = human::render_plan(&plan, Style::default());
    let markdown = markdown::render_plan(&plan, markdown::COMMENT_LIMIT);
    let json = json::render_plan(&plan);
    assert!(!bad(&terminal) && !bad(&markdown) && !bad(&json));
    assert_eq!(
        markdown.matches("\n</details>\n").count(),
        2,
        "only our own"
    );
    let back: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(back["unread"][0]["address"], hostile);
}

#[test]
fn a_comment_that_is_too_long_is_cut_and_says_so() {
    let mut plan = plan();
    let one = plan.resources[3].clone();
    plan.resources.extend(std::iter::repeat_n(one, 500));
    let text = markdown::render_plan(&plan, 10_000);
    assert!(text.len() <= 10_000, "{}", text.len());
    assert!(text.contains("have no room here"), "{text}");
}

#[test]
fn the_summary_counts() {
    assert_eq!(
        summary(&plan().counts()),
        "1 to create, 2 to change, 1 unchanged; 1 drifted, 1 extra"
    );
    assert_eq!(summary(&Counts::default()), "nothing to do");
    assert_eq!(
        summary(&Counts {
            unread: 2,
            ..Counts::default()
        }),
        "nothing to do; 2 not read"
    );
}

/// What an environment answers may hold anything: nothing of it reaches a terminal or a page as it is.
#[test]
fn a_fleet_is_drawn_with_its_failures_escaped() {
    use super::fleet::{Entry, human_plans, json_plans, markdown_plans};
    let identity = |name: &str| Identity {
        environment: name.to_owned(),
        ..plan().identity
    };
    let hostile = "no\u{1b}[31m | \u{202e}access\nsecond line";
    let entries = [
        Entry {
            identity: identity("dev"),
            milliseconds: 7,
            result: Ok(plan()),
        },
        Entry {
            identity: identity("prod"),
            milliseconds: 12_034,
            result: Err(hostile.to_owned()),
        },
    ];
    let human = human_plans(&entries, Style::default());
    let markdown = markdown_plans(&entries, markdown::COMMENT_LIMIT);
    let json = json_plans(&entries);
    for text in [&human, &markdown, &json] {
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "{text}"
        );
    }
    let last = human.lines().last().unwrap();
    assert!(
        last.starts_with("prod ") && last.ends_with("  12.034 s"),
        "{last}"
    );
    let rows: Vec<&str> = markdown
        .lines()
        .filter(|line| line.starts_with('|'))
        .collect();
    assert_eq!(rows.len(), 4);
    for row in rows {
        assert_eq!(row.matches('|').count(), 7, "{row}");
    }
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["environments"][1]["error"], hostile);
    assert_eq!(value["environments"][0]["plan"]["purpose"], "apply");
    for limit in [600, 2_000, 20_000] {
        let many: Vec<_> = std::iter::repeat_n(entries[0].clone(), 3).collect();
        let page = markdown_plans(&many, limit);
        assert!(page.len() <= limit, "{} > {limit}", page.len());
    }
}
