//! The blobs and documents of an image, each read once: from a folder or a tar file on several threads, from a stream as they
//! come. What each one is shows in its bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bstr::{BStr, BString, ByteSlice};
use foldhash::fast::RandomState;
use rayon::Scope;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use keysieve_containers::archive::tar::{Entry as TarEntry, Kind, Tar};
use keysieve_containers::archive::{
    Budget, Format, HEAD_BYTES, HandOver, Opener, Place, Stream, Tally, unpack,
};
use keysieve_model::chunk::Visitor;
use keysieve_model::provenance::{Provenance, path_bytes};

use super::log::LayerLog;
use super::{Error, Input, normal, unread};

/// The largest document that is understood, in bytes, and how many bytes of documents are kept. Larger ones are only searched.
const MAX_DOCUMENT_BYTES: usize = 16 << 20;
const MAX_DOCUMENTS_BYTES: usize = 64 << 20;
/// How deep the folders of an image are read; OCI's own have three levels.
const MAX_FOLDER_DEPTH: usize = 8;
/// From what size on a file of an archive is jumped over, in bytes.
const MIN_JUMP_BYTES: u64 = 1 << 20;
/// How far into an archive it is looked for what it holds, in tar blocks.
const LOOK_BLOCKS: usize = 16;

/// What is read, and of what note is taken.
pub(super) struct Walk {
    pub(super) is_watched: fn(&[u8]) -> bool,
    /// Whether everything but documents is passed over.
    pub(super) documents_only: bool,
    /// The names of entries that are not opened.
    pub(super) left_out: BTreeSet<BString>,
}

/// A blob or document after it was read.
#[derive(Debug)]
pub(super) struct Stored {
    /// Its path in the image.
    pub(super) name: BString,
    /// SHA-256 of its bytes, in hexadecimal digits; empty for a link and for what was not read.
    pub(super) digest: String,
    /// How many bytes it has as it is stored.
    pub(super) bytes: u64,
    /// Whether its bytes are those of an archive, not compressed.
    pub(super) is_plain_tar: bool,
    /// Where it is an archive: what it writes and deletes.
    pub(super) log: Option<LayerLog>,
    /// Where it is a document: its bytes.
    pub(super) document: Option<Vec<u8>>,
    /// Where it is a link in the archive: what it names.
    pub(super) alias: Option<BString>,
}

impl Stored {
    /// What is there and was not read.
    fn named(name: BString, bytes: u64) -> Self {
        Self {
            name,
            digest: String::new(),
            bytes,
            is_plain_tar: false,
            log: None,
            document: None,
            alias: None,
        }
    }

    /// Its digest; where it was not read, the one that its name says it has.
    pub(super) fn known_digest(&self) -> Option<String> {
        if !self.digest.is_empty() {
            return Some(format!("sha256:{}", self.digest));
        }
        let hex = self.name.strip_prefix(b"blobs/sha256/").or_else(|| self.name.strip_suffix(b".tar.gz"))?;
        is_hex_digest(hex).then(|| format!("sha256:{}", hex.as_bstr()))
    }
}

/// Whether these are the 64 digits of a SHA-256 in hexadecimal.
fn is_hex_digest(text: &[u8]) -> bool {
    const DIGEST_DIGITS: usize = 64;
    text.len() == DIGEST_DIGITS && text.iter().all(u8::is_ascii_hexdigit)
}

/// What was read, from several threads.
#[derive(Default)]
pub(super) struct Entries {
    stored: Mutex<Vec<Stored>>,
    hasher: RandomState,
}

impl Entries {
    /// All of it, sorted by name.
    pub(super) fn into_stored(self) -> Vec<Stored> {
        let mut stored = self.stored.into_inner().unwrap_or_else(PoisonError::into_inner);
        stored.sort_by(|a, b| a.name.cmp(&b.name));
        stored
    }

    fn add(&self, stored: Stored) {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner).push(stored);
    }

    fn kept_documents(&self) -> usize {
        let stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        stored.iter().filter_map(|entry| entry.document.as_ref()).map(Vec::len).sum()
    }
}

/// The name of the only entry where a file system stands by itself.
pub(super) const FILE_SYSTEM: &str = "file system";

/// An image that was found, before it is read.
pub(super) enum Opened {
    /// An OCI layout, or what skopeo calls `dir:`.
    Folder(PathBuf),
    /// An archive of an image that is not compressed: what is in it may be read in any order, and more than once.
    Archive(PathBuf),
    /// Anything else, and what to call it.
    Stream(Box<dyn Read + Send>, String),
}

