//! What a tree has that none of several others has at the same path. Only directories that differ from all others are read.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use bstr::{BStr, BString, ByteSlice};
use foldhash::fast::RandomState;
use gix::ObjectId;
use gix::hash::Kind as HashKind;
use gix::objs::Kind;

use super::store::{Failure, Reader};
use super::tree::{self, EntryKind, Part};

/// How many parsed trees are remembered, in bytes.
const MAX_KNOWN_BYTES: usize = 32 << 20;
/// How many directories are entered for the paths of one root: a forged tree can name the same one at billions of paths.
const MAX_DIRECTORIES: usize = 1_000_000;
/// How deep directories may be nested.
const MAX_DEPTH: usize = 4096;

/// What an entry leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Node {
    Blob(ObjectId),
    Tree(ObjectId),
    /// A directory of the index.
    Staged(u32),
}

/// A directory's entries.
#[derive(Debug, Default)]
pub(super) struct Directory {
    names: Vec<u8>,
    entries: Vec<(Range<u32>, Node)>,
    /// The tree that has the same entries, where that is known.
    pub(super) same_as: Option<ObjectId>,
}

impl Directory {
    fn of_tree(bytes: &[u8], hash: HashKind) -> Result<Self, tree::Damaged> {
        let mut directory = Self::default();
        tree::read(bytes, hash, None, |part| {
            // Without a base, nothing is copied from one.
            let Part::New(entry) = part else { return };
            match entry.kind {
                EntryKind::Blob => directory.push(entry.name, Node::Blob(entry.id.to_owned())),
                EntryKind::Tree => directory.push(entry.name, Node::Tree(entry.id.to_owned())),
                // A commit of another repository: nothing of it is stored in this one.
                EntryKind::Submodule => {}
            }
        })?;
        Ok(directory)
    }

    /// Adds an entry.
    pub(super) fn push(&mut self, name: &[u8], node: Node) {
        let start = self.names.len() as u32;
        self.names.extend_from_slice(name);
        self.entries.push((start..self.names.len() as u32, node));
    }

    fn name(&self, entry: usize) -> &[u8] {
        let range = &self.entries[entry].0;
        &self.names[range.start as usize..range.end as usize]
    }
}

/// A directory in which names are looked up, for the most part in the order of its entries.
struct Lookup {
    directory: Arc<Directory>,
    next: usize,
    by_name: Option<HashMap<Box<[u8]>, usize, RandomState>>,
}

impl Lookup {
    fn find(&mut self, name: &[u8]) -> Option<Node> {
        let directory = &self.directory;
        // What was added or removed puts the two a little out of step.
        let near = self.next..directory.entries.len().min(self.next + 4);
        let found = near.clone().find(|&entry| directory.name(entry) == name).or_else(|| {
            let by_name = self.by_name.get_or_insert_with(|| {
                (0..directory.entries.len()).map(|entry| (directory.name(entry).into(), entry)).collect()
            });
            by_name.get(name).copied()
        })?;
        self.next = found + 1;
        Some(directory.entries[found].1)
    }
}

/// What a root has that none of the others has.
#[derive(Debug)]
pub(super) enum New<'a> {
    /// A file whose content none has at its path.
    File(Version<'a>),
    /// A file or folder at whose path none has anything.
    Name {
        /// The path of the folder in which it is; empty for the top.
        folder: &'a BStr,
        name: &'a [u8],
    },
}

/// A file of a root that no other root has like this.
#[derive(Debug)]
pub(super) struct Version<'a> {
    pub(super) path: &'a BStr,
    pub(super) blob: ObjectId,
    /// What the others have at the path.
    pub(super) before: &'a [ObjectId],
}

/// How much of a root is visited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Each content, at one of its paths.
    Contents,
    /// Each path, up to a limit that only forged trees reach.
    Paths,
}

/// What could not be visited.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    pub(super) failures: Vec<(ObjectId, Failure)>,
    /// There are more paths than are visited.
    pub(super) is_cut: bool,
}

/// Reads directories, and remembers those that the next root will need again.
pub(super) struct Trees<'a> {
    pub(super) reader: Reader,
    hash: HashKind,
    staged: &'a [Arc<Directory>],
    known: HashMap<ObjectId, Arc<Directory>, RandomState>,
    known_bytes: usize,
}

/// A directory to be visited.
struct Visit {
    prefix: BString,
    depth: usize,
    directory: Arc<Directory>,
    others: Vec<Arc<Directory>>,
}

impl<'a> Trees<'a> {
    /// `staged` holds the directories that [`Node::Staged`] names.
    pub(super) fn new(reader: Reader, hash: HashKind, staged: &'a [Arc<Directory>]) -> Self {
        Self { reader, hash, staged, known: HashMap::default(), known_bytes: 0 }
    }

