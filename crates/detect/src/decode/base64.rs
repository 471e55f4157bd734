//! Base64 of both alphabets, and hexadecimal digits: runs of characters that decode to text.
//!
//! A run begins with a stretch of at least [`MIN_CHARACTERS`]. One of 40 to 80 characters, as many as a wrapped line has, goes on
//! in the next line where that begins with a stretch of the same length, or ends with a shorter one. Since a line's length is a
//! multiple of four, each line decodes for itself. A line that decodes to no text ends the run in front of it.

use keysieve_model::location::ByteSpan;

use super::{Block, Form, MAX_RUN_BYTES, Origins, Run, STEP_BYTES, Text, depends_on};

/// The shortest run: it covers [`STEP_BYTES`] from a multiple of as many on, wherever it begins.
const MIN_CHARACTERS: usize = 2 * STEP_BYTES;
/// How many characters a wrapped line has.
const LINE_CHARACTERS: std::ops::RangeInclusive<usize> = 40..=80;
/// The widest indentation of a wrapped line.
const MAX_INDENT: usize = 32;
/// The value of a byte that is no character of base64.
const NONE: u8 = 64;

/// What each character stands for, in the standard alphabet and the one for URLs.
const VALUES: [u8; 256] = values();

const fn values() -> [u8; 256] {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < 26 {
        values[(b'A' + value) as usize] = value;
        values[(b'a' + value) as usize] = 26 + value;
        if value < 10 {
            values[(b'0' + value) as usize] = 52 + value;
        }
        value += 1;
    }
    values[b'+' as usize] = 62;
    values[b'-' as usize] = 62;
    values[b'/' as usize] = 63;
    values[b'_' as usize] = 63;
    values
}

fn is_character(byte: u8) -> bool {
    VALUES[usize::from(byte)] != NONE
}

/// Whether all bytes of the block but the last two may lie in a run. Without branches, so that they are looked at together; some
/// signs pass, which words of programs and texts do not end with.
#[inline(always)]
pub(super) fn may_cover(block: &Block) -> bool {
    block[..STEP_BYTES].iter().fold(true, |all, &byte| {
        let is_letter = byte | 0x20 >= b'a';
        let is_digit = byte.wrapping_sub(b'/') <= b'9' - b'/';
        let is_sign = byte & !0b110 == b'+' & !0b110;
        all & (is_letter | is_digit | is_sign)
    })
}

/// Finds the runs of a text, each once.
pub(super) struct Finder<'a> {
    bytes: &'a [u8],
    /// How far runs were looked for.
    done: usize,
}

impl<'a> Finder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, done: 0 }
    }

    /// Hands over the run in which the character at `at` lies.
    pub(super) fn look_at(&mut self, at: usize, found: &mut impl FnMut(Text)) {
        let covered = self.bytes.get(at..at + STEP_BYTES);
        if at < self.done || !covered.is_some_and(|bytes| bytes.iter().all(|byte| is_character(*byte))) {
            return;
        }
        let stretch = stretch_around(self.bytes, at);
        self.done = stretch.end;
        if stretch.end - stretch.start < MIN_CHARACTERS || stretch.end - stretch.start > MAX_RUN_BYTES {
            return;
        }
        if let Some(text) = first_line(self.bytes, stretch).and_then(|first| decoded(self.bytes, first)) {
            found(text);
        }
        // The lines behind belong to the same run.
        let behind = lines(self.bytes, stretch).take_while(|line| line.end - stretch.start <= MAX_RUN_BYTES);
        self.done = behind.last().map_or(stretch.end, |line| line.end);
    }
}

/// The characters around `at`, as far as the longest run would reach.
fn stretch_around(bytes: &[u8], at: usize) -> ByteSpan {
    let least = at.saturating_sub(MAX_RUN_BYTES + 1);
    let most = (at + MAX_RUN_BYTES + 1).min(bytes.len());
    let before = bytes[least..at].iter().rev().take_while(|byte| is_character(**byte)).count();
    let behind = bytes[at..most].iter().take_while(|byte| is_character(**byte)).count();
    ByteSpan::new(without_escape(bytes, at - before).min(at), at + behind)
}

