//! SARIF 2.1.0, <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>, as code scanning services read it.
//!
//! It names no author and no address: whoever may see alerts need not see those. Columns count bytes, as everywhere here; SARIF has
//! no such unit, so that they are too large on lines with characters beyond ASCII.

use std::collections::BTreeMap;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use sha2::{Digest, Sha256};

use keysieve_rules::{Confidence, Severity};

use super::json::{
    EnvFileJson, FindingJson, ImageJson, PlaceJson, PlaceKind, Results, SuppressedFindingJson,
};
use super::text::{group, plural};
use super::words::{Authors, is_link};
use super::{escaped, json, markdown};

/// What GitHub takes, <https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>:
/// it shows so many results of a run, the worst first.
const MAX_RESULTS: usize = 5_000;
/// It shows so many locations of a result.
const MAX_PLACES: usize = 100;
/// It takes so many bytes, compressed with gzip.
const MAX_GZIP_BYTES: usize = 10_000_000;
/// How many things that were not read are listed one by one.
const MAX_UNREAD: usize = 200;

const ENV_RULE: &str = "env-file";

/// Writes the log; gives what was left out of it.
pub(super) fn write(out: &mut dyn Write, results: &Results) -> io::Result<Vec<String>> {
    let mut most = MAX_RESULTS;
    loop {
        let cuts = cuts(results, most);
        let mut text = serde_json::to_vec_pretty(&Log::new(results, most, &cuts))?;
        text.push(b'\n');
        let bytes = gzip_bytes(&text)?;
        if bytes > MAX_GZIP_BYTES && most > 1 {
            // Results differ in size: a little less than their share.
            most = (most.min(count(results)) * (MAX_GZIP_BYTES / 1000) / (bytes / 1000) * 9 / 10)
                .clamp(1, most - 1);
            continue;
        }
        out.write_all(&text)?;
        return Ok(cuts);
    }
}

fn gzip_bytes(text: &[u8]) -> io::Result<usize> {
    if text.len() < MAX_GZIP_BYTES {
        return Ok(text.len());
    }
    let mut encoder = GzEncoder::new(Counter(0), Compression::default());
    encoder.write_all(text)?;
    Ok(encoder.finish()?.0)
}

/// Counts what is written to it.
struct Counter(usize);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn count(results: &Results) -> usize {
    results.findings.len() + results.summary.env_files.len() + results.suppressed().len()
}

/// What is left out where there are `most` results, for people.
fn cuts(results: &Results, most: usize) -> Vec<String> {
    let mut cuts = Vec::new();
    if count(results) > most {
        cuts.push(format!(
            "SARIF: {} of {} results are in it, the worst ones: GitHub shows no more; --format jsonl has all",
            group(most as u64),
            group(count(results) as u64)
        ));
    }
    let is_cut = |finding: &&FindingJson| finding.places.len() > MAX_PLACES;
    let crowded = results.findings.iter().filter(is_cut).count();
    if crowded > 0 {
        let findings = plural(crowded as u64, "finding");
        cuts.push(format!(
            "SARIF: {MAX_PLACES} places of each of {findings} are in it; --format jsonl has all"
        ));
    }
    cuts
}

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    #[serde(skip_serializing_if = "Option::is_none")]
    automation_details: Option<AutomationDetails>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    version_control_provenance: Vec<VersionControlDetails>,
    column_kind: &'static str,
    original_uri_base_ids: BTreeMap<&'static str, BaseUri>,
    invocations: [Invocation; 1],
    results: Vec<ResultObject>,
}

/// What kind of run it was. A service compares a run with earlier ones of the same kind: what a range does not have is not fixed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AutomationDetails {
    id: String,
    description: Message,
}

/// The repository that was scanned, and its state.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VersionControlDetails {
    repository_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<String>,
    mapped_to: MappedTo,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MappedTo {
    uri_base_id: &'static str,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    information_uri: &'static str,
    rules: Vec<Rule>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    properties: BTreeMap<&'static str, String>,
}

