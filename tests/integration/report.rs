//! The report of a made-up quarter: what it says for each question of an audit, that it is the same a second time, and that
//! whatever is missing from its inputs is said and never green.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::cli::{Repository, Run};
use crate::page::{CONTRAST, TOO_WIDE, pictures};
use crate::quarter::{FIRST_CHANGE, GAP, INCIDENT, Quarter, SECOND_CHANGE, SINCE, UNTIL};
use crate::recorded;

const RECORDS: &str = "monitor.log";

/// Nothing is missing.
const COMPLETE: i32 = 0;

/// Something is.
const NOT_COMPLETE: i32 = 17;

const FORMS: [&str; 5] = ["html", "md", "json", "csv", "txt"];

fn arguments(more: &[&str]) -> Vec<String> {
    let given = [
        "report", "--env", "prod", "--since", SINCE, "--until", UNTIL,
    ];
    let given = given.iter().chain(more);
    given.map(|word| (*word).to_owned()).collect()
}

fn report(quarter: &Quarter, root: &Path, more: &[&str]) -> Output {
    let arguments = arguments(more);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    quarter.run_in(root, &arguments)
}

/// The report as data, and its exit code.
#[track_caller]
fn as_data(quarter: &Quarter, root: &Path, more: &[&str]) -> (Value, i32) {
    let more = [&["--format", "json"], more].concat();
    let output = report(quarter, root, &more);
    let document = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (document, output.status.code().unwrap())
}

/// State and answer of each question.
fn answers(report: &Value) -> BTreeMap<String, (String, String)> {
    let answers = report["answers"].as_array().unwrap().iter();
    answers
        .map(|answer| {
            let text = |name: &str| answer[name].as_str().unwrap().to_owned();
            (text("question"), (text("state"), text("answer")))
        })
        .collect()
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect()
}

/// The detections of somebody on a day.
fn of<'a>(report: &'a Value, user: &str, day: &str) -> Vec<&'a Value> {
    let detections = report["detections"].as_array().unwrap().iter();
    detections
        .filter(|one| one["user"] == user && one["day"] == day)
        .collect()
}

/// A quarter whose records are in a file, and whose incident has a note.
fn looked_into() -> Quarter {
    let quarter = Quarter::new();
    quarter.write(RECORDS, quarter.records.join("\n"));
    let (found, _) = as_data(&quarter, quarter.root(), &["--records", RECORDS]);
    let cards: Vec<&str> = of(&found, "p40", INCIDENT)
        .into_iter()
        .filter(|one| one["object"] == "public.cards")
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert!(!cards.is_empty());
    quarter.write(
        "notes/2026.yaml",
        format!(
            "version: 1\nnotes:\n  - id: cards-read\n    detections: ['{}']\n    finding: incident\n    text: p40 read card data under an approval for orders; the account is locked, and INC-77 has the rest\n    author: mallory.security@example.com\n    date: 2026-08-25\n    ticket: INC-77\n",
            cards.join("', '")
        ),
    );
    quarter.git(&["add", "notes"], None);
    let title = "Say what became of the incident";
    quarter.git(&["commit", "-q", "-m", title], Some("2026-08-25T12:00:00Z"));
    quarter
}

