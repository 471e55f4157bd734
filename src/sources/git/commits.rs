//! The graph of all commits in the object database, and what names a commit: references, reflogs, work trees.

use std::collections::{BTreeMap, HashMap};

use bstr::{BStr, BString};
use gix::ObjectId;

use crate::finding::{CommitSummary, Reach};
use crate::provenance;

/// A commit's place in its [`Commits`].
pub(super) type CommitIndex = u32;

/// A commit as it is written.
#[derive(Debug, Clone)]
pub(super) struct RawCommit {
    pub(super) id: ObjectId,
    pub(super) tree: ObjectId,
    pub(super) parents: Vec<ObjectId>,
    /// The committer's seconds since 1970.
    pub(super) seconds: i64,
}

impl RawCommit {
    /// Reads a commit's headers; `None` where they are damaged.
    pub(super) fn parse(id: ObjectId, bytes: &[u8]) -> Option<Self> {
        let mut commit = Self { id, tree: ObjectId::null(id.kind()), parents: Vec::new(), seconds: 0 };
        let mut has_tree = false;
        for line in headers(bytes) {
            if let Some(tree) = line.strip_prefix(b"tree ") {
                commit.tree = ObjectId::from_hex(tree).ok()?;
                has_tree = true;
            } else if let Some(parent) = line.strip_prefix(b"parent ") {
                commit.parents.push(ObjectId::from_hex(parent).ok()?);
            } else if let Some(committer) = line.strip_prefix(b"committer ") {
                commit.seconds = Signature::parse(committer).seconds;
            }
        }
        has_tree.then_some(commit)
    }
}

/// The header lines of a commit or tag.
pub(super) fn headers(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|&byte| byte == b'\n').take_while(|line| !line.is_empty())
}

/// The years 1 to 9998, in seconds since 1970.
const MIN_SECONDS: i64 = -62_135_596_800;
const MAX_SECONDS: i64 = 253_370_764_799;

/// `Name <address> seconds offset`.
#[derive(Debug, Default, Clone)]
struct Signature<'a> {
    who: &'a [u8],
    seconds: i64,
    offset_seconds: i32,
}

impl<'a> Signature<'a> {
    /// Takes what can be read: damaged dates are zero.
    fn parse(line: &'a [u8]) -> Self {
        let Some(close) = memchr::memrchr(b'>', line) else {
            return Self { who: line, ..Self::default() };
        };
        let (who, when) = line.split_at(close + 1);
        let when = String::from_utf8_lossy(when);
        let mut when = when.split_ascii_whitespace();
        let seconds: i64 = when.next().and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
        let offset: i32 = when.next().and_then(|offset| offset.parse().ok()).unwrap_or(0);
        // Forged dates are kept within what RFC 3339 can say.
        let (seconds, offset) = (seconds.clamp(MIN_SECONDS, MAX_SECONDS), offset.clamp(-2359, 2359));
        Self { who, seconds, offset_seconds: (offset / 100 * 60 + offset % 100) * 60 }
    }
}

/// What people want to know of the commit with these bytes.
pub(super) fn summary(id: ObjectId, bytes: &[u8]) -> CommitSummary {
    let of = |name: &[u8]| {
        headers(bytes).find_map(|line| line.strip_prefix(name)).map(Signature::parse).unwrap_or_default()
    };
    let author = of(b"author ");
    CommitSummary {
        seconds: of(b"committer ").seconds,
        id: provenance::ObjectId::from_bytes(id.as_bytes()),
        author: author.who.into(),
        author_seconds: author.seconds,
        author_offset: author.offset_seconds,
    }
}

/// Something that names a commit, directly or through tags.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tip {
    /// The name, as reports show it.
    pub(super) name: BString,
    /// What it names.
    pub(super) target: ObjectId,
    /// What kind of name it is.
    pub(super) kind: TipKind,
}

/// What a tip's name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TipKind {
    /// What a remote has.
    Remote,
    /// What only this repository names.
    Local,
    /// What a reference named once; said only of what nothing else names.
    Reflog,
    /// The revision that was asked for; no name of its own.
    Asked,
}

impl Tip {
    /// A reference.
    pub(super) fn reference(full_name: &BStr, target: ObjectId) -> Self {
        let name = [b"refs/heads/".as_slice(), b"refs/tags/", b"refs/remotes/", b"refs/"]
            .iter()
            .find_map(|prefix| full_name.strip_prefix(*prefix))
            .unwrap_or(full_name);
        let kind = if full_name.starts_with(b"refs/remotes/") { TipKind::Remote } else { TipKind::Local };
        Self { name: name.into(), target, kind }
    }
}

