//! Ignore files as git reads them: <https://git-scm.com/docs/gitignore>, and where the page is silent, as git does it.

use std::collections::HashMap;

use bstr::{BString, ByteSlice};

use super::{Class, MAX_PATTERN_BYTES, Member, Token, matches};

/// The patterns of one ignore file.
#[derive(Debug, Clone, Default)]
pub struct IgnoreFile {
    /// The folder that its patterns are relative to, with a `/` at its end; empty for the top of the work tree.
    base: BString,
    folds_case: bool,
    patterns: Vec<Pattern>,
    /// The patterns that are a plain name, by that name: a file may have 100,000 of them.
    names: HashMap<Box<[u8]>, Vec<usize>>,
    /// The numbers of all others.
    others: Vec<usize>,
}

/// A line of an ignore file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The line as it was written, without spaces at its end.
    pub text: BString,
    /// Counted from 1.
    pub line: usize,
    /// `!pattern`: takes back what others ignore.
    pub is_negated: bool,
    /// What is matched: without `!`, and without `/` at the end.
    body: BString,
    /// It ended in `/`.
    needs_directory: bool,
    /// It has no `/` inside, so that the name alone counts.
    is_name: bool,
    /// How many bytes of `body` come before the first special character.
    literal: usize,
}

impl IgnoreFile {
    /// The patterns in `text`, the content of an ignore file in the folder `base` (relative to the top of the work tree, `/`
    /// between its parts). `folds_case` is `core.ignoreCase`.
    #[must_use]
    pub fn parse(text: &[u8], base: &[u8], folds_case: bool) -> Self {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut base = BString::from(base);
        if !base.is_empty() && !base.ends_with(b"/") {
            base.push(b'/');
        }
        let mut file = Self { base, folds_case, ..Self::default() };
        for (line, text) in (1..).zip(text.split(|&byte| byte == b'\n')) {
            if let Some(pattern) = Pattern::parse(text, line) {
                let number = file.patterns.len();
                if pattern.is_name && pattern.literal == pattern.body.len() {
                    file.names.entry(file.folded(&pattern.body)).or_default().push(number);
                } else {
                    file.others.push(number);
                }
                file.patterns.push(pattern);
            }
        }
        file
    }

    /// Whether there is a pattern, and none that git takes for malformed: those match nothing.
    #[must_use]
    pub fn can_match(&self) -> bool {
        let is_sound = |pattern: &Pattern| {
            let tokens = tokens(&pattern.body, pattern.is_name, self.folds_case);
            !pattern.body.is_empty() && !tokens.iter().any(|token| matches!(token, Token::Never))
        };
        !self.patterns.is_empty() && self.patterns.iter().all(is_sound)
    }

    fn folded(&self, name: &[u8]) -> Box<[u8]> {
        if self.folds_case { name.to_ascii_lowercase().into() } else { name.into() }
    }

    /// The patterns that match a path, the last one first: that one decides. The path is relative to the top of the work tree;
    /// what lies outside of the file's folder is matched by none.
    pub fn matching<'a>(&'a self, path: &'a [u8], is_dir: bool) -> impl Iterator<Item = &'a Pattern> {
        let path = if path.starts_with(&self.base) { &path[self.base.len()..] } else { b"" };
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        let named = self.names.get(&self.folded(name)).map(Vec::as_slice).unwrap_or_default();
        let matched = Descending { left: named, right: &self.others }.map(|number| &self.patterns[number]);
        matched
            .filter(move |pattern| !path.is_empty() && pattern.matches(path, name, is_dir, self.folds_case))
    }
}

/// Two ascending rows of numbers, as one descending one.
struct Descending<'a> {
    left: &'a [usize],
    right: &'a [usize],
}

impl Iterator for Descending<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let row = if self.left.last() > self.right.last() { &mut self.left } else { &mut self.right };
        let (&last, rest) = row.split_last()?;
        *row = rest;
        Some(last)
    }
}