/// Every question of docs/for-auditors.md, with what the quarter really was.
#[test]
fn a_quarter_of_a_company() {
    let quarter = looked_into();
    let (found, code) = as_data(&quarter, quarter.root(), &["--records", RECORDS]);
    crate::output_schemas::holds("report", &found);

    // What is missing is the time in which the monitor did not run, and nothing else.
    assert_eq!(found["complete"], false);
    assert_eq!(code, NOT_COMPLETE);
    assert_eq!(
        texts(&found["lacks"]),
        [
            "6 hours of 2208 have no evidence that the logs were read then: from 2026-09-12T02:00:00Z until 2026-09-12T08:00:00Z"
        ]
    );
    let gap = &found["coverage"]["gaps"];
    assert_eq!(
        (gap[0]["from"].as_str(), gap[0]["until"].as_str()),
        (Some(GAP.0), Some(GAP.1))
    );
    assert_eq!(gap.as_array().unwrap().len(), 1);

    let answers = answers(&found);
    let questions = std::fs::read_to_string(recorded::root().join("docs/for-auditors.md")).unwrap();
    let (_, table) = questions.split_once("| --- |").unwrap();
    let mut asked: Vec<String> = table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').nth(1).unwrap().trim().replace('*', ""))
        .collect();
    asked.sort();
    assert_eq!(answers.keys().cloned().collect::<Vec<_>>(), asked);
    let answer = |begin: &str| {
        let (_, answer) = answers
            .iter()
            .find(|(question, _)| question.starts_with(begin))
            .unwrap();
        (answer.0.as_str(), answer.1.as_str())
    };

    let people = found["people"].as_array().unwrap();
    assert_eq!(people.len(), 40);
    assert!(people.iter().all(|one| one["since"] == SINCE
        && one["until"] == UNTIL
        && one["owner"].as_str().unwrap().ends_with("-lead")));
    assert_eq!(
        answer("Who is audited"),
        ("answered", "40 people were audited in the period")
    );
    assert_eq!(answer("Who is not audited").0, "answered");
    assert_eq!(answer("Is anyone missing").0, "not_answered");
    assert!(answer("Is anyone missing").1.contains("enrol coverage"));

    // The exclusion: since its change, with those who approved it, and what it silenced.
    let exclusions = found["exclusions"].as_array().unwrap();
    assert_eq!(exclusions.len(), 1);
    let exclusion = &exclusions[0];
    assert_eq!(exclusion["id"], "countries-counted");
    assert_eq!(exclusion["since"], "2026-08-03");
    assert_eq!(exclusion["until"], UNTIL);
    assert_eq!(exclusion["owner"], "data-lead");
    assert!(exclusion["reason"].as_str().unwrap().contains("public"));
    assert_eq!(
        texts(&exclusion["origin"]["approvals"]),
        ["frank <frank@example.com>", "grace <grace@example.com>"]
    );
    let silenced = exclusion["silenced"].as_u64().unwrap();
    // What the server wrote of it, after the change was deployed.
    let deployed = crate::quarter::moment(FIRST_CHANGE) + jiff::SignedDuration::from_mins(30);
    let is_of_it = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        text.contains("AUDIT: SESSION") && text.contains("READ,SELECT,TABLE,reference.countries")
    };
    let there: Vec<bool> = quarter
        .entries
        .iter()
        .filter(|(_, text)| is_of_it(text))
        .map(|(time, _)| *time >= deployed)
        .collect();
    let after = there.iter().filter(|after| **after).count();
    assert!(after > 0 && after < there.len());
    assert_eq!(silenced, after as u64);
    assert_eq!(found["totals"]["silenced"], silenced);
    assert_eq!(
        answer("What did that exclusion silence?"),
        (
            "answered",
            format!("{silenced} records, listed by exclusion").as_str()
        )
    );

    // Both changes, with what they do to the alarm.
    let changes = found["changes"].as_array().unwrap();
    let facts: Vec<(&str, &str, usize)> = changes
        .iter()
        .map(|change| {
            (
                change["subject"].as_str().unwrap(),
                change["committed"].as_str().unwrap(),
                change["approvals"].as_array().unwrap().len(),
            )
        })
        .collect();
    assert_eq!(
        facts,
        [
            ("Silence the public list of countries", FIRST_CHANGE, 2),
            ("Grant the work of three days", SECOND_CHANGE, 1)
        ]
    );
    assert_eq!(changes[0]["direction"], "widened");
    assert!(texts(&changes[0]["effects"])[0].contains("exclusion `countries-counted` added"));
    assert_eq!(texts(&changes[0]["authors"]), ["dana@example.com"]);
    assert_eq!(
        answer("What was excluded on a given day"),
        (
            "answered",
            "1 exclusion in force, with the approvals that Git records"
        )
    );

    // The rules of three commits judged, and each digest belongs to one of them.
    let rules = found["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 3);
    assert!(rules.iter().all(|rules| rules["commit"].is_string()));
    assert_eq!(
        answer("Does that digest belong"),
        ("answered", "every digest belongs to a commit of the period")
    );
    let number = found["detections"].as_array().unwrap().len();
    assert_eq!(
        answer("When was something detected"),
        (
            "answered",
            format!("{number} detections with day, times and severity, by 3 sets of rules")
                .as_str()
        )
    );

    // The incident: reads of cards have a note, and the work beside it has none.
    let incident = of(&found, "p40", INCIDENT);
    let cards: Vec<&&Value> = incident
        .iter()
        .filter(|one| one["object"] == "public.cards")
        .collect();
    for one in &cards {
        assert_eq!(one["severity"], "critical");
        assert!(one["expected"].is_null());
        assert_eq!(one["notes"][0]["finding"], "incident");
        assert_eq!(one["notes"][0]["ticket"], "INC-77");
        assert_eq!(one["identity"], "p40@example.com");
    }
    let expected: Vec<&&Value> = incident
        .iter()
        .filter(|one| one["expected"] == "CHG-105")
        .collect();
    assert_eq!(expected.len(), 1);
    assert_eq!(expected[0]["object"], "public.orders");
    let deletes: Vec<&&Value> = incident
        .iter()
        .filter(|one| one["command"] == "DELETE")
        .collect();
    assert_eq!(deletes.len(), 1);
    assert!(deletes[0]["expected"].is_null() && texts(&deletes[0]["notes"]).is_empty());
    let totals = &found["totals"];
    // The whole of the period, for those who read no day.
    let touched = found["touched"].as_array().unwrap();
    let of_cards: Vec<&Value> = touched
        .iter()
        .filter(|one| one["object"] == "public.cards")
        .collect();
    assert_eq!(of_cards.len(), 1);
    assert_eq!(of_cards[0], &touched[0], "the gravest comes first");
    assert_eq!(
        (
            of_cards[0]["user"].as_str(),
            of_cards[0]["explained"].as_u64(),
            of_cards[0]["unexplained"].as_u64()
        ),
        (Some("p40"), Some(1), Some(0))
    );
    let sum = |name: &str| -> u64 { touched.iter().map(|one| one[name].as_u64().unwrap()).sum() };
    for name in ["statements", "expected", "explained", "unexplained"] {
        assert_eq!(found["totals"][name], sum(name), "{name}");
    }
    // All his reads of cards, in whatever form, are one detection of that day.
    assert_eq!(cards.len(), 1);
    assert!(cards[0]["statements"].as_u64() > Some(4), "{}", cards[0]);
    assert_eq!(totals["explained"], 1);
    let unexplained = totals["unexplained"].as_u64().unwrap();
    assert_eq!(
        answer("What became of it"),
        (
            "partly",
            format!(
                "of {} detections that no grant covers, {} has a finding in Git and {unexplained} none",
                totals["not_expected"],
                cards.len()
            )
            .as_str()
        )
    );
    // The grants: in force, committed before their time, and what each covered.
    let grants = found["grants"].as_array().unwrap();
    assert_eq!(grants.len(), 5);
    assert!(grants.iter().all(|grant| grant["after_the_fact"] == false
        && grant["committed"] == SECOND_CHANGE
        && grant["statements"].as_u64() > Some(0)));

    assert_eq!(answer("Who was notified").0, "partly");
    assert_eq!(answer("Was the monitor running?").0, "partly");
    assert!(
        answer("Was the monitor running?")
            .1
            .starts_with("2202 of 2208 hours have evidence, with 1 gap")
    );
    assert_eq!(answer("Was the deployed monitor changed").0, "not_answered");
    assert_eq!(answer("What were the statements").0, "partly");

    // Every statement that somebody made is in the report: none is lost on the way from the server's log.
    let uses = quarter
        .entries
        .iter()
        .filter(|(time, text)| {
            let text_of_it = String::from_utf8_lossy(text);
            text_of_it.contains("AUDIT: SESSION") && !(is_of_it(text) && *time >= deployed)
        })
        .count();
    assert_eq!(totals["records"], uses);

    a_note_of_ones_own(&quarter, &found);
    the_same_twice(&quarter);
    what_is_missing(&quarter);
    from_logs_and_from_watch(&quarter, &found);
}

