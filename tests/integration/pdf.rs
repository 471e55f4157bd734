//! PDF files: what their pages show, what is attached to them and what was taken out of them, however it is stored.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::fixture::Scratch;
use crate::packing::{TarFile, ZipMember, zip};
use crate::secrets::{github_pat, noise, password, token_line};

/// How long a bomb may take at most, on a busy machine and without optimisation.
const MAX_BOMB_TIME: Duration = Duration::from_secs(60);

/// A PDF, put together object by object.
struct Pdf {
    bytes: Vec<u8>,
}

impl Pdf {
    fn new() -> Self {
        Self { bytes: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec() }
    }

    fn object(mut self, number: u32, value: &str) -> Self {
        self.bytes.extend(format!("{number} 0 obj\n{value}\nendobj\n").into_bytes());
        self
    }

    /// A stream, compressed; `entries` are further ones of its dictionary.
    fn stream(self, number: u32, entries: &str, content: &[u8]) -> Self {
        self.stored(number, &format!("/Filter/FlateDecode{entries}"), &zlib(content))
    }

    fn stored(mut self, number: u32, entries: &str, data: &[u8]) -> Self {
        let head = format!("{number} 0 obj\n<<{entries}/Length {}>>\nstream\r\n", data.len());
        self.bytes.extend(head.into_bytes());
        self.bytes.extend(data);
        self.bytes.extend(b"\nendstream\nendobj\n");
        self
    }

    /// An object stream with these objects.
    fn packed(self, number: u32, objects: &[(u32, &str)]) -> Self {
        let (mut head, mut body) = (String::new(), String::new());
        for (number, value) in objects {
            write!(head, "{number} {} ", body.len()).unwrap();
            body += value;
            body.push('\n');
        }
        let entries = format!("/Type/ObjStm/N {}/First {}", objects.len(), head.len());
        self.stream(number, &entries, (head + &body).as_bytes())
    }

    fn end(mut self, trailer: &str) -> Vec<u8> {
        self.bytes.extend(format!("trailer\n<<{trailer}>>\nstartxref\n0\n%%EOF\n").into_bytes());
        self.bytes
    }

    /// Pages with these contents, in a font whose codes are characters.
    fn pages(contents: &[&str]) -> Self {
        let kids: String = (0..contents.len()).map(|page| format!("{} 0 R ", 10 + 2 * page)).collect();
        let mut pdf = Self::new()
            .object(1, "<</Type/Catalog/Pages 2 0 R>>")
            .object(2, &format!("<</Type/Pages/Kids[{kids}]/Resources<</Font<</F1 3 0 R>>>>>>"))
            .object(3, "<</Type/Font/Subtype/Type1/BaseFont/Courier>>");
        for (page, content) in (0..).zip(contents) {
            let number = 10 + 2 * page;
            pdf = pdf.object(number, &format!("<</Type/Page/Parent 2 0 R/Contents {} 0 R>>", number + 1));
            pdf = pdf.stream(number + 1, "", content.as_bytes());
        }
        pdf
    }
}

const ROOT: &str = "/Root 1 0 R";

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A content stream that shows these lines.
fn lines(lines: &[&str]) -> String {
    let shown: String = lines.iter().map(|line| format!("({}) Tj T*\n", line.replace('(', "\\("))).collect();
    format!("BT /F1 11 Tf 13 TL 50 700 Td\n{shown}ET")
}

#[test]
fn a_pages_text_is_read_and_its_place_is_the_page_and_the_line() {
    let (scratch, token, secret) = (Scratch::new(), github_pat(500), password(501));
    let second = lines(&["Notes (draft", "", &format!("the token {token} is new")]);
    let third = lines(&[&format!("password = \"{secret}\"")]);
    scratch.write("report.pdf", Pdf::pages(&[&lines(&["Hello"]), &second, &third]).end(ROOT));
    let report = scratch.scan(&["report.pdf"]);
    report.assert_secrets(&[&token, &secret]);
    report.assert_complete();
    let place = report.place(&token);
    assert_eq!(
        (&place["path"], &place["member"], &place["line"], &place["column"]),
        (&"report.pdf".into(), &"page 2".into(), &2.into(), &11.into())
    );
    assert_eq!(report.place(&secret)["member"], "page 3");
    let text = scratch.keysieve(["scan", "report.pdf"]).stdout;
    assert!(text.contains("report.pdf!page 2:2:11"), "{text}");
}

