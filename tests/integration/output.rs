//! What is written: secrets redacted, the same answer everywhere, nothing that a terminal would obey.

use std::fs;

use serde_json::Value;

use crate::fixture::{Repository, Scratch, keysieve_command, run, timeless};
use crate::secrets::{aws_key_id, github_pat, noise, password, token_line};

const FORMATS: [&str; 10] =
    ["text", "json", "jsonl", "sarif", "github", "gitlab", "junit", "csv", "markdown", "html"];

/// A repository with secrets of several kinds in several places, and the secrets.
fn leaky(scratch: &Scratch) -> (Repository, Vec<String>) {
    let repository = scratch.repository("r");
    let secrets = vec![github_pat(700), aws_key_id(701), password(702), github_pat(703), password(704)];
    repository.commit_file("a.py", token_line(&secrets[0]));
    repository.commit_file("a.py", format!("{}{}", noise(1, 30), token_line(&secrets[1])));
    repository.commit_file("b.py", format!("DB_PASSWORD = \"{}\"\n", secrets[2]));
    repository.commit(&format!("Remove {}", secrets[3]));
    repository.git([
        "remote",
        "add",
        "origin",
        &format!("https://deploy:{}@git.example.com/app.git", secrets[4]),
    ]);
    repository.store_blob(token_line(&secrets[0]).as_bytes());
    (repository, secrets)
}

/// Nothing of a secret but its public prefix and last four characters can be read in `output`.
#[track_caller]
fn assert_hidden(output: &str, secrets: &[String]) {
    for secret in secrets {
        let shown = secret.as_bytes().windows(8).find(|part| output.contains(str::from_utf8(part).unwrap()));
        assert_eq!(shown, None, "a part of {secret} is shown in {output}");
    }
}

#[test]
fn secrets_are_hidden_unless_asked_for() {
    let scratch = Scratch::new();
    let (repository, secrets) = leaky(&scratch);
    for format in FORMATS {
        let run = repository.keysieve(&["--format", format]);
        assert_eq!(run.code, 1);
        assert_hidden(&run.stdout, &secrets);
        assert_hidden(&run.stderr, &secrets);
        let run = repository.keysieve(&["--format", format, "--show-secrets"]);
        for secret in &secrets {
            assert!(run.stdout.contains(secret), "{secret} in {format}: {}", run.stdout);
        }
        assert_eq!(run.stderr, "");
    }
}

#[test]
fn secrets_are_hidden_when_scanning_files() {
    let (scratch, secrets) = (Scratch::new(), [github_pat(705), password(705)]);
    scratch.write("a.py", format!("{}password = '{}'\n", token_line(&secrets[0]), secrets[1]));
    for format in FORMATS {
        let run = scratch.keysieve(["scan", "a.py", "--format", format]);
        assert_eq!(run.code, 1);
        assert_hidden(&run.stdout, &secrets);
        assert_hidden(&run.stderr, &secrets);
    }
}

/// All formats hide these secrets, all of which are found.
#[track_caller]
fn assert_hidden_in_all_formats(repository: &Repository, secrets: &[String]) {
    repository.audit().assert_secrets(&secrets.iter().map(String::as_str).collect::<Vec<_>>());
    for format in FORMATS {
        assert_hidden(&repository.keysieve(&["--format", format]).stdout, secrets);
    }
}

#[test]
fn secrets_in_authors_are_hidden() {
    let (scratch, secrets) = (Scratch::new(), [706, 707].map(github_pat));
    let repository = scratch.repository("r");
    repository.write("a.py", token_line(&secrets[0]));
    repository.commit_with("First", |git| {
        git.env("GIT_AUTHOR_NAME", &secrets[1]);
    });
    assert_hidden_in_all_formats(&repository, &secrets);
}

#[test]
fn secrets_in_names_of_branches_are_hidden() {
    let (scratch, secrets) = (Scratch::new(), [708, 709].map(github_pat));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", token_line(&secrets[0]));
    repository.git(["branch", &format!("wip/{}", secrets[1])]);
    assert_hidden_in_all_formats(&repository, &secrets);
}

#[test]
fn secrets_in_names_of_files_are_hidden() {
    let (scratch, secrets) = (Scratch::new(), [github_pat(710)]);
    let repository = scratch.repository("r");
    repository.commit_file(&format!("{}.txt", secrets[0]), token_line(&secrets[0]));
    assert_hidden_in_all_formats(&repository, &secrets);
}

