//! The password file of libpq: `hostname:port:database:username:password` in each line.
//!
//! Source: PostgreSQL's documentation, "The Password File".

/// The password of the first line that fits; `None` where none does.
pub(super) fn find(
    file: &str,
    host: &str,
    port: u16,
    database: &str,
    user: &str,
) -> Option<String> {
    let wanted = [host, &port.to_string(), database, user];
    file.lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let fields = fields(line);
            let (password, names) = fields.split_last()?;
            (names.len() == wanted.len()
                && names
                    .iter()
                    .zip(wanted)
                    .all(|(name, wanted)| name == "*" || name == wanted))
            .then(|| password.clone())
        })
}

/// The five fields of a line; a backslash stands before a `:` or a backslash that is part of one.
fn fields(line: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let text = match character {
            ':' if found.len() < 5 => {
                found.push(String::new());
                continue;
            }
            '\\' => characters.next().unwrap_or('\\'),
            other => other,
        };
        if let Some(last) = found.last_mut() {
            last.push(text);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn the_first_line_that_fits_counts() {
        let file =
            "# a comment\nother:5432:*:alice:no\n*:5432:shop:alice:a\\:b\\\\c\n*:*:*:*:last\n";
        let of = |host, port, database, user| find(file, host, port, database, user);
        assert_eq!(of("localhost", 5432, "shop", "alice").unwrap(), "a:b\\c");
        assert_eq!(of("localhost", 5433, "shop", "alice").unwrap(), "last");
        assert_eq!(of("other", 5432, "x", "alice").unwrap(), "no");
        assert_eq!(find("a:1:b:c", "a", 1, "b", "c"), None);
    }
}
