//! The monitor's times and names.

use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote};
use crate::policy::model::Engine;

/// See [`Code::EnvironmentLateArrival`], [`Code::EnvironmentOverlap`], [`Code::EnvironmentLateFigures`] and
/// [`Code::EnvironmentNamespace`].
#[derive(Debug)]
pub struct Schedule;

/// Most windows that one run can read again: each is a query, and an account has 100 at a time.
const MOST_WINDOWS: u32 = 60;

/// CloudWatch shows older figures late (CloudWatch, PutMetricData: data points with time stamps).
const PROMPT_MINUTES: u32 = 180;

impl Check for Schedule {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        for environment in &context.policy.environments {
            let (monitor, places) = (&environment.monitor, &environment.places);
            let windows = monitor
                .late_arrival_minutes
                .div_ceil(monitor.window_minutes.max(1));
            if windows > MOST_WINDOWS {
                sink.push(
                    Diagnostic::new(
                        Code::EnvironmentLateArrival,
                        format!(
                            "each run would re-read {windows} windows; \
                        the maximum is {MOST_WINDOWS}"
                        ),
                    )
                    .at(places.value("monitor/late_arrival_minutes"))
                    .help(format!(
                        "write at most `{}`, or run less often",
                        monitor.window_minutes.saturating_mul(MOST_WINDOWS)
                    )),
                );
            }
            if environment.engine == Engine::Monitor
                && monitor.timeout_seconds > monitor.window_minutes.saturating_mul(60)
                && places.has("monitor/timeout_seconds")
            {
                sink.push(
                    Diagnostic::new(
                        Code::EnvironmentOverlap,
                        "a run can last longer than the time between two runs",
                    )
                    .at(places.value("monitor/timeout_seconds"))
                    .help(format!(
                        "write at most `{}`, or run less often",
                        monitor.window_minutes.saturating_mul(60)
                    )),
                );
            }
            if environment.engine == Engine::Monitor && monitor.window_minutes > PROMPT_MINUTES {
                sink.push(
                    Diagnostic::new(
                        Code::EnvironmentLateFigures,
                        "CloudWatch needs up to two hours more to show figures that are more than three hours old",
                    )
                    .at(places.value("monitor/schedule"))
                    .help("write at most `rate(3 hours)`: a longer interval delays the alarm"),
                );
            }
            let namespace = monitor.namespace.as_str();
            let is_form = (1..=255).contains(&namespace.len())
                && namespace
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._/#:-".contains(&byte))
                && !namespace.starts_with(':');
            let is_reserved = namespace
                .get(..4)
                .is_some_and(|start| start.eq_ignore_ascii_case("AWS/"));
            if !is_form || is_reserved {
                let help = if is_reserved {
                    "namespaces that begin with `AWS/` belong to AWS"
                } else {
                    "write 1 to 255 letters, digits and `. - _ / # :`"
                };
                sink.push(
                    Diagnostic::new(
                        Code::EnvironmentNamespace,
                        format!("CloudWatch refuses the namespace {}", quote(namespace)),
                    )
                    .at(places.value("monitor/namespace"))
                    .help(help),
                );
            }
        }
    }
}
