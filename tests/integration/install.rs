//! `keysieve hook install`, `uninstall` and `status`, seen through real pushes.

use std::process::Command;

use crate::fixture::{Repository, Run, Scratch, keysieve_command, make_executable, run};
use crate::secrets::{github_pat, token_line};

fn pair(scratch: &Scratch) -> (Repository, Repository) {
    let remote = scratch.repository_with("remote.git", &["--bare"]);
    let local = scratch.repository("local");
    local.git(["remote", "add", "origin", remote.path_text()]);
    local.commit_file("a.py", "a = 1\n");
    (remote, local)
}

/// Runs keysieve, and it succeeds.
#[track_caller]
fn keysieve(repository: &Repository, arguments: &[&str]) -> Run {
    let run = repository.run_keysieve(arguments);
    assert_eq!(run.code, 0, "{run:?}");
    run
}

fn foreign_hook(repository: &Repository, name: &str, script: &str) {
    let path = repository.write(&format!(".git/hooks/{name}"), script);
    make_executable(&path);
}

#[track_caller]
fn assert_guarded(local: &Repository, seed: u64) {
    local.commit_file("clean.py", format!("x = {seed}\n"));
    let clean = local.push(&["origin", "main"]);
    assert_eq!(clean.code, 0, "{}", clean.stderr);
    local.commit_file("b.py", token_line(&github_pat(seed)));
    let stopped = local.push(&["origin", "main"]);
    assert_ne!(stopped.code, 0);
    assert!(stopped.stderr.contains("push stopped"), "{}", stopped.stderr);
    local.git(["reset", "--quiet", "--hard", "HEAD~1"]);
}

#[test]
fn installed_it_stops_and_uninstalled_it_does_not() {
    let scratch = Scratch::new();
    let (_, local) = pair(&scratch);
    let install = keysieve(&local, &["hook", "install"]);
    assert!(install.stdout.starts_with("pre-push: installed"), "{}", install.stdout);
    assert_guarded(&local, 1300);
    let again = keysieve(&local, &["hook", "install"]);
    assert!(again.stdout.contains("already"), "{}", again.stdout);
    assert_guarded(&local, 1301);
    assert!(!local.git_file("hooks/pre-commit").exists());
    keysieve(&local, &["hook", "uninstall"]);
    assert!(!local.git_file("hooks/pre-push").exists());
    local.commit_file("b.py", token_line(&github_pat(1302)));
    assert_eq!(local.push(&["origin", "main"]).code, 0);
    let nothing = keysieve(&local, &["hook", "uninstall"]);
    assert!(nothing.stdout.contains("nothing to remove"), "{}", nothing.stdout);
}

#[test]
fn a_hook_that_was_there_is_run_with_its_arguments_and_input() {
    let scratch = Scratch::new();
    let (_, local) = pair(&scratch);
    let theirs = "#!/bin/sh\necho \"theirs $*\" >>hook.log\ncat >>hook.log\n[ ! -e fail ] || exit 7\n";
    foreign_hook(&local, "pre-push", theirs);
    let install = keysieve(&local, &["hook", "install"]);
    assert!(install.stdout.contains("kept, and run after it"), "{}", install.stdout);
    keysieve(&local, &["hook", "install"]);
    let head = local.git(["rev-parse", "HEAD"]);
    assert_eq!(local.push(&["origin", "main"]).code, 0);
    let log = std::fs::read_to_string(local.path().join("hook.log")).unwrap();
    let zero = "0".repeat(40);
    let url = scratch.path("remote.git");
    assert_eq!(
        log,
        format!("theirs origin {}\nrefs/heads/main {head} refs/heads/main {zero}\n", url.display())
    );
    assert_guarded(&local, 1303);
    // Its no counts too, also where keysieve is told to skip.
    local.commit_file("fail", "");
    assert_ne!(local.push(&["origin", "main"]).code, 0);
    let mut skipped = local.command();
    skipped.args(["push", "origin", "main"]).env("KEYSIEVE_SKIP", "1");
    assert_ne!(run(&mut skipped, b"").code, 0);
    local.remove("fail");
    local.commit_file("b.py", token_line(&github_pat(1304)));
    let run = run(&mut skipped, b"");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("KEYSIEVE_SKIP"), "{}", run.stderr);

    let status = keysieve(&local, &["hook", "status"]);
    assert!(status.stdout.contains("then pre-push.before-keysieve"), "{}", status.stdout);
    let uninstall = keysieve(&local, &["hook", "uninstall"]);
    assert!(uninstall.stdout.contains("is back"), "{}", uninstall.stdout);
    let back = std::fs::read_to_string(local.git_file("hooks/pre-push")).unwrap();
    assert_eq!(back, theirs);
    assert!(!local.git_file("hooks/pre-push.before-keysieve").exists());
}

