//! The walk over all entries, or over some: every base before what derives from it, on all threads.

use std::sync::Arc;

use gix::objs::Kind;

use crate::numbers::Number;
use keysieve_model::chunk::Derivation;

use super::entry::Scratch;
use super::forest::Base;
use super::{PackVisitor, PackedObject, Packs};

/// A walk is cut into about this many tasks a thread, of at least this many objects each.
const TASKS_PER_THREAD: usize = 256;
const MIN_TASK_OBJECTS: usize = 64;

/// Which entries a walk hands over, and which it has to make for that.
#[derive(Debug)]
pub(crate) struct Selection {
    handed: Vec<bool>,
    needed: Vec<bool>,
}

impl Packs {
    /// Selects all blobs, to be made and not handed over.
    pub(crate) fn select_blobs(&self) -> Selection {
        let mut needed = vec![false; self.len()];
        let is_blob = |entry: &u32| self.forest.bases[*entry as usize] == Base::Whole(Kind::Blob);
        let mut stack: Vec<u32> = (0..self.len() as u32).filter(is_blob).collect();
        while let Some(entry) = stack.pop() {
            needed[entry as usize] = true;
            stack.extend_from_slice(self.forest.children_of(entry));
        }
        Selection { handed: vec![false; self.len()], needed }
    }

    /// Selects the given objects of packs that have a list, and everything of the others.
    pub(crate) fn select(&self, lists: &[Option<Vec<Number>>]) -> Selection {
        let mut selection = self.nothing();
        for (pack, list) in self.packs.iter().zip(lists) {
            match list {
                None => self.add(pack.first..pack.first + pack.entries.len() as u32, &mut selection),
                Some(numbers) => self.add(self.entries_of(numbers.iter().copied()), &mut selection),
            }
        }
        selection
    }

    /// Selects the objects with these numbers; there have to be such.
    pub(crate) fn select_numbers(&self, numbers: impl Iterator<Item = Number>) -> Selection {
        let mut selection = self.nothing();
        self.add(self.entries_of(numbers), &mut selection);
        selection
    }

    fn nothing(&self) -> Selection {
        Selection { handed: vec![false; self.len()], needed: vec![false; self.len()] }
    }

    fn entries_of(&self, numbers: impl Iterator<Item = Number>) -> impl Iterator<Item = u32> {
        numbers.filter_map(|number| {
            let pack = self.pack_of(number);
            pack.entry_at(pack.index.offset(number - pack.first))
        })
    }

    /// Selects entries, and what they are made from.
    fn add(&self, entries: impl Iterator<Item = u32>, selection: &mut Selection) {
        for entry in entries {
            selection.handed[entry as usize] = true;
            let mut next = Some(entry);
            while let Some(entry) = next.filter(|&entry| !selection.needed[entry as usize]) {
                selection.needed[entry as usize] = true;
                next = match self.forest.bases[entry as usize] {
                    Base::Entry(base) => Some(base),
                    _ => None,
                };
            }
        }
    }

    /// Hands every object to `visitor`, each base before what derives from it, on all threads of the current pool. An object in
    /// several packs is handed over once for each. With a `selection`, only what it selects.
    pub(crate) fn walk<V: PackVisitor>(&self, visitor: &V, selection: Option<&Selection>) {
        let split =
            (self.len() / (TASKS_PER_THREAD * rayon::current_num_threads())).max(MIN_TASK_OBJECTS) as u32;
        let is_needed = |entry: &u32| selection.is_none_or(|selection| selection.needed[*entry as usize]);
        let mut roots: Vec<u32> = (0..self.forest.len() as u32)
            .filter(is_needed)
            .filter(|&entry| !matches!(self.forest.bases[entry as usize], Base::Entry(_)))
            .collect();
        let heavy: Vec<u32> =
            roots.extract_if(.., |entry| self.forest.weights[*entry as usize] > split).collect();
        let walk = &Walk { packs: self, visitor, selection, split };
        // The heavy ones first; the light ones in the order of the pack, many to a task.
        rayon::scope(|scope| {
            for entry in heavy {
                scope.spawn(move |scope| walk.root(scope, entry, &mut Scratch::new()));
            }
            for batch in roots.chunks(split as usize) {
                let batch = batch.to_vec();
                scope.spawn(move |scope| {
                    let mut scratch = Scratch::new();
                    batch.iter().for_each(|&entry| walk.root(scope, entry, &mut scratch));
                });
            }
        });
    }
}

/// An object that others derive from, kept until the last of them is made.
struct Node<M> {
    bytes: Vec<u8>,
    memo: Option<M>,
}

struct Walk<'p, V: PackVisitor> {
    packs: &'p Packs,
    visitor: &'p V,
    selection: Option<&'p Selection>,
    split: u32,
}

