//! Which server and database are meant, and whether a password may travel there.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr as _;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::address::Address;
use super::password;
use super::tls::{Mode, Roots};
use crate::waiting;

/// For making a connection to one host: TCP, TLS and login.
const CONNECT: Duration = Duration::from_secs(10);

/// Where Debian's servers, and those that are built with its patches, have their socket.
const SOCKETS: &str = "/var/run/postgresql";

/// Why a database's address cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// A variable that the value names is not set.
    #[error("the variable `{0}`, which should hold the database's URL, is not set")]
    NoVariable(String),
    #[error("the database's URL is not valid: {0}")]
    Syntax(String),
    /// The command line is visible to everybody on the machine.
    #[error(
        "the URL on the command line contains a password: put the URL into a variable and use `--database env:NAME`, or use PGPASSWORD or PGPASSFILE"
    )]
    VisiblePassword,
    /// No such way to use TLS.
    #[error(
        "`sslmode={0}` is not supported: use verify-full, verify-ca, require, prefer or disable"
    )]
    SslMode(String),
    /// IAM tokens are for one server with a name.
    #[error("an IAM token is valid for one host with a name, but the database's URL names {0}")]
    Hosts(String),
    /// The URL's reader takes 5432 where libpq would look at the variable.
    #[error(
        "the database's URL names a host without a port, but PGPORT is set: write the port into the URL"
    )]
    NoPort,
    /// A password file that others may read is not used, as libpq does.
    #[error("other users can read the password file {0}: set its mode to 600")]
    OpenPasswordFile(String),
}

/// One database of one server, and who connects.
#[derive(Clone)]
pub struct Target {
    pub(super) config: Config,
    pub(super) mode: Mode,
    pub(super) roots: Option<Roots>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

impl fmt::Display for Target {
    /// Such as `shop on localhost:5432 as alice`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} on {} as {}",
            self.database(),
            self.hosts().join(", "),
            self.config.get_user().unwrap_or_default()
        )
    }
}

impl Target {
    /// Reads a URL, a list of `name=value`, or `env:NAME` for a variable that holds one of them. What is
    /// not said comes from libpq's variables, which `variable` looks up.
    ///
    /// # Errors
    /// It is not understood, or the password could be seen by others.
    pub fn parse(
        value: &str,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, TargetError> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let named = value.strip_prefix("env:");
        let text = match named {
            Some(name) => set(name).ok_or_else(|| TargetError::NoVariable(name.to_owned()))?,
            None => value.to_owned(),
        };
        let address = Address::of(&text);
        let mut config =
            Config::from_str(&address.rest).map_err(|error| TargetError::Syntax(words(&error)))?;
        if named.is_none() && config.get_password().is_some() {
            return Err(TargetError::VisiblePassword);
        }
        if config.get_ports().iter().all(|port| *port == 5432)
            && !config.get_ports().is_empty()
            && !text.contains("5432")
            && set("PGPORT").is_some_and(|port| port != "5432")
        {
            return Err(TargetError::NoPort);
        }
        complete(&mut config, &set)?;
        let mode = security(&mut config, address.mode.or_else(|| set("PGSSLMODE")))?;
        let connect = waiting::limit(CONNECT);
        config.connect_timeout(connect).application_name("pgvigil");
        let mut target = Self {
            config,
            mode,
            roots: roots(address.roots, &set),
        };
        if target.config.get_password().is_none() {
            target.find_password(&set)?;
        }
        Ok(target)
    }

    /// Trusts the authorities in this file, whatever was said before.
    #[must_use]
    pub fn with_ca(mut self, path: &str) -> Self {
        self.roots = Some(Roots::File(path.to_owned()));
        self
    }

    /// Another database of the same server.
    #[must_use]
    pub fn with_database(mut self, name: &str) -> Self {
        self.config.dbname(name);
        self
    }

