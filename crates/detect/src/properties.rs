//! Detection's contracts as properties of random texts: noise with secrets, keywords, quotes, line ends and zero bytes in it.
//!
//! - The prefilter drops nothing: a slow search without it finds the same.
//! - However a content is cut, its pieces give the matches of the whole.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use regex_automata::meta::{Cache, Regex};
use regex_automata::{Anchored, Input};

use crate::carrier::{self, View};
use crate::checks::{Candidate, evaluate};
use crate::matcher::Patterns;
use crate::sample::encode::{ENCODINGS, Form, PARTIAL_ENCODINGS};
use crate::sample::{Random, example, matching, parse};
use crate::{Detector, Match, Refusal, decode};
use keysieve_model::chunk::{CONTEXT_BYTES, Chunk};
use keysieve_model::finding::Secret;
use keysieve_model::location::{ByteSpan, LineStart};
use keysieve_model::provenance::Provenance;
use keysieve_rules::{Kind, Rule, RuleId, RuleSet, compile};

/// How many random texts the slower properties see; the quicker ones see more. All of them take some ten seconds.
const CASES: u32 = 192;

/// A part of a random text. Rules are named by an index, so that a text shrinks by its parts.
#[derive(Debug, Clone)]
enum Part {
    /// An example of a rule.
    Example(Index, u64),
    /// The same in UTF-16, in the byte order that the flag says.
    Utf16Example(Index, u64, bool),
    /// An example in one of all forms.
    Encoded(Index, u64, Index),
    /// Text that matches a rule's pattern.
    Sample(Index, u64),
    /// The first bytes of an example: a secret that is cut.
    CutExample(Index, u64, Index),
    /// A keyword.
    Keyword(Index, Index),
    /// Characters that matter to patterns.
    Sign(&'static str),
    /// Any bytes.
    Bytes(Vec<u8>),
    /// Words.
    Words(String),
    /// Many characters without a keyword, in lines of 50.
    Filler(usize, Encoding),
}

/// How a filler is written.
#[derive(Debug, Clone, Copy)]
enum Encoding {
    Utf8,
    Utf16 { is_big_endian: bool },
}

fn part() -> impl Strategy<Value = Part> {
    let index = any::<Index>;
    prop_oneof![
        4 => (index(), any::<u64>()).prop_map(|(rule, seed)| Part::Example(rule, seed)),
        2 => (index(), any::<u64>(), any::<bool>()).prop_map(|(rule, seed, big)| Part::Utf16Example(rule, seed, big)),
        3 => (index(), any::<u64>(), index()).prop_map(|(rule, seed, form)| Part::Encoded(rule, seed, form)),
        2 => (index(), any::<u64>()).prop_map(|(rule, seed)| Part::Sample(rule, seed)),
        1 => (index(), any::<u64>(), index()).prop_map(|(rule, seed, end)| Part::CutExample(rule, seed, end)),
        2 => (index(), index()).prop_map(|(rule, keyword)| Part::Keyword(rule, keyword)),
        4 => proptest::sample::select(SIGNS).prop_map(Part::Sign),
        1 => vec(any::<u8>(), 0..24).prop_map(Part::Bytes),
        2 => "[a-zA-Z0-9_ -]{0,24}".prop_map(Part::Words),
    ]
}

const SIGNS: &[&str] = &[
    "\n", "\r\n", "\"", "'", "`", " ", "\t", "=", ": ", " = \"", ",", "_", "-", "/", "+", ".", "&", "#",
    "\\", "\\n", "%", "%3D", "\\x", "\\u0041", "&quot;", "&#", "=\n", "=3D", "' '", "\" + \"", "0x", "==",
    "\0", "\0\0", "a\0", "\0a", "(", ")", "{", "}", "\u{e4}",
];

/// Up to 30 parts.
fn parts() -> impl Strategy<Value = Vec<Part>> {
    vec(part(), 1..30)
}

fn text_of(rules: &RuleSet, parts: &[Part]) -> Vec<u8> {
    let mut text = Vec::new();
    for part in parts {
        write_part(rules, part, &mut text);
    }
    text
}

fn write_part(rules: &RuleSet, part: &Part, text: &mut Vec<u8>) {
    let sampled = |rule: &Index, seed: u64| {
        example(&mut Random::new(seed), rule.get(rules.rules()), seed as usize % 16).text
    };
    match part {
        Part::Example(rule, seed) => text.extend(sampled(rule, *seed)),
        Part::Utf16Example(rule, seed, is_big_endian) => {
            text.extend(utf16(&sampled(rule, *seed), *is_big_endian));
        }
        Part::Encoded(rule, seed, form) => {
            let forms: Vec<&Form> = ENCODINGS.iter().chain(PARTIAL_ENCODINGS).collect();
            text.extend(form.get(&forms).1(&sampled(rule, *seed)));
        }
        Part::Sample(rule, seed) => {
            text.extend(matching(&mut Random::new(*seed), &rule.get(rules.rules()).pattern));
        }
        Part::CutExample(rule, seed, end) => {
            let sample = sampled(rule, *seed);
            text.extend(&sample[..end.index(sample.len())]);
        }
        Part::Keyword(rule, keyword) => {
            text.extend(keyword.get(&rule.get(rules.rules()).keywords).as_bytes());
        }
        Part::Sign(sign) => text.extend(sign.as_bytes()),
        Part::Bytes(bytes) => text.extend(bytes),
        Part::Words(words) => text.extend(words.as_bytes()),
        Part::Filler(length, encoding) => {
            let line = b"all work and no play makes for a dull repository.\n";
            let filler: Vec<u8> = line.iter().copied().cycle().take(*length).collect();
            match encoding {
                Encoding::Utf8 => text.extend(filler),
                Encoding::Utf16 { is_big_endian } => text.extend(utf16(&filler, *is_big_endian)),
            }
        }
    }
}

fn utf16(text: &[u8], is_big_endian: bool) -> Vec<u8> {
    text.iter().flat_map(|&byte| if is_big_endian { [0, byte] } else { [byte, 0] }).collect()
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, max_shrink_iters: 4096, failure_persistence: None, ..ProptestConfig::default() }
}

