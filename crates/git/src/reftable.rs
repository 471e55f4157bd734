//! Reftables: references and reflogs in a stack of sorted files instead of a file each,
//! <https://git-scm.com/docs/reftable>. `gix` cannot read them. Each table is read whole; what is damaged is said with the
//! table's path, and the others of the stack are read all the same.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use bstr::{BString, ByteSlice};
use gix::ObjectId;
use gix::hash::Kind as HashKind;
use gix::zlib::{Inflate, Status};

use keysieve_model::coverage::Unread;
use keysieve_model::provenance::path_bytes;
use keysieve_paths::control;

/// The largest table that is read, in bytes.
const MAX_TABLE_BYTES: u64 = 1 << 30;
/// How many bytes of names and log blocks are unpacked from one table: a forged one can repeat a long name for each few bytes.
const MAX_UNPACKED_BYTES: usize = 1 << 30;
/// How often the list of tables is read anew where a table that it names is gone: git may be merging tables just now.
const MAX_ATTEMPTS: usize = 3;

/// What a reference names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Object(ObjectId),
    /// Another reference, by its full name.
    Symbolic(BString),
}

/// A line of a reflog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogEntry {
    pub(super) old: ObjectId,
    pub(super) new: ObjectId,
    /// `Name <address> seconds offset`.
    pub(super) committer: BString,
    pub(super) message: BString,
}

/// The references and reflogs of a git directory.
#[derive(Debug, Default)]
pub(super) struct Stack {
    pub(super) references: BTreeMap<BString, Target>,
    /// The reflog of each reference, the latest entry first.
    pub(super) logs: BTreeMap<BString, Vec<LogEntry>>,
    /// Tables that cannot be read.
    pub(super) unread: Vec<Unread>,
}

impl Stack {
    /// Reads the tables in `git_dir/reftable`.
    pub(super) fn read(git_dir: &Path, hash: HashKind) -> Self {
        let dir = git_dir.join("reftable");
        let mut attempt = 1;
        loop {
            let (stack, is_outdated) = Self::read_listed(&dir, hash);
            if !is_outdated || attempt == MAX_ATTEMPTS {
                return stack;
            }
            attempt += 1;
        }
    }

    /// Reads the tables that are listed now. Returns too whether one of them is gone.
    fn read_listed(dir: &Path, hash: HashKind) -> (Self, bool) {
        let (mut stack, mut is_outdated) = (Self::default(), false);
        let list = dir.join("tables.list");
        let names = match control::read(&list, MAX_TABLE_BYTES) {
            Ok(names) => names,
            Err(error) => {
                let why =
                    format!("the references are listed there, and it cannot be read: {error}; clone anew");
                stack.unread.push(Unread::new(path_bytes(&list), why));
                return (stack, false);
            }
        };
        let mut logs: BTreeMap<(BString, LogKey), Option<LogEntry>> = BTreeMap::new();
        for name in names.lines().filter(|name| !name.is_empty()) {
            let path = dir.join(name.to_path_lossy());
            let table = match read_table(&path, name) {
                Ok(bytes) => Table::parse(&bytes, hash).map_err(str::to_owned),
                Err(error) => {
                    is_outdated |= error.kind() == io::ErrorKind::NotFound;
                    Err(error.to_string())
                }
            };
            match table {
                Ok(table) => {
                    for (name, target) in table.references {
                        match target {
                            Some(target) => stack.references.insert(name, target),
                            None => stack.references.remove(&name),
                        };
                    }
                    logs.extend(table.logs.into_iter().map(|(name, key, entry)| ((name, key), entry)));
                }
                Err(why) => {
                    let why = format!(
                        "a table of references cannot be read: {why}; what they name is not known, restore it from a \
                         copy or clone anew"
                    );
                    stack.unread.push(Unread::new(path_bytes(&path), why));
                }
            }
        }
        for ((name, _), entry) in logs {
            stack.logs.entry(name).or_default().extend(entry);
        }
        (stack, is_outdated)
    }
}

