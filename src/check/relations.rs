//! Relations without their schema, and relations of the catalog that hold users' data or secrets.

use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote, quote_all};
use crate::policy::model::{Exclusion, Match};

/// See [`Code::ExclusionRelationAlone`], [`Code::ExclusionCatalogWhole`] and [`Code::ExclusionProtected`].
#[derive(Debug)]
pub struct Relations;

/// Relations of system schemas that hold users' data (statistics keep values of columns, large
/// objects keep them whole), texts of statements, or secrets. PostgreSQL 15, chapters 37, 53 and 54.
pub const PROTECTED_RELATIONS: &[&str] = &[
    "pg_statistic",
    "pg_statistic_ext_data",
    "pg_stats",
    "pg_stats_ext",
    "pg_stats_ext_exprs",
    "pg_largeobject",
    "pg_authid",
    "pg_shadow",
    "pg_user_mapping",
    "pg_user_mappings",
    "pg_subscription",
    "pg_stat_activity",
    "pg_stat_statements",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "pg_file_settings",
    "user_mapping_options",
    "foreign_server_options",
    "_pg_user_mappings",
];

/// Schemas of the system. What is in others is users' data.
pub const SYSTEM_SCHEMAS: &[&str] = &["pg_catalog", "information_schema", "pg_toast"];

impl Check for Relations {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        for exclusion in &context.policy.exclusions {
            check_exclusion(exclusion, sink);
        }
    }
}

/// The second record of a view (`MISC,???,VIEW`) stands for no access: what the view reads has
/// records of its own.
fn reads_nothing(matcher: &Match) -> bool {
    let only = |values: &Option<Vec<String>>, wanted: &str| {
        values
            .as_deref()
            .is_some_and(|values| values.iter().all(|value| value == wanted))
    };
    only(&matcher.class, "MISC")
        && only(&matcher.command, "???")
        && only(&matcher.object_type, "VIEW")
}

fn check_exclusion(exclusion: &Exclusion, sink: &mut Diagnostics) {
    let matcher = &exclusion.matcher;
    if reads_nothing(matcher) {
        return;
    }
    let system = |name: &String| SYSTEM_SCHEMAS.contains(&name.as_str());
    match (&matcher.schema, &matcher.relation) {
        (None, Some(_)) => sink.push(
            Diagnostic::new(Code::ExclusionRelationAlone, "a relation has no schema")
                .at(exclusion.places.key("match/relation"))
                .help("add `schema`: any user who can create tables can use this name elsewhere"),
        ),
        (Some(schemas), None) => {
            for (index, schema) in schemas
                .iter()
                .enumerate()
                .filter(|(_, schema)| system(schema))
            {
                sink.push(
                    Diagnostic::new(
                        Code::ExclusionCatalogWhole,
                        format!(
                            "the exclusion silences the whole schema {}, but some of it contains user data",
                            quote(schema)
                        ),
                    )
                    .at(exclusion.places.item("match/schema", index))
                    .help("add `relation`, as in `relation: {set: catalog-metadata}`"),
                );
            }
        }
        _ => {}
    }
    let is_system = matcher
        .schema
        .as_ref()
        .is_none_or(|schemas| schemas.iter().any(system));
    let Some(relations) = matcher.relation.as_ref().filter(|_| is_system) else {
        return;
    };
    let is_protected =
        |relation: &str| PROTECTED_RELATIONS.contains(&relation) && !is_left_out(matcher, relation);
    if exclusion.places.has("match/relation/set") {
        let found: Vec<&String> = relations
            .iter()
            .filter(|relation| is_protected(relation))
            .collect();
        if !found.is_empty() {
            sink.push(protected(
                &quote_all(&found),
                exclusion.places.value("match/relation/set"),
            ));
        }
        return;
    }
    for (index, relation) in relations
        .iter()
        .enumerate()
        .filter(|(_, relation)| is_protected(relation))
    {
        sink.push(protected(
            &quote(relation),
            exclusion.places.item("match/relation", index),
        ));
    }
}

/// Whether no text that the conditions take names the relation: it is what a view or a function of the system reads.
fn is_left_out(matcher: &Match, relation: &str) -> bool {
    let Some(statement) = &matcher.statement else {
        return false;
    };
    let mut lacks = [&statement.lacks, &statement.lacks_names]
        .into_iter()
        .flatten()
        .flatten();
    let is_lacked = lacks.any(|text| !text.is_empty() && relation.contains(&text.to_lowercase()));
    let texts = statement.equals.as_deref().unwrap_or_default();
    let is_whole = !texts.is_empty() && statement.matches.is_none();
    // `U&"pg\005fauthid"` names it too.
    let names = |text: &String| {
        let text = text.to_lowercase();
        text.contains(relation) || text.contains("u&")
    };
    is_lacked || (is_whole && !texts.iter().any(names))
}

fn protected(names: &str, place: crate::source::Place) -> Diagnostic {
    Diagnostic::new(
        Code::ExclusionProtected,
        format!("{names} contains user data or secrets, and the exclusion would silence reads of it"),
    )
    .at(place)
    .help("remove it from the list, name it under `statement.lacks`, or list whole texts without it under `statement.equals`")
}
