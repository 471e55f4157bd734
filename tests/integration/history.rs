//! What was planted anywhere in a repository is found, however git happens to store it.

use std::fs;

use serde_json::Value;

use crate::fixture::{Repository, Scratch, refs};
use crate::secrets::{github_pat, noise, password, token_line};

/// Audits with loose objects, and again after git packed everything: each time the secret is found with this exposure, and
/// everything was read. Returns the finding.
#[track_caller]
fn found_loose_and_packed(repository: &Repository, secret: &str, exposure: &str) -> Value {
    let loose = repository.audit_everything();
    assert_eq!(loose.find(secret)["exposure"], exposure, "{loose:#?}");
    repository.git(["gc", "--quiet"]);
    let packed = repository.audit_everything();
    assert_eq!(packed.find(secret), loose.find(secret), "after packing");
    packed.find(secret).clone()
}

#[test]
fn in_a_deleted_branch() {
    let (scratch, secret) = (Scratch::new(), github_pat(1));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    repository.git(["checkout", "--quiet", "-b", "feature"]);
    let commit = repository.commit_file("b.py", token_line(&secret));
    repository.git(["checkout", "--quiet", "main"]);
    repository.git(["branch", "-D", "feature"]);
    repository.expire_reflogs();

    let finding = found_loose_and_packed(&repository, &secret, "unreachable");
    assert_eq!(finding["places"][0]["path"], "b.py");
    assert_eq!(finding["places"][0]["commit"], commit);
    assert_eq!(refs(&finding["places"][0]), [""; 0]);
}

#[test]
fn in_a_commit_that_only_the_reflog_remembers() {
    let (scratch, secret) = (Scratch::new(), github_pat(2));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    repository.commit_file("b.py", token_line(&secret));
    repository.git(["reset", "--quiet", "--hard", "HEAD~1"]);

    let finding = found_loose_and_packed(&repository, &secret, "local");
    assert!(refs(&finding["places"][0]).iter().all(|name| name.ends_with("@{reflog}")));
}

#[test]
fn in_a_merge_commit_only() {
    let (scratch, secret) = (Scratch::new(), github_pat(3));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    repository.git(["checkout", "--quiet", "-b", "side"]);
    repository.commit_file("b.py", "b = 1\n");
    repository.git(["checkout", "--quiet", "main"]);
    repository.commit_file("c.py", "c = 1\n");
    repository.git(["merge", "--quiet", "--no-ff", "--no-commit", "side"]);
    repository.write("b.py", token_line(&secret));
    let merge = repository.commit("Merge side");
    assert_eq!(repository.git(["rev-list", "--parents", "-1", "HEAD"]).split(' ').count(), 3);
    repository.commit_file("b.py", "b = 1\n");

    let finding = found_loose_and_packed(&repository, &secret, "local");
    assert_eq!(finding["places"][0]["commit"], merge);
    assert_eq!(finding["places"][0]["in_head"], false);
}

#[test]
fn in_a_stash() {
    let (scratch, tracked, untracked) = (Scratch::new(), github_pat(4), github_pat(5));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    repository.write("a.py", token_line(&tracked));
    repository.write("new.py", token_line(&untracked));
    repository.git(["stash", "push", "--quiet", "--include-untracked"]);

    for secret in [&tracked, &untracked] {
        let finding = found_loose_and_packed(&repository, secret, "local");
        assert!(refs(&finding["places"][0]).contains(&"stash"), "{finding:#}");
    }
}

#[test]
fn in_an_older_stash_that_only_its_reflog_names() {
    let (scratch, secret) = (Scratch::new(), github_pat(6));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    for content in [token_line(&secret), "a = 2\n".to_owned()] {
        repository.write("a.py", content);
        repository.git(["stash", "push", "--quiet"]);
    }

    let finding = found_loose_and_packed(&repository, &secret, "local");
    assert!(refs(&finding["places"][0]).contains(&"stash@{reflog}"), "{finding:#}");
}

#[test]
fn in_a_dangling_blob() {
    let (scratch, secret) = (Scratch::new(), github_pat(7));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    let blob = repository.store_blob(token_line(&secret).as_bytes());

    let finding = found_loose_and_packed(&repository, &secret, "unreachable");
    assert_eq!(finding["places"][0]["blob"], blob);
    assert_eq!(finding["places"][0].get("path"), None);
    assert_eq!(finding["places"][0].get("commit"), None);
}