/// A rule, and where a secret lies.
type Place = (RuleId, ByteSpan);

fn places(matches: &[Match]) -> BTreeSet<Place> {
    matches.iter().map(|found| (found.rule, found.span)).collect()
}

fn scan(detector: &RefCell<Detector>, text: &[u8]) -> Vec<Match> {
    detector.borrow_mut().scan(&Chunk::whole(text, Provenance::Stdin), None).0
}

/// Detection as its contract says it, with no thought of speed: no automaton, and each rule for itself.
struct Reference {
    rules: Vec<(RuleId, Rule, Regex, Cache)>,
    patterns: Patterns,
}

impl Reference {
    fn new(rules: &RuleSet) -> Self {
        let rules = rules.iter().map(|(id, rule)| {
            let regex = compile::searcher(&rule.pattern).expect("built-in patterns compile");
            let cache = regex.create_cache();
            (id, rule.clone(), regex, cache)
        });
        let rules: Vec<_> = rules.collect();
        Self { patterns: Patterns::new(rules.len()), rules }
    }

    /// Looks for each keyword at each position, and runs its rule there.
    fn scan(&mut self, bytes: &[u8]) -> BTreeSet<Place> {
        let mut found = BTreeSet::new();
        for text in texts(bytes) {
            for (id, rule, regex, cache) in &mut self.rules {
                for keyword in rule.keywords.iter() {
                    for start in 0..text.bytes.len() {
                        let keyword = ByteSpan::new(start, start + keyword.len());
                        if holds_keyword(&text.bytes, start, rule, Some(keyword.end - start)) {
                            let outcome = attempt(regex, cache, rule, &text.bytes, keyword);
                            let told = outcome.map_or_else(|refusal| refusal.secret(), Some);
                            let mut keep = |secret| {
                                found.extend(origin(rule, &text, start, secret).map(|span| (*id, span)));
                            };
                            outcome.into_iter().for_each(&mut keep);
                            let mut keep_joined = |(secret, _)| keep(secret);
                            let bytes = &text.bytes;
                            self.patterns.verify_joined(rule, *id, bytes, keyword, told, &mut keep_joined);
                        }
                    }
                }
            }
        }
        found
    }

