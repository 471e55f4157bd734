//! A validator for as much of JSON Schema as the schemas in `tests/schemas` use. What it does not know is a panic, not a pass.

use serde_json::Value;

/// What is wrong with `value`, each with where it is; empty where it obeys `schema`.
pub(crate) fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    Validator { root: schema }.check(schema, value, "", &mut found);
    found
}

struct Validator<'a> {
    root: &'a Value,
}

impl Validator<'_> {
    fn check(&self, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
        for (keyword, wanted) in schema.as_object().unwrap() {
            let is_fine = match keyword.as_str() {
                "$schema" | "title" | "description" | "default" | "definitions" => true,
                "$ref" => {
                    let target = self.root.pointer(wanted.as_str().unwrap().strip_prefix('#').unwrap());
                    self.check(target.unwrap(), value, at, found);
                    true
                }
                "type" => is_of_type(wanted, value),
                "enum" => wanted.as_array().unwrap().contains(value),
                "required" => {
                    strings(wanted).all(|key| value.as_object().is_none_or(|it| it.contains_key(key)))
                }
                "properties" => {
                    for (key, schema) in wanted.as_object().unwrap() {
                        if let Some(value) = value.get(key) {
                            self.check(schema, value, &format!("{at}/{key}"), found);
                        }
                    }
                    true
                }
                "additionalProperties" => self.check_others(schema, value, at, found),
                "items" => {
                    for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(wanted, item, &format!("{at}/{number}"), found);
                    }
                    true
                }
                "minItems" => value.as_array().is_none_or(|it| it.len() as u64 >= wanted.as_u64().unwrap()),
                "minLength" => length(value).is_none_or(|length| length >= wanted.as_u64().unwrap()),
                "maxLength" => length(value).is_none_or(|length| length <= wanted.as_u64().unwrap()),
                "uniqueItems" => value.as_array().is_none_or(|it| {
                    !wanted.as_bool().unwrap()
                        || it.iter().enumerate().all(|(at, one)| !it[..at].contains(one))
                }),
                "minimum" => value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()),
                "maximum" => value.as_f64().is_none_or(|number| number <= wanted.as_f64().unwrap()),
                "pattern" => value.as_str().is_none_or(|text| {
                    regex_automata::meta::Regex::new(wanted.as_str().unwrap()).unwrap().is_match(text)
                }),
                "format" => value.as_str().is_none_or(|text| has_format(wanted.as_str().unwrap(), text)),
                "anyOf" => self.fitting(wanted, value, at) > 0,
                "oneOf" => self.fitting(wanted, value, at) == 1,
                _ => panic!("{keyword} is not known here"),
            };
            if !is_fine {
                found.push(format!("{at}: {keyword} {wanted}: {value}"));
            }
        }
    }

    fn check_others(&self, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) -> bool {
        let Some(object) = value.as_object() else { return true };
        let mut others = object.iter().filter(|(key, _)| schema["properties"].get(key).is_none());
        match &schema["additionalProperties"] {
            Value::Bool(allowed) => *allowed || others.next().is_none(),
            schema => {
                others.for_each(|(key, value)| self.check(schema, value, &format!("{at}/{key}"), found));
                true
            }
        }
    }

    fn fitting(&self, schemas: &Value, value: &Value, at: &str) -> usize {
        let fits = |schema: &&Value| {
            let mut found = Vec::new();
            self.check(schema, value, at, &mut found);
            found.is_empty()
        };
        schemas.as_array().unwrap().iter().filter(fits).count()
    }
}

/// A text's length in characters.
fn length(value: &Value) -> Option<u64> {
    value.as_str().map(|text| text.chars().count() as u64)
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap())
}

fn is_of_type(wanted: &Value, value: &Value) -> bool {
    if let Value::Array(any) = wanted {
        return any.iter().any(|one| is_of_type(one, value));
    }
    match wanted.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("{other} is no type"),
    }
}

fn has_format(format: &str, text: &str) -> bool {
    let is_uri_character =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    let is_escaped = text
        .split('%')
        .skip(1)
        .all(|rest| rest.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)));
    let is_reference = text.bytes().all(is_uri_character) && is_escaped;
    match format {
        "uri-reference" => {
            is_reference && (text.contains("://") || !text.split('/').next().unwrap().contains(':'))
        }
        "uri" => is_reference && text.contains("://"),
        "date-time" => text.len() >= 20 && text.as_bytes()[10] == b'T',
        "uuid" => text.split('-').map(str::len).eq([8, 4, 4, 4, 12]),
        other => panic!("{other} is no format"),
    }
}
