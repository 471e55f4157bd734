//! Zip archives, read as they come: from one member's header to the next. Read here and not by a crate: those want to seek, which a
//! stream cannot.
//!
//! Others read an archive from the directory at its end. So each of its entries has to name a member that was read here, where
//! it was read and in the same form: an archive that shows others something else is unread, whatever was found in it. What lies
//! between headers is read as plain bytes.

use std::hash::BuildHasher as _;
use std::io::{self, BufRead, Read};
use std::ops::Range;
use std::sync::LazyLock;

use bstr::BString;
use foldhash::fast::RandomState;
use memchr::memmem::Finder;

use super::stream::Stream;

/// The first bytes of a member's header.
pub(super) const HEADER: [u8; 4] = MEMBER;
const MEMBER: [u8; 4] = *b"PK\x03\x04";
const LISTED: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
const SPLIT: [u8; 4] = *b"PK00";

const MEMBER_BYTES: usize = 30;
const LISTED_BYTES: usize = 46;
const END_BYTES: usize = 22;
const END_64_BYTES: usize = 56;
/// The longest comment on an archive.
const MAX_COMMENT_BYTES: usize = u16::MAX as usize;
/// The bytes behind a member with sizes: a checksum and two sizes of 64 bits.
const DESCRIPTOR_BYTES: usize = 20;
/// The most bytes that are searched ahead for a header.
const LOOK_BYTES: usize = 64 << 10;
/// Names in the directory that are kept, in bytes: they are only needed for what is not where it says.
const MAX_KEPT_NAME_BYTES: usize = 1 << 20;

/// Flags of a member.
const IS_ENCRYPTED: u16 = 1;
const HAS_DESCRIPTOR: u16 = 1 << 3;
/// The extra field with sizes of 64 bits, and what stands for a size that is there.
const ZIP64_EXTRA: u16 = 1;
const IN_EXTRA: u32 = u32::MAX;
/// The highest version of the format that a reader is asked for.
const MAX_VERSION: u16 = 63;
const MAX_NAME_BYTES: usize = 4096;
/// Flags that have no meaning, and the compression methods that have one.
const UNKNOWN_FLAGS: u16 = 0b1101_0111_1000_0000;
const METHODS: [u16; 16] = [0, 1, 6, 8, 9, 10, 12, 14, 16, 18, 19, 93, 95, 96, 98, 99];

/// What comes next in an archive.
#[derive(Debug)]
pub(super) enum Item {
    Member(Member),
    /// A comment, another name or a field without meaning here, on a member or on the archive.
    Text(BString),
    /// Bytes outside of the archive; see [`Gap`].
    Gap,
    /// The end of a directory, and what is wrong with that; and the names of members whose content is another one than it says.
    End(Option<String>, Vec<BString>),
    /// The end of the stream.
    Nothing,
}

/// A member's header.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: BString,
    /// Fields that say more about it.
    pub(super) extra: BString,
    pub(super) method: u16,
    pub(super) is_encrypted: bool,
    /// How many bytes are stored; `None` where that is said behind them only.
    pub(super) stored: Option<u64>,
    /// The CRC-32 of its content; `None` where that is said behind it, or in the directory only.
    pub(super) crc32: Option<u32>,
}

/// What a member's header and its entry in the directory both say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    method: u16,
    is_encrypted: bool,
    stored: u64,
}

/// A member that was read, and where its header begins.
#[derive(Debug)]
struct Found {
    start: u64,
    form: Form,
    /// Of its name.
    hash: u64,
    /// Of its content, where all of that was read and its own header did not contradict.
    crc32: Option<u32>,
}

/// An entry of the directory.
#[derive(Debug)]
struct Entry {
    /// Where it says that the member's header begins.
    offset: u64,
    form: Form,
    crc32: u32,
    name: BString,
}

