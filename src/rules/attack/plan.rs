//! The attacks on one exclusion.

use crate::check::relations::SYSTEM_SCHEMAS;
use crate::policy::Pattern;
use crate::policy::model::{Exclusion, Match, Statement};

use super::corpus::{self, Entry, Fact, Harm, TABLE, TextOf, corpus, plain};
use super::ride;
use super::{Attack, AttackRecord, Kind, Who, carrier, forge, pattern, witness};

/// Relations of an exclusion that are tried, when all are.
const RELATIONS_MAX: usize = 64;

/// Holes of a pattern that are tried.
const HOLES_MAX: usize = 24;

/// Relations that an exclusion names and that a bounded attack reads.
const NAMED_BOUNDED: usize = 3;

/// Who attacks, and how much is tried.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// A role that is audited.
    pub person: &'a str,
    /// A person is audited with `log_relation` off, so those records are tried too.
    pub without_relations: bool,
    /// Everything, or a few of each kind.
    pub full: bool,
}

/// The attacks on an exclusion.
pub fn attacks(exclusion: &Exclusion, terms: Terms<'_>) -> Vec<Attack> {
    let Terms {
        person,
        without_relations,
        full,
    } = terms;
    let matcher = &exclusion.matcher;
    let first = |values: &Option<Vec<String>>, other: &str| {
        values
            .as_ref()
            .and_then(|values| values.first())
            .cloned()
            .unwrap_or_else(|| other.to_owned())
    };
    let client = first(&matcher.client, "10.0.1.123");
    let mut maker = Maker {
        exclusion,
        who: Who {
            user: first(&matcher.user, person),
            database: first(&matcher.database, "shop"),
            client: if client.starts_with('[') {
                client
            } else {
                format!("{client}(50322)")
            },
            application: "psql".to_owned(),
        },
        full,
        without_relations,
        found: Vec::new(),
    };
    maker.plain();
    maker.planted();
    maker.riders();
    maker.patterns();
    maker.beside();
    maker.shadows();
    maker.named();
    maker.look_alikes();
    maker.forged();
    maker.found
}

struct Maker<'a> {
    exclusion: &'a Exclusion,
    who: Who,
    full: bool,
    without_relations: bool,
    found: Vec<Attack>,
}

/// What an attack is, besides its texts and records.
struct About<'a> {
    kind: Kind,
    does: &'a str,
    carrier: &'a str,
    harm: Harm,
    condition: &'a str,
    item: Option<usize>,
}

