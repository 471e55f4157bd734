//! Where a secret came from, where it is now, and how far it has gone; and what was read.

use crate::fixture::{Scratch, refs};
use crate::secrets::{aws_key_id, github_pat, noise, token_line};

#[test]
fn first_and_last_commit() {
    let (scratch, secret) = (Scratch::new(), github_pat(200));
    let repository = scratch.repository("r");
    repository.commit_file("src/app.py", "import os\n");
    repository.write("src/app.py", format!("import os\n\n{}", token_line(&secret)));
    let first = repository.commit_with("Add", |git| {
        git.env("GIT_AUTHOR_NAME", "Grace Hopper")
            .env("GIT_AUTHOR_EMAIL", "grace@example.com")
            .env("GIT_AUTHOR_DATE", "2024-02-29T18:04:56+0530");
    });
    let last = repository.commit_file("other.py", "x = 1\n");
    repository.commit_file("src/app.py", "import os\n");
    repository.commit_file("other.py", "x = 2\n");

    let report = repository.audit_everything();
    let place = report.place(&secret);
    assert_eq!(place["kind"], "git");
    assert_eq!(place["path"], "src/app.py");
    assert_eq!(place["commit"], first);
    assert_eq!(place["author"], "Grace Hopper <grace@example.com>");
    assert_eq!(place["date"], "2024-02-29T18:04:56+05:30");
    assert_eq!(place["last_commit"], last);
    assert_eq!(place["blob"], repository.git(["rev-parse", &format!("{first}:src/app.py")]));
    assert_eq!(place["in_head"], false);
    assert_eq!(place["versions"], 1);
    assert!(refs(place).contains(&"main"), "{place:#}");
    let column = "TOKEN = \"".len() + 1;
    assert_eq!((&place["line"], &place["column"]), (&3.into(), &column.into()));
    assert_eq!((&place["end_line"], &place["end_column"]), (&3.into(), &(column + secret.len()).into()));
}

#[test]
fn what_a_finding_says() {
    let (scratch, secret) = (Scratch::new(), github_pat(201));
    let repository = scratch.repository("r");
    repository.commit_file("app.py", token_line(&secret));
    let report = repository.audit_everything();
    let finding = report.find(&secret);
    assert_eq!(finding["schema"], 1);
    assert_eq!(finding["rule"], "github-pat");
    assert_eq!(finding["provider"], "GitHub");
    assert_eq!(finding["severity"], "critical");
    assert_eq!(finding["confidence"], "high");
    assert_eq!(finding["hint"], format!("{}...{}", &secret[..4], &secret[secret.len() - 4..]));
    assert_eq!(finding["fingerprint"].as_str().unwrap().len(), 32);
    assert!(finding["fix"].as_str().unwrap().contains("environ"));
}

#[test]
fn still_in_head() {
    let (scratch, secret) = (Scratch::new(), github_pat(202));
    let repository = scratch.repository("r");
    let first = repository.commit_file("app.py", token_line(&secret));
    let last = repository.commit_file("other.py", "x = 1\n");
    let report = repository.audit_everything();
    let [place] = report.places(&secret, "git").try_into().unwrap();
    assert_eq!(place["in_head"], true);
    assert_eq!(place["commit"], first);
    assert_eq!(place["last_commit"], last);
    let [file] = report.places(&secret, "worktree").try_into().unwrap();
    assert_eq!((&file["path"], &file["line"]), (&"app.py".into(), &1.into()));
}

#[test]
fn pushed_or_local() {
    let scratch = Scratch::new();
    let remote = scratch.repository_with("remote.git", &["--bare"]);
    let repository = scratch.repository("r");
    let (pushed, local) = (github_pat(203), github_pat(204));
    repository.commit_file("pushed.py", token_line(&pushed));
    repository.git(["remote", "add", "origin", remote.path_text()]);
    repository.git(["push", "--quiet", "-u", "origin", "main"]);
    repository.commit_file("local.py", token_line(&local));

    let report = repository.audit_everything();
    assert_eq!(report.find(&pushed)["exposure"], "pushed");
    assert_eq!(report.find(&local)["exposure"], "local");
    let [place] = report.places(&pushed, "git").try_into().unwrap();
    assert_eq!(refs(place)[0], "origin/main", "what a remote has comes first");
    let [place] = report.places(&local, "git").try_into().unwrap();
    assert!(refs(place).iter().all(|name| !name.starts_with("origin/")), "{place:#}");
}

