//! The filters of streams, one reading what the one before it gives: each counted against the budget by itself, since a chain
//! may swell in its middle and end in nothing.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use flate2::{Decompress, FlushDecompress, Status};

use crate::archive::budget::{Budget, Metered};

use super::syntax::{Dictionary, Value};

/// How many filters a stream may have.
const MAX_FILTERS: usize = 8;
/// The longest row that a predictor is undone on, in bytes.
const MAX_ROW_BYTES: usize = 16 << 20;

/// How a stream is stored.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Filters(Vec<Filter>);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Filter {
    Flate,
    Lzw { early_change: bool },
    Hex,
    Ascii85,
    RunLength,
    Predictor(Predictor),
}

/// What was done to bytes to make them compress better.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Predictor {
    /// Each row says how, in front of it.
    is_png: bool,
    row_bytes: usize,
    /// How far away the neighbour on the left is.
    pixel_bytes: usize,
}

/// Why a stream is not opened.
#[derive(Debug, PartialEq)]
pub(super) enum Closed {
    /// It holds an image.
    Image,
    /// Nobody can, and why.
    Unknown(String),
}

impl Filters {
    /// The filters that a stream's dictionary names. `resolve` looks up what is an object of its own.
    pub(super) fn of<'a>(
        dictionary: &mut Dictionary<'a>,
        resolve: impl Fn(Value<'a>) -> Value<'a>,
    ) -> Result<Self, Closed> {
        let names = resolve(dictionary.take("Filter")).into_list();
        let mut parameters = resolve(dictionary.take("DecodeParms")).into_list().into_iter();
        if names.len() > MAX_FILTERS {
            return Err(Closed::Unknown(format!("it has more than {MAX_FILTERS} filters")));
        }
        let mut filters = Vec::new();
        for name in names {
            let Value::Name(name) = resolve(name) else {
                return Err(Closed::Unknown("its filter has no name".to_owned()));
            };
            let parameters = resolve(parameters.next().unwrap_or(Value::Other)).into_dictionary();
            match &*name {
                b"FlateDecode" | b"Fl" => filters.push(Filter::Flate),
                b"LZWDecode" | b"LZW" => {
                    filters.push(Filter::Lzw { early_change: parameters.size("EarlyChange") != Some(0) });
                }
                b"ASCIIHexDecode" | b"AHx" => filters.push(Filter::Hex),
                b"ASCII85Decode" | b"A85" => filters.push(Filter::Ascii85),
                b"RunLengthDecode" | b"RL" => filters.push(Filter::RunLength),
                b"DCTDecode" | b"DCT" | b"JPXDecode" | b"CCITTFaxDecode" | b"CCF" | b"JBIG2Decode" => {
                    return Err(Closed::Image);
                }
                b"Crypt" if matches!(parameters.name("Name"), None | Some(b"Identity")) => {}
                b"Crypt" => return Err(Closed::Unknown("it is encrypted".to_owned())),
                _ => return Err(Closed::Unknown("its filter is not known".to_owned())),
            }
            if matches!(filters.last(), Some(Filter::Flate | Filter::Lzw { .. })) {
                filters.extend(Predictor::of(&parameters)?.map(Filter::Predictor));
            }
        }
        Ok(Self(filters))
    }

    /// Reads `data` as it was before it was stored.
    pub(super) fn reader<'d>(&self, data: &'d [u8], budget: &'d Budget) -> Box<dyn BufRead + 'd> {
        let input = Rc::new(Cell::new(data.len() as u64));
        let mut reader: Box<dyn BufRead + 'd> = Box::new(data);
        for filter in &self.0 {
            let decoder: Box<dyn Read + 'd> = match *filter {
                Filter::Flate => Box::new(Inflate::new(reader)),
                Filter::Lzw { early_change } => Box::new(Steps::new(reader, Lzw::new(early_change))),
                Filter::Hex => Box::new(Steps::new(reader, Hex)),
                Filter::Ascii85 => Box::new(Steps::new(reader, Ascii85)),
                Filter::RunLength => Box::new(Steps::new(reader, RunLength)),
                Filter::Predictor(predictor) => Box::new(Steps::new(
                    reader,
                    Rows { predictor, above: vec![0; predictor.row_bytes], row: Vec::new() },
                )),
            };
            reader = Box::new(BufReader::new(Metered::new(decoder, budget, Rc::clone(&input), 0)));
        }
        reader
    }
}

