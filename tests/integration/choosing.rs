//! What somebody asks for on the command line: which rules, which paths, what fails; and what is said to a slip.

use crate::fixture::Scratch;
use crate::secrets::{github_pat, password, token_line};

#[test]
fn nothing_fails_where_nothing_is_to_fail() {
    let scratch = Scratch::new();
    scratch.write("a.py", token_line(&github_pat(2200)));
    let run = scratch.keysieve(["scan", "a.py", "--fail-on", "never"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("1 secret found"), "{}", run.stdout);
    let run = scratch.keysieve(["scan", "a.py", "none.py", "--fail-on", "never"]);
    assert_eq!(run.code, 2, "what cannot be read is no matter of taste");
}

#[test]
fn one_rule_is_looked_for_alone() {
    let scratch = Scratch::new();
    let lines = format!("{}DB_PASSWORD = \"{}\"\n", token_line(&github_pat(2210)), password(2211));
    scratch.write("a.py", lines);
    let report = |arguments: &[&str]| {
        scratch.keysieve([&["scan", "a.py", "--format", "jsonl"], arguments].concat()).report()
    };
    assert_eq!(report(&[]).findings.len(), 2);
    let one = report(&["--only-rule", "github-pat"]);
    assert_eq!(one.findings.len(), 1);
    assert_eq!((&one.findings[0]["rule"], &one.summary["rules"]["count"]), (&"github-pat".into(), &1.into()));
    assert_eq!(report(&["--only-rule", "github-pat", "--only-rule", "generic-password"]).findings.len(), 2);
    let run = scratch.keysieve(["scan", "a.py", "--only-rule", "github-patt"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("there is no rule `github-patt`; did you mean `github-pat`?"),
        "{}",
        run.stderr
    );
}

#[test]
fn paths_are_excluded_and_counted() {
    let scratch = Scratch::new();
    scratch.write("src/a.py", token_line(&github_pat(2220)));
    scratch.write("vendor/b.py", token_line(&github_pat(2221)));
    let report =
        scratch.keysieve(["scan", "src", "vendor", "--exclude", "vendor/", "--format", "jsonl"]).report();
    assert_eq!(report.findings.len(), 1);
    let suppressed = &report.summary["suppressed"];
    assert_eq!((&suppressed["excluded"], &suppressed["config"]), (&1.into(), &0.into()));
    let text = scratch.keysieve(["scan", "src", "vendor", "--exclude", "vendor/"]).stdout;
    assert!(text.contains("1 by --exclude"), "{text}");
    let run = scratch.keysieve(["scan", "src", "--exclude", "!src"]);
    assert!(run.code == 2 && run.stderr.contains("`!src` excludes nothing"), "{}", run.stderr);
    let run = scratch.keysieve(["scan", "src", "--exclude", "*.{py,js}"]);
    assert!(run.code == 2 && run.stderr.contains("--exclude:"), "{}", run.stderr);
}

#[test]
fn what_is_not_known_gets_a_suggestion() {
    let scratch = Scratch::new();
    scratch.repository("r");
    for (arguments, says) in [
        (["rules", "show", "github-patt"].as_slice(), "did you mean `github-pat`?"),
        (&["explain", "github-patt", "--repo", "r"], "did you mean `github-pat`?"),
        (&["audti"], "'audit'"),
        (&["scan", "--formt", "json"], "'--format'"),
    ] {
        let run = scratch.keysieve(arguments);
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(run.stderr.contains(says), "no {says:?} in {}", run.stderr);
    }
}

#[test]
fn a_fingerprint_with_a_slip_gets_a_suggestion() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit_file("a.py", token_line(&github_pat(2225)));
    let fingerprint = repository.audit().findings[0]["fingerprint"].as_str().unwrap().to_owned();
    let first = if fingerprint.starts_with('0') { "1" } else { "0" };
    let slip = format!("{first}{}", &fingerprint[1..]);
    for arguments in [["explain", &slip[..12]].as_slice(), &["baseline", "update", "--only", &slip]] {
        let run = repository.run_keysieve(arguments);
        assert_eq!(run.code, 2, "{arguments:?}");
        let meant = &fingerprint[..12];
        assert!(run.stderr.contains(&format!("did you mean `{meant}")), "{}", run.stderr);
    }
}

#[test]
fn a_misspelt_marker_is_told_and_allows_nothing() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    for (number, (marker, says)) in [
        ("keysieve-allow", "`keysieve-allow` is not a marker; write `keysieve:allow[github-pat]`"),
        ("keysieve:allow[github-patt]", "did you mean `github-pat`?"),
    ]
    .into_iter()
    .enumerate()
    {
        let line = token_line(&github_pat(2230 + number as u64)).replace('\n', &format!("  # {marker}\n"));
        repository.commit_file("a.py", line);
        let run = repository.keysieve(&[]);
        assert_eq!(run.code, 1, "{marker}");
        assert!(run.stdout.contains("note: a.py:1: "), "{}", run.stdout);
        assert!(run.stdout.contains(says), "no {says:?} in {}", run.stdout);
    }
}

#[test]
fn one_rule_alone_and_excluded_paths_do_not_fail_for_environment_files() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let secret = password(2230);
    repository.write(".env", format!("SESSION_SECRET={secret}\n"));
    let code = |arguments: &[&str]| {
        let report = repository.run_keysieve(&[&["audit", "--format", "jsonl"], arguments].concat()).report();
        (report.summary["env_files"][0]["state"].clone(), report.code)
    };
    let state = serde_json::Value::from("not-ignored");
    assert_eq!(code(&[]), (state.clone(), 1));
    assert_eq!(code(&["--only-rule", "github-pat"]), (state.clone(), 0));
    assert_eq!(code(&["--exclude", ".env"]), (state.clone(), 0));
    repository.write(".env", format!("SESSION_SECRET={secret}\nT={}\n", github_pat(2231)));
    assert_eq!(code(&["--only-rule", "github-pat"]), (state, 1));
}
