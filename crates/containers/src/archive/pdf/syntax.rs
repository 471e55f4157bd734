//! What PDF files are written in: tokens, and the values that they make. Lenient: what makes no sense is passed over.

use std::borrow::Cow;

use bstr::ByteSlice as _;
use memchr::{memchr, memchr2, memchr3};

/// How deep arrays and dictionaries may lie in each other; what lies deeper is left out of the value.
const MAX_NESTING: usize = 64;

/// A piece of syntax.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'a> {
    Number(f64),
    /// A name as it is written, without its slash.
    Name(&'a [u8]),
    Text(Text<'a>),
    ArrayStart,
    ArrayEnd,
    DictionaryStart,
    DictionaryEnd,
    /// An operator, `obj`, `R`, `true` and the like.
    Keyword(&'a [u8]),
}

/// A string as it is written, without its delimiters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Text<'a> {
    /// `(...)`
    Literal(&'a [u8]),
    /// `<...>`
    Hex(&'a [u8]),
}

impl<'a> Text<'a> {
    /// The bytes that it stands for.
    pub(super) fn bytes(self) -> Cow<'a, [u8]> {
        match self {
            Self::Literal(raw) if memchr2(b'\\', b'\r', raw).is_none() => Cow::Borrowed(raw),
            Self::Literal(raw) => Cow::Owned(unescaped(raw)),
            Self::Hex(raw) => Cow::Owned(from_hex(raw)),
        }
    }

    /// What a reader sees of it where it is a text and not a font's codes: UTF-16 or UTF-8 where it begins with a mark, and
    /// else PDFDocEncoding.
    pub(super) fn shown(self) -> String {
        let bytes = self.bytes();
        let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
            let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
            char::decode_utf16(units).map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        };
        match &*bytes {
            [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
            [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
            [0xef, 0xbb, 0xbf, rest @ ..] => rest.to_str_lossy().into_owned(),
            bytes => bytes.iter().map(|&byte| pdf_doc_char(byte)).collect(),
        }
    }

    /// Whether it reads as it is written, so that a search of the file itself sees it.
    pub(super) fn is_plain(self) -> bool {
        match self {
            Self::Literal(raw) => raw.is_ascii() && memchr2(b'\\', b'\r', raw).is_none(),
            Self::Hex(raw) => raw.is_empty(),
        }
    }
}

/// PDFDocEncoding, which is Latin-1 but for these.
fn pdf_doc_char(byte: u8) -> char {
    const FROM_18: [char; 8] = ['˘', 'ˇ', 'ˆ', '˙', '˝', '˛', '˚', '˜'];
    const FROM_80: [char; 33] = [
        '•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘', '’', '‚', '™', 'ﬁ',
        'ﬂ', 'Ł', 'Œ', 'Š', 'Ÿ', 'Ž', 'ı', 'ł', 'œ', 'š', 'ž', ' ', '€',
    ];
    match byte {
        0x18..=0x1f => FROM_18[usize::from(byte - 0x18)],
        0x80..=0xa0 => FROM_80[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

fn unescaped(raw: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'\\' => {
                let Some((&escaped, after)) = rest.split_first() else { break };
                rest = after;
                match escaped {
                    b'n' => bytes.push(b'\n'),
                    b'r' => bytes.push(b'\r'),
                    b't' => bytes.push(b'\t'),
                    b'b' => bytes.push(8),
                    b'f' => bytes.push(12),
                    b'0'..=b'7' => {
                        let mut code = u32::from(escaped - b'0');
                        for _ in 0..2 {
                            let Some(&digit @ b'0'..=b'7') = rest.first() else { break };
                            code = code * 8 + u32::from(digit - b'0');
                            rest = &rest[1..];
                        }
                        // What overflows a byte loses its high bits, as the format has it.
                        bytes.push((code & 0xff) as u8);
                    }
                    // A line that goes on.
                    b'\r' => rest = rest.strip_prefix(b"\n").unwrap_or(rest),
                    b'\n' => {}
                    other => bytes.push(other),
                }
            }
            b'\r' => {
                rest = rest.strip_prefix(b"\n").unwrap_or(rest);
                bytes.push(b'\n');
            }
            byte => bytes.push(byte),
        }
    }
    bytes
}

/// The bytes that pairs of digits stand for; what is no digit is passed over, and a last digit that is missing is a zero.
fn from_hex(raw: &[u8]) -> Vec<u8> {
    let mut digits = raw.iter().filter_map(|&digit| char::from(digit).to_digit(16));
    let mut bytes = Vec::with_capacity(raw.len() / 2);
    while let Some(high) = digits.next() {
        bytes.push((high * 16 + digits.next().unwrap_or(0)) as u8);
    }
    bytes
}

/// Reads tokens, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Whether the last token may go on behind the bytes that there are.
    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Passes over `count` bytes.
    pub(super) fn skip(&mut self, count: usize) {
        self.at = self.bytes.len().min(self.at + count);
    }

    /// What was not read.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    fn skip_blanks(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'%' => {
                    let rest = self.rest();
                    self.at += memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
                }
                byte if is_blank(byte) => self.at += 1,
                _ => break,
            }
        }
    }

    /// The word from here on: up to a blank or a delimiter.
    fn word(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|&byte| is_blank(byte) || is_delimiter(byte));
        let length = length.unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// A literal string behind its opening parenthesis.
    fn literal(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let (mut depth, mut at) = (0usize, 0);
        while let Some(next) = rest.get(at..).and_then(|rest| memchr3(b'(', b')', b'\\', rest)) {
            at += next + 1;
            match rest[at - 1] {
                b'(' => depth += 1,
                b'\\' => at += 1,
                _ if depth == 0 => {
                    self.at += at;
                    return &rest[..at - 1];
                }
                _ => depth -= 1,
            }
        }
        self.at = self.bytes.len();
        rest
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            self.skip_blanks();
            let rest = self.rest();
            let token = match *rest.first()? {
                b'/' => {
                    self.at += 1;
                    Token::Name(self.word())
                }
                b'(' => {
                    self.at += 1;
                    Token::Text(Text::Literal(self.literal()))
                }
                b'<' if rest.starts_with(b"<<") => {
                    self.at += 2;
                    Token::DictionaryStart
                }
                b'<' => {
                    let end = memchr(b'>', rest);
                    self.at += end.map_or(rest.len(), |end| end + 1);
                    Token::Text(Text::Hex(&rest[1..end.unwrap_or(rest.len())]))
                }
                b'>' if rest.starts_with(b">>") => {
                    self.at += 2;
                    Token::DictionaryEnd
                }
                b'[' => {
                    self.at += 1;
                    Token::ArrayStart
                }
                b']' => {
                    self.at += 1;
                    Token::ArrayEnd
                }
                b'>' | b')' => {
                    self.at += 1;
                    continue;
                }
                b'{' | b'}' => {
                    self.at += 1;
                    Token::Keyword(&rest[..1])
                }
                _ => {
                    let word = self.word();
                    number(word).map_or(Token::Keyword(word), Token::Number)
                }
            };
            return Some(token);
        }
    }
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

