//! Names and values in different places of a block: a name at its head, or in a pair with its value.

use keysieve_model::location::ByteSpan;

use super::literal::{self, Literal};
use super::{Closed, Joined, Text, assign};
use crate::checks::connector::is_in;
use crate::{Link, Shape};

/// Keys that have the value of what a block or a pair names, in lower case.
const VALUE_KEYS: &[&[u8]] = &[
    b"value",
    b"default",
    b"defaultvalue",
    b"default_value",
    b"parametervalue",
    b"content",
    b"val",
    b"stringvalue",
    b"plaintext",
    b"secretvalue",
];
/// Keys that have the name in a pair, as their last word, in lower case.
const NAME_KEYS: &[&[u8]] = &[b"name", b"key", b"parameter", b"variable", b"setting", b"option", b"secret"];
/// The longest key, in bytes.
const MAX_KEY_BYTES: usize = 32;
/// How many elements of a YAML list are read.
const MAX_ELEMENTS: usize = 64;

/// The value in the block that `name` heads: `variable "name" { default = "v" }`, `name:` with `Default: v` below.
pub(super) fn block(text: Text<'_>, name: ByteSpan, closed: Closed, found: &mut dyn FnMut(Joined)) {
    let begin = text.blanks(closed.end);
    if text.byte(begin) == b'{' {
        // `variable "name" {`; without quotes it is a type or a function.
        if closed.by_quote && (text.names_secret)() {
            in_braces(text, begin + 1, found);
        }
        return;
    }
    let Some((operator, end)) = assign::operator(text, closed) else { return };
    let start = text.blanks(end);
    match text.byte(start) {
        b'{' if (text.names_secret)() => in_braces(text, start + 1, found),
        b'\n' | b'\r' if operator == assign::Operator::Colon && (text.names_secret)() => {
            below(text, name, start, found);
        }
        _ => {}
    }
}

/// The value among the keys that follow up to the brace that closes theirs.
fn in_braces(text: Text<'_>, start: usize, found: &mut dyn FnMut(Joined)) {
    let mut scan = Scan { text, at: start, depth: 0 };
    while let Some(key) = scan.next_key() {
        if is_in(VALUE_KEYS, key.of(text.bytes)) {
            scan.hand_over_value(key, found);
        }
    }
}

/// The value in the lines of YAML below the one that ends at `end`: under a key for values, or each element of a list.
fn below(text: Text<'_>, name: ByteSpan, end: usize, found: &mut dyn FnMut(Joined)) {
    let first = text.line_start(name.start);
    let head = text.blanks(first);
    // `- name:` is as deep as its name.
    let own = if text.byte(head) == b'-' { text.blanks(head + 1) - first } else { head - first };
    // What stands in front of the name in its line is no YAML.
    if text.bytes[first + own..name.start].iter().any(|byte| !b"\"'".contains(byte)) {
        return;
    }
    let mut line = end;
    let mut children = None;
    for _ in 0..MAX_ELEMENTS {
        let Some(next) = text.next_line(line) else { return };
        line = next;
        let start = text.blanks(next);
        let depth = start - next;
        match text.byte(start) {
            b'\n' | b'\r' | b'#' => continue,
            0 => return,
            b'-' if text.byte(start + 1) == b' ' => {
                if depth < own || *children.get_or_insert(depth) != depth {
                    return;
                }
                let at = text.blanks(start + 1);
                let element = literal::quoted(text, at).or_else(|| literal::bare(text, at));
                if let Some(element) =
                    element.filter(|element| assign::is_random(element.value.of(text.bytes)))
                {
                    found(joined(element));
                }
            }
            _ => {
                if depth <= own {
                    return;
                }
                let is_child = *children.get_or_insert(depth) == depth;
                let key = text.word(start + usize::from(b"\"'".contains(&text.byte(start))));
                if is_child && is_in(VALUE_KEYS, key.of(text.bytes)) {
                    let mut scan = Scan { text, at: key.end, depth: 0 };
                    scan.hand_over_value(key, found);
                }
            }
        }
    }
}

