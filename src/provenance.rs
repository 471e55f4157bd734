//! Where the bytes of a chunk come from. A git blob has no path: the same bytes may lie at many, so its places are
//! looked up only once something was found in it.

use std::fmt;
use std::path::Path;

use bstr::{BString, ByteSlice, ByteVec};

/// The id of a git object, SHA-1 or SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    length: u8,
    bytes: [u8; 32],
}

impl ObjectId {
    /// An id of the given raw bytes: 20 for SHA-1, 32 for SHA-256. Longer input is cut.
    #[must_use]
    pub fn from_bytes(raw: &[u8]) -> Self {
        let length = raw.len().min(32);
        let mut bytes = [0; 32];
        bytes[..length].copy_from_slice(&raw[..length]);
        Self { length: length as u8, bytes }
    }

    /// The raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// The first seven hexadecimal digits, as people quote it.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string().chars().take(7).collect()
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What a piece of git's text that is no blob belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metadata {
    /// A commit: message, author, committer and every other header.
    Commit(ObjectId),
    /// An annotated tag: message, tagger and every other header.
    Tag(ObjectId),
    /// The name of a reference.
    RefName,
    /// The name of a remote-tracking reference: the remote has it too.
    RemoteRefName,
    /// The name of an entry of trees, a file's or a folder's; the whole path, once it is known where it was.
    EntryName(BString),
    /// A file of the git directory, such as `config` with the URLs of remotes.
    File(BString),
}

/// Where a chunk comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provenance {
    /// A file on disk.
    File {
        /// The path that it was asked for or found under, `/` between its parts.
        path: BString,
        /// Whether `.gitignore` keeps it out of git.
        ignored: bool,
    },
    /// Standard input.
    Stdin,
    /// A blob of a git object database.
    GitBlob(ObjectId),
    /// Text of a git repository that is no blob.
    GitMetadata(Metadata),
}

/// How far the headers of a commit or tag are looked for, in bytes.
const MAX_HEADER_BYTES: usize = 64 * 1024;

impl Provenance {
    /// The part of `bytes`, which come from here, in which `offset` lies: of a commit or tag `message`, `author`,
    /// `committer`, `tagger` or `header`; `name` of a reference. Empty for what has no named parts.
    #[must_use]
    pub fn field_at(&self, bytes: &[u8], offset: usize) -> &'static str {
        // Headers end early; a forged commit with nothing but headers must not cost its length for each match.
        let before = &bytes[..offset.min(bytes.len()).min(MAX_HEADER_BYTES)];
        match self {
            Self::GitMetadata(Metadata::Commit(_) | Metadata::Tag(_)) => {
                if offset >= MAX_HEADER_BYTES || before.contains_str("\n\n") {
                    return "message";
                }
                let line = before.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
                ["author", "committer", "tagger"]
                    .into_iter()
                    .find(|field| line.starts_with(field.as_bytes()))
                    .unwrap_or("header")
            }
            Self::GitMetadata(Metadata::RefName | Metadata::RemoteRefName | Metadata::EntryName(_)) => "name",
            Self::GitMetadata(Metadata::File(_)) | Self::File { .. } | Self::Stdin | Self::GitBlob(_) => "",
        }
    }
}

/// `path` as bytes with `/` between its parts: the same on every system.
#[must_use]
pub fn path_bytes(path: &Path) -> BString {
    let bytes = Vec::from_path_lossy(path);
    let bytes = if std::path::MAIN_SEPARATOR == '/' { bytes.into_owned() } else { bytes.replace("\\", "/") };
    BString::from(bytes)
}
