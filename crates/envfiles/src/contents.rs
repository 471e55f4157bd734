//! The variables of an environment file, without their values.

use super::parse::{NotText, parse};

/// The longest name that is shown, in bytes.
const MAX_NAME_BYTES: usize = 128;
/// From how many bytes on a word of letters and digits may be encoded data: of both cases, or of many digits.
const MIN_MIXED_BYTES: usize = 16;
const MIN_CODED_BYTES: usize = 24;
const MIN_CODED_DIGITS: usize = 4;

/// The names of the variables in a dotenv file, in their order, each once.
///
/// # Errors
///
/// When it is no text.
pub fn variable_names(bytes: &[u8]) -> Result<Vec<String>, NotText> {
    let mut names: Vec<String> = Vec::new();
    for variable in parse(bytes)?.variables {
        let name = variable.name.to_string();
        if is_plain_name(&variable.name) && !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Whether it is a name as variables have them. What else stands in front of a `=` may be part of a value.
#[must_use]
pub fn is_plain_name(name: &[u8]) -> bool {
    name.len() <= MAX_NAME_BYTES
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte))
        && !name.split(|byte| b"_.-".contains(byte)).any(is_data)
}

/// Whether a part of a name is none: a line of a key in base64 that stands without quotes may end in `=`.
fn is_data(word: &[u8]) -> bool {
    let count = |is_one: fn(&u8) -> bool| word.iter().filter(|byte| is_one(byte)).count();
    let (lower, upper) = (count(u8::is_ascii_lowercase), count(u8::is_ascii_uppercase));
    let digits = count(u8::is_ascii_digit);
    (word.len() >= MIN_MIXED_BYTES && lower > 0 && upper > 0 && digits > 0)
        || (word.len() >= MIN_CODED_BYTES && lower + upper > 0 && digits >= MIN_CODED_DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_in_front_of_values() {
        let text = b"\xef\xbb\xbfA=1\r\n# B=2\nexport C='x'\nKEY=\"-----BEGIN\nabc=\nDEF=\n-----END\"\nD =\nA=2\nno name=1\n";
        assert_eq!(variable_names(text).expect("text"), ["A", "C", "KEY", "D"]);
    }

    #[test]
    fn a_line_of_a_key_is_no_name() {
        let line = ["MIIEvQIBADANBgkq", "hkiG9w0BAQEFAASC"].concat();
        let text = format!("KEY=-----BEGIN PRIVATE KEY-----\n{line}=\n{}=\n", "0f1e2d3c".repeat(4));
        assert_eq!(variable_names(text.as_bytes()).expect("text"), ["KEY"]);
        for name in
            ["AWS_ACCESS_KEY_ID", "S3_BUCKET_2024", "internationalizationServiceUrl", "oauth2Client.secret"]
        {
            assert!(is_plain_name(name.as_bytes()), "{name}");
        }
    }
}
