//! Judgement: a match's evidence and one of its places -> severity and confidence, or no finding.
//!
//! All weights stand in [`WEIGHTS`], in points. A match begins with its rule's points; each thing that speaks for or against
//! it adds or takes some; what is left says how sure it is.

mod path_class;

use keysieve_detect::{Composition, Evidence, Link, Shape, Subject};
use keysieve_rules::{Confidence, Kind, Rule, Severity};

pub use self::path_class::{PathClass, classify};

/// What is weighed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    RuleIsSure,
    RuleIsFairlySure,
    RuleIsUnsure,
    BareInCode,
    BareInProse,
    BareNowhere,
    Adjacent,
    Compared,
    BareWord,
    BareKeyName,
    TestVector,
    Message,
    PasswordOfWords,
    PasswordOfLetters,
    SecretOfWords,
    SecretOfLetters,
    PasswordOfDigits,
    DigitsOnly,
    LettersAndDigits,
    NamesItself,
    LongAndRandom,
    Localisation,
    UserInterface,
    LockFile,
    Vendored,
    StandardLibrary,
    Binary,
    SelfTest,
}

/// Points for and against. Only generic rules are weighed beyond their own confidence, and private keys in system libraries.
const WEIGHTS: &[(Signal, i32)] = &[
    (Signal::RuleIsSure, 90),
    (Signal::RuleIsFairlySure, 60),
    (Signal::RuleIsUnsure, 30),
    // An unquoted value in code is an expression: 3 in 100 are real.
    (Signal::BareInCode, -60),
    // In documentation it is as often prose.
    (Signal::BareInProse, -25),
    // A blob that no tree names may be code or data.
    (Signal::BareNowhere, -25),
    // `password: required`, `passwd: files`
    (Signal::BareWord, -10),
    // The worst of names: maps, tables and keyboards have keys.
    (Signal::BareKeyName, -25),
    // `key: "00ff", pt: "00ff", ct: "00ff"`: no program has its texts beside its keys.
    (Signal::TestVector, -60),
    // `password "x"` may be a sentence, and `authenticate(response, "digest")` may name no password.
    (Signal::Adjacent, -10),
    // `if password == "x1"`: a program may ask for more than passwords.
    (Signal::Compared, -10),
    (Signal::Message, -35),
    // Names of fields, labels, and pass phrases.
    (Signal::PasswordOfWords, -10),
    (Signal::PasswordOfLetters, 0),
    // A machine does not make words.
    (Signal::SecretOfWords, -45),
    (Signal::SecretOfLetters, -10),
    // Six digits or more are seldom a count, a size or a code.
    (Signal::PasswordOfDigits, -10),
    (Signal::DigitsOnly, -20),
    // Half of all values of letters and digits are real before anything else is asked.
    (Signal::LettersAndDigits, 15),
    // `password = "my_password"`: 6 in 100 are real.
    (Signal::NamesItself, -40),
    (Signal::LongAndRandom, 20),
    // Translations and labels speak of passwords all the time.
    (Signal::Localisation, -60),
    (Signal::UserInterface, -60),
    // Full of checksums.
    (Signal::LockFile, -60),
    (Signal::Vendored, -20),
    // What comes with a language is the same for everybody: examples of its documentation, in source and compiled.
    (Signal::StandardLibrary, -60),
    (Signal::Binary, -40),
    // Every Debian image has the private keys with which libgnutls tests itself.
    (Signal::SelfTest, -60),
];
/// From how many points on a finding has this confidence; below the last there is none.
const LEVELS: &[(i32, Confidence)] =
    &[(80, Confidence::High), (50, Confidence::Medium), (20, Confidence::Low)];
/// What the least sure finding has.
pub const LEAST_POINTS: i32 = LEVELS[LEVELS.len() - 1].0;
/// From what length on, in digits, a number is more than a count.
const LONG_NUMBER: usize = 6;
/// From what length on, in bytes, letters and digits count.
const MIXED_LENGTH: usize = 8;
/// From what length on, in bytes, and entropy on, in bits per character, a value counts as long and random.
const RANDOM_LENGTH: usize = 20;
const RANDOM_BITS: f32 = 3.7;

/// The verdict on a match at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// How bad it is there.
    pub severity: Severity,
    /// How sure it is there.
    pub confidence: Confidence,
}

/// Judges a match of `rule` at a path of this class; `None` stands for a place without one, such as a commit message.
/// `secret_length` is in bytes. `None` means that it is no finding there.
#[must_use]
pub fn judge(
    rule: &Rule,
    evidence: &Evidence,
    secret_length: usize,
    class: Option<PathClass>,
) -> Option<Verdict> {
    let points: i32 = signals(rule, evidence, secret_length, class).map(weight).sum();
    let confidence = LEVELS.iter().find(|(least, _)| points >= *least).map(|&(_, confidence)| confidence)?;
    Some(Verdict { severity: severity(rule, class), confidence })
}

