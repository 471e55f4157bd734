//! A pack as it is stored: which entries it has, and their bytes.

use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::hash::Kind as HashKind;
use gix::odb::pack;

use crate::numbers::Number;
use crate::pack_index::PackIndex;
use keysieve_model::coverage::Unread;
use keysieve_paths::control::is_special;

pub(super) struct Pack {
    pub(super) path: PathBuf,
    pub(super) data: pack::data::File,
    pub(super) index: PackIndex,
    /// Where each entry begins, sorted, and its number in the index.
    pub(super) entries: Vec<(u64, u32)>,
    /// The number of this pack's first entry among those of all packs.
    pub(super) first: u32,
}

/// What to do about a damaged pack.
pub(super) const REPAIR: &str = "restore it from another clone, or run `git fsck`";

/// A pack on disk.
#[derive(Debug)]
pub(crate) struct PackFile {
    pub(crate) path: PathBuf,
    /// What git computed over the pack's content.
    pub(crate) checksum: ObjectId,
    /// The number of its first object, and how many it has.
    pub(crate) first: Number,
    pub(crate) count: u32,
}

impl Pack {
    pub(super) fn open(
        path: &Path,
        hash: HashKind,
        first: u32,
        unread: &mut Vec<Unread>,
    ) -> Result<Self, String> {
        let repair = REPAIR;
        let data_path = path.with_extension("pack");
        if let Some(special) = [path, &data_path].into_iter().find(|path| is_special(path)) {
            let file = special.file_name().unwrap_or_default().display();
            return Err(format!("{file} is not a regular file, and not read; {repair}"));
        }
        let data = pack::data::File::at(&data_path, hash)
            .map_err(|error| format!("the pack of this index cannot be read ({error}); {repair}"))?;
        let index = PackIndex::open(path, hash, data.num_objects())
            .map_err(|error| format!("the index cannot be read ({error}); {repair}"))?;
        let mut damage = |path: &Path, why: &str| {
            unread
                .push(Unread::new(keysieve_model::provenance::path_bytes(path), format!("{why}; {repair}")));
        };
        if index.pack_checksum() != data.checksum() {
            damage(&data_path, "the pack is not the one that its index was made for, or was cut off");
        }
        let mut entries: Vec<(u64, u32)> =
            (0..index.len()).map(|position| (index.offset(position), position)).collect();
        entries.sort_unstable();
        Ok(Self { path: data_path, data, index, entries, first })
    }

    /// The bytes of the entry in `slot`: its header and its compressed data.
    pub(super) fn raw(&self, slot: usize) -> Option<&[u8]> {
        let (start, _) = *self.entries.get(slot)?;
        let end = match self.entries.get(slot + 1) {
            // Several ids at one place, which only a forged index has: all end where the next place begins.
            Some(&(next, _)) if next == start => {
                self.entries.get(self.entries.partition_point(|&(offset, _)| offset <= start))
            }
            next => next,
        };
        let rest = self.rest(slot)?;
        end.map_or(Some(rest), |&(end, _)| rest.get(..usize::try_from(end - start).ok()?))
    }

    /// The bytes from the entry in `slot` to the end of the pack.
    pub(super) fn rest(&self, slot: usize) -> Option<&[u8]> {
        let (start, _) = *self.entries.get(slot)?;
        self.data.entry_slice(start..self.data.pack_end() as u64).filter(|rest| !rest.is_empty())
    }

    /// The number among all packs' entries of the one that begins at `offset`.
    pub(super) fn entry_at(&self, offset: u64) -> Option<u32> {
        let slot = self.entries.partition_point(|&(start, _)| start < offset);
        (self.entries.get(slot)?.0 == offset).then(|| self.first + slot as u32)
    }
}

/// The index files in a pack directory, sorted. Packs that have none are unread.
pub(super) fn index_files(dir: &Path, unread: &mut Vec<Unread>) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            unread.push(Unread::new(keysieve_model::provenance::path_bytes(dir), error.to_string()));
            return Vec::new();
        }
    };
    let mut files: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    files.sort();
    let has_extension =
        |path: &Path, extension: &str| path.extension().is_some_and(|found| found == extension);
    for pack in files.iter().filter(|path| has_extension(path, "pack")) {
        if files.binary_search(&pack.with_extension("idx")).is_err() {
            let why = "the pack has no index; make one with `git index-pack FILE`";
            unread.push(Unread::new(keysieve_model::provenance::path_bytes(pack), why));
        }
    }
    files.retain(|path| has_extension(path, "idx"));
    files
}
