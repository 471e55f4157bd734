//! Every built-in rule proves itself: its examples are found by the whole engine and believed by the judge, alone and in the
//! places where people write secrets; its counter-examples are not.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rayon::prelude::*;

use crate::judge::{classify, judge};
use keysieve_detect::sample::encode::ENCODINGS;
use keysieve_detect::sample::{Random, example, fill};
use keysieve_detect::{Detector, Match, Shape, resolve_overlaps};
use keysieve_model::chunk::Chunk;
use keysieve_model::provenance::Provenance;
use keysieve_rules::{Check, Confidence, Kind, Rule, RuleId};

/// How many texts are sampled from the examples of each rule, and how many of them may be missed: random values have too
/// little entropy, or look like a placeholder, once in a while.
const SAMPLES: usize = 100;
const MISSES_ALLOWED: usize = 2;
/// How many texts are sampled from each counter-example; none of them may be found.
const COUNTER_SAMPLES: usize = 20;
/// How many secrets of each rule are put into each context, where [`SAMPLES_VARIABLE`] does not say it.
const CONTEXT_SAMPLES: usize = 20;
/// In how many of the contexts each secret is put; the next one goes on with those that follow.
const CONTEXTS_A_SECRET: usize = 3;
/// The environment variable that says how many secrets of each rule are put into each context: 1000 takes minutes.
const SAMPLES_VARIABLE: &str = "KEYSIEVE_SAMPLES";

/// Rules whose example may be found by another rule, which covers the same secret: the rule, the other one, and why.
const COVERED_BY: &[(&str, &str, &str)] = &[];

/// Rules for what lies in binary files only: nobody writes it into a text.
const BINARY: &[&str] =
    &["pkcs12-private-key", "pkcs12-private-key-encrypted", "java-key-store-key-encrypted"];

/// The engine from bytes to judged matches.
struct Engine {
    detector: Detector,
}

