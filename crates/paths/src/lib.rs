//! Patterns of paths as others read them: git's ignore files, Docker's `.dockerignore` and `COPY`. Pure but for [`control`], and exact: whether a
//! file is kept out of a commit or an image is decided by their rules, whatever looks reasonable.
//!
//! A pattern is a row of [`Token`]s. A row is matched by the set of places in the text that it can have come to after each
//! token, so that a pattern made to be slow costs its length times that of the path, and no more.

pub mod control;
pub mod docker;
pub mod git;
mod settings;

pub use self::settings::IgnoreSettings;

/// A part of a pattern. Text and pattern are rows of `char`: of characters, or of bytes taken for characters.
#[derive(Debug, Clone)]
pub(crate) enum Token {
    /// This character.
    Literal(char),
    /// Any character but `/`.
    Any,
    /// Any number of characters but `/`.
    Star,
    /// Any number of characters, `/` too.
    Everything,
    /// Nothing, or anything that ends in `/`.
    Folders,
    /// A character of a class.
    Class(Class),
    /// No text at all: what the pattern's reader calls malformed.
    Never,
}

/// `[a-z]`
#[derive(Debug, Clone, Default)]
pub(crate) struct Class {
    pub(crate) is_negated: bool,
    /// It may be `/`: in Go's patterns, not in git's.
    pub(crate) takes_slash: bool,
    pub(crate) members: Vec<Member>,
}

/// What a class names.
#[derive(Debug, Clone)]
pub(crate) enum Member {
    /// From the one to the other, both included.
    Range(char, char),
    /// `[:digit:]`
    Named(fn(&u8) -> bool),
}

impl Class {
    fn has(&self, character: char) -> bool {
        if character == '/' && !self.takes_slash {
            return false;
        }
        let is_member = self.members.iter().any(|member| match member {
            Member::Range(first, last) => (*first..=*last).contains(&character),
            Member::Named(is_in) => u8::try_from(character).is_ok_and(|byte| is_in(&byte)),
        });
        is_member != self.is_negated
    }
}

/// How long a pattern may be, in bytes. No path is that long; a longer pattern matches nothing.
pub(crate) const MAX_PATTERN_BYTES: usize = 64 << 10;

/// Whether the tokens match the whole text.
pub(crate) fn matches(tokens: &[Token], text: &[char]) -> bool {
    let is_character = |token: &&Token| matches!(token, Token::Literal(_) | Token::Any | Token::Class(_));
    if tokens.iter().filter(is_character).count() > text.len() {
        return false;
    }
    // Whether the tokens so far can end in front of the character of this number.
    let mut places = vec![false; text.len() + 1];
    places[0] = true;
    for token in tokens {
        let mut next = vec![false; text.len() + 1];
        let mut is_open = false;
        for (at, &is_here) in places.iter().enumerate() {
            let before = at.checked_sub(1).map(|before| text[before]);
            match token {
                Token::Literal(_) | Token::Any | Token::Class(_) => {
                    next[at] = before.is_some_and(|before| places[at - 1] && token.takes(before));
                }
                Token::Star => {
                    is_open = is_here || (is_open && before != Some('/'));
                    next[at] = is_open;
                }
                Token::Everything => {
                    is_open |= is_here;
                    next[at] = is_open;
                }
                Token::Folders => {
                    next[at] = is_here || (is_open && before == Some('/'));
                    is_open |= is_here;
                }
                Token::Never => {}
            }
        }
        places = next;
    }
    places.last().copied().unwrap_or(false)
}

impl Token {
    /// Whether a token of one character takes this one.
    fn takes(&self, character: char) -> bool {
        match self {
            Self::Literal(literal) => *literal == character,
            Self::Any => character != '/',
            Self::Class(class) => class.has(character),
            Self::Star | Self::Everything | Self::Folders | Self::Never => false,
        }
    }
}
