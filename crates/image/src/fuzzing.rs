//! What fuzz targets call of the readers of containers and images. Built for them and for tests only.

use std::sync::atomic::{AtomicU64, Ordering};

use keysieve_model::chunk::{Chunk, Searched, Visitor};
use keysieve_model::coverage::Unread;
use keysieve_model::provenance::Provenance;

use keysieve_containers::archive::{self, HandOver, Tally};

/// Counts what it is handed, and checks that chunks are what they say.
#[derive(Debug, Default)]
struct Counter {
    bytes: AtomicU64,
    unread: AtomicU64,
}

impl Visitor for Counter {
    type Memo = ();

    fn chunk(&self, chunk: &Chunk<'_>, _: Option<&()>) -> Searched<()> {
        assert!(chunk.own.start <= chunk.own.end && chunk.own.end <= chunk.bytes.len());
        self.bytes.fetch_add(chunk.own.len() as u64, Ordering::Relaxed);
        Searched { memo: (), is_clean: true }
    }

    fn unread(&self, _: Unread) {
        self.unread.fetch_add(1, Ordering::Relaxed);
    }

    fn skipped(&self, _: Unread) {}
}

/// Reads a content with all containers in it. Returns how many bytes it gave, and how much of it is said to be unread.
///
/// # Panics
///
/// When a chunk reaches outside of its bytes.
#[must_use]
pub fn open_container(mut content: &[u8]) -> (u64, u64) {
    let (counter, tally) = (Counter::default(), Tally::default());
    archive::visit_stream(&mut content, Provenance::Stdin, HandOver::new(&counter, &tally, None));
    (counter.bytes.into_inner(), counter.unread.into_inner())
}

/// Reads an image as from standard input, and looks its places up.
///
/// # Panics
///
/// When a chunk reaches outside of its bytes.
pub fn read_image(content: &[u8]) {
    if let Ok(images) = super::read_bytes(content, &Counter::default()) {
        for place in images.watched() {
            assert!(place.layer.is_none_or(|layer| layer.position <= layer.layers));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("in memory")
    }

    /// A tar archive with files of these names and contents.
    fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, content) in files {
            let mut block = [0; 512];
            block[..name.len()].copy_from_slice(name.as_bytes());
            block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
            block[156] = b'0';
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
            block[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
            bytes.extend(block);
            bytes.extend(*content);
            bytes.resize(bytes.len().next_multiple_of(512), 0);
        }
        bytes.extend([0; 1024]);
        bytes
    }

    /// A PDF file with a page, a font and its table, and an object stream.
    fn pdf() -> Vec<u8> {
        let mut bytes = b"%PDF-1.7\n".to_vec();
        let mut stream = |head: &str, content: &[u8]| {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            let data = encoder.write_all(content).and_then(|()| encoder.finish()).expect("in memory");
            bytes.extend(format!("{head}/Filter/FlateDecode/Length {}>>stream\n", data.len()).into_bytes());
            bytes.extend(data);
            bytes.extend(b"\nendstream endobj\n");
        };
        let objects = b"1 0 2 30 3 60 4 120 <</Type/Catalog/Pages 2 0 R>> <</Type/Pages/Kids[3 0 R]>>   \
            <</Type/Page/Contents 6 0 R/Resources<</Font<</F 4 0 R>>>>>> \
            <</Type/Font/Subtype/Type0/Encoding/Identity-H/DescendantFonts[<</W[1[500]]>>]/ToUnicode 7 0 R>>";
        stream("5 0 obj<</Type/ObjStm/N 4/First 20", objects);
        stream(
            "6 0 obj<<",
            b"BT /F 9 Tf 1 0 0 1 50 50 Tm [<0001> -300 <0002>] TJ 0 -12 Td (\\0\\1) Tj ET BI ID x EI",
        );
        stream("7 0 obj<<", b"1 beginbfrange <0001> <0002> <0041> endbfrange");
        bytes.extend(b"trailer<</Root 1 0 R>>startxref 0 %%EOF");
        bytes
    }

    fn samples() -> Vec<Vec<u8>> {
        let text = b"some text, some text, some text and more of it\n".repeat(40);
        let inner = tar(&[("a.txt", &text), ("b.txt", b"b")]);
        let zstd = zstd::encode_all(inner.as_slice(), 1).expect("in memory");
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        let bzip2 = bzip2.write_all(&text).and_then(|()| bzip2.finish()).expect("in memory");
        let member = gzip(&text);
        let mut zip = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0".to_vec();
        zip.extend((member.len() as u32 - 18).to_le_bytes());
        zip.extend((text.len() as u32).to_le_bytes());
        zip.extend(b"\x05\0\0\0a.txt");
        zip.extend(&member[10..member.len() - 8]);
        zip.extend(b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        let manifest = br#"[{"Config":"c.json","RepoTags":["a:1"],"Layers":["l/layer.tar","m.tar"]}]"#;
        let config = br#"{"os":"linux","rootfs":{"diff_ids":["sha256:00","sha256:11"]},"history":[{"created_by":"a"},{"created_by":"b"}]}"#;
        let image = tar(&[
            ("manifest.json", manifest),
            ("c.json", config),
            ("l/layer.tar", &tar(&[(".env", b"a=1"), ("d/.wh.x", b""), ("d/.wh..wh..opq", b"")])),
            ("m.tar", &gzip(&inner)),
        ]);
        vec![inner.clone(), gzip(&inner), zstd, bzip2, zip, image, pdf()]
    }

    #[test]
    fn samples_are_sound() {
        for (number, sample) in samples().iter().enumerate() {
            let (bytes, unread) = open_container(sample);
            assert!(bytes > 100 && unread == 0, "sample {number}: {bytes} bytes, {unread} unread");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        #[test]
        fn damage_costs_no_panic_and_no_silence(
            sample in 0usize..7,
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            kept in any::<prop::sample::Index>(),
            is_cut in any::<bool>(),
        ) {
            let mut bytes = samples().swap_remove(sample);
            for (at, byte) in edits {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if is_cut {
                bytes.truncate(kept.index(bytes.len()));
            }
            let _ = open_container(&bytes);
            read_image(&bytes);
        }
    }
}
