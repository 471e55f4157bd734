//! Damage anywhere in the object database costs the objects that it touches, which are named; everything else is read. Packs that
//! git would never write are forged entry by entry.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gix::ObjectId;
use gix::hash::Kind as HashKind;
use gix::objs::Kind;

use crate::fixture::{Report, Repository, Scratch, overwrite, run};
use crate::forge::{self, Pack, Slot, Step};
use crate::secrets::{github_pat, noise, token_line};

/// The objects that are named as unread are exactly these, and the secrets found exactly those.
#[track_caller]
fn assert_costs(report: &Report, objects: &[&str], secrets: &[&str]) {
    assert_eq!(named(report), objects.iter().map(ToString::to_string).collect(), "{:#?}", report.summary);
    report.assert_secrets(secrets);
    assert_eq!(report.code, if report.summary["unread"] == serde_json::json!([]) { 1 } else { 2 });
}

/// The ids of the objects that are named as unread.
fn named(report: &Report) -> BTreeSet<String> {
    let unread = report.summary["unread"].as_array().unwrap().iter();
    let objects = unread.filter_map(|unread| unread["what"].as_str().unwrap().strip_prefix("object "));
    objects.map(str::to_owned).collect()
}

/// A repository whose only pack holds a blob for each secret, none of them as a delta, in the order of their ids. Returns it
/// with the blobs' ids.
fn packed(scratch: &Scratch, secrets: &[String]) -> (Repository, Vec<String>) {
    let repository = scratch.repository("r");
    let mut blobs = Vec::new();
    for (number, secret) in secrets.iter().enumerate() {
        let content = format!("{}{}", noise(number as u64, 20), token_line(secret));
        blobs.push(repository.store_blob(content.as_bytes()));
        let file = format!("f{number}.txt");
        repository.commit_file(&file, content);
        repository.git(["update-index", "--skip-worktree", &file]);
        repository.remove(&file);
    }
    repository.git(["repack", "-adfq", "--depth=0"]);
    (repository, blobs)
}

fn only_pack(repository: &Repository) -> PathBuf {
    let [pack] = repository.packs().try_into().expect("one pack");
    pack
}

/// Writes the file with one byte changed, which `flip` gives the bits of, for as long as `look` looks at it.
fn with_flipped<T>(path: &Path, at: usize, flip: u8, look: impl FnOnce() -> T) -> T {
    let whole = fs::read(path).unwrap();
    let mut damaged = whole.clone();
    damaged[at] ^= flip;
    overwrite(path, damaged);
    let seen = look();
    overwrite(path, whole);
    seen
}

fn all(secrets: &[String]) -> Vec<&str> {
    secrets.iter().map(String::as_str).collect()
}

fn pats(count: u64) -> Vec<String> {
    (600..600 + count).map(github_pat).collect()
}

#[test]
fn a_flipped_byte_in_an_entry() {
    let (scratch, secrets) = (Scratch::new(), pats(3));
    let (repository, blobs) = packed(&scratch, &secrets);
    let (start, size) = repository.packed_entry(&blobs[1]);
    let pack = only_pack(&repository);
    // In the header: its kind, to another one and to none, and its size; then in the compressed bytes and their checksum.
    let places =
        [(0, 0x10), (0, 0x30), (0, 0x01), (1, 0x01), (2, 0x80), (4, 0x10), (size / 2, 1), (size - 1, 4)];
    for (at, bits) in places {
        let report = with_flipped(&pack, start + at, bits, || repository.audit());
        assert_costs(&report, &[&blobs[1]], &[&secrets[0], &secrets[2]]);
    }
    assert_costs(&repository.audit(), &[], &all(&secrets));
}

