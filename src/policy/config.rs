//! `.keysieve.yaml` in the top directory of a repository. A key that is not known is an error that names the nearest one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use bstr::{BStr, ByteSlice};
use serde_yaml::{Mapping, Value};

use keysieve_model::coverage::Unread;
use keysieve_paths::control;
use keysieve_paths::git::IgnoreFile;
use keysieve_rules::{Confidence, Kind, Rule, RuleSet, Severity};

use super::baseline::{glob, matches};

/// The file's name.
pub const FILE: &str = ".keysieve.yaml";
const SCHEMA: u64 = 1;
/// The longest unknown key that a message shows, in bytes.
const MAX_SHOWN_KEY_BYTES: usize = 60;
const KEYS: &[&str] = &["schema", "rules", "paths", "accept-unread", "limits", "fail-on", "compat-markers"];
const SEVERITIES: &[(&str, Severity)] = &[
    ("low", Severity::Low),
    ("medium", Severity::Medium),
    ("high", Severity::High),
    ("critical", Severity::Critical),
];
const CONFIDENCES: &[(&str, Confidence)] =
    &[("low", Confidence::Low), ("medium", Confidence::Medium), ("high", Confidence::High)];

/// Why a configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {message}")]
pub struct Error {
    /// The file.
    file: String,
    /// What is wrong, and what would be right.
    message: String,
}

/// What the file says.
#[derive(Debug, Clone)]
pub struct Config {
    /// Rules that are not searched for.
    pub off: BTreeSet<String>,
    /// Files with further rules, relative to the repository's top directory.
    pub rule_files: Vec<String>,
    /// Severities that are not the rules' own.
    pub severities: BTreeMap<String, Severity>,
    /// Paths in which findings are let be.
    ignored: Vec<Ignored>,
    /// Paths in which all findings are let be.
    excluded: Vec<IgnoreFile>,
    /// What may be left unread.
    accepted: Vec<IgnoreFile>,
    /// Findings that are less bad are shown, and do not change the exit code.
    pub min_severity: Severity,
    /// Findings that are less sure are shown, and do not change the exit code.
    pub min_confidence: Confidence,
    /// Findings are shown, and none changes the exit code.
    pub never_fails: bool,
    /// Only some rules were asked for: values of environment files that none of them finds do not count.
    pub only_some_rules: bool,
    /// Honour other scanners' markers.
    pub compat_markers: bool,
    /// Larger files and blobs are not searched, and named as unread. In bytes.
    pub max_file_bytes: Option<u64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            off: BTreeSet::new(),
            rule_files: Vec::new(),
            severities: BTreeMap::new(),
            ignored: Vec::new(),
            excluded: Vec::new(),
            accepted: Vec::new(),
            min_severity: Severity::Low,
            min_confidence: Confidence::Low,
            never_fails: false,
            only_some_rules: false,
            compat_markers: false,
            max_file_bytes: None,
        }
    }
}

/// Paths that are let be.
#[derive(Debug, Clone)]
struct Ignored {
    pattern: String,
    glob: IgnoreFile,
    /// The rules that are let be there; all generic ones where none is named.
    rules: Vec<String>,
    reason: Option<String>,
}

impl Config {
    /// Reads the file's text; `file` is its name in errors.
    ///
    /// # Errors
    ///
    /// When something in it is not known or makes no sense.
    pub fn parse(file: &str, text: &str) -> Result<Self, Error> {
        Self::of_text(text).map_err(|message| Error { file: file.to_owned(), message })
    }

    fn of_text(text: &str) -> Result<Self, String> {
        control::check_brackets(text.as_bytes())?;
        let value: Value =
            serde_yaml::from_str(text).map_err(|error| control::without_values(&error.to_string()))?;
        let mut config = Self::default();
        let top = match &value {
            Value::Null => return Err("it is empty; it begins with `schema: 1`".to_owned()),
            value => keys(value, "", KEYS)?,
        };
        match top.get("schema").map(Value::as_u64) {
            Some(Some(SCHEMA)) => {}
            None => return Err(format!("`schema` is missing; it begins with `schema: {SCHEMA}`")),
            Some(_) => return Err(format!("`schema`: the valid value is {SCHEMA}")),
        }
        if let Some(rules) = top.get("rules") {
            config.read_rules(rules)?;
        }
        for (at, path) in list(top.get("paths"), "paths")?.iter().enumerate() {
            config.ignored.push(ignored(path, &format!("paths[{at}]"))?);
        }
        for pattern in texts(top.get("accept-unread"), "accept-unread")? {
            config.accepted.push(glob(&pattern).map_err(|error| format!("`accept-unread`: {error}"))?);
        }
        if let Some(limits) = top.get("limits")
            && let Some(bytes) = keys(limits, "limits", &["file-bytes"])?.get("file-bytes")
        {
            let bytes = bytes.as_u64().filter(|&bytes| bytes > 0);
            config.max_file_bytes =
                Some(bytes.ok_or("`limits.file-bytes`: a number of bytes, such as 50000000")?);
        }
        if let Some(fail_on) = top.get("fail-on") {
            let fail_on = keys(fail_on, "fail-on", &["severity", "confidence"])?;
            if let Some(word) = fail_on.get("severity") {
                config.min_severity = among(word, "fail-on.severity", SEVERITIES)?;
            }
            if let Some(word) = fail_on.get("confidence") {
                config.min_confidence = among(word, "fail-on.confidence", CONFIDENCES)?;
            }
        }
        if let Some(value) = top.get("compat-markers") {
            config.compat_markers =
                value.as_bool().ok_or("`compat-markers`: the valid values are true and false")?;
        }
        Ok(config)
    }

