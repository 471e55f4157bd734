//! One automaton over the keywords of all rules. A "no" is always true, a "maybe" may be wrong: where it reports no
//! keyword, no rule can match.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::location::ByteSpan;
use crate::rules::{RuleId, RuleSet};

/// A keyword that occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    /// The keyword, for [`Prefilter::rules_for`].
    pub(super) keyword: usize,
    /// Where it lies.
    pub(super) span: ByteSpan,
}

/// Finds keywords without regard to ASCII case.
#[derive(Debug)]
pub(super) struct Prefilter {
    automaton: AhoCorasick,
    rules: Vec<Vec<RuleId>>,
}

impl Prefilter {
    pub(super) fn new(rules: &RuleSet) -> Self {
        let mut by_keyword: BTreeMap<String, Vec<RuleId>> = BTreeMap::new();
        for (id, rule) in rules.iter() {
            for keyword in rule.keywords.iter() {
                let ids = by_keyword.entry(keyword.to_ascii_lowercase()).or_default();
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(aho_corasick::AhoCorasickKind::DFA))
            .build(by_keyword.keys())
            .expect("keywords are short and few: far below the automaton's limits");
        Self {
            automaton,
            rules: by_keyword.into_values().collect(),
        }
    }

    /// Every occurrence of every keyword, overlapping ones too, in the order of their ends.
    pub(super) fn hits<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Hit> + 'a {
        self.automaton.find_overlapping_iter(bytes).map(|found| Hit {
            keyword: found.pattern().as_usize(),
            span: ByteSpan::new(found.start(), found.end()),
        })
    }

    /// The rules that have this keyword.
    pub(super) fn rules_for(&self, keyword: usize) -> &[RuleId] {
        &self.rules[keyword]
    }
}
