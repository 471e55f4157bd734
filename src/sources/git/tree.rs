//! Tree objects: `mode SP name NUL id`, over and over. Trees are most of what a history's walk parses.

use std::ops::Range;

use gix::hash::Kind as HashKind;

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

/// The entries of a tree; `None` for the rest where the bytes are damaged.
pub(super) fn entries(bytes: &[u8], hash: HashKind) -> impl Iterator<Item = Option<Entry<'_>>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= bytes.len() {
            return None;
        }
        let entry = parse(bytes, at, hash);
        at = entry.as_ref().map_or(bytes.len(), |entry| entry.range.end);
        Some(entry)
    })
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
    Some(Entry {
        range: start..start + end,
        name: &rest[space + 1..name_end],
        id,
        kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_told_apart_and_damage_ends_them() {
        let mut tree = b"100644 a.py\0".to_vec();
        tree.extend([1; 20]);
        tree.extend(b"40000 src\0");
        tree.extend([2; 20]);
        tree.extend(b"160000 module\0");
        tree.extend([3; 20]);
        let kinds: Vec<_> = entries(&tree, HashKind::Sha1)
            .map(|entry| entry.expect("whole").kind)
            .collect();
        assert_eq!(kinds, [EntryKind::Blob, EntryKind::Tree, EntryKind::Submodule]);
        let cut: Vec<_> = entries(&tree[..tree.len() - 1], HashKind::Sha1).collect();
        assert!(cut[2].is_none() && cut.len() == 3);
    }
}
