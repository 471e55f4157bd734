//! JUnit's XML, as CI systems show tests: a test a finding, which failed; an error for what was not read.

use std::io::{self, Write};

use super::json::{FindingJson, Results, UnreadJson};
use super::text::group;
use super::words::{Authors, confidence_text};
use super::{escaped, json};

/// How many of a finding's places, and of things that were not read, are listed.
const MAX_PLACES: usize = 50;
const MAX_UNREAD: usize = 200;

/// Writes the document.
pub(super) fn write(out: &mut dyn Write, results: &Results) -> io::Result<()> {
    let summary = &results.summary;
    let unread = &summary.unread[..summary.unread.len().min(MAX_UNREAD)];
    let failures = results.findings.len() + summary.env_files.len();
    let skipped = results.suppressed().len();
    // What was read is a test as well: a suite without any is shown as one that did not run.
    let (tests, errors) = (failures + skipped + 1, usize::from(!results.is_complete()));
    let counts =
        format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"");
    let timestamp = summary.finished_seconds().map(keysieve_model::finding::utc_time);
    let timestamp = timestamp.map(|time| format!(" timestamp=\"{}\"", time.trim_end_matches('Z')));
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"keysieve\" {counts} time=\"{:.3}\">", summary.seconds)?;
    writeln!(
        out,
        "  <testsuite name=\"keysieve\" {counts} time=\"{:.3}\"{}>",
        summary.seconds,
        timestamp.unwrap_or_default()
    )?;
    let facts = summary.facts();
    if !facts.is_empty() {
        writeln!(out, "    <properties>")?;
        for (name, fact) in facts {
            let name = name.to_lowercase().replace(' ', "-");
            writeln!(out, "      <property name=\"{name}\" value=\"{}\"/>", xml(&fact))?;
        }
        writeln!(out, "    </properties>")?;
    }
    for finding in &results.findings {
        write_case(
            out,
            &finding.rule,
            &title(finding),
            Some(("failure", severity(finding), &details(finding))),
        )?;
    }
    for file in &summary.env_files {
        let (path, fix) = (escaped(&file.raw_path()), escaped(file.fix.as_bytes()));
        let what = format!("{path} {}", file.told(Authors::Left));
        write_case(out, "env-file", &what, Some(("failure", "medium", &fix)))?;
    }
    for suppressed in results.suppressed() {
        let reason = suppressed.reason.as_deref().unwrap_or_default();
        let why = format!("{}: {}", escaped(suppressed.by.as_bytes()), escaped(reason.as_bytes()));
        let finding = &suppressed.finding;
        write_case(out, &finding.rule, &title(finding), Some(("skipped", "not reported", &why)))?;
    }
    let mut told: Vec<String> = unread.iter().map(UnreadJson::told).collect();
    if let Some(more @ 1..) = summary.unread.len().checked_sub(MAX_UNREAD) {
        told.push(format!("and {} more", group(more as u64)));
    }
    let told = told.join("\n");
    let error = (!results.is_complete()).then_some(("error", "not complete", told.as_str()));
    write_case(out, "coverage", "everything was read", error)?;
    writeln!(
        out,
        "    <system-out>{}</system-out>",
        xml(&format!("{}; read: {}", results.verdict(), summary.read_text()))
    )?;
    writeln!(out, "  </testsuite>\n</testsuites>")
}

/// A test, with what came of it where it did not pass: the element, its type and its text.
fn write_case(
    out: &mut dyn Write,
    class: &str,
    name: &str,
    end: Option<(&str, &str, &str)>,
) -> io::Result<()> {
    let (class, name) = (xml(&escaped(class.as_bytes())), xml(name));
    write!(out, "    <testcase classname=\"{class}\" name=\"{name}\"")?;
    match end {
        None => writeln!(out, "/>"),
        Some(("skipped", kind, text)) => {
            writeln!(out, "><skipped message=\"{}: {}\"/></testcase>", xml(kind), xml(text))
        }
        Some((element, kind, text)) => {
            writeln!(
                out,
                ">\n      <{element} type=\"{}\" message=\"{name}\">{}</{element}>",
                xml(kind),
                xml(text)
            )?;
            writeln!(out, "    </testcase>")
        }
    }
}

fn severity(finding: &FindingJson) -> &'static str {
    json::severity(finding.severity)
}

fn title(finding: &FindingJson) -> String {
    let at = finding.places_by_rank().first().map(|place| format!(" at {}", place.at())).unwrap_or_default();
    format!("{} {}{at}", escaped(finding.name.as_bytes()), escaped(finding.hint.as_bytes()))
}

fn details(finding: &FindingJson) -> String {
    let mut lines = vec![format!(
        "{} severity, {}, fingerprint {}",
        severity(finding),
        confidence_text(finding.confidence),
        escaped(finding.fingerprint.as_bytes())
    )];
    lines.extend(finding.note.as_ref().map(|note| escaped(note.as_bytes())));
    lines.extend(finding.raw_secret().map(|secret| format!("secret: {}", escaped(&secret))));
    lines.push(format!("{}: {}", json::exposure(finding.exposure), finding.advice()));
    lines.push(format!("fix: {}", finding.fix_lines().join("\n")));
    let places = finding.places_by_rank();
    let told = places.iter().take(MAX_PLACES);
    lines.extend(told.map(|place| [vec![place.at()], place.facts()].concat().join("; ")));
    if let Some(more @ 1..) = places.len().checked_sub(MAX_PLACES) {
        lines.push(format!("and {} more places", group(more as u64)));
    }
    lines.join("\n")
}

/// Text for XML, in elements and in attributes. XML has no way at all to write most control characters, and takes a few code
/// points for none.
fn xml(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => quoted.push_str("&lt;"),
            '>' => quoted.push_str("&gt;"),
            '&' => quoted.push_str("&amp;"),
            '"' => quoted.push_str("&quot;"),
            '\'' => quoted.push_str("&apos;"),
            '\n' => quoted.push('\n'),
            _ if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => {
                quoted.extend(character.escape_default());
            }
            _ => quoted.push(character),
        }
    }
    quoted
}
