use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use keysieve_detect::sample::{Random, example};

use super::*;

/// Rules for what lies in binary files only.
const BINARY: &[&str] =
    &["pkcs12-private-key", "pkcs12-private-key-encrypted", "java-key-store-key-encrypted"];

fn redaction() -> Redaction {
    Redaction::new(keysieve_builtin::rules(), None, Mark::Named).expect("the built-in rules")
}

fn redacted(redaction: &Redaction, text: &[u8]) -> Vec<u8> {
    let (mut redactor, mut out) = (redaction.redactor(None), Vec::new());
    redactor.push(text);
    redactor.release(Release::Rest, &mut out);
    out
}

/// A part of a random text.
#[derive(Debug, Clone)]
enum Part {
    /// An example of a rule.
    Example(Index, u64),
    Text(String),
    Bytes(Vec<u8>),
    /// Lines without a secret, of so many bytes.
    Filler(usize),
    /// A private key of so many lines.
    Key(u64, usize),
}

fn part() -> impl Strategy<Value = Part> {
    let index = any::<Index>;
    prop_oneof![
        5 => (index(), any::<u64>()).prop_map(|(rule, seed)| Part::Example(rule, seed)),
        3 => "(\n|\r\n| |\"|'|=|: |\\\\n|\\\\|\t|\u{e4}|[a-zA-Z0-9_ -]{0,24}|password|\u{1b}\\[31m)".prop_map(Part::Text),
        1 => vec(any::<u8>(), 0..24).prop_map(Part::Bytes),
        2 => (0usize..9000).prop_map(Part::Filler),
        1 => (any::<u64>(), 1usize..80).prop_map(|(seed, lines)| Part::Key(seed, lines)),
    ]
}

fn text_of(rules: &RuleSet, parts: &[Part]) -> Vec<u8> {
    let mut text = Vec::new();
    for part in parts {
        match part {
            Part::Example(rule, seed) => {
                text.extend(
                    example(&mut Random::new(*seed), rule.get(rules.rules()), *seed as usize % 16).text,
                );
                text.push(b'\n');
            }
            Part::Text(part) => text.extend(part.as_bytes()),
            Part::Bytes(bytes) => text.extend(bytes),
            Part::Filler(length) => {
                let line = b"all work and no play makes for a dull log.\n";
                text.extend(line.iter().cycle().take(*length));
            }
            Part::Key(seed, lines) => text.extend(private_key(*seed, *lines).into_bytes()),
        }
    }
    text
}

/// A key in the form of PKCS #8 with `lines` lines of base64; no real one.
fn private_key(seed: u64, lines: usize) -> String {
    use base64::Engine as _;
    let length = lines.max(2) * 48 - 4;
    let mut der = vec![0x30, 0x82, (length >> 8) as u8, length as u8, 2, 1, 0];
    let mut state = seed | 1;
    while der.len() < length + 4 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        der.push((state >> 40) as u8);
    }
    let body = base64::engine::general_purpose::STANDARD.encode(&der);
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let name = ["PRIVATE", "KEY"].join(" ");
    format!("-----BEGIN {name}-----\n{}\n-----END {name}-----\n", lines.join("\n"))
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn the_output_is_the_same_however_the_text_is_cut() {
    let redaction = redaction();
    let cuts = vec((any::<Index>(), any::<bool>()), 0..12);
    proptest!(config(256), |(parts in vec(part(), 1..24), cuts in cuts)| {
        let text = text_of(&redaction.rules, &parts);
        let mut ends: Vec<(usize, bool)> =
            cuts.iter().map(|(cut, is_released)| (cut.index(text.len() + 1), *is_released)).collect();
        ends.sort_unstable();
        let (mut redactor, mut out, mut start) = (redaction.redactor(None), Vec::new(), 0);
        for (end, is_released) in ends {
            redactor.push(&text[start..end]);
            if is_released {
                redactor.release(Release::Settled, &mut out);
                prop_assert!(redactor.received() - redactor.released() <= 2 * MAX_HELD_BYTES as u64);
            }
            start = end;
        }
        redactor.push(&text[start..]);
        redactor.release(Release::Rest, &mut out);
        let whole = redacted(&redaction, &text);
        prop_assert_eq!(bstr::BStr::new(&out), bstr::BStr::new(&whole));
    });
}

