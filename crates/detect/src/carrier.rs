//! Where a token begins in the text that carries it: in JSON, URLs, logs with colours, dumps and binary files, the byte in front
//! may be the end of an escape or of another column. It belongs to no word then, though it is a letter.
//!
//! Patterns see the text through a [`View`]: a copy of the surroundings, of the same length, with the escape taken out.

use keysieve_model::location::ByteSpan;
use keysieve_rules::{Check, Kind, Rule};

use super::checks::MARGIN_BYTES;

/// How many backslashes may stand in front of an escape's letter: text that was escaped more than once.
const MAX_BACKSLASHES: usize = 8;
/// The longest parameters of a control sequence, in bytes: `38;2;255;255;255`.
const MAX_PARAMETER_BYTES: usize = 20;
/// The longest escape, in bytes: a control sequence whose introducer is an escape.
const MAX_ESCAPE_BYTES: usize = MAX_BACKSLASHES + b"U0000001b[".len() + MAX_PARAMETER_BYTES + 1;
const _: () = assert!(MAX_ESCAPE_BYTES + NEIGHBOURHOOD_BYTES < MARGIN_BYTES);
/// How far from a token control characters say that it lies in binary content, in bytes.
const NEIGHBOURHOOD_BYTES: usize = 64;
/// How many bytes of a view lie beyond what checks look at.
const SLACK_BYTES: usize = 8;
/// The shortest keyword that makes a prefix strict, in bytes.
const MIN_STRICT_BYTES: usize = 4;
/// The fewest characters in a row that are worth a look around for binary content.
const MIN_TOKEN_BYTES: usize = 16;

/// The character that an escape stands for where that is no single byte.
const OTHER: u8 = b' ';
const ESCAPE: u8 = 0x1b;

/// An escape whose last byte could be taken for a part of the word behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Escape {
    start: usize,
    end: usize,
    /// The byte that it stands for; never one of a word.
    byte: u8,
}

/// Text as a pattern is to see it.
#[derive(Debug)]
pub(super) struct View {
    pub(super) bytes: Vec<u8>,
    /// Where the view begins in the text.
    pub(super) offset: usize,
    /// Whether what was taken out may as well be text: `=92` in quoted-printable, or the value of `X=9239`.
    is_doubtful: bool,
}

impl View {
    /// A copy of what a rule looks at, from its keyword at `keyword`.
    fn copied(text: &[u8], keyword: ByteSpan, rule: &Rule) -> Self {
        let reach = |window: u32| window as usize + MARGIN_BYTES + SLACK_BYTES;
        let start = keyword.start.saturating_sub(reach(rule.window.before));
        let end = (keyword.end + reach(rule.window.after)).min(text.len());
        Self { bytes: text[start..end].to_vec(), offset: start, is_doubtful: false }
    }

    /// Puts `byte` behind blanks in the place of `span`, which counts from the text's start.
    fn mask(&mut self, span: ByteSpan, byte: u8) {
        let masked = span.start.saturating_sub(self.offset)..span.end.saturating_sub(self.offset);
        if let Some([blanks @ .., last]) = self.bytes.get_mut(masked) {
            blanks.fill(b' ');
            *last = byte;
        }
    }
}

/// The text around `keyword` without the escape in front of the match, if there may be one.
pub(super) fn without_escape(text: &[u8], keyword: ByteSpan, rule: &Rule) -> Option<View> {
    if rule.kind != Kind::Provider {
        return None;
    }
    let escape = match rule.window.before as usize {
        0 => escape_before(text, keyword.start),
        before => escape_in_front(text, keyword.start, before),
    }?;
    let mut view = View::copied(text, keyword, rule);
    view.mask(ByteSpan::new(escape.start, escape.end), escape.byte);
    view.is_doubtful = text.get(escape.start) == Some(&b'=');
    Some(view)
}

/// A view that is to be tried in front of the text, and one that is to be tried behind it.
pub(super) fn by_certainty(view: Option<View>) -> (Option<View>, Option<View>) {
    match view {
        Some(View { is_doubtful: true, .. }) => (None, view),
        _ => (view, None),
    }
}

