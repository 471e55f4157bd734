//! Values that may be published by design: what is encrypted already, and what everybody may have. One notion for rules and for the
//! values of environment files.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use keysieve_model::location::ByteSpan;

use super::name::Subject;
use super::words::words;
use super::{Candidate, MARGIN_BYTES, jwt};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Marks of programs that encrypt, in small letters, as they stand in front of a value, with a version or without:
/// `encrypted:`, `enc:v1:`, `<enc-v1>`, `{cipher}`, `ENC[`.
const MARKS: &[&str] = &[
    "aes",
    "age",
    "cipher",
    "ciphertext",
    "crypted",
    "crypt",
    "enc",
    "encrypted",
    "gpg",
    "kms",
    "pgp",
    "pkcs7",
    "sealed",
    "sops",
    "vault",
];
/// The shortest text behind such a mark, in bytes.
const MIN_MARKED_BYTES: usize = 12;
/// What ciphertexts of key services begin with, in base64: AWS KMS, Google Cloud KMS.
const SERVICE_STARTS: &[&[u8]] = &[b"AQICAH", b"AQECAH", b"CiQA", b"CiUA"];
/// The shortest ciphertext of such a service, in bytes: a key's id, a header and a few bytes.
const MIN_SERVICE_BYTES: usize = 100;
/// What Windows' data protection writes in front: a version and a provider's GUID, in hex and in base64.
const DPAPI_STARTS: &[&[u8]] = &[b"01000000d08c9ddf0115d1118c7a00c04fc297eb", b"AQAAANCMnd8BFdERjHoAwE/Cl+s"];
/// The length of a session key that is encrypted with an RSA key of 4,096 bits, in bytes, which a sealed secret begins with.
const SEALED_KEY_BYTES: [u8; 2] = [2, 0];
const MIN_SEALED_BYTES: usize = 400;
/// Length of an uncompressed point of the curve P-256, in bytes, and its first byte.
const POINT_BYTES: usize = 65;
const UNCOMPRESSED: u8 = 4;
/// How far around a secret is looked for what says that it is public, in bytes.
const NEARBY_BYTES: usize = 120;
const _: () = assert!(NEARBY_BYTES <= MARGIN_BYTES);
/// The length of an OpenPGP fingerprint and of a long key id, in digits.
const FINGERPRINT_DIGITS: usize = 40;
const KEY_ID_DIGITS: usize = 16;

/// Whether `value` is encrypted, as its form says: whoever reads it needs a key that is elsewhere.
pub fn is_encrypted(value: &[u8]) -> bool {
    is_marked_as_encrypted(value)
        || is_bitwarden_cipher(value)
        || is_jenkins_secret(value)
        || is_rails_cipher(value)
        || is_laravel_payload(value)
        || is_sealed_secret(value)
        || (value.len() >= MIN_SERVICE_BYTES && SERVICE_STARTS.iter().any(|start| value.starts_with(start)))
        || DPAPI_STARTS.iter().any(|start| value.starts_with(start))
        || value.starts_with(b"$ANSIBLE_VAULT;")
        || value.starts_with(b"age-encryption.org/")
}

/// Whether everybody may have `value`, as it says itself: a token for anonymous users, one that documentation publishes, one that was
/// over minutes after it was made, a public key.
pub fn is_public(value: &[u8]) -> bool {
    jwt::is_public(value) || is_public_point(value)
}

/// Whether `name` names a key that browsers are given on purpose, by the service that makes it.
pub fn is_public_name(name: &[u8]) -> bool {
    let has = |known: &str| words(name).any(|word| word.eq_ignore_ascii_case(known.as_bytes()));
    (has("algolia") || has("docsearch")) && (has("search") || name_holds(name, b"searchonly"))
}

/// Whether what stands around the candidate says that its value is public: the settings of a web application, the address of a file,
/// the fingerprint of a key.
pub(super) fn is_public_there(candidate: &Candidate<'_>, subject: Option<Subject>) -> bool {
    is_web_key(candidate)
        || is_search_key(candidate)
        || is_download_token(candidate)
        || is_openpgp_id(candidate, subject)
}

