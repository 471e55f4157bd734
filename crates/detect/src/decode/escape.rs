//! Words in which some characters are written as escapes, and literals that are joined to one.
//!
//! A run is a *word*: printable ASCII without spaces, quotes and angle brackets, as far as it goes, with at least one escape in
//! it. Joints of literals are escapes that stand for nothing.

use std::ops::Range;

use keysieve_model::location::ByteSpan;

use super::{Block, MAX_GLUE_BYTES, MAX_RUN_BYTES, Origins, Run, STEP_BYTES, Text, depends_on};

/// The shortest text that is searched, in bytes.
const MIN_TEXT_BYTES: usize = 12;
/// How many backslashes may stand in front of an escape's letter: text that was escaped more than once.
const MAX_BACKSLASHES: usize = 8;
/// The longest number between braces, `{` and `}` included.
const MAX_BRACED_BYTES: usize = 10;

/// How characters are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// `%2B`
    Percent,
    /// `\x2b`, `\u002b`, `\u{2b}`, `\/`
    Backslash,
    /// `&#43;`, `&#x2b;`, `&amp;`
    Entity,
    /// `=2B`
    QuotedPrintable,
    /// `"abc" + "def"`
    Joined,
}

/// Characters that XML names.
const ENTITIES: &[(&[u8], u8)] =
    &[(b"amp;", b'&'), (b"quot;", b'"'), (b"apos;", b'\''), (b"lt;", b'<'), (b"gt;", b'>')];

/// Whether a joint, or an escape of quoted-printable, may begin in the block.
#[inline(always)]
pub(super) fn may_join_in(block: &Block) -> bool {
    (0..STEP_BYTES).fold(false, |any, at| any | may_join(block[at], block[at + 1], block[at + 2]))
}

/// Whether a joint, or an escape of quoted-printable, may begin with the three bytes: a quote and a line end or a `+`, or a space and
/// a quote or an operator; or `=3D`. Without branches, so that many are compared at once.
#[inline(always)]
fn may_join(first: u8, second: u8, third: u8) -> bool {
    let is_quote = (first == b'"') | (first == b'\'');
    // From a tab to a carriage return, in one comparison.
    let at_glue = (second.wrapping_sub(b'\t') <= b'\r' - b'\t') | (second == b'+');
    // `'a''b'` of shells, and a line that a backslash carries on.
    let at_end = (second == b'\\') | ((first == b'\'') & (second == b'\''));
    let is_sign = (third == b'+') | (third == b'.') | (third == b'\\') | (third == b'&');
    let at_space = (second == b' ') & ((third == first) | (third <= b' ') | is_sign);
    let is_equals_sign = (first == b'=') & (second == b'3') & (third == b'D');
    (is_quote & (at_glue | at_end | at_space)) | is_equals_sign
}

/// Finds the runs of a text, each once for each form.
pub(super) struct Finder<'a> {
    bytes: &'a [u8],
    /// How far runs of each form were looked for.
    done: [usize; 5],
}

impl<'a> Finder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, done: [0; 5] }
    }

    /// Hands over the runs of the joints and the escapes of quoted-printable that begin in `range`.
    #[inline(never)]
    pub(super) fn look_for_joints(&mut self, range: Range<usize>, found: &mut impl FnMut(Text)) {
        let bytes = self.bytes;
        let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
        for at in range {
            if may_join(byte(at), byte(at + 1), byte(at + 2)) {
                let form = if bytes[at] == b'=' { Form::QuotedPrintable } else { Form::Joined };
                self.run_at(form, at, found);
            }
        }
    }

    /// Hands over the run of the escape at `at`, which begins with `%`, `\` or `&`.
    pub(super) fn look_at(&mut self, at: usize, found: &mut impl FnMut(Text)) {
        let form = match self.bytes[at] {
            b'%' => Form::Percent,
            b'&' => Form::Entity,
            _ => Form::Backslash,
        };
        self.run_at(form, at, found);
    }

    fn run_at(&mut self, form: Form, at: usize, found: &mut impl FnMut(Text)) {
        let is_visible = |(_, byte): (usize, Option<u8>)| byte.is_none_or(|byte| byte >= b' ');
        if at < self.done[form as usize] || !escape_at(form, self.bytes, at).is_some_and(is_visible) {
            return;
        }
        let word = word_around(form, self.bytes, at);
        self.done[form as usize] = word.end;
        if word.end - word.start <= MAX_RUN_BYTES
            && let Some(text) = text_of(form, self.bytes, word)
        {
            found(text);
        }
    }
}

