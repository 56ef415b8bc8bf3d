//! The Logs Insights queries of an environment: what is counted, and what a responder reads.
//!
//! Both share one row part, so that the alarm, the dashboard and the runbook never disagree. It is
//! written for a reviewer and for an engine of which little is documented: one exclusion is one
//! `filter` stage, each stage a flat list of reasons why a record stays loud, joined by `or`.
//! A field that is missing makes its record loud, whichever way the service compares missing fields.
//!
//! ```text
//! has an audit head ─> fields that the server wrote ─> not an audit record? ─> in scope? ─> not a
//! service account? ─> exclusion 1 … n ─> counted
//! ```

use crate::audit_log::prefix::LogLinePrefix;
use jiff::civil::Date;

use crate::policy::model::{
    Environment, Exclusion, Match, Policy, Records, RoleMatch, ServiceAccount, Signal, Statement,
};

use crate::judge::scope::{MISC_OUT_OF_SCOPE, REFUSAL_LEVELS};
pub use crate::judge::signals_of;
use crate::judge::{Rule, Rules};

use super::pattern;

mod signal_rows;
pub mod room;

/// Characters that StartQuery and PutQueryDefinition accept (CloudWatch Logs API, `QueryString`).
pub const QUERY_LIMIT: usize = 10_000;

/// What the investigation query shows of the records that the rows leave.
const INVESTIGATE: [&str; 4] = [
    "parse pgText /^,(?<pgStatement>[\\s\\S]*)/",
    "display @timestamp, pgUser, pgDatabase, pgClient, pgClass, pgCommand, pgObject, pgStatement, \
     @message, @logStream, @log",
    "sort @timestamp desc",
    "limit 1000",
];

/// Rows that a query returns at most (Logs Insights, `limit`).
pub const ROW_LIMIT: u32 = 10_000;

/// A statement has a record for each relation, and one head for all of them. A line that is not understood stands for
/// itself.
const STATEMENTS: &str = "count_distinct(concat(@logStream, ' ', coalesce(pgPid, '-'), ' ', coalesce(pgIds, @message))) \
     as statements, count(*) as records";

/// A day after every exclusion: in the year 2243.
const NO_DAY: u32 = 99_999;

/// How the messages begin that PostgreSQL writes when somebody lacks a right or is not let in: those with the
/// SQLSTATE 42501, and of class 28 (PostgreSQL, `ERRCODE_INSUFFICIENT_PRIVILEGE` and
/// `ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION` in src/backend). English, as RDS writes them.
const REFUSALS: &str = "(?:[^:\\n]*(?:authentication failed|pg_hba|row-level)|must (?:be|have) |only (?:role|superuse)|\
     permission denied|role \")";

/// The SQLSTATE that `log_error_verbosity = verbose` puts before a message.
const VERBOSE: &str = "(?:[0-9A-Z]{5}: )?";

/// What a statement or a refusal names that decides what is logged: pgAudit and its settings, the threshold of the
/// log, the libraries that are loaded, and all settings of a role at once.
const TAMPERING: &str = r"pgaudit|log_min_messages|preload_libraries|alter [^;]*reset[ \t\r\n]+all";

/// What a stage of the row part decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StageRole {
    /// Reads fields, decides nothing.
    Extract,
    /// Drops lines that hold no audit record.
    NotARecord,
    /// Drops records that no signal counts.
    Scope,
    /// Drops records of accounts that are deliberately not audited.
    ServiceAccounts,
    /// Drops what this exclusion silences.
    Exclusion(String),
    Result,
}

/// A compiled query: its text, and what each of its stages is for.
#[derive(Debug, Clone)]
pub struct CompiledQuery {
    /// What StartQuery is given.
    pub text: String,
    /// The role of each stage, in the order of the text.
    pub stages: Vec<StageRole>,
    /// Characters that each exclusion takes, in the order of the policy.
    pub shares: Vec<(String, usize)>,
    pub signals: Vec<Signal>,
}

impl CompiledQuery {
    /// Length as the service counts it, in characters.
    pub fn length(&self) -> usize {
        self.text.chars().count()
    }
}

