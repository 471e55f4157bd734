//! `keysieve ci` in checkouts as CI systems make them: full, shallow, of forks, after forced pushes.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::fixture::{Repository, Run, Scratch, keysieve_command, run};
use crate::secrets::{github_pat, token_line};

const MISSING: &str = "4444444444444444444444444444444444444444";

/// A remote with an old secret on `main`, and a branch `topic` of 40 commits and a merge with secrets all over it.
struct Remote {
    scratch: Scratch,
    origin: Repository,
    old: String,
    new: Vec<String>,
    /// Where `topic` parted from `main`, and the tips of both.
    fork: String,
    main: String,
    topic: String,
}

fn remote(seed: u64) -> Remote {
    let scratch = Scratch::new();
    let origin = scratch.repository("origin");
    let old = github_pat(seed);
    origin.commit_file("old.py", token_line(&old));
    let fork = origin.commit_file("a.py", "a = 1\n");
    origin.git(["checkout", "--quiet", "-b", "side"]);
    origin.commit_file("side.py", "side = 1\n");
    origin.git(["checkout", "--quiet", "-b", "topic", "main"]);
    let mut new = Vec::new();
    for number in 1..=40 {
        if matches!(number, 1 | 5 | 20 | 40) {
            let secret = github_pat(seed + number);
            origin.commit_file("b.py", token_line(&secret));
            new.push(secret);
        } else {
            // What came in is gone again in the next commit.
            origin.commit_file("b.py", format!("b = {number}\n"));
        }
        if number == 30 {
            let secret = github_pat(seed + 50);
            origin.git(["merge", "--quiet", "--no-ff", "--no-commit", "side"]);
            origin.write("side.py", token_line(&secret));
            origin.commit("Merge side");
            origin.commit_file("side.py", "side = 1\n");
            new.push(secret);
        }
    }
    let topic = origin.git(["rev-parse", "topic"]);
    origin.git(["checkout", "--quiet", "main"]);
    let main = origin.commit_file("c.py", "c = 1\n");
    origin.git(["branch", "--quiet", "-D", "side"]);
    Remote { scratch, origin, old, new, fork, main, topic }
}

impl Remote {
    fn clone(&self, name: &str, options: &[&str]) -> Repository {
        self.scratch.clone(name, &[options, &[&self.origin.url()]].concat())
    }

    fn expect(&self, all: bool) -> Vec<&str> {
        let old = all.then_some(self.old.as_str());
        self.new.iter().map(String::as_str).chain(old).collect()
    }

    fn pull_request(&self) -> Value {
        json!({"number": 12, "repository": {"default_branch": "main"}, "pull_request": {
            "number": 12, "base": {"sha": self.main, "ref": "main"}, "head": {"sha": self.topic, "ref": "topic"}}})
    }

    fn push(&self, before: &str) -> Value {
        json!({"ref": "refs/heads/topic", "before": before, "after": self.topic, "created": false, "deleted": false,
            "forced": false, "repository": {"default_branch": "main"}})
    }
}

/// `keysieve ci ARGUMENTS` in a step of GitHub Actions.
fn in_github(scratch: &Scratch, checkout: &Path, name: &str, event: &Value, arguments: &[&str]) -> Run {
    let path = scratch.write("event.json", event.to_string());
    let mut command = keysieve_command(&scratch.path(""));
    command.current_dir(checkout).args(["ci", "--format", "jsonl", "--show-secrets"]).args(arguments);
    command.env("CI", "true").env("GITHUB_ACTIONS", "true").env("GITHUB_EVENT_NAME", name);
    run(command.env("GITHUB_EVENT_PATH", path), b"")
}

fn in_ci(scratch: &Scratch, checkout: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    let mut command = keysieve_command(&scratch.path(""));
    command.current_dir(checkout).args(["ci", "--format", "jsonl", "--show-secrets"]).args(arguments);
    run(command.envs(variables.iter().copied()), b"")
}

#[track_caller]
fn assert_found(run: Run, expected: &[&str]) -> Value {
    assert!(run.stderr.contains("keysieve: "), "it says which range it took: {run:?}");
    let report = run.report();
    report.assert_complete();
    report.assert_secrets(expected);
    report.summary
}

#[track_caller]
fn assert_refused(run: &Run, parts: &[&str]) {
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    for part in parts {
        assert!(run.stderr.contains(part), "no {part:?} in {}", run.stderr);
    }
}

