//! The stages of a query as text, before anything of it is understood: one that cannot be read must not keep the others from it.

use std::ops::Range;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Its place, without the bars around it.
    pub span: Range<usize>,
    /// Its command, in small letters; empty where it begins with none.
    pub command: String,
}

/// Commands after which a query no longer sees lines of the log, but what was made of them.
const GATHERS: [&str; 5] = ["stats", "pattern", "diff", "anomaly", "rare"];

impl Stage {
    /// Whether it is a condition.
    pub fn is_condition(&self) -> bool {
        matches!(self.command.as_str(), "filter" | "where")
    }

    /// Whether it makes fields that a condition may look at.
    pub fn makes_fields(&self) -> bool {
        matches!(self.command.as_str(), "fields" | "parse")
    }

    /// Whether no log line reaches the stages after it.
    pub fn gathers(&self) -> bool {
        GATHERS.contains(&self.command.as_str())
    }
}

/// The stages of a query.
pub fn stages(text: &str) -> Vec<Stage> {
    let mut stages = Vec::new();
    let mut start = 0;
    let mut close = None;
    let mut is_escaped = false;
    let mut has_text = false;
    for (at, sign) in text.char_indices() {
        if is_escaped {
            is_escaped = false;
            continue;
        }
        if let Some(end) = close {
            match sign {
                '\\' if end != '\n' => is_escaped = true,
                _ if sign == end => close = None,
                _ => {}
            }
            continue;
        }
        let before = text.get(start..at).unwrap_or_default();
        match sign {
            '"' | '\'' | '`' => close = Some(sign),
            '#' if before
                .rsplit('\n')
                .next()
                .is_none_or(|line| line.trim().is_empty()) =>
            {
                close = Some('\n');
                continue;
            }
            '/' if begins_expression(before) => close = Some('/'),
            '|' => {
                stages.push(stage(text, start..at));
                start = at + 1;
                has_text = false;
                continue;
            }
            _ => {}
        }
        has_text |= !sign.is_whitespace();
    }
    if has_text {
        stages.push(stage(text, start..text.len()));
    }
    stages
}

/// Whether a slash after this text begins a regular expression; otherwise it is a division.
fn begins_expression(before: &str) -> bool {
    let before = before.trim_end();
    let word = before
        .rsplit(|sign: char| !sign.is_alphanumeric())
        .next()
        .unwrap_or_default()
        .to_lowercase();
    word == "like" || word == "parse" || before.ends_with(['~', '(', ',']) || {
        // `parse @message /…/`
        let mut words = before.split_whitespace();
        words
            .next()
            .is_some_and(|first| first.eq_ignore_ascii_case("parse"))
            && words.count() == 1
    }
}

fn stage(text: &str, span: Range<usize>) -> Stage {
    let command = text
        .get(span.clone())
        .unwrap_or_default()
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .and_then(|line| line.split(|sign: char| !sign.is_ascii_alphabetic()).next())
        .unwrap_or_default()
        .to_lowercase();
    Stage { span, command }
}

/// The text with these stages alone, each in its place: everything else is blank.
pub fn only(text: &str, stages: &[&Stage]) -> String {
    let mut kept: Vec<u8> = text
        .bytes()
        .map(|byte| if byte == b'\n' { b'\n' } else { b' ' })
        .collect();
    for (index, stage) in stages.iter().enumerate() {
        let source = text.as_bytes().get(stage.span.clone());
        if let (Some(place), Some(source)) = (kept.get_mut(stage.span.clone()), source) {
            place.copy_from_slice(source);
        }
        let bar = stage.span.start.checked_sub(1).filter(|_| index > 0);
        if let Some(bar) = bar.and_then(|bar| kept.get_mut(bar)) {
            *bar = b'|';
        }
    }
    // Whole characters were copied, or none of their bytes.
    String::from_utf8(kept).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_in_texts_part_nothing() {
        let text = "SOURCE '/aws/rds | x' | fields a / 2 as b\n# c | d\n| filter @message like /a|\\/b/ and x = \"|\" | stats count(*) by bin(5m)";
        let commands: Vec<String> = stages(text)
            .into_iter()
            .map(|stage| stage.command)
            .collect();
        assert_eq!(commands, ["source", "fields", "filter", "stats"]);
        assert!(stages("").is_empty());
    }

    #[test]
    fn what_is_kept_stays_in_its_place() {
        let text = "sort é\n| filter a\n| limit 1";
        let all = stages(text);
        let kept = only(text, &[&all[1]]);
        assert_eq!(kept.len(), text.len());
        assert_eq!(kept.find("filter a"), text.find("filter a"));
        assert_eq!(kept.trim(), "filter a");
        assert_eq!(
            only(text, &[&all[0], &all[2]]).trim_end(),
            "sort é\n          \n| limit 1"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_cut_without_panic(text in "[ -~\n\"'|#/\\\\é]{0,120}") {
            let all = stages(&text);
            let some: Vec<&Stage> = all.iter().step_by(2).collect();
            assert_eq!(only(&text, &some).len(), text.len());
        }
    }
}
