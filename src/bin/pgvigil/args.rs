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

const AFTER_HELP: &str = "Exit codes: 0 clean, 1 the tool failed, 2 bad usage, 10 faults in policy files or found by doctor, 11 rule tests \
failed, 12 changes pending, 13 drift, 14 both, 15 apply stopped part way, 16 a gap in the coverage of enrolment, 17 logs \
were not read, 18 approvals are missing, 19 migrate left something to do by hand.\n\nResults go to stdout, everything else to \
stderr.";

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Folder of the policy repository: it holds `rules/` and `environments/`
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
    /// Judge dates (expiry, end of enrolment) as on this day instead of today
    #[arg(
        long,
        global = true,
        value_name = "YYYY-MM-DD",
        help_heading = "Global options"
    )]
    pub(crate) today: Option<Date>,
    /// Seconds to wait for each answer of a database, Git, a forge or AWS; default: PGVIGIL_CALL_TIMEOUT, or a limit for each kind
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
    /// Begin a policy repository: asks on a terminal, else takes what the options say; overwrites nothing
    Init(InitArgs),
    /// Turn the files of the old audit monitor (query, variables, tfvars, SQL) into policy files, and show who could hide from it
    Migrate(MigrateArgs),
    /// Check every policy file
    Check(CheckArgs),
    /// Prove the rules on samples and on real audit logs
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Write queries, enrolment SQL, monitor settings and resource documents, or a module for Terraform or CloudFormation
    Compile(CompileArgs),
    /// Show what an apply would change
    Plan(PlanArgs),
    /// Bring what is deployed to what the repository says
    Apply(ApplyArgs),
    /// Take down what was deployed for an environment; what holds evidence is kept
    Destroy(DestroyArgs),
    /// Tell what somebody changed by hand
    Drift(DriftArgs),
    /// Tell what fails silently: logs, alarms, subscriptions, schedule, permissions, clocks
    Doctor(DoctorArgs),
    /// Ask the account's services whether they do as pgvigil assumes, in log groups and with an alarm of its own
    Prove(ProveArgs),
    /// Print the IAM policy with the least rights that a role needs
    IamPolicy(IamPolicyArgs),
    /// Take over a stack that other scripts or Terraform made for the same clusters, without a gap
    Adopt(AdoptArgs),
    /// Make the monitor's package for Lambda: the same bytes from the same program, on any machine
    Package(PackageArgs),
    /// Enrol people on live databases, and see that everybody with a login is accounted for
    #[command(subcommand)]
    Enrol(EnrolCommand),
    /// Follow the logs of a PostgreSQL of your own, and tell what counts as it happens
    Watch(WatchArgs),
    /// Run what a pipeline needs in one go
    #[command(subcommand)]
    Ci(CiCommand),
    /// Explain a code of a finding: why it matters, an example, what to do
    Explain(CodeArgs),
    /// Write the JSON Schemas: of the policy files, for editors, and of what pgvigil writes, for programs
    Schema(SchemaArgs),
    /// Print a shell's completion script
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
    /// How to print faults
    #[arg(long, default_value = "human")]
    pub(crate) format: DiagnosticFormat,
    /// Fail for this too
    #[arg(long, value_name = "WHAT")]
    pub(crate) deny: Option<Deny>,
}

/// What a check fails for beside errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Deny {
    /// Every warning, as for an error
    Warnings,
}

