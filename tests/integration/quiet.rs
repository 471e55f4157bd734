//! What keeps findings out of reports: the baseline, markers beside a secret, and the configuration.

use crate::fixture::{Report, Repository, Run, Scratch};
use crate::secrets::{github_pat, noise, password, token_line};

/// `keysieve baseline ARGUMENTS` here, which succeeds.
#[track_caller]
fn baseline(repository: &Repository, arguments: &[&str]) -> Run {
    let run = repository.run_keysieve(&[&["baseline"], arguments].concat());
    assert_eq!(run.code, 0, "{run:?}");
    run
}

fn entries(repository: &Repository) -> Vec<String> {
    let text = std::fs::read_to_string(repository.path().join(".keysieve-baseline.yaml")).unwrap();
    text.lines().filter(|line| line.starts_with("- {")).map(str::to_owned).collect()
}

#[track_caller]
fn assert_suppressed(report: &Report, by: &str, count: u64) {
    assert_eq!(report.summary["suppressed"][by], count, "{:#}", report.summary);
}

/// A repository whose one secret is in its committed baseline.
fn with_baseline(scratch: &Scratch, secret: &str) -> Repository {
    let repository = scratch.repository("r");
    repository.commit_file("a.py", format!("import os\n{}", token_line(secret)));
    baseline(&repository, &["create", "--reason", "revoked in May"]);
    repository.commit("Add the baseline");
    repository
}

#[test]
fn a_baseline_keeps_what_is_known_out_and_nothing_else() {
    let (scratch, known, new) = (Scratch::new(), github_pat(1400), github_pat(1401));
    let repository = with_baseline(&scratch, &known);
    let [entry] = entries(&repository).try_into().unwrap();
    assert!(entry.contains("github-pat") && entry.contains("revoked in May"), "{entry}");
    assert!(!entry.contains(&known) && !entry.contains("a.py"), "{entry}");

    let quiet = repository.audit();
    quiet.assert_complete();
    quiet.assert_secrets(&[]);
    assert_suppressed(&quiet, "baseline", 1);
    repository.commit_file("b.py", token_line(&new));
    repository.audit().assert_secrets(&[&new]);
    let shown = repository.keysieve(&["--show-suppressed"]).stdout;
    assert!(shown.contains("by baseline: revoked in May") && shown.contains("a.py:2:10"), "{shown}");
    assert!(shown.contains("not reported: 1 in the baseline"), "{shown}");
    let json = repository.keysieve(&["--format", "jsonl", "--show-suppressed"]).stdout;
    assert!(json.contains("\"type\":\"suppressed\"") && json.contains("\"by\":\"baseline\""), "{json}");
}

#[test]
fn it_holds_after_rebase_amend_cherry_pick_squash_rename_and_moved_lines() {
    let (scratch, known) = (Scratch::new(), github_pat(1402));
    let repository = with_baseline(&scratch, &known);
    let quiet = |what: &str| {
        let report = repository.audit();
        assert_eq!(report.code, 0, "after {what}: {report:#?}");
        assert_suppressed(&report, "baseline", 1);
    };
    repository.git(["commit", "--quiet", "--amend", "-m", "Another message"]);
    quiet("an amend");
    repository.commit_file("a.py", format!("{}{}", noise(1, 30), token_line(&known)));
    quiet("moved lines");
    repository.git(["mv", "a.py", "moved.py"]);
    repository.commit("Rename");
    quiet("a rename");
    repository.git(["checkout", "--quiet", "-b", "side", "HEAD~3"]);
    repository.git(["cherry-pick", "main~2"]);
    repository.commit_file("c.py", token_line(&known));
    quiet("a cherry-pick");
    repository.git(["rebase", "--quiet", "--onto", "main", "HEAD~1"]);
    quiet("a rebase");
    repository.git(["checkout", "--quiet", "-b", "squashed", "main~2"]);
    repository.git(["merge", "--quiet", "--squash", "main"]);
    repository.commit("Squash");
    quiet("a squash");
    let clone = scratch.clone("clone", &[repository.path_text()]);
    assert_suppressed(&clone.audit(), "baseline", 1);
}

