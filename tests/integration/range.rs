//! `keysieve diff`: what a range of commits, or the index, has new.

use std::collections::BTreeMap;

use crate::fixture::{Report, Repository, Scratch, run};
use crate::secrets::{Random, github_pat, noise, password, token_line};

/// A repository with a first commit, tagged `base`.
fn begun(scratch: &Scratch) -> Repository {
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    repository.git(["tag", "base"]);
    repository
}

#[test]
fn a_secret_of_the_range_is_found_and_an_older_one_is_not() {
    let (scratch, old, new) = (Scratch::new(), github_pat(1000), github_pat(1001));
    let repository = scratch.repository("r");
    repository.commit_file("old.py", token_line(&old));
    repository.git(["tag", "base"]);
    let commit = repository.commit_file("src/new.py", format!("x = 1\n{}", token_line(&new)));
    repository.commit_file("old.py", format!("import os\n{}", token_line(&old)));

    for spec in ["base..HEAD", "base...HEAD", "base", "base..", "HEAD~2..main"] {
        let report = repository.diff(&[spec]);
        report.assert_complete();
        report.assert_secrets(&[&new]);
        let place = report.place(&new);
        assert_eq!(place["path"], "src/new.py");
        assert_eq!((&place["line"], &place["column"]), (&2.into(), &10.into()));
        assert_eq!(place["commit"], commit);
        assert_eq!(place["in_head"], true);
        assert_eq!(report.find(&new)["exposure"], "local");
        assert_eq!(report.summary["read"]["commits"], 2);
        assert_eq!(report.summary["read"]["blobs"], 2);
    }
    let clean = repository.diff(&["HEAD~1..HEAD"]);
    clean.assert_complete();
    clean.assert_secrets(&[]);
}

#[test]
fn a_secret_added_and_taken_out_again_counts() {
    let (scratch, secret) = (Scratch::new(), github_pat(1002));
    let repository = begun(&scratch);
    let commit = repository.commit_file("a.py", token_line(&secret));
    repository.commit_file("a.py", "a = 2\n");
    let report = repository.diff(&["base..HEAD"]);
    let place = report.place(&secret);
    assert_eq!((&place["commit"], &place["in_head"]), (&commit.into(), &false.into()));
}

#[test]
fn a_secret_brought_back_counts() {
    let (scratch, secret) = (Scratch::new(), github_pat(1003));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", token_line(&secret));
    repository.commit_file("a.py", "a = 2\n");
    repository.git(["revert", "--no-edit", "HEAD"]);
    repository.diff(&["HEAD~1..HEAD"]).assert_secrets(&[&secret]);
}

#[test]
fn only_the_merge_commit_has_it() {
    let (scratch, secret) = (Scratch::new(), github_pat(1004));
    let repository = begun(&scratch);
    repository.git(["checkout", "--quiet", "-b", "side"]);
    repository.commit_file("b.py", "b = 1\n");
    repository.git(["checkout", "--quiet", "main"]);
    repository.commit_file("c.py", "c = 1\n");
    repository.git(["merge", "--quiet", "--no-ff", "--no-commit", "side"]);
    repository.write("b.py", token_line(&secret));
    let merge = repository.commit("Merge side");
    repository.commit_file("b.py", "b = 1\n");
    let report = repository.diff(&["base..HEAD"]);
    report.assert_complete();
    assert_eq!(report.place(&secret)["commit"], merge);
    assert_eq!(report.summary["read"]["commits"], 4);
}

#[test]
fn what_a_merge_takes_over_is_not_new() {
    let (scratch, secret) = (Scratch::new(), github_pat(1005));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    repository.git(["checkout", "--quiet", "-b", "side"]);
    repository.commit_file("b.py", token_line(&secret));
    repository.git(["checkout", "--quiet", "main"]);
    repository.commit_file("c.py", "c = 1\n");
    repository.git(["merge", "--quiet", "--no-ff", "-m", "Merge", "side"]);
    // Of both parents, side had it.
    repository.write("b.py", format!("import os\n{}", token_line(&secret)));
    repository.git(["add", "b.py"]);
    repository.git(["commit", "--quiet", "--amend", "--no-edit"]);
    let merge_alone = run(
        crate::fixture::keysieve_command(&scratch.path("")).current_dir(repository.path()).args([
            "diff",
            "--format",
            "jsonl",
            "--show-secrets",
            "side..HEAD",
        ]),
        b"",
    );
    let report = merge_alone.report();
    report.assert_complete();
    report.assert_secrets(&[]);
}

