//! How a name is joined to a value where no pattern can say it: literals over several lines, types and wrappers between, blocks,
//! pairs and columns that have the name in one place and the value in another.
//!
//! Patterns find what stands right behind a name on its line. What they leave is read here, for generic rules and for rules by name
//! alike, at keyword hits only and no further than [`BEFORE_BYTES`] in front of the name and the reach of the rule behind it. The
//! forms are tried by the first byte behind the name, so most hits cost a look at a few bytes.
//!
//! | form | module |
//! |---|---|
//! | literals: `"""`, heredocs, raw and here-strings, block scalars | [`literal`] |
//! | what assigns a literal: operators, types, wrappers, lists, tuples | [`assign`] |
//! | a block or a pair: `variable "name" { default = "v" }`, `value: v` beside `name: n` | [`apart`] |
//! | columns: SQL, CSV, Markdown | [`columns`] |

mod apart;
mod assign;
mod columns;
mod literal;

use keysieve_model::location::ByteSpan;

use super::checks::name::is_name_byte;
use super::{Link, Shape};

/// How far in front of a name the grammar looks, in bytes: for a value before its name, and for the columns of a table.
pub(crate) const BEFORE_BYTES: usize = 320;
/// How far behind a keyword it looks at least, in bytes: blocks have a description, tables have rows.
const AFTER_BYTES: usize = 1024;

/// How much of it is for what stands between a name and the longest value, in bytes.
const BETWEEN_BYTES: usize = 512;

/// How far behind a keyword the grammar looks for values of a rule, in bytes.
pub(crate) fn reach(joined: &keysieve_rules::Joined) -> usize {
    AFTER_BYTES.max(joined.longest as usize + BETWEEN_BYTES)
}

/// A value that is joined to a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Joined {
    pub(crate) value: ByteSpan,
    pub(crate) link: Link,
    pub(crate) shape: Shape,
}

/// The text around a name, as far as one may look.
#[derive(Clone, Copy)]
struct Text<'a> {
    /// Everything up to the limit.
    bytes: &'a [u8],
    /// From where on one may look.
    first: usize,
    /// Whether more follows behind the limit.
    is_cut: bool,
    /// Whether the name names a secret: asked before much text is read.
    names_secret: &'a dyn Fn() -> bool,
}

/// Hands over the values that are joined to `name`, where a pattern may not find them; `limit` is where one may not look any more,
/// `names_secret` says whether the name is worth to read much text for.
/// A value may be handed over twice.
pub(crate) fn visit(
    bytes: &[u8],
    name: ByteSpan,
    limit: usize,
    names_secret: &dyn Fn() -> bool,
    found: &mut dyn FnMut(Joined),
) {
    let text = Text {
        bytes: &bytes[..limit.clamp(name.end, bytes.len())],
        first: name.start.saturating_sub(BEFORE_BYTES),
        is_cut: limit < bytes.len(),
        names_secret,
    };
    let closed = text.closed(name);
    match text.byte(text.blanks(closed.end)) {
        // The end of the text.
        0 => {}
        b',' | b';' | b')' | b'|' | b'\t' | b'\n' | b'\r' | b'<' | b'}' => {
            assign::arguments(text, name, closed, found);
            columns::visit(text, name, closed, found);
            apart::pair(text, name, closed, found);
        }
        b'{' => apart::block(text, name, closed, found),
        _ => {
            assign::visit(text, closed, found);
            apart::block(text, name, closed, found);
            apart::pair(text, name, closed, found);
        }
    }
}

/// What closes a name.
#[derive(Debug, Clone, Copy)]
struct Closed {
    /// Behind it.
    end: usize,
    /// Whether a quote does.
    by_quote: bool,
}

impl<'a> Text<'a> {
    /// The byte at `at`; 0 behind the end.
    fn byte(self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// Whether what ends at `end` may go on behind the limit.
    fn is_cut_at(self, end: usize) -> bool {
        self.is_cut && end >= self.bytes.len()
    }

    /// What begins at `at`.
    fn rest(self, at: usize) -> &'a [u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    /// Behind the blanks at `at`.
    fn blanks(self, at: usize) -> usize {
        at + self.rest(at).iter().take_while(|byte| b" \t".contains(byte)).count()
    }

    /// Behind the white space at `at`, line ends too.
    fn space(self, at: usize) -> usize {
        at + self.rest(at).iter().take_while(|byte| byte.is_ascii_whitespace()).count()
    }

    /// Where the line ends in which `at` lies.
    fn line_end(self, at: usize) -> usize {
        let rest = self.rest(at);
        at + memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())
    }

    /// Where the line begins in which `at` lies, as far as one may look.
    fn line_start(self, at: usize) -> usize {
        let before = &self.bytes[self.first..at];
        self.first + memchr::memrchr2(b'\n', b'\r', before).map_or(0, |end| end + 1)
    }

    /// The start of the line behind the one in which `at` lies; `None` where it is the last.
    fn next_line(self, at: usize) -> Option<usize> {
        let end = self.line_end(at);
        let length = if self.rest(end).starts_with(b"\r\n") { 2 } else { 1 };
        (end + length <= self.bytes.len()).then_some(end + length)
    }

    /// What stands in front of `at` in its line.
    fn before(self, at: usize) -> &'a [u8] {
        &self.bytes[self.line_start(at)..at]
    }

    /// What closes the name: quotes, escaped or not, and brackets.
    fn closed(self, name: ByteSpan) -> Closed {
        let mut end = name.end;
        let mut by_quote = false;
        while end < name.end + MAX_CLOSING_BYTES {
            match self.byte(end) {
                b'"' | b'\'' | b'`' if !by_quote => by_quote = true,
                b'\\' if matches!(self.byte(end + 1), b'"' | b'\'' | b'\\') => {}
                b']' => {}
                _ => break,
            }
            end += 1;
        }
        Closed { end, by_quote }
    }

    /// The identifier that begins at `at`; empty where none does.
    fn word(self, at: usize) -> ByteSpan {
        let length = self.rest(at).iter().take_while(|byte| is_name_byte(**byte)).count();
        ByteSpan::new(at, at + length)
    }

    /// The part of `span` without white space at its ends.
    fn trimmed(self, span: ByteSpan) -> ByteSpan {
        let inner = span.of(self.bytes);
        let start = span.start + (inner.len() - inner.trim_ascii_start().len());
        ByteSpan::new(start, start + inner.trim_ascii().len())
    }
}

/// How many quotes, backslashes and brackets may close a name, in bytes.
const MAX_CLOSING_BYTES: usize = 6;

#[cfg(test)]
mod tests;
