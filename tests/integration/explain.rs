//! `keysieve explain`: why something is a finding, or is none.

use crate::fixture::{Repository, Scratch};
use crate::secrets::{github_pat, token_line};

/// What is said of `what`.
#[track_caller]
fn explained(repository: &Repository, arguments: &[&str]) -> String {
    let run = repository.run_keysieve(&[&["explain"], arguments].concat());
    assert_eq!(run.code, 0, "{run:?}");
    run.stdout
}

#[track_caller]
fn assert_says(told: &str, parts: &[&str]) {
    for part in parts {
        assert!(told.contains(part), "no {part:?} in {told}");
    }
}

#[test]
fn a_line_with_a_finding() {
    let (scratch, secret) = (Scratch::new(), github_pat(1500));
    let repository = scratch.repository("r");
    repository.commit_file("src/a.py", format!("import os\n{}", token_line(&secret)));
    let told = explained(&repository, &["src/a.py:2"]);
    assert_says(
        &told,
        &["src/a.py:2", "github-pat at the keyword `ghp_`", "a finding, confidence High", "90 points"],
    );
    assert!(!told.contains(&secret), "{told}");
    assert_says(&explained(&repository, &["src/a.py:2", "--show-secrets"]), &[&secret]);
    assert_says(&explained(&repository, &["src/a.py:1"]), &["no rule has a keyword"]);
}

#[test]
fn a_check_a_placeholder_and_the_weights_say_no() {
    let (scratch, secret) = (Scratch::new(), github_pat(1501));
    let repository = scratch.repository("r");
    // The last character belongs to the checksum.
    let last = if secret.ends_with('0') { '1' } else { '0' };
    let broken = format!("{}{last}", &secret[..secret.len() - 1]);
    let bare = ["my_config", "_value1"].concat();
    repository.write("a.py", format!("x = '{broken}'\npassword = 'changeme'\npassword = {bare}\n"));
    assert_says(&explained(&repository, &["a.py:1"]), &["github-pat", "the check Checksum(Github) says no"]);
    assert_says(&explained(&repository, &["a.py:2"]), &["generic-password", "a placeholder"]);
    let weighed = explained(&repository, &["a.py:3"]);
    assert_says(&weighed, &["generic-password-bare", "none: "]);
}

#[test]
fn what_suppresses_a_finding() {
    let (scratch, secret) = (Scratch::new(), github_pat(1502));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", token_line(&secret));
    let allowed = token_line(&secret).replace('\n', "  # keysieve:allow a test key\n");
    repository.write("allowed.py", allowed);
    assert_says(&explained(&repository, &["allowed.py:1"]), &["a marker allows it (a test key)"]);

    repository.write(".keysieve.yaml", "schema: 1\nrules: {off: [github-pat]}\n");
    assert_says(&explained(&repository, &["a.py:1"]), &[".keysieve.yaml switches the rule off"]);
    assert_says(
        &explained(&repository, &["github-pat"]),
        &["GitHub", "ghp_", "switched off by .keysieve.yaml"],
    );

    let policy = "schema: 1\nrules: {severity: {github-pat: low}}\npaths: [{ignore: 'vendor/', rules: [github-pat]}]\n";
    repository.write(".keysieve.yaml", policy);
    assert_says(&explained(&repository, &["github-pat"]), &["with severity Low", "at vendor/"]);
    repository.write("vendor/b.py", token_line(&secret));
    assert_says(&explained(&repository, &["vendor/b.py:1"]), &[".keysieve.yaml lets it be there"]);
}

#[test]
fn a_finding_by_its_fingerprint() {
    let (scratch, secret) = (Scratch::new(), github_pat(1503));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", format!("import os\n{}", token_line(&secret)));
    repository.remove("a.py");
    repository.commit("Remove it");
    let fingerprint = repository.audit().find(&secret)["fingerprint"].as_str().unwrap().to_owned();
    let told = explained(&repository, &[&fingerprint[..10]]);
    assert_says(&told, &["github-pat", "reported", "a.py as of commit", ":2", "at the keyword `ghp_`"]);
    assert!(!told.contains(&secret), "{told}");

    assert_eq!(repository.run_keysieve(&["baseline", "create", "--reason", "revoked"]).code, 0);
    let entry = std::fs::read_to_string(repository.path().join(".keysieve-baseline.yaml")).unwrap();
    let salted = entry.split("fingerprint: \"").nth(1).unwrap()[..32].to_owned();
    for name in [&fingerprint, &salted] {
        assert_says(&explained(&repository, &[name]), &["it is in the baseline (revoked)"]);
    }
}

