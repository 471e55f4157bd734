//! A keyword hit's rule, run in its window: anchored at the keyword, or searched for around it.

use std::sync::OnceLock;

use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input};

use keysieve_model::location::ByteSpan;
use keysieve_rules::{Rule, RuleId, compile};

use super::carrier::{self, View};
use super::checks::{self, Candidate};
use super::pattern::{Pattern, Scratch};
use super::{Evidence, Refusal, grammar};

/// The bytes of the shortest secret, and of the longest where there is a bound.
type Lengths = (usize, Option<usize>);

/// The rules' patterns, each compiled when it is first needed, shared by all threads.
#[derive(Debug)]
pub(super) struct Patterns {
    patterns: Vec<OnceLock<Option<Pattern>>>,
    exceptions: Vec<OnceLock<Vec<Regex>>>,
    /// Of the values that the grammar joins to names.
    joined: Vec<OnceLock<Option<Regex>>>,
    /// How long secrets are, by rule.
    lengths: Vec<OnceLock<Option<Lengths>>>,
}

impl Patterns {
    pub(super) fn new(rules: usize) -> Self {
        Self {
            patterns: (0..rules).map(|_| OnceLock::new()).collect(),
            exceptions: (0..rules).map(|_| OnceLock::new()).collect(),
            joined: (0..rules).map(|_| OnceLock::new()).collect(),
            lengths: (0..rules).map(|_| OnceLock::new()).collect(),
        }
    }

    fn get(&self, id: RuleId, rule: &Rule) -> Option<&Pattern> {
        self.patterns[id.index()].get_or_init(|| Pattern::of(rule)).as_ref()
    }

    /// Hands over the values that the grammar joins to the name at `keyword`, where they pass the rule's checks. What the pattern
    /// found or refused, `told`, is left alone.
    pub(super) fn verify_joined(
        &self,
        rule: &Rule,
        id: RuleId,
        bytes: &[u8],
        keyword: ByteSpan,
        told: Option<ByteSpan>,
        found: &mut dyn FnMut((ByteSpan, Evidence)),
    ) {
        let Some(joined) = &rule.joined else { return };
        let Some(head_end) = head_end(rule, bytes, keyword) else { return };
        let is_value = |value: ByteSpan| {
            let input = Input::new(value.of(bytes)).anchored(Anchored::Yes);
            let compiled = || compile::searcher(&format!(r"(?:{})\z", joined.value)).ok();
            self.joined[id.index()].get_or_init(compiled).as_ref().is_some_and(|regex| regex.is_match(input))
        };
        checks::visit_joined(rule, bytes, keyword, head_end, grammar::reach(joined), &mut |candidate| {
            let is_told = told.is_some_and(|told| told.overlaps(&candidate.secret));
            if !is_told
                && is_value(candidate.secret)
                && let Ok((secret, evidence)) = checks::evaluate(candidate)
            {
                found((secret, evidence));
            }
        });
    }

    fn lengths(&self, id: RuleId, rule: &Rule) -> Option<Lengths> {
        *self.lengths[id.index()].get_or_init(|| compile::secret_lengths(&rule.pattern))
    }

    fn is_excepted(&self, id: RuleId, rule: &Rule, secret: &[u8]) -> bool {
        let compiled =
            || rule.exceptions.iter().filter_map(|pattern| compile::searcher(pattern).ok()).collect();
        let exceptions: &Vec<Regex> = self.exceptions[id.index()].get_or_init(compiled);
        exceptions.iter().any(|exception| exception.is_match(secret))
    }
}

/// Where the name at `keyword` ends, as far as the rule says; `None` where it is not the name of a secret. Asked before a pattern is
/// compiled: most keywords of rules by name are parts of words.
fn head_end(rule: &Rule, bytes: &[u8], keyword: ByteSpan) -> Option<usize> {
    match rule.joined.as_ref().and_then(|joined| joined.head.as_ref()) {
        None => Some(keyword.end),
        Some(_) if !checks::named::begins_a_word(bytes, keyword.start) => None,
        Some(head) => head.end(bytes, keyword.start, keyword.of(bytes)),
    }
}

