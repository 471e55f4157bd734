//! The formats for other programs and for people: each says what the JSON says, hides what has to be hidden, and takes no name for
//! a command. `keysieve report` makes of saved results what the run would have written.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use keysieve_report::{self, Format, Options};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixture::{Repository, Run, Scratch, timeless};
use crate::schema::violations;
use crate::secrets::{github_pat, password, token_line};

const FORMATS: [&str; 10] =
    ["text", "json", "jsonl", "sarif", "github", "gitlab", "junit", "csv", "markdown", "html"];

/// What may stand in a name, a message or a reason of somebody who means harm.
const HOSTILE: [&str; 14] = [
    "</script><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "]]>&lt;!--",
    "a\r\n::error::owned",
    "::set-env name=PATH::x%0A",
    "| a | b |\n## heading",
    "`` ` ```[link](https://example.com) **bold** @user #1",
    "=HYPERLINK(\"https://example.com\",\"x\")",
    "+1+cmd|' /C calc'!A0",
    "\u{1b}[31m\u{0}\u{7}\u{202e}\u{fffe}",
    "{0} {{1}} [text](0)",
    "../../etc/passwd;rm -rf ~",
    "C:/Windows/%SystemRoot%",
    "&amp;\\|\\`'\"",
];

/// A finding as JSON Lines have it.
fn finding(number: usize, path: &str) -> Value {
    json!({
        "type": "finding", "schema": 1, "rule": "github-pat", "name": "GitHub personal access token", "provider": "GitHub",
        "severity": "critical", "confidence": "high", "fingerprint": format!("{number:032x}"), "hint": "ghp_...Ab3d",
        "exposure": "pushed", "fix": "Revoke it.", "references": ["https://docs.github.com/tokens"],
        "places": [{
            "kind": "git", "path": path, "line": 3, "column": 9, "end_line": 3, "end_column": 49, "commit": "c".repeat(40),
            "blob": "b".repeat(40), "author": "Ann <ann@example.com>", "date": "2024-03-01T12:00:00+01:00",
            "last_commit": "d".repeat(40), "last_date": "2024-05-01T12:00:00+01:00", "versions": 2, "in_head": number.is_multiple_of(2),
            "refs": ["main"]
        }]
    })
}

fn summary(findings: usize) -> Value {
    json!({
        "type": "summary", "schema": 1, "complete": true, "findings": findings, "failing": findings,
        "suppressed": {"baseline": 0, "inline": 0, "config": 0}, "in_ignored_env": 0, "env_files": [],
        "read": {"commits": 2, "tags": 0, "blobs": 2, "known": 0, "bytes": 1432, "files": 1, "layers": 0},
        "unread": [], "skipped": [], "accepted_unread": [], "notices": [], "seconds": 0.5,
        "finished": "2026-11-21T10:00:00Z"
    })
}

fn lines(objects: &[Value]) -> String {
    objects.iter().map(|object| format!("{object}\n")).collect()
}

/// A finding and a summary with `text` wherever text stands that others chose.
fn hostile_lines(text: &str) -> String {
    let mut found = finding(1, text);
    for key in ["name", "provider", "rule", "hint", "fix", "note", "fingerprint"] {
        found[key] = text.into();
    }
    found["references"] = json!([text, format!("https://example.com/{text}")]);
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0xff);
    found["places"][0]["author"] = text.into();
    found["places"][0]["refs"] = json!([text]);
    found["places"][0]["date"] = text.into();
    let places = found["places"].as_array_mut().unwrap();
    let place = |kind: &str, extra: Value| {
        let mut place = json!({"kind": kind, "line": 1, "column": 1, "end_line": 1, "end_column": 2});
        place.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        place
    };
    places.push(place("worktree", json!({"path": text, "path_bytes": BASE64.encode(&bytes)})));
    places.push(place(
        "worktree",
        json!({"path": "a.zip", "member": text, "member_bytes": BASE64.encode(&bytes)}),
    ));
    places.push(place("git-metadata", json!({"field": text, "commit": text})));
    places.push(place(
        "image",
        json!({"path": text, "image": text, "layer": text, "layer_number": 1, "layer_count": 2,
        "instruction": text, "removal": text, "deleted_by_number": 2, "deleted_by_instruction": text}),
    ));
    places.push(place("stdin", json!({})));
    let mut suppressed = found.clone();
    suppressed["type"] = "suppressed".into();
    suppressed["by"] = text.into();
    suppressed["reason"] = text.into();
    let mut end = summary(1);
    end["complete"] = false.into();
    end["unread"] = json!([{"what": text, "what_bytes": BASE64.encode(&bytes), "why": text}]);
    end["skipped"] = end["unread"].clone();
    end["accepted_unread"] = end["unread"].clone();
    end["notices"] = json!([text]);
    end["env_files"] = json!([
        {"path": text, "state": text, "fix": text},
        {"path": text, "path_bytes": BASE64.encode(&bytes), "state": "in-image", "image": text, "fix": text}
    ]);
    lines(&[found, suppressed, end])
}

