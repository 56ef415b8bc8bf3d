//! `rules explain`: why a record counts or does not.

use std::ops::ControlFlow;

use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::audit_log::reader::{Entry, Inputs, ReadOptions, Visitor, read};
use pgvigil::judge::{Judge, Rules, Scratch, Verdict};
use pgvigil::report::{self, rules_human};
use pgvigil::rules::explain;

use crate::args::ExplainArgs;
use crate::exit::Exit;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &ExplainArgs) -> anyhow::Result<Exit> {
    let loaded = match session.usable(&args.env)? {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let environment = match session.environment(&loaded, &args.env) {
        Ok(environment) => environment,
        Err(exit) => return Ok(exit),
    };
    let mut rules = Rules::of(&loaded.policy, environment);
    if let Some(prefix) = &args.log_line_prefix {
        match prefix.parse::<LogLinePrefix>() {
            Ok(prefix) => rules.prefix = prefix,
            Err(error) => {
                session.say(&format!("error: {}", report::visible(&error.to_string())));
                return Ok(Exit::Usage);
            }
        }
    }
    let explainer = Explainer {
        judge: Judge::new(&rules),
        colour: session.colour_out(),
    };
    if let Some(line) = &args.line {
        let text = line.strip_suffix('\n').unwrap_or(line).as_bytes();
        let explanation = explain::explain(&explainer.judge, &mut Scratch::default(), text);
        session.print(&rules_human::explanation(
            &explanation,
            None,
            explainer.colour,
        ))?;
        return Ok(Exit::Clean);
    }

    let inputs = Inputs::from_paths(&args.logs);
    let names: Vec<String> = inputs
        .sources()
        .iter()
        .map(|source| source.name().into_owned())
        .collect();
    let mut printed = Ok(());
    let mut explained = 0_u64;
    let report = read(
        &inputs,
        &ReadOptions::default(),
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
    for broken in &report.broken {
        let name = names.get(broken.file).map_or("", String::as_str);
        session.say(&format!(
            "{}:{}: {}",
            report::visible(name),
            broken.line,
            report::visible(&broken.what)
        ));
    }
    session.hint(&format!(
        "{explained} of {} entries hold an audit record",
        report.entries
    ));
    Ok(if report.broken_count > 0 {
        Exit::Failed
    } else {
        Exit::Clean
    })
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
