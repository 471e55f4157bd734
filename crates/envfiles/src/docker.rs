//! Docker build contexts: what a Dockerfile copies of them, and what `.dockerignore` keeps out.

use std::path::{Path, PathBuf};

use bstr::{BString, ByteSlice};

use keysieve_model::provenance::path_bytes;
use keysieve_paths::docker::{DockerIgnore, clean, matches_path};

/// A Dockerfile with the context that it is built in.
#[derive(Debug)]
pub struct Context {
    /// The context's top directory.
    pub root: PathBuf,
    /// The Dockerfile.
    pub dockerfile: PathBuf,
    /// Its instructions that copy from the context.
    pub copies: Vec<CopyStep>,
    /// The ignore file that Docker reads, whether it is there or not.
    pub ignore_file: PathBuf,
    /// What it holds; none where it is malformed, and then nothing is built.
    pub ignores: Option<DockerIgnore>,
}

/// A `COPY` or `ADD` that takes files from the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyStep {
    /// Counted from 1.
    pub line: usize,
    /// The instruction as it was written, on one line.
    pub text: BString,
    /// What it copies, relative to the context; patterns of Go's `filepath.Match`.
    sources: Vec<String>,
    /// What `--exclude` leaves out.
    excludes: Vec<String>,
}

/// Whether a file of this name is a Dockerfile.
#[must_use]
pub fn is_dockerfile_name(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let is_ignore_file = name.ends_with(b".dockerignore") || name.ends_with(b".containerignore");
    let is_one = [b"dockerfile".as_slice(), b"containerfile"].iter().any(|kind| {
        name.strip_prefix(*kind).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"."))
            || name.strip_suffix(*kind).is_some_and(|rest| rest.ends_with(b"."))
    });
    is_one && !is_ignore_file
}

/// The names of the ignore files of a Dockerfile, the one that counts first.
/// <https://docs.docker.com/build/concepts/context/#filename-and-location>
#[must_use]
pub fn ignore_files(root: &Path, dockerfile: &Path) -> [PathBuf; 2] {
    let mut own = dockerfile.as_os_str().to_owned();
    own.push(".dockerignore");
    [PathBuf::from(own), root.join(".dockerignore")]
}

impl Context {
    /// The instruction that copies `file`, where none of the ignore file's lines keeps it out.
    #[must_use]
    pub fn copying(&self, file: &Path) -> Option<&CopyStep> {
        let path = path_bytes(file.strip_prefix(&self.root).ok()?);
        if self.ignores.as_ref().is_some_and(|ignores| ignores.excludes(&path)) {
            return None;
        }
        self.copies.iter().find(|copy| copy.takes(&path))
    }
}

impl CopyStep {
    /// Whether it takes the file at `path`, relative to the context.
    fn takes(&self, path: &[u8]) -> bool {
        self.sources.iter().any(|source| {
            if source == "." {
                return !self.leaves_out(path);
            }
            // A folder is copied with all that is in it.
            let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
            let mut ends = ends.chain([path.len()]);
            ends.any(|end| {
                let below = path[end..].strip_prefix(b"/").unwrap_or(file_name_of(path));
                matches_path(source, &path[..end]) && !self.leaves_out(below)
            })
        })
    }

    /// Whether `--exclude` leaves out what lies at `path` below what is copied.
    fn leaves_out(&self, path: &[u8]) -> bool {
        !self.excludes.is_empty()
            && DockerIgnore::parse(self.excludes.join("\n").as_bytes())
                .is_ok_and(|excludes| excludes.excludes(path))
    }
}

fn file_name_of(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
}

/// The instructions of a Dockerfile that copy from its context:
/// <https://docs.docker.com/reference/dockerfile/#copy>
#[must_use]
pub fn copies(text: &[u8]) -> Vec<CopyStep> {
    let mut copies = Vec::new();
    let mut variables: Vec<(String, Option<String>)> = Vec::new();
    for (line, text) in instructions(&text.to_str_lossy()) {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
        match word.to_ascii_uppercase().as_str() {
            "ARG" | "ENV" => variables.extend(assignments(rest)),
            "COPY" | "ADD" => copies.extend(copy(line, &text, rest, &variables)),
            _ => {}
        }
    }
    copies
}

/// The instructions with the lines that they begin at; lines that go on are joined, comments and here-documents left out.
fn instructions(text: &str) -> Vec<(usize, String)> {
    let text = text.trim_start_matches('\u{feff}');
    let escape = if text.lines().take_while(|line| line.starts_with('#')).any(is_backtick_directive) {
        '`'
    } else {
        '\\'
    };
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut open: Option<(usize, String)> = None;
    let mut documents: Vec<String> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if let Some(end) = documents.first() {
            if line.trim_start_matches('\t') == end {
                documents.remove(0);
            }
            continue;
        }
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let (start, mut joined) = open.take().unwrap_or((number, String::new()));
        match trimmed.strip_suffix(escape) {
            Some(part) => {
                joined.push_str(part);
                joined.push(' ');
                open = Some((start, joined));
            }
            None => {
                joined.push_str(trimmed);
                documents = here_documents(&joined);
                found.push((start, joined));
            }
        }
    }
    found.extend(open);
    found
}

fn is_backtick_directive(line: &str) -> bool {
    let directive: String = line.chars().filter(|character| !character.is_whitespace()).collect();
    directive.eq_ignore_ascii_case("#escape=`")
}

