//! What every tree names, noted while the packs are walked: so that the way from a blob up to the commits that had it needs no
//! second walk.
//!
//! Most of a tree is a copy of another one, and the log says so: a tree costs a few numbers more than its base.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

use foldhash::fast::RandomState;

use super::cache::Words;
use super::numbers::{NO_OBJECT, Number};
use super::objects::Objects;

/// A file name, by its place among all that were noted.
pub(super) type NameId = u32;

/// The entries of trees, as one thread read them.
#[derive(Debug, Default)]
pub(super) struct TreeLog {
    trees: Vec<Logged>,
    parts: Vec<Part>,
    names: Vec<Name>,
    name_ids: HashMap<Box<[u8]>, NameId, RandomState>,
}

/// A name, and where it stands: of what an earlier run noted only that is known.
#[derive(Debug)]
struct Name {
    text: Option<Box<[u8]>>,
    tree: Number,
    /// Where the entry begins in the tree's bytes.
    start: u32,
}

#[derive(Debug, Clone, Copy)]
struct Logged {
    tree: Number,
    /// The tree in which copied parts lie.
    base: Number,
    /// Where its parts end; they begin where those of the tree before end.
    parts_end: u32,
}

/// A part of a tree in eight bytes: a large history has millions. Either entries that the base has as well, or a new entry.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// The first copied entry with [`Part::COPIED`], or the child with or without [`Part::TREE`].
    first: u32,
    /// The end of the copied entries, or the child's name.
    second: u32,
}

impl Part {
    const COPIED: u32 = 1 << 31;
    const TREE: u32 = 1 << 30;
    /// The child when it is not there; what has a larger number is not told apart from it.
    const NO_CHILD: u32 = Self::TREE - 1;

    fn read(self) -> Read {
        if self.first & Self::COPIED != 0 {
            return Read::Copied(self.first & !Self::COPIED..self.second);
        }
        let child = self.first & !Self::TREE;
        let child = if child == Self::NO_CHILD { NO_OBJECT } else { child };
        Read::New { child, is_tree: self.first & Self::TREE != 0, name: self.second }
    }
}

enum Read {
    Copied(Range<u32>),
    New { child: Number, is_tree: bool, name: NameId },
}

/// Which part of a log is meant.
#[derive(Debug, Clone, Copy)]
pub(super) struct PartId(u32);

/// `parent` names `child` as `name`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub(super) parent: Number,
    pub(super) child: Number,
    pub(super) name: NameId,
}

impl TreeLog {
    /// Notes that the next entries of the tree at hand are these of its base.
    pub(super) fn copied(&mut self, entries: Range<u32>) {
        self.parts.push(Part { first: entries.start | Part::COPIED, second: entries.end });
    }

    /// Notes the next entry of `tree`, which begins at `start`; which object it names is said later.
    pub(super) fn entry(&mut self, tree: Number, start: usize, name: &[u8]) -> PartId {
        let name = match self.name_ids.get(name) {
            Some(&known) => known,
            None => {
                let new = self.names.len() as NameId;
                self.names.push(Name { text: Some(name.into()), tree, start: start as u32 });
                self.name_ids.insert(name.into(), new);
                new
            }
        };
        self.parts.push(Part { first: Part::NO_CHILD, second: name });
        PartId(self.parts.len() as u32 - 1)
    }

    /// Says which object an entry names.
    pub(super) fn set_child(&mut self, part: PartId, child: Number, is_tree: bool) {
        let child = child.min(Part::NO_CHILD);
        self.parts[part.0 as usize].first = if is_tree { child | Part::TREE } else { child };
    }

    /// The tree at hand is read to its end.
    pub(super) fn finish(&mut self, tree: Number, base: Option<Number>) {
        let parts_end = self.parts.len() as u32;
        self.trees.push(Logged { tree, base: base.unwrap_or(NO_OBJECT), parts_end });
    }

