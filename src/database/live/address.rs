//! Parameters of a database's address that the protocol's crate does not know, taken out of the text.

/// The address without the parameters, and their values.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Address {
    /// What the crate reads.
    pub(super) rest: String,
    /// `sslmode`.
    pub(super) mode: Option<String>,
    /// `sslrootcert`.
    pub(super) roots: Option<String>,
}

impl Address {
    /// Reads a URL, or a list of `name=value`.
    pub(super) fn of(text: &str) -> Self {
        if text.starts_with("postgresql://") || text.starts_with("postgres://") {
            Self::of_url(text)
        } else {
            Self::of_list(text)
        }
    }

    fn take(&mut self, name: &str, value: String) -> bool {
        match name {
            "sslmode" => self.mode = Some(value),
            "sslrootcert" => self.roots = Some(value),
            _ => return false,
        }
        true
    }

    fn of_url(text: &str) -> Self {
        let mut address = Self::default();
        let Some((place, query)) = text.split_once('?') else {
            text.clone_into(&mut address.rest);
            return address;
        };
        let mut kept = Vec::new();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !address.take(name, decoded(value)) {
                kept.push(pair);
            }
        }
        place.clone_into(&mut address.rest);
        if !kept.is_empty() {
            address.rest.push('?');
            address.rest.push_str(&kept.join("&"));
        }
        address
    }

    /// Values may stand in `'…'`, where a backslash makes the next character literal (libpq, "Keyword/Value
    /// Connection Strings").
    fn of_list(text: &str) -> Self {
        let mut address = Self::default();
        let mut rest = text;
        loop {
            rest = rest.trim_start();
            let Some((name, after)) = rest.split_once('=') else {
                address.rest.push_str(rest);
                return address;
            };
            let after = after.trim_start();
            let (value, length) = value(after);
            let (raw, next) = after.split_at_checked(length).unwrap_or((after, ""));
            if !address.take(name.trim(), value) {
                address.rest.push_str(&format!("{}={raw} ", name.trim()));
            }
            rest = next;
        }
    }
}

/// A value, and how many bytes of the text it takes.
fn value(text: &str) -> (String, usize) {
    let is_quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut characters = text.char_indices().skip(usize::from(is_quoted));
    while let Some((index, character)) = characters.next() {
        match character {
            '\'' if is_quoted => return (value, index + 1),
            '\\' => value.extend(characters.next().map(|(_, next)| next)),
            _ if !is_quoted && character.is_whitespace() => return (value, index),
            _ => value.push(character),
        }
    }
    (value, text.len())
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (first, byte) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn what_tls_needs_is_taken_out() {
        for (text, rest, mode, roots) in [
            (
                "postgresql://a@h/d?sslmode=verify-full&connect_timeout=3&sslrootcert=%2Fca%20x.pem",
                "postgresql://a@h/d?connect_timeout=3",
                Some("verify-full"),
                Some("/ca x.pem"),
            ),
            (
                "postgres://a@h/d?sslmode=require",
                "postgres://a@h/d",
                Some("require"),
                None,
            ),
            ("postgres://a@h/d", "postgres://a@h/d", None, None),
            (
                "host=h sslmode = verify-ca sslrootcert='/a b\\'c.pem' password='x sslmode=disable'",
                "host=h password='x sslmode=disable' ",
                Some("verify-ca"),
                Some("/a b'c.pem"),
            ),
            (
                "host=h user='a\\\\' sslmode=disable",
                "host=h user='a\\\\' ",
                Some("disable"),
                None,
            ),
            ("nonsense", "nonsense", None, None),
        ] {
            let address = Address::of(text);
            assert_eq!(address.rest, rest, "{text}");
            assert_eq!(address.mode.as_deref(), mode, "{text}");
            assert_eq!(address.roots.as_deref(), roots, "{text}");
        }
    }
}
