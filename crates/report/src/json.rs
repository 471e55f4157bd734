//! JSON and JSON Lines, version 1. Fields are added, never renamed or reused; readers ignore those they do not know.
//!
//! [`Results`] is what is written, owned, so that it can be read back: every other format is made of it, whether it comes from a
//! run or from a file.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bstr::{BStr, BString, ByteSlice};
use serde::{Deserialize, Serialize};

use keysieve_model::coverage::Unread;
use keysieve_model::env_file::{Addition, EnvFile, EnvState, JudgedValue, SecretValue, TakenBack};
use keysieve_model::finding::{
    CommitSummary, Container, Exposure, Finding, ImagePlace, Place, Removal, utc_time,
};
use keysieve_model::outcome::Outcome;
use keysieve_model::provenance::Metadata;
use keysieve_model::suppressed::{By, Suppressed};
use keysieve_rules::{Confidence, Severity};

use super::about::AboutJson;
use super::remedy::Remedy;
use super::values::{SweptJson, ValuesJson};
use super::{Options, PlainJson, suppressed_by};

pub(super) const SCHEMA: u32 = 1;

/// The results of a run, as JSON has them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Results {
    pub(super) findings: Vec<FindingJson>,
    /// Absent unless it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) suppressed: Option<Vec<SuppressedFindingJson>>,
    pub(super) summary: SummaryJson,
    /// Where the file they are from was cut off, and what is missing.
    #[serde(skip)]
    pub(super) torn: Option<(String, String)>,
}

impl Results {
    /// What may be told of this outcome.
    #[must_use]
    pub fn new(outcome: &Outcome, options: Options) -> Self {
        let finding = |finding| FindingJson::new(outcome, finding, options);
        let suppressed = outcome.suppressed.iter().map(|suppressed| SuppressedFindingJson {
            finding: FindingJson { r#type: Type::Suppressed, ..finding(&suppressed.finding) },
            by: suppressed.by.to_string(),
            reason: suppressed.reason.clone(),
        });
        let findings: Vec<FindingJson> = outcome.findings.iter().map(finding).collect();
        let groups = super::groups::groups(&findings).len();
        Self {
            findings,
            suppressed: options.show_suppressed.then(|| suppressed.collect()),
            summary: SummaryJson { groups: Some(groups), ..SummaryJson::new(outcome, options) },
            torn: None,
        }
    }

    /// How many secrets were found.
    #[must_use]
    pub fn finding_count(&self) -> usize {
        self.findings.len()
    }

    /// Whether everything that was asked for was read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.summary.complete && self.summary.unread.is_empty()
    }

    /// How many things change the exit code: findings that are bad and sure enough, and files that are where they must not be.
    #[must_use]
    pub fn failing(&self) -> usize {
        // Where it is not said, each finding counts.
        self.summary.failing.unwrap_or(self.findings.len())
    }

    /// Whether secrets are in them.
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        self.findings.iter().any(|finding| finding.secret.is_some())
    }

    /// Whether it says which findings were suppressed, not only how many.
    pub(super) fn names_suppressed(&self) -> bool {
        let SummaryJson { suppressed, suppressed_ids, .. } = &self.summary;
        self.suppressed.is_some() || suppressed_ids.is_some() || suppressed.count() == 0
    }

    /// Findings that are not reported, where they were asked for.
    pub(super) fn suppressed(&self) -> &[SuppressedFindingJson] {
        self.suppressed.as_deref().unwrap_or_default()
    }
}

/// One document: `{"findings":[...],"summary":{...}}`, the objects those of JSON Lines.
pub(super) fn write_document(out: &mut dyn io::Write, results: &Results) -> io::Result<()> {
    serde_json::to_writer_pretty(PlainJson(&mut *out), results)?;
    out.write_all(b"\n")
}

/// One object a finding, then the summary.
pub(super) fn write_lines(out: &mut dyn io::Write, results: &Results) -> io::Result<()> {
    results.findings.iter().try_for_each(|finding| write_line(out, finding))?;
    results.suppressed().iter().try_for_each(|suppressed| write_line(out, suppressed))?;
    write_line(out, &results.summary)
}

