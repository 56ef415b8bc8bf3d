//! TLS with a real PostgreSQL: whom pgvigil trusts, and a token of IAM in place of a password.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use pgvigil::database::{Target, read};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::cli::{Repository, Run};
use crate::server::Server;

/// An authority, which vouches for `localhost`.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    fn new(folder: &Path, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        let file = folder.join(format!("{name}.pem"));
        fs::write(&file, params.self_signed(&key).unwrap().pem()).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            file,
        }
    }
}

/// A server with a certificate for `localhost`, which asks `carol` for a password.
fn server(authority: &Authority) -> Server {
    let server = Server::start(&[]);
    let data = Path::new(&server.facts["data"]);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority.issuer).unwrap();
    let owner = fs::metadata(data).unwrap();
    for (name, text) in [
        ("server.crt", certificate.pem()),
        ("server.key", key.serialize_pem()),
    ] {
        let path = data.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        if owner.uid() != fs::metadata(&path).unwrap().uid() {
            chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
    }
    let rules = data.join("pg_hba.conf");
    let before = fs::read_to_string(&rules).unwrap();
    fs::write(
        &rules,
        format!(
            "hostssl all carol 127.0.0.1/32 scram-sha-256\nhost all carol all reject\n{before}"
        ),
    )
    .unwrap();
    server.ask("create role alice login; create role carol login superuser password 'pässwörd'");
    server.ask("alter system set ssl = on");
    server.ask("select pg_reload_conf()");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while server.ask("show ssl") != "on" {
        assert!(
            std::time::Instant::now() < until,
            "the server speaks no TLS"
        );
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    server
}

fn plan(repository: &Repository, url: &str, more: &[&str]) -> Run {
    let mut command = repository.command();
    command.env("URL", url);
    command.args(["enrol", "plan", "--env", "local", "--database", "env:URL"]);
    Run::of(command.args(more).output().unwrap())
}

#[test]
fn whom_is_trusted_is_what_sslmode_says() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new(folder.path(), "ours");
    let other = Authority::new(folder.path(), "other");
    let server = server(&ours);
    let repository = Repository::new();
    let url = |host: &str, mode: &str| {
        let port = &server.facts["port"];
        format!(
            "postgresql://carol:p%C3%A4ssw%C3%B6rd@{host}:{port}/postgres?channel_binding=require{mode}"
        )
    };
    let (ours, other) = (ours.file.to_str().unwrap(), other.file.to_str().unwrap());
    // The password is bound to this very channel; without TLS that cannot be.
    for (host, mode, ca, refused) in [
        ("localhost", "&sslmode=verify-full", Some(ours), None),
        (
            "localhost",
            "&sslmode=verify-full",
            Some(other),
            Some("from an authority that is not trusted"),
        ),
        ("localhost", "&sslmode=verify-full", None, Some("authority")),
        (
            "127.0.0.1",
            "&sslmode=verify-full",
            Some(ours),
            Some("the server's certificate is for a different name"),
        ),
        ("127.0.0.1", "&sslmode=verify-ca", Some(ours), None),
        (
            "127.0.0.1",
            "&sslmode=verify-ca",
            Some(other),
            Some("from an authority that is not trusted"),
        ),
        ("127.0.0.1", "&sslmode=require", None, None),
        (
            "127.0.0.1",
            "&sslmode=require",
            Some(other),
            Some("from an authority that is not trusted"),
        ),
        ("127.0.0.1", "&sslmode=prefer", None, None),
        ("127.0.0.1", "", None, None),
        (
            "127.0.0.1",
            "&sslmode=disable",
            None,
            Some("rejects connection"),
        ),
        (
            "localhost",
            "&sslmode=verify-full",
            Some("/no/such/file"),
            Some("cannot be read"),
        ),
    ] {
        let more: Vec<&str> = ca.iter().flat_map(|ca| ["--ca", ca]).collect();
        let run = plan(&repository, &url(host, mode), &more);
        match refused {
            None => assert_eq!(run.code, 0, "{host} {mode} {ca:?}\n{}", run.err),
            Some(why) => {
                assert_eq!(run.code, 1, "{host} {mode} {ca:?}\n{}", run.out);
                let said = run.err.to_lowercase();
                assert!(
                    said.contains(why),
                    "{host} {mode} {ca:?}: {why}\n{}",
                    run.err
                );
            }
        }
        assert!(
            !run.err.contains("pässwörd") && !run.err.contains("ssw%C3"),
            "{}",
            run.err
        );
        assert!(!run.out.contains("pässwörd"), "{}", run.out);
    }
    // Such a server refuses whoever comes in clear.
    let clear = url("127.0.0.1", "&sslmode=disable")
        .replace("channel_binding=require", "channel_binding=prefer");
    assert_eq!(plan(&repository, &clear, &[]).code, 1);
    // A server without TLS is not taken for one.
    let plain = Server::start(&[]);
    let run = plan(
        &repository,
        &format!(
            "postgresql://postgres@localhost:{}/postgres?sslmode=require",
            plain.facts["port"]
        ),
        &[],
    );
    assert_eq!(run.code, 1);
    assert!(
        run.err.contains("the server does not support TLS"),
        "{}",
        run.err
    );
}

/// The server here takes the token as carol's password; that it is what AWS takes is compared with botocore elsewhere.
#[cfg(feature = "aws")]
#[test]
fn a_token_of_iam_logs_in() {
    use pgvigil::cloud::aws::{Credentials, DatabaseLogin, token_of};

    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path(), "ours");
    let server = server(&authority);
    let url = format!(
        "postgresql://carol@localhost:{}/postgres?sslmode=verify-full",
        server.facts["port"]
    );
    let target = Target::parse(&url, &|_| None).unwrap();
    let target = target.with_ca(authority.file.to_str().unwrap());
    let (host, port, user) = target.for_token().unwrap();
    let login = DatabaseLogin {
        region: "eu-central-1",
        host: &host,
        port,
        user: &user,
    };
    let credentials = Credentials::new(
        "AKIDEXAMPLE",
        "secret",
        Some("session".repeat(100)),
        None,
        "test",
    );
    let token = token_of(login, credentials, std::time::SystemTime::now()).unwrap();
    assert!(token.len() > 900, "{token}");
    server.ask(&format!("alter role carol password '{token}'"));
    let found = read::snapshot(&target.clone().with_password(&token)).unwrap();
    assert_eq!(found.server.reader, "carol");
    let refused = read::snapshot(&target.with_password("another")).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("password authentication failed"),
        "{refused}"
    );
}

/// In place of a password, with the credentials of the process; never in clear.
#[cfg(feature = "aws")]
#[test]
fn a_token_of_iam_goes_nowhere_in_clear() {
    let repository = Repository::new();
    let run = |url: &str| {
        let mut command = repository.command();
        command
            .env("AWS_ACCESS_KEY_ID", "AKID")
            .env("AWS_SECRET_ACCESS_KEY", "x")
            .env("AWS_REGION", "eu-central-1");
        command.args([
            "enrol",
            "plan",
            "--env",
            "local",
            "--iam",
            "--database",
            url,
        ]);
        Run::of(command.output().unwrap())
    };
    for url in [
        "postgresql://carol@localhost/shop",
        "postgresql://carol@db/shop?sslmode=disable",
        "host=/run/nowhere user=carol",
    ] {
        assert_eq!(run(url).code, 2, "{url}");
    }
}
