//! Values that are known, looked for in every form in which they may have got out: as they are, in base64, escaped for a URL, escaped
//! for JSON (see `forms.rs`); and all of that again in the texts that [`super::decode`] reads.
//!
//! There may be a hundred thousand values with ten forms each, and nearly no byte belongs to any of them. So, as with keywords,
//! not the forms are searched for, but an *anchor* of each, [`ANCHOR_BYTES`] of it that are rare; the forms of an anchor that is
//! there are compared whole.
//!
//! - Anchors are looked for by windows of [`WINDOW_BYTES`] at each [`STRIDE`]th byte only: wherever an anchor lies, one of its
//!   first windows begins at such a place. A bitmap that a near cache holds says "no" to nearly all of them.
//! - Where the anchors lie is what is remembered of a chunk. In a chunk that is derived from it, those inside of copied spans are
//!   shifted, and only new bytes and seams are searched. Comparing is left until the end and done anew, since a form may reach
//!   over any number of seams; anchors are too rare for that to cost anything.
//!
//! Nothing of a value prints itself.

mod forms;

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use foldhash::fast::RandomState;

use keysieve_model::chunk::{CONTEXT_BYTES, Derivation};
use keysieve_model::finding::Secret;
use keysieve_model::location::ByteSpan;
use keysieve_rules::RuleId;

use super::checks::{composition, entropy};
use super::{Evidence, Link, Shape, Subject};
use keysieve_sieve::rarity;

/// The shortest value that is looked for, in bytes.
pub const MIN_VALUE_BYTES: usize = 8;
/// The longest, in bytes: its longest form has to lie in a piece's context.
pub const MAX_VALUE_BYTES: usize = CONTEXT_BYTES / forms::MAX_GROWTH;
/// How many forms may share an anchor: where more do, each of its occurrences would cost that many comparisons.
const MAX_SHARED: usize = 1_000;
/// The length of an anchor, in bytes.
const ANCHOR_BYTES: usize = 8;
/// The length of what is looked up, in bytes, and how far apart it is looked up.
const WINDOW_BYTES: usize = 6;
const STRIDE: usize = ANCHOR_BYTES - WINDOW_BYTES + 1;
/// Copied spans shorter than this are searched again; see [`super::derive`].
const MIN_COPY_BYTES: usize = 64;
/// How many occurrences of one value in one text count.
const MAX_IN_TEXT: u32 = 1_000;
/// In how many places an anchor is looked for in a form.
const CANDIDATES: usize = 4;

const _: () = assert!(forms::MIN_FORM_BYTES >= ANCHOR_BYTES);
const _: () = assert!(MIN_COPY_BYTES > ANCHOR_BYTES);

/// The place of a value among those that are looked for.
pub type ValueId = usize;

/// Values to look for. Prints nothing of them.
pub struct Sweep {
    rule: RuleId,
    values: Vec<Value>,
    /// All forms, one after the other.
    text: Vec<u8>,
    needles: Vec<Needle>,
    anchors: Vec<Anchor>,
    uses: Vec<Use>,
    windows: Windows,
    /// How many occurrences of one value in one text count.
    max_in_text: u32,
}

/// A value to look for.
#[derive(Debug, Clone)]
pub struct Sought {
    /// The value: what a match of it says it found, in whichever form.
    pub secret: Secret,
    /// Other spellings of it, which are looked for as well.
    pub others: Vec<Secret>,
}

impl Sought {
    fn forms(&self) -> Vec<Vec<u8>> {
        let mut all = forms::forms(self.secret.expose());
        for form in self.others.iter().flat_map(|other| forms::forms(other.expose())) {
            if !all.contains(&form) {
                all.push(form);
            }
        }
        all
    }
}

struct Value {
    secret: Secret,
    evidence: Evidence,
}

/// A form of a value.
#[derive(Debug, Clone, Copy)]
struct Needle {
    start: u32,
    length: u32,
    value: u32,
}

/// Bytes by which forms are found.
struct Anchor {
    /// The first in the lowest place.
    bytes: u64,
    /// The first of its uses, and how many there are.
    first: u32,
    count: u32,
}

/// A form that has an anchor, and where in it.
struct Use {
    needle: u32,
    offset: u32,
}

/// An anchor that occurs. Small: a history may have many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    start: u32,
    anchor: u32,
}

impl fmt::Debug for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sweep({} values)", self.values.len())
    }
}

