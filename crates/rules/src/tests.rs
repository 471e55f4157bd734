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
    assert!(
        rule.all_examples().iter().any(|example| example == "export ACME_CLOUD_API_KEY=\"<<[0-9a-f]{32}>>\"")
    );
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

#[test]
fn keywords_with_a_class_stand_for_each_of_its_texts() {
    let file = with(&[
        ("keywords", r"['ac<<[0-2]>>_', 'ac<<x|y[12]>>']"),
        ("pattern", r"'\b(?P<secret>ac(?:[0-2]_|x|y[12])[a-z0-9]{32})\b'"),
    ]);
    let rules = compile::compile("rules.yaml", &file).expect("a valid rule file");
    assert_eq!(&*rules[0].keywords, ["ac0_", "ac1_", "ac2_", "acx", "acy1", "acy2"]);
    for class in ["[a-z]{2}", "a*", "("] {
        assert_says(
            &problem("keywords", &format!("['acme_<<{class}>>']")),
            &["at most 256 texts", "`[0-9a-f]`"],
        );
    }
    assert_says(&problem("keywords", "['<<[0-9]>>x']"), &["`0x`", "3 bytes"]);
}

#[test]
fn a_fix_is_made_of_what_revokes_the_secret_and_the_variable_for_the_new_one() {
    let fix = |changes: &[(&str, &str)]| {
        let rules = compile::compile("rules.yaml", &with(changes)).expect("a valid rule file");
        rules[0].fix.clone()
    };
    let made = fix(&[("fix", ""), ("revoke", "Revoke it at acme.example"), ("env", "ACME_KEY")]);
    assert_eq!(
        made.text(),
        "Revoke it at acme.example, then load the new one from the environment: os.environ[\"ACME_KEY\"]."
    );
    assert_eq!(
        made.text_with("process.env.KEY"),
        "Revoke it at acme.example, then load the new one from the environment: process.env.KEY."
    );
    let named = fix(&[("fix", "'Revoke it. Read {env}, not a file.'"), ("env", "ACME_KEY")]);
    assert_eq!(named.text(), "Revoke it. Read os.environ[\"ACME_KEY\"], not a file.");
    assert_eq!(named.variable(), Some("ACME_KEY"));
    let looked_up = fix(&[("fix", "'Revoke it. Read os.environ[\"ACME_KEY\"], not a file.'")]);
    assert_eq!(looked_up, named);
    let two = "Read os.environ[\"ACME_ID\"] and os.environ[\"ACME_KEY\"].";
    let of_two = fix(&[("fix", &format!("'{two}'"))]);
    assert_eq!((of_two.variable(), of_two.text_with("x").as_str()), (Some("ACME_ID"), two));
    assert_eq!(fix(&[]).variable(), None);
}

#[test]
fn a_fix_that_is_half_there_is_refused() {
    let last = 3 + RULE.len();
    assert_says(&problem_in("revoke", last, &[("revoke", "Revoke it")]), &["leave out `fix`"]);
    assert_says(&problem_in("revoke", last - 1, &[("fix", ""), ("revoke", "Revoke it")]), &["needs `env`"]);
    assert_says(&problem("fix", "'Revoke it. Read {env}.'"), &["`env`"]);
    assert_says(&problem_in("env", last, &[("env", "' '")]), &["must not be empty"]);
}

#[test]
fn rules_have_the_defaults_of_their_file() {
    let file = with(&[("severity", ""), ("kind", "")]).replacen(
        "rules:",
        "defaults: {kind: generic, severity: low, confidence: low}\nrules:",
        1,
    );
    let rules = compile::compile("rules.yaml", &file).expect("a valid rule file");
    let rule = &rules[0];
    assert_eq!((rule.kind, rule.severity, rule.confidence), (Kind::Generic, Severity::Low, Confidence::High));
    assert_says(&error(&file.replace("kind: generic", "kin: generic")).to_string(), &["unknown field `kin`"]);
}