/// What a query is compiled from.
#[derive(Debug, Clone)]
pub struct QuerySource<'a> {
    /// `log_line_prefix` of the log.
    pub prefix: LogLinePrefix,
    /// Accounts that are out of scope.
    pub service_accounts: Vec<&'a ServiceAccount>,
    /// Exclusions, in the order in which they are tried.
    pub exclusions: Vec<&'a Exclusion>,
    /// Roles that no exclusion has an effect on.
    pub protected_users: Vec<&'a str>,
    /// The signals that are counted.
    pub signals: Vec<Signal>,
    /// Length of a window, in minutes.
    pub window_minutes: u32,
}

impl<'a> QuerySource<'a> {
    /// The signal `dml` alone, with no account and no exclusion.
    pub fn new(prefix: LogLinePrefix) -> Self {
        Self {
            prefix,
            service_accounts: Vec::new(),
            exclusions: Vec::new(),
            protected_users: Vec::new(),
            signals: vec![Signal::Dml],
            window_minutes: 5,
        }
    }

    /// What applies in an environment of the policy.
    pub fn of(policy: &'a Policy, environment: &'a Environment) -> Self {
        Self {
            prefix: environment.log_line_prefix,
            service_accounts: policy.service_accounts_in(environment).collect(),
            exclusions: policy.exclusions_in(environment).collect(),
            protected_users: protected_users(&policy.protected),
            signals: environment.signals.iter().map(|s| s.signal).collect(),
            window_minutes: environment.monitor.window_minutes,
        }
    }

    /// The same as the judge has it.
    pub fn rules(&self) -> Rules {
        Rules {
            prefix: self.prefix,
            signals: self.signals.clone(),
            accounts: self
                .service_accounts
                .iter()
                .map(|account| account.role.clone())
                .collect(),
            protected_users: self
                .protected_users
                .iter()
                .map(|user| (*user).to_owned())
                .collect(),
            exclusions: self
                .exclusions
                .iter()
                .map(|exclusion| Rule::of(exclusion))
                .collect(),
            grants: Vec::new(),
            never_expected: Vec::new(),
            sensitivity: Vec::new(),
            people: Vec::new(),
        }
    }

    fn counts(&self, signal: Signal) -> bool {
        self.signals.contains(&signal)
    }

    /// Everything of the policy that decides what the query says.
    pub fn provenance(&self) -> String {
        let accounts: Vec<&RoleMatch> = self
            .service_accounts
            .iter()
            .map(|account| &account.role)
            .collect();
        let exclusions: Vec<(&str, Option<Date>, &Match)> = self
            .exclusions
            .iter()
            .map(|exclusion| {
                (
                    exclusion.id.as_str(),
                    exclusion.last_day(),
                    &exclusion.matcher,
                )
            })
            .collect();
        format!(
            "{:?}\n{accounts:?}\n{:?}\n{exclusions:?}\n{:?}\n{}",
            self.prefix, self.protected_users, self.signals, self.window_minutes
        )
    }

    /// What counts, as a text for people: statements by window of ingestion, log group, user, database, client,
    /// class, command and object, when they were first and last seen, and how late they came.
    ///
    /// Windows are numbered from 1970 on, as CloudWatch numbers the periods of a metric: a window is one period.
    pub fn alarm(&self, header: &str) -> CompiledQuery {
        self.fitting(header, |text| self.windows(text))
    }

    fn windows(&self, text: &mut Text) {
        // Whether `@ingestionTime` is a time or a number of milliseconds is not documented: of either it is the same.
        text.stage(StageRole::Extract, "parse pgClient /^(?<pgHost>[^(]+)/");
        text.stage(
            StageRole::Extract,
            &format!(
                "fields toMillis(@timestamp) as pgTime, (toMillis(@ingestionTime) - toMillis(@timestamp)) as pgLag, \
                 floor(toMillis(@ingestionTime) / {}) as pgWindow",
                u64::from(self.window_minutes.max(1)) * 60_000
            ),
        );
        let tampering = if self.counts(Signal::AuditTampering) {
            ", coalesce(pgTamper, '') as tampering"
        } else {
            ""
        };
        text.stage(
            StageRole::Result,
            &format!(
                "stats {STATEMENTS}, min(pgTime) as first, max(pgTime) as last, max(pgLag) as lag by @log as log, pgWindow as \
                 window, {}, coalesce(pgHost, '-') as client{tampering}",
                self.keys()
            ),
        );
        text.stage(StageRole::Result, "sort statements desc");
        text.stage(StageRole::Result, &format!("limit {ROW_LIMIT}"));
    }

