//! Made-up secrets: texts sampled from the regular expressions in rules and in their examples. The same seed gives the same
//! text on every system.

pub mod encode;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::checks::checksum;
use keysieve_model::location::ByteSpan;
use keysieve_rules::{Check, Rule};

/// How many more than the least number of repetitions an unbounded one gets at most.
const UNBOUNDED_EXTRA: u32 = 8;

/// SplitMix64: <https://prng.di.unimi.it/splitmix64.c>.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// Begins at this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }

    /// Any byte.
    pub fn byte(&mut self) -> u8 {
        (self.next() >> 56) as u8
    }
}

/// A template with its parts filled in.
#[derive(Debug)]
pub struct Filled {
    /// The text.
    pub text: Vec<u8>,
    /// Where the sampled parts lie.
    pub sampled: Vec<ByteSpan>,
}

/// One example of `rule`, taken in turn by `number`; its pattern where it has none.
pub fn example(random: &mut Random, rule: &Rule, number: usize) -> Filled {
    let examples = rule.all_examples();
    if let Some(example) = examples.get(number % examples.len().max(1)) {
        return fill(random, example, Some(rule));
    }
    let text = seal(rule, &matching(random, &rule.pattern));
    let whole = ByteSpan::new(0, text.len());
    Filled { text, sampled: vec![whole] }
}

/// `template` with each `<<...>>` replaced: by a text that matches the expression inside, or by a text of the structure that
/// is named there (see [`structured`]). With a `rule`, sampled tokens get the checksum that it asks for.
pub fn fill(random: &mut Random, template: &str, rule: Option<&Rule>) -> Filled {
    let mut filled = Filled { text: Vec::new(), sampled: Vec::new() };
    let mut rest = template;
    while let Some((before, (inside, after))) =
        rest.split_once("<<").and_then(|(before, rest)| Some((before, rest.split_once(">>")?)))
    {
        filled.text.extend(before.as_bytes());
        let start = filled.text.len();
        let sampled = structured(random, inside).unwrap_or_else(|| matching(random, inside));
        filled.text.extend(match rule {
            Some(rule) => seal(rule, &sampled),
            None => sampled,
        });
        filled.sampled.push(ByteSpan::new(start, filled.text.len()));
        rest = after;
    }
    filled.text.extend(rest.as_bytes());
    filled
}

/// A text that matches `pattern`, look-arounds aside.
pub fn matching(random: &mut Random, pattern: &str) -> Vec<u8> {
    let mut text = Vec::new();
    write(random, &parse(pattern), &mut text);
    text
}

/// The expression of `pattern`, as the engine reads it.
pub fn parse(pattern: &str) -> Hir {
    try_parse(pattern).expect("rules and their examples hold valid expressions, see `check`")
}

fn try_parse(pattern: &str) -> Result<Hir, String> {
    let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
    parser.parse(pattern).map_err(|error| error.to_string())
}

/// Whether texts can be sampled from an example.
///
/// # Errors
///
/// What is wrong with it.
pub fn check(template: &str) -> Result<(), String> {
    let mut rest = template;
    while let Some((_, after)) = rest.split_once("<<") {
        let (inside, after) = after.split_once(">>").ok_or("`<<` without `>>`")?;
        match inside.split_once(':').map_or(inside, |(name, _)| name) {
            "jwt" | "base64" | "base64url" => {
                check_pattern(inside.split_once(':').map_or("", |(_, argument)| argument))?;
            }
            "basic" | "pem" | "encrypted-pem" | "macaroon" | "curve25519" => {}
            _ => check_pattern(inside)?,
        }
        rest = after;
    }
    Ok(())
}

/// Whether texts can be sampled from a pattern; see [`check`].
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    let hir = try_parse(pattern)?;
    let mut next = vec![&hir];
    while let Some(hir) = next.pop() {
        match hir.kind() {
            HirKind::Class(Class::Unicode(_)) => {
                return Err("it asks for Unicode; patterns see bytes".to_owned());
            }
            HirKind::Class(Class::Bytes(class)) if class.ranges().is_empty() => {
                return Err("a class in it matches nothing".to_owned());
            }
            HirKind::Repetition(repetition) => next.push(&repetition.sub),
            HirKind::Capture(capture) => next.push(&capture.sub),
            HirKind::Concat(parts) | HirKind::Alternation(parts) => next.extend(parts),
            HirKind::Empty | HirKind::Look(_) | HirKind::Literal(_) | HirKind::Class(_) => {}
        }
    }
    Ok(())
}

