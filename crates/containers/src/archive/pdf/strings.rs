//! Strings in dictionaries: titles, form fields, notes, addresses, scripts. In the file they may be escaped, in UTF-16 or packed, so
//! that a search of the file does not see them.

use super::syntax::{Text, Value};

/// The shortest string or name that may tell something, in bytes as it is written.
const MIN_STRING_BYTES: usize = 6;
const MIN_NAME_BYTES: usize = 16;

/// Whether an object has strings that a search of the file does not see: any, where it was packed.
pub(super) fn is_worth_reading(value: &Value<'_>, is_unpacked: bool) -> bool {
    let mut is_worth = false;
    visit(value, &mut |_, found| {
        is_worth |= match found {
            Found::Text(text) => {
                let (Text::Literal(raw) | Text::Hex(raw)) = text;
                raw.len() >= MIN_STRING_BYTES && (is_unpacked || !text.is_plain())
            }
            Found::Name(name) => is_unpacked && name.len() >= MIN_NAME_BYTES,
            Found::Field(..) => true,
        };
    });
    is_worth
}

/// An object's strings, each behind what it is called, a line each.
pub(super) fn of(value: &Value<'_>) -> String {
    let mut lines = String::new();
    let mut line = |key: &str, text: &str| {
        if !key.is_empty() {
            lines.extend([key, ": "]);
        }
        lines.extend([text, "\n"]);
    };
    visit(value, &mut |key, found| {
        let key = String::from_utf8_lossy(key);
        match found {
            Found::Text(text) => line(&key, &text.shown()),
            Found::Name(name) if name.len() >= MIN_NAME_BYTES => line(&key, &String::from_utf8_lossy(name)),
            Found::Name(_) => {}
            Found::Field(name, value) => line(&name.shown(), &value.shown()),
        }
    });
    lines
}

enum Found<'v> {
    Text(Text<'v>),
    Name(&'v [u8]),
    /// A field of a form: what it is called, and what was entered.
    Field(Text<'v>, Text<'v>),
}

/// Visits all strings and names below `value`, each with the key under which it stands.
fn visit<'v>(value: &'v Value<'_>, visitor: &mut impl FnMut(&'v [u8], Found<'v>)) {
    let mut next: Vec<(&[u8], &Value<'_>)> = vec![(b"", value)];
    while let Some((key, value)) = next.pop() {
        match value {
            Value::Text(text) => visitor(key, Found::Text(*text)),
            Value::Name(name) => visitor(key, Found::Name(name)),
            Value::Array(values) => next.extend(values.iter().rev().map(|value| (key, value))),
            Value::Dictionary(dictionary) => {
                let field = match [dictionary.get("T"), dictionary.get("V")] {
                    [Some(Value::Text(name)), Some(Value::Text(value))] => Some((*name, *value)),
                    _ => None,
                };
                if let Some((name, value)) = field {
                    visitor(key, Found::Field(name, value));
                }
                let entries = dictionary.0.iter().rev().map(|(key, value)| (&**key, value));
                next.extend(entries.filter(|(key, _)| field.is_none() || !matches!(*key, b"T" | b"V")));
            }
            Value::Number(_) | Value::Reference(_) | Value::Other => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_stand_behind_what_they_are_called() {
        let value = Value::parse(
            br"<</Title<FEFF00C4>/A[(one \(1\)) <</URI (http://x)>>]/B/Short/C/ALongerNameThanMost/D 1/K<</T(user)/V(me)/TU(x)>>>>",
        );
        let expected = "Title: Ä\nA: one (1)\nURI: http://x\nC: ALongerNameThanMost\nuser: me\nTU: x\n";
        assert_eq!(of(&value), expected);
    }

    #[test]
    fn what_the_file_shows_by_itself_is_not_read_again() {
        let is_worth =
            |written: &str, is_unpacked| is_worth_reading(&Value::parse(written.as_bytes()), is_unpacked);
        assert!(!is_worth("<</Title (as it is)>>", false));
        assert!(is_worth("<</Title (as it is)>>", true));
        assert!(is_worth(r"<</Title (es\143aped)>>", false));
        assert!(is_worth("<</Title <414243444546>>>", false));
        assert!(is_worth("<</T (name)/V (value)>>", false), "both together say more");
        assert!(!is_worth("<</Type /Page /Kids [1 0 R]>>", true));
    }
}