impl Opened {
    pub(super) fn new(input: Input) -> Result<Self, Error> {
        let path = match input {
            Input::Stream(source, name) => return Ok(Self::Stream(source, name)),
            Input::Path(path) => path,
        };
        let shown = path.display().to_string();
        let open = |error: io::Error| Error::Open { path: shown.clone(), why: error.to_string() };
        let metadata = fs::metadata(&path).map_err(open)?;
        if metadata.is_dir() {
            return Ok(Self::Folder(path));
        }
        let mut file = File::open(&path).map_err(open)?;
        if metadata.is_file() {
            let mut head = vec![0; LOOK_BLOCKS * HEAD_BYTES];
            let length = read_head(&mut file, &mut head).map_err(open)?;
            file.rewind().map_err(open)?;
            head.truncate(length);
            if Format::of(&head[..length.min(HEAD_BYTES)]) == Some(Format::Tar) && is_image_archive(&head) {
                return Ok(Self::Archive(path));
            }
        }
        Ok(Self::Stream(Box::new(file), shown))
    }

    /// What to call it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Folder(path) | Self::Archive(path) => path.display().to_string(),
            Self::Stream(_, name) => name.clone(),
        }
    }
}

/// Reads everything in `opened`.
pub(super) fn visit<'scope, V: Visitor>(
    opened: &mut Opened,
    walk: &Walk,
    entries: &Entries,
    visitor: &'scope V,
    tally: &'scope Tally,
    scope: Option<&Scope<'scope>>,
) -> Result<(), Error> {
    let reader = Reader { walk, entries, visitor, tally, scope };
    match opened {
        Opened::Folder(path) => reader.folder(path),
        Opened::Archive(path) => {
            let open =
                |error: io::Error| Error::Open { path: path.display().to_string(), why: error.to_string() };
            let file = File::open(&*path).map_err(open)?;
            reader.tar_file(path, file)
        }
        Opened::Stream(source, name) => reader.stream(source, name),
    }
}

/// Reads a stream as if it were standard input.
#[cfg(any(fuzzing, test))]
pub(super) fn visit_stream<'scope, V: Visitor>(
    source: &mut dyn Read,
    walk: &Walk,
    entries: &Entries,
    visitor: &'scope V,
    tally: &'scope Tally,
) -> Result<(), Error> {
    Reader { walk, entries, visitor, tally, scope: None }.stream(source, "a stream")
}

fn read_head(file: &mut File, head: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < head.len() {
        match file.read(&mut head[length..])? {
            0 => break,
            read => length += read,
        }
    }
    Ok(length)
}

/// What all ways of reading share.
struct Reader<'r, 'a, 'scope, V: Visitor> {
    walk: &'r Walk,
    entries: &'r Entries,
    visitor: &'scope V,
    tally: &'scope Tally,
    scope: Option<&'a Scope<'scope>>,
}