#[test]
fn what_rules_are_has_the_words_of_rule_files() {
    let file = with(&[("checks", "{mixed: true, entropy: {alphabet: base62, min: 3.5}, structure: jwt}")]);
    let rules = compile::compile("rules.yaml", &file).expect("a valid rule file");
    let rule = &rules[0];
    assert_eq!(format!("{} {} {}", rule.kind, rule.severity, rule.confidence), "provider high high");
    let checks: Vec<String> = rule.checks.iter().map(ToString::to_string).collect();
    assert_eq!(checks, ["mixed", "entropy: {alphabet: base62, min: 3.5}", "structure: jwt"]);
}

/// Files that rule files include, by path.
struct InMemory(BTreeMap<String, String>);

impl Files for InMemory {
    fn read(&self, path: &str) -> io::Result<String> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let lead = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let below = self.0.keys().filter_map(|path| path.strip_prefix(&lead));
        Ok(below.filter(|name| !name.contains('/')).map(str::to_owned).collect())
    }
}

/// The rules of `own/face.yaml` with these files beside it.
fn included(face: &str, files: &[(&str, &str)]) -> Result<Vec<Rule>, CompileError> {
    let files = files.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect();
    files::compile("own/face.yaml", face, &InMemory(files))
}

/// A rule file with a rule of each of these ids.
fn file_of(ids: &[&str]) -> String {
    let rule = |id: &&str| with(&[("id", id)]).split_once("rules:\n").expect("a list of rules").1.to_owned();
    format!("schema: 1\nrules:\n{}", ids.iter().map(rule).collect::<String>())
}

fn ids(rules: &[Rule]) -> Vec<&str> {
    rules.iter().map(|rule| rule.id.as_ref()).collect()
}

#[test]
fn included_rules_come_in_the_order_of_names_before_the_files_own() {
    let nested = format!("include: [deep/c.yaml]\n{}", file_of(&["b"]));
    let files = [
        ("more/b.yaml", nested.as_str()),
        ("more/a.yaml", &file_of(&["a"])),
        ("more/.hidden.yaml", "not read"),
        ("more/a.yml", "not read"),
        ("more/deep/c.yaml", &file_of(&["c"])),
    ];
    let face = format!("include: ['more/*.yaml', more/a.yaml]\n{}", file_of(&["own"]));
    assert_eq!(ids(&included(&face, &files).expect("valid files")), ["a", "c", "b", "own"]);
}

#[test]
fn a_lower_rank_comes_first_wherever_the_rule_is_read() {
    let last = file_of(&["a"]).replace("    name:", "    rank: 2\n    name:");
    let face = format!("include: [a.yaml]\n{}", file_of(&["b", "c"]));
    assert_eq!(ids(&included(&face, &[("a.yaml", &last)]).expect("valid files")), ["b", "c", "a"]);
}

#[test]
fn included_files_have_the_parts_and_defaults_of_those_that_include_them() {
    let file = with(&[("severity", ""), ("pattern", r"'\b(?P<secret>acme_%{body})\b'")]);
    let face = "schema: 1\nparts: {body: '[a-z]{32}'}\ndefaults: {severity: low}\ninclude: [a.yaml]\n";
    let rules = included(face, &[("a.yaml", &file)]).expect("valid files");
    assert_eq!(rules[0].severity, Severity::Low);
    assert_eq!(rules[0].pattern, r"\b(?P<secret>acme_(?:[a-z]{32}))\b");
    let own = file.replacen("rules:", "parts: {body: x}\nrules:", 1);
    let told = included(face, &[("a.yaml", &own)]).expect_err("a part of the same name").to_string();
    assert_says(&told, &["own/a.yaml: ", "`parts`", "`body`", "give it another"]);
}