/// Who closes a matter about their own work closes nothing, in no form.
fn a_note_of_ones_own(quarter: &Quarter, before: &Value) {
    let incident = of(before, "p40", INCIDENT);
    let delete = incident
        .iter()
        .find(|one| one["command"] == "DELETE")
        .unwrap();
    let cards = incident
        .iter()
        .find(|one| one["object"] == "public.cards")
        .unwrap();
    for (author, is_own) in [
        ("p40@example.com", true),
        ("P-40 <someone@example.org>", true),
        ("p39@example.com", false),
    ] {
        // The last note on the cards says something else than the incident.
        quarter.write(
            "notes/own.yaml",
            format!(
                "version: 1\nnotes:\n  - id: all-well\n    detections: ['{}', '{}']\n    finding: authorised\n    text: The head of the department agreed to this work on the telephone\n    author: {author}\n    date: 2026-08-26\n",
                delete["id"].as_str().unwrap(),
                cards["id"].as_str().unwrap(),
            ),
        );
        let forms: Vec<String> = FORMS.iter().map(|form| format!("own.{form}")).collect();
        let mut more = vec!["--records", RECORDS];
        for form in &forms {
            more.extend(["--report", form]);
        }
        let (found, _) = as_data(quarter, quarter.root(), &more);
        crate::output_schemas::holds("report", &found);
        let same = |one: &Value| {
            let detections = found["detections"].as_array().unwrap();
            detections
                .iter()
                .find(|other| other["id"] == one["id"])
                .unwrap()
                .clone()
        };
        assert_eq!(
            same(delete)["notes"][0]["about_oneself"],
            is_own,
            "{author}"
        );
        let explained = |report: &Value| report["totals"]["explained"].as_u64().unwrap();
        assert_eq!(
            explained(&found),
            explained(before) + u64::from(!is_own),
            "{author}"
        );
        let (_, answer) = &answers(&found)["What became of it, and who looked into it?"];
        assert_eq!(
            answer.contains("of the latter has only a note by the person who did the work"),
            is_own,
            "{answer}"
        );
        let text = |name: &str| quarter.read(&format!("own.{name}"));
        for form in ["html", "md", "txt"] {
            assert_eq!(
                text(form).contains("by the person who did the work"),
                is_own,
                "{form}"
            );
        }
        let rows: Vec<String> = text("csv").lines().map(str::to_owned).collect();
        let row = |one: &Value| {
            let id = one["id"].as_str().unwrap();
            rows.iter().find(|row| row.contains(id)).unwrap().clone()
        };
        assert!(rows[0].ends_with(",own_note"), "{}", rows[0]);
        assert_eq!(row(delete).ends_with(",authorised"), is_own);
        assert_eq!(row(cards).ends_with(",authorised"), is_own);
        assert_eq!(row(cards).contains(",incident,"), is_own, "{}", row(cards));
    }
    std::fs::remove_file(quarter.root().join("notes/own.yaml")).unwrap();
}

