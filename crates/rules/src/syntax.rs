//! The YAML of a rule file as it is written. What it means is settled in [`super::compile`]; nothing else sees YAML.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A rule file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a rule file: `schema: 1` and a list of `rules`")]
pub(crate) struct FileSyntax {
    /// Version of this format; 1.
    pub schema: u32,
    /// Pieces of regular expressions that patterns share, by name; `%{name}` in a pattern stands for one. Included files have
    /// them too.
    #[serde(default)]
    pub parts: BTreeMap<String, String>,
    /// What rules say that do not say it themselves, those of included files too.
    #[serde(default)]
    pub defaults: DefaultsSyntax,
    /// Whether rules have to be sorted by provider and id, in included files too, and each provider has one file.
    #[serde(default)]
    pub sorted: bool,
    /// Other rule files, as paths from this one's folder; `*` in a name stands for anything.
    #[serde(default)]
    pub include: Vec<String>,
    /// The rules.
    pub rules: Option<Vec<RuleSyntax>>,
}

/// Fields that rules may leave to their file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DefaultsSyntax {
    pub kind: Option<String>,
    pub severity: Option<String>,
    pub confidence: Option<String>,
}

impl DefaultsSyntax {
    /// These, and those of `others` for what these do not say.
    pub(crate) fn or(self, others: &Self) -> Self {
        Self {
            kind: self.kind.or_else(|| others.kind.clone()),
            severity: self.severity.or_else(|| others.severity.clone()),
            confidence: self.confidence.or_else(|| others.confidence.clone()),
        }
    }

    /// The rule with the defaults for what it does not say.
    pub(crate) fn complete(&self, rule: RuleSyntax) -> RuleSyntax {
        let of_rule = Self { kind: rule.kind, severity: rule.severity, confidence: rule.confidence };
        let Self { kind, severity, confidence } = of_rule.or(self);
        RuleSyntax { kind, severity, confidence, ..rule }
    }
}

/// One rule. Values with a fixed set of words are text here, so that an error can list the words.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a rule: a mapping of fields such as `id`, `keywords` and `pattern`"
)]
pub(crate) struct RuleSyntax {
    /// Unique name in kebab case.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Who issues the credential.
    pub provider: String,
    /// `provider` or `generic`.
    pub kind: Option<String>,
    /// `low`, `medium`, `high` or `critical`.
    pub severity: Option<String>,
    /// `low`, `medium` or `high`.
    pub confidence: Option<String>,
    /// Of rules that find the same value and are equally sure of it, the one with the lower rank is reported, then the one that
    /// is read first.
    #[serde(default)]
    pub rank: u8,
    /// Literals of which each match holds one; `<<regex>>` in one stands for each text that the regex matches.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// The regular expression.
    pub pattern: Option<String>,
    /// Names and the value's form, in place of keywords and pattern.
    pub named: Option<NamedSyntax>,
    /// A regular expression for values that are joined to their names in ways that the pattern does not know.
    #[serde(default)]
    pub joined_value: Option<String>,
    /// How far the pattern may look; computed where the pattern's length is bounded.
    pub window: Option<WindowSyntax>,
    /// Tests that a match has to pass.
    #[serde(default)]
    pub checks: ChecksSyntax,
    /// Why the window has to be as large as it is; asked for where it is large.
    #[serde(default)]
    pub wide: Option<String>,
    /// Where the format is documented.
    #[serde(default)]
    pub references: Vec<String>,
    /// Whether system libraries carry values of this kind, to test themselves with.
    #[serde(default)]
    pub in_self_tests: bool,
    /// What to do where the secret was issued, with the page; then the new one is loaded from `env`.
    pub revoke: Option<String>,
    /// The environment variable that holds such a secret.
    pub env: Option<String>,
    /// What to do about a leak, where `revoke` does not say it all; `{env}` stands for the look-up of the variable.
    pub fix: Option<String>,
    /// Texts that must be found.
    #[serde(default)]
    pub examples: Vec<String>,
    /// Texts that must not be found.
    #[serde(default)]
    pub counter_examples: Vec<String>,
}

impl RuleSyntax {
    /// The first field that the rule needs and does not have.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        [
            ("kind", self.kind.is_none()),
            ("severity", self.severity.is_none()),
            ("confidence", self.confidence.is_none()),
            ("fix", self.fix.is_none() && self.revoke.is_none()),
        ]
        .into_iter()
        .find_map(|(field, is_missing)| is_missing.then_some(field))
    }
}

/// A credential that the name in front of it tells; see [`super::named`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedSyntax {
    /// What the name begins with, in snake case: the provider as code calls it.
    pub names: Vec<String>,
    /// What the name goes on with, in snake case; the usual words for secrets where there are none.
    #[serde(default)]
    pub words: Vec<String>,
    /// A regular expression for the value.
    pub value: String,
}

/// A window, in bytes.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WindowSyntax {
    /// In front of the keyword.
    #[serde(default)]
    pub before: u32,
    /// Behind the keyword.
    pub after: u32,
}

/// The checks of a rule.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChecksSyntax {
    /// Shannon entropy.
    pub entropy: Option<EntropySyntax>,
    /// Letters and digits both.
    #[serde(default)]
    pub mixed: bool,
    /// A checksum in the token.
    pub checksum: Option<String>,
    /// A structure in the token.
    pub structure: Option<String>,
    /// What stands between name and value joins them.
    #[serde(default)]
    pub assigned: bool,
    /// The name in front of the value names a secret.
    #[serde(default)]
    pub secret_name: bool,
    /// The value is a literal.
    #[serde(default)]
    pub literal: bool,
    /// The value is not the user's name, the pattern's group `name`.
    #[serde(default)]
    pub user_differs: bool,
    /// The value is more than digits.
    #[serde(default)]
    pub not_a_number: bool,
    /// The value does not read like words.
    #[serde(default)]
    pub not_words: bool,
    /// The value is no dummy password of a URL.
    #[serde(default)]
    pub url_password: bool,
}

/// The entropy check of a rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntropySyntax {
    /// Name of the alphabet.
    pub alphabet: String,
    /// Bits per character, 0 to 8.
    pub min: f32,
}

/// Reads a rule file's YAML.
///
/// # Errors
///
/// Text that is no YAML, or has an unknown, missing or mistyped field; the error names line and column.
pub(crate) fn parse(text: &str) -> Result<FileSyntax, serde_yaml::Error> {
    serde_yaml::from_str(text)
}

/// The id of the rule at `position`, of a file that may have other faults.
pub(crate) fn id_of_rule(text: &str, position: usize) -> Option<String> {
    let file: serde_yaml::Value = serde_yaml::from_str(text).ok()?;
    Some(file.get("rules")?.get(position)?.get("id")?.as_str()?.to_owned())
}
