//! JSON and JSON Lines, version 1. Fields are added, never renamed or reused; readers ignore those they do not know.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bstr::{BStr, BString, ByteSlice};
use serde::Serialize;

use crate::coverage::Unread;
use crate::dotenv::{EnvFile, EnvState};
use crate::finding::{CommitSummary, Container, Exposure, Finding, ImagePlace, Place, Removal};
use crate::provenance::Metadata;
use crate::rules::{Confidence, Severity};
use crate::scan::Outcome;
use crate::suppress::By;

use super::values::{SweptJson, ValuesJson};
use super::{Options, suppressed_by};

const SCHEMA: u32 = 1;

/// One document: `{"findings":[...],"summary":{...}}`, the objects those of JSON Lines.
pub(super) fn write_document(out: &mut dyn io::Write, outcome: &Outcome, options: Options) -> io::Result<()> {
    let findings =
        outcome.findings.iter().map(|finding| FindingJson::new(outcome, finding, options)).collect();
    let suppressed = options.show_suppressed.then(|| suppressed(outcome, options).collect());
    let document = Document { findings, suppressed, summary: SummaryJson::new(outcome) };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

/// One object a finding, then the summary.
pub(super) fn write_lines(out: &mut dyn io::Write, outcome: &Outcome, options: Options) -> io::Result<()> {
    for finding in &outcome.findings {
        serde_json::to_writer(&mut *out, &FindingJson::new(outcome, finding, options))?;
        out.write_all(b"\n")?;
    }
    if options.show_suppressed {
        for suppressed in suppressed(outcome, options) {
            serde_json::to_writer(&mut *out, &suppressed)?;
            out.write_all(b"\n")?;
        }
    }
    serde_json::to_writer(&mut *out, &SummaryJson::new(outcome))?;
    out.write_all(b"\n")
}

/// What was suppressed, as findings of type `suppressed` with what removed them.
fn suppressed(outcome: &Outcome, options: Options) -> impl Iterator<Item = SuppressedFindingJson<'_>> {
    outcome.suppressed.iter().map(move |suppressed| SuppressedFindingJson {
        finding: FindingJson {
            r#type: "suppressed",
            ..FindingJson::new(outcome, &suppressed.finding, options)
        },
        by: suppressed.by.to_string(),
        reason: suppressed.reason.as_deref(),
    })
}

#[derive(Serialize)]
struct SuppressedFindingJson<'a> {
    #[serde(flatten)]
    finding: FindingJson<'a>,
    by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct Document<'a> {
    findings: Vec<FindingJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<Vec<SuppressedFindingJson<'a>>>,
    summary: SummaryJson,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    r#type: &'static str,
    schema: u32,
    rule: &'a str,
    name: &'a str,
    provider: &'a str,
    severity: &'static str,
    confidence: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    hint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_bytes: Option<String>,
    exposure: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    fix: &'a str,
    references: Vec<&'a str>,
    places: Vec<PlaceJson>,
    #[serde(flatten)]
    values: ValuesJson<'a>,
}

impl<'a> FindingJson<'a> {
    fn new(outcome: &'a Outcome, finding: &'a Finding, options: Options) -> Self {
        let rule = outcome.rules.rule(finding.rule);
        let is_shown = options.show_secrets && finding.values.is_empty();
        let shown = is_shown.then(|| finding.secret.expose());
        Self {
            r#type: "finding",
            schema: SCHEMA,
            rule: &rule.id,
            name: &rule.name,
            provider: &rule.provider,
            severity: severity(finding.severity),
            confidence: confidence(finding.confidence),
            fingerprint: finding.shows_fingerprint.then(|| finding.fingerprint.to_string()),
            hint: finding.hint(),
            secret: shown.map(|secret| secret.to_str_lossy().into_owned()),
            secret_bytes: shown.and_then(bytes_if_not_utf8),
            exposure: exposure(finding.exposure),
            note: finding.note.as_deref(),
            fix: &rule.fix,
            references: rule.references.iter().map(AsRef::as_ref).collect(),
            places: finding.places.iter().map(PlaceJson::new).collect(),
            values: ValuesJson::new(outcome, finding),
        }
    }
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
    }
}

/// A place; what does not apply is absent.
#[derive(Serialize, Default)]
struct PlaceJson {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
    line: u64,
    column: u64,
    end_line: u64,
    end_column: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    versions: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_head: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refs: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    more_refs: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignored: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member_bytes: Option<String>,
    #[serde(flatten)]
    image: ImageJson,
}

/// Where in an image a thing lies.
#[derive(Serialize, Default)]
struct ImageJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff_id: Option<String>,
    /// Counts from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    layer_number: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instruction: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<String>,
    /// `deleted`, `hidden` or `overwritten`.
    #[serde(skip_serializing_if = "Option::is_none")]
    removal: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_by_number: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_by_instruction: Option<String>,
}

