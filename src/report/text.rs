//! Text for people: a block a secret, then what was read.

use std::io::{self, Write};

use bstr::ByteSlice;

use crate::coverage::{Coverage, Read, Unread};
use crate::dotenv::{EnvFile, EnvState};
use crate::finding::{
    CommitSummary, Container, Exposure, Finding, HistoryPlace, MetadataPlace, Place, Reach,
};
use crate::provenance::Metadata;
use crate::rules::Severity;
use crate::scan::Outcome;
use crate::suppress::{By, Suppressed};

use super::json::{confidence, exposure, severity};
use super::{Options, escaped, suppressed_by};

/// How many of a finding's places, and of a list of gaps, are shown.
const MAX_PLACES: usize = 8;
pub(super) const MAX_UNREAD: usize = 10;

pub(super) fn write(out: &mut dyn Write, outcome: &Outcome, options: Options) -> io::Result<()> {
    let paint = Paint { colour: options.colour };
    for finding in &outcome.findings {
        write_finding(out, outcome, finding, options, paint)?;
    }
    if options.show_suppressed {
        write_suppressed(out, outcome, paint)?;
    }
    write_env_files(out, &outcome.env_files, paint)?;
    for notice in &outcome.notices {
        writeln!(out, "note: {notice}")?;
    }
    write_verdict(out, outcome, paint)
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

fn write_finding(
    out: &mut dyn Write,
    outcome: &Outcome,
    finding: &Finding,
    options: Options,
    paint: Paint,
) -> io::Result<()> {
    let rule = outcome.rules.rule(finding.rule);
    let hint = super::values::label(finding).unwrap_or_else(|| finding.hint());
    writeln!(out, "{}  {}  {hint}", paint.severity(finding.severity), paint.bold(&rule.name))?;
    let note = finding.note.as_ref().map(|note| format!(", {note}")).unwrap_or_default();
    let fingerprint = super::values::fingerprint_text(finding);
    let also = super::values::also(outcome, finding);
    let about =
        format!("{}, {} confidence{fingerprint}{note}{also}", rule.id, confidence(finding.confidence));
    writeln!(out, "  {}", paint.dim(&about))?;
    super::values::write_sentence(out, finding)?;
    if options.show_secrets && finding.values.is_empty() {
        writeln!(out, "  secret   {}", escaped(finding.secret.expose()))?;
    }
    for place in finding.places.iter().take(MAX_PLACES) {
        write_place(out, place, paint)?;
    }
    if finding.places.len() > MAX_PLACES {
        writeln!(out, "  and {} more places (--format json lists all)", finding.places.len() - MAX_PLACES)?;
    }
    writeln!(out, "  now      {}", now(finding))?;
    writeln!(out, "  fix      {}", rule.fix)?;
    writeln!(out)
}

/// How far the secret has gone, and what that asks for.
fn now(finding: &Finding) -> String {
    let in_head =
        finding.places.iter().any(|place| matches!(&place.container, Container::History(p) if p.in_head));
    let head = if in_head { "still in HEAD" } else { "no longer in HEAD" };
    let has_history = finding.places.iter().any(|place| matches!(place.container, Container::History(_)));
    let has_head = has_history && finding.exposure != Exposure::Staged;
    let head = if has_head { format!(", {head}") } else { String::new() };
    let advice = match finding.exposure {
        Exposure::Pushed => "a remote has it: rotate it first, then take it out",
        Exposure::Local => {
            "no remote-tracking branch has it: amend or rebase it away before you push, and rotate it if others can read this repository"
        }
        Exposure::Unreachable => {
            "no branch or tag leads to it, but whoever copies this directory gets it: rotate it, then `git gc --prune=now`"
        }
        Exposure::Staged => "the next commit would have it: take it out and `git add` the file again",
        Exposure::Worktree => "in a file on disk, not in what git has: take it out before you commit",
        Exposure::GitDirectory => "in the git directory's own files: every copy of this directory has it",
        Exposure::Image => {
            return format!("{}: {}", exposure(finding.exposure), super::image::advice(finding));
        }
        Exposure::Stdin => "on standard input",
    };
    format!("{}{head}: {advice}", exposure(finding.exposure))
}

fn write_place(out: &mut dyn Write, place: &Place, paint: Paint) -> io::Result<()> {
    let at = format!("{}:{}", place.location.line, place.location.column);
    if let Some(member) = &place.member {
        return write_member_place(out, place, &format!("!{}:{at}", escaped(member)), paint);
    }
    match &place.container {
        Container::File { path, ignored } => {
            let ignored = if *ignored { " (ignored by git)" } else { "" };
            writeln!(out, "  file     {}:{at}{ignored}", escaped(path))
        }
        Container::Stdin => writeln!(out, "  stdin    line {at}"),
        Container::Image(image) => super::image::write_place(out, image, &format!(":{at}")),
        Container::History(history) => write_history_place(out, history, &at, paint),
        Container::Metadata(metadata) => write_metadata_place(out, metadata, &at, paint),
    }
}

/// A place in an archive; `at` is the path in it, the line and the column.
fn write_member_place(out: &mut dyn Write, place: &Place, at: &str, paint: Paint) -> io::Result<()> {
    match &place.container {
        Container::File { path, ignored } => {
            let ignored = if *ignored { " (ignored by git)" } else { "" };
            writeln!(out, "  file     {}{at}{ignored}", escaped(path))
        }
        Container::Stdin | Container::Metadata(_) => writeln!(out, "  stdin    {}", &at[1..]),
        Container::Image(image) => super::image::write_place(out, image, at),
        Container::History(history) => {
            match &history.path {
                Some(path) => writeln!(out, "  history  {}{at}", escaped(path))?,
                None => writeln!(out, "  history  blob {}{at}; no tree names it", history.blob)?,
            }
            write_history_facts(out, history, paint)
        }
    }
}

fn write_history_place(out: &mut dyn Write, place: &HistoryPlace, at: &str, paint: Paint) -> io::Result<()> {
    match &place.path {
        Some(path) => writeln!(out, "  history  {}:{at}", escaped(path))?,
        None => writeln!(out, "  history  blob {}, line {at}; no tree names it", place.blob)?,
    }
    write_history_facts(out, place, paint)
}

fn write_history_facts(out: &mut dyn Write, place: &HistoryPlace, paint: Paint) -> io::Result<()> {
    let mut facts = Vec::new();
    if let Some(commit) = &place.introduced {
        facts.push(format!("first in {}", commit_text(commit)));
    }
    if let Some(last) = place.last.as_ref().filter(|_| !place.in_head) {
        facts.push(format!("last in {} of {}", last.id.short(), &last.date()[..10]));
    }
    if place.versions.len() > 1 {
        facts.push(format!("in {} versions", place.versions.len()));
    }
    facts.push(reach_text(&place.reach));
    writeln!(out, "           {}", paint.dim(&facts.join("; ")))
}

fn write_metadata_place(
    out: &mut dyn Write,
    place: &MetadataPlace,
    at: &str,
    paint: Paint,
) -> io::Result<()> {
    let what = match &place.metadata {
        Metadata::Commit(id) => format!("{} of commit {}, line {at}", place.field, id.short()),
        Metadata::Tag(id) => format!("{} of tag {}, line {at}", place.field, id.short()),
        Metadata::RefName => "the name of a reference".to_owned(),
        Metadata::RemoteRefName => "the name of a remote's branch".to_owned(),
        Metadata::EntryName(path) => format!("the name of {}", escaped(path)),
        Metadata::File(path) => format!("git directory, {}:{at}", escaped(path)),
    };
    writeln!(out, "  history  {what}")?;
    if let Some(commit) = &place.commit {
        let facts = format!("{}; {}", commit_text(commit), reach_text(&place.reach));
        writeln!(out, "           {}", paint.dim(&facts))?;
    }
    Ok(())
}

pub(super) fn commit_text(commit: &CommitSummary) -> String {
    format!("{} of {} by {}", commit.id.short(), &commit.date()[..10], escaped(&commit.author))
}

fn reach_text(reach: &Reach) -> String {
    let shown: Vec<String> = reach.refs.iter().take(3).map(|name| escaped(name)).collect();
    let more = reach.refs.len() - shown.len() + reach.more_refs;
    match (shown.is_empty(), more) {
        (true, _) => "no reference reaches it".to_owned(),
        (false, 0) => format!("in {}", shown.join(", ")),
        (false, more) => format!("in {} and {more} more", shown.join(", ")),
    }
}

fn write_env_files(out: &mut dyn Write, files: &[EnvFile], paint: Paint) -> io::Result<()> {
    for file in files {
        let state = match &file.state {
            EnvState::Tracked => "is tracked by git".to_owned(),
            EnvState::NotIgnored => "is not ignored: one `git add .` commits it".to_owned(),
            EnvState::Committed { introduced, pushed } => {
                let commit = introduced
                    .as_ref()
                    .map(|commit| format!(" in {}", commit_text(commit)))
                    .unwrap_or_default();
                let pushed = if *pushed { ", and pushed" } else { "" };
                format!("was committed{commit}{pushed}")
            }
            EnvState::InImage(place) => super::image::env_file_text(place),
        };
        writeln!(out, "{}  {} {state}", paint.with("33", ".env"), paint.bold(&escaped(&file.path)))?;
        writeln!(out, "  fix      {}\n", escaped(file.fix().as_bytes()))?;
    }
    Ok(())
}

/// A line a suppressed finding, with what removed it.
fn write_suppressed(out: &mut dyn Write, outcome: &Outcome, paint: Paint) -> io::Result<()> {
    for Suppressed { finding, by, reason } in &outcome.suppressed {
        let hint = super::values::label(finding).unwrap_or_else(|| finding.hint());
        let fingerprint = super::values::fingerprint_text(finding).replace(',', " ");
        let rule = &outcome.rules.rule(finding.rule).id;
        let reason =
            reason.as_ref().map(|reason| format!(": {}", escaped(reason.as_bytes()))).unwrap_or_default();
        writeln!(out, "suppressed  {rule}  {hint}{fingerprint}  by {by}{reason}")?;
        for place in finding.places.iter().take(MAX_PLACES) {
            write_place(out, place, paint)?;
        }
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

fn write_verdict(out: &mut dyn Write, outcome: &Outcome, paint: Paint) -> io::Result<()> {
    let Coverage { read, unread, skipped, accepted } = &outcome.coverage;
    let seconds = outcome.elapsed.as_secs_f64();
    writeln!(out, "read: {}, in {seconds:.2} s", read_text(read))?;
    if let Some(swept) = &outcome.swept {
        super::values::write_summary(out, swept)?;
    }
    if outcome.kept_in_env > 0 {
        let count = plural(outcome.kept_in_env as u64, "secret");
        writeln!(out, "fine: {count} in ignored environment files only, where they belong")?;
    }
    if let Some(told) = suppressed_text(outcome) {
        writeln!(out, "not reported: {told} (--show-suppressed lists them)")?;
    }
    if !accepted.is_empty() {
        writeln!(out, "not read, as the configuration accepts: {}", group(accepted.len() as u64))?;
        write_list(out, accepted)?;
    }
    if !skipped.is_empty() {
        writeln!(out, "passed over on purpose: {}", group(skipped.len() as u64))?;
        write_list(out, skipped)?;
    }
    if !unread.is_empty() {
        writeln!(
            out,
            "{}",
            paint.with("1;31", &format!("NOT COMPLETE: {} not read", plural(unread.len() as u64, "thing")))
        )?;
        write_list(out, unread)?;
    }
    let verdict = match outcome.findings.len() {
        0 if unread.is_empty() && outcome.kept_in_env > 0 => {
            paint.with("32", "no secrets out of place; everything was read")
        }
        0 if unread.is_empty() && !outcome.env_files.is_empty() => paint.with(
            "33",
            &format!(
                "no secrets found; everything was read; {} above",
                plural(outcome.env_files.len() as u64, ".env warning")
            ),
        ),
        0 if unread.is_empty() => paint.with("32", "no secrets found; everything was read"),
        0 => "no secrets found in what was read".to_owned(),
        count => paint.with("31", &format!("{} found", plural(count as u64, "secret"))),
    };
    writeln!(out, "{verdict}")
}

pub(super) fn write_list(out: &mut dyn Write, list: &[Unread]) -> io::Result<()> {
    for unread in list.iter().take(MAX_UNREAD) {
        writeln!(out, "  {}: {}", escaped(&unread.what), escaped(unread.why.as_bytes()))?;
    }
    if list.len() > MAX_UNREAD {
        writeln!(
            out,
            "  and {} more (--format json lists all)",
            group(list.len() as u64 - MAX_UNREAD as u64)
        )?;
    }
    Ok(())
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
