//! Saved results -> [`Results`]: JSON Lines and JSON documents, as [`super::json`] writes them. What does not say that it is whole
//! is not complete.

use serde_json::{Map, Value};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use keysieve_model::finding::Secret;
use keysieve_model::redaction::Redaction;

use super::about::AboutJson;
use super::foreign::{Foreign, VALUE_DIGEST};
use super::json::{self, FindingJson, Results, SummaryJson, SuppressedFindingJson, UnreadJson};

const SAVE: &str = "save results with `--format jsonl -o FILE`";

/// Why saved results cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {what}; {remedy}")]
pub struct ReadError {
    place: String,
    what: String,
    remedy: &'static str,
}

impl ReadError {
    pub(super) fn new(place: impl Into<String>, what: impl Into<String>, remedy: &'static str) -> Self {
        Self { place: place.into(), what: what.into(), remedy }
    }
}

/// Reads results that were saved. Without `shows_secrets` no secret is left in them, also where the file has it.
///
/// # Errors
///
/// When it is nothing that this program wrote, or was damaged since.
pub fn read(name: &str, bytes: &[u8], shows_secrets: bool) -> Result<Results, ReadError> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        let what = "UTF-16, as PowerShell's `>` writes it";
        return Err(ReadError::new(name, what, "let keysieve write the file with `-o FILE`"));
    }
    let text = str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).map_err(|error| {
        let line = line_of(bytes, error.valid_up_to());
        ReadError::new(format!("{name}:{line}"), "not UTF-8", SAVE)
    })?;
    if text.trim().is_empty() {
        return Err(ReadError::new(name, "there is nothing in it", SAVE));
    }
    let mut objects = match foreign_lines(text) {
        true => Objects::of_foreign_lines(name, text)?,
        false if is_lines(text) => Objects::of_lines(name, text)?,
        false => Objects::of_document(name, text)?,
    };
    if !shows_secrets {
        objects.hide_secrets();
    }
    objects.results()
}

fn line_of(bytes: &[u8], offset: usize) -> usize {
    bytes[..offset].iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// Whether it is an object a line. A document begins with its list of findings.
fn is_lines(text: &str) -> bool {
    let Some(first) = text.lines().find(|line| !line.trim().is_empty()) else { return false };
    match serde_json::from_str::<Value>(first) {
        Ok(Value::Object(object)) => object.contains_key("type"),
        Ok(_) => false,
        Err(_) => first.trim_start().starts_with("{\"type\""),
    }
}

/// Whether it is an object a line that another scanner wrote.
fn foreign_lines(text: &str) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let first = serde_json::from_str::<Value>(first).ok().filter(Value::is_object);
    first.is_some_and(|first| Foreign::of_lines("", &[(1, first)]).is_some())
}

/// What is in a file, each object with where it stands.
struct Objects {
    name: String,
    findings: Vec<(String, Value)>,
    suppressed: Option<Vec<(String, Value)>>,
    summary: Option<(String, Value)>,
    /// What is missing at the end.
    torn: Option<String>,
    /// The number of the last line.
    last_line: usize,
    /// The scanner that wrote it, where that is another one.
    foreign: Option<AboutJson>,
}

impl Objects {
    fn of_lines(name: &str, text: &str) -> Result<Self, ReadError> {
        let mut objects = Self {
            name: name.to_owned(),
            findings: Vec::new(),
            suppressed: None,
            summary: None,
            torn: None,
            last_line: text.lines().count().max(1),
            foreign: None,
        };
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
        while let Some((at, line)) = lines.next() {
            let place = format!("{name}:{}", at + 1);
            if objects.summary.is_some() {
                let what = "there is more behind the summary";
                return Err(ReadError::new(place, what, "give the results of each run a file of their own"));
            }
            let value = match serde_json::from_str(line) {
                Ok(value) => value,
                Err(error) if error.is_eof() && lines.peek().is_none() => {
                    objects.torn = Some(format!("line {} is cut short", at + 1));
                    break;
                }
                Err(error) => return Err(ReadError::new(place, format!("not JSON: {error}"), SAVE)),
            };
            let kind = kind(&place, &value)?;
            match kind.as_str() {
                "finding" => objects.findings.push((place, value)),
                "suppressed" => objects.suppressed.get_or_insert_default().push((place, value)),
                "summary" => objects.summary = Some((place, value)),
                _ => return Err(unknown(&place, &kind)),
            }
        }
        Ok(objects)
    }

