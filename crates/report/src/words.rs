//! What formats for people have in common: places, how far a secret has gone and what to do about it, in words. Names in them are
//! untrusted and come out escaped for a terminal; each format quotes what it is given once more, by its own rules.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use keysieve_model::coverage::Read;
use keysieve_model::finding::Exposure;
use keysieve_rules::{Confidence, Severity};

use super::dates::{day, parse_rfc3339};
use super::escaped;
use super::json::{
    EnvFileJson, FindingJson, ImageJson, PlaceJson, PlaceKind, ReadJson, Results, SummaryJson, UnreadJson,
};
use super::text::{group, plural};

/// How much of an instruction is shown, in characters; heredocs can be long.
const MAX_INSTRUCTION: usize = 160;
/// How many digits of a digest tell layers apart, behind `sha256:`.
const DIGEST_DIGITS: usize = 12;
/// How many references a place names.
const MAX_REFS: usize = 3;

/// The bytes that `text` stands for, given in base64 besides where they are no UTF-8.
fn raw(text: &str, base64: Option<&str>) -> Vec<u8> {
    base64.and_then(|bytes| BASE64.decode(bytes).ok()).unwrap_or_else(|| text.as_bytes().to_vec())
}

/// What is said of a run that is complete.
pub(super) fn all_read(accepted: &[UnreadJson]) -> &'static str {
    match accepted {
        [] => "everything was read",
        _ => "everything was read but what the configuration accepts as unread",
    }
}

/// The beginning of an object's id, as people quote it.
fn short(id: &str) -> String {
    escaped(id.get(..7).unwrap_or(id).as_bytes())
}

impl PlaceJson {
    /// The path of the file, without that of a member in it.
    pub(super) fn raw_path(&self) -> Option<Vec<u8>> {
        self.path.as_deref().map(|path| raw(path, self.path_bytes.as_deref()))
    }

    fn shown_member(&self) -> String {
        let member = self.member.as_deref().map(|member| raw(member, self.member_bytes.as_deref()));
        member.map(|member| format!("!{}", escaped(&member))).unwrap_or_default()
    }

    /// Whether it is the file at its path that holds the secret, so that the line is one of that file.
    pub(super) fn is_in_file(&self) -> bool {
        let is_name = self.field.as_deref() == Some("name");
        self.path.is_some() && self.member.is_none() && !is_name
    }

    /// What it is: `src/app.py`, `a.zip!b.env`, `the message of commit 0123456`.
    pub(super) fn name(&self) -> String {
        let path = self.raw_path().map(|path| escaped(&path));
        let member = self.shown_member();
        match (self.kind, path) {
            (PlaceKind::GitMetadata, path) => self.metadata_name(path),
            (_, Some(path)) => format!("{path}{member}"),
            (PlaceKind::Git, None) => {
                format!("blob {}{member}", short(self.blob.as_deref().unwrap_or_default()))
            }
            (PlaceKind::Image, None) => match (&self.field, &self.image.document) {
                (Some(field), _) => format!("{} of the configuration", escaped(field.as_bytes())),
                (None, Some(document)) => escaped(document.as_bytes()),
                (None, None) => "the layer itself".to_owned(),
            },
            (PlaceKind::Worktree | PlaceKind::Stdin | PlaceKind::Document, None) => {
                format!("standard input{member}")
            }
        }
    }

    fn metadata_name(&self, path: Option<String>) -> String {
        let field = escaped(self.field.as_deref().unwrap_or("text").as_bytes());
        match (path, &self.tag, &self.commit) {
            (Some(path), ..) if self.field.as_deref() == Some("name") => format!("the name of {path}"),
            (Some(path), ..) => format!(".git/{path}"),
            (None, Some(tag), _) => format!("the {field} of tag {}", short(tag)),
            (None, None, Some(commit)) => format!("the {field} of commit {}", short(commit)),
            (None, None, None) if self.remote == Some(true) => "the name of a remote's branch".to_owned(),
            (None, None, None) => "the name of a reference".to_owned(),
        }
    }

