//! Secrets made up at run time. None is written in the sources, and prefixes are put together from parts, so that no scanner
//! finds anything here.

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A small deterministic generator (SplitMix64): the same seed gives the same bytes on every system.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xd134_2543_de82_ef95))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(alphabet[(self.next() % alphabet.len() as u64) as usize])).collect()
    }
}

/// A GitHub personal access token with a valid checksum; another seed gives another token.
pub(crate) fn github_pat(seed: u64) -> String {
    let body = Random::new(seed).text(BASE62, 30);
    let mut checksum = crc32fast::hash(body.as_bytes());
    let mut digits = ['0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = char::from(BASE62[(checksum % 62) as usize]);
        checksum /= 62;
    }
    ["gh", "p_", &body, &String::from_iter(digits)].concat()
}

/// An AWS access key id.
pub(crate) fn aws_key_id(seed: u64) -> String {
    ["AK", "IA", &Random::new(seed).text(BASE32, 16)].concat()
}

/// A password of letters and digits.
pub(crate) fn password(seed: u64) -> String {
    let mut random = Random::new(seed);
    let letters = random.text(&BASE62[10..], 12);
    let digits = random.text(&BASE62[..10], 4);
    format!("{letters}{digits}")
}

/// A line of source code that assigns `token`.
pub(crate) fn token_line(token: &str) -> String {
    format!("TOKEN = \"{token}\"\n")
}

/// `lines` lines of text without any secret; the same seed gives the same text.
pub(crate) fn noise(seed: u64, lines: usize) -> String {
    let mut random = Random::new(seed);
    (0..lines).map(|line| format!("{line}: {}\n", random.text(b"aeiou bcdfghklmnprst ", 60))).collect()
}