/// `lines` in a format, and what was left out.
fn written(lines: &str, format: Format) -> (String, Vec<String>) {
    let results = keysieve_report::read("results", lines.as_bytes(), false).unwrap();
    let mut out = Vec::new();
    let cuts = keysieve_report::write(&mut out, &results, format, Options::default()).unwrap();
    (String::from_utf8(out).unwrap(), cuts)
}

/// The document obeys the schema of SARIF 2.1.0, `tests/schemas`.
#[track_caller]
fn assert_sarif(document: &str) -> Value {
    let schema: Value = serde_json::from_str(include_str!("../schemas/sarif-2.1.0.json")).unwrap();
    let document: Value = serde_json::from_str(document).unwrap();
    let errors = violations(&schema, &document);
    assert!(errors.is_empty(), "{errors:#?}");
    document
}

/// The document obeys what GitLab's schema asks, `tests/schemas`.
#[track_caller]
fn assert_gitlab(document: &str) -> Value {
    let schema = include_str!("../schemas/gitlab-secret-detection-15.2.1.json");
    let document: Value = serde_json::from_str(document).unwrap();
    let errors = violations(&serde_json::from_str(schema).unwrap(), &document);
    assert!(errors.is_empty(), "{errors:#?}");
    document
}

/// Rows and fields of RFC 4180.
fn parse_csv(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut characters = text.chars().peekable();
    let mut is_quoted = false;
    while let Some(character) = characters.next() {
        let row = rows.last_mut().unwrap();
        match (is_quoted, character) {
            (true, '"') if characters.peek() == Some(&'"') => {
                characters.next();
                row.last_mut().unwrap().push('"');
            }
            (_, '"') => is_quoted = !is_quoted,
            (false, ',') => row.push(String::new()),
            (false, '\r') => {
                assert_eq!(characters.next(), Some('\n'));
                rows.push(vec![String::new()]);
            }
            _ => row.last_mut().unwrap().push(character),
        }
    }
    assert!(!is_quoted);
    assert_eq!(rows.pop(), Some(vec![String::new()]), "the last row has an end");
    rows
}

/// The elements of a page, each closed where it has to be, none but those that a report has, and no attribute that runs anything.
#[track_caller]
fn assert_html(page: &str) {
    const VOID: [&str; 4] = ["meta", "br", "input", "rect"];
    const KNOWN: &str = "html head meta title style body a header div h1 p button main section h2 ul li b svg path text g rect \
                         table caption tr th td form label input select option ol h3 span code strong details summary br footer \
                         script noscript";
    let mut open: Vec<String> = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").unwrap();
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains(|character: char| character.is_control() && character != '\n'));
        let (tag, after) = rest[at + 1..].split_once('>').unwrap();
        rest = after;
        let name: String =
            tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        assert!(KNOWN.split_whitespace().any(|known| known == name), "<{tag}>");
        let attributes = tag.trim_start_matches('/')[name.len()..].trim_end_matches('/');
        assert_eq!(attributes.matches('"').count() % 2, 0, "<{tag}>");
        for (at, part) in attributes.split('"').enumerate() {
            assert!(at % 2 == 1 || !part.trim_start().starts_with("on"), "<{tag}>");
        }
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_deref(), Some(name.as_str()), "</{name}>");
        } else if name == "script" || name == "style" {
            rest = rest.split_once(&format!("</{name}>")).unwrap().1;
        } else if !tag.ends_with('/') && !VOID.contains(&name.as_str()) {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<String>::new());
}

