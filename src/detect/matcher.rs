//! A keyword hit's rule, run in its window: anchored at the keyword, or searched for around it.

use std::sync::OnceLock;

use regex_automata::meta::{Cache, Regex};
use regex_automata::util::captures::Captures;
use regex_automata::{Anchored, Input};

use crate::location::ByteSpan;
use crate::rules::{Rule, RuleId, compile};

use super::checks::{self, Candidate};
use super::{Evidence, Refusal};

/// The rules' patterns, each compiled when it is first needed, shared by all threads.
#[derive(Debug)]
pub(super) struct Patterns(Vec<OnceLock<Option<Regex>>>);

impl Patterns {
    pub(super) fn new(rules: usize) -> Self {
        Self((0..rules).map(|_| OnceLock::new()).collect())
    }

    fn get(&self, id: RuleId, rule: &Rule) -> Option<&Regex> {
        // Rules are checked when they are read, so a pattern that does not compile cannot get here.
        self.0[id.index()].get_or_init(|| compile::searcher(&rule.pattern).ok()).as_ref()
    }
}

/// One thread's scratch space.
#[derive(Debug)]
pub(super) struct Matcher {
    scratch: Vec<Option<Box<(Cache, Captures)>>>,
}

impl Clone for Matcher {
    /// A fresh scratch space: its content is no state.
    fn clone(&self) -> Self {
        Self::new(self.scratch.len())
    }
}

impl Matcher {
    pub(super) fn new(rules: usize) -> Self {
        Self { scratch: (0..rules).map(|_| None).collect() }
    }

    /// Runs `rule` at the keyword that lies at `keyword`: the secret and what speaks for it, where it passes the rule's checks;
    /// else what says no.
    pub(super) fn verify(
        &mut self,
        patterns: &Patterns,
        rule: &Rule,
        id: RuleId,
        bytes: &[u8],
        keyword: ByteSpan,
    ) -> Result<(ByteSpan, Evidence), Refusal> {
        let regex = patterns.get(id, rule).ok_or(Refusal::NoMatch)?;
        let (cache, captures) = &mut **self.scratch[id.index()]
            .get_or_insert_with(|| Box::new((regex.create_cache(), regex.create_captures())));
        let before = rule.window.before as usize;
        let end = keyword.end.saturating_add(rule.window.after as usize).min(bytes.len());
        let anchored = if before == 0 { Anchored::Yes } else { Anchored::No };
        // A span, not a slice: `\b` at its ends sees the bytes outside.
        let input = Input::new(bytes).span(keyword.start.saturating_sub(before)..end).anchored(anchored);
        regex.search_captures_with(cache, &input, captures);
        let matched = captures.get_match().map(|found| ByteSpan::from(found.range()));
        let secret = captures.get_group_by_name("secret").map(|secret| ByteSpan::from(secret.range()));
        let secret = secret
            .filter(|_| matched.is_some_and(|matched| matched.contains(&keyword)))
            .ok_or(Refusal::NoMatch)?;
        let name = captures.get_group_by_name("name").map(|name| ByteSpan::from(name.range()));
        checks::evaluate(Candidate { rule, bytes, keyword, secret, name })
    }
}