/// A repository with a chain of deltas, a secret in each version. Returns it with each version's blob and the blob that its delta
/// builds on.
fn chained(scratch: &Scratch, secrets: &[String]) -> (Repository, Vec<(String, Option<String>)>) {
    let repository = scratch.repository("r");
    let text = noise(7, 60);
    for (version, secret) in secrets.iter().enumerate() {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.insert(version * 5, token_line(secret));
        repository.commit_file("a.py", lines.join("\n"));
    }
    repository.remove("a.py");
    repository.git(["repack", "-adfq", "--depth=50"]);
    let listing = repository.git(["verify-pack", "-v", only_pack(&repository).to_str().unwrap()]);
    let base = |id: &str| {
        let line = listing.lines().find(|line| line.starts_with(id)).unwrap();
        line.split_whitespace().nth(6).map(str::to_owned)
    };
    let blobs: Vec<_> = (0..secrets.len())
        .map(|version| {
            let id = repository.git(["rev-parse", &format!("main~{}:a.py", secrets.len() - 1 - version)]);
            (id.clone(), base(&id))
        })
        .collect();
    assert_eq!(blobs.iter().filter(|(_, base)| base.is_none()).count(), 1, "one root: {listing}");
    (repository, blobs)
}

/// Which versions are built from this one, itself included.
fn built_from(blobs: &[(String, Option<String>)], version: usize) -> Vec<bool> {
    let mut is_lost: Vec<bool> = (0..blobs.len()).map(|other| other == version).collect();
    for _ in blobs {
        for (other, (_, base)) in blobs.iter().enumerate() {
            let base = base.as_ref().and_then(|base| blobs.iter().position(|(id, _)| id == base));
            is_lost[other] |= base.is_some_and(|base| is_lost[base]);
        }
    }
    is_lost
}

#[test]
fn a_flipped_byte_in_a_delta() {
    let (scratch, secrets) = (Scratch::new(), pats(8));
    let (repository, blobs) = chained(&scratch, &secrets);
    for version in 0..blobs.len() {
        let (start, size) = repository.packed_entry(&blobs[version].0);
        let pack = only_pack(&repository);
        let report = with_flipped(&pack, start + size - 6, 0x08, || repository.audit());
        let is_lost = built_from(&blobs, version);
        let lost: Vec<&str> =
            blobs.iter().zip(&is_lost).filter(|(_, lost)| **lost).map(|((id, _), _)| id.as_str()).collect();
        let kept: Vec<&str> = secrets
            .iter()
            .zip(&is_lost)
            .filter(|(_, lost)| !**lost)
            .map(|(secret, _)| secret.as_str())
            .collect();
        assert_costs(&report, &lost, &kept);
    }
}

#[test]
fn a_damaged_base_of_which_there_is_another_copy() {
    let (scratch, secrets) = (Scratch::new(), pats(8));
    let (repository, blobs) = chained(&scratch, &secrets);
    let (root, _) = blobs.iter().find(|(_, base)| base.is_none()).unwrap();
    let (start, size) = repository.packed_entry(root);
    let pack = only_pack(&repository);
    let content = Command::new("git")
        .current_dir(repository.path())
        .args(["cat-file", "blob", root])
        .output()
        .unwrap()
        .stdout;
    let file = repository.git_file(&format!("objects/{}/{}", &root[..2], &root[2..]));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, forge::deflate(&[format!("blob {}\0", content.len()).as_bytes(), &content].concat()))
        .unwrap();
    // In its compressed bytes, and in its header, so that it is of no kind any more.
    for (at, bits) in [(size / 2, 0x10), (0, 0x30)] {
        let report = with_flipped(&pack, start + at, bits, || repository.audit());
        assert_costs(&report, &[], &all(&secrets));
        assert_eq!(report.summary["complete"], true);
    }
}

