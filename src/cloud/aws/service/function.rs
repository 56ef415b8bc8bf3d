//! The monitor's Lambda function.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    Architecture, DeadLetterConfig, EphemeralStorage, FunctionCode, LastUpdateStatus, LogFormat,
    LoggingConfig, Runtime, State, TracingMode,
};
use serde_json::{Map, Value, json};
use tokio::time::sleep;
use upgrade::{Step, steps};
use wanted::Wanted;

use crate::cloud::aws::call::{found, gone};
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::failure::{lasting, refused};
use crate::cloud::aws::look::function::{configuration, function, tag, tags, untag};
use crate::cloud::aws::look::layer::{arns, attached};
use crate::cloud::aws::note;
use crate::cloud::aws::sight::{Function, Sight, Tags};
use crate::deploy::document::Document;
use crate::deploy::obstacle::WITHOUT_RESERVATION;
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Concurrency, Live, Reading};
use crate::package::code_sha256;

mod upgrade;

mod wanted;

/// Attempts and age, in seconds, after which Lambda gives up an asynchronous event, unless it is told otherwise.
const RETRIES: (i32, i32) = (2, 21_600);

/// Looks at a function that is being made or changed, two seconds apart at most.
const LOOKS: u32 = 90;

/// Tries to make a function while IAM spreads the news of its role, two seconds apart.
const ROLE_TRIES: u32 = 20;

/// The digest of the package that was last applied, as the function's note says.
pub(in crate::cloud::aws) async fn applied_code(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Option<String>, CloudError> {
    Ok(note::read(aws, sight, document)
        .await?
        .more
        .first()
        .cloned())
}

pub(in crate::cloud::aws) async fn read(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Reading, CloudError> {
    let name = &document.name;
    let Some(live) = function(aws, sight, name).await? else {
        return Ok(Reading::Absent { applied: None });
    };
    let configuration = &live.configuration;
    let retries = retries(aws, name).await?;
    let tags = tags(aws, sight, name).await?.unwrap_or_default();
    let mut properties = properties(aws, sight, configuration).await?;
    let is_former = upgrade::is_former(&properties["environment"]);
    properties["name"] = json!(name);
    properties["retries"] =
        json!({ "maximum_attempts": retries.0, "maximum_event_age_seconds": retries.1 });
    properties["reserved_concurrency"] = json!(live.reserved);
    properties["tags"] = note::own_tags(&tags);
    let failed = configuration.last_update_status() == Some(&LastUpdateStatus::Failed)
        || configuration.state() == Some(&State::Failed);
    Ok(Reading::Present(Live {
        properties,
        applied: note::read(aws, sight, document).await?.applied,
        note: if failed {
            let reason = configuration
                .last_update_status_reason()
                .or(configuration.state_reason());
            Some(format!(
                "Lambda could not put it into operation: {}",
                reason.unwrap_or("no reason is given")
            ))
        } else {
            is_former.then(|| upgrade::NEEDS_PACKAGE.to_owned())
        },
    }))
}

async fn retries(aws: &Inner, name: &str) -> Result<(i32, i32), CloudError> {
    let answer = aws
        .caller
        .make(Operation::GetFunctionEventInvokeConfig, name, || {
            aws.lambda
                .get_function_event_invoke_config()
                .function_name(name)
                .send()
        })
        .await;
    Ok(found(answer)?.map_or(RETRIES, |answer| {
        (
            answer.maximum_retry_attempts.unwrap_or(RETRIES.0),
            answer.maximum_event_age_in_seconds.unwrap_or(RETRIES.1),
        )
    }))
}

/// A function's configuration in the form of its document.
async fn properties(
    aws: &Inner,
    sight: &Sight,
    live: &GetFunctionConfigurationOutput,
) -> Result<Value, CloudError> {
    let variables: Map<String, Value> = live
        .environment()
        .and_then(|environment| environment.variables())
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect();
    let architectures: Vec<&str> = live
        .architectures()
        .iter()
        .map(Architecture::as_str)
        .collect();
    let layers = attached(aws, sight, live.layers()).await?;
    let network = live.vpc_config();
    let logging = live.logging_config();
    let name = live.function_name().unwrap_or_default();
    Ok(json!({
        "description": live.description().unwrap_or_default(),
        "package_type": live.package_type().map_or("Zip", |kind| kind.as_str()),
        "code": { "sha256": live.code_sha256() },
        "runtime": live.runtime().map(Runtime::as_str),
        "handler": live.handler(),
        "architectures": if architectures.is_empty() { vec!["x86_64"] } else { architectures },
        "memory_mb": live.memory_size(),
        "ephemeral_storage_mb": live.ephemeral_storage().map_or(512, EphemeralStorage::size),
        "timeout_seconds": live.timeout(),
        "role": live.role(),
        "environment": variables,
        "layers": layers,
        "vpc": {
            "security_groups": network.map(|network| network.security_group_ids()).unwrap_or_default(),
            "subnets": network.map(|network| network.subnet_ids()).unwrap_or_default(),
        },
        "dead_letter": live.dead_letter_config().and_then(|queue| queue.target_arn()).filter(|arn| !arn.is_empty()),
        "kms_key": live.kms_key_arn().filter(|arn| !arn.is_empty()),
        "tracing": live.tracing_config().and_then(|tracing| tracing.mode()).map_or("PassThrough", TracingMode::as_str),
        "logging": {
            "format": logging.and_then(LoggingConfig::log_format).map_or("Text", LogFormat::as_str),
            "log_group": logging
                .and_then(LoggingConfig::log_group)
                .map_or_else(|| format!("/aws/lambda/{name}"), str::to_owned),
        },
    }))
}

/// The package that a document asks for.
fn package<'a>(aws: &'a Inner, document: &Document) -> Result<&'a [u8], CloudError> {
    let wanted = document.properties["code"]["sha256"].as_str();
    let Some(package) = aws.package.as_deref() else {
        return Err(lasting(
            "write",
            &document.address,
            "the monitor's package is needed: name it with --package FILE".to_owned(),
        ));
    };
    if wanted.is_some_and(|wanted| wanted != code_sha256(package)) {
        return Err(lasting(
            "write",
            &document.address,
            "this package is not the one that the plan was made with".to_owned(),
        ));
    }
    Ok(package)
}