fn number(word: &[u8]) -> Option<f64> {
    let unsigned = word.trim_start_with(|char| matches!(char, '+' | '-'));
    let (mut value, mut scale, mut digits) = (0.0, None, 0);
    for &byte in unsigned {
        match byte {
            b'0'..=b'9' => {
                value = value * 10.0 + f64::from(byte - b'0');
                digits += 1;
                scale = scale.map(|scale| scale * 10.0);
            }
            b'.' if scale.is_none() => scale = Some(1.0),
            // Some writers put a sign into the middle; what stands in front of it counts.
            b'-' if digits > 0 => break,
            _ => return None,
        }
    }
    (digits > 0).then(|| {
        let value: f64 = value / scale.unwrap_or(1.0);
        if word.first() == Some(&b'-') { -value } else { value }
    })
}

/// A value of a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    Number(f64),
    Name(Cow<'a, [u8]>),
    Text(Text<'a>),
    Array(Vec<Value<'a>>),
    Dictionary(Dictionary<'a>),
    /// The object with this number.
    Reference(u32),
    /// Nothing, a truth value, or something that is no value.
    Other,
}

/// A dictionary, in the order in which it is written.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Dictionary<'a>(pub(super) Vec<(Cow<'a, [u8]>, Value<'a>)>);

impl<'a> Dictionary<'a> {
    /// The value of `key`.
    pub(super) fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.0.iter().find(|(name, _)| **name == *key.as_bytes()).map(|(_, value)| value)
    }

    /// The value of `key`, which is gone from here then.
    pub(super) fn take(&mut self, key: &str) -> Value<'a> {
        let found = self.0.iter_mut().find(|(name, _)| **name == *key.as_bytes());
        found.map_or(Value::Other, |(_, value)| std::mem::replace(value, Value::Other))
    }

    pub(super) fn name(&self, key: &str) -> Option<&[u8]> {
        if let Some(Value::Name(name)) = self.get(key) { Some(name) } else { None }
    }

    /// A number that is none below zero.
    pub(super) fn size(&self, key: &str) -> Option<usize> {
        self.get(key)?.size()
    }
}

impl<'a> Value<'a> {
    /// The first value in `bytes`.
    pub(super) fn parse(bytes: &'a [u8]) -> Self {
        Self::read(&mut Lexer::new(bytes))
    }

    /// The value that comes next. What it lacks at its end is taken as being there.
    pub(super) fn read(lexer: &mut Lexer<'a>) -> Self {
        // By a list of what is open and not by recursion: the file decides how deep it goes.
        let mut open: Vec<(bool, Vec<Value<'a>>)> = Vec::new();
        let mut too_deep = 0usize;
        loop {
            let mark = lexer.clone();
            let value = match lexer.next() {
                Some(Token::ArrayStart | Token::DictionaryStart) if open.len() >= MAX_NESTING => {
                    too_deep += 1;
                    continue;
                }
                Some(Token::ArrayEnd | Token::DictionaryEnd) if too_deep > 0 => {
                    too_deep -= 1;
                    continue;
                }
                _ if too_deep > 0 && !lexer.is_at_end() => continue,
                Some(Token::ArrayStart) => {
                    open.push((false, Vec::new()));
                    continue;
                }
                Some(Token::DictionaryStart) => {
                    open.push((true, Vec::new()));
                    continue;
                }
                Some(Token::ArrayEnd | Token::DictionaryEnd) | None => match open.pop() {
                    Some(closed) => close(closed),
                    None => return Self::Other,
                },
                Some(Token::Number(number)) => Self::Number(number),
                Some(Token::Name(name)) => Self::Name(without_escapes(name)),
                Some(Token::Text(text)) => Self::Text(text),
                Some(Token::Keyword(b"R")) => reference(open.last_mut().map(|(_, values)| values)),
                // The object's end, though its value has none.
                Some(Token::Keyword(b"endobj" | b"stream" | b"endstream")) => {
                    *lexer = mark;
                    match open.pop() {
                        Some(closed) => close(closed),
                        None => return Self::Other,
                    }
                }
                Some(Token::Keyword(_)) => Self::Other,
            };
            match open.last_mut() {
                Some((_, values)) => values.push(value),
                None => return value.or_reference(lexer),
            }
        }
    }

    /// A number by itself may be the beginning of `12 0 R`.
    fn or_reference(self, lexer: &mut Lexer<'a>) -> Self {
        let Self::Number(number) = self else { return self };
        let mut ahead = lexer.clone();
        match [ahead.next(), ahead.next()] {
            [Some(Token::Number(_)), Some(Token::Keyword(b"R"))] => {
                *lexer = ahead;
                reference(Some(&mut vec![Self::Number(number), Self::Number(0.0)]))
            }
            _ => self,
        }
    }

    /// A number that is none below zero.
    pub(super) fn size(&self) -> Option<usize> {
        match self {
            Self::Number(number) if *number >= 0.0 && *number <= f64::from(u32::MAX) => {
                Some(*number as usize)
            }
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    pub(super) fn into_dictionary(self) -> Dictionary<'a> {
        if let Self::Dictionary(dictionary) = self { dictionary } else { Dictionary::default() }
    }

    /// Its elements; a value that is no array stands for itself.
    pub(super) fn into_list(self) -> Vec<Self> {
        match self {
            Self::Array(values) => values,
            Self::Other => Vec::new(),
            value => vec![value],
        }
    }
}

fn close<'a>((is_dictionary, values): (bool, Vec<Value<'a>>)) -> Value<'a> {
    if !is_dictionary {
        return Value::Array(values);
    }
    let mut entries = Vec::with_capacity(values.len() / 2);
    let mut key = None;
    for value in values {
        match (key.take(), value) {
            (Some(key), value) => entries.push((key, value)),
            (None, Value::Name(name)) => key = Some(name),
            (None, _) => {}
        }
    }
    Value::Dictionary(Dictionary(entries))
}

