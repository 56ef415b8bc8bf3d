//! The exclusions that are tried for a record, the narrowest first, each as the file that contains it.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::judge::{Judge, Scratch, Verdict};
use crate::policy::Pattern;
use crate::policy::model::{Match, Sample, Statement};
use crate::policy::scalar::scalar;
use crate::rules::impact::redact::{Part, parts};
use crate::rules::{mutation, sample};
use crate::source::{Place, SourceFiles};

use super::ground::{self, Ground};
use super::{Context, Wish};

/// Where proposed exclusions are written.
const FOLDER: &str = "rules/suggested";

/// Days that a proposed exclusion lasts: it has to show what it silences before it is renewed.
const DAYS: i64 = 90;

/// The longest statement of which a pattern is made: a reviewer has to read it.
const PATTERN_MAX: usize = 300;

/// What a text literal may be in the next statement: nothing that could end it, and nothing with a space.
const ANY_LITERAL: &str = "'[A-Za-z0-9_.]*'";

const ANY_NUMBER: &str = "[0-9]+";

/// An exclusion in its file.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub id: String,
    pub path: String,
    pub yaml: String,
    /// What it compares of the statement, as the rest of a sentence.
    pub form: &'static str,
    pub near_misses: usize,
}

enum Form {
    Whole,
    Pattern(String),
    Calls,
}

