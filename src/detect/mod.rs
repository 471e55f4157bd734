//! Detection: pure functions of rules and bytes. No input or output, no clock, no threads, no globals.
//!
//! prefilter (keyword hits) -> matcher (the hit's rules, each in its window) -> checks -> [`Match`].
//!
//! What a match is depends on the bytes within [`CONTEXT_BYTES`](crate::chunk::CONTEXT_BYTES) of its keyword and on
//! nothing else: that is why a file may be cut anywhere, and why a scan can be derived from that of an earlier version.

pub(crate) mod checks;
mod decode;
mod matcher;
mod prefilter;

use std::sync::Arc;

use crate::chunk::Chunk;
use crate::finding::Secret;
use crate::location::{ByteSpan, Location};
use crate::rules::{Kind, RuleId, RuleSet};

use self::matcher::Matcher;
use self::prefilter::Prefilter;

/// A regex hit that passed its rule's checks, with what its bytes say about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The rule that matched.
    pub rule: RuleId,
    /// The secret's bytes.
    pub secret: Secret,
    /// Where the secret lies in the content, in bytes.
    pub span: ByteSpan,
    /// Where the secret lies in the content, in lines and columns.
    pub location: Location,
    /// The part of a commit or tag in which the secret lies; empty elsewhere.
    pub field: &'static str,
    /// What the bytes around it say.
    pub evidence: Evidence,
}

/// What the bytes of a match and around it say about it. What its place says is weighed by [`crate::judge`].
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// How the value is written.
    pub shape: Shape,
    /// What the value is made of.
    pub composition: Composition,
    /// Shannon entropy in bits per character, 0 to 8.
    pub entropy: f32,
    /// Whether the value speaks of secrets itself (`my_password`).
    pub names_itself: bool,
    /// Whether bytes that are no text lie next to it.
    pub binary: bool,
    /// Facts read from the secret itself, such as its AWS account.
    pub note: Option<String>,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Between quotes or backticks.
    Quoted,
    /// Without quotes: a value in a data file, an expression in code.
    Bare,
    /// In the user information of a URL.
    Url,
}

/// What a value is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Composition {
    /// Letters and separators only: words, or a pass phrase.
    Letters,
    /// Digits and separators only.
    Digits,
    /// Letters with digits or signs.
    Mixed,
}

/// What is the same for all threads.
#[derive(Debug)]
struct Plan {
    rules: Arc<RuleSet>,
    prefilter: Prefilter,
    patterns: matcher::Patterns,
}

/// Searches chunks. One clone for each thread: the rules are shared, the scratch space is not.
#[derive(Debug, Clone)]
pub struct Detector {
    plan: Arc<Plan>,
    matcher: Matcher,
}

impl Detector {
    /// A detector for `rules`.
    #[must_use]
    pub fn new(rules: Arc<RuleSet>) -> Self {
        let prefilter = Prefilter::new(&rules);
        let patterns = matcher::Patterns::new(rules.rules().len());
        let matcher = Matcher::new(rules.rules().len());
        Self {
            plan: Arc::new(Plan {
                rules,
                prefilter,
                patterns,
            }),
            matcher,
        }
    }

    /// The rules that are searched for.
    #[must_use]
    pub fn rules(&self) -> &RuleSet {
        &self.plan.rules
    }

    /// The matches whose keyword begins in the chunk's own part, sorted by where they lie. Spans count from the start of
    /// `chunk.bytes`.
    ///
    /// Rules may overlap; see [`resolve_overlaps`].
    pub fn scan(&mut self, chunk: &Chunk<'_>) -> Vec<Match> {
        let mut matches = Vec::new();
        self.scan_text(chunk, &decode::Text::plain(chunk.bytes), &mut matches);
        for text in decode::utf16_runs(chunk.bytes) {
            self.scan_text(chunk, &text, &mut matches);
        }
        // The same secret is found once for each of its keywords.
        matches.sort_by(|a, b| (a.span, a.rule).cmp(&(b.span, b.rule)));
        matches.dedup_by(|a, b| a.span == b.span && a.rule == b.rule);
        matches
    }

    fn scan_text(&mut self, chunk: &Chunk<'_>, text: &decode::Text<'_>, matches: &mut Vec<Match>) {
        let Self { plan, matcher } = self;
        for hit in plan.prefilter.hits(&text.bytes) {
            if !chunk.own.contains(&text.origin(hit.span.start)) {
                continue;
            }
            for &rule in plan.prefilter.rules_for(hit.keyword) {
                let found =
                    matcher.verify(&plan.patterns, plan.rules.rule(rule), rule, &text.bytes, hit.span);
                let Some(found) = found else { continue };
                let span = text.origin_span(found.secret);
                matches.push(Match {
                    rule,
                    secret: Secret::new(found.secret.of(&text.bytes)),
                    span,
                    location: chunk.start.locate(chunk.bytes, span),
                    field: chunk.provenance.field_at(chunk.bytes, span.start),
                    evidence: found.evidence,
                });
            }
        }
    }
}

/// Of matches of one content whose secrets overlap, keeps the one of the more telling rule: provider before generic, then
/// the surer, then the longer secret, then the earlier rule.
#[must_use]
pub fn resolve_overlaps(rules: &RuleSet, mut matches: Vec<Match>) -> Vec<Match> {
    let rank = |found: &Match| {
        let rule = rules.rule(found.rule);
        let length = found.span.end - found.span.start;
        (
            rule.kind == Kind::Generic,
            std::cmp::Reverse(rule.confidence),
            std::cmp::Reverse(length),
            found.rule,
        )
    };
    matches.sort_by(|a, b| rank(a).cmp(&rank(b)).then(a.span.cmp(&b.span)));
    let mut kept: Vec<Match> = Vec::with_capacity(matches.len());
    // By start, so that overlaps are found without comparing all pairs; kept spans never overlap.
    let mut starts = std::collections::BTreeMap::new();
    for found in matches {
        let before = starts.range(..found.span.end).next_back();
        if before.is_none_or(|(_, &end)| end <= found.span.start) {
            starts.insert(found.span.start, found.span.end);
            kept.push(found);
        }
    }
    kept.sort_by(|a, b| (a.span, a.rule).cmp(&(b.span, b.rule)));
    kept
}

#[cfg(test)]
mod tests;
