//! Where blobs came from, asked only for those in which something was found, for all of them together.
//!
//! One walk over all trees notes which tree names which; from the wanted blobs upwards that tells the few trees that lead to
//! one. What such a tree *holds* (paths below it, with the wanted blob at each) is put together bottom up, each distinct
//! set once. Most commits hold what their parents do: only where they differ was a secret brought in.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use bstr::BString;
use foldhash::fast::RandomState;
use gix::ObjectId;
use gix::hash::Kind as HashKind;
use gix::objs::Kind;

use super::commits::{CommitIndex, Commits};
use super::objects::{ObjectVisitor, Objects};
use super::packs::PackedObject;
use super::tree::{self, EntryKind, TreeMemo};

/// The most paths that are told apart below one tree: a forged tree can name the same blob at billions.
const MAX_HOLDINGS: usize = 20_000;

/// A path over all versions of one group of blobs.
#[derive(Debug)]
pub(super) struct PathHistory {
    /// The group, an index into what was asked for.
    pub(super) group: usize,
    pub(super) path: BString,
    /// The group's blobs that were at the path, the one that the first commit introduced first.
    pub(super) blobs: Vec<ObjectId>,
    /// Commits that brought the group to the path: they have it, none of their parents has. The earliest first; empty where
    /// no commit leads to the tree.
    pub(super) introduced: Vec<CommitIndex>,
    pub(super) last: Option<CommitIndex>,
    pub(super) in_head: bool,
}

/// Finds where the blobs of each group were. A group is the blobs of one finding; blobs that no tree names give nothing.
pub(super) fn attribute(
    objects: &Objects,
    hash: HashKind,
    commits: &Commits,
    groups: &[Vec<ObjectId>],
) -> Vec<PathHistory> {
    let mut wanted: Vec<ObjectId> = groups.iter().flatten().copied().collect();
    wanted.sort();
    wanted.dedup();
    if wanted.is_empty() {
        return Vec::new();
    }
    let trees = TreeWalk::collect(objects, hash, &wanted);
    let holdings = Holdings::build(trees);
    histories(&holdings, commits, groups, &wanted)
}

/// What a tree entry leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Node {
    Tree(u32),
    /// An index into the wanted blobs.
    Blob(u32),
}

/// `parent` names `child` as `name`.
#[derive(Debug, Clone, Copy)]
struct Edge {
    parent: u32,
    child: Node,
    name: u32,
}

/// An entry that may lead to a wanted blob: a number for its child and name. Most trees share most of their entries with
/// others, so numbers are what is kept for each.
type LinkId = u32;

#[derive(Debug, Default)]
struct TreeWalk {
    ids: HashMap<ObjectId, u32, RandomState>,
    names: HashMap<Box<[u8]>, u32, RandomState>,
    links: HashMap<(Node, u32), LinkId, RandomState>,
    /// The links of each tree, one tree after the other.
    tree_links: Vec<LinkId>,
    /// Each tree, and where its links end in `tree_links`.
    trees: Vec<(u32, u32)>,
}