fn write_line(out: &mut dyn io::Write, object: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(PlainJson(&mut *out), object)?;
    out.write_all(b"\n")
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Type {
    Finding,
    Suppressed,
    Summary,
}

/// A finding that is not reported, with what removed it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SuppressedFindingJson {
    #[serde(flatten)]
    pub(super) finding: FindingJson,
    pub(super) by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct FindingJson {
    pub(super) r#type: Type,
    pub(super) schema: u32,
    pub(super) rule: String,
    pub(super) name: String,
    pub(super) provider: String,
    #[serde(with = "SeverityName")]
    pub(super) severity: Severity,
    #[serde(with = "ConfidenceName")]
    pub(super) confidence: Confidence,
    pub(super) fingerprint: String,
    /// Names the mistake that it is one of; absent in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
    /// What the value is given to, as it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) variable: Option<String>,
    pub(super) hint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secret_bytes: Option<String>,
    #[serde(with = "ExposureName")]
    pub(super) exposure: Exposure,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
    pub(super) fix: String,
    #[serde(default)]
    pub(super) references: Vec<String>,
    pub(super) places: Vec<PlaceJson>,
    #[serde(flatten)]
    pub(super) values: ValuesJson,
    /// The digest of a secret that another scanner reports: to compare with, and never written.
    #[serde(default, skip_serializing)]
    pub(super) value_digest: Option<String>,
}

impl FindingJson {
    fn new(outcome: &Outcome, finding: &Finding, options: Options) -> Self {
        let rule = outcome.rules.rule(finding.rule);
        let is_shown = options.show_secrets && finding.values.is_empty();
        let shown = is_shown.then(|| finding.secret.expose());
        let mut json = Self {
            r#type: Type::Finding,
            schema: SCHEMA,
            rule: rule.id.to_string(),
            name: rule.name.to_string(),
            provider: rule.provider.to_string(),
            severity: finding.severity,
            confidence: finding.confidence,
            fingerprint: finding.fingerprint.to_string(),
            group: None,
            variable: finding.variable.clone(),
            hint: finding.hint(),
            secret: shown.map(|secret| secret.to_str_lossy().into_owned()),
            secret_bytes: shown.and_then(bytes_if_not_utf8),
            exposure: finding.exposure,
            note: finding.note.clone(),
            fix: Remedy::of(rule, finding).text(),
            references: rule.references.iter().map(ToString::to_string).collect(),
            places: finding.places.iter().map(PlaceJson::new).collect(),
            values: ValuesJson::new(outcome, finding),
            value_digest: None,
        };
        json.group = Some(super::groups::id(&json));
        json
    }
}

/// How severities are written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Severity", rename_all = "lowercase")]
enum SeverityName {
    Low,
    Medium,
    High,
    Critical,
}

/// How confidences are written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Confidence", rename_all = "lowercase")]
enum ConfidenceName {
    Low,
    Medium,
    High,
}

/// How exposures are written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Exposure", rename_all = "kebab-case")]
enum ExposureName {
    Pushed,
    Image,
    Local,
    Unreachable,
    Staged,
    Worktree,
    GitDirectory,
    Stdin,
    Document,
    Unknown,
}

pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

pub(super) fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

pub(super) fn exposure(exposure: Exposure) -> &'static str {
    match exposure {
        Exposure::Pushed => "pushed",
        Exposure::Image => "image",
        Exposure::Local => "local",
        Exposure::Unreachable => "unreachable",
        Exposure::Staged => "staged",
        Exposure::Worktree => "worktree",
        Exposure::GitDirectory => "git-directory",
        Exposure::Stdin => "stdin",
        Exposure::Document => "document",
        Exposure::Unknown => "unknown",
    }
}

/// What a place lies in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PlaceKind {
    Worktree,
    Git,
    GitMetadata,
    Image,
    #[default]
    Stdin,
    Document,
}

pub(super) fn kind(kind: PlaceKind) -> &'static str {
    match kind {
        PlaceKind::Worktree => "worktree",
        PlaceKind::Git => "git",
        PlaceKind::GitMetadata => "git-metadata",
        PlaceKind::Image => "image",
        PlaceKind::Stdin => "stdin",
        PlaceKind::Document => "document",
    }
}

/// A place; what does not apply is absent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct PlaceJson {
    pub(super) kind: PlaceKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path_bytes: Option<String>,
    pub(super) line: u64,
    pub(super) column: u64,
    pub(super) end_line: u64,
    pub(super) end_column: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) field: Option<String>,
    /// Whether it is the name of a remote's branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remote: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) blob: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) versions: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) in_head: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refs: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) more_refs: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ignored: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) member: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) member_bytes: Option<String>,
    #[serde(flatten)]
    pub(super) image: ImageJson,
}

