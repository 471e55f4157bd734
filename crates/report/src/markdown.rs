//! Markdown as GitHub and GitLab show it: a summary of a run for its page, or for a comment.

use std::io::{self, Write};

use super::compare::{Change, Comparison};
use super::dates::{duration_text, parse_rfc3339};
use super::groups::{Group, groups};
use super::json::{FindingJson, Results, UnreadJson};
use super::text::{group, plural};
use super::words::{Authors, confidence_text, first_step};
use super::{escaped, json};

/// How many findings have a row and a section, and how many things that were not read are named.
const MAX_FINDINGS: usize = 100;
const MAX_UNREAD: usize = 50;
/// How many of a finding's places are named.
const MAX_PLACES: usize = 10;
/// How many bytes of sections there may be: GitHub takes a summary of 1 MiB.
const MAX_BYTES: usize = 700_000;

/// Writes the summary; gives what was left out of it.
pub(super) fn write(out: &mut dyn Write, results: &Results) -> io::Result<Vec<String>> {
    let mark = match (results.is_complete(), results.failing()) {
        (false, _) => "\u{1f6d1}",
        (true, 0) => "\u{2705}",
        (true, _) => "\u{274c}",
    };
    writeln!(out, "## {mark} keysieve: {}\n", results.verdict())?;
    write_unread(out, "Not read", &results.summary.unread)?;
    let groups = groups(&results.findings);
    let told = &groups[..groups.len().min(MAX_FINDINGS)];
    let mut cuts = Vec::new();
    if !told.is_empty() {
        write_table(out, told)?;
        let sections = write_sections(out, told, results)?;
        // Where each finding is a group of its own, it is called by its usual name.
        let noun = if groups.len() == results.findings.len() { "findings" } else { "groups of findings" };
        if told.len() < groups.len() {
            let (told, all) = (group(told.len() as u64), group(groups.len() as u64));
            cuts.push(format!("Markdown: {told} of {all} {noun} are in it; --format jsonl has all"));
        }
        if sections < told.len() {
            let (sections, told) = (group(sections as u64), group(told.len() as u64));
            cuts.push(format!(
                "Markdown: details of {sections} of {told} {noun} are in it; --format jsonl has all"
            ));
        }
        cuts.iter().try_for_each(|cut| writeln!(out, "{}\n", text(cut)))?;
    }
    write_env_files(out, results)?;
    write_coverage(out, results)?;
    Ok(cuts)
}

/// Writes a comparison: what changed, with a table a kind of change.
pub(super) fn write_comparison(out: &mut dyn Write, comparison: &Comparison<'_>) -> io::Result<()> {
    let mark = match (comparison.is_complete(), comparison.worse()) {
        (false, _) => "\u{1f6d1}",
        (true, 0) => "\u{2705}",
        (true, _) => "\u{274c}",
    };
    writeln!(out, "## {mark} keysieve compare: {}\n", comparison.verdict())?;
    writeln!(out, "- From: {}", code(&comparison.old.title()))?;
    writeln!(out, "- To: {}", code(&comparison.new.title()))?;
    comparison.notices.iter().try_for_each(|notice| writeln!(out, "- Note: {}", text(notice)))?;
    writeln!(out)?;
    for change in Change::ALL {
        let groups = comparison.groups(change);
        if groups.is_empty() {
            continue;
        }
        let count = group(comparison.count(change) as u64);
        writeln!(out, "### {count} {}\n\n{}.\n", change.words(), capital(change.meaning()))?;
        write_table(out, &groups[..groups.len().min(MAX_FINDINGS)])?;
        if let Some(more @ 1..) = groups.len().checked_sub(MAX_FINDINGS) {
            writeln!(out, "and {} more\n", group(more as u64))?;
        }
    }
    Ok(())
}