#[test]
fn includes_that_cannot_be_used_are_named_with_file_line_and_remedy() {
    let (a, b) = (file_of(&["a"]), format!("include: [a.yaml]\n{}", file_of(&["b"])));
    let in_circle = format!("include: [b.yaml]\n{}", file_of(&["a"]));
    for (include, files, parts) in [
        ("no.yaml", vec![], ["no.yaml cannot be read", "put the file there"]),
        ("more/*.yaml", vec![("a.yaml", &a)], ["matches no file", "correct it"]),
        ("../a.yaml", vec![("../a.yaml", &a)], ["not below the file's own folder", "`patterns/*.yaml`"]),
        ("/etc/a.yaml", vec![], ["not below the file's own folder", "without `..`"]),
        ("*/a.yaml", vec![("more/a.yaml", &a)], ["`*` in a folder's name", "only the file's name"]),
        ("face.yaml", vec![], ["in a circle: face.yaml -> face.yaml", "take it out"]),
    ] {
        let face = format!("schema: 1\ninclude:\n  - '{include}'\n");
        let files: Vec<(&str, &str)> = files.iter().map(|&(path, text)| (path, text.as_str())).collect();
        let told = included(&face, &files).expect_err(include).to_string();
        assert_says(&told, &[&format!("own/face.yaml:3: `include`: `{include}` ")]);
        assert_says(&told, &parts);
    }
    let told = included("schema: 1\ninclude: [a.yaml]\n", &[("a.yaml", &in_circle), ("b.yaml", &b)]);
    let told = told.expect_err("a circle").to_string();
    assert_says(&told, &["own/b.yaml:1: `include`: `a.yaml`", "a.yaml -> b.yaml -> a.yaml"]);
    let told =
        compile::compile("rules.yaml", "schema: 1\ninclude: [a.yaml]\n").expect_err("no folder").to_string();
    assert_says(&told, &["rules.yaml:2: `include`: `a.yaml`", "without a folder"]);
}

#[test]
fn an_id_that_two_files_have_is_named_with_both() {
    let face = format!("include: [a.yaml]\n{}", file_of(&["b", "a"]));
    let told = included(&face, &[("a.yaml", &file_of(&["a"]))]).expect_err("the same id").to_string();
    assert_says(
        &told,
        &["own/face.yaml:15: rule `a`, field `id`: the rule on line 3 of own/a.yaml has this id"],
    );
}

#[test]
fn faults_of_included_files_are_named_with_their_file() {
    let face = "schema: 1\ninclude: [a.yaml]\n";
    let told = |text: &str| included(face, &[("a.yaml", text)]).expect_err("a fault").to_string();
    let line = line_of("severity");
    assert_says(
        &told(&with(&[("severity", "urgent")])),
        &[&format!("own/a.yaml:{line}: rule `acme-api-key`")],
    );
    assert_says(&told("schema: 2\nrules: []\n"), &["own/a.yaml: field `schema`"]);
    assert_says(&told("nonsense"), &["own/a.yaml: "]);
}

#[test]
fn sorted_files_name_the_rule_that_is_out_of_place_and_where_it_belongs() {
    let face = "schema: 1\nsorted: true\ninclude: ['*.rules']\n";
    let by = |id, provider| {
        with(&[("id", id), ("provider", provider)]).split_once("rules:\n").expect("a list").1.to_owned()
    };
    let file = |rules: &[String]| format!("schema: 1\nrules:\n{}", rules.concat());
    let told = |files: &[(&str, &str)]| included(face, files).map_err(|error| error.to_string());
    let in_order = file(&[by("b", "Acme"), by("c", "Acme"), by("a", "bolt"), by("a2", "Bolt-on")]);
    assert_eq!(ids(&told(&[("a.rules", &in_order)]).expect("sorted")), ["b", "c", "a", "a2"]);
    let wrong = file(&[by("b", "Acme"), by("d", "Bolt"), by("c", "Acme")]);
    let told_of = told(&[("a.rules", &wrong)]).expect_err("out of order");
    assert_says(
        &told_of,
        &["own/a.rules:25: rule `c`, field `id`: ", "by provider and id", "in front of `d`"],
    );
    let other = file(&[by("e", "Acme")]);
    let told_of = told(&[("a.rules", &in_order), ("b.rules", &other)]).expect_err("two files");
    assert_says(
        &told_of,
        &["own/b.rules:5: rule `e`, field `provider`: ", "own/a.rules", "`b` is on line 3"],
    );
    let any = file(&[by("e", "any")]);
    assert!(told(&[("a.rules", &any), ("b.rules", &any.replace("id: e", "id: f"))]).is_ok());
}
