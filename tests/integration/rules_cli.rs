//! `keysieve rules`, and rule files: what is wrong with one is told with file, line, rule and field.

use std::path::Path;

use crate::fixture::{Run, Scratch};
use crate::secrets::github_pat;

/// A rule file of one good rule, whose lines the tests change.
const RULE: &str = "\
schema: 1
rules:
  - id: acme-key
    name: Acme API key
    provider: Acme
    kind: provider
    severity: high
    confidence: high
    keywords: ['acme_']
    pattern: '\\b(?P<secret>acme_[a-z0-9]{12})\\b'
    references: ['https://acme.example/keys']
    fix: Revoke it at Acme.
    counter_examples: ['acme_short']
";

fn acme_key() -> String {
    ["acme", "_", "k3j5h2q9x7c1"].concat()
}

/// Every way to use the file refuses it with a message that holds all of `parts`.
#[track_caller]
fn assert_refused(rules: &str, parts: &[&str]) {
    let scratch = Scratch::new();
    scratch.write("my rules.yaml", rules);
    scratch.write("a.py", "a = 1\n");
    let repository = scratch.repository("r");
    let runs: [Run; 4] = [
        scratch.keysieve(["rules", "check", "my rules.yaml"]),
        scratch.keysieve(["rules", "list", "--rules", "my rules.yaml"]),
        scratch.keysieve(["scan", "a.py", "--rules", "my rules.yaml"]),
        repository.keysieve(&["--rules", "my rules.yaml"]),
    ];
    for run in runs {
        assert_eq!(run.code, 2, "{run:?}");
        assert_eq!(run.stdout, "");
        for part in ["my rules.yaml"].iter().chain(parts) {
            assert!(run.stderr.contains(part), "no {part:?} in {}", run.stderr);
        }
    }
}

/// The rule with one line replaced.
fn with_line(line: &str, replacement: &str) -> String {
    assert_eq!(RULE.matches(line).count(), 1);
    RULE.replace(line, replacement)
}

#[test]
fn a_rule_of_ones_own_finds_its_secret() {
    let scratch = Scratch::new();
    scratch.write("rules.yaml", RULE);
    scratch.write("a.py", format!("KEY = '{}'\n", acme_key()));
    let check = scratch.keysieve(["rules", "check", "rules.yaml"]);
    assert_eq!((check.code, check.stdout.as_str()), (0, "rules.yaml: 1 rules, all valid\n"));
    let report = scratch.scan(&["--rules", "rules.yaml", "a.py"]);
    assert_eq!(report.find(&acme_key())["rule"], "acme-key");
    assert!(scratch.keysieve(["rules", "list", "--rules", "rules.yaml"]).stdout.contains("acme-key"));
}

#[test]
fn a_rule_with_a_built_in_id_replaces_it() {
    let (scratch, secret) = (Scratch::new(), github_pat(400));
    scratch.write("rules.yaml", with_line("- id: acme-key", "- id: github-pat"));
    scratch.write("a.py", format!("x = '{secret}'\ny = '{}'\n", acme_key()));
    let report = scratch.scan(&["--rules", "rules.yaml", "a.py"]);
    report.assert_secrets(&[&acme_key()]);
}