#[test]
fn each_event_of_github_reads_its_range() {
    let remote = remote(2000);
    let checkout = remote.clone("full", &[]);
    let path = checkout.path();
    // As actions/checkout does for a pull request: the two merged, and no branch checked out.
    checkout.git(["checkout", "--quiet", "--detach", "origin/main"]);
    checkout.git(["merge", "--quiet", "--no-ff", "-m", "Merge", "origin/topic"]);
    let group = json!({"merge_group": {"base_sha": remote.main, "head_sha": remote.topic}});
    let forced = {
        let mut event = remote.push(&remote.main);
        event["forced"] = true.into();
        event
    };
    let created = {
        let mut event = remote.push(&"0".repeat(40));
        event["created"] = true.into();
        event
    };
    for (name, event) in [
        ("pull_request", remote.pull_request()),
        ("pull_request_target", remote.pull_request()),
        ("merge_group", group),
        ("push", remote.push(&remote.fork)),
        ("push", forced),
        ("push", created),
    ] {
        let summary =
            assert_found(in_github(&remote.scratch, path, name, &event, &[]), &remote.expect(false));
        assert_eq!(summary["read"]["commits"], 43, "{name}");
        assert!(summary["notices"][0].as_str().unwrap().starts_with("GitHub Actions: "), "{summary}");
    }
    for name in ["schedule", "workflow_dispatch", "release"] {
        let summary =
            assert_found(in_github(&remote.scratch, path, name, &json!({}), &[]), &remote.expect(true));
        let told = summary["notices"][0].as_str().unwrap();
        assert!(told.contains(name) && told.contains("come with --fetch"), "{summary}");
    }
}

#[test]
fn what_a_pull_request_took_over_from_its_base_is_not_new() {
    let scratch = Scratch::new();
    let origin = scratch.repository("origin");
    let (theirs, own) = (github_pat(2090), github_pat(2091));
    let base = origin.commit_file("a.py", "a = 1\n");
    origin.git(["checkout", "--quiet", "-b", "topic"]);
    origin.commit_file("b.py", "b = 1\n");
    origin.git(["checkout", "--quiet", "main"]);
    origin.commit_file("old.py", token_line(&theirs));
    origin.git(["checkout", "--quiet", "topic"]);
    origin.git(["merge", "--quiet", "--no-edit", "main"]);
    let clean = origin.commit_file("b.py", "b = 2\n");
    let leaking = origin.commit_file("c.py", token_line(&own));
    origin.git(["checkout", "--quiet", "main"]);
    // The event names the base as it was when the request was opened.
    let event = |head: &str| {
        json!({"number": 7, "pull_request": {"number": 7, "base": {"sha": base, "ref": "main"},
            "head": {"sha": head, "ref": "topic"}}})
    };
    let checkout = scratch.clone("full", &[&origin.url()]);
    let look = |head: &str| in_github(&scratch, checkout.path(), "pull_request", &event(head), &[]);
    let summary = assert_found(look(&clean), &[]);
    assert!(summary["notices"][0].as_str().unwrap().contains("without what origin/main has by now"));
    assert_found(look(&leaking), &[&own]);
    let variables = [
        ("GITLAB_CI", "true"),
        ("CI_PIPELINE_SOURCE", "merge_request_event"),
        ("CI_COMMIT_SHA", clean.as_str()),
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", base.as_str()),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
    ];
    assert_found(in_ci(&scratch, checkout.path(), &variables, &[]), &[]);

    // Without the branch, the merge that is checked out has what the branch had.
    checkout.git(["checkout", "--quiet", "--detach", "origin/main"]);
    checkout.git(["merge", "--quiet", "--no-ff", "-m", "Merge", &clean]);
    checkout.git(["update-ref", "-d", "refs/remotes/origin/main"]);
    assert_found(look(&clean), &[]);
    // Merged already, the branch has all of it, and explains nothing.
    checkout.git(["update-ref", "refs/remotes/origin/main", &leaking]);
    assert_found(look(&leaking), &[&theirs, &own]);
}

