//! Tar archives, read as they come: POSIX with PAX headers, GNU with long names and sparse files, and what real writers leave
//! out (padding, the end). Read here and not by a crate, because every byte counts: claimed sizes, holes, what lies behind the
//! end, and what follows damage.

use std::io::{self, Read};

use bstr::{BString, ByteSlice};

use super::budget::{Budget, is_too_sparse, too_much};
use super::format::tar_header::{LENGTH, is_sound, number};
use super::stream::Stream;

/// The longest PAX header or long name that is read, in bytes, and the most pieces of a sparse file.
const MAX_EXTENSION_BYTES: u64 = 1 << 20;
const MAX_SPARSE_PIECES: usize = 1 << 16;
/// What is read of a sparse map at once, in bytes.
const BLOCK_BYTES: u64 = LENGTH as u64;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// Another name of a file in front.
    HardLink,
    /// A path that is followed.
    SymbolicLink,
    /// A folder.
    Folder,
    /// A device or pipe.
    Special,
}

/// A file of an archive.
#[derive(Debug)]
pub struct Entry {
    /// Its path, as the archive has it.
    pub name: BString,
    /// What a link names.
    pub link: BString,
    /// What it is.
    pub kind: Kind,
    /// Extended attributes and comments, a line each.
    pub notes: BString,
    /// Where the stored bytes of a sparse file lie in it: offset and length. Behind the last piece it may go on with a hole.
    pub(super) sparse: Option<Sparse>,
}

/// What a sparse file is made of.
#[derive(Debug, Default)]
pub(super) struct Sparse {
    pieces: Vec<(u64, u64)>,
    size: u64,
}

/// Reads an archive from a stream.
pub struct Tar<'s, 'a> {
    stream: &'s mut Stream<'a>,
    /// What was not yet read of the entry's content, and of what it is padded with, in bytes.
    left: u64,
    padding: u64,
}

/// What extended headers say of the next entry.
#[derive(Debug, Default)]
struct Extension {
    name: Option<BString>,
    link: Option<BString>,
    size: Option<u64>,
    sparse_size: Option<u64>,
    pieces: Vec<(u64, u64)>,
    offset: Option<u64>,
    has_map_in_front: bool,
    is_sparse: bool,
    notes: BString,
}

impl<'s, 'a> Tar<'s, 'a> {
    /// Reads from where the stream is.
    pub fn new(stream: &'s mut Stream<'a>) -> Self {
        Self { stream, left: 0, padding: 0 }
    }

