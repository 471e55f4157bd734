//! Fonts, as far as it takes to read text: which characters the codes in a string stand for, and how wide they are.

use std::borrow::Cow;
use std::collections::HashMap;

use super::syntax::{Dictionary, Lexer, Text, Token, Value, without_escapes};

/// How many characters one code may stand for: a ligature has a few.
const MAX_CHARS: usize = 8;
/// How many ranges of codes a table has at most; real ones have ten.
const MAX_SPACES: usize = 100;
/// The width of a character of which nothing is known, in thousandths of the font's size.
const USUAL_WIDTH: f64 = 530.0;

/// A font, ready for reading.
#[derive(Debug, Default)]
pub(super) struct Font {
    to_unicode: CMap,
    codes: Codes,
    /// What codes stand for by the names of their glyphs.
    glyphs: HashMap<u32, String>,
    widths: Widths,
}

/// How a string is cut into codes.
#[derive(Debug, Default)]
enum Codes {
    /// A byte is a code.
    #[default]
    Bytes,
    /// Two bytes are one.
    Pairs,
    /// Two bytes are one, and the character itself in UTF-16.
    Utf16,
    /// One byte below 128, else two.
    Mixed,
    /// As the font's table says: pairs of first and last code of some number of bytes.
    Table(Vec<(usize, u32, u32)>),
}

#[derive(Debug, Default)]
struct Widths {
    /// First and last code, and their width.
    ranges: Vec<(u32, u32, f64)>,
    default: Option<f64>,
    /// How much a unit is, in text space.
    unit: f64,
}

/// What a font's description names, each looked up.
#[derive(Debug, Default)]
pub(super) struct Description<'a> {
    pub(super) font: Dictionary<'a>,
    /// The encoding's name, where it is one that is known by its name.
    pub(super) encoding: Option<Cow<'a, [u8]>>,
    /// The table that it is otherwise, in a composite font.
    pub(super) encoding_table: Option<Vec<u8>>,
    /// The list of glyphs that it is otherwise, in a simple font.
    pub(super) differences: Vec<Value<'a>>,
    pub(super) widths: Vec<Value<'a>>,
    /// Of a composite font.
    pub(super) descendant: Option<Dictionary<'a>>,
    pub(super) to_unicode: Option<Vec<u8>>,
}

impl Font {
    pub(super) fn new(description: Description<'_>) -> Self {
        let Description { font, encoding, encoding_table, differences, widths, descendant, to_unicode } =
            description;
        let to_unicode = to_unicode.map(|table| CMap::parse(&table)).unwrap_or_default();
        let mut this = Self { to_unicode, ..Self::default() };
        if let Some(descendant) = descendant {
            this.codes = match (&encoding, encoding_table) {
                (_, Some(table)) => Codes::Table(CMap::parse(&table).spaces),
                (Some(name), _) if is_part(name, b"UCS2") || is_part(name, b"UTF16") => Codes::Utf16,
                (Some(name), _) if name.starts_with(b"Identity") => Codes::Pairs,
                (Some(_), _) => Codes::Mixed,
                _ => Codes::Pairs,
            };
            let default = descendant.get("DW").and_then(Value::number).or(Some(1000.0));
            this.widths = Widths { ranges: composite_widths(widths), default, unit: 0.001 };
            return this;
        }
        this.glyphs = glyphs_of(differences);
        let is_type_3 = font.name("Subtype") == Some(b"Type3");
        let unit = match font.get("FontMatrix") {
            Some(Value::Array(matrix)) if is_type_3 => matrix.first().and_then(Value::number),
            _ => None,
        };
        let first = font.size("FirstChar").and_then(|first| u32::try_from(first).ok()).unwrap_or(0);
        let ranges = widths.iter().zip(first..=u32::MAX).take(256);
        let ranges = ranges.filter_map(|(width, code)| Some((code, code, width.number()?))).collect();
        let is_monospaced = font.name("BaseFont").is_some_and(|name| is_part(name, b"Courier"));
        this.widths = Widths { ranges, default: is_monospaced.then_some(600.0), unit: unit.unwrap_or(0.001) };
        this
    }

