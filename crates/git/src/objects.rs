//! Every object of a repository once: all packs and loose objects, those of alternates too, reachable or not.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use gix::ObjectId;
use gix::hash::Kind as HashKind;
use gix::objs::Kind;
use gix::odb::loose;
use rayon::prelude::*;

use keysieve_model::coverage::Unread;
use keysieve_model::sync::{into_inner, lock};

use super::cache::Recalled;
use super::error::unquoted;
use super::numbers::{NO_OBJECT, Number, Numbers};
use super::packs::{MAX_OBJECT_BYTES, PackFile, PackVisitor, PackedObject, Packs};

/// The object database of a repository.
pub(super) struct Objects {
    packs: Packs,
    loose: Vec<loose::Store>,
    /// The ids of loose objects, sorted.
    loose_ids: Vec<ObjectId>,
    numbers: Numbers,
    /// The objects that lie in several packs, by their first number.
    repeated: HashSet<Number>,
    /// The first number of each that has another one.
    canonical: HashMap<Number, Number>,
    hash: HashKind,
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects")
            .field("packs", &self.packs)
            .field("loose", &self.loose_ids.len())
            .finish_non_exhaustive()
    }
}

/// Receives every object once, from several threads.
pub(super) trait ObjectVisitor: Sync {
    /// What is remembered of an object for those derived from it.
    type Memo: Send + Sync;

    /// Takes an object, see [`PackVisitor::object`].
    fn object(&self, object: &PackedObject<'_>, base: Option<&Self::Memo>) -> Self::Memo;
}

/// Objects that are there and cannot be read, with the reason.
pub(super) type Failures = BTreeMap<ObjectId, String>;

impl Objects {
    /// Opens the object database in `objects`, with its alternates.
    pub(super) fn open(objects: &Path, hash: HashKind, unread: &mut Vec<Unread>) -> Self {
        let mut dirs = vec![objects.to_owned()];
        let current = std::env::current_dir().unwrap_or_default();
        match gix::odb::alternate::resolve(objects.to_owned(), &current) {
            Ok(alternates) => dirs.extend(alternates),
            Err(error) => {
                let file = keysieve_model::provenance::path_bytes(&objects.join("info/alternates"));
                unread.push(Unread::new(
                    file,
                    format!("the object databases that it names cannot be found: {}", unquoted(&error)),
                ));
            }
        }
        let missing = dirs.iter().skip(1).filter(|dir| !dir.is_dir());
        // The file may be another one than it claims to be, so only what looks like a database is shown.
        let is_shown = |dir: &&PathBuf| {
            dir.ends_with("objects") && !dir.to_string_lossy().contains(|sign: char| sign.is_control())
        };
        let (shown, others): (Vec<_>, Vec<_>) = missing.partition(is_shown);
        if !others.is_empty() {
            let file = keysieve_model::provenance::path_bytes(&objects.join("info/alternates"));
            let lines = if others.len() == 1 { "a line of it names" } else { "lines of it name" };
            let why = format!("{lines} no object database; restore it, or take it away where none is needed");
            unread.push(Unread::new(file, why));
        }
        for dir in shown {
            let why = "this object database, named in objects/info/alternates, is not there; restore it, or \
                       `git repack -a -d` in a clone that still has it";
            unread.push(Unread::new(keysieve_model::provenance::path_bytes(dir), why));
        }
        let packs = Packs::open(&dirs, hash, unread);
        let options = loose::Options { alloc_limit_bytes: Some(MAX_OBJECT_BYTES), ..Default::default() };
        let loose: Vec<_> = dirs.iter().map(|dir| loose::Store::at_opts(dir, hash, options)).collect();
        let mut loose_ids = BTreeSet::new();
        for (store, dir) in loose.iter().zip(&dirs).filter(|(_, dir)| dir.is_dir()) {
            for id in store.iter() {
                match id {
                    Ok(id) => {
                        loose_ids.insert(id);
                    }
                    Err(error) => {
                        unread.push(Unread::new(
                            keysieve_model::provenance::path_bytes(dir),
                            error.to_string(),
                        ));
                    }
                }
            }
        }
        let mut objects = Self {
            numbers: Numbers::with_room_for(packs.len() + loose_ids.len()),
            packs,
            loose,
            loose_ids: loose_ids.into_iter().collect(),
            repeated: HashSet::new(),
            canonical: HashMap::new(),
            hash,
        };
        objects.give_numbers();
        objects
    }