/// `start`, or one more where the character is the letter of an escape: `\nQUJD`.
fn without_escape(bytes: &[u8], start: usize) -> usize {
    let is_letter = bytes.get(start).is_some_and(|byte| b"nrt".contains(byte));
    if is_letter && start > 0 && bytes[start - 1] == b'\\' { start + 1 } else { start }
}

/// The first line of the run in which `line` lies; `None` where it lies in none.
fn first_line(bytes: &[u8], line: ByteSpan) -> Option<ByteSpan> {
    let length = |line: ByteSpan| line.end - line.start;
    let longer = |first: ByteSpan| line_before(bytes, first).filter(|before| length(*before) > length(first));
    let equal = |first: ByteSpan| line_before(bytes, first).filter(|before| length(*before) == length(first));
    // The last line may be shorter.
    let mut first = longer(line).unwrap_or(line);
    while let Some(before) = equal(first) {
        first = before;
        if line.end - first.start > MAX_RUN_BYTES {
            return None;
        }
    }
    longer(first).is_none().then_some(first)
}

/// The line that is wrapped in front of `line`.
fn line_before(bytes: &[u8], line: ByteSpan) -> Option<ByteSpan> {
    let end = end_of_line_before(bytes, line.start)?;
    let least = end.saturating_sub(LINE_CHARACTERS.end() + 1);
    let characters = bytes[least..end].iter().rev().take_while(|byte| is_character(**byte)).count();
    let start = without_escape(bytes, end - characters);
    let length = end - start;
    (is_wrapped(length) && length >= line.end - line.start).then_some(ByteSpan::new(start, end))
}

/// The line in which `line` goes on: as long as it, or shorter.
fn next_line(bytes: &[u8], line: ByteSpan) -> Option<ByteSpan> {
    let length = line.end - line.start;
    if !is_wrapped(length) {
        return None;
    }
    let start = start_of_line_behind(bytes, line.end)?;
    let characters = bytes[start..].iter().take(length + 1).take_while(|byte| is_character(**byte)).count();
    (characters <= length).then_some(ByteSpan::new(start, start + characters))
}

/// `first` and the lines in which it goes on: as long as it, and a shorter one at the end.
fn lines(bytes: &[u8], first: ByteSpan) -> impl Iterator<Item = ByteSpan> {
    let length = |line: &ByteSpan| line.end - line.start;
    std::iter::successors(Some(first), move |line| {
        if length(line) == length(&first) { next_line(bytes, *line) } else { None }
    })
}

fn is_wrapped(length: usize) -> bool {
    LINE_CHARACTERS.contains(&length) && length.is_multiple_of(4)
}

/// Where the line in front of that which begins at `start` ends, with a character of base64.
pub(super) fn end_of_line_before(bytes: &[u8], start: usize) -> Option<usize> {
    let before = &bytes[..start];
    let end = match before.strip_suffix(b"\\n") {
        Some(before) => before.strip_suffix(b"\\r").unwrap_or(before),
        None => {
            let blanks = before.iter().rev().take(MAX_INDENT).take_while(|byte| is_blank(**byte)).count();
            let before = before[..start - blanks].strip_suffix(b"\n")?;
            let before = before.strip_suffix(b"\r").unwrap_or(before);
            before.strip_suffix(b"\\").unwrap_or(before)
        }
    };
    end.last().is_some_and(|byte| is_character(*byte)).then_some(end.len())
}

/// Where the line behind that which ends at `end` begins, with a character of base64.
pub(super) fn start_of_line_behind(bytes: &[u8], end: usize) -> Option<usize> {
    let behind = bytes.get(end..)?;
    let rest = match behind.strip_prefix(b"\\r\\n").or_else(|| behind.strip_prefix(b"\\n")) {
        Some(rest) => rest,
        None => {
            let behind = behind.strip_prefix(b"\\").unwrap_or(behind);
            let behind = behind.strip_prefix(b"\r").unwrap_or(behind).strip_prefix(b"\n")?;
            let blanks = behind.iter().take(MAX_INDENT).take_while(|byte| is_blank(**byte)).count();
            &behind[blanks..]
        }
    };
    rest.first().is_some_and(|byte| is_character(*byte)).then_some(bytes.len() - rest.len())
}

