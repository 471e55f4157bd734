//! `keysieve scan`: files and folders as they are now, and standard input.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::fixture::Scratch;
use crate::secrets::{github_pat, noise, token_line};

#[test]
fn gitignore_is_honoured_nested_and_negated() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.write(".gitignore", "build/\n*.log\n!keep.log\n/only-top.txt\nsub/deep/*.dat\n");
    repository.write("sub/.gitignore", "*.tmp\n!important.tmp\n!back.log\n");
    repository.write(".git/info/exclude", "excluded.txt\n");
    let files = [
        ("app.py", true),
        ("build/out.py", false),
        ("sub/build/out.py", false),
        ("debug.log", false),
        ("keep.log", true),
        ("sub/debug.log", false),
        ("sub/keep.log", true),
        ("sub/back.log", true),
        ("only-top.txt", false),
        ("sub/only-top.txt", true),
        ("sub/deep/a.dat", false),
        ("sub/a.dat", true),
        ("a.tmp", true),
        ("sub/a.tmp", false),
        ("sub/important.tmp", true),
        ("sub/deep/important.tmp", true),
        ("excluded.txt", false),
    ];
    let mut expected = Vec::new();
    for (number, (path, is_read)) in files.into_iter().enumerate() {
        let secret = github_pat(500 + number as u64);
        repository.write(path, token_line(&secret));
        let status = repository.command().args(["check-ignore", "-q", path]).status().unwrap();
        assert_eq!(status.success(), !is_read, "git says otherwise of {path}");
        if is_read {
            expected.push(secret);
        }
    }
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    let report = scratch.scan(&["r"]);
    report.assert_secrets(&expected);
    report.assert_complete();
    repository.audit_everything().assert_secrets(&expected);
    // From below, the ignore files above still count.
    scratch.scan(&["r/sub"]).assert_secrets(&[
        &github_pat(506),
        &github_pat(507),
        &github_pat(509),
        &github_pat(511),
        &github_pat(514),
        &github_pat(515),
    ]);
}

#[test]
fn outside_a_repository_gitignore_means_nothing() {
    let (scratch, secret) = (Scratch::new(), github_pat(520));
    scratch.write("d/.gitignore", "*\n");
    scratch.write("d/a.py", token_line(&secret));
    scratch.scan(&["d"]).assert_secrets(&[&secret]);
}

#[test]
fn an_ignored_file_is_read_when_asked_for_by_name() {
    let (scratch, secret) = (Scratch::new(), github_pat(521));
    let repository = scratch.repository("r");
    repository.write(".gitignore", "*.log\n");
    repository.write("debug.log", token_line(&secret));
    let report = scratch.scan(&["r/debug.log"]);
    assert_eq!(report.place(&secret)["ignored"], true);
}

#[test]
fn a_tracked_file_is_read_though_ignored() {
    let (scratch, secret) = (Scratch::new(), github_pat(522));
    let repository = scratch.repository("r");
    repository.write(".gitignore", "*.log\n");
    repository.write("debug.log", "nothing\n");
    repository.git(["add", "--force", "debug.log"]);
    repository.commit("Add");
    repository.write("debug.log", token_line(&secret));
    assert_eq!(repository.audit_everything().find(&secret)["exposure"], "worktree");
    scratch.scan(&["r"]).assert_secrets(&[&secret]);
}

#[test]
fn environment_files_are_read_though_ignored() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let (ignored, nested, open) = (github_pat(523), github_pat(524), github_pat(525));
    repository.write(".gitignore", ".env\nprivate/\n");
    repository.write(".env", format!("TOKEN={ignored}\n"));
    repository.write("private/.env.local", format!("TOKEN={nested}\n"));
    repository.write("service/.env.production", format!("TOKEN={open}\n"));
    let report = scratch.scan(&["r"]);
    report.assert_secrets(&[&open]);
    assert_eq!(report.summary["in_ignored_env"], 2);
    assert_eq!(report.summary["read"]["files"], 4);
    report.assert_complete();
}

#[test]
fn symbolic_links_are_not_followed_and_said() {
    let (scratch, secret) = (Scratch::new(), github_pat(526));
    scratch.write("outside/a.py", token_line(&secret));
    scratch.write("d/b.py", "b = 1\n");
    symlink(scratch.path("outside"), scratch.path("d/folder")).unwrap();
    symlink(scratch.path("outside/a.py"), scratch.path("d/file.py")).unwrap();
    symlink("circle", scratch.path("d/circle")).unwrap();
    let report = scratch.scan(&["d"]);
    for link in ["d/folder", "d/file.py", "d/circle"] {
        report.assert_skipped(&[link, "symbolic link, not followed"]);
    }
    report.assert_complete();
    assert_eq!(report.code, 0);
    assert_eq!(report.summary["read"]["files"], 1);
    let text = scratch.keysieve(["scan", "d"]).stdout;
    assert!(text.contains("passed over on purpose: 3\n"), "{text}");
    // Asked for by name, it is followed.
    scratch.scan(&["d/file.py"]).assert_secrets(&[&secret]);
}

