//! Private keys between `-----BEGIN` and `-----END` lines: RFC 7468 (<https://www.rfc-editor.org/rfc/rfc7468>), OpenSSH's
//! own format (PROTOCOL.key in OpenSSH's sources) and OpenPGP's armour (<https://www.rfc-editor.org/rfc/rfc9580>).

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The shortest key: an Ed25519 key in PKCS #8 has 48 bytes.
const MIN_KEY_BYTES: usize = 40;
const DER_SEQUENCE: u8 = 0x30;
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
/// commented, as a log or a difference carries it, or with the headers of RFC 1421 or OpenPGP.
pub(crate) fn is_private_key(body: &[u8]) -> bool {
    protection(body) == Some(Protection::None)
}

/// Whether `body` is a private key that a passphrase protects.
pub(crate) fn is_encrypted_key(body: &[u8]) -> bool {
    protection(body) == Some(Protection::Passphrase)
}

/// What stands between a private key and who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protection {
    None,
    Passphrase,
}

/// How the key in `body` is protected; `None` where there is no whole key.
fn protection(body: &[u8]) -> Option<Protection> {
    if memchr::memmem::find(body, b"...").is_some() {
        return None;
    }
    // RFC 1421: what follows the header is no structure that could be looked at.
    let is_encrypted = memchr::memmem::find(body, b"4,ENCRYPTED").is_some();
    let as_it_is = protection_of(&base64_text(body), is_encrypted);
    as_it_is.or_else(|| carried_texts(body).iter().find_map(|text| protection_of(text, is_encrypted)))
}

