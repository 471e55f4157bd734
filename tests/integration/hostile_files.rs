//! Files that steer keysieve and come with what is scanned: pipes, devices, links out of the tree, contents of other files, and
//! sizes that are a trap. Each ends soon, with a message that quotes nothing; what is written is written whole.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::fixture::{Repository, Run, Scratch};
use crate::secrets::{github_pat, password, token_line};

/// Far more than any of these needs, and far less than for ever.
const LIMIT: Duration = Duration::from_secs(20);

/// The files of a repository that say how it is read.
const POLICY: [&str; 4] = [".keysieve.yaml", ".keysieve-baseline.yaml", ".keysieve-salt", "rules.yaml"];
const GIT: [&str; 12] = [
    "HEAD",
    "config",
    "commondir",
    "packed-refs",
    "shallow",
    "index",
    "info/exclude",
    "objects/info/alternates",
    "objects/pack/pack-1.idx",
    "objects/pack/pack-1.pack",
    "refs/heads/other",
    "FETCH_HEAD",
];

fn repository(scratch: &Scratch, name: &str) -> Repository {
    let repository = scratch.repository(name);
    repository.commit_file("a.txt", "nothing\n");
    repository
}

/// Makes the other files that are needed for `file` to be looked at.
fn surround(repository: &Repository, file: &str) {
    match file {
        ".keysieve-salt" => drop(repository.write(".keysieve-baseline.yaml", "schema: 1\nentries: []\n")),
        "rules.yaml" => drop(repository.write(".keysieve.yaml", "schema: 1\nrules: {files: [rules.yaml]}\n")),
        _ => {}
    }
}