#[test]
fn secrets_are_hidden_when_things_cannot_be_read() {
    let scratch = Scratch::new();
    let (repository, mut secrets) = leaky(&scratch);
    secrets.push(github_pat(711));
    let lost = "1234567890123456789012345678901234567890\n";
    repository.write(&format!(".git/refs/heads/wip-{}", secrets[5]), lost);
    for format in FORMATS {
        let run = repository.keysieve(&["--format", format]);
        assert_eq!(run.code, 2);
        assert_hidden(&run.stdout, &secrets);
        assert_hidden(&run.stderr, &secrets);
    }
}

#[test]
fn json_and_json_lines_say_the_same() {
    let scratch = Scratch::new();
    let (repository, secrets) = leaky(&scratch);
    let lines = repository.audit();
    let json = repository.keysieve(&["--format", "json", "--show-secrets"]);
    assert_eq!(json.code, 1);
    let mut document: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(document["findings"], Value::Array(lines.findings.clone()));
    let mut summary = lines.summary.clone();
    for summary in [&mut summary, &mut document["summary"]] {
        summary["seconds"] = Value::Null;
        summary["finished"] = Value::Null;
    }
    assert_eq!(document["summary"], summary);
    assert_eq!(lines.findings.len(), secrets.len());
}

#[test]
fn results_go_to_a_file() {
    let scratch = Scratch::new();
    let (repository, _) = leaky(&scratch);
    for format in FORMATS {
        let file = scratch.path(&format!("report.{format}"));
        let to_file = repository.keysieve(&["--format", format, "-o", file.to_str().unwrap()]);
        assert_eq!((to_file.code, to_file.stdout.as_str()), (1, ""));
        let to_terminal = repository.keysieve(&["--format", format]);
        assert_eq!(timeless(&fs::read_to_string(file).unwrap()), to_terminal.timeless());
    }
}

#[test]
fn any_number_of_threads_gives_the_same() {
    let scratch = Scratch::new();
    let (repository, _) = leaky(&scratch);
    for version in 0..40 {
        let secret = github_pat(720 + version % 25);
        repository.commit_file(
            &format!("d{}/f.py", version % 7),
            format!("{}{}", noise(version, 60), token_line(&secret)),
        );
    }
    for packed in [false, true] {
        if packed {
            repository.git(["repack", "-adfq"]);
        }
        for format in FORMATS {
            let one = repository.keysieve(&["--format", format, "-j", "1"]);
            assert_eq!(one.code, 1);
            for threads in ["4", "4", "0"] {
                let many = repository.keysieve(&["--format", format, "-j", threads]);
                assert_eq!(many.timeless(), one.timeless(), "{format}, -j {threads}, packed: {packed}");
            }
        }
    }
}

#[test]
fn however_git_packs_gives_the_same() {
    let scratch = Scratch::new();
    let (repository, _) = leaky(&scratch);
    for version in 0..20 {
        let content =
            format!("{}{}{}", noise(1, 90), token_line(&github_pat(750 + version)), noise(version, 9));
        repository.commit_file("a.py", content);
    }
    repository.git(["stash", "list"]);
    let loose: Vec<String> =
        FORMATS.map(|format| repository.keysieve(&["--format", format]).timeless()).into();
    for command in [["gc", "--quiet"].as_slice(), &["gc", "--quiet", "--aggressive"], &["repack", "-dq"]] {
        repository.git(command);
        let packed: Vec<String> =
            FORMATS.map(|format| repository.keysieve(&["--format", format]).timeless()).into();
        assert_eq!(packed, loose, "after git {command:?}");
    }
}

