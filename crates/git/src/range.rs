//! A range of commits, or what is staged: which contents are new in it, and in what way they came in. Read from objects, never
//! from a diff's text, merge commits included; only trees that differ from those of all parents are looked into.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use bstr::{BString, ByteSlice};
use foldhash::fast::RandomState;
use gix::ObjectId as GitId;
use gix::objs::Kind;
use rayon::prelude::*;

use keysieve_model::chunk::{Chunk, Visitor};
use keysieve_model::coverage::{Read, Unread};
use keysieve_model::finding::{CommitSummary, HistoryPlace, Reach};
pub use keysieve_model::outcome::CommitShape;
use keysieve_model::provenance::{Metadata, ObjectId, Provenance};
use keysieve_model::sync::{into_inner, lock};

use super::commits::{self, CommitIndex, Headers, Tip, TipKind};
use super::graph::Graph;
use super::history::NamedPlace;
use super::objects::{ObjectVisitor, Objects};
use super::packs::PackedObject;
use super::store::{Failure, Reader, Store};
use super::tree_diff::{Directory, Gaps, New, Node, Scope, Trees, joined};
use super::walk::{self, Walked};
use super::{STAGED, git_id};
use keysieve_containers::archive;

/// How many commits a task compares with their parents, or contents it reads, at least and at most: neighbours share most of
/// their trees, and build on one another.
const PER_TASK: std::ops::RangeInclusive<usize> = 24..=1024;
/// Into how many tasks a thread's part of a large range is cut.
const TASKS_PER_THREAD: usize = 8;
/// From how many contents on all packs are walked, each delta right after its base, instead of reading each content by itself.
const MIN_WALKED_CONTENTS: usize = 5_000;
/// How a Git LFS pointer begins: <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// What is asked for.
#[derive(Debug, Clone)]
pub enum RangeQuery {
    /// The commits that `include` leads to and `exclude` does not, with the tags, trees and blobs that it names.
    Commits {
        /// Commits or tags with the names by which reports call them.
        include: Vec<(BString, ObjectId)>,
        /// What is known already; ids that are not here are passed over: more is new then, never less.
        exclude: Vec<ObjectId>,
        /// Only commits whose committer's date is not before this, in seconds since 1970.
        since: Option<i64>,
        /// Whether the end of a shallow clone's history inside the range is an error. It is none for a push: what is not here
        /// is not pushed either.
        needs_parents: bool,
        /// The names of references that a push creates where it goes to.
        created: Vec<BString>,
    },
    /// What the index holds and the commit to come has new.
    Staged,
}

/// Where new contents came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Commit(CommitIndex),
    /// A tree that a tip names without a commit.
    Tree {
        tip: usize,
        tree: GitId,
    },
    /// A blob that a tip names itself.
    Blob {
        tip: usize,
    },
    Staged,
}

/// A content that was new at a path.
#[derive(Debug, Clone)]
pub struct Occurrence {
    origin: u32,
    /// The path; absent for a blob that a tag names, and where there are too many.
    path: Option<BString>,
    /// The content.
    pub blob: ObjectId,
    /// What the parents have at the path.
    pub before: Vec<ObjectId>,
}

impl Occurrence {
    /// The path; absent for a blob that a tag names, and where there are too many.
    #[must_use]
    pub fn path(&self) -> Option<&BString> {
        self.path.as_ref()
    }

    /// Tells the commit, tag or index that brought the content in from others of the same range.
    #[must_use]
    pub fn origin(&self) -> u32 {
        self.origin
    }
}

/// A content, its path, and the origin that has it there.
type NewFile = (GitId, BString, u32);
/// Names of files and folders.
type Names = HashSet<Box<[u8]>, RandomState>;

/// A content of the range.
#[derive(Debug, Default)]
struct Content {
    /// One of its paths.
    path: BString,
    origins: Vec<u32>,
}

/// What a range was asked to lead to.
#[derive(Debug)]
struct RangeTip {
    name: BString,
    target: GitId,
    /// The tree, where it leads to a commit of the range.
    tree: Option<GitId>,
}