/// The value of a pair whose name is `name`: `"name": "n", "description": "d", "value": "v"`, or the value first.
pub(super) fn pair(text: Text<'_>, name: ByteSpan, closed: Closed, found: &mut dyn FnMut(Joined)) {
    let Some(key) = name_key(text, name).filter(|_| (text.names_secret)()) else { return };
    if behind_element(text, name, closed, found) {
        return;
    }
    // The line end of a bare name may be all that divides it from its value.
    let mut scan = Scan { text, at: closed.end, depth: 0 };
    let indent = column(text, key.start);
    let mut is_found = false;
    while let Some(next) = scan.next_key() {
        let word = next.of(text.bytes);
        if ends_pair(text, key, next, indent) {
            break;
        }
        if is_in(VALUE_KEYS, word) {
            is_found |= scan.hand_over_value(next, found);
        }
    }
    if !is_found {
        in_front(text, key, found);
    }
}

/// `<name>n</name> <description>d</description> <value>v</value>`; whether the name is an element.
fn behind_element(text: Text<'_>, name: ByteSpan, closed: Closed, found: &mut dyn FnMut(Joined)) -> bool {
    if !text.before(name.start).ends_with(b">") || !text.rest(closed.end).starts_with(b"</") {
        return false;
    }
    let rest = text.rest(closed.end);
    if let Some(at) = memchr::memmem::find(rest, b"<value>")
        && !rest[..at].windows(6).any(|tag| tag == b"<name>" || tag == b"<key>\n")
    {
        let start = closed.end + at + b"<value>".len();
        let length = memchr::memchr(b'<', text.rest(start)).unwrap_or(0);
        let value = text.trimmed(ByteSpan::new(start, start + length));
        if value.end > value.start && text.rest(start + length).starts_with(b"</value>") {
            found(Joined { value, link: Link::Assignment, shape: Shape::Embedded });
        }
    }
    true
}

/// The value that stands in front of its name in the same braces, element or item of YAML.
fn in_front(text: Text<'_>, key: ByteSpan, found: &mut dyn FnMut(Joined)) {
    let before = &text.bytes[text.first..key.start];
    let begin = before.iter().rposition(|byte| b"{}[]<>();".contains(byte)).map_or(0, |at| at + 1);
    let begin = begin.max(memchr::memmem::rfind(before, b"\n\n").unwrap_or(0));
    let begin = begin.max(item_start(before));
    let text = Text { bytes: &text.bytes[..key.start], ..text };
    let mut scan = Scan { text, at: text.first + begin, depth: 0 };
    let mut last = None;
    while let Some(next) = scan.next_key() {
        let word = next.of(text.bytes);
        if is_name_key(word) {
            // That value has a name already.
            return;
        }
        if is_in(VALUE_KEYS, word) {
            last = scan.value(next).or(last);
        }
    }
    if let Some(literal) = last {
        found(joined(literal));
    }
}

/// Where the last item of a YAML list begins in `before`.
fn item_start(before: &[u8]) -> usize {
    let dash = memchr::memmem::rfind_iter(before, b"- ").find(|&at| {
        before[..at].iter().rev().take_while(|byte| **byte != b'\n').all(|byte| b" \t".contains(byte))
    });
    dash.map_or(0, |at| at + 2)
}

/// Whether `next` is a key of something else than the pair whose name stands under `key`.
fn ends_pair(text: Text<'_>, key: ByteSpan, next: ByteSpan, indent: usize) -> bool {
    let between = &text.bytes[key.end..next.start];
    let starts_item = memchr::memmem::find_iter(between, b"\n").any(|at| {
        let line = between[at + 1..].trim_ascii_start();
        line.starts_with(b"- ") || between[at + 1..].starts_with(b"\n")
    });
    // Behind a brace in its line, braces end the pair, however its lines are indented.
    let is_braced = text.before(key.start).contains(&b'{');
    let is_outside = !is_braced && between.contains(&b'\n') && column(text, next.start) < indent;
    starts_item || is_outside || is_name_key(next.of(text.bytes))
}

/// How far from the start of its line `at` lies, in bytes.
fn column(text: Text<'_>, at: usize) -> usize {
    at - text.line_start(at)
}

