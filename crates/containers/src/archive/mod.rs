//! Containers, told apart by content: compressed files and archives, in each other to some depth. Nothing is written anywhere:
//! members are read as they come, and handed over like files.
//!
//! What cannot be read of a container is said with the member's path (`a.zip!b/c.py`), and the rest is read all the same. What
//! follows damage, or the end of what a container says it is, is read as plain bytes.

mod budget;
mod decode;
mod format;
mod git_pack;
mod hand_over;
mod pdf;
mod python;
mod stream;
pub mod tar;
mod watched;
mod zip;

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::io::{self, Read};

use bstr::{BStr, BString, ByteSlice};
use foldhash::fast::RandomState;

use keysieve_model::chunk::Visitor;
use keysieve_model::coverage::Unread;
use keysieve_model::provenance::Provenance;

use self::budget::Metered;
use self::decode::GzipMembers;
use self::git_pack::{GitPack, Object};
use self::pdf::{Gathering, Pdf};
use self::tar::{Kind, SparseReader, Tar};
use self::watched::Watched;
use self::zip::{Gap, Item, Stored, Summed, Zip};

pub use self::budget::Budget;
pub use self::format::{Format, HEAD_BYTES};
pub use self::hand_over::{HandOver, Tally};
pub use self::stream::Stream;

/// How many containers may lie in each other; a compressed archive counts as two.
pub const MAX_DEPTH: usize = 16;

/// The reason given for a zip member whose content differs from what was packed.
const DAMAGED: &str = "it is damaged: its CRC-32 is another one than the archive says, and what was read may be wrong; pack it anew";

/// How long the ids of git's objects are.
const SHA_1_BYTES: usize = 20;
const SHA_256_BYTES: usize = 32;

/// Reads a file or another stream whole, containers opened.
pub fn visit_stream<'scope, V: Visitor>(
    source: &mut dyn Read,
    provenance: Provenance,
    mut hand_over: HandOver<'_, 'scope, V>,
) {
    let mut stream = Stream::new(source);
    let budget = Budget::new(stream.count());
    Opener::new(&mut hand_over, &budget, &mut |_| {}).open(&mut stream, &Place::of(provenance));
    hand_over.flush();
}