impl Pattern {
    /// None for empty lines and comments.
    fn parse(line_text: &[u8], line: usize) -> Option<Self> {
        if line_text.is_empty() || line_text.starts_with(b"#") {
            return None;
        }
        let text = line_text.strip_suffix(b"\r").unwrap_or(line_text);
        // Git's lines end at a NUL.
        let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
        let text = without_trailing_spaces(text);
        let is_negated = text.starts_with(b"!");
        let body = if is_negated { &text[1..] } else { text };
        let needs_directory = body.ends_with(b"/");
        let body = body.strip_suffix(b"/").unwrap_or(body);
        let literal = body.find_byteset(br"*?[\").unwrap_or(body.len());
        Some(Self {
            text: text.into(),
            line,
            is_negated,
            body: body.into(),
            needs_directory,
            is_name: !body.contains(&b'/'),
            literal,
        })
    }

    /// Whether it matches `path`, relative to the folder of its file, whose last part is `name`.
    fn matches(&self, path: &[u8], name: &[u8], is_dir: bool, folds_case: bool) -> bool {
        if self.needs_directory && !is_dir {
            return false;
        }
        let (text, literal, text_to_match) = if self.is_name {
            (&self.body[..], self.literal, name)
        } else {
            match self.body.strip_prefix(b"/") {
                Some(rooted) => (rooted, self.literal.saturating_sub(1), path),
                None => (&self.body[..], self.literal, path),
            }
        };
        let is_same = |a: &[u8], b: &[u8]| if folds_case { a.eq_ignore_ascii_case(b) } else { a == b };
        if literal == text.len() {
            return is_same(text, text_to_match);
        }
        if text_to_match.len() < literal || !is_same(&text[..literal], &text_to_match[..literal]) {
            return false;
        }
        // Most patterns that are not plain: `*.log`
        if self.is_name && text[0] == b'*' && text[1..].find_byteset(br"*?[\").is_none() {
            let end = &text[1..];
            return name.len() >= end.len() && is_same(end, &name[name.len() - end.len()..]);
        }
        // What comes before the first special character is taken off, so that `**` counts as a whole part there: `a**/b`.
        let tokens = tokens(&text[literal..], self.is_name, folds_case);
        let rest = text_to_match[literal..].iter().map(|&byte| folded(byte, folds_case));
        matches(&tokens, &rest.collect::<Vec<char>>())
    }
}

fn folded(byte: u8, folds_case: bool) -> char {
    char::from(if folds_case { byte.to_ascii_lowercase() } else { byte })
}

/// Spaces at the end do not count, unless there is a backslash in front of them.
fn without_trailing_spaces(text: &[u8]) -> &[u8] {
    let mut end = 0;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b' ' => at += 1,
            b'\\' if at + 1 == text.len() => return text,
            b'\\' => {
                at += 2;
                end = at;
            }
            _ => {
                at += 1;
                end = at;
            }
        }
    }
    &text[..end]
}

/// The pattern as git's `wildmatch` reads it.
fn tokens(pattern: &[u8], is_name: bool, folds_case: bool) -> Vec<Token> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return vec![Token::Never];
    }
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&byte) = pattern.get(at) {
        match byte {
            b'\\' => match pattern.get(at + 1) {
                Some(&escaped) => {
                    // An escaped letter is compared as it stands, even where case is folded.
                    tokens.push(Token::Literal(char::from(escaped)));
                    at += 2;
                }
                None => return vec![Token::Never],
            },
            b'?' => {
                tokens.push(Token::Any);
                at += 1;
            }
            b'*' => {
                let stars = pattern[at..].iter().take_while(|&&byte| byte == b'*').count();
                let is_part = at == 0 || pattern[at - 1] == b'/';
                let rest = &pattern[at + stars..];
                at += stars;
                match rest {
                    _ if is_name || stars == 1 || !is_part => tokens.push(Token::Star),
                    [] => tokens.push(Token::Everything),
                    [b'/', ..] => {
                        tokens.push(Token::Folders);
                        at += 1;
                    }
                    [b'\\', b'/', ..] => tokens.push(Token::Everything),
                    _ => tokens.push(Token::Star),
                }
            }
            b'[' => match class(&pattern[at + 1..], folds_case) {
                Some((class, length)) => {
                    tokens.push(Token::Class(class));
                    at += 1 + length;
                }
                None => return vec![Token::Never],
            },
            _ => {
                tokens.push(Token::Literal(folded(byte, folds_case)));
                at += 1;
            }
        }
    }
    tokens
}

