//! Finds and reads policy files. A broken file never hides the faults of another, and what is
//! valid comes out whatever else is wrong.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::lower::Lowering;
use super::model::{Note, Policy};
use super::refused::{MAX_FOLDERS, Refused, Why};
use super::schema::{ACCESS, DocumentSchema, ENVIRONMENT, NOTES, RULES};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, is_bidirectional, is_invisible, quote};
use crate::digest::hex;
use crate::source::yaml::{self, Fault, FaultKind, Kind, Node};
use crate::source::{DocPath, FileId, Place, SourceFiles};

/// The folders of the files that are read.
pub const FOLDERS: [&str; 4] = ["rules", "environments", "access", "notes"];

/// The folders of the policy: notes are read with it, and nothing depends on them.
pub const POLICY_FOLDERS: [&str; 3] = ["rules", "environments", "access"];

/// Largest file that is read.
pub const MAX_BYTES: usize = 1 << 20;
/// Most hidden characters that are reported for one file.
const MAX_CHARACTERS: usize = 20;
/// Most addresses that are hidden in one file; a file with more is no environment.
const MAX_ADDRESSES: usize = 1_000;

/// Why the policy files could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file system refused.
    #[error("cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

/// The policy files of a repository, and what they mean.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The files, for places.
    pub files: SourceFiles,
    /// What is valid of them.
    pub policy: Policy,
    /// What is valid of the notes on detections, in the order of the files. They are not in the policy, so nothing that is made
    /// from a policy can depend on them.
    pub notes: Vec<Note>,
    /// What is wrong with them, but for what the checks of [`check`](crate::check) find.
    pub diagnostics: Diagnostics,
    /// Values that break a form of the schema: reported if nothing with better words does.
    pub(crate) forms: Vec<Diagnostic>,
}

impl Loaded {
    /// The policy with another text of one file, or with one file more.
    pub fn with_file(&self, path: &str, text: &str) -> Self {
        let files = &self.files;
        let others = files
            .ids()
            .map(|id| (files.path(id).to_owned(), files.text(id).to_owned()))
            .filter(|(known, _)| known != path);
        load_from(others.chain([(path.to_owned(), text.to_owned())]))
    }
}

/// Reads the policy files of a repository.
///
/// # Errors
/// If a folder or file exists and cannot be read.
pub fn load(root: &Path) -> Result<Loaded, LoadError> {
    let mut found = Found::default();
    for folder in FOLDERS {
        let path = root.join(folder);
        match std::fs::symlink_metadata(&path) {
            Ok(kind) if kind.is_symlink() => found.refused.push(Refused::new(folder, Why::Link)),
            Ok(kind) if kind.is_dir() => find(&path, folder, 0, &mut found)?,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(LoadError::Read { path, source }),
        }
    }
    Ok(with_refused(load_from(found.files), found.refused))
}

/// Adds the faults of what was not read.
pub(super) fn with_refused(mut loaded: Loaded, mut refused: Vec<Refused>) -> Loaded {
    refused.sort();
    refused.dedup();
    for one in refused {
        let fault = one.diagnostic(&mut loaded.files);
        loaded.diagnostics.push(fault);
    }
    loaded.diagnostics.sort();
    loaded
}

#[derive(Default)]
struct Found {
    files: Vec<(String, Vec<u8>)>,
    refused: Vec<Refused>,
}

fn find(folder: &Path, shown: &str, depth: usize, found: &mut Found) -> Result<(), LoadError> {
    let error = |path: &Path| {
        let path = path.to_owned();
        move |source| LoadError::Read { path, source }
    };
    let mut entries = std::fs::read_dir(folder)
        .map_err(error(folder))?
        .collect::<Result<Vec<_>, _>>()
        .map_err(error(folder))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let (path, shown) = (entry.path(), format!("{shown}/{name}"));
        let kind = entry.file_type().map_err(error(&path))?;
        if name.starts_with('.') {
            continue;
        }
        if kind.is_file() && is_fixture(&shown) {
            continue;
        }
        let why = if kind.is_symlink() {
            Why::Link
        } else if kind.is_dir() && std::fs::symlink_metadata(path.join(".git")).is_ok() {
            Why::Submodule
        } else if kind.is_dir() {
            if depth < MAX_FOLDERS {
                find(&path, &shown, depth + 1, found)?;
                continue;
            }
            Why::Deep
        } else if !kind.is_file() {
            Why::NoFile
        } else if entry.metadata().map_err(error(&path))?.len() > MAX_BYTES as u64 {
            Why::Large
        } else {
            // The text of a file that is not read is not needed.
            let bytes = if is_yaml(&name) {
                std::fs::read(&path).map_err(error(&path))?
            } else {
                Vec::new()
            };
            found.files.push((shown, bytes));
            continue;
        };
        found.refused.push(Refused::new(shown, why));
    }
    Ok(())
}