#[test]
fn a_kept_hook_that_does_not_read_its_input() {
    let scratch = Scratch::new();
    let (_, local) = pair(&scratch);
    foreign_hook(&local, "pre-push", "#!/bin/sh\nexit 0\n");
    keysieve(&local, &["hook", "install"]);
    assert_guarded(&local, 1305);
    // Switched off by its owner: git would not run it either.
    let kept = local.git_file("hooks/pre-push.before-keysieve");
    std::fs::remove_file(&kept).unwrap();
    std::fs::write(&kept, "#!/bin/sh\nexit 1\n").unwrap();
    assert_guarded(&local, 1306);
}

#[test]
fn two_hooks_of_others_are_not_guessed_about() {
    let scratch = Scratch::new();
    let (_, local) = pair(&scratch);
    foreign_hook(&local, "pre-push", "#!/bin/sh\nexit 0\n");
    keysieve(&local, &["hook", "install"]);
    foreign_hook(&local, "pre-push", "#!/bin/sh\nexit 1\n");
    let refused = local.run_keysieve(&["hook", "install"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("pre-push.before-keysieve"), "{}", refused.stderr);
}

#[test]
fn the_pre_commit_hook_too() {
    let scratch = Scratch::new();
    let (_, local) = pair(&scratch);
    foreign_hook(&local, "pre-commit", "#!/bin/sh\ntouch theirs\n");
    keysieve(&local, &["hook", "install", "--pre-commit"]);
    local.write("b.py", token_line(&github_pat(1307)));
    local.git(["add", "b.py"]);
    let stopped = local.try_git(&["commit", "-m", "Add"]);
    assert!(stopped.code != 0 && stopped.stderr.contains("commit stopped"), "{}", stopped.stderr);
    assert!(!local.path().join("theirs").exists());
    local.write("b.py", "b = 1\n");
    local.git(["add", "b.py"]);
    assert_eq!(local.try_git(&["commit", "-m", "Add"]).code, 0);
    assert!(local.path().join("theirs").exists());
    let status = keysieve(&local, &["hook", "status"]).stdout;
    assert!(
        status.contains("pre-push    keysieve, ") && status.contains("pre-commit  keysieve, "),
        "{status}"
    );
}

#[test]
fn the_program_gone_stops_the_push() {
    let scratch = Scratch::new();
    let (_, local) = pair(&scratch);
    keysieve(&local, &["hook", "install"]);
    let path = local.git_file("hooks/pre-push");
    let script = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, script.replace(env!("CARGO_BIN_EXE_keysieve"), "/nowhere/keysieve")).unwrap();
    let stopped = local.push(&["origin", "main"]);
    assert_ne!(stopped.code, 0);
    for part in ["cannot be found", "--no-verify"] {
        assert!(stopped.stderr.contains(part), "{}", stopped.stderr);
    }
    assert!(keysieve(&local, &["hook", "status"]).stdout.contains("not there"));
}

