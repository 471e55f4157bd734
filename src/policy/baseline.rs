//! The baseline: secrets that are known, by their fingerprints. One line an entry, sorted, with no times and no line numbers, so
//! that two branches that both changed it can be merged line by line.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bstr::BStr;
use serde::Deserialize;

use keysieve_model::finding::{Container, Finding, Place, Salt};
use keysieve_paths::control;
use keysieve_paths::git::IgnoreFile;

/// The file, in the top directory of a repository.
pub const FILE: &str = ".keysieve-baseline.yaml";
/// The salt of its fingerprints, beside it.
pub const SALT_FILE: &str = ".keysieve-salt";
const SCHEMA: u32 = 1;
const HEAD: &str = "\
# Secrets that keysieve no longer reports; `keysieve baseline update` brings it up to date. A line an entry, sorted: where a
# merge left both sides' lines, keep both.
schema: 1
entries:
";

/// Why a baseline cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is no baseline.
    #[error("{file}: {message}; mend it, or make it anew with `keysieve baseline create`")]
    Syntax {
        /// The file.
        file: String,
        /// What is wrong.
        message: String,
    },
    /// There is a baseline, and no salt.
    #[error(
        "{file}: there is no {SALT_FILE} beside it, so its fingerprints mean nothing; restore that file, or make both anew \
         with `keysieve baseline create`"
    )]
    NoSalt {
        /// The baseline.
        file: String,
    },
    /// The salt is damaged.
    #[error("{file}: not a salt, which is 64 hexadecimal digits; restore it from the repository's history")]
    BadSalt {
        /// The salt's file.
        file: String,
    },
}

/// A secret that is known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its fingerprint.
    pub fingerprint: String,
    /// The rule that found it, for the reader.
    #[serde(default)]
    pub rule: String,
    /// What may be shown of it, for the reader.
    #[serde(default)]
    pub hint: String,
    /// Why it is known.
    #[serde(default)]
    pub reason: String,
    /// From this day on, `YYYY-MM-DD`, the entry is not honoured.
    #[serde(default)]
    pub expires: Option<String>,
    /// Only there, as a pattern of `.gitignore`.
    #[serde(default)]
    pub path: Option<String>,
}

/// All entries.
#[derive(Debug, Clone, Default)]
pub struct Baseline {
    entries: BTreeMap<String, Vec<(Entry, Option<IgnoreFile>)>>,
    salt: Salt,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a baseline: `schema: 1` and a list of `entries`")]
struct FileSyntax {
    schema: u32,
    entries: Option<Vec<Entry>>,
}

impl Baseline {
    /// An empty one.
    #[must_use]
    pub fn new(salt: Salt) -> Self {
        Self { entries: BTreeMap::new(), salt }
    }

    /// Reads a baseline and its salt. `file` is its name in errors.
    ///
    /// # Errors
    ///
    /// When one of the two cannot be used.
    pub fn parse(file: &str, text: &str, salt: Option<&str>) -> Result<Self, Error> {
        let fail = |message: String| Error::Syntax { file: file.to_owned(), message };
        control::check_brackets_of_entries(text.as_bytes()).map_err(fail)?;
        let told = |error: serde_yaml::Error| fail(control::without_values(&error.to_string()));
        let parsed: FileSyntax = serde_yaml::from_str(text).map_err(told)?;
        if parsed.schema != SCHEMA {
            return Err(fail(format!("schema {} is not known; the valid one is {SCHEMA}", parsed.schema)));
        }
        let salt = salt.ok_or_else(|| Error::NoSalt { file: file.to_owned() })?;
        let salt = Salt::from_hex(salt.trim())
            .ok_or_else(|| Error::BadSalt { file: format!("{SALT_FILE} of {file}") })?;
        let mut baseline = Self::new(salt);
        for entry in parsed.entries.unwrap_or_default() {
            if let Some(date) = entry.expires.as_deref().filter(|date| !is_date(date)) {
                let date = control::shortened(date);
                return Err(fail(format!("`expires: {date}` is no date; write 2026-01-31")));
            }
            baseline.insert(entry).map_err(fail)?;
        }
        Ok(baseline)
    }

    /// Adds an entry.
    ///
    /// # Errors
    ///
    /// When its path is no pattern.
    pub fn insert(&mut self, entry: Entry) -> Result<(), String> {
        let matcher = entry.path.as_deref().map(glob).transpose()?;
        let same = self.entries.entry(entry.fingerprint.clone()).or_default();
        if same.iter().all(|(known, _)| *known != entry) {
            same.push((entry, matcher));
        }
        Ok(())
    }

    /// The salt of its fingerprints.
    #[must_use]
    pub fn salt(&self) -> &Salt {
        &self.salt
    }

