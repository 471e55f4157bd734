//! Git repositories: every object of the database, the text that is no blob, and where things came from. The only user of
//! `gix`. Replace refs, grafts and the user's git configuration have no effect: what is stored is what is read.

mod attribution;
mod cache;
mod commits;
mod delta;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod git_dir;
mod graph;
mod numbers;
mod objects;
mod pack_index;
mod packs;
mod range;
mod sieve;
mod staged;
mod store;
mod tree;
mod tree_diff;
mod tree_log;
mod updates;
mod walk;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId as GitId;
use gix::hash::Kind as HashKind;

use crate::chunk::Visitor;
use crate::coverage::{Read, Unread};
use crate::finding::{CommitSummary, HistoryPlace, Reach};
use crate::provenance::ObjectId;

use self::attribution::{Attribution, PathHistory};
use self::cache::Cache;
use self::commits::{Commits, Headers, Sources, Tip, TipKind};
use self::objects::Objects;
use self::sieve::{ObjectSieve, Sieved};
use self::store::Store;
use self::tree_log::Trees;

pub use self::range::{CommitShape, Occurrence, Range, RangeQuery};
pub use self::updates::{RefUpdate, UpdatesError};

/// What reports call the index, among the names that reach a blob.
const STAGED: &str = "the index (staged)";

/// Why a repository cannot be opened or asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such file or directory.
    #[error("{path}: no such directory; give the path of a git repository")]
    NoSuchPath {
        /// What was asked for.
        path: String,
    },
    /// There is something, but no repository.
    #[error(
        "{path}: not a git repository, nor inside one ({why}); use `keysieve scan {path}` to scan plain files"
    )]
    NotARepository {
        /// What was asked for.
        path: String,
        /// What gix said.
        why: String,
    },
    /// There is a repository, but its own files are damaged.
    #[error(
        "{path}: the repository in {git_dir} cannot be opened: {why}; mend its `config`, `HEAD` or `objects/info/alternates`, \
             or clone it anew"
    )]
    Unusable {
        /// What was asked for.
        path: String,
        /// The git directory.
        git_dir: String,
        /// What gix said.
        why: String,
    },
    /// The revision names nothing.
    #[error(
        "revision `{revision}` does not name a commit of {path} ({why}); see `git branch -a` and `git tag` for what there is"
    )]
    NoSuchRevision {
        /// What was asked for.
        revision: String,
        /// The repository.
        path: String,
        /// What gix said.
        why: String,
    },
    /// One end of a range names nothing.
    #[error(
        "`{revision}` in `{range}` does not name a commit of {path} ({why}); in CI, check out with `fetch-depth: 0`; \
         elsewhere fetch it, or `git fetch --deepen=100` a shallow clone"
    )]
    NoSuchEnd {
        /// The end that is missing.
        revision: String,
        /// What was asked for.
        range: String,
        /// The repository.
        path: String,
        /// What gix said.
        why: String,
    },
    /// The two ends of a range share no history.
    #[error(
        "`{range}`: the two have no commit in common{}; in CI, check out with `fetch-depth: 0`; elsewhere \
         `git fetch --deepen=100`, or `A..B` where that is meant", if *is_shallow { " that is here: this is a shallow clone" } else { "" }
    )]
    NoMergeBase {
        /// What was asked for.
        range: String,
        /// Whether the reason may be that history was cut off.
        is_shallow: bool,
    },
    /// A range that should hold commits holds none.
    #[error(
        "`{range}` holds no commit: its second end is part of the first's history; give the older revision first"
    )]
    EmptyRange {
        /// What was asked for.
        range: String,
    },
    /// A shallow clone's history ends inside the range.
    #[error(
        "the range reaches past the end of this shallow clone's history ({commits} commits have parents that are not here): \
         what is new in it cannot be told; in CI, check out with `fetch-depth: 0`; elsewhere `git fetch --deepen=100` or \
         `git fetch --unshallow`"
    )]
    CutOff {
        /// How many commits of the range were cut off from their parents.
        commits: usize,
    },
    /// There is no index in a bare repository.
    #[error("{path}: a bare repository has no index, so nothing can be staged in it")]
    NoIndex {
        /// The repository.
        path: String,
    },
    /// An object database that is needed cannot be opened.
    #[error("{0}")]
    ObjectDatabase(String),
}

