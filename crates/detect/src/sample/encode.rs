//! Texts written in other forms, for tests that decode them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// A form, and how a text is written in it.
pub type Form = (&'static str, fn(&[u8]) -> Vec<u8>);

/// Forms in which every text can be written.
pub const ENCODINGS: &[Form] = &[
    ("base64", |text| STANDARD.encode(text).into_bytes()),
    ("base64 for URLs", |text| URL_SAFE_NO_PAD.encode(text).into_bytes()),
    ("base64 in lines", |text| in_lines(STANDARD.encode(text).as_bytes(), 76, b"\n")),
    ("base64 in indented lines", |text| in_lines(STANDARD.encode(text).as_bytes(), 64, b"\r\n    ")),
    ("base64 twice", |text| STANDARD.encode(STANDARD.encode(text)).into_bytes()),
    ("hexadecimal", |text| each(text, |byte| format!("{byte:02x}"))),
    ("percent", |text| each(text, |byte| format!("%{byte:02X}"))),
    (r"\x", |text| each(text, |byte| format!("\\x{byte:02x}"))),
    (r"\u", |text| each(text, |byte| format!("\\u{byte:04X}"))),
    ("entities", |text| each(text, |byte| format!("&#{byte};"))),
];

/// Forms that change some characters only, or none but where literals are cut.
pub const PARTIAL_ENCODINGS: &[Form] = &[
    ("percent, signs only", |text| signs(text, |byte| format!("%{byte:02x}"))),
    (r"\u, signs only", |text| signs(text, |byte| format!("\\u{byte:04x}"))),
    (r"\/", |text| {
        each(text, |byte| if byte == b'/' { "\\/".to_owned() } else { char::from(byte).to_string() })
    }),
    ("quoted-printable, signs only", |text| signs(text, |byte| format!("={byte:02X}"))),
    ("entities, signs only", |text| signs(text, |byte| format!("&#x{byte:X};"))),
    ("literals in lines", |text| [b"\"", in_lines(text, 9, b"\"\n    \"").as_slice(), b"\""].concat()),
    ("literals with operators", |text| [b"'", in_lines(text, 13, b"' + '").as_slice(), b"'"].concat()),
];

fn each(text: &[u8], write: impl Fn(u8) -> String) -> Vec<u8> {
    text.iter().map(|&byte| write(byte)).collect::<String>().into_bytes()
}

fn signs(text: &[u8], write: impl Fn(u8) -> String) -> Vec<u8> {
    each(text, |byte| {
        if byte.is_ascii_graphic() && !byte.is_ascii_alphanumeric() {
            write(byte)
        } else {
            char::from(byte).to_string()
        }
    })
}

fn in_lines(text: &[u8], width: usize, separator: &[u8]) -> Vec<u8> {
    text.chunks(width).collect::<Vec<_>>().join(separator)
}
