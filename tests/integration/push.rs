//! The pre-push and pre-commit hooks, with the real `git push` and `git commit` between real repositories.

use crate::fixture::{Repository, Run, Scratch};
use crate::secrets::{github_pat, password, token_line};

/// A bare remote and a clone of it with one commit pushed; from there on the hook is in place.
fn pair(scratch: &Scratch) -> (Repository, Repository) {
    pair_with(scratch, &[])
}

fn pair_with(scratch: &Scratch, options: &[&str]) -> (Repository, Repository) {
    let remote = scratch.repository_with("remote.git", &[&["--bare"], options].concat());
    let local = scratch.repository_with("local", options);
    local.git(["remote", "add", "origin", remote.path_text()]);
    local.commit_file("a.py", "a = 1\n");
    local.git(["push", "--quiet", "--set-upstream", "origin", "main"]);
    local.set_hook("pre-push");
    (remote, local)
}

/// The push was stopped for a secret at this place, and the remote has nothing of it.
#[track_caller]
fn assert_stopped(run: &Run, parts: &[&str]) {
    assert_ne!(run.code, 0, "{run:?}");
    assert!(run.stderr.contains("push stopped: "), "{}", run.stderr);
    for part in parts {
        assert!(run.stderr.contains(part), "no {part:?} in {}", run.stderr);
    }
}

#[track_caller]
fn assert_through(run: &Run) {
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(!run.stderr.contains("stopped"), "{}", run.stderr);
}

/// What the remote has under this name.
fn at_remote(remote: &Repository, name: &str) -> Option<String> {
    let listing = remote.git(["for-each-ref", "--format=%(refname) %(objectname)"]);
    let mut lines = listing.lines().filter_map(|line| line.split_once(' '));
    lines.find(|(refname, _)| *refname == name).map(|(_, id)| id.to_owned())
}

#[test]
fn a_secret_is_stopped_and_a_clean_push_goes_through() {
    let (scratch, secret) = (Scratch::new(), github_pat(1100));
    let (remote, local) = pair(&scratch);
    local.commit_file("b.py", "b = 1\n");
    let clean = local.push(&["origin", "main"]);
    assert_through(&clean);
    assert!(clean.stderr.contains("no new secrets in 1 commit"), "{}", clean.stderr);

    let before = at_remote(&remote, "refs/heads/main");
    let commit = local.commit_file("src/b.py", format!("b = 1\n{}", token_line(&secret)));
    let stopped = local.push(&["origin", "main"]);
    let hint = format!("ghp_...{}", &secret[secret.len() - 4..]);
    assert_stopped(
        &stopped,
        &["github-pat", &hint, "src/b.py:2:10", &commit[..7], "git commit --amend", "KEYSIEVE_SKIP=1"],
    );
    assert!(!stopped.stderr.contains(&secret), "the secret is not shown");
    assert_eq!(at_remote(&remote, "refs/heads/main"), before);
}

#[test]
fn taken_out_again_in_a_later_commit_it_is_stopped_all_the_same() {
    let (scratch, secret) = (Scratch::new(), github_pat(1101));
    let (_, local) = pair(&scratch);
    local.commit_file("b.py", token_line(&secret));
    local.commit_file("b.py", "b = 1\n");
    assert_stopped(&local.push(&["origin", "main"]), &["b.py:1:10", "taken out again later"]);
}

#[test]
fn names_of_files_and_of_what_is_pushed_are_searched() {
    let (scratch, folder, branch) = (Scratch::new(), github_pat(1160), github_pat(1161));
    let (_, local) = pair(&scratch);
    local.git(["branch", &branch]);
    let stopped = local.push(&["origin", &branch]);
    assert_stopped(&stopped, &["github-pat", "the name of a reference"]);
    assert!(!stopped.stderr.contains(&branch), "{}", stopped.stderr);
    local.commit_file(&format!("dumps/{folder}/a.txt"), "a = 1\n");
    let stopped = local.push(&["origin", "main"]);
    assert_stopped(&stopped, &["github-pat"]);
    assert!(!stopped.stderr.contains(&folder), "{}", stopped.stderr);
    // The name alone is what was wrong.
    local.git(["mv", &format!("dumps/{folder}"), "dumps/b"]);
    local.git(["commit", "-q", "--amend", "-m", "Move"]);
    assert_through(&local.push(&["origin", "main"]));
}