    /// The stream, at the content of the entry that was read last: to look at it, and to ask how far it is. Contents are taken
    /// from the archive itself, which knows where they end.
    pub fn stream(&mut self) -> &mut Stream<'a> {
        self.stream
    }

    /// What is left of the entry's content, in bytes.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// The next entry; what is left of the last one is passed over. `None` at the end.
    ///
    /// # Errors
    ///
    /// When the archive is damaged or cut off, or the stream fails; nothing more can be read from it then.
    pub fn next_entry(&mut self) -> io::Result<Option<Entry>> {
        self.finish_entry()?;
        let mut extension = Extension::default();
        loop {
            // An archive may end without end blocks, and may go on behind them.
            let block = loop {
                let block = self.stream.peek(LENGTH);
                if block.is_empty() {
                    self.stream.check()?;
                    return Ok(None);
                }
                if block.iter().any(|&byte| byte != 0) {
                    break block;
                }
                let length = block.len() as u64;
                self.stream.skip(length)?;
            };
            if !is_sound(block) {
                let why = match block.len() {
                    LENGTH => "the archive is damaged: a file's header does not match its checksum",
                    _ => "the archive is cut off in the middle of a file's header",
                };
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            let block: [u8; LENGTH] = self.stream.take_array()?;
            let size = number(&block[124..136]).ok_or_else(|| damaged("a file's size is no number"))?;
            self.set_size(size);
            match block[156] {
                b'x' => self.pax(&mut extension)?,
                b'g' => {
                    // What holds for all files names none of them.
                    let mut global = Extension::default();
                    self.pax(&mut global)?;
                    extension.notes.extend_from_slice(&global.notes);
                }
                b'L' => extension.name = Some(self.text()?),
                b'K' => extension.link = Some(self.text()?),
                flag => return self.entry(&block, flag, extension).map(Some),
            }
            self.finish_entry()?;
        }
    }

    fn set_size(&mut self, size: u64) {
        self.left = size;
        self.padding = (BLOCK_BYTES - size % BLOCK_BYTES) % BLOCK_BYTES;
    }

    fn finish_entry(&mut self) -> io::Result<()> {
        if self.stream.skip(self.left)? < self.left {
            let why = "the archive is cut off in the middle of a file";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, why));
        }
        // The last file's padding is left out by some.
        self.stream.skip(self.padding)?;
        (self.left, self.padding) = (0, 0);
        Ok(())
    }

    fn entry(&mut self, block: &[u8; LENGTH], flag: u8, extension: Extension) -> io::Result<Entry> {
        let name = extension.name.unwrap_or_else(|| header_name(block));
        let kind = match flag {
            b'1' => Kind::HardLink,
            b'2' => Kind::SymbolicLink,
            b'3' | b'4' | b'6' => Kind::Special,
            b'5' | b'D' => Kind::Folder,
            // Old archives mark a folder by its name only.
            0 | b'0' if name.ends_with(b"/") => Kind::Folder,
            _ => Kind::File,
        };
        if let Some(size) = extension.size {
            self.set_size(size);
        }
        // Links have no content, whatever size they claim; but POSIX allows a hard link to repeat it.
        if matches!(kind, Kind::SymbolicLink | Kind::Special | Kind::Folder) && flag != b'D' {
            self.set_size(0);
        }
        let mut sparse = None;
        if flag == b'S' {
            sparse = Some(self.old_sparse(block)?);
        } else if extension.is_sparse && kind == Kind::File {
            let mut pieces = extension.pieces;
            if extension.has_map_in_front {
                pieces = self.sparse_map()?;
            }
            sparse = Some(Sparse { pieces, size: extension.sparse_size.unwrap_or(0) });
        }
        let link = extension.link.unwrap_or_else(|| field(&block[157..257]).into());
        Ok(Entry { name, link, kind, notes: extension.notes, sparse })
    }

    /// The content of an extended header.
    fn extension_bytes(&mut self) -> io::Result<Vec<u8>> {
        if self.left > MAX_EXTENSION_BYTES {
            return Err(damaged("an extended header has more than 1 MiB"));
        }
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn text(&mut self) -> io::Result<BString> {
        Ok(field(&self.extension_bytes()?).into())
    }

    /// Reads a PAX header: records of `LENGTH KEY=VALUE\n`.
    fn pax(&mut self, extension: &mut Extension) -> io::Result<()> {
        let bytes = self.extension_bytes()?;
        let mut rest = bytes.as_slice();
        while let Some(space) = rest.find_byte(b' ') {
            let length = std::str::from_utf8(&rest[..space]).ok().and_then(|text| text.parse::<usize>().ok());
            let record =
                length.filter(|&length| length > space + 1).and_then(|length| rest.get(space + 1..length));
            let (Some(record), Some(length)) = (record, length) else {
                return Err(damaged("a PAX header is damaged"));
            };
            rest = &rest[length..];
            let record = record.strip_suffix(b"\n").unwrap_or(record);
            if let Some((key, value)) = record.split_once_str(b"=") {
                extension.record(key, value);
            }
        }
        Ok(())
    }

    /// Reads the map of a sparse file in GNU's old format: four pieces in the header, more in blocks behind it.
    fn old_sparse(&mut self, block: &[u8; LENGTH]) -> io::Result<Sparse> {
        let stored = self.left;
        let mut sparse = Sparse { pieces: Vec::new(), size: number(&block[483..495]).unwrap_or(0) };
        let mut fields = block[386..482].to_vec();
        let mut goes_on = block[482] != 0;
        loop {
            for piece in fields.chunks_exact(24) {
                let (Some(offset), Some(length)) = (number(&piece[..12]), number(&piece[12..])) else {
                    return Err(damaged("the map of a sparse file is damaged"));
                };
                if piece[0] != 0 {
                    sparse.pieces.push((offset, length));
                }
            }
            if !goes_on {
                break;
            }
            if sparse.pieces.len() > MAX_SPARSE_PIECES {
                return Err(damaged("a sparse file has more than 65,536 pieces"));
            }
            let more: [u8; LENGTH] = self.stream.take_array()?;
            fields = more[..504].to_vec();
            goes_on = more[504] != 0;
        }
        self.set_size(stored);
        Ok(sparse)
    }

    /// Reads the map in front of a sparse file's content: numbers, a line each, padded to a block.
    fn sparse_map(&mut self) -> io::Result<Vec<(u64, u64)>> {
        let mut numbers = Vec::new();
        let mut wanted = 1;
        let mut digits = 0u64;
        while numbers.len() < wanted {
            let mut block = [0; LENGTH];
            self.read_exact(&mut block)?;
            for byte in block {
                match byte {
                    b'0'..=b'9' => digits = digits.saturating_mul(10).saturating_add(u64::from(byte - b'0')),
                    b'\n' if numbers.len() < wanted => {
                        numbers.push(digits);
                        if numbers.len() == 1 {
                            let pieces = usize::try_from(digits).unwrap_or(usize::MAX);
                            if pieces > MAX_SPARSE_PIECES {
                                return Err(damaged("a sparse file has more than 65,536 pieces"));
                            }
                            wanted = 1 + 2 * pieces;
                        }
                        digits = 0;
                    }
                    _ => {}
                }
            }
        }
        Ok(numbers[1..].chunks_exact(2).map(|piece| (piece[0], piece[1])).collect())
    }
}

