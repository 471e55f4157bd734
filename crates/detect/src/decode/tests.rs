//! What is read of each form, and what is not.

use ::base64::Engine as _;
use ::base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::*;

/// The texts in `bytes`, themselves left out.
fn decoded(bytes: &[u8]) -> Vec<String> {
    texts(bytes).iter().skip(1).map(|text| String::from_utf8_lossy(&text.bytes).into_owned()).collect()
}

/// Whether some text holds `wanted`, and lies where it should: at bytes of `bytes` that decode to it.
fn holds(bytes: &[u8], wanted: &str) -> bool {
    texts(bytes).iter().skip(1).any(|text| memchr::memmem::find(&text.bytes, wanted.as_bytes()).is_some())
}

const LINE: &str = "password: tR7hvd9QmX2 and some more words to fill up the line\n";

#[test]
fn base64_of_both_alphabets_is_read() {
    let text = "token=?>?>~~~abc?>?>~~~ with signs";
    for encoded in [STANDARD.encode(text), URL_SAFE_NO_PAD.encode(text)] {
        assert!(holds(format!("data: {encoded}\nmore: 1").as_bytes(), text), "{encoded}");
    }
}

#[test]
fn wrapped_base64_is_read_over_all_kinds_of_line_ends() {
    let text = LINE.repeat(5);
    let encoded = STANDARD.encode(&text);
    for width in [40, 60, 64, 76, 80] {
        let lines: Vec<&str> =
            encoded.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
        for separator in ["\n", "\r\n", "\n    ", "\\n", "\\r\\n", "\\\n\t"] {
            let wrapped = format!("  key: |\n    {}\n  other: 1\n", lines.join(separator));
            assert!(holds(wrapped.as_bytes(), &text), "{width} {separator:?}");
        }
    }
}

#[test]
fn a_wrapped_text_ends_where_lines_hold_no_text() {
    let encoded = STANDARD.encode(&LINE.as_bytes()[..57]);
    let wrapped = format!("{encoded}\n{}\n", "/w9".repeat(25) + "A");
    assert_eq!(decoded(wrapped.as_bytes()), [LINE[..57].to_owned()]);
}

#[test]
fn hexadecimal_digits_are_read() {
    let hex: String = LINE.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert!(holds(format!("x'{hex}'").as_bytes(), LINE));
    assert!(holds(format!("0x{}", hex.to_uppercase()).as_bytes(), LINE));
}

#[test]
fn utf16_in_base64_is_read() {
    let wide: Vec<u8> = LINE.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(holds(format!("powershell -enc {}", STANDARD.encode(wide)).as_bytes(), LINE));
}

#[test]
fn escapes_are_read() {
    for (written, text) in [
        ("setting%3Dabc%2Bdef%3D", "setting=abc+def="),
        (r"AccountKey\u003dabc\u002Bdef\u003d", "AccountKey=abc+def="),
        (r"AccountKey\\u003dabc\x2bdef\u{3d}", "AccountKey=abc+def="),
        (r"https:\/\/host\/T01\/B02", "https://host/T01/B02"),
        ("AccountKey&#x3D;abc&#43;def&amp;x", "AccountKey=abc+def&x"),
        ("setting=3Dabc=2Bdef=3D", "setting=abc+def="),
        ("key = 'abcdef' 'ghijkl'", "key = 'abcdefghijkl'"),
        ("key = \"abcdef\" + \"ghijkl\";", "key = \"abcdefghijkl\";"),
        ("f(\"abcdef\"\n    \"ghijkl\"\n    \"mnopqr\")", "f(\"abcdefghijklmnopqr\")"),
        ("$key = 'abcdef' . 'ghijkl'", "$key = 'abcdefghijkl'"),
        ("export KEY='abcdef' \\\n  'ghijkl'", "KEY='abcdefghijkl'"),
    ] {
        assert!(holds(written.as_bytes(), text), "{written}: {:?}", decoded(written.as_bytes()));
    }
}

#[test]
fn an_equals_sign_before_digits_is_no_quoted_printable() {
    assert!(!holds(b"https://host/path?x=37jtcihd6bmsh&y=3D&z=other", "7jtcihd6bmsh"));
}

#[test]
fn texts_lie_in_texts_three_deep() {
    let once = STANDARD.encode(LINE);
    let twice = STANDARD.encode(format!("value: {once}"));
    let thrice = STANDARD.encode(format!("value: {twice}"));
    let four_times = STANDARD.encode(format!("value: {thrice}"));
    for encoded in [once, twice, thrice] {
        assert!(holds(encoded.as_bytes(), LINE));
    }
    assert!(!holds(four_times.as_bytes(), LINE));
}

#[test]
fn positions_map_back_to_the_characters_that_hold_them() {
    let encoded = STANDARD.encode(STANDARD.encode("the secret is here, and some more text"));
    let chunk = format!("key: {encoded} # end");
    let texts = texts(chunk.as_bytes());
    let text = texts.iter().find(|text| text.bytes.starts_with(b"the secret")).expect("decoded");
    let span = text.origin_span(ByteSpan::new(4, 10));
    // Outermost characters of six bits hold each byte: what decodes from the span, and one byte around, holds the inner characters.
    let around = ByteSpan::new((span.start - 5) / 4 * 4 + 5, (span.end - 5).div_ceil(4) * 4 + 5);
    let inner = STANDARD.decode(around.of(chunk.as_bytes())).expect("whole groups");
    assert!(memchr::memmem::find(&inner, b"c2VjcmV0").is_some() || inner.len() >= 8);
    assert!(!text.is_verbatim(ByteSpan::new(4, 10)));
}

#[test]
fn what_holds_no_text_is_none() {
    let random: Vec<u8> = (0u32..600).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for text in [
        STANDARD.encode(&random),
        random.iter().map(|byte| format!("{byte:02x}")).collect(),
        "some_long_identifier_with_many_words and/a/path/that/goes/on/and/on/and/on".to_owned(),
        "printf(\"%d %5s\\n\", a && b, c &amp d); x = '' + ''; ['a', 'b']".to_owned(),
    ] {
        assert!(decoded(text.as_bytes()).is_empty(), "{text}");
    }
}

#[test]
fn what_is_too_long_is_not_read() {
    let long = STANDARD.encode(LINE.repeat(MAX_RUN_BYTES / LINE.len()));
    assert!(decoded(long.as_bytes()).is_empty());
    let wrapped = long.as_bytes().chunks(76).collect::<Vec<_>>().join(&b'\n');
    assert!(decoded(&wrapped).is_empty());
    assert!(decoded("%41".repeat(MAX_RUN_BYTES).as_bytes()).is_empty());
}
