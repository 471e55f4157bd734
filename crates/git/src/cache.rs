//! What an earlier audit learned of a pack, kept in the git directory so that the next one need not read it again.
//!
//! A pack never changes, so what was true of its objects stays true: which of them the detector found *clean*, how they name
//! each other, how many bytes they have. Objects that are not clean are read again each time: nothing of a secret is kept here,
//! and no file name either, only where in which tree it stands. What a pack names outside of itself is looked up anew.
//!
//! A file is used where it was written by the same version for the same rules, for the pack with this checksum and size, and
//! where its own checksum holds. Everything else is ignored and written over: only regular files are opened, none that is
//! larger than its pack, and nothing is written through a link. Files are made under another name and then renamed, so audits
//! at the same time do no harm. A repository with a secret in a file's name gets no cache, nor does a pack some of whose objects
//! were read from another one.
//!
//! What could not be read is tried, and named, again each time: a damaged object counts as one that is not clean, and what a
//! pack's objects name and is not there is kept in a list. Once some of that is there, the file is of no use. A shallow clone's
//! files are for the same ends of history only.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gix::ObjectId;
use gix::objs::Kind;
use sha2::{Digest as _, Sha256};

use keysieve_model::coverage::Read;
use keysieve_paths::control;

use super::commits::Commit;
use super::numbers::{NO_OBJECT, Number};
use super::objects::{Failures, Objects};
use super::packs::PackFile;
use super::sieve::{Seen, Sieved};
use super::tree_log::{Stored, TreeLog};

/// What a cache is for: the rules, the settings and the version that found objects clean.
pub(super) type Key = [u8; 32];

/// Changes with the format of the files.
const MAGIC: &[u8; 8] = b"KSCACHE3";
/// Smaller packs are read as fast as a cache.
const MIN_OBJECTS: u32 = 1_000;
/// The folder in the git directory.
const FOLDER: &str = "keysieve";
const EXTENSION: &str = "cache";
/// What files are called while they are written, and how long they may be left.
const SCRATCH: &str = "tmp";
const SCRATCH_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// Stands in a file for an object outside of the pack: a place in the list of those.
const ELSEWHERE: u32 = 1 << 29;
/// Stands in a file for no object.
const NOTHING: u32 = (1 << 30) - 1;

/// The caches of a repository's packs.
#[derive(Debug)]
pub(super) struct Cache {
    dir: PathBuf,
    key: Key,
}

/// What is known of all packs that have a cache.
#[derive(Debug, Default)]
pub(super) struct Recalled {
    /// For each pack, the objects in it that are to be read again; `None` where nothing is known.
    pub(super) unclean: Vec<Option<Vec<Number>>>,
    /// The clean objects that lie in other packs too.
    pub(super) clean_elsewhere: HashSet<ObjectId>,
    pub(super) commits: Vec<Commit>,
    pub(super) tags: HashMap<ObjectId, ObjectId>,
    pub(super) watched: Vec<ObjectId>,
    pub(super) trees: Vec<TreeLog>,
    pub(super) missing: Vec<(ObjectId, &'static str)>,
    pub(super) read: Read,
}

impl Cache {
    /// The caches below `git_dir` that were made for `key`, and for a history that is cut off at the commits `shallow`.
    pub(super) fn new(git_dir: &Path, key: Key, shallow: &HashSet<ObjectId>) -> Self {
        let mut hash = Sha256::new();
        hash.update(key);
        shallow.iter().collect::<BTreeSet<_>>().into_iter().for_each(|id| hash.update(id.as_bytes()));
        Self { dir: git_dir.join(FOLDER), key: hash.finalize().into() }
    }

    /// What is known of the packs.
    pub(super) fn recall(&self, objects: &Objects) -> Recalled {
        let mut recalled = Recalled::default();
        let mut counted = HashSet::new();
        for pack in objects.pack_files() {
            let bytes = control::read(&self.path(&pack), max_bytes(&pack)).ok();
            let record = bytes.and_then(|bytes| self.decode(&bytes, &pack));
            let unclean =
                record.and_then(|record| record.recall(objects, &pack, &mut counted, &mut recalled));
            recalled.unclean.push(unclean);
        }
        recalled
    }

    /// Keeps what was learned of the packs of which nothing was known, and removes files of packs that are gone. That it cannot
    /// be kept is no error: then the next audit reads everything.
    pub(super) fn keep(
        &self,
        objects: &Objects,
        recalled: &[Option<Vec<Number>>],
        sieved: &Sieved,
        failures: &Failures,
    ) {
        // Where the folder is a link, what lies behind it belongs to somebody else.
        if !matches!(fs::create_dir(&self.dir), Err(error) if error.kind() != ErrorKind::AlreadyExists)
            && fs::symlink_metadata(&self.dir).is_ok_and(|folder| folder.is_dir())
        {
            self.write_missing(objects, recalled, sieved, failures);
            self.tidy(objects);
        }
    }

