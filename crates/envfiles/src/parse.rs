//! Dotenv files, as the two programs read them that nearly everybody uses: python-dotenv and dotenv for node.
//!
//! They agree on most lines and differ on some (see the table in the tests). Which of them reads a file is not known, and what
//! either takes for a value may be one that is in use: [`parse`] gives both readings where they differ. No crate reads like
//! either; `dotenvy` follows a third syntax.
//!
//! - <https://github.com/theskumar/python-dotenv/blob/main/src/dotenv/parser.py>, with `${NAME}` and `${NAME:-default}` resolved
//!   from the file itself: the environment in which it will be read is not known here.
//! - <https://github.com/motdotla/dotenv/blob/master/lib/main.js>, whose one regular expression is used as it is.
//!
//! Bytes stay bytes: a value that is no UTF-8 is read all the same. UTF-16, which neither program reads, and PowerShell's `>`
//! writes, is read as the text that it is.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use bstr::{BString, ByteSlice};
use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use keysieve_model::finding::Secret;

use super::value::{Judgement, judge};

/// What `${NAME}` may grow to, in bytes: names that stand for each other many times over would fill the memory.
const MAX_INTERPOLATED_BYTES: usize = 64 * 1024;

/// A variable of a dotenv file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: BString,
    /// The line on which the name stands, from 1.
    pub line: u64,
    /// Its value; python-dotenv's reading where there are two.
    pub value: Secret,
    /// The other reading, where there are two.
    pub other: Option<Secret>,
    /// What the value is; the more telling reading decides.
    pub judgement: Judgement,
}

impl Variable {
    pub(super) fn new(name: BString, line: u64, value: &[u8], other: Option<&[u8]>) -> Self {
        let judged = |value: &[u8]| judge(&name, value);
        let judgement = other.map(judged).into_iter().fold(judged(value), Judgement::max);
        Self { line, value: Secret::new(value), other: other.map(Secret::new), judgement, name }
    }

    /// Every reading of the value.
    pub fn readings(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.value).chain(&self.other)
    }
}

/// What a dotenv file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The variables, by line. A name that is set twice is there twice.
    pub variables: Vec<Variable>,
    /// The lines of which neither program makes anything, from 1.
    pub unread_lines: Vec<u64>,
}

/// The file holds zero bytes, and is no UTF-16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is binary, no dotenv file")]
pub struct NotText;

/// Whose reading of a file is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Python,
    Node,
}

/// Reads a dotenv file as both programs do.
///
/// # Errors
///
/// When it is binary.
pub fn parse(bytes: &[u8]) -> Result<Parsed, NotText> {
    let text = text(bytes)?;
    let (python, errors) = read(&text, Dialect::Python);
    let (node, _) = read(&text, Dialect::Node);
    // By line and name: what each program reads.
    let mut readings: BTreeMap<(u64, BString), [Option<Vec<u8>>; 2]> = BTreeMap::new();
    for Binding { name, line, value } in python {
        readings.entry((line, name)).or_default()[0] = Some(value);
    }
    for Binding { name, line, value } in node {
        readings.entry((line, name)).or_default()[1] = Some(value);
    }
    let known: Vec<u64> = readings.keys().map(|&(line, _)| line).collect();
    let unread_lines = errors.into_iter().filter(|line| known.binary_search(line).is_err()).collect();
    let variables = readings.into_iter().filter_map(|((line, name), readings)| {
        let mut readings = readings.iter().flatten();
        let value = readings.next()?;
        let other = readings.next().filter(|other| *other != value);
        Some(Variable::new(name, line, value, other.map(Vec::as_slice)))
    });
    Ok(Parsed { variables: variables.collect(), unread_lines })
}

/// A name and what one program reads behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) name: BString,
    pub(super) line: u64,
    pub(super) value: Vec<u8>,
}

/// What one program reads in `text`, and on which lines it gives up.
pub(super) fn read(text: &[u8], dialect: Dialect) -> (Vec<Binding>, Vec<u64>) {
    match dialect {
        Dialect::Python => python(text),
        Dialect::Node => (node(text), Vec::new()),
    }
}

/// Whether it can be read as a dotenv file.
#[must_use]
pub fn is_text(bytes: &[u8]) -> bool {
    text(bytes).is_ok()
}