    /// The first code of `bytes`, and how many bytes it has; at least one.
    pub(super) fn code(&self, bytes: &[u8]) -> (u32, usize) {
        let code = |length: usize| {
            let code = bytes.iter().take(length).fold(0u32, |code, &byte| code << 8 | u32::from(byte));
            (code, length.min(bytes.len()))
        };
        match &self.codes {
            Codes::Bytes => code(1),
            Codes::Pairs | Codes::Utf16 => code(2),
            Codes::Mixed => code(if bytes.first().is_some_and(|&byte| byte >= 0x80) { 2 } else { 1 }),
            Codes::Table(spaces) => {
                let is_in = |length: &usize| {
                    let (code, read) = code(*length);
                    read == *length
                        && spaces
                            .iter()
                            .any(|(bytes, first, last)| bytes == length && (*first..=*last).contains(&code))
                };
                code((1..=4).find(is_in).unwrap_or(if spaces.is_empty() { 2 } else { spaces[0].0 }))
            }
        }
    }

    /// Adds what a code stands for to `out`. Returns whether that is known.
    pub(super) fn write(&self, code: u32, out: &mut String) -> bool {
        if self.to_unicode.write(code, out) {
            return true;
        }
        if let Some(glyph) = self.glyphs.get(&code) {
            glyph.chars().for_each(|char| push(char, out));
            return true;
        }
        match &self.codes {
            Codes::Utf16 => {
                char::from_u32(code).into_iter().for_each(|char| push(char, out));
                true
            }
            // Most encodings agree on what is printable in Latin-1; a composite font's codes may be glyphs' numbers.
            codes => match u8::try_from(code).ok().and_then(usual_char) {
                Some(char) => {
                    push(char, out);
                    matches!(codes, Codes::Bytes | Codes::Mixed)
                }
                None => matches!(codes, Codes::Bytes),
            },
        }
    }

    /// The width of a code in text space, for a font of size 1, and whether that is a guess.
    pub(super) fn width(&self, code: u32) -> (f64, bool) {
        let Widths { ranges, default, unit } = &self.widths;
        let unit = if *unit == 0.0 { 0.001 } else { *unit };
        let after = ranges.partition_point(|(first, ..)| *first <= code);
        let known = ranges[..after].last().filter(|(_, last, _)| code <= *last).map(|(.., width)| *width);
        let width = known.or(*default);
        (width.unwrap_or(USUAL_WIDTH) * unit, width.is_none())
    }

    /// How much memory it takes, roughly, in bytes.
    pub(super) fn size(&self) -> usize {
        let glyphs = self.glyphs.len() * size_of::<(u32, String)>() * 2;
        let map = self.to_unicode.entries.len() * size_of::<Entry>() + self.to_unicode.texts.len();
        glyphs + map + self.widths.ranges.len() * size_of::<(u32, u32, f64)>() + size_of::<Self>()
    }
}

fn is_part(name: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(name, part).is_some()
}

/// Adds a character as people type it: ligatures in letters, and one kind of space and hyphen, since a token that was copied
/// from the page has these.
pub(super) fn push(char: char, out: &mut String) {
    match char {
        '\u{a0}' | '\u{2002}'..='\u{200a}' | '\u{202f}' | '\t' => out.push(' '),
        '\u{ad}' | '\u{2010}' | '\u{2011}' => out.push('-'),
        'ﬀ' => out.push_str("ff"),
        'ﬁ' => out.push_str("fi"),
        'ﬂ' => out.push_str("fl"),
        'ﬃ' => out.push_str("ffi"),
        'ﬄ' => out.push_str("ffl"),
        'ﬅ' | 'ﬆ' => out.push_str("st"),
        '\n' | '\r' => out.push('\n'),
        // Marks of direction and joints of words are not seen.
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => {}
        char if char.is_control() => {}
        char => out.push(char),
    }
}

/// The character of a code as Windows has it, of which Latin-1's printable ones are a part.
fn usual_char(byte: u8) -> Option<char> {
    const FROM_80: [char; 32] = [
        '€', '•', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '•', 'Ž', '•', '•', '‘', '’', '“',
        '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '•', 'ž', 'Ÿ',
    ];
    match byte {
        b' '..=b'~' | 0xa0.. => Some(char::from(byte)),
        0x80..=0x9f => Some(FROM_80[usize::from(byte - 0x80)]),
        _ => None,
    }
}