/// Where git says that a repository's parts lie when it runs a hook; empty outside of hooks.
#[derive(Debug, Clone, Default)]
pub struct GitEnvironment {
    /// `GIT_DIR`
    pub git_dir: Option<PathBuf>,
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
        let git = gix::discover_opts(path, gix::discover::upwards::Options::default(), options()).map_err(
            |error| {
                let why = error.to_string();
                match git_dir_above(path) {
                    Some(git_dir) => {
                        Error::Unusable { path: shown, git_dir: git_dir.display().to_string(), why }
                    }
                    None => Error::NotARepository { path: shown, why },
                }
            },
        )?;
        Ok(Self { git: git.into_sync(), path: path.to_owned(), environment: GitEnvironment::default() })
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
                    Error::Unusable { path: path.display().to_string(), git_dir, why: error.to_string() }
                };
                let git = gix::open_opts(git_dir, options().open_path_as_is(true)).map_err(fail)?;
                Self { git: git.into_sync(), path: path.to_owned(), environment: GitEnvironment::default() }
            }
        };
        Ok(Self { environment, ..repository })
    }

    /// The directory of the work tree, where there is one.
    #[must_use]
    pub fn workdir(&self) -> Option<&Path> {
        self.git.work_dir()
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
        let mut tips = git_dir::tips(&git, &mut unread);
        let shallow = self.shallow_commits(&mut unread);
        // What is incomplete is never kept.
        let cache = cache_key.filter(|_| shallow.is_empty() && unread.is_empty());
        let cache = cache.map(|key| Cache::new(git.common_dir(), key));
        let recalled = cache.as_ref().map(|cache| cache.recall(&objects)).unwrap_or_default();
        objects.verify(&recalled, &mut unread);
        let sieve = ObjectSieve::new(visitor, &objects, hash, shallow, is_watched);
        let failures = objects.visit(&sieve, &recalled);
        let known = recalled.unclean.clone();
        let sieved = sieve.finish(recalled);
        if let Some(cache) = cache
            && failures.is_empty()
            && unread.is_empty()
            && sieved.is_sound()
        {
            cache.keep(&objects, &known, &sieved);
        }
        let Sieved { mut read, commits, tags, trees, missing, damaged, watched, seen: _ } = sieved;
        read.bytes += git_dir::read_texts(&git, &tips, visitor, &mut unread);
        let index = git_dir::index_entries(&git, &mut unread);
        for tip in tips.iter().filter(|tip| !tip.target.is_null() && !objects.contains(&tip.target)) {
            let what = format!("object {}", tip.target);
            unread.push(Unread::new(
                what,
                format!("{} points at it, and it is not in the repository", tip.name),
            ));
        }
        for (id, why) in failures.into_iter().chain(damaged) {
            unread.push(Unread::new(format!("object {id}"), format!("{why}; restore it from another clone")));
        }
        for (id, kind) in missing {
            unread.push(Unread::new(
                format!("{kind} {id}"),
                "it is not in the repository (a partial clone?); fetch it with `git fetch --refetch`",
            ));
        }
        unread.into_iter().for_each(|unread| visitor.unread(unread));
        let head = git.head_id().ok().map(gix::Id::detach);
        let is_empty = objects.is_empty();
        let asked =
            revision.map(|id| Tip { name: BString::default(), target: git_id(&id), kind: TipKind::Asked });
        tips.extend(asked);
        let commits = Commits::new(|id| objects.number(id), objects.len(), commits, &tags, tips, head);
        let index = index.into_iter().map(|(path, id)| (id, path)).collect();
        let watched = watched.into_iter().map(|id| ObjectId::from_bytes(id.as_bytes())).collect();
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
        let git = self.git.to_thread_local();
        let object = git.rev_parse_single(revision).and_then(|id| id.object());
        let object = object.map_err(|error| fail(error.to_string()))?;
        let kind = object.kind;
        let commit = object.peel_to_commit().map_err(|_| fail(format!("it is a {kind}")))?;
        Ok(ObjectId::from_bytes(commit.id.as_bytes()))
    }

    /// The commits at which a shallow clone was cut off.
    fn shallow_list(&self, unread: &mut Vec<Unread>) -> HashSet<GitId> {
        match self.git.to_thread_local().shallow_commits() {
            Ok(commits) => commits.iter().flat_map(|commits| commits.iter().copied()).collect(),
            Err(error) => {
                unread
                    .push(Unread::new("shallow", format!("the list of shallow commits is damaged: {error}")));
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

/// Ranges, and what is known of remotes.
impl Repository {
    /// The range that `spec` names: `BASE..HEAD`, the commits of HEAD that BASE has not; `BASE...HEAD`, the same where the
    /// two have a commit in common; `BASE` alone, `BASE..HEAD`.
    ///
    /// # Errors
    ///
    /// When an end of it names nothing, or the two belong to different histories.
    pub fn range(&self, spec: &str) -> Result<RangeQuery, Error> {
        let (base, tip, needs_merge_base) = match (spec.split_once("..."), spec.split_once("..")) {
            (Some((base, tip)), _) => (base, tip, true),
            (None, Some((base, tip))) => (base, tip, false),
            (None, None) => (spec, "HEAD", false),
        };
        let end = |revision: &str| {
            let revision = if revision.is_empty() { "HEAD" } else { revision };
            match self.resolve(revision) {
                Ok(id) => Ok((BString::from(revision), id)),
                Err(Error::NoSuchRevision { revision, path, why }) => {
                    Err(Error::NoSuchEnd { revision, range: spec.to_owned(), path, why })
                }
                Err(error) => Err(error),
            }
        };
        let (base, tip) = (end(base)?, end(tip)?);
        let git = self.git.to_thread_local();
        let common = git.merge_base(git_id(&base.1), git_id(&tip.1)).ok().flatten().map(gix::Id::detach);
        if needs_merge_base && common.is_none() {
            let is_shallow = !self.shallow_list(&mut Vec::new()).is_empty();
            return Err(Error::NoMergeBase { range: spec.to_owned(), is_shallow });
        }
        if base.1 != tip.1 && common == Some(git_id(&tip.1)) {
            return Err(Error::EmptyRange { range: spec.to_owned() });
        }
        Ok(RangeQuery::Commits {
            include: vec![tip],
            exclude: vec![base.1],
            since: None,
            needs_parents: true,
        })
    }

    /// The commits of HEAD whose committer's date is not before `seconds`, counted from 1970.
    ///
    /// # Errors
    ///
    /// When there is no commit yet.
    pub fn range_since(&self, seconds: i64) -> Result<RangeQuery, Error> {
        let head = self.resolve("HEAD")?;
        let include = vec![("HEAD".into(), head)];
        Ok(RangeQuery::Commits { include, exclude: Vec::new(), since: Some(seconds), needs_parents: true })
    }

    /// Reads what the query asks for, and hands it over. Must be called inside the thread pool that is to do it.
    ///
    /// # Errors
    ///
    /// When it cannot be told what belongs to the range; what cannot be read in it goes to the visitor.
    pub fn read_range<V: Visitor>(&self, query: &RangeQuery, visitor: &V) -> Result<Range, Error> {
        let git = self.git.to_thread_local();
        let store = self.store()?;
        let RangeQuery::Commits { include, exclude, since, needs_parents } = query else {
            return self.read_staged(&git, store, visitor);
        };
        let mut unread = Vec::new();
        let shallow = self.shallow_list(&mut unread);
        unread.into_iter().for_each(|unread| visitor.unread(unread));
        let tips: Vec<GitId> = include.iter().map(|(_, id)| git_id(id)).collect();
        let exclude: Vec<GitId> = exclude.iter().map(git_id).collect();
        let mut walked = walk::walk(&mut store.reader(), &tips, &exclude, &shallow);
        if let Some(since) = since {
            walked.commits.retain(|(_, headers)| headers.seconds >= *since);
            let kept: HashSet<GitId> = walked.commits.iter().map(|(id, _)| *id).collect();
            walked.cut_off.retain(|id| kept.contains(id));
        }
        if *needs_parents && !walked.cut_off.is_empty() {
            return Err(Error::CutOff { commits: walked.cut_off.len() });
        }
        let references = git_dir::references(&git, &mut Vec::new());
        Ok(Range::of_commits(store, walked, include, references, visitor))
    }

    fn read_staged<V: Visitor>(
        &self,
        git: &gix::Repository,
        store: Store,
        visitor: &V,
    ) -> Result<Range, Error> {
        if git.is_bare() {
            return Err(Error::NoIndex { path: self.path.display().to_string() });
        }
        let index = self.environment.index_file.clone().unwrap_or_else(|| git.index_path());
        let directories = staged::directories(&index, git.object_hash()).unwrap_or_else(|gap| {
            visitor.unread(gap);
            vec![std::sync::Arc::default()]
        });
        // A merge's commit has what it merges as parents too.
        let merged = std::fs::read(git.git_dir().join("MERGE_HEAD")).unwrap_or_default();
        let merged = merged.lines().filter_map(|line| GitId::from_hex(line.trim()).ok());
        let parents: Vec<GitId> = git.head_id().ok().map(gix::Id::detach).into_iter().chain(merged).collect();
        let mut reader = store.reader();
        let trees = parents.iter().filter_map(|id| match reader.peek(id) {
            Ok((_, bytes)) => Headers::parse(bytes).map(|headers| headers.tree),
            Err(_) => None,
        });
        let trees = trees.collect();
        Ok(Range::of_staged(store, directories, trees, visitor))
    }

    fn store(&self) -> Result<Store, Error> {
        let git = self.git.to_thread_local();
        let own = git.common_dir().join("objects");
        let mut dirs = Vec::new();
        let environment = &self.environment;
        let named = environment.object_directory.iter().chain(&environment.alternate_object_directories);
        for dir in named.chain([&own]) {
            let is_known = dirs.iter().any(|known: &PathBuf| {
                known == dir
                    || known
                        .canonicalize()
                        .ok()
                        .is_some_and(|known| dir.canonicalize().is_ok_and(|dir| dir == known))
            });
            if !is_known {
                dirs.push(dir.clone());
            }
        }
        Store::open(&dirs, git.object_hash()).map_err(Error::ObjectDatabase)
    }

    /// What the remote, given by its name or address, is known to have: its remote-tracking references. Of a remote that was never fetched from nothing is
    /// known; then it is what any remote has.
    #[must_use]
    pub fn known_to(&self, remote: &BStr) -> Vec<ObjectId> {
        let git = self.git.to_thread_local();
        let patterns: Vec<BString> = named_remote(&git, remote)
            .iter()
            .flat_map(|remote| remote.refspecs(gix::remote::Direction::Fetch))
            .filter_map(|spec| spec.to_ref().local().map(ToOwned::to_owned))
            .collect();
        // A mirror's references are the local ones: they say nothing about what the remote has.
        let tracking: Vec<(BString, ObjectId)> =
            self.references().into_iter().filter(|(name, _)| name.starts_with(b"refs/remotes/")).collect();
        let is_of_remote = |name: &BString| patterns.iter().any(|pattern| matches_pattern(pattern, name));
        let of_remote: Vec<ObjectId> =
            tracking.iter().filter(|(name, _)| is_of_remote(name)).map(|(_, id)| *id).collect();
        if of_remote.is_empty() { tracking.into_iter().map(|(_, id)| id).collect() } else { of_remote }
    }

    /// The content of the file at `path` in a commit; none where there is no such file.
    ///
    /// # Errors
    ///
    /// When the commit or file cannot be read.
    pub fn file_at(&self, commit: &ObjectId, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let store = self.store()?;
        let mut trees = tree_diff::Trees::new(store.reader(), store.hash(), &[]);
        let fail = |id: GitId, failure: &store::Failure| {
            Error::ObjectDatabase(format!("object {id}, for {path}, cannot be read: {failure:?}"))
        };
        let id = git_id(commit);
        let (_, bytes) = trees.reader.read(&id).map_err(|failure| fail(id, &failure))?;
        let Some(commit) = Headers::parse(bytes) else {
            return Err(fail(id, &store::Failure::Damaged("no tree".to_owned())));
        };
        match trees.try_find(commit.tree, path.into()).map_err(|(id, failure)| fail(id, &failure))? {
            None => Ok(None),
            Some(blob) => {
                let (_, bytes) = trees.reader.read(&blob).map_err(|failure| fail(blob, &failure))?;
                Ok(Some(bytes.to_vec()))
            }
        }
    }

    /// All references with what they name; those that cannot be read are left out.
    #[must_use]
    pub fn references(&self) -> Vec<(BString, ObjectId)> {
        let git = self.git.to_thread_local();
        let Ok(references) = git.references() else { return Vec::new() };
        let Ok(references) = references.all() else { return Vec::new() };
        let named = references.filter_map(Result::ok).filter_map(|reference| {
            let id = reference.try_id()?;
            Some((reference.name().as_bstr().to_owned(), ObjectId::from_bytes(id.as_bytes())))
        });
        named.collect()
    }

    /// The branch that is checked out, and its commit.
    #[must_use]
    pub fn head(&self) -> (Option<BString>, Option<ObjectId>) {
        let git = self.git.to_thread_local();
        let branch = git.head_name().ok().flatten().map(|name| name.shorten().to_owned());
        let commit = git.head_id().ok().map(|id| ObjectId::from_bytes(id.as_bytes()));
        (branch, commit)
    }
}

/// The SHA-1 of some bytes, in hexadecimal digits: other scanners' baselines name secrets so.
#[must_use]
pub fn sha1(bytes: &[u8]) -> Option<String> {
    let mut hasher = gix::hash::hasher(HashKind::Sha1);
    hasher.update(bytes);
    hasher.try_finalize().ok().map(|id| id.to_string())
}

/// The seconds since 1970 of a date as git takes them: `2024-03-01`, `yesterday`, `2 weeks ago`.
#[must_use]
pub fn seconds_of_date(date: &str) -> Option<i64> {
    let now = gix::date::Zoned::now();
    gix::date::parse(date.trim(), Some(now)).ok().map(|time| time.seconds)
}

/// The remote of this name, or with this address.
fn named_remote<'a>(git: &'a gix::Repository, name_or_url: &BStr) -> Option<gix::Remote<'a>> {
    let find = |name: &BStr| {
        git.try_find_remote_without_url_rewrite(name)?.ok().filter(|found| found.name().is_some())
    };
    find(name_or_url).or_else(|| {
        let has_url = |remote: &gix::Remote<'_>| {
            let directions = [gix::remote::Direction::Push, gix::remote::Direction::Fetch];
            directions
                .iter()
                .filter_map(|&direction| remote.url(direction))
                .any(|url| url.to_bstring() == name_or_url)
        };
        git.remote_names().iter().filter_map(|name| find(name.as_ref())).find(has_url)
    })
}

