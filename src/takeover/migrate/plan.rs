//! All inputs together: the report, and the files of a new repository.

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Serialize;

use super::enrolment::{self, Enrolment};
use super::evasion::{Miss, Trial, Tried};
use super::input::{Kind, kind};
use super::query::{self, OldQuery, Text};
use super::replacement::{Replacement, accounts, replacement};
use super::settings::Settings;
use super::{At, Carried, FORMAT_VERSION, Input, Leftover, embedded, tfvars, variables};
use crate::begin::{ClusterWish, Fault, File, Forge, Wish, tree};
use crate::judge::{Judge, Rules};
use crate::policy;
use crate::policy::model::Provider;
use crate::policy::scalar::scalar;

/// Values that no input contains.
#[derive(Debug, Clone)]
pub struct Options {
    /// Name of the environment.
    pub environment: Option<String>,
    pub account: Option<String>,
    pub region: Option<String>,
    /// Who answers for the entries.
    pub owner: String,
    /// Where it is reviewed.
    pub forge: Forge,
    pub today: Date,
}

/// An input, and what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Read {
    /// As it was named.
    pub file: String,
    /// What it is; none where nothing was recognised.
    pub kind: Option<Kind>,
}

/// One exclusion of the old query.
#[derive(Debug, Clone, Serialize)]
pub struct OldExclusion {
    pub at: At,
    pub text: String,
    /// Whether it can be used to evade the alarm.
    pub evadable: bool,
    /// Whether it excludes every record, so that evasion is not even needed.
    pub drops_everything: bool,
    #[serde(flatten)]
    pub tried: Tried,
    /// What takes its place.
    pub in_its_place: Replacement,
}