#[derive(Debug, Args)]
pub(crate) struct CodeArgs {
    /// The code, as a finding shows it: such as exclusion/evadable
    pub(crate) code: String,
    /// How to print it
    #[arg(long, default_value = "human")]
    pub(crate) format: AttackFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Judge the samples of every exclusion and the log fixtures in rules/fixtures
    Test(TestArgs),
    /// List every exclusion: whose it is, until when it holds, what it silences
    List(ListArgs),
    /// Agree on exclusions anew: write a later last day into the policy files, with who and why
    Renew(RenewArgs),
    /// Judge each audit record of logs
    Eval(EvalArgs),
    /// Tell why a record counts or does not
    Explain(ExplainArgs),
    /// Try to hide behind each exclusion, and show every statement that nobody would hear
    Attack(AttackArgs),
    /// Show what a change of the policy silences and wakes on real logs
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
    /// Attack only this exclusion; may be repeated
    #[arg(long = "exclusion", value_name = "ID")]
    pub(crate) exclusions: Vec<String>,
    /// Run the statements in this empty database too, and judge its real audit records: a URL, or `env:NAME`
    /// for a variable that holds one; libpq's variables complete it. All is undone
    #[cfg(feature = "database")]
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// Run the statements without asking
    #[cfg(feature = "database")]
    #[arg(long, requires = "database")]
    pub(crate) auto_approve: bool,
    /// Send so many statements of a grammar instead, and watch whether a planted secret comes back while nothing counts
    #[cfg(feature = "database")]
    #[arg(long, value_name = "COUNT", requires = "database")]
    pub(crate) generate: Option<usize>,
    /// How to print what was found
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
    /// Git revision before the change; the commit where the change parted from it is what counts
    #[arg(long, value_name = "REF")]
    pub(crate) base: String,
    /// Git revision after the change; the files as they are now without this option
    #[arg(long, value_name = "REF")]
    pub(crate) head: Option<String>,
    /// The logs' log_line_prefix, if it is not the environment's
    #[arg(long, value_name = "PREFIX")]
    pub(crate) log_line_prefix: Option<String>,
    /// How to print the report
    #[arg(long, default_value = "human")]
    pub(crate) format: ImpactFormat,
    /// Fetch the records with CloudWatch Logs Insights instead of reading logs
    #[cfg(feature = "aws")]
    #[arg(long, requires = "since", conflicts_with_all = ["logs", "log_line_prefix"])]
    pub(crate) live: bool,
    /// How far back a live run looks, up to now: such as 6h, 7d
    #[cfg(feature = "aws")]
    #[arg(long, requires = "live", value_name = "TIME")]
    pub(crate) since: Option<jiff::Span>,
    /// Start the queries of a live run without asking
    #[cfg(feature = "aws")]
    #[arg(long, requires = "live")]
    pub(crate) auto_approve: bool,
    /// Write a report to this file too, as its ending says: .html, .md, .json or .txt; may be repeated
    #[arg(long = "report", value_name = "FILE")]
    pub(crate) reports: Vec<PathBuf>,
    /// Logs: PostgreSQL files, CloudWatch exports, `aws logs` JSON, also .gz and .zst; `-` reads stdin
    #[cfg_attr(
        feature = "aws",
        arg(required_unless_present = "live", value_name = "LOG")
    )]
    #[cfg_attr(not(feature = "aws"), arg(required = true, value_name = "LOG"))]
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
    /// Environment whose query is tested; all of them without this option
    #[arg(long)]
    pub(crate) env: Option<String>,
    /// How to print results
    #[arg(long, default_value = "human")]
    pub(crate) format: TestFormat,
    /// Fail if the samples notice less than this share of the mutants of rules
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

