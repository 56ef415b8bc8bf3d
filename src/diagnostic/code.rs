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

            /// Why it matters.
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
    SourceTooLarge = "source/too-large", Error, "a file is larger than 1 MiB", "split it into several files", "a file that large is a mistake or an attack, and no reviewer can read it";
    SourceNotUtf8 = "source/not-utf8", Error, "a file is not UTF-8", "save the file as UTF-8", "other programs would read other names than this one does";
    SourceByteOrderMark = "source/byte-order-mark", Error, "a file begins with a byte order mark", "save the file as UTF-8 without a byte order mark", "the mark cannot be seen, and other programs take it for part of the first key";
    SourceControlCharacter = "source/control-character", Error, "a file holds a control character", "delete the character", "a terminal obeys it, so that a reviewer sees something else than what is read";
    SourceInvisibleCharacter = "source/invisible-character", Error, "a file holds a character that cannot be seen", "delete the character, or type a plain space", "two names that look alike would be two names";
    SourceBidirectionalCharacter = "source/bidirectional-character", Error, "a file holds a mark that turns the direction of writing", "delete the mark: what is displayed is not what is read", "what a reviewer sees is in another order than what is read";
    SourceEmptyFile = "source/empty-file", Warning, "a file is empty", "delete the file, or write something into it", "it looks as if something were declared, and nothing is";
    SourceUnexpectedFile = "source/unexpected-file", Warning, "a file is not read", "give it the extension `.yaml`, put it into the right folder, or move it away", "whoever put it there may believe that it counts";
    SourceSymbolicLink = "source/symbolic-link", Error, "a symbolic link among the policy files", "put the file itself here", "what it points to can change without a review";
    SourceSubmodule = "source/submodule", Error, "a submodule is among the policy files", "put the files themselves here", "a review shows the name of a commit, not the files, and a checkout can leave them out";
    SourceTooDeep = "source/too-deep", Error, "a folder lies deeper than 16 folders under `rules/`", "move its files further up", "what is declared there is not read, so whoever is named there is not audited";
    SourceNotAFile = "source/not-a-file", Error, "a pipe, a socket or a device is among the policy files", "delete it, or put a file in its place", "it has no content that a commit could hold, and reading it can last forever";
    SourceNoFiles = "source/no-files", Error, "there are no policy files", "run the command in the repository's folder, or begin with `pgvigil init`", "without files nobody is audited, and every other verdict would say nothing";
    SourceMixedScripts = "source/mixed-scripts", Warning, "a name mixes alphabets", "type the name anew: it may hold a letter that only looks right", "a Cyrillic letter in a name of Latin ones makes another role, which the reviewer cannot see";

    YamlSyntax = "yaml/syntax", Error, "a file is not valid YAML", "correct the text at the place shown", "a file that cannot be read declares nothing";
    YamlMergeConflict = "yaml/merge-conflict", Error, "a file holds the marks of a merge conflict", "decide for one of the two sides, and delete the lines with the marks", "nobody has decided yet which of the two sides is meant";
    YamlTab = "yaml/tab", Error, "a tab in the indentation", "indent with spaces", "YAML forbids tabs there, and readers differ in what they make of them";
    YamlDuplicateKey = "yaml/duplicate-key", Error, "a key stands twice in one mapping", "delete one of the two, or make it a list", "YAML readers differ in which of the two they take, so that the first one may be silently lost";
    YamlMergeKey = "yaml/merge-key", Error, "a merge key", "write the values out, or use `extends` in an environment", "what stands in an entry would be written somewhere else, where no reviewer looks";
    YamlAlias = "yaml/alias", Error, "an anchor or alias", "write the value out, or use `extends` in an environment", "what stands in an entry would be written somewhere else, where no reviewer looks";
    YamlTag = "yaml/tag", Error, "a tag", "delete the tag", "a tag changes the meaning of a value in some readers";
    YamlSeveralDocuments = "yaml/several-documents", Error, "several documents in one file", "put each document into its own file", "most readers take only the first document, so that the rest would be silently lost";
    YamlTooDeep = "yaml/too-deep", Error, "nested too deeply", "no policy file nests deeper than 64 levels", "such a file is made to harm the reader";
    YamlKeyNotText = "yaml/key-not-text", Error, "a key that is not text", "write a plain word as the key", "no key of a policy is a number, a list or a mapping";
    YamlNull = "yaml/null", Error, "a value is missing", "write a value, or leave the key out", "an empty value may be a forgotten one, and a forgotten one must not become a default";
    YamlBooleanLike = "yaml/boolean-like", Error, "a word that some YAML readers take for true or false", "quote it if it is text, write `true` or `false` if it is not", "a role called `no` would be the role `false` in another reader";
    YamlLeadingZero = "yaml/leading-zero", Error, "a number with a leading zero", "quote it if it is text, drop the zero if it is a number", "an account `012345678901` would be another number in another reader";
    YamlNumberLike = "yaml/number-like", Error, "a word that some YAML readers take for a number", "quote it if it is text, write the number in plain digits if it is not", "a text such as `1_000` or `1e3` would be a number in another reader";

    SchemaVersion = "schema/version", Error, "the version is not one that this program reads", "write `version: 1`", "another version may give the same keys another meaning";
    SchemaUnknownKey = "schema/unknown-key", Error, "a key is unknown", "correct the key's name, or delete it", "a mistyped key would be ignored in silence, and what it was to say would not hold";
    SchemaMissingKey = "schema/missing-key", Error, "a key is missing", "add the key", "without it the entry does not say what it is about";
    SchemaWrongType = "schema/wrong-type", Error, "a value has the wrong shape", "write the shape that the message names", "the value cannot be used as it is, and guessing what was meant could silence somebody";
    SchemaUnquotedText = "schema/unquoted-text", Error, "a text is written like a number or a boolean", "put the value into quotes", "YAML changes such a text: zeros vanish, dates and numbers are written otherwise";
    SchemaUnknownValue = "schema/unknown-value", Error, "a value is none of those possible", "write one of the values that the message lists", "a mistyped value would be ignored in silence, and what it was to say would not hold";
    SchemaEmpty = "schema/empty", Error, "a text or list is empty", "write something, or leave the key out", "nothing is said, and nothing would be silently taken for everything";
    SchemaOutOfRange = "schema/out-of-range", Error, "a number is out of its range", "write a number inside the range", "outside of the range the database, AWS or this program cannot do what the number says";
    SchemaRepeatedItem = "schema/repeated-item", Error, "a list holds an item twice", "delete the second one", "the second one adds nothing, and may stand in the place of one that was meant";
    SchemaValue = "schema/value", Error, "a value does not have the form it must have", "write it in the form that the message shows", "the value cannot be used as it is, and guessing what was meant could silence somebody";

    ReferenceEnvironment = "reference/unknown-environment", Error, "an environment is named that does not exist", "correct the name, or add `environments/NAME.yaml`", "the entry would hold nowhere, although it looks as if it did";
    ReferenceExclusion = "reference/unknown-exclusion", Error, "an exclusion is named that does not exist", "correct the id, or add the exclusion", "the environment would be built of other exclusions than its file says";
    ReferenceSet = "reference/unknown-set", Error, "a built-in set is named that does not exist", "correct the name", "the exclusion would match nothing, or something else than was meant";
    ReferenceBase = "reference/unknown-base", Error, "`extends` names a file that does not exist", "correct the name, or add the file", "the keys that the base was to give are missing";
    ReferenceCycle = "reference/extends-cycle", Error, "environments extend each other in a circle", "cut the circle", "no file comes first, so no value is the last word";
    ReferenceDeep = "reference/extends-too-deep", Error, "a chain of `extends` is longer than 16 files", "put what these files share into fewer bases", "no reviewer sees what an environment of so many files comes to";

    DateImpossible = "date/impossible", Error, "a date does not exist", "write an existing day as YYYY-MM-DD", "a day that does not exist never comes, so that an end would never be reached";
    DateOrder = "date/order", Error, "an exclusion expires before it was created", "correct one of the two dates", "the exclusion would have ended before it began";
    DateFuture = "date/future", Warning, "an exclusion was created in the future", "write the day on which it was agreed", "the day says when people agreed, and they cannot have done so yet";

    RoleDuplicate = "role/duplicate", Error, "a role is declared twice", "keep one of the two entries", "two entries can say different things of one person, and only one can hold";
    RoleUserAndAccount = "role/user-and-account", Error, "a role is both an audited person and an account that is not audited", "keep one of the two entries", "the role would be audited and left alone at once";
    RoleTooLong = "role/too-long", Error, "a role name is longer than PostgreSQL's 63 bytes", "write the name as `pg_roles` has it", "PostgreSQL cuts longer names, so that no role of this name exists and nobody would be audited";
    RoleControlCharacter = "role/control-character", Error, "a role name holds control characters", "rename the role", "the log would show such a name in a way that cannot be told from other text";
    RoleImitatesLog = "role/imitates-log", Error, "a role name holds characters with which it can imitate a line of the log", "rename the role", "a record of such a role cannot be told from a forged one";
    RoleOuterSpace = "role/outer-space", Error, "a role name begins or ends with a space", "write the name as `pg_roles` has it", "the space cannot be seen, and the role without it is another one";

    LimitsTwice = "limits/given-twice", Error, "limits are given twice", "keep one `limits` at the top of a file", "two files would decide how many people must agree, and only one can hold";
    ProtectedEmpty = "protected/empty", Error, "a protected entry without a condition", "write what is protected, such as `schema` and `relation`", "without a condition nothing is protected, or everything is";
    ProtectedRelationAlone = "protected/relation-without-schema", Error, "a protected relation without its schema", "add `schema`", "a table of the same name in another schema would be meant or not, and nobody could tell";
    ProtectedWord = "protected/unknown-word", Error, "a class or command that pgAudit never prints", "write it as pgAudit prints it", "no record ever holds the word, so that nothing would be protected";
    CanarySilent = "canary/silenced", Error, "a canary does not count", "narrow the exclusion that silences it", "a canary is a statement that must be heard: if it is silent, real ones like it are silent too";

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
    GrantAfterTheFact = "grant/after-the-fact", Warning, "a grant begins before the day on which it is checked", "set `from` to a later time, unless the grant was merged in time", "a grant that is written afterwards marks work that no one had approved when it was done";

    UserTwoDefaults = "user/two-defaults", Error, "default audit settings are given twice", "keep one `audit` at the top of a file", "two files would decide what is logged of everybody, and only one can hold";
    UserExpired = "user/expired", Warning, "a person's enrolment has ended", "delete the entry, or set a later `until`", "the person is no longer audited, and may still be able to log in";
    UserExpiresSoon = "user/expires-soon", Warning, "a person's enrolment ends within 30 days", "set a later `until`, or let it end", "from that day on nothing of what the person does is counted";
    UserNoRelations = "user/no-relations", Warning, "a person's audit settings leave out the relations that a statement touches", "set `log_relation: true`, or leave it out", "without them the object of a statement is not in the log, so that rules on tables see nothing";
    UserNotWatched = "user/not-watched", Warning, "a person's audit settings leave out what is counted", "add `read`, `write` and `function` to `log`, or write `all`", "the database does not write what it was not told to log, and the alarm cannot count it";

    AccountRole = "account/role-or-pattern", Error, "an account needs either a role or a pattern", "write one of `role` and `pattern`", "with both or neither nobody could tell who is left alone";
    AccountMatchesAll = "account/matches-everything", Error, "a pattern of accounts matches every role", "write a pattern that only the accounts' names match", "every person would be taken for an account, and nobody would be audited";
    AccountSwallowsUser = "account/swallows-user", Error, "a pattern of accounts matches an audited person", "make the pattern narrower, or rename the account", "the person would be taken for an account, and nothing of what they do would count";

    PatternInvalid = "pattern/invalid", Error, "a regular expression is not valid", "correct the expression", "what cannot be read matches nothing, or everything";
    PatternNotPortable = "pattern/not-portable", Error, "a regular expression uses what the log service may not know, or reads differently", "write it with the portable forms that the message names", "the same text would match one thing here and another thing in the log service";
    PatternWildcard = "pattern/wildcard", Warning, "a name holds a wildcard", "name each one in a list; accounts may have a `pattern`", "a name is matched as it stands: `app_*` is one role of this odd name, and nobody else is meant";
    PatternEmpty = "pattern/empty", Error, "a regular expression matches the empty text", "write an expression that needs at least one character", "what matches the empty text matches everything";

    ExclusionDuplicate = "exclusion/duplicate-id", Error, "two exclusions have one id", "rename one of them", "reports, environments and approvals name exclusions by their ids";
    ExclusionId = "exclusion/id-form", Error, "an id is not in kebab case", "write lower-case words joined by hyphens, at most 63 characters", "ids stand in queries, in reports and in file names";
    ExclusionReason = "exclusion/weak-reason", Warning, "a reason says nothing", "say what makes these records and why they are harmless", "in a year nobody will know why these records are silent, and nobody will dare to ask";
    ExclusionEmptyMatch = "exclusion/empty-match", Error, "an exclusion has no condition", "write what it matches, at least `class` and `command`", "an exclusion without conditions silences everything";
    ExclusionTooWide = "exclusion/too-wide", Error, "an exclusion silences people's work together with the noise", "narrow it by `schema` and `relation`, or by the statement", "a person's real work would be silent together with the noise";
    ExclusionUnknownWord = "exclusion/unknown-word", Error, "a class, command or object type that pgAudit never prints", "write it as pgAudit prints it", "no record ever holds the word, so that the exclusion silences nothing";
    ExclusionRelationAlone = "exclusion/relation-without-schema", Error, "a relation without its schema", "add `schema`: anybody may create a table of that name elsewhere", "anybody who can create a table can give it this name, and work with it unheard";
    ExclusionCatalogWhole = "exclusion/whole-catalog", Error, "a whole system schema is silenced", "list the relations: some of the catalog holds users' data", "some of the catalog's relations hold users' data, passwords or the statements of other sessions";
    ExclusionProtected = "exclusion/protected-relation", Error, "a relation that holds users' data or secrets is silenced", "take it off the list, name it under `statement.lacks`, or list whole texts without it under `statement.equals`", "whoever reads it sees data, passwords or the statements of others, and nobody would hear it";
    ExclusionNoExpiry = "exclusion/no-expiry", Error, "an exclusion that never ends", "add `expires`: what makes noise changes, and so do the people who can hide behind it", "an exclusion without an end is never looked at again";
    ExclusionNoSamples = "exclusion/no-samples", Error, "an exclusion without samples", "add at least one record that it silences and one near miss that stays loud", "without records that show what it silences and what it does not, nobody can review it, and no test notices when it becomes wider";
    ExclusionSampleObject = "exclusion/sample-object", Error, "a sample has an object without its type", "add `object_type`: pgAudit prints both or neither", "pgAudit writes no such record, so that the sample proves nothing";
    ExclusionWriterOnly = "exclusion/writer-only", Error, "an exclusion rests on nothing but what people type", "add `class`, `command` and what else the server writes, or match the whole statement", "people write the statement themselves: whoever types the same words is silent";
    ExclusionEvadable = "exclusion/evadable", Error, "a person can hide behind an exclusion", "narrow the condition that is shown, until the statement counts", "a statement was found that does harm and is silent because of this exclusion";
    ExclusionExpired = "exclusion/expired", Error, "an exclusion has expired", "delete it, or agree on it anew with a later `expires`", "its records are counted again, and nobody has looked whether it is still right";
    ExclusionExpiresSoon = "exclusion/expires-soon", Warning, "an exclusion expires within 30 days", "agree on it anew, or let it expire", "from that day on its records are counted, and the noise comes back";
    ExclusionLivesLong = "exclusion/lives-long", Error, "an exclusion lives longer than the limits allow", "let it expire earlier, or raise `max_life_days` under `limits`", "what makes noise changes, and so do the people who could hide behind it";
    ExclusionAcceptedLong = "exclusion/risk-accepted-long", Error, "a risk is accepted for longer than the limits allow", "let it end earlier: `max_accepted_days` under `limits`", "an accepted risk that nobody looks at again is a hole";
    ExclusionAcceptedBySelf = "exclusion/risk-accepted-by-its-owner", Error, "the owner of an exclusion accepts its risk", "name somebody else who answers for the risk", "whoever wants the exclusion must not be the one who decides that its risk is small";
    ExclusionSilencesProtected = "exclusion/silences-protected", Error, "an exclusion can silence what is protected", "narrow it so that it cannot match the protected entry", "what is protected must be heard, whoever does it and whyever";
    ExclusionShadowed = "exclusion/shadowed", Warning, "an exclusion silences nothing that another one does not silence too", "delete it, or narrow the wider one", "it only makes the policy longer, and hides which exclusion does the work";
    ExclusionDuplicateMatch = "exclusion/duplicate-match", Warning, "two exclusions match the same", "keep one of the two, or give them different environments", "it only makes the policy longer, and hides which exclusion does the work";
    ExclusionUnreachable = "exclusion/unreachable", Warning, "an exclusion silences records that are never counted", "delete it: such classes and commands are out of scope", "it silences nothing, although it looks as if it did";
    ExclusionNeverMatches = "exclusion/never-matches", Warning, "an exclusion matches no record", "drop one of the conditions, or the exclusion", "it silences nothing, although it looks as if it did";

    EnvironmentName = "environment/name-form", Error, "an environment's name is not in kebab case", "rename the file: lower-case words joined by hyphens, at most 32 characters", "the name stands in the names of resources, in paths and in addresses";
    EnvironmentDuplicate = "environment/duplicate-name", Error, "two files describe one environment", "delete one of them", "two files would describe one place, and only one can hold";
    EnvironmentMissing = "environment/missing-key", Error, "an environment lacks what its provider needs", "add the key, here or in the base", "without it nothing can be compiled or deployed";
    EnvironmentUnused = "environment/unused-key", Warning, "a key that the provider or the engine does not use", "delete the key", "whoever wrote it believes that it does something";
    EnvironmentAccount = "environment/account", Error, "an account number is not twelve digits", "write twelve digits in quotes", "a wrong account is somebody else's account";
    EnvironmentRegion = "environment/region", Error, "a region does not have the form of a region", "write it as in `eu-central-1`", "resources would be made in a place where the log is not";
    EnvironmentUnknownRegion = "environment/unknown-region", Warning, "a region is not known", "correct the name, unless the region is new", "resources would be made in a place where the log is not";
    EnvironmentEngineRegion = "environment/engine-region", Warning, "the engine `log-alarm` is perhaps not offered in the region", "look whether CloudWatch offers log alarms there, or set `engine: monitor`", "where AWS does not offer it, no alarm can be made";
    EnvironmentAssumeRole = "environment/assume-role", Error, "a role to assume is none of the environment's account", "write the ARN of a role of that account, as in `arn:aws:iam::123456789012:role/pgvigil`", "the resources would be made in another account than the log's";
    EnvironmentBoundary = "environment/permissions-boundary", Error, "a permissions boundary does not belong to the environment's account", "write the ARN of a policy of that account, as in `arn:aws:iam::123456789012:policy/boundary`, or of an AWS managed policy", "IAM refuses a policy of another account, and the apply would stop part way";
    EnvironmentFolder = "environment/folder", Error, "a folder lies outside the repository", "write a path inside the repository", "files outside the repository change without a review";
    EnvironmentCluster = "environment/cluster-name", Error, "a name is none that a cluster or instance can have", "write the identifier as the RDS console shows it", "no log of that name exists, so that nobody would be watched";
    EnvironmentUnknownCluster = "environment/unknown-cluster", Error, "`databases` names a cluster that the environment does not watch", "write the name as it stands under `clusters` or `instances`", "the entry would hold for no cluster, although it looks as if it did";
    EnvironmentDuplicateCluster = "environment/duplicate-cluster", Error, "a cluster is watched twice", "keep one of the two", "each statement would be counted twice";
    EnvironmentPrefix = "environment/log-line-prefix", Error, "a `log_line_prefix` that is not supported", "set one of the two that RDS offers", "who did what is read from the prefix: with another one no record has an owner";
    EnvironmentRetention = "environment/retention", Error, "a retention that CloudWatch Logs does not offer", "write one of its values", "AWS refuses other numbers, and the apply would stop part way";
    EnvironmentRate = "environment/rate", Error, "a schedule is not a rate", "write it as in `rate(5 minutes)`", "AWS refuses other forms, and the monitor would never run";
    EnvironmentLateArrival = "environment/late-arrival", Error, "each run would read too many windows again", "allow less late arrival, or run less often", "each run would cost many times as much, and may not end in time";
    EnvironmentOverlap = "environment/overlap", Warning, "a run may last longer than the time between two runs", "lower `timeout_seconds`, or run less often", "two runs at once ask for the same windows, and the later one waits";
    EnvironmentLateFigures = "environment/late-figures", Warning, "the alarm gets its figures hours late", "run at least every three hours", "people would learn hours later what somebody does now";
    EnvironmentNamespace = "environment/namespace", Error, "a namespace that CloudWatch refuses", "write 1 to 255 letters, digits and `. - _ / # :`, not beginning with `AWS/`", "AWS refuses the metric, and no alarm can look at it";
    EnvironmentTag = "environment/tag", Error, "a tag that AWS refuses", "write letters, digits, spaces and `_ . : / = + - @`, and no key that begins with `aws:`", "AWS refuses the resource, and the apply would stop part way";
    EnvironmentEmail = "environment/email", Error, "an e-mail address that cannot be one", "write one address as in `dba@example.com`", "the message of the alarm would reach no one";
    EnvironmentLiteralSecret = "environment/literal-secret", Error, "a secret stands in the file", "refer to it by `from_env` or `from_secret`, and change the secret: it is in the history now", "everybody who can read the repository, now or ever, has the secret";
    EnvironmentSecretReference = "environment/secret-reference", Error, "a reference to a secret is not one", "write one of `from_env: NAME` and `from_secret: NAME`", "no secret would be found, and the message of the alarm would reach no one";
    EnvironmentNobodyAudited = "environment/nobody-audited", Error, "an environment audits nobody", "add people to `users` whose `environments` name it and whose `until` is not past", "an alarm that listens to nobody never goes off, and its silence looks like peace";
    EnvironmentNobodyTold = "environment/nobody-told", Warning, "nobody is told when an alarm goes off", "add `notifications`", "the alarm goes off in a console that nobody looks at";
    EnvironmentResourceName = "environment/resource-name", Error, "the name of a resource becomes too long", "shorten the environment's name", "AWS refuses longer names, and the apply would stop part way";
    CompileLeftOut = "compile/left-out", Warning, "the texts that Logs Insights runs have no room for some exclusions", "put first what silences most", "these texts show, and a log alarm counts, more than the policy asks for";
    CompileTooLoud = "compile/too-loud", Error, "the log alarms leave out so much that they count what tools do", "put first what silences most, or select fewer exclusions", "an alarm that is loud about every tool is switched off by the people who hear it";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// What there is to say of a code, whoever finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The stable name, `area/name`.
    pub id: &'static str,
    /// How bad it is, in a word.
    pub severity: &'static str,
    /// What is wrong.
    pub title: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
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
