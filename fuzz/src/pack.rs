//! Packs with their indexes: made well, made badly, and damaged.

use std::collections::HashSet;

use gix::ObjectId;
use gix::hash::Kind as HashKind;
use gix::objs::Kind;

use crate::forge::{self, Files, Pack, Slot, Step};
use crate::scratch::walk_files;
use crate::script::Script;
use crate::synthetic_id;

/// An entry that was made well.
#[derive(Debug)]
struct Known {
    slot: Slot,
    kind: Kind,
    content: Vec<u8>,
    /// What its delta builds on, an index into the known entries.
    base: Option<usize>,
}

/// A pack of entries, most of them made well, then damaged at some places: what the damage does not touch is read, and what it
/// touches is named.
pub fn pack(data: &[u8]) {
    let mut script = Script::new(data);
    let hash = script.hash();
    let (pack, known) = forged(&mut script, hash);
    let whole = pack.clone().finish();
    let (files, is_sound) = damaged(&mut script, hash, &pack, &whole);
    let walked = walk_files(&files, hash);
    let end = files.pack.len().saturating_sub(hash.len_in_bytes());
    for (at, entry) in known.iter().enumerate() {
        let id = entry.slot.id;
        let content = walked.content(&id);
        let is_named = walked.failures.contains_key(&id) || !walked.unread.is_empty();
        assert!(content.is_some() || is_named, "{id} is neither read nor named");
        let is_untouched = chain(&known, at).all(|entry| {
            let range = entry.slot.start..entry.slot.end;
            entry.slot.end <= end
                && is_sound(&entry.slot.id)
                && files.pack.get(range.clone()) == whole.pack.get(range)
        });
        if is_untouched && files.pack.get(..12) == Some(&whole.pack[..12]) {
            assert_eq!(content, Some(entry.content.as_slice()), "{id}: {:?}", walked.failures.get(&id));
        }
    }
}

/// The entry and those that its delta builds on.
fn chain(known: &[Known], at: usize) -> impl Iterator<Item = &Known> {
    std::iter::successors(known.get(at), |entry| known.get(entry.base?))
}

fn forged(script: &mut Script<'_>, hash: HashKind) -> (Pack, Vec<Known>) {
    let mut pack = Pack::new(hash);
    let mut known: Vec<Known> = Vec::new();
    let mut ids = HashSet::new();
    for _ in 0..script.byte() % 24 {
        let known_ids: Vec<ObjectId> = known.iter().map(|entry| entry.slot.id).collect();
        match script.byte() % 8 {
            0..3 => {
                let kind = script.kind();
                let content = script.content(kind, hash, &known_ids);
                if ids.insert(forge::object_id(hash, kind, &content)) {
                    known.push(Known { slot: pack.object(kind, &content), kind, content, base: None });
                }
            }
            3..6 if !known.is_empty() => {
                let at = script.below(known.len());
                let base = &known[at];
                let (steps, content) = script.steps(&base.content);
                let delta = forge::delta(base.content.len() as u64, content.len() as u64, &steps);
                let (kind, id) = (base.kind, forge::object_id(hash, base.kind, &content));
                if ids.insert(id) {
                    let slot = if script.flag() {
                        pack.ofs_delta(id, base.slot.start, &delta)
                    } else {
                        pack.ref_delta(id, base.slot.id, &delta)
                    };
                    known.push(Known { slot, kind, content, base: Some(at) });
                }
            }
            _ => {
                let id = synthetic_id(hash, script.byte() % 4);
                if ids.insert(id) {
                    bad_entry(script, &mut pack, id, &known_ids, hash);
                }
            }
        }
    }
    (pack, known)
}

/// An entry that lies: of its size, of its base, of its kind.
fn bad_entry(script: &mut Script<'_>, pack: &mut Pack, id: ObjectId, ids: &[ObjectId], hash: HashKind) {
    let code = script.byte() % 8;
    let base = match code {
        forge::OFS_DELTA => script.take(3).to_vec(),
        forge::REF_DELTA => script.id(ids, hash).as_bytes().to_vec(),
        _ => Vec::new(),
    };
    let content = script.bytes();
    let size = if script.flag() { content.len() as u64 } else { script.size() };
    let stored = if script.flag() { forge::deflate(&content) } else { content };
    pack.raw(id, code, size, &base, &stored);
}