#[derive(Debug, Args)]
pub(crate) struct RenewArgs {
    /// Exclusions to renew; without any, those that end within 30 days or have ended
    #[arg(value_name = "ID")]
    pub(crate) exclusions: Vec<String>,
    /// Last day, as YYYY-MM-DD; without this option last days are spread below the longest life that `limits` allows
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<Date>,
    /// Who decides that they are still needed
    #[arg(long, value_name = "NAME")]
    pub(crate) by: String,
    /// Why they are still needed
    #[arg(long, value_name = "REASON")]
    pub(crate) why: String,
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Environment whose exclusions are listed
    #[arg(long)]
    pub(crate) env: String,
    /// The logs' log_line_prefix, if it is not the environment's
    #[arg(long, value_name = "PREFIX")]
    pub(crate) log_line_prefix: Option<String>,
    /// How to print the list
    #[arg(long, default_value = "human")]
    pub(crate) format: AttackFormat,
    /// Logs in which to count what each exclusion silences; `-` reads stdin
    #[arg(value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// Environment whose query judges
    #[arg(long)]
    pub(crate) env: String,
    /// The logs' log_line_prefix, if it is not the environment's
    #[arg(long, value_name = "PREFIX")]
    pub(crate) log_line_prefix: Option<String>,
    /// How to print verdicts
    #[arg(long, default_value = "human")]
    pub(crate) format: EvalFormat,
    /// Print totals only: the fast path
    #[arg(long)]
    pub(crate) summary: bool,
    /// Logs in any form of docs/logs.md: PostgreSQL files, CloudWatch exports, JSON; also .gz and .zst; `-` reads stdin
    #[arg(required = true, value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Environment whose query judges
    #[arg(long)]
    pub(crate) env: String,
    /// The logs' log_line_prefix, if it is not the environment's
    #[arg(long, value_name = "PREFIX")]
    pub(crate) log_line_prefix: Option<String>,
    /// A log entry to explain, as it stands in the log
    #[arg(long, value_name = "ENTRY", conflicts_with = "logs")]
    pub(crate) line: Option<String>,
    /// Logs to explain record by record; `-` reads stdin
    #[arg(required_unless_present = "line", value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
}

/// For whom an environment is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// Queries, enrolment SQL, monitor settings and one document for each resource
    Documents,
    /// A root module of Terraform for the environment
    Terraform,
    /// A CloudFormation template for each cluster
    Cloudformation,
}

#[derive(Debug, Args)]
pub(crate) struct CompileArgs {
    /// Environment to compile; all of them without this option
    #[arg(long)]
    pub(crate) env: Option<String>,
    /// Folder to write to: one folder for each environment
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// For whom: pgvigil itself, or an engine that deploys in its place
    #[arg(long, default_value = "documents")]
    pub(crate) target: Target,
    /// Write nothing, exit with 12 when a file is stale, missing or left over
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
    /// Plan every environment, side by side
    #[arg(long)]
    pub(crate) all: bool,
    /// Delete this too: the address of what is live and no file asks for, or a pattern such as `orders/*`; may be
    /// repeated
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["all", "show"])]
    pub(crate) prune: Vec<String>,
    /// Save the plan to this file, for `apply`; with --all, to one file for each environment in this folder
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// The monitor's package: a zip file, or a folder that holds `pgvigil-monitor-ARCHITECTURE.zip`. Without it the
    /// package that was last applied stays
    #[arg(long, value_name = "PATH")]
    pub(crate) package: Option<PathBuf>,
    /// Draw a saved plan
    #[arg(long, value_name = "FILE", conflicts_with_all = ["all", "out", "detailed_exitcode"])]
    pub(crate) show: Option<PathBuf>,
    /// How to print the plan
    #[arg(long, default_value = "human")]
    pub(crate) format: PlanFormat,
    /// Exit with 12, 13 or 14 when something would change
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// Environment to apply
    #[arg(long)]
    pub(crate) env: String,
    /// Apply without asking
    #[arg(long)]
    pub(crate) auto_approve: bool,
    /// Delete this too, as in `plan --prune`; may be repeated
    #[arg(long, value_name = "ADDRESS", conflicts_with = "plan")]
    pub(crate) prune: Vec<String>,
    /// The monitor's package: a zip file, or a folder that holds `pgvigil-monitor-ARCHITECTURE.zip`. Without it the
    /// package that was last applied stays
    #[arg(long, value_name = "PATH")]
    pub(crate) package: Option<PathBuf>,
    /// Confirm that the plan deletes this many resources, no more and no fewer
    #[arg(long, value_name = "COUNT")]
    pub(crate) allow_delete: Option<usize>,
    /// A saved plan; without it a fresh plan is made
    #[arg(value_name = "PLAN")]
    pub(crate) plan: Option<PathBuf>,
}