#[test]
fn no_such_file() {
    let scratch = Scratch::new();
    let run = scratch.keysieve(["rules", "check", "nowhere.yaml"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("nowhere.yaml") && run.stderr.contains("No such file"), "{run:?}");
}

#[test]
fn invalid_yaml() {
    assert_refused(&with_line("    name: Acme API key", "    name: [Acme"), &["line 4"]);
    assert_refused(&with_line("    name: Acme API key", "\tname: 'Acme"), &["line 4"]);
    assert_refused("", &["schema"]);
}

#[test]
fn yaml_that_is_no_rule_file_is_refused_in_words_for_users() {
    let scratch = Scratch::new();
    scratch.write("text.yaml", "just text\n");
    let run = scratch.keysieve(["rules", "check", "text.yaml"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("text.yaml"), "{run:?}");
    assert!(!run.stderr.contains("struct"), "a type of the program's own: {run:?}");
}

#[test]
fn an_unknown_field() {
    assert_refused(
        &with_line("    severity: high", "    serverity: high"),
        &["line 7", "serverity", "severity", "rules[0]"],
    );
}

#[test]
fn a_missing_field() {
    assert_refused(&with_line("    severity: high\n", ""), &["missing field `severity`", "line 3"]);
}

#[test]
fn no_keyword() {
    let parts = ["my rules.yaml:9:", "`acme-key`", "field `keywords`", "at least one keyword"];
    assert_refused(&with_line("keywords: ['acme_']", "keywords: []"), &parts);
    let parts = ["my rules.yaml:3:", "`acme-key`", "field `keywords`", "at least one keyword"];
    assert_refused(&with_line("    keywords: ['acme_']\n", ""), &parts);
}

#[test]
fn a_keyword_too_short() {
    let parts = ["my rules.yaml:9:", "`acme-key`", "field `keywords`", "`ac`", "3 bytes"];
    assert_refused(&with_line("keywords: ['acme_']", "keywords: [ac]"), &parts);
}

#[test]
fn a_pattern_too_large() {
    let parts = ["my rules.yaml:10:", "`acme-key`", "field `pattern`", "too large", "smaller repetition"];
    assert_refused(&with_line("[a-z0-9]{12}", "(?:a{1000}){1000}"), &parts);
}

#[test]
fn a_pattern_that_is_none() {
    let parts = ["my rules.yaml:10:", "`acme-key`", "field `pattern`", "not a regular expression"];
    assert_refused(&with_line("[a-z0-9]{12}", "[a-z0-9{12}"), &parts);
}

#[test]
fn a_pattern_without_secret_or_bound() {
    let parts = ["my rules.yaml:10:", "`acme-key`", "field `pattern`", "(?P<secret>"];
    assert_refused(&with_line("?P<secret>", "?P<token>"), &parts);
    assert_refused(&with_line("{12}", "+"), &["`acme-key`", "field `window`", "bound"]);
}

#[test]
fn words_that_are_not_among_the_valid_ones() {
    for (line, field, number, valid) in [
        ("    severity: high", "severity", 7, "low, medium, high, critical"),
        ("    confidence: high", "confidence", 8, "low, medium, high"),
        ("    kind: provider", "kind", 6, "provider, generic"),
    ] {
        assert_refused(
            &with_line(line, &format!("    {field}: urgent")),
            &[
                &format!("my rules.yaml:{number}:"),
                "`acme-key`",
                &format!("field `{field}`"),
                "`urgent`",
                valid,
            ],
        );
    }
}

#[test]
fn an_id_given_twice() {
    let (_, rule) = RULE.split_once("rules:\n").unwrap();
    assert_refused(
        &format!("{RULE}\n{rule}"),
        &["my rules.yaml:15:", "`acme-key`", "field `id`", "line 3", "unique"],
    );
}

#[test]
fn an_id_that_is_not_kebab_case() {
    let parts = ["my rules.yaml:3:", "`Acme Key`", "field `id`", "kebab case"];
    assert_refused(&with_line("- id: acme-key", "- id: Acme Key"), &parts);
}

#[test]
fn an_unknown_schema() {
    assert_refused(&with_line("schema: 1", "schema: 7"), &["`schema`", "7", "1"]);
}

#[test]
fn rules_are_listed_and_shown() {
    let scratch = Scratch::new();
    let list = scratch.keysieve(["rules", "list"]);
    assert_eq!(list.code, 0);
    let (last, rules) = {
        let mut lines: Vec<&str> = list.stdout.lines().collect();
        (lines.pop().unwrap(), lines)
    };
    assert_eq!(last, format!("{} rules", rules.len()));
    assert!(rules.len() >= 60, "{} rules", rules.len());
    for line in &rules {
        let id = line.split_whitespace().next().unwrap();
        assert!(list.stdout.matches(&format!("{id} ")).count() >= 1);
    }
    let show = scratch.keysieve(["rules", "show", "github-pat"]);
    assert_eq!(show.code, 0);
    for part in
        ["github-pat: ", "provider    GitHub", "keywords ", "pattern ", "fix ", "https://docs.github.com/"]
    {
        assert!(show.stdout.contains(part), "no {part:?} in {}", show.stdout);
    }
    let unknown = scratch.keysieve(["rules", "show", "no-such-rule"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("`no-such-rule`") && unknown.stderr.contains("rules list"));
}

#[test]
fn a_rule_file_without_end() {
    let run = Scratch::new().keysieve(["rules", "check", "/dev/zero"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("/dev/zero") && run.stderr.contains("the most that is read"),
        "{}",
        run.stderr
    );
}

/// A rule file as gitleaks has them; not all in it is supported.
const TOML: &str = r#"
title = "Acme"

[extend]
useDefault = true

[[rules]]
id = "acme-key"
description = "Acme API key"
regex = '''(?i)acme[\w.-]{0,20}\s*=\s*["']([a-z0-9]{12})["']'''
secretGroup = 1
entropy = 2.5
keywords = ["acme"]
path = '''\.py$'''

[[rules.allowlists]]
stopwords = ["sample"]
"#;

#[test]
fn rules_in_toml_find_their_secrets_and_spare_what_they_allow() {
    let scratch = Scratch::new();
    scratch.write("rules.toml", TOML);
    let key = acme_key();
    let secret = &key[5..];
    let allowed = ["sample", "7k2q9x"].concat();
    scratch.write("a.py", format!("ACME_ONE = '{secret}'\nacme_two = '{allowed}'\n"));
    let run = scratch.keysieve(["scan", "a.py", "--rules", "rules.toml", "--show-secrets"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stdout.contains("Acme API key") && run.stdout.contains(secret), "{}", run.stdout);
    assert!(!run.stdout.contains(&allowed), "{}", run.stdout);
    assert!(run.stdout.contains("rule `acme-key`, field `path`: not supported"), "{}", run.stdout);
    let check = scratch.keysieve(["rules", "check", "rules.toml"]);
    assert_eq!(check.code, 0, "{check:?}");
    assert!(
        check.stdout.contains("field `extend.useDefault`") && check.stdout.contains("all valid"),
        "{check:?}"
    );
}

#[test]
fn every_command_shows_what_a_rule_file_asks_for_and_does_not_get() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit_file("a.py", "a = 1\n");
    let rules = scratch.write("rules.toml", TOML);
    let manifest = r#"[{"Config": "c.json", "RepoTags": ["a:1"], "Layers": []}]"#;
    scratch.write("image/manifest.json", manifest);
    scratch.write("image/c.json", r#"{"os": "linux", "rootfs": {"diff_ids": []}}"#);
    for command in [["audit", "."], ["scan", "."], ["diff", "HEAD"], ["env", "."], ["image", "../image"]] {
        let arguments = [&command[..], &["--rules", rules.to_str().unwrap()]].concat();
        let run = repository.run_keysieve(&arguments);
        assert!(run.stdout.contains("field `path`: not supported"), "{command:?}: {run:?}");
    }
}

#[test]
fn rules_in_toml_that_cannot_be_used_are_refused() {
    let scratch = Scratch::new();
    scratch.write("a.py", "a = 1\n");
    for (change, parts) in [
        ("id = 'any'\nregex = '[0-9a-f]{32}'", ["rule `any`", "field `regex`"]),
        ("regex = 'acme_[a-z]{9}'", ["rule `number 1`", "field `id`"]),
        ("id = 'any'\nregex = 'acme(?=x)'", ["rule `any`", "not a regular expression"]),
        ("id = ", ["rules.toml: ", "TOML"]),
    ] {
        scratch.write("rules.toml", format!("[[rules]]\n{change}\n"));
        for arguments in [vec!["rules", "check", "rules.toml"], vec!["scan", "a.py", "--rules", "rules.toml"]]
        {
            let run = scratch.keysieve(arguments);
            assert_eq!(run.code, 2, "{run:?}");
            for part in parts {
                assert!(run.stderr.contains(part), "no {part:?} in {}", run.stderr);
            }
        }
    }
}

#[test]
fn checking_a_rule_file_runs_its_examples() {
    let check = |rules: &str| {
        let scratch = Scratch::new();
        scratch.write("rules.yaml", rules);
        scratch.keysieve(["rules", "check", "rules.yaml"])
    };
    let counter = "counter_examples: ['acme_short']";
    let missed =
        check(&with_line(counter, &format!("{counter}\n    examples: ['token acme-<<[a-z]{{12}}>>']")));
    assert_eq!((missed.code, missed.stdout.as_str()), (2, ""));
    assert!(
        missed.stderr.contains("`acme-key`") && missed.stderr.contains("100 of 100"),
        "{}",
        missed.stderr
    );
    assert!(missed.stderr.contains("finds nothing there"), "{}", missed.stderr);

    let found = check(&with_line(counter, "counter_examples: ['x acme_<<[a-z0-9]{12}>> y']"));
    assert_eq!(found.code, 2);
    assert!(found.stderr.contains("its counter-example is found: `x acme_"), "{}", found.stderr);

    let broken = check(&with_line(counter, "counter_examples: ['acme_<<[a-z>>']"));
    assert_eq!(broken.code, 2);
    assert!(broken.stderr.contains("counter-example `acme_<<[a-z>>`"), "{}", broken.stderr);
}

#[test]
fn checking_a_configuration_checks_the_rules_that_it_names() {
    let scratch = Scratch::new();
    scratch.write("own/.keysieve.yaml", "schema: 1\nrules: {files: [rules.yaml], off: [acme-key]}\n");
    scratch.write("own/rules.yaml", RULE);
    let check = || scratch.keysieve(["rules", "check", "own/.keysieve.yaml"]);
    assert_eq!((check().code, check().stdout.as_str()), (0, "own/.keysieve.yaml: valid\n"));
    scratch.write("own/rules.yaml", with_line("['acme_short']", "['acme_<<[a-z0-9]{12}>>']"));
    let run = check();
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("rules.yaml") && run.stderr.contains("acme-key"), "{}", run.stderr);
}

#[test]
fn a_rule_file_includes_others() {
    let scratch = Scratch::new();
    scratch.write("own/rules.yaml", "schema: 1\nparts: {body: '[a-z0-9]{12}'}\ninclude: ['topics/*.yaml']\n");
    scratch.write("own/topics/acme.yaml", with_line("[a-z0-9]{12}", "%{body}"));
    scratch.write("own/topics/bolt.yaml", RULE.replace("acme", "bolt"));
    scratch.write("a.py", format!("KEY = '{}'\n", acme_key()));
    let check = scratch.keysieve(["rules", "check", "own/rules.yaml"]);
    assert_eq!((check.code, check.stdout.as_str()), (0, "own/rules.yaml: 2 rules, all valid\n"), "{check:?}");
    let report = scratch.scan(&["--rules", "own/rules.yaml", "a.py"]);
    assert_eq!(report.find(&acme_key())["rule"], "acme-key");
    // The examples of included rules are tried too, and their faults have their file's name.
    scratch.write(
        "own/topics/bolt.yaml",
        RULE.replace("acme", "bolt").replace("bolt_short", "bolt_<<[a-z]{12}>>"),
    );
    let check = scratch.keysieve(["rules", "check", "own/rules.yaml"]);
    assert_eq!(check.code, 2);
    assert!(check.stderr.contains("`bolt-key`: its counter-example is found"), "{check:?}");
    scratch.write(
        "own/topics/bolt.yaml",
        RULE.replace("acme", "bolt").replace("severity: high", "severity: urgent"),
    );
    let check = scratch.keysieve(["rules", "check", "own/rules.yaml"]);
    let place = Path::new("own").join("topics/bolt.yaml").display().to_string();
    assert!(check.stderr.contains(&format!("{place}:7: rule `bolt-key`, field `severity`")), "{check:?}");
}

#[test]
fn includes_that_cannot_be_used() {
    for (include, parts) in [
        ("[topics/none.yaml]", ["`topics/none.yaml` topics/none.yaml cannot be read", "put the file there"]),
        ("['topics/*.yaml']", ["`topics/*.yaml` cannot be looked up", "put the folder there"]),
        ("['*.yml']", ["`*.yml` matches no file", "correct it"]),
        ("[../other.yaml]", ["`../other.yaml` is not below the file's own folder", "without `..`"]),
        ("['*.yaml']", ["in a circle: my rules.yaml -> my rules.yaml", "take it out"]),
    ] {
        assert_refused(
            &format!("schema: 1\ninclude: {include}\n"),
            &["my rules.yaml:2: `include`: ", parts[0], parts[1]],
        );
    }
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_is_not_included() {
    let scratch = Scratch::new();
    scratch.write("elsewhere.yaml", RULE);
    let rules = scratch.write("own/rules.yaml", "schema: 1\ninclude: ['*-topic.yaml']\n");
    std::os::unix::fs::symlink("../elsewhere.yaml", rules.with_file_name("a-topic.yaml")).unwrap();
    let run = scratch.keysieve(["rules", "check", "own/rules.yaml"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("a link that leads out of the folder"), "{run:?}");
}

#[test]
fn the_built_in_rules_are_sorted_in_files_of_topics() {
    // That their examples hold is for the tests of `proof`.
    let face = concat!(env!("CARGO_MANIFEST_DIR"), "/patterns.yaml");
    let run = Scratch::new().keysieve(["rules", "list", "--rules", face]);
    assert_eq!(run.code, 0, "{run:?}");
    let scratch = Scratch::new();
    scratch.write("rules.yaml", "schema: 1\nsorted: true\ninclude: [topic.yaml]\n");
    let (_, rule) = RULE.split_once("rules:\n").unwrap();
    scratch.write("topic.yaml", format!("{}{rule}", RULE.replace("acme-key", "acme-other-key")));
    let run = scratch.keysieve(["rules", "check", "rules.yaml"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("topic.yaml:14: rule `acme-key`, field `id`")
            && run.stderr.contains("move this one in front of `acme-other-key`"),
        "{run:?}"
    );
}

#[test]
fn rules_are_listed_by_provider_and_kind() {
    let scratch = Scratch::new();
    let ids = |arguments: &[&str]| -> Vec<String> {
        let run = scratch.keysieve([&["rules", "list"][..], arguments].concat());
        assert_eq!(run.code, 0, "{run:?}");
        let lines: Vec<&str> = run.stdout.lines().collect();
        assert_eq!(lines[lines.len() - 1], format!("{} rules", lines.len() - 1));
        lines[..lines.len() - 1]
            .iter()
            .map(|line| line.split_whitespace().next().unwrap().to_owned())
            .collect()
    };
    let all = ids(&[]);
    let github = ids(&["--provider", "github"]);
    assert!(github.len() > 5 && github.iter().all(|id| id.starts_with("github-")), "{github:?}");
    let azure = ids(&["--provider", "microsoft az"]);
    assert!(azure.contains(&"azure-devops-pat".to_owned()), "{azure:?}");
    let (provider, generic) = (ids(&["--kind", "provider"]), ids(&["--kind", "generic"]));
    assert_eq!(provider.len() + generic.len(), all.len());
    assert!(generic.contains(&"generic-password".to_owned()));
    let none = scratch.keysieve(["rules", "list", "--provider", "no such one"]);
    assert_eq!((none.code, none.stdout.as_str()), (2, ""));
    assert!(none.stderr.contains("`no such one`") && none.stderr.contains("rules list"), "{none:?}");
}

#[test]
fn the_list_of_rules_as_json_has_the_words_of_rule_files() {
    let scratch = Scratch::new();
    let run = scratch.keysieve(["rules", "list", "--provider", "GitHub", "--format", "json"]);
    let listed: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(listed["schema"], 1);
    let rule = listed["rules"].as_array().unwrap().iter().find(|rule| rule["id"] == "github-pat").unwrap();
    for (field, value) in
        [("provider", "GitHub"), ("kind", "provider"), ("severity", "critical"), ("env", "GITHUB_TOKEN")]
    {
        assert_eq!(rule[field], value);
    }
    assert_eq!(rule["checks"], serde_json::json!(["checksum: github"]));
    assert!(rule["fix"].as_str().unwrap().ends_with("from the environment: os.environ[\"GITHUB_TOKEN\"]."));
    let show = scratch.keysieve(["rules", "show", "github-pat"]).stdout;
    assert!(show.contains("provider, severity critical, confidence high\n"), "{show}");
    assert!(show.contains("check       checksum: github\n"), "{show}");
}
