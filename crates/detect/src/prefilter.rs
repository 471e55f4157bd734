//! Where the keywords of all rules occur. A "no" is always true, a "maybe" may be wrong: where no keyword is reported, no rule
//! can match.
//!
//! Most bytes of a history are searched for the keywords of hundreds of rules and hold none, so a "no" has to be cheap. An
//! automaton over all keywords looks up each byte's next state in a table that no near cache holds, and cannot begin the
//! next look-up before it has this one. Here the look-ups do not wait for each other:
//!
//! - What is searched for is a keyword's *stem*, its first [`SEARCHED_BYTES`] bytes, and first of all the stem's *core*, the
//!   four bytes of it that are rarest in source code. A keyword of three bytes has a core for each byte that its rules let
//!   follow.
//! - The four bytes at each offset are looked up in a bitmap of all cores, which a near cache holds, eight offsets at a time.
//!   Where a core may be, the stems that have it are compared, all eight bytes at once.
//!
//! Bytes are compared with bit 5 set, which makes letters lower case and confuses a few signs: [`Prefilter::keywords_at`] is exact.

use std::ops::Range;

use keysieve_model::location::ByteSpan;
use keysieve_rules::{Rule, RuleId, RuleSet, Text};

use super::rarity::rarity;
use super::reach::Reach;

/// How many bytes of a keyword are searched for: enough to be rare. The others are looked at before a rule runs.
pub(super) const SEARCHED_BYTES: usize = 8;
/// The length of a core, in bytes.
const CORE_BYTES: usize = 4;
/// How many offsets are looked at in one go, and what is read for it: a core's length behind the last.
const STEP_BYTES: usize = 8;
type Block = [u8; STEP_BYTES + CORE_BYTES - 1];

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
    text: Text,
    rules: Box<[RuleId]>,
}

impl Keyword {
    /// The keyword of `owned`, which name the same one.
    fn of(owned: &[(Text, RuleId)]) -> Self {
        Self { text: owned[0].0.clone(), rules: owned.iter().map(|&(_, id)| id).collect() }
    }
}

/// What is searched for: how keywords begin, without regard to ASCII case.
#[derive(Debug)]
struct Stem {
    /// The bytes, folded, the first in the lowest place; the mask covers them.
    searched: u64,
    mask: u64,
    /// What tells that the stem is there, in bytes: with the byte behind a short keyword.
    length: usize,
    /// The bytes of which one stands behind a short keyword.
    followers: Followers,
    /// The keywords that begin so, and the length of the longest.
    keywords: Vec<Keyword>,
    longest: usize,
    /// How far the furthest of their rules looks.
    reach: Reach,
}

impl Stem {
    fn new(stem: &[u8], keywords: Vec<Keyword>, rules: &RuleSet) -> Self {
        let mask = u64::MAX >> (8 * (SEARCHED_BYTES - stem.len()));
        let ids = keywords.iter().flat_map(|keyword| &*keyword.rules);
        let followers = Followers::of(stem, ids.clone().map(|&id| rules.rule(id)));
        Self {
            searched: load(stem, 0) & mask,
            mask,
            length: stem.len() + usize::from(!followers.are_all()),
            followers,
            reach: ids.map(|&id| Reach::of(rules.rule(id))).fold(Reach::default(), Reach::max),
            longest: keywords.iter().map(|keyword| keyword.text.len()).max().unwrap_or(0),
            keywords,
        }
    }
}

/// A set of bytes, without regard to ASCII case.
#[derive(Debug, Clone, Copy)]
struct Followers([bool; 256]);

impl Followers {
    /// What may stand behind a keyword of these rules that is too short to have a core, in the sight of all of them.
    fn of<'a>(stem: &[u8], rules: impl Iterator<Item = &'a Rule> + Clone) -> Self {
        if stem.len() >= CORE_BYTES || rules.clone().any(|rule| rule.followers.is_empty()) {
            return Self([true; 256]);
        }
        let mut followers = [false; 256];
        for &byte in rules.flat_map(|rule| rule.followers.iter()) {
            followers[usize::from(byte.to_ascii_lowercase())] = true;
            followers[usize::from(byte.to_ascii_uppercase())] = true;
        }
        Self(followers)
    }

    fn are_all(&self) -> bool {
        self.0 == [true; 256]
    }

    /// Whether `next` is one of them; nothing at all is one where all bytes are.
    fn contain(&self, next: Option<u8>) -> bool {
        next.map_or_else(|| self.are_all(), |byte| self.0[usize::from(byte)])
    }
}

/// Finds keywords without regard to ASCII case.
#[derive(Debug)]
pub(super) struct Prefilter {
    stems: Vec<Stem>,
    cores: Cores,
}

impl Prefilter {
    pub(super) fn new(rules: &RuleSet) -> Self {
        let mut owned: Vec<(Text, RuleId)> = rules
            .iter()
            .flat_map(|(id, rule)| rule.keywords.iter().map(move |keyword| (lower_case(keyword), id)))
            .collect();
        owned.sort_unstable();
        owned.dedup();
        let mut prefilter = Self { stems: Vec::new(), cores: Cores::new() };
        for same_stem in owned.chunk_by(|(one, _), (next, _)| stem_of(one) == stem_of(next)) {
            let text = stem_of(&same_stem[0].0);
            let keywords = same_stem.chunk_by(|(one, _), (next, _)| one == next).map(Keyword::of).collect();
            let stem = Stem::new(text, keywords, rules);
            let offset = rarest_core(text);
            for core in cores_at(text, offset, stem.followers) {
                prefilter.cores.insert(core, prefilter.stems.len() as u16, offset as u8);
            }
            prefilter.stems.push(stem);
        }
        prefilter
    }

