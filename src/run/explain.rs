//! Why something on a line is a finding, or is none: which rules were tried at which keywords, and what became of each.

use std::collections::BTreeMap;
use std::sync::Arc;

use bstr::ByteSlice as _;

use crate::judge::{classify, judge, weigh};
use crate::policy::By;
use keysieve_detect::{Attempt, Detector, Match, Refusal, checks, resolve_overlaps};
use keysieve_model::chunk::{Chunk, Visitor as _};
use keysieve_model::finding::{Finding, Fingerprint, Secret};
use keysieve_model::location::{ByteSpan, Lines, Location};
use keysieve_model::provenance::Provenance;
use keysieve_rules::{Confidence, Rule, RuleId, RuleSet};

use super::assembly::{Assembled, assemble};
use super::collector::Collector;
use super::{ScanConfig, Silent};

/// What a rule made of one of its keywords.
#[derive(Debug)]
pub struct Step {
    /// The rule, among those that were given.
    pub rule: RuleId,
    /// The keyword as it is written.
    pub keyword: String,
    /// Where it lies.
    pub keyword_at: Location,
    /// What the pattern takes for the secret, where it matches.
    pub secret: Option<(Secret, Location)>,
    /// The length of the secret's public part, in bytes.
    pub public_prefix: usize,
    /// What speaks for and against it, with points; where it came so far.
    pub weights: Vec<(String, i32)>,
    /// What became of it.
    pub end: End,
}

/// What became of a rule at a keyword.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Its pattern matches nothing there.
    NoMatch,
    /// This check says no.
    Refused(String),
    /// It is a placeholder.
    Placeholder,
    /// It is encrypted, or public by design.
    Publishable,
    /// It is one of the rule's exceptions.
    Excepted,
    /// The configuration switches the rule off.
    Off,
    /// This rule, which is more telling, has the same bytes.
    Covered(RuleId),
    /// What speaks for it does not outweigh what speaks against it.
    Unbelieved,
    /// It is less sure than what is reported.
    Unsure(Confidence),
    /// It is known.
    Suppressed(By, Option<String>),
    /// It lies in an environment file that git ignores, where it belongs.
    KeptInEnv,
    /// It is a finding.
    Found(Confidence, Fingerprint),
}

/// Explains what the rules make of line `line` of the chunk, from 1. `rules` are all that there are, those too that the
/// configuration switches off.
///
/// `None` where there is no such line.
#[must_use]
pub fn explain(config: &ScanConfig, rules: &Arc<RuleSet>, chunk: &Chunk<'_>, line: u64) -> Option<Vec<Step>> {
    let asked = line_span(chunk.bytes, line)?;
    let attempts = Detector::new(Arc::clone(rules)).trace(chunk, asked);
    let collector = Collector::new(config, &Silent);
    collector.chunk(chunk, None);
    let explainer = Explainer {
        config,
        rules,
        chunk,
        kept: kept(config, chunk),
        assembled: assemble(config, collector.found(), None, None),
    };
    let touches = |attempt: &Attempt| {
        attempt.keyword.overlaps(&asked)
            || attempt.secret.as_ref().is_some_and(|(span, _)| span.overlaps(&asked))
    };
    Some(attempts.into_iter().filter(touches).map(|attempt| explainer.step(attempt)).collect())
}

/// The bytes of line `line`, its end included.
fn line_span(bytes: &[u8], line: u64) -> Option<ByteSpan> {
    let mut start = 0;
    for (text, number) in bytes.lines_with_terminator().zip(1..) {
        if number == line {
            return Some(ByteSpan::new(start, start + text.len()));
        }
        start += text.len();
    }
    None
}

/// What the rules that are on find, overlaps resolved: secrets by where they lie.
fn kept(config: &ScanConfig, chunk: &Chunk<'_>) -> BTreeMap<ByteSpan, RuleId> {
    let (matches, _) = Detector::new(Arc::clone(&config.rules)).scan(chunk, None);
    let kept: Vec<Match> = resolve_overlaps(&config.rules, matches);
    kept.into_iter().map(|found| (found.span, found.rule)).collect()
}

struct Explainer<'a> {
    config: &'a ScanConfig,
    rules: &'a RuleSet,
    chunk: &'a Chunk<'a>,
    kept: BTreeMap<ByteSpan, RuleId>,
    assembled: Assembled,
}

impl Explainer<'_> {
    fn step(&self, attempt: Attempt) -> Step {
        let Attempt { rule: id, keyword, secret, outcome } = attempt;
        let rule = self.rules.rule(id);
        let locate = |span| Lines::new(self.chunk.bytes, self.chunk.start).locate(span);
        let class = match &self.chunk.provenance {
            Provenance::File { path, .. } => Some(classify(path)),
            _ => None,
        };
        let mut weights = Vec::new();
        let end = match (&outcome, &secret) {
            (Ok(evidence), Some((span, secret))) => {
                let length = secret.expose().len();
                weights = weigh(rule, evidence, length, class);
                self.end(
                    rule,
                    *span,
                    secret,
                    judge(rule, evidence, length, class).map(|found| found.confidence),
                )
            }
            (Err(Refusal::Check { check, .. }), _) => {
                End::Refused(rule.checks.get(*check).map(|check| format!("{check:?}")).unwrap_or_default())
            }
            (Err(Refusal::Placeholder { .. }), _) => End::Placeholder,
            (Err(Refusal::Publishable { .. }), _) => End::Publishable,
            (Err(Refusal::Excepted { .. }), _) => End::Excepted,
            (Ok(_) | Err(Refusal::NoMatch), _) => End::NoMatch,
        };
        Step {
            rule: id,
            keyword: keyword.of(self.chunk.bytes).to_str_lossy().into_owned(),
            keyword_at: locate(keyword),
            public_prefix: secret
                .as_ref()
                .map_or(0, |(_, secret)| checks::public_prefix_length(rule, secret.expose())),
            secret: secret.map(|(span, secret)| (secret, locate(span))),
            weights,
            end,
        }
    }

    /// What became of a match.
    fn end(&self, rule: &Rule, span: ByteSpan, secret: &Secret, confidence: Option<Confidence>) -> End {
        let id_of = |id: &str| self.rules.iter().find(|(_, rule)| rule.id == id).map(|(id, _)| id);
        if self.config.rules.rules().iter().all(|known| known.id != rule.id) {
            return End::Off;
        }
        let winner = self.kept.iter().find(|(kept, _)| kept.overlaps(&span));
        if let Some((_, winner)) = winner
            && let name = &self.config.rules.rule(*winner).id
            && *name != rule.id
            && let Some(winner) = id_of(name)
        {
            return End::Covered(winner);
        }
        let Some(confidence) = confidence else { return End::Unbelieved };
        let is_it = |finding: &Finding| finding.secret == *secret;
        if let Some(found) = self.assembled.findings.iter().find(|finding| is_it(finding)) {
            return End::Found(found.confidence, found.fingerprint.clone());
        }
        if let Some(known) = self.assembled.suppressed.iter().find(|suppressed| is_it(&suppressed.finding)) {
            return End::Suppressed(known.by, known.reason.clone());
        }
        if confidence < self.config.min_confidence { End::Unsure(confidence) } else { End::KeptInEnv }
    }
}