/// What is weighed of a match at a path of this class, in words, with its points: [`LEAST_POINTS`] make a finding.
#[must_use]
pub fn weigh(
    rule: &Rule,
    evidence: &Evidence,
    secret_length: usize,
    class: Option<PathClass>,
) -> Vec<(String, i32)> {
    let words = |signal: Signal| {
        let name = format!("{signal:?}");
        let spaced =
            name.chars().flat_map(|letter| letter.is_uppercase().then_some(' ').into_iter().chain([letter]));
        spaced.collect::<String>().trim().to_lowercase()
    };
    signals(rule, evidence, secret_length, class).map(|signal| (words(signal), weight(signal))).collect()
}

/// A generic secret in a test, an example or documentation is real more often than not, but opens less.
fn severity(rule: &Rule, class: Option<PathClass>) -> Severity {
    match (rule.kind, class, rule.severity) {
        (Kind::Generic, Some(PathClass { is_test: true, .. }), Severity::Critical) => Severity::High,
        (Kind::Generic, Some(PathClass { is_test: true, .. }), Severity::High) => Severity::Medium,
        (Kind::Generic, Some(PathClass { is_test: true, .. }), _) => Severity::Low,
        (_, _, severity) => severity,
    }
}

fn signals(
    rule: &Rule,
    evidence: &Evidence,
    secret_length: usize,
    class: Option<PathClass>,
) -> impl Iterator<Item = Signal> {
    use path_class::Language;
    let base = match rule.confidence {
        Confidence::High => Signal::RuleIsSure,
        Confidence::Medium => Signal::RuleIsFairlySure,
        Confidence::Low => Signal::RuleIsUnsure,
    };
    let is_bare = evidence.shape == Shape::Bare;
    let language = class.map(|class| class.language);
    let is_password = evidence.subject == Subject::Password;
    let is_letters = evidence.composition == Composition::Letters;
    let is_digits = evidence.composition == Composition::Digits;
    let is_long_number =
        is_password && evidence.is_number && secret_length >= LONG_NUMBER && evidence.link != Link::Adjacent;
    let is_mixed = evidence.composition == Composition::Mixed;
    let random = secret_length >= RANDOM_LENGTH && evidence.entropy >= RANDOM_BITS;
    let generic = [
        (is_bare && language == Some(Language::Code), Signal::BareInCode),
        (is_bare && language == Some(Language::Prose), Signal::BareInProse),
        (is_bare && language.is_none(), Signal::BareNowhere),
        (evidence.link == Link::Adjacent, Signal::Adjacent),
        (evidence.link == Link::Comparison, Signal::Compared),
        (is_bare && is_letters && evidence.is_wordy && evidence.has_plain_name, Signal::BareWord),
        (evidence.subject == Subject::Key, Signal::BareKeyName),
        (evidence.is_test_vector, Signal::TestVector),
        // What follows in a text is a word, or a short one with a number.
        (
            is_password
                && evidence.is_message
                && (!is_mixed || evidence.is_wordy || secret_length < MIXED_LENGTH),
            Signal::Message,
        ),
        (is_password && is_letters && evidence.is_wordy, Signal::PasswordOfWords),
        (is_password && is_letters && !evidence.is_wordy, Signal::PasswordOfLetters),
        (!is_password && evidence.is_wordy, Signal::SecretOfWords),
        (!is_password && is_letters && !evidence.is_wordy, Signal::SecretOfLetters),
        (is_digits && is_long_number, Signal::PasswordOfDigits),
        (is_digits && !is_long_number, Signal::DigitsOnly),
        (
            is_mixed && secret_length >= MIXED_LENGTH && (is_password || !evidence.is_wordy),
            Signal::LettersAndDigits,
        ),
        (evidence.names_itself, Signal::NamesItself),
        (random && is_mixed && !evidence.is_wordy, Signal::LongAndRandom),
        (
            class.is_some_and(|class| {
                class.is_localisation || (class.is_called_by_language && is_letters && is_password)
            }),
            Signal::Localisation,
        ),
        (class.is_some_and(|class| class.is_user_interface), Signal::UserInterface),
        (class.is_some_and(|class| class.is_lock_file), Signal::LockFile),
        (class.is_some_and(|class| class.is_vendored), Signal::Vendored),
        (class.is_some_and(|class| class.is_standard_library), Signal::StandardLibrary),
        (evidence.binary, Signal::Binary),
    ];
    let weighed = rule.kind == Kind::Generic;
    let is_self_test = rule.is_in_self_tests && class.is_some_and(|class| class.is_system_library);
    std::iter::once(base)
        .chain(is_self_test.then_some(Signal::SelfTest))
        .chain(generic.into_iter().filter(move |(applies, _)| weighed && *applies).map(|(_, signal)| signal))
}

