//! Checks: what a match has to pass before it counts. Which ones a rule asks for is data in the rule.

pub(crate) mod aws;
pub(crate) mod basic;
pub(crate) mod checksum;
pub(crate) mod embedded;
pub(crate) mod entropy;
pub(crate) mod jwt;
pub(crate) mod literal;
pub(crate) mod name;
pub(crate) mod named;
pub(crate) mod pem;
pub(crate) mod placeholder;
pub(crate) mod url;

use crate::location::ByteSpan;
use crate::rules::{Check, Kind, Rule, Structure};

use super::{Composition, Evidence, Shape};

/// How far beyond a rule's window its checks may look, in bytes: `\b` one byte, names and neighbourhoods 64.
pub(crate) const MARGIN_BYTES: usize = 65;
/// How many bytes on each side say whether a match lies in text.
const NEIGHBOURHOOD_BYTES: usize = 64;

/// A match before its checks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) rule: &'a Rule,
    /// The text that was searched.
    pub(crate) bytes: &'a [u8],
    /// Where the keyword lies in it.
    pub(crate) keyword: ByteSpan,
    /// Where the secret lies in it.
    pub(crate) secret: ByteSpan,
}

impl<'a> Candidate<'a> {
    /// The secret's bytes.
    pub(crate) fn value(&self) -> &'a [u8] {
        self.secret.of(self.bytes)
    }

    /// The secret without the prefix that every such secret has.
    pub(crate) fn body(&self) -> &'a [u8] {
        let value = self.value();
        &value[public_prefix_length(self.rule, value)..]
    }

    fn byte_before(&self) -> Option<u8> {
        self.secret.start.checked_sub(1).and_then(|at| self.bytes.get(at)).copied()
    }
}

/// The length in bytes of the public prefix of `value`: the longest keyword of its rule with which it begins.
pub(crate) fn public_prefix_length(rule: &Rule, value: &[u8]) -> usize {
    if rule.kind == Kind::Generic {
        return 0;
    }
    let begins_with = |keyword: &str| {
        value.get(..keyword.len()).is_some_and(|start| start.eq_ignore_ascii_case(keyword.as_bytes()))
    };
    rule.keywords
        .iter()
        .filter(|keyword| begins_with(keyword))
        .map(|keyword| keyword.len())
        .max()
        .unwrap_or(0)
}

/// Runs the rule's checks, cheap ones first. `None` where one says no.
pub(crate) fn evaluate(candidate: &Candidate<'_>) -> Option<Evidence> {
    let value = candidate.value();
    let mut note = None;
    for check in candidate.rule.checks.iter() {
        let passed = match check {
            Check::SecretName => name::names_a_secret(candidate.bytes, candidate.keyword),
            Check::Literal => literal::is_literal(value),
            Check::UrlPassword => url::is_password(candidate.bytes, candidate.keyword, candidate.secret),
            Check::Mixed => value.iter().any(u8::is_ascii_alphabetic) && value.iter().any(u8::is_ascii_digit),
            Check::Entropy { alphabet, min_bits } => {
                entropy::is_within(*alphabet, candidate.body())
                    && entropy::bits(candidate.body()) >= *min_bits
            }
            Check::Checksum(checksum) => checksum::holds(*checksum, value),
            Check::ProviderName => {
                named::names_a_secret(candidate.bytes, candidate.keyword.start, candidate.secret.start)
            }
            Check::Structure(Structure::Jwt) => {
                note = jwt::note(value);
                jwt::is_token(value)
            }
            Check::Structure(Structure::Pem) => pem::is_private_key(value),
            Check::Structure(Structure::EncryptedPem) => {
                note = Some("protected by a passphrase".to_owned());
                pem::is_encrypted_key(value)
            }
            Check::Structure(Structure::Json) => embedded::holds_json(value),
            Check::Structure(Structure::PypiMacaroon) => embedded::is_pypi_macaroon(value),
            Check::Structure(Structure::Curve25519Key) => embedded::is_curve25519_key(value),
            Check::Structure(Structure::DiscordToken) => embedded::is_discord_token(value),
            Check::Structure(Structure::BasicCredentials) => basic::is_credentials(value),
            Check::Structure(Structure::AwsKeyId) => {
                note = aws::account_id(value).map(|account| format!("AWS account {account:012}"));
                aws::is_key_id(value)
            }
        };
        if !passed {
            return None;
        }
    }
    if placeholder::is_placeholder(candidate.body(), candidate.rule.kind) {
        return None;
    }
    Some(Evidence {
        shape: shape(candidate),
        composition: composition(value),
        entropy: entropy::bits(candidate.body()),
        names_itself: name::mentions_secrets(value),
        binary: is_binary(candidate),
        note,
    })
}

fn shape(candidate: &Candidate<'_>) -> Shape {
    match candidate.byte_before() {
        Some(b'"' | b'\'' | b'`') => Shape::Quoted,
        _ if candidate.rule.checks.contains(&Check::UrlPassword) => Shape::Url,
        _ => Shape::Bare,
    }
}

fn composition(value: &[u8]) -> Composition {
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    let digits = value.iter().any(u8::is_ascii_digit);
    let others = value.iter().any(|byte| !byte.is_ascii_alphanumeric() && !b"_-. ".contains(byte));
    match (letters, digits, others) {
        (true, false, false) => Composition::Letters,
        (false, true, false) => Composition::Digits,
        _ => Composition::Mixed,
    }
}

fn is_binary(candidate: &Candidate<'_>) -> bool {
    let start = candidate.keyword.start.min(candidate.secret.start).saturating_sub(NEIGHBOURHOOD_BYTES);
    let end = (candidate.secret.end + NEIGHBOURHOOD_BYTES).min(candidate.bytes.len());
    candidate.bytes[start..end].contains(&0)
}
