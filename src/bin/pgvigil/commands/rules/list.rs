//! `rules list`: every exclusion, and what it silences.

use pgvigil::audit_log::reader::Inputs;
use pgvigil::report::table::lines as lines_of;
use pgvigil::report::visible;
use pgvigil::rules::list::{self, Listed};
use serde_json::json;

use super::logs::{ended, missing_log, rules, tell};
use crate::args::{AttackFormat, ListArgs};
use crate::exit::{Exit, Ran};
use crate::progress::Progress;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &ListArgs) -> Ran {
    let loaded = session.readable()?;
    let environment = session.environment(&loaded, &args.env)?;
    let rules = rules(session, &loaded, &args.env, args.log_line_prefix.as_deref())?;
    missing_log(session, &args.logs)?;
    let mut listed = list::list(&loaded.policy, environment, session.today());
    let mut exit = Exit::Clean;
    if !args.logs.is_empty() {
        let inputs = Inputs::from_paths(&args.logs);
        let progress = Progress::new(session);
        let report = list::count(&mut listed, &rules, &inputs, |done| progress.show(done));
        progress.clear();
        tell(session, &inputs, &report);
        exit = ended(&report);
    }
    let text = match args.format {
        AttackFormat::Human => human(&listed, !args.logs.is_empty(), session.width()),
        AttackFormat::Json => {
            let document = json!({"format_version": 1, "env": args.env, "exclusions": listed});
            format!("{document}\n")
        }
    };
    session.print(&text)?;
    Ok(exit)
}

fn human(listed: &[Listed], has_logs: bool, width: usize) -> String {
    if listed.is_empty() {
        return "no exclusion applies\n".to_owned();
    }
    let mut heads = vec!["exclusion", "owner", "last day", "in texts"];
    if has_logs {
        heads.extend(["silences", "alone"]);
    }
    let mut rows: Vec<Vec<String>> = vec![heads.into_iter().map(str::to_owned).collect()];
    rows.extend(listed.iter().map(|exclusion| {
        let last_day = exclusion
            .last_day
            .map_or_else(|| "-".to_owned(), |day| day.to_string());
        let mut row = vec![
            exclusion.id.clone(),
            visible(&exclusion.owner),
            if exclusion.holds {
                last_day
            } else {
                format!("{last_day}, ended")
            },
            exclusion
                .characters
                .map_or_else(|| "no room".to_owned(), |number| number.to_string()),
        ];
        row.extend(
            [exclusion.silenced, exclusion.alone]
                .into_iter()
                .flatten()
                .map(|number| number.to_string()),
        );
        row
    }));
    let mut text = String::new();
    for line in lines_of(&rows, width) {
        text.push_str(&line);
        text.push('\n');
    }
    text.push_str("\nin texts: characters that the exclusion needs in a saved query, of 10,000; the monitor applies every exclusion\n");
    if has_logs {
        text.push_str(
            "silences: records in these logs; alone: those that would count without this exclusion\n",
        );
    }
    text
}
