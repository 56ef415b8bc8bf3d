//! Numbers of things in words: one record, two records.

/// `1 record`, `2 records`, `0 entries`.
pub fn count<N: TryInto<u64>>(number: N, thing: &str) -> String {
    // What does not fit is more than one.
    let number = number.try_into().unwrap_or(u64::MAX);
    if number == 1 {
        return format!("1 {thing}");
    }
    format!("{number} {}", several(thing))
}

/// `record` or `records`.
pub fn plural<N: TryInto<u64>>(number: N, thing: &str) -> String {
    match number.try_into() {
        Ok(1) => thing.to_owned(),
        _ => several(thing),
    }
}

/// The word for more than one. The last word of several is the thing.
fn several(thing: &str) -> String {
    if let Some(before) = thing.strip_suffix("person") {
        return format!("{before}people");
    }
    let ends = |end: &[&str]| end.iter().any(|end| thing.ends_with(end));
    if ends(&["ay", "ey", "oy"]) {
        return format!("{thing}s");
    }
    if let Some(stem) = thing.strip_suffix('y') {
        return format!("{stem}ies");
    }
    if ends(&["s", "x", "ch", "sh"]) {
        return format!("{thing}es");
    }
    format!("{thing}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_several() {
        for (number, thing, expected) in [
            (1, "record", "1 record"),
            (0, "record", "0 records"),
            (2, "entry", "2 entries"),
            (2, "day", "2 days"),
            (2, "near miss", "2 near misses"),
            (12, "person", "12 people"),
            (1, "person", "1 person"),
            (2, "query", "2 queries"),
            (3, "service account", "3 service accounts"),
        ] {
            assert_eq!(count(number, thing), expected);
        }
        assert_eq!(plural(1, "step"), "step");
        assert_eq!(plural(3, "step"), "steps");
    }
}
