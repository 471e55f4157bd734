//! Checksums inside tokens. A token whose checksum fails was never issued.

use sha2::{Digest as _, Sha256};

use keysieve_rules::Checksum;

/// Length of a CRC-32 in base 62, in characters.
const BASE62_CHARACTERS: usize = 6;
/// Length of a CRC-32 in base 36, in characters.
const BASE36_CHARACTERS: usize = 7;
/// Length of a CRC-32 in hex, in characters.
const HEX_CHARACTERS: usize = 8;
/// In base 62 capitals come first; base 36 has small letters only.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE36: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// Length of the checksum of Bech32, in characters.
const BECH32_CHARACTERS: usize = 6;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Length of the checksum of Base58Check, in bytes.
const BASE58_CHECK_BYTES: usize = 4;
/// Length of the checksum of a NATS key, in bytes.
const NATS_CHECK_BYTES: usize = 2;

/// Whether the checksum in `token` is that of what it should cover.
pub(crate) fn holds(checksum: Checksum, token: &[u8]) -> bool {
    match checksum {
        Checksum::Base58Check => is_base58_checked(token),
        Checksum::Nats => is_nats_checked(token),
        _ => split(checksum, token).is_some_and(|(covered, written)| {
            let expected = sum(checksum, covered);
            // Bech32 is written in capitals or in small letters, and means the same.
            expected.as_deref() == Some(written)
                || (checksum == Checksum::Bech32
                    && expected.is_some_and(|expected| expected.to_ascii_uppercase() == written))
        }),
    }
}

/// `token` with the right checksum where it has one: for examples.
pub(crate) fn seal(checksum: Checksum, token: &[u8]) -> Vec<u8> {
    if checksum == Checksum::Base58Check {
        return seal_base58(token);
    }
    if checksum == Checksum::Nats {
        return seal_nats(token);
    }
    let Some((covered, written)) = split(checksum, token) else {
        return token.to_vec();
    };
    let start = token.len() - written.len();
    let is_capital = written.iter().all(|byte| !byte.is_ascii_lowercase());
    let sum = sum(checksum, covered).unwrap_or_else(|| written.to_vec());
    let sum = if checksum == Checksum::Bech32 && is_capital { sum.to_ascii_uppercase() } else { sum };
    [&token[..start], &sum].concat()
}

/// What the checksum covers, and the checksum as written, which comes last.
fn split(checksum: Checksum, token: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, length) = match checksum {
        // They cover what follows the prefix.
        Checksum::Github | Checksum::Npm => (&token[memchr::memchr(b'_', token)? + 1..], BASE62_CHARACTERS),
        Checksum::Gitlab => (token, BASE36_CHARACTERS),
        Checksum::Grafana => {
            let (key, written) = token.split_at_checked(memchr::memrchr(b'_', token)?)?;
            return Some((key, &written[1..]));
        }
        Checksum::Bech32 => (token, BECH32_CHARACTERS),
        Checksum::Base58Check | Checksum::Nats => return None,
    };
    body.split_at_checked(body.len().checked_sub(length)?)
}

/// The checksum of `covered` as it is written; `None` where it cannot have one.
fn sum(checksum: Checksum, covered: &[u8]) -> Option<Vec<u8>> {
    let crc32 = crc32fast::hash(covered);
    match checksum {
        Checksum::Github | Checksum::Npm => Some(digits(crc32, BASE62, BASE62_CHARACTERS)),
        Checksum::Gitlab => Some(digits(crc32, BASE36, BASE36_CHARACTERS)),
        Checksum::Grafana => Some(digits(crc32.swap_bytes(), &BASE36[..16], HEX_CHARACTERS)),
        Checksum::Bech32 => bech32(covered),
        Checksum::Base58Check | Checksum::Nats => None,
    }
}

/// `number` in the base of the alphabet, padded with its first character.
fn digits(mut number: u32, alphabet: &[u8], length: usize) -> Vec<u8> {
    let base = alphabet.len() as u32;
    let mut digits = vec![alphabet[0]; length];
    for digit in digits.iter_mut().rev() {
        *digit = alphabet[(number % base) as usize];
        number /= base;
    }
    digits
}