#[test]
fn what_the_remote_has_is_not_new() {
    let (scratch, secret) = (Scratch::new(), github_pat(1102));
    let remote = scratch.repository_with("remote.git", &["--bare"]);
    let local = scratch.repository("local");
    local.git(["remote", "add", "origin", remote.path_text()]);
    local.commit_file("old.py", token_line(&secret));
    local.git(["push", "--quiet", "origin", "main"]);
    local.set_hook("pre-push");
    local.commit_file("old.py", format!("import os\n{}", token_line(&secret)));
    assert_through(&local.push(&["origin", "main"]));
    // The same commits, and one more, as another branch.
    assert_through(&local.push(&["origin", "main:second"]));
    local.git(["checkout", "--quiet", "-b", "third"]);
    local.commit_file("c.py", "c = 1\n");
    let third = local.push(&["origin", "third"]);
    assert_through(&third);
    assert!(third.stderr.contains("in 1 commit, "), "{}", third.stderr);
}

#[test]
fn a_new_branch_is_read_from_where_it_left() {
    let (scratch, secret) = (Scratch::new(), github_pat(1103));
    let (remote, local) = pair(&scratch);
    local.git(["checkout", "--quiet", "-b", "feature"]);
    local.commit_file("b.py", "b = 1\n");
    local.commit_file("c.py", token_line(&secret));
    local.commit_file("d.py", "d = 1\n");
    assert_stopped(&local.push(&["origin", "feature"]), &["c.py:1:10", "read: 3 commits"]);
    assert_eq!(at_remote(&remote, "refs/heads/feature"), None);
}

#[test]
fn several_references_at_once() {
    let (scratch, secret) = (Scratch::new(), github_pat(1104));
    let (remote, local) = pair(&scratch);
    for branch in ["one", "two", "three"] {
        local.git(["checkout", "--quiet", "-b", branch, "main"]);
        let text = if branch == "two" { token_line(&secret) } else { "x = 1\n".to_owned() };
        local.commit_file(&format!("{branch}.py"), text);
    }
    let stopped = local.push(&["origin", "one", "two", "three"]);
    assert_stopped(&stopped, &["two.py:1:10", "git switch two", "read: 3 commits"]);
    assert_eq!(at_remote(&remote, "refs/heads/one"), None);
    assert_through(&local.push(&["origin", "one", "three"]));
    assert_stopped(&local.push(&["--all", "origin"]), &["two.py:1:10"]);
}

#[test]
fn tags_of_commits_blobs_and_trees() {
    let (scratch, message, blob, tree) =
        (Scratch::new(), github_pat(1105), github_pat(1106), github_pat(1107));
    let (remote, local) = pair(&scratch);
    local.git(["tag", "light"]);
    local.git(["tag", "-a", "v1", "-m", "Release"]);
    let tags_only = local.push(&["--tags", "origin"]);
    assert_through(&tags_only);
    assert!(tags_only.stderr.contains("in 1 tag"), "{}", tags_only.stderr);

    local.git(["tag", "-a", "v2", "-m", &format!("Release with {message}")]);
    assert_stopped(
        &local.push(&["origin", "v2"]),
        &["the message of tag v2", "git tag --force --annotate v2"],
    );
    local.git(["tag", "-a", "nested", "-m", "A tag of a tag", "v2"]);
    assert_stopped(&local.push(&["origin", "nested"]), &["the message of tag nested"]);
    local.git(["tag", "blob", &local.store_blob(token_line(&blob).as_bytes())]);
    assert_stopped(&local.push(&["origin", "blob"]), &["in blob", "git tag --delete blob"]);
    local.write("inner.py", token_line(&tree));
    local.git(["add", "--all"]);
    let id = local.git(["write-tree"]);
    local.git(["tag", "-a", "tree", "-m", "A tree", &id]);
    assert_stopped(&local.push(&["origin", "tree"]), &["inner.py:1:10", "git tag --delete tree"]);
    for name in ["v2", "nested", "blob", "tree"] {
        assert_eq!(at_remote(&remote, &format!("refs/tags/{name}")), None);
    }
}

