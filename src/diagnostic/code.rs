//! Every code, in one list. A code is stable once it is released.

use std::fmt;

use super::Severity;

macro_rules! codes {
    ($($variant:ident = $id:literal, $severity:ident, $title:literal, $remedy:literal, $why:literal;)*) => {
        /// The kind of a diagnostic.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $variant,)*
        }

        impl Code {
            pub const ALL: &[Code] = &[$(Code::$variant,)*];

            /// The stable name, `area/name`.
            pub const fn id(self) -> &'static str {
                match self { $(Code::$variant => $id,)* }
            }

            /// What is wrong, in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Code::$variant => $title,)* }
            }

            /// What to do about it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Code::$variant => $remedy,)* }
            }

            pub const fn why(self) -> &'static str {
                match self { $(Code::$variant => $why,)* }
            }

            /// How bad it is unless something says otherwise.
            pub const fn severity(self) -> Severity {
                match self { $(Code::$variant => Severity::$severity,)* }
            }
        }
    };
}

codes! {
    SourceTooLarge = "source/too-large", Error, "a file is larger than 1 MiB", "split it into several files", "a file of this size is a mistake or an attack, and no reviewer can read it";
    SourceNotUtf8 = "source/not-utf8", Error, "a file is not UTF-8", "save the file as UTF-8", "other programs would read different names from the same file";
    SourceByteOrderMark = "source/byte-order-mark", Error, "a file begins with a byte order mark", "save the file as UTF-8 without a byte order mark", "the mark is invisible, and other programs read it as part of the first key";
    SourceControlCharacter = "source/control-character", Error, "a file contains a control character", "delete the character", "a terminal interprets the character, so a reviewer sees something different from what pgvigil reads";
    SourceInvisibleCharacter = "source/invisible-character", Error, "a file contains an invisible character", "delete the character, or type a plain space", "two names that look the same could be different names";
    SourceBidirectionalCharacter = "source/bidirectional-character", Error, "a file contains a character that changes the direction of text", "delete the character: it makes the displayed text differ from the text that pgvigil reads", "a reviewer sees the text in a different order from the one that pgvigil reads";
    SourceEmptyFile = "source/empty-file", Warning, "a file is empty", "delete the file, or add content to it", "the file looks as if it declared something, but it declares nothing";
    SourceUnexpectedFile = "source/unexpected-file", Warning, "a file is ignored", "give it the extension `.yaml`, move it into the right folder, or move it out of the policy", "its author might believe that it has an effect";
    SourceSymbolicLink = "source/symbolic-link", Error, "a symbolic link is among the policy files", "replace the link with the file itself", "the target of the link can change without a review";
    SourceSubmodule = "source/submodule", Error, "a submodule is among the policy files", "replace the submodule with the files themselves", "a review shows only a commit hash instead of the files, and a checkout can leave them out";
    SourceTooDeep = "source/too-deep", Error, "a folder is nested deeper than 16 levels under `rules/`", "move its files further up", "pgvigil does not read these files, so people declared in them are not audited";
    SourceNotAFile = "source/not-a-file", Error, "a pipe, a socket or a device is among the policy files", "delete it, or replace it with a file", "it has no content that a commit could contain, and reading it might never end";
    SourceNoFiles = "source/no-files", Error, "there are no policy files", "run the command in the repository's folder, or start with `pgvigil init`", "without files no one is audited, and every other check would pass without meaning anything";
    SourceMixedScripts = "source/mixed-scripts", Warning, "a name mixes alphabets", "retype the name: it might contain a look-alike letter", "a Cyrillic letter in a Latin name makes it a different role, and a reviewer cannot see the difference";

    YamlSyntax = "yaml/syntax", Error, "a file is not valid YAML", "correct the text at the place shown", "a file that cannot be read declares nothing";
    YamlMergeConflict = "yaml/merge-conflict", Error, "a file contains merge conflict markers", "choose one of the two sides, and delete the lines with the markers", "the file contains two versions, and no one has chosen one of them yet";
    YamlTab = "yaml/tab", Error, "the indentation contains a tab", "indent with spaces", "YAML forbids tabs in indentation, and parsers treat them differently";
    YamlDuplicateKey = "yaml/duplicate-key", Error, "a mapping contains the same key twice", "delete one of the two, or turn the value into a list", "YAML parsers differ in which of the two they use, so the first one might be lost silently";
    YamlMergeKey = "yaml/merge-key", Error, "a file uses a merge key", "write the values out, or use `extends` in an environment", "part of the entry would be defined in another place, where reviewers do not look";
    YamlAlias = "yaml/alias", Error, "a file uses an anchor or alias", "write the value out, or use `extends` in an environment", "part of the entry would be defined in another place, where reviewers do not look";
    YamlTag = "yaml/tag", Error, "a file uses a YAML tag", "delete the tag", "in some parsers a tag changes the meaning of a value";
    YamlSeveralDocuments = "yaml/several-documents", Error, "a file contains several YAML documents", "put each document into its own file", "most parsers read only the first document, so the rest would be lost silently";
    YamlTooDeep = "yaml/too-deep", Error, "a file is nested too deeply", "nest no deeper than 64 levels", "a file nested this deeply is made to harm the parser";
    YamlKeyNotText = "yaml/key-not-text", Error, "a key is not text", "write a plain word as the key", "policy keys are never numbers, lists or mappings";
    YamlNull = "yaml/null", Error, "a value is missing", "write a value, or delete the key", "the value might have been forgotten, and a forgotten value must not become a default";
    YamlBooleanLike = "yaml/boolean-like", Error, "some YAML parsers read a word as true or false", "quote it if it is text; otherwise write `true` or `false`", "another parser would read a role named `no` as `false`";
    YamlLeadingZero = "yaml/leading-zero", Error, "a number has a leading zero", "quote it if it is text; if it is a number, remove the zero", "another parser would read the account `012345678901` as a different number";
    YamlNumberLike = "yaml/number-like", Error, "some YAML parsers read a word as a number", "quote it if it is text; otherwise write the number in plain digits", "another parser would read a text such as `1_000` or `1e3` as a number";

    SchemaVersion = "schema/version", Error, "this version of pgvigil does not support the `version` of the file", "write `version: 1`", "another version might give the same keys a different meaning";
    SchemaUnknownKey = "schema/unknown-key", Error, "a key is unknown", "correct the key's name, or delete it", "a mistyped key would be ignored silently, and its setting would have no effect";
    SchemaMissingKey = "schema/missing-key", Error, "a required key is missing", "add the key", "without the key the entry is incomplete";
    SchemaWrongType = "schema/wrong-type", Error, "a value has the wrong type", "write the type that the message names", "the value cannot be used, and a wrong guess could silence a person";
    SchemaUnquotedText = "schema/unquoted-text", Error, "a text is written like a number or a boolean", "put the value in quotes", "without quotes YAML changes the text: it drops zeros and rewrites dates and numbers";
    SchemaUnknownValue = "schema/unknown-value", Error, "a value is not one of the allowed values", "write one of the values that the message lists", "a mistyped value would be ignored silently, and the setting would have no effect";
    SchemaEmpty = "schema/empty", Error, "a text or list is empty", "add content, or delete the key", "an empty condition could be taken to match everything";
    SchemaOutOfRange = "schema/out-of-range", Error, "a number is out of range", "write a number within the range", "the database, AWS or pgvigil cannot use a number outside this range";
    SchemaRepeatedItem = "schema/repeated-item", Error, "a list contains an item twice", "delete the second one", "the second item has no effect, and might be a typo for another one";
    SchemaValue = "schema/value", Error, "a value has the wrong format", "write it in the format that the message shows", "the value cannot be used, and a wrong guess could silence a person";

    ReferenceEnvironment = "reference/unknown-environment", Error, "the named environment does not exist", "correct the name, or add `environments/NAME.yaml`", "the entry would apply to no environment, although it looks as if it did";
    ReferenceExclusion = "reference/unknown-exclusion", Error, "the named exclusion does not exist", "correct the id, or add the exclusion", "the environment would use different exclusions from those that its file declares";
    ReferenceSet = "reference/unknown-set", Error, "the named built-in set does not exist", "correct the name", "the exclusion would match nothing, or the wrong records";
    ReferenceBase = "reference/unknown-base", Error, "`extends` names a file that does not exist", "correct the name, or add the file", "the keys that the base should provide are missing";
    ReferenceCycle = "reference/extends-cycle", Error, "environments extend each other in a cycle", "remove one `extends` from the cycle", "in a cycle no file overrides the others, so no value is final";
    ReferenceDeep = "reference/extends-too-deep", Error, "a chain of `extends` is longer than 16 files", "combine what these files share into fewer bases", "reviewers cannot see the result of so many files";

    DateImpossible = "date/impossible", Error, "a date does not exist", "write an existing day as YYYY-MM-DD", "a day that does not exist never comes, so an end date would never be reached";
    DateOrder = "date/order", Error, "an exclusion expires before it was created", "correct one of the two dates", "the exclusion would have ended before it began";
    DateFuture = "date/future", Warning, "the creation date of an exclusion is in the future", "write the day on which it was agreed", "the date records when the exclusion was agreed, which cannot be in the future";

    RoleDuplicate = "role/duplicate", Error, "a role is declared twice", "keep one of the two entries", "two entries can contradict each other, and only one can apply";
    RoleUserAndAccount = "role/user-and-account", Error, "a role is both an audited person and an account that is not audited", "keep one of the two entries", "the role cannot be audited and left alone at the same time";
    RoleTooLong = "role/too-long", Error, "a role name is longer than PostgreSQL's 63 bytes", "write the name as it appears in `pg_roles`", "PostgreSQL shortens longer names, so no role has this name and no one would be audited";
    RoleControlCharacter = "role/control-character", Error, "a role name contains control characters", "rename the role", "in the log such a name cannot be distinguished from other text";
    RoleImitatesLog = "role/imitates-log", Error, "a role name contains characters that can imitate a line of the log", "rename the role", "a record of such a role cannot be distinguished from a forged one";
    RoleOuterSpace = "role/outer-space", Error, "a role name begins or ends with a space", "write the name as it appears in `pg_roles`", "the space is invisible, and the name without it belongs to a different role";

    LimitsTwice = "limits/given-twice", Error, "the policy defines `limits` twice", "keep one `limits` at the top level of one file", "the two could require different numbers of approvals, and only one can apply";
    ProtectedEmpty = "protected/empty", Error, "a protected entry has no condition", "describe what is protected, for example by `schema` and `relation`", "without a condition the entry would protect nothing, or everything";
    ProtectedRelationAlone = "protected/relation-without-schema", Error, "a protected relation has no schema", "add `schema`", "without a schema it is unclear whether tables of the same name in other schemas are protected";
    ProtectedWord = "protected/unknown-word", Error, "a protected entry has a class or command that pgAudit never prints", "write it as pgAudit prints it", "no record ever contains the word, so nothing would be protected";
    SensitivityEmpty = "sensitivity/empty", Error, "an entry under `sensitivity` has no condition", "describe the records, for example by `schema` and `relation`", "without a condition the entry would be about nothing, or about everything";
    SensitivityRelationAlone = "sensitivity/relation-without-schema", Error, "an entry under `sensitivity` names a relation without a schema", "add `schema`", "without a schema it is unclear whether tables of the same name in other schemas are meant";
    SensitivitySignal = "sensitivity/signal-off", Warning, "an entry under `sensitivity` names a signal that no environment counts", "switch the signal on, or remove it from the entry", "no detection ever has the signal, so the entry decides nothing";
    SensitivityWord = "sensitivity/unknown-word", Error, "an entry under `sensitivity` has a class or command that pgAudit never prints", "write it as pgAudit prints it", "no record ever contains the word, so the entry would be about nothing";
    CanarySilent = "canary/silenced", Error, "a canary does not count", "narrow the exclusion that silences it", "a canary is a statement that must count: if it is silenced, real statements like it are silenced too";

    GrantRelation = "grant/relation", Error, "a grant names a relation without its schema, or in another form", "write `schema.relation`, or `schema.*`", "a name that can be read in two ways would mark records that no one has approved";
    GrantTime = "grant/time", Error, "a time of a grant does not exist, or has no offset", "write it as in `2026-12-02T14:00:00Z`", "without an offset the grant would begin at another time on another server";
    GrantTooLong = "grant/too-long", Error, "a grant lasts longer than the policy allows", "set an earlier `until`, or raise `limits.max_grant_hours` in a change of its own", "a long grant marks work that was never part of the approved task";
    GrantBackwards = "grant/backwards", Error, "a grant ends before it begins", "correct one of the two times", "it would mark nothing, although it looks as if it did";
    GrantUnknownUser = "grant/unknown-user", Error, "a grant names a role that is not in `users`", "correct the name, or add the person to `users`", "nothing of what this role does is counted, so the grant would mark nothing";
    GrantProtected = "grant/protected", Error, "a grant covers what is protected", "narrow the grant", "protected work must be looked at each time, and a mark says that it was expected";
    GrantDuplicateId = "grant/duplicate-id", Error, "two grants have the same id", "give each grant its own id", "an alarm shows the id, and readers could not tell which grant it means";
    GrantEnded = "grant/ended", Warning, "a grant has ended", "delete the grant", "it no longer marks new records, and hides the grants that matter from readers";
    GrantBroad = "grant/broad", Warning, "a grant covers a whole schema or every kind of work", "list only the relations and kinds that the work needs", "the more a grant covers, the less its mark says";
    GrantMarksNothing = "grant/marks-nothing", Warning, "a grant covers work whose records do not show the relation, or are not logged", "change the person's audit settings, or the grant", "the work stays marked as not expected, although it was approved";

    NoteDuplicateId = "note/duplicate-id", Error, "two notes have the same id", "give each note its own id", "reports and reviews refer to notes by id, and readers could not tell which note is meant";
    NoteId = "note/id-form", Error, "the id of a note is not in kebab case", "write lower-case words joined by hyphens, at most 63 characters", "ids appear in reports and in reviews";
    NoteDetection = "note/detection-id", Error, "a note names a detection that cannot exist", "copy the id from the report: 12 hexadecimal digits in lower case", "no report would ever show the note, and the detection would look as if no one had looked into it";
    NoteFuture = "note/future", Error, "the date of a note is in the future", "write the day on which it was found", "the last note by date counts, so a date in the future would hide every later finding";
    NoteWeakText = "note/weak-text", Warning, "the text of a note does not explain what happened", "state what happened, and how you know it", "in a year no one will be able to tell what was found, and why the matter was closed";
    NoteContradiction = "note/contradiction", Error, "two notes of one day have different findings about one detection", "keep one of the two findings", "of several notes the last by date counts, and here no one could tell which one that is";

    UserTwoDefaults = "user/two-defaults", Error, "the policy defines default audit settings twice", "keep one `audit` at the top level of one file", "the two could log different statements, and only one can apply";
    UserExpired = "user/expired", Warning, "a person's enrolment has ended", "delete the entry, or set a later `until`", "the person is no longer audited, but might still be able to log in";
    UserExpiresSoon = "user/expires-soon", Warning, "a person's enrolment ends within 30 days", "set a later `until`, or let the enrolment end", "from that day the person's statements are no longer counted";
    UserNoRelations = "user/no-relations", Warning, "a person's audit settings leave out the relations that a statement touches", "set `log_relation: true`, or delete the key", "without it the log does not contain the object of a statement, so conditions on tables never match";
    UserNotWatched = "user/not-watched", Warning, "a person's audit settings leave out classes that are counted", "add `read`, `write` and `function` to `log`, or write `all`", "the database does not log these classes, so the alarm cannot count them";

    AccountRole = "account/role-or-pattern", Error, "an account needs either a role or a pattern", "write one of `role` and `pattern`", "with both or neither it is unclear which roles are not audited";
    AccountMatchesAll = "account/matches-everything", Error, "a pattern of accounts matches every role", "write a pattern that matches only the names of the accounts", "every person would be treated as an account, and no one would be audited";
    AccountSwallowsUser = "account/swallows-user", Error, "a pattern of accounts matches an audited person", "narrow the pattern, or rename the account", "the person would be treated as an account, and none of their statements would count";

    PatternInvalid = "pattern/invalid", Error, "a regular expression is not valid", "correct the expression", "an expression that cannot be read might match nothing, or everything";
    PatternNotPortable = "pattern/not-portable", Error, "a regular expression uses syntax that the log service might not support or might read differently", "use the portable syntax that the message names", "the same expression would match one thing in pgvigil and another in the log service";
    PatternWildcard = "pattern/wildcard", Warning, "a name contains a wildcard", "list each name; accounts can have a `pattern`", "names are matched literally: `app_*` means one role with this unusual name and no other";
    PatternEmpty = "pattern/empty", Error, "a regular expression matches the empty text", "write an expression that needs at least one character", "an expression that matches the empty text matches everything";

    ExclusionDuplicate = "exclusion/duplicate-id", Error, "two exclusions have the same id", "rename one of them", "reports, environments and approvals refer to exclusions by id";
    ExclusionId = "exclusion/id-form", Error, "an id is not in kebab case", "write lower-case words joined by hyphens, at most 63 characters", "ids appear in queries, in reports and in file names";
    ExclusionReason = "exclusion/weak-reason", Warning, "a reason does not explain why the records are harmless", "state what produces these records and why they are harmless", "in a year no one will know why these records are silent, and no one will dare to remove the exclusion";
    ExclusionEmptyMatch = "exclusion/empty-match", Error, "an exclusion has no condition", "write what it matches, at least `class` and `command`", "an exclusion without conditions silences everything";
    ExclusionTooWide = "exclusion/too-wide", Error, "an exclusion silences people's work together with the noise", "narrow it by `schema` and `relation`, or by the statement", "people's real work would be silent, not only the noise";
    ExclusionUnknownWord = "exclusion/unknown-word", Error, "an exclusion has a class, command or object type that pgAudit never prints", "write it as pgAudit prints it", "no record ever contains the word, so the exclusion silences nothing";
    ExclusionRelationAlone = "exclusion/relation-without-schema", Error, "an exclusion names a relation without its schema", "add `schema`: any user who can create tables can use the same name elsewhere", "any user who can create a table can give it this name and work with it unnoticed";
    ExclusionCatalogWhole = "exclusion/whole-catalog", Error, "an exclusion silences a whole system schema", "list the relations: some of the catalog contains user data", "some catalog relations contain user data, passwords or the statements of other sessions";
    ExclusionProtected = "exclusion/protected-relation", Error, "an exclusion silences a relation that contains user data or secrets", "remove it from the list, name it under `statement.lacks`, or list whole texts without it under `statement.equals`", "a person could read data, passwords or the statements of others, and no alarm would fire";
    ExclusionNoExpiry = "exclusion/no-expiry", Error, "an exclusion never ends", "add `expires`: sources of noise change, and so do the people who can evade the alarm", "an exclusion without an end date is never reviewed again";
    ExclusionNoSamples = "exclusion/no-samples", Error, "an exclusion has no samples", "add at least one record that it silences and one near miss that stays loud", "without samples reviewers cannot see what it silences, and no test fails when it becomes wider";
    ExclusionSampleObject = "exclusion/sample-object", Error, "a sample has an object without its type", "add `object_type`: pgAudit prints both or neither", "pgAudit never writes such a record, so the sample proves nothing";
    ExclusionWriterOnly = "exclusion/writer-only", Error, "an exclusion depends only on text that users type", "add `class`, `command` and other fields that the server writes, or match the whole statement", "users write the statement themselves: anyone who types the same words is silent";
    ExclusionEvadable = "exclusion/evadable", Error, "a person can evade the alarm through an exclusion", "narrow the condition shown, until the statement counts", "pgvigil found a harmful statement that this exclusion silences";
    ExclusionExpired = "exclusion/expired", Error, "an exclusion has expired", "delete it, or renew it with a later `expires`", "its records count again, and no one has checked whether it is still right";
    ExclusionExpiresSoon = "exclusion/expires-soon", Warning, "an exclusion expires within 30 days", "renew it, or allow it to expire", "from that day its records count, and the noise returns";
    ExclusionLivesLong = "exclusion/lives-long", Error, "an exclusion lasts longer than the limits allow", "set an earlier `expires`, or raise `max_life_days` under `limits`", "sources of noise change, and so do the people who could evade the alarm";
    ExclusionAcceptedLong = "exclusion/risk-accepted-long", Error, "a risk is accepted for longer than the limits allow", "set an earlier end: the limit is `max_accepted_days` under `limits`", "an accepted risk that is never reviewed again is a gap in the audit";
    ExclusionAcceptedBySelf = "exclusion/risk-accepted-by-its-owner", Error, "the owner of an exclusion accepts its risk", "have someone other than the owner accept the risk", "the person who needs the exclusion must not be the one who judges its risk";
    ExclusionSilencesProtected = "exclusion/silences-protected", Error, "an exclusion can silence protected records", "narrow it so that it cannot match the protected entry", "access to protected objects must count, no matter by whom or why";
    ExclusionShadowed = "exclusion/shadowed", Warning, "an exclusion is redundant: another exclusion silences all of its records", "delete it, or narrow the wider one", "it makes the policy longer, and obscures which exclusion silences the records";
    ExclusionDuplicateMatch = "exclusion/duplicate-match", Warning, "two exclusions have the same conditions", "keep one of the two, or give them different environments", "it makes the policy longer, and obscures which exclusion silences the records";
    ExclusionUnreachable = "exclusion/unreachable", Warning, "an exclusion silences records that are never counted", "delete it: such classes and commands are out of scope", "it silences nothing, although it looks as if it did";
    ExclusionNeverMatches = "exclusion/never-matches", Warning, "an exclusion matches no record", "remove one of the conditions, or the exclusion", "it silences nothing, although it looks as if it did";

    EnvironmentName = "environment/name-form", Error, "an environment's name is not in kebab case", "rename the file: lower-case words joined by hyphens, at most 32 characters", "the name is part of resource names, paths and addresses";
    EnvironmentDuplicate = "environment/duplicate-name", Error, "two files describe the same environment", "delete one of them", "the two files can contradict each other, and only one can apply";
    EnvironmentMissing = "environment/missing-key", Error, "an environment lacks a key that its provider needs", "add the key, here or in the base", "without it the environment cannot be compiled or deployed";
    EnvironmentUnused = "environment/unused-key", Warning, "the provider or the engine does not use a key", "delete the key", "its author might believe that it has an effect";
    EnvironmentAccount = "environment/account", Error, "an account number is not twelve digits", "write twelve digits in quotes", "a wrong account number belongs to another customer";
    EnvironmentRegion = "environment/region", Error, "a region does not have the format of an AWS region", "write it as in `eu-central-1`", "resources would be created in a region that does not have the log";
    EnvironmentUnknownRegion = "environment/unknown-region", Warning, "a region is unknown", "correct the name, unless the region is new", "resources would be created in a region that does not have the log";
    EnvironmentEngineRegion = "environment/engine-region", Warning, "the engine `log-alarm` might not be available in the region", "check whether CloudWatch offers log alarms there, or set `engine: monitor`", "where AWS does not offer log alarms, none can be created";
    EnvironmentAssumeRole = "environment/assume-role", Error, "`assume_role` is not valid for this environment", "write the ARN of a role of that account, as in `arn:aws:iam::123456789012:role/pgvigil`", "the resources would be created in a different account from the log's";
    EnvironmentBoundary = "environment/permissions-boundary", Error, "a permissions boundary does not belong to the environment's account", "write the ARN of a policy of that account, as in `arn:aws:iam::123456789012:policy/boundary`, or of an AWS managed policy", "IAM refuses a policy of another account, so the apply would fail halfway";
    EnvironmentFolder = "environment/folder", Error, "a folder is outside the repository", "write a path inside the repository", "files outside the repository change without a review";
    EnvironmentCluster = "environment/cluster-name", Error, "a cluster or instance name is not valid", "write the identifier as the RDS console shows it", "no log has such a name, so no one would be watched";
    EnvironmentUnknownCluster = "environment/unknown-cluster", Error, "`databases` names a cluster that the environment does not watch", "write the name as it appears under `clusters` or `instances`", "the entry would apply to no cluster, although it looks as if it did";
    EnvironmentDuplicateCluster = "environment/duplicate-cluster", Error, "a cluster is watched twice", "keep one of the two", "each statement would be counted twice";
    EnvironmentPrefix = "environment/log-line-prefix", Error, "a `log_line_prefix` is not supported", "set one of the two that RDS offers", "pgvigil reads the role from the prefix: with another prefix no record could be attributed to a person";
    EnvironmentRetention = "environment/retention", Error, "CloudWatch Logs does not offer a retention", "write one of the values that it offers", "AWS refuses other numbers, so the apply would fail halfway";
    EnvironmentRate = "environment/rate", Error, "a schedule is not a rate", "write it as in `rate(5 minutes)`", "AWS refuses other forms, so the monitor would never run";
    EnvironmentLateArrival = "environment/late-arrival", Error, "each run would read too many windows again", "lower `late_arrival_minutes`, or run less often", "each run would cost many times as much, and might not end in time";
    EnvironmentOverlap = "environment/overlap", Warning, "a run can last longer than the time between two runs", "lower `timeout_seconds`, or run less often", "two overlapping runs would query the same windows, so the later one has to wait";
    EnvironmentLateFigures = "environment/late-figures", Warning, "the alarm receives its figures hours late", "run at least every three hours", "people would be notified hours after the event";
    EnvironmentNamespace = "environment/namespace", Error, "CloudWatch refuses a namespace", "write 1 to 255 letters, digits and `. - _ / # :`, not beginning with `AWS/`", "without the metric the alarm has no data";
    EnvironmentTag = "environment/tag", Error, "AWS refuses a tag", "write letters, digits, spaces and `_ . : / = + - @`, and no key that begins with `aws:`", "AWS refuses the resource, so the apply would fail halfway";
    EnvironmentEmail = "environment/email", Error, "an email address is not valid", "write one address as in `dba@example.com`", "the notification would reach no one";
    EnvironmentLiteralSecret = "environment/literal-secret", Error, "the file contains a secret", "refer to it by `from_env` or `from_secret`, and change the secret: it is in the history now", "everyone who has or will have access to the repository can read the secret";
    EnvironmentSecretReference = "environment/secret-reference", Error, "a reference to a secret is not valid", "write one of `from_env: NAME` and `from_secret: NAME`", "no secret would be found, so the notification would reach no one";
    EnvironmentRouteAlone = "environment/route-alone", Error, "an environment has routes and no default receiver", "add a default receiver under `notifications`, as in `email: [dba@example.com]`", "a detection that no route takes would reach no one, and so would the alarms of CloudWatch, which no route takes";
    EnvironmentRouteTakesAll = "environment/route-takes-all", Error, "a route has no condition", "write its receivers directly under `notifications`, or add a condition", "its receivers get everything, although a route says that they get a part";
    EnvironmentRouteNoReceiver = "environment/route-no-receiver", Error, "a route has no receiver", "add `email` or `https` to the route, or remove it", "the route looks as if someone were notified, and no one is";
    EnvironmentRouteUnknown = "environment/route-unknown", Error, "a route names a team, owner or signal that no detection can have", "write the name as `users` has it, or switch the signal on", "no detection would take the route, so its receivers would get no messages";
    EnvironmentRouteTooMany = "environment/route-too-many", Error, "there are more receivers or conditions than SNS accepts", "use fewer receivers or shorter lists, or a mailing list", "AWS refuses the subscription, so the apply would fail halfway";
    EnvironmentRouteEngine = "environment/route-engine", Error, "routes, `chat`, `events` or `runbook` are used with an engine that cannot follow them", "remove them, or write `engine: monitor`", "only the monitor writes who and what a message is about: alarms of CloudWatch would reach no route, no chat and no event bus";
    EnvironmentEventBus = "environment/event-bus", Error, "the event bus is in another region", "name a bus of the environment's region", "the monitor calls EventBridge in its own region, where the bus does not exist: every run with a new detection would fail";
    EnvironmentOwnReceiver = "environment/own-receiver", Error, "only the person whom a message is about would receive it", "add a default receiver who is someone else", "a person who alone hears of their own work can ignore it";
    EnvironmentNobodyAudited = "environment/nobody-audited", Error, "an environment audits no one", "add people to `users` whose `environments` include it and whose `until` has not passed", "an alarm that watches no one never fires, and its silence looks like good news";
    EnvironmentNobodyTold = "environment/nobody-told", Warning, "no one is notified when an alarm fires", "add `notifications`", "the alarm only changes its state in a console that no one might be looking at";
    EnvironmentResourceName = "environment/resource-name", Error, "a resource name is too long", "shorten the environment's name", "AWS refuses longer names, so the apply would fail halfway";
    CompileLeftOut = "compile/left-out", Warning, "the texts that Logs Insights runs have no room for some exclusions", "move the exclusions that silence the most records to the top", "these texts show more records than the policy counts, and a log alarm counts them";
    CompileTooLoud = "compile/too-loud", Error, "the log alarms leave out so many exclusions that they count the records of tools", "move the exclusions that silence the most records to the top, or select fewer exclusions", "people switch off an alarm that fires for every tool";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The texts of a code, no matter which command reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The stable name, `area/name`.
    pub id: &'static str,
    /// How bad it is, in a word.
    pub severity: &'static str,
    pub title: &'static str,
    pub why: &'static str,
    pub remedy: &'static str,
}