/// What a range lies in: HEAD and the references, which say what became of what it brought.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    /// The tree of HEAD; `None` before the first commit.
    head: Option<GitId>,
    references: Vec<Tip>,
    /// What the range leaves out: nothing that it leads to has a commit of the range.
    exclude: Vec<GitId>,
    shallow: HashSet<GitId>,
    /// The range's commits with those that references have on top of them; made when first asked for.
    graph: OnceLock<Graph>,
}

impl Surroundings {
    /// Of a range that leaves out `exclude`, in a clone that was cut off at `shallow`.
    pub(super) fn new(
        head: Option<GitId>,
        references: Vec<Tip>,
        exclude: Vec<GitId>,
        shallow: HashSet<GitId>,
    ) -> Self {
        Self { head, references, exclude, shallow, graph: OnceLock::new() }
    }
}

/// A range after it was read.
#[derive(Debug)]
pub struct Range {
    store: Store,
    graph: Graph,
    tips: Vec<RangeTip>,
    surroundings: Surroundings,
    origins: Vec<Origin>,
    staged: Vec<Arc<Directory>>,
    /// The trees of each origin's parents.
    parents: Vec<Vec<GitId>>,
    contents: HashMap<GitId, Content, RandomState>,
    read: Read,
    is_nothing: bool,
}

impl Range {
    /// Reads the range in which `walked` lies.
    pub(super) fn of_commits<V: Visitor>(
        store: Store,
        walked: Walked,
        include: &[(BString, ObjectId)],
        surroundings: Surroundings,
        visitor: &V,
    ) -> Self {
        let Walked { commits, tags, trees, blobs, cut_off, is_exclusion_cut_off: _, failures } = walked;
        for (id, kind, failure) in failures {
            visitor.unread(unread(kind, id, b"", &failure));
        }
        let tips = include.iter().map(|(name, id)| Tip {
            name: name.clone(),
            target: git_id(id),
            kind: TipKind::Local,
        });
        let graph = Graph::new(commits, &tags, tips.chain(surroundings.references.iter().cloned()).collect());
        let origins = graph
            .iter()
            .map(Origin::Commit)
            .chain(trees.iter().map(|&(tip, tree)| Origin::Tree { tip, tree }))
            .chain(blobs.iter().map(|&(tip, _)| Origin::Blob { tip }))
            .collect();
        let mut reader = store.reader();
        let parents = parent_trees(&graph, &cut_off, &mut reader);
        let tip_tree = |id: &ObjectId| {
            let commit = graph.find_tip(git_id(id), &tags)?;
            Some(graph.headers(commit).tree)
        };
        let range_tip = |(name, id): &(BString, ObjectId)| RangeTip {
            name: name.clone(),
            target: git_id(id),
            tree: tip_tree(id),
        };
        let tips = include.iter().map(range_tip).collect();
        let mut range = Self {
            is_nothing: false,
            tips,
            surroundings,
            origins,
            staged: Vec::new(),
            parents,
            contents: HashMap::default(),
            read: Read::default(),
            store,
            graph,
        };
        range.compare(visitor);
        for (at, (_, blob)) in (range.origins.len() - blobs.len()..).zip(&blobs) {
            range.contents.entry(*blob).or_default().origins.push(at as u32);
        }
        range.is_nothing = range.origins.is_empty() && tags.is_empty();
        range.read_texts(tags.keys().copied().collect(), visitor);
        range.read_contents(visitor);
        range
    }

    /// Reads what `staged` has that none of the commits with the trees `parents` has.
    pub(super) fn of_staged<V: Visitor>(
        store: Store,
        staged: Vec<Arc<Directory>>,
        parents: Vec<GitId>,
        visitor: &V,
    ) -> Self {
        let mut range = Self {
            surroundings: Surroundings { head: parents.first().copied(), ..Surroundings::default() },
            graph: Graph::new(Vec::new(), &HashMap::new(), Vec::new()),
            tips: Vec::new(),
            origins: vec![Origin::Staged],
            staged,
            parents: vec![parents],
            contents: HashMap::default(),
            read: Read::default(),
            is_nothing: false,
            store,
        };
        range.compare(visitor);
        range.is_nothing = range.contents.is_empty();
        range.read_contents(visitor);
        range
    }

    /// What was read.
    #[must_use]
    pub fn read(&self) -> Read {
        self.read
    }

