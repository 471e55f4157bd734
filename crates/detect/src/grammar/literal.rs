//! Literals as languages write them, with what opens and closes them.

use keysieve_model::location::ByteSpan;

use super::Text;
use crate::Shape;

/// The longest name of a heredoc's end, in bytes.
const MAX_TAG_BYTES: usize = 32;
/// The longest value that patterns take, in bytes.
const MAX_PATTERN_BYTES: usize = 512;
/// The most signs in a row that open a raw string: `r###"`.
const MAX_SIGNS: usize = 8;

/// A literal of one line, whatever it is wrapped in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Literal {
    /// Without quotes and the white space beside them.
    pub(super) value: ByteSpan,
    /// Behind what closes it.
    pub(super) end: usize,
    pub(super) shape: Shape,
}

/// The literal that begins at `at`.
pub(super) fn read(text: Text<'_>, at: usize) -> Option<Literal> {
    // C++ has letters in front of a quote that say what closes it.
    let raw = if text.rest(at).starts_with(b"R\"") { raw(text, at) } else { None };
    raw.or_else(|| quoted(text, at)).or_else(|| of_many_lines(text, at))
}

/// A bare value that is longer than patterns take.
pub(super) fn wide(text: Text<'_>, at: usize) -> Option<Literal> {
    let length = text.rest(at).iter().take_while(|byte| is_of_token(**byte)).count();
    let padding = text.rest(at + length).iter().take(2).take_while(|byte| **byte == b'=').count();
    let end = at + length + padding;
    let is_last = matches!(text.byte(text.blanks(end)), 0 | b'\r' | b'\n' | b',' | b';' | b'&' | b'}');
    (length > MAX_PATTERN_BYTES && is_last && !text.is_cut_at(end)).then_some(Literal {
        value: ByteSpan::new(at, end),
        end,
        shape: Shape::Bare,
    })
}

fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/_-.~%|!*".contains(&byte)
}

/// Hands over the texts that the values of an object have which is escaped in a string: `"{\"a\": \"v\"}"`.
pub(super) fn visit_escaped_object(text: Text<'_>, at: usize, found: &mut dyn FnMut(ByteSpan)) {
    let [b'"' | b'\'', b'{', ..] = text.rest(at) else { return };
    let mut next = at + 2;
    while let Some(quote) = memchr::memchr2(b'"', b'\n', text.rest(next)).map(|length| next + length) {
        // A quote without a backslash ends the string, and so does the line.
        if text.byte(quote - 1) != b'\\' || text.byte(quote) == b'\n' {
            return;
        }
        let inner = quote + 1;
        let Some(length) = memchr::memchr2(b'\\', b'"', text.rest(inner)) else { return };
        let is_value = text.bytes[at..quote - 1].trim_ascii_end().ends_with(b":");
        if is_value && length > 0 {
            found(ByteSpan::new(inner, inner + length));
        }
        next = inner + length + 2;
    }
}

/// A literal in plain quotes: `"v"`, `b'v'`, `\"v\"`, `$'v'`.
pub(super) fn quoted(text: Text<'_>, at: usize) -> Option<Literal> {
    let start = at + prefix(text, at);
    let escapes = text.rest(start).iter().take(MAX_SIGNS).take_while(|byte| **byte == b'\\').count();
    let open = start + escapes;
    let quote = text.byte(open);
    if !matches!(quote, b'"' | b'\'' | b'`') {
        return None;
    }
    let inner = open + 1;
    let length = text.rest(inner).iter().position(|&byte| byte == quote || b"\\\r\n".contains(&byte))?;
    let end = inner + length;
    let closes = if escapes == 0 { text.byte(end) == quote } else { text.byte(end) == b'\\' };
    // Two quotes are an empty literal, or the start of three.
    (closes && length > 0).then(|| Literal {
        value: text.trimmed(ByteSpan::new(inner, end)),
        end: end + escapes + 1,
        shape: Shape::Quoted,
    })
}