/// What is kept unless it is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AlsoArg {
    /// The keys and their names: they end after 30 days
    Key,
    /// The topics, with who listens to them
    Topic,
}

#[derive(Debug, Args)]
pub(crate) struct DestroyArgs {
    /// Environment to take down
    #[arg(long)]
    pub(crate) env: String,
    /// Delete these too, which are kept otherwise. Log groups hold evidence and are never deleted
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub(crate) also: Vec<AlsoArg>,
    /// Destroy without asking
    #[arg(long, conflicts_with = "out")]
    pub(crate) auto_approve: bool,
    /// Change nothing, and save the plan to this file for `apply`
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// How to print the plan
    #[arg(long, default_value = "human")]
    pub(crate) format: PlanFormat,
}

#[derive(Debug, Args)]
pub(crate) struct DriftArgs {
    /// Environment to look at
    #[arg(long, required_unless_present = "all", conflicts_with = "all")]
    pub(crate) env: Option<String>,
    /// Look at every environment, side by side
    #[arg(long)]
    pub(crate) all: bool,
    /// Ask CloudTrail who changed what drifted, when and how: one question a second, about 20 resources at most
    #[arg(long)]
    pub(crate) blame: bool,
    /// How to print what drifted
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
    /// Environment to look at
    #[arg(long)]
    pub(crate) env: String,
    /// How to print what was found
    #[arg(long, default_value = "human")]
    pub(crate) format: DoctorFormat,
    /// Hours without a log entry that are no concern; failed runs are counted over the same time
    #[arg(long, default_value_t = 24, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=720))]
    pub(crate) hours: u32,
    /// Prove the chain instead: a marked record through the query, then a marked metric through an alarm of its own
    /// to the topic. People who are subscribed get a test message. All is taken away again
    #[arg(long)]
    pub(crate) canary: bool,
    /// Seconds that each step of the canary waits at most. CloudWatch is at times some minutes late
    #[arg(long, default_value_t = 600, value_name = "SECONDS", requires = "canary", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
}

/// Output of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProveFormat {
    /// For people
    Human,
    /// For an issue or a pull request: every row, and nothing of the account
    Markdown,
    /// One JSON document, likewise
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct ProveArgs {
    /// Environment whose account is asked
    #[arg(long)]
    pub(crate) env: String,
    /// How to print the report
    #[arg(long, default_value = "human")]
    pub(crate) format: ProveFormat,
    /// Begin without asking
    #[arg(long)]
    pub(crate) auto_approve: bool,
    /// Let the alarm tell the topic of the environment's first cluster: people who are subscribed get two test messages
    #[arg(long)]
    pub(crate) page: bool,
    /// Only take away what former proofs left behind, also one that may still run
    #[arg(long, conflicts_with_all = ["page", "format", "auto_approve"])]
    pub(crate) clean: bool,
    /// Seconds to wait at most for entries to be found, and for each state of the alarm
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

/// What a deletion takes along only when it is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AdoptAlso {
    /// The functions' roles: no monitor of another region runs with them
    Role,
}

