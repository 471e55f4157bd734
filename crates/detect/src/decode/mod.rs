//! Texts that lie in a chunk in another form, to be searched again, with positions mapped back.
//!
//! | form | what is read |
//! |---|---|
//! | UTF-16 | either byte order, with or without a mark |
//! | base64 | both alphabets, in one line or wrapped, of text or of UTF-16 text |
//! | hexadecimal | the same way |
//! | escapes | `%2B`, `\x2b`, `\u002b`, `\/`, `&#43;` and `&quot;`, quoted-printable `=3D` |
//! | joined literals | `"abc" "def"`, `"abc" + "def"`, over line ends too |
//!
//! All forms but UTF-16 come in *runs*, stretches that are found by how they look (see [`base64`] and [`escape`]), and texts in
//! texts are read up to [`MAX_DEPTH`] forms deep. For a scan to be derived, or cut into pieces, and still be exact:
//!
//! - Whether a run is one, and what it says, depends on its own bytes, on the words in front of it and behind it, and on what lies
//!   between ([`depends_on`]). A match in it depends on nothing else. So it holds in each copy of these bytes, and only where one of
//!   these words changes ([`changed`]) runs are looked for anew.
//! - A run is at most [`MAX_RUN_BYTES`] long, so that a piece's context holds all of a run in which the piece has a keyword.
//!   What is longer is an image, a font, an archive, and is not read.

mod base64;
mod escape;
mod utf16;

use keysieve_model::chunk::CONTEXT_BYTES;
use keysieve_model::location::ByteSpan;

/// How many forms may lie in one another.
const MAX_DEPTH: usize = 3;
/// The longest run that is read, in bytes.
const MAX_RUN_BYTES: usize = 24 * 1024;
/// The longest stretch of spaces, quotes and signs between two parts of a run, in bytes.
const MAX_GLUE_BYTES: usize = 60;
/// How much of the words beside a run, and of what lies between, may matter for the run, in bytes.
const MAX_GAP_BYTES: usize = MAX_GLUE_BYTES + 4;
const MAX_NEIGHBOUR_BYTES: usize = 96;
/// Changes that lie closer to each other are looked at as one: that is cheaper than to find where their words end.
const MAX_MERGED_BYTES: usize = 64;
/// How many bytes are looked at in one go, and those with two behind them.
const STEP_BYTES: usize = 16;
type Block = [u8; STEP_BYTES + 2];

// UTF-16 takes two bytes a character.
const _: () = assert!(2 * (MAX_RUN_BYTES + MAX_GAP_BYTES + MAX_NEIGHBOUR_BYTES + 1) < CONTEXT_BYTES);

/// A text in a chunk and where its bytes come from.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    /// The run of the chunk in which the text lies; nested texts lie in the same one as those around them.
    pub(super) run: Run,
    origins: Origins,
}

/// A stretch of a chunk that is written in another form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Run {
    pub(super) span: ByteSpan,
    /// The bytes that say what it is.
    pub(super) depends: ByteSpan,
    form: Form,
}

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    #[cfg(test)]
    Plain,
    Utf16,
    Base64,
    Escaped(escape::Form),
}

impl Run {
    /// The same run in a copy to `to` of what begins at `from`.
    pub(super) fn moved(self, from: usize, to: usize) -> Self {
        let moved = |span: ByteSpan| ByteSpan::new(span.start - from + to, span.end - from + to);
        Self { span: moved(self.span), depends: moved(self.depends), ..self }
    }
}

/// Where the bytes of a text come from.
#[derive(Debug)]
enum Origins {
    /// One byte each `step` bytes from `start` on.
    Every { start: usize, step: usize },
    /// The span of each byte.
    Each(Vec<ByteSpan>),
}

impl Text {
    /// The bytes as they are.
    #[cfg(test)]
    fn plain(bytes: Vec<u8>) -> Self {
        let span = ByteSpan::new(0, bytes.len());
        Self {
            bytes,
            run: Run { span, depends: span, form: Form::Plain },
            origins: Origins::Every { start: 0, step: 1 },
        }
    }

    /// Whether the text is the chunk itself.
    #[cfg(test)]
    pub(super) fn is_plain(&self) -> bool {
        self.run.form == Form::Plain
    }

