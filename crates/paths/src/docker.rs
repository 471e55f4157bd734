//! Patterns as Docker reads them: those of `.dockerignore` (<https://docs.docker.com/build/concepts/context/#syntax>), and the
//! sources of `COPY` and `ADD`, which are Go's `filepath.Match`. They are not git's: every pattern counts from the top of the
//! build context, and a file that a pattern takes back is back though its folder is left out.

use bstr::{BString, ByteSlice};

use super::{Class, MAX_PATTERN_BYTES, Member, Token, matches};

/// A `.dockerignore` file.
#[derive(Debug, Clone, Default)]
pub struct DockerIgnore {
    patterns: Vec<Pattern>,
}

/// A line of it.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// The line as it was written, without spaces around it.
    pub text: BString,
    /// Counted from 1.
    pub line: usize,
    /// `!pattern`: takes back what others leave out.
    pub is_negated: bool,
    tokens: Vec<Token>,
}

/// A pattern that no build accepts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: `{text}` is no pattern, and Docker refuses the whole file")]
pub struct Malformed {
    /// Counted from 1.
    pub line: usize,
    /// The pattern.
    pub text: BString,
}

impl DockerIgnore {
    /// Reads the content of a `.dockerignore`.
    ///
    /// # Errors
    ///
    /// When a line is one with which no image is built.
    pub fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut patterns = Vec::new();
        for (line, written) in (1..).zip(text.lines()) {
            let trimmed = written.trim();
            // A `#` with a space in front of it is no comment.
            if written.starts_with(b"#") || trimmed.is_empty() {
                continue;
            }
            let malformed = || Malformed { line, text: trimmed.into() };
            let taken_back = trimmed.strip_prefix(b"!").map(ByteSlice::trim);
            let is_negated = taken_back.is_some();
            if taken_back.is_some_and(<[u8]>::is_empty) {
                return Err(malformed());
            }
            let body = clean(taken_back.unwrap_or(trimmed));
            let body = if body.len() > 1 { body.strip_prefix('/').unwrap_or(&body) } else { &body };
            let characters: Vec<char> = body.chars().collect();
            let tokens = tokens(&characters, true).ok_or_else(malformed)?;
            patterns.push(Pattern { text: trimmed.into(), line, is_negated, tokens });
        }
        Ok(Self { patterns })
    }

    /// The pattern that decides whether the file at `path`, relative to the context, is left out: the last one that changes
    /// it. None where no pattern leaves it out.
    #[must_use]
    pub fn deciding(&self, path: &[u8]) -> Option<&Pattern> {
        let path: Vec<char> = path.to_str_lossy().chars().collect();
        let folders = path.iter().enumerate().filter(|(_, character)| **character == '/').map(|(at, _)| at);
        let ends: Vec<usize> = folders.chain([path.len()]).collect();
        let mut decision: Option<&Pattern> = None;
        for pattern in &self.patterns {
            let is_excluded = decision.is_some_and(|pattern| !pattern.is_negated);
            // What is excluded can only be taken back, and the other way round.
            if pattern.is_negated == is_excluded
                && ends.iter().any(|&end| matches(&pattern.tokens, &path[..end]))
            {
                decision = Some(pattern);
            }
        }
        decision
    }

    /// Whether the file at `path`, relative to the context, is kept out of it.
    #[must_use]
    pub fn excludes(&self, path: &[u8]) -> bool {
        self.deciding(path).is_some_and(|pattern| !pattern.is_negated)
    }
}

/// Whether Go's `filepath.Match` says that `pattern` matches the whole of `path`; what is no pattern matches nothing.
#[must_use]
pub fn matches_path(pattern: &str, path: &[u8]) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let path: Vec<char> = path.to_str_lossy().chars().collect();
    tokens(&pattern, false).is_some_and(|tokens| matches(&tokens, &path))
}

/// The same, where `**` stands for any number of folders.
#[must_use]
pub fn matches_tree(pattern: &str, path: &[u8]) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let path: Vec<char> = path.to_str_lossy().chars().collect();
    tokens(&pattern, true).is_some_and(|tokens| matches(&tokens, &path))
}

/// The tokens of a pattern; none where it is malformed. `**` has a meaning of its own in `.dockerignore` alone.
fn tokens(pattern: &[char], knows_folders: bool) -> Option<Vec<Token>> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return None;
    }
    let mut tokens = Vec::new();
    let mut rest = pattern;
    // `**.env` is any end of a path, where nothing in it is special; elsewhere `**` ends in front of a name.
    if knows_folders
        && let ['*', '*', end @ ..] = pattern
        && end.iter().all(|character| !r"*?[]\".contains(*character))
        && end.first() != Some(&'/')
    {
        tokens.push(Token::Everything);
        rest = end;
    }
    while let Some((&character, after)) = rest.split_first() {
        rest = after;
        match character {
            '*' if knows_folders && rest.first() == Some(&'*') => {
                rest = &rest[1..];
                rest = rest.strip_prefix(&['/']).unwrap_or(rest);
                tokens.push(if rest.is_empty() { Token::Everything } else { Token::Folders });
            }
            '*' => tokens.push(Token::Star),
            '?' => tokens.push(Token::Any),
            '[' => {
                let (class, behind) = class(rest)?;
                tokens.push(Token::Class(class));
                rest = behind;
            }
            '\\' => {
                let (&escaped, behind) = rest.split_first()?;
                tokens.push(Token::Literal(escaped));
                rest = behind;
            }
            _ => tokens.push(Token::Literal(character)),
        }
    }
    Some(tokens)
}

