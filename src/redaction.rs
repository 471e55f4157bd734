//! Secrets that also stand in names: of files, branches, authors. Reports show names, so what was found is masked in them.

use aho_corasick::{AhoCorasick, MatchKind};
use bstr::BString;

use crate::coverage::{Coverage, Unread};
use crate::dotenv::{EnvFile, EnvState};
use crate::finding::{CommitSummary, Container, Finding, Secret};
use crate::provenance::Metadata;

/// Shorter secrets are not masked in names: they would mask ordinary words. Longer ones fit in no name.
const MIN_SECRET_BYTES: usize = 8;
const MAX_SECRET_BYTES: usize = 4096;
/// What stands in a name instead.
const MASK: &str = "[redacted]";

/// Masks secrets in names.
#[derive(Debug)]
pub(crate) struct Redaction {
    /// Finds the secrets; where it could not be built, any name may hold one.
    secrets: Option<AhoCorasick>,
}

impl Redaction {
    /// Masks `secrets`, those apart that are words; `None` where there are none.
    pub(crate) fn of(secrets: &[Secret]) -> Option<Self> {
        let is_no_word = |secret: &&[u8]| {
            secret.len() >= MIN_SECRET_BYTES
                && secret.len() <= MAX_SECRET_BYTES
                && secret.iter().any(u8::is_ascii_digit)
        };
        let secrets: Vec<&[u8]> = secrets.iter().map(Secret::expose).filter(is_no_word).collect();
        if secrets.is_empty() {
            return None;
        }
        Some(Self {
            secrets: AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(secrets).ok(),
        })
    }

    /// Masks names in a finding; the secret itself is left to the report.
    pub(crate) fn finding(&self, finding: &mut Finding) {
        for place in &mut finding.places {
            match &mut place.container {
                Container::File { path, .. } => self.name(path),
                Container::Stdin => {}
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

    /// Masks names in what was read and what was not.
    pub(crate) fn coverage(&self, coverage: &mut Coverage) {
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
    pub(crate) fn env_file(&self, file: &mut EnvFile) {
        self.name(&mut file.path);
        if let EnvState::Committed { introduced, .. } = &mut file.state {
            introduced.iter_mut().for_each(|commit| self.commit(commit));
        }
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
        let Some(secrets) = &self.secrets else { return Some(MASK.into()) };
        let masks = vec![MASK; secrets.patterns_len()];
        secrets.is_match(text).then(|| secrets.replace_all_bytes(text, &masks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_secrets_cannot_be_searched_for_every_name_is_masked() {
        let mut coverage =
            Coverage { unread: vec![Unread::new("some/path", "it is gone")], ..Coverage::default() };
        Redaction { secrets: None }.coverage(&mut coverage);
        assert_eq!(coverage.unread, [Unread::new(MASK, MASK)]);
    }
}