    /// The span in the chunk of the byte at `offset` in the text.
    fn origin_of(&self, offset: usize) -> ByteSpan {
        match &self.origins {
            Origins::Every { start, step } => {
                let at = start + step * offset;
                ByteSpan::new(at, at + 1)
            }
            Origins::Each(spans) => {
                spans.get(offset).or(spans.last()).copied().unwrap_or(ByteSpan::new(0, 0))
            }
        }
    }

    /// Where in the chunk the byte at `offset` in the text begins.
    pub(super) fn origin(&self, offset: usize) -> usize {
        self.origin_of(offset).start
    }

    /// The span in the chunk of a span that is not empty in the text.
    pub(super) fn origin_span(&self, span: ByteSpan) -> ByteSpan {
        ByteSpan::new(self.origin(span.start), self.origin_of(span.end.saturating_sub(1)).end)
    }

    /// Whether the chunk has the span as it stands in the text: what is found there was found without decoding.
    pub(super) fn is_verbatim(&self, span: ByteSpan) -> bool {
        let origin = self.origin_span(span);
        origin.end - origin.start == span.end - span.start
    }

    /// The text, found in `outer`, as one of the chunk in which `outer` lies.
    fn within(mut self, outer: &Text) -> Self {
        self.origins = Origins::Each(
            (0..self.bytes.len()).map(|offset| outer.origin_span(self.origin_of(offset))).collect(),
        );
        self.run = outer.run;
        self
    }
}

/// Visits the UTF-16 texts of a chunk, and the texts in these.
pub(super) fn visit_utf16(bytes: &[u8], visit: &mut impl FnMut(&Text)) {
    for text in utf16::find(bytes) {
        visit(&text);
        visit_nested(&text, MAX_DEPTH - 1, visit);
    }
}

/// Where the UTF-16 text begins that may go on behind the end of `bytes`; it is looked for from `from` on.
pub(super) fn open_utf16(bytes: &[u8], from: usize) -> Option<usize> {
    utf16::open_run(bytes, from)
}

/// Visits the texts whose runs touch `within`, which is a chunk's whole or around a change (see [`changed`]), and the texts in
/// these.
pub(super) fn visit(bytes: &[u8], within: ByteSpan, visit: &mut impl FnMut(&Text)) {
    find(bytes, within, &mut |text| {
        visit(&text);
        visit_nested(&text, MAX_DEPTH - 1, visit);
    });
}

/// Visits the texts in `outer`, `depth` forms deep.
fn visit_nested(outer: &Text, depth: usize, visit: &mut impl FnMut(&Text)) {
    // Not by recursion over closures: each would be a type of its own.
    let mut texts = Vec::new();
    find(&outer.bytes, ByteSpan::new(0, outer.bytes.len()), &mut |text| {
        // What the chunk has as it stands here is a run of the chunk.
        if !outer.is_verbatim(text.run.span) {
            texts.push(text.within(outer));
        }
    });
    for text in texts {
        visit(&text);
        if depth > 1 {
            visit_nested(&text, depth - 1, visit);
        }
    }
}

/// Every text that lies in `bytes`, the bytes themselves first.
#[cfg(test)]
pub(super) fn texts(bytes: &[u8]) -> Vec<Text> {
    let mut texts = vec![Text::plain(bytes.to_vec())];
    let again = |text: &Text| Text {
        bytes: text.bytes.clone(),
        run: text.run,
        origins: Origins::Each((0..text.bytes.len()).map(|offset| text.origin_of(offset)).collect()),
    };
    visit_utf16(bytes, &mut |text| texts.push(again(text)));
    visit(bytes, ByteSpan::new(0, bytes.len()), &mut |text| texts.push(again(text)));
    texts
}

/// Hands over the text of each run that touches `within`.
///
/// Nearly all bytes belong to none, so that has to be seen at a glance, many bytes at once: [`STEP_BYTES`] that may all be
/// characters of base64, as a run of base64 covers them wherever it begins; pairs of bytes with which joints of literals begin;
/// and the first bytes of other escapes.
fn find(bytes: &[u8], within: ByteSpan, found: &mut impl FnMut(Text)) {
    let mut base64 = base64::Finder::new(bytes);
    let mut escapes = escape::Finder::new(bytes);
    for at in (within.start..within.end).step_by(STEP_BYTES) {
        let rest = &bytes[at..];
        // The last bytes, with zeros behind them.
        let padded: Block;
        let block: &Block = match rest.first_chunk() {
            Some(block) => block,
            None => {
                padded = std::array::from_fn(|at| rest.get(at).copied().unwrap_or(0));
                &padded
            }
        };
        // Both without a branch between them.
        let (covers, joins) = (base64::may_cover(block), escape::may_join_in(block));
        if covers | joins {
            if covers {
                base64.look_at(at, found);
            }
            if joins {
                escapes.look_for_joints(at..(at + STEP_BYTES).min(within.end), found);
            }
        }
    }
    for at in memchr::memchr3_iter(b'%', b'\\', b'&', within.of(bytes)) {
        escapes.look_at(within.start + at, found);
    }
}

