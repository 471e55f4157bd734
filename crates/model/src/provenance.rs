//! Where the bytes of a chunk come from. A git blob has no path: the same bytes may lie at many, so its places are
//! looked up only once something was found in it.

use std::fmt;
use std::path::Path;

use bstr::{BStr, BString, ByteSlice, ByteVec};

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
    /// A document that somebody else has, such as an issue or a message.
    Document(Document),
    /// A blob of a git object database.
    GitBlob(ObjectId),
    /// Text of a git repository that is no blob.
    GitMetadata(Metadata),
    /// Part of a container image.
    Image {
        /// The blob or file of the image that it is or lies in.
        entry: BString,
        /// The path in the layer that the entry is; absent for the entry itself.
        path: Option<BString>,
    },
    /// A text of an image's configuration or of another of its documents.
    ImageText {
        /// The blob or file of the image.
        entry: BString,
        /// What it is called there, such as `config.Env[2]`.
        field: BString,
    },
    /// A file in an archive, or what a compressed file unpacks to.
    Member {
        /// The archive, which may be a member itself.
        within: Box<Provenance>,
        /// The path in that archive alone. It may hold a `!` like any other path.
        path: BString,
    },
    /// The name of a file in an archive, or another text in its header.
    Name(Box<Provenance>),
}

/// What is known of a document besides its text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Document {
    /// Its address; where it has none, the name that it has where it is from.
    pub name: BString,
    /// When it was written, as it was given.
    pub time: Option<BString>,
    /// Who wrote it.
    pub author: Option<BString>,
    /// The line of the input on which it stands, from 1: tells apart what has one name.
    pub line: u64,
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
            Self::GitMetadata(Metadata::RefName | Metadata::RemoteRefName | Metadata::EntryName(_))
            | Self::Name(_) => "name",
            Self::GitMetadata(Metadata::File(_))
            | Self::File { .. }
            | Self::Stdin
            | Self::Document(_)
            | Self::GitBlob(_)
            | Self::Image { .. }
            | Self::ImageText { .. }
            | Self::Member { .. } => "",
        }
    }

    /// The line of a commit or tag in which its message begins, from 1; `None` elsewhere.
    #[must_use]
    pub fn message_line(&self, bytes: &[u8]) -> Option<u64> {
        let Self::GitMetadata(Metadata::Commit(_) | Metadata::Tag(_)) = self else { return None };
        let end = bytes[..bytes.len().min(MAX_HEADER_BYTES)].find("\n\n")?;
        let lines = bytes[..end].iter().filter(|&&byte| byte == b'\n').count();
        Some(lines as u64 + 3)
    }

    /// The path of what it is, where it has one.
    #[must_use]
    pub fn path(&self) -> Option<&BStr> {
        match self {
            Self::File { path, .. } | Self::Image { path: Some(path), .. } | Self::Member { path, .. } => {
                Some(path.as_bstr())
            }
            Self::Image { entry, path: None } => Some(entry.as_bstr()),
            Self::Name(of) => of.path(),
            Self::Stdin
            | Self::Document(_)
            | Self::GitBlob(_)
            | Self::GitMetadata(_)
            | Self::ImageText { .. } => None,
        }
    }

    /// The file or text in which it lies, outside of all archives.
    #[must_use]
    pub fn outermost(&self) -> &Self {
        match self {
            Self::Member { within, .. } => within.outermost(),
            Self::Name(of) => of.outermost(),
            _ => self,
        }
    }

    /// The path in the innermost archive; `None` for what lies in none.
    #[must_use]
    pub fn member_path(&self) -> Option<&BStr> {
        match self {
            Self::Member { path, .. } => Some(path.as_bstr()),
            Self::Name(of) => of.member_path(),
            _ => None,
        }
    }

    /// The paths in all archives around it, the outermost first; none for what lies in none.
    #[must_use]
    pub fn member_paths(&self) -> Vec<&BStr> {
        match self {
            Self::Member { within, path } => {
                let mut paths = within.member_paths();
                paths.push(path.as_bstr());
                paths
            }
            Self::Name(of) => of.member_paths(),
            _ => Vec::new(),
        }
    }

    /// The paths in all archives around it as reports show them, with `!` in between; `None` for what lies in none.
    #[must_use]
    pub fn shown_member(&self) -> Option<BString> {
        match self {
            Self::Member { within, path } => Some(match within.shown_member() {
                Some(outer) => [outer.as_slice(), b"!", path].concat().into(),
                None => path.clone(),
            }),
            Self::Name(of) => of.shown_member(),
            _ => None,
        }
    }

    /// What to call it where something is said of it.
    #[must_use]
    pub fn shown(&self) -> BString {
        match self {
            Self::File { path, .. } | Self::GitMetadata(Metadata::File(path)) => path.clone(),
            Self::Stdin => "standard input".into(),
            Self::Document(document) => document.name.clone(),
            Self::GitBlob(id) => format!("blob {id}").into(),
            Self::GitMetadata(Metadata::Commit(id)) => format!("commit {id}").into(),
            Self::GitMetadata(Metadata::Tag(id)) => format!("tag {id}").into(),
            Self::GitMetadata(Metadata::RefName | Metadata::RemoteRefName) => {
                "the name of a reference".into()
            }
            Self::GitMetadata(Metadata::EntryName(name)) => name.clone(),
            Self::Image { entry, path: None } | Self::ImageText { entry, .. } => entry.clone(),
            Self::Image { entry, path: Some(path) } => [entry.as_slice(), b": ", path].concat().into(),
            Self::Member { within, path } => [within.shown().as_slice(), b"!", path].concat().into(),
            Self::Name(of) => of.shown(),
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

/// The last part of a path.
#[must_use]
pub fn file_name(path: &BStr) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
}
