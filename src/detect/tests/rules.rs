//! Every built-in rule proves itself: its examples are found by the whole engine and believed by the judge, alone and in the
//! places where people write secrets; its counter-examples are not.

use std::sync::Arc;

use super::sampler::{Random, example, fill};
use crate::chunk::Chunk;
use crate::detect::{Detector, Match, Shape, resolve_overlaps};
use crate::judge::judge;
use crate::provenance::Provenance;
use crate::rules::{Confidence, Kind, Rule, RuleId, RuleSet};

/// How many texts are sampled from the examples of each rule, and how many of them may be missed: random values have too
/// little entropy, or look like a placeholder, once in a while.
const SAMPLES: usize = 100;
const MISSES_ALLOWED: usize = 2;
/// How many texts are sampled from each counter-example; none of them may be found.
const COUNTER_SAMPLES: usize = 20;
/// How many secrets of each rule are put into each context.
const CONTEXT_SAMPLES: usize = 10;

/// Rules whose example may be found by another rule, which covers the same secret: the rule, the other one, and why.
const COVERED_BY: &[(&str, &str, &str)] = &[];

/// The engine from bytes to judged matches.
struct Engine {
    detector: Detector,
}

impl Engine {
    fn new() -> Self {
        Self { detector: Detector::new(Arc::new(RuleSet::builtin())) }
    }

    fn scan(&mut self, text: &[u8]) -> Vec<Match> {
        self.detector.scan(&Chunk::whole(text, Provenance::Stdin), None).0
    }

    /// What is left once overlaps are resolved.
    fn matches(&mut self, text: &[u8]) -> Vec<Match> {
        let matches = self.scan(text);
        resolve_overlaps(self.detector.rules(), matches)
    }

    /// Whether `found` counts as a finding of `rule` in a file where such values are written.
    fn is_finding_of(&self, rule: &Rule, found: &Match) -> bool {
        let by = self.detector.rules().rule(found.rule);
        let path: &[u8] = match (rule.kind, found.evidence.shape) {
            (Kind::Generic, Shape::Bare) => b"config/app.env",
            _ => b"src/app.py",
        };
        let is_covered = COVERED_BY.iter().any(|(covered, surer, _)| rule.id == *covered && by.id == *surer);
        (by.id == rule.id || is_covered)
            && judge(by, &found.evidence, found.secret.expose().len(), Some(path))
                .is_some_and(|verdict| verdict.confidence >= Confidence::Medium)
    }

    /// What was found in `text`, for the message of a test that fails.
    fn describe(&mut self, text: &[u8]) -> String {
        let found: Vec<String> = self
            .matches(text)
            .iter()
            .map(|found| self.detector.rules().rule(found.rule).id.to_string())
            .collect();
        format!("{found:?} in {}", String::from_utf8_lossy(text))
    }
}

fn rules() -> Vec<(RuleId, Rule)> {
    let rules = RuleSet::builtin();
    rules.iter().map(|(id, rule)| (id, rule.clone())).collect()
}

/// A generator of its own for each rule, so that a new rule does not change the samples of the others.
fn random_for(rule: &Rule, salt: u64) -> Random {
    let seed = rule.id.bytes().fold(salt, |seed, byte| seed.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte));
    Random::new(seed)
}