#[test]
fn glyphs_are_read_by_their_fonts_table_and_words_joined_as_they_stand() {
    let (scratch, token) = (Scratch::new(), github_pat(502));
    // Each character is a glyph of which only the font's table knows the character, and each stands by itself.
    let code = |byte: u8| u16::from(byte) * 3 + 7;
    let table: String = (b'!'..=b'~').map(|byte| format!("<{:04x}> <{byte:04x}>\n", code(byte))).collect();
    let table =
        format!("1 begincodespacerange <0000> <ffff> endcodespacerange 94 beginbfchar\n{table}endbfchar");
    let mut content = "BT /T1 10 Tf 1 0 0 1 40 500 Tm\n".to_owned();
    for (at, pair) in token.as_bytes().chunks(2).enumerate() {
        let glyphs: String = pair.iter().map(|&byte| format!("{:04x}", code(byte))).collect();
        match at % 3 {
            0 => writeln!(content, "<{glyphs}> Tj 12 0 Td").unwrap(),
            1 => writeln!(content, "[<{}> -20 <{}>] TJ 12 0 Td", &glyphs[..4], &glyphs[4..]).unwrap(),
            _ => writeln!(content, "<{glyphs}> Tj ET BT 1 0 0 1 {} 500 Tm", 40 + 12 * (at + 1)).unwrap(),
        }
    }
    content += &format!("20 0 Td <{:04x}> Tj ET", code(b'x'));
    let pdf = Pdf::new()
        .object(1, "<</Type/Catalog/Pages 2 0 R>>")
        .object(2, "<</Kids[5 0 R]>>")
        .object(5, "<</Type/Page/Contents[6 0 R]/Resources 7 0 R>>")
        .stream(6, "", content.as_bytes())
        .object(7, "<</Font 8 0 R>>")
        .object(8, "<</T1 9 0 R>>")
        .object(
            9,
            "<</Type/Font/Subtype/Type0/Encoding/Identity-H/DescendantFonts[10 0 R]/ToUnicode 11 0 R>>",
        )
        .object(10, "<</Type/Font/DW 600>>")
        .stream(11, "", table.as_bytes())
        .end(ROOT);
    scratch.write("a.pdf", pdf);
    let report = scratch.scan(&["a.pdf"]);
    report.assert_secrets(&[&token]);
    report.assert_complete();
}

#[test]
fn strings_of_packed_objects_are_read_in_their_encodings() {
    let (scratch, tokens) = (Scratch::new(), (503..507).map(github_pat).collect::<Vec<_>>());
    let utf16: String = tokens[0].bytes().map(|byte| format!("00{byte:02X}")).collect();
    let (first, second) = tokens[1].split_at(10);
    let form =
        [(20, format!("<</Title <FEFF{utf16}>>>")), (21, format!("<</T (notes)/V ({first}\\\n{second})>>"))];
    let objects: Vec<(u32, &str)> = form.iter().map(|(number, value)| (*number, value.as_str())).collect();
    let secret = password(507);
    let field = format!("<</FT/Tx/T (password)/V (\\{:03o}{})>>", secret.as_bytes()[0], &secret[1..]);
    let pdf = Pdf::pages(&[&lines(&["Hello"])])
        .packed(30, &objects)
        .object(31, &field)
        .stream(32, "/Type/Metadata/Subtype/XML", token_line(&tokens[2]).as_bytes())
        .stream(33, "", token_line(&tokens[3]).as_bytes())
        .end(ROOT);
    scratch.write("form.pdf", pdf);
    let report = scratch.scan(&["form.pdf"]);
    report.assert_complete();
    let mut expected: Vec<&str> = tokens.iter().map(String::as_str).collect();
    expected.push(&secret);
    report.assert_secrets(&expected);
    for (secret, member) in
        expected.iter().zip(["object 20", "object 21", "object 32", "object 33", "object 31"])
    {
        assert_eq!(report.place(secret)["member"], member);
    }
}

#[test]
fn what_is_drawn_on_a_page_by_its_name_is_said_to_be_there() {
    let (scratch, tokens) = (Scratch::new(), [github_pat(508), github_pat(509)]);
    let form = |token: &str, entries: &str| {
        (format!("/Type/XObject/Subtype/Form/Resources<</Font<</F1 3 0 R>>{entries}>>"), lines(&[token]))
    };
    let (outer, inner) = (form(&tokens[0], "/XObject<</X 8 0 R>>"), form(&tokens[1], ""));
    let pdf = Pdf::new()
        .object(1, "<</Type/Catalog/Pages 2 0 R>>")
        .object(2, "<</Type/Pages/Kids[4 0 R 5 0 R]>>")
        .object(3, "<</Type/Font/Subtype/Type1/BaseFont/Courier>>")
        .object(4, "<</Type/Page>>")
        .object(5, "<</Type/Page/Contents 6 0 R/Resources<</XObject<</X 7 0 R>>>>>>")
        .stream(6, "", b"q /X Do Q")
        .stream(7, &outer.0, outer.1.as_bytes())
        .stream(8, &inner.0, inner.1.as_bytes())
        .end(ROOT);
    scratch.write("a.pdf", pdf);
    let report = scratch.scan(&["a.pdf"]);
    report.assert_complete();
    assert_eq!(report.place(&tokens[0])["member"], "page 2 (object 7)");
    assert_eq!(report.place(&tokens[1])["member"], "page 2 (object 8)");
}

