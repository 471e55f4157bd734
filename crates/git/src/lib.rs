//! Git repositories: every object of the database, the text that is no blob, and where things came from. The only user of
//! `gix`. Replace refs, grafts and the user's git configuration have no effect: what is stored is what is read. Two formats that
//! `gix` lacks have readers here: references in tables, and long paths in the index. Git itself is never asked.

mod attribution;
mod cache;
mod commits;
mod control_files;
mod error;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod git_dir;
mod graph;
mod history;
mod index_file;
mod numbers;
mod objects;
mod pack_index;
mod packs;
mod queries;
mod range;
mod references;
mod reftable;
mod remotes;
mod sieve;
mod staged;
mod store;
mod tree;
mod tree_diff;
mod tree_log;
mod updates;
mod walk;
mod work_tree;

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bstr::BString;
use gix::ObjectId as GitId;
use gix::hash::Kind as HashKind;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use keysieve_model::chunk::{Chunk, Visitor};
use keysieve_model::coverage::Unread;
use keysieve_model::provenance::{Metadata, ObjectId, Provenance};
use keysieve_paths::control::{self, is_special};

use self::cache::Cache;
use self::commits::{Commits, Tip, TipKind};
use self::error::unquoted;
use self::objects::Objects;
use self::references::{References, Tables};
use self::sieve::{ObjectSieve, Sieved};
use self::store::built_in;
use self::tree_log::Trees;

pub use self::error::Error;
pub use self::history::{History, NamedPlace, Places};
pub use self::queries::seconds_of_date;
pub use self::range::{CommitShape, Occurrence, Range, RangeQuery};
pub use self::remotes::without_credentials;
pub use self::updates::{RefUpdate, UpdatesError};

/// What reports call the index, among the names that reach a blob.
pub const STAGED: &str = "the index (staged)";

/// Where git says that a repository's parts lie when it runs a hook; empty outside of hooks.
#[derive(Debug, Clone, Default)]
pub struct GitEnvironment {
    /// `GIT_DIR`
    pub git_dir: Option<PathBuf>,
    /// `GIT_WORK_TREE`: files of a home directory are kept so, in a repository that lies elsewhere.
    pub work_tree: Option<PathBuf>,
    /// `GIT_INDEX_FILE`: `git commit FILE` puts together an index of its own.
    pub index_file: Option<PathBuf>,
    /// `GIT_OBJECT_DIRECTORY`: in a server's hooks, what was pushed and is not yet taken.
    pub object_directory: Option<PathBuf>,
    /// `GIT_ALTERNATE_OBJECT_DIRECTORIES`, and `GIT_QUARANTINE_PATH`.
    pub alternate_object_directories: Vec<PathBuf>,
}

/// An opened repository.
#[derive(Debug)]
pub struct Repository {
    git: gix::ThreadSafeRepository,
    path: PathBuf,
    environment: GitEnvironment,
    /// The references, where they are kept in tables; absent where each has a file.
    tables: OnceLock<Option<Arc<Tables>>>,
}

/// The user's configuration and environment have no effect, and neither have replacements of objects.
fn options() -> gix::open::Options {
    gix::open::Options::isolated().config_overrides(["core.useReplaceRefs=false"])
}