#[test]
fn a_flipped_byte_in_the_index() {
    let (scratch, secrets) = (Scratch::new(), pats(3));
    let (repository, blobs) = packed(&scratch, &secrets);
    let index = only_pack(&repository).with_extension("idx");
    let listing = repository.git(["verify-pack", "-v", index.to_str().unwrap()]);
    let first_words = listing.lines().filter_map(|line| line.split(' ').next());
    let mut ids: Vec<&str> = first_words.filter(|word| word.len() == 40).collect();
    ids.sort_unstable();
    let (count, length) = (ids.len(), fs::read(&index).unwrap().len());
    assert_eq!(length, 8 + 1024 + count * 28 + 40, "{listing}");
    let row = ids.iter().position(|id| *id == blobs[1]).unwrap();
    let (first_id, checksums) = (8 + 1024, 8 + 1024 + 20 * count);
    let offsets = checksums + 4 * count;

    let costs_nothing = [
        ("the signature", 1),
        ("the version", 7),
        ("the fan-out table, a low byte", 8 + 4 * 128 + 3),
        ("the fan-out table, a high byte", 8 + 4 * 128),
        ("the fan-out table's end, which counts the objects", 8 + 4 * 255 + 3),
        ("the checksum of an entry", checksums + 4 * row),
        ("the checksum of the pack", length - 40),
        ("the checksum of the index", length - 1),
    ];
    for (what, at) in costs_nothing {
        let report = with_flipped(&index, at, 0x04, || repository.audit());
        eprintln!("{what}");
        report.assert_unread(&[index.to_str().unwrap(), "index"]);
        assert_costs(&report, &[], &all(&secrets));
    }
    // An offset: outside the pack, among the large ones, and inside another entry.
    for (at, bits) in [(1, 0x04), (0, 0x80), (3, 0x01)] {
        let report = with_flipped(&index, offsets + 4 * row + at, bits, || repository.audit());
        report.assert_unread(&[index.to_str().unwrap(), "index"]);
        let is_mended = at == 0;
        let (lost, kept): (&[&str], Vec<&str>) =
            if is_mended { (&[], all(&secrets)) } else { (&[&blobs[1]], vec![&secrets[0], &secrets[2]]) };
        assert_costs(&report, lost, &kept);
    }
    // An id: the content is there, under another name.
    let report = with_flipped(&index, first_id + 20 * row + 9, 0x04, || repository.audit());
    report.assert_unread(&[&format!("blob {}", blobs[1]), "not in the repository"]);
    assert_costs(&report, &[], &all(&secrets));
}

#[test]
fn a_pack_whose_own_checksum_is_wrong() {
    let (scratch, secrets) = (Scratch::new(), pats(3));
    let (repository, _) = packed(&scratch, &secrets);
    let pack = only_pack(&repository);
    let length = fs::read(&pack).unwrap().len();
    let report = with_flipped(&pack, length - 1, 1, || repository.audit());
    report.assert_unread(&[pack.to_str().unwrap(), "not the one that its index was made for"]);
    assert_costs(&report, &[], &all(&secrets));
}

#[test]
fn an_index_of_another_pack() {
    let (scratch, secrets) = (Scratch::new(), pats(4));
    let (repository, _) = packed(&scratch, &secrets[..2]);
    let first = only_pack(&repository);
    for secret in &secrets[2..] {
        repository.store_blob(format!("{}{}", noise(9, 30), token_line(secret)).as_bytes());
    }
    repository.git_reading(
        repository
            .git(["cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)"])
            .lines()
            .filter_map(|line| line.strip_suffix(" blob"))
            .filter(|id| repository.git_file(&format!("objects/{}/{}", &id[..2], &id[2..])).is_file())
            .collect::<Vec<_>>()
            .join("\n")
            .as_bytes(),
        &["pack-objects", "-q", ".git/objects/pack/pack"],
    );
    let packs = repository.packs();
    let second = packs.iter().find(|pack| **pack != first).unwrap();
    overwrite(&first.with_extension("idx"), fs::read(second.with_extension("idx")).unwrap());
    let report = repository.audit();
    report.assert_unread(&[first.to_str().unwrap(), "not the one that its index was made for"]);
    for secret in &secrets[2..] {
        report.find(secret);
    }
}

/// A repository with one commit, and a forged pack besides.
fn forged(scratch: &Scratch, secret: &str, pack: Pack) -> Repository {
    let repository = scratch.repository("r");
    repository.commit_file("a.py", token_line(secret));
    add_pack(&repository, pack);
    repository
}

fn add_pack(repository: &Repository, pack: Pack) {
    let files = pack.finish();
    let dir = repository.git_file("objects/pack");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("pack-forged.pack"), files.pack).unwrap();
    fs::write(dir.join("pack-forged.idx"), files.index).unwrap();
}

