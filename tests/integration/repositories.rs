//! Repositories that are kept in unusual ways, or half there: what git takes without a word is no gap, what it stumbles over is
//! named.

use std::fs;

use crate::fixture::{Repository, Run, Scratch, keysieve_command, run};
use crate::secrets::{github_pat, token_line};

#[test]
fn files_of_other_programs_among_the_references_are_no_gap() {
    let (scratch, secret) = (Scratch::new(), github_pat(3000));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", token_line(&secret));
    repository.git(["worktree", "add", "--quiet", "--detach", "../linked"]);
    let own = "[.ShellClassInfo]\r\nIconResource=C:\\x.dll,0\r\n";
    let objects = fs::read_dir(repository.git_file("objects")).unwrap();
    let objects = objects.map(|dir| format!("objects/{}", dir.unwrap().file_name().to_str().unwrap()));
    let folders = ["refs", "refs/heads", "refs/tags", "logs/refs/heads", "worktrees", "info", "hooks"];
    for folder in folders.map(str::to_owned).into_iter().chain(objects) {
        repository.write(&format!(".git/{folder}/desktop.ini"), own);
    }
    let report = repository.audit_everything();
    assert_eq!(report.find(&secret)["exposure"], "local");
    for folder in ["refs", "refs/heads", "refs/tags"] {
        report.assert_skipped(&[&format!("{folder}/desktop.ini"), "no reference", "deleted"]);
    }
    // What may be left of a reference is one that cannot be read.
    for torn in ["", "12345", "\0\0\0\0"] {
        repository.write(".git/refs/heads/torn", torn);
        repository.audit().assert_unread(&["refs/heads/torn"]);
    }
}

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

/// A clean commit passes the hook, one with a secret is stopped.
fn assert_guarded(git: impl Fn(&[&str]) -> Run, write: impl Fn(&str, String), seed: u64) {
    write("clean.py", "clean = 1\n".to_owned());
    let added = git(&["add", "--force", "clean.py"]);
    assert_eq!(added.code, 0, "{added:?}");
    let clean = git(&["commit", "-m", "Clean"]);
    assert_eq!(clean.code, 0, "{clean:?}");
    assert!(clean.stderr.contains("no new secrets"), "{clean:?}");
    write("leak.py", token_line(&github_pat(seed)));
    git(&["add", "--force", "leak.py"]);
    let stopped = git(&["commit", "-m", "Leak"]);
    assert_ne!(stopped.code, 0);
    assert!(stopped.stderr.contains("commit stopped: 1 new"), "{stopped:?}");
}

#[test]
fn a_work_tree_linked_to_a_bare_clone() {
    let scratch = Scratch::new();
    let origin = scratch.repository("origin");
    origin.commit_file("a.py", "a = 1\n");
    let bare = scratch.clone("app.git", &["--bare", &origin.url()]);
    bare.git(["worktree", "add", "--quiet", "-b", "lane", "../lane"]);
    bare.set_hook("pre-commit");
    let lane = scratch.existing("lane");
    assert_guarded(|arguments| lane.try_git(arguments), |path, text| drop(lane.write(path, text)), 3010);
    let staged = lane.diff(&["--staged"]);
    staged.assert_secrets(&[&github_pat(3010)]);
    assert_eq!(staged.place(&github_pat(3010))["path"], "leak.py");
    lane.git(["rm", "--quiet", "--force", "leak.py"]);
    let clean = lane.run_keysieve(&["diff", "--staged"]);
    assert_eq!(clean.code, 0, "{clean:?}");
    // In the bare one itself nothing can be staged.
    assert_names(&bare.run_keysieve(&["diff", "--staged"]), &["bare"]);
}

#[test]
fn a_home_directory_whose_repository_lies_elsewhere() {
    let scratch = Scratch::new();
    let home = scratch.path("home");
    fs::create_dir(&home).unwrap();
    // As manuals for dotfiles have it, and with a work tree that the configuration names.
    for (name, options, seed) in
        [("bare.git", &["--bare"][..], 3020), ("named.git", &["--bare"], 3021), ("plain", &[], 3022)]
    {
        let repository = scratch.repository_with(name, options);
        repository.set_hook("pre-commit");
        let git_dir = repository.git_file("");
        let git_dir = git_dir.to_str().unwrap().trim_end_matches('/');
        let home_text = home.to_str().unwrap();
        let mut global = vec![format!("--git-dir={git_dir}")];
        if name == "named.git" {
            repository.git(["config", "core.bare", "false"]);
            repository.git([&format!("--git-dir={git_dir}"), "config", "core.worktree", home_text]);
        } else {
            global.push(format!("--work-tree={home_text}"));
        }
        let git = |arguments: &[&str]| {
            let mut command = repository.command();
            command.current_dir(&home).args(&global).args(arguments);
            run(&mut command, b"")
        };
        assert_guarded(git, |path, text| drop(scratch.write(&format!("home/{path}"), text)), seed);
        let secret = github_pat(seed);
        let mut staged = keysieve_command(&scratch.path(""));
        staged.current_dir(&home).args(["diff", "--staged", "--format", "jsonl", "--show-secrets"]);
        staged.env("GIT_DIR", git_dir);
        if name != "named.git" {
            staged.env("GIT_WORK_TREE", home_text);
        }
        let report = run(&mut staged, b"").report();
        report.assert_secrets(&[&secret]);
        report.assert_complete();
        // Whoever has an index commits here: what is in it has not left.
        let audit = scratch.existing(name).audit();
        assert_eq!(audit.find(&secret)["exposure"], "local", "{name}");
        git(&["rm", "--quiet", "--force", "leak.py"]);
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