/// Opens a stream that is compressed as a whole, and hands what it unpacks to over to `read`; as it is where it is not, and with
/// an error where it cannot be opened.
pub fn unpack(
    stream: &mut Stream<'_>,
    budget: &Budget,
    read: impl FnOnce(&mut Stream<'_>, Option<io::Error>),
) {
    let (count, start) = (stream.count(), stream.position());
    match Format::of(stream.peek(HEAD_BYTES)) {
        Some(Format::Gzip) => {
            let mut metered = Metered::new(GzipMembers::new(stream), budget, count, start);
            read(&mut Stream::new(&mut metered), None);
        }
        Some(format @ (Format::Zstd | Format::Bzip2 | Format::Xz)) => {
            match decode::decoder(format, stream, 0) {
                Ok(decoder) => {
                    let mut metered = Metered::new(decoder, budget, count, start);
                    read(&mut Stream::new(&mut metered), None);
                }
                Err(error) => read(&mut Stream::new(&mut io::empty()), Some(error)),
            }
        }
        _ => read(stream, None),
    }
}

/// Opens a content that was already searched as it is, where it is a container. Returns whether nothing was found in it and
/// nothing left unread; `None` where it is no container.
pub fn visit_members<V: Visitor>(
    content: &[u8],
    provenance: impl FnOnce() -> Provenance,
    visitor: &V,
) -> Option<bool> {
    if Format::of(&content[..content.len().min(HEAD_BYTES)]).is_none() {
        zip::start_behind(content)?;
    }
    let tally = Tally::default();
    let mut hand_over = HandOver::new(visitor, &tally, None);
    let mut source = content;
    let mut stream = Stream::new(&mut source);
    let budget = Budget::new(stream.count());
    let mut on_entry = |_: &tar::Entry| {};
    let mut opener = Opener::new(&mut hand_over, &budget, &mut on_entry);
    opener.is_searched_already = true;
    opener.open(&mut stream, &Place::of(provenance()));
    hand_over.flush();
    Some(tally.is_clean())
}

/// Where a content lies.
#[derive(Debug, Clone)]
pub struct Place {
    provenance: Provenance,
    /// How many containers are around it, and how many of them are compressed.
    depth: usize,
    compressed: usize,
}

impl Place {
    /// A content that lies in no other.
    pub fn of(root: Provenance) -> Self {
        Self { provenance: root, depth: 0, compressed: 0 }
    }

    /// The path of the innermost file.
    fn path(&self) -> &[u8] {
        self.provenance.path().map(|path| path.as_bytes()).unwrap_or_default()
    }

    fn provenance(&self) -> Provenance {
        self.provenance.clone()
    }

    /// Whether the archive here is one of an image's layers.
    fn is_layer(&self) -> bool {
        matches!(self.provenance, Provenance::Image { path: None, .. })
    }

    /// A file of the archive here.
    fn member(&self, name: &BStr) -> Self {
        let name: Cow<'_, [u8]> = if name.is_empty() { b"(no name)".into() } else { name.as_bytes().into() };
        let provenance = match &self.provenance {
            // The archive is a layer: its files are what people know by their paths.
            Provenance::Image { entry, .. } if self.is_layer() => {
                // Some tools put `./` in front of every path, which says nothing.
                let path = name.strip_prefix(b"./").unwrap_or(&name);
                let path = Some(BString::from(path));
                Provenance::Image { entry: entry.clone(), path }
            }
            archive => {
                Provenance::Member { within: Box::new(archive.clone()), path: name.into_owned().into() }
            }
        };
        Self { provenance, depth: self.depth + 1, compressed: self.compressed }
    }

    /// The single content of a compressed file, named after the file without its extension.
    fn unpacked(&self) -> Self {
        let path = self.provenance.path();
        let name = path.map(|path| path.rsplit(|&byte| byte == b'/').next().unwrap_or_default());
        let stem = name.and_then(|name| {
            let (stem, extension) = name.rsplit_once_str(".")?;
            let known: [&[u8]; 5] = [b"gz", b"bz2", b"xz", b"zst", b"Z"];
            (known.contains(&extension) && !stem.is_empty()).then_some(stem)
        });
        let mut inside = self.member(stem.unwrap_or(b"(unpacked)").as_bstr());
        inside.depth = self.depth;
        inside
    }

    /// What people call it.
    fn shown(&self) -> BString {
        self.provenance.shown()
    }
}

/// Told of each file of an image's layer.
pub type OnEntry<'o> = dyn FnMut(&tar::Entry) + 'o;

/// Opens containers and hands over what is in them.
pub struct Opener<'o, 'a, 'scope, V: Visitor> {
    hand_over: &'o mut HandOver<'a, 'scope, V>,
    budget: &'o Budget,
    on_entry: &'o mut OnEntry<'o>,
    /// The root's own bytes need not be handed over.
    is_searched_already: bool,
}

impl<'o, 'a, 'scope, V: Visitor> Opener<'o, 'a, 'scope, V> {
    /// Opens what lies below one input. `on_entry` is told of the files of a layer.
    pub fn new(
        hand_over: &'o mut HandOver<'a, 'scope, V>,
        budget: &'o Budget,
        on_entry: &'o mut OnEntry<'o>,
    ) -> Self {
        Self { hand_over, budget, on_entry, is_searched_already: false }
    }

    /// Reads a content to its end, opened where it is a container.
    pub fn open(&mut self, stream: &mut Stream<'_>, place: &Place) {
        let format = Format::of_file(stream.peek(HEAD_BYTES), place.path());
        match format {
            None => return self.plain(stream, place),
            Some(Format::Unopened(name)) => {
                let why = format!(
                    "{name}, which is searched as it is and not opened; unpack it and scan what is in it"
                );
                self.hand_over.skipped(Unread::new(place.shown(), why));
                return self.plain(stream, place);
            }
            Some(_) if place.depth >= MAX_DEPTH => {
                let why = format!(
                    "more than {MAX_DEPTH} containers in each other; unpack it and scan it by itself"
                );
                self.unread(place, why);
                return self.plain(stream, place);
            }
            Some(Format::Tar) => self.tar(stream, place),
            Some(Format::Zip) => self.zip(stream, place, false),
            Some(Format::Ar) => self.ar(stream, place),
            Some(Format::GitPack) => self.git_pack(stream, SHA_1_BYTES, place),
            Some(Format::GitBundle) => self.git_bundle(stream, place),
            Some(Format::PythonCode) => return self.python_code(stream, place),
            Some(Format::Pdf) => return self.pdf(stream, place),
            Some(format) => self.compressed(format, stream, place),
        }
        // What follows the container, or its damage.
        if !self.budget.is_spent() && !stream.is_broken() && !is_padding(stream) {
            self.plain(stream, place);
        }
    }