fn write(random: &mut Random, hir: &Hir, text: &mut Vec<u8>) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.extend(&*literal.0),
        HirKind::Class(class) => text.push(member(random, class)),
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(repetition.min + UNBOUNDED_EXTRA);
            let more = random.below((most - repetition.min) as usize + 1);
            for _ in 0..repetition.min as usize + more {
                write(random, &repetition.sub, text);
            }
        }
        HirKind::Capture(capture) => write(random, &capture.sub, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(random, part, text)),
        HirKind::Alternation(parts) => {
            let part = random.below(parts.len());
            write(random, &parts[part], text);
        }
    }
}

/// A member of `class`, a printable ASCII character where it has one.
fn member(random: &mut Random, class: &Class) -> u8 {
    let Class::Bytes(class) = class else {
        unreachable!("without Unicode, classes are of bytes");
    };
    let all: Vec<u8> = class.ranges().iter().flat_map(|range| range.start()..=range.end()).collect();
    let printable: Vec<u8> = all.iter().copied().filter(|byte| (b' '..=b'~').contains(byte)).collect();
    let members = if printable.is_empty() { all } else { printable };
    members[random.below(members.len())]
}

fn seal(rule: &Rule, token: &[u8]) -> Vec<u8> {
    let checksum = rule.checks.iter().find_map(|check| match check {
        Check::Checksum(checksum) => Some(*checksum),
        _ => None,
    });
    checksum.map_or_else(|| token.to_vec(), |checksum| checksum::seal(checksum, token))
}

