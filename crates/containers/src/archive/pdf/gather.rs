//! Finds a file's objects while its bytes go by, and keeps those that may say something, in bounded memory.

use std::io::{self, Read};
use std::ops::Range;

use memchr::memmem;

use super::syntax::{Dictionary, Lexer, Token, Value, is_blank};

/// How many bytes of objects are kept, stored as they are in the file.
const MAX_KEPT_BYTES: usize = 64 << 20;
/// The longest object, its stream aside, in bytes.
const MAX_OBJECT_BYTES: usize = 8 << 20;
/// How many objects may have no end before others are no longer looked for in them.
const MAX_ENDLESS: usize = 8;
/// How many damaged objects are named.
const MAX_UNREAD: usize = 100;
/// From how many bytes without an object on they are let go, and how many of them are kept: as many as a trailer has at most.
const GAP_BYTES: usize = 64 << 10;
const GAP_OVERLAP_BYTES: usize = 4 << 10;

/// An object of the file, each version of it by itself.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) number: u32,
    /// Where its value lies in what is kept.
    pub(super) value: Range<usize>,
    pub(super) stream: Stored,
    /// It came out of an object stream, so that nobody has seen its bytes yet.
    pub(super) is_unpacked: bool,
}

/// What became of an object's stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stored {
    /// There is none.
    None,
    /// Where its data lies in what is kept.
    At(Range<usize>),
    /// It is an image, a font or a table of objects, or there was no room for it.
    Passed,
}

/// What was found in a file.
#[derive(Debug, Default)]
pub(in crate::archive) struct Gathered {
    /// What is kept: values and streams.
    pub(super) bytes: Vec<u8>,
    /// In the order of the file.
    pub(super) objects: Vec<Object>,
    pub(super) is_encrypted: bool,
    /// The catalogue, as the last trailer has it.
    pub(super) root: Option<u32>,
    /// What could not be read: of the object with this number, or of the whole.
    pub(super) unread: Vec<(Option<u32>, String)>,
}

/// Reads `source`, and gathers the objects of what it reads.
pub(in crate::archive) struct Gathering<'s> {
    source: &'s mut dyn Read,
    /// What was read and not understood yet, from `start` on, looked through in vain up to `searched`.
    window: Vec<u8>,
    start: usize,
    searched: usize,
    /// With fewer bytes than these there is no use in looking at an object again.
    wanted: usize,
    state: State,
    gathered: Gathered,
    /// Whether there was a stream outside of objects.
    has_stray: bool,
    /// How many objects had no end.
    endless: usize,
    /// Whether nothing that ends a file stood behind the last object so far.
    is_open: bool,
}

/// What stands at the start of the window.
enum State {
    /// Whatever stands between objects.
    Between,
    /// The value of the object with this number.
    Value(u32),
    /// The data of the last object's stream.
    Data { is_kept: bool, length: Option<usize> },
}

impl Read for Gathering<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(out)?;
        self.window.extend_from_slice(&out[..read]);
        while self.step(false) {}
        // Moved to the front as seldom as costs no more than the reading itself.
        if self.start > self.window.len() / 2 {
            self.window.drain(..self.start);
            self.searched = self.searched.saturating_sub(self.start);
            self.start = 0;
        }
        Ok(read)
    }
}

impl<'s> Gathering<'s> {
    pub(in crate::archive) fn new(source: &'s mut dyn Read) -> Self {
        Self {
            source,
            window: Vec::new(),
            start: 0,
            searched: 0,
            wanted: 0,
            state: State::Between,
            gathered: Gathered::default(),
            has_stray: false,
            endless: 0,
            is_open: false,
        }
    }

    /// What was found in what was read.
    pub(in crate::archive) fn finish(mut self) -> Gathered {
        while self.step(true) {}
        if self.is_open {
            self.gathered.unread(None, "the PDF is cut off: its end is missing");
        }
        self.gathered
    }

    /// Goes a step on. Returns whether there may be another one, before more bytes come. `is_end` says that none will.
    fn step(&mut self, is_end: bool) -> bool {
        match self.state {
            State::Between => self.between(is_end),
            State::Value(number) => self.value(number, is_end),
            State::Data { is_kept, length } => self.data(is_kept, length, is_end),
        }
    }

