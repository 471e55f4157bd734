//! The index file: <https://git-scm.com/docs/index-format>. `gix` reads it, but for paths of 4,095 bytes and more: those have
//! no length in versions 2 and 3, and are rewritten as version 4, which has none for any path.

use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;

use gix::hash::Kind as HashKind;
use gix::index::decode::Options;
use gix::index::{File, State};

use keysieve_model::coverage::Unread;
use keysieve_model::provenance::path_bytes;
use keysieve_paths::control;

/// The largest index that is read, in bytes.
const MAX_INDEX_BYTES: u64 = 4 << 30;
const HEADER_BYTES: usize = 12;
/// What stands before an entry's id: times, device, mode, owner, size.
const STAT_BYTES: usize = 40;
/// The length of a path that is as long or longer.
const MAX_LENGTH: u16 = 0xfff;
const EXTENDED: u16 = 0x4000;

/// Reads the index file at `path`; no file is an empty index.
///
/// # Errors
///
/// When it is damaged.
pub(super) fn read(path: &Path, hash: HashKind) -> Result<State, Unread> {
    let fail = |why: String| {
        let why = format!("the index is damaged ({why}); `git reset` makes a new one");
        // One spelling, however the repository was named: the same gap is counted once.
        let spelled = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Unread::new(path_bytes(&spelled), why)
    };
    let bytes = match control::read(path, MAX_INDEX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(State::new(hash)),
        Err(error) => return Err(fail(error.to_string())),
    };
    match rewritten(&bytes, hash) {
        None => {
            let index = File::at(path, hash, false, Options::default());
            index.map(|index| index.into_parts().0).map_err(|error| fail(error.to_string()))
        }
        Some(rewritten) => {
            let rewritten = rewritten.map_err(|why| fail(why.to_owned()))?;
            let written = State::new(hash).timestamp();
            let read = State::from_bytes(&rewritten, written, hash, Options::default());
            read.map(|(state, _)| state).map_err(|error| fail(error.to_string()))
        }
    }
}

/// The index in version 4, where it has a path that `gix` cannot read otherwise.
pub(super) fn rewritten(bytes: &[u8], hash: HashKind) -> Option<Result<Vec<u8>, &'static str>> {
    let layout = Layout::of(bytes, hash).filter(|layout| layout.has_long_path)?;
    Some(layout.as_version_4(bytes, hash))
}

/// Where the parts of an index of version 2 or 3 lie.
struct Layout {
    /// Each entry before its path, and its path.
    entries: Vec<(Range<usize>, Range<usize>)>,
    has_long_path: bool,
    /// Where the extensions begin.
    extensions: usize,
}

impl Layout {
    /// `None` for other versions, and where entries are cut off.
    fn of(bytes: &[u8], hash: HashKind) -> Option<Self> {
        if !bytes.starts_with(b"DIRC") || !matches!(number(bytes, 4)?, 2 | 3) {
            return None;
        }
        let count = number(bytes, 8)?;
        let mut layout = Self { entries: Vec::new(), has_long_path: false, extensions: HEADER_BYTES };
        for _ in 0..count {
            let start = layout.extensions;
            let flags_start = start + STAT_BYTES + hash.len_in_bytes();
            let flags = u16::from_be_bytes(bytes.get(flags_start..flags_start + 2)?.try_into().ok()?);
            let path_start = flags_start + if flags & EXTENDED == 0 { 2 } else { 4 };
            let length = match flags & MAX_LENGTH {
                MAX_LENGTH => {
                    layout.has_long_path = true;
                    memchr::memchr(0, bytes.get(path_start..)?)?
                }
                length => usize::from(length),
            };
            let path = path_start..path_start + length;
            bytes.get(path.clone())?;
            // Zeros follow, one at least, up to a multiple of eight bytes.
            layout.extensions = start + ((path.end - start + 8) & !7);
            layout.entries.push((start..path_start, path));
        }
        Some(layout)
    }

    /// The same index in version 4.
    fn as_version_4(&self, bytes: &[u8], hash: HashKind) -> Result<Vec<u8>, &'static str> {
        const CUT_OFF: &str = "it is cut off";
        let end = bytes.len().checked_sub(hash.len_in_bytes()).ok_or(CUT_OFF)?;
        let (content, checksum) = bytes.split_at(end);
        // Git can be told to write zeros instead.
        if checksum.iter().any(|&byte| byte != 0) && sum(content, hash)? != checksum {
            return Err("its checksum does not match");
        }
        let mut new = [b"DIRC", 4u32.to_be_bytes().as_slice(), &bytes[8..HEADER_BYTES]].concat();
        let mut before = 0;
        for (entry, path) in &self.entries {
            new.extend_from_slice(&bytes[entry.clone()]);
            // Nothing is shared with the path before.
            push_offset(&mut new, before);
            new.extend_from_slice(&bytes[path.clone()]);
            new.push(0);
            before = path.len();
        }
        let mut at = self.extensions;
        while at < end {
            let size = number(content, at + 4).ok_or(CUT_OFF)? as usize;
            let extension = content.get(at..at + 8 + size).ok_or(CUT_OFF)?;
            match &extension[..4] {
                b"link" => return Err("it is split, and has a path of more than 4,094 bytes"),
                // Where the entries lie, which is elsewhere now.
                b"EOIE" | b"IEOT" => {}
                _ => new.extend_from_slice(extension),
            }
            at += extension.len();
        }
        let checksum = sum(&new, hash)?;
        new.extend_from_slice(&checksum);
        Ok(new)
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn sum(bytes: &[u8], hash: HashKind) -> Result<Vec<u8>, &'static str> {
    let mut hasher = gix::hash::hasher(hash);
    hasher.update(bytes);
    let sum = hasher.try_finalize().map_err(|_| "it looks forged: a collision of SHA-1")?;
    Ok(sum.as_bytes().to_vec())
}

/// Seven bits a byte, the highest first, each further byte standing for one more than its bits.
fn push_offset(out: &mut Vec<u8>, value: usize) {
    let mut bytes = vec![(value & 0x7f) as u8];
    let mut rest = value >> 7;
    while rest > 0 {
        rest -= 1;
        bytes.push(0x80 | (rest & 0x7f) as u8);
        rest >>= 7;
    }
    out.extend(bytes.iter().rev());
}
