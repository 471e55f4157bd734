//! What is done with each object: text goes on to the visitor, links between objects are followed to see what is missing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use gix::ObjectId as GitId;
use gix::hash::Kind as HashKind;
use gix::objs::Kind;

use crate::chunk::{Chunk, Visitor};
use crate::coverage::Read;
use crate::provenance::{Metadata, ObjectId, Provenance};

use super::commits::{self, Commit};
use super::numbers::{NO_OBJECT, Number};
use super::objects::{ObjectVisitor, Objects};
use super::packs::PackedObject;
use super::tree::{self, EntryKind, Part, TreeMemo};
use super::tree_log::{PartId, TreeLog, Trees};

/// Takes every object: text goes on to the visitor, links between objects are followed to see what is missing.
pub(super) struct ObjectSieve<'a, V: Visitor> {
    visitor: &'a V,
    objects: &'a Objects,
    hash: HashKind,
    shallow: HashSet<GitId>,
    commits: Mutex<Vec<RawCommit>>,
    tags: Mutex<HashMap<GitId, GitId>>,
    missing: Mutex<BTreeMap<GitId, &'static str>>,
    damaged: Mutex<BTreeMap<GitId, String>>,
    is_watched: fn(&[u8]) -> bool,
    watched: Mutex<BTreeSet<GitId>>,
    /// One for each thread.
    trees: Vec<Mutex<TreeNotes>>,
    blobs: AtomicU64,
    bytes: AtomicU64,
}