#[test]
fn a_tag_brings_the_commits_that_no_branch_has() {
    let (scratch, secret) = (Scratch::new(), github_pat(1108));
    let (_, local) = pair(&scratch);
    local.git(["checkout", "--quiet", "--detach"]);
    local.commit_file("b.py", token_line(&secret));
    local.git(["tag", "-a", "v1", "-m", "Release"]);
    assert_stopped(&local.push(&["origin", "v1"]), &["b.py:1:10"]);
}

#[test]
fn deletions_read_nothing_and_say_so() {
    let scratch = Scratch::new();
    let (remote, local) = pair(&scratch);
    local.git(["push", "--quiet", "origin", "main:gone"]);
    let run = local.push(&["origin", "--delete", "gone"]);
    assert_through(&run);
    assert!(run.stderr.contains("only deletions; nothing was read"), "{}", run.stderr);
    assert_eq!(at_remote(&remote, "refs/heads/gone"), None);
    let nothing = local.push(&["origin", "main"]);
    assert_through(&nothing);
}

#[test]
fn a_deletion_beside_a_push_hides_nothing() {
    let (scratch, secret) = (Scratch::new(), github_pat(1109));
    let (_, local) = pair(&scratch);
    local.git(["push", "--quiet", "origin", "main:gone"]);
    local.commit_file("b.py", token_line(&secret));
    assert_stopped(&local.push(&["origin", ":gone", "main"]), &["b.py:1:10"]);
}

#[test]
fn a_force_push_is_read_from_what_both_have() {
    let (scratch, secret) = (Scratch::new(), github_pat(1110));
    let (_, local) = pair(&scratch);
    local.commit_file("b.py", "b = 1\n");
    assert_through(&local.push(&["origin", "main"]));
    local.git(["reset", "--quiet", "--hard", "HEAD~1"]);
    local.commit_file("b.py", token_line(&secret));
    assert_stopped(&local.push(&["--force", "origin", "main"]), &["b.py:1:10", "read: 1 commit,"]);
    local.commit_file("b.py", "b = 2\n");
    local.git(["reset", "--quiet", "--soft", "HEAD~2"]);
    local.commit("Clean");
    assert_through(&local.push(&["--force", "origin", "main"]));
}

#[test]
fn a_remote_tip_that_is_not_here_means_reading_more() {
    let (scratch, secret) = (Scratch::new(), github_pat(1111));
    let (remote, local) = pair(&scratch);
    let other = scratch.clone("other", &[remote.path_text()]);
    other.commit_file("other.py", "other = 1\n");
    other.git(["push", "--quiet", "origin", "main"]);
    local.commit_file("b.py", token_line(&secret));
    assert_stopped(&local.push(&["--force", "origin", "main"]), &["b.py:1:10"]);
    // And with no remote-tracking reference at all, everything is new.
    local.git(["update-ref", "-d", "refs/remotes/origin/main"]);
    assert_stopped(&local.push(&["--force", "origin", "main"]), &["b.py:1:10", "read: 2 commits"]);
}

#[test]
fn a_new_remote_knows_nothing() {
    let (scratch, old, new) = (Scratch::new(), github_pat(1112), github_pat(1113));
    let remote = scratch.repository_with("remote.git", &["--bare"]);
    let fork = scratch.repository_with("fork.git", &["--bare"]);
    let local = scratch.repository("local");
    local.commit_file("old.py", token_line(&old));
    local.set_hook("pre-push");
    local.git(["remote", "add", "origin", remote.path_text()]);
    local.git(["remote", "add", "fork", fork.path_text()]);
    // The first remote of all: everything is new.
    assert_stopped(&local.push(&["origin", "main"]), &["old.py:1:10"]);
    local.git(["push", "--quiet", "--no-verify", "origin", "main"]);
    // What another remote has is new to all who read this one.
    assert_stopped(
        &local.push(&["fork", "main:first"]),
        &["old.py:1:10", "nothing is known of what fork has"],
    );
    assert_stopped(
        &local.push(&[fork.path_text(), "main:first"]),
        &["old.py:1:10", "nothing is known of what"],
    );
    local.git(["push", "--quiet", "--no-verify", "fork", "main:first"]);
    local.commit_file("new.py", token_line(&new));
    assert_stopped(&local.push(&["fork", "main"]), &["new.py:1:10", "read: 1 commit,"]);
    // By its address, which git gives in place of a name.
    assert_stopped(&local.push(&[fork.path_text(), "main"]), &["new.py:1:10", "read: 1 commit,"]);
}