    /// The tree at hand is damaged: what was noted of it is forgotten.
    pub(super) fn abandon(&mut self) {
        self.parts.truncate(self.trees.last().map_or(0, |last| last.parts_end as usize));
    }

    /// Whether the part was not forgotten.
    pub(super) fn has(&self, part: PartId) -> bool {
        (part.0 as usize) < self.parts.len()
    }

    /// What an earlier run stored; `number` is told how an object stands there.
    pub(super) fn recall(stored: Stored, number: impl Fn(u32) -> Number) -> Self {
        let base = |base: u32| if base == NO_BASE { NO_OBJECT } else { number(base) };
        let trees = stored.trees.into_iter().map(|[tree, from, parts_end]| Logged {
            tree: number(tree),
            base: base(from),
            parts_end,
        });
        let parts = stored.parts.into_iter().map(|[first, second]| {
            if first & Part::COPIED != 0 {
                return Part { first, second };
            }
            let child = number(first & !Part::TREE).min(Part::NO_CHILD);
            Part { first: child | (first & Part::TREE), second }
        });
        let names =
            stored.names.into_iter().map(|[tree, start]| Name { text: None, tree: number(tree), start });
        Self {
            trees: trees.collect(),
            parts: parts.collect(),
            names: names.collect(),
            name_ids: HashMap::default(),
        }
    }

    fn parts_of(&self, at: usize) -> &[Part] {
        let start = at.checked_sub(1).map_or(0, |before| self.trees[before].parts_end);
        &self.parts[start as usize..self.trees[at].parts_end as usize]
    }
}

/// What all threads noted.
#[derive(Debug)]
pub(super) struct Trees {
    logs: Vec<TreeLog>,
    /// The first tree of each log among all, and the first name.
    starts: Vec<(u32, NameId)>,
    count: u32,
}

impl Trees {
    pub(super) fn new(logs: Vec<TreeLog>) -> Self {
        let mut starts = Vec::with_capacity(logs.len());
        let (mut count, mut names) = (0, 0);
        for log in &logs {
            starts.push((count, names));
            count += log.trees.len() as u32;
            names += log.names.len() as NameId;
        }
        Self { logs, starts, count }
    }

