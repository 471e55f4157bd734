//! `keysieve redact`: streams and files without their secrets.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::fixture::{Scratch, keysieve_command};
use crate::secrets::{github_pat, noise, password, token_line};

/// The mark that a token leaves.
fn mark(token: &str) -> String {
    format!("[github-pat ...{}]", &token[token.len() - 4..])
}

/// `keysieve redact ARGUMENTS` with open pipes.
fn start(scratch: &Scratch, arguments: &[&str]) -> Child {
    let mut command = keysieve_command(&scratch.path("."));
    command.arg("redact").args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_secret_in_a_stream_is_replaced_and_all_else_stays() {
    let scratch = Scratch::new();
    let token = github_pat(2100);
    let text =
        format!("\u{1b}[31mred\u{1b}[0m\r\n\0{}\u{1b}[1m{token}\u{1b}[0m no line end", token_line(&token));
    let run = scratch.keysieve_reading(text.as_bytes(), &["redact"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(run.stdout, text.replace(&token, &mark(&token)));
    let again = scratch.keysieve_reading(run.stdout.as_bytes(), &["scan", "-"]);
    assert_eq!(again.code, 0, "{}", again.stdout);
}

#[test]
fn a_large_stream_is_redacted_wherever_secrets_lie() {
    let scratch = Scratch::new();
    let (mut text, mut expected) = (String::new(), String::new());
    for seed in 0..40 {
        let token = github_pat(2200 + seed);
        let filler = noise(seed, 1500 + 7 * seed as usize);
        text += &format!("{filler}{}", token_line(&token));
        expected += &format!("{filler}{}", token_line(&mark(&token)));
    }
    let run = scratch.keysieve_reading(text.as_bytes(), &["redact", "-v"]);
    assert!(run.stdout == expected, "the text differs");
    assert_eq!(run.stderr, "keysieve: 40 secrets were replaced: 40 github-pat\n");
}

#[test]
fn a_line_of_a_log_is_written_while_the_log_goes_on() {
    let scratch = Scratch::new();
    let mut child = start(&scratch, &["--hold", "50"]);
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    for seed in 0..5 {
        let token = github_pat(2300 + seed);
        let before = Instant::now();
        input.write_all(token_line(&token).as_bytes()).unwrap();
        assert_eq!(output.next().unwrap().unwrap(), token_line(&mark(&token)).trim_end());
        assert!(before.elapsed() < Duration::from_secs(20));
    }
    drop(input);
    assert!(output.next().is_none());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_secret_that_comes_in_two_parts_is_replaced() {
    let scratch = Scratch::new();
    let token = github_pat(2310);
    let mut child = start(&scratch, &["--hold", "60000"]);
    let mut input = child.stdin.take().unwrap();
    for part in [&token[..17], &token[17..]] {
        input.write_all(part.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), mark(&token));
}

#[test]
fn nobody_reads_on() {
    let scratch = Scratch::new();
    let mut child = start(&scratch, &[]);
    drop(child.stdout.take());
    let mut input = child.stdin.take().unwrap();
    // The pipe of standard input breaks once the program has ended.
    while input.write_all(noise(1, 1000).as_bytes()).is_ok() {}
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(2), &b""[..]));
}

#[test]
fn markers_and_baselines_keep_no_secret_in() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let token = github_pat(2320);
    repository.write("a.py", token_line(&token).replace('\n', "  # keysieve:allow\n"));
    repository.commit("Start");
    assert_eq!(repository.run_keysieve(&["scan", "a.py"]).code, 0);
    let run = repository.run_keysieve(&["redact", "a.py"]);
    assert!(run.stdout.contains(&mark(&token)) && !run.stdout.contains(&token), "{}", run.stdout);
}

#[test]
fn files_are_printed_one_after_the_other() {
    let scratch = Scratch::new();
    let (one, other) = (github_pat(2330), github_pat(2331));
    scratch.write("a", token_line(&one));
    scratch.write("b", token_line(&other));
    let run = scratch.keysieve(["redact", "a", "none", ".", "b", "--with", "***"]);
    assert_eq!(run.stdout, token_line("***").repeat(2));
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("cannot read none") && run.stderr.contains(". is a folder"),
        "{}",
        run.stderr
    );
    let run = scratch.keysieve(["redact", "a", "--with", "say \"no\""]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("--with"), "{}", run.stderr);
}

#[test]
fn files_are_rewritten_in_place() {
    let scratch = Scratch::new();
    let token = github_pat(2340);
    let secret = scratch.write("logs/a.log", token_line(&token));
    let plain = scratch.write("logs/b.log", "nothing\r\n");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o640)).unwrap();
    let inode = fs::metadata(&plain).unwrap().ino();
    let run = scratch.keysieve(["redact", "--in-place", "logs/a.log", "logs/b.log", "-v"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    assert_eq!(run.stderr, "keysieve: 1 secret was replaced: 1 github-pat\n");
    assert_eq!(fs::read_to_string(&secret).unwrap(), token_line(&mark(&token)));
    assert_eq!(fs::metadata(&secret).unwrap().mode() & 0o777, 0o640);
    assert_eq!(fs::metadata(&plain).unwrap().ino(), inode, "a file without secrets is left alone");
    assert_eq!(fs::read_dir(scratch.path("logs")).unwrap().count(), 2, "nothing is left behind");
}

#[test]
fn what_cannot_be_rewritten_safely_is_refused() {
    let scratch = Scratch::new();
    let token = github_pat(2350);
    let file = scratch.write("d/a.log", token_line(&token));
    symlink(&file, scratch.path("d/link")).unwrap();
    fs::hard_link(scratch.write("d/b.log", token_line(&token)), scratch.path("d/c.log")).unwrap();
    for (name, why) in [
        ("link", "symbolic link"),
        ("b.log", "hard links"),
        (".", "not a regular file"),
        ("no", "cannot read"),
    ] {
        let run = scratch.keysieve_in("d", ["redact", "--in-place", name]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{name}");
        assert!(run.stderr.contains(why), "{}", run.stderr);
    }
    assert_eq!(scratch.keysieve(["redact", "--in-place", "-"]).code, 2);
    assert_eq!(fs::read_to_string(&file).unwrap(), token_line(&token));
    assert_eq!(fs::read_dir(scratch.path("d")).unwrap().count(), 4, "nothing is left behind");
}

#[test]
fn known_values_are_replaced_in_each_form_weak_ones_too() {
    let scratch = Scratch::new();
    let (strong, weak) = (password(2360), ["sunshine", "2024"].concat());
    scratch.write(".env", format!("API_TOKEN={strong}\nDB_PASSWORD={weak}\nPIN_PASSWORD=abc\nPORT=8080\n"));
    let line = format!("connecting with {weak}, then {strong} on 8080\n");
    let text = line.repeat(3000);
    let run = scratch.keysieve_reading(text.as_bytes(), &["redact", "--values", ".env"]);
    assert_eq!(run.code, 0);
    let expected =
        "connecting with [env-value DB_PASSWORD], then [env-value API_TOKEN] on 8080\n".repeat(3000);
    assert!(run.stdout == expected, "{}", &run.stdout[..200]);
    assert!(run.stderr.contains("PIN_PASSWORD") && run.stderr.contains("shorter than"), "{}", run.stderr);
    let run = scratch.keysieve_reading(text.as_bytes(), &["redact", "--values", "none"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
}