/// What is tried for a record.
pub(super) fn all(context: Context<'_>, ground: &Ground, wish: &Wish) -> Vec<Candidate> {
    let mut forms: Vec<(Form, &'static str)> = Vec::new();
    if !ground.has_values || wish.keep_literals {
        forms.push((
            Form::Whole,
            "the exclusion silences this whole statement only",
        ));
    }
    if ground.has_values
        && let Some(pattern) = pattern(&ground.statement)
    {
        forms.push((
            Form::Pattern(pattern),
            "the exclusion silences this whole statement with any plain values in it",
        ));
    }
    if ground.object.is_some() {
        forms.push((
            Form::Calls,
            "the exclusion silences every statement of this role that reads this relation and calls only functions that are \
             known to be harmless",
        ));
    }
    forms
        .into_iter()
        .map(|(form, words)| candidate(context, ground, wish, &form, words))
        .collect()
}

/// A pattern of the whole statement in which values are open.
fn pattern(statement: &str) -> Option<String> {
    let text = statement.trim().trim_end_matches(';').trim_end();
    if text.len() > PATTERN_MAX {
        return None;
    }
    let mut pattern = String::new();
    for (part, text) in parts(text) {
        match part {
            Part::Literal => pattern.push_str(ANY_LITERAL),
            Part::Number if text.len() > 2 => pattern.push_str(ANY_NUMBER),
            Part::Space => pattern.push_str("[ \\t\\r\\n]+"),
            Part::Comment => return None,
            Part::Number | Part::Other => {
                for character in text.chars() {
                    if character.is_ascii()
                        && !character.is_ascii_alphanumeric()
                        && character != '_'
                        && character != ' '
                    {
                        pattern.push('[');
                        if "\\]^[-".contains(character) {
                            pattern.push('\\');
                        }
                        pattern.push(character);
                        pattern.push(']');
                    } else {
                        pattern.push(character);
                    }
                }
            }
        }
    }
    pattern.push_str("[ \\t\\r\\n]*;?");
    Some(pattern)
}

/// The statement with other values in it, without comments.
fn without_values(statement: &str) -> String {
    let mut text = String::new();
    for (part, written) in parts(statement) {
        text.push_str(match part {
            Part::Literal => "'x'",
            Part::Number if written.len() > 2 => "1",
            Part::Comment => " ",
            Part::Number | Part::Space | Part::Other => written,
        });
    }
    text.trim().to_owned()
}

fn candidate(
    context: Context<'_>,
    ground: &Ground,
    wish: &Wish,
    form: &Form,
    words: &'static str,
) -> Candidate {
    let one = |value: &str| Some(vec![value.to_owned()]);
    let mut statement = Statement::default();
    match form {
        Form::Whole => statement.equals = one(&ground.statement),
        // What the loader would refuse is refused there, with its words.
        Form::Pattern(pattern) => {
            statement.matches = Pattern::read(pattern).ok().map(|pattern| vec![pattern])
        }
        Form::Calls => statement.only_calls = Some(ground::functions()),
    }
    let matcher = Match {
        user: one(&ground.user),
        database: one(&ground.database),
        client: wish.by_client.then(|| vec![ground.client.1.clone()]),
        class: one(&ground.class),
        command: one(&ground.command),
        object_type: one(&ground.object_type),
        schema: ground
            .object
            .as_ref()
            .map(|(schema, _)| vec![schema.clone()]),
        relation: ground
            .object
            .as_ref()
            .map(|(_, relation)| vec![relation.clone()]),
        statement: Some(statement),
    };
    let mut nowhere = SourceFiles::default();
    let silenced = Sample {
        user: Some(ground.user.clone()),
        database: Some(ground.database.clone()),
        client: wish.by_client.then(|| ground.client.0.clone()),
        class: ground.class.clone(),
        command: ground.command.clone(),
        object_type: ground.object_type.clone(),
        object: ground
            .object
            .as_ref()
            .map(|(schema, relation)| format!("{schema}.{relation}"))
            .unwrap_or_default(),
        statement: match form {
            Form::Whole => ground.statement.clone(),
            Form::Pattern(_) | Form::Calls => without_values(&ground.statement),
        },
        place: Place::new(nowhere.add("rules/a.yaml", "x"), 0..1),
    };
    let judge = Judge::new(context.rules);
    let mut scratch = Scratch::default();
    let near_misses = mutation::near_misses(&matcher, &silenced, judge.prefix(), |record| {
        let entry = sample::entry(record, judge.prefix(), &ground.user);
        judge.verdict(&mut scratch, &entry) == Verdict::Counted
    });
    let id = wish.id.clone().unwrap_or_else(|| free_id(context, ground));
    let yaml = yaml(context, ground, wish, form, &id, &silenced, &near_misses);
    Candidate {
        path: format!("{FOLDER}/{id}.yaml"),
        id,
        yaml,
        form: words,
        near_misses: near_misses.len(),
    }
}

/// An id that no exclusion has, made of the role and of what is read.
fn free_id(context: Context<'_>, ground: &Ground) -> String {
    let what = ground
        .object
        .as_ref()
        .map_or("question", |(_, relation)| relation);
    let mut id = String::new();
    for character in format!("{}-{what}", ground.user).chars().take(50) {
        if character.is_ascii_alphanumeric() {
            id.push(character.to_ascii_lowercase());
        } else if !id.ends_with('-') && !id.is_empty() {
            id.push('-');
        }
    }
    let id = id.trim_end_matches('-');
    let id = match id.chars().next() {
        Some(first) if first.is_ascii_lowercase() => id.to_owned(),
        _ => format!("suggested-{id}").trim_end_matches('-').to_owned(),
    };
    let is_taken = |id: &str| {
        context
            .loaded
            .policy
            .exclusions
            .iter()
            .any(|known| known.id == id)
    };
    if !is_taken(&id) {
        return id;
    }
    let numbered = (2..10_000).map(|number| format!("{id}-{number}"));
    numbered.into_iter().find(|id| !is_taken(id)).unwrap_or(id)
}

/// A word that pgAudit prints, plain where every reader of YAML takes it for a text.
fn word(text: &str) -> String {
    let is_plain = text.len() > 3
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b' ')
        && !matches!(text, "TRUE" | "FALSE" | "NULL")
        && text.trim() == text;
    if is_plain {
        text.to_owned()
    } else {
        scalar(text)
    }
}

