//! The rows that an alarm on a log query counts: the alarm query up to its last filter.
//!
//! CloudWatch takes the filters and the aggregation apart (`PutLogAlarm`, `QueryString` and
//! `AggregationExpression`), and an aggregation may only count rows.

use super::{CompiledQuery, QuerySource, StageRole};
use crate::policy::model::Signal;

impl QuerySource<'_> {
    /// One row for each record that counts for a signal, with `user` and `database`, which are never missing: what an
    /// aggregation makes of a missing field is not documented.
    pub fn signal_rows(&self, signal: Signal, header: &str) -> CompiledQuery {
        let mut text = self.rows(header);
        match signal {
            // What is left is what this signal counts.
            Signal::Dml => {}
        }
        text.stage(
            StageRole::Result,
            "fields coalesce(pgUser, '-') as user, coalesce(pgDatabase, '-') as database",
        );
        text.finish()
    }
}
