//! Who changed what drifted: `drift --blame`.

use pgvigil::deploy::DriftReport;
use pgvigil::deploy::blame::blame;
use pgvigil::policy::model::{Environment, Provider};

use super::deployment::Ground;
use super::provider_aws;

/// Asks the provider's record, where anything drifted. A record that cannot be had is an error: nobody would know
/// that it was not asked.
pub(crate) fn add(
    ground: Ground<'_>,
    environment: &Environment,
    report: &mut DriftReport,
) -> anyhow::Result<()> {
    if report.drift.is_empty() {
        return Ok(());
    }
    match environment.provider {
        Provider::Local => anyhow::bail!(
            "a folder keeps no record of who changed it: leave --blame away for `{}`",
            environment.name
        ),
        Provider::Aws => {
            let witness = provider_aws::witness(ground, environment)?;
            report.blame = blame(report, &*witness);
            Ok(())
        }
    }
}