    /// Logs in with this password, such as a token of IAM, whatever was said before.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        self.config.password(password);
        self
    }

    /// Whom a token of IAM is for: host, port and user. Such a token goes nowhere without a look at the
    /// server's certificate.
    ///
    /// # Errors
    /// There are several hosts, or a socket; or the certificate would not be looked at.
    pub fn for_token(&self) -> Result<(String, u16, String), TargetError> {
        let user = self.config.get_user().unwrap_or_default().to_owned();
        match (self.config.get_hosts(), self.mode) {
            ([Host::Tcp(_)], mode @ (Mode::Disable | Mode::Prefer)) => {
                Err(TargetError::SslMode(mode.name().to_owned()))
            }
            ([Host::Tcp(host)], _) => {
                let port = self.config.get_ports().first().copied().unwrap_or(5432);
                Ok((host.clone(), port, user))
            }
            _ => Err(TargetError::Hosts(self.hosts().join(", "))),
        }
    }

    /// How long a connection may take until somebody is logged in: each host has its turn.
    pub(super) fn patience(&self) -> Duration {
        let hosts = self
            .config
            .get_hosts()
            .len()
            .max(self.config.get_hostaddrs().len());
        waiting::limit(CONNECT) * u32::try_from(hosts.max(1)).unwrap_or(u32::MAX)
    }

    pub fn database(&self) -> &str {
        self.config
            .get_dbname()
            .or(self.config.get_user())
            .unwrap_or_default()
    }

    fn hosts(&self) -> Vec<String> {
        let port = |index: usize| {
            let ports = self.config.get_ports();
            ports.get(index).or(ports.first()).copied().unwrap_or(5432)
        };
        if self.config.get_hosts().is_empty() {
            let addresses = self.config.get_hostaddrs().iter().enumerate();
            return addresses
                .map(|(index, address)| format!("{address}:{}", port(index)))
                .collect();
        }
        let hosts = self.config.get_hosts().iter().enumerate();
        hosts
            .map(|(index, host)| format!("{}:{}", name(host), port(index)))
            .collect()
    }

    fn find_password(&mut self, set: &dyn Fn(&str) -> Option<String>) -> Result<(), TargetError> {
        if let Some(password) = set("PGPASSWORD") {
            self.config.password(password);
            return Ok(());
        }
        let path = set("PGPASSFILE").or_else(|| set("HOME").map(|home| format!("{home}/.pgpass")));
        let Some((path, file)) =
            path.and_then(|path| std::fs::read_to_string(&path).ok().map(|file| (path, file)))
        else {
            return Ok(());
        };
        // The file knows a socket as `localhost`.
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            _ => "localhost".to_owned(),
        };
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        let user = self.config.get_user().unwrap_or_default();
        if let Some(password) = password::find(&file, &host, port, self.database(), user) {
            if is_open(&path) {
                return Err(TargetError::OpenPasswordFile(path));
            }
            self.config.password(password);
        }
        Ok(())
    }
}

/// Adds what libpq's variables say.
fn complete(config: &mut Config, set: &dyn Fn(&str) -> Option<String>) -> Result<(), TargetError> {
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        match set("PGHOST") {
            Some(host) => config.host(host),
            None if std::path::Path::new(SOCKETS).is_dir() => config.host(SOCKETS),
            None => config.host("localhost"),
        };
    }
    if config.get_ports().is_empty()
        && let Some(port) = set("PGPORT")
    {
        config.port(
            port.parse()
                .map_err(|_| TargetError::Syntax("PGPORT is not a valid port".to_owned()))?,
        );
    }
    if config.get_user().is_none() {
        let user = set("PGUSER")
            .or_else(|| set("USER"))
            .ok_or_else(|| TargetError::Syntax("it does not name a user".to_owned()))?;
        config.user(user);
    }
    if config.get_dbname().is_none()
        && let Some(database) = set("PGDATABASE")
    {
        config.dbname(database);
    }
    Ok(())
}

/// How TLS is used: as said; else whatever the server offers on this machine, and `verify-full` elsewhere.
fn security(config: &mut Config, said: Option<String>) -> Result<Mode, TargetError> {
    let is_socket = |host: &Host| !matches!(host, Host::Tcp(_));
    let are_sockets = config.get_hostaddrs().is_empty() && config.get_hosts().iter().all(is_socket);
    let is_far = config.get_hosts().iter().any(|host| match host {
        Host::Tcp(name) => !is_here(name),
        #[cfg(unix)]
        Host::Unix(_) => false,
    }) || config
        .get_hostaddrs()
        .iter()
        .any(|address| !address.is_loopback());
    let mode = match said {
        Some(said) => Mode::parse(&said).ok_or(TargetError::SslMode(said))?,
        None if is_far => Mode::VerifyFull,
        None => Mode::Prefer,
    };
    // A socket has no TLS, whatever is said (libpq, "SSL Support").
    let mode = if are_sockets { Mode::Disable } else { mode };
    config.ssl_mode(match mode {
        Mode::Disable => SslMode::Disable,
        Mode::Prefer => SslMode::Prefer,
        Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
    });
    Ok(mode)
}

/// The authorities that are named, or libpq's file of them where it exists.
fn roots(said: Option<String>, set: &dyn Fn(&str) -> Option<String>) -> Option<Roots> {
    let usual = || {
        set("HOME")
            .map(|home| format!("{home}/.postgresql/root.crt"))
            .filter(|path| std::path::Path::new(path).is_file())
    };
    said.or_else(|| set("PGSSLROOTCERT"))
        .or_else(usual)
        .map(|path| match path.as_str() {
            "system" => Roots::System,
            _ => Roots::File(path),
        })
}

fn is_here(name: &str) -> bool {
    name == "localhost" || IpAddr::from_str(name).is_ok_and(|address| address.is_loopback())
}