/// `encrypted:BDq...`, `enc:v2:...`, `<enc-v1>...`, `{cipher}...`, `ENC[...]`, `vault:v1:...`.
fn is_marked_as_encrypted(value: &[u8]) -> bool {
    let opened = value.strip_prefix(b"<").or_else(|| value.strip_prefix(b"{")).unwrap_or(value);
    let letters = opened.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    // `aes256` is `aes`, `pkcs7` itself.
    let whole = opened[..letters].to_ascii_lowercase();
    let digits = whole.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let is_mark = [&whole[..], &whole[..letters - digits]]
        .iter()
        .any(|mark| MARKS.iter().any(|known| known.as_bytes() == *mark));
    if !is_mark {
        return false;
    }
    let rest = &opened[letters..];
    // A version: `-v1`, `:v1`.
    let rest = match rest {
        [b'-' | b':' | b'_', b'v', digits @ ..] => {
            let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if length > 0 { &digits[length..] } else { rest }
        }
        _ => rest,
    };
    let is_bracketed = opened.len() < value.len();
    let text = match rest {
        [b'>', text @ ..] if is_bracketed && value[0] == b'<' => text,
        [b'}', text @ ..] if is_bracketed && value[0] == b'{' => text,
        [b':', text @ ..] if !is_bracketed => text,
        [b'[' | b'(', text @ ..] if !is_bracketed => text,
        _ => return false,
    };
    let is_coded = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-,:|.".contains(byte);
    let closed = text.strip_suffix(b"]").or_else(|| text.strip_suffix(b")")).unwrap_or(text);
    closed.len() >= MIN_MARKED_BYTES && closed.iter().all(is_coded)
}

/// `2.iv|data|mac`: a string as Bitwarden encrypts it,
/// <https://bitwarden.com/help/what-encryption-is-used/>.
fn is_bitwarden_cipher(value: &[u8]) -> bool {
    let [b'0'..=b'7', b'.', parts @ ..] = value else { return false };
    let mut parts = parts.split(|&byte| byte == b'|');
    let is_part = |part: &[u8]| part.len() >= 16 && STANDARD.decode(part).is_ok();
    matches!(parts.clone().count(), 2 | 3) && parts.all(is_part)
}

/// `{AQAAABAAAAA...}`: a secret as Jenkins stores it,
/// <https://github.com/jenkinsci/jenkins/blob/master/core/src/main/java/hudson/util/Secret.java>.
fn is_jenkins_secret(value: &[u8]) -> bool {
    let text = value.strip_prefix(b"{").and_then(|value| value.strip_suffix(b"}")).unwrap_or_default();
    text.starts_with(b"AQAA") && text.len() >= 24 && STANDARD.decode(text).is_ok()
}

/// `data--iv--tag`: a text as Rails encrypts it, <https://api.rubyonrails.org/classes/ActiveSupport/MessageEncryptor.html>.
fn is_rails_cipher(value: &[u8]) -> bool {
    const IV_BYTES: usize = 12;
    const TAG_BYTES: usize = 16;
    let parts: Vec<Option<Vec<u8>>> = std::str::from_utf8(value)
        .map(|text| text.split("--").take(4).map(|part| STANDARD.decode(part).ok()).collect())
        .unwrap_or_default();
    matches!(&parts[..], [Some(data), Some(iv), Some(tag)]
        if !data.is_empty() && iv.len() == IV_BYTES && tag.len() == TAG_BYTES)
}

/// `{"iv":..,"value":..,"mac":..}` in base64: a text as Laravel encrypts it, <https://laravel.com/docs/encryption>.
fn is_laravel_payload(value: &[u8]) -> bool {
    value.starts_with(b"eyJpdiI6")
        && STANDARD.decode(value).is_ok_and(|json| {
            serde_json::from_slice::<serde_json::Value>(&json)
                .is_ok_and(|payload| ["iv", "value", "mac"].iter().all(|part| payload[part].is_string()))
        })
}

/// A value of a SealedSecret: a session key's length, the key, and what it encrypts,
/// <https://github.com/bitnami-labs/sealed-secrets/blob/main/docs/developer/crypto.md>.
fn is_sealed_secret(value: &[u8]) -> bool {
    value.len() >= MIN_SEALED_BYTES
        && value
            .get(..4)
            .and_then(|start| STANDARD.decode(start).ok())
            .is_some_and(|start| start.starts_with(&SEALED_KEY_BYTES))
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte))
}