#[derive(Debug, Args)]
pub(crate) struct AdoptArgs {
    /// Environment whose clusters the other stack watches
    #[arg(long)]
    pub(crate) env: String,
    /// This function is a monitor of the other stack, whatever its name and variables; may be repeated
    #[arg(long = "function", value_name = "NAME")]
    pub(crate) functions: Vec<String>,
    /// Disable the other stack's schedules, once pgvigil's own stack is seen to run
    #[arg(long)]
    pub(crate) retire: bool,
    /// Delete it too: schedules, functions, alarms, dashboards. Log groups, topics and keys stay
    #[arg(long, requires = "retire")]
    pub(crate) delete: bool,
    /// This alarm is the other stack's, though its name says nothing; may be repeated
    #[arg(long = "alarm", value_name = "NAME", requires = "delete")]
    pub(crate) alarms: Vec<String>,
    /// Delete these too
    #[arg(long, value_name = "WHAT", value_delimiter = ',', requires = "delete")]
    pub(crate) also: Vec<AdoptAlso>,
    /// Go on although nothing shows that pgvigil's own stack runs, or that it is heard: the clusters may be unwatched
    #[arg(long, requires = "retire")]
    pub(crate) without_proof: bool,
    /// Disable without asking
    #[arg(long, requires = "retire")]
    pub(crate) auto_approve: bool,
    /// Confirm that this many things are deleted or removed, no more and no fewer
    #[arg(long, value_name = "COUNT", requires = "retire")]
    pub(crate) allow_delete: Option<usize>,
    /// How to print what was found
    #[arg(long, default_value = "human")]
    pub(crate) format: AdoptFormat,
}

/// Where a log begins that no cursor knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FromArg {
    /// With what is written from now on
    End,
    /// With what it holds already
    Start,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// Environment whose query judges
    #[arg(long)]
    pub(crate) env: String,
    /// The logs' log_line_prefix, if it is not the environment's
    #[arg(long, value_name = "PREFIX")]
    pub(crate) log_line_prefix: Option<String>,
    /// Where to begin in logs that are there already and that no cursor knows
    #[arg(long, default_value = "end", value_name = "WHERE")]
    pub(crate) from: FromArg,
    /// Remember in this file how far the logs were read, and go on there: a stop, a crash or a rotation loses nothing
    #[arg(long, value_name = "FILE")]
    pub(crate) cursor: Option<PathBuf>,
    /// Append the JSON lines to this file instead of stdout; with --cursor it holds each record exactly once
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print every audit record, also those that do not count
    #[arg(long)]
    pub(crate) all: bool,
    /// Read to the end and stop: for a timer
    #[arg(long)]
    pub(crate) once: bool,
    /// Post what counts to this address as well, in batches, until it is taken: `env:NAME` or `file:PATH`, never the
    /// address itself
    #[cfg(feature = "webhook")]
    #[arg(long, value_name = "SECRET", help_heading = "Webhook")]
    pub(crate) webhook: Option<String>,
    /// Send this Authorization header: `env:NAME` or `file:PATH`
    #[cfg(feature = "webhook")]
    #[arg(
        long,
        value_name = "SECRET",
        requires = "webhook",
        help_heading = "Webhook"
    )]
    pub(crate) webhook_authorization: Option<String>,
    /// Seconds that a request may take
    #[cfg(feature = "webhook")]
    #[arg(long, default_value_t = 10, value_name = "SECONDS", requires = "webhook", value_parser = clap::value_parser!(u64).range(1..=300), help_heading = "Webhook")]
    pub(crate) webhook_timeout: u64,
    /// Send SQL texts too: they may hold personal data and passwords
    #[cfg(feature = "webhook")]
    #[arg(long, requires = "webhook", help_heading = "Webhook")]
    pub(crate) with_statements: bool,
    /// Serve /metrics for Prometheus, and /healthz, at this address, such as 127.0.0.1:9187
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) metrics: Option<std::net::SocketAddr>,
    /// Logs of PostgreSQL in text form: files, folders, or a pattern in quotes such as 'log/postgresql-*.log'
    #[arg(required = true, value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CiCommand {
    /// For a pull request: check, test the rules, attack, impact, compile and plan what the change touches
    Pr(CiPrArgs),
    /// After a merge: apply environment by environment, up to the first that fails
    Apply(CiApplyArgs),
    /// On a schedule: tell what somebody changed by hand
    Drift(CiDriftArgs),
    /// Bring a result to the pull request as comments and as the status of its approvals, or to issues
    Publish(CiPublishArgs),
    /// Print a result in another form
    Render(CiRenderArgs),
}