#[test]
fn in_the_index_only() {
    let (scratch, secret) = (Scratch::new(), github_pat(8));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    repository.write("b.py", token_line(&secret));
    repository.git(["add", "b.py"]);
    repository.remove("b.py");

    let finding = found_loose_and_packed(&repository, &secret, "local");
    assert_eq!(finding["places"][0]["path"], "b.py");
}

#[test]
fn in_messages_and_names_of_commits() {
    let scratch = Scratch::new();
    let secrets: Vec<String> = (10..13).map(github_pat).collect();
    let repository = scratch.repository("r");
    let in_message = repository.commit(&format!("Use a token\n\nIt is {}.", secrets[0]));
    let in_author = repository.commit_with("Second", |git| {
        git.env("GIT_AUTHOR_NAME", &secrets[1]);
    });
    let in_committer = repository.commit_with("Third", |git| {
        git.env("GIT_COMMITTER_EMAIL", format!("{}@example.com", secrets[2]));
    });
    for (secret, field, commit) in [
        (&secrets[0], "message", in_message),
        (&secrets[1], "author", in_author),
        (&secrets[2], "committer", in_committer),
    ] {
        let finding = found_loose_and_packed(&repository, secret, "local");
        let place = one_metadata_place(&finding);
        assert_eq!((&place["field"], &place["commit"]), (&field.into(), &commit.into()));
    }
}

#[track_caller]
fn one_metadata_place(finding: &Value) -> &Value {
    assert_eq!(finding["places"].as_array().unwrap().len(), 1, "{finding:#}");
    assert_eq!(finding["places"][0]["kind"], "git-metadata");
    &finding["places"][0]
}

#[test]
fn in_messages_and_taggers_of_tags() {
    let (scratch, secrets) = (Scratch::new(), [13, 14].map(github_pat));
    let repository = scratch.repository("r");
    repository.commit("First");
    repository.git(["tag", "-a", "v1", "-m", &format!("Release with {}", secrets[0])]);
    let tagged = repository
        .git(["cat-file", "tag", "v1"])
        .replace("tagger Carl Committer", &format!("tagger {}", secrets[1]))
        .replace(&secrets[0], "nothing")
        .replace("tag v1", "tag v2");
    let in_tagger = repository
        .git_reading(format!("{tagged}\n").as_bytes(), &["hash-object", "-w", "-t", "tag", "--stdin"]);
    repository.git(["update-ref", "refs/tags/v2", &in_tagger]);

    let in_message = repository.git(["rev-parse", "v1"]);

    for (secret, field, id, name) in
        [(&secrets[0], "message", in_message, "v1"), (&secrets[1], "tagger", in_tagger, "v2")]
    {
        let finding = found_loose_and_packed(&repository, secret, "local");
        let place = one_metadata_place(&finding);
        assert_eq!((&place["field"], &place["tag"]), (&field.into(), &id.into()));
        assert_eq!(refs(place), [name]);
    }
}

#[test]
fn in_a_message_that_no_reference_reaches() {
    let (scratch, secret) = (Scratch::new(), github_pat(16));
    let repository = scratch.repository("r");
    repository.commit("First");
    repository.commit(&format!("Second {secret}"));
    repository.git(["reset", "--quiet", "--hard", "HEAD~1"]);
    repository.expire_reflogs();
    repository.remove(".git/ORIG_HEAD");
    found_loose_and_packed(&repository, &secret, "unreachable");
}

#[test]
fn in_files_that_attributes_hide_from_diffs() {
    let (scratch, secret, other) = (Scratch::new(), github_pat(17), github_pat(18));
    let repository = scratch.repository("r");
    repository.write(".gitattributes", "*.py -diff\n*.cfg binary\n");
    repository.write("a.py", token_line(&secret));
    repository.write("b.cfg", token_line(&other));
    repository.commit("Hide");
    repository.remove("a.py");
    repository.remove("b.cfg");
    repository.commit("Remove");
    assert_eq!(found_loose_and_packed(&repository, &secret, "local")["places"][0]["path"], "a.py");
    assert_eq!(found_loose_and_packed(&repository, &other, "local")["places"][0]["path"], "b.cfg");
}