    /// Whether there was nothing to read: no commit, tag or content is new.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.is_nothing
    }

    fn trees(&self) -> Trees<'_> {
        Trees::new(self.store.reader(), self.store.hash(), &self.staged)
    }

    /// What an origin has; nothing to compare for a single blob.
    fn root(&self, origin: u32) -> Option<(Node, Vec<Node>)> {
        let root = match self.origins[origin as usize] {
            Origin::Commit(commit) => Node::Tree(self.graph.headers(commit).tree),
            Origin::Tree { tree, .. } => Node::Tree(tree),
            Origin::Staged => Node::Staged(0),
            Origin::Blob { .. } => return None,
        };
        let parents = self.parents.get(origin as usize).into_iter().flatten();
        Some((root, parents.map(|&tree| Node::Tree(tree)).collect()))
    }

    /// Finds the contents that are new.
    fn compare<V: Visitor>(&mut self, visitor: &V) {
        let origins: Vec<u32> = (0..self.origins.len() as u32).collect();
        let range = &*self;
        let compared: Vec<(Vec<NewFile>, Names)> = origins
            .par_chunks(per_task(origins.len()))
            .map(|origins| {
                let mut trees = range.trees();
                let (mut found, mut names) = (Vec::new(), Names::default());
                for &origin in origins {
                    let Some((root, parents)) = range.root(origin) else { continue };
                    let gaps = trees.compare(root, &parents, Scope::Contents, |new| match new {
                        New::File(version) => found.push((version.blob, version.path.to_owned(), origin)),
                        New::Name { name, .. } if !names.contains(name) => drop(names.insert(name.into())),
                        New::Name { .. } => {}
                    });
                    range.tell(gaps, visitor);
                }
                (found, names)
            })
            .collect();
        let mut names = Names::default();
        for (_, new) in &compared {
            names.extend(new.iter().cloned());
        }
        names.par_iter().for_each(|name| {
            let provenance = Provenance::GitMetadata(Metadata::EntryName(name.to_vec().into()));
            visitor.chunk(&Chunk::whole(name, provenance), None);
        });
        for (blob, path, origin) in compared.into_iter().flat_map(|(found, _)| found) {
            let content = self.contents.entry(blob).or_insert_with(|| Content { path, origins: Vec::new() });
            if content.origins.last() != Some(&origin) {
                content.origins.push(origin);
            }
        }
    }

    fn tell<V: Visitor>(&self, gaps: Gaps, visitor: &V) {
        for (id, failure) in gaps.failures {
            visitor.unread(unread("tree", id, b"", &failure));
        }
        if gaps.is_cut {
            visitor
                .unread(Unread::new("a commit's tree", "it has more folders than are read; it looks forged"));
        }
    }

    /// Hands over the text of commits and tags.
    fn read_texts<V: Visitor>(&mut self, tags: Vec<GitId>, visitor: &V) {
        let commits: Vec<GitId> = self.graph.iter().map(|commit| self.graph.id(commit)).collect();
        let texts: Vec<GitId> = commits.into_iter().chain(tags).collect();
        let store = &self.store;
        let reads = texts.par_chunks(per_task(texts.len())).map(|ids| {
            let mut reader = store.reader();
            let mut read = Read::default();
            for id in ids {
                let (kind, bytes) = match reader.read(id) {
                    Ok(object) => object,
                    Err(failure) => {
                        visitor.unread(unread("object", *id, b"", &failure));
                        continue;
                    }
                };
                let own = ObjectId::from_bytes(id.as_bytes());
                let metadata = match kind {
                    Kind::Tag => Metadata::Tag(own),
                    _ => Metadata::Commit(own),
                };
                read.commits += u64::from(kind == Kind::Commit);
                read.tags += u64::from(kind == Kind::Tag);
                read.bytes += bytes.len() as u64;
                visitor.chunk(&Chunk::whole(bytes, Provenance::GitMetadata(metadata)), None);
            }
            read
        });
        self.read += reads.reduce(Read::default, sum);
    }

    /// Hands over the new contents.
    fn read_contents<V: Visitor>(&mut self, visitor: &V) {
        // In the order in which they came: neighbours build on one another.
        let mut blobs: Vec<(u32, GitId)> = self
            .contents
            .iter()
            .map(|(id, content)| (content.origins.first().copied().unwrap_or(0), *id))
            .collect();
        blobs.sort_unstable();
        let mut blobs: Vec<GitId> = blobs.into_iter().map(|(_, id)| id).collect();
        if let Some(objects) = self.store.only_directory().filter(|_| blobs.len() >= MIN_WALKED_CONTENTS) {
            // What it says is unread concerns all of the database; what the range lacks is told below.
            let objects = Objects::open(objects, self.store.hash(), &mut Vec::new());
            let walk =
                ContentsWalk { range: self, visitor, seen: Mutex::default(), bytes: AtomicU64::new(0) };
            objects.visit_packed(&walk, blobs.iter().map(|id| &**id));
            let (seen, bytes) = (into_inner(walk.seen), walk.bytes.into_inner());
            blobs.retain(|id| !seen.contains(id));
            self.read += Read { blobs: seen.len() as u64, bytes, ..Read::default() };
        }
        self.read += self.visit(&blobs, visitor);
    }

    /// Says of a Git LFS pointer that what it stands for is elsewhere.
    fn note_pointer<V: Visitor>(&self, id: &GitId, bytes: &[u8], visitor: &V) {
        if bytes.starts_with(LFS_POINTER) {
            let path = self.contents.get(id).map(|content| content.path.as_slice()).unwrap_or_default();
            let why = "a Git LFS pointer; what it stands for is not in git, and not read";
            visitor.skipped(Unread::new(path, why));
        }
    }

    /// Hands over these blobs, for what the range builds on; what cannot be read is passed over.
    pub fn visit_known<V: Visitor>(&self, blobs: &[ObjectId], visitor: &V) {
        let blobs: Vec<GitId> = blobs.iter().map(git_id).collect();
        self.visit(&blobs, visitor);
    }

    fn visit<V: Visitor>(&self, blobs: &[GitId], visitor: &V) -> Read {
        let reads = blobs.par_chunks(per_task(blobs.len())).map(|ids| {
            let mut reader = self.store.reader();
            let mut read = Read::default();
            for id in ids {
                let path = self.contents.get(id).map(|content| content.path.as_slice()).unwrap_or_default();
                match reader.read(id) {
                    Ok((Kind::Blob, bytes)) => {
                        self.note_pointer(id, bytes, visitor);
                        read.blobs += 1;
                        read.bytes += bytes.len() as u64;
                        let provenance = Provenance::GitBlob(ObjectId::from_bytes(id.as_bytes()));
                        visitor.chunk(&Chunk::whole(bytes, provenance.clone()), None);
                        let _ = archive::visit_members(bytes, || provenance, visitor);
                    }
                    Ok((kind, _)) => {
                        let failure = Failure::Damaged(format!("it is a {kind}, and a file was to be there"));
                        visitor.unread(unread("blob", *id, path, &failure));
                    }
                    Err(failure) => visitor.unread(unread("blob", *id, path, &failure)),
                }
            }
            read
        });
        reads.reduce(Read::default, sum)
    }

    /// A path of each blob of the range that has one.
    #[must_use]
    pub fn paths(&self, blobs: &[ObjectId]) -> Vec<Option<BString>> {
        let path = |id: &ObjectId| Some(self.contents.get(&git_id(id))?.path.clone());
        blobs.iter().map(|id| path(id).filter(|path| !path.is_empty())).collect()
    }

    /// Where each of `blobs` was new.
    #[must_use]
    pub fn occurrences(&self, blobs: &BTreeSet<ObjectId>) -> Vec<Occurrence> {
        let wanted: BTreeSet<GitId> = blobs.iter().map(git_id).collect();
        let mut origins: BTreeMap<u32, BTreeSet<GitId>> = BTreeMap::new();
        for blob in &wanted {
            for &origin in self.contents.get(blob).into_iter().flat_map(|content| &content.origins) {
                origins.entry(origin).or_default().insert(*blob);
            }
        }
        let mut trees = self.trees();
        let mut occurrences = Vec::new();
        for (origin, mut unplaced) in origins {
            let mut push = |path: Option<BString>, blob: GitId, before: &[GitId]| {
                occurrences.push(Occurrence {
                    origin,
                    path,
                    blob: ObjectId::from_bytes(blob.as_bytes()),
                    before: before.iter().map(|id| ObjectId::from_bytes(id.as_bytes())).collect(),
                });
            };
            if let Some((root, parents)) = self.root(origin) {
                trees.compare(root, &parents, Scope::Paths, |new| {
                    let New::File(version) = new else { return };
                    if wanted.contains(&version.blob) {
                        unplaced.remove(&version.blob);
                        push(Some(version.path.to_owned()), version.blob, version.before);
                    }
                });
            }
            // A blob that a tag names; and nothing is dropped where there are too many paths.
            unplaced.into_iter().for_each(|blob| push(None, blob, &[]));
        }
        occurrences
    }

    /// The contents of files that were there before `origin` and no longer are: a renamed file's old name is among them.
    #[must_use]
    pub fn removed(&self, origin: u32) -> BTreeSet<ObjectId> {
        let mut removed = BTreeSet::new();
        let Some((root, parents)) = self.root(origin) else { return removed };
        let mut trees = self.trees();
        for parent in parents {
            trees.compare(parent, &[root], Scope::Contents, |new| {
                if let New::File(version) = new
                    && version.before.is_empty()
                {
                    removed.insert(ObjectId::from_bytes(version.blob.as_bytes()));
                }
            });
        }
        removed
    }

    /// The places at which a file or folder got each name. One that was moved and kept its name brought nothing new.
    #[must_use]
    pub fn named(&self, names: &[BString]) -> Vec<Vec<NamedPlace>> {
        let number_of: HashMap<&[u8], usize> =
            names.iter().enumerate().map(|(number, name)| (name.as_slice(), number)).collect();
        let mut origins: Vec<BTreeMap<BString, Vec<u32>>> = vec![BTreeMap::new(); names.len()];
        let mut trees = self.trees();
        for origin in 0..self.origins.len() as u32 {
            let Some((root, parents)) = self.root(origin) else { continue };
            let mut came = Vec::new();
            trees.compare(root, &parents, Scope::Paths, |new| {
                if let New::Name { folder, name } = new
                    && let Some(number) = number_of.get(name)
                {
                    came.push((*number, joined(folder, name)));
                }
            });
            let mut gone = HashSet::new();
            for parent in parents.iter().filter(|_| !came.is_empty()) {
                trees.compare(*parent, &[root], Scope::Contents, |new| {
                    if let New::Name { name, .. } = new {
                        gone.extend(number_of.get(name).copied());
                    }
                });
            }
            for (number, path) in came.into_iter().filter(|(number, _)| !gone.contains(number)) {
                origins[number].entry(path).or_default().push(origin);
            }
        }
        let places = origins.into_iter().map(|by_path| {
            let place = |(path, origins): (BString, Vec<u32>)| {
                let (introduced, reach) = self.way_in(&origins);
                NamedPlace { path, introduced, reach }
            };
            by_path.into_iter().map(place).collect()
        });
        places.collect()
    }

    /// The commit that came first of these origins, and what leads to them.
    fn way_in(&self, origins: &[u32]) -> (Option<CommitSummary>, Reach) {
        let commits: Vec<CommitIndex> = origins.iter().filter_map(|&origin| self.commit_of(origin)).collect();
        let Some(first) = commits.iter().copied().min_by_key(|commit| self.graph.age(*commit)) else {
            let from = origins.first().map(|&origin| self.origins[origin as usize]);
            return (None, from.map(|origin| self.reach_without_commit(origin)).unwrap_or_default());
        };
        (self.summary(self.graph.id(first)), self.reach(&commits))
    }

    fn commit_of(&self, origin: u32) -> Option<CommitIndex> {
        match self.origins[origin as usize] {
            Origin::Commit(commit) => Some(commit),
            Origin::Tree { .. } | Origin::Blob { .. } | Origin::Staged => None,
        }
    }

    /// What leads to an origin that is not a commit.
    fn reach_without_commit(&self, origin: Origin) -> Reach {
        match origin {
            Origin::Commit(_) => Reach::default(),
            Origin::Tree { tip, .. } | Origin::Blob { tip } => {
                Reach { refs: vec![self.tips[tip].name.clone()], ..Reach::default() }
            }
            Origin::Staged => Reach { refs: vec![STAGED.into()], staged: true, ..Reach::default() },
        }
    }

    /// What HEAD and the range's tips have at these paths.
    #[must_use]
    pub fn latest<'a>(&self, paths: impl Iterator<Item = &'a BString>) -> BTreeSet<ObjectId> {
        let mut trees = self.trees();
        let mut latest = BTreeSet::new();
        for path in paths {
            for tree in self.tips.iter().filter_map(|tip| tip.tree).chain(self.surroundings.head) {
                latest.extend(trees.find(tree, path.as_bstr()).map(|id| ObjectId::from_bytes(id.as_bytes())));
            }
        }
        latest
    }

    /// What some occurrences amount to: one place for each path, the earliest first. `holders` are all contents that are known
    /// to hold what was found, not only the new ones.
    #[must_use]
    pub fn places(&self, occurrences: &[Occurrence], holders: &BTreeSet<ObjectId>) -> Vec<HistoryPlace> {
        let mut trees = self.trees();
        let mut by_path: BTreeMap<Option<&BString>, Vec<&Occurrence>> = BTreeMap::new();
        for occurrence in occurrences {
            by_path.entry(occurrence.path.as_ref()).or_default().push(occurrence);
        }
        let place = |(path, at_path): (_, Vec<&Occurrence>)| self.place(path, &at_path, holders, &mut trees);
        by_path.into_iter().filter_map(place).collect()
    }

    /// What reaches at least one of the commits, whether or not it belongs to the range itself.
    fn reach(&self, commits: &[CommitIndex]) -> Reach {
        let graph = self.surroundings.graph.get_or_init(|| self.graph_with_references());
        let known = commits.iter().filter_map(|commit| graph.find(&self.graph.id(*commit)));
        graph.reach(known.collect())
    }

    fn graph_with_references(&self) -> Graph {
        let Surroundings { references, exclude, shallow, .. } = &self.surroundings;
        let include = self.tips.iter().map(|RangeTip { name, target, .. }| Tip {
            name: name.clone(),
            target: *target,
            kind: TipKind::Local,
        });
        let tips: Vec<Tip> = include.chain(references.iter().cloned()).collect();
        let targets: Vec<GitId> = tips.iter().map(|tip| tip.target).collect();
        let Walked { commits, tags, .. } = walk::walk(&self.store, &targets, exclude, shallow);
        Graph::new(commits, &tags, tips)
    }

    fn place(
        &self,
        path: Option<&BString>,
        occurrences: &[&Occurrence],
        holders: &BTreeSet<ObjectId>,
        trees: &mut Trees<'_>,
    ) -> Option<HistoryPlace> {
        let commit_of = |occurrence: &&&Occurrence| self.commit_of(occurrence.origin);
        let age = |occurrence: &&&Occurrence| commit_of(occurrence).map(|commit| self.graph.age(commit));
        let first = occurrences.iter().min_by_key(age)?;
        let commits: Vec<CommitIndex> = occurrences.iter().filter_map(|at| commit_of(&at)).collect();
        let blobs: BTreeSet<ObjectId> = occurrences.iter().map(|occurrence| occurrence.blob).collect();
        let reach = match self.origins[first.origin as usize] {
            Origin::Commit(_) => self.reach(&commits),
            origin => self.reach_without_commit(origin),
        };
        let mut has = |tree: Option<GitId>| {
            let found = path.zip(tree).and_then(|(path, tree)| trees.find(tree, path.as_bstr()));
            found.is_some_and(|id| holders.contains(&ObjectId::from_bytes(id.as_bytes())))
        };
        let in_head = has(self.surroundings.head);
        let at_tip = self.tips.iter().any(|tip| has(tip.tree));
        let later = blobs.iter().copied().filter(|blob| *blob != first.blob);
        let versions = std::iter::once(first.blob).chain(later).collect();
        Some(HistoryPlace {
            path: path.cloned(),
            blob: first.blob,
            versions,
            introduced: commit_of(&first).and_then(|commit| self.summary(self.graph.id(commit))),
            last: None,
            in_head,
            at_tip,
            reach,
        })
    }

    /// What rewriting a commit has to mind; nothing for what is no commit of the range.
    #[must_use]
    pub fn shape(&self, id: &ObjectId) -> Option<CommitShape> {
        let at = self.graph.find(&git_id(id))?;
        let parents = |commit| self.graph.headers(commit).parents.len();
        Some(CommitShape {
            parents: parents(at),
            precedes_merges: self.graph.iter().any(|commit| commit > at && parents(commit) > 1),
        })
    }

    /// Each commit or tag with its facts, and what reaches it.
    #[must_use]
    pub fn commits(&self, ids: &[ObjectId]) -> HashMap<ObjectId, (Option<CommitSummary>, Reach)> {
        let facts = ids.iter().map(|id| {
            let found = self.graph.find(&git_id(id));
            let reach = match found {
                Some(commit) => self.reach(&[commit]),
                None => self.graph.direct_reach(&git_id(id)),
            };
            (*id, (found.and_then(|_| self.summary(git_id(id))), reach))
        });
        facts.collect()
    }

    fn summary(&self, id: GitId) -> Option<CommitSummary> {
        self.store.reader().peek(&id).ok().map(|(_, bytes)| commits::summary(id, bytes))
    }
}

