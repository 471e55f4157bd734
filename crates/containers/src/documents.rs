//! Documents that somebody else has: issues, messages, pages, logs, objects of a bucket. They come as JSON Lines, a document a line:
//!
//! ```json
//! {"url": "https://example.org/issues/7", "author": "ann", "time": "2024-03-01T12:00:00Z", "text": "..."}
//! {"id": "logs/build.gz", "base64": "H4sI..."}
//! ```
//!
//! `text` or `base64` is needed, and `url` or `id`. Other members are ignored. A line is read only as far as [`MAX_LINE_BYTES`], and
//! no message quotes what stands on it.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::PathBuf;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bstr::BString;
use serde::Deserialize;
use serde_json::error::Category;

use keysieve_model::chunk::{Source, Visitor};
use keysieve_model::coverage::{Read, Unread};
use keysieve_model::provenance::{Document, Provenance, path_bytes};

use super::archive::{HandOver, Tally, visit_stream};

/// The longest line that is read, in bytes.
pub const MAX_LINE_BYTES: u64 = 64 << 20;
/// The most lines of one input that are named one by one where they are not documents.
const MAX_NAMED_LINES: u64 = 20;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const BASE64_OF_URLS: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// The source of documents.
#[derive(Debug, Clone)]
pub enum Input {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

/// Documents, one input after the other.
#[derive(Debug)]
pub struct Documents {
    inputs: Vec<Input>,
}

impl Documents {
    /// The documents of `inputs`.
    #[must_use]
    pub fn of(inputs: Vec<Input>) -> Self {
        Self { inputs }
    }
}

impl Source for Documents {
    fn visit_chunks<V: Visitor>(&self, visitor: &V) -> Read {
        let tally = Tally::default();
        let mut count = 0;
        rayon::in_place_scope(|scope| {
            for input in &self.inputs {
                let name = name_of(input);
                let mut visit = |document: Document, content: &[u8]| {
                    count += 1;
                    let hand_over = HandOver::new(visitor, &tally, Some(scope));
                    visit_stream(&mut &*content, Provenance::Document(document), hand_over);
                };
                let mut unread = |unread| visitor.unread(unread);
                match input {
                    Input::Stdin => visit_lines(&mut io::stdin().lock(), &name, &mut visit, &mut unread),
                    Input::File(path) => match File::open(path) {
                        Ok(file) => visit_lines(&mut BufReader::new(file), &name, &mut visit, &mut unread),
                        Err(error) => unread(Unread::new(name, error.to_string())),
                    },
                }
            }
        });
        if count == 0 {
            let why = "there was no document to read; write a JSON object with `text` and `url` a line";
            visitor.unread(Unread::new("the documents", why));
        }
        Read { files: count, bytes: tally.bytes(), ..Read::default() }
    }
}

fn name_of(input: &Input) -> BString {
    match input {
        Input::Stdin => "standard input".into(),
        Input::File(path) => path_bytes(path),
    }
}

/// Hands over the documents of one input, and what is none.
fn visit_lines(
    input: &mut dyn BufRead,
    name: &BString,
    visit: &mut dyn FnMut(Document, &[u8]),
    unread: &mut dyn FnMut(Unread),
) {
    let mut line = Vec::new();
    let mut refused: u64 = 0;
    for number in 1.. {
        line.clear();
        let result = match next_line(input, &mut line) {
            Ok(Line::End) => break,
            Ok(Line::TooLong) => {
                Err(format!("the line is longer than {} MiB, the most that is read", MAX_LINE_BYTES >> 20))
            }
            Ok(Line::Whole) => {
                let start = if number == 1 && line.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
                let text = line[start..].trim_ascii();
                if text.is_empty() { Ok(()) } else { visit_document(text, number, visit) }
            }
            Err(error) => {
                unread(Unread::new(
                    name.clone(),
                    format!("cannot be read behind line {}: {error}", number - 1),
                ));
                break;
            }
        };
        if let Err(why) = result {
            refused += 1;
            if refused <= MAX_NAMED_LINES {
                unread(Unread::new(format!("line {number} of {name}"), why));
            }
        }
    }
    if refused > MAX_NAMED_LINES {
        let why = format!("{} more lines are no documents", refused - MAX_NAMED_LINES);
        unread(Unread::new(name.clone(), why));
    }
}

/// The input as it was read.
enum Line {
    Whole,
    /// It was passed over.
    TooLong,
    End,
}

fn next_line(input: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    let mut limited = input.take(MAX_LINE_BYTES + 1);
    let read = limited.read_until(b'\n', line)?;
    if read == 0 {
        return Ok(Line::End);
    }
    if line.len() as u64 <= MAX_LINE_BYTES || line.ends_with(b"\n") {
        return Ok(Line::Whole);
    }
    line.clear();
    line.shrink_to_fit();
    loop {
        let buffer = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            buffer => buffer?,
        };
        let end = memchr::memchr(b'\n', buffer);
        let length = end.map_or(buffer.len(), |at| at + 1);
        input.consume(length);
        if end.is_some() || length == 0 {
            return Ok(Line::TooLong);
        }
    }
}

/// A document as it is written.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(default)]
    id: Option<serde_json::Value>,
    #[serde(default)]
    url: Option<serde_json::Value>,
    #[serde(default)]
    time: Option<serde_json::Value>,
    #[serde(default)]
    author: Option<serde_json::Value>,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    base64: Option<Cow<'a, str>>,
}

/// Hands over the document on a line, or says why it is none.
fn visit_document(line: &[u8], number: u64, visit: &mut dyn FnMut(Document, &[u8])) -> Result<(), String> {
    let written: Written<'_> = serde_json::from_slice(line).map_err(|error| why_not(&error))?;
    let name = word(written.url.as_ref()).or_else(|| word(written.id.as_ref()));
    let document = Document {
        name: name.ok_or("not a document: it has neither `url` nor `id`")?,
        time: word(written.time.as_ref()),
        author: word(written.author.as_ref()),
        line: number,
    };
    match (written.text, written.base64) {
        (Some(text), None) => visit(document, text.as_bytes()),
        (None, Some(text)) => {
            let text: Cow<'_, str> = match text.contains(char::is_whitespace) {
                true => text.split_whitespace().collect::<String>().into(),
                false => text,
            };
            let content = BASE64.decode(text.as_bytes()).or_else(|_| BASE64_OF_URLS.decode(text.as_bytes()));
            visit(document, &content.map_err(|_| "its `base64` cannot be decoded")?);
        }
        (Some(_), Some(_)) => return Err("it has both `text` and `base64`; write one of them".to_owned()),
        (None, None) => return Err("not a document: it has neither `text` nor `base64`".to_owned()),
    }
    Ok(())
}

/// A word or number; nothing else names or dates a document.
fn word(value: Option<&serde_json::Value>) -> Option<BString> {
    match value? {
        serde_json::Value::String(text) if !text.is_empty() => Some(text.as_str().into()),
        serde_json::Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

/// Why a line is none, without a word of what stands on it.
fn why_not(error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Data => "not a document: it is no object, or `text` or `base64` is no string".to_owned(),
        Category::Eof => "not a document: the JSON is cut off".to_owned(),
        Category::Syntax | Category::Io => {
            format!("not a document: not valid JSON at byte {}", error.column())
        }
    }
}
