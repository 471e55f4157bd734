//! Private keys between `-----BEGIN` and `-----END` lines: RFC 7468 (<https://www.rfc-editor.org/rfc/rfc7468>), OpenSSH's
//! own format (PROTOCOL.key in OpenSSH's sources) and OpenPGP's armour (<https://www.rfc-editor.org/rfc/rfc9580>).

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The shortest key: an Ed25519 key in PKCS #8 has 48 bytes.
const MIN_KEY_BYTES: usize = 40;
const OPENSSH_MAGIC: &[u8] = b"openssh-key-v1\0";
/// Lengths and the cipher's name `none`, as they follow OpenSSH's magic in a key that is not encrypted.
const OPENSSH_NO_CIPHER: &[u8] = b"\0\0\0\x04none";

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Whether `body`, the text between the two lines, is a whole private key that no passphrase protects.
///
/// The text may be written as code writes it: with `\n` for line ends, in several quoted and joined strings, indented,
/// commented, or with the headers of RFC 1421 or OpenPGP.
pub(crate) fn is_private_key(body: &[u8]) -> bool {
    if memchr::memmem::find(body, b"ENCRYPTED").is_some() || memchr::memmem::find(body, b"...").is_some() {
        return false;
    }
    let Some(key) = LENIENT.decode(base64_text(body)).ok().filter(|key| key.len() >= MIN_KEY_BYTES) else {
        return false;
    };
    if let Some(rest) = key.strip_prefix(OPENSSH_MAGIC) {
        return rest.starts_with(OPENSSH_NO_CIPHER);
    }
    is_whole_der_sequence(&key) || is_openpgp_secret_key(&key)
}

/// The base64 characters of the lines that hold nothing else.
fn base64_text(body: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(body.len());
    for line in lines(body) {
        // `Version: GnuPG v2`, `Proc-Type: ...`; `=abcd` is OpenPGP's checksum.
        let content: &[u8] = line.trim_ascii();
        if content.contains(&b':') || content.trim_ascii_start().starts_with(b"=") {
            continue;
        }
        text.extend(content.iter().filter(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte)));
    }
    text
}

/// The lines of `body`, ended by a line end or by one written as an escape.
fn lines(body: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < body.len() {
        let length = match (body[at], body.get(at + 1)) {
            (b'\n' | b'\r', _) => 1,
            (b'\\', Some(b'n' | b'r')) => 2,
            (b'\\', _) => 1,
            _ => 0,
        };
        if length == 0 {
            at += 1;
            continue;
        }
        lines.push(trim_code(&body[start..at]));
        at += length;
        start = at;
    }
    lines.push(trim_code(&body[start..]));
    lines
}

/// A line without the quotes, joining signs and comment signs of the code that it is written in.
fn trim_code(line: &[u8]) -> &[u8] {
    let is_code = |byte: &u8| b" \t\"'`,;()#*<>|".contains(byte);
    let start = line.iter().position(|byte| !is_code(byte)).unwrap_or(line.len());
    let end = line.iter().rposition(|byte| !is_code(byte)).map_or(start, |at| at + 1);
    let line = &line[start..end];
    // A `+` that joins two strings stands behind a quote or alone, never inside a line of base64.
    match line.strip_suffix(b"+").map(<[u8]>::trim_ascii_end) {
        Some(rest) if rest.last().is_none_or(is_code) => trim_code(rest),
        _ => line,
    }
}

/// Whether `key` is one ASN.1 SEQUENCE whose length is that of the bytes.
fn is_whole_der_sequence(key: &[u8]) -> bool {
    let (header, length) = match key {
        [0x30, length @ 0..=0x7f, ..] => (2, usize::from(*length)),
        [0x30, 0x81, a, ..] => (3, usize::from(*a)),
        [0x30, 0x82, a, b, ..] => (4, usize::from(*a) << 8 | usize::from(*b)),
        _ => return false,
    };
    header + length == key.len()
}

/// Whether `key` begins with a secret key packet (tag 5) of the old or new form.
fn is_openpgp_secret_key(key: &[u8]) -> bool {
    matches!(key.first(), Some(0x94..=0x97 | 0xc5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD as BASE64;

    fn der(length: u8) -> Vec<u8> {
        let mut key = vec![0x30, length];
        key.extend((0..length).map(|byte| byte.wrapping_mul(37)));
        key
    }

    fn wrapped(key: &[u8], join: &str) -> String {
        let text = BASE64.encode(key);
        text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line)).collect::<Vec<_>>().join(join)
    }

    #[test]
    fn keys_are_read_in_the_forms_that_files_and_code_have() {
        let key = der(110);
        for join in ["\n", "\r\n", "\\n", "\\r\\n", "\\n\"\n    \"", "\\n' +\n  '", "\n# ", "\n    "] {
            let body = format!("{join}{}{join}", wrapped(&key, join));
            assert!(is_private_key(body.as_bytes()), "joined with {join:?}");
        }
    }

    #[test]
    fn encrypted_cut_and_dummy_keys_do_not_count() {
        let whole = wrapped(&der(110), "\n");
        assert!(!is_private_key(format!("\nProc-Type: 4,ENCRYPTED\n\n{whole}\n").as_bytes()));
        assert!(!is_private_key(&whole.as_bytes()[..whole.len() - 24]), "cut");
        assert!(!is_private_key(b"\n...\n"));
        assert!(!is_private_key(b"\nMIIEvQ...\n"));
    }

    #[test]
    fn openssh_keys_count_when_no_cipher_protects_them() {
        let key = |cipher: &[u8]| {
            let mut key = OPENSSH_MAGIC.to_vec();
            key.extend([0, 0, 0, cipher.len() as u8]);
            key.extend(cipher);
            key.extend([7; 64]);
            wrapped(&key, "\n")
        };
        assert!(is_private_key(key(b"none").as_bytes()));
        assert!(!is_private_key(key(b"aes256-ctr").as_bytes()));
    }
}
