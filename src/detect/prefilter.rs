//! Where the keywords of all rules occur. A "no" is always true, a "maybe" may be wrong: where no keyword is reported, no rule
//! can match.
//!
//! Most bytes of a history are searched for the keywords of hundreds of rules and hold none, so a "no" has to be cheap. An
//! automaton over all keywords looks up each byte's next state in a table that no near cache holds, and cannot begin the
//! next look-up before it has this one. Here the look-ups do not wait for each other:
//!
//! - What is searched for is a keyword's *stem*, its first [`SEARCHED_BYTES`] bytes, and first of all the stem's *core*, the
//!   four bytes that are rarest in source code. Of the two trigrams in a core one begins at an even offset, whichever way the core lies: so only every second trigram of the bytes is
//!   looked up, in a bitmap of 8 KiB.
//! - Where a trigram is known, the two cores that it may belong to are looked up in a second bitmap, and only then the
//!   keywords that have such a core, of which the first eight bytes are compared at once.
//!
//! Bytes are compared with bit 5 set, which makes letters lower case and confuses a few signs: [`Prefilter::keywords_at`] is exact.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use crate::location::ByteSpan;
use crate::rules::{RuleId, RuleSet};

use super::reach::Reach;

/// How many bytes of a keyword are searched for: enough to be rare. The others are looked at before a rule runs.
pub(super) const SEARCHED_BYTES: usize = 8;
/// The length of a core, in bytes.
const CORE_BYTES: usize = 4;
/// How many bytes are looked at in one go, and what is read for it: a byte before them, and a core's length behind.
const STEP_BYTES: usize = 8;
type Block = [u8; 14];

/// A keyword that occurs, as far as its first [`SEARCHED_BYTES`] tell. Small: a history has tens of millions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    start: u32,
    stem: u16,
}

impl Hit {
    /// Offset of the keyword's first byte.
    pub(super) fn start(self) -> usize {
        self.start as usize
    }

    /// The same keyword, in a copy to `to` of what begins at `from`, where it lies behind `from`.
    pub(super) fn moved(self, from: usize, to: usize) -> Self {
        Self { start: (self.start() - from + to) as u32, ..self }
    }
}

/// A keyword, in lower case, with the rules that have it.
#[derive(Debug)]
struct Keyword {
    text: Box<str>,
    rules: Vec<RuleId>,
}

/// What is searched for: how keywords begin, without regard to ASCII case.
#[derive(Debug)]
struct Stem {
    /// The bytes, folded, the first in the lowest place; the mask covers them.
    searched: u64,
    mask: u64,
    length: usize,
    /// The keywords that begin so, and the length of the longest.
    keywords: Vec<Keyword>,
    longest: usize,
    /// How far the furthest of their rules looks.
    reach: Reach,
}

impl Stem {
    fn new(stem: &[u8], keywords: Vec<Keyword>, rules: &RuleSet) -> Self {
        let mask = u64::MAX >> (8 * (SEARCHED_BYTES - stem.len()));
        let ids = keywords.iter().flat_map(|keyword| &keyword.rules);
        Self {
            searched: load(stem, 0) & mask,
            mask,
            length: stem.len(),
            reach: ids.map(|&id| Reach::of(rules.rule(id))).fold(Reach::default(), Reach::max),
            longest: keywords.iter().map(|keyword| keyword.text.len()).max().unwrap_or(0),
            keywords,
        }
    }
}

/// Finds keywords without regard to ASCII case.
#[derive(Debug)]
pub(super) struct Prefilter {
    stems: Vec<Stem>,
    trigrams: Bitmap,
    cores: Cores,
}

