//! What the run was about, in results: repository, command, versions, configuration, time.

use bstr::{BString, ByteSlice};
use serde::{Deserialize, Serialize};

use keysieve_model::about::{About, AboutRepository};
use keysieve_model::outcome::Outcome;

use super::escaped;
use super::json::SummaryJson;

/// The number of digits that are shown of a digest and of a commit.
const DIGEST_BYTES: usize = 6;
const COMMIT_DIGITS: usize = 7;

/// The summary's fields about the run; all absent in files of earlier versions.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct AboutJson {
    /// The program that wrote the results.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rules: Option<RulesJson>,
    /// As it was typed, without options that change only how results are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) command: Option<String>,
    /// The command that explains a finding, with `ID` or `FILE:LINE` in its place; absent where no command does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) explain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) configuration: Option<ConfigurationJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) repository: Option<RepositoryJson>,
}

/// The rules that were used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RulesJson {
    /// The version of the built-in rules.
    pub(super) version: String,
    /// Changes with each rule that was used, those of the user included.
    pub(super) digest: String,
    pub(super) count: usize,
}

/// The configuration: what is looked for and reported.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ConfigurationJson {
    pub(super) files: Vec<String>,
    pub(super) fail_on: String,
    pub(super) min_confidence: String,
}

/// The repository.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RepositoryJson {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) head: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) branch: Option<String>,
}

impl AboutJson {
    pub(super) fn new(outcome: &Outcome) -> Self {
        let About { command, explain, rules_version, configuration, fail_on, min_confidence, repository } =
            &outcome.about;
        let text = |text: &BString| text.to_str_lossy().into_owned();
        let rules = &outcome.rules;
        let digest = rules.digest();
        let digest: String = digest.iter().take(DIGEST_BYTES).map(|byte| format!("{byte:02x}")).collect();
        Self {
            tool: Some("keysieve".to_owned()),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            rules: Some(RulesJson { version: rules_version.clone(), digest, count: rules.rules().len() }),
            command: Some(text(command)).filter(|command| !command.is_empty()),
            explain: explain.as_ref().map(text),
            configuration: Some(ConfigurationJson {
                files: configuration.iter().map(text).collect(),
                fail_on: fail_on.clone(),
                min_confidence: min_confidence.clone(),
            }),
            repository: repository.as_ref().map(|AboutRepository { name, url, head, branch }| {
                RepositoryJson {
                    name: text(name),
                    url: url.as_ref().map(text),
                    head: head.clone(),
                    branch: branch.as_ref().map(text),
                }
            }),
        }
    }

    /// `keysieve 0.1.0, rules 0f3c1a2b4d5e`; `None` in files of earlier versions.
    pub(super) fn tool_text(&self) -> Option<String> {
        let tool = escaped(self.tool.as_deref()?.as_bytes());
        let version = self.version.as_deref().map(|version| format!(" {}", escaped(version.as_bytes())));
        let rules = self.rules.as_ref().filter(|rules| !rules.version.is_empty());
        let rules = rules.map(|rules| format!(", rules {}", escaped(rules.version.as_bytes())));
        Some(format!("{tool}{}{}", version.unwrap_or_default(), rules.unwrap_or_default()))
    }

    /// `app, main at 1a2b3c4, https://example.org/acme/app`
    pub(super) fn repository_text(&self) -> Option<String> {
        let RepositoryJson { name, url, head, branch } = self.repository.as_ref()?;
        let shown = |text: &String| escaped(text.as_bytes());
        let head = head.as_ref().map(|head| escaped(head.get(..COMMIT_DIGITS).unwrap_or(head).as_bytes()));
        let at = match (branch.as_ref().map(shown), head) {
            (Some(branch), Some(head)) => Some(format!("{branch} at {head}")),
            (Some(branch), None) => Some(format!("{branch}, without a commit")),
            (None, head) => head.map(|head| format!("HEAD at {head}")),
        };
        let parts = [Some(shown(name)), at, url.as_ref().map(shown)];
        Some(parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }

    pub(super) fn command_text(&self) -> Option<String> {
        self.command.as_ref().map(|command| escaped(command.as_bytes()))
    }

    /// The files, and the limits where they are not the usual ones.
    pub(super) fn configuration_text(&self) -> Option<String> {
        let ConfigurationJson { files, fail_on, min_confidence } = self.configuration.as_ref()?;
        let mut parts: Vec<String> = files.iter().map(|file| escaped(file.as_bytes())).collect();
        if !fail_on.is_empty() && fail_on != "low" {
            parts.push(format!("fails on {}", escaped(fail_on.as_bytes())));
        }
        if !min_confidence.is_empty() && min_confidence != "medium" {
            parts.push(format!("{} confidence and surer", escaped(min_confidence.as_bytes())));
        }
        Some(if parts.is_empty() { "none".to_owned() } else { parts.join(", ") })
    }
}

impl SummaryJson {
    /// Each fact with what it is called, as far as it is known.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let about = &self.about;
        let facts = [
            ("Repository", about.repository_text()),
            ("Command", about.command_text()),
            ("Made by", about.tool_text()),
            ("Configuration", about.configuration_text()),
        ];
        facts.into_iter().filter_map(|(name, fact)| Some((name, fact?))).collect()
    }
}
