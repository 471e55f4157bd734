//! A repository after it was read: where what it holds came from.

use std::collections::{HashMap, HashSet};

use bstr::{BString, ByteSlice as _};
use gix::ObjectId as GitId;

use keysieve_model::coverage::{Read, Unread};
use keysieve_model::finding::{CommitSummary, HistoryPlace, Reach};
use keysieve_model::provenance::ObjectId;
use keysieve_model::provenance::file_name;

use super::attribution::{self, Attribution, PathHistory};
use super::commits::{self, Commits, Sources};
use super::objects::Objects;
use super::tree_log::Trees;
use super::{STAGED, git_id, object_id};

/// A repository after it was read: what it holds, and where things came from.
#[derive(Debug)]
pub struct History {
    pub(super) objects: Objects,
    pub(super) commits: Commits,
    pub(super) trees: Trees,
    pub(super) index: HashMap<GitId, BString>,
    pub(super) watched: Vec<ObjectId>,
    pub(super) read: Read,
    pub(super) is_empty: bool,
}

/// Where groups of blobs were.
#[derive(Debug)]
pub struct Places {
    /// The places of each group, in the order in which the groups were given.
    pub of_groups: Vec<Vec<HistoryPlace>>,
    /// What is not told of them, and why.
    pub unread: Option<Unread>,
}

/// Where a file or folder has a name.
#[derive(Debug, Clone)]
pub struct NamedPlace {
    /// The path that ends in the name.
    pub path: BString,
    /// The commit that brought it in, where one did.
    pub introduced: Option<CommitSummary>,
    /// What leads to it.
    pub reach: Reach,
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

    /// A path of each blob, where a tree names it.
    #[must_use]
    pub fn paths(&self, blobs: &[ObjectId]) -> Vec<Option<BString>> {
        let groups: Vec<Vec<ObjectId>> = blobs.iter().map(|blob| vec![*blob]).collect();
        let places = self.places(&groups).of_groups.into_iter();
        places.map(|places| places.into_iter().find_map(|place| place.path)).collect()
    }

    /// Where each name was, as the last part of a path. Names are those of entries that were read, of files and folders; where
    /// no path is known there is no place.
    #[must_use]
    pub fn named(&self, names: &[BString]) -> Vec<Vec<HistoryPlace>> {
        let wanted = names.iter().map(|name| &name[..]).collect();
        let named = self.trees.named(&wanted);
        let groups: Vec<Vec<ObjectId>> = names
            .iter()
            .map(|name| named.get(&name[..]).into_iter().flatten())
            .map(|numbers| numbers.map(|&number| object_id(self.objects.id(number))).collect())
            .collect();
        let mut places = self.places(&groups).of_groups;
        for (places, name) in places.iter_mut().zip(names) {
            places.retain(|place| place.path.as_ref().is_some_and(|path| file_name(path.as_bstr()) == name));
        }
        places
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
            at_tip: false,
            reach: self.with_index(blob, self.commits.direct_reach(blob)),
        }
    }

    fn summary(&self, id: GitId) -> Option<CommitSummary> {
        self.objects.read(&id).ok().map(|(_, bytes)| commits::summary(id, &bytes))
    }
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
            at_tip: false,
            reach,
        }
    }

    fn summary(&mut self, id: GitId) -> Option<CommitSummary> {
        self.known.entry(id).or_insert_with(|| self.history.summary(id)).clone()
    }
}