/// Logs and what must become of them: read by `rules::fixture`, not here.
pub(super) fn is_fixture(path: &str) -> bool {
    let endings = [".log", ".log.gz", ".log.zst", ".expect.tsv"];
    path.starts_with("rules/fixtures/") && endings.iter().any(|ending| path.ends_with(ending))
}

pub(super) fn is_yaml(path: &str) -> bool {
    path.ends_with(".yaml") || path.ends_with(".yml")
}

/// Reads policy files that are at hand: paths relative to the repository, with forward slashes.
/// Paths outside [`FOLDERS`] are skipped.
pub fn load_from<P: Into<String>, T: Into<Vec<u8>>>(
    texts: impl IntoIterator<Item = (P, T)>,
) -> Loaded {
    let mut texts: Vec<(String, Vec<u8>)> = texts
        .into_iter()
        .map(|(path, text)| (path.into(), text.into()))
        .collect();
    texts.retain(|(path, _)| {
        path.split_once('/')
            .is_some_and(|(folder, _)| FOLDERS.contains(&folder))
    });
    texts.sort();
    texts.dedup_by(|a, b| a.0 == b.0);
    let mut reader = Reader::default();
    let mut of_rules = Sha256::new();
    let mut own: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut access: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (path, bytes) in texts {
        if let Some(name) = path
            .strip_prefix("environments/")
            .filter(|_| is_yaml(&path))
        {
            let name = name.rsplit_once('.').map_or(name, |(name, _)| name);
            own.insert(name.to_owned(), normalise(&bytes));
        } else if is_yaml(&path) && path.starts_with("access/") {
            access.insert(path.clone(), normalise(&bytes));
        } else if is_yaml(&path) && !path.starts_with("notes/") {
            add(&mut of_rules, &path, &normalise(&bytes));
        }
        reader.read(&path, bytes);
    }
    let Reader {
        mut files,
        mut sink,
        rules,
        environments,
        access: grants,
        notes,
        forms,
        incomplete,
        has_files,
    } = reader;
    if !has_files {
        sink.push(
            Diagnostic::new(
                Code::SourceNoFiles,
                "there are no files under `rules/` and `environments/`",
            )
            .help("run the command in the repository's folder, or start with `pgvigil init`"),
        );
    }
    let mut lowering = Lowering::new(&mut files, &mut sink, incomplete);
    lowering.rules(rules);
    lowering.environments(environments);
    lowering.access(grants);
    let notes = lowering.notes(notes);
    let mut policy = lowering.finish();
    for environment in &mut policy.environments {
        let mut digest = of_rules.clone();
        // A file of grants is a part of the environments that its grants name, and of no other.
        for (path, text) in &access {
            let concerns = policy.grants.iter().any(|grant| {
                files.path(grant.place.file) == path
                    && grant.environments.contains(&environment.name)
            });
            if concerns {
                add(&mut digest, path, text);
            }
        }
        for name in &environment.files {
            add(&mut digest, name, own.get(name).map_or(&[], Vec::as_slice));
        }
        environment.digest = hex(&digest.finalize());
    }
    sink.sort();
    Loaded {
        files,
        policy,
        notes,
        diagnostics: sink,
        forms,
    }
}

fn add(digest: &mut Sha256, name: &str, text: &[u8]) {
    for part in [name.as_bytes(), text] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
}

fn normalise(bytes: &[u8]) -> Vec<u8> {
    let mut normal = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\r' || rest.peek() != Some(&b'\n') {
            normal.push(byte);
        }
    }
    normal
}

