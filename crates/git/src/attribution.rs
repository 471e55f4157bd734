//! Where blobs came from, asked only for those in which something was found, for all of them together.
//!
//! The log of all trees tells the few that lead to a wanted blob. What such a tree *holds* (paths below it, with the wanted
//! blob at each) is put together bottom up, each distinct set once. Most commits hold what their parents do: only where they
//! differ was a secret brought in.

use std::collections::{BTreeMap, HashMap, HashSet};

use bstr::BString;
use foldhash::fast::RandomState;
use gix::ObjectId;

use super::commits::{CommitIndex, Commits};
use super::numbers::Number;
use super::objects::Objects;
use super::tree_log::{Edge, NameId, Trees};

/// The most paths that are told apart below one tree: a forged tree can name the same blob at billions.
pub(super) const MAX_HOLDINGS: usize = 20_000;
/// How many folders deep blobs are followed up to; git itself goes 2,048 deep. A forged nest of trees can have millions.
pub(super) const MAX_DEPTH: usize = 4_096;

/// Where groups of blobs were.
#[derive(Debug, Default)]
pub(super) struct Attribution {
    pub(super) histories: Vec<PathHistory>,
    /// Whether some tree holds more than is told.
    pub(super) is_cut: bool,
}

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
    /// Trees that have the group at the path and that something names without a commit.
    pub(super) trees: Vec<ObjectId>,
}

/// Finds where the blobs of each group were. A group is the blobs of one finding, or trees; what no tree names gives nothing.
pub(super) fn attribute(
    objects: &Objects,
    trees: &Trees,
    commits: &Commits,
    groups: &[Vec<ObjectId>],
) -> Attribution {
    let mut wanted: Vec<ObjectId> = groups.iter().flatten().copied().collect();
    wanted.sort();
    wanted.dedup();
    if wanted.is_empty() {
        return Attribution::default();
    }
    let numbers: HashMap<Number, u32> =
        wanted.iter().zip(0..).filter_map(|(id, blob)| Some((objects.number(id)?, blob))).collect();
    let mut is_wanted = vec![false; objects.len()];
    numbers.keys().for_each(|&number| is_wanted[number as usize] = true);
    let is_wanted = |number: Number| is_wanted.get(number as usize).is_some_and(|&wanted| wanted);
    let edges = trees.edges_to(is_wanted, objects.len());
    let holdings = Holdings::build(objects, trees, edges, &numbers);
    let histories = histories(&holdings, objects, commits, groups, &wanted);
    Attribution { histories, is_cut: holdings.is_cut }
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
    name_ids: HashMap<Box<[u8]>, u32>,
    paths: Vec<(u32, PathId)>,
    path_ids: HashMap<(u32, PathId), PathId>,
    sets: Vec<Box<[(PathId, u32)]>>,
    set_ids: HashMap<Box<[(PathId, u32)]>, SetId>,
    of_tree: HashMap<Number, SetId, RandomState>,
    /// The trees that hold something and that no other such tree names.
    tops: Vec<Number>,
    /// Whether some tree holds more than [`MAX_HOLDINGS`], or something below more than [`MAX_DEPTH`] others.
    is_cut: bool,
}

impl Holdings {
    fn build(objects: &Objects, trees: &Trees, mut edges: Vec<Edge>, wanted: &HashMap<Number, u32>) -> Self {
        edges.sort_unstable_by_key(|edge| edge.parent);
        let mut holdings = Self::default();
        let mut names: HashMap<NameId, u32, RandomState> = HashMap::default();
        // How many folders lie below a tree on the way to a wanted blob.
        let mut depths: HashMap<Number, usize, RandomState> = HashMap::default();
        for tree in children_first(&edges) {
            let from = edges.partition_point(|edge| edge.parent < tree);
            let (mut held, mut depth) = (Vec::new(), 0);
            for edge in edges[from..].iter().take_while(|edge| edge.parent == tree) {
                let name = *names
                    .entry(edge.name)
                    .or_insert_with(|| holdings.name(&trees.name(edge.name, objects).unwrap_or_default()));
                if let Some(&blob) = wanted.get(&edge.child) {
                    held.push((holdings.path(name, NO_PATH), blob));
                }
                if let Some(&set) = holdings.of_tree.get(&edge.child) {
                    let below = depths.get(&edge.child).map_or(0, |depth| depth + 1);
                    if below > MAX_DEPTH {
                        holdings.is_cut = true;
                        continue;
                    }
                    depth = depth.max(below);
                    let below = holdings.sets[set as usize].clone();
                    let room = MAX_HOLDINGS.saturating_sub(held.len());
                    holdings.is_cut |= below.len() > room;
                    held.extend(
                        below.iter().take(room).map(|&(path, blob)| (holdings.path(name, path), blob)),
                    );
                }
            }
            depths.insert(tree, depth);
            held.sort_unstable();
            let set = holdings.set(held.into());
            holdings.of_tree.insert(tree, set);
        }
        let named: HashSet<Number> = edges.iter().map(|edge| edge.child).collect();
        holdings.tops = holdings.of_tree.keys().copied().filter(|tree| !named.contains(tree)).collect();
        holdings
    }

    /// The same text may have been noted by several threads.
    fn name(&mut self, text: &[u8]) -> u32 {
        if let Some(&known) = self.name_ids.get(text) {
            return known;
        }
        let new = self.names.len() as u32;
        self.names.push(text.into());
        self.name_ids.insert(text.into(), new);
        new
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

/// The parents among `edges`, which are sorted by parent, each after all trees that it names. Trees in a circle, which only a forged pack can hold, are
/// left out. Without recursion: trees can be nested thousands deep.
fn children_first(edges: &[Edge]) -> Vec<Number> {
    let leads_on = |child: Number| edges.binary_search_by_key(&child, |edge| edge.parent).is_ok();
    let mut waiting: HashMap<Number, u32, RandomState> = HashMap::default();
    let mut parents: HashMap<Number, Vec<Number>, RandomState> = HashMap::default();
    for edge in edges {
        let count = waiting.entry(edge.parent).or_default();
        if leads_on(edge.child) {
            *count += 1;
            parents.entry(edge.child).or_default().push(edge.parent);
        }
    }
    let mut order: Vec<Number> =
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
    trees: Vec<ObjectId>,
}

fn histories(
    holdings: &Holdings,
    objects: &Objects,
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
    // A tree that a tag names for itself is a root as much as that of a commit.
    let mut named: Vec<ObjectId> = commits.named_objects().copied().collect();
    named.sort();
    let set_of = |id: &ObjectId| holdings.of_tree.get(&objects.number(id)?).copied();
    for (tree, set) in named.into_iter().filter_map(|id| Some((id, set_of(&id)?))) {
        for &(path, blob) in &holdings.sets[set as usize] {
            for &group in &groups_of[blob as usize] {
                let trace = traces.entry((group, path)).or_default();
                trace.blobs.push(blob);
                trace.trees.push(tree);
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
            trees: trace.trees,
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
