//! Tree objects: `mode SP name NUL id`, over and over. Trees are most of what a history's walk parses, and most of a tree was
//! in its delta's base: there, entries are parsed only where something changed.

use std::ops::Range;

use gix::hash::Kind as HashKind;

use crate::chunk::Derivation;

/// An entry of a tree.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    /// Where the entry lies in the tree's bytes.
    pub(super) range: Range<usize>,
    pub(super) name: &'a [u8],
    pub(super) id: &'a gix::oid,
    pub(super) kind: EntryKind,
}

/// What an entry names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    Blob,
    Tree,
    /// A commit of another repository.
    Submodule,
}

/// The bytes of a tree are damaged.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Damaged;

/// Where the entries of a tree begin, for the trees derived from it. `M` is what a walk remembers of some of them, by where
/// they begin.
#[derive(Debug)]
pub(super) struct TreeMemo<M> {
    starts: Vec<u32>,
    /// Sorted by where the entry begins.
    pub(super) noted: Vec<(u32, M)>,
}

impl<M> Default for TreeMemo<M> {
    fn default() -> Self {
        Self { starts: Vec::new(), noted: Vec::new() }
    }
}

/// Parses a tree, calling `note` for each entry that was not in the base; what it returns is remembered, and carried over to
/// derived trees that copied the entry.
///
/// An entry depends on nothing but its own bytes: where the base has one that lies wholly in a copied span, so has this tree.
pub(super) fn read<M: Copy>(
    bytes: &[u8],
    hash: HashKind,
    derived: Option<(Derivation<'_>, &TreeMemo<M>)>,
    mut note: impl FnMut(Entry<'_>) -> Option<M>,
) -> Result<TreeMemo<M>, Damaged> {
    let mut memo = TreeMemo::default();
    let mut copies = derived.map(|(derivation, _)| derivation.copies).unwrap_or_default();
    let mut at = 0;
    while at < bytes.len() {
        while copies.first().is_some_and(|copy| copy.to + copy.length <= at) {
            copies = &copies[1..];
        }
        if let (Some(copy), Some((_, base))) = (copies.first().filter(|copy| copy.to <= at), derived)
            && let Ok(first) = base.starts.binary_search(&((at - copy.to + copy.from) as u32))
        {
            // All entries up to the last that begins in the span; that one may reach out of it.
            let copy_end = (copy.from + copy.length) as u32;
            let last = base.starts.partition_point(|&start| start < copy_end) - 1;
            if first < last {
                let moved = |start: u32| start - copy.from as u32 + copy.to as u32;
                memo.starts.extend(base.starts[first..last].iter().map(|&start| moved(start)));
                let (from, to) = (base.starts[first], base.starts[last]);
                let noted = base.noted.partition_point(|(start, _)| *start < from);
                let noted = base.noted[noted..].iter().take_while(|(start, _)| *start < to);
                memo.noted.extend(noted.map(|&(start, remembered)| (moved(start), remembered)));
                at = moved(to) as usize;
                continue;
            }
        }
        let entry = parse(bytes, at, hash).ok_or(Damaged)?;
        memo.starts.push(at as u32);
        let end = entry.range.end;
        if let Some(remembered) = note(entry) {
            memo.noted.push((at as u32, remembered));
        }
        at = end;
    }
    Ok(memo)
}

fn parse(bytes: &[u8], start: usize, hash: HashKind) -> Option<Entry<'_>> {
    let rest = &bytes[start..];
    let space = rest.iter().take(8).position(|&byte| byte == b' ')?;
    let name_end = space + 1 + memchr::memchr(0, &rest[space + 1..])?;
    let end = name_end + 1 + hash.len_in_bytes();
    let id = gix::oid::try_from_bytes(rest.get(name_end + 1..end)?).ok()?;
    let kind = match &rest[..space] {
        b"40000" | b"040000" => EntryKind::Tree,
        b"160000" => EntryKind::Submodule,
        mode if mode.iter().all(u8::is_ascii_digit) && !mode.is_empty() => EntryKind::Blob,
        _ => return None,
    };
    Some(Entry { range: start..start + end, name: &rest[space + 1..name_end], id, kind })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::Copied;

    fn tree(entries: &[(&str, &str, u8)]) -> Vec<u8> {
        let entry = |&(mode, name, id): &(&str, &str, u8)| {
            [format!("{mode} {name}\0").as_bytes(), &[id; 20]].concat()
        };
        entries.iter().flat_map(entry).collect()
    }

    fn names(bytes: &[u8]) -> Vec<(String, EntryKind)> {
        let mut names = Vec::new();
        read::<()>(bytes, HashKind::Sha1, None, |entry| {
            names.push((String::from_utf8_lossy(entry.name).into_owned(), entry.kind));
            None
        })
        .expect("a whole tree");
        names
    }

    #[test]
    fn entries_are_told_apart_and_damage_is_said() {
        let tree = tree(&[("100644", "a.py", 1), ("40000", "src", 2), ("160000", "module", 3)]);
        let kinds: Vec<_> = names(&tree).into_iter().map(|(_, kind)| kind).collect();
        assert_eq!(kinds, [EntryKind::Blob, EntryKind::Tree, EntryKind::Submodule]);
        let cut = &tree[..tree.len() - 1];
        assert_eq!(read::<()>(cut, HashKind::Sha1, None, |_| None).err(), Some(Damaged));
    }

    #[test]
    fn a_derived_tree_has_the_entries_of_one_read_whole() {
        let base = tree(&[("100644", "a", 1), ("40000", "b", 2), ("100644", "c", 3), ("40000", "d", 4)]);
        let next = tree(&[("100644", "a", 1), ("40000", "b", 9), ("100644", "c", 3), ("40000", "d", 4)]);
        let note = |entry: Entry<'_>| (entry.kind == EntryKind::Tree).then(|| entry.id.as_bytes()[0]);
        let base_memo = read(&base, HashKind::Sha1, None, note).expect("a whole tree");
        let whole = read(&next, HashKind::Sha1, None, note).expect("a whole tree");
        // Every pair of copied spans around the changed id, which lies at 38..58 of both.
        for head in 0..=38 {
            for tail in 58..=base.len() {
                let copies = [
                    Copied { from: 0, to: 0, length: head },
                    Copied { from: tail, to: tail, length: base.len() - tail },
                ];
                let derivation = Derivation { base: &base, copies: &copies };
                let mut seen = 0;
                let derived = read(&next, HashKind::Sha1, Some((derivation, &base_memo)), |entry| {
                    seen += 1;
                    note(entry)
                })
                .expect("a whole tree");
                assert_eq!((&derived.starts, &derived.noted), (&whole.starts, &whole.noted), "{head} {tail}");
                assert!(seen >= 1, "the changed entry is new");
            }
        }
    }
}