/// A file that was read, whatever came of it.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) file: FileId,
    /// The environment's name; empty for rules.
    pub(super) name: String,
    pub(super) root: Option<Node>,
    /// Routes at which a key is missing.
    pub(super) incomplete: Vec<DocPath>,
}

#[derive(Default)]
struct Reader {
    files: SourceFiles,
    sink: Diagnostics,
    rules: Vec<Document>,
    environments: Vec<Document>,
    access: Vec<Document>,
    notes: Vec<Document>,
    forms: Vec<Diagnostic>,
    /// Then references cannot be judged.
    incomplete: Incomplete,
    has_files: bool,
}

/// Says which kinds of files could not be read in full.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Incomplete {
    pub(super) rules: bool,
}

impl Reader {
    fn read(&mut self, path: &str, bytes: Vec<u8>) {
        let environment = path.strip_prefix("environments/");
        let is_nested = environment.is_some_and(|name| name.contains('/'));
        if !is_yaml(path) || is_nested {
            if path
                .rsplit('/')
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case("readme.md") || name == "CODEOWNERS")
            {
                return;
            }
            let file = self.files.add(path, "");
            let help = if is_nested {
                "environment files must be directly under `environments/`: move the file there"
            } else {
                "give it the extension `.yaml`, or move it out of the policy"
            };
            self.sink.push(
                Diagnostic::new(Code::SourceUnexpectedFile, "this file is ignored")
                    .at(Place::new(file, 0..0))
                    .help(help),
            );
            return;
        }
        let is_access = path.starts_with("access/");
        let is_notes = path.starts_with("notes/");
        // Grants and notes alone are no policy.
        self.has_files |= !is_access && !is_notes;
        let name = environment
            .map_or("", |name| {
                name.trim_end_matches(".yaml").trim_end_matches(".yml")
            })
            .to_owned();
        let (file, root, is_empty) = self.parse(path, bytes);
        if environment.is_some() {
            hide_addresses(file, &mut self.files);
        }
        let (schema, kind): (&DocumentSchema, _) = if environment.is_some() {
            (&ENVIRONMENT, "environment")
        } else if is_access {
            (&ACCESS, "access")
        } else if is_notes {
            (&NOTES, "notes")
        } else {
            (&RULES, "rules")
        };
        let mut document = Document {
            file,
            name,
            root,
            incomplete: Vec::new(),
        };
        match &mut document.root {
            Some(root) => {
                if environment.is_some() {
                    hide_literal_secrets(root, &mut self.files, &mut self.sink);
                }
                let findings = schema.validate(root, kind, &mut self.sink);
                self.forms.extend(findings.forms);
                document.incomplete = findings.incomplete;
            }
            None if environment.is_none() && !is_access && !is_notes && !is_empty => {
                self.incomplete.rules = true
            }
            None => {}
        }
        if environment.is_some() {
            self.environments.push(document)
        } else if is_access {
            self.access.push(document)
        } else if is_notes {
            self.notes.push(document)
        } else {
            self.rules.push(document)
        }
    }

    /// The document, and whether there was nothing to read.
    fn parse(&mut self, path: &str, bytes: Vec<u8>) -> (FileId, Option<Node>, bool) {
        if bytes.len() > MAX_BYTES {
            let file = self.files.add(path, "");
            self.sink.push(
                Diagnostic::new(Code::SourceTooLarge, "this file is larger than 1 MiB")
                    .at(Place::new(file, 0..0))
                    .help("split it into several files"),
            );
            return (file, None, false);
        }
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let start = error.utf8_error().valid_up_to();
                let file = self
                    .files
                    .add(path, String::from_utf8_lossy(error.as_bytes()));
                self.sink.push(
                    Diagnostic::new(Code::SourceNotUtf8, "this file is not UTF-8")
                        .at(Place::new(file, start..start + '\u{FFFD}'.len_utf8()))
                        .help("save the file as UTF-8"),
                );
                return (file, None, false);
            }
        };
        let file = self.files.add(path, text);
        let has_hidden = self.characters(file);
        let parsed = yaml::parse(&self.files, file);
        let is_empty = parsed.root.is_none() && parsed.faults.is_empty();
        if is_empty {
            self.sink.push(
                Diagnostic::new(Code::SourceEmptyFile, "this file is empty")
                    .at(Place::new(file, 0..0))
                    .help("delete it, or add content to it"),
            );
        }
        for fault in parsed.faults {
            // A control character breaks the syntax too; it has been reported.
            if !(has_hidden && matches!(fault.kind, FaultKind::Syntax(_))) {
                self.sink.push(word(fault, &self.files));
            }
        }
        let root = parsed.root.filter(|root| {
            let is_mapping = matches!(root.kind, Kind::Mapping(_));
            if !is_mapping && !matches!(root.kind, Kind::Invalid) {
                self.sink.push(
                    Diagnostic::new(Code::SchemaWrongType, "a policy file must be a mapping")
                        .at(root.head())
                        .help("start the file with `version: 1`"),
                );
            }
            is_mapping
        });
        (file, root, is_empty)
    }

    /// Reports characters that people cannot see; says whether there are any.
    fn characters(&mut self, file: FileId) -> bool {
        let text = self.files.text(file);
        let mut found = Vec::new();
        for (offset, character) in text.char_indices() {
            let (code, what, help) = match character {
                '\u{FEFF}' if offset == 0 => (
                    Code::SourceByteOrderMark,
                    "the file begins with a byte order mark".to_owned(),
                    "save the file as UTF-8 without a byte order mark",
                ),
                '\n' | '\t' => continue,
                '\r' if text.as_bytes().get(offset + 1) == Some(&b'\n') => continue,
                _ if character.is_control() => (
                    Code::SourceControlCharacter,
                    format!(
                        "the file contains a control character, U+{:04X}",
                        u32::from(character)
                    ),
                    "delete it",
                ),
                _ if is_bidirectional(character) => (
                    Code::SourceBidirectionalCharacter,
                    format!(
                        "the file contains a character that changes the direction of text, U+{:04X}",
                        u32::from(character)
                    ),
                    "delete it: it makes the displayed text differ from the text that pgvigil reads",
                ),
                _ if is_invisible(character) => (
                    Code::SourceInvisibleCharacter,
                    format!(
                        "the file contains an invisible character, U+{:04X}",
                        u32::from(character)
                    ),
                    "delete it, or type a plain space",
                ),
                _ => continue,
            };
            let place = Place::new(file, offset..offset + character.len_utf8());
            found.push(Diagnostic::new(code, what).at(place).help(help));
            if found.len() == MAX_CHARACTERS {
                break;
            }
        }
        let has_hidden = !found.is_empty();
        found
            .into_iter()
            .for_each(|diagnostic| self.sink.push(diagnostic));
        has_hidden
    }
}