impl Code {
    /// What there is to say of it.
    pub const fn entry(self) -> Entry {
        Entry {
            id: self.id(),
            severity: self.severity().name(),
            title: self.title(),
            why: self.why(),
            remedy: self.remedy(),
        }
    }
}

/// What `check` prints for the smallest files that have each fault: `tests/cases/`, of which a test makes this file.
const EXAMPLES: &str = include_str!("examples.txt");

/// What parts the examples from one another; no diagnostic begins a line so.
pub const EXAMPLE: &str = "==== ";

/// What `check` prints where a code holds.
pub fn example(id: &str) -> Option<&'static str> {
    let mut parts = EXAMPLES.split(EXAMPLE);
    parts
        .find_map(|part| part.strip_prefix(id)?.strip_prefix('\n'))
        .map(str::trim_end)
}

/// The reference page of all codes: those of `check`, and `others`.
pub fn render_reference(others: &[Entry]) -> String {
    let mut page = String::from(
        "# Codes of findings\n\n`pgvigil explain CODE` shows the same with an example. Generated from `src/diagnostic/code.rs` and \
         `src/ci/code.rs`. A code is stable once it is released. Each that `check` finds has a case in `tests/cases/`.\n",
    );
    let mut area = "";
    for entry in Code::ALL
        .iter()
        .map(|code| code.entry())
        .chain(others.iter().copied())
    {
        let (new_area, _) = entry.id.split_once('/').unwrap_or((entry.id, ""));
        if new_area != area {
            area = new_area;
            page.push_str(&format!("\n## {area}\n\n| code | severity | what is wrong | why it matters | what to do |\n| --- | --- | --- | --- | --- |\n"));
        }
        page.push_str(&format!(
            "| `{}` | {} | {} | {} | {} |\n",
            entry.id, entry.severity, entry.title, entry.why, entry.remedy
        ));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_well_formed() {
        let mut seen = std::collections::BTreeSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.id()), "{code} stands twice");
            let (area, name) = code.id().split_once('/').unwrap();
            for part in [area, name] {
                assert!(
                    part.bytes().all(|byte| byte.is_ascii_lowercase()
                        || byte.is_ascii_digit()
                        || byte == b'-'),
                    "{code}"
                );
            }
            assert!(
                [code.title(), code.remedy(), code.why()]
                    .iter()
                    .all(|text| !text.is_empty() && !text.ends_with('.')),
                "{code}"
            );
            let example = example(code.id()).unwrap_or_default();
            assert!(
                example.contains(&format!("[{code}]: ")),
                "{code}: {example}"
            );
        }
    }
}
