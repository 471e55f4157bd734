//! Files under directories, as git would see them: `.gitignore` and `.git/info/exclude` are honoured inside a repository, the
//! user's `core.excludesFile` is not, for another's `git add` takes what it ignores. Environment files (`.env`) are read even
//! where git ignores them, and so is what git tracks all the same.
//!
//! Every file is read, binary and large ones too, and what lies in archives and compressed files. Symbolic links are not followed, special files not opened; both are said.

use std::collections::BTreeSet;
use std::fs::{self, File, FileType};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use bstr::{BString, ByteSlice as _};
use rayon::prelude::*;

use keysieve_model::chunk::{Chunk, Searched, Visitor};
use keysieve_model::coverage::{Read, Unread};
use keysieve_model::provenance::{Provenance, path_bytes};
use keysieve_paths::control;
use keysieve_paths::git::IgnoreFile;

use super::archive::{HandOver, Tally, visit_stream};
use keysieve_model::chunk::Source;

/// Files and directories to read.
#[derive(Debug, Clone)]
pub struct Worktree {
    roots: Vec<PathBuf>,
    /// What paths are shown relative to; where absent, as they were asked for.
    base: Option<PathBuf>,
    /// What git tracks, as absolute paths.
    tracked: BTreeSet<PathBuf>,
    always_read: fn(&[u8]) -> bool,
    max_file_bytes: Option<u64>,
}

impl Worktree {
    /// The given files and directories. Files for whose paths `always_read` says yes are read even where they are ignored,
    /// and so are those that git tracks, given as absolute paths.
    #[must_use]
    pub fn of_paths(roots: Vec<PathBuf>, tracked: BTreeSet<PathBuf>, always_read: fn(&[u8]) -> bool) -> Self {
        Self { roots, base: None, tracked, always_read, max_file_bytes: None }
    }

    /// The work tree of a repository, see [`Worktree::of_paths`]; paths are shown relative to it.
    #[must_use]
    pub fn of_repository(workdir: &Path, tracked: BTreeSet<PathBuf>, always_read: fn(&[u8]) -> bool) -> Self {
        let base = Some(workdir.to_owned());
        Self { base, ..Self::of_paths(vec![workdir.to_owned()], tracked, always_read) }
    }

    /// The same, but files with more than `max_bytes` bytes are named as unread.
    #[must_use]
    pub fn limited(self, max_bytes: Option<u64>) -> Self {
        Self { max_file_bytes: max_bytes, ..self }
    }

    fn shown(&self, path: &Path) -> BString {
        let relative = self.base.as_deref().and_then(|base| path.strip_prefix(base).ok());
        let shown = relative.unwrap_or_else(|| path.strip_prefix("./").unwrap_or(path));
        path_bytes(if shown.as_os_str().is_empty() { path } else { shown })
    }
}

/// The largest `.gitignore` that is honoured, in bytes; git has the same limit.
const MAX_IGNORE_FILE_BYTES: u64 = 100 << 20;
/// The largest file that names a git directory, in bytes.
const MAX_LINK_BYTES: u64 = 64 << 10;

/// A file or directory to be read.
#[derive(Debug)]
struct Found {
    path: PathBuf,
    ignored: bool,
}

impl Worktree {
    fn open(&self, path: &Path) -> std::io::Result<File> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        match self.max_file_bytes {
            Some(limit) if size > limit => Err(std::io::Error::other(too_large(size))),
            _ => Ok(file),
        }
    }

    /// Whether git ignores the file: an ignore file says so, and it is not tracked.
    pub fn is_ignored(&self, file: &Path) -> bool {
        let mut listing =
            Listing { worktree: self, visitor: &Unheard, files: Vec::new(), folders: Vec::new() };
        !self.tracked.contains(&absolute(file)) && listing.is_ignored_file(file)
    }
}

/// Hears of no chunk.
struct Unheard;

impl Visitor for Unheard {
    type Memo = ();

    fn chunk(&self, _chunk: &Chunk<'_>, _base: Option<&()>) -> Searched<()> {
        Searched { memo: (), is_clean: true }
    }

    fn unread(&self, _unread: Unread) {}

    fn skipped(&self, _skipped: Unread) {}
}

