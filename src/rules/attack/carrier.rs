//! Places in a statement that can hold any text without a change of what the statement does.

/// A way to plant a text.
#[derive(Debug, Clone, Copy)]
pub struct Carrier {
    /// What a reviewer reads.
    pub name: &'static str,
    /// Tried in the bounded form too.
    pub bounded: bool,
    plant: fn(&str, &str) -> Option<String>,
}

impl Carrier {
    /// The statement with the text planted; `None` if the text cannot be put there.
    pub fn plant(&self, sql: &str, text: &str) -> Option<String> {
        (self.plant)(sql, text).map(|sql| super::corpus::plain(&sql))
    }
}

const fn carrier(
    name: &'static str,
    bounded: bool,
    plant: fn(&str, &str) -> Option<String>,
) -> Carrier {
    Carrier {
        name,
        bounded,
        plant,
    }
}

pub const ALL: &[Carrier] = &[
    carrier("a block comment after the statement", true, |sql, text| {
        commented(text).map(|text| format!("{sql} /* {text} */"))
    }),
    carrier("a block comment before the statement", true, |sql, text| {
        commented(text).map(|text| format!("/* {text} */ {sql}"))
    }),
    carrier(
        "a block comment inside the statement",
        false,
        |sql, text| {
            let text = commented(text)?;
            let (first, rest) = sql.split_once(' ')?;
            Some(format!("{first} /* {text} */ {rest}"))
        },
    ),
    carrier("a nested comment", false, |sql, text| {
        commented(text).map(|text| format!("/* a /* {text} */ b */ {sql}"))
    }),
    carrier("a line comment after the statement", false, |sql, text| {
        one_line(text).map(|text| format!("{sql} -- {text}"))
    }),
    carrier("a line comment before the statement", false, |sql, text| {
        one_line(text).map(|text| format!("-- {text}\n{sql}"))
    }),
    carrier(
        "a line comment that a carriage return ends",
        false,
        |sql, text| one_line(text).map(|text| format!("--{text}\r{sql}")),
    ),
    carrier("white space around the statement", false, |sql, text| {
        commented(text).map(|text| format!("\n\t \u{c}{sql}\r\n/*{text}*/\t;;"))
    }),
    carrier("capitals in a comment", false, |sql, text| {
        commented(text).map(|text| format!("{sql} /* {} */", text.to_uppercase()))
    }),
    carrier("small letters in a comment", false, |sql, text| {
        commented(text).map(|text| format!("{sql} /* {} */", text.to_lowercase()))
    }),
    carrier("a literal", true, |sql, text| {
        condition(sql, &format!("'{}' IS NOT NULL", single(text)))
    }),
    carrier("a literal with escapes", false, |sql, text| {
        condition(
            sql,
            &format!("E'\\'{}' IS NOT NULL", single(&text.replace('\\', "\\\\"))),
        )
    }),
    carrier("a dollar-quoted literal", false, |sql, text| {
        (!text.contains("$q$"))
            .then(|| condition(sql, &format!("$q${text}$q$ IS NOT NULL")))
            .flatten()
    }),
    carrier("a literal with unicode escapes", false, |sql, text| {
        (!text.contains('\\'))
            .then(|| condition(sql, &format!("U&'\\0061{}' IS NOT NULL", single(text))))
            .flatten()
    }),
    carrier("a cast", false, |sql, text| {
        condition(
            sql,
            &format!("'{}'::pg_catalog.text IS NOT NULL", single(text)),
        )
    }),
    carrier("the argument of a harmless call", false, |sql, text| {
        condition(
            sql,
            &format!("pg_catalog.lower('{}') IS NOT NULL", single(text)),
        )
    }),
    carrier("an alias", true, |sql, text| {
        let name = name(text)?;
        sql.contains("{as}")
            .then(|| sql.replace("{as}", &format!(" AS \"{name}\"")))
    }),
    carrier("an alias with unicode escapes", false, |sql, text| {
        let name = name(text).filter(|name| !name.contains('\\'))?;
        sql.contains("{as}")
            .then(|| sql.replace("{as}", &format!(" AS U&\"\\0061{name}\"")))
    }),
    carrier("the name of a CTE", false, |sql, text| {
        let name = name(text)?;
        sql.contains("{with}")
            .then(|| sql.replace("{with}", &format!("WITH \"{name}\" AS (SELECT 1) ")))
    }),
];

/// A text that can be put into a block comment.
fn commented(text: &str) -> Option<&str> {
    (!text.contains("/*") && !text.contains("*/") && !text.ends_with('*') && !text.ends_with('/'))
        .then_some(text)
}

fn one_line(text: &str) -> Option<&str> {
    (!text.contains(['\n', '\r'])).then_some(text)
}

/// A text that can be a quoted name: PostgreSQL keeps 63 bytes of it, the log all.
fn name(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.replace('"', "\"\""))
}

fn single(text: &str) -> String {
    text.replace('\'', "''")
}

fn condition(sql: &str, condition: &str) -> Option<String> {
    sql.contains("{true}")
        .then(|| sql.replace("{true}", condition))
}
