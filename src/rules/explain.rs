//! Why a record counts or does not: its fields, and what the judge says of it.

use crate::audit_log::Text;
use crate::audit_log::prefix::Prefix;
use crate::audit_log::record::Record;
use crate::audit_log::trust::{self, Trust};
use crate::judge::{Graded, GrantAnswer, Judge, Person, RuleAnswer, Scratch, Verdict};

/// One field of the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name, as in [`trust::FIELDS`].
    pub name: &'static str,
    /// How far it can be trusted.
    pub trust: Trust,
    /// The value, CSV quoting undone, or pgAudit's mark (`<not logged>`).
    pub value: Vec<u8>,
}

/// Everything about one entry.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// What becomes of it.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub reason: String,
    /// What is read, in the order of the entry; empty where nothing could be read for certain.
    pub fields: Vec<Field>,
    /// Every exclusion that applies, in the order of the policy; empty where none is asked.
    pub exclusions: Vec<RuleAnswer>,
    /// Every grant of the role; empty unless the record counts.
    pub grants: Vec<GrantAnswer>,
    /// How much it matters; none unless it counts.
    pub graded: Option<Graded>,
    /// The person to whom the role belongs.
    pub person: Option<Person>,
}

pub fn explain(judge: &Judge, scratch: &mut Scratch, text: &[u8]) -> Explanation {
    let explanation = judge.explain(scratch, text);
    Explanation {
        fields: fields(explanation.judged.who(), explanation.judged.record()),
        verdict: explanation.judged.verdict.clone(),
        reason: explanation.reason,
        exclusions: explanation.exclusions,
        grants: explanation.grants,
        graded: explanation.judged.graded.clone(),
        person: explanation
            .judged
            .who()
            .and_then(|prefix| judge.person(prefix.user).cloned()),
    }
}

fn fields(prefix: Option<&Prefix<'_>>, record: Option<&Record<'_>>) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut add = |name: &'static str, value: Option<Vec<u8>>| {
        if let Some(value) = value {
            fields.push(Field {
                name,
                trust: trust::of(name),
                value,
            });
        }
    };
    let number = |number: u64| number.to_string().into_bytes();
    if let Some(prefix) = prefix {
        add("client", Some(prefix.client.text.to_vec()));
        add("user", Some(prefix.user.to_vec()));
        add("database", Some(prefix.database.to_vec()));
        add("pid", Some(number(prefix.pid)));
        add("session", prefix.session_id.map(<[u8]>::to_vec));
        add("application", prefix.application_name.map(<[u8]>::to_vec));
        add("level", Some(prefix.level.to_vec()));
    }
    if let Some(record) = record {
        let text = |text: &Text<'_>| {
            text.decoded()
                .map_or_else(|| text.raw().to_vec(), std::borrow::Cow::into_owned)
        };
        add("kind", Some(record.kind.as_str().as_bytes().to_vec()));
        add("statement_id", Some(number(record.statement_id)));
        add("substatement_id", Some(number(record.substatement_id)));
        add("class", Some(record.class.to_vec()));
        add("command", Some(record.command.to_vec()));
        add("object_type", record.object_type.map(<[u8]>::to_vec));
        add(
            "object",
            record.object_name.map(|name| name.decoded().into_owned()),
        );
        add("statement", Some(text(&record.statement)));
        add("parameters", Some(text(&record.parameters)));
        add("rows", record.rows.map(number));
    }
    fields
}