/// Every form is the same a second time, in another folder too.
fn the_same_twice(quarter: &Quarter) {
    let other = tempfile::tempdir().unwrap();
    let clone = other.path().join("clone");
    let from = quarter.root().to_str().unwrap();
    crate::git::git(
        other.path(),
        &["clone", "-q", from, clone.to_str().unwrap()],
    );
    std::fs::copy(quarter.root().join(RECORDS), clone.join(RECORDS)).unwrap();
    let make = |root: &Path| {
        let mut more = vec!["--records", RECORDS];
        let names: Vec<String> = FORMS.iter().map(|form| format!("made.{form}")).collect();
        for name in &names {
            more.extend(["--report", name]);
        }
        let output = report(quarter, root, &more);
        assert_eq!(
            output.status.code(),
            Some(NOT_COMPLETE),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let made: Vec<Vec<u8>> = names
            .iter()
            .map(|name| std::fs::read(root.join(name)).unwrap())
            .collect();
        (output.stdout, made)
    };
    let first = make(quarter.root());
    let second = make(&clone);
    assert!(first == second);
    assert!(first.1.iter().all(|text| !text.is_empty()));
    if let Some(folder) = pictures() {
        for (form, text) in FORMS.iter().zip(&first.1) {
            std::fs::write(folder.join(format!("quarter.{form}")), text).unwrap();
        }
    }
    in_a_browser(&quarter.root().join("made.html"));
    // The forms for other systems: a line for each record that counts, the last of each group and window.
    for (format, version) in [("ocsf", "/metadata/version"), ("ecs", "/ecs/version")] {
        let output = report(
            quarter,
            quarter.root(),
            &["--records", RECORDS, "--format", format],
        );
        assert_eq!(output.status.code(), Some(NOT_COMPLETE));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("warning: 6 hours of 2208"), "{said}");
        let lines: Vec<Value> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let written = |line: &&String| line.contains("\"pgvigil.detection\"");
        assert_eq!(lines.len(), quarter.records.iter().filter(written).count());
        assert!(lines.iter().all(|line| line.pointer(version).is_some()));
        let output = report(quarter, quarter.root(), &["--format", format, RECORDS]);
        assert_eq!(output.status.code(), Some(2), "logs have no such form");
    }
    // One detection less: another digest, and another report.
    let lines: Vec<&str> = quarter.records.iter().map(String::as_str).collect();
    let (place, _) = lines
        .iter()
        .enumerate()
        .rfind(|(_, line)| line.contains("\"pgvigil.detection\""))
        .unwrap();
    let less: Vec<&str> = [&lines[..place], &lines[place + 1..]].concat();
    std::fs::write(clone.join(RECORDS), less.join("\n")).unwrap();
    assert!(make(&clone).1[0] != first.1[0]);
}

