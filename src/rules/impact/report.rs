//! The result of [`impact`](super) as data: one document, from which the terminal, the pull-request
//! comment, the page and the JSON are rendered. Texts in it come from logs and are hostile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::rules::direction::{Change, Verdict as Direction};
pub use crate::rules::hearing::{Hearing, HearingChange, Hears};

/// Version of the document. It grows when a program that reads the older one would be misled.
pub const FORMAT_VERSION: u32 = 1;

/// What a change of the policy does in one environment.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ImpactReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The version of pgvigil.
    pub pgvigil: String,
    /// The day for which the policies are judged, as `YYYY-MM-DD`.
    pub today: String,
    /// The environment.
    pub env: String,
    /// Before the change.
    pub base: Revision,
    /// After it.
    pub head: Revision,
    /// What was read.
    pub logs: Logs,
    /// Sums over all records.
    pub totals: Totals,
    /// Every exclusion of either policy that applies in the environment: head's in its order, then
    /// those that were removed.
    pub exclusions: Vec<ExclusionImpact>,
    /// Service accounts that were added, removed or changed.
    pub accounts: Vec<AccountImpact>,
    /// Signals that base counts and head does not, by name.
    pub signals_off: Vec<String>,
    /// What base counts and head does not, most records first.
    pub newly_silent: Vec<Group>,
    /// What head counts and base does not, most records first.
    pub newly_loud: Vec<Group>,
    /// Groups beyond those listed, of both kinds.
    pub groups_left_out: u64,
    /// Whether head silences more than base, all in all, or covers less.
    pub direction: Direction,
    /// What the alarm covers more or less, apart from exclusions: people, signals, receivers and the rest of the policy.
    #[serde(default)]
    pub hearing: Hearing,
    /// Why a pull request with this change has to fail; empty if nothing forbids it.
    pub faults: Vec<Fault>,
    /// Who has to agree.
    pub approvals: Approvals,
    /// Counted and silenced records over time, in equal steps, without gaps.
    pub timeline: Timeline,
}

impl ImpactReport {
    /// Whether nothing forbids the change.
    pub fn passed(&self) -> bool {
        self.faults.is_empty()
    }
}

/// A state of the policy repository.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Revision {
    /// As the person named it: a branch, a commit, or `working tree`.
    pub name: String,
    /// The commit; none for the working tree.
    pub commit: Option<String>,
    /// Digest of the rules that the judge decided by.
    pub rules_digest: String,
}

/// What was read.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Logs {
    /// Names of the inputs.
    pub files: Vec<String>,
    /// Bytes, decompressed.
    pub bytes: u64,
    /// Log entries, audit records or not.
    pub entries: u64,
    /// Text that belongs to no log entry.
    pub foreign: u64,
    /// Faults of the input.
    pub broken: u64,
    /// What was read and is not what it seems, a sentence each: the effect is not measured there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
    /// Time of the earliest record, RFC 3339 in UTC.
    pub first: Option<String>,
    /// Time of the latest record.
    pub last: Option<String>,
}

/// Sums. A statement has a record for each relation that it touches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Audit records that a signal counts or would without exclusions and service accounts.
    pub records: u64,
    /// Those of accounts that head deliberately does not audit.
    pub of_accounts: u64,
    /// `records` without `of_accounts`: what people and undeclared roles did.
    pub of_people: u64,
    /// Records of people that base counts.
    pub counted_base: u64,
    /// Records of people that head counts.
    pub counted_head: u64,
    /// Records of people that exclusions of base silence.
    pub silenced_base: u64,
    /// Records of people that exclusions of head silence.
    pub silenced_head: u64,
    /// Records that base counts and head does not.
    pub newly_silent: u64,
    /// Records that head counts and base does not.
    pub newly_loud: u64,
    /// `silenced_base` by `of_people`: 0 to 1; 0 where there are none.
    pub share_base: f64,
    /// `silenced_head` by `of_people`.
    pub share_head: f64,
}

