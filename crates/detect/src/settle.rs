//! How far a content that is still being read is settled: up to where bytes that are yet to come change no match.

use super::decode;
use super::reach::Reach;
use super::{Detector, Memo};
use keysieve_model::chunk::CONTEXT_BYTES;
use keysieve_model::location::ByteSpan;

impl Detector {
    /// The offset up to which `bytes`, the beginning of a longer content, are settled: no match that touches the bytes before it
    /// changes, whatever follows. At most [`CONTEXT_BYTES`] before their end. `memo` is that of scanning them as a whole.
    #[must_use]
    pub fn settled(&self, bytes: &[u8], memo: &Memo) -> usize {
        let length = bytes.len();
        let least = length.saturating_sub(CONTEXT_BYTES);
        let mut settled = length.saturating_sub(self.plan.lookback);
        let first = memo.hits.partition_point(|hit| hit.start() < least);
        for &hit in &memo.hits[first..] {
            for (keyword, ids) in self.plan.prefilter.keywords_at(bytes, hit) {
                for &id in ids {
                    let reach = Reach::of(self.plan.rules.rule(id));
                    if keyword.end + reach.after > length {
                        settled = settled.min(keyword.start.saturating_sub(reach.before));
                    }
                }
            }
        }
        let end = ByteSpan::new(length, length);
        if let Some(run) = decode::changed(bytes, &[end]).next() {
            settled = settled.min(run.start);
        }
        if memo.has_zero
            && let Some(start) = decode::open_utf16(bytes, least)
        {
            settled = settled.min(start);
        }
        settled.max(least)
    }
}
