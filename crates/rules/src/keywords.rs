//! The keywords of a set of rules, in the order in which a search needs them. Those of the built-in rules are made at build time:
//! sorting 3,700 texts was three quarters of the instructions of a scan of one small file.

use std::borrow::Cow;
use std::fmt::Write as _;

use keysieve_sieve::{Sieve, Stem, Table};

use crate::{Rule, RuleId};

/// A keyword, in any case: where its text is, and the first of the rules that have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyword {
    /// A rule that has it.
    pub rule: u16,
    /// Its index among that rule's keywords.
    pub number: u16,
    /// The place in [`Keywords::rules`] of the first rule that has it; those of the next keyword begin where they end.
    pub first_rule: u16,
}

/// The keywords of a set of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keywords {
    /// Finds how keywords begin, their stems.
    pub sieve: Sieve,
    /// For each stem the place in `keywords` of the first that begins so, and of one more behind the last stem.
    pub firsts: Table<[u16]>,
    /// The keywords, sorted by their texts in lower case, and one more behind the last.
    pub keywords: Table<[Keyword]>,
    /// The rules of each keyword.
    pub rules: Table<[RuleId]>,
}

impl Keywords {
    /// The keywords of `rules`.
    #[must_use]
    pub fn of(rules: &[Rule]) -> Self {
        let mut owned: Vec<(Cow<'_, [u8]>, u16, u16)> = Vec::new();
        for (rule, id) in rules.iter().zip(0..) {
            let keywords = rule.keywords.iter().zip(0..);
            owned.extend(keywords.map(|(text, number)| (folded(text.as_bytes()), id, number)));
        }
        owned.sort_unstable();
        // A rule may have a keyword in two cases.
        owned.dedup_by(|next, kept| (&next.0, next.1) == (&kept.0, kept.1));
        let (mut stems, mut firsts) = (Vec::new(), Vec::new());
        let (mut keywords, mut rules_of) = (Vec::new(), Vec::new());
        for same_stem in owned.chunk_by(|(one, ..), (next, ..)| stem_of(one) == stem_of(next)) {
            // Rules are not compiled with a keyword that is too short.
            let Some(stem) = Stem::new(&same_stem[0].0) else { continue };
            let of_stem = same_stem.iter().map(|&(_, rule, _)| &rules[usize::from(rule)]);
            let is_free = stem_of(&same_stem[0].0).len() > keysieve_sieve::MIN_STEM_BYTES
                || of_stem.clone().any(|rule| rule.followers.is_empty());
            stems.push(if is_free {
                stem
            } else {
                stem.followed_by(of_stem.flat_map(|rule| rule.followers.iter().copied()))
            });
            firsts.push(keywords.len() as u16);
            for same in same_stem.chunk_by(|(one, ..), (next, ..)| one == next) {
                let (_, rule, number) = same[0];
                keywords.push(Keyword { rule, number, first_rule: rules_of.len() as u16 });
                rules_of.extend(same.iter().map(|&(_, rule, _)| RuleId(rule)));
            }
        }
        firsts.push(keywords.len() as u16);
        keywords.push(Keyword { rule: 0, number: 0, first_rule: rules_of.len() as u16 });
        Self {
            sieve: Sieve::new(&stems),
            firsts: firsts.into(),
            keywords: keywords.into(),
            rules: rules_of.into(),
        }
    }

    /// The keywords that begin with a stem, each with its rules. `rules` are those that this was made of.
    pub fn with_stem<'a>(
        &'a self,
        rules: &'a [Rule],
        stem: u16,
    ) -> impl Iterator<Item = (&'a [u8], &'a [RuleId])> {
        let stem = usize::from(stem);
        let places = self.firsts.get(stem).zip(self.firsts.get(stem + 1));
        let places = places.map_or(0..0, |(&first, &end)| usize::from(first)..usize::from(end));
        places.filter_map(move |place| {
            let (keyword, next) = (self.keywords.get(place)?, self.keywords.get(place + 1)?);
            let text = rules.get(usize::from(keyword.rule))?.keywords.get(usize::from(keyword.number))?;
            let ids = self.rules.get(usize::from(keyword.first_rule)..usize::from(next.first_rule))?;
            Some((text.as_bytes(), ids))
        })
    }

    /// A Rust expression for the same, with constants for tables. The names of this crate and of the sieve's have to be in scope.
    #[must_use]
    pub fn to_source(&self) -> String {
        let mut keywords = String::new();
        for Keyword { rule, number, first_rule } in self.keywords.iter() {
            write!(keywords, "Keyword {{ rule: {rule}, number: {number}, first_rule: {first_rule} }},")
                .expect("writing to a String cannot fail");
        }
        let rules: Vec<String> = self.rules.iter().map(|id| format!("RuleId::new({})", id.0)).collect();
        format!(
            "Keywords {{ sieve: {}, firsts: Table::Static(&{:?}), keywords: Table::Static(&[{keywords}]), rules: \
             Table::Static(&[{}]) }}",
            self.sieve.to_source(),
            &*self.firsts,
            rules.join(", "),
        )
    }
}

fn folded(text: &[u8]) -> Cow<'_, [u8]> {
    if text.iter().any(u8::is_ascii_uppercase) { text.to_ascii_lowercase().into() } else { text.into() }
}

/// The beginning of a keyword.
fn stem_of(keyword: &[u8]) -> &[u8] {
    &keyword[..keyword.len().min(keysieve_sieve::STEM_BYTES)]
}
