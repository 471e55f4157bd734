//! Packs as forests of deltas: every entry is inflated once, from the roots down, and handed on with what its delta says of
//! its base.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::ObjectId;
use gix::hash::Kind as HashKind;
use gix::objs::Kind;
use gix::odb::pack;
use gix::odb::pack::data::entry::Header;
use libdeflater::{DecompressionError, Decompressor};

use crate::chunk::Derivation;
use crate::coverage::Unread;

use super::delta::Delta;
use super::numbers::Number;
use super::pack_index::PackIndex;

/// The largest object that is read, in bytes. Larger ones are named as unread.
pub(super) const MAX_OBJECT_BYTES: usize = 1 << 30;
/// Deflate makes at most this many bytes of one: what claims more is refused before anything is allocated.
const MAX_DEFLATE_RATIO: usize = 1032;
/// How much memory an entry gets at first, in bytes, and how many times more where that was not enough.
const FIRST_ROOM_BYTES: usize = 16 << 20;
const ROOM_GROWTH: usize = 4;
/// The longest chain of deltas that is followed; git itself writes at most 4,095.
const MAX_CHAIN: usize = 50_000;
/// A walk is cut into about this many tasks a thread, of at least this many objects each.
const TASKS_PER_THREAD: usize = 256;
const MIN_TASK_OBJECTS: usize = 64;

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

struct Pack {
    path: PathBuf,
    data: pack::data::File,
    index: PackIndex,
    /// Where each entry begins, sorted, and its number in the index.
    entries: Vec<(u64, u32)>,
    /// The number of this pack's first entry among those of all packs.
    first: u32,
}

/// What to do about a damaged pack.
const REPAIR: &str = "restore it from another clone, or run `git fsck`";

/// A pack on disk.
#[derive(Debug)]
pub(super) struct PackFile {
    pub(super) path: PathBuf,
    /// What git computed over the pack's content.
    pub(super) checksum: ObjectId,
    /// The number of its first object, and how many it has.
    pub(super) first: Number,
    pub(super) count: u32,
}

/// Which entries a walk hands over, and which it has to make for that.
#[derive(Debug)]
pub(super) struct Selection {
    handed: Vec<bool>,
    needed: Vec<bool>,
}

/// What an entry is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    /// Nothing: it is stored whole.
    Whole(Kind),
    /// Another entry.
    Entry(u32),
    /// An object that is in no pack.
    Elsewhere(ObjectId),
    /// Its header cannot be read, or names an entry that is not there.
    Broken(&'static str),
}

