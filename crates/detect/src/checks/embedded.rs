//! Tokens that hold what can be decoded: a JSON object, a macaroon, a user's id, a key of a fixed form.

use base64::Engine as _;
use base64::alphabet::{self, Alphabet};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// How a JSON object begins in base64: `{"`.
const OBJECT_START: &[u8] = b"eyJ";
/// Length of a Curve25519 key, in bytes.
const CURVE25519_BYTES: usize = 32;
/// Length of a macaroon's signature, in bytes: HMAC-SHA256.
const SIGNATURE_BYTES: usize = 32;

/// Whether a JSON object that is not empty begins in `token` with `eyJ` and ends where base64 does.
pub(crate) fn holds_json(token: &[u8]) -> bool {
    let Some(start) = memchr::memmem::find(token, OBJECT_START) else {
        return false;
    };
    [(STANDARD, &alphabet::STANDARD), (URL_SAFE, &alphabet::URL_SAFE)].iter().any(|(engine, alphabet)| {
        let run = leading_run(&token[start..], alphabet);
        let decoded = engine.decode(run).ok().and_then(|json| serde_json::from_slice(&json).ok());
        matches!(decoded, Some(Value::Object(object)) if !object.is_empty())
    })
}

/// The characters of `text` up to the first that is neither of the alphabet nor padding.
fn leading_run<'a>(text: &'a [u8], alphabet: &Alphabet) -> &'a [u8] {
    let characters = alphabet.as_str().as_bytes();
    let end = text.iter().position(|byte| *byte != b'=' && !characters.contains(byte));
    &text[..end.unwrap_or(text.len())]
}

/// Whether what follows the first `-` of `token` is a macaroon of version 2 with a place, an identifier, caveats and a
/// signature: <https://github.com/rescrv/libmacaroons/blob/master/doc/format.txt>.
pub(crate) fn is_pypi_macaroon(token: &[u8]) -> bool {
    let body = token.splitn(2, |&byte| byte == b'-').nth(1).unwrap_or_default();
    URL_SAFE.decode(body).is_ok_and(|macaroon| is_macaroon(&macaroon).is_some())
}

fn is_macaroon(macaroon: &[u8]) -> Option<()> {
    const END: u8 = 0;
    const PLACE: u8 = 1;
    const IDENTIFIER: u8 = 2;
    const SIGNATURE: u8 = 6;
    let rest = macaroon.strip_prefix(&[2])?;
    let rest = field(field(rest, PLACE)?, IDENTIFIER)?;
    let mut rest = rest.strip_prefix(&[END])?;
    while rest.first() != Some(&END) {
        rest = field(rest, IDENTIFIER)?.strip_prefix(&[END])?;
    }
    let signature = rest.strip_prefix(&[END, SIGNATURE])?;
    (signature.len() == 1 + SIGNATURE_BYTES && usize::from(signature[0]) == SIGNATURE_BYTES).then_some(())
}

/// What follows the field of this kind: its kind, its length in groups of seven bits, its bytes.
fn field(bytes: &[u8], kind: u8) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(&[kind])?;
    let (&low, rest) = rest.split_first()?;
    if low < 0x80 {
        return rest.get(usize::from(low)..);
    }
    let (&high, rest) = rest.split_first()?;
    rest.get(usize::from(low & 0x7f) | usize::from(high & 0x7f) << 7..)
}

/// Whether `encoded` is a Curve25519 private key in base64: the lowest three bits and the two highest are fixed, as
/// `wg genkey` writes them (<https://www.rfc-editor.org/rfc/rfc7748#section-5>).
pub(crate) fn is_curve25519_key(encoded: &[u8]) -> bool {
    STANDARD.decode(encoded).is_ok_and(|key| {
        key.len() == CURVE25519_BYTES
            && key[0] & 0b111 == 0
            && key[CURVE25519_BYTES - 1] & 0b1100_0000 == 0b0100_0000
    })
}