impl<'a, V: Visitor> ObjectSieve<'a, V> {
    pub(super) fn new(
        visitor: &'a V,
        objects: &'a Objects,
        hash: HashKind,
        shallow: HashSet<GitId>,
        is_watched: fn(&[u8]) -> bool,
    ) -> Self {
        Self {
            visitor,
            objects,
            hash,
            shallow,
            commits: Mutex::default(),
            tags: Mutex::default(),
            missing: Mutex::default(),
            damaged: Mutex::default(),
            is_watched,
            watched: Mutex::default(),
            trees: (0..rayon::current_num_threads().max(1)).map(|_| Mutex::default()).collect(),
            blobs: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    /// What was gathered.
    pub(super) fn finish(self) -> Sieved {
        for notes in &self.trees {
            self.look_up(&mut lock(notes));
        }
        let commits = self.numbered(&lock(&self.commits));
        let tags = into_inner(self.tags);
        Sieved {
            read: Read {
                commits: commits.len() as u64,
                tags: tags.len() as u64,
                blobs: self.blobs.into_inner(),
                bytes: self.bytes.into_inner(),
                files: 0,
            },
            commits,
            tags,
            trees: Trees::new(self.trees.into_iter().map(|notes| into_inner(notes).log).collect()),
            missing: into_inner(self.missing),
            damaged: into_inner(self.damaged),
            watched: into_inner(self.watched),
        }
    }

    /// Commits with the numbers of what they name.
    fn numbered(&self, commits: &[RawCommit]) -> Vec<Commit> {
        let mut numbers = Vec::new();
        self.objects.numbers(commits.iter().flat_map(RawCommit::named), &mut numbers);
        let mut numbers = numbers.into_iter();
        let mut next = |id: &GitId, kind: Option<&'static str>| {
            let number = numbers.next().flatten();
            if let (None, Some(kind)) = (number, kind) {
                lock(&self.missing).insert(*id, kind);
            }
            number
        };
        let numbered = commits.iter().map(|RawCommit { id, number, headers }| {
            // Those of a commit at which a shallow clone was cut off are known not to be there.
            let parent_kind = (!self.shallow.contains(id)).then_some("commit");
            Commit {
                id: *id,
                number: *number,
                tree: next(&headers.tree, Some("tree")).unwrap_or(NO_OBJECT),
                parents: headers.parents.iter().filter_map(|parent| next(parent, parent_kind)).collect(),
                seconds: headers.seconds,
            }
        });
        numbered.collect()
    }

    /// The number of an object that has to be there.
    fn expect(&self, id: &gix::oid, kind: &'static str) -> Number {
        self.objects.number(id).unwrap_or_else(|| {
            lock(&self.missing).insert(id.to_owned(), kind);
            NO_OBJECT
        })
    }

    fn text(&self, object: &PackedObject<'_>, provenance: Provenance, base: Option<&V::Memo>) -> V::Memo {
        self.bytes.fetch_add(object.bytes.len() as u64, Ordering::Relaxed);
        let chunk = Chunk { derivation: object.derivation, ..Chunk::whole(object.bytes, provenance) };
        self.visitor.chunk(&chunk, base)
    }

    fn commit(&self, object: &PackedObject<'_>) {
        match commits::Headers::parse(object.bytes) {
            Some(headers) => {
                lock(&self.commits).push(RawCommit { id: object.id, number: object.number, headers });
            }
            None => {
                lock(&self.damaged).insert(object.id, "the commit's headers are damaged".to_owned());
            }
        }
    }

    fn tag(&self, object: &PackedObject<'_>) {
        let target = commits::headers(object.bytes)
            .find_map(|line| line.strip_prefix(b"object "))
            .and_then(|id| GitId::from_hex(id).ok());
        match target {
            Some(target) => {
                self.expect(&target, "object");
                lock(&self.tags).insert(object.id, target);
            }
            None => {
                lock(&self.damaged).insert(object.id, "the tag's headers are damaged".to_owned());
            }
        }
    }

    /// Notes what the tree names, to look later whether it is there; what its base names was noted with the base.
    fn tree(&self, object: &PackedObject<'_>, base: Option<&NumberedTree>) -> NumberedTree {
        let thread = rayon::current_thread_index().unwrap_or(0) % self.trees.len();
        let mut notes = lock(&self.trees[thread]);
        let TreeNotes { log, pending } = &mut *notes;
        let derived = object.derivation.zip(base.map(|base| &base.memo));
        let read = tree::read(object.bytes, self.hash, derived, |part| match part {
            Part::Copied(entries) => log.copied(entries),
            Part::New(entry) => {
                let part = log.entry(entry.name);
                if entry.kind != EntryKind::Submodule {
                    pending.push((entry.id.to_owned(), part, entry.kind));
                }
                if entry.kind == EntryKind::Blob && (self.is_watched)(entry.name) {
                    lock(&self.watched).insert(entry.id.to_owned());
                }
            }
        });
        let number = object.number;
        let memo = match read {
            Ok(memo) => {
                log.finish(number, derived.and(base).map(|base| base.number));
                memo
            }
            Err(tree::Damaged) => {
                log.abandon();
                pending.retain(|(_, part, _)| log.has(*part));
                lock(&self.damaged).insert(object.id, "the tree's entries are damaged".to_owned());
                TreeMemo::default()
            }
        };
        if notes.pending.len() >= MAX_PENDING {
            self.look_up(&mut notes);
        }
        NumberedTree { number, memo }
    }

    /// Looks up what the noted entries name.
    fn look_up(&self, TreeNotes { log, pending }: &mut TreeNotes) {
        let mut numbers = Vec::new();
        self.objects.numbers(pending.iter().map(|(id, _, _)| &**id), &mut numbers);
        for ((id, part, kind), number) in pending.drain(..).zip(numbers) {
            let is_tree = kind == EntryKind::Tree;
            match number {
                Some(number) => log.set_child(part, number, is_tree),
                None => {
                    lock(&self.missing).insert(id, if is_tree { "tree" } else { "blob" });
                }
            }
        }
    }
}

/// What one thread notes of trees.
#[derive(Default)]
struct TreeNotes {
    log: TreeLog,
    /// Entries of which it was not yet looked up what they name.
    pending: Vec<(GitId, PartId, EntryKind)>,
}

/// How many look-ups are put off, to be done together.
const MAX_PENDING: usize = 256;

/// A commit as it is written.
struct RawCommit {
    id: GitId,
    number: Number,
    headers: commits::Headers,
}

impl RawCommit {
    /// The tree, then the parents.
    fn named(&self) -> impl Iterator<Item = &gix::oid> + Clone {
        std::iter::once(&self.headers.tree).chain(&self.headers.parents).map(|id| &**id)
    }
}

/// What a walk over all objects gathered.
#[derive(Debug)]
pub(super) struct Sieved {
    pub(super) read: Read,
    pub(super) commits: Vec<Commit>,
    pub(super) trees: Trees,
    /// What each annotated tag points at.
    pub(super) tags: HashMap<GitId, GitId>,
    /// Objects that others name and that are not there, with their kind.
    pub(super) missing: BTreeMap<GitId, &'static str>,
    /// Objects whose bytes make no sense.
    pub(super) damaged: BTreeMap<GitId, String>,
    /// Blobs whose file names were watched for.
    pub(super) watched: BTreeSet<GitId>,
}

/// What is remembered of an object for those derived from it.
pub(super) enum ObjectMemo<M> {
    Text(M),
    Tree(NumberedTree),
}

/// What is remembered of a tree.
pub(super) struct NumberedTree {
    number: Number,
    memo: TreeMemo,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<V: Visitor> ObjectVisitor for ObjectSieve<'_, V> {
    type Memo = ObjectMemo<V::Memo>;

    fn object(&self, object: &PackedObject<'_>, base: Option<&Self::Memo>) -> Self::Memo {
        let id = ObjectId::from_bytes(object.id.as_bytes());
        let (text_base, tree_base) = match base {
            Some(ObjectMemo::Text(memo)) => (Some(memo), None),
            Some(ObjectMemo::Tree(memo)) => (None, Some(memo)),
            None => (None, None),
        };
        let provenance = match object.kind {
            Kind::Tree => return ObjectMemo::Tree(self.tree(object, tree_base)),
            Kind::Blob => {
                self.blobs.fetch_add(1, Ordering::Relaxed);
                Provenance::GitBlob(id)
            }
            Kind::Commit => {
                self.commit(object);
                Provenance::GitMetadata(Metadata::Commit(id))
            }
            Kind::Tag => {
                self.tag(object);
                Provenance::GitMetadata(Metadata::Tag(id))
            }
        };
        ObjectMemo::Text(self.text(object, provenance, text_base))
    }
}

fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}