/// The file as UTF-8, or nearly, without a byte order mark and with line feeds alone.
pub(super) fn text(bytes: &[u8]) -> Result<Vec<u8>, NotText> {
    let text: Cow<'_, [u8]> = match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [_, 0, _, 0, ..] => utf16(bytes, u16::from_le_bytes),
        [0, _, 0, _, ..] => utf16(bytes, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => rest.into(),
        _ => bytes.into(),
    };
    if text.contains(&0) {
        return Err(NotText);
    }
    Ok(text.replace("\r\n", "\n").replace("\r", "\n"))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'_, [u8]> {
    let units = bytes.as_chunks().0.iter().map(|&pair| unit(pair));
    let characters = char::decode_utf16(units).map(|found| found.unwrap_or(char::REPLACEMENT_CHARACTER));
    characters.collect::<String>().into_bytes().into()
}

/// Python's `\s`, as far as it is ASCII.
fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | 0x1c..=0x1f | b' ')
}

fn is_blank(byte: u8) -> bool {
    is_space(byte) && byte != b'\n'
}

/// python-dotenv's reader, function by function.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

/// The line makes no sense.
struct Senseless;

/// A name, and what stands behind it.
type Assignment<'a> = (&'a [u8], Vec<u8>);

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = &self.text[self.at..];
        let length = rest.iter().position(|&byte| !belongs(byte)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn export(&mut self) {
        if let Some(rest) = self.text[self.at..].strip_prefix(b"export")
            && rest.first().is_some_and(|&byte| is_blank(byte))
        {
            self.at += b"export".len();
            self.take_while(is_blank);
        }
    }

    /// None for a comment.
    fn name(&mut self) -> Result<Option<&'a [u8]>, Senseless> {
        let name = match self.peek() {
            Some(b'#') => return Ok(None),
            Some(b'\'') => {
                let rest = &self.text[self.at + 1..];
                let end = rest.find_byte(b'\'').ok_or(Senseless)?;
                self.at += end + 2;
                &rest[..end]
            }
            _ => self.take_while(|byte| byte != b'=' && byte != b'#' && !is_space(byte)),
        };
        if name.is_empty() { Err(Senseless) } else { Ok(Some(name)) }
    }

    /// What stands behind the name; none where there is no `=`.
    fn value(&mut self) -> Result<Option<Vec<u8>>, Senseless> {
        self.take_while(is_blank);
        if self.peek() != Some(b'=') {
            return Ok(None);
        }
        self.at += 1;
        let blanks = self.take_while(is_blank).len();
        Ok(Some(match self.peek() {
            Some(b'#') if blanks > 0 => Vec::new(),
            None | Some(b'\n') => Vec::new(),
            Some(quote @ (b'"' | b'\'')) => self.quoted(quote)?,
            Some(_) => unquoted(self.take_while(|byte| byte != b'\n')).to_vec(),
        }))
    }

    fn quoted(&mut self, quote: u8) -> Result<Vec<u8>, Senseless> {
        let mut value = Vec::new();
        let mut at = self.at + 1;
        loop {
            match (*self.text.get(at).ok_or(Senseless)?, self.text.get(at + 1)) {
                (byte, _) if byte == quote => break,
                (b'\\', Some(&next)) => {
                    match unescaped(next, quote) {
                        Some(character) => value.push(character),
                        None => value.extend([b'\\', next]),
                    }
                    at += 2;
                }
                (byte, _) => {
                    value.push(byte);
                    at += 1;
                }
            }
        }
        self.at = at + 1;
        Ok(value)
    }

    /// A comment, and the end of the line.
    fn end(&mut self) -> Result<(), Senseless> {
        self.take_while(is_blank);
        if self.peek() == Some(b'#') {
            self.take_while(|byte| byte != b'\n');
        }
        match self.peek() {
            None => Ok(()),
            Some(b'\n') => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(Senseless),
        }
    }

    fn binding(&mut self) -> Result<Option<Assignment<'a>>, Senseless> {
        self.export();
        let name = self.name()?;
        let value = self.value()?;
        self.end()?;
        Ok(name.zip(value))
    }
}