#[test]
fn a_push_is_not_undone_by_another() {
    let scratch = Scratch::new();
    let remote = scratch.repository_with("remote.git", &["--bare"]);
    let repository = scratch.repository("r");
    let secret = github_pat(205);
    repository.commit("First");
    repository.commit_file("a.py", token_line(&secret));
    repository.git(["remote", "add", "origin", remote.path_text()]);
    repository.git(["push", "--quiet", "-u", "origin", "main"]);
    repository.git(["reset", "--quiet", "--hard", "HEAD~1"]);
    repository.git(["push", "--quiet", "--force", "origin", "main"]);
    assert_eq!(repository.audit_everything().find(&secret)["exposure"], "pushed");
}

#[test]
fn pushed_in_a_message() {
    let scratch = Scratch::new();
    let remote = scratch.repository_with("remote.git", &["--bare"]);
    let repository = scratch.repository("r");
    let secret = github_pat(206);
    repository.commit(&format!("Use {secret}"));
    repository.git(["remote", "add", "origin", remote.path_text()]);
    repository.git(["push", "--quiet", "origin", "main"]);
    assert_eq!(repository.audit_everything().find(&secret)["exposure"], "pushed");
}

#[test]
fn lines_of_a_message_count_from_its_subject() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let (subject, body) = (github_pat(216), github_pat(217));
    repository.commit(&format!("Use {subject}\n\nwith {body}"));
    let report = repository.audit_everything();
    for (secret, line, column) in [(&subject, 1, 5), (&body, 3, 6)] {
        let place = &report.places(secret, "git-metadata")[0];
        assert_eq!((&place["line"], &place["column"]), (&line.into(), &column.into()), "{place}");
    }
}

