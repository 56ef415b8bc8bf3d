//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;

/// Audit human access to Aurora PostgreSQL as code: check, prove, compile and deploy the policy
#[derive(Debug, Parser)]
#[command(name = "pgvigil", version, propagate_version = true, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "Exit codes: 0 clean, 1 the tool failed, 2 bad usage, 10 errors in policy files or problems found \
by doctor, 11 rule tests failed, 12 changes pending, 13 drift, 14 both, 15 apply stopped part way, 16 a gap in the \
coverage of enrolment, 17 logs were not read, 18 approvals are missing, 19 migrate left steps to do \
manually.\n\nResults go to stdout, everything else to stderr.";

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Folder of the policy repository, which contains `rules/` and `environments/`
    #[arg(
        long,
        short = 'C',
        global = true,
        default_value = ".",
        value_name = "DIR",
        help_heading = "Global options"
    )]
    pub(crate) root: PathBuf,
    /// When to colour the output
    #[arg(
        long,
        global = true,
        default_value = "auto",
        value_name = "WHEN",
        help_heading = "Global options"
    )]
    pub(crate) color: Color,
    /// Print no progress and no hints
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,
    /// Check dates (expiry, end of enrolment) as if today were this day
    #[arg(
        long,
        global = true,
        value_name = "YYYY-MM-DD",
        value_parser = day,
        help_heading = "Global options"
    )]
    pub(crate) today: Option<Date>,
    /// Seconds to wait for each answer from a database, Git, a forge or AWS; default: PGVIGIL_CALL_TIMEOUT, else a
    /// limit for each kind
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..=pgvigil::waiting::LONGEST.as_secs()),
        help_heading = "Global options"
    )]
    pub(crate) call_timeout: Option<u64>,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a policy repository: asks questions on a terminal, otherwise uses the options; overwrites nothing
    Init(InitArgs),
    /// Turn the files of the old audit monitor (query, variables, tfvars, SQL) into policy files, and show how it can
    /// be evaded
    Migrate(MigrateArgs),
    /// Check every policy file
    Check(CheckArgs),
    /// Prove the rules on samples and on real audit logs
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Declare work that is expected, so that alarms show it as expected
    #[command(subcommand)]
    Access(AccessCommand),
    /// Write queries, enrolment SQL, monitor settings and resource documents, or a module for Terraform or CloudFormation
    Compile(CompileArgs),
    /// Show what an apply would change
    Plan(PlanArgs),
    /// Deploy what the repository declares
    Apply(ApplyArgs),
    /// Delete the deployed resources of an environment; resources that hold evidence are kept
    Destroy(DestroyArgs),
    /// Show what was changed outside pgvigil
    Drift(DriftArgs),
    /// Find silent failures: logs, alarms, subscriptions, schedule, permissions, clocks
    Doctor(DoctorArgs),
    /// Test whether the account's services behave as pgvigil assumes, using its own log groups and its own alarm
    Prove(ProveArgs),
    /// Print the IAM policy with the minimum permissions that a role needs
    IamPolicy(IamPolicyArgs),
    /// Take over a stack that other scripts or Terraform created for the same clusters, without a gap in monitoring
    Adopt(AdoptArgs),
    /// Build the monitor's package for Lambda: the same program gives the same bytes on any machine
    Package(PackageArgs),
    /// Enrol people on live databases, and check that every login role is accounted for
    #[command(subcommand)]
    Enrol(EnrolCommand),
    /// Answer an auditor's questions about a period: who touched what, whether it was expected, and what became of it
    Report(ReportArgs),
    /// Follow the logs of your own PostgreSQL server, and report the records that count as they are written
    Watch(WatchArgs),
    /// Run the steps of a CI pipeline in one command
    #[command(subcommand)]
    Ci(CiCommand),
    /// Explain the code of a finding: why it matters, an example, what to do
    Explain(CodeArgs),
    /// Write the JSON Schemas: of the policy files, for editors, and of pgvigil's output, for programs
    Schema(SchemaArgs),
    /// Print the completion script for a shell
    Completions(CompletionsArgs),
    /// Write the manual pages
    Man(ManArgs),
}

/// Output of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiagnosticFormat {
    /// For people
    Human,
    /// One JSON document
    Json,
    /// GitHub workflow commands: annotations at the lines of the pull request
    Github,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// How to print problems
    #[arg(long, default_value = "human")]
    pub(crate) format: DiagnosticFormat,
    /// Fail on these too
    #[arg(long, value_name = "WHAT")]
    pub(crate) deny: Option<Deny>,
}

/// What a check fails on besides errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Deny {
    /// Warnings, as on errors
    Warnings,
}

#[derive(Debug, Args)]
pub(crate) struct CodeArgs {
    /// The code that a finding shows, such as exclusion/evadable
    pub(crate) code: String,
    /// How to print the explanation
    #[arg(long, default_value = "human")]
    pub(crate) format: AttackFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Test every exclusion on its samples and on the log fixtures in rules/fixtures
    Test(TestArgs),
    /// List every exclusion with its owner, its last day and the records it silences
    List(ListArgs),
    /// Renew exclusions: write a later last day into the policy files, with who decided it and why
    Renew(RenewArgs),
    /// Judge each audit record in logs
    Eval(EvalArgs),
    /// Explain why a record counts or does not
    Explain(ExplainArgs),
    /// Propose the narrowest safe exclusion for a record that counts, or explain why there is none
    Suggest(SuggestArgs),
    /// Try to evade each exclusion, and show every statement that would go unnoticed
    Attack(AttackArgs),
    /// Show which records in real logs a policy change makes silent or loud
    Impact(ImpactArgs),
}

