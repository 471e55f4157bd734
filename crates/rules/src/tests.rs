//! The errors of rule files: each names the file, the line, the rule and the field.

use super::*;

/// A rule file with one rule; what follows the id is on lines of its own, `schema` on line 1, the rule's id on line 3.
const RULE: &[(&str, &str)] = &[
    ("id", "acme-api-key"),
    ("name", "Acme API key"),
    ("provider", "Acme"),
    ("kind", "provider"),
    ("severity", "high"),
    ("confidence", "high"),
    ("keywords", "['acme_']"),
    ("pattern", r"'\b(?P<secret>acme_[a-z0-9]{32})\b'"),
    ("references", "['https://acme.example/tokens']"),
    ("fix", "Revoke it."),
    ("counter_examples", "['acme_x']"),
];

/// The line of a field in the file that [`with`] makes.
fn line_of(field: &str) -> usize {
    3 + RULE.iter().position(|(known, _)| *known == field).expect("a field of the rule")
}

/// The rule file with other values for some fields; without those whose value is empty. Fields that it does not have come last.
fn with(changes: &[(&str, &str)]) -> String {
    let changed =
        |field: &str| changes.iter().find(|(changed, _)| *changed == field).map(|(_, value)| *value);
    let is_known = |field: &str| RULE.iter().any(|(known, _)| *known == field);
    let own = RULE.iter().map(|&(field, value)| (field, changed(field).unwrap_or(value)));
    let added = changes.iter().copied().filter(|(field, _)| !is_known(field));
    let fields = own.chain(added);
    let mut text = "schema: 1\nrules:\n".to_owned();
    let mut lead = "  - ";
    for (field, value) in fields.filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!("{lead}{field}: {value}\n"));
        lead = "    ";
    }
    text
}

fn error(text: &str) -> CompileError {
    compile::compile("rules.yaml", text).expect_err("a rule file that cannot be used")
}

/// The problem that the compiler has with one changed rule, once file, line, rule and field are what they should be.
fn problem_in(field: &str, line: usize, changes: &[(&str, &str)]) -> String {
    let error = error(&with(changes));
    let CompileError::Field { file, line: found_line, rule, field: found_field, problem } = &error else {
        panic!("not an error of a field: {error}");
    };
    assert_eq!((file.as_str(), *found_line, *found_field), ("rules.yaml", line, field), "{error}");
    let told = error.to_string();
    assert!(
        told.starts_with(&format!("rules.yaml:{line}: rule `{rule}`, field `{field}`: "))
            && told.ends_with(problem),
        "{told}"
    );
    problem.clone()
}

/// The same for a field that is there.
fn problem(field: &str, value: &str) -> String {
    problem_in(field, line_of(field), &[(field, value)])
}

#[track_caller]
fn assert_says(problem: &str, parts: &[&str]) {
    for part in parts {
        assert!(problem.contains(part), "{problem:?} does not say {part:?}");
    }
}

#[test]
fn the_rule_that_the_errors_are_made_from_is_right() {
    let rules = compile::compile("rules.yaml", &with(&[])).expect("a valid rule file");
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0].id, "acme-api-key");
    assert_eq!(rules[0].window, Window { before: 0, after: 37 });
}

#[test]
fn keywords_are_asked_for() {
    assert_says(&problem_in("keywords", 3, &[("keywords", "")]), &["at least one keyword"]);
    assert_says(&problem("keywords", "[]"), &["at least one keyword"]);
    assert_says(&problem("keywords", "['acme_', 'ac']"), &["`ac` is too short", "3 bytes"]);
}