/// How a pipeline's run is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CiFormat {
    /// For people
    Human,
    /// The result as one JSON document
    Json,
    /// For people, folded, with annotations at the lines of the pull request
    Github,
    /// For people, in GitLab's sections
    Gitlab,
}

/// Where the result of a run goes.
#[derive(Debug, Args)]
pub(crate) struct CiOutput {
    /// Write every form of the result to this folder: JSON, summary, comments, SARIF, JUnit, code quality
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// How to print the result; found out by the pipeline's variables without this option
    #[arg(long)]
    pub(crate) format: Option<CiFormat>,
}

#[derive(Debug, Args)]
pub(crate) struct CiPrArgs {
    /// Environment to look at; those that the change touches without this option; may be repeated
    #[arg(long, value_name = "ENV")]
    pub(crate) env: Vec<String>,
    /// Git revision before the change; the pipeline's variables name it without this option
    #[arg(long, value_name = "REF")]
    pub(crate) base: Option<String>,
    /// Log sample, or a folder of them, for the impact; `samples` in the policy repository without this option; may be
    /// repeated
    #[arg(long, value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
    /// Fail with exit code 18 where the change needs approvals
    #[arg(long)]
    pub(crate) require_approvals: bool,
    /// The monitor's package: a zip file, or a folder that holds `pgvigil-monitor-ARCHITECTURE.zip`. Without it the
    /// package that was last applied stays
    #[arg(long, value_name = "PATH")]
    pub(crate) package: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: CiOutput,
}

#[derive(Debug, Args)]
pub(crate) struct CiApplyArgs {
    /// Environment to apply, in the order given; all of them, or those with a plan, without this option; may be repeated
    #[arg(long, value_name = "ENV")]
    pub(crate) env: Vec<String>,
    /// Apply the plans that `ci pr --out` saved in this folder; without it fresh plans are made and applied
    #[arg(long, value_name = "DIR")]
    pub(crate) plans: Option<PathBuf>,
    /// The monitor's package: a zip file, or a folder that holds `pgvigil-monitor-ARCHITECTURE.zip`. Without it the
    /// package that was last applied stays
    #[arg(long, value_name = "PATH")]
    pub(crate) package: Option<PathBuf>,
    /// Confirm that the plan of the one environment deletes this many resources, no more and no fewer
    #[arg(long, value_name = "COUNT")]
    pub(crate) allow_delete: Option<usize>,
    #[command(flatten)]
    pub(crate) output: CiOutput,
}

#[derive(Debug, Args)]
pub(crate) struct CiDriftArgs {
    /// Environment to look at; all of them without this option; may be repeated
    #[arg(long, value_name = "ENV")]
    pub(crate) env: Vec<String>,
    /// Ask CloudTrail who changed what drifted, when and how: one question a second, about 20 resources at most
    #[arg(long)]
    pub(crate) blame: bool,
    #[command(flatten)]
    pub(crate) output: CiOutput,
}

#[derive(Debug, Args)]
pub(crate) struct CiPublishArgs {
    /// The result: `result.json` of an earlier step. Without it only the status of approvals is set
    #[arg(value_name = "RESULT")]
    pub(crate) result: Option<PathBuf>,
    /// Number of the pull or merge request; the pipeline's variables name it without this option
    #[arg(long, value_name = "NUMBER")]
    pub(crate) request: Option<u64>,
    /// Last commit of the request, where its number is not known
    #[arg(long, value_name = "COMMIT", conflicts_with = "request")]
    pub(crate) commit: Option<String>,
    /// Set the status of every open request, without a result
    #[arg(long, conflicts_with_all = ["request", "commit", "result"])]
    pub(crate) open: bool,
    /// Git revision with which requests are compared; the base that the forge names without this option
    #[arg(long, value_name = "REF")]
    pub(crate) base: Option<String>,
    /// Write comments only, and set no status
    #[arg(long, conflicts_with_all = ["open", "base"])]
    pub(crate) comments_only: bool,
}