/// What a backslash and `character` stand for between such quotes, where that is not themselves.
fn unescaped(character: u8, quote: u8) -> Option<u8> {
    match character {
        b'\\' | b'\'' => Some(character),
        b'"' if quote == b'"' => Some(character),
        _ if quote == b'\'' => None,
        b'a' => Some(0x07),
        b'b' => Some(0x08),
        b'f' => Some(0x0c),
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        b'v' => Some(0x0b),
        _ => None,
    }
}

/// A value without quotes, without the comment behind it.
fn unquoted(line: &[u8]) -> &[u8] {
    let is_comment = |at: &usize| *at > 0 && is_space(line[at - 1]);
    let end = memchr::memchr_iter(b'#', line).find(is_comment).unwrap_or(line.len());
    line[..end].trim_end_with(|character| u8::try_from(character).is_ok_and(is_space))
}

fn python(text: &[u8]) -> (Vec<Binding>, Vec<u64>) {
    let mut reader = Reader { text, at: 0 };
    let (mut bindings, mut errors) = (Vec::new(), Vec::new());
    let mut lines = LineCount::default();
    let mut values: BTreeMap<&[u8], Vec<u8>> = BTreeMap::new();
    loop {
        reader.take_while(is_space);
        if reader.at == text.len() {
            return (bindings, errors);
        }
        let line = lines.at(text, reader.at);
        match reader.binding() {
            Ok(Some((name, value))) => {
                let value = interpolated(&value, &values).unwrap_or(value);
                values.insert(name, value.clone());
                bindings.push(Binding { name: name.into(), line, value });
            }
            Ok(None) => {}
            Err(Senseless) => {
                reader.take_while(|byte| byte != b'\n');
                errors.push(line);
            }
        }
    }
}

/// The value with `${NAME}` and `${NAME:-default}` replaced; `None` where there is none of these, or the value would be huge.
fn interpolated(value: &[u8], values: &BTreeMap<&[u8], Vec<u8>>) -> Option<Vec<u8>> {
    static REFERENCE: LazyLock<Regex> = LazyLock::new(|| regex(r"\$\{([^}:]*)(?::-([^}]*))?\}"));
    let mut captures = REFERENCE.create_captures();
    let mut resolved = Vec::new();
    let mut done = 0;
    loop {
        let input = regex_automata::Input::new(value).range(done..);
        REFERENCE.search_captures(&input, &mut captures);
        let Some(reference) = captures.get_match() else { break };
        let group = |number| captures.get_group(number).map_or(&b""[..], |group| &value[group.range()]);
        resolved.extend(&value[done..reference.start()]);
        resolved.extend(values.get(group(1)).map_or(group(2), Vec::as_slice));
        if resolved.len() > MAX_INTERPOLATED_BYTES {
            return None;
        }
        done = reference.end();
    }
    resolved.extend(&value[done..]);
    (done > 0).then_some(resolved)
}

/// dotenv's reader: one regular expression, and what it does to what that finds.
fn node(text: &[u8]) -> Vec<Binding> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r#"^\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?$"#,
        )
    });
    let mut captures = LINE.create_captures();
    let mut bindings = Vec::new();
    let mut lines = LineCount::default();
    let mut done = 0;
    loop {
        LINE.search_captures(&regex_automata::Input::new(text).range(done..), &mut captures);
        let (Some(found), Some(name)) = (captures.get_match(), captures.get_group(1)) else {
            return bindings;
        };
        let value = captures.get_group(2).map_or(&b""[..], |value| &text[value.range()]).trim();
        let (first, last) = (value.first().copied(), value.last().copied());
        let is_quoted = value.len() > 1 && first == last && matches!(first, Some(b'"' | b'\'' | b'`'));
        let inner = if is_quoted { &value[1..value.len() - 1] } else { value };
        let value = if first == Some(b'"') {
            inner.replace(r"\n", "\n").replace(r"\r", "\r")
        } else {
            inner.to_vec()
        };
        let line = lines.at(text, name.start);
        bindings.push(Binding { name: text[name.range()].into(), line, value });
        done = found.end();
    }
}

/// Counts lines up to places that come in order.
#[derive(Default)]
struct LineCount {
    at: usize,
    ends: u64,
}

impl LineCount {
    /// The line of the byte at `at`, from 1.
    fn at(&mut self, text: &[u8], at: usize) -> u64 {
        self.ends += memchr::memchr_iter(b'\n', &text[self.at..at]).count() as u64;
        self.at = at;
        self.ends + 1
    }
}