    /// The lines of another scanner's report.
    fn of_foreign_lines(name: &str, text: &str) -> Result<Self, ReadError> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let values: Result<Vec<(usize, Value)>, ReadError> = lines
            .map(|(at, line)| match serde_json::from_str(line) {
                Ok(value) => Ok((at + 1, value)),
                Err(error) => Err(not_json(&format!("{name}:{}", at + 1), &error)),
            })
            .collect();
        match Foreign::of_lines(name, &values?) {
            Some(foreign) => Ok(Self::of_foreign(name, foreign)),
            None => Err(ReadError::new(name, "no results that are known", SAVE)),
        }
    }

    fn of_foreign(name: &str, foreign: Foreign) -> Self {
        let Foreign { tool, version, findings, suppressed, has_failed } = foreign;
        let mut summary = SummaryJson::missing(findings.len());
        summary.complete = !has_failed;
        if has_failed {
            let why = format!("the report says that {tool} did not succeed");
            summary.unread.push(UnreadJson { what: name.to_owned(), what_bytes: None, why });
        }
        let shown = super::escaped(tool.as_bytes());
        summary
            .notices
            .push(format!("read from a report of {shown}, which does not say all that was not read"));
        let about = AboutJson { tool: Some(tool), version, ..AboutJson::default() };
        let summary = serde_json::to_value(summary).ok().map(|summary| (name.to_owned(), summary));
        Self {
            name: name.to_owned(),
            findings,
            suppressed: Some(suppressed).filter(|suppressed| !suppressed.is_empty()),
            summary,
            torn: None,
            last_line: 1,
            foreign: Some(about),
        }
    }

    fn of_document(name: &str, text: &str) -> Result<Self, ReadError> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let what = match error.is_eof() {
                true => "it is cut short".to_owned(),
                false => format!("neither JSON nor JSON Lines: {error}"),
            };
            ReadError::new(format!("{name}:{}", error.line()), what, SAVE)
        })?;
        if let Some(foreign) = Foreign::of_document(name, &value) {
            return Ok(Self::of_foreign(name, foreign));
        }
        let Value::Object(mut document) = value else {
            return Err(ReadError::new(name, "no results of keysieve", SAVE));
        };
        let mut list = |key: &str| -> Result<Option<Vec<(String, Value)>>, ReadError> {
            match document.remove(key) {
                Some(Value::Array(values)) => {
                    let place = |at: usize| format!("{name}: {key}[{at}]");
                    Ok(Some(values.into_iter().enumerate().map(|(at, value)| (place(at), value)).collect()))
                }
                Some(_) => Err(ReadError::new(name, format!("`{key}` is no list"), SAVE)),
                None => Ok(None),
            }
        };
        let (findings, suppressed) = (list("findings")?, list("suppressed")?);
        let Some(findings) = findings else {
            return Err(ReadError::new(name, "no results of keysieve: it has no `findings`", SAVE));
        };
        let summary = document.remove("summary").map(|summary| (format!("{name}: summary"), summary));
        for (place, value) in findings.iter().chain(suppressed.iter().flatten()).chain(&summary) {
            let kind = kind(place, value)?;
            if !["finding", "suppressed", "summary"].contains(&kind.as_str()) {
                return Err(unknown(place, &kind));
            }
        }
        let last_line = text.lines().count().max(1);
        Ok(Self {
            name: name.to_owned(),
            findings,
            suppressed,
            summary,
            torn: None,
            last_line,
            foreign: None,
        })
    }

    /// Takes the secrets away, and masks them in names, as the run would have done that was asked not to show them.
    fn hide_secrets(&mut self) {
        let values = self.findings.iter_mut().chain(self.suppressed.iter_mut().flatten());
        let mut secrets = Vec::new();
        for (_, value) in values {
            let Some(object) = value.as_object_mut() else { continue };
            let text = object.remove("secret");
            let bytes = object.remove("secret_bytes").and_then(|bytes| BASE64.decode(bytes.as_str()?).ok());
            let text = text.and_then(|text| Some(text.as_str()?.as_bytes().to_vec()));
            secrets.extend(bytes.or(text).map(|secret| Secret::new(&secret)));
        }
        let Some(redaction) = Redaction::of(&secrets, &[]) else { return };
        let values = self.findings.iter_mut().chain(self.suppressed.iter_mut().flatten());
        for (_, value) in values.chain(self.summary.iter_mut()) {
            mask(value, "", &redaction);
        }
    }

    fn results(self) -> Result<Results, ReadError> {
        let parsed =
            |(place, value): (String, Value)| -> Result<FindingJson, ReadError> { parse(&place, value) };
        let findings: Vec<FindingJson> = self.findings.into_iter().map(parsed).collect::<Result<_, _>>()?;
        let suppressed = self.suppressed.map(|suppressed| {
            let parsed = |(place, value): (String, Value)| -> Result<SuppressedFindingJson, ReadError> {
                parse(&place, value)
            };
            suppressed.into_iter().map(parsed).collect::<Result<_, _>>()
        });
        let mut missing: Vec<String> = self.torn.into_iter().collect();
        let mut summary: SummaryJson = match self.summary {
            Some((place, value)) => parse(&place, value)?,
            None => {
                missing.push(
                    "there is no summary at the end: the run that wrote it did not get to its end; run it again".to_owned(),
                );
                SummaryJson::missing(findings.len())
            }
        };
        if summary.findings != findings.len() {
            missing.push(format!(
                "the summary counts {} findings and there are {}: lines are missing; run it again",
                summary.findings,
                findings.len()
            ));
        }
        summary.complete &= missing.is_empty();
        let torn =
            (!missing.is_empty()).then(|| (format!("{}:{}", self.name, self.last_line), missing.join("; ")));
        let unread = |why: String| UnreadJson { what: self.name.clone(), what_bytes: None, why };
        summary.unread.extend(missing.into_iter().map(unread));
        if let Some(about) = self.foreign {
            summary.about = about;
        }
        Ok(Results { findings, suppressed: suppressed.transpose()?, summary, torn })
    }
}