/// Where in an image a thing lies.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct ImageJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) image: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) platform: Option<String>,
    /// The digest of the image's manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) manifest: Option<String>,
    /// The digest of the image's configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) config: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) layer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) diff_id: Option<String>,
    /// Counts from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) layer_number: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) layer_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instruction: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) document: Option<String>,
    /// `deleted`, `hidden` or `overwritten`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) removal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deleted_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deleted_by_number: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deleted_by_instruction: Option<String>,
}

impl ImageJson {
    fn new(place: &ImagePlace) -> Self {
        let text = |text: &BString| text.to_str_lossy().into_owned();
        let layer = place.layer.as_ref();
        let removal = place.removal.as_ref();
        let remover = removal.map(|removal| &removal.layer);
        Self {
            image: Some(text(&place.image)),
            tags: place.identity.tags.iter().map(text).collect(),
            platform: place.identity.platform.clone(),
            manifest: place.identity.manifest.clone(),
            config: place.identity.config.clone(),
            layer: layer.map(|layer| layer.digest.clone()),
            diff_id: layer.and_then(|layer| layer.diff_id.clone()),
            layer_number: layer.map(|layer| layer.position),
            layer_count: layer.map(|layer| layer.layers),
            instruction: layer.and_then(|layer| layer.instruction.as_ref()).or(place.step.as_ref()).map(text),
            document: place.document.as_ref().map(text),
            removal: removal.map(|removal| {
                let what = match removal.removal {
                    Removal::Deleted => "deleted",
                    Removal::Hidden => "hidden",
                    Removal::Overwritten => "overwritten",
                };
                what.to_owned()
            }),
            deleted_by: remover.map(|layer| layer.digest.clone()),
            deleted_by_number: remover.map(|layer| layer.position),
            deleted_by_instruction: remover.and_then(|layer| layer.instruction.as_ref()).map(text),
        }
    }
}

impl ImageJson {
    /// The same for documents that people read: no character of a name changes how others are shown.
    pub(super) fn shown(&self) -> Self {
        let text = |text: &Option<String>| text.as_ref().map(|text| super::escaped(text.as_bytes()));
        Self {
            image: text(&self.image),
            tags: self.tags.iter().map(|tag| super::escaped(tag.as_bytes())).collect(),
            platform: text(&self.platform),
            manifest: text(&self.manifest),
            config: text(&self.config),
            layer: text(&self.layer),
            diff_id: text(&self.diff_id),
            layer_number: self.layer_number,
            layer_count: self.layer_count,
            instruction: text(&self.instruction),
            document: text(&self.document),
            removal: text(&self.removal),
            deleted_by: text(&self.deleted_by),
            deleted_by_number: self.deleted_by_number,
            deleted_by_instruction: text(&self.deleted_by_instruction),
        }
    }
}

impl PlaceJson {
    fn new(place: &Place) -> Self {
        let location = place.shown_location();
        let mut json = Self {
            line: location.line,
            column: location.column,
            end_line: location.end_line,
            end_column: location.end_column,
            member: place.member.as_ref().map(|member| member.to_str_lossy().into_owned()),
            member_bytes: place.member.as_ref().and_then(|member| bytes_if_not_utf8(member)),
            ..Self::default()
        };
        match &place.container {
            Container::File { path, ignored } => {
                json.kind = PlaceKind::Worktree;
                json.ignored = ignored.then_some(true);
                json.set_path(path.as_bstr());
            }
            Container::Stdin => json.kind = PlaceKind::Stdin,
            Container::Document(document) => {
                let text = |text: &BString| text.to_str_lossy().into_owned();
                json.kind = PlaceKind::Document;
                json.set_path(document.name.as_bstr());
                json.author = document.author.as_ref().map(text);
                json.date = document.time.as_ref().map(text);
            }
            Container::Image(image) => {
                json.kind = PlaceKind::Image;
                json.field = image.field.as_ref().map(|field| field.to_str_lossy().into_owned());
                if let Some(path) = &image.path {
                    json.set_path(path.as_bstr());
                }
                json.image = ImageJson::new(image);
            }
            Container::History(history) => {
                json.kind = PlaceKind::Git;
                if let Some(path) = &history.path {
                    json.set_path(path.as_bstr());
                }
                json.blob = Some(history.blob.to_string());
                json.versions = Some(history.versions.len());
                json.in_head = Some(history.in_head);
                json.last_commit = history.last.as_ref().map(|commit| commit.id.to_string());
                json.last_date = history.last.as_ref().map(CommitSummary::date);
                json.set_commit(history.introduced.as_ref());
                json.set_reach(&history.reach);
            }
            Container::Metadata(metadata) => {
                json.kind = PlaceKind::GitMetadata;
                json.field = Some(metadata.field.to_owned()).filter(|field| !field.is_empty());
                match &metadata.metadata {
                    Metadata::Commit(id) => json.commit = Some(id.to_string()),
                    Metadata::Tag(id) => json.tag = Some(id.to_string()),
                    Metadata::File(path) | Metadata::EntryName(path) => json.set_path(path.as_bstr()),
                    Metadata::RemoteRefName => json.remote = Some(true),
                    Metadata::RefName => {}
                }
                json.set_commit(metadata.commit.as_ref());
                json.set_reach(&metadata.reach);
            }
        }
        json
    }