    fn write_missing(
        &self,
        objects: &Objects,
        recalled: &[Option<Vec<Number>>],
        sieved: &Sieved,
        failures: &Failures,
    ) {
        let packs = objects.pack_files();
        for (pack, _) in
            packs.iter().zip(recalled).filter(|(pack, known)| known.is_none() && pack.count >= MIN_OBJECTS)
        {
            if let Some(record) = Record::of(objects, pack, sieved, failures) {
                let bytes = self.encode(&record, pack);
                if bytes.len() as u64 <= max_bytes(pack) {
                    let _ = write(&self.path(pack), &bytes);
                }
            }
        }
    }

    /// Removes the files of packs that are gone, and what an audit that was stopped left behind.
    fn tidy(&self, objects: &Objects) {
        let expected: HashSet<PathBuf> = objects.pack_files().iter().map(|pack| self.path(pack)).collect();
        for file in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let path = file.path();
            let is_stale = match path.extension().and_then(|extension| extension.to_str()) {
                Some(EXTENSION) => !expected.contains(&path),
                Some(SCRATCH) => file.metadata().is_ok_and(|metadata| is_older_than(&metadata, SCRATCH_LIFE)),
                _ => false,
            };
            if is_stale {
                let _ = fs::remove_file(path);
            }
        }
    }

    fn path(&self, pack: &PackFile) -> PathBuf {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update(pack.checksum.as_bytes());
        let hash = hash.finalize();
        let name: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        self.dir.join(name).with_extension(EXTENSION)
    }

    /// What has to be the same for a cache to be true.
    fn identity(&self, pack: &PackFile) -> Option<[u8; 32]> {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update(pack.checksum.as_bytes());
        hash.update(pack.count.to_le_bytes());
        for path in [&pack.path, &pack.path.with_extension("idx")] {
            // Not its time of change: git renews that when it would write an object that the pack holds.
            hash.update(fs::metadata(path).ok()?.len().to_le_bytes());
        }
        Some(hash.finalize().into())
    }

    fn encode(&self, record: &Record, pack: &PackFile) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(self.identity(pack).unwrap_or_default());
        record.encode(&mut out);
        let checksum = crc32fast::hash(&out);
        out.extend(checksum.to_le_bytes());
        out
    }

    fn decode(&self, bytes: &[u8], pack: &PackFile) -> Option<Record> {
        let (bytes, checksum) = bytes.split_last_chunk()?;
        let body = bytes.strip_prefix(MAGIC)?.strip_prefix(&self.identity(pack)?)?;
        if crc32fast::hash(bytes) != u32::from_le_bytes(*checksum) {
            return None;
        }
        Record::decode(body, pack.count)
    }
}

/// No file is larger than its pack with its index: what is larger is no cache.
fn max_bytes(pack: &PackFile) -> u64 {
    let size = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    size(&pack.path) + size(&pack.path.with_extension("idx"))
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let scratch = path.with_extension(format!("{}.{SCRATCH}", std::process::id()));
    // Of this name nobody else makes a file; one that is there was left behind, or is a link to somewhere.
    let _ = fs::remove_file(&scratch);
    let written = fs::File::create_new(&scratch)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&scratch, path));
    if written.is_err() {
        let _ = fs::remove_file(&scratch);
    }
    written
}

fn is_older_than(metadata: &fs::Metadata, age: Duration) -> bool {
    metadata.modified().ok().and_then(|time| time.elapsed().ok()).is_some_and(|elapsed| elapsed > age)
}

/// What a file holds. Objects of the pack stand in it by their places in its index, others by their places in `elsewhere`.
#[derive(Debug, Default)]
struct Record {
    /// For each object its size in bytes, and its kind with [`UNCLEAN`].
    objects: Vec<(u32, u8)>,
    elsewhere: Vec<(ObjectId, u8)>,
    /// What objects of the pack name and is nowhere.
    missing: Vec<(ObjectId, u8)>,
    commits: Vec<(u32, u32, i64, Vec<u32>)>,
    tags: Vec<(u32, u32)>,
    watched: Vec<u32>,
    trees: Stored,
}

const KINDS: [(Kind, &str); 4] =
    [(Kind::Blob, "blob"), (Kind::Tree, "tree"), (Kind::Commit, "commit"), (Kind::Tag, "object")];
const UNCLEAN: u8 = 1 << 7;

fn kind_byte(kind: Kind) -> u8 {
    KINDS.iter().zip(0..).find_map(|((known, _), byte)| (*known == kind).then_some(byte)).unwrap_or_default()
}

