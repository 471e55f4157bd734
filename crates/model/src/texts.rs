//! Every text of an outcome that comes from outside, and may hold a secret: one walk over all of them, so that what is masked is
//! not a list that somebody has to remember. A new field of a place, a state or a gap is destructured here, or does not compile.

use std::sync::Arc;

use bstr::BString;

use crate::about::{About, AboutRepository};
use crate::coverage::{Coverage, Unread};
use crate::env_file::{Addition, Decision, EnvFile, EnvState, JudgedValue, SecretValue, Whereabouts};
use crate::finding::{
    CommitSummary, Container, Finding, HistoryPlace, ImageIdentity, ImagePlace, LayerPlace, MetadataPlace,
    Place, Reach, ValueSource,
};
use crate::outcome::Collected;
use crate::provenance::{Document, Metadata};

/// A text from outside.
#[derive(Debug)]
pub enum Text<'a> {
    /// The name of a file, a reference, a person.
    Name(&'a mut BString),
    /// A sentence that may quote such a name.
    Words(&'a mut String),
    /// A command, in which words are masked too: commands are what leaked them.
    Command(&'a mut BString),
    /// What the user typed, and how the repository is called.
    Typed(&'a mut BString),
}

type Visit<'v> = &'v mut dyn FnMut(Text<'_>);

/// Visits every text from outside.
pub(crate) fn visit(collected: &mut Collected, visit: Visit<'_>) {
    let Collected {
        findings,
        suppressed,
        env_files,
        swept,
        coverage,
        notices,
        about,
        rules: _,
        failing_env_secrets: _,
        kept_in_env: _,
        elapsed: _,
    } = collected;
    findings.iter_mut().for_each(|finding| of_finding(finding, visit));
    for suppressed in suppressed {
        of_finding(&mut suppressed.finding, visit);
        suppressed.reason.iter_mut().for_each(|reason| visit(Text::Words(reason)));
    }
    env_files.iter_mut().for_each(|file| of_env_file(file, visit));
    if let Some(swept) = swept {
        swept.files.iter_mut().for_each(|file| visit(Text::Name(file)));
        for left_out in &mut swept.left_out {
            of_source(&mut left_out.source, visit);
            visit(Text::Words(&mut left_out.why));
        }
    }
    of_coverage(coverage, visit);
    notices.iter_mut().for_each(|notice| visit(Text::Words(notice)));
    of_about(about, visit);
}

fn of_about(about: &mut About, visit: Visit<'_>) {
    let About {
        command,
        explain,
        configuration,
        repository,
        rules_version: _,
        fail_on: _,
        min_confidence: _,
    } = about;
    explain.iter_mut().for_each(|command| visit(Text::Typed(command)));
    visit(Text::Typed(command));
    configuration.iter_mut().for_each(|file| visit(Text::Typed(file)));
    if let Some(AboutRepository { name, url, branch, head: _ }) = repository {
        visit(Text::Typed(name));
        url.iter_mut().chain(branch).for_each(|text| visit(Text::Typed(text)));
    }
}

fn of_finding(finding: &mut Finding, visit: Visit<'_>) {
    // The line to write instead is checked apart, and a note holds facts that checks read from a token.
    let Finding {
        values,
        places,
        variable,
        replacement: _,
        note: _,
        secret: _,
        rule: _,
        severity: _,
        confidence: _,
        fingerprint: _,
        unsalted: _,
        public_prefix: _,
        exposure: _,
        also: _,
    } = finding;
    values.iter_mut().for_each(|source| of_source(source, visit));
    variable.iter_mut().for_each(|name| visit(Text::Words(name)));
    for Place { container, member, location: _ } in places {
        member.iter_mut().for_each(|member| visit(Text::Name(member)));
        match container {
            Container::File { path, ignored: _ } => visit(Text::Name(path)),
            Container::Stdin => {}
            Container::Document(Document { name, time, author, line: _ }) => {
                visit(Text::Name(name));
                time.iter_mut().chain(author).for_each(|text| visit(Text::Name(text)));
            }
            Container::Image(place) => of_image_place(place, visit),
            Container::History(place) => {
                let HistoryPlace {
                    path,
                    introduced,
                    last,
                    reach,
                    blob: _,
                    versions: _,
                    in_head: _,
                    at_tip: _,
                } = place;
                path.iter_mut().for_each(|path| visit(Text::Name(path)));
                introduced.iter_mut().chain(last).for_each(|commit| of_commit(commit, visit));
                of_reach(reach, visit);
            }
            Container::Metadata(place) => {
                let MetadataPlace { metadata, commit, reach, field: _, message_line: _ } = place;
                match metadata {
                    Metadata::File(path) | Metadata::EntryName(path) => visit(Text::Name(path)),
                    Metadata::Commit(_) | Metadata::Tag(_) | Metadata::RefName | Metadata::RemoteRefName => {}
                }
                commit.iter_mut().for_each(|commit| of_commit(commit, visit));
                of_reach(reach, visit);
            }
        }
    }
}

fn of_source(source: &mut ValueSource, visit: Visit<'_>) {
    let ValueSource { file, line: _, name } = source;
    visit(Text::Name(file));
    name.iter_mut().for_each(|name| visit(Text::Name(name)));
}

fn of_reach(reach: &mut Reach, visit: Visit<'_>) {
    let Reach { refs, more_refs: _, pushed: _, in_revision: _, staged: _ } = reach;
    refs.iter_mut().for_each(|name| visit(Text::Name(name)));
}

fn of_commit(commit: &mut CommitSummary, visit: Visit<'_>) {
    let CommitSummary { author, id: _, seconds: _, author_seconds: _, author_offset: _ } = commit;
    visit(Text::Name(author));
}

fn of_image_place(place: &mut ImagePlace, visit: Visit<'_>) {
    let ImagePlace { image, layer, path, document, field, step, removal, identity } = place;
    visit(Text::Name(image));
    let ImageIdentity { tags, platform: _, manifest: _, config: _ } = Arc::make_mut(identity);
    tags.iter_mut().for_each(|tag| visit(Text::Name(tag)));
    step.iter_mut().for_each(|step| visit(Text::Command(step)));
    // Environment variables and labels have names that people chose.
    path.iter_mut().chain(document).chain(field).for_each(|name| visit(Text::Name(name)));
    let removing = removal.as_mut().map(|removal| &mut removal.layer);
    for LayerPlace { instruction, position: _, layers: _, digest: _, diff_id: _ } in
        layer.iter_mut().chain(removing)
    {
        instruction.iter_mut().for_each(|instruction| visit(Text::Command(instruction)));
    }
}

fn of_coverage(coverage: &mut Coverage, visit: Visit<'_>) {
    let Coverage { read: _, unread, skipped, accepted } = coverage;
    for Unread { what, why } in unread.iter_mut().chain(skipped).chain(accepted) {
        visit(Text::Name(what));
        visit(Text::Words(why));
    }
}

fn of_env_file(file: &mut EnvFile, visit: Visit<'_>) {
    let EnvFile {
        path,
        whereabouts: Whereabouts { top, path: from_top, is_bare: _ },
        states,
        secrets,
        values,
        additions,
    } = file;
    [path, top, from_top].into_iter().for_each(|name| visit(Text::Name(name)));
    for SecretValue { name, line: _, is_judged: _ } in secrets {
        visit(Text::Words(name));
    }
    for JudgedValue { name, line: _, judgement: _ } in values {
        name.iter_mut().for_each(|name| visit(Text::Name(name)));
    }
    // The target is opened, not shown.
    for Addition { file, line, target: _ } in additions {
        visit(Text::Name(file));
        visit(Text::Name(line));
    }
    states.iter_mut().for_each(|state| of_env_state(state, visit));
}

fn of_env_state(state: &mut EnvState, visit: Visit<'_>) {
    match state {
        EnvState::Committed { introduced, last, versions: _, pushed: _, is_reachable: _ } => {
            introduced.iter_mut().chain(last).for_each(|commit| of_commit(commit, visit));
        }
        EnvState::InImage(place) => of_image_place(place, visit),
        EnvState::InBuildContext { dockerfile, instruction, ignore_file, taken_back_by, line: _ } => {
            [dockerfile, instruction, ignore_file].into_iter().for_each(|name| visit(Text::Name(name)));
            taken_back_by.iter_mut().for_each(|(_, pattern)| visit(Text::Name(pattern)));
        }
        EnvState::InPackage { file, why, fix, kind: _ } => {
            visit(Text::Name(file));
            visit(Text::Words(why));
            visit(Text::Words(fix));
        }
        EnvState::TakenBack(taken_back) => {
            of_decision(&mut taken_back.ignoring, visit);
            of_decision(&mut taken_back.by, visit);
        }
        EnvState::ForceAdded(by) | EnvState::IgnoredByOwn(by) | EnvState::Ignored(by) => {
            of_decision(by, visit);
        }
        EnvState::Tracked { pushed: _ }
        | EnvState::Staged
        | EnvState::FilledTemplate
        | EnvState::NotIgnored
        | EnvState::Unknown
        | EnvState::ReadableByOthers { mode: _ }
        | EnvState::Template => {}
    }
}

fn of_decision(decision: &mut Decision, visit: Visit<'_>) {
    let Decision { file, pattern, line: _, is_own: _ } = decision;
    visit(Text::Name(file));
    visit(Text::Name(pattern));
}
