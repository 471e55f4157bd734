//! What a value is made of, and whether that fits what its name says.

use crate::Composition;

use super::entropy;
use super::name::Subject;
use super::words::{reads_like_words, words};

/// The shortest password, secret and key of no qualified name, in bytes.
const MIN_PASSWORD_BYTES: usize = 4;
const MIN_SECRET_BYTES: usize = 8;
const MIN_KEY_BYTES: usize = 16;
/// The least entropy of a secret and of a key of no qualified name, in bits per character.
const MIN_SECRET_BITS: f32 = 2.5;
const MIN_KEY_BITS: f32 = 3.2;

/// From how many bytes on an identifier may have one more place where a letter follows a digit: `Aes256CbcHmac256Key`.
const LENGTH_OF_A_TURN: usize = 16;

/// Up to how many bytes a word with one digit inside is none, but random.
const LENGTH_OF_WORD_AND_NUMBER: usize = 8;

/// What `value` is made of.
pub fn composition(value: &[u8]) -> Composition {
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    let digits = value.iter().any(u8::is_ascii_digit);
    let others = value.iter().any(|byte| !byte.is_ascii_alphanumeric() && !b"_-. :/".contains(byte));
    match (letters, digits, others) {
        (true, false, false) => Composition::Letters,
        (false, true, false) => Composition::Digits,
        _ => Composition::Mixed,
    }
}

/// Whether there is a letter and a digit in `value`.
pub fn has_letters_and_digits(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_alphabetic) && value.iter().any(u8::is_ascii_digit)
}

/// Whether there are letters in `value`, and digits or the signs of base64 that no word has: of 20 characters of base64 one in thirty
/// has no digit.
fn is_coded(value: &[u8]) -> bool {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte);
    has_letters_and_digits(value)
        || (value.iter().any(u8::is_ascii_alphabetic)
            && value.iter().any(|byte| b"+=".contains(byte))
            && value.iter().all(is_base64))
}

/// Whether `value` is what `subject` may be: a password is anything of some length, a secret is made of letters and digits.
pub fn fits(subject: Subject, value: &[u8]) -> bool {
    let is_mixed = is_coded(value);
    match subject {
        Subject::Password => value.len() >= MIN_PASSWORD_BYTES,
        Subject::Secret => {
            value.len() >= MIN_SECRET_BYTES
                && (is_mixed || composition(value) == Composition::Letters)
                && entropy::bits(value) >= MIN_SECRET_BITS
        }
        Subject::Key => {
            value.len() >= MIN_KEY_BYTES
                && is_mixed
                && entropy::bits(value) >= MIN_KEY_BITS
                && !is_wordy(value)
                && !is_identifier(value)
        }
    }
}

/// Whether `value`, which stands under a bare `key`, tells things apart: a UUID, `Shape.0c1ec89f`, `issue-54941-item`.
fn is_identifier(value: &[u8]) -> bool {
    let hyphens = |at: usize| [8, 13, 18, 23].contains(&at);
    let is_uuid = value.len() == 36
        && value
            .iter()
            .enumerate()
            .all(|(at, byte)| if hyphens(at) { *byte == b'-' } else { byte.is_ascii_hexdigit() });
    let first = value.split(|byte| b".:@".contains(byte)).next().unwrap_or_default();
    let is_name = first.len() < value.len()
        && (first.is_empty() || (first.len() >= 3 && first.iter().all(u8::is_ascii_alphabetic)))
        && !first.eq_ignore_ascii_case(b"base64");
    is_uuid || is_name || is_numbered_name(value) || is_path(value) || is_named_by_words(value)
}

/// `images/l837r1c6v52a1`: a folder of words, and what lies in it.
fn is_path(value: &[u8]) -> bool {
    let folder = value.split(|&byte| byte == b'/').next().unwrap_or_default();
    folder.len() < value.len()
        && folder.len() >= 4
        && folder.iter().all(|byte| byte.is_ascii_lowercase() || b"_-".contains(byte))
        && reads_like_words(folder)
}

/// `base-database-1-c5666c509a2d9895-cpp`: words among numbers, with hyphens between them.
fn is_named_by_words(value: &[u8]) -> bool {
    let is_word =
        |part: &&[u8]| part.len() >= 4 && part.iter().all(u8::is_ascii_lowercase) && reads_like_words(part);
    value.split(|byte| b"-_:".contains(byte)).filter(is_word).count() >= 2
}

