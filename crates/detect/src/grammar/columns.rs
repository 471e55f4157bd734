//! Names and values in columns: `INSERT INTO t (names) VALUES (values)`, `COPY`, CSV, tables of Markdown.

use keysieve_model::location::ByteSpan;

use super::{Closed, Joined, Text, assign, literal};
use crate::checks::name;
use crate::{Link, Shape};

/// How many rows are read.
const MAX_ROWS: usize = 64;
/// How many columns a table may have.
const MAX_COLUMNS: usize = 64;
/// How many words the name of a column has at most.
const MAX_HEADER_WORDS: usize = 3;
/// The fewest rows that make lines a table, the header included.
const MIN_ROWS: usize = 2;

/// The values in the column that `name` heads.
pub(super) fn visit(text: Text<'_>, name: ByteSpan, closed: Closed, found: &mut dyn FnMut(Joined)) {
    let behind = text.byte(text.blanks(closed.end));
    if matches!(behind, b',' | b')') && sql(text, name, closed, found) {
        return;
    }
    if behind == b'|' {
        return markdown(text, name, closed, found);
    }
    let separator = match behind {
        b',' | b';' => Some(behind),
        b'\t' | b'\n' | b'\r' => separator_before(text, name),
        _ if text.byte(closed.end) == b'\t' => Some(b'\t'),
        _ => None,
    };
    let separator = if text.byte(closed.end) == b'\t' { Some(b'\t') } else { separator };
    if let Some(separator) = separator {
        separated(text, name, separator, found);
    }
}

/// `INSERT INTO t (a, name) VALUES ('x', 'v'), ('y', 'w')` and `COPY t (a, name) FROM stdin;`; whether it is one.
fn sql(text: Text<'_>, name: ByteSpan, closed: Closed, found: &mut dyn FnMut(Joined)) -> bool {
    let before = &text.bytes[text.first..name.start];
    let Some(open) = memchr::memrchr2(b'(', b')', before).filter(|&at| before[at] == b'(') else {
        return false;
    };
    let head = before[..open].to_ascii_lowercase();
    let is_after = |word: &[u8]| memchr::memmem::rfind(&head, word).is_some_and(|at| head.len() - at < 96);
    let (inserts, copies) = (is_after(b"into "), is_after(b"copy "));
    if (!inserts && !copies) || !(text.names_secret)() {
        return false;
    }
    let column = before[open..].iter().filter(|byte| **byte == b',').count();
    let Some(close) = memchr::memchr(b')', text.rest(closed.end)).map(|at| closed.end + at) else {
        return false;
    };
    let next = text.space(close + 1);
    let keyword = text.word(next);
    let word = keyword.of(text.bytes);
    if copies && word.eq_ignore_ascii_case(b"from") {
        copied_rows(text, column, next, found);
        return true;
    }
    if !inserts || !(word.eq_ignore_ascii_case(b"values") || word.eq_ignore_ascii_case(b"value")) {
        return inserts;
    }
    let mut at = text.space(keyword.end);
    for _ in 0..MAX_ROWS {
        if text.byte(at) != b'(' {
            break;
        }
        let Some(end) = row(text, at + 1, column, found) else { break };
        at = text.space(end);
        if text.byte(at) != b',' {
            break;
        }
        at = text.space(at + 1);
    }
    true
}

/// Hands over the literal in the column of the row that begins at `start`; where the row ends.
fn row(text: Text<'_>, start: usize, column: usize, found: &mut dyn FnMut(Joined)) -> Option<usize> {
    let mut at = text.space(start);
    for number in 0..MAX_COLUMNS {
        let literal = literal::quoted(text, at);
        if number == column
            && let Some(literal) = literal
        {
            found(Joined { value: literal.value, link: Link::Assignment, shape: Shape::Quoted });
        }
        at = literal.map_or(at, |literal| literal.end);
        // What is no literal may be a call: `NOW()`.
        let mut depth = 0;
        loop {
            match text.byte(at) {
                0 => return None,
                b'(' => depth += 1,
                b')' if depth == 0 => return Some(at + 1),
                b')' => depth -= 1,
                b',' if depth == 0 => break,
                // `''`, `'it\'s'`: on to its end.
                quote @ (b'\'' | b'"') => at = skip_string(text, at, quote)?,
                _ => {}
            }
            at += 1;
        }
        at = text.space(at + 1);
    }
    None
}

