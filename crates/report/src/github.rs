//! Annotations of GitHub Actions: workflow commands that the runner reads from a step's output,
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>.

use std::io::{self, Write};

use keysieve_rules::Severity;

use super::json::{FindingJson, PlaceJson, PlaceKind, Results, UnreadJson};
use super::text::{group, plural};
use super::words::Authors;
use super::{escaped, json};

/// How many of a finding's other places are named.
const MAX_PLACES: usize = 5;
/// How many things that were not read are named.
const MAX_UNREAD: usize = 10;

/// Writes a command a finding, the worst first: the runner shows ten of a kind.
pub(super) fn write(out: &mut dyn Write, results: &Results) -> io::Result<()> {
    for finding in &results.findings {
        write_finding(out, finding)?;
    }
    for file in &results.summary.env_files {
        let path = escaped(&file.raw_path());
        let text = format!("{path} {}: {}", file.told(Authors::Left), escaped(file.fix.as_bytes()));
        let at = (!file.is_in_image()).then(|| format!("file={},line=1,", property(&path)));
        let command = if file.is_failing() { "error" } else { "warning" };
        write_command(out, command, &at.unwrap_or_default(), "Environment file", &text)?;
    }
    write_end(out, results)
}

fn write_finding(out: &mut dyn Write, finding: &FindingJson) -> io::Result<()> {
    let places = finding.places_by_rank();
    let Some((first, others)) = places.split_first() else { return Ok(()) };
    let hint = escaped(finding.hint.as_bytes());
    let name = escaped(finding.name.as_bytes());
    let mut lines = vec![
        format!("{hint} at {}", first.at()),
        format!("{}: {}", json::exposure(finding.exposure), finding.advice()),
        format!("Fix: {}", finding.fix_lines().join("\n")),
    ];
    let facts = first.facts();
    if !facts.is_empty() {
        lines.insert(1, facts.join("; "));
    }
    if let Some(secret) = finding.raw_secret() {
        lines.push(format!("The secret: {}", escaped(&secret)));
    }
    if !others.is_empty() {
        let named: Vec<String> = others.iter().take(MAX_PLACES).map(|place| place.at()).collect();
        let more = others.len() - named.len();
        let more = if more > 0 { format!(" and {} more", group(more as u64)) } else { String::new() };
        lines.push(format!("Also at {}{more}", named.join(", ")));
    }
    lines.push(format!(
        "Rule {}, fingerprint {}",
        escaped(finding.rule.as_bytes()),
        escaped(finding.fingerprint.as_bytes())
    ));
    let at = position(first).unwrap_or_default();
    write_command(out, command(finding.severity), &at, &name, &lines.join("\n"))
}

fn command(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "notice",
    }
}

/// The file and the lines, where it is a file of the repository.
fn position(place: &PlaceJson) -> Option<String> {
    if !place.is_in_file() || !matches!(place.kind, PlaceKind::Worktree | PlaceKind::Git) {
        return None;
    }
    // The runner's names of files are text.
    let path = property(&escaped(&place.raw_path()?));
    let (line, end_line) = (place.line.max(1), place.end_line.max(place.line).max(1));
    let columns = if line == end_line {
        format!("col={},endColumn={},", place.column.max(1), place.end_column.max(1))
    } else {
        String::new()
    };
    Some(format!("file={path},line={line},endLine={end_line},{columns}"))
}

/// What was read and what was not; the run's last word.
fn write_end(out: &mut dyn Write, results: &Results) -> io::Result<()> {
    let summary = &results.summary;
    let read = format!("read: {}", summary.read_text());
    if !results.is_complete() {
        let mut lines = vec![results.verdict()];
        lines.extend(summary.unread.iter().take(MAX_UNREAD).map(UnreadJson::told));
        if let Some(more @ 1..) = summary.unread.len().checked_sub(MAX_UNREAD) {
            lines.push(format!("and {} more", group(more as u64)));
        }
        lines.push(read);
        return write_command(out, "error", "", "keysieve could not read everything", &lines.join("\n"));
    }
    let mut lines = vec![results.verdict(), read];
    lines.extend(summary.facts().into_iter().map(|(name, fact)| format!("{name}: {fact}")));
    lines.extend(summary.suppressed_text().map(|told| format!("not reported: {told}")));
    if !summary.accepted_unread.is_empty() {
        let count = plural(summary.accepted_unread.len() as u64, "thing");
        lines.push(format!("not read, as the configuration accepts: {count}"));
    }
    lines.extend(summary.notices.iter().map(|notice| escaped(notice.as_bytes())));
    write_command(out, "notice", "", "keysieve", &lines.join("\n"))
}

fn write_command(
    out: &mut dyn Write,
    command: &str,
    position: &str,
    title: &str,
    message: &str,
) -> io::Result<()> {
    writeln!(out, "::{command} {position}title={}::{}", property(title), data(message))
}

/// A message as the runner's own toolkit quotes it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property's value, likewise.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