#[test]
fn an_octopus_merge_and_several_roots() {
    let (scratch, secret, root) = (Scratch::new(), github_pat(1006), github_pat(1007));
    let repository = begun(&scratch);
    for side in ["one", "two", "three"] {
        repository.git(["checkout", "--quiet", "-b", side, "base"]);
        let text = if side == "two" { token_line(&secret) } else { format!("{side} = 1\n") };
        repository.commit_file(&format!("{side}.py"), text);
    }
    repository.git(["checkout", "--quiet", "--orphan", "other"]);
    repository.git(["rm", "--quiet", "-r", "--force", "."]);
    repository.commit_file("root.py", token_line(&root));
    repository.git(["checkout", "--quiet", "main"]);
    repository.git(["merge", "--quiet", "-m", "Octopus", "one", "two", "three"]);
    repository.git(["merge", "--quiet", "-m", "Unrelated", "--allow-unrelated-histories", "other"]);
    let report = repository.diff(&["base..HEAD"]);
    report.assert_complete();
    report.assert_secrets(&[&secret, &root]);
    assert_eq!(report.place(&root)["path"], "root.py");
    assert_eq!(report.summary["read"]["commits"], 6);
}

#[test]
fn a_renamed_file_brings_nothing_new() {
    let (scratch, secret) = (Scratch::new(), github_pat(1008));
    let repository = scratch.repository("r");
    repository.commit_file("old.py", format!("{}{}", noise(1, 5), token_line(&secret)));
    repository.git(["tag", "base"]);
    repository.git(["mv", "old.py", "new.py"]);
    repository.commit("Rename");
    repository.diff(&["base..HEAD"]).assert_secrets(&[]);
    // Renamed and changed, and in two commits, so that no similarity helps.
    repository.git(["mv", "new.py", "newer.py"]);
    repository.commit_file("newer.py", format!("{}{}", token_line(&secret), noise(2, 50)));
    let report = repository.diff(&["base..HEAD"]);
    report.assert_complete();
    report.assert_secrets(&[]);
    // A copy leaves the old place as it is: it is one more place to clean.
    repository.commit_file("copy.py", token_line(&secret));
    repository.diff(&["base..HEAD"]).assert_secrets(&[&secret]);
}

#[test]
fn names_of_files_and_folders_are_searched() {
    let scratch = Scratch::new();
    let [folder, file, staged, old] = [1060, 1061, 1062, 1063].map(github_pat);
    let repository = scratch.repository("r");
    repository.write(&format!("old/{old}.txt"), "a = 1\n");
    repository.commit("Begin");
    repository.git(["tag", "base"]);
    repository.write(&format!("dumps/{folder}/a/b.txt"), "a = 2\n");
    let commit = repository.commit("Add a folder");
    repository.write(&format!("{file}.txt"), "a = 3\n");
    repository.commit("Add a file");
    let report = repository.diff(&["base..HEAD"]);
    report.assert_complete();
    report.assert_secrets(&[&folder, &file]);
    let place = report.place(&folder);
    assert_eq!(place["commit"], *commit, "{place:#}");
    // Moved, it brings nothing new; what lies in it may change.
    repository.git(["mv", "dumps", "kept"]);
    repository.git(["mv", &format!("{file}.txt"), "kept"]);
    repository.git(["mv", "old", "older"]);
    repository.write(&format!("older/{old}.txt"), "a = 4\n");
    repository.commit("Move");
    repository.diff(&["HEAD~1..HEAD"]).assert_secrets(&[]);
    repository.write(&format!("{staged}/c.txt"), "a = 5\n");
    repository.git(["add", "-A"]);
    repository.diff(&["--staged"]).assert_secrets(&[&staged]);
    // Those on disk are searched by a scan.
    repository.write(&format!("notes/{}.md", github_pat(1064)), "a = 6\n");
    let report = scratch.scan(&["r"]);
    report.assert_secrets(&[&folder, &file, &staged, &old, &github_pat(1064)]);
    assert!(report.find(&file)["note"].as_str().unwrap().contains("in the name"), "{:#}", report.find(&file));
}