/// One exclusion.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ExclusionImpact {
    /// Its id.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// Why what it silences is harmless.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Where it was agreed.
    pub ticket: Option<String>,
    /// The file with it, in head; in base if it was removed.
    pub file: String,
    /// Line of the id, counted from 1.
    pub line: usize,
    /// The last day on which it silences, as `YYYY-MM-DD`.
    pub last_day: Option<String>,
    /// Days that are left, negative when it has ended.
    pub days_left: Option<i64>,
    /// Who accepts the risk that it is used to evade the alarm, if anyone does.
    pub accepted_by: Option<String>,
    /// What happened to it.
    pub change: Change,
    /// Whether it silences more than before.
    pub direction: Direction,
    /// Why, in one sentence; empty when unchanged.
    pub why: String,
    /// Relations outside the system schemas that it silences and did not, whatever the text is: no trick is needed to read
    /// them.
    #[serde(default)]
    pub opens: Vec<String>,
    /// A record that it newly silences, as proof.
    pub counterexample: Option<Counterexample>,
    /// Records of people that it was the first to silence in base.
    pub silenced_base: u64,
    /// The same in head.
    pub silenced_head: u64,
    /// Records that base counts and this exclusion of head silences.
    pub newly_silent: u64,
    /// Roles among the records that it silences in head.
    pub users: u64,
    /// `silenced_head` by the records of people: 0 to 1.
    pub share: f64,
    /// The largest share that the policy allows, if it names one.
    pub max_share: Option<f64>,
    /// When it last silenced a record in head, RFC 3339; none if it silenced nothing.
    pub last_used: Option<String>,
    /// What the evasion analysis found; none if it was not run on it.
    pub attack: Option<Attack>,
    /// What the tests of it are worth; none if they were not run.
    pub tests: Option<Tests>,
}

/// A record that shows a difference.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Counterexample {
    /// Role.
    pub user: String,
    /// Class.
    pub class: String,
    /// Command.
    pub command: String,
    /// Object type; empty for none.
    pub object_type: String,
    /// Object; empty for none.
    pub object: String,
    /// The SQL text; none where it does not matter.
    pub statement: Option<String>,
}

/// What the evasion analysis found.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Attack {
    /// Statements that were tried.
    pub tried: u64,
    /// Statements that stay silent, as a person could paste them. Shortest first, not all.
    pub evasions: Vec<Evasion>,
    /// All that stay silent.
    pub silent: u64,
}

/// A statement that an exclusion silences although it does harm.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Evasion {
    /// What the statement does, in a few words.
    pub does: String,
    /// The SQL text.
    pub statement: String,
}

/// What the tests of an exclusion are worth.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Tests {
    /// Samples that it silences.
    pub silences: u64,
    /// Near misses that stay loud.
    pub near_misses: u64,
    /// Mutants that the samples notice.
    pub killed: u64,
    /// Mutants that were tried.
    pub mutants: u64,
    /// The others, in words.
    pub survivors: Vec<String>,
}

/// A service account that was added, removed or changed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct AccountImpact {
    /// The role or the pattern.
    pub role: String,
    /// Whether `role` is a pattern.
    pub is_pattern: bool,
    /// What happened to it.
    pub change: Change,
    /// Why it is not audited.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
}

/// Records of one user, command and object that changed sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// Role.
    pub user: String,
    /// Class.
    pub class: String,
    /// Command.
    pub command: String,
    /// Object; empty for none.
    pub object: String,
    /// Records.
    pub records: u64,
    /// What silences them: exclusions in head for what is newly silent, in base for what is newly loud. `service account`
    /// stands for those that are not audited.
    pub by: Vec<String>,
    /// Whether it touches what is protected, or writes.
    pub is_grave: bool,
    /// Time of the first, RFC 3339 in UTC; empty if none can be read.
    pub first: String,
    /// Time of the last.
    pub last: String,
    /// At most three statements, literals redacted, each once.
    pub examples: Vec<Example>,
}

/// One statement of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Example {
    /// Name of the input.
    pub file: String,
    /// Line of the entry, counted from 1.
    pub line: u64,
    /// The SQL text with literals redacted, shortened.
    pub statement: String,
}

/// Why a change has to be refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// A stable name, such as `impact/share`.
    pub code: String,
    /// The exclusion meant; none for all of them.
    pub exclusion: Option<String>,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Who has to agree to a change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approvals {
    /// How many people.
    pub required: u32,
    /// Why that many.
    pub reasons: Vec<String>,
    /// Owners of what changed, who should be among them.
    pub owners: Vec<String>,
    /// Addresses that cannot approve: authors of the change, and people whose own role it covers.
    pub not_by: Vec<String>,
    /// Who wrote the change, by the addresses of its commits.
    pub authors: Vec<String>,
}

/// Counted and silenced records over time, by head.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    /// Seconds that a step is long: a multiple of 3600.
    pub step_seconds: u64,
    /// Start of the first step, in seconds since 1970.
    pub start: i64,
    /// Records that count, one for each step.
    pub counted: Vec<u64>,
    /// Records that exclusions silence, one for each step.
    pub silenced: Vec<u64>,
    /// The same by role, most records first; roles beyond a dozen are one row, `others`.
    pub by_user: Vec<Row>,
    /// Silenced records by exclusion, in the order of the policy.
    pub by_exclusion: Vec<Row>,
}

/// One row of the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// Role or exclusion.
    pub name: String,
    /// Records that count; empty for an exclusion.
    pub counted: Vec<u64>,
    /// Records that are silenced.
    pub silenced: Vec<u64>,
}
