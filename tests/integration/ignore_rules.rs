//! Which files are ignored, and by which line: what git says, over generated patterns and paths.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use bstr::{BString, ByteSlice as _};
use keysieve_envfiles::{IgnoreSettings, Ignores, Whose};

use crate::fixture::{Repository, Scratch, run};
use crate::secrets::{Random, github_pat, token_line};

/// How often new patterns are made; each time every path is asked for.
const ROUNDS: u64 = 60;
const NAMES: &[&str] = &[
    "a",
    "b",
    "ab",
    "abc",
    ".env",
    ".env.local",
    "prod.env",
    "A",
    "x y",
    "#a",
    "!a",
    "a[1]",
    "b*",
    "\\a",
    "a-",
    "$a",
];
const FOLDERS: &[&str] = &["", "d", "d/e", "d/e/f", "bc", "bc/d", ".env.d", "c[1]/d"];
/// What patterns are put together from.
const PIECES: &[&str] = &[
    "a",
    "b",
    "ab",
    "c",
    ".env",
    "*",
    "*",
    "**",
    "?",
    "/",
    "/",
    "d",
    "e",
    "local",
    "[a-c]",
    "[!a]",
    "[^b]",
    "[[:alpha:]]",
    "[]a]",
    "[a",
    "[",
    "\\",
    "\\a",
    "\\*",
    " ",
    "\\ ",
    "!",
    "#",
    "**/",
    "/**",
    "/**/",
    ".",
    "-",
    "$",
    "[\\]]",
    "[a-",
    "[[:nope:]]",
    "[a-\\c]",
    "{a,b}",
    "\t",
    "[[:a]",
    "f",
    "x y",
    "***",
];

fn pattern(random: &mut Random) -> String {
    let plain = |random: &mut Random| NAMES[random.next() as usize % NAMES.len()].to_owned();
    let mut text = match random.next() % 4 {
        0 => plain(random),
        1 => format!("{}/{}", FOLDERS[random.next() as usize % FOLDERS.len()], plain(random)),
        _ => (0..1 + random.next() % 5).map(|_| PIECES[random.next() as usize % PIECES.len()]).collect(),
    };
    if random.next().is_multiple_of(4) {
        text.insert(0, '!');
    }
    if random.next().is_multiple_of(6) {
        text.push('/');
    }
    match random.next() % 12 {
        0 => text.push(' '),
        1 => text.push('\r'),
        _ => {}
    }
    text
}

fn patterns(random: &mut Random, count: u64) -> String {
    let lines: Vec<String> = (0..count).map(|_| pattern(random)).collect();
    // The last line may have no end.
    lines.join("\n") + if random.next().is_multiple_of(2) { "\n" } else { "" }
}

/// What `git check-ignore` says of each path: the file, the line and the pattern; empty where there is none.
fn git_says(repository: &Repository, paths: &[String]) -> Vec<[String; 3]> {
    let mut command = repository.command();
    command.args(["check-ignore", "--no-index", "--stdin", "-z", "-v", "-n"]);
    let said = run(&mut command, paths.join("\0").as_bytes()).stdout;
    let fields: Vec<&str> = said.trim_end_matches('\0').split('\0').collect();
    let of_paths = fields.chunks(4).zip(paths).map(|(fields, path)| {
        assert_eq!(fields[3], path);
        [fields[0].to_owned(), fields[1].to_owned(), fields[2].to_owned()]
    });
    of_paths.collect()
}