#[test]
fn fingerprints_tell_nothing_without_the_salt() {
    let (scratch, secret) = (Scratch::new(), password(1403));
    let line = format!("password = \"{secret}\"\n");
    let mut seen = Vec::new();
    for name in ["one", "two"] {
        let repository = scratch.repository(name);
        repository.commit_file("app.py", &line);
        baseline(&repository, &["create"]);
        seen.extend(entries(&repository));
    }
    assert_ne!(seen[0], seen[1], "each repository has its own salt");
    let repository = scratch.existing("one");
    std::fs::remove_file(repository.path().join(".keysieve-salt")).unwrap();
    let run = repository.keysieve(&[]);
    assert_eq!(run.code, 2, "a baseline without its salt is no reason to be quiet");
    assert!(run.stderr.contains(".keysieve-salt"), "{}", run.stderr);
}

#[test]
fn update_adds_and_prunes() {
    let (scratch, old, new) = (Scratch::new(), github_pat(1404), github_pat(1405));
    let repository = scratch.repository("r");
    repository.write("a.py", token_line(&old));
    baseline(&repository, &["create", "--reason", "known"]);
    let again = repository.run_keysieve(&["baseline", "create"]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("baseline update"), "{}", again.stderr);
    let before = entries(&repository);
    repository.write("b.py", token_line(&new));
    let fingerprint = {
        let report = repository.audit();
        report.find(&new)["fingerprint"].as_str().unwrap().to_owned()
    };
    baseline(&repository, &["update", "--only", &fingerprint, "--reason", "a test key"]);
    assert_eq!(entries(&repository).len(), 2);
    assert!(entries(&repository).contains(&before[0]), "what was there stays as it is");
    repository.write("a.py", "a = 1\n");
    let told = repository.keysieve(&[]).stdout;
    assert!(told.contains("entries of the baseline that match nothing any more: 1;"), "{told}");
    let pruned = baseline(&repository, &["update"]);
    assert!(
        pruned.stdout.contains("pruned: github-pat") && pruned.stdout.contains("0 added, 1 pruned"),
        "{pruned:?}"
    );
    assert!(entries(&repository).len() == 1 && entries(&repository)[0].contains("a test key"));
    let unknown = repository.run_keysieve(&["baseline", "update", "--only", "abc"]);
    assert_eq!(unknown.code, 2);
}