/// `group_5d1f2a3b4c5d6`, `b25a6d8e_metric_name`: words, and a number of few hexadecimal digits before or behind them.
fn is_numbered_name(value: &[u8]) -> bool {
    const MOST_DIGITS: usize = 13;
    let is_number = |part: &[u8]| part.len() <= MOST_DIGITS && part.iter().all(u8::is_ascii_hexdigit);
    let is_named = |words: &[u8], number: &[u8]| {
        is_number(number)
            && words.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_')
            && reads_like_words(words)
    };
    let split = |at: Option<usize>| at.map(|at| (&value[..at], &value[at + 1..]));
    split(memchr::memrchr(b'_', value)).is_some_and(|(words, number)| is_named(words, number))
        || split(memchr::memchr(b'_', value)).is_some_and(|(number, words)| is_named(words, number))
}

/// Whether `value` is words with at most a few digits and signs between them: an identifier, a label, a pass phrase.
pub fn is_wordy(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let signs = value.iter().filter(|byte| byte.is_ascii_punctuation() && !b"_-./:".contains(byte)).count();
    // `a1b2c3`: letters and digits take turns in random text only.
    let turns =
        value.windows(2).filter(|pair| pair[0].is_ascii_digit() && pair[1].is_ascii_alphabetic()).count();
    // `issue-54941-item`: numbers between words that have nothing to do with them.
    let mut runs = value.split(|byte| !byte.is_ascii_alphanumeric()).filter(|run| !run.is_empty());
    let is_joined = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/ ".contains(byte);
    if runs.clone().nth(1).is_some()
        && value.iter().all(is_joined)
        && runs.all(|run| run.iter().all(u8::is_ascii_digit) || run.iter().all(u8::is_ascii_alphabetic))
        && reads_like_words(value)
    {
        return true;
    }
    // `gv6URkSs`: random text of some length may read like words.
    let is_between = |trio: &[u8]| {
        trio[1].is_ascii_digit() && trio[0].is_ascii_alphabetic() && trio[2].is_ascii_alphabetic()
    };
    if value.len() <= LENGTH_OF_WORD_AND_NUMBER && value.windows(3).any(is_between) {
        return false;
    }
    // `BYRADIUS`, a constant.
    if value.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_') {
        return true;
    }
    // `KRB5_PROMPT_TYPE`, another.
    if value.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
        && value.split(|&byte| byte == b'_').filter(|part| part.len() >= 4 && reads_like_words(part)).count()
            >= 2
    {
        return true;
    }
    let longest = words(value).map(<[u8]>::len).max().unwrap_or(0);
    digits * 4 <= value.len()
        && signs * 4 <= value.len()
        && turns <= 1 + value.len() / LENGTH_OF_A_TURN
        && longest >= 3
        && reads_like_words(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_may_be_short_and_secrets_may_not() {
        assert!(fits(Subject::Password, b"fox7"));
        assert!(!fits(Subject::Secret, b"fox7"));
        assert!(fits(Subject::Secret, b"x9Kd82mfQ"));
        assert!(!fits(Subject::Secret, b"20240229"));
        assert!(fits(Subject::Secret, b"qZrTvKxW+LmQpYbNcJd="), "base64 without a digit");
        assert!(!fits(Subject::Secret, b"value,of(x)+y"));
        assert!(!fits(Subject::Key, b"x9Kd82mfQ"));
        assert!(fits(Subject::Key, b"x9Kd82mfQ0bTz7Lw"));
        assert!(!fits(Subject::Key, b"settings.security2"));
        let digest = "0c1ec89f38a496d79fd06df0e76cb61d9c5b7a8d";
        assert!(fits(Subject::Key, digest.as_bytes()));
        assert!(!fits(Subject::Key, format!("Shape.{digest}").as_bytes()), "what an object is called by");
        assert!(!fits(Subject::Key, b"c7c0f1e6-4aa2-4b7e-8f5e-2f1d9f3f7a42"), "a UUID");
    }

    #[test]
    fn identifiers_are_wordy_and_tokens_are_not() {
        for value in [
            "session.token.v1",
            "access_token2",
            "bert-base-uncased",
            "Bearer2",
            "wonderland",
            "BYRADIUS",
            "issue-54941-item",
            "AeadAes256CbcHmac256EncryptionKey",
        ] {
            assert!(is_wordy(value.as_bytes()), "{value}");
        }
        for value in ["9f86d081884c7d65", "tR7hvd9QmmX2", "xkqjzvwpnf", "a1b2c3d4e5"] {
            assert!(!is_wordy(value.as_bytes()), "{value}");
        }
    }
}
