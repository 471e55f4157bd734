//! What stands in an environment file: the one place that reads its lines.

/// The names of the variables in a dotenv file, in their order, each once. What stands inside of a quoted value is none.
#[must_use]
pub fn variable_names(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut names: Vec<String> = Vec::new();
    let mut open_quote: Option<char> = None;
    for line in text.trim_start_matches('\u{feff}').lines() {
        if let Some(quote) = open_quote {
            if line.contains(quote) {
                open_quote = None;
            }
            continue;
        }
        let line = line.trim_start();
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        let Some((name, value)) = line.split_once('=') else { continue };
        let name = name.trim_end();
        let value = value.trim_start();
        open_quote = value
            .chars()
            .next()
            .filter(|&quote| matches!(quote, '"' | '\'' | '`') && !value[1..].contains(quote));
        let is_name = |name: &str| {
            let mut characters = name.chars();
            characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
                && characters.all(|character| character.is_ascii_alphanumeric() || "_.-".contains(character))
        };
        if is_name(name) && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_in_front_of_values() {
        let text = b"\xef\xbb\xbfA=1\r\n# B=2\nexport C='x'\nKEY=\"-----BEGIN\nabc=\nDEF=\n-----END\"\nD =\nA=2\nno name=1\n";
        assert_eq!(variable_names(text), ["A", "C", "KEY", "D"]);
    }
}