/// What an object is, of a schema that is known.
fn kind(place: &str, value: &Value) -> Result<String, ReadError> {
    let Some(kind) = value.get("type").and_then(Value::as_str) else {
        return Err(ReadError::new(place, "no result of keysieve: it has no `type`", SAVE));
    };
    match value.get("schema").and_then(Value::as_u64) {
        Some(schema) if schema == u64::from(json::SCHEMA) => Ok(kind.to_owned()),
        _ => {
            let what = "its `schema` is not 1";
            Err(ReadError::new(place, what, "a newer keysieve wrote it; update this one"))
        }
    }
}

fn not_json(place: &str, error: &serde_json::Error) -> ReadError {
    let what = if error.is_eof() { "it is cut short".to_owned() } else { format!("not JSON: {error}") };
    ReadError::new(place, what, SAVE)
}

impl Results {
    /// Checks that the file they are from was not cut off; `name` is its name.
    pub(super) fn check_whole(&self, name: &str) -> Result<(), ReadError> {
        match &self.torn {
            None => Ok(()),
            Some((place, what)) => {
                let place = if place.is_empty() { name } else { place };
                Err(ReadError::new(place, what.clone(), "compare results of runs that got to their ends"))
            }
        }
    }
}

fn unknown(place: &str, kind: &str) -> ReadError {
    let kind = super::escaped(kind.as_bytes());
    ReadError::new(
        place,
        format!("an object of the unknown type `{kind}`"),
        "a newer keysieve wrote it; update this one",
    )
}