    fn read_rules(&mut self, rules: &Value) -> Result<(), String> {
        let rules = keys(rules, "rules", &["off", "on", "files", "severity"])?;
        self.off = texts(rules.get("off"), "rules.off")?.into_iter().collect();
        for rule in texts(rules.get("on"), "rules.on")? {
            self.off.remove(&rule);
        }
        self.rule_files = texts(rules.get("files"), "rules.files")?;
        if let Some(at) = self.rule_files.iter().position(|file| !stays_below(file)) {
            return Err(format!(
                "`rules.files[{at}]` leads out of the repository; write a path below its top directory, without `..`, or give the \
                 file with `--rules`"
            ));
        }
        if let Some(severities) = rules.get("severity") {
            let severities =
                severities.as_mapping().ok_or("`rules.severity`: a mapping of rules to severities")?;
            for (rule, word) in severities {
                let rule = rule.as_str().ok_or("`rules.severity`: a mapping of rules to severities")?;
                let severity =
                    among(word, &format!("rules.severity.{}", control::shortened(rule)), SEVERITIES)?;
                self.severities.insert(rule.to_owned(), severity);
            }
        }
        Ok(())
    }

    /// The rules as the configuration wants them.
    ///
    /// # Errors
    ///
    /// When it names a rule that there is not.
    pub fn apply(&self, file: &str, rules: RuleSet) -> Result<RuleSet, Error> {
        let ids: Vec<&str> = rules.rules().iter().map(|rule| rule.id.as_ref()).collect();
        let known: BTreeSet<&str> = ids.iter().copied().collect();
        let named = self.ignored.iter().flat_map(|ignored| &ignored.rules);
        for name in self.off.iter().chain(self.severities.keys()).chain(named) {
            if !known.contains(name.as_str()) {
                let message = no_rule(name, &ids);
                return Err(Error { file: file.to_owned(), message });
            }
        }
        Ok(rules.adapted(&self.off, &self.severities))
    }

    /// Lets all findings be at paths like this, a pattern as in `.gitignore`.
    ///
    /// # Errors
    ///
    /// When the pattern means nothing there.
    pub fn exclude(&mut self, pattern: &str) -> Result<(), String> {
        if pattern.starts_with('!') {
            return Err(format!(
                "`{pattern}` excludes nothing: `!` takes a pattern back; write `\\{pattern}` for a name that begins so"
            ));
        }
        self.excluded.push(glob(pattern)?);
        Ok(())
    }

    /// Whether all findings at `path` are let be.
    #[must_use]
    pub fn excludes(&self, path: &BStr) -> bool {
        self.excluded.iter().any(|glob| matches(glob, path))
    }

    /// Whether the file lets a finding of `rule` be at `path`, and why.
    #[must_use]
    pub fn ignores(&self, rule: &Rule, path: &BStr) -> Option<Option<&str>> {
        let found = self.meant(rule).find(|ignored| matches(&ignored.glob, path))?;
        Some(found.reason.as_deref())
    }

    /// Whether values that no rule knows are let be at `path`, as findings of generic rules are.
    #[must_use]
    pub fn ignores_values(&self, path: &BStr) -> bool {
        self.excludes(path)
            || self.ignored.iter().any(|ignored| ignored.rules.is_empty() && matches(&ignored.glob, path))
    }

    /// The patterns of paths at which findings of `rule` are let be.
    pub fn ignored_paths(&self, rule: &Rule) -> impl Iterator<Item = &str> {
        self.meant(rule).map(|ignored| ignored.pattern.as_str())
    }

