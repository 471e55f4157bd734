//! What to look for. `patterns.yaml` is compiled in by the build script; users add files of the same form.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub(crate) mod compile;
mod rule;
mod syntax;

pub use compile::Error as CompileError;
pub use rule::{Alphabet, Check, Checksum, Confidence, Kind, Rule, Severity, Structure, Text, Window};

/// The built-in rules, written by the build script from `patterns.yaml`.
mod builtin {
    use super::rule::{Alphabet, Check, Checksum, Confidence, Kind, Rule, Severity, Structure, Text, Window};
    use std::borrow::Cow;

    include!(concat!(env!("OUT_DIR"), "/builtin_rules.rs"));
}

/// A rule's place in its [`RuleSet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(u16);

impl RuleId {
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
        source: std::io::Error,
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
}

impl RuleSet {
    /// The rules of `patterns.yaml`.
    #[must_use]
    pub fn builtin() -> Self {
        Self { rules: builtin::RULES.to_vec() }
    }

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
        Ok(Self { rules })
    }

    /// Adds the rules of a YAML text. A rule with the id of one that is there replaces it.
    ///
    /// # Errors
    ///
    /// When the text is no valid rule file; `file` is its name in the error.
    pub fn with_yaml(mut self, file: &str, text: &str) -> Result<Self, Error> {
        for rule in compile::compile(file, text)? {
            match self.rules.iter_mut().find(|known| known.id == rule.id) {
                Some(known) => *known = rule,
                None => self.rules.push(rule),
            }
        }
        Self::new(self.rules)
    }

    /// Adds the rules of a YAML file, see [`RuleSet::with_yaml`].
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is no valid rule file.
    pub fn with_file(self, path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|source| Error::Read { path: name.clone(), source })?;
        self.with_yaml(&name, &text)
    }

    /// The rules without those that are `off`, and with these severities in place of their own.
    #[must_use]
    pub fn adapted(mut self, off: &BTreeSet<String>, severities: &BTreeMap<String, Severity>) -> Self {
        self.rules.retain(|rule| !off.contains(rule.id.as_ref()));
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
