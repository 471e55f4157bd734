//! AWS access key ids: four letters for the kind, then 16 characters of base 32 that hold the account's id
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html> for the prefixes).

use super::words::reads_like_words;

/// Length of the kind's prefix, in characters.
const PREFIX_CHARACTERS: usize = 4;

/// Whether what follows the prefix is base 32, and no words: `ASIAANDPACIFICREGION`.
pub(crate) fn is_key_id(key_id: &[u8]) -> bool {
    key_id.get(PREFIX_CHARACTERS..).is_some_and(|rest| {
        let is_words = rest.iter().all(u8::is_ascii_alphabetic) && reads_like_words(rest);
        !rest.is_empty() && rest.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7')) && !is_words
    })
}

/// Whether `value` looks like the id in a pair of AWS and of stores that speak its protocol: 20 capitals and digits.
pub(crate) fn may_be_key_id(value: &[u8]) -> bool {
    value.len() == 20 && value.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// The id of the account that issued the key: 40 bits, from the second bit of the decoded first six bytes on.
/// `None` where the text is too short, and for keys of the older kind, which do not hold it: they go on with `I` or `J`,
/// or decode to more than twelve decimal digits.
pub(crate) fn account_id(key_id: &[u8]) -> Option<u64> {
    let encoded = key_id.get(PREFIX_CHARACTERS..PREFIX_CHARACTERS + 10)?;
    if matches!(encoded[0], b'I' | b'J') {
        return None;
    }
    let mut bits = 0u64;
    for &byte in encoded {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        bits = bits << 5 | u64::from(digit);
    }
    // 50 bits were read; the id lies in bits 1 to 40 of the first 48.
    let account = (bits >> 9) & ((1 << 40) - 1);
    (account <= 999_999_999_999).then_some(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_read_from_the_id() {
        // Published as an example in AWS' own material on account ids in key ids.
        let key = ["ASIA", "QNZGKIQY56JQ7WML"].concat();
        assert_eq!(account_id(key.as_bytes()), Some(29_608_264_753));
    }

    #[test]
    fn other_alphabets_and_short_texts_have_none() {
        assert_eq!(account_id(b"AKIA0189AAAAAAAAAAAA"), None);
        assert_eq!(account_id(b"AKIA"), None);
        assert!(
            is_key_id(b"AKIAIAAAAAAAAAAAAAAA") && account_id(b"AKIAIAAAAAAAAAAAAAAA").is_none(),
            "the older kind"
        );
        assert!(!is_key_id(b"AKIA0189AAAAAAAAAAAA"));
        assert!(!is_key_id(b"ASIAANDPACIFICREGION") && !is_key_id(b"ASIAPACIFICNORTHEAST"), "words");
        assert!(is_key_id(["ASIA", "QZXKWVJTGPMBRHLD"].concat().as_bytes()), "letters");
    }
}
