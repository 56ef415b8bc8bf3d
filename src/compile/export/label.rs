//! What a resource is called inside an export.

use super::super::name::PREFIX;
use super::super::resources::Document;

/// A name as Terraform takes it: ASCII letters, digits, `-` and `_`, a letter first. Another character stands as
/// `_XX`. Two names could become one; whoever puts them side by side refuses that.
pub(crate) fn label(name: &str) -> String {
    let mut label = String::with_capacity(name.len());
    for byte in name.bytes() {
        let first = label.is_empty();
        if byte.is_ascii_alphabetic()
            || (!first && (byte.is_ascii_digit() || matches!(byte, b'-' | b'_')))
        {
            label.push(char::from(byte));
        } else {
            label.push_str(&format!("_{byte:02X}"));
        }
    }
    label
}

/// A name as a logical id of CloudFormation: letters and digits, each word with a capital.
pub(crate) fn pascal(name: &str) -> String {
    let mut id = String::with_capacity(name.len());
    let mut capital = true;
    for character in name.chars() {
        if !character.is_ascii_alphanumeric() {
            capital = true;
        } else if capital {
            id.push(character.to_ascii_uppercase());
            capital = false;
        } else {
            id.push(character);
        }
    }
    id
}

/// What tells a document from others of its kind and cluster: its name without the name that all share.
pub(crate) fn tail<'a>(document: &'a Document, shared: &str) -> &'a str {
    let name = document.name.as_str();
    // Saved queries lie in a folder.
    let in_folder = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_prefix('/'));
    in_folder
        .unwrap_or(name)
        .strip_prefix(shared)
        .map_or(name, |rest| rest.trim_start_matches(['-', '/']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_of_the_characters_that_terraform_takes() {
        assert_eq!(label("shop-orders"), "shop-orders");
        assert_eq!(label("1a_b/é"), "_31a_b_2F_C3_A9");
    }

    #[test]
    fn logical_ids_are_letters_and_digits() {
        assert_eq!(pascal("human-dml"), "HumanDml");
        assert_eq!(pascal("email-261eeed1"), "Email261eeed1");
        assert_eq!(pascal("INCIDENT_URL"), "INCIDENTURL");
    }
}