/// Whether what ends at `end` may be a wrapped line, with a backslash behind it or without.
pub(super) fn is_wrapped_at(bytes: &[u8], end: usize) -> bool {
    let line = &bytes[..end];
    let line = line.strip_suffix(b"\\").unwrap_or(line);
    let least = *LINE_CHARACTERS.start();
    line.len() >= least && line.iter().rev().take(least).all(|byte| is_character(*byte))
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The text of the run that begins with the line `first`.
fn decoded(bytes: &[u8], first: ByteSpan) -> Option<Text> {
    let decode = if is_hexadecimal(first.of(bytes)) { hexadecimal } else { base64 };
    let mut text: Vec<u8> = Vec::new();
    let mut origins: Vec<ByteSpan> = Vec::new();
    let mut end = first.start;
    for line in lines(bytes, first) {
        let Some(more) = decode(bytes, line) else { break };
        text.extend(more.iter().map(|&(byte, _)| byte));
        origins.extend(more.iter().map(|&(_, origin)| origin));
        end = line.end;
        if end - first.start > MAX_RUN_BYTES {
            return None;
        }
    }
    let span = ByteSpan::new(first.start, end);
    let run = Run { span, depends: depends_on(bytes, span), form: Form::Base64 };
    (!text.is_empty()).then_some(Text { bytes: text, run, origins: Origins::Each(origins) })
}

/// A byte and where it comes from.
type Decoded = (u8, ByteSpan);

fn is_hexadecimal(line: &[u8]) -> bool {
    let digits = line.strip_prefix(b"0x").unwrap_or(line);
    digits.len().is_multiple_of(2) && digits.iter().all(u8::is_ascii_hexdigit)
}

/// What the hexadecimal digits of the line stand for, where that is text.
fn hexadecimal(bytes: &[u8], line: ByteSpan) -> Option<Vec<Decoded>> {
    let start = line.start + if line.of(bytes).starts_with(b"0x") { 2 } else { 0 };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut text = Vec::new();
    for at in (start..line.end - 1).step_by(2) {
        let byte = (digit(bytes[at])? << 4 | digit(bytes[at + 1])?) as u8;
        if !may_be_text(byte, text.len()) {
            return None;
        }
        text.push((byte, ByteSpan::new(at, at + 2)));
    }
    is_text(&text).then_some(text)
}

/// What the line stands for, where that is text.
fn base64(bytes: &[u8], line: ByteSpan) -> Option<Vec<Decoded>> {
    let mut text = Vec::new();
    for start in (line.start..line.end).step_by(4) {
        let four = &bytes[start..(start + 4).min(line.end)];
        let bits = four.iter().fold(0, |bits, &byte| bits << 6 | u32::from(VALUES[usize::from(byte)]));
        let bits = bits << (6 * (4 - four.len()));
        for (number, byte) in bits.to_be_bytes()[1..four.len()].iter().copied().enumerate() {
            if !may_be_text(byte, text.len()) {
                return None;
            }
            text.push((byte, ByteSpan::new(start + number, start + number + 2)));
        }
    }
    // PowerShell's `-EncodedCommand` is UTF-16.
    if text.get(1).is_some_and(|&(byte, _)| byte == 0) {
        let is_wide = text.iter().skip(1).step_by(2).all(|&(byte, _)| byte == 0);
        text = text.into_iter().step_by(2).collect();
        return (is_wide && is_text(&text)).then_some(text);
    }
    is_text(&text).then_some(text)
}

/// How many bytes of a text have to be ASCII for the rest to be looked at.
const ASCII_START: usize = 18;

/// Whether text may have `byte` at `offset`: nearly all that is no text ends here after a byte or two.
fn may_be_text(byte: u8, offset: usize) -> bool {
    match byte {
        0 => offset % 2 == 1,
        b'\t' | b'\n' | b'\r' | b' '..=b'~' => true,
        0x80.. => offset >= ASCII_START,
        _ => false,
    }
}

/// Whether the bytes are UTF-8 without control characters. A character may be cut by the ends of a line.
fn is_text(text: &[Decoded]) -> bool {
    let bytes: Vec<u8> = text.iter().map(|&(byte, _)| byte).collect();
    if bytes.contains(&0) {
        return false;
    }
    let cut = bytes.iter().take(3).take_while(|byte| (0x80..0xc0).contains(*byte)).count();
    match std::str::from_utf8(&bytes[cut..]) {
        Ok(text) => !text.is_empty(),
        Err(error) => error.error_len().is_none(),
    }
}
