//! The open places of a regular expression: texts that match it, and the places in them that can hold other text.

use std::ops::Range;

use regex_syntax::hir::{Class, Hir, HirKind};

/// A hole is a repetition of a class that may take at least this many characters.
const ROOM: u32 = 8;

/// Longest text that is built, in bytes.
const LONGEST: usize = 4_000;

/// A text that matches an expression, with its holes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    text: String,
    /// Where the holes are in the text, with their shortest fill.
    holes: Vec<Range<usize>>,
}

impl Template {
    /// The text with every hole filled as shortly as may be.
    pub fn text(&self) -> String {
        self.text.clone()
    }

    /// Text before, fill and text after, for each hole.
    pub fn holes(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.holes.iter().filter_map(|hole| {
            Some((
                self.text.get(..hole.start)?,
                self.text.get(hole.clone())?,
                self.text.get(hole.end..)?,
            ))
        })
    }
}

/// Texts that match the expression, in at most `most` readings of its alternatives. Doubled quotes,
/// as the log has them, are made single again.
pub fn templates(expression: &str, most: usize) -> Vec<Template> {
    let Ok(hir) = regex_syntax::ParserBuilder::new()
        .case_insensitive(false)
        .build()
        .parse(expression)
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for choice in 0..most {
        let mut template = Template::default();
        walk(&hir, choice, &mut template);
        unquote(&mut template);
        if template.text.len() <= LONGEST && !found.contains(&template) {
            found.push(template);
        }
    }
    found
}

fn walk(hir: &Hir, choice: usize, template: &mut Template) {
    if template.text.len() > LONGEST {
        return;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => template.text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => template.text.push(representative(class)),
        HirKind::Capture(capture) => walk(&capture.sub, choice, template),
        HirKind::Concat(parts) => parts.iter().for_each(|part| walk(part, choice, template)),
        HirKind::Alternation(branches) => {
            let index = choice % branches.len().max(1);
            if let Some(branch) = branches.get(index) {
                walk(branch, choice, template);
            }
        }
        HirKind::Repetition(repetition) => {
            let has_room = repetition.max.is_none_or(|most| most >= ROOM);
            let is_class = matches!(repetition.sub.kind(), HirKind::Class(_));
            let start = template.text.len();
            // Each other reading takes what may be left out.
            let times = match repetition.min {
                0 if !has_room && choice % 2 == 1 => 1,
                least => least,
            };
            for _ in 0..times {
                walk(&repetition.sub, choice, template);
            }
            // A run of white space holds nothing but comments, which are no white space.
            if has_room && (!is_class || holds_letters(&repetition.sub)) {
                template.holes.push(start..template.text.len());
            }
        }
    }
}

fn holds_letters(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Class(class) => holds(class, 'a') || holds(class, 'A'),
        _ => false,
    }
}

fn holds(class: &Class, wanted: char) -> bool {
    match class {
        Class::Unicode(class) => class
            .iter()
            .any(|range| (range.start()..=range.end()).contains(&wanted)),
        Class::Bytes(class) => u8::try_from(wanted).is_ok_and(|wanted| {
            class
                .iter()
                .any(|range| (range.start()..=range.end()).contains(&wanted))
        }),
    }
}

/// The plainest character of a class.
fn representative(class: &Class) -> char {
    ['a', 'A', '1', ' ', '_', '=', ';']
        .into_iter()
        .find(|wanted| holds(class, *wanted))
        .or_else(|| match class {
            Class::Unicode(class) => class.iter().next().map(|range| range.start()),
            Class::Bytes(class) => class.iter().next().map(|range| char::from(range.start())),
        })
        .unwrap_or(' ')
}

/// The text of a record doubles its quotes; what a person sends has them once.
fn unquote(template: &mut Template) {
    while let Some(at) = template.text.find("\"\"") {
        template.text.remove(at);
        for hole in &mut template.holes {
            if hole.start > at {
                hole.start -= 1;
            }
            if hole.end > at {
                hole.end -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_matches_its_expression_and_knows_its_holes() {
        for (expression, text, holes) in [
            (
                r"select \$1[ \t]+from [a-z_]+\([^;]*\)",
                "select $1 from a()",
                2,
            ),
            ("FETCH 1000 IN bloboid", "FETCH 1000 IN bloboid", 0),
            ("(?:a|b)c{2}[ab]{1,3}", "acca", 0),
            ("select 1[^;]*;?", "select 1", 1),
        ] {
            let templates = templates(expression, 1);
            assert_eq!(templates[0].text(), text);
            assert_eq!(templates[0].holes().count(), holes, "{expression}");
            let whole = format!("^(?:{expression})$");
            let regex = regex_automata::meta::Regex::new(&whole).unwrap();
            assert!(regex.is_match(&*templates[0].text()), "{expression}");
        }
        let both: Vec<String> = templates("(?:one|two)x?", 2)
            .iter()
            .map(Template::text)
            .collect();
        assert_eq!(both, ["one", "twox"]);
        assert_eq!(templates("\"\"x\"\" [a-z]*", 1)[0].text(), "\"x\" ");
        assert!(templates("(", 1).is_empty());
    }
}
