//! Who changed what drifted: `drift --blame`.

use pgvigil::deploy::DriftReport;
use pgvigil::deploy::blame::blame;
use pgvigil::policy::model::{Environment, Provider};

use super::ground::Ground;
use super::provider_aws;

/// Looks up in the provider's record who changed the drifted resources. It is an error if the record cannot be read:
/// otherwise no one would notice that it was not read.
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
            "a local folder keeps no record of who changed it: do not use --blame for `{}`",
            environment.name
        ),
        Provider::Aws => {
            let witness = provider_aws::witness(ground, environment)?;
            report.blame = blame(report, &*witness);
            Ok(())
        }
    }
}
