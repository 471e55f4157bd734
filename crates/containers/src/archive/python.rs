//! Compiled Python (`.pyc`): its strings, a line each. In the file itself the next object's type, often a letter, stands right
//! behind a string, so that no token seems to end where it does.

use std::io::{self, Read};

/// The longest file that is looked at, in bytes; real ones have a tenth of that.
const MAX_BYTES: u64 = 64 << 20;
/// The shortest string that is kept, in bytes.
const MIN_STRING_BYTES: usize = 6;
/// Marks an object that others refer to.
const IS_REFERRED_TO: u8 = 0x80;

/// The strings of the code in `stream`, each with a line end.
///
/// # Errors
///
/// When the stream cannot be read.
pub(super) fn strings(stream: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut code = Vec::new();
    stream.take(MAX_BYTES).read_to_end(&mut code)?;
    let mut strings = Vec::new();
    let mut at = 0;
    // Objects are not followed from one to the next, which would have to know every version's layout: a string shows in its type,
    // its length, and in being text.
    while at < code.len() {
        match string_at(&code[at..]) {
            Some((header, text)) if text.len() >= MIN_STRING_BYTES && is_text(text) => {
                strings.extend_from_slice(text);
                strings.push(b'\n');
                at += header + text.len();
            }
            _ => at += 1,
        }
    }
    Ok(strings)
}

/// The string object that begins here, as the length of its header and its text.
fn string_at(code: &[u8]) -> Option<(usize, &[u8])> {
    let (header, length) = match code.first()? & !IS_REFERRED_TO {
        b'z' | b'Z' => (2, usize::from(*code.get(1)?)),
        b's' | b't' | b'u' | b'a' | b'A' => {
            (5, usize::try_from(u32::from_le_bytes(code.get(1..5)?.try_into().ok()?)).ok()?)
        }
        _ => return None,
    };
    Some((header, code.get(header..header.checked_add(length)?)?))
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte >= b' ' || matches!(byte, b'\t' | b'\n' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_told_from_what_follows_them() {
        let code = b"\xe3\x00\x00z\x06abcdefN\xda\x07ghijklmz\x03abcs\x08\0\0\0nopqrstu\xff";
        let found = strings(&mut code.as_slice()).expect("it is in memory");
        assert_eq!(String::from_utf8_lossy(&found), "abcdef\nghijklm\nnopqrstu\n");
    }

    #[test]
    fn lengths_that_lie_are_no_strings() {
        assert_eq!(strings(&mut b"s\xff\xff\xff\xffabcdefgh".as_slice()).expect("in memory"), b"");
    }
}