    /// Hands the bytes of `content` over as they are, and opens a zip archive that stands behind them.
    fn plain(&mut self, content: &mut dyn Read, place: &Place) {
        let mut content = Watched::new(content);
        let read = match self.is_searched_already && place.depth == 0 {
            true => io::copy(&mut content, &mut io::sink()).map(drop),
            false => self.hand_over.content(&mut content, || place.provenance()),
        };
        if let Err(error) = read {
            self.unread(place, error.to_string());
        }
        match content.archive() {
            None => {}
            Some(Ok(archive)) if place.depth < MAX_DEPTH => {
                let inner = Place { depth: place.depth + 1, ..place.clone() };
                self.zip(&mut Stream::new(&mut archive.as_slice()), &inner, true);
            }
            Some(Ok(_)) => {
                let why = format!(
                    "more than {MAX_DEPTH} containers in each other; unpack it and scan it by itself"
                );
                self.unread(place, why);
            }
            Some(Err(why)) => self.unread(place, why),
        }
    }

    fn unread(&self, place: &Place, why: impl Into<String>) {
        self.hand_over.unread(Unread::new(place.shown(), why));
    }

    fn name(&mut self, name: &[u8], place: &Place) {
        self.hand_over.name(name, || Provenance::Name(Box::new(place.provenance())));
    }

    fn compressed(&mut self, format: Format, stream: &mut Stream<'_>, place: &Place) {
        let (count, start) = (stream.count(), stream.position());
        if format == Format::Gzip {
            let mut metered = Metered::new(GzipMembers::new(stream), self.budget, count, start);
            self.unpacked(&mut metered, place);
            let notes = metered.into_inner().into_notes();
            return notes.lines().for_each(|note| self.name(note, place));
        }
        match decode::decoder(format, stream, place.compressed) {
            Ok(decoder) => self.unpacked(&mut Metered::new(decoder, self.budget, count, start), place),
            Err(error) => self.unread(place, error.to_string()),
        }
    }

    /// Reads what comes out of a decoder.
    fn unpacked(&mut self, decoder: &mut dyn Read, place: &Place) {
        let mut stream = Stream::new(decoder);
        let inner = Place { depth: place.depth + 1, compressed: place.compressed + 1, ..place.clone() };
        // An archive's members stand for themselves: `b/c.py` of `a.tar.gz`.
        match Format::of(stream.peek(HEAD_BYTES)) {
            Some(_) => self.open(&mut stream, &inner),
            None => self.plain(&mut stream, &inner.unpacked()),
        }
    }

    fn tar(&mut self, stream: &mut Stream<'_>, place: &Place) {
        let is_layer = place.is_layer();
        let mut tar = Tar::new(stream);
        let mut names = Names::default();
        loop {
            let mut entry = match tar.next_entry() {
                Ok(Some(entry)) => entry,
                Ok(None) => return,
                Err(error) => {
                    return self.unread(place, error.to_string());
                }
            };
            if is_layer {
                (self.on_entry)(&entry);
            }
            let inside = place.member(&names.distinct(entry.name.as_bstr()));
            self.name(&entry.name, &inside);
            self.name(&entry.link, &inside);
            entry.notes.lines().for_each(|note| self.name(note, &inside));
            if let Some(sparse) = entry.sparse.take() {
                let size = tar.left();
                let mut content = SparseReader::new(&mut tar, sparse, size, self.budget);
                self.open(&mut Stream::new(&mut content), &inside);
            } else if matches!(entry.kind, Kind::File | Kind::HardLink) && tar.left() > 0 {
                let head = usize::try_from(tar.left()).unwrap_or(usize::MAX).min(HEAD_BYTES);
                match Format::of_file(tar.stream().peek(head), &entry.name) {
                    Some(_) => self.open(&mut Stream::new(&mut tar), &inside),
                    None => self.plain(&mut tar, &inside),
                }
            }
            if self.budget.is_spent() || tar.stream().is_broken() {
                return;
            }
        }
    }

    /// Reads an archive. `is_searched` says that its bytes were handed over as they are.
    fn zip(&mut self, stream: &mut Stream<'_>, place: &Place, is_searched: bool) {
        let mut zip = Zip::default();
        let mut names = Names::default();
        loop {
            if self.budget.is_spent() || stream.is_broken() {
                return;
            }
            match zip.next(stream) {
                Ok(Item::Member(member)) => {
                    let inside = place.member(&names.distinct(member.name.as_bstr()));
                    let start = stream.position();
                    let mut crc32 = None;
                    if !self.zip_member(stream, &member, place, &inside, &mut crc32) {
                        return;
                    }
                    zip.note(stream.position() - start, crc32);
                }
                Ok(Item::Text(text)) => self.name(&text, place),
                Ok(Item::Gap) if is_searched => {
                    if let Err(error) = io::copy(&mut Gap::new(stream), &mut io::sink()) {
                        return self.unread(place, error.to_string());
                    }
                }
                Ok(Item::Gap) => self.plain(&mut Gap::new(stream), place),
                Ok(Item::End(problem, damaged)) => {
                    damaged.iter().for_each(|name| self.unread(&place.member(name.as_bstr()), DAMAGED));
                    if let Some(problem) = problem {
                        self.unread(place, problem);
                    }
                }
                Ok(Item::Nothing) => return,
                Err(error) => return self.unread(place, error.to_string()),
            }
        }
    }