    /// Runs each anchored rule whose matches have a bounded length at each position, whether or not a keyword lies there.
    fn scan_everywhere(&mut self, bytes: &[u8]) -> BTreeSet<Place> {
        let mut found = BTreeSet::new();
        for text in texts(bytes) {
            for (id, rule, regex, cache) in &mut self.rules {
                let is_bounded = parse(&rule.pattern).properties().maximum_len().is_some();
                if rule.window.before > 0 || !is_bounded {
                    continue;
                }
                let shortest = rule.keywords.iter().map(|keyword| keyword.len()).min().unwrap_or(0);
                for start in 0..text.bytes.len() {
                    let input = Input::new(&*text.bytes).range(start..).anchored(Anchored::Yes);
                    if regex.search_half_with(cache, &input).is_none() {
                        continue;
                    }
                    // Checks of names want to know where the keyword ends; where there is none, any length will do.
                    let held: Vec<usize> = rule
                        .keywords
                        .iter()
                        .map(|keyword| keyword.len())
                        .filter(|&length| holds_keyword(&text.bytes, start, rule, Some(length)))
                        .collect();
                    let lengths = if held.is_empty() { vec![shortest] } else { held };
                    let secrets = lengths.into_iter().filter_map(|length| {
                        let keyword = ByteSpan::new(start, start + length);
                        verify(regex, cache, rule, &text.bytes, keyword)
                    });
                    found.extend(
                        secrets
                            .filter_map(|secret| origin(rule, &text, start, secret))
                            .map(|span| (*id, span)),
                    );
                }
            }
        }
        found
    }
}

/// The content, and what is written in other forms in it.
fn texts(bytes: &[u8]) -> Vec<decode::Text> {
    decode::texts(bytes)
}

/// Where the secret lies in the content, if a provider's rule found it, or the content has it and its keyword in another form
/// than `text`.
fn origin(rule: &Rule, text: &decode::Text, keyword: usize, secret: ByteSpan) -> Option<ByteSpan> {
    let whole = ByteSpan::new(keyword.min(secret.start), secret.end.max(keyword + 1));
    let counts = rule.kind == Kind::Provider || text.is_plain() || !text.is_verbatim(whole);
    counts.then(|| text.origin_span(secret))
}

/// Whether one of the rule's keywords, of the given length, lies at `start`.
fn holds_keyword(bytes: &[u8], start: usize, rule: &Rule, length: Option<usize>) -> bool {
    rule.keywords.iter().any(|keyword| {
        length.is_none_or(|length| length == keyword.len())
            && bytes
                .get(start..start + keyword.len())
                .is_some_and(|there| there.eq_ignore_ascii_case(keyword.as_bytes()))
    })
}

/// The secret that the rule finds at `keyword`, in the text as it is carried.
fn verify(
    regex: &Regex,
    cache: &mut Cache,
    rule: &Rule,
    bytes: &[u8],
    keyword: ByteSpan,
) -> Option<ByteSpan> {
    attempt(regex, cache, rule, bytes, keyword).ok()
}

/// The secret that the rule finds at `keyword` in the text as it is carried, or what the rule says no of as it is written.
fn attempt(
    regex: &Regex,
    cache: &mut Cache,
    rule: &Rule,
    bytes: &[u8],
    keyword: ByteSpan,
) -> Result<ByteSpan, Refusal> {
    let lengths = || compile::secret_lengths(&rule.pattern);
    let in_view = |cache: &mut Cache, view: View| {
        let moved = ByteSpan::new(keyword.start - view.offset, keyword.end - view.offset);
        let secret = attempt_as_it_is(regex, cache, rule, &view.bytes, moved).ok()?;
        Some(ByteSpan::new(secret.start + view.offset, secret.end + view.offset))
    };
    let (sure, doubtful) = carrier::by_certainty(carrier::without_escape(bytes, keyword, rule));
    if let Some(secret) = sure.and_then(|view| in_view(cache, view)) {
        return Ok(secret);
    }
    attempt_as_it_is(regex, cache, rule, bytes, keyword).or_else(|refusal| {
        if let Some(secret) = doubtful.and_then(|view| in_view(cache, view)) {
            return Ok(secret);
        }
        let mut columns =
            carrier::without_columns(bytes, keyword, rule, lengths).filter_map(|view| in_view(cache, view));
        columns.find(|&secret| carrier::is_column(rule, bytes, keyword, secret)).ok_or(refusal)
    })
}