/// The sentence with its first letter as a sentence begins.
pub(super) fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn write_table(out: &mut dyn Write, groups: &[Group<'_>]) -> io::Result<()> {
    writeln!(out, "| Severity | What | Where | Exposure | First |")?;
    writeln!(out, "|---|---|---|---|---|")?;
    for mistake in groups {
        let finding = mistake.lead();
        let first = mistake.place.map(|place| code(&place.at())).unwrap_or_default();
        let more = match mistake.members.iter().map(|finding| finding.places.len()).sum::<usize>() {
            0 | 1 => String::new(),
            count => format!(" and {} more", group(count as u64 - 1)),
        };
        writeln!(
            out,
            "| {} | {} {} | {first}{more} | {} | {} |",
            json::severity(finding.severity),
            text(&escaped(finding.name.as_bytes())),
            code(&mistake.hint()),
            json::exposure(finding.exposure),
            first_step(finding.exposure)
        )?;
    }
    writeln!(out)
}

/// A section a group, as many as there is room for. Returns how many.
fn write_sections(out: &mut dyn Write, groups: &[Group<'_>], results: &Results) -> io::Result<usize> {
    let mut written = 0;
    for (at, group) in groups.iter().enumerate() {
        let section = section(group, results);
        written += section.len();
        if written > MAX_BYTES {
            return Ok(at);
        }
        out.write_all(section.as_bytes())?;
    }
    Ok(groups.len())
}

fn section(mistake: &Group<'_>, results: &Results) -> String {
    let finding = mistake.lead();
    let name = text(&escaped(finding.name.as_bytes()));
    let hint = code(&escaped(finding.hint.as_bytes()));
    let mut lines = vec![format!("<details><summary>{name} {}</summary>\n", html_code(&mistake.hint()))];
    let note = finding.note.as_ref().map(|note| format!(", {}", text(&escaped(note.as_bytes()))));
    lines.push(format!(
        "- **What:** {name} {hint}{}, {} severity, {}",
        note.unwrap_or_default(),
        json::severity(finding.severity),
        confidence_text(finding.confidence)
    ));
    if let Some(secret) = finding.raw_secret() {
        lines.push(format!("- **Secret:** {}", code(&escaped(&secret))));
    }
    lines.push(format!("- **Exposure:** {}: {}", json::exposure(finding.exposure), text(finding.advice())));
    if let (Some(since), Some(now)) = (finding.since_seconds(), results.summary.finished_seconds()) {
        lines.push(format!("- **Exposed for:** {}", duration_text(now - since)));
    }
    lines.push(format!("- **Fix:** {}", self::lines(&finding.fix_lines())));
    lines.push("- **Places:**".to_owned());
    let places = finding.places_by_rank();
    for place in places.iter().take(MAX_PLACES) {
        let facts = place.facts();
        let facts = if facts.is_empty() { String::new() } else { format!(": {}", text(&facts.join("; "))) };
        lines.push(format!("  - {}{facts}", code(&place.at())));
    }
    if let Some(more @ 1..) = places.len().checked_sub(MAX_PLACES) {
        lines.push(format!("  - and {} more", group(more as u64)));
    }
    let (rule, fingerprint) =
        (code(&escaped(finding.rule.as_bytes())), code(&escaped(finding.fingerprint.as_bytes())));
    lines.push(format!("- **Rule:** {rule}, fingerprint {fingerprint}"));
    lines.extend(others(&mistake.members[1..]));
    lines.push("\n</details>\n\n".to_owned());
    lines.join("\n")
}

/// The other findings of a group, a line each.
fn others(others: &[&FindingJson]) -> Vec<String> {
    if others.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["- **More of the same rule, file and name:**".to_owned()];
    for finding in others.iter().take(MAX_PLACES) {
        let at = finding.places_by_rank().first().map(|place| code(&place.at())).unwrap_or_default();
        let secret = finding.raw_secret().map(|secret| format!(", secret {}", code(&escaped(&secret))));
        lines.push(format!(
            "  - {} at {at}, {}, fingerprint {}{}",
            code(&escaped(finding.hint.as_bytes())),
            json::exposure(finding.exposure),
            code(&escaped(finding.fingerprint.as_bytes())),
            secret.unwrap_or_default()
        ));
    }
    if let Some(more @ 1..) = others.len().checked_sub(MAX_PLACES) {
        lines.push(format!("  - and {} more", group(more as u64)));
    }
    lines
}

fn write_env_files(out: &mut dyn Write, results: &Results) -> io::Result<()> {
    let files = &results.summary.env_files;
    if files.is_empty() {
        return Ok(());
    }
    writeln!(out, "### Environment files\n")?;
    for file in files.iter().take(MAX_FINDINGS) {
        let fix = text(&escaped(file.fix.as_bytes()));
        writeln!(out, "- {} {}: {fix}", code(&escaped(&file.raw_path())), text(&file.told(Authors::Left)))?;
    }
    if let Some(more @ 1..) = files.len().checked_sub(MAX_FINDINGS) {
        writeln!(out, "- and {} more", group(more as u64))?;
    }
    writeln!(out)
}

fn write_coverage(out: &mut dyn Write, results: &Results) -> io::Result<()> {
    let summary = &results.summary;
    writeln!(out, "### Coverage\n")?;
    writeln!(out, "- Read: {}, in {:.2} s", summary.read_text(), summary.seconds)?;
    if summary.in_ignored_env > 0 {
        let count = plural(summary.in_ignored_env as u64, "secret");
        writeln!(out, "- Fine: {count} in ignored environment files only, where they belong")?;
    }
    if let Some(told) = summary.suppressed_text() {
        writeln!(out, "- Not reported: {told}")?;
    }
    for suppressed in results.suppressed().iter().take(MAX_FINDINGS) {
        let finding = &suppressed.finding;
        let reason =
            suppressed.reason.as_ref().map(|reason| format!(": {}", text(&escaped(reason.as_bytes()))));
        writeln!(
            out,
            "  - {} {} by {}{}",
            code(&escaped(finding.rule.as_bytes())),
            code(&escaped(finding.hint.as_bytes())),
            text(&escaped(suppressed.by.as_bytes())),
            reason.unwrap_or_default()
        )?;
    }
    for notice in &summary.notices {
        writeln!(out, "- Note: {}", text(&escaped(notice.as_bytes())))?;
    }
    for (name, fact) in summary.facts() {
        writeln!(out, "- {name}: {}", code(&fact))?;
    }
    if let Some(finished) = summary.finished.as_deref().filter(|date| parse_rfc3339(date).is_some()) {
        writeln!(out, "- Ended: {finished}")?;
    }
    writeln!(out)?;
    write_unread(out, "Not read, as the configuration accepts", &summary.accepted_unread)?;
    write_unread(out, "Passed over on purpose", &summary.skipped)
}

fn write_unread(out: &mut dyn Write, title: &str, list: &[UnreadJson]) -> io::Result<()> {
    if list.is_empty() {
        return Ok(());
    }
    writeln!(out, "**{title}:** {}\n", group(list.len() as u64))?;
    list.iter().take(MAX_UNREAD).try_for_each(|unread| writeln!(out, "- {}", text(&unread.told())))?;
    if let Some(more @ 1..) = list.len().checked_sub(MAX_UNREAD) {
        writeln!(out, "- and {} more", group(more as u64))?;
    }
    writeln!(out)
}

/// Text of which nothing is taken for Markdown, a link, a mention or HTML. It has no line breaks: they are shown escaped before.
pub(super) fn text(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            'a'..='z'
            | 'A'..='Z'
            | '0'..='9'
            | ' '
            | ','
            | ';'
            | '/'
            | '-'
            | '('
            | ')'
            | '+'
            | '='
            | '"'
            | '?' => {
                quoted.push(character);
            }
            // A full stop links where letters stand on both sides: `www.example.com`.
            '.' | ':'
                if !quoted.ends_with("www") && !quoted.ends_with("http") && !quoted.ends_with("https") =>
            {
                quoted.push(character);
            }
            _ if character.is_ascii() => quoted.push_str(&format!("&#{};", u32::from(character))),
            _ => quoted.push(character),
        }
    }
    quoted
}

/// Lines of one paragraph.
pub(super) fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| text(line)).collect::<Vec<_>>().join("<br>")
}

/// A name as code. In a table a code span ends at `|` whatever stands around it, so that those that hold one are HTML.
pub(super) fn code(name: &str) -> String {
    match name {
        "" => String::new(),
        _ if name.contains(['`', '|', '\\']) || name.starts_with(' ') || name.ends_with(' ') => {
            html_code(name)
        }
        _ => format!("`{name}`"),
    }
}

fn html_code(name: &str) -> String {
    format!("<code>{}</code>", text(&escaped(name.as_bytes())))
}