/// `/W` of a composite font: `first [width width ...]` and `first last width`.
fn composite_widths(values: Vec<Value<'_>>) -> Vec<(u32, u32, f64)> {
    let mut ranges = Vec::new();
    let mut values = values.into_iter();
    while let (Some(first), Some(next)) = (values.next(), values.next()) {
        let Some(first) = first.size().and_then(|first| u32::try_from(first).ok()) else { continue };
        match next {
            Value::Array(widths) => {
                let widths = widths.iter().zip(first..=u32::MAX);
                ranges.extend(widths.filter_map(|(width, code)| Some((code, code, width.number()?))));
            }
            last => {
                let (last, width) = (last.size(), values.next().and_then(|width| width.number()));
                if let (Some(Ok(last)), Some(width)) = (last.map(u32::try_from), width) {
                    ranges.push((first, last, width));
                }
            }
        }
    }
    ranges.sort_by_key(|(first, ..)| *first);
    ranges
}

/// `/Differences` of an encoding: `code /name /name ... code /name ...`.
fn glyphs_of(values: Vec<Value<'_>>) -> HashMap<u32, String> {
    let (mut glyphs, mut code) = (HashMap::new(), 0u32);
    for value in values {
        match value {
            Value::Name(name) => {
                if let Some(text) = glyph_text(&name).filter(|_| code < 256) {
                    glyphs.insert(code, text);
                }
                code = code.saturating_add(1);
            }
            value => code = value.size().and_then(|code| u32::try_from(code).ok()).unwrap_or(code),
        }
    }
    glyphs
}

/// What a glyph of this name shows, as far as secrets are made of it: names of the Adobe Glyph List for what ASCII has, and the
/// names that are made of numbers.
fn glyph_text(name: &[u8]) -> Option<String> {
    const NAMES: [(&str, &str); 50] = [
        ("space", " "),
        ("exclam", "!"),
        ("quotedbl", "\""),
        ("numbersign", "#"),
        ("dollar", "$"),
        ("percent", "%"),
        ("ampersand", "&"),
        ("quotesingle", "'"),
        ("parenleft", "("),
        ("parenright", ")"),
        ("asterisk", "*"),
        ("plus", "+"),
        ("comma", ","),
        ("hyphen", "-"),
        ("minus", "-"),
        ("sfthyphen", "-"),
        ("period", "."),
        ("slash", "/"),
        ("zero", "0"),
        ("one", "1"),
        ("two", "2"),
        ("three", "3"),
        ("four", "4"),
        ("five", "5"),
        ("six", "6"),
        ("seven", "7"),
        ("eight", "8"),
        ("nine", "9"),
        ("colon", ":"),
        ("semicolon", ";"),
        ("less", "<"),
        ("equal", "="),
        ("greater", ">"),
        ("question", "?"),
        ("at", "@"),
        ("bracketleft", "["),
        ("backslash", "\\"),
        ("bracketright", "]"),
        ("asciicircum", "^"),
        ("underscore", "_"),
        ("grave", "`"),
        ("braceleft", "{"),
        ("bar", "|"),
        ("braceright", "}"),
        ("asciitilde", "~"),
        ("ff", "ff"),
        ("fi", "fi"),
        ("fl", "fl"),
        ("ffi", "ffi"),
        ("ffl", "ffl"),
    ];
    // `a.sc` is a form of `a`, `f_i` a ligature of both.
    let name = std::str::from_utf8(name).ok()?;
    let name = name.split('.').next().filter(|base| !base.is_empty()).unwrap_or(name);
    if name.contains('_') && name != "_" {
        let parts: Option<String> = name.split('_').map(|part| glyph_text(part.as_bytes())).collect();
        return parts;
    }
    if let [letter] = name.as_bytes() {
        return letter.is_ascii_alphabetic().then(|| name.to_owned());
    }
    if let Some((_, text)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some((*text).to_owned());
    }
    let digits = name.strip_prefix("uni").or_else(|| name.strip_prefix('u'))?;
    if !(4..=6).contains(&digits.len()) {
        return None;
    }
    char::from_u32(u32::from_str_radix(digits, 16).ok()?).map(String::from)
}