/// The secret that the rule finds at `keyword`, or what it says no of.
fn attempt_as_it_is(
    regex: &Regex,
    cache: &mut Cache,
    rule: &Rule,
    bytes: &[u8],
    keyword: ByteSpan,
) -> Result<ByteSpan, Refusal> {
    let from = keyword.start.saturating_sub(rule.window.before as usize);
    let to = (keyword.end + rule.window.after as usize).min(bytes.len());
    let anchored = if rule.window.before == 0 { Anchored::Yes } else { Anchored::No };
    let mut captures = regex.create_captures();
    regex.search_captures_with(cache, &Input::new(bytes).range(from..to).anchored(anchored), &mut captures);
    let matched = ByteSpan::from(captures.get_match().ok_or(Refusal::NoMatch)?.range());
    let secret = ByteSpan::from(captures.get_group_by_name("secret").ok_or(Refusal::NoMatch)?.range());
    let name = captures.get_group_by_name("name").map(|name| ByteSpan::from(name.range()));
    let candidate = Candidate { rule, bytes, keyword, secret, name, joint: None };
    if !matched.contains(&keyword) {
        return Err(Refusal::NoMatch);
    }
    evaluate(candidate).map(|(secret, _)| secret)
}

#[test]
fn the_prefilter_drops_nothing() {
    let rules = Arc::new(keysieve_builtin::rules());
    let detector = RefCell::new(Detector::new(Arc::clone(&rules)));
    let reference = RefCell::new(Reference::new(&rules));
    proptest!(config(CASES * 2), |(parts in parts())| {
        let text = text_of(&rules, &parts);
        let found = scan(&detector, &text);
        prop_assert_eq!(places(&found), reference.borrow_mut().scan(&text));
    });
}

#[test]
fn no_match_begins_without_a_keyword() {
    let rules = Arc::new(keysieve_builtin::rules());
    let detector = RefCell::new(Detector::new(Arc::clone(&rules)));
    let reference = RefCell::new(Reference::new(&rules));
    // Each rule is run at each byte: that is slow.
    proptest!(config(CASES / 8), |(parts in vec(part(), 1..12))| {
        let text = text_of(&rules, &parts);
        let found = places(&scan(&detector, &text));
        let everywhere = reference.borrow_mut().scan_everywhere(&text);
        let lost: Vec<String> = everywhere
            .difference(&found)
            .map(|(rule, span)| format!("{} at {span:?}", rules.rule(*rule).id))
            .collect();
        prop_assert!(lost.is_empty(), "lost: {:?} in {:?}", lost, bstr::BStr::new(&text));
    });
}

/// Scans `content` in pieces that end at `cuts`, each with the context that sources give them, and puts what they found
/// together again.
fn scan_cut(detector: &RefCell<Detector>, content: &[u8], cuts: &[usize]) -> Vec<Match> {
    let mut ends: Vec<usize> =
        cuts.iter().map(|&cut| cut.min(content.len())).chain([content.len()]).collect();
    ends.sort_unstable();
    let mut matches = Vec::new();
    let mut own_start = 0usize;
    for own_end in ends {
        let from = own_start.saturating_sub(CONTEXT_BYTES);
        let to = (own_end + CONTEXT_BYTES).min(content.len());
        let piece = Chunk {
            bytes: &content[from..to],
            own: own_start - from..own_end - from,
            start: LineStart::FIRST.advance(&content[..from]),
            provenance: Provenance::Stdin,
            derivation: None,
        };
        let (found, _) = detector.borrow_mut().scan(&piece, None);
        matches.extend(found.into_iter().map(|found| Match {
            span: ByteSpan::new(found.span.start + from, found.span.end + from),
            ..found
        }));
        own_start = own_end;
    }
    // The pieces of two keywords may both find one secret, as one piece does that has both.
    matches.sort_by(|a, b| place(a).cmp(&place(b)));
    matches.dedup_by(|a, b| place(a) == place(b));
    matches
}