/// One thread's scratch space.
#[derive(Debug)]
pub(super) struct Matcher {
    scratch: Vec<Option<Box<Scratch>>>,
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
    /// else what says no. Where an escape ends in front of the match, the pattern does not see it; where that may as well be text,
    /// the text goes first.
    pub(super) fn verify(
        &mut self,
        patterns: &Patterns,
        rule: &Rule,
        id: RuleId,
        bytes: &[u8],
        keyword: ByteSpan,
    ) -> Result<(ByteSpan, Evidence), Refusal> {
        if !rule.lead.admits(&bytes[keyword.start..]) {
            return Err(Refusal::NoMatch);
        }
        let without_escape = carrier::without_escape(bytes, keyword, rule);
        if without_escape.is_none() && head_end(rule, bytes, keyword).is_none() {
            return Err(Refusal::NoMatch);
        }
        let (sure, doubtful) = carrier::by_certainty(without_escape);
        if let Some(found) = sure.and_then(|view| self.verify_in(&view, patterns, rule, id, keyword)) {
            return Ok(found);
        }
        let refusal = match self.verify_as_it_is(patterns, rule, id, bytes, keyword) {
            Err(refusal) => refusal,
            found => return found,
        };
        if let Some(found) = doubtful.and_then(|view| self.verify_in(&view, patterns, rule, id, keyword)) {
            return Ok(found);
        }
        let columns = carrier::without_columns(bytes, keyword, rule, || patterns.lengths(id, rule));
        let mut found = columns.filter_map(|view| self.verify_in(&view, patterns, rule, id, keyword));
        found.find(|&(secret, _)| carrier::is_column(rule, bytes, keyword, secret)).ok_or(refusal)
    }

    /// As [`Self::verify`], in a view of the text; spans are those of the text.
    fn verify_in(
        &mut self,
        view: &View,
        patterns: &Patterns,
        rule: &Rule,
        id: RuleId,
        keyword: ByteSpan,
    ) -> Option<(ByteSpan, Evidence)> {
        let keyword = ByteSpan::new(keyword.start - view.offset, keyword.end - view.offset);
        let (secret, evidence) = self.verify_as_it_is(patterns, rule, id, &view.bytes, keyword).ok()?;
        let secret = ByteSpan::new(secret.start + view.offset, secret.end + view.offset);
        // What is written in front of the secret is not what the view has there.
        Some((secret, Evidence { assignee: None, ..evidence }))
    }

    fn verify_as_it_is(
        &mut self,
        patterns: &Patterns,
        rule: &Rule,
        id: RuleId,
        bytes: &[u8],
        keyword: ByteSpan,
    ) -> Result<(ByteSpan, Evidence), Refusal> {
        let pattern = patterns.get(id, rule).ok_or(Refusal::NoMatch)?;
        let scratch = self.scratch[id.index()].get_or_insert_with(|| Box::new(pattern.scratch()));
        let before = rule.window.before as usize;
        let end = keyword.end.saturating_add(rule.window.after as usize).min(bytes.len());
        // A span, not a slice: `\b` at its ends sees the bytes outside.
        let mut start = keyword.start.saturating_sub(before);
        let captures = loop {
            pattern.search(scratch, bytes, start, end);
            let captures = &scratch.captures;
            let matched = ByteSpan::from(captures.get_match().ok_or(Refusal::NoMatch)?.range());
            if matched.contains(&keyword) {
                break captures;
            }
            // Another secret in front of this one. What its match takes behind the secret may begin the next one's: the end
            // of its line.
            let other = captures.get_group_by_name("secret").map_or(matched.end, |secret| secret.end);
            start = other.max(start + 1);
            if start > keyword.start {
                return Err(Refusal::NoMatch);
            }
        };
        let secret = captures.get_group_by_name("secret").ok_or(Refusal::NoMatch)?;
        let secret = ByteSpan::from(secret.range());
        let name = captures.get_group_by_name("name").map(|name| ByteSpan::from(name.range()));
        let (secret, evidence) =
            checks::evaluate(Candidate { rule, bytes, keyword, secret, name, joint: None })?;
        if !rule.exceptions.is_empty() && patterns.is_excepted(id, rule, secret.of(bytes)) {
            return Err(Refusal::Excepted { secret });
        }
        Ok((secret, evidence))
    }
}
