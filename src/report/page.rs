//! A page of Markdown that grows up to a limit, and knows when something was left out.

use super::escape::without_commands;

/// What is written, and what still fits.
pub(super) struct Page {
    /// Bytes that it may have.
    pub(super) room: usize,
    pub(super) body: String,
    /// Whether something was left out.
    pub(super) is_cut: bool,
}

impl Page {
    pub(super) fn new(room: usize) -> Self {
        Self {
            room,
            body: String::new(),
            is_cut: false,
        }
    }

    /// Whether so many bytes more fit.
    pub(super) fn fits(&self, part: usize) -> bool {
        self.body.len() + part <= self.room
    }

    /// How many bytes more fit.
    pub(super) fn left(&self) -> usize {
        self.room.saturating_sub(self.body.len())
    }

    /// Whole lines, if they fit; says whether they did.
    pub(super) fn push(&mut self, part: &str) -> bool {
        let part = without_commands(part);
        let fits = self.fits(part.len());
        if fits {
            self.body.push_str(&part);
        }
        self.is_cut |= !fits;
        fits
    }
}

/// The beginning of a text, of so many bytes at most.
pub(super) fn beginning(text: &str, limit: usize) -> String {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}