impl Predictor {
    fn of(parameters: &Dictionary<'_>) -> Result<Option<Self>, Closed> {
        let number = |key, default| parameters.size(key).unwrap_or(default);
        let kind = number("Predictor", 1);
        if kind < 2 {
            return Ok(None);
        }
        let (colors, depth, columns) =
            (number("Colors", 1), number("BitsPerComponent", 8), number("Columns", 1));
        let pixel_bits = colors.saturating_mul(depth);
        let row_bytes = pixel_bits.saturating_mul(columns).div_ceil(8);
        if row_bytes == 0 || row_bytes > MAX_ROW_BYTES || kind == 2 && depth != 8 {
            return Err(Closed::Unknown("its predictor is not known".to_owned()));
        }
        Ok(Some(Self { is_png: kind >= 10, row_bytes, pixel_bytes: pixel_bits.div_ceil(8) }))
    }
}

fn damaged(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "its data is cut off")
}

/// Inflates. By itself and not by flate2's reader, which takes data that is cut off for whole.
struct Inflate<R> {
    input: R,
    inflater: Decompress,
    has_begun: bool,
    is_done: bool,
    failure: Option<io::Error>,
}

impl<R: BufRead> Inflate<R> {
    fn new(input: R) -> Self {
        Self { input, inflater: Decompress::new(true), has_begun: false, is_done: false, failure: None }
    }

    /// Passes over a line end that slipped in front of the data, and sees whether they have zlib's header at all.
    fn begin(&mut self) -> io::Result<()> {
        let is_header = |bytes: &[u8]| match bytes {
            [first, second, ..] => {
                first & 0xf == 8 && (u16::from(*first) << 8 | u16::from(*second)).is_multiple_of(31)
            }
            _ => false,
        };
        let ahead = self.input.fill_buf()?;
        // Nothing, compressed by nobody.
        self.is_done = ahead.is_empty();
        let blanks = ahead.iter().take_while(|&&byte| matches!(byte, b'\r' | b'\n')).count();
        if is_header(&ahead[blanks..]) {
            self.input.consume(blanks);
        } else {
            self.inflater = Decompress::new(false);
        }
        self.has_begun = true;
        Ok(())
    }
}

impl<R: BufRead> Read for Inflate<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if !self.has_begun {
            self.begin()?;
        }
        if let Some(failure) = self.failure.take() {
            self.is_done = true;
            return Err(failure);
        }
        while !self.is_done && !out.is_empty() {
            let ahead = match self.input.fill_buf() {
                Ok(ahead) => ahead,
                Err(error) => {
                    self.is_done = true;
                    return Err(error);
                }
            };
            let is_end = ahead.is_empty();
            let (read, made) = (self.inflater.total_in(), self.inflater.total_out());
            let status = self.inflater.decompress(ahead, out, FlushDecompress::None);
            let (read, made) = (self.inflater.total_in() - read, self.inflater.total_out() - made);
            self.input.consume(read as usize);
            // What came in front of the damage is there.
            self.failure = match status {
                Ok(Status::StreamEnd) => {
                    self.is_done = true;
                    None
                }
                Ok(_) if made == 0 && read == 0 && is_end => Some(cut_off()),
                Ok(_) => None,
                Err(_) => Some(damaged("its data is damaged")),
            };
            if made > 0 {
                return Ok(made as usize);
            }
            if let Some(failure) = self.failure.take() {
                self.is_done = true;
                return Err(failure);
            }
        }
        Ok(0)
    }
}

/// A decoder that goes on a little at a time.
trait Step {
    /// Reads a little, and adds what it stands for to `out`. Returns whether there may be more.
    fn step(&mut self, input: &mut dyn BufRead, out: &mut Vec<u8>) -> io::Result<bool>;
}