    /// What people and dashboards read: statements by user, database, class, command and object.
    pub fn summary(&self, header: &str) -> CompiledQuery {
        self.fitting(header, |text| {
            text.stage(
                StageRole::Result,
                &format!("stats {STATEMENTS} by {}", self.keys()),
            );
            text.stage(StageRole::Result, "sort statements desc");
            text.stage(StageRole::Result, &format!("limit {ROW_LIMIT}"));
        })
    }

    /// The rows and what becomes of them. Where the limit of characters is near, the names of the exclusions are left
    /// out, which are comments.
    fn fitting(&self, header: &str, result: impl Fn(&mut Text)) -> CompiledQuery {
        let with = |names: bool| {
            let mut text = self.rows(header, names);
            result(&mut text);
            text.finish()
        };
        let query = with(true);
        if query.length() > QUERY_LIMIT {
            with(false)
        } else {
            query
        }
    }

    /// Who did what to what. A refusal has its level in the place of the class, and its message in that of the command.
    fn keys(&self) -> String {
        let (level, refusal) = if self.counts(Signal::Denied) {
            (", pgLevel", ", pgRefusal")
        } else {
            ("", "")
        };
        format!(
            "coalesce(pgUser, '-') as user, coalesce(pgDatabase, '-') as database, coalesce(pgClass{level}, '-') as \
             class, coalesce(pgCommand{refusal}, '-') as command, coalesce(pgObject, '-') as object"
        )
    }

    /// The investigation query: the same records, newest first, as a responder reads them.
    pub fn investigate(&self, header: &str) -> CompiledQuery {
        self.fitting(header, |text| {
            for stage in INVESTIGATE {
                text.stage(StageRole::Result, stage);
            }
        })
    }

    /// The table for a dashboard: no statements, whose literals can be personal data.
    pub fn table(&self, header: &str) -> CompiledQuery {
        self.fitting(header, |text| {
            text.stage(
                StageRole::Result,
                "display @timestamp, pgUser, pgDatabase, pgClient, pgClass, pgCommand, pgObject",
            );
            text.stage(StageRole::Result, "sort @timestamp desc");
            text.stage(StageRole::Result, "limit 100");
        })
    }

