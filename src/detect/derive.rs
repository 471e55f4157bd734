//! A base's scan and a change -> the changed chunk's scan, exactly as if it had been scanned whole.
//!
//! - A keyword inside a copied span was found in the base: it is shifted. Only the bytes between copied spans, and as far
//!   into them as a keyword reaches, are searched.
//! - What a rule says at a keyword depends on the bytes within the rule's *reach* of it: its window, and the few bytes beyond
//!   that checks look at. Where all of these lie in one copied span, what the base's scan said is true here as well; where
//!   they touch a change, or an end of the chunk that was none in the base, the rule runs again.
//! - Text in another encoding is not derived: a chunk that holds a zero byte has its UTF-16 text read anew.

use crate::chunk::{Copied, Derivation};
use crate::location::ByteSpan;
use crate::rules::RuleId;

use super::Evidence;
use super::prefilter::{Hit, Prefilter};
use super::reach::Reach;

/// Copied spans shorter than this, or than two keywords, are searched again: that is cheaper than to keep them apart, and no
/// keyword can reach over one.
const MIN_COPY_BYTES: usize = 64;

/// What is remembered of a chunk for those derived from it. Opaque to all but the detector.
#[derive(Debug, Default)]
pub struct Memo {
    /// Every keyword, sorted by where it begins.
    pub(super) hits: Vec<Hit>,
    /// What rules said yes to, sorted by keyword.
    pub(super) verified: Vec<Verified>,
    /// Whether there is a zero byte.
    pub(super) has_zero: bool,
}

/// A match that passed its rule's checks, with the keyword at which it was found.
#[derive(Debug, Clone)]
pub(super) struct Verified {
    pub(super) hit: Hit,
    pub(super) rule: RuleId,
    pub(super) secret: ByteSpan,
    pub(super) evidence: Evidence,
}

/// What is left to do for a derived chunk, and what need not be done again.
#[derive(Debug)]
pub(super) struct Derived {
    /// What the base's scan says of this chunk; `hits` is complete, `verified` is what can be carried over.
    pub(super) memo: Memo,
    /// Keywords at which rules have to run, with the copied span in which the keyword lies: rules that reach no further
    /// than that need not.
    pub(super) pending: Vec<(Hit, Option<Origin>)>,
}

/// The copied span in which a keyword lies, and whether it goes to the very ends of base and chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    span: ByteSpan,
    at_start: bool,
    at_end: bool,
}

impl Origin {
    fn new(copy: Copied, base_length: usize, length: usize) -> Self {
        let span = ByteSpan::new(copy.to, copy.to + copy.length);
        Self {
            span,
            at_start: copy.to == 0 && copy.from == 0,
            at_end: span.end == length && copy.from + copy.length == base_length,
        }
    }

    /// Whether all bytes within `reach` of `keyword` lie in the span.
    pub(super) fn covers(&self, keyword: ByteSpan, reach: Reach) -> bool {
        (self.at_start || keyword.start >= self.span.start + reach.before)
            && (self.at_end || keyword.end + reach.after <= self.span.end)
    }
}

/// Shifts what `base` says to where `derivation` copied it in `bytes`, and searches the rest.
pub(super) fn derive(
    prefilter: &Prefilter,
    bytes: &[u8],
    derivation: Derivation<'_>,
    base: &Memo,
    reach: impl Fn(RuleId) -> Reach,
) -> Derived {
    let mut derived = Derived { memo: Memo::default(), pending: Vec::new() };
    let mut has_zero = false;
    let mut end_of_last = 0;
    let min_copy = MIN_COPY_BYTES.max(2 * prefilter.longest_keyword());
    let copies = derivation.copies.iter().filter(|copy| copy.length >= min_copy);
    for &copy in copies {
        has_zero |= search_gap(prefilter, bytes, ByteSpan::new(end_of_last, copy.to), &mut derived);
        let origin = Origin::new(copy, derivation.base.len(), bytes.len());
        shift(prefilter, base, copy, origin, &reach, &mut derived);
        end_of_last = copy.to + copy.length;
    }
    has_zero |= search_gap(prefilter, bytes, ByteSpan::new(end_of_last, bytes.len()), &mut derived);
    derived.memo.has_zero = has_zero || (base.has_zero && memchr::memchr(0, bytes).is_some());
    derived
}

/// Finds the keywords that lie in the gap or reach into it; returns whether it holds a zero byte.
fn search_gap(prefilter: &Prefilter, bytes: &[u8], gap: ByteSpan, derived: &mut Derived) -> bool {
    let is_seam_in_text = gap.start > 0 && gap.end < bytes.len();
    if gap.start == gap.end && !is_seam_in_text {
        return false;
    }
    let margin = prefilter.longest_keyword().saturating_sub(1);
    let start = gap.start.saturating_sub(margin);
    let region = &bytes[start..(gap.end + margin).min(bytes.len())];
    let first = derived.memo.hits.len();
    for hit in prefilter.hits(region) {
        let hit = hit.shifted(start);
        let span = prefilter.span(hit);
        let is_inside_a_copy =
            (span.end <= gap.start && gap.start > 0) || (span.start >= gap.end && gap.end < bytes.len());
        if !is_inside_a_copy {
            derived.memo.hits.push(hit);
            derived.pending.push((hit, None));
        }
    }
    // A keyword may begin in the copied span before the gap, among that span's own.
    sort_tail(&mut derived.memo.hits, first);
    memchr::memchr(0, gap.of(bytes)).is_some()
}

/// Puts `hits[first..]` where they belong in the sorted `hits[..first]`; they begin at most a keyword's length before its end.
fn sort_tail(hits: &mut [Hit], first: usize) {
    if let Some(earliest) = hits[first..].iter().min().copied() {
        let from = hits[..first].partition_point(|hit| *hit < earliest);
        hits[from..].sort_unstable();
    }
}

fn shift(
    prefilter: &Prefilter,
    base: &Memo,
    copy: Copied,
    origin: Origin,
    reach: &impl Fn(RuleId) -> Reach,
    derived: &mut Derived,
) {
    let from = base.hits.partition_point(|hit| hit.start() < copy.from);
    for hit in &base.hits[from..] {
        if hit.start() >= copy.from + copy.length {
            break;
        }
        if prefilter.span(*hit).end > copy.from + copy.length {
            continue;
        }
        let hit = hit.moved(copy.from, copy.to);
        derived.memo.hits.push(hit);
        if !origin.covers(prefilter.span(hit), prefilter.longest_reach(hit)) {
            derived.pending.push((hit, Some(origin)));
        }
    }
    let from = base.verified.partition_point(|verified| verified.hit.start() < copy.from);
    for verified in &base.verified[from..] {
        if verified.hit.start() >= copy.from + copy.length {
            break;
        }
        if prefilter.span(verified.hit).end > copy.from + copy.length {
            continue;
        }
        let hit = verified.hit.moved(copy.from, copy.to);
        if origin.covers(prefilter.span(hit), reach(verified.rule)) {
            let secret = ByteSpan::new(
                verified.secret.start - copy.from + copy.to,
                verified.secret.end - copy.from + copy.to,
            );
            derived.memo.verified.push(Verified { hit, secret, ..verified.clone() });
        }
    }
}