#[track_caller]
fn assert_parses(format: Format, document: &str) {
    match format {
        Format::Sarif => drop(assert_sarif(document)),
        Format::Gitlab => drop(assert_gitlab(document)),
        Format::Json => drop(serde_json::from_str::<Value>(document).unwrap()),
        Format::JsonLines => {
            document.lines().for_each(|line| drop(serde_json::from_str::<Value>(line).unwrap()));
        }
        Format::Junit => drop(roxmltree::Document::parse(document).unwrap()),
        Format::Csv => {
            let rows = parse_csv(document);
            assert!(rows.iter().all(|row| row.len() == rows[0].len()));
            for field in rows.iter().flatten() {
                assert!(!field.trim_start().starts_with(['=', '+', '-', '@', '|', '%']), "{field}");
                assert!(!field.contains(char::is_control), "{field:?}");
            }
        }
        Format::Html => assert_html(document),
        Format::Github => {
            for line in document.lines() {
                let command = line.strip_prefix("::").unwrap();
                let (head, message) = command.split_once("::").unwrap();
                let (kind, properties) = head.split_once(' ').unwrap();
                assert!(["error", "warning", "notice"].contains(&kind), "{line}");
                assert!(properties.split(',').all(|property| property.contains('=')), "{line}");
                assert!(!message.contains(['\r', '\n']));
            }
        }
        Format::Markdown => {
            // Every other part is a code span, in which nothing is taken for anything.
            let prose: String = document.split('`').step_by(2).collect();
            assert!(!prose.contains("<script") && !prose.contains("<img"), "{prose}");
            assert!(!prose.contains(['_', '[', '@']), "{prose}");
            for line in document.lines().filter(|line| line.starts_with('|')) {
                assert_eq!(line.matches('|').count(), 6, "{line}");
            }
            let headings = document.lines().filter(|line| line.starts_with('#'));
            assert!(headings.into_iter().all(|line| !line.contains("heading")));
        }
        Format::Text => {
            assert!(!document.contains(|character: char| character.is_control() && character != '\n'));
        }
    }
    if format != Format::Json && format != Format::JsonLines {
        assert!(!document.contains(['\u{1b}', '\u{0}', '\u{7}', '\u{202e}']));
    }
}

const ALL: [Format; 10] = [
    Format::Text,
    Format::Json,
    Format::JsonLines,
    Format::Sarif,
    Format::Github,
    Format::Gitlab,
    Format::Junit,
    Format::Csv,
    Format::Markdown,
    Format::Html,
];

