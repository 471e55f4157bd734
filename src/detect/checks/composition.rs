//! What a value is made of, and whether that fits what its name says.

use crate::detect::Composition;

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

/// What `value` is made of.
pub(crate) fn composition(value: &[u8]) -> Composition {
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    let digits = value.iter().any(u8::is_ascii_digit);
    let others = value.iter().any(|byte| !byte.is_ascii_alphanumeric() && !b"_-. ".contains(byte));
    match (letters, digits, others) {
        (true, false, false) => Composition::Letters,
        (false, true, false) => Composition::Digits,
        _ => Composition::Mixed,
    }
}

/// Whether there is a letter and a digit in `value`.
pub(crate) fn has_letters_and_digits(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_alphabetic) && value.iter().any(u8::is_ascii_digit)
}

/// Whether `value` is what `subject` may be: a password is anything of some length, a secret is made of letters and digits.
pub(crate) fn fits(subject: Subject, value: &[u8]) -> bool {
    let is_mixed = has_letters_and_digits(value);
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
        }
    }
}

/// Whether `value` is words with at most a few digits and signs between them: an identifier, a label, a pass phrase.
pub(crate) fn is_wordy(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let signs = value.iter().filter(|byte| byte.is_ascii_punctuation() && !b"_-./:".contains(byte)).count();
    // `a1b2c3`: letters and digits take turns in random text only.
    let turns =
        value.windows(2).filter(|pair| pair[0].is_ascii_digit() && pair[1].is_ascii_alphabetic()).count();
    // `BYRADIUS`, a constant.
    if value.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_') {
        return true;
    }
    let longest = words(value).map(<[u8]>::len).max().unwrap_or(0);
    digits * 4 <= value.len()
        && signs * 4 <= value.len()
        && turns <= 1
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
        assert!(!fits(Subject::Key, b"x9Kd82mfQ"));
        assert!(fits(Subject::Key, b"x9Kd82mfQ0bTz7Lw"));
        assert!(!fits(Subject::Key, b"settings.security2"));
    }

    #[test]
    fn identifiers_are_wordy_and_tokens_are_not() {
        for value in
            ["session.token.v1", "access_token2", "bert-base-uncased", "Bearer2", "wonderland", "BYRADIUS"]
        {
            assert!(is_wordy(value.as_bytes()), "{value}");
        }
        for value in ["9f86d081884c7d65", "tR7hvd9QmmX2", "xkqjzvwpnf", "a1b2c3d4e5"] {
            assert!(!is_wordy(value.as_bytes()), "{value}");
        }
    }
}