/// Output of the evasion analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AttackFormat {
    /// For people
    Human,
    /// One JSON document
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct AttackArgs {
    /// Environment whose query is attacked
    #[arg(long)]
    pub(crate) env: String,
    /// Attack only this exclusion; repeatable
    #[arg(long = "exclusion", value_name = "ID")]
    pub(crate) exclusions: Vec<String>,
    /// Run the statements in this empty database too, and judge its real audit records: a URL, or `env:NAME`
    /// for a variable that contains one; libpq's variables complete it. All changes are undone
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// Run the statements without asking for approval
    #[arg(long, requires = "database")]
    pub(crate) auto_approve: bool,
    /// Instead, send this many statements generated from a grammar, and look for a planted secret that is returned
    /// while no record counts
    #[arg(long, value_name = "COUNT", requires = "database")]
    pub(crate) generate: Option<usize>,
    /// How to print the findings
    #[arg(long, default_value = "human")]
    pub(crate) format: AttackFormat,
}

/// Output of an impact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImpactFormat {
    /// For people
    Human,
    /// One JSON document
    Json,
    /// Markdown, for a pull request
    Markdown,
}

#[derive(Debug, Args)]
pub(crate) struct ImpactArgs {
    /// Environment whose queries are compared
    #[arg(long)]
    pub(crate) env: String,
    /// Git revision before the change; the comparison uses the commit where the change branched off
    #[arg(long, value_name = "REF")]
    pub(crate) base: String,
    /// Git revision after the change; default: the files as they are now
    #[arg(long, value_name = "REF")]
    pub(crate) head: Option<String>,
    /// The log_line_prefix of the logs; default: the one of the environment
    #[arg(long, value_name = "PREFIX")]
    pub(crate) log_line_prefix: Option<String>,
    /// How to print the report
    #[arg(long, default_value = "human")]
    pub(crate) format: ImpactFormat,
    /// Fetch the records with CloudWatch Logs Insights instead of reading logs
    #[arg(long, requires = "since", conflicts_with_all = ["logs", "log_line_prefix"])]
    pub(crate) live: bool,
    /// How far back a live run looks, such as 6h or 7d
    #[arg(long, requires = "live", value_name = "TIME")]
    pub(crate) since: Option<jiff::Span>,
    /// Start the queries of a live run without asking for approval
    #[arg(long, requires = "live")]
    pub(crate) auto_approve: bool,
    /// Write a report to this file too; its extension sets the format: .html, .md, .json or .txt; repeatable
    #[arg(long = "report", value_name = "FILE")]
    pub(crate) reports: Vec<PathBuf>,
    /// Logs: PostgreSQL files, CloudWatch exports, `aws logs` JSON, also .gz and .zst; `-` reads stdin
    #[arg(required_unless_present = "live", value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
}

/// Output of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people
    Human,
    /// One JSON document
    Json,
    /// A page of Markdown
    Markdown,
    /// The detections as a table for spreadsheets
    Csv,
    /// The monitor's detections as OCSF, one line of JSON each
    Ocsf,
    /// The monitor's detections as ECS, one line of JSON each
    Ecs,
}

/// A day and nothing else: of a time with an offset, the day might be another one in UTC.
fn day(text: &str) -> Result<Date, String> {
    let is_day = text.len() == "2026-10-01".len();
    text.parse()
        .ok()
        .filter(|_| is_day)
        .ok_or_else(|| "it is not a day such as 2026-10-01; days are in UTC".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Environment that the report is about
    #[arg(long)]
    pub(crate) env: String,
    /// First day in UTC, such as 2026-10-01
    #[arg(long, value_name = "TIME", value_parser = day)]
    pub(crate) since: Date,
    /// Last day in UTC, such as 2026-12-31
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub(crate) until: Date,
    /// Records of the monitor's log or of `pgvigil watch`: JSON lines, or an export of CloudWatch; also .gz and .zst;
    /// repeatable
    #[arg(long = "records", value_name = "FILE")]
    pub(crate) records: Vec<PathBuf>,
    /// Read the log of the environment's monitor from CloudWatch, write it to this file, and use it as records; the file
    /// must not exist; with .gz it is compressed
    #[arg(long, value_name = "FILE")]
    pub(crate) save_records: Option<PathBuf>,
    /// What `pgvigil ci drift` found in the period: its `result.json`; repeatable
    #[arg(long = "drift", value_name = "FILE")]
    pub(crate) drift: Vec<PathBuf>,
    /// The log_line_prefix of the logs; default: the one of the environment
    #[arg(long, value_name = "PREFIX")]
    pub(crate) log_line_prefix: Option<String>,
    /// How to print the report
    #[arg(long, default_value = "human")]
    pub(crate) format: ReportFormat,
    /// Write the report to this file too; its extension sets the format: .html, .md, .json, .csv or .txt; repeatable
    #[arg(long = "report", value_name = "FILE")]
    pub(crate) reports: Vec<PathBuf>,
    /// Audit logs to judge now, in any format that docs/logs.md lists; also .gz and .zst
    #[arg(required_unless_present_any = ["records", "save_records"], value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
}

/// Output of the rule tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TestFormat {
    /// For people
    Human,
    /// One JSON document
    Json,
    /// JUnit XML
    Junit,
}

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Environment whose query is tested; default: all
    #[arg(long)]
    pub(crate) env: Option<String>,
    /// How to print results
    #[arg(long, default_value = "human")]
    pub(crate) format: TestFormat,
    /// Fail if the samples catch less than this share of the mutants
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(crate) min_score: Option<u32>,
}