    /// The stages before the first exclusion: the fields of a record that is in scope.
    fn record(&self, header: &str) -> Text {
        let mut text = Text::new(header, &self.signals);
        let denied = self.counts(Signal::Denied);
        // Every line that can be a record or a refusal, and nothing else: what follows keeps whatever it cannot read.
        let refusals = if denied {
            format!(
                "|:{}: +{VERBOSE}{REFUSALS}",
                pattern::any_of(REFUSAL_LEVELS.iter().copied())
            )
        } else {
            String::new()
        };
        text.stage(
            StageRole::NotARecord,
            &format!(
                "filter @message like /: +AUDIT: {}{refusals}/",
                pattern::RECORD_IDS
            ),
        );
        let prefix = pattern::prefix(self.prefix);
        text.stage(
            StageRole::Extract,
            &format!("parse @message /^{prefix}(?<pgRest>[\\s\\S]*)/"),
        );
        let head = pattern::head(self.prefix);
        text.stage(
            StageRole::Extract,
            &format!("parse pgRest /^{head}(?<pgRecord>[\\s\\S]*)/"),
        );
        if denied {
            self.refusals(&mut text);
        }
        if self.counts(Signal::AuditTampering) || !self.exclusions.is_empty() {
            text.stage(
                StageRole::Extract,
                &format!("parse pgRest /(?i)(?<pgTamper>{TAMPERING})/"),
            );
        }
        // A second head: a role, database or application name may have forged the first, and a line
        // with two readings has none. `AUDIT: ` is no record, and the line stays loud. Where an
        // application name stands before the record, it must not matter which head is found first, and
        // no second prefix may hide in it.
        let ids = pattern::RECORD_IDS;
        let second = match self.prefix {
            LogLinePrefix::Short => format!("parse pgRecord /: +(?<pgTwice>AUDIT: ){ids}/"),
            LogLinePrefix::Long => {
                format!(
                    "parse pgRest /(?<pgTwice>AUDIT: {ids}[\\s\\S]*: +AUDIT: {ids}|\\]:[0-9]+:[0-9A-Z]{{5}}:[0-9])/"
                )
            }
        };
        text.stage(StageRole::Extract, &second);
        text.stage(
            StageRole::Extract,
            "fields coalesce(pgTwice, pgRecord, '') as pgSure",
        );
        text.stage(
            StageRole::Extract,
            "parse pgSure /^(?:SESSION|OBJECT),(?<pgIds>[0-9]+,[0-9]+),(?<pgWhat>[A-Z_]+,[^,\"\\n]+,[^,\"\\n]*),\
             (?<pgObject>[^,\"\\n]*|\"[^\"]*(?:\"\"[^\"]*)*\")(?<pgFields>,[\\s\\S]*)/",
        );
        text.stage(
            StageRole::Extract,
            "parse pgWhat /^(?<pgClass>[A-Z_]+),(?<pgCommand>[^,]+),(?<pgType>[^,]*)/",
        );
        // `<not logged>` and `<previously logged>` are no text; a statement never begins with `<`.
        text.stage(
            StageRole::Extract,
            "parse pgFields /^(?<pgText>,(?:\"[^\"]*(?:\"\"[^\"]*)*\"|[^,\"<][^,\"]*|)),/",
        );
        self.scope(&mut text);
        self.service_accounts(&mut text);
        self.day(&mut text);
        text
    }

    /// Reads level and message of a refusal. What merely quotes one (a statement that is logged beside its error) is
    /// no entry of its own; one under a prefix that is not understood stays.
    fn refusals(&self, text: &mut Text) {
        let level = pattern::any_of(REFUSAL_LEVELS.iter().copied());
        text.stage(
            StageRole::Extract,
            &format!(
                "parse pgRest /^{}(?<pgLevel>{level}): +{VERBOSE}(?<pgRefusal>[^\\n]*)/",
                pattern::application(self.prefix)
            ),
        );
        text.stage(
            StageRole::NotARecord,
            "filter (isempty(pgRest) = 1 or isempty(pgLevel) = 0 or @message like 'AUDIT: ')",
        );
    }

    /// Drops what no signal counts. A line that is not understood stays.
    fn scope(&self, text: &mut Text) {
        let misc = format!(
            "MISC,{}[ ,]",
            pattern::any_of(MISC_OUT_OF_SCOPE.iter().copied())
        );
        let dropped: Vec<&str> = [
            (!self.counts(Signal::Schema)).then_some("DDL,"),
            (!self.counts(Signal::Privilege)).then_some("ROLE,"),
            Some(misc.as_str()),
        ]
        .into_iter()
        .flatten()
        .collect();
        let tampering = if self.counts(Signal::AuditTampering) {
            " or (isempty(pgTamper) = 0 and pgWhat not like /^MISC,SHOW,/)"
        } else {
            ""
        };
        text.stage(
            StageRole::Scope,
            &format!(
                "filter (isempty(pgWhat) = 1 or pgWhat not like /^(?:{})/{tampering})",
                dropped.join("|")
            ),
        );
    }

    fn rows(&self, header: &str, names: bool) -> Text {
        let mut text = self.record(header);
        let mut calls = Calls::default();
        for exclusion in &self.exclusions {
            let start = text.length;
            let calls_field = calls.read(exclusion, &mut text);
            if names {
                text.comment(&exclusion.id);
            }
            let reasons: Vec<String> = reasons(exclusion, calls_field.as_deref())
                .iter()
                .map(Reason::condition)
                .collect();
            text.stage(
                StageRole::Exclusion(exclusion.id.clone()),
                &format!("filter ({})", reasons.join(" or ")),
            );
            text.shares
                .push((exclusion.id.clone(), text.length - start));
        }
        text
    }