impl Maker<'_> {
    /// Adds an attack with the records of one setting. In the bounded form one that the exclusion
    /// cannot silence for what the server writes is left out.
    fn add(&mut self, about: &About<'_>, steps: Vec<(String, Vec<Fact>)>, log_relation: bool) {
        if steps.iter().all(|(_, facts)| facts.is_empty())
            || !self.is_tried(steps.iter().flat_map(|(_, facts)| facts), log_relation)
        {
            return;
        }
        let texts: Vec<String> = steps.iter().map(|(text, _)| text.clone()).collect();
        let records: Vec<AttackRecord> = steps
            .into_iter()
            .flat_map(|(text, facts)| {
                let texts = &texts;
                facts.into_iter().map(move |fact| AttackRecord {
                    statement: match fact.text {
                        TextOf::Own => text.clone(),
                        TextOf::Step(step) => step
                            .checked_sub(1)
                            .and_then(|step| texts.get(step))
                            .unwrap_or(&text)
                            .clone(),
                        TextOf::Other(other) => other,
                    },
                    class: fact.class,
                    command: fact.command,
                    object_type: fact.object_type,
                    object: fact.object,
                    parameters: None,
                })
            })
            .collect();
        self.found.push(Attack {
            exclusion: self.exclusion.id.clone(),
            kind: about.kind,
            does: about.does.to_owned(),
            carrier: about.carrier.to_owned(),
            harm: about.harm,
            steps: texts,
            log_relation,
            records,
            who: self.who.clone(),
            condition: about.condition.to_owned(),
            item: about.item,
        });
    }

    /// Whether a statement with these records is tried: a person is audited with that setting,
    /// and in the bounded form the fields that the server writes allow the exclusion to silence them.
    fn is_tried<'f>(&self, mut facts: impl Iterator<Item = &'f Fact>, log_relation: bool) -> bool {
        (log_relation || self.without_relations)
            && (self.full || facts.all(|fact| may_silence(&self.exclusion.matcher, fact)))
    }

    /// Adds an action of the corpus, its texts rewritten, under both settings.
    fn add_action(
        &mut self,
        entry: &Entry,
        about: &About<'_>,
        rewrite: impl Fn(&str) -> Option<String>,
    ) {
        let is_tried = [true, false].into_iter().any(|log_relation| {
            let facts = entry.steps.iter();
            self.is_tried(
                facts.flat_map(|step| step.facts(log_relation)),
                log_relation,
            )
        });
        if !is_tried {
            return;
        }
        let mut is_written = false;
        let texts: Vec<String> = entry
            .steps
            .iter()
            .map(|step| match rewrite(&step.sql) {
                Some(text) => {
                    is_written = true;
                    text
                }
                None => plain(&step.sql),
            })
            .collect();
        if !is_written {
            return;
        }
        for log_relation in [true, false] {
            let steps = entry.steps.iter().zip(&texts);
            let steps = steps
                .map(|(step, text)| (text.clone(), step.facts(log_relation).to_vec()))
                .collect();
            self.add(about, steps, log_relation);
        }
    }

    fn plain(&mut self) {
        for action in &corpus().actions {
            let about = About {
                kind: Kind::Plain,
                does: &action.title,
                carrier: "nothing is hidden",
                harm: action.harm,
                condition: "match",
                item: None,
            };
            self.add_action(action, &about, |sql| Some(plain(sql)));
        }
    }

    fn planted(&mut self) {
        let mut texts = witness::texts(self.exclusion);
        texts.truncate(if self.full { 6 } else { 1 });
        // Planting helps where the exclusion looks for something anywhere in the text.
        for text in &texts {
            let mut left = if self.full { usize::MAX } else { 4 };
            for action in &corpus().actions {
                if left == 0 {
                    break;
                }
                let before = self.found.len();
                let full = self.full;
                for carrier in carrier::ALL
                    .iter()
                    .filter(|carrier| full || carrier.bounded)
                {
                    let about = About {
                        kind: Kind::Planted,
                        does: &action.title,
                        carrier: carrier.name,
                        harm: action.harm,
                        condition: text.condition,
                        item: text.item,
                    };
                    self.add_action(action, &about, |sql| carrier.plant(sql, &text.text));
                }
                if self.found.len() > before {
                    left -= 1;
                }
            }
            if self.full {
                self.planted_beside(text);
            }
        }
    }

    /// Texts outside the statement: a parameter, the application's name.
    fn planted_beside(&mut self, text: &witness::Witness) {
        let Some(action) = corpus()
            .actions
            .iter()
            .find(|action| action.name == "delete")
        else {
            return;
        };
        let about = |carrier| About {
            kind: Kind::Planted,
            does: &action.title,
            carrier,
            harm: action.harm,
            condition: text.condition,
            item: text.item,
        };
        let start = self.found.len();
        self.add_action(action, &about("a parameter"), |sql| {
            Some(plain(&sql.replace("{true}", "owner <> $1")))
        });
        for attack in self.found.iter_mut().skip(start) {
            for record in &mut attack.records {
                record.parameters = Some(text.text.clone());
            }
        }
        let application: String = text.text.chars().take(40).collect();
        let honest = std::mem::replace(&mut self.who.application, application);
        self.add_action(action, &about("the application name"), |sql| {
            Some(plain(sql))
        });
        self.who.application = honest;
    }

    /// Objects that records of the exclusion may have: type, and name as pgAudit prints it.
    fn objects(&self) -> Vec<(String, String)> {
        let matcher = &self.exclusion.matcher;
        if matcher.schema.is_none() && matcher.relation.is_none() {
            return vec![("TABLE".to_owned(), "pg_catalog.pg_class".to_owned())];
        }
        let most = if self.full { RELATIONS_MAX } else { 2 };
        let anything = vec!["anything".to_owned()];
        let somewhere = vec!["public".to_owned()];
        let types: Vec<&String> = matcher
            .object_type
            .iter()
            .flatten()
            .filter(|object_type| !object_type.is_empty())
            .collect();
        let object_type = types
            .iter()
            .find(|object_type| **object_type == "TABLE")
            .or(types.first())
            .map_or("TABLE", |object_type| object_type.as_str());
        let mut found = Vec::new();
        for schema in matcher.schema.as_ref().unwrap_or(&somewhere) {
            for relation in matcher
                .relation
                .as_ref()
                .unwrap_or(&anything)
                .iter()
                .take(most)
            {
                found.push((
                    object_type.to_owned(),
                    format!("{}.{}", identifier(schema), identifier(relation)),
                ));
            }
        }
        found
    }

    /// The records of a statement on an object, with those that a view carries.
    fn on_object(command: &str, object_type: &str, object: &str) -> Vec<Fact> {
        if command != "SELECT" {
            return vec![Fact::own("WRITE", command, object_type, object)];
        }
        if let Some(known) = corpus::reading(object) {
            return known.to_vec();
        }
        let mut facts = vec![Fact::own("READ", command, object_type, object)];
        if object_type == "VIEW" {
            facts.push(Fact::own("MISC", "???", object_type, object));
        }
        facts
    }

    fn riders(&mut self) {
        let matcher = &self.exclusion.matcher;
        let condition = riding_condition(matcher);
        let suffix = wanted_comment(matcher);
        let objects = self.objects();
        for ride::Spelled {
            rider,
            name,
            is_plain,
            written,
        } in ride::spelled(self.full)
        {
            let about = About {
                kind: Kind::Rider,
                does: &rider.title,
                carrier: name,
                harm: rider.harm,
                condition,
                item: condition.ends_with("/contains").then_some(0),
            };
            for log_relation in [true, false] {
                let mut forms = vec![format!("SELECT {written}{suffix}")];
                if self.full {
                    forms.push(format!("SELECT DISTINCT {written}{suffix}"));
                    forms.push(format!("WITH a AS (SELECT 1) SELECT {written}{suffix}"));
                    forms.push(format!("VALUES (ROW({written})){suffix}"));
                    forms.push(format!("\n\tselect{}{written} ;{suffix}", "/**/ "));
                    forms.push(format!("SELECT 1 WHERE ROW({written}) IS NOT NULL{suffix}"));
                    forms.push(format!(
                        "SELECT * FROM unnest(array(SELECT ROW({written})::text)){suffix}"
                    ));
                }
                for form in forms {
                    let facts = ride::alone(rider, log_relation);
                    self.add(&about, vec![(form, facts)], log_relation);
                }
            }
            for (place, (object_type, object)) in objects.iter().enumerate() {
                // Every relation is tried with plain calls, a few with every spelling.
                if !is_plain && place > 2 {
                    break;
                }
                for (command, form) in [
                    (
                        "SELECT",
                        format!("SELECT {written} FROM {object} LIMIT 1{suffix}"),
                    ),
                    (
                        "SELECT",
                        format!("SELECT 1 FROM {object} WHERE ROW({written}) IS NOT NULL{suffix}"),
                    ),
                    (
                        "DELETE",
                        format!("DELETE FROM {object} WHERE ROW({written}) IS NULL{suffix}"),
                    ),
                    (
                        "UPDATE",
                        format!("UPDATE {object} SET id = id WHERE ROW({written}) IS NULL{suffix}"),
                    ),
                    (
                        "INSERT",
                        format!(
                            "INSERT INTO {object} DEFAULT VALUES RETURNING ROW({written}){suffix}"
                        ),
                    ),
                ] {
                    let is_wanted = self
                        .exclusion
                        .matcher
                        .command
                        .as_ref()
                        .map_or(command == "SELECT", |commands| {
                            commands.iter().any(|known| known == command)
                        });
                    if !is_wanted {
                        continue;
                    }
                    for log_relation in [true, false] {
                        let mut facts = if log_relation {
                            Self::on_object(command, object_type, object)
                        } else {
                            let class = if command == "SELECT" { "READ" } else { "WRITE" };
                            vec![Fact::own(class, command, "", "")]
                        };
                        facts.extend(ride::added(rider, log_relation));
                        self.add(&about, vec![(form.clone(), facts)], log_relation);
                    }
                }
            }
        }
    }

    fn patterns(&mut self) {
        let Some(patterns) = self
            .exclusion
            .matcher
            .statement
            .as_ref()
            .and_then(|statement| statement.matches.clone())
        else {
            return;
        };
        let objects = self.objects();
        let object = (self.exclusion.matcher.schema.is_some()
            || self.exclusion.matcher.relation.is_some())
        .then(|| objects.first())
        .flatten();
        for (item, expression) in patterns.iter().map(Pattern::as_str).enumerate() {
            let readings = if self.full { 6 } else { 1 };
            for template in pattern::templates(expression, readings) {
                for (before, fill, behind) in template.holes().take(HOLES_MAX) {
                    for payload in super::lint::payloads(before, fill, behind) {
                        let about = About {
                            kind: Kind::Pattern,
                            does: payload.does,
                            carrier: "what the pattern leaves open",
                            harm: payload.harm,
                            condition: "match/statement/matches",
                            item: Some(item),
                        };
                        for log_relation in [true, false] {
                            if let Some(steps) = run_of(
                                &payload.text,
                                object,
                                &payload.added(log_relation),
                                log_relation,
                            ) {
                                self.add(&about, steps, log_relation);
                            }
                        }
                    }
                }
            }
        }
    }

    fn beside(&mut self) {
        let samples = self.exclusion.silences.clone();
        let most = if self.full { 4 } else { 1 };
        for sample in samples.iter().take(most) {
            let text = sample.statement.trim().trim_end_matches(';');
            // For other records it is unknown which records come with them.
            if text.is_empty() || sample.class != "READ" || sample.command != "SELECT" {
                continue;
            }
            let about = |does, carrier, harm| About {
                kind: Kind::Beside,
                does,
                carrier,
                harm,
                condition: "match/statement",
                item: None,
            };
            for log_relation in [true, false] {
                let own = if sample.object.is_empty() || !log_relation {
                    vec![Fact::own("READ", "SELECT", "", "")]
                } else {
                    Self::on_object("SELECT", &sample.object_type, &sample.object)
                };
                let deleted = if log_relation {
                    Fact::own("WRITE", "DELETE", "TABLE", TABLE)
                } else {
                    Fact::own("WRITE", "DELETE", "", "")
                };
                let mut facts = own.clone();
                facts.push(deleted);
                for (carrier, script) in [
                    (
                        "a statement after it",
                        format!("{text}; DELETE FROM {TABLE}"),
                    ),
                    (
                        "a statement before it",
                        format!("DELETE FROM {TABLE}; {text}"),
                    ),
                ] {
                    let about = about("deletes rows", carrier, Harm::Changes);
                    self.add(&about, vec![(script, facts.clone())], log_relation);
                }
                let Some(rest) = select_list(text) else {
                    continue;
                };
                for ride::Spelled {
                    rider,
                    name,
                    written,
                    ..
                } in ride::spelled(self.full)
                {
                    let mut facts = own.clone();
                    facts.extend(ride::added(rider, log_relation));
                    let about = about(&rider.title, name, rider.harm);
                    let script = format!("SELECT {written}, {rest}");
                    self.add(&about, vec![(script, facts)], log_relation);
                }
            }
        }
    }

    fn shadows(&mut self) {
        let mut texts = witness::texts(self.exclusion);
        texts.truncate(if self.full { 12 } else { 3 });
        for text in texts {
            if text.text.len() > 2_000 {
                continue;
            }
            let about = |does| About {
                kind: Kind::Shadow,
                does,
                carrier: "search_path, or a temporary object",
                harm: Harm::Reads,
                condition: text.condition,
                item: text.item,
            };
            let path = (
                "SET search_path = pgvigil_attack".to_owned(),
                vec![Fact::own("MISC", "SET", "", "")],
            );
            if let Some(name) = unqualified_relation(&text.text) {
                for schema in ["pgvigil_attack", "pg_temp_3"] {
                    let object = format!("{schema}.{}", identifier(&name));
                    let on = vec![
                        Fact::own("READ", "SELECT", "VIEW", &object),
                        Fact::own("MISC", "???", "VIEW", &object),
                        Fact::own("READ", "SELECT", "TABLE", TABLE),
                    ];
                    let off = vec![Fact::own("READ", "SELECT", "", "")];
                    let about = about("reads a users' table through a view of that name");
                    for (log_relation, facts) in [(true, on), (false, off)] {
                        let statement = (text.text.clone(), facts);
                        let steps = if schema == "pg_temp_3" {
                            vec![statement]
                        } else {
                            vec![path.clone(), statement]
                        };
                        self.add(&about, steps, log_relation);
                    }
                }
            }
            if let Some(name) = unqualified_function(&text.text) {
                let object = format!("pgvigil_attack.{}", identifier(&name));
                let facts = vec![
                    Fact::own("READ", "SELECT", "", ""),
                    Fact::own("FUNCTION", "EXECUTE", "FUNCTION", &object),
                ];
                let about =
                    about("calls a users' function of that name, which reads a large object");
                for log_relation in [true, false] {
                    let steps = vec![path.clone(), (text.text.clone(), facts.clone())];
                    self.add(&about, steps, log_relation);
                }
            }
        }
    }

    /// Plain statements on what the exclusion names outside the schemas of the system: it is users' data. Where the whole text
    /// is given, that says what is silenced.
    fn named(&mut self) {
        let matcher = &self.exclusion.matcher;
        let is_whole = matcher.statement.as_ref().is_some_and(Statement::is_whole);
        if is_whole || (matcher.schema.is_none() && matcher.relation.is_none()) {
            return;
        }
        let most = if self.full { usize::MAX } else { NAMED_BOUNDED };
        let (any_schema, any_relation) = (["public".to_owned()], ["orders".to_owned()]);
        let schemas = matcher.schema.as_deref().unwrap_or(&any_schema);
        let relations = matcher.relation.as_deref().unwrap_or(&any_relation);
        let any_type = ["TABLE".to_owned()];
        let types = matcher.object_type.as_deref().unwrap_or(&any_type);
        let suffix = wanted_comment(matcher);
        let objects = schemas
            .iter()
            .filter(|schema| !SYSTEM_SCHEMAS.contains(&schema.as_str()))
            .flat_map(|schema| relations.iter().map(move |relation| (schema, relation)))
            .take(most);
        for (schema, relation) in objects {
            let object = format!("{}.{}", identifier(schema), identifier(relation));
            for (command, script, does, harm) in [
                (
                    "SELECT",
                    format!("SELECT * FROM {object}{suffix}"),
                    "reads the users' table that it names",
                    Harm::Reads,
                ),
                (
                    "DELETE",
                    format!("DELETE FROM {object}{suffix}"),
                    "empties the users' table that it names",
                    Harm::Changes,
                ),
                (
                    "INSERT",
                    format!("INSERT INTO {object} DEFAULT VALUES{suffix}"),
                    "adds to the users' table that it names",
                    Harm::Changes,
                ),
                (
                    "UPDATE",
                    format!("UPDATE {object} SET id = 1{suffix}"),
                    "changes the users' table that it names",
                    Harm::Changes,
                ),
            ] {
                let about = About {
                    kind: Kind::Named,
                    does,
                    carrier: "a plain statement",
                    harm,
                    condition: if matcher.relation.is_some() {
                        "match/relation"
                    } else {
                        "match/schema"
                    },
                    item: None,
                };
                for object_type in types.iter().filter(|object_type| !object_type.is_empty()) {
                    let facts = Self::on_object(command, object_type, &object);
                    self.add(&about, vec![(script.clone(), facts)], true);
                }
            }
        }
    }

    fn look_alikes(&mut self) {
        let matcher = &self.exclusion.matcher;
        if matcher.schema.is_none() && matcher.relation.is_none() {
            return;
        }
        let schema = matcher
            .schema
            .iter()
            .flatten()
            .next()
            .map_or("public", String::as_str);
        let relation = matcher
            .relation
            .iter()
            .flatten()
            .next()
            .map_or("anything", String::as_str);
        let (quoted_schema, quoted) = (identifier(schema), identifier(relation));
        let cyrillic = |name: &str| identifier(&name.replacen('a', "\u{430}", 1));
        let mut objects = vec![
            format!("{}.{quoted}", identifier(&format!("{schema}2"))),
            format!("{}.{quoted}", identifier(&format!("x{schema}"))),
            format!("pgvigil_attack.{quoted}"),
            format!("pg_temp_3.{quoted}"),
            format!("\"{}\".{quoted}", schema.to_uppercase()),
            format!("public.\"{schema}.{relation}\""),
            format!("\"{schema}.x\".{quoted}"),
            format!("\"{schema}.{relation}\".{quoted}"),
            format!("\" {schema}\".{quoted}"),
            format!("\"{schema}\n\".{quoted}"),
            format!("public.\"{schema}.{relation},\"\"\""),
            format!("{}.{quoted}", schema.replacen('_', "x", 1)),
        ];
        if schema.contains('a') {
            objects.push(format!("{}.{quoted}", cyrillic(schema)));
        }
        if matcher.relation.is_some() && !SYSTEM_SCHEMAS.contains(&schema) {
            objects.push(format!(
                "{quoted_schema}.{}",
                identifier(&format!("{relation}2"))
            ));
            objects.push(format!(
                "{quoted_schema}.{}",
                identifier(&format!("x{relation}"))
            ));
            objects.push(format!("{quoted_schema}.\"{}\"", relation.to_uppercase()));
            objects.push(format!("{quoted_schema}.\"{relation}.{relation}\""));
            if relation.contains('a') {
                objects.push(format!("{quoted_schema}.{}", cyrillic(relation)));
            }
        }
        // What looks exactly like one that is named is that one.
        let named = |object: &String| {
            matcher.schema.iter().flatten().any(|schema| {
                matcher.relation.as_ref().map_or_else(
                    || object.starts_with(&format!("{}.", identifier(schema))),
                    |relations| {
                        relations.iter().any(|relation| {
                            *object == format!("{}.{}", identifier(schema), identifier(relation))
                        })
                    },
                )
            })
        };
        objects.retain(|object| !named(object));
        let about = About {
            kind: Kind::LookAlike,
            does: "reads or changes a users' table",
            carrier: "the name of the table",
            harm: Harm::Reads,
            condition: if matcher.relation.is_some() {
                "match/relation"
            } else {
                "match/schema"
            },
            item: None,
        };
        for object in objects {
            for (command, script) in [
                ("SELECT", format!("SELECT secret FROM {object}")),
                ("DELETE", format!("DELETE FROM {object}")),
            ] {
                for object_type in ["TABLE", "MATERIALIZED VIEW"] {
                    let facts = Self::on_object(command, object_type, &object);
                    self.add(&about, vec![(script.clone(), facts)], true);
                }
            }
        }
    }

    fn forged(&mut self) {
        let sessions = forge::sessions(self.exclusion, &self.who);
        let most = if self.full { sessions.len() } else { 3 };
        // A record that the exclusion cannot silence by its own fields, so that only the name does.
        for action in corpus()
            .actions
            .iter()
            .filter(|action| matches!(action.name.as_str(), "delete" | "select"))
        {
            for (carrier, who) in sessions.iter().take(most) {
                let honest = std::mem::replace(&mut self.who, who.clone());
                let full = std::mem::replace(&mut self.full, true);
                let about = About {
                    kind: Kind::Forged,
                    does: &action.title,
                    carrier,
                    harm: action.harm,
                    condition: "match",
                    item: None,
                };
                self.add_action(action, &about, |sql| Some(plain(sql)));
                self.who = honest;
                self.full = full;
            }
        }
    }
}

