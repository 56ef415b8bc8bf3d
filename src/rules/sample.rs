//! A sample of an exclusion as the log entry that PostgreSQL and pgAudit would write.

use jiff::civil::Date;

use crate::audit_log::prefix::LogLinePrefix;
use crate::audit_log::write::{PrefixFields, RecordFields, TextOut, write_entry, write_record};
use crate::policy::model::{Environment, Policy, Sample};

/// The database of a sample that names none.
pub(super) const DATABASE: &str = "shop";

/// The client of a sample that names none, as `%r` prints it.
const CLIENT: &str = "10.0.1.123(50322)";

/// The role of a sample that names none: the first person audited in the environment.
pub fn person<'a>(policy: &'a Policy, environment: &'a Environment, today: Date) -> &'a str {
    policy
        .users_in(environment, today)
        .next()
        .map_or("somebody", |user| &user.role)
}

/// The entry of a sample, without its last line break.
pub fn entry(sample: &Sample, prefix: LogLinePrefix, person: &str) -> Vec<u8> {
    let record = write_record(&RecordFields {
        class: sample.class.as_bytes(),
        command: sample.command.as_bytes(),
        object_type: sample.object_type.as_bytes(),
        object_name: sample.object.as_bytes(),
        statement: TextOut::Logged(sample.statement.as_bytes()),
        ..RecordFields::default()
    });
    let names = PrefixFields {
        client: sample.client.as_deref().unwrap_or(CLIENT).as_bytes(),
        user: sample.user.as_deref().unwrap_or(person).as_bytes(),
        database: sample.database.as_deref().unwrap_or(DATABASE).as_bytes(),
        ..PrefixFields::default()
    };
    write_entry(prefix, &names, &record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit_log::{EntryKind, judge_entry};
    use crate::source::{Place, SourceFiles};

    #[test]
    fn a_sample_reads_back() {
        let mut files = SourceFiles::default();
        let place = Place::new(files.add("rules/a.yaml", "x"), 0..1);
        let sample = Sample {
            user: None,
            database: Some("app".to_owned()),
            client: Some("[local]".to_owned()),
            class: "READ".to_owned(),
            command: "SELECT".to_owned(),
            object_type: "TABLE".to_owned(),
            object: "public.\"a,b\"".to_owned(),
            statement: "select \"x\",\n'y' from \"a,b\"".to_owned(),
            place,
        };
        for form in LogLinePrefix::ALL {
            let entry = entry(&sample, form, "alice");
            let EntryKind::Audit {
                prefix,
                record,
                doubt,
            } = judge_entry(&entry, form)
            else {
                panic!()
            };
            assert_eq!(doubt, None);
            assert_eq!(
                (prefix.user, prefix.database, prefix.client.text),
                (&b"alice"[..], &b"app"[..], &b"[local]"[..])
            );
            assert_eq!(
                record.object_name.unwrap().decoded(),
                sample.object.as_bytes()
            );
            assert_eq!(
                record.statement.decoded().unwrap(),
                sample.statement.as_bytes()
            );
        }
    }
}