    /// The command that shows the version of the file that brought it in.
    pub(super) fn show_command(&self) -> Option<String> {
        let path =
            self.path.as_deref().filter(|_| self.kind == PlaceKind::Git && self.path_bytes.is_none())?;
        show_command(self.commit.as_deref()?, path)
    }

    /// Whether its line says something.
    pub(super) fn has_lines(&self) -> bool {
        self.field.is_none() || self.field.as_deref() == Some("message")
    }

    /// What it is, and where in it: `src/app.py:3:17`.
    pub(super) fn at(&self) -> String {
        let (name, line, column) = (self.name(), self.line, self.column);
        match (self.path.is_some() || self.member.is_some(), self.has_lines()) {
            (_, false) => name,
            (true, true) => format!("{name}:{line}:{column}"),
            (false, true) => format!("{name}, line {line}:{column}"),
        }
    }

    /// What is known of it besides: commits, references, layers. Authors are left out: not every format may name them.
    pub(super) fn facts(&self) -> Vec<String> {
        let mut facts =
            if self.kind == PlaceKind::Git { self.commit_facts(Authors::Left) } else { Vec::new() };
        if self.in_head == Some(true) {
            facts.push("still in HEAD".to_owned());
        }
        facts.extend(self.reach_facts());
        facts.extend(self.image_facts());
        if self.ignored == Some(true) {
            facts.push("ignored by git".to_owned());
        }
        facts
    }

    /// The first commit, or the one that it is.
    pub(super) fn commit_text(&self, authors: Authors) -> Option<String> {
        Some(commit_text(self.commit.as_deref()?, self.date.as_deref(), self.author.as_deref(), authors))
    }

    /// The commits that had it.
    pub(super) fn commit_facts(&self, authors: Authors) -> Vec<String> {
        let mut facts: Vec<String> =
            self.commit_text(authors).into_iter().map(|commit| format!("first in {commit}")).collect();
        if let Some(last) = self.last_commit.as_ref().filter(|_| self.in_head != Some(true)) {
            facts.push(format!("last in {}{}", short(last), of_day(self.last_date.as_deref())));
        }
        if let Some(versions) = self.versions.filter(|&versions| versions > 1) {
            facts.push(format!("in {versions} versions"));
        }
        facts
    }

    /// The references that reach it, where it lies in a history.
    pub(super) fn reach_facts(&self) -> Vec<String> {
        let refs = self.refs.as_ref().map(|refs| refs_text(refs, self.more_refs.unwrap_or_default()));
        refs.into_iter().collect()
    }

    /// The image, the layer, and what became of the file.
    pub(super) fn image_facts(&self) -> Vec<String> {
        image_facts(&self.image)
    }

    /// How well it shows where to begin, the best first: a file that is there now, then one of the history.
    fn rank(&self) -> u8 {
        match (self.kind, self.path.is_some(), self.in_head == Some(true)) {
            (PlaceKind::Worktree, ..) if self.ignored != Some(true) => 0,
            (PlaceKind::Git, true, true) => 1,
            (PlaceKind::Image, ..) => 2,
            (PlaceKind::Git, true, false) => 3,
            (PlaceKind::Worktree, ..) => 4,
            (PlaceKind::Stdin | PlaceKind::Document, ..) => 5,
            (PlaceKind::Git | PlaceKind::GitMetadata, ..) => 6,
        }
    }
}

/// The command that shows the file at `path` as a commit has it; none where a shell, or a reader, may take the path for another.
#[must_use]
pub fn show_command(commit: &str, path: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./+@%:=,".contains(&byte);
    let is_commit = commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_shown = escaped(path.as_bytes()) == path && !path.contains('\'');
    let commit = short(commit);
    match path.bytes().all(is_plain) {
        _ if !is_commit || !is_shown => None,
        true => Some(format!("git show {commit}:{path}")),
        false => Some(format!("git show '{commit}:{path}'")),
    }
}

/// Whether authors, who have names and addresses, are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Authors {
    /// They are.
    Named,
    /// They are not.
    Left,
}