#[test]
fn in_a_file_renamed_and_edited_in_one_commit() {
    let (scratch, secret) = (Scratch::new(), github_pat(19));
    let repository = scratch.repository("r");
    repository.commit_file("old.py", noise(1, 80));
    repository.remove("old.py");
    let content = format!("{}{}", noise(1, 80), token_line(&secret));
    let commit = repository.commit_file("sub/new.py", content);
    repository.commit_file("sub/new.py", noise(1, 80));
    assert!(repository.git(["show", "--format=", "--name-status", "-M", &commit]).starts_with('R'));

    let finding = found_loose_and_packed(&repository, &secret, "local");
    assert_eq!(finding["places"][0]["path"], "sub/new.py");
    assert_eq!(finding["places"][0]["commit"], commit);
    assert_eq!(finding["places"][0]["line"], 81);
}

#[test]
fn in_utf_16_with_and_without_a_mark() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let (little, big) = (github_pat(20), github_pat(21));
    let text = |secret: &str| format!("first line\r\nsecond\r\ntoken: {secret}\r\nlast\r\n");
    let little_endian: Vec<u8> = text(&little).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big_endian: Vec<u8> = text(&big).encode_utf16().flat_map(u16::to_be_bytes).collect();
    repository.write("little.txt", [&[0xff, 0xfe], little_endian.as_slice()].concat());
    repository.write("big.txt", big_endian);
    repository.commit("Write UTF-16");

    for (secret, path) in [(&little, "little.txt"), (&big, "big.txt")] {
        let finding = found_loose_and_packed(&repository, secret, "local");
        for place in finding["places"].as_array().unwrap() {
            assert_eq!(place["path"], path);
            assert_eq!(place["line"], 3);
        }
    }
}

#[test]
fn behind_invalid_utf_8_and_zero_bytes() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let secrets: Vec<String> = (22..25).map(github_pat).collect();
    let mut content = b"\xff\xfe\x80\xc3( caf\xe9\n".to_vec();
    content.extend(token_line(&secrets[0]).as_bytes());
    content.extend(b"\0\0\x01\x02\xff");
    content.extend(secrets[1].as_bytes());
    content.extend(b"\xe2\x82\0\0");
    content.extend(secrets[2].as_bytes());
    repository.commit_file("blob.bin", content);
    for secret in &secrets {
        found_loose_and_packed(&repository, secret, "local");
    }
}

#[test]
fn on_a_line_of_four_megabytes() {
    let (scratch, secret) = (Scratch::new(), github_pat(25));
    let repository = scratch.repository("r");
    let before = noise(2, 70_000).replace('\n', " ");
    assert!(before.len() > 4 << 20);
    repository.commit_file("long.txt", format!("first\n{before}{secret} {before}\nlast\n"));

    let finding = found_loose_and_packed(&repository, &secret, "local");
    assert_eq!(finding["places"][0]["line"], 2);
    assert_eq!(finding["places"][0]["column"], before.len() + 1);
}

#[test]
fn in_a_note() {
    let (scratch, secret) = (Scratch::new(), github_pat(26));
    let repository = scratch.repository("r");
    repository.commit("First");
    repository.git(["notes", "add", "-m", &format!("Deployed with {secret}"), "HEAD"]);
    let finding = found_loose_and_packed(&repository, &secret, "local");
    assert!(refs(&finding["places"][0]).contains(&"notes/commits"), "{finding:#}");
}

#[test]
fn in_a_blob_that_only_a_tag_names() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit("First");
    let (light, annotated) = (github_pat(27), github_pat(28));
    let blob = repository.store_blob(token_line(&light).as_bytes());
    repository.git(["tag", "light", &blob]);
    let blob = repository.store_blob(token_line(&annotated).as_bytes());
    repository.git(["tag", "-a", "-m", "Keep it", "annotated", &blob]);

    for (secret, tag) in [(&light, "light"), (&annotated, "annotated")] {
        let finding = found_loose_and_packed(&repository, secret, "local");
        assert_eq!(refs(&finding["places"][0]), [tag]);
        assert_eq!(finding["places"][0].get("path"), None);
    }
}

