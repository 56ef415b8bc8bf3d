//! Grants of `access/*.yaml`: times, relations and kinds are read; a grant that lost a part marks nothing.

use jiff::Timestamp;

use super::{Lowering, ReferenceKind, has_invalid};
use crate::diagnostic::{Code, Diagnostic, quote};
use crate::policy::load::Document;
use crate::policy::model::{Grant, GrantKind, GrantedRelation};
use crate::policy::raw::OneOrMany;
use crate::policy::raw::grants::{RawGrant, RawGrantKind};
use crate::source::yaml::Node;
use crate::source::{DocPath, Places};

impl Lowering<'_> {
    pub(in crate::policy) fn access(&mut self, documents: Vec<Document>) {
        for document in documents {
            let Some(root) = &document.root else { continue };
            let entries = root.get("grants").map(Node::items).unwrap_or_default();
            for (index, node) in entries.iter().enumerate() {
                let path = DocPath::root().then("grants").then(index);
                let is_whole = !document
                    .incomplete
                    .iter()
                    .any(|missing| missing.starts_with(&path));
                if let Some(raw) = self.entry::<RawGrant>(node, is_whole && !has_invalid(node)) {
                    self.grant(raw, Places::new(node.clone()));
                }
            }
        }
    }

    fn grant(&mut self, raw: RawGrant, places: Places) {
        let from = self.moment(&raw.from, &places, "from");
        let until = self.moment(&raw.until, &places, "until");
        let environments = self.selection(raw.environments, &places, ReferenceKind::Environment);
        let databases = match raw.databases {
            crate::policy::raw::RawSelection::All => crate::policy::model::Selection::All,
            crate::policy::raw::RawSelection::Only(names) => {
                crate::policy::model::Selection::Only(names)
            }
        };
        let mut relations = Vec::new();
        for (index, text) in raw.relations.iter().enumerate() {
            match GrantedRelation::parse(text) {
                Some(relation) => relations.push(relation),
                None => self.sink.push(
                    Diagnostic::new(
                        Code::GrantRelation,
                        format!("{} is not a relation with its schema", quote(text)),
                    )
                    .at(places.item("relations", index))
                    .help("write `schema.relation`, or `schema.*` for every relation of a schema")
                    .help("a name with other characters than letters, digits, `_` and `$` needs double quotes, as in SQL"),
                ),
            }
        }
        let mut kinds: Vec<GrantKind> = raw
            .kinds
            .into_iter()
            .map(|kind| match kind {
                RawGrantKind::Read => GrantKind::Read,
                RawGrantKind::Write => GrantKind::Write,
                RawGrantKind::Schema => GrantKind::Schema,
            })
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        let OneOrMany(users) = raw.user;
        let (Some(from), Some(until)) = (from, until) else {
            return;
        };
        self.policy.grants.push(Grant {
            id: raw.id,
            users,
            environments,
            databases,
            relations,
            kinds,
            from,
            until,
            reason: raw.reason,
            ticket: raw.ticket,
            owner: raw.owner,
            place: places.value("id"),
            places,
        });
    }

    fn moment(&mut self, text: &str, places: &Places, path: &str) -> Option<Timestamp> {
        let moment = parse_moment(text);
        if moment.is_none() {
            self.sink.push(
                Diagnostic::new(
                    Code::GrantTime,
                    format!("{} is not a time with its offset", quote(text)),
                )
                .at(places.value(path))
                .help("write it as in `2026-12-02T14:00:00Z` or `2026-12-02T15:00:00+01:00`"),
            );
        }
        moment
    }
}

/// Reads a time of RFC 3339; the seconds may be missing. A time without an offset is none.
pub fn parse_moment(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once('T')?;
    let is_plain = date.len() == 10
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"-+:TZ".contains(&byte))
        && (time.ends_with('Z') || time.contains('+') || time.contains('-'));
    // A leap second is none of the server's times either.
    let has_leap = time.get(6..8) == Some("60");
    (is_plain && !has_leap).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::parse_moment;

    #[test]
    fn times_need_an_offset() {
        let seconds = |text: &str| parse_moment(text).map(|time| time.as_second());
        assert_eq!(seconds("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(seconds("1970-01-01T00:01Z"), Some(60));
        assert_eq!(seconds("1969-12-31T23:00:05-01:00"), Some(5));
        for wrong in [
            "2026-12-02",
            "2026-12-02T14:00:00",
            "2026-12-02 14:00:00Z",
            "2026-02-30T14:00:00Z",
            "2026-12-02T25:00:00Z",
            "2026-12-02T23:59:60Z",
            "2026-12-02T14:00:00[Europe/Berlin]",
            "2026-12-02T14:00:00Z[UTC]",
            "now",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