/// The files with some damage done, and which ids the index still has right.
fn damaged(
    script: &mut Script<'_>,
    hash: HashKind,
    pack: &Pack,
    whole: &Files,
) -> (Files, impl Fn(&ObjectId) -> bool + use<>) {
    let mut files = whole.clone();
    let mut spoilt = HashSet::new();
    let knows_of_damage = script.flag();
    while !script.is_over() {
        match script.byte() % 8 {
            0..4 => {
                let at = script.below(files.pack.len());
                if let Some(byte) = files.pack.get_mut(at) {
                    *byte ^= script.byte();
                }
            }
            4 => files.pack.truncate(script.number()),
            5 if !pack.entries().is_empty() => {
                // A row of the index: of its checksums, or of its places.
                let mut rows = pack.entries().to_vec();
                rows.sort_by_key(|entry| entry.id);
                let row = script.below(rows.len());
                let checksums = 8 + 1024 + rows.len() * hash.len_in_bytes();
                let places = checksums + 4 * rows.len();
                let is_place = script.flag();
                let at = if is_place { places } else { checksums } + 4 * row;
                let number = script.number();
                files.index[at..at + 4].copy_from_slice(&(number as u32).to_be_bytes());
                if is_place {
                    // What is there by right is not told from what is there by mistake.
                    let same_place = pack.entries().iter().filter(|entry| entry.start == number);
                    spoilt.extend(same_place.map(|entry| entry.id).chain([rows[row].id]));
                }
            }
            6 => files.pack.extend_from_slice(script.take(4)),
            7 => files.index[script.below(8 + 1024)] ^= script.byte(),
            _ => {}
        }
    }
    if knows_of_damage && files.pack.len() >= whole.pack.len() {
        // An index that was made of the damaged pack.
        files.index = forge::index(hash, pack.entries(), &files.pack);
        spoilt.clear();
    }
    (files, move |id: &ObjectId| !spoilt.contains(id))
}

/// One entry of raw bytes behind one to build upon.
pub fn entry(data: &[u8]) {
    let mut script = Script::new(data);
    let hash = script.hash();
    let mut pack = Pack::new(hash);
    let base = pack.object(Kind::Blob, &script.bytes());
    let id = synthetic_id(hash, 1);
    let (code, claims) = (script.byte() % 8, script.flag());
    let bytes = script.rest();
    if claims {
        // A well-formed header, and any content.
        let distance = [(pack.end() - base.start) as u8 & 0x7f];
        let before: &[u8] = match code {
            forge::OFS_DELTA => &distance,
            forge::REF_DELTA => base.id.as_bytes(),
            _ => &[],
        };
        pack.raw(id, code, bytes.len() as u64, before, &forge::deflate(bytes));
    } else {
        pack.raw_bytes(id, bytes);
    }
    let walked = walk_files(&pack.finish(), hash);
    assert!(walked.content(&base.id).is_some(), "{:?}", walked.failures);
    assert!(walked.content(&id).is_some() != walked.failures.contains_key(&id));
}

/// A pack and its index with any bytes changed in both; the checksums at their ends may be put right.
pub fn files(data: &[u8]) {
    let mut script = Script::new(data);
    let flags = script.byte();
    let hash = if flags & 1 == 0 { HashKind::Sha1 } else { HashKind::Sha256 };
    let mut files = sound(script.byte(), hash);
    while !script.is_over() {
        let file = if script.flag() { &mut files.index } else { &mut files.pack };
        let at = script.below(file.len());
        match script.byte() % 8 {
            0..6 => {
                let length = usize::from(script.byte() % 8);
                let bytes = script.take(length);
                file.iter_mut().skip(at).zip(bytes).for_each(|(byte, new)| *byte = *new);
            }
            6 => file.truncate(at),
            _ => {
                let end = (at + usize::from(script.byte())).min(file.len());
                file.extend_from_within(at..end);
            }
        }
    }
    let length = hash.len_in_bytes();
    if flags & 2 != 0 && files.pack.len() >= length {
        files.pack.truncate(files.pack.len() - length);
        files.pack = forge::sealed(hash, files.pack);
    }
    if flags & 4 != 0 && files.index.len() >= 2 * length && files.pack.len() >= length {
        files.index.truncate(files.index.len() - 2 * length);
        files.index.extend_from_slice(&files.pack[files.pack.len() - length..]);
        files.index = forge::sealed(hash, files.index);
    }
    walk_files(&files, hash);
}

/// A pack as it should be: empty, with an object of each kind and a delta, or with deltas on other packs' objects besides.
fn sound(choice: u8, hash: HashKind) -> Files {
    let mut pack = Pack::new(hash);
    if choice % 4 == 3 {
        return pack.finish();
    }
    let blob = pack.object(Kind::Blob, b"one line\nanother line\n");
    let steps = [
        Step::Copy { from: 0, length: 9 },
        Step::Insert(b"between\n".to_vec()),
        Step::Copy { from: 9, length: 13 },
    ];
    let content = b"one line\nbetween\nanother line\n";
    let delta = forge::delta(22, content.len() as u64, &steps);
    let derived = pack.ofs_delta(forge::object_id(hash, Kind::Blob, content), blob.start, &delta);
    let entries = [(b"a", blob.id), (b"b", derived.id)]
        .map(|(name, id)| [b"100644 ", name.as_slice(), b"\0", id.as_bytes()].concat());
    let tree = pack.object(Kind::Tree, &entries.concat());
    let commit = format!("tree {}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nm\n", tree.id);
    let commit = pack.object(Kind::Commit, commit.as_bytes());
    let tag = format!("object {}\ntype commit\ntag t\ntagger A <a@b> 1 +0000\n\nm\n", commit.id);
    let tag = pack.object(Kind::Tag, tag.as_bytes());
    if choice % 4 == 2 {
        pack.ref_delta(synthetic_id(hash, 1), tag.id, &delta);
        pack.ref_delta(synthetic_id(hash, 2), synthetic_id(hash, 2), &delta);
        pack.ref_delta(synthetic_id(hash, 3), synthetic_id(hash, 4), &delta);
    }
    pack.finish()
}
