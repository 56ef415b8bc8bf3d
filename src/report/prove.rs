//! Proofs: for people, for a pull request or an issue, for programs.

use super::escape;
use super::plan::human::{Paint, Style};
use crate::deploy::document::pretty;
use crate::prove::report::{Removed, Report, State};

/// A row of a report: what it is about, and what was found.
struct Row<'a> {
    about: String,
    state: &'a State,
}

/// A part of a report.
struct Section<'a> {
    title: &'static str,
    rows: Vec<Row<'a>>,
}

fn sections(report: &Report) -> Vec<Section<'_>> {
    let texts = report.texts.iter().map(|text| Row {
        about: match (text.compared, text.rows) {
            (true, 1) => format!("{}: 1 row, compared", text.name),
            (true, rows) => format!("{}: {rows} rows, compared", text.name),
            (false, _) => format!("{}: the service accepts it", text.name),
        },
        state: &text.state,
    });
    let questions = report.questions.iter().map(|question| Row {
        about: format!(
            "{}: {} Assumed: {}.{}",
            question.name,
            question.question,
            question.assumed,
            match question.rests {
                Some(rests) => format!(" This depends on it: {rests}."),
                None => " Nothing depends on it.".to_owned(),
            }
        ),
        state: &question.state,
    });
    let alarm = report.alarm.iter().map(|step| Row {
        about: step.step.title().to_owned(),
        state: &step.state,
    });
    vec![
        Section {
            title: "Entries",
            rows: vec![
                Row {
                    about: format!(
                        "the service keeps entries as they were written ({} of recordings, {} of them late)",
                        report.entries, report.late
                    ),
                    state: &report.stored,
                },
                Row {
                    about:
                        "the judge gives fetched entries the same verdicts as the original entries"
                            .to_owned(),
                    state: &report.judged,
                },
            ],
        },
        Section {
            title: "Texts that pgvigil sends, against its own interpreter",
            rows: texts.collect(),
        },
        Section {
            title: "Questions that AWS's documents leave open",
            rows: questions.collect(),
        },
        Section {
            title: "Metric and alarm",
            rows: alarm.collect(),
        },
    ]
}

fn verdict(state: &State) -> (&'static str, Option<&str>, Paint) {
    match state {
        State::AsAssumed => ("ok", None, Paint::Green),
        State::Other(found) => ("other", Some(found), Paint::Red),
        State::NotAsked(why) => ("not asked", Some(why), Paint::Yellow),
    }
}

/// The numbers in one sentence.
fn summary(report: &Report) -> String {
    let all: usize = sections(report)
        .iter()
        .map(|section| section.rows.len())
        .sum();
    let (others, unknown) = (report.others(), report.not_asked());
    let mut parts = vec![format!("{} as assumed", all - others - unknown)];
    if others > 0 {
        parts.push(format!("{others} not as assumed"));
    }
    if unknown > 0 {
        parts.push(format!("{unknown} not asked"));
    }
    parts.join(", ")
}

/// What was taken away, and what not.
fn removal(report: &Report) -> String {
    let left = match report.left_behind {
        0 => String::new(),
        left => format!(" {left} log groups and alarms of earlier proofs were removed."),
    };
    let own = match report.removed {
        Removed::Everything => "Everything that the proof created is removed.",
        Removed::NotEverything => "Some resources that the proof created might still exist.",
    };
    format!("{own}{left}")
}

/// For a terminal: what is otherwise in full, what is as assumed in numbers.
pub fn human(report: &Report, style: Style) -> String {
    let heading = format!("Proof of {}, pgvigil {}", report.day, report.pgvigil);
    let mut text = format!("{}\n", style.paint(Paint::Bold, &heading));
    let line = |text: &mut String, name: &str, paint: Paint, about: &str| {
        let pad = " ".repeat(11usize.saturating_sub(name.len()));
        text.push_str(&format!(
            "  {}{pad}{}\n",
            style.paint(paint, name),
            escape::terminal(about)
        ));
    };
    for section in sections(report) {
        if section.rows.is_empty() {
            continue;
        }
        text.push_str(&format!("\n{}\n", style.paint(Paint::Bold, section.title)));
        let (same, rest): (Vec<_>, Vec<_>) = section
            .rows
            .iter()
            .partition(|row| *row.state == State::AsAssumed);
        for row in rest {
            let (name, found, paint) = verdict(row.state);
            line(&mut text, name, paint, &row.about);
            if let Some(found) = found {
                text.push_str(&format!("{}{}\n", " ".repeat(13), escape::terminal(found)));
            }
        }
        match same.as_slice() {
            [] => {}
            // A handful is named.
            few if few.len() <= 4 => {
                for row in few {
                    line(&mut text, "ok", Paint::Green, &row.about);
                }
            }
            many => line(
                &mut text,
                "ok",
                Paint::Green,
                &format!("{} as assumed", many.len()),
            ),
        }
    }
    if let Some(why) = &report.ended_early {
        text.push_str(&format!("\nIt ended early: {}\n", escape::terminal(why)));
    }
    text.push_str(&format!(
        "\n{}\n{}\n",
        style.paint(Paint::Bold, &format!("{}.", summary(report))),
        removal(report)
    ));
    text
}

/// For an issue: every row.
pub fn markdown(report: &Report) -> String {
    let mut text = format!(
        "# Proof of {}, pgvigil {}\n\n{}. {}\n",
        report.day,
        report.pgvigil,
        summary(report),
        removal(report)
    );
    if let Some(why) = &report.ended_early {
        text.push_str(&format!("\nIt ended early: {}\n", escape::sentence(why)));
    }
    for section in sections(report) {
        if section.rows.is_empty() {
            continue;
        }
        text.push_str(&format!(
            "\n## {}\n\n| found | what | the service |\n| --- | --- | --- |\n",
            section.title
        ));
        for row in section.rows {
            let (name, found, _) = verdict(row.state);
            text.push_str(&format!(
                "| {name} | {} | {} |\n",
                // These are sentences of ours.
                row.about.replace('|', "\\|"),
                found.map(escape::cell).unwrap_or_default()
            ));
        }
    }
    text
}

/// For programs: one object, with `format_version`.
pub fn json(report: &Report) -> String {
    let mut value = serde_json::to_value(report).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.insert("other".to_owned(), report.others().into());
        object.insert("not_asked".to_owned(), report.not_asked().into());
    }
    escape::json(&pretty(&value))
}