impl Sweep {
    /// Looks for `values`, each of [`MIN_VALUE_BYTES`] to [`MAX_VALUE_BYTES`] bytes, and calls what it finds matches of `rule`.
    /// Also gives the places of those that cannot be looked for because they have too much in common with too many others.
    #[must_use]
    pub fn new(rule: RuleId, values: &[Sought]) -> (Self, Vec<ValueId>) {
        let mut left_out = vec![false; values.len()];
        loop {
            let (sweep, crowded) = Self::of(rule, values, &left_out);
            if crowded.is_empty() {
                let left_out = (0..values.len()).filter(|&value| left_out[value]).collect();
                return (sweep, left_out);
            }
            crowded.into_iter().for_each(|value| left_out[value] = true);
        }
    }

    /// Looks for all values but those that are `left_out`; also gives those whose anchors too many others share.
    fn of(rule: RuleId, values: &[Sought], left_out: &[bool]) -> (Self, Vec<ValueId>) {
        let (mut text, mut needles) = (Vec::new(), Vec::new());
        for (value, sought) in values.iter().enumerate().filter(|(value, _)| !left_out[*value]) {
            for form in sought.forms() {
                let needle =
                    Needle { start: text.len() as u32, length: form.len() as u32, value: value as u32 };
                needles.push(needle);
                text.extend(form);
            }
        }
        let (anchors, uses) = choose_anchors(&text, &needles);
        let (windows, crowded_windows) = Windows::new(&anchors);
        let is_crowded = |(at, anchor): &(usize, &Anchor)| {
            anchor.count as usize > MAX_SHARED || crowded_windows.binary_search(&(*at as u32)).is_ok()
        };
        let crowded = anchors.iter().enumerate().filter(is_crowded).flat_map(|(_, anchor)| {
            uses_of(&uses, anchor).iter().map(|found| needles[found.needle as usize].value as ValueId)
        });
        let crowded = crowded.collect();
        let values = values
            .iter()
            .map(|sought| Value { secret: sought.secret.clone(), evidence: evidence(&sought.secret) });
        let values = values.collect();
        let max_in_text = MAX_IN_TEXT;
        (Self { rule, values, text, needles, anchors, uses, windows, max_in_text }, crowded)
    }

    /// Finds every occurrence of a value, however many a text has: for who takes them out.
    #[must_use]
    pub fn finding_all(self) -> Self {
        Self { max_in_text: u32::MAX, ..self }
    }

    /// The length of the longest form, in bytes.
    pub(super) fn longest_form(&self) -> usize {
        self.needles.iter().map(|needle| needle.length as usize).max().unwrap_or(0)
    }

    /// The rule whose matches these are.
    pub(super) fn rule(&self) -> RuleId {
        self.rule
    }

    /// All forms of some values, which hide them from nobody: to mask them in names.
    #[must_use]
    pub fn forms_of(&self, is_meant: impl Fn(&Secret) -> bool) -> Vec<Secret> {
        let meant: Vec<bool> = self.values.iter().map(|value| is_meant(&value.secret)).collect();
        let needles = self.needles.iter().filter(|needle| meant[needle.value as usize]);
        needles.map(|needle| Secret::new(self.form(*needle))).collect()
    }

    fn form(&self, needle: Needle) -> &[u8] {
        &self.text[needle.start as usize..][..needle.length as usize]
    }

    pub(super) fn secret(&self, value: ValueId) -> &Secret {
        &self.values[value].secret
    }

    pub(super) fn evidence(&self, value: ValueId) -> &Evidence {
        &self.values[value].evidence
    }

    /// Where anchors lie in `bytes`, sorted.
    pub(super) fn search(&self, bytes: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.find(bytes, 0..bytes.len(), &mut hits);
        hits
    }

    /// The same of a chunk, from what is known of the one that it was made of.
    pub(super) fn derive(&self, bytes: &[u8], derivation: Derivation<'_>, base: &[Hit]) -> Vec<Hit> {
        let mut hits = Vec::with_capacity(base.len());
        let mut end_of_last = 0;
        // All anchors have the same length: those that begin in a gap, or that near in front of it, are not in a copied span.
        let before = |end: usize| end.saturating_sub(ANCHOR_BYTES - 1);
        for copy in derivation.copies.iter().filter(|copy| copy.length >= MIN_COPY_BYTES) {
            self.find(bytes, before(end_of_last)..copy.to, &mut hits);
            let first = base.partition_point(|hit| (hit.start as usize) < copy.from);
            let in_copy = base[first..]
                .iter()
                .take_while(|hit| hit.start as usize + ANCHOR_BYTES <= copy.from + copy.length);
            hits.extend(
                in_copy.map(|hit| Hit { start: (hit.start as usize - copy.from + copy.to) as u32, ..*hit }),
            );
            end_of_last = copy.to + copy.length;
        }
        self.find(bytes, before(end_of_last)..bytes.len(), &mut hits);
        hits
    }

