//! What a text changes in the session: where names are looked up, and with whose rights it goes on.
//!
//! A name that stands without its schema means what `search_path` finds first. So a text that changes it can put
//! somebody's own type or function behind a name that an exclusion lists. `SET ROLE` is the last that is heard of a
//! session whose membership is taken away afterwards: pgAudit skips what it does then.

use super::token::{Kind, Token, Tokens};

/// What a text changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// `search_path`, to other schemas than the usual ones.
    pub(crate) path: bool,
    pub(crate) role: bool,
}

/// A value of `set_config` that names no schema, though the setting's name is computed: pg_dump switches off the
/// expansion of views (`setupDumpWorker` in pg_dump.c).
const NO_PATH: &[u8] = b"'view, foreign-table'";

impl Changes {
    /// Reads a text. One that cannot be read may change anything.
    pub(crate) fn of(text: &[u8]) -> Self {
        let mut reader = Reader {
            text,
            tokens: Tokens::of(text),
            changes: Self::default(),
        };
        if reader.run().is_none() {
            reader.changes.path = true;
        }
        reader.changes
    }
}

struct Reader<'t> {
    text: &'t [u8],
    tokens: Tokens<'t>,
    changes: Changes,
}

impl<'t> Reader<'t> {
    /// Nothing where the tokens of the text cannot be told.
    fn run(&mut self) -> Option<()> {
        let mut is_first = true;
        while let Some(token) = self.next()? {
            if is_first && self.is(token, b"set") {
                self.set()?;
            } else if self.is(token, b"update") {
                self.update()?;
            } else if self.is(token, b"set_config") && self.is_open(self.ahead()?) {
                self.set_config()?;
            }
            is_first = token.kind == Kind::Mark(b';');
        }
        Some(())
    }

    /// The next token; nothing where it cannot be told.
    fn next(&mut self) -> Option<Option<Token>> {
        self.tokens.next().ok()
    }

    /// The next token, which is not passed.
    fn ahead(&self) -> Option<Option<Token>> {
        let mut tokens = self.tokens;
        tokens.next().ok()
    }

    fn written(&self, token: Token) -> &'t [u8] {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    /// Whether a token is this name, with quotes or without: settings are looked up without regard to letter case.
    fn is(&self, token: Token, name: &[u8]) -> bool {
        let written = self.written(token);
        match token.kind {
            Kind::Word => written.eq_ignore_ascii_case(name),
            Kind::Quoted => {
                inside(written, b'"').is_some_and(|inside| inside.eq_ignore_ascii_case(name))
            }
            _ => false,
        }
    }

    fn is_open(&self, token: Option<Token>) -> bool {
        token.is_some_and(|token| token.kind == Kind::Mark(b'('))
    }

    fn is_comma(&self, token: Option<Token>) -> bool {
        token.is_some_and(|token| token.kind == Kind::Mark(b','))
    }

    /// `SET [SESSION | LOCAL] name …`.
    fn set(&mut self) -> Option<()> {
        let Some(mut name) = self.next()? else {
            return Some(());
        };
        if self.is(name, b"session") || self.is(name, b"local") {
            match self.next()? {
                Some(behind) => name = behind,
                None => return Some(()),
            }
        }
        if self.is(name, b"search_path") || self.is(name, b"schema") {
            self.changes.path |= !self.is_usual_path()?;
        } else if self.is(name, b"role")
            || self.is(name, b"authorization")
            || self.is(name, b"session_authorization")
        {
            self.changes.role |= !self.is_value(&[b"none", b"default"])?;
        }
        Some(())
    }

