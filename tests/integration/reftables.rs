//! Repositories that keep their references in tables (`git init --ref-format=reftable`) say the same as those that keep each in
//! a file.

use std::fs;
use std::path::PathBuf;

use crate::fixture::{Repository, Run, Scratch, overwrite};
use crate::secrets::{github_pat, token_line};

const TABLES: &[&str] = &["--ref-format=reftable"];

/// A repository in which everything that can name a commit does.
fn build(scratch: &Scratch, options: &[&str]) -> Repository {
    let remote = scratch.repository_with("remote.git", &["--bare"]);
    let repository = scratch.repository_with("r", options);
    let secret = |number: u64| token_line(&github_pat(3100 + number));
    repository.git(["remote", "add", "origin", remote.path_text()]);
    repository.commit_file("pushed.py", secret(0));
    repository.git(["push", "--quiet", "--set-upstream", "origin", "main"]);
    repository.commit_file("local.py", secret(1));
    repository.git(["tag", "-a", "-m", &format!("Tag {}", github_pat(3110)), "v1"]);
    repository.write("local.py", secret(2));
    repository.git(["stash", "--quiet"]);
    repository.commit_file("lost.py", secret(3));
    repository.git(["reset", "--quiet", "--hard", "HEAD~1"]);
    repository.git(["checkout", "--quiet", "-b", "topic"]);
    repository.commit_file("topic.py", secret(4));
    repository.git(["checkout", "--quiet", "main"]);
    repository.git(["branch", "gone", "topic"]);
    repository.git(["branch", "--quiet", "-D", "gone"]);
    repository.git(["worktree", "add", "--quiet", "--detach", "../linked", "main"]);
    scratch.existing("linked").commit_file("detached.py", secret(5));
    repository.git(["update-ref", "-m", &github_pat(3111), "refs/heads/logged", "main"]);
    repository.git(["branch", &format!("named/{}", github_pat(3112))]);
    repository
}

#[test]
fn an_audit_says_the_same_as_with_files() {
    let (with_files, with_tables) = (Scratch::new(), Scratch::new());
    let files = build(&with_files, &["--ref-format=files"]);
    let tables = build(&with_tables, TABLES);
    let (expected, found) = (files.audit_everything(), tables.audit_everything());
    let paths_of = |text: String, scratch: &Scratch| text.replace(scratch.path("").to_str().unwrap(), "/");
    let expected_text = paths_of(format!("{:#?}", expected.findings), &with_files);
    assert_eq!(paths_of(format!("{:#?}", found.findings), &with_tables), expected_text);
    for (number, exposure) in
        [(0, "pushed"), (1, "local"), (2, "local"), (3, "local"), (4, "local"), (5, "local")]
    {
        assert_eq!(found.find(&github_pat(3100 + number))["exposure"], exposure, "{number}");
    }
    // From the linked work tree too, and after git merged its tables and packed all.
    with_tables.existing("linked").audit_everything().assert_secrets(&expected.secrets());
    tables.git(["pack-refs", "--all"]);
    tables.git(["repack", "-adq"]);
    tables.audit().assert_secrets(&expected.secrets());
}

#[test]
fn revisions_are_what_git_makes_of_them() {
    let scratch = Scratch::new();
    let repository = build(&scratch, TABLES);
    let mut revisions: Vec<String> = [
        "HEAD",
        "@",
        "main",
        "heads/main",
        "refs/heads/main",
        "main~1",
        "main^",
        "v1",
        "v1^{commit}",
        "tags/v1",
        "origin/main",
        "remotes/origin/main",
        "main@{0}",
        "main@{1}",
        "HEAD@{1}",
        "@{1}",
        "@{u}",
        "main@{upstream}",
        "@{-1}",
        "@{-1}~1",
        "stash",
        "stash@{0}",
        "topic",
        "HEAD^{/local}",
    ]
    .map(str::to_owned)
    .into();
    let main = repository.git(["rev-parse", "main"]);
    revisions.extend([main.clone(), main[..9].to_owned(), format!("{main}~1")]);
    for revision in revisions {
        let id = repository.git(["rev-parse", &format!("{revision}^{{commit}}")]);
        let run = repository.keysieve(&["--rev", &revision, "--format", "jsonl"]);
        let by_id = repository.keysieve(&["--rev", &id, "--format", "jsonl"]);
        assert!(run.code < 2, "{revision}: {run:?}");
        // The commands differ in the revision, which is not what is compared.
        let told = |run: Run, revision: &str| {
            let told = run.timeless();
            let (plain, quoted) = (format!(" --rev {revision}\""), format!(" --rev '{revision}'\""));
            assert!(told.contains(&plain) || told.contains(&quoted), "{told}");
            told.replace(&plain, "\"").replace(&quoted, "\"")
        };
        assert_eq!(told(run, &revision), told(by_id, &id), "{revision}");
    }
    for revision in ["nowhere", "main@{99}", "main@{yesterday}", "@{-9}", "main@{"] {
        let run = repository.keysieve(&["--rev", revision]);
        assert_eq!(run.code, 2, "{revision}");
        assert!(run.stderr.contains(revision), "{}", run.stderr);
    }
}