impl Source for Worktree {
    fn visit_chunks<V: Visitor>(&self, visitor: &V) -> Read {
        let mut listing = Listing { worktree: self, visitor, files: Vec::new(), folders: Vec::new() };
        self.roots.iter().for_each(|root| listing.root(root));
        let Listing { files, folders, .. } = listing;
        let (count, tally) = (AtomicU64::new(0), Tally::default());
        rayon::scope(|scope| {
            let mut names = HandOver::new(visitor, &tally, Some(scope));
            for Found { path, ignored } in files.iter().chain(&folders) {
                let name = path.file_name().map(|name| path_bytes(Path::new(name))).unwrap_or_default();
                names.name(&name, || {
                    Provenance::Name(Box::new(Provenance::File { path: self.shown(path), ignored: *ignored }))
                });
            }
            names.flush();
            files.into_par_iter().for_each(|found| {
                let shown = self.shown(&found.path);
                match self.open(&found.path) {
                    Ok(mut file) => {
                        count.fetch_add(1, Ordering::Relaxed);
                        let hand_over = HandOver::new(visitor, &tally, Some(scope));
                        let provenance = Provenance::File { path: shown, ignored: found.ignored };
                        visit_stream(&mut file, provenance, hand_over);
                    }
                    Err(error) => visitor.unread(Unread::new(shown, error.to_string())),
                }
            });
        });
        Read { files: count.into_inner(), bytes: tally.bytes(), ..Read::default() }
    }
}

/// The ignore files that apply in a directory: its own first, then those of the directories above.
#[derive(Debug, Clone)]
struct Ignores {
    /// The directory that the patterns are relative to, absolute, with a `/` at its end.
    dir: BString,
    own: Rc<IgnoreFile>,
    above: Option<Rc<Ignores>>,
}

impl Ignores {
    /// The patterns of `file`, as those of `dir`; none where it is missing, cannot be read, or is not a regular file.
    fn read(dir: &Path, file: &Path, above: Option<Rc<Self>>) -> (Self, std::io::Result<()>) {
        // Git does not follow a link here either; and what is not a regular file may have no end.
        let is_read = fs::symlink_metadata(file)
            .is_ok_and(|found| found.is_file() && found.len() <= MAX_IGNORE_FILE_BYTES);
        let text = if is_read { control::read(file, MAX_IGNORE_FILE_BYTES) } else { Ok(Vec::new()) };
        let (text, outcome) = text.map_or_else(|error| (Vec::new(), Err(error)), |text| (text, Ok(())));
        let mut dir = path_bytes(dir);
        if !dir.ends_with(b"/") {
            dir.push(b'/');
        }
        (Self { dir, own: Rc::new(IgnoreFile::parse(&text, b"", false)), above }, outcome)
    }

    /// Whether git ignores what has this absolute path, where it ignores no directory above.
    fn is_ignored(&self, path: &Path, is_dir: bool) -> bool {
        let path = path_bytes(path);
        let mut level = Some(self);
        while let Some(ignores) = level {
            let relative = path.strip_prefix(ignores.dir.as_slice()).unwrap_or_default();
            if let Some(pattern) = ignores.own.matching(relative, is_dir).next() {
                return !pattern.is_negated;
            }
            level = ignores.above.as_deref();
        }
        false
    }
}

/// Where git keeps the patterns that are not committed. `.git` may be a file that names another directory, as in linked work
/// trees, which share the patterns of their repository.
fn exclude_file(top: &Path) -> PathBuf {
    let dot_git = top.join(".git");
    let named = |file: &Path, start: &[u8]| {
        let text = control::read(file, MAX_LINK_BYTES).ok()?;
        let path =
            text.strip_prefix(start)?.trim_end_with(|end| end == '\n' || end == '\r').to_path().ok()?;
        Some(file.parent()?.join(path))
    };
    let git_dir = if dot_git.is_file() { named(&dot_git, b"gitdir: ").unwrap_or(dot_git) } else { dot_git };
    let shared = named(&git_dir.join("commondir"), b"").unwrap_or(git_dir);
    shared.join("info/exclude")
}

/// Lists what is to be read.
struct Listing<'a, V> {
    worktree: &'a Worktree,
    visitor: &'a V,
    files: Vec<Found>,
    /// Directories that are not ignored, below those that were asked for.
    folders: Vec<Found>,
}

