//! The built-in rules: `patterns.yaml` and what it includes, checked and made into a table of constants by the build script, so
//! that starting up parses no YAML.

use std::borrow::Cow;

use keysieve_rules::{
    Alphabet, Check, Checksum, Confidence, Fix, Joined, Kind, Rule, RuleSet, Severity, Structure, Text,
    Window,
};

include!(concat!(env!("OUT_DIR"), "/builtin_rules.rs"));

/// The rules of `patterns.yaml` and what it includes.
///
/// # Panics
///
/// Never: the build script refuses more rules than a set can hold.
#[must_use]
pub fn rules() -> RuleSet {
    RuleSet::new(RULES.to_vec()).expect("the build script counted them")
}

#[cfg(test)]
mod tests;