#[test]
fn ranges_and_hooks_as_with_files() {
    let scratch = Scratch::new();
    let repository = build(&scratch, TABLES);
    let range = repository.diff(&["main~1..main"]);
    range.assert_complete();
    range.assert_secrets(&[&github_pat(3101)]);
    assert_eq!(range.find(&github_pat(3101))["exposure"], "local");
    repository.diff(&["origin/main..topic"]).assert_secrets(&[&github_pat(3101), &github_pat(3104)]);

    repository.set_hook("pre-commit");
    repository.set_hook("pre-push");
    repository.git(["checkout", "--quiet", "-b", "clean", "origin/main"]);
    repository.write("new.py", "new = 1\n");
    repository.git(["add", "--all"]);
    let clean = repository.try_git(&["commit", "-m", "Clean"]);
    assert_eq!(clean.code, 0, "{clean:?}");
    let pushed = repository.push(&["origin", "clean"]);
    assert_eq!(pushed.code, 0, "{pushed:?}");
    assert!(pushed.stderr.contains("no new secrets in 1 commit"), "{pushed:?}");
    repository.write("new.py", token_line(&github_pat(3120)));
    repository.git(["add", "--all"]);
    let stopped = repository.try_git(&["commit", "-m", "Leak"]);
    assert!(stopped.stderr.contains("commit stopped: 1 new"), "{stopped:?}");
    let stopped = repository.push(&["origin", "topic"]);
    assert!(stopped.stderr.contains("push stopped: 2 new"), "{stopped:?}");
}

#[test]
fn thousands_of_references_in_blocks_of_several_kinds() {
    for options in [&[][..], &["--object-format=sha256"]] {
        let scratch = Scratch::new();
        let repository = scratch.repository_with("r", &[TABLES, options].concat());
        let secret = github_pat(3130);
        repository.commit_file("a.py", token_line(&secret));
        let commits: String =
            (0..3000).map(|number| format!("create refs/heads/b/{number:05} HEAD\n")).collect();
        repository.git_reading(commits.as_bytes(), &["update-ref", "--stdin", "--create-reflog"]);
        let deleted: String =
            (0..3000).step_by(3).map(|number| format!("delete refs/heads/b/{number:05}\n")).collect();
        repository.git_reading(deleted.as_bytes(), &["update-ref", "--stdin"]);
        for _ in 0..2 {
            let report = repository.audit_everything();
            let listed = repository.git(["for-each-ref", "--format=%(refname:short)"]);
            assert_eq!(listed.lines().count(), 2001);
            assert_eq!(report.find(&secret)["exposure"], "local");
            let named = repository.keysieve(&["--rev", "b/02999", "--format", "jsonl"]);
            assert_eq!(named.code, 1, "{named:?}");
            assert_eq!(repository.keysieve(&["--rev", "b/02997"]).code, 2, "a deleted one");
            repository.git(["pack-refs", "--all"]);
        }
    }
}

/// The tables of a git directory that are listed, the latest last.
fn tables(repository: &Repository) -> Vec<PathBuf> {
    let dir = repository.path().join(".git/reftable");
    let list = fs::read_to_string(dir.join("tables.list")).unwrap();
    list.lines().map(|name| dir.join(name)).collect()
}

#[test]
fn damaged_tables_are_named() {
    let scratch = Scratch::new();
    let repository = scratch.repository_with("r", TABLES);
    let secrets = [github_pat(3140), github_pat(3141)];
    repository.commit_file("a.py", token_line(&secrets[0]));
    repository.commit_file("b.py", token_line(&secrets[1]));
    repository.git(["pack-refs", "--all"]);
    let [table] = tables(&repository).try_into().unwrap();
    let (whole, list) = (fs::read(&table).unwrap(), table.with_file_name("tables.list"));
    let names = fs::read(&list).unwrap();
    let name = table.file_name().unwrap().to_str().unwrap();
    let assert_named = |part: &str| {
        let report = repository.audit();
        report.assert_unread(&[part]);
        report.assert_secrets(&[&secrets[0], &secrets[1]]);
        for arguments in [&["diff", "main~1..main"][..], &["diff", "--staged"]] {
            let run = repository.run_keysieve(arguments);
            assert_eq!(run.code, 2, "{arguments:?} {run:?}");
            assert!((run.stdout + &run.stderr).contains(part), "{arguments:?}");
        }
    };
    let end = whole.len();
    let mut wrong_sum = whole.clone();
    wrong_sum[end - 1] ^= 1;
    let mut wrong_block = whole.clone();
    wrong_block[24] = b'x';
    for damaged in [&whole[..end / 2], &whole[..10], b"", &wrong_sum, &wrong_block[..end - 5]] {
        overwrite(&table, damaged);
        assert_named(name);
    }
    fs::remove_file(&table).unwrap();
    assert_named(name);
    fs::write(&table, &whole).unwrap();
    fs::write(&list, "../../../etc/passwd\n").unwrap();
    assert_named("passwd");
    fs::remove_file(&list).unwrap();
    assert_named("tables.list");
    fs::write(&list, names).unwrap();
    repository.audit().assert_complete();
}
