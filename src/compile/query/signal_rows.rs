//! The rows that an alarm on a log query counts: the alarm query up to its last filter, and one filter more that keeps
//! what one signal counts.
//!
//! CloudWatch takes the filters and the aggregation apart (`PutLogAlarm`, `QueryString` and
//! `AggregationExpression`), and an aggregation may only count rows.

use super::{
    CompiledQuery, MISC_OUT_OF_SCOPE, QuerySource, REFUSAL_LEVELS, StageRole, list, pattern,
};
use crate::policy::model::Signal;

impl QuerySource<'_> {
    /// One row for each record that counts for a signal, under the keys of the alarm query, which are never missing:
    /// what an aggregation makes of a missing field is not documented. The signal must be among those of the source.
    pub fn signal_rows(&self, signal: Signal, header: &str) -> CompiledQuery {
        let tampering = if self.counts(Signal::AuditTampering) {
            ", coalesce(pgTamper, '') as tampering"
        } else {
            ""
        };
        self.fitting(header, |text| {
            text.stage(
                StageRole::Result,
                &format!("fields {}{tampering}", self.keys()),
            );
            if let Some(condition) = self.selection(signal) {
                text.stage(StageRole::Scope, &format!("filter ({condition})"));
            }
        })
    }

    /// What [`signals_of`](super::signals_of) says, as a condition on the keys; nothing where every row is of the signal.
    fn selection(&self, signal: Signal) -> Option<String> {
        match signal {
            Signal::Dml => {
                let mut others = Vec::new();
                if self.counts(Signal::Privilege) || self.counts(Signal::AuditTampering) {
                    others.push("ROLE");
                }
                if self.counts(Signal::Schema) || self.counts(Signal::AuditTampering) {
                    others.push("DDL");
                }
                if self.counts(Signal::Denied) {
                    others.extend(REFUSAL_LEVELS);
                }
                let mut conditions = Vec::new();
                if !others.is_empty() {
                    conditions.push(format!("class not in {}", list(&others)));
                }
                // Rows that only name a setting are here for the other signal.
                if self.counts(Signal::AuditTampering) {
                    conditions.push(format!(
                        "(class != 'MISC' or command not like /^{}(?: |\\z)/)",
                        pattern::any_of(MISC_OUT_OF_SCOPE.iter().copied())
                    ));
                }
                (!conditions.is_empty()).then(|| conditions.join(" and "))
            }
            Signal::Privilege => Some("class = 'ROLE'".to_owned()),
            Signal::Schema => Some("class = 'DDL'".to_owned()),
            Signal::Denied => Some(format!("class in {}", list(REFUSAL_LEVELS))),
            Signal::AuditTampering => {
                Some("tampering != '' and (class != 'MISC' or command != 'SHOW')".to_owned())
            }
        }
    }
}
