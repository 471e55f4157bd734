//! The git directory's own files: what names objects (references, reflogs, HEAD, indexes of all work trees), and text that can
//! hold secrets (`config` with remotes' URLs, messages that wait for a commit, reflogs).

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId as GitId;
use gix::hash::Kind as HashKind;

use keysieve_model::chunk::{Chunk, Visitor};
use keysieve_model::coverage::Unread;
use keysieve_model::provenance::{Metadata, Provenance, path_bytes};

use super::commits::{Tip, TipKind};
use super::control_files::{is_link_out, list, read_text, work_tree_dirs};
use super::index_file;
use super::references::{Listed, Reference, References};
use super::reftable::{LogEntry, Target};

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

/// References, reflogs, and the HEAD of every work tree; besides, files among the references that are none.
pub(super) fn tips(references: &References, unread: &mut Vec<Unread>) -> (Vec<Tip>, Vec<Unread>) {
    let git = &references.git;
    let Listed { references: listed, unread: gaps, skipped } = references.list();
    let mut tips: Vec<Tip> = direct(&listed);
    unread.extend(gaps);
    let dirs = work_tree_dirs(git);
    // Nobody commits in a bare repository without work trees and index: what its references lead to came from others, who
    // have it.
    if git.is_bare() && dirs.len() == 1 && !git.common_dir().join("index").exists() {
        tips.iter_mut().for_each(|tip| tip.kind = TipKind::Remote);
    }
    for (name, dir) in dirs {
        match references.head_of(&dir) {
            // A symbolic HEAD names a branch, which is among the references.
            Ok(None | Some(Target::Symbolic(_))) => {}
            Ok(Some(Target::Object(target))) => {
                let name =
                    if name.is_empty() { "HEAD".into() } else { format!("HEAD of work tree {name}").into() };
                tips.push(Tip { name, target, kind: TipKind::Local });
            }
            Err(why) => unread.push(Unread::new(path_bytes(&dir.join("HEAD")), why)),
        }
        for Log { reference, text, .. } in logs(references, &dir) {
            if let Ok(text) = text {
                tips.extend(reflog_tips(reference.as_bstr(), &text));
            }
        }
    }
    (tips, skipped)
}

/// The references that name an object themselves.
pub(super) fn direct(references: &[Reference]) -> Vec<Tip> {
    let direct = references.iter().filter_map(|reference| match &reference.target {
        Target::Object(id) => Some(Tip::reference(reference.name.as_bstr(), *id)),
        Target::Symbolic(_) => None,
    });
    direct.collect()
}

/// The hooks that are installed, without git's samples.
fn hooks(dir: &Path) -> Vec<PathBuf> {
    let mut hooks = list(&dir.join("hooks"));
    hooks.retain(|path| path.is_file() && path.extension().is_none_or(|extension| extension != "sample"));
    hooks
}

/// A reflog.
struct Log {
    /// The full name of its reference.
    reference: BString,
    /// Where it lies, or would lie if it had a file.
    path: PathBuf,
    /// A line for each change, the latest last.
    text: io::Result<Vec<u8>>,
}

/// The reflogs of a git directory.
fn logs(references: &References, dir: &Path) -> Vec<Log> {
    let logs = dir.join("logs");
    if let Some(stack) = references.stack(dir) {
        let log = |(reference, entries): (&BString, &Vec<LogEntry>)| Log {
            reference: reference.clone(),
            path: logs.join(reference.to_path_lossy()),
            text: Ok(entries.iter().rev().flat_map(|entry| Vec::from(entry.line())).collect()),
        };
        return stack.logs.iter().map(log).collect();
    }
    let mut files = Vec::new();
    let mut next = vec![logs.clone()];
    while let Some(path) = next.pop() {
        if path.is_dir() && !path.is_symlink() {
            next.extend(list(&path));
        } else if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    let log = |path: PathBuf| Log {
        reference: path_bytes(path.strip_prefix(&logs).unwrap_or(&path)),
        text: match is_link_out(dir, &path) {
            true => Err(io::Error::other("it is a link that leads out of the repository, and not followed")),
            false => read_text(&path),
        },
        path,
    };
    files.into_iter().map(log).collect()
}

/// The old and new values of a reference that its reflog names.
fn reflog_tips(name: &BStr, text: &[u8]) -> BTreeSet<Tip> {
    let reference = Tip::reference(name, GitId::null(HashKind::Sha1));
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
    references: &References,
    tips: &[Tip],
    visitor: &V,
    unread: &mut Vec<Unread>,
) -> u64 {
    let git = &references.git;
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
        let own = |path: &Path| match is_link_out(&dir, path) {
            true => Err(io::Error::other("it is a link that leads out of the repository, and not followed")),
            false => read_text(path),
        };
        let texts = TEXTS.iter().map(|name| dir.join(name)).map(|path| (own(&path), path));
        // Hooks are links to where the project keeps them.
        let hooks = hooks(&dir).into_iter().map(|path| (read_text(&path), path));
        let logs = logs(references, &dir).into_iter().map(|log| (log.text, log.path));
        for (text, path) in texts.chain(hooks).chain(logs) {
            match text {
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