struct Steps<R, S> {
    input: R,
    step: S,
    out: Vec<u8>,
    at: usize,
    is_done: bool,
    failure: Option<io::Error>,
}

impl<R: BufRead, S: Step> Steps<R, S> {
    fn new(input: R, step: S) -> Self {
        Self { input, step, out: Vec::new(), at: 0, is_done: false, failure: None }
    }
}

impl<R: BufRead, S: Step> Read for Steps<R, S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        const BUFFER_BYTES: usize = 8 << 10;
        if self.at == self.out.len() {
            if let Some(failure) = self.failure.take() {
                return Err(failure);
            }
            self.at = 0;
            self.out.clear();
            while !self.is_done && self.out.len() < BUFFER_BYTES {
                match self.step.step(&mut self.input, &mut self.out) {
                    Ok(goes_on) => self.is_done = !goes_on,
                    Err(error) if self.out.is_empty() => {
                        self.is_done = true;
                        return Err(error);
                    }
                    Err(error) => {
                        self.is_done = true;
                        self.failure = Some(error);
                    }
                }
            }
        }
        let count = out.len().min(self.out.len() - self.at);
        out[..count].copy_from_slice(&self.out[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

fn next_byte(input: &mut dyn BufRead) -> io::Result<Option<u8>> {
    let byte = input.fill_buf()?.first().copied();
    input.consume(usize::from(byte.is_some()));
    Ok(byte)
}

struct Hex;

impl Step for Hex {
    fn step(&mut self, input: &mut dyn BufRead, out: &mut Vec<u8>) -> io::Result<bool> {
        let mut high = None;
        loop {
            let byte = next_byte(input)?.unwrap_or(b'>');
            match (char::from(byte).to_digit(16), high) {
                (Some(digit), None) => high = Some(digit),
                (Some(digit), Some(high)) => {
                    out.push((high * 16 + digit) as u8);
                    return Ok(true);
                }
                (None, _) if byte == b'>' => {
                    out.extend(high.map(|high| (high * 16) as u8));
                    return Ok(false);
                }
                (None, _) if byte.is_ascii_whitespace() || byte == 0 => {}
                (None, _) => return Err(damaged("its hexadecimal digits are damaged")),
            }
        }
    }
}

struct Ascii85;

impl Step for Ascii85 {
    fn step(&mut self, input: &mut dyn BufRead, out: &mut Vec<u8>) -> io::Result<bool> {
        let (mut group, mut count) = (0u32, 0);
        while count < 5 {
            match next_byte(input)?.unwrap_or(b'~') {
                digit @ b'!'..=b'u' if count > 0 || digit != b'<' || !starts_with_tilde(input)? => {
                    group = group.wrapping_mul(85).wrapping_add(u32::from(digit - b'!'));
                    count += 1;
                }
                b'z' if count == 0 => {
                    out.extend([0; 4]);
                    return Ok(true);
                }
                b'<' => {
                    input.consume(1);
                }
                b'~' => {
                    for _ in count..5 {
                        group = group.wrapping_mul(85).wrapping_add(84);
                    }
                    out.extend_from_slice(&group.to_be_bytes()[..usize::max(count, 1) - 1]);
                    return Ok(false);
                }
                blank if blank.is_ascii_whitespace() || blank == 0 => {}
                _ => return Err(damaged("its base-85 digits are damaged")),
            }
        }
        out.extend_from_slice(&group.to_be_bytes());
        Ok(true)
    }
}

/// Whether `~` comes next: with `<` in front of it, it opens data that some writers put into a frame.
fn starts_with_tilde(input: &mut dyn BufRead) -> io::Result<bool> {
    Ok(input.fill_buf()?.first() == Some(&b'~'))
}

struct RunLength;

impl Step for RunLength {
    fn step(&mut self, input: &mut dyn BufRead, out: &mut Vec<u8>) -> io::Result<bool> {
        match next_byte(input)? {
            None | Some(128) => Ok(false),
            Some(length @ 0..128) => {
                for _ in 0..=length {
                    out.push(next_byte(input)?.ok_or_else(cut_off)?);
                }
                Ok(true)
            }
            Some(length) => {
                let byte = next_byte(input)?.ok_or_else(cut_off)?;
                out.resize(out.len() + 257 - usize::from(length), byte);
                Ok(true)
            }
        }
    }
}

/// LZW as TIFF and PDF have it: codes of 9 to 12 bits, the highest bit first.
struct Lzw {
    /// Codes grow longer one code earlier than they would have to.
    early: usize,
    bits: u32,
    count: u32,
    /// For each code: the one that it continues, and its last byte.
    table: Vec<(u16, u8)>,
    previous: Option<u16>,
}

impl Lzw {
    const CLEAR: u16 = 256;
    const END: u16 = 257;
    const MAX_CODES: usize = 4096;

    fn new(early_change: bool) -> Self {
        let mut lzw = Self {
            early: usize::from(early_change),
            bits: 0,
            count: 0,
            table: Vec::with_capacity(Self::MAX_CODES),
            previous: None,
        };
        lzw.clear();
        lzw
    }

    fn clear(&mut self) {
        self.table.clear();
        // A byte continues nothing, which the end's code stands for.
        self.table.extend((0..=255).map(|byte| (Self::END, byte)));
        self.table.extend([(Self::END, 0); 2]);
        self.previous = None;
    }

    fn code(&mut self, input: &mut dyn BufRead) -> io::Result<Option<u16>> {
        let width = match self.table.len() + self.early {
            ..512 => 9,
            512..1024 => 10,
            1024..2048 => 11,
            _ => 12,
        };
        while self.count < width {
            let Some(byte) = next_byte(input)? else { return Ok(None) };
            self.bits = self.bits << 8 | u32::from(byte);
            self.count += 8;
        }
        self.count -= width;
        Ok(Some((self.bits >> self.count & ((1 << width) - 1)) as u16))
    }

    /// Adds what `code` stands for to `out`, and returns its first byte.
    fn write(&self, code: u16, out: &mut Vec<u8>) -> u8 {
        let start = out.len();
        let mut at = code;
        // Each code continues a lower one.
        while at != Self::END {
            let (before, last) = self.table[usize::from(at)];
            out.push(last);
            at = before;
        }
        out[start..].reverse();
        out.get(start).copied().unwrap_or_default()
    }
}

impl Step for Lzw {
    fn step(&mut self, input: &mut dyn BufRead, out: &mut Vec<u8>) -> io::Result<bool> {
        let Some(code) = self.code(input)? else { return Ok(false) };
        match (code, self.previous) {
            (Self::END, _) => return Ok(false),
            (Self::CLEAR, _) => {
                self.clear();
                return Ok(true);
            }
            (code, previous) if usize::from(code) < self.table.len() => {
                let first = self.write(code, out);
                if let Some(previous) = previous.filter(|_| self.table.len() < Self::MAX_CODES) {
                    self.table.push((previous, first));
                }
            }
            // The string before, and its first byte again.
            (code, Some(previous)) if usize::from(code) == self.table.len() => {
                let first = self.write(previous, out);
                out.push(first);
                self.table.push((previous, first));
            }
            _ => return Err(damaged("its LZW codes are damaged")),
        }
        self.previous = Some(code);
        Ok(true)
    }
}

/// Undoes a predictor, a row at a time.
struct Rows {
    predictor: Predictor,
    above: Vec<u8>,
    row: Vec<u8>,
}

impl Step for Rows {
    fn step(&mut self, input: &mut dyn BufRead, out: &mut Vec<u8>) -> io::Result<bool> {
        let Predictor { is_png, row_bytes, pixel_bytes } = self.predictor;
        let kind = if is_png {
            match next_byte(input)? {
                Some(kind) => kind,
                None => return Ok(false),
            }
        } else {
            1
        };
        self.row.clear();
        // A damaged row is undone as far as it goes, before the damage is told.
        let read = input.take(row_bytes as u64).read_to_end(&mut self.row);
        for at in 0..self.row.len() {
            let left = if at >= pixel_bytes { self.row[at - pixel_bytes] } else { 0 };
            let above_left = if at >= pixel_bytes { self.above[at - pixel_bytes] } else { 0 };
            let above = self.above[at];
            let predicted = match kind {
                1 => left,
                2 => above,
                3 => u8::midpoint(left, above),
                4 => paeth(left, above, above_left),
                _ => 0,
            };
            self.row[at] = self.row[at].wrapping_add(predicted);
        }
        out.extend_from_slice(&self.row);
        self.above[..self.row.len()].copy_from_slice(&self.row);
        read?;
        Ok(self.row.len() == row_bytes)
    }
}

/// Of three neighbours the one that is nearest to `left + above - above_left`.
fn paeth(left: u8, above: u8, above_left: u8) -> u8 {
    let guess = i16::from(left) + i16::from(above) - i16::from(above_left);
    [left, above, above_left].into_iter().min_by_key(|&near| guess.abs_diff(i16::from(near))).unwrap_or(left)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn budget() -> Budget {
        Budget::new(Rc::default())
    }

    fn decode(dictionary: &str, data: &[u8]) -> (Vec<u8>, Option<String>) {
        let mut dictionary = Value::parse(dictionary.as_bytes()).into_dictionary();
        let filters = Filters::of(&mut dictionary, |value| value).expect("known filters");
        let (mut out, budget) = (Vec::new(), budget());
        let result = filters.reader(data, &budget).read_to_end(&mut out);
        (out, result.err().map(|error| error.to_string()))
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("in memory")
    }

    #[test]
    fn each_filter_gives_what_was_stored() {
        let cases: [(&str, &[u8], &[u8]); 9] = [
            ("<</Filter/ASCIIHexDecode>>", b"48 65 6C6c6 >x", b"Hell`"),
            ("<</Filter[/ASCII85Decode]>>", b"87cURD]i,\"Ebo80~>", b"Hello World!"),
            ("<</Filter/A85>>", b"<~87cUR D]i,\n\"Ebo7~>", b"Hello World"),
            ("<</Filter/ASCII85Decode>>", b"z87cUR~>", b"\0\0\0\0Hell"),
            ("<</Filter/RunLengthDecode>>", b"\x02abc\xfed\x80junk", b"abcddd"),
            // The specification's own example.
            ("<</Filter/LZWDecode>>", b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01", b"-----A---B"),
            ("<</Filter/FlateDecode>>", &zlib(b"Hello"), b"Hello"),
            ("<</Filter/FlateDecode>>", b"", b""),
            ("<<>>", b"as it is", b"as it is"),
        ];
        for (dictionary, data, expected) in cases {
            assert_eq!(decode(dictionary, data), (expected.to_vec(), None), "{dictionary}");
        }
    }

    #[test]
    fn chains_and_odd_beginnings_are_undone() {
        let hex: String = zlib(b"Hello").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(decode("<</Filter[/AHx/Fl]>>", hex.as_bytes()).0, b"Hello");
        let late = [b"\r\n".as_slice(), &zlib(b"Hello")].concat();
        assert_eq!(decode("<</Filter/FlateDecode>>", &late), (b"Hello".to_vec(), None));
        let bare = &zlib(b"Hello")[2..];
        assert_eq!(decode("<</Filter/FlateDecode>>", bare), (b"Hello".to_vec(), None));
    }

    /// Writes each code in turn, with a table that grows as the reader's does.
    fn lzw(bytes: &[u8], early: usize) -> Vec<u8> {
        let (mut out, mut bits, mut count) = (Vec::new(), 0u64, 0);
        let mut table: std::collections::HashMap<Vec<u8>, usize> = std::collections::HashMap::new();
        let mut next = 258;
        let mut put = |code: usize, next: usize| {
            let width = [512, 1024, 2048].iter().filter(|&&limit| next + early > limit).count() + 9;
            bits = bits << width | code as u64;
            count += width;
            while count >= 8 {
                count -= 8;
                out.push((bits >> count & 0xff) as u8);
            }
        };
        put(256, next);
        let mut string: Vec<u8> = Vec::new();
        let code = |string: &[u8], table: &std::collections::HashMap<Vec<u8>, usize>| match string {
            [byte] => Some(usize::from(*byte)),
            string => table.get(string).copied(),
        };
        for &byte in bytes {
            let longer = [string.as_slice(), &[byte]].concat();
            if code(&longer, &table).is_some() {
                string = longer;
                continue;
            }
            put(code(&string, &table).expect("known"), next);
            table.insert(longer, next);
            next += 1;
            if next == 4095 {
                put(256, next);
                table.clear();
                next = 258;
            }
            string = vec![byte];
        }
        put(code(&string, &table).expect("known"), next);
        put(257, next + 1);
        put(0, next);
        out
    }

    #[test]
    fn lzw_grows_its_codes_early_or_not() {
        let mut seed = 7u32;
        let noise: Vec<u8> = (0..40_000)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                b"abcdefghij"[seed as usize % 10 * (seed as usize >> 8 & 1)]
            })
            .collect();
        assert_eq!(decode("<</Filter/LZWDecode>>", &lzw(&noise, 1)), (noise.clone(), None));
        let late = "<</Filter/LZWDecode/DecodeParms<</EarlyChange 0>>>>";
        assert_eq!(decode(late, &lzw(&noise, 0)), (noise, None));
    }

    #[test]
    fn predictors_are_undone() {
        let rows = [
            [0, 1, 2, 3, 4].as_slice(),
            &[1, 1, 1, 1, 1],
            &[2, 1, 1, 1, 1],
            &[3, 1, 1, 1, 1],
            &[4, 1, 1, 1, 1],
        ]
        .concat();
        let png = "<</Filter/Fl/DecodeParms[<</Predictor 12/Columns 4>>]>>";
        let expected = [1, 2, 3, 4, 1, 2, 3, 4, 2, 3, 4, 5, 2, 3, 4, 5, 3, 4, 5, 6];
        assert_eq!(decode(png, &zlib(&rows)), (expected.to_vec(), None));
        let tiff = "<</Filter/Fl/DecodeParms<</Predictor 2/Columns 2/Colors 2>>>>";
        assert_eq!(decode(tiff, &zlib(&[1, 2, 3, 4, 5, 6, 7, 8])), (vec![1, 2, 4, 6, 5, 6, 12, 14], None));
    }

    #[test]
    fn damage_is_said_and_what_came_before_it_read() {
        let text: Vec<u8> = (0..4000u32).flat_map(|number| number.to_string().into_bytes()).collect();
        let whole = zlib(&text);
        let (read, why) = decode("<</Filter/FlateDecode>>", &whole[..whole.len() / 2]);
        assert!(read.len() > 1000 && text.starts_with(&read));
        assert_eq!(why.as_deref(), Some("its data is cut off"));
        let mut broken = whole.clone();
        let middle = broken.len() / 2;
        broken[middle..middle + 40].fill(0xff);
        let (read, why) = decode("<</Filter/FlateDecode>>", &broken);
        assert!(read.len() > 1000, "{}", read.len());
        assert_eq!(why.as_deref(), Some("its data is damaged"));
        assert_eq!(
            decode("<</Filter/AHx>>", b"41?").1.as_deref(),
            Some("its hexadecimal digits are damaged")
        );
        assert_eq!(decode("<</Filter/RL>>", b"\x05ab").1.as_deref(), Some("its data is cut off"));
        assert!(decode("<</Filter/LZW>>", &[0xff; 30]).1.is_some());
    }

    #[test]
    fn filters_of_images_and_unknown_ones_are_not_opened() {
        let of = |dictionary: &'static str| {
            Filters::of(&mut Value::parse(dictionary.as_bytes()).into_dictionary(), |value| value)
        };
        assert_eq!(of("<</Filter[/ASCII85Decode/DCTDecode]>>"), Err(Closed::Image));
        assert!(matches!(of("<</Filter/Secret>>"), Err(Closed::Unknown(_))));
        assert!(of("<</Filter/Fl/DecodeParms<</Predictor 12/Columns 999999999>>>>").is_err());
        assert!(of("<</Filter[/Fl/Fl/Fl/Fl/Fl/Fl/Fl/Fl/Fl]>>").is_err());
    }
}