fn kind_word(byte: u8) -> &'static str {
    KINDS[usize::from(byte) % KINDS.len()].1
}

/// Says how a pack's record names objects: by their places in the pack, or in a list of those elsewhere, which it gathers.
struct Localizer<'a> {
    objects: &'a Objects,
    pack: &'a PackFile,
    elsewhere: Vec<(ObjectId, u8)>,
    places: HashMap<Number, u32>,
}

impl Localizer<'_> {
    /// The object's place in the pack; `None` where it lies elsewhere.
    fn place(&self, number: Number) -> Option<u32> {
        number.checked_sub(self.pack.first).filter(|&place| place < self.pack.count)
    }

    /// What stands for the object in the record.
    fn local(&mut self, number: Number, kind: Kind) -> u32 {
        if number == NO_OBJECT {
            return NOTHING;
        }
        if let Some(place) = self.place(number) {
            return place;
        }
        let next = self.elsewhere.len() as u32;
        *self.places.entry(number).or_insert_with(|| {
            self.elsewhere.push((self.objects.id(number).to_owned(), kind_byte(kind)));
            ELSEWHERE | next
        })
    }
}

impl Record {
    /// `None` where some of the pack's objects were read from another pack.
    fn of(objects: &Objects, pack: &PackFile, sieved: &Sieved, failures: &Failures) -> Option<Self> {
        let mut to_local = Localizer { objects, pack, elsewhere: Vec::new(), places: HashMap::new() };
        if pack.count >= ELSEWHERE {
            return None;
        }
        let mut record = Self { objects: vec![(0, u8::MAX); pack.count as usize], ..Self::default() };
        for Seen { number, kind, size, is_clean } in sieved.seen.iter().flatten() {
            if let Some(place) = to_local.place(*number) {
                let unclean = if *is_clean { 0 } else { UNCLEAN };
                record.objects[place as usize] = (*size, kind_byte(*kind) | unclean);
            }
        }
        for ((_, kind), number) in record.objects.iter_mut().zip(pack.first..) {
            let id = objects.id(number);
            if failures.contains_key(id) || sieved.damaged.contains_key(id) {
                *kind = UNCLEAN;
            } else if *kind == u8::MAX {
                return None;
            }
        }
        for (id, (kind, by)) in &sieved.missing {
            if by.iter().any(|by| to_local.place(*by).is_some()) {
                let kind = KINDS.iter().zip(0..).find_map(|((_, word), byte)| (word == kind).then_some(byte));
                record.missing.push((*id, kind?));
            }
        }
        for commit in &sieved.commits {
            let Some(place) = to_local.place(commit.number) else { continue };
            let tree = to_local.local(commit.tree, Kind::Tree);
            let parents = commit.parents.iter().map(|&parent| to_local.local(parent, Kind::Commit)).collect();
            record.commits.push((place, tree, commit.seconds, parents));
        }
        for (tag, target) in &sieved.tags {
            if let Some(place) = objects.number(tag).and_then(|tag| to_local.place(tag)) {
                let target = objects.number(target).unwrap_or(NO_OBJECT);
                record.tags.push((place, to_local.local(target, Kind::Tag)));
            }
        }
        record.tags.sort_unstable();
        record.watched = sieved.watched.iter().filter_map(|id| to_local.place(objects.number(id)?)).collect();
        let first = pack.first;
        record.trees = sieved.trees.stored(first..first + pack.count, |number, is_tree| {
            to_local.local(number, if is_tree { Kind::Tree } else { Kind::Blob })
        });
        record.elsewhere = to_local.elsewhere;
        (record.elsewhere.len() < (NOTHING - ELSEWHERE) as usize).then_some(record)
    }

