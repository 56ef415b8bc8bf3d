//! `schema`: the JSON Schemas of the policy files, and the reference pages that are made of the code.

mod command_reference;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pgvigil::audit_log::trust;
use pgvigil::ci;
use pgvigil::compile::resources::published;
use pgvigil::deploy::saved;
use pgvigil::diagnostic::code;
use pgvigil::evidence::report::Report;
use pgvigil::evidence::{detection, event};
use pgvigil::grafana;
use pgvigil::insights::assumed;
use pgvigil::policy::{reference, schemas};
use pgvigil::report::{self, schema};
use pgvigil::rules::eval;
use pgvigil::watch::{judge, metrics, outbox};

use super::files::{Folder, Wanted};
use crate::args::SchemaArgs;
use crate::exit::{self, Ran};
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &SchemaArgs) -> Ran {
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| session.root().join("schema"));
    let policy = schemas().into_iter().map(|(path, text)| {
        let name = Path::new(path)
            .file_name()
            .map(PathBuf::from)
            .unwrap_or_default();
        (name, text)
    });
    let outputs = outputs()
        .into_iter()
        .map(|(name, text)| (Path::new("outputs").join(name), text));
    let wanted = policy.chain(outputs).map(|(path, text)| Wanted {
        path,
        bytes: text.into_bytes(),
    });
    let schemas = Folder {
        root: &out,
        wanted: wanted.collect(),
        extra: BTreeSet::new(),
    };
    let exit = schemas.bring(session, args.check)?;
    let Some(docs) = &args.docs else {
        return Ok(exit);
    };
    let pages = vec![
        ("assumed.md", assumed::render_reference()),
        ("commands.md", command_reference::render()),
        ("codes.md", code::render_reference(ci::code::ALL)),
        ("exit-codes.md", exit::render_reference()),
        ("fields.md", trust::render_reference()),
        ("keys.md", reference::render_reference()),
        ("metrics.md", metrics_page()),
    ];
    let files = grafana::files();
    let wanted = pages.into_iter().chain(files).map(|(name, text)| Wanted {
        path: PathBuf::from(name),
        bytes: text.into_bytes(),
    });
    let pages = Folder {
        root: docs,
        wanted: wanted.collect(),
        extra: BTreeSet::new(),
    };
    Ok(exit.max(pages.bring(session, args.check)?))
}

/// The schemas of output that programs read.
fn outputs() -> Vec<(&'static str, String)> {
    vec![
        (
            "ci-result.schema.json",
            schema::of::<report::ci::json::Document<'_>>("result.json of pgvigil ci"),
        ),
        (
            "detection.schema.json",
            schema::of::<detection::Detection>("A detection of pgvigil's monitor, one line"),
        ),
        (
            "eval-line.schema.json",
            schema::of::<eval::Line<'_>>("A line of pgvigil rules eval --format jsonl"),
        ),
        (
            "event.schema.json",
            schema::of::<event::Event<detection::Detection>>(
                "A detection of pgvigil's monitor, as an event of EventBridge",
            ),
        ),
        (
            "left-out-event.schema.json",
            schema::of::<event::Event<event::LeftOut>>(
                "Detections of pgvigil's monitor without an event of their own, as an event of EventBridge",
            ),
        ),
        (
            "plan.schema.json",
            schema::of::<report::plan::json::Document<'_>>("pgvigil plan --format json"),
        ),
        (
            "report.schema.json",
            schema::of::<Report>("pgvigil report --format json"),
        ),
        (
            "saved-plan.schema.json",
            schema::of::<saved::Sealed>("A file of pgvigil plan --out"),
        ),
        (
            "suggestion.schema.json",
            schema::of::<report::suggest::Document<'_>>("pgvigil rules suggest --format json"),
        ),
        (
            "suppressed.schema.json",
            schema::of::<detection::Suppressed>(
                "Records that exclusions silenced, a line of pgvigil's monitor",
            ),
        ),
        (
            "watch-line.schema.json",
            schema::of::<judge::Delivered<'_>>("A line of pgvigil watch"),
        ),
        (
            "webhook-batch.schema.json",
            schema::of::<outbox::Body<'_>>("The body that pgvigil watch --webhook posts"),
        ),
    ]
}

fn metrics_page() -> String {
    format!(
        "# Metrics\n\nThe metrics that dashboards and alarms can use. What they mean: [monitor.md](monitor.md#what-it-publishes). Dashboards and alert rules: [grafana.md](grafana.md).\n\n{}\n{}",
        published::render_reference(),
        metrics::render_reference()
    )
}