#[test]
fn a_long_text_is_searched_in_parts_with_the_same_result() {
    let redaction = redaction();
    let far = (0usize..700_000).prop_map(Part::Filler);
    proptest!(config(24), |(parts in vec(prop_oneof![3 => part(), 1 => far], 8..40), step in 1usize..40)| {
        let text = text_of(&redaction.rules, &parts);
        let (mut redactor, mut out) = (redaction.redactor(None), Vec::new());
        for piece in text.chunks(step * 10_000) {
            redactor.push(piece);
            redactor.release(Release::Settled, &mut out);
        }
        redactor.release(Release::Rest, &mut out);
        let whole = redacted(&redaction, &text);
        prop_assert!(out == whole, "the outputs differ");
    });
}

#[test]
fn nothing_is_found_in_the_output() {
    let redaction = redaction();
    let cases = std::env::var("KEYSIEVE_SAMPLES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(256);
    proptest!(config(cases), |(parts in vec(part(), 1..24))| {
        let text = text_of(&redaction.rules, &parts);
        let out = redacted(&redaction, &text);
        let chunk = Chunk::whole(&out, Provenance::Stdin);
        let (matches, _) = redaction.detector.clone().scan(&chunk, None);
        let found: Vec<_> = matches
            .iter()
            .filter_map(|found| {
                let rule = redaction.rules.rule(found.rule);
                // What binary files hold is told by bytes around it, which stay: a mark among them looks the same.
                if BINARY.contains(&rule.id.as_ref()) {
                    return None;
                }
                let verdict = judge(rule, &found.evidence, found.secret.expose().len(), None)?;
                Some((&rule.id, verdict.confidence, bstr::BStr::new(found.span.of(&out))))
            })
            .collect();
        prop_assert!(found.is_empty(), "{:?} in {:?}\nof {:?}", found, bstr::BStr::new(&out), bstr::BStr::new(&text));
    });
}

#[test]
fn text_without_secrets_stays_as_it_is() {
    let redaction = redaction();
    for text in [&b""[..], b"\r\n", b"no line end", b"\0\xff\xfe\r\n\x1b[31mred\x1b[0m\n", b"\n\n\n"] {
        assert_eq!(redacted(&redaction, text), text);
    }
    proptest!(config(128), |(bytes in vec(any::<u8>(), 0..4000))| {
        prop_assert_eq!(redacted(&redaction, &bytes), bytes);
    });
}

#[test]
fn json_stays_json() {
    let redaction = redaction();
    let value = prop_oneof![
        3 => (any::<Index>(), any::<u64>()).prop_map(|(rule, seed)| Part::Example(rule, seed)),
        1 => "(password|[a-z0-9\\\\\"\n\t ]{0,30})".prop_map(Part::Text),
        1 => (any::<u64>(), 1usize..30).prop_map(|(seed, lines)| Part::Key(seed, lines)),
    ];
    let name = "(password|api_key|token|pin|secret|user)";
    proptest!(config(512), |(members in vec((name, vec(value, 1..4), any::<u32>(), any::<bool>()), 1..8), nested in any::<bool>(), pretty in any::<bool>())| {
        let mut object = serde_json::Map::new();
        for (number, (name, parts, digits, is_number)) in members.iter().enumerate() {
            let text = String::from_utf8_lossy(&text_of(&redaction.rules, parts)).into_owned();
            let value = if *is_number { serde_json::json!(digits) } else { serde_json::json!(text) };
            object.insert(if number == 0 { name.clone() } else { format!("{name}_{number}") }, value);
        }
        let mut value = serde_json::Value::Object(object);
        if nested {
            value = serde_json::json!({"message": value.to_string(), "level": 30});
        }
        let text = if pretty { format!("{value:#}") } else { value.to_string() };
        let out = redacted(&redaction, text.as_bytes());
        let parsed: Result<serde_json::Value, _> = serde_json::from_slice(&out);
        prop_assert!(parsed.is_ok(), "{:?}\nof {}\nis {}", parsed, text, bstr::BStr::new(&out));
    });
}

#[test]
fn a_number_becomes_a_string_in_json() {
    let redaction = redaction();
    let digits = ["4815", "1623", "4207"].concat();
    let text = format!("{{\"password\": {digits}, \"user\": \"ann\"}}\n");
    let out = redacted(&redaction, text.as_bytes());
    let parsed: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
    assert!(!out.contains_str(&digits), "{parsed}");
}

#[test]
fn a_key_that_comes_slowly_is_not_written() {
    let redaction = redaction();
    let key = private_key(7, 20);
    let text = format!("starting\n{key}done\n");
    for cut in (0..text.len()).step_by(97) {
        let (mut redactor, mut out) = (redaction.redactor(None), Vec::new());
        for piece in [&text[..cut], &text[cut..]] {
            redactor.push(piece.as_bytes());
            redactor.release(Release::All, &mut out);
        }
        redactor.release(Release::Rest, &mut out);
        let out = String::from_utf8(out).expect("text");
        let is_shown = |line: &str| line.len() == 64 && out.contains(line);
        let shown = key.lines().filter(|line| is_shown(line)).count();
        // What came of a line before there were enough characters of it to tell.
        assert!(
            shown == 0 && out.starts_with("starting\n") && out.ends_with("done\n"),
            "cut at {cut}: {out}"
        );
    }
}

#[test]
fn lines_are_released_when_they_are_old_enough() {
    let redaction = redaction();
    let (mut redactor, mut out) = (redaction.redactor(None), Vec::new());
    redactor.push(b"one\n");
    redactor.release(Release::Settled, &mut out);
    assert_eq!(out, b"");
    let old = redactor.received();
    redactor.push(b"two\nthr");
    redactor.release(Release::Aged(old), &mut out);
    assert_eq!(out, b"one\n");
    redactor.release(Release::Aged(redactor.received()), &mut out);
    assert_eq!(out, b"one\ntwo\n");
    redactor.release(Release::All, &mut out);
    assert_eq!(out, b"one\ntwo\nthr");
}

#[test]
fn a_key_that_has_begun_waits_and_a_word_about_secrets_does_not() {
    let redaction = redaction();
    let key = private_key(9, 4);
    let (begun, rest) = key.split_at(key.len() / 2);
    let (mut redactor, mut out) = (redaction.redactor(None), Vec::new());
    redactor.push(b"password check failed\n");
    redactor.release(Release::Aged(redactor.received()), &mut out);
    redactor.push(begun.as_bytes());
    redactor.release(Release::Aged(redactor.received()), &mut out);
    assert_eq!(out.as_bstr(), "password check failed\n");
    redactor.push(rest.as_bytes());
    redactor.push(b"done\n");
    redactor.release(Release::Aged(redactor.received()), &mut out);
    let name = ["PRIVATE", "KEY"].join(" ");
    let whole =
        format!("password check failed\n-----BEGIN {name}-----[private-key]-----END {name}-----\ndone\n");
    assert_eq!(out.as_bstr(), whole.as_str());
    let about = ["see -----BEGIN", "PRIVATE KEY----- in the log\n"].join(" ");
    let lines = "and so on\n".repeat(8);
    redactor.push(about.as_bytes());
    redactor.push(lines.as_bytes());
    out.clear();
    redactor.release(Release::Aged(redactor.received()), &mut out);
    assert_eq!(out.as_bstr(), format!("{about}{lines}").as_str());
}

#[test]
fn marks_must_not_need_escapes() {
    assert!(Mark::text("***").is_ok() && Mark::text("[gone]").is_ok());
    assert!(["a\"b", "a\\b", "a\nb", "\u{1b}[0m"].iter().all(|text| Mark::text(text).is_err()));
}