#[test]
fn a_shallow_checkout_is_refused_or_deepened() {
    let remote = remote(2100);
    let created = remote.push(&"0".repeat(40));
    for (number, (name, event, all)) in [
        ("pull_request", remote.pull_request(), false),
        ("pull_request_target", remote.pull_request(), false),
        ("push", remote.push(&remote.fork), false),
        ("push", created, false),
        ("schedule", json!({}), true),
        ("push", remote.push(MISSING), true),
    ]
    .into_iter()
    .enumerate()
    {
        let branch = if name == "push" { "topic" } else { "main" };
        let checkout = remote.clone(&format!("shallow{number}"), &["--depth", "1", "--branch", branch]);
        let refused = in_github(&remote.scratch, checkout.path(), name, &event, &[]);
        assert_refused(&refused, &["fetch-depth: 0", "keysieve ci --fetch"]);
        let fetched = in_github(&remote.scratch, checkout.path(), name, &event, &["--fetch"]);
        assert_found(fetched, &remote.expect(all));
    }
}

#[test]
fn only_as_much_is_fetched_as_is_needed() {
    let scratch = Scratch::new();
    let origin = scratch.repository("origin");
    let commits = (0..400).map(|number| {
        let date = 1_600_000_000 + number * 100_000;
        format!("commit refs/heads/main\ncommitter A <a@example.com> {date} +0000\ndata 1\nm\n")
    });
    origin.git_reading(commits.collect::<String>().as_bytes(), &["fast-import", "--quiet"]);
    origin.git(["reset", "--quiet", "--hard"]);
    let base = origin.git(["rev-parse", "HEAD"]);
    origin.git(["checkout", "--quiet", "-b", "topic"]);
    let secret = github_pat(2150);
    let head = origin.commit_file("b.py", token_line(&secret));
    let checkout = scratch.clone("shallow", &["--depth", "1", "--branch", "topic", &origin.url()]);
    let event = json!({"pull_request": {"number": 1, "base": {"sha": base, "ref": "main"},
        "head": {"sha": head, "ref": "topic"}}});
    assert_found(in_github(&scratch, checkout.path(), "pull_request", &event, &["--fetch"]), &[&secret]);
    let commits: u32 = checkout.git(["rev-list", "--count", "HEAD"]).parse().unwrap();
    assert!(commits > 1 && commits < 300, "{commits} commits were fetched");
}

#[test]
fn after_a_forced_push_over_what_is_gone_all_is_read() {
    let remote = remote(2200);
    let checkout = remote.clone("full", &["--branch", "topic"]);
    for arguments in [&[][..], &["--fetch"]] {
        let event = remote.push(MISSING);
        let summary = assert_found(
            in_github(&remote.scratch, checkout.path(), "push", &event, arguments),
            &remote.expect(true),
        );
        assert!(summary["notices"][0].as_str().unwrap().contains("nowhere any more"), "{summary}");
    }
    // A rollback brings nothing new.
    let event =
        json!({"ref": "refs/heads/topic", "before": remote.topic, "after": remote.fork, "forced": true});
    let rollback = in_github(&remote.scratch, checkout.path(), "push", &event, &[]);
    assert_found(rollback, &[]);
}

#[test]
fn the_head_of_a_fork_is_fetched_when_that_is_allowed() {
    let remote = remote(2300);
    remote.origin.git(["update-ref", "refs/pull/12/head", &remote.topic]);
    remote.origin.git(["branch", "--quiet", "-D", "topic"]);
    let checkout = remote.clone("base", &[]);
    let event = remote.pull_request();
    let refused = in_github(&remote.scratch, checkout.path(), "pull_request_target", &event, &[]);
    assert_refused(&refused, &[&format!("git fetch origin {}", remote.topic), "keysieve ci --fetch"]);
    let fetched = in_github(&remote.scratch, checkout.path(), "pull_request_target", &event, &["--fetch"]);
    assert_found(fetched, &remote.expect(false));
}

#[test]
fn what_the_remote_does_not_have_stays_an_error() {
    let remote = remote(2400);
    let checkout = remote.clone("full", &[]);
    let mut event = remote.pull_request();
    event["pull_request"]["head"]["sha"] = MISSING.into();
    let run = in_github(&remote.scratch, checkout.path(), "pull_request", &event, &["--fetch"]);
    assert_refused(&run, &[MISSING, "did not bring it"]);
    // A request that asks for nothing is a mistake somewhere.
    event["pull_request"]["head"]["sha"] = remote.fork.clone().into();
    let run = in_github(&remote.scratch, checkout.path(), "pull_request", &event, &[]);
    assert_refused(&run, &["holds no commit, and it should"]);
}