/// An id of no content.
fn id(byte: u8) -> ObjectId {
    ObjectId::try_from([byte; 20].as_slice()).unwrap()
}

fn blob_with(pack: &mut Pack, secret: &str) -> Slot {
    pack.object(Kind::Blob, token_line(secret).as_bytes())
}

#[test]
fn deltas_that_build_on_each_other() {
    let (scratch, secrets) = (Scratch::new(), pats(2));
    let mut pack = Pack::new(HashKind::Sha1);
    let delta = forge::delta(1, 1, &[Step::Insert(b"a".to_vec())]);
    blob_with(&mut pack, &secrets[0]);
    pack.ref_delta(id(1), id(2), &delta);
    pack.ref_delta(id(2), id(1), &delta);
    pack.ref_delta(id(3), id(3), &delta);
    pack.ref_delta(id(4), id(1), &delta);
    let report = forged(&scratch, &secrets[1], pack).audit();
    let ids = [1, 2, 3, 4].map(|byte| id(byte).to_string());
    assert_costs(&report, &all(&ids), &all(&secrets));
    report.assert_unread(&[&ids[0], "builds on itself"]);
}

#[test]
fn deltas_whose_base_is_missing_or_wrong() {
    let (scratch, secrets) = (Scratch::new(), pats(2));
    let mut pack = Pack::new(HashKind::Sha1);
    let base = blob_with(&mut pack, &secrets[0]);
    let insert = [Step::Insert(b"a".to_vec())];
    pack.ref_delta(id(1), id(0xee), &forge::delta(1, 1, &insert));
    pack.ref_delta(id(2), base.id, &forge::delta(3, 1, &insert));
    let report = forged(&scratch, &secrets[1], pack).audit();
    let ids = [1, 2].map(|byte| id(byte).to_string());
    assert_costs(&report, &all(&ids), &all(&secrets));
    report.assert_unread(&[&ids[0], &id(0xee).to_string()]);
    report.assert_unread(&[&ids[1], "a base of another size"]);
}

#[test]
fn deltas_that_name_no_entry_of_their_pack() {
    let (scratch, secrets) = (Scratch::new(), pats(2));
    let mut pack = Pack::new(HashKind::Sha1);
    let base = blob_with(&mut pack, &secrets[0]);
    let delta = forge::delta(1, 1, &[Step::Insert(b"a".to_vec())]);
    let into_an_entry = pack.ofs_delta(id(1), base.start + 1, &delta);
    let before_the_pack = pack.ofs_delta(id(2), pack.end().wrapping_sub(1 << 40), &delta);
    let itself = pack.ofs_delta(id(3), pack.end(), &delta);
    let ids = [into_an_entry, before_the_pack, itself].map(|slot| slot.id.to_string());
    let report = forged(&scratch, &secrets[1], pack).audit();
    assert_costs(&report, &all(&ids), &all(&secrets));
}

/// `keysieve audit` with this much address space, in kilobytes: an allocation of what is only claimed would end it.
fn audit_within(repository: &Repository, kilobytes: u32) -> Report {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("ulimit -v {kilobytes} && exec \"$0\" \"$@\""))
        .args([env!("CARGO_BIN_EXE_keysieve"), "audit", repository.path_text()])
        .args(["-j1", "--format", "jsonl", "--show-secrets"]);
    run(&mut command, b"").report()
}

const MEGABYTE: usize = 1 << 20;