    /// Calls `found` for each file of `root` whose content none of `others` has at the same path, and for each name that is new.
    pub(super) fn compare(
        &mut self,
        root: Node,
        others: &[Node],
        scope: Scope,
        mut found: impl FnMut(New<'_>),
    ) -> Gaps {
        let mut gaps = Gaps::default();
        let mut seen: HashSet<(Node, Vec<Node>), RandomState> = HashSet::default();
        let mut entered = 0;
        let mut stack = Vec::new();
        self.enter(&mut stack, (BString::default(), 0), root, others, &mut gaps);
        while let Some(Visit { prefix, depth, directory, others }) = stack.pop() {
            let mut lookups: Vec<Lookup> =
                others.into_iter().map(|directory| Lookup { directory, next: 0, by_name: None }).collect();
            for (entry, (_, node)) in directory.entries.iter().enumerate() {
                let name = directory.name(entry);
                let beside: Vec<Node> = lookups.iter_mut().filter_map(|other| other.find(name)).collect();
                if beside.iter().any(|other| self.is_same(*node, *other)) {
                    continue;
                }
                if beside.is_empty() {
                    found(New::Name { folder: prefix.as_bstr(), name });
                }
                let path = || joined(prefix.as_bstr(), name);
                if let Node::Blob(blob) = *node {
                    let before: Vec<ObjectId> = beside
                        .iter()
                        .filter_map(|other| if let Node::Blob(id) = other { Some(*id) } else { None })
                        .collect();
                    found(New::File(Version { path: path().as_bstr(), blob, before: &before }));
                    continue;
                }
                if scope == Scope::Contents && !seen.insert((*node, beside.clone())) {
                    continue;
                }
                entered += 1;
                if depth >= MAX_DEPTH || entered > MAX_DIRECTORIES {
                    gaps.is_cut = true;
                    continue;
                }
                self.enter(&mut stack, (path(), depth + 1), *node, &beside, &mut gaps);
            }
        }
        gaps
    }

    /// The file at `path` below `root`; none where what leads there cannot be read.
    pub(super) fn find(&mut self, root: ObjectId, path: &BStr) -> Option<ObjectId> {
        self.try_find(root, path).ok().flatten()
    }

    /// The file at `path` below `root`, where there is one.
    pub(super) fn try_find(
        &mut self,
        root: ObjectId,
        path: &BStr,
    ) -> Result<Option<ObjectId>, (ObjectId, Failure)> {
        let mut node = Node::Tree(root);
        for name in path.split(|&byte| byte == b'/') {
            if matches!(node, Node::Blob(_)) {
                return Ok(None);
            }
            let mut lookup = Lookup { directory: self.directory(node)?, next: 0, by_name: None };
            match lookup.find(name) {
                Some(found) => node = found,
                None => return Ok(None),
            }
        }
        Ok(if let Node::Blob(id) = node { Some(id) } else { None })
    }

    /// The names of the files in the folder at `path` below `root`, the top where it is empty; none where there is no such folder.
    pub(super) fn files_in(
        &mut self,
        root: ObjectId,
        path: &BStr,
    ) -> Result<Vec<BString>, (ObjectId, Failure)> {
        let mut directory = self.directory(Node::Tree(root))?;
        for name in path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
            let found = Lookup { directory, next: 0, by_name: None }.find(name);
            match found {
                Some(node @ Node::Tree(_)) => directory = self.directory(node)?,
                _ => return Ok(Vec::new()),
            }
        }
        let is_file = |&entry: &usize| matches!(directory.entries[entry].1, Node::Blob(_));
        let files = (0..directory.entries.len()).filter(is_file);
        Ok(files.map(|entry| directory.name(entry).into()).collect())
    }

    fn is_same(&self, node: Node, other: Node) -> bool {
        match node {
            Node::Staged(at) => self.staged[at as usize].same_as.is_some_and(|id| other == Node::Tree(id)),
            node => node == other,
        }
    }

    fn enter(
        &mut self,
        stack: &mut Vec<Visit>,
        (prefix, depth): (BString, usize),
        node: Node,
        others: &[Node],
        gaps: &mut Gaps,
    ) {
        if matches!(node, Node::Blob(_)) || others.iter().any(|other| self.is_same(node, *other)) {
            return;
        }
        let mut directory = |node| match self.directory(node) {
            Ok(directory) => Some(directory),
            Err(failure) => {
                gaps.failures.push(failure);
                None
            }
        };
        let is_directory = |other: &&Node| !matches!(other, Node::Blob(_));
        // What cannot be read of the others is taken as not there: more is new then, never less.
        let others = others.iter().filter(is_directory).filter_map(|other| directory(*other)).collect();
        if let Some(directory) = directory(node) {
            stack.push(Visit { prefix, depth, directory, others });
        }
    }

    fn directory(&mut self, node: Node) -> Result<Arc<Directory>, (ObjectId, Failure)> {
        let id = match node {
            Node::Staged(at) => return Ok(Arc::clone(&self.staged[at as usize])),
            Node::Tree(id) | Node::Blob(id) => id,
        };
        if let Some(known) = self.known.get(&id) {
            return Ok(Arc::clone(known));
        }
        let (kind, bytes) = self.reader.read(&id).map_err(|failure| (id, failure))?;
        if kind != Kind::Tree {
            return Err((id, Failure::Damaged(format!("it is a {kind}, and a tree was to be there"))));
        }
        let size = bytes.len();
        let directory = Directory::of_tree(bytes, self.hash)
            .map_err(|tree::Damaged| (id, Failure::Damaged("the tree's entries are damaged".to_owned())))?;
        if self.known_bytes + size > MAX_KNOWN_BYTES {
            self.known.clear();
            self.known_bytes = 0;
        }
        self.known_bytes += size;
        let directory = Arc::new(directory);
        self.known.insert(id, Arc::clone(&directory));
        Ok(directory)
    }
}

/// The path of what has this name in a folder.
pub(super) fn joined(folder: &BStr, name: &[u8]) -> BString {
    let mut path = BString::from(folder);
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}