    fn meant<'a>(&'a self, rule: &Rule) -> impl Iterator<Item = &'a Ignored> {
        self.ignored.iter().filter(move |ignored| match ignored.rules.is_empty() {
            true => rule.kind == Kind::Generic,
            false => ignored.rules.iter().any(|id| *id == rule.id),
        })
    }

    /// Whether this may be left unread.
    #[must_use]
    pub fn accepts(&self, unread: &Unread) -> bool {
        let what = unread.what.as_bstr();
        // `layer 2 of app:1 (COPY . .): path`, `blob 1234 (path)`, or the path alone.
        let in_layer = what.strip_prefix(b"layer ").and_then(|rest| Some(&rest[rest.rfind("): ")? + 3..]));
        let in_blob = || Some(what.strip_suffix(b")")?.split_once_str(" (")?.1);
        let path = in_layer.or_else(in_blob).map_or(what, ByteSlice::as_bstr);
        self.accepted.iter().any(|glob| matches(glob, path))
    }
}

/// Whether a path names something below the folder that it is relative to.
fn stays_below(path: &str) -> bool {
    Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

fn ignored(value: &Value, at: &str) -> Result<Ignored, String> {
    let entry = keys(value, at, &["ignore", "rules", "reason"])?;
    let pattern = entry
        .get("ignore")
        .and_then(Value::as_str)
        .ok_or_else(|| format!("`{at}.ignore` is missing: a pattern as in .gitignore"))?;
    Ok(Ignored {
        pattern: pattern.to_owned(),
        glob: glob(pattern).map_err(|error| format!("`{at}.ignore`: {error}"))?,
        rules: texts(entry.get("rules"), &format!("{at}.rules"))?,
        reason: entry.get("reason").and_then(Value::as_str).map(str::to_owned),
    })
}

/// A mapping that has none but the valid keys.
fn keys<'a>(value: &'a Value, at: &str, valid: &[&str]) -> Result<&'a Mapping, String> {
    let place = if at.is_empty() { "the file".to_owned() } else { format!("`{at}`") };
    let mapping =
        value.as_mapping().ok_or_else(|| format!("{place} is to be a mapping with {}", valid.join(", ")))?;
    for key in mapping.keys() {
        let key = key.as_str().unwrap_or_default();
        if !valid.contains(&key) {
            let near = did_you_mean(key, valid);
            let shown = if key.len() <= MAX_SHOWN_KEY_BYTES { key } else { "..." };
            return Err(format!(
                "{place}: the key `{shown}` is not known{near}; valid are {}",
                valid.join(", ")
            ));
        }
    }
    Ok(mapping)
}

fn list<'a>(value: Option<&'a Value>, at: &str) -> Result<&'a [Value], String> {
    match value {
        None | Some(Value::Null) => Ok(&[]),
        Some(value) => {
            value.as_sequence().map(Vec::as_slice).ok_or_else(|| format!("`{at}` is to be a list"))
        }
    }
}

fn texts(value: Option<&Value>, at: &str) -> Result<Vec<String>, String> {
    let text = |value: &Value| {
        value.as_str().map(str::to_owned).ok_or_else(|| format!("`{at}` is to be a list of texts"))
    };
    list(value, at)?.iter().map(text).collect()
}

fn among<T: Copy>(value: &Value, at: &str, words: &[(&str, T)]) -> Result<T, String> {
    let found = value.as_str().and_then(|word| words.iter().find(|(name, _)| *name == word));
    let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    found
        .map(|(_, meaning)| *meaning)
        .ok_or_else(|| format!("`{at}`: the valid words are {}", names.join(", ")))
}

/// Says that there is no such rule, and which was meant.
#[must_use]
pub fn no_rule(id: &str, known: &[&str]) -> String {
    format!("there is no rule `{}`{}", control::shortened(id), did_you_mean(id, known))
}

/// `; did you mean ...?` with the nearest word, or nothing where none is near.
#[must_use]
pub fn did_you_mean(word: &str, valid: &[&str]) -> String {
    let near = valid.iter().map(|known| (distance(word, known), known)).min();
    match near {
        Some((distance, known)) if distance <= word.len().max(known.len()) / 2 => {
            format!("; did you mean `{known}`?")
        }
        _ => String::new(),
    }
}