/// What relative addresses are relative to. The address itself is left to the reader: it differs from machine to machine.
#[derive(Serialize)]
struct BaseUri {
    description: Message,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    short_description: Message,
    full_description: Message,
    help: Help,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<String>,
    default_configuration: Configuration,
    properties: RuleProperties,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct RuleProperties {
    /// GitHub's scale: above 9.0 critical, from 7.0 high, from 4.0 medium, else low.
    #[serde(rename = "security-severity")]
    security_severity: &'static str,
    precision: &'static str,
    tags: [&'static str; 2],
}

#[derive(Serialize)]
struct Message {
    text: String,
}

impl Message {
    /// A message of which nothing is taken for a link or a placeholder.
    fn new(text: &str) -> Self {
        let mut quoted = String::with_capacity(text.len());
        for character in text.chars() {
            match character {
                '[' | ']' | '\\' => quoted.extend(['\\', character]),
                '{' | '}' => quoted.extend([character, character]),
                _ => quoted.push(character),
            }
        }
        Self { text: quoted }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    #[serde(skip_serializing_if = "Option::is_none")]
    command_line: Option<String>,
    execution_successful: bool,
    exit_code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time_utc: Option<String>,
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Message,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultObject {
    rule_id: String,
    rule_index: usize,
    level: &'static str,
    message: Message,
    locations: [Location; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Suppression>,
    properties: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<LogicalLocation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
    /// The image, its platform and layer, and their digests.
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<ImageJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactLocation {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<u64>,
}

/// A place that is no line of a file: a member of an archive, a commit's message.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    fully_qualified_name: String,
}

#[derive(Serialize)]
struct Suppression {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<String>,
}

/// Where paths of a repository, and of the folder that was scanned, are relative to.
const SOURCES: &str = "%SRCROOT%";
/// Where paths of an image's file system are relative to.
const IMAGE: &str = "IMAGEROOT";

impl Log {
    fn new(results: &Results, most: usize, cuts: &[String]) -> Self {
        let findings: Vec<&FindingJson> = results.findings.iter().take(most).collect();
        let env_files = results.summary.env_files.iter().take(most - findings.len());
        let env_files: Vec<&EnvFileJson> = env_files.collect();
        let suppressed = results.suppressed().iter().take(most - findings.len() - env_files.len());
        let suppressed: Vec<&SuppressedFindingJson> = suppressed.collect();
        let told = findings.iter().copied().chain(suppressed.iter().map(|suppressed| &suppressed.finding));
        let rules = rules(told, &env_files);
        let index = |id: &str| rules.keys().position(|rule| rule == id).unwrap_or_default();
        let mut objects: Vec<ResultObject> = Vec::with_capacity(findings.len());
        objects
            .extend(findings.iter().map(|finding| result(finding, index(&escaped(finding.rule.as_bytes())))));
        objects.extend(env_files.iter().map(|file| env_result(file, index(ENV_RULE))));
        objects.extend(suppressed.iter().map(|suppressed| ResultObject {
            suppressions: vec![suppression(suppressed)],
            ..result(&suppressed.finding, index(&escaped(suppressed.finding.rule.as_bytes())))
        }));
        let base = |text| BaseUri { description: Message::new(text) };
        Self {
            schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
            version: "2.1.0",
            runs: [Run {
                tool: Tool {
                    driver: Driver {
                        name: "keysieve",
                        semantic_version: env!("CARGO_PKG_VERSION"),
                        information_uri: env!("CARGO_PKG_REPOSITORY"),
                        rules: rules.into_values().collect(),
                        properties: driver_properties(results),
                    },
                },
                automation_details: automation_details(results),
                version_control_provenance: version_control(results).into_iter().collect(),
                column_kind: "unicodeCodePoints",
                original_uri_base_ids: BTreeMap::from([
                    (
                        SOURCES,
                        base("The top of the repository, or the folder in which the scan was started."),
                    ),
                    (IMAGE, base("The root of the container image's file system.")),
                ]),
                invocations: [invocation(results, cuts)],
                results: objects,
            }],
        }
    }
}

/// The version of the rules, and the configuration.
fn driver_properties(results: &Results) -> BTreeMap<&'static str, String> {
    let about = &results.summary.about;
    let rules = about.rules.as_ref().map(|rules| ("rulesVersion", escaped(rules.version.as_bytes())));
    let configuration = about.configuration_text().map(|files| ("configuration", files));
    rules.into_iter().chain(configuration).collect()
}

/// `keysieve/audit/`: what is in front of the last slash names the kind of run.
fn automation_details(results: &Results) -> Option<AutomationDetails> {
    let command = results.summary.about.command_text()?;
    let words: Vec<&str> = command.split(' ').collect();
    let name = words.get(1).filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase()))?;
    Some(AutomationDetails { id: format!("keysieve/{name}/"), description: Message::new(&command) })
}

/// The repository, where its remote has an address that others can use.
fn version_control(results: &Results) -> Option<VersionControlDetails> {
    let repository = results.summary.about.repository.as_ref()?;
    let (scheme, rest) = repository.url.as_deref()?.split_once("://")?;
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    if !scheme.bytes().all(is_scheme) || !scheme.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return None;
    }
    // Ports and addresses in brackets are written as they are.
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte)) {
        return None;
    }
    Some(VersionControlDetails {
        repository_uri: format!("{scheme}://{host}{}", percent_encoded(path.as_bytes())),
        revision_id: repository.head.as_ref().map(|head| escaped(head.as_bytes())),
        branch: repository.branch.as_ref().map(|branch| escaped(branch.as_bytes())),
        mapped_to: MappedTo { uri_base_id: SOURCES },
    })
}