    /// The commit of a place in a history.
    pub(super) fn history_commit(&self) -> Option<&str> {
        let is_history = matches!(self.kind, PlaceKind::Git | PlaceKind::GitMetadata);
        self.commit.as_deref().filter(|_| is_history)
    }

    fn set_path(&mut self, path: &BStr) {
        self.path = Some(path.to_str_lossy().into_owned());
        self.path_bytes = bytes_if_not_utf8(path);
    }

    fn set_commit(&mut self, commit: Option<&CommitSummary>) {
        if let Some(commit) = commit {
            self.commit = Some(commit.id.to_string());
            self.author = Some(commit.author.to_str_lossy().into_owned());
            self.date = Some(commit.date());
        }
    }

    fn set_reach(&mut self, reach: &keysieve_model::finding::Reach) {
        self.refs = Some(reach.refs.iter().map(|name| name.to_str_lossy().into_owned()).collect());
        self.more_refs = Some(reach.more_refs).filter(|&more| more > 0);
    }
}

/// The bytes in base64, where text cannot stand for them.
fn bytes_if_not_utf8(bytes: &[u8]) -> Option<String> {
    bytes.to_str().is_err().then(|| BASE64.encode(bytes))
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SummaryJson {
    pub(super) r#type: Type,
    pub(super) schema: u32,
    pub(super) complete: bool,
    pub(super) findings: usize,
    /// How many mistakes they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) groups: Option<usize>,
    #[serde(flatten)]
    pub(super) about: AboutJson,
    /// Those that change the exit code, and environment files that do; absent in files of earlier versions.
    pub(super) failing: Option<usize>,
    #[serde(default)]
    pub(super) suppressed: SuppressedJson,
    /// The findings that were suppressed, to recognise them in other results; absent in files of earlier versions, and where
    /// none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) suppressed_ids: Option<Vec<SuppressedIdJson>>,
    #[serde(default)]
    pub(super) in_ignored_env: usize,
    #[serde(default)]
    pub(super) env_files: Vec<EnvFileJson>,
    pub(super) read: ReadJson,
    pub(super) unread: Vec<UnreadJson>,
    #[serde(default)]
    pub(super) skipped: Vec<UnreadJson>,
    #[serde(default)]
    pub(super) accepted_unread: Vec<UnreadJson>,
    #[serde(default)]
    pub(super) notices: Vec<String>,
    /// What was looked for besides what the rules say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) swept: Option<SweptJson>,
    pub(super) seconds: f64,
    /// When the run ended, RFC 3339 in UTC; absent in files of earlier versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) finished: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct SuppressedJson {
    pub(super) baseline: usize,
    pub(super) inline: usize,
    pub(super) config: usize,
    /// By `--exclude`; counted as `config` in files of earlier versions.
    #[serde(default)]
    pub(super) excluded: usize,
}

impl SuppressedJson {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        let Self { baseline, inline, config, excluded } = self;
        baseline + inline + config + excluded
    }
}

/// How many places of a suppressed finding are named.
const MAX_SUPPRESSED_PLACES: usize = 3;

/// A suppressed finding, as short as it can be recognised. A baseline changes fingerprints, so they are not enough.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SuppressedIdJson {
    pub(super) fingerprint: String,
    pub(super) rule: String,
    pub(super) by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) variable: Option<String>,
    pub(super) hint: String,
    #[serde(default)]
    pub(super) places: Vec<SuppressedPlaceJson>,
}

/// Where a suppressed finding is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SuppressedPlaceJson {
    /// The path, or what else its place is called.
    pub(super) path: String,
    pub(super) line: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) commit: Option<String>,
}