#[test]
fn sizes_that_are_only_claimed() {
    let (scratch, secrets) = (Scratch::new(), pats(2));
    let mut pack = Pack::new(HashKind::Sha1);
    let base = blob_with(&mut pack, &secrets[0]);
    let small = forge::deflate(b"small");
    // Enough bytes that their claim of almost a gigabyte could be true.
    let noise = forge::deflate(noise(3, 40_000).as_bytes());
    pack.raw(id(1), 3, 1 << 60, &[], &small);
    pack.raw(id(2), 3, 1 << 31, &[], &small);
    pack.raw(id(3), 3, 1 << 20, &[], &small);
    pack.raw(id(4), 3, (1 << 30) - 1, &[], &noise);
    let base_size = token_line(&secrets[0]).len() as u64;
    let copy = [Step::Copy { from: 0, length: 10 }];
    pack.ref_delta(id(5), base.id, &forge::delta(base_size, 1 << 60, &copy));
    pack.ref_delta(id(6), base.id, &forge::delta(1 << 60, 10, &copy));
    pack.ref_delta(id(7), base.id, &forge::delta(base_size, u64::MAX, &copy));
    let repository = forged(&scratch, &secrets[1], pack);
    let loose = forge::deflate(format!("blob {}\0small", 1u64 << 60).as_bytes());
    let file = repository.git_file(&format!("objects/08/{}", "08".repeat(19)));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, loose).unwrap();
    let ids = [1, 2, 3, 4, 5, 6, 7, 8].map(|byte| id(byte).to_string());
    let report = audit_within(&repository, 500_000);
    assert_costs(&report, &all(&ids), &all(&secrets));
}

#[test]
fn a_small_stream_of_many_bytes() {
    let (scratch, secrets) = (Scratch::new(), pats(2));
    let mut pack = Pack::new(HashKind::Sha1);
    blob_with(&mut pack, &secrets[0]);
    let bomb = forge::deflate(&vec![0; 200 * MEGABYTE]);
    pack.raw(id(1), 3, 200 * MEGABYTE as u64, &[], &bomb);
    pack.raw(id(2), 3, 10, &[], &bomb);
    // A delta, small too, of as many bytes again.
    let base = pack.object(Kind::Blob, &vec![0; MEGABYTE]);
    let copies = vec![Step::Copy { from: 0, length: MEGABYTE }; 200];
    pack.ref_delta(id(3), base.id, &forge::delta(MEGABYTE as u64, 200 * MEGABYTE as u64, &copies));
    let repository = forged(&scratch, &secrets[1], pack);
    let ids = [1, 2, 3].map(|byte| id(byte).to_string());
    let report = audit_within(&repository, 250_000);
    assert_costs(&report, &all(&ids), &all(&secrets));
    report.assert_unread(&[&ids[0], "not enough memory"]);
    report.assert_unread(&[&ids[2], "not enough memory"]);
}

#[test]
fn commits_trees_and_tags_that_make_no_sense() {
    let (scratch, secrets) = (Scratch::new(), pats(2));
    let mut pack = Pack::new(HashKind::Sha1);
    blob_with(&mut pack, &secrets[0]);
    let objects = [
        pack.object(Kind::Commit, b"author nobody\n\nno tree"),
        pack.object(Kind::Commit, b"tree 12345\n\n"),
        pack.object(Kind::Tree, b"100644 name that does not end"),
        pack.object(Kind::Tree, b"100644 cut\0\x01\x02\x03"),
        pack.object(Kind::Tag, b"type blob\ntag nothing\n\n"),
    ];
    let ids = objects.map(|slot| slot.id.to_string());
    let report = forged(&scratch, &secrets[1], pack).audit();
    assert_costs(&report, &all(&ids), &all(&secrets));
    for (id, what) in ids.iter().zip(["commit", "commit", "tree", "tree", "tag"]) {
        report.assert_unread(&[id, &format!("the {what}'s"), "damaged"]);
    }
}

#[test]
fn an_index_that_lists_one_place_for_several_objects() {
    let (scratch, secrets) = (Scratch::new(), pats(2));
    let mut pack = Pack::new(HashKind::Sha1);
    let blob = blob_with(&mut pack, &secrets[0]);
    let other = pack.object(Kind::Blob, b"another blob\n");
    let repository = forged(&scratch, &secrets[1], pack);
    let index = repository.git_file("objects/pack/pack-forged.idx");
    let mut bytes = fs::read(&index).unwrap();
    let offsets = 8 + 1024 + 2 * 24;
    let (row, other_row) = if blob.id < other.id { (0, 1) } else { (1, 0) };
    bytes.copy_within(offsets + 4 * row..offsets + 4 * row + 4, offsets + 4 * other_row);
    overwrite(&index, bytes);
    assert_costs(&repository.audit(), &[&other.id.to_string()], &all(&secrets));
}