    /// Adds every occurrence of every stem that begins within `starts`, in no order.
    pub(super) fn find(&self, bytes: &[u8], starts: Range<usize>, hits: &mut Vec<Hit>) {
        let end = bytes.len().min(starts.end + SEARCHED_BYTES - CORE_BYTES);
        for block_start in (starts.start..end).step_by(STEP_BYTES) {
            let rest = &bytes[block_start..];
            // The last bytes, with zeros behind them.
            let padded: Block;
            let block = match rest.first_chunk() {
                Some(block) => block,
                None => {
                    padded = std::array::from_fn(|at| rest.get(at).copied().unwrap_or(0));
                    &padded
                }
            };
            let mut places = self.cores.may_begin_at(block);
            while places != 0 {
                let offset = places.trailing_zeros() as usize;
                places &= places - 1;
                let core = load(block, offset) as u32;
                for (number, before) in self.cores.stems_with(core) {
                    self.compare(number, block_start + offset, before, bytes, &starts, hits);
                }
            }
        }
    }

    /// Adds the stem where its core, which begins `before` bytes behind its start, lies at `at`.
    #[inline(never)]
    fn compare(
        &self,
        number: u16,
        at: usize,
        before: u8,
        bytes: &[u8],
        starts: &Range<usize>,
        hits: &mut Vec<Hit>,
    ) {
        let stem = &self.stems[usize::from(number)];
        let Some(start) = at.checked_sub(usize::from(before)).filter(|start| starts.contains(start)) else {
            return;
        };
        let is_whole = start + stem.length <= bytes.len();
        if is_whole && load(bytes, start) & stem.mask == stem.searched {
            hits.push(Hit { start: start as u32, stem: number });
        }
    }

    /// The keywords that are there, all of each, with where they lie and the rules that have them.
    pub(super) fn keywords_at<'a>(
        &'a self,
        bytes: &'a [u8],
        hit: Hit,
    ) -> impl Iterator<Item = (ByteSpan, &'a [RuleId])> {
        let stem = self.stem(hit);
        stem.keywords.iter().filter_map(move |keyword| {
            let span = ByteSpan::new(hit.start(), hit.start() + keyword.text.len());
            let found = bytes.get(span.start..span.end)?;
            let is_there = found.eq_ignore_ascii_case(keyword.text.as_bytes())
                && stem.followers.contain(bytes.get(span.end).copied());
            is_there.then_some((span, &*keyword.rules))
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

fn lower_case(keyword: &Text) -> Text {
    // Nearly all are, and start-up copies none of those.
    if keyword.bytes().any(|byte| byte.is_ascii_uppercase()) {
        keyword.to_ascii_lowercase().into()
    } else {
        keyword.clone()
    }
}

/// How a keyword begins.
fn stem_of(keyword: &Text) -> &[u8] {
    &keyword.as_bytes()[..keyword.len().min(SEARCHED_BYTES)]
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

/// The offset of the core that is rarest in source code.
fn rarest_core(text: &[u8]) -> usize {
    let cores = text.windows(CORE_BYTES).zip(0..);
    cores.max_by_key(|&(core, _)| rarity(core)).map_or(0, |(_, offset)| offset)
}

/// The core at the offset; for a keyword that is too short to have one, its bytes with each byte that may follow.
fn cores_at(text: &[u8], offset: usize, followers: Followers) -> Vec<u32> {
    let core = load(text, offset) as u32;
    if text.len() >= CORE_BYTES {
        return vec![core];
    }
    let next = (0..=u8::MAX).filter(|&next| followers.contain(Some(next)));
    let mut cores: Vec<u32> = next.map(|next| load(&[text, &[next]].concat(), 0) as u32).collect();
    cores.sort_unstable();
    cores.dedup();
    cores
}

/// A set of hashes: what is not in it was never inserted.
#[derive(Debug)]
struct Bitmap(Box<[u64; 1 << (BITMAP_BITS - 6)]>);

/// The binary logarithm of the bitmap's size in bits: 64 KiB, of which text asks for the same few lines again and again. A smaller
/// one stops the search more often for nothing.
const BITMAP_BITS: u32 = 19;

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

    /// The offsets in the block at which a core may begin, as bits.
    #[inline]
    fn may_begin_at(&self, block: &Block) -> u32 {
        let (first, second) = (load(block, 0), load(block, CORE_BYTES - 1));
        let is_known = |bytes: u64| u32::from(self.known.contains(bytes as u32));
        let in_first = (0..5).fold(0, |places, at| places | is_known(first >> (8 * at)) << at);
        (5..STEP_BYTES as u32).fold(in_first, |places, at| places | is_known(second >> (8 * (at - 3))) << at)
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
        let prefilter = Prefilter::new(&keysieve_builtin::rules());
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
