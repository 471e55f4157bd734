//! Makes the tables of a [`Sieve`].

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::rarity::rarity;
use crate::{
    ByteSet, CLASS, Entry, FOURTH, HASHES, MIN_STEM_BYTES, STEM_BYTES, Sieve, StemBytes, hash_of, load, mask,
};

/// A text that is to be found, without regard to ASCII case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stem {
    pub(crate) text: Vec<u8>,
    pub(crate) followers: ByteSet,
}

impl Stem {
    /// The first [`STEM_BYTES`] bytes of `text`; `None` where it is shorter than [`MIN_STEM_BYTES`].
    #[must_use]
    pub fn new(text: &[u8]) -> Option<Self> {
        let text = &text[..text.len().min(STEM_BYTES)];
        (text.len() >= MIN_STEM_BYTES).then(|| Self { text: text.to_vec(), followers: ByteSet::ALL })
    }

    /// The same, found only where one of `followers` follows; letters in both cases.
    #[must_use]
    pub fn followed_by(mut self, followers: impl IntoIterator<Item = u8>) -> Self {
        self.followers = ByteSet::EMPTY;
        let cases =
            followers.into_iter().flat_map(|byte| [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()]);
        cases.for_each(|byte| self.followers.insert(byte));
        self
    }

    /// The bytes that may be at `at`, counted from the stem's start: those of one class within it.
    pub(crate) fn bytes_at(&self, at: isize) -> Vec<u8> {
        let within = usize::try_from(at).ok();
        match within.and_then(|at| self.text.get(at)) {
            Some(&byte) => vec![byte],
            None if within == Some(self.text.len()) => {
                (0..=u8::MAX).filter(|byte| self.followers.contains(*byte)).collect()
            }
            None => (0..=u8::MAX).collect(),
        }
    }

    /// The offset of the rarest gram of those at even offsets, or at odd ones.
    fn rarest_gram(&self, is_odd: bool) -> i8 {
        let length = self.text.len() as i8;
        // A stem of three bytes has its second gram from the byte in front of it, or to the byte behind it.
        let offsets = if self.text.len() > MIN_STEM_BYTES { 0..=length - 3 } else { -1..=1 };
        let within = |offset: i8| {
            let (from, to) = (offset.max(0) as usize, (offset + 4).min(length) as usize);
            rarity(&self.text[from..to])
        };
        let of_parity = offsets.filter(|offset| (offset & 1 != 0) == is_odd);
        of_parity.max_by_key(|&offset| within(offset)).unwrap_or(0)
    }
}

/// A gram of some stems.
#[derive(Debug, Default)]
struct Gram {
    fourths: u8,
    around: [u64; 4],
    entries: Vec<Entry>,
}

impl Sieve {
    /// A sieve for stems, which are numbered as they come.
    #[must_use]
    pub fn new(stems: &[Stem]) -> Self {
        let mut followers = vec![ByteSet::ALL];
        let mut grams: BTreeMap<u16, Gram> = BTreeMap::new();
        let mut bytes_of_stems = Vec::with_capacity(stems.len());
        for (stem, number) in stems.iter().zip(0..) {
            let set = followers.iter().position(|set| *set == stem.followers).unwrap_or_else(|| {
                followers.push(stem.followers);
                followers.len() - 1
            });
            let length = stem.text.len();
            bytes_of_stems.push(StemBytes {
                folded: load(&stem.text, 0) & mask(length),
                length: length as u8,
                // A stem whose set has no number is found wherever it is; what follows is looked at later.
                followers: u8::try_from(set).unwrap_or(0),
            });
            for is_odd in [false, true] {
                insert(stem, number, stem.rarest_gram(is_odd), &mut grams);
            }
        }
        Self::of_grams(&grams, bytes_of_stems, followers)
    }

    fn of_grams(grams: &BTreeMap<u16, Gram>, stems: Vec<StemBytes>, followers: Vec<ByteSet>) -> Self {
        let mut known = Box::new([0; HASHES]);
        let mut present = vec![0u64; HASHES / 64];
        let mut around = Vec::with_capacity(grams.len());
        let mut firsts = Vec::with_capacity(grams.len() + 1);
        let mut entries = Vec::new();
        for (&hash, gram) in grams {
            known[usize::from(hash)] = gram.fourths;
            present[usize::from(hash >> 6)] |= 1 << (hash & 63);
            around.push(gram.around);
            firsts.push(entries.len() as u16);
            entries.extend(&gram.entries);
        }
        firsts.push(entries.len() as u16);
        let mut rank = 0;
        let counted = present.iter().map(|word| {
            let before = rank;
            rank += word.count_ones() as u16;
            before
        });
        Self {
            ranks: counted.collect::<Vec<u16>>().into(),
            known: crate::Table::Made(Arc::from(known)),
            present: present.into(),
            around: around.into(),
            firsts: firsts.into(),
            entries: entries.into(),
            stems: stems.into(),
            followers: followers.into(),
        }
    }
}

/// Adds the gram at `offset` of the stem with this number under each of its hashes.
fn insert(stem: &Stem, number: u16, offset: i8, grams: &mut BTreeMap<u16, Gram>) {
    let at = |behind: isize| stem.bytes_at(isize::from(offset) + behind);
    let [first, second, third] = [at(0), at(1), at(2)];
    let mut hashes: Vec<u16> = Vec::new();
    for &first in &first {
        for &second in &second {
            let two = u16::from_le_bytes([first, second]);
            hashes.extend(third.iter().map(|&third| hash_of(two, u16::from(third))));
        }
    }
    hashes.sort_unstable();
    hashes.dedup();
    let fourths = at(3).iter().fold(0, |bits, &byte| bits | FOURTH[usize::from(byte)]);
    let classes = |behind: isize| at(behind).iter().fold(0, |bits, &byte| bits | CLASS[usize::from(byte)]);
    let around = [-2, -1, 3, 4].map(classes);
    let entry = Entry { stem: number, offset, fourths };
    for hash in hashes {
        let gram = grams.entry(hash).or_default();
        gram.fourths |= fourths;
        gram.around.iter_mut().zip(around).for_each(|(known, more)| *known |= more);
        gram.entries.push(entry);
    }
}
