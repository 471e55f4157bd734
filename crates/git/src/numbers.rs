//! A number for each object: what is kept of millions of them has to be small, and a look-up by id has to cost one step, not
//! the dozen of a binary search.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

/// An object's number: its place among the entries of all packs' indexes, then among the loose objects.
pub(super) type Number = u32;

/// No object: stands where one is named that is not there, or is of another repository.
pub(super) const NO_OBJECT: Number = Number::MAX;

/// Finds the numbers of ids. The ids themselves stay where they are; every call is told how to get at them. Hashed with a
/// seed of its own: a forged pack chooses its ids.
#[derive(Debug)]
pub(super) struct Numbers {
    slots: Vec<Slot>,
    hasher: RandomState,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// A part of the id's hash, so that other ids are seldom looked at.
    tag: u32,
    number: Number,
}

const EMPTY: Slot = Slot { tag: 0, number: NO_OBJECT };

impl Numbers {
    /// Room for `objects`, half of it left free.
    pub(super) fn with_room_for(objects: usize) -> Self {
        let slots = (objects.max(1) * 2).next_power_of_two();
        Self { slots: vec![EMPTY; slots], hasher: RandomState::default() }
    }

    /// The number of `id`.
    pub(super) fn find<'a>(&self, id: &gix::oid, id_of: impl Fn(Number) -> &'a gix::oid) -> Option<Number> {
        let number = self.slots[self.slot_for(id, id_of).0].number;
        (number != NO_OBJECT).then_some(number)
    }

    /// The numbers of `ids`, in their order. Much faster than one after the other: each look-up waits for memory that is far
    /// away, and these wait together.
    pub(super) fn find_all<'a, 'b>(
        &self,
        ids: impl Iterator<Item = &'b gix::oid> + Clone,
        id_of: impl Fn(Number) -> &'a gix::oid,
        numbers: &mut Vec<Option<Number>>,
    ) {
        let last = self.slots.len() - 1;
        let first_slots: Vec<(u32, Slot)> = ids
            .clone()
            .map(|id| self.hasher.hash_one(id.as_bytes()))
            .map(|hash| ((hash >> 32) as u32, self.slots[hash as usize & last]))
            .collect();
        numbers.clear();
        numbers.extend(ids.zip(first_slots).map(|(id, (tag, slot))| {
            let is_here = slot.number != NO_OBJECT && slot.tag == tag && id_of(slot.number) == id;
            if is_here { Some(slot.number) } else { self.find(id, &id_of) }
        }));
    }

    /// Gives `id` a number, unless it has one: then that is returned. There has to be room.
    pub(super) fn insert<'a>(
        &mut self,
        id: &gix::oid,
        number: Number,
        id_of: impl Fn(Number) -> &'a gix::oid,
    ) -> Option<Number> {
        let (slot, tag) = self.slot_for(id, id_of);
        let slot = &mut self.slots[slot];
        if slot.number != NO_OBJECT {
            return Some(slot.number);
        }
        *slot = Slot { tag, number };
        None
    }

    /// The slot of `id`, or the free one for it, and its tag.
    fn slot_for<'a>(&self, id: &gix::oid, id_of: impl Fn(Number) -> &'a gix::oid) -> (usize, u32) {
        let hash = self.hasher.hash_one(id.as_bytes());
        let tag = (hash >> 32) as u32;
        let last = self.slots.len() - 1;
        let mut at = hash as usize & last;
        loop {
            let slot = self.slots[at];
            if slot.number == NO_OBJECT || (slot.tag == tag && id_of(slot.number) == id) {
                return (at, tag);
            }
            at = (at + 1) & last;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_their_first_number() {
        let ids: Vec<gix::ObjectId> = (0..1000u32)
            .map(|number| {
                let bytes: Vec<u8> = (0..5).flat_map(|_| number.to_be_bytes()).collect();
                gix::ObjectId::from_bytes_or_panic(&bytes)
            })
            .collect();
        let id_of = |number: Number| &*ids[number as usize];
        let mut numbers = Numbers::with_room_for(ids.len());
        for (id, number) in ids.iter().zip(0..).take(900) {
            assert_eq!(numbers.insert(id, number, id_of), None);
        }
        assert_eq!(numbers.insert(&ids[7], 950, id_of), Some(7));
        for (id, number) in ids.iter().zip(0..) {
            assert_eq!(numbers.find(id, id_of), (number < 900).then_some(number));
        }
        let mut all = Vec::new();
        numbers.find_all(ids.iter().map(|id| &**id), id_of, &mut all);
        let expected: Vec<_> = (0..1000).map(|number| (number < 900).then_some(number)).collect();
        assert_eq!(all, expected);
    }
}
