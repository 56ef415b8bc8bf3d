//! The password of IAM for a database: a signed request of `rds-db:connect` that is never sent, good for 15 minutes.
//!
//! Source: RDS user guide, "Connecting to your DB instance using IAM authentication".

use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, Region};
pub use aws_sdk_sts::config::Credentials;
use aws_sdk_sts::config::ProvideCredentials;
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
    pub port: u16,
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
    token_of(login, credentials, now)
}

/// The same with these credentials.
///
/// # Errors
/// They cannot sign; in words.
pub fn token_of(
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

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// botocore makes one; with the same keys and time ours has the same parts, the signature among them.
    #[test]
    fn a_token_is_what_botocore_makes() {
        let target = std::env::var("CARGO_TARGET_DIR")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/target").to_owned());
        let python = std::path::Path::new(&target).join("venv/bin/python");
        assert!(
            python.exists(),
            "run tests/moto/install: {} is missing",
            python.display()
        );
        for (user, session) in [
            ("alice", None),
            ("jane doe@example.com+x", Some("a/token+with=signs")),
        ] {
            let script = "import sys, boto3\n\
                s = boto3.Session('AKIDEXAMPLE', 'wJalrXUtnFEMI/K7MDENG', sys.argv[2] or None, 'eu-central-1')\n\
                print(s.client('rds').generate_db_auth_token('db.example.com', 5433, sys.argv[1]))";
            let made = Command::new(&python)
                .args(["-c", script, user, session.unwrap_or("")])
                .output()
                .unwrap();
            let theirs = String::from_utf8(made.stdout).unwrap().trim().to_owned();
            let parts = |token: &str| {
                let (host, query) = token.split_once('?').unwrap();
                let mut parts: Vec<String> = query.split('&').map(str::to_owned).collect();
                parts.sort();
                (host.to_owned(), parts)
            };
            let time = theirs
                .split("X-Amz-Date=")
                .nth(1)
                .unwrap()
                .get(..16)
                .unwrap();
            let time: jiff::civil::DateTime =
                jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", time).unwrap();
            let time = time
                .to_zoned_datetime(jiff::tz::TimeZone::UTC)
                .unwrap()
                .timestamp();
            let login = DatabaseLogin {
                region: "eu-central-1",
                host: "db.example.com",
                port: 5433,
                user,
            };
            let credentials = Credentials::new(
                "AKIDEXAMPLE",
                "wJalrXUtnFEMI/K7MDENG",
                session.map(str::to_owned),
                None,
                "test",
            );
            let ours = token_of(login, credentials, time.try_into().unwrap()).unwrap();
            assert_eq!(parts(&ours), parts(&theirs), "{user}");
        }
    }
}
