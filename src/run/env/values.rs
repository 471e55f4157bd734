//! What the values of environment files are, as they lie on disk and in the versions that git has.

use std::fs::File;
use std::path::Path;

use bstr::BStr;

use crate::run::sweep::{MAX_FILE_BYTES, read_limited};
use keysieve_envfiles::{JudgedValue, SecretValue, is_plain_name, is_text, variables};
use keysieve_git::Repository;
use keysieve_model::provenance::ObjectId;

use super::secrets::SecretsByPath;

/// What each value of a file on disk is, and those secrets among them that no rule found. None where it cannot be read: who reads
/// the file for its secrets says so.
pub(super) fn on_disk(
    file: &Path,
    shown: &BStr,
    secrets: &SecretsByPath,
) -> (Vec<JudgedValue>, Vec<SecretValue>) {
    let bytes = File::open(file).and_then(read_limited).unwrap_or_default();
    let variables = variables(shown, &bytes).unwrap_or_default().variables;
    let unmatched = secrets.judged(shown, &bytes, &variables);
    let judged = variables.into_iter().map(|variable| JudgedValue {
        line: variable.line,
        name: Some(variable.name).filter(|name| is_plain_name(name)),
        judgement: variable.judgement,
    });
    (judged.collect(), unmatched)
}

/// The secrets that no rule found among the values of versions that git has.
pub(super) fn in_git<'a>(
    repository: &Repository,
    versions: impl IntoIterator<Item = &'a ObjectId>,
    shown: &BStr,
    secrets: &SecretsByPath,
) -> Vec<SecretValue> {
    let of_version = |id: &ObjectId| {
        let bytes = repository.object(id).ok().filter(|bytes| bytes.len() as u64 <= MAX_FILE_BYTES)?;
        let variables = variables(shown, &bytes).ok()?.variables;
        Some(secrets.judged(shown, &bytes, &variables))
    };
    versions.into_iter().filter_map(of_version).flatten().collect()
}

/// Why the values of a file are not judged one by one; none where they are, or where it cannot be opened: who reads it for its
/// secrets says so.
pub(super) fn why_not_judged(file: &Path) -> Option<String> {
    let why = match read_limited(File::open(file).ok()?) {
        Ok(bytes) if is_text(&bytes) => return None,
        Ok(_) => "it is binary".to_owned(),
        Err(error) => error.to_string(),
    };
    Some(format!("{why}: its values are not judged one by one; rules look through it as through any file"))
}