/// The key whose value is `name`: `name: n`, `"ParameterKey": "n"`, `key="n"`, `<name>n`.
fn name_key(text: Text<'_>, name: ByteSpan) -> Option<ByteSpan> {
    let first = text.line_start(name.start);
    let trim = |end: usize, signs: &[u8]| {
        end - text.bytes[first..end].iter().rev().take_while(|byte| signs.contains(byte)).count()
    };
    let unquoted = trim(name.start, b"\\\"'");
    let end = trim(trim(unquoted, b" \t"), b"=:>");
    if end == unquoted {
        return None;
    }
    let end = trim(trim(end, b" \t"), b"\\\"'");
    let length = text.bytes[first..end]
        .iter()
        .rev()
        .take(MAX_KEY_BYTES)
        .take_while(|byte| is_key_byte(**byte))
        .count();
    let key = ByteSpan::new(end - length, end);
    is_name_key(key.of(text.bytes)).then_some(key)
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-".contains(&byte)
}

fn is_name_key(key: &[u8]) -> bool {
    NAME_KEYS
        .iter()
        .any(|known| key.len() >= known.len() && key[key.len() - known.len()..].eq_ignore_ascii_case(known))
}

fn joined(literal: Literal) -> Joined {
    Joined { value: literal.value, link: Link::Assignment, shape: literal.shape }
}

/// Reads the keys of one level, and passes over what they hold.
struct Scan<'a> {
    text: Text<'a>,
    at: usize,
    depth: usize,
}

impl Scan<'_> {
    /// The next key: an identifier with an operator behind it. `None` at the end of the block.
    fn next_key(&mut self) -> Option<ByteSpan> {
        let text = self.text;
        loop {
            match text.byte(self.at) {
                0 => return None,
                b'{' | b'[' | b'(' => self.depth += 1,
                b'}' | b']' | b')' if self.depth == 0 => return None,
                b'}' | b']' | b')' => self.depth -= 1,
                b'>' if self.depth == 0 && !matches!(text.byte(self.at - 1), b'=' | b'-') => return None,
                quote @ (b'"' | b'\'' | b'`') => {
                    let word = text.word(self.at + 1);
                    let is_word = word.end > word.start && text.byte(word.end) == quote;
                    if is_word && self.depth == 0 && is_operator(text, word.end + 1) {
                        self.at = word.end + 1;
                        return Some(word);
                    }
                    // The quote that closes a name opens nothing.
                    let rest = text.rest(self.at + 1);
                    let end = rest.iter().position(|&byte| byte == quote || byte == b'\n')?;
                    let closes = rest[end] == quote && !is_key_byte(text.byte(self.at.saturating_sub(1)));
                    self.at += if closes { end + 1 } else { 0 };
                }
                byte if is_key_byte(byte) => {
                    let word = text.word(self.at);
                    self.at = word.end;
                    if self.depth == 0 && is_operator(text, word.end) {
                        return Some(word);
                    }
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// The literal behind the key.
    fn value(&mut self, key: ByteSpan) -> Option<Literal> {
        let text = self.text;
        let (operator, end) = assign::operator(text, text.closed(key))?;
        let start = text.blanks(end);
        let scalar =
            if operator == assign::Operator::Colon { literal::block_scalar(text, start) } else { None };
        let literal = scalar.or_else(|| literal::read(text, start)).or_else(|| literal::bare(text, start));
        self.at = literal.map_or(start, |literal| literal.end);
        literal
    }

    /// Hands over the literal behind the key; whether there is one.
    fn hand_over_value(&mut self, key: ByteSpan, found: &mut dyn FnMut(Joined)) -> bool {
        let literal = self.value(key);
        if let Some(literal) = literal {
            found(joined(literal));
        }
        literal.is_some()
    }
}

/// Whether `:`, `=` or `=>` stands at `at`, behind blanks.
fn is_operator(text: Text<'_>, at: usize) -> bool {
    let sign = text.blanks(at);
    match text.rest(sign) {
        [b'=', b'=', ..] | [b':', b':', ..] => false,
        [b'=' | b':', ..] => true,
        _ => false,
    }
}
