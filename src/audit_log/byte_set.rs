//! A set of bytes, looked up by table: the prefix and the record are read byte by byte.

pub(super) struct ByteSet([bool; 256]);

impl ByteSet {
    /// ASCII letters, digits, and the bytes of `others`.
    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated at compile time, where an index out of bounds is a compile error"
    )]
    pub(super) const fn alphanumeric_and(others: &[u8]) -> Self {
        let mut table = [false; 256];
        let mut byte = 0u8;
        while byte < 128 {
            table[byte as usize] = byte.is_ascii_alphanumeric();
            byte += 1;
        }
        let mut at = 0;
        while at < others.len() {
            table[others[at] as usize] = true;
            at += 1;
        }
        Self(table)
    }

    /// How many bytes at the start of `text` are in the set.
    #[expect(
        clippy::indexing_slicing,
        reason = "the table has an element for every byte"
    )]
    #[inline]
    pub(super) fn span(&self, text: &[u8]) -> usize {
        text.iter()
            .position(|byte| !self.0[usize::from(*byte)])
            .unwrap_or(text.len())
    }
}