/// Whether `name` matches a refspec's side, in which one `*` stands for anything.
fn matches_pattern(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_once_str("*") {
        Some((before, after)) => {
            name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
        }
        None => pattern == name,
    }
}

/// The git directory that `path` is, or lies beside or below.
fn git_dir_above(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    let is_git_dir = |dir: &Path| dir.join("objects").is_dir() && dir.join("refs").is_dir();
    absolute.ancestors().find_map(|dir| {
        [dir.join(".git"), dir.to_owned()].into_iter().find(|candidate| is_git_dir(candidate))
    })
}

/// A repository after it was read: what it holds, and where things came from.
#[derive(Debug)]
pub struct History {
    objects: Objects,
    commits: Commits,
    trees: Trees,
    index: HashMap<GitId, BString>,
    watched: Vec<ObjectId>,
    read: Read,
    is_empty: bool,
}

/// Where groups of blobs were.
#[derive(Debug)]
pub struct Places {
    /// The places of each group, in the order in which the groups were given.
    pub of_groups: Vec<Vec<HistoryPlace>>,
    /// What is not told of them, and why.
    pub unread: Option<Unread>,
}

impl History {
    /// What was read.
    #[must_use]
    pub fn read(&self) -> Read {
        self.read
    }

    /// The blobs whose file names were watched for.
    #[must_use]
    pub fn watched(&self) -> &[ObjectId] {
        &self.watched
    }

