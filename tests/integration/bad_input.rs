//! Bad input: each has a message that names it and says what to do, and exit code 2 unless all was read. One bad object never
//! stops the rest from being read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::fixture::{Repository, Run, Scratch, overwrite};
use crate::secrets::{Random, github_pat, noise, token_line};

/// A message on standard error that holds all of `parts`, no results, exit code 2.
#[track_caller]
fn assert_refused(run: &Run, parts: &[&str]) {
    assert_eq!(run.code, 2, "{run:?}");
    assert_eq!(run.stdout, "");
    assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
    for part in parts {
        assert!(run.stderr.contains(part), "no {part:?} in {}", run.stderr);
    }
}

/// A repository with one commit for each secret, each in a file of its own, among text that does not compress well.
fn repository_of(scratch: &Scratch, secrets: &[String]) -> Repository {
    let repository = scratch.repository("r");
    for (number, secret) in secrets.iter().enumerate() {
        repository.write(
            &format!("f{number}.txt"),
            format!("{}{}{}", random_text(number), token_line(secret), random_text(number + 50)),
        );
        repository.commit("Add");
    }
    for number in 0..secrets.len() {
        repository.remove(&format!("f{number}.txt"));
    }
    repository.commit("Remove");
    repository
}

fn random_text(seed: usize) -> String {
    let mut random = Random::new(seed as u64 + 1000);
    (0..20).map(|_| random.text(b"abcdefghijklmnopqrstuvwxyz !?;+~^", 90) + "\n").collect()
}

fn blob(repository: &Repository, number: usize) -> String {
    let commit = repository.git(["rev-list", "--reverse", "main"]);
    let commit = commit.lines().nth(number).unwrap();
    repository.git(["rev-parse", &format!("{commit}:f{number}.txt")])
}

fn pats(count: u64) -> Vec<String> {
    (300..300 + count).map(github_pat).collect()
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    overwrite(path, bytes);
}

#[test]
fn not_a_repository() {
    let scratch = Scratch::new();
    scratch.write("plain/a.py", "a = 1\n");
    let run = scratch.keysieve(["audit", "plain"]);
    assert_refused(&run, &["plain", "not a git repository", "keysieve scan plain"]);
}

#[test]
fn no_such_path() {
    let scratch = Scratch::new();
    assert_refused(&scratch.keysieve(["audit", "nowhere"]), &["nowhere", "no such directory"]);
}

#[test]
fn no_such_revision() {
    let scratch = Scratch::new();
    let repository = repository_of(&scratch, &pats(1));
    for revision in ["v9.9", "main~99", "0123456789abcdef0123456789abcdef01234567", "--", ""] {
        let run = repository.keysieve(&[&format!("--rev={revision}")]);
        assert_refused(&run, &[&format!("`{revision}`"), repository.path_text(), "git branch -a"]);
    }
    let tree = repository.git(["rev-parse", "main^{tree}"]);
    assert_refused(&repository.keysieve(&["--rev", &tree]), &[&tree, "it is a tree"]);
    repository.commit_file("a.py", "a = 1\n");
    assert_refused(&repository.keysieve(&["--rev", "HEAD:a.py"]), &["`HEAD:a.py`", "it is a blob"]);
    let run = repository.keysieve(&["--rev", "HEAD:x"]);
    assert_refused(&run, &["`HEAD:x`"]);
    assert!(!run.stderr.contains("^{"), "nothing that nobody typed: {}", run.stderr);
}

#[test]
fn an_empty_repository_is_clean_and_said() {
    let scratch = Scratch::new();
    for options in [[].as_slice(), &["--bare"]] {
        let repository = scratch.repository_with(&format!("r{}", options.len()), options);
        let report = repository.audit_everything();
        assert_eq!(report.code, 0);
        let notices = report.summary["notices"].to_string();
        assert!(notices.contains("no commits"), "{notices}");
        let text = repository.keysieve(&[]).stdout;
        assert!(text.contains("note: the repository has no commits"), "{text}");
    }
}

