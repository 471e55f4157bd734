//! Standard input, and every other stream: read in pieces that overlap, so that memory does not grow with the input.

use std::io::{self, Read as _};

use crate::chunk::{CONTEXT_BYTES, Chunk, Visitor};
use crate::coverage::{Read, Unread};
use crate::location::LineStart;
use crate::provenance::Provenance;

use super::Source;

/// The part of a content that one chunk has as its own, in bytes.
const PIECE_BYTES: usize = 8 << 20;

/// Standard input as one content.
#[derive(Debug, Clone, Copy)]
pub struct Stdin;

impl Source for Stdin {
    fn visit_chunks<V: Visitor>(&self, visitor: &V) -> Read {
        match visit_stream(io::stdin().lock(), &Provenance::Stdin, visitor) {
            Ok(bytes) => Read { files: 1, bytes, ..Read::default() },
            Err(error) => {
                visitor.unread(Unread::new("standard input", error.to_string()));
                Read::default()
            }
        }
    }
}

/// Hands the bytes of `stream` over, in one piece where they are few. Returns how many there were.
pub(super) fn visit_stream<V: Visitor>(
    mut stream: impl io::Read,
    provenance: &Provenance,
    visitor: &V,
) -> io::Result<u64> {
    let mut buffer = Vec::new();
    // Where the own part of the next chunk begins in the buffer, and the line of the buffer's first byte.
    let mut own_start = 0;
    let mut start = LineStart::FIRST;
    let mut total = 0;
    loop {
        let wanted = own_start + PIECE_BYTES + CONTEXT_BYTES;
        let missing = wanted.saturating_sub(buffer.len());
        let read = stream.by_ref().take(missing as u64).read_to_end(&mut buffer)?;
        total += read as u64;
        let is_last = read < missing;
        let own_end = if is_last { buffer.len() } else { own_start + PIECE_BYTES };
        let own = own_start..own_end;
        let provenance = provenance.clone();
        visitor.chunk(&Chunk { bytes: &buffer, own, start, provenance, derivation: None }, None);
        if is_last {
            return Ok(total);
        }
        let kept_from = own_end.saturating_sub(CONTEXT_BYTES);
        start = start.advance(&buffer[..kept_from]);
        buffer.drain(..kept_from);
        own_start = own_end - kept_from;
    }
}