#[test]
fn names_and_messages_stay_text_in_every_format() {
    let all = HOSTILE.concat();
    for text in HOSTILE.into_iter().chain([all.as_str(), ""]) {
        for format in ALL {
            assert_parses(format, &written(&hostile_lines(text), format).0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn whatever_is_in_a_name_documents_parse(
        parts in prop::collection::vec(prop_oneof![prop::sample::select(&HOSTILE[..]).prop_map(str::to_owned), any::<String>()], 0..4)
    ) {
        let lines = hostile_lines(&parts.concat());
        for format in ALL {
            assert_parses(format, &written(&lines, format).0);
        }
    }
}

/// A repository with secrets in files and in a message, one of them gone again, and a tracked `.env`.
fn leaky(scratch: &Scratch) -> (Repository, Vec<String>) {
    let repository = scratch.repository("r");
    let secrets = vec![github_pat(1200), password(1201), github_pat(1202)];
    repository.commit_file("src/a [1].py", format!("import os\n{}", token_line(&secrets[0])));
    repository.commit_file("src/b.py", format!("DB_PASSWORD = \"{}\"\n", secrets[1]));
    repository.commit_file("src/b.py", "import os\n");
    let allowed = token_line(&github_pat(1203)).replace('\n', "  # keysieve:allow revoked\n");
    repository.commit_file("tests/c.py", allowed);
    repository.commit_file(".env", "PORT=80\n");
    repository.commit(&format!("Remove {}", secrets[2]));
    repository.expire_reflogs();
    (repository, secrets)
}

/// The run's own JSON Lines, and every other format of the same run in `report.FORMAT`.
fn saved(scratch: &Scratch, repository: &Repository, arguments: &[&str]) -> (String, Run) {
    let lines = scratch.path("results.jsonl").to_str().unwrap().to_owned();
    let also: Vec<String> = FORMATS
        .iter()
        .flat_map(|format| {
            ["--also".to_owned(), format!("{format}={}", scratch.path(&format!("report.{format}")).display())]
        })
        .collect();
    let also: Vec<&str> = also.iter().map(String::as_str).collect();
    let run =
        repository.keysieve(&[&["--format", "jsonl", "-o", &lines], also.as_slice(), arguments].concat());
    (lines, run)
}

#[test]
fn a_saved_run_gives_the_same_report_in_every_format() {
    let scratch = Scratch::new();
    let (repository, _) = leaky(&scratch);
    for extra in [["--show-suppressed"].as_slice(), &["--show-secrets"]] {
        let (lines, run) = saved(&scratch, &repository, extra);
        assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (1, "", ""));
        for format in FORMATS {
            let own = fs::read_to_string(scratch.path(&format!("report.{format}"))).unwrap();
            let show: &[&str] = if extra == ["--show-secrets"] { &["--show-secrets"] } else { &[] };
            let again = scratch.keysieve([&["report", &lines, "--format", format], show].concat());
            assert_eq!((again.code, again.stdout.as_str()), (1, own.as_str()), "{format}");
            // Documents are read as well as lines.
            let document = scratch.path("report.json").to_str().unwrap().to_owned();
            let again = scratch.keysieve([&["report", &document, "--format", format], show].concat());
            assert_eq!((again.code, again.stdout.as_str()), (1, own.as_str()), "{format}");
        }
    }
    let piped = scratch.keysieve_reading(&fs::read(scratch.path("results.jsonl")).unwrap(), &["report", "-"]);
    assert_eq!(piped.code, 1);
    assert!(piped.stdout.ends_with("3 secrets found; 1 .env warning above\n"), "{}", piped.stdout);
}

#[test]
fn formats_come_out_the_same_each_time() {
    let scratch = Scratch::new();
    let (repository, _) = leaky(&scratch);
    for format in FORMATS {
        let run = || timeless(&repository.keysieve(&["--format", format, "--no-cache"]).stdout);
        assert_eq!(run(), run(), "{format}");
    }
}

#[test]
fn a_report_hides_the_secrets_that_its_file_shows() {
    let (scratch, secret) = (Scratch::new(), github_pat(1210));
    let repository = scratch.repository("r");
    repository.write(&format!("{secret}.txt"), token_line(&secret));
    repository.commit_with("First", |git| {
        git.env("GIT_AUTHOR_NAME", &secret);
    });
    repository.git(["branch", &format!("wip/{secret}")]);
    let (lines, run) = saved(&scratch, &repository, &["--show-secrets"]);
    assert_eq!(run.code, 1);
    assert!(fs::read_to_string(&lines).unwrap().contains(&secret));
    for format in FORMATS {
        let run = scratch.keysieve(["report", &lines, "--format", format]);
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(!run.stdout.contains(&secret[8..30]), "{format}: {}", run.stdout);
        assert!(run.stdout.contains("ghp_..."), "{format}");
    }
    let hidden = scratch.path("hidden.jsonl");
    repository.keysieve(&["--format", "jsonl", "-o", hidden.to_str().unwrap()]);
    let run = scratch.keysieve(["report", hidden.to_str().unwrap(), "--show-secrets"]);
    assert!(run.stderr.contains("has no secrets to show"), "{}", run.stderr);
}

#[test]
fn results_without_an_end_are_not_complete() {
    let scratch = Scratch::new();
    for (name, text) in [
        ("cut.jsonl", lines(&[finding(1, "a.py")])),
        ("torn.jsonl", format!("{}{{\"type\":\"summ", lines(&[finding(1, "a.py")]))),
        ("fewer.jsonl", lines(&[finding(1, "a.py"), summary(2)])),
    ] {
        let file = scratch.write(name, text);
        for format in FORMATS {
            let run = scratch.keysieve(["report", file.to_str().unwrap(), "--format", format]);
            assert_eq!(run.code, 2, "{name}, {format}");
            if format != "jsonl" && format != "json" && format != "text" {
                let says = ["NOT COMPLETE", "\"executionSuccessful\": false", "\"status\": \"failure\""];
                assert!(says.iter().any(|words| run.stdout.contains(words)), "{format}: {}", run.stdout);
            }
        }
    }
    let text = scratch.keysieve(["report", scratch.path("cut.jsonl").to_str().unwrap()]);
    assert!(text.stdout.contains("NOT COMPLETE: 1 thing not read") && text.stdout.contains("run it again"));
}

#[test]
fn the_exit_code_is_that_of_the_run() {
    let scratch = Scratch::new();
    let mut lenient = summary(1);
    lenient["failing"] = 0.into();
    let mut unread = summary(0);
    unread["complete"] = false.into();
    let mut old = summary(1);
    old.as_object_mut().unwrap().remove("failing");
    for (code, objects) in [
        (0, vec![summary(0)]),
        (0, vec![finding(1, "a.py"), lenient]),
        (1, vec![finding(1, "a.py"), summary(1)]),
        (1, vec![finding(1, "a.py"), old]),
        (2, vec![unread]),
    ] {
        let file = scratch.write("r.jsonl", lines(&objects));
        assert_eq!(scratch.keysieve(["report", file.to_str().unwrap()]).code, code, "{objects:#?}");
    }
}

#[test]
fn what_cannot_be_read_names_file_line_and_remedy() {
    let scratch = Scratch::new();
    let text = scratch.write("text.txt", "no secrets found; everything was read\n");
    let broken =
        scratch.write("broken.jsonl", format!("{}oops\n{}\n", lines(&[finding(1, "a.py")]), summary(1)));
    for (file, says) in [
        (scratch.path("none.jsonl"), "cannot read"),
        (text, "text.txt:1: neither JSON nor JSON Lines"),
        (broken, "broken.jsonl:2: not JSON"),
    ] {
        let run = scratch.keysieve(["report", file.to_str().unwrap(), "--format", "sarif"]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""));
        assert!(run.stderr.contains(says), "no {says:?} in {}", run.stderr);
    }
}

#[test]
fn also_wants_a_known_format_and_a_file_of_its_own() {
    let scratch = Scratch::new();
    scratch.write("a.py", "a = 1\n");
    let file = scratch.path("r.txt").to_str().unwrap().to_owned();
    for (also, says) in [
        ("sarif".to_owned(), "write FORMAT=FILE"),
        (format!("pdf={file}"), "there is no format `pdf`; there are text, json, jsonl, sarif"),
        ("sarif=".to_owned(), "name a file"),
        (format!("sarif={file}"), "named twice"),
        ("sarif=no/such/folder".to_owned(), "there is no folder"),
    ] {
        let run = scratch.keysieve(["scan", "a.py", "-o", &file, "--also", &also]);
        assert_eq!(run.code, 2, "{also}");
        assert!(run.stderr.contains(says), "no {says:?} in {}", run.stderr);
        assert!(!scratch.path("r.txt").exists(), "nothing is written then");
    }
}

#[test]
fn sarif_says_what_code_scanning_asks_for() {
    let scratch = Scratch::new();
    let (repository, secrets) = leaky(&scratch);
    let run = repository.keysieve(&["--format", "sarif"]);
    assert_eq!(run.code, 1);
    let document = assert_sarif(&run.stdout);
    assert!(!run.stdout.contains('@'), "no address: {}", run.stdout);
    assert!(secrets.iter().all(|secret| !run.stdout.contains(&secret[4..20.min(secret.len())])));
    let run = &document["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    assert_eq!(run["invocations"][0]["exitCode"], 1);
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 4, "three secrets and the .env file: {results:#?}");
    let token = &results[0];
    assert_eq!((&token["ruleId"], &token["level"]), (&json!("github-pat"), &json!("error")));
    let location = &token["locations"][0]["physicalLocation"];
    assert_eq!(
        *location,
        json!({
            "artifactLocation": {"uri": "src/a%20%5B1%5D.py", "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": 2, "startColumn": 10, "endLine": 2, "endColumn": 50}
        })
    );
    let related = token["relatedLocations"].as_array().unwrap();
    assert!(related[0]["message"]["text"].as_str().unwrap().contains("first in"), "{related:#?}");
    let fingerprints = &token["partialFingerprints"];
    let value = fingerprints["keysieve/v1"].as_str().unwrap();
    assert_eq!(fingerprints["primaryLocationLineHash"], format!("{value}:1"));
    let rule = &run["tool"]["driver"]["rules"][token["ruleIndex"].as_u64().unwrap() as usize];
    assert_eq!(rule["id"], "github-pat");
    assert_eq!(rule["properties"]["security-severity"], "9.5");
    assert!(rule["help"]["markdown"].as_str().unwrap().contains("**Fix:** Revoke it"));
    assert!(run["originalUriBaseIds"]["%SRCROOT%"]["description"]["text"].is_string());
}

#[test]
fn sarif_of_the_same_secret_keeps_its_fingerprint_when_it_moves() {
    let (scratch, secret) = (Scratch::new(), github_pat(1220));
    let fingerprint = |path: &str, content: String| {
        scratch.write(path, content);
        let run = scratch.keysieve(["scan", path, "--format", "sarif"]);
        assert_sarif(&run.stdout)["runs"][0]["results"][0]["partialFingerprints"].clone()
    };
    assert_eq!(
        fingerprint("a.py", token_line(&secret)),
        fingerprint("b/c.py", format!("import os\n\n{}", token_line(&secret)))
    );
}

#[test]
fn sarif_of_an_incomplete_run_says_so() {
    let scratch = Scratch::new();
    let (repository, _) = leaky(&scratch);
    repository.write(".git/refs/heads/torn", "12345");
    let run = repository.keysieve(&["--format", "sarif"]);
    assert_eq!(run.code, 2);
    let invocation = assert_sarif(&run.stdout)["runs"][0]["invocations"][0].clone();
    assert_eq!((&invocation["executionSuccessful"], &invocation["exitCode"]), (&json!(false), &json!(2)));
    let told = invocation["toolExecutionNotifications"][0].clone();
    assert_eq!(told["level"], "error");
    assert!(told["message"]["text"].as_str().unwrap().contains("torn"), "{told}");
}

#[test]
fn sarif_marks_what_is_suppressed() {
    let (scratch, secret) = (Scratch::new(), github_pat(1230));
    scratch.write("a.py", token_line(&secret).replace('\n', "  # keysieve:allow revoked\n"));
    let run = scratch.keysieve(["scan", "a.py", "--format", "sarif", "--show-suppressed"]);
    assert_eq!(run.code, 0);
    let results = assert_sarif(&run.stdout)["runs"][0]["results"].clone();
    assert_eq!(results[0]["suppressions"], json!([{"kind": "inSource", "justification": "revoked"}]));
    let run = scratch.keysieve(["scan", "a.py", "--format", "sarif"]);
    assert_eq!(assert_sarif(&run.stdout)["runs"][0]["results"], json!([]));
}

#[test]
fn sarif_stays_under_the_limits_and_says_what_it_left_out() {
    let mut objects: Vec<Value> =
        (0..5_200).map(|number| finding(number, &format!("d/{number}.py"))).collect();
    let place = objects[0]["places"][0].clone();
    objects[0]["places"] = (0..150).map(|_| place.clone()).collect();
    objects.push(summary(5_200));
    let scratch = Scratch::new();
    let file = scratch.write("many.jsonl", lines(&objects));
    let run = scratch.keysieve(["report", file.to_str().unwrap(), "--format", "sarif"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("SARIF: 5,000 of 5,200 results are in it"), "{}", run.stderr);
    assert!(run.stderr.contains("SARIF: 100 places of each of 1 finding are in it"), "{}", run.stderr);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    let run = &document["runs"][0];
    assert_eq!(run["results"].as_array().unwrap().len(), 5_000);
    assert_eq!(run["results"][0]["relatedLocations"].as_array().unwrap().len(), 99);
    let notifications = run["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(notifications.contains("5,000 of 5,200 results"), "{notifications}");
}

#[test]
fn annotations_stand_at_their_lines() {
    let scratch = Scratch::new();
    let (repository, _) = leaky(&scratch);
    let run = repository.keysieve(&["--format", "github"]);
    assert_eq!(run.code, 1);
    let lines: Vec<&str> = run.stdout.lines().collect();
    let first = "::error file=src/a [1].py,line=2,endLine=2,col=10,endColumn=50,title=GitHub personal access token (classic)::ghp_...";
    assert!(lines[0].starts_with(first), "{}", lines[0]);
    assert!(lines[0].contains("%0AFix: Revoke it"), "{}", lines[0]);
    assert!(lines.iter().any(|line| line.starts_with("::warning file=.env,line=1,title=Environment file::")));
    assert!(
        lines
            .last()
            .unwrap()
            .starts_with("::notice title=keysieve::3 secrets found; everything was read%0Aread: ")
    );
    assert!(!run.stdout.contains('@'), "no address");
    repository.write(".git/refs/heads/torn", "12345");
    let run = repository.keysieve(&["--format", "github"]);
    let last = run.stdout.lines().last().unwrap();
    assert!(last.starts_with("::error title=keysieve could not read everything::"), "{last}");
}

#[test]
fn gitlab_gets_a_vulnerability_a_secret() {
    let scratch = Scratch::new();
    let (repository, _) = leaky(&scratch);
    let run = repository.keysieve(&["--format", "gitlab"]);
    let report = assert_gitlab(&run.stdout);
    assert_eq!(report["scan"]["status"], "success");
    let first = &report["vulnerabilities"][0];
    assert_eq!(
        (&first["severity"], &first["location"]["file"]),
        (&json!("Critical"), &json!("src/a [1].py"))
    );
    assert_eq!((&first["location"]["start_line"], &first["location"]["end_line"]), (&json!(2), &json!(2)));
    assert_eq!(first["identifiers"][0]["value"], "github-pat");
    let id = first["id"].as_str().unwrap();
    assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
}

#[test]
fn junit_fails_a_test_a_secret() {
    let scratch = Scratch::new();
    let (repository, _) = leaky(&scratch);
    let run = repository.keysieve(&["--format", "junit"]);
    let document = roxmltree::Document::parse(&run.stdout).unwrap();
    let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
    assert_eq!(
        (suite.attribute("tests"), suite.attribute("failures"), suite.attribute("errors")),
        (Some("5"), Some("4"), Some("0"))
    );
    let cases: Vec<_> = suite.children().filter(|node| node.has_tag_name("testcase")).collect();
    assert_eq!(cases.len(), 5);
    let failed = cases.iter().filter(|case| case.children().any(|child| child.has_tag_name("failure")));
    assert_eq!(failed.count(), 4);
    scratch.write("clean.py", "a = 1\n");
    let run = scratch.keysieve(["scan", "clean.py", "--format", "junit"]);
    let document = roxmltree::Document::parse(&run.stdout).unwrap();
    assert_eq!(document.root_element().attribute("failures"), Some("0"));
    assert_eq!(document.root_element().attribute("tests"), Some("1"));
}

#[test]
fn csv_has_a_row_a_place_and_sums_up() {
    let scratch = Scratch::new();
    let (repository, _) = leaky(&scratch);
    let run = repository.keysieve(&["--format", "csv"]);
    let rows = parse_csv(&run.stdout);
    let column = |name: &str| rows[0].iter().position(|title| title == name).unwrap();
    let token = rows.iter().filter(|row| row[column("rule")] == "github-pat").collect::<Vec<_>>();
    assert!(token.iter().any(|row| row[column("path")] == "src/a [1].py" && row[column("line")] == "2"));
    assert!(rows.last().unwrap()[column("name")].starts_with("complete: 3 secrets found"), "{rows:#?}");
    assert!(!rows[0].contains(&"secret".to_owned()));
}

#[test]
fn markdown_tells_exposure_fix_and_coverage() {
    let scratch = Scratch::new();
    let (repository, _) = leaky(&scratch);
    let run = repository.keysieve(&["--format", "markdown"]);
    for part in [
        "keysieve: 3 secrets found; everything was read",
        "| Severity | What | Where | Exposure | First |",
        "`src/a [1].py:2:10`",
        "| local | Take out before you push |",
        "- **Fix:** Revoke it",
        "### Environment files",
        "### Coverage",
        "- Read: 6 commits",
    ] {
        assert!(run.stdout.contains(part), "no {part:?} in {}", run.stdout);
    }
}

#[test]
fn the_page_is_one_file_that_loads_nothing() {
    let scratch = Scratch::new();
    let (repository, secrets) = leaky(&scratch);
    let run = repository.keysieve(&["--format", "html"]);
    assert_html(&run.stdout);
    for part in [
        "default-src 'none'; style-src 'sha256-",
        "<h2 id=\"first\">What to do first</h2>",
        "role=\"group\" aria-label=\"Time line of 3 secrets from 2023-11-14 to ",
        "<code class=\"where\">src/a [1].py:2:10</code>",
        "Exposed for ",
        "no longer in HEAD",
        "<strong>Fix.</strong> Revoke it",
    ] {
        assert!(run.stdout.contains(part), "no {part:?} in {}", run.stdout);
    }
    for reaching_out in [" src=", "url(", "@import", "http-equiv=\"refresh", "fetch(", "<link", "<iframe"] {
        assert!(!run.stdout.contains(reaching_out), "{reaching_out}");
    }
    assert!(secrets.iter().all(|secret| !run.stdout.contains(&secret[4..16])));
}

#[test]
fn a_page_for_many_findings_has_them_all() {
    let mut objects: Vec<Value> =
        (0..2_000).map(|number| finding(number, &format!("d{}/f{number}.py", number % 30))).collect();
    objects.push(summary(2_000));
    let (page, cuts) = written(&lines(&objects), Format::Html);
    assert_html(&page);
    assert_eq!(page.matches("<li class=\"finding critical\"").count(), 2_000);
    assert_eq!(cuts, Vec::<String>::new());
}

#[test]
fn findings_that_are_one_mistake_are_one_group() {
    let mut objects: Vec<Value> =
        (0..60).map(|number| finding(number, &format!("d{}/f.py", number % 3))).collect();
    objects.push(summary(60));
    let lines = lines(&objects);
    let (page, _) = written(&lines, Format::Html);
    assert_html(&page);
    assert_eq!(page.matches("<li class=\"finding critical\"").count(), 3);
    assert_eq!(page.matches("<li class=\"member\">").count(), 57);
    assert!(page.contains("60 secrets in 3 groups"));
    let (text, _) = written(&lines, Format::Text);
    assert_eq!(
        text.matches("  critical  GitHub personal access token  20 secrets; line 3;").count(),
        3,
        "{text}"
    );
    let (markdown, _) = written(&lines, Format::Markdown);
    assert_eq!(markdown.lines().filter(|line| line.starts_with("| critical")).count(), 3, "{markdown}");
}

#[test]
fn versions_of_a_value_have_one_group() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    for number in 0..3 {
        repository.commit_file("a.py", format!("DB_PASSWORD = \"{}\"\n", password(1240 + number)));
    }
    repository.commit_file("b.py", format!("DB_PASSWORD = \"{}\"\n", password(1244)));
    let report = repository.audit();
    let group = |number: u64| report.find(&password(number))["group"].as_str().unwrap().to_owned();
    assert_eq!((group(1240), group(1240)), (group(1241), group(1242)));
    assert_ne!(group(1240), group(1244));
    assert_eq!(report.summary["groups"], 2);
    assert_eq!(report.find(&password(1240))["variable"], "DB_PASSWORD");
    let again = repository.audit();
    assert_eq!(again.find(&password(1240))["group"], group(1240));
}

#[test]
fn every_format_says_what_it_is_about() {
    let scratch = Scratch::new();
    let (repository, _) = leaky(&scratch);
    let word = password(1250);
    let address = format!("https://me:{word}@git.example.com/acme/app.git");
    repository.git(["remote", "add", "origin", &address]);
    repository.write(".keysieve.yaml", "schema: 1\n");
    let head = repository.git(["rev-parse", "HEAD"]);
    for format in FORMATS {
        let run = repository.keysieve(&["--format", format, "-j", "2"]);
        assert_eq!(run.code, 1, "{format}: {}", run.stderr);
        for part in ["git.example.com/acme/app.git", "main", &head[..7], "keysieve audit ", ".keysieve.yaml"]
        {
            assert!(run.stdout.contains(part), "no {part:?} in {format}: {}", run.stdout);
        }
        assert!(!run.stdout.contains(&word) && !run.stdout.contains("-j 2"), "{format}");
    }
    let summary = repository.audit().summary;
    assert_eq!(
        summary["repository"],
        json!({"name": "app", "url": "https://git.example.com/acme/app.git", "head": head, "branch": "main"})
    );
    assert_eq!(
        (&summary["tool"], &summary["version"]),
        (&json!("keysieve"), &json!(env!("CARGO_PKG_VERSION")))
    );
    let rules = summary["rules"]["version"].as_str().unwrap();
    assert!(scratch.keysieve(["--version"]).stdout.contains(&format!("(rules {rules})")));
    assert_eq!(summary["command"], format!("keysieve audit {}", repository.path_text()));
    let run = &assert_sarif(&repository.keysieve(&["--format", "sarif"]).stdout)["runs"][0];
    assert_eq!(
        run["versionControlProvenance"],
        json!([{
            "repositoryUri": "https://git.example.com/acme/app.git", "revisionId": head, "branch": "main",
            "mappedTo": {"uriBaseId": "%SRCROOT%"}
        }])
    );
    assert_eq!(run["automationDetails"]["id"], "keysieve/audit/");
    assert!(run["tool"]["driver"]["informationUri"].as_str().unwrap().starts_with("https://"));
    assert!(run["invocations"][0]["commandLine"].as_str().unwrap().starts_with("keysieve audit"));
}

#[test]
fn with_a_fixed_clock_results_are_the_same_to_the_byte() {
    let scratch = Scratch::new();
    let (repository, _) = leaky(&scratch);
    for format in FORMATS {
        let audit = || {
            let mut command = crate::fixture::keysieve_command(&scratch.path(""));
            command.args(["audit", repository.path_text(), "--format", format]);
            crate::fixture::run(command.env("SOURCE_DATE_EPOCH", "1700000000"), b"").stdout
        };
        let first = audit();
        assert_eq!(audit(), first, "{format}");
        if format == "json" {
            assert!(first.contains("\"finished\": \"2023-11-14T22:13:20Z\""), "{first}");
        }
    }
}
