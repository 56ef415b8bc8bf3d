//! How much detections matter: entries that are about nothing.

use super::protected::{SENSITIVITY, entry_faults};
use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote};

/// See the codes of the area `sensitivity`.
#[derive(Debug)]
pub struct Severities;

impl Check for Severities {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        let policy = context.policy;
        for entry in &policy.sensitivity {
            // A signal alone is a condition.
            if entry.signals.is_none() || entry.records.has_condition() {
                entry_faults(&entry.records, &SENSITIVITY, sink);
            }
            for signal in entry.signals.iter().flatten() {
                let mut environments = policy.environments.iter();
                let is_off = !policy.environments.is_empty()
                    && environments.all(|environment| {
                        let mut signals = environment.signals.iter();
                        signals.all(|on| on.signal != *signal)
                    });
                if is_off {
                    sink.push(
                        Diagnostic::new(
                            Code::SensitivitySignal,
                            format!(
                                "no environment counts the signal {}, so the entry is about no records of it",
                                quote(signal.name())
                            ),
                        )
                        .at(entry.records.place.clone())
                        .help(format!(
                            "switch it on in an environment, as in `signals: {{{}: {{}}}}`, or remove it here",
                            signal.name()
                        )),
                    );
                }
            }
        }
    }
}