fn compare_with_git(folds_case: bool) {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.git(["config", "core.ignoreCase", if folds_case { "true" } else { "false" }]);
    let excludes = scratch.path("excludes");
    repository.git(["config", "core.excludesFile", excludes.to_str().unwrap()]);
    let mut paths: Vec<String> = Vec::new();
    for folder in FOLDERS {
        for name in NAMES {
            let path = PathBuf::from(folder).join(name).to_str().unwrap().to_owned();
            if !repository.path().join(&path).exists() {
                repository.write(&path, "");
            }
            paths.push(path);
        }
    }
    let settings = IgnoreSettings {
        folds_case,
        own_files: vec![repository.git_file("info/exclude"), excludes.clone()],
        ..IgnoreSettings::default()
    };
    let mut random = Random::new(if folds_case { 71 } else { 70 });
    let (mut ignored, mut taken_back) = (0, 0);
    for round in 0..ROUNDS {
        for folder in FOLDERS {
            let count = random.next() % if folder.is_empty() { 20 } else { 5 };
            repository
                .write(format!("{folder}/.gitignore").trim_start_matches('/'), patterns(&mut random, count));
        }
        for file in [repository.git_file("info/exclude"), excludes.clone()] {
            fs::write(file, patterns(&mut random, 4)).unwrap();
        }
        let ignores = Ignores::new(repository.path(), settings.clone());
        for (path, [file, line, text]) in paths.iter().zip(git_says(&repository, &paths)) {
            let is_dir = repository.path().join(path).is_dir();
            let verdict = ignores.verdict(path.as_bytes().as_bstr(), is_dir, Whose::All);
            let told = verdict.decision.as_ref();
            let told = told.map(|told| (told.file.clone(), told.line.to_string(), told.pattern.clone()));
            let expected = (!file.is_empty()).then(|| (BString::from(file), line, BString::from(text)));
            assert_eq!(told, expected, "{path:?} in round {round}");
            ignored += u32::from(verdict.is_ignored);
            taken_back += u32::from(verdict.taken_back.is_some());
        }
    }
    // The comparison says something only where both happen.
    assert!(ignored > 1_000 && taken_back > 100, "{ignored} ignored, {taken_back} taken back");
}

#[test]
fn a_scan_reads_what_git_would_add() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    // Environment files are read even where they are ignored.
    let names = NAMES.iter().filter(|name| !name.contains(".env"));
    let names: Vec<&str> = names.copied().chain(["a.py", "{a,b}", "a.{py,js}"]).collect();
    let folders = FOLDERS.iter().filter(|folder| !folder.contains(".env"));
    let mut secrets = BTreeMap::new();
    for (name, folder) in names.iter().flat_map(|name| folders.clone().map(move |folder| (name, folder))) {
        let path = PathBuf::from(folder).join(name).to_str().unwrap().to_owned();
        if !repository.path().join(&path).exists() {
            let secret = github_pat(7_000 + secrets.len() as u64);
            repository.write(&path, token_line(&secret));
            secrets.insert(path, secret);
        }
    }
    let mut random = Random::new(72);
    let mut left_out = 0;
    for round in 0..ROUNDS / 3 {
        for folder in FOLDERS {
            let count = random.next() % if folder.is_empty() { 8 } else { 5 };
            let lines = patterns(&mut random, count);
            repository.write(format!("{folder}/.gitignore").trim_start_matches('/'), lines);
        }
        fs::write(repository.git_file("info/exclude"), patterns(&mut random, 4)).unwrap();
        let mut command = repository.command();
        command.args(["ls-files", "--others", "--exclude-standard", "-z"]);
        let listed = run(&mut command, b"").stdout;
        let listed: BTreeSet<&str> = listed.split('\0').collect();
        let added = secrets.iter().filter(|(path, _)| listed.contains(path.as_str()));
        let added: Vec<&str> = added.map(|(_, secret)| secret.as_str()).collect();
        left_out += secrets.len() - added.len();
        let report = scratch.scan(&["r"]);
        let of_secret =
            |secret: &&str| secrets.iter().find(|(_, known)| known == secret).map(|(path, _)| path);
        let found: BTreeSet<&str> = report.secrets().into_iter().collect();
        let added: BTreeSet<&str> = added.into_iter().collect();
        let differing: Vec<_> = found.symmetric_difference(&added).map(of_secret).collect();
        assert!(differing.is_empty(), "round {round}: {differing:?}");
    }
    assert!(left_out > 100, "{left_out} left out");
}

#[test]
fn a_linked_work_tree_has_the_patterns_of_its_repository() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    repository.git(["worktree", "add", "-q", "../linked"]);
    fs::write(repository.git_file("info/exclude"), "notes.txt\n").unwrap();
    let (kept_out, added) = (github_pat(7_400), github_pat(7_401));
    scratch.write("linked/notes.txt", token_line(&kept_out));
    scratch.write("linked/b.py", token_line(&added));
    scratch.scan(&["linked"]).assert_secrets(&[&added]);
}

#[test]
fn thousands_of_verdicts_are_those_of_git() {
    compare_with_git(false);
}

#[test]
fn and_where_case_does_not_count() {
    compare_with_git(true);
}
