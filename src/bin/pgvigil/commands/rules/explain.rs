//! `rules explain`: why a record counts or does not.

use std::ops::ControlFlow;

use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::audit_log::reader::{Entry, Inputs, ReadOptions, Visitor, read};
use pgvigil::diagnostic::count;
use pgvigil::judge::{Judge, Rules, Scratch, Verdict};
use pgvigil::report::{self, rules_human};
use pgvigil::rules::explain;

use super::logs::{Written, ended, missing_log, tell};
use crate::args::ExplainArgs;
use crate::exit::{Exit, Ran};
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &ExplainArgs) -> Ran {
    let loaded = session.usable(&args.env)?;
    let environment = session.environment(&loaded, &args.env)?;
    let mut rules = Rules::of(&loaded.policy, environment);
    let written = Written::parse(session, args.log_line_prefix.as_deref())?;
    let line = args.line.as_ref();
    let of_line = line.and_then(|line| LogLinePrefix::detect(line.as_bytes()));
    rules.prefix = written.prefix.or(of_line).unwrap_or(rules.prefix);
    let written_line = line.and_then(|line| {
        let text = line.strip_suffix('\n').unwrap_or(line).as_bytes();
        written.template.as_ref()?.dress(text, rules.prefix)
    });
    let explainer = Explainer {
        judge: Judge::new(&rules),
        colour: session.colour_out(),
    };
    if let Some(line) = &args.line {
        let text = line.strip_suffix('\n').unwrap_or(line).as_bytes();
        let text = written_line.as_deref().unwrap_or(text);
        let explanation = explain::explain(&explainer.judge, &mut Scratch::default(), text);
        if explanation.verdict == Verdict::NotARecord && is_bare_record(text) {
            session.say(&format!(
                "error: the line contains only the record, without the log prefix that names the user: give the \
                 whole line, as in `2026-11-22 09:00:00 UTC:10.0.3.17(51234):alice@shop:[4711]:LOG:  {}`",
                report::visible(&line.chars().take(80).collect::<String>())
            ));
            return Ok(Exit::Usage);
        }
        session.print(&rules_human::explanation(
            &explanation,
            None,
            explainer.colour,
        ))?;
        return Ok(Exit::Clean);
    }

    missing_log(session, &args.logs)?;
    let inputs = Inputs::from_paths(&args.logs).written_with(written.template);
    let names: Vec<String> = inputs
        .sources()
        .iter()
        .map(|source| source.name().into_owned())
        .collect();
    let mut printed = Ok(());
    let mut explained = 0_u64;
    let report = read(
        &inputs,
        &ReadOptions::with_prefix(explainer.judge.prefix()),
        &explainer,
        |_| {},
        |block| {
            for (file, line, text) in block {
                explained += 1;
                let name = names.get(file).map_or("", String::as_str);
                printed = session.print(&format!("{}:{line}: {text}\n", report::visible(name)));
                if printed.is_err() {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        },
    );
    printed?;
    tell(session, &inputs, &report);
    session.hint(&format!(
        "{explained} of {} {} an audit record",
        count(report.entries, "entry"),
        if explained == 1 {
            "contains"
        } else {
            "contain"
        }
    ));
    Ok(ended(&report))
}

/// Whether a text is a record of pgAudit without what the log writes before it.
fn is_bare_record(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let text = text
        .strip_prefix(b"LOG:")
        .unwrap_or(text)
        .trim_ascii_start();
    let text = text
        .strip_prefix(b"AUDIT:")
        .unwrap_or(text)
        .trim_ascii_start();
    text.starts_with(b"SESSION,") || text.starts_with(b"OBJECT,")
}

/// Explains the records of a log, on every core.
struct Explainer {
    judge: Judge,
    colour: bool,
}

impl Visitor for Explainer {
    type Worker = Scratch;
    type Output = Vec<(usize, u64, String)>;

    fn worker(&self) -> Scratch {
        Scratch::default()
    }

    fn output(&self) -> Self::Output {
        Vec::new()
    }

    fn visit(&self, scratch: &mut Scratch, output: &mut Self::Output, entry: &Entry<'_>) {
        let explanation = explain::explain(&self.judge, scratch, entry.text);
        if explanation.verdict != Verdict::NotARecord {
            output.push((
                entry.file,
                entry.line,
                rules_human::explanation(&explanation, None, self.colour),
            ));
        }
    }
}