#[test]
fn each_remote_is_held_against_its_own_references() {
    let (scratch, secret) = (Scratch::new(), github_pat(1114));
    let (_, local) = pair(&scratch);
    let public = scratch.repository_with("public.git", &["--bare"]);
    local.git(["remote", "add", "public", public.path_text()]);
    local.git(["push", "--quiet", "public", "main"]);
    local.commit_file("b.py", token_line(&secret));
    local.git(["push", "--quiet", "--no-verify", "origin", "main"]);
    assert_stopped(&local.push(&["public", "main"]), &["b.py:1:10"]);
    assert_stopped(&local.push(&[public.path_text(), "main"]), &["b.py:1:10"]);
}

#[test]
fn what_was_fetched_from_one_address_says_nothing_of_another() {
    let (scratch, old) = (Scratch::new(), github_pat(1162));
    let (remote, local) = pair(&scratch);
    local.commit_file("old.py", token_line(&old));
    local.git(["push", "--quiet", "--no-verify", "origin", "main"]);
    let public = scratch.repository_with("public.git", &["--bare"]);
    local.git(["config", "remote.origin.pushurl", public.path_text()]);
    assert_stopped(&local.push(&["origin", "main"]), &["old.py:1:10"]);
    // The same place, reached in another way.
    local.git(["config", "remote.origin.pushurl", &remote.url()]);
    local.commit_file("b.py", "b = 1\n");
    assert_through(&local.push(&["origin", "main"]));
}

#[test]
fn a_mirrors_own_references_are_not_what_the_remote_has() {
    let (scratch, secret) = (Scratch::new(), github_pat(1115));
    let (_, local) = pair(&scratch);
    local.git(["config", "remote.origin.fetch", "+refs/*:refs/*"]);
    local.git(["update-ref", "-d", "refs/remotes/origin/main"]);
    local.commit_file("b.py", token_line(&secret));
    assert_stopped(&local.push(&["origin", "main"]), &["b.py:1:10"]);
}

#[test]
fn evil_merges_messages_and_roots() {
    let scratch = Scratch::new();
    let (evil, message, root) = (github_pat(1116), github_pat(1117), github_pat(1118));
    let (_, local) = pair(&scratch);
    local.git(["checkout", "--quiet", "-b", "side"]);
    local.commit_file("b.py", "b = 1\n");
    local.git(["checkout", "--quiet", "main"]);
    local.commit_file("c.py", "c = 1\n");
    local.git(["merge", "--quiet", "--no-ff", "--no-commit", "side"]);
    local.write("b.py", token_line(&evil));
    local.commit(&format!("Merge with {message}"));
    assert_stopped(
        &local.push(&["origin", "main"]),
        &["stopped: 2 new", "b.py:1:10", "the message of commit"],
    );
    local.git(["checkout", "--quiet", "--orphan", "root"]);
    local.git(["rm", "--quiet", "-r", "--force", "."]);
    local.commit_file("root.py", token_line(&root));
    assert_stopped(&local.push(&["origin", "root"]), &["root.py:1:10", "git commit --amend"]);
}

#[test]
fn from_linked_work_trees_detached_heads_and_sha256() {
    for format in ["sha1", "sha256"] {
        let (scratch, secret) = (Scratch::new(), github_pat(1119));
        let (_, local) = pair_with(&scratch, &[&format!("--object-format={format}")]);
        let tree = scratch.path("linked");
        local.git(["worktree", "add", "--quiet", "--detach", tree.to_str().unwrap()]);
        let linked = scratch.existing("linked");
        linked.commit_file("b.py", token_line(&secret));
        assert_stopped(
            &linked.push(&["origin", "HEAD:refs/heads/new"]),
            &["b.py:1:10", "git commit --amend"],
        );
        linked.git(["reset", "--quiet", "--hard", "HEAD~1"]);
        linked.commit_file("b.py", "b = 1\n");
        assert_through(&linked.push(&["origin", "HEAD:refs/heads/new"]));
    }
}

