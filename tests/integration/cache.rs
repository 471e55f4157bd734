//! A second audit need not read again what the first found clean, and says the same.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::fixture::{Report, Repository, Scratch, overwrite};
use crate::secrets::{github_pat, noise, token_line};

/// A repository in one pack that is large enough to be worth a cache, with a secret in a file with a telling name.
fn packed(scratch: &Scratch, secret: &str) -> Repository {
    let repository = scratch.repository("r");
    let mut stream = String::new();
    for version in 0..520 {
        let text = noise(version % 7, 3) + &version.to_string();
        stream += "commit refs/heads/main\ncommitter A <a@example.com> 1700000000 +0000\ndata 1\nx\n";
        stream += &format!("M 100644 inline dir{}/file.txt\ndata {}\n{text}\n", version % 5, text.len());
        if version == 100 {
            let line = token_line(secret);
            stream += &format!("M 100644 inline hidden-place.py\ndata {}\n{line}\n", line.len());
        }
    }
    repository.git_reading(stream.as_bytes(), &["fast-import", "--quiet"]);
    repository.git(["reset", "--quiet", "--hard", "main"]);
    repository.git(["gc", "--quiet"]);
    repository
}

fn known(report: &Report) -> u64 {
    report.summary["read"]["known"].as_u64().unwrap()
}

