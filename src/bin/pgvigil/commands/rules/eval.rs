//! `rules eval`: judges each audit record of logs.

use std::io::Write as _;
use std::ops::ControlFlow;

use anyhow::Context as _;
use pgvigil::audit_log::reader::{Inputs, ReadReport};
use pgvigil::diagnostic::{count, plural};
use pgvigil::judge::Judge;
use pgvigil::report::escape::json_lines;
use pgvigil::report::table::lines_keeping;
use pgvigil::report::visible;
use pgvigil::rules::eval::{self, Group, Totals};
use serde_json::json;

use super::logs::{Written, ended, missing_log, problems, rules, tell};
use crate::args::{EvalArgs, EvalFormat};
use crate::exit::Ran;
use crate::progress::Progress;
use crate::session::Session;

/// Rows of the table that people read.
const ROWS: usize = 40;

pub(crate) fn run(session: &Session, args: &EvalArgs) -> Ran {
    let loaded = session.usable(&args.env)?;
    let written = Written::parse(session, args.log_line_prefix.as_deref())?;
    let mut rules = rules(session, &loaded, &args.env, None)?;
    rules.prefix = written.prefix.unwrap_or(rules.prefix);
    let judge = Judge::new(&rules);
    missing_log(session, &args.logs)?;
    let inputs = Inputs::from_paths(&args.logs).written_with(written.template);
    let progress = Progress::new(session);
    let report = match (args.format, args.summary) {
        (EvalFormat::Jsonl, false) => lines(&judge, &inputs, &progress)?,
        (EvalFormat::Human, false) => {
            let (groups, report) = eval::groups(&judge, &inputs, |done| progress.show(done));
            progress.clear();
            session.print(&render_groups(&groups, session.width(), judge.has_grants()))?;
            report
        }
        (format, _) => {
            let (totals, report) = eval::totals(&judge, &inputs, |done| progress.show(done));
            progress.clear();
            let text = match format {
                EvalFormat::Human => render_totals(&totals),
                EvalFormat::Json | EvalFormat::Jsonl => {
                    let mut document =
                        json!({"format_version": 1, "env": args.env, "totals": totals});
                    if let Some(object) = document.as_object_mut() {
                        object.insert("bytes".to_owned(), json!(report.bytes));
                        object.insert("lines".to_owned(), json!(report.lines));
                        object.insert("foreign".to_owned(), json!(report.foreign_count));
                        object.insert("broken".to_owned(), json!(report.broken_count));
                        object.insert("problems".to_owned(), json!(problems(&inputs, &report)));
                    }
                    format!("{document}\n")
                }
            };
            session.print(&text)?;
            report
        }
    };
    tell(session, &inputs, &report);
    Ok(ended(&report))
}

fn lines(judge: &Judge, inputs: &Inputs, progress: &Progress) -> anyhow::Result<ReadReport> {
    let mut out = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let mut failed = None;
    let report = eval::lines(
        judge,
        inputs,
        |done| progress.show(done),
        |lines| match out.write_all(&json_lines(lines)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        },
    );
    progress.clear();
    match failed {
        Some(error) => Err(error).context("cannot write to stdout"),
        None => out
            .flush()
            .map(|()| report)
            .context("cannot write to stdout"),
    }
}

fn render_totals(totals: &Totals) -> String {
    let of_them = totals
        .expected
        .map(|expected| format!(", of them {expected} expected"))
        .unwrap_or_default();
    let mut text = format!(
        "{:>10} {}\n{:>10} counted{of_them}\n{:>10} excluded\n{:>10} out of scope\n",
        totals.records,
        plural(totals.records, "audit record"),
        totals.counted,
        totals.excluded,
        totals.out_of_scope
    );
    let mut by: Vec<(&String, &u64)> = totals
        .excluded_by
        .iter()
        .filter(|(_, number)| **number > 0)
        .collect();
    by.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
    if !totals.expected_by.is_empty() {
        text.push_str("\nexpected by grant\n");
        for (id, number) in &totals.expected_by {
            let never = if *number == 0 {
                "  covers no record of these logs"
            } else {
                ""
            };
            text.push_str(&format!("{number:>10} {id}{never}\n"));
        }
    }
    if !by.is_empty() {
        text.push_str("\nexcluded by\n");
        for (id, number) in by {
            text.push_str(&format!("{number:>10} {id}\n"));
        }
    }
    text
}

fn render_groups(groups: &[Group], width: usize, has_grants: bool) -> String {
    if groups.is_empty() {
        return "nothing counts\n".to_owned();
    }
    let cell = |value: &str| visible(value).replace('\n', "\\n").replace('\t', "\\t");
    let heads = [
        "user",
        "database",
        "class",
        "command",
        "object",
        "statements",
        "records",
    ];
    let with = |mut row: Vec<String>, expected: &str| {
        if has_grants {
            row.push(expected.to_owned());
        }
        row
    };
    let mut rows: Vec<Vec<String>> = vec![with(heads.map(str::to_owned).to_vec(), "expected")];
    rows.extend(groups.iter().take(ROWS).map(|group| {
        let key = &group.key;
        let row = [
            &key.user,
            &key.database,
            &key.class,
            &key.command,
            &key.object,
        ]
        .into_iter()
        .map(|value| cell(value))
        .chain([group.statements.to_string(), group.records.to_string()])
        .collect();
        with(row, &cell(&key.expected))
    }));
    let mut text = String::new();
    // The object matters most; readers of one database know its name.
    const OBJECT: usize = 4;
    const DISPENSABLE: [usize; 4] = [1, 2, 6, 5];
    for line in lines_keeping(rows, width, OBJECT, &DISPENSABLE) {
        text.push_str(&line);
        text.push('\n');
    }
    if groups.len() > ROWS {
        text.push_str(&format!(
            "… and {} beyond these\n",
            count(groups.len() - ROWS, "row")
        ));
    }
    text
}
