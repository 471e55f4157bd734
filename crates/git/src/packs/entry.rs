//! An entry's object, made from what the entry stores: inflated, and applied to its base where it is a delta.

use gix::objs::Kind;
use gix::odb::pack;
use libdeflater::{DecompressionError, Decompressor};

use keysieve_containers::delta::Delta;

use super::{MAX_OBJECT_BYTES, Packs};

/// Deflate makes at most this many bytes of one: what claims more is refused before anything is allocated.
const MAX_DEFLATE_RATIO: usize = 1032;
/// How much memory an entry gets at first, in bytes, and how many times more where that was not enough.
const FIRST_ROOM_BYTES: usize = 16 << 20;
const ROOM_GROWTH: usize = 4;
/// How many spare buffers a thread keeps, and how large they may be, in bytes.
const MAX_SPARE: usize = 4;
const MAX_SPARE_BYTES: usize = 8 << 20;

impl Packs {
    /// Makes an entry's object: from `base` where it is a delta.
    pub(super) fn make(
        &self,
        kind: Kind,
        entry: u32,
        base: Option<&[u8]>,
        scratch: &mut Scratch,
        result: &mut Vec<u8>,
    ) -> Result<(), String> {
        let is_vouched = match base {
            Some(base) => self.derive(entry, base, scratch, result)?,
            None => self.inflate(entry, &mut scratch.inflater, result)?,
        };
        // Where index and pack contradict each other, either may be wrong: the object's own id tells.
        let is_itself =
            || gix::objs::compute_hash(self.hash, kind, result).is_ok_and(|id| id == self.id(entry));
        if is_vouched || is_itself() {
            Ok(())
        } else {
            Err("its bytes in the pack match neither its id nor the index's checksum".to_owned())
        }
    }

    /// Inflates what the entry stores, an object or a delta, into `out`. Says whether the index's checksum vouches for it.
    fn inflate(&self, entry: u32, inflater: &mut Decompressor, out: &mut Vec<u8>) -> Result<bool, String> {
        let pack = self.pack_of(entry);
        let slot = (entry - pack.first) as usize;
        let (offset, position) = pack.entries[slot];
        let crc32 = pack.index.crc32(position);
        let vouched = pack.raw(slot).filter(|raw| crc32.is_some_and(|crc32| crc32 == crc32fast::hash(raw)));
        // A damaged index may give the next entry a wrong place, so that this one seems to end there.
        let raw = vouched.or_else(|| pack.rest(slot)).ok_or("the pack ends before it")?;
        let header =
            pack::data::Entry::from_bytes(raw, offset, self.hash).map_err(|_| "its header is damaged")?;
        let size = usize::try_from(header.decompressed_size).unwrap_or(usize::MAX);
        let compressed = &raw[header.header_size().min(raw.len())..];
        if size > MAX_OBJECT_BYTES {
            return Err(too_large(size));
        }
        if size > compressed.len().saturating_mul(MAX_DEFLATE_RATIO) {
            return Err(format!("it claims {size} bytes, more than its {} can hold", compressed.len()));
        }
        // What is claimed to be large gets its room as it shows to be.
        let mut room = size.min(FIRST_ROOM_BYTES);
        loop {
            make_room(out, room)?;
            out.resize(room, 0);
            match inflater.zlib_decompress(compressed, out) {
                Ok(written) if written == size => return Ok(vouched.is_some()),
                Err(DecompressionError::InsufficientSpace) if room < size => {
                    room = room.saturating_mul(ROOM_GROWTH).min(size);
                }
                _ => return Err("its compressed bytes are damaged".to_owned()),
            }
        }
    }

    /// Makes the object of a delta entry from its base, see [`Packs::inflate`].
    fn derive(
        &self,
        entry: u32,
        base: &[u8],
        scratch: &mut Scratch,
        result: &mut Vec<u8>,
    ) -> Result<bool, String> {
        let is_vouched = self.inflate(entry, &mut scratch.inflater, &mut scratch.delta_bytes)?;
        scratch.delta.parse(&scratch.delta_bytes, base.len())?;
        if scratch.delta.result_size > MAX_OBJECT_BYTES {
            return Err(too_large(scratch.delta.result_size));
        }
        make_room(result, scratch.delta.result_size)?;
        scratch.delta.apply(&scratch.delta_bytes, base, result);
        Ok(is_vouched)
    }
}

/// Buffers that a thread uses again for each object.
pub(super) struct Scratch {
    inflater: Decompressor,
    pub(super) delta: Delta,
    delta_bytes: Vec<u8>,
    /// Buffers of objects that nothing derives from any more.
    pub(super) spare: Vec<Vec<u8>>,
}

impl Scratch {
    pub(super) fn new() -> Self {
        Self {
            inflater: Decompressor::new(),
            delta: Delta::default(),
            delta_bytes: Vec::new(),
            spare: Vec::new(),
        }
    }

    pub(super) fn recycle(&mut self, buffer: Vec<u8>) {
        if self.spare.len() < MAX_SPARE && buffer.capacity() <= MAX_SPARE_BYTES {
            self.spare.push(buffer);
        }
    }
}

/// Empties `buffer` and gives it room for `size` bytes. Where there is not enough memory one object is lost, not the run.
fn make_room(buffer: &mut Vec<u8>, size: usize) -> Result<(), String> {
    // What it held before is written over: only what it grows by needs a value.
    buffer.truncate(size);
    let more = size - buffer.len();
    buffer.try_reserve_exact(more).map_err(|_| format!("there is not enough memory for its {size} bytes"))
}

fn too_large(size: usize) -> String {
    format!("it has {size} bytes; objects of more than {MAX_OBJECT_BYTES} are not read")
}