#[test]
fn what_an_update_replaced_or_deleted_is_in_the_file_still() {
    let (scratch, tokens) = (Scratch::new(), (510..513).map(github_pat).collect::<Vec<_>>());
    let shown: Vec<String> = tokens.iter().map(|token| lines(&[token])).collect();
    let mut pdf = Pdf::pages(&[&shown[0], &shown[1]]).end(ROOT);
    // The first page's content is replaced, the second page is gone, and a third one is left over without its tree.
    let update = Pdf { bytes: Vec::new() }
        .stream(11, "", lines(&["redacted"]).as_bytes())
        .object(2, "<</Type/Pages/Kids[10 0 R]>>")
        .stream(40, "", shown[2].as_bytes())
        .end(ROOT);
    pdf.extend(update);
    scratch.write("a.pdf", pdf);
    let report = scratch.scan(&["a.pdf"]);
    report.assert_complete();
    report.assert_secrets(&tokens.iter().map(String::as_str).collect::<Vec<_>>());
    let members = ["object 11, an earlier version", "object 13", "object 40"];
    for (token, member) in tokens.iter().zip(members) {
        assert_eq!(report.place(token)["member"], member);
    }
}

#[test]
fn attached_files_are_opened_like_files() {
    let (scratch, token) = (Scratch::new(), github_pat(514));
    let archive = zip(&[ZipMember::deflated("conf/app.env", token_line(&token).as_bytes())]);
    let pdf = Pdf::pages(&[&lines(&["Hello"])])
        .object(30, "<</Type/Filespec/F(old)/UF(deploy.zip)/EF<</F 31 0 R>>>>")
        .stream(31, "/Type/EmbeddedFile", &archive)
        .end(ROOT);
    let outer = Pdf::new().stored(1, "/Type/EmbeddedFile", &pdf).end("");
    scratch.write("a.pdf", pdf);
    scratch.write("b.pdf", outer);
    let report = scratch.scan(&["."]);
    report.assert_complete();
    let members: Vec<_> =
        report.places(&token, "worktree").iter().map(|place| place["member"].clone()).collect();
    assert_eq!(members, ["deploy.zip!conf/app.env", "object 1!deploy.zip!conf/app.env"]);
}

#[test]
fn pdfs_in_a_history_and_in_a_layer_are_opened() {
    let (scratch, token) = (Scratch::new(), github_pat(515));
    let pdf = Pdf::pages(&[&lines(&[&token])]).end(ROOT);
    let repository = scratch.repository("r");
    repository.write("docs/report.pdf", &pdf);
    repository.commit("Add");
    repository.remove("docs/report.pdf");
    repository.commit("Remove");
    let report = repository.audit_everything();
    report.assert_complete();
    let place = report.place(&token);
    assert_eq!(
        (&place["kind"], &place["path"], &place["member"]),
        (&"git".into(), &"docs/report.pdf".into(), &"page 1".into())
    );
    let report = repository.diff(&["HEAD~1..HEAD"]);
    report.assert_secrets(&[]);
    scratch.write("layer.tar", TarFile::default().file("srv/report.pdf", &pdf).finish());
    let run = scratch.keysieve(["image", "layer.tar", "--format", "jsonl", "--show-secrets"]);
    let report = run.report();
    let place = report.place(&token);
    assert_eq!((&place["path"], &place["member"]), (&"srv/report.pdf".into(), &"page 1".into()));
}

#[test]
fn encrypted_pdfs_are_named_as_not_read() {
    let scratch = Scratch::new();
    let pdf = Pdf::pages(&[&lines(&["Hello"])]).object(50, "<</Filter/Standard/V 4>>");
    scratch.write("a.pdf", pdf.end("/Root 1 0 R/Encrypt 50 0 R"));
    let report = scratch.scan(&["a.pdf"]);
    report.assert_unread(&["a.pdf", "it is encrypted; save it without encryption"]);
    assert_eq!(scratch.keysieve(["scan", "a.pdf"]).code, 2);
}

