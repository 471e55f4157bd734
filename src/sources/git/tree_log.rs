//! What every tree names, noted while the packs are walked: so that the way from a blob up to the commits that had it needs no
//! second walk.
//!
//! Most of a tree is a copy of another one, and the log says so: a tree costs a few numbers more than its base.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::RandomState;

use super::numbers::{NO_OBJECT, Number};

/// A file name, by its place among all that were noted.
pub(super) type NameId = u32;

/// The entries of trees.
#[derive(Debug, Default)]
pub(super) struct TreeLog {
    trees: Vec<Logged>,
    parts: Vec<Part>,
    names: Vec<Box<[u8]>>,
    name_ids: HashMap<Box<[u8]>, NameId, RandomState>,
}

#[derive(Debug, Clone, Copy)]
struct Logged {
    tree: Number,
    /// The tree in which copied parts lie.
    base: Number,
    /// Where its parts end; they begin where those of the tree before end.
    parts_end: usize,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    /// These entries of the base.
    Copied { first: u32, end: u32 },
    /// An entry that the base has not.
    New { child: Number, name: NameId },
}

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
        self.parts.push(Part::Copied { first: entries.start, end: entries.end });
    }

    /// Notes the next entry of the tree at hand.
    pub(super) fn entry(&mut self, child: Number, name: &[u8]) {
        let name = match self.name_ids.get(name) {
            Some(&known) => known,
            None => {
                let new = self.names.len() as NameId;
                self.names.push(name.into());
                self.name_ids.insert(name.into(), new);
                new
            }
        };
        self.parts.push(Part::New { child, name });
    }

    /// The tree at hand is read to its end.
    pub(super) fn finish(&mut self, tree: Number, base: Option<Number>) {
        self.trees.push(Logged { tree, base: base.unwrap_or(NO_OBJECT), parts_end: self.parts.len() });
    }

    /// The tree at hand is damaged: what was noted of it is forgotten.
    pub(super) fn abandon(&mut self) {
        self.parts.truncate(self.trees.last().map_or(0, |last| last.parts_end));
    }

    /// Adds what another walker noted.
    pub(super) fn append(&mut self, other: Self) {
        let (parts, names) = (self.parts.len(), self.names.len() as NameId);
        let moved = |tree: Logged| Logged { parts_end: tree.parts_end + parts, ..tree };
        self.trees.extend(other.trees.into_iter().map(moved));
        self.parts.extend(other.parts.into_iter().map(|part| match part {
            Part::New { child, name } => Part::New { child, name: name + names },
            copied @ Part::Copied { .. } => copied,
        }));
        self.names.extend(other.names);
    }

    /// The text of a name.
    pub(super) fn name(&self, name: NameId) -> &[u8] {
        &self.names[name as usize]
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
        let edges = (0..self.trees.len()).flat_map(|at| {
            search.held_by(at as u32).iter().filter_map(move |held| match self.parts[held.part as usize] {
                Part::New { child, name } => Some(Edge { parent: self.trees[at].tree, child, name }),
                Part::Copied { .. } => None,
            })
        });
        edges.collect()
    }

    fn parts_of(&self, at: u32) -> Range<usize> {
        let start = (at as usize).checked_sub(1).map_or(0, |before| self.trees[before].parts_end);
        start..self.trees[at as usize].parts_end
    }
}

/// An entry that leads to a wanted object.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// Its place among the tree's entries.
    place: u32,
    /// Where it was noted, in this tree or one that this one copied it from.
    part: u32,
}