/// A comment with the text that the exclusion looks for, if it is found anywhere in a statement.
fn wanted_comment(matcher: &Match) -> String {
    let statement = matcher.statement.as_ref();
    let text = statement.and_then(|statement| statement.contains.as_ref()?.first());
    text.map(|text| format!(" /* {text} */"))
        .unwrap_or_default()
}

/// The texts and records of a statement that was made from a pattern, by its first word; `None` for
/// a statement that reads and changes nothing.
fn run_of(
    text: &str,
    object: Option<&(String, String)>,
    added: &[Fact],
    log_relation: bool,
) -> Option<Vec<(String, Vec<Fact>)>> {
    let word: String = text
        .trim_start()
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect::<String>()
        .to_uppercase();
    // A relation that the pattern itself names has a record too.
    let named = relation(text)
        .filter(|name| name != TABLE)
        .map(|name| ("TABLE".to_owned(), name));
    let reads = |own: Vec<Fact>| {
        let mut facts = own;
        facts.extend(added.iter().cloned());
        facts
    };
    // A record without an object is written where no relation is in the statement.
    let bare = |class: &str, command: &str| match object.or(named.as_ref()) {
        Some((object_type, object)) if log_relation => {
            vec![Fact::own(class, command, object_type, object)]
        }
        _ if log_relation
            && added.iter().any(|fact| {
                fact.text == TextOf::Own && !fact.object.is_empty() && fact.command == command
            }) =>
        {
            Vec::new()
        }
        _ => vec![Fact::own(class, command, "", "")],
    };
    let steps = match word.as_str() {
        "SELECT" | "WITH" | "VALUES" | "TABLE" => {
            vec![(text.to_owned(), reads(bare("READ", "SELECT")))]
        }
        "INSERT" | "UPDATE" | "DELETE" => {
            vec![(text.to_owned(), reads(bare("WRITE", &word)))]
        }
        "PREPARE" => {
            let name: String = text
                .trim_start()
                .chars()
                .skip(8)
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            let of_first = |fact: &Fact| Fact {
                text: if fact.text == TextOf::Own {
                    TextOf::Step(1)
                } else {
                    fact.text.clone()
                },
                ..fact.clone()
            };
            let mut run: Vec<Fact> = reads(bare("READ", "SELECT")).iter().map(of_first).collect();
            run.push(Fact::own("MISC", "EXECUTE", "", ""));
            vec![
                (text.to_owned(), vec![Fact::own("READ", "PREPARE", "", "")]),
                (format!("EXECUTE {name}"), run),
            ]
        }
        "DECLARE" => {
            let mut facts = reads(bare("READ", "SELECT"));
            facts.push(Fact::own("READ", "DECLARE CURSOR", "", ""));
            vec![(text.to_owned(), facts)]
        }
        "COPY" => {
            let mut facts = reads(bare("READ", "SELECT"));
            facts.push(Fact::own("READ", "COPY", "", ""));
            vec![(text.to_owned(), facts)]
        }
        _ => return None,
    };
    Some(steps)
}