/// Addresses may be secrets even where the file is too broken to tell: none is shown.
fn hide_addresses(file: FileId, files: &mut SourceFiles) {
    let text = files.text(file);
    let places: Vec<Place> = ["https://", "http://"]
        .into_iter()
        .flat_map(|scheme| text.match_indices(scheme))
        .map(|(start, scheme)| {
            let rest = text.get(start..).unwrap_or_default();
            let end = rest
                .find(|c: char| c.is_whitespace() || "\"'<>`".contains(c))
                .unwrap_or(rest.len());
            Place::new(file, start + scheme.len()..start + end.max(scheme.len()))
        })
        .take(MAX_ADDRESSES)
        .collect();
    places.iter().for_each(|place| files.redact(place));
}

/// Endpoints that stand in the file instead of a reference: reported, and never shown again.
fn hide_literal_secrets(root: &mut Node, files: &mut SourceFiles, sink: &mut Diagnostics) {
    let routes = root
        .at(&DocPath::from("notifications/routes"))
        .map_or(0, |routes| routes.items().len());
    let of_routes = (0..routes).map(|index| format!("notifications/routes/{index}/https"));
    for path in std::iter::once("notifications/https".to_owned()).chain(of_routes) {
        if let Some(node) = root.at_mut(&DocPath::from(path.as_str())) {
            hide_literals(node, files, sink);
        }
    }
}