fn invocation(results: &Results, cuts: &[String]) -> Invocation {
    let summary = &results.summary;
    let notification = |level, text: &str| Notification { level, message: Message::new(text) };
    let mut notifications: Vec<Notification> = Vec::new();
    let lists = [
        ("error", "not read", &summary.unread),
        ("note", "not read, as the configuration accepts", &summary.accepted_unread),
        ("note", "passed over on purpose", &summary.skipped),
    ];
    for (level, words, list) in lists {
        let told = list.iter().take(MAX_UNREAD);
        notifications.extend(told.map(|unread| notification(level, &format!("{words}: {}", unread.told()))));
        if let Some(more @ 1..) = list.len().checked_sub(MAX_UNREAD) {
            notifications.push(notification(level, &format!("{words}: {} more", group(more as u64))));
        }
    }
    notifications.extend(cuts.iter().map(|cut| notification("warning", cut)));
    notifications
        .extend(summary.notices.iter().map(|notice| notification("note", &escaped(notice.as_bytes()))));
    notifications
        .push(notification("note", &format!("read: {}; {}", summary.read_text(), results.verdict())));
    Invocation {
        command_line: summary.about.command_text(),
        execution_successful: results.is_complete(),
        exit_code: match (results.is_complete(), results.failing()) {
            (false, _) => 2,
            (true, 0) => 0,
            (true, _) => 1,
        },
        end_time_utc: summary.finished_seconds().map(keysieve_model::finding::utc_time),
        tool_execution_notifications: notifications,
    }
}

/// The rules that found something, by id; of their findings' severities and confidences the highest.
fn rules<'a>(
    findings: impl Iterator<Item = &'a FindingJson>,
    env_files: &[&EnvFileJson],
) -> BTreeMap<String, Rule> {
    let mut worst: BTreeMap<&str, (&FindingJson, Severity, Confidence)> = BTreeMap::new();
    for finding in findings {
        let entry = worst.entry(&finding.rule).or_insert((finding, finding.severity, finding.confidence));
        entry.1 = entry.1.max(finding.severity);
        entry.2 = entry.2.max(finding.confidence);
    }
    let mut rules: BTreeMap<String, Rule> = worst
        .into_iter()
        .map(|(id, (finding, severity, confidence))| {
            (escaped(id.as_bytes()), rule(finding, severity, confidence))
        })
        .collect();
    if !env_files.is_empty() {
        let is_failing = env_files.iter().any(|file| file.is_failing());
        let severity = if is_failing { Severity::High } else { Severity::Medium };
        rules.insert(ENV_RULE.to_owned(), env_rule(severity));
    }
    rules
}

