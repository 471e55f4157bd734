//! `keysieve compare`: what is new, fixed and still there between two results, also of other scanners.

use std::fs;

use serde_json::{Value, json};

use crate::fixture::{Repository, Run, Scratch};
use crate::secrets::{github_pat, password, token_line};

/// The results of an audit, in the file `name` of the scratch directory.
fn save(scratch: &Scratch, repository: &Repository, name: &str, arguments: &[&str]) -> String {
    let file = scratch.path(name).to_str().unwrap().to_owned();
    let run = repository.keysieve(&[&["--format", "jsonl", "-o", &file], arguments].concat());
    assert_eq!(run.stderr, "", "{name}");
    file
}

fn compare(scratch: &Scratch, arguments: &[&str]) -> Run {
    scratch.keysieve([&["compare"], arguments].concat())
}

fn compared(scratch: &Scratch, old: &str, new: &str) -> (i32, Value) {
    let run = compare(scratch, &[old, new, "--format", "json"]);
    assert_eq!(run.stderr, "");
    (run.code, serde_json::from_str(&run.stdout).unwrap())
}

#[test]
fn what_is_new_fixed_and_still_there_is_told() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit_file("a.py", token_line(&github_pat(2100)));
    repository.write("b.py", token_line(&github_pat(2101)));
    let old = save(&scratch, &repository, "old.jsonl", &[]);
    repository.remove("b.py");
    repository.write("c.py", token_line(&github_pat(2102)));
    let new = save(&scratch, &repository, "new.jsonl", &[]);
    let (code, changes) = compared(&scratch, &old, &new);
    assert_eq!(code, 1);
    let counts = json!({"new": 1, "fixed": 1, "still": 1, "reappeared": 0, "suppressed": 0, "unreadable": 0, "unknown": 0});
    assert_eq!(changes["counts"], counts);
    assert_eq!(changes["findings"][0]["change"], "new");
    assert_eq!(changes["findings"][0]["places"][0]["path"], "c.py");
    assert_eq!(changes["new"]["repository"]["name"], "r");
    let text = compare(&scratch, &[&old, &new]);
    for part in
        ["1 new, 1 fixed, 1 still there", "c.py:1:10\n  critical", "b.py:1:10\n  critical", "-v lists those"]
    {
        assert!(text.stdout.contains(part), "no {part:?} in {}", text.stdout);
    }
    assert!(!text.stdout.contains("a.py:1"), "{}", text.stdout);
    assert!(compare(&scratch, &[&old, &new, "-v"]).stdout.contains("a.py:1:10\n  critical"));
    let since = scratch.keysieve(["report", &new, "--since", &old]);
    assert_eq!((since.code, since.stdout), (1, text.stdout));
    for (format, part) in [("markdown", "### 1 fixed"), ("html", "<h2>1 new</h2>")] {
        let run = compare(&scratch, &[&old, &new, "--format", format]);
        assert_eq!(run.code, 1);
        assert!(run.stdout.contains(part), "no {part:?} in {}", run.stdout);
    }
    let (code, changes) = compared(&scratch, &new, &new);
    assert_eq!((code, &changes["counts"]["still"]), (0, &json!(2)));
    let run = compare(&scratch, &[&old, &new, "--format", "sarif"]);
    assert!(run.code == 2 && run.stderr.contains("text, json, html or markdown"), "{}", run.stderr);
}

#[test]
fn a_baseline_in_between_makes_nothing_new() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit_file("a.py", token_line(&github_pat(2110)));
    repository.commit_file("b.py", format!("DB_PASSWORD = \"{}\"\n", password(2111)));
    let old = save(&scratch, &repository, "old.jsonl", &[]);
    assert_eq!(repository.run_keysieve(&["baseline", "create"]).code, 0);
    fs::write(repository.path().join(".keysieve-baseline.yaml"), "schema: 1\nentries: []\n").unwrap();
    let new = save(&scratch, &repository, "new.jsonl", &[]);
    let fingerprints = |file: &str| {
        let lines = fs::read_to_string(file).unwrap();
        let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        first["fingerprint"].clone()
    };
    assert_ne!(fingerprints(&old), fingerprints(&new), "the salt is another one");
    let (code, changes) = compared(&scratch, &old, &new);
    assert_eq!((code, &changes["counts"]["still"], &changes["counts"]["new"]), (0, &json!(2), &json!(0)));
}

