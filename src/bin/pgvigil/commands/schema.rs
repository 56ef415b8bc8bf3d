//! `schema`: the JSON Schemas of the policy files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pgvigil::audit_log::trust;
use pgvigil::diagnostic::code;
use pgvigil::policy::schemas;

use super::files::{Folder, Wanted};
use crate::args::SchemaArgs;
use crate::exit::Exit;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &SchemaArgs) -> anyhow::Result<Exit> {
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| session.root().join("schema"));
    let wanted = schemas().into_iter().map(|(path, text)| {
        let name = Path::new(path)
            .file_name()
            .map(PathBuf::from)
            .unwrap_or_default();
        Wanted { path: name, text }
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
    let wanted = vec![
        Wanted {
            path: PathBuf::from("codes.md"),
            text: code::render_reference(),
        },
        Wanted {
            path: PathBuf::from("fields.md"),
            text: trust::render_reference(),
        },
    ];
    let page = Folder {
        root: docs,
        wanted,
        extra: BTreeSet::new(),
    };
    Ok(exit.max(page.bring(session, args.check)?))
}