#[test]
fn a_repository_without_commits_has_its_work_tree_read() {
    let (scratch, secret) = (Scratch::new(), github_pat(301));
    let repository = scratch.repository("r");
    repository.write("a.py", token_line(&secret));
    let report = repository.audit_everything();
    assert_eq!(report.find(&secret)["exposure"], "worktree");
}

#[test]
fn a_shallow_clone() {
    let (scratch, secrets) = (Scratch::new(), pats(3));
    let source = scratch.repository("source");
    source.commit_file("old.py", token_line(&secrets[0]));
    source.remove("old.py");
    source.commit_file("new.py", token_line(&secrets[1]));
    let shallow = scratch.clone("shallow", &["--depth", "1", &source.url()]);
    let report = shallow.audit();
    report.assert_unread(&["shallow clone", "git fetch --unshallow"]);
    report.assert_secrets(&[&secrets[1]]);
    let text = shallow.keysieve(&[]).stdout;
    assert!(text.contains("NOT COMPLETE") && text.contains("git fetch --unshallow"), "{text}");
    let unread = report.summary["unread"].as_array().unwrap();
    assert_eq!(unread.len(), 1, "the boundary is no missing object: {unread:#?}");

    shallow.git(["fetch", "--quiet", "--unshallow"]);
    let whole = shallow.audit_everything();
    whole.assert_secrets(&[&secrets[0], &secrets[1]]);
}

#[test]
fn a_missing_blob() {
    let (scratch, secrets) = (Scratch::new(), pats(3));
    let repository = repository_of(&scratch, &secrets);
    let (missing, blobs) = (blob(&repository, 1), repository.count("blob"));
    fs::remove_file(repository.loose_object(&missing)).unwrap();
    let report = repository.audit();
    report.assert_unread(&["blob", &missing, "git fetch --refetch"]);
    report.assert_secrets(&[&secrets[0], &secrets[2]]);
    assert_eq!(report.summary["read"]["blobs"], blobs - 1);
}

#[test]
fn a_missing_tree_and_a_missing_commit() {
    let (scratch, secrets) = (Scratch::new(), pats(3));
    let repository = repository_of(&scratch, &secrets);
    let tree = repository.git(["rev-parse", "main~2^{tree}"]);
    let commit = repository.git(["rev-parse", "main~3"]);
    for id in [&tree, &commit] {
        fs::remove_file(repository.loose_object(id)).unwrap();
    }
    let report = repository.audit();
    report.assert_unread(&["tree", &tree]);
    report.assert_unread(&["commit", &commit]);
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    report.assert_secrets(&secrets);
}

#[test]
fn a_partial_clone() {
    let (scratch, secrets) = (Scratch::new(), pats(3));
    let source = repository_of(&scratch, &secrets);
    source.commit_file("here.py", token_line(&github_pat(310)));
    source.git(["config", "uploadpack.allowFilter", "true"]);
    let clone = scratch.clone("partial", &["--filter=blob:none", &source.url()]);
    let report = clone.audit();
    for number in 0..3 {
        report.assert_unread(&[&blob(&source, number), "git fetch --refetch"]);
    }
    report.assert_secrets(&[&github_pat(310)]);
    assert_eq!(report.summary["unread"].as_array().unwrap().len(), 3);
}

#[test]
fn a_missing_tip() {
    let (scratch, secrets) = (Scratch::new(), pats(2));
    let repository = repository_of(&scratch, &secrets);
    let lost = "1234567890123456789012345678901234567890";
    repository.write(".git/refs/heads/lost", format!("{lost}\n"));
    let report = repository.audit();
    report.assert_unread(&[lost, "lost"]);
    assert_eq!(report.findings.len(), 2);
}

#[test]
fn a_damaged_reference() {
    let (scratch, secrets) = (Scratch::new(), pats(2));
    let repository = repository_of(&scratch, &secrets);
    repository.write(".git/refs/heads/torn", "12345");
    let report = repository.audit();
    report.assert_unread(&["refs/heads/torn"]);
    assert_eq!(report.findings.len(), 2);
}