    /// Reads a member, and sums up its content for the directory to be compared with. Returns whether there can be another one.
    fn zip_member(
        &mut self,
        stream: &mut Stream<'_>,
        member: &zip::Member,
        place: &Place,
        inside: &Place,
        crc32: &mut Option<u32>,
    ) -> bool {
        const STORED: u16 = 0;
        self.name(&member.name, inside);
        self.name(&member.extra, inside);
        let is_folder = member.name.ends_with(b"/");
        let (count, start) = (stream.count(), stream.position());
        let mut stored = Stored::new(stream, member.stored);
        let mut is_opened = false;
        if member.is_encrypted && !is_folder {
            self.unread(inside, "it is encrypted; unpack it with its password and scan what is in it");
        } else if member.stored.is_none() && member.method == STORED {
            self.unread(inside, "it is stored without its size; unpack the archive and scan what is in it");
        } else {
            match decode::zip_decoder(member.method, &mut stored, place.compressed) {
                Ok(Some(decoder)) => {
                    let mut content = Summed::new(Metered::new(decoder, self.budget, count, start));
                    let inner = Place { compressed: inside.compressed + 1, ..inside.clone() };
                    self.open(&mut Stream::new(&mut content), &inner);
                    is_opened = true;
                    *crc32 = content.crc32();
                    if crc32.is_some_and(|crc32| member.crc32.is_some_and(|said| said != crc32)) {
                        self.unread(inside, DAMAGED);
                        *crc32 = None;
                    }
                }
                Ok(None) => {
                    let why = format!(
                        "its compression method {} is not known; unpack it by other means",
                        member.method
                    );
                    self.unread(inside, why);
                }
                Err(error) => self.unread(inside, error.to_string()),
            }
        }
        // What a decoder leaves may be anything.
        if is_opened && stored.has_more() && !stored.is_broken() && !self.budget.is_spent() {
            let behind = Place { depth: inside.depth + 1, ..inside.clone() };
            self.open(&mut Stream::new(&mut stored), &behind);
        }
        let is_told = stored.is_broken();
        match stored.finish() {
            Ok(()) => !is_told,
            Err(error) => {
                if !is_told {
                    self.unread(inside, error.to_string());
                }
                false
            }
        }
    }

    /// A pack behind the references that lead to its objects, which are read as they are.
    fn git_bundle(&mut self, stream: &mut Stream<'_>, place: &Place) {
        let (header, result) = git_pack::bundle_header(stream);
        self.plain(&mut header.as_slice(), place);
        match result {
            Ok(()) if stream.peek(4) != b"PACK" => self.unread(place, "the git bundle has no pack in it"),
            Ok(()) => {
                let is_sha_256 = header.lines().any(|line| line == b"@object-format=sha256");
                let id_bytes = if is_sha_256 { SHA_256_BYTES } else { SHA_1_BYTES };
                self.git_pack(stream, id_bytes, place);
            }
            Err(error) => self.unread(place, error.to_string()),
        }
    }

    /// Each object of a pack is a content.
    fn git_pack(&mut self, stream: &mut Stream<'_>, id_bytes: usize, place: &Place) {
        let (mut pack, result) = GitPack::read(stream, id_bytes, self.budget);
        for start in pack.objects() {
            match pack.object(start) {
                Ok(Some(Object { kind, bytes })) => {
                    let object = place.member(format!("{kind} at {start}").as_bytes().as_bstr());
                    self.plain(&mut bytes.as_slice(), &object);
                }
                Ok(None) => {}
                Err(error) => {
                    let object = place.member(format!("object at {start}").as_bytes().as_bstr());
                    self.unread(&object, error.to_string());
                }
            }
            if self.budget.is_spent() {
                return;
            }
        }
        if let Err(error) = result {
            self.unread(place, error.to_string());
        }
    }

    /// Compiled Python is searched as it is, and its strings besides.
    fn python_code(&mut self, stream: &mut Stream<'_>, place: &Place) {
        let strings = Place { depth: place.depth + 1, ..place.member(b"(strings)".as_bstr()) };
        let mut kept = Kept { source: stream, bytes: Vec::new() };
        match python::strings(&mut kept) {
            Ok(text) => self.plain(&mut text.as_slice(), &strings),
            Err(error) => return self.unread(place, error.to_string()),
        }
        let Kept { source, bytes } = kept;
        self.plain(&mut bytes.as_slice().chain(source), place);
    }

