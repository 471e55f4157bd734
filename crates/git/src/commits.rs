//! The graph of all commits in the object database, and what names a commit: references, reflogs, work trees.

use std::collections::{BTreeMap, HashMap};

use bstr::{BStr, BString};
use gix::ObjectId;

use keysieve_model::finding::{CommitSummary, Reach};
use keysieve_model::provenance;

use super::numbers::Number;

/// A commit's place in its [`Commits`].
pub(super) type CommitIndex = u32;

/// A commit, with what it names by number; parents that are not there are left out.
#[derive(Debug, Clone)]
pub(super) struct Commit {
    pub(super) id: ObjectId,
    pub(super) number: Number,
    pub(super) tree: Number,
    pub(super) parents: Vec<Number>,
    /// The committer's seconds since 1970.
    pub(super) seconds: i64,
}

/// What a commit's headers say.
#[derive(Debug)]
pub(super) struct Headers {
    pub(super) tree: ObjectId,
    pub(super) parents: Vec<ObjectId>,
    /// The committer's seconds since 1970.
    pub(super) seconds: i64,
}

impl Headers {
    /// Reads them from a commit's bytes; `None` where they are damaged.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (mut tree, mut parents, mut seconds) = (None, Vec::new(), 0);
        for line in headers(bytes) {
            if let Some(id) = line.strip_prefix(b"tree ") {
                tree = Some(ObjectId::from_hex(id).ok()?);
            } else if let Some(parent) = line.strip_prefix(b"parent ") {
                parents.push(ObjectId::from_hex(parent).ok()?);
            } else if let Some(committer) = line.strip_prefix(b"committer ") {
                seconds = Signature::parse(committer).seconds;
            }
        }
        Some(Self { tree: tree?, parents, seconds })
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

/// What a place comes from.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) commits: Vec<CommitIndex>,
    /// Trees and blobs, which something may name without a commit.
    pub(super) objects: Vec<ObjectId>,
}

/// What a tip's name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TipKind {
    /// What a remote has; in a bare repository, every reference.
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
    commits: Vec<Commit>,
    parents: Vec<Vec<CommitIndex>>,
    /// For each object its place among the commits, where it is one.
    index: Vec<CommitIndex>,
    /// All tips, in the order in which they are shown.
    tips: Vec<Tip>,
    /// The commits that tips lead to, with the places of the tips.
    tips_at: BTreeMap<CommitIndex, Vec<u32>>,
    /// Tips that lead to blobs and trees.
    other_tips: HashMap<ObjectId, Vec<u32>>,
    head: Option<CommitIndex>,
    /// When each commit came, in seconds since 1970, put right where a clock was wrong: never before a parent.
    seconds: Vec<i64>,
    /// Whether a reference, HEAD or work tree leads to the commit.
    named: Vec<bool>,
}