/// The checksum of a Bech32 text without one, in small letters: BIP 173.
fn bech32(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.to_ascii_lowercase();
    let one = memchr::memrchr(b'1', &text)?;
    let (prefix, data) = (&text[..one], &text[one + 1..]);
    let expanded = prefix.iter().map(|byte| byte >> 5).chain([0]).chain(prefix.iter().map(|byte| byte & 31));
    let mut values: Vec<u8> = expanded.collect();
    for character in data {
        values.push(BECH32.iter().position(|known| known == character)? as u8);
    }
    values.extend([0; BECH32_CHARACTERS]);
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let polymod = values.iter().fold(1u32, |sum, &value| {
        let top = sum >> 25;
        let shifted = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
        (0..5).filter(|bit| top >> bit & 1 == 1).fold(shifted, |sum, bit| sum ^ GENERATOR[bit])
    }) ^ 1;
    Some((0..BECH32_CHARACTERS).map(|at| BECH32[(polymod >> (5 * (5 - at)) & 31) as usize]).collect())
}

fn is_base58_checked(token: &[u8]) -> bool {
    let Some(bytes) = from_base58(token) else {
        return false;
    };
    let Some(split) = bytes.len().checked_sub(BASE58_CHECK_BYTES) else {
        return false;
    };
    let (covered, written) = bytes.split_at(split);
    base58_check(covered) == written
}

/// The first bytes of the double SHA-256.
fn base58_check(covered: &[u8]) -> Vec<u8> {
    Sha256::digest(Sha256::digest(covered))[..BASE58_CHECK_BYTES].to_vec()
}

/// The bytes of a number in base 58, leading ones for zeros.
fn from_base58(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes: Vec<u8> = Vec::new();
    for character in text {
        let mut carry = BASE58.iter().position(|known| known == character)? as u32;
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 58;
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry > 0 {
            bytes.insert(0, carry as u8);
        }
    }
    let zeros = text.iter().take_while(|&&character| character == b'1').count();
    Some([vec![0; zeros], bytes].concat())
}

/// The number of `token`'s length with the right check.
fn seal_base58(token: &[u8]) -> Vec<u8> {
    let Some(mut bytes) = from_base58(token) else {
        return token.to_vec();
    };
    let split = bytes.len().saturating_sub(BASE58_CHECK_BYTES);
    let check = base58_check(&bytes[..split]);
    bytes.splice(split.., check);
    let mut digits = Vec::new();
    while bytes.iter().any(|&byte| byte > 0) {
        let mut rest = 0u32;
        for byte in &mut bytes {
            let value = rest << 8 | u32::from(*byte);
            *byte = (value / 58) as u8;
            rest = value % 58;
        }
        digits.push(BASE58[rest as usize]);
    }
    digits.reverse();
    digits
}

/// Whether `key` is base 32 that ends where a whole byte does, with the CRC-16 of its bytes at their end.
fn is_nats_checked(key: &[u8]) -> bool {
    from_base32(key).is_some_and(|bytes| {
        let split = bytes.len().saturating_sub(NATS_CHECK_BYTES);
        let (covered, written) = bytes.split_at(split);
        !covered.is_empty() && crc16(covered).to_le_bytes() == written
    })
}

/// The key of `token`'s length with the right checksum.
fn seal_nats(token: &[u8]) -> Vec<u8> {
    // What is left behind the last whole byte has to be zero.
    let rest = token.len() * 5 % 8;
    let mut token = token.to_vec();
    let last = token.last().and_then(|last| BASE32.iter().position(|known| known == last));
    if let (Some(byte), Some(digit)) = (token.last_mut(), last) {
        *byte = BASE32[digit >> rest << rest];
    }
    let Some(mut bytes) = from_base32(&token) else {
        return token;
    };
    let split = bytes.len().saturating_sub(NATS_CHECK_BYTES);
    let check = crc16(&bytes[..split]).to_le_bytes();
    bytes.splice(split.., check);
    to_base32(&bytes)
}

/// The bytes that `text` is base 32 of, without padding; `None` where bits that no byte has are set.
fn from_base32(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut count) = (0u32, 0);
    for character in text {
        bits = bits << 5 | BASE32.iter().position(|known| known == character)? as u32;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    (bits == 0 && count < 5).then_some(bytes)
}