impl Prefilter {
    pub(super) fn new(rules: &RuleSet) -> Self {
        let mut by_text: BTreeMap<String, Vec<RuleId>> = BTreeMap::new();
        for (id, rule) in rules.iter() {
            for keyword in rule.keywords.iter() {
                let ids = by_text.entry(keyword.to_ascii_lowercase()).or_default();
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        let mut by_stem: BTreeMap<Vec<u8>, Vec<Keyword>> = BTreeMap::new();
        for (text, rules) in by_text {
            let stem = text.as_bytes()[..text.len().min(SEARCHED_BYTES)].to_vec();
            by_stem.entry(stem).or_default().push(Keyword { text: text.into(), rules });
        }
        let mut prefilter = Self { stems: Vec::new(), trigrams: Bitmap::new(), cores: Cores::new() };
        let mut known = HashSet::new();
        for (stem, keywords) in by_stem {
            let offset = cheapest_core(&stem, &known);
            for core in cores_at(&stem, offset) {
                for trigram in [trigram(core), trigram(core >> 8)] {
                    known.insert(trigram);
                    prefilter.trigrams.insert(trigram);
                }
                prefilter.cores.insert(core, prefilter.stems.len() as u16, offset as u8);
            }
            prefilter.stems.push(Stem::new(&stem, keywords, rules));
        }
        prefilter
    }

    /// Adds every occurrence of every stem that begins within `starts`, in no order.
    pub(super) fn find(&self, bytes: &[u8], starts: Range<usize>, hits: &mut Vec<Hit>) {
        let last_core = starts.end + SEARCHED_BYTES - CORE_BYTES;
        // The trigram at an offset belongs to a core that begins there or one byte before.
        let mut at = starts.start + 1;
        while at <= last_core && at <= bytes.len() {
            let rest = &bytes[at - 1..];
            // The last bytes, with zeros behind them.
            let padded: Block;
            let block = match rest.first_chunk() {
                Some(block) => block,
                None => {
                    padded = std::array::from_fn(|at| rest.get(at).copied().unwrap_or(0));
                    &padded
                }
            };
            self.find_in_block(block, bytes, at - 1, &starts, hits);
            at += STEP_BYTES;
        }
    }

    /// `block` holds what lies at `block_start`.
    #[inline(always)]
    fn find_in_block(
        &self,
        block: &Block,
        bytes: &[u8],
        block_start: usize,
        starts: &Range<usize>,
        hits: &mut Vec<Hit>,
    ) {
        let (first, second) = (load(block, 1), load(block, 4));
        let known = |shifted: u64| self.trigrams.contains(trigram(shifted as u32));
        let known = [known(first), known(first >> 16), known(first >> 32), known(second >> 24)];
        if known == [false; 4] {
            return;
        }
        for (offset, _) in (0..).step_by(2).zip(known).filter(|(_, known)| *known) {
            let around = load(block, offset);
            for (core, at) in [(around as u32, offset), ((around >> 8) as u32, offset + 1)] {
                if self.cores.may_contain(core) {
                    self.find_at_core(core, block_start + at, bytes, starts, hits);
                }
            }
        }
    }

    #[inline(never)]
    fn find_at_core(&self, core: u32, at: usize, bytes: &[u8], starts: &Range<usize>, hits: &mut Vec<Hit>) {
        for (number, offset) in self.cores.stems_with(core) {
            let stem = &self.stems[usize::from(number)];
            let Some(start) = at.checked_sub(usize::from(offset)).filter(|start| starts.contains(start))
            else {
                continue;
            };
            let is_whole = start + stem.length <= bytes.len();
            if is_whole && load(bytes, start) & stem.mask == stem.searched {
                hits.push(Hit { start: start as u32, stem: number });
            }
        }
    }

    /// The keywords that are there, all of each, with where they lie and the rules that have them.
    pub(super) fn keywords_at<'a>(
        &'a self,
        bytes: &'a [u8],
        hit: Hit,
    ) -> impl Iterator<Item = (ByteSpan, &'a [RuleId])> {
        self.stem(hit).keywords.iter().filter_map(move |keyword| {
            let span = ByteSpan::new(hit.start(), hit.start() + keyword.text.len());
            let found = bytes.get(span.start..span.end)?;
            found.eq_ignore_ascii_case(keyword.text.as_bytes()).then_some((span, &*keyword.rules))
        })
    }

    /// Where the longest keyword with the stem would lie; it may end behind the bytes.
    pub(super) fn widest_span(&self, hit: Hit) -> ByteSpan {
        ByteSpan::new(hit.start(), hit.start() + self.stem(hit).longest)
    }

    /// Where the stem lies.
    pub(super) fn span(&self, hit: Hit) -> ByteSpan {
        ByteSpan::new(hit.start(), hit.start() + self.stem(hit).length)
    }

    /// How far the furthest of the rules looks.
    pub(super) fn longest_reach(&self, hit: Hit) -> Reach {
        self.stem(hit).reach
    }

    fn stem(&self, hit: Hit) -> &Stem {
        &self.stems[usize::from(hit.stem)]
    }
}

/// The eight bytes at `at`, folded, the first in the lowest place; zeros behind the end.
#[inline]
fn load(bytes: &[u8], at: usize) -> u64 {
    const FOLD: u64 = 0x2020_2020_2020_2020;
    let rest = &bytes[at.min(bytes.len())..];
    let eight = rest.first_chunk().copied().unwrap_or_else(|| {
        let mut eight = [0; 8];
        eight[..rest.len()].copy_from_slice(rest);
        eight
    });
    u64::from_le_bytes(eight) | FOLD
}

/// The three lowest bytes, without the fourth.
#[inline]
fn trigram(bytes: u32) -> u32 {
    bytes << 8
}

/// The offset of the core. Its trigrams are what makes the search stop, so they are to be rare; one at which it stops for another
/// keyword anyway costs nothing.
fn cheapest_core(text: &[u8], known: &HashSet<u32>) -> usize {
    let cost = |bytes: &[u8]| {
        if known.contains(&trigram(load(bytes, 0) as u32)) {
            return 0;
        }
        bytes.iter().map(|&byte| commonness(byte)).product::<u64>()
    };
    let cores = text.windows(CORE_BYTES).map(|core| core.windows(3).map(cost).sum::<u64>());
    cores.zip(0..).min().map_or(0, |(_, offset)| offset)
}

/// The core at the offset; for a keyword that is too short to have one, its bytes with each byte that may follow.
fn cores_at(text: &[u8], offset: usize) -> Vec<u32> {
    let core = load(text, offset) as u32;
    if text.len() >= CORE_BYTES {
        return vec![core];
    }
    let mut cores: Vec<u32> = (0..=u8::MAX).map(|next| load(&[text, &[next]].concat(), 0) as u32).collect();
    cores.sort_unstable();
    cores.dedup();
    cores
}

/// About how common a byte is in source code.
fn commonness(byte: u8) -> u64 {
    match byte.to_ascii_lowercase() {
        b'e' => 100,
        b' ' => 90,
        b'a' | b'i' | b'n' | b'o' | b'r' | b's' | b't' => 80,
        b'c' | b'd' | b'h' | b'l' | b'm' | b'p' | b'u' => 45,
        b'-' | b'.' | b'/' | b':' | b'=' | b'_' => 25,
        b'b' | b'f' | b'g' | b'k' | b'v' | b'w' | b'y' => 22,
        b'j' | b'q' | b'x' | b'z' => 5,
        _ => 8,
    }
}

/// A set of hashes: what is not in it was never inserted.
#[derive(Debug)]
struct Bitmap(Box<[u64; 1 << (BITMAP_BITS - 6)]>);

/// The binary logarithm of a bitmap's size in bits: 8 KiB, a part of the nearest cache.
const BITMAP_BITS: u32 = 16;

impl Bitmap {
    fn new() -> Self {
        Self(Box::new([0; 1 << (BITMAP_BITS - 6)]))
    }

