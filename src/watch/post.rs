//! Posts to a webhook. Its address is a secret: no message holds it, nor what the receiver answers.

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use ureq::http::{HeaderValue, StatusCode, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Timeout};

use super::outbox::{Answer, Batch};

/// Why an address cannot be posted to.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// It is none.
    #[error("the address of the webhook is no http or https URL")]
    NoUrl,
    /// It would be sent where everybody on the way can read it.
    #[error(
        "the address of the webhook is http: records would go in the clear; use https, or a receiver on this machine"
    )]
    Clear,
    /// The header cannot be sent.
    #[error("the value of the Authorization header has characters that no header has")]
    NoHeader,
    /// No certificate authority is trusted here.
    #[error(
        "this machine has no certificates to trust: install ca-certificates, or set SSL_CERT_FILE"
    )]
    NoCertificates,
}

/// A webhook.
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
    ) -> Result<Self, AddressError> {
        let address: Uri = address.trim().parse().map_err(|_| AddressError::NoUrl)?;
        let host = address.host().ok_or(AddressError::NoUrl)?;
        let is_secure = match address.scheme_str() {
            Some("https") => true,
            Some("http") => {
                let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
                if !is_here {
                    return Err(AddressError::Clear);
                }
                false
            }
            _ => return Err(AddressError::NoUrl),
        };
        let authorization = authorization
            .map(|value| {
                let mut value = HeaderValue::from_str(value).map_err(|_| AddressError::NoHeader)?;
                value.set_sensitive(true);
                Ok(value)
            })
            .transpose()?;
        let mut roots = Vec::new();
        if is_secure {
            let found = rustls_native_certs::load_native_certs();
            for certificate in &found.certs {
                roots.push(Certificate::from_der(certificate).to_owned());
            }
            if roots.is_empty() {
                return Err(AddressError::NoCertificates);
            }
        }
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::from(roots))
            .unversioned_rustls_crypto_provider(Arc::new(aws_lc_rs::default_provider()))
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            // A receiver that sends us elsewhere sends the records elsewhere.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(ureq::Proxy::try_from_env())
            .build()
            .into();
        Ok(Self {
            agent,
            address,
            authorization,
        })
    }

    /// Posts a batch.
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
                what: describe(&error),
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

/// What happened, in words of our own: those of the client may hold the address.
fn describe(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(Timeout::Connect) => "it cannot be reached in time",
        ureq::Error::Timeout(_) => "it does not answer in time",
        ureq::Error::HostNotFound => "its host is not known",
        ureq::Error::ConnectionFailed => "it cannot be reached",
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => {
            "there is no secure connection to it: its certificate is not trusted here, or it speaks another TLS"
        }
        ureq::Error::Protocol(_) => "it does not speak HTTP",
        ureq::Error::Io(error) => {
            return match error.kind() {
                std::io::ErrorKind::ConnectionRefused => {
                    "nobody listens there: the connection is refused".to_owned()
                }
                std::io::ErrorKind::ConnectionReset
                | std::io::ErrorKind::BrokenPipe
                | std::io::ErrorKind::UnexpectedEof => "it closes the connection".to_owned(),
                std::io::ErrorKind::InvalidData => {
                    "there is no secure connection to it: its certificate is not trusted here, or it speaks another TLS"
                        .to_owned()
                }
                kind => format!("it cannot be reached: {kind}"),
            };
        }
        _ => "the request cannot be made",
    }
    .to_owned()
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