#[test]
fn from_a_shallow_clone() {
    let (scratch, secret) = (Scratch::new(), github_pat(1120));
    let (remote, local) = pair(&scratch);
    for number in 0..3 {
        local.commit_file("n.py", format!("n = {number}\n"));
    }
    local.git(["push", "--quiet", "origin", "main"]);
    let shallow = scratch.clone("shallow", &["--depth", "1", &remote.url()]);
    shallow.set_hook("pre-push");
    shallow.commit_file("b.py", "b = 1\n");
    assert_through(&shallow.push(&["origin", "main"]));
    shallow.commit_file("c.py", token_line(&secret));
    assert_stopped(&shallow.push(&["origin", "main"]), &["c.py:1:10"]);
}

#[test]
fn the_users_configuration_changes_nothing() {
    let (scratch, secret) = (Scratch::new(), github_pat(1121));
    let (_, local) = pair(&scratch);
    for (key, value) in [
        ("color.ui", "always"),
        ("diff.external", "/bin/false"),
        ("core.quotePath", "true"),
        ("status.short", "true"),
        ("push.followTags", "true"),
        ("core.fsmonitor", "false"),
    ] {
        local.git(["config", key, value]);
    }
    local.write(".git/info/attributes", "* -diff\n");
    local.write(".mailmap", "Somebody Else <else@example.com> <ada@example.com>\n");
    let secret_commit = local.commit_file("b.py", token_line(&secret));
    let clean = local.git(["commit-tree", "-m", "Clean", "-p", "HEAD~1", "HEAD~1^{tree}"]);
    local.git(["replace", &secret_commit, &clean]);
    let run = local.push(&["origin", "main"]);
    assert_stopped(&run, &["b.py:1:10", "Ada Author"]);
    assert!(!run.stderr.contains('\x1b'), "no colours where there is no terminal");
}

#[test]
fn a_push_can_be_let_through_and_says_so() {
    let (scratch, secret) = (Scratch::new(), github_pat(1122));
    let (remote, local) = pair(&scratch);
    let commit = local.commit_file("b.py", token_line(&secret));
    let mut command = local.command();
    command.args(["push", "origin", "main"]).env("KEYSIEVE_SKIP", "1");
    let run = crate::fixture::run(&mut command, b"");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("KEYSIEVE_SKIP"), "{}", run.stderr);
    assert_eq!(at_remote(&remote, "refs/heads/main"), Some(commit));
}

#[test]
fn input_that_is_not_gits_is_an_error() {
    let scratch = Scratch::new();
    let (_, local) = pair(&scratch);
    let start = |input: &[u8]| {
        let mut command = crate::fixture::keysieve_command(&scratch.path(""));
        command.current_dir(local.path()).args(["hook", "run", "pre-push", "origin", "url"]);
        crate::fixture::run(&mut command, input)
    };
    assert_eq!(start(b"").code, 0);
    let bad = start(b"refs/heads/main\n");
    assert_eq!(bad.code, 2);
    assert!(bad.stderr.contains("line 1") && bad.stderr.contains("pre-push"), "{}", bad.stderr);
    let unknown = format!("refs/heads/main {} refs/heads/main {}\n", "1".repeat(40), "0".repeat(40));
    let run = start(unknown.as_bytes());
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("not in the repository"), "{}", run.stderr);
}

/// The commands under `out`, those apart that speak to the reader.
fn commands(run: &Run) -> Vec<String> {
    let lines = run.stderr.lines().skip_while(|line| !line.starts_with("  out     "));
    let lines = lines.take_while(|line| line.starts_with("  out     ") || line.starts_with("          "));
    lines.map(|line| line[10..].to_owned()).collect()
}

/// Does what the hook said, taking the secret out where it says so; then the push goes through.
#[track_caller]
fn follow_the_advice(local: &Repository, arguments: &[&str], file: &str) {
    follow_the_advice_in(local, "", arguments, file);
}

