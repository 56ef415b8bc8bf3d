//! Names that hold the head of a record: roles, databases and application names are text in the log.

use crate::policy::model::Exclusion;

use super::Who;

/// Longest name that PostgreSQL keeps, in bytes (NAMEDATALEN − 1).
const NAME_MAX: usize = 63;

/// Sessions whose names imitate a record that the exclusion silences, as far as 63 bytes go.
pub fn sessions(exclusion: &Exclusion, honest: &Who) -> Vec<(String, Who)> {
    let Some(sample) = exclusion.silences.first() else {
        return Vec::new();
    };
    let user = sample.user.as_deref().unwrap_or("svc");
    let database = sample.database.as_deref().unwrap_or("app");
    let record = format!(
        "{},{},{},{},",
        sample.class, sample.command, sample.object_type, sample.object
    );
    let head = |text: &str| format!("LOG:  AUDIT: SESSION,1,1,{record}{text}");
    let mut found = Vec::new();
    let mut add = |what: &str, who: Who| {
        let fits = |name: &str| name.len() <= NAME_MAX;
        if fits(&who.user) && fits(&who.database) && fits(&who.application) {
            found.push((what.to_owned(), who));
        }
    };
    for text in [sample.statement.trim(), "select 1", "x", ""] {
        let head = head(text);
        for prefix in [
            format!("{user}@{database}:[1]:"),
            "a@b:[1]:".to_owned(),
            ":".to_owned(),
        ] {
            add(
                "the role's name",
                Who {
                    user: format!("{prefix}{head}"),
                    ..honest.clone()
                },
            );
        }
        for prefix in [format!("{database}:[1]:"), "b:[1]:".to_owned()] {
            add(
                "the database's name",
                Who {
                    database: format!("{prefix}{head}"),
                    ..honest.clone()
                },
            );
        }
        for application in [head.clone(), format!("x:{head}"), format!("{head},<none>")] {
            add(
                "the application name",
                Who {
                    application,
                    ..honest.clone()
                },
            );
        }
    }
    // A parallel worker has neither role nor database (pgAudit before 18).
    add(
        "a parallel worker's empty names",
        Who {
            user: String::new(),
            database: String::new(),
            client: String::new(),
            application: String::new(),
        },
    );
    add(
        "a space after the role's name",
        Who {
            user: format!("{user} "),
            ..honest.clone()
        },
    );
    found
}
