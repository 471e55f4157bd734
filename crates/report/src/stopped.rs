//! What a hook says: a line where nothing was found; else each secret, where it is, and how to get it out while it is still here.

use std::io::{self, Write};

use bstr::{BStr, BString, ByteSlice};

use keysieve_model::finding::{
    CommitSummary, Container, Finding, HistoryPlace, ImagePlace, MetadataPlace, Place,
};
use keysieve_model::outcome::CommitShape;
use keysieve_model::outcome::{Outcome, RangeOutcome};
use keysieve_model::provenance::{Metadata, ObjectId};

use super::remedy::Remedy;
use super::text::{Paint, commit_text, plural, read_text, suppressed_text, write_fix, write_list};
use super::{Options, escaped};

/// How many of a secret's places are shown.
const MAX_PLACES: usize = 5;
/// How many references a command names.
const MAX_REFS: usize = 10;

/// What is stopped when something was found.
#[derive(Debug, Clone)]
pub enum Stopped {
    /// A commit.
    Commit,
    /// A push from here.
    Push {
        /// Where to.
        remote: BString,
        /// The branch that is checked out, and its commit.
        branch: Option<BString>,
        /// The commit that is checked out.
        head: Option<ObjectId>,
        /// What is pushed, as `git push` takes it.
        refs: Vec<BString>,
    },
    /// A push to here.
    Receive,
}

impl Stopped {
    fn name(&self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Push { .. } | Self::Receive => "push",
        }
    }
}

/// Writes what a hook has to say.
///
/// # Errors
///
/// When `out` cannot be written to.
pub fn write(
    out: &mut dyn Write,
    found: &RangeOutcome,
    stopped: &Stopped,
    options: Options,
) -> io::Result<()> {
    let outcome = &found.outcome;
    let paint = Paint { colour: options.colour };
    let seconds = outcome.elapsed.as_secs_f64();
    let suppressed = suppressed_text(outcome).map(|told| format!(" ({told})")).unwrap_or_default();
    if outcome.findings.is_empty() && outcome.coverage.is_complete() {
        if !found.is_nothing {
            let read = read_text(&outcome.coverage.read);
            writeln!(out, "keysieve: no new secrets{suppressed} in {read}, {seconds:.2} s")?;
        }
        return write_notices(out, outcome);
    }
    let count = plural(outcome.findings.len() as u64, "new secret");
    let verdict = match (outcome.findings.is_empty(), outcome.failing() == 0, outcome.coverage.is_complete())
    {
        (true, _, _) => format!("{} stopped: not all of it could be read", stopped.name()),
        (false, true, true) => format!("{count}, below what fails"),
        _ => format!("{} stopped: {count} in it", stopped.name()),
    };
    writeln!(out, "keysieve: {}", paint.with("1;31", &verdict))?;
    for finding in &outcome.findings {
        writeln!(out)?;
        write_finding(out, found, finding, stopped, (options, paint))?;
    }
    if !outcome.coverage.is_complete() {
        writeln!(out, "\n{}", paint.with("1;31", "not read:"))?;
        write_list(out, &outcome.coverage.unread)?;
    }
    writeln!(out, "\nread: {}, in {seconds:.2} s{suppressed}", read_text(&outcome.coverage.read))?;
    write_notices(out, outcome)?;
    write_ways_round(out, outcome, stopped)
}

fn write_notices(out: &mut dyn Write, outcome: &Outcome) -> io::Result<()> {
    outcome.notices.iter().try_for_each(|notice| writeln!(out, "keysieve: {}", escaped(notice.as_bytes())))
}

fn write_finding(
    out: &mut dyn Write,
    found: &RangeOutcome,
    finding: &Finding,
    stopped: &Stopped,
    (options, paint): (Options, Paint),
) -> io::Result<()> {
    let rule = found.outcome.rules.rule(finding.rule);
    let hint = finding.secret.hint(finding.public_prefix);
    writeln!(out, "{}  {}  {hint}", paint.severity(finding.severity), paint.bold(&rule.name))?;
    writeln!(out, "  {}", paint.dim(&format!("{}, fingerprint {}", rule.id, finding.fingerprint)))?;
    if options.show_secrets {
        writeln!(out, "  secret  {}", escaped(finding.secret.expose()))?;
    }
    for place in finding.places.iter().take(MAX_PLACES) {
        writeln!(out, "  at      {}", place_text(place))?;
    }
    if finding.places.len() > MAX_PLACES {
        writeln!(out, "  and {} more places", finding.places.len() - MAX_PLACES)?;
    }
    let steps = steps(found, finding, stopped);
    if !steps.is_empty() {
        writeln!(out, "  out     {}", steps[0])?;
        for step in &steps[1..] {
            writeln!(out, "          {step}")?;
        }
    }
    let fix = Remedy::of(rule, finding).text();
    let lines: Vec<String> = fix.lines().map(|line| escaped(line.as_bytes())).collect();
    write_fix(out, "  fix     ", &lines)
}