/// Output of an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EvalFormat {
    /// A table of totals by user, command and object
    Human,
    /// One JSON object for each audit record
    Jsonl,
    /// Totals as one JSON document
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccessCommand {
    /// Write an access grant into access/: its records still count, and are marked as expected
    Grant(GrantArgs),
}

/// What a person does to a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GrantedKind {
    /// Read it
    Read,
    /// Change its rows
    Write,
    /// Change the relation itself
    Schema,
}

impl GrantedKind {
    /// The name in policy files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Schema => "schema",
        }
    }
}

#[derive(Debug, Args)]
#[command(
    override_usage = "pgvigil access grant --user <ROLE> --env <ENV> --db <NAME> --relation <RELATION>\n       --kind <KIND> --reason <REASON> [OPTIONS]"
)]
pub(crate) struct GrantArgs {
    /// Database role of the person; repeatable
    #[arg(long, value_name = "ROLE", required = true)]
    pub(crate) user: Vec<String>,
    /// Environment of the work; repeatable
    #[arg(long, alias = "environment", required = true)]
    pub(crate) env: Vec<String>,
    /// Database of the work; repeatable
    #[arg(long = "db", value_name = "NAME", required = true)]
    pub(crate) databases: Vec<String>,
    /// Relation of the work, as SCHEMA.RELATION; repeatable
    #[arg(long = "relation", value_name = "RELATION", required = true)]
    pub(crate) relations: Vec<String>,
    /// What is done to the relations; repeatable
    #[arg(long = "kind", value_name = "KIND", required = true)]
    pub(crate) kinds: Vec<GrantedKind>,
    /// First moment: `now`, or a time with its offset such as 2026-12-02T14:00:00Z
    #[arg(long, value_name = "TIME", default_value = "now")]
    pub(crate) begin: String,
    /// Length, such as 30m, 2h or 1d
    #[arg(
        long,
        value_name = "LENGTH",
        conflicts_with = "end",
        required_unless_present = "end"
    )]
    pub(crate) length: Option<String>,
    /// First moment after the grant, with its offset
    #[arg(long, value_name = "TIME")]
    pub(crate) end: Option<String>,
    /// Reason why the work is needed
    #[arg(long)]
    pub(crate) reason: String,
    /// Ticket where the work was agreed
    #[arg(long)]
    pub(crate) ticket: Option<String>,
    /// Team that answers for the grant; default: the owner of the first user
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: Option<String>,
    /// Name of the grant, which alarms show; default: the ticket, otherwise the user and the time
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// Print the file, but write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RenewArgs {
    /// Exclusions to renew; default: those that end within 30 days or have ended
    #[arg(value_name = "ID")]
    pub(crate) exclusions: Vec<String>,
    /// Last day, as YYYY-MM-DD; default: different days, up to the longest life that `limits` allows
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub(crate) until: Option<Date>,
    /// Person who decides that the exclusions are still needed
    #[arg(long, value_name = "NAME")]
    pub(crate) by: String,
    /// Reason why the exclusions are still needed
    #[arg(long, value_name = "REASON")]
    pub(crate) why: String,
    /// Show what would be written, but write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Environment whose exclusions are listed
    #[arg(long)]
    pub(crate) env: String,
    /// The log_line_prefix of the logs; default: the one of the environment
    #[arg(long, value_name = "PREFIX")]
    pub(crate) log_line_prefix: Option<String>,
    /// How to print the list
    #[arg(long, default_value = "human")]
    pub(crate) format: AttackFormat,
    /// Logs in which to count the records that each exclusion silences; `-` reads stdin
    #[arg(value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// Environment whose query judges the records
    #[arg(long)]
    pub(crate) env: String,
    /// The log_line_prefix of the logs; default: the one of the environment
    #[arg(long, value_name = "PREFIX")]
    pub(crate) log_line_prefix: Option<String>,
    /// How to print verdicts
    #[arg(long, default_value = "human")]
    pub(crate) format: EvalFormat,
    /// Print totals only: the fast path
    #[arg(long)]
    pub(crate) summary: bool,
    /// Logs in any format that docs/logs.md lists: PostgreSQL files, CloudWatch exports, JSON; also .gz and .zst; `-`
    /// reads stdin
    #[arg(required = true, value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Environment whose query judges the records
    #[arg(long)]
    pub(crate) env: String,
    /// The log_line_prefix of the logs; default: the one of the environment
    #[arg(long, value_name = "PREFIX")]
    pub(crate) log_line_prefix: Option<String>,
    /// A log entry to explain, exactly as in the log
    #[arg(long, value_name = "ENTRY", conflicts_with = "logs")]
    pub(crate) line: Option<String>,
    /// Logs to explain record by record; `-` reads stdin
    #[arg(required_unless_present = "line", value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
}

/// Output of a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SuggestFormat {
    /// For people
    Human,
    /// One JSON document
    Json,
    /// The policy file alone; nothing if no exclusion is proposed
    Yaml,
}

#[derive(Debug, Args)]
pub(crate) struct SuggestArgs {
    /// Environment in which the record counts
    #[arg(long)]
    pub(crate) env: String,
    /// The log_line_prefix of the logs; default: the one of the environment
    #[arg(long, value_name = "PREFIX")]
    pub(crate) log_line_prefix: Option<String>,
    /// A log entry, exactly as in the log; then all arguments are logs
    #[arg(long, value_name = "ENTRY")]
    pub(crate) line: Option<String>,
    /// Name of the exclusion; default: made of the role and the relation
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// Team that answers for the exclusion; default: the owner of the user
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: Option<String>,
    /// Reason why no one needs to see these records; required to write the file
    #[arg(long, required_if_eq("write", "true"))]
    pub(crate) reason: Option<String>,
    /// Last day, YYYY-MM-DD; default: 90 days from today
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub(crate) expires: Option<Date>,
    /// Require the client's address too
    #[arg(long)]
    pub(crate) by_client: bool,
    /// Allow the values and comments of the statement to be written into the file
    #[arg(long)]
    pub(crate) keep_literals: bool,
    /// Write the exclusion to rules/suggested/ID.yaml; nothing is overwritten
    #[arg(long)]
    pub(crate) write: bool,
    /// How to print the suggestion
    #[arg(long, default_value = "human")]
    pub(crate) format: SuggestFormat,
    /// The entry as LOG:LINE, then more logs in which to count what the exclusion would silence
    #[arg(required_unless_present = "line", value_name = "LOG:LINE")]
    pub(crate) logs: Vec<PathBuf>,
}

