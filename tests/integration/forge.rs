//! Packs written entry by entry: also those that git itself would never write. The fuzz targets use it too.

use gix::ObjectId;
use gix::hash::Kind as HashKind;
use gix::objs::Kind;

/// How an entry's header says that a delta follows: for a base some bytes in front, and for one named by its id.
pub(crate) const OFS_DELTA: u8 = 6;
pub(crate) const REF_DELTA: u8 = 7;

/// A pack under construction.
#[derive(Debug, Clone)]
pub(crate) struct Pack {
    hash: HashKind,
    bytes: Vec<u8>,
    entries: Vec<Slot>,
}

/// An entry: what the index says of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) id: ObjectId,
    /// Where its header begins.
    pub(crate) start: usize,
    /// Where its compressed bytes end.
    pub(crate) end: usize,
}

/// A pack file and its index.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) pack: Vec<u8>,
    pub(crate) index: Vec<u8>,
}

impl Pack {
    pub(crate) fn new(hash: HashKind) -> Self {
        Self { hash, bytes: b"PACK\0\0\0\x02\0\0\0\0".to_vec(), entries: Vec::new() }
    }

    pub(crate) fn entries(&self) -> &[Slot] {
        &self.entries
    }

    /// Where the next entry will begin.
    pub(crate) fn end(&self) -> usize {
        self.bytes.len()
    }

    /// An object, stored whole.
    pub(crate) fn object(&mut self, kind: Kind, content: &[u8]) -> Slot {
        let id = object_id(self.hash, kind, content);
        let code = match kind {
            Kind::Commit => 1,
            Kind::Tree => 2,
            Kind::Blob => 3,
            Kind::Tag => 4,
        };
        self.raw(id, code, content.len() as u64, &[], &deflate(content))
    }

    /// The object `id` as a delta on the entry that begins at `base`.
    pub(crate) fn ofs_delta(&mut self, id: ObjectId, base: usize, delta: &[u8]) -> Slot {
        let distance = offset(self.end().wrapping_sub(base) as u64);
        self.raw(id, OFS_DELTA, delta.len() as u64, &distance, &deflate(delta))
    }

    /// The object `id` as a delta on the object `base`.
    pub(crate) fn ref_delta(&mut self, id: ObjectId, base: ObjectId, delta: &[u8]) -> Slot {
        self.raw(id, REF_DELTA, delta.len() as u64, base.as_bytes(), &deflate(delta))
    }

    /// An entry of these parts, whatever they say.
    pub(crate) fn raw(&mut self, id: ObjectId, code: u8, size: u64, base: &[u8], compressed: &[u8]) -> Slot {
        let start = self.end();
        let (mut byte, mut rest) = (code << 4 | (size & 0x0f) as u8, size >> 4);
        while rest > 0 {
            self.bytes.push(byte | 0x80);
            (byte, rest) = ((rest & 0x7f) as u8, rest >> 7);
        }
        self.bytes.push(byte);
        self.bytes.extend_from_slice(base);
        self.bytes.extend_from_slice(compressed);
        self.entry_from(id, start)
    }

    /// An entry of these bytes, header and all.
    pub(crate) fn raw_bytes(&mut self, id: ObjectId, bytes: &[u8]) -> Slot {
        let start = self.end();
        self.bytes.extend_from_slice(bytes);
        self.entry_from(id, start)
    }

    fn entry_from(&mut self, id: ObjectId, start: usize) -> Slot {
        let slot = Slot { id, start, end: self.end() };
        self.entries.push(slot);
        slot
    }

    /// The files, with every checksum as it should be.
    pub(crate) fn finish(mut self) -> Files {
        let count = (self.entries.len() as u32).to_be_bytes();
        self.bytes[8..12].copy_from_slice(&count);
        let pack = sealed(self.hash, self.bytes);
        let index = index(self.hash, &self.entries, &pack);
        Files { pack, index }
    }
}

/// The index, version 2, of these entries of a pack: <https://git-scm.com/docs/pack-format>.
pub(crate) fn index(hash: HashKind, entries: &[Slot], pack: &[u8]) -> Vec<u8> {
    let mut entries = entries.to_vec();
    entries.sort_by_key(|entry| entry.id);
    let mut index = b"\xfftOc\0\0\0\x02".to_vec();
    for first in 0..=255 {
        let count = entries.partition_point(|entry| entry.id.first_byte() <= first) as u32;
        index.extend(count.to_be_bytes());
    }
    entries.iter().for_each(|entry| index.extend(entry.id.as_bytes()));
    entries
        .iter()
        .for_each(|entry| index.extend(crc32fast::hash(&pack[entry.start..entry.end]).to_be_bytes()));
    entries.iter().for_each(|entry| index.extend((entry.start as u32).to_be_bytes()));
    index.extend(&pack[pack.len() - hash.len_in_bytes()..]);
    sealed(hash, index)
}

/// `bytes` with their checksum behind them.
pub(crate) fn sealed(hash: HashKind, mut bytes: Vec<u8>) -> Vec<u8> {
    let mut hasher = gix::hash::hasher(hash);
    hasher.update(&bytes);
    let checksum = hasher.try_finalize().expect("no collision among forged packs");
    bytes.extend(checksum.as_bytes());
    bytes
}

pub(crate) fn object_id(hash: HashKind, kind: Kind, content: &[u8]) -> ObjectId {
    gix::objs::compute_hash(hash, kind, content).expect("no collision among forged objects")
}

/// A zlib stream.
pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let mut compressed = vec![0; compressor.zlib_compress_bound(bytes.len())];
    let length = compressor.zlib_compress(bytes, &mut compressed).expect("the buffer is large enough");
    compressed.truncate(length);
    compressed
}

/// A step of a delta.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Copy { from: usize, length: usize },
    Insert(Vec<u8>),
}

/// A delta of these steps for a base of `base_size` bytes, which claims to make `result_size` of it.
pub(crate) fn delta(base_size: u64, result_size: u64, steps: &[Step]) -> Vec<u8> {
    let mut delta = [varint(base_size), varint(result_size)].concat();
    for step in steps {
        match step {
            Step::Copy { from, length } => {
                delta.push(0xff);
                delta.extend_from_slice(&(*from as u32).to_le_bytes());
                delta.extend_from_slice(&(*length as u32).to_le_bytes()[..3]);
            }
            Step::Insert(bytes) => {
                for bytes in bytes.chunks(127) {
                    delta.push(bytes.len() as u8);
                    delta.extend_from_slice(bytes);
                }
            }
        }
    }
    delta
}

/// A size as deltas have it: seven bits a byte, the lowest first.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A distance as entries have it: seven bits a byte, the highest first, each further byte beginning where the shorter ones
/// end.
fn offset(mut value: u64) -> Vec<u8> {
    let mut bytes = vec![(value & 0x7f) as u8];
    while value > 0x7f {
        value = (value >> 7) - 1;
        bytes.insert(0, (value & 0x7f) as u8 | 0x80);
    }
    bytes
}
