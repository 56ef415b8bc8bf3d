//! `rules eval`: judges each audit record of logs.

use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::Context as _;
use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::audit_log::reader::{Inputs, ReadReport, Template};
use pgvigil::diagnostic::count;
use pgvigil::judge::{Judge, Rules};
use pgvigil::policy::Loaded;
use pgvigil::report::escape::json_lines;
use pgvigil::report::table::lines_keeping;
use pgvigil::report::visible;
use pgvigil::rules::eval::{self, Group, Totals};
use serde_json::json;

use crate::args::{EvalArgs, EvalFormat};
use crate::exit::Exit;
use crate::progress::Progress;
use crate::session::Session;

/// Rows of the table that people read.
const ROWS: usize = 40;

pub(crate) fn run(session: &Session, args: &EvalArgs) -> anyhow::Result<Exit> {
    let loaded = match session.usable(&args.env)? {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let written = match Written::parse(session, args.log_line_prefix.as_deref()) {
        Ok(written) => written,
        Err(exit) => return Ok(exit),
    };
    let mut rules = match rules(session, &loaded, &args.env, None) {
        Ok(rules) => rules,
        Err(exit) => return Ok(exit),
    };
    rules.prefix = written.prefix.unwrap_or(rules.prefix);
    let judge = Judge::new(&rules);
    if let Some(exit) = missing_log(session, &args.logs) {
        return Ok(exit);
    }
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

/// The exit code of a command that did its work on the logs that could be read.
pub(crate) fn ended(report: &ReadReport) -> Exit {
    if report.broken_count > 0 {
        Exit::Failed
    } else if report.is_unread() {
        Exit::Unread
    } else {
        Exit::Clean
    }
}

/// With which `log_line_prefix` logs were written, if it is not the environment's.
#[derive(Default)]
pub(crate) struct Written {
    /// One of RDS's two.
    pub(crate) prefix: Option<LogLinePrefix>,
    /// Any other.
    pub(crate) template: Option<Template>,
}

impl Written {
    /// Reads the value of the option.
    pub(crate) fn parse(session: &Session, prefix: Option<&str>) -> Result<Self, Exit> {
        let Some(prefix) = prefix else {
            return Ok(Self::default());
        };
        if let Ok(prefix) = prefix.parse() {
            return Ok(Self {
                prefix: Some(prefix),
                template: None,
            });
        }
        match prefix.parse() {
            Ok(template) => Ok(Self {
                prefix: None,
                template: Some(template),
            }),
            Err(error) => {
                session.say(&format!("error: {}", visible(&error.to_string())));
                Err(Exit::Usage)
            }
        }
    }
}

/// The rules of an environment, for logs of its own or another prefix.
pub(crate) fn rules(
    session: &Session,
    loaded: &Loaded,
    env: &str,
    prefix: Option<&str>,
) -> Result<Rules, Exit> {
    let environment = session.environment(loaded, env)?;
    let mut rules = Rules::of(&loaded.policy, environment);
    if let Some(prefix) = prefix {
        match prefix.parse::<LogLinePrefix>() {
            Ok(prefix) => rules.prefix = prefix,
            Err(error) => {
                session.say(&format!("error: {error}"));
                return Err(Exit::Usage);
            }
        }
    }
    Ok(rules)
}

/// Says which log does not exist, if one does not.
pub(crate) fn missing_log(session: &Session, logs: &[PathBuf]) -> Option<Exit> {
    let missing = logs
        .iter()
        .find(|path| path.as_os_str() != "-" && !path.exists())?;
    session.say(&format!(
        "error: there is no log `{}`",
        visible(&missing.to_string_lossy())
    ));
    Some(Exit::Usage)
}

/// Problems of the input that make the result unreliable, a sentence each.
pub(crate) fn problems(inputs: &Inputs, report: &ReadReport) -> Vec<String> {
    report
        .sentences(inputs)
        .iter()
        .map(|text| visible(text))
        .collect()
}

/// Reports the parts of the input that are not log entries. Without this, no output would look like a verdict.
pub(crate) fn tell(session: &Session, inputs: &Inputs, report: &ReadReport) {
    let name = |file: usize| {
        inputs
            .sources()
            .get(file)
            .map_or_else(String::new, |source| visible(&source.name()))
    };
    let sentences = problems(inputs, report);
    for sentence in sentences.iter().take(20) {
        session.say(&format!("warning: {sentence}"));
    }
    if sentences.len() > 20 {
        session.say(&format!(
            "… and {} beyond these",
            count(sentences.len() - 20, "warning")
        ));
    }
    if report.converted > 0 {
        session.say(&format!(
            "note: entries with the other prefix that RDS offers: {}; they were read",
            report.converted
        ));
    }
    if report.truncated > 0 {
        session.say(&format!(
            "note: entries that the server has truncated: {}; records among them count",
            report.truncated
        ));
    }
    for broken in report.broken.iter().take(10) {
        session.say(&format!(
            "warning: {}:{}: {}",
            name(broken.file),
            broken.line,
            visible(&broken.what)
        ));
    }
    for foreign in report.foreign.iter().take(3) {
        let text: String = String::from_utf8_lossy(&foreign.text)
            .chars()
            .take(60)
            .collect();
        session.say(&format!(
            "note: {}:{}: not a log entry: {}",
            name(foreign.file),
            foreign.line,
            visible(&text)
        ));
    }
    if report.broken_count > 0 || report.foreign_count > 0 {
        session.say(&format!(
            "{} outside log entries, {} read; {}",
            count(report.foreign_count, "text fragment"),
            count(report.entries, "entry"),
            count(report.broken_count, "input error")
        ));
    }
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
        "{:>10} audit records\n{:>10} counted{of_them}\n{:>10} excluded\n{:>10} out of scope\n",
        totals.records, totals.counted, totals.excluded, totals.out_of_scope
    );
    let mut by: Vec<(&String, &u64)> = totals
        .excluded_by
        .iter()
        .filter(|(_, number)| **number > 0)
        .collect();
    by.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
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