/// How the key that is written in base64 is protected, where it is one; `is_encrypted` where its header says so.
fn protection_of(text: &[u8], is_encrypted: bool) -> Option<Protection> {
    let key = LENIENT.decode(text).ok().filter(|key| key.len() >= MIN_KEY_BYTES)?;
    if is_encrypted {
        return Some(Protection::Passphrase);
    }
    let is_plain = if let Some(rest) = key.strip_prefix(OPENSSH_MAGIC) {
        rest.starts_with(OPENSSH_NO_CIPHER)
    } else if let Some(content) = whole_der_sequence(&key) {
        // PKCS #8: an encrypted key begins with the algorithm, a sequence; any other with a version.
        content.first() != Some(&DER_SEQUENCE)
    } else {
        openpgp_s2k_usage(&key)? == 0
    };
    Some(if is_plain { Protection::None } else { Protection::Passphrase })
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

/// How many characters a line of a key has at least, but for the last.
const MIN_LINE_CHARACTERS: usize = 40;

/// The base64 characters of lines that something else carries too: each has as many words in front as the others, a time or a
/// step's number, and behind it anything. A sign that is a character of base64 as well, as in a difference, may be part of the
/// lines or not: both texts are given.
fn carried_texts(body: &[u8]) -> Vec<Vec<u8>> {
    let body = with_line_ends(body);
    let lines: Vec<Vec<&[u8]>> = lines(&body).into_iter().map(runs).collect();
    let longest = lines.iter().flatten().map(|run| run.len()).max().unwrap_or(0);
    if longest < MIN_LINE_CHARACTERS {
        return Vec::new();
    }
    let is_whole = |run: &&[u8]| run.len() == longest;
    let Some(place) = lines.iter().find_map(|runs| runs.iter().position(is_whole)) else {
        return Vec::new();
    };
    let at_place: Vec<&[u8]> = lines.iter().filter_map(|runs| runs.get(place).copied()).collect();
    let from_first = at_place.iter().skip_while(|run| !is_whole(run));
    let from_first = from_first.filter(|run| run.len() >= MIN_RUN_CHARACTERS);
    // A shorter line is the last.
    let mut is_over = false;
    let key: Vec<&[u8]> =
        from_first.take_while(|run| !std::mem::replace(&mut is_over, !is_whole(run))).copied().collect();
    let signs = (0..2).take_while(|&at| key.iter().all(|line| b"+/".contains(&line[at]))).count();
    (0..=signs).map(|signs| key.iter().flat_map(|line| &line[signs..]).copied().collect()).collect()
}

/// The shortest line of a key, in characters.
const MIN_RUN_CHARACTERS: usize = 4;

/// The runs of characters of base64 in `line`.
fn runs(line: &[u8]) -> Vec<&[u8]> {
    let is_other = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"+/=".contains(byte);
    line.split(is_other).filter(|run| !run.is_empty()).collect()
}

/// `body` with the line ends that HTML and XML write.
fn with_line_ends(body: &[u8]) -> Vec<u8> {
    const WRITTEN: &[&[u8]] = &[b"<br>", b"<br/>", b"<br />", b"&#10;", b"&#xa;", b"&#xA;", b"&#13;"];
    let mut text = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((&byte, behind)) = rest.split_first() {
        let written = WRITTEN.iter().find_map(|written| rest.strip_prefix(*written));
        text.push(if written.is_some() { b'\n' } else { byte });
        rest = written.unwrap_or(behind);
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

/// The content of `key` where it is one ASN.1 SEQUENCE whose length is that of the bytes.
fn whole_der_sequence(key: &[u8]) -> Option<&[u8]> {
    let (header, length) = match key {
        [DER_SEQUENCE, length @ 0..=0x7f, ..] => (2, usize::from(*length)),
        [DER_SEQUENCE, 0x81, a, ..] => (3, usize::from(*a)),
        [DER_SEQUENCE, 0x82, a, b, ..] => (4, usize::from(*a) << 8 | usize::from(*b)),
        _ => return None,
    };
    (header + length == key.len()).then(|| &key[header..])
}

/// The octet that says how the secret part of an OpenPGP secret key packet is encrypted, 0 for not at all: RFC 9580, 5.5.3.
fn openpgp_s2k_usage(key: &[u8]) -> Option<u8> {
    // Tag 5, in the old form with a length of one, two or four bytes, or in the new one.
    let (&tag, rest) = key.split_first()?;
    let length_bytes = match (tag, rest.first()?) {
        (0x94, _) => 1,
        (0x95, _) => 2,
        (0x96, _) => 4,
        (0xc5, 0..=191) => 1,
        (0xc5, 192..=223) => 2,
        (0xc5, 255) => 5,
        _ => return None,
    };
    // Version and time of creation.
    let (head, rest) = rest.get(length_bytes..)?.split_at_checked(6)?;
    let [version @ 4..=6, _, _, _, _, algorithm] = head else {
        return None;
    };
    let rest = if *version == 4 { rest } else { rest.get(4..)? };
    let rest = match algorithm {
        1..=3 => skip_numbers(rest, 2)?,
        16 => skip_numbers(rest, 3)?,
        17 => skip_numbers(rest, 4)?,
        // A curve, a point; ECDH goes on with how it derives keys.
        18 => skip_short(skip_numbers(skip_short(rest)?, 1)?)?,
        19 | 22 => skip_numbers(skip_short(rest)?, 1)?,
        25 | 27 => rest.get(32..)?,
        26 => rest.get(56..)?,
        28 => rest.get(57..)?,
        _ => return None,
    };
    rest.first().copied()
}

/// What follows `count` numbers, each with its length in bits in front.
fn skip_numbers(bytes: &[u8], count: usize) -> Option<&[u8]> {
    (0..count).try_fold(bytes, |bytes, _| {
        let bits = usize::from(u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?]));
        bytes.get(2 + bits.div_ceil(8)..)
    })
}

/// What follows a text with its length in bytes in front.
fn skip_short(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(1 + usize::from(*bytes.first()?)..)
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
    fn keys_are_read_between_what_logs_and_differences_write() {
        let key = der(110);
        for (before, behind) in [
            ("+", "\n"),
            ("-", "\n"),
            ("> ", "\n"),
            ("// ", "\n"),
            ("//", "\n"),
            ("2026-01-02T03:04:05.123Z ", "\n"),
            ("Jan  2 03:04:05 host app[1]: ", "\n"),
            ("#5 0.2 ", "\n"),
            ("web-1  | ", "\r\n"),
            ("    \"", "\\n\" +\n"),
            ("", "<br/>"),
            ("", "&#10;"),
            ("<p>", "</p>\n"),
            ("", " "),
        ] {
            let lines = wrapped(&key, &format!("{behind}{before}"));
            let body = format!("{behind}{before}{lines}{behind}{before}");
            assert!(is_private_key(body.as_bytes()), "between {before:?} and {behind:?}: {body}");
            let cut = body.replacen(&lines[lines.len() - 12..], "", 1);
            assert!(!is_private_key(cut.as_bytes()), "cut, between {before:?} and {behind:?}");
        }
        assert!(is_private_key(format!(" of the old host\n{}\n", wrapped(&key, "\n")).as_bytes()));
    }

    #[test]
    fn encrypted_cut_and_dummy_keys_do_not_count() {
        let whole = wrapped(&der(110), "\n");
        let encrypted = format!("\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n{whole}\n");
        assert!(!is_private_key(encrypted.as_bytes()) && is_encrypted_key(encrypted.as_bytes()));
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
        assert!(
            !is_private_key(key(b"aes256-ctr").as_bytes()) && is_encrypted_key(key(b"aes256-ctr").as_bytes())
        );
    }

    #[test]
    fn encrypted_pkcs8_keys_begin_with_their_algorithm() {
        let mut key = der(110);
        assert!(is_private_key(wrapped(&key, "\n").as_bytes()));
        key[2] = DER_SEQUENCE;
        assert!(
            !is_private_key(wrapped(&key, "\n").as_bytes())
                && is_encrypted_key(wrapped(&key, "\n").as_bytes())
        );
    }

    #[test]
    fn openpgp_keys_say_whether_they_are_encrypted() {
        // An EdDSA key of version 4: a curve of 9 bytes, a point of 263 bits, then how the secret is encrypted.
        let key = |usage: u8| {
            let body =
                [&[4, 1, 2, 3, 4, 22, 9][..], &[7; 9], &[1, 7], &[64; 33], &[usage], &[9; 34]].concat();
            let packet = [&[0x94, body.len() as u8][..], &body].concat();
            format!("\nVersion: GnuPG v2\n\n{}\n=abcd\n", wrapped(&packet, "\n"))
        };
        assert!(is_private_key(key(0).as_bytes()) && !is_encrypted_key(key(0).as_bytes()));
        assert!(!is_private_key(key(254).as_bytes()) && is_encrypted_key(key(254).as_bytes()));
    }
}