    fn go_to(&mut self, at: usize, state: State) {
        (self.start, self.searched, self.wanted) = (at, at, 0);
        self.state = state;
    }

    fn between(&mut self, is_end: bool) -> bool {
        let from = self.searched.max(self.start);
        if let Some((header, end, number)) = object_header(&self.window, self.start, from) {
            self.gap(header);
            self.is_open = true;
            self.go_to(end, State::Value(number));
            return true;
        }
        let end = self.window.len();
        self.searched = end.saturating_sub(b"obj".len()).max(self.start);
        if is_end || end - self.start > GAP_BYTES {
            self.gap(end);
            let kept = if is_end { 0 } else { GAP_OVERLAP_BYTES };
            self.start = end - kept;
        }
        false
    }

    /// Looks through what stands between objects, up to `end`, for trailers.
    fn gap(&mut self, end: usize) {
        let gap = &self.window[self.start..end];
        let mut rest = gap;
        while let Some(at) = memmem::find(rest, b"trailer") {
            let mut lexer = Lexer::new(&rest[at + b"trailer".len()..]);
            let trailer = Value::read(&mut lexer).into_dictionary();
            self.gathered.note_trailer(&trailer);
            // Not from inside of it again: trailers in trailers would cost their square.
            rest = lexer.rest();
        }
        // The keyword that ended the last stream is still there; a second one is that of a stream whose object has no beginning.
        let behind = gap.trim_ascii_start();
        let behind = behind.strip_prefix(b"endstream").unwrap_or(behind);
        if !self.has_stray && memmem::find(behind, b"endstream").is_some() {
            self.has_stray = true;
            let why = "the PDF is damaged: a stream in it belongs to no object and is not opened; scan an undamaged copy";
            self.gathered.unread(None, why);
        }
        if memmem::find(gap, b"startxref").is_some() {
            self.is_open = false;
        }
    }

    fn value(&mut self, number: u32, is_end: bool) -> bool {
        let bytes = &self.window[self.start..];
        if bytes.len() < self.wanted && !is_end {
            return false;
        }
        let Some(extent) = Extent::of(bytes, is_end) else {
            if bytes.len() > MAX_OBJECT_BYTES {
                let why = "it is larger than 8 MiB; save the PDF anew (qpdf in.pdf out.pdf) and scan that";
                self.gathered.unread(Some(number), why);
                self.endless += 1;
                // Mostly its end is missing, and others follow. Where that goes on, it would cost the square of the file.
                let passed = if self.endless <= MAX_ENDLESS { 0 } else { bytes.len() };
                self.go_to(self.start + passed, State::Between);
                return true;
            }
            self.wanted = bytes.len() * 2;
            return false;
        };
        let value = Value::parse(&bytes[..extent.value]).into_dictionary();
        let has_room = extent.value <= self.gathered.room();
        if has_room {
            // Data takes the place once it is there.
            let stream = if extent.stream.is_some() { Stored::Passed } else { Stored::None };
            self.gathered.keep(number, &bytes[..extent.value], stream);
        } else {
            self.gathered.is_full(number);
        }
        if extent.is_damaged {
            self.gathered.unread(Some(number), "it is damaged");
        }
        let (start, state) = match extent.stream {
            Some(data) => {
                let is_kept = has_room && is_worth_keeping(&value);
                if value.name("Type") == Some(b"XRef") {
                    self.gathered.note_trailer(&value);
                }
                (data, State::Data { is_kept, length: value.size("Length").filter(|_| is_kept) })
            }
            None => (extent.value, State::Between),
        };
        drop(value);
        self.go_to(self.start + start, state);
        true
    }

