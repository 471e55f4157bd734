//! The commits of a range as a graph. They have numbers of their own: a range has few objects of many, so those of the database
//! are not listed for it.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use gix::ObjectId;

use keysieve_model::finding::Reach;

use super::commits::{self, Commit, CommitIndex, Commits, Headers, Sources, Tip};
use super::numbers::{NO_OBJECT, Number};

/// A commit as it is written, with its id.
pub(super) type WrittenCommit = (ObjectId, Headers);

/// The commits of a range, parents before children.
#[derive(Debug)]
pub(super) struct Graph {
    commits: Commits,
    /// What each commit says, by its number.
    headers: Vec<Headers>,
    numbers: HashMap<ObjectId, Number, RandomState>,
}

impl Graph {
    /// The graph of `written`. `tags` says what each annotated tag points at.
    pub(super) fn new(
        written: Vec<WrittenCommit>,
        tags: &HashMap<ObjectId, ObjectId>,
        tips: Vec<Tip>,
    ) -> Self {
        let numbers: HashMap<ObjectId, Number, RandomState> =
            written.iter().zip(0..).map(|((id, _), number)| (*id, number)).collect();
        let numbered = written.iter().zip(0..).map(|((id, headers), number)| Commit {
            id: *id,
            number,
            // Trees have no numbers here; the headers name them.
            tree: NO_OBJECT,
            parents: headers.parents.iter().filter_map(|parent| numbers.get(parent).copied()).collect(),
            seconds: headers.seconds,
        });
        let number_of = |id: &gix::oid| numbers.get(id).copied();
        let commits = Commits::new(number_of, written.len(), numbered.collect(), tags, tips, None);
        Self { commits, headers: written.into_iter().map(|(_, headers)| headers).collect(), numbers }
    }

    /// The place of the commit with this id, where it is in the range.
    pub(super) fn find(&self, id: &gix::oid) -> Option<CommitIndex> {
        self.commits.find(*self.numbers.get(id)?)
    }

    /// The commit of the range that `id` leads to, through `tags` or directly.
    pub(super) fn find_tip(&self, id: ObjectId, tags: &HashMap<ObjectId, ObjectId>) -> Option<CommitIndex> {
        commits::tag_chain(id, tags).iter().find_map(|id| self.find(id))
    }

    pub(super) fn id(&self, commit: CommitIndex) -> ObjectId {
        self.commits.get(commit).id
    }

    /// What the commit says; parents outside of the range are among them.
    pub(super) fn headers(&self, commit: CommitIndex) -> &Headers {
        &self.headers[self.commits.get(commit).number as usize]
    }

    /// All commits, parents before children.
    pub(super) fn iter(&self) -> impl Iterator<Item = CommitIndex> {
        self.commits.iter().map(|(commit, _)| commit)
    }

    /// Sorts commits by when they came.
    pub(super) fn age(&self, commit: CommitIndex) -> impl Ord + use<> {
        self.commits.age(commit)
    }

    /// What reaches at least one of the commits.
    pub(super) fn reach(&self, commits: Vec<CommitIndex>) -> Reach {
        self.commits.reach(&[Sources { commits, objects: Vec::new() }]).pop().unwrap_or_default()
    }

    /// What names the object itself, which is no commit.
    pub(super) fn direct_reach(&self, id: &ObjectId) -> Reach {
        self.commits.direct_reach(id)
    }
}