/// Which tool the output of `compile` is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// Queries, enrolment SQL, monitor settings and one document for each resource
    Documents,
    /// A Terraform root module for the environment
    Terraform,
    /// A CloudFormation template for each cluster
    Cloudformation,
}

#[derive(Debug, Args)]
pub(crate) struct CompileArgs {
    /// Environment to compile; default: all
    #[arg(long)]
    pub(crate) env: Option<String>,
    /// Folder to write to; each environment gets a subfolder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Tool that deploys the output: pgvigil, or another one in its place
    #[arg(long, default_value = "documents")]
    pub(crate) target: Target,
    /// Write nothing, show how stale files differ, and exit with 12 if a file is out of date, missing or left over
    #[arg(long)]
    pub(crate) check: bool,
}

/// Output of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanFormat {
    /// For people
    Human,
    /// One JSON document
    Json,
    /// Markdown, for a pull request
    Markdown,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Environment to plan
    #[arg(long, required_unless_present_any = ["all", "show"], conflicts_with_all = ["all", "show"])]
    pub(crate) env: Option<String>,
    /// Plan every environment, several at a time
    #[arg(long)]
    pub(crate) all: bool,
    /// Delete this deployed resource too, which no file declares: its address, or a pattern such as `orders/*`;
    /// repeatable
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["all", "show"])]
    pub(crate) prune: Vec<String>,
    /// Save the plan to this file, for `apply`; with --all, save a file for each environment to this folder
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// The monitor's package: a zip file, or a folder that contains `pgvigil-monitor-ARCHITECTURE.zip`; default: keep the
    /// package that was last applied
    #[arg(long, value_name = "PATH")]
    pub(crate) package: Option<PathBuf>,
    /// Show a saved plan
    #[arg(long, value_name = "FILE", conflicts_with_all = ["all", "out", "detailed_exitcode"])]
    pub(crate) show: Option<PathBuf>,
    /// How to print the plan
    #[arg(long, default_value = "human")]
    pub(crate) format: PlanFormat,
    /// Exit with 12, 13 or 14 if an apply would change something
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// Environment to apply
    #[arg(long)]
    pub(crate) env: String,
    /// Apply without asking for approval
    #[arg(long)]
    pub(crate) auto_approve: bool,
    /// Delete this too, as in `plan --prune`; repeatable
    #[arg(long, value_name = "ADDRESS", conflicts_with = "plan")]
    pub(crate) prune: Vec<String>,
    /// The monitor's package: a zip file, or a folder that contains `pgvigil-monitor-ARCHITECTURE.zip`; default: keep the
    /// package that was last applied
    #[arg(long, value_name = "PATH")]
    pub(crate) package: Option<PathBuf>,
    /// Confirm that the plan deletes exactly this many resources
    #[arg(long, value_name = "COUNT")]
    pub(crate) allow_delete: Option<usize>,
    /// A saved plan; default: make a new plan
    #[arg(value_name = "PLAN")]
    pub(crate) plan: Option<PathBuf>,
}

/// Resources that `destroy` keeps unless they are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AlsoArg {
    /// The keys and their aliases; AWS deletes the keys after 30 days
    Key,
    /// The topics with their subscriptions
    Topic,
}

#[derive(Debug, Args)]
pub(crate) struct DestroyArgs {
    /// Environment to destroy
    #[arg(long)]
    pub(crate) env: String,
    /// Delete these too; default: keep them. Log groups hold evidence and are never deleted
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub(crate) also: Vec<AlsoArg>,
    /// Destroy without asking for approval
    #[arg(long, conflicts_with = "out")]
    pub(crate) auto_approve: bool,
    /// Change nothing, but save the plan to this file for `apply`
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// How to print the plan
    #[arg(long, default_value = "human")]
    pub(crate) format: PlanFormat,
}

#[derive(Debug, Args)]
pub(crate) struct DriftArgs {
    /// Environment to check
    #[arg(long, required_unless_present = "all", conflicts_with = "all")]
    pub(crate) env: Option<String>,
    /// Check every environment, several at a time
    #[arg(long)]
    pub(crate) all: bool,
    /// Look up in CloudTrail who made each change, when and how: one request a second, about 20 resources at most
    #[arg(long)]
    pub(crate) blame: bool,
    /// How to print the drift
    #[arg(long, default_value = "human")]
    pub(crate) format: PlanFormat,
}

/// Output of the doctor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DoctorFormat {
    /// For people
    Human,
    /// One JSON document
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Environment to check
    #[arg(long)]
    pub(crate) env: String,
    /// How to print the findings
    #[arg(long, default_value = "human")]
    pub(crate) format: DoctorFormat,
    /// Hours without a log entry before the doctor reports it; failed runs are counted over the same hours
    #[arg(long, default_value_t = 24, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=720))]
    pub(crate) hours: u32,
    /// Instead, prove that alarms work: send a marked record through the query, then a marked metric through a test alarm
    /// to the topic. Subscribers get a test message. Everything is removed afterwards
    #[arg(long)]
    pub(crate) canary: bool,
    /// Seconds to wait for each step of the canary. CloudWatch is sometimes a few minutes late
    #[arg(long, default_value_t = 600, value_name = "SECONDS", requires = "canary", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
}

