//! Finds where any of thousands of short texts occur, without regard to ASCII case. Depends on no other crate of the project.
//!
//! Most bytes of a history are searched for the keywords of a thousand rules and hold none, so a "no" has to be cheap. An automaton
//! over all keywords looks up the next state of each byte in a table that no near cache holds, and cannot begin the next look-up
//! before it has this one. Here look-ups do not wait for each other, and only every second offset is looked at:
//!
//! 1. What is searched for are *stems* of 3 to [`STEM_BYTES`] bytes. Each enters the table twice, with the rarest of its *grams* (three
//!    bytes and a bit of the fourth) at an even and at an odd offset, so that one of the two lies at an offset that is looked at.
//! 2. The hashes of 32 grams are computed at once, in a loop that the compiler vectorises. A table of 64 KiB, one byte a hash, refuses
//!    95 % of them: each of its bits stands for an eighth of what the fourth byte may be.
//! 3. For the others, the classes of the two bytes in front of the gram and of the two behind it refuse three in four.
//! 4. What is left is compared with the stems that have such a gram, all bytes of the stem at once.
//!
//! Steps 2 and 3 write down the places that pass without a branch. With the stems of the built-in rules, `benches/prefilter.rs`
//! says: 1.4 to 2.5 times the throughput of the `aho-corasick` crate's DFA, whose table is ten times as large, and 2.3 to 4.8
//! times that of its contiguous NFA, the most in programs and the least in Python.

mod build;
mod rarity;
mod source;
mod table;

use std::ops::Range;

pub use build::Stem;
pub use rarity::rarity;
pub use table::Table;

/// The most bytes of a text that are searched for: enough to be rare.
pub const STEM_BYTES: usize = 8;
/// The fewest bytes of a stem.
pub const MIN_STEM_BYTES: usize = 3;

/// The number of hashes.
const HASHES: usize = 1 << 16;
/// The bytes that are looked at in front of a gram, and from its start on.
const BEFORE: usize = 2;
const BEHIND: usize = 8;
/// The smallest block that is looked at in one go, in bytes; larger ones cost less a byte.
const BLOCK: usize = 64;
/// The number of grams in it that begin at every second offset.
const GRAMS: usize = BLOCK / 2;

/// The bytes of a stem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StemBytes {
    /// Folded, the first in the lowest place.
    pub folded: u64,
    /// Their number.
    pub length: u8,
    /// The index of the set of bytes of which one follows; 0 where any does, or none.
    pub followers: u8,
}

/// A stem that has a gram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub stem: u16,
    /// The offset of the gram in it; -1 is the byte in front.
    pub offset: i8,
    /// A bit for each eighth of the fourth bytes with which the gram is the stem's.
    pub fourths: u8,
}

/// A set of bytes: bit `b & 63` of word `b >> 6`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSet(pub [u64; 4]);

impl ByteSet {
    /// No byte.
    pub const EMPTY: Self = Self([0; 4]);
    /// All bytes.
    pub const ALL: Self = Self([u64::MAX; 4]);

    /// Adds a byte.
    pub fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    /// Whether the byte is in it.
    #[inline]
    #[must_use]
    pub const fn contains(self, byte: u8) -> bool {
        self.0[(byte >> 6) as usize] >> (byte & 63) & 1 != 0
    }
}

/// Finds stems. Its tables are made once, at build time where the stems are known then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sieve {
    /// By hash of a gram, a bit for each eighth of the fourth bytes with which it is known.
    pub known: Table<[u8; HASHES]>,
    /// By hash, whether there is such a gram, and how many there are in front of each word. Their rank is their place in what follows.
    pub present: Table<[u64]>,
    /// See `present`.
    pub ranks: Table<[u16]>,
    /// By rank: the classes of the two bytes in front of the gram, and of the two from its fourth on.
    pub around: Table<[[u64; 4]]>,
    /// By rank: the first of its entries; those of the next one begin where they end.
    pub firsts: Table<[u16]>,
    /// The stems of all grams.
    pub entries: Table<[Entry]>,
    /// All stems.
    pub stems: Table<[StemBytes]>,
    /// The sets of bytes that may follow short stems; the first has all.
    pub followers: Table<[ByteSet]>,
}

