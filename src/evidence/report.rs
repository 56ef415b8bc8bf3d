//! The report of a period as data: one document, from which every form is rendered. The same inputs give the same document.
//! Texts in it come from logs and from commits, and are hostile.

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use super::drift::DriftCheck;
use super::history::PolicyChange;
use super::hours::Gap;
use super::origin::Origin;
use super::period::Period;
use super::touched::Touched;
use crate::policy::model::{Severity, Signal};

/// Version of the document. It grows when a program that reads the older one would be misled.
pub const FORMAT_VERSION: u32 = 1;

/// Who touched what in a period, what became of it, and what the answers rest on.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Report {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The version of pgvigil.
    pub pgvigil: String,
    /// The environment.
    pub environment: String,
    /// The days, in UTC.
    pub period: Period,
    /// Whether everything that was given could be read, and no hour of the period is without evidence.
    pub complete: bool,
    /// What is not known or was not read, a sentence each. Empty if the report is complete.
    pub lacks: Vec<String>,
    /// The questions of an auditor, each with its answer.
    pub answers: Vec<Answer>,
    /// Sums.
    pub totals: Totals,
    /// Who touched what in the whole period: the gravest first.
    pub touched: Vec<Touched>,
    /// What counted, one group a day: the gravest first.
    pub detections: Vec<Detected>,
    /// Access grants of the period, and what each covered.
    pub grants: Vec<GrantUse>,
    /// Exclusions that were in force, and what each silenced.
    pub exclusions: Vec<ExclusionUse>,
    /// The people who were audited.
    pub people: Vec<Audited>,
    /// Accounts that were deliberately not audited.
    pub accounts: Vec<NotAudited>,
    /// Changes of the policy, the oldest first.
    pub changes: Vec<PolicyChange>,
    /// The rules that judged, and the commits that have them.
    pub rules: Vec<RulesSeen>,
    /// Of which hours something is known.
    pub coverage: Coverage,
    /// Checks for changes outside pgvigil, by their day.
    pub drift: Vec<DriftCheck>,
    /// What the report was made of.
    pub inputs: Vec<Input>,
}

/// A question of an auditor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Answer {
    /// The question.
    pub question: String,
    /// Whether the report answers it.
    pub state: State,
    /// The answer in a sentence, or why there is none and where to look.
    pub answer: String,
    /// The part of the report that has the details.
    pub section: Option<String>,
}

/// How far a question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The report has the answer.
    Answered,
    /// It has a part of it.
    Partly,
    /// It has not: the inputs do not say.
    NotAnswered,
}

impl State {
    /// The words in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Partly => "partly answered",
            Self::NotAnswered => "not answered",
        }
    }
}

/// Sums of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Totals {
    /// Groups of what counted.
    pub detections: u64,
    /// Statements in them.
    pub statements: u64,
    /// Records in them.
    pub records: u64,
    /// Records that no one judged one by one.
    pub not_judged: u64,
    /// Groups that a grant covers.
    pub expected: u64,
    /// Groups that no grant covers.
    pub not_expected: u64,
    /// Of those, groups that a note in Git explains: its finding is not `open`, and another person wrote it.
    pub explained: u64,
    /// Of those, groups that no note explains.
    pub unexplained: u64,
    /// Records that exclusions silenced.
    pub silenced: u64,
}

/// What one role did to one object on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Detected {
    /// What notes call it: the same for the same group, on any machine and from any input.
    pub id: String,
    /// The day in UTC; none if a record has no time that can be read.
    #[schemars(with = "Option<String>")]
    pub day: Option<Date>,
    /// The cluster; `-` if the inputs do not say.
    pub cluster: String,
    /// Role.
    pub user: String,
    /// Who answers for the role's entry in the policy; none if no file declares the role.
    pub owner: Option<String>,
    /// The person's team.
    pub team: Option<String>,
    /// The person's name in single sign-on or IAM.
    pub identity: Option<String>,
    /// What sessions called themselves, where several people use the role. Whoever connects chooses it.
    pub session_names: Vec<String>,
    /// Database.
    pub database: String,
    /// Addresses of clients, up to 20.
    pub clients: Vec<String>,
    /// Class of pgAudit; the level of a refusal.
    pub class: String,
    /// Command; the message of a refusal.
    pub command: String,
    /// Object.
    pub object: String,
    /// The signals that count it.
    pub signals: Vec<Signal>,
    /// The highest severity among its records.
    pub severity: Severity,
    /// Why it is as high.
    pub severity_reason: String,
    /// Statements.
    pub statements: u64,
    /// Records.
    pub records: u64,
    /// Records that no one judged one by one.
    pub not_judged: u64,
    /// When the first was written, in UTC.
    #[schemars(with = "Option<String>")]
    pub first: Option<Timestamp>,
    /// When the last was written.
    #[schemars(with = "Option<String>")]
    pub last: Option<Timestamp>,
    /// The access grant that covers it; none if it was not expected.
    pub expected: Option<String>,
    /// What became of it, the oldest note first.
    pub notes: Vec<Noted>,
}