impl SuppressedIdJson {
    fn new(outcome: &Outcome, suppressed: &Suppressed) -> Self {
        let Suppressed { finding, by, .. } = suppressed;
        let place = |place: &Place| {
            let json = PlaceJson::new(place);
            let commit = json.history_commit().map(str::to_owned);
            SuppressedPlaceJson { path: json.name(), line: json.line, commit }
        };
        Self {
            fingerprint: finding.fingerprint.to_string(),
            rule: outcome.rules.rule(finding.rule).id.to_string(),
            by: by.to_string(),
            variable: finding.variable.clone(),
            hint: finding.hint(),
            places: finding.places.iter().take(MAX_SUPPRESSED_PLACES).map(place).collect(),
        }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ReadJson {
    pub(super) commits: u64,
    pub(super) tags: u64,
    pub(super) blobs: u64,
    pub(super) known: u64,
    pub(super) bytes: u64,
    pub(super) files: u64,
    pub(super) layers: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct UnreadJson {
    pub(super) what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) what_bytes: Option<String>,
    pub(super) why: String,
}

/// An environment file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct EnvFileJson {
    #[serde(default)]
    pub(super) r#type: String,
    pub(super) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path_bytes: Option<String>,
    /// The first of the states.
    pub(super) state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) severity: Option<String>,
    #[serde(default)]
    pub(super) exposes_secret: bool,
    /// Absent in files of earlier versions.
    #[serde(default)]
    pub(super) states: Vec<EnvStateJson>,
    #[serde(default)]
    pub(super) secrets: Vec<EnvSecretJson>,
    /// What each value is that the file has on disk.
    #[serde(default)]
    pub(super) values: Vec<EnvValueJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pushed: Option<bool>,
    #[serde(flatten)]
    pub(super) image: ImageJson,
    pub(super) fix: String,
    #[serde(default)]
    pub(super) fixes: Vec<String>,
    #[serde(default)]
    pub(super) add: Vec<AdditionJson>,
}

/// What holds for an environment file, with what decides it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct EnvStateJson {
    pub(super) state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) severity: Option<String>,
    /// The same as a sentence goes on with it behind the path.
    #[serde(default)]
    pub(super) told: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<usize>,
    /// The pattern or instruction at that line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mode: Option<String>,
}

/// A secret in an environment file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct EnvSecretJson {
    pub(super) line: u64,
    pub(super) name: String,
}

/// What the value of a variable is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct EnvValueJson {
    pub(super) line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// `placeholder`, `public`, `weak` or `secret`.
    pub(super) judgement: String,
}

/// A line that an ignore file lacks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AdditionJson {
    pub(super) file: String,
    pub(super) line: String,
}

impl EnvFileJson {
    fn new(file: &EnvFile) -> Self {
        let committed = file.states.iter().find_map(|state| match state {
            EnvState::Committed { introduced, last, pushed, .. } => Some((introduced, last, *pushed)),
            _ => None,
        });
        let first = committed.and_then(|(introduced, ..)| introduced.as_ref());
        let last = committed.and_then(|(_, last, _)| last.as_ref());
        let image = file.states.iter().find_map(|state| match state {
            EnvState::InImage(place) => Some(ImageJson::new(place)),
            _ => None,
        });
        let holds_secret = !file.secrets.is_empty();
        let secret = |secret: &SecretValue| EnvSecretJson { line: secret.line, name: secret.name.clone() };
        let text = |text: &BString| text.to_str_lossy().into_owned();
        let value = |value: &JudgedValue| EnvValueJson {
            line: value.line,
            name: value.name.as_ref().map(text),
            judgement: value.judgement.name().to_owned(),
        };
        let addition =
            |addition: &Addition| AdditionJson { file: text(&addition.file), line: text(&addition.line) };
        Self {
            r#type: "env_file".to_owned(),
            path: text(&file.path),
            path_bytes: bytes_if_not_utf8(&file.path),
            state: file.states.first().map_or("", EnvState::name).to_owned(),
            severity: file.severity().map(|level| severity(level).to_owned()),
            exposes_secret: file.exposes_secret(),
            states: file.states.iter().map(|state| EnvStateJson::new(state, holds_secret)).collect(),
            secrets: file.secrets.iter().map(secret).collect(),
            values: file.values.iter().map(value).collect(),
            commit: first.map(|commit| commit.id.to_string()),
            last_commit: last.map(|commit| commit.id.to_string()),
            author: first.map(|commit| text(&commit.author)),
            date: first.map(CommitSummary::date),
            pushed: committed.map(|(.., pushed)| pushed),
            image: image.unwrap_or_default(),
            fix: file.fix(),
            fixes: file.fixes(),
            add: file.additions.iter().map(addition).collect(),
        }
    }
}