#[test]
fn what_comes_back_and_what_cannot_be_read_is_told() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let (back, lost) = (token_line(&github_pat(2120)), token_line(&github_pat(2121)));
    repository.commit_file("a.py", &back);
    repository.commit_file("a.py", "a = 1\n");
    repository.write("lost.py", &lost);
    let old = save(&scratch, &repository, "old.jsonl", &[]);
    repository.commit_file("a.py", &back);
    repository.git(["rm", "-q", "--cached", "lost.py"]);
    repository.remove("lost.py");
    repository.commit("Forget it");
    let lost_blob = repository.git(["rev-parse", "HEAD~1:lost.py"]);
    fs::remove_file(repository.loose_object(&lost_blob)).unwrap();
    let file = scratch.path("new.jsonl");
    repository.keysieve(&["--format", "jsonl", "-o", file.to_str().unwrap()]);
    let (code, changes) = compared(&scratch, &old, file.to_str().unwrap());
    assert_eq!(code, 2, "not everything was read");
    assert_eq!((&changes["counts"]["reappeared"], &changes["counts"]["unreadable"]), (&json!(1), &json!(1)));
    assert_eq!(changes["counts"]["fixed"], 0);
}

#[test]
fn what_is_no_whole_result_is_refused_with_file_and_line() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit_file("a.py", token_line(&github_pat(2130)));
    let whole = save(&scratch, &repository, "whole.jsonl", &[]);
    let lines = fs::read_to_string(&whole).unwrap();
    let first = lines.lines().next().unwrap();
    let newer = format!("{first}\n{}\n", json!({"type": "summary", "schema": 2}));
    for (name, text, says) in [
        ("cut.jsonl", format!("{first}\n"), "cut.jsonl:1: there is no summary at the end"),
        ("torn.jsonl", format!("{first}\n{{\"type\":\"summ"), "torn.jsonl:2: line 2 is cut short"),
        ("newer.jsonl", newer, "newer.jsonl:2: its `schema` is not 1; a newer keysieve wrote it"),
        ("text.txt", "hello\n".to_owned(), "text.txt:1: neither JSON nor JSON Lines"),
        ("other.json", "{\"a\": 1}\n".to_owned(), "other.json: no results of keysieve"),
    ] {
        let file = scratch.write(name, text);
        for pair in [[file.to_str().unwrap(), &whole], [&whole, file.to_str().unwrap()]] {
            let run = compare(&scratch, &pair);
            assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{name}");
            assert!(run.stderr.contains(says), "no {says:?} in {}", run.stderr);
        }
    }
}

/// Reports of other scanners in their documented forms, of one secret in line 3 of `src/a.py`; and what each calls its rule.
fn foreign_reports(secret: &str) -> Vec<(&'static str, String, &'static str)> {
    let commit = "c".repeat(40);
    let gitleaks = json!([{
        "RuleID": "github-pat", "Description": "GitHub token", "StartLine": 3, "EndLine": 3, "StartColumn": 9,
        "EndColumn": 49, "Match": format!("T = {secret}"), "Secret": secret, "File": "src/a.py", "SymlinkFile": "",
        "Commit": commit, "Entropy": 4.5, "Author": "Ann", "Email": "ann@example.com", "Date": "2024-03-01T12:00:00Z",
        "Message": "m", "Tags": [], "Fingerprint": format!("{commit}:src/a.py:github-pat:3")
    }]);
    let trufflehog = json!({
        "SourceMetadata": {"Data": {"Git": {
            "commit": commit, "file": "src/a.py", "email": "Ann <ann@example.com>", "repository": "r",
            "timestamp": "2024-03-01 12:00:00 +0000", "line": 3
        }}},
        "SourceID": 1, "SourceType": 16, "SourceName": "trufflehog - git", "DetectorType": 8, "DetectorName": "Github",
        "DecoderName": "PLAIN", "Verified": true, "Raw": secret, "RawV2": "", "Redacted": "", "ExtraData": null
    });
    let detect_secrets = json!({
        "version": "1.5.0", "plugins_used": [{"name": "GitHubTokenDetector"}], "filters_used": [],
        "results": {"src/a.py": [{
            "type": "GitHub Token", "filename": "src/a.py", "hashed_secret": "a".repeat(40), "is_verified": false, "line_number": 3
        }]},
        "generated_at": "2024-03-01T12:00:00Z"
    });
    let kingfisher = json!({"findings": [{
        "rule": {"name": "GitHub Personal Access Token", "id": "kingfisher.github.1"},
        "finding": {
            "snippet": secret, "fingerprint": "123", "confidence": "medium", "entropy": "4.50",
            "validation": {"status": "Active Credential", "response": ""}, "language": "Python", "line": 3, "column_start": 9,
            "column_end": 49, "path": "src/a.py",
            "git_metadata": {"commit": {"id": commit}, "file": {"path": "src/a.py"}}
        }
    }], "metadata": {}});
    let sarif = json!({"version": "2.1.0", "runs": [{
        "tool": {"driver": {"name": "other", "version": "1.2", "rules": [{"id": "gh", "shortDescription": {"text": "A token"}}]}},
        "results": [{
            "ruleId": "gh", "level": "error", "message": {"text": format!("found {secret}")},
            "locations": [{"physicalLocation": {
                "artifactLocation": {"uri": "src/a.py"}, "region": {"startLine": 3, "startColumn": 9, "snippet": {"text": secret}}
            }}]
        }]
    }]});
    vec![
        ("gitleaks.json", format!("{gitleaks:#}"), "github-pat"),
        ("trufflehog.json", format!("{trufflehog}\n"), "Github"),
        (".secrets.baseline", format!("{detect_secrets:#}"), "GitHub Token"),
        ("kingfisher.json", format!("{kingfisher:#}"), "kingfisher.github.1"),
        ("other.sarif", format!("{sarif:#}"), "gh"),
    ]
}

