//! Text for people: a block a secret, then what was read.

use std::io::{self, Write};

use bstr::ByteSlice;

use keysieve_model::coverage::{Read, Unread};
use keysieve_model::finding::{CommitSummary, Exposure};
use keysieve_model::outcome::Outcome;
use keysieve_model::suppressed::By;
use keysieve_rules::Severity;

use super::json::{
    FindingJson, PlaceJson, PlaceKind, Results, SuppressedFindingJson, UnreadJson, exposure, severity,
};
use super::words::{Authors, confidence_text};
use super::{Options, escaped, suppressed_by};

/// How many of a finding's places, and of a list of gaps, are shown.
const MAX_PLACES: usize = 8;
pub(super) const MAX_UNREAD: usize = 10;

pub(super) fn write(out: &mut dyn Write, results: &Results, options: Options) -> io::Result<()> {
    let paint = Paint { colour: options.colour };
    results.findings.iter().try_for_each(|finding| write_finding(out, finding, paint))?;
    write_suppressed(out, results.suppressed(), paint)?;
    super::env::write(out, &results.summary.env_files, paint)?;
    for notice in &results.summary.notices {
        writeln!(out, "note: {}", escaped(notice.as_bytes()))?;
    }
    write_verdict(out, results, paint)
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
        PlaceKind::Image => {
            writeln!(out, "  image    {at}")?;
            place.image_facts().iter().try_for_each(|fact| writeln!(out, "           {fact}"))
        }
        PlaceKind::Git => {
            let nowhere = if place.path.is_none() { "; no tree names it" } else { "" };
            writeln!(out, "  history  {at}{nowhere}")?;
            let facts = [place.commit_facts(Authors::Named), place.reach_facts()].concat();
            writeln!(out, "           {}", paint.dim(&facts.join("; ")))
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
    ];
    let told: Vec<String> = counts
        .into_iter()
        .map(|(by, words)| (suppressed_by(outcome, by), words))
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{} {words}", group(count as u64)))
        .collect();
    (!told.is_empty()).then(|| told.join(", "))
}

fn write_verdict(out: &mut dyn Write, results: &Results, paint: Paint) -> io::Result<()> {
    let summary = &results.summary;
    writeln!(out, "read: {}, in {:.2} s", summary.read_text(), summary.seconds)?;
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
    if !results.is_complete() {
        let count = plural(summary.unread.len() as u64, "thing");
        writeln!(out, "{}", paint.with("1;31", &format!("NOT COMPLETE: {count} not read")))?;
        write_told(out, &summary.unread)?;
    }
    let is_complete = results.is_complete();
    let about_env = super::env::summary(&summary.env_files);
    let about_env = about_env.map(|summary| format!("; {summary} above")).unwrap_or_default();
    let exposes = summary.env_files.iter().any(|file| file.exposes_secret);
    let verdict = match results.findings.len() {
        0 if is_complete && exposes => paint.with("31", &format!("everything was read{about_env}")),
        0 if is_complete => {
            let place = if summary.in_ignored_env > 0 { "out of place" } else { "found" };
            let code = if about_env.is_empty() { "32" } else { "33" };
            paint.with(code, &format!("no secrets {place}; everything was read{about_env}"))
        }
        0 if exposes => format!("not everything was read{about_env}"),
        0 => "no secrets found in what was read".to_owned(),
        count => paint.with("31", &format!("{} found{about_env}", plural(count as u64, "secret"))),
    };
    writeln!(out, "{verdict}")
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
    fn numbers_are_grouped_and_counted() {
        assert_eq!(group(0), "0");
        assert_eq!(group(1_234_567), "1,234,567");
        assert_eq!(plural(1, "blob"), "1 blob");
        assert_eq!(plural(59_392, "blob"), "59,392 blobs");
    }
}
