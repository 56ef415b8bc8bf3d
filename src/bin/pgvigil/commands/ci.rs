//! `ci pr`: what the pipeline of a pull request needs, in one go. It needs no AWS and no database.

use std::hash::{BuildHasher as _, RandomState};

use pgvigil::compile::monitor_environment::{ENVIRONMENT_LIMIT, size};
use pgvigil::compile::{self, Compiled, QUERY_LIMIT};
use pgvigil::deploy::{CloudError, Prune};
use pgvigil::policy::Loaded;
use pgvigil::policy::model::Environment;
use pgvigil::report;
use pgvigil::report::plan as plan_report;
use serde_json::{Value, json};

use super::deployment::{Deployment, Ground, NoProvider};
use super::{plan, rules_test};
use crate::args::{CiPrArgs, DiagnosticFormat, PlanFormat, TestArgs, TestFormat};
use crate::exit::Exit;
use crate::session::{Checked, Session};

/// Version of the report's JSON.
const FORMAT_VERSION: u32 = 1;

pub(crate) fn run(session: &Session, args: &CiPrArgs) -> anyhow::Result<Exit> {
    let mut pipeline = Pipeline {
        session,
        args,
        steps: Vec::new(),
        exit: Exit::Clean,
    };
    let review = pipeline.run()?;
    if pipeline.exit == Exit::Usage {
        return Ok(Exit::Usage);
    }
    pipeline.finish(review)?;
    Ok(pipeline.exit)
}

/// What a step came to.
enum State {
    Passed(String),
    Failed(Exit, String),
    Skipped(String),
}

/// The numbers that a reviewer weighs.
struct Review {
    environment: String,
    exclusions: usize,
    query_characters: usize,
    monitor_bytes: usize,
    query_digest: String,
    plan: String,
}

struct Pipeline<'a> {
    session: &'a Session,
    args: &'a CiPrArgs,
    /// The steps of the JSON report.
    steps: Vec<Value>,
    exit: Exit,
}