#[test]
fn two_paths_are_two_places() {
    let (scratch, secret) = (Scratch::new(), github_pat(207));
    let repository = scratch.repository("r");
    let first = repository.commit_file("a.py", token_line(&secret));
    let second = repository.commit_file("deploy/b.yml", format!("x: 1\ntoken: {secret}\n"));
    // The same blob at a third path.
    let third = repository.commit_file("c.py", token_line(&secret));
    let report = repository.audit_everything();
    let places = report.places(&secret, "git");
    let found: Vec<_> = places
        .iter()
        .map(|place| {
            (
                place["path"].as_str().unwrap(),
                place["commit"].as_str().unwrap(),
                place["line"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [("a.py", first.as_str(), 1), ("c.py", &third, 1), ("deploy/b.yml", &second, 2)];
    assert_eq!(found.len(), 3, "{places:#?}");
    assert!(expected.iter().all(|place| found.contains(place)), "{found:?}");
}

#[test]
fn a_rename_is_another_place() {
    let (scratch, secret) = (Scratch::new(), github_pat(208));
    let repository = scratch.repository("r");
    let first = repository.commit_file("old.py", token_line(&secret));
    let last = repository.commit("Nothing");
    repository.git(["mv", "old.py", "new.py"]);
    let renamed = repository.commit("Rename");
    let report = repository.audit_everything();
    let places = report.places(&secret, "git");
    let at = |path: &str| places.iter().find(|place| place["path"] == path).unwrap();
    assert_eq!(places.len(), 2);
    assert_eq!((&at("old.py")["commit"], &at("old.py")["last_commit"]), (&first.into(), &last.into()));
    assert_eq!(at("old.py")["in_head"], false);
    assert_eq!(at("new.py")["commit"], renamed);
    assert_eq!(at("new.py")["in_head"], true);
}

#[test]
fn many_versions_of_a_file_are_one_place() {
    let (scratch, secret) = (Scratch::new(), github_pat(209));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "x = 0\n");
    let commits: Vec<String> = (0..30)
        .map(|version| {
            let content = format!("{}{}x = {version}\n", noise(version, 5), token_line(&secret));
            repository.commit_file("a.py", content)
        })
        .collect();
    repository.commit_file("a.py", "x = 0\n");
    for packed in [false, true] {
        if packed {
            repository.git(["repack", "-adfq"]);
        }
        let report = repository.audit_everything();
        let place = report.place(&secret);
        assert_eq!(place["versions"], 30);
        assert_eq!(place["commit"], commits[0]);
        assert_eq!(place["last_commit"], commits[29]);
        assert_eq!(place["line"], 6);
        assert_eq!(place["blob"], repository.git(["rev-parse", &format!("{}:a.py", commits[0])]));
    }
}

#[test]
fn the_branch_that_brought_it_in_is_named_not_the_merge() {
    let (scratch, secret) = (Scratch::new(), github_pat(210));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    repository.git(["checkout", "--quiet", "-b", "side"]);
    let first = repository.commit_file("b.py", token_line(&secret));
    repository.git(["checkout", "--quiet", "main"]);
    repository.commit_file("c.py", "c = 1\n");
    repository.git(["merge", "--quiet", "--no-ff", "-m", "Merge side", "side"]);
    repository.git(["tag", "v1"]);
    let report = repository.audit_everything();
    let [place] = report.places(&secret, "git").try_into().unwrap();
    assert_eq!(place["commit"], first);
    for name in ["main", "side", "v1"] {
        assert!(refs(place).contains(&name), "{place:#}");
    }
}

#[test]
fn a_secret_that_came_back_has_its_first_commit_and_is_in_head() {
    let (scratch, secret) = (Scratch::new(), github_pat(211));
    let repository = scratch.repository("r");
    let first = repository.commit_file("a.py", token_line(&secret));
    repository.commit_file("a.py", "a = 1\n");
    let last = repository.commit_file("a.py", format!("a = 1\n{}", token_line(&secret)));
    let report = repository.audit_everything();
    let [place] = report.places(&secret, "git").try_into().unwrap();
    assert_eq!(place["commit"], first);
    assert_eq!(place["last_commit"], last);
    assert_eq!(place["in_head"], true);
    assert_eq!(place["versions"], 2);
}

#[test]
fn one_finding_a_secret() {
    let (scratch, secret, other) = (Scratch::new(), github_pat(212), aws_key_id(212));
    let repository = scratch.repository("r");
    let line = format!("{}{}again = '{secret}'\n", token_line(&secret), token_line(&other));
    repository.commit_file("a.py", &line);
    repository.commit(&format!("Note {secret}"));
    repository.git(["tag", "-a", "v1", "-m", &secret]);
    repository.git(["branch", &format!("wip-{other}")]);
    let report = repository.audit_everything();
    report.assert_secrets(&[&secret, &other]);
    assert_eq!(report.places(&secret, "git-metadata").len(), 2);
    assert_eq!(report.places(&secret, "git").len(), 1);
    assert_eq!(report.places(&other, "git-metadata").len(), 1);
    assert_eq!(report.find(&secret)["exposure"], "local", "the furthest that it has gone");
}

#[test]
fn a_revision_holds_its_own_history_only() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let (old, new, message) = (github_pat(213), github_pat(214), github_pat(215));
    repository.commit_file("old.py", token_line(&old));
    repository.commit(&format!("Use {message}"));
    repository.git(["tag", "v1"]);
    repository.commit_file("new.py", token_line(&new));
    let report = repository.audit_with(&["--rev", "v1", "--show-secrets"]);
    report.assert_secrets(&[&old, &message]);
    report.assert_complete();
    let report = repository.audit_with(&["--rev", "HEAD", "--show-secrets"]);
    report.assert_secrets(&[&old, &message, &new]);
}

#[test]
fn a_revision_on_whose_branch_the_secret_was_written_again() {
    let (scratch, secret) = (Scratch::new(), github_pat(219));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    repository.git(["checkout", "--quiet", "-b", "first"]);
    repository.commit_file("b.py", token_line(&secret));
    repository.git(["checkout", "--quiet", "main"]);
    repository.commit_file("b.py", format!("{}x = 1\n", token_line(&secret)));
    // Both branches brought it in on their own; each has it.
    for revision in ["first", "main"] {
        let report = repository.audit_with(&["--rev", revision, "--show-secrets"]);
        report.assert_secrets(&[&secret]);
    }
    assert_eq!(
        repository.audit_with(&["--rev", "main~1", "--show-secrets"]).code,
        0,
        "before it was written"
    );
}

#[test]
fn many_references_are_counted() {
    let (scratch, secret) = (Scratch::new(), github_pat(216));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", token_line(&secret));
    repository.expire_reflogs();
    for number in 0..30 {
        repository.git(["branch", "--no-track", &format!("b{number:02}")]);
    }
    repository.expire_reflogs();
    let report = repository.audit_everything();
    let [place] = report.places(&secret, "git").try_into().unwrap();
    let more = place["more_refs"].as_u64().unwrap();
    assert_eq!(refs(place).len() as u64 + more, 31, "30 branches and main: {place:#}");
}

#[test]
fn exit_codes_tell_findings_from_none() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    let clean = repository.audit_everything();
    assert_eq!(clean.code, 0);
    assert_eq!(clean.summary["findings"], 0);
    repository.commit_file("b.py", token_line(&github_pat(217)));
    assert_eq!(repository.audit_everything().code, 1);
    let blob = repository.git(["rev-parse", "HEAD~1:a.py"]);
    std::fs::remove_file(repository.loose_object(&blob)).unwrap();
    assert_eq!(repository.audit().code, 2);
}

#[test]
fn the_coverage_line_counts_what_was_read() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    for number in 0..5 {
        repository.commit_file(&format!("f{number}.txt"), noise(number, 20));
    }
    repository.git(["tag", "-a", "v1", "-m", "Release"]);
    repository.store_blob(b"dangling");
    let report = repository.audit_everything();
    let read = &report.summary["read"];
    assert_eq!(
        (&read["commits"], &read["blobs"], &read["tags"], &read["files"]),
        (&5.into(), &6.into(), &1.into(), &5.into())
    );
    let sizes =
        repository.git(["cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectsize)"]);
    let stored: u64 = sizes
        .lines()
        .filter_map(|line| line.strip_prefix("tree ").is_none().then(|| line.rsplit_once(' ')).flatten())
        .map(|(_, size)| size.parse::<u64>().unwrap())
        .sum();
    let files: u64 = (0..5).map(|number| noise(number, 20).len() as u64).sum();
    assert!(read["bytes"].as_u64().unwrap() >= stored + files, "{read}");
    let text = repository.keysieve(&[]).stdout;
    assert!(text.contains("read: 5 commits, 1 tag, 6 blobs, 5 files, "), "{text}");
}