fn name(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    }
}

#[cfg(unix)]
fn is_open(path: &str) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open(_path: &str) -> bool {
    false
}

/// An error with its causes.
pub(super) fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str, variables: &[(&str, &str)]) -> Result<Target, TargetError> {
        Target::parse(value, &|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_url_is_completed_by_variables() {
        let variables = [
            ("PGUSER", "alice"),
            ("PGPORT", "6000"),
            ("PGPASSWORD", "hidden"),
            ("PGDATABASE", "other"),
        ];
        let target = parse("dbname=shop host=localhost", &variables).unwrap();
        assert_eq!(target.to_string(), "shop on localhost:6000 as alice");
        assert_eq!(
            parse("postgresql://localhost/shop", &variables).unwrap_err(),
            TargetError::NoPort
        );
        assert_eq!(target.config.get_password().unwrap(), b"hidden");
        assert!(!format!("{target:?}").contains("hidden"));
        let target = parse("postgresql://", &[("PGHOST", "/run/here"), ("USER", "bob")]).unwrap();
        assert_eq!(target.to_string(), "bob on /run/here:5432 as bob");
    }

    #[test]
    fn a_password_is_not_shown_to_others() {
        let url = "postgresql://alice:hidden@localhost/shop";
        assert_eq!(parse(url, &[]).unwrap_err(), TargetError::VisiblePassword);
        let target = parse("env:URL", &[("URL", url)]).unwrap();
        assert_eq!(target.config.get_password().unwrap(), b"hidden");
        assert_eq!(
            parse("env:URL", &[]).unwrap_err(),
            TargetError::NoVariable("URL".to_owned())
        );
        let broken = parse(
            "env:URL",
            &[("URL", "postgresql://alice:hidden@localhost:x/y")],
        );
        assert!(!broken.unwrap_err().to_string().contains("hidden"));
    }

    #[test]
    fn another_machine_is_looked_at_unless_said_otherwise() {
        let user = [("PGUSER", "alice")];
        for (url, variables, mode) in [
            ("postgresql://10.0.0.1/shop", &user[..], Mode::VerifyFull),
            ("postgresql://localhost,db/shop", &user, Mode::VerifyFull),
            ("host=localhost hostaddr=10.0.0.1", &user, Mode::VerifyFull),
            ("postgresql://db/shop?sslmode=prefer", &user, Mode::Prefer),
            ("postgresql://db/shop?sslmode=disable", &user, Mode::Disable),
            (
                "postgresql://db/shop?sslmode=verify-ca",
                &user,
                Mode::VerifyCa,
            ),
            ("host=db sslmode='require'", &user, Mode::Require),
            (
                "postgresql://db/shop",
                &[("PGUSER", "a"), ("PGSSLMODE", "verify-ca")],
                Mode::VerifyCa,
            ),
            ("postgresql://[::1]/shop", &user, Mode::Prefer),
            ("postgresql://127.0.0.2/shop", &user, Mode::Prefer),
            (
                "host=/run/postgresql sslmode=verify-full",
                &user,
                Mode::Disable,
            ),
        ] {
            let target = parse(url, variables).unwrap();
            assert_eq!(target.mode, mode, "{url}");
        }
        assert_eq!(
            parse("postgresql://db/shop?sslmode=allow", &user).unwrap_err(),
            TargetError::SslMode("allow".to_owned())
        );
    }

    #[test]
    fn the_authorities_are_those_that_are_named() {
        let variables = [("PGUSER", "a"), ("PGSSLROOTCERT", "/variable.pem")];
        let target = parse("postgresql://db/shop?sslrootcert=%2Furl.pem", &variables).unwrap();
        assert_eq!(target.roots, Some(Roots::File("/url.pem".to_owned())));
        let target = parse("postgresql://db/shop", &variables).unwrap();
        assert_eq!(target.roots, Some(Roots::File("/variable.pem".to_owned())));
        let target = target.with_ca("/option.pem");
        assert_eq!(target.roots, Some(Roots::File("/option.pem".to_owned())));
        let target = parse("postgresql://db/shop?sslrootcert=system", &variables).unwrap();
        assert_eq!(target.roots, Some(Roots::System));
    }

    #[test]
    fn a_token_is_for_one_host_that_is_looked_at() {
        let user = [("PGUSER", "alice")];
        let of = |url: &str| parse(url, &user).unwrap().for_token();
        assert_eq!(
            of("postgresql://db.example:6000/shop").unwrap(),
            ("db.example".to_owned(), 6000, "alice".to_owned())
        );
        for url in [
            "postgresql://a,b/shop",
            "host=/run/postgresql",
            "postgresql://db/shop?sslmode=prefer",
            "postgresql://localhost/shop",
        ] {
            assert!(of(url).is_err(), "{url}");
        }
    }
}