/// Which characters codes stand for, and how long codes are.
#[derive(Debug, Default)]
struct CMap {
    /// Sorted by their first code.
    entries: Vec<Entry>,
    /// What entries of several characters stand for.
    texts: String,
    spaces: Vec<(usize, u32, u32)>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    first: u32,
    last: u32,
    /// Where the characters lie in the texts. For each code behind the first, the last character is one further on.
    start: u32,
    end: u32,
}

impl CMap {
    fn parse(table: &[u8]) -> Self {
        let mut map = Self::default();
        let mut operands: Vec<Token<'_>> = Vec::new();
        // What the keyword that ends a section makes of the operands between.
        for token in Lexer::new(table) {
            let Token::Keyword(keyword) = token else {
                operands.push(token);
                continue;
            };
            match keyword {
                b"endcodespacerange" => {
                    for pair in operands.chunks_exact(2).take(MAX_SPACES) {
                        if let [Some((length, first)), Some((_, last))] = [code(&pair[0]), code(&pair[1])] {
                            map.spaces.push((length, first, last));
                            map.spaces.truncate(MAX_SPACES);
                        }
                    }
                }
                b"endbfchar" => {
                    for pair in operands.chunks_exact(2) {
                        if let Some((_, code)) = code(&pair[0]) {
                            map.add(code, code, &pair[1]);
                        }
                    }
                }
                b"endbfrange" => map.ranges(&operands),
                _ => {}
            }
            operands.clear();
        }
        map.entries.sort_by_key(|entry| entry.first);
        map
    }