    /// The day of the event, which ends exclusions even if nobody compiles the query anew. A missing
    /// day is a late one. So is every day of people on whom no exclusion has an effect, and of what names a setting
    /// that decides what is logged: no exclusion silences whoever tampers with the audit.
    fn day(&self, text: &mut Text) {
        if self.exclusions.is_empty() {
            return;
        }
        // Never missing, so that no condition on them depends on what a missing field compares as: an empty text
        // meets none.
        let texts = "coalesce(pgWhat, '') as pgKind, coalesce(pgObject, '') as pgName, coalesce(pgText, '') as pgSql";
        let mut loud = "pgTamper";
        if !self.protected_users.is_empty() {
            let names = pattern::any_of(self.protected_users.iter().copied());
            text.stage(
                StageRole::Extract,
                &format!("parse pgUser /^(?<pgOpen>{names})\\z/"),
            );
            loud = "pgTamper, pgOpen";
        }
        let day = format!(
            "greatest(floor(toMillis(@timestamp) / 86400000), strlen(coalesce({loud}, '')) * {NO_DAY})"
        );
        text.stage(
            StageRole::Extract,
            &format!("fields {texts}, coalesce({day}, {NO_DAY}) as pgDay"),
        );
    }

    /// Drops what accounts do that are deliberately not audited. A record that is not understood stays; who was
    /// refused stands in the prefix.
    fn service_accounts(&self, text: &mut Text) {
        let guard = if self.counts(Signal::Denied) {
            "isempty(coalesce(pgWhat, pgLevel)) = 1"
        } else {
            "isempty(pgWhat) = 1"
        };
        let mut reasons = Vec::new();
        let names: Vec<&str> = self
            .service_accounts
            .iter()
            .filter_map(|account| match &account.role {
                RoleMatch::Name(name) => Some(name.as_str()),
                RoleMatch::Pattern(_) => None,
            })
            .collect();
        if !names.is_empty() {
            reasons.push(format!("pgUser not in {}", list(&names)));
        }
        let patterns: Vec<&str> = self
            .service_accounts
            .iter()
            .filter_map(|account| match &account.role {
                RoleMatch::Pattern(pattern) => Some(pattern.as_str()),
                RoleMatch::Name(_) => None,
            })
            .collect();
        if !patterns.is_empty() {
            reasons.push(format!("pgUser not like /^(?:{})\\z/", patterns.join("|")));
        }
        if !reasons.is_empty() {
            text.stage(
                StageRole::ServiceAccounts,
                &format!(
                    "filter ({guard} or isempty(pgUser) = 1 or ({}))",
                    reasons.join(" and ")
                ),
            );
        }
    }
}

fn protected_users(protected: &[Records]) -> Vec<&str> {
    let mut users: Vec<&str> = protected
        .iter()
        .filter_map(Records::whole_users)
        .flatten()
        .map(String::as_str)
        .collect();
    users.sort_unstable();
    users.dedup();
    users
}

/// Days since 1970, as `floor(toMillis(@timestamp) / 86400000)` counts them: in UTC.
fn day_number(day: Date) -> i32 {
    let epoch = jiff::civil::date(1970, 1, 1);
    epoch.until(day).map_or(0, |span| span.get_days())
}

