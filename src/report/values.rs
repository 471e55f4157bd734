//! Values that were swept for: told by name and file, never shown.

use std::io::{self, Write};

use bstr::ByteSlice;
use serde::Serialize;

use crate::dotenv::values::LeftOut;
use crate::finding::{Container, Finding, ValueSource};
use crate::provenance::Metadata;
use crate::scan::{Outcome, Swept};

use super::escaped;
use super::json::exposure;
use super::text::{MAX_UNREAD, group, plural};

/// How many of the files that have a value are named.
const MAX_SOURCES: usize = 3;

/// What stands where a hint would: the variable and its file.
pub(super) fn label(finding: &Finding) -> Option<String> {
    let sources = &finding.values;
    let shown: Vec<String> = sources.iter().take(MAX_SOURCES).map(source_text).collect();
    let more = sources.len().saturating_sub(MAX_SOURCES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!shown.is_empty()).then(|| format!("{}{more}", shown.join(", ")))
}

fn source_text(source: &ValueSource) -> String {
    escaped(source.to_string().as_bytes())
}

/// `, fingerprint ...`, where there is one to be shown.
pub(super) fn fingerprint_text(finding: &Finding) -> String {
    if finding.shows_fingerprint { format!(", fingerprint {}", finding.fingerprint) } else { String::new() }
}

/// Which other rules found the same value.
pub(super) fn also(outcome: &Outcome, finding: &Finding) -> String {
    let rules: Vec<&str> = finding.also.iter().map(|rule| outcome.rules.rule(*rule).id.as_ref()).collect();
    if rules.is_empty() { String::new() } else { format!(", also found by {}", rules.join(", ")) }
}

/// "the value of STRIPE_SECRET_KEY in .env is in commit 1a2b3c4, settings.py:12, pushed"
pub(super) fn write_sentence(out: &mut dyn Write, finding: &Finding) -> io::Result<()> {
    // Of a file that was committed and is on disk too, the commit says more.
    let committed = finding.places.iter().find(|place| place.container.commit().is_some());
    let (Some(label), Some(place)) = (label(finding), committed.or(finding.places.first())) else {
        return Ok(());
    };
    let line = place.location.line;
    let member = place.member.as_ref().map(|member| format!("!{}", escaped(member))).unwrap_or_default();
    let commit = place.container.commit().map(|commit| format!("commit {}, ", commit.id.short()));
    let at = match &place.container {
        Container::File { path, .. } => format!("{}{member}:{line}", escaped(path)),
        Container::Stdin => format!("standard input{member}, line {line}"),
        Container::History(history) => match &history.path {
            Some(path) => format!("{}{}{member}:{line}", commit.unwrap_or_default(), escaped(path)),
            None => format!("blob {}{member}, line {line}", history.blob),
        },
        Container::Metadata(metadata) => match &metadata.metadata {
            Metadata::Commit(id) => format!("the {} of commit {}", metadata.field, id.short()),
            Metadata::Tag(id) => format!("the {} of tag {}", metadata.field, id.short()),
            Metadata::RefName | Metadata::RemoteRefName => "the name of a reference".to_owned(),
            Metadata::EntryName(path) => format!("the name of {}", escaped(path)),
            Metadata::File(path) => format!("the git directory, {}:{line}", escaped(path)),
        },
        Container::Image(image) => {
            let what = image.path.as_ref().or(image.field.as_ref()).or(image.document.as_ref());
            let what = what.map(|what| escaped(what)).unwrap_or_default();
            format!("image {}, {what}{member}:{line}", escaped(&image.image))
        }
    };
    let more = finding.places.len() - 1;
    let more =
        if more > 0 { format!(", and in {}", plural(more as u64, "more place")) } else { String::new() };
    let how_far = match &place.container {
        Container::Image(_) => String::new(),
        _ => format!(", {}", exposure(finding.exposure)),
    };
    writeln!(out, "  found    the value of {label} is in {at}{how_far}{more}")
}

/// How many values were looked for, and which were not.
pub(super) fn write_summary(out: &mut dyn Write, swept: &Swept) -> io::Result<()> {
    let files: Vec<String> = swept.files.iter().take(MAX_SOURCES).map(|file| escaped(file)).collect();
    let more = swept.files.len().saturating_sub(MAX_SOURCES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let from = if files.is_empty() { String::new() } else { format!(" of {}{more}", files.join(", ")) };
    let others = match swept.others {
        0 => String::new(),
        count => format!("; {} public or placeholders", group(count as u64)),
    };
    writeln!(out, "swept for: {}{from}{others}", plural(swept.values as u64, "secret value"))?;
    if !swept.left_out.is_empty() {
        writeln!(out, "not swept for: {}", group(swept.left_out.len() as u64))?;
    }
    for LeftOut { source, why } in swept.left_out.iter().take(MAX_UNREAD) {
        writeln!(out, "  {}: {why}", source_text(source))?;
    }
    if swept.left_out.len() > MAX_UNREAD {
        let more = group((swept.left_out.len() - MAX_UNREAD) as u64);
        writeln!(out, "  and {more} more (--format json lists all)")?;
    }
    Ok(())
}

/// What a finding says of values; nothing where none was swept for.
#[derive(Serialize)]
pub(super) struct ValuesJson<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<SourceJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also: Vec<&'a str>,
}

#[derive(Serialize)]
struct SourceJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    file: String,
    line: u64,
}

impl SourceJson {
    fn new(source: &ValueSource) -> Self {
        let text = |bytes: &[u8]| bytes.to_str_lossy().into_owned();
        Self {
            name: source.name.as_ref().map(|name| text(name)),
            file: text(&source.file),
            line: source.line,
        }
    }
}

impl<'a> ValuesJson<'a> {
    pub(super) fn new(outcome: &'a Outcome, finding: &'a Finding) -> Self {
        Self {
            values: finding.values.iter().map(SourceJson::new).collect(),
            also: finding.also.iter().map(|rule| outcome.rules.rule(*rule).id.as_ref()).collect(),
        }
    }
}

/// What the summary says of a sweep.
#[derive(Serialize)]
pub(super) struct SweptJson {
    values: usize,
    files: Vec<String>,
    public_or_placeholder: usize,
    left_out: Vec<LeftOutJson>,
}

#[derive(Serialize)]
struct LeftOutJson {
    #[serde(flatten)]
    source: SourceJson,
    why: String,
}

impl SweptJson {
    pub(super) fn new(swept: &Swept) -> Self {
        let left_out = swept.left_out.iter();
        Self {
            values: swept.values,
            files: swept.files.iter().map(|file| file.to_str_lossy().into_owned()).collect(),
            public_or_placeholder: swept.others,
            left_out: left_out
                .map(|left_out| LeftOutJson {
                    source: SourceJson::new(&left_out.source),
                    why: left_out.why.clone(),
                })
                .collect(),
        }
    }
}