#[test]
fn an_entry_can_expire_and_be_for_a_path_alone() {
    let (scratch, secret) = (Scratch::new(), github_pat(1406));
    let repository = scratch.repository("r");
    repository.write("tests/a.py", token_line(&secret));
    baseline(&repository, &["create", "--expires", "2999-01-01"]);
    assert_suppressed(&repository.audit(), "baseline", 1);
    let path = repository.path().join(".keysieve-baseline.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("2999", "2020")).unwrap();
    repository.audit().assert_secrets(&[&secret]);
    std::fs::write(&path, text.replace("expires: \"2999-01-01\"", "path: \"tests/\"")).unwrap();
    assert_suppressed(&repository.audit(), "baseline", 1);
    repository.write("src/a.py", token_line(&secret));
    let report = repository.audit();
    assert_eq!(report.place(&secret)["path"], "src/a.py");
}

#[test]
fn two_branches_that_both_changed_the_baseline_merge() {
    let (scratch, known) = (Scratch::new(), github_pat(1407));
    let repository = with_baseline(&scratch, &known);
    for (side, seed) in [("one", 1408), ("two", 1409)] {
        repository.git(["checkout", "--quiet", "-b", side, "main"]);
        for number in 0..3 {
            repository.write(&format!("{side}{number}.py"), token_line(&github_pat(seed + 10 * number)));
        }
        repository.commit("Write");
        let report = repository.audit();
        let own: Vec<String> = report
            .findings
            .iter()
            .filter(|finding| finding["places"][0]["path"].as_str().unwrap().starts_with(side))
            .map(|finding| finding["fingerprint"].as_str().unwrap().to_owned())
            .collect();
        let only: Vec<&str> = own.iter().flat_map(|name| ["--only", name]).collect();
        baseline(&repository, &[&["update", "--reason", side], only.as_slice()].concat());
        repository.commit("Update the baseline");
    }
    repository.git(["merge", "--quiet", "-m", "Merge", "one"]);
    let report = repository.audit();
    report.assert_secrets(&[]);
    assert_suppressed(&report, "baseline", 7);
    // Git may leave a line twice; an update puts the file in order.
    let mut merged = entries(&repository);
    merged.sort();
    merged.dedup();
    assert_eq!(merged.len(), 7);
    baseline(&repository, &["update"]);
    assert_eq!(entries(&repository), merged);
}

#[test]
fn a_baseline_from_elsewhere_and_a_broken_one() {
    let (scratch, known) = (Scratch::new(), github_pat(1410));
    let repository = with_baseline(&scratch, &known);
    let other = scratch.repository("other");
    other.commit_file("x.py", token_line(&known));
    let path = repository.path().join(".keysieve-baseline.yaml");
    let report = other.audit_with(&["--show-secrets", "--baseline", path.to_str().unwrap()]);
    assert_suppressed(&report, "baseline", 1);
    let missing = other.keysieve(&["--baseline", "nowhere.yaml"]);
    assert_eq!(missing.code, 2);
    std::fs::write(&path, "<<<<<<< HEAD\nschema: 1\n").unwrap();
    let broken = repository.keysieve(&[]);
    assert_eq!(broken.code, 2);
    assert!(broken.stderr.contains(".keysieve-baseline.yaml"), "{}", broken.stderr);
}

#[test]
fn a_marker_is_for_its_own_line() {
    let scratch = Scratch::new();
    let [here, above, neighbour, below] = [1411, 1412, 1413, 1414].map(github_pat);
    let line = |secret: &str| token_line(secret).trim_end().to_owned();
    scratch.write(
        "a.py",
        format!(
            "{}  # keysieve:allow a test key\n{}\n# keysieve:allow-next-line\n{}\n{}\n",
            line(&here),
            line(&neighbour),
            line(&above),
            line(&below)
        ),
    );
    let report = scratch.scan(&["a.py"]);
    report.assert_secrets(&[&neighbour, &below]);
    assert_suppressed(&report, "inline", 2);
    let shown = scratch.keysieve(["scan", "a.py", "--show-suppressed"]).stdout;
    assert!(shown.contains("by inline: a test key"), "{shown}");
}

#[test]
fn a_marker_for_a_rule_is_for_no_other() {
    let (scratch, one, two) = (Scratch::new(), github_pat(1415), github_pat(1416));
    let line = |secret: &str| token_line(secret).trim_end().to_owned();
    scratch.write(
        "a.py",
        format!(
            "{} # keysieve:allow[github-pat] old\n{} # keysieve:allow[npm-token]\n",
            line(&one),
            line(&two)
        ),
    );
    scratch.scan(&["a.py"]).assert_secrets(&[&two]);
}

#[test]
fn a_marker_in_a_later_commit_lets_a_push_through() {
    let (scratch, secret) = (Scratch::new(), github_pat(1417));
    let remote = scratch.repository_with("remote.git", &["--bare"]);
    let local = scratch.repository("local");
    local.git(["remote", "add", "origin", remote.path_text()]);
    local.set_hook("pre-push");
    let line = token_line(&secret).trim_end().to_owned();
    local.commit_file("a.py", format!("{line}\n"));
    let stopped = local.push(&["origin", "main"]);
    assert!(stopped.code != 0 && stopped.stderr.contains("keysieve:allow"), "{}", stopped.stderr);
    local.commit_file("a.py", format!("{line}  # keysieve:allow a test key\n"));
    let run = local.push(&["origin", "main"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("1 allowed inline"), "{}", run.stderr);
    // In the history too it is quiet from now on.
    assert_suppressed(&local.audit(), "inline", 1);
}

#[test]
fn what_the_hook_says_of_the_baseline_works() {
    let (scratch, secret) = (Scratch::new(), github_pat(1418));
    let remote = scratch.repository_with("remote.git", &["--bare"]);
    let local = scratch.repository("local");
    local.git(["remote", "add", "origin", remote.path_text()]);
    local.set_hook("pre-push");
    local.commit_file("a.py", token_line(&secret));
    let stopped = local.push(&["origin", "main"]);
    let (_, rest) = stopped.stderr.split_once("--only ").expect("what to type");
    let fingerprint = rest.split(' ').next().unwrap();
    baseline(&local, &["update", "--only", fingerprint, "--reason", "a test key"]);
    local.commit("Add it to the baseline");
    let run = local.push(&["origin", "main"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("1 in the baseline"), "{}", run.stderr);
}

#[test]
fn other_scanners_markers_count_where_that_is_asked_for() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let markers =
        ["gitleaks:allow", "betterleaks:allow", "trufflehog:ignore", "pragma: allowlist secret", "nosec"];
    for (seed, marker) in (1419..).zip(markers) {
        let line = token_line(&github_pat(seed)).trim_end().to_owned();
        repository.write(&format!("{seed}.py"), format!("{line}  # {marker}\n"));
    }
    assert_eq!(repository.audit().findings.len(), 5);
    repository.write(".keysieve.yaml", "schema: 1\ncompat-markers: true\n");
    repository.audit().assert_secrets(&[&github_pat(1423)]);
}

#[test]
fn the_configuration_switches_rules_and_paths() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let (token, word) = (github_pat(1424), password(1425));
    repository.write("tests/a.py", format!("password = \"{word}\"\n{}", token_line(&token)));
    repository.audit().assert_secrets(&[&token, &word]);
    repository.write(".keysieve.yaml", "schema: 1\npaths:\n- ignore: tests/\n  reason: made up\n");
    let report = repository.audit();
    report.assert_secrets(&[&token]);
    assert_suppressed(&report, "config", 1);
    // Without a git repository's top directory in between: a scan of a part obeys it too.
    let part = repository.run_keysieve(&["scan", "tests", "--format", "jsonl", "--show-secrets"]).report();
    part.assert_secrets(&[&token]);
    repository.write(".keysieve.yaml", "schema: 1\nrules:\n  off: [github-pat]\n");
    let found = repository.audit();
    assert!(found.findings.iter().all(|finding| finding["rule"] != "github-pat"));
    repository.write(".keysieve.yaml", "schema: 1\nrules:\n  severity: {github-pat: low}\n");
    assert_eq!(repository.audit().find(&token)["severity"], "low");
    let text = "schema: 1\nrules:\n  severity: {github-pat: low}\nfail-on:\n  severity: critical\n";
    repository.write(".keysieve.yaml", text);
    let run = repository.keysieve(&[]);
    assert_eq!(run.code, 0, "shown, and not bad enough: {}", run.stdout);
    assert!(run.stdout.contains("2 secrets found"), "{}", run.stdout);
}

#[test]
fn files_named_to_a_scan_are_under_the_policy_of_their_repository() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let (token, known, word) = (github_pat(1460), github_pat(1461), password(1462));
    repository.commit_file("known.py", token_line(&known));
    baseline(&repository, &["create", "--reason", "revoked"]);
    repository.write("tests/a.py", format!("password = \"{word}\"\n{}", token_line(&token)));
    repository.write(".keysieve.yaml", "schema: 1\npaths: [{ignore: tests/}]\n");
    scratch.scan(&["r/tests/a.py"]).assert_secrets(&[&token]);
    scratch.scan(&["r/known.py"]).assert_secrets(&[]);
    scratch.scan(&["r/tests/a.py", "r/known.py", "r/tests"]).assert_secrets(&[&token]);
    // A path of one part names no folder.
    let beside = scratch.keysieve_in("r", ["scan", "known.py", "--format", "jsonl", "--show-secrets"]);
    beside.report().assert_secrets(&[]);
}