/// Whether the first part of `token` is a Discord user's id in base64: a number of 17 to 20 digits
/// (<https://discord.com/developers/docs/reference#snowflakes>).
pub(crate) fn is_discord_token(token: &[u8]) -> bool {
    let id = token.split(|&byte| byte == b'.').next().unwrap_or_default();
    URL_SAFE.decode(id).is_ok_and(|id| (17..=20).contains(&id.len()) && id.iter().all(u8::is_ascii_digit))
}

/// Whether `phrase` may be the words of a wallet's mnemonic: as many as one has, and none that other texts are full of and the list of
/// words has not (<https://github.com/bitcoin/bips/blob/master/bip-0039/english.txt>).
pub(crate) fn is_mnemonic(phrase: &[u8]) -> bool {
    const OTHERS: &[&[u8]] = &[
        b"the", b"and", b"your", b"please", b"here", b"for", b"with", b"from", b"not", b"are", b"was",
        b"has", b"mov", b"mul", b"div", b"xor",
    ];
    let words = phrase.split(|&byte| byte == b' ');
    matches!(words.clone().count(), 12 | 15 | 18 | 21 | 24)
        && words.clone().all(|word| (3..=8).contains(&word.len()) && !OTHERS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_found_behind_a_prefix_and_before_a_rest() {
        let json = STANDARD.encode(r#"{"iat":1700000000.5,"org":"a??>b"}"#);
        for token in [format!("x_{json}"), format!("x_{json}_c2lnbmF0dXJl"), format!("pk.{json}.abc")] {
            assert!(holds_json(token.as_bytes()), "{token}");
        }
        assert!(holds_json(URL_SAFE.encode(r#"{"org":"a??>b"}"#).as_bytes()));
        assert!(!holds_json(&json.as_bytes()[..json.len() - 8]), "cut");
        assert!(!holds_json(STANDARD.encode("{}").as_bytes()) && !holds_json(b"eyJub3QganNvbg"));
    }

    fn macaroon(caveats: &[&[u8]]) -> Vec<u8> {
        let place: &[u8] = b"\x02\x01\x08pypi.org\x02\x040123\0";
        let caveats = caveats.iter().flat_map(|caveat| [&[2, caveat.len() as u8][..], caveat, &[0]].concat());
        place.iter().copied().chain(caveats).chain([0, 6, 32]).chain([7; 32]).collect()
    }

    #[test]
    fn macaroons_are_whole() {
        let token = |macaroon: &[u8]| ["pypi-", &URL_SAFE.encode(macaroon)].concat();
        for caveats in [&[][..], &[b"[1]".as_slice()], &[b"[1]".as_slice(), b"[2, 3]"]] {
            assert!(is_pypi_macaroon(token(&macaroon(caveats)).as_bytes()));
        }
        let whole = macaroon(&[b"[1]"]);
        assert!(!is_pypi_macaroon(token(&whole[..whole.len() - 1]).as_bytes()), "cut");
        assert!(!is_pypi_macaroon(b"pypi-") && !is_pypi_macaroon(b"pypi"));
    }

    #[test]
    fn curve25519_keys_have_fixed_bits() {
        let mut key = [0x58; 32];
        assert!(is_curve25519_key(STANDARD.encode(key).as_bytes()));
        key[31] = 0xff;
        assert!(!is_curve25519_key(STANDARD.encode(key).as_bytes()));
        assert!(!is_curve25519_key(STANDARD.encode([0x58; 31]).as_bytes()));
    }

    #[test]
    fn discord_tokens_begin_with_an_id() {
        let token = |id: &str| format!("{}.Gabcde.{}", URL_SAFE.encode(id), "x".repeat(38));
        assert!(is_discord_token(token("175928847299117063").as_bytes()));
        assert!(!is_discord_token(token("17592884x299117063").as_bytes()));
        assert!(!is_discord_token(token("1759").as_bytes()));
    }
}
