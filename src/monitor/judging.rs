//! The rules that a monitor judges by, and what it fetches for them.

use jiff::civil::Date;

use super::settings::{Fault, Settings};
use crate::compile::fetch::Fetch;
use crate::compile::monitor_environment::RULES_DIGEST;
use crate::digest::sha256;
use crate::judge::{Judge, Rules};
use crate::package::layer::PATH;
use crate::policy::model::Signal;

/// Rules, ready to judge.
#[derive(Debug)]
pub struct Judging {
    pub(super) judge: Judge,
    pub(super) fetch: Fetch,
    /// The signals that are counted.
    pub(super) signals: Vec<Signal>,
    /// SHA-256 of the rules.
    pub(super) digest: String,
    /// Last days of exclusions, by their ids.
    pub(super) last_days: Vec<(String, Date)>,
}

impl Judging {
    /// Reads the rules. They must be those that the variables name: a monitor with other rules counts something else than
    /// the reviewed policy says.
    ///
    /// # Errors
    /// If the bytes have another digest, or cannot be read.
    pub fn read(settings: &Settings, bytes: &[u8]) -> Result<Self, Fault> {
        let fault = |problem: String| Fault {
            variable: RULES_DIGEST.to_owned(),
            problem,
        };
        let digest = sha256(bytes);
        if digest != settings.rules_digest {
            return Err(fault(format!(
                "is not the digest of `{PATH}`, which is {digest}: the rules in the layer differ \
                    from those that the variables name; run `pgvigil apply`, which changes both \
                    in one call"
            )));
        }
        let rules = Rules::from_bytes(bytes).map_err(|error| {
            fault(format!(
                "names rules in `{PATH}` that this monitor cannot read: {error}; deploy rules and monitor from the same version of pgvigil"
            ))
        })?;
        if !rules.signals.contains(&Signal::Dml) {
            return Err(fault(format!(
                "names rules in `{PATH}` without the signal `dml`, which is always counted"
            )));
        }
        Ok(Self {
            fetch: Fetch::new(
                rules.prefix,
                &rules.signals,
                settings.windows.minutes(),
                &rules.accounts,
            ),
            judge: Judge::new(&rules),
            last_days: rules
                .exclusions
                .iter()
                .filter_map(|rule| Some((rule.id.clone(), rule.last_day?)))
                .collect(),
            signals: rules.signals,
            digest,
        })
    }

    /// Those of some signals that are counted.
    pub(super) fn enabled(&self, signals: impl IntoIterator<Item = Signal>) -> Vec<Signal> {
        signals
            .into_iter()
            .filter(|signal| self.signals.contains(signal))
            .collect()
    }
}