/// The text around `keyword` without what touches a token there, where that is binary content and the token needs no word to
/// begin and end: columns of a database's records touch. Where the token ends is not known, so there are several: `lengths` says
/// how long secrets are, and the length of the next record may look like a character of the token.
pub(super) fn without_columns(
    text: &[u8],
    keyword: ByteSpan,
    rule: &Rule,
    lengths: impl FnOnce() -> Option<(usize, Option<usize>)>,
) -> impl Iterator<Item = View> {
    let is_column = is_strict(rule, keyword) && may_be_column(text, keyword);
    let (shortest, longest) = if is_column { lengths() } else { None }.unwrap_or_default();
    let most = longest.unwrap_or(usize::MAX).min(keyword.end - keyword.start + rule.window.after as usize);
    let behind = text[keyword.start.min(text.len())..].iter().take(if is_column { most } else { 0 });
    let run = behind.take_while(|byte| byte.is_ascii_graphic()).count();
    let mut lengths: Vec<usize> = [run, run.saturating_sub(1), run.saturating_sub(2), shortest].into();
    lengths.retain(|&length| (shortest..=run).contains(&length) && length > 0);
    lengths.dedup();
    lengths.into_iter().map(move |length| {
        let mut view = View::copied(text, keyword, rule);
        if let Some(before) = keyword.start.checked_sub(1) {
            view.mask(ByteSpan::new(before, keyword.start), b' ');
        }
        let end = keyword.start + length;
        view.mask(ByteSpan::new(end, end + 1), b' ');
        view
    })
}

/// Whether a match says enough by itself: it begins with a prefix of its own, or holds a checksum.
pub(super) fn is_strict(rule: &Rule, keyword: ByteSpan) -> bool {
    let is_told_by_name = |check: &Check| matches!(check, Check::ProviderName | Check::SecretName);
    rule.kind == Kind::Provider
        && rule.window.before == 0
        && (keyword.end - keyword.start >= MIN_STRICT_BYTES
            || rule.checks.iter().any(|check| matches!(check, Check::Checksum(_))))
        && !rule.checks.iter().any(is_told_by_name)
}

/// Whether the secret that was found in a view without columns is one: it begins with its keyword, and is no identifier of a
/// program, whose names touch as well.
pub(super) fn is_column(rule: &Rule, text: &[u8], keyword: ByteSpan, secret: ByteSpan) -> bool {
    let says_so = |check: &Check| matches!(check, Check::Checksum(_) | Check::Structure(_));
    let body = ByteSpan::new(keyword.end, secret.end).of(text);
    secret.start == keyword.start && (rule.checks.iter().any(says_so) || is_random(body))
}

/// The shortest stretch of small letters between capitals that is taken for a word, in bytes.
const WORD_BYTES: usize = 7;
/// In how many bytes random text has one digit at the least, and one `_` at the most.
const BYTES_A_DIGIT: usize = 20;

/// Whether `body` is no name of a program, `_ZN4live_hash_setIPKNS_6svalueELb0E`: it has digits, few `_`, and between capitals no words.
fn is_random(body: &[u8]) -> bool {
    let count = |is_counted: fn(&u8) -> bool| body.iter().filter(|byte| is_counted(byte)).count();
    let has_capitals = body.iter().any(u8::is_ascii_uppercase);
    let longest_word = body.split(|byte| !byte.is_ascii_lowercase()).map(<[u8]>::len).max().unwrap_or(0);
    count(u8::is_ascii_digit) * BYTES_A_DIGIT >= body.len()
        && count(|byte| *byte == b'_') * BYTES_A_DIGIT <= body.len()
        && !(has_capitals && longest_word >= WORD_BYTES)
}

/// Whether a token may begin with the keyword, and lies among control characters that no text has.
fn may_be_column(text: &[u8], keyword: ByteSpan) -> bool {
    let is_control = |byte: &u8| matches!(byte, 0..=8 | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f);
    let start = keyword.start.saturating_sub(NEIGHBOURHOOD_BYTES);
    let end = (keyword.end + NEIGHBOURHOOD_BYTES).min(text.len());
    let token = text.get(keyword.start..keyword.start + MIN_TOKEN_BYTES);
    token.is_some_and(|token| token.iter().all(u8::is_ascii_graphic))
        && text[start..end].iter().any(is_control)
}