/// The class behind a `[`, and how long it is with its `]`; none where it does not end.
fn class(pattern: &[u8], folds_case: bool) -> Option<(Class, usize)> {
    let mut class = Class::default();
    let mut at = 0;
    if matches!(pattern.first(), Some(b'!' | b'^')) {
        class.is_negated = true;
        at = 1;
    }
    // The character in front of a `-`; none at the beginning and behind a range.
    let mut previous: Option<u8> = None;
    let start = at;
    loop {
        let byte = *pattern.get(at)?;
        match byte {
            b']' if at > start => return Some((class, at + 1)),
            b'\\' => {
                at += 1;
                let escaped = *pattern.get(at)?;
                class.add(escaped, escaped);
                previous = Some(escaped);
            }
            b'-' if previous.is_some() && !matches!(pattern.get(at + 1), None | Some(b']')) => {
                at += 1;
                let mut last = *pattern.get(at)?;
                if last == b'\\' {
                    at += 1;
                    last = *pattern.get(at)?;
                }
                let first = previous.take()?;
                class.add(first, last);
                if folds_case {
                    let upper = (b'A'..=b'Z').filter(|upper| (first..=last).contains(upper));
                    upper.for_each(|upper| class.add(upper.to_ascii_lowercase(), upper.to_ascii_lowercase()));
                }
            }
            b'[' if pattern.get(at + 1) == Some(&b':') => {
                let end = at + 2 + pattern[at + 2..].find_byte(b']')?;
                if end > at + 2 && pattern[end - 1] == b':' {
                    class.members.push(Member::Named(named(&pattern[at + 2..end - 1], folds_case)?));
                    previous = None;
                    at = end;
                } else {
                    class.add(b'[', b'[');
                    previous = Some(b'[');
                }
            }
            _ => {
                class.add(byte, byte);
                previous = Some(byte);
            }
        }
        at += 1;
    }
}

impl Class {
    fn add(&mut self, first: u8, last: u8) {
        self.members.push(Member::Range(char::from(first), char::from(last)));
    }
}

/// `[:alpha:]`
fn named(name: &[u8], folds_case: bool) -> Option<fn(&u8) -> bool> {
    Some(match name {
        b"alnum" => u8::is_ascii_alphanumeric,
        b"alpha" => u8::is_ascii_alphabetic,
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        b"cntrl" => u8::is_ascii_control,
        b"digit" => u8::is_ascii_digit,
        b"graph" => u8::is_ascii_graphic,
        b"lower" => u8::is_ascii_lowercase,
        b"print" => |byte| (b' '..=b'~').contains(byte),
        b"punct" => u8::is_ascii_punctuation,
        b"space" => |byte| matches!(byte, b' ' | b'\t'..=b'\r'),
        b"upper" if folds_case => u8::is_ascii_alphabetic,
        b"upper" => u8::is_ascii_uppercase,
        b"xdigit" => u8::is_ascii_hexdigit,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the last of the lines that match says that the path is ignored.
    fn is_ignored(lines: &str, path: &str) -> bool {
        let file = IgnoreFile::parse(lines.as_bytes(), b"", false);
        let is_dir = path.ends_with('/');
        let path = path.trim_end_matches('/').as_bytes();
        let decision = file.matching(path, is_dir).next();
        decision.is_some_and(|pattern| !pattern.is_negated)
    }

    #[test]
    fn the_last_line_that_matches_decides() {
        assert!(is_ignored(".env*\n", "a/.env.local"));
        assert!(!is_ignored(".env*\n!.env.local\n", "a/.env.local"));
        assert!(is_ignored("!.env.local\n.env*\n", ".env.local"));
        assert!(is_ignored("build/\n", "build/"));
        assert!(!is_ignored("build/\n", "build"));
        assert!(is_ignored("a/**/b\n", "a/b") && is_ignored("a/**/b\n", "a/x/y/b"));
        assert!(!is_ignored("/a\n", "b/a") && is_ignored("a\n", "b/a"));
        assert!(is_ignored("\u{feff}.env  \r\n", ".env"), "a mark at the beginning, spaces and CR LF");
    }

    #[test]
    fn patterns_are_relative_to_the_folder_of_their_file() {
        let file = IgnoreFile::parse(b"/x\ny\n", b"sub/dir", false);
        let is_matched = |path: &[u8]| file.matching(path, false).next().is_some();
        assert!(is_matched(b"sub/dir/x") && is_matched(b"sub/dir/z/y"));
        assert!(!is_matched(b"x") && !is_matched(b"sub/dir/z/x") && !is_matched(b"sub/dirt/y"));
    }

    #[test]
    fn a_pattern_that_would_backtrack_for_ever_costs_little() {
        let pattern = format!("{}b\n", "a*?".repeat(2_000));
        assert!(!is_ignored(&pattern, &"a".repeat(4_000)));
    }
}