#[test]
fn where_git_looks_for_hooks() {
    let scratch = Scratch::new();
    let (_, local) = pair(&scratch);
    // A linked work tree shares the hooks of its repository.
    let tree = scratch.path("linked");
    local.git(["worktree", "add", "--quiet", tree.to_str().unwrap()]);
    keysieve(&scratch.existing("linked"), &["hook", "install"]);
    assert!(local.git_file("hooks/pre-push").is_file());
    keysieve(&local, &["hook", "uninstall"]);
    // A directory of the repository's own, relative to its top.
    local.git(["config", "core.hooksPath", "ci hooks"]);
    keysieve(&local, &["hook", "install"]);
    assert!(local.path().join("ci hooks/pre-push").is_file());
    assert_guarded(&local, 1308);
    assert!(keysieve(&local, &["hook", "status"]).stdout.contains("local configuration"));
    // Husky writes its own anew.
    local.git(["config", "core.hooksPath", ".husky/_"]);
    let refused = local.run_keysieve(&["hook", "install"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("--print husky"), "{}", refused.stderr);
    let nowhere = scratch.keysieve(["hook", "install"]);
    assert_eq!(nowhere.code, 2);
    assert!(nowhere.stderr.contains("not a git repository"), "{}", nowhere.stderr);
}

/// Runs with a configuration of the user's own in the scratch directory.
fn as_user(scratch: &Scratch, mut command: Command) -> Run {
    command
        .env("GIT_CONFIG_GLOBAL", scratch.path("gitconfig"))
        .env("XDG_CONFIG_HOME", scratch.path("config"));
    run(&mut command, b"")
}

#[test]
fn for_all_repositories_of_a_user() {
    let scratch = Scratch::new();
    let (_, local) = pair(&scratch);
    scratch.write("gitconfig", "");
    foreign_hook(&local, "pre-push", "#!/bin/sh\ncat >own.log\n");
    foreign_hook(&local, "post-commit", "#!/bin/sh\ntouch committed\n");
    let user_keysieve = |arguments: &[&str]| {
        let mut command = keysieve_command(&scratch.path(""));
        command.args(arguments);
        as_user(&scratch, command)
    };
    let git = |arguments: &[&str]| {
        let mut command = local.command();
        command.args(arguments);
        as_user(&scratch, command)
    };
    let install = user_keysieve(&["hook", "install", "--global"]);
    assert_eq!(install.code, 0, "{install:?}");
    assert_eq!(user_keysieve(&["hook", "install", "--global"]).code, 0);
    assert_eq!(git(&["push", "origin", "main"]).code, 0);
    assert!(local.path().join("own.log").exists(), "the repository's own hook is still run");
    local.write("b.py", token_line(&github_pat(1309)));
    assert_eq!(git(&["add", "b.py"]).code, 0);
    assert_eq!(git(&["commit", "-m", "Add"]).code, 0);
    assert!(local.path().join("committed").exists(), "and so are its other hooks");
    let stopped = git(&["push", "origin", "main"]);
    assert!(stopped.code != 0 && stopped.stderr.contains("push stopped"), "{}", stopped.stderr);
    assert_eq!(user_keysieve(&["hook", "uninstall", "--global"]).code, 0);
    assert_eq!(git(&["config", "--global", "core.hooksPath"]).code, 1, "unset again");
    assert!(!scratch.path("config/keysieve/hooks").exists());
    assert_eq!(git(&["push", "origin", "main"]).code, 0);
}

#[test]
fn beside_a_users_own_directory_for_all_repositories() {
    let scratch = Scratch::new();
    scratch.write("gitconfig", format!("[core]\n\thooksPath = {}\n", scratch.path("mine").display()));
    let hook = scratch.write("mine/pre-push", "#!/bin/sh\nexit 0\n");
    make_executable(&hook);
    let mut command = keysieve_command(&scratch.path(""));
    command.args(["hook", "install", "--global"]);
    assert_eq!(as_user(&scratch, command).code, 0);
    assert!(scratch.path("mine/pre-push.before-keysieve").is_file());
    assert!(!scratch.path("mine/post-commit").exists(), "its other hooks are its owner's matter");
    let mut command = keysieve_command(&scratch.path(""));
    command.args(["hook", "uninstall", "--global"]);
    assert_eq!(as_user(&scratch, command).code, 0);
    assert_eq!(std::fs::read(hook).unwrap(), b"#!/bin/sh\nexit 0\n");
    let config = std::fs::read_to_string(scratch.path("gitconfig")).unwrap();
    assert!(config.contains("hooksPath"), "the user's own setting stays");
}

#[test]
fn the_self_test_tells_a_working_hook_from_none() {
    let scratch = Scratch::new();
    let (_, local) = pair(&scratch);
    let none = local.run_keysieve(&["hook", "status", "--self-test"]);
    assert_eq!(none.code, 2);
    assert!(none.stderr.contains("went through"), "{}", none.stderr);
    foreign_hook(&local, "pre-push", "#!/bin/sh\necho ran >>\"$HOME/theirs.log\"\n");
    keysieve(&local, &["hook", "install"]);
    let works = keysieve(&local, &["hook", "status", "--self-test"]);
    assert!(works.stdout.contains("was stopped, one without went through"), "{}", works.stdout);
    assert!(!scratch.path("theirs.log").exists(), "the self-test is about keysieve's hook alone");
}

#[test]
fn what_other_tools_need_is_printed() {
    let scratch = Scratch::new();
    for (tool, part) in [
        ("husky", "keysieve hook run pre-push \"$@\""),
        ("lefthook", "use_stdin: true"),
        ("pre-commit", "pass_filenames: false"),
    ] {
        let run = scratch.keysieve(["hook", "install", "--print", tool]);
        assert_eq!(run.code, 0);
        assert!(run.stdout.contains(part), "{}", run.stdout);
    }
}

#[test]
fn as_the_pre_commit_framework_starts_it() {
    let scratch = Scratch::new();
    let (_, local) = pair(&scratch);
    local.git(["push", "--quiet", "origin", "main"]);
    local.commit_file("b.py", token_line(&github_pat(1310)));
    let start = |variables: &[(&str, &str)]| {
        let mut command = keysieve_command(&scratch.path(""));
        command.current_dir(local.path()).args(["hook", "run", "pre-push"]).envs(variables.iter().copied());
        run(&mut command, b"")
    };
    let remote = ("PRE_COMMIT_REMOTE_NAME", "origin");
    let branch = ("PRE_COMMIT_LOCAL_BRANCH", "refs/heads/main");
    let (from, to) = (("PRE_COMMIT_FROM_REF", "HEAD~1"), ("PRE_COMMIT_TO_REF", "HEAD"));
    for variables in [&[remote, branch, from, to][..], &[remote, branch]] {
        let stopped = start(variables);
        assert_eq!(stopped.code, 1, "{stopped:?}");
        assert!(
            stopped.stderr.contains("b.py:1:10") && stopped.stderr.contains("read: 1 commit,"),
            "{}",
            stopped.stderr
        );
    }
    local.git(["reset", "--quiet", "--hard", "HEAD~1"]);
    assert_eq!(start(&[remote, branch]).code, 0);
}

#[test]
fn a_check_of_all_files_by_the_pre_commit_framework_reads_them() {
    let (scratch, secret) = (Scratch::new(), github_pat(1311));
    let repository = scratch.repository("r");
    repository.commit_file("src/a.py", token_line(&secret));
    let start = |variables: &[(&str, &str)]| {
        let mut command = keysieve_command(&scratch.path(""));
        command.current_dir(repository.path()).args(["hook", "run", "pre-commit"]);
        command.envs(variables.iter().copied());
        run(&mut command, b"")
    };
    let all = start(&[("PRE_COMMIT", "1")]);
    assert_eq!(all.code, 1, "{all:?}");
    assert!(
        all.stdout.contains("src/a.py:1:10") && all.stdout.contains("the tracked files were read"),
        "{all:?}"
    );
    // Git names the index to a hook of a commit, which is about what is staged alone.
    let commit = start(&[("PRE_COMMIT", "1"), ("GIT_INDEX_FILE", ".git/index")]);
    assert_eq!(commit.code, 0, "{commit:?}");
    repository.write("src/a.py", "a = 1\n");
    repository.git(["rm", "-q", "--cached", "src/a.py"]);
    repository.git(["commit", "-q", "-m", "Take it out"]);
    assert_eq!(start(&[("PRE_COMMIT", "1")]).code, 0);
}