    fn data(&mut self, is_kept: bool, length: Option<usize>, is_end: bool) -> bool {
        /// Room for what stands behind a stream: line ends, and a keyword.
        const AHEAD_BYTES: usize = 32;
        let data = &self.window[self.start..];
        let room = self.gathered.room();
        if let Some(length) = length {
            if length <= room && data.len() < length.saturating_add(AHEAD_BYTES) && !is_end {
                return false;
            }
            let behind = data.get(length..).unwrap_or_default();
            let behind = &behind[behind.iter().take_while(|&&byte| is_blank(byte)).count()..];
            let is_true = behind.starts_with(b"endstream") || behind.starts_with(b"endobj");
            if is_true && length <= room {
                self.end_data(length, true);
            } else {
                // Lengths lie: the end is looked for.
                self.state = State::Data { is_kept, length: None };
            }
            return true;
        }
        let from = self.searched.max(self.start) - self.start;
        if let Some(end) = data_end(&data[from..]).map(|end| from + end) {
            // The line end in front of the keyword stays: it may as well be the data's last byte, and does no harm behind it.
            self.end_data(end, is_kept);
            return true;
        }
        if is_end {
            let (number, length) = (self.gathered.objects.last().map(|object| object.number), data.len());
            if is_kept {
                self.gathered.unread(number, "it is cut off");
                // Said there.
                self.is_open = false;
            }
            self.end_data(length, is_kept);
            return true;
        }
        let length = data.len();
        // A keyword may be cut in two here.
        self.searched = self.start + length.saturating_sub(b"endstream".len());
        if is_kept && length > room {
            if let Some(object) = self.gathered.objects.last() {
                self.gathered.is_full(object.number);
            }
            self.state = State::Data { is_kept: false, length: None };
        } else if !is_kept {
            self.start = self.searched;
        }
        false
    }

    /// The stream of the last object has `length` bytes.
    fn end_data(&mut self, length: usize, is_kept: bool) {
        let data = &self.window[self.start..self.start + length];
        let Gathered { bytes, objects, .. } = &mut self.gathered;
        if let Some(object) = objects.last_mut().filter(|_| is_kept) {
            object.stream = Stored::At(bytes.len()..bytes.len() + length);
            bytes.extend_from_slice(data);
        }
        self.go_to(self.start + length, State::Between);
    }
}

impl Gathered {
    /// How many bytes more may be kept.
    fn room(&self) -> usize {
        let kept = self.bytes.len() + self.objects.len() * size_of::<Object>();
        MAX_KEPT_BYTES.saturating_sub(kept)
    }

    fn unread(&mut self, number: Option<u32>, why: &str) {
        if self.unread.len() < MAX_UNREAD {
            self.unread.push((number, why.to_owned()));
        }
    }

    fn keep(&mut self, number: u32, value: &[u8], stream: Stored) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(value);
        let value = start..self.bytes.len();
        self.objects.push(Object { number, value, stream, is_unpacked: false });
    }

    /// Says, once, that there was no room for an object.
    fn is_full(&mut self, number: u32) {
        let why = format!(
            "it has more than {} MiB of compressed text and attachments: what comes from object {number} on is not opened; \
             split the PDF, or take its attachments out, and scan the parts",
            MAX_KEPT_BYTES >> 20
        );
        if !self.unread.iter().any(|(object, _)| object.is_none()) {
            self.unread.push((None, why));
        }
    }

    fn note_trailer(&mut self, trailer: &Dictionary<'_>) {
        self.is_encrypted |=
            matches!(trailer.get("Encrypt"), Some(Value::Reference(_) | Value::Dictionary(_)));
        if let Some(Value::Reference(root)) = trailer.get("Root") {
            self.root = Some(*root);
        }
    }
}

/// Whether the stream with this dictionary may say something. Images and fonts do not, nor do lists of objects.
fn is_worth_keeping(dictionary: &Dictionary<'_>) -> bool {
    let is_image = dictionary.name("Subtype") == Some(b"Image");
    let is_font = dictionary.get("Length1").is_some()
        || matches!(dictionary.name("Subtype"), Some(b"Type1C" | b"CIDFontType0C" | b"OpenType"));
    !is_image && !is_font && dictionary.name("Type") != Some(b"XRef")
}

/// The first header of an object, `12 0 obj`, whose keyword begins at `from` or later: where it begins and ends, and the number.
fn object_header(window: &[u8], start: usize, from: usize) -> Option<(usize, usize, u32)> {
    let keyword = b"obj";
    memmem::find_iter(&window[from..], keyword).find_map(|at| {
        let at = from + at;
        let before = blanks_before(&window[start..at])?;
        let (_, before) = digits_before(before)?;
        let (number, before) = digits_before(blanks_before(before)?)?;
        Some((start + before.len(), at + keyword.len(), number))
    })
}

