//! What a failed call of the SDK means: try again, or tell the user.

use std::error::Error;

use aws_sdk_cloudwatchlogs::error::{ProvideErrorMetadata, SdkError};

use crate::insights::service::ServiceError;

/// A call, as messages name it.
pub(super) struct Call<'a> {
    /// The IAM action that allows it.
    pub(super) action: &'static str,
    /// What it does.
    pub(super) operation: &'static str,
    /// Log groups or query that it is about.
    pub(super) resource: &'a str,
    /// The region that it goes to.
    pub(super) region: &'a str,
}

/// What to do about a failure.
pub(super) enum Failure {
    /// Nothing is wrong with the call: the service has too much to do.
    Busy(String),
    /// Nothing is wrong with the call: it, or its answer, was lost.
    Lost(String),
    /// It would fail again.
    Final(ServiceError),
}

/// The kinds of errors that the service and its signing layer name (CloudWatch Logs API, common errors).
pub(super) fn of<E>(error: &SdkError<E>, call: &Call<'_>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(context) => {
            let status = context.raw().status().as_u16();
            let code = context.err().code().unwrap_or_default();
            let words = context.err().message().unwrap_or(code);
            answered(code, status, plain(words), call)
        }
        SdkError::TimeoutError(_) => Failure::Lost("no answer in time".to_owned()),
        SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            let message = chain(error);
            // The type of this error is not in the SDK's public interface; its name is in what it prints.
            let printed = format!("{error:?}");
            if printed.contains("CredentialsError") || printed.contains("CredentialsNotLoaded") {
                Failure::Final(ServiceError::NoCredentials { message })
            } else {
                Failure::Lost(message)
            }
        }
        _ => Failure::Final(ServiceError::Unavailable {
            operation: call.operation,
            message: chain(error),
        }),
    }
}

fn answered(code: &str, status: u16, message: String, call: &Call<'_>) -> Failure {
    match code {
        "LimitExceededException"
        | "ThrottlingException"
        | "Throttling"
        | "TooManyRequestsException"
        | "RequestLimitExceeded" => Failure::Busy(message),
        "AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation" => {
            Failure::Final(ServiceError::Denied {
                action: call.action,
                resource: call.resource.to_owned(),
                message,
            })
        }
        "UnrecognizedClientException"
        | "ExpiredTokenException"
        | "ExpiredToken"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" => {
            Failure::Final(ServiceError::NoCredentials { message })
        }
        "ResourceNotFoundException" if call.action != "logs:GetQueryResults" => {
            Failure::Final(ServiceError::NoSuchLogGroup {
                name: call.resource.to_owned(),
                region: call.region.to_owned(),
            })
        }
        "MalformedQueryException" | "InvalidParameterException" | "ValidationException" => {
            Failure::Final(ServiceError::Refused { message })
        }
        _ if status >= 500 || status == 429 => Failure::Lost(if message.is_empty() {
            format!("the service answers with the status {status}")
        } else {
            message
        }),
        _ => Failure::Final(ServiceError::Unavailable {
            operation: call.operation,
            message: if code.is_empty() {
                format!("the service answers with the status {status}")
            } else {
                format!("{code}: {message}")
            },
        }),
    }
}

/// An error with everything that caused it: the outermost text alone says no more than "dispatch failure".
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    plain(&text)
}

/// One line without control characters: an answer can quote what stood in a log.
fn plain(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}
