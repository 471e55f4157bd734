//! CSV, RFC 4180: a row a place, for spreadsheets. What was not read is a row too, and the last row sums up.

use std::io::{self, Write};

use super::json::{FindingJson, PlaceJson, Results};
use super::text::group;
use super::words::Authors;
use super::{escaped, json};

const HEADER: [&str; 30] = [
    "type",
    "rule",
    "name",
    "provider",
    "severity",
    "confidence",
    "exposure",
    "hint",
    "fingerprint",
    "place",
    "path",
    "line",
    "column",
    "commit",
    "date",
    "author",
    "in_head",
    "refs",
    "image",
    "tags",
    "platform",
    "manifest",
    "config",
    "layer",
    "diff_id",
    "layer_number",
    "instruction",
    "note",
    "fix",
    "secret",
];

/// Writes the rows.
pub(super) fn write(out: &mut dyn Write, results: &Results) -> io::Result<()> {
    let shows_secrets = results.findings.iter().any(|finding| finding.secret.is_some());
    let columns = if shows_secrets { HEADER.len() } else { HEADER.len() - 1 };
    let mut row = |fields: &[String]| write_row(out, &fields[..columns.min(fields.len())], columns);
    row(&HEADER.map(str::to_owned))?;
    for finding in &results.findings {
        finding.places.iter().try_for_each(|place| row(&fields("finding", finding, place)))?;
    }
    for suppressed in results.suppressed() {
        let kind = format!("suppressed: {}", suppressed.by);
        let finding = &suppressed.finding;
        finding.places.iter().try_for_each(|place| row(&fields(&kind, finding, place)))?;
    }
    let summary = &results.summary;
    for file in &summary.env_files {
        row(&told("env-file", [file.told(Authors::Left), escaped(&file.raw_path()), file.fix.clone()]))?;
    }
    for unread in &summary.unread {
        row(&told("unread", [unread.why.clone(), escaped(&unread.raw_what()), String::new()]))?;
    }
    for unread in &summary.accepted_unread {
        row(&told("accepted-unread", [unread.why.clone(), escaped(&unread.raw_what()), String::new()]))?;
    }
    for (name, fact) in summary.facts() {
        row(&told("about", [name.to_owned(), fact, String::new()]))?;
    }
    let state = if results.is_complete() { "complete" } else { "NOT COMPLETE" };
    let verdict = format!("{state}: {}; read: {}", results.verdict(), summary.read_text());
    row(&told("summary", [verdict, String::new(), String::new()]))
}

fn fields(kind: &str, finding: &FindingJson, place: &PlaceJson) -> [String; 30] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let more = place.more_refs.map(|more| format!(" and {} more", group(more as u64))).unwrap_or_default();
    let refs = place.refs.as_ref().map(|refs| format!("{}{more}", refs.join(" "))).unwrap_or_default();
    [
        kind.to_owned(),
        finding.rule.clone(),
        finding.name.clone(),
        finding.provider.clone(),
        json::severity(finding.severity).to_owned(),
        json::confidence(finding.confidence).to_owned(),
        json::exposure(finding.exposure).to_owned(),
        finding.hint.clone(),
        finding.fingerprint.clone(),
        json::kind(place.kind).to_owned(),
        place.name(),
        place.line.to_string(),
        place.column.to_string(),
        text(&place.commit),
        text(&place.date),
        text(&place.author),
        place.in_head.map(|in_head| in_head.to_string()).unwrap_or_default(),
        refs,
        text(&place.image.image),
        place.image.tags.join(" "),
        text(&place.image.platform),
        text(&place.image.manifest),
        text(&place.image.config),
        text(&place.image.layer),
        text(&place.image.diff_id),
        place.image.layer_number.map(|number| number.to_string()).unwrap_or_default(),
        text(&place.image.instruction),
        text(&finding.note),
        finding.fix_lines().join(" "),
        finding.raw_secret().map(|secret| escaped(&secret)).unwrap_or_default(),
    ]
}

/// A row that is no finding: its name, path and fix.
fn told(kind: &str, [name, path, fix]: [String; 3]) -> [String; 30] {
    let mut fields = HEADER.map(|_| String::new());
    fields[0] = kind.to_owned();
    fields[2] = name;
    fields[10] = path;
    fields[28] = fix;
    fields
}

fn write_row(out: &mut dyn Write, fields: &[String], columns: usize) -> io::Result<()> {
    debug_assert_eq!(fields.len(), columns);
    let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
    write!(out, "{}\r\n", fields.join(","))
}

/// A field. Spreadsheets run what begins like a formula, quoted or not, so that an apostrophe is put in front:
/// <https://owasp.org/www-community/attacks/CSV_Injection>.
fn quoted(field: &str) -> String {
    let shown = escaped(field.as_bytes());
    let is_formula = shown
        .trim_start()
        .starts_with(['=', '+', '-', '@', '|', '%', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    let shown = if is_formula { format!("'{shown}") } else { shown };
    if shown.contains(['"', ',', ';', '\'']) || is_formula {
        format!("\"{}\"", shown.replace('"', "\"\""))
    } else {
        shown
    }
}
