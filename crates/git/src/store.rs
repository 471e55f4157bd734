//! Single objects on demand: what a push or a range needs is a few objects of many, so nothing is listed or read ahead.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foldhash::fast::RandomState;
use gix::ObjectId;
use gix::hash::Kind as HashKind;
use gix::objs::{Find as _, Kind};
use gix::odb;

use super::control_files::special_object_file;
use super::error::unquoted;
use super::packs::MAX_OBJECT_BYTES;

/// How much a reader remembers of the objects that deltas build on, in bytes.
const MAX_CACHED_BYTES: usize = 24 << 20;
/// Larger objects are not remembered: few would fit.
const MAX_CACHED_OBJECT_BYTES: usize = 1 << 20;

/// The object databases that a range is read from: the repository's own, and those that a hook's environment names.
pub(super) struct Store {
    databases: Vec<Arc<odb::Store>>,
    hash: HashKind,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.databases.iter().map(|database| database.path())).finish()
    }
}

/// Why an object cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// No database has it.
    Missing,
    /// It is there, and its bytes make no sense.
    Damaged(String),
}

impl Store {
    /// Opens the object databases in `dirs`, with the alternates of each.
    pub(super) fn open(dirs: &[PathBuf], hash: HashKind) -> Result<Self, String> {
        if let Some(special) = special_object_file(dirs.to_vec()) {
            return Err(format!(
                "{}: not a regular file, and not read; restore it, or clone anew",
                special.display()
            ));
        }
        let open = |dir: &PathBuf| {
            let options = odb::store::init::Options {
                alloc_limit_bytes: Some(MAX_OBJECT_BYTES),
                ..odb::store::init::Options::default()
            };
            // No replacements: what is stored is what is read.
            odb::Store::at_opts(dir.clone(), hash, &mut std::iter::empty(), options).map(Arc::new).map_err(
                |error| {
                    format!("the object database {} cannot be opened: {}", dir.display(), unquoted(&error))
                },
            )
        };
        Ok(Self { databases: dirs.iter().map(open).collect::<Result<_, _>>()?, hash })
    }

    /// A reader, for one thread.
    pub(super) fn reader(&self) -> Reader {
        let handle = |database: &Arc<odb::Store>| {
            let mut handle =
                database.to_cache_arc().with_pack_cache(|| Box::new(BaseCache::default()) as Box<_>);
            // A miss must not read the directory anew each time.
            handle.refresh_never();
            handle
        };
        Reader { handles: self.databases.iter().map(handle).collect(), hash: self.hash, bytes: Vec::new() }
    }

    /// The directory of the database, where there is one alone.
    pub(super) fn only_directory(&self) -> Option<&Path> {
        match self.databases.as_slice() {
            [database] => Some(database.path()),
            _ => None,
        }
    }

    pub(super) fn hash(&self) -> HashKind {
        self.hash
    }
}

/// Reads objects one at a time; each is held against its id.
pub(super) struct Reader {
    handles: Vec<odb::HandleArc>,
    hash: HashKind,
    bytes: Vec<u8>,
}

impl Reader {
    /// The object's kind and bytes, which are lent until the next call.
    pub(super) fn read(&mut self, id: &gix::oid) -> Result<(Kind, &[u8]), Failure> {
        let kind = self.find(id)?;
        match gix::objs::compute_hash(self.hash, kind, &self.bytes) {
            Ok(actual) if *actual == *id => Ok((kind, &self.bytes)),
            _ => Err(Failure::Damaged("its content does not match its id".to_owned())),
        }
    }

    /// Like [`Reader::read`], for objects that only lead to others.
    pub(super) fn peek(&mut self, id: &gix::oid) -> Result<(Kind, &[u8]), Failure> {
        let kind = self.find(id)?;
        Ok((kind, &self.bytes))
    }

    fn find(&mut self, id: &gix::oid) -> Result<Kind, Failure> {
        let mut failure = Failure::Missing;
        for handle in &self.handles {
            match handle.try_find(id, &mut self.bytes) {
                Ok(Some(object)) => return Ok(object.kind),
                Ok(None) => {}
                Err(error) => failure = Failure::Damaged(error.to_string()),
            }
        }
        match built_in(id, self.hash) {
            Some(kind) if failure == Failure::Missing => {
                self.bytes.clear();
                Ok(kind)
            }
            _ => Err(failure),
        }
    }
}

/// The kind of an object of which all is known though it is not stored: the empty tree, which git never needs stored, and the
/// empty blob.
pub(super) fn built_in(id: &gix::oid, hash: HashKind) -> Option<Kind> {
    match id {
        id if *id == *ObjectId::empty_tree(hash) => Some(Kind::Tree),
        id if *id == *ObjectId::empty_blob(hash) => Some(Kind::Blob),
        _ => None,
    }
}

struct CachedObject {
    kind: Kind,
    compressed_size: usize,
    data: Box<[u8]>,
}

/// Objects that deltas build on, the latest of them, by pack and place.
#[derive(Default)]
struct BaseCache {
    objects: HashMap<(u32, u64), CachedObject, RandomState>,
    bytes: usize,
}

impl odb::pack::cache::DecodeEntry for BaseCache {
    fn put(&mut self, pack: u32, offset: u64, data: &[u8], kind: Kind, compressed_size: usize) {
        if data.len() > MAX_CACHED_OBJECT_BYTES {
            return;
        }
        if self.bytes + data.len() > MAX_CACHED_BYTES {
            self.objects.clear();
            self.bytes = 0;
        }
        let object = CachedObject { kind, compressed_size, data: data.into() };
        if self.objects.insert((pack, offset), object).is_none() {
            self.bytes += data.len();
        }
    }

    fn get(&mut self, pack: u32, offset: u64, out: &mut Vec<u8>) -> Option<(Kind, usize)> {
        let CachedObject { kind, compressed_size, data } = self.objects.get(&(pack, offset))?;
        out.clear();
        out.extend_from_slice(data);
        Some((*kind, *compressed_size))
    }
}
