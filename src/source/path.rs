//! Routes into a document, and the places they lead to.

use std::fmt;
use std::sync::Arc;

use super::files::Place;
use super::yaml::{Kind, Node};

/// A route from the root of a document, as in `/users/0/role`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocPath(Vec<String>);

impl DocPath {
    pub fn root() -> Self {
        Self::default()
    }

    /// Reads a JSON pointer.
    pub fn from_pointer(pointer: &str) -> Self {
        Self(
            pointer
                .split('/')
                .skip(1)
                .map(|part| part.replace("~1", "/").replace("~0", "~"))
                .collect(),
        )
    }

    /// The route one key or index further.
    #[must_use]
    pub fn then(&self, part: impl fmt::Display) -> Self {
        let mut parts = self.0.clone();
        parts.push(part.to_string());
        Self(parts)
    }

    /// The route to what holds this, and the last part.
    pub fn split_last(&self) -> Option<(Self, &str)> {
        let (last, parts) = self.0.split_last()?;
        Some((Self(parts.to_vec()), last))
    }

    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// Says whether this is the other route or leads on from it.
    pub fn starts_with(&self, other: &DocPath) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The route from another that this one leads on from.
    #[must_use]
    pub fn below(&self, other: &DocPath) -> Self {
        Self(self.0.iter().skip(other.0.len()).cloned().collect())
    }

    /// The last key of the route that is not an index, for messages.
    pub fn name(&self) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|part| part.parse::<usize>().is_err())
            .map(String::as_str)
    }
}

impl fmt::Display for DocPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|part| write!(f, "/{}", part.replace('~', "~0").replace('/', "~1")))
    }
}

/// `"match/class/0"`, for routes whose keys hold no slash.
impl From<&str> for DocPath {
    fn from(text: &str) -> Self {
        Self(
            text.split('/')
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect(),
        )
    }
}

/// Which half of a mapping's entry a route means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Key,
    /// What is worth underlining: a scalar itself, the key of a collection.
    Value,
}

impl Node {
    /// The node at a route.
    pub fn at(&self, path: &DocPath) -> Option<&Node> {
        path.parts()
            .iter()
            .try_fold(self, |node, part| node.child(part))
    }

    /// The node at a route, to change it.
    pub fn at_mut(&mut self, path: &DocPath) -> Option<&mut Node> {
        path.parts()
            .iter()
            .try_fold(self, |node, part| match &mut node.kind {
                Kind::Mapping(entries) => entries
                    .iter_mut()
                    .find(|entry| entry.key == *part)
                    .map(|entry| &mut entry.value),
                Kind::Sequence(items) => items.get_mut(part.parse::<usize>().ok()?),
                Kind::Scalar(_) | Kind::Invalid => None,
            })
    }

    fn child(&self, part: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Mapping(entries) => entries
                .iter()
                .find(|entry| entry.key == part)
                .map(|entry| &entry.value),
            Kind::Sequence(items) => items.get(part.parse::<usize>().ok()?),
            Kind::Scalar(_) | Kind::Invalid => None,
        }
    }

    /// The place to underline for a route; where the route ends early, for what there is of it.
    pub fn locate(&self, path: &DocPath, part: Part) -> Place {
        let mut node = self;
        let mut key = None;
        for step in path.parts() {
            let (next_key, next) = match &node.kind {
                Kind::Mapping(entries) => match entries.iter().find(|entry| entry.key == *step) {
                    Some(entry) => (Some(&entry.key_place), &entry.value),
                    None => return key.map_or_else(|| node.head(), Place::clone),
                },
                Kind::Sequence(items) => match step
                    .parse::<usize>()
                    .ok()
                    .and_then(|index| items.get(index))
                {
                    Some(item) => (None, item),
                    None => return key.map_or_else(|| node.head(), Place::clone),
                },
                Kind::Scalar(_) | Kind::Invalid => return node.head(),
            };
            key = next_key;
            node = next;
        }
        match (key, part, &node.kind) {
            (Some(key), Part::Key, _) => key.clone(),
            (Some(key), Part::Value, Kind::Mapping(_) | Kind::Sequence(_)) => key.clone(),
            (Some(key), Part::Value, _) if node.place.span.is_empty() => key.clone(),
            (_, _, Kind::Scalar(_) | Kind::Invalid) => node.place.clone(),
            _ => node.head(),
        }
    }

    /// The first line's worth of a node: the first key and its scalar, the first item, the scalar.
    pub fn head(&self) -> Place {
        match &self.kind {
            Kind::Mapping(entries) => match entries.first() {
                Some(entry) => match &entry.value.kind {
                    Kind::Scalar(scalar) if scalar.verbatim.is_some() => Place::new(
                        self.place.file,
                        entry.key_place.span.start..entry.value.place.span.end,
                    ),
                    _ => entry.key_place.clone(),
                },
                None => self.place.clone(),
            },
            Kind::Sequence(items) => items.first().map_or_else(|| self.place.clone(), Node::head),
            Kind::Scalar(_) | Kind::Invalid => self.place.clone(),
        }
    }
}

/// Where the parts of one entry of the policy stand: cheap to clone, empty where nothing was written.
#[derive(Clone, Default)]
pub struct Places(Option<Arc<Node>>);

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Places(…)")
    }
}

impl Places {
    /// The places of a tree.
    pub fn new(node: Node) -> Self {
        Self(Some(Arc::new(node)))
    }

    /// What to underline for a value: the scalar, the key of a collection, what there is of a route.
    pub fn value(&self, path: impl Into<DocPath>) -> Place {
        self.0.as_ref().map_or_else(Place::default, |node| {
            node.locate(&path.into(), Part::Value)
        })
    }

    /// The key of a value.
    pub fn key(&self, path: impl Into<DocPath>) -> Place {
        self.0
            .as_ref()
            .map_or_else(Place::default, |node| node.locate(&path.into(), Part::Key))
    }

    /// The `index`th of a value that is written as a scalar or as a list.
    pub fn item(&self, path: &str, index: usize) -> Place {
        let path = DocPath::from(path);
        match self
            .0
            .as_ref()
            .and_then(|node| node.at(&path))
            .map(|node| &node.kind)
        {
            Some(Kind::Sequence(_)) => self.value(path.then(index)),
            _ => self.value(path),
        }
    }

    /// A part of an item's text, where the file has it letter by letter on one line; else the whole item.
    pub fn item_part(&self, path: &str, index: usize, part: std::ops::Range<usize>) -> Place {
        let path = DocPath::from(path);
        let node = self
            .0
            .as_ref()
            .and_then(|node| node.at(&path))
            .and_then(|node| match &node.kind {
                Kind::Sequence(items) => items.get(index),
                _ => Some(node),
            });
        if let Some(node) = node
            && let Kind::Scalar(scalar) = &node.kind
            && let Some(start) = scalar.verbatim
            && part.end <= scalar.text.len()
            && part.start < part.end
        {
            return Place::new(node.place.file, start + part.start..start + part.end);
        }
        self.item(path.to_string().as_str(), index)
    }

    /// Says whether a value is written.
    pub fn has(&self, path: impl Into<DocPath>) -> bool {
        self.0
            .as_ref()
            .is_some_and(|node| node.at(&path.into()).is_some())
    }
}