    /// Whether what follows, up to the end of the statement, names usual schemas and nothing else.
    fn is_usual_path(&mut self) -> Option<bool> {
        self.pass_sign()?;
        let mut names = Vec::new();
        loop {
            let Some(value) = self.next()? else {
                return Some(false);
            };
            let written = self.written(value);
            // Letter case matters but for a plain word.
            let name = match value.kind {
                Kind::Word => Some(written.to_ascii_lowercase()),
                Kind::Quoted => inside(written, b'"').map(<[u8]>::to_vec),
                Kind::Text => inside(written, b'\'').map(<[u8]>::to_vec),
                _ => None,
            };
            let Some(name) = name else {
                return Some(false);
            };
            names.push(name);
            match self.next()? {
                Some(token) if token.kind == Kind::Mark(b',') => {}
                None => break,
                Some(token) if token.kind == Kind::Mark(b';') => break,
                Some(_) => return Some(false),
            }
        }
        let is_default = matches!(names.as_slice(), [name] if name == b"default");
        Some(is_default || is_usual(names))
    }

    /// `=` or `TO`, if it is there.
    fn pass_sign(&mut self) -> Option<()> {
        if let Some(sign) = self.ahead()?
            && (self.written(sign) == b"=" || self.is(sign, b"to"))
        {
            self.next()?;
        }
        Some(())
    }

    /// Whether what follows, up to the end of the statement, is one of these values and nothing else.
    fn is_value(&mut self, known: &[&[u8]]) -> Option<bool> {
        self.pass_sign()?;
        let Some(value) = self.next()? else {
            return Some(false);
        };
        let is_last = self
            .ahead()?
            .is_none_or(|token| token.kind == Kind::Mark(b';'));
        let is_known = known.iter().any(|known| {
            self.is(value, known)
                || (value.kind == Kind::Text
                    && inside(self.written(value), b'\'').is_some_and(|inside| inside == *known))
        });
        Some(is_last && is_known)
    }

    /// `UPDATE pg_settings SET …` calls `set_config` by a rule, and its record names `pg_settings` as one that is read.
    fn update(&mut self) -> Option<()> {
        let mut tokens = self.tokens;
        for _ in 0..4 {
            match tokens.next().ok()? {
                Some(token) if self.is(token, b"pg_settings") => self.changes.path = true,
                Some(_) => {}
                None => break,
            }
        }
        Some(())
    }

    /// `set_config(name, value, is_local)`.
    fn set_config(&mut self) -> Option<()> {
        self.next()?;
        let Some(name) = self.next()? else {
            return Some(());
        };
        let setting = match name.kind {
            Kind::Text => inside(self.written(name), b'\''),
            _ => None,
        };
        let comma = self.ahead()?;
        let mut behind = self.tokens;
        let is_comma = self.is_comma(comma) && behind.next().is_ok();
        let value = behind.next().ok()?.filter(|value| value.kind == Kind::Text);
        let is_whole = self.is_comma(behind.next().ok()?);
        let value = value
            .filter(|_| is_comma && is_whole)
            .map(|value| self.written(value));
        match setting.filter(|_| is_comma) {
            Some(setting) if setting.eq_ignore_ascii_case(b"search_path") => {
                let path = value.and_then(|value| inside(value, b'\''));
                self.changes.path |= !path.is_some_and(|path| {
                    is_usual(path.split(|byte| *byte == b',').map(|name| {
                        let name = name.trim_ascii();
                        inside(name, b'"').map_or_else(|| name.to_ascii_lowercase(), <[u8]>::to_vec)
                    }))
                });
            }
            Some(setting)
                if setting.eq_ignore_ascii_case(b"role")
                    || setting.eq_ignore_ascii_case(b"session_authorization") =>
            {
                self.changes.role |= value != Some(b"'none'");
            }
            Some(_) => {}
            None => self.changes.path |= value != Some(NO_PATH),
        }
        Some(())
    }
}