#[test]
fn paths_in_repositories_with_policies_of_their_own_are_not_scanned_under_one() {
    let scratch = Scratch::new();
    let (token, word) = (github_pat(1463), password(1464));
    let (first, second) = (scratch.repository("first"), scratch.repository("second"));
    first.write("a.py", token_line(&token));
    second.write("tests/b.py", format!("password = \"{word}\"\n"));
    scratch.write("c.py", "c = 1\n");
    // None has a policy.
    scratch.scan(&["first/a.py", "second/tests/b.py", "c.py"]).assert_secrets(&[&token, &word]);
    second.write(".keysieve.yaml", "schema: 1\npaths: [{ignore: tests/}]\n");
    for paths in [["first/a.py", "second/tests/b.py"], ["second/tests", "first"], ["second/tests", "c.py"]] {
        let run = scratch.keysieve(["scan", paths[0], paths[1]]);
        assert_eq!(run.code, 2, "{paths:?}: {}", run.stdout);
        for part in ["second", ".keysieve.yaml", "--config"] {
            assert!(run.stderr.contains(part), "no {part:?} in {}", run.stderr);
        }
    }
    let named = ["first/a.py", "second/tests/b.py", "--config", "second/.keysieve.yaml"];
    scratch.scan(&named).assert_secrets(&[&token]);
}

