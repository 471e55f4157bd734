//! The index of a pack: which objects it holds, and where. One that is damaged is used as far as it makes sense, since without it
//! nothing of its pack could be read.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use gix::ObjectId;
use gix::hash::Kind as HashKind;
use gix::odb::pack::index;

use keysieve_paths::control;

/// The largest index that is mended, in bytes: that is done in memory.
const MAX_MENDED_BYTES: u64 = 1 << 30;

const SIGNATURE_AND_VERSION: &[u8; 8] = b"\xfftOc\0\0\0\x02";
const FAN_OUT_BYTES: usize = 256 * 4;

/// An index, its objects numbered in the order in which it lists them.
pub(super) struct PackIndex {
    file: File,
    /// The ids with their numbers, sorted; only where the index cannot be searched, for its ids are out of order or its fan-out
    /// table is wrong.
    sorted: Option<Vec<(ObjectId, u32)>>,
}

enum File {
    Mapped(index::File),
    /// What could not be opened as it was.
    Mended(index::File<Vec<u8>>),
}

/// Calls the same method of either.
macro_rules! of_either {
    ($index:expr, $method:ident($($argument:expr),*)) => {
        match &$index.file {
            File::Mapped(file) => file.$method($($argument),*),
            File::Mended(file) => file.$method($($argument),*),
        }
    };
}

impl PackIndex {
    /// Opens the index in `path`, of a pack that says of itself that it holds `count` objects.
    pub(super) fn open(path: &Path, hash: HashKind, count: u32) -> Result<Self, String> {
        let file = match index::File::at(path, hash) {
            Ok(file) => File::Mapped(file),
            Err(error) => {
                let mended = mended(path, hash, count)
                    .and_then(|bytes| index::File::from_data(bytes, path.to_owned(), hash).ok());
                File::Mended(mended.ok_or_else(|| error.to_string())?)
            }
        };
        let mut index = Self { file, sorted: None };
        index.sorted = (!index.is_searchable()).then(|| {
            let mut sorted: Vec<_> = (0..index.len()).map(|at| (index.id(at).to_owned(), at)).collect();
            sorted.sort_unstable();
            sorted
        });
        Ok(index)
    }

    /// Whether its bytes are not those that git wrote. Reads all of them.
    pub(super) fn is_damaged(&self) -> bool {
        matches!(self.file, File::Mended(_))
            || of_either!(self, verify_checksum(&mut gix::progress::Discard, &AtomicBool::new(false)))
                .is_err()
    }

    /// How many objects it lists.
    pub(super) fn len(&self) -> u32 {
        of_either!(self, num_objects())
    }

    pub(super) fn id(&self, at: u32) -> &gix::oid {
        of_either!(self, oid_at_index(at))
    }

    /// Where in the pack the object's entry begins.
    pub(super) fn offset(&self, at: u32) -> u64 {
        of_either!(self, pack_offset_at_index(at))
    }

    /// The checksum of the entry's bytes; the oldest indexes have none.
    pub(super) fn crc32(&self, at: u32) -> Option<u32> {
        of_either!(self, crc32_at_index(at))
    }

    /// The checksum of the pack that it was made for.
    pub(super) fn pack_checksum(&self) -> ObjectId {
        of_either!(self, pack_checksum())
    }

    /// Where the object is listed: once, if at all, unless the index is damaged.
    pub(super) fn find(&self, id: &gix::oid) -> impl Iterator<Item = u32> {
        let found = if self.sorted.is_none() { of_either!(self, lookup(id)) } else { None };
        let sorted = self.sorted.as_deref().unwrap_or_default();
        let from = sorted.partition_point(|(listed, _)| listed.as_ref() < id);
        let id = id.to_owned();
        let listed = sorted[from..].iter().take_while(move |(listed, _)| *listed == id);
        found.into_iter().chain(listed.map(|(_, at)| *at))
    }

    /// Whether every object can be looked up: the ids are in order, and the fan-out table leads to them.
    fn is_searchable(&self) -> bool {
        let last = self.len().saturating_sub(1);
        // The table knows first bytes only: where it leads to the first and the last id of one, it leads to all between.
        let is_found = |at: u32| {
            let differs = |other: u32| self.id(other).first_byte() != self.id(at).first_byte();
            let is_at_edge = at == 0 || at == last || differs(at - 1) || differs(at + 1);
            !is_at_edge || of_either!(self, lookup(self.id(at))) == Some(at)
        };
        (0..self.len()).all(|at| (at == 0 || self.id(at - 1) < self.id(at)) && is_found(at))
    }
}

/// The index with what can be known from the rest of it put right: signature, version, fan-out table, and offsets that claim to
/// be large ones. `None` where its size fits no number of objects.
fn mended(path: &Path, hash: HashKind, count: u32) -> Option<Vec<u8>> {
    let mut bytes = control::read(path, MAX_MENDED_BYTES).ok()?;
    let (id_bytes, first_id) = (hash.len_in_bytes(), SIGNATURE_AND_VERSION.len() + FAN_OUT_BYTES);
    let rows_bytes = bytes.len().checked_sub(first_id + 2 * id_bytes)?;
    // A row: the id, its entry's checksum, its offset. Behind all of them, eight bytes for each offset that is large.
    let row_bytes = id_bytes + 4 + 4;
    let larges = |count: usize| {
        let rest = rows_bytes.checked_sub(count.checked_mul(row_bytes)?)?;
        (rest % 8 == 0 && rest / 8 <= count).then_some(rest / 8)
    };
    let count =
        [count as usize, rows_bytes / row_bytes].into_iter().find(|&count| larges(count).is_some())?;
    let larges = larges(count)?;
    let mut fan_out = [0u32; 256];
    for id in bytes[first_id..].chunks_exact(id_bytes).take(count) {
        fan_out[usize::from(id[0])..].iter_mut().for_each(|below| *below += 1);
    }
    let offsets = first_id + count * (id_bytes + 4);
    for offset in bytes[offsets..].chunks_exact_mut(4).take(count) {
        if larges == 0 {
            offset[0] &= 0x7f;
        }
    }
    bytes[..8].copy_from_slice(SIGNATURE_AND_VERSION);
    bytes[8..first_id].copy_from_slice(&fan_out.map(u32::to_be_bytes).concat());
    Some(bytes)
}
