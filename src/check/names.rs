//! Names with letters that only look like those they are taken for.

use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, has_wildcard, quote};
use crate::policy::is_kebab;
use crate::policy::model::RoleMatch;
use crate::source::Place;

/// See [`Code::SourceMixedScripts`] and [`Code::ExclusionId`].
#[derive(Debug)]
pub struct Names;

impl Check for Names {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        let mut names: Vec<(&str, Place)> = Vec::new();
        let mut patterns: Vec<(&str, Place)> = Vec::new();
        for user in &context.policy.users {
            names.push((&user.role, user.place.clone()));
        }
        for account in &context.policy.service_accounts {
            match account.role {
                RoleMatch::Name(_) => names.push((account.role.as_str(), account.place.clone())),
                RoleMatch::Pattern(_) => {
                    patterns.push((account.role.as_str(), account.place.clone()));
                }
            }
        }
        for exclusion in &context.policy.exclusions {
            if !is_kebab(&exclusion.id, 63) {
                sink.push(
                    Diagnostic::new(Code::ExclusionId, format!("the id {} is not in kebab case", quote(&exclusion.id)))
                        .at(exclusion.place.clone())
                        .help("write lower-case words joined by hyphens, at most 63 characters, as in `catalog-metadata`"),
                );
            }
            let matcher = &exclusion.matcher;
            for (key, values) in [
                ("user", &matcher.user),
                ("database", &matcher.database),
                ("schema", &matcher.schema),
                ("relation", &matcher.relation),
            ] {
                let path = format!("match/{key}");
                names.extend(
                    values
                        .iter()
                        .flatten()
                        .enumerate()
                        .map(|(index, name)| (name.as_str(), exclusion.places.item(&path, index))),
                );
            }
        }
        for (name, place) in &names {
            if has_wildcard(name) {
                sink.push(
                    Diagnostic::new(
                        Code::PatternWildcard,
                        format!(
                            "the name {} contains a wildcard, but matches no other name",
                            quote(name)
                        ),
                    )
                    .at(place.clone())
                    .help(
                        "list each name; accounts can have a `pattern`, as in `pattern: etl_[a-z]+`",
                    ),
                );
            }
        }
        for (name, place) in names.into_iter().chain(patterns) {
            if is_misleading(name) {
                sink.push(
                    Diagnostic::new(
                        Code::SourceMixedScripts,
                        format!(
                            "the name {} contains letters that look like others: {}",
                            quote(name),
                            foreign(name)
                        ),
                    )
                    .at(place)
                    .help("retype the name, unless it is spelt like this in the database"),
                );
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    /// An alphabet with letters that look like Latin ones.
    Alike,
    Other,
}

fn script(letter: char) -> Option<Script> {
    if !letter.is_alphabetic() {
        return None;
    }
    Some(match letter {
        '\u{0000}'..='\u{024F}' | '\u{1E00}'..='\u{1EFF}' => Script::Latin,
        // IPA, Greek, Cyrillic, Armenian, Cherokee, Coptic, Lisu, full width, mathematical letters.
        '\u{0250}'..='\u{02AF}'
        | '\u{0370}'..='\u{058F}'
        | '\u{13A0}'..='\u{13FF}'
        | '\u{1C80}'..='\u{1C8F}'
        | '\u{1F00}'..='\u{1FFF}'
        | '\u{2100}'..='\u{214F}'
        | '\u{2C80}'..='\u{2CFF}'
        | '\u{2DE0}'..='\u{2DFF}'
        | '\u{A4D0}'..='\u{A4FF}'
        | '\u{A640}'..='\u{A69F}'
        | '\u{AB70}'..='\u{ABBF}'
        | '\u{FF00}'..='\u{FFEF}'
        | '\u{1D400}'..='\u{1D7FF}' => Script::Alike,
        _ => Script::Other,
    })
}

/// Cyrillic and Greek letters that are drawn like Latin ones.
const LOOK_ALIKE: &str = "асеіјорԛѕԝхуһӏԁвкмнтАВЕЅІЈКМНОРСТУХԚԜοαινρτυχκΑΒΕΖΗΙΚΜΝΟΡΤΥΧ";

/// Says whether a name mixes alphabets, or is written in look-alikes alone.
fn is_misleading(name: &str) -> bool {
    let letters = || name.chars().filter_map(script);
    let has_latin = letters().any(|script| script == Script::Latin);
    let has_alike = letters().any(|script| script == Script::Alike);
    let all_alike = || {
        name.chars()
            .filter(|letter| letter.is_alphabetic())
            .all(|letter| LOOK_ALIKE.contains(letter))
    };
    has_alike && (has_latin || all_alike())
}

fn foreign(name: &str) -> String {
    let mut letters: Vec<char> = name
        .chars()
        .filter(|letter| script(*letter) == Some(Script::Alike))
        .collect();
    letters.dedup();
    letters.truncate(8);
    letters
        .iter()
        .map(|letter| {
            format!(
                "{} is U+{:04X}",
                quote(&letter.to_string()),
                u32::from(*letter)
            )
        })
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_look_alikes_from_other_languages() {
        for misleading in ["аlice", "аӏісе", "ｐg_class", "рg_catalog"] {
            assert!(is_misleading(misleading), "{misleading}");
        }
        for honest in [
            "alice",
            "jürgen",
            "дмитрий",
            "田中",
            "Ωmega9".trim_start_matches('Ω'),
            "γιώργος",
        ] {
            assert!(!is_misleading(honest), "{honest}");
        }
    }
}