#[test]
fn rules_of_the_repositorys_own() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let rule = "schema: 1\nrules:\n- {id: acme, name: Acme, provider: Acme, kind: provider, severity: high, confidence: high, \
                keywords: [acme_], pattern: '\\b(?P<secret>acme_[a-z0-9]{12})\\b', fix: Revoke it., \
                references: ['https://acme.example'], counter_examples: [acme_x]}\n";
    repository.write("config/rules.yaml", rule);
    repository.write(".keysieve.yaml", "schema: 1\nrules:\n  files: [config/rules.yaml]\n");
    let secret = ["acme", "_k3j5h2q9x7c1"].concat();
    repository.write("a.txt", format!("{secret}\n"));
    repository.audit().assert_secrets(&[&secret]);
    repository.remove("config/rules.yaml");
    let run = repository.keysieve(&[]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("config/rules.yaml"), "{}", run.stderr);
}

#[test]
fn mistakes_in_the_configuration_are_errors() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.write("a.py", "a = 1\n");
    for (text, part) in [
        ("schema: 1\ncompat-marker: true\n", "did you mean `compat-markers`?"),
        ("schema: 1\nrules: {off: [github-pta]}\n", "did you mean `github-pat`?"),
        ("schema: 1\nfail-on: {severity: bad}\n", "low, medium, high, critical"),
        ("- a\n", "mapping"),
    ] {
        repository.write(".keysieve.yaml", text);
        for run in [repository.keysieve(&[]), repository.run_keysieve(&["diff", "--staged"])] {
            assert_eq!(run.code, 2, "{text}");
            assert!(run.stderr.contains(part) && run.stderr.contains(".keysieve.yaml"), "{}", run.stderr);
        }
    }
}

#[test]
fn the_configuration_can_be_checked_alone() {
    let scratch = Scratch::new();
    scratch.write(".keysieve.yaml", "schema: 1\nrules: {off: [github-pat]}\n");
    let good = scratch.keysieve(["rules", "check", ".keysieve.yaml"]);
    assert_eq!((good.code, good.stdout.as_str()), (0, ".keysieve.yaml: valid\n"), "{good:?}");
    assert_eq!(scratch.keysieve(["rules", "check"]).stdout, ".keysieve.yaml: valid\n");
    scratch.write(".keysieve.yaml", "schema: 1\nrule: {}\n");
    let bad = scratch.keysieve(["rules", "check"]);
    assert_eq!(bad.code, 2);
    assert!(bad.stderr.contains("did you mean `rules`?"), "{}", bad.stderr);
}

#[cfg(unix)]
#[test]
fn what_may_stay_unread_is_shown_and_no_error() {
    let scratch = Scratch::new();
    let origin = scratch.repository("origin");
    origin.commit_file("vendor/big.bin", noise(3, 10));
    origin.git(["config", "uploadpack.allowFilter", "true"]);
    let tip = origin.commit_file("src/small.py", "a = 1\n");
    let clone = scratch.clone("partial", &["--filter=blob:none", "--no-checkout", &origin.url()]);
    let base = origin.git(["commit-tree", "-m", "Base", &origin.git_reading(b"", &["mktree"])]);
    clone.git(["fetch", "--quiet", origin.path_text(), &base]);
    clone.write(".keysieve.yaml", "schema: 1\naccept-unread: [vendor/, src/]\n");
    let report = clone.diff(&["--since", "2001-01-01"]);
    assert_eq!(report.code, 0, "{:#}", report.summary);
    assert_eq!(report.summary["complete"], true);
    assert_eq!(report.summary["accepted_unread"].as_array().unwrap().len(), 2);
    clone.write(".keysieve.yaml", "schema: 1\naccept-unread: [vendor/]\n");
    clone.diff(&["--since", "2001-01-01"]).assert_unread(&["src/small.py"]);
    assert_eq!(tip.len(), 40);
}

