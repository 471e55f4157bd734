//! The same files, asked about by several commands: each says the same of them.

use std::collections::BTreeSet;

use crate::fixture::{Report, Scratch};
use crate::packing::{TarFile, ZipMember, zip};
use crate::secrets::{github_pat, noise, password, token_line};

/// Files in which secrets lie in many ways.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let [plain, escaped, member, tested, utf16] = [8_001, 8_002, 8_003, 8_004, 8_005].map(github_pat);
    let [setting, aligned, sentence] = [8_006, 8_007, 8_008].map(password);
    let wide: Vec<u8> = token_line(&utf16).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let app = format!("{}{}", noise(3, 40), token_line(&plain));
    vec![
        ("src/app.py", app.into_bytes()),
        ("logs/run.json", format!("{{\"log\":\"x\\n{escaped}\\n\"}}\n").into_bytes()),
        ("tests/test_app.py", token_line(&tested).into_bytes()),
        ("config/settings.yaml", format!("db:\n  password: {setting}\n").into_bytes()),
        ("deploy/main.tf", format!("admin_password           = \"{aligned}\"\n").into_bytes()),
        ("docs/readme.md", format!("The password is `{sentence}`.\n").into_bytes()),
        ("lib/app.jar", zip(&[ZipMember::deflated("a/b.properties", token_line(&member).as_bytes())])),
        ("windows.txt", wide),
        (".env.example", b"API_KEY=your-key-here\n".to_vec()),
    ]
}

/// What is said of each secret: rule, severity, confidence, and its places.
fn answer(report: &Report) -> BTreeSet<String> {
    let of_finding = |secret: &&str| {
        let finding = report.find(secret);
        let places = finding["places"].as_array().unwrap().iter();
        let places: BTreeSet<String> = places
            .map(|place| {
                format!("{} {} {} {}", place["path"], place["member"], place["line"], place["column"])
            })
            .collect();
        format!("{secret} {} {} {} {places:?}", finding["rule"], finding["severity"], finding["confidence"])
    };
    report.secrets().iter().map(of_finding).collect()
}

#[test]
fn commands_that_read_the_same_files_say_the_same() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit_file("empty.txt", "");
    for (path, content) in files() {
        repository.write(path, content);
    }
    let scan = scratch.keysieve_in("r", ["scan", ".", "--format", "jsonl", "--show-secrets"]).report();
    let expected = answer(&scan);
    assert!(expected.len() >= 7, "{expected:#?}");
    repository.git(["add", "-A"]);
    assert_eq!(answer(&repository.diff(&["--staged"])), expected, "staged");
    repository.commit("Add all");
    assert_eq!(answer(&repository.diff(&["HEAD~1..HEAD"])), expected, "a range");
    // In history alone: files on disk would be places of their own.
    let bare = scratch.clone("bare.git", &["--bare", repository.path_text()]);
    assert_eq!(answer(&bare.audit()), expected, "an audit");
}

#[test]
fn an_archive_s_members_are_told_as_the_files_are() {
    let scratch = Scratch::new();
    let mut archive = TarFile::default();
    for (path, content) in files() {
        scratch.write(&format!("files/{path}"), &content);
        archive = archive.file(path, content);
    }
    scratch.write("all.tar", archive.finish());
    let of = |report: &Report| -> BTreeSet<String> {
        let facts = |secret: &&str| {
            let finding = report.find(secret);
            format!("{secret} {} {} {}", finding["rule"], finding["severity"], finding["confidence"])
        };
        report.secrets().iter().map(facts).collect()
    };
    assert_eq!(of(&scratch.scan(&["all.tar"])), of(&scratch.scan(&["files"])));
}