    /// The text of a name; `None` where it has to be read from a tree that is no longer as it was.
    pub(super) fn name(&self, name: NameId, objects: &Objects) -> Option<Cow<'_, [u8]>> {
        let log = self.starts.partition_point(|&(_, first)| first <= name) - 1;
        let name = self.logs[log].names.get((name - self.starts[log].1) as usize)?;
        match &name.text {
            Some(text) => Some(Cow::Borrowed(&**text)),
            None if name.tree == NO_OBJECT => None,
            None => {
                let (_, tree) = objects.read(objects.id(name.tree)).ok()?;
                super::tree::name_at(&tree, name.start as usize).map(|name| Cow::Owned(name.to_vec()))
            }
        }
    }

    /// Every distinct name that was read in this run.
    pub(super) fn names(&self) -> BTreeSet<&[u8]> {
        self.logs.iter().flat_map(|log| &log.names).filter_map(|name| name.text.as_deref()).collect()
    }

    /// What trees name so, by name; a name that was not read in this run is not looked for.
    pub(super) fn named<'a>(&self, names: &HashSet<&'a [u8]>) -> HashMap<&'a [u8], BTreeSet<Number>> {
        let mut named: HashMap<&[u8], BTreeSet<Number>> = HashMap::new();
        for log in &self.logs {
            let wanted: HashMap<NameId, &'a [u8]> =
                names.iter().filter_map(|&name| Some((*log.name_ids.get(name)?, name))).collect();
            for part in &log.parts {
                if let Read::New { child, name, .. } = part.read()
                    && let Some(name) = wanted.get(&name)
                    && child != NO_OBJECT
                {
                    named.entry(name).or_default().insert(child);
                }
            }
        }
        named
    }

    /// What is to be stored of the trees with these numbers; `local` tells how an object, a tree or not, stands there.
    pub(super) fn stored(
        &self,
        numbers: Range<Number>,
        mut local: impl FnMut(Number, bool) -> u32,
    ) -> Stored {
        let mut stored = Stored::default();
        for log in &self.logs {
            let first_name = stored.names.len() as NameId;
            let mut names: HashMap<NameId, NameId, RandomState> = HashMap::default();
            for (at, logged) in
                log.trees.iter().enumerate().filter(|(_, logged)| numbers.contains(&logged.tree))
            {
                for part in log.parts_of(at) {
                    let (first, second) = match part.read() {
                        Read::Copied(_) => (part.first, part.second),
                        Read::New { child, is_tree, name } => {
                            let next = first_name + names.len() as NameId;
                            let name_id = *names.entry(name).or_insert_with(|| {
                                let Name { tree, start, .. } = &log.names[name as usize];
                                stored.names.push([local(*tree, true), *start]);
                                next
                            });
                            let kind = if is_tree { Part::TREE } else { 0 };
                            (local(child, is_tree) | kind, name_id)
                        }
                    };
                    stored.parts.push([first, second]);
                }
                let base = if logged.base == NO_OBJECT { NO_BASE } else { local(logged.base, true) };
                stored.trees.push([local(logged.tree, true), base, stored.parts.len() as u32]);
            }
        }
        stored
    }

    /// Every entry that leads to an object for which `is_wanted` says yes, directly or through other trees, with the tree that
    /// it stands in. Numbers are below `numbers`.
    pub(super) fn edges_to(&self, is_wanted: impl Fn(Number) -> bool, numbers: usize) -> Vec<Edge> {
        let mut search = Search::new(self, &is_wanted, numbers);
        let mut found = 0;
        // One pass is enough, but where a tree's base names it: only a forged pack goes in circles more than once.
        for _ in 0..MAX_PASSES {
            search.pass();
            let before = std::mem::replace(&mut found, search.count());
            if !search.has_circle || found == before {
                break;
            }
        }
        let edges = (0..self.count).flat_map(|at| {
            let parent = self.tree(at).0.tree;
            let edge = move |held: &Held| Edge { parent, child: held.child, name: held.name };
            search.held_by(at).iter().map(edge)
        });
        edges.collect()
    }

    /// A tree with its parts, and the first name of its log.
    fn tree(&self, at: u32) -> (&Logged, &[Part], NameId) {
        // There are as many logs as threads.
        let log = self.starts.iter().rposition(|&(first, _)| first <= at).unwrap_or(0);
        let (first, names) = self.starts[log];
        let at = (at - first) as usize;
        (&self.logs[log].trees[at], self.logs[log].parts_of(at), names)
    }
}

/// No base, where trees are stored.
const NO_BASE: u32 = u32::MAX;

/// A log as it is stored: trees with their bases and ends of parts, parts, and where names stand.
#[derive(Debug, Default)]
pub(super) struct Stored {
    trees: Vec<[u32; 3]>,
    parts: Vec<[u32; 2]>,
    names: Vec<[u32; 2]>,
}

impl Stored {
    pub(super) fn encode(&self, word: &mut impl FnMut(u32)) {
        word(self.trees.len() as u32);
        self.trees.iter().flatten().copied().for_each(&mut *word);
        word(self.parts.len() as u32);
        self.parts.iter().flatten().copied().for_each(&mut *word);
        word(self.names.len() as u32);
        self.names.iter().flatten().copied().for_each(&mut *word);
    }

    /// `None` where it makes no sense.
    pub(super) fn decode(words: &mut Words<'_>) -> Option<Self> {
        fn list<const N: usize>(words: &mut Words<'_>) -> Option<Vec<[u32; N]>> {
            let mut list = Vec::new();
            for _ in 0..words.next()? {
                let mut item = [0; N];
                for value in &mut item {
                    *value = words.next()?;
                }
                list.push(item);
            }
            Some(list)
        }
        let stored = Self { trees: list(words)?, parts: list(words)?, names: list(words)? };
        let last_end = stored.trees.last().map_or(0, |[_, _, end]| *end);
        let is_sound = stored.trees.iter().is_sorted_by_key(|[_, _, end]| *end)
            && last_end as usize == stored.parts.len();
        is_sound.then_some(stored)
    }
}

