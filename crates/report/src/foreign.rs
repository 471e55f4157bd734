//! Reports of other scanners as findings: gitleaks (JSON), trufflehog (JSON Lines), detect-secrets (a baseline), kingfisher (JSON,
//! JSON Lines) and anything in SARIF. They become the objects that [`super::json`] writes, so that all that hides secrets there
//! hides theirs. How far a secret has gone none of them says.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use keysieve_model::finding::Secret;

use super::dates::parse_rfc3339;
use super::json::SCHEMA;

/// The key under which the digest of a foreign secret is handed on. It is compared, and never written.
pub(super) const VALUE_DIGEST: &str = "value_digest";
const FIX: &str = "Revoke it where it was issued, and take it out of the history.";

/// Another scanner's report.
pub(super) struct Foreign {
    /// Its name, and its version where the report says it.
    pub(super) tool: String,
    pub(super) version: Option<String>,
    /// Findings as ours are written, each with where it stands in the report.
    pub(super) findings: Vec<(String, Value)>,
    /// Those that the report says are none, or are known.
    pub(super) suppressed: Vec<(String, Value)>,
    /// Whether the report itself says that the run failed.
    pub(super) has_failed: bool,
}

impl Foreign {
    fn new(tool: impl Into<String>) -> Self {
        Self {
            tool: tool.into(),
            version: None,
            findings: Vec::new(),
            suppressed: Vec::new(),
            has_failed: false,
        }
    }

    fn push(&mut self, place: String, fact: &Facts<'_>) {
        let value = fact.value(&self.tool);
        match fact.allowed {
            None => self.findings.push((place, value)),
            Some(reason) => {
                let mut value = value;
                value["type"] = "suppressed".into();
                value["by"] = "baseline".into();
                value["reason"] = reason.into();
                self.suppressed.push((place, value));
            }
        }
    }

    /// The report of which this is the first line, if each of its lines is an object.
    pub(super) fn of_lines(name: &str, values: &[(usize, Value)]) -> Option<Self> {
        let (_, first) = values.first()?;
        let (tool, read): (_, fn(&Value) -> Option<Facts<'_>>) = match first {
            _ if is_trufflehog(first) => ("trufflehog", trufflehog),
            _ if is_kingfisher(first) => ("kingfisher", kingfisher),
            _ => return None,
        };
        let mut foreign = Self::new(tool);
        // Other lines are a summary, or what the scanner had to say.
        let findings = values.iter().filter_map(|(line, value)| Some((line, read(value)?)));
        findings.for_each(|(line, facts)| foreign.push(format!("{name}:{line}"), &facts));
        Some(foreign)
    }

    /// The report that this document is.
    pub(super) fn of_document(name: &str, document: &Value) -> Option<Self> {
        match document {
            Value::Array(list) => Self::of_list(name, list),
            Value::Object(object) if object.get("runs").is_some_and(Value::is_array) => {
                Some(Self::of_sarif(name, document))
            }
            Value::Object(object) if object.contains_key("plugins_used") => object
                .get("results")?
                .as_object()
                .map(|results| Self::of_detect_secrets(name, object, results)),
            Value::Object(object) => {
                let findings = object.get("findings")?.as_array()?;
                if findings.iter().any(is_kingfisher) { Self::of_list(name, findings) } else { None }
            }
            _ => None,
        }
    }

    fn of_list(name: &str, list: &[Value]) -> Option<Self> {
        // The report of gitleaks where it found nothing.
        let Some(first) = list.first() else { return Some(Self::new("gitleaks")) };
        let (tool, read): (_, fn(&Value) -> Option<Facts<'_>>) = match first {
            _ if is_gitleaks(first) => ("gitleaks", gitleaks),
            _ if is_trufflehog(first) => ("trufflehog", trufflehog),
            _ if is_kingfisher(first) => ("kingfisher", kingfisher),
            _ => return None,
        };
        let mut foreign = Self::new(tool);
        let findings = list.iter().enumerate().filter_map(|(at, value)| Some((at, read(value)?)));
        findings.for_each(|(at, facts)| foreign.push(format!("{name}: [{at}]"), &facts));
        Some(foreign)
    }

