//! Git repositories: every object of the database, the text that is no blob, and where things came from. The only user of
//! `gix`. Replace refs, grafts and the user's git configuration have no effect: what is stored is what is read.

mod attribution;
mod cache;
mod commits;
pub(super) mod delta;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod git_dir;
mod numbers;
mod objects;
mod pack_index;
mod packs;
mod sieve;
mod tree;
mod tree_log;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use bstr::BString;
use gix::ObjectId as GitId;
use gix::hash::Kind as HashKind;

use crate::chunk::Visitor;
use crate::coverage::{Read, Unread};
use crate::finding::{CommitSummary, HistoryPlace, Reach};
use crate::provenance::ObjectId;

use self::attribution::{Attribution, PathHistory};
use self::cache::Cache;
use self::commits::{Commits, Sources, Tip, TipKind};
use self::objects::Objects;
use self::sieve::{ObjectSieve, Sieved};
use self::tree_log::Trees;

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
}

/// An opened repository.
#[derive(Debug)]
pub struct Repository {
    git: gix::ThreadSafeRepository,
    path: PathBuf,
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
        let git = gix::discover_opts(
            path,
            gix::discover::upwards::Options::default(),
            gix::open::Options::isolated(),
        )
        .map_err(|error| {
            let why = error.to_string();
            match git_dir_above(path) {
                Some(git_dir) => Error::Unusable { path: shown, git_dir: git_dir.display().to_string(), why },
                None => Error::NotARepository { path: shown, why },
            }
        })?;
        Ok(Self { git: git.into_sync(), path: path.to_owned() })
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
    fn shallow_commits(&self, unread: &mut Vec<Unread>) -> HashSet<GitId> {
        let shallow: HashSet<GitId> = match self.git.to_thread_local().shallow_commits() {
            Ok(commits) => commits.iter().flat_map(|commits| commits.iter().copied()).collect(),
            Err(error) => {
                unread
                    .push(Unread::new("shallow", format!("the list of shallow commits is damaged: {error}")));
                HashSet::new()
            }
        };
        if !shallow.is_empty() {
            let what = format!("the history before {} commits", shallow.len());
            let why = "this is a shallow clone; get the rest with `git fetch --unshallow` (in CI: `fetch-depth: 0`)";
            unread.push(Unread::new(what, why));
        }
        shallow
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
            reach.refs.push("the index (staged)".into());
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
