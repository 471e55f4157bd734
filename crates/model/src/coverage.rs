//! What a run read, and what it did not and why: the ground on which "nothing was found" stands.

use bstr::BString;

/// Something that was asked for and could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unread {
    /// What: a path, an object with its kind and id, a pack.
    pub what: BString,
    /// Why it could not be read, and what to do about it.
    pub why: String,
}

impl Unread {
    /// `what` could not be read because of `why`.
    pub fn new(what: impl Into<BString>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into() }
    }
}

/// Counts of what was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Read {
    /// Commits whose text was read.
    pub commits: u64,
    /// Distinct blobs read, those included that are known to be clean.
    pub blobs: u64,
    /// Blobs that an earlier run read and found clean.
    pub known: u64,
    /// Annotated tags whose text was read.
    pub tags: u64,
    /// Files on disk read, standard input included.
    pub files: u64,
    /// Layers of container images read.
    pub layers: u64,
    /// Bytes of blobs, files and metadata text read, uncompressed.
    pub bytes: u64,
}

impl std::ops::AddAssign for Read {
    fn add_assign(&mut self, other: Self) {
        self.commits += other.commits;
        self.blobs += other.blobs;
        self.known += other.known;
        self.tags += other.tags;
        self.files += other.files;
        self.layers += other.layers;
        self.bytes += other.bytes;
    }
}

/// What a run read and what it did not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// What was read.
    pub read: Read,
    /// What was not, sorted.
    pub unread: Vec<Unread>,
    /// What was passed over on purpose and costs no completeness, such as sockets and symbolic links, sorted.
    pub skipped: Vec<Unread>,
    /// What was not read, and may be left unread as the configuration says, sorted.
    pub accepted: Vec<Unread>,
}

impl Coverage {
    /// Whether everything that was asked for was read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.unread.is_empty()
    }
}