fn commit_text(id: &str, date: Option<&str>, author: Option<&str>, authors: Authors) -> String {
    let author = author.filter(|_| authors == Authors::Named);
    let by = author.map(|author| format!(" by {}", escaped(author.as_bytes()))).unwrap_or_default();
    format!("{}{}{by}", short(id), of_day(date))
}

fn of_day(date: Option<&str>) -> String {
    date.map(|date| format!(" of {}", escaped(day(date).as_bytes()))).unwrap_or_default()
}

fn refs_text(refs: &[String], more_refs: usize) -> String {
    let shown: Vec<String> = refs.iter().take(MAX_REFS).map(|name| escaped(name.as_bytes())).collect();
    match (shown.is_empty(), refs.len() - shown.len() + more_refs) {
        (true, _) => "no reference reaches it".to_owned(),
        (false, 0) => format!("in {}", shown.join(", ")),
        (false, more) => format!("in {} and {} more", shown.join(", "), group(more as u64)),
    }
}

/// The image, the layer, and what became of the file.
fn image_facts(image: &ImageJson) -> Vec<String> {
    let Some(name) = &image.image else { return Vec::new() };
    let mut facts = vec![format!("in {}{}", escaped(name.as_bytes()), layer_text(image))];
    if let Some(removal) = &image.removal {
        let by = image.deleted_by_number.map(|number| format!(" by layer {number}")).unwrap_or_default();
        let how = instruction_text(image.deleted_by_instruction.as_deref());
        let still = image.layer_number.map(|number| format!(", still readable in layer {number}"));
        facts.push(format!("{}{by}{how}{}", escaped(removal.as_bytes()), still.unwrap_or_default()));
    }
    facts
}

fn layer_text(image: &ImageJson) -> String {
    let (Some(number), Some(count), Some(digest)) = (image.layer_number, image.layer_count, &image.layer)
    else {
        // A step of the history.
        let step = if image.instruction.is_some() { ", step" } else { "" };
        return format!("{step}{}", instruction_text(image.instruction.as_deref()));
    };
    let digest: String = digest.chars().take("sha256:".len() + DIGEST_DIGITS).collect();
    let made_by = instruction_text(image.instruction.as_deref());
    format!(", layer {number} of {count} {}{made_by}", escaped(digest.as_bytes()))
}

fn instruction_text(instruction: Option<&str>) -> String {
    let Some(instruction) = instruction else { return String::new() };
    let shown = escaped(instruction.as_bytes());
    let short: String = shown.chars().take(MAX_INSTRUCTION).collect();
    let dots = if short.len() < shown.len() { "..." } else { "" };
    format!(" (`{short}{dots}`)")
}

impl FindingJson {
    /// The place that shows best where to begin, and the others.
    pub(super) fn places_by_rank(&self) -> Vec<&PlaceJson> {
        let mut places: Vec<&PlaceJson> = self.places.iter().collect();
        places.sort_by_key(|place| place.rank());
        places
    }

    /// When it first came into a history, in seconds since 1970, as far as that is known.
    pub(super) fn since_seconds(&self) -> Option<i64> {
        self.places.iter().filter_map(|place| parse_rfc3339(place.date.as_deref()?)).min()
    }

    /// The secret, where it may be seen.
    pub(super) fn raw_secret(&self) -> Option<Vec<u8>> {
        self.secret.as_deref().map(|secret| raw(secret, self.secret_bytes.as_deref()))
    }

    /// Whether the commit that HEAD names has it, where there is a history.
    pub(super) fn in_head(&self) -> Option<bool> {
        let mut known = self.places.iter().filter_map(|place| place.in_head).peekable();
        known.peek()?;
        Some(known.any(|in_head| in_head))
    }

    /// How to fix it, a line each.
    pub(super) fn fix_lines(&self) -> Vec<String> {
        self.fix.lines().map(|line| escaped(line.as_bytes())).collect()
    }

