//! Rules prove themselves: their examples are found by the whole engine and believed by the judge, their counter-examples are
//! not found.

use std::sync::Arc;

use crate::judge::{classify, judge};
use keysieve_detect::{Detector, Match, Shape, resolve_overlaps};
use keysieve_model::chunk::Chunk;
use keysieve_model::provenance::Provenance;
use keysieve_rules::{Confidence, Kind, Rule, RuleId, RuleSet};

use keysieve_detect::sample::{Filled, Random, check, check_pattern, example, fill};

/// How many texts are sampled from the examples of each rule, and how many of them may be missed: random values have too
/// little entropy, or look like a placeholder, once in a while.
const SAMPLES: usize = 100;
const MISSES_ALLOWED: usize = 2;
/// How many texts are sampled from each counter-example; none of them may be found.
const COUNTER_SAMPLES: usize = 20;
/// How much of a text is told.
const MAX_TOLD_BYTES: usize = 200;

/// A rule that does not do what its examples say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule `{rule}`: {why}")]
pub struct Unproven {
    /// The rule's id.
    pub rule: String,
    /// What goes wrong, with a sampled text.
    pub why: String,
}

/// Tries the examples and counter-examples of the rules with these ids among `rules`. The same rules give the same texts each
/// time.
#[must_use]
pub fn prove(rules: &Arc<RuleSet>, ids: &[String]) -> Vec<Unproven> {
    let mut prover = Prover { detector: Detector::new(Arc::clone(rules)) };
    let asked = rules.iter().filter(|(_, rule)| ids.iter().any(|id| *id == rule.id));
    let unproven = asked.filter_map(|(id, rule)| {
        let why = prover.examples(id, rule).and_then(|()| prover.counter_examples(id, rule)).err()?;
        Some(Unproven { rule: rule.id.to_string(), why })
    });
    unproven.collect()
}

struct Prover {
    detector: Detector,
}

impl Prover {
    fn scan(&mut self, text: &[u8]) -> Vec<Match> {
        self.detector.scan(&Chunk::whole(text, Provenance::Stdin), None).0
    }

    fn examples(&mut self, id: RuleId, rule: &Rule) -> Result<(), String> {
        rule.all_examples()
            .iter()
            .try_for_each(|text| check(text).map_err(|error| format!("example `{text}`: {error}")))?;
        check_pattern(&rule.pattern)?;
        let mut random = Random::new(1);
        let mut misses = Vec::new();
        for number in 0..SAMPLES {
            let filled = example(&mut random, rule, number);
            misses.extend(self.miss(id, rule, &filled).map(|why| format!("`{}`: {why}", told(&filled.text))));
        }
        match misses.first() {
            Some(first) if misses.len() > MISSES_ALLOWED => Err(format!(
                "{} of {SAMPLES} texts of its examples are missed, such as {first}",
                misses.len()
            )),
            _ => Ok(()),
        }
    }

    /// Why the example is no finding of the rule.
    fn miss(&mut self, id: RuleId, rule: &Rule, filled: &Filled) -> Option<String> {
        let is_sampled = |found: &Match| {
            filled.sampled.is_empty() || filled.sampled.iter().any(|span| span.overlaps(&found.span))
        };
        let matches = self.scan(&filled.text);
        if !matches.iter().any(|found| found.rule == id && is_sampled(found)) {
            return Some("the rule finds nothing there".to_owned());
        }
        let kept = resolve_overlaps(self.detector.rules(), matches);
        let Some(found) = kept.iter().find(|found| found.rule == id && is_sampled(found)) else {
            let other = kept.iter().find(|found| is_sampled(found))?;
            return Some(format!(
                "rule `{}` is more telling there",
                self.detector.rules().rule(other.rule).id
            ));
        };
        let path: &[u8] = match (rule.kind, found.evidence.shape) {
            (Kind::Generic, Shape::Bare) => b"config/app.env",
            _ => b"src/app.py",
        };
        let verdict = judge(rule, &found.evidence, found.secret.expose().len(), Some(classify(path)));
        let is_believed =
            verdict.is_some_and(|verdict| verdict.confidence >= rule.confidence.min(Confidence::Medium));
        (!is_believed).then(|| format!("found, and not believed in {}", String::from_utf8_lossy(path)))
    }

    fn counter_examples(&mut self, id: RuleId, rule: &Rule) -> Result<(), String> {
        let mut random = Random::new(2);
        for template in rule.all_counter_examples() {
            check(&template).map_err(|error| format!("counter-example `{template}`: {error}"))?;
            for _ in 0..COUNTER_SAMPLES {
                let text = fill(&mut random, &template, None).text;
                if self.scan(&text).iter().any(|found| found.rule == id) {
                    return Err(format!("its counter-example is found: `{}`", told(&text)));
                }
            }
        }
        Ok(())
    }
}

/// A sampled text, for a message.
fn told(text: &[u8]) -> String {
    let start = &text[..text.len().min(MAX_TOLD_BYTES)];
    String::from_utf8_lossy(start).chars().flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests;
