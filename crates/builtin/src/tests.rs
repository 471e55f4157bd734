//! The built-in table as a whole.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use keysieve_rules::{CONTEXT_BYTES, Folder, compile};

use super::*;

/// A rule file with one rule of this id.
fn file(id: &str) -> String {
    format!(
        "schema: 1\nrules:\n- {{id: {id}, name: Acme API key, provider: Acme, kind: provider, severity: high, \
         confidence: high, keywords: ['acme_'], pattern: '\\b(?P<secret>acme_[a-z0-9]{{32}})\\b', \
         references: ['https://acme.example/tokens'], fix: Revoke it., counter_examples: ['acme_x']}}\n"
    )
}

#[test]
fn a_users_rule_replaces_the_built_in_one_of_its_id() {
    let builtin = rules();
    let count = builtin.rules().len();
    let nowhere = Folder::of(Path::new("no/such/folder/rules.yaml"));
    let more =
        builtin.clone().with_yaml("rules.yaml", &file("acme-api-key"), &nowhere).expect("a valid rule file");
    assert_eq!(more.rules().len(), count + 1);
    let same = builtin.with_yaml("rules.yaml", &file("github-pat"), &nowhere).expect("a valid rule file");
    assert_eq!(same.rules().len(), count);
    let (_, rule) = same.iter().find(|(_, rule)| rule.id == "github-pat").expect("still there");
    assert_eq!(rule.provider, "Acme");
}

#[test]
fn every_built_in_rule_is_whole() {
    let rules = rules();
    let mut ids = HashSet::new();
    for rule in rules.rules() {
        let id = &rule.id;
        assert!(ids.insert(id.clone()), "{id}: the id is not unique");
        assert!(
            rule.kind == Kind::Generic || rule.references.iter().any(|page| page.starts_with("https://")),
            "{id}: no reference"
        );
        assert!(rule.fix.text().len() > 20, "{id}: no fix");
        assert!(!rule.name.is_empty() && !rule.provider.is_empty(), "{id}: no name");
        assert!(!rule.all_counter_examples().is_empty(), "{id}: no counter-example");
        assert!(
            // Case counts in other scripts, so that names in them are spelled out in generic rules.
            rule.keywords
                .iter()
                .all(|keyword| keyword.len() >= 3 && (keyword.is_ascii() || rule.kind == Kind::Generic)),
            "{id}: keywords {:?}",
            rule.keywords
        );
        let has_secret = compile::searcher(&rule.pattern)
            .expect("built-in patterns compile")
            .group_info()
            .to_index(regex_automata::PatternID::ZERO, "secret")
            .is_some();
        assert!(has_secret, "{id}: no group named secret");
        for side in [rule.window.before, rule.window.after] {
            assert!(side as usize <= CONTEXT_BYTES / 2, "{id}: looks {side} bytes far");
        }
    }
    assert!(ids.len() >= 750, "only {} rules", ids.len());
    let providers: HashSet<&str> = rules.rules().iter().map(|rule| &*rule.provider).collect();
    assert!(providers.len() >= 450, "of only {} providers", providers.len());
}

#[test]
fn built_in_rules_that_are_equal_in_all_but_name_are_one_too_many() {
    let rules = rules();
    let mut patterns = HashMap::new();
    for rule in rules.rules() {
        if let Some(other) = patterns.insert(&rule.pattern, &rule.id) {
            panic!("{} has the pattern of {other}", rule.id);
        }
    }
}

#[test]
fn the_table_holds_what_would_be_made_of_its_rules() {
    let rules = rules();
    assert_eq!(rules.keywords(), Keywords::of(rules.rules()));
    assert_eq!(rules.digest(), RuleSet::new(rules.rules().to_vec()).expect("few enough").digest());
    for rule in rules.rules().iter().filter(|rule| rule.window.before == 0) {
        assert_eq!(
            rule.lead.sets().collect::<Vec<_>>(),
            Lead::of(&rule.pattern).sets().collect::<Vec<_>>(),
            "{}",
            rule.id
        );
    }
}

#[test]
fn a_set_that_was_changed_has_keywords_and_a_digest_of_its_own() {
    let (all, off) = (rules(), BTreeSet::from(["github-pat".to_owned()]));
    let fewer = rules().adapted(&off, &BTreeMap::new());
    assert_eq!(fewer.keywords(), Keywords::of(fewer.rules()));
    let milder =
        rules().adapted(&BTreeSet::new(), &BTreeMap::from([("github-pat".to_owned(), Severity::Low)]));
    let (more, _) = rules().with_values().expect("one more");
    assert_eq!(more.keywords(), Keywords::of(more.rules()));
    let digests: BTreeSet<[u8; 32]> = [&all, &fewer, &milder, &more].map(RuleSet::digest).into();
    assert_eq!(digests.len(), 4);
    assert_eq!(all.digest(), rules().adapted(&BTreeSet::new(), &BTreeMap::new()).digest());
}
