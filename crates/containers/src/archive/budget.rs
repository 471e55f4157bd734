//! How much may come out of a container. What a header claims is never believed: bytes are counted as they come.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// What one compressed stream, or the holes of one sparse file, may unpack to, in bytes, whatever its size.
const STREAM_BYTES: u64 = 512 << 20;
/// What everything below one input may unpack to, in bytes, whatever its size.
const INPUT_BYTES: u64 = 2 << 30;
/// How many bytes more for each byte read.
const RATIO: u64 = 200;

/// What everything below one input may unpack to, layer upon layer.
#[derive(Debug)]
pub struct Budget {
    read: Rc<Cell<u64>>,
    unpacked: Cell<u64>,
}

impl Budget {
    /// A budget that grows with `read`, the bytes read of the input itself.
    pub fn new(read: Rc<Cell<u64>>) -> Self {
        Self { read, unpacked: Cell::new(0) }
    }

    /// Whether nothing more may be unpacked.
    pub(super) fn is_spent(&self) -> bool {
        self.unpacked.get() > INPUT_BYTES.saturating_add(self.read.get().saturating_mul(RATIO))
    }

    /// Takes note of `bytes` more.
    pub(super) fn spend(&self, bytes: u64) -> io::Result<()> {
        self.unpacked.set(self.unpacked.get().saturating_add(bytes));
        if self.is_spent() {
            return Err(io::Error::other(format!(
                "what lies in this file unpacks to more than {} MiB and {RATIO} times its size; the rest is not read",
                INPUT_BYTES >> 20
            )));
        }
        Ok(())
    }
}

/// Counts what comes out of a decoder against what went in.
#[derive(Debug)]
pub(super) struct Metered<'b, R> {
    decoder: R,
    budget: &'b Budget,
    /// Bytes read so far of what the decoder reads from, and how many there were when it began.
    input: Rc<Cell<u64>>,
    input_start: u64,
    made: u64,
}

impl<'b, R> Metered<'b, R> {
    pub(super) fn new(decoder: R, budget: &'b Budget, input: Rc<Cell<u64>>, input_start: u64) -> Self {
        Self { decoder, budget, input, input_start, made: 0 }
    }
}

impl<R> Metered<'_, R> {
    pub(super) fn into_inner(self) -> R {
        self.decoder
    }
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.decoder.read(out)?;
        self.made += count as u64;
        let read = self.input.get().saturating_sub(self.input_start);
        if self.made > STREAM_BYTES.saturating_add(read.saturating_mul(RATIO)) {
            return Err(too_much());
        }
        self.budget.spend(count as u64)?;
        Ok(count)
    }
}

/// What is said of a stream that has no end in sight.
pub(super) fn too_much() -> io::Error {
    io::Error::other(format!(
        "it unpacks to more than {} MiB and {RATIO} times its size; the rest of it is not read",
        STREAM_BYTES >> 20
    ))
}

/// Whether the holes of a sparse file of `size` bytes cost too much.
pub(super) fn is_too_sparse(size: u64, stored: u64) -> bool {
    size > STREAM_BYTES.saturating_add(stored.saturating_mul(RATIO))
}