/// A literal that may have its value on a line of its own.
pub(super) fn of_many_lines(text: Text<'_>, at: usize) -> Option<Literal> {
    let start = at + prefix(text, at);
    let rest = text.rest(start);
    let between = |open: usize, close: &[u8]| between(text, open, close);
    match rest {
        [b'"', b'"', b'"', ..] => between(start + 3, b"\"\"\""),
        [b'\'', b'\'', b'\'', ..] => between(start + 3, b"'''"),
        [b'`', b'`', b'`', ..] => between(start + 3, b"```"),
        // Nix.
        [b'\'', b'\'', next, ..] if !b",;)]}".contains(next) => between(start + 2, b"''"),
        // PowerShell.
        [b'@', quote @ (b'"' | b'\''), b'\r' | b'\n', ..] => between(start + 2, &[b'\n', *quote, b'@']),
        [b'<', b'<', ..] => heredoc(text, start),
        [b'$', b'(', b'c', b'a', b't', b' ', ..] => heredoc(text, text.blanks(start + 6)),
        // Lua.
        [b'[', b'[', ..] => between(start + 2, b"]]"),
        [b'$', ..] => dollar_quoted(text, start),
        [b'#' | b'r' | b'R' | b'q' | b'%' | b'@', ..] => raw(text, start),
        _ => None,
    }
}

/// The letters that stand in front of a quote, in bytes.
fn prefix(text: Text<'_>, at: usize) -> usize {
    let length = text
        .rest(at)
        .iter()
        .take(2)
        .take_while(|byte| byte.is_ascii_alphabetic() || b"@$".contains(byte))
        .count();
    let is_quote = |at: usize| matches!(text.byte(at), b'"' | b'\'' | b'`');
    if is_quote(at + length) && !matches!(text.rest(at), [b'@', b'"' | b'\'', b'\r' | b'\n', ..]) {
        length
    } else {
        0
    }
}

/// What lies between `open` and `close`, where it is one line.
fn between(text: Text<'_>, open: usize, close: &[u8]) -> Option<Literal> {
    let length = memchr::memmem::find(text.rest(open), close)?;
    // `"""\`, a line end that does not count.
    let start =
        if text.byte(open) == b'\\' && b"\r\n".contains(&text.byte(open + 1)) { open + 1 } else { open };
    let end = open + length;
    one_line(text, ByteSpan::new(start, end.max(start)), end + close.len())
}

/// The literal with this content.
fn one_line(text: Text<'_>, content: ByteSpan, end: usize) -> Option<Literal> {
    let value = text.trimmed(content);
    let inner = value.of(text.bytes);
    let is_one = !inner.is_empty() && memchr::memchr2(b'\n', b'\r', inner).is_none();
    is_one.then_some(Literal { value, end, shape: Shape::Quoted })
}

/// `<<EOF`, `<<-'EOF'`, `<<~EOS.strip`, `<<<EOT`, with one line before the end.
fn heredoc(text: Text<'_>, at: usize) -> Option<Literal> {
    let mut tag = at + text.rest(at).strip_prefix(b"<<").map(|_| 2)?;
    while matches!(text.byte(tag), b'<' | b'-' | b'~' | b'\\' | b' ') && tag < at + 5 {
        tag += 1;
    }
    let quote = text.byte(tag);
    tag += usize::from(b"'\"`".contains(&quote));
    let length = text
        .rest(tag)
        .iter()
        .take(MAX_TAG_BYTES)
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
        .count();
    let word = ByteSpan::new(tag, tag + length);
    if length == 0 || !text.byte(tag).is_ascii_alphabetic() && text.byte(tag) != b'_' {
        return None;
    }
    let body = text.next_line(word.end)?;
    let last = text.next_line(body)?;
    let ends = text.rest(text.blanks(last)).starts_with(word.of(text.bytes));
    ends.then(|| one_line(text, ByteSpan::new(body, text.line_end(body)), text.line_end(last)))?
}

