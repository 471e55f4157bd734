//! Bytes that come one after the other, of which some may be looked at before they are taken.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

/// How many bytes are asked for at once.
const BUFFER_BYTES: usize = 128 << 10;

/// A reader that can look ahead, counts, and remembers that it failed.
pub struct Stream<'a> {
    source: &'a mut dyn Read,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes that came from the source, shared with whoever weighs what became of them.
    count: Rc<Cell<u64>>,
    /// Why the source can give no more. Kept: a decoder that failed once may do as if it had ended.
    failure: Option<(io::ErrorKind, String)>,
    /// Whether somebody was told of it.
    is_told: bool,
}

impl<'a> Stream<'a> {
    /// Nothing is read yet.
    pub fn new(source: &'a mut dyn Read) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            count: Rc::default(),
            failure: None,
            is_told: false,
        }
    }

    /// The count of bytes that came from the source, as it goes on.
    pub fn count(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.count)
    }

    /// Whether the source failed, and whoever read from it then was told why.
    pub fn is_broken(&self) -> bool {
        self.is_told
    }

    /// An error where the source failed; that it ended is none.
    pub(super) fn check(&mut self) -> io::Result<()> {
        if self.failure.is_some() { self.fill_buf().map(drop) } else { Ok(()) }
    }

    /// How many bytes were taken.
    pub fn position(&self) -> u64 {
        self.count.get() - (self.end - self.start) as u64
    }

    /// The next bytes, `count` of them unless the source ends or fails before; they are not taken.
    pub fn peek(&mut self, count: usize) -> &[u8] {
        while self.end - self.start < count {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, self.end - self.start);
            }
            if self.buffer.len() < count.max(BUFFER_BYTES) {
                self.buffer.resize(count.max(BUFFER_BYTES), 0);
            }
            // A failure is told when the bytes are taken.
            match self.refill() {
                Ok(0) => break,
                Ok(_) => {}
                Err(_) => {
                    self.is_told = false;
                    break;
                }
            }
        }
        let end = self.end.min(self.start + count);
        &self.buffer[self.start..end]
    }

    /// Whether there are no more bytes.
    pub fn is_at_end(&mut self) -> bool {
        self.peek(1).is_empty()
    }

    /// Takes `count` bytes and forgets them. Returns how many there were.
    pub fn skip(&mut self, count: u64) -> io::Result<u64> {
        let mut skipped = 0;
        while skipped < count {
            let available = self.fill_buf()?.len() as u64;
            if available == 0 {
                break;
            }
            let now = available.min(count - skipped);
            self.consume(now as usize);
            skipped += now;
        }
        Ok(skipped)
    }

    /// Takes exactly these many bytes; an error of kind `UnexpectedEof` where there are fewer.
    pub(super) fn take_array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads into the buffer behind what is there.
    fn refill(&mut self) -> io::Result<usize> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let read = self.read_source(&mut buffer[self.end..]);
        self.buffer = buffer;
        self.end += *read.as_ref().unwrap_or(&0);
        read
    }

    fn read_source(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Some((kind, why)) = &self.failure {
            self.is_told = true;
            return Err(io::Error::new(*kind, why.clone()));
        }
        loop {
            match self.source.read(out) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some((error.kind(), error.to_string()));
                    self.is_told = true;
                    return Err(error);
                }
                Ok(read) => {
                    self.count.set(self.count.get() + read as u64);
                    return Ok(read);
                }
            }
        }
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end && out.len() >= BUFFER_BYTES {
            return self.read_source(out);
        }
        let available = self.fill_buf()?;
        let count = available.len().min(out.len());
        out[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Stream<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            let room = self.buffer.len().max(BUFFER_BYTES);
            self.buffer.resize(room, 0);
            (self.start, self.end) = (0, 0);
            self.refill()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }
}
