//! The YAML of a rule file as it is written. What it means is settled in [`super::compile`]; nothing else sees YAML.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A rule file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a rule file: `schema: 1` and a list of `rules`")]
pub(crate) struct FileSyntax {
    /// Version of this format; 1.
    pub schema: u32,
    /// Pieces of regular expressions that patterns share, by name; `%{name}` in a pattern stands for one.
    #[serde(default)]
    pub parts: BTreeMap<String, String>,
    /// The rules.
    pub rules: Vec<RuleSyntax>,
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
    pub kind: String,
    /// `low`, `medium`, `high` or `critical`.
    pub severity: String,
    /// `low`, `medium` or `high`.
    pub confidence: String,
    /// Literals of which each match holds one.
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
    /// What to do about a leak.
    pub fix: String,
    /// Texts that must be found.
    #[serde(default)]
    pub examples: Vec<String>,
    /// Texts that must not be found.
    #[serde(default)]
    pub counter_examples: Vec<String>,
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