/// What the old query looks for.
#[derive(Debug, Clone, Serialize)]
pub struct OldInclude {
    pub at: At,
    pub text: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct QueryReport {
    pub file: String,
    /// What a line must hold.
    pub includes: Vec<OldInclude>,
    /// Statements that it does not look for.
    pub misses: Vec<Miss>,
    pub exclusions: Vec<OldExclusion>,
}

/// Everything that came of the inputs.
#[derive(Debug, Clone, Serialize)]
pub struct Migration {
    /// The form of this report.
    pub format_version: u32,
    pub inputs: Vec<Read>,
    pub queries: Vec<QueryReport>,
    /// What became part of the policy.
    pub carried: Vec<Carried>,
    pub left: Vec<Leftover>,
    pub environment: String,
    /// Paths of the files.
    pub files: Vec<String>,
    #[serde(skip)]
    pub tree: Vec<File>,
    /// The wish that they were made of.
    #[serde(skip)]
    pub wish: Wish,
    /// What is missing before they can be written.
    #[serde(skip)]
    pub faults: Vec<Fault>,
}

/// Why nothing could be compared.
#[derive(Debug, thiserror::Error)]
#[error("the compiled query could not be run: {0}")]
pub struct MigrateError(String);

/// Reads all inputs.
///
/// # Errors
/// If the compiled query of the new files cannot be run: a fault of pgvigil.
pub fn migrate(inputs: &[Input], options: &Options) -> Result<Migration, MigrateError> {
    let mut settings = Settings::default();
    let mut enrolment = Enrolment::default();
    let mut left = Vec::new();
    let mut read = Vec::new();
    let mut old: Vec<(String, OldQuery)> = Vec::new();
    for input in inputs {
        let kind = kind(input);
        read.push(Read {
            file: input.name.clone(),
            kind,
        });
        match kind {
            Some(Kind::Query) => {
                let text = Text {
                    file: &input.name,
                    text: &input.text,
                    line: 1,
                    is_one_line: false,
                };
                old.extend(query::read(&text, &mut left).map(|query| (input.name.clone(), query)));
            }
            Some(Kind::Queries) => {
                for found in embedded::queries(input) {
                    let text = Text {
                        file: &input.name,
                        text: &found.text,
                        line: found.line,
                        is_one_line: found.is_one_line,
                    };
                    let name = format!("{}:{}", input.name, found.line);
                    old.extend(query::read(&text, &mut left).map(|query| (name, query)));
                }
            }
            Some(Kind::Function) => variables::function(input, &mut settings),
            Some(Kind::Variables) => variables::lines(input, &mut settings),
            Some(Kind::Tfvars) => tfvars::read(input, &mut settings),
            Some(Kind::TfvarsJson) => tfvars::read_json(input, &mut settings),
            Some(Kind::Sql) => enrolment::read(input, &mut enrolment),
            None => left.push(Leftover {
                at: At::new(&input.name, 1),
                what: "the type of this file is not supported".to_owned(),
                help: "provide the Insights query, or the dashboard, query definitions, Terraform, CloudFormation or CDK code \
                       that contains it; the JSON of `aws lambda get-function-configuration`; NAME=value lines; a .tfvars \
                       file; or SQL"
                    .to_owned(),
                is_open: true,
            }),
        }
    }
    settings.end();
    let Settings {
        environment,
        mut carried,
        left: of_settings,
    } = settings;
    left.extend(of_settings);
    left.extend(enrolment.left);
    carried.extend(enrolment.carried);
    let mut wish = wish(options, environment, enrolment.users);
    let name = wish
        .environments
        .first()
        .map(|environment| environment.name.clone())
        .unwrap_or_default();
    let faults = wish.faults();

    let queries = queries(&old, &wish, &faults)?;
    wish.proposals = proposals(&queries, &wish);
    for one in &mut carried {
        one.becomes = one.becomes.replace("ENV.yaml", &format!("{name}.yaml"));
    }
    let tree = if faults.is_empty() {
        tree(&wish)
    } else {
        Vec::new()
    };
    Ok(Migration {
        format_version: FORMAT_VERSION,
        inputs: read,
        queries,
        carried,
        left,
        environment: name,
        files: tree.iter().map(|file| file.path.clone()).collect(),
        tree,
        wish,
        faults,
    })
}

fn wish(
    options: &Options,
    mut environment: crate::begin::EnvironmentWish,
    users: Vec<crate::begin::UserWish>,
) -> Wish {
    if let Some(name) = &options.environment {
        environment.name.clone_from(name);
    }
    if options.account.is_some() {
        environment.account.clone_from(&options.account);
    }
    if options.region.is_some() {
        environment.region.clone_from(&options.region);
    }
    let knows_nothing = environment.clusters.is_empty()
        && environment.account.is_none()
        && environment.region.is_none();
    let provider = if knows_nothing {
        // A query alone, or SQL: the files can be tried in a folder.
        environment.clusters.push(ClusterWish::aurora("shop"));
        environment.emails.clear();
        environment.https.clear();
        Provider::Local
    } else {
        Provider::Aws
    };
    if environment.name.is_empty() {
        let usual = if knows_nothing { "local" } else { "production" };
        usual.clone_into(&mut environment.name);
    }
    Wish {
        provider,
        forge: options.forge,
        owner: options.owner.clone(),
        code_owners: Vec::new(),
        environments: vec![environment],
        users,
        today: options.today,
        proposals: String::new(),
    }
}

/// The policy that old queries are compared with: the new files, or the shipped rules where something of the
/// environment is still missing.
fn compared(wish: &Wish, faults: &[Fault]) -> policy::Loaded {
    let mut wish = wish.clone();
    if !faults.is_empty() {
        wish = Wish {
            provider: Provider::Local,
            forge: Forge::None,
            owner: "nobody".to_owned(),
            code_owners: Vec::new(),
            environments: vec![crate::begin::EnvironmentWish {
                name: "local".to_owned(),
                clusters: vec![ClusterWish::aurora("shop")],
                ..crate::begin::EnvironmentWish::default()
            }],
            users: Vec::new(),
            ..wish
        };
    }
    policy::load_from(tree(&wish).into_iter().map(|file| (file.path, file.text)))
}

fn queries(
    old: &[(String, OldQuery)],
    wish: &Wish,
    faults: &[Fault],
) -> Result<Vec<QueryReport>, MigrateError> {
    if old.is_empty() {
        return Ok(Vec::new());
    }
    let loaded = compared(wish, faults);
    let environment = loaded
        .policy
        .environments
        .first()
        .ok_or_else(|| MigrateError("there is no environment".to_owned()))?;
    let new = Judge::new(&Rules::of(&loaded.policy, environment));
    Ok(old
        .iter()
        .map(|(file, query)| {
            let whole = Trial {
                old: query,
                new: &new,
            };
            let dropping: Vec<usize> = (0..)
                .zip(&query.exclusions)
                .filter(|(_, condition)| whole.drops_everything(condition))
                .map(|(index, _)| index)
                .collect();
            // Beside one that takes everything away nothing could be seen of the others.
            let rest = query.without(&dropping);
            let trial = Trial {
                old: &rest,
                new: &new,
            };
            let exclusions = query
                .exclusions
                .iter()
                .enumerate()
                .map(|(index, condition)| {
                    let drops_everything = dropping.contains(&index);
                    let tried = if drops_everything {
                        Tried::default()
                    } else {
                        trial.hide(condition)
                    };
                    OldExclusion {
                        at: condition.at.clone(),
                        text: condition.shown.clone(),
                        evadable: drops_everything || tried.silent > 0,
                        drops_everything,
                        tried,
                        in_its_place: if drops_everything {
                            Replacement::default()
                        } else {
                            replacement(condition, &loaded, &new)
                        },
                    }
                });
            QueryReport {
                file: file.clone(),
                includes: query
                    .includes
                    .iter()
                    .map(|condition| OldInclude {
                        at: condition.at.clone(),
                        text: condition.shown.clone(),
                    })
                    .collect(),
                misses: trial.misses(),
                exclusions: exclusions.collect(),
            }
        })
        .collect())
}

/// The proposals of all queries, each once.
fn proposals(queries: &[QueryReport], wish: &Wish) -> String {
    let mut all: Vec<String> = Vec::new();
    for exclusion in queries.iter().flat_map(|query| &query.exclusions) {
        if let Some(proposal) = &exclusion.in_its_place.proposal {
            let expires = wish.today.checked_add(90.days()).unwrap_or(wish.today);
            let text = proposal
                .replace("owner: OWNER", &format!("owner: {}", scalar(&wish.owner)))
                .replace("created: CREATED", &format!("created: {}", wish.today))
                .replace("expires: EXPIRES", &format!("expires: {expires}"));
            if !all.contains(&text) {
                all.push(text);
            }
        }
    }
    let mut roles: Vec<(String, String)> = Vec::new();
    for exclusion in queries.iter().flat_map(|query| &query.exclusions) {
        let at = format!(
            "{} ({}:{})",
            exclusion.text, exclusion.at.file, exclusion.at.line
        );
        if let Some(role) = &exclusion.in_its_place.role
            && !roles.iter().any(|(known, _)| known == role)
        {
            roles.push((role.clone(), at));
        }
    }
    let accounts = accounts(&roles, &wish.owner);
    if !accounts.is_empty() {
        all.push(accounts);
    }
    all.join("\n")
}