    /// Adds what is known to `recalled`, and returns the objects that are to be read again; `None` where something is there now
    /// that was missing.
    fn recall(
        self,
        objects: &Objects,
        pack: &PackFile,
        counted: &mut HashSet<Number>,
        recalled: &mut Recalled,
    ) -> Option<Vec<Number>> {
        if self.missing.iter().any(|(id, _)| objects.contains(id)) {
            return None;
        }
        recalled.missing.extend(self.missing.iter().map(|(id, kind)| (*id, kind_word(*kind))));
        let mut elsewhere = Vec::new();
        objects.numbers(self.elsewhere.iter().map(|(id, _)| &**id), &mut elsewhere);
        for ((id, kind), number) in self.elsewhere.iter().zip(&elsewhere) {
            if number.is_none() {
                recalled.missing.push((*id, kind_word(*kind)));
            }
        }
        let number = |local: u32| match local {
            NOTHING => NO_OBJECT,
            _ if local & ELSEWHERE != 0 => {
                elsewhere.get((local & !ELSEWHERE) as usize).copied().flatten().unwrap_or(NO_OBJECT)
            }
            place => objects.canonical(pack.first + place.min(pack.count - 1)),
        };
        let mut unclean = Vec::new();
        for (&(size, kind), place) in self.objects.iter().zip(0..) {
            let own = pack.first + place;
            if kind & UNCLEAN != 0 {
                unclean.push(own);
                continue;
            }
            let canonical = objects.canonical(own);
            if objects.is_repeated(canonical) {
                recalled.clean_elsewhere.insert(objects.id(own).to_owned());
                if !counted.insert(canonical) {
                    continue;
                }
            }
            let kind = KINDS[usize::from(kind) % KINDS.len()].0;
            match kind {
                Kind::Blob => {
                    recalled.read.blobs += 1;
                    recalled.read.known += 1;
                }
                // Counted by themselves.
                Kind::Commit | Kind::Tag | Kind::Tree => {}
            }
            recalled.read.bytes += if kind == Kind::Tree { 0 } else { u64::from(size) };
        }
        recalled.commits.extend(self.commits.into_iter().map(|(place, tree, seconds, parents)| {
            let own = number(place);
            Commit {
                id: objects.id(own).to_owned(),
                number: own,
                tree: number(tree),
                parents: parents.into_iter().map(number).filter(|&parent| parent != NO_OBJECT).collect(),
                seconds,
            }
        }));
        let id = |local: u32| Some(number(local)).filter(|&number| number != NO_OBJECT);
        let id = |local: u32| id(local).map(|number| objects.id(number).to_owned());
        recalled.tags.extend(self.tags.into_iter().filter_map(|(tag, target)| Some((id(tag)?, id(target)?))));
        recalled.watched.extend(self.watched.into_iter().filter_map(id));
        recalled.trees.push(TreeLog::recall(self.trees, number));
        Some(unclean)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let mut word = |value: u32| out.extend(value.to_le_bytes());
        for &(size, kind) in &self.objects {
            word(size);
            word(u32::from(kind));
        }
        word(self.commits.len() as u32);
        for (place, tree, seconds, parents) in &self.commits {
            let seconds = *seconds as u64;
            for value in [*place, *tree, seconds as u32, (seconds >> 32) as u32, parents.len() as u32] {
                word(value);
            }
            parents.iter().copied().for_each(&mut word);
        }
        word(self.tags.len() as u32);
        for &(tag, target) in &self.tags {
            word(tag);
            word(target);
        }
        word(self.watched.len() as u32);
        self.watched.iter().copied().for_each(&mut word);
        self.trees.encode(&mut word);
        word(self.missing.len() as u32);
        word(self.elsewhere.len() as u32);
        for (id, kind) in self.missing.iter().chain(&self.elsewhere) {
            out.push(*kind);
            out.extend(id.as_bytes());
        }
    }

    fn decode(bytes: &[u8], objects: u32) -> Option<Self> {
        let mut words = Words(bytes);
        let mut object = || Some((words.next()?, words.next()? as u8));
        let objects = (0..objects).map(|_| object()).collect::<Option<_>>()?;
        let mut record = Self { objects, ..Self::default() };
        for _ in 0..words.next()? {
            let (place, tree) = (words.next()?, words.next()?);
            let seconds = u64::from(words.next()?) | u64::from(words.next()?) << 32;
            let count = words.next()?;
            let parents = (0..count).map(|_| words.next()).collect::<Option<_>>()?;
            record.commits.push((place, tree, seconds as i64, parents));
        }
        let tags = words.next()?;
        record.tags = (0..tags).map(|_| Some((words.next()?, words.next()?))).collect::<Option<_>>()?;
        let watched = words.next()?;
        record.watched = (0..watched).map(|_| words.next()).collect::<Option<_>>()?;
        record.trees = Stored::decode(&mut words)?;
        let (missing, elsewhere) = (words.next()? as usize, words.next()? as usize);
        let count = missing.checked_add(elsewhere)?;
        let rest = words.0;
        let length = rest.len().checked_div(count).unwrap_or(0);
        if length * count != rest.len() {
            return None;
        }
        for item in rest.chunks_exact(length.max(1)) {
            let (kind, id) = item.split_first()?;
            record.elsewhere.push((ObjectId::try_from(id).ok()?, *kind));
        }
        record.missing = record.elsewhere.drain(..missing).collect();
        Some(record)
    }
}

/// Reads numbers one after the other.
pub(super) struct Words<'a>(&'a [u8]);

impl Words<'_> {
    pub(super) fn next(&mut self) -> Option<u32> {
        let (word, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*word))
    }
}