#[test]
fn examples_of_every_rule_are_found_and_believed() {
    let mut engine = Engine::new();
    let mut failures = Vec::new();
    for (_, rule) in rules() {
        let mut random = random_for(&rule, 1);
        let mut missed = Vec::new();
        for number in 0..SAMPLES {
            let filled = example(&mut random, &rule, number);
            let is_found = engine.matches(&filled.text).iter().any(|found| {
                filled.sampled.iter().any(|span| span.overlaps(&found.span))
                    && engine.is_finding_of(&rule, found)
            });
            if !is_found {
                missed.push(filled.text);
            }
        }
        if missed.len() > MISSES_ALLOWED {
            let sample = engine.describe(&missed[0]);
            failures.push(format!("{}: {} of {SAMPLES} missed, such as {sample}", rule.id, missed.len()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn counter_examples_of_every_rule_are_not_found() {
    let mut engine = Engine::new();
    let mut failures = Vec::new();
    for (id, rule) in rules() {
        let mut random = random_for(&rule, 2);
        for counter_example in rule.counter_examples.iter() {
            for _ in 0..COUNTER_SAMPLES {
                let text = fill(&mut random, counter_example, None).text;
                if engine.scan(&text).iter().any(|found| found.rule == id) {
                    failures.push(format!("{}: {}", rule.id, engine.describe(&text)));
                    break;
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The places where people write secrets, `{}` for the secret.
const CONTEXTS: &[&str] = &[
    "{}",
    "\"{}\"",
    "'{}'",
    "`{}`",
    "{\"name\": \"{}\", \"other\": 1}",
    "{\\\"name\\\":\\\"{}\\\"}",
    "service:\n  value: {}\n  other: 1\n",
    "export X={}\n",
    "run --with={} --other\r\n",
    "https://host.example.org/path?x={}&y=1",
    "<entry>{}</entry>",
    "2024-02-29T12:00:00Z INFO sent {}, got 200",
    "# before: {}\n",
    "f({}, 1)",
];

/// Each context as UTF-8, and as UTF-16 in both byte orders with and without a byte order mark.
fn encodings(text: &[u8]) -> Vec<Vec<u8>> {
    let wide = |is_big_endian: bool| -> Vec<u8> {
        text.iter().flat_map(|&byte| if is_big_endian { [0, byte] } else { [byte, 0] }).collect()
    };
    vec![
        text.to_vec(),
        wide(false),
        wide(true),
        [b"\xff\xfe".to_vec(), wide(false)].concat(),
        [b"\xfe\xff".to_vec(), wide(true)].concat(),
    ]
}

#[test]
fn sure_tokens_are_found_wherever_they_are_written() {
    let mut engine = Engine::new();
    let mut failures = Vec::new();
    let mut tested = 0;
    for (id, rule) in rules() {
        if rule.kind != Kind::Provider || rule.confidence != Confidence::High || rule.window.before > 0 {
            continue;
        }
        let mut random = random_for(&rule, 3);
        let secrets: Vec<Vec<u8>> = (0..CONTEXT_SAMPLES)
            .filter_map(|number| {
                let text = example(&mut random, &rule, number).text;
                let found = engine.scan(&text).into_iter().find(|found| found.rule == id)?;
                Some(found.secret.expose().to_vec())
            })
            .collect();
        let begins_with_keyword = |secret: &[u8]| {
            rule.keywords.iter().any(|keyword| {
                secret
                    .get(..keyword.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(keyword.as_bytes()))
            })
        };
        let secrets: Vec<Vec<u8>> =
            secrets.into_iter().filter(|secret| begins_with_keyword(secret)).collect();
        tested += usize::from(!secrets.is_empty());
        'context: for context in CONTEXTS {
            let (before, after) = context.split_once("{}").expect("a context has a place for the secret");
            for secret in &secrets {
                let text = [before.as_bytes(), secret, after.as_bytes()].concat();
                for encoded in encodings(&text) {
                    let is_found = engine.matches(&encoded).iter().any(|found| {
                        found.secret.expose() == secret.as_slice() && engine.is_finding_of(&rule, found)
                    });
                    if !is_found {
                        failures.push(format!("{}: {}", rule.id, engine.describe(&encoded)));
                        continue 'context;
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(tested > 100, "most rules are of this kind, not {tested}");
}

#[test]
fn a_secret_in_utf16_is_placed_at_its_bytes() {
    let mut engine = Engine::new();
    let rules = rules();
    let (_, rule) = rules.iter().find(|(_, rule)| rule.id == "gitlab-pat").expect("a built-in rule");
    let secret = example(&mut random_for(rule, 4), rule, 0).text;
    let text = [b"line\nkey ".as_slice(), &secret].concat();
    for encoded in encodings(&text) {
        for found in engine.matches(&encoded) {
            let bytes: Vec<u8> = found.span.of(&encoded).iter().copied().filter(|&byte| byte != 0).collect();
            assert_eq!(bytes, found.secret.expose());
            assert_eq!(found.location.line, 2);
        }
        assert_eq!(engine.matches(&encoded).len(), 1);
    }
}

#[test]
fn the_surer_of_overlapping_rules_is_kept() {
    let mut engine = Engine::new();
    let rules = rules();
    for (id, rule) in &rules {
        let text = example(&mut random_for(rule, 5), rule, 0).text;
        let kept = engine.matches(&text);
        for (position, found) in kept.iter().enumerate() {
            assert!(
                kept[position + 1..].iter().all(|other| !other.span.overlaps(&found.span)),
                "{}: overlapping matches are left",
                rule.id
            );
        }
        let is_own = |found: &&Match| found.rule == *id;
        if rule.kind == Kind::Provider
            && let Some(found) = engine.scan(&text).iter().find(is_own)
        {
            assert!(
                kept.iter().any(|kept| {
                    kept.span.overlaps(&found.span) && rules[kept.rule.index()].1.kind == Kind::Provider
                }),
                "{}: a generic rule won",
                rule.id
            );
        }
    }
}