/// Whether a path names no schemas but those that PostgreSQL looks in by default, `"$user", public`, and its own as the
/// first. Then every name means what it means in a session that changes nothing (PostgreSQL, "Schemas", 5.9.3 and 5.9.5).
fn is_usual(names: impl IntoIterator<Item = Vec<u8>>) -> bool {
    names
        .into_iter()
        .enumerate()
        .all(|(at, name)| match name.as_slice() {
            b"" | b"public" | b"$user" => true,
            b"pg_catalog" => at == 0,
            _ => false,
        })
}

/// What stands between quotes, where nothing in it means anything else.
fn inside(written: &[u8], quote: u8) -> Option<&[u8]> {
    let inside = written.strip_prefix(&[quote])?.strip_suffix(&[quote])?;
    (!inside.contains(&quote) && !inside.contains(&b'\\')).then_some(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(text: &str) -> (bool, bool) {
        let changes = Changes::of(text.as_bytes());
        (changes.path, changes.role)
    }

    #[test]
    fn what_looks_names_up_elsewhere_is_found() {
        for text in [
            "SET search_path = evil, pg_catalog",
            "set Search_Path to evil",
            "SET SESSION search_path TO 'sales'",
            "BEGIN; SET LOCAL \"SEARCH_PATH\" = evil",
            "set schema 'evil'",
            "set search_path = pg_catalog, evil",
            "set search_path = '', evil",
            "set search_path from current",
            "set search_path = public, pg_catalog",
            "set search_path = \"PUBLIC\"",
            "set search_path = 'public, evil'",
            "set search_path = public, evil",
            "select set_config('search_path', 'public, evil', false)",
            "select set_config('search_path', '\"Public\"', false)",
            "set U&\"search\\005fpath\" = evil",
            "select set_config('search_path', 'evil', false)",
            "select pg_catalog . set_config /**/ ('SEARCH_PATH', $1, false)",
            "select set_config('search' || '_path', 'evil', false)",
            "select set_config('search'\n'_path', 'evil', false)",
            "select set_config(E'search\\x5fpath', 'evil', false)",
            "select set_config($$search_path$$, 'evil', false)",
            "select set_config(name, 'evil', false) from pg_settings",
            "select set_config(is_local => false, new_value => 'evil', setting_name => 'search_path')",
            "select \"set_config\"('search_path', 'evil', false)",
            "select set_config($1, $2, $3)",
            "update pg_settings set setting = 'evil'",
            "with a as (select 1) update only pg_catalog.\"pg_settings\" s set setting = 'evil'",
            "select set_config('search_path', '' || 'evil', false)",
            "select set_config('a', 'b', false), set_config('search_path', 'evil', false)",
        ] {
            assert_eq!(changes(text), (true, false), "{text}");
        }
    }

    #[test]
    fn what_takes_another_role_is_found() {
        for text in [
            "SET ROLE support",
            "set local role to 'support'",
            "set session role support",
            "set \"role\" = support",
            "set session authorization bob",
            "select set_config('role', 'support', false)",
            "select 1; set role support",
        ] {
            assert_eq!(changes(text), (false, true), "{text}");
        }
    }

    #[test]
    fn what_changes_neither_is_quiet() {
        for text in [
            "SET DateStyle=ISO; SET client_min_messages=notice; SELECT set_config('bytea_output','hex',false) FROM pg_show_all_settings()",
            "SELECT pg_catalog.set_config('search_path', '', false);\n",
            "SELECT set_config(name, 'view, foreign-table', false) FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind'",
            "set search_path to default",
            "set search_path = pg_catalog;",
            "SET search_path = \"public\"",
            "SET SEARCH_PATH TO public, \"$user\",\"public\"",
            "set search_path to 'public'",
            "set search_path = pg_catalog, public",
            "select set_config('search_path', '\"$user\", PUBLIC', false)",
            "set session characteristics as transaction read only",
            "set role none",
            "reset role",
            "set time zone interval '+00:00' hour to minute",
            "select 'set search_path = evil'",
            "select set_config",
            "",
        ] {
            assert_eq!(changes(text), (false, false), "{text}");
        }
    }
}