/// Whether words are made of it.
pub(super) fn is_of_word(byte: u8) -> bool {
    OF_WORDS[usize::from(byte)]
}

/// Of which bytes words are made.
const OF_WORDS: [bool; 256] = of_words();

const fn of_words() -> [bool; 256] {
    let mut of_words = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        of_words[byte as usize] = !matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>');
        byte += 1;
    }
    of_words
}

/// The word around the escape at `at`, as far as the longest run would reach.
fn word_around(form: Form, bytes: &[u8], at: usize) -> ByteSpan {
    let least = at.saturating_sub(MAX_RUN_BYTES + 1);
    let mut start = at;
    loop {
        start -= bytes[least..start].iter().rev().take_while(|byte| is_of_word(**byte)).count();
        let before = if form == Form::Joined { end_of_part(bytes, start) } else { None };
        match before {
            Some(end) if end >= least => start = end,
            _ => break,
        }
    }
    let most = at + MAX_RUN_BYTES + 1;
    let mut end = at;
    while end < most {
        match escape_at(form, bytes, end) {
            Some((behind, _)) => end = behind,
            None if bytes.get(end).is_some_and(|byte| is_of_word(*byte)) => end += 1,
            None => break,
        }
    }
    ByteSpan::new(start, end)
}

/// What the word says. Joined literals have what stands around them, for the name.
fn text_of(form: Form, bytes: &[u8], word: ByteSpan) -> Option<Text> {
    // What is written with other signs than escapes is no quoted-printable.
    let is_escape = |at: usize| escape_at(form, bytes, at).is_some();
    if form == Form::QuotedPrintable && (word.start..word.end).any(|at| bytes[at] == b'=' && !is_escape(at)) {
        return None;
    }
    let depends = depends_on(bytes, word);
    let around = if form == Form::Joined { depends } else { word };
    let mut text = Vec::with_capacity(around.end - around.start);
    let mut origins = Vec::with_capacity(around.end - around.start);
    let mut at = around.start;
    let mut escaped = 0;
    while at < around.end {
        let escape = if (word.start..word.end).contains(&at) { escape_at(form, bytes, at) } else { None };
        let (end, byte) = escape.unwrap_or((at + 1, Some(bytes[at])));
        if let Some(byte) = byte {
            text.push(byte);
            origins.push(ByteSpan::new(at, end));
        }
        escaped += end - at - usize::from(byte.is_some());
        at = end;
    }
    let run = Run { span: word, depends, form: super::Form::Escaped(form) };
    let length = word.end - word.start - escaped;
    (length >= MIN_TEXT_BYTES).then_some(Text { bytes: text, run, origins: Origins::Each(origins) })
}

/// Where the escape at `at` ends, and what it stands for.
fn escape_at(form: Form, bytes: &[u8], at: usize) -> Option<(usize, Option<u8>)> {
    let rest = bytes.get(at..)?;
    let ends_at = |(length, byte): (usize, u8)| (at + length, Some(byte));
    match form {
        Form::Percent => {
            let digits = rest.strip_prefix(b"%")?;
            Some(ends_at((3, character(digits.get(..2)?, 16)?)))
        }
        Form::Backslash => backslash(rest).map(ends_at),
        Form::Entity => entity(rest).map(ends_at),
        Form::QuotedPrintable => {
            let digits = rest.strip_prefix(b"=")?.get(..2)?;
            let are_digits = digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
            are_digits.then(|| character(digits, 16)).flatten().map(|byte| ends_at((3, byte)))
        }
        Form::Joined => joint(bytes, at).map(|end| (end, None)),
    }
}

