//! The monitor: the function that runs in Lambda. What it does is in the library's room `monitor`; here are the calls
//! that it makes, the clock, and its log.

mod aws;
mod events;
mod failure;
mod log;
mod metrics;
mod queries;
mod topic;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::rc::Rc;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use pgvigil::monitor::port::Clock;
use pgvigil::monitor::{Invocation, Judging, Receipts, RunError, Settings, What, run};
use pgvigil::package::layer::PATH;
use serde_json::Value;

use aws::Services;

/// Set by Lambda, and by what emulates it.
const RUNTIME: &str = "AWS_LAMBDA_RUNTIME_API";

fn main() -> ExitCode {
    let variables: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let settings = match Settings::read(&variables) {
        Ok(settings) => settings,
        Err(faults) => {
            for fault in faults {
                log::error(&fault.to_string());
            }
            return ExitCode::FAILURE;
        }
    };
    let judging = match judging(&settings, &variables) {
        Ok(judging) => judging,
        Err(problem) => {
            log::error(&problem);
            return ExitCode::FAILURE;
        }
    };
    if !variables.contains_key(RUNTIME) {
        log::error(&format!(
            "`{RUNTIME}` is missing: this program runs in Lambda, or under `cargo lambda watch`"
        ));
        return ExitCode::FAILURE;
    }
    let services = match Services::connect(&variables) {
        Ok(services) => services,
        Err(problem) => {
            log::error(&problem);
            return ExitCode::FAILURE;
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            log::error(&format!("cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let monitor = Monitor {
        settings,
        judging,
        services,
        receipts: RefCell::default(),
    };
    match runtime.block_on(serve(monitor)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error(&format!("cannot get an event from Lambda: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Where the rules are for whoever runs the function without layers, such as a test or a container.
const ELSEWHERE: &str = "RULES_FILE";

/// Reads the rules that the layer brings.
fn judging(settings: &Settings, variables: &BTreeMap<String, String>) -> Result<Judging, String> {
    let file = variables.get(ELSEWHERE).map_or(PATH, String::as_str);
    let bytes = std::fs::read(file).map_err(|error| {
        format!("cannot read the rules in `{file}`: {error}; the function needs the layer that `pgvigil apply` publishes")
    })?;
    Judging::read(settings, &bytes).map_err(|fault| fault.to_string())
}

/// Takes invocations until Lambda ends the process.
async fn serve(monitor: Monitor) -> Result<(), lambda_runtime::Error> {
    let monitor = Rc::new(monitor);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let monitor = Rc::clone(&monitor);
        async move { monitor.invoked(event).await.map_err(Failed) }
    }))
    .await
}

struct Monitor {
    settings: Settings,
    judging: Judging,
    services: Services,
    /// One invocation at a time: Lambda sends the next when it has the answer.
    receipts: RefCell<Receipts>,
}

/// The longest that Lambda lets a function run (quotas of AWS Lambda).
const LONGEST_MS: i64 = 15 * 60 * 1000;

impl Monitor {
    /// When Lambda ends the run. An emulator may hand over a length in the place of a time.
    fn deadline_ms(&self, told: u64) -> i64 {
        let told = i64::try_from(told).unwrap_or(i64::MAX);
        let now_ms = self.services.now_ms();
        if told <= LONGEST_MS {
            now_ms.saturating_add(told)
        } else {
            told.min(now_ms.saturating_add(LONGEST_MS))
        }
    }

    async fn invoked(&self, event: LambdaEvent<Value>) -> Result<Value, RunError> {
        let what = match What::read(&event.payload) {
            Ok(what) => what,
            Err(error) => {
                log::error(&error.to_string());
                return Err(error);
            }
        };
        let invocation = Invocation {
            what,
            deadline_ms: self.deadline_ms(event.context.deadline),
        };
        let mut receipts = self.receipts.take();
        let answer = run(
            &self.settings,
            &self.judging,
            &mut receipts,
            &self.services,
            &invocation,
        )
        .await;
        // What a failed run has published it has noted: that stays true.
        self.receipts.replace(receipts);
        Ok(answer?.json(&self.settings))
    }
}

/// A failed run, as Lambda shows it.
#[derive(Debug)]
struct Failed(RunError);

impl From<Failed> for Diagnostic {
    fn from(failed: Failed) -> Self {
        let kind = match failed.0 {
            RunError::Call { .. } => "CallFailed",
            RunError::Busy { .. } => "Throttled",
            RunError::Ended { .. } => "QueryEnded",
            RunError::Late { .. } => "TimeOver",
            RunError::Result { .. } => "ResultUnreadable",
            RunError::Invocation(_) => "InvocationRefused",
        };
        Self {
            error_type: format!("Monitor.{kind}"),
            error_message: failed.0.to_string(),
        }
    }
}