#[test]
fn words_are_listed_when_another_one_is_written() {
    assert_says(&problem("severity", "urgent"), &["urgent", "low", "medium", "high", "critical"]);
    assert_says(&problem("confidence", "maybe"), &["maybe", "low", "medium", "high"]);
    assert_says(&problem("kind", "vendor"), &["vendor", "provider", "generic"]);
    let line = 3 + RULE.len();
    let checks = |checks: &str| problem_in("checks", line, &[("checks", checks)]);
    assert_says(&checks("{checksum: crc}"), &["crc", "github", "npm", "gitlab", "bech32"]);
    assert_says(
        &checks("{structure: der}"),
        &["der", "jwt", "pem", "aws-key-id", "basic-credentials", "pypi-macaroon"],
    );
    assert_says(&checks("{entropy: {alphabet: base58, min: 3}}"), &["base58", "base62", "base64url", "any"]);
    assert_says(&checks("{entropy: {alphabet: any, min: 9}}"), &["9", "between 0 and 8"]);
    assert_says(&checks("{entropy: {alphabet: any, min: .nan}}"), &["between 0 and 8"]);
}

#[test]
fn patterns_are_checked() {
    assert_says(&problem("pattern", "'acme_[a-z0-9]{32}'"), &["group named `secret`", "(?P<secret>...)"]);
    assert_says(
        &problem("pattern", "'(?P<secret>acme_[a-z0-9]{32}'"),
        &["not a regular expression", "unclosed group"],
    );
    assert_says(
        &problem("pattern", "'(?P<secret>acme_)(?=x)'"),
        &["not a regular expression", "look-around"],
    );
    assert_says(
        &problem("pattern", r"'acme_(?P<secret>([a-z]{1,900}[0-9]{1,900}){1,900})'"),
        &["too large", "smaller repetition counts"],
    );
    assert_says(&problem("pattern", "'(?P<secret>(?:acme_)?)'"), &["matches the empty text"]);
    assert_says(
        &problem("pattern", r"'\b(?P<secret>[0-9]{8}acme_[a-z]{8})'"),
        &["begin with the keyword", "window with `before`"],
    );
}

#[test]
fn a_pattern_in_front_of_its_keyword_needs_a_window() {
    let pattern = ("pattern", r"'\b(?P<secret>[0-9]{8}acme_[a-z]{8})'");
    let text = with(&[pattern, ("window", "{before: 8, after: 8}")]);
    let rules = compile::compile("rules.yaml", &text).expect("a valid rule file");
    assert_eq!(rules[0].window, Window { before: 8, after: 8 });
}

#[test]
fn a_rule_that_looks_far_says_why() {
    let window = ("window", "{after: 5000}");
    let line = 3 + RULE.len();
    assert_says(&problem_in("window", line, &[window]), &["as far as 5000 bytes", "`wide`"]);
    assert_says(&problem_in("window", line, &[window, ("wide", "''")]), &["as far as 5000 bytes"]);
    let text = with(&[window, ("wide", "tokens carry whole documents")]);
    assert!(compile::compile("rules.yaml", &text).is_ok());
}

#[test]
fn lengths_are_bounded() {
    let unbounded = ("pattern", r"'\b(?P<secret>acme_[a-z0-9]+)'");
    assert_says(&problem_in("window", 3, &[unbounded]), &["no bound", "give a window"]);
    let line = 3 + RULE.len();
    let window = |window: &str| problem_in("window", line, &[unbounded, ("window", window)]);
    assert_says(&window("{after: 40000}"), &["further than 31744 bytes"]);
    assert_says(&window("{before: 40000, after: 1}"), &["further than 31744 bytes"]);
    assert_says(
        &problem_in("window", 3, &[("pattern", r"'(?P<secret>acme_[a-z]{40000})'")]),
        &["further than 31744 bytes"],
    );
}

#[test]
fn ids_are_kebab_case_and_unique() {
    for id in ["Acme", "acme_key", "acme--key", "-acme", "acme-", "acme key"] {
        assert_says(&problem("id", &format!("'{id}'")), &["kebab case", "`acme-api-key`"]);
    }
    let one = with(&[]);
    let both = format!("{one}{}", one.split_once("rules:\n").expect("a list of rules").1);
    let line = 3 + RULE.len();
    let told = error(&both).to_string();
    assert_says(
        &told,
        &[&format!("rules.yaml:{line}: rule `acme-api-key`, field `id`: "), "the rule on line 3"],
    );
}