impl Repository {
    /// Opens the repository that `path` is or lies in; bare ones and linked work trees too.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let shown = path.display().to_string();
        if !path.exists() {
            return Err(Error::NoSuchPath { path: shown });
        }
        if let Some(refused) = refused_above(path) {
            return Err(refused);
        }
        if let Some(lost) = lost_git_dir(path) {
            return Err(lost);
        }
        let git = gix::discover_opts(path, gix::discover::upwards::Options::default(), options()).map_err(
            |error| {
                let why = unquoted(&error);
                match git_dir_above(path) {
                    Some(git_dir) => {
                        Error::Unusable { path: shown, git_dir: git_dir.display().to_string(), why }
                    }
                    None => Error::NotARepository { path: shown, why },
                }
            },
        )?;
        Ok(Self::of(git, path))
    }

    fn of(git: gix::Repository, path: &Path) -> Self {
        Self {
            git: git.into_sync(),
            path: path.to_owned(),
            environment: GitEnvironment::default(),
            tables: OnceLock::new(),
        }
    }

    /// Opens the repository in which git runs a hook.
    ///
    /// # Errors
    ///
    /// When there is none where `environment` says, nor at `path` where it says nothing.
    pub fn open_for_hook(path: &Path, environment: GitEnvironment) -> Result<Self, Error> {
        let repository = match &environment.git_dir {
            None => Self::open(path)?,
            Some(git_dir) => {
                let fail = |error: gix::Error| {
                    let git_dir = git_dir.display().to_string();
                    Error::Unusable { path: path.display().to_string(), git_dir, why: unquoted(&error) }
                };
                if let Some(refused) = control_files::refused(git_dir) {
                    return Err(refused);
                }
                if let Some(lost) = lost_main_dir(git_dir) {
                    return Err(lost);
                }
                let mut git = gix::open_opts(git_dir, options().open_path_as_is(true)).map_err(fail)?;
                // Without a name the work tree is where git runs, unless the repository has none.
                let here = || (git.workdir().is_none() && !git.is_bare()).then(|| path.to_owned());
                let work_tree = environment.work_tree.clone().or_else(here);
                if let Some(work_tree) = work_tree.and_then(|dir| std::path::absolute(dir).ok()) {
                    git.set_workdir(work_tree).map_err(fail)?;
                }
                Self::of(git, path)
            }
        };
        Ok(Self { environment, ..repository })
    }

    /// The directory of the work tree, where there is one.
    #[must_use]
    pub fn workdir(&self) -> Option<&Path> {
        self.git.work_dir()
    }

    /// The directory of the work tree; the git directory of a bare repository.
    #[must_use]
    pub fn top(&self) -> &Path {
        self.workdir().unwrap_or_else(|| self.git.path())
    }

    /// The files in the index, as absolute paths; none for a bare repository.
    ///
    /// # Errors
    ///
    /// When the index is damaged.
    pub fn tracked_paths(&self) -> Result<BTreeSet<PathBuf>, Unread> {
        let git = self.git.to_thread_local();
        let Some(workdir) = git.workdir().and_then(|workdir| std::path::absolute(workdir).ok()) else {
            return Ok(BTreeSet::new());
        };
        let entries = git_dir::read_index(&git, &git.index_path())?;
        let paths = entries
            .into_iter()
            .filter_map(|(path, _)| gix::path::from_bstring(path).ok())
            .map(|path| workdir.join(path));
        Ok(paths.map(|path| path.components().collect()).collect())
    }

    /// Reads every object once, and the text that is no blob: commits, tags, names of references, `config`. Takes note of
    /// the blobs that some tree gives a file name for which `is_watched` says yes, and of what `revision` reaches.
    ///
    /// With a `cache_key`, what an earlier call with the same key found clean is not read again; see [`cache`].
    pub fn read<V: Visitor>(
        &self,
        visitor: &V,
        is_watched: fn(&[u8]) -> bool,
        revision: Option<ObjectId>,
        cache_key: Option<[u8; 32]>,
    ) -> History {
        let mut unread = Vec::new();
        let git = self.git.to_thread_local();
        let hash = git.object_hash();
        let objects = Objects::open(&git.common_dir().join("objects"), hash, &mut unread);
        let references = self.refs();
        let (mut tips, skipped) = git_dir::tips(&references, &mut unread);
        skipped.into_iter().for_each(|skipped| visitor.skipped(skipped));
        let shallow = self.shallow_commits(&mut unread);
        let cache = cache_key.map(|key| Cache::new(git.common_dir(), key, &shallow));
        let recalled = cache.as_ref().map(|cache| cache.recall(&objects)).unwrap_or_default();
        let gaps = unread.len();
        objects.verify(&recalled, &mut unread);
        let are_indexes_sound = unread.len() == gaps;
        let sieve = ObjectSieve::new(visitor, &objects, hash, shallow, is_watched);
        let failures = objects.visit(&sieve, &recalled);
        let known = recalled.unclean.clone();
        let sieved = sieve.finish(recalled);
        let has_clean_names = search_names(visitor, &sieved.trees);
        if let Some(cache) = cache
            && has_clean_names
            && are_indexes_sound
        {
            cache.keep(&objects, &known, &sieved, &failures);
        }
        let Sieved { mut read, commits, tags, trees, missing, damaged, watched, seen: _ } = sieved;
        read.bytes += git_dir::read_texts(&references, &tips, visitor, &mut unread);
        let index = git_dir::index_entries(&git, &mut unread);
        let is_there = |id: &GitId| id.is_null() || objects.contains(id) || built_in(id, hash).is_some();
        for tip in tips.iter().filter(|tip| !is_there(&tip.target)) {
            let what = format!("object {}", tip.target);
            unread.push(Unread::new(
                what,
                format!("{} points at it, and it is not in the repository", tip.name),
            ));
        }
        for (id, why) in failures.into_iter().chain(damaged) {
            unread.push(Unread::new(format!("object {id}"), format!("{why}; restore it from another clone")));
        }
        for (id, (kind, _)) in missing {
            unread.push(Unread::new(
                format!("{kind} {id}"),
                "it is not in the repository (a partial clone?); fetch it with `git fetch --refetch`",
            ));
        }
        unread.into_iter().for_each(|unread| visitor.unread(unread));
        let (_, head) = references.head();
        let is_empty = objects.is_empty();
        let asked =
            revision.map(|id| Tip { name: BString::default(), target: git_id(&id), kind: TipKind::Asked });
        tips.extend(asked);
        let commits = Commits::new(|id| objects.number(id), objects.len(), commits, &tags, tips, head);
        let index = index.into_iter().map(|(path, id)| (id, path)).collect();
        let watched = watched.iter().map(|id| object_id(id)).collect();
        History { objects, commits, trees, index, watched, read, is_empty }
    }

    /// Inflates every packed blob and applies its deltas, and looks at none: the least that an audit of all of them can cost.
    /// For benches. Returns how many could not be made.
    #[doc(hidden)]
    #[must_use]
    pub fn make_blobs(&self) -> usize {
        let git = self.git.to_thread_local();
        let objects = Objects::open(&git.common_dir().join("objects"), git.object_hash(), &mut Vec::new());
        objects.make_blobs().len()
    }

    /// The commit that `revision` names.
    ///
    /// # Errors
    ///
    /// When it names none.
    pub fn resolve(&self, revision: &str) -> Result<ObjectId, Error> {
        let fail = |why: String| Error::NoSuchRevision {
            revision: revision.to_owned(),
            path: self.path.display().to_string(),
            why,
        };
        let references = self.refs();
        let id = references.parse(revision).map_err(&fail)?;
        let object = references.git.find_object(id).map_err(|error| fail(error.to_string()))?;
        let kind = object.kind;
        let commit = object.peel_to_commit().map_err(|_| fail(format!("it is a {kind}")))?;
        Ok(ObjectId::from_bytes(commit.id.as_bytes()))
    }

    /// The object that `revision` names, an annotated tag as itself; none where there is none.
    #[must_use]
    pub fn named(&self, revision: &str) -> Option<ObjectId> {
        self.refs().parse(revision).ok().map(|id| object_id(&id))
    }

    /// Where references are kept. The tables are read once.
    fn refs(&self) -> References {
        let git = self.git.to_thread_local();
        let tables = self.tables.get_or_init(|| Tables::of(&git).map(Arc::new));
        References { git, tables: tables.clone() }
    }

    /// The commits at which a shallow clone was cut off.
    fn shallow_list(&self, unread: &mut Vec<Unread>) -> HashSet<GitId> {
        match self.git.to_thread_local().shallow_commits() {
            Ok(commits) => commits.iter().flat_map(|commits| commits.iter().copied()).collect(),
            Err(error) => {
                unread.push(Unread::new(
                    "shallow",
                    format!("the list of shallow commits is damaged: {}", unquoted(&error)),
                ));
                HashSet::new()
            }
        }
    }

    /// The commits at which a shallow clone was cut off: history that cannot be read.
    fn shallow_commits(&self, unread: &mut Vec<Unread>) -> HashSet<GitId> {
        let shallow = self.shallow_list(unread);
        if !shallow.is_empty() {
            let what = format!("the history before {} commits", shallow.len());
            let why = "this is a shallow clone; get the rest with `git fetch --unshallow` (in CI: `fetch-depth: 0`)";
            unread.push(Unread::new(what, why));
        }
        shallow
    }
}

