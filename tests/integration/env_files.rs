//! The state of `.env` files: secrets belong there in development, as long as git never sees the file.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::fixture::{Report, Repository, Scratch};
use crate::secrets::{github_pat, token_line};

fn env_file(repository: &Repository, path: &str, secret: &str) {
    let file = repository.write(path, format!("GITHUB_TOKEN={secret}\n"));
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

#[track_caller]
fn only_env_file(report: &Report) -> &Value {
    let files = report.summary["env_files"].as_array().unwrap();
    assert_eq!(files.len(), 1, "{files:#?}");
    &files[0]
}

#[test]
fn tracked() {
    let (scratch, secret) = (Scratch::new(), github_pat(600));
    let repository = scratch.repository("r");
    env_file(&repository, ".env", &secret);
    repository.commit("Add");
    // An ignore rule that comes too late changes nothing.
    repository.commit_file(".gitignore", ".env\n");
    let report = repository.audit_everything();
    let file = only_env_file(&report);
    assert_eq!((&file["path"], &file["state"]), (&".env".into(), &"tracked".into()));
    assert!(file["fix"].as_str().unwrap().contains("git -C r rm --cached .env"), "{file}");
    report.assert_secrets(&[&secret]);
    assert!(repository.keysieve(&[]).stdout.contains("high  .env is tracked by git"));
}

#[test]
fn committed_once() {
    let (scratch, secret) = (Scratch::new(), github_pat(601));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    env_file(&repository, "service/.env", &secret);
    let commit = repository.commit("Add");
    repository.git(["rm", "--quiet", "service/.env"]);
    repository.commit("Remove");
    for packed in [false, true] {
        if packed {
            repository.git(["gc", "--quiet"]);
        }
        let report = repository.audit_everything();
        let file = only_env_file(&report);
        assert_eq!(file["path"], "service/.env");
        assert_eq!(file["state"], "committed");
        assert_eq!(file["commit"], commit);
        assert_eq!(file["pushed"], false);
        assert_eq!(report.find(&secret)["exposure"], "local");
    }
}

#[test]
fn committed_once_and_pushed() {
    let scratch = Scratch::new();
    let remote = scratch.repository_with("remote.git", &["--bare"]);
    let repository = scratch.repository("r");
    // Without any secret that a rule knows: the file itself is the matter.
    repository.commit_file(".env.production", "DEBUG=0\n");
    repository.git(["remote", "add", "origin", remote.path_text()]);
    repository.git(["push", "--quiet", "origin", "main"]);
    repository.git(["rm", "--quiet", ".env.production"]);
    repository.commit("Remove");
    let report = repository.audit_everything();
    let file = only_env_file(&report);
    assert_eq!((&file["state"], &file["pushed"]), (&"committed".into(), &true.into()));
    assert!(file["fix"].as_str().unwrap().contains("rotate"), "{file}");
}

#[test]
fn not_ignored() {
    let (scratch, secret) = (Scratch::new(), github_pat(602));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    env_file(&repository, ".env", &secret);
    let report = repository.audit_everything();
    let file = only_env_file(&report);
    assert_eq!((&file["path"], &file["state"]), (&".env".into(), &"not-ignored".into()));
    assert!(file["fix"].as_str().unwrap().contains(".gitignore"), "{file}");
    assert_eq!(report.find(&secret)["exposure"], "worktree");
    assert_eq!(report.summary["in_ignored_env"], 0);
}

#[test]
fn ignored_is_as_it_should_be() {
    let (scratch, secret) = (Scratch::new(), github_pat(603));
    let repository = scratch.repository("r");
    repository.commit_file(".gitignore", ".env\n");
    env_file(&repository, ".env", &secret);
    let report = repository.audit_everything();
    assert_eq!(report.code, 0);
    assert_eq!(report.summary["env_files"], Value::Array(Vec::new()));
    assert_eq!(report.summary["in_ignored_env"], 1);
    let run = repository.keysieve(&[]);
    assert_eq!(run.code, 0);
    assert!(run.stdout.contains("fine: 1 secret in ignored environment files only"), "{run:?}");
}

#[test]
fn a_secret_of_an_ignored_file_that_was_committed_elsewhere() {
    let (scratch, secret) = (Scratch::new(), github_pat(604));
    let repository = scratch.repository("r");
    repository.write(".gitignore", ".env\n");
    repository.commit_file("settings.py", token_line(&secret));
    repository.commit_file("settings.py", "import os\n");
    env_file(&repository, ".env", &secret);
    let report = repository.audit_everything();
    assert_eq!(report.code, 1);
    assert_eq!(report.find(&secret)["exposure"], "local");
    let [file] = report.places(&secret, "worktree").try_into().unwrap();
    assert_eq!((&file["path"], &file["ignored"]), (&".env".into(), &true.into()));
    assert_eq!(report.places(&secret, "git").len(), 1);
    assert_eq!(report.summary["in_ignored_env"], 0);
}

#[test]
fn templates_are_no_environment_files() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit_file(".env.example", "GITHUB_TOKEN=\n");
    let report = repository.audit_everything();
    assert_eq!(report.summary["env_files"], Value::Array(Vec::new()));
    let secret = github_pat(605);
    env_file(&repository, ".env.example", &secret);
    repository.commit("A real one");
    repository.audit_everything().assert_secrets(&[&secret]);
}