/// Reads an archive's headers from a stream. Members' contents are taken from the stream by the caller.
#[derive(Debug, Default)]
pub(super) struct Zip {
    /// In the order in which they come.
    found: Vec<Found>,
    /// The entries since the last end of a directory.
    entries: Vec<Entry>,
    kept_name_bytes: usize,
    /// Where the entries that stand one behind the other begin and end.
    directory: Range<u64>,
    /// Of the record with sizes of 64 bits, where there is one: how many entries, their length, where they begin.
    end_64: Option<[u64; 3]>,
    /// Whether there was an end of a directory, and no member behind it.
    is_ended: bool,
    /// The comment on the archive, until it is told.
    comment: BString,
    hasher: RandomState,
}

impl Zip {
    /// What comes next.
    ///
    /// # Errors
    ///
    /// When the archive is cut off or the stream fails.
    pub(super) fn next(&mut self, stream: &mut Stream<'_>) -> io::Result<Item> {
        if !self.comment.is_empty() {
            return Ok(Item::Text(std::mem::take(&mut self.comment)));
        }
        loop {
            let start = stream.position();
            let signature = stream.peek(4);
            let Ok(signature) = <[u8; 4]>::try_from(signature) else {
                let is_end = signature.is_empty();
                stream.check()?;
                return match (self.is_ended, is_end) {
                    (true, true) => Ok(Item::Nothing),
                    (true, false) => Ok(Item::Gap),
                    _ => Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the archive is cut off: the list of its members is missing",
                    )),
                };
            };
            match signature {
                // Behind the end anything may stand; what is no header there is read as it is.
                MEMBER if !self.is_ended || is_plausible(stream.peek(MEMBER_BYTES + MAX_NAME_BYTES)) => {
                    self.is_ended = false;
                    let member = member(stream)?;
                    let (method, is_encrypted) = (member.method, member.is_encrypted);
                    let form = Form { method, is_encrypted, stored: 0 };
                    let hash = self.hasher.hash_one(&member.name);
                    self.found.push(Found { start, form, hash, crc32: None });
                    return Ok(Item::Member(member));
                }
                LISTED => {
                    let text = self.entry(stream)?;
                    if !text.is_empty() {
                        return Ok(Item::Text(text));
                    }
                }
                END => {
                    let header: [u8; END_BYTES] = stream.take_array().map_err(told)?;
                    let problem = self.end(&header, start);
                    let damaged = self.damaged(&header);
                    self.entries.clear();
                    (self.end_64, self.is_ended) = (None, true);
                    // Where it has a header in it, a reader that looks from behind may take that for the end.
                    let length = usize::from(u16_at(&header, 20));
                    let comment = stream.peek(length);
                    if next_header(comment).is_none() {
                        let length = comment.len();
                        self.comment = take(stream, length)?;
                    }
                    return Ok(Item::End(problem, damaged));
                }
                END_64 => {
                    if self.directory.end == start {
                        self.directory.end += END_64_BYTES as u64;
                    }
                    let header: [u8; END_64_BYTES] = stream.take_array().map_err(told)?;
                    self.end_64 = Some([32, 40, 48].map(|at| u64_at(&header, at)));
                }
                LOCATOR_64 => {
                    if self.directory.end == start {
                        self.directory.end += 20;
                    }
                    stream.skip(20)?;
                }
                DESCRIPTOR | SPLIT => {
                    stream.skip(4)?;
                }
                _ => {
                    let ahead = stream.peek(DESCRIPTOR_BYTES + MEMBER_BYTES + MAX_NAME_BYTES);
                    match next_header(ahead) {
                        Some(length @ 1..=DESCRIPTOR_BYTES) if !self.is_ended => {
                            return take(stream, length).map(Item::Text);
                        }
                        _ => return Ok(Item::Gap),
                    }
                }
            }
        }
    }

    /// Takes note of how many bytes of the last member are stored, and of the CRC-32 of its content.
    pub(super) fn note(&mut self, stored: u64, crc32: Option<u32>) {
        if let Some(last) = self.found.last_mut() {
            last.form.stored = stored;
            last.crc32 = crc32;
        }
    }

    /// Takes an entry of the directory; gives what is said there and nowhere else.
    fn entry(&mut self, stream: &mut Stream<'_>) -> io::Result<BString> {
        let start = stream.position();
        let header: [u8; LISTED_BYTES] = stream.take_array().map_err(told)?;
        let name = take(stream, usize::from(u16_at(&header, 28)))?;
        let extra = take(stream, usize::from(u16_at(&header, 30)))?;
        let comment = take(stream, usize::from(u16_at(&header, 32)))?;
        if self.directory.end != start {
            self.directory.start = start;
        }
        self.directory.end = stream.position();
        // In this order, each only where the field itself says so.
        let mut large = zip64_extra(&extra).unwrap_or_default();
        let mut value = |at: usize| match u32_at(&header, at) {
            IN_EXTRA if large.len() >= 8 => {
                let value = u64_at(large, 0);
                large = &large[8..];
                value
            }
            value => u64::from(value),
        };
        let (_size, stored, offset) = (value(24), value(20), value(42));
        let form = Form {
            method: u16_at(&header, 10),
            is_encrypted: u16_at(&header, 8) & IS_ENCRYPTED != 0,
            stored,
        };
        let own = self.found.binary_search_by_key(&offset, |found| found.start);
        let is_known = own.is_ok_and(|at| self.found[at].hash == self.hasher.hash_one(&name));
        let other_name = if is_known { BString::default() } else { name.clone() };
        let said = [comment, other_name, extra.clone()].into_iter().filter(|field| !field.is_empty());
        let text = bstr::join("\n", said).into();
        self.kept_name_bytes += name.len();
        let name = if self.kept_name_bytes <= MAX_KEPT_NAME_BYTES { name } else { BString::default() };
        self.entries.push(Entry { offset, form, crc32: u32_at(&header, 16), name });
        Ok(text)
    }

    /// What is wrong with the directory that ends with the record `header`, which begins at `start`.
    fn end(&self, header: &[u8; END_BYTES], start: u64) -> Option<String> {
        let own =
            [u64::from(u16_at(header, 10)), u64::from(u32_at(header, 12)), u64::from(u32_at(header, 16))];
        let unsaid = [u64::from(u16::MAX), u64::from(IN_EXTRA), u64::from(IN_EXTRA)];
        let mut stated = own;
        for (at, large) in self.end_64.iter().flatten().enumerate() {
            if own[at] != unsaid[at] && own[at] != *large {
                return Some(
                    "its two ends contradict each other; unpack it and scan what is in it".to_owned(),
                );
            }
            stated[at] = *large;
        }
        let [count, length, _] = stated;
        // The two records in front of the end, where there are any, belong to what the entries take.
        let records = if self.end_64.is_some() { END_64_BYTES as u64 + 20 } else { 0 };
        let entries = self.entries.len() as u64;
        let taken = (self.directory.end - self.directory.start).saturating_sub(records);
        if count != entries {
            return Some(format!("it lists {count} files at its end, where {entries} are listed"));
        }
        if entries > 0 && (self.directory.end != start || length != taken) {
            return Some("the list of its files is not where its end says".to_owned());
        }
        let shift = self.shift(header);
        let mut strangers = self.entries.iter().filter(|entry| !self.has(entry, shift));
        let first = strangers.next()?;
        let name = if first.name.is_empty() { "(no name)".into() } else { first.name.to_string() };
        let more = match strangers.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Some(format!(
            "it lists `{name}`{more} where no such file begins, or in another form than its own header; unpack it and scan \
             what is in it"
        ))
    }

    /// How far members begin behind where the directory says, as its end has it: other data may stand in front.
    fn shift(&self, header: &[u8; END_BYTES]) -> i64 {
        let own = u64::from(u32_at(header, 16));
        let offset = self.end_64.map_or(own, |[_, _, offset]| offset);
        self.directory.start.cast_signed().wrapping_sub(offset.cast_signed())
    }

    /// Whether the entry's member was read.
    fn has(&self, entry: &Entry, shift: i64) -> bool {
        self.found(entry, shift).is_some_and(|found| found.form == entry.form)
    }

    fn found(&self, entry: &Entry, shift: i64) -> Option<&Found> {
        let start = entry.offset.wrapping_add_signed(shift);
        self.found.binary_search_by_key(&start, |found| found.start).ok().map(|at| &self.found[at])
    }

    /// The names of the members whose content has another CRC-32 than the directory says.
    fn damaged(&self, header: &[u8; END_BYTES]) -> Vec<BString> {
        let shift = self.shift(header);
        let is_damaged = |entry: &&Entry| {
            let crc32 = self.found(entry, shift).and_then(|found| found.crc32);
            crc32.is_some_and(|crc32| crc32 != entry.crc32)
        };
        self.entries.iter().filter(is_damaged).map(|entry| entry.name.clone()).collect()
    }
}

