//! `keysieve scan --documents`: texts that others have, a JSON object a line.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::fixture::{Report, Scratch};
use crate::secrets::{github_pat, noise, token_line};

fn lines(documents: &[Value]) -> Vec<u8> {
    documents.iter().map(|document| format!("{document}\n")).collect::<String>().into_bytes()
}

fn scan(scratch: &Scratch, input: &[u8]) -> Report {
    let arguments = ["scan", "--documents", "-", "--format", "jsonl", "--show-secrets"];
    scratch.keysieve_reading(input, &arguments).report()
}

#[test]
fn a_finding_lies_at_the_url_of_its_document_or_at_its_id() {
    let scratch = Scratch::new();
    let (one, other, third) = (github_pat(2400), github_pat(2401), github_pat(2402));
    let url = "https://example.org/acme/app/issues/7";
    let packed = STANDARD.encode(token_line(&third));
    let report = scan(
        &scratch,
        &lines(&[
            json!({"url": url, "id": 7, "author": "ann", "time": "2024-03-01T12:00:00Z",
                   "text": format!("It fails with\n{}", token_line(&one)), "labels": ["bug"]}),
            json!({"id": "C024/1709294400.000100", "text": token_line(&other)}),
            json!({"id": "logs/build.log", "base64": packed}),
            json!({"url": url, "text": "nothing"}),
        ]),
    );
    report.assert_complete();
    report.assert_secrets(&[&one, &other, &third]);
    let place = report.place(&one);
    let facts = ["kind", "path", "author", "date"].map(|name| place[name].as_str().unwrap());
    assert_eq!(facts, ["document", url, "ann", "2024-03-01T12:00:00Z"]);
    assert_eq!(place["line"], 2);
    assert_eq!(report.find(&one)["exposure"], "document");
    assert_eq!(report.place(&other)["path"], "C024/1709294400.000100");
    assert_eq!(report.place(&third)["path"], "logs/build.log");
    assert_eq!(report.summary["read"]["files"], 4);
}

#[test]
fn documents_of_one_name_do_not_hide_each_other() {
    let scratch = Scratch::new();
    let (one, other) = (github_pat(2410), github_pat(2411));
    let document = |token: &str| json!({"url": "https://example.org/7", "text": token_line(token)});
    let report = scan(&scratch, &lines(&[document(&one), document(&other)]));
    report.assert_secrets(&[&one, &other]);
}

#[test]
fn a_line_that_is_no_document_is_named_and_the_others_are_read() {
    let scratch = Scratch::new();
    let tokens: Vec<String> = (2420..2423).map(github_pat).collect();
    let mut input = lines(&[json!({"id": "a", "text": token_line(&tokens[0])})]);
    input.extend(
        format!("{}{{\"id\": \"b\", \"text\": \"{}\n\n", token_line(&tokens[1]), tokens[1]).into_bytes(),
    );
    input.extend(lines(&[
        json!({"text": "no name"}),
        json!({"id": "e"}),
        json!({"id": "f", "text": ["x"]}),
        json!({"id": "g", "base64": "!!"}),
        json!([1]),
        json!({"id": "h", "text": token_line(&tokens[2])}),
    ]));
    let report = scan(&scratch, &input);
    report.assert_secrets(&[&tokens[0], &tokens[2]]);
    for (line, why) in [
        (2, "not valid JSON"),
        (3, "not"),
        (5, "neither `url` nor `id`"),
        (6, "neither `text` nor `base64`"),
        (7, "no string"),
        (8, "cannot be decoded"),
        (9, "no"),
    ] {
        report.assert_unread(&[&format!("line {line} of standard input"), why]);
    }
    assert!(!report.summary.to_string().contains(&tokens[1]), "a message quotes the line");
}

#[test]
fn no_document_at_all_is_an_error() {
    let scratch = Scratch::new();
    scan(&scratch, b"").assert_unread(&["the documents", "no document"]);
    let run = scratch.keysieve(["scan", "--documents", "none.jsonl"]);
    assert_eq!(run.code, 2);
}

#[test]
fn a_long_line_is_passed_over() {
    let scratch = Scratch::new();
    let token = github_pat(2430);
    let mut input = format!("{{\"id\": \"a\", \"text\": \"{}\"}}\n", "x".repeat(100 << 20)).into_bytes();
    input.extend(lines(&[json!({"id": "b", "text": token_line(&token)})]));
    let report = scan(&scratch, &input);
    report.assert_unread(&["line 1 of standard input", "longer than 64 MiB"]);
    report.assert_secrets(&[&token]);
}

#[test]
fn every_format_names_the_document() {
    let scratch = Scratch::new();
    let url = "https://example.org/acme/app/issues/7#note_3";
    let text = format!("{}{}", noise(1, 3), token_line(&github_pat(2440)));
    scratch.write("issues.jsonl", lines(&[json!({"url": url, "author": "ann", "text": text})]));
    for format in ["text", "json", "sarif", "github", "gitlab", "junit", "csv", "markdown", "html"] {
        let run = scratch.keysieve(["scan", "--documents", "issues.jsonl", "--format", format]);
        assert_eq!(run.code, 1, "{format}: {}", run.stderr);
        assert!(run.stdout.contains("example.org"), "{format}: {}", run.stdout);
    }
    let run = scratch.keysieve(["scan", "--documents", "issues.jsonl", "-v"]);
    assert!(run.stdout.contains(&format!("document {url}:4:10")), "{}", run.stdout);
}