#[test]
fn a_line_of_an_older_version() {
    let (scratch, secret) = (Scratch::new(), github_pat(1504));
    let repository = scratch.repository("r");
    let first = repository.commit_file("a.py", token_line(&secret));
    repository.commit_file("a.py", "import os\n");
    assert_says(&explained(&repository, &["a.py:1", "--rev", &first]), &["a finding, confidence High"]);
}

#[test]
fn files_that_an_audit_does_not_read() {
    let (scratch, secret) = (Scratch::new(), github_pat(1505));
    let repository = scratch.repository("r");
    repository.commit_file(".gitignore", "*.log\n");
    repository.write("run.log", token_line(&secret));
    assert_says(&explained(&repository, &["run.log:1"]), &["git ignores this file"]);
    repository.write(".env", token_line(&secret));
    repository.write(".gitignore", "*.log\n.env\n");
    assert_says(&explained(&repository, &[".env:1"]), &["where it belongs"]);
}

#[test]
fn what_cannot_be_explained_is_an_error() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "import os\n");
    for (what, part) in [
        ("nonsense", "no rule, no FILE:LINE, and no fingerprint"),
        ("a.py:7", "has no line 7"),
        ("missing.py:1", "cannot read missing.py"),
        ("0123456789abcdef", "no finding of . has a fingerprint"),
    ] {
        let run = repository.run_keysieve(&["explain", what]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{what}");
        assert!(run.stderr.contains(part), "{}", run.stderr);
    }
}

#[test]
fn four_digits_name_a_finding_unless_several_begin_so() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let tokens: String = (0..900).map(|seed| token_line(&github_pat(150_000 + seed))).collect();
    repository.write("a.py", tokens);
    let report = repository.audit();
    let mut by_beginning: std::collections::BTreeMap<String, Vec<String>> = Default::default();
    for finding in &report.findings {
        let fingerprint = finding["fingerprint"].as_str().unwrap().to_owned();
        by_beginning.entry(fingerprint[..4].to_owned()).or_default().push(fingerprint);
    }
    let (only, _) = by_beginning.iter().find(|(_, all)| all.len() == 1).unwrap();
    assert_says(&explained(&repository, &[only]), &["github-pat", "reported"]);
    let (shared, all) = by_beginning.iter().find(|(_, all)| all.len() == 2).unwrap();
    let run = repository.run_keysieve(&["explain", shared]);
    assert_eq!(run.code, 2, "{run:?}");
    assert_says(&run.stderr, &["2 findings begin with", &all[0][..12], &all[1][..12], "github-pat, a.py:"]);
}

#[test]
fn a_report_names_a_command_that_explains_its_findings() {
    let (scratch, secret) = (Scratch::new(), github_pat(1510));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", token_line(&secret));
    let id = repository.audit().find(&secret)["fingerprint"].as_str().unwrap().to_owned();
    let command = |report: &str| {
        let told = report.lines().find(|line| line.starts_with("-v lists")).unwrap().to_owned();
        told.split('`').nth(1).map(str::to_owned)
    };
    assert_eq!(command(&repository.run_keysieve(&["audit"]).stdout), Some("keysieve explain ID".to_owned()));
    let other = command(&scratch.keysieve(["audit", "r", "--min-confidence", "low"]).stdout).unwrap();
    assert_eq!(other, "keysieve explain ID --repo r --min-confidence low");
    let words: Vec<&str> =
        other.split(' ').skip(1).map(|word| if word == "ID" { &id } else { word }).collect();
    assert_says(&scratch.keysieve(words).stdout, &["github-pat", "reported"]);

    scratch.write("loose/b.py", token_line(&secret));
    let loose = command(&scratch.keysieve(["scan", "loose"]).stdout).unwrap();
    assert_eq!(loose, "keysieve explain FILE:LINE");
    assert_says(&scratch.keysieve(["explain", "loose/b.py:1"]).stdout, &["a finding"]);
    let inside = command(&scratch.keysieve(["scan", "r/a.py"]).stdout).unwrap();
    assert!(inside.starts_with("keysieve explain FILE:LINE --repo "), "{inside}");
    scratch.write("values.txt", format!("TOKEN={secret}\n"));
    let valued = scratch.keysieve(["scan", "loose", "--values", "values.txt"]).stdout;
    assert_eq!(command(&valued), None, "{valued}");
}