/// Where the next header begins in `bytes`; none where there is none in them.
fn next_header(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(bytes, b"PK").find(|&at| is_header(&bytes[at..]))
}

fn is_header(bytes: &[u8]) -> bool {
    match bytes.first_chunk() {
        Some(&MEMBER) => is_plausible(bytes),
        Some(signature) => [LISTED, END, END_64].contains(signature),
        None => false,
    }
}

/// Whether it is a member's header, not only four bytes that look so. One that is cut off is.
fn is_plausible(bytes: &[u8]) -> bool {
    let Some(header) = bytes.first_chunk::<MEMBER_BYTES>() else { return true };
    let name_bytes = usize::from(u16_at(header, 26));
    let name = &bytes[MEMBER_BYTES..bytes.len().min(MEMBER_BYTES + name_bytes)];
    u16_at(header, 4) <= MAX_VERSION
        && (1..=MAX_NAME_BYTES).contains(&name_bytes)
        && !name.iter().any(u8::is_ascii_control)
}

/// Where an archive begins that ends where `content` ends and has other data in front, such as a program that unpacks it. It may
/// be followed by what is no part of it.
pub(super) fn start_behind(content: &[u8]) -> Option<usize> {
    static FIND: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(&MEMBER));
    // Hardly any content has a header, so its end is looked for last.
    let first = FIND.find_iter(content).find(|&at| is_plausible(&content[at..]))?;
    if has_end(content) { Some(first) } else { start_of_cut_off(content) }
}

