//! Hands contents to a visitor: small ones many at a time, large ones in pieces, and by several threads where there is a scope
//! for them.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use bstr::ByteSlice as _;
use rayon::Scope;

use keysieve_model::chunk::{CONTEXT_BYTES, Chunk, Visitor};
use keysieve_model::coverage::Unread;
use keysieve_model::location::LineStart;
use keysieve_model::provenance::Provenance;

/// The part of a content that one chunk has as its own, in bytes.
const PIECE_BYTES: usize = 4 << 20;
/// From how many bytes or contents on a batch is handed over.
const BATCH_BYTES: usize = 1 << 20;
const BATCH_CONTENTS: usize = 4096;
/// How many bytes may wait for another thread; who has more searches it itself.
const MAX_WAITING_BYTES: usize = 32 << 20;

/// What is counted over all threads that read one source.
#[derive(Debug, Default)]
pub struct Tally {
    waiting: AtomicUsize,
    has_matches: AtomicBool,
    has_gaps: AtomicBool,
    /// Bytes of contents that were handed over.
    bytes: AtomicU64,
}

impl Tally {
    /// Whether nothing was found and everything was read.
    pub fn is_clean(&self) -> bool {
        !self.has_matches.load(Ordering::Relaxed) && !self.has_gaps.load(Ordering::Relaxed)
    }

    /// How many bytes were handed over.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// Hands contents over. One for each thread that reads.
pub struct HandOver<'a, 'scope, V: Visitor> {
    visitor: &'scope V,
    tally: &'scope Tally,
    /// Whose threads may help.
    scope: Option<&'a Scope<'scope>>,
    batch: Batch,
}

/// Contents, or pieces of one, that go to one thread.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    pieces: Vec<Piece>,
}

struct Piece {
    /// Where it lies in the batch, with its context.
    span: Range<usize>,
    /// Its own part, counted from the start of the span.
    own: Range<usize>,
    start: LineStart,
    provenance: Provenance,
}

impl<'a, 'scope, V: Visitor> HandOver<'a, 'scope, V> {
    /// Hands over to `visitor`, with the help of the threads of `scope`.
    pub fn new(visitor: &'scope V, tally: &'scope Tally, scope: Option<&'a Scope<'scope>>) -> Self {
        Self { visitor, tally, scope, batch: Batch::default() }
    }

    /// Says that something cannot be read.
    pub fn unread(&self, unread: Unread) {
        self.tally.has_gaps.store(true, Ordering::Relaxed);
        self.visitor.unread(unread);
    }

    /// Says that something is passed over.
    pub fn skipped(&self, skipped: Unread) {
        self.visitor.skipped(skipped);
    }

    /// Hands over the bytes of `content` to its end.
    ///
    /// # Errors
    ///
    /// When it cannot be read to its end; what came before that is handed over.
    pub fn content(&mut self, content: &mut dyn Read, provenance: impl Fn() -> Provenance) -> io::Result<()> {
        let mut first = self.batch.bytes.len();
        // Where the own part of the next piece begins, counted from `first`, and the line of the piece's first byte.
        let mut own_start = 0;
        let mut start = LineStart::FIRST;
        loop {
            let missing = first + own_start + PIECE_BYTES + CONTEXT_BYTES - self.batch.bytes.len();
            let before = self.batch.bytes.len();
            let result = (&mut *content).take(missing as u64).read_to_end(&mut self.batch.bytes);
            let read = self.batch.bytes.len() - before;
            self.tally.bytes.fetch_add(read as u64, Ordering::Relaxed);
            let is_last = read < missing;
            let length = self.batch.bytes.len() - first;
            let own_end = if is_last { length } else { own_start + PIECE_BYTES };
            // An empty file is a content too.
            if own_end > own_start || own_start == 0 {
                self.batch.pieces.push(Piece {
                    span: first..first + length,
                    own: own_start..own_end,
                    start,
                    provenance: provenance(),
                });
            }
            if is_last {
                if self.batch.bytes.len() >= BATCH_BYTES || self.batch.pieces.len() >= BATCH_CONTENTS {
                    self.flush();
                }
                return result.map(drop);
            }
            let kept_from = own_end.saturating_sub(CONTEXT_BYTES);
            start = start.advance(&self.batch.bytes[first..first + kept_from]);
            let kept = self.batch.bytes[first + kept_from..].to_vec();
            self.flush();
            self.batch.bytes = kept;
            (first, own_start) = (0, own_end - kept_from);
        }
    }

    /// Hands over a file's name, or another short text in an archive's headers, where it is long enough to hold a secret.
    pub fn name(&mut self, name: &[u8], provenance: impl Fn() -> Provenance) {
        if may_hold_secret(name) {
            let first = self.batch.bytes.len();
            self.batch.bytes.extend_from_slice(name);
            self.batch.pieces.push(Piece {
                span: first..first + name.len(),
                own: 0..name.len(),
                start: LineStart::FIRST,
                provenance: provenance(),
            });
        }
    }

    /// Hands over what was gathered.
    pub fn flush(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        if batch.pieces.is_empty() {
            return;
        }
        let (visitor, tally) = (self.visitor, self.tally);
        let size = batch.bytes.len();
        match self.scope {
            Some(scope) if tally.waiting.load(Ordering::Relaxed) + size <= MAX_WAITING_BYTES => {
                tally.waiting.fetch_add(size, Ordering::Relaxed);
                scope.spawn(move |_| {
                    tally.waiting.fetch_sub(size, Ordering::Relaxed);
                    search(visitor, tally, &batch);
                });
            }
            _ => {
                search(visitor, tally, &batch);
                // The room is used again.
                self.batch.bytes = batch.bytes;
                self.batch.bytes.clear();
            }
        }
    }
}

fn search<V: Visitor>(visitor: &V, tally: &Tally, batch: &Batch) {
    for Piece { span, own, start, provenance } in &batch.pieces {
        let bytes = &batch.bytes[span.clone()];
        let provenance = provenance.clone();
        let chunk = Chunk { bytes, own: own.clone(), start: *start, provenance, derivation: None };
        if !visitor.chunk(&chunk, None).is_clean {
            tally.has_matches.store(true, Ordering::Relaxed);
        }
    }
}

/// An archive may have a million names; searching each costs as much as searching a small file. A token in one is a part of some
/// length with some digit, or stands in a URL.
fn may_hold_secret(name: &[u8]) -> bool {
    const MIN_PART_BYTES: usize = 16;
    let is_sign = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"_-+=".contains(byte);
    name.split(is_sign).any(|part| part.len() >= MIN_PART_BYTES && part.iter().any(u8::is_ascii_digit))
        || name.contains_str("://")
}