/// What stands in front of the blanks at the end of `bytes`; `None` where there are none, or more than anybody writes.
fn blanks_before(bytes: &[u8]) -> Option<&[u8]> {
    const MAX_BLANKS: usize = 16;
    let blanks = bytes.iter().rev().take(MAX_BLANKS + 1).take_while(|&&byte| is_blank(byte)).count();
    (1..=MAX_BLANKS).contains(&blanks).then(|| &bytes[..bytes.len() - blanks])
}

/// The number at the end of `bytes`, and what stands in front of it.
fn digits_before(bytes: &[u8]) -> Option<(u32, &[u8])> {
    const MAX_DIGITS: usize = 10;
    let digits = bytes.iter().rev().take(MAX_DIGITS).take_while(|byte| byte.is_ascii_digit()).count();
    let (before, digits) = bytes.split_at(bytes.len() - digits);
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, before))
}

/// Where the keyword that ends a stream begins.
fn data_end(data: &[u8]) -> Option<usize> {
    memmem::find_iter(data, b"end")
        .find(|&at| data[at..].starts_with(b"endstream") || data[at..].starts_with(b"endobj"))
}

/// How far an object's value goes.
struct Extent {
    value: usize,
    /// Where its stream's data begins, where it has a stream.
    stream: Option<usize>,
    is_damaged: bool,
}