fn parse<T: serde::de::DeserializeOwned>(place: &str, value: Value) -> Result<T, ReadError> {
    serde_json::from_value(value)
        .map_err(|error| ReadError::new(place, error.to_string(), "run the scan again"))
}

/// Masks secrets in all texts below `value`, which stands under `key`.
fn mask(value: &mut Value, key: &str, redaction: &Redaction) {
    match value {
        Value::String(text) if key.ends_with("_bytes") => {
            let masked = BASE64.decode(&*text).ok().and_then(|bytes| redaction.masked_name(&bytes));
            if let Some(masked) = masked {
                *text = BASE64.encode(masked);
            }
        }
        Value::String(text) => {
            let masked = match key {
                "instruction" | "deleted_by_instruction" => redaction.masked_command(text.as_bytes()),
                // These name no secret, and other fields are compared with them.
                VALUE_DIGEST | "type" | "rule" | "fingerprint" | "group" | "hint" => None,
                _ => redaction.masked_name(text.as_bytes()),
            };
            if let Some(masked) = masked {
                *text = String::from_utf8_lossy(&masked).into_owned();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| mask(value, key, redaction)),
        Value::Object(object) => mask_object(object, redaction),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn mask_object(object: &mut Map<String, Value>, redaction: &Redaction) {
    object.iter_mut().for_each(|(key, value)| mask(value, key, redaction));
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMMARY: &str =
        r#"{"type":"summary","schema":1,"complete":true,"findings":0,"read":{},"unread":[],"seconds":0.1}"#;

    fn message(text: &str) -> String {
        read("r.jsonl", text.as_bytes(), false).expect_err("refused").to_string()
    }

    #[test]
    fn what_is_no_result_is_refused_with_its_place_and_a_remedy() {
        assert_eq!(
            message(" \n"),
            "r.jsonl: there is nothing in it; save results with `--format jsonl -o FILE`"
        );
        assert!(message("no secrets found\n").starts_with("r.jsonl:1: neither JSON nor JSON Lines"));
        assert!(message("[1]").contains("no results of keysieve"));
        assert!(message("{}").contains("it has no `findings`"));
        assert!(message("{\"findings\":[\n").starts_with("r.jsonl:2: it is cut short"));
        assert!(
            message(&format!("{SUMMARY}\n{SUMMARY}"))
                .starts_with("r.jsonl:2: there is more behind the summary")
        );
        assert!(message(r#"{"type":"summary","schema":2}"#).contains("update this one"));
        assert!(message(r#"{"type":"novelty","schema":1}"#).contains("unknown type `novelty`"));
        let finding = r#"{"type":"finding","schema":1,"rule":"x"}"#;
        assert!(message(&format!("{finding}\n{SUMMARY}")).starts_with("r.jsonl:1: missing field `name`"));
        assert!(message(&format!("{finding},\n{SUMMARY}")).starts_with("r.jsonl:1: not JSON"));
        let utf16 = read("r.jsonl", b"\xff\xfe{\0}\0", false).expect_err("refused").to_string();
        assert!(utf16.contains("PowerShell"));
        let latin = read("r.jsonl", b"\n\xe4", false).expect_err("refused").to_string();
        assert!(latin.starts_with("r.jsonl:2: not UTF-8"));
    }

    #[test]
    fn what_has_no_end_is_not_complete() {
        let whole = read("r", SUMMARY.as_bytes(), false).expect("results");
        assert!(whole.is_complete());
        let bom = read("r", ["\u{feff}", SUMMARY].concat().as_bytes(), false).expect("results");
        assert!(bom.is_complete());
        for torn in [r#"{"type":"finding","sch"#, r#"{"findings":[]}"#, &SUMMARY.replace(":0,", ":1,")] {
            let results = read("r", torn.as_bytes(), false).expect("results");
            assert!(!results.is_complete(), "{torn}");
            assert_eq!(results.summary.unread.len().min(1), 1);
        }
    }
}
