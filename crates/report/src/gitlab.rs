//! GitLab's secret detection report, version 15.2.1 of
//! <https://gitlab.com/gitlab-org/security-products/security-report-schemas>: a job's artifact of that name shows up in merge requests
//! and in the vulnerability report.

use std::io::{self, Write};

use serde::Serialize;
use sha2::{Digest, Sha256};

use keysieve_model::finding::utc_time;

use super::dates::parse_rfc3339;
use super::json::{EnvFileJson, FindingJson, PlaceJson, Results};
use super::markdown::{code, text};
use super::text::group;
use super::words::{Authors, capitalised, confidence_text, is_link};
use super::{escaped, json};

const SCHEMA_VERSION: &str = "15.2.1";
/// What GitLab's own analyzer says where there is no commit.
const NO_COMMIT: &str = "0000000";
/// Stands for an id that results from elsewhere leave empty, which the schema refuses.
const NO_ID: &str = "unknown";
/// How long a name and a solution may be, in characters.
const MAX_NAME: usize = 255;
const MAX_SOLUTION: usize = 7000;
/// How many places are named in a description, and how many things that were not read in messages.
const MAX_PLACES: usize = 50;
const MAX_MESSAGES: usize = 100;

/// Writes the report.
pub(super) fn write(out: &mut dyn Write, results: &Results) -> io::Result<()> {
    let findings = results.findings.iter().map(vulnerability);
    let env_files = results.summary.env_files.iter().map(env_vulnerability);
    let report = Report {
        version: SCHEMA_VERSION,
        scan: scan(results),
        vulnerabilities: findings.chain(env_files).collect(),
    };
    serde_json::to_writer_pretty(crate::PlainJson(&mut *out), &report)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Report {
    version: &'static str,
    scan: Scan,
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Serialize)]
struct Scan {
    analyzer: Tool,
    scanner: Tool,
    r#type: &'static str,
    start_time: String,
    end_time: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Message>,
}

#[derive(Serialize)]
struct Tool {
    id: &'static str,
    name: &'static str,
    version: &'static str,
    vendor: Vendor,
}

#[derive(Serialize)]
struct Vendor {
    name: &'static str,
}

#[derive(Serialize)]
struct Message {
    level: &'static str,
    value: String,
}