impl EnvStateJson {
    fn new(state: &EnvState, holds_secret: bool) -> Self {
        let text = |text: &BString| Some(text.to_str_lossy().into_owned());
        let json = Self {
            state: state.name().to_owned(),
            severity: state.severity(holds_secret).map(|level| severity(level).to_owned()),
            told: super::env::told(state),
            ..Self::default()
        };
        match state {
            EnvState::ForceAdded(by)
            | EnvState::IgnoredByOwn(by)
            | EnvState::Ignored(by)
            | EnvState::TakenBack(TakenBack { by, .. }) => {
                Self { file: text(&by.file), line: Some(by.line), text: text(&by.pattern), ..json }
            }
            EnvState::InBuildContext { dockerfile, line, instruction, .. } => {
                Self { file: text(dockerfile), line: Some(*line), text: text(instruction), ..json }
            }
            EnvState::InPackage { file, why, .. } => {
                Self { file: text(file), text: Some(why.clone()), ..json }
            }
            EnvState::ReadableByOthers { mode } => Self { mode: Some(format!("{mode:04o}")), ..json },
            EnvState::Tracked { .. }
            | EnvState::Staged
            | EnvState::Committed { .. }
            | EnvState::FilledTemplate
            | EnvState::InImage(_)
            | EnvState::NotIgnored
            | EnvState::Unknown
            | EnvState::Template => json,
        }
    }
}

impl SummaryJson {
    /// The summary of a run of which nothing is known but that so many findings were saved.
    pub(super) fn missing(findings: usize) -> Self {
        Self {
            r#type: Type::Summary,
            schema: SCHEMA,
            complete: false,
            findings,
            groups: None,
            about: AboutJson::default(),
            failing: None,
            suppressed: SuppressedJson::default(),
            suppressed_ids: None,
            in_ignored_env: 0,
            env_files: Vec::new(),
            read: ReadJson::default(),
            unread: Vec::new(),
            skipped: Vec::new(),
            accepted_unread: Vec::new(),
            notices: Vec::new(),
            swept: None,
            seconds: 0.0,
            finished: None,
        }
    }

    fn new(outcome: &Outcome, options: Options) -> Self {
        let told = |file: &&EnvFile| options.show_fine || file.severity().is_some();
        let read = outcome.coverage.read;
        let unread = |list: &[Unread]| {
            list.iter()
                .map(|unread| UnreadJson {
                    what: unread.what.to_str_lossy().into_owned(),
                    what_bytes: bytes_if_not_utf8(&unread.what),
                    why: unread.why.clone(),
                })
                .collect()
        };
        Self {
            r#type: Type::Summary,
            schema: SCHEMA,
            complete: outcome.coverage.is_complete(),
            findings: outcome.findings.len(),
            groups: None,
            about: AboutJson::new(outcome),
            failing: Some(outcome.failing()),
            suppressed: SuppressedJson {
                baseline: suppressed_by(outcome, By::Baseline),
                inline: suppressed_by(outcome, By::Marker),
                config: suppressed_by(outcome, By::Config),
                excluded: suppressed_by(outcome, By::Exclude),
            },
            suppressed_ids: (!outcome.suppressed.is_empty()).then(|| {
                outcome
                    .suppressed
                    .iter()
                    .map(|suppressed| SuppressedIdJson::new(outcome, suppressed))
                    .collect()
            }),
            in_ignored_env: outcome.kept_in_env,
            env_files: outcome.env_files.iter().filter(told).map(EnvFileJson::new).collect(),
            read: ReadJson {
                commits: read.commits,
                tags: read.tags,
                blobs: read.blobs,
                known: read.known,
                bytes: read.bytes,
                files: read.files,
                layers: read.layers,
            },
            unread: unread(&outcome.coverage.unread),
            skipped: unread(&outcome.coverage.skipped),
            accepted_unread: unread(&outcome.coverage.accepted),
            notices: outcome.notices.clone(),
            swept: outcome.swept.as_ref().map(SweptJson::new),
            seconds: if options.is_reproducible {
                0.0
            } else {
                (outcome.elapsed.as_secs_f64() * 1000.0).round() / 1000.0
            },
            finished: Some(utc_time(options.finished_seconds)),
        }
    }
}