fn expires(context: Context<'_>, wish: &Wish) -> Date {
    let most = i64::from(context.loaded.policy.limits.max_life_days);
    wish.expires.unwrap_or_else(|| {
        wish.today
            .checked_add(DAYS.min(most).days())
            .unwrap_or(wish.today)
    })
}

/// Who answers for the exclusion, if the user names no one: who answers for the person.
pub fn owner(context: Context<'_>, user: &str) -> Option<String> {
    let mut users = context.loaded.policy.users.iter();
    users
        .find(|known| known.role == user)
        .map(|user| user.owner.clone())
}

fn yaml(
    context: Context<'_>,
    ground: &Ground,
    wish: &Wish,
    form: &Form,
    id: &str,
    silenced: &Sample,
    near_misses: &[Sample],
) -> String {
    let what = match &ground.object {
        Some((schema, relation)) => format!("reads {schema}.{relation}"),
        None => "asks the session".to_owned(),
    };
    let reason = wish.reason.clone().unwrap_or_else(|| {
        format!(
            "{}. Write here which tool sends this statement, and why no one needs to see it.",
            ground.harmless().replacen("the ", "The ", 1)
        )
    });
    let owner = wish
        .owner
        .clone()
        .or_else(|| owner(context, &ground.user))
        .unwrap_or_else(|| "write-the-owner-here".to_owned());
    let mut text = format!(
        "# yaml-language-server: $schema=../../schema/rules.schema.json\nversion: 1\nexclusions:\n  - id: {}\n    title: {}\n    \
         reason: {}\n    owner: {}\n    created: {}\n    expires: {}\n    environments: [{}]\n    match:\n      user: [{}]\n      \
         database: [{}]\n",
        scalar(id),
        scalar(&format!("{} {what}", ground.user)),
        scalar(&reason),
        scalar(&owner),
        wish.today,
        expires(context, wish),
        scalar(&context.environment.name),
        scalar(&ground.user),
        scalar(&ground.database),
    );
    if wish.by_client {
        text.push_str(&format!("      client: [{}]\n", scalar(&ground.client.1)));
    }
    text.push_str(&format!(
        "      class: {}\n      command: {}\n",
        word(&ground.class),
        word(&ground.command)
    ));
    match &ground.object {
        None => text.push_str("      object_type: none\n"),
        Some((schema, relation)) => text.push_str(&format!(
            "      object_type: {}\n      schema: {}\n      relation: [{}]\n",
            word(&ground.object_type),
            scalar(schema),
            scalar(relation)
        )),
    }
    text.push_str(&match form {
        Form::Whole => format!(
            "      statement: {{equals: [{}]}}\n",
            scalar(&ground.statement)
        ),
        Form::Pattern(pattern) => format!("      statement: {{matches: [{}]}}\n", scalar(pattern)),
        Form::Calls => "      statement: {only_calls: {set: harmless-functions}}\n".to_owned(),
    });
    text.push_str("    samples:\n      silences:\n");
    text.push_str(&record(silenced));
    text.push_str("      stays_loud:\n");
    for near_miss in near_misses {
        text.push_str(&record(near_miss));
    }
    text
}

/// A sample on one line.
fn record(sample: &Sample) -> String {
    let mut keys = Vec::new();
    for (key, value) in [
        ("user", &sample.user),
        ("database", &sample.database),
        ("client", &sample.client),
    ] {
        keys.extend(
            value
                .as_ref()
                .map(|value| format!("{key}: {}", scalar(value))),
        );
    }
    keys.push(format!("class: {}", word(&sample.class)));
    keys.push(format!("command: {}", word(&sample.command)));
    if sample.object_type.is_empty() {
        keys.push("object_type: none".to_owned());
    } else {
        keys.push(format!("object_type: {}", word(&sample.object_type)));
        if !sample.object.is_empty() {
            keys.push(format!("object: {}", scalar(&sample.object)));
        }
    }
    keys.push(format!("statement: {}", scalar(&sample.statement)));
    format!("        - {{{}}}\n", keys.join(", "))
}
