//! Which commits some tips lead to and others do not: a walk from both, the newest first, that ends as soon as nothing
//! asked for is left. Where clocks were wrong it may take in more commits, never fewer.

use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};

use foldhash::fast::RandomState;
use gix::ObjectId;
use gix::objs::Kind;
use rayon::prelude::*;

use super::commits::{self, Headers};
use super::graph::WrittenCommit;
use super::store::{Failure, Reader, Store};

/// How many seconds the walk goes on behind the oldest commit that it found: clocks differ.
const SLACK_SECONDS: i64 = 24 * 3600;
/// How many tags of tags are followed.
const MAX_TAG_CHAIN: usize = 100;
/// How many tips a task looks at.
const TIPS_PER_TASK: usize = 256;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) commits: Vec<WrittenCommit>,
    /// The annotated tags on the way from the tips, with what each points at.
    pub(super) tags: HashMap<ObjectId, ObjectId>,
    /// Trees and blobs that tips lead to without a commit, with the tip's place in the list.
    pub(super) trees: Vec<(usize, ObjectId)>,
    pub(super) blobs: Vec<(usize, ObjectId)>,
    /// Commits of the range whose parents a shallow clone left out.
    pub(super) cut_off: BTreeSet<ObjectId>,
    /// Whether a shallow clone left out history of what is excluded, to which commits that were found may belong.
    pub(super) is_exclusion_cut_off: bool,
    /// Objects that were to be read and could not be.
    pub(super) failures: Vec<(ObjectId, &'static str, Failure)>,
}

/// What is known of a commit.
struct Seen {
    is_excluded: bool,
    is_done: bool,
    parents: Vec<ObjectId>,
}

/// Finds what `include` leads to and `exclude` does not. Tips of `exclude` that are not here are passed over: more is found
/// then, never less.
pub(super) fn walk(
    store: &Store,
    include: &[ObjectId],
    exclude: &[ObjectId],
    shallow: &HashSet<ObjectId>,
) -> Walked {
    let mut walk = Walk {
        reader: store.reader(),
        shallow,
        walked: Walked::default(),
        seen: HashMap::default(),
        queue: BinaryHeap::new(),
        open: 0,
    };
    let mut excluded = HashSet::new();
    for Peeled { end, content, chain } in peel_all(store, exclude) {
        excluded.extend(chain);
        excluded.insert(end);
        if let Content::Commit(headers) = content {
            walk.push_new(end, headers, true);
        }
    }
    for (at, tip) in include.iter().enumerate() {
        match peel(&mut walk.reader, *tip) {
            Ok(Peeled { end, content, chain }) => {
                for (&tag, next) in chain.iter().zip(chain.iter().skip(1).chain([&end])) {
                    if !excluded.contains(&tag) {
                        walk.walked.tags.insert(tag, *next);
                    }
                }
                match content {
                    Content::Commit(headers) => walk.push_new(end, headers, false),
                    Content::Tree if !excluded.contains(&end) => walk.walked.trees.push((at, end)),
                    Content::Blob if !excluded.contains(&end) => walk.walked.blobs.push((at, end)),
                    Content::Tree | Content::Blob => {}
                }
            }
            Err((id, failure)) => walk.walked.failures.push((id, "object", failure)),
        }
    }
    walk.run();
    walk.walked
}

/// What a tip leads to.
pub(super) struct Peeled {
    pub(super) end: ObjectId,
    pub(super) content: Content,
    /// The tags on the way.
    chain: Vec<ObjectId>,
}

pub(super) enum Content {
    Commit(Result<Headers, Failure>),
    Tree,
    Blob,
}

/// What the tips lead to, those left out that are not here. There can be thousands: on all threads.
fn peel_all(store: &Store, tips: &[ObjectId]) -> Vec<Peeled> {
    let distinct: Vec<ObjectId> = tips.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let peeled = distinct.par_chunks(TIPS_PER_TASK).map(|tips| {
        let mut reader = store.reader();
        tips.iter().filter_map(|tip| peel(&mut reader, *tip).ok()).collect::<Vec<_>>()
    });
    peeled.collect::<Vec<_>>().into_iter().flatten().collect()
}

/// Follows tags to what they name.
pub(super) fn peel(reader: &mut Reader, tip: ObjectId) -> Result<Peeled, (ObjectId, Failure)> {
    let mut chain = Vec::new();
    let mut id = tip;
    loop {
        let (kind, bytes) = reader.peek(&id).map_err(|failure| (id, failure))?;
        let content = match kind {
            Kind::Commit => Content::Commit(parse(bytes)),
            Kind::Tree => Content::Tree,
            Kind::Blob => Content::Blob,
            Kind::Tag => {
                let target = commits::headers(bytes)
                    .find_map(|line| line.strip_prefix(b"object "))
                    .and_then(|id| ObjectId::from_hex(id).ok());
                chain.push(id);
                id = target
                    .filter(|_| chain.len() < MAX_TAG_CHAIN)
                    .ok_or((id, Failure::Damaged("the tag's headers are damaged".to_owned())))?;
                continue;
            }
        };
        return Ok(Peeled { end: id, content, chain });
    }
}