/// Why a record stays loud although an exclusion is there: one reason for each condition that may fail.
#[derive(Debug)]
enum Reason {
    /// The exclusion has ended before the day of the event.
    After(i32),
    /// The field is missing or empty.
    Missing(String),
    /// The field is there, and must not be.
    Present(&'static str),
    /// The field has none of these values.
    NotIn(&'static str, Vec<String>),
    /// The field is neither missing nor one of these.
    NeitherMissingNorIn(&'static str, Vec<String>),
    /// The field has another value than this text.
    Not(&'static str, &'static str),
    /// The expression is not found in the field.
    NotLike(&'static str, String),
    /// The expression is found in the field.
    Like(&'static str, String),
    /// Nothing meets the condition.
    Always,
}

impl Reason {
    /// The reason as a condition of a `filter` stage.
    fn condition(&self) -> String {
        match self {
            Self::After(day) => format!("pgDay > {day}"),
            Self::Missing(field) => format!("isempty({field}) = 1"),
            Self::Present(field) => format!("isempty({field}) = 0"),
            Self::NotIn(field, values) => match values.as_slice() {
                [only] => format!("{field} != '{only}'"),
                _ => format!("{field} not in {}", list(values)),
            },
            Self::NeitherMissingNorIn(field, values) => {
                format!("(isempty({field}) = 0 and {field} not in {})", list(values))
            }
            Self::Not(field, value) => format!("{field} != '{value}'"),
            Self::NotLike(field, expression) => format!("{field} not like /{expression}/"),
            Self::Like(field, expression) => format!("{field} like /{expression}/"),
            Self::Always => "ispresent(@message)".to_owned(),
        }
    }
}

/// Every reason of an exclusion, its end first.
fn reasons(exclusion: &Exclusion, calls_field: Option<&str>) -> Vec<Reason> {
    let mut reasons = loud_reasons(&exclusion.matcher, calls_field);
    // A record that was not understood has no fields but those of the prefix: one test for a missing
    // field of its own, or of a text that is then empty, keeps it loud.
    let is_of_record = |reason: &Reason| match reason {
        Reason::Missing(field) => !["pgUser", "pgDatabase", "pgClient"].contains(&field.as_str()),
        Reason::Not(field, _) | Reason::NotLike(field, _) => ["pgName", "pgSql"].contains(field),
        Reason::NotIn(field, _) => *field == "pgKind",
        _ => false,
    };
    if !reasons.iter().any(is_of_record) {
        reasons.insert(0, Reason::Missing("pgWhat".to_owned()));
    }
    if let Some(last) = exclusion.last_day() {
        reasons.insert(0, Reason::After(day_number(last)));
    }
    reasons
}

fn loud_reasons(matcher: &Match, calls_field: Option<&str>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut one_of = |field: &'static str, values: &Option<Vec<String>>| {
        let Some(values) = values else { return };
        let (empty, values): (Vec<String>, Vec<String>) =
            values.iter().cloned().partition(String::is_empty);
        match (values.is_empty(), empty.is_empty()) {
            (true, false) => reasons.push(Reason::Present(field)),
            (false, true) => {
                reasons.push(Reason::Missing(field.to_owned()));
                reasons.push(Reason::NotIn(field, values));
            }
            (false, false) => reasons.push(Reason::NeitherMissingNorIn(field, values)),
            (true, true) => reasons.push(Reason::Always),
        }
    };
    one_of("pgUser", &matcher.user);
    one_of("pgDatabase", &matcher.database);
    match what(matcher) {
        Some(combinations) => reasons.push(Reason::NotIn("pgKind", combinations)),
        None => {
            one_of("pgClass", &matcher.class);
            one_of("pgCommand", &matcher.command);
            one_of("pgType", &matcher.object_type);
        }
    }
    if let Some(clients) = &matcher.client {
        let addresses = pattern::any_of(clients.iter().map(String::as_str));
        reasons.push(Reason::Missing("pgClient".to_owned()));
        reasons.push(Reason::NotLike(
            "pgClient",
            format!(r"^{addresses}(?:\(|\z)"),
        ));
    }
    if let Some(object) = object_pattern(matcher) {
        reasons.push(Reason::NotLike("pgName", object));
    }
    if let Some(statement) = &matcher.statement {
        reasons.extend(text_reasons(statement, calls_field));
    }
    reasons
}

fn text_reasons(statement: &Statement, calls_field: Option<&str>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let on_text = |text: &[String], pattern: fn(&[&str]) -> String| {
        let texts: Vec<&str> = text.iter().map(String::as_str).collect();
        pattern(&texts)
    };
    if statement.is_empty {
        reasons.push(Reason::Not("pgSql", ","));
    }
    if let Some(words) = &statement.starts_with {
        let expression = on_text(words, |words| pattern::starts_with(words.iter().copied()));
        reasons.push(Reason::NotLike("pgSql", expression));
    }
    let wholes: Vec<String> = statement
        .equals
        .iter()
        .flatten()
        .map(|text| pattern::equals(text))
        .chain(
            statement
                .matches
                .iter()
                .flatten()
                .map(|pattern| pattern.as_str().to_owned()),
        )
        .collect();
    if !wholes.is_empty() {
        reasons.push(Reason::NotLike("pgSql", pattern::whole(&wholes.join("|"))));
    }
    if let Some(texts) = &statement.lacks {
        let expression = on_text(texts, |texts| pattern::contains(texts.iter().copied()));
        reasons.push(Reason::Like("pgSql", expression));
    }
    if let Some(words) = &statement.lacks_words {
        let expression = on_text(words, |words| pattern::contains_word(words.iter().copied()));
        reasons.push(Reason::Like("pgSql", expression));
    }
    if let Some(names) = &statement.lacks_names {
        let expression = on_text(names, |names| pattern::contains_name(names.iter().copied()));
        reasons.push(Reason::Like("pgSql", expression));
    }
    if let Some(texts) = &statement.contains {
        let expression = on_text(texts, |texts| pattern::contains(texts.iter().copied()));
        reasons.push(Reason::NotLike("pgSql", expression));
    }
    // An empty text, of a statement that was not logged, meets none of the conditions above but those that ask for
    // the lack of something.
    let is_sure = |reason: &Reason| matches!(reason, Reason::Not(..) | Reason::NotLike(..));
    match calls_field {
        // The calls are read from the text: where they are present, so is the text.
        Some(field) => reasons.insert(0, Reason::Missing(field.to_owned())),
        None if !reasons.is_empty() && !reasons.iter().any(is_sure) => {
            reasons.insert(0, Reason::Missing("pgSql".to_owned()));
        }
        None => {}
    }
    reasons
}

/// The combinations of class, command and object type, as they stand side by side in the record,
/// where all three are given and they are few.
fn what(matcher: &Match) -> Option<Vec<String>> {
    let (classes, commands, types) = (
        matcher.class.as_ref()?,
        matcher.command.as_ref()?,
        matcher.object_type.as_ref()?,
    );
    if classes.len() * commands.len() * types.len() > 12 {
        return None;
    }
    let mut combinations = Vec::new();
    for class in classes {
        for command in commands {
            combinations.extend(
                types
                    .iter()
                    .map(|object_type| format!("{class},{command},{object_type}")),
            );
        }
    }
    Some(combinations)
}

/// The object as pgAudit prints it, for a schema and the names in it.
fn object_pattern(matcher: &Match) -> Option<String> {
    let schemas = matcher
        .schema
        .as_ref()
        .map(|schemas| pattern::any_of(schemas.iter().map(String::as_str)));
    let names = matcher
        .relation
        .as_ref()
        .map(|names| pattern::any_of(names.iter().map(String::as_str)));
    match (schemas, names) {
        (None, None) => None,
        (Some(schemas), None) => Some(format!(r"^{schemas}\.")),
        (Some(schemas), Some(names)) => Some(format!(r"^{schemas}\.{names}\z")),
        (None, Some(names)) => Some(format!(r"^[a-z_][a-z0-9_]*\.{names}\z")),
    }
}

/// Names of a list of functions that a text takes: of `harmless-functions` those that clients call most stand first.
const FUNCTIONS: usize = 167;

/// The fields that hold the calls of a statement: one for each distinct list of functions.
#[derive(Clone, Default)]
struct Calls<'a>(Vec<&'a [String]>);

impl<'a> Calls<'a> {
    /// The field for an exclusion that asks for calls; reads it where no stage did before.
    fn read(&mut self, exclusion: &'a Exclusion, text: &mut Text) -> Option<String> {
        let statement = exclusion.matcher.statement.as_ref()?;
        let functions = statement.only_calls.as_deref()?;
        let known = self.0.iter().position(|list| *list == functions);
        let index = known.unwrap_or(self.0.len());
        let field = if index == 0 {
            "pgCalls".to_owned()
        } else {
            format!("pgCalls{}", index + 1)
        };
        if known.is_none() {
            self.0.push(functions);
            // A text without the others shows more than counts, and never less.
            let first = functions.get(..FUNCTIONS).unwrap_or(functions);
            let body = pattern::only_calls(first.iter().map(String::as_str));
            text.stage(
                StageRole::Extract,
                &format!("parse pgText /(?i)^(?<{field}>,\"?(?:{body})\"?)\\z/"),
            );
        }
        Some(field)
    }
}

/// `['a', 'b']`. The checks refuse names that hold a quote, a backslash or a control character.
pub(super) fn list<T: AsRef<str>>(values: &[T]) -> String {
    let quoted: Vec<String> = values
        .iter()
        .map(|value| format!("'{}'", value.as_ref()))
        .collect();
    format!("[{}]", quoted.join(", "))
}

/// A query under construction.
#[derive(Clone)]
struct Text {
    text: String,
    length: usize,
    stages: Vec<StageRole>,
    shares: Vec<(String, usize)>,
    signals: Vec<Signal>,
}

impl Text {
    fn new(header: &str, signals: &[Signal]) -> Self {
        let mut text = Self {
            text: String::new(),
            length: 0,
            stages: Vec::new(),
            shares: Vec::new(),
            signals: signals.to_vec(),
        };
        for line in header.lines() {
            text.push(&format!("# {line}\n"));
        }
        text
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.length += text.chars().count();
    }

    fn comment(&mut self, line: &str) {
        self.push(&format!("# {line}\n"));
    }

    fn stage(&mut self, role: StageRole, text: &str) {
        let bar = if self.stages.is_empty() { "" } else { "| " };
        self.push(&format!("{bar}{text}\n"));
        self.stages.push(role);
    }

    fn finish(self) -> CompiledQuery {
        CompiledQuery {
            text: self.text,
            stages: self.stages,
            shares: self.shares,
            signals: self.signals,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::evaluator::{Evaluator, Verdict};

    fn entry(user: &str, time: &str) -> Vec<u8> {
        format!(
            "{time}:10.0.1.123(50322):{user}@shop:[24298]:LOG:  AUDIT: \
             SESSION,1,1,READ,SELECT,TABLE,pg_catalog.pg_class,select 1 from pg_class,<not logged>"
        )
        .into_bytes()
    }

    #[test]
    fn the_query_itself_ends_an_exclusion_and_spares_protected_people() {
        let loaded = crate::policy::load_from([
            (
                "rules/rules.yaml",
                "version: 1\nexclusions:\n  - id: one\n    title: t\n    reason: tools read the list of tables\n    owner: o\n    \
                 created: 2026-11-01\n    expires: 2026-12-31\n    environments: all\n    match: {class: READ, command: SELECT, \
                 object_type: TABLE, schema: pg_catalog, relation: pg_class}\nprotected:\n  - user: [break_glass, 'odd.name']\n    \
                 reason: nobody works with it\n    owner: o\n",
            ),
            (
                "environments/dev.yaml",
                "version: 1\nprovider: local\nfolder: .pgvigil/dev\nclusters: [shop]\n",
            ),
        ]);
        let environment = &loaded.policy.environments[0];
        let source = QuerySource::of(&loaded.policy, environment);
        let evaluator = Evaluator::of(&source).unwrap();
        let mut scratch = evaluator.scratch();
        let mut counts = |user: &str, time: &str| {
            evaluator.verdict(&mut scratch, &entry(user, time)) == Verdict::Counted
        };
        assert!(!counts("alice", "2026-12-31 23:59:59 UTC"));
        assert!(counts("alice", "2027-01-01 00:00:00 UTC"));
        // Eleven at night in New York is the next day in UTC.
        assert!(!counts("alice", "2026-12-31 03:00:00 -05"));
        assert!(counts("alice", "2026-12-31 23:00:00 -05"));
        // Where a zone has no one offset, the last hours of the last day are loud.
        assert!(!counts("alice", "2026-12-31 11:00:00 CET"));
        assert!(counts("alice", "2026-12-31 13:00:00 CET"));
        assert!(counts("alice", "2026-99-99 00:00:00 UTC"));
        for user in ["break_glass", "odd.name"] {
            assert!(counts(user, "2026-12-31 23:59:59 UTC"), "{user}");
        }
        for user in ["break_glass2", "oddxname", "abreak_glass"] {
            assert!(!counts(user, "2026-12-31 23:59:59 UTC"), "{user}");
        }
    }
}