impl LogEntry {
    /// The line as it stands in the file of a reflog.
    pub(super) fn line(&self) -> BString {
        let mut line = BString::from(format!("{} {} ", self.old, self.new));
        line.extend_from_slice(&self.committer);
        line.push(b'\t');
        line.extend_from_slice(&self.message.replace(b"\n", b" "));
        line.push(b'\n');
        line
    }
}

/// A table lies in the folder of its list, and nowhere else.
fn read_table(path: &Path, name: &[u8]) -> io::Result<Vec<u8>> {
    if name.iter().any(|byte| b"/\\".contains(byte)) {
        return Err(io::Error::other("its name in `tables.list` is that of no file there"));
    }
    control::read(path, MAX_TABLE_BYTES)
}

/// The update's number, inverted: the latest comes first.
type LogKey = [u8; 8];
type Damage = &'static str;

const CUT_OFF: Damage = "it is cut off";
const SENSELESS: Damage = "its blocks make no sense";

/// One table. What it deletes has no value.
#[derive(Debug, Default)]
struct Table {
    references: Vec<(BString, Option<Target>)>,
    logs: Vec<(BString, LogKey, Option<LogEntry>)>,
}

impl Table {
    fn parse(bytes: &[u8], hash: HashKind) -> Result<Self, Damage> {
        let header_bytes = match bytes.get(..5) {
            Some([b'R', b'E', b'F', b'T', 1]) => 24,
            Some([b'R', b'E', b'F', b'T', 2]) => 28,
            Some([b'R', b'E', b'F', b'T', _]) => return Err("its version is not known"),
            Some(_) => return Err("it does not begin as such tables do"),
            None => return Err(CUT_OFF),
        };
        let footer_bytes = header_bytes + 44;
        let end = bytes.len().checked_sub(footer_bytes).filter(|&end| end >= header_bytes).ok_or(CUT_OFF)?;
        let footer = &bytes[end..];
        let (summed, sum) = footer.split_at(footer_bytes - 4);
        if summed[..header_bytes] != bytes[..header_bytes] || crc32fast::hash(summed).to_be_bytes() != *sum {
            return Err("its checksum does not match");
        }
        let is_other_hash = match (header_bytes, hash) {
            (24, HashKind::Sha1) => false,
            (_, HashKind::Sha1) => &bytes[24..28] != b"sha1",
            _ => header_bytes != 28 || &bytes[24..28] != b"s256",
        };
        if is_other_hash {
            return Err("its ids are of another kind than the repository's");
        }
        let position = |at: usize| -> Result<usize, Damage> {
            let position = summed[header_bytes + at..].first_chunk().copied().map(u64::from_be_bytes);
            let position = position.and_then(|position| usize::try_from(position).ok());
            position.filter(|&position| position <= end).ok_or(SENSELESS)
        };
        // The second has the length of ids in its lowest bits.
        let objects = u64::from_be_bytes(*summed[header_bytes + 8..].first_chunk().ok_or(SENSELESS)?) >> 5;
        let objects = usize::try_from(objects).map_err(|_| SENSELESS)?;
        let sections = [position(0)?, objects, position(16)?, position(24)?, position(32)?];
        let next_section = |after: usize| {
            sections.iter().copied().filter(|&start| start > after).min().unwrap_or(end).min(end)
        };
        let mut reader = TableReader {
            bytes,
            header_bytes,
            block_bytes: bytes[5..8].iter().fold(0, |size, &byte| size << 8 | usize::from(byte)),
            id_bytes: hash.len_in_bytes(),
            left: MAX_UNPACKED_BYTES,
            table: Self::default(),
        };
        let first = bytes.get(header_bytes).copied().filter(|_| end > header_bytes);
        if first == Some(b'r') {
            reader.references(next_section(0))?;
        }
        let logs = sections[3];
        if logs > 0 || first == Some(b'g') {
            reader.logs(logs, next_section(logs))?;
        }
        Ok(reader.table)
    }
}