/// An uncompressed point of P-256 in base64: a public key, as web push sends it to browsers (`applicationServerKey`, VAPID),
/// <https://www.rfc-editor.org/rfc/rfc8292#section-3.2>.
fn is_public_point(value: &[u8]) -> bool {
    matches!(value.len(), 87 | 88)
        && value[0] == b'B'
        && [&URL_SAFE, &STANDARD].iter().any(|engine| {
            engine.decode(value).is_ok_and(|point| point.len() == POINT_BYTES && point[0] == UNCOMPRESSED)
        })
}

/// The key in the settings that Firebase gives to a web page, which names a project and opens nothing:
/// <https://firebase.google.com/docs/projects/api-keys>.
fn is_web_key(candidate: &Candidate<'_>) -> bool {
    let is_near = |name: &[u8]| name_holds(before(candidate), name) || name_holds(behind(candidate), name);
    candidate.value().starts_with(b"AIza")
        && (is_near(b"authdomain")
            || (is_near(b"projectid")
                && [b"messagingsenderid".as_slice(), b"storagebucket", b"databaseurl"]
                    .iter()
                    .any(|name| is_near(name))))
}

/// A key with which a page may search, and no more: <https://www.algolia.com/doc/guides/security/api-keys/#search-only-api-key>. It
/// stands beside an application and an index, or is named so.
fn is_search_key(candidate: &Candidate<'_>) -> bool {
    let name = candidate.name_span().of(candidate.bytes);
    let value = candidate.value();
    let is_near = |name: &[u8]| name_holds(before(candidate), name) || name_holds(behind(candidate), name);
    let is_admin = |text: &[u8]| name_holds(text, b"admin") || name_holds(text, b"write");
    value.len() == 32
        && value.iter().all(u8::is_ascii_hexdigit)
        && !is_admin(name)
        && (is_public_name(name)
            || name_holds(name, b"searchonly")
            || (name_holds(name, b"search") && is_near(b"algolia"))
            || is_near(b"docsearch")
            || (is_near(b"indexname") && (is_near(b"appid") || is_near(b"applicationid"))))
}

/// The token in the address of a file that everybody may read: `?alt=media&token=...`,
/// <https://firebase.google.com/docs/storage/web/download-files>.
fn is_download_token(candidate: &Candidate<'_>) -> bool {
    let is_end = |byte: &u8| b" \"'`<>\r\n".contains(byte);
    let is_media = |part: &[u8]| memchr::memmem::find(part, b"alt=media").is_some();
    let (before, behind) = (before(candidate), behind(candidate));
    before.rsplit(is_end).next().is_some_and(is_media)
        || (behind.starts_with(b"&") && behind.split(is_end).next().is_some_and(is_media))
}

/// An OpenPGP fingerprint or key id: hexadecimal digits in capitals under a bare `key`, or where a key ring is spoken of.
fn is_openpgp_id(candidate: &Candidate<'_>, subject: Option<Subject>) -> bool {
    const KEY_RINGS: &[&[u8]] =
        &[b"gpg", b"pgp", b"keyserver", b"recv", b"fingerprint", b"aptkey", b"signedby"];
    let value = candidate.value();
    let digits = value.strip_prefix(b"0x").unwrap_or(value);
    let is_capital = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'A'..=b'F');
    let is_id =
        digits.len() == FINGERPRINT_DIGITS || (digits.len() == KEY_ID_DIGITS && digits.len() < value.len());
    is_id
        && digits.iter().all(is_capital)
        && digits.iter().any(u8::is_ascii_digit)
        && digits.iter().any(u8::is_ascii_alphabetic)
        && (subject == Some(Subject::Key) || KEY_RINGS.iter().any(|word| name_holds(before(candidate), word)))
}

/// What stands in front of the secret, and behind it, as far as one may look from wherever the keyword lies.
fn before<'a>(candidate: &Candidate<'a>) -> &'a [u8] {
    let end = candidate.secret.start;
    ByteSpan::new(end.saturating_sub(NEARBY_BYTES), end).of(candidate.bytes)
}

fn behind<'a>(candidate: &Candidate<'a>) -> &'a [u8] {
    let end = candidate.secret.end.min(candidate.bytes.len());
    ByteSpan::new(end, (end + NEARBY_BYTES).min(candidate.bytes.len())).of(candidate.bytes)
}