fn caches(repository: &Repository) -> Vec<PathBuf> {
    let folder = repository.git_file("keysieve");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// All that a report says but for how it came to know.
fn said(report: &Report) -> (Vec<Value>, Value) {
    let mut summary = report.summary.clone();
    summary["seconds"].take();
    summary["finished"].take();
    summary["read"]["known"].take();
    (report.findings.clone(), summary)
}

#[test]
fn the_second_audit_says_the_same_and_knows_most_blobs() {
    let (scratch, secret, new) = (Scratch::new(), github_pat(1), github_pat(2));
    let repository = packed(&scratch, &secret);
    let first = repository.audit();
    let second = repository.audit();
    assert_eq!(known(&first), 0);
    assert!(known(&second) > 500, "{:#}", second.summary);
    assert_eq!(said(&first), said(&second));
    assert_eq!(second.places(&secret, "git")[0]["path"], "hidden-place.py");

    repository.commit_file("new.py", token_line(&new));
    let third = repository.audit();
    assert!(known(&third) > 500);
    third.assert_secrets(&[&secret, &new]);
    assert_eq!(said(&third), said(&repository.audit_with(&["--no-cache", "--show-secrets"])));

    repository.git(["gc", "--quiet"]);
    let repacked = repository.audit();
    assert_eq!(known(&repacked), 0);
    assert_eq!(repacked.findings, third.findings);
    assert_eq!(caches(&repository).len(), 1, "the old pack's cache is gone");
}

#[test]
fn several_packs_that_share_objects_are_counted_once() {
    let (scratch, secret) = (Scratch::new(), github_pat(3));
    let repository = packed(&scratch, &secret);
    repository.audit();
    // All objects once more, in another pack; and then with both known.
    let objects = repository.git(["rev-list", "--all", "--objects", "--no-object-names"]);
    let prefix = repository.git_file("objects/pack/pack");
    repository.git_reading(objects.as_bytes(), &["pack-objects", "--quiet", prefix.to_str().unwrap()]);
    for _ in 0..2 {
        let report = repository.audit_everything();
        assert!(known(&report) > 500);
        report.assert_secrets(&[&secret]);
    }
}

#[test]
fn a_cache_holds_neither_secret_nor_path() {
    let (scratch, secret) = (Scratch::new(), github_pat(4));
    let repository = packed(&scratch, &secret);
    repository.audit();
    let [file] = &caches(&repository)[..] else { panic!("one cache") };
    let bytes = fs::read(file).unwrap();
    for text in [secret.as_str(), &secret[8..24], "hidden-place", "file.txt", "dir3"] {
        assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
    }
}

#[test]
fn a_damaged_or_foreign_cache_is_ignored_and_written_anew() {
    let (scratch, secret) = (Scratch::new(), github_pat(5));
    let repository = packed(&scratch, &secret);
    let expected = said(&repository.audit());
    let [file] = &caches(&repository)[..] else { panic!("one cache") };
    let sound = fs::read(file).unwrap();
    let flipped = |at: usize| {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x10;
        bytes
    };
    let damages = [0, 20, 60, sound.len() / 2, sound.len() - 1].map(flipped);
    let cut = [Vec::new(), sound[..sound.len() / 2].to_vec(), [&sound[..], b"more"].concat()];
    for damaged in damages.into_iter().chain(cut) {
        fs::write(file, damaged).unwrap();
        let report = repository.audit();
        assert_eq!(known(&report), 0);
        assert_eq!(said(&report), expected);
        assert!(known(&repository.audit()) > 500, "written anew");
    }
    // Rules of the user's own look for something else.
    let rules = scratch.write(
        "rules.yaml",
        "schema: 1\nrules:\n- id: x\n  name: X\n  provider: X\n  kind: provider\n  severity: low\n  confidence: high\n  \
         keywords: [file_]\n  pattern: '(?P<secret>file_[a-z]{4})'\n  references: ['https://x.example']\n  fix: Revoke it.\n  counter_examples: ['file_1']\n",
    );
    let report = repository.audit_with(&["--rules", rules.to_str().unwrap()]);
    assert_eq!(known(&report), 0);
}

#[test]
fn nothing_is_kept_where_it_was_not_asked_for() {
    let (scratch, secret) = (Scratch::new(), github_pat(6));
    let repository = packed(&scratch, &secret);
    repository.audit_with(&["--no-cache"]);
    assert!(caches(&repository).is_empty());
}

/// Three audits say the same, the second knows what was read before, and the third keeps nothing.
#[track_caller]
fn assert_known_but_for(repository: &Repository, unread: &[[&str; 2]], least: u64) {
    let first = repository.audit();
    unread.iter().for_each(|parts| first.assert_unread(parts));
    let second = repository.audit();
    assert_eq!(said(&first), said(&second));
    assert!(known(&second) > least, "{}", known(&second));
    assert_eq!(said(&first), said(&repository.audit_with(&["--no-cache", "--show-secrets"])));
}

#[test]
fn what_loose_objects_lack_is_named_each_time_and_the_rest_is_known() {
    let (scratch, secret) = (Scratch::new(), github_pat(6));
    let repository = packed(&scratch, &secret);
    let blob = repository.store_blob(b"soon to be lost");
    repository.git(["update-index", "--add", "--cacheinfo", &format!("100644,{blob},lost")]);
    repository.git(["commit", "--quiet", "--message", "Lose something"]);
    fs::remove_file(repository.loose_object(&blob)).unwrap();
    assert_known_but_for(&repository, &[["blob", &blob]], 500);
    // No pack's file says so: it is over once the commit is.
    repository.git(["reset", "--quiet", "--hard", "HEAD~1"]);
    repository.expire_reflogs();
    repository.git(["prune", "--expire=now"]);
    let report = repository.audit();
    report.assert_complete();
    assert!(known(&report) > 500);
}

#[test]
fn what_a_pack_lacks_is_named_each_time_until_it_is_there() {
    let (scratch, secret) = (Scratch::new(), github_pat(16));
    let repository = packed(&scratch, &secret);
    let lost =
        [repository.git(["rev-parse", "main:dir1/file.txt"]), repository.git(["rev-parse", "main~9:dir1"])];
    let content = repository.git(["cat-file", "blob", &lost[0]]);
    let tree = repository.command().args(["cat-file", "tree", &lost[1]]).output().unwrap().stdout;
    let objects = repository.git(["rev-list", "--all", "--objects", "--no-object-names"]);
    let others: Vec<&str> = objects.lines().filter(|id| !lost.iter().any(|lost| lost == id)).collect();
    let old = repository.packs();
    let prefix = repository.git_file("objects/pack/pack");
    repository
        .git_reading(others.join("\n").as_bytes(), &["pack-objects", "--quiet", prefix.to_str().unwrap()]);
    for file in old.iter().flat_map(|pack| [pack.clone(), pack.with_extension("idx")]) {
        fs::remove_file(file).unwrap();
    }
    assert_known_but_for(&repository, &[["blob", &lost[0]], ["tree", &lost[1]]], 500);
    repository.store_blob(content.as_bytes());
    assert_known_but_for(&repository, &[["tree", &lost[1]]], 500);
    repository.git_reading(&tree, &["hash-object", "-w", "-t", "tree", "--stdin"]);
    let mended = repository.audit();
    mended.assert_complete();
    assert_eq!(said(&mended), said(&repository.audit()));
}

#[test]
fn a_damaged_object_is_named_each_time_and_the_rest_is_known() {
    let (scratch, secret) = (Scratch::new(), github_pat(17));
    for name in ["main~3:dir1/file.txt", "main~3:dir1", "main~3"] {
        let repository = packed(&scratch, &secret);
        let id = repository.git(["rev-parse", name]);
        let (start, size) = repository.packed_entry(&id);
        let pack = &repository.packs()[0];
        let mut bytes = fs::read(pack).unwrap();
        bytes[start + size / 2] ^= 0xff;
        overwrite(pack, bytes);
        assert_known_but_for(&repository, &[["object", &id]], 400);
        fs::remove_dir_all(repository.path()).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_shallow_clone_s_cache_is_not_used_once_the_rest_is_there() {
    let (scratch, secret) = (Scratch::new(), github_pat(18));
    let origin = packed(&scratch, &secret);
    let clone = scratch.clone("clone", &["--depth=505", &origin.url()]);
    clone.git(["gc", "--quiet"]);
    let shallow = clone.audit();
    shallow.assert_unread(&["fetch --unshallow"]);
    assert_eq!(said(&shallow), said(&clone.audit()));
    assert!(known(&clone.audit()) > 400);
    clone.git(["fetch", "--quiet", "--unshallow"]);
    let whole = clone.audit();
    whole.assert_complete();
    assert_eq!(said(&whole), said(&clone.audit_with(&["--no-cache", "--show-secrets"])));
}

#[test]
fn what_a_cached_pack_names_elsewhere_is_looked_for_again() {
    let (scratch, secret) = (Scratch::new(), github_pat(7));
    let repository = packed(&scratch, &secret);
    // All but one blob in a new pack, which names that blob; the blob alone outside of it.
    let blob = repository.git(["rev-parse", "main:dir1/file.txt"]);
    let content = repository.git(["cat-file", "blob", &blob]);
    let objects = repository.git(["rev-list", "--all", "--objects", "--no-object-names"]);
    let others: Vec<&str> = objects.lines().filter(|id| *id != blob).collect();
    let old = repository.packs();
    let prefix = repository.git_file("objects/pack/pack");
    let arguments = ["pack-objects", "--quiet", prefix.to_str().unwrap()];
    repository.git_reading(others.join("\n").as_bytes(), &arguments);
    for file in old.iter().flat_map(|pack| [pack.clone(), pack.with_extension("idx")]) {
        fs::remove_file(file).unwrap();
    }
    repository.store_blob(content.as_bytes());

    repository.audit();
    assert!(known(&repository.audit()) > 500, "the pack is known");
    fs::remove_file(repository.loose_object(&blob)).unwrap();
    let report = repository.audit();
    assert!(known(&report) > 500);
    report.assert_unread(&["blob", &blob]);
    report.assert_secrets(&[&secret]);
}

#[test]
fn a_secret_in_a_file_s_name_is_found_again() {
    let (scratch, secret, in_name) = (Scratch::new(), github_pat(10), github_pat(11));
    let repository = packed(&scratch, &secret);
    repository.write(&format!("dump-{in_name}.txt"), "dump");
    repository.commit("Dump");
    repository.git(["gc", "--quiet"]);
    for _ in 0..2 {
        repository.audit().assert_secrets(&[&secret, &in_name]);
    }
}

#[cfg(unix)]
#[test]
fn nothing_is_read_or_written_where_the_cache_is_no_file_of_its_own() {
    let (scratch, secret) = (Scratch::new(), github_pat(9));
    let repository = packed(&scratch, &secret);
    let expected = said(&repository.audit());
    let [file] = &caches(&repository)[..] else { panic!("one cache") };

    // Reading these would never end.
    fs::remove_file(file).unwrap();
    std::os::unix::fs::symlink("/dev/zero", file).unwrap();
    assert_eq!(said(&repository.audit()), expected);
    assert!(fs::symlink_metadata(file).unwrap().is_file(), "written anew");
    fs::remove_file(file).unwrap();
    assert!(Command::new("mkfifo").arg(file).status().unwrap().success());
    assert_eq!(said(&repository.audit()), expected);

    // A folder of somebody else's.
    let folder = repository.git_file("keysieve");
    fs::remove_dir_all(&folder).unwrap();
    let theirs = scratch.write("theirs/important.cache", "theirs");
    std::os::unix::fs::symlink(theirs.parent().unwrap(), &folder).unwrap();
    assert_eq!(said(&repository.audit()), expected);
    assert_eq!(caches(&repository), [folder.join("important.cache")], "neither written there nor removed");
}

#[test]
fn two_audits_at_once_do_no_harm() {
    let (scratch, secret) = (Scratch::new(), github_pat(8));
    let repository = packed(&scratch, &secret);
    let arguments = ["audit", repository.path_text(), "--format", "jsonl", "--show-secrets"];
    let reports: Vec<_> = std::thread::scope(|scope| {
        let audit = || said(&scratch.keysieve(arguments).report());
        let audits: Vec<_> = (0..4).map(|_| scope.spawn(audit)).collect();
        audits.into_iter().map(|audit| audit.join().unwrap()).collect()
    });
    assert!(reports.iter().all(|report| *report == reports[0]));
    assert_eq!(caches(&repository).len(), 1);
    assert_eq!(said(&repository.audit()), reports[0]);
}

#[test]
fn what_is_suppressed_is_not_known_to_be_clean() {
    let (scratch, secret) = (Scratch::new(), github_pat(11));
    let repository = packed(&scratch, &secret);
    let audited = |expected: &[&str]| {
        let report = repository.audit();
        report.assert_secrets(expected);
        report
    };
    audited(&[&secret]);
    assert_eq!(repository.run_keysieve(&["baseline", "create"]).code, 0);
    // Twice: what the first writes to the cache is what the second knows.
    assert_eq!(known(&audited(&[])), known(&audited(&[])));
    repository.remove(".keysieve-baseline.yaml");
    audited(&[&secret]);

    repository.write(".keysieve.yaml", "schema: 1\npaths: [{ignore: '*.py', rules: [github-pat]}]\n");
    assert!(known(&audited(&[])) > 500, "paths change nothing of what is found");
    repository.write(".keysieve.yaml", "schema: 1\nrules: {off: [github-pat]}\n");
    assert_eq!(known(&repository.audit()), 0, "other rules find other things");
    assert!(known(&repository.audit()) > 500);
    repository.remove(".keysieve.yaml");
    audited(&[&secret]);
}

#[test]
fn an_allowed_secret_comes_back_when_its_marker_counts_no_more() {
    let (scratch, secret) = (Scratch::new(), github_pat(12));
    let repository = packed(&scratch, &secret);
    repository.commit_file("hidden-place.py", token_line(&secret));
    repository.commit_file("allowed.py", token_line(&secret).replace('\n', "  # gitleaks:allow\n"));
    repository.write(".keysieve.yaml", "schema: 1\ncompat-markers: true\n");
    let places = |report: &Report| report.places(&secret, "git").len();
    repository.git(["gc", "--quiet"]);
    let honoured = [repository.audit(), repository.audit()].map(|report| places(&report));
    repository.remove(".keysieve.yaml");
    let ignored = repository.audit();
    assert!(known(&ignored) > 500);
    assert_eq!((honoured, places(&ignored)), ([1, 1], 2));
}
