//! What the fuzz targets in `fuzz/` call: the readers of git's formats, each with what it promises checked on the way. Built for
//! them and for tests only.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Mutex;

use bstr::BString;
use gix::ObjectId;
use gix::hash::Kind as HashKind;
use gix::objs::Kind;

use keysieve_model::chunk::{Chunk, Copied, Derivation, Searched, Visitor};
use keysieve_model::coverage::Unread;
use keysieve_model::sync::into_inner;

use super::attribution;
use super::cache::Recalled;
use super::commits::{Commit, Commits, Headers, Sources, Tip, TipKind, summary};
use super::numbers::NO_OBJECT;
use super::objects::{Failures, ObjectVisitor, Objects};
use super::packs::PackedObject;
use super::sieve::ObjectSieve;
use super::tree::{self, EntryKind, Part, TreeMemo};
use super::{index_file, reftable};
use keysieve_containers::delta::Delta;

/// The largest result of a delta that is made here, in bytes: a few instructions can ask for much more.
const MAX_RESULT_BYTES: usize = 1 << 24;

/// Parses and applies a delta.
///
/// # Panics
///
/// When its result is not as long as the delta says, or a copied span differs from its base.
pub fn apply_delta(data: &[u8], base: &[u8]) -> Option<(Vec<u8>, Vec<Copied>)> {
    let mut delta = Delta::default();
    delta.parse(data, base.len()).ok()?;
    if delta.result_size > MAX_RESULT_BYTES {
        return None;
    }
    let mut result = Vec::new();
    delta.apply(data, base, &mut result);
    assert_eq!(result.len(), delta.result_size);
    assert_copied(&result, Derivation { base, copies: &delta.copies });
    Some((result, delta.copies))
}

fn assert_copied(bytes: &[u8], derivation: Derivation<'_>) {
    let mut end = 0;
    for &Copied { from, to, length } in derivation.copies {
        assert!(length > 0 && to >= end, "copied spans are sorted and do not overlap");
        assert_eq!(bytes[to..to + length], derivation.base[from..from + length]);
        end = to + length;
    }
}

/// Reads a table of references as it is, and as if its checksum held; nothing is promised but an end.
pub fn read_reftable(bytes: &[u8]) {
    for hash in [HashKind::Sha1, HashKind::Sha256] {
        let _ = reftable::read_sealed(bytes, hash);
    }
}

/// Reads an index file whose paths may be of any length, rewritten as `gix` can read them.
pub fn rewrite_index(bytes: &[u8]) {
    for hash in [HashKind::Sha1, HashKind::Sha256] {
        let _ = index_file::rewritten(bytes, hash);
    }
}

/// Reads a tree derived from another one.
///
/// # Panics
///
/// When that gives something else than reading it whole.
pub fn read_tree(base: &[u8], bytes: &[u8], copies: &[Copied], hash: HashKind) {
    let (base_memo, base_entries) = entries(base, hash, None).unwrap_or_default();
    let whole = entries(bytes, hash, None);
    let derived = entries(bytes, hash, Some((Derivation { base, copies }, &base_memo, &base_entries)));
    assert_eq!(derived, whole);
}

/// What makes up an entry.
type TreeEntry = (BString, ObjectId, EntryKind);
/// The base of a tree: what was copied of it, what is remembered of it, and its entries.
type TreeBase<'a> = (Derivation<'a>, &'a TreeMemo, &'a [TreeEntry]);

fn entries(
    bytes: &[u8],
    hash: HashKind,
    base: Option<TreeBase<'_>>,
) -> Result<(TreeMemo, Vec<TreeEntry>), tree::Damaged> {
    let mut entries = Vec::new();
    let derived = base.map(|(derivation, memo, _)| (derivation, memo));
    let memo = tree::read(bytes, hash, derived, |part| match part {
        Part::Copied(range) => {
            let (_, _, base) = base.expect("only derived trees have copied parts");
            entries.extend_from_slice(&base[range.start as usize..range.end as usize]);
        }
        Part::New(entry) => {
            assert_eq!(tree::name_at(bytes, entry.range.start), Some(entry.name));
            entries.push((entry.name.into(), entry.id.to_owned(), entry.kind));
        }
    })?;
    Ok((memo, entries))
}

/// Reads the headers of a commit, and makes a graph of it and the commits that it may name as parents.
///
/// # Panics
///
/// When its facts cannot be shown.
pub fn read_headers(contents: &[&[u8]], ids: &[ObjectId]) {
    let mut commits = Vec::new();
    let number_of =
        |id: &gix::oid| ids.iter().zip(0..).find_map(|(known, at)| (**known == *id).then_some(at));
    for (content, id) in contents.iter().zip(ids) {
        let facts = summary(*id, content);
        assert!(facts.date().len() >= "1970-01-01T00:00:00+00:00".len(), "{}", facts.date());
        commits.extend(Headers::parse(content).map(|headers| Commit {
            id: *id,
            number: number_of(id).expect("it is one of the ids"),
            tree: number_of(&headers.tree).unwrap_or(NO_OBJECT),
            parents: headers.parents.iter().filter_map(|parent| number_of(parent)).collect(),
            seconds: headers.seconds,
        }));
    }
    let tips = ids.iter().zip(0..).map(|(&target, at)| {
        let kinds = [TipKind::Remote, TipKind::Local, TipKind::Reflog, TipKind::Asked];
        Tip { name: BString::from("tip"), target, kind: kinds[at % kinds.len()] }
    });
    let tags = ids.iter().copied().zip(ids.iter().rev().copied()).collect();
    let graph = Commits::new(number_of, ids.len(), commits, &tags, tips.collect(), ids.first().copied());
    let of = |commit| Sources { commits: vec![commit], objects: ids.to_vec() };
    let sets: Vec<Sources> = graph.iter().map(|(commit, _)| of(commit)).collect();
    assert_eq!(graph.reach(&sets).len(), sets.len());
}

