//! Built-in sets of names for `{set: NAME}`: one file each under `sets/`, one name a line, `#`
//! begins a comment that says where the names come from.

#[derive(Debug, Clone, Copy)]
pub struct Set {
    pub name: &'static str,
    text: &'static str,
}

pub const ALL: &[Set] = &[
    Set {
        name: "catalog-metadata",
        text: include_str!("sets/catalog-metadata.txt"),
    },
    Set {
        name: "information-schema",
        text: include_str!("sets/information-schema.txt"),
    },
    Set {
        name: "harmless-functions",
        text: include_str!("sets/harmless-functions.txt"),
    },
    Set {
        name: "aurora-functions",
        text: include_str!("sets/aurora-functions.txt"),
    },
    Set {
        name: "harmless-types",
        text: include_str!("sets/harmless-types.txt"),
    },
    Set {
        name: "information-schema-functions",
        text: include_str!("sets/information-schema-functions.txt"),
    },
];

impl Set {
    /// The names in it, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.text
            .lines()
            .map(|line| line.split_once('#').map_or(line, |(name, _)| name).trim())
            .filter(|name| !name.is_empty())
    }
}

/// The set of that name.
pub fn find(name: &str) -> Option<&'static Set> {
    ALL.iter().find(|set| set.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_has_names_and_each_once() {
        for set in ALL {
            let mut names: Vec<_> = set.names().collect();
            assert!(!names.is_empty(), "{}", set.name);
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{}", set.name);
        }
    }
}