#[test]
fn a_pull_request_cannot_allow_its_own_secrets() {
    let (scratch, secret) = (Scratch::new(), github_pat(2500));
    let origin = scratch.repository("origin");
    let base = origin.commit_file("a.py", "a = 1\n");
    origin.git(["checkout", "--quiet", "-b", "topic"]);
    // Only one rule finds it where no name says what it is.
    origin.write("b.txt", format!("see {secret}\n"));
    origin.commit_file(".keysieve.yaml", "schema: 1\nrules:\n  off: [github-pat]\n");
    let created = origin.run_keysieve(&["baseline", "create", "--rules", ".keysieve.yaml"]);
    assert_eq!(created.code, 2, "a configuration is no rule file");
    origin.write(
        "ours.yaml",
        "schema: 1\nrules:\n  - id: github-pat\n    name: Nothing\n    provider: Us\n    kind: provider\n    severity: low\n    \
         confidence: low\n    keywords: [nothing_]\n    pattern: '(?P<secret>nothing_[a-z]{8})'\n    references: ['https://example.com']\n    \
         fix: 'Nothing.'\n",
    );
    origin.remove(".keysieve.yaml");
    assert_eq!(origin.run_keysieve(&["baseline", "create", "--reason", "mine"]).code, 0);
    origin.write(".keysieve.yaml", "schema: 1\nrules:\n  off: [github-pat]\n");
    let head = origin.commit("Allow it");
    let event = json!({"pull_request": {"number": 1, "base": {"sha": base, "ref": "main"},
        "head": {"sha": head, "ref": "topic"}}});
    let found = in_github(&scratch, origin.path(), "pull_request", &event, &[]);
    let summary = assert_found(found, &[&secret]);
    let notices = summary["notices"].to_string();
    for part in ["changes .keysieve.yaml", "adds a secret to the baseline"] {
        assert!(notices.contains(part), "no {part:?} in {notices}");
    }
    // Named on the command line they are taken from the base all the same.
    for (option, file) in [
        ("--config", ".keysieve.yaml"),
        ("--baseline", ".keysieve-baseline.yaml"),
        ("--rules", "./x/../ours.yaml"),
    ] {
        let run = in_github(&scratch, origin.path(), "pull_request", &event, &[option, file]);
        assert_refused(&run, &["there is no such file in", &base]);
    }
    // What lies elsewhere is the workflow's own.
    let elsewhere = scratch.write("elsewhere.yaml", "schema: 1\nrules:\n  off: [github-pat]\n");
    let run = in_github(
        &scratch,
        origin.path(),
        "pull_request",
        &event,
        &["--config", elsewhere.to_str().unwrap()],
    );
    assert_found(run, &[]);
    // And the base's own are honoured.
    origin.git(["checkout", "--quiet", "main"]);
    origin.git(["checkout", "--quiet", "topic", "--", ".keysieve.yaml"]);
    let base = origin.commit("Allow it on main");
    let event = json!({"pull_request": {"number": 1, "base": {"sha": base, "ref": "main"},
        "head": {"sha": head, "ref": "topic"}}});
    assert_found(in_github(&scratch, origin.path(), "pull_request", &event, &[]), &[]);
}

