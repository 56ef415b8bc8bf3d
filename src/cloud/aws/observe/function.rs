//! The monitor's function: its state, and how its runs ended.

use aws_sdk_lambda::types::{LastUpdateStatus, State};

use super::metric::sums;
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::look::function;
use crate::cloud::aws::sight::Sight;
use crate::doctor::observation::{Answer, Function};
use crate::doctor::port::Since;

pub(super) async fn read(
    aws: &Inner,
    sight: &Sight,
    name: &str,
    counts: Since,
) -> Answer<Function> {
    let Some(found) = function::function(aws, sight, name).await? else {
        return Ok(None);
    };
    let configuration = &found.configuration;
    let state = configuration.state().map_or("unknown", State::as_str);
    let last_update = configuration
        .last_update_status()
        .map_or("unknown", LastUpdateStatus::as_str);
    // What is not as it should be comes first.
    let of_state = configuration.state_reason();
    let of_update = configuration.last_update_status_reason();
    let reason = if state == "Active" {
        of_update.or(of_state)
    } else {
        of_state.or(of_update)
    };
    let names = ["Invocations", "Errors", "Throttles"];
    let [invocations, errors, throttles] =
        sums(aws, "AWS/Lambda", names, ("FunctionName", name), counts).await?;
    Ok(Some(Function {
        state: state.to_owned(),
        last_update: last_update.to_owned(),
        reason: reason.map(str::to_owned),
        invocations,
        errors,
        throttles,
    }))
}