/// All packs of a repository.
pub(super) struct Packs {
    packs: Vec<Pack>,
    bases: Vec<Base>,
    /// The children of entry `e` are `children[child_starts[e]..child_starts[e + 1]]`.
    child_starts: Vec<u32>,
    children: Vec<u32>,
    /// How many entries hang below each, itself included.
    weights: Vec<u32>,
    hash: HashKind,
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
                Err(why) => unread.push(Unread::new(crate::provenance::path_bytes(&path), why)),
            }
        }
        let bases = bases(&packs, hash);
        let (child_starts, children) = children(&bases);
        let weights = weights(&bases, &child_starts, &children);
        Self { packs, bases, child_starts, children, weights, hash }
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
                let path = crate::provenance::path_bytes(&pack.path.with_extension("idx"));
                let why = format!("the index is damaged: its checksum does not match; {REPAIR}");
                unread.push(Unread::new(path, why));
            }
        }
    }

    /// Selects all blobs, to be made and not handed over.
    pub(super) fn select_blobs(&self) -> Selection {
        let mut needed = vec![false; self.len()];
        let is_blob = |entry: &u32| self.bases[*entry as usize] == Base::Whole(Kind::Blob);
        let mut stack: Vec<u32> = (0..self.len() as u32).filter(is_blob).collect();
        while let Some(entry) = stack.pop() {
            needed[entry as usize] = true;
            stack.extend_from_slice(self.children_of(entry));
        }
        Selection { handed: vec![false; self.len()], needed }
    }

    /// Selects the given objects of packs that have a list, and everything of the others.
    pub(super) fn select(&self, lists: &[Option<Vec<Number>>]) -> Selection {
        let mut selection = self.nothing();
        for (pack, list) in self.packs.iter().zip(lists) {
            match list {
                None => self.add(pack.first..pack.first + pack.entries.len() as u32, &mut selection),
                Some(numbers) => self.add(self.entries_of(numbers.iter().copied()), &mut selection),
            }
        }
        selection
    }

    /// Selects the objects with these numbers; there have to be such.
    pub(super) fn select_numbers(&self, numbers: impl Iterator<Item = Number>) -> Selection {
        let mut selection = self.nothing();
        self.add(self.entries_of(numbers), &mut selection);
        selection
    }

    fn nothing(&self) -> Selection {
        Selection { handed: vec![false; self.len()], needed: vec![false; self.len()] }
    }

    fn entries_of(&self, numbers: impl Iterator<Item = Number>) -> impl Iterator<Item = u32> {
        numbers.filter_map(|number| {
            let pack = self.pack_of(number);
            pack.entry_at(pack.index.offset(number - pack.first))
        })
    }

    /// Selects entries, and what they are made from.
    fn add(&self, entries: impl Iterator<Item = u32>, selection: &mut Selection) {
        for entry in entries {
            selection.handed[entry as usize] = true;
            let mut next = Some(entry);
            while let Some(entry) = next.filter(|&entry| !selection.needed[entry as usize]) {
                selection.needed[entry as usize] = true;
                next = match self.bases[entry as usize] {
                    Base::Entry(base) => Some(base),
                    _ => None,
                };
            }
        }
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.bases.len()
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
            match self.bases[last as usize] {
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

    /// Hands every object to `visitor`, each base before what derives from it, on all threads of the current pool. An object in
    /// several packs is handed over once for each. With a `selection`, only what it selects.
    pub(super) fn walk<V: PackVisitor>(&self, visitor: &V, selection: Option<&Selection>) {
        let split =
            (self.len() / (TASKS_PER_THREAD * rayon::current_num_threads())).max(MIN_TASK_OBJECTS) as u32;
        let is_needed = |entry: &u32| selection.is_none_or(|selection| selection.needed[*entry as usize]);
        let mut roots: Vec<u32> = (0..self.bases.len() as u32)
            .filter(is_needed)
            .filter(|&entry| !matches!(self.bases[entry as usize], Base::Entry(_)))
            .collect();
        let heavy: Vec<u32> = roots.extract_if(.., |entry| self.weights[*entry as usize] > split).collect();
        let walk = &Walk { packs: self, visitor, selection, split };
        // The heavy ones first; the light ones in the order of the pack, many to a task.
        rayon::scope(|scope| {
            for entry in heavy {
                scope.spawn(move |scope| walk.root(scope, entry, &mut Scratch::new()));
            }
            for batch in roots.chunks(split as usize) {
                let batch = batch.to_vec();
                scope.spawn(move |scope| {
                    let mut scratch = Scratch::new();
                    batch.iter().for_each(|&entry| walk.root(scope, entry, &mut scratch));
                });
            }
        });
    }

    /// The entries that no walk reaches: deltas in a circle.
    pub(super) fn unreachable_entries(&self) -> impl Iterator<Item = ObjectId> + '_ {
        (0..self.len() as u32).filter(|&entry| self.weights[entry as usize] == 0).map(|entry| self.id(entry))
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

    fn children_of(&self, entry: u32) -> &[u32] {
        let entry = entry as usize;
        &self.children[self.child_starts[entry] as usize..self.child_starts[entry + 1] as usize]
    }

    /// Makes an entry's object: from `base` where it is a delta.
    fn make(
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

/// The index files in a pack directory, sorted. Packs that have none are unread.
fn index_files(dir: &Path, unread: &mut Vec<Unread>) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            unread.push(Unread::new(crate::provenance::path_bytes(dir), error.to_string()));
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
            unread.push(Unread::new(crate::provenance::path_bytes(pack), why));
        }
    }
    files.retain(|path| has_extension(path, "idx"));
    files
}

impl Pack {
    fn open(path: &Path, hash: HashKind, first: u32, unread: &mut Vec<Unread>) -> Result<Self, String> {
        let repair = REPAIR;
        let data_path = path.with_extension("pack");
        let data = pack::data::File::at(&data_path, hash)
            .map_err(|error| format!("the pack of this index cannot be read ({error}); {repair}"))?;
        let index = PackIndex::open(path, hash, data.num_objects())
            .map_err(|error| format!("the index cannot be read ({error}); {repair}"))?;
        let mut damage = |path: &Path, why: &str| {
            unread.push(Unread::new(crate::provenance::path_bytes(path), format!("{why}; {repair}")));
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
    fn raw(&self, slot: usize) -> Option<&[u8]> {
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
    fn rest(&self, slot: usize) -> Option<&[u8]> {
        let (start, _) = *self.entries.get(slot)?;
        self.data.entry_slice(start..self.data.pack_end() as u64).filter(|rest| !rest.is_empty())
    }

    /// The number among all packs' entries of the one that begins at `offset`.
    fn entry_at(&self, offset: u64) -> Option<u32> {
        let slot = self.entries.partition_point(|&(start, _)| start < offset);
        (self.entries.get(slot)?.0 == offset).then(|| self.first + slot as u32)
    }
}

impl std::fmt::Debug for Packs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.packs.iter().map(|pack| &pack.path)).finish()
    }
}