#[test]
fn a_delta_on_a_loose_object() {
    let (scratch, secrets) = (Scratch::new(), pats(2));
    let repository = scratch.repository("r");
    let text = noise(5, 20);
    repository.commit_file("a.py", format!("{text}{}", token_line(&secrets[0])));
    let base = ObjectId::from_hex(repository.git(["rev-parse", "HEAD:a.py"]).as_bytes()).unwrap();
    let mut pack = Pack::new(HashKind::Sha1);
    let line = token_line(&secrets[1]);
    let steps = [Step::Copy { from: 0, length: text.len() }, Step::Insert(line.clone().into_bytes())];
    let content = format!("{text}{line}");
    let base_size = (text.len() + token_line(&secrets[0]).len()) as u64;
    let id = forge::object_id(HashKind::Sha1, Kind::Blob, content.as_bytes());
    pack.ref_delta(id, base, &forge::delta(base_size, content.len() as u64, &steps));
    add_pack(&repository, pack);
    let report = repository.audit();
    report.assert_complete();
    report.assert_secrets(&all(&secrets));
}

#[test]
fn folders_nested_deeper_than_anyone_would() {
    let (scratch, secrets) = (Scratch::new(), pats(2));
    let mut pack = Pack::new(HashKind::Sha1);
    let mut below = ("100644", blob_with(&mut pack, &secrets[0]).id);
    for _ in 0..5_000 {
        let entry = [below.0.as_bytes(), b" d\0", below.1.as_bytes()].concat();
        below = ("40000", pack.object(Kind::Tree, &entry).id);
    }
    let commit = format!("tree {}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nDeep\n", below.1);
    let commit = pack.object(Kind::Commit, commit.as_bytes());
    let repository = forged(&scratch, &secrets[1], pack);
    repository.write(".git/refs/heads/deep", format!("{}\n", commit.id));
    let report = repository.audit();
    report.assert_unread(&["places of findings", "4096 folders deep"]);
    report.assert_secrets(&all(&secrets));
}

/// Three packs, one for each secret, and a multi-pack index over them.
fn indexed_together(scratch: &Scratch, secrets: &[String]) -> Repository {
    let repository = scratch.repository("r");
    for (number, secret) in secrets.iter().enumerate() {
        repository.commit_file(&format!("f{number}.txt"), token_line(secret));
        repository.git(["repack", "-dq"]);
    }
    for number in 0..secrets.len() {
        repository.remove(&format!("f{number}.txt"));
    }
    repository.git(["multi-pack-index", "write"]);
    assert_eq!(repository.packs().len(), secrets.len());
    repository
}

#[test]
fn a_multi_pack_index_changes_nothing() {
    let (scratch, secrets) = (Scratch::new(), pats(3));
    let repository = indexed_together(&scratch, &secrets);
    let report = repository.audit_everything();
    report.assert_secrets(&all(&secrets));
    // It is not needed, and does no harm.
    overwrite(&repository.git_file("objects/pack/multi-pack-index"), "junk");
    let junk = repository.audit();
    junk.assert_complete();
    assert_eq!(junk.findings, report.findings);
}

#[test]
fn a_multi_pack_index_does_not_replace_an_index() {
    let (scratch, secrets) = (Scratch::new(), pats(3));
    let repository = indexed_together(&scratch, &secrets);
    let blob = repository.git(["rev-parse", "HEAD:f1.txt"]);
    let pack = repository.packs().into_iter().find(|pack| {
        let listing = repository.git(["verify-pack", "-v", pack.to_str().unwrap()]);
        listing.lines().any(|line| line.starts_with(&blob))
    });
    let pack = pack.unwrap();
    fs::remove_file(pack.with_extension("idx")).unwrap();
    let report = repository.audit();
    report.assert_unread(&[pack.to_str().unwrap(), "git index-pack"]);
    report.assert_secrets(&[&secrets[0], &secrets[2]]);
    repository.git(["index-pack", pack.to_str().unwrap()]);
    repository.audit_everything().assert_secrets(&all(&secrets));
}