/// What was read of an object directory.
#[derive(Debug)]
pub struct Walked {
    /// What was handed over, in the order of ids; one id more than once only where an index lists it so.
    pub objects: Vec<(ObjectId, Kind, Vec<u8>)>,
    /// Objects that could not be read, with the reason.
    pub failures: BTreeMap<ObjectId, String>,
    /// Everything else that could not be read.
    pub unread: Vec<Unread>,
}

impl Walked {
    /// The content that was handed over under `id`.
    #[must_use]
    pub fn content(&self, id: &ObjectId) -> Option<&[u8]> {
        let at = self.objects.binary_search_by_key(id, |(id, _, _)| *id).ok()?;
        Some(&self.objects[at].2)
    }
}

/// Reads every object below `dir` with all readers that an audit uses.
///
/// # Panics
///
/// When they contradict each other, or a chunk is not what it says it was derived from.
pub fn walk(dir: &Path, hash: HashKind) -> Walked {
    let mut unread = Vec::new();
    let objects = Objects::open(dir, hash, &mut unread);
    let recorder = Recorder::default();
    let failures = objects.visit(&recorder, &Recalled::default());
    let mut walked = Walked { objects: into_inner(recorder.objects), failures, unread };
    walked.objects.sort();
    assert_readable(&objects, &walked);
    assert_sieved(&objects, hash, &walked);
    walked
}

/// What the walk handed over is what asking for it by its id gives.
fn assert_readable(objects: &Objects, walked: &Walked) {
    let mut times: HashMap<ObjectId, u32> = HashMap::new();
    walked.objects.iter().for_each(|(id, _, _)| *times.entry(*id).or_default() += 1);
    for (id, kind, bytes) in walked.objects.iter().filter(|(id, _, _)| times[id] == 1) {
        assert!(!walked.failures.contains_key(id), "{id} was read, and failed");
        assert_eq!(objects.read(id), Ok((*kind, bytes.clone())), "{id}");
    }
    for id in walked.failures.keys() {
        assert!(objects.read(id).is_err(), "{id} can be read, and failed");
    }
}

/// The sieve counts what the walk handed over, and attribution comes to an end.
fn assert_sieved(objects: &Objects, hash: HashKind, walked: &Walked) {
    let visitor = DerivationChecker;
    let sieve = ObjectSieve::new(&visitor, objects, hash, Default::default(), |_| true);
    let failures: Failures = objects.visit(&sieve, &Recalled::default());
    assert_eq!(failures, walked.failures);
    let sieved = sieve.finish(Recalled::default());
    let count = |kind| walked.objects.iter().filter(|(_, found, _)| *found == kind).count() as u64;
    assert_eq!(sieved.read.blobs, count(Kind::Blob));
    assert!(sieved.read.commits <= count(Kind::Commit) && sieved.read.tags <= count(Kind::Tag));
    let tips = walked.objects.iter().map(|(target, kind, _)| Tip {
        name: kind.to_string().into(),
        target: *target,
        kind: TipKind::Local,
    });
    let commits = Commits::new(
        |id| objects.number(id),
        objects.len(),
        sieved.commits,
        &sieved.tags,
        tips.collect(),
        None,
    );
    let blobs = walked.objects.iter().filter(|(_, kind, _)| *kind == Kind::Blob).map(|(id, _, _)| vec![*id]);
    let groups: Vec<Vec<ObjectId>> = blobs.collect();
    for history in attribution::attribute(objects, &sieved.trees, &commits, &groups).histories {
        assert!(history.group < groups.len() && groups[history.group] == history.blobs);
    }
}

/// Keeps every object.
#[derive(Debug, Default)]
struct Recorder {
    objects: Mutex<Vec<(ObjectId, Kind, Vec<u8>)>>,
}

impl ObjectVisitor for Recorder {
    type Memo = ();

    fn object(&self, object: &PackedObject<'_>, _base: Option<&Self::Memo>) {
        let mut objects = self.objects.lock().expect("no thread panics while it holds the lock");
        objects.push((object.id, object.kind, object.bytes.to_vec()));
    }
}

/// Remembers each chunk, and compares what is said to be derived from it.
#[derive(Debug)]
struct DerivationChecker;

impl Visitor for DerivationChecker {
    type Memo = Box<[u8]>;

    fn chunk(&self, chunk: &Chunk<'_>, base: Option<&Self::Memo>) -> Searched<Self::Memo> {
        if let Some(derivation) = chunk.derivation {
            assert_eq!(base.map(AsRef::as_ref), Some(derivation.base));
            assert_copied(chunk.bytes, derivation);
        }
        Searched { memo: chunk.bytes.into(), is_clean: true }
    }

    fn unread(&self, _unread: Unread) {}

    fn skipped(&self, _skipped: Unread) {}
}