/// The escape in front of the word that ends at `keyword`, at most `before` bytes long.
fn escape_in_front(text: &[u8], keyword: usize, before: usize) -> Option<Escape> {
    let least = keyword.saturating_sub(before + MAX_ESCAPE_BYTES);
    // `;` stands between the parameters of a control sequence.
    let is_of_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-+/.~:|!@$;".contains(byte);
    let word = text[least..keyword].iter().rposition(|byte| !is_of_token(byte));
    // The sign of an added line in a difference.
    let start = word.map_or(least, |at| least + at + 1);
    if text.get(start) == Some(&b'+') && text[..start].last().is_none_or(|byte| *byte == b'\n') {
        return Some(Escape { start, end: start + 1, byte: OTHER });
    }
    let sign = least + word?;
    if !b"\\%=#^[".contains(&text[sign]) {
        return None;
    }
    // The longest: `\0` and `\01` are escapes as well as `\012`.
    let longest = (sign + 1 + MAX_PARAMETER_BYTES + 1).min(keyword);
    let escapes = (sign + 1..=longest).rev().filter_map(|end| escape_before(text, end));
    escapes.into_iter().find(|escape| (escape.start..escape.end).contains(&sign))
}

/// The escape that ends at `end`.
fn escape_before(text: &[u8], end: usize) -> Option<Escape> {
    let (&last, before) = text.get(..end)?.split_last()?;
    if !last.is_ascii_alphanumeric() {
        return None;
    }
    let is_of_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    character_before(text, end)
        .filter(|escape| !is_of_word(escape.byte))
        .or_else(|| control_sequence_before(before, last, end))
}

/// The escape of a single character that ends at `end`.
fn character_before(text: &[u8], end: usize) -> Option<Escape> {
    let before = |length: usize| text.get(..end.checked_sub(length)?);
    let digits = |length: usize| text.get(end.checked_sub(length)?..end);
    let found =
        |length: usize, byte: u8| Some(Escape { start: start_of_backslashes(text, end - length), end, byte });
    // `\n`
    let letter = *text.get(..end)?.last()?;
    if let Some(byte) = meaning(letter)
        && before(1)?.ends_with(b"\\")
    {
        return found(2, byte);
    }
    // `\x0a`, `%0A`, `=0A`
    if let Some(byte) = digits(2).and_then(hexadecimal) {
        match before(2)? {
            [.., b'\\', b'x' | b'X'] => return found(4, byte),
            [.., b'%', b'2', b'5'] => return found(5, byte),
            [.., b'%'] => return found(3, byte),
            [.., b'='] if !digits(2)?.iter().any(u8::is_ascii_lowercase) => return found(3, byte),
            _ => {}
        }
    }
    // `\u000a`, `\U0000000a`
    for (length, sign) in [(4, b'u'), (8, b'U')] {
        if let Some(byte) = digits(length).and_then(hexadecimal)
            && let Some([.., b'\\' | b'%', letter]) = before(length)
            && *letter == sign
        {
            return found(length + 2, byte);
        }
    }
    // `\012`; `#012`, as rsyslog writes control characters.
    for length in (1..=3).rev() {
        if let Some(byte) = digits(length).and_then(octal) {
            match before(length)? {
                [.., b'\\'] => return found(length + 1, byte),
                [.., b'#'] if length == 3 && byte < b' ' => return found(4, byte),
                _ => {}
            }
        }
    }
    // `^J`, as `cat -v` does.
    let is_control = letter.is_ascii_uppercase() && before(1)?.ends_with(b"^");
    if is_control { found(2, letter & 0x1f) } else { None }
}

/// What the letter stands for behind a backslash, where that is white space or a control character.
fn meaning(letter: u8) -> Option<u8> {
    Some(match letter {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'e' | b'E' => ESCAPE,
        b'a' | b'b' | b'f' | b'v' | b'0' => OTHER,
        _ => return None,
    })
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    number(digits, 16)
}

