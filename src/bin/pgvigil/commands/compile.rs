//! `compile`: the artefacts of environments, as files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pgvigil::compile::Compiled;
use pgvigil::compile::cloudformation::{self, cloudformation};
use pgvigil::compile::export::{ExportFile, is_layer_file};
use pgvigil::compile::resources::{Kind, address_of_file};
use pgvigil::compile::terraform::{self, terraform};
use pgvigil::policy::Loaded;
use pgvigil::policy::model::{Environment, Provider};
use pgvigil::{compile, report};

use super::files::{Folder, Wanted, is_unfinished, walk};
use crate::args::{CompileArgs, Target};
use crate::exit::{Exit, Ran};
use crate::progress::Activity;
use crate::session::Session;

/// The files of an environment that belong to no cluster.
const SHARED: [&str; 6] = [
    "fetch.cwli",
    "policy.json",
    "query.cwli",
    "investigate.cwli",
    "enrol.sql",
    "monitor-env.json",
];

pub(crate) fn run(session: &Session, args: &CompileArgs) -> Ran {
    let loaded = session.in_force()?;
    let environments: Vec<&Environment> = match &args.env {
        None => loaded.policy.environments.iter().collect(),
        Some(name) => vec![session.environment(&loaded, name)?],
    };
    let mut wanted = Vec::new();
    let activity = Activity::of_many(session, "compiling environments", environments.len());
    for environment in &environments {
        activity.one_more();
        // Another tool cannot deploy to a folder on this machine.
        if args.target != Target::Documents && environment.provider == Provider::Local {
            let name = report::visible(&environment.name);
            if args.env.is_some() {
                session.say(&format!(
                    "error: the environment `{name}` has the provider `local`: only environments of the provider `aws` \
                     can be compiled for another tool"
                ));
                return Ok(Exit::Usage);
            }
            session.hint(&format!(
                "note: `{name}` has the provider `local` and is left out"
            ));
            continue;
        }
        session.proven(&loaded, environment)?;
        let compiled = compile::compile(&loaded, environment, session.today());
        let files = files_of(session, environment, compiled, args.target)?;
        wanted.extend(files);
    }
    drop(activity);
    let mut extra = BTreeSet::new();
    let asked: BTreeSet<&Path> = wanted.iter().map(|file| file.path.as_path()).collect();
    for name in folders(&args.out, &loaded, args.env.as_deref())? {
        for path in walk(&args.out, Path::new(&name))? {
            if asked.contains(path.as_path()) {
                continue;
            }
            if is_ours(&path, args.target) {
                extra.insert(path);
            } else if args.target == Target::Documents && !is_of_an_export(&path) {
                let path = args.out.join(path).display().to_string();
                session.hint(&format!(
                    "note: {} was not written by pgvigil, so it is kept",
                    report::visible(&path)
                ));
            }
        }
    }
    Folder {
        root: &args.out,
        wanted,
        extra,
    }
    .bring(session, args.check)
}

/// The files of an environment for a target.
fn files_of(
    session: &Session,
    environment: &Environment,
    compiled: Compiled,
    target: Target,
) -> anyhow::Result<Vec<Wanted>> {
    let files = match target {
        Target::Documents => {
            let files = compiled.artefacts.into_iter();
            return Ok(files
                .map(|file| wanted(&file.path, file.text.into_bytes()))
                .collect());
        }
        Target::Terraform => terraform(environment, &compiled.documents)?,
        Target::Cloudformation => cloudformation(environment, &compiled.documents)?,
    };
    let templates = files
        .iter()
        .filter(|file| file.path.ends_with(cloudformation::ENDING));
    for file in templates {
        if file.bytes.len() > cloudformation::LARGEST_BODY {
            session.hint(&format!(
                "note: {} has {} bytes: above {} bytes, CloudFormation accepts a template only from an S3 bucket",
                report::visible(&file.path),
                file.bytes.len(),
                cloudformation::LARGEST_BODY
            ));
        }
    }
    let one = |file: ExportFile| wanted(&file.path, file.bytes);
    Ok(files.into_iter().map(one).collect())
}

fn wanted(path: &str, bytes: Vec<u8>) -> Wanted {
    Wanted {
        path: PathBuf::from(path),
        bytes,
    }
}

/// The folders to look through: the environment's; without one, all environments', and those of environments that
/// are no more.
fn folders(out: &Path, loaded: &Loaded, env: Option<&str>) -> anyhow::Result<BTreeSet<String>> {
    if let Some(env) = env {
        return Ok(BTreeSet::from([env.to_owned()]));
    }
    let mut names: BTreeSet<String> = loaded
        .policy
        .environments
        .iter()
        .map(|e| e.name.clone())
        .collect();
    let entries = match std::fs::read_dir(out) {
        Ok(entries) => entries,
        // Nothing was compiled yet. Writing reports any other error.
        Err(_) => return Ok(names),
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && SHARED.iter().all(|file| entry.path().join(file).is_file()) {
            names.insert(name);
        }
    }
    Ok(names)
}

/// `shadow-1.cwli` and so on, which earlier versions wrote.
fn is_shadow(file: &str) -> bool {
    let number = file
        .strip_prefix("shadow-")
        .and_then(|rest| rest.strip_suffix(".cwli"));
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a file is in the folder of an export, where people and tools keep files of their own. If a cluster has the
/// same name as that folder, its documents are there too.
fn is_of_an_export(path: &Path) -> bool {
    let parts: Vec<&str> = path
        .iter()
        .map(|part| part.to_str().unwrap_or_default())
        .collect();
    match parts.as_slice() {
        [_environment, _folder, kind, _file] if Kind::from_name(kind).is_some() => false,
        [_environment, folder, _, ..] => {
            [terraform::FOLDER, cloudformation::FOLDER].contains(folder)
        }
        _ => false,
    }
}

/// Says whether a file has a name that only this command gives to files of the target. Every other file is left alone.
fn is_ours(path: &Path, target: Target) -> bool {
    let parts: Vec<&str> = path
        .iter()
        .map(|part| part.to_str().unwrap_or_default())
        .collect();
    match (target, parts.as_slice()) {
        (Target::Documents, _) if is_of_an_export(path) => false,
        (Target::Terraform | Target::Cloudformation, _) if !is_of_an_export(path) => false,
        _ if is_unfinished(path) => true,
        (Target::Documents, [_environment, file]) => SHARED.contains(file) || is_shadow(file),
        (Target::Documents, [_environment, cluster, kind, file]) => {
            address_of_file(cluster, kind, file).is_some()
        }
        (Target::Cloudformation, [_environment, folder, file]) => {
            *folder == cloudformation::FOLDER
                && (file.ends_with(cloudformation::ENDING) || is_layer_file(file))
        }
        (Target::Terraform, [_environment, folder, file]) => {
            *folder == terraform::FOLDER && is_layer_file(file)
        }
        // Keep the module even if its environment no longer exists: an empty one tells Terraform to destroy everything.
        _ => false,
    }
}