/// Which entries of which trees lead to a wanted object. What a tree holds follows from its base and from the trees that it
/// names, so those come first.
struct Search<'a, F> {
    log: &'a TreeLog,
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
    fn new(log: &'a TreeLog, is_wanted: &'a F, numbers: usize) -> Self {
        let mut places = vec![NOWHERE; numbers];
        for (logged, at) in log.trees.iter().zip(0..) {
            if let Some(place) = places.get_mut(logged.tree as usize) {
                *place = at;
            }
        }
        let ranges = vec![0..0; log.trees.len()];
        Self { log, is_wanted, places, held: Vec::new(), ranges, has_circle: false }
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
        let mut states = vec![State::Untouched; self.log.trees.len()];
        let mut stack = Vec::new();
        for at in 0..self.log.trees.len() as u32 {
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
        let base = self.log.trees[at as usize].base;
        let children = self.log.parts[self.log.parts_of(at)].iter().filter_map(|part| match part {
            Part::New { child, .. } => Some(*child),
            Part::Copied { .. } => None,
        });
        let mut has_circle = false;
        for place in std::iter::once(base).chain(children).filter_map(|tree| self.place(tree)) {
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
        let base = self.place(self.log.trees[at as usize].base);
        let base = base.map_or(0..0, |base| {
            let range = &self.ranges[base as usize];
            range.start as usize..range.end as usize
        });
        let mut place = 0;
        for part in self.log.parts_of(at) {
            match self.log.parts[part] {
                Part::Copied { first, end } => {
                    let skipped = self.held[base.clone()].partition_point(|held| held.place < first);
                    for held in base.start + skipped..base.end {
                        let held = self.held[held];
                        if held.place >= end {
                            break;
                        }
                        self.held.push(Held { place: held.place - first + place, part: held.part });
                    }
                    place += end - first;
                }
                Part::New { child, .. } => {
                    let leads = child != NO_OBJECT
                        && ((self.is_wanted)(child)
                            || self.place(child).is_some_and(|child| !self.held_by(child).is_empty()));
                    if leads {
                        self.held.push(Held { place, part: part as u32 });
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

    /// A tree with its base and parts; `None` stands for a copied range.
    fn log(trees: &[(Number, Option<Number>, &[(Option<Range<u32>>, Number)])]) -> TreeLog {
        let mut log = TreeLog::default();
        for (tree, base, parts) in trees {
            for (copied, child) in *parts {
                match copied {
                    Some(range) => log.copied(range.clone()),
                    None => log.entry(*child, format!("name-{child}").as_bytes()),
                }
            }
            log.finish(*tree, *base);
        }
        log
    }

    fn edges(log: &TreeLog, wanted: Number) -> Vec<(Number, Number)> {
        let mut edges: Vec<_> = log
            .edges_to(|number| number == wanted, 100)
            .into_iter()
            .map(|edge| (edge.parent, edge.child))
            .collect();
        edges.sort_unstable();
        edges
    }

    #[test]
    fn copied_entries_lead_where_the_base_s_do() {
        let log = log(&[
            // Logged before the trees on which it depends, as threads do.
            (12, Some(11), &[(None, 4), (Some(1..3), 0)]),
            (10, None, &[(None, 1), (None, 2), (None, 3)]),
            (11, Some(10), &[(Some(0..1), 0), (None, 5), (Some(2..3), 0)]),
            (20, None, &[(None, 12)]),
            (21, Some(20), &[(None, 11)]),
        ]);
        assert_eq!(edges(&log, 3), [(10, 3), (11, 3), (12, 3), (20, 12), (21, 11)]);
        assert_eq!(edges(&log, 1), [(10, 1), (11, 1), (21, 11)]);
        assert_eq!(edges(&log, 2), [(10, 2)]);
        assert_eq!(edges(&log, 9), []);
    }

    #[test]
    fn a_tree_may_build_on_one_that_names_it() {
        let log = log(&[(11, Some(10), &[(Some(1..2), 0)]), (10, None, &[(None, 11), (None, 1)])]);
        assert_eq!(edges(&log, 1), [(10, 1), (10, 11), (11, 1)]);
    }

    #[test]
    fn a_damaged_tree_leaves_nothing_behind() {
        let mut log = log(&[(10, None, &[(None, 1)])]);
        log.entry(2, b"cut");
        log.abandon();
        log.entry(1, b"whole");
        log.finish(11, None);
        assert_eq!(edges(&log, 2), []);
        assert_eq!(edges(&log, 1), [(10, 1), (11, 1)]);
    }
}