/// The reference that the last two values are, which are taken away.
fn reference<'a>(values: Option<&mut Vec<Value<'a>>>) -> Value<'a> {
    let number = values.and_then(|values| {
        let _generation = values.pop()?;
        values.pop()?.size()
    });
    number.and_then(|number| u32::try_from(number).ok()).map_or(Value::Other, Value::Reference)
}

/// A name with `#20` and the like replaced.
pub(super) fn without_escapes(name: &[u8]) -> Cow<'_, [u8]> {
    if memchr(b'#', name).is_none() {
        return Cow::Borrowed(name);
    }
    let digit = |at: usize| char::from(*name.get(at)?).to_digit(16);
    let (mut plain, mut at) = (Vec::with_capacity(name.len()), 0);
    while at < name.len() {
        match (digit(at + 1), digit(at + 2)) {
            (Some(high), Some(low)) if name[at] == b'#' => {
                plain.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                plain.push(name[at]);
                at += 1;
            }
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(raw: &str) -> Vec<u8> {
        let written = format!("({raw})");
        match Lexer::new(written.as_bytes()).next() {
            Some(Token::Text(text)) => text.bytes().into_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn escapes_of_strings_are_undone() {
        assert_eq!(literal(r"a\(b\)c\\"), b"a(b)c\\");
        assert_eq!(literal("nested (parentheses) too"), b"nested (parentheses) too");
        assert_eq!(literal(r"\101\1012\7z\n"), b"AA2\x07z\n");
        assert_eq!(literal("one\\\nline, one\\\r\nline\rtwo"), b"oneline, oneline\ntwo");
        assert_eq!(Text::Hex(b"48 656C6c6F 7").bytes().as_ref(), b"Hellop");
    }

    #[test]
    fn texts_are_read_in_their_encodings() {
        assert_eq!(Text::Hex(b"FEFF 0074 00e9 D83D DE00").shown(), "té😀");
        assert_eq!(Text::Literal(b"\xef\xbb\xbft\xc3\xa9").shown(), "té");
        assert_eq!(Text::Literal(b"t\xe9\x92").shown(), "té™");
    }

    #[test]
    fn values_are_parsed_with_references_and_nesting() {
        let value =
            Value::parse(b"<</A[1 2 0 R(x)<41>]/B<</C/D#20E>>/F 12 0 R/G -.5%c\n/H true/I null>> endobj");
        let mut dictionary = value.into_dictionary();
        assert_eq!(
            dictionary.take("A").into_list(),
            [
                Value::Number(1.0),
                Value::Reference(2),
                Value::Text(Text::Literal(b"x")),
                Value::Text(Text::Hex(b"41"))
            ]
        );
        assert_eq!(dictionary.take("B").into_dictionary().name("C"), Some(b"D E".as_slice()));
        assert_eq!(dictionary.get("F"), Some(&Value::Reference(12)));
        assert_eq!(dictionary.get("G"), Some(&Value::Number(-0.5)));
        assert_eq!(Value::parse(b" 7 0 R"), Value::Reference(7));
        assert_eq!(Value::parse(b" 7 0 obj"), Value::Number(7.0));
    }

    #[test]
    fn what_is_damaged_ends_and_keeps_what_came_before() {
        let cut = Value::parse(b"<</A 1/B[2 3/C").into_dictionary();
        assert_eq!(cut.get("A"), Some(&Value::Number(1.0)));
        let open = Value::parse(b"<</A (x)/B << /C 1 endobj").into_dictionary();
        assert_eq!(open.get("A"), Some(&Value::Text(Text::Literal(b"x"))));
        let deep = [b"<</A 1/B".as_slice(), &b"[".repeat(1_000_000)].concat();
        assert_eq!(Value::parse(&deep).into_dictionary().get("A"), Some(&Value::Number(1.0)));
        let closed = [b"<</B".as_slice(), &b"[".repeat(1000), &b"]".repeat(1000), b"/A 1>>"].concat();
        assert_eq!(Value::parse(&closed).into_dictionary().get("A"), Some(&Value::Number(1.0)));
        for odd in [b"".as_slice(), b")", b">>", b"]", b"R", b"<</A R>>", b"(", b"<", b"/", b"\\"] {
            let _ = Value::parse(odd);
        }
    }
}
