//! How git's own files are opened, and which git directories are not opened at all.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use bstr::{BString, ByteSlice};

use keysieve_model::provenance::path_bytes;
use keysieve_paths::control::{self, is_special};

use super::error::Error;

/// The largest of git's own files that is read, in bytes.
const MAX_TEXT_BYTES: u64 = 1 << 30;

/// The main git directory, and that of each linked work tree with its name.
pub(super) fn work_tree_dirs(git: &gix::Repository) -> Vec<(BString, PathBuf)> {
    let common = git.common_dir().to_owned();
    let mut linked = list(&common.join("worktrees"));
    // Sync programs and file managers put files of their own into each folder.
    linked.retain(|dir| dir.is_dir());
    let name = |dir: &Path| dir.file_name().map(|name| path_bytes(Path::new(name))).unwrap_or_default();
    std::iter::once((BString::default(), common))
        .chain(linked.into_iter().map(|dir| (name(&dir), dir)))
        .collect()
}

/// The text of one of git's own files.
pub(super) fn read_text(path: &Path) -> io::Result<Vec<u8>> {
    control::read(path, MAX_TEXT_BYTES)
}

/// Files in a git directory that are opened by libraries, not through [`control`].
const CONTROL_FILES: &[&str] = &[
    "HEAD",
    "config",
    "config.worktree",
    "commondir",
    "gitdir",
    "packed-refs",
    "shallow",
    "index",
    "MERGE_HEAD",
    "objects/info/alternates",
    "objects/info/commit-graph",
];
/// How far alternates of alternates are followed, and how large a file of them may be, in bytes.
const MAX_ALTERNATES: usize = 100;
const MAX_ALTERNATES_BYTES: u64 = 1 << 20;

/// Why a git directory is not opened, where one of its files is a trap.
pub(super) fn refused(git_dir: &Path) -> Option<Error> {
    let shown = |file: PathBuf| file.display().to_string();
    special_file(git_dir)
        .map(|file| Error::SpecialFile { file: shown(file) })
        .or_else(|| link_out(git_dir).map(|file| Error::LinkOut { file: shown(file) }))
}

/// The first file of a git directory that is a link to something that is not git's.
fn link_out(git_dir: &Path) -> Option<PathBuf> {
    let out =
        |dir: &Path| CONTROL_FILES.iter().map(|name| dir.join(name)).find(|file| is_link_out(dir, file));
    let main = || {
        let main = control::read_text(&git_dir.join("commondir"), MAX_ALTERNATES_BYTES).ok()?;
        out(&git_dir.join(main.trim_end()))
    };
    out(git_dir).or_else(main)
}

/// Whether `file` of a git directory is a link to something else than the same file of another one: some programs share files so.
pub(super) fn is_link_out(git_dir: &Path, file: &Path) -> bool {
    let is_shared = || {
        let (name, real) = (file.strip_prefix(git_dir).ok()?, file.canonicalize().ok()?);
        let dir = real.ancestors().nth(name.components().count())?;
        Some(real.ends_with(name) && dir.join("objects").is_dir() && dir.join("refs").is_dir())
    };
    control::leads_out(git_dir, file) && is_shared() != Some(true)
}

/// The first file of a git directory that is neither a regular file nor a folder, such as a pipe: opening it could wait for ever.
fn special_file(git_dir: &Path) -> Option<PathBuf> {
    let special = |dir: &Path| CONTROL_FILES.iter().map(|name| dir.join(name)).find(|file| is_special(file));
    let found = special(git_dir);
    if found.is_some() {
        return found;
    }
    let main = control::read_text(&git_dir.join("commondir"), MAX_ALTERNATES_BYTES).ok();
    let main = main.map_or_else(|| git_dir.to_owned(), |main| git_dir.join(main.trim_end()));
    special(&main).or_else(|| special_object_file(vec![main.join("objects")]))
}

/// The same for object databases and their alternates.
pub(super) fn special_object_file(mut dirs: Vec<PathBuf>) -> Option<PathBuf> {
    let mut seen = BTreeSet::new();
    while let Some(dir) = dirs.pop() {
        if seen.len() > MAX_ALTERNATES || !seen.insert(dir.clone()) {
            continue;
        }
        let alternates = dir.join("info/alternates");
        let packs = std::fs::read_dir(dir.join("pack")).into_iter().flatten().flatten();
        // Its kind comes with the entry: no file of a large folder is looked at by itself.
        let mut special = packs.filter(|entry| {
            entry.file_type().is_ok_and(|kind| !kind.is_file() && !kind.is_dir()) && is_special(&entry.path())
        });
        if is_special(&alternates) {
            return Some(alternates);
        }
        if let Some(entry) = special.next() {
            return Some(entry.path());
        }
        if let Ok(text) = control::read(&alternates, MAX_ALTERNATES_BYTES) {
            let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with(b"#"));
            dirs.extend(lines.map(|line| dir.join(line.to_path_lossy())));
        }
    }
    None
}

/// The paths in a directory, sorted; none where it cannot be read.
pub(super) fn list(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