/// The same, typed in a folder of the work tree.
fn follow_the_advice_in(local: &Repository, folder: &str, arguments: &[&str], file: &str) {
    let stopped = local.push(arguments);
    assert_stopped(&stopped, &[]);
    for command in commands(&stopped) {
        if command.starts_with('#') {
            local.write(file, "x = 1\n");
            continue;
        }
        let mut shell = local.command();
        let git = std::mem::replace(&mut shell, std::process::Command::new("sh"));
        shell.arg("-c").arg(&command).current_dir(local.path().join(folder)).env_clear();
        shell.envs(git.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.env("GIT_EDITOR", "sed -i.bak -e s/ghp_[A-Za-z0-9]*/it/");
        let run = crate::fixture::run(&mut shell, b"");
        assert_eq!(run.code, 0, "{command}: {}{}", run.stdout, run.stderr);
    }
    assert_through(&local.push(arguments));
}

#[test]
fn the_advice_for_the_last_commit_works() {
    let (scratch, secret) = (Scratch::new(), github_pat(1123));
    let (_, local) = pair(&scratch);
    local.commit_file("with space.py", token_line(&secret));
    follow_the_advice(&local, &["origin", "main"], "with space.py");
}

#[test]
fn the_advice_for_an_earlier_commit_works() {
    let (scratch, secret) = (Scratch::new(), github_pat(1124));
    let (_, local) = pair(&scratch);
    local.commit_file("b.py", token_line(&secret));
    local.commit_file("c.py", "c = 1\n");
    local.commit_file("d.py", "d = 1\n");
    follow_the_advice(&local, &["origin", "main"], "b.py");
    assert_eq!(local.git(["rev-list", "--count", "HEAD"]), "4");
}

#[test]
fn the_advice_for_another_branch_a_root_and_abbreviated_todos_works() {
    let (scratch, secret, root) = (Scratch::new(), github_pat(1125), github_pat(1126));
    let (_, local) = pair(&scratch);
    local.git(["config", "rebase.abbreviateCommands", "true"]);
    local.git(["checkout", "--quiet", "-b", "feature"]);
    local.commit_file("b.py", token_line(&secret));
    local.commit_file("c.py", "c = 1\n");
    local.git(["checkout", "--quiet", "main"]);
    follow_the_advice(&local, &["origin", "feature"], "b.py");
    local.git(["checkout", "--quiet", "--orphan", "root"]);
    local.git(["rm", "--quiet", "-r", "--force", "."]);
    local.commit_file("root.py", token_line(&root));
    local.commit_file("d.py", "d = 1\n");
    follow_the_advice(&local, &["origin", "root"], "root.py");
}

#[test]
fn the_advice_for_merges_works() {
    let (scratch, below, evil) = (Scratch::new(), github_pat(1127), github_pat(1128));
    let (_, local) = pair(&scratch);
    let merge = |name: &str, secret: Option<&str>| {
        local.git(["checkout", "--quiet", "-b", name]);
        local.commit_file(&format!("{name}.py"), "x = 1\n");
        local.git(["checkout", "--quiet", "main"]);
        local.commit_file(&format!("beside-{name}.py"), "x = 1\n");
        local.git(["merge", "--quiet", "--no-ff", "--no-commit", name]);
        if let Some(secret) = secret {
            local.write(&format!("{name}.py"), token_line(secret));
        }
        local.commit(&format!("Merge {name}"));
    };
    local.commit_file("b.py", token_line(&below));
    merge("one", None);
    follow_the_advice(&local, &["origin", "main"], "b.py");
    merge("two", Some(&evil));
    local.commit_file("after.py", "x = 1\n");
    follow_the_advice(&local, &["origin", "main"], "two.py");
    assert_eq!(local.git(["rev-list", "--count", "--merges", "HEAD"]), "2", "merges stay merges");
}

#[test]
fn the_advice_for_texts_works() {
    let (scratch, message, author) = (Scratch::new(), github_pat(1129), github_pat(1130));
    let (_, local) = pair(&scratch);
    local.commit(&format!("Say {message}"));
    local.commit_file("c.py", "c = 1\n");
    follow_the_advice(&local, &["origin", "main"], "unused");
    local.commit_with("Another", |git| {
        git.arg("--author").arg(format!("{author} <a@example.com>"));
    });
    follow_the_advice(&local, &["origin", "main"], "unused");
    local.git(["tag", "-a", "v1", "-m", &format!("Say {message}")]);
    follow_the_advice(&local, &["origin", "v1"], "unused");
}

#[test]
fn a_staged_secret_stops_the_commit() {
    let (scratch, secret) = (Scratch::new(), github_pat(1131));
    let repository = scratch.repository("r");
    repository.set_hook("pre-commit");
    repository.commit_file("a.py", "a = 1\n");
    repository.write("b.py", token_line(&secret));
    repository.write("c.py", "c = 1\n");
    repository.git(["add", "--all"]);
    let stopped = repository.try_git(&["commit", "-m", "Add"]);
    assert_ne!(stopped.code, 0);
    for part in ["commit stopped: 1 new", "b.py:1:10", "git add -- :/b.py", "KEYSIEVE_SKIP=1 git commit"] {
        assert!(stopped.stderr.contains(part), "no {part:?} in {}", stopped.stderr);
    }
    // `git commit FILE` commits another index than the one that is there.
    let other = repository.try_git(&["commit", "-m", "Add c", "c.py"]);
    assert_eq!(other.code, 0, "{}", other.stderr);
    let named = repository.try_git(&["commit", "-m", "Add b", "b.py"]);
    assert_ne!(named.code, 0);
    // What lies in the work tree only is not committed: the index counts.
    repository.git(["rm", "--quiet", "--cached", "b.py"]);
    repository.write("c.py", "c = 2\n");
    repository.git(["add", "c.py"]);
    assert_eq!(repository.try_git(&["commit", "-m", "Change c"]).code, 0);
    let nothing = repository.try_git(&["commit", "--allow-empty", "-m", "Nothing"]);
    assert_eq!(nothing.code, 0);
    assert!(nothing.stderr.contains("nothing is staged"), "{}", nothing.stderr);
}

#[test]
fn the_first_commit_of_all_can_be_stopped() {
    let (scratch, secret) = (Scratch::new(), password(1132));
    let repository = scratch.repository("r");
    repository.set_hook("pre-commit");
    repository.write("config/app.py", format!("password = \"{secret}\"\n"));
    repository.git(["add", "--all"]);
    let stopped = repository.try_git(&["commit", "-m", "Begin"]);
    assert_ne!(stopped.code, 0);
    assert!(stopped.stderr.contains("config/app.py:1:13"), "{}", stopped.stderr);
}

#[test]
fn the_advice_works_in_a_subfolder() {
    let (scratch, first, odd) = (Scratch::new(), github_pat(1140), github_pat(1141));
    let (_, local) = pair(&scratch);
    local.commit_file("keep/x.py", "x = 1\n");
    local.commit_file("sub/t.py", token_line(&first));
    local.commit_file("keep/y.py", "y = 1\n");
    follow_the_advice_in(&local, "keep", &["origin", "main"], "sub/t.py");
    local.commit_file("sub/[t].py", token_line(&odd));
    follow_the_advice_in(&local, "keep", &["origin", "main"], "sub/[t].py");
}

#[test]
fn the_way_round_repeats_what_is_pushed() {
    let (scratch, secret) = (Scratch::new(), github_pat(1142));
    let (_, local) = pair(&scratch);
    local.commit_file("b.py", token_line(&secret));
    local.git(["tag", "v3"]);
    for (arguments, command) in [
        (["origin", "main"].as_slice(), "KEYSIEVE_SKIP=1 git push origin main lets"),
        (
            &["origin", "main:review"],
            "KEYSIEVE_SKIP=1 git push origin refs/heads/main:refs/heads/review lets",
        ),
        (&["origin", "main", "v3"], "KEYSIEVE_SKIP=1 git push origin main v3 lets"),
    ] {
        assert_stopped(&local.push(arguments), &[command, "keysieve:allow"]);
    }
}

#[test]
fn lines_of_messages_count_from_the_subject() {
    let (scratch, subject, body) = (Scratch::new(), github_pat(1143), github_pat(1144));
    let (_, local) = pair(&scratch);
    local.commit(&format!("Use {subject}"));
    let stopped = local.push(&["origin", "main"]);
    assert_stopped(&stopped, &["the message of commit", ", line 1:5"]);
    assert!(!stopped.stderr.contains("keysieve:allow"), "nobody writes it there: {}", stopped.stderr);
    local.git(["tag", "-a", "v4", "HEAD~1", "-m", &format!("Release\n\nwith {body}")]);
    assert_stopped(&local.push(&["origin", "v4"]), &["the message of tag v4, line 3:6"]);
}