#[cfg(unix)]
#[test]
fn modes_links_and_submodules() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let (scratch, old, target) = (Scratch::new(), github_pat(1009), github_pat(1010));
    let repository = scratch.repository("r");
    let path = repository.write("run.sh", token_line(&old));
    repository.commit("Begin");
    repository.git(["tag", "base"]);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    repository.commit("Make it executable");
    let gone = "1".repeat(40);
    repository.git(["update-index", "--add", "--cacheinfo", &format!("160000,{gone},module")]);
    repository.commit_with("Add a submodule", |git| {
        git.arg("--only");
    });
    let report = repository.diff(&["base..HEAD"]);
    report.assert_complete();
    report.assert_secrets(&[]);
    symlink(&target, repository.path().join("link")).unwrap();
    repository.commit("Add a link");
    assert_eq!(repository.diff(&["base..HEAD"]).place(&target)["path"], "link");
}

#[test]
fn messages_and_authors_are_read() {
    let scratch = Scratch::new();
    let (message, author) = (github_pat(1011), github_pat(1012));
    let repository = begun(&scratch);
    let commit = repository.commit(&format!("Use the token\n\nIt is {message}"));
    repository.commit_with("Another", |git| {
        git.arg("--author").arg(format!("{author} <a@example.com>"));
    });
    let report = repository.diff(&["base..HEAD"]);
    report.assert_complete();
    report.assert_secrets(&[&message, &author]);
    assert_eq!(
        (&report.place(&message)["field"], &report.place(&message)["commit"]),
        (&"message".into(), &commit.into())
    );
    assert_eq!(report.place(&author)["field"], "author");
}

#[test]
fn the_users_configuration_changes_nothing() {
    let (scratch, secret, old) = (Scratch::new(), github_pat(1013), github_pat(1014));
    let repository = scratch.repository("r");
    repository.commit_file("old.py", token_line(&old));
    repository.git(["tag", "base"]);
    repository.commit_file("söme \"file\".py", token_line(&secret));
    let plain = repository.diff(&["base..HEAD"]);
    plain.assert_secrets(&[&secret]);

    for (key, value) in [
        ("color.ui", "always"),
        ("diff.external", "/bin/false"),
        ("core.quotePath", "true"),
        ("diff.noprefix", "true"),
        ("log.showSignature", "true"),
        ("diff.renames", "copies"),
        ("core.attributesFile", "/dev/null"),
    ] {
        repository.git(["config", key, value]);
    }
    repository.write(".git/info/attributes", "* -diff -text binary\n");
    repository.write(".mailmap", "Somebody Else <else@example.com> <ada@example.com>\n");
    let changed = repository.diff(&["base..HEAD"]);
    assert_eq!(changed.findings, plain.findings);
    // Replaced by a commit without the secret, and the base by one that has it.
    let clean = repository.git(["commit-tree", "-m", "Clean", "-p", "base", "base^{tree}"]);
    repository.git(["replace", "HEAD", &clean]);
    repository.git(["replace", "-f", "base", &repository.git(["rev-parse", "HEAD"])]);
    let replaced = repository.diff(&["base..HEAD"]);
    replaced.assert_complete();
    assert_eq!(replaced.place(&secret)["path"], plain.place(&secret)["path"]);
    replaced.assert_secrets(&[&secret]);
}