    /// Adds the anchors that begin within `starts`, sorted.
    fn find(&self, bytes: &[u8], starts: Range<usize>, hits: &mut Vec<Hit>) {
        let first_hit = hits.len();
        let last = bytes.len().saturating_sub(WINDOW_BYTES - 1).min(starts.end + STRIDE - 1);
        for at in (starts.start.next_multiple_of(STRIDE)..last).step_by(STRIDE) {
            let window = load(bytes, at) & WINDOW_MASK;
            if self.windows.may_have(window) {
                self.compare(bytes, window, at, &starts, hits);
            }
        }
        hits[first_hit..].sort_unstable();
    }

    #[inline(never)]
    fn compare(&self, bytes: &[u8], window: u64, at: usize, starts: &Range<usize>, hits: &mut Vec<Hit>) {
        for entry in self.windows.with(window) {
            let Some(start) = at.checked_sub(entry.offset as usize).filter(|start| starts.contains(start))
            else {
                continue;
            };
            let is_whole = start + ANCHOR_BYTES <= bytes.len();
            if is_whole && load(bytes, start) == self.anchors[entry.anchor as usize].bytes {
                hits.push(Hit { start: start as u32, anchor: entry.anchor });
            }
        }
    }

    /// Hands over each form that is there, with the value that it is one of; of one value as many as count.
    pub(super) fn verify(&self, bytes: &[u8], hits: &[Hit], found: &mut impl FnMut(ValueId, ByteSpan)) {
        let mut counts: HashMap<u32, u32, RandomState> = HashMap::default();
        for hit in hits {
            for Use { needle, offset } in uses_of(&self.uses, &self.anchors[hit.anchor as usize]) {
                let needle = self.needles[*needle as usize];
                let Some(start) = (hit.start as usize).checked_sub(*offset as usize) else { continue };
                let span = ByteSpan::new(start, start + needle.length as usize);
                if span.of(bytes) == self.form(needle) {
                    let count = counts.entry(needle.value).or_default();
                    *count += 1;
                    if *count <= self.max_in_text {
                        found(needle.value as ValueId, span);
                    }
                }
            }
        }
    }
}

fn uses_of<'a>(uses: &'a [Use], anchor: &Anchor) -> &'a [Use] {
    &uses[anchor.first as usize..][..anchor.count as usize]
}

/// For each form the part that the fewest others have, and of these the rarest.
fn choose_anchors(text: &[u8], needles: &[Needle]) -> (Vec<Anchor>, Vec<Use>) {
    let mut counts: HashMap<u64, u32, RandomState> = HashMap::default();
    for needle in needles {
        for offset in candidates(needle.length as usize) {
            *counts.entry(load(text, needle.start as usize + offset)).or_default() += 1;
        }
    }
    let mut chosen: Vec<(u64, u32, u32)> = Vec::with_capacity(needles.len());
    for (number, needle) in needles.iter().enumerate() {
        let key = |offset: &usize| {
            let start = needle.start as usize + offset;
            let anchor = &text[start..start + ANCHOR_BYTES];
            (counts[&load(text, start)], std::cmp::Reverse(rarity(anchor)), *offset)
        };
        if let Some(offset) = candidates(needle.length as usize).min_by_key(key) {
            let bytes = load(text, needle.start as usize + offset);
            chosen.push((bytes, number as u32, offset as u32));
        }
    }
    chosen.sort_unstable();
    let mut anchors: Vec<Anchor> = Vec::new();
    for (at, (bytes, _, _)) in chosen.iter().enumerate() {
        match anchors.last_mut() {
            Some(last) if last.bytes == *bytes => last.count += 1,
            _ => anchors.push(Anchor { bytes: *bytes, first: at as u32, count: 1 }),
        }
    }
    (anchors, chosen.into_iter().map(|(_, needle, offset)| Use { needle, offset }).collect())
}

/// Offsets at which a form's anchor may begin, spread over it: many keys have their beginnings or ends in common.
fn candidates(length: usize) -> impl Iterator<Item = usize> {
    let last = length - ANCHOR_BYTES;
    let count = CANDIDATES.min(last + 1);
    (0..count).map(move |number| last * number / (count - 1).max(1))
}

const WINDOW_MASK: u64 = u64::MAX >> (8 * (8 - WINDOW_BYTES));