#[test]
fn in_a_tree_that_only_a_tag_names() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    let secrets = [github_pat(31), github_pat(32)];
    for (secret, annotate) in secrets.iter().zip([[].as_slice(), &["-a", "-m", "Keep it"]]) {
        repository.write("sub/b.py", token_line(secret));
        repository.git(["add", "--all"]);
        let tree = repository.git(["write-tree"]);
        let tag = if annotate.is_empty() { "light" } else { "annotated" };
        repository.git([["tag"].as_slice(), annotate, &[tag, &tree]].concat());
        repository.git(["reset", "--quiet", "--hard"]);
    }
    for (secret, tag) in secrets.iter().zip(["light", "annotated"]) {
        let finding = found_loose_and_packed(&repository, secret, "local");
        assert_eq!(finding["places"][0]["path"], "sub/b.py");
        assert_eq!(refs(&finding["places"][0]), [tag]);
        assert_eq!(finding["places"][0].get("commit"), None);
    }
}

#[test]
fn in_a_folder_that_a_tag_names_besides_its_commit() {
    let (scratch, secret) = (Scratch::new(), github_pat(33));
    let repository = scratch.repository("r");
    let commit = repository.commit_file("sub/b.py", token_line(&secret));
    repository.git(["tag", "folder", "HEAD:sub"]);
    repository.commit_file("sub/b.py", "b = 1\n");
    let finding = found_loose_and_packed(&repository, &secret, "local");
    let places = finding["places"].as_array().unwrap();
    let paths: Vec<&Value> = places.iter().map(|place| &place["path"]).collect();
    assert_eq!(paths, ["b.py", "sub/b.py"]);
    assert_eq!(refs(&places[0]), ["folder"]);
    assert_eq!(places[1]["commit"], commit);
}

#[test]
fn in_the_url_of_a_remote() {
    let (scratch, secret, password) = (Scratch::new(), github_pat(29), password(29));
    let repository = scratch.repository("r");
    repository.commit("First");
    let url = format!("https://x-access-token:{secret}@github.com/acme/app.git");
    repository.git(["remote", "add", "origin", &url]);
    let url = format!("https://deploy:{password}@git.example.com/app.git");
    repository.git(["remote", "add", "mirror", &url]);

    for secret in [&secret, &password] {
        let finding = found_loose_and_packed(&repository, secret, "git-directory");
        assert_eq!(finding["places"][0]["kind"], "git-metadata");
        assert_eq!(finding["places"][0]["path"], "config");
    }
}

#[test]
fn in_the_name_of_a_branch() {
    let (scratch, secret) = (Scratch::new(), github_pat(30));
    let repository = scratch.repository("r");
    repository.commit("First");
    repository.git(["branch", &format!("wip/{secret}")]);
    let finding = found_loose_and_packed(&repository, &secret, "git-directory");
    assert_eq!(finding["places"][0]["field"], "name");
}

#[test]
fn in_the_name_of_a_remotes_branch() {
    let (scratch, secret) = (Scratch::new(), github_pat(34));
    let remote = scratch.repository_with("remote.git", &["--bare"]);
    let repository = scratch.repository("r");
    repository.commit("First");
    repository.git(["remote", "add", "origin", remote.path_text()]);
    repository.git(["push", "--quiet", "origin", &format!("main:wip/{secret}")]);
    let finding = found_loose_and_packed(&repository, &secret, "pushed");
    assert_eq!(finding["places"][0]["field"], "name");
    let text = repository.keysieve(&[]).stdout;
    assert!(text.contains("the name of a remote's branch"), "{text}");
}

#[test]
fn other_object_stores_in_the_git_directory_are_named() {
    let (scratch, secret) = (Scratch::new(), github_pat(35));
    let library = scratch.repository("library");
    library.commit_file("lib.py", "a = 1\n");
    library.commit_file("old.py", token_line(&secret));
    library.remove("old.py");
    library.commit("Remove");
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    let add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "--name", "libs/one"];
    repository.git([add.as_slice(), &[library.path_text(), "vendor/one"]].concat());
    repository.commit("Add a submodule");
    repository.write(".git/lfs/objects/ab/cd/abcd", "a large file");

    let report = repository.audit_everything();
    let module = repository.git_file("modules/libs/one");
    report.assert_skipped(&[module.to_str().unwrap(), "a submodule's own repository", "keysieve audit"]);
    let large_files = repository.git_file("lfs/objects");
    report.assert_skipped(&[large_files.to_str().unwrap(), "Git LFS", "keysieve scan"]);
    assert_eq!(report.findings.len(), 0);
    // What the messages ask for finds it.
    let inside = scratch.keysieve(["audit", module.to_str().unwrap(), "--format", "jsonl", "--show-secrets"]);
    inside.report().find(&secret);
    fs::write(large_files.join("ab/cd/abcd"), token_line(&secret)).unwrap();
    scratch.scan(&[large_files.to_str().unwrap()]).find(&secret);
}

