//! The variables of environment files that are no dotenv files: `secrets.toml`, `local.settings.json`, `.secrets.yaml`.

use bstr::{BString, ByteSlice};
use serde_json::Value;

use super::parse::{NotText, Parsed, Variable, parse, text};

/// The variables of the environment file at `path`, by its kind. What is malformed is read as a dotenv file, which any text is.
///
/// # Errors
///
/// When it is binary.
pub fn variables(path: &[u8], bytes: &[u8]) -> Result<Parsed, NotText> {
    let text = text(bytes)?;
    match text.to_str().ok().and_then(|text| tree(path, text)) {
        Some(tree) => {
            let mut variables = Vec::new();
            flatten(&tree, &mut BString::default(), &text, &mut variables);
            variables.sort_by(|a, b| (a.line, &a.name).cmp(&(b.line, &b.name)));
            Ok(Parsed { variables, unread_lines: Vec::new() })
        }
        None => parse(bytes),
    }
}

/// What a structured file holds; none where it is none, or malformed.
fn tree(path: &[u8], text: &str) -> Option<Value> {
    let is = |ending: &[u8]| path.len() > ending.len() && path.to_ascii_lowercase().ends_with(ending);
    if is(b".json") {
        serde_json::from_str(text).ok()
    } else if is(b".toml") {
        toml::from_str(text).ok()
    } else if is(b".yaml") || is(b".yml") {
        serde_yaml::from_str(text).ok()
    } else {
        None
    }
}

/// Adds each scalar below `value`, which is called `name`: `database.password`.
fn flatten(value: &Value, name: &mut BString, text: &[u8], variables: &mut Vec<Variable>) {
    let mut below = |part: &str, value: &Value| {
        let length = name.len();
        if length > 0 {
            name.push(b'.');
        }
        name.extend_from_slice(part.as_bytes());
        flatten(value, name, text, variables);
        name.truncate(length);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(part, value)| below(part, value)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| below(&at.to_string(), value));
        }
        Value::String(string) => variables.push(variable(name, string, text)),
        Value::Number(number) => variables.push(variable(name, &number.to_string(), text)),
        Value::Bool(_) | Value::Null => {}
    }
}

fn variable(name: &BString, value: &str, text: &[u8]) -> Variable {
    // The parsers do not tell where a value stands; where it is escaped it is its name that is found.
    let key = name.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    let needle = value.lines().next().unwrap_or_default();
    let at = text.find(needle).filter(|_| !needle.is_empty()).or_else(|| text.find(key)).unwrap_or(0);
    let line = 1 + text[..at].iter().filter(|&&byte| byte == b'\n').count() as u64;
    Variable::new(name.clone(), line, value.as_bytes(), None)
}

#[cfg(test)]
mod tests {
    use super::super::Judgement;
    use super::*;

    const RANDOM: &str = "Zq8vT3kWm5xR9nBc2yL7d";

    fn of(path: &str, text: &str) -> Vec<(String, u64, Judgement)> {
        let variables = variables(path.as_bytes(), text.as_bytes()).expect("text").variables;
        variables.iter().map(|found| (found.name.to_string(), found.line, found.judgement)).collect()
    }

    #[test]
    fn each_kind_of_file_has_its_variables() {
        let secret = |name: &str, line| (name.to_owned(), line, Judgement::Secret);
        let public = |name: &str, line| (name.to_owned(), line, Judgement::Public);
        let toml = format!("port = 80\n[database]\npassword = \"{RANDOM}\"\n");
        assert_eq!(of(".streamlit/secrets.toml", &toml), [public("port", 1), secret("database.password", 3)]);
        let json =
            format!("{{\n \"IsEncrypted\": false,\n \"Values\": {{ \"API_KEY\": \"{RANDOM}\" }}\n}}\n");
        assert_eq!(of("local.settings.json", &json), [secret("Values.API_KEY", 3)]);
        let yaml = format!("default:\n  token: {RANDOM}\n");
        assert_eq!(of(".secrets.yaml", &yaml), [secret("default.token", 2)]);
        assert_eq!(of(".env", &format!("TOKEN={RANDOM}\n")), [secret("TOKEN", 1)]);
    }

    #[test]
    fn what_is_malformed_is_read_line_by_line() {
        let broken = format!("[database\npassword = \"{RANDOM}\"\n");
        assert_eq!(of("secrets.toml", &broken), [("password".to_owned(), 2, Judgement::Secret)]);
    }
}
