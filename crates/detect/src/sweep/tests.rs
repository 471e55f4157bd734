//! The search for values as properties of random texts: it finds what a plain search for each form finds, and deriving changes
//! nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::{Detector, Match};
use keysieve_model::chunk::{Chunk, Copied};
use keysieve_model::location::LineStart;
use keysieve_model::provenance::Provenance;
use keysieve_rules::RuleSet;

/// Values with something in common, and with what forms escape.
const VALUES: &[&str] = &[
    "k3v9Qm2xTz",
    "k3v9Qm2xTz8Lw4pR",
    "p@s/s w&rd\"9<x\n7",
    "same-beginning-0001",
    "same-beginning-0002",
    "Zq8vT3kWm5xR9nBc2yL7dZq8vT3kWm5xR9nBc2yL7dZq8vT3kWm5xR9nBc2yL7d+/Zq8vT3kWm5xR9nBc2yL7dZq8vT3kWm5xR9n",
    "\u{e4}\u{f6}7\u{fc}kd9",
];

fn sought(value: &str) -> Sought {
    Sought { secret: Secret::new(value.as_bytes()), others: Vec::new() }
}

fn sweep() -> (Arc<RuleSet>, Arc<Sweep>) {
    let (rules, rule) = keysieve_builtin::rules().with_values().expect("one rule more");
    let values: Vec<Sought> = VALUES.iter().map(|value| sought(value)).collect();
    let (sweep, left_out) = Sweep::new(rule, &values);
    assert!(left_out.is_empty());
    (Arc::new(rules), Arc::new(sweep))
}

fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let form = (prop::sample::select(VALUES), any::<prop::sample::Index>()).prop_map(|(value, form)| {
        let forms = forms::forms(value.as_bytes());
        form.get(&forms).clone()
    });
    let cut = (form.clone(), any::<prop::sample::Index>())
        .prop_map(|(form, end)| form[..end.index(form.len())].to_vec());
    let within = (form.clone(), "[ a-z]{0,40}", "[ a-z]{0,40}").prop_map(|(form, before, behind)| {
        STANDARD.encode([before.as_bytes(), &form, behind.as_bytes()].concat()).into_bytes()
    });
    let utf16 = prop::sample::select(VALUES)
        .prop_map(|value| value.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    prop_oneof![
        4 => form,
        2 => cut,
        2 => within,
        1 => utf16,
        3 => "[ a-z\n]{1,150}".prop_map(String::into_bytes),
        1 => "(password = \"|TOKEN=|\"\n|, )".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 1..20),
    ]
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(fragment(), 0..10).prop_map(|fragments| fragments.concat())
}

/// Pieces of a base, as a share of it and a length in bytes, and new text.
fn version() -> impl Strategy<Value = Vec<Result<(f64, usize), Vec<u8>>>> {
    let part = prop_oneof![
        3 => (0.0..1.0f64, 1usize..500).prop_map(Ok),
        1 => Just(Ok((0.0, usize::MAX))),
        2 => fragment().prop_map(Err),
    ];
    prop::collection::vec(part, 0..6)
}

fn build(base: &[u8], parts: &[Result<(f64, usize), Vec<u8>>]) -> (Vec<u8>, Vec<Copied>) {
    let (mut bytes, mut copies) = (Vec::new(), Vec::new());
    for part in parts {
        match part {
            Err(new) => bytes.extend_from_slice(new),
            Ok((share, length)) => {
                let from = (base.len() as f64 * share) as usize;
                let length = (*length).min(base.len() - from);
                if length > 0 {
                    copies.push(Copied { from, to: bytes.len(), length });
                    bytes.extend_from_slice(&base[from..from + length]);
                }
            }
        }
    }
    (bytes, copies)
}

