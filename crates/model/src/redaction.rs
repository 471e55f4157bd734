//! Secrets that also stand in names: of files, branches, authors. Reports show names, so what was found is masked in them.

use aho_corasick::{AhoCorasick, MatchKind};
use bstr::BString;

use crate::coverage::{Coverage, Unread};
use crate::env_file::{Decision, EnvFile, EnvState};
use crate::finding::{CommitSummary, Container, Finding, ImagePlace, Secret};
use crate::provenance::Metadata;
use crate::replacement::Replacement;

/// Shorter secrets are not masked in names: they would mask ordinary words. Longer ones fit in no name.
const MIN_SECRET_BYTES: usize = 8;
const MAX_SECRET_BYTES: usize = 4096;
const MIN_IN_COMMAND_BYTES: usize = 4;
/// What stands in a name instead.
const MASK: &str = "[redacted]";

/// Masks secrets in names.
#[derive(Debug)]
pub struct Redaction {
    /// Finds the secrets; where it could not be built, any name may hold one.
    secrets: Option<AhoCorasick>,
    /// Finds those in commands, where words are masked too: the commands are what leaked them.
    in_commands: Option<AhoCorasick>,
}

impl Redaction {
    /// Masks `secrets`, those apart that are words, and all of `values`, which are known to be secret; `None` where there are none.
    pub fn of(secrets: &[Secret], values: &[Secret]) -> Option<Self> {
        let is_no_word = |secret: &&[u8]| {
            secret.len() >= MIN_SECRET_BYTES
                && secret.len() <= MAX_SECRET_BYTES
                && secret.iter().any(u8::is_ascii_digit)
        };
        let is_long = |secret: &&[u8]| (MIN_IN_COMMAND_BYTES..=MAX_SECRET_BYTES).contains(&secret.len());
        let searcher = |secrets: Vec<&[u8]>| {
            AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(secrets).ok()
        };
        let all = || secrets.iter().map(Secret::expose);
        let values = || values.iter().map(Secret::expose);
        if values().next().is_none() && !all().any(|secret| is_no_word(&secret) || is_long(&secret)) {
            return None;
        }
        Some(Self {
            secrets: searcher(all().filter(is_no_word).chain(values()).collect()),
            in_commands: searcher(all().filter(is_long).chain(values()).collect()),
        })
    }

    /// Masks names in a finding; the secret itself is left to the report.
    pub fn finding(&self, finding: &mut Finding) {
        self.replacement(finding);
        for place in &mut finding.places {
            place.member.iter_mut().for_each(|member| self.name(member));
            match &mut place.container {
                Container::File { path, .. } => self.name(path),
                Container::Stdin => {}
                Container::Image(place) => self.image_place(place),
                Container::History(place) => {
                    place.path.iter_mut().for_each(|path| self.name(path));
                    place.introduced.iter_mut().chain(&mut place.last).for_each(|commit| self.commit(commit));
                    place.reach.refs.iter_mut().for_each(|name| self.name(name));
                }
                Container::Metadata(place) => {
                    if let Metadata::File(path) | Metadata::EntryName(path) = &mut place.metadata {
                        self.name(path);
                    }
                    place.commit.iter_mut().for_each(|commit| self.commit(commit));
                    place.reach.refs.iter_mut().for_each(|name| self.name(name));
                }
            }
        }
    }

    /// Forgets what a value is given to, where that holds a secret: the line to write instead is safe to copy.
    pub fn replacement(&self, finding: &mut Finding) {
        if let Some(Replacement { assignee, .. }) = &mut finding.replacement {
            let holds_secret = |text: &str| self.masked(text.as_bytes()).is_some();
            assignee.take_if(|assignee| holds_secret(&assignee.name) || holds_secret(&assignee.lead));
        }
    }

    /// Masks names in what was read and what was not.
    pub fn coverage(&self, coverage: &mut Coverage) {
        for Unread { what, why } in
            coverage.unread.iter_mut().chain(&mut coverage.skipped).chain(&mut coverage.accepted)
        {
            self.name(what);
            if let Some(masked) = self.masked(why.as_bytes()) {
                *why = String::from_utf8_lossy(&masked).into_owned();
            }
        }
    }

