//! What commands need of an account beyond one port.

use pgvigil::deploy::Reader;
use pgvigil::deploy::monitor_log::MonitorLog;
use pgvigil::doctor::Observer;
use pgvigil::doctor::canary::Canary;
use pgvigil::insights::service::QueryService;
use pgvigil::prove::port::OwnLogs;

/// Reads and observes what runs in an account, and runs the canary there.
pub(crate) trait Running: Reader + Observer + Canary {}

/// What a proof works with: its own log groups, its own alarm, and queries.
pub(crate) trait Proving: Reader + OwnLogs + Canary {
    /// Queries with the same credentials.
    fn queries(&self) -> anyhow::Result<Box<dyn QueryService>>;
}

/// Says whose account it is, and reads the logs of its monitors.
pub(crate) trait Recording: Reader + MonitorLog {}