fn rule(finding: &FindingJson, severity: Severity, confidence: Confidence) -> Rule {
    let name = escaped(finding.name.as_bytes());
    // Further lines are about this one secret.
    let fix = finding.fix_lines().into_iter().next().unwrap_or_default();
    let links = finding.references.iter().filter(|reference| is_link(reference));
    let links: String = links.map(|link| format!("\n- <{link}>")).collect();
    let documented = if links.is_empty() { String::new() } else { format!("\n\nDocumented at:\n{links}") };
    let issuer = if finding.provider.is_empty() {
        String::new()
    } else {
        format!(" Issued by {}.", escaped(finding.provider.as_bytes()))
    };
    let why = "Whoever can read the repository, or a copy of it, can use it. Deleting it in a new commit does not take it out \
               of the history.";
    Rule {
        id: escaped(finding.rule.as_bytes()),
        short_description: Message::new(&name),
        full_description: Message::new(&format!("{name} in files or in the history.{issuer}")),
        help: Help {
            text: format!("{why}\n\nFix: {fix}"),
            markdown: format!("{why}\n\n**Fix:** {}{documented}", markdown::text(&fix)),
        },
        help_uri: finding.references.iter().find(|reference| is_link(reference)).cloned(),
        default_configuration: Configuration { level: level(severity) },
        properties: RuleProperties {
            security_severity: security_severity(severity),
            precision: json::confidence(confidence),
            tags: ["security", "secret"],
        },
    }
}

fn env_rule(severity: Severity) -> Rule {
    let what = "An environment file belongs to one machine: not into git, and not into an image.";
    let fix = "List it in .gitignore and .dockerignore, take it out of git with `git rm --cached`, and rotate what it held.";
    Rule {
        id: ENV_RULE.to_owned(),
        short_description: Message::new("Environment file where others get it"),
        full_description: Message::new(what),
        help: Help { text: format!("{what}\n\nFix: {fix}"), markdown: format!("{what}\n\n**Fix:** {fix}") },
        help_uri: None,
        default_configuration: Configuration { level: level(severity) },
        properties: RuleProperties {
            security_severity: security_severity(severity),
            precision: "high",
            tags: ["security", "secret"],
        },
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.5",
    }
}

fn result(finding: &FindingJson, rule_index: usize) -> ResultObject {
    let places = finding.places_by_rank();
    let (first, others) = match places.split_first() {
        Some((first, others)) => (location(first, None), others),
        None => (location(&PlaceJson::default(), None), [].as_slice()),
    };
    let exposure = json::exposure(finding.exposure);
    let at = places.first().map(|place| place.at()).unwrap_or_default();
    let name = escaped(finding.name.as_bytes());
    let hint = escaped(finding.hint.as_bytes());
    let fingerprint = escaped(finding.fingerprint.as_bytes());
    let secret = finding.raw_secret().map(|secret| format!(" The secret: {}", escaped(&secret)));
    let note =
        finding.note.as_ref().map(|note| format!(" ({})", escaped(note.as_bytes()))).unwrap_or_default();
    // The first line is the rule's help.
    let steps: String = finding.fix_lines().iter().skip(1).map(|line| format!("\n{line}")).collect();
    let message = format!(
        "{name} {hint}{note} at {at}. {exposure}: {}.{}{steps}",
        finding.advice(),
        secret.unwrap_or_default()
    );
    let properties = [
        ("confidence", json::confidence(finding.confidence).to_owned()),
        ("severity", json::severity(finding.severity).to_owned()),
        ("exposure", exposure.to_owned()),
        ("hint", hint),
    ];
    let related = others.iter().take(MAX_PLACES - 1).enumerate();
    ResultObject {
        rule_id: escaped(finding.rule.as_bytes()),
        rule_index,
        level: level(finding.severity),
        message: Message::new(&message),
        locations: [first],
        related_locations: related.map(|(at, place)| location(place, Some(at + 1))).collect(),
        // By value: the same secret is the same alert, wherever it moves. GitHub knows it by the first name only.
        partial_fingerprints: BTreeMap::from([
            ("primaryLocationLineHash", format!("{fingerprint}:1")),
            ("keysieve/v1", fingerprint),
        ]),
        suppressions: Vec::new(),
        properties: properties.into(),
    }
}

fn env_result(file: &EnvFileJson, rule_index: usize) -> ResultObject {
    let path = file.raw_path();
    let severity = if file.is_failing() { Severity::High } else { Severity::Medium };
    let text = format!("{} {}. {}", escaped(&path), file.told(Authors::Left), escaped(file.fix.as_bytes()));
    let digest =
        Sha256::digest([b"keysieve env-file\0", path.as_slice(), b"\0", file.state.as_bytes()].concat());
    let fingerprint: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    ResultObject {
        rule_id: ENV_RULE.to_owned(),
        rule_index,
        level: level(severity),
        message: Message::new(&text),
        locations: [Location {
            id: None,
            physical_location: PhysicalLocation {
                artifact_location: artifact(&path, if file.is_in_image() { IMAGE } else { SOURCES }),
                region: Region::FIRST_LINE,
            },
            logical_locations: Vec::new(),
            message: None,
            properties: file.is_in_image().then(|| file.image.shown()),
        }],
        related_locations: Vec::new(),
        partial_fingerprints: BTreeMap::from([("primaryLocationLineHash", format!("{fingerprint}:1"))]),
        suppressions: Vec::new(),
        properties: BTreeMap::from([("state", escaped(file.state.as_bytes()))]),
    }
}