impl Commits {
    /// The graph of `commits`. `tags` says what each annotated tag points at, `number_of` the numbers of objects, which are below
    /// `numbers`.
    pub(super) fn new(
        number_of: impl Fn(&gix::oid) -> Option<Number>,
        numbers: usize,
        mut commits: Vec<Commit>,
        tags: &HashMap<ObjectId, ObjectId>,
        mut tips: Vec<Tip>,
        head: Option<ObjectId>,
    ) -> Self {
        tips.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        // By id, whichever pack they lie in; numbers follow ids within a pack, so little is left to do for the second sort.
        commits.sort_unstable_by_key(|commit| commit.number);
        commits.sort_by_key(|commit| commit.id);
        commits.dedup_by_key(|commit| commit.id);
        let commits = parents_first(commits, numbers);
        let index = places(&commits, numbers);
        let parents = commits
            .iter()
            .map(|commit| {
                let places = commit.parents.iter().map(|&parent| place(&index, parent));
                places.flatten().collect()
            })
            .collect();
        let mut graph = Self {
            commits,
            parents,
            index,
            tips: Vec::new(),
            tips_at: BTreeMap::new(),
            other_tips: HashMap::new(),
            head: None,
            seconds: Vec::new(),
            named: Vec::new(),
        };
        for (tip, place) in tips.iter().zip(0..) {
            // The tags on the way are reached by the tip as much as what they point at.
            let chain = tag_chain(tip.target, tags);
            for id in chain {
                match number_of(&id).and_then(|number| graph.find(number)) {
                    Some(commit) => graph.tips_at.entry(commit).or_default().push(place),
                    None => graph.other_tips.entry(id).or_default().push(place),
                }
            }
        }
        graph.tips = tips;
        graph.order();
        graph.head = head.and_then(|head| graph.find(number_of(&head)?));
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
        for (&commit, tips) in &self.tips_at {
            self.named[commit as usize] =
                tips.iter().any(|&tip| self.tips[tip as usize].kind != TipKind::Reflog);
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

    /// The place of the object among the commits, where it is one.
    pub(super) fn find(&self, number: Number) -> Option<CommitIndex> {
        place(&self.index, number)
    }

    pub(super) fn head(&self) -> Option<CommitIndex> {
        self.head
    }

    pub(super) fn get(&self, commit: CommitIndex) -> &Commit {
        &self.commits[commit as usize]
    }

    /// The parents that are in the repository.
    pub(super) fn parents(&self, commit: CommitIndex) -> &[CommitIndex] {
        &self.parents[commit as usize]
    }

    /// All commits, parents before children.
    pub(super) fn iter(&self) -> impl Iterator<Item = (CommitIndex, &Commit)> {
        (0..).zip(&self.commits)
    }

    /// What a tip names that is no commit: blobs, trees, tags.
    pub(super) fn named_objects(&self) -> impl Iterator<Item = &ObjectId> {
        self.other_tips.keys()
    }

    /// For each set of commits and other objects, what reaches at least one of them. The graph is walked once for each 64 sets.
    pub(super) fn reach(&self, sets: &[Sources]) -> Vec<Reach> {
        let mut reaches = Vec::with_capacity(sets.len());
        let mut masks = vec![0u64; self.commits.len()];
        for batch in sets.chunks(64) {
            masks.fill(0);
            for (bit, set) in batch.iter().enumerate() {
                set.commits.iter().for_each(|&commit| masks[commit as usize] |= 1 << bit);
            }
            for (commit, parents) in self.parents.iter().enumerate() {
                masks[commit] |= parents.iter().fold(0, |mask, &parent| mask | masks[parent as usize]);
            }
            let named = |set: &Sources| {
                set.objects.iter().filter_map(|id| self.other_tips.get(id)).flatten().copied().collect()
            };
            let mut tips: Vec<Vec<u32>> = batch.iter().map(named).collect();
            for (&commit, at_commit) in &self.tips_at {
                let mut mask = masks[commit as usize];
                while mask != 0 {
                    tips[mask.trailing_zeros() as usize].extend(at_commit);
                    mask &= mask - 1;
                }
            }
            reaches.extend(tips.into_iter().map(|tips| self.reach_of(tips)));
        }
        reaches
    }

    /// What names the blob or tree itself.
    pub(super) fn direct_reach(&self, id: &ObjectId) -> Reach {
        self.other_tips.get(id).map(|tips| self.reach_of(tips.clone())).unwrap_or_default()
    }

    /// Remote-tracking references first, then by name: the order in which tips lie.
    fn reach_of(&self, mut tips: Vec<u32>) -> Reach {
        tips.sort_unstable();
        let tips = tips.iter().map(|&tip| &self.tips[tip as usize]);
        let in_revision = tips.clone().any(|tip| tip.kind == TipKind::Asked);
        let mut named: Vec<&Tip> = tips.filter(|tip| tip.kind != TipKind::Asked).collect();
        named.dedup_by(|a, b| (a.kind, &a.name) == (b.kind, &b.name));
        let pushed = named.first().is_some_and(|tip| tip.kind == TipKind::Remote);
        let is_reflog = |tip: &Tip| tip.name.ends_with(REFLOG_SUFFIX);
        if named.iter().any(|tip| !is_reflog(tip)) {
            named.retain(|tip| !is_reflog(tip));
        }
        Reach {
            pushed,
            in_revision,
            staged: false,
            more_refs: named.len().saturating_sub(Reach::MAX_REFS),
            refs: named.into_iter().take(Reach::MAX_REFS).map(|tip| tip.name.clone()).collect(),
        }
    }
}

/// What stands behind a reference's name where its reflog speaks.
pub(super) const REFLOG_SUFFIX: &[u8] = b"@{reflog}";

/// How many tags of tags are followed.
const MAX_TAG_CHAIN: usize = 100;

/// `id`, and what it points at, directly and through other tags. The ids in a pack's index are taken on trust, so a forged chain
/// may come back to itself.
pub(super) fn tag_chain(id: ObjectId, tags: &HashMap<ObjectId, ObjectId>) -> Vec<ObjectId> {
    let mut chain = vec![id];
    while let Some(next) = chain.last().and_then(|last| tags.get(last)) {
        if chain.len() >= MAX_TAG_CHAIN || chain.contains(next) {
            break;
        }
        chain.push(*next);
    }
    chain
}

/// No commit has this place.
const NO_COMMIT: CommitIndex = CommitIndex::MAX;

/// For each object its place among the commits, where it is one.
fn places(commits: &[Commit], objects: usize) -> Vec<CommitIndex> {
    let mut places = vec![NO_COMMIT; objects];
    for (commit, at) in commits.iter().zip(0..) {
        if let Some(place) = places.get_mut(commit.number as usize) {
            *place = at;
        }
    }
    places
}

fn place(places: &[CommitIndex], number: Number) -> Option<CommitIndex> {
    places.get(number as usize).copied().filter(|&place| place != NO_COMMIT)
}

/// Sorts so that every commit comes after those of its parents that are there. Without recursion: histories are long.
fn parents_first(commits: Vec<Commit>, objects: usize) -> Vec<Commit> {
    let index = places(&commits, objects);
    let mut children: Vec<Vec<u32>> = vec![Vec::new(); commits.len()];
    let mut waiting = vec![0u32; commits.len()];
    for (at, commit) in commits.iter().enumerate() {
        for parent in commit.parents.iter().filter_map(|&parent| place(&index, parent)) {
            children[parent as usize].push(at as u32);
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
    let mut slots: Vec<Option<Commit>> = commits.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| slots[at].take()).collect()
}