/// All commits of the object database, parents before children where they are there.
#[derive(Debug)]
pub(super) struct Commits {
    commits: Vec<RawCommit>,
    parents: Vec<Vec<CommitIndex>>,
    index: HashMap<ObjectId, CommitIndex>,
    /// The commits that tips lead to, with the tips.
    tips: BTreeMap<CommitIndex, Vec<Tip>>,
    /// Tips that lead to blobs and trees.
    other_tips: HashMap<ObjectId, Vec<Tip>>,
    head: Option<CommitIndex>,
    /// When each commit came, in seconds since 1970, put right where a clock was wrong: never before a parent.
    seconds: Vec<i64>,
    /// Whether a reference, HEAD or work tree leads to the commit.
    named: Vec<bool>,
}

impl Commits {
    /// The graph of `commits`. `tags` says what each annotated tag points at.
    pub(super) fn new(
        mut commits: Vec<RawCommit>,
        tags: &HashMap<ObjectId, ObjectId>,
        tips: Vec<Tip>,
        head: Option<ObjectId>,
    ) -> Self {
        commits.sort_by_key(|commit| commit.id);
        commits.dedup_by_key(|commit| commit.id);
        let commits = parents_first(commits);
        let index: HashMap<ObjectId, CommitIndex> =
            commits.iter().zip(0..).map(|(commit, at)| (commit.id, at)).collect();
        let parents = commits
            .iter()
            .map(|commit| commit.parents.iter().filter_map(|id| index.get(id).copied()).collect())
            .collect();
        let mut graph = Self {
            commits,
            parents,
            index,
            tips: BTreeMap::new(),
            other_tips: HashMap::new(),
            head: None,
            seconds: Vec::new(),
            named: Vec::new(),
        };
        for tip in tips {
            // The tags on the way are reached by the tip as much as what they point at.
            let chain = tag_chain(tip.target, tags);
            for id in chain {
                match graph.index.get(&id) {
                    Some(&commit) => graph.tips.entry(commit).or_default().push(tip.clone()),
                    None => graph.other_tips.entry(id).or_default().push(tip.clone()),
                }
            }
        }
        graph.order();
        graph.head = head.and_then(|head| graph.find(head));
        graph
    }

    fn order(&mut self) {
        self.seconds = self.commits.iter().map(|commit| commit.seconds).collect();
        for (commit, parents) in self.parents.iter().enumerate() {
            let latest =
                parents.iter().map(|&parent| self.seconds[parent as usize]).max().unwrap_or(i64::MIN);
            self.seconds[commit] = self.seconds[commit].max(latest);
        }
        self.named = vec![false; self.commits.len()];
        for (&commit, tips) in &self.tips {
            self.named[commit as usize] = tips.iter().any(|tip| tip.kind != TipKind::Reflog);
        }
        for commit in (0..self.commits.len()).rev() {
            if self.named[commit] {
                for &parent in &self.parents[commit] {
                    self.named[parent as usize] = true;
                }
            }
        }
    }

    /// Sorts commits by when they came, those that nothing names any more behind the others.
    pub(super) fn age(&self, commit: CommitIndex) -> (bool, i64, CommitIndex) {
        (!self.named[commit as usize], self.seconds[commit as usize], commit)
    }

    pub(super) fn find(&self, id: ObjectId) -> Option<CommitIndex> {
        self.index.get(&id).copied()
    }

    /// The commit that `id` leads to, through `tags` or directly.
    pub(super) fn tip_commit(&self, id: ObjectId, tags: &HashMap<ObjectId, ObjectId>) -> Option<CommitIndex> {
        tag_chain(id, tags).into_iter().find_map(|id| self.find(id))
    }

    pub(super) fn head(&self) -> Option<CommitIndex> {
        self.head
    }

    pub(super) fn get(&self, commit: CommitIndex) -> &RawCommit {
        &self.commits[commit as usize]
    }

    /// The parents that are in the repository.
    pub(super) fn parents(&self, commit: CommitIndex) -> &[CommitIndex] {
        &self.parents[commit as usize]
    }

    /// All commits, parents before children.
    pub(super) fn iter(&self) -> impl Iterator<Item = (CommitIndex, &RawCommit)> {
        (0..).zip(&self.commits)
    }

