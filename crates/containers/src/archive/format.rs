//! What a content is, told by its first bytes: names and media types lie.

/// How many of a content's first bytes tell what it is: a tar header.
pub const HEAD_BYTES: usize = tar_header::LENGTH;

/// A container: a compressed content, or an archive of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 1952; several members are one content.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// <https://sourceware.org/bzip2/>
    Bzip2,
    /// <https://tukaani.org/xz/xz-file-format.txt>
    Xz,
    /// Also jar, whl, docx, xlsx, apk.
    Zip,
    /// POSIX.1-2001, with the extensions of GNU.
    Tar,
    /// `ar`: Debian packages, static libraries.
    Ar,
    /// Text in compressed streams, and attachments.
    Pdf,
    /// Compiled Python: strings lie in it without anything between them and the next thing.
    PythonCode,
    /// Objects of a git repository.
    GitPack,
    /// The same behind the references that lead to them: <https://git-scm.com/docs/gitformat-bundle>.
    GitBundle,
    /// One object of a git repository, which its path tells: that it is compressed says too little.
    GitObject,
    /// One that is known and cannot be opened.
    Unopened(&'static str),
}

impl Format {
    /// [`Format::of`] a content with this path, which tells objects of git.
    pub fn of_file(head: &[u8], path: &[u8]) -> Option<Self> {
        let is_object = || matches!(head, [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..]) && is_git_object(path);
        // Readers of PDF files let other bytes stand in front.
        let is_pdf =
            || path.to_ascii_lowercase().ends_with(b".pdf") && memchr::memmem::find(head, b"%PDF-").is_some();
        Self::of(head)
            .or_else(|| is_object().then_some(Self::GitObject))
            .or_else(|| is_pdf().then_some(Self::Pdf))
    }

    /// The format of a content that begins with `head`, of which [`HEAD_BYTES`] are enough. `None` for a content that is none.
    pub fn of(head: &[u8]) -> Option<Self> {
        let format = match head {
            [0x1f, 0x8b, 8, flags, ..] if flags & 0xe0 == 0 => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // A skippable frame, which a file may begin with.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', magic @ ..]
                if magic.starts_with(&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
                    || magic.starts_with(&[0x17, 0x72, 0x45, 0x38, 0x50, 0x90]) =>
            {
                Self::Bzip2
            }
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 7, 8, b'P', b'K', 3, 4, ..] => Self::Zip,
            [b'P', b'K', b'0', b'0', b'P', b'K', 3, 4, ..] => Self::Zip,
            [b'!', b'<', b'a', b'r', b'c', b'h', b'>', b'\n', ..] => Self::Ar,
            [b'P', b'A', b'C', b'K', 0, 0, 0, 2 | 3, ..] => Self::GitPack,
            [b'#', b' ', b'v', b'2' | b'3', rest @ ..] if rest.starts_with(b" git bundle\n") => {
                Self::GitBundle
            }
            [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Self::Unopened("a 7z archive"),
            [b'R', b'a', b'r', b'!', 0x1a, 7, ..] => Self::Unopened("a RAR archive"),
            [0x04, 0x22, 0x4d, 0x18, ..] => Self::Unopened("an lz4 stream"),
            [0xed, 0xab, 0xee, 0xdb, ..] => Self::Unopened("an RPM package"),
            // A version's number, a line end, 8 to 16 bytes about the source, and a code object.
            [_, _, b'\r', b'\n', rest @ ..]
                if [4, 8, 12].iter().any(|&at| rest.get(at).is_some_and(|byte| byte & 0x7f == b'c')) =>
            {
                Self::PythonCode
            }
            _ if is_pdf(head) => Self::Pdf,
            _ if tar_header::is_sound(head) => Self::Tar,
            _ => return None,
        };
        Some(format)
    }
}

/// Whether it begins as PDF files do, a byte order mark and blanks aside, which some programs put in front.
fn is_pdf(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    head.trim_ascii_start().starts_with(b"%PDF-")
}

/// Whether the path is that of a loose object: `objects/`, two digits, `/`, and the rest of its id.
fn is_git_object(path: &[u8]) -> bool {
    let mut parts = path.rsplit(|&byte| byte == b'/');
    let parts = [parts.next(), parts.next(), parts.next()];
    let [Some(rest), Some(first), Some(b"objects")] = parts else { return false };
    let digits = first.len() + rest.len();
    first.len() == 2 && matches!(digits, 40 | 64) && first.iter().chain(rest).all(u8::is_ascii_hexdigit)
}

/// The block in front of each file of a tar archive.
pub(super) mod tar_header {
    /// Of a header, and of what everything in an archive is padded to, in bytes.
    pub(crate) const LENGTH: usize = 512;
    const CHECKSUM: std::ops::Range<usize> = 148..156;

    /// Whether the header's checksum holds. That of 512 zeros does not.
    pub(crate) fn is_sound(block: &[u8]) -> bool {
        let Some(block) = block.get(..LENGTH) else { return false };
        let Some(expected) = number(&block[CHECKSUM]) else { return false };
        let byte = |at: usize| if CHECKSUM.contains(&at) { b' ' } else { block[at] };
        let unsigned: i64 = (0..LENGTH).map(|at| i64::from(byte(at))).sum();
        // Old writers added signed bytes.
        let signed: i64 = (0..LENGTH).map(|at| i64::from(byte(at).cast_signed())).sum();
        // Eight spaces are the sum of a block of zeros.
        let is_blank = block[..CHECKSUM.start].iter().all(|&byte| byte == 0);
        !is_blank && i64::try_from(expected).is_ok_and(|sum| sum == unsigned || sum == signed)
    }

    /// A number field: octal digits between blanks, or binary where the first bit is set. `None` where it is neither.
    pub(crate) fn number(field: &[u8]) -> Option<u64> {
        if let [first @ 0x80..=0xff, rest @ ..] = field {
            // Negative numbers are of no use to anybody here.
            let rest: &[u8] = if *first == 0x80 { rest } else { return None };
            return rest
                .iter()
                .try_fold(0u64, |number, &byte| number.checked_mul(256)?.checked_add(u64::from(byte)));
        }
        let text = field.split(|&byte| byte == 0).next().unwrap_or_default().trim_ascii();
        text.iter().try_fold(0u64, |number, &byte| match byte {
            b'0'..=b'7' => number.checked_mul(8)?.checked_add(u64::from(byte - b'0')),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_that_only_look_like_containers_are_none() {
        for plain in
            [b"".as_slice(), b"BZh9 is a text", b"PK", b"\x1f\x8b", b"#!/bin/sh", &[0; 512], &[b' '; 512]]
        {
            assert_eq!(Format::of(plain), None, "{plain:?}");
        }
    }

    #[test]
    fn a_pdf_may_begin_with_a_mark_and_blanks() {
        for head in [b"%PDF-1.7\n".as_slice(), b"\n %PDF-2.0", b"\xef\xbb\xbf%PDF-1.4"] {
            assert_eq!(Format::of(head), Some(Format::Pdf));
        }
        assert_eq!(Format::of(b"It begins with %PDF-1.4"), None);
    }

    #[test]
    fn numbers_of_tar_headers_are_octal_or_binary() {
        assert_eq!(tar_header::number(b"0000644\0"), Some(0o644));
        assert_eq!(tar_header::number(b"   17  \0"), Some(0o17));
        assert_eq!(tar_header::number(&[0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]), Some(1 << 32));
        assert_eq!(tar_header::number(&[0x80, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0]), None);
        assert_eq!(tar_header::number(b"12x"), None);
    }
}
