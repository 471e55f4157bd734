//! Compiles `patterns.yaml` and the files that it includes into a table of constants: a bad rule fails the build, and starting up
//! parses no YAML.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::exit;

use keysieve_rules::compile::WIDE_WINDOW_BYTES;
use keysieve_rules::{Check, Fix, Folder, Head, Joined, Keywords, Rule, RuleSet, Text, files};
use keysieve_sieve::ByteSet;

const PATTERNS: &str = "../../patterns.yaml";
/// The folder of the files that `PATTERNS` includes.
const INCLUDED: &str = "../../patterns";

/// The part of the digest that is the version of the rules, in bytes.
const VERSION_BYTES: usize = 6;

fn main() {
    println!("cargo::rerun-if-changed={PATTERNS}");
    println!("cargo::rerun-if-changed={INCLUDED}");
    let text =
        std::fs::read_to_string(PATTERNS).unwrap_or_else(|error| fail(&format!("{PATTERNS}: {error}")));
    let beside = Folder::of(Path::new(PATTERNS));
    let rules =
        files::compile("patterns.yaml", &text, &beside).unwrap_or_else(|error| fail(&error.to_string()));
    for rule in rules.iter().filter(|rule| rule.window.before + rule.window.after > WIDE_WINDOW_BYTES) {
        let reach = rule.window.before + rule.window.after;
        println!("cargo::warning=rule {} looks as far as {reach} bytes; its file says why (`wide`)", rule.id);
    }
    let set = RuleSet::new(rules.clone()).unwrap_or_else(|error| fail(&error.to_string()));
    let digest = set.digest();
    let version: String = digest.iter().take(VERSION_BYTES).map(|byte| format!("{byte:02x}")).collect();
    let constants =
        format!("const VERSION_OF_RULES: &str = {version:?};\nstatic DIGEST: [u8; 32] = {digest:?};\n");
    let out_dir = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
    let table = Path::new(&out_dir).join("builtin_rules.rs");
    let source = source_of(&rules) + &constants;
    std::fs::write(&table, source).unwrap_or_else(|error| fail(&format!("{}: {error}", table.display())));
}

fn fail(message: &str) -> ! {
    println!("cargo::error={message}");
    exit(1)
}

/// Rust source of the table.
fn source_of(rules: &[Rule]) -> String {
    let sets: BTreeSet<ByteSet> = rules.iter().flat_map(|rule| rule.lead.sets()).collect();
    let sets: Vec<ByteSet> = sets.into_iter().collect();
    let mut source = format!("static RULES: [Rule; {}] = [\n", rules.len());
    for rule in rules {
        write_rule(&mut source, rule, &sets).expect("writing to a String cannot fail");
    }
    let words: Vec<String> = sets.iter().map(|set| format!("{set:?}")).collect();
    let sets = format!("static LEAD_SETS: [ByteSet; {}] = [{}];\n", sets.len(), words.join(", "));
    let keywords = format!("static KEYWORDS: Keywords = {};\n", Keywords::of(rules).to_source());
    [source, "];\n".to_owned(), sets, keywords].concat()
}

fn write_rule(out: &mut String, rule: &Rule, sets: &[ByteSet]) -> std::fmt::Result {
    writeln!(
        out,
        "Rule {{ id: {}, name: {}, provider: {},",
        text(&rule.id),
        text(&rule.name),
        text(&rule.provider)
    )?;
    writeln!(out, "kind: Kind::{:?}, severity: Severity::{:?},", rule.kind, rule.severity)?;
    writeln!(out, "confidence: Confidence::{:?}, keywords: {},", rule.confidence, texts(&rule.keywords))?;
    writeln!(out, "followers: Cow::Borrowed(&{:?}),", rule.followers)?;
    writeln!(out, "pattern: {}, window: {:?},", text(&rule.pattern), rule.window)?;
    match &rule.joined {
        None => writeln!(out, "joined: None,")?,
        Some(Joined { head, value, longest }) => {
            let (head, value) = (head.as_ref().map_or("None".to_owned(), name_head), text(value));
            writeln!(out, "joined: Some(Joined {{ head: {head}, value: {value}, longest: {longest} }}),")?;
        }
    }
    let places: Vec<String> =
        rule.lead.sets().filter_map(|set| sets.binary_search(&set).ok()).map(|at| at.to_string()).collect();
    writeln!(out, "lead: Lead::of_table(&LEAD_SETS, &[{}]),", places.join(", "))?;
    let checks: Vec<String> = rule.checks.iter().map(check).collect();
    writeln!(out, "checks: Cow::Borrowed(&[{}]),", checks.join(", "))?;
    writeln!(out, "exceptions: {},", texts(&rule.exceptions))?;
    writeln!(out, "references: {}, is_in_self_tests: {:?},", texts(&rule.references), rule.is_in_self_tests)?;
    writeln!(out, "fix: {},", fix(&rule.fix))?;
    writeln!(
        out,
        "examples: {}, counter_examples: {} }},",
        texts(&rule.examples),
        texts(&rule.counter_examples)
    )
}

fn fix(fix: &Fix) -> String {
    match fix {
        Fix::Revoke { revoke, env } => {
            format!("Fix::Revoke {{ revoke: {}, env: {} }}", text(revoke), text(env))
        }
        Fix::Advice { text: advice, env: None } => {
            format!("Fix::Advice {{ text: {}, env: None }}", text(advice))
        }
        Fix::Advice { text: advice, env: Some(env) } => {
            format!("Fix::Advice {{ text: {}, env: Some({}) }}", text(advice), text(env))
        }
    }
}

fn name_head(Head { begun, words, example }: &Head) -> String {
    let (begun, words, example) = (texts(begun), texts(words), text(example));
    format!("Some(Head {{ begun: {begun}, words: {words}, example: {example} }})")
}

fn check(check: &Check) -> String {
    match check {
        Check::Entropy { alphabet, min_bits } => {
            format!("Check::Entropy {{ alphabet: Alphabet::{alphabet:?}, min_bits: {min_bits:?} }}")
        }
        Check::Checksum(checksum) => format!("Check::Checksum(Checksum::{checksum:?})"),
        Check::Structure(structure) => format!("Check::Structure(Structure::{structure:?})"),
        plain => format!("Check::{plain:?}"),
    }
}

fn text(value: &Text) -> String {
    format!("Text::Borrowed({:?})", value.as_ref())
}

fn texts(values: &[Text]) -> String {
    let items: Vec<String> = values.iter().map(text).collect();
    format!("Cow::Borrowed(&[{}])", items.join(", "))
}