/// The SHA-1 of some bytes, in hexadecimal digits: other scanners' baselines name secrets so.
#[must_use]
pub fn sha1(bytes: &[u8]) -> Option<String> {
    let mut hasher = gix::hash::hasher(HashKind::Sha1);
    hasher.update(bytes);
    hasher.try_finalize().ok().map(|id| id.to_string())
}

/// The folder that `path` is, or the one that the file lies in. A link to a file counts as where the link lies.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        _ if path.is_dir() => path,
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Searches each name that trees give their entries once; returns whether there is nothing in any.
fn search_names<V: Visitor>(visitor: &V, trees: &Trees) -> bool {
    let is_clean = |name: &&[u8]| {
        let provenance = Provenance::GitMetadata(Metadata::EntryName(BString::from(*name)));
        visitor.chunk(&Chunk::whole(name, provenance), None).is_clean
    };
    // All of them, not as far as the first.
    let names: Vec<&[u8]> = trees.names().into_iter().collect();
    names.par_iter().map(is_clean).reduce(|| true, |a, b| a && b)
}

/// The largest file that names a git directory, in bytes.
const MAX_LINK_BYTES: u64 = 64 << 10;
/// The longest path of a git directory, in bytes.
const MAX_PATH_BYTES: usize = 4096;

/// Why the repository that `path` is or lies in is not opened, see [`control_files::refused`].
fn refused_above(path: &Path) -> Option<Error> {
    let absolute = std::path::absolute(path).ok()?;
    for dir in absolute.ancestors() {
        let beside = dir.join(".git");
        if is_special(&beside) {
            return Some(Error::SpecialFile { file: beside.display().to_string() });
        }
        if is_git_dir(&beside) {
            return control_files::refused(&beside);
        }
        if let Ok(text) = control::read_text(&beside, MAX_LINK_BYTES) {
            let named = dir.join(text.strip_prefix("gitdir:")?.trim());
            return control_files::refused(&named);
        }
        if is_git_dir(dir) {
            return control_files::refused(dir);
        }
    }
    None
}