/// Output of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProveFormat {
    /// For people
    Human,
    /// For an issue or a pull request: every row, but nothing that identifies the account
    Markdown,
    /// One JSON document, also without anything that identifies the account
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct ProveArgs {
    /// Environment whose account is tested
    #[arg(long)]
    pub(crate) env: String,
    /// How to print the report
    #[arg(long, default_value = "human")]
    pub(crate) format: ProveFormat,
    /// Begin without asking for approval
    #[arg(long)]
    pub(crate) auto_approve: bool,
    /// Send the alarm to the topic of the environment's first cluster: its subscribers get two test messages
    #[arg(long)]
    pub(crate) page: bool,
    /// Only remove the resources that earlier proofs left, even of one that might still be running
    #[arg(long, conflicts_with_all = ["page", "format", "auto_approve"])]
    pub(crate) clean: bool,
    /// Seconds to wait for the entries to be found, and for each state of the alarm
    #[arg(long, default_value_t = 600, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
}

/// Output of a take-over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AdoptFormat {
    /// For people
    Human,
    /// One JSON document
    Json,
}

/// Resources that `adopt --delete` keeps unless they are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AdoptAlso {
    /// The functions' roles, if no monitor in another region uses them
    Role,
}

#[derive(Debug, Args)]
pub(crate) struct AdoptArgs {
    /// Environment whose clusters the other stack watches
    #[arg(long)]
    pub(crate) env: String,
    /// Treat this function as a monitor of the other stack, whatever its name and variables; repeatable
    #[arg(long = "function", value_name = "NAME")]
    pub(crate) functions: Vec<String>,
    /// Disable the other stack's schedules, once pgvigil's own stack is shown to run
    #[arg(long)]
    pub(crate) retire: bool,
    /// Delete the other stack too: schedules, functions, alarms, dashboards. Log groups, topics and keys are kept
    #[arg(long, requires = "retire")]
    pub(crate) delete: bool,
    /// Treat this alarm as part of the other stack, whatever its name; repeatable
    #[arg(long = "alarm", value_name = "NAME", requires = "delete")]
    pub(crate) alarms: Vec<String>,
    /// Delete these too
    #[arg(long, value_name = "WHAT", value_delimiter = ',', requires = "delete")]
    pub(crate) also: Vec<AdoptAlso>,
    /// Continue without proof that pgvigil's own stack runs and notifies someone: the clusters might be unwatched
    #[arg(long, requires = "retire")]
    pub(crate) without_proof: bool,
    /// Disable without asking for approval
    #[arg(long, requires = "retire")]
    pub(crate) auto_approve: bool,
    /// Confirm that exactly this many things are deleted or removed
    #[arg(long, value_name = "COUNT", requires = "retire")]
    pub(crate) allow_delete: Option<usize>,
    /// How to print the findings
    #[arg(long, default_value = "human")]
    pub(crate) format: AdoptFormat,
}

/// Where to start reading a log that is not in the cursor file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FromArg {
    /// Read only new lines
    End,
    /// Read the existing lines too
    Start,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// Environment whose query judges the records
    #[arg(long)]
    pub(crate) env: String,
    /// The log_line_prefix of the logs; default: the one of the environment
    #[arg(long, value_name = "PREFIX")]
    pub(crate) log_line_prefix: Option<String>,
    /// Where to start in existing logs that the cursor file does not list
    #[arg(long, default_value = "end", value_name = "WHERE")]
    pub(crate) from: FromArg,
    /// Save the read position in this file and continue from there: a stop, a crash or a rotation loses nothing
    #[arg(long, value_name = "FILE")]
    pub(crate) cursor: Option<PathBuf>,
    /// Append the JSON lines to this file instead of stdout; with --cursor it contains each record exactly once
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print every audit record, including those that do not count
    #[arg(long)]
    pub(crate) all: bool,
    /// Read to the end and stop, for example when a timer starts the run
    #[arg(long)]
    pub(crate) once: bool,
    /// Also post the records that count to this address, in batches, and retry until it accepts them: `env:NAME` or
    /// `file:PATH`, never the address itself
    #[arg(long, value_name = "SECRET", help_heading = "Webhook")]
    pub(crate) webhook: Option<String>,
    /// Send this Authorization header: `env:NAME` or `file:PATH`
    #[arg(
        long,
        value_name = "SECRET",
        requires = "webhook",
        help_heading = "Webhook"
    )]
    pub(crate) webhook_authorization: Option<String>,
    /// Seconds to wait for each request
    #[arg(long, default_value_t = 10, value_name = "SECONDS", requires = "webhook", value_parser = clap::value_parser!(u64).range(1..=300), help_heading = "Webhook")]
    pub(crate) webhook_timeout: u64,
    /// What the receiver takes: the records as JSON, or messages that Slack, Teams or PagerDuty show
    #[arg(long, value_enum, default_value_t = WebhookFormat::Json, requires = "webhook", help_heading = "Webhook")]
    pub(crate) webhook_format: WebhookFormat,
    /// The routing key of the integration in PagerDuty: `env:NAME` or `file:PATH`
    #[arg(
        long,
        value_name = "SECRET",
        required_if_eq("webhook_format", "pagerduty"),
        help_heading = "Webhook"
    )]
    pub(crate) pagerduty_routing_key: Option<String>,
    /// Post only records of at least this severity
    #[arg(long, value_enum, default_value_t = MinSeverity::Low, requires = "webhook", help_heading = "Webhook")]
    pub(crate) webhook_min_severity: MinSeverity,
    /// Link to this runbook in messages of Slack, Teams and PagerDuty
    #[arg(
        long,
        value_name = "URL",
        requires = "webhook",
        help_heading = "Webhook"
    )]
    pub(crate) runbook: Option<String>,
    /// Send SQL texts too, with the format `json`: they can contain personal data and passwords
    #[arg(long, requires = "webhook", help_heading = "Webhook")]
    pub(crate) with_statements: bool,
    /// Serve /metrics for Prometheus, and /healthz, at this address, such as 127.0.0.1:9187
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) metrics: Option<std::net::SocketAddr>,
    /// PostgreSQL logs in text format: files, folders, or a pattern in quotes such as 'log/postgresql-*.log'
    #[arg(required = true, value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
}