impl Sieve {
    /// Calls `found` with the start and the number of each stem that occurs in `bytes` and begins within `starts`, in no order.
    #[inline]
    pub fn find(&self, bytes: &[u8], starts: Range<usize>, mut found: impl FnMut(usize, u16)) {
        // A gram begins up to a byte in front of its stem, and as far behind as leaves three of the stem's bytes.
        let end = bytes.len().min(starts.end + STEM_BYTES - MIN_STEM_BYTES);
        let mut at = starts.start.saturating_sub(1);
        let (known, around) = (&*self.known, &*self.around);
        let mut search = Search { sieve: self, known, around, bytes, starts: &starts, found: &mut found };
        while at < end {
            at += match end - at {
                1024.. => search.block::<1024, 512>(at),
                256.. => search.block::<256, 128>(at),
                _ => search.block::<BLOCK, GRAMS>(at),
            };
        }
    }

    /// The rank of a gram that is known.
    #[inline]
    fn rank(&self, hash: u16) -> u16 {
        let (word, bit) = (usize::from(hash >> 6), hash & 63);
        let before = self.present[word] & ((1 << bit) - 1);
        self.ranks[word] + before.count_ones() as u16
    }

    /// Whether `byte`, or the end, may follow the stem.
    fn may_follow(&self, stem: &StemBytes, byte: Option<&u8>) -> bool {
        stem.followers == 0
            || byte.is_some_and(|byte| self.followers[usize::from(stem.followers)].contains(*byte))
    }
}

/// One search: the tables that each look-up needs, the bytes and the starts that count.
struct Search<'a, F> {
    sieve: &'a Sieve,
    known: &'a [u8; HASHES],
    around: &'a [[u64; 4]],
    bytes: &'a [u8],
    starts: &'a Range<usize>,
    found: &'a mut F,
}

