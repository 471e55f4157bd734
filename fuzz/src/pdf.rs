//! PDF files whose objects, streams and operators the fuzzer's bytes choose.

use keysieve_image::fuzzing;
use libdeflater::{CompressionLvl, Compressor};

use crate::script::Script;

/// What files are made of: keys and values of each kind of object that is looked at, operators, and what begins and ends them.
const WORDS: &[&str] = &[
    "<<",
    ">>",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    "endobj",
    "endstream",
    "stream\n",
    "R",
    "obj",
    "trailer",
    "startxref",
    "xref",
    "/Type",
    "/Catalog",
    "/Pages",
    "/Page",
    "/Kids",
    "/Contents",
    "/Resources",
    "/Font",
    "/F1",
    "/F1 9 Tf",
    "/Subtype",
    "/Form",
    "/Type0",
    "/Type3",
    "/ToUnicode",
    "/Encoding",
    "/Identity-H",
    "/UniJIS-UTF16-H",
    "/Differences",
    "/DescendantFonts",
    "/W",
    "/Widths",
    "/FirstChar",
    "/DW",
    "/FontMatrix",
    "/ObjStm",
    "/N",
    "/First",
    "/Length",
    "/Filter",
    "/FlateDecode",
    "/LZWDecode",
    "/ASCII85Decode",
    "/ASCIIHexDecode",
    "/RunLengthDecode",
    "/DecodeParms",
    "/Predictor",
    "/Columns",
    "/Colors",
    "/BitsPerComponent",
    "/EarlyChange",
    "/Encrypt",
    "/Root",
    "/EF",
    "/UF",
    "/F",
    "/T",
    "/V",
    "/XRef",
    "/Image",
    "/EmbeddedFile",
    "BT",
    "ET",
    "Tj",
    "TJ",
    "Td",
    "TD",
    "Tm",
    "T*",
    "'",
    "\"",
    "Tc",
    "Tw",
    "Tz",
    "TL",
    "Ts",
    "cm",
    "q",
    "Q",
    "BDC",
    "BI",
    "ID",
    "EI",
    "begincodespacerange",
    "endcodespacerange",
    "endbfchar",
    "endbfrange",
    "<0041>",
    "<FEFF0041>",
    "(text)",
    "\\",
    "%",
    "#41",
];

/// A file of up to 30 objects.
pub fn pdf(data: &[u8]) {
    let mut script = Script::new(data);
    let mut file = b"%PDF-1.7\n".to_vec();
    for _ in 0..30 {
        if script.is_over() {
            break;
        }
        // Few numbers, so that objects meet.
        file.extend(format!("{} 0 obj\n", script.byte() % 16).into_bytes());
        file.extend(words(&mut script));
        if script.flag() {
            let content = words(&mut script);
            let filter = script.byte() % 4;
            let data = if filter == 0 { content } else { zlib(&content) };
            let name =
                ["", "/Filter/FlateDecode", "/Filter[/Fl/Fl]", "/Filter/Fl/DecodeParms<</Predictor 12>>"]
                    [usize::from(filter)];
            file.extend(format!("{name}>>stream\n").into_bytes());
            file.extend(data);
            file.extend(b"\nendstream\n");
        }
        file.extend(b"endobj\n");
    }
    let (read, _) = fuzzing::open_container(&file);
    assert!(read >= file.len() as u64, "{read} bytes of {} were searched", file.len());
}

fn words(script: &mut Script<'_>) -> Vec<u8> {
    let mut words = Vec::new();
    for _ in 0..script.byte() {
        match script.byte() {
            choice if usize::from(choice) < WORDS.len() => words.extend(WORDS[usize::from(choice)].bytes()),
            choice if choice < 0xc0 => words.extend(format!("{} 0 R", choice % 16).into_bytes()),
            choice if choice < 0xf0 => words.extend(script.size().to_string().into_bytes()),
            _ => words.extend(script.bytes()),
        }
        words.push(b' ');
    }
    words
}

fn zlib(content: &[u8]) -> Vec<u8> {
    let mut compressor = Compressor::new(CompressionLvl::fastest());
    let mut data = vec![0; compressor.zlib_compress_bound(content.len())];
    let length = compressor.zlib_compress(content, &mut data).expect("room for it");
    data.truncate(length);
    data
}