impl TreeWalk {
    fn collect(objects: &Objects, hash: HashKind, wanted: &[ObjectId]) -> Self {
        let visitor =
            TreeVisitor { hash, wanted: wanted.iter().copied().zip(0..).collect(), walk: Mutex::default() };
        // Trees that cannot be read were named when the blobs were walked.
        let _ = objects.visit(&visitor);
        visitor.walk.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// The edges that lead to a wanted blob.
    fn relevant_edges(&self) -> Vec<Edge> {
        let mut links = vec![(Node::Tree(0), 0); self.links.len()];
        self.links.iter().for_each(|(&link, &id)| links[id as usize] = link);
        let relevant = self.relevant_links(&links);
        let mut edges = Vec::new();
        let mut from = 0;
        for &(parent, to) in &self.trees {
            for &link in &self.tree_links[from..to as usize] {
                if relevant[link as usize] {
                    let (child, name) = links[link as usize];
                    edges.push(Edge { parent, child, name });
                }
            }
            from = to as usize;
        }
        edges
    }

    /// Which links lead to a wanted blob: in each round, those to trees that the round before found. There are as many
    /// rounds as folders on the way to the deepest wanted blob.
    fn relevant_links(&self, links: &[(Node, u32)]) -> Vec<bool> {
        let mut relevant: Vec<bool> = links.iter().map(|(child, _)| matches!(child, Node::Blob(_))).collect();
        let mut is_relevant_tree = vec![false; self.ids.len()];
        loop {
            let mut has_grown = false;
            let mut from = 0;
            for &(tree, to) in &self.trees {
                let held = &self.tree_links[from..to as usize];
                from = to as usize;
                if !is_relevant_tree[tree as usize] && held.iter().any(|&link| relevant[link as usize]) {
                    is_relevant_tree[tree as usize] = true;
                    has_grown = true;
                }
            }
            if !has_grown {
                return relevant;
            }
            for (link, (child, _)) in links.iter().enumerate() {
                relevant[link] |= matches!(child, Node::Tree(tree) if is_relevant_tree[*tree as usize]);
            }
        }
    }

    fn link(&mut self, child: Node, name: &[u8]) -> LinkId {
        let name = self.name(name);
        let new = self.links.len() as LinkId;
        *self.links.entry((child, name)).or_insert(new)
    }

    fn tree(&mut self, id: &gix::oid) -> u32 {
        if let Some(&known) = self.ids.get(id) {
            return known;
        }
        let new = self.ids.len() as u32;
        self.ids.insert(id.to_owned(), new);
        new
    }

    fn name(&mut self, name: &[u8]) -> u32 {
        if let Some(&known) = self.names.get(name) {
            return known;
        }
        let new = self.names.len() as u32;
        self.names.insert(name.into(), new);
        new
    }
}

struct TreeVisitor {
    hash: HashKind,
    wanted: HashMap<ObjectId, u32, RandomState>,
    walk: Mutex<TreeWalk>,
}

impl ObjectVisitor for TreeVisitor {
    type Memo = TreeMemo<LinkId>;

    fn wants(&self, kind: Kind) -> bool {
        kind == Kind::Tree
    }

    fn object(&self, object: &PackedObject<'_>, base: Option<&Self::Memo>) -> Self::Memo {
        let read = tree::read(object.bytes, self.hash, object.derivation.zip(base), |entry| {
            let blob = self.wanted.get(entry.id).copied();
            if entry.kind == EntryKind::Submodule || (entry.kind == EntryKind::Blob && blob.is_none()) {
                return None;
            }
            let mut walk = self.walk.lock().unwrap_or_else(PoisonError::into_inner);
            let child = blob.map_or_else(|| Node::Tree(walk.tree(entry.id)), Node::Blob);
            Some(walk.link(child, entry.name))
        });
        let memo = read.unwrap_or_default();
        if !memo.noted.is_empty() {
            let mut walk = self.walk.lock().unwrap_or_else(PoisonError::into_inner);
            let parent = walk.tree(&object.id);
            walk.tree_links.extend(memo.noted.iter().map(|(_, link)| link));
            let end = walk.tree_links.len() as u32;
            walk.trees.push((parent, end));
        }
        memo
    }
}

/// A path: a name, and what follows it; `NO_PATH` ends it.
type PathId = u32;
const NO_PATH: PathId = u32::MAX;
/// A set of (path, wanted blob), in the order of both.
type SetId = u32;

/// What the trees that lead to a wanted blob hold.
#[derive(Debug, Default)]
struct Holdings {
    names: Vec<Box<[u8]>>,
    paths: Vec<(u32, PathId)>,
    path_ids: HashMap<(u32, PathId), PathId>,
    sets: Vec<Box<[(PathId, u32)]>>,
    set_ids: HashMap<Box<[(PathId, u32)]>, SetId>,
    of_tree: HashMap<ObjectId, SetId>,
    /// The trees that hold something and that no other such tree names.
    tops: Vec<ObjectId>,
}

impl Holdings {
    fn build(walk: TreeWalk) -> Self {
        let mut edges = walk.relevant_edges();
        let TreeWalk { ids, names, .. } = walk;
        edges.sort_unstable_by_key(|edge| edge.parent);
        let mut holdings = Self { names: vec![Box::default(); names.len()], ..Self::default() };
        for (name, id) in names {
            holdings.names[id as usize] = name;
        }
        let mut set_of: HashMap<u32, SetId> = HashMap::new();
        for tree in children_first(&edges) {
            let from = edges.partition_point(|edge| edge.parent < tree);
            let mut held = Vec::new();
            for edge in edges[from..].iter().take_while(|edge| edge.parent == tree) {
                match edge.child {
                    Node::Blob(blob) => held.push((holdings.path(edge.name, NO_PATH), blob)),
                    Node::Tree(child) => {
                        let below = set_of
                            .get(&child)
                            .map(|&set| holdings.sets[set as usize].clone())
                            .unwrap_or_default();
                        let room = MAX_HOLDINGS.saturating_sub(held.len());
                        held.extend(
                            below
                                .iter()
                                .take(room)
                                .map(|&(path, blob)| (holdings.path(edge.name, path), blob)),
                        );
                    }
                }
            }
            held.sort_unstable();
            let set = holdings.set(held.into());
            set_of.insert(tree, set);
        }
        let named: HashSet<u32> = edges
            .iter()
            .filter_map(|edge| if let Node::Tree(child) = edge.child { Some(child) } else { None })
            .collect();
        for (id, tree) in ids {
            if let Some(&set) = set_of.get(&tree) {
                holdings.of_tree.insert(id, set);
                if !named.contains(&tree) {
                    holdings.tops.push(id);
                }
            }
        }
        holdings
    }