impl<F: FnMut(usize, u16)> Search<'_, F> {
    /// Looks at every second of the `SIZE` offsets from `at` on, which are twice `HALF`; returns how many that were.
    #[inline]
    fn block<const SIZE: usize, const HALF: usize>(&mut self, at: usize) -> usize {
        let text =
            at.checked_sub(BEFORE).and_then(|start| self.bytes.get(start..start + BEFORE + SIZE + BEHIND));
        match text {
            Some(text) => {
                self.look::<SIZE, HALF>(text, at);
                SIZE
            }
            None => {
                // At the ends of the bytes, with zeros beyond them.
                let mut padded = [0; BEFORE + BLOCK + BEHIND];
                let missing = BEFORE.saturating_sub(at);
                let rest = &self.bytes[at.saturating_sub(BEFORE)..];
                let length = rest.len().min(padded.len() - missing);
                padded[missing..missing + length].copy_from_slice(&rest[..length]);
                self.look::<BLOCK, GRAMS>(&padded, at);
                BLOCK
            }
        }
    }

    /// Looks at the grams in `text`, which has [`BEFORE`] bytes in front of the one at `at`.
    #[inline]
    fn look<const SIZE: usize, const HALF: usize>(&mut self, text: &[u8], at: usize) {
        let mut hashes = [0u16; HALF];
        let mut places = [0u16; HALF];
        let mut passed = 0;
        for (number, hashes) in hashes.as_chunks_mut::<GRAMS>().0.iter_mut().enumerate() {
            let Some(part) = text[BEFORE + number * BLOCK..].first_chunk::<{ BLOCK + 4 }>() else { break };
            // Whole words: made of single bytes, the compiler would gather the third ones alone.
            let words = part.as_chunks::<2>().0;
            for (gram, hash) in hashes.iter_mut().enumerate() {
                *hash = hash_of(u16::from_le_bytes(words[gram]), u16::from_le_bytes(words[gram + 1]));
            }
            for (gram, hash) in hashes.iter().enumerate() {
                places[passed & (HALF - 1)] = (number * GRAMS + gram) as u16;
                let fourth = FOURTH[usize::from(part[2 * gram + 3])];
                passed += usize::from(self.known[usize::from(*hash)] & fourth != 0);
            }
        }
        let mut kept = [(0u16, 0u16); HALF];
        let mut left = 0;
        for &place in &places[..passed.min(HALF)] {
            let gram = usize::from(place) & (HALF - 1);
            let rank = self.sieve.rank(hashes[gram]);
            let around = &self.around[usize::from(rank)];
            let Some(near) = text[2 * gram..].first_chunk::<7>() else { break };
            let has = |set: usize, byte: usize| around[set] & CLASS[usize::from(near[byte])] != 0;
            kept[left & (HALF - 1)] = (place, rank);
            left += usize::from(has(0, 0) & has(1, 1) & has(2, 5) & has(3, 6));
        }
        for &(place, rank) in &kept[..left.min(HALF)] {
            self.compare(usize::from(rank), at + 2 * usize::from(place));
        }
    }

    /// Compares the stems that have the gram of this rank, which is at `at`.
    #[inline]
    fn compare(&mut self, rank: usize, at: usize) {
        let entries = usize::from(self.sieve.firsts[rank])..usize::from(self.sieve.firsts[rank + 1]);
        let fourth = FOURTH[usize::from(self.bytes.get(at + 3).copied().unwrap_or(0))];
        // A common gram is that of many stems (`key`); most differ in the fourth byte, which costs no look at the stem.
        for entry in self.sieve.entries[entries].iter().filter(|entry| entry.fourths & fourth != 0) {
            let Some(start) = at.checked_add_signed(-isize::from(entry.offset)) else { continue };
            let stem = &self.sieve.stems[usize::from(entry.stem)];
            let length = usize::from(stem.length);
            if load(self.bytes, start) & mask(length) == stem.folded
                && start + length <= self.bytes.len()
                && self.starts.contains(&start)
                && self.sieve.may_follow(stem, self.bytes.get(start + length))
            {
                (self.found)(start, entry.stem);
            }
        }
    }
}

/// The hash of the gram whose bytes these are, the first two and the last, without regard to case; what lies behind it is ignored.
#[inline]
const fn hash_of(first_two: u16, third: u16) -> u16 {
    (first_two & 0x5f1f).wrapping_mul(0x9e37).wrapping_add((third & 0x1f).wrapping_mul(0x85eb))
}

/// The class of a byte, one of 64: bytes that differ in case are one.
const fn class_of(byte: u8) -> u8 {
    (byte & 31) | (byte >> 1 & 32)
}

/// The class of each byte, as a bit.
const CLASS: [u64; 256] = {
    let mut bits = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        bits[byte] = 1 << class_of(byte as u8);
        byte += 1;
    }
    bits
};

/// The eighth to which each byte belongs, as a bit. The factor spreads neighbouring letters.
const FOURTH: [u8; 256] = {
    let mut bits = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        bits[byte] = 1 << (class_of(byte as u8).wrapping_mul(37) >> 3 & 7);
        byte += 1;
    }
    bits
};

/// The mask of a stem's first `length` bytes.
#[inline]
fn mask(length: usize) -> u64 {
    u64::MAX >> (8 * (STEM_BYTES - length.clamp(1, STEM_BYTES)))
}

/// The eight bytes at `at` with bit 5 set, which makes letters lower case and confuses a few signs, the first in the lowest place;
/// zeros behind the end.
#[inline]
fn load(bytes: &[u8], at: usize) -> u64 {
    const FOLD: u64 = 0x2020_2020_2020_2020;
    let rest = bytes.get(at..).unwrap_or_default();
    let eight = rest.first_chunk().copied().unwrap_or_else(|| {
        let mut eight = [0; STEM_BYTES];
        eight[..rest.len()].copy_from_slice(rest);
        eight
    });
    u64::from_le_bytes(eight) | FOLD
}

#[cfg(test)]
mod tests;
