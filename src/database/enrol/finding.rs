//! What is wrong with an enrolment: a stable code, how much it matters, whom it is about, what to do.

use serde::{Deserialize, Serialize, Serializer};

use crate::diagnostic::code::Entry;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A person is, or might be, unaudited.
    Gap,
    /// A person could become unaudited, or pgvigil could not find out.
    Warning,
    Note,
}

impl Severity {
    /// The word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal, $severity:ident, $plan:literal, $meaning:literal, $matters:literal, $remedy:literal;)*) => {
        /// What can be wrong. Released codes do not change their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[doc = $doc])* $variant),* }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// How much it matters.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity),* }
            }

            /// Whether a plan tells it too: an apply would not mend it, or somebody must know before.
            pub fn is_for_plans(self) -> bool {
                match self { $(Self::$variant => $plan),* }
            }

            /// What it means, in one line.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),* }
            }

            /// What there is to say of it, whomever it is about.
            pub const fn entry(self) -> Entry {
                match self {
                    $(Self::$variant => Entry {
                        id: $name,
                        severity: Severity::$severity.name(),
                        title: $meaning,
                        why: $matters,
                        remedy: $remedy,
                    }),*
                }
            }
        }
    };
}

codes! {
    /// pgAudit is not loaded.
    NotLoaded = "enrol/not-loaded", Gap, true, "pgAudit is not loaded, so no one is audited", "no one's statements are recorded", "add `pgaudit` to `shared_preload_libraries`, and restart the server";
    /// A login role that no file declares.
    Undeclared = "enrol/undeclared", Gap, false, "a role can log in, but no file declares it", "anyone with the password works unnoticed", "declare it under `users`, or under `service_accounts` with a reason";
    /// A person's entry has ended and the role has not.
    Expired = "enrol/expired", Gap, false, "the entry has ended (`until`), but the role can still log in", "nothing that the role does after the last day is counted", "revoke its right to log in, or set a later `until`";
    /// A person whose records are fewer than declared.
    Weakened = "enrol/weakened", Gap, false, "a declared person's settings leave out records, everywhere or in one database", "records that are not written cannot be counted", "`pgvigil enrol plan`, then `pgvigil enrol apply`";
    /// Records are not written, whatever pgAudit's settings are.
    Hidden = "enrol/hidden", Gap, true, "a setting other than pgAudit's hides records or parts of them", "records are lost, or lack values that the rules check", "reset the setting that the finding names";
    /// A role appears in a log, but no file declares it.
    SeenUndeclared = "enrol/seen-undeclared", Gap, false, "a role appears in the logs, but no file declares it", "a person works there who is not in the policy", "declare it under `users`, or under `service_accounts` with a reason";
    /// A name that can pass for the head of a record.
    ImitatesLog = "enrol/imitates-log", Gap, true, "a name can imitate a line of the log, so its records cannot be distinguished from forged ones", "a record of such a role cannot be distinguished from a forged one", "rename the role or database";
    /// A role that is declared twice.
    Twice = "enrol/declared-twice", Gap, false, "a role is declared as a person and as an account", "one entry says that the role is audited, the other that it is not", "keep one of the two entries";
    /// A role can switch its own audit off.
    CanSwitchOff = "enrol/can-switch-off", Warning, false, "a role can switch its own audit off", "the role can work unnoticed for any length of time", "revoke the right that the finding names";
    /// A role can log in as an unaudited account.
    CanTakeOver = "enrol/can-take-over", Warning, false, "a role can give itself the password of an unaudited account", "the role can work under the account's name, and no one notices", "revoke the right that the finding names";
    /// A person acts with the rights of an unaudited account.
    ActsAsUnaudited = "enrol/acts-as-unaudited", Warning, false, "a person is a member of an unaudited login role", "a person's work as the account is not counted", "revoke the membership, or audit the account";
    /// A role can revoke a membership that a session uses.
    CanShedAudit = "enrol/can-shed-audit", Warning, false, "a role can revoke a membership that a session uses, after which that session leaves no records", "pgAudit skips a session whose user is no longer a member of the role that it took", "revoke ADMIN OPTION or CREATEROLE";
    /// A person can read over the replication protocol.
    Replicates = "enrol/replicates", Warning, false, "a person can stream tables over the replication protocol, which leaves no audit record", "a person who replicates can read every table unnoticed", "revoke REPLICATION or membership in `rds_replication`";
    /// The server does not log replication commands.
    ReplicationNotLogged = "enrol/replication-not-logged", Warning, false, "a person can replicate, but the server does not log replication commands", "nothing in the log shows that tables were streamed", "set `log_replication_commands = on`";
    /// A version that leaves statements out.
    OldPgaudit = "enrol/old-pgaudit", Warning, false, "the server's pgAudit might be a version that leaves out statements", "pgAudit 1.5.0 does not log SELECT … FOR UPDATE or FOR SHARE", "upgrade the server";
    /// Functions with other rights.
    Definer = "enrol/security-definer", Warning, false, "people can call functions that run with their owner's rights, and the statements inside have no record", "the function can read or change data that the person has no permission for", "revoke EXECUTE from the people, or review the function";
    CallingDomain = "enrol/calling-domain", Warning, false, "a cast to a domain runs a check that calls functions", "a statement that casts to it looks harmless, but calls them", "drop the check, or review what it calls";
    /// Something with a name of the system's.
    Shadow = "enrol/shadow", Warning, false, "an object in a database has the name of a system object", "a statement that names the system object might run the other object", "rename or drop it";
    /// A shared account is used from where people work.
    SharedAddress = "enrol/shared-address", Warning, false, "an unaudited account and a person connect from one address", "a person might be using the account's password", "find out who connects from there, and give the account its own address";
    /// The settings are others than declared, and no weaker.
    Differs = "enrol/differs", Warning, false, "a declared person's settings are different from those declared, but not weaker", "the database and the files differ", "`pgvigil enrol plan`, then `pgvigil enrol apply`";
    /// The server has no role of that name.
    Missing = "enrol/missing", Warning, true, "a declared person has no role on this server", "the name might be misspelt, so the entry audits no one", "write the name as `pg_roles` has it, or delete the entry";
    /// A declared person who cannot log in.
    CannotLogIn = "enrol/cannot-log-in", Warning, true, "a declared person's role cannot log in: its settings do not apply to members of a group", "the members of a group are audited by their own settings only", "declare each member under `users`";
    /// Settings at a group.
    OnGroup = "enrol/on-group", Warning, true, "a group has audit settings, which do not apply to its members", "the members look audited, but they are not", "set the audit for each member, and reset the group's settings";
    /// Audit settings that pgvigil did not make.
    Foreign = "enrol/foreign", Warning, true, "a role that no file declares as audited has audit settings that pgvigil did not make", "no one has reviewed these settings", "declare the role under `users`, or reset the settings";
    /// Two names that differ by letter case.
    CaseTwins = "enrol/case-twins", Warning, false, "names of login roles differ by letter case only", "a reader of the log can mistake one for the other", "rename one of the two";
    /// Something could not be read.
    NotRead = "enrol/not-read", Warning, true, "something could not be read, so it could not be checked", "an unreadable part can hide a gap", "grant the right that the finding names to the role that pgvigil connects as";
    /// A setting that this server does not have.
    Unsupported = "enrol/unsupported", Warning, true, "the server does not know a declared setting", "the setting has no effect, so records lack what it should add", "leave the setting out, or upgrade pgAudit";
    /// A database without the extension.
    NoExtension = "enrol/no-extension", Warning, false, "a database lacks the extension, so records of DDL lack names", "rules on objects do not see which object a DDL statement changes", "run `pgvigil enrol apply`, or `CREATE EXTENSION pgaudit` in that database";
    /// Nothing can be noted beside a role.
    NoNote = "enrol/no-note", Note, true, "the role has its own comment, so pgvigil cannot note what was applied", "a later run cannot determine who made the settings", "no action is needed";
    /// The server's own settings audit every role.
    Everybody = "enrol/everybody", Note, true, "the server's own settings audit every role, including service accounts", "there are more records than the policy declares, which cost more", "reset the server's own setting once each person is enrolled";
    /// Any user can create types that take precedence over the system's.
    TemporaryObjects = "enrol/temporary-objects", Note, false, "any user can create temporary types, which take precedence over the system's types", "creating one counts, but its owner can then hide a call in a cast", "run `REVOKE TEMPORARY ON DATABASE … FROM PUBLIC`, unless a tool needs it";
    /// A name with `@`.
    AtSign = "enrol/at-sign", Note, false, "a role's name contains `@`, which separates user from database in the log", "a record might be attributed to the wrong person", "rename the role where you can";
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.name() == name)
            .ok_or_else(|| serde::de::Error::custom("no such code"))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    pub code: Code,
    /// The role, where it is about one.
    pub role: Option<String>,
    /// The database, where it is about one.
    pub database: Option<String>,
    /// Why, in a sentence with names as they are.
    pub why: String,
    pub remedy: String,
}

impl Finding {
    pub(super) fn new(code: Code, why: String, remedy: impl Into<String>) -> Self {
        Self {
            severity: code.severity(),
            code,
            role: None,
            database: None,
            why,
            remedy: remedy.into(),
        }
    }

    pub(super) fn of_role(mut self, role: &str) -> Self {
        self.role = Some(role.to_owned());
        self
    }

    pub(super) fn in_database(mut self, database: &str) -> Self {
        self.database = (!database.is_empty()).then(|| database.to_owned());
        self
    }
}
