//! What git ignores in a work tree, and which line of which file says so.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bstr::{BStr, BString, ByteSlice};

use keysieve_model::coverage::Unread;
use keysieve_model::env_file::{Decision, TakenBack};
use keysieve_model::provenance::path_bytes;
use keysieve_model::sync::lock;
use keysieve_paths::git::{IgnoreFile, Pattern};
use keysieve_paths::{IgnoreSettings, control};

/// The largest ignore file that is honoured, in bytes; git has the same limit.
const MAX_IGNORE_FILE_BYTES: u64 = 100 << 20;

/// What the ignore files say of a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Whether git ignores it, as long as it does not track it.
    pub is_ignored: bool,
    /// The line that decides, as `git check-ignore -v` names it.
    pub decision: Option<Decision>,
    /// Where it is not ignored: a line that would ignore it or a folder that it lies in, had not another one taken that back.
    pub taken_back: Option<TakenBack>,
}

/// Whose ignore files count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// All that git honours here.
    All,
    /// The `.gitignore` files, which everyone has.
    Everyones,
}

/// The ignore files of a work tree. They are read when they are needed first.
#[derive(Debug)]
pub struct Ignores {
    top: PathBuf,
    settings: IgnoreSettings,
    /// The user's own, the one that counts most first.
    own: Vec<Listed>,
    /// By the folder that they lie in.
    listed: Mutex<BTreeMap<BString, Arc<Listed>>>,
    unread: Mutex<Vec<Unread>>,
}

#[derive(Debug)]
struct Listed {
    file: BString,
    is_own: bool,
    patterns: IgnoreFile,
}

impl Listed {
    fn decision(&self, pattern: &Pattern) -> Decision {
        let (file, pattern_text) = (self.file.clone(), pattern.text.clone());
        Decision { file, line: pattern.line, pattern: pattern_text, is_own: self.is_own }
    }
}

impl Ignores {
    /// The ignore files of the work tree whose top directory is `top`.
    #[must_use]
    pub fn new(top: &Path, settings: IgnoreSettings) -> Self {
        let mut unread = Vec::new();
        let own = settings.own_files.iter().filter_map(|path| {
            let text = match read(path, fs::metadata(path)) {
                Ok(text) => text?,
                Err(why) => {
                    unread.push(Unread::new(path_bytes(path), why));
                    return None;
                }
            };
            let file = path_bytes(path.strip_prefix(top).unwrap_or(path));
            Some(Listed { file, is_own: true, patterns: IgnoreFile::parse(&text, b"", settings.folds_case) })
        });
        let own = own.collect();
        Self { top: top.to_owned(), settings, own, listed: Mutex::default(), unread: Mutex::new(unread) }
    }

    /// The same, as they would be with these lines at the end of some `.gitignore` files.
    #[must_use]
    pub fn with_lines(&self, lines: &[(BString, BString)]) -> Self {
        let changed = Self::new(&self.top, self.settings.clone());
        let mut texts: BTreeMap<&BStr, Vec<u8>> = BTreeMap::new();
        for (file, line) in lines {
            let folder = folder_of(file.as_bstr());
            let text = texts.entry(folder).or_insert_with(|| changed.text_of(folder).1);
            text.extend_from_slice(&[b"\n", line.as_slice(), b"\n"].concat());
        }
        texts.into_iter().for_each(|(folder, text)| drop(changed.list(folder, ".gitignore", &text)));
        changed
    }

    /// What could not be read so far; what it says was not applied.
    #[must_use]
    pub fn unread(&self) -> Vec<Unread> {
        lock(&self.unread).clone()
    }

    /// What is said of a path, relative to the top of the work tree, `/` between its parts.
    #[must_use]
    pub fn verdict(&self, path: &BStr, is_dir: bool, whose: Whose) -> Verdict {
        let mut taken_back = None;
        let folders = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        for folder in folders {
            let verdict = self.verdict_of_one(path[..folder].as_bstr(), true, whose);
            if verdict.is_ignored {
                // Nothing below can be taken back any more.
                return verdict;
            }
            taken_back = verdict.taken_back.or(taken_back);
        }
        let verdict = self.verdict_of_one(path, is_dir, whose);
        let taken_back = verdict.taken_back.or(taken_back).filter(|_| !verdict.is_ignored);
        Verdict { taken_back, ..verdict }
    }