    fn give_numbers(&mut self) {
        let Self { packs, loose_ids, numbers, repeated, canonical, .. } = self;
        let in_packs = packs.len() as Number;
        for number in 0..in_packs + loose_ids.len() as Number {
            let id_of = |number| id_of(packs, loose_ids, number);
            if let Some(first) = numbers.insert(id_of(number), number, id_of) {
                canonical.insert(number, first);
                repeated.extend((number < in_packs).then_some(first));
            }
        }
    }

    /// The number of the object, where the repository lists it, readable or not.
    pub(super) fn number(&self, id: &gix::oid) -> Option<Number> {
        self.numbers.find(id, |number| id_of(&self.packs, &self.loose_ids, number))
    }

    /// The numbers of several objects, in their order.
    pub(super) fn numbers<'b>(
        &self,
        ids: impl Iterator<Item = &'b gix::oid> + Clone,
        numbers: &mut Vec<Option<Number>>,
    ) {
        self.numbers.find_all(ids, |number| id_of(&self.packs, &self.loose_ids, number), numbers);
    }

    /// Whether the repository lists the object, readable or not.
    pub(super) fn contains(&self, id: &gix::oid) -> bool {
        self.number(id).is_some()
    }

    /// The id of the object with the number; there has to be one.
    pub(super) fn id(&self, number: Number) -> &gix::oid {
        id_of(&self.packs, &self.loose_ids, number)
    }

    /// The first number of the object with the number: that by which others know it.
    pub(super) fn canonical(&self, number: Number) -> Number {
        if self.canonical.is_empty() { number } else { *self.canonical.get(&number).unwrap_or(&number) }
    }

    /// Whether the object with this first number lies in several packs.
    pub(super) fn is_repeated(&self, canonical: Number) -> bool {
        self.repeated.contains(&canonical)
    }

    /// Says which packs' indexes are damaged, of those of which nothing was recalled.
    pub(super) fn verify(&self, recalled: &Recalled, unread: &mut Vec<Unread>) {
        self.packs.verify(&recalled.unclean, unread);
    }

    /// The packs that could be opened.
    pub(super) fn pack_files(&self) -> Vec<PackFile> {
        self.packs.files()
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.packs.len() + self.loose_ids.len()
    }

    /// Whether there is no object at all.
    pub(super) fn is_empty(&self) -> bool {
        self.packs.len() == 0 && self.loose_ids.is_empty()
    }

    /// One object, from wherever a readable copy is.
    pub(super) fn read(&self, id: &gix::oid) -> Result<(Kind, Vec<u8>), String> {
        match self.packs.read(id, |base| self.read_loose(base)) {
            Some(Ok(object)) => Ok(object),
            Some(Err(why)) => self.read_loose(id).map_err(|_| why),
            None => self.read_loose(id),
        }
    }

    fn read_loose(&self, id: &gix::oid) -> Result<(Kind, Vec<u8>), String> {
        let mut failure = "it is not in the repository".to_owned();
        for store in self.loose.iter().filter(|store| store.contains(id)) {
            let mut buffer = Vec::new();
            match store.try_find(id, &mut buffer) {
                Ok(Some(object)) => {
                    let kind = object.kind;
                    match gix::objs::compute_hash(self.hash, kind, object.data) {
                        Ok(actual) if *actual == *id => return Ok((kind, buffer)),
                        _ => {
                            failure =
                                "its content does not match its id: the loose object is damaged".to_owned();
                        }
                    }
                }
                Ok(None) => {}
                Err(error) => failure = format!("the loose object is damaged: {error}"),
            }
        }
        Err(failure)
    }