fn spans(matches: &[Match], rule: RuleId) -> BTreeSet<(Secret, ByteSpan)> {
    let values = matches.iter().filter(|found| found.rule == rule);
    values.map(|found| (found.secret.clone(), found.span)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_found_is_what_a_plain_search_finds(bytes in text()) {
        let (_, sweep) = sweep();
        let mut found = BTreeSet::new();
        sweep.verify(&bytes, &sweep.search(&bytes), &mut |value, span| {
            found.insert((sweep.secret(value).clone(), span));
        });
        let mut expected = BTreeSet::new();
        for value in VALUES {
            for form in forms::forms(value.as_bytes()) {
                let starts = (0..bytes.len()).filter(|&start| bytes[start..].starts_with(&form));
                let spans = starts.map(|start| ByteSpan::new(start, start + form.len()));
                expected.extend(spans.map(|span| (Secret::new(value.as_bytes()), span)));
            }
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_derived_sweep_is_the_sweep_of_the_whole(first in text(), versions in prop::collection::vec(version(), 1..6)) {
        let (rules, sweep) = sweep();
        let mut detector = Detector::sweeping(rules, Some(sweep));
        let mut base = first;
        let (_, mut memo) = detector.scan(&Chunk::whole(&base, Provenance::Stdin), None);
        for parts in &versions {
            let (bytes, copies) = build(&base, parts);
            let whole = Chunk::whole(&bytes, Provenance::Stdin);
            let derived = Chunk { derivation: Some(Derivation { base: &base, copies: &copies }), ..whole.clone() };
            let (matches, next) = detector.scan(&derived, Some(&memo));
            let (expected, scanned) = detector.scan(&whole, None);
            prop_assert_eq!(matches, expected);
            prop_assert_eq!(&next.anchors, &scanned.anchors);
            (base, memo) = (bytes, next);
        }
    }

    #[test]
    fn pieces_find_what_the_whole_has(before in text(), behind in text(), cut in 0..400usize) {
        let (rules, sweep) = sweep();
        let rule = sweep.rule();
        let mut detector = Detector::sweeping(rules, Some(sweep));
        let bytes = [before, behind].concat();
        let cut = cut.min(bytes.len());
        let (whole, _) = detector.scan(&Chunk::whole(&bytes, Provenance::Stdin), None);
        let mut found = BTreeSet::new();
        for own in [0..cut, cut..bytes.len()] {
            let chunk = Chunk { own, start: LineStart::FIRST, ..Chunk::whole(&bytes, Provenance::Stdin) };
            found.extend(spans(&detector.scan(&chunk, None).0, rule));
        }
        prop_assert_eq!(found, spans(&whole, rule));
    }
}

#[test]
fn each_value_in_each_form_is_found_once() {
    let (rules, sweep) = sweep();
    let rule = sweep.rule();
    let mut detector = Detector::sweeping(rules, Some(sweep));
    // Of values that begin with another both are there.
    for value in VALUES.iter().skip(1) {
        for form in forms::forms(value.as_bytes()) {
            let text = [b"x = ", form.as_slice(), b";\n"].concat();
            let found = spans(&detector.scan(&Chunk::whole(&text, Provenance::Stdin), None).0, rule);
            let secret = Secret::new(value.as_bytes());
            let count = found.iter().filter(|(found, _)| *found == secret).count();
            assert_eq!(count, 1, "{value:?} as {:?}: {found:?}", bstr::BStr::new(&form));
        }
    }
}

#[test]
fn values_that_are_too_much_alike_are_left_out_and_said() {
    let (rules, rule) = keysieve_builtin::rules().with_values().expect("one rule more");
    let alike = (0..2_000).map(|number| sought(&format!("{}{number:04}{}", "a1".repeat(9), "b2".repeat(9))));
    let other = sought("k3v9Qm2xTz8Lw4pR");
    let (sweep, left_out) = Sweep::new(rule, &alike.chain([other.clone()]).collect::<Vec<_>>());
    assert_eq!(left_out, (0..2_000).collect::<Vec<_>>());
    let mut detector = Detector::sweeping(Arc::new(rules), Some(Arc::new(sweep)));
    let (found, _) = detector.scan(&Chunk::whole(other.secret.expose(), Provenance::Stdin), None);
    assert_eq!(spans(&found, rule).len(), 1);
}

#[test]
fn other_spellings_are_the_same_value() {
    let (rules, rule) = keysieve_builtin::rules().with_values().expect("one rule more");
    let value = Sought { others: vec![Secret::new(b"k3v9Qm2xTz")], ..sought("k3v9Qm2xTz8Lw4pR") };
    let (sweep, _) = Sweep::new(rule, std::slice::from_ref(&value));
    let mut detector = Detector::sweeping(Arc::new(rules), Some(Arc::new(sweep)));
    let text = b"a k3v9Qm2xTz b k3v9Qm2xTz8Lw4pR";
    let (found, _) = detector.scan(&Chunk::whole(text, Provenance::Stdin), None);
    let expected = [ByteSpan::new(2, 12), ByteSpan::new(15, 31)].map(|span| (value.secret.clone(), span));
    assert_eq!(spans(&found, rule), BTreeSet::from(expected));
}

#[test]
fn nothing_of_a_value_prints_itself() {
    let (_, sweep) = sweep();
    let printed = format!("{sweep:?} {:?}", sweep.search(b"k3v9Qm2xTz8Lw4pR"));
    assert!(!printed.contains("k3v9"), "{printed}");
}
