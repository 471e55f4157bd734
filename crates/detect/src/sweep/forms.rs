//! The forms in which a value is written: as it is, in base64, in a URL, in JSON.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// How many times as long as the value its longest form may be: `\u0000`.
pub(super) const MAX_GROWTH: usize = 6;
/// The shortest form of a value of eight bytes: in base64, where it begins and ends inside of a character.
pub(super) const MIN_FORM_BYTES: usize = 8;

/// Every form of `value`, each once, the value itself first.
pub(super) fn forms(value: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![value.to_vec()];
    let mut add = |form: Vec<u8>| {
        if !forms.contains(&form) {
            forms.push(form);
        }
    };
    base64(value, &mut add);
    in_url(value, &mut add);
    in_json(value, &mut add);
    forms
}

/// The value as a part of a longer text in base64: what stands for it alone, for each of the three ways in which a text in front of
/// it shifts it, in both alphabets.
fn base64(value: &[u8], add: &mut impl FnMut(Vec<u8>)) {
    for shift in 0..3 {
        let shifted = [&b"\0\0"[..shift], value].concat();
        // Characters that also stand for bits of what is in front or behind may be any.
        let (first, last) = ((8 * shift).div_ceil(6), 8 * shifted.len() / 6);
        for encoded in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
            add(encoded.as_bytes()[first..last].to_vec());
        }
    }
}

/// The value with `%` escapes, as `encodeURIComponent`, Python's `quote` and `quote_plus` and others write it.
fn in_url(value: &[u8], add: &mut impl FnMut(Vec<u8>)) {
    /// Signs that some leave as they are besides those that all do, `-_.~`.
    const LEFT: [&[u8]; 5] = [b"", b"/", b"!*'()", b"!$&'()*+,;=", b"!*'();/?:@&=+$,#"];
    for left in LEFT {
        for is_lower in [false, true] {
            for is_form in [false, true] {
                let mut form = Vec::with_capacity(value.len());
                for &byte in value {
                    match byte {
                        b' ' if is_form => form.push(b'+'),
                        _ if byte.is_ascii_alphanumeric()
                            || b"-_.~".contains(&byte)
                            || left.contains(&byte) =>
                        {
                            form.push(byte);
                        }
                        _ if is_lower => form.extend(format!("%{byte:02x}").into_bytes()),
                        _ => form.extend(format!("%{byte:02X}").into_bytes()),
                    }
                }
                add(form);
            }
        }
    }
}

/// The value in a string of JSON, as JavaScript, Python (ASCII only), PHP (`\/`) and Go (`\u003c`) write it.
fn in_json(value: &[u8], add: &mut impl FnMut(Vec<u8>)) {
    let Ok(text) = std::str::from_utf8(value) else { return };
    for (is_ascii, escaped_slash, for_html) in [
        (false, false, false),
        (true, false, false),
        (true, true, false),
        (false, true, false),
        (false, false, true),
    ] {
        let mut form = String::with_capacity(text.len());
        for character in text.chars() {
            match character {
                '"' | '\\' => form.extend(['\\', character]),
                '\n' => form.push_str("\\n"),
                '\r' => form.push_str("\\r"),
                '\t' => form.push_str("\\t"),
                '\u{8}' => form.push_str("\\b"),
                '\u{c}' => form.push_str("\\f"),
                '/' if escaped_slash => form.push_str("\\/"),
                '<' | '>' | '&' if for_html => form.push_str(&unit_escape(character as u16)),
                _ if character < ' ' || (is_ascii && !character.is_ascii()) => {
                    let mut units = [0; 2];
                    character
                        .encode_utf16(&mut units)
                        .iter()
                        .for_each(|&unit| form.push_str(&unit_escape(unit)));
                }
                _ => form.push(character),
            }
        }
        add(form.into_bytes());
    }
}

fn unit_escape(unit: u16) -> String {
    format!("\\u{unit:04x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(value: &str, form: &str) -> bool {
        forms(value.as_bytes()).iter().any(|known| known == form.as_bytes())
    }

    #[test]
    fn a_plain_value_has_its_own_form_and_those_in_base64() {
        assert_eq!(forms(b"abcdefgh").len(), 4);
        assert!(forms(b"a?c>e~gh").iter().all(|form| form.len() >= MIN_FORM_BYTES));
    }

    #[test]
    fn base64_holds_a_form_whatever_stands_around_it() {
        let value = b"k\xff\xfe?>~9Qm2x";
        for before in 0..4 {
            for behind in 0..4 {
                let text = [&b"xyzw"[..before], value, &b"abcd"[..behind]].concat();
                for encoded in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                    let is_in = |form: &Vec<u8>| memchr::memmem::find(encoded.as_bytes(), form).is_some();
                    assert!(forms(value).iter().any(is_in), "{before} before, {behind} behind");
                }
            }
        }
    }

    #[test]
    fn urls_and_json_have_the_forms_that_programs_write() {
        let value = "p@s/s w&rd\"\u{e4}<\n";
        for form in [
            "p%40s%2Fs%20w%26rd%22%C3%A4%3C%0A",
            "p%40s%2fs%20w%26rd%22%c3%a4%3c%0a",
            "p%40s/s+w%26rd%22%C3%A4%3C%0A",
            "p@s/s w&rd\\\"\u{e4}<\\n",
            "p@s/s w&rd\\\"\\u00e4<\\n",
            "p@s\\/s w&rd\\\"\u{e4}<\\n",
            "p@s/s w\\u0026rd\\\"\u{e4}\\u003c\\n",
        ] {
            assert!(has(value, form), "{form}");
        }
        assert!(has("\u{1f511}4567890", "\\ud83d\\udd114567890"));
    }

    #[test]
    fn no_form_is_longer_than_is_said() {
        let value = "\u{1}".repeat(50);
        let longest = forms(value.as_bytes()).iter().map(Vec::len).max();
        assert_eq!(longest, Some(50 * MAX_GROWTH));
    }
}