/// The words that end the here-documents which an instruction begins: `<<EOF`, `<<-"EOF"`.
fn here_documents(instruction: &str) -> Vec<String> {
    let word = instruction.split_whitespace().next().unwrap_or_default();
    if !["RUN", "COPY", "ADD"].iter().any(|known| word.eq_ignore_ascii_case(known)) {
        return Vec::new();
    }
    let begins = instruction.split_whitespace().filter_map(|part| {
        let name = part.split_once("<<")?.1.trim_start_matches('-').trim_matches(['"', '\'']);
        let is_name =
            !name.is_empty() && name.chars().all(|character| character.is_alphanumeric() || character == '_');
        is_name.then(|| name.to_owned())
    });
    begins.collect()
}

/// `ARG NAME=default`, `ENV A=1 B=2`.
fn assignments(rest: &str) -> impl Iterator<Item = (String, Option<String>)> {
    rest.split_whitespace().map(|word| match word.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.trim_matches(['"', '\'']).to_owned())),
        None => (word.to_owned(), None),
    })
}

fn copy(line: usize, text: &str, rest: &str, variables: &[(String, Option<String>)]) -> Option<CopyStep> {
    let mut rest = rest.trim_start();
    let mut excludes = Vec::new();
    while let Some(flag) = rest.strip_prefix("--") {
        let (flag, behind) = flag.split_once(char::is_whitespace).unwrap_or((flag, ""));
        match flag.split_once('=') {
            // From another stage or image, not from the context.
            Some(("from", _)) => return None,
            Some(("exclude", pattern)) => excludes.push(expanded(pattern, variables)),
            _ => {}
        }
        rest = behind.trim_start();
    }
    let words: Vec<String> = match serde_json::from_str(rest) {
        Ok(words) => words,
        Err(_) => rest.split_whitespace().map(str::to_owned).collect(),
    };
    let (_, sources) = words.split_last()?;
    let is_here = |source: &&String| {
        !source.contains("://") && !source.starts_with("git@") && !source.starts_with("<<")
    };
    let source = |source: &String| {
        let cleaned = clean(format!("/{}", expanded(source, variables)).as_bytes());
        let relative = cleaned.trim_start_matches('/');
        if relative.is_empty() { ".".to_owned() } else { relative.to_owned() }
    };
    let sources: Vec<String> = sources.iter().filter(is_here).map(source).collect();
    (!sources.is_empty()).then(|| CopyStep { line, text: text.into(), sources, excludes })
}

/// The text with variables in their values' place; one that is not known may be anything.
fn expanded(text: &str, variables: &[(String, Option<String>)]) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        let (name, fallback, behind) = match after.strip_prefix('{').and_then(|braced| braced.split_once('}'))
        {
            Some((inside, behind)) => match inside.split_once(":-") {
                Some((name, fallback)) => (name, Some(fallback), behind),
                None => (inside, None, behind),
            },
            None => {
                let end = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
                (&after[..end], None, &after[end..])
            }
        };
        let value = variables.iter().rev().find(|(known, _)| known == name);
        let value = value.and_then(|(_, value)| value.as_deref()).or(fallback);
        result.push_str(value.unwrap_or("*"));
        rest = behind;
    }
    result + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(dockerfile: &str, path: &str) -> Option<usize> {
        copies(dockerfile.as_bytes()).iter().find(|copy| copy.takes(path.as_bytes())).map(|copy| copy.line)
    }

    #[test]
    fn what_a_dockerfile_copies() {
        for (dockerfile, path, expected) in [
            ("FROM a\nCOPY . .\n", "app/.env", Some(2)),
            ("FROM a\nADD ./ /app/\n", ".env", Some(2)),
            ("COPY app /app\n", "app/.env", Some(1)),
            ("COPY app /app\n", "apple/.env", None),
            ("COPY app /app\n", ".env", None),
            ("copy *.env /\n", "prod.env", Some(1)),
            ("COPY *.env /\n", "conf/prod.env", None),
            ("COPY --chown=1:1 [\".\", \"/a b\"]\n", ".env", Some(1)),
            ("COPY --from=build . .\n", ".env", None),
            ("COPY --exclude=*.env . .\n", "prod.env", None),
            ("COPY --exclude=*.env . .\n", ".envrc", Some(1)),
            ("ADD https://example.com/a .\n", ".env", None),
            ("# COPY . .\nRUN x \\\n  # comment\n  && y\nCOPY \\\n  a \\\n  .env /\n", ".env", Some(5)),
            ("RUN <<EOF\nCOPY . .\nEOF\nCOPY a /\n", ".env", None),
            ("COPY <<EOF /x\nCOPY . .\nEOF\n", ".env", None),
            ("ARG SRC=app\nCOPY ${SRC} /\n", "app/.env", Some(2)),
            ("ARG SRC\nCOPY $SRC/ /\n", "other/.env", Some(2)),
            ("COPY ../.. /\n", ".env", Some(1)),
        ] {
            assert_eq!(takes(dockerfile, path), expected, "{dockerfile:?} and {path}");
        }
    }

    #[test]
    fn dockerfiles_by_name() {
        for name in ["Dockerfile", "Dockerfile.prod", "api.Dockerfile", "Containerfile", "dockerfile"] {
            assert!(is_dockerfile_name(name.as_bytes()), "{name}");
        }
        for name in ["Dockerfile.dockerignore", "mydockerfile", "Dockerfiles", ".dockerignore"] {
            assert!(!is_dockerfile_name(name.as_bytes()), "{name}");
        }
    }
}