/// Where an archive begins whose end is missing, with other data in front. Four bytes alone are no archive: programs that know
/// the format have them, so the rest of the header has to make sense too.
pub(super) fn start_of_cut_off(content: &[u8]) -> Option<usize> {
    static FIND: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(&MEMBER));
    FIND.find_iter(content).find(|&at| is_certain(&content[at..]))
}

/// Whether it is the whole header of a member, with nothing in it that no program writes.
fn is_certain(bytes: &[u8]) -> bool {
    let Some(header) = bytes.first_chunk::<MEMBER_BYTES>() else { return false };
    let (flags, method, date) = (u16_at(header, 6), u16_at(header, 8), u16_at(header, 12));
    let (stored, size) = (u32_at(header, 18), u32_at(header, 22));
    let (name_bytes, extra_bytes) = (usize::from(u16_at(header, 26)), usize::from(u16_at(header, 28)));
    if bytes.len() < MEMBER_BYTES + name_bytes {
        return false;
    }
    // Days and months count from 1; some programs write no date.
    let is_date = date == 0 || ((1..=31).contains(&(date & 31)) && (1..=12).contains(&(date >> 5 & 15)));
    let has_sizes = flags & (HAS_DESCRIPTOR | IS_ENCRYPTED) == 0 && method == 0;
    is_plausible(bytes)
        && flags & UNKNOWN_FLAGS == 0
        && METHODS.contains(&method)
        && is_date
        && (!has_sizes || stored == size)
        && (extra_bytes == 0 || is_extra(&bytes[MEMBER_BYTES + name_bytes..], extra_bytes))
}

/// Whether the first extra field fits into the bytes for all of them; what is cut off fits.
fn is_extra(bytes: &[u8], extra_bytes: usize) -> bool {
    bytes.first_chunk::<4>().is_none_or(|field| usize::from(u16_at(field, 2)) + 4 <= extra_bytes)
}