impl<'scope, V: Visitor> Reader<'_, '_, 'scope, V> {
    /// An OCI layout, or what skopeo calls `dir:`.
    fn folder(&self, root: &Path) -> Result<(), Error> {
        let is_image =
            ["index.json", "manifest.json", "oci-layout"].iter().any(|name| root.join(name).is_file());
        if !is_image {
            let why = "the folder has neither index.json nor manifest.json";
            return Err(Error::NoImage { path: root.display().to_string(), why });
        }
        let mut files = Vec::new();
        let mut folders = vec![(root.to_owned(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            let listed = fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
            let listed = match listed {
                Ok(listed) => listed,
                Err(error) => {
                    self.visitor.unread(unread(path_bytes(&folder), error.to_string()));
                    continue;
                }
            };
            for entry in listed {
                let path = entry.path();
                let name = path.strip_prefix(root).map(path_bytes).unwrap_or_default();
                match entry.metadata() {
                    Ok(metadata) if metadata.is_file() => files.push((metadata.len(), name, path)),
                    Ok(metadata) if metadata.is_dir() && depth < MAX_FOLDER_DEPTH => {
                        folders.push((path, depth + 1));
                    }
                    Ok(metadata) => {
                        let why = if metadata.is_symlink() {
                            "a symbolic link, not followed"
                        } else if metadata.is_dir() {
                            "more folders in each other than an image has; not read"
                        } else {
                            "no regular file, not opened"
                        };
                        self.visitor.unread(unread(name, why));
                    }
                    Err(error) => self.visitor.unread(unread(name, error.to_string())),
                }
            }
        }
        // The largest first, so that no thread is left with one in the end.
        files.sort_by(|a, b| b.cmp(a));
        files.into_par_iter().with_max_len(1).for_each(|(size, name, path)| match File::open(&path) {
            Ok(mut file) => self.entry(name, size, &mut file),
            Err(error) => self.visitor.unread(unread(name, error.to_string())),
        });
        Ok(())
    }

    /// An archive of an image that is not compressed: its files are read from where they lie in it.
    fn tar_file(&self, path: &Path, file: File) -> Result<(), Error> {
        let mut found = Vec::new();
        let mut failure = None;
        let mut at = 0;
        let mut file = file;
        let mut is_at_end = false;
        while !is_at_end && failure.is_none() {
            let from = at;
            let moved = file.seek(SeekFrom::Start(from));
            let mut stream = Stream::new(&mut file);
            let mut tar = Tar::new(&mut stream);
            failure = moved.err();
            // Small files are read over, large ones are jumped over.
            while failure.is_none() && at - from <= tar.stream().position() {
                match tar.next_entry() {
                    Ok(Some(entry)) => {
                        let (size, start) = (tar.left(), from + tar.stream().position());
                        if size >= MIN_JUMP_BYTES {
                            at = start.saturating_add(size.next_multiple_of(HEAD_BYTES as u64));
                        }
                        match entry.kind {
                            Kind::File => found.push((size, BString::from(normal(&entry.name)), start)),
                            _ => self.link(&entry),
                        }
                    }
                    Ok(None) => {
                        is_at_end = true;
                        break;
                    }
                    Err(error) => {
                        at = from + tar.stream().position();
                        failure = Some(error);
                    }
                }
            }
        }
        let length = file.metadata().map_or(u64::MAX, |metadata| metadata.len());
        if let Some(error) = failure {
            // What is there is read as one stream from here on: nobody knows where the next file begins.
            self.visitor.unread(unread(path_bytes(path), error.to_string()));
            found.push((length.saturating_sub(at), "(behind the damage)".into(), at));
        }
        found.sort_by(|a, b| b.cmp(a));
        found.into_par_iter().with_max_len(1).for_each(|(size, name, start)| {
            if start.saturating_add(size) > length {
                let why = "the archive is cut off in the middle of this file; what is there of it is read";
                self.visitor.unread(unread(name.clone(), why));
            }
            let opened =
                File::open(path).and_then(|mut file| file.seek(SeekFrom::Start(start)).map(|_| file));
            match opened {
                Ok(file) => self.entry(name, size, &mut file.take(size)),
                Err(error) => self.visitor.unread(unread(name, error.to_string())),
            }
        });
        Ok(())
    }

    /// A stream: an image's archive or a file system's, compressed as a whole or not.
    fn stream(&self, source: &mut dyn Read, shown: &str) -> Result<(), Error> {
        let mut outer = Stream::new(source);
        let budget = Budget::new(outer.count());
        let mut result = Ok(());
        unpack(&mut outer, &budget, |stream, error| {
            if let Some(error) = error {
                self.visitor.unread(unread(shown, error.to_string()));
                return;
            }
            let head = stream.peek(LOOK_BLOCKS * HEAD_BYTES);
            if Format::of(&head[..head.len().min(HEAD_BYTES)]) != Some(Format::Tar) {
                let why =
                    if head.is_empty() { "it is empty" } else { "it is no tar archive, compressed or not" };
                result = Err(Error::NoImage { path: shown.to_owned(), why });
            } else if is_image_archive(head) {
                self.image_stream(stream, shown);
            } else {
                self.entry(FILE_SYSTEM.into(), 0, stream);
            }
        });
        result
    }

    fn image_stream(&self, stream: &mut Stream<'_>, shown: &str) {
        let mut tar = Tar::new(stream);
        loop {
            match tar.next_entry() {
                Ok(Some(entry)) if entry.kind == Kind::File => {
                    let (name, size) = (BString::from(normal(&entry.name)), tar.left());
                    self.entry(name, size, &mut tar);
                }
                Ok(Some(entry)) => self.link(&entry),
                Ok(None) => return,
                Err(error) => return self.visitor.unread(unread(shown, error.to_string())),
            }
            if tar.stream().is_broken() {
                return;
            }
        }
    }

    /// Skopeo's archives name each layer a second time by a link.
    fn link(&self, entry: &TarEntry) {
        let name = normal(&entry.name);
        let target = match entry.kind {
            Kind::HardLink => normal(&entry.link).to_vec(),
            Kind::SymbolicLink => {
                let folder = name.rsplit_once_str(b"/").map_or(b"".as_slice(), |(folder, _)| folder);
                resolve(folder, &entry.link)
            }
            Kind::Special => {
                return self.visitor.unread(unread(name, "no regular file, not opened"));
            }
            Kind::File | Kind::Folder => return,
        };
        self.entries.add(Stored {
            name: name.into(),
            alias: Some(target.into()),
            ..Stored::named(BString::default(), 0)
        });
    }

    /// Reads one blob or document of this size.
    fn entry(&self, name: BString, bytes: u64, source: &mut dyn Read) {
        if self.walk.left_out.contains(&name) {
            return self.entries.add(Stored::named(name, bytes));
        }
        let mut hashing = Hashing { source, hash: Sha256::new() };
        let mut stream = Stream::new(&mut hashing);
        let root = Provenance::Image { entry: name.clone(), path: None };
        let format = Format::of(stream.peek(HEAD_BYTES));
        let mut hand_over = HandOver::new(self.visitor, self.tally, self.scope);
        let mut log = None;
        let mut document = None;
        let is_document = format.is_none() && is_json(stream.peek(HEAD_BYTES));
        if self.walk.documents_only && !is_document {
            return self.entries.add(Stored::named(name, bytes));
        }
        if is_document && self.entries.kept_documents() < MAX_DOCUMENTS_BYTES {
            let mut bytes = Vec::new();
            let read = (&mut stream).take(MAX_DOCUMENT_BYTES as u64).read_to_end(&mut bytes);
            if let Err(error) = read {
                hand_over.unread(unread(name.clone(), error.to_string()));
            }
            if stream.is_at_end() {
                document = Some(bytes);
            } else {
                let mut whole = bytes.as_slice().chain(&mut stream);
                if let Err(error) = hand_over.content(&mut whole, || root.clone()) {
                    hand_over.unread(unread(name.clone(), error.to_string()));
                }
            }
        } else {
            let budget = Budget::new(stream.count());
            let mut note = |entry: &TarEntry| {
                let log = log.get_or_insert_with(|| LayerLog::new(self.entries.hasher.clone()));
                log.note(entry, self.walk.is_watched);
            };
            Opener::new(&mut hand_over, &budget, &mut note).open(&mut stream, &Place::of(root));
        }
        // What the limits left out counts for the digest. A failure was told to whoever read.
        let _ = stream.skip(u64::MAX);
        hand_over.flush();
        let digest = hashing.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let is_plain_tar = format == Some(Format::Tar);
        self.entries.add(Stored { digest, is_plain_tar, log, document, ..Stored::named(name, bytes) });
    }
}

/// Hashes what is read.
struct Hashing<'s> {
    source: &'s mut dyn Read,
    hash: Sha256,
}

impl Read for Hashing<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(out)?;
        self.hash.update(&out[..read]);
        Ok(read)
    }
}