impl Pipeline<'_> {
    fn run(&mut self) -> anyhow::Result<Option<Review>> {
        let (session, name) = (self.session, &self.args.env);
        let checked = session.check()?;
        let environment = if checked.diagnostics.errors() == 0 {
            match session.environment(&checked.loaded, name) {
                Ok(environment) => Some(environment),
                Err(exit) => {
                    self.exit = exit;
                    return Ok(None);
                }
            }
        } else {
            None
        };
        self.check(&checked)?;
        let Some(environment) = environment else {
            for step in ["rules test", "compile", "plan"] {
                self.step(
                    step,
                    State::Skipped("the policy files have faults".to_owned()),
                    "",
                    Value::Null,
                )?;
            }
            return Ok(None);
        };
        self.rules_test()?;
        let compiled = self.compile(&checked.loaded, environment)?;
        let plan = self.plan(&checked.loaded, environment)?;
        Ok(Some(review(&checked.loaded, environment, &compiled, plan)))
    }

    fn check(&mut self, checked: &Checked) -> anyhow::Result<()> {
        let colour = self.session.colour_out();
        let text = match self.args.format {
            // Parsed below, not shown.
            DiagnosticFormat::Json => String::new(),
            format => self.session.render(checked, format, colour),
        };
        let summary = report::summary(&checked.diagnostics);
        let summary = format!("{} files, {summary}", checked.loaded.files.ids().count());
        let state = if checked.diagnostics.errors() > 0 {
            State::Failed(Exit::Diagnostics, summary)
        } else {
            State::Passed(summary)
        };
        let json = parsed(&self.session.render(checked, DiagnosticFormat::Json, false));
        self.step("check", state, &text, json)
    }

    fn rules_test(&mut self) -> anyhow::Result<()> {
        let format = match self.args.format {
            DiagnosticFormat::Json => TestFormat::Json,
            DiagnosticFormat::Human | DiagnosticFormat::Github => TestFormat::Human,
        };
        let args = TestArgs {
            env: Some(self.args.env.clone()),
            format,
            min_score: None,
        };
        let (result, text) = self
            .session
            .collect(|| rules_test::run(self.session, &args));
        let state = match result {
            Ok(Exit::Clean) => State::Passed("every rule does what it promises".to_owned()),
            Ok(exit) => State::Failed(exit, "a rule does not do what it promises".to_owned()),
            Err(error) => State::Failed(Exit::Failed, format!("{error:#}")),
        };
        let json = parsed(&text);
        self.step("rules test", state, &text, json)
    }

    fn compile(&mut self, loaded: &Loaded, environment: &Environment) -> anyhow::Result<Compiled> {
        let compiled = compile::compile(loaded, environment, self.session.today());
        let summary = format!(
            "{} files, {} resources",
            compiled.artefacts.len(),
            compiled.documents.len()
        );
        let files: Vec<&str> = compiled
            .artefacts
            .iter()
            .map(|file| file.path.as_str())
            .collect();
        self.step(
            "compile",
            State::Passed(summary),
            "",
            json!({ "files": files }),
        )?;
        Ok(compiled)
    }

    /// The plan, and its summary for the review.
    fn plan(&mut self, loaded: &Loaded, environment: &Environment) -> anyhow::Result<String> {
        let plan = match Deployment::for_reading(Ground::of(self.session), loaded, environment)
            .and_then(|place| Ok(place.plan(&Prune::default())?))
        {
            Ok(plan) => plan,
            // A pull request of a stranger has no credentials, and no right to any.
            Err(error)
                if error.is::<NoProvider>()
                    || matches!(error.downcast_ref(), Some(CloudError::NoCredentials { .. })) =>
            {
                let why = format!("{error}; what an apply would change is not known");
                self.step("plan", State::Skipped(why), "", Value::Null)?;
                return Ok("skipped".to_owned());
            }
            Err(error) => {
                let why = format!("{error:#}");
                self.step("plan", State::Failed(Exit::Failed, why), "", Value::Null)?;
                return Ok("failed".to_owned());
            }
        };
        let summary = plan_report::summary(&plan.counts());
        let state = match plan.outcome() {
            Ok(_) => State::Passed(summary.clone()),
            Err(_) => State::Failed(Exit::Failed, summary.clone()),
        };
        let text = plan::render(self.session, &plan, PlanFormat::Human);
        let json = parsed(&plan::render(self.session, &plan, PlanFormat::Json));
        self.step("plan", state, &text, json)?;
        Ok(summary)
    }

    /// Ends a step: its section is printed now, or kept for the one JSON document.
    fn step(&mut self, name: &str, state: State, text: &str, json: Value) -> anyhow::Result<()> {
        let (word, why, exit) = match state {
            State::Passed(why) => ("passed", why, Exit::Clean),
            State::Failed(exit, why) => ("failed", why, exit),
            State::Skipped(why) => ("skipped", why, Exit::Clean),
        };
        self.exit = worse(self.exit, exit);
        // One line: what begins a line may be a command to GitHub.
        let why = report::visible(&why.replace(['\n', '\r'], " "));
        let heading = format!("{name}: {word} ({why})");
        match self.args.format {
            DiagnosticFormat::Json => {
                self.steps.push(json!({ "name": name, "state": word, "summary": why, "exit_code": exit as u8, "report": json }));
                Ok(())
            }
            DiagnosticFormat::Github if name == "check" => {
                self.session.show(&format!("{heading}\n{text}"))
            }
            DiagnosticFormat::Github => {
                let mut lines = if word == "failed" {
                    format!("::error title=pgvigil::{}\n", heading.replace('%', "%25"))
                } else {
                    format!("{heading}\n")
                };
                // What a step prints may begin with what GitHub takes for a command.
                if !text.is_empty() {
                    let token = format!("pgvigil-{:016x}", RandomState::new().hash_one(name));
                    let end = if text.ends_with('\n') { "" } else { "\n" };
                    lines.push_str(&format!("::group::{name}\n::stop-commands::{token}\n{text}{end}::{token}::\n::endgroup::\n"));
                }
                self.session.show(&lines)
            }
            DiagnosticFormat::Human => {
                let end = if text.is_empty() || text.ends_with('\n') {
                    ""
                } else {
                    "\n"
                };
                self.session.show(&format!(
                    "{}\n{text}{end}\n",
                    self.bold(&format!("── {heading}"))
                ))
            }
        }
    }

    fn finish(&self, review: Option<Review>) -> anyhow::Result<()> {
        let code = self.exit as u8;
        if self.args.format == DiagnosticFormat::Json {
            let review = review.map(|review| {
                json!({
                    "exclusions": review.exclusions,
                    "query_characters": review.query_characters,
                    "query_limit": QUERY_LIMIT,
                    "monitor_bytes": review.monitor_bytes,
                    "monitor_limit": ENVIRONMENT_LIMIT,
                    "query_digest": review.query_digest,
                    "plan": review.plan,
                })
            });
            let report = json!({
                "format_version": FORMAT_VERSION,
                "environment": self.args.env,
                "exit_code": code,
                "steps": self.steps,
                "review": review,
            });
            return self.session.show(&format!(
                "{}\n",
                pgvigil::report::escape::json(&format!("{report:#}"))
            ));
        }
        let result = if self.exit == Exit::Clean {
            "passed".to_owned()
        } else {
            format!("failed, exit code {code}")
        };
        let mut text = format!(
            "{}\n",
            self.bold(&format!("── {}: {result}", report::visible(&self.args.env)))
        );
        if let Some(review) = review {
            let lines = [
                ("environment", review.environment),
                ("exclusions", review.exclusions.to_string()),
                (
                    "query",
                    format!("{} of {QUERY_LIMIT} characters", review.query_characters),
                ),
                (
                    "monitor variables",
                    format!("{} of {ENVIRONMENT_LIMIT} bytes", review.monitor_bytes),
                ),
                ("query digest", review.query_digest),
                ("plan", review.plan),
            ];
            for (name, value) in lines {
                text.push_str(&format!("  {name:<18} {value}\n"));
            }
        }
        self.session.show(&text)
    }

    fn bold(&self, text: &str) -> String {
        if self.session.colour_out() {
            format!("\u{1b}[1m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// The worse of two: the tool failed, then faults, then failed rule tests.
fn worse(one: Exit, other: Exit) -> Exit {
    let rank = |exit: Exit| match exit {
        Exit::Clean => 0,
        Exit::RuleTestsFailed => 2,
        Exit::Diagnostics => 3,
        Exit::Failed => 4,
        _ => 1,
    };
    if rank(other) > rank(one) { other } else { one }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| {
        if text.is_empty() {
            Value::Null
        } else {
            text.into()
        }
    })
}

fn review(loaded: &Loaded, environment: &Environment, compiled: &Compiled, plan: String) -> Review {
    // Each cluster has a monitor of its own: the fullest one counts.
    let variables = compiled.documents.iter().filter_map(|document| {
        let variables = document.properties.get("environment")?.clone();
        serde_json::from_value(variables).ok()
    });
    Review {
        environment: environment.name.clone(),
        exclusions: loaded.policy.exclusions_in(environment).count(),
        query_characters: compiled.query.length().max(compiled.investigate.length()),
        monitor_bytes: variables
            .map(|variables| size(&variables))
            .max()
            .unwrap_or_default(),
        query_digest: compiled.query_digest.clone(),
        plan,
    }
}