/// The page needs nothing else, fits a phone, and can be read in both colours.
fn in_a_browser(file: &Path) {
    let browser = Browser::start();
    for (width, height) in [(1280, 900), (390, 844)] {
        browser.size(width, height);
        for scheme in ["light", "dark"] {
            browser.prefer(scheme);
            browser.requests();
            browser.open(file);
            assert_eq!(browser.requests(), [format!("file://{}", file.display())]);
            assert_eq!(browser.log("browser"), [""; 0], "the console is empty");
            assert_eq!(browser.run(TOO_WIDE), json!([]), "{width} {scheme}");
            assert_eq!(browser.run(CONTRAST), json!([]), "{width} {scheme}");
            if let Some(folder) = pictures() {
                let picture = folder.join(format!("quarter-{width}-{scheme}.png"));
                std::fs::write(picture, browser.picture()).unwrap();
            }
        }
    }
    for (expected, script) in [
        (
            0,
            "return document.querySelectorAll('script, img, iframe, object, embed, link, base, form').length",
        ),
        (
            0,
            "return [...document.querySelectorAll('table')].filter(table => !table.querySelector('thead th[scope=col]')).length",
        ),
        // Every link of the page leads to a place on it.
        (
            0,
            "return [...document.querySelectorAll('a')].filter(a => !document.querySelector(a.getAttribute('href'))).length",
        ),
    ] {
        assert_eq!(browser.run(script), expected, "{script}");
    }
}

