//! Environment files, for people.

use std::io::{self, Write};

use keysieve_model::env_file::Judgement;
use keysieve_model::env_file::{Decision, EnvState, TakenBack};

use super::escaped;
use super::json::{EnvFileJson, EnvSecretJson, EnvValueJson};
use super::text::{Paint, commit_text, plural};
use super::words::Authors;

/// How many of a file's secrets are shown.
const MAX_SECRETS: usize = 5;

/// How many of a file's values are named.
const MAX_VALUES: usize = 12;

/// A block a file, the worst first.
pub(super) fn write(out: &mut dyn Write, files: &[EnvFileJson], paint: Paint) -> io::Result<()> {
    let text = |text: &str| escaped(text.as_bytes());
    for file in files {
        let path = paint.bold(&escaped(&file.raw_path()));
        writeln!(out, "{}  {path} {}", level(file, paint), file.told(Authors::Named))?;
        file.states.iter().skip(1).try_for_each(|state| writeln!(out, "  also     {}", text(&state.told)))?;
        if !file.secrets.is_empty() {
            writeln!(out, "  holds    {}", secrets_text(&file.secrets))?;
        }
        if !file.values.is_empty() {
            writeln!(out, "  values   {}", values_text(&file.values))?;
        }
        let steps = if file.fixes.is_empty() { std::slice::from_ref(&file.fix) } else { &file.fixes };
        let labels = std::iter::once("fix").chain(std::iter::repeat(""));
        for (step, label) in steps.iter().filter(|step| !step.is_empty()).zip(labels) {
            writeln!(out, "  {label:<8} {}", text(step))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// How bad it is, in its colour.
fn level(file: &EnvFileJson, paint: Paint) -> String {
    let has_states = !file.states.is_empty();
    match file.severity.as_deref() {
        Some(level @ "critical") => paint.with("1;31", level),
        Some(level @ "high") => paint.with("31", level),
        Some(level @ "medium") => paint.with("33", level),
        Some(level) => paint.with("36", &escaped(level.as_bytes())),
        None if has_states => paint.with("32", "fine"),
        None => paint.with("33", ".env"),
    }
}

/// `2 .env files that expose secrets, 1 .env warning`; none where all is as it should be.
pub(super) fn summary(files: &[EnvFileJson]) -> Option<String> {
    let exposing = files.iter().filter(|file| file.exposes_secret).count() as u64;
    let is_fine = |file: &&EnvFileJson| file.severity.is_none() && !file.states.is_empty();
    let others = (files.iter().filter(|file| !is_fine(file)).count() as u64).saturating_sub(exposing);
    let exposing_text = match exposing {
        0 => None,
        1 => Some("1 .env file that exposes secrets".to_owned()),
        _ => Some(format!("{} that expose secrets", plural(exposing, ".env file"))),
    };
    let others_text = (others > 0).then(|| plural(others, ".env warning"));
    let told: Vec<String> = exposing_text.into_iter().chain(others_text).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

fn secrets_text(secrets: &[EnvSecretJson]) -> String {
    let told: Vec<String> = secrets
        .iter()
        .take(MAX_SECRETS)
        .map(|EnvSecretJson { line, name }| format!("line {line}: {}", escaped(name.as_bytes())))
        .collect();
    let more = secrets.len().saturating_sub(MAX_SECRETS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{} ({}{more})", plural(secrets.len() as u64, "secret"), told.join(", "))
}

/// `secret: API_KEY; weak: DB_PASSWORD; 3 public, 1 placeholder`
fn values_text(values: &[EnvValueJson]) -> String {
    let are = |judgement: Judgement| values.iter().filter(move |value| value.judgement == judgement.name());
    let named = |judgement: Judgement| {
        let name = |value: &EnvValueJson| match &value.name {
            Some(name) => escaped(name.as_bytes()),
            None => format!("line {}", value.line),
        };
        let names: Vec<String> = are(judgement).take(MAX_VALUES).map(name).collect();
        let more = are(judgement).count() - names.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!names.is_empty()).then(|| format!("{}: {}{more}", judgement.name(), names.join(", ")))
    };
    let counted = |judgement: Judgement| match are(judgement).count() {
        0 => None,
        count => Some(format!("{count} {}", judgement.name())),
    };
    let counts: Vec<String> =
        [Judgement::Public, Judgement::Placeholder].into_iter().filter_map(counted).collect();
    let counts = Some(counts.join(", ")).filter(|counts| !counts.is_empty());
    let told: Vec<String> =
        [named(Judgement::Secret), named(Judgement::Weak), counts].into_iter().flatten().collect();
    told.join("; ")
}

/// What follows the file's path. Of an image the place is told besides.
pub(super) fn told(state: &EnvState) -> String {
    match state {
        EnvState::Tracked { pushed } => {
            let pushed = if *pushed { ", and a remote has it" } else { "" };
            format!("is tracked by git: the next clone has it{pushed}")
        }
        EnvState::Staged => "is staged: the next commit brings it".to_owned(),
        EnvState::Committed { introduced, last, versions, pushed, is_reachable } => {
            let first = introduced.as_ref().map(|commit| format!(" in {}", commit_text(commit)));
            let last = last.as_ref().filter(|last| Some(*last) != introduced.as_ref());
            let last = last.map(|last| format!(", last in {} of {}", last.id.short(), &last.date()[..10]));
            let versions = if *versions > 1 { format!(", in {versions} versions") } else { String::new() };
            let reach = match (pushed, is_reachable) {
                (true, _) => ", and pushed",
                (false, true) => ", not pushed",
                (false, false) => "; no branch or tag leads there",
            };
            format!("was committed{}{}{versions}{reach}", first.unwrap_or_default(), last.unwrap_or_default())
        }
        EnvState::FilledTemplate => "is a template, and holds a real value".to_owned(),
        EnvState::InImage(_) => "is in an image".to_owned(),
        EnvState::InBuildContext { dockerfile, line, instruction, ignore_file, taken_back_by } => {
            let kept = match taken_back_by {
                Some((line, pattern)) => {
                    format!("line {line} of {} takes it back: `{}`", escaped(ignore_file), escaped(pattern))
                }
                None => format!("nothing in {} keeps it out", escaped(ignore_file)),
            };
            let instruction = escaped(instruction);
            format!("is copied into an image by {}:{line} (`{instruction}`): {kept}", escaped(dockerfile))
        }
        EnvState::InPackage { file, kind, why, .. } => {
            format!("goes into the {kind} of {}: {}", escaped(file), escaped(why.as_bytes()))
        }
        EnvState::NotIgnored => "is not ignored: one `git add .` commits it".to_owned(),
        EnvState::TakenBack(TakenBack { ignoring, by }) => format!(
            "is not ignored: {} takes back what {} ignores; one `git add .` commits it",
            decision_text(by),
            decision_text(ignoring)
        ),
        EnvState::ForceAdded(by) => format!("was added by force: {} ignores it", decision_text(by)),
        EnvState::Unknown => "is in no repository: whether git ever sees it is not known".to_owned(),
        EnvState::IgnoredByOwn(by) => {
            format!("is ignored by your own {} only, which nobody else has", decision_text(by))
        }
        EnvState::ReadableByOthers { mode } => {
            format!("can be read by every user of this machine (mode {mode:04o})")
        }
        EnvState::Ignored(by) => format!("is ignored by {}, and was never committed", decision_text(by)),
        EnvState::Template => "is a template, and holds no real value".to_owned(),
    }
}

/// ``.gitignore:3 (`.env`)``
fn decision_text(decision: &Decision) -> String {
    format!("{}:{} (`{}`)", escaped(&decision.file), decision.line, escaped(&decision.pattern))
}
