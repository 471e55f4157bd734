//! Secrets that also stand in names: of files, branches, authors. Reports show names, so what was found is masked in them.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use std::fmt;

use crate::finding::{Finding, Secret};
use crate::replacement::Replacement;
use crate::texts::Text;

/// Shorter secrets are not masked in names: they would mask ordinary words. Longer ones fit in no name.
const MIN_SECRET_BYTES: usize = 8;
const MAX_SECRET_BYTES: usize = 4096;
const MIN_IN_COMMAND_BYTES: usize = 4;
/// What stands in a name instead.
const MASK: &str = "[redacted]";

/// Masks secrets in names.
pub struct Redaction {
    /// Finds the secrets; where it could not be built, any name may hold one.
    secrets: Option<AhoCorasick>,
    /// Finds those in commands, where words are masked too: the commands are what leaked them.
    in_commands: Option<AhoCorasick>,
}

/// The automata would show the secrets.
impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redaction")
    }
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
            // Names are short and few: the states of a DFA for keys of some kilobytes would never be visited.
            AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .build(secrets)
                .ok()
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

    /// Masks secrets in a text of an outcome.
    pub fn text(&self, text: Text<'_>) {
        match text {
            Text::Name(name) | Text::Typed(name) => {
                if let Some(masked) = self.masked_name(name) {
                    *name = masked.into();
                }
            }
            Text::Words(words) => {
                if let Some(masked) = self.masked_name(words.as_bytes()) {
                    *words = String::from_utf8_lossy(&masked).into_owned();
                }
            }
            Text::Command(command) => {
                if let Some(masked) = self.masked_command(command) {
                    *command = masked.into();
                }
            }
        }
    }

    /// Forgets what a value is given to, where that holds a secret: the line to write instead is safe to copy.
    pub fn replacement(&self, finding: &mut Finding) {
        if let Some(Replacement { assignee, .. }) = &mut finding.replacement {
            let holds_secret = |text: &str| self.masked_name(text.as_bytes()).is_some();
            assignee.take_if(|assignee| holds_secret(&assignee.name) || holds_secret(&assignee.lead));
        }
    }

    /// The name with a mark for each secret; `None` where it holds none.
    pub fn masked_name(&self, name: &[u8]) -> Option<Vec<u8>> {
        masked(self.secrets.as_ref(), name)
    }

    /// The same of a command.
    pub fn masked_command(&self, command: &[u8]) -> Option<Vec<u8>> {
        masked(self.in_commands.as_ref(), command)
    }
}

/// The text with a mark for each secret; `None` where it holds none. Where secrets cannot be searched for, any text may hold one.
fn masked(secrets: Option<&AhoCorasick>, text: &[u8]) -> Option<Vec<u8>> {
    let Some(secrets) = secrets else { return Some(MASK.into()) };
    secrets.is_match(text).then(|| {
        let mut masked = Vec::with_capacity(text.len());
        secrets.replace_all_with_bytes(text, &mut masked, |_, _, masked| {
            masked.extend_from_slice(MASK.as_bytes());
            true
        });
        masked
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_secrets_cannot_be_searched_for_every_name_is_masked() {
        let mut name = "some/path".into();
        Redaction { secrets: None, in_commands: None }.text(Text::Name(&mut name));
        assert_eq!(name, MASK);
    }
}