    /// <https://github.com/Yelp/detect-secrets#viewing-all-enabled-plugins>: a baseline names files and hashes.
    fn of_detect_secrets(name: &str, top: &Map<String, Value>, results: &Map<String, Value>) -> Self {
        let mut foreign = Self::new("detect-secrets");
        foreign.version = top.get("version").and_then(Value::as_str).map(str::to_owned);
        for (path, list) in results {
            for (at, found) in list.as_array().into_iter().flatten().enumerate() {
                let is_verified = found["is_verified"] == true;
                let facts = Facts {
                    rule: text(found, "type").unwrap_or("secret"),
                    path: Some(text(found, "filename").unwrap_or(path)),
                    line: number(found, "line_number"),
                    hash: text(found, "hashed_secret"),
                    is_verified,
                    allowed: (found["is_secret"] == false).then_some("audited: it is no secret"),
                    ..Facts::default()
                };
                foreign.push(format!("{name}: results[{path:?}][{at}]"), &facts);
            }
        }
        foreign
    }

    /// SARIF 2.1.0.
    fn of_sarif(name: &str, document: &Value) -> Self {
        let mut foreign = Self::new("SARIF");
        for (run_number, run) in document["runs"].as_array().into_iter().flatten().enumerate() {
            let driver = &run["tool"]["driver"];
            if run_number == 0 {
                foreign.tool = text(driver, "name").unwrap_or("SARIF").to_owned();
                let version = text(driver, "semanticVersion").or_else(|| text(driver, "version"));
                foreign.version = version.map(str::to_owned);
            }
            let invocations = run["invocations"].as_array().into_iter().flatten();
            foreign.has_failed |= invocations.into_iter().any(|one| one["executionSuccessful"] == false);
            for (at, result) in run["results"].as_array().into_iter().flatten().enumerate() {
                let place = format!("{name}: runs[{run_number}].results[{at}]");
                let value = of_sarif_result(&foreign.tool, driver, result);
                let suppression = result["suppressions"].as_array().and_then(|list| list.first());
                match suppression {
                    None => foreign.findings.push((place, value)),
                    Some(suppression) => {
                        let mut value = value;
                        value["type"] = "suppressed".into();
                        value["by"] =
                            if suppression["kind"] == "inSource" { "inline" } else { "baseline" }.into();
                        if let Some(reason) = text(suppression, "justification") {
                            value["reason"] = reason.into();
                        }
                        foreign.suppressed.push((place, value));
                    }
                }
            }
        }
        foreign
    }
}

/// The facts that a report has about a finding.
#[derive(Default)]
struct Facts<'a> {
    rule: &'a str,
    name: Option<&'a str>,
    path: Option<&'a str>,
    line: Option<u64>,
    column: Option<u64>,
    end_line: Option<u64>,
    end_column: Option<u64>,
    commit: Option<&'a str>,
    author: Option<String>,
    date: Option<String>,
    secret: Option<&'a str>,
    /// A digest in the secret's stead.
    hash: Option<&'a str>,
    is_verified: bool,
    confidence: Option<&'a str>,
    allowed: Option<&'static str>,
}

impl Facts<'_> {
    fn value(&self, tool: &str) -> Value {
        let commit = self.commit.filter(|commit| !commit.is_empty());
        let line = self.line.unwrap_or(1).max(1);
        let mut place = json!({
            "kind": match (commit, self.path) {
                (Some(_), _) => "git",
                (None, Some(_)) => "worktree",
                (None, None) => "stdin",
            },
            "line": line,
            "column": self.column.unwrap_or(1).max(1),
            "end_line": self.end_line.unwrap_or(line).max(line),
            "end_column": self.end_column.unwrap_or(1).max(1),
        });
        let date = self.date.as_deref().filter(|date| parse_rfc3339(date).is_some());
        for (key, fact) in
            [("path", self.path), ("commit", commit), ("author", self.author.as_deref()), ("date", date)]
        {
            if let Some(fact) = fact {
                place[key] = fact.into();
            }
        }
        let parts = [self.rule, self.path.unwrap_or_default(), commit.unwrap_or_default()];
        let position = format!("{line}:{}", self.column.unwrap_or(1));
        let hint = self.secret.map(|secret| Secret::new(secret.as_bytes()).hint(0));
        let mut value = json!({
            "type": "finding",
            "schema": SCHEMA,
            "rule": self.rule,
            "name": self.name.unwrap_or(self.rule),
            "provider": "",
            "severity": if self.is_verified { "critical" } else { "high" },
            "confidence": match self.confidence {
                _ if self.is_verified => "high",
                Some(word @ ("low" | "medium" | "high")) => word,
                _ => "medium",
            },
            "fingerprint": fingerprint(tool, &parts, &position),
            "hint": hint.as_deref().unwrap_or("..."),
            "exposure": "unknown",
            "fix": FIX,
            "places": [place],
        });
        if self.is_verified {
            value["note"] = format!("{tool} found that it works").into();
        }
        if let Some(secret) = self.secret {
            value["secret"] = secret.into();
        }
        if let Some(digest) =
            self.secret.map(|secret| hex(&Sha256::digest(secret))).or(self.hash.map(str::to_owned))
        {
            value[VALUE_DIGEST] = digest.into();
        }
        value
    }
}