impl Extent {
    /// `None` where more bytes are needed to tell, which do not come any more where `is_end` says so.
    fn of(bytes: &[u8], is_end: bool) -> Option<Self> {
        let mut lexer = Lexer::new(bytes);
        let mut depth = 0usize;
        // Where the last three tokens begin: the next object's header is made of so many.
        let mut starts = [0; 3];
        loop {
            starts = [starts[1], starts[2], lexer.position()];
            let token = lexer.next();
            if lexer.is_at_end() && !is_end {
                return None;
            }
            let end = match token {
                None => Some(bytes.len()),
                Some(Token::ArrayStart | Token::DictionaryStart) => {
                    depth += 1;
                    None
                }
                Some(Token::ArrayEnd | Token::DictionaryEnd) => {
                    depth = depth.saturating_sub(1);
                    None
                }
                Some(Token::Keyword(b"endobj" | b"endstream" | b"xref" | b"trailer" | b"startxref")) => {
                    Some(starts[2])
                }
                // The object has no end, and the next one begins.
                Some(Token::Keyword(b"obj")) => Some(starts[0]),
                Some(Token::Keyword(word)) if word.starts_with(b"stream") => {
                    let start = lexer.position() - word.len();
                    let data = start + b"stream".len();
                    let line_end = match bytes.get(data..).unwrap_or_default() {
                        [b'\r', b'\n', ..] => 2,
                        [b'\r' | b'\n', ..] => 1,
                        _ => 0,
                    };
                    let stream = Some(data + line_end);
                    return Some(Self { value: start, stream, is_damaged: depth > 0 });
                }
                Some(_) => None,
            };
            if let Some(value) = end {
                return Some(Self { value, stream: None, is_damaged: depth > 0 });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gathers `file`, handed over in pieces of `piece` bytes.
    fn gather(file: &[u8], piece: usize) -> Gathered {
        let mut source = file;
        let mut gathering = Gathering::new(&mut source);
        let mut buffer = vec![0; piece];
        while gathering.read(&mut buffer).expect("in memory") > 0 {}
        gathering.finish()
    }

    /// Numbers, values and streams.
    fn shown(gathered: &Gathered) -> Vec<(u32, String, Option<String>)> {
        let text =
            |range: &Range<usize>| String::from_utf8_lossy(&gathered.bytes[range.clone()]).into_owned();
        gathered
            .objects
            .iter()
            .map(|object| {
                let stream = match &object.stream {
                    Stored::At(range) => Some(text(range)),
                    _ => None,
                };
                (object.number, text(&object.value).trim().to_owned(), stream)
            })
            .collect()
    }

    const FILE: &[u8] = b"%PDF-1.4\n%\xe2\xe3\n1 0 obj<</A (endobj 9 0 obj)>>endobj\n\
        2 0 obj\n<</Length 21>>\nstream\nendstream endobj 8 0 \nendstream\nendobj\n\
        3 0 obj <</Length 4 0 R>> stream\r\nsome data\r\nendstream endobj\n4 0 obj 9 endobj\n\
        5 0 obj<</Subtype/Image/Length 5>>stream\n\xff\xfeend\nendstream\nendobj\n\
        6 0 obj<</Length 900>>stream\nit lies\nendstream\nendobj\n\
        7 0 obj [1 2\n8 0 obj (x) endobj xref\ntrailer<</Root 1 0 R/Size 9>>\nstartxref\n0\n%%EOF\n";

    #[test]
    fn objects_are_found_however_the_bytes_come() {
        let expected = [
            (1, "<</A (endobj 9 0 obj)>>", None),
            (2, "<</Length 21>>", Some("endstream endobj 8 0 ")),
            (3, "<</Length 4 0 R>>", Some("some data\r\n")),
            (4, "9", None),
            (5, "<</Subtype/Image/Length 5>>", None),
            (6, "<</Length 900>>", Some("it lies\n")),
            (7, "[1 2", None),
            (8, "(x)", None),
        ];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(number, value, stream)| (number, value.to_owned(), stream.map(str::to_owned)))
            .collect();
        for piece in [1, 2, 3, 7, 64, 100_000] {
            let gathered = gather(FILE, piece);
            assert_eq!(shown(&gathered), expected, "in pieces of {piece}");
            assert_eq!(gathered.root, Some(1));
            assert!(!gathered.is_encrypted);
            assert_eq!(gathered.unread, [(Some(7), "it is damaged".to_owned())]);
        }
    }

    #[test]
    fn a_file_that_is_cut_anywhere_among_its_objects_is_said_to_be() {
        let last_object = memmem::find(FILE, b"startxref").expect("there");
        for length in memmem::find(FILE, b"obj").expect("there") + 3..last_object {
            assert!(!gather(&FILE[..length], 1000).unread.is_empty(), "{length}");
        }
        assert_eq!(gather(b"%PDF-1.4 is how a PDF begins", 1000).unread, []);
    }

    #[test]
    fn a_stream_whose_object_has_lost_its_beginning_is_said() {
        let mut file = FILE.to_vec();
        let header = memmem::find(&file, b"3 0 obj").expect("there");
        file[header + 5] = b'?';
        let gathered = gather(&file, 1000);
        assert!(gathered.unread.iter().any(|(_, why)| why.contains("belongs to no object")));
        assert_eq!(gathered.objects.len(), 7, "all others are there");
    }

    #[test]
    fn encryption_is_told_by_the_trailer_or_what_stands_for_it() {
        let table =
            b"1 0 obj<<>>endobj\nxref\n0 1\n0000000000 65535 f\ntrailer <</Encrypt 5 0 R/Root 1 0 R>>";
        let stream = b"9 0 obj<</Type/XRef/Encrypt 5 0 R/Root 2 0 R>>stream\n....\nendstream endobj";
        for (file, root) in [(table.as_slice(), 1), (stream, 2)] {
            let gathered = gather(file, 10);
            assert!(gathered.is_encrypted);
            assert_eq!(gathered.root, Some(root));
        }
    }

    #[test]
    fn long_gaps_and_images_are_not_kept_in_memory() {
        let image = vec![b'x'; 3 << 20];
        let file = [
            b"%PDF-1.4\n1 0 obj<</Subtype/Image>>stream\n".as_slice(),
            &image,
            b"\nendstream endobj\n",
            &b"0000000000 65535 f\n".repeat(100_000),
            b"trailer<</Encrypt 1 0 R>>",
        ]
        .concat();
        let mut source = file.as_slice();
        let mut gathering = Gathering::new(&mut source);
        let mut buffer = vec![0; 8 << 10];
        while gathering.read(&mut buffer).expect("in memory") > 0 {
            assert!(gathering.window.len() < 300 << 10, "{}", gathering.window.len());
        }
        assert!(gathering.finish().is_encrypted);
    }
}