/// What is turned over in the inputs is said, and not green.
fn what_is_missing(quarter: &Quarter) {
    let root = quarter.root();
    let said = |root: &Path, more: &[&str]| {
        let (found, code) = as_data(quarter, root, more);
        assert_eq!(found["complete"], false, "{more:?}");
        assert_eq!(code, NOT_COMPLETE, "{more:?}");
        let lacks = texts(&found["lacks"]);
        let lacks: Vec<String> = lacks.into_iter().map(str::to_owned).collect();
        (lacks, found)
    };
    // A file that is cut in the middle of a record.
    let whole = quarter.read(RECORDS);
    quarter.write("cut.log", &whole[..whole.len() - 30]);
    let (lacks, _) = said(root, &["--records", "cut.log"]);
    assert!(
        lacks[1].contains("1 line of the records was not understood"),
        "{lacks:?}"
    );
    // Something that is not a log at all, next to the records.
    quarter.write("other.bin", b"\x1f\x8b\x08\x00broken");
    let (lacks, _) = said(root, &["--records", RECORDS, "--records", "other.bin"]);
    assert!(lacks[1].contains("other.bin"), "{lacks:?}");
    // The runs are missing.
    let without: Vec<&String> = quarter
        .records
        .iter()
        .filter(|line| !line.contains("\"pgvigil.run\""))
        .collect();
    let text: Vec<&str> = without.iter().map(|line| line.as_str()).collect();
    quarter.write("without.log", text.join("\n"));
    let (lacks, found) = said(root, &["--records", "without.log"]);
    assert!(lacks[0].starts_with("2208 hours of 2208"), "{lacks:?}");
    assert!(lacks[1].contains("no `pgvigil.run`"), "{lacks:?}");
    assert_eq!(
        answers(&found)["Was the monitor running?"].0,
        "not_answered"
    );
    // Detections are missing that a note names, or that the runs announce.
    for (of, said_of_it) in [
        ("\"p40\"", "note `cards-read` is about "),
        ("\"pgvigil.detection\"", "some records are missing"),
    ] {
        let kept = quarter.records.iter().map(String::as_str);
        let kept: Vec<&str> = kept.filter(|line| !line.contains(of)).collect();
        assert!(kept.len() < quarter.records.len());
        quarter.write("silent.log", kept.join("\n"));
        let (lacks, _) = said(root, &["--records", "silent.log"]);
        assert!(lacks[1].contains(said_of_it), "{lacks:?}");
    }
    // Runs and records of another environment count for nothing.
    let others = whole
        .replace("\"environment\":\"prod\"", "\"environment\":\"stage\"")
        .replace("/cluster/shop/", "/cluster/other/");
    quarter.write("others.log", others);
    let (lacks, found) = said(root, &["--records", "others.log"]);
    assert!(lacks[0].starts_with("2208 hours of 2208"), "{lacks:?}");
    assert_eq!(found["totals"]["detections"], 0);
    // The same under another name of the environment alone: its log group gives it away.
    let renamed = whole.replace("\"environment\":\"prod\"", "\"environment\":\"stage\"");
    quarter.write("renamed.log", renamed);
    let (lacks, _) = said(root, &["--records", "renamed.log"]);
    assert!(
        lacks
            .iter()
            .any(|lack| lack.contains("under the name of another one")),
        "{lacks:?}"
    );
    // A window that says that it is not complete.
    let incomplete = whole.replace("\"incomplete\":false", "\"incomplete\":true");
    quarter.write("incomplete.log", incomplete);
    let (lacks, _) = said(root, &["--records", "incomplete.log"]);
    assert!(lacks[1].contains("lower bounds"), "{lacks:?}");
    let incomplete = whole.replacen("\"incompleteWindows\":0", "\"incompleteWindows\":1", 1);
    quarter.write("incomplete.log", incomplete);
    let (lacks, _) = said(root, &["--records", "incomplete.log"]);
    assert!(lacks[1].starts_with("1 window had"), "{lacks:?}");
    // A page of an export.
    let events: Vec<Value> = quarter
        .records
        .iter()
        .map(|line| json!({"timestamp": 1, "message": line}))
        .collect();
    let page = json!({"events": events, "nextToken": "more"});
    quarter.write("page.json", serde_json::to_string_pretty(&page).unwrap());
    let (lacks, found) = said(root, &["--records", "page.json"]);
    assert!(lacks[1].contains("is one page of an export"), "{lacks:?}");
    assert!(found["totals"]["detections"].as_u64() > Some(0));
    // A day on which the monitor ran and nobody worked is complete: the words above are not said of everything.
    let sunday = ["--since", "2026-09-06", "--until", "2026-09-06"];
    let output = quarter.run(
        &[
            &[
                "report",
                "--env",
                "prod",
                "--format",
                "json",
                "--records",
                RECORDS,
            ],
            &sunday[..],
        ]
        .concat(),
    );
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(texts(&found["lacks"]), [""; 0]);
    assert_eq!(output.status.code(), Some(COMPLETE));
    assert_eq!(found["totals"]["detections"], 0);
    // A day before everything.
    let output = quarter.run(&[
        "report",
        "--env",
        "prod",
        "--since",
        "2026-01-01",
        "--until",
        "2026-01-01",
        "--format",
        "json",
        "--records",
        RECORDS,
    ]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(NOT_COMPLETE));
    let lacks = texts(&found["lacks"]);
    assert!(lacks[0].starts_with("24 hours of 24"), "{lacks:?}");
    assert!(
        lacks.iter().any(|lack| lack.contains("Git has no commit")),
        "{lacks:?}"
    );

    // A clone without its history.
    let other = tempfile::tempdir().unwrap();
    let clone = other.path().join("clone");
    let from = format!("file://{}", root.display());
    crate::git::git(
        other.path(),
        &[
            "clone",
            "-q",
            "--depth",
            "1",
            &from,
            clone.to_str().unwrap(),
        ],
    );
    std::fs::copy(root.join(RECORDS), clone.join(RECORDS)).unwrap();
    let (lacks, found) = said(&clone, &["--records", RECORDS]);
    assert!(
        lacks
            .iter()
            .any(|lack| lack.contains("only a part of the history")),
        "{lacks:?}"
    );
    assert!(found["exclusions"][0]["origin"].is_null());
    // No repository at all: the files stand for everything, and nothing is approved.
    std::fs::remove_dir_all(clone.join(".git")).unwrap();
    let (lacks, found) = said(&clone, &["--records", RECORDS]);
    assert!(
        lacks
            .iter()
            .any(|lack| lack.contains("the history of the policy cannot be read")),
        "{lacks:?}"
    );
    for (question, state) in [
        (
            "What was excluded on a given day, and who approved it?",
            "partly",
        ),
        ("Does that digest belong to those rules?", "partly"),
    ] {
        assert_eq!(answers(&found)[question].0, state, "{question}");
    }
    // A file that is not there, days in the wrong order, and standard input are mistakes of the caller.
    for more in [
        &["--records", "nowhere.log"][..],
        &["--records", "-"],
        &["--records", RECORDS, "--report", "made.pdf"],
    ] {
        let output = report(quarter, root, more);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{more:?}");
        assert!(
            output.stdout.is_empty() && !output.stderr.is_empty(),
            "{more:?}"
        );
    }
}

