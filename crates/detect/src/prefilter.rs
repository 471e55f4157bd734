//! Where the keywords of all rules occur. A "no" is always true, a "maybe" may be wrong: where no keyword is reported, no rule
//! can match. How they are found is the matter of [`keysieve_sieve`].

use std::ops::Range;
use std::sync::Arc;

use keysieve_model::location::ByteSpan;
use keysieve_rules::{Keywords, RuleId, RuleSet};

use super::reach::Reach;

/// How many bytes of a keyword are searched for. The others are looked at before a rule runs.
pub(super) use keysieve_sieve::STEM_BYTES as SEARCHED_BYTES;

/// A keyword that occurs, as far as its first [`SEARCHED_BYTES`] tell. Small: a history has tens of millions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    start: u32,
    stem: u16,
}

impl Hit {
    /// Offset of the keyword's first byte.
    pub(super) fn start(self) -> usize {
        self.start as usize
    }

    /// The same keyword, in a copy to `to` of what begins at `from`, where it lies behind `from`.
    pub(super) fn moved(self, from: usize, to: usize) -> Self {
        Self { start: (self.start() - from + to) as u32, ..self }
    }
}

/// What is known of a stem beside its bytes.
#[derive(Debug, Clone, Copy)]
struct Stem {
    /// How many bytes say that it is there: those of the stem, and the one behind a short one.
    length: usize,
    /// The length of the longest keyword that begins so, in bytes.
    longest: usize,
    /// How far the furthest of their rules looks.
    reach: Reach,
}

/// Finds keywords without regard to ASCII case.
#[derive(Debug)]
pub(super) struct Prefilter {
    rules: Arc<RuleSet>,
    keywords: Keywords,
    stems: Vec<Stem>,
}

impl Prefilter {
    pub(super) fn new(rules: &Arc<RuleSet>) -> Self {
        let keywords = rules.keywords();
        let stems = keywords.sieve.stems.iter().zip(0..).map(|(bytes, number)| {
            let (mut longest, mut reach) = (0, Reach::default());
            for (text, ids) in keywords.with_stem(rules.rules(), number) {
                longest = longest.max(text.len());
                reach = ids.iter().map(|&id| Reach::of(rules.rule(id))).fold(reach, Reach::max);
            }
            let length = usize::from(bytes.length) + usize::from(bytes.followers > 0);
            Stem { length, longest, reach }
        });
        Self { stems: stems.collect(), rules: Arc::clone(rules), keywords }
    }

    /// Adds every occurrence of every stem that begins within `starts`, in no order.
    pub(super) fn find(&self, bytes: &[u8], starts: Range<usize>, hits: &mut Vec<Hit>) {
        self.keywords.sieve.find(bytes, starts, |start, stem| hits.push(Hit { start: start as u32, stem }));
    }

    /// The keywords that are there, all of each, with where they lie and the rules that have them.
    pub(super) fn keywords_at<'a>(
        &'a self,
        bytes: &'a [u8],
        hit: Hit,
    ) -> impl Iterator<Item = (ByteSpan, &'a [RuleId])> {
        self.keywords.with_stem(self.rules.rules(), hit.stem).filter_map(move |(text, ids)| {
            let span = ByteSpan::new(hit.start(), hit.start() + text.len());
            let found = bytes.get(span.start..span.end)?;
            found.eq_ignore_ascii_case(text).then_some((span, ids))
        })
    }

    /// Where the longest keyword with the stem would lie; it may end behind the bytes.
    pub(super) fn widest_span(&self, hit: Hit) -> ByteSpan {
        ByteSpan::new(hit.start(), hit.start() + self.stem(hit).longest)
    }

    /// Where the stem lies.
    pub(super) fn span(&self, hit: Hit) -> ByteSpan {
        ByteSpan::new(hit.start(), hit.start() + self.stem(hit).length)
    }

    /// How far the furthest of the rules looks.
    pub(super) fn longest_reach(&self, hit: Hit) -> Reach {
        self.stem(hit).reach
    }

    fn stem(&self, hit: Hit) -> &Stem {
        &self.stems[usize::from(hit.stem)]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All keywords of the built-in rules.
    fn all_keywords(rules: &RuleSet) -> Vec<String> {
        rules.rules().iter().flat_map(|rule| rule.keywords.iter().map(ToString::to_string)).collect()
    }

    /// Keywords, some cut short or in capitals, with text between them and none.
    fn text(rules: &RuleSet) -> impl Strategy<Value = Vec<u8>> + use<> {
        let keyword = prop::sample::select(all_keywords(rules));
        let fragment = prop_oneof![
            3 => keyword.clone().prop_map(String::into_bytes),
            2 => keyword.clone().prop_map(|text| text.to_ascii_uppercase().into_bytes()),
            2 => (keyword, 1..5usize).prop_map(|(text, cut)| text.as_bytes()[..text.len().saturating_sub(cut)].to_vec()),
            2 => prop::collection::vec(any::<u8>(), 0..12),
        ];
        prop::collection::vec(fragment, 0..8).prop_map(|fragments| fragments.concat())
    }

    /// The keywords that begin within `starts`, each with what may follow it, by comparing at each place.
    fn compared(rules: &RuleSet, bytes: &[u8], starts: Range<usize>) -> Vec<(usize, RuleId)> {
        let mut found = Vec::new();
        for start in starts {
            for (id, rule) in rules.iter() {
                let is_there = |keyword: &str| {
                    let end = start + keyword.len();
                    let text = bytes.get(start..end);
                    text.is_some_and(|text| text.eq_ignore_ascii_case(keyword.as_bytes()))
                };
                found.extend(rule.keywords.iter().filter(|keyword| is_there(keyword)).map(|_| (start, id)));
            }
        }
        found
    }

    #[test]
    fn every_keyword_is_found_and_none_outside_of_what_was_asked() {
        let rules = Arc::new(keysieve_builtin::rules());
        let prefilter = Prefilter::new(&rules);
        let strategy = (text(&rules), any::<prop::sample::Index>(), any::<prop::sample::Index>());
        let mut runner = prop::test_runner::TestRunner::default();
        let result = runner.run(&strategy, |(bytes, from, to)| {
            let (from, to) = (from.index(bytes.len() + 1), to.index(bytes.len() + 1));
            let starts = from.min(to)..from.max(to);
            let mut hits = Vec::new();
            prefilter.find(&bytes, starts.clone(), &mut hits);
            prop_assert!(hits.iter().all(|hit| starts.contains(&hit.start())));
            let mut found: Vec<(usize, RuleId)> = Vec::new();
            for &hit in &hits {
                let ids = prefilter.keywords_at(&bytes, hit).flat_map(|(_, ids)| ids);
                found.extend(ids.map(|&id| (hit.start(), id)));
            }
            for place in compared(&rules, &bytes, starts) {
                let rule = rules.rule(place.1);
                // What cannot follow a short keyword may hide it.
                let may_hide =
                    rule.keywords.iter().any(|keyword| keyword.len() == keysieve_sieve::MIN_STEM_BYTES)
                        && !rule.followers.is_empty();
                prop_assert!(may_hide || found.contains(&place), "{} at {}", rule.id, place.0);
            }
            Ok(())
        });
        result.expect("the search finds what comparing at each place finds");
    }
}