#[test]
fn names_of_files_and_folders_are_searched() {
    let (scratch, in_file, in_folder) = (Scratch::new(), github_pat(230), github_pat(231));
    let repository = scratch.repository("r");
    repository.commit_file("src/app.py", "import os\n");
    repository.write(&format!("backup/{in_file}.txt"), "same content\n");
    let file = repository.commit("Back up");
    // The same content under another name, and a folder that comes and goes with a secret inside a file.
    repository.commit_file("harmless.txt", "same content\n");
    let inside = github_pat(232);
    repository.write(&format!("dumps/{in_folder}/note.py"), token_line(&inside));
    let folder = repository.commit("Dump");
    repository.git(["rm", "--quiet", "-r", "backup", "dumps"]);
    repository.commit("Clean up");
    repository.git(["gc", "--quiet"]);

    let report = repository.audit_everything();
    report.assert_secrets(&[&in_file, &in_folder, &inside]);
    for (secret, path, commit) in [
        (&in_file, format!("backup/{in_file}.txt"), &file),
        (&in_folder, format!("dumps/{in_folder}"), &folder),
    ] {
        let place = report.place(secret);
        assert_eq!(place["kind"], "git-metadata");
        assert_eq!(place["field"], "name");
        assert_eq!(place["path"], path);
        assert_eq!(&place["commit"], commit);
        assert!(refs(place).contains(&"main"), "{place:#}");
    }
    // That the folder is looked for does not hide what lies in it.
    assert_eq!(report.places(&inside, "git")[0]["path"], format!("dumps/{in_folder}/note.py"));
    let text = scratch.keysieve(["audit", repository.path_text()]).stdout;
    assert!(!text.contains(&in_file) && !text.contains(&in_folder), "{text}");
    assert!(text.contains("the name of backup/"), "{text}");
}
