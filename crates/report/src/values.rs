//! Values that were swept for: told by name and file, never shown.

use std::io::{self, Write};

use bstr::ByteSlice;
use serde::{Deserialize, Serialize};

use keysieve_model::finding::{Container, Finding, Place, ValueSource};
use keysieve_model::outcome::{Outcome, Swept};
use keysieve_model::provenance::Metadata;

use super::escaped;
use super::json::exposure;
use super::text::{MAX_UNREAD, group, plural};

/// How many of the files that values are from are named.
const MAX_FILES: usize = 3;

/// "the value of STRIPE_SECRET_KEY in .env is in commit 1a2b3c4, settings.py:12, pushed"
fn sentence(finding: &Finding) -> Option<String> {
    // That it lies in the file that it is from is no news.
    let is_own = |place: &Place| match &place.container {
        Container::File { path, .. } => finding.values.iter().any(|source| source.file == *path),
        _ => false,
    };
    let places: Vec<&Place> = finding.places.iter().filter(|place| !is_own(place)).collect();
    // Of a file that was committed and is on disk too, the commit says more.
    let committed = places.iter().find(|place| place.container.commit().is_some());
    let place = committed.or(places.first()).filter(|_| !finding.values.is_empty())?;
    let line = place.location.line;
    let member = place.member.as_ref().map(|member| format!("!{member}")).unwrap_or_default();
    let commit = place.container.commit().map(|commit| format!("commit {}, ", commit.id.short()));
    let at = match &place.container {
        Container::File { path, .. } => format!("{path}{member}:{line}"),
        Container::Stdin => format!("standard input{member}, line {line}"),
        Container::Document(document) => format!("{}{member}, line {line}", document.name),
        Container::History(history) => match &history.path {
            Some(path) => format!("{}{}{member}:{line}", commit.unwrap_or_default(), path),
            None => format!("blob {}{member}, line {line}", history.blob),
        },
        Container::Metadata(metadata) => match &metadata.metadata {
            Metadata::Commit(id) => format!("the {} of commit {}", metadata.field, id.short()),
            Metadata::Tag(id) => format!("the {} of tag {}", metadata.field, id.short()),
            Metadata::RefName | Metadata::RemoteRefName => "the name of a reference".to_owned(),
            Metadata::EntryName(path) => format!("the name of {path}"),
            Metadata::File(path) => format!("the git directory, {path}:{line}"),
        },
        Container::Image(image) => {
            let what = image.path.as_ref().or(image.field.as_ref()).or(image.document.as_ref());
            let what = what.cloned().unwrap_or_default();
            format!("image {}, {what}{member}:{line}", image.image)
        }
    };
    let more = places.len() - 1;
    let more =
        if more > 0 { format!(", and in {}", plural(more as u64, "more place")) } else { String::new() };
    let how_far = match &place.container {
        Container::Image(_) => String::new(),
        _ => format!(", {}", exposure(finding.exposure)),
    };
    Some(format!("the value of {} is in {at}{how_far}{more}", finding.hint()))
}

/// What a finding says of values; nothing where none was swept for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct ValuesJson {
    /// "the value of STRIPE_SECRET_KEY in .env is in ..."
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) found: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    values: Vec<SourceJson>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    also: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
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

    fn text(&self) -> String {
        let file = escaped(self.file.as_bytes());
        match &self.name {
            Some(name) => format!("{} in {file}", escaped(name.as_bytes())),
            None => format!("line {} of {file}", self.line),
        }
    }
}

impl ValuesJson {
    pub(super) fn new(outcome: &Outcome, finding: &Finding) -> Self {
        Self {
            found: sentence(finding),
            values: finding.values.iter().map(SourceJson::new).collect(),
            also: finding.also.iter().map(|rule| outcome.rules.rule(*rule).id.to_string()).collect(),
        }
    }

    /// Which other rules found the same value.
    pub(super) fn also_text(&self) -> String {
        let rules = escaped(self.also.join(", ").as_bytes());
        if rules.is_empty() { rules } else { format!(", also found by {rules}") }
    }
}

/// What the summary says of a sweep.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SweptJson {
    values: usize,
    files: Vec<String>,
    public_or_placeholder: usize,
    left_out: Vec<LeftOutJson>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct LeftOutJson {
    #[serde(flatten)]
    source: SourceJson,
    why: String,
}

impl SweptJson {
    pub(super) fn new(swept: &Swept) -> Self {
        let left_out = swept.left_out.iter().map(|left_out| LeftOutJson {
            source: SourceJson::new(&left_out.source),
            why: left_out.why.clone(),
        });
        Self {
            values: swept.values,
            files: swept.files.iter().map(|file| file.to_str_lossy().into_owned()).collect(),
            public_or_placeholder: swept.others,
            left_out: left_out.collect(),
        }
    }

    /// How many values were looked for, and which were not.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let files: Vec<String> =
            self.files.iter().take(MAX_FILES).map(|file| escaped(file.as_bytes())).collect();
        let more = self.files.len().saturating_sub(MAX_FILES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let from = if files.is_empty() { String::new() } else { format!(" of {}{more}", files.join(", ")) };
        let others = match self.public_or_placeholder {
            0 => String::new(),
            count => format!("; {} public or placeholders", group(count as u64)),
        };
        writeln!(out, "swept for: {}{from}{others}", plural(self.values as u64, "secret value"))?;
        if !self.left_out.is_empty() {
            writeln!(out, "not swept for: {}", group(self.left_out.len() as u64))?;
        }
        for LeftOutJson { source, why } in self.left_out.iter().take(MAX_UNREAD) {
            writeln!(out, "  {}: {}", source.text(), escaped(why.as_bytes()))?;
        }
        if self.left_out.len() > MAX_UNREAD {
            let more = group((self.left_out.len() - MAX_UNREAD) as u64);
            writeln!(out, "  and {more} more (--format json lists all)")?;
        }
        Ok(())
    }
}