    /// What is said of a path itself, where nothing above is ignored.
    fn verdict_of_one(&self, path: &BStr, is_dir: bool, whose: Whose) -> Verdict {
        let mut folders: Vec<&BStr> = path
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/')
            .map(|(at, _)| path[..at].as_bstr())
            .collect();
        folders.insert(0, b"".as_bstr());
        let listed: Vec<Arc<Listed>> = folders.into_iter().rev().map(|folder| self.listed(folder)).collect();
        let own = if whose == Whose::All { self.own.as_slice() } else { &[] };
        let files = listed.iter().map(Arc::as_ref).chain(own);
        let mut matching = files
            .flat_map(|listed| listed.patterns.matching(path, is_dir).map(move |pattern| (listed, pattern)));
        let Some((listed, pattern)) = matching.next() else { return Verdict::default() };
        let by = listed.decision(pattern);
        if !pattern.is_negated {
            return Verdict { is_ignored: true, decision: Some(by), taken_back: None };
        }
        let ignoring = matching.find(|(_, pattern)| !pattern.is_negated);
        let ignoring = ignoring.map(|(listed, pattern)| listed.decision(pattern));
        let taken_back = ignoring.map(|ignoring| TakenBack { ignoring, by: by.clone() });
        Verdict { is_ignored: false, decision: Some(by), taken_back }
    }

    fn listed(&self, folder: &BStr) -> Arc<Listed> {
        let known = lock(&self.listed).get(folder).cloned();
        known.unwrap_or_else(|| {
            let (name, text) = self.text_of(folder);
            self.list(folder, name, &text)
        })
    }

    fn list(&self, folder: &BStr, name: &str, text: &[u8]) -> Arc<Listed> {
        let patterns = IgnoreFile::parse(text, folder, self.settings.folds_case);
        let listed = Arc::new(Listed { file: joined(folder, name), is_own: false, patterns });
        lock(&self.listed).insert(folder.to_owned(), Arc::clone(&listed));
        listed
    }

    /// The ignore file of a folder with its content, which is empty where there is none.
    fn text_of(&self, folder: &BStr) -> (&'static str, Vec<u8>) {
        for &name in self.settings.names() {
            let path = self.top.join(folder.to_path_lossy()).join(name);
            match read(&path, fs::symlink_metadata(&path)) {
                Ok(Some(text)) => return (name, text),
                Ok(None) => {}
                Err(why) => lock(&self.unread).push(Unread::new(joined(folder, name), why)),
            }
        }
        (self.settings.names()[0], Vec::new())
    }
}

/// The path of a file in a folder, which is empty for the top.
pub fn joined(folder: &BStr, name: &str) -> BString {
    if folder.is_empty() { name.into() } else { [folder.as_bytes(), b"/", name.as_bytes()].concat().into() }
}

/// The folder that a path lies in, without `/` at the end; empty for the top.
pub fn folder_of(path: &BStr) -> &BStr {
    path.rfind_byte(b'/').map_or(b"".as_bstr(), |at| path[..at].as_bstr())
}

/// An ignore file; none where git sees none. Git does not follow a link in the work tree, and what is no regular file may have no
/// end.
fn read(path: &Path, metadata: std::io::Result<fs::Metadata>) -> Result<Option<Vec<u8>>, String> {
    let metadata = match metadata {
        Ok(metadata) if metadata.is_file() => metadata,
        Ok(_) => return Ok(None),
        Err(error)
            if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(cannot_be_read(&error)),
    };
    if metadata.len() > MAX_IGNORE_FILE_BYTES {
        return Ok(None);
    }
    control::read(path, MAX_IGNORE_FILE_BYTES).map(Some).map_err(|error| cannot_be_read(&error))
}

fn cannot_be_read(error: &std::io::Error) -> String {
    format!("cannot be read ({error}), so what it ignores is not known")
}