    /// Whether the repository has no object at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Where each group of blobs was: one place for each path. A group holds the blobs of one finding. Blobs that no tree
    /// names have a place without a path.
    #[must_use]
    pub fn places(&self, groups: &[Vec<ObjectId>]) -> Places {
        let groups: Vec<Vec<GitId>> = groups.iter().map(|blobs| blobs.iter().map(git_id).collect()).collect();
        let Attribution { histories, is_cut } =
            attribution::attribute(&self.objects, &self.trees, &self.commits, &groups);
        let sources = histories.iter().map(|history| {
            // What no commit has may be named by itself.
            let blob = history.blobs.first().filter(|_| history.introduced.is_empty());
            Sources {
                commits: history.introduced.clone(),
                objects: history.trees.iter().chain(blob).copied().collect(),
            }
        });
        let reaches = self.commits.reach(&sources.collect::<Vec<_>>());
        let mut places: Vec<Vec<HistoryPlace>> = vec![Vec::new(); groups.len()];
        let mut placed: Vec<HashSet<GitId>> = vec![HashSet::new(); groups.len()];
        let mut summaries = Summaries { history: self, known: HashMap::new() };
        for (history, reach) in histories.into_iter().zip(reaches) {
            placed[history.group].extend(&history.blobs);
            places[history.group].push(summaries.place(&history, reach));
        }
        for (group, blobs) in groups.iter().enumerate() {
            let alone = blobs.iter().filter(|blob| !placed[group].contains(*blob));
            places[group].extend(alone.map(|blob| self.pathless_place(blob)));
        }
        let unread = is_cut.then(|| {
            let why = format!(
                "some tree names what was found at more than {} paths, or more than {} folders deep; places beyond \
                 these are not told, and with --rev findings may be missing",
                attribution::MAX_HOLDINGS,
                attribution::MAX_DEPTH
            );
            Unread::new("some places of findings", why)
        });
        Places { of_groups: places, unread }
    }

