//! What a run is about, for its results: what was typed, and the repository.

use std::ffi::OsString;
use std::path::Path;

use bstr::{BString, ByteSlice as _};
use keysieve_git::{Repository, without_credentials};
use keysieve_model::about::AboutRepository;

use super::args::{Common, ConfidenceArg};

/// Options that change only how results are written or how fast they come, and whether each has a value.
const OUTPUT_OPTIONS: &[(&str, bool)] = &[
    ("--format", true),
    ("--output", true),
    ("-o", true),
    ("--also", true),
    ("--color", true),
    ("--outputs", true),
    ("--threads", true),
    ("-j", true),
    ("--no-cache", false),
    ("--scan-whole", false),
    ("--quiet", false),
    ("-q", false),
    ("--verbose", false),
    ("-v", false),
    ("--show-secrets", false),
    ("--show-suppressed", false),
];

/// The command as it was typed, without what changes only how results are written.
pub(crate) fn command_line() -> BString {
    told(std::env::args_os().skip(1))
}

fn told(arguments: impl Iterator<Item = OsString>) -> BString {
    let mut command = BString::from("keysieve");
    let mut skips_next = false;
    let mut are_options_over = false;
    for argument in arguments {
        let bytes = argument.as_encoded_bytes();
        if std::mem::take(&mut skips_next) {
            continue;
        }
        if !are_options_over && bytes.len() > 1 && bytes.starts_with(b"-") {
            let name = bytes.split_once_str("=").map_or(bytes, |(name, _)| name);
            let is_short = !bytes.starts_with(b"--");
            let known = OUTPUT_OPTIONS.iter().find(|(option, has_value)| {
                let option = option.as_bytes();
                option == name || (is_short && *has_value && option.len() == 2 && bytes.starts_with(option))
            });
            if let Some((option, has_value)) = known {
                skips_next = *has_value && bytes.len() == option.len();
                continue;
            }
            are_options_over = bytes == b"--";
        }
        command.push(b' ');
        command.extend_from_slice(&quoted(without_credentials(bytes.as_bstr()).as_slice()));
    }
    command
}

/// The command that explains a finding of a run with these options; `what` is `ID` or `FILE:LINE`.
pub(crate) fn explain_command(what: &str, repo: Option<&Path>, common: &Common) -> BString {
    let mut command = BString::from(format!("keysieve explain {what}"));
    let mut add = |option: &str, value: &[u8]| {
        command.extend_from_slice(format!(" {option} ").as_bytes());
        command.extend_from_slice(&quoted(value));
    };
    let files = [("--config", &common.config), ("--baseline", &common.baseline)];
    let files = files.into_iter().filter_map(|(option, file)| Some((option, file.as_deref()?)));
    let files = repo.map(|repo| ("--repo", repo)).into_iter().chain(files);
    let rules = common.rules.iter().map(|file| ("--rules", file.as_path()));
    files.chain(rules).for_each(|(option, file)| add(option, file.as_os_str().as_encoded_bytes()));
    if matches!(common.min_confidence, ConfidenceArg::Low) {
        add("--min-confidence", b"low");
    }
    command
}

/// The same for a finding of an audit of `repo`.
pub(crate) fn explain_by_id(repo: &Path, common: &Common) -> BString {
    explain_command("ID", Some(repo).filter(|repo| *repo != Path::new(".")), common)
}

/// The argument as a shell takes it for one word.
fn quoted(argument: &[u8]) -> Vec<u8> {
    let is_plain =
        |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"-_./:=@,+%^~".contains(byte);
    if !argument.is_empty() && argument.iter().all(is_plain) {
        return argument.to_vec();
    }
    [b"'", argument.replace("'", "'\\''").as_slice(), b"'"].concat()
}

/// The repository as results name it.
pub(crate) fn about_repository(repository: &Repository) -> AboutRepository {
    let url = repository.remote_url();
    let last_part = |url: &BString| {
        let url = url.trim_end_with(|end| end == '/');
        let name = url.rsplit_once_str("/").map_or(url, |(_, name)| name);
        BString::from(name.strip_suffix(b".git").unwrap_or(name))
    };
    let folder = || {
        let top = repository.top();
        let top = top.canonicalize().unwrap_or_else(|_| top.to_owned());
        top.file_name().map(|name| BString::from(name.as_encoded_bytes())).unwrap_or_default()
    };
    let (branch, head) = repository.head();
    AboutRepository {
        name: url.as_ref().map(last_part).filter(|name| !name.is_empty()).unwrap_or_else(folder),
        url,
        head: head.map(|id| id.to_string()),
        branch: branch.map(|name| name.strip_prefix(b"refs/heads/").unwrap_or(&name).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_without_how_results_are_written() {
        let shown = |words: &str| told(words.split(' ').map(OsString::from)).to_string();
        assert_eq!(shown("audit . --rev v2 --format json -o r.json"), "keysieve audit . --rev v2");
        assert_eq!(shown("audit --format=json -or.json -j4 -q x"), "keysieve audit x");
        assert_eq!(shown("scan -v -- -o a"), "keysieve scan -- -o a");
        assert_eq!(shown("scan a;b"), "keysieve scan 'a;b'");
        assert_eq!(shown("scan https://me:word@example.org/a"), "keysieve scan https://example.org/a");
    }
}
