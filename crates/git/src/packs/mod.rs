//! Packs as forests of deltas: every entry is inflated once, from the roots down, and handed on with what its delta says of
//! its base.

mod entry;
mod forest;
mod stored;
mod walk;

use std::path::PathBuf;

use gix::ObjectId;
use gix::hash::Kind as HashKind;
use gix::objs::Kind;

use keysieve_model::chunk::Derivation;
use keysieve_model::coverage::Unread;

use self::entry::Scratch;
use self::forest::{Base, Forest};
use self::stored::{Pack, REPAIR, index_files};
use super::numbers::Number;

pub(super) use self::stored::PackFile;

/// The largest object that is read, in bytes. Larger ones are named as unread.
pub(super) const MAX_OBJECT_BYTES: usize = 1 << 30;
/// The longest chain of deltas that is followed; git itself writes at most 4,095.
const MAX_CHAIN: usize = 50_000;

/// An object as it lies in a pack.
#[derive(Debug)]
pub(super) struct PackedObject<'a> {
    pub(super) id: ObjectId,
    pub(super) number: Number,
    pub(super) kind: Kind,
    pub(super) bytes: &'a [u8],
    pub(super) derivation: Option<Derivation<'a>>,
}

/// Receives the objects of a walk, from several threads.
pub(super) trait PackVisitor: Sync {
    /// What is remembered of an object for those derived from it.
    type Memo: Send + Sync;

    /// An object that a delta builds on and that is in no pack, or is there and cannot be made.
    fn elsewhere(&self, id: &gix::oid) -> Option<(Kind, Vec<u8>)>;

    /// Takes an object. `base` is the memo of the object that its derivation names.
    fn object(&self, object: &PackedObject<'_>, base: Option<&Self::Memo>) -> Option<Self::Memo>;

    /// Takes note of an entry that cannot be read.
    fn failed(&self, id: ObjectId, why: String);
}

/// All packs of a repository.
pub(super) struct Packs {
    packs: Vec<Pack>,
    forest: Forest,
    hash: HashKind,
}

impl std::fmt::Debug for Packs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.packs.iter().map(|pack| &pack.path)).finish()
    }
}

impl Packs {
    /// Opens the packs in the given object directories. What cannot be opened goes to `unread`.
    pub(super) fn open(object_dirs: &[PathBuf], hash: HashKind, unread: &mut Vec<Unread>) -> Self {
        let mut packs = Vec::new();
        let mut first = 0;
        let indexes: Vec<PathBuf> =
            object_dirs.iter().flat_map(|dir| index_files(&dir.join("pack"), unread)).collect();
        for path in indexes {
            match Pack::open(&path, hash, first, unread) {
                Ok(pack) => {
                    first += pack.entries.len() as u32;
                    packs.push(pack);
                }
                Err(why) => unread.push(Unread::new(keysieve_model::provenance::path_bytes(&path), why)),
            }
        }
        let forest = Forest::of(&packs, hash);
        Self { packs, forest, hash }
    }

    /// The id of the object with the number; there has to be one.
    pub(super) fn id_of(&self, number: Number) -> &gix::oid {
        let pack = self.pack_of(number);
        pack.index.id(number - pack.first)
    }

    pub(super) fn files(&self) -> Vec<PackFile> {
        let file = |pack: &Pack| PackFile {
            path: pack.path.clone(),
            checksum: pack.data.checksum(),
            first: pack.first,
            count: pack.entries.len() as u32,
        };
        self.packs.iter().map(file).collect()
    }

    /// Says which indexes are damaged, but for those of packs that have a list.
    pub(super) fn verify(&self, lists: &[Option<Vec<Number>>], unread: &mut Vec<Unread>) {
        for (at, pack) in self.packs.iter().enumerate() {
            let is_known = lists.get(at).is_some_and(Option::is_some);
            if !is_known && pack.index.is_damaged() {
                let path = keysieve_model::provenance::path_bytes(&pack.path.with_extension("idx"));
                let why = format!("the index is damaged: its checksum does not match; {REPAIR}");
                unread.push(Unread::new(path, why));
            }
        }
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.forest.len()
    }

    /// The object, from whichever pack has a readable copy of it. `elsewhere` gives the objects that are in no pack.
    pub(super) fn read(
        &self,
        id: &gix::oid,
        elsewhere: impl Fn(&gix::oid) -> Result<(Kind, Vec<u8>), String>,
    ) -> Option<Result<(Kind, Vec<u8>), String>> {
        let mut failure = None;
        let copies = self.packs.iter().flat_map(|pack| pack.index.find(id).map(move |at| (pack, at)));
        for (pack, position) in copies {
            // Several may lie at one place by a damaged index: this one is meant.
            let slot = pack.entries.binary_search(&(pack.index.offset(position), position));
            let result = match slot {
                Ok(slot) => self.read_entry(pack.first + slot as u32, &elsewhere),
                Err(_) => Err("the index does not say where it is".to_owned()),
            };
            match result {
                Ok(object) => return Some(Ok(object)),
                Err(why) => failure = Some(Err(why)),
            }
        }
        failure
    }

    fn read_entry(
        &self,
        entry: u32,
        elsewhere: impl Fn(&gix::oid) -> Result<(Kind, Vec<u8>), String>,
    ) -> Result<(Kind, Vec<u8>), String> {
        let mut chain = vec![entry];
        let (kind, mut bytes) = loop {
            let last = *chain.last().expect("begins with one entry");
            match self.forest.bases[last as usize] {
                Base::Whole(kind) => break (kind, None),
                Base::Entry(base) if chain.len() < MAX_CHAIN => chain.push(base),
                Base::Entry(_) => return Err("its chain of deltas has no end".to_owned()),
                Base::Elsewhere(id) => {
                    let (kind, bytes) =
                        elsewhere(&id).map_err(|_| format!("its delta's base {id} cannot be read"))?;
                    break (kind, Some(bytes));
                }
                Base::Broken(why) => return Err(why.to_owned()),
            }
        };
        let mut scratch = Scratch::new();
        for &entry in chain.iter().rev() {
            let mut result = Vec::new();
            if let Err(why) = self.make(kind, entry, bytes.as_deref(), &mut scratch, &mut result) {
                (_, result) =
                    elsewhere(&self.id(entry)).ok().filter(|(found, _)| *found == kind).ok_or(why)?;
            }
            bytes = Some(result);
        }
        Ok((kind, bytes.expect("the chain has at least one entry")))
    }

    /// The entries that no walk reaches: deltas in a circle.
    pub(super) fn unreachable_entries(&self) -> impl Iterator<Item = ObjectId> + '_ {
        (0..self.len() as u32)
            .filter(|&entry| self.forest.weights[entry as usize] == 0)
            .map(|entry| self.id(entry))
    }

    fn pack_of(&self, entry: u32) -> &Pack {
        let after = self.packs.partition_point(|pack| pack.first <= entry);
        &self.packs[after - 1]
    }

    fn number(&self, entry: u32) -> Number {
        let pack = self.pack_of(entry);
        let (_, position) = pack.entries[(entry - pack.first) as usize];
        pack.first + position
    }

    fn id(&self, entry: u32) -> ObjectId {
        self.id_of(self.number(entry)).to_owned()
    }
}