/// Whether `text` holds `name`, in small letters and digits, however it is written: `indexName`, `index_name`, `INDEX-NAME`.
fn name_holds(text: &[u8], name: &[u8]) -> bool {
    let letters: Vec<u8> =
        text.iter().filter(|byte| !b"_-".contains(byte)).map(u8::to_ascii_lowercase).collect();
    memchr::memmem::find(&letters, name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Random, matching};

    /// A text that matches the expression: another one for each number.
    fn made(number: u64, expression: &str) -> String {
        String::from_utf8(matching(&mut Random::new(number), expression)).expect("ASCII")
    }

    #[test]
    fn what_programs_encrypt_is_told_by_its_form() {
        let base64 = |number| made(number, "[A-Za-z0-9+/]{60}");
        for number in 0..50 {
            for value in [
                format!("encrypted:B{}", base64(number)),
                format!("enc:v1:{}", base64(number)),
                format!("ENC({})", base64(number)),
                format!("ENC[AES256_GCM,data:{0},iv:{0},tag:{0},type:str]", base64(number)),
                format!("ENC[PKCS7,{}]", base64(number)),
                format!("<enc-v1>{}", base64(number)),
                format!("{{cipher}}{}", base64(number)),
                format!("{{aes}}{}", base64(number)),
                format!("vault:v1:{}", base64(number)),
                format!(
                    "2.{}==|{}|{}=",
                    made(number, "[A-Za-z0-9+/]{22}"),
                    base64(number),
                    made(number, "[A-Za-z0-9+/]{43}")
                ),
                format!("{{AQAAABAAAAA{}w=}}", made(number, "[A-Za-z0-9+/]{31}")),
                format!(
                    "{}--{}--{}==",
                    base64(number),
                    made(number, "[A-Za-z0-9+/]{16}"),
                    made(number, "[A-Za-z0-9+/]{22}")
                ),
                format!("AgB{}", made(number, "[A-Za-z0-9+/]{797}")),
                format!("AQICAH{}", made(number, "[A-Za-z0-9+/]{200}")),
                format!("01000000d08c9ddf0115d1118c7a00c04fc297eb{}", made(number, "[0-9a-f]{200}")),
                STANDARD
                    .encode(format!(r#"{{"iv":"{0}","value":"{0}","mac":"{0}","tag":""}}"#, base64(number))),
            ] {
                assert!(is_encrypted(value.as_bytes()), "{value}");
            }
        }
    }

    #[test]
    fn what_only_looks_so_is_not() {
        for number in 0..200 {
            for value in [
                made(number, "[A-Za-z0-9+/]{12,64}"),
                made(number, "[A-Za-z0-9!#%|.:-]{12,40}"),
                made(number, "[a-z]{4,8}:[A-Za-z0-9]{16}"),
                made(number, "[0-9a-f]{40}"),
                format!("encoded:{}", made(number, "[A-Za-z0-9]{20}")),
                format!("encryption{}", made(number, "[A-Za-z0-9]{20}")),
                format!("Enc0re!{}", made(number, "[A-Za-z0-9]{8}")),
                format!("2.{}", made(number, "[A-Za-z0-9]{20}")),
            ] {
                assert!(!is_encrypted(value.as_bytes()) && !is_public(value.as_bytes()), "{value}");
            }
        }
    }

    #[test]
    fn the_public_half_of_a_pair_is_public() {
        let point = |number: u64, first: u8| {
            let mut bytes: Vec<u8> = made(number, "[0-9a-z]{65}").into_bytes();
            bytes[0] = first;
            URL_SAFE.encode(bytes).trim_end_matches('=').to_owned()
        };
        for number in 0..20 {
            assert!(is_public(point(number, 4).as_bytes()));
            assert!(!is_public(point(number, 5).as_bytes()), "another form");
            assert!(!is_public(&point(number, 4).as_bytes()[1..]), "cut");
        }
    }

    #[test]
    fn keys_with_which_pages_search_are_named_so() {
        for name in [
            "ALGOLIA_SEARCH_KEY",
            "algoliaSearchApiKey",
            "DOCSEARCH_SEARCH_KEY",
            "VITE_ALGOLIA_SEARCH_ONLY_KEY",
        ] {
            assert!(is_public_name(name.as_bytes()), "{name}");
        }
        for name in ["ALGOLIA_ADMIN_KEY", "SEARCH_KEY", "AZURE_SEARCH_KEY", "ALGOLIA_API_KEY"] {
            assert!(!is_public_name(name.as_bytes()), "{name}");
        }
    }
}
