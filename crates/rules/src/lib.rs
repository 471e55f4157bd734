//! What to look for: rules as they are written in YAML, and as the engine uses them. The built-in ones are a crate of their own;
//! users add files of the same form.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::Path;

use sha2::Digest as _;

pub mod compile;
pub mod files;
mod keywords;
mod lead;
mod named;
mod rule;
mod syntax;
mod toml_file;
mod words;

pub use compile::Error as CompileError;
pub use files::{Files, Folder};
pub use keywords::{Keyword, Keywords};
pub use lead::Lead;
pub use named::Head;
pub use rule::{
    Alphabet, Check, Checksum, Confidence, Fix, Joined, Kind, Rule, Severity, Structure, Text, Window,
};

/// How far from a keyword any rule may look, in bytes: pieces of one content overlap by this much on each side.
/// Rules with a larger window are refused when they are compiled.
pub const CONTEXT_BYTES: usize = 64 * 1024;

/// A rule's place in its [`RuleSet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(u16);

impl RuleId {
    /// The id of the rule at `index`.
    #[must_use]
    pub const fn new(index: u16) -> Self {
        Self(index)
    }

    /// The index in the set.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Why rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the rule file {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file's content cannot be used.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// There are more rules, or more keywords, than ids.
    #[error(
        "there are {rules} rules with {keywords} keywords; the most that one run can use is 65,535 of each"
    )]
    TooMany {
        /// How many rules.
        rules: usize,
        /// How many keywords.
        keywords: usize,
    },
}

/// The rules of a run, in the order of the files; immutable and shared by all threads.
#[derive(Debug, Clone)]
pub struct RuleSet {
    rules: Vec<Rule>,
    notices: Vec<String>,
    /// Their keywords, where these were made before.
    keywords: Option<&'static Keywords>,
    /// The digest of the table that they come from, and what was changed of it.
    origin: Option<(&'static [u8; 32], Vec<String>)>,
}

impl RuleSet {
    /// The given rules alone.
    ///
    /// # Errors
    ///
    /// When there are more than fit.
    pub fn new(rules: Vec<Rule>) -> Result<Self, Error> {
        let keywords = rules.iter().map(|rule| rule.keywords.len()).sum();
        if rules.len().max(keywords) > usize::from(u16::MAX) {
            return Err(Error::TooMany { rules: rules.len(), keywords });
        }
        Ok(Self { rules, notices: Vec::new(), keywords: None, origin: None })
    }

    /// The rules of a table that was made at build time, with their keywords and their digest.
    #[must_use]
    pub fn of_table(rules: &[Rule], keywords: &'static Keywords, digest: &'static [u8; 32]) -> Self {
        let origin = Some((digest, Vec::new()));
        Self { rules: rules.to_vec(), notices: Vec::new(), keywords: Some(keywords), origin }
    }

    /// The keywords of all rules.
    #[must_use]
    pub fn keywords(&self) -> Keywords {
        self.keywords.cloned().unwrap_or_else(|| Keywords::of(&self.rules))
    }

    /// Adds the rules of a YAML text and of what it includes from `files`. A rule with the id of one that is there replaces it.
    ///
    /// # Errors
    ///
    /// When the text, or what it includes, is no valid rule file; `file` is its name in the error.
    pub fn with_yaml(self, file: &str, text: &str, files: &dyn Files) -> Result<Self, Error> {
        self.with(files::compile(file, text, files)?, Vec::new())
    }

    /// Adds the rules of a TOML text of the form that gitleaks made known. What it asks for and does not get is in
    /// [`RuleSet::notices`].
    ///
    /// # Errors
    ///
    /// When the text is no valid rule file; `file` is its name in the error.
    pub fn with_toml(self, file: &str, text: &str) -> Result<Self, Error> {
        let compiled = toml_file::compile(file, text)?;
        self.with(compiled.rules, compiled.notices)
    }

    /// Adds the rules of a file and of what it includes: TOML where its name ends so, YAML where not.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is no valid rule file.
    pub fn with_file(self, path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let text = files::read_text(path).map_err(|source| Error::Read { path: name.clone(), source })?;
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml")) {
            return self.with_toml(&name, &text);
        }
        self.with_yaml(&name, &text, &Folder::of(path))
    }

    /// What rule files ask for and do not get, a sentence each.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Adds the rule under which values that are known are reported; also gives its id.
    ///
    /// # Errors
    ///
    /// When there are more rules than fit.
    pub fn with_values(self) -> Result<(Self, RuleId), Error> {
        let rules = self.with(vec![rule::VALUE_RULE.clone()], Vec::new())?;
        let id = rules.iter().find(|(_, rule)| rule.id == rule::VALUE_RULE.id).map(|(id, _)| id);
        Ok((rules, id.expect("it was just added")))
    }

    fn with(mut self, rules: Vec<Rule>, notices: Vec<String>) -> Result<Self, Error> {
        let ids = self.rules.iter().enumerate().map(|(at, rule)| (rule.id.to_string(), at));
        let mut known: HashMap<String, usize> = ids.collect();
        if let Some((_, changes)) = &mut self.origin {
            changes.extend(rules.iter().map(|rule| format!("{rule:?}")));
        }
        // A rule that is added behind the others and has no keywords leaves theirs as they are.
        let keeps_keywords =
            rules.iter().all(|rule| rule.keywords.is_empty() && !known.contains_key(rule.id.as_ref()));
        let keywords = self.keywords.filter(|_| keeps_keywords);
        for rule in rules {
            match known.get(rule.id.as_ref()) {
                Some(&at) => self.rules[at] = rule,
                None => {
                    known.insert(rule.id.to_string(), self.rules.len());
                    self.rules.push(rule);
                }
            }
        }
        self.notices.extend(notices);
        Ok(Self { notices: self.notices, origin: self.origin, keywords, ..Self::new(self.rules)? })
    }

    /// The rules without those that are `off`, and with these severities in place of their own.
    #[must_use]
    pub fn adapted(mut self, off: &BTreeSet<String>, severities: &BTreeMap<String, Severity>) -> Self {
        if let Some((_, changes)) = &mut self.origin
            && !(off.is_empty() && severities.is_empty())
        {
            changes.push(format!("{off:?} {severities:?}"));
        }
        let before = self.rules.len();
        self.rules.retain(|rule| !off.contains(rule.id.as_ref()));
        // The table's ids are those of all rules.
        self.keywords = self.keywords.filter(|_| self.rules.len() == before);
        for rule in &mut self.rules {
            rule.severity = severities.get(rule.id.as_ref()).copied().unwrap_or(rule.severity);
        }
        self
    }

    /// The rules in order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (RuleId, &Rule)> {
        (0..).map(RuleId).zip(&self.rules)
    }

    /// Changes with the rules. That of a table is known; writing out a thousand rules takes 5 ms.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = sha2::Sha256::new();
        match &self.origin {
            Some((digest, changes)) if changes.is_empty() => return **digest,
            Some((digest, changes)) => {
                hash.update(digest);
                // The debug form of a text has no zero byte.
                changes.iter().for_each(|change| hash.update([change.as_bytes(), &[0]].concat()));
            }
            None => hash.update(format!("{:?}", self.rules)),
        }
        hash.finalize().into()
    }

    /// The rule with this id.
    ///
    /// # Panics
    ///
    /// When the id comes from another, larger set.
    #[must_use]
    pub fn rule(&self, id: RuleId) -> &Rule {
        &self.rules[id.index()]
    }
}

#[cfg(test)]
mod tests;
