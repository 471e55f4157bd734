//! Text for people: a line or two a mistake below its file, then what was read; or a block a secret.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use bstr::ByteSlice;

use keysieve_model::coverage::{Read, Unread};
use keysieve_model::finding::{CommitSummary, Exposure, utc_day};
use keysieve_model::outcome::Outcome;
use keysieve_model::suppressed::By;
use keysieve_rules::Severity;

use super::groups::{Group, by_severity, count_text, groups};
use super::json::{
    FindingJson, PlaceJson, PlaceKind, Results, SummaryJson, SuppressedFindingJson, UnreadJson, exposure,
    severity,
};
use super::words::{Authors, confidence_text};
use super::{Options, escaped, suppressed_by};

/// How many of a finding's places, and of a list of gaps, are shown.
const MAX_PLACES: usize = 8;
pub(super) const MAX_UNREAD: usize = 10;

/// How many columns a line has where nobody says.
const COLUMNS: usize = 100;
/// The fewest columns that lines are wrapped to.
const MIN_COLUMNS: usize = 40;
/// How many characters of a fingerprint name a finding.
const ID_DIGITS: usize = 12;
/// How many lines and variables of a group are named.
const MAX_NAMED: usize = 3;
/// Where the second line of a group begins.
const INDENT: usize = 12;

pub(super) fn write(out: &mut dyn Write, results: &Results, options: Options) -> io::Result<()> {
    let paint = Paint { colour: options.colour };
    let groups = groups(&results.findings);
    if !options.quiet {
        write_about(out, results, paint)?;
        if !groups.is_empty() {
            let count = count_text(results.findings.len(), groups.len(), "");
            writeln!(out, "{count}: {}\n", levels_text(results, paint))?;
        }
    }
    if options.details {
        let findings = groups.iter().flat_map(|group| &group.members);
        findings.into_iter().try_for_each(|finding| write_finding(out, finding, paint))?;
    } else {
        write_groups(out, &groups, options, paint)?;
    }
    write_suppressed(out, results.suppressed(), paint)?;
    super::env::write(out, &results.summary.env_files, paint)?;
    if !options.quiet {
        let is_own = results.summary.about.tool.as_deref().is_none_or(|tool| tool == "keysieve");
        if !options.details && !groups.is_empty() && is_own {
            let explain = results.summary.about.explain.as_ref().map(|command| escaped(command.as_bytes()));
            let explain = explain.map(|command| format!("; `{command}` says why it was found"));
            let hint = format!("-v lists every place and how to fix it{}", explain.unwrap_or_default());
            writeln!(out, "{}", paint.dim(&hint))?;
        }
        for notice in &results.summary.notices {
            writeln!(out, "note: {}", escaped(notice.as_bytes()))?;
        }
    }
    write_verdict(out, results, &groups, options.quiet, paint)
}

/// What was looked at, and by what.
fn write_about(out: &mut dyn Write, results: &Results, paint: Paint) -> io::Result<()> {
    let about = &results.summary.about;
    let configuration = about.configuration_text().filter(|files| files != "none");
    let configuration = configuration.map(|files| format!("configuration {files}"));
    let tool = [about.tool_text(), about.command_text(), configuration];
    let tool: Vec<String> = tool.into_iter().flatten().collect();
    if let Some(repository) = about.repository_text() {
        writeln!(out, "{repository}")?;
    }
    if !tool.is_empty() {
        writeln!(out, "{}", paint.dim(&tool.join("; ")))?;
    }
    Ok(())
}

/// `3 critical, 50 high`
fn levels_text(results: &Results, paint: Paint) -> String {
    let levels = by_severity(&results.findings).into_iter();
    let levels: Vec<String> =
        levels.map(|(level, count)| format!("{} {}", group(count as u64), paint.severity(level))).collect();
    levels.join(", ")
}