/// The closing quote of the string that begins at `at`.
fn skip_string(text: Text<'_>, at: usize, quote: u8) -> Option<usize> {
    let mut end = at + 1;
    loop {
        end += text.rest(end).iter().position(|&byte| byte == quote || byte == b'\\')?;
        if text.byte(end) == quote {
            return Some(end);
        }
        end += 2;
    }
}

/// The rows that a dump of PostgreSQL has behind `COPY ... FROM stdin;`, up to `\.`.
fn copied_rows(text: Text<'_>, column: usize, at: usize, found: &mut dyn FnMut(Joined)) {
    let mut line = at;
    for _ in 0..MAX_ROWS {
        let Some(next) = text.next_line(line) else { return };
        line = next;
        let end = text.line_end(next);
        if text.rest(next).starts_with(b"\\.") || text.is_cut_at(end) {
            return;
        }
        if let Some(field) = field(text, ByteSpan::new(next, end), b'\t', column) {
            found(Joined { value: field, link: Link::Assignment, shape: Shape::Embedded });
        }
    }
}

/// What divides the columns of the line that `name` ends.
fn separator_before(text: Text<'_>, name: ByteSpan) -> Option<u8> {
    let before = text.before(name.start);
    let before = before.strip_suffix(b"\"").unwrap_or(before).trim_ascii_end();
    let full = text.before(name.start);
    let last = full.iter().rev().find(|byte| !b"\" ".contains(byte)).copied()?;
    matches!(last, b',' | b';' | b'\t').then_some(last).filter(|_| !before.is_empty() || last == b'\t')
}

/// The fields in the column of CSV that `name` heads: a header of names, and rows of as many fields.
fn separated(text: Text<'_>, name: ByteSpan, separator: u8, found: &mut dyn FnMut(Joined)) {
    let header = ByteSpan::new(text.line_start(name.start), text.line_end(name.start));
    // What lies further in front than one may look may be more of the header.
    if header.start == text.first && text.first > 0 && !b"\r\n".contains(&text.bytes[text.first - 1]) {
        return;
    }
    let count = fields(text, header, separator);
    if !(2..=MAX_COLUMNS).contains(&count)
        || !is_header(header.of(text.bytes), separator)
        || !(text.names_secret)()
    {
        return;
    }
    // A file that begins so is a table; lines elsewhere may be code or prose with commas in it.
    let is_file = header.start == 0;
    let column = fields(text, ByteSpan::new(header.start, name.start), separator) - 1;
    let mut line = header.start;
    let mut values = Vec::new();
    let mut rows = 1;
    while rows <= MAX_ROWS {
        let Some(next) = text.next_line(line) else { break };
        line = next;
        let span = ByteSpan::new(next, text.line_end(next));
        if span.start == span.end || text.is_cut_at(span.end) || fields(text, span, separator) != count {
            break;
        }
        rows += 1;
        values.extend(field(text, span, separator, column));
    }
    if rows >= MIN_ROWS {
        let is_value = |value: &ByteSpan| is_file || assign::is_random(value.of(text.bytes));
        for value in values.into_iter().filter(is_value) {
            found(Joined { value, link: Link::Assignment, shape: Shape::Embedded });
        }
    }
}