/// A pattern over bytes, in which `^` and `$` mean lines.
fn regex(pattern: &str) -> Regex {
    let syntax = syntax::Config::new().unicode(false).utf8(false).multi_line(true);
    Regex::builder().syntax(syntax).build(pattern).expect("the tests use each pattern")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(text: &str, dialect: Dialect) -> Vec<(String, String)> {
        let text = super::text(text.as_bytes()).expect("text");
        let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let bindings = read(&text, dialect).0.into_iter();
        bindings.map(|binding| (text_of(&binding.name), text_of(&binding.value))).collect()
    }

    /// A line or more, the name and value that python-dotenv 1.2 reads there, and those that dotenv 17 reads.
    type Row =
        (&'static str, &'static [(&'static str, &'static str)], &'static [(&'static str, &'static str)]);

    /// `python3 benches/dotenv_readers.py` holds it against both programs.
    #[rustfmt::skip]
    pub(super) const TABLE: &[Row] = &[
        // Where they agree.
        ("A=b", &[("A", "b")], &[("A", "b")]),
        ("  A = b  ", &[("A", "b")], &[("A", "b")]),
        ("export A=b", &[("A", "b")], &[("A", "b")]),
        ("A=", &[("A", "")], &[("A", "")]),
        ("A=\nB=c", &[("A", ""), ("B", "c")], &[("A", ""), ("B", "c")]),
        ("# A=b\nC=d", &[("C", "d")], &[("C", "d")]),
        ("A=b # c", &[("A", "b")], &[("A", "b")]),
        ("A=b c", &[("A", "b c")], &[("A", "b c")]),
        ("A='b # c' # d", &[("A", "b # c")], &[("A", "b # c")]),
        ("A=\"b # c\" # d", &[("A", "b # c")], &[("A", "b # c")]),
        ("A=\"b\\nc\"", &[("A", "b\nc")], &[("A", "b\nc")]),
        ("A='b\\nc'", &[("A", "b\\nc")], &[("A", "b\\nc")]),
        ("A=\"b\nc\"\nD=e", &[("A", "b\nc"), ("D", "e")], &[("A", "b\nc"), ("D", "e")]),
        ("A='b\nc'", &[("A", "b\nc")], &[("A", "b\nc")]),
        ("A=b\r\nC=\"d\r\ne\"\r\n", &[("A", "b"), ("C", "d\ne")], &[("A", "b"), ("C", "d\ne")]),
        ("A=b\rC=d", &[("A", "b"), ("C", "d")], &[("A", "b"), ("C", "d")]),
        ("\u{feff}A=b", &[("A", "b")], &[("A", "b")]),
        ("A==b=", &[("A", "=b=")], &[("A", "=b=")]),
        ("A.b-c=d", &[("A.b-c", "d")], &[("A.b-c", "d")]),
        ("A= # b", &[("A", "")], &[("A", "")]),
        ("A=b\nA=c", &[("A", "b"), ("A", "c")], &[("A", "b"), ("A", "c")]),
        ("A=\"\"", &[("A", "")], &[("A", "")]),
        ("A=\u{e4}", &[("A", "\u{e4}")], &[("A", "\u{e4}")]),
        // A comment needs a space in front of it, or none.
        ("A=b#c", &[("A", "b#c")], &[("A", "b")]),
        ("A=#b", &[("A", "#b")], &[("A", "")]),
        // Backticks are quotes, or not.
        ("A=`b`", &[("A", "`b`")], &[("A", "b")]),
        ("A=`b\nc`", &[("A", "`b")], &[("A", "b\nc")]),
        // A colon joins, or not.
        ("A: b", &[], &[("A", "b")]),
        // Escapes.
        ("A=\"b\\\"c\"", &[("A", "b\"c")], &[("A", "b\\\"c")]),
        ("A=\"b\\tc\"", &[("A", "b\tc")], &[("A", "b\\tc")]),
        ("A=\"b\\\\\"", &[("A", "b\\")], &[("A", "b\\\\")]),
        ("A='b\\'c'", &[("A", "b'c")], &[("A", "b\\'c")]),
        ("A=\"b\\$c\"", &[("A", "b\\$c")], &[("A", "b\\$c")]),
        // What stands for another value.
        ("A=b\nC=${A}d", &[("A", "b"), ("C", "bd")], &[("A", "b"), ("C", "${A}d")]),
        ("A=b\nC='${A}'", &[("A", "b"), ("C", "b")], &[("A", "b"), ("C", "${A}")]),
        ("C=${NOT_SET_ANYWHERE:-d}", &[("C", "d")], &[("C", "${NOT_SET_ANYWHERE:-d}")]),
        ("C=x${NOT_SET_ANYWHERE}", &[("C", "x")], &[("C", "x${NOT_SET_ANYWHERE}")]),
        ("A=b\nC=$A", &[("A", "b"), ("C", "$A")], &[("A", "b"), ("C", "$A")]),
        // What is no assignment.
        ("A", &[], &[]),
        ("A b", &[], &[]),
        ("A b=c", &[], &[]),
        ("=b", &[], &[]),
        // Quotes that do not end, or end too early.
        ("A=\"b\nC=d", &[("C", "d")], &[("A", "\"b"), ("C", "d")]),
        ("A='b' c", &[], &[("A", "'b' c")]),
        ("A=\"b\" c\nD=e", &[("D", "e")], &[("A", "\"b\" c"), ("D", "e")]),
        ("A=b\"c\"", &[("A", "b\"c\"")], &[("A", "b\"c\"")]),
        // Names.
        ("'A b'=c", &[("A b", "c")], &[]),
        ("A/B=c", &[("A/B", "c")], &[]),
        ("exportA=b", &[("exportA", "b")], &[("exportA", "b")]),
        // A value on the line behind its name.
        ("A=\n\"b\"", &[("A", "")], &[("A", "b")]),
    ];

    #[test]
    fn files_are_read_as_both_programs_read_them() {
        let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        for (text, python, node) in TABLE {
            assert_eq!(readings(text, Dialect::Python), owned(python), "python-dotenv of {text:?}");
            assert_eq!(readings(text, Dialect::Node), owned(node), "dotenv of {text:?}");
        }
    }

    #[test]
    fn both_readings_are_given_with_their_lines() {
        let parsed = parse(b"# a\nA=b#c\n\nB='x\ny'\nC: d\n!!\n").expect("text");
        let told: Vec<_> = parsed
            .variables
            .iter()
            .map(|variable| {
                let text = |secret: &Secret| String::from_utf8_lossy(secret.expose()).into_owned();
                (variable.name.to_string(), variable.line, variable.readings().map(text).collect::<Vec<_>>())
            })
            .collect();
        let expected = [("A", 2, vec!["b#c", "b"]), ("B", 4, vec!["x\ny"]), ("C", 6, vec!["d"])];
        let expected = expected.map(|(name, line, readings)| {
            (name.to_owned(), line, readings.into_iter().map(str::to_owned).collect::<Vec<_>>())
        });
        assert_eq!(told, expected);
        assert!(!format!("{parsed:?}").contains("b#c"), "values do not print themselves");
    }

    #[test]
    fn lines_of_which_nobody_makes_anything_are_told() {
        let parsed = parse(b"A=b\nA 'b\nC=d\n=\n").expect("text");
        assert_eq!((parsed.variables.len(), parsed.unread_lines), (2, vec![2, 4]));
    }

    #[test]
    fn utf_16_is_text_and_zeros_are_not() {
        let units: Vec<u16> = "A=\u{e4}b\r\n".encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for bytes in [[b"\xff\xfe", little.as_slice()].concat(), [b"\xfe\xff", big.as_slice()].concat()] {
            let parsed = parse(&bytes).expect("text");
            assert_eq!(parsed.variables[0].value.expose(), "\u{e4}b".as_bytes());
        }
        assert_eq!(parse(b"\x7fELF\x02\0\0\0A=b\n"), Err(NotText));
    }

    #[test]
    fn references_to_references_do_not_fill_the_memory() {
        let mut text = b"A0=0123456789\n".to_vec();
        for at in 1..40 {
            text.extend(format!("A{at}=${{A{0}}}${{A{0}}}\n", at - 1).into_bytes());
        }
        let parsed = parse(&text).expect("text");
        let longest = parsed.variables.iter().map(|variable| variable.value.expose().len()).max();
        assert!(longest.is_some_and(|longest| longest <= 2 * MAX_INTERPOLATED_BYTES), "{longest:?}");
    }
}