#[test]
fn damage_costs_itself_only_and_is_said() {
    let (scratch, tokens) = (Scratch::new(), [github_pat(520), github_pat(521)]);
    let long = lines(&[&tokens[0], &noise(522, 200).replace('\n', ") Tj T* (")]);
    let mut pdf = Pdf::pages(&[&long, &lines(&[&tokens[1]])]).end(ROOT);
    let middle = pdf.len() / 2;
    pdf[middle..middle + 60].fill(0xff);
    scratch.write("damaged.pdf", &pdf);
    let report = scratch.scan(&["damaged.pdf"]);
    report.assert_secrets(&[&tokens[0], &tokens[1]]);
    report.assert_unread(&["damaged.pdf!page 1", "damaged"]);
    // Without its end, the second page, its tree or its fonts.
    let cut = pdf.windows(9).position(|nine| nine == b"12 0 obj\n").unwrap();
    scratch.write("cut.pdf", &pdf[..cut]);
    let report = scratch.scan(&["cut.pdf"]);
    report.assert_secrets(&[&tokens[0]]);
    report.assert_unread(&["cut.pdf", "cut off"]);
    assert_eq!(report.code, 2);
    // The header of the first page's content is damaged, so that nobody knows whose the stream is.
    let mut pdf = Pdf::pages(&[&lines(&["Hello"]), &lines(&[&tokens[1]])]).end(ROOT);
    let header = pdf.windows(9).position(|nine| nine == b"11 0 obj\n").unwrap();
    pdf[header + 5] = b'?';
    scratch.write("lost.pdf", &pdf);
    let report = scratch.scan(&["lost.pdf"]);
    report.assert_secrets(&[&tokens[1]]);
    report.assert_unread(&["lost.pdf!page 1", "object 11, which is its content, is not in the file"]);
    report.assert_unread(&["lost.pdf", "belongs to no object"]);
}

#[test]
fn images_fonts_and_what_is_no_pdf_cost_no_word() {
    let scratch = Scratch::new();
    let pdf = Pdf::pages(&[&lines(&["Hello"])])
        .stored(30, "/Subtype/Image/Filter/DCTDecode", b"\xff\xd8 no image, and nobody minds")
        .stored(31, "/Subtype/Image/Filter/FlateDecode", b"not compressed")
        .stored(32, "/Length1 20/Filter/FlateDecode", b"not compressed")
        .end(ROOT);
    scratch.write("a.pdf", pdf);
    scratch.write("b.txt", "%PDF-1.4 is how a PDF begins\n");
    let report = scratch.scan(&["."]);
    report.assert_complete();
    assert_eq!(report.summary["findings"], 0);
}

#[test]
fn bombs_in_pdfs_cost_a_bounded_amount_and_are_said() {
    let (scratch, token) = (Scratch::new(), github_pat(530));
    // 1 GiB, compressed twice: as an attachment, as a page and as objects.
    let zeros = vec![0; 1 << 20];
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    (0..1024).for_each(|_| encoder.write_all(&zeros).unwrap());
    let packed = zlib(&encoder.finish().unwrap());
    let chain = "/Filter[/FlateDecode/FlateDecode]";
    let pdf = Pdf::pages(&[&lines(&[&token])])
        .stored(30, &format!("/Type/EmbeddedFile{chain}"), &packed)
        .object(31, "<</Type/Page/Contents 32 0 R>>")
        .stored(32, chain, &packed)
        .stored(33, "/Type/ObjStm/N 9/First 9/Filter[/FlateDecode/FlateDecode]", &packed)
        .end(ROOT);
    assert!(pdf.len() < 500_000, "{}", pdf.len());
    scratch.write("a.pdf", pdf);
    // Pages that are each other's children, and resources that are their own.
    let pdf = Pdf::new()
        .object(1, "<</Type/Catalog/Pages 2 0 R>>")
        .object(2, "<</Kids[2 0 R 3 0 R 3 0 R]/Resources 4 0 R>>")
        .object(3, "<</Kids 3 0 R/Contents 3 0 R>>")
        .object(4, "<</Font 4 0 R/F1 5 0 R>>")
        .object(5, "5 0 R")
        .packed(6, &[(6, "6 0 R"), (7, "<</Type/ObjStm>>")])
        .end(ROOT);
    scratch.write("b.pdf", pdf);
    let start = Instant::now();
    let report = scratch.scan(&["."]);
    assert!(start.elapsed() < MAX_BOMB_TIME, "{:?}", start.elapsed());
    report.assert_secrets(&[&token]);
    for (part, why) in
        [("object 30", "unpacks to"), ("object 32", "more than 64 MiB"), ("object 33", "more than 64 MiB")]
    {
        report.assert_unread(&[&format!("a.pdf!{part}"), why]);
    }
    assert_eq!(report.summary["unread"].as_array().unwrap().len(), 3, "{:#?}", report.summary["unread"]);
}
