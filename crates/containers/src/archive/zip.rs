//! Zip archives, read as they come: from one member's header to the next. The directory at their end, which may lie, only has to
//! agree on how many members there are. Read here and not by a crate: those want to seek, which a stream cannot.

use std::io::{self, BufRead, Read};

use bstr::BString;

use super::stream::Stream;

const MEMBER: [u8; 4] = *b"PK\x03\x04";
const LISTED: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";

/// Flags of a member.
const IS_ENCRYPTED: u16 = 1;
const HAS_DESCRIPTOR: u16 = 1 << 3;
/// The extra field with sizes of 64 bits, and what stands for a size that is there.
const ZIP64_EXTRA: u16 = 1;
const IN_EXTRA: u32 = u32::MAX;

/// What comes next in an archive.
#[derive(Debug)]
pub(super) enum Item {
    Member(Member),
    /// A comment on a member or on the archive.
    Comment(BString),
    /// The end, and how many members are listed there.
    End {
        listed: u64,
    },
}

/// A member's header.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: BString,
    pub(super) method: u16,
    pub(super) is_encrypted: bool,
    /// How many bytes are stored; `None` where that is said behind them only.
    pub(super) stored: Option<u64>,
}

/// Reads an archive's headers from a stream. Members' contents are taken from the stream by the caller.
#[derive(Debug, Default)]
pub(super) struct Zip {
    listed: u64,
}

impl Zip {
    /// What comes next.
    ///
    /// # Errors
    ///
    /// When the archive is cut off or the stream fails.
    pub(super) fn next(&mut self, stream: &mut Stream<'_>) -> io::Result<Item> {
        loop {
            let signature = stream.peek(4);
            let Ok(signature) = <[u8; 4]>::try_from(signature) else {
                stream.check()?;
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the archive is cut off: the list of its members is missing",
                ));
            };
            match signature {
                MEMBER => return member(stream).map(Item::Member),
                LISTED => {
                    self.listed += 1;
                    let header: [u8; 46] = stream.take_array()?;
                    let skipped = u64::from(u16_at(&header, 28)) + u64::from(u16_at(&header, 30));
                    stream.skip(skipped)?;
                    let comment = take(stream, usize::from(u16_at(&header, 32)))?;
                    if !comment.is_empty() {
                        return Ok(Item::Comment(comment));
                    }
                }
                END => {
                    let header: [u8; 22] = stream.take_array()?;
                    let comment = take(stream, usize::from(u16_at(&header, 20)))?;
                    // The end is told the next time.
                    if !comment.is_empty() {
                        return Ok(Item::Comment(comment));
                    }
                    return Ok(Item::End { listed: self.listed });
                }
                END_64 => {
                    let header: [u8; 12] = stream.take_array()?;
                    stream.skip(u64_at(&header, 4))?;
                }
                LOCATOR_64 => {
                    stream.skip(20)?;
                }
                DESCRIPTOR | [b'P', b'K', b'0', b'0'] => {
                    stream.skip(4)?;
                }
                _ => {
                    skip_to_signature(stream)?;
                }
            }
        }
    }
}

/// Passes over what is no header, such as what stands behind a member's content, or an APK's signatures.
fn skip_to_signature(stream: &mut Stream<'_>) -> io::Result<()> {
    stream.skip(1)?;
    loop {
        let ahead = stream.peek(64 << 10);
        if ahead.len() < 4 {
            let length = ahead.len() as u64;
            stream.check()?;
            return stream.skip(length).map(drop);
        }
        let found =
            ahead.windows(4).position(|four| [MEMBER, LISTED, END, END_64].iter().any(|known| four == known));
        let passed = found.unwrap_or(ahead.len() - 3) as u64;
        stream.skip(passed)?;
        if found.is_some() {
            return Ok(());
        }
    }
}

fn member(stream: &mut Stream<'_>) -> io::Result<Member> {
    let header: [u8; 30] = stream.take_array()?;
    let flags = u16_at(&header, 6);
    let name = take(stream, usize::from(u16_at(&header, 26)))?;
    let extra = take(stream, usize::from(u16_at(&header, 28)))?;
    let (stored, size) = (u32_at(&header, 18), u32_at(&header, 22));
    let stored = if stored == IN_EXTRA {
        // The size comes first, where it is there too.
        let at = if size == IN_EXTRA { 8 } else { 0 };
        zip64_extra(&extra).filter(|extra| extra.len() >= at + 8).map(|extra| u64_at(extra, at))
    } else {
        Some(u64::from(stored))
    };
    Ok(Member {
        name,
        method: u16_at(&header, 8),
        is_encrypted: flags & IS_ENCRYPTED != 0,
        stored: stored.filter(|&stored| flags & HAS_DESCRIPTOR == 0 || stored > 0),
    })
}

fn zip64_extra(mut extra: &[u8]) -> Option<&[u8]> {
    while extra.len() >= 4 {
        let (id, length) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let body = extra.get(4..4 + length)?;
        if id == ZIP64_EXTRA {
            return Some(body);
        }
        extra = &extra[4 + length..];
    }
    None
}

fn take(stream: &mut Stream<'_>, length: usize) -> io::Result<BString> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(bytes.into())
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

/// The content of a member as it is stored.
pub(super) struct Stored<'s, 'a> {
    stream: &'s mut Stream<'a>,
    /// How many bytes are left of it; `None` where its end shows in itself.
    left: Option<u64>,
    is_cut_off: bool,
}

impl<'s, 'a> Stored<'s, 'a> {
    pub(super) fn new(stream: &'s mut Stream<'a>, length: Option<u64>) -> Self {
        Self { stream, left: length, is_cut_off: false }
    }

    /// Whether the stream failed, and whoever read from it was told.
    pub(super) fn is_broken(&self) -> bool {
        self.stream.is_broken() || self.is_cut_off
    }

    /// Passes over what is left of it.
    pub(super) fn finish(self) -> io::Result<()> {
        let left = self.left.unwrap_or(0);
        if self.stream.skip(left)? < left { Err(cut_off()) } else { Ok(()) }
    }
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the archive is cut off in the middle of a file")
}

impl Read for Stored<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(out.len());
        out[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Stored<'_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let Some(left) = self.left else { return self.stream.fill_buf() };
        if left == 0 {
            return Ok(&[]);
        }
        let available = self.stream.fill_buf()?;
        if available.is_empty() {
            self.is_cut_off = true;
            return Err(cut_off());
        }
        let count = available.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        Ok(&available[..count])
    }

    fn consume(&mut self, count: usize) {
        self.stream.consume(count);
        if let Some(left) = &mut self.left {
            *left -= count as u64;
        }
    }
}