/// The class behind a `[`, and what follows it.
fn class(pattern: &[char]) -> Option<(Class, &[char])> {
    let mut rest = pattern;
    let mut class = Class { takes_slash: true, ..Class::default() };
    if let Some(behind) = rest.strip_prefix(&['^']) {
        class.is_negated = true;
        rest = behind;
    }
    loop {
        match rest {
            [']', behind @ ..] if !class.members.is_empty() => return Some((class, behind)),
            _ => {}
        }
        let (first, behind) = class_character(rest)?;
        rest = behind;
        let mut last = first;
        if let Some(behind) = rest.strip_prefix(&['-']) {
            (last, rest) = class_character(behind)?;
        }
        class.members.push(Member::Range(first, last));
    }
}

/// A character of a class, escaped or not. One that has to be escaped and is not is malformed.
fn class_character(pattern: &[char]) -> Option<(char, &[char])> {
    match pattern {
        ['\\', escaped, rest @ ..] => Some((*escaped, rest)),
        ['\\' | '-' | ']', ..] | [] => None,
        [character, rest @ ..] => Some((*character, rest)),
    }
}

/// The path without `.`, `..` and doubled `/`, as Go's `filepath.Clean` has it.
pub fn clean(path: &[u8]) -> String {
    let path = path.to_str_lossy();
    let is_rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|&last| last != "..") => {
                parts.pop();
            }
            ".." if is_rooted => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (is_rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excludes(lines: &str, path: &str) -> bool {
        DockerIgnore::parse(lines.as_bytes()).expect("patterns").excludes(path.as_bytes())
    }

    /// The rules of the documentation and of moby's `patternmatcher`, case by case.
    #[test]
    fn patterns_are_those_of_docker() {
        for (lines, path, expected) in [
            // From the top of the context, unlike git's.
            (".env", ".env", true),
            (".env", "app/.env", false),
            ("/.env", ".env", true),
            ("./app/../.env", ".env", true),
            ("*/.env", "app/.env", true),
            ("*/.env", "a/b/.env", false),
            ("**/.env", ".env", true),
            ("**/.env", "a/b/.env", true),
            ("**/.env", "a/b/x.env", false),
            ("**.env", "a/prod.env", true),
            ("**.en?", "a/prod.env", false),
            ("**.en?", "a/.env", true),
            ("a/**/.env", "a/.env", true),
            ("a/**", "a/b/.env", true),
            ("**", "a", true),
            // A folder leaves out what is in it.
            ("conf", "conf/.env", true),
            ("conf/", "conf/.env", true),
            ("conf/*", "conf/a/.env", true),
            (".env?", ".env1", true),
            (".env?", ".env/", false),
            (".env[0-9]", ".env7", true),
            (".env[^0-9]", ".env7", false),
            ("\\*.env", "*.env", true),
            ("\\*.env", "a.env", false),
            // The last one that changes something decides.
            ("*.env\n!prod.env", "prod.env", false),
            ("!prod.env\n*.env", "prod.env", true),
            // What is taken back is back, though its folder is left out.
            ("conf\n!conf/.env", "conf/.env", false),
            ("*\n!src", "src/.env", false),
            ("*\n!src\nsrc/.env", "src/.env", true),
            // Comments begin the line; spaces around do not count.
            ("#.env", ".env", false),
            ("  .env  ", ".env", true),
            ("! prod.env", "prod.env", false),
            ("\u{feff}.env\r\n", ".env", true),
        ] {
            assert_eq!(excludes(lines, path), expected, "{lines:?} and {path}");
        }
    }

    #[test]
    fn what_no_build_accepts_is_an_error() {
        for lines in ["a\n[", "!", "[]a]", "a\\", "[a-"] {
            assert!(DockerIgnore::parse(lines.as_bytes()).is_err(), "{lines:?}");
        }
    }

    #[test]
    fn sources_of_copy_are_matched_part_by_part() {
        assert!(matches_path("*.env", b"prod.env") && matches_path(".en?", b".env"));
        assert!(!matches_path("*.env", b"conf/prod.env") && !matches_path("**", b"a/b"));
    }

    #[test]
    fn paths_are_cleaned_as_go_does_it() {
        for (path, expected) in
            [("a//b/./c/", "a/b/c"), ("../a", "../a"), ("/../a", "/a"), ("a/..", "."), ("/", "/")]
        {
            assert_eq!(clean(path.as_bytes()), expected);
        }
    }
}
