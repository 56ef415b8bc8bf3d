//! What an apply would change at one server.

use std::collections::BTreeSet;

use jiff::civil::Date;
use pgvigil::compile::enrolment::enrolments;
use pgvigil::database::enrol::plan::Asked;
use pgvigil::database::enrol::{Plan, plan};
use pgvigil::policy::model::Policy;

use super::places::{Found, Spot};

/// The plan of one server.
pub(crate) fn planned(
    today: Date,
    policy: &Policy,
    spot: &Spot<'_>,
    found: &Found,
    unenrol: &BTreeSet<String>,
) -> anyhow::Result<Plan> {
    let enrolments = enrolments(policy, spot.environment, today);
    let asked = Asked {
        enrolments: &enrolments,
        unenrol,
    };
    Ok(plan(&found.place, asked, &found.snapshot)?)
}