    /// What to do about it, as far as its exposure tells.
    pub(super) fn advice(&self) -> &'static str {
        match self.exposure {
            Exposure::Pushed => "a remote has it: rotate it first, then take it out",
            Exposure::Local => {
                "no remote-tracking branch has it: amend or rebase it away before you push, and rotate it if others can read this \
                 repository"
            }
            Exposure::Unreachable => {
                "no branch or tag leads to it, but whoever copies this directory gets it: rotate it, then `git gc --prune=now`"
            }
            Exposure::Staged => "the next commit would have it: take it out and `git add` the file again",
            Exposure::Worktree => "in a file on disk, not in what git has: take it out before you commit",
            Exposure::GitDirectory => "in the git directory's own files: every copy of this directory has it",
            Exposure::Image => self.image_advice(),
            Exposure::Stdin => "on standard input",
            Exposure::Document => {
                "whoever can read the document has it, edited or not: rotate it, then take it out"
            }
            Exposure::Unknown => {
                "the scanner that found it does not say how far it has gone: take it for known, and rotate it"
            }
        }
    }

    fn image_advice(&self) -> &'static str {
        let is_run = |place: &PlaceJson| {
            place.image.instruction.as_deref().is_some_and(|instruction| instruction.starts_with("RUN"))
        };
        let is_configuration = |place: &PlaceJson| place.kind == PlaceKind::Image && place.field.is_some();
        if self.places.iter().any(is_configuration) {
            "whoever can pull the image reads its configuration: rotate it; give it to a build with \
             `RUN --mount=type=secret`, to a container when it starts, and to neither with ENV or ARG"
        } else if self.places.iter().any(is_run) {
            "whoever can pull the image has it, deleted or not: rotate it, and use `RUN --mount=type=secret`, which leaves \
             nothing in a layer, or a stage of its own that is not published"
        } else {
            "whoever can pull the image has it, deleted or not: rotate it, keep the file out with .dockerignore, and copy what is \
             needed only, from a stage that is not published"
        }
    }
}

/// What an exposure asks for first, in a few words.
pub(super) fn first_step(exposure: Exposure) -> &'static str {
    match exposure {
        Exposure::Pushed | Exposure::Image | Exposure::Document | Exposure::Unknown => "Rotate now",
        Exposure::GitDirectory | Exposure::Unreachable => "Rotate, then clean up",
        Exposure::Local => "Take out before you push",
        Exposure::Staged => "Take out before you commit",
        Exposure::Worktree | Exposure::Stdin => "Move to the environment",
    }
}

/// How soon a secret with this exposure asks for something, the soonest first.
pub(super) fn urgency(exposure: Exposure) -> u8 {
    match exposure {
        Exposure::Pushed | Exposure::Image | Exposure::Document | Exposure::Unknown => 0,
        Exposure::GitDirectory | Exposure::Unreachable => 1,
        Exposure::Local => 2,
        Exposure::Staged => 3,
        Exposure::Worktree | Exposure::Stdin => 4,
    }
}

impl EnvFileJson {
    /// The path.
    pub(super) fn raw_path(&self) -> Vec<u8> {
        raw(&self.path, self.path_bytes.as_deref())
    }

    /// Whether it changes the exit code by itself.
    pub(super) fn is_failing(&self) -> bool {
        self.is_in_image() || self.exposes_secret
    }

    /// Whether it lies in an image, where its path is none of the work tree.
    pub(super) fn is_in_image(&self) -> bool {
        self.state == "in-image"
    }

    /// What is wrong with it, without its path: `is tracked by git`.
    pub(super) fn told(&self, authors: Authors) -> String {
        let known = self.states.first().filter(|state| !state.told.is_empty());
        match (self.state.as_str(), known) {
            ("committed" | "in-image", _) | (_, None) => self.told_by_state(authors),
            (_, Some(state)) => escaped(state.told.as_bytes()),
        }
    }