/// Hands over the contents of a range while all packs are walked.
struct ContentsWalk<'a, V> {
    range: &'a Range,
    visitor: &'a V,
    seen: Mutex<HashSet<GitId, RandomState>>,
    bytes: AtomicU64,
}

impl<V: Visitor> ObjectVisitor for ContentsWalk<'_, V> {
    type Memo = V::Memo;

    fn object(&self, object: &PackedObject<'_>, base: Option<&Self::Memo>) -> Self::Memo {
        lock(&self.seen).insert(object.id);
        self.bytes.fetch_add(object.bytes.len() as u64, Ordering::Relaxed);
        self.range.note_pointer(&object.id, object.bytes, self.visitor);
        let provenance = Provenance::GitBlob(ObjectId::from_bytes(object.id.as_bytes()));
        let chunk = Chunk { derivation: object.derivation, ..Chunk::whole(object.bytes, provenance.clone()) };
        let memo = self.visitor.chunk(&chunk, base).memo;
        let _ = archive::visit_members(object.bytes, || provenance, self.visitor);
        memo
    }
}

/// How many of `count` things a task takes.
fn per_task(count: usize) -> usize {
    (count / (rayon::current_num_threads() * TASKS_PER_THREAD)).clamp(*PER_TASK.start(), *PER_TASK.end())
}

