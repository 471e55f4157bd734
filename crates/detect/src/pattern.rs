//! A rule's pattern, compiled for the way in which it is run.

use regex_automata::hybrid::dfa;
use regex_automata::meta::{self, Regex};
use regex_automata::nfa::thompson::backtrack::{self, BoundedBacktracker};
use regex_automata::nfa::thompson::pikevm::{self, PikeVM};
use regex_automata::util::captures::Captures;
use regex_automata::{Anchored, Input};

use keysieve_rules::{Rule, compile};

/// Limits of a lazy DFA: the times that it may forget its states before it is watched, and the bytes that each state has to
/// read from then on; what `regex_automata::meta` asks of its own.
const MIN_CLEARS: usize = 3;
const MIN_BYTES_A_STATE: usize = 10;

/// A compiled pattern.
#[derive(Debug)]
pub(super) enum Pattern {
    /// One that begins at its keyword.
    Anchored(Box<AnchoredPattern>),
    /// One that is searched for around its keyword.
    Searched(Regex),
}

/// A pattern that is never searched for: it needs neither its reverse nor literals to look for nor a one-pass DFA, and compiles in
/// half the time without them.
#[derive(Debug)]
pub(super) struct AnchoredPattern {
    /// Where a match ends; absent where the pattern is too large.
    ends: Option<dfa::DFA>,
    /// The groups of a match that is not too long.
    short: BoundedBacktracker,
    /// The groups of any match.
    any: PikeVM,
}

/// One thread's scratch space for a pattern, and the groups of its last match.
#[derive(Debug)]
pub(super) struct Scratch {
    cache: Cache,
    pub(super) captures: Captures,
}

#[derive(Debug)]
enum Cache {
    Anchored(Box<AnchoredCache>),
    Searched(Box<meta::Cache>),
}

#[derive(Debug)]
struct AnchoredCache {
    ends: Option<dfa::Cache>,
    short: backtrack::Cache,
    /// Made when it is first needed.
    any: Option<pikevm::Cache>,
}

impl Pattern {
    /// The pattern of `rule`; `None` where it does not compile, which is said when rules are read.
    pub(super) fn of(rule: &Rule) -> Option<Self> {
        if rule.window.before > 0 {
            return compile::searcher(&rule.pattern).ok().map(Self::Searched);
        }
        let nfa = compile::forward_nfa(&rule.pattern).ok()?;
        let config = dfa::Config::new()
            .minimum_cache_clear_count(Some(MIN_CLEARS))
            .minimum_bytes_per_state(Some(MIN_BYTES_A_STATE));
        Some(Self::Anchored(Box::new(AnchoredPattern {
            ends: dfa::Builder::new().configure(config).build_from_nfa(nfa.clone()).ok(),
            short: BoundedBacktracker::new_from_nfa(nfa.clone()).ok()?,
            any: PikeVM::new_from_nfa(nfa).ok()?,
        })))
    }

    pub(super) fn scratch(&self) -> Scratch {
        match self {
            Self::Anchored(pattern) => Scratch {
                cache: Cache::Anchored(Box::new(AnchoredCache {
                    ends: pattern.ends.as_ref().map(dfa::DFA::create_cache),
                    short: pattern.short.create_cache(),
                    any: None,
                })),
                captures: Captures::all(pattern.any.get_nfa().group_info().clone()),
            },
            Self::Searched(regex) => Scratch {
                cache: Cache::Searched(Box::new(regex.create_cache())),
                captures: regex.create_captures(),
            },
        }
    }

    /// Searches `bytes[start..end]` and puts the groups of the match, if there is one, into the scratch space.
    pub(super) fn search(&self, scratch: &mut Scratch, bytes: &[u8], start: usize, end: usize) {
        let input = Input::new(bytes).span(start..end);
        match (self, &mut scratch.cache) {
            (Self::Anchored(pattern), Cache::Anchored(cache)) => {
                pattern.search(cache, &mut scratch.captures, input.anchored(Anchored::Yes));
            }
            (Self::Searched(regex), Cache::Searched(cache)) => {
                regex.search_captures_with(cache, &input, &mut scratch.captures);
            }
            // Scratch spaces are made by their patterns.
            (Self::Anchored(_), Cache::Searched(_)) | (Self::Searched(_), Cache::Anchored(_)) => {
                scratch.captures.clear();
            }
        }
    }
}

impl AnchoredPattern {
    fn search(&self, cache: &mut AnchoredCache, captures: &mut Captures, mut input: Input<'_>) {
        captures.clear();
        if let (Some(ends), Some(cache)) = (&self.ends, &mut cache.ends) {
            match ends.try_search_fwd(cache, &input) {
                Ok(None) => return,
                Ok(Some(end)) => input.set_end(end.offset()),
                // The lazy DFA does not earn its keep here.
                Err(_) => {}
            }
        }
        if self.short.try_search(&mut cache.short, &input, captures).is_err() {
            let cache = cache.any.get_or_insert_with(|| self.any.create_cache());
            self.any.search(cache, &input, captures);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample::{Random, example};

    /// The groups of a match, as spans.
    fn groups(captures: &Captures) -> Vec<Option<regex_automata::Span>> {
        captures.iter().collect()
    }

    proptest! {
        #[test]
        fn an_anchored_pattern_finds_what_a_search_from_there_finds(
            number in 0..1000usize, seed in any::<u64>(), cut in 0..64usize, behind in "[a-z\" ]{0,8}",
        ) {
            let rules = keysieve_builtin::rules();
            let anchored: Vec<_> = rules.rules().iter().filter(|rule| rule.window.before == 0).collect();
            let rule = anchored[number % anchored.len()];
            let mut text = example(&mut Random::new(seed), rule, number).text;
            text.truncate(text.len().saturating_sub(cut % 4));
            text.extend(behind.bytes());
            let regex = compile::searcher(&rule.pattern).expect("a pattern");
            let pattern = Pattern::of(rule).expect("a pattern");
            let (mut scratch, mut captures) = (pattern.scratch(), regex.create_captures());
            for start in 0..text.len() {
                pattern.search(&mut scratch, &text, start, text.len());
                let input = Input::new(&text).span(start..text.len()).anchored(Anchored::Yes);
                regex.search_captures(&input, &mut captures);
                prop_assert_eq!(groups(&scratch.captures), groups(&captures), "{} at {}", rule.id, start);
            }
        }
    }
}