/// A heading a file, the file with what to do first in front, and one or two lines a group.
pub(super) fn write_groups(
    out: &mut dyn Write,
    groups: &[Group<'_>],
    options: Options,
    paint: Paint,
) -> io::Result<()> {
    let columns = options.columns.unwrap_or(COLUMNS).max(MIN_COLUMNS);
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut files: Vec<(&str, Vec<&Group<'_>>)> = Vec::new();
    for group in groups {
        let title = group.title.as_str();
        let number = *numbers.entry(title).or_insert(files.len());
        match files.get_mut(number) {
            Some((_, groups)) => groups.push(group),
            None => files.push((title, vec![group])),
        }
    }
    for (title, groups) in files {
        // One place is written so that an editor, or a terminal, can go there.
        let place = match groups.as_slice() {
            [group] if group.members.len() == 1 => group.place,
            _ => None,
        };
        writeln!(out, "{}", paint.bold(&place.map_or_else(|| title.to_owned(), PlaceJson::at)))?;
        let has_place = place.is_some();
        groups.into_iter().try_for_each(|group| write_group(out, group, has_place, columns, paint))?;
        writeln!(out)?;
    }
    Ok(())
}

fn write_group(
    out: &mut dyn Write,
    group: &Group<'_>,
    has_place: bool,
    columns: usize,
    paint: Paint,
) -> io::Result<()> {
    let lead = group.lead();
    let hint = Some(group.hint()).filter(|hint| hint != "...");
    let what: Vec<String> = std::iter::once(escaped(lead.name.as_bytes())).chain(hint).collect();
    let level = severity(lead.severity);
    let gap = " ".repeat(INDENT.saturating_sub(2 + level.len()));
    write!(out, "  {}{gap}", paint.severity(lead.severity))?;
    let mut parts = vec![what.join("  ")];
    parts.extend(group_facts(group, has_place));
    writeln!(out, "{}", wrapped(&parts, columns.saturating_sub(INDENT)).join(&format!("\n{:INDENT$}", "")))?;
    for finding in &group.members {
        if let Some(found) = &finding.values.found {
            writeln!(out, "{:INDENT$}{}", "", escaped(found.as_bytes()))?;
        }
        if let Some(secret) = finding.raw_secret() {
            writeln!(out, "{:INDENT$}secret  {}", "", escaped(&secret))?;
        }
    }
    Ok(())
}

/// What a line has room for: the variable, where it is, how far it has gone, since when, and how to ask for more.
///
/// With `has_place` the heading says where it is.
fn group_facts(group: &Group<'_>, has_place: bool) -> Vec<String> {
    let lead = group.lead();
    // Of a value that was looked for, the hint is the name.
    let variable = lead.variable.as_ref().filter(|_| lead.values.found.is_none());
    let mut facts: Vec<String> = variable.iter().map(|name| escaped(name.as_bytes())).collect();
    facts.extend(lines_text(group).filter(|_| !has_place));
    let exposure = exposure(lead.exposure);
    facts.push(match group.in_head().filter(|_| lead.exposure != Exposure::Staged) {
        Some(true) => format!("{exposure}, still in HEAD"),
        Some(false) => format!("{exposure}, no longer in HEAD"),
        None => exposure.to_owned(),
    });
    facts.extend(group.place.into_iter().flat_map(PlaceJson::image_facts));
    facts.extend(group.since_seconds().map(|since| format!("since {}", utc_day(since))));
    let title = group.title.as_str();
    let elsewhere: BTreeSet<String> =
        group.members.iter().flat_map(|finding| &finding.places).map(PlaceJson::name).collect();
    let others = elsewhere.iter().filter(|name| **name != title).count();
    if others > 0 {
        facts.push(format!("and in {}", plural(others as u64, "more file")));
    }
    facts.push(escaped(lead.fingerprint.get(..ID_DIGITS).unwrap_or(&lead.fingerprint).as_bytes()));
    facts
}

/// `line 3`, `lines 3, 17, 20 and 4 more`; nothing where there are no lines.
fn lines_text(group: &Group<'_>) -> Option<String> {
    let title = group.title.as_str();
    let first = |finding: &FindingJson| {
        let place = finding.places_by_rank().into_iter().find(|place| place.name() == title)?;
        place.has_lines().then_some(place.line)
    };
    let lines: BTreeSet<u64> = group.members.iter().filter_map(|finding| first(finding)).collect();
    let named: Vec<String> = lines.iter().take(MAX_NAMED).map(ToString::to_string).collect();
    match (lines.len(), lines.len() - named.len()) {
        (0, _) => None,
        (1, _) => Some(format!("line {}", named.join(""))),
        (_, 0) => Some(format!("lines {}", named.join(", "))),
        (_, more) => Some(format!("lines {} and {more} more", named.join(", "))),
    }
}

/// The parts, `;` between them, on as few lines of so many columns as hold them; a part is broken between words.
fn wrapped(parts: &[String], columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let width = |text: &str| text.chars().count();
    for (at, part) in parts.iter().enumerate() {
        let end = if at + 1 < parts.len() { ";" } else { "" };
        if !line.is_empty() && width(&line) + 2 + width(part) > columns {
            lines.push(std::mem::take(&mut line));
        }
        for word in format!("{part}{end}").split(' ') {
            if !line.is_empty() && width(&line) + 1 + width(word) > columns {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.push(line);
    lines
}

/// Colours, or none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    pub(super) colour: bool,
}

impl Paint {
    pub(super) fn with(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(super) fn severity(self, level: Severity) -> String {
        let code = match level {
            Severity::Critical => "1;31",
            Severity::High => "31",
            Severity::Medium => "33",
            Severity::Low => "36",
        };
        self.with(code, severity(level))
    }
}

fn write_finding(out: &mut dyn Write, finding: &FindingJson, paint: Paint) -> io::Result<()> {
    let text = |text: &str| escaped(text.as_bytes());
    let name = paint.bold(&text(&finding.name));
    writeln!(out, "{}  {name}  {}", paint.severity(finding.severity), text(&finding.hint))?;
    let note = finding.note.as_ref().map(|note| format!(", {}", text(note))).unwrap_or_default();
    let (rule, fingerprint) = (text(&finding.rule), text(&finding.fingerprint));
    let also = finding.values.also_text();
    let about =
        format!("{rule}, {}, fingerprint {fingerprint}{note}{also}", confidence_text(finding.confidence));
    writeln!(out, "  {}", paint.dim(&about))?;
    if let Some(found) = &finding.values.found {
        writeln!(out, "  found    {}", text(found))?;
    }
    if let Some(secret) = finding.raw_secret() {
        writeln!(out, "  secret   {}", escaped(&secret))?;
    }
    finding.places.iter().take(MAX_PLACES).try_for_each(|place| write_place(out, place, paint))?;
    if finding.places.len() > MAX_PLACES {
        writeln!(out, "  and {} more places (--format json lists all)", finding.places.len() - MAX_PLACES)?;
    }
    writeln!(out, "  now      {}{}: {}", exposure(finding.exposure), head(finding), finding.advice())?;
    write_fix(out, "  fix      ", &finding.fix_lines())?;
    writeln!(out)
}

/// `title` begins the first line, which is the advice. The others, `where: what to write there`, are set in two columns below it.
pub(super) fn write_fix(out: &mut dyn Write, title: &str, lines: &[String]) -> io::Result<()> {
    let Some((advice, lines)) = lines.split_first() else { return Ok(()) };
    writeln!(out, "{title}{advice}")?;
    let lines: Vec<(&str, &str)> =
        lines.iter().map(|line| line.split_once(": ").unwrap_or((line, ""))).collect();
    let (indent, width) = (title.len(), lines.iter().map(|(to, _)| to.len()).max().unwrap_or(0));
    lines.iter().try_for_each(|(to, text)| writeln!(out, "{:indent$}{to:width$}  {text}", ""))
}

/// Whether HEAD has it, where that is a question.
fn head(finding: &FindingJson) -> &'static str {
    match finding.in_head().filter(|_| finding.exposure != Exposure::Staged) {
        Some(true) => ", still in HEAD",
        Some(false) => ", no longer in HEAD",
        None => "",
    }
}

fn write_place(out: &mut dyn Write, place: &PlaceJson, paint: Paint) -> io::Result<()> {
    let at = place.at();
    match place.kind {
        PlaceKind::Worktree => {
            let ignored = if place.ignored == Some(true) { " (ignored by git)" } else { "" };
            writeln!(out, "  file     {at}{ignored}")
        }
        PlaceKind::Stdin => writeln!(out, "  stdin    {at}"),
        PlaceKind::Document => {
            writeln!(out, "  document {at}")?;
            let facts: Vec<String> = [&place.date, &place.author]
                .into_iter()
                .flatten()
                .map(|fact| escaped(fact.as_bytes()))
                .collect();
            if facts.is_empty() {
                Ok(())
            } else {
                writeln!(out, "           {}", paint.dim(&facts.join("; ")))
            }
        }
        PlaceKind::Image => {
            writeln!(out, "  image    {at}")?;
            place.image_facts().iter().try_for_each(|fact| writeln!(out, "           {fact}"))
        }
        PlaceKind::Git => {
            let nowhere = if place.path.is_none() { "; no tree names it" } else { "" };
            writeln!(out, "  history  {at}{nowhere}")?;
            let facts = [place.commit_facts(Authors::Named), place.reach_facts()].concat();
            writeln!(out, "           {}", paint.dim(&facts.join("; ")))?;
            place.show_command().map_or(Ok(()), |command| writeln!(out, "           {}", paint.dim(&command)))
        }
        PlaceKind::GitMetadata => {
            writeln!(out, "  history  {at}")?;
            let Some(commit) = place.commit_text(Authors::Named) else { return Ok(()) };
            let facts = [vec![commit], place.reach_facts()].concat();
            writeln!(out, "           {}", paint.dim(&facts.join("; ")))
        }
    }
}

pub(super) fn commit_text(commit: &CommitSummary) -> String {
    format!("{} of {} by {}", commit.id.short(), &commit.date()[..10], escaped(&commit.author))
}

/// A line a suppressed finding, with what removed it.
fn write_suppressed(out: &mut dyn Write, list: &[SuppressedFindingJson], paint: Paint) -> io::Result<()> {
    for SuppressedFindingJson { finding, by, reason } in list {
        let text = |text: &str| escaped(text.as_bytes());
        let (rule, hint, fingerprint) =
            (text(&finding.rule), text(&finding.hint), text(&finding.fingerprint));
        let reason = reason.as_ref().map(|reason| format!(": {}", text(reason))).unwrap_or_default();
        writeln!(out, "suppressed  {rule}  {hint}  fingerprint {fingerprint}  by {}{reason}", text(by))?;
        finding.places.iter().take(MAX_PLACES).try_for_each(|place| write_place(out, place, paint))?;
        writeln!(out)?;
    }
    Ok(())
}

/// How many findings were suppressed, and by what; none where none was.
pub(super) fn suppressed_text(outcome: &Outcome) -> Option<String> {
    let counts = [
        (By::Baseline, "in the baseline"),
        (By::Marker, "allowed inline"),
        (By::Config, "by the configuration"),
        (By::Exclude, "by --exclude"),
    ];
    let told: Vec<String> = counts
        .into_iter()
        .map(|(by, words)| (suppressed_by(outcome, by), words))
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{} {words}", group(count as u64)))
        .collect();
    (!told.is_empty()).then(|| told.join(", "))
}

fn write_verdict(
    out: &mut dyn Write,
    results: &Results,
    groups: &[Group<'_>],
    is_quiet: bool,
    paint: Paint,
) -> io::Result<()> {
    let summary = &results.summary;
    if !is_quiet {
        write_read(out, summary)?;
    }
    if !results.is_complete() {
        let count = plural(summary.unread.len() as u64, "thing");
        writeln!(out, "{}", paint.with("1;31", &format!("NOT COMPLETE: {count} not read")))?;
        write_told(out, &summary.unread)?;
    }
    let is_complete = results.is_complete();
    let about_env = super::env::summary(&summary.env_files);
    let about_env = about_env.map(|summary| format!("; {summary} above")).unwrap_or_default();
    let exposes = summary.env_files.iter().any(|file| file.exposes_secret);
    let read = super::words::all_read(&summary.accepted_unread);
    let verdict = match results.findings.len() {
        0 if is_complete && exposes => paint.with("31", &format!("{read}{about_env}")),
        0 if is_complete => {
            let place = if summary.in_ignored_env > 0 { "out of place" } else { "found" };
            let code = if about_env.is_empty() { "32" } else { "33" };
            paint.with(code, &format!("no secrets {place}; {read}{about_env}"))
        }
        0 if exposes => format!("not everything was read{about_env}"),
        0 => "no secrets found in what was read".to_owned(),
        count => {
            writeln!(out, "by severity: {}", levels_text(results, paint))?;
            paint.with("31", &format!("{}{about_env}", count_text(count, groups.len(), " found")))
        }
    };
    writeln!(out, "{verdict}")
}

/// What was read, and what was left out on purpose.
fn write_read(out: &mut dyn Write, summary: &SummaryJson) -> io::Result<()> {
    let when = summary.finished.as_deref().map(|time| format!(", {}", escaped(time.as_bytes())));
    writeln!(out, "read: {}, in {:.2} s{}", summary.read_text(), summary.seconds, when.unwrap_or_default())?;
    if let Some(swept) = &summary.swept {
        swept.write(out)?;
    }
    if summary.in_ignored_env > 0 {
        let count = plural(summary.in_ignored_env as u64, "secret");
        writeln!(out, "fine: {count} in ignored environment files only, where they belong")?;
    }
    if let Some(told) = summary.suppressed_text() {
        writeln!(out, "not reported: {told} (--show-suppressed lists them)")?;
    }
    let lists = [
        ("not read, as the configuration accepts", &summary.accepted_unread),
        ("passed over on purpose", &summary.skipped),
    ];
    for (words, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        writeln!(out, "{words}: {}", group(list.len() as u64))?;
        write_told(out, list)?;
    }
    Ok(())
}

fn write_told(out: &mut dyn Write, list: &[UnreadJson]) -> io::Result<()> {
    list.iter().take(MAX_UNREAD).try_for_each(|unread| writeln!(out, "  {}", unread.told()))?;
    write_more(out, list.len())
}

pub(super) fn write_list(out: &mut dyn Write, list: &[Unread]) -> io::Result<()> {
    for unread in list.iter().take(MAX_UNREAD) {
        writeln!(out, "  {}: {}", escaped(&unread.what), escaped(unread.why.as_bytes()))?;
    }
    write_more(out, list.len())
}

/// How many of a list are not shown.
fn write_more(out: &mut dyn Write, count: usize) -> io::Result<()> {
    match count.checked_sub(MAX_UNREAD) {
        Some(more @ 1..) => writeln!(out, "  and {} more (--format json lists all)", group(more as u64)),
        _ => Ok(()),
    }
}

pub(super) fn read_text(read: &Read) -> String {
    let counts = [
        (read.commits, "commit"),
        (read.tags, "tag"),
        (read.blobs, "blob"),
        (read.layers, "layer"),
        (read.files, "file"),
    ];
    let mut parts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|&(count, noun)| plural(count, noun)).collect();
    if read.known > 0 {
        parts.push(format!("{} of the blobs known to be clean from an earlier audit", group(read.known)));
    }
    parts.push(bytes_text(read.bytes));
    parts.join(", ")
}

fn bytes_text(bytes: u64) -> String {
    match bytes {
        0..1_000 => plural(bytes, "byte"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

pub(super) fn plural(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", group(count), if count == 1 { "" } else { "s" })
}

/// `1234567` as `1,234,567`.
pub(super) fn group(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| group.to_str().unwrap_or_default()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_wrapped_between_parts_and_words() {
        let parts = ["one two".to_owned(), "three".to_owned(), "a longer part of it".to_owned()];
        assert_eq!(wrapped(&parts, 80), ["one two; three; a longer part of it"]);
        assert_eq!(wrapped(&parts, 16), ["one two; three;", "a longer part of", "it"]);
        assert_eq!(wrapped(&["x".repeat(20)], 10), ["x".repeat(20)]);
    }

    #[test]
    fn numbers_are_grouped_and_counted() {
        assert_eq!(group(0), "0");
        assert_eq!(group(1_234_567), "1,234,567");
        assert_eq!(plural(1, "blob"), "1 blob");
        assert_eq!(plural(59_392, "blob"), "59,392 blobs");
    }
}
