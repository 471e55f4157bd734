//! What assigns a literal to a name: operators with types around them, wrappers, lists and tuples.

use keysieve_model::location::ByteSpan;

use super::literal::{self, Literal};
use super::{Closed, Joined, Text};
use crate::checks::composition::{has_letters_and_digits, is_wordy};
use crate::{Link, Shape};

/// How many blanks may stand on each side of an operator, in bytes.
const MAX_BLANKS: usize = 64;
/// The longest type between a name and its value, in bytes.
const MAX_TYPE_BYTES: usize = 48;
/// What types without a colon begin with, in lower case.
const TYPES: &[&[u8]] =
    &[b"string", b"str", b"text", b"char", b"varchar", b"nvarchar", b"byte", b"as string", b"securestring"];
/// How many elements of a list are read.
const MAX_ELEMENTS: usize = 64;
/// How many wrappers may stand in one another: `Some(Secret::new("v"))`.
const MAX_WRAPPERS: usize = 3;
/// From how many bytes on a value of an object in a string is one.
const MIN_INNER_BYTES: usize = 16;
/// From how many bytes on a value in a wrapper that nobody knows is one.
const MIN_WRAPPED_BYTES: usize = 8;

/// What stands between a name and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// `=`, `:`, `:=`, `=>`, `?=`, `::=` and the like.
    Sign,
    /// `:` and nothing else, which YAML has.
    Colon,
    /// ` to `, ` - `, `|`: words and signs that may stand anywhere.
    Loose,
}

/// Values behind an operator.
pub(super) fn visit(text: Text<'_>, closed: Closed, found: &mut dyn FnMut(Joined)) {
    let Some((operator, end)) = operator(text, closed) else { return };
    let start = text.blanks(end);
    if operator == Operator::Colon
        && let Some(literal) = literal::block_scalar(text, start)
    {
        return found(joined(literal));
    }
    let is_line_end = matches!(text.byte(start), b'\n' | b'\r');
    let start = if is_line_end { text.space(start) } else { start };
    if let Some(literal) = literal::read(text, start) {
        let is_known = operator != Operator::Loose || is_random(literal.value.of(text.bytes));
        if is_known && !is_line_end {
            found(joined(literal));
        }
        return;
    }
    if operator == Operator::Loose {
        return;
    }
    if let Some(literal) = literal::wide(text, start).filter(|_| !is_line_end) {
        return found(joined(literal));
    }
    literal::visit_escaped_object(text, start, &mut |value| {
        if value.end - value.start >= MIN_INNER_BYTES && is_random(value.of(text.bytes)) {
            found(Joined { value, link: Link::Assignment, shape: Shape::Quoted });
        }
    });
    collection(text, start, found);
    wrapped(text, start, found);
}

fn joined(literal: Literal) -> Joined {
    Joined { value: literal.value, link: Link::Assignment, shape: literal.shape }
}

/// The operator behind a name, and where it ends.
pub(super) fn operator(text: Text<'_>, closed: Closed) -> Option<(Operator, usize)> {
    let start = text.blanks(closed.end);
    if start > closed.end + MAX_BLANKS {
        return None;
    }
    let typed = || if closed.by_quote { None } else { typed(text, start) };
    sign(text, start).or_else(typed).or_else(|| loose(text, closed, start))
}

/// An operator of signs at `at`.
fn sign(text: Text<'_>, at: usize) -> Option<(Operator, usize)> {
    const SIGNS: &[&[u8]] = &[
        b"::=", b":=", b"?=", b"||=", b"??=", b"+=", b"=>", b"<<-", b"<-", b"->", b"-->", b"||", b"??", b"?:",
    ];
    let rest = text.rest(at);
    if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(sign)) {
        return Some((Operator::Sign, at + sign.len()));
    }
    match rest {
        [b'=', b'=' | b'~', ..] | [b':', b':', ..] => None,
        [b'=', ..] => Some((Operator::Sign, at + 1)),
        [b':', ..] => typed(text, at).or(Some((Operator::Colon, at + 1))),
        _ => None,
    }
}

