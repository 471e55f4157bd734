//! What other scanners' baselines and ignore files say of a secret: its digest, itself, or the place where it was.

use keysieve_paths::control;
use serde::Deserialize;

/// An entry of somebody else's baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The entry, as it is told when it cannot be carried over.
    pub told: String,
    /// What it names.
    pub named: Named,
}

/// How an entry names a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// By its SHA-1, in hexadecimal digits (detect-secrets).
    Sha1(String),
    /// By itself (a gitleaks report that was not redacted).
    Secret(String),
    /// By where it was.
    Place {
        /// The path.
        path: String,
        /// The line, from 1.
        line: u64,
        /// The commit, where one is named.
        commit: Option<String>,
    },
}

#[derive(Deserialize)]
struct DetectSecrets {
    results: std::collections::BTreeMap<String, Vec<DetectSecretsEntry>>,
}

#[derive(Deserialize)]
struct DetectSecretsEntry {
    hashed_secret: String,
    #[serde(default)]
    line_number: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GitleaksEntry {
    #[serde(default, rename = "RuleID")]
    rule: String,
    file: String,
    start_line: u64,
    #[serde(default)]
    commit: String,
    #[serde(default)]
    secret: String,
}

/// Reads `.gitleaksignore` and files of its form, a gitleaks report in JSON, or `.secrets.baseline`: told by their content.
///
/// # Errors
///
/// When it is none of them.
pub fn parse(text: &str) -> Result<Vec<Imported>, String> {
    let start = text.trim_start();
    if start.starts_with('{') {
        let parsed: DetectSecrets = serde_json::from_str(text)
            .map_err(|error| format!("not a baseline of detect-secrets: {error}"))?;
        let entries = parsed.results.into_iter().flat_map(|(path, entries)| {
            entries.into_iter().map(move |entry| Imported {
                told: format!("{path}:{}", entry.line_number),
                named: Named::Sha1(entry.hashed_secret.to_ascii_lowercase()),
            })
        });
        return Ok(entries.collect());
    }
    if start.starts_with('[') {
        let parsed: Vec<GitleaksEntry> =
            serde_json::from_str(text).map_err(|error| format!("not a report of gitleaks: {error}"))?;
        return Ok(parsed.into_iter().map(of_gitleaks).collect());
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(of_ignore_line).collect()
}

fn of_gitleaks(entry: GitleaksEntry) -> Imported {
    let GitleaksEntry { rule, file, start_line, commit, secret } = entry;
    let is_redacted = secret.is_empty() || secret.contains("REDACTED") || secret.ends_with("...");
    Imported {
        told: format!("{file}:{start_line} ({rule})"),
        named: if is_redacted {
            let commit = Some(commit).filter(|commit| !commit.is_empty());
            Named::Place { path: file, line: start_line, commit }
        } else {
            Named::Secret(secret)
        },
    }
}

/// `[commit:]path:rule:line`
fn of_ignore_line(line: &str) -> Result<Imported, String> {
    let fail = || format!("`{}` is not `[COMMIT:]PATH:RULE:LINE`", control::shortened(line));
    let mut parts = line.rsplitn(3, ':');
    let number = parts.next().and_then(|number| number.parse().ok()).ok_or_else(fail)?;
    let _rule = parts.next().ok_or_else(fail)?;
    let place = parts.next().ok_or_else(fail)?;
    let is_commit =
        |text: &str| matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (commit, path) = match place.split_once(':') {
        Some((commit, path)) if is_commit(commit) => (Some(commit.to_owned()), path),
        _ => (None, place),
    };
    Ok(Imported {
        told: line.to_owned(),
        named: Named::Place { path: path.to_owned(), line: number, commit },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignore_lines_with_and_without_a_commit() {
        let commit = "a".repeat(40);
        let text = format!("# comment\n{commit}:src/a.py:generic-api-key:12\n\nC:/b.py:aws:3\n");
        let parsed = parse(&text).expect("two lines");
        let place = |path: &str, line, commit: Option<&str>| Named::Place {
            path: path.to_owned(),
            line,
            commit: commit.map(str::to_owned),
        };
        assert_eq!(parsed[0].named, place("src/a.py", 12, Some(&commit)));
        assert_eq!(parsed[1].named, place("C:/b.py", 3, None));
        assert!(parse("a line\n").is_err());
    }

    #[test]
    fn json_is_told_apart() {
        let entry = r#"{"RuleID":"x","File":"a.py","StartLine":2,"Commit":"","Secret":"REDACTED"}"#;
        let parsed = parse(&format!("[{entry}]")).expect("a report");
        assert!(matches!(&parsed[0].named, Named::Place { line: 2, commit: None, .. }));
        let baseline = r#"{"version":"1","results":{"a.py":[{"hashed_secret":"AB","line_number":3}]}}"#;
        assert_eq!(parse(baseline).expect("a baseline")[0].named, Named::Sha1("ab".to_owned()));
        assert!(parse("{}").is_err());
    }
}
