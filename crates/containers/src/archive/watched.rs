//! Watches what is read as plain bytes for a zip archive behind it: programs that unpack themselves, executable `.jar` and `.pyz`
//! files, `.crx`, pictures with an archive at their end.

use std::io::{self, Read};
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::zip::{self, HEADER};

/// The largest archive behind other data that is opened, in bytes: until its end is seen it is kept.
const MAX_BYTES: usize = 64 << 20;
/// The bytes that are kept of the end of a larger one.
const TAIL_BYTES: usize = 1 << 20;

/// Passes bytes on, and keeps those that may be an archive.
pub(super) struct Watched<'s> {
    source: &'s mut dyn Read,
    /// From what looks like the first header on; before that, the last bytes, in which one may begin.
    kept: Vec<u8>,
    has_begun: bool,
    /// Bytes that were not kept because there are too many.
    dropped: u64,
    /// Whether an archive certainly begins in them and does not end.
    is_endless: bool,
}

impl<'s> Watched<'s> {
    pub(super) fn new(source: &'s mut dyn Read) -> Self {
        Self { source, kept: Vec::new(), has_begun: false, dropped: 0, is_endless: false }
    }

    /// The archive, from its first member on, once everything was read; none where there is none, an error where it is too large.
    pub(super) fn archive(mut self) -> Option<Result<Vec<u8>, String>> {
        if !self.has_begun {
            return None;
        }
        if self.dropped > 0 {
            let is_cut_off = self.is_endless && !zip::has_end_record(&self.kept);
            return (is_cut_off || zip::has_end(&self.kept)).then(|| {
                Err(format!(
                    "a zip archive of more than {} MiB stands behind other data; unpack it and scan what is in it",
                    MAX_BYTES >> 20
                ))
            });
        }
        let start = zip::start_behind(&self.kept)?;
        self.kept.drain(..start);
        Some(Ok(self.kept))
    }

    fn watch(&mut self, read: &[u8]) {
        static FIND: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(&HEADER));
        if self.has_begun {
            self.kept.extend_from_slice(read);
            // Too large: only its end is of use.
            if self.kept.len() > if self.dropped > 0 { 2 * TAIL_BYTES } else { MAX_BYTES } {
                let surplus = self.kept.len() - TAIL_BYTES;
                // One that ends in the middle is a part of something else, such as an image of a disk.
                if self.dropped == 0 {
                    self.is_endless = zip::start_of_cut_off(&self.kept).is_some();
                }
                self.is_endless = self.is_endless && !zip::has_end_record(&self.kept);
                self.kept.drain(..surplus);
                self.kept.shrink_to(2 * TAIL_BYTES);
                self.dropped += surplus as u64;
            }
            return;
        }
        // A header may lie across two reads.
        let before = self.kept.len();
        self.kept.extend_from_slice(&read[..read.len().min(HEADER.len() - 1)]);
        if let Some(at) = FIND.find(&self.kept) {
            self.kept.drain(..at);
            self.kept.truncate(before - at);
            self.kept.extend_from_slice(read);
            self.has_begun = true;
        } else if let Some(at) = FIND.find(read) {
            self.kept = read[at..].to_vec();
            self.has_begun = true;
        } else {
            self.kept.truncate(before);
            self.kept.extend_from_slice(&read[read.len().saturating_sub(HEADER.len() - 1)..]);
            let surplus = self.kept.len().saturating_sub(HEADER.len() - 1);
            self.kept.drain(..surplus);
        }
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(out)?;
        self.watch(&out[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same bytes, at most `step` at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(out.len());
            self.0.read(&mut out[..length])
        }
    }

    #[test]
    fn a_header_is_seen_however_the_bytes_come() {
        let content = [b"PKPK\x03PK\x03".as_slice(), &HEADER, b"\x14\x00 and more"].concat();
        for step in 1..=content.len() {
            let mut slow = Slow(&content, step);
            let mut watched = Watched::new(&mut slow);
            io::copy(&mut watched, &mut io::sink()).expect("all is read");
            assert_eq!(watched.kept, content[8..], "{step} bytes at a time");
        }
    }
}