#[test]
fn ends_that_name_nothing_are_errors_with_the_remedy() {
    let scratch = Scratch::new();
    let repository = begun(&scratch);
    repository.commit_file("b.py", "b = 1\n");
    let unknown = "2".repeat(40);
    for spec in
        ["man..HEAD", "base..haed", &format!("{unknown}..HEAD"), &format!("{unknown}...HEAD"), "nosuch"]
    {
        let run = repository.run_keysieve(&["diff", spec]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{spec}");
        for part in [spec.split("..").next().unwrap(), "fetch-depth: 0", "git fetch --deepen"] {
            assert!(run.stderr.contains(part) || spec == "base..haed", "{part:?} in {}", run.stderr);
        }
    }
    let reversed = repository.run_keysieve(&["diff", "HEAD..base"]);
    assert_eq!(reversed.code, 2);
    assert!(reversed.stderr.contains("older revision first"), "{}", reversed.stderr);
    let same = repository.run_keysieve(&["diff", "HEAD..HEAD"]);
    assert_eq!(same.code, 0, "{}", same.stderr);
    assert!(same.stdout.contains("nothing new"), "{}", same.stdout);
    let nothing = repository.run_keysieve(&["diff"]);
    assert_eq!(nothing.code, 2);
    let empty = scratch.repository("empty");
    assert_eq!(empty.run_keysieve(&["diff", "HEAD~1..HEAD"]).code, 2);
    assert_eq!(empty.run_keysieve(&["diff", "--since", "yesterday"]).code, 2);
}

#[test]
fn a_shallow_clone_says_what_to_fetch() {
    let (scratch, secret) = (Scratch::new(), github_pat(1015));
    let origin = begun(&scratch);
    for number in 0..4 {
        origin.commit_file(&format!("f{number}.py"), "x = 1\n");
    }
    let clone = scratch.clone("shallow", &["--depth", "2", &origin.url()]);
    let base = origin.git(["rev-parse", "base"]);
    // The base is here, but not what lies between.
    clone.git(["fetch", "--quiet", "--depth", "1", "origin", &base]);
    for spec in [format!("{base}..HEAD"), format!("{base}...HEAD")] {
        let run = clone.run_keysieve(&["diff", &spec]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
        assert!(run.stderr.contains("fetch-depth: 0") && run.stderr.contains("shallow"), "{}", run.stderr);
    }
    // What lies wholly in the part that is here can be told.
    clone.commit_file("new.py", token_line(&secret));
    let report = clone.diff(&["HEAD~1..HEAD"]);
    report.assert_complete();
    report.assert_secrets(&[&secret]);
    clone.git(["fetch", "--quiet", "--unshallow", "origin"]);
    clone.diff(&[&format!("{base}..HEAD")]).assert_complete();
}

#[test]
fn what_a_partial_clone_left_out_is_not_read() {
    let scratch = Scratch::new();
    let origin = begun(&scratch);
    origin.git(["config", "uploadpack.allowFilter", "true"]);
    let commit = origin.commit_file("b.py", "b = 1\n");
    let clone = scratch.clone("partial", &["--filter=blob:none", "--no-checkout", &origin.url()]);
    let report = clone.diff(&[&format!("{commit}~1..{commit}")]);
    report.assert_unread(&["blob", "b.py", "--refetch"]);
}

#[test]
fn commits_since_a_date() {
    let (scratch, old, new) = (Scratch::new(), github_pat(1016), github_pat(1017));
    let repository = scratch.repository("r");
    let dated = |name: &str, secret: &str, date: &str| {
        repository.write(name, token_line(secret));
        repository.commit_with("Write", |git| {
            git.env("GIT_COMMITTER_DATE", date).env("GIT_AUTHOR_DATE", date);
        });
    };
    dated("old.py", &old, "2023-01-10T00:00:00Z");
    dated("new.py", &new, "2024-03-01T12:00:00Z");
    for date in ["2024-01-01", "2024-03-01", "2023-02-01T00:00:00Z"] {
        let report = repository.diff(&["--since", date]);
        report.assert_complete();
        report.assert_secrets(&[&new]);
    }
    repository.diff(&["--since", "2023-01-01"]).assert_secrets(&[&old, &new]);
    let nothing = repository.diff(&["--since", "2 days ago"]);
    nothing.assert_complete();
    nothing.assert_secrets(&[]);
    let bad = repository.run_keysieve(&["diff", "--since", "whenever"]);
    assert_eq!(bad.code, 2);
    assert!(bad.stderr.contains("`whenever` is no date"), "{}", bad.stderr);
}

#[test]
fn the_index_counts_not_the_work_tree() {
    let (scratch, staged, unstaged) = (Scratch::new(), github_pat(1018), github_pat(1019));
    let repository = begun(&scratch);
    let nothing = repository.run_keysieve(&["diff", "--staged"]);
    assert_eq!(nothing.code, 0);
    assert!(nothing.stdout.contains("nothing is staged"), "{}", nothing.stdout);
    repository.write("src/b.py", token_line(&staged));
    repository.git(["add", "src/b.py"]);
    repository.write("src/b.py", "b = 1\n");
    repository.write("a.py", token_line(&unstaged));
    repository.write("later.py", token_line(&unstaged));
    repository.git(["add", "--intent-to-add", "later.py"]);
    let report = repository.diff(&["--staged"]);
    report.assert_complete();
    report.assert_secrets(&[&staged]);
    assert_eq!(report.place(&staged)["path"], "src/b.py");
    assert_eq!(report.find(&staged)["exposure"], "staged");
    assert_eq!(report.summary["read"]["blobs"], 1);
    repository.git(["add", "a.py"]);
    repository.diff(&["--staged"]).assert_secrets(&[&staged, &unstaged]);
}

#[test]
fn staged_over_an_older_secret_a_rename_and_no_commit_at_all() {
    let (scratch, old, new) = (Scratch::new(), github_pat(1020), github_pat(1021));
    let repository = scratch.repository("r");
    repository.write("dir/old.py", token_line(&old));
    repository.git(["add", "--all"]);
    repository.diff(&["--staged"]).assert_secrets(&[&old]);
    repository.commit("Begin");
    repository.write("dir/old.py", format!("import os\n{}", token_line(&old)));
    repository.git(["add", "--all"]);
    repository.diff(&["--staged"]).assert_secrets(&[]);
    repository.git(["mv", "dir/old.py", "moved.py"]);
    repository.diff(&["--staged"]).assert_secrets(&[]);
    repository.write("dir/new.py", token_line(&new));
    repository.git(["add", "--all"]);
    repository.diff(&["--staged"]).assert_secrets(&[&new]);
}

#[test]
fn staged_while_a_merge_waits() {
    let (scratch, side, new) = (Scratch::new(), github_pat(1022), github_pat(1023));
    let repository = begun(&scratch);
    repository.git(["checkout", "--quiet", "-b", "side"]);
    repository.commit_file("side.py", token_line(&side));
    repository.git(["checkout", "--quiet", "main"]);
    repository.commit_file("c.py", "c = 1\n");
    repository.git(["merge", "--quiet", "--no-ff", "--no-commit", "side"]);
    repository.diff(&["--staged"]).assert_secrets(&[]);
    repository.write("c.py", token_line(&new));
    repository.git(["add", "--all"]);
    repository.diff(&["--staged"]).assert_secrets(&[&new]);
}

#[test]
fn a_bare_repository_has_nothing_staged() {
    let scratch = Scratch::new();
    let repository = scratch.repository_with("bare.git", &["--bare"]);
    let run = repository.run_keysieve(&["diff", "--staged"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("bare repository has no index"), "{}", run.stderr);
}

#[test]
fn work_trees_alternates_detached_heads_and_sha256() {
    let (scratch, secret) = (Scratch::new(), github_pat(1024));
    for format in ["sha1", "sha256"] {
        let repository =
            scratch.repository_with(&format!("r-{format}"), &[&format!("--object-format={format}")]);
        repository.commit_file("a.py", "a = 1\n");
        repository.git(["tag", "base"]);
        let tree = scratch.path(&format!("linked-{format}"));
        repository.git(["worktree", "add", "--quiet", "--detach", tree.to_str().unwrap()]);
        let linked = scratch.existing(&format!("linked-{format}"));
        linked.commit_file("b.py", token_line(&secret));
        linked.diff(&["base..HEAD"]).assert_secrets(&[&secret]);
        linked.write("c.py", token_line(&github_pat(1025)));
        linked.git(["add", "c.py"]);
        linked.diff(&["--staged"]).assert_secrets(&[&github_pat(1025)]);
        repository.diff(&["HEAD..HEAD"]).assert_secrets(&[]);
        let tip = linked.git(["rev-parse", "HEAD"]);
        let shared = scratch.clone(&format!("shared-{format}"), &["--shared", repository.path_text()]);
        shared.diff(&[&format!("base..{tip}")]).assert_secrets(&[&secret]);
    }
}

#[test]
fn loose_or_packed_and_whatever_the_threads() {
    let scratch = Scratch::new();
    let repository = begun(&scratch);
    let secrets: Vec<String> = (0..6).map(|seed| github_pat(1030 + seed)).collect();
    for (number, secret) in secrets.iter().enumerate() {
        repository.commit_file("big.py", format!("{}{}", noise(7, 300), token_line(secret)));
        repository.commit_file(&format!("d/{number}/x.py"), noise(number as u64, 20));
    }
    let loose = repository.diff(&["base..HEAD"]);
    loose.assert_complete();
    loose.assert_secrets(&secrets.iter().map(String::as_str).collect::<Vec<_>>());
    repository.git(["gc", "--quiet"]);
    for threads in ["1", "2", "7"] {
        let packed = repository.diff(&["base..HEAD", "-j", threads]);
        assert_eq!(packed.findings, loose.findings);
        assert_eq!(packed.summary["read"], loose.summary["read"]);
    }
}

#[test]
fn a_damaged_object_of_the_range_is_said() {
    let scratch = Scratch::new();
    let repository = begun(&scratch);
    repository.commit_file("b.py", "b = 1\n");
    let blob = repository.git(["rev-parse", "HEAD:b.py"]);
    let path = repository.loose_object(&blob);
    let other = repository.loose_object(&repository.git(["rev-parse", "HEAD:a.py"]));
    crate::fixture::overwrite(&path, std::fs::read(other).unwrap());
    repository.diff(&["base..HEAD"]).assert_unread(&["blob", &blob, "b.py", "does not match its id"]);
    std::fs::remove_file(path).unwrap();
    repository.diff(&["base..HEAD"]).assert_unread(&["blob", &blob, "b.py", "not in the repository"]);
}

#[test]
fn a_pointer_of_git_lfs_is_named() {
    let scratch = Scratch::new();
    let repository = begun(&scratch);
    let oid = "a".repeat(64);
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12\n");
    repository.commit_file("big.bin", pointer);
    let report = repository.diff(&["base..HEAD"]);
    report.assert_complete();
    report.assert_skipped(&["big.bin", "Git LFS"]);
}

#[test]
fn wrong_clocks_do_not_hide_commits() {
    let (scratch, secret) = (Scratch::new(), github_pat(1040));
    let repository = begun(&scratch);
    let at = |name: &str, text: &str, date: &str| {
        repository.write(name, text);
        repository.commit_with("Write", |git| {
            git.env("GIT_COMMITTER_DATE", date);
        });
    };
    at("b.py", &token_line(&secret), "1990-01-01T00:00:00Z");
    at("c.py", "c = 1\n", "2037-01-01T00:00:00Z");
    at("d.py", "d = 1\n", "1980-01-01T00:00:00Z");
    let report = repository.diff(&["base..HEAD"]);
    report.assert_complete();
    report.assert_secrets(&[&secret]);
    assert_eq!(report.summary["read"]["commits"], 3);
}

#[test]
fn passwords_are_weighed_at_their_new_path() {
    let (scratch, secret) = (Scratch::new(), password(1041));
    let repository = begun(&scratch);
    repository.commit_file("app.py", format!("password = \"{secret}\"\n"));
    repository.commit_file("locale/fi/app.json", format!("{{\"password\": \"{}\"}}\n", password(1042)));
    repository.diff(&["base..HEAD"]).assert_secrets(&[&secret]);
}

#[test]
fn a_range_of_thousands_of_contents() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let [old, gone, kept] = [1050, 1051, 1052].map(github_pat);
    repository.commit_file("d0/f0.txt", format!("{}{}", noise(0, 40), token_line(&old)));
    repository.git(["tag", "base"]);
    // 27 commits that change 200 files each.
    let mut stream = Vec::new();
    for commit in 0..27 {
        let message = "Change";
        stream.extend(
            format!("commit refs/heads/main\ncommitter A <a@example.com> {} +0000\n", 1_700_100_000 + commit)
                .bytes(),
        );
        stream.extend(format!("data {}\n{message}\n", message.len()).bytes());
        if commit == 0 {
            stream.extend(b"from refs/heads/main^0\n");
        }
        for file in 0..200 {
            let mut text = format!("{}version {commit} of {file}\n", noise(file % 10, 12));
            if file == 0 {
                text.push_str(&token_line(&old));
            }
            if (commit, file) == (11, 7) {
                text.push_str(&token_line(&gone));
            }
            if commit >= 20 && file == 9 {
                text.push_str(&token_line(&kept));
            }
            stream.extend(
                format!("M 100644 inline d{}/f{file}.txt\ndata {}\n{text}\n", file % 7, text.len()).bytes(),
            );
        }
    }
    repository.git_reading(&stream, &["fast-import", "--quiet"]);
    repository.git(["gc", "--quiet"]);
    let report = repository.diff(&["base..main"]);
    report.assert_complete();
    report.assert_secrets(&[&gone, &kept]);
    assert_eq!(report.summary["read"]["blobs"], 27 * 200);
    assert_eq!(report.place(&gone)["in_head"], false);
    assert_eq!(report.place(&kept)["path"], "d2/f9.txt");
    assert_eq!(report.place(&kept)["commit"], repository.git(["rev-parse", "main~6"]));
    // Each content by itself, as a part of it is read.
    let half = repository.diff(&["main~10..main"]);
    half.assert_secrets(&[&kept]);
    let blob = repository.git(["rev-parse", "main~15:d0/f7.txt"]);
    let [pack] = repository.packs().try_into().unwrap();
    let (offset, _) = repository.packed_entry(&blob);
    let mut bytes = std::fs::read(&pack).unwrap();
    bytes[offset + 5] ^= 0xff;
    crate::fixture::overwrite(&pack, bytes);
    let damaged = repository.diff(&["base..main"]);
    assert_eq!((damaged.code, &damaged.summary["complete"]), (2, &false.into()));
    assert!(damaged.summary["unread"].to_string().contains(&blob));
}

/// Changes a repository at random: secrets come, go, move, and are touched; branches part and merge; references move.
fn change(repository: &Repository, random: &mut Random, secrets: &mut Vec<String>) {
    const PATHS: [&str; 4] = ["a.py", "b.py", "c/d.py", "e.md"];
    let path = |random: &mut Random| PATHS[random.next() as usize % PATHS.len()];
    let (one, other) = (path(random), path(random));
    let content = std::fs::read_to_string(repository.path().join(one)).unwrap_or_default();
    match random.next() % 8 {
        0..3 => {
            let secret = github_pat(9_000 + random.next() % 1_000_000);
            repository.write(one, content + &token_line(&secret));
            secrets.push(secret);
        }
        3 | 4 => drop(repository.write(one, format!("# {}\n{content}", random.next()))),
        5 => drop(
            repository
                .write(one, content.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>()),
        ),
        6 if !content.is_empty() && one != other => {
            repository.remove(one);
            repository.write(other, content);
        }
        _ if !content.is_empty() => repository.remove(one),
        _ => {}
    }
    repository.git(["add", "-A"]);
    repository.git(["commit", "-q", "--allow-empty", "-m", "Change"]);
    match random.next() % 8 {
        0 => drop(repository.git(["branch", "-f", "side"])),
        1 => drop(repository.git(["update-ref", "refs/remotes/origin/main", "HEAD"])),
        2 => {
            let merged = repository.try_git(&["merge", "-q", "--no-edit", "side"]);
            if merged.code != 0 {
                repository.git(["merge", "--abort"]);
            }
        }
        _ => {}
    }
}

#[test]
fn what_is_said_of_a_finding_is_what_an_audit_says() {
    let mut compared = 0;
    for seed in 0..16 {
        let (scratch, mut random) = (Scratch::new(), Random::new(4_100 + seed));
        let repository = scratch.repository("r");
        repository.commit_file("readme.md", "Begin\n");
        repository.git(["branch", "side"]);
        let mut secrets = Vec::new();
        (0..3).for_each(|_| change(&repository, &mut random, &mut secrets));
        repository.git(["tag", "base"]);
        let old = secrets.len();
        (0..5).for_each(|_| change(&repository, &mut random, &mut secrets));
        let audit = repository.audit();
        let by_path = |report: &Report, secret: &str| -> BTreeMap<String, serde_json::Value> {
            let places = report.places(secret, "git");
            let facts = |place: &&serde_json::Value| {
                (place["path"].as_str().unwrap().to_owned(), place["in_head"].clone())
            };
            places.iter().map(facts).collect()
        };
        for range in ["base..HEAD", "base..HEAD~1", "base..HEAD~3"] {
            let report = repository.diff(&[range]);
            report.assert_complete();
            for secret in report.secrets() {
                let said = (&report.find(secret)["exposure"], by_path(&report, secret));
                let known = (&audit.find(secret)["exposure"], by_path(&audit, secret));
                let is_old = secrets[..old].iter().any(|old| old == secret);
                if range == "base..HEAD" && !is_old {
                    assert_eq!(said, known, "seed {seed}, {range}, {secret}");
                }
                for (path, in_head) in &said.1 {
                    assert_eq!(Some(in_head), known.1.get(path), "seed {seed}, {range}, {path}");
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 30, "{compared}");
}