    fn path(&mut self, name: u32, rest: PathId) -> PathId {
        *self.path_ids.entry((name, rest)).or_insert_with(|| {
            self.paths.push((name, rest));
            (self.paths.len() - 1) as PathId
        })
    }

    fn set(&mut self, held: Box<[(PathId, u32)]>) -> SetId {
        if let Some(&known) = self.set_ids.get(&held) {
            return known;
        }
        let new = self.sets.len() as SetId;
        self.sets.push(held.clone());
        self.set_ids.insert(held, new);
        new
    }

    fn of_commit(&self, commits: &Commits, commit: CommitIndex) -> Option<SetId> {
        self.of_tree.get(&commits.get(commit).tree).copied()
    }

    fn text(&self, mut path: PathId) -> BString {
        let mut text = BString::default();
        while let Some(&(name, rest)) = self.paths.get(path as usize) {
            if !text.is_empty() {
                text.push(b'/');
            }
            text.extend_from_slice(&self.names[name as usize]);
            path = rest;
        }
        text
    }
}

/// The parents among `edges`, each after all trees that it names. Trees in a circle, which only a forged pack can hold, are
/// left out. Without recursion: trees can be nested thousands deep.
fn children_first(edges: &[Edge]) -> Vec<u32> {
    let mut waiting: HashMap<u32, u32> = HashMap::new();
    let mut parents: HashMap<u32, Vec<u32>> = HashMap::new();
    for edge in edges {
        let count = waiting.entry(edge.parent).or_default();
        if let Node::Tree(child) = edge.child {
            *count += 1;
            parents.entry(child).or_default().push(edge.parent);
        }
    }
    let mut order: Vec<u32> =
        waiting.iter().filter(|(_, count)| **count == 0).map(|(tree, _)| *tree).collect();
    order.sort_unstable();
    let mut next = 0;
    while let Some(&tree) = order.get(next) {
        for &parent in parents.get(&tree).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(&parent) {
                *count -= 1;
                if *count == 0 {
                    order.push(parent);
                }
            }
        }
        next += 1;
    }
    order
}

/// What is gathered for a path of a group.
#[derive(Debug, Default)]
struct Trace {
    introduced: Vec<CommitIndex>,
    last: Option<CommitIndex>,
    in_head: bool,
    blobs: Vec<u32>,
}