/// What a webhook's receiver takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WebhookFormat {
    /// The records, many in a request
    Json,
    /// An incoming webhook of Slack
    Slack,
    /// A workflow in Teams that a webhook starts
    Teams,
    /// PagerDuty's Events API v2
    #[value(name = "pagerduty")]
    PagerDuty,
}

/// The least severity that is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MinSeverity {
    /// Everything that counts
    Low,
    /// All but what an entry of `sensitivity` makes `low`
    Medium,
    /// `high` and `critical`
    High,
    /// `critical` alone
    Critical,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CiCommand {
    /// For a pull request: check, test and attack the rules, then show impact and plan of the changed environments
    Pr(CiPrArgs),
    /// After a merge: apply the environments one after the other, and stop at the first that fails
    Apply(CiApplyArgs),
    /// On a schedule: report what was changed outside pgvigil
    Drift(CiDriftArgs),
    /// Publish a result: as comments and approval status on the pull request, or as issues
    Publish(CiPublishArgs),
    /// Print a result in another format
    Render(CiRenderArgs),
}

/// How a pipeline's run is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CiFormat {
    /// For people
    Human,
    /// The result as one JSON document
    Json,
    /// For people, in collapsible groups, with annotations at the lines of the pull request
    Github,
    /// For people, in GitLab's collapsible sections
    Gitlab,
}

/// Where the result of a run goes.
#[derive(Debug, Args)]
pub(crate) struct CiOutput {
    /// Write the result in every format to this folder: JSON, summary, comments, SARIF, JUnit, code quality
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// How to print the result; default: derived from the pipeline's variables
    #[arg(long)]
    pub(crate) format: Option<CiFormat>,
}

#[derive(Debug, Args)]
pub(crate) struct CiPrArgs {
    /// Environment to review; repeatable; default: those that the change affects
    #[arg(long, value_name = "ENV")]
    pub(crate) env: Vec<String>,
    /// Git revision before the change; default: from the pipeline's variables
    #[arg(long, value_name = "REF")]
    pub(crate) base: Option<String>,
    /// Log sample, or a folder of them, for the impact; repeatable; default: `samples` in the policy repository
    #[arg(long, value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
    /// Fail with exit code 18 if the change needs approvals
    #[arg(long)]
    pub(crate) require_approvals: bool,
    /// The monitor's package: a zip file, or a folder that contains `pgvigil-monitor-ARCHITECTURE.zip`; default: keep the
    /// package that was last applied
    #[arg(long, value_name = "PATH")]
    pub(crate) package: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: CiOutput,
}

#[derive(Debug, Args)]
pub(crate) struct CiApplyArgs {
    /// Environment to apply; repeatable, applied in the order given; default: all, or those with a plan
    #[arg(long, value_name = "ENV")]
    pub(crate) env: Vec<String>,
    /// Apply the plans that `ci pr --out` saved in this folder; default: make new plans and apply them
    #[arg(long, value_name = "DIR")]
    pub(crate) plans: Option<PathBuf>,
    /// The monitor's package: a zip file, or a folder that contains `pgvigil-monitor-ARCHITECTURE.zip`; default: keep the
    /// package that was last applied
    #[arg(long, value_name = "PATH")]
    pub(crate) package: Option<PathBuf>,
    /// Confirm that the plan of the only environment deletes exactly this many resources
    #[arg(long, value_name = "COUNT")]
    pub(crate) allow_delete: Option<usize>,
    #[command(flatten)]
    pub(crate) output: CiOutput,
}

#[derive(Debug, Args)]
pub(crate) struct CiDriftArgs {
    /// Environment to check; repeatable; default: all
    #[arg(long, value_name = "ENV")]
    pub(crate) env: Vec<String>,
    /// Look up in CloudTrail who made each change, when and how: one request a second, about 20 resources at most
    #[arg(long)]
    pub(crate) blame: bool,
    #[command(flatten)]
    pub(crate) output: CiOutput,
}

#[derive(Debug, Args)]
pub(crate) struct CiPublishArgs {
    /// The result: `result.json` of an earlier step; default: none, which sets only the approval status
    #[arg(value_name = "RESULT")]
    pub(crate) result: Option<PathBuf>,
    /// Number of the pull or merge request; default: from the pipeline's variables
    #[arg(long, value_name = "NUMBER")]
    pub(crate) request: Option<u64>,
    /// Last commit of the request, if you do not have its number
    #[arg(long, value_name = "COMMIT", conflicts_with = "request")]
    pub(crate) commit: Option<String>,
    /// Set the approval status of every open request, without a result
    #[arg(long, conflicts_with_all = ["request", "commit", "result"])]
    pub(crate) open: bool,
    /// Git revision to compare requests with; default: the base that the forge reports
    #[arg(long, value_name = "REF")]
    pub(crate) base: Option<String>,
    /// Only write comments, and set no status
    #[arg(long, conflicts_with_all = ["open", "base"])]
    pub(crate) comments_only: bool,
}

