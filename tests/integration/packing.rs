//! Small archives, written byte by byte where no tool would write them.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// A tar archive under construction.
#[derive(Default)]
pub(crate) struct TarFile {
    bytes: Vec<u8>,
}

pub(crate) const FILE: u8 = b'0';
pub(crate) const HARD_LINK: u8 = b'1';
pub(crate) const SYMBOLIC_LINK: u8 = b'2';

impl TarFile {
    /// Adds a file.
    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        self.entry(name.as_bytes(), FILE, "", content.len() as u64, content)
    }

    /// Adds what is no file.
    pub(crate) fn link(self, name: &str, kind: u8, target: &str) -> Self {
        self.entry(name.as_bytes(), kind, target, 0, b"")
    }

    /// Adds an entry that claims `size` bytes and has those of `content`.
    pub(crate) fn entry(mut self, name: &[u8], kind: u8, link: &str, size: u64, content: &[u8]) -> Self {
        self.bytes.extend(header(name, kind, link, size));
        self.bytes.extend(content);
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
        self
    }

    /// Adds bytes as they are.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self
    }

    /// The archive with its end.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.bytes.extend([0; 1024]);
        self.bytes
    }

    /// The archive without its end, as some write it.
    pub(crate) fn unfinished(self) -> Vec<u8> {
        self.bytes
    }
}

/// A header block.
pub(crate) fn header(name: &[u8], kind: u8, link: &str, size: u64) -> [u8; 512] {
    let mut block = [0; 512];
    block[..name.len().min(100)].copy_from_slice(&name[..name.len().min(100)]);
    block[100..108].copy_from_slice(b"0000644\0");
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[156] = kind;
    block[157..157 + link.len()].copy_from_slice(link.as_bytes());
    block[257..265].copy_from_slice(b"ustar\x0000");
    seal(&mut block);
    block
}

/// Gives a changed header its checksum.
pub(crate) fn seal(block: &mut [u8; 512]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

pub(crate) fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What `xz` makes of it.
pub(crate) fn xz(bytes: &[u8]) -> Vec<u8> {
    filter("xz", &["-c", "-1"], bytes)
}

/// What a program writes when it reads `input`.
pub(crate) fn filter(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new(program);
    let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
    let writer = std::thread::spawn(move || stdin.write_all(&input).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{program}");
    output.stdout
}

/// A member of a zip archive: its name, its method, its flags and its bytes as stored.
pub(crate) struct ZipMember<'a> {
    pub(crate) name: &'a str,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) content: &'a [u8],
}

impl<'a> ZipMember<'a> {
    pub(crate) fn deflated(name: &'a str, content: &'a [u8]) -> Self {
        Self { name, method: 8, flags: 0, content }
    }

    pub(crate) fn stored(name: &'a str, content: &'a [u8]) -> Self {
        Self { name, method: 0, flags: 0, content }
    }
}

/// A zip archive; with flag 8, sizes stand behind the contents.
pub(crate) fn zip(members: &[ZipMember<'_>]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let stored = match member.method {
            8 => deflate(member.content),
            93 => zstd(member.content),
            _ => member.content.to_vec(),
        };
        let crc = crc32fast::hash(member.content);
        let sizes = [stored.len() as u32, member.content.len() as u32];
        let described = |sizes: [u32; 2], crc: u32| {
            let mut fields = Vec::new();
            fields.extend(20u16.to_le_bytes());
            fields.extend(member.flags.to_le_bytes());
            fields.extend(member.method.to_le_bytes());
            fields.extend([0; 4]);
            fields.extend(crc.to_le_bytes());
            fields.extend(sizes[0].to_le_bytes());
            fields.extend(sizes[1].to_le_bytes());
            fields.extend((member.name.len() as u16).to_le_bytes());
            fields.extend([0; 2]);
            fields
        };
        let is_described_behind = member.flags & 8 != 0;
        let offset = bytes.len() as u32;
        bytes.extend(b"PK\x03\x04");
        bytes.extend(if is_described_behind { described([0, 0], 0) } else { described(sizes, crc) });
        bytes.extend(member.name.as_bytes());
        bytes.extend(&stored);
        if is_described_behind {
            bytes.extend(b"PK\x07\x08");
            bytes.extend(crc.to_le_bytes());
            bytes.extend(sizes[0].to_le_bytes());
            bytes.extend(sizes[1].to_le_bytes());
        }
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(described(sizes, crc));
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(member.name.as_bytes());
    }
    let start = bytes.len() as u32;
    let count = (members.len() as u16).to_le_bytes();
    let length = (directory.len() as u32).to_le_bytes();
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count);
    bytes.extend(count);
    bytes.extend(length);
    bytes.extend(start.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