impl<V: Visitor> Listing<'_, V> {
    fn root(&mut self, root: &Path) {
        // What was asked for by name is followed and opened, whatever it is.
        match fs::metadata(root) {
            Ok(metadata) if metadata.is_dir() => {
                // Asked for by name, it is read even where it is ignored itself.
                let (ignores, _) = self.ignores_above(root);
                self.directories(root, ignores);
            }
            Ok(metadata) if is_device(&metadata) => {
                self.visitor
                    .unread(Unread::new(path_bytes(root), "a device, not a file; it may have no end"));
            }
            Ok(_) => {
                let ignored = !self.worktree.tracked.contains(&absolute(root)) && self.is_ignored_file(root);
                self.files.push(Found { path: root.to_owned(), ignored });
            }
            Err(error) => self.visitor.unread(Unread::new(path_bytes(root), error.to_string())),
        }
    }

    fn is_ignored_file(&mut self, file: &Path) -> bool {
        let Ok(absolute) = std::path::absolute(file) else {
            return false;
        };
        absolute.parent().is_some_and(|parent| {
            let (above, inside) = self.ignores_above(parent);
            inside
                || above.is_some_and(|ignores| {
                    self.with_own(parent, Some(Rc::new(ignores))).is_ignored(&absolute, false)
                })
        })
    }

    /// The ignore files from the top of the repository down to above `dir`, and whether they ignore `dir` itself. None outside
    /// a repository, where `.gitignore` means nothing.
    fn ignores_above(&mut self, dir: &Path) -> (Option<Ignores>, bool) {
        let Ok(absolute) = std::path::absolute(dir) else {
            return (None, false);
        };
        let absolute = absolute.components().collect::<PathBuf>();
        let Some(top) = absolute.ancestors().find(|dir| dir.join(".git").exists()) else {
            return (None, false);
        };
        let mut ignores = self.ignores_of(top, &exclude_file(top), None);
        let below: Vec<&Path> = absolute
            .ancestors()
            .take_while(|dir| *dir != top)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        let mut parent = top.to_owned();
        for dir in below {
            ignores = self.with_own(&parent, Some(Rc::new(ignores)));
            if ignores.is_ignored(dir, true) {
                return (Some(ignores), true);
            }
            parent = dir.to_owned();
        }
        (Some(ignores), false)
    }

    /// `above` with the ignore file of `dir`.
    fn with_own(&mut self, dir: &Path, above: Option<Rc<Ignores>>) -> Ignores {
        self.ignores_of(dir, &dir.join(".gitignore"), above)
    }

    fn ignores_of(&mut self, dir: &Path, file: &Path, above: Option<Rc<Ignores>>) -> Ignores {
        let (ignores, outcome) = Ignores::read(dir, file, above);
        if outcome.is_err() {
            self.visitor
                .skipped(Unread::new(path_bytes(file), "cannot be read; its patterns are not applied"));
        }
        ignores
    }

    /// Lists a directory and all below, without recursion: directories can be nested thousands deep.
    fn directories(&mut self, root: &Path, ignores: Option<Ignores>) {
        let mut next = vec![(root.to_owned(), ignores.map(Rc::new), false)];
        while let Some((dir, above, inside_ignored)) = next.pop() {
            let ignores = above.map(|above| Rc::new(self.with_own(&absolute(&dir), Some(above))));
            let entries = match fs::read_dir(&dir).and_then(Iterator::collect::<std::io::Result<Vec<_>>>) {
                Ok(entries) => entries,
                Err(error) => {
                    self.visitor.unread(Unread::new(self.worktree.shown(&dir), error.to_string()));
                    continue;
                }
            };
            for entry in entries {
                let path = entry.path();
                let kind = match entry.file_type() {
                    Ok(kind) => kind,
                    Err(error) => {
                        self.visitor.unread(Unread::new(self.worktree.shown(&path), error.to_string()));
                        continue;
                    }
                };
                if entry.file_name() == ".git" && (kind.is_dir() || dir == root) {
                    // That of the asked directory itself is what `audit` is for; one below is easily overlooked.
                    if dir != root {
                        let why = format!(
                            "a repository of its own, of which only the work tree is read; see `keysieve audit {}`",
                            self.worktree.shown(&dir)
                        );
                        self.visitor.skipped(Unread::new(self.worktree.shown(&path), why));
                    }
                    continue;
                }
                let ignored = inside_ignored
                    || ignores
                        .as_deref()
                        .is_some_and(|ignores| ignores.is_ignored(&absolute(&path), kind.is_dir()));
                if kind.is_dir() {
                    if !ignored {
                        self.folders.push(Found { path: path.clone(), ignored });
                    }
                    next.push((path, ignores.clone(), ignored));
                } else {
                    self.file(path, kind, ignored);
                }
            }
        }
    }

    fn file(&mut self, path: PathBuf, kind: FileType, ignored: bool) {
        // What git tracks is not ignored, whatever `.gitignore` says.
        let ignored = ignored && !self.worktree.tracked.contains(&absolute(&path));
        if ignored && !(self.worktree.always_read)(&path_bytes(&path)) {
            return;
        }
        if kind.is_file() {
            self.files.push(Found { path, ignored });
        } else {
            let why =
                if kind.is_symlink() { "symbolic link, not followed" } else { "special file, not opened" };
            self.visitor.skipped(Unread::new(self.worktree.shown(&path), why));
        }
    }
}

/// Why a file of this many bytes is not searched.
pub fn too_large(bytes: u64) -> String {
    format!(
        "it has {bytes} bytes, more than `limits.file-bytes` allows; raise that, or list it under `accept-unread`"
    )
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).map_or_else(|_| path.to_owned(), |path| path.components().collect())
}

/// Whether reading it may never end. Pipes are read: `keysieve scan <(command)`.
#[cfg(unix)]
fn is_device(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    metadata.file_type().is_char_device() || metadata.file_type().is_block_device()
}

#[cfg(not(unix))]
fn is_device(_metadata: &fs::Metadata) -> bool {
    false
}