/// Whether the `.git` file that rules `path` names a git directory that is not there, or one whose main one is not.
fn lost_git_dir(path: &Path) -> Option<Error> {
    let absolute = std::path::absolute(path).ok()?;
    let mut candidates = absolute.ancestors().flat_map(|dir| [dir.join(".git"), dir.to_owned()]);
    let candidate = candidates
        .find(|candidate| is_git_dir(candidate) || (candidate.ends_with(".git") && candidate.exists()))?;
    if is_git_dir(&candidate) {
        return lost_main_dir(&candidate);
    }
    let text = control::read_text(&candidate, MAX_LINK_BYTES).ok()?;
    let named = text.strip_prefix("gitdir:")?.trim();
    let git_dir = candidate.parent()?.join(named);
    if git_dir.is_dir() { lost_main_dir(&git_dir) } else { Some(lost(&candidate, named, &git_dir)) }
}

/// Whether the git directory of a linked work tree names a main one that is not there.
fn lost_main_dir(git_dir: &Path) -> Option<Error> {
    let file = git_dir.join("commondir");
    let text = control::read_text(&file, MAX_LINK_BYTES).ok()?;
    let main = git_dir.join(text.trim());
    (!main.is_dir()).then(|| lost(&file, text.trim(), &main))
}

/// `file` names a folder that is not there. Only what looks like a path is shown: the file may be another one than it claims to be.
fn lost(file: &Path, named: &str, missing: &Path) -> Error {
    let file = file.display().to_string();
    let is_path = named.contains(std::path::is_separator)
        // As in `C:/`.
        && named.rfind(':').is_none_or(|at| at == 1)
        && named.len() <= MAX_PATH_BYTES
        && !named.contains(|sign: char| sign.is_control() || sign.is_whitespace() || sign == '"');
    match is_path {
        true => Error::LostGitDir { file, missing: missing.display().to_string() },
        false => Error::NoGitDir { file },
    }
}

/// The git directory that `path` is, or lies beside or below.
fn git_dir_above(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    absolute.ancestors().find_map(|dir| {
        [dir.join(".git"), dir.to_owned()].into_iter().find(|candidate| is_git_dir(candidate))
    })
}

fn is_git_dir(dir: &Path) -> bool {
    dir.join("objects").is_dir() && dir.join("refs").is_dir()
}

fn object_id(id: &gix::oid) -> ObjectId {
    ObjectId::from_bytes(id.as_bytes())
}

fn git_id(id: &ObjectId) -> GitId {
    GitId::try_from(id.as_bytes()).unwrap_or(GitId::null(HashKind::Sha1))
}