fn weight(signal: Signal) -> i32 {
    WEIGHTS.iter().find(|(known, _)| *known == signal).map_or(0, |&(_, points)| points)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(shape: Shape, composition: Composition) -> Evidence {
        Evidence {
            shape,
            link: Link::Assignment,
            subject: Subject::Password,
            composition,
            is_wordy: false,
            has_plain_name: false,
            entropy: 3.0,
            is_number: false,
            is_test_vector: false,
            names_itself: false,
            is_message: false,
            binary: false,
            note: None,
            assignee: None,
        }
    }

    fn at(path: &str) -> Option<PathClass> {
        Some(classify(path.as_bytes()))
    }

    fn rule(id: &str) -> Rule {
        keysieve_builtin::rules().rules().iter().find(|rule| rule.id == id).expect("a built-in rule").clone()
    }

    #[test]
    fn every_signal_has_one_weight() {
        for (signal, _) in WEIGHTS {
            assert_eq!(WEIGHTS.iter().filter(|(other, _)| other == signal).count(), 1, "{signal:?}");
        }
    }

    #[test]
    fn an_unquoted_value_counts_in_data_and_not_in_code() {
        let (rule, bare) = (rule("generic-password-bare"), evidence(Shape::Bare, Composition::Mixed));
        assert!(judge(&rule, &bare, 12, at("deploy/.env")).is_some());
        assert!(judge(&rule, &bare, 12, at("src/app.py")).is_none());
    }

    #[test]
    fn words_count_as_passwords_and_not_as_secrets() {
        let words =
            |subject| Evidence { subject, is_wordy: true, ..evidence(Shape::Quoted, Composition::Letters) };
        let confidence = |rule_id: &str, subject| {
            judge(&rule(rule_id), &words(subject), 12, at("src/app.py")).map(|verdict| verdict.confidence)
        };
        assert_eq!(confidence("generic-password", Subject::Password), Some(Confidence::Medium));
        assert_eq!(confidence("generic-secret", Subject::Secret), None);
    }

    #[test]
    fn messages_and_sentences_are_less_believed_than_assignments() {
        let rule = rule("generic-password-bare");
        let plain = Evidence { is_wordy: true, ..evidence(Shape::Embedded, Composition::Letters) };
        let message = Evidence { is_message: true, ..plain.clone() };
        let sentence = Evidence { link: Link::Adjacent, ..plain.clone() };
        let confidence = |evidence: &Evidence| {
            judge(&rule, evidence, 9, at("src/app.py")).map(|verdict| verdict.confidence)
        };
        assert_eq!(confidence(&plain), Some(Confidence::Medium));
        assert!(confidence(&message) < Some(Confidence::Medium));
        assert!(confidence(&sentence) < Some(Confidence::Medium));
    }

    #[test]
    fn the_keys_with_which_system_libraries_test_themselves_are_worth_no_alarm() {
        let (rule, found) = (rule("private-key"), evidence(Shape::Quoted, Composition::Mixed));
        let confidence = |path: &str| judge(&rule, &found, 1700, at(path)).map(|verdict| verdict.confidence);
        assert_eq!(confidence("usr/lib/x86_64-linux-gnu/libgnutls.so.30.34.3"), Some(Confidence::Low));
        assert_eq!(confidence("opt/app/lib/libapp.so"), Some(Confidence::High));
        assert_eq!(confidence("usr/lib/ssl/private/server.pem"), Some(Confidence::High));
    }

    #[test]
    fn translations_are_quiet() {
        let (rule, quoted) = (rule("generic-password"), evidence(Shape::Quoted, Composition::Mixed));
        assert!(judge(&rule, &quoted, 12, at("src/app.py")).is_some());
        assert!(judge(&rule, &quoted, 12, at("locale/fi/messages.json")).is_none());
        let word = evidence(Shape::Quoted, Composition::Letters);
        assert!(judge(&rule, &word, 6, at("src/texts.json")).is_some());
        assert!(judge(&rule, &word, 6, at("src/et.json")).is_none());
        // A country, or a region: `eu.json` may well hold what is used there.
        assert!(judge(&rule, &quoted, 12, at("config/eu.json")).is_some());
    }

    #[test]
    fn long_numbers_count_as_passwords() {
        let rule = rule("generic-password");
        let number = Evidence { is_number: true, ..evidence(Shape::Quoted, Composition::Digits) };
        let version = Evidence { is_number: false, ..number.clone() };
        let confidence = |evidence: &Evidence, length: usize| {
            judge(&rule, evidence, length, at("src/app.py")).map(|verdict| verdict.confidence)
        };
        assert_eq!(confidence(&number, 8), Some(Confidence::Medium));
        assert!(confidence(&number, 4) < Some(Confidence::Medium));
        assert!(confidence(&version, 8) < Some(Confidence::Medium));
    }

    #[test]
    fn tests_lower_the_severity_of_generic_findings_only() {
        let quoted = evidence(Shape::Quoted, Composition::Mixed);
        let severity =
            |id: &str, path: &str| judge(&rule(id), &quoted, 40, at(path)).expect("a finding").severity;
        assert!(
            severity("generic-password", "tests/test_app.py") < severity("generic-password", "src/app.py")
        );
        assert_eq!(severity("github-pat", "tests/test_app.py"), severity("github-pat", "src/app.py"));
    }
}