#[test]
fn reports_of_other_scanners_are_read_and_compared() {
    let (scratch, secret) = (Scratch::new(), github_pat(2140));
    let reports = foreign_reports(&secret);
    for (name, text, rule) in &reports {
        let file = scratch.write(name, text);
        let file = file.to_str().unwrap();
        let run = scratch.keysieve(["report", file, "--format", "jsonl"]);
        assert_eq!((run.code, run.stderr.as_str()), (1, ""), "{name}");
        assert!(!run.stdout.contains(&secret[4..20]), "{name}: {}", run.stdout);
        let report = run.report();
        let found = &report.findings[0];
        assert_eq!((&found["rule"], &found["exposure"]), (&json!(rule), &json!("unknown")), "{name}");
        assert_eq!(
            (&found["places"][0]["path"], &found["places"][0]["line"]),
            (&json!("src/a.py"), &json!(3))
        );
        assert_eq!(found["value_digest"], Value::Null);
        for format in ["text", "html", "markdown", "sarif", "csv", "junit", "github", "gitlab"] {
            let run = scratch.keysieve(["report", file, "--format", format]);
            assert_eq!((run.code, run.stderr.as_str()), (1, ""), "{name} as {format}");
            assert!(!run.stdout.contains(&secret[4..20]), "{name} as {format}");
        }
        for (other, text, _) in &reports {
            let second = scratch.write(other, text);
            let run = compare(&scratch, &[file, second.to_str().unwrap()]);
            assert_eq!(run.code, 0, "{name} and {other}: {}{}", run.stdout, run.stderr);
            assert!(run.stdout.contains("0 new, 1 still there"), "{name} and {other}: {}", run.stdout);
        }
    }
    let cut = &reports[0].1[..reports[0].1.len() - 40];
    let cut = scratch.write("cut.json", cut);
    let run = scratch.keysieve(["report", cut.to_str().unwrap()]);
    assert!(
        run.code == 2 && run.stderr.contains("cut.json:") && run.stderr.contains("cut short"),
        "{}",
        run.stderr
    );
}

#[test]
fn whatever_is_left_of_a_report_is_read_or_refused() {
    for (name, text, _) in foreign_reports(&github_pat(2160)) {
        for end in 0..text.len() {
            // What is cut off inside is refused, and nothing panics.
            let read = keysieve_report::read(name, &text.as_bytes()[..end], false);
            assert!(read.is_err() || end + 1 >= text.len(), "{name} up to {end}");
        }
    }
    for odd in [
        json!([{"RuleID": 3, "StartLine": "x"}]),
        json!([{"RuleID": "a", "StartLine": -1, "File": 7, "Secret": {}}]),
        json!([{"SourceMetadata": 1, "DetectorName": "x", "Raw": []}]),
        json!({"runs": [{"results": [{"ruleIndex": 9, "locations": [1, {"physicalLocation": 2}]}]}]}),
        json!({"runs": [1, {"results": 2}]}),
        json!({"plugins_used": 1, "results": {"a": [1, {"line_number": "7"}], "b": 2}}),
        json!({"findings": [{"rule": {}, "finding": {}}, {"rule": {"id": "x"}, "finding": {"line": "z"}}]}),
    ] {
        // Read or refused: that it returns is what counts.
        let _ = keysieve_report::read("odd", odd.to_string().as_bytes(), false);
    }
}

