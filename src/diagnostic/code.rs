//! Every code, in one list. A code is stable once it is released.

use std::fmt;

use super::Severity;

macro_rules! codes {
    ($($variant:ident = $id:literal, $severity:ident, $title:literal, $remedy:literal;)*) => {
        /// The kind of a diagnostic.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $variant,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Code] = &[$(Code::$variant,)*];

            /// The stable name, `area/name`.
            pub const fn id(self) -> &'static str {
                match self { $(Code::$variant => $id,)* }
            }

            /// What the code stands for, in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Code::$variant => $title,)* }
            }

            /// What to do about it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Code::$variant => $remedy,)* }
            }

            /// How bad it is unless something says otherwise.
            pub const fn severity(self) -> Severity {
                match self { $(Code::$variant => Severity::$severity,)* }
            }
        }
    };
}

codes! {
    SourceTooLarge = "source/too-large", Error, "a file is larger than 1 MiB", "split it into several files";
    SourceNotUtf8 = "source/not-utf8", Error, "a file is not UTF-8", "save the file as UTF-8";
    SourceByteOrderMark = "source/byte-order-mark", Error, "a file begins with a byte order mark", "save the file as UTF-8 without a byte order mark";
    SourceControlCharacter = "source/control-character", Error, "a file holds a control character", "delete the character";
    SourceInvisibleCharacter = "source/invisible-character", Error, "a file holds a character that cannot be seen", "delete the character, or type a plain space";
    SourceBidirectionalCharacter = "source/bidirectional-character", Error, "a file holds a mark that turns the direction of writing", "delete the mark: what is displayed is not what is read";
    SourceEmptyFile = "source/empty-file", Warning, "a file is empty", "delete the file, or write something into it";
    SourceUnexpectedFile = "source/unexpected-file", Warning, "a file is not read", "give it the extension `.yaml`, put it into the right folder, or move it away";
    SourceSymbolicLink = "source/symbolic-link", Error, "a symbolic link among the policy files", "put the file itself here";
    SourceNoFiles = "source/no-files", Error, "there are no policy files", "run the command in the repository's folder, or begin with `pgvigil init`";
    SourceMixedScripts = "source/mixed-scripts", Warning, "a name mixes alphabets", "type the name anew: it may hold a letter that only looks right";

    YamlSyntax = "yaml/syntax", Error, "a file is not valid YAML", "correct the text at the place shown";
    YamlTab = "yaml/tab", Error, "a tab in the indentation", "indent with spaces";
    YamlDuplicateKey = "yaml/duplicate-key", Error, "a key stands twice in one mapping", "delete one of the two, or make it a list";
    YamlMergeKey = "yaml/merge-key", Error, "a merge key", "write the values out, or use `extends` in an environment";
    YamlAlias = "yaml/alias", Error, "an anchor or alias", "write the value out, or use `extends` in an environment";
    YamlTag = "yaml/tag", Error, "a tag", "delete the tag";
    YamlSeveralDocuments = "yaml/several-documents", Error, "several documents in one file", "put each document into its own file";
    YamlTooDeep = "yaml/too-deep", Error, "nested too deeply", "no policy file nests deeper than 64 levels";
    YamlKeyNotText = "yaml/key-not-text", Error, "a key that is not text", "write a plain word as the key";
    YamlNull = "yaml/null", Error, "a value is missing", "write a value, or leave the key out";
    YamlBooleanLike = "yaml/boolean-like", Error, "a word that some YAML readers take for true or false", "quote it if it is text, write `true` or `false` if it is not";
    YamlLeadingZero = "yaml/leading-zero", Error, "a number with a leading zero", "quote it if it is text, drop the zero if it is a number";
    YamlNumberLike = "yaml/number-like", Error, "a word that some YAML readers take for a number", "quote it if it is text, write the number in plain digits if it is not";

    SchemaVersion = "schema/version", Error, "the version is not one that this program reads", "write `version: 1`";
    SchemaUnknownKey = "schema/unknown-key", Error, "a key is unknown", "correct the key's name, or delete it";
    SchemaMissingKey = "schema/missing-key", Error, "a key is missing", "add the key";
    SchemaWrongType = "schema/wrong-type", Error, "a value has the wrong shape", "write the shape that the message names";
    SchemaUnquotedText = "schema/unquoted-text", Error, "a text is written like a number or a boolean", "put the value into quotes";
    SchemaUnknownValue = "schema/unknown-value", Error, "a value is none of those possible", "write one of the values that the message lists";
    SchemaEmpty = "schema/empty", Error, "a text or list is empty", "write something, or leave the key out";
    SchemaOutOfRange = "schema/out-of-range", Error, "a number is out of its range", "write a number inside the range";
    SchemaRepeatedItem = "schema/repeated-item", Error, "a list holds an item twice", "delete the second one";
    SchemaValue = "schema/value", Error, "a value does not have the form it must have", "write it in the form that the message shows";

    ReferenceEnvironment = "reference/unknown-environment", Error, "an environment is named that does not exist", "correct the name, or add `environments/NAME.yaml`";
    ReferenceExclusion = "reference/unknown-exclusion", Error, "an exclusion is named that does not exist", "correct the id, or add the exclusion";
    ReferenceSet = "reference/unknown-set", Error, "a built-in set is named that does not exist", "correct the name";
    ReferenceBase = "reference/unknown-base", Error, "`extends` names a file that does not exist", "correct the name, or add the file";
    ReferenceCycle = "reference/extends-cycle", Error, "environments extend each other in a circle", "cut the circle";

    DateImpossible = "date/impossible", Error, "a date does not exist", "write an existing day as YYYY-MM-DD";
    DateOrder = "date/order", Error, "an exclusion expires before it was created", "correct one of the two dates";
    DateFuture = "date/future", Warning, "an exclusion was created in the future", "write the day on which it was agreed";

    RoleDuplicate = "role/duplicate", Error, "a role is declared twice", "keep one of the two entries";
    RoleUserAndAccount = "role/user-and-account", Error, "a role is both an audited person and an account that is not audited", "keep one of the two entries";
    RoleTooLong = "role/too-long", Error, "a role name is longer than PostgreSQL's 63 bytes", "write the name as `pg_roles` has it";
    RoleControlCharacter = "role/control-character", Error, "a role name holds control characters", "rename the role";
    RoleImitatesLog = "role/imitates-log", Error, "a role name holds characters with which it can imitate a line of the log", "rename the role";
    RoleOuterSpace = "role/outer-space", Error, "a role name begins or ends with a space", "write the name as `pg_roles` has it";

    LimitsTwice = "limits/given-twice", Error, "limits are given twice", "keep one `limits` at the top of a file";
    ProtectedEmpty = "protected/empty", Error, "a protected entry without a condition", "write what is protected, such as `schema` and `relation`";
    ProtectedRelationAlone = "protected/relation-without-schema", Error, "a protected relation without its schema", "add `schema`";
    ProtectedWord = "protected/unknown-word", Error, "a class or command that pgAudit never prints", "write it as pgAudit prints it";
    CanarySilent = "canary/silenced", Error, "a canary does not count", "narrow the exclusion that silences it";

    UserTwoDefaults = "user/two-defaults", Error, "default audit settings are given twice", "keep one `audit` at the top of a file";
    UserExpired = "user/expired", Warning, "a person's enrolment has ended", "delete the entry, or set a later `until`";
    UserExpiresSoon = "user/expires-soon", Warning, "a person's enrolment ends within 30 days", "set a later `until`, or let it end";
    UserNoRelations = "user/no-relations", Warning, "a person's audit settings leave out the relations that a statement touches", "set `log_relation: true`, or leave it out";
    UserNotWatched = "user/not-watched", Warning, "a person's audit settings leave out what is counted", "add `read`, `write` and `function` to `log`, or write `all`";

    AccountRole = "account/role-or-pattern", Error, "an account needs either a role or a pattern", "write one of `role` and `pattern`";
    AccountMatchesAll = "account/matches-everything", Error, "a pattern of accounts matches every role", "write a pattern that only the accounts' names match";
    AccountSwallowsUser = "account/swallows-user", Error, "a pattern of accounts matches an audited person", "make the pattern narrower, or rename the account";

    PatternInvalid = "pattern/invalid", Error, "a regular expression is not valid", "correct the expression";
    PatternNotPortable = "pattern/not-portable", Error, "a regular expression uses what the log service may not know, or reads differently", "write it with the portable forms that the message names";
    PatternEmpty = "pattern/empty", Error, "a regular expression matches the empty text", "write an expression that needs at least one character";

    ExclusionDuplicate = "exclusion/duplicate-id", Error, "two exclusions have one id", "rename one of them";
    ExclusionId = "exclusion/id-form", Error, "an id is not in kebab case", "write lower-case words joined by hyphens, at most 63 characters";
    ExclusionReason = "exclusion/weak-reason", Warning, "a reason says nothing", "say what makes these records and why they are harmless";
    ExclusionEmptyMatch = "exclusion/empty-match", Error, "an exclusion has no condition", "write what it matches, at least `class` and `command`";
    ExclusionTooWide = "exclusion/too-wide", Error, "an exclusion silences people's work together with the noise", "narrow it by `schema` and `relation`, or by the statement";
    ExclusionUnknownWord = "exclusion/unknown-word", Error, "a class, command or object type that pgAudit never prints", "write it as pgAudit prints it";
    ExclusionRelationAlone = "exclusion/relation-without-schema", Error, "a relation without its schema", "add `schema`: anybody may create a table of that name elsewhere";
    ExclusionCatalogWhole = "exclusion/whole-catalog", Error, "a whole system schema is silenced", "list the relations: some of the catalog holds users' data";
    ExclusionProtected = "exclusion/protected-relation", Error, "a relation that holds users' data or secrets is silenced", "take it off the list, or name it under `statement.lacks`";
    ExclusionNoExpiry = "exclusion/no-expiry", Error, "an exclusion that never ends", "add `expires`: what makes noise changes, and so do the people who can hide behind it";
    ExclusionNoSamples = "exclusion/no-samples", Error, "an exclusion without samples", "add at least one record that it silences and one near miss that stays loud";
    ExclusionSampleObject = "exclusion/sample-object", Error, "a sample has an object without its type", "add `object_type`: pgAudit prints both or neither";
    ExclusionWriterOnly = "exclusion/writer-only", Error, "an exclusion rests on nothing but what people type", "add `class`, `command` and what else the server writes, or match the whole statement";
    ExclusionEvadable = "exclusion/evadable", Error, "a person can hide behind an exclusion", "narrow the condition that is shown, until the statement counts";
    ExclusionExpired = "exclusion/expired", Error, "an exclusion has expired", "delete it, or agree on it anew with a later `expires`";
    ExclusionExpiresSoon = "exclusion/expires-soon", Warning, "an exclusion expires within 30 days", "agree on it anew, or let it expire";
    ExclusionLivesLong = "exclusion/lives-long", Error, "an exclusion lives longer than the limits allow", "let it expire earlier, or raise `max_life_days` under `limits`";
    ExclusionAcceptedLong = "exclusion/risk-accepted-long", Error, "a risk is accepted for longer than the limits allow", "let it end earlier: `max_accepted_days` under `limits`";
    ExclusionAcceptedBySelf = "exclusion/risk-accepted-by-its-owner", Error, "the owner of an exclusion accepts its risk", "name somebody else who answers for the risk";
    ExclusionSilencesProtected = "exclusion/silences-protected", Error, "an exclusion can silence what is protected", "narrow it so that it cannot match the protected entry";
    ExclusionShadowed = "exclusion/shadowed", Warning, "an exclusion silences nothing that another one does not silence too", "delete it, or narrow the wider one";
    ExclusionDuplicateMatch = "exclusion/duplicate-match", Warning, "two exclusions match the same", "keep one of the two, or give them different environments";
    ExclusionUnreachable = "exclusion/unreachable", Warning, "an exclusion silences records that are never counted", "delete it: such classes and commands are out of scope";
    ExclusionNeverMatches = "exclusion/never-matches", Warning, "an exclusion matches no record", "drop one of the conditions, or the exclusion";

    EnvironmentName = "environment/name-form", Error, "an environment's name is not in kebab case", "rename the file: lower-case words joined by hyphens, at most 32 characters";
    EnvironmentDuplicate = "environment/duplicate-name", Error, "two files describe one environment", "delete one of them";
    EnvironmentMissing = "environment/missing-key", Error, "an environment lacks what its provider needs", "add the key, here or in the base";
    EnvironmentUnused = "environment/unused-key", Warning, "a key that the provider or the engine does not use", "delete the key";
    EnvironmentAccount = "environment/account", Error, "an account number is not twelve digits", "write twelve digits in quotes";
    EnvironmentRegion = "environment/region", Error, "a region does not have the form of a region", "write it as in `eu-central-1`";
    EnvironmentUnknownRegion = "environment/unknown-region", Warning, "a region is not known", "correct the name, unless the region is new";
    EnvironmentEngineRegion = "environment/engine-region", Warning, "the engine `log-alarm` is perhaps not offered in the region", "look whether CloudWatch offers log alarms there, or set `engine: monitor`";
    EnvironmentAssumeRole = "environment/assume-role", Error, "a role to assume is none of the environment's account", "write the ARN of a role of that account, as in `arn:aws:iam::123456789012:role/pgvigil`";
    EnvironmentFolder = "environment/folder", Error, "a folder lies outside the repository", "write a path inside the repository";
    EnvironmentCluster = "environment/cluster-name", Error, "a name is none that a cluster or instance can have", "write the identifier as the RDS console shows it";
    EnvironmentUnknownCluster = "environment/unknown-cluster", Error, "`databases` names a cluster that the environment does not watch", "write the name as it stands under `clusters` or `instances`";
    EnvironmentDuplicateCluster = "environment/duplicate-cluster", Error, "a cluster is watched twice", "keep one of the two";
    EnvironmentPrefix = "environment/log-line-prefix", Error, "a `log_line_prefix` that is not supported", "set one of the two that RDS offers";
    EnvironmentRetention = "environment/retention", Error, "a retention that CloudWatch Logs does not offer", "write one of its values";
    EnvironmentRate = "environment/rate", Error, "a schedule is not a rate", "write it as in `rate(5 minutes)`";
    EnvironmentLateArrival = "environment/late-arrival", Error, "each run would read too many windows again", "allow less late arrival, or run less often";
    EnvironmentOverlap = "environment/overlap", Warning, "a run may last longer than the time between two runs", "lower `timeout_seconds`, or run less often";
    EnvironmentLateFigures = "environment/late-figures", Warning, "the alarm gets its figures hours late", "run at least every three hours";
    EnvironmentNamespace = "environment/namespace", Error, "a namespace that CloudWatch refuses", "write 1 to 255 letters, digits and `. - _ / # :`, not beginning with `AWS/`";
    EnvironmentTag = "environment/tag", Error, "a tag that AWS refuses", "write letters, digits, spaces and `_ . : / = + - @`, and no key that begins with `aws:`";
    EnvironmentEmail = "environment/email", Error, "an e-mail address that cannot be one", "write one address as in `dba@example.com`";
    EnvironmentLiteralSecret = "environment/literal-secret", Error, "a secret stands in the file", "refer to it by `from_env` or `from_secret`, and change the secret: it is in the history now";
    EnvironmentSecretReference = "environment/secret-reference", Error, "a reference to a secret is not one", "write one of `from_env: NAME` and `from_secret: NAME`";
    EnvironmentNobodyAudited = "environment/nobody-audited", Error, "an environment audits nobody", "add people to `users` whose `environments` name it and whose `until` is not past";
    EnvironmentNobodyTold = "environment/nobody-told", Warning, "nobody is told when an alarm goes off", "add `notifications`";
    EnvironmentResourceName = "environment/resource-name", Error, "the name of a resource becomes too long", "shorten the environment's name";
    CompileLeftOut = "compile/left-out", Warning, "the texts that Logs Insights runs have no room for some exclusions", "put first what silences most";
    CompileTooLoud = "compile/too-loud", Error, "the log alarms leave out so much that they count what tools do", "put first what silences most, or select fewer exclusions";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The reference page of all codes.
pub fn render_reference() -> String {
    let mut page = String::from(
        "# Diagnostics\n\nGenerated from `src/diagnostic/code.rs`. A code is stable once it is released. Each has a case in `tests/cases/`.\n",
    );
    let mut area = "";
    for code in Code::ALL {
        let (new_area, _) = code.id().split_once('/').unwrap_or((code.id(), ""));
        if new_area != area {
            area = new_area;
            page.push_str(&format!("\n## {area}\n\n| code | severity | what is wrong | what to do |\n| --- | --- | --- | --- |\n"));
        }
        page.push_str(&format!(
            "| `{code}` | {} | {} | {} |\n",
            code.severity(),
            code.title(),
            code.remedy()
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
                !code.title().ends_with('.') && !code.remedy().ends_with('.'),
                "{code}"
            );
        }
    }
}
