//! Contracts of a whole run as properties of random texts.
//!
//! - However many threads scan, the findings are the same.
//! - What is found does not print its secrets.

use std::path::Path;
use std::sync::Arc;

use keysieve_detect::Detector;
use keysieve_detect::sample::encode::ENCODINGS;
use keysieve_detect::sample::{Random, example};
use keysieve_model::chunk::Chunk;
use keysieve_model::provenance::Provenance;
use keysieve_rules::{Confidence, RuleSet};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{Outcome, ScanConfig, Silent, scan_paths};

/// How many random folders are scanned.
const CASES: u32 = 12;

/// A part of a random file.
#[derive(Debug, Clone)]
enum Part {
    /// An example of a rule, of this seed.
    Example(Index, u64),
    /// The same, carried in one of the forms that are decoded.
    Encoded(Index, u64, Index),
    /// What lies between secrets.
    Noise(Vec<u8>),
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        3 => (any::<Index>(), any::<u64>()).prop_map(|(rule, seed)| Part::Example(rule, seed)),
        1 => (any::<Index>(), any::<u64>(), any::<Index>())
            .prop_map(|(rule, seed, form)| Part::Encoded(rule, seed, form)),
        2 => vec(any::<u8>(), 0..40).prop_map(Part::Noise),
    ]
}

fn text_of(rules: &RuleSet, parts: &[Part]) -> Vec<u8> {
    let sampled = |rule: &Index, seed: u64| {
        let rule = &rules.rules()[rule.index(rules.rules().len())];
        example(&mut Random::new(seed), rule, 0).text
    };
    let lines = parts.iter().map(|part| match part {
        Part::Example(rule, seed) => sampled(rule, *seed),
        Part::Encoded(rule, seed, form) => ENCODINGS[form.index(ENCODINGS.len())].1(&sampled(rule, *seed)),
        Part::Noise(bytes) => bytes.clone(),
    });
    lines.collect::<Vec<_>>().join(&b'\n')
}

/// What a run found, without what only its clock says.
fn results(outcome: &Outcome) -> Vec<String> {
    let findings = outcome.findings.iter().map(|finding| {
        format!(
            "{} {} {:?} {:?} {:?} {:?}",
            finding.fingerprint,
            outcome.rules.rule(finding.rule).id,
            finding.severity,
            finding.confidence,
            finding.note,
            finding.places
        )
    });
    findings.chain([format!("{:?}", outcome.coverage)]).collect()
}

fn scan_directory(rules: &Arc<RuleSet>, path: &Path, threads: usize) -> Outcome {
    let config = ScanConfig {
        about: keysieve_model::about::About::default(),
        rules: Arc::clone(rules),
        threads,
        min_confidence: Confidence::Low,
        shows_secrets: false,
        suppressions: Arc::default(),
        scans_whole: false,
        uses_cache: false,
        sweep: None,
    };
    scan_paths(&config, vec![path.to_owned()], &Silent).expect("threads can be started")
}

#[test]
fn any_number_of_threads_finds_the_same() {
    let rules = Arc::new(keysieve_builtin::rules());
    proptest!(ProptestConfig::with_cases(CASES), |(files in vec(vec(part(), 1..12), 12..24))| {
        let directory = tempfile::tempdir().expect("a scratch directory");
        for (number, parts) in files.iter().enumerate() {
            let folder = directory.path().join(format!("folder{}", number % 3));
            std::fs::create_dir_all(&folder).expect("a folder");
            // Each secret lies in two files.
            for extension in ["py", "env"] {
                std::fs::write(folder.join(format!("file{number}.{extension}")), text_of(&rules, parts)).expect("a file");
            }
        }
        let one = results(&scan_directory(&rules, directory.path(), 1));
        for threads in [2, 4] {
            prop_assert_eq!(&results(&scan_directory(&rules, directory.path(), threads)), &one);
        }
    });
}

#[test]
fn nothing_that_holds_a_secret_prints_it() {
    let rules = Arc::new(keysieve_builtin::rules());
    let mut detector = Detector::new(Arc::clone(&rules));
    let directory = tempfile::tempdir().expect("a scratch directory");
    let mut secrets = Vec::new();
    for (number, (_, rule)) in rules.iter().enumerate() {
        let text = example(&mut Random::new(number as u64), rule, 0).text;
        let chunk = Chunk::whole(&text, Provenance::Stdin);
        for found in detector.scan(&chunk, None).0 {
            let printed = format!("{found:?}");
            assert!(!shows(&printed, found.secret.expose()), "a match of {}", rule.id);
            secrets.push((rules.rule(found.rule).id.clone(), found.secret));
        }
        std::fs::write(directory.path().join(format!("file{number}.env.txt")), text).expect("a file");
    }
    let outcome = scan_directory(&rules, directory.path(), 1);
    assert!(outcome.findings.len() > 150, "most examples are found");
    for finding in &outcome.findings {
        assert!(
            !shows(&format!("{finding:?}"), finding.secret.expose()),
            "a finding of {}",
            outcome.rules.rule(finding.rule).id
        );
    }
    let printed = format!("{outcome:?}");
    for (rule, secret) in &secrets {
        assert!(!shows(&printed, secret.expose()), "the outcome shows one of {rule}");
    }
}

/// Whether `printed` holds the secret, or the end of it: its beginning may be a public prefix.
fn shows(printed: &str, secret: &[u8]) -> bool {
    let end = &secret[secret.len().saturating_sub(12)..];
    let as_list = format!("{end:?}");
    let numbers = as_list.trim_matches(['[', ']']);
    printed.contains(&*String::from_utf8_lossy(end)) || printed.contains(numbers)
}
