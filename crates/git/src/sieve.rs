//! What is done with each object: text goes on to the visitor, links between objects are followed to see what is missing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use gix::ObjectId as GitId;
use gix::hash::Kind as HashKind;
use gix::objs::Kind;

use keysieve_model::chunk::{Chunk, Searched, Visitor};
use keysieve_model::coverage::Read;
use keysieve_model::provenance::{Metadata, ObjectId, Provenance};
use keysieve_model::sync::{into_inner, lock};

use super::cache::Recalled;
use super::commits::{self, Commit};
use super::numbers::{NO_OBJECT, Number};
use super::objects::{ObjectVisitor, Objects};
use super::packs::PackedObject;
use super::store::built_in;
use super::tree::{self, EntryKind, Part, TreeMemo};
use super::tree_log::{PartId, TreeLog, Trees};
use keysieve_containers::archive;

/// Objects that are not there though others name them, with their kind and the numbers of those that do; none for those of
/// which an earlier audit knew.
pub(super) type Missing = BTreeMap<GitId, (&'static str, BTreeSet<Number>)>;

/// Takes every object: text goes on to the visitor, links between objects are followed to see what is missing.
pub(super) struct ObjectSieve<'a, V: Visitor> {
    visitor: &'a V,
    objects: &'a Objects,
    hash: HashKind,
    shallow: HashSet<GitId>,
    commits: Mutex<Vec<RawCommit>>,
    tags: Mutex<HashMap<GitId, GitId>>,
    missing: Mutex<Missing>,
    damaged: Mutex<BTreeMap<GitId, String>>,
    is_watched: fn(&[u8]) -> bool,
    watched: Mutex<BTreeSet<GitId>>,
    /// One for each thread.
    notes: Vec<Mutex<Notes>>,
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
            notes: (0..rayon::current_num_threads().max(1)).map(|_| Mutex::default()).collect(),
        }
    }

    /// What was gathered, and what was recalled besides.
    pub(super) fn finish(self, recalled: Recalled) -> Sieved {
        for notes in &self.notes {
            self.look_up(&mut lock(notes));
        }
        let mut commits = self.numbered(&lock(&self.commits));
        commits.extend(recalled.commits);
        let mut tags = into_inner(self.tags);
        tags.extend(recalled.tags);
        let mut missing = into_inner(self.missing);
        for (id, kind) in recalled.missing {
            missing.entry(id).or_insert((kind, BTreeSet::new()));
        }
        let mut watched = into_inner(self.watched);
        watched.extend(recalled.watched);
        let (logs, seen): (Vec<_>, Vec<_>) =
            self.notes.into_iter().map(into_inner).map(|notes| (notes.log, notes.seen)).unzip();
        let mut read = recalled.read;
        read.tags = tags.len() as u64;
        let distinct: HashSet<Number> = commits.iter().map(|commit| commit.number).collect();
        read.commits = distinct.len() as u64;
        for seen in seen.iter().flatten() {
            read.blobs += u64::from(seen.kind == Kind::Blob);
            read.bytes += if seen.kind == Kind::Tree { 0 } else { u64::from(seen.size) };
        }
        Sieved {
            read,
            commits,
            tags,
            trees: Trees::new(logs.into_iter().chain(recalled.trees).collect()),
            missing,
            damaged: into_inner(self.damaged),
            watched,
            seen,
        }
    }

    /// Commits with the numbers of what they name.
    fn numbered(&self, commits: &[RawCommit]) -> Vec<Commit> {
        let mut numbers = Vec::new();
        self.objects.numbers(commits.iter().flat_map(RawCommit::named), &mut numbers);
        let mut numbers = numbers.into_iter();
        let mut next = |id: &GitId, by: Number, kind: Option<&'static str>| {
            let number = numbers.next().flatten();
            if let (None, Some(kind)) = (number, kind) {
                self.note_missing(id, kind, by);
            }
            number
        };
        let numbered = commits.iter().map(|RawCommit { id, number, headers }| {
            // Those of a commit at which a shallow clone was cut off are known not to be there.
            let parent_kind = (!self.shallow.contains(id)).then_some("commit");
            Commit {
                id: *id,
                number: *number,
                tree: next(&headers.tree, *number, Some("tree")).unwrap_or(NO_OBJECT),
                parents: headers
                    .parents
                    .iter()
                    .filter_map(|parent| next(parent, *number, parent_kind))
                    .collect(),
                seconds: headers.seconds,
            }
        });
        numbered.collect()
    }

    /// Notes that the object `by` names one that is not there, unless all is known of that.
    fn note_missing(&self, id: &gix::oid, kind: &'static str, by: Number) {
        if built_in(id, self.hash).is_none() {
            lock(&self.missing).entry(id.to_owned()).or_insert((kind, BTreeSet::new())).1.insert(by);
        }
    }

    fn text(
        &self,
        object: &PackedObject<'_>,
        provenance: Provenance,
        base: Option<&V::Memo>,
    ) -> Searched<V::Memo> {
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
                if !self.objects.contains(&target) {
                    self.note_missing(&target, "object", object.number);
                }
                lock(&self.tags).insert(object.id, target);
            }
            None => {
                lock(&self.damaged).insert(object.id, "the tag's headers are damaged".to_owned());
            }
        }
    }

    /// Notes what the tree names, to look later whether it is there; what its base names was noted with the base.
    fn tree(&self, object: &PackedObject<'_>, base: Option<&NumberedTree>) -> NumberedTree {
        let mut notes = self.own_notes();
        let Notes { log, pending, .. } = &mut *notes;
        let derived = object.derivation.zip(base.map(|base| &base.memo));
        let read = tree::read(object.bytes, self.hash, derived, |part| match part {
            Part::Copied(entries) => log.copied(entries),
            Part::New(entry) => {
                let part = log.entry(object.number, entry.range.start, entry.name);
                if entry.kind != EntryKind::Submodule {
                    pending.push((entry.id.to_owned(), part, entry.kind, object.number));
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
                pending.retain(|(_, part, _, _)| log.has(*part));
                lock(&self.damaged).insert(object.id, "the tree's entries are damaged".to_owned());
                TreeMemo::default()
            }
        };
        if notes.pending.len() >= MAX_PENDING {
            self.look_up(&mut notes);
        }
        NumberedTree { number, memo }
    }

    fn own_notes(&self) -> MutexGuard<'_, Notes> {
        let thread = rayon::current_thread_index().unwrap_or(0) % self.notes.len();
        lock(&self.notes[thread])
    }

    /// Looks up what the noted entries name.
    fn look_up(&self, Notes { log, pending, .. }: &mut Notes) {
        let mut numbers = Vec::new();
        self.objects.numbers(pending.iter().map(|(id, _, _, _)| &**id), &mut numbers);
        for ((id, part, kind, by), number) in pending.drain(..).zip(numbers) {
            let is_tree = kind == EntryKind::Tree;
            match number {
                Some(number) => log.set_child(part, number, is_tree),
                None => {
                    self.note_missing(&id, if is_tree { "tree" } else { "blob" }, by);
                }
            }
        }
    }
}