/// Logs that are judged now, and lines of `watch` over the same logs, show the same detections by the same ids.
fn from_logs_and_from_watch(quarter: &Quarter, recorded: &Value) {
    let mut log = Vec::new();
    for (_, entry) in &quarter.entries {
        log.extend_from_slice(entry);
        log.push(b'\n');
    }
    quarter.write("server.log", &log);
    let (judged, code) = as_data(quarter, quarter.root(), &["server.log"]);
    assert_eq!(texts(&judged["lacks"]), [""; 0]);
    assert_eq!(code, COMPLETE);
    let facts = |report: &Value, fields: &[&str]| -> BTreeMap<String, Vec<Value>> {
        let detections = report["detections"].as_array().unwrap().iter();
        detections
            .filter(|one| one["user"] == "p40")
            .map(|one| {
                let facts = fields.iter().map(|field| one[*field].clone());
                (one["id"].as_str().unwrap().to_owned(), facts.collect())
            })
            .collect()
    };
    let fields: [&str; 20] = [
        "day",
        "cluster",
        "user",
        "database",
        "clients",
        "class",
        "command",
        "object",
        "signals",
        "severity",
        "severity_reason",
        "records",
        "statements",
        "expected",
        "first",
        "last",
        "owner",
        "team",
        "identity",
        "notes",
    ];
    let expected = facts(recorded, &fields);
    assert!(expected.len() > 10, "{}", expected.len());
    assert_eq!(facts(&judged, &fields), expected);
    assert_eq!(
        answers(&judged)["What were the statements themselves?"].0,
        "answered"
    );

    let output = quarter.run(&[
        "watch",
        "--env",
        "prod",
        "--once",
        "--from",
        "start",
        "--all",
        "--out",
        "watch.jsonl",
        "server.log",
    ]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let (watched, _) = as_data(quarter, quarter.root(), &["--records", "watch.jsonl"]);
    let unread = texts(&watched["lacks"]);
    assert!(
        unread.iter().all(|lack| lack.contains("no evidence")),
        "{unread:?}"
    );
    // A line of `watch` does not name its statement: each counts as one.
    let fields = fields.map(|field| {
        if field == "statements" {
            "records"
        } else {
            field
        }
    });
    assert_eq!(facts(&watched, &fields), facts(&judged, &fields));
    assert_eq!(watched["totals"]["silenced"], judged["totals"]["silenced"]);
}

/// What the pipeline's checks found, from the documents that `ci drift` writes.
#[test]
fn what_was_changed_outside_is_in_the_report() {
    let repository = Repository::new();
    repository.write("server.log", "2026-11-22 09:00:00 UTC:10.0.3.17(51234):alice@shop:[4711]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.orders,select 1,<not logged>\n");
    let apply = ["apply", "--env", "local", "--auto-approve"];
    repository.run(&apply).exits(0);
    repository
        .run(&["ci", "drift", "--env", "local", "--out", "clean"])
        .exits(0);
    crate::deploy::edit_by_hand(&repository, 999);
    repository
        .run(&["ci", "drift", "--env", "local", "--out", "drifted"])
        .exits(13);
    let question = "Was the deployed monitor changed outside pgvigil?";
    let reported = |day: &str, more: &[&str]| {
        let given = [
            "report",
            "--env",
            "local",
            "--since",
            day,
            "--until",
            "2026-11-22",
            "--format",
            "json",
            "server.log",
        ];
        let report = repository.run(&[&given, more].concat()).json();
        let answer = answers(&report)[question].clone();
        (report, answer.0, answer.1)
    };
    let (found, state, _) = reported("2026-11-22", &[]);
    assert_eq!((state.as_str(), size(&found["drift"])), ("not_answered", 0));
    let (found, state, answer) = reported("2026-11-22", &["--drift", "clean/result.json"]);
    assert_eq!(
        (state.as_str(), answer.as_str()),
        (
            "answered",
            "1 check on 1 day of the period; 0 found a change or could not read everything"
        )
    );
    assert_eq!(found["drift"][0]["outcome"], "clean");
    // A check does not speak for another day.
    let (_, state, _) = reported("2026-11-21", &["--drift", "clean/result.json"]);
    assert_eq!(state, "partly");
    let (found, state, answer) = reported(
        "2026-11-22",
        &[
            "--drift",
            "clean/result.json",
            "--drift",
            "drifted/result.json",
        ],
    );
    assert_eq!(
        (state.as_str(), answer.as_str()),
        (
            "answered",
            "2 checks on 1 day of the period; 1 found a change or could not read everything"
        )
    );
    let changed = &found["drift"].as_array().unwrap()[1]["changed"];
    assert!(texts(changed)[0].contains("threshold"), "{changed}");
    assert_eq!(size(&found["inputs"]), 3);
    // What is not such a document is said.
    repository.write("other.json", "{\"work\": 1}");
    let (found, state, _) = reported("2026-11-22", &["--drift", "other.json"]);
    assert_eq!(state, "not_answered");
    let lacks = texts(&found["lacks"]);
    assert!(
        lacks
            .iter()
            .any(|lack| lack.starts_with("other.json: is not a `result.json`")),
        "{lacks:?}"
    );
}

/// A digest is of what the report read: a log that grows meanwhile has none, and the report says so.
#[test]
fn a_log_that_grows_while_it_is_read_has_no_digest() {
    use std::io::Write as _;
    let repository = Repository::new();
    let entry = "2026-11-22 09:00:00 UTC:10.0.3.17(51234):alice@shop:[4711]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.orders,select 1,<not logged>\n";
    repository.write("server.log", &entry.repeat(1000));
    let given = [
        "report",
        "--env",
        "local",
        "--since",
        "2026-11-22",
        "--until",
        "2026-11-22",
    ];
    let report = || {
        let run = repository.run(&[&given[..], &["--format", "json", "server.log"]].concat());
        run.json()
    };
    let is_said = |report: &Value| {
        texts(&report["lacks"])
            .iter()
            .any(|lack| lack.starts_with("server.log changed while the report read it"))
    };
    let still = report();
    assert!(still["inputs"][0]["sha256"].is_string() && !is_said(&still));
    let done = std::sync::atomic::AtomicBool::new(false);
    let growing = std::thread::scope(|scope| {
        scope.spawn(|| {
            let path = repository.path("server.log");
            let mut log = std::fs::OpenOptions::new().append(true).open(path).unwrap();
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                log.write_all(entry.as_bytes()).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        let growing = report();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        growing
    });
    assert!(is_said(&growing), "{:?}", texts(&growing["lacks"]));
    assert_eq!(growing["complete"], false);
    let input = &growing["inputs"][0];
    assert!(
        input["sha256"].is_null() && input["bytes"].is_null(),
        "{input}"
    );
}

/// The day of a time with an offset might be another one in UTC, and hours of it would be missing without a word.
#[test]
fn a_period_is_made_of_days() {
    let repository = Repository::new();
    repository.write("server.log", "");
    for (since, until) in [
        ("2026-11-21T23:00-05:00", "2026-11-22"),
        ("2026-11-22", "2026-11-22T20:00-08:00"),
        ("2026-11-22", "2026-11-22T10:00"),
        ("20261122", "2026-11-22"),
        ("2026-11-22", "2026-11-31"),
    ] {
        let run = repository.run(&[
            "report",
            "--env",
            "local",
            "--since",
            since,
            "--until",
            until,
            "server.log",
        ]);
        let run = run.exits(2);
        assert!(
            run.err.contains("is not a day such as 2026-10-01"),
            "{}",
            run.err
        );
    }
    let turned = [
        "report",
        "--env",
        "local",
        "--since",
        "2026-11-23",
        "--until",
        "2026-11-22",
        "server.log",
    ];
    let run = repository.run(&turned).exits(2);
    assert!(run.err.contains("--until is before --since"), "{}", run.err);
}

/// The digest would take what the report has to read.
#[test]
fn what_can_be_read_only_once_is_refused() {
    let repository = Repository::new();
    let report = |file: &str| {
        let given = ["report", "--env", "local", "--since", "2026-11-22"];
        let output = repository
            .command()
            .args(given)
            .args(["--until", "2026-11-22", file])
            .stdin(Stdio::piped())
            .output()
            .unwrap();
        Run::of(output)
    };
    for file in ["-", "/dev/stdin"] {
        let run = report(file).exits(2);
        assert_eq!(run.out, "");
        let words = format!("`{file}` can be read only once");
        assert!(run.err.contains(&words), "{}", run.err);
    }
}

fn size(list: &Value) -> usize {
    list.as_array().unwrap().len()
}