#[test]
fn a_range_does_not_decide_how_it_is_looked_at() {
    let (scratch, secret, marked) = (Scratch::new(), github_pat(1426), github_pat(1427));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    repository.git(["tag", "base"]);
    repository.commit_file("b.py", token_line(&secret));
    baseline(&repository, &["create", "--reason", "trust me"]);
    repository.write(".keysieve.yaml", "schema: 1\nrules: {off: [npm-access-token]}\n");
    repository.commit_file("c.py", format!("{} # keysieve:allow why not\n", token_line(&marked).trim_end()));
    let report = repository.diff(&["base..HEAD"]);
    report.assert_secrets(&[&secret]);
    let notices = report.summary["notices"].to_string();
    for part in [
        "allows a secret inline",
        "why not",
        "adds a secret to the baseline",
        "trust me",
        "changes .keysieve.yaml",
    ] {
        assert!(notices.contains(part), "no {part:?} in {notices}");
    }
    // Once it is merged it counts.
    repository.commit_file("d.py", token_line(&secret));
    repository.diff(&["HEAD~1..HEAD"]).assert_secrets(&[]);
}

#[test]
fn a_server_takes_its_policy_from_what_it_has() {
    let (scratch, secret) = (Scratch::new(), github_pat(1428));
    let server = scratch.repository_with("server.git", &["--bare"]);
    let local = scratch.repository("local");
    local.git(["remote", "add", "origin", server.path_text()]);
    local.commit_file("a.py", "a = 1\n");
    local.git(["push", "--quiet", "origin", "main"]);
    server.set_hook("pre-receive");
    local.write(".keysieve.yaml", "schema: 1\nrules: {off: [github-pat]}\n");
    local.commit_file("b.py", token_line(&secret));
    let refused = local.push(&["origin", "main"]);
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains("b.py:1:10"), "{}", refused.stderr);
    assert!(refused.stderr.contains("main changes .keysieve.yaml"), "{}", refused.stderr);
    local.git(["reset", "--quiet", "--hard", "HEAD~1"]);
    let marked = format!("{}  # keysieve:allow a test key\n", token_line(&secret).trim_end());
    local.commit_file("b.py", marked);
    let taken = local.push(&["origin", "main"]);
    assert_eq!(taken.code, 0, "{}", taken.stderr);
    for part in
        ["no new secrets (1 allowed inline) in 1 commit", "allows a secret inline: github-pat", "a test key"]
    {
        assert!(taken.stderr.contains(part), "no {part:?} in {}", taken.stderr);
    }
}

#[test]
fn a_push_below_what_fails_goes_through_and_says_so() {
    let scratch = Scratch::new();
    let remote = scratch.repository_with("remote.git", &["--bare"]);
    let local = scratch.repository("local");
    local.git(["remote", "add", "origin", remote.path_text()]);
    local.set_hook("pre-push");
    local.write(
        ".keysieve.yaml",
        "schema: 1\nrules: {severity: {github-pat: low}}\nfail-on: {severity: high}\n",
    );
    local.commit_file("b.py", token_line(&github_pat(1440)));
    let run = local.push(&["origin", "main"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("1 new secret, below what fails"), "{}", run.stderr);
    assert!(run.stderr.contains("b.py:1:10"), "{}", run.stderr);
}

#[test]
fn what_other_scanners_know_is_carried_over() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let [by_line, by_digest, by_itself, redacted] = [1430, 1431, 1432, 1433].map(github_pat);
    let commit = repository.commit_file("a.py", format!("import os\n{}", token_line(&by_line)));
    repository.commit_file("b.py", token_line(&by_digest));
    repository.commit_file("c.py", token_line(&by_itself));
    repository.commit_file("d.py", token_line(&redacted));
    let import = |name: &str, text: &str| {
        let path = scratch.write(name, text);
        baseline(&repository, &["import", path.to_str().unwrap()]).stdout
    };
    let told =
        import(".gitleaksignore", &format!("# old\n{commit}:a.py:github-pat:2\ngone.py:github-pat:9\n"));
    assert!(told.contains("not carried over: gone.py:github-pat:9") && told.contains("1 added"), "{told}");
    let sha1 = sha1_of(&by_digest);
    let told = import(
        ".secrets.baseline",
        &format!("{{\"results\": {{\"b.py\": [{{\"hashed_secret\": \"{sha1}\", \"line_number\": 1}}]}}}}"),
    );
    assert!(told.contains("1 entries read, 0 not carried over"), "{told}");
    let entry = |file: &str, secret: &str| {
        format!("{{\"RuleID\": \"x\", \"File\": \"{file}\", \"StartLine\": 1, \"Secret\": \"{secret}\"}}")
    };
    import("report.json", &format!("[{}, {}]", entry("c.py", &by_itself), entry("d.py", "REDACTED")));
    let report = repository.audit();
    report.assert_secrets(&[]);
    assert_suppressed(&report, "baseline", 4);
    assert!(entries(&repository).iter().any(|entry| entry.contains("from .gitleaksignore")));
    let path = scratch.write("broken", "what is this\n");
    let broken = repository.run_keysieve(&["baseline", "import", path.to_str().unwrap()]);
    assert_eq!(broken.code, 2);
}

