//! Places inside a content: byte spans, and the lines and columns that people count in.

use std::ops::Range;

/// A half-open range of bytes, `start..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSpan {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
}

impl ByteSpan {
    /// The span `start..end`.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The bytes of `haystack` that the span covers, or nothing where it reaches outside.
    #[must_use]
    pub fn of<'a>(&self, haystack: &'a [u8]) -> &'a [u8] {
        haystack.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether the two spans share at least one byte.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Whether `other` lies inside this span.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

impl From<Range<usize>> for ByteSpan {
    fn from(range: Range<usize>) -> Self {
        Self::new(range.start, range.end)
    }
}

/// Where a span lies, as an editor shows it: lines and columns count from 1, columns in bytes, ends are exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// Line of the first byte.
    pub line: u64,
    /// Column of the first byte.
    pub column: u64,
    /// Line of the end.
    pub end_line: u64,
    /// Column behind the last byte.
    pub end_column: u64,
}

/// The line and column at which a piece of a content begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineStart {
    /// Line of the piece's first byte, from 1.
    pub line: u64,
    /// Column of the piece's first byte, from 1, in bytes.
    pub column: u64,
    /// Offset of the piece's first byte.
    pub offset: usize,
}

impl LineStart {
    /// The beginning of a content.
    pub const FIRST: Self = Self { line: 1, column: 1, offset: 0 };

    /// The position behind `bytes`, when `bytes` begin here. Only `\n` ends a line, as in git.
    #[must_use]
    pub fn advance(self, bytes: &[u8]) -> Self {
        let lines = memchr::memchr_iter(b'\n', bytes).count() as u64;
        let offset = self.offset + bytes.len();
        match memchr::memrchr(b'\n', bytes) {
            None => Self { line: self.line, column: self.column + bytes.len() as u64, offset },
            Some(last) => Self { line: self.line + lines, column: (bytes.len() - last) as u64, offset },
        }
    }
}

/// Finds the lines of spans that come in the order of their starts: the bytes are counted once for all of them.
#[derive(Debug)]
pub struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    position: LineStart,
}

impl<'a> Lines<'a> {
    /// The lines of `bytes`, which begin at `start`.
    #[must_use]
    pub fn new(bytes: &'a [u8], start: LineStart) -> Self {
        Self { bytes, at: 0, position: start }
    }

    /// Where `span` lies. It begins no earlier than those that were asked for before.
    pub fn locate(&mut self, span: ByteSpan) -> Location {
        let start = span.start.clamp(self.at, self.bytes.len());
        self.position = self.position.advance(&self.bytes[self.at..start]);
        self.at = start;
        let end = self.position.advance(span.of(self.bytes));
        Location {
            line: self.position.line,
            column: self.position.column,
            end_line: end.line,
            end_column: end.column,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_ends_are_exclusive() {
        let text = b"first\nsecond line\nthird";
        let location = Lines::new(text, LineStart::FIRST).locate(ByteSpan::new(13, 17));
        assert_eq!(location, Location { line: 2, column: 8, end_line: 2, end_column: 12 });
    }

    #[test]
    fn a_span_over_lines_ends_on_its_last_line() {
        let location = Lines::new(b"a\nbc\nd", LineStart::FIRST).locate(ByteSpan::new(2, 6));
        assert_eq!(location, Location { line: 2, column: 1, end_line: 3, end_column: 2 });
    }

    #[test]
    fn a_piece_that_begins_inside_a_line_continues_its_columns() {
        let whole = b"one two\nthree four";
        for cut in 0..whole.len() {
            let at = LineStart::FIRST.advance(&whole[..cut]);
            let (start, end) = (14usize.saturating_sub(cut), 18usize.saturating_sub(cut));
            if cut <= 14 {
                let location = Lines::new(&whole[cut..], at).locate(ByteSpan::new(start, end));
                assert_eq!((location.line, location.column), (2, 7), "cut at {cut}");
            }
        }
    }
}