#[test]
fn what_the_rules_of_the_base_include_is_the_bases_too() {
    let scratch = Scratch::new();
    let key = ["acme", "_", "k3j5h2q9x7c1"].concat();
    let origin = scratch.repository("origin");
    let rule = "schema: 1\nrules:\n  - {id: acme-key, name: Acme key, provider: Acme, kind: provider, severity: high, confidence: high, \
                keywords: [acme_], pattern: '\\b(?P<secret>acme_[a-z0-9]{12})\\b', references: ['https://acme.example'], \
                fix: Revoke it., counter_examples: ['acme_x']}\n";
    origin.write(".keysieve.yaml", "schema: 1\nrules: {files: [config/rules.yaml]}\n");
    origin.write("config/rules.yaml", "schema: 1\ninclude: ['more/*.yaml']\n");
    let base = origin.commit_file("config/more/acme.yaml", rule);
    origin.git(["checkout", "--quiet", "-b", "topic"]);
    origin.write("config/more/acme.yaml", rule.replace("acme_[a-z0-9]{12}", "acme_never"));
    let head = origin.commit_file("a.py", format!("x = '{key}'\n"));
    let event = json!({"pull_request": {"number": 1, "base": {"sha": base, "ref": "main"},
        "head": {"sha": head, "ref": "topic"}}});
    assert_found(in_github(&scratch, origin.path(), "pull_request", &event, &[]), &[&key]);
    // Also where the rule file is named on the command line, which is in the work tree.
    origin.remove(".keysieve.yaml");
    let named = ["--rules", "config/rules.yaml"];
    let found = in_github(&scratch, origin.path(), "pull_request", &event, &named);
    assert_found(found, &[&key]);
    // What the base does not have is named, and not looked for elsewhere.
    origin.git(["checkout", "--quiet", "--force", "main"]);
    origin.write("config/rules.yaml", "schema: 1\ninclude: [more/other.yaml]\n");
    let other = origin.commit("Include another");
    origin.write("config/more/other.yaml", rule);
    let event = json!({"pull_request": {"number": 1, "base": {"sha": other, "ref": "main"},
        "head": {"sha": head, "ref": "topic"}}});
    let refused = in_github(&scratch, origin.path(), "pull_request", &event, &[]);
    assert_refused(&refused, &["config/rules.yaml:2: `include`: `more/other.yaml`", &other, "no such file"]);
}

#[test]
fn a_new_branch_is_held_against_the_others() {
    let scratch = Scratch::new();
    let [main, release, topic] = [2600, 2601, 2602].map(github_pat);
    let origin = scratch.repository("origin");
    origin.commit_file("main.py", token_line(&main));
    origin.git(["checkout", "--quiet", "-b", "release"]);
    origin.commit_file("release.py", token_line(&release));
    origin.git(["checkout", "--quiet", "-b", "topic"]);
    let tip = origin.commit_file("topic.py", token_line(&topic));
    let created = |name: &str, id: &str| {
        json!({"ref": format!("refs/heads/{name}"), "before": "0".repeat(40), "after": id, "created": true,
            "repository": {"default_branch": "main"}})
    };
    let checkout = scratch.clone("one", &["--branch", "topic", &origin.url()]);
    let found = |checkout: &Repository, name: &str, id: &str, expected: &[&str]| {
        assert_found(in_github(&scratch, checkout.path(), "push", &created(name, id), &[]), expected);
    };
    found(&checkout, "topic", &tip, &[&topic]);
    // Pushed together with another of the same tip, neither hides what both bring.
    origin.git(["branch", "twin", "topic"]);
    let checkout = scratch.clone("two", &["--branch", "twin", &origin.url()]);
    found(&checkout, "topic", &tip, &[&topic]);
    found(&checkout, "twin", &tip, &[&topic]);
    // The first push of the default branch itself, and a branch that has nothing of its own.
    let first = origin.git(["rev-parse", "main"]);
    found(&checkout, "main", &first, &[&main]);
    found(&checkout, "empty", &first, &[]);
}

#[test]
fn a_tag_is_read_with_its_text() {
    let scratch = Scratch::new();
    let [commit, text] = [2650, 2651].map(github_pat);
    let origin = scratch.repository("origin");
    origin.commit_file("a.py", "a = 1\n");
    origin.git(["checkout", "--quiet", "-b", "release"]);
    let tagged = origin.commit_file("b.py", token_line(&commit));
    origin.git(["tag", "--annotate", "-m", &format!("with {text}"), "v1"]);
    let tag = origin.git(["rev-parse", "v1"]);
    origin.git(["checkout", "--quiet", "main"]);
    origin.git(["branch", "--quiet", "-D", "release"]);
    // As in https://github.com/actions/checkout/issues/882: the tag is the commit, and git does not replace tags on its own.
    let checkout = scratch.repository("checkout");
    checkout.git(["remote", "add", "origin", &origin.url()]);
    checkout.git([
        "fetch",
        "--quiet",
        "--no-tags",
        "--depth=1",
        "origin",
        &format!("+{tagged}:refs/tags/v1"),
    ]);
    checkout.git(["checkout", "--quiet", "refs/tags/v1"]);
    for (before, after) in [("0".repeat(40), &tag), (MISSING.to_owned(), &tagged)] {
        let event = json!({"ref": "refs/tags/v1", "before": before, "after": after,
            "repository": {"default_branch": "main"}});
        let found = in_github(&scratch, checkout.path(), "push", &event, &["--fetch"]);
        assert_found(found, &[&commit, &text]);
    }
    let full = scratch.clone("full", &[&origin.url()]);
    full.git(["update-ref", "refs/tags/v1", &tagged]);
    let event = json!({"ref": "refs/tags/v1", "before": "0".repeat(40), "after": tag, "created": true,
        "repository": {"default_branch": "main"}});
    assert_found(in_github(&scratch, full.path(), "push", &event, &[]), &[&commit, &text]);
}

