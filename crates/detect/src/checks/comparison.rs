//! Values that a name is compared with: `if password == "value"`, `name.equals(value)`, `strcmp(name, value)`. Whoever knows the value
//! gets in.

use keysieve_model::location::ByteSpan;

use super::composition::{has_letters_and_digits, is_wordy};
use super::connector::{before, called_function, is_in, is_machine_made};
use super::name::{Subject, subject};
use super::words::words;

/// From how many bytes on what a test compares a password with is one.
const LEAST_ASSERTED_BYTES: usize = 8;

/// Functions that compare what they take, in lower case.
const COMPARERS: &[&[u8]] = &[
    b"strcmp",
    b"strncmp",
    b"strcasecmp",
    b"compare_digest",
    b"hash_equals",
    b"equals",
    b"equalsignorecase",
    b"isequaltostring",
];

/// Whether what lies between `name` and a value compares them. `rest` is without what closes the name, `is_closed` says whether a quote
/// does.
pub(super) fn is_compared(bytes: &[u8], name: ByteSpan, rest: &[u8], is_closed: bool) -> bool {
    rest.starts_with(b"==")
        || rest.starts_with(b"!=")
        || (rest.starts_with(b"(")
            && split_method(name.of(bytes)).is_some_and(|(_, method)| is_in(COMPARERS, method)))
        || (rest.starts_with(b",") && is_argument_of_a_comparer(bytes, name))
        // `test "$kind,$pass" = "value"` in shell: what is assigned to has neither sign nor quotes.
        || (before(bytes, name).ends_with(b"$") && is_closed && rest.starts_with(b"="))
}

/// Whether somebody may have to give `value` for `name` to get in. What a program compares besides is a kind, a state or a word that it
/// reads, and a test compares what came of what it gave.
pub(super) fn may_be_asked_for(bytes: &[u8], name: ByteSpan, value: &[u8]) -> bool {
    let is_asserted = is_asserted(bytes, name);
    // What a test says that it is not may be anything.
    if is_asserted && !bytes[name.end.min(bytes.len())..].trim_ascii_start().starts_with(b"==") {
        return false;
    }
    match subject(compared_name(name.of(bytes))) {
        Some(Subject::Password) => {
            // A test has the password that it gave.
            has_letters_and_digits(value)
                && !(is_asserted && (value.len() < LEAST_ASSERTED_BYTES || is_wordy(value)))
                && (says_password(compared_name(name.of(bytes))) || (value.len() >= 8 && !is_wordy(value)))
        }
        Some(Subject::Secret) => is_machine_made(value) && !is_asserted,
        Some(Subject::Key) | None => false,
    }
}

/// What is compared: `password` of `password.equals` and of `txtPassword.Text`.
pub(super) fn compared_name(name: &[u8]) -> &[u8] {
    const CONTENTS: &[&[u8]] = &[b"text", b"value", b"tostring", b"trim"];
    match split_method(name) {
        Some((compared, method)) if is_in(COMPARERS, method) || is_in(CONTENTS, method) => {
            compared_name(compared)
        }
        _ => name,
    }
}

/// Whether the name says `password` in full: `pass` may be a turn, and `pwd` a folder.
fn says_password(name: &[u8]) -> bool {
    words(name).any(|word| word.len() >= 6)
}

/// `password.equals` as `password` and `equals`.
fn split_method(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memrchr(b'.', name)?;
    Some((&name[..at], &name[at + 1..]))
}

/// `strcmp(password, "value")`
fn is_argument_of_a_comparer(bytes: &[u8], name: ByteSpan) -> bool {
    let before = before(bytes, name);
    let Some(open) = memchr::memrchr(b'(', before) else { return false };
    is_in(COMPARERS, called_function(&before[..open]))
}

/// `assert token == "value"`
fn is_asserted(bytes: &[u8], name: ByteSpan) -> bool {
    let verbs = [b"assert".as_slice(), b"expect", b"should"];
    words(before(bytes, name)).any(|word| is_in(&verbs, word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Link;
    use crate::checks::connector::of_quoted;

    /// The link of the name and the value between `^`.
    fn link(marked: &str) -> Option<Link> {
        let mut parts = marked.split('^');
        let mut spans = Vec::new();
        let mut text = String::new();
        while let Some(part) = parts.next() {
            text.push_str(part);
            if let Some(marked) = parts.next() {
                spans.push(ByteSpan::new(text.len(), text.len() + marked.len()));
                text.push_str(marked);
            }
        }
        of_quoted(text.as_bytes(), spans[0], spans[1])
    }

    #[test]
    fn what_lets_somebody_in_is_compared() {
        for text in [
            "if ^password^ == \"^fox42^\":",
            "if (form['^password^'] != '^fox42^')",
            "if (^password.equals^(\"^fox42^\")) {",
            "if (strcmp(^password^, \"^fox42^\") == 0)",
            "hmac.compare_digest(^password^, '^fox42^')",
            "If ^txtPassword.Text^ == \"^fox42^\" Then",
            "if test \"$^pass^\" = \"^k9Xw2pLq7^\"; then",
            "if (shoulder && ^password^ == \"^fox42^\")",
            "assert ^user.password^ == \"^k9Xw2pLq7^\"",
        ] {
            assert_eq!(link(text), Some(Link::Comparison), "{text}");
        }
    }

    #[test]
    fn kinds_states_and_assertions_are_not() {
        for text in [
            "if ^password^ == \"^required^\":",
            "if (^token^ == '^utf8^')",
            "assert ^password^ == \"^fox42^\"",
            "expect(^password^ == '^fox42^')",
            "assert ^token^ == \"^k9Xw2pLq7k9Xw2pLq7^\"",
            "assert ^user.password^ != \"^k9Xw2pLq7^\"",
            "if (^pwd^ == \"^release64^\")",
            "if test \"$kind,$^pass^\" = \"^lib,link^\"; then",
        ] {
            assert_eq!(link(text), None, "{text}");
        }
    }
}