/// What a note in Git says of a detection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Noted {
    /// Id of the note.
    pub note: String,
    /// What was found.
    pub finding: String,
    /// In words.
    pub text: String,
    /// Who answers for it.
    pub author: String,
    /// On which day.
    #[schemars(with = "String")]
    pub date: Date,
    /// The ticket.
    pub ticket: Option<String>,
    /// The author is the person who did the work: the note explains nothing.
    pub about_oneself: bool,
}

/// An access grant whose time meets the period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GrantUse {
    /// Its id.
    pub id: String,
    /// Roles.
    pub users: Vec<String>,
    /// Relations.
    pub relations: Vec<String>,
    /// What may be done to them.
    pub kinds: Vec<String>,
    /// Its first moment, in UTC.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// The first moment after it.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The ticket.
    pub ticket: Option<String>,
    /// When its commit reached the main line; none if the history does not say.
    #[schemars(with = "Option<String>")]
    pub committed: Option<Timestamp>,
    /// It was committed after its time had begun.
    pub after_the_fact: bool,
    /// Statements that it covered.
    pub statements: u64,
}

/// An exclusion that was in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExclusionUse {
    /// Its id.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// Why what it silences is harmless.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The ticket.
    pub ticket: Option<String>,
    /// The first day of the period on which it was in force.
    #[schemars(with = "String")]
    pub since: Date,
    /// The last day of the period on which it was.
    #[schemars(with = "String")]
    pub until: Date,
    /// The last day on which it silences anything; none if it has no end.
    #[schemars(with = "Option<String>")]
    pub expires: Option<Date>,
    /// Records that it silenced; none if the inputs do not say. The monitor counts a record for each exclusion that silences
    /// it, and a judged log for the first of them.
    pub silenced: Option<u64>,
    /// The commit that added or last changed it; none if the history that was read does not say.
    pub origin: Option<Origin>,
}

/// A person who was audited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Audited {
    /// Role.
    pub role: String,
    /// Who answers for the entry.
    pub owner: String,
    /// The person's team.
    pub team: Option<String>,
    /// The person's name in single sign-on or IAM.
    pub identity: Option<String>,
    /// Several people use the role.
    pub shared: bool,
    /// The first day of the period on which the person was audited.
    #[schemars(with = "String")]
    pub since: Date,
    /// The last day of the period on which the person was.
    #[schemars(with = "String")]
    pub until: Date,
    /// Statements that counted.
    pub statements: u64,
}

/// An account that was deliberately not audited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NotAudited {
    /// Role, or a pattern of roles.
    pub role: String,
    /// Whether it is a pattern.
    pub pattern: bool,
    /// Whether it is a role of the platform.
    pub system: bool,
    /// Why.
    pub reason: String,
    /// Who answers for the entry.
    pub owner: String,
    /// The first day of the period on which it was declared.
    #[schemars(with = "String")]
    pub since: Date,
    /// The last day of the period on which it was.
    #[schemars(with = "String")]
    pub until: Date,
}

/// Rules that judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RulesSeen {
    /// Their digest: SHA-256 in hexadecimal.
    pub digest: String,
    /// The commit of the period whose policy has these rules; none if there is none.
    pub commit: Option<String>,
    /// Whether they are the rules of the files as they are now.
    pub now: bool,
    /// Groups that they counted.
    pub detections: u64,
}

/// Of which hours something is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Coverage {
    /// Hours of the period.
    pub hours: usize,
    /// Those of which the inputs say something.
    pub known: usize,
    /// The others.
    pub gaps: Vec<Gap>,
    /// What the figures rest on, in a sentence.
    pub rests_on: String,
    /// The log groups of the environment's clusters: an hour needs evidence of each that it had then.
    pub log_groups: Vec<String>,
    /// Runs of the monitor in the records.
    pub runs: u64,
    /// Errors of the monitor in the records. What a run that failed has missed is missing from the hours, unless a later one
    /// made it up.
    pub errors: u64,
    /// Records of other environments in the inputs: they were left out.
    pub foreign: u64,
    /// Detections outside the period in the inputs: they were left out.
    pub outside: u64,
}

/// Something that the report was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Input {
    /// `logs`, `records`, `drift`, `notes` or `policy`.
    pub kind: String,
    /// Its name: a path as it was given, or a commit.
    pub name: String,
    /// Its size in bytes; none for a commit, and for what could not be read.
    pub bytes: Option<u64>,
    /// SHA-256 in hexadecimal; none for what could not be read.
    pub sha256: Option<String>,
}
