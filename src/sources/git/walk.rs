//! Which commits some tips lead to and others do not: a walk from both, the newest first, that ends as soon as nothing
//! asked for is left. Where clocks were wrong it may take in more commits, never fewer.

use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};

use foldhash::fast::RandomState;
use gix::ObjectId;
use gix::objs::Kind;

use super::commits::{self, Headers};
use super::graph::WrittenCommit;
use super::store::{Failure, Reader};

/// How many seconds the walk goes on behind the oldest commit that it found: clocks differ.
const SLACK_SECONDS: i64 = 24 * 3600;
/// How many tags of tags are followed.
const MAX_TAG_CHAIN: usize = 100;

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
    reader: &mut Reader,
    include: &[ObjectId],
    exclude: &[ObjectId],
    shallow: &HashSet<ObjectId>,
) -> Walked {
    let mut walk = Walk {
        reader,
        shallow,
        walked: Walked::default(),
        seen: HashMap::default(),
        queue: BinaryHeap::new(),
        open: 0,
    };
    let mut excluded = HashSet::new();
    for tip in exclude {
        if let Ok((end, kind, chain)) = walk.peel(*tip) {
            excluded.extend(chain);
            excluded.insert(end);
            if kind == Kind::Commit {
                walk.push(end, true);
            }
        }
    }
    for (at, tip) in include.iter().enumerate() {
        match walk.peel(*tip) {
            Ok((end, kind, chain)) => {
                for (&tag, next) in chain.iter().zip(chain.iter().skip(1).chain([&end])) {
                    if !excluded.contains(&tag) {
                        walk.walked.tags.insert(tag, *next);
                    }
                }
                match kind {
                    Kind::Commit => walk.push(end, false),
                    Kind::Tree if !excluded.contains(&end) => walk.walked.trees.push((at, end)),
                    Kind::Blob if !excluded.contains(&end) => walk.walked.blobs.push((at, end)),
                    Kind::Tree | Kind::Blob | Kind::Tag => {}
                }
            }
            Err((id, failure)) => walk.walked.failures.push((id, "object", failure)),
        }
    }
    walk.run();
    walk.walked
}

struct Walk<'a> {
    reader: &'a mut Reader,
    shallow: &'a HashSet<ObjectId>,
    walked: Walked,
    seen: HashMap<ObjectId, Seen, RandomState>,
    /// Commits whose parents are still to be looked at, by date.
    queue: BinaryHeap<(i64, ObjectId)>,
    /// How many commits in the queue are asked for.
    open: usize,
}

impl Walk<'_> {
    /// What a tip leads to, its kind, and the tags on the way.
    fn peel(&mut self, tip: ObjectId) -> Result<(ObjectId, Kind, Vec<ObjectId>), (ObjectId, Failure)> {
        let mut chain = Vec::new();
        let mut id = tip;
        loop {
            let (kind, bytes) = self.reader.peek(&id).map_err(|failure| (id, failure))?;
            if kind != Kind::Tag {
                return Ok((id, kind, chain));
            }
            let target = commits::headers(bytes)
                .find_map(|line| line.strip_prefix(b"object "))
                .and_then(|id| ObjectId::from_hex(id).ok());
            chain.push(id);
            id = target
                .filter(|_| chain.len() < MAX_TAG_CHAIN)
                .ok_or((id, Failure::Damaged("the tag's headers are damaged".to_owned())))?;
        }
    }

    /// Takes a commit into the walk.
    fn push(&mut self, id: ObjectId, is_excluded: bool) {
        if let Some(seen) = self.seen.get(&id) {
            if is_excluded && !seen.is_excluded {
                self.exclude(id);
            }
            return;
        }
        let headers = match self.reader.peek(&id) {
            Ok((Kind::Commit, bytes)) => Headers::parse(bytes),
            Ok(_) => None,
            Err(failure) => {
                if !is_excluded {
                    self.walked.failures.push((id, "commit", failure));
                }
                return;
            }
        };
        let Some(headers) = headers else {
            if !is_excluded {
                let failure = Failure::Damaged("the commit's headers are damaged".to_owned());
                self.walked.failures.push((id, "commit", failure));
            }
            return;
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
    }
}