/// Names a finding by its place: of what a report hides, or of a weak secret, there is nothing else that tells nothing.
fn fingerprint(tool: &str, parts: &[&str], position: &str) -> String {
    let mut digest = Sha256::new().chain_update("keysieve foreign 1\0").chain_update(tool);
    for part in parts.iter().chain([&position]) {
        digest = digest.chain_update("\0").chain_update(part);
    }
    hex(&digest.finalize()[..16])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// A number, which some write as text.
fn number(value: &Value, key: &str) -> Option<u64> {
    let value = value.get(key)?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// `Ann <ann@example.com>`
fn person(name: Option<&str>, address: Option<&str>) -> Option<String> {
    match (name, address) {
        (Some(name), Some(address)) => Some(format!("{name} <{address}>")),
        (name, address) => name.or(address).map(str::to_owned),
    }
}

fn is_gitleaks(value: &Value) -> bool {
    text(value, "RuleID").is_some() && value.get("StartLine").is_some()
}

/// <https://github.com/gitleaks/gitleaks#readme>: `--report-format json`.
fn gitleaks(value: &Value) -> Option<Facts<'_>> {
    Some(Facts {
        rule: text(value, "RuleID")?,
        name: text(value, "Description"),
        path: text(value, "File"),
        line: number(value, "StartLine"),
        column: number(value, "StartColumn"),
        end_line: number(value, "EndLine"),
        end_column: number(value, "EndColumn"),
        commit: text(value, "Commit"),
        author: person(text(value, "Author"), text(value, "Email")),
        date: text(value, "Date").map(str::to_owned),
        secret: text(value, "Secret").filter(|secret| *secret != "REDACTED"),
        ..Facts::default()
    })
}

fn is_trufflehog(value: &Value) -> bool {
    value.get("SourceMetadata").is_some() && text(value, "DetectorName").is_some()
}

/// <https://github.com/trufflesecurity/trufflehog#readme>: `--json`.
fn trufflehog(value: &Value) -> Option<Facts<'_>> {
    let rule = text(value, "DetectorName")?;
    let source = value["SourceMetadata"]["Data"].as_object().and_then(|data| data.values().next());
    let source = source.unwrap_or(&Value::Null);
    Some(Facts {
        rule,
        path: text(source, "file").or_else(|| text(source, "path")).or_else(|| text(source, "link")),
        line: number(source, "line"),
        commit: text(source, "commit"),
        author: text(source, "email").map(str::to_owned),
        date: text(source, "timestamp").and_then(rfc3339),
        secret: text(value, "Raw"),
        is_verified: value["Verified"] == true,
        ..Facts::default()
    })
}

/// `2024-03-01 12:00:00 +0100` as RFC 3339 has it.
fn rfc3339(time: &str) -> Option<String> {
    let mut words = time.split_whitespace();
    let (day, clock, offset) = (words.next()?, words.next(), words.next());
    match (clock, offset) {
        (Some(clock), Some(offset)) if offset.len() == 5 && offset.is_ascii() => {
            Some(format!("{day}T{clock}{}:{}", &offset[..3], &offset[3..]))
        }
        (None, None) => Some(day.to_owned()),
        _ => None,
    }
}

fn is_kingfisher(value: &Value) -> bool {
    value["rule"].is_object() && value["finding"].is_object()
}