/// The trees of the parents of each commit, those outside the range too. What was cut off counts as not there.
fn parent_trees(graph: &Graph, cut_off: &BTreeSet<GitId>, reader: &mut Reader) -> Vec<Vec<GitId>> {
    let mut outside: HashMap<GitId, Option<GitId>, RandomState> = HashMap::default();
    let mut tree_of = |id: &GitId| match graph.find(id) {
        Some(commit) => Some(graph.headers(commit).tree),
        None => *outside.entry(*id).or_insert_with(|| match reader.peek(id) {
            Ok((Kind::Commit, bytes)) => Headers::parse(bytes).map(|headers| headers.tree),
            _ => None,
        }),
    };
    let parents = graph.iter().map(|commit| {
        let parents = &graph.headers(commit).parents;
        let parents = parents.iter().filter(|_| !cut_off.contains(&graph.id(commit)));
        parents.filter_map(&mut tree_of).collect()
    });
    parents.collect()
}

fn sum(mut a: Read, b: Read) -> Read {
    a += b;
    a
}

fn unread(kind: &str, id: GitId, path: &[u8], failure: &Failure) -> Unread {
    let mut what = BString::from(format!("{kind} {id}"));
    if !path.is_empty() {
        what.extend_from_slice(b" (");
        what.extend_from_slice(path);
        what.push(b')');
    }
    let why = match failure {
        Failure::Missing => {
            "it is not in the repository (a partial clone?); fetch it with `git fetch --refetch`".to_owned()
        }
        Failure::Damaged(why) => format!("{why}; restore it from another clone"),
    };
    Unread::new(what, why)
}