impl<V: PackVisitor> Walk<'_, V> {
    fn root<'s>(&'s self, scope: &rayon::Scope<'s>, entry: u32, scratch: &mut Scratch) {
        match self.packs.forest.bases[entry as usize] {
            Base::Whole(kind) => self.tree(scope, kind, entry, None, scratch),
            Base::Elsewhere(id) => match self.visitor.elsewhere(&id) {
                Some((kind, bytes)) => {
                    self.tree(scope, kind, entry, Some(Arc::new(Node { bytes, memo: None })), scratch);
                }
                None => self.fail_below(entry, &format!("its delta's base {id} is not in the repository")),
            },
            Base::Broken(why) => {
                if let Some((kind, node)) = self.rescue(entry, why) {
                    let base = Arc::new(node);
                    for &child in self.packs.forest.children_of(entry) {
                        self.tree(scope, kind, child, Some(Arc::clone(&base)), scratch);
                    }
                }
            }
            Base::Entry(_) => {}
        }
    }

    /// Walks the tree of deltas below `root`, the lightest branch first, so that few objects are held at a time: one for
    /// each halving of what is left.
    fn tree<'s>(
        &'s self,
        scope: &rayon::Scope<'s>,
        kind: Kind,
        root: u32,
        base: Option<Arc<Node<V::Memo>>>,
        scratch: &mut Scratch,
    ) {
        let mut stack = vec![(root, base)];
        while let Some((entry, base)) = stack.pop() {
            let made = self.make(kind, entry, base.as_deref(), scratch);
            if let Some(node) = base.and_then(Arc::into_inner) {
                scratch.recycle(node.bytes);
            }
            let node = match made {
                Ok(node) => node,
                Err(why) => match self.rescue(entry, &why) {
                    Some((_, node)) => node,
                    None => continue,
                },
            };
            let mut children = self.packs.forest.children_of(entry).to_vec();
            if let Some(selection) = self.selection {
                children.retain(|&child| selection.needed[child as usize]);
            }
            if children.is_empty() {
                scratch.recycle(node.bytes);
                continue;
            }
            // Pushed last, popped first: the heaviest is made last, when its base is needed no more.
            children
                .sort_unstable_by_key(|&child| std::cmp::Reverse(self.packs.forest.weights[child as usize]));
            let node = Arc::new(node);
            for (position, child) in children.into_iter().enumerate() {
                let base = Some(Arc::clone(&node));
                if position > 0 && self.packs.forest.weights[child as usize] > self.split {
                    scope.spawn(move |scope| self.tree(scope, kind, child, base, &mut Scratch::new()));
                } else {
                    stack.push((child, base));
                }
            }
        }
    }

    fn make(
        &self,
        kind: Kind,
        entry: u32,
        base: Option<&Node<V::Memo>>,
        scratch: &mut Scratch,
    ) -> Result<Node<V::Memo>, String> {
        let mut bytes = scratch.spare.pop().unwrap_or_default();
        self.packs.make(kind, entry, base.map(|base| base.bytes.as_slice()), scratch, &mut bytes)?;
        if self.selection.is_some_and(|selection| !selection.handed[entry as usize]) {
            return Ok(Node { bytes, memo: None });
        }
        let derivation = base
            .filter(|base| base.memo.is_some())
            .map(|base| Derivation { base: &base.bytes, copies: &scratch.delta.copies });
        let number = self.packs.number(entry);
        let id = self.packs.id_of(number).to_owned();
        let object = PackedObject { id, number, kind, bytes: &bytes, derivation };
        let memo = self.visitor.object(&object, base.and_then(|base| base.memo.as_ref()));
        Ok(Node { bytes, memo })
    }

    /// The object of an entry that cannot be made, from another copy of it: what derives from it need not be lost.
    fn rescue(&self, entry: u32, why: &str) -> Option<(Kind, Node<V::Memo>)> {
        let copy = self.visitor.elsewhere(&self.packs.id(entry));
        match copy {
            Some((kind, bytes)) => {
                self.fail(entry, why);
                Some((kind, Node { bytes, memo: None }))
            }
            None => {
                self.fail_below(entry, why);
                None
            }
        }
    }

    fn fail(&self, entry: u32, why: &str) {
        self.visitor.failed(self.packs.id(entry), why.to_owned());
    }

    /// An entry that cannot be made takes with it all that derive from it.
    fn fail_below(&self, entry: u32, why: &str) {
        self.fail(entry, why);
        let broken = self.packs.id(entry);
        let mut stack = self.packs.forest.children_of(entry).to_vec();
        while let Some(entry) = stack.pop() {
            self.fail(entry, &format!("its delta builds on {broken}, which cannot be read"));
            stack.extend_from_slice(self.packs.forest.children_of(entry));
        }
    }
}
