//! The Lambda layer that carries an environment's rules: a zip file with one entry.

use super::archive::{ArchiveFault, pack, unpack};

/// The entry. Lambda unpacks a layer below `/opt` (Lambda developer guide, "Packaging your layer content").
pub const FILE: &str = "pgvigil/policy.json";

/// Where the function finds it.
pub const PATH: &str = "/opt/pgvigil/policy.json";

/// Everybody may read it: Lambda runs the function as somebody else than who unpacked the layer.
const MODE: u32 = 0o100_644;

/// The layer of a file of rules: the same rules give the same bytes. A version of pgvigil whose compressor packs otherwise
/// gives other bytes; then the layer is published again, with the same rules.
///
/// # Errors
/// If Lambda would not take it.
pub fn write(rules: &[u8]) -> Result<Vec<u8>, ArchiveFault> {
    pack(FILE, MODE, rules)
}

/// The file of rules in a layer, whoever made it.
///
/// # Errors
/// If it has none.
pub fn read(layer: &[u8]) -> Result<Vec<u8>, ArchiveFault> {
    let (rules, _) = unpack(layer, FILE)?.ok_or(ArchiveFault::NoRules)?;
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::{archive, code_sha256};

    #[test]
    fn a_layer_is_read_back_and_is_the_same_bytes_each_time() {
        let rules = b"{\n  \"format\": 1\n}\n";
        let layer = write(rules).unwrap();
        assert_eq!(layer, write(rules).unwrap());
        assert_eq!(read(&layer).unwrap(), rules);
        // Functions are compared by it: a compressor that packs otherwise would publish every layer again.
        assert_eq!(
            code_sha256(&layer),
            "XxQ/e0w07vnVRfp19KVXs1CST+59Li320DvoUE5S9cw="
        );
        assert_eq!(PATH, format!("/opt/{FILE}"));
    }

    #[test]
    fn a_package_is_not_a_layer() {
        let package = archive::write(b"program").unwrap();
        assert!(matches!(read(&package), Err(ArchiveFault::NoRules)));
        let layer = write(b"{}").unwrap();
        assert!(matches!(
            archive::read(&layer),
            Err(ArchiveFault::NoBootstrap)
        ));
        assert!(matches!(read(b"no zip"), Err(ArchiveFault::Unreadable(_))));
    }
}