fn bases(packs: &[Pack], hash: HashKind) -> Vec<Base> {
    use rayon::prelude::*;
    let of = |pack: &Pack, slot: usize| {
        let Some(rest) = pack.rest(slot) else {
            return Base::Broken("the pack ends before it");
        };
        let offset = pack.entries[slot].0;
        let Ok(entry) = pack::data::Entry::from_bytes(rest, offset, hash) else {
            return Base::Broken("its header in the pack is damaged");
        };
        match entry.header {
            Header::Commit => Base::Whole(Kind::Commit),
            Header::Tree => Base::Whole(Kind::Tree),
            Header::Blob => Base::Whole(Kind::Blob),
            Header::Tag => Base::Whole(Kind::Tag),
            Header::OfsDelta { base_distance } => {
                offset.checked_sub(base_distance).and_then(|base| pack.entry_at(base)).map_or(
                    Base::Broken("its delta builds on a place in the pack where no object begins"),
                    Base::Entry,
                )
            }
            Header::RefDelta { base_id } => std::iter::once(pack)
                .chain(packs)
                .find_map(|pack| pack.entry_at(pack.index.offset(pack.index.find(&base_id).next()?)))
                .map_or(Base::Elsewhere(base_id), Base::Entry),
        }
    };
    packs
        .iter()
        .flat_map(|pack| {
            (0..pack.entries.len()).into_par_iter().map(|slot| of(pack, slot)).collect::<Vec<_>>()
        })
        .collect()
}

fn children(bases: &[Base]) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0u32; bases.len() + 1];
    let parent = |base: &Base| {
        if let Base::Entry(parent) = base { Some(*parent as usize) } else { None }
    };
    bases.iter().filter_map(parent).for_each(|parent| starts[parent + 1] += 1);
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut next = starts.clone();
    let mut children = vec![0u32; *starts.last().unwrap_or(&0) as usize];
    for (entry, base) in bases.iter().enumerate() {
        if let Some(parent) = parent(base) {
            children[next[parent] as usize] = entry as u32;
            next[parent] += 1;
        }
    }
    (starts, children)
}

/// The number of entries below each, itself included; 0 where no root leads to it.
fn weights(bases: &[Base], starts: &[u32], children: &[u32]) -> Vec<u32> {
    let mut order: Vec<u32> =
        (0..bases.len() as u32).filter(|&entry| !matches!(bases[entry as usize], Base::Entry(_))).collect();
    let mut at = 0;
    while let Some(&entry) = order.get(at) {
        let entry = entry as usize;
        order.extend_from_slice(&children[starts[entry] as usize..starts[entry + 1] as usize]);
        at += 1;
    }
    let mut weights = vec![0u32; bases.len()];
    for &entry in order.iter().rev() {
        weights[entry as usize] += 1;
        if let Base::Entry(parent) = bases[entry as usize] {
            weights[parent as usize] += weights[entry as usize];
        }
    }
    weights
}

/// An object that others derive from, kept until the last of them is made.
struct Node<M> {
    bytes: Vec<u8>,
    memo: Option<M>,
}

/// Buffers that a thread uses again for each object.
struct Scratch {
    inflater: Decompressor,
    delta: Delta,
    delta_bytes: Vec<u8>,
    /// Buffers of objects that nothing derives from any more.
    spare: Vec<Vec<u8>>,
}

/// How many spare buffers a thread keeps, and how large they may be, in bytes.
const MAX_SPARE: usize = 4;
const MAX_SPARE_BYTES: usize = 8 << 20;

impl Scratch {
    fn new() -> Self {
        Self {
            inflater: Decompressor::new(),
            delta: Delta::default(),
            delta_bytes: Vec::new(),
            spare: Vec::new(),
        }
    }

    fn recycle(&mut self, buffer: Vec<u8>) {
        if self.spare.len() < MAX_SPARE && buffer.capacity() <= MAX_SPARE_BYTES {
            self.spare.push(buffer);
        }
    }
}

struct Walk<'p, V: PackVisitor> {
    packs: &'p Packs,
    visitor: &'p V,
    selection: Option<&'p Selection>,
    split: u32,
}

