//! One automaton over the keywords of all rules. A "no" is always true, a "maybe" may be wrong: where it reports no
//! keyword, no rule can match.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::location::ByteSpan;
use crate::rules::{RuleId, RuleSet};

use super::reach::Reach;

/// A keyword that occurs. Small: a history has tens of millions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    start: u32,
    keyword: u16,
}

impl Hit {
    /// Offset of the keyword's first byte.
    pub(super) fn start(self) -> usize {
        self.start as usize
    }

    /// The same keyword, `by` bytes further on.
    pub(super) fn shifted(self, by: usize) -> Self {
        Self { start: self.start + by as u32, ..self }
    }

    /// The same keyword, in a copy to `to` of what begins at `from`, where it lies behind `from`.
    pub(super) fn moved(self, from: usize, to: usize) -> Self {
        Self { start: (self.start() - from + to) as u32, ..self }
    }
}

/// A keyword, without regard to ASCII case.
#[derive(Debug)]
struct Keyword {
    length: usize,
    rules: Vec<RuleId>,
    /// How far the furthest of its rules looks.
    reach: Reach,
}

/// Finds keywords without regard to ASCII case.
#[derive(Debug)]
pub(super) struct Prefilter {
    automaton: AhoCorasick,
    keywords: Vec<Keyword>,
    longest: usize,
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
            .kind(Some(AhoCorasickKind::DFA))
            .build(by_keyword.keys())
            .expect("keywords are short and few: far below the automaton's limits");
        let keyword = |(text, ids): (String, Vec<RuleId>)| Keyword {
            length: text.len(),
            reach: ids.iter().map(|&id| Reach::of(rules.rule(id))).fold(Reach::default(), Reach::max),
            rules: ids,
        };
        let keywords: Vec<Keyword> = by_keyword.into_iter().map(keyword).collect();
        let longest = keywords.iter().map(|keyword| keyword.length).max().unwrap_or(0);
        Self { automaton, keywords, longest }
    }

    /// Every occurrence of every keyword, overlapping ones too, in the order of their ends.
    pub(super) fn hits<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Hit> + 'a {
        self.automaton
            .find_overlapping_iter(bytes)
            .map(|found| Hit { start: found.start() as u32, keyword: found.pattern().as_u32() as u16 })
    }

    /// Where the keyword lies.
    pub(super) fn span(&self, hit: Hit) -> ByteSpan {
        ByteSpan::new(hit.start(), hit.start() + self.keywords[usize::from(hit.keyword)].length)
    }

    /// The rules that have the keyword.
    pub(super) fn rules_for(&self, hit: Hit) -> &[RuleId] {
        &self.keywords[usize::from(hit.keyword)].rules
    }

    /// How far the furthest of the keyword's rules looks.
    pub(super) fn longest_reach(&self, hit: Hit) -> Reach {
        self.keywords[usize::from(hit.keyword)].reach
    }

    /// The length of the longest keyword, in bytes.
    pub(super) fn longest_keyword(&self) -> usize {
        self.longest
    }
}
