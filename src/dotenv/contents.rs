//! The variables of an environment file, without their values.

use super::parse::{NotText, parse};

/// The longest name that is shown, in bytes.
const MAX_NAME_BYTES: usize = 128;

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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_in_front_of_values() {
        let text = b"\xef\xbb\xbfA=1\r\n# B=2\nexport C='x'\nKEY=\"-----BEGIN\nabc=\nDEF=\n-----END\"\nD =\nA=2\nno name=1\n";
        assert_eq!(variable_names(text).expect("text"), ["A", "C", "KEY", "D"]);
    }
}
