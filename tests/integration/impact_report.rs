//! The report of a change as a comment, on a terminal and as JSON: `tests/golden/impact/`, byte for byte.
//! `PGVIGIL_UPDATE=1 cargo test` rewrites it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use pgvigil::report::impact::human::{self, Style};
use pgvigil::report::impact::markdown::COMMENT_LIMIT;
use pgvigil::report::impact::{json, markdown};
use pgvigil::rules::impact::ImpactReport;
use regex_automata::meta::Regex;
use unicode_width::UnicodeWidthStr;

use crate::golden;
use crate::impact_fixture::{HOSTILE, empty, hostile, large, realistic, unchanged};

const PLAIN: Style = Style {
    width: 100,
    colour: false,
};

#[track_caller]
fn assert_golden(name: &str, actual: &str) {
    golden::holds(&format!("impact/{name}"), actual);
}

fn all() -> [(&'static str, ImpactReport); 4] {
    [
        ("change", realistic()),
        ("hostile", hostile()),
        ("empty", empty()),
        ("unchanged", unchanged()),
    ]
}

#[test]
fn reports_are_as_people_have_read_them() {
    for (name, report) in all() {
        assert_golden(
            &format!("{name}.md"),
            &markdown::render(&report, COMMENT_LIMIT),
        );
        assert_golden(&format!("{name}.txt"), &human::render(&report, PLAIN));
    }
}

#[test]
fn a_comment_says_what_falls_silent() {
    let text = markdown::render(&realistic(), COMMENT_LIMIT);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("<!-- pgvigil impact production -->"));
    let verdict = lines.next().unwrap();
    for part in [
        "WIDENED",
        "1,300 records newly silent (0.16 %)",
        "2 approvals needed",
        "2 faults",
    ] {
        assert!(verdict.contains(part), "{part}: {verdict}");
    }
    for part in [
        "DELETE FROM public.accounts /* pg_catalog */",
        "17 of 312 statements stay silent",
        "SET balance = 0 /* pg\\_catalog */"
            .replace('\\', "")
            .as_str(),
        "41 of 44 mutants caught (3 survived)",
        "| `alice` | `WRITE UPDATE` | `public.accounts` | **(!)** 24 |",
        "2 unused in these logs (pg-dump-cursors, expandarray-body)",
        "1 expires in 9 days (jdbc-keywords)",
        "2 faults",
        "pgvigil rules impact --env production --base 5ca8218d0c1f6a1e0f6f0e7ad7d0d28f3d1c9a10",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    // A grave row comes before a larger one.
    assert!(text.find("| `alice`") < text.find("| `bob`"));
}

#[test]
fn what_was_not_measured_is_not_called_harmless() {
    let text = markdown::render(&empty(), COMMENT_LIMIT);
    assert!(text.contains("effect not measured"), "{text}");
    assert!(!text.contains("no record newly silent"));
    let terminal = human::render(&empty(), PLAIN);
    assert!(terminal.contains("effect not measured"), "{terminal}");
}

#[test]
fn a_comment_fits_and_says_what_it_leaves_out() {
    let report = large();
    let whole = markdown::render(&report, usize::MAX / 64);
    assert!(whole.contains("25 of 1,000 groups shown"));
    assert!(whole.contains("77 more groups not listed anywhere"));
    for limit in [COMMENT_LIMIT, 20_000, 8_000, 3_000, 600, 80] {
        let text = markdown::render(&report, limit);
        assert!(text.len() <= limit, "{limit}: {}", text.len());
        assert!(text.starts_with("<!-- pgvigil impact production -->\n"));
        if limit >= 3_000 {
            assert!(
                text.contains("WIDENED") && text.contains("Shortened to fit a comment"),
                "{text}"
            );
            assert!(text.contains("This change must not be merged"));
            assert_eq!(
                text.matches("<details>").count(),
                text.matches("</details>").count()
            );
        }
        if limit >= 8_000 {
            assert!(text.contains("### Newly silent"), "{limit}");
        }
        let hostile = markdown::render(&hostile(), limit);
        assert!(hostile.len() <= limit, "{limit}: {}", hostile.len());
    }
}

/// Whether a text has a character that a terminal or a reader's eye obeys.
fn moves_the_cursor(text: &str) -> bool {
    text.chars().any(|one| {
        (one.is_control() && one != '\n')
            || "\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}\u{2029}\u{e0041}".contains(one)
    })
}

#[test]
fn hostile_text_is_harmless_in_every_form() {
    let report = hostile();
    let comment = markdown::render(&report, usize::MAX / 64);
    let terminal = human::render(&report, PLAIN);
    for text in [&comment, &terminal, &json::render(&report)] {
        assert!(!moves_the_cursor(text));
        for line in text.lines() {
            assert!(!line.trim_start().starts_with("::"), "{line}");
            // JSON is no output of a step's log; its reader would not undo a change.
            assert!(
                line.starts_with([' ', '"', '{', '}']) || !line.contains("##["),
                "{line}"
            );
        }
    }
    for command in ["##[", "##vso["] {
        assert!(
            !terminal.contains(command) && !comment.contains(command),
            "{command}"
        );
    }

    // What is left of the comment without code may hold no markup but ours.
    let bare = without_code(&comment);
    let mut tags: Vec<&str> = Regex::new("<[^>]*>")
        .unwrap()
        .find_iter(&bare)
        .map(|found| &bare[found.range()])
        .collect();
    tags.sort_unstable();
    tags.dedup();
    let marker = markdown::marker(&report.env);
    for tag in tags {
        let ours = [
            marker.as_str(),
            "<details>",
            "</details>",
            "<summary>",
            "</summary>",
            "<sub>",
            "</sub>",
            "<br>",
            "<code>",
            "</code>",
        ];
        assert!(ours.contains(&tag), "{tag}");
    }
    for refused in [
        r"(^|[^\\])!?\[[^\]]*\]\(",
        "@[A-Za-z0-9]",
        "https?://",
        r"www\.",
        "#[0-9]",
        "GH-[0-9]",
    ] {
        let found = Regex::new(refused).unwrap().find(&bare);
        // A number of an HTML entity has a hash too.
        let found =
            found.filter(|found| refused != "#[0-9]" || !bare[..found.start()].ends_with('&'));
        assert!(
            found.is_none(),
            "{refused}: {}",
            &bare[found.unwrap().range()]
        );
    }
    assert_eq!(
        comment.matches("<!-- pgvigil impact").count() - marker_quotes(&comment),
        1
    );
    // Each row of a table has its seven cells.
    for row in comment.lines().filter(|line| line.starts_with("| ")) {
        assert_eq!(row.matches('|').count(), 8, "{row}");
    }
}

/// Quotes of the marker within code, where it marks nothing.
fn marker_quotes(comment: &str) -> usize {
    comment
        .lines()
        .skip(1)
        .map(|line| line.matches("<!-- pgvigil impact").count())
        .sum()
}

/// The comment without its code blocks and code spans, read as CommonMark does.
fn without_code(comment: &str) -> String {
    let mut bare = String::new();
    let mut fence: Option<String> = None;
    for line in comment.lines() {
        let start = line.trim_start();
        let ticks: String = start.chars().take_while(|one| *one == '`').collect();
        match &fence {
            Some(open) => {
                if ticks.len() >= open.len() && start.len() == ticks.len() {
                    fence = None;
                }
                continue;
            }
            None if ticks.len() >= 3 && !start[ticks.len()..].contains('`') => {
                fence = Some(ticks);
                continue;
            }
            None => {}
        }
        let mut rest = line;
        while let Some(at) = rest.find('`') {
            if rest[..at].ends_with('\\') {
                bare.push_str(&rest[..=at]);
                rest = &rest[at + 1..];
                continue;
            }
            bare.push_str(&rest[..at]);
            let run = rest[at..].chars().take_while(|one| *one == '`').count();
            let after = &rest[at + run..];
            // The next run of the same length closes it.
            let mut from = 0;
            let close = loop {
                let Some(next) = after[from..].find('`') else {
                    break None;
                };
                let start = from + next;
                let length = after[start..].chars().take_while(|one| *one == '`').count();
                if length == run {
                    break Some(start + length);
                }
                from = start + length;
            };
            let close = close.unwrap_or_else(|| panic!("code that does not end: {line}"));
            rest = &after[close..];
        }
        bare.push_str(rest);
        bare.push('\n');
    }
    assert!(fence.is_none(), "a block that does not end");
    bare
}

#[test]
fn a_terminal_gets_lines_that_fit_and_colours_only_when_asked() {
    let codes = Regex::new("\u{1b}\\[[0-9]+m").unwrap();
    for (name, report) in all().into_iter().chain([("large", large())]) {
        for width in [72, 100, 160] {
            let plain = human::render(
                &report,
                Style {
                    width,
                    colour: false,
                },
            );
            assert!(!plain.contains('\u{1b}'));
            for line in plain.lines() {
                // The command is one line, to be copied.
                assert!(
                    line.width() <= width || line.starts_with("$ "),
                    "{name} {width}: {line}"
                );
            }
            let coloured = human::render(
                &report,
                Style {
                    width,
                    colour: true,
                },
            );
            assert!(coloured.contains("\u{1b}[1m"));
            let mut bare = String::new();
            let mut from = 0;
            for found in codes.find_iter(&coloured) {
                bare.push_str(&coloured[from..found.start()]);
                from = found.end();
            }
            bare.push_str(&coloured[from..]);
            assert_eq!(bare, plain, "colour changes nothing else");
        }
    }
}

#[test]
fn json_holds_all_of_it() {
    for (_, report) in all() {
        let value: serde_json::Value = serde_json::from_str(&json::render(&report)).unwrap();
        assert_eq!(value["format_version"], 1);
        assert_eq!(value["passed"], report.passed());
        assert_eq!(
            value["exclusions"].as_array().unwrap().len(),
            report.exclusions.len()
        );
        assert_eq!(value["env"], report.env);
    }
    let value: serde_json::Value = serde_json::from_str(&json::render(&hostile())).unwrap();
    let texts = value.to_string();
    for one in HOSTILE {
        let quoted = serde_json::to_string(one).unwrap();
        assert!(texts.contains(quoted.trim_matches('"')), "{one}");
    }
}
