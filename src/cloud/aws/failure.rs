//! What a failed call of the SDK means.

use std::error::Error;

use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};

use crate::deploy::port::CloudError;

/// What to make of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Nothing is wrong with the call: the service has too much to do, and did nothing.
    Busy,
    /// Nothing is wrong with the call: it, or its answer, was lost. It may have been carried out.
    Lost,
    /// The caller has no right to it.
    Denied,
    /// The credentials are missing, wrong or expired.
    Credentials,
    /// What it is about is not there.
    Missing,
    /// What it is about exists already, or is no longer as the caller says.
    Moved,
    /// The service does not take the request.
    Refused,
    /// Anything else: it would fail again.
    Other,
}

/// A failure, with the service's words on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) class: Class,
    pub(super) message: String,
}

/// The kinds of errors that the services and their signing layer name (each API's "Errors", and "Common errors").
pub(super) fn of<E>(error: &SdkError<E>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let failure = |class, message| Failure { class, message };
    match error {
        SdkError::ServiceError(context) => {
            let status = context.raw().status().as_u16();
            let code = context.err().code().unwrap_or_default();
            let words = plain(context.err().message().unwrap_or_default());
            let class = class(code, status, &words);
            let message = match (code, words.as_str()) {
                // Nothing of AWS's: a proxy's page, or the error of a gateway.
                ("", "") => format!(
                    "the answer, with the status {status}, is not from AWS: check the proxy, and AWS_ENDPOINT_URL"
                ),
                ("", words) => words.to_owned(),
                (code, "") => code.to_owned(),
                (code, words) if class == Class::Other => format!("{code}: {words}"),
                (_, words) => words.to_owned(),
            };
            failure(class, message)
        }
        SdkError::TimeoutError(_) => failure(Class::Lost, "no answer in time".to_owned()),
        SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            // The type of this error is not in the SDK's public interface; its name is in what it prints.
            let printed = format!("{error:?}");
            let is_credentials =
                printed.contains("CredentialsError") || printed.contains("CredentialsNotLoaded");
            if is_credentials {
                return failure(Class::Credentials, chain(error));
            }
            let cause = error.source().map_or_else(|| chain(error), chain);
            let is_connect = cause.contains("(Connect)");
            let message = if is_connect {
                format!("AWS cannot be reached: {cause}")
            } else {
                format!("the answer is incomplete: {cause}")
            };
            failure(Class::Lost, message)
        }
        _ => failure(Class::Other, chain(error)),
    }
}

fn class(code: &str, status: u16, message: &str) -> Class {
    match code {
        // KMS and SNS name quotas that waiting does not mend by the first of these names.
        "LimitExceededException" | "LimitExceeded" if message.contains("quota") => Class::Refused,
        "LimitExceededException"
        | "ThrottlingException"
        | "Throttling"
        | "ThrottledException"
        | "Throttled"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "ConcurrentModificationException"
        | "ConcurrentModification"
        | "ConcurrentAccess"
        | "OperationAbortedException" => Class::Busy,
        "AccessDeniedException"
        | "AccessDenied"
        | "UnauthorizedOperation"
        | "AuthorizationError"
        | "AuthorizationErrorException"
        | "NotAuthorized" => Class::Denied,
        "UnrecognizedClientException"
        | "ExpiredTokenException"
        | "ExpiredToken"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" => Class::Credentials,
        "ResourceNotFoundException"
        | "ResourceNotFound"
        | "NotFoundException"
        | "NotFound"
        | "NoSuchEntity"
        | "NoSuchEntityException"
        | "DashboardNotFoundError"
        | "DBClusterNotFoundFault"
        | "DBInstanceNotFound"
        | "DBParameterGroupNotFound" => Class::Missing,
        "PreconditionFailedException"
        | "ResourceConflictException"
        | "ResourceAlreadyExistsException"
        | "AlreadyExistsException"
        | "EntityAlreadyExists" => Class::Moved,
        // IAM has not spread the news of a new role yet: the next apply can succeed.
        "InvalidParameterValueException" if message.contains("cannot be assumed") => Class::Other,
        "MalformedQueryException"
        | "InvalidParameterException"
        | "InvalidParameter"
        | "InvalidParameterValueException"
        | "ValidationError"
        | "ValidationException" => Class::Refused,
        _ if status >= 500 || status == 429 => Class::Lost,
        _ => Class::Other,
    }
}

/// What pgvigil itself does not send, since it could not succeed.
pub(super) fn lasting(operation: &'static str, resource: &str, message: String) -> CloudError {
    CloudError::Refused {
        operation,
        resource: resource.to_owned(),
        message,
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

/// Why credentials cannot be had: none are configured, or those that are do not work.
pub(super) fn credentials(error: &(dyn Error + 'static)) -> CloudError {
    if format!("{error:?}").contains("CredentialsNotLoaded") {
        CloudError::NoCredentials {
            message: "none are configured in the environment, in a profile, or where this runs: sign in, or set \
                      AWS_PROFILE"
                .to_owned(),
        }
    } else {
        CloudError::Credentials {
            message: chain(error),
        }
    }
}

/// One line without control characters: an answer can quote what stood in a log.
fn plain(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}
/// What a service does not do now; another try may.
pub(super) fn refused(operation: &'static str, resource: &str, message: String) -> CloudError {
    CloudError::Unavailable {
        operation,
        resource: resource.to_owned(),
        message,
    }
}