pub(in crate::cloud::aws) async fn put(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<(), CloudError> {
    let name = &document.name;
    let wanted = Wanted {
        properties: &document.properties,
    };
    let live = function(aws, sight, name).await?;
    match &live {
        None => create(aws, document, &wanted).await?,
        Some(live) => update(aws, sight, document, &wanted, live).await?,
    }
    let concurrency = wanted.number(&document.properties["reserved_concurrency"]);
    if live.as_ref().and_then(|live| live.reserved) != concurrency {
        reserve(aws, name, concurrency).await?;
    }
    let wanted_retries = &document.properties["retries"];
    let attempts = wanted.number(&wanted_retries["maximum_attempts"]);
    let age = wanted.number(&wanted_retries["maximum_event_age_seconds"]);
    let same = live.is_some() && {
        let live = retries(aws, name).await?;
        (Some(live.0), Some(live.1)) == (attempts, age)
    };
    if !same {
        aws.caller
            .make(Operation::PutFunctionEventInvokeConfig, name, || {
                aws.lambda
                    .put_function_event_invoke_config()
                    .function_name(name)
                    .set_maximum_retry_attempts(attempts)
                    .set_maximum_event_age_in_seconds(age)
                    .send()
            })
            .await?;
    }
    if live.is_some() {
        let tags = tags(aws, sight, name).await?.unwrap_or_default();
        let (missing, stale) = note::tag_changes(&document.properties["tags"], &tags);
        tag(aws, name, &missing).await?;
        untag(aws, name, &stale).await?;
    }
    Ok(())
}

/// Keeps so many concurrent runs free for a function, or none.
async fn reserve(aws: &Inner, name: &str, runs: Option<i32>) -> Result<(), CloudError> {
    let Some(runs) = runs else {
        let answer = aws
            .caller
            .make(Operation::DeleteFunctionConcurrency, name, || {
                aws.lambda
                    .delete_function_concurrency()
                    .function_name(name)
                    .send()
            })
            .await;
        return answer.map(|_| ());
    };
    let answer = aws
        .caller
        .make(Operation::PutFunctionConcurrency, name, || {
            aws.lambda
                .put_function_concurrency()
                .function_name(name)
                .reserved_concurrent_executions(runs)
                .send()
        })
        .await;
    match answer {
        Ok(_) => Ok(()),
        // "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its
        // minimum value of [10]."
        Err(CloudError::Refused {
            operation,
            resource,
            message,
        }) if message.contains("UnreservedConcurrentExecution") => Err(CloudError::Refused {
            operation,
            resource,
            message: format!("{}; {WITHOUT_RESERVATION}", message.trim_end_matches('.')),
        }),
        Err(error) => Err(error),
    }
}

/// How many functions may run at the same time, in the account's region.
pub(in crate::cloud::aws) async fn concurrency(aws: &Inner) -> Result<Concurrency, CloudError> {
    let what = "the limits of Lambda";
    let answer = aws
        .caller
        .make(Operation::GetAccountSettings, what, || {
            aws.lambda.get_account_settings().send()
        })
        .await?;
    let limit = answer.account_limit();
    let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
    let all = number(limit.map(|limit| limit.concurrent_executions()));
    let unreserved = number(limit.and_then(|limit| limit.unreserved_concurrent_executions()));
    match (all, unreserved) {
        (Some(limit), Some(unreserved)) => Ok(Concurrency { limit, unreserved }),
        _ => Err(CloudError::Unreadable {
            resource: what.to_owned(),
            message: "the answer does not contain the concurrency of the account".to_owned(),
        }),
    }
}

/// What is noted about a function besides its fingerprint: the digest of its package.
pub(in crate::cloud::aws) fn words(document: &Document) -> Vec<String> {
    let digest = document.properties["code"]["sha256"].as_str();
    digest.map(str::to_owned).into_iter().collect()
}

async fn create(aws: &Inner, document: &Document, wanted: &Wanted<'_>) -> Result<(), CloudError> {
    let name = &document.name;
    let code = FunctionCode::builder()
        .zip_file(Blob::new(package(aws, document)?))
        .build();
    let layers = arns(aws, document).await?;
    let (tags, _) = note::tag_changes(&document.properties["tags"], &Tags::new());
    let tags: HashMap<String, String> = tags.into_iter().collect();
    let properties = &document.properties;
    let mut tries = 1;
    loop {
        let answer = aws
            .caller
            .make(Operation::CreateFunction, name, || {
                aws.lambda
                    .create_function()
                    .function_name(name)
                    .set_description(wanted.text("description"))
                    .code(code.clone())
                    .set_runtime(
                        wanted
                            .text("runtime")
                            .map(|name| Runtime::from(name.as_str())),
                    )
                    .set_handler(wanted.text("handler"))
                    .set_architectures(Some(wanted.architectures()))
                    .set_memory_size(wanted.number(&properties["memory_mb"]))
                    .set_ephemeral_storage(wanted.storage())
                    .set_timeout(wanted.number(&properties["timeout_seconds"]))
                    .set_role(wanted.text("role"))
                    .environment(wanted.environment())
                    .set_layers(Some(layers.clone()))
                    .tracing_config(wanted.tracing())
                    .logging_config(wanted.logging())
                    .set_tags(Some(tags.clone()))
                    .send()
            })
            .await;
        match answer {
            Ok(_) => break,
            // A role that was just made is not known everywhere at once.
            Err(CloudError::Unavailable { message, .. })
                if message.contains("cannot be assumed") && tries < ROLE_TRIES =>
            {
                tries += 1;
                sleep(Duration::from_secs(2)).await;
            }
            Err(error) => return Err(error),
        }
    }
    settled(aws, document).await.map(|_| ())
}

/// Brings a function to what its document says, call by call, in an order in which it can be started between any two.
async fn update(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
    wanted: &Wanted<'_>,
    live: &Function,
) -> Result<(), CloudError> {
    let configuration = &live.configuration;
    let now = properties(aws, sight, configuration).await?;
    let mut revision = configuration.revision_id().map(str::to_owned);
    let steps = steps(&now, &document.properties, aws.package.is_some())
        .map_err(|why| lasting("write", &document.address, why.to_owned()))?;
    for step in steps {
        match step {
            Step::Bridge(variables) => bridge(aws, document, &variables, revision).await?,
            Step::Code => code(aws, document, wanted, revision).await?,
            Step::Configuration => configure(aws, document, wanted, revision).await?,
        }
        // Lambda refuses a second change while the first is under way.
        revision = settled(aws, document).await?;
    }
    Ok(())
}

/// Attaches the layer and adds variables, and changes nothing else.
async fn bridge(
    aws: &Inner,
    document: &Document,
    variables: &Value,
    revision: Option<String>,
) -> Result<(), CloudError> {
    let name = &document.name;
    let layers = arns(aws, document).await?;
    aws.caller
        .make(Operation::UpdateFunctionConfiguration, name, || {
            aws.lambda
                .update_function_configuration()
                .function_name(name)
                .environment(wanted::environment(variables))
                .set_layers(Some(layers.clone()))
                .set_revision_id(revision.clone())
                .send()
        })
        .await?;
    Ok(())
}

async fn code(
    aws: &Inner,
    document: &Document,
    wanted: &Wanted<'_>,
    revision: Option<String>,
) -> Result<(), CloudError> {
    let name = &document.name;
    let zip = Blob::new(package(aws, document)?);
    aws.caller
        .make(Operation::UpdateFunctionCode, name, || {
            aws.lambda
                .update_function_code()
                .function_name(name)
                .zip_file(zip.clone())
                .set_architectures(Some(wanted.architectures()))
                .set_revision_id(revision.clone())
                .send()
        })
        .await?;
    Ok(())
}

/// Everything but the code. Rules change here: the layer and the digest of its rules go in one call.
async fn configure(
    aws: &Inner,
    document: &Document,
    wanted: &Wanted<'_>,
    revision: Option<String>,
) -> Result<(), CloudError> {
    let name = &document.name;
    let desired = &document.properties;
    let layers = arns(aws, document).await?;
    aws.caller
        .make(Operation::UpdateFunctionConfiguration, name, || {
            aws.lambda
                .update_function_configuration()
                .function_name(name)
                .set_description(wanted.text("description"))
                .set_runtime(
                    wanted
                        .text("runtime")
                        .map(|name| Runtime::from(name.as_str())),
                )
                .set_handler(wanted.text("handler"))
                .set_memory_size(wanted.number(&desired["memory_mb"]))
                .set_ephemeral_storage(wanted.storage())
                .set_timeout(wanted.number(&desired["timeout_seconds"]))
                .set_role(wanted.text("role"))
                .environment(wanted.environment())
                .set_layers(Some(layers.clone()))
                .vpc_config(wanted.network())
                // An empty text takes the setting away.
                .dead_letter_config(
                    DeadLetterConfig::builder()
                        .target_arn(desired["dead_letter"].as_str().unwrap_or_default())
                        .build(),
                )
                .kms_key_arn(desired["kms_key"].as_str().unwrap_or_default())
                .tracing_config(wanted.tracing())
                .logging_config(wanted.logging())
                .set_revision_id(revision.clone())
                .send()
        })
        .await?;
    Ok(())
}

/// Waits until the function is in operation as it was asked for, and tells its revision.
async fn settled(aws: &Inner, document: &Document) -> Result<Option<String>, CloudError> {
    let mut pause = Duration::from_millis(100);
    for _ in 0..LOOKS {
        let Some(live) = configuration(aws, &document.name).await? else {
            return Err(CloudError::NotFound {
                resource: document.address.clone(),
            });
        };
        let failed = |reason: Option<&str>| {
            refused(
                "put into operation",
                &document.address,
                reason.unwrap_or("no reason is given").to_owned(),
            )
        };
        match (live.state(), live.last_update_status()) {
            (Some(State::Failed), _) => return Err(failed(live.state_reason())),
            (_, Some(LastUpdateStatus::Failed)) => {
                return Err(failed(live.last_update_status_reason()));
            }
            (Some(State::Pending), _) | (_, Some(LastUpdateStatus::InProgress)) => {
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
            _ => return Ok(live.revision_id().map(str::to_owned)),
        }
    }
    Err(refused(
        "put into operation",
        &document.address,
        "it is still being changed after three minutes".to_owned(),
    ))
}

pub(in crate::cloud::aws) async fn delete(aws: &Inner, name: &str) -> Result<(), CloudError> {
    let answer = aws
        .caller
        .make(Operation::DeleteFunction, name, || {
            aws.lambda.delete_function().function_name(name).send()
        })
        .await;
    gone(answer)
}