fn histories(
    holdings: &Holdings,
    commits: &Commits,
    groups: &[Vec<ObjectId>],
    wanted: &[ObjectId],
) -> Vec<PathHistory> {
    let groups_of = groups_of_blobs(groups, wanted);
    let mut traces: BTreeMap<(u32, PathId), Trace> = BTreeMap::new();
    let age = |commit: CommitIndex| commits.age(commit);
    // The latest of those that something names, if there is one.
    let lateness = |commit: CommitIndex| {
        let (is_abandoned, seconds, commit) = commits.age(commit);
        (!is_abandoned, seconds, commit)
    };
    // The latest commit of each set stands for all that have it; a top that no commit has stands for itself.
    let mut latest: BTreeMap<SetId, Option<CommitIndex>> = BTreeMap::new();
    let mut roots = HashSet::new();
    for (commit, raw) in commits.iter() {
        let Some(set) = holdings.of_commit(commits, commit) else {
            continue;
        };
        roots.insert(raw.tree);
        let known = latest.entry(set).or_default();
        if known.is_none_or(|known| lateness(known) < lateness(commit)) {
            *known = Some(commit);
        }
    }
    for top in holdings.tops.iter().filter(|top| !roots.contains(*top)) {
        latest.entry(holdings.of_tree[top]).or_default();
    }
    let head_set = commits.head().and_then(|head| holdings.of_commit(commits, head));
    for (&set, &commit) in &latest {
        for &(path, blob) in &holdings.sets[set as usize] {
            for &group in &groups_of[blob as usize] {
                let trace = traces.entry((group, path)).or_default();
                trace.blobs.push(blob);
                trace.in_head |= head_set == Some(set);
                trace.last = trace.last.into_iter().chain(commit).max_by_key(|&commit| lateness(commit));
            }
        }
    }
    for (commit, _) in commits.iter() {
        let Some(set) = holdings.of_commit(commits, commit) else {
            continue;
        };
        let before: Vec<SetId> = commits
            .parents(commit)
            .iter()
            .filter_map(|&parent| holdings.of_commit(commits, parent))
            .collect();
        if before.contains(&set) {
            continue;
        }
        let known: HashSet<(u32, PathId)> = before
            .iter()
            .flat_map(|&set| &holdings.sets[set as usize])
            .flat_map(|&(path, blob)| groups_of[blob as usize].iter().map(move |&group| (group, path)))
            .collect();
        for &(path, blob) in &holdings.sets[set as usize] {
            for &group in groups_of[blob as usize].iter().filter(|group| !known.contains(&(**group, path))) {
                if let Some(trace) = traces.get_mut(&(group, path)) {
                    trace.introduced.push(commit);
                }
            }
        }
    }
    let history = |((group, path), mut trace): ((u32, PathId), Trace)| {
        trace.introduced.sort_by_key(|&commit| age(commit));
        trace.blobs.sort_unstable();
        trace.blobs.dedup();
        // The version that the first commit brought in comes first.
        let first_set = trace.introduced.first().and_then(|&commit| holdings.of_commit(commits, commit));
        let is_first = |blob: u32| {
            first_set.is_some_and(|set| holdings.sets[set as usize].binary_search(&(path, blob)).is_ok())
        };
        trace.blobs.sort_by_key(|&blob| !is_first(blob));
        PathHistory {
            group: group as usize,
            path: holdings.text(path),
            blobs: trace.blobs.iter().map(|&blob| wanted[blob as usize]).collect(),
            introduced: trace.introduced,
            last: trace.last,
            in_head: trace.in_head,
        }
    };
    traces.into_iter().map(history).collect()
}

/// For each wanted blob, the groups that it belongs to.
fn groups_of_blobs(groups: &[Vec<ObjectId>], wanted: &[ObjectId]) -> Vec<Vec<u32>> {
    let mut groups_of = vec![Vec::new(); wanted.len()];
    for (group, blobs) in (0..).zip(groups) {
        for blob in blobs {
            if let Ok(at) = wanted.binary_search(blob) {
                groups_of[at].push(group);
            }
        }
    }
    groups_of.iter_mut().for_each(Vec::dedup);
    groups_of
}
