//! Checksums inside tokens. A token whose checksum fails was never issued.

use crate::rules::Checksum;

/// Length of a CRC-32 in base 62, in characters.
const CRC32_CHARACTERS: usize = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Whether the last six characters of `token` are the checksum of what they should cover.
pub(crate) fn holds(checksum: Checksum, token: &[u8]) -> bool {
    let Some((covered, written)) = split(checksum, token) else {
        return false;
    };
    written == base62(crc32fast::hash(covered))
}

/// `token` with the right checksum in its last six characters.
#[cfg(test)]
pub(crate) fn seal(checksum: Checksum, token: &[u8]) -> Vec<u8> {
    let mut sealed = token.to_vec();
    if let Some((covered, _)) = split(checksum, token) {
        let written = base62(crc32fast::hash(covered));
        let start = sealed.len() - CRC32_CHARACTERS;
        sealed[start..].copy_from_slice(&written);
    }
    sealed
}

/// What the checksum covers, and the checksum as written.
fn split(checksum: Checksum, token: &[u8]) -> Option<(&[u8], &[u8])> {
    match checksum {
        Checksum::Github | Checksum::Npm => {
            let body = &token[memchr::memchr(b'_', token)? + 1..];
            body.split_at_checked(body.len().checked_sub(CRC32_CHARACTERS)?)
        }
    }
}

fn base62(mut number: u32) -> [u8; CRC32_CHARACTERS] {
    let mut digits = [b'0'; CRC32_CHARACTERS];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(number % 62) as usize];
        number /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base62_is_padded_with_zeros() {
        assert_eq!(&base62(0), b"000000");
        assert_eq!(&base62(61), b"00000z");
        assert_eq!(&base62(62), b"000010");
        assert_eq!(&base62(u32::MAX), b"4gfFC3");
    }

    #[test]
    fn a_sealed_token_holds_and_any_changed_character_breaks_it() {
        let token = seal(Checksum::Github, b"ghp_0123456789abcdefghijABCDEFGHIJ000000");
        assert!(holds(Checksum::Github, &token));
        for at in 4..token.len() {
            let mut changed = token.clone();
            changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
            assert!(!holds(Checksum::Github, &changed), "changed at {at}");
        }
    }

    #[test]
    fn tokens_too_short_to_hold_one_do_not_hold() {
        assert!(!holds(Checksum::Github, b"ghp_"));
        assert!(!holds(Checksum::Npm, b""));
    }
}