/// The eight bytes at `at`, the first in the lowest place; zeros behind the end.
#[inline]
fn load(bytes: &[u8], at: usize) -> u64 {
    let rest = &bytes[at..];
    let eight = rest.first_chunk().copied().unwrap_or_else(|| {
        let mut eight = [0; 8];
        eight[..rest.len()].copy_from_slice(rest);
        eight
    });
    u64::from_le_bytes(eight)
}

/// Which anchors have which window.
struct Windows {
    /// By the highest bits of a window's hash: whether there is one.
    bitmap: Vec<u64>,
    bitmap_shift: u32,
    /// By the highest bits of the hash: the first of its chain in `entries`.
    heads: Vec<u32>,
    heads_shift: u32,
    entries: Vec<WindowEntry>,
}

struct WindowEntry {
    window: u64,
    anchor: u32,
    /// Where the window begins in the anchor.
    offset: u32,
    next: u32,
}

const NONE: u32 = u32::MAX;
/// Binary logarithms of the bitmap's size in bits for each window, of its least and largest size.
const BITS_PER_WINDOW: u32 = 6;
const MIN_BITMAP_BITS: u32 = 16;
const MAX_BITMAP_BITS: u32 = 27;

impl Windows {
    /// The windows of the anchors; also those anchors of which a window is shared by too many, sorted.
    fn new(anchors: &[Anchor]) -> (Self, Vec<u32>) {
        let count_bits = (anchors.len() * STRIDE).next_power_of_two().trailing_zeros();
        let bitmap_bits = (count_bits + BITS_PER_WINDOW).clamp(MIN_BITMAP_BITS, MAX_BITMAP_BITS);
        let heads_bits = count_bits.clamp(1, u32::BITS);
        let mut windows = Self {
            bitmap: vec![0; 1 << (bitmap_bits - 6)],
            bitmap_shift: u64::BITS - bitmap_bits,
            heads: vec![NONE; 1 << heads_bits],
            heads_shift: u64::BITS - heads_bits,
            entries: Vec::with_capacity(anchors.len() * STRIDE),
        };
        let mut counts: HashMap<u64, u32, RandomState> = HashMap::default();
        for (anchor, number) in anchors.iter().zip(0..) {
            for offset in 0..STRIDE {
                let window = anchor.bytes >> (8 * offset) & WINDOW_MASK;
                *counts.entry(window).or_default() += 1;
                windows.insert(window, number, offset as u32);
            }
        }
        let is_crowded = |entry: &&WindowEntry| counts[&entry.window] as usize > MAX_SHARED;
        let mut crowded: Vec<u32> =
            windows.entries.iter().filter(is_crowded).map(|entry| entry.anchor).collect();
        crowded.sort_unstable();
        crowded.dedup();
        (windows, crowded)
    }

    fn insert(&mut self, window: u64, anchor: u32, offset: u32) {
        let hash = hash(window);
        let bit = (hash >> self.bitmap_shift) as usize;
        self.bitmap[bit >> 6] |= 1 << (bit & 63);
        let head = &mut self.heads[(hash >> self.heads_shift) as usize];
        let next = std::mem::replace(head, self.entries.len() as u32);
        self.entries.push(WindowEntry { window, anchor, offset, next });
    }

    /// A "no" is always true.
    #[inline]
    fn may_have(&self, window: u64) -> bool {
        let bit = (hash(window) >> self.bitmap_shift) as usize;
        self.bitmap[bit >> 6] >> (bit & 63) & 1 != 0
    }

    fn with(&self, window: u64) -> impl Iterator<Item = &WindowEntry> {
        let entry = |at: u32| self.entries.get(at as usize);
        let first = self.heads[(hash(window) >> self.heads_shift) as usize];
        std::iter::successors(entry(first), move |last| entry(last.next))
            .filter(move |entry| entry.window == window)
    }
}

/// The product with an odd number that has no pattern, whose highest bits depend on all: Fibonacci hashing.
#[inline]
fn hash(window: u64) -> u64 {
    window.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// What the value says of itself; where it stands says nothing, since it is known.
fn evidence(secret: &Secret) -> Evidence {
    let value = secret.expose();
    Evidence {
        shape: Shape::Bare,
        link: Link::Assignment,
        subject: Subject::Secret,
        composition: composition::composition(value),
        is_wordy: composition::is_wordy(value),
        has_plain_name: false,
        entropy: entropy::bits(value),
        is_number: false,
        is_test_vector: false,
        names_itself: false,
        is_message: false,
        binary: false,
        note: None,
        assignee: None,
    }
}

#[cfg(test)]
mod tests;
