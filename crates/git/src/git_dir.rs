//! The git directory's own files: what names objects (references, reflogs, HEAD, indexes of all work trees), and text that can
//! hold secrets (`config` with remotes' URLs, messages that wait for a commit, reflogs).

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use bstr::{BString, ByteSlice};
use gix::ObjectId as GitId;
use gix::hash::Kind as HashKind;

use keysieve_model::chunk::{Chunk, Visitor};
use keysieve_model::coverage::Unread;
use keysieve_model::provenance::{Metadata, Provenance, path_bytes};

use super::commits::{Tip, TipKind};
use super::index_file;

/// Files that hold text of the user's; `logs` are read besides.
const TEXTS: &[&str] = &[
    "config",
    "config.worktree",
    "FETCH_HEAD",
    "COMMIT_EDITMSG",
    "MERGE_MSG",
    "SQUASH_MSG",
    "TAG_EDITMSG",
    "NOTES_EDITMSG",
    "description",
    "info/attributes",
    "info/exclude",
    "rebase-merge/message",
];

/// The largest of git's own files that is read, in bytes.
const MAX_TEXT_BYTES: u64 = 1 << 30;

/// References, reflogs, and the HEAD of every work tree.
pub(super) fn tips(git: &gix::Repository, unread: &mut Vec<Unread>) -> Vec<Tip> {
    let mut tips = references(git, unread);
    let dirs = work_tree_dirs(git);
    // Nobody commits in a bare repository without work trees and index: what its references lead to came from others, who
    // have it.
    if git.is_bare() && dirs.len() == 1 && !git.common_dir().join("index").exists() {
        tips.iter_mut().for_each(|tip| tip.kind = TipKind::Remote);
    }
    for (name, dir) in dirs {
        match read_text(&dir.join("HEAD")) {
            // A symbolic HEAD names a branch, which is among the references.
            Ok(head) if head.starts_with(b"ref: ") => {}
            Ok(head) => match GitId::from_hex(head.trim_ascii()) {
                Ok(target) => {
                    let name = if name.is_empty() {
                        "HEAD".into()
                    } else {
                        format!("HEAD of work tree {name}").into()
                    };
                    tips.push(Tip { name, target, kind: TipKind::Local });
                }
                Err(_) => {
                    let why = "it names neither a branch nor a commit; `git checkout BRANCH` mends it";
                    unread.push(Unread::new(path_bytes(&dir.join("HEAD")), why));
                }
            },
            Err(error) => unread.push(Unread::new(path_bytes(&dir.join("HEAD")), error.to_string())),
        }
        for log in reflogs(&dir) {
            let Ok(text) = read_text(&log) else { continue };
            tips.extend(reflog_tips(&dir, &log, &text));
        }
    }
    tips
}

/// The references that can be read; the others go to `unread`.
pub(super) fn references(git: &gix::Repository, unread: &mut Vec<Unread>) -> Vec<Tip> {
    let mut tips = Vec::new();
    let mut damaged = |what: &str, why: String| unread.push(Unread::new(what, why));
    match git.references().and_then(|references| references.all().map(Iterator::collect::<Vec<_>>)) {
        Ok(references) => {
            for reference in references {
                match reference {
                    Ok(reference) => {
                        if let Some(id) = reference.try_id() {
                            tips.push(Tip::reference(reference.name().as_bstr(), id.detach()));
                        }
                    }
                    Err(error) => damaged("a reference", format!("it cannot be read: {error}")),
                }
            }
        }
        Err(error) => damaged("the references", format!("they cannot be listed: {error}")),
    }
    tips
}

/// The main git directory, and that of each linked work tree with its name.
fn work_tree_dirs(git: &gix::Repository) -> Vec<(BString, PathBuf)> {
    let common = git.common_dir().to_owned();
    let linked = list(&common.join("worktrees"));
    let name = |dir: &Path| dir.file_name().map(|name| path_bytes(Path::new(name))).unwrap_or_default();
    std::iter::once((BString::default(), common))
        .chain(linked.into_iter().map(|dir| (name(&dir), dir)))
        .collect()
}

/// The hooks that are installed, without git's samples.
fn hooks(dir: &Path) -> Vec<PathBuf> {
    let mut hooks = list(&dir.join("hooks"));
    hooks.retain(|path| path.is_file() && path.extension().is_none_or(|extension| extension != "sample"));
    hooks
}