    fn insert(&mut self, value: u32) {
        let hash = hash(value, BITMAP_BITS);
        self.0[hash >> 6] |= 1 << (hash & 63);
    }

    #[inline]
    fn contains(&self, value: u32) -> bool {
        let hash = hash(value, BITMAP_BITS);
        self.0[hash >> 6] >> (hash & 63) & 1 != 0
    }
}

/// The highest `bits` of a product with an odd number that has no pattern: Fibonacci hashing.
#[inline]
fn hash(value: u32, bits: u32) -> usize {
    (value.wrapping_mul(0x9E37_79B1) >> (32 - bits)) as usize
}

/// Which stems have which core.
#[derive(Debug)]
struct Cores {
    known: Bitmap,
    /// By hash of the core: the first of its chain in `entries`.
    heads: Box<[u32; 1 << HEAD_BITS]>,
    entries: Vec<CoreEntry>,
}

#[derive(Debug)]
struct CoreEntry {
    core: u32,
    stem: u16,
    /// Where the core begins in the stem.
    offset: u8,
    next: u32,
}

const HEAD_BITS: u32 = 12;
const NONE: u32 = u32::MAX;

impl Cores {
    fn new() -> Self {
        Self { known: Bitmap::new(), heads: Box::new([NONE; 1 << HEAD_BITS]), entries: Vec::new() }
    }

