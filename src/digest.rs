//! Digests, written in one way.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// SHA-256 in lower hexadecimal, as `sha256sum` prints it.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes.as_ref()))
}

/// Bytes in lower hexadecimal: of a digest, all of it or its first bytes.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing into a text does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The first bytes of a digest in hexadecimal, where a short name is enough.
pub fn short(digest: &[u8], bytes: usize) -> String {
    hex(digest.get(..bytes).unwrap_or(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_written_as_sha256sum_writes_it() {
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256("abc"), expected);
        assert_eq!(hex(&[0, 10, 255]), "000aff");
        let digest = Sha256::digest("abc");
        assert_eq!(Some(&*short(&digest, 4)), expected.get(..8));
        assert_eq!(short(&digest, 40), expected);
    }
}
