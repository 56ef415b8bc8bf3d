//! `migrate`: the old monitor's files as policy files.

use std::path::Path;

use anyhow::Context as _;
use pgvigil::begin::Forge;
use pgvigil::doctor::remedy::quote;
use pgvigil::policy::model::Provider;
use pgvigil::report::begin as begin_report;
use pgvigil::report::migrate as report;
use pgvigil::report::visible;
use pgvigil::takeover::migrate::{Input, Options, migrate};

use crate::args::{ForgeArg, MigrateArgs, MigrateFormat};
use crate::commands::init::repository;
use crate::exit::{Exit, Ran};
use crate::session::Session;

/// Largest file that is read: the old system's are small.
const MAX_BYTES: u64 = 1 << 20;

pub(crate) fn run(session: &Session, args: &MigrateArgs) -> Ran {
    let inputs = args
        .files
        .iter()
        .map(|path| read(path))
        .collect::<anyhow::Result<Vec<Input>>>()?;
    let options = Options {
        environment: args.env.clone(),
        account: args.account.clone(),
        region: args.region.clone(),
        owner: args.owner.clone(),
        forge: match args.forge {
            ForgeArg::Github => Forge::Github,
            ForgeArg::Gitlab => Forge::Gitlab,
            ForgeArg::None => Forge::None,
        },
        today: session.today(),
    };
    let migration = migrate(&inputs, &options)?;
    session.show(&match args.format {
        MigrateFormat::Human => report::human(&migration, session.style()),
        MigrateFormat::Json => report::json(&migration),
    })?;
    let left = if migration.left.iter().any(|left| left.is_open) {
        Exit::NotUnderstood
    } else {
        Exit::Clean
    };
    let Some(out) = &args.out else {
        if migration.faults.is_empty() {
            session.say("nothing was written: --out DIR writes the files");
        } else {
            session.say(begin_report::faults(&migration.faults).trim_end());
        }
        return Ok(left);
    };
    if !migration.faults.is_empty() {
        session.say(begin_report::faults(&migration.faults).trim_end());
        return Ok(Exit::Usage);
    }
    let at = quote(&out.to_string_lossy());
    let name = &migration.environment;
    let last = match migration.wish.provider {
        Provider::Aws => "adopt",
        Provider::Local => "compile --out build",
    };
    let next = [
        format!("pgvigil -C {at} rules attack --env {name}"),
        format!("pgvigil -C {at} plan --env {name}"),
        format!("pgvigil -C {at} {last} --env {name}"),
    ];
    // If the report is a JSON document on stdout, the written files are listed on stderr.
    if args.format == MigrateFormat::Json {
        let (exit, text) =
            session.collect(|| repository::write(session, out, &migration.tree, false, &next));
        session.say(text.trim_end());
        return Ok(exit?.worse(left));
    }
    session.show("\n")?;
    Ok(repository::write(session, out, &migration.tree, false, &next)?.worse(left))
}

fn read(path: &Path) -> anyhow::Result<Input> {
    let shown = visible(&path.display().to_string());
    let found = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?;
    anyhow::ensure!(found.is_file(), "{shown} is not a file");
    anyhow::ensure!(
        found.len() <= MAX_BYTES,
        "{shown} is larger than 1 MiB: it cannot be a file of the old monitor"
    );
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| anyhow::anyhow!("{shown} is not UTF-8: save it as UTF-8"))?;
    Ok(Input {
        name: path.display().to_string(),
        text: text.trim_start_matches('\u{feff}').to_owned(),
    })
}