    /// For each set of commits, what reaches at least one of them. The graph is walked once for each 64 sets.
    pub(super) fn reach(&self, sets: &[Vec<CommitIndex>]) -> Vec<Reach> {
        let mut reaches = Vec::with_capacity(sets.len());
        let mut masks = vec![0u64; self.commits.len()];
        for batch in sets.chunks(64) {
            masks.fill(0);
            for (bit, set) in batch.iter().enumerate() {
                set.iter().for_each(|&commit| masks[commit as usize] |= 1 << bit);
            }
            for (commit, parents) in self.parents.iter().enumerate() {
                masks[commit] |= parents.iter().fold(0, |mask, &parent| mask | masks[parent as usize]);
            }
            let mut tips: Vec<Vec<&Tip>> = vec![Vec::new(); batch.len()];
            for (&commit, at_commit) in &self.tips {
                let mask = masks[commit as usize];
                for (_, tips) in tips.iter_mut().enumerate().filter(|(bit, _)| mask & 1 << bit != 0) {
                    tips.extend(at_commit);
                }
            }
            reaches.extend(tips.iter().map(|tips| reach_of(tips)));
        }
        reaches
    }

    /// What names the blob or tree itself.
    pub(super) fn direct_reach(&self, id: &ObjectId) -> Reach {
        self.other_tips.get(id).map(|tips| reach_of(&tips.iter().collect::<Vec<_>>())).unwrap_or_default()
    }
}

/// What stands behind a reference's name where its reflog speaks.
pub(super) const REFLOG_SUFFIX: &[u8] = b"@{reflog}";

/// Remote-tracking references first, then by name.
fn reach_of(tips: &[&Tip]) -> Reach {
    let named = tips.iter().filter(|tip| tip.kind != TipKind::Asked);
    let mut names: Vec<(TipKind, &BString)> = named.map(|tip| (tip.kind, &tip.name)).collect();
    names.sort();
    names.dedup();
    let pushed = names.first().is_some_and(|(kind, _)| *kind == TipKind::Remote);
    let is_reflog = |name: &BString| name.ends_with(REFLOG_SUFFIX);
    if names.iter().any(|(_, name)| !is_reflog(name)) {
        names.retain(|(_, name)| !is_reflog(name));
    }
    Reach {
        pushed,
        in_revision: tips.iter().any(|tip| tip.kind == TipKind::Asked),
        staged: false,
        more_refs: names.len().saturating_sub(Reach::MAX_REFS),
        refs: names.into_iter().take(Reach::MAX_REFS).map(|(_, name)| name.clone()).collect(),
    }
}

/// How many tags of tags are followed.
const MAX_TAG_CHAIN: usize = 100;

/// `id`, and what it points at, directly and through other tags. The ids in a pack's index are taken on trust, so a forged chain
/// may come back to itself.
fn tag_chain(id: ObjectId, tags: &HashMap<ObjectId, ObjectId>) -> Vec<ObjectId> {
    let mut chain = vec![id];
    while let Some(next) = chain.last().and_then(|last| tags.get(last)) {
        if chain.len() >= MAX_TAG_CHAIN || chain.contains(next) {
            break;
        }
        chain.push(*next);
    }
    chain
}

/// Sorts so that every commit comes after those of its parents that are there. Without recursion: histories are long.
fn parents_first(commits: Vec<RawCommit>) -> Vec<RawCommit> {
    let index: HashMap<ObjectId, usize> =
        commits.iter().enumerate().map(|(at, commit)| (commit.id, at)).collect();
    let mut children: Vec<Vec<u32>> = vec![Vec::new(); commits.len()];
    let mut waiting = vec![0u32; commits.len()];
    for (at, commit) in commits.iter().enumerate() {
        for parent in commit.parents.iter().filter_map(|id| index.get(id)) {
            children[*parent].push(at as u32);
            waiting[at] += 1;
        }
    }
    let mut order: Vec<usize> = (0..commits.len()).filter(|&at| waiting[at] == 0).collect();
    let mut next = 0;
    while let Some(&at) = order.get(next) {
        for &child in &children[at] {
            waiting[child as usize] -= 1;
            if waiting[child as usize] == 0 {
                order.push(child as usize);
            }
        }
        next += 1;
    }
    // Commits in a circle, which only a forged pack can hold, come last in any order.
    order.extend((0..commits.len()).filter(|&at| waiting[at] > 0));
    let mut slots: Vec<Option<RawCommit>> = commits.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| slots[at].take()).collect()
}