#[test]
fn special_files_are_not_opened_and_said() {
    let (scratch, secret) = (Scratch::new(), github_pat(527));
    scratch.write("d/a.py", token_line(&secret));
    assert!(Command::new("mkfifo").arg(scratch.path("d/pipe")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(scratch.path("d/socket")).unwrap();
    let report = scratch.scan(&["d"]);
    report.assert_skipped(&["d/pipe", "special file, not opened"]);
    report.assert_skipped(&["d/socket", "special file, not opened"]);
    report.assert_secrets(&[&secret]);
    report.assert_complete();
}

#[test]
fn binary_files_are_read() {
    let (scratch, secret) = (Scratch::new(), github_pat(528));
    let bytes: Vec<u8> = (0..=255).cycle().take(5000).collect();
    let content = [&bytes, b"\0".as_slice(), secret.as_bytes(), b"\0", &bytes].concat();
    let line = 1 + bytes.iter().filter(|&&byte| byte == b'\n').count();
    scratch.write("app.pyc", content);
    let report = scratch.scan(&["app.pyc"]);
    assert_eq!(report.place(&secret)["line"], line);
}

/// 20 MB of text with `secrets` at the places where reading is cut, which lie at multiples of 8 MiB.
fn large_file(secrets: &[String; 4]) -> Vec<u8> {
    const PIECE: usize = 8 << 20;
    let mut content = noise(9, 310_000).into_bytes();
    assert!(content.len() > 20_000_000);
    let starts = [PIECE - 39, PIECE + 200, 2 * PIECE - 1, 2 * PIECE + 64 * 1024 - 20];
    for (secret, start) in secrets.iter().zip(starts) {
        content[start - 1] = b' ';
        content[start..start + secret.len()].copy_from_slice(secret.as_bytes());
        content[start + secret.len()] = b' ';
    }
    content
}

/// Line and column of `secret`, counted from 1.
fn position(content: &[u8], secret: &str) -> (usize, usize) {
    let start = content.windows(secret.len()).position(|bytes| bytes == secret.as_bytes()).unwrap();
    let before = &content[..start];
    let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    (before.iter().filter(|&&byte| byte == b'\n').count() + 1, start - line_start + 1)
}

#[test]
fn large_files_are_read_across_the_places_where_reading_is_cut() {
    let scratch = Scratch::new();
    let secrets = [529, 530, 531, 532].map(github_pat);
    let content = large_file(&secrets);
    scratch.write("large.txt", &content);
    let from_file = scratch.scan(&["large.txt"]);
    let from_stdin =
        scratch.keysieve_reading(&content, &["scan", "-", "--format", "jsonl", "--show-secrets"]).report();
    for report in [from_file, from_stdin] {
        report.assert_secrets(&secrets.each_ref().map(String::as_str));
        report.assert_complete();
        assert_eq!(report.summary["read"]["bytes"], content.len());
        for secret in &secrets {
            let (line, column) = position(&content, secret);
            let place = report.place(secret);
            assert_eq!((&place["line"], &place["column"]), (&line.into(), &column.into()), "{secret}");
        }
    }
}

#[test]
fn standard_input() {
    let (scratch, secret) = (Scratch::new(), github_pat(533));
    let input = format!("one\ntwo {secret}\n");
    let report = scratch
        .keysieve_reading(input.as_bytes(), &["scan", "-", "--format", "jsonl", "--show-secrets"])
        .report();
    assert_eq!(report.code, 1);
    assert_eq!(report.find(&secret)["exposure"], "stdin");
    let place = report.place(&secret);
    assert_eq!((&place["kind"], &place["line"], &place["column"]), (&"stdin".into(), &2.into(), &5.into()));
    assert_eq!(scratch.keysieve_reading(b"", &["scan", "-"]).code, 0);
}

#[test]
fn names_that_are_no_text() {
    let (scratch, secret) = (Scratch::new(), github_pat(534));
    let name = OsStr::from_bytes(b"d/caf\xe9.py").to_owned();
    std::fs::create_dir(scratch.path("d")).unwrap();
    std::fs::write(scratch.path("").join(&name), token_line(&secret)).unwrap();
    let report = scratch.scan(&["d"]);
    let place = report.place(&secret);
    assert_eq!(place["path"], "d/caf\u{fffd}.py");
    assert_eq!(place["path_bytes"], "ZC9jYWbpLnB5");
}

#[test]
fn a_path_given_twice_is_reported_once() {
    let (scratch, secret) = (Scratch::new(), github_pat(535));
    scratch.write("d/a.py", token_line(&secret));
    let report = scratch.scan(&["d", "d/a.py"]);
    report.place(&secret);
}

#[test]
fn the_git_directory_is_not_scanned() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.write(".git/scratch.txt", token_line(&github_pat(536)));
    repository.write("a.py", "a = 1\n");
    let report = scratch.scan(&["r"]);
    assert_eq!((report.code, &report.summary["read"]["files"]), (0, &1.into()));
}

#[test]
fn a_repository_inside_the_scanned_folder_is_named() {
    let (scratch, secrets) = (Scratch::new(), [github_pat(537), github_pat(538)]);
    let outer = scratch.repository("outer");
    let inner = scratch.repository("outer/inner");
    inner.commit_file("old.py", token_line(&secrets[0]));
    inner.remove("old.py");
    inner.write("new.py", token_line(&secrets[1]));
    for report in [scratch.scan(&["outer"]), outer.audit()] {
        report.assert_secrets(&[&secrets[1]]);
        report.assert_skipped(&["inner/.git", "a repository of its own", "keysieve audit"]);
        assert_eq!(report.summary["skipped"].as_array().unwrap().len(), 1);
    }
}