/// A repository with thirty versions of a large file, each with a secret of its own.
fn many_versions(repository: &Repository) -> Vec<String> {
    let secrets: Vec<String> = (100..130).map(github_pat).collect();
    let text = noise(3, 400);
    for (version, secret) in secrets.iter().enumerate() {
        let mut lines: Vec<&str> = text.lines().collect();
        let (line, edited) = (token_line(secret), format!("version {version}"));
        lines.insert(version * 13, &line);
        lines[399 - version] = &edited;
        repository.commit_file("src/settings.py", lines.join("\n"));
    }
    secrets
}

#[track_caller]
fn assert_all_found(repository: &Repository, secrets: &[String]) {
    let report = repository.audit_everything();
    let expected: Vec<&str> = secrets.iter().map(String::as_str).collect();
    report.assert_secrets(&expected);
}

#[test]
fn in_deltas() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let secrets = many_versions(&repository);
    assert_all_found(&repository, &secrets);
    let loose = repository.audit().findings;

    for options in [["--depth=50", "--window=50"], ["--depth=1", "--window=2"]] {
        repository.git([&["repack", "-adfq"], options.as_slice()].concat());
        let [pack] = repository.packs().try_into().unwrap();
        let listing = repository.git(["verify-pack", "-v", pack.to_str().unwrap()]);
        assert!(listing.contains("chain length = 1: "), "there are deltas");
        assert_all_found(&repository, &secrets);
        assert_eq!(repository.audit().findings, loose);
    }
}

#[test]
fn in_deltas_that_name_their_base_by_id() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let secrets = many_versions(&repository);
    let loose = repository.audit().findings;
    repository.git(["-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq", "--depth=50"]);
    assert_all_found(&repository, &secrets);
    assert_eq!(repository.audit().findings, loose);
}

#[test]
fn in_several_packs_some_with_the_same_objects() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let mut secrets = many_versions(&repository);
    repository.git(["repack", "-dq"]);
    for seed in 140..143 {
        secrets.push(github_pat(seed));
        let content = format!("{}{}", noise(3, 400), token_line(secrets.last().unwrap()));
        repository.commit_file("src/settings.py", content);
        repository.git(["repack", "-dq"]);
    }
    assert_eq!(repository.packs().len(), 4);
    assert_all_found(&repository, &secrets);
    let before = repository.audit().findings;

    // A pack with everything besides those that there are, and loose objects besides.
    repository.git(["repack", "-aq"]);
    assert_eq!(repository.packs().len(), 5);
    secrets.push(github_pat(143));
    assert_eq!(repository.audit_everything().findings, before);
    repository.commit_file("b.py", token_line(secrets.last().unwrap()));
    assert_all_found(&repository, &secrets);
}

#[test]
fn in_an_alternate_object_database() {
    let scratch = Scratch::new();
    let source = scratch.repository("source");
    let secrets = many_versions(&source);
    let dangling = github_pat(150);
    source.store_blob(token_line(&dangling).as_bytes());
    let all = [secrets.as_slice(), std::slice::from_ref(&dangling)].concat();

    let shared = scratch.clone("shared", &["--shared", source.path_text()]);
    assert_eq!(shared.git(["count-objects"]), "0 objects, 0 kilobytes");
    assert_all_found(&shared, &all);
    let referencing = scratch.clone("referencing", &["--reference", source.path_text(), &source.url()]);
    assert_all_found(&referencing, &all);

    source.git(["gc", "--quiet"]);
    assert_all_found(&shared, &all);
    // An alternate of an alternate.
    let second = scratch.clone("second", &["--shared", shared.path_text()]);
    assert_all_found(&second, &all);
}