/// The bytes on which the run depends: those of the words beside it, what lies between, and a byte more.
fn depends_on(bytes: &[u8], run: ByteSpan) -> ByteSpan {
    let before = &bytes[..run.start];
    let before = &before[..before.len() - gap(before.iter().rev())];
    let word =
        before.iter().rev().take(MAX_NEIGHBOUR_BYTES).take_while(|byte| escape::is_of_word(**byte)).count();
    let behind = bytes.get(run.end..).unwrap_or_default();
    let behind = &behind[gap(behind.iter())..];
    let next = behind.iter().take(MAX_NEIGHBOUR_BYTES).take_while(|byte| escape::is_of_word(**byte)).count();
    ByteSpan::new(
        (before.len() - word).saturating_sub(1),
        (bytes.len() - behind.len() + next + 1).min(bytes.len()),
    )
}

/// The length of what lies between two words.
fn gap<'a>(bytes: impl Iterator<Item = &'a u8>) -> usize {
    bytes.take(MAX_GAP_BYTES).take_while(|byte| !byte.is_ascii_alphanumeric()).count()
}

/// Stretches in which all runs lie that depend on one of `changes`, which are sorted and do not overlap: each stretch and each
/// run once.
pub(super) fn changed(bytes: &[u8], changes: &[ByteSpan]) -> impl Iterator<Item = ByteSpan> {
    let mut changes = changes.iter().copied().peekable();
    let mut merged = std::iter::from_fn(move || {
        let mut change = changes.next()?;
        while let Some(next) = changes.next_if(|next| next.start < change.end + MAX_MERGED_BYTES) {
            change.end = next.end;
        }
        Some(surroundings(bytes, change))
    })
    .peekable();
    std::iter::from_fn(move || {
        let mut within = merged.next()?;
        while let Some(next) = merged.next_if(|next| next.start <= within.end) {
            within = ByteSpan::new(within.start.min(next.start), within.end.max(next.end));
        }
        Some(within)
    })
}

/// The bytes around `change`, in which all runs lie that depend on it, whole ones where they are not too long to be read: its
/// word with those beside it.
fn surroundings(bytes: &[u8], change: ByteSpan) -> ByteSpan {
    // One byte more on each side may end a run, or not.
    let start = start_of_parts(bytes, change.start.saturating_sub(2));
    let start = start_of_parts(bytes, start - gap(bytes[..start].iter().rev()));
    let end = end_of_parts(bytes, (change.end + 2).min(bytes.len()));
    let end = end_of_parts(bytes, end + gap(bytes[end..].iter()));
    ByteSpan::new(start, end)
}

/// The start of the word at `at`, and of those that are joined to it.
fn start_of_parts(bytes: &[u8], at: usize) -> usize {
    let least = at.saturating_sub(MAX_RUN_BYTES);
    let mut start = at;
    loop {
        start -= bytes[least..start].iter().rev().take_while(|byte| escape::is_of_word(**byte)).count();
        let line = base64::end_of_line_before(bytes, start).filter(|&end| base64::is_wrapped_at(bytes, end));
        match line.or_else(|| escape::end_of_part(bytes, start)) {
            Some(end) if start > least => start = end.max(least),
            _ => return start,
        }
    }
}

/// The end of the word at `at`, and of those that are joined to it.
fn end_of_parts(bytes: &[u8], at: usize) -> usize {
    let most = (at + MAX_RUN_BYTES).min(bytes.len());
    let mut end = at;
    loop {
        end += bytes[end..most].iter().take_while(|byte| escape::is_of_word(**byte)).count();
        let is_wrapped = base64::is_wrapped_at(bytes, end);
        let line = if is_wrapped { base64::start_of_line_behind(bytes, end) } else { None };
        match line.or_else(|| escape::joint(bytes, end)) {
            Some(start) if end < most => end = start.min(most),
            _ => return end,
        }
    }
}

#[cfg(test)]
mod tests;