#[test]
fn all_of_the_history_has_annotated_tags_in_it() {
    let (scratch, text) = (Scratch::new(), github_pat(2660));
    let origin = scratch.repository("origin");
    origin.commit_file(".keysieve.yaml", "schema: 1\n");
    origin.git(["tag", "--annotate", "-m", &format!("with {text}"), "v1"]);
    origin.git(["tag", "--annotate", "-m", "Only a file", "file", "main:.keysieve.yaml"]);
    origin.commit_file(".keysieve.yaml", "schema: 1\nrules:\n  off: [generic-password]\n");
    let checkout = scratch.clone("full", &[&origin.url()]);
    let event = json!({"schedule": "0 3 * * 1", "repository": {"default_branch": "main"}});
    let summary =
        assert_found(in_github(&scratch, checkout.path(), "schedule", &event, &["--fetch"]), &[&text]);
    let notices = summary["notices"].as_array().unwrap().iter().filter_map(Value::as_str);
    let of_changes: Vec<&str> = notices
        .filter(|notice| !notice.starts_with("GitHub Actions: ") && !notice.contains("switches off 1 rule"))
        .collect();
    assert!(of_changes.is_empty(), "no change of long ago: {of_changes:?}");
}

#[test]
fn deletions_and_unknown_systems() {
    let scratch = Scratch::new();
    let origin = scratch.repository("origin");
    origin.commit_file("a.py", "a = 1\n");
    let event = json!({"ref": "refs/heads/x", "after": "0".repeat(40), "deleted": true});
    // Jobs that take up a report or outputs find them after a deletion, too.
    let (outputs, sarif) = (scratch.path("outputs"), scratch.path("x.sarif"));
    let arguments = [
        "--outputs",
        outputs.to_str().unwrap(),
        "--also",
        &format!("sarif={}", sarif.to_str().unwrap()),
        "--fetch",
    ];
    let summary = assert_found(in_github(&scratch, origin.path(), "push", &event, &arguments), &[]);
    assert_eq!(summary["read"]["commits"], 0);
    assert!(summary["notices"][0].as_str().unwrap().contains("a push that deletes x"), "{summary}");
    assert!(!summary["notices"].to_string().contains("default branch"), "{summary}");
    assert!(sarif.is_file());
    assert_eq!(fs::read_to_string(&outputs).unwrap(), "base=\nhead=\nfindings=0\ncomplete=true\n");
    assert_refused(&in_ci(&scratch, origin.path(), &[("CI", "true")], &[]), &["--base REVISION"]);
    let broken = in_github(&scratch, origin.path(), "push", &Value::Null, &[]);
    assert_refused(&broken, &["GITHUB_EVENT_PATH"]);
    let nowhere = in_ci(
        &scratch,
        origin.path(),
        &[("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "push"), ("GITHUB_EVENT_PATH", "/nowhere.json")],
        &[],
    );
    assert_refused(&nowhere, &["cannot read the event", "/nowhere.json"]);
}

#[test]
fn ends_may_be_typed_and_outputs_are_written() {
    let remote = remote(2700);
    let checkout = remote.clone("full", &["--branch", "topic"]);
    let outputs = remote.scratch.write("outputs", "before=1\n");
    let arguments = ["--base", "origin/main", "--outputs", outputs.to_str().unwrap()];
    assert_found(in_ci(&remote.scratch, checkout.path(), &[], &arguments), &remote.expect(false));
    let expected =
        format!("before=1\nbase={}\nhead={}\nfindings=5\ncomplete=true\n", remote.main, remote.topic);
    assert_eq!(fs::read_to_string(&outputs).unwrap(), expected);
    let run = in_ci(
        &remote.scratch,
        checkout.path(),
        &[],
        &["--base", &remote.fork, "--head", &format!("{}~1", remote.topic), "--fail-on", "critical"],
    );
    assert_eq!(run.report().findings.len(), 4);
    let same = in_ci(&remote.scratch, checkout.path(), &[], &["--base", "HEAD"]);
    assert_eq!(same.code, 0, "{same:?}");
}

#[test]
fn findings_below_what_fails_are_shown() {
    let scratch = Scratch::new();
    scratch.write("a/app.py", format!("password = \"{}\"\n", crate::secrets::password(2750)));
    for (level, code) in [("low", 1), ("high", 1), ("critical", 0)] {
        let run = scratch.keysieve(["scan", "a", "--format", "jsonl", "--fail-on", level]);
        assert_eq!(run.code, code, "{level}");
        assert_eq!(run.report().findings.len(), 1);
    }
    scratch.write("own.yaml", "schema: 1\nrules:\n  off: [generic-password]\n");
    assert_eq!(scratch.keysieve(["scan", "a", "--config", "own.yaml"]).code, 0);
    let missing = scratch.keysieve(["scan", "a", "--config", "none.yaml"]);
    assert!(missing.code == 2 && missing.stderr.contains("none.yaml: there is no such file"), "{missing:?}");
}

#[test]
fn a_partial_clone_is_filled_up() {
    let remote = remote(2800);
    remote.origin.git(["config", "uploadpack.allowFilter", "true"]);
    let checkout = remote.clone("partial", &["--filter=blob:none", "--branch", "topic"]);
    let event = remote.push(&remote.fork);
    let incomplete = in_github(&remote.scratch, checkout.path(), "push", &event, &[]);
    incomplete.report().assert_unread(&["blob", "--refetch"]);
    let filled = in_github(&remote.scratch, checkout.path(), "push", &event, &["--fetch"]);
    assert_found(filled, &remote.expect(false));
}

#[test]
fn other_systems_read_their_ranges() {
    let remote = remote(2900);
    let checkout = remote.clone("full", &["--branch", "topic"]);
    let (main, fork, topic) = (remote.main.as_str(), remote.fork.as_str(), remote.topic.as_str());
    let gitlab = [("GITLAB_CI", "true"), ("CI_COMMIT_SHA", topic), ("CI_DEFAULT_BRANCH", "main")];
    let ranges: &[&[(&str, &str)]] = &[
        &[
            gitlab[0],
            gitlab[1],
            ("CI_PIPELINE_SOURCE", "merge_request_event"),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", fork),
        ],
        &[gitlab[0], gitlab[1], gitlab[2], ("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BRANCH", "topic")],
        &[("BITBUCKET_COMMIT", topic), ("BITBUCKET_PR_ID", "1"), ("BITBUCKET_PR_DESTINATION_COMMIT", main)],
        &[("BITBUCKET_COMMIT", topic), ("BITBUCKET_BRANCH", "topic")],
        &[
            ("TF_BUILD", "True"),
            ("BUILD_SOURCEVERSION", main),
            ("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/main"),
            ("SYSTEM_PULLREQUEST_SOURCECOMMITID", topic),
        ],
        &[("CIRCLECI", "true"), ("CIRCLE_SHA1", topic), ("CIRCLE_BRANCH", "topic")],
        &[("JENKINS_URL", "x"), ("CHANGE_ID", "1"), ("CHANGE_TARGET", "main")],
        &[("JENKINS_URL", "x"), ("GIT_COMMIT", topic), ("GIT_PREVIOUS_SUCCESSFUL_COMMIT", fork)],
    ];
    for variables in ranges {
        assert_found(in_ci(&remote.scratch, checkout.path(), variables, &[]), &remote.expect(false));
    }
    let all = in_ci(
        &remote.scratch,
        checkout.path(),
        &[gitlab[0], gitlab[1], ("CI_PIPELINE_SOURCE", "schedule")],
        &[],
    );
    assert_found(all, &remote.expect(true));
    let shallow = remote.clone("shallow", &["--depth", "20", "--branch", "topic"]);
    assert_refused(&in_ci(&remote.scratch, shallow.path(), ranges[0], &[]), &["GIT_DEPTH: 0", "--fetch"]);
    assert_found(in_ci(&remote.scratch, shallow.path(), ranges[0], &["--fetch"]), &remote.expect(false));
}