/// Reads a table as it is, and again with the checksum that its footer should have.
#[cfg(any(fuzzing, test))]
pub(super) fn read_sealed(bytes: &[u8], hash: HashKind) -> Result<(), Damage> {
    let footer_bytes = if bytes.get(4) == Some(&2) { 72 } else { 68 };
    let _ = Table::parse(bytes, hash);
    let (content, _) = bytes.split_at_checked(bytes.len().saturating_sub(4)).ok_or(CUT_OFF)?;
    let footer = content.get(bytes.len().saturating_sub(footer_bytes)..).ok_or(CUT_OFF)?;
    let sealed = [content, &crc32fast::hash(footer).to_be_bytes()].concat();
    Table::parse(&sealed, hash).map(drop)
}

struct TableReader<'b> {
    bytes: &'b [u8],
    header_bytes: usize,
    /// To what size blocks of references are padded; 0 for not at all.
    block_bytes: usize,
    id_bytes: usize,
    /// How many bytes may still be unpacked.
    left: usize,
    table: Table,
}

impl TableReader<'_> {
    /// The header of the block at `at`, behind the file's own in the first: its kind, where it ends, its size from `at` on.
    fn block(&self, at: usize) -> Result<(u8, usize, usize), Damage> {
        let start = if at == 0 { self.header_bytes } else { at };
        let header = self.bytes.get(start..start + 4).ok_or(CUT_OFF)?;
        let size = header[1..].iter().fold(0, |size, &byte| size << 8 | usize::from(byte));
        if size < start + 4 - at { Err(SENSELESS) } else { Ok((header[0], start + 4, size)) }
    }

    fn references(&mut self, end: usize) -> Result<(), Damage> {
        let mut at = 0;
        while at < end {
            let (kind, content, size) = self.block(at)?;
            match kind {
                b'r' => {}
                // The lower levels of an index stand before its root.
                b'i' => break,
                _ => return Err(SENSELESS),
            }
            let block = self.bytes.get(at..at + size).ok_or(CUT_OFF)?;
            self.reference_records(block, content - at)?;
            let follows = at + size;
            // Zeros follow up to the full size, or the next block.
            let is_padded = self.bytes.get(follows) == Some(&0);
            at = if is_padded && size < self.block_bytes { at + self.block_bytes } else { follows };
        }
        Ok(())
    }

    fn reference_records(&mut self, block: &[u8], start: usize) -> Result<(), Damage> {
        let mut record = Record::new(records(block, start)?);
        while let Some(kind) = record.next(&mut self.left)? {
            // When it was written last.
            record.varint()?;
            let target = match kind {
                0 => None,
                1 | 2 => {
                    let id = record.id(self.id_bytes)?;
                    if kind == 2 {
                        // What a tag leads to.
                        record.id(self.id_bytes)?;
                    }
                    Some(Target::Object(id))
                }
                3 => Some(Target::Symbolic(record.text()?)),
                _ => return Err(SENSELESS),
            };
            self.table.references.push((record.name.clone(), target));
        }
        Ok(())
    }

    fn logs(&mut self, start: usize, end: usize) -> Result<(), Damage> {
        let mut at = start;
        while at < end {
            let (kind, content, size) = self.block(at)?;
            match kind {
                b'g' => {}
                b'i' => break,
                _ => return Err(SENSELESS),
            }
            let size = size - (content - at);
            self.left = self.left.checked_sub(size).ok_or("it has more text than is read")?;
            let stored = self.bytes.get(content..end).ok_or(CUT_OFF)?;
            let (block, used) = inflate(stored, size)?;
            self.log_records(&block)?;
            at = content + used;
        }
        Ok(())
    }

    fn log_records(&mut self, block: &[u8]) -> Result<(), Damage> {
        let mut record = Record::new(records(block, 0)?);
        while let Some(kind) = record.next(&mut self.left)? {
            let key_start = record.name.len().checked_sub(8).ok_or(SENSELESS)?;
            let (name, key) = record.name.split_at(key_start);
            let (name, key) =
                (name.strip_suffix(b"\0").ok_or(SENSELESS)?, *key.first_chunk().ok_or(SENSELESS)?);
            let name = BString::from(name);
            let entry = match kind {
                0 => None,
                1 => {
                    let (old, new) = (record.id(self.id_bytes)?, record.id(self.id_bytes)?);
                    let (who, address) = (record.text()?, record.text()?);
                    let seconds = record.varint()?;
                    let offset = i16::from_be_bytes(*record.take(2)?.first_chunk().ok_or(SENSELESS)?);
                    let sign = if offset < 0 { '-' } else { '+' };
                    let offset = offset.unsigned_abs();
                    let mut committer = who;
                    committer.extend_from_slice(b" <");
                    committer.extend_from_slice(&address);
                    // Git writes the offset's digits as a number: 530 is five hours and a half.
                    committer.extend_from_slice(format!("> {seconds} {sign}{offset:04}").as_bytes());
                    let message = record.text()?.trim_end().into();
                    Some(LogEntry { old, new, committer, message })
                }
                _ => return Err(SENSELESS),
            };
            self.table.logs.push((name, key, entry));
        }
        Ok(())
    }
}