#[test]
fn what_people_read_is_not_empty() {
    for field in ["name", "provider", "fix"] {
        assert_says(&problem(field, "' '"), &["must not be empty"]);
    }
    assert_says(&problem("references", "[]"), &["documents the format"]);
    assert_says(&problem("counter_examples", "[]"), &["looks like a match and is none"]);
}

#[test]
fn fields_that_are_unknown_or_missing_are_named_with_their_line() {
    let told = |changes: &[(&str, &str)]| error(&with(changes)).to_string();
    assert_says(
        &told(&[("keyword", "['acme_']")]),
        &["rules.yaml: ", "unknown field `keyword`", "`keywords`", "line"],
    );
    assert_says(
        &told(&[("checks", "{entropie: 3}")]),
        &["rules.yaml: ", "unknown field `entropie`", "`entropy`", "line"],
    );
    for field in ["name", "provider", "kind", "severity", "confidence", "fix"] {
        assert_says(&told(&[(field, "")]), &["rules.yaml: ", &format!("missing field `{field}`"), "line 3"]);
    }
    assert_says(&told(&[("keywords", "acme_")]), &["rules.yaml: ", "keywords", "line"]);
}

#[test]
fn a_rule_says_what_to_look_for() {
    assert_says(&problem_in("pattern", 3, &[("pattern", "")]), &["missing field `pattern`", "`named`"]);
}

/// The rule with `named` in place of keywords and pattern.
fn with_named(named: &str) -> String {
    with(&[("keywords", ""), ("pattern", ""), ("named", named)])
}

fn problem_of_named(named: &str) -> String {
    problem_in("named", 3 + RULE.len() - 2, &[("keywords", ""), ("pattern", ""), ("named", named)])
}

#[test]
fn names_stand_for_keywords_and_pattern() {
    let rules =
        compile::compile("rules.yaml", &with_named("{names: [acme_cloud, acmecorp], value: '[0-9a-f]{32}'}"))
            .expect("a valid rule file");
    let rule = &rules[0];
    let spelled = ["acmecloud", "acme_cloud", "acme-cloud", "acme.cloud", "acme cloud", "acmecorp"];
    assert_eq!(&*rule.keywords, spelled);
    assert_eq!(rule.checks.first(), Some(&Check::ProviderName));
    assert_eq!(rule.window.before, 0);
    let pattern = compile::searcher(&rule.pattern).expect("a pattern");
    for text in ["acmeCloudApiKey = '@'", "acme-cloud-token: @", "ACMECORP.setSecret(\"@\")"] {
        assert!(pattern.is_match(&text.replace('@', &"0123456789abcdef".repeat(2))), "{text}");
    }
    for text in
        ["acme_cloud = '@'", "acme_cloud_key =\n'@'", "acme_cloud_key = '@0'", "acme_cloud_key = '@-1'"]
    {
        assert!(!pattern.is_match(&text.replace('@', &"0123456789abcdef".repeat(2))), "{text}");
    }
    assert!(rule.examples.iter().any(|example| example == "export ACME_CLOUD_API_KEY=\"<<[0-9a-f]{32}>>\""));
}

#[test]
fn a_name_may_be_the_whole_of_it() {
    let text = with_named("{names: [acme_token, acme], words: [pin], value: '[0-9]{8}'}");
    let rules = compile::compile("rules.yaml", &text).expect("a valid rule file");
    let pattern = compile::searcher(&rules[0].pattern).expect("a pattern");
    assert!(
        pattern.is_match("acme_pin=12345678") && !pattern.is_match("acme_token=12345678"),
        "`pin` is the word"
    );
    let text = with_named("{names: [acme_token], value: '[0-9]{8}'}");
    let rules = compile::compile("rules.yaml", &text).expect("a valid rule file");
    let pattern = compile::searcher(&rules[0].pattern).expect("a pattern");
    assert!(pattern.is_match("acme_token=12345678") && pattern.is_match("acmeToken2: 12345678"));
}