fn octal(digits: &[u8]) -> Option<u8> {
    number(digits, 8)
}

/// The byte with this number; [`OTHER`] for what is not ASCII.
fn number(digits: &[u8], radix: u32) -> Option<u8> {
    let number = digits.iter().try_fold(0u32, |number, &digit| {
        number.checked_mul(radix)?.checked_add(char::from(digit).to_digit(radix)?)
    })?;
    Some(u8::try_from(number).ok().filter(u8::is_ascii).unwrap_or(OTHER))
}

/// `start`, or where the backslashes begin that stand in front of the one there.
fn start_of_backslashes(text: &[u8], start: usize) -> usize {
    if text.get(start) != Some(&b'\\') {
        return start;
    }
    start - text[..start].iter().rev().take(MAX_BACKSLASHES - 1).take_while(|byte| **byte == b'\\').count()
}

/// The control sequence that sets a colour or the like and ends with `last`, which `before` has in front: `ESC [ 31 m`. The
/// first character may be written as an escape, and colours are known without it.
fn control_sequence_before(before: &[u8], last: u8, end: usize) -> Option<Escape> {
    if !last.is_ascii_alphabetic() {
        return None;
    }
    let is_parameter = |byte: &&u8| matches!(byte, b'0'..=b'9' | b';' | b':' | b'?');
    let length = before.iter().rev().take(MAX_PARAMETER_BYTES).take_while(is_parameter).count();
    let introducer = before[..before.len() - length].strip_suffix(b"[")?;
    let found = |start: usize| Some(Escape { start, end, byte: OTHER });
    let escape = introducer.len();
    if introducer.ends_with(&[ESCAPE]) || introducer.ends_with(b"^[") {
        return found(escape - 1);
    }
    if let Some(written) = character_before(introducer, escape)
        && written.byte == ESCAPE
    {
        return found(written.start);
    }
    let is_entity = [b"&#27;".as_slice(), b"&#x1b;", b"&#x1B;", b"{1b}", b"{1B}"]
        .iter()
        .any(|written| introducer.ends_with(written));
    let is_colour = last == b'm' && length > 0;
    if is_entity || is_colour { found(escape) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_ends_in_front_of_a_word() {
        for (escape, byte) in [
            (r"\n", b'\n'),
            (r"\\n", b'\n'),
            (r"\\\\t", b'\t'),
            (r"\x22", b'"'),
            (r"\u0026", b'&'),
            (r"\\u0026", b'&'),
            (r"\U0000000a", b'\n'),
            (r"\u201c", OTHER),
            (r"\042", b'"'),
            (r"\0", OTHER),
            ("%3D", b'='),
            ("%3d", b'='),
            ("%253D", b'='),
            ("%u000A", b'\n'),
            ("=0A", b'\n'),
            ("#012", b'\n'),
            ("^J", b'\n'),
            ("\x1b[31m", OTHER),
            ("\x1b[0K", OTHER),
            ("\x1b[38;2;255;0;0m", OTHER),
            (r"\u001b[31m", OTHER),
            (r"\\u001b[31m", OTHER),
            (r"\x1b[1;31m", OTHER),
            (r"\033[31m", OTHER),
            (r"\e[31m", OTHER),
            ("^[[31m", OTHER),
            ("%1B[31m", OTHER),
            ("[31m", OTHER),
        ] {
            let text = format!("word{escape}");
            let found = escape_before(text.as_bytes(), text.len()).map(|found| (found.byte, found.end));
            assert_eq!(found, Some((byte, text.len())), "{escape}");
        }
    }

    #[test]
    fn a_letter_or_an_escaped_letter_is_part_of_a_word() {
        for text in
            ["x", "n", r"\q", r"\x41", "%41", "=41", r"\u0041", r"\101", "=0a", "#112", "[m", "[3x", "0A"]
        {
            assert_eq!(escape_before(text.as_bytes(), text.len()), None, "{text}");
        }
    }
}