    fn insert(&mut self, core: u32, stem: u16, offset: u8) {
        self.known.insert(core);
        let head = &mut self.heads[hash(core, HEAD_BITS)];
        let next = std::mem::replace(head, self.entries.len() as u32);
        self.entries.push(CoreEntry { core, stem, offset, next });
    }

    #[inline]
    fn may_contain(&self, core: u32) -> bool {
        self.known.contains(core)
    }

    /// The stems with the core, and where it begins in each.
    fn stems_with(&self, core: u32) -> impl Iterator<Item = (u16, u8)> + '_ {
        let first = self.heads[hash(core, HEAD_BITS)];
        let entry = |at: u32| self.entries.get(at as usize);
        std::iter::successors(entry(first), move |last| entry(last.next))
            .filter(move |entry| entry.core == core)
            .map(|entry| (entry.stem, entry.offset))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Keywords, some cut short or in capitals, with text between them and none.
    fn text(prefilter: &Prefilter) -> impl Strategy<Value = Vec<u8>> + use<> {
        let keywords = prefilter.stems.iter().flat_map(|stem| &stem.keywords);
        let keywords: Vec<String> = keywords.map(|keyword| keyword.text.to_string()).collect();
        let keyword = prop::sample::select(keywords);
        let fragment = prop_oneof![
            3 => keyword.clone().prop_map(String::into_bytes),
            2 => keyword.clone().prop_map(|text| text.to_ascii_uppercase().into_bytes()),
            2 => (keyword, 1..5usize).prop_map(|(text, cut)| text.as_bytes()[..text.len().saturating_sub(cut)].to_vec()),
            2 => prop::collection::vec(any::<u8>(), 0..12),
        ];
        prop::collection::vec(fragment, 0..8).prop_map(|fragments| fragments.concat())
    }

    #[test]
    fn every_keyword_is_found_and_none_outside_of_what_was_asked() {
        let prefilter = Prefilter::new(&RuleSet::builtin());
        let strategy = (text(&prefilter), any::<prop::sample::Index>(), any::<prop::sample::Index>());
        let mut runner = prop::test_runner::TestRunner::default();
        let result = runner.run(&strategy, |(bytes, from, to)| {
            let (from, to) = (from.index(bytes.len() + 1), to.index(bytes.len() + 1));
            let starts = from.min(to)..from.max(to);
            let mut found = Vec::new();
            prefilter.find(&bytes, starts.clone(), &mut found);
            prop_assert!(found.iter().all(|hit| starts.contains(&hit.start())));
            let is_there = |hit: &Hit| prefilter.keywords_at(&bytes, *hit).next().is_some();
            found.retain(is_there);
            found.sort_unstable();
            let stems = 0..prefilter.stems.len() as u16;
            let all =
                starts.flat_map(|start| stems.clone().map(move |stem| Hit { start: start as u32, stem }));
            prop_assert_eq!(found, all.filter(is_there).collect::<Vec<_>>());
            Ok(())
        });
        result.expect("the search finds what comparing at each place finds");
    }
}