#[test]
fn names_are_checked() {
    assert_says(&problem_of_named("{names: [], value: '[0-9]{8}'}"), &["at least one name"]);
    for name in ["Acme", "acme-cloud", "acme__cloud", "''"] {
        assert_says(&problem_of_named(&format!("{{names: [{name}], value: '[0-9]{{8}}'}}")), &["snake case"]);
    }
    assert_says(
        &problem_in("named", 3 + RULE.len(), &[("named", "{names: [acme], value: '[0-9]{8}'}")]),
        &["`keywords`", "`pattern`"],
    );
    assert_says(
        &problem_in(
            "pattern",
            3,
            &[("keywords", ""), ("pattern", ""), ("named", "{names: [acme], value: '('}")],
        ),
        &["not a regular expression"],
    );
}

#[test]
fn files_that_are_no_rule_files_are_refused() {
    assert_eq!(
        error(&with(&[]).replace("schema: 1", "schema: 2")),
        CompileError::Schema { file: "rules.yaml".to_owned(), found: 2 }
    );
    let told = |text: &str| error(text).to_string();
    assert_says(
        &told(&with(&[]).replace("schema: 1", "schema: 2")),
        &["rules.yaml", "`schema`", "version 2", "value is 1"],
    );
    assert_says(&told("rules: []\n"), &["rules.yaml: ", "missing field `schema`"]);
    assert_says(&told("schema: 1\n"), &["rules.yaml: ", "missing field `rules`"]);
    assert_says(&told("schema: 1\nrules:\n  - id: [\n"), &["rules.yaml: ", "line"]);
    // The parser knows no line for a character that no token begins with.
    assert_says(&told("\tschema: 1\n"), &["rules.yaml: ", "cannot start any token"]);
    assert_says(&told("- 1\n"), &["rules.yaml: "]);
    for empty in ["", "\n", "# nothing but a comment\n"] {
        assert_says(&told(empty), &["rules.yaml: "]);
    }
}

#[test]
fn the_second_of_several_rules_is_named() {
    let first = with(&[]);
    let second = with(&[("id", "acme-other-key"), ("severity", "urgent")]);
    let text =
        format!("{first}\n  # The next one.\n{}", second.split_once("rules:\n").expect("a list of rules").1);
    let line = text.lines().position(|line| line.contains("urgent")).expect("the field") + 1;
    assert_says(
        &error(&text).to_string(),
        &[&format!("rules.yaml:{line}: rule `acme-other-key`, field `severity`: ")],
    );
}

#[test]
fn a_rule_file_that_cannot_be_read_is_named() {
    let error = RuleSet::new(Vec::new())
        .expect("few enough")
        .with_file(Path::new("no/such/rules.yaml"))
        .expect_err("there is no such file");
    assert_says(&error.to_string(), &["cannot read the rule file no/such/rules.yaml"]);
}

#[test]
fn parts_stand_for_pieces_of_patterns() {
    let file = with(&[("pattern", r"'\b(?P<secret>acme_%{body})\b'")]).replacen(
        "rules:",
        "parts: {digit: '[0-9]', body: '%{digit}{32}'}\nrules:",
        1,
    );
    let rules = compile::compile("rules.yaml", &file).expect("a valid rule file");
    assert_eq!(rules[0].pattern, r"\b(?P<secret>acme_(?:(?:[0-9]){32}))\b");
}

#[test]
fn a_part_that_is_not_there_is_named() {
    let problem = problem("pattern", r"'\b(?P<secret>acme_%{body})\b'");
    assert_says(&problem, &["%{body}", "parts"]);
}
