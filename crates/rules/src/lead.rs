//! A look at the bytes behind a keyword, before a pattern runs there: most keywords occur in words that no pattern of their rules
//! matches, and a pattern that never runs need not be compiled.

use std::borrow::Cow;
use std::collections::BTreeSet;

use regex_automata::nfa::thompson::{self, NFA, State};
use regex_automata::util::primitives::StateID;

use keysieve_sieve::ByteSet;

use crate::compile::syntax_config;

/// The most bytes from the keyword on that a lead describes. Leads of this length take 100 kB for the built-in rules.
const MAX_BYTES: usize = 24;

/// The bytes that a match may have at each place from its start on: a necessary condition for a pattern that is anchored at its
/// keyword. An empty lead admits everything.
#[derive(Clone, PartialEq, Eq)]
pub struct Lead {
    /// Sets of bytes, shared by the leads of a table.
    sets: Cow<'static, [ByteSet]>,
    /// For each place the index of its set.
    places: Cow<'static, [u16]>,
}

impl Lead {
    /// The lead that admits everything: that of a pattern that may begin in front of its keyword.
    pub const OPEN: Self = Self { sets: Cow::Borrowed(&[]), places: Cow::Borrowed(&[]) };

    /// A lead whose `places` are indices into `sets`.
    #[must_use]
    pub const fn of_table(sets: &'static [ByteSet], places: &'static [u16]) -> Self {
        Self { sets: Cow::Borrowed(sets), places: Cow::Borrowed(places) }
    }

    /// The lead of a pattern that is anchored at its keyword.
    #[must_use]
    pub fn of(pattern: &str) -> Self {
        let config = thompson::Config::new().which_captures(thompson::WhichCaptures::None);
        let built = thompson::Compiler::new().syntax(syntax_config()).configure(config).build(pattern);
        // A pattern that does not compile is refused elsewhere.
        let sets = built.map(|nfa| sets_of(&nfa)).unwrap_or_default();
        let places = (0..sets.len() as u16).collect();
        Self { sets: sets.into(), places: Cow::Owned(places) }
    }

    /// The set of each place.
    pub fn sets(&self) -> impl Iterator<Item = ByteSet> {
        self.places.iter().filter_map(|&place| self.sets.get(usize::from(place)).copied())
    }

    /// Whether a match may begin with `bytes`, or with what they are the beginning of.
    #[inline]
    #[must_use]
    pub fn admits(&self, bytes: &[u8]) -> bool {
        self.places
            .iter()
            .zip(bytes)
            .all(|(&place, &byte)| self.sets.get(usize::from(place)).is_none_or(|set| set.contains(byte)))
    }
}

impl std::fmt::Debug for Lead {
    /// Nothing of its sets, which are those of a whole table: the pattern says it all.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lead").finish_non_exhaustive()
    }
}

/// The bytes at each place of a match, as far as all matches go. Looks around (`\b`) are taken for true.
fn sets_of(nfa: &NFA) -> Vec<ByteSet> {
    let mut sets = Vec::new();
    let mut states = BTreeSet::from([nfa.start_anchored()]);
    while sets.len() < MAX_BYTES {
        let Some(reading) = reading_states(nfa, &states) else { break };
        let mut set = ByteSet::EMPTY;
        let mut next = BTreeSet::new();
        let mut read = |first: u8, last: u8, to: StateID| {
            (first..=last).for_each(|byte| set.insert(byte));
            next.insert(to);
        };
        for state in reading {
            match nfa.state(state) {
                State::ByteRange { trans } => read(trans.start, trans.end, trans.next),
                State::Sparse(sparse) => {
                    sparse.transitions.iter().for_each(|trans| read(trans.start, trans.end, trans.next));
                }
                State::Dense(dense) => {
                    let transitions =
                        (0..=u8::MAX).filter_map(|byte| Some((byte, dense.matches_byte(byte)?)));
                    transitions.for_each(|(byte, to)| read(byte, byte, to));
                }
                _ => {}
            }
        }
        sets.push(set);
        states = next;
    }
    while sets.last() == Some(&ByteSet::ALL) {
        sets.pop();
    }
    sets
}

/// The states that read a byte and can be reached from `states` without reading one; `None` where the match may end there.
fn reading_states(nfa: &NFA, states: &BTreeSet<StateID>) -> Option<BTreeSet<StateID>> {
    let mut reading = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut pending: Vec<StateID> = states.iter().copied().collect();
    while let Some(state) = pending.pop() {
        if !seen.insert(state) {
            continue;
        }
        match nfa.state(state) {
            State::Match { .. } => return None,
            State::Fail => {}
            State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) => {
                reading.insert(state);
            }
            State::Look { next, .. } | State::Capture { next, .. } => pending.push(*next),
            State::Union { alternates } => pending.extend(alternates.iter().copied()),
            State::BinaryUnion { alt1, alt2 } => pending.extend([*alt1, *alt2]),
        }
    }
    Some(reading)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_admits_how_a_match_begins_and_refuses_other_bytes() {
        let lead = Lead::of(r"(?i)acme[_-](?-i:[a-f]{4})\b");
        for text in [b"acme_abcd".as_slice(), b"ACME-ffff", b"acme_", b"ac", b"", b"acme_abcdzzz"] {
            assert!(lead.admits(text), "{}", text.escape_ascii());
        }
        for text in [b"acmes".as_slice(), b"acme_ABCD", b"acme_abcg", b"axme"] {
            assert!(!lead.admits(text), "{}", text.escape_ascii());
        }
    }

    #[test]
    fn a_lead_ends_where_the_shortest_match_does() {
        let lead = Lead::of("acme[0-9]?");
        assert_eq!(lead.sets().count(), 4);
        assert!(lead.admits(b"acme/"));
    }

    #[test]
    fn a_pattern_that_takes_any_byte_has_an_open_lead() {
        assert_eq!(Lead::of(r"(?s-u).{30}").sets().count(), 0);
        assert!(Lead::OPEN.admits(b"anything"));
    }
}
