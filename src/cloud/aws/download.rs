//! Reads what a service hands out an address for. The address carries a signature, so no message holds it.

use std::time::Duration;

use crate::http::{self, Uri};
use crate::package::archive::LARGEST_ZIP;
use crate::package::code_sha256;
use crate::waiting;

/// Reads the content behind an address, which must have this digest.
///
/// # Errors
/// In words: it cannot be read, or is something else.
pub(super) fn read(address: &str, wanted: &str) -> Result<Vec<u8>, String> {
    let bytes = fetch(address)?;
    if code_sha256(&bytes) == wanted {
        Ok(bytes)
    } else {
        Err("the address of its content points to different content".to_owned())
    }
}

fn fetch(address: &str) -> Result<Vec<u8>, String> {
    /// A layer is small, and nobody waits longer for a plan.
    const TIMEOUT: Duration = Duration::from_secs(20);

    let of_content = |what: &str| format!("the address of its content: {what}");
    let uri: Uri = address
        .parse()
        .map_err(|_| of_content("it is not a valid URL"))?;
    let agent = http::agent(&uri, waiting::limit(TIMEOUT))
        .map_err(|error| of_content(&error.to_string()))?;
    let failed = |error: &ureq::Error| of_content(&http::describe(error));
    let mut answer = agent.get(uri).call().map_err(|error| failed(&error))?;
    let status = answer.status().as_u16();
    if status != 200 {
        return Err(of_content(&format!("it answers with status {status}")));
    }
    answer
        .body_mut()
        .with_config()
        .limit(LARGEST_ZIP as u64)
        .read_to_vec()
        .map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_never_repeated() {
        for address in ["SECRET", "s3://SECRET", "http://example.com/SECRET", ""] {
            let error = read(address, "").unwrap_err();
            assert!(!error.contains("SECRET"), "{error}");
        }
    }
}
