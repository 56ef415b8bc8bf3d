//! What is deleted because `--prune` names it: whole addresses, or patterns for resources that are certainly ours.

use std::collections::BTreeSet;

use super::document::{Document, Kind};
use super::plan::{Action, Plan, PlanError, Planned, Survey, compare, same_place, with_room};
use super::port::{Found, Identity, Reader};
use super::rules;

/// Addresses and patterns that were named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prune {
    addresses: BTreeSet<String>,
    patterns: BTreeSet<String>,
}

/// A pattern that could mean more than its author thinks of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the pattern `{0}` does not name its cluster: write it as in `orders/*` or `orders/alarm/*`"
)]
pub struct TooWide(pub String);

impl Prune {
    /// Reads what was named. A `*` stands for any text, and never for a part of the cluster.
    pub fn parse(texts: &[String]) -> Result<Self, TooWide> {
        let mut prune = Self::default();
        for text in texts {
            if !text.contains('*') {
                prune.addresses.insert(text.clone());
                continue;
            }
            match text.split_once('/') {
                Some((cluster, _)) if !cluster.is_empty() && !cluster.contains('*') => {
                    prune.patterns.insert(text.clone());
                }
                _ => return Err(TooWide(text.clone())),
            }
        }
        Ok(prune)
    }

    /// Says whether every name is a whole address.
    pub fn is_explicit(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Says whether nothing was named.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.patterns.is_empty()
    }

    /// The addresses that are meant. A pattern stands for what no file asks for and still is as it was last
    /// applied, and neither for keys, their names and topics nor for log groups. One that stands for nothing is
    /// told as an address that is not there.
    fn resolve(&self, documents: &[&Document], found: &[Found]) -> BTreeSet<String> {
        let asked: BTreeSet<&str> = documents
            .iter()
            .map(|document| document.address.as_str())
            .collect();
        let mut addresses = self.addresses.clone();
        for pattern in &self.patterns {
            let mut is_used = false;
            for found in found {
                let is_ours = found.digest.is_some() && found.digest == found.applied;
                let is_free = found
                    .kind
                    .is_some_and(|kind| !kind.is_protected() && !kind.is_kept_unless_named());
                let is_extra = !asked.contains(found.address.as_str());
                if is_ours && is_free && is_extra && matches(pattern, &found.address) {
                    is_used = true;
                    addresses.insert(found.address.clone());
                }
            }
            if !is_used {
                addresses.insert(pattern.clone());
            }
        }
        addresses
    }
}

/// Plans one environment, with what was named to be deleted.
pub fn plan_pruned(
    identity: &Identity,
    documents: &[Document],
    reader: &dyn Reader,
    prune: &Prune,
) -> Result<Plan, PlanError> {
    same_place(identity, reader)?;
    let mut documents: Vec<&Document> = documents.iter().collect();
    documents.sort_by(|left, right| (left.kind, &left.address).cmp(&(right.kind, &right.address)));
    let survey = Survey::with_alterations(identity, &documents, reader);
    let addresses = match &survey.found {
        Ok(found) => prune.resolve(&documents, found),
        // Nothing is known, so nothing is deleted; the plan says that it could not be read.
        Err(_) => BTreeSet::new(),
    };
    let mut plan = compare(identity, &documents, &survey, &addresses)?;
    plan.rules = rules::changes(&documents, &survey.readings, reader);
    with_room(plan, &documents, &survey, reader)
}

/// `*` stands for any text, everything else for itself.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.is_empty()
}

/// Refuses to delete a key whose topic stays: the topic could send nothing any more, without a word.
pub(super) fn refuse_orphaned_topics(resources: &[Planned]) -> Result<(), PlanError> {
    let cluster = |resource: &Planned| {
        let cluster = resource.address.split('/').next().unwrap_or_default();
        cluster.to_owned()
    };
    let kept: BTreeSet<String> = resources
        .iter()
        .filter(|resource| resource.kind == Some(Kind::SnsTopic))
        .filter(|resource| resource.desired.is_none() && resource.action != Action::Delete)
        .map(cluster)
        .collect();
    let orphaning: Vec<String> = resources
        .iter()
        .filter(|resource| matches!(resource.kind, Some(Kind::KmsKey | Kind::KmsAlias)))
        .filter(|resource| resource.action == Action::Delete && kept.contains(&cluster(resource)))
        .map(|resource| resource.address.clone())
        .collect();
    if orphaning.is_empty() {
        Ok(())
    } else {
        Err(PlanError::KeyInUse(orphaning))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("orders/*", "orders/alarm/a", true),
            ("orders/*", "orders-2/alarm/a", false),
            ("orders/*", "orders", false),
            ("orders/alarm/*-dml", "orders/alarm/x-dml", true),
            ("orders/alarm/*-dml", "orders/alarm/x-dml-2", false),
            ("orders/*/a*c", "orders/alarm/abc", true),
            ("orders/*/a*c", "orders/alarm/b", false),
            ("orders/**", "orders/alarm/a", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_names_its_cluster() {
        for text in ["*", "/*", "ord*", "ord*/alarm/a", "*/alarm/*"] {
            assert_eq!(
                Prune::parse(&[text.to_owned()]),
                Err(TooWide(text.to_owned()))
            );
        }
        let both = Prune::parse(&["orders/alarm/a".to_owned(), "orders/alarm/*".to_owned()]);
        assert!(!both.unwrap().is_explicit());
    }
}
