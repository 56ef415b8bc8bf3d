//! The rules of one environment: everything that decides what the judge says, and nothing else.
//!
//! They travel as one JSON file, with the function in Lambda too. The same policy gives the same bytes, so that a digest
//! tells whether two places judge alike.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::grants::RuleGrant;
use super::people::Person;
use super::records::RuleRecords;
use super::severity::RuleSensitivity;
use crate::audit_log::prefix::LogLinePrefix;
use crate::digest;
use crate::policy::model::{
    Environment, Exclusion, GrantKind, Match, Policy, Records, RoleMatch, Signal,
};

/// Version of the file's form. A reader refuses a version that it does not know.
const FORMAT: u32 = 1;

/// The rules of one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// `log_line_prefix` of the log.
    pub prefix: LogLinePrefix,
    /// What is counted, in the order of [`Signal::ALL`].
    pub signals: Vec<Signal>,
    /// Accounts that are deliberately not audited.
    pub accounts: Vec<RoleMatch>,
    /// Roles on whose records no exclusion has an effect, sorted.
    pub protected_users: Vec<String>,
    /// Exclusions, in the order of the policy.
    pub exclusions: Vec<Rule>,
    /// Work that is expected, in the order of the policy.
    pub grants: Vec<RuleGrant>,
    /// Records that no grant covers; none where there are no grants.
    pub never_expected: Vec<RuleRecords>,
    /// How much detections matter, in the order of the policy.
    pub sensitivity: Vec<RuleSensitivity>,
    /// The people that the policy audits in the environment, also those whose enrolment has ended.
    pub people: Vec<Person>,
}

/// One exclusion, as far as the judge looks at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub id: String,
    /// The last day on which it silences anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_day: Option<Date>,
    #[serde(rename = "match")]
    pub matcher: Match,
}

impl Rule {
    /// What the judge looks at of an exclusion.
    pub fn of(exclusion: &Exclusion) -> Self {
        Self {
            id: exclusion.id.clone(),
            last_day: exclusion.last_day(),
            matcher: exclusion.matcher.clone(),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    log_line_prefix: String,
    signals: Vec<String>,
    service_accounts: Vec<Account>,
    protected_users: Vec<String>,
    exclusions: Vec<Rule>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    grants: Vec<RuleGrant>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    never_expected: Vec<RuleRecords>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sensitivity: Vec<RuleSensitivity>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    people: Vec<Person>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Account {
    Role(String),
    Pattern(String),
}

/// Why a file of rules cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// It is not JSON of this form.
    #[error("the rules cannot be read: {0}")]
    Form(#[from] serde_json::Error),
    /// A later version of pgvigil wrote it, or something else did.
    #[error("the rules have the format {0}, but this version of pgvigil reads the format {FORMAT}")]
    Format(u32),
    /// It holds a word that is not known.
    #[error("the rules contain an unknown {what}: `{value}`")]
    Unknown { what: &'static str, value: String },
}

impl Rules {
    /// No account and no exclusion, and the signal `dml` alone.
    pub fn new(prefix: LogLinePrefix) -> Self {
        Self {
            prefix,
            signals: vec![Signal::Dml],
            accounts: Vec::new(),
            protected_users: Vec::new(),
            exclusions: Vec::new(),
            grants: Vec::new(),
            never_expected: Vec::new(),
            sensitivity: Vec::new(),
            people: Vec::new(),
        }
    }

    /// What applies in an environment of the policy.
    pub fn of(policy: &Policy, environment: &Environment) -> Self {
        let mut protected_users: Vec<String> = policy
            .protected
            .iter()
            .filter_map(Records::whole_users)
            .flatten()
            .cloned()
            .collect();
        protected_users.sort_unstable();
        protected_users.dedup();
        Self {
            prefix: environment.log_line_prefix,
            signals: environment.signals.iter().map(|s| s.signal).collect(),
            accounts: policy
                .service_accounts_in(environment)
                .map(|account| account.role.clone())
                .collect(),
            protected_users,
            exclusions: policy.exclusions_in(environment).map(Rule::of).collect(),
            grants: policy.grants_in(environment).map(RuleGrant::of).collect(),
            never_expected: if policy.grants_in(environment).next().is_some() {
                policy.protected.iter().map(RuleRecords::of).collect()
            } else {
                Vec::new()
            },
            sensitivity: policy.sensitivity.iter().map(RuleSensitivity::of).collect(),
            people: policy
                .users
                .iter()
                .filter(|user| user.environments.contains(&environment.name))
                .map(Person::of)
                .collect(),
        }
    }

    /// The rules as a JSON file: the same rules give the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let file = File {
            format: FORMAT,
            log_line_prefix: self.prefix.as_str().to_owned(),
            signals: self
                .signals
                .iter()
                .map(|signal| signal.name().to_owned())
                .collect(),
            service_accounts: self
                .accounts
                .iter()
                .map(|account| match account {
                    RoleMatch::Name(name) => Account::Role(name.clone()),
                    RoleMatch::Pattern(pattern) => Account::Pattern(pattern.as_str().to_owned()),
                })
                .collect(),
            protected_users: self.protected_users.clone(),
            exclusions: self.exclusions.clone(),
            grants: self.grants.clone(),
            never_expected: self.never_expected.clone(),
            sensitivity: self.sensitivity.clone(),
            people: self.people.clone(),
        };
        // Texts, numbers and lists always serialise.
        let mut bytes = serde_json::to_vec_pretty(&file).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads what [`Rules::to_bytes`] wrote.
    ///
    /// # Errors
    /// If the bytes are something else, or of another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RulesError> {
        let file: File = serde_json::from_slice(bytes)?;
        if file.format != FORMAT {
            return Err(RulesError::Format(file.format));
        }
        let unknown = |what: &'static str, value: &str| RulesError::Unknown {
            what,
            value: value.to_owned(),
        };
        let prefix = file
            .log_line_prefix
            .parse()
            .map_err(|_| unknown("log_line_prefix", &file.log_line_prefix))?;
        let signals = file
            .signals
            .iter()
            .map(|name| Signal::named(name).ok_or_else(|| unknown("signal", name)))
            .collect::<Result<_, _>>()?;
        for name in file
            .sensitivity
            .iter()
            .flat_map(|entry| entry.signals.iter().flatten())
        {
            Signal::named(name).ok_or_else(|| unknown("signal", name))?;
        }
        for grant in &file.grants {
            for kind in &grant.kinds {
                GrantKind::named(kind).ok_or_else(|| unknown("kind of a grant", kind))?;
            }
        }
        let accounts = file
            .service_accounts
            .into_iter()
            .map(|account| match account {
                Account::Role(name) => Ok(RoleMatch::Name(name)),
                Account::Pattern(text) => crate::policy::Pattern::read(&text)
                    .map(RoleMatch::Pattern)
                    .map_err(|_| unknown("pattern", &text)),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            prefix,
            signals,
            accounts,
            protected_users: file.protected_users,
            exclusions: file.exclusions,
            grants: file.grants,
            never_expected: file.never_expected,
            sensitivity: file.sensitivity,
            people: file.people,
        })
    }

    /// SHA-256 of the file, in hexadecimal.
    pub fn digest(&self) -> String {
        digest::sha256(self.to_bytes())
    }
}
