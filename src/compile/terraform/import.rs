//! How Terraform finds what is there already.

use serde_json::{Value, json};

use super::literal::literal;

/// One element where the takeover is asked for, else none.
pub(super) const IF_TAKEN_OVER: &str = "${toset(var.take_over ? [\"this\"] : [])}";

/// The import id of a resource.
#[derive(Debug)]
pub(super) enum Id {
    /// Known at compile time, escaped.
    Known(Value),
    /// The id of a key, through the data source of its alias with this label.
    KeyOf(String),
    /// Known to AWS alone, and to no data source.
    Given,
    /// Nothing to take over: a version of a layer never changes, so a new one stands beside those that are there.
    Never,
}

impl Id {
    /// An id that is made of names.
    pub(super) fn known(id: &str) -> Self {
        Self::Known(literal(&json!(id)))
    }

    /// The `import` block. What is adopted is always there, and always imported.
    pub(super) fn block(&self, address: &str, is_adopted: bool) -> Option<Value> {
        Some(match self {
            Self::Never => return None,
            Self::Known(id) if is_adopted => json!({ "to": address, "id": id }),
            Self::Known(id) => json!({ "for_each": IF_TAKEN_OVER, "to": address, "id": id }),
            Self::KeyOf(alias) => json!({
                "for_each": format!("${{data.aws_kms_alias.{alias}}}"),
                "to": address,
                "id": "${each.value.target_key_id}",
            }),
            Self::Given => json!({
                "for_each": format!(
                    "${{{{ for address, id in var.import_ids : address => id if address == \"{address}\" }}}}"
                ),
                "to": address,
                "id": "${each.value}",
            }),
        })
    }

    /// What a reader of the resource must know about it.
    pub(super) fn note(&self) -> Option<&'static str> {
        matches!(self, Self::Given)
            .then_some("AWS chose its id: `import_ids` must contain it to import the resource")
    }
}