/// A format of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CiForm {
    /// For people
    Human,
    /// Markdown: everything on one page
    Summary,
    /// Markdown: the comments of the pull request, one after the other
    Comment,
    /// GitHub workflow commands
    Annotations,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit XML
    Junit,
    /// GitLab's code quality report
    Gitlab,
}

#[derive(Debug, Args)]
pub(crate) struct CiRenderArgs {
    /// The result: `result.json` of an earlier step
    #[arg(value_name = "RESULT")]
    pub(crate) result: PathBuf,
    /// The format to print
    #[arg(long = "as", value_name = "FORM")]
    pub(crate) form: CiForm,
}

#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// Folder to write to; default: `schema` in the policy repository
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Write nothing, show how stale files differ, and exit with 12 if a file is out of date or missing
    #[arg(long)]
    pub(crate) check: bool,
    /// Write the reference pages too, into this folder
    #[arg(long, value_name = "DIR", hide = true)]
    pub(crate) docs: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Folder to write to
    #[arg(long, default_value = "man", value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// Role that needs the permissions.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RoleArg {
    /// `plan`, `drift`: reads
    Plan,
    /// `drift --blame`: reads, and CloudTrail
    Blame,
    /// `apply`, `destroy`
    Apply,
    /// `doctor`: reads more
    Doctor,
    /// `doctor --canary`
    Canary,
    /// `adopt`: reads other stacks
    Adopt,
    /// `adopt --retire`: takes other stacks out of service
    Retire,
    /// `prove`: writes to its own log groups
    Prove,
    /// `report --save-records`: reads the monitor's log
    Report,
    /// The monitor itself, a policy for each cluster: the permissions that `apply` gives its role
    Monitor,
}

/// Processor of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ArchitectureArg {
    /// AWS Graviton
    Arm64,
    /// Intel and AMD
    #[value(name = "x86_64")]
    X86_64,
}

/// Output of `package`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PackageFormat {
    /// For people
    Human,
    /// One JSON document
    Json,
}

/// Arguments of `package`.
#[derive(Debug, Args)]
pub(crate) struct PackageArgs {
    /// Processor that the package is for
    #[arg(long, value_name = "ARCHITECTURE")]
    pub(crate) architecture: Option<ArchitectureArg>,
    /// Environment whose processor the package is for
    #[arg(long, conflicts_with = "architecture")]
    pub(crate) env: Option<String>,
    /// The monitor's program, built for Linux; default: build it from the source with cargo-zigbuild
    #[arg(long, value_name = "FILE")]
    pub(crate) binary: Option<PathBuf>,
    /// Folder that contains pgvigil's source
    #[arg(
        long,
        value_name = "DIR",
        default_value = ".",
        conflicts_with = "binary"
    )]
    pub(crate) source: PathBuf,
    /// File to write, or a folder for `pgvigil-monitor-ARCHITECTURE.zip`; default: that file in the current folder
    #[arg(long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
    /// How to print the result
    #[arg(long, default_value = "human")]
    pub(crate) format: PackageFormat,
}