#[test]
fn a_damaged_list_of_packed_references() {
    let (scratch, secrets) = (Scratch::new(), pats(2));
    let repository = repository_of(&scratch, &secrets);
    repository.write(".git/packed-refs", b"\xff\0junk\n".repeat(9));
    let report = repository.audit();
    report.assert_unread(&["packed"]);
    assert_eq!(report.findings.len(), 2);
}

#[test]
fn a_corrupt_entry_in_a_pack() {
    let (scratch, secrets) = (Scratch::new(), pats(4));
    let repository = repository_of(&scratch, &secrets);
    repository.git(["repack", "-adfq", "--depth=0"]);
    let damaged = blob(&repository, 2);
    let (offset, size) = repository.packed_entry(&damaged);
    flip(&repository.packs()[0], offset + size / 2);
    let report = repository.audit();
    report.assert_unread(&[&damaged, "restore it from another clone"]);
    report.assert_secrets(&[&secrets[0], &secrets[1], &secrets[3]]);
}

#[test]
fn a_corrupt_base_of_deltas() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let other = github_pat(320);
    repository.commit_file("other.txt", token_line(&other));
    let text = random_text(1).repeat(3);
    for version in 0..6 {
        repository.commit_file("a.txt", format!("{text}{}", noise(version, 2)));
    }
    repository.git(["repack", "-adfq", "--depth=50"]);
    let [pack] = repository.packs().try_into().unwrap();
    let listing = repository.git(["verify-pack", "-v", pack.to_str().unwrap()]);
    let versions: Vec<&str> = listing.lines().filter(|line| line.contains(" blob ")).collect();
    let derived: Vec<&str> =
        versions.iter().filter(|line| line.split_whitespace().count() == 7).map(|line| &line[..40]).collect();
    assert_eq!(derived.len(), 5, "{listing}");
    let base = versions
        .iter()
        .find(|line| line.split_whitespace().nth(2).unwrap().parse::<usize>().unwrap() > 2000)
        .unwrap();
    let (offset, size) = repository.packed_entry(&base[..40]);
    flip(&pack, offset + size / 2);
    let report = repository.audit();
    for id in derived.iter().chain([&&base[..40]]) {
        report.assert_unread(&[id]);
    }
    report.assert_secrets(&[&other]);
}

#[test]
fn an_object_that_is_damaged_in_one_pack_and_whole_in_another() {
    let (scratch, secrets) = (Scratch::new(), pats(2));
    let repository = repository_of(&scratch, &secrets);
    repository.git(["repack", "-aq", "--depth=0"]);
    let (offset, size) = repository.packed_entry(&blob(&repository, 1));
    flip(&repository.packs()[0], offset + size / 2);
    // The loose object is still there.
    let report = repository.audit();
    assert_eq!(report.findings.len(), 2);
    assert_eq!(report.summary["read"]["blobs"], 2);
    report.assert_complete();
}

#[test]
fn a_truncated_pack() {
    let (scratch, secrets) = (Scratch::new(), pats(6));
    let repository = repository_of(&scratch, &secrets);
    repository.git(["repack", "-adfq", "--depth=0"]);
    let [pack] = repository.packs().try_into().unwrap();
    let offsets: Vec<usize> = (0..6).map(|n| repository.packed_entry(&blob(&repository, n)).0).collect();
    let bytes = fs::read(&pack).unwrap();
    let cut = bytes.len() / 2;
    overwrite(&pack, &bytes[..cut]);
    let report = repository.audit();
    let name = pack.file_name().unwrap().to_str().unwrap();
    report.assert_unread(&[name, "restore it from another clone"]);
    let mut complete: Vec<usize> = (0..6).filter(|&n| offsets[n] < cut).collect();
    complete.sort_by_key(|&n| offsets[n]);
    // The last of these is the one that was cut, or ends close to it.
    assert!(complete.len() >= 2 && complete.len() < 6);
    for &number in &complete[..complete.len() - 1] {
        report.find(&secrets[number]);
    }
    let loose = github_pat(330);
    repository.store_blob(token_line(&loose).as_bytes());
    repository.audit().find(&loose);
}