    /// Masks names of an environment file.
    pub fn env_file(&self, file: &mut EnvFile) {
        self.name(&mut file.path);
        self.name(&mut file.whereabouts.top);
        self.name(&mut file.whereabouts.path);
        for addition in &mut file.additions {
            self.name(&mut addition.file);
            self.name(&mut addition.line);
        }
        file.states.iter_mut().for_each(|state| self.env_state(state));
    }

    fn env_state(&self, state: &mut EnvState) {
        let decision = |decision: &mut Decision| {
            self.name(&mut decision.file);
            self.name(&mut decision.pattern);
        };
        match state {
            EnvState::Committed { introduced, last, .. } => {
                introduced.iter_mut().chain(last).for_each(|commit| self.commit(commit));
            }
            EnvState::InImage(place) => self.image_place(place),
            EnvState::InBuildContext { dockerfile, instruction, ignore_file, taken_back_by, .. } => {
                [dockerfile, instruction, ignore_file].into_iter().for_each(|name| self.name(name));
                taken_back_by.iter_mut().for_each(|(_, pattern)| self.name(pattern));
            }
            EnvState::InPackage { file, why, fix, .. } => {
                self.name(file);
                for text in [why, fix] {
                    if let Some(masked) = self.masked(text.as_bytes()) {
                        *text = String::from_utf8_lossy(&masked).into_owned();
                    }
                }
            }
            EnvState::TakenBack(taken_back) => {
                decision(&mut taken_back.ignoring);
                decision(&mut taken_back.by);
            }
            EnvState::ForceAdded(by) | EnvState::IgnoredByOwn(by) | EnvState::Ignored(by) => decision(by),
            EnvState::Tracked { .. }
            | EnvState::Staged
            | EnvState::FilledTemplate
            | EnvState::NotIgnored
            | EnvState::Unknown
            | EnvState::ReadableByOthers { .. }
            | EnvState::Template => {}
        }
    }

    /// Masks names and commands of a place in an image.
    fn image_place(&self, place: &mut ImagePlace) {
        self.name(&mut place.image);
        place.path.iter_mut().chain(&mut place.document).for_each(|name| self.name(name));
        // Environment variables and labels have names that people chose.
        place.field.iter_mut().for_each(|field| self.name(field));
        let removing = place.removal.as_mut().map(|removal| &mut removal.layer);
        for layer in place.layer.iter_mut().chain(removing) {
            if let Some(instruction) = &mut layer.instruction
                && let Some(masked) = masked(self.in_commands.as_ref(), instruction)
            {
                *instruction = masked.into();
            }
        }
    }

    /// The name with a mark for each secret; `None` where it holds none.
    pub fn masked_name(&self, name: &[u8]) -> Option<Vec<u8>> {
        self.masked(name)
    }

    /// The same of a command.
    pub fn masked_command(&self, command: &[u8]) -> Option<Vec<u8>> {
        masked(self.in_commands.as_ref(), command)
    }

    fn commit(&self, commit: &mut CommitSummary) {
        self.name(&mut commit.author);
    }

    fn name(&self, name: &mut BString) {
        if let Some(masked) = self.masked(name) {
            *name = masked.into();
        }
    }

    fn masked(&self, text: &[u8]) -> Option<Vec<u8>> {
        masked(self.secrets.as_ref(), text)
    }
}

/// The text with a mark for each secret; `None` where it holds none. Where secrets cannot be searched for, any text may hold one.
fn masked(secrets: Option<&AhoCorasick>, text: &[u8]) -> Option<Vec<u8>> {
    let Some(secrets) = secrets else { return Some(MASK.into()) };
    let masks = vec![MASK; secrets.patterns_len()];
    secrets.is_match(text).then(|| secrets.replace_all_bytes(text, &masks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_secrets_cannot_be_searched_for_every_name_is_masked() {
        let mut coverage =
            Coverage { unread: vec![Unread::new("some/path", "it is gone")], ..Coverage::default() };
        Redaction { secrets: None, in_commands: None }.coverage(&mut coverage);
        assert_eq!(coverage.unread, [Unread::new(MASK, MASK)]);
    }
}