/// Whether the fields that the server writes allow the exclusion to silence a record, or no signal counts it.
fn may_silence(matcher: &Match, record: &Fact) -> bool {
    let holds = |values: &Option<Vec<String>>, value: &str| {
        values
            .as_ref()
            .is_none_or(|values| values.iter().any(|known| known == value))
    };
    if record.class == "DDL" || (record.class == "MISC" && record.object.is_empty()) {
        return true;
    }
    holds(&matcher.class, &record.class)
        && holds(&matcher.command, &record.command)
        && holds(&matcher.object_type, &record.object_type)
        && (!record.object.is_empty() || (matcher.schema.is_none() && matcher.relation.is_none()))
}

/// The condition that a riding call gets past.
fn riding_condition(matcher: &Match) -> &'static str {
    match &matcher.statement {
        Some(statement) if statement.only_calls.is_some() => "match/statement/only_calls",
        Some(statement) if statement.matches.is_some() => "match/statement/matches",
        Some(statement) if statement.contains.is_some() => "match/statement/contains",
        Some(_) => "match/statement",
        None if matcher.relation.is_some() => "match/relation",
        None if matcher.schema.is_some() => "match/schema",
        None => "match",
    }
}

/// A name as `quote_identifier` prints it, key words aside.
pub(super) fn identifier(name: &str) -> String {
    let mut characters = name.chars();
    let is_plain = characters
        .next()
        .is_some_and(|first| first.is_ascii_lowercase() || first == '_')
        && characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// What follows the first word of a SELECT whose list can be continued.
fn select_list(text: &str) -> Option<&str> {
    let (first, rest) = text.split_at_checked(6)?;
    let rest = rest.strip_prefix([' ', '\t', '\n', '\r'])?.trim_start();
    let lower = rest.to_lowercase();
    (first.eq_ignore_ascii_case("select")
        && !["distinct", "all ", "from ", "into "]
            .iter()
            .any(|word| lower.starts_with(word)))
    .then_some(rest)
}

/// The first relation after FROM, as pgAudit prints it where `public` and the catalog are searched.
fn relation(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    lower.match_indices("from ").find_map(|(at, word)| {
        let rest = lower.get(at + word.len()..)?.trim_start();
        let name: String = rest
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
            .collect();
        let next = rest.get(name.len()..)?.trim_start().chars().next();
        if name.is_empty() || next == Some('(') {
            None
        } else if name.contains('.') {
            Some(name)
        } else if name.starts_with("pg_") {
            Some(format!("pg_catalog.{name}"))
        } else {
            Some(format!("public.{name}"))
        }
    })
}

/// The first relation after FROM or JOIN that has no schema and is not a call.
fn unqualified_relation(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    if !lower.trim_start().starts_with("select") {
        return None;
    }
    ["from ", "join "].iter().find_map(|word| {
        lower.match_indices(word).find_map(|(at, _)| {
            let is_word = |before: char| before.is_alphanumeric() || "_$".contains(before);
            if lower.get(..at)?.ends_with(is_word) {
                return None;
            }
            let rest = lower.get(at + word.len()..)?.trim_start();
            let name: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            let next = rest.get(name.len()..)?.chars().next();
            (!name.is_empty()
                && !name.starts_with(|c: char| c.is_ascii_digit())
                && !matches!(name.as_str(), "select" | "only" | "lateral" | "unnest")
                && !matches!(next, Some('.' | '(' | '"')))
            .then_some(name)
        })
    })
}

/// The first call of a name without a schema.
fn unqualified_function(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    if !lower.trim_start().starts_with("select") {
        return None;
    }
    lower.match_indices('(').find_map(|(at, _)| {
        let before = lower.get(..at)?;
        let start = before
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .map_or(0, |index| index + 1);
        let name = before.get(start..)?;
        let previous = before.get(..start)?.chars().next_back();
        (!name.is_empty()
            && !matches!(
                name,
                "select"
                    | "in"
                    | "any"
                    | "all"
                    | "exists"
                    | "values"
                    | "array"
                    | "row"
                    | "as"
                    | "from"
                    | "and"
                    | "or"
                    | "not"
                    | "coalesce"
                    | "operator"
                    | "cast"
                    | "over"
                    | "filter"
            )
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && previous != Some('.')
            && previous != Some('"'))
        .then(|| name.to_owned())
    })
}

/// Says whether a table of the corpus is named in a text.
pub(super) fn names_table(text: &str) -> bool {
    text.contains(corpus::TABLE)
}
