//! Secrets as other texts carry them: behind escapes, in colours, in differences.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::fixture::Scratch;
use crate::secrets::{Random, github_pat};

/// What carries a token, and a file that does.
type Carrier = (&'static str, fn(&str) -> String);

#[test]
fn a_token_is_found_behind_any_escape() {
    let scratch = Scratch::new();
    let carriers: [Carrier; 12] = [
        ("line.json", |token| format!(r#"{{"log":"rotated\n{token}\ndone"}}"#)),
        ("tab.json", |token| format!(r#"{{"row":"bob\t{token}\tadmin"}}"#)),
        ("twice.json", |token| format!(r#"{{"body":"{{\"log\":\"rotated\\n{token}\\ndone\"}}"}}"#)),
        ("sign.json", |token| format!(r#"{{"html":"a\u0026{token}\u0022"}}"#)),
        ("colour.json", |token| format!(r#"{{"log":"\u001b[32m{token}\u001b[0m"}}"#)),
        ("url.txt", |token| format!("GET /cb?state=1%26token%3D{token}%26x=1")),
        ("line.txt", |token| format!("GET /log?text=first%0A{token}%0Alast")),
        ("mail.eml", |token| format!("Use it: =20{token}=20")),
        ("hexadecimal.py", |token| format!(r#"s = "\x22{token}\x22""#)),
        ("octal.sh", |token| format!(r"printf '\042{token}\042'")),
        ("colour.sh", |token| format!(r"echo '\e[1;31m{token}\e[0m'")),
        ("colour.log", |token| format!("\x1b[31m{token}\x1b[0m rejected")),
    ];
    let tokens: Vec<String> = (970..).map(github_pat).take(carriers.len()).collect();
    for ((name, write), token) in carriers.iter().zip(&tokens) {
        scratch.write(name, write(token) + "\n");
    }
    let names: Vec<&str> = carriers.iter().map(|(name, _)| *name).collect();
    let report = scratch.scan(&names);
    report.assert_secrets(&tokens.iter().map(String::as_str).collect::<Vec<_>>());
    for (token, name) in tokens.iter().zip(names) {
        assert_eq!(report.find(token)["rule"], "github-pat", "{name}");
    }
}

#[test]
fn a_token_that_goes_on_a_word_is_no_token() {
    let (scratch, token) = (Scratch::new(), github_pat(990));
    for (name, word) in [("a", "x"), ("b", r"\x41"), ("c", "%41"), ("d", r"\\u0041")] {
        scratch.write(name, format!("note {word}{token} end\n"));
    }
    scratch.scan(&["a", "b", "c", "d"]).assert_secrets(&[]);
}

#[test]
fn a_token_is_found_between_columns_that_touch() {
    let (scratch, token) = (Scratch::new(), github_pat(991));
    let record =
        [b"\x05\x02\x04\0\x21\x5d\x01deploy", token.as_bytes(), b"5\x01\x04\0\x21\x5dother\0\0"].concat();
    scratch.write("table.bin", &record);
    scratch.scan(&["table.bin"]).assert_secrets(&[&token]);
    // In text, both are words.
    scratch.write("table.txt", format!("deploy{token}5other\n"));
    scratch.scan(&["table.txt"]).assert_secrets(&[]);
}

/// The lines of a private key of a curve.
fn private_key(seed: u64) -> Vec<String> {
    let mut random = Random::new(seed);
    let content = (0..110).map(|at| if at == 0 { 2 } else { random.next() as u8 });
    let key: Vec<u8> = [0x30, 110].into_iter().chain(content).collect();
    let body = STANDARD.encode(key);
    let label = ["EC PRIV", "ATE KEY-----"].concat();
    let lines = body.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned());
    std::iter::once(["-----BEGIN ", &label].concat())
        .chain(lines)
        .chain([["-----END ", &label].concat()])
        .collect()
}

#[test]
fn keys_are_found_in_a_difference() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit_file("a.txt", "one\n");
    for (name, seed) in [("a.pem", 992), ("b.pem", 993)] {
        repository.write(name, private_key(seed).join("\n") + "\n");
    }
    repository.git(["add", "."]);
    let difference = repository.git(["diff", "--staged"]);
    let arguments = ["scan", "-", "--format", "jsonl", "--show-secrets"];
    let report = scratch.keysieve_reading(difference.as_bytes(), &arguments).report();
    assert_eq!(report.secrets().len(), 2, "{difference}");
}

#[test]
fn keys_are_found_with_words_on_their_lines() {
    let scratch = Scratch::new();
    let carriers = [
        ("quoted.eml", "> ", ""),
        ("comment.js", "// ", ""),
        ("container.log", "2026-01-02T03:04:05.123Z stdout F ", ""),
        ("build.log", "#5 0.2 ", ""),
        ("code.java", "  + \"", "\\n\""),
        ("page.html", "", "<br/>"),
    ];
    for (name, before, behind) in carriers {
        let lines = private_key(994).into_iter().map(|line| format!("{before}{line}{behind}\n"));
        scratch.write(name, lines.collect::<String>());
        let report = scratch.scan(&[name]);
        assert_eq!(report.secrets().len(), 1, "{name}");
    }
}