/// How many letters have to be changed, added or taken away (Levenshtein).
pub(super) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(100).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (line, letter) in a.chars().take(100).enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (at, other) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_name_the_nearest() {
        let told = |text: &str| Config::parse(FILE, text).expect_err(text).to_string();
        assert!(told("schema: 1\naccept-unred: []\n").contains("did you mean `accept-unread`?"));
        assert!(told("schema: 1\nrules: {of: [a]}\n").contains("did you mean `off`?"));
        assert!(told("schema: 1\npaths: [{ignor: x}]\n").contains("`paths[0]`"));
        assert!(told("schema: 1\nfail-on: {severity: bad}\n").contains("low, medium, high, critical"));
        assert!(told("schema: 1\nlimits: {file-byte: 3}\n").contains("did you mean `file-bytes`?"));
        assert!(told("schema: 1\nlimits: {file-bytes: 0}\n").contains("a number of bytes"));
        assert!(told("schema: 9\n").contains("valid value is 1"));
        assert!(told("").contains("schema: 1"));
        assert!(told("rules: {}\n").contains("`schema` is missing"));
    }

    #[test]
    fn long_values_are_shown_by_their_beginning() {
        // YAML has no longer keys.
        let (long, key) = ("a".repeat(5_000_000), "a".repeat(1000));
        for (text, field) in [
            (format!("paths: [{{ignore: '{long}{{a,b}}'}}]"), "`paths[0].ignore`"),
            (format!("paths: [{{ignore: '#{long}'}}]"), "`paths[0].ignore`"),
            (format!("paths: [{{ignore: \"{long}\\n\"}}]"), "`paths[0].ignore`"),
            (format!("paths: [{{ignore: '{long}['}}]"), "`paths[0].ignore`"),
            (format!("accept-unread: ['{long}[']"), "`accept-unread`"),
            (format!("rules: {{severity: {{{key}: none}}}}"), "`rules.severity.aaa"),
            (format!("rules: {{{key}: 1}}"), "`rules`"),
        ] {
            let told = Config::parse(FILE, &format!("schema: 1\n{text}\n")).expect_err(field).to_string();
            assert!(told.contains(field) && told.len() < 400, "{}", control::shortened(&told));
        }
        let config = Config::parse(FILE, &format!("schema: 1\nrules: {{off: [{long}]}}\n")).expect("sound");
        let told = config.apply(FILE, keysieve_builtin::rules()).expect_err("no such rule").to_string();
        assert!(told.len() < 400, "{}", control::shortened(&told));
    }

    #[test]
    fn patterns_that_mean_nothing_in_gitignore_are_refused() {
        let refused = |pattern: &str| {
            let quoted = serde_json::Value::from(pattern);
            let texts = ["paths: [{ignore: PATTERN}]", "accept-unread: [PATTERN]"];
            texts.map(|text| {
                let text = format!("schema: 1\n{}\n", text.replace("PATTERN", &quoted.to_string()));
                Config::parse(FILE, &text).map(|_| ()).map_err(|error| error.to_string())
            })
        };
        for (pattern, remedy) in [
            ("*.{py,js}", "an entry for each"),
            ("a\nb", "an entry for each"),
            ("#a", "write `\\#a`"),
            ("[a-", "matches no path"),
            ("", "matches no path"),
            ("/", "matches no path"),
            ("a\\", "matches no path"),
        ] {
            for outcome in refused(pattern) {
                let error = outcome.expect_err(pattern);
                assert!(error.contains(remedy) && error.contains(FILE), "{error}");
            }
        }
        for pattern in ["*.py", "\\#a", "{{cookiecutter.name}}/", "a,b", "\\{a,b}", "[{,}]a", "/a/**/b?[!c]"]
        {
            assert_eq!(refused(pattern), [Ok(()), Ok(())], "{pattern}");
        }
    }

    #[test]
    fn rules_that_there_are_not_are_told() {
        let config = Config::parse(FILE, "schema: 1\nrules: {off: [github-pta]}\n").expect("a configuration");
        let told = config.apply(FILE, keysieve_builtin::rules()).expect_err("no such rule").to_string();
        assert!(told.contains("`github-pta`") && told.contains("did you mean `github-pat`?"), "{told}");
    }

    #[test]
    fn paths_are_for_generic_rules_unless_some_are_named() {
        let text = "schema: 1\npaths:\n- {ignore: tests/, reason: made up}\n- {ignore: '*.md', rules: [github-pat]}\n";
        let config = Config::parse(FILE, text).expect("a configuration");
        let rules = keysieve_builtin::rules();
        let rule = |id: &str| rules.rules().iter().find(|rule| rule.id == id).expect("a rule");
        assert_eq!(config.ignores(rule("generic-password"), b"tests/a/b.py".into()), Some(Some("made up")));
        assert!(config.ignores(rule("github-pat"), b"tests/a/b.py".into()).is_none());
        assert!(config.ignores(rule("github-pat"), b"docs/a.md".into()).is_some());
        assert!(config.ignores(rule("generic-password"), b"docs/a.md".into()).is_none());
        assert!(config.ignores(rule("generic-password"), b"../tests/a.py".into()).is_none());
    }
}