/// <https://github.com/mongodb/kingfisher>: `--format json`.
fn kingfisher(value: &Value) -> Option<Facts<'_>> {
    let (rule, found) = (value.get("rule")?, value.get("finding")?);
    let (commit, file) = (&found["git_metadata"]["commit"], &found["git_metadata"]["file"]);
    let by = &commit["committer"];
    let status = text(&found["validation"], "status").unwrap_or_default();
    Some(Facts {
        rule: text(rule, "id").or_else(|| text(rule, "name"))?,
        name: text(rule, "name"),
        path: text(file, "path").or_else(|| text(found, "path")),
        line: number(found, "line"),
        column: number(found, "column_start"),
        end_column: number(found, "column_end"),
        commit: text(commit, "id"),
        author: person(text(by, "name"), text(by, "email")),
        date: text(commit, "date").or_else(|| text(by, "timestamp")).map(str::to_owned),
        secret: text(found, "snippet"),
        is_verified: status.eq_ignore_ascii_case("active credential"),
        confidence: text(found, "confidence"),
        ..Facts::default()
    })
}

/// Messages and snippets may quote a secret: of them nothing is taken.
fn of_sarif_result(tool: &str, driver: &Value, result: &Value) -> Value {
    let by_index =
        number(result, "ruleIndex").and_then(|index| driver["rules"].get(usize::try_from(index).ok()?));
    let id = text(result, "ruleId").or_else(|| text(&result["rule"], "id"));
    let id = id.or_else(|| text(by_index?, "id")).unwrap_or("secret");
    let by_id = || driver["rules"].as_array()?.iter().find(|rule| text(rule, "id") == Some(id));
    let rule = by_index.or_else(by_id).unwrap_or(&Value::Null);
    let name = text(&rule["shortDescription"], "text").or_else(|| text(rule, "name"));
    let level = text(result, "level").or_else(|| text(&rule["defaultConfiguration"], "level"));
    let properties = &result["properties"];
    let score = text(&rule["properties"], "security-severity").and_then(|score| score.parse::<f64>().ok());
    let severity = match (text(properties, "severity"), score, level) {
        (Some(word @ ("low" | "medium" | "high" | "critical")), ..) => word,
        (_, Some(score), _) if score >= 9.0 => "critical",
        (_, Some(score), _) if score >= 7.0 => "high",
        (_, Some(score), _) if score >= 4.0 => "medium",
        (_, Some(_), _) | (_, None, Some("note" | "none")) => "low",
        (_, None, Some("error")) => "high",
        _ => "medium",
    };
    let locations: Vec<&Value> = result["locations"].as_array().into_iter().flatten().collect();
    let paths: Vec<Option<String>> = locations.iter().map(|location| path_of(location)).collect();
    let facts: Vec<Facts<'_>> = locations
        .iter()
        .zip(&paths)
        .map(|(location, path)| {
            let region = &location["physicalLocation"]["region"];
            Facts {
                rule: id,
                name,
                path: path.as_deref(),
                line: number(region, "startLine"),
                column: number(region, "startColumn"),
                end_line: number(region, "endLine"),
                end_column: number(region, "endColumn"),
                confidence: text(properties, "confidence"),
                ..Facts::default()
            }
        })
        .collect();
    let nowhere = Facts { rule: id, name, ..Facts::default() };
    let mut value = facts.first().unwrap_or(&nowhere).value(tool);
    let places: Vec<Value> = facts.iter().map(|facts| facts.value(tool)["places"][0].clone()).collect();
    if !places.is_empty() {
        value["places"] = places.into();
    }
    value["severity"] = severity.into();
    if let Some(exposure) = text(properties, "exposure").filter(|_| tool == "keysieve") {
        value["exposure"] = exposure.into();
    }
    let fingerprints = &result["partialFingerprints"];
    if let Some(fingerprint) = text(fingerprints, "keysieve/v1") {
        value["fingerprint"] = fingerprint.into();
    }
    value
}

/// The path of a location: an address without its scheme, percent-decoded.
fn path_of(location: &Value) -> Option<String> {
    let uri = text(&location["physicalLocation"]["artifactLocation"], "uri")?;
    let path = uri.strip_prefix("file://").unwrap_or(uri);
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| byte == b'%').and_then(|digits| str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
