//! The password of IAM for a database: a signed request of `rds-db:connect` that is never sent, good for 15 minutes.
//!
//! Source: RDS user guide, "Connecting to your DB instance using IAM authentication".

use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, Region};
use aws_sdk_sts::config::{Credentials, ProvideCredentials};
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4::SigningParams;

/// Seconds for which the server takes the token.
const GOOD_FOR: Duration = Duration::from_secs(900);

/// Whom the token is for.
#[derive(Debug, Clone, Copy)]
pub struct DatabaseLogin<'a> {
    /// AWS region of the cluster.
    pub region: &'a str,
    /// Host, as the cluster's endpoint is named.
    pub host: &'a str,
    /// Port.
    pub port: u16,
    /// Role.
    pub user: &'a str,
}

/// Makes a token with the credentials that every AWS tool finds.
///
/// # Errors
/// There are no credentials, or they cannot sign; in words.
pub fn database_token(login: DatabaseLogin<'_>, now: SystemTime) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let credentials = runtime.block_on(async {
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(login.region.to_owned()))
            .load()
            .await;
        let provider = config
            .credentials_provider()
            .ok_or_else(|| "there are no AWS credentials".to_owned())?;
        provider
            .provide_credentials()
            .await
            .map_err(|error| format!("there are no AWS credentials: {error}"))
    })?;
    signed(login, credentials, now)
}

fn signed(
    login: DatabaseLogin<'_>,
    credentials: Credentials,
    now: SystemTime,
) -> Result<String, String> {
    let failed = |error: &dyn std::fmt::Display| format!("the token cannot be signed: {error}");
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(GOOD_FOR);
    let identity = credentials.into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(login.region)
        .name("rds-db")
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| failed(&error))?
        .into();
    let user = percent_encoding::utf8_percent_encode(login.user, ESCAPED);
    let url = format!(
        "https://{}:{}/?Action=connect&DBUser={user}",
        login.host, login.port
    );
    let request = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(b""))
        .map_err(|error| failed(&error))?;
    let (signature, _) = sign(request, &params)
        .map_err(|error| failed(&error))?
        .into_parts();
    let mut token = url.strip_prefix("https://").unwrap_or(&url).to_owned();
    for (name, value) in signature.params() {
        let value = percent_encoding::utf8_percent_encode(value, ESCAPED);
        token.push_str(&format!("&{name}={value}"));
    }
    Ok(token)
}

/// All but what RFC 3986 calls unreserved.
const ESCAPED: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