#[test]
fn the_users_git_configuration_has_no_effect() {
    let scratch = Scratch::new();
    let (repository, _) = leaky(&scratch);
    repository.commit_file("na\u{ef}ve \"quoted\".py", token_line(&github_pat(780)));
    let before = repository.keysieve(&[]).timeless();
    let bytes_free =
        |text: &str| text.lines().filter(|line| !line.starts_with("read: ")).collect::<Vec<_>>().join("\n");

    let pwned = scratch.path("pwned");
    let command = format!("touch {}", pwned.display());
    let settings = [
        "[core]\n\tquotePath = true\n\tpager = ",
        "\n\tfsmonitor = ",
        "\n\tsshCommand = ",
        "\n[color]\n\tui = always\n[diff]\n\texternal = ",
        "\n[filter \"evil\"]\n\tclean = ",
        "\n[uploadpack]\n\tpackObjectsHook = ",
        "\n[i18n]\n\tlogOutputEncoding = UTF-16\n[log]\n\tshowSignature = true\n",
    ]
    .join(&command);
    let global = scratch.write("gitconfig", &settings);
    let changed = run(
        keysieve_command(&scratch.path(""))
            .args(["audit", repository.path_text()])
            .env("GIT_CONFIG_GLOBAL", &global)
            .env("GIT_EXTERNAL_DIFF", &command)
            .env("GIT_DIR", "/nowhere")
            .env("GIT_OBJECT_DIRECTORY", "/nowhere")
            .env("GIT_PAGER", &command)
            .env("LC_ALL", "de_DE.UTF-8"),
        b"",
    );
    assert_eq!(changed.timeless(), before);

    let config = repository.git_file("config");
    let own = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{own}{settings}")).unwrap();
    repository.write(".git/info/attributes", "* filter=evil -diff\n");
    let changed = repository.keysieve(&[]).timeless();
    assert_eq!(bytes_free(&changed), bytes_free(&before));
    assert!(!pwned.exists(), "nothing is executed");
}

#[test]
fn replacements_and_grafts_hide_nothing() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let (in_blob, in_commit) = (github_pat(790), github_pat(791));
    repository.commit_file("a.py", token_line(&in_blob));
    let commit = repository.commit(&format!("Use {in_commit}"));
    repository.commit_file("a.py", "a = 1\n");
    let before = repository.audit_everything();
    let blob = repository.git(["rev-parse", "main~1:a.py"]);
    repository.git(["replace", &blob, &repository.git(["rev-parse", "main:a.py"])]);
    repository.git(["replace", &commit, "main"]);
    repository.write(".git/info/grafts", format!("{}\n", repository.git(["rev-parse", "main"])));
    let after = repository.audit();
    after.assert_secrets(&[&in_blob, &in_commit]);
    assert_eq!(after.place(&in_blob)["commit"], before.place(&in_blob)["commit"]);
    assert_eq!(after.place(&in_commit)["commit"], commit);
}

#[test]
fn colour_is_for_terminals_and_those_who_ask() {
    let scratch = Scratch::new();
    let (repository, _) = leaky(&scratch);
    let plain = repository.keysieve(&[]);
    assert!(!plain.stdout.contains('\x1b') && !plain.stderr.contains('\x1b'), "{plain:?}");
    assert!(!repository.keysieve(&["--color", "never"]).stdout.contains('\x1b'));
    let coloured = repository.keysieve(&["--color", "always"]).stdout;
    assert!(coloured.contains("\x1b[1;31m"), "{coloured}");
    for format in ["json", "jsonl"] {
        let run = repository.keysieve(&["--format", format, "--color", "always"]);
        assert!(!run.stdout.contains('\x1b'), "{format}");
    }
}

#[test]
fn escape_sequences_are_shown_escaped() {
    let (scratch, secret) = (Scratch::new(), github_pat(795));
    let repository = scratch.repository("r");
    repository.write("a\x1b[31mred\u{202e}\n.py", token_line(&secret));
    repository.commit_with("First", |git| {
        git.env("GIT_AUTHOR_NAME", "Eve \x1b[2J\x1b]0;owned\x07");
    });
    std::os::unix::fs::symlink("nowhere", repository.path().join("link\x1b[1m")).unwrap();
    repository.write(".git/refs/heads/torn\x1b[7m", "12345");

    assert!(!repository.keysieve(&[]).stdout.contains(['\x1b', '\x07', '\u{202e}']));
    let run = repository.keysieve(&["-v"]);
    assert!(!run.stdout.contains(['\x1b', '\x07', '\u{202e}']), "{run:?}");
    for shown in ["a\\u{1b}[31mred\\u{202e}\\n.py", "Eve \\u{1b}[2J", "link\\u{1b}[1m"] {
        assert!(run.stdout.contains(shown), "no {shown:?} in {}", run.stdout);
    }
    for format in ["json", "jsonl"] {
        let run = repository.keysieve(&["--format", format]);
        assert!(!run.stdout.contains(['\x1b', '\x07']), "{format}");
    }
    let report = repository.audit();
    let [place] = report.places(&secret, "git").try_into().unwrap();
    assert_eq!(place["path"], "a\x1b[31mred\u{202e}\n.py");

    let missing = scratch.keysieve(["audit", "no\x1b[31mwhere"]);
    assert!(!missing.stderr.contains('\x1b') && missing.stderr.contains("no\\u{1b}[31mwhere"), "{missing:?}");
}