/// Arguments of `iam-policy`.
#[derive(Debug, Args)]
pub(crate) struct IamPolicyArgs {
    /// Environment that the permissions are for
    #[arg(long)]
    pub(crate) env: String,
    /// Command that the role runs
    #[arg(long = "for", value_name = "WHAT")]
    pub(crate) role: RoleArg,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EnrolCommand {
    /// Show what an apply would change for each role, and why
    Plan(EnrolPlanArgs),
    /// Set the audit settings of roles as the files declare, in one transaction
    Apply(EnrolApplyArgs),
    /// Check that every login role is audited, a declared account, or a system role
    Coverage(EnrolCoverageArgs),
    /// Write entries for login roles that no file declares yet
    Import(EnrolImportArgs),
}

/// Which database server to connect to.
#[derive(Debug, Args)]
pub(crate) struct DatabaseArgs {
    /// Cluster of the environment; default: all
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// The database: a URL without a password, or `env:NAME` for a variable that contains one; libpq's variables complete
    /// it; default: those that the environment names under `databases`
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// PEM file with the certificate authorities to trust: for RDS, its bundle
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Log in with an IAM token instead of a password
    #[arg(long)]
    pub(crate) iam: bool,
}

/// Output of an enrolment's plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EnrolPlanFormat {
    /// For people
    Human,
    /// One JSON document
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct EnrolPlanArgs {
    /// Environment to plan
    #[arg(long, required_unless_present = "all", conflicts_with = "all")]
    pub(crate) env: Option<String>,
    /// Plan every environment, several at a time
    #[arg(long, conflicts_with_all = ["cluster", "database"])]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    /// Remove the audit settings of this role, which pgvigil did not set and no file declares; repeatable
    #[arg(long, value_name = "ROLE", conflicts_with = "all")]
    pub(crate) unenrol: Vec<String>,
    /// Save the plan to this file, for `enrol apply`
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// How to print the plan
    #[arg(long, default_value = "human")]
    pub(crate) format: EnrolPlanFormat,
    /// Exit with 12, 13 or 14 if an apply would change something
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EnrolApplyArgs {
    /// Environment to apply
    #[arg(long)]
    pub(crate) env: String,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    /// Remove the audit settings of this role, which pgvigil did not set and no file declares; repeatable
    #[arg(long, value_name = "ROLE", conflicts_with = "plan")]
    pub(crate) unenrol: Vec<String>,
    /// Print the SQL that would be sent, but send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Apply without asking for approval
    #[arg(long)]
    pub(crate) auto_approve: bool,
    /// Confirm that auditing stops for exactly this many roles
    #[arg(long, value_name = "COUNT")]
    pub(crate) allow_unenrol: Option<usize>,
    /// A saved plan; default: make a new plan
    #[arg(value_name = "PLAN")]
    pub(crate) plan: Option<PathBuf>,
}

/// Output of a coverage report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CoverageFormat {
    /// A table, then the findings
    Human,
    /// One JSON document
    Json,
    /// A table for spreadsheets
    Csv,
    /// SARIF 2.1.0, for the code scanning of a forge
    Sarif,
}

#[derive(Debug, Args)]
pub(crate) struct EnrolCoverageArgs {
    /// Environment to check
    #[arg(long, required_unless_present = "all", conflicts_with = "all")]
    pub(crate) env: Option<String>,
    /// Check every environment, several at a time
    #[arg(long, conflicts_with_all = ["cluster", "database", "logs"])]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    /// Logs of that server: report roles that appear in them but in no file; repeatable; `-` reads stdin
    #[arg(long = "logs", value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
    /// The log_line_prefix of the logs; default: the one of the environment
    #[arg(long, value_name = "PREFIX", requires = "logs")]
    pub(crate) log_line_prefix: Option<String>,
    /// Count warnings as gaps
    #[arg(long)]
    pub(crate) strict: bool,
    /// How to print the report
    #[arg(long, default_value = "human")]
    pub(crate) format: CoverageFormat,
}

#[derive(Debug, Args)]
pub(crate) struct EnrolImportArgs {
    /// Environment that the server belongs to
    #[arg(long)]
    pub(crate) env: String,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    /// Owner of the new entries
    #[arg(long, default_value = "unassigned", value_name = "NAME")]
    pub(crate) owner: String,
    /// File to add to, in the policy repository
    #[arg(long, default_value = "rules/users.yaml", value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// Where to deploy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProviderArg {
    /// A folder on this machine, for trying things out
    Local,
    /// Amazon Web Services
    Aws,
}

/// Where pull requests are reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ForgeArg {
    /// GitHub Actions workflows
    Github,
    /// A GitLab CI pipeline
    Gitlab,
    /// No files for a forge
    None,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Folder of the new repository; created if it does not exist
    #[arg(value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Where to deploy
    #[arg(long)]
    pub(crate) provider: Option<ProviderArg>,
    /// Environment; repeatable, in the order of deployment
    #[arg(long = "env", value_name = "ENV")]
    pub(crate) environments: Vec<String>,
    /// AWS account: twelve digits, or ENV=ACCOUNT if environments differ
    #[arg(long = "account", value_name = "ACCOUNT")]
    pub(crate) accounts: Vec<String>,
    /// AWS region, or ENV=REGION if environments differ; default: AWS_REGION
    #[arg(long = "region", value_name = "REGION")]
    pub(crate) regions: Vec<String>,
    /// Aurora cluster to watch, or ENV=CLUSTER if there are several environments; repeatable
    #[arg(long = "cluster", value_name = "NAME")]
    pub(crate) clusters: Vec<String>,
    /// Owner of the new entries
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: Option<String>,
    /// Role of a person to audit; repeatable
    #[arg(long = "user", value_name = "ROLE")]
    pub(crate) users: Vec<String>,
    /// Address to notify when an alarm fires, or ENV=ADDRESS; repeatable
    #[arg(long = "email", value_name = "ADDRESS")]
    pub(crate) emails: Vec<String>,
    /// Where pull requests are reviewed; default: derived from the repository's remote, else GitHub
    #[arg(long)]
    pub(crate) forge: Option<ForgeArg>,
    /// Team that the forge asks for a review: @ORGANISATION/TEAM; repeatable
    #[arg(long = "code-owner", value_name = "NAME")]
    pub(crate) code_owners: Vec<String>,
    /// List every Aurora PostgreSQL cluster of the account and region in RDS, with its log exports and preloaded libraries
    #[arg(long)]
    pub(crate) import_clusters: bool,
    /// Add the login roles of a database: a URL without a password, or `env:NAME` for a variable that contains one;
    /// ENV=URL if there are several environments; repeatable
    #[arg(long = "import-roles", value_name = "URL")]
    pub(crate) import_roles: Vec<String>,
    /// PEM file with the certificate authorities to trust for the database: for RDS, its bundle
    #[arg(long, value_name = "FILE", requires = "import_roles")]
    pub(crate) ca: Option<PathBuf>,
    /// Log in to the database with an IAM token instead of a password
    #[arg(long, requires = "import_roles")]
    pub(crate) iam: bool,
    /// Show what would be written, but write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Output of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MigrateFormat {
    /// For people
    Human,
    /// One JSON document
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct MigrateArgs {
    /// Files of the old system: the Insights query, the function's configuration as JSON or its variables, tfvars, SQL
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Folder to write policy files to; existing files are never overwritten; default: write nothing
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Name of the environment, if the files contain none or another one
    #[arg(long, value_name = "ENV")]
    pub(crate) env: Option<String>,
    /// AWS account, if no file contains it
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
    /// AWS region, if no file contains it
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Owner of the new entries
    #[arg(long, value_name = "NAME", default_value = "unassigned")]
    pub(crate) owner: String,
    /// Where pull requests are reviewed
    #[arg(long, default_value = "none")]
    pub(crate) forge: ForgeArg,
    /// How to print the report
    #[arg(long, default_value = "human")]
    pub(crate) format: MigrateFormat,
}