/// An entry that leads to a wanted object.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// Its place among the tree's entries.
    place: u32,
    child: Number,
    name: NameId,
}

/// Which entries of which trees lead to a wanted object. What a tree holds follows from its base and from the trees that it
/// names, so those come first.
struct Search<'a, F> {
    trees: &'a Trees,
    is_wanted: &'a F,
    /// For each object its place in the log, where it is a tree.
    places: Vec<u32>,
    held: Vec<Held>,
    /// The part of `held` that each tree has; another pass gives it another.
    ranges: Vec<Range<u32>>,
    has_circle: bool,
}

/// How often trees that build on each other in a circle are gone over.
const MAX_PASSES: usize = 16;

/// Not in the log.
const NOWHERE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Untouched,
    Waiting,
    Done,
}

impl<'a, F: Fn(Number) -> bool> Search<'a, F> {
    fn new(trees: &'a Trees, is_wanted: &'a F, numbers: usize) -> Self {
        let mut places = vec![NOWHERE; numbers];
        for at in 0..trees.count {
            if let Some(place) = places.get_mut(trees.tree(at).0.tree as usize) {
                *place = at;
            }
        }
        let ranges = vec![0..0; trees.count as usize];
        Self { trees, is_wanted, places, held: Vec::new(), ranges, has_circle: false }
    }

    fn place(&self, tree: Number) -> Option<u32> {
        self.places.get(tree as usize).copied().filter(|&place| place != NOWHERE)
    }

    fn held_by(&self, at: u32) -> &[Held] {
        let range = &self.ranges[at as usize];
        &self.held[range.start as usize..range.end as usize]
    }

    fn count(&self) -> usize {
        self.ranges.iter().map(|range| (range.end - range.start) as usize).sum()
    }

    /// Goes over all trees. Without recursion: chains and folders can be thousands deep.
    fn pass(&mut self) {
        let mut states = vec![State::Untouched; self.trees.count as usize];
        let mut stack = Vec::new();
        for at in 0..self.trees.count {
            stack.push(at);
            while let Some(&at) = stack.last() {
                match states[at as usize] {
                    State::Untouched => {
                        states[at as usize] = State::Waiting;
                        self.wait_for(at, &states, &mut stack);
                    }
                    State::Waiting => {
                        self.gather(at);
                        states[at as usize] = State::Done;
                        stack.pop();
                    }
                    State::Done => {
                        stack.pop();
                    }
                }
            }
        }
    }

    /// Puts the trees on the stack on which this one depends.
    fn wait_for(&mut self, at: u32, states: &[State], stack: &mut Vec<u32>) {
        let (logged, parts, _) = self.trees.tree(at);
        let children = parts.iter().filter_map(|part| match part.read() {
            Read::New { child, is_tree: true, .. } => Some(child),
            Read::New { .. } | Read::Copied(_) => None,
        });
        let mut has_circle = false;
        for place in std::iter::once(logged.base).chain(children).filter_map(|tree| self.place(tree)) {
            match states[place as usize] {
                State::Untouched => stack.push(place),
                State::Waiting => has_circle = true,
                State::Done => {}
            }
        }
        self.has_circle |= has_circle;
    }

