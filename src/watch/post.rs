//! Posts to a webhook. Its address is a secret: no message holds it, nor what the receiver answers.

use std::time::Duration;

use ureq::Agent;

use super::outbox::{Answer, Batch};
use crate::http::{self, AddressError, HeaderValue, StatusCode, Uri};

/// Why an address cannot be posted to.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("the address of the webhook: {0}")]
    Address(#[from] AddressError),
    /// The header cannot be sent.
    #[error(
        "the value of the Authorization header has characters that are not allowed in a header"
    )]
    NoHeader,
}

#[derive(Clone)]
pub struct Webhook {
    agent: Agent,
    address: Uri,
    authorization: Option<HeaderValue>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Webhook")
    }
}

impl Webhook {
    /// Makes ready to post. A request takes no longer than `timeout`.
    ///
    /// # Errors
    /// If the address or the header cannot be used.
    pub fn new(
        address: &str,
        authorization: Option<&str>,
        timeout: Duration,
    ) -> Result<Self, WebhookError> {
        let address: Uri = address.trim().parse().map_err(|_| AddressError::NoUrl)?;
        let agent = http::agent(&address, timeout)?;
        let authorization = authorization
            .map(|value| {
                let mut value = HeaderValue::from_str(value).map_err(|_| WebhookError::NoHeader)?;
                value.set_sensitive(true);
                Ok::<_, WebhookError>(value)
            })
            .transpose()?;
        Ok(Self {
            agent,
            address,
            authorization,
        })
    }

    pub fn post(&self, batch: &Batch) -> Answer {
        let mut request = self
            .agent
            .post(&self.address)
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", &batch.id)
            .header("User-Agent", concat!("pgvigil/", env!("CARGO_PKG_VERSION")));
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization.clone());
        }
        match request.send(&*batch.body) {
            Ok(response) => {
                let retry_after = response
                    .headers()
                    .get("Retry-After")
                    .and_then(|value| value.to_str().ok())
                    .and_then(|value| value.trim().parse().ok())
                    .map(Duration::from_secs);
                read_status(response.status(), retry_after)
            }
            Err(error) => Answer::Failed {
                what: http::describe(&error),
                retry_after: None,
            },
        }
    }
}

fn read_status(status: StatusCode, retry_after: Option<Duration>) -> Answer {
    match status.as_u16() {
        200..=299 => Answer::Taken,
        408 | 425 | 429 | 500..=599 => Answer::Failed {
            what: format!("it answers with status {}", status.as_u16()),
            retry_after,
        },
        status => Answer::Refused { status },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_helps_is_told_from_what_does_not() {
        let read = |status| read_status(StatusCode::from_u16(status).unwrap(), None);
        assert_eq!(read(204), Answer::Taken);
        for status in [301, 400, 401, 403, 404, 413] {
            assert_eq!(read(status), Answer::Refused { status });
        }
        for status in [408, 425, 429, 500, 503] {
            assert!(matches!(read(status), Answer::Failed { .. }), "{status}");
        }
    }

    #[test]
    fn an_address_is_never_repeated() {
        let error = |address: &str| {
            Webhook::new(address, None, Duration::from_secs(1))
                .unwrap_err()
                .to_string()
        };
        for address in ["SECRET", "ftp://SECRET/", "http://example.com/SECRET", ""] {
            assert!(!error(address).contains("SECRET"), "{address}");
        }
    }
}