#[derive(Serialize)]
struct Vulnerability {
    id: String,
    name: String,
    description: String,
    severity: &'static str,
    solution: String,
    identifiers: [Identifier; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link>,
    location: Location,
}

#[derive(Serialize)]
struct Identifier {
    r#type: &'static str,
    name: String,
    value: String,
}

#[derive(Serialize)]
struct Link {
    url: String,
}

#[derive(Serialize)]
struct Location {
    file: String,
    commit: Commit,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u64>,
}

#[derive(Serialize)]
struct Commit {
    sha: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
}

fn scan(results: &Results) -> Scan {
    let summary = &results.summary;
    let finished = summary.finished_seconds().unwrap_or_default();
    // The schema wants UTC without its sign.
    let time = |seconds: i64| utc_time(seconds).trim_end_matches('Z').to_owned();
    let tool = || Tool {
        id: "keysieve",
        name: "keysieve",
        version: env!("CARGO_PKG_VERSION"),
        vendor: Vendor { name: "keysieve" },
    };
    let message = |level, value| Message { level, value };
    let unread = summary.unread.iter().take(MAX_MESSAGES);
    let mut messages: Vec<Message> =
        unread.map(|unread| message("fatal", format!("not read: {}", unread.told()))).collect();
    if let Some(more @ 1..) = summary.unread.len().checked_sub(MAX_MESSAGES) {
        messages.push(message("fatal", format!("not read: {} more", group(more as u64))));
    }
    messages.push(message("info", format!("{}; read: {}", results.verdict(), summary.read_text())));
    messages
        .extend(summary.facts().into_iter().map(|(name, fact)| message("info", format!("{name}: {fact}"))));
    Scan {
        analyzer: tool(),
        scanner: tool(),
        r#type: "secret_detection",
        start_time: time(finished.saturating_sub(summary.seconds.ceil() as i64)),
        end_time: time(finished),
        status: if results.is_complete() { "success" } else { "failure" },
        messages,
    }
}

fn vulnerability(finding: &FindingJson) -> Vulnerability {
    let places = finding.places_by_rank();
    let name = escaped(finding.name.as_bytes());
    // Descriptions are shown as Markdown.
    let mut lines = vec![
        format!(
            "{} {}, {}",
            text(&name),
            code(&escaped(finding.hint.as_bytes())),
            confidence_text(finding.confidence)
        ),
        format!("{}: {}", json::exposure(finding.exposure), text(finding.advice())),
    ];
    if let Some(secret) = finding.raw_secret() {
        lines.push(format!("the secret: {}", code(&escaped(&secret))));
    }
    for place in places.iter().take(MAX_PLACES) {
        let facts = place.facts();
        let facts = if facts.is_empty() { String::new() } else { format!(": {}", text(&facts.join("; "))) };
        lines.push(format!("{}{facts}", code(&place.at())));
    }
    if let Some(more @ 1..) = places.len().checked_sub(MAX_PLACES) {
        lines.push(format!("and {} more places", group(more as u64)));
    }
    let links = finding.references.iter().filter(|reference| is_link(reference));
    Vulnerability {
        id: uuid(&escaped(finding.fingerprint.as_bytes())),
        name: name.chars().take(MAX_NAME).collect(),
        description: lines.join("\n\n"),
        severity: capitalised(finding.severity),
        solution: finding.fix_lines().join("\n").chars().take(MAX_SOLUTION).collect(),
        identifiers: [identifier(&finding.rule, &name)],
        links: links.map(|url| Link { url: url.clone() }).collect(),
        location: location(places.first().copied().unwrap_or(&PlaceJson::default())),
    }
}

fn env_vulnerability(file: &EnvFileJson) -> Vulnerability {
    let path = file.raw_path();
    let digest =
        Sha256::digest([b"keysieve env-file\0", path.as_slice(), b"\0", file.state.as_bytes()].concat());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let name = "Environment file where others get it";
    Vulnerability {
        id: uuid(&hex),
        name: name.to_owned(),
        description: format!("{} {}", code(&escaped(&path)), text(&file.told(Authors::Left))),
        severity: if file.is_failing() { "High" } else { "Medium" },
        solution: escaped(file.fix.as_bytes()).chars().take(MAX_SOLUTION).collect(),
        identifiers: [identifier("env-file", name)],
        links: Vec::new(),
        location: Location {
            file: escaped(&path),
            commit: Commit { sha: some(file.commit.as_deref(), NO_COMMIT), date: None },
            start_line: None,
            end_line: None,
        },
    }
}

fn identifier(rule: &str, name: &str) -> Identifier {
    Identifier {
        r#type: "keysieve_rule_id",
        name: format!("keysieve: {name}"),
        value: some(Some(rule), NO_ID),
    }
}

/// The text, or what stands for it where there is none.
fn some(text: Option<&str>, default: &str) -> String {
    escaped(text.filter(|text| !text.is_empty()).unwrap_or(default).as_bytes())
}

fn location(place: &PlaceJson) -> Location {
    let lines = place.is_in_file().then(|| (place.line.max(1), place.end_line.max(place.line).max(1)));
    Location {
        file: place.raw_path().map_or_else(|| place.name(), |path| escaped(&path)),
        commit: Commit {
            sha: some(place.commit.as_deref(), NO_COMMIT),
            date: place.date.clone().filter(|date| parse_rfc3339(date).is_some()),
        },
        start_line: lines.map(|(start, _)| start),
        end_line: lines.map(|(_, end)| end),
    }
}

/// 32 hexadecimal digits in the form of a UUID: the same for the same secret, in each report.
fn uuid(hex: &str) -> String {
    match (hex.get(..8), hex.get(8..12), hex.get(12..16), hex.get(16..20), hex.get(20..32)) {
        (Some(a), Some(b), Some(c), Some(d), Some(e)) => format!("{a}-{b}-{c}-{d}-{e}"),
        _ => some(Some(hex), NO_ID),
    }
}