    /// The same from the name of the state, which files of earlier versions have alone.
    fn told_by_state(&self, authors: Authors) -> String {
        match self.state.as_str() {
            "tracked" => "is tracked by git".to_owned(),
            "not-ignored" => "is not ignored: one `git add .` commits it".to_owned(),
            "committed" => {
                let text = |id| commit_text(id, self.date.as_deref(), self.author.as_deref(), authors);
                let commit = self.commit.as_deref().map(|id| format!(" in {}", text(id)));
                let pushed = if self.pushed == Some(true) { ", and pushed" } else { "" };
                format!("was committed{}{pushed}", commit.unwrap_or_default())
            }
            "in-image" => format!("is {}", image_facts(&self.image).join("; ")),
            state => format!("is {}", escaped(state.as_bytes())),
        }
    }
}

impl UnreadJson {
    /// `path: why`.
    pub(super) fn told(&self) -> String {
        format!("{}: {}", escaped(&self.raw_what()), escaped(self.why.as_bytes()))
    }

    /// What it is, as bytes.
    pub(super) fn raw_what(&self) -> Vec<u8> {
        raw(&self.what, self.what_bytes.as_deref())
    }
}

impl SummaryJson {
    /// When the run ended, in seconds since 1970, where the results say it.
    pub(super) fn finished_seconds(&self) -> Option<i64> {
        parse_rfc3339(self.finished.as_deref()?)
    }

    /// What was read: `12 commits, 40 blobs, 1.2 MB`.
    pub(super) fn read_text(&self) -> String {
        super::text::read_text(&Read::from(&self.read))
    }

    /// How many findings are not reported, and why not; none where all are.
    pub(super) fn suppressed_text(&self) -> Option<String> {
        let counts = [
            (self.suppressed.baseline, "in the baseline"),
            (self.suppressed.inline, "allowed inline"),
            (self.suppressed.config, "by the configuration"),
            (self.suppressed.excluded, "by --exclude"),
        ];
        let told = counts.into_iter().filter(|(count, _)| *count > 0);
        let told: Vec<String> =
            told.map(|(count, words)| format!("{} {words}", group(count as u64))).collect();
        (!told.is_empty()).then(|| told.join(", "))
    }
}

impl From<&ReadJson> for Read {
    fn from(read: &ReadJson) -> Self {
        let ReadJson { commits, tags, blobs, known, bytes, files, layers } = *read;
        Self { commits, blobs, known, tags, files, layers, bytes }
    }
}

impl Results {
    /// The one line that counts: what was found, and whether all was read.
    pub(super) fn verdict(&self) -> String {
        let misplaced = self.summary.env_files.iter().filter(|file| file.is_failing()).count();
        let exposing = self.summary.env_files.iter().filter(|file| file.exposes_secret).count();
        let found = match (self.findings.len(), misplaced) {
            (0, 0) => "no secrets found".to_owned(),
            (0, _) if exposing > 0 => {
                format!(
                    "{} with secrets, where others get at it",
                    plural(exposing as u64, "environment file")
                )
            }
            (0, files) => {
                format!(
                    "no secrets found, but {} where it must not be",
                    plural(files as u64, "environment file")
                )
            }
            (count, _) => format!("{} found", plural(count as u64, "secret")),
        };
        match (self.is_complete(), self.summary.unread.len()) {
            (true, _) => format!("{found}; {}", all_read(&self.summary.accepted_unread)),
            (false, 0) => format!("{found}, but NOT COMPLETE: not all was read"),
            (false, unread) => {
                format!("{found}, but NOT COMPLETE: {} not read", plural(unread as u64, "thing"))
            }
        }
    }
}

/// A level as a sentence begins with it.
pub(super) fn capitalised(level: Severity) -> &'static str {
    match level {
        Severity::Low => "Low",
        Severity::Medium => "Medium",
        Severity::High => "High",
        Severity::Critical => "Critical",
    }
}

/// `high confidence`
pub(super) fn confidence_text(confidence: Confidence) -> String {
    format!("{} confidence", super::json::confidence(confidence))
}

/// Whether it is an address of a page that stands for itself in Markdown.
pub(super) fn is_link(reference: &str) -> bool {
    let is_escape =
        |rest: &str| rest.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    reference.starts_with("https://")
        && reference.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"'`\\|()[]{}^".contains(&byte))
        && reference.split('%').skip(1).all(is_escape)
}