    /// `<first> <last> <text>` and `<first> <last> [<text> <text> ...]`.
    fn ranges(&mut self, operands: &[Token<'_>]) {
        let mut operands = operands.iter();
        while let (Some(first), Some(last), Some(target)) =
            (operands.next(), operands.next(), operands.next())
        {
            let (Some((_, first)), Some((_, last))) = (code(first), code(last)) else { continue };
            if *target != Token::ArrayStart {
                self.add(first, last, target);
                continue;
            }
            for (code, target) in
                (first..=u32::MAX).zip(operands.by_ref().take_while(|&token| *token != Token::ArrayEnd))
            {
                self.add(code, code, target);
            }
        }
    }

    fn add(&mut self, first: u32, last: u32, target: &Token<'_>) {
        let start = self.texts.len();
        match target {
            Token::Text(text) => {
                let bytes = text.bytes();
                // A single byte stands for itself.
                let bytes = if let [byte] = *bytes { vec![0, byte] } else { bytes.into_owned() };
                let units = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
                let chars = char::decode_utf16(units).filter_map(Result::ok).filter(|&char| char != '\0');
                self.texts.extend(chars.take(MAX_CHARS));
            }
            Token::Name(name) => self.texts.extend(glyph_text(&without_escapes(name))),
            _ => {}
        }
        // A code that is said to stand for nothing is no better known than one that is not named.
        let end = self.texts.len();
        if let (Ok(start), Ok(end), true) = (u32::try_from(start), u32::try_from(end), start < end) {
            self.entries.push(Entry { first, last, start, end });
        }
    }

    fn write(&self, code: u32, out: &mut String) -> bool {
        let after = self.entries.partition_point(|entry| entry.first <= code);
        let Some(entry) = self.entries[..after].last().filter(|entry| code <= entry.last) else {
            return false;
        };
        let text = self.texts.get(entry.start as usize..entry.end as usize).unwrap_or_default();
        let mut chars = text.chars();
        let last = chars.next_back();
        chars.for_each(|char| push(char, out));
        let last = last.and_then(|last| char::from_u32((last as u32).saturating_add(code - entry.first)));
        last.into_iter().for_each(|char| push(char, out));
        true
    }
}

/// A code as a table has it: how many bytes long it is, and its number.
fn code(token: &Token<'_>) -> Option<(usize, u32)> {
    let Token::Text(text @ Text::Hex(_)) = token else { return None };
    let bytes = text.bytes();
    (1..=4)
        .contains(&bytes.len())
        .then(|| (bytes.len(), bytes.iter().fold(0, |code, &byte| code << 8 | u32::from(byte))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(font: &Font, mut bytes: &[u8]) -> String {
        let mut text = String::new();
        while !bytes.is_empty() {
            let (code, length) = font.code(bytes);
            font.write(code, &mut text);
            bytes = &bytes[length..];
        }
        text
    }

    fn dictionary(written: &str) -> Dictionary<'_> {
        Value::parse(written.as_bytes()).into_dictionary()
    }

    #[test]
    fn codes_are_glyphs_that_a_table_names() {
        let table = b"/CIDInit /ProcSet findresource begin 1 begincodespacerange <0000> <FFFF> endcodespacerange\n\
            2 beginbfchar <0003> <0020> <0010> <00660066> endbfchar\n\
            3 beginbfrange <0024> <0026> <0041> <0030> <0031> [<0078> <D83DDE00>] <0040> <0041> <FB01> endbfrange end";
        let description = Description {
            descendant: Some(dictionary("<</DW 500>>")),
            encoding: Some(b"Identity-H".into()),
            to_unicode: Some(table.to_vec()),
            widths: Value::parse(b"[36 [700 710] 38 40 720]").into_list(),
            ..Description::default()
        };
        let font = Font::new(description);
        let codes = b"\0\x24\0\x25\0\x26\0\x03\0\x10\0\x30\0\x31\0\x40\0\x41\x09\x99";
        assert_eq!(read(&font, codes), "ABC ffx😀fifl");
        assert_eq!(
            [36, 37, 39, 50].map(|code| (font.width(code).0 * 1000.0).round()),
            [700.0, 710.0, 720.0, 500.0]
        );
    }

    #[test]
    fn codes_of_simple_fonts_are_named_by_their_glyphs_or_stand_for_themselves() {
        let description = Description {
            font: dictionary("<</FirstChar 65/Subtype/Type1>>"),
            differences: Value::parse(b"[1/g/h/p/underscore/a.sc 10/uni0041/f_i/u1F600/nonsense]")
                .into_list(),
            widths: Value::parse(b"[700 710]").into_list(),
            ..Description::default()
        };
        let font = Font::new(description);
        assert_eq!(read(&font, b"\x01\x02\x03\x04\x05\x0a\x0b\x0c\x0dA~\x93"), "ghp_aAfi😀A~“");
        assert_eq!(font.width(66), (0.71, false));
        assert!(font.width(67).1, "it is a guess");
    }

    #[test]
    fn codes_may_be_of_one_byte_and_of_two() {
        let table = b"2 begincodespacerange <00> <80> <8140> <9ffc> endcodespacerange";
        let composite = |encoding: Option<&'static str>, encoding_table: Option<&[u8]>| {
            Font::new(Description {
                descendant: Some(Dictionary::default()),
                encoding: encoding.map(|name| name.as_bytes().into()),
                encoding_table: encoding_table.map(<[u8]>::to_vec),
                ..Description::default()
            })
        };
        let font = composite(None, Some(table));
        assert_eq!(
            [font.code(b"A\x81"), font.code(b"\x81\x40A"), font.code(b"\xff\xff")].map(|(_, length)| length),
            [1, 2, 1]
        );
        assert_eq!(read(&composite(Some("90ms-RKSJ-H"), None), b"A\x81\x40B"), "AB");
        assert_eq!(read(&composite(Some("UniJIS-UTF16-H"), None), b"\0A\0_"), "A_");
    }

    #[test]
    fn tables_that_make_no_sense_name_nothing() {
        for table in [
            b"1 beginbfchar <00> endbfchar".as_slice(),
            b"beginbfrange <00> <ff> [<41>",
            b"1 beginbfrange <ffffffff> <00000000> <41> endbfrange",
            b"1 beginbfrange <00000000> <ffffffff> <10ffff> endbfrange",
            b"endbfrange endbfchar endcodespacerange",
        ] {
            let map = CMap::parse(table);
            let mut out = String::new();
            for code in [0, 1, 255, u32::MAX] {
                map.write(code, &mut out);
            }
        }
    }
}
