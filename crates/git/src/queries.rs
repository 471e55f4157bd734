//! What was asked for -> what is read: ranges by their ends or a date, what is staged, a file of a commit.

use std::collections::HashSet;
use std::path::PathBuf;

use bstr::{BString, ByteSlice};
use gix::ObjectId as GitId;

use keysieve_model::chunk::{Chunk, Visitor};
use keysieve_model::provenance::{Metadata, ObjectId, Provenance};

use super::commits::Headers;
use super::range::{Range, RangeQuery, Surroundings};
use super::references::References;
use super::store::{self, Store};
use super::walk::Content;
use super::{Error, Repository, control_files, git_dir, git_id, staged, tree_diff, walk};

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
            created: Vec::new(),
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
        let created = Vec::new();
        Ok(RangeQuery::Commits {
            include,
            exclude: Vec::new(),
            since: Some(seconds),
            needs_parents: true,
            created,
        })
    }

    /// The best commit that both have in their history; none where there is none, or it is not here.
    #[must_use]
    pub fn merge_base(&self, one: &ObjectId, other: &ObjectId) -> Option<ObjectId> {
        let git = self.git.to_thread_local();
        let common = git.merge_base(git_id(one), git_id(other)).ok().flatten()?;
        Some(ObjectId::from_bytes(common.as_bytes()))
    }

    /// Whether parts of the history were left out when it was cloned.
    #[must_use]
    pub fn is_shallow(&self) -> bool {
        !self.shallow_list(&mut Vec::new()).is_empty()
    }

    /// Reads what the query asks for, and hands it over. Must be called inside the thread pool that is to do it.
    ///
    /// # Errors
    ///
    /// When it cannot be told what belongs to the range; what cannot be read in it goes to the visitor.
    pub fn read_range<V: Visitor>(&self, query: &RangeQuery, visitor: &V) -> Result<Range, Error> {
        let references = self.refs();
        references.damage().iter().for_each(|damage| visitor.unread(damage.clone()));
        let store = self.store()?;
        let RangeQuery::Commits { include, exclude, since, needs_parents, created } = query else {
            return self.read_staged(&references, store, visitor);
        };
        let mut unread = Vec::new();
        let shallow = self.shallow_list(&mut unread);
        unread.into_iter().for_each(|unread| visitor.unread(unread));
        let tips: Vec<GitId> = include.iter().map(|(_, id)| git_id(id)).collect();
        let exclude: Vec<GitId> = exclude.iter().map(git_id).collect();
        let mut walked = walk::walk(&store, &tips, &exclude, &shallow);
        if let Some(since) = since {
            walked.commits.retain(|(_, headers)| headers.seconds >= *since);
            let kept: HashSet<GitId> = walked.commits.iter().map(|(id, _)| *id).collect();
            walked.cut_off.retain(|id| kept.contains(id));
        }
        if *needs_parents && (walked.is_exclusion_cut_off || !walked.cut_off.is_empty()) {
            return Err(Error::CutOff { commits: walked.cut_off.len().max(1) });
        }
        let names = bstr::join("\n", created);
        visitor.chunk(&Chunk::whole(&names, Provenance::GitMetadata(Metadata::RefName)), None);
        let tips = git_dir::direct(&references.list().references);
        let head = references.head().1.and_then(|id| match store.reader().peek(&id) {
            Ok((_, bytes)) => Headers::parse(bytes).map(|headers| headers.tree),
            Err(_) => None,
        });
        let surroundings = Surroundings::new(head, tips, exclude, shallow);
        Ok(Range::of_commits(store, walked, include, surroundings, visitor))
    }

    fn read_staged<V: Visitor>(
        &self,
        references: &References,
        store: Store,
        visitor: &V,
    ) -> Result<Range, Error> {
        let git = &references.git;
        // A work tree linked to a bare repository shares its configuration, and has an index.
        if git.workdir().is_none() {
            return Err(Error::NoIndex { path: self.path.display().to_string() });
        }
        let index = self.environment.index_file.clone().unwrap_or_else(|| git.index_path());
        let directories = staged::directories(&index, git.object_hash()).unwrap_or_else(|gap| {
            visitor.unread(gap);
            vec![std::sync::Arc::default()]
        });
        // A merge's commit has what it merges as parents too.
        let merged = control_files::read_text(&git.git_dir().join("MERGE_HEAD")).unwrap_or_default();
        let merged = merged.lines().filter_map(|line| GitId::from_hex(line.trim()).ok());
        let parents: Vec<GitId> = references.head().1.into_iter().chain(merged).collect();
        let mut reader = store.reader();
        let trees = parents.iter().filter_map(|id| match reader.peek(id) {
            Ok((_, bytes)) => Headers::parse(bytes).map(|headers| headers.tree),
            Err(_) => None,
        });
        let trees = trees.collect();
        Ok(Range::of_staged(store, directories, trees, visitor))
    }

    pub(super) fn store(&self) -> Result<Store, Error> {
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

    /// The bytes of an object.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn object(&self, id: &ObjectId) -> Result<Vec<u8>, Error> {
        let store = self.store()?;
        let mut reader = store.reader();
        let fail = |failure| Error::ObjectDatabase(format!("object {id} cannot be read: {failure:?}"));
        reader.read(&git_id(id)).map(|(_, bytes)| bytes.to_vec()).map_err(fail)
    }

    /// The content of the file at `path` in a commit, or in what a tag names; none where there is no such file.
    ///
    /// # Errors
    ///
    /// When the commit or file cannot be read.
    pub fn file_at(&self, tip: &ObjectId, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let store = self.store()?;
        let mut trees = tree_diff::Trees::new(store.reader(), store.hash(), &[]);
        let fail = |(id, failure)| unreadable(id, path, &failure);
        let Some(tree) = root_of(&mut trees, tip).map_err(fail)? else { return Ok(None) };
        match trees.try_find(tree, path.into()).map_err(fail)? {
            None => Ok(None),
            Some(blob) => {
                let (_, bytes) = trees.reader.read(&blob).map_err(|failure| fail((blob, failure)))?;
                Ok(Some(bytes.to_vec()))
            }
        }
    }

    /// The names of the files that a commit has in the folder at `path`, its top directory where that is empty; none where it
    /// has no such folder.
    ///
    /// # Errors
    ///
    /// When the commit or folder cannot be read.
    pub fn files_in(&self, tip: &ObjectId, path: &str) -> Result<Vec<BString>, Error> {
        let store = self.store()?;
        let mut trees = tree_diff::Trees::new(store.reader(), store.hash(), &[]);
        let fail = |(id, failure)| unreadable(id, path, &failure);
        let Some(tree) = root_of(&mut trees, tip).map_err(fail)? else { return Ok(Vec::new()) };
        trees.files_in(tree, path.into()).map_err(fail)
    }
}

fn unreadable(id: GitId, path: &str, failure: &store::Failure) -> Error {
    Error::ObjectDatabase(format!("object {id}, for {path}, cannot be read: {failure:?}"))
}

/// The tree of a commit, or of what a tag names; none for a file.
fn root_of(
    trees: &mut tree_diff::Trees<'_>,
    tip: &ObjectId,
) -> Result<Option<GitId>, (GitId, store::Failure)> {
    let peeled = walk::peel(&mut trees.reader, git_id(tip))?;
    Ok(match peeled.content {
        Content::Commit(headers) => Some(headers.map_err(|failure| (peeled.end, failure))?.tree),
        Content::Tree => Some(peeled.end),
        Content::Blob => None,
    })
}

/// The seconds since 1970 of a date as git takes them: `2024-03-01`, `yesterday`, `2 weeks ago`.
#[must_use]
pub fn seconds_of_date(date: &str) -> Option<i64> {
    let now = gix::date::Zoned::now();
    gix::date::parse(date.trim(), Some(now)).ok().map(|time| time.seconds)
}