/// What one thread notes.
#[derive(Default)]
struct Notes {
    log: TreeLog,
    /// Entries of which it was not yet looked up what they name, with their trees.
    pending: Vec<(GitId, PartId, EntryKind, Number)>,
    seen: Vec<Seen>,
}

/// An object that was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) number: Number,
    /// In bytes.
    pub(super) size: u32,
    pub(super) kind: Kind,
    /// Whether there is nothing to say of it, whatever is asked for.
    pub(super) is_clean: bool,
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
    pub(super) missing: Missing,
    /// Objects whose bytes make no sense.
    pub(super) damaged: BTreeMap<GitId, String>,
    /// Blobs whose file names were watched for.
    pub(super) watched: BTreeSet<GitId>,
    /// What each thread read.
    pub(super) seen: Vec<Vec<Seen>>,
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

impl<V: Visitor> ObjectVisitor for ObjectSieve<'_, V> {
    type Memo = ObjectMemo<V::Memo>;

    fn object(&self, object: &PackedObject<'_>, base: Option<&Self::Memo>) -> Self::Memo {
        let id = ObjectId::from_bytes(object.id.as_bytes());
        let (text_base, tree_base) = match base {
            Some(ObjectMemo::Text(memo)) => (Some(memo), None),
            Some(ObjectMemo::Tree(memo)) => (None, Some(memo)),
            None => (None, None),
        };
        let (memo, is_clean) = if object.kind == Kind::Tree {
            (ObjectMemo::Tree(self.tree(object, tree_base)), true)
        } else {
            let provenance = match object.kind {
                Kind::Blob | Kind::Tree => Provenance::GitBlob(id),
                Kind::Commit => {
                    self.commit(object);
                    Provenance::GitMetadata(Metadata::Commit(id))
                }
                Kind::Tag => {
                    self.tag(object);
                    Provenance::GitMetadata(Metadata::Tag(id))
                }
            };
            let Searched { memo, mut is_clean } = self.text(object, provenance, text_base);
            if object.kind == Kind::Blob {
                let members = archive::visit_members(object.bytes, || Provenance::GitBlob(id), self.visitor);
                is_clean &= members.unwrap_or(true);
            }
            (ObjectMemo::Text(memo), is_clean)
        };
        // No object is larger than what a number of this size can say.
        let size = object.bytes.len() as u32;
        self.own_notes().seen.push(Seen { number: object.number, size, kind: object.kind, is_clean });
        memo
    }
}
