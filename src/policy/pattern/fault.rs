//! What is wrong with a pattern or a query, and where.

use std::ops::Range;

/// One reason why a query is refused, or why its result is in doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Bytes of the query's text (of the pattern, for
    /// [`portable_pattern`](super::dialect::portable_pattern)) that the message is about.
    pub span: Range<usize>,
    /// Lowercase fragment without a full stop; text of the user stands in backticks.
    pub message: String,
    /// What to write instead, when we know.
    pub help: Option<String>,
}

impl Fault {
    pub(crate) fn new(span: impl Into<Range<usize>>, message: impl Into<String>) -> Self {
        Self {
            span: span.into(),
            message: message.into(),
            help: None,
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same fault in a text that begins `offset` bytes earlier.
    pub(crate) fn shifted(mut self, offset: usize) -> Self {
        self.span = self.span.start + offset..self.span.end + offset;
        self
    }
}