fn to_base32(bytes: &[u8]) -> Vec<u8> {
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| usize::from(byte >> (7 - at % 8) & 1));
    let digit = |at: usize| (0..5).fold(0, |digit, place| digit << 1 | bit(5 * at + place));
    (0..(bytes.len() * 8).div_ceil(5)).map(|at| BASE32[digit(at)]).collect()
}

/// CRC-16 as XMODEM has it: polynomial 0x1021, beginning with zero.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0u16, |sum, &byte| {
        (0..8).fold(sum ^ u16::from(byte) << 8, |sum, _| sum << 1 ^ if sum >> 15 == 1 { 0x1021 } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_padded() {
        let base62 = |number| digits(number, BASE62, BASE62_CHARACTERS);
        assert_eq!(base62(0), b"000000");
        assert_eq!(base62(61), b"00000z");
        assert_eq!(base62(62), b"000010");
        assert_eq!(base62(u32::MAX), b"4gfFC3");
        assert_eq!(digits(35, BASE36, BASE36_CHARACTERS), b"000000z");
    }

    /// A token of each form, with characters where its checksum will be.
    const TOKENS: &[(Checksum, &str, &str)] = &[
        (Checksum::Github, "ghp_", "0123456789abcdefghijABCDEFGHIJ000000"),
        (Checksum::Npm, "npm_", "0123456789abcdefghijABCDEFGHIJ000000"),
        (Checksum::Gitlab, "glpat-", "bm90LWEtdG9rZW4tYnV0LWJhc2U2NA.01.0u0000000"),
        (Checksum::Grafana, "glsa_", "abcdefghijklmnopqrstuvwxyz012345_00000000"),
        (Checksum::Bech32, "AGE-PLUGIN-ACME-1", "QPZRY9X8GF2TVDW0"),
        (Checksum::Bech32, "nsec1", "qpzry9x8gf2tvdw0"),
        (Checksum::Nats, "SUAA", "BCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRSTUVW"),
        (Checksum::Base58Check, "xprv", "9s21ZrQH143K2vwGPhEuCZ2kGJwMWEEzuNzC8tzBhEuCZ2kGJwMWEEzuNzC8tzB"),
    ];

    #[test]
    fn a_sealed_token_holds_and_any_changed_character_breaks_it() {
        for (checksum, prefix, body) in TOKENS {
            let token = seal(*checksum, [*prefix, *body].concat().as_bytes());
            assert!(holds(*checksum, &token), "{checksum:?}");
            for at in prefix.len()..token.len() {
                let mut changed = token.clone();
                let other = if token[at].is_ascii_uppercase() { [b'X', b'Y'] } else { [b'5', b'6'] };
                changed[at] = other[usize::from(changed[at] == other[0])];
                assert!(!holds(*checksum, &changed), "{checksum:?} changed at {at}");
            }
        }
    }

    #[test]
    fn published_checksums_hold() {
        // BIP 173's test vectors.
        for text in ["A12UEL5L", "a12uel5l", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw"] {
            assert!(holds(Checksum::Bech32, text.as_bytes()), "{text}");
        }
        // The check value of CRC-16/XMODEM: https://reveng.sourceforge.io/crc-catalogue/16.htm#crc.cat.crc-16-xmodem.
        assert_eq!(crc16(b"123456789"), 0x31c3);
        // The address of Bitcoin's first block.
        assert!(holds(Checksum::Base58Check, b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"));
    }

    #[test]
    fn tokens_too_short_to_hold_one_do_not_hold() {
        assert!(!holds(Checksum::Github, b"ghp_"));
        assert!(!holds(Checksum::Npm, b""));
        assert!(!holds(Checksum::Gitlab, b"short"));
        assert!(!holds(Checksum::Grafana, b"none"));
        assert!(!holds(Checksum::Bech32, b"1"));
        assert!(!holds(Checksum::Base58Check, b"zz"));
        assert!(!holds(Checksum::Nats, b"SUA") && !holds(Checksum::Nats, b""));
    }
}