fn place_text(place: &Place) -> String {
    let location = place.shown_location();
    let at = format!("{}:{}", location.line, location.column);
    let member = place.member.as_ref().map(|member| format!("!{}", escaped(member))).unwrap_or_default();
    match &place.container {
        Container::History(history) => {
            let path = match &history.path {
                Some(path) => format!("{}{member}:{at}", escaped(path)),
                None => format!("blob {}, line {at}", history.blob),
            };
            match &history.introduced {
                Some(commit) if history.at_tip || history.in_head => {
                    format!("{path}, since commit {}", commit_text(commit))
                }
                Some(commit) => {
                    format!(
                        "{path}, from commit {}; taken out again later, but pushed all the same",
                        commit_text(commit)
                    )
                }
                None => format!("{path}, in {}", names(&history.reach.refs)),
            }
        }
        Container::Metadata(metadata) => match &metadata.metadata {
            Metadata::Commit(id) => format!("the {} of commit {}, line {at}", metadata.field, id.short()),
            Metadata::Tag(_) => {
                format!("the {} of tag {}, line {at}", metadata.field, names(&metadata.reach.refs))
            }
            Metadata::RefName | Metadata::RemoteRefName => "the name of a reference".to_owned(),
            Metadata::EntryName(path) => format!("the name of {}", escaped(path)),
            Metadata::File(path) => format!("{}:{at}", escaped(path)),
        },
        Container::File { path, .. } | Container::Image(ImagePlace { path: Some(path), .. }) => {
            format!("{}{member}:{at}", escaped(path))
        }
        Container::Image(_) => format!("the image's configuration, line {at}"),
        Container::Stdin => format!("line {at}"),
        Container::Document(document) => format!("{}:{at}", escaped(&document.name)),
    }
}

fn names(refs: &[BString]) -> String {
    refs.iter().map(|name| escaped(name)).collect::<Vec<_>>().join(", ")
}

/// What to type, in order; lines with `#` are for the reader.
fn steps(found: &RangeOutcome, finding: &Finding, stopped: &Stopped) -> Vec<String> {
    let place = |place: &Place| place.container.commit().map(|commit| (commit.seconds, commit.id));
    let Some(first) = finding.places.iter().min_by_key(|at| place(at)) else { return Vec::new() };
    match stopped {
        Stopped::Receive => {
            vec!["# where it was pushed from: rewrite the commit, then push again".to_owned()]
        }
        Stopped::Commit => match &first.container {
            Container::History(HistoryPlace { path: Some(path), .. }) => {
                vec![edit(path.as_bstr()), add(path.as_bstr())]
            }
            _ => Vec::new(),
        },
        Stopped::Push { branch, head, .. } => {
            let names_of = |refs: &[BString]| refs.first().cloned().unwrap_or_default();
            match &first.container {
                Container::Metadata(MetadataPlace { metadata: Metadata::Tag(_), reach, .. }) => {
                    let name = quoted(names_of(&reach.refs).as_bstr());
                    vec![format!("git tag --force --annotate {name} {name}'^{{}}'  # with another text")]
                }
                Container::History(HistoryPlace { introduced: None, reach, .. }) => {
                    vec![format!("git tag --delete {}", quoted(names_of(&reach.refs).as_bstr()))]
                }
                container => {
                    let Some(commit) = container.commit() else { return Vec::new() };
                    let shape = found.shapes.get(&commit.id).copied();
                    let names = &reach_of(container).to_vec();
                    rewrite(container, commit, shape, (branch.as_ref(), *head, names))
                }
            }
        }
    }
}

fn reach_of(container: &Container) -> &[BString] {
    match container {
        Container::History(place) => &place.reach.refs,
        Container::Metadata(place) => &place.reach.refs,
        Container::File { .. } | Container::Stdin | Container::Document(_) | Container::Image(_) => &[],
    }
}