/// The records of a block, without the table of places at its end.
fn records(block: &[u8], start: usize) -> Result<&[u8], Damage> {
    let (rest, count) = block.split_last_chunk::<2>().ok_or(CUT_OFF)?;
    let end = rest.len().checked_sub(3 * usize::from(u16::from_be_bytes(*count))).ok_or(SENSELESS)?;
    rest.get(start..end).ok_or(SENSELESS)
}

/// Inflates what `stored` begins with to `size` bytes. Returns them, and how many bytes of it that took.
fn inflate(stored: &[u8], size: usize) -> Result<(Vec<u8>, usize), Damage> {
    // One byte more, for the inflater to come to its end.
    let mut out = vec![0; size + 1];
    match Inflate::default().once(stored, &mut out) {
        Ok((Status::StreamEnd, used, written)) if written == size => {
            out.truncate(size);
            Ok((out, used))
        }
        _ => Err("a block of its reflogs is damaged"),
    }
}

/// A record of a block: its name, which continues that of the record before, and its value.
struct Record<'b> {
    rest: &'b [u8],
    name: BString,
}

impl<'b> Record<'b> {
    fn new(records: &'b [u8]) -> Self {
        Self { rest: records, name: BString::default() }
    }

    /// Goes to the next record, whose value was read to its end. Returns its kind; `None` behind the last.
    fn next(&mut self, left: &mut usize) -> Result<Option<u8>, Damage> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let shared = usize::try_from(self.varint()?).map_err(|_| SENSELESS)?;
        let length = self.varint()?;
        let own = usize::try_from(length >> 3).map_err(|_| SENSELESS)?;
        if shared > self.name.len() {
            return Err(SENSELESS);
        }
        let own = self.take(own)?;
        *left = left.checked_sub(shared + own.len()).ok_or("it has more text than is read")?;
        self.name.truncate(shared);
        self.name.extend_from_slice(own);
        Ok(Some((length & 7) as u8))
    }

    fn take(&mut self, length: usize) -> Result<&'b [u8], Damage> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(SENSELESS)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Seven bits a byte, the highest first, each further byte standing for one more than its bits.
    fn varint(&mut self) -> Result<u64, Damage> {
        let mut value = 0u64;
        loop {
            let [byte] = *self.take(1)?.first_chunk().ok_or(SENSELESS)?;
            value |= u64::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
            value = value.checked_add(1).and_then(|value| value.checked_mul(128)).ok_or(SENSELESS)?;
        }
    }

    fn text(&mut self) -> Result<BString, Damage> {
        let length = usize::try_from(self.varint()?).map_err(|_| SENSELESS)?;
        Ok(self.take(length)?.into())
    }

    fn id(&mut self, length: usize) -> Result<ObjectId, Damage> {
        ObjectId::try_from(self.take(length)?).map_err(|_| SENSELESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn varint(mut value: u64) -> Vec<u8> {
        let mut bytes = vec![(value & 0x7f) as u8];
        while value >> 7 > 0 {
            value = (value >> 7) - 1;
            bytes.push(0x80 | (value & 0x7f) as u8);
        }
        bytes.reverse();
        bytes
    }

    fn text(text: &str) -> Vec<u8> {
        [varint(text.len() as u64), text.into()].concat()
    }

    fn record(shared: u64, name: &[u8], kind: u64, value: &[u8]) -> Vec<u8> {
        [varint(shared), varint((name.len() as u64) << 3 | kind), name.into(), value.into()].concat()
    }

    fn block(kind: u8, size: usize) -> Vec<u8> {
        [vec![kind], (size as u32).to_be_bytes()[1..].to_vec()].concat()
    }

    /// A table of a branch, HEAD and a deleted branch, with an entry of a reflog.
    fn table() -> Vec<u8> {
        let header = [b"REFT\x01\0\x10\0".as_slice(), &[0; 7], &[1], &[0; 7], &[9]].concat();
        let references = [
            record(0, b"HEAD", 3, &[vec![0], text("refs/heads/main")].concat()),
            record(0, b"refs/heads/gone", 0, &[1]),
            record(11, b"main", 1, &[vec![2], vec![7; 20]].concat()),
        ]
        .concat();
        let restarts = [0, 0, 28, 0, 1];
        let size = header.len() + 4 + references.len() + restarts.len();
        let mut bytes = [header.clone(), block(b'r', size), references, restarts.into()].concat();
        let logs = bytes.len() as u64;
        let entry = [
            vec![0; 20],
            vec![7; 20],
            text("Ada"),
            text("ada@example.com"),
            varint(1_700_000_000),
            vec![2, 18],
            text("commit: one\n"),
        ];
        let key = [b"refs/heads/main\0".as_slice(), &[0xff; 7], &[0xfe]].concat();
        let content = [record(0, &key, 1, &entry.concat()), vec![0, 0, 4, 0, 1]].concat();
        bytes.extend(block(b'g', 4 + content.len()));
        let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
        let mut stored = vec![0; 1024];
        let length = compressor.zlib_compress(&content, &mut stored).expect("it has room");
        bytes.extend(&stored[..length]);
        let positions: Vec<u8> = [0, 0, 0, logs, 0].iter().flat_map(|at: &u64| at.to_be_bytes()).collect();
        sealed(&[bytes, header, positions, vec![0; 4]].concat())
    }

    /// The table with the checksum that its footer should have.
    fn sealed(bytes: &[u8]) -> Vec<u8> {
        let (content, _) = bytes.split_at(bytes.len() - 4);
        let footer = &content[content.len() - 64..];
        [content, &crc32fast::hash(footer).to_be_bytes()].concat()
    }

    #[test]
    fn references_and_reflogs_are_read() {
        let table = Table::parse(&table(), HashKind::Sha1).expect("a sound table");
        let id = ObjectId::from([7; 20]);
        let expected = [
            ("HEAD".into(), Some(Target::Symbolic("refs/heads/main".into()))),
            ("refs/heads/gone".into(), None),
            ("refs/heads/main".into(), Some(Target::Object(id))),
        ];
        assert_eq!(table.references, expected);
        let [(name, _, Some(entry))] = table.logs.as_slice() else { panic!("one entry") };
        assert_eq!(name, "refs/heads/main");
        let null = HashKind::Sha1.null();
        let line = format!("{null} {id} Ada <ada@example.com> 1700000000 +0530\tcommit: one\n");
        assert_eq!(entry.line(), line);
    }

    #[test]
    fn no_damage_is_worse_than_an_error() {
        let whole = table();
        for cut in 0..whole.len() {
            assert!(Table::parse(&whole[..cut], HashKind::Sha1).is_err(), "{cut}");
        }
        for at in 0..whole.len() {
            for flip in [1, 0x7f, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] ^= flip;
                // Also behind a checksum that holds, as somebody may forge it.
                let _ = read_sealed(&damaged, HashKind::Sha1);
                let _ = read_sealed(&damaged, HashKind::Sha256);
            }
        }
    }
}
