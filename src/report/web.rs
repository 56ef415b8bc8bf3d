//! The frame of a page: no other file, no network, readable without a script.
//!
//! A page carries a content security policy that allows the digests of its own style and script and nothing else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::escape;

const STYLE: &str = include_str!("web/page.css");

/// A whole page. `style` comes after the style that all pages share; both and the script are put in as they are.
pub(super) fn page(title: &str, style: &str, script: Option<&str>, body: &Markup) -> String {
    let style = format!("{STYLE}{style}");
    let scripts = script.map_or_else(
        || "'none'".to_owned(),
        |script| format!("'{}'", source(script)),
    );
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src {scripts}; base-uri 'none'; form-action 'none'",
        source(&style)
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(&style)) }
            }
            body {
                div.wrap { (body) }
                @if let Some(script) = script { script { (PreEscaped(script)) } }
            }
        }
    };
    // At the end, for the whole page: no text can be forgotten.
    escape::page(&page.into_string())
}

/// The digest by which a policy allows a style or a script.
fn source(text: &str) -> String {
    format!(
        "sha256-{}",
        STANDARD.encode(Sha256::digest(text.as_bytes()))
    )
}

/// A sentence of a message: what it quotes is code.
pub(super) fn sentence(text: &str) -> Markup {
    html! {
        @for (is_quoted, part) in escape::parts(text) {
            @if is_quoted { code { (part) } } @else { (part) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Otherwise its digest would not be the one in the policy.
    #[test]
    fn a_page_leaves_its_style_as_it_is() {
        assert_eq!(escape::page(STYLE), STYLE);
    }
}