/// Whether the line has a name of a few words in each column, and nothing else.
fn is_header(line: &[u8], separator: u8) -> bool {
    let begins = line.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'"');
    begins
        && line.split(|&byte| byte == separator).all(|field| {
            let field = field.trim_ascii();
            let field =
                field.strip_prefix(b"\"").and_then(|field| field.strip_suffix(b"\"")).unwrap_or(field);
            !field.is_empty()
                && field.split(|&byte| byte == b' ').count() <= MAX_HEADER_WORDS
                && field.iter().any(u8::is_ascii_alphabetic)
                && field.iter().all(|byte| name::is_name_byte(*byte) || b" ()#".contains(byte))
        })
}

/// How many fields the line has; a quote may hold separators.
fn fields(text: Text<'_>, line: ByteSpan, separator: u8) -> usize {
    let mut is_quoted = false;
    let separators = line.of(text.bytes).iter().filter(|&&byte| {
        is_quoted ^= byte == b'"';
        byte == separator && !is_quoted
    });
    separators.count() + 1
}

/// The field of the line in this column, without the quotes and blanks around it; `None` where it is empty.
fn field(text: Text<'_>, line: ByteSpan, separator: u8, column: usize) -> Option<ByteSpan> {
    let mut is_quoted = false;
    let mut start = line.start;
    let mut number = 0;
    let mut end = line.end;
    for at in line.start..line.end {
        let byte = text.bytes[at];
        is_quoted ^= byte == b'"';
        if byte == separator && !is_quoted {
            if number == column {
                end = at;
                break;
            }
            number += 1;
            start = at + 1;
        }
    }
    let span = text.trimmed(ByteSpan::new(start, end));
    let inner = span.of(text.bytes);
    let is_whole =
        |quote: u8| inner.len() > 2 && inner.first() == Some(&quote) && inner.last() == Some(&quote);
    let span = if is_whole(b'"') || is_whole(b'`') || is_whole(b'\'') {
        ByteSpan::new(span.start + 1, span.end - 1)
    } else {
        span
    };
    (number == column && span.end > span.start).then_some(span)
}

/// A table of Markdown: the column that `name` heads, or the cell behind a name.
fn markdown(text: Text<'_>, name: ByteSpan, closed: Closed, found: &mut dyn FnMut(Joined)) {
    let header = ByteSpan::new(text.line_start(name.start), text.line_end(name.start));
    let Some(next) = text.next_line(header.start) else { return };
    let rule = ByteSpan::new(next, text.line_end(next));
    let is_rule = |line: &[u8]| line.len() > 3 && line.iter().all(|byte| b"|-: \t".contains(byte));
    if is_rule(rule.of(text.bytes)) {
        if !(text.names_secret)() {
            return;
        }
        let column = fields(text, ByteSpan::new(header.start, name.start), b'|') - 1;
        let count = fields(text, header, b'|');
        let mut line = next;
        for _ in 0..MAX_ROWS {
            let Some(next) = text.next_line(line) else { return };
            line = next;
            let span = ByteSpan::new(next, text.line_end(next));
            if text.is_cut_at(span.end) || fields(text, span, b'|') != count {
                return;
            }
            if let Some(value) = field(text, span, b'|', column) {
                found(Joined { value, link: Link::Assignment, shape: Shape::Embedded });
            }
        }
        return;
    }
    let before = text.before(name.start);
    let is_cell =
        before.iter().rev().find(|byte| !b"` \t*\"".contains(byte)).is_none_or(|byte| *byte == b'|');
    // `A | B | C` without bars at its ends is a choice of types.
    let is_row =
        before.trim_ascii_start().starts_with(b"|") || header.of(text.bytes).trim_ascii_end().ends_with(b"|");
    if is_cell && is_row {
        let bar = text.blanks(closed.end);
        let end = bar + 1 + memchr::memchr2(b'|', b'\n', text.rest(bar + 1)).unwrap_or(0);
        if let Some(value) = field(text, ByteSpan::new(bar + 1, end), b'|', 0)
            && assign::is_random(value.of(text.bytes))
        {
            found(Joined { value, link: Link::Assignment, shape: Shape::Embedded });
        }
    }
}