/// A form of a result.
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
    /// The form to print
    #[arg(long = "as", value_name = "FORM")]
    pub(crate) form: CiForm,
}

#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// Folder to write to; `schema` in the policy repository without this option
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Write nothing, exit with 12 when a file is stale or missing
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

/// Who needs the rights.
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
    /// `adopt`: looks for stacks that others made
    Adopt,
    /// `adopt --retire`: takes them out of service
    Retire,
    /// `prove`: writes to log groups of its own
    Prove,
    /// The monitor itself, cluster by cluster: what `apply` gives its role
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
    /// The monitor as it was built for Linux; without it, it is built from the source with cargo-zigbuild
    #[arg(long, value_name = "FILE")]
    pub(crate) binary: Option<PathBuf>,
    /// Folder of pgvigil's source
    #[arg(
        long,
        value_name = "DIR",
        default_value = ".",
        conflicts_with = "binary"
    )]
    pub(crate) source: PathBuf,
    /// File to write, or a folder for `pgvigil-monitor-ARCHITECTURE.zip`, which is also the file's name here
    #[arg(long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
    /// How to print what was made
    #[arg(long, default_value = "human")]
    pub(crate) format: PackageFormat,
}

/// Arguments of `iam-policy`.
#[derive(Debug, Args)]
pub(crate) struct IamPolicyArgs {
    /// Environment that the rights are for
    #[arg(long)]
    pub(crate) env: String,
    /// What the role is for
    #[arg(long = "for", value_name = "WHAT")]
    pub(crate) role: RoleArg,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EnrolCommand {
    /// Show what an apply would change at each role, and why
    Plan(EnrolPlanArgs),
    /// Bring the audit settings of roles to what the files say, in one transaction
    Apply(EnrolApplyArgs),
    /// Tell whether every login role is audited, a declared account, or a system role
    Coverage(EnrolCoverageArgs),
    /// Write entries for login roles that no file declares yet
    Import(EnrolImportArgs),
}

/// Which server.
#[derive(Debug, Args)]
pub(crate) struct DatabaseArgs {
    /// Cluster of the environment; all of them without this option
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// The database: a URL without a password, or `env:NAME` for a variable that holds one; libpq's variables complete it.
    /// Without this option, those that the environment names under `databases`
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// File with the certificates of the authorities to trust, as PEM: for RDS its bundle
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Log in with a token of IAM in place of a password
    #[cfg(feature = "aws")]
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
    /// Plan every environment, side by side
    #[arg(long, conflicts_with_all = ["cluster", "database"])]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    /// Take away the audit settings of this role, which pgvigil did not make and no file wants; may be repeated
    #[arg(long, value_name = "ROLE", conflicts_with = "all")]
    pub(crate) unenrol: Vec<String>,
    /// Save the plan to this file, for `enrol apply`
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// How to print the plan
    #[arg(long, default_value = "human")]
    pub(crate) format: EnrolPlanFormat,
    /// Exit with 12, 13 or 14 when something would change
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
    /// Take away the audit settings of this role, which pgvigil did not make and no file wants; may be repeated
    #[arg(long, value_name = "ROLE", conflicts_with = "plan")]
    pub(crate) unenrol: Vec<String>,
    /// Print the SQL that would be sent, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Apply without asking
    #[arg(long)]
    pub(crate) auto_approve: bool,
    /// Confirm that this many roles end to be audited, no more and no fewer
    #[arg(long, value_name = "COUNT")]
    pub(crate) allow_unenrol: Option<usize>,
    /// A saved plan; without it a fresh plan is made
    #[arg(value_name = "PLAN")]
    pub(crate) plan: Option<PathBuf>,
}

/// Output of a coverage report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CoverageFormat {
    /// A table, then what was found
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
    /// Environment to look at
    #[arg(long, required_unless_present = "all", conflicts_with = "all")]
    pub(crate) env: Option<String>,
    /// Look at every environment, side by side
    #[arg(long, conflicts_with_all = ["cluster", "database", "logs"])]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    /// Logs of that server: who stands in them and in no file is told; may be repeated; `-` reads stdin
    #[arg(long = "logs", value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
    /// The logs' log_line_prefix, if it is not the environment's
    #[arg(long, value_name = "PREFIX", requires = "logs")]
    pub(crate) log_line_prefix: Option<String>,
    /// Warnings are gaps too
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
    /// Who answers for the entries
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
    /// Workflows of GitHub Actions
    Github,
    /// A pipeline of GitLab CI
    Gitlab,
    /// No files for a forge
    None,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Folder of the new repository; it is made where it does not exist
    #[arg(value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Where to deploy
    #[arg(long)]
    pub(crate) provider: Option<ProviderArg>,
    /// Environment; may be repeated, in the order in which they are deployed
    #[arg(long = "env", value_name = "ENV")]
    pub(crate) environments: Vec<String>,
    /// AWS account: twelve digits, or ENV=ACCOUNT where environments differ
    #[arg(long = "account", value_name = "ACCOUNT")]
    pub(crate) accounts: Vec<String>,
    /// AWS region, or ENV=REGION where environments differ; AWS_REGION without this option
    #[arg(long = "region", value_name = "REGION")]
    pub(crate) regions: Vec<String>,
    /// Aurora cluster to watch, or ENV=CLUSTER where there are several environments; may be repeated
    #[arg(long = "cluster", value_name = "NAME")]
    pub(crate) clusters: Vec<String>,
    /// Who answers for the entries
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: Option<String>,
    /// Role of a person to audit; may be repeated
    #[arg(long = "user", value_name = "ROLE")]
    pub(crate) users: Vec<String>,
    /// Address that is told when an alarm goes off, or ENV=ADDRESS; may be repeated
    #[arg(long = "email", value_name = "ADDRESS")]
    pub(crate) emails: Vec<String>,
    /// Where pull requests are reviewed; without this option what the repository's remote tells, else GitHub
    #[arg(long)]
    pub(crate) forge: Option<ForgeArg>,
    /// Whom the forge asks for a review: @ORGANISATION/TEAM; may be repeated
    #[arg(long = "code-owner", value_name = "NAME")]
    pub(crate) code_owners: Vec<String>,
    /// Ask RDS for every Aurora PostgreSQL cluster of the account and region, with what each exports and preloads
    #[cfg(feature = "aws")]
    #[arg(long)]
    pub(crate) import_clusters: bool,
    /// Add the login roles of a database: a URL without a password, or `env:NAME` for a variable that holds one; ENV=URL
    /// where there are several environments; may be repeated
    #[cfg(feature = "database")]
    #[arg(long = "import-roles", value_name = "URL")]
    pub(crate) import_roles: Vec<String>,
    /// File with the certificates of the authorities that the database is trusted by, as PEM: for RDS its bundle
    #[cfg(feature = "database")]
    #[arg(long, value_name = "FILE", requires = "import_roles")]
    pub(crate) ca: Option<PathBuf>,
    /// Log in to the database with a token of IAM in place of a password
    #[cfg(all(feature = "aws", feature = "database"))]
    #[arg(long, requires = "import_roles")]
    pub(crate) iam: bool,
    /// Write nothing: tell what would be written
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
    /// Folder to write policy files to; what stands there is never overwritten. Without it nothing is written
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Name of the environment, if the files name none or another
    #[arg(long, value_name = "ENV")]
    pub(crate) env: Option<String>,
    /// AWS account, if no file names it
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
    /// AWS region, if no file names it
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Who answers for the entries
    #[arg(long, value_name = "NAME", default_value = "unassigned")]
    pub(crate) owner: String,
    /// Where pull requests are reviewed
    #[arg(long, default_value = "none")]
    pub(crate) forge: ForgeArg,
    /// How to print the report
    #[arg(long, default_value = "human")]
    pub(crate) format: MigrateFormat,
}
