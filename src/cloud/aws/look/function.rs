//! The monitor's function, its tags, and how many may run.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;

use crate::cloud::aws::call::found;
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::sight::{Function, Sight, Tags};
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;

/// The function of that name; `None` when there is none.
pub(in crate::cloud::aws) async fn function(
    aws: &Inner,
    sight: &Sight,
    base: &str,
) -> Result<Option<Arc<Function>>, CloudError> {
    let ask = || async { Ok(look(aws, base).await?.map(Arc::new)) };
    sight.functions.get(base, ask).await
}

/// The same without a look that remembers it.
pub(in crate::cloud::aws) async fn look(
    aws: &Inner,
    base: &str,
) -> Result<Option<Function>, CloudError> {
    let Some(configuration) = configuration(aws, base).await? else {
        return Ok(None);
    };
    let arn = arn(aws, base);
    let concurrency = aws
        .caller
        .make(Operation::GetFunctionConcurrency, base, || {
            aws.lambda
                .get_function_concurrency()
                .function_name(base)
                .send()
        });
    let tags = aws.caller.make(Operation::ListTags, base, || {
        aws.lambda.list_tags().resource(&arn).send()
    });
    let (concurrency, tags) = tokio::join!(concurrency, tags);
    let (Some(concurrency), Some(tags)) = (found(concurrency)?, found(tags)?) else {
        return Ok(None);
    };
    Ok(Some(Function {
        configuration,
        reserved: concurrency.reserved_concurrent_executions(),
        tags: Arc::new(tags.tags.into_iter().flatten().collect()),
    }))
}

/// A function's configuration (`GetFunctionConfiguration`); `None` when there is no function.
pub(in crate::cloud::aws) async fn configuration(
    aws: &Inner,
    base: &str,
) -> Result<Option<GetFunctionConfigurationOutput>, CloudError> {
    let answer = aws
        .caller
        .make(Operation::GetFunctionConfiguration, base, || {
            aws.lambda
                .get_function_configuration()
                .function_name(base)
                .send()
        })
        .await;
    found(answer)
}

pub(in crate::cloud::aws) fn arn(aws: &Inner, base: &str) -> String {
    aws.location.arn("lambda", &format!("function:{base}"))
}

/// Tags of a function; `None` when there is none.
pub(in crate::cloud::aws) async fn tags(
    aws: &Inner,
    sight: &Sight,
    base: &str,
) -> Result<Option<Arc<Tags>>, CloudError> {
    let function = function(aws, sight, base).await?;
    Ok(function.map(|function| Arc::clone(&function.tags)))
}

pub(in crate::cloud::aws) async fn tag(
    aws: &Inner,
    base: &str,
    tags: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    if tags.is_empty() {
        return Ok(());
    }
    let arn = arn(aws, base);
    let tags: HashMap<String, String> = tags.clone().into_iter().collect();
    aws.caller
        .make(Operation::TagFunction, base, || {
            aws.lambda
                .tag_resource()
                .resource(&arn)
                .set_tags(Some(tags.clone()))
                .send()
        })
        .await?;
    Ok(())
}

pub(in crate::cloud::aws) async fn untag(
    aws: &Inner,
    base: &str,
    keys: &[String],
) -> Result<(), CloudError> {
    if keys.is_empty() {
        return Ok(());
    }
    let arn = arn(aws, base);
    aws.caller
        .make(Operation::UntagFunction, base, || {
            aws.lambda
                .untag_resource()
                .resource(&arn)
                .set_tag_keys(Some(keys.to_vec()))
                .send()
        })
        .await?;
    Ok(())
}
