//! Repositories that are kept in unusual ways, or half there: what git takes without a word is no gap, what it stumbles over is
//! named.

use std::fs;

use crate::fixture::{Repository, Run, Scratch};
use crate::secrets::{github_pat, token_line};

#[track_caller]
fn assert_names(run: &Run, parts: &[&str]) {
    assert_eq!(run.code, 2, "{run:?}");
    for part in parts {
        assert!(run.stderr.contains(part), "no {part:?} in {}", run.stderr);
    }
}

#[test]
fn a_git_file_that_leads_nowhere_names_the_missing_folder() {
    let scratch = Scratch::new();
    let main = scratch.repository("main");
    main.commit_file("a.py", "a = 1\n");
    main.git(["worktree", "add", "--quiet", "--detach", "../linked"]);
    let linked = scratch.existing("linked");
    linked.write("sub/.env", "TOKEN=\n");
    let commands: [&[&str]; 6] = [
        &["audit"],
        &["audit", "sub"],
        &["diff", "HEAD~1..HEAD"],
        &["diff", "--staged"],
        &["hook", "run", "pre-commit"],
        &["env"],
    ];
    let admin = main.git_file("worktrees/linked");
    let git_file = linked.path().join(".git");
    let missing = scratch.path("main/.git");
    fs::rename(&missing, scratch.path("gone")).unwrap();
    for command in commands {
        let parts =
            [git_file.to_str().unwrap(), admin.to_str().unwrap(), "does not exist", "worktree repair"];
        assert_names(&linked.run_keysieve(command), &parts);
    }
    // A path from the file's own folder, as submodules have.
    linked.write(".git", "gitdir: ../nowhere/modules/a\n");
    for command in commands {
        assert_names(&linked.run_keysieve(command), &["nowhere/modules/a", "does not exist"]);
    }
    // The work tree's own part is there, and the main one is not.
    fs::rename(scratch.path("gone"), &missing).unwrap();
    linked.write(".git", format!("gitdir: {}\n", admin.display()));
    main.write(".git/worktrees/linked/commondir", "../../../moved\n");
    for command in commands {
        assert_names(&linked.run_keysieve(command), &["commondir", "moved", "does not exist"]);
    }
}

#[test]
fn what_is_known_without_being_stored_is_not_missing() {
    for format in ["sha1", "sha256"] {
        let (scratch, secret) = (Scratch::new(), github_pat(3030));
        let repository = scratch.repository_with("r", &[&format!("--object-format={format}")]);
        let tree = repository.git(["hash-object", "-t", "tree", "/dev/null"]);
        let blob = repository.store_blob(b"");
        repository.write("empty.py", "");
        // As `git rebase -i --root` begins.
        let root = repository.git(["commit-tree", &tree, "-m", "Root"]);
        repository.git(["reset", "--quiet", &root]);
        let files = format!("100644 blob {blob}\tempty.py\n040000 tree {tree}\tempty\n");
        let files = repository.git_reading(files.as_bytes(), &["mktree"]);
        let second = repository.git(["commit-tree", &files, "-p", &root, "-m", "Empty"]);
        repository.git(["reset", "--quiet", &second]);
        repository.commit_file("a.py", token_line(&secret));
        for (name, id) in [("tree", &tree), ("blob", &blob)] {
            repository.git(["update-ref", &format!("refs/tags/{name}"), id]);
            let stored = repository.git_file(&format!("objects/{}/{}", &id[..2], &id[2..]));
            let _ = fs::remove_file(&stored);
        }
        let report = repository.audit();
        report.assert_complete();
        report.assert_secrets(&[&secret]);
        let range = repository.diff(&[&format!("{root}..main")]);
        range.assert_complete();
        range.assert_secrets(&[&secret]);
    }
}

/// Folders of 200 letters up to a path of this many bytes.
fn long_path(length: usize) -> String {
    let mut path = "d".repeat(200);
    while path.len() + 201 < length {
        path = format!("{path}/{}", "d".repeat(200));
    }
    format!("{path}/{}", "f".repeat(length - path.len() - 1))
}

#[test]
fn paths_of_four_thousand_bytes_and_more() {
    let lengths = [4094, 4095, 4096, 4097, 4098, 4099, 4100, 4101, 4102, 4103, 9000];
    for version in ["2", "3", "4"] {
        let scratch = Scratch::new();
        let repository: Repository = scratch.repository("r");
        repository.commit_file("a.py", "a = 1\n");
        repository.write("later.py", "later = 1\n");
        let secrets: Vec<String> = (0..lengths.len() as u64).map(|seed| github_pat(3040 + seed)).collect();
        let lines = lengths.iter().zip(&secrets).map(|(&length, secret)| {
            let blob = repository.store_blob(token_line(secret).as_bytes());
            format!("100644 {blob}\t{}\n", long_path(length))
        });
        repository.git_reading(lines.collect::<String>().as_bytes(), &["update-index", "--index-info"]);
        repository.git(["update-index", "--index-version", version]);
        if version == "3" {
            // Only entries with further flags make git write this version.
            repository.git(["add", "--intent-to-add", "later.py"]);
        }
        let expected: Vec<&str> = secrets.iter().map(String::as_str).collect();
        let staged = repository.diff(&["--staged"]);
        staged.assert_complete();
        staged.assert_secrets(&expected);
        for (&length, secret) in lengths.iter().zip(&secrets) {
            assert_eq!(staged.place(secret)["path"], long_path(length), "{length}");
        }
        let audit = repository.audit_everything();
        audit.assert_secrets(&expected);
        assert_eq!(audit.place(&secrets[3])["path"], long_path(lengths[3]));
    }
}
