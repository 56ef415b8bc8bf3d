//! What is wrong with an enrolment: a stable code, how much it matters, whom it is about, what to do.

use serde::{Deserialize, Serialize, Serializer};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody is, or may be, unwatched.
    Gap,
    /// Somebody could be, or nobody could tell.
    Warning,
    /// Good to know.
    Note,
}

impl Severity {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal, $severity:ident, $plan:literal, $meaning:literal;)*) => {
        /// What can be wrong. Released codes do not change their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[doc = $doc])* $variant),* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable name.
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
        }
    };
}

codes! {
    /// pgAudit is not loaded.
    NotLoaded = "enrol/not-loaded", Gap, true, "pgAudit is not loaded, so nobody is audited";
    /// A login role that no file declares.
    Undeclared = "enrol/undeclared", Gap, false, "a role can log in, and no file declares it";
    /// A person's entry has ended and the role has not.
    Expired = "enrol/expired", Gap, false, "the entry has ended (`until`), and the role can still log in";
    /// A person whose records are fewer than declared.
    Weakened = "enrol/weakened", Gap, false, "a declared person's settings let records out, everywhere or in one database";
    /// Records are not written, whatever pgAudit's settings are.
    Hidden = "enrol/hidden", Gap, true, "a setting beside pgAudit's hides records or what they say";
    /// Somebody was seen in a log whom no file declares.
    SeenUndeclared = "enrol/seen-undeclared", Gap, false, "a role stands in the logs, and no file declares it";
    /// A name that can pass for the head of a record.
    ImitatesLog = "enrol/imitates-log", Gap, true, "a name can imitate a line of the log, so its records cannot be told from forged ones";
    /// A role that is declared twice.
    Twice = "enrol/declared-twice", Gap, false, "a role is declared as a person and as an account";
    /// Somebody can end their own audit.
    CanSwitchOff = "enrol/can-switch-off", Warning, false, "a role can switch its own audit off";
    /// Somebody can become somebody who is not audited.
    CanTakeOver = "enrol/can-take-over", Warning, false, "a role can give itself the password of an unaudited account";
    /// Somebody acts with the rights of an unaudited account.
    ActsAsUnaudited = "enrol/acts-as-unaudited", Warning, false, "a person is a member of an unaudited login role";
    /// Somebody can take away a membership that a session uses.
    CanShedAudit = "enrol/can-shed-audit", Warning, false, "a role can take away a membership that a session uses, after which that session leaves no records";
    /// Somebody may read by the replication protocol.
    Replicates = "enrol/replicates", Warning, false, "a person may stream tables over the replication protocol, which leaves no audit record";
    /// Nobody hears it.
    ReplicationNotLogged = "enrol/replication-not-logged", Warning, false, "a person may replicate, and the server does not log what is replicated";
    /// A version that leaves statements out.
    OldPgaudit = "enrol/old-pgaudit", Warning, false, "the server's pgAudit may be of a version that leaves statements out";
    /// Functions with other rights.
    Definer = "enrol/security-definer", Warning, false, "people may call functions that run with their owner's rights, and what these do has no record";
    /// Domains that call.
    CallingDomain = "enrol/calling-domain", Warning, false, "a cast to a domain runs a check that calls functions";
    /// Something with a name of the system's.
    Shadow = "enrol/shadow", Warning, false, "something that was made in a database answers to a name of the system's own";
    /// A shared account is used from where people work.
    SharedAddress = "enrol/shared-address", Warning, false, "an unaudited account and a person connect from one address";
    /// The settings are others than declared, and no weaker.
    Differs = "enrol/differs", Warning, false, "a declared person's settings are others than declared, and no weaker";
    /// Nobody of that name.
    Missing = "enrol/missing", Warning, true, "a declared person has no role on this server";
    /// A declared person who cannot log in.
    CannotLogIn = "enrol/cannot-log-in", Warning, true, "a declared person's role cannot log in: settings do not reach members of a group";
    /// Settings at a group.
    OnGroup = "enrol/on-group", Warning, true, "a group has audit settings, which do not reach its members";
    /// Audit settings that somebody else made.
    Foreign = "enrol/foreign", Warning, true, "a role that no file wants audited has audit settings that pgvigil did not make";
    /// Two names that differ by letter case.
    CaseTwins = "enrol/case-twins", Warning, false, "names of login roles differ by letter case only";
    /// Something could not be read.
    NotRead = "enrol/not-read", Warning, true, "something could not be read, so nothing is known about it";
    /// A setting that this server does not have.
    Unsupported = "enrol/unsupported", Warning, true, "the server does not know a declared setting";
    /// A database without the extension.
    NoExtension = "enrol/no-extension", Warning, false, "a database lacks the extension, so records of DDL lack names";
    /// Nothing can be noted beside a role.
    NoNote = "enrol/no-note", Note, true, "the role has a comment of its own, so what was applied cannot be noted";
    /// Everybody is audited by the server's own settings.
    Everybody = "enrol/everybody", Note, true, "the server's own settings audit every role, service accounts too";
    /// Everybody may make types that stand before the system's.
    TemporaryObjects = "enrol/temporary-objects", Note, false, "everybody may make temporary types, which stand before those of the system";
    /// A name with `@`.
    AtSign = "enrol/at-sign", Note, false, "a role's name holds `@`, where the log parts user from database";
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

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What it is.
    pub code: Code,
    /// The role, where it is about one.
    pub role: Option<String>,
    /// The database, where it is about one.
    pub database: Option<String>,
    /// Why, in a sentence with names as they are.
    pub why: String,
    /// What to do.
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