/// The content of the entry that was read last, as it is stored.
impl Read for Tar<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let wanted = out.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        match self.stream.read(&mut out[..wanted])? {
            0 => {
                // Who reads it is told; there is no next entry.
                (self.left, self.padding) = (0, 0);
                let why = "the archive is cut off in the middle of a file";
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, why))
            }
            read => {
                self.left -= read as u64;
                Ok(read)
            }
        }
    }
}

/// A sparse file's content with its holes.
pub(super) struct SparseReader<'t, R> {
    stored: &'t mut R,
    sparse: Sparse,
    budget: &'t Budget,
    position: u64,
    next: usize,
    is_too_sparse: bool,
}

impl<'t, R: Read> SparseReader<'t, R> {
    pub(super) fn new(stored: &'t mut R, sparse: Sparse, size: u64, budget: &'t Budget) -> Self {
        let is_too_sparse = is_too_sparse(sparse.size, size);
        Self { stored, sparse, budget, position: 0, next: 0, is_too_sparse }
    }
}

impl<R: Read> Read for SparseReader<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let piece = self.sparse.pieces.get(self.next).copied();
            let (start, length) = piece.unwrap_or((self.sparse.size, 0));
            if self.position < start {
                let hole = usize::try_from(start - self.position).unwrap_or(usize::MAX).min(out.len());
                // Its holes alone are a bomb: what is stored is read as if there were none.
                if self.is_too_sparse {
                    if piece.is_none() {
                        return Err(too_much());
                    }
                    self.position = start;
                    continue;
                }
                self.budget.spend(hole as u64)?;
                out[..hole].fill(0);
                self.position += hole as u64;
                return Ok(hole);
            }
            let end = start.saturating_add(length);
            if piece.is_none() {
                if self.is_too_sparse {
                    return Err(too_much());
                }
                return Ok(0);
            }
            if self.position >= end {
                self.next += 1;
                continue;
            }
            let wanted = usize::try_from(end - self.position).unwrap_or(usize::MAX).min(out.len());
            let read = self.stored.read(&mut out[..wanted])?;
            if read == 0 && wanted > 0 {
                return Err(damaged("a sparse file's map names more bytes than it has"));
            }
            self.position += read as u64;
            return Ok(read);
        }
    }
}

impl Extension {
    fn record(&mut self, key: &[u8], value: &[u8]) {
        let decimal = || std::str::from_utf8(value).ok().and_then(|text| text.trim().parse::<u64>().ok());
        match key {
            b"path" if self.name.is_none() => self.name = Some(value.into()),
            b"GNU.sparse.name" => self.name = Some(value.into()),
            b"linkpath" => self.link = Some(value.into()),
            b"size" => self.size = decimal(),
            b"GNU.sparse.major" => {
                self.is_sparse = true;
                self.has_map_in_front = decimal() == Some(1);
            }
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => {
                self.is_sparse = true;
                self.sparse_size = decimal();
            }
            b"GNU.sparse.offset" => self.offset = decimal(),
            b"GNU.sparse.numbytes" => {
                if let (Some(offset), Some(length)) = (self.offset.take(), decimal()) {
                    self.pieces.push((offset, length));
                }
            }
            b"GNU.sparse.map" => {
                let numbers: Option<Vec<u64>> =
                    value.split_str(b",").map(|part| part.to_str().ok()?.parse().ok()).collect();
                let numbers = numbers.unwrap_or_default();
                self.pieces = numbers.chunks_exact(2).map(|piece| (piece[0], piece[1])).collect();
            }
            _ if key.starts_with(b"GNU.sparse.") => {}
            b"mtime" | b"atime" | b"ctime" | b"uid" | b"gid" | b"uname" | b"gname" | b"hdrcharset" => {}
            b"LIBARCHIVE.creationtime" | b"SCHILY.dev" | b"SCHILY.ino" | b"SCHILY.nlink" => {}
            // Extended attributes, comments, what nobody knows: whatever a text may stand in.
            _ => {
                self.notes.extend_from_slice(key);
                self.notes.push(b'=');
                self.notes.extend_from_slice(value);
                self.notes.push(b'\n');
            }
        }
    }
}

fn header_name(block: &[u8; LENGTH]) -> BString {
    let name = field(&block[..100]);
    let is_posix = &block[257..263] == b"ustar\0";
    let prefix = if is_posix { field(&block[345..500]) } else { b"" };
    if prefix.is_empty() { name.into() } else { [prefix, b"/", name].concat().into() }
}

/// What stands in front of the first zero.
fn field(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

fn damaged(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the archive is damaged: {why}"))
}