/// The SHA-1 of a text, in hexadecimal digits.
fn sha1_of(text: &str) -> String {
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    hasher.update(text.as_bytes());
    hasher.try_finalize().unwrap().to_string()
}

#[test]
fn files_over_the_limit_are_named_and_their_later_versions_are_read() {
    let (scratch, hidden, later) = (Scratch::new(), github_pat(1440), github_pat(1441));
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    repository.commit_file(".keysieve.yaml", "schema: 1\nlimits: {file-bytes: 4000}\n");
    repository.git(["tag", "base"]);
    let large = noise(7, 200) + &token_line(&hidden);
    assert!(large.len() > 4000);
    repository.commit_file("data/large.py", &large);
    // What is left lies in the large version too: a scan derived from it has to look anew.
    let small = noise(7, 200)[..2000].to_owned() + &token_line(&later) + &token_line(&hidden);
    repository.commit_file("data/large.py", &small);
    repository.git(["repack", "-adfq", "--depth=50", "--window=50"]);
    for report in [repository.audit(), repository.diff(&["base..HEAD"])] {
        assert_eq!(report.code, 2);
        report.assert_unread(&["data/large.py", "more than `limits.file-bytes` allows"]);
        report.assert_secrets(&[&hidden, &later]);
    }
    let accepting = "schema: 1\nlimits: {file-bytes: 4000}\naccept-unread: [data/]\n";
    repository.commit_file(".keysieve.yaml", accepting);
    repository.git(["tag", "--force", "base"]);
    repository.write("data/other.py", &large);
    let report = repository.audit();
    assert_eq!(report.code, 1, "{:#}", report.summary);
    assert_eq!(report.summary["accepted_unread"].as_array().unwrap().len(), 2);
    repository.git(["add", "."]);
    let staged = repository.diff(&["--staged"]);
    assert_eq!(staged.code, 0, "{:#}", staged.summary);
    assert_eq!(staged.summary["accepted_unread"].as_array().unwrap().len(), 1);
}

#[test]
fn a_gap_is_counted_once_and_accepted_by_every_command() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    std::fs::write(repository.git_file("index"), "damaged").unwrap();
    let run = |command: &str| repository.run_keysieve(&[command, ".", "--format", "jsonl"]).report();
    for command in ["audit", "scan", "env"] {
        let report = run(command);
        assert_eq!(report.code, 2, "{command}: {:#}", report.summary);
        assert_eq!(report.summary["unread"].as_array().unwrap().len(), 1, "{command}: {:#}", report.summary);
    }
    repository.write(".keysieve.yaml", "schema: 1\naccept-unread: [.git/index]\n");
    for command in ["audit", "scan", "env"] {
        let report = run(command);
        assert_eq!(report.code, 0, "{command}: {:#}", report.summary);
        assert_eq!(report.summary["accepted_unread"].as_array().unwrap().len(), 1, "{:#}", report.summary);
    }
}