fn parse(bytes: &[u8]) -> Result<Headers, Failure> {
    Headers::parse(bytes).ok_or_else(|| Failure::Damaged("the commit's headers are damaged".to_owned()))
}

struct Walk<'a> {
    reader: Reader,
    shallow: &'a HashSet<ObjectId>,
    walked: Walked,
    seen: HashMap<ObjectId, Seen, RandomState>,
    /// Commits whose parents are still to be looked at, by date.
    queue: BinaryHeap<(i64, ObjectId)>,
    /// How many commits in the queue are asked for.
    open: usize,
}

impl Walk<'_> {
    /// Takes a commit into the walk.
    fn push(&mut self, id: ObjectId, is_excluded: bool) {
        if self.mark(id, is_excluded) {
            return;
        }
        let headers = match self.reader.peek(&id) {
            Ok((Kind::Commit, bytes)) => parse(bytes),
            Ok((kind, _)) => Err(Failure::Damaged(format!("it is a {kind}, and a commit was to be there"))),
            Err(failure) => Err(failure),
        };
        self.push_new(id, headers, is_excluded);
    }

    /// Whether the commit is in the walk already; then it is excluded now, if that is asked for.
    fn mark(&mut self, id: ObjectId, is_excluded: bool) -> bool {
        let Some(seen) = self.seen.get(&id) else { return false };
        if is_excluded && !seen.is_excluded {
            self.exclude(id);
        }
        true
    }

    /// Takes a commit with these headers into the walk.
    fn push_new(&mut self, id: ObjectId, headers: Result<Headers, Failure>, is_excluded: bool) {
        if self.mark(id, is_excluded) {
            return;
        }
        let headers = match headers {
            Ok(headers) => headers,
            Err(failure) => {
                if !is_excluded {
                    self.walked.failures.push((id, "commit", failure));
                }
                return;
            }
        };
        self.queue.push((headers.seconds, id));
        self.open += usize::from(!is_excluded);
        self.seen.insert(id, Seen { is_excluded, is_done: false, parents: headers.parents.clone() });
        if !is_excluded {
            self.walked.commits.push((id, headers));
        }
    }

    /// Marks a commit that was asked for, and those before it, as excluded.
    fn exclude(&mut self, id: ObjectId) {
        let mut next = vec![id];
        while let Some(id) = next.pop() {
            let Some(seen) = self.seen.get_mut(&id).filter(|seen| !seen.is_excluded) else { continue };
            seen.is_excluded = true;
            if seen.is_done {
                next.extend(&seen.parents);
            } else {
                self.open -= 1;
            }
        }
    }

    fn run(&mut self) {
        let mut oldest = i64::MAX;
        let mut ends = Vec::new();
        while let Some((seconds, id)) = self.queue.pop() {
            if self.open == 0 && seconds < oldest.saturating_sub(SLACK_SECONDS) {
                break;
            }
            let Some(seen) = self.seen.get_mut(&id) else { continue };
            seen.is_done = true;
            let (is_excluded, parents) = (seen.is_excluded, seen.parents.clone());
            if !is_excluded {
                self.open -= 1;
                oldest = oldest.min(seconds);
            }
            if self.shallow.contains(&id) {
                if !is_excluded {
                    self.walked.cut_off.insert(id);
                }
                if !is_excluded || self.open > 0 {
                    ends.push(id);
                }
                continue;
            }
            for parent in parents {
                self.push(parent, is_excluded);
            }
        }
        let seen = &self.seen;
        let is_in_range = |id: &ObjectId| seen.get(id).is_some_and(|seen| !seen.is_excluded);
        self.walked.commits.retain(|(id, _)| is_in_range(id));
        self.walked.cut_off.retain(is_in_range);
        ends.retain(|id| !is_in_range(id));
        self.walked.is_exclusion_cut_off = ends.into_iter().any(|end| !self.all_descend_from(end));
    }

    /// Whether all commits that were found come after this one, so that none can belong to the history before it.
    fn all_descend_from(&self, ancestor: ObjectId) -> bool {
        let mut children: HashMap<ObjectId, Vec<ObjectId>, RandomState> = HashMap::default();
        for (id, seen) in &self.seen {
            seen.parents.iter().for_each(|parent| children.entry(*parent).or_default().push(*id));
        }
        let mut descendants: HashSet<ObjectId> = HashSet::new();
        let mut next = vec![ancestor];
        while let Some(id) = next.pop() {
            let new =
                children.get(&id).into_iter().flatten().copied().filter(|child| descendants.insert(*child));
            next.extend(new.collect::<Vec<_>>());
        }
        self.walked.commits.iter().all(|(id, _)| descendants.contains(id))
    }
}