impl<V: PackVisitor> Walk<'_, V> {
    fn root<'s>(&'s self, scope: &rayon::Scope<'s>, entry: u32, scratch: &mut Scratch) {
        match self.packs.bases[entry as usize] {
            Base::Whole(kind) => self.tree(scope, kind, entry, None, scratch),
            Base::Elsewhere(id) => match self.visitor.elsewhere(&id) {
                Some((kind, bytes)) => {
                    self.tree(scope, kind, entry, Some(Arc::new(Node { bytes, memo: None })), scratch);
                }
                None => self.fail_below(entry, &format!("its delta's base {id} is not in the repository")),
            },
            Base::Broken(why) => {
                if let Some((kind, node)) = self.rescue(entry, why) {
                    let base = Arc::new(node);
                    for &child in self.packs.children_of(entry) {
                        self.tree(scope, kind, child, Some(Arc::clone(&base)), scratch);
                    }
                }
            }
            Base::Entry(_) => {}
        }
    }

    /// Walks the tree of deltas below `root`, the lightest branch first, so that few objects are held at a time: one for
    /// each halving of what is left.
    fn tree<'s>(
        &'s self,
        scope: &rayon::Scope<'s>,
        kind: Kind,
        root: u32,
        base: Option<Arc<Node<V::Memo>>>,
        scratch: &mut Scratch,
    ) {
        let mut stack = vec![(root, base)];
        while let Some((entry, base)) = stack.pop() {
            let made = self.make(kind, entry, base.as_deref(), scratch);
            if let Some(node) = base.and_then(Arc::into_inner) {
                scratch.recycle(node.bytes);
            }
            let node = match made {
                Ok(node) => node,
                Err(why) => match self.rescue(entry, &why) {
                    Some((_, node)) => node,
                    None => continue,
                },
            };
            let mut children = self.packs.children_of(entry).to_vec();
            if let Some(selection) = self.selection {
                children.retain(|&child| selection.needed[child as usize]);
            }
            if children.is_empty() {
                scratch.recycle(node.bytes);
                continue;
            }
            // Pushed last, popped first: the heaviest is made last, when its base is needed no more.
            children.sort_unstable_by_key(|&child| std::cmp::Reverse(self.packs.weights[child as usize]));
            let node = Arc::new(node);
            for (position, child) in children.into_iter().enumerate() {
                let base = Some(Arc::clone(&node));
                if position > 0 && self.packs.weights[child as usize] > self.split {
                    scope.spawn(move |scope| self.tree(scope, kind, child, base, &mut Scratch::new()));
                } else {
                    stack.push((child, base));
                }
            }
        }
    }

    fn make(
        &self,
        kind: Kind,
        entry: u32,
        base: Option<&Node<V::Memo>>,
        scratch: &mut Scratch,
    ) -> Result<Node<V::Memo>, String> {
        let mut bytes = scratch.spare.pop().unwrap_or_default();
        self.packs.make(kind, entry, base.map(|base| base.bytes.as_slice()), scratch, &mut bytes)?;
        if self.selection.is_some_and(|selection| !selection.handed[entry as usize]) {
            return Ok(Node { bytes, memo: None });
        }
        let derivation = base
            .filter(|base| base.memo.is_some())
            .map(|base| Derivation { base: &base.bytes, copies: &scratch.delta.copies });
        let number = self.packs.number(entry);
        let id = self.packs.id_of(number).to_owned();
        let object = PackedObject { id, number, kind, bytes: &bytes, derivation };
        let memo = self.visitor.object(&object, base.and_then(|base| base.memo.as_ref()));
        Ok(Node { bytes, memo })
    }

    /// The object of an entry that cannot be made, from another copy of it: what derives from it need not be lost.
    fn rescue(&self, entry: u32, why: &str) -> Option<(Kind, Node<V::Memo>)> {
        let copy = self.visitor.elsewhere(&self.packs.id(entry));
        match copy {
            Some((kind, bytes)) => {
                self.fail(entry, why);
                Some((kind, Node { bytes, memo: None }))
            }
            None => {
                self.fail_below(entry, why);
                None
            }
        }
    }

    fn fail(&self, entry: u32, why: &str) {
        self.visitor.failed(self.packs.id(entry), why.to_owned());
    }

    /// An entry that cannot be made takes with it all that derive from it.
    fn fail_below(&self, entry: u32, why: &str) {
        self.fail(entry, why);
        let broken = self.packs.id(entry);
        let mut stack = self.packs.children_of(entry).to_vec();
        while let Some(entry) = stack.pop() {
            self.fail(entry, &format!("its delta builds on {broken}, which cannot be read"));
            stack.extend_from_slice(self.packs.children_of(entry));
        }
    }
}
