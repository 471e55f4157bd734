//! What once went wrong.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::fixture::Scratch;
use crate::secrets::{github_pat, token_line};

#[test]
fn a_linked_gitignore_hides_nothing() {
    let (scratch, secret) = (Scratch::new(), github_pat(950));
    let repository = scratch.repository("r");
    repository.write("patterns", "a.py\n");
    repository.write("a.py", token_line(&secret));
    symlink("patterns", repository.path().join(".gitignore")).unwrap();
    scratch.scan(&["r"]).assert_secrets(&[&secret]);
}

#[test]
fn an_ignored_folder_that_is_asked_for_is_read() {
    let (scratch, secret) = (Scratch::new(), github_pat(951));
    let repository = scratch.repository("r");
    repository.write(".gitignore", "build/\n");
    repository.write("build/a.py", token_line(&secret));
    scratch.scan(&["r/build"]).assert_secrets(&[&secret]);
}

#[test]
fn nothing_read_is_not_called_clean() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path("empty")).unwrap();
    scratch.scan(&["empty"]).assert_unread(&["the given paths", "no file to read"]);
}

#[test]
fn a_pipe_in_the_git_directory_is_not_waited_for() {
    let (scratch, secret) = (Scratch::new(), github_pat(952));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", token_line(&secret));
    assert!(Command::new("mkfifo").arg(repository.git_file("FETCH_HEAD")).status().unwrap().success());
    let report = repository.audit();
    report.assert_unread(&["FETCH_HEAD", "not a regular file"]);
    report.assert_secrets(&[&secret]);
}

#[test]
fn after_a_rebase_the_commit_that_is_left_is_the_first() {
    let (scratch, secret) = (Scratch::new(), github_pat(953));
    let repository = scratch.repository("r");
    repository.commit_file("base.py", "a = 1\n");
    repository.git(["checkout", "--quiet", "-b", "topic"]);
    repository.commit_file("a.py", token_line(&secret));
    repository.git(["checkout", "--quiet", "main"]);
    repository.commit_file("base.py", "a = 2\n");
    repository.git(["rebase", "--quiet", "main", "topic"]);
    let report = repository.audit_everything();
    assert_eq!(report.places(&secret, "git")[0]["commit"], repository.git(["rev-parse", "topic"]));
}

#[test]
fn one_place_a_path_whatever_rule_spoke() {
    let (scratch, value) = (Scratch::new(), format!("x7{}", &github_pat(954)[5..19]));
    let repository = scratch.repository("r");
    repository.commit_file("c.yml", format!("db_password: {value}\n"));
    repository.commit_file("c.yml", format!("db_password: '{value}'\n"));
    let report = repository.audit_everything();
    assert_eq!(report.places(&value, "git").len(), 1);
    assert_eq!(report.places(&value, "git")[0]["versions"], 2);
}

#[test]
fn a_command_in_a_fix_runs_nothing_when_pasted() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit_file("x\u{1b}[31m `id`.env", "A=1\n");
    let text = repository.keysieve(&[]).stdout;
    assert!(text.contains("rm --cached $':(literal)x\\x1b[31m `id`.env'\n"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}