#[test]
fn a_secret_with_an_escape_sequence_beside_it_is_not_obeyed() {
    let (scratch, secret) = (Scratch::new(), github_pat(796));
    scratch.write(".env\x1b[31m", "x = 1\n");
    scratch.write("a.txt", format!("\x1b[2J{}\x1b[0m", token_line(&secret)));
    let run = scratch.keysieve(["scan", "a.txt", ".env\x1b[31m", "--show-secrets"]);
    assert!(run.stdout.contains(&secret));
    assert!(!run.stdout.contains('\x1b'), "{run:?}");
}

#[test]
fn the_text_tells_what_and_where_and_what_to_do() {
    let (scratch, secret) = (Scratch::new(), github_pat(797));
    let repository = scratch.repository("r");
    let commit = repository.commit_file("src/app.py", token_line(&secret));
    repository.expire_reflogs();
    let run = repository.keysieve(&["-v"]);
    let hint = format!("ghp_...{}", &secret[secret.len() - 4..]);
    for part in [
        format!("critical  GitHub personal access token (classic)  {hint}\n"),
        "  history  src/app.py:1:10\n".to_owned(),
        format!("first in {} of 2023-11-14 by Ada Author <ada@example.com>; in main\n", &commit[..7]),
        "  file     src/app.py:1:10\n".to_owned(),
        "  now      local, still in HEAD: no remote-tracking branch has it".to_owned(),
        "  fix      Revoke it at GitHub".to_owned(),
        "read: 1 commit, 1 blob, 1 file, ".to_owned(),
        "1 secret found\n".to_owned(),
    ] {
        assert!(run.stdout.contains(&part), "no {part:?} in {}", run.stdout);
    }
    assert_eq!((run.code, run.stderr.as_str()), (1, ""));
}

#[test]
fn the_text_has_a_line_or_two_a_mistake() {
    let (scratch, secret) = (Scratch::new(), github_pat(798));
    let repository = scratch.repository("r");
    let commit = repository.commit_file("src/app.py", token_line(&secret));
    repository.expire_reflogs();
    let run = repository.keysieve(&[]);
    let hint = format!("ghp_...{}", &secret[secret.len() - 4..]);
    let expected = [
        format!("r, main at {}", &commit[..7]),
        format!("; keysieve audit {}", repository.path_text()),
        "1 secret: 1 critical\n\nsrc/app.py:1:10\n".to_owned(),
        format!("  critical  GitHub personal access token (classic)  {hint}; TOKEN; local, still in HEAD;\n"),
        "            since 2023-11-14; ".to_owned(),
        "-v lists every place and how to fix it".to_owned(),
        "by severity: 1 critical\n1 secret found\n".to_owned(),
    ];
    for part in expected {
        assert!(run.stdout.contains(&part), "no {part:?} in {}", run.stdout);
    }
    assert_eq!(run.stdout.matches("src/app.py").count(), 1, "one heading a file");
    let quiet = repository.keysieve(&["-q"]);
    assert!(quiet.stdout.starts_with("src/app.py:1:10\n  critical  GitHub"), "{}", quiet.stdout);
    assert!(quiet.stdout.ends_with("\n\nby severity: 1 critical\n1 secret found\n"), "{}", quiet.stdout);
}

#[test]
fn four_hundred_findings_stay_readable() {
    let scratch = Scratch::new();
    for number in 0..80_u64 {
        let lines: String = (0..5).map(|line| token_line(&github_pat(20_000 + number * 5 + line))).collect();
        scratch.write(&format!("files/folder-{}/settings-{number}.py", number % 9), lines);
    }
    let run = scratch.keysieve(["scan", "files"]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("400 secrets in 80 groups: 400 critical\n"), "{}", run.stdout);
    assert!(run.stdout.ends_with("400 secrets found in 80 groups\n"), "{}", run.stdout);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(lines.len() < 80 * 4 + 10, "{} lines", lines.len());
    let widest =
        lines.iter().filter(|line| !line.starts_with("keysieve ")).map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{widest:?}");
}