/// What tells matches apart: text that is encoded text as well may hold two secrets at one place.
fn place(found: &Match) -> (ByteSpan, RuleId, &Secret) {
    (found.span, found.rule, &found.secret)
}

#[test]
fn a_content_may_be_cut_anywhere() {
    let rules = Arc::new(keysieve_builtin::rules());
    let detector = RefCell::new(Detector::new(Arc::clone(&rules)));
    proptest!(config(CASES * 4), |(parts in parts(), cuts in vec(any::<Index>(), 1..8))| {
        let text = text_of(&rules, &parts);
        let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        prop_assert_eq!(scan_cut(&detector, &text, &cuts), scan(&detector, &text));
    });
}

/// Parts with up to 440 KiB between them, so that the pieces' context ends inside the content.
fn far_apart() -> impl Strategy<Value = Vec<Part>> {
    let encoding = prop_oneof![
        2 => Just(Encoding::Utf8),
        1 => any::<bool>().prop_map(|is_big_endian| Encoding::Utf16 { is_big_endian }),
    ];
    let filler = (0usize..110 * 1024, encoding).prop_map(|(length, encoding)| Part::Filler(length, encoding));
    (vec(part(), 1..6), filler.clone(), vec(part(), 1..6), filler, vec(part(), 1..6)).prop_map(
        |(first, one, second, two, third)| {
            let mut parts = first;
            parts.push(one);
            parts.extend(second);
            parts.push(two);
            parts.extend(third);
            parts
        },
    )
}

#[test]
fn a_large_content_may_be_cut_anywhere() {
    let rules = Arc::new(keysieve_builtin::rules());
    let detector = RefCell::new(Detector::new(Arc::clone(&rules)));
    let cut = (any::<Index>(), 0..4usize, any::<Index>());
    proptest!(config(CASES), |(parts in far_apart(), cuts in vec(cut, 1..4))| {
        let text = text_of(&rules, &parts);
        let whole = scan(&detector, &text);
        // Cuts near what was found are the ones that may hurt, and those a context's length away.
        let near = |(place, kind, offset): &(Index, usize, Index)| {
            let anywhere = offset.index(text.len() + 1);
            let Some(found) = whole.get(place.index(whole.len().max(1))) else {
                return anywhere;
            };
            let nearby = match kind {
                0 => return anywhere,
                1 => found.span.start + 200,
                2 => found.span.start + CONTEXT_BYTES + 200,
                _ => found.span.end.saturating_sub(CONTEXT_BYTES) + 200,
            };
            nearby.saturating_sub(offset.index(400))
        };
        let cuts: Vec<usize> = cuts.iter().map(near).collect();
        prop_assert_eq!(scan_cut(&detector, &text, &cuts), whole);
    });
}

#[test]
fn what_is_settled_stays_whatever_follows() {
    let rules = Arc::new(keysieve_builtin::rules());
    let detector = RefCell::new(Detector::new(Arc::clone(&rules)));
    let filler = (0usize..9000).prop_map(|length| Part::Filler(length, Encoding::Utf8));
    let parts = vec(prop_oneof![6 => part(), 1 => filler], 1..30);
    proptest!(config(CASES * 4), |(parts in parts, cuts in vec(any::<Index>(), 1..8))| {
        let text = text_of(&rules, &parts);
        let whole = scan(&detector, &text);
        for cut in cuts {
            let begun = &text[..cut.index(text.len() + 1)];
            let (matches, memo) = detector.borrow_mut().scan(&Chunk::whole(begun, Provenance::Stdin), None);
            let settled = detector.borrow().settled(begun, &memo);
            let of = |matches: &[Match]| -> Vec<_> {
                let touching = matches.iter().filter(|found| found.span.start < settled);
                touching.map(|found| (found.rule, found.span, found.evidence.clone())).collect()
            };
            prop_assert_eq!(of(&matches), of(&whole), "settled {} of {}", settled, begun.len());
        }
    });
}