/// A type and the operator behind it: `: &'static str =`, ` string =`, `: Final[str] =`, ` TEXT DEFAULT`.
fn typed(text: Text<'_>, at: usize) -> Option<(Operator, usize)> {
    let is_of_type = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.:<>[]|?&'*;(), ".contains(byte);
    let rest = text.rest(at);
    let length = rest.iter().take(MAX_TYPE_BYTES).take_while(|byte| is_of_type(byte)).count();
    let (first, kind) = (rest.first()?, rest.get(..length)?.trim_ascii_end());
    let ends_as_operator = text.byte(at + length) == b'=' && !b"=>~".contains(&text.byte(at + length + 1));
    let is_annotation = *first == b':' && kind.len() > 1 && kind.get(1) != Some(&b':');
    // `password string =` and not `password placeholder =`.
    let is_type = first.is_ascii_alphabetic()
        && kind.split(|&byte| byte == b' ').count() <= 2
        && TYPES.iter().any(|known| kind.to_ascii_lowercase().starts_with(known));
    let is_balanced = kind.iter().filter(|byte| b"([<".contains(byte)).count()
        == kind.iter().filter(|byte| b")]>".contains(byte)).count();
    (ends_as_operator && is_balanced && (is_annotation || is_type))
        .then_some((Operator::Sign, at + length + 1))
}

/// `"name" to "v"`, `name - 'v'`.
fn loose(text: Text<'_>, closed: Closed, at: usize) -> Option<(Operator, usize)> {
    let is_apart = at > closed.end;
    match text.rest(at) {
        [b't', b'o', b' ', ..] if is_apart && closed.by_quote => Some((Operator::Sign, at + 3)),
        [b'-', b' ', ..] if is_apart => Some((Operator::Loose, at + 2)),
        _ => None,
    }
}

/// What the list or the tuple at `at` holds: every element of a list, the last of a tuple.
fn collection(text: Text<'_>, at: usize, found: &mut dyn FnMut(Joined)) {
    let rest = text.rest(at);
    let (open, close, is_list) = match rest {
        [b'(', ..] => (at + 1, b')', false),
        [b'[', b'(', ..] => (at + 2, b')', false),
        // `[]string{"v", "w"}`, `new String[] {"v"}`.
        [b'[', b']', ..] | [b'n', b'e', b'w', b' ', ..] => {
            let line = &rest[..rest.len().min(MAX_TYPE_BYTES)];
            match memchr::memchr3(b'{', b'\n', b'(', line) {
                Some(brace) if rest[brace] == b'{' => (at + brace + 1, b'}', true),
                _ => return,
            }
        }
        [b'[', ..] => (at + 1, b']', true),
        [b'{', ..] => (at + 1, b'}', true),
        _ if rest.starts_with(b"vec![") => (at + 5, b']', true),
        _ if rest.starts_with(b"array(") => (at + 6, b')', true),
        _ => return,
    };
    let mut next = text.space(open);
    let mut last = None;
    let mut count = 0;
    let mut elements = Vec::new();
    while count < MAX_ELEMENTS {
        let element = literal::quoted(text, next);
        let end = match element {
            Some(element) => element.end,
            None if is_list => return,
            // `(None, 'v')`
            None => text.word(next).end,
        };
        if end == next {
            return;
        }
        count += 1;
        last = element;
        next = text.space(end);
        let separator = text.byte(next);
        // `{"value": "v"}` is a block.
        if separator != b',' && separator != close {
            return;
        }
        if is_list && let Some(element) = element {
            // `tokens = ["one", " ", "two"]`: what a text was cut into.
            if element.value.of(text.bytes).trim_ascii().is_empty() {
                return;
            }
            elements.push(element);
        }
        if separator == b',' {
            next = text.space(next + 1);
        }
        if text.byte(next) == close {
            break;
        }
    }
    // `["gh", "p_..."].concat()`: pieces of one text.
    let is_joined = text.byte(next) == close && text.byte(next + 1) == b'.';
    if !is_joined {
        elements.into_iter().for_each(|element| found(joined(element)));
    }
    if !is_list
        && count == 2
        && let Some(last) = last
    {
        found(joined(last));
    }
}

