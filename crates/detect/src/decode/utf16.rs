//! UTF-16 text: ASCII characters with a zero byte beside each.

use keysieve_model::location::ByteSpan;

use super::{Form, Origins, Run, Text};

/// The shortest UTF-16 text worth searching, in characters.
const MIN_UTF16_CHARACTERS: usize = 8;

/// Runs of ASCII characters with a zero byte between each two: UTF-16 of either byte order, with or without a byte order
/// mark, anywhere in the chunk. Whether a run is one depends on nothing far away, so cutting the chunk changes nothing.
pub(super) fn find(bytes: &[u8]) -> impl Iterator<Item = Text> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = next_run_start(bytes, from)?;
            let mut end = start;
            while is_text(bytes.get(end)) && bytes.get(end + 1) == Some(&0) {
                end += 2;
            }
            from = end.max(start + 1);
            // The last character of big-endian text has no zero byte behind it. Which byte order it is shows at the start of
            // the run only, which may lie outside of the piece: half of a foreign character more does less harm than a
            // last character less.
            if is_text(bytes.get(end)) {
                end += 1;
            }
            if (end - start).div_ceil(2) >= MIN_UTF16_CHARACTERS {
                let text: Vec<u8> = bytes[start..end].iter().copied().step_by(2).collect();
                let span = ByteSpan::new(start, end);
                let run = Run { span, depends: span, form: Form::Utf16 };
                return Some(Text { bytes: text, run, origins: Origins::Every { start, step: 2 } });
            }
        }
    })
}

/// The start of the run that may go on behind the end of `bytes`, whatever its length; it is looked for from `from` on.
pub(super) fn open_run(bytes: &[u8], from: usize) -> Option<usize> {
    let mut from = from;
    // The last character may be the first of a run.
    while let Some(start) = next_run_start(bytes, from) {
        let mut end = start;
        while is_text(bytes.get(end)) && bytes.get(end + 1) == Some(&0) {
            end += 2;
        }
        if end + 1 >= bytes.len() {
            return Some(start);
        }
        from = end.max(start + 1);
    }
    is_text(bytes.last()).then(|| bytes.len() - 1)
}

/// The first character at or behind `from` that has a zero byte behind it.
fn next_run_start(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let zero = at + 1 + memchr::memchr(0, bytes.get(at + 1..)?)?;
        if is_text(bytes.get(zero - 1)) {
            return Some(zero - 1);
        }
        // Zeros behind zeros begin no text: long runs of them are passed over at once.
        at = zero + bytes[zero..].iter().position(|&byte| byte != 0)? - 1;
        at = at.max(zero);
    }
}

fn is_text(byte: Option<&u8>) -> bool {
    matches!(byte, Some(b'\t' | b'\n' | b'\r' | b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, big_endian: bool) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect()
    }

    fn runs(bytes: &[u8]) -> Vec<String> {
        find(bytes).map(|text| String::from_utf8_lossy(&text.bytes).into_owned()).collect()
    }

    #[test]
    fn both_byte_orders_are_read_with_and_without_a_mark() {
        for big_endian in [false, true] {
            let text = utf16("key = value 1", big_endian);
            assert_eq!(runs(&text), ["key = value 1"]);
            let mark: &[u8] = if big_endian { &[0xfe, 0xff] } else { &[0xff, 0xfe] };
            assert_eq!(runs(&[mark, &text].concat()), ["key = value 1"]);
        }
    }

    #[test]
    fn a_text_is_read_to_its_last_character_wherever_it_is_cut() {
        let text = [b"\"", utf16("key = 'value'", true).as_slice()].concat();
        for cut in 0..6 {
            assert!(runs(&text[cut..])[0].ends_with("= 'value'"), "cut at {cut}");
        }
    }

    #[test]
    fn positions_map_back_to_the_original_bytes() {
        let bytes = [b"ab", utf16("a secret is here", true).as_slice()].concat();
        let text = find(&bytes).next().expect("one run");
        let at = text.bytes.windows(6).position(|w| w == b"secret").expect("in the text");
        let span = text.origin_span(ByteSpan::new(at, at + 6));
        assert_eq!(span.of(&bytes), b"s\0e\0c\0r\0e\0t");
    }

    #[test]
    fn plain_text_and_short_runs_have_none() {
        assert!(runs(b"plain text without any zero byte").is_empty());
        assert!(runs(b"a\0b\0c\0 and then text").is_empty());
    }
}