    /// Hands every object over, once each, and returns those that cannot be read. One bad object never
    /// stops the rest. Of what was recalled, only objects that are not clean are handed over.
    pub(super) fn visit<V: ObjectVisitor>(&self, visitor: &V, recalled: &Recalled) -> Failures {
        let seen = Mutex::new(recalled.clean_elsewhere.clone());
        let walk = PackWalk { objects: self, visitor, seen, failures: Mutex::default() };
        let is_known = recalled.unclean.iter().any(Option::is_some);
        let selection = is_known.then(|| self.packs.select(&recalled.unclean));
        self.packs.walk(&walk, selection.as_ref());
        let PackWalk { seen, failures, .. } = walk;
        let (seen, mut failures) = (into_inner(seen), into_inner(failures));
        for id in self.packs.unreachable_entries() {
            failures.entry(id).or_insert_with(|| "its delta builds on itself".to_owned());
        }
        failures.retain(|id, _| !seen.contains(id));
        // What a pack could not give may lie elsewhere too; what it gave is not read again.
        let retried: Vec<ObjectId> = failures.keys().filter(|id| self.is_in_packs(id)).copied().collect();
        let loose: Vec<ObjectId> = self
            .loose_ids
            .iter()
            .filter(|id| failures.contains_key(*id) || !self.is_packed(id))
            .copied()
            .collect();
        let others: HashSet<ObjectId> = loose.into_iter().chain(retried).collect();
        let results: Vec<(ObjectId, Result<(), String>)> = others
            .into_par_iter()
            .map(|id| (id, self.read(&id).map(|(kind, bytes)| self.hand_over(visitor, id, kind, &bytes))))
            .collect();
        for (id, result) in results {
            match result {
                Ok(()) => {
                    failures.remove(&id);
                }
                Err(why) => {
                    failures.insert(id, why);
                }
            }
        }
        failures
    }

    /// Hands over those of `ids` that lie in a pack, each base before what derives from it. What cannot be read is passed over.
    pub(super) fn visit_packed<'b, V: ObjectVisitor>(
        &self,
        visitor: &V,
        ids: impl Iterator<Item = &'b gix::oid>,
    ) {
        let packed =
            ids.filter_map(|id| self.number(id)).filter(|&number| (number as usize) < self.packs.len());
        let selection = self.packs.select_numbers(packed);
        let walk = PackWalk { objects: self, visitor, seen: Mutex::default(), failures: Mutex::default() };
        self.packs.walk(&walk, Some(&selection));
    }

    /// Makes every blob that lies in a pack, and looks at none.
    pub(super) fn make_blobs(&self) -> Failures {
        let walk =
            PackWalk { objects: self, visitor: &Blind, seen: Mutex::default(), failures: Mutex::default() };
        self.packs.walk(&walk, Some(&self.packs.select_blobs()));
        into_inner(walk.failures)
    }

    fn is_packed(&self, id: &gix::oid) -> bool {
        self.number(id).is_some_and(|number| (number as usize) < self.packs.len())
    }

    fn is_in_packs(&self, id: &gix::oid) -> bool {
        self.number(id).is_some_and(|number| self.is_repeated(number))
    }

    fn hand_over<V: ObjectVisitor>(&self, visitor: &V, id: ObjectId, kind: Kind, bytes: &[u8]) {
        let number = self.number(&id).unwrap_or(NO_OBJECT);
        visitor.object(&PackedObject { id, number, kind, bytes, derivation: None }, None);
    }
}

/// Looks at nothing.
struct Blind;

impl ObjectVisitor for Blind {
    type Memo = ();

    fn object(&self, _object: &PackedObject<'_>, _base: Option<&Self::Memo>) {}
}

fn id_of<'a>(packs: &'a Packs, loose: &'a [ObjectId], number: Number) -> &'a gix::oid {
    match (number as usize).checked_sub(packs.len()) {
        Some(place) => &loose[place],
        None => packs.id_of(number),
    }
}

/// Takes what the packs hold, objects in several of them once.
struct PackWalk<'a, V> {
    objects: &'a Objects,
    visitor: &'a V,
    seen: Mutex<HashSet<ObjectId>>,
    failures: Mutex<Failures>,
}

impl<V: ObjectVisitor> PackVisitor for PackWalk<'_, V> {
    type Memo = V::Memo;

    fn elsewhere(&self, id: &gix::oid) -> Option<(Kind, Vec<u8>)> {
        // A second try in the only pack that has it would end like the first.
        let is_in_one_pack = self.objects.is_packed(id)
            && !self.objects.is_in_packs(id)
            && self.objects.loose_ids.binary_search_by(|loose| (**loose).cmp(id)).is_err();
        if is_in_one_pack { None } else { self.objects.read(id).ok() }
    }

    fn object(&self, object: &PackedObject<'_>, base: Option<&Self::Memo>) -> Option<Self::Memo> {
        if self.objects.repeated.is_empty() {
            return Some(self.visitor.object(object, base));
        }
        // In several packs it has several numbers; the first is the one that others know.
        let number = self.objects.canonical(object.number);
        if self.objects.is_repeated(number) && !lock(&self.seen).insert(object.id) {
            return None;
        }
        Some(self.visitor.object(&PackedObject { number, ..*object }, base))
    }

    fn failed(&self, id: ObjectId, why: String) {
        lock(&self.failures).insert(id, why);
    }
}