/// Whether the content ends with a directory, its end, and a comment.
pub(super) fn has_end(content: &[u8]) -> bool {
    static FIND: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(&END));
    let tail = content.len().saturating_sub(END_BYTES + MAX_COMMENT_BYTES);
    FIND.find_iter(&content[tail..]).any(|at| is_end(content, tail + at))
}

/// Whether what the end of a directory begins with is anywhere in it.
pub(super) fn has_end_record(content: &[u8]) -> bool {
    memchr::memmem::find(content, &END).is_some()
}

/// Whether there is the end of a directory at `end`: an empty one, or with an entry in front of it. Where the directory begins may
/// be a lie.
fn is_end(content: &[u8], end: usize) -> bool {
    let Some(header) = content[end..].first_chunk::<END_BYTES>() else { return false };
    u16_at(header, 10) == 0 || memchr::memmem::rfind(&content[..end], &LISTED).is_some()
}

/// What lies in front of the next header, or of the end of the stream.
pub(super) struct Gap<'s, 'a> {
    stream: &'s mut Stream<'a>,
    /// How many bytes are known to be in front of it.
    known: usize,
    is_at_start: bool,
}

impl<'s, 'a> Gap<'s, 'a> {
    pub(super) fn new(stream: &'s mut Stream<'a>) -> Self {
        Self { stream, known: 0, is_at_start: true }
    }
}

impl Read for Gap<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.known == 0 {
            let ahead = self.stream.peek(LOOK_BYTES);
            let is_last = ahead.len() < LOOK_BYTES;
            // What stands first was looked at by whoever found that it is no header.
            let skipped = usize::from(self.is_at_start).min(ahead.len());
            // One that begins behind may go on beyond what is seen.
            let seen = if is_last { ahead.len() } else { ahead.len() - MEMBER_BYTES - MAX_NAME_BYTES };
            self.known = next_header(&ahead[skipped..]).map_or(seen, |at| seen.min(skipped + at));
            self.is_at_start = false;
            if self.known == 0 {
                self.stream.check()?;
                return Ok(0);
            }
        }
        let length = self.known.min(out.len());
        let count = self.stream.read(&mut out[..length])?;
        self.known -= count;
        Ok(count)
    }
}

fn member(stream: &mut Stream<'_>) -> io::Result<Member> {
    let header: [u8; MEMBER_BYTES] = stream.take_array().map_err(told)?;
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
        extra,
        method: u16_at(&header, 8),
        is_encrypted: flags & IS_ENCRYPTED != 0,
        stored: stored.filter(|&stored| flags & HAS_DESCRIPTOR == 0 || stored > 0),
        // Some programs leave it out without saying so.
        crc32: Some(u32_at(&header, 14)).filter(|&crc32| flags & HAS_DESCRIPTOR == 0 && crc32 != 0),
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
    stream.read_exact(&mut bytes).map_err(told)?;
    Ok(bytes.into())
}

/// What is said where the stream ends in the middle of a header. What the stream itself says is kept.
fn told(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof if error.get_ref().is_none() => {
            io::Error::new(io::ErrorKind::UnexpectedEof, "the archive is cut off in the middle of a header")
        }
        _ => error,
    }
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

/// Sums up what is read.
pub(super) struct Summed<R> {
    source: R,
    hasher: crc32fast::Hasher,
    is_at_end: bool,
}

impl<R> Summed<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, hasher: crc32fast::Hasher::new(), is_at_end: false }
    }

    /// The CRC-32 of all that there is; `None` where it was not read to its end.
    pub(super) fn crc32(self) -> Option<u32> {
        self.is_at_end.then(|| self.hasher.finalize())
    }
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(out)?;
        self.hasher.update(&out[..count]);
        self.is_at_end |= count == 0 && !out.is_empty();
        Ok(count)
    }
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

    /// Whether bytes are left of it.
    pub(super) fn has_more(&self) -> bool {
        self.left.is_some_and(|left| left > 0)
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
