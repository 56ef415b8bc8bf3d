//! Reports about a world with hostile names in it.

use serde_json::{Value, json};

use super::{human, json};
use crate::compile::resources::Kind;
use crate::deploy::port::CloudError;
use crate::doctor::canary::{Outcome, Proof, Report, Step};
use crate::doctor::diagnosis::Diagnosis;
use crate::doctor::observation::Member;
use crate::doctor::tests::World;
use crate::report::plan::human::Style;

/// A clear of the screen, a turn of the text, an invisible letter, a runner's command, a shell's.
const HOSTILE: &str = "x\u{1b}[2J\u{202e}\u{200b}##[error]\n'; $(reboot)";

fn hostile() -> Diagnosis {
    let mut world = World::healthy();
    let database = world.observed.database.as_mut().unwrap().as_mut().unwrap();
    database.parameter_group = HOSTILE.to_owned();
    database.parameters.clear();
    database.members.push(Member {
        instance: HOSTILE.to_owned(),
        parameter_status: "pending-reboot".to_owned(),
    });
    world.observed.heartbeat = Err(CloudError::Throttled {
        message: HOSTILE.to_owned(),
    });
    world.edit(Kind::SnsTopic, "", |topic| {
        let statement = json!({ "Sid": HOSTILE, "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*" });
        topic["policy"]["Statement"] = json!([statement]);
    });
    world.edit(Kind::Alarm, "human-dml", |alarm| {
        alarm["namespace"] = json!(HOSTILE);
        alarm["actions_enabled"] = json!(false);
    });
    world.diagnose()
}

fn is_harmless(text: &str) {
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}') && !text.contains('\u{200b}'));
    assert!(!text.contains("\n'; $(reboot)"));
}

#[test]
fn for_people() {
    let text = human::render(
        &hostile(),
        Style {
            width: 100,
            colour: false,
        },
    );
    is_harmless(&text);
    assert!(!text.contains("##[error]"));
    insta::assert_snapshot!("human", text);
}

#[test]
fn for_programs() {
    let diagnosis = hostile();
    let text = json::render(&diagnosis);
    is_harmless(&text);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["format_version"], 1);
    assert_eq!(value["verdict"], "fail");
    // What is escaped means the same.
    let found = value["clusters"][0]["checks"].as_array().unwrap();
    let in_sync = found
        .iter()
        .find(|check| check["id"] == "parameters-in-sync");
    assert_eq!(in_sync.unwrap()["findings"][1]["about"], HOSTILE);
    insta::assert_snapshot!("json", text);
}

#[test]
fn a_world_that_is_fine() {
    let text = human::render(&World::healthy().diagnose(), Style::default());
    insta::assert_snapshot!("healthy", text);
}

/// Sentences fit the width; commands are whole, whatever it is. Colour changes nothing else.
#[test]
fn narrow_and_coloured() {
    let diagnosis = hostile();
    let narrow = human::render(
        &diagnosis,
        Style {
            width: 60,
            colour: false,
        },
    );
    for line in narrow.lines() {
        let is_command = line.contains("mend: ") || line.contains("look: ");
        let is_one_word = !line.trim().trim_start_matches("FAIL").trim().contains(' ');
        assert!(
            line.chars().count() <= 60 || is_command || is_one_word,
            "{line}"
        );
    }
    let wide = human::render(&diagnosis, Style::default());
    let commands = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.contains("mend: "));
        lines.map(|line| line.trim().to_owned()).collect()
    };
    assert_eq!(commands(&narrow), commands(&wide));
    let coloured = human::render(
        &diagnosis,
        Style {
            width: 100,
            colour: true,
        },
    );
    let mut plain = coloured;
    for code in ["0", "1", "2", "31", "32", "33"] {
        plain = plain.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(plain, wide);
}

#[test]
fn a_canary() {
    let report = Report {
        cluster: HOSTILE.to_owned(),
        steps: vec![
            Proof {
                step: Step::Matcher,
                outcome: Outcome::Proven("2 marked records count".to_owned()),
            },
            Proof {
                step: Step::Told,
                outcome: Outcome::Failed(HOSTILE.to_owned()),
            },
            Proof {
                step: Step::ToldOver,
                outcome: Outcome::NotReached("an earlier step failed".to_owned()),
            },
        ],
        unproven: vec!["from the topic to each person".to_owned()],
        left_behind: vec![HOSTILE.to_owned()],
    };
    let text = human::render_canary(&report, Style::default());
    is_harmless(&text);
    insta::assert_snapshot!("canary_human", text);
    let text = json::render_canary("prod", &[report]);
    is_harmless(&text);
    insta::assert_snapshot!("canary_json", text);
}
