//! Which entry is a delta of which: a forest, whose roots are stored whole or build on an object that is in no pack.

use gix::ObjectId;
use gix::hash::Kind as HashKind;
use gix::objs::Kind;
use gix::odb::pack;
use gix::odb::pack::data::entry::Header;

use super::stored::Pack;

/// What an entry is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    /// Nothing: it is stored whole.
    Whole(Kind),
    /// Another entry.
    Entry(u32),
    /// An object that is in no pack.
    Elsewhere(ObjectId),
    /// Its header cannot be read, or names an entry that is not there.
    Broken(&'static str),
}

/// Which entries build on which.
pub(super) struct Forest {
    pub(super) bases: Vec<Base>,
    /// The children of entry `e` are `children[child_starts[e]..child_starts[e + 1]]`.
    child_starts: Vec<u32>,
    children: Vec<u32>,
    /// How many entries hang below each, itself included; 0 where no root leads to it.
    pub(super) weights: Vec<u32>,
}

impl Forest {
    /// The forest of all entries.
    pub(super) fn of(packs: &[Pack], hash: HashKind) -> Self {
        let bases = bases(packs, hash);
        let (child_starts, children) = children(&bases);
        let weights = weights(&bases, &child_starts, &children);
        Self { bases, child_starts, children, weights }
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.bases.len()
    }

    /// The entries that are made from this one.
    pub(super) fn children_of(&self, entry: u32) -> &[u32] {
        let entry = entry as usize;
        &self.children[self.child_starts[entry] as usize..self.child_starts[entry + 1] as usize]
    }
}

fn bases(packs: &[Pack], hash: HashKind) -> Vec<Base> {
    use rayon::prelude::*;
    let of = |pack: &Pack, slot: usize| {
        let Some(rest) = pack.rest(slot) else {
            return Base::Broken("the pack ends before it");
        };
        let offset = pack.entries[slot].0;
        let Ok(entry) = pack::data::Entry::from_bytes(rest, offset, hash) else {
            return Base::Broken("its header in the pack is damaged");
        };
        match entry.header {
            Header::Commit => Base::Whole(Kind::Commit),
            Header::Tree => Base::Whole(Kind::Tree),
            Header::Blob => Base::Whole(Kind::Blob),
            Header::Tag => Base::Whole(Kind::Tag),
            Header::OfsDelta { base_distance } => {
                offset.checked_sub(base_distance).and_then(|base| pack.entry_at(base)).map_or(
                    Base::Broken("its delta builds on a place in the pack where no object begins"),
                    Base::Entry,
                )
            }
            Header::RefDelta { base_id } => std::iter::once(pack)
                .chain(packs)
                .find_map(|pack| pack.entry_at(pack.index.offset(pack.index.find(&base_id).next()?)))
                .map_or(Base::Elsewhere(base_id), Base::Entry),
        }
    };
    packs
        .iter()
        .flat_map(|pack| {
            (0..pack.entries.len()).into_par_iter().map(|slot| of(pack, slot)).collect::<Vec<_>>()
        })
        .collect()
}

fn children(bases: &[Base]) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0u32; bases.len() + 1];
    let parent = |base: &Base| {
        if let Base::Entry(parent) = base { Some(*parent as usize) } else { None }
    };
    bases.iter().filter_map(parent).for_each(|parent| starts[parent + 1] += 1);
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut next = starts.clone();
    let mut children = vec![0u32; *starts.last().unwrap_or(&0) as usize];
    for (entry, base) in bases.iter().enumerate() {
        if let Some(parent) = parent(base) {
            children[next[parent] as usize] = entry as u32;
            next[parent] += 1;
        }
    }
    (starts, children)
}

/// The number of entries below each, itself included; 0 where no root leads to it.
fn weights(bases: &[Base], starts: &[u32], children: &[u32]) -> Vec<u32> {
    let mut order: Vec<u32> =
        (0..bases.len() as u32).filter(|&entry| !matches!(bases[entry as usize], Base::Entry(_))).collect();
    let mut at = 0;
    while let Some(&entry) = order.get(at) {
        let entry = entry as usize;
        order.extend_from_slice(&children[starts[entry] as usize..starts[entry + 1] as usize]);
        at += 1;
    }
    let mut weights = vec![0u32; bases.len()];
    for &entry in order.iter().rev() {
        weights[entry as usize] += 1;
        if let Base::Entry(parent) = bases[entry as usize] {
            weights[parent as usize] += weights[entry as usize];
        }
    }
    weights
}