#[test]
fn a_pack_of_no_bytes() {
    let (scratch, secrets) = (Scratch::new(), pats(2));
    let repository = repository_of(&scratch, &secrets);
    repository.git(["repack", "-adfq"]);
    let [pack] = repository.packs().try_into().unwrap();
    overwrite(&pack, "");
    let loose = github_pat(331);
    repository.store_blob(token_line(&loose).as_bytes());
    let report = repository.audit();
    report.assert_unread(&[&pack.file_stem().unwrap().to_str().unwrap()[5..]]);
    report.assert_secrets(&[&loose]);
}

#[test]
fn a_pack_without_index() {
    let (scratch, secrets) = (Scratch::new(), pats(2));
    let repository = repository_of(&scratch, &secrets);
    repository.git(["repack", "-adfq"]);
    let [pack] = repository.packs().try_into().unwrap();
    fs::remove_file(pack.with_extension("idx")).unwrap();
    let report = repository.audit();
    report.assert_unread(&[pack.to_str().unwrap(), "git index-pack"]);
    repository.git(["index-pack", pack.to_str().unwrap()]);
    assert_eq!(repository.audit_everything().findings.len(), 2);
}

#[test]
fn an_index_without_pack_and_a_damaged_index_of_a_pack() {
    let (scratch, secrets) = (Scratch::new(), pats(2));
    let repository = repository_of(&scratch, &secrets);
    repository.git(["repack", "-adfq"]);
    let [pack] = repository.packs().try_into().unwrap();
    let index = pack.with_extension("idx");
    let bytes = fs::read(&index).unwrap();
    flip(&index, bytes.len() / 2);
    repository.audit().assert_unread(&[index.to_str().unwrap()]);
    overwrite(&index, b"junk");
    repository.audit().assert_unread(&[index.to_str().unwrap()]);
    overwrite(&index, bytes);
    fs::remove_file(&pack).unwrap();
    repository.audit().assert_unread(&[index.to_str().unwrap()]);
}

#[test]
fn a_corrupt_loose_object() {
    let (scratch, secrets) = (Scratch::new(), pats(5));
    let repository = repository_of(&scratch, &secrets);
    let ids: Vec<String> = (0..5).map(|number| blob(&repository, number)).collect();
    let files: Vec<_> = ids.iter().map(|id| repository.loose_object(id)).collect();
    overwrite(&files[0], "this is no zlib stream");
    overwrite(&files[1], "");
    overwrite(&files[2], fs::read(&files[4]).unwrap());
    let whole = fs::read(&files[3]).unwrap();
    overwrite(&files[3], &whole[..whole.len() / 2]);
    let report = repository.audit();
    for id in &ids[..4] {
        report.assert_unread(&[id, "restore it from another clone"]);
    }
    report.assert_unread(&[&ids[2], "does not match"]);
    report.assert_secrets(&[&secrets[4]]);
}

#[test]
fn a_corrupt_commit() {
    let (scratch, secrets) = (Scratch::new(), pats(3));
    let repository = repository_of(&scratch, &secrets);
    let commit = repository.git(["rev-parse", "main~1"]);
    overwrite(&repository.loose_object(&commit), "junk");
    let report = repository.audit();
    report.assert_unread(&[&commit]);
    assert_eq!(report.findings.len(), 3, "blobs do not need their commit");
}

#[test]
fn an_unreadable_file() {
    let (scratch, secret) = (Scratch::new(), github_pat(340));
    scratch.write("d/open.py", token_line(&secret));
    let closed = scratch.write("d/closed.py", "a = 1\n");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&closed).is_ok() {
        eprintln!("passed over: this user (root?) may read every file, whatever its mode");
        return;
    }
    let report = scratch.scan(&["d"]);
    report.assert_unread(&["d/closed.py", "ermission denied"]);
    report.assert_secrets(&[&secret]);
}

