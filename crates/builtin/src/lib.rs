//! The built-in rules: `patterns.yaml` and what it includes, checked and made into a table of constants by the build script, so
//! that starting up parses no YAML.

use std::borrow::Cow;

use keysieve_rules::{
    Alphabet, Check, Checksum, Confidence, Fix, Head, Joined, Keyword, Keywords, Kind, Lead, Rule, RuleId,
    RuleSet, Severity, Structure, Text, Window,
};
use keysieve_sieve::{ByteSet, Entry, Sieve, StemBytes, Table};

include!(concat!(env!("OUT_DIR"), "/builtin_rules.rs"));

/// The version of the built-in rules: twelve hexadecimal digits that change with any rule.
pub const VERSION: &str = VERSION_OF_RULES;

/// The rules of `patterns.yaml` and what it includes.
#[must_use]
pub fn rules() -> RuleSet {
    RuleSet::of_table(&RULES, &KEYWORDS, &DIGEST)
}

#[cfg(test)]
mod tests;
