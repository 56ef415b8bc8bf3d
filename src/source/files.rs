//! The texts that were read, and the arithmetic of places in them.

use std::borrow::Cow;
use std::ops::Range;

/// A file of a [`SourceFiles`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A range of bytes in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Place {
    pub file: FileId,
    /// First byte, and the byte after the last.
    pub span: Range<usize>,
}

impl Place {
    /// A place in a file.
    pub fn new(file: FileId, span: Range<usize>) -> Self {
        Self { file, span }
    }

    /// Says whether another place lies inside this one.
    pub fn holds(&self, other: &Place) -> bool {
        self.file == other.file
            && self.span.start <= other.span.start
            && other.span.end <= self.span.end
    }
}

/// A line and a column, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

#[derive(Debug, Clone)]
struct SourceFile {
    path: String,
    text: String,
    line_starts: Vec<usize>,
    redacted: Vec<Range<usize>>,
}

/// All files that were read, in the order in which they were added.
#[derive(Debug, Clone, Default)]
pub struct SourceFiles {
    files: Vec<SourceFile>,
}

impl SourceFiles {
    /// Adds a file; its path is relative to the repository, with forward slashes.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) -> FileId {
        let text = text.into();
        let line_starts = std::iter::once(0)
            .chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|end| end + 1));
        let line_starts = line_starts.collect();
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(SourceFile {
            path: path.into(),
            text,
            line_starts,
            redacted: Vec::new(),
        });
        id
    }

    pub fn ids(&self) -> impl Iterator<Item = FileId> + use<> {
        (0..u32::try_from(self.files.len()).unwrap_or(u32::MAX)).map(FileId)
    }

    fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// The path of a file.
    pub fn path(&self, id: FileId) -> &str {
        self.file(id).map_or("", |file| &file.path)
    }

    /// The text of a file.
    pub fn text(&self, id: FileId) -> &str {
        self.file(id).map_or("", |file| &file.text)
    }

    /// The text at a place.
    pub fn slice(&self, place: &Place) -> &str {
        self.text(place.file).get(place.span.clone()).unwrap_or("")
    }

    /// Hides the text at a place from everything that is shown to people.
    pub fn redact(&mut self, place: &Place) {
        if let Some(file) = self.files.get_mut(place.file.0 as usize)
            && file.text.get(place.span.clone()).is_some()
        {
            file.redacted.push(place.span.clone());
        }
    }

    /// The text of a file as it may be shown: of the same length, with `*` for what is redacted.
    pub fn shown(&self, id: FileId) -> Cow<'_, str> {
        let Some(file) = self.file(id) else {
            return Cow::Borrowed("");
        };
        if file.redacted.is_empty() {
            return Cow::Borrowed(&file.text);
        }
        let hidden = |offset: usize| file.redacted.iter().any(|span| span.contains(&offset));
        let mut shown = String::with_capacity(file.text.len());
        for (offset, character) in file.text.char_indices() {
            if hidden(offset) && character != '\n' {
                shown.extend(std::iter::repeat_n('*', character.len_utf8()));
            } else {
                shown.push(character);
            }
        }
        Cow::Owned(shown)
    }

    /// The text at a place as it may be shown.
    pub fn shown_slice(&self, place: &Place) -> String {
        self.shown(place.file)
            .get(place.span.clone())
            .unwrap_or("")
            .to_owned()
    }

    /// Line and column of an offset. An offset past the end is the end.
    pub fn position(&self, id: FileId, offset: usize) -> Position {
        let Some(file) = self.file(id) else {
            return Position { line: 1, column: 1 };
        };
        let offset = offset.min(file.text.len());
        let line = file
            .line_starts
            .partition_point(|start| *start <= offset)
            .max(1);
        let start = file.line_starts.get(line - 1).copied().unwrap_or(0);
        let before = file.text.as_bytes().get(start..offset).unwrap_or_default();
        // Bytes that do not continue a character are as many as there are characters.
        let column = before.iter().filter(|byte| (**byte & 0xC0) != 0x80).count() + 1;
        Position { line, column }
    }

    /// The bytes of the lines that hold a span, without the last line break.
    pub fn lines_around(&self, id: FileId, span: &Range<usize>) -> Range<usize> {
        let Some(file) = self.file(id) else {
            return 0..0;
        };
        let first = self.position(id, span.start).line;
        let last = self.position(id, span.end.max(span.start)).line;
        let start = file.line_starts.get(first - 1).copied().unwrap_or(0);
        let end = file
            .line_starts
            .get(last)
            .map_or(file.text.len(), |next| next - 1);
        start..end.max(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_columns_in_characters() {
        let mut files = SourceFiles::default();
        let id = files.add("a.yaml", "a: é\nbé: x\n");
        assert_eq!(files.position(id, 0), Position { line: 1, column: 1 });
        assert_eq!(files.position(id, 6), Position { line: 2, column: 1 });
        assert_eq!(files.position(id, 9), Position { line: 2, column: 3 });
        assert_eq!(files.position(id, 999), Position { line: 3, column: 1 });
        assert_eq!(files.lines_around(id, &(7..8)), 6..12);
    }

    #[test]
    fn hides_what_is_redacted() {
        let mut files = SourceFiles::default();
        let id = files.add("a.yaml", "url: hé\n");
        files.redact(&Place::new(id, 5..8));
        assert_eq!(files.shown(id), "url: ***\n");
    }
}
