//! Tags that AWS refuses.

use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote};
use crate::source::DocPath;

/// See [`Code::EnvironmentTag`].
#[derive(Debug)]
pub struct Tags;

/// AWS allows 50 tags. pgvigil needs some of them: its own, and tags of the function and the topic that note what was
/// last applied to resources without tags.
const MOST: usize = 20;

impl Check for Tags {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        for environment in &context.policy.environments {
            let path = DocPath::from("tags");
            if environment.tags.len() > MOST {
                sink.push(
                    Diagnostic::new(
                        Code::EnvironmentTag,
                        format!(
                            "there are {} tags; the limit is {MOST}",
                            environment.tags.len()
                        ),
                    )
                    .at(environment.places.key("tags"))
                    .help("delete tags that no one uses"),
                );
            }
            for (key, value) in &environment.tags {
                let mut fault = |is_key: bool, message: String, help: &str| {
                    let path = path.then(key);
                    let place = if is_key {
                        environment.places.key(path)
                    } else {
                        environment.places.value(path)
                    };
                    sink.push(
                        Diagnostic::new(Code::EnvironmentTag, message)
                            .at(place)
                            .help(help),
                    );
                };
                let is_reserved = key
                    .get(..4)
                    .is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
                let characters = "write letters, digits, spaces and `_ . : / = + - @`";
                if is_reserved {
                    fault(
                        true,
                        format!(
                            "the tag {} begins with `aws:`, which belongs to AWS",
                            quote(key)
                        ),
                        "rename it",
                    );
                } else if !(1..=128).contains(&key.chars().count()) {
                    fault(
                        true,
                        "the key of a tag has 1 to 128 characters".to_owned(),
                        "shorten it",
                    );
                } else if !is_allowed(key) {
                    fault(
                        true,
                        format!(
                            "the tag {} contains characters that AWS refuses",
                            quote(key)
                        ),
                        characters,
                    );
                }
                if value.chars().count() > 256 {
                    fault(
                        false,
                        format!(
                            "the value of the tag {} has more than 256 characters",
                            quote(key)
                        ),
                        "shorten it",
                    );
                } else if !is_allowed(value) {
                    fault(
                        false,
                        format!(
                            "the value of the tag {} contains characters that AWS refuses",
                            quote(key)
                        ),
                        characters,
                    );
                }
            }
        }
    }
}

fn is_allowed(text: &str) -> bool {
    text.chars()
        .all(|character| character.is_alphanumeric() || " _.:/=+-@".contains(character))
}
