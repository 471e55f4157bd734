//! Shannon entropy: how evenly a value uses its characters.

use keysieve_rules::Alphabet;

/// Shannon entropy of `value` in bits per byte, 0 to 8. A value of `n` bytes has at most `log2(n)`.
pub(crate) fn bits(value: &[u8]) -> f32 {
    let mut counts = [0u32; 256];
    for &byte in value {
        counts[usize::from(byte)] += 1;
    }
    let length = value.len() as f32;
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| {
            let share = count as f32 / length;
            -share * share.log2()
        })
        .sum()
}

/// Whether every byte of `value` belongs to `alphabet`.
pub(crate) fn is_within(alphabet: Alphabet, value: &[u8]) -> bool {
    let belongs = |byte: &u8| match alphabet {
        Alphabet::Hex => byte.is_ascii_hexdigit(),
        Alphabet::Base32 => byte.is_ascii_uppercase() || (b'2'..=b'7').contains(byte),
        Alphabet::Base36 => byte.is_ascii_lowercase() || byte.is_ascii_digit(),
        Alphabet::Base62 => byte.is_ascii_alphanumeric(),
        Alphabet::Base64 => byte.is_ascii_alphanumeric() || b"+/=".contains(byte),
        Alphabet::Base64Url => byte.is_ascii_alphanumeric() || b"-_=".contains(byte),
        Alphabet::Any => true,
    };
    value.iter().all(belongs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_zero_for_one_character_and_log2_for_distinct_ones() {
        assert_eq!(bits(b"aaaa"), 0.0);
        assert!((bits(b"abcdefgh") - 3.0).abs() < 1e-6);
        assert_eq!(bits(b""), 0.0);
    }

    #[test]
    fn alphabets_hold_their_characters_only() {
        assert!(is_within(Alphabet::Hex, b"09afAF") && !is_within(Alphabet::Hex, b"g"));
        assert!(is_within(Alphabet::Base64, b"a+/=") && !is_within(Alphabet::Base64, b"-"));
        assert!(is_within(Alphabet::Base32, b"AZ27") && !is_within(Alphabet::Base32, b"1"));
    }
}