#[test]
fn the_environment_says_whether_there_are_colours() {
    let scratch = Scratch::new();
    scratch.write("a.py", token_line(&github_pat(799)));
    let coloured = |variables: &[(&str, &str)]| {
        let mut command = keysieve_command(&scratch.path(""));
        command.args(["scan", "a.py"]).envs(variables.iter().copied());
        run(&mut command, b"").stdout.contains('\x1b')
    };
    assert!(!coloured(&[]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "0")]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn help_teaches() {
    let scratch = Scratch::new();
    for arguments in [["--help"].as_slice(), &["audit", "--help"], &["scan", "--help"]] {
        let run = scratch.keysieve(arguments);
        assert_eq!(run.code, 0);
        assert!(run.stdout.contains("Examples:"), "{arguments:?}");
    }
    assert!(scratch.keysieve(["--help"]).stdout.contains("Exit codes:"));
}

#[test]
fn a_reader_that_goes_away_is_not_told_that_all_is_clean() {
    use std::process::Stdio;
    let scratch = Scratch::new();
    scratch.write("a.py", "a = 1\n");
    for arguments in [["scan", "a.py"], ["rules", "list"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = keysieve_command(&scratch.path(""));
        let output = command.args(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

#[test]
fn bytes_that_are_no_text_are_given_beside_what_was_not_read() {
    use std::os::unix::ffi::OsStringExt as _;
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    let name = |bytes: &[u8]| std::ffi::OsString::from_vec(bytes.to_vec());
    std::os::unix::fs::symlink("a.py", repository.path().join(name(b"caf\xe9"))).unwrap();
    fs::write(repository.path().join(name(b"caf\xe9.env")), "A=1\n").unwrap();
    let report = repository.audit();
    let link = &report.summary["skipped"][0];
    assert_eq!((&link["what"], &link["what_bytes"]), (&"caf\u{fffd}".into(), &"Y2Fm6Q==".into()));
    let env_file = &report.summary["env_files"][0];
    assert_eq!(
        (&env_file["path"], &env_file["path_bytes"]),
        (&"caf\u{fffd}.env".into(), &"Y2Fm6S5lbnY=".into())
    );
}

#[test]
fn places_that_are_too_many_to_tell_are_said_to_be() {
    let (scratch, secret) = (Scratch::new(), github_pat(795));
    let repository = scratch.repository("r");
    let blob = repository.store_blob(token_line(&secret).as_bytes());
    // Each tree names the one below ten times: a hundred thousand paths.
    let mut entry = format!("100644 blob {blob}");
    for _ in 0..5 {
        let entries: String = (0..10).map(|number| format!("{entry}\t{number}\n")).collect();
        entry = format!("040000 tree {}", repository.git_reading(entries.as_bytes(), &["mktree"]));
    }
    let tree = entry.rsplit(' ').next().unwrap();
    let commit = repository.git(["commit-tree", "-m", "Many", tree]);
    repository.git(["update-ref", "refs/heads/many", &commit]);
    let report = repository.audit();
    report.assert_unread(&["places of findings", "20000 paths"]);
    assert!(report.find(&secret)["places"].as_array().unwrap().len() > 10_000);
}

/// Runs the command in every format: the token shows in no output and no error.
#[track_caller]
fn assert_hidden_by(repository: &Repository, arguments: &[&str], token: &str) {
    for format in FORMATS {
        let run = repository.run_keysieve(&[arguments, &["--format", format]].concat());
        assert!(run.code > 0, "{arguments:?} as {format}: {run:?}");
        assert!(!run.stdout.contains(token), "{arguments:?} as {format}: {}", run.stdout);
        assert!(!run.stderr.contains(token), "{arguments:?} as {format}: {}", run.stderr);
    }
}

#[test]
fn a_token_in_the_name_of_a_gap_is_hidden() {
    let (scratch, token) = (Scratch::new(), github_pat(960));
    let repository = scratch.repository(&token);
    repository.commit_file("a.py", "a = 1\n");
    fs::write(repository.git_file("index"), "damaged").unwrap();
    for command in ["audit", "scan", "env"] {
        assert_hidden_by(&repository, &[command, "."], &token);
    }
}

#[test]
fn a_token_in_the_path_of_a_finding_is_hidden_by_every_command() {
    let (scratch, token, secret) = (Scratch::new(), github_pat(961), github_pat(962));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    repository.commit_file(&format!("{token}/b.py"), token_line(&secret));
    assert_hidden_by(&repository, &["audit", "."], &token);
    assert_hidden_by(&repository, &["scan", "."], &token);
    assert_hidden_by(&repository, &["diff", "HEAD~1..HEAD"], &token);
}