    /// The entries, sorted.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().flatten().map(|(entry, _)| entry)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry that lets `finding` be at `place`.
    #[must_use]
    pub fn entry_for(&self, finding: &Finding, place: &Place, today: &str) -> Option<&Entry> {
        let same = self.entries.get(&finding.fingerprint.to_string())?;
        let is_valid = |entry: &Entry| entry.expires.as_deref().is_none_or(|date| today < date);
        let is_there = |matcher: &Option<IgnoreFile>| {
            matcher.as_ref().is_none_or(|glob| path_of(place).is_some_and(|path| matches(glob, path)))
        };
        same.iter().find(|(entry, glob)| is_valid(entry) && is_there(glob)).map(|(entry, _)| entry)
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        let quoted = |value: &str| serde_json::Value::from(value).to_string();
        let mut entries: Vec<&Entry> = self.entries().collect();
        entries.sort_by_key(|entry| (&entry.fingerprint, &entry.path));
        for entry in entries {
            let Entry { fingerprint, rule, hint, reason, expires, path } = entry;
            let _ = write!(text, "- {{fingerprint: {}, rule: {}", quoted(fingerprint), quoted(rule));
            let _ = write!(text, ", hint: {}, reason: {}", quoted(hint), quoted(reason));
            if let Some(date) = expires {
                let _ = write!(text, ", expires: {}", quoted(date));
            }
            if let Some(path) = path {
                let _ = write!(text, ", path: {}", quoted(path));
            }
            text.push_str("}\n");
        }
        text
    }
}

/// The path of a place, where it has one.
pub(super) fn path_of(place: &Place) -> Option<&BStr> {
    match &place.container {
        Container::File { path, .. } => Some(path.as_ref()),
        Container::History(place) => place.path.as_ref().map(AsRef::as_ref),
        Container::Image(place) => place.path.as_ref().map(AsRef::as_ref),
        Container::Stdin | Container::Document(_) | Container::Metadata(_) => None,
    }
}

/// A pattern as in `.gitignore`, relative to the top of the repository.
///
/// # Errors
///
/// When it can match nothing, or is written as another kind of pattern would be.
pub(super) fn glob(pattern: &str) -> Result<IgnoreFile, String> {
    let shown = control::shortened(pattern);
    if pattern.contains(['\n', '\r']) {
        return Err(format!("{shown:?} has several lines; write an entry for each"));
    }
    if pattern.starts_with('#') {
        return Err(format!(
            "`{shown}` is a comment in .gitignore; write `\\{shown}` for a name that begins so"
        ));
    }
    if has_alternatives(pattern) {
        return Err(format!(
            "`{shown}`: .gitignore has no alternatives in braces; write an entry for each, or `\\{{` for a brace in a name"
        ));
    }
    let file = IgnoreFile::parse(pattern.as_bytes(), b"", false);
    if !file.can_match() {
        return Err(format!("`{shown}` matches no path; see `git help gitignore`"));
    }
    Ok(file)
}

/// Whether it has `{a,b}`.
fn has_alternatives(pattern: &str) -> bool {
    let (mut comma_in_braces, mut is_in_class) = (None, false);
    let mut signs = pattern.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => drop(signs.next()),
            '[' | ']' => is_in_class = sign == '[',
            _ if is_in_class => {}
            '{' => comma_in_braces = Some(false),
            ',' => comma_in_braces = comma_in_braces.map(|_| true),
            '}' if comma_in_braces == Some(true) => return true,
            _ => {}
        }
    }
    false
}

/// Whether `path`, or a folder in which it lies, matches.
pub(super) fn matches(glob: &IgnoreFile, path: &BStr) -> bool {
    let path: &[u8] = path.strip_prefix(b"/").unwrap_or(path.as_ref());
    // A path that leads out of the repository, as `keysieve scan ../x` has it, matches nothing.
    if path.split(|&byte| byte == b'/').any(|part| part == b"..") {
        return false;
    }
    let is_matched =
        |path, is_dir| glob.matching(path, is_dir).next().is_some_and(|pattern| !pattern.is_negated);
    let mut folders = (0..path.len()).filter(|&at| path[at] == b'/');
    is_matched(path, false) || folders.any(|end| is_matched(&path[..end], true))
}

/// Whether `text` has the form `YYYY-MM-DD`.
#[must_use]
pub fn is_date(text: &str) -> bool {
    let form = text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    form.eq(*b"0000-00-00")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn salt() -> String {
        "ab".repeat(32)
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut baseline = Baseline::new(Salt::from_hex(&salt()).expect("a salt"));
        for name in ["b", "a"] {
            let entry = Entry {
                fingerprint: name.repeat(32),
                rule: "github-pat".to_owned(),
                hint: "ghp_...[{\"x'".to_owned(),
                reason: "line\nbreak: # no comment".to_owned(),
                expires: Some("2030-01-01".to_owned()),
                path: Some("tests/".to_owned()),
            };
            baseline.insert(entry).expect("a pattern");
        }
        let text = baseline.text();
        assert_eq!(text.lines().count(), HEAD.lines().count() + 2, "a line an entry");
        let again = Baseline::parse("b", &text, Some(&salt())).expect("a baseline");
        assert_eq!(again.entries().collect::<Vec<_>>(), baseline.entries().collect::<Vec<_>>());
        assert!(again.entries().is_sorted_by_key(|entry| &entry.fingerprint));
        assert_eq!(again.text(), text);
    }

    #[test]
    fn mistakes_are_told() {
        let told = |text: &str, salt: Option<&str>| {
            Baseline::parse("b.yaml", text, salt).expect_err(text).to_string()
        };
        assert!(told("schema: 2\nentries: []\n", Some(&salt())).contains("schema 2"));
        assert!(told("schema: 1\nentrys: []\n", Some(&salt())).contains("entrys"));
        assert!(told("schema: 1\nentries: []\n", None).contains(SALT_FILE));
        assert!(told("schema: 1\nentries: []\n", Some("12")).contains("64 hexadecimal"));
        let bad_date = "schema: 1\nentries:\n- {fingerprint: a, expires: soon}\n";
        assert!(told(bad_date, Some(&salt())).contains("`expires: soon`"));
        assert!(told("<<<<<<< HEAD\n", Some(&salt())).contains("b.yaml"));
        assert!(Baseline::parse("b", "schema: 1\nentries:\n", Some(&salt())).expect("none").is_empty());
    }
}