fn is_json(head: &[u8]) -> bool {
    matches!(head.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// The documents that say what is in an image.
fn is_root_document(name: &[u8]) -> bool {
    [b"index.json".as_slice(), b"manifest.json", b"oci-layout", b"repositories"].contains(&name)
}

/// Whether an archive that begins with these blocks is an image's, not a file system's.
fn is_image_archive(head: &[u8]) -> bool {
    let mut source = head;
    let mut stream = Stream::new(&mut source);
    let mut tar = Tar::new(&mut stream);
    // Folders come first in some.
    while let Ok(Some(entry)) = tar.next_entry() {
        let name = normal(&entry.name);
        if is_root_document(name) || is_blob_name(name) {
            return true;
        }
        if entry.kind != Kind::Folder {
            return false;
        }
    }
    false
}

/// Whether this is where tools put a blob or a folder of blobs.
fn is_blob_name(name: &[u8]) -> bool {
    let first = name.split(|&byte| byte == b'/').next().unwrap_or_default();
    let digits = first.strip_prefix(b"sha256:").unwrap_or(first);
    let digits = digits.split(|&byte| byte == b'.').next().unwrap_or_default();
    first == b"blobs" || is_hex_digest(digits)
}

/// The path that a link in `folder` names, `..` worked out; what leads out of the archive stays at its top.
fn resolve(folder: &[u8], link: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> =
        if link.starts_with(b"/") { Vec::new() } else { folder.split(|&byte| byte == b'/').collect() };
    for part in link.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts.join(&b'/')
}

/// The entries by name, links followed.
pub(super) fn by_name(stored: &[Stored]) -> BTreeMap<&BStr, usize> {
    const MAX_LINKS: usize = 8;
    let direct: BTreeMap<&BStr, usize> =
        stored.iter().enumerate().map(|(at, entry)| (entry.name.as_bstr(), at)).collect();
    let mut resolved = direct.clone();
    for at in resolved.values_mut() {
        // Links in a circle lead nowhere.
        for _ in 0..MAX_LINKS {
            let Some(target) = &stored[*at].alias else { break };
            let Some(next) = direct.get(target.as_bstr()) else { break };
            *at = *next;
        }
    }
    resolved
}
