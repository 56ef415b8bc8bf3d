//! What a failed call means for the next one.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use aws_sdk_cloudwatchlogs::error::{ProvideErrorMetadata, SdkError};
use pgvigil::monitor::port::{CallError, CallErrorKind};

/// Waits for the answer to a call, for a time.
pub(crate) async fn answer<T, E>(
    within: Duration,
    call: impl Future<Output = Result<T, SdkError<E>>>,
) -> Result<T, CallError>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match tokio::time::timeout(within, call).await {
        Ok(answer) => answer.map_err(|error| of(&error)),
        Err(_) => Err(CallError {
            kind: CallErrorKind::Lost,
            message: format!("no answer within {} ms", within.as_millis()),
        }),
    }
}

fn of<E>(error: &SdkError<E>) -> CallError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let SdkError::ServiceError(context) = error else {
        return CallError {
            kind: match error {
                SdkError::ConstructionFailure(_) => CallErrorKind::Refused,
                _ => CallErrorKind::Lost,
            },
            message: chain(error),
        };
    };
    let code = context
        .err()
        .code()
        .unwrap_or("an answer that is not from AWS");
    let words = context.err().message().unwrap_or_default();
    let status = context.raw().status().as_u16();
    let kind = match kind_of(code) {
        // `ServiceUnavailableException`, `InternalServerError` and what a gateway answers.
        CallErrorKind::Refused if status >= 500 || status == 429 => CallErrorKind::Lost,
        kind => kind,
    };
    CallError {
        kind,
        message: one_line(&format!("{code} ({status}): {words}")),
    }
}

/// What a code means, of a call or of one entry in it.
pub(crate) fn kind_of(code: &str) -> CallErrorKind {
    match code {
        "LimitExceededException"
        | "LimitExceeded"
        | "ThrottlingException"
        | "Throttling"
        | "ThrottledException"
        | "Throttled"
        | "TooManyRequestsException"
        | "RequestLimitExceeded" => CallErrorKind::Busy,
        // EventBridge's word for an entry that it did not take and may take next time (EventBridge user guide, "Handling
        // failures with PutEvents").
        "InternalFailure" | "InternalException" => CallErrorKind::Lost,
        _ => CallErrorKind::Refused,
    }
}

/// An error with everything that caused it: the outermost text alone says no more than "dispatch failure".
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    one_line(&text)
}

fn one_line(text: &str) -> String {
    const LONGEST: usize = 500;
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST).collect()
}