fn reflogs(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut next = vec![dir.join("logs")];
    while let Some(path) = next.pop() {
        if path.is_dir() && !path.is_symlink() {
            next.extend(list(&path));
        } else if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The old and new values of a reference that its reflog names.
fn reflog_tips(dir: &Path, log: &Path, text: &[u8]) -> BTreeSet<Tip> {
    let name = path_bytes(log.strip_prefix(dir.join("logs")).unwrap_or(log));
    let reference = Tip::reference(name.as_bstr(), GitId::null(HashKind::Sha1));
    // What a remote once had may have been fetched by others.
    let kind = if reference.kind == TipKind::Remote { TipKind::Remote } else { TipKind::Reflog };
    let ids = text.lines().flat_map(|line| line.split(|&byte| byte == b' ').take(2));
    ids.filter_map(|id| GitId::from_hex(id).ok())
        .filter(|id| !id.is_null())
        .map(|target| Tip { name: format!("{}@{{reflog}}", reference.name).into(), target, kind })
        .collect()
}

/// The blobs in the indexes of all work trees, with their paths; what cannot be read goes to `unread`.
pub(super) fn index_entries(git: &gix::Repository, unread: &mut Vec<Unread>) -> Vec<(BString, GitId)> {
    let mut entries = Vec::new();
    for (_, dir) in work_tree_dirs(git) {
        match read_index(git, &dir.join("index")) {
            Ok(index) => entries.extend(index),
            Err(gap) => unread.push(gap),
        }
    }
    entries
}

/// The blobs in one index file, with their paths; none where there is no such file.
pub(super) fn read_index(git: &gix::Repository, path: &Path) -> Result<Vec<(BString, GitId)>, Unread> {
    let index = index_file::read(path, git.object_hash())?;
    let entries = index.entries().iter().filter(|entry| !entry.mode.is_submodule());
    Ok(entries.map(|entry| (entry.path(&index).to_owned(), entry.id)).collect())
}

/// Hands over the names of references, and the texts in the git directory. Returns the bytes read.
pub(super) fn read_texts<V: Visitor>(
    git: &gix::Repository,
    tips: &[Tip],
    visitor: &V,
    unread: &mut Vec<Unread>,
) -> u64 {
    let mut bytes = 0;
    for (kind, metadata) in [(TipKind::Local, Metadata::RefName), (TipKind::Remote, Metadata::RemoteRefName)]
    {
        let named = tips.iter().filter(|tip| tip.kind == kind);
        let names = bstr::join("\n", named.map(|tip| tip.name.as_bytes()).collect::<BTreeSet<_>>());
        visitor.chunk(&Chunk::whole(&names, Provenance::GitMetadata(metadata)), None);
        bytes += names.len() as u64;
    }
    let common = git.common_dir();
    for (_, dir) in work_tree_dirs(git) {
        for path in TEXTS.iter().map(|name| dir.join(name)).chain(hooks(&dir)).chain(reflogs(&dir)) {
            match read_text(&path) {
                Ok(text) => {
                    let name = path_bytes(path.strip_prefix(common).unwrap_or(&path));
                    let provenance = Provenance::GitMetadata(Metadata::File(name));
                    visitor.chunk(&Chunk::whole(&text, provenance), None);
                    bytes += text.len() as u64;
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => unread.push(Unread::new(path_bytes(&path), error.to_string())),
            }
        }
    }
    name_other_stores(git, visitor);
    bytes
}

/// Says which object stores lie in the git directory and are not read: those of submodules, and that of Git LFS.
fn name_other_stores<V: Visitor>(git: &gix::Repository, visitor: &V) {
    for (_, dir) in work_tree_dirs(git) {
        for module in submodules(&dir) {
            let shown = path_bytes(&module);
            let why = format!("a submodule's own repository, not read; see `keysieve audit {shown}`");
            visitor.skipped(Unread::new(shown, why));
        }
        let large_files = dir.join("lfs/objects");
        if !list(&large_files).is_empty() {
            let shown = path_bytes(&large_files);
            let why =
                format!("the files that Git LFS keeps out of git, not read; see `keysieve scan {shown}`");
            visitor.skipped(Unread::new(shown, why));
        }
    }
}

/// The repositories below `modules`, those of submodules' submodules too. Names of submodules may have several parts.
fn submodules(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut next = vec![dir.join("modules")];
    while let Some(dir) = next.pop() {
        if dir.join("HEAD").is_file() && dir.join("objects").is_dir() {
            next.push(dir.join("modules"));
            found.push(dir);
        } else {
            next.extend(list(&dir).into_iter().filter(|path| path.is_dir() && !path.is_symlink()));
        }
    }
    found.sort();
    found
}

/// The text of one of git's own files.
fn read_text(path: &Path) -> io::Result<Vec<u8>> {
    read_regular(path, MAX_TEXT_BYTES)
}

/// The content of a regular file of at most `max_bytes`: what else lies there may have no end.
pub(super) fn read_regular(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file, and not read"));
    }
    if metadata.len() > max_bytes {
        return Err(io::Error::other(format!(
            "it has {} bytes; of git's own files those up to {max_bytes} are read",
            metadata.len()
        )));
    }
    std::fs::read(path)
}

/// The paths in a directory, sorted; none where it cannot be read.
fn list(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
