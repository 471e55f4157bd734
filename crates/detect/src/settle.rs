//! How far a content that is still being read is settled: up to where bytes that are yet to come change no match.

use super::decode;
use super::reach::Reach;
use super::{Detector, Memo};
use keysieve_model::chunk::CONTEXT_BYTES;
use keysieve_model::location::ByteSpan;

/// Offsets up to which the matches of a content are settled. Both are at most [`CONTEXT_BYTES`] before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// No match that touches the bytes before this offset changes, whatever follows.
    pub always: usize,
    /// No keyword before the end may still have a match, not yet seen, that touches the bytes before this offset. A keyword that is
    /// yet to come may.
    pub unless_new: usize,
}

impl Detector {
    /// How far `bytes`, the beginning of a longer content, are settled. `memo` is that of scanning them as a whole.
    #[must_use]
    pub fn settled(&self, bytes: &[u8], memo: &Memo) -> Settled {
        let length = bytes.len();
        let least = length.saturating_sub(CONTEXT_BYTES);
        let mut always = length.saturating_sub(self.plan.lookback);
        let mut unless_new = length;
        let first = memo.hits.partition_point(|hit| hit.start() < least);
        for &hit in &memo.hits[first..] {
            for (keyword, ids) in self.plan.prefilter.keywords_at(bytes, hit) {
                for &id in ids {
                    let reach = Reach::of(self.plan.rules.rule(id));
                    if keyword.end + reach.after <= length {
                        continue;
                    }
                    let start = keyword.start.saturating_sub(reach.before);
                    always = always.min(start);
                    // A match that ends well before the end stays as it is in all likelihood.
                    let first = memo.verified.partition_point(|found| (found.hit, found.rule) < (hit, id));
                    let mut of_rule = memo.verified[first..]
                        .iter()
                        .take_while(|found| (found.hit, found.rule) == (hit, id));
                    let is_over = of_rule.any(|found| found.secret.end < length);
                    if !is_over {
                        unless_new = unless_new.min(start);
                    }
                }
            }
        }
        let end = ByteSpan::new(length, length);
        if let Some(run) = decode::changed(bytes, &[end]).next() {
            always = always.min(run.start);
        }
        if memo.has_zero
            && let Some(start) = decode::open_utf16(bytes, least)
        {
            always = always.min(start);
            unless_new = unless_new.min(start);
        }
        Settled { always: always.max(least), unless_new: unless_new.max(least) }
    }
}