/// How to write the commit anew.
fn rewrite(
    container: &Container,
    commit: &CommitSummary,
    shape: Option<CommitShape>,
    (branch, head, names): (Option<&BString>, Option<ObjectId>, &[BString]),
) -> Vec<String> {
    let shape = shape.unwrap_or(CommitShape { parents: 1, precedes_merges: false });
    let mut steps = Vec::new();
    let is_checked_out = Some(commit.id) == head || branch.is_none_or(|branch| names.contains(branch));
    if !is_checked_out && let Some(name) = names.first() {
        steps.push(format!("git switch {}", quoted(name.as_bstr())));
    }
    let amend: Vec<String> = match container {
        Container::Metadata(MetadataPlace { field: "message", .. }) => {
            vec!["git commit --amend --allow-empty  # with another message".to_owned()]
        }
        Container::Metadata(_) => {
            vec!["git commit --amend --no-edit --allow-empty --reset-author".to_owned()]
        }
        Container::History(HistoryPlace { path: Some(path), .. }) => vec![
            edit(path.as_bstr()),
            add(path.as_bstr()),
            "git commit --amend --no-edit --allow-empty".to_owned(),
        ],
        _ => Vec::new(),
    };
    if Some(commit.id) == head {
        steps.extend(amend);
        return steps;
    }
    let id = commit.id.short();
    // `sed -i.bak` is what GNU's, the BSDs' and Git for Windows' have in common.
    let (editor, base) = match shape.parents {
        0 => (pick(&id), "--root".to_owned()),
        1 => (pick(&id), format!("{id}~1")),
        _ => (format!("sed -i.bak -e '/^merge -C {id}/a\\\\' -e break"), format!("{id}~1")),
    };
    let merges = if shape.precedes_merges || shape.parents > 1 { " --rebase-merges" } else { "" };
    steps.push(format!("git -c sequence.editor=\"{editor}\" rebase --interactive{merges} {base}"));
    steps.extend(amend);
    steps.push("git rebase --continue".to_owned());
    steps
}

fn pick(id: &str) -> String {
    format!("sed -i.bak -e 's/^p[a-z]* {id}/edit {id}/'")
}

fn edit(path: &BStr) -> String {
    format!("# take it out of {}, then", escaped(path))
}

/// `git add` of a path that counts from the top, wherever it is typed.
fn add(path: &BStr) -> String {
    let has_signs =
        path.find_byteset(br"*?[\").is_some() || path.first().is_some_and(|first| b"!^:/".contains(first));
    let magic: &[u8] = if has_signs { b":(top,literal)" } else { b":/" };
    format!("git add -- {}", quoted([magic, path].concat().as_bstr()))
}

/// A name as a shell takes it for one word.
fn quoted(name: &BStr) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./+:@%".contains(byte);
    if !name.is_empty() && name.iter().all(is_plain) && !name.starts_with(b"-") {
        return escaped(name);
    }
    let prefix = if name.starts_with(b"-") { "./" } else { "" };
    format!("'{prefix}{}'", escaped(&name.replace("'", "'\\''")))
}

/// What to do where it is no secret.
fn write_ways_round(out: &mut dyn Write, outcome: &Outcome, stopped: &Stopped) -> io::Result<()> {
    if outcome.findings.is_empty() {
        return Ok(());
    }
    match stopped {
        Stopped::Receive => Ok(()),
        Stopped::Commit => write_allowing(out, outcome, "KEYSIEVE_SKIP=1 git commit"),
        Stopped::Push { refs, .. } if refs.len() > MAX_REFS || hold_secret(refs, outcome) => {
            write_allowing(out, outcome, "the same `git push` with KEYSIEVE_SKIP=1 in front of it")
        }
        Stopped::Push { remote, refs, .. } => {
            let operands = std::iter::once(remote).chain(refs).map(|name| quoted(name.as_bstr()));
            let operands: Vec<String> = operands.collect();
            write_allowing(out, outcome, &format!("KEYSIEVE_SKIP=1 git push {}", operands.join(" ")))
        }
    }
}

/// Whether the name of a reference has a secret in it.
fn hold_secret(refs: &[BString], outcome: &Outcome) -> bool {
    let suppressed = outcome.suppressed.iter().map(|suppressed| &suppressed.finding);
    let mut findings = outcome.findings.iter().chain(suppressed);
    findings.any(|finding| refs.iter().any(|name| name.find(finding.secret.expose()).is_some()))
}

fn write_allowing(out: &mut dyn Write, outcome: &Outcome, command: &str) -> io::Result<()> {
    let fingerprint = outcome.findings.first().map(|finding| finding.fingerprint.to_string());
    writeln!(out, "If it is no secret, one of:")?;
    // Nobody writes a marker into a message or a name.
    let has_lines = |place: &Place| !matches!(place.container, Container::Metadata(_));
    if outcome.findings.iter().any(|finding| finding.places.iter().any(has_lines)) {
        writeln!(out, "  write `keysieve:allow` and why on its line (for a push, a later commit will do)")?;
    }
    writeln!(
        out,
        "  keysieve baseline update --only {} --reason WHY, and commit that",
        fingerprint.unwrap_or_default()
    )?;
    writeln!(out, "  {command} lets this one through")
}