#[test]
fn an_audit_is_compared_with_a_report_of_another_scanner() {
    let (scratch, secret) = (Scratch::new(), github_pat(2150));
    scratch.write("src/a.py", format!("import os\n\n{}", token_line(&secret)));
    let own = scratch.keysieve(["scan", "src", "--format", "jsonl", "-o", "own.jsonl"]);
    assert_eq!(own.code, 1);
    let (_, baseline, _) = foreign_reports(&secret).swap_remove(2);
    scratch.write("other.json", baseline);
    let run = compare(&scratch, &["other.json", "own.jsonl"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("different scanners made the results"), "{}", run.stdout);
}

#[test]
fn a_first_baseline_suppresses_and_fixes_nothing() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit_file("a.py", token_line(&github_pat(2170)));
    repository.commit_file("b.py", format!("DB_PASSWORD = \"{}\"\n", password(2171)));
    repository.write("c.py", token_line(&github_pat(2172)));
    let old = save(&scratch, &repository, "old.jsonl", &[]);
    repository.remove("c.py");
    assert_eq!(repository.run_keysieve(&["baseline", "create"]).code, 0);
    let new = save(&scratch, &repository, "new.jsonl", &[]);
    let (code, changes) = compared(&scratch, &old, &new);
    assert_eq!(
        (code, &changes["counts"]["suppressed"], &changes["counts"]["fixed"]),
        (0, &json!(2), &json!(1))
    );
    assert_eq!(changes["notices"], json!([]), "nothing of it is unsure");
    for (format, part) in [
        ("text", "0 new, 1 fixed, 2 suppressed since"),
        ("markdown", "### 2 suppressed since"),
        ("html", "<h2>2 suppressed since</h2>"),
    ] {
        let run = compare(&scratch, &[&old, &new, "--format", format]);
        assert!(run.stdout.contains(part), "no {part:?} in {}", run.stdout);
    }
    // The other way round they are back, and with a baseline on both sides nothing happens.
    let (code, changes) = compared(&scratch, &new, &old);
    assert_eq!(
        (code, &changes["counts"]["reappeared"], &changes["counts"]["new"]),
        (1, &json!(2), &json!(1))
    );
    let same = compare(&scratch, &[&new, &new]);
    assert_eq!(same.code, 0);
    assert!(!same.stdout.contains("note: "), "{}", same.stdout);
}

#[test]
fn counts_alone_do_not_say_what_was_fixed() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit_file("a.py", token_line(&github_pat(2175)));
    let old = save(&scratch, &repository, "old.jsonl", &[]);
    assert_eq!(repository.run_keysieve(&["baseline", "create"]).code, 0);
    let new = save(&scratch, &repository, "new.jsonl", &[]);
    let mut summary: Value = serde_json::from_str(fs::read_to_string(&new).unwrap().trim()).unwrap();
    assert!(summary.as_object_mut().unwrap().remove("suppressed_ids").is_some());
    let counts = scratch.write("counts.jsonl", format!("{summary}\n"));
    let (code, changes) = compared(&scratch, &old, counts.to_str().unwrap());
    assert_eq!((code, &changes["counts"]["unknown"], &changes["counts"]["fixed"]), (0, &json!(1), &json!(0)));
    assert!(changes["notices"][0].as_str().unwrap().contains("may be suppressed or fixed"), "{changes}");
    let text = compare(&scratch, &[&old, counts.to_str().unwrap()]).stdout;
    assert!(text.contains("0 new, 1 not known"), "{text}");
}

#[test]
fn a_clean_report_of_gitleaks_has_no_findings() {
    let (scratch, secret) = (Scratch::new(), github_pat(2180));
    let clean = scratch.write("clean.json", "[]\n");
    let clean = clean.to_str().unwrap();
    let run = scratch.keysieve(["report", clean]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.contains("no secrets found"), "{}", run.stdout);
    let (_, text, _) = &foreign_reports(&secret)[0];
    let found = scratch.write("found.json", text);
    let (code, changes) = compared(&scratch, clean, found.to_str().unwrap());
    assert_eq!((code, &changes["counts"]["new"]), (1, &json!(1)));
    let (code, changes) = compared(&scratch, found.to_str().unwrap(), clean);
    assert_eq!((code, &changes["counts"]["fixed"]), (0, &json!(1)));
}

#[test]
fn help_lists_the_formats_that_a_command_takes() {
    let scratch = Scratch::new();
    let help = scratch.keysieve(["compare", "--help"]).stdout;
    assert!(help.contains("markdown") && !help.contains("sarif:") && !help.contains("- junit"), "{help}");
    let help = scratch.keysieve(["explain", "--help"]).stdout;
    assert!(!help.contains("- json") && !help.contains("--also"), "{help}");
    let run = scratch.keysieve(["explain", "github-pat", "--format", "json"]);
    assert!(run.code == 2 && run.stderr.contains("text on standard output"), "{}", run.stderr);
}