    /// PDF files are searched as they are, and their texts and attachments besides.
    fn pdf(&mut self, stream: &mut Stream<'_>, place: &Place) {
        let mut gathering = Gathering::new(stream);
        self.plain(&mut gathering, place);
        let mut pdf = Pdf::new(gathering.finish(), self.budget);
        let mut names = Names::default();
        for part in pdf.take_parts() {
            if self.budget.is_spent() {
                break;
            }
            let inside = place.member(&names.distinct(part.name.as_bstr()));
            let (content, why) = pdf.content(&part);
            match content {
                pdf::Content::Text(text) if text.trim().is_empty() => {}
                pdf::Content::Text(text) => self.plain(&mut text.as_bytes(), &inside),
                pdf::Content::File(mut file) => {
                    let inner = Place { compressed: inside.compressed + 1, ..inside.clone() };
                    self.open(&mut Stream::new(&mut file), &inner);
                }
            }
            if let Some(why) = why {
                self.unread(&inside, why);
            }
        }
        if let Err(error) = self.budget.spend(0) {
            self.unread(place, error.to_string());
        }
        for (name, why) in &pdf.unread {
            let of = if name.is_empty() { place.clone() } else { place.member(name.as_bytes().as_bstr()) };
            self.unread(&of, why);
        }
        if pdf.has_unknown_text {
            let why =
                "some of its text is in fonts that do not say which characters they show, and is not read";
            self.hand_over.skipped(Unread::new(place.shown(), why));
        }
    }

    /// Debian packages and static libraries: headers of 60 bytes, contents padded to even lengths.
    fn ar(&mut self, stream: &mut Stream<'_>, place: &Place) {
        const MAGIC_BYTES: u64 = 8;
        const HEADER_BYTES: usize = 60;
        if let Err(error) = stream.skip(MAGIC_BYTES) {
            return self.unread(place, error.to_string());
        }
        let mut names = Names::default();
        while let Ok(header) = <[u8; HEADER_BYTES]>::try_from(stream.peek(HEADER_BYTES)) {
            let size = header[48..58].to_str().ok().and_then(|size| size.trim().parse::<u64>().ok());
            let Some(size) = size.filter(|_| header.ends_with(b"`\n")) else {
                return self.unread(place, "the archive is damaged: a file's header makes no sense");
            };
            let name = header[..16].trim_ascii_end();
            let name = name.strip_suffix(b"/").unwrap_or(name).as_bstr();
            let inside = place.member(&names.distinct(name));
            // What was looked at is there.
            let _ = stream.skip(HEADER_BYTES as u64);
            let mut stored = Stored::new(stream, Some(size));
            self.open(&mut Stream::new(&mut stored), &inside);
            let is_told = stored.is_broken();
            match stored.finish() {
                Ok(()) => {}
                Err(_) if is_told => return,
                Err(error) => return self.unread(&inside, error.to_string()),
            }
            let _ = stream.skip(size % 2);
            if self.budget.is_spent() {
                return;
            }
        }
    }
}

/// Keeps what is read, to read it again.
struct Kept<'s> {
    source: &'s mut dyn Read,
    bytes: Vec<u8>,
}

impl Read for Kept<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(out)?;
        self.bytes.extend_from_slice(&out[..read]);
        Ok(read)
    }
}

/// How often each name was seen in an archive: contents of the same name are told apart.
#[derive(Default)]
struct Names {
    hasher: RandomState,
    seen: HashMap<u64, u32>,
}

impl Names {
    /// The name, with a number from the second time on.
    fn distinct<'n>(&mut self, name: &'n BStr) -> Cow<'n, BStr> {
        let count = self.seen.entry(self.hasher.hash_one(name)).or_default();
        *count += 1;
        match *count {
            1 => name.into(),
            count => Cow::Owned([name.as_bytes(), format!("#{count}").as_bytes()].concat().into()),
        }
    }
}

/// Whether only zeros follow: archives are padded. They are taken.
fn is_padding(stream: &mut Stream<'_>) -> bool {
    const LOOK_BYTES: usize = 64 << 10;
    loop {
        let ahead = stream.peek(LOOK_BYTES);
        if ahead.iter().any(|&byte| byte != 0) {
            return false;
        }
        let length = ahead.len() as u64;
        if length == 0 || stream.skip(length).is_err() {
            return true;
        }
    }
}