    /// Each commit or tag with its facts, and what reaches it.
    #[must_use]
    pub fn commits(&self, ids: &[ObjectId]) -> HashMap<ObjectId, (Option<CommitSummary>, Reach)> {
        let found: Vec<_> =
            ids.iter().map(|id| self.commits.find(self.objects.number(&git_id(id))?)).collect();
        let sources = found
            .iter()
            .map(|commit| Sources { commits: commit.iter().copied().collect(), objects: Vec::new() });
        let sets: Vec<Sources> = sources.collect();
        let reaches = self.commits.reach(&sets);
        let facts = ids.iter().zip(found).zip(reaches).map(|((id, commit), reach)| match commit {
            Some(_) => (*id, (self.summary(git_id(id)), reach)),
            None => (*id, (None, self.commits.direct_reach(&git_id(id)))),
        });
        facts.collect()
    }

    /// Names the index among what reaches a blob that no commit has.
    fn with_index(&self, blob: &GitId, mut reach: Reach) -> Reach {
        if self.index.contains_key(blob) {
            reach.refs.push(STAGED.into());
        }
        reach
    }

    fn pathless_place(&self, blob: &GitId) -> HistoryPlace {
        HistoryPlace {
            path: self.index.get(blob).cloned(),
            blob: ObjectId::from_bytes(blob.as_bytes()),
            versions: vec![ObjectId::from_bytes(blob.as_bytes())],
            introduced: None,
            last: None,
            in_head: false,
            reach: self.with_index(blob, self.commits.direct_reach(blob)),
        }
    }