/// The character with this number, where text may have it.
fn character(digits: &[u8], radix: u32) -> Option<u8> {
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    let number = digits.iter().try_fold(0u32, |number, &digit| {
        number.checked_mul(radix)?.checked_add(char::from(digit).to_digit(radix)?)
    })?;
    let byte = u8::try_from(number).ok()?;
    matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~').then_some(byte)
}

/// The length of the escape with which `rest` begins, and the character.
fn backslash(rest: &[u8]) -> Option<(usize, u8)> {
    let backslashes = rest.iter().take(MAX_BACKSLASHES).take_while(|byte| **byte == b'\\').count();
    let (&letter, digits) = rest[backslashes..].split_first().filter(|_| backslashes > 0)?;
    let digits_of = |length: usize| Some((length, character(digits.get(..length)?, 16)?));
    let (length, byte) = match letter {
        b'/' => (0, b'/'),
        b'x' => digits_of(2)?,
        b'u' => match digits.first()? {
            b'{' => {
                let end = digits.iter().take(MAX_BRACED_BYTES).position(|byte| *byte == b'}')?;
                (end + 1, character(&digits[1..end], 16)?)
            }
            _ => digits_of(4)?,
        },
        b'U' => digits_of(8)?,
        _ => return None,
    };
    Some((backslashes + 1 + length, byte))
}

/// The length of the entity with which `rest` begins, and the character.
fn entity(rest: &[u8]) -> Option<(usize, u8)> {
    const MAX_NUMBER_BYTES: usize = 10;
    let name = rest.strip_prefix(b"&")?;
    let Some(number) = name.strip_prefix(b"#") else {
        let (name, byte) = ENTITIES.iter().find(|(entity, _)| name.starts_with(entity))?;
        return Some((1 + name.len(), *byte));
    };
    let end = memchr::memchr(b';', &number[..number.len().min(MAX_NUMBER_BYTES)])?;
    let digits = &number[..end];
    let byte = match digits.strip_prefix(b"x").or_else(|| digits.strip_prefix(b"X")) {
        Some(digits) => character(digits, 16)?,
        None => character(digits, 10)?,
    };
    Some((2 + end + 1, byte))
}

/// Where the literal begins to which the one is joined whose closing quote is at `at`.
pub(super) fn joint(bytes: &[u8], at: usize) -> Option<usize> {
    let (&quote, rest) = bytes.get(at..)?.split_first().filter(|(quote, _)| b"\"'".contains(quote))?;
    let is_token = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_-+/=.:@%~!#$*".contains(byte))
    };
    if !is_token(at.checked_sub(1).and_then(|before| bytes.get(before))) {
        return None;
    }
    let glue = rest.iter().take(MAX_GLUE_BYTES).take_while(|byte| is_glue(**byte)).count();
    let start = at + 1 + glue + 1;
    (rest.get(glue) == Some(&quote) && is_token(bytes.get(start))).then_some(start)
}

fn is_glue(byte: u8) -> bool {
    // `& _` joins lines in Visual Basic.
    byte.is_ascii_whitespace() || b"+.\\&_".contains(&byte)
}

/// Where the literal ends to which the one is joined that begins at `start`.
pub(super) fn end_of_part(bytes: &[u8], start: usize) -> Option<usize> {
    let opening = start.checked_sub(1).filter(|&at| b"\"'".contains(&bytes[at]))?;
    let glue = bytes[..opening].iter().rev().take(MAX_GLUE_BYTES).take_while(|byte| is_glue(**byte)).count();
    let closing = (opening - glue).checked_sub(1)?;
    (joint(bytes, closing) == Some(start)).then_some(closing)
}