#[test]
fn a_damaged_index_of_the_work_tree() {
    let (scratch, secrets) = (Scratch::new(), pats(1));
    let repository = repository_of(&scratch, &secrets);
    let in_work_tree = github_pat(341);
    repository.write("new.py", token_line(&in_work_tree));
    overwrite(&repository.git_file("index"), "DIRC and then junk");
    let report = repository.audit();
    report.assert_unread(&[".git/index", "the index is damaged", "git reset"]);
    report.assert_secrets(&[&secrets[0], &in_work_tree]);
}

#[test]
fn a_missing_alternate() {
    let (scratch, secrets) = (Scratch::new(), pats(2));
    let repository = repository_of(&scratch, &secrets);
    let gone = scratch.path("gone/objects");
    repository.write(".git/objects/info/alternates", format!("{}\n", gone.display()));
    let report = repository.audit();
    report.assert_unread(&[gone.to_str().unwrap(), "alternates", "restore it"]);
    assert_eq!(report.findings.len(), 2);
}

#[test]
fn a_damaged_configuration_is_not_taken_for_no_repository() {
    let scratch = Scratch::new();
    let repository = repository_of(&scratch, &pats(1));
    repository.write(".git/config", "[core\n");
    let run = repository.keysieve(&[]);
    assert_eq!(run.code, 2);
    let output = run.stdout + &run.stderr;
    assert!(output.contains("config"), "{output}");
    assert!(!output.contains("not a git repository"), "{output}");
}

#[test]
fn a_damaged_head() {
    let (scratch, secrets) = (Scratch::new(), pats(2));
    let repository = repository_of(&scratch, &secrets);
    repository.write(".git/HEAD", "junk\n");
    let report = repository.audit();
    report.assert_unread(&["HEAD"]);
    assert_eq!(report.findings.len(), 2);
}

#[test]
fn alternates_in_a_circle() {
    let (scratch, secrets) = (Scratch::new(), pats(2));
    let repository = repository_of(&scratch, &secrets);
    let own = repository.git_file("objects");
    repository.write(".git/objects/info/alternates", format!("{}\n", own.display()));
    assert_refused(&repository.keysieve(&[]), &["cannot be opened", "cycle", "objects/info/alternates"]);
}

#[test]
fn a_damaged_list_of_shallow_commits() {
    let (scratch, secrets) = (Scratch::new(), pats(2));
    let repository = repository_of(&scratch, &secrets);
    repository.write(".git/shallow", "no commit id\n");
    let report = repository.audit();
    report.assert_unread(&["shallow"]);
    assert_eq!(report.findings.len(), 2);
}

#[test]
fn a_scan_of_a_missing_path_scans_the_others() {
    let (scratch, secret) = (Scratch::new(), github_pat(342));
    scratch.write("a.py", token_line(&secret));
    let report = scratch.scan(&["nowhere.py", "a.py"]);
    report.assert_unread(&["nowhere.py", "No such file"]);
    report.assert_secrets(&[&secret]);
}

#[test]
fn arguments_that_are_wrong() {
    let scratch = Scratch::new();
    assert_eq!(scratch.keysieve(["audit", "--format", "xml"]).code, 2);
    assert_eq!(scratch.keysieve(["scan"]).code, 2);
    assert_eq!(scratch.keysieve(["frobnicate"]).code, 2);
    let run = scratch.keysieve(["scan", "-", "a.py"]);
    assert_refused(&run, &["standard input", "./-"]);
}

#[test]
fn an_output_file_that_cannot_be_written() {
    let scratch = Scratch::new();
    scratch.write("a.py", "a = 1\n");
    let run = scratch.keysieve(["scan", "a.py", "-o", "no/such/folder/report"]);
    assert_refused(&run, &["no/such/folder/report", "make it first"]);
    // It is said before anything is read, so before what is wrong there.
    let run = scratch.keysieve(["audit", "nowhere", "-o", "no/such/folder/report"]);
    assert_refused(&run, &["no/such/folder/report"]);
    let run = scratch.keysieve(["scan", "a.py", "-o", "."]);
    assert_refused(&run, &["it is a folder"]);
}