/// The literal in the wrappers at `at`: `new X("v")`, `Some("v")`, `Value("v")`, `concat("v")`. Functions with other names take
/// texts, messages and names.
fn wrapped(text: Text<'_>, at: usize, found: &mut dyn FnMut(Joined)) {
    let mut next = at;
    for _ in 0..MAX_WRAPPERS {
        next += text.rest(next).iter().take(2).take_while(|byte| b"&*".contains(byte)).count();
        let is_new = text.rest(next).starts_with(b"new ");
        next += if is_new { 4 } else { 0 };
        let length = text
            .rest(next)
            .iter()
            .take(MAX_TYPE_BYTES)
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"_.:<>!".contains(byte))
            .count();
        let call = &text.rest(next)[..length];
        if length == 0 || text.byte(next + length) != b'(' || !(is_new || builds_a_value(call)) {
            return;
        }
        next = text.space(next + length + 1);
        if let Some(literal) = literal::read(text, next) {
            let end = text.space(literal.end);
            let is_whole = text.byte(end) == b',' || text.byte(end) == b')' && !goes_on(text, end);
            if is_whole && is_random(literal.value.of(text.bytes)) {
                found(joined(literal));
            }
            return;
        }
    }
}

/// Whether a method that makes something else of a value follows the brackets that close at `end`: `Hash('md5').clean(x)`.
fn goes_on(text: Text<'_>, end: usize) -> bool {
    const CONVERSIONS: &[&[u8]] =
        &[b"into", b"to_string", b"to_owned", b"trim", b"unwrap", b"encode", b"getBytes", b"build", b"value"];
    let closing = text.rest(end).iter().take_while(|byte| **byte == b')').count();
    let behind = end + closing;
    match text.byte(behind) {
        b'.' => !CONVERSIONS.contains(&text.word(behind + 1).of(text.bytes)),
        byte => byte == b'(' || byte == b'[',
    }
}

/// Whether a function of this name makes a value of its argument: a type's name, or `of`, `from` and `new`.
fn builds_a_value(call: &[u8]) -> bool {
    const MAKERS: &[&[u8]] =
        &[b"of", b"from", b"new", b"parse", b"str", b"string", b"secret", b"bytes", b"quote"];
    let last = call.rsplit(|byte| b".:!<>".contains(byte)).find(|part| !part.is_empty()).unwrap_or_default();
    let is_type = last.first().is_some_and(u8::is_ascii_uppercase) && last.iter().any(u8::is_ascii_lowercase);
    let is_failure = [b"Error".as_slice(), b"Exception", b"Field", b"Label", b"Warning"]
        .iter()
        .any(|end| last.ends_with(end));
    (is_type && !is_failure) || MAKERS.iter().any(|maker| maker.eq_ignore_ascii_case(last))
}

/// Whether the value is one that nobody says or names something with.
pub(super) fn is_random(value: &[u8]) -> bool {
    value.len() >= MIN_WRAPPED_BYTES && has_letters_and_digits(value) && !is_wordy(value)
}

/// `:secret, 'v'`: a symbol of Ruby and what is given to it.
pub(super) fn arguments(text: Text<'_>, name: ByteSpan, closed: Closed, found: &mut dyn FnMut(Joined)) {
    let before = text.before(name.start);
    let is_symbol = before.ends_with(b":") && !before.ends_with(b"::") && closed.end == name.end;
    if !is_symbol || text.byte(closed.end) != b',' {
        return;
    }
    if let Some(literal) = literal::quoted(text, text.blanks(closed.end + 1))
        && is_random(literal.value.of(text.bytes))
    {
        found(Joined { value: literal.value, link: Link::Argument, shape: Shape::Quoted });
    }
}