impl ImageJson {
    fn new(place: &ImagePlace) -> Self {
        let text = |text: &BString| text.to_str_lossy().into_owned();
        let layer = place.layer.as_ref();
        let removal = place.removal.as_ref();
        let remover = removal.map(|removal| &removal.layer);
        Self {
            image: Some(text(&place.image)),
            layer: layer.map(|layer| layer.digest.clone()),
            diff_id: layer.and_then(|layer| layer.diff_id.clone()),
            layer_number: layer.map(|layer| layer.position),
            layer_count: layer.map(|layer| layer.layers),
            instruction: layer.and_then(|layer| layer.instruction.as_ref()).map(text),
            document: place.document.as_ref().map(text),
            removal: removal.map(|removal| match removal.removal {
                Removal::Deleted => "deleted",
                Removal::Hidden => "hidden",
                Removal::Overwritten => "overwritten",
            }),
            deleted_by: remover.map(|layer| layer.digest.clone()),
            deleted_by_number: remover.map(|layer| layer.position),
            deleted_by_instruction: remover.and_then(|layer| layer.instruction.as_ref()).map(text),
        }
    }
}

impl PlaceJson {
    fn new(place: &Place) -> Self {
        let location = place.location;
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
                json.kind = "worktree";
                json.ignored = ignored.then_some(true);
                json.set_path(path.as_bstr());
            }
            Container::Stdin => json.kind = "stdin",
            Container::Image(image) => {
                json.kind = "image";
                json.field = image.field.as_ref().map(|field| field.to_str_lossy().into_owned());
                if let Some(path) = &image.path {
                    json.set_path(path.as_bstr());
                }
                json.image = ImageJson::new(image);
            }
            Container::History(history) => {
                json.kind = "git";
                if let Some(path) = &history.path {
                    json.set_path(path.as_bstr());
                }
                json.blob = Some(history.blob.to_string());
                json.versions = Some(history.versions.len());
                json.in_head = Some(history.in_head);
                json.last_commit = history.last.as_ref().map(|commit| commit.id.to_string());
                json.set_commit(history.introduced.as_ref());
                json.set_reach(&history.reach);
            }
            Container::Metadata(metadata) => {
                json.kind = "git-metadata";
                json.field = Some(metadata.field.to_owned()).filter(|field| !field.is_empty());
                match &metadata.metadata {
                    Metadata::Commit(id) => json.commit = Some(id.to_string()),
                    Metadata::Tag(id) => json.tag = Some(id.to_string()),
                    Metadata::File(path) | Metadata::EntryName(path) => json.set_path(path.as_bstr()),
                    Metadata::RefName | Metadata::RemoteRefName => {}
                }
                json.set_commit(metadata.commit.as_ref());
                json.set_reach(&metadata.reach);
            }
        }
        json
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

    fn set_reach(&mut self, reach: &crate::finding::Reach) {
        self.refs = Some(reach.refs.iter().map(|name| name.to_str_lossy().into_owned()).collect());
        self.more_refs = Some(reach.more_refs).filter(|&more| more > 0);
    }
}

/// The bytes in base64, where text cannot stand for them.
fn bytes_if_not_utf8(bytes: &[u8]) -> Option<String> {
    bytes.to_str().is_err().then(|| BASE64.encode(bytes))
}

#[derive(Serialize)]
struct SummaryJson {
    r#type: &'static str,
    schema: u32,
    complete: bool,
    findings: usize,
    suppressed: SuppressedJson,
    in_ignored_env: usize,
    env_files: Vec<EnvFileJson>,
    read: ReadJson,
    unread: Vec<UnreadJson>,
    skipped: Vec<UnreadJson>,
    accepted_unread: Vec<UnreadJson>,
    notices: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    swept: Option<SweptJson>,
    seconds: f64,
}

#[derive(Serialize)]
struct SuppressedJson {
    baseline: usize,
    inline: usize,
    config: usize,
}

#[derive(Serialize)]
struct ReadJson {
    commits: u64,
    tags: u64,
    blobs: u64,
    known: u64,
    bytes: u64,
    files: u64,
    layers: u64,
}

#[derive(Serialize)]
struct UnreadJson {
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    what_bytes: Option<String>,
    why: String,
}

#[derive(Serialize)]
struct EnvFileJson {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pushed: Option<bool>,
    #[serde(flatten)]
    image: ImageJson,
    fix: String,
}

impl EnvFileJson {
    fn new(file: &EnvFile) -> Self {
        let (state, commit, pushed) = match &file.state {
            EnvState::Tracked => ("tracked", None, None),
            EnvState::Committed { introduced, pushed } => {
                ("committed", introduced.as_ref().map(|commit| commit.id.to_string()), Some(*pushed))
            }
            EnvState::NotIgnored => ("not-ignored", None, None),
            EnvState::InImage(_) => ("in-image", None, None),
        };
        let image = match &file.state {
            EnvState::InImage(place) => ImageJson::new(place),
            _ => ImageJson::default(),
        };
        Self {
            path: file.path.to_str_lossy().into_owned(),
            path_bytes: bytes_if_not_utf8(&file.path),
            state,
            commit,
            pushed,
            image,
            fix: file.fix(),
        }
    }
}

impl SummaryJson {
    fn new(outcome: &Outcome) -> Self {
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
            r#type: "summary",
            schema: SCHEMA,
            complete: outcome.coverage.is_complete(),
            findings: outcome.findings.len(),
            suppressed: SuppressedJson {
                baseline: suppressed_by(outcome, By::Baseline),
                inline: suppressed_by(outcome, By::Marker),
                config: suppressed_by(outcome, By::Config),
            },
            in_ignored_env: outcome.kept_in_env,
            env_files: outcome.env_files.iter().map(EnvFileJson::new).collect(),
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
            seconds: (outcome.elapsed.as_secs_f64() * 1000.0).round() / 1000.0,
        }
    }
}
