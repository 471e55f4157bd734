//! Git repositories: every object of the database, the text that is no blob, and where things came from. The only user of
//! `gix`. Replace refs, grafts and the user's git configuration have no effect: what is stored is what is read.

mod attribution;
mod commits;
mod delta;
mod objects;
mod packs;
mod tree;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bstr::{BString, ByteSlice};
use gix::ObjectId as GitId;
use gix::hash::Kind as HashKind;
use gix::objs::Kind;

use crate::chunk::{Chunk, Visitor};
use crate::coverage::{Read, Unread};
use crate::finding::{CommitSummary, HistoryPlace, Reach};
use crate::provenance::{Metadata, ObjectId, Provenance, path_bytes};

use self::attribution::PathHistory;
use self::commits::{Commits, RawCommit, Tip, TipKind};
use self::objects::{ObjectVisitor, Objects};
use self::packs::PackedObject;
use self::tree::{EntryKind, TreeMemo};

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
        .map_err(|error| Error::NotARepository { path: shown, why: error.to_string() })?;
        Ok(Self { git: git.into_sync(), path: path.to_owned() })
    }

    /// The directory of the work tree, where there is one.
    #[must_use]
    pub fn workdir(&self) -> Option<&Path> {
        self.git.work_dir()
    }

    /// The paths in the index, relative to the work tree.
    ///
    /// # Errors
    ///
    /// When the index is damaged.
    pub fn tracked_paths(&self) -> Result<BTreeSet<BString>, Unread> {
        Ok(self.index_entries()?.into_iter().map(|(path, _)| path).collect())
    }

    fn index_entries(&self) -> Result<Vec<(BString, GitId)>, Unread> {
        let git = self.git.to_thread_local();
        match git.try_index() {
            Ok(Some(index)) => {
                let entries = index.entries().iter().filter(|entry| !entry.mode.is_submodule());
                Ok(entries.map(|entry| (entry.path(&index).to_owned(), entry.id)).collect())
            }
            Ok(None) => Ok(Vec::new()),
            Err(error) => {
                let why = format!("the index is damaged ({error}); `git reset` makes a new one");
                Err(Unread::new(path_bytes(&git.index_path()), why))
            }
        }
    }

    /// Reads every object once, and the text that is no blob: commits, tags, names of references, `config`. Takes note of
    /// the blobs that some tree gives a file name for which `is_watched` says yes, and of what `revision` reaches.
    pub fn read<V: Visitor>(
        &self,
        visitor: &V,
        is_watched: fn(&[u8]) -> bool,
        revision: Option<ObjectId>,
    ) -> History {
        let mut unread = Vec::new();
        let git = self.git.to_thread_local();
        let hash = git.object_hash();
        let objects = Objects::open(&git.common_dir().join("objects"), hash, &mut unread);
        let mut tips = self.tips(&mut unread);
        let sieve = ObjectSieve::new(visitor, &objects, hash, self.shallow_commits(&mut unread), is_watched);
        let failures = objects.visit(&sieve);
        let mut read = sieve.read();
        read.bytes += self.read_names(visitor, &tips, &mut unread);
        let ObjectSieve { commits, tags, missing, damaged, watched, .. } = sieve;
        let (commits, tags) = (into_inner(commits), into_inner(tags));
        for tip in tips.iter().filter(|tip| !tip.target.is_null() && !objects.contains(&tip.target)) {
            let what = format!("object {}", tip.target);
            unread.push(Unread::new(
                what,
                format!("{} points at it, and it is not in the repository", tip.name),
            ));
        }
        for (id, why) in failures.into_iter().chain(into_inner(damaged)) {
            unread.push(Unread::new(format!("object {id}"), format!("{why}; restore it from another clone")));
        }
        for (id, kind) in into_inner(missing) {
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
        let commits = Commits::new(commits, &tags, tips, head);
        let index = self.index_entries().unwrap_or_default();
        let index = index.into_iter().map(|(path, id)| (id, path)).collect();
        let watched = into_inner(watched).into_iter().map(|id| ObjectId::from_bytes(id.as_bytes())).collect();
        History { objects, commits, hash, index, watched, read, is_empty }
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
        let spec = format!("{revision}^{{commit}}");
        let git = self.git.to_thread_local();
        let id = git.rev_parse_single(spec.as_str()).map_err(|error| fail(error.to_string()))?;
        Ok(ObjectId::from_bytes(id.detach().as_bytes()))
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

    /// References, reflogs, and the HEAD of every work tree.
    fn tips(&self, unread: &mut Vec<Unread>) -> Vec<Tip> {
        let mut tips = Vec::new();
        let mut damaged = |what: &str, why: String| unread.push(Unread::new(what, why));
        let git = self.git.to_thread_local();
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
        let common = git.common_dir();
        let worktrees = list(&common.join("worktrees"));
        let heads = std::iter::once((BString::from("HEAD"), common.to_owned())).chain(
            worktrees.into_iter().map(|dir| {
                let name = dir.file_name().map(|name| path_bytes(Path::new(name))).unwrap_or_default();
                (BString::from(format!("HEAD of work tree {name}")), dir)
            }),
        );
        for (name, dir) in heads {
            if let Some(id) =
                std::fs::read(dir.join("HEAD")).ok().and_then(|head| GitId::from_hex(head.trim_ascii()).ok())
            {
                tips.push(Tip { name, target: id, kind: TipKind::Local });
            }
            tips.extend(reflog_tips(&dir.join("logs")));
        }
        tips
    }

    /// Names of references and the git directory's `config`, where remotes' URLs can hold passwords. Returns the bytes read.
    fn read_names<V: Visitor>(&self, visitor: &V, tips: &[Tip], unread: &mut Vec<Unread>) -> u64 {
        let names = bstr::join("\n", tips.iter().map(|tip| tip.name.as_bytes()).collect::<BTreeSet<_>>());
        visitor.chunk(&Chunk::whole(&names, Provenance::GitMetadata(Metadata::RefName)), None);
        let mut bytes = names.len() as u64;
        let config = self.git.to_thread_local().common_dir().join("config");
        match std::fs::read(&config) {
            Ok(text) => {
                let provenance = Provenance::GitMetadata(Metadata::File("config".into()));
                visitor.chunk(&Chunk::whole(&text, provenance), None);
                bytes += text.len() as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => unread.push(Unread::new(path_bytes(&config), error.to_string())),
        }
        bytes
    }
}

/// What old and new values of references a directory of reflogs names.
fn reflog_tips(logs: &Path) -> Vec<Tip> {
    let mut tips = BTreeSet::new();
    let mut next = vec![logs.to_owned()];
    while let Some(path) = next.pop() {
        if path.is_dir() {
            next.extend(list(&path));
            continue;
        }
        let Ok(text) = std::fs::read(&path) else { continue };
        let name = path_bytes(path.strip_prefix(logs).unwrap_or(&path));
        let short = Tip::reference(name.as_bstr(), GitId::null(HashKind::Sha1));
        // What a remote once had may have been fetched by others.
        let kind = if short.kind == TipKind::Remote { TipKind::Remote } else { TipKind::Reflog };
        let ids = text
            .lines()
            .flat_map(|line| line.split(|&byte| byte == b' ').take(2))
            .filter_map(|id| GitId::from_hex(id).ok());
        tips.extend(ids.filter(|id| !id.is_null()).map(|target| Tip {
            name: format!("{}@{{reflog}}", short.name).into(),
            target,
            kind,
        }));
    }
    tips.into_iter().collect()
}

/// The paths in a directory, sorted; none where it cannot be read.
fn list(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Takes every object: text goes on to the visitor, links between objects are followed to see what is missing.
struct ObjectSieve<'a, V: Visitor> {
    visitor: &'a V,
    objects: &'a Objects,
    hash: HashKind,
    shallow: HashSet<GitId>,
    commits: Mutex<Vec<RawCommit>>,
    tags: Mutex<HashMap<GitId, GitId>>,
    missing: Mutex<BTreeMap<GitId, &'static str>>,
    damaged: Mutex<BTreeMap<GitId, String>>,
    is_watched: fn(&[u8]) -> bool,
    watched: Mutex<BTreeSet<GitId>>,
    blobs: AtomicU64,
    bytes: AtomicU64,
}

impl<'a, V: Visitor> ObjectSieve<'a, V> {
    fn new(
        visitor: &'a V,
        objects: &'a Objects,
        hash: HashKind,
        shallow: HashSet<GitId>,
        is_watched: fn(&[u8]) -> bool,
    ) -> Self {
        Self {
            visitor,
            objects,
            hash,
            shallow,
            commits: Mutex::default(),
            tags: Mutex::default(),
            missing: Mutex::default(),
            damaged: Mutex::default(),
            is_watched,
            watched: Mutex::default(),
            blobs: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    fn read(&self) -> Read {
        Read {
            commits: lock(&self.commits).len() as u64,
            tags: lock(&self.tags).len() as u64,
            blobs: self.blobs.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            files: 0,
        }
    }

    fn expect_object(&self, id: &gix::oid, kind: &'static str) {
        if !self.objects.contains(id) {
            lock(&self.missing).insert(id.to_owned(), kind);
        }
    }

    fn text(&self, object: &PackedObject<'_>, provenance: Provenance, base: Option<&V::Memo>) -> V::Memo {
        self.bytes.fetch_add(object.bytes.len() as u64, Ordering::Relaxed);
        let chunk = Chunk { derivation: object.derivation, ..Chunk::whole(object.bytes, provenance) };
        self.visitor.chunk(&chunk, base)
    }

    fn commit(&self, object: &PackedObject<'_>) {
        let Some(commit) = RawCommit::parse(object.id, object.bytes) else {
            lock(&self.damaged).insert(object.id, "the commit's headers are damaged".to_owned());
            return;
        };
        self.expect_object(&commit.tree, "tree");
        if !self.shallow.contains(&commit.id) {
            commit.parents.iter().for_each(|parent| self.expect_object(parent, "commit"));
        }
        lock(&self.commits).push(commit);
    }

    fn tag(&self, object: &PackedObject<'_>) {
        let target = commits::headers(object.bytes)
            .find_map(|line| line.strip_prefix(b"object "))
            .and_then(|id| GitId::from_hex(id).ok());
        match target {
            Some(target) => {
                self.expect_object(&target, "object");
                lock(&self.tags).insert(object.id, target);
            }
            None => {
                lock(&self.damaged).insert(object.id, "the tag's headers are damaged".to_owned());
            }
        }
    }

    /// Looks whether what the tree names is there; what an entry of its base names was looked for with the base.
    fn tree(&self, object: &PackedObject<'_>, base: Option<&TreeMemo<()>>) -> TreeMemo<()> {
        let read = tree::read(object.bytes, self.hash, object.derivation.zip(base), |entry| {
            match entry.kind {
                EntryKind::Blob => {
                    self.expect_object(entry.id, "blob");
                    if (self.is_watched)(entry.name) {
                        lock(&self.watched).insert(entry.id.to_owned());
                    }
                }
                EntryKind::Tree => self.expect_object(entry.id, "tree"),
                EntryKind::Submodule => {}
            }
            None
        });
        read.unwrap_or_else(|tree::Damaged| {
            lock(&self.damaged).insert(object.id, "the tree's entries are damaged".to_owned());
            TreeMemo::default()
        })
    }
}

/// What is remembered of an object for those derived from it.
enum ObjectMemo<M> {
    Text(M),
    Tree(TreeMemo<()>),
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<V: Visitor> ObjectVisitor for ObjectSieve<'_, V> {
    type Memo = ObjectMemo<V::Memo>;

    fn wants(&self, _kind: Kind) -> bool {
        true
    }

    fn object(&self, object: &PackedObject<'_>, base: Option<&Self::Memo>) -> Self::Memo {
        let id = ObjectId::from_bytes(object.id.as_bytes());
        let (text_base, tree_base) = match base {
            Some(ObjectMemo::Text(memo)) => (Some(memo), None),
            Some(ObjectMemo::Tree(memo)) => (None, Some(memo)),
            None => (None, None),
        };
        let provenance = match object.kind {
            Kind::Tree => return ObjectMemo::Tree(self.tree(object, tree_base)),
            Kind::Blob => {
                self.blobs.fetch_add(1, Ordering::Relaxed);
                Provenance::GitBlob(id)
            }
            Kind::Commit => {
                self.commit(object);
                Provenance::GitMetadata(Metadata::Commit(id))
            }
            Kind::Tag => {
                self.tag(object);
                Provenance::GitMetadata(Metadata::Tag(id))
            }
        };
        ObjectMemo::Text(self.text(object, provenance, text_base))
    }
}

/// A repository after it was read: what it holds, and where things came from.
#[derive(Debug)]
pub struct History {
    objects: Objects,
    commits: Commits,
    hash: HashKind,
    index: HashMap<GitId, BString>,
    watched: Vec<ObjectId>,
    read: Read,
    is_empty: bool,
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
    pub fn places(&self, groups: &[Vec<ObjectId>]) -> Vec<Vec<HistoryPlace>> {
        let groups: Vec<Vec<GitId>> = groups.iter().map(|blobs| blobs.iter().map(git_id).collect()).collect();
        let histories = attribution::attribute(&self.objects, self.hash, &self.commits, &groups);
        let introduced: Vec<_> = histories.iter().map(|history| history.introduced.clone()).collect();
        let reaches = self.commits.reach(&introduced);
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
        places
    }

    /// The commit with its facts, and what reaches it.
    #[must_use]
    pub fn commit(&self, id: &ObjectId) -> (Option<CommitSummary>, Reach) {
        let id = git_id(id);
        let Some(commit) = self.commits.find(id) else {
            return (None, self.commits.direct_reach(&id));
        };
        let reach = self.commits.reach(&[vec![commit]]).pop().unwrap_or_default();
        (self.summary(id), reach)
    }

    fn pathless_place(&self, blob: &GitId) -> HistoryPlace {
        let mut reach = self.commits.direct_reach(blob);
        let path = self.index.get(blob).cloned();
        if path.is_some() {
            reach.refs.push("the index (staged)".into());
        }
        HistoryPlace {
            path,
            blob: ObjectId::from_bytes(blob.as_bytes()),
            versions: 1,
            introduced: None,
            last: None,
            in_head: false,
            reach,
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
        let introduced = introduced.map(|&commit| commits.get(commit).id);
        let last = last.map(|commit| commits.get(commit).id);
        HistoryPlace {
            path: Some(history.path.clone()),
            blob: ObjectId::from_bytes(history.blobs[0].as_bytes()),
            versions: history.blobs.len(),
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