/// A text of the structure that `name` names:
///
/// - `jwt`: a JSON web token; `jwt:EXPRESSION` one whose claims match the expression
/// - `basic`: user and password in base64
/// - `base64:EXPRESSION`, `base64url:EXPRESSION`: a text that matches the expression, in base64
/// - `pem:LABEL `, `encrypted-pem:LABEL `: a private key; the label stands in front of `PRIVATE KEY`
/// - `macaroon:PLACE`: a macaroon as PyPI makes them
/// - `curve25519`: a private key of WireGuard
fn structured(random: &mut Random, name: &str) -> Option<Vec<u8>> {
    let (name, argument) = name.split_once(':').unwrap_or((name, ""));
    Some(match name {
        "jwt" if argument.is_empty() => json_web_token(random, r#"\{"sub":"[0-9]{10}","iat":1700000000\}"#),
        "jwt" => json_web_token(random, argument),
        "basic" => basic_credentials(random),
        "base64" => STANDARD.encode(matching(random, argument)).into_bytes(),
        "base64url" => URL_SAFE_NO_PAD.encode(matching(random, argument)).into_bytes(),
        "pem" => private_key(random, argument, false),
        "encrypted-pem" => private_key(random, argument, true),
        "macaroon" => macaroon(random, argument),
        "curve25519" => curve25519_key(random),
        _ => return None,
    })
}

fn json_web_token(random: &mut Random, claims: &str) -> Vec<u8> {
    let parts = [
        URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#),
        URL_SAFE_NO_PAD.encode(matching(random, claims)),
        String::from_utf8_lossy(&matching(random, "[A-Za-z0-9_-]{43}")).into_owned(),
    ];
    parts.join(".").into_bytes()
}

fn basic_credentials(random: &mut Random) -> Vec<u8> {
    STANDARD.encode(matching(random, "[a-z]{4,9}:[A-Za-z0-9!#]{8,16}")).into_bytes()
}

fn macaroon(random: &mut Random, place: &str) -> Vec<u8> {
    let identifier = matching(random, "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}");
    let caveat =
        matching(random, r#"\[3, "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"\]"#);
    let field = |kind: u8, bytes: &[u8]| [&[kind, bytes.len() as u8], bytes].concat();
    let signature: Vec<u8> = (0..32).map(|_| random.byte()).collect();
    let end = vec![0];
    let parts = [
        vec![2],
        field(1, place.as_bytes()),
        field(2, &identifier),
        end.clone(),
        field(2, &caveat),
        end.clone(),
        end,
        field(6, &signature),
    ];
    URL_SAFE_NO_PAD.encode(parts.concat()).into_bytes()
}

fn curve25519_key(random: &mut Random) -> Vec<u8> {
    let mut key: Vec<u8> = (0..32).map(|_| random.byte()).collect();
    key[0] &= 0b1111_1000;
    key[31] = key[31] & 0b0111_1111 | 0b0100_0000;
    STANDARD.encode(key).into_bytes()
}

/// A whole private key in PEM; `label` is what stands in front of `PRIVATE KEY`.
fn private_key(random: &mut Random, label: &str, is_encrypted: bool) -> Vec<u8> {
    let mut bytes = |length: usize| -> Vec<u8> { (0..length).map(|_| random.byte()).collect() };
    let (key, is_pgp) = match label {
        "OPENSSH " => {
            let cipher: &[u8] = if is_encrypted { b"aes256-ctr" } else { b"none" };
            let head = b"openssh-key-v1\0\0\0\0";
            ([head.as_slice(), &[cipher.len() as u8], cipher, &bytes(300)].concat(), false)
        }
        "PGP " => {
            // An EdDSA key of version 4: its curve, its point, how the secret is encrypted.
            let curve = [9, 0x2b, 6, 1, 4, 1, 0xda, 0x47, 0x0f, 1];
            let usage = if is_encrypted { 254 } else { 0 };
            let point = [&[1, 7, 0x40][..], &bytes(32)].concat();
            let body = [&[4][..], &bytes(4), &[22], &curve, &point, &[usage], &bytes(36)].concat();
            ([&[0x94, body.len() as u8][..], &body].concat(), true)
        }
        _ => {
            // Lengths of one, two and three bytes, as elliptic curves and RSA keys have them.
            let length = [110, 200, 1190][usize::from(bytes(1)[0]) % 3];
            let [high, low] = (length as u16).to_be_bytes();
            let header: &[u8] = match length {
                110 => &[0x30, low],
                200 => &[0x30, 0x81, low],
                _ => &[0x30, 0x82, high, low],
            };
            // An encrypted key begins with its algorithm, any other with a version.
            let start: &[u8] = if is_encrypted { &[0x30, 0x57, 6] } else { &[2, 1, 0] };
            ([header, start, &bytes(length - start.len())].concat(), false)
        }
    };
    let block = if is_pgp { " BLOCK" } else { "" };
    let body = STANDARD.encode(key);
    let mut lines = vec![["-----", "BEGIN ", label, "PRIVATE KEY", block, "-----"].concat()];
    if is_pgp {
        lines.push(String::new());
    }
    lines.extend(body.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()));
    lines.push(["-----", "END ", label, "PRIVATE KEY", block, "-----"].concat());
    lines.join("\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_match_their_expression() {
        let pattern = r"(?i)(?:ab|cd)[_-]?[0-9]{2,4}x+(?P<secret>[^\s]{3})\s";
        let regex =
            keysieve_rules::compile::searcher(&format!("^(?:{pattern})$")).expect("a valid expression");
        let mut random = Random::new(1);
        for _ in 0..200 {
            let text = matching(&mut random, pattern);
            assert!(regex.is_match(&text), "{}", String::from_utf8_lossy(&text));
        }
        assert_eq!(matching(&mut Random::new(7), pattern), matching(&mut Random::new(7), pattern));
    }

    #[test]
    fn templates_say_where_their_samples_lie() {
        let filled = fill(&mut Random::new(3), "key = '<<[a-f]{8}>>', <<x>>", None);
        let parts: Vec<&[u8]> = filled.sampled.iter().map(|span| span.of(&filled.text)).collect();
        assert_eq!(parts[0].len(), 8);
        assert_eq!(parts[1], b"x");
        assert!(filled.text.starts_with(b"key = '") && filled.text.ends_with(b"', x"));
    }

    #[test]
    fn what_nothing_can_be_sampled_from_is_refused() {
        for template in ["<<a", "<<(>>", "<<[^\\x00-\\xff]>>", "<<(?u:\\pL)>>", "<<base64:[>>"] {
            assert!(check(template).is_err(), "{template}");
        }
        for template in ["plain", "a <<[0-9]{3}>> b <<jwt>>", "<<pem:RSA >>"] {
            assert_eq!(check(template), Ok(()), "{template}");
        }
    }
}