fn hide_literals(node: &mut Node, files: &mut SourceFiles, sink: &mut Diagnostics) {
    let nodes: Vec<&mut Node> = match &mut node.kind {
        Kind::Sequence(items) => items.iter_mut().collect(),
        _ => vec![node],
    };
    for node in nodes {
        let literals: Vec<&mut Node> = match &mut node.kind {
            Kind::Scalar(_) => vec![node],
            Kind::Mapping(entries) => entries
                .iter_mut()
                .map(|entry| &mut entry.value)
                .filter(|value| looks_like_url(value))
                .collect(),
            Kind::Sequence(_) | Kind::Invalid => continue,
        };
        for literal in literals {
            files.redact(&literal.place);
            sink.push(
                Diagnostic::new(
                    Code::EnvironmentLiteralSecret,
                    "the address of an incident platform is a secret and must not be in a file",
                )
                .at(literal.place.clone())
                .help("refer to it by `{from_env: NAME}` or `{from_secret: NAME}`")
                .help("change the secret: it is in the history of the repository now"),
            );
            literal.kind = Kind::Invalid;
        }
    }
}

fn looks_like_url(node: &Node) -> bool {
    node.as_text()
        .is_some_and(|text| text.contains("://") || text.contains('?'))
}

/// A fault of the YAML, in words.
fn word(fault: Fault, files: &SourceFiles) -> Diagnostic {
    let text = files.slice(&fault.place);
    let (code, message, help) = match fault.kind {
        FaultKind::Syntax(why) => (Code::YamlSyntax, why, None),
        FaultKind::MergeConflict => (
            Code::YamlMergeConflict,
            "this file contains an unresolved merge conflict".to_owned(),
            Some("choose one of the two sides, and delete the lines that begin with `<<<<<<<`, `=======` and `>>>>>>>`".to_owned()),
        ),
        FaultKind::Tab => (Code::YamlTab, "found a tab where YAML requires spaces".to_owned(), Some("write spaces".to_owned())),
        FaultKind::DuplicateKey(key) => (
            Code::YamlDuplicateKey,
            format!("the key {} is defined twice", quote(&key)),
            Some("delete one of the two: YAML parsers differ in which one they use".to_owned()),
        ),
        FaultKind::MergeKey => (
            Code::YamlMergeKey,
            "merge keys are not supported".to_owned(),
            Some("write the values out, or use `extends` in an environment".to_owned()),
        ),
        FaultKind::Alias => (
            Code::YamlAlias,
            "anchors and aliases are not supported".to_owned(),
            Some("write the value out, or use `extends` in an environment; quote a text that begins with `&` or `*`".to_owned()),
        ),
        FaultKind::Tag => (
            Code::YamlTag,
            "tags are not supported".to_owned(),
            Some("delete it; quote a text that begins with `!`".to_owned()),
        ),
        FaultKind::SeveralDocuments => (
            Code::YamlSeveralDocuments,
            "a second document begins here".to_owned(),
            Some("put each document into its own file".to_owned()),
        ),
        FaultKind::TooDeep => (
            Code::YamlTooDeep,
            format!("this is nested deeper than {} levels", yaml::MAX_DEPTH),
            Some("reduce the nesting: no policy file needs so many levels".to_owned()),
        ),
        FaultKind::KeyNotText => (Code::YamlKeyNotText, "a key must be a plain word".to_owned(), None),
        FaultKind::Null => {
            let message = if matches!(text, "~" | "null" | "Null" | "NULL") {
                format!("{} is not a value", quote(text))
            } else if text.is_empty() {
                "a value is missing".to_owned()
            } else {
                format!("{} has no value", quote(text.trim_matches(['"', '\''])))
            };
            (Code::YamlNull, message, Some("write a value, or delete the key".to_owned()))
        }
        FaultKind::BooleanLike(value) => (
            Code::YamlBooleanLike,
            format!("some YAML parsers read {} as `{value}`", quote(text)),
            Some(format!("write {} if it is text, `{value}` if it is not", quote(&format!("\"{text}\"")))),
        ),
        FaultKind::LeadingZero => {
            let trimmed = text.trim_start_matches(['-', '+', '0']);
            let number = if trimmed.is_empty() { "0" } else { trimmed };
            (
                Code::YamlLeadingZero,
                format!("YAML parsers differ on {}: they read an octal number, a decimal number or text", quote(text)),
                Some(format!("write {} if it is text, {} if it is a number", quote(&format!("\"{text}\"")), quote(number))),
            )
        }
        FaultKind::NumberLike => (
            Code::YamlNumberLike,
            format!("YAML parsers differ on {}: they read a number or text", quote(text)),
            Some(format!("write {} if it is text, plain digits if it is a number", quote(&format!("\"{text}\"")))),
        ),
    };
    let diagnostic = Diagnostic::new(code, message)
        .at(fault.place)
        .maybe_help(help);
    match fault.other {
        Some(other) => diagnostic.context(other, "first defined here"),
        None => diagnostic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::model::{LogClass, RoleMatch, Selection};

    const RULES: &str = include_str!("../../tests/cases/good/rules/rules.yaml");
    const BASE: &str = include_str!("../../tests/cases/good/environments/base.yaml");
    const PROD: &str = include_str!("../../tests/cases/good/environments/prod.yaml");
    const LOCAL: &str = include_str!("../../tests/cases/good/environments/local.yaml");

    fn good() -> Vec<(&'static str, &'static str)> {
        vec![
            ("rules/rules.yaml", RULES),
            ("environments/base.yaml", BASE),
            ("environments/prod.yaml", PROD),
            ("environments/local.yaml", LOCAL),
        ]
    }

    #[test]
    fn reads_a_correct_repository() {
        let loaded = load_from(good());
        assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
        assert!(loaded.forms.is_empty(), "{:#?}", loaded.forms);
        let policy = &loaded.policy;
        assert_eq!(policy.users.len(), 2);
        let alice = &policy.users[0];
        assert_eq!(
            (
                alice.role.as_str(),
                alice.audit.log.as_slice(),
                alice.audit.log_parameter
            ),
            ("alice", [LogClass::All].as_slice(), true)
        );
        assert_eq!(loaded.files.slice(&alice.place), "alice");
        assert_eq!(policy.service_accounts.len(), 3);
        assert_eq!(
            policy.service_accounts[1].role,
            RoleMatch::Pattern(crate::policy::Pattern::read("etl_[a-z]+").unwrap())
        );
        assert!(policy.service_accounts[2].system);
        let exclusion = &policy.exclusions[0];
        assert!(
            exclusion
                .matcher
                .relation
                .as_ref()
                .unwrap()
                .iter()
                .any(|name| name == "pg_class")
        );
        assert_eq!(loaded.files.slice(&exclusion.match_place), "match");
        assert_eq!(
            loaded
                .files
                .slice(&exclusion.places.item("match/object_type", 1)),
            "VIEW"
        );
        assert_eq!(
            (exclusion.silences.len(), exclusion.stays_loud.len()),
            (1, 2)
        );
        let names: Vec<_> = policy
            .environments
            .iter()
            .map(|environment| environment.name.as_str())
            .collect();
        assert_eq!(names, ["local", "prod"]);
        let prod = policy.environment("prod").unwrap();
        assert_eq!(
            (
                prod.monitor.window_minutes,
                prod.monitor.late_arrival_minutes
            ),
            (10, 30)
        );
        assert_eq!(prod.region.as_deref(), Some("eu-central-1"));
        assert_eq!(prod.tags, [("team".to_owned(), "data-platform".to_owned())]);
        assert_eq!(prod.clusters.len(), 2);
        assert_eq!(prod.exclusions, Selection::All);
        assert_eq!(
            loaded.files.path(prod.places.value("region").file),
            "environments/base.yaml"
        );
    }

    #[test]
    fn digest_is_of_what_is_written_and_not_of_line_ends() {
        let digest = |files: Vec<(&str, String)>| {
            let policy = load_from(files).policy;
            policy.environment("prod").unwrap().digest.clone()
        };
        let plain: Vec<_> = good()
            .into_iter()
            .map(|(path, text)| (path, text.to_owned()))
            .collect();
        let mut windows: Vec<_> = good()
            .into_iter()
            .map(|(path, text)| (path, text.replace('\n', "\r\n")))
            .collect();
        windows.reverse();
        assert_eq!(digest(plain.clone()), digest(windows));
        let mut other = plain.clone();
        other[0].1.push('#');
        assert_ne!(digest(plain.clone()), digest(other));
        // What another environment says is not this one's policy.
        let mut beside = plain.clone();
        beside.push((
            "environments/beside.yaml",
            "version: 1\nprovider: local\nfolder: x\nclusters: [x]\n".to_owned(),
        ));
        assert_eq!(digest(plain), digest(beside));
    }
}
