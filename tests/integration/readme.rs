//! The README's console blocks: each command is run in a repository as the README describes it, and prints what is shown.
//! `[..]` stands for any text on a line, a line `...` for any lines.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::fixture::Scratch;
use crate::secrets::{github_pat, password};

/// A command and what it prints.
fn console_blocks() -> Vec<(Vec<String>, String)> {
    let readme = include_str!("../../README.md");
    let blocks = readme.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks
        .map(|block| {
            let (command, output) = block.split_once('\n').unwrap();
            let arguments = command.strip_prefix("$ keysieve ").expect("a keysieve command");
            (arguments.split(' ').map(str::to_owned).collect(), output.to_owned())
        })
        .collect()
}

/// The rule file that the README shows.
fn rule_file() -> String {
    let readme = include_str!("../../README.md");
    let blocks = readme.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let block = blocks.into_iter().find(|block| block.contains("id: acme-api-key"));
    block.expect("the README shows a rule file").to_owned()
}

#[test]
fn console_blocks_print_what_they_show() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    for content in [format!("GITHUB_TOKEN = \"{}\"\n", github_pat(900)), "import os\n".to_owned()] {
        repository.write("settings.py", content);
        repository.commit_with("Change settings", |git| {
            git.env("GIT_AUTHOR_NAME", "Ann").env("GIT_AUTHOR_EMAIL", "ann@example.com");
            git.env("GIT_AUTHOR_DATE", "2024-03-01T12:00:00 +0000");
        });
    }
    let key = password(901);
    let swept = scratch.repository("swept");
    for content in [format!("Keys\nThe old one was {key}.\n"), "Keys\n".to_owned()] {
        swept.write("notes.txt", content);
        swept.write(".gitignore", ".env\n");
        swept.commit_with("Write notes", |git| {
            git.env("GIT_AUTHOR_NAME", "Ann").env("GIT_AUTHOR_EMAIL", "ann@example.com");
            git.env("GIT_AUTHOR_DATE", "2024-03-01T12:00:00 +0000");
        });
    }
    let other = password(902);
    let env = format!("STRIPE_SECRET_KEY={key}\nAPI_TOKEN={other}\nPORT=8080\nDB_PASSWORD=changeme\n");
    let env = swept.write(".env", env);
    fs::set_permissions(env, fs::Permissions::from_mode(0o600)).unwrap();
    scratch.write("files/app/db.py", ["PASSWORD = \"", "tR7hvd", "9QmX2\"\n"].concat());
    scratch.write("rules/acme.yaml", rule_file());
    scratch.write(
        "rules/app.py",
        ["KEY = '", "acme_", "live_", "tR7hvd9Q", "mX2kLp5w", "Zc8nBf3s", "Yj6gHa1e", "'\n"].concat(),
    );
    let (token, other) = (github_pat(903), github_pat(904));
    scratch.write("logs/build.log", format!("Cloning with TOKEN=\"{token}\"\ndone\n"));
    let issue = format!("It fails with\\nTOKEN={other}");
    let documents = [("issues/7", issue.as_str()), ("issues/8", "Thanks")];
    let documents = documents.map(|(path, text)| {
        format!("{{\"url\": \"https://github.com/acme/app/{path}\", \"text\": \"{text}\"}}\n")
    });
    scratch.write("logs/issues.jsonl", documents.concat());
    let blocks = console_blocks();
    assert_eq!(blocks.len(), 10, "this test knows where each block is run");
    for (arguments, expected) in blocks {
        let folder = match arguments[0].as_str() {
            _ if arguments.iter().any(|argument| argument == "acme.yaml") => "rules",
            "redact" => "logs",
            "scan" if arguments[1] == "--documents" => "logs",
            "scan" => "files",
            _ if arguments.iter().any(|argument| argument == "--sweep") => "swept",
            _ => "r",
        };
        let run = scratch.keysieve_in(folder, &arguments);
        let expected: Vec<&str> = expected.lines().collect();
        let printed: Vec<&str> = run.stdout.lines().collect();
        assert!(matches(&expected, &printed), "keysieve {}\n{}", arguments.join(" "), run.stdout);
    }
}

fn matches(expected: &[&str], printed: &[&str]) -> bool {
    match (expected.split_first(), printed.split_first()) {
        (None, None) => true,
        (Some((&"...", rest)), _) => (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..])),
        (Some((line, expected)), Some((shown, printed))) => {
            line_matches(line, shown) && matches(expected, printed)
        }
        _ => false,
    }
}

fn line_matches(expected: &str, printed: &str) -> bool {
    let mut parts = expected.split("[..]");
    let Some(mut rest) = printed.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut is_open = false;
    for part in parts {
        is_open = true;
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty() || (is_open && expected.ends_with("[..]"))
}
