//! Every text that pgvigil sends to Logs Insights for an environment.

use crate::compile::Compiled;
use crate::compile::fetch::{Ask, Detail, FETCH_ROWS, Fetch, Part};
use crate::compile::query::{QuerySource, ROW_LIMIT};
use crate::compile::resources::{DETECTIONS, Kind};
use crate::doctor::Subject;

/// A role that the recordings know, in the place of the word that a responder replaces.
const ROLE: &str = "alice";

/// A text, and what is looked at of its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// What it is, without a name from the policy.
    pub name: String,
    /// What StartQuery is given.
    pub text: String,
    /// Rows that it returns at most.
    pub limit: u32,
    /// Whether our interpreter can run it. Of another text only that the service takes it is seen.
    pub interpreted: bool,
}

/// The fetch query in every form in which the monitor asks for windows of arrival, from the first to the last.
pub fn fetches(fetch: &Fetch, windows: (i64, i64)) -> Vec<(Ask, Text)> {
    let whole = Ask {
        windows: Some(windows),
        ..Ask::ALL
    };
    let mut asks = vec![whole];
    for part in fetch.parts() {
        let details: &[Detail] = match part {
            Part::All | Part::Records => &[Detail::Text, Detail::Object, Detail::Person],
            Part::Unread | Part::Refusals => &[Detail::Text, Detail::Client],
        };
        asks.extend(details.iter().map(|detail| Ask {
            part,
            detail: *detail,
            windows: Some(windows),
        }));
    }
    asks.into_iter()
        .map(|ask| {
            let name = format!("fetch {:?} {:?}", ask.part, ask.detail).to_lowercase();
            let text = Text {
                name,
                text: fetch.text(ask),
                limit: FETCH_ROWS,
                interpreted: true,
            };
            (ask, text)
        })
        .collect()
}

/// What people read: saved queries and the dashboard's tables. And what log alarms count.
pub fn others(source: &QuerySource<'_>, compiled: &Compiled, subject: &Subject<'_>) -> Vec<Text> {
    let (fitting, _) = source.that_fits();
    let mut named = vec![
        ("dashboard in sums".to_owned(), fitting.summary("").text),
        ("dashboard table".to_owned(), fitting.table("").text),
    ];
    for artefact in &compiled.artefacts {
        let file = artefact.path.rsplit('/').next().unwrap_or_default();
        match file.strip_suffix(".cwli") {
            Some("fetch" | "investigate") | None => {}
            Some(name) => named.push((name.to_owned(), artefact.text.clone())),
        }
    }
    let base = subject.names.saved_query();
    for document in &subject.documents {
        let query = document
            .properties
            .get("query")
            .and_then(|query| query.as_str());
        if let (Kind::SavedQuery, Some(query), Some(what)) =
            (document.kind, query, document.name.strip_prefix(&base))
        {
            let query = query.replace(":ROLE@", &format!(":{ROLE}@"));
            named.push((format!("saved query{}", what.replace('/', " ")), query));
        }
    }
    named
        .into_iter()
        .map(|(name, text)| Text {
            limit: ROW_LIMIT,
            // Its fields are keys of JSON, which our interpreter does not read; a probe asks for them.
            interpreted: !name.ends_with(DETECTIONS),
            name,
            text,
        })
        .collect()
}
