//! The HTTP client: TLS with the certificates that this machine trusts, no redirects, no proxy for this machine, and errors
//! in words that hold no address.

mod proxy;

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Timeout};

pub use ureq::http::{HeaderValue, StatusCode, Uri};

/// Why an address cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// It is not an http or https URL.
    #[error("it is not an http or https URL")]
    NoUrl,
    /// The data would be sent unencrypted.
    #[error(
        "it is http, so everything would be sent unencrypted: use https, or a receiver on this machine"
    )]
    Clear,
    /// No certificate authority is trusted here.
    #[error(
        "this machine has no certificates to trust: install ca-certificates, or set SSL_CERT_FILE"
    )]
    NoCertificates,
    /// A variable does not contain the address of a proxy.
    #[error(
        "the variable {0} does not contain the address of an http or https proxy, such as http://proxy.example:3128"
    )]
    Proxy(&'static str),
}

/// A client for an address. A request takes no longer than `timeout`.
///
/// # Errors
/// If the address is none, or is not secure and not on this machine.
pub fn agent(address: &Uri, timeout: Duration) -> Result<Agent, AddressError> {
    let host = address.host().ok_or(AddressError::NoUrl)?;
    let is_secure = match address.scheme_str() {
        Some("https") => true,
        Some("http") if proxy::is_loopback(host) => false,
        Some("http") => return Err(AddressError::Clear),
        _ => return Err(AddressError::NoUrl),
    };
    // What goes in the clear stays on this machine: there is no proxy for it.
    let through = proxy::of(host, &|name| std::env::var(name).ok())
        .map_err(|wrong| AddressError::Proxy(wrong.0))?
        .map(|proxy| ureq::Proxy::new(&proxy.to_string()))
        .transpose()
        .map_err(|_| AddressError::NoUrl)?;
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
    Ok(Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        // A receiver that sends us elsewhere sends the records elsewhere.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(through)
        .build()
        .into())
}

/// What happened, in words of our own: those of the client may hold the address.
pub fn describe(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(Timeout::Connect) => "it cannot be reached in time",
        ureq::Error::Timeout(_) => "it does not answer in time",
        ureq::Error::HostNotFound => "its host name cannot be resolved",
        ureq::Error::ConnectionFailed => "it cannot be reached",
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => {
            "no secure connection is possible: its certificate is not trusted here, or it uses a different TLS version"
        }
        ureq::Error::Protocol(_) => "it does not speak HTTP",
        ureq::Error::Io(error) => {
            return match error.kind() {
                std::io::ErrorKind::ConnectionRefused => {
                    "the connection is refused: no server listens there".to_owned()
                }
                std::io::ErrorKind::ConnectionReset
                | std::io::ErrorKind::BrokenPipe
                | std::io::ErrorKind::UnexpectedEof => "it closes the connection".to_owned(),
                std::io::ErrorKind::InvalidData => {
                    "no secure connection is possible: its certificate is not trusted here, or it uses a different TLS version"
                        .to_owned()
                }
                kind => format!("it cannot be reached: {kind}"),
            };
        }
        _ => "the request cannot be sent",
    }
    .to_owned()
}