fn make_pipe(path: &Path) {
    let _ = fs::remove_file(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Every way in which a repository is opened; each ends in time.
fn runs(repository: &Repository) -> Vec<Run> {
    let arguments: [&[&str]; 4] = [&["audit", "."], &["scan", "."], &["diff", "--staged"], &["env", "."]];
    arguments
        .into_iter()
        .map(|arguments| {
            let start = Instant::now();
            let run = repository.run_keysieve(arguments);
            assert!(start.elapsed() < LIMIT, "{arguments:?}");
            run
        })
        .collect()
}

#[test]
fn pipes_are_not_waited_for() {
    let scratch = Scratch::new();
    for (number, file) in POLICY.iter().enumerate() {
        let repository = repository(&scratch, &format!("policy{number}"));
        surround(&repository, file);
        make_pipe(&repository.path().join(file));
        for run in runs(&repository) {
            assert_eq!(run.code, 2, "{file}: {run:?}");
            assert!(run.stderr.contains(file) && run.stderr.contains("regular file"), "{run:?}");
        }
    }
    for (number, file) in GIT.iter().enumerate() {
        let repository = repository(&scratch, &format!("git{number}"));
        make_pipe(&repository.path().join(".git").join(file));
        drop(runs(&repository));
    }
    let repository = repository(&scratch, "whole");
    fs::remove_dir_all(repository.path().join(".git")).unwrap();
    make_pipe(&repository.path().join(".git"));
    drop(runs(&repository));
}

#[test]
fn links_out_of_the_repository_are_not_followed() {
    let scratch = Scratch::new();
    let secret = password(4);
    let outside = scratch.write("outside", format!("machine example.org login me password {secret}\n"));
    for (number, file) in POLICY.iter().enumerate() {
        let repository = repository(&scratch, &format!("r{number}"));
        surround(&repository, file);
        for target in [outside.as_path(), Path::new("/dev/zero"), Path::new("/etc/passwd")] {
            let _ = fs::remove_file(repository.path().join(file));
            symlink(target, repository.path().join(file)).unwrap();
            for run in runs(&repository) {
                assert_eq!(run.code, 2, "{file}: {run:?}");
                assert!(run.stderr.contains(file) && run.stderr.contains("link"), "{run:?}");
                assert!(!run.stderr.contains(&secret) && !run.stderr.contains("root:"), "{run:?}");
            }
        }
    }
}

#[test]
fn messages_quote_nothing_of_a_file_that_is_another_one() {
    let scratch = Scratch::new();
    let secret = password(5);
    let contents = [
        format!("machine example.org login me password {secret}\n"),
        format!("{secret}\n"),
        format!("A={secret}\n"),
        format!("schema: 1\nrules: \"{secret}\"\nentries: \"{secret}\"\n"),
        format!("schema: \"{secret}\"\n"),
        format!("- {secret}\n- x\n"),
    ];
    for (number, file) in POLICY.iter().enumerate() {
        let repository = repository(&scratch, &format!("r{number}"));
        for content in &contents {
            surround(&repository, file);
            repository.write(file, content);
            let run = repository.run_keysieve(&["audit", "."]);
            assert!(!run.stderr.contains(&secret), "{file}: {run:?}");
        }
    }
    let repository = repository(&scratch, "paths");
    for path in ["/etc/passwd", "../outside", "a/../../outside"] {
        repository.write(".keysieve.yaml", format!("schema: 1\nrules: {{files: ['{path}']}}\n"));
        let run = repository.run_keysieve(&["audit", "."]);
        assert_eq!(run.code, 2);
        assert!(run.stderr.contains("`rules.files[0]` leads out of the repository"), "{run:?}");
    }
}

/// Files of a git directory that others than keysieve's own code read.
const CONTROL: [&str; 14] = [
    "HEAD",
    "config",
    "config.worktree",
    "commondir",
    "gitdir",
    "packed-refs",
    "shallow",
    "index",
    "MERGE_HEAD",
    "FETCH_HEAD",
    "refs/heads/other",
    "logs/HEAD",
    "objects/info/alternates",
    "objects/info/commit-graph",
];

#[test]
fn nothing_is_quoted_of_what_lies_in_the_place_of_gits_own_files() {
    let scratch = Scratch::new();
    let word = password(14);
    let line = format!("root:x:0:0:{word}:/root:/bin/sh\n");
    let contents = [
        line.repeat(3),
        line.clone(),
        format!("{word}\n"),
        format!("\"{word}\\q\"\n"),
        format!("a/{word} b\n"),
    ];
    for (number, file) in CONTROL.iter().enumerate() {
        let repository = repository(&scratch, &format!("r{number}"));
        let path = repository.path().join(".git").join(file);
        let link = [
            "HEAD",
            "config",
            "commondir",
            "packed-refs",
            "shallow",
            "objects/info/alternates",
            "FETCH_HEAD",
        ];
        for (at, content) in contents.iter().enumerate() {
            let outside = scratch.write(&format!("outside{at}"), content);
            for is_link in [true, false] {
                let _ = fs::remove_file(&path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                match is_link {
                    true => symlink(&outside, &path).unwrap(),
                    false => fs::write(&path, content).unwrap(),
                }
                for run in runs(&repository) {
                    assert!(!run.stderr.contains(&word) && !run.stdout.contains(&word), "{file}: {run:?}");
                }
                if is_link && link.contains(file) {
                    let run = repository.run_keysieve(&["audit", "."]);
                    let output = run.stdout + &run.stderr;
                    assert!(
                        run.code == 2 && output.contains(file) && output.contains("link"),
                        "{file}: {output}"
                    );
                }
            }
        }
    }
}

#[test]
fn files_that_work_trees_share_are_followed() {
    let (scratch, secret) = (Scratch::new(), github_pat(15));
    let main = repository(&scratch, "main");
    main.commit_file("app.py", token_line(&secret));
    main.git(["pack-refs", "--all"]);
    let other = scratch.repository("other");
    for file in ["config", "packed-refs", "HEAD", "objects", "refs"] {
        let path = other.path().join(".git").join(file);
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        symlink(main.path().join(".git").join(file), path).unwrap();
    }
    let report = other.audit();
    report.assert_complete();
    report.assert_secrets(&[&secret]);
}

#[test]
fn results_are_read_from_regular_files_of_bounded_size() {
    let scratch = Scratch::new();
    scratch.write("a.jsonl", "");
    make_pipe(&scratch.path("pipe"));
    let sparse = scratch.write("large.jsonl", "x");
    fs::File::options().write(true).open(sparse).unwrap().set_len(1 << 40).unwrap();
    for (file, part) in
        [("/dev/zero", "not a regular file"), ("pipe", "not a regular file"), ("large.jsonl", "536870912")]
    {
        for arguments in
            [vec!["report", file], vec!["compare", file, "a.jsonl"], vec!["compare", "a.jsonl", file]]
        {
            let start = Instant::now();
            let run = scratch.keysieve(&arguments);
            assert!(start.elapsed() < LIMIT, "{arguments:?}");
            assert_eq!(run.code, 2, "{arguments:?}: {run:?}");
            // The new results are read first.
            assert!(
                arguments[1] == file && arguments[0] == "compare" || run.stderr.contains(part),
                "{run:?}"
            );
        }
    }
}

#[test]
fn nothing_takes_more_time_than_its_size_is_worth() {
    let scratch = Scratch::new();
    let repository = repository(&scratch, "r");
    let brackets = format!("a: {}\n", "[".repeat(200_000));
    let ignores: String = (0..100_000).map(|number| format!("folder{number}/*.o\n")).collect();
    let paths: String = (0..20_000).map(|number| format!("- ignore: folder{number}/\n")).collect();
    for (file, content) in [
        ("compose.yaml", brackets.clone()),
        (".keysieve.yaml", brackets.clone()),
        (".keysieve-baseline.yaml", brackets),
        (".gitignore", ignores),
        (".keysieve.yaml", format!("schema: 1\npaths:\n{paths}")),
    ] {
        repository.write(file, content);
        drop(runs(&repository));
        repository.remove(file);
    }
}

#[test]
fn files_are_written_whole_and_for_whom_they_are() {
    let scratch = Scratch::new();
    let (repository, secret) = (repository(&scratch, "r"), github_pat(6));
    repository.commit_file("app.py", token_line(&secret));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let out = scratch.write("out/report.json", "before");
    let out_text = out.to_str().unwrap();
    repository.run_keysieve(&["audit", ".", "--format", "json", "-o", out_text, "--show-secrets"]);
    assert!(fs::read_to_string(&out).unwrap().contains(&secret));
    assert_eq!(mode(&out), 0o600);
    let also = scratch.path("out/also.sarif");
    let also_text = format!("sarif={}", also.display());
    repository.run_keysieve(&["audit", ".", "--show-secrets", "--also", &also_text]);
    assert_eq!(mode(&also), 0o600);
    fs::set_permissions(&out, fs::Permissions::from_mode(0o640)).unwrap();
    repository.run_keysieve(&["audit", ".", "--format", "json", "-o", out_text]);
    assert_eq!(mode(&out), 0o640);
    assert!(!fs::read_to_string(&out).unwrap().contains(&secret));
    let names = fs::read_dir(scratch.path("out")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["also.sarif", "report.json"]);
}

#[test]
fn a_baseline_is_not_written_through_a_link_out_of_the_repository() {
    let scratch = Scratch::new();
    for (number, file) in [".keysieve-baseline.yaml", ".keysieve-salt", ".gitattributes"].iter().enumerate() {
        let repository = repository(&scratch, &format!("r{number}"));
        repository.commit_file("app.py", token_line(&github_pat(7)));
        let victim = scratch.path(&format!("victim{number}"));
        symlink(&victim, repository.path().join(file)).unwrap();
        let run = repository.run_keysieve(&["baseline", "create", "."]);
        assert_eq!(run.code, 2, "{file}: {run:?}");
        assert!(!victim.exists(), "{file}");
    }
}

#[test]
fn a_stopped_push_shows_no_password_of_the_remote() {
    let scratch = Scratch::new();
    let repository = repository(&scratch, "r");
    let head = repository.commit_file("app.py", token_line(&github_pat(8)));
    let secret = password(9);
    let line = format!("refs/heads/main {head} refs/heads/main {}\n", "0".repeat(40));
    for address in [
        format!("https://me:{secret}@example.org/r.git"),
        format!("https://{secret}@example.org/r.git"),
        format!("HTTPS://me:{secret}@example.org/r.git"),
        format!("https://me:a/{secret}@example.org/r.git"),
        format!("me:{secret}@example.org:r.git"),
        format!("https://example.org/r.git?token={secret}"),
    ] {
        let mut command = crate::fixture::keysieve_command(&scratch.path("home"));
        command.current_dir(repository.path()).args(["hook", "run", "pre-push", &address, &address]);
        let run = crate::fixture::run(&mut command, line.as_bytes());
        assert_eq!(run.code, 1, "{run:?}");
        assert!(run.stderr.contains("example.org"), "{run:?}");
        assert!(!run.stderr.contains(&secret) && !run.stdout.contains(&secret), "{run:?}");
    }
}

/// Names as an attacker gives them; none has a `/` or a NUL, so that each can be a file's.
const NAMES: [&str; 20] = [
    "\x1b[31mred\x07",
    "\u{9b}31m\u{85}",
    "\u{202e}left\u{2066}",
    "\u{2028}line\u{2029}",
    "\u{feff}mark\u{200b}\u{61c}",
    "\u{e0041}tag",
    "<img src=x onerror=alert(1)>",
    "![i](http:x)",
    "[l](http:x)",
    "` <b> `` ![i](http:x) ```",
    "a\n::error::forged",
    "a%0A::error::forged",
    "a\r\n::set-output name=x::y",
    "=cmd()|'calc'!A0",
    "@x",
    "+x",
    "-x",
    "\t=x",
    "<!-- x --><script>alert(1)<!-- ",
    "]]><x a=\"b\">&lt;",
];

#[test]
fn no_format_lets_a_name_be_more_than_text() {
    let scratch = Scratch::new();
    let repository = repository(&scratch, "r");
    for (at, name) in NAMES.iter().enumerate() {
        repository.write(&format!("{name}.{at}.py"), token_line(&github_pat(100 + at as u64)));
    }
    repository.commit_with(&NAMES.join("\n"), |command| {
        command.env("GIT_AUTHOR_NAME", "![i](http:x) \u{202e}\u{9b} =x").env("GIT_COMMITTER_NAME", "=x");
    });
    for format in ["text", "json", "jsonl", "sarif", "github", "gitlab", "junit", "csv", "markdown", "html"] {
        let run = repository.run_keysieve(&["audit", ".", "--format", format]);
        assert_eq!(run.code, 1, "{format}: {run:?}");
        let output = run.stdout;
        let is_raw = |sign: char| {
            (sign.is_control() && sign != '\n' && !(format == "csv" && sign == '\r'))
                || matches!(sign, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
                || matches!(sign, '\u{feff}' | '\u{e0000}'..='\u{e007f}')
        };
        let raw: Vec<char> = output.chars().filter(|&sign| is_raw(sign)).collect();
        assert!(raw.is_empty(), "{format}: {raw:?}");
        match format {
            "github" => {
                let forged = output
                    .lines()
                    .filter(|line| line.starts_with("::error::forged") || line.starts_with("::set-output"));
                assert_eq!(forged.count(), 0, "{output}");
            }
            "csv" => {
                let starts = ["=", "+", "-", "@"].map(|sign| format!(",\"{sign}"));
                let bare = ["=", "+", "-", "@"].map(|sign| format!(",{sign}"));
                assert!(!starts.iter().chain(&bare).any(|start| output.contains(start.as_str())), "{output}");
            }
            "html" => assert!(!output.contains("<img") && !output.contains("<script>alert"), "{output}"),
            "junit" => drop(roxmltree::Document::parse(&output).unwrap()),
            "markdown" => {
                for line in output.lines() {
                    let outside = outside_of_code(line);
                    assert!(
                        !["<img", "<b>", "<script", "<!--", "](http", "!["]
                            .iter()
                            .any(|sign| outside.contains(sign)),
                        "{line}"
                    );
                }
            }
            _ => {}
        }
    }
}

/// What stands outside of code spans: each begins with some backticks and ends with as many.
fn outside_of_code(line: &str) -> String {
    let (mut outside, mut rest) = (String::new(), line);
    while let Some(start) = rest.find('`') {
        outside.push_str(&rest[..start]);
        let count = rest[start..].bytes().take_while(|&byte| byte == b'`').count();
        let inside = &rest[start + count..];
        let mut at = 0;
        let end = loop {
            let Some(next) = inside[at..].find('`') else { break None };
            let run = inside[at + next..].bytes().take_while(|&byte| byte == b'`').count();
            if run == count {
                break Some(at + next + run);
            }
            at += next + run;
        };
        match end {
            Some(end) => rest = &inside[end..],
            None => {
                outside.push_str(inside);
                return outside;
            }
        }
    }
    outside + rest
}

#[test]
fn what_the_configuration_leaves_out_is_said() {
    let scratch = Scratch::new();
    let repository = repository(&scratch, "r");
    repository.commit_file("app.py", token_line(&github_pat(10)));
    repository.write(".keysieve.yaml", "schema: 1\nrules: {off: [github-pat, npm-access-token]}\n");
    let said = "the configuration switches off 2 rules: github-pat, npm-access-token";
    for format in ["text", "json", "jsonl", "sarif", "github", "markdown", "html"] {
        let run = repository.run_keysieve(&["audit", ".", "--format", format]);
        assert!(run.stdout.contains(said), "{format}: {run:?}");
    }
    repository.write(".keysieve.yaml", "schema: 1\naccept-unread: ['*']\nlimits: {file-bytes: 1}\n");
    let run = repository.run_keysieve(&["audit", "."]);
    assert!(run.stdout.contains("but what the configuration accepts as unread"), "{run:?}");
    assert!(!run.stdout.contains("everything was read\n"), "{run:?}");
}