/// `$$v$$`, `$tag$v$tag$`.
fn dollar_quoted(text: Text<'_>, at: usize) -> Option<Literal> {
    let length = text
        .rest(at + 1)
        .iter()
        .take(MAX_TAG_BYTES)
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
        .count();
    let tag = ByteSpan::new(at, at + length + 2);
    (text.byte(tag.end - 1) == b'$').then(|| between(text, tag.end, tag.of(text.bytes)))?
}

/// `r#"v"#`, `#"v"#`, `R"x(v)x"`, `q(v)`, `%q{v}`, `@'v'`.
fn raw(text: Text<'_>, at: usize) -> Option<Literal> {
    let rest = text.rest(at);
    if let Some(after) = rest.strip_prefix(b"R\"") {
        let length = after.iter().take(16).position(|&byte| byte == b'(')?;
        let delimiter = after.get(..length)?;
        let is_plain = delimiter.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-*".contains(byte));
        let close = [b")".as_slice(), delimiter, b"\""].concat();
        return is_plain.then(|| between(text, at + 3 + length, &close))?;
    }
    let start = at + usize::from(rest.first() == Some(&b'r'));
    let signs = text.rest(start).iter().take(MAX_SIGNS).take_while(|byte| **byte == b'#').count();
    if signs > 0 && text.byte(start + signs) == b'"' {
        let close = [b"\"".as_slice(), &rest[start - at..start - at + signs]].concat();
        return between(text, start + signs + 1, &close);
    }
    let open = match rest {
        [b'%', b'q' | b'Q', _, ..] | [b'q', b'q', _, ..] => at + 2,
        [b'%' | b'q', _, ..] => at + 1,
        _ => return None,
    };
    let close = match text.byte(open) {
        b'(' => b')',
        b'{' => b'}',
        b'[' => b']',
        b'|' => b'|',
        _ => return None,
    };
    between(text, open + 1, &[close])
}

/// The block scalar of YAML whose sign stands at `at`: `|`, `>-`, `|2+`, with one line.
pub(super) fn block_scalar(text: Text<'_>, at: usize) -> Option<Literal> {
    let at = if text.rest(at).starts_with(b"!!") { text.blanks(text.word(at + 2).end) } else { at };
    if !matches!(text.byte(at), b'|' | b'>') {
        return None;
    }
    let signs = text.rest(at + 1).iter().take(2).take_while(|byte| b"+-123456789".contains(byte)).count();
    let behind = text.blanks(at + 1 + signs);
    if !matches!(text.byte(behind), b'\n' | b'\r' | b'#') {
        return None;
    }
    let body = text.next_line(behind)?;
    let start = text.blanks(body);
    let end = text.line_end(start);
    let goes_on = text.next_line(start).is_some_and(|next| {
        let begins = text.blanks(next);
        begins - next >= start - body && !b"\r\n\0".contains(&text.byte(begins))
    });
    let value = text.trimmed(ByteSpan::new(start, end));
    (start > body && value.start < value.end && !goes_on && !text.is_cut_at(end)).then_some(Literal {
        value,
        end,
        shape: Shape::Bare,
    })
}

/// The bare value at `at`: up to white space, a comma or a bracket that closes what it stands in.
pub(super) fn bare(text: Text<'_>, at: usize) -> Option<Literal> {
    let end = at + text.rest(at).iter().take_while(|byte| is_bare(**byte)).count();
    let behind = text.blanks(end);
    let is_last = matches!(text.byte(behind), 0 | b'\r' | b'\n' | b',' | b'}' | b'#');
    (end > at && is_last && !text.is_cut_at(end)).then_some(Literal {
        value: ByteSpan::new(at, end),
        end,
        shape: Shape::Bare,
    })
}

fn is_bare(byte: u8) -> bool {
    !byte.is_ascii_whitespace() && !b"\"'`<>(){}[]\\,".contains(&byte)
}
