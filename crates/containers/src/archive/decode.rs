//! Decoders of compressed streams: all members and frames of a stream, in bounded memory.

use std::io::{self, BufRead, Read};

use bstr::BString;
use bzip2::bufread::{BzDecoder, MultiBzDecoder};
use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};
use lzma_rust2::XzReader;

use super::format::Format;
use super::stream::Stream;

/// The largest window or dictionary of the outermost stream, as a power of two; each stream inside of another gets half of what
/// the one around it may have, so that all of them together get twice as much.
const MAX_WINDOW_LOG: u32 = 27;
const MIN_WINDOW_LOG: u32 = 23;

/// Opens the stream. `depth` says how many compressed streams are around it.
pub(super) fn decoder<'d>(
    format: Format,
    stream: &'d mut (impl BufRead + 'd),
    depth: usize,
) -> io::Result<Box<dyn Read + 'd>> {
    let depth = u32::try_from(depth).unwrap_or(u32::MAX);
    let window_log = MAX_WINDOW_LOG.saturating_sub(depth).max(MIN_WINDOW_LOG);
    Ok(match format {
        Format::Bzip2 => Box::new(MultiBzDecoder::new(stream)),
        Format::GitObject => Box::new(ZlibDecoder::new(stream)),
        Format::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(stream)?;
            decoder.window_log_max(window_log)?;
            Box::new(decoder)
        }
        // With room for the decoder itself.
        Format::Xz => Box::new(XzReader::new_mem_limit(stream, true, (1 << (window_log - 10)) + 1024)),
        _ => return Err(io::Error::other("it is no compressed stream")),
    })
}

/// Opens a zip archive's member with this compression method; `None` where it is not known.
pub(super) fn zip_decoder<'d>(
    method: u16,
    stream: &'d mut (impl BufRead + 'd),
    depth: usize,
) -> io::Result<Option<Box<dyn Read + 'd>>> {
    Ok(Some(match method {
        0 => Box::new(stream),
        8 => Box::new(DeflateDecoder::new(stream)),
        12 => Box::new(BzDecoder::new(stream)),
        93 => decoder(Format::Zstd, stream, depth)?,
        95 => decoder(Format::Xz, stream, depth)?,
        _ => return Ok(None),
    }))
}

/// All members of a gzip stream.
pub(super) struct GzipMembers<'s, 'a> {
    /// Absent between members.
    decoder: Option<GzDecoder<&'s mut Stream<'a>>>,
    /// File names and comments in the headers, a line each, until they are taken.
    notes: BString,
    knows_header: bool,
}

/// How much text of members' headers is kept, in bytes.
const MAX_NOTE_BYTES: usize = 64 << 10;

impl<'s, 'a> GzipMembers<'s, 'a> {
    pub(super) fn new(stream: &'s mut Stream<'a>) -> Self {
        Self { decoder: Some(GzDecoder::new(stream)), notes: BString::default(), knows_header: false }
    }

    /// File names and comments in the members' headers, a line each.
    pub(super) fn into_notes(self) -> BString {
        self.notes
    }

    fn note_header(&mut self) {
        let Some(header) = self.decoder.as_ref().and_then(GzDecoder::header).filter(|_| !self.knows_header)
        else {
            return;
        };
        self.knows_header = true;
        for text in [header.filename(), header.comment(), header.extra()].into_iter().flatten() {
            if self.notes.len() + text.len() < MAX_NOTE_BYTES {
                self.notes.extend_from_slice(text);
                self.notes.push(b'\n');
            }
        }
    }
}

impl Read for GzipMembers<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let read = decoder.read(out);
            self.note_header();
            match read {
                Ok(0) if !out.is_empty() => {
                    let Some(decoder) = self.decoder.take() else { break };
                    let stream = decoder.into_inner();
                    if Format::of(stream.peek(10)) == Some(Format::Gzip) {
                        self.decoder = Some(GzDecoder::new(stream));
                        self.knows_header = false;
                    }
                }
                read => return read,
            }
        }
        Ok(0)
    }
}
