//! Every rule's tokens as files carry them: what is found on a line of its own is found behind an escape, in a colour, in a
//! record of a database.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::sample::{Random, example};
use crate::{Detector, Match, carrier, resolve_overlaps};
use keysieve_model::chunk::Chunk;
use keysieve_model::location::ByteSpan;
use keysieve_model::provenance::Provenance;
use keysieve_rules::{Rule, RuleId, RuleSet};

/// A format, and a text in it that holds a token.
type Carrier = (&'static str, fn(&str) -> Vec<u8>);

const CARRIERS: &[Carrier] = &[
    ("JSON, a line", |token| json(&format!("rotated\n{token}\ndone"))),
    ("JSON, a column", |token| json(&format!("bob\t{token}\tadmin"))),
    ("JSON, a line of Windows", |token| json(&format!("[x]\r\n{token}\r\n"))),
    ("JSON in JSON", |token| json(&text(json(&format!("a\n{token}\nb"))))),
    ("JSON in JSON in JSON", |token| json(&text(json(&text(json(&format!("a\n{token}\nb"))))))),
    ("JSON, escaped signs", |token| format!(r#"{{"html":"a\u0026{token}\u0022"}}"#).into_bytes()),
    ("YAML, quoted", |token| format!("note: \"first\\n{token}\\nlast\"\n").into_bytes()),
    ("YAML, a block", |token| format!("note: |\n  first\n  {token}\n  last\n").into_bytes()),
    ("TOML", |token| format!("note = \"first\\t{token}\\tlast\"\n").into_bytes()),
    ("URL", |token| format!("GET /log?text=first%0A{}%0Alast HTTP/1.1\n", percent(token)).into_bytes()),
    ("URL in a URL", |token| {
        format!("GET /?to=%2Flog%3Ftext%253D{}%2526x%3D1 HTTP/1.1\n", percent(&percent(token))).into_bytes()
    }),
    ("form", |token| format!("note=use%20{}%20today&x=1", percent(token)).into_bytes()),
    ("XML, numbers", |token| format!("<entry>first&#10;{}&#x0a;last</entry>", entities(token)).into_bytes()),
    ("HTML, quotes", |token| format!("<p data-x=\"&quot;{}&quot;\">x</p>", entities(token)).into_bytes()),
    ("HTML, line breaks", |token| format!("first<br>{}<br/>last", entities(token)).into_bytes()),
    ("spreadsheet cell", |token| format!("<text:p>{}</text:p>", entities(token)).into_bytes()),
    ("quoted-printable, a sign", |token| {
        format!("Use it: x=3D{}=20\n", token.replace('=', "=3D")).into_bytes()
    }),
    ("quoted-printable, a line", |token| {
        format!("See=0A{}=0D=0Abye=3D\n", token.replace('=', "=3D")).into_bytes()
    }),
    ("Python, text", |token| format!("{:?}\n", format!("first\n{token}\nlast")).into_bytes()),
    ("Python, bytes", |token| format!("b'\\x00{token}\\x00'\n").into_bytes()),
    ("SQL dump", |token| format!("INSERT INTO t VALUES (1,'first\\n{token}\\nlast',0);\n").into_bytes()),
    ("SQL columns", |token| format!("1\tbob\t{token}\t\\N\n").into_bytes()),
    ("CSV", |token| format!("1,bob,\"{token}\",x\n").into_bytes()),
    ("colours", |token| format!("\x1b[31m{token}\x1b[0m rejected\n").into_bytes()),
    ("colours of a shell", |token| format!("printf '\\033[1;31m{token}\\033[0m'\n").into_bytes()),
    ("colours, short", |token| format!("echo -e '\\e[31m{token}\\e[0m'\n").into_bytes()),
    ("colours, hexadecimal", |token| format!("print('\\x1b[38;5;196m{token}\\x1b[0m')\n").into_bytes()),
    ("colours without their escape", |token| format!("[32m{token}[0m\n").into_bytes()),
    ("docker log", |token| {
        format!("{{\"log\":\"\\u001b[32m{token}\\u001b[0m\\n\",\"stream\":\"stdout\"}}\n").into_bytes()
    }),
    ("compose log", |token| format!("web-1  | {token}\n").into_bytes()),
    ("container log", |token| format!("2026-01-02T03:04:05.000000000Z stdout F {token}\n").into_bytes()),
    ("CI log", |token| format!("2026-01-02T03:04:05.1234567Z {token}\n").into_bytes()),
    ("build log", |token| format!("#5 0.234 {token}\n").into_bytes()),
    ("syslog", |token| format!("Jan  2 03:04:05 host app[1]: first#012{token}#012last\n").into_bytes()),
    ("control characters, shown", |token| format!("first^J{token}^M\n").into_bytes()),
    ("HAR", |token| {
        let body = text(json(&format!("first\n{token}")));
        format!("{{\"postData\":{{\"text\":{}}}}}", text(json(&body))).into_bytes()
    }),
    ("notebook", |token| format!("{{\"source\":[\"x = 1\\n\",\"{token}\\n\"]}}").into_bytes()),
    ("notebook output", |token| format!("{{\"text\":[\"\\u001b[0;31m{token}\\u001b[0m\\n\"]}}").into_bytes()),
    ("Terraform state", |token| {
        format!("{{\"content\":{}}}", text(json(&format!("#!/bin/sh\n{token}\n")))).into_bytes()
    }),
    ("diff", |token| format!("@@ -1,0 +1 @@\n+{token}\n").into_bytes()),
    ("C, octal", |token| format!("puts(\"\\012{token}\\012\");\n").into_bytes()),
    ("C, quotes", |token| format!("puts(\"\\042{token}\\042\");\n").into_bytes()),
    ("hexadecimal escapes", |token| format!("s = \"\\x22{token}\\x22\"\n").into_bytes()),
    ("UTF-16", |token| {
        format!("{{\"log\":\"x\\n{token}\\ny\"}}").bytes().flat_map(|byte| [byte, 0]).collect()
    }),
];

/// Records of a database, in which columns touch, and the length of the next one is a letter.
fn record(token: &str) -> Vec<u8> {
    [b"\0\0\x10\0\x35\x02\x04\x00\x21\x5d\x01github", token.as_bytes(), b"5\x01\x04\0\x21\x5dgitlab\0"]
        .concat()
}

fn json(text: &str) -> Vec<u8> {
    serde_json::to_vec(&text).expect("text is JSON")
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("it was made of text")
}

fn percent(text: &str) -> String {
    let is_kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let written = |byte: u8| {
        if is_kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(written).collect()
}

fn entities(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The secrets that `rule` finds in a text, and the rule that each of them is reported under.
fn found(detector: &mut Detector, text: &[u8], rule: RuleId) -> Vec<(Vec<u8>, Option<RuleId>)> {
    let matches = detector.scan(&Chunk::whole(text, Provenance::Stdin), None).0;
    let reported = resolve_overlaps(detector.rules(), matches.clone());
    let winner = |found: &Match| {
        reported.iter().find(|other| other.span.overlaps(&found.span)).map(|other| other.rule)
    };
    let of_rule = matches.iter().filter(|found| found.rule == rule);
    of_rule.map(|found| (found.secret.expose().to_vec(), winner(found))).collect()
}

/// A token that a rule finds on a line of its own, and the rule that it is reported under.
struct Token {
    rule: RuleId,
    text: String,
    winner: Option<RuleId>,
}

/// Tokens that need nothing around them to be found: of these alone it can be said that a carrier hides them.
fn tokens(detector: &mut Detector, rules: &RuleSet) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (rule, about) in rules.iter() {
        for number in 0..about.all_examples().len().min(2) {
            let sample = example(&mut Random::new(number as u64 + 1), about, number).text;
            let Some((secret, _)) = found(detector, &sample, rule).into_iter().next() else { continue };
            let Ok(text) = String::from_utf8(secret) else { continue };
            if text.bytes().any(|byte| !byte.is_ascii_graphic()) {
                continue;
            }
            let line = format!("first\n{text}\nlast\n");
            let alone = found(detector, line.as_bytes(), rule);
            if let Some((_, winner)) = alone.into_iter().find(|(found, _)| *found == text.as_bytes()) {
                tokens.push(Token { rule, text, winner });
            }
        }
    }
    tokens
}

/// How many tokens of how many are found in each carrier.
type Table = BTreeMap<&'static str, (usize, usize)>;

#[test]
fn a_token_is_found_as_it_is_carried() {
    let rules = Arc::new(keysieve_builtin::rules());
    let mut detector = Detector::new(Arc::clone(&rules));
    let tokens = tokens(&mut detector, &rules);
    assert!(tokens.len() > 350, "only {} tokens", tokens.len());
    let mut table = Table::new();
    let mut missed = Vec::new();
    for token in &tokens {
        for (carrier, write) in CARRIERS {
            let found = found(&mut detector, &write(&token.text), token.rule);
            let is_found = found
                .iter()
                .any(|(secret, winner)| secret == token.text.as_bytes() && *winner == token.winner);
            let (hits, all) = table.entry(carrier).or_default();
            *all += 1;
            *hits += usize::from(is_found);
            if !is_found {
                missed.push(format!("{carrier}: {}", rules.rule(token.rule).id));
            }
        }
    }
    assert!(missed.is_empty(), "{} missed of {table:#?}\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn a_token_that_goes_on_a_word_is_none() {
    let rules = Arc::new(keysieve_builtin::rules());
    let mut detector = Detector::new(Arc::clone(&rules));
    let tokens = tokens(&mut detector, &rules);
    let begin_words = tokens.iter().filter(|token| {
        let rule = rules.rule(token.rule);
        rule.pattern.starts_with(r"\b(?P<secret>") && rule.window.before == 0
    });
    for token in begin_words {
        for word in ["x", "first\nx", "q\\q", "\\x41", "\\u0041", "%41", "=41", "\\101", "[3", "line0A"] {
            let text = format!("{word}{}\n", token.text);
            let found = found(&mut detector, text.as_bytes(), token.rule);
            let is_found = found.iter().any(|(secret, _)| secret == token.text.as_bytes());
            assert!(!is_found, "{}: {text}", rules.rule(token.rule).id);
        }
    }
}

#[test]
fn a_strict_token_is_found_between_the_columns_of_a_record() {
    let rules = Arc::new(keysieve_builtin::rules());
    let mut detector = Detector::new(Arc::clone(&rules));
    let is_strict = |token: &&Token| {
        let rule: &Rule = rules.rule(token.rule);
        let begins = |keyword: &&str| token.text.starts_with(*keyword);
        let longest = rule.keywords.iter().map(AsRef::as_ref).filter(begins).map(str::len).max();
        longest.is_some_and(|length| carrier::is_strict(rule, ByteSpan::new(0, length)))
    };
    let tokens = tokens(&mut detector, &rules);
    let strict: Vec<&Token> = tokens.iter().filter(is_strict).collect();
    assert!(strict.len() > 300, "only {} tokens", strict.len());
    let missed: Vec<&str> = strict
        .iter()
        .filter(|token| {
            // A token of no fixed length may go on with what touches it.
            let found = found(&mut detector, &record(&token.text), token.rule);
            !found.iter().any(|(secret, _)| secret.starts_with(token.text.as_bytes()))
        })
        .map(|token| rules.rule(token.rule).id.as_ref())
        .collect();
    // Of random texts a few read like names of a program.
    assert!(missed.len() * 10 < strict.len(), "{} of {} missed: {missed:#?}", missed.len(), strict.len());
}