impl Engine {
    fn new() -> Self {
        Self { detector: Detector::new(Arc::new(keysieve_builtin::rules())) }
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
            && judge(by, &found.evidence, found.secret.expose().len(), Some(classify(path)))
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
    let rules = keysieve_builtin::rules();
    rules.iter().map(|(id, rule)| (id, rule.clone())).collect()
}

/// Whether secrets of the rule are told wherever they stand in a text.
fn is_written_in_texts(rule: &Rule) -> bool {
    rule.kind == Kind::Provider && !BINARY.contains(&rule.id.as_ref())
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
        for counter_example in rule.all_counter_examples() {
            for _ in 0..COUNTER_SAMPLES {
                let text = fill(&mut random, &counter_example, None).text;
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

/// The places for secrets that their surroundings tell, `{}` for the secret with these.
const LINE_CONTEXTS: &[&str] = &[
    "{}",
    "first = 1\n{}\nlast = 2\n",
    "    {}\r\n",
    "# {}\n",
    "// {} and more",
    "2024-02-29T12:00:00Z INFO {}\n",
    "<!-- {} -->",
];

/// Each context as UTF-8, as UTF-16 in both byte orders with and without a byte order mark, and in base64.
fn encodings(text: &[u8]) -> Vec<Vec<u8>> {
    [vec![text.to_vec(), in_base64(text)], utf16(text)].concat()
}

/// The text as UTF-16 in both byte orders, with and without a byte order mark.
fn utf16(text: &[u8]) -> Vec<Vec<u8>> {
    let wide = |is_big_endian: bool| -> Vec<u8> {
        text.iter().flat_map(|&byte| if is_big_endian { [0, byte] } else { [byte, 0] }).collect()
    };
    vec![
        wide(false),
        wide(true),
        [b"\xff\xfe".to_vec(), wide(false)].concat(),
        [b"\xfe\xff".to_vec(), wide(true)].concat(),
    ]
}

/// The text in base64, as data in a manifest. What is too short to be told from an identifier gets a line more.
fn in_base64(text: &[u8]) -> Vec<u8> {
    let text = if text.len() < 24 { [text, b"\nand one line more"].concat() } else { text.to_vec() };
    [b"data:\n  file: ", STANDARD.encode(text).as_bytes(), b"\n"].concat()
}

/// How many secrets of each rule are put into each context.
fn context_samples() -> usize {
    std::env::var(SAMPLES_VARIABLE).ok().and_then(|count| count.parse().ok()).unwrap_or(CONTEXT_SAMPLES)
}

/// A secret of `rule`, made up, with the text in which it was found.
fn secret_of(
    engine: &mut Engine,
    id: RuleId,
    rule: &Rule,
    random: &mut Random,
    number: usize,
) -> Option<(Vec<u8>, Vec<u8>)> {
    let text = example(random, rule, number).text;
    let found = engine.scan(&text).into_iter().find(|found| found.rule == id)?;
    Some((found.secret.expose().to_vec(), text))
}

#[test]
fn tokens_are_found_wherever_they_are_written() {
    let rules: Vec<(RuleId, Rule)> =
        rules().into_iter().filter(|(_, rule)| is_written_in_texts(rule)).collect();
    let results: Vec<Result<bool, String>> = rules
        .par_iter()
        .map_init(Engine::new, |engine, (id, rule)| find_in_contexts(engine, *id, rule))
        .collect();
    let alone = results.iter().filter(|result| matches!(result, Ok(true))).count();
    let failures: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(alone > 300, "many rules are of this kind, not {alone}");
}

/// Puts secrets of `rule` into contexts: whether they are told without what the examples have around them, or the first
/// context in which one is not found.
fn find_in_contexts(engine: &mut Engine, id: RuleId, rule: &Rule) -> Result<bool, String> {
    let mut random = random_for(rule, 3);
    let mut is_alone = None;
    for number in 0..context_samples() {
        let Some((secret, text)) = secret_of(engine, id, rule, &mut random, number) else {
            continue;
        };
        let is_alone = *is_alone.get_or_insert_with(|| {
            engine.scan(&secret).iter().any(|found| found.rule == id && found.secret.expose() == secret)
        });
        let (contexts, content) = if is_alone { (CONTEXTS, &secret) } else { (LINE_CONTEXTS, &text) };
        for turn in number * CONTEXTS_A_SECRET..(number + 1) * CONTEXTS_A_SECRET {
            let context = contexts[turn % contexts.len()];
            let (before, after) = context.split_once("{}").expect("a context has a place for the secret");
            let whole = [before.as_bytes(), content, after.as_bytes()].concat();
            let encodings = encodings(&whole);
            // Once all contexts had one encoding, the next one's turn has come.
            let encoded = &encodings[turn / contexts.len() % encodings.len()];
            let is_found = engine
                .matches(encoded)
                .iter()
                .any(|found| found.secret.expose() == secret.as_slice() && engine.is_finding_of(rule, found));
            if !is_found {
                return Err(format!("{}: {}", rule.id, engine.describe(encoded)));
            }
        }
    }
    Ok(is_alone == Some(true))
}

#[test]
fn tokens_are_found_in_every_form() {
    let rules: Vec<(RuleId, Rule)> =
        rules().into_iter().filter(|(_, rule)| is_written_in_texts(rule)).collect();
    let in_forms = |engine: &mut Engine, (id, rule): &(RuleId, Rule)| {
        let mut random = random_for(rule, 7);
        for (number, (name, encode)) in ENCODINGS.iter().enumerate() {
            let Some((secret, text)) = secret_of(engine, *id, rule, &mut random, number) else { continue };
            let encoded = [b"first line\n", encode(&text).as_slice(), b"\nlast line\n"].concat();
            let is_found = engine
                .matches(&encoded)
                .iter()
                .any(|found| found.secret.expose() == secret.as_slice() && engine.is_finding_of(rule, found));
            if !is_found {
                return Err(format!("{} in {name}: {}", rule.id, engine.describe(&text)));
            }
        }
        Ok(())
    };
    let failures: Vec<String> =
        rules.par_iter().map_init(Engine::new, in_forms).filter_map(Result::err).collect();
    assert!(failures.is_empty(), "{} rules\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn tokens_with_a_checksum_are_not_found_once_a_character_is_changed() {
    let mut engine = Engine::new();
    let mut failures = Vec::new();
    let mut tested = 0;
    let has_checksum = |rule: &Rule| rule.checks.iter().any(|check| matches!(check, Check::Checksum(_)));
    for (id, rule) in rules().into_iter().filter(|(_, rule)| has_checksum(rule)) {
        tested += 1;
        let mut random = random_for(&rule, 6);
        for number in 0..context_samples() {
            let Some((mut secret, _)) = secret_of(&mut engine, id, &rule, &mut random, number) else {
                failures.push(format!("{}: a sample is not found", rule.id));
                break;
            };
            // Another character of the secret's own end: it belongs to the same alphabet.
            let tail = secret.len() - 20;
            let at = tail + random.below(20);
            let others: Vec<u8> = secret[tail..].iter().copied().filter(|byte| *byte != secret[at]).collect();
            secret[at] = others[random.below(others.len())];
            if engine.scan(&secret).iter().any(|found| found.rule == id) {
                failures.push(format!("{}: {}", rule.id, engine.describe(&secret)));
                break;
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(tested >= 12, "{tested} rules have a checksum");
}

#[test]
fn a_secret_in_utf16_is_placed_at_its_bytes() {
    let mut engine = Engine::new();
    let rules = rules();
    let (_, rule) = rules.iter().find(|(_, rule)| rule.id == "gitlab-pat").expect("a built-in rule");
    let secret = example(&mut random_for(rule, 4), rule, 0).text;
    let text = [b"line\nkey ".as_slice(), &secret].concat();
    for encoded in utf16(&text) {
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
