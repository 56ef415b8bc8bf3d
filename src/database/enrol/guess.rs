//! What a role is likely to be. A guess for a person to decide on: where nothing speaks for an application, it is a person,
//! because a person that is taken for an account is silence.

use super::snapshot::{Role, Session};

/// What a role looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guess {
    /// A person, to be audited.
    Person,
    /// An application, and why.
    Service(String),
    /// A role of the platform, and why.
    System(String),
}

/// Words of names that applications have, as a part between `_`, `-` or `.`.
const WORDS: [&str; 35] = [
    "agent",
    "api",
    "app",
    "backend",
    "backup",
    "batch",
    "bot",
    "cron",
    "dbt",
    "debezium",
    "etl",
    "exporter",
    "grafana",
    "job",
    "jobs",
    "lambda",
    "migration",
    "migrations",
    "migrator",
    "monitor",
    "monitoring",
    "pgbouncer",
    "pooler",
    "proxy",
    "repl",
    "replication",
    "runner",
    "scheduler",
    "server",
    "service",
    "svc",
    "sync",
    "system",
    "web",
    "worker",
];

/// Roles that RDS and Aurora make (Aurora user guide, "Understanding PostgreSQL roles and permissions").
const PLATFORM: [&str; 8] = [
    "rdsadmin",
    "rds_ad",
    "rds_iam",
    "rds_password",
    "rds_replication",
    "rds_superuser",
    "rdsrepladmin",
    "rdsproxyadmin",
];

/// Guesses. `sessions` are those of the role.
pub fn guess(role: &Role, is_managed: bool, sessions: &[&Session]) -> Guess {
    let name = role.name.as_str();
    if PLATFORM.contains(&name) {
        return Guess::System("RDS and Aurora create it".to_owned());
    }
    if is_managed && (role.is_built_in || name.starts_with("rds")) {
        return Guess::System("its name or number belongs to the platform".to_owned());
    }
    if role.is_replication && !role.is_superuser {
        return Guess::Service("it can replicate".to_owned());
    }
    let lower = name.to_lowercase();
    let mut parts = lower.split(['_', '-', '.']);
    let numbered = |part: &str| {
        part.trim_end_matches(|c: char| c.is_ascii_digit())
            .to_owned()
    };
    if let Some(word) = parts.find(|part| WORDS.contains(&numbered(part).as_str())) {
        return Guess::Service(format!("its name contains the word {word}"));
    }
    let drivers = ["jdbc", "sidekiq", "rails", "django", "pgbouncer", "psycopg"];
    let spoken = sessions.iter().find_map(|session| {
        let application = session.application.to_lowercase();
        drivers.iter().find(|driver| application.contains(**driver))
    });
    match spoken {
        // What a client calls itself is its own word: never enough alone.
        Some(_) if sessions.len() >= 5 => {
            Guess::Service("it has five or more sessions, with a driver's name in them".to_owned())
        }
        _ => Guess::Person,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_doubt_a_person() {
        let of = |name: &str, is_managed: bool| {
            let role = Role {
                name: name.to_owned(),
                can_login: true,
                ..Role::default()
            };
            guess(&role, is_managed, &[])
        };
        for name in [
            "alice",
            "apis",
            "Webster",
            "jane@example.com",
            "postgres",
            "rdsfan",
            "dba",
        ] {
            assert_eq!(of(name, false), Guess::Person, "{name}");
        }
        for name in [
            "shop_api",
            "svc-orders",
            "worker12",
            "etl.load_3",
            "shop_worker_07",
        ] {
            assert!(matches!(of(name, false), Guess::Service(_)), "{name}");
        }
        assert!(matches!(of("rdsadmin", false), Guess::System(_)));
        assert!(matches!(of("rdstopmgr", true), Guess::System(_)));
    }
}
