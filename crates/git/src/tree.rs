//! Tree objects: `mode SP name NUL id`, over and over. Trees are most of what a history's walk parses, and most of a tree was
//! in its delta's base: there, entries are parsed only where something changed.

use std::ops::Range;

use gix::hash::Kind as HashKind;

use keysieve_model::chunk::Derivation;

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

/// Where the entries of a tree begin, for the trees derived from it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TreeMemo {
    starts: Vec<u32>,
}

/// What a tree is read as, in order.
#[derive(Debug)]
pub(super) enum Part<'a> {
    /// These entries of the base, by their places among its entries.
    Copied(Range<u32>),
    /// An entry that the base has not, or not in a copied span.
    New(Entry<'a>),
}

/// Reads a tree, calling `take` for each of its parts.
///
/// An entry depends on nothing but its own bytes: where the base has one that lies wholly in a copied span, so has this tree.
pub(super) fn read(
    bytes: &[u8],
    hash: HashKind,
    derived: Option<(Derivation<'_>, &TreeMemo)>,
    mut take: impl FnMut(Part<'_>),
) -> Result<TreeMemo, Damaged> {
    let mut starts = Vec::with_capacity(derived.map_or(0, |(_, base)| base.starts.len() + 1));
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
                starts.extend(base.starts[first..last].iter().map(|&start| moved(start)));
                take(Part::Copied(first as u32..last as u32));
                at = moved(base.starts[last]) as usize;
                continue;
            }
        }
        let entry = parse(bytes, at, hash).ok_or(Damaged)?;
        starts.push(at as u32);
        at = entry.range.end;
        take(Part::New(entry));
    }
    Ok(TreeMemo { starts })
}

/// The name of the entry that begins at `start`.
pub(super) fn name_at(bytes: &[u8], start: usize) -> Option<&[u8]> {
    let rest = bytes.get(start..)?;
    let space = rest.iter().take(8).position(|&byte| byte == b' ')?;
    let end = memchr::memchr(0, &rest[space + 1..])?;
    Some(&rest[space + 1..][..end])
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
    use keysieve_model::chunk::Copied;

    fn tree(entries: &[(&str, &str, u8)]) -> Vec<u8> {
        let entry = |&(mode, name, id): &(&str, &str, u8)| {
            [format!("{mode} {name}\0").as_bytes(), &[id; 20]].concat()
        };
        entries.iter().flat_map(entry).collect()
    }

    /// The base of a tree: what was copied of it, what is remembered of it, and its entries.
    type Base<'a> = (Derivation<'a>, &'a TreeMemo, &'a [(String, EntryKind)]);

    /// The names and kinds of all entries: those of copied parts are looked up in the base's.
    fn entries(bytes: &[u8], derived: Option<Base<'_>>) -> (TreeMemo, Vec<(String, EntryKind)>, usize) {
        let (mut entries, mut new) = (Vec::new(), 0);
        let base = derived.map(|(derivation, memo, _)| (derivation, memo));
        let memo = read(bytes, HashKind::Sha1, base, |part| match part {
            Part::Copied(range) => {
                let (_, _, base) = derived.expect("only derived trees have copied parts");
                entries.extend_from_slice(&base[range.start as usize..range.end as usize]);
            }
            Part::New(entry) => {
                new += 1;
                entries.push((String::from_utf8_lossy(entry.name).into_owned(), entry.kind));
            }
        })
        .expect("a whole tree");
        (memo, entries, new)
    }

    #[test]
    fn entries_are_told_apart_and_damage_is_said() {
        let tree = tree(&[("100644", "a.py", 1), ("40000", "src", 2), ("160000", "module", 3)]);
        let (_, entries, _) = entries(&tree, None);
        let kinds: Vec<_> = entries.into_iter().map(|(_, kind)| kind).collect();
        assert_eq!(kinds, [EntryKind::Blob, EntryKind::Tree, EntryKind::Submodule]);
        let cut = &tree[..tree.len() - 1];
        assert_eq!(read(cut, HashKind::Sha1, None, |_| {}).err(), Some(Damaged));
    }

    #[test]
    fn a_derived_tree_has_the_entries_of_one_read_whole() {
        let base = tree(&[("100644", "a", 1), ("40000", "b", 2), ("100644", "c", 3), ("40000", "d", 4)]);
        let next = tree(&[("100644", "a", 1), ("40000", "b", 9), ("100644", "c", 3), ("40000", "d", 4)]);
        let (base_memo, base_entries, _) = entries(&base, None);
        let (whole, whole_entries, _) = entries(&next, None);
        // Every pair of copied spans around the changed id, which lies at 38..58 of both.
        for head in 0..=38 {
            for tail in 58..=base.len() {
                let copies = [
                    Copied { from: 0, to: 0, length: head },
                    Copied { from: tail, to: tail, length: base.len() - tail },
                ];
                let derivation = Derivation { base: &base, copies: &copies };
                let (derived, derived_entries, new) =
                    entries(&next, Some((derivation, &base_memo, &base_entries)));
                assert_eq!((&derived, &derived_entries), (&whole, &whole_entries), "{head} {tail}");
                assert!(new >= 1, "the changed entry is new");
            }
        }
    }
}