    fn gather(&mut self, at: u32) {
        let start = self.held.len() as u32;
        let (logged, parts, names) = self.trees.tree(at);
        let base = self.place(logged.base).map_or(0..0, |base| {
            let range = &self.ranges[base as usize];
            range.start as usize..range.end as usize
        });
        let mut place = 0;
        for part in parts {
            match part.read() {
                Read::Copied(entries) => {
                    let skipped = self.held[base.clone()].partition_point(|held| held.place < entries.start);
                    for held in base.start + skipped..base.end {
                        let held = self.held[held];
                        if held.place >= entries.end {
                            break;
                        }
                        self.held.push(Held { place: held.place - entries.start + place, ..held });
                    }
                    place += entries.end - entries.start;
                }
                Read::New { child, is_tree, name } => {
                    let leads = (self.is_wanted)(child)
                        || (is_tree
                            && self.place(child).is_some_and(|child| !self.held_by(child).is_empty()));
                    if leads {
                        self.held.push(Held { place, child, name: name + names });
                    }
                    place += 1;
                }
            }
        }
        self.ranges[at as usize] = start..self.held.len() as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a tree is made of: entries of its base, a blob, or a tree.
    enum Made {
        Copied(Range<u32>),
        Blob(Number),
        Tree(Number),
    }
    use Made::{Blob, Copied, Tree};

    fn log(trees: Vec<(Number, Option<Number>, Vec<Made>)>) -> TreeLog {
        let mut log = TreeLog::default();
        for (tree, base, parts) in trees {
            for part in parts {
                let (child, is_tree) = match part {
                    Copied(entries) => {
                        log.copied(entries);
                        continue;
                    }
                    Blob(child) => (child, false),
                    Tree(child) => (child, true),
                };
                let part = log.entry(tree, 0, format!("name-{child}").as_bytes());
                log.set_child(part, child, is_tree);
            }
            log.finish(tree, base);
        }
        log
    }

    fn edges(trees: &Trees, wanted: Number) -> Vec<(Number, Number)> {
        let edges = trees.edges_to(|number| number == wanted, 100);
        for edge in &edges {
            let name =
                &trees.logs.iter().flat_map(|log| &log.names).nth(edge.name as usize).expect("a name").text;
            assert_eq!(name.as_deref(), Some(format!("name-{}", edge.child).as_bytes()));
        }
        let mut edges: Vec<_> = edges.into_iter().map(|edge| (edge.parent, edge.child)).collect();
        edges.sort_unstable();
        edges
    }

    #[test]
    fn copied_entries_lead_where_the_base_s_do() {
        let trees = Trees::new(vec![
            // Logged before the trees on which it depends, and by another thread.
            log(vec![(12, Some(11), vec![Blob(4), Copied(1..3)]), (20, None, vec![Tree(12)])]),
            log(vec![
                (10, None, vec![Blob(1), Blob(2), Blob(3)]),
                (11, Some(10), vec![Copied(0..1), Blob(5), Copied(2..3)]),
                (21, Some(20), vec![Tree(11)]),
            ]),
        ]);
        assert_eq!(edges(&trees, 3), [(10, 3), (11, 3), (12, 3), (20, 12), (21, 11)]);
        assert_eq!(edges(&trees, 1), [(10, 1), (11, 1), (21, 11)]);
        assert_eq!(edges(&trees, 2), [(10, 2)]);
        assert_eq!(edges(&trees, 9), []);
    }

    #[test]
    fn a_tree_may_build_on_one_that_names_it() {
        let trees = vec![(11, Some(10), vec![Copied(1..2)]), (10, None, vec![Tree(11), Blob(1)])];
        assert_eq!(edges(&Trees::new(vec![log(trees)]), 1), [(10, 1), (10, 11), (11, 1)]);
    }

    #[test]
    fn a_damaged_tree_leaves_nothing_behind() {
        let mut log = log(vec![(10, None, vec![Blob(1)])]);
        let cut = log.entry(11, 0, b"cut");
        assert!(log.has(cut));
        log.abandon();
        assert!(!log.has(cut));
        let whole = log.entry(11, 0, b"name-1");
        log.set_child(whole, 1, false);
        log.finish(11, None);
        assert_eq!(edges(&Trees::new(vec![log]), 1), [(10, 1), (11, 1)]);
    }
}
