//! What is remembered of a layer besides its matches: which paths it writes and which it deletes, as hashes, so that a million
//! files cost little.

use std::collections::HashSet;
use std::hash::BuildHasher;

use bstr::{BString, ByteSlice};
use foldhash::fast::RandomState;

use keysieve_containers::archive::tar::{Entry, Kind};
use keysieve_model::finding::Removal;

use super::normal;

/// The name in front of a deleted file's, and the file that says that a folder's earlier content is hidden.
const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
/// Others of these are notes of the storage driver.
const DRIVER: &[u8] = b".wh..wh.";

/// How many hard links of a layer are remembered.
const MAX_LINKS: usize = 100_000;

/// The paths of a layer.
#[derive(Debug)]
pub(super) struct LayerLog {
    hasher: RandomState,
    /// What is no folder.
    files: HashSet<u64>,
    deleted: HashSet<u64>,
    opaque: HashSet<u64>,
    /// Hard links: the path that each names, and its own.
    links: Vec<(BString, BString)>,
    /// Files whose names were watched for.
    pub(super) watched: Vec<BString>,
    /// How many files have a content.
    pub(super) files_read: u64,
}

impl LayerLog {
    pub(super) fn new(hasher: RandomState) -> Self {
        Self {
            hasher,
            files: HashSet::new(),
            deleted: HashSet::new(),
            opaque: HashSet::new(),
            links: Vec::new(),
            watched: Vec::new(),
            files_read: 0,
        }
    }

    /// Notes a file of the layer.
    pub(super) fn note(&mut self, entry: &Entry, is_watched: fn(&[u8]) -> bool) {
        let path = normal(&entry.name);
        let (folder, name) = path.rsplit_once_str(b"/").unwrap_or((b"", path));
        if name == OPAQUE {
            self.opaque.insert(self.hash(folder));
        } else if let Some(deleted) = name.strip_prefix(WHITEOUT).filter(|_| !name.starts_with(DRIVER)) {
            let path = if folder.is_empty() { deleted.to_vec() } else { [folder, b"/", deleted].concat() };
            self.deleted.insert(self.hash(&path));
        } else if entry.kind != Kind::Folder {
            if entry.kind == Kind::HardLink && self.links.len() < MAX_LINKS {
                self.links.push((normal(&entry.link).into(), path.into()));
            }
            self.files.insert(self.hash(path));
            self.files_read += u64::from(entry.kind == Kind::File);
            if entry.kind == Kind::File && is_watched(path) {
                self.watched.push(path.into());
            }
        }
    }

    /// The other names that a file of this layer has in it.
    pub(super) fn links_to<'l>(&'l self, path: &'l [u8]) -> impl Iterator<Item = &'l BString> {
        let path = normal(path);
        self.links.iter().filter(move |(target, _)| *target == path).map(|(_, link)| link)
    }

    /// What this layer does to a path of an earlier one.
    pub(super) fn removal(&self, path: &[u8]) -> Option<Removal> {
        let path = normal(path);
        if self.deleted.contains(&self.hash(path)) {
            return Some(Removal::Deleted);
        }
        let mut above = path;
        while let Some((folder, _)) = above.rsplit_once_str(b"/") {
            let hash = self.hash(folder);
            // A file in place of the folder takes away all that was in it.
            if self.deleted.contains(&hash) || self.files.contains(&hash) {
                return Some(Removal::Deleted);
            }
            if self.opaque.contains(&hash) {
                return Some(Removal::Hidden);
            }
            above = folder;
        }
        if self.opaque.contains(&self.hash(b"")) {
            return Some(Removal::Hidden);
        }
        self.files.contains(&self.hash(path)).then_some(Removal::Overwritten)
    }

    fn hash(&self, path: &[u8]) -> u64 {
        self.hasher.hash_one(path)
    }
}