#[test]
fn in_a_bare_repository() {
    let scratch = Scratch::new();
    let source = scratch.repository("source");
    let secrets = many_versions(&source);
    let bare = scratch.clone("bare.git", &["--bare", source.path_text()]);
    assert_all_found(&bare, &secrets);
    let report = bare.audit();
    assert_eq!(report.summary["read"]["files"], 0);
    assert_eq!(report.place(&secrets[0])["in_head"], false);
    assert_eq!(report.place(secrets.last().unwrap())["in_head"], true);
    // Others have what is in a clone without a work tree; those who work in linked ones may not have pushed yet.
    assert_eq!(report.find(&secrets[0])["exposure"], "pushed");
    bare.git(["worktree", "add", "../linked", "HEAD"]);
    assert_eq!(bare.audit().find(&secrets[0])["exposure"], "local");
}

#[test]
fn in_an_empty_bare_repository_with_a_dangling_blob() {
    let (scratch, secret) = (Scratch::new(), github_pat(151));
    let bare = scratch.repository_with("bare.git", &["--bare"]);
    bare.store_blob(token_line(&secret).as_bytes());
    let report = bare.audit_everything();
    assert_eq!(report.find(&secret)["exposure"], "unreachable");
}

#[test]
fn from_a_linked_work_tree_as_from_the_main_one() {
    let scratch = Scratch::new();
    let main = scratch.repository("main");
    let (old, detached) = (github_pat(152), github_pat(153));
    main.commit_file("a.py", token_line(&old));
    main.commit_file("a.py", "a = 1\n");
    main.git(["worktree", "add", "--quiet", "--detach", "../linked"]);
    let linked = scratch.existing("linked");
    linked.commit_file("b.py", token_line(&detached));
    linked.commit_file("b.py", "b = 1\n");
    main.git(["config", "core.untrackedCache", "false"]);

    let (from_main, from_linked) = (main.audit_everything(), linked.audit_everything());
    from_main.assert_secrets(&[&old, &detached]);
    assert_eq!(from_main.findings, from_linked.findings);
    let place = from_main.place(&detached);
    assert_eq!(from_main.find(&detached)["exposure"], "local");
    assert!(refs(place).contains(&"HEAD of work tree linked"), "{place:#}");
}

#[test]
fn staged_in_another_work_tree() {
    let (scratch, secret) = (Scratch::new(), github_pat(154));
    let main = scratch.repository("main");
    main.commit_file("a.py", "a = 1\n");
    main.git(["worktree", "add", "--quiet", "--detach", "../linked"]);
    let linked = scratch.existing("linked");
    linked.write("b.py", token_line(&secret));
    linked.git(["add", "b.py"]);
    linked.remove("b.py");
    assert_eq!(main.audit_everything().findings, linked.audit_everything().findings);
}

#[test]
fn in_a_sha_256_repository() {
    let scratch = Scratch::new();
    let repository = scratch.repository_with("r", &["--object-format=sha256"]);
    let secrets = many_versions(&repository);
    assert_all_found(&repository, &secrets);
    let loose = repository.audit();
    assert_eq!(loose.place(&secrets[0])["commit"].as_str().unwrap().len(), 64);
    repository.git(["repack", "-adfq", "--depth=50"]);
    assert_all_found(&repository, &secrets);
    assert_eq!(repository.audit().findings, loose.findings);
}

#[test]
fn in_a_repository_given_by_a_directory_inside_it() {
    let (scratch, secret) = (Scratch::new(), github_pat(155));
    let repository = scratch.repository("r");
    repository.commit_file("sub/deep/a.py", token_line(&secret));
    let run = scratch.keysieve(["audit", "r/sub/deep", "--format", "jsonl", "--show-secrets"]);
    assert_eq!(run.report().findings, repository.audit().findings);
}

#[test]
fn a_path_is_judged_by_what_its_own_versions_say() {
    let (scratch, secret) = (Scratch::new(), password(31));
    let repository = scratch.repository("r");
    // Without quotes it is an expression in code, and no secret.
    repository.commit_file("src/app.py", format!("db_password = {secret}\n"));
    repository.commit_file("conf/app.ini", format!("db_password = \"{secret}\"\n"));

    let report = repository.audit_everything();
    let paths: Vec<&str> =
        report.places(&secret, "git").iter().filter_map(|place| place["path"].as_str()).collect();
    assert_eq!(paths, ["conf/app.ini"]);
}