fn suppression(suppressed: &SuppressedFindingJson) -> Suppression {
    Suppression {
        kind: if suppressed.by == "inline" { "inSource" } else { "external" },
        justification: suppressed.reason.as_ref().map(|reason| escaped(reason.as_bytes())),
    }
}

impl Region {
    /// What a reader that asks for a line gets, where the place is none.
    const FIRST_LINE: Self = Self { start_line: 1, start_column: None, end_line: None, end_column: None };

    fn new(place: &PlaceJson) -> Self {
        if !place.is_in_file() && place.kind != PlaceKind::Stdin {
            return Self::FIRST_LINE;
        }
        Self {
            start_line: place.line.max(1),
            start_column: Some(place.column.max(1)),
            end_line: Some(place.end_line.max(1)),
            end_column: Some(place.end_column.max(1)),
        }
    }
}

fn location(place: &PlaceJson, id: Option<usize>) -> Location {
    let path = match (place.kind, place.raw_path()) {
        // GitHub refuses a result without a file.
        (PlaceKind::GitMetadata, Some(path)) if place.field.is_none() => [b".git/", path.as_slice()].concat(),
        (_, Some(path)) => path,
        (PlaceKind::Stdin | PlaceKind::Document | PlaceKind::Worktree, None) => b"standard-input".to_vec(),
        (PlaceKind::Git | PlaceKind::GitMetadata, None) => b".git".to_vec(),
        (PlaceKind::Image, None) => {
            place.image.document.as_ref().map_or(b"image".to_vec(), |document| document.clone().into_bytes())
        }
    };
    let base = if place.kind == PlaceKind::Image { IMAGE } else { SOURCES };
    let address = (place.kind == PlaceKind::Document).then(|| address(&path)).flatten();
    let facts = place.facts();
    let logical = (!place.is_in_file()).then(|| LogicalLocation { fully_qualified_name: place.at() });
    Location {
        id,
        physical_location: PhysicalLocation {
            artifact_location: address.unwrap_or_else(|| artifact(&path, base)),
            region: Region::new(place),
        },
        logical_locations: logical.into_iter().collect(),
        message: (!facts.is_empty()).then(|| Message::new(&facts.join("; "))),
        properties: (place.kind == PlaceKind::Image).then(|| place.image.shown()),
    }
}

/// A document that has an address lies there, not in the sources.
fn address(path: &[u8]) -> Option<ArtifactLocation> {
    let is_of_address = |byte: &u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(byte);
    let is_address = path.starts_with(b"https://") || path.starts_with(b"http://");
    let uri = std::str::from_utf8(path).ok().filter(|_| is_address && path.iter().all(is_of_address))?;
    Some(ArtifactLocation { uri: uri.to_owned(), uri_base_id: None })
}

fn artifact(path: &[u8], base: &'static str) -> ArtifactLocation {
    let has_drive = path.len() > 2 && path[0].is_ascii_alphabetic() && &path[1..3] == b":/";
    match path {
        _ if has_drive => {
            ArtifactLocation { uri: format!("file:///{}", percent_encoded(path)), uri_base_id: None }
        }
        [b'/', ..] if base == SOURCES => {
            ArtifactLocation { uri: format!("file://{}", percent_encoded(path)), uri_base_id: None }
        }
        _ => {
            let relative = path.strip_prefix(b"/").unwrap_or(path);
            let relative = relative.strip_prefix(b"./").unwrap_or(relative);
            ArtifactLocation { uri: percent_encoded(relative), uri_base_id: Some(base) }
        }
    }
}

/// The path as part of an address, byte for byte: RFC 3986.
fn percent_encoded(path: &[u8]) -> String {
    let mut encoded = String::with_capacity(path.len());
    for &byte in path {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