    fn summary(&self, id: GitId) -> Option<CommitSummary> {
        self.objects.read(&id).ok().map(|(_, bytes)| commits::summary(id, &bytes))
    }
}

fn git_id(id: &ObjectId) -> GitId {
    GitId::try_from(id.as_bytes()).unwrap_or(GitId::null(HashKind::Sha1))
}

/// Reads each commit's facts once.
struct Summaries<'a> {
    history: &'a History,
    known: HashMap<GitId, Option<CommitSummary>>,
}

impl Summaries<'_> {
    fn place(&mut self, history: &PathHistory, reach: Reach) -> HistoryPlace {
        let commits = &self.history.commits;
        let (introduced, last) = (history.introduced.first(), history.last);
        // What no commit has may be staged all the same.
        let reach = match introduced {
            Some(_) => reach,
            None => self.history.with_index(&history.blobs[0], reach),
        };
        let introduced = introduced.map(|&commit| commits.get(commit).id);
        let last = last.map(|commit| commits.get(commit).id);
        HistoryPlace {
            path: Some(history.path.clone()),
            blob: ObjectId::from_bytes(history.blobs[0].as_bytes()),
            versions: history.blobs.iter().map(|blob| ObjectId::from_bytes(blob.as_bytes())).collect(),
            introduced: introduced.and_then(|id| self.summary(id)),
            last: last.and_then(|id| self.summary(id)),
            in_head: history.in_head,
            reach,
        }
    }

    fn summary(&mut self, id: GitId) -> Option<CommitSummary> {
        self.known.entry(id).or_insert_with(|| self.history.summary(id)).clone()
    }
}
