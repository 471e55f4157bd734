//! What sources hand to the detector: lent bytes with their provenance, and how they came from an earlier chunk.
//!
//! The contract between the two has three parts:
//!
//! - A content may be handed over whole or in pieces. A piece carries [`CONTEXT_BYTES`] of its neighbours on both
//!   sides, and says which part of it is its own, so that every cut gives the same matches.
//! - A chunk may say that parts of it were copied from a chunk seen before ([`Derivation`]). The worker that saw that
//!   chunk returned an opaque memo, and gets it back with the derived one, so it can shift what it knows instead of
//!   searching again. To ignore a derivation is always right, only slower.
//! - What could not be read is handed over too, as [`Unread`]: nothing is skipped in silence.

use std::ops::Range;

pub use keysieve_rules::CONTEXT_BYTES;

use crate::coverage::{Read, Unread};
use crate::location::LineStart;
use crate::provenance::Provenance;

/// Bytes to be searched, lent for the time of one call.
#[derive(Debug, Clone)]
pub struct Chunk<'a> {
    /// The bytes, with the neighbours' context in front and behind when this is a piece of a larger content.
    pub bytes: &'a [u8],
    /// The part of `bytes` that is this chunk's own; matches belong to the piece that owns their keyword's first byte.
    pub own: Range<usize>,
    /// Line and column of `bytes[0]` in the content.
    pub start: LineStart,
    /// Where the bytes come from.
    pub provenance: Provenance,
    /// How the bytes came from those of an earlier chunk, where a source knows.
    pub derivation: Option<Derivation<'a>>,
}

impl<'a> Chunk<'a> {
    /// A content in one piece.
    #[must_use]
    pub fn whole(bytes: &'a [u8], provenance: Provenance) -> Self {
        Self { bytes, own: 0..bytes.len(), start: LineStart::FIRST, provenance, derivation: None }
    }
}

/// Which parts of a chunk were copied from its base; all other bytes are new.
#[derive(Debug, Clone, Copy)]
pub struct Derivation<'a> {
    /// The bytes of the base.
    pub base: &'a [u8],
    /// The copied spans, sorted by where they lie in the chunk, not overlapping there.
    pub copies: &'a [Copied],
}

/// A span of a chunk whose bytes equal a span of its base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Offset in the base, in bytes.
    pub from: usize,
    /// Offset in the chunk, in bytes.
    pub to: usize,
    /// Length in bytes.
    pub length: usize,
}

/// What a visitor says of a chunk.
#[derive(Debug)]
pub struct Searched<M> {
    /// For chunks derived from this one.
    pub memo: M,
    /// Whether there is nothing in it, so that it need not be searched again by the same visitor with the same rules.
    pub is_clean: bool,
}

/// Receives the chunks of a source, one worker for each thread that the source uses.
pub trait Visitor: Sync {
    /// What a worker remembers of a chunk, for chunks derived from it.
    type Memo: Send + Sync;

    /// Searches one chunk. `base` is what this visitor remembered of the chunk that `chunk.derivation` names.
    fn chunk(&self, chunk: &Chunk<'_>, base: Option<&Self::Memo>) -> Searched<Self::Memo>;

    /// Takes note of something that was asked for and could not be read.
    fn unread(&self, unread: Unread);

    /// Takes note of something that is passed over on purpose, such as a symbolic link.
    fn skipped(&self, skipped: Unread);
}

/// A place to read from.
pub trait Source {
    /// Hands every chunk to `visitor`, from any thread of the current pool, and what cannot be read too. Returns what was
    /// read.
    fn visit_chunks<V: Visitor>(&self, visitor: &V) -> Read;
}
