//! Zip archives as an attacker makes them: whatever shape one has, each token in it is found, or the file is named as unread.

use std::io::Write as _;

use crate::fixture::{Report, Scratch};
use crate::packing::zstd;
use crate::secrets::{Random, github_pat, noise, token_line};

/// A member, as its own header and the directory describe it.
#[derive(Clone)]
struct Member {
    name: String,
    listed_name: String,
    content: Vec<u8>,
    method: u16,
    /// What the directory says.
    listed_method: u16,
    has_header: bool,
    is_listed: bool,
    /// Bytes behind the compressed ones that count as stored.
    slack: Vec<u8>,
    comment: Vec<u8>,
    extra: Vec<u8>,
    /// Sizes stand behind the content.
    is_streamed: bool,
    /// Bytes in front of its header.
    gap: Vec<u8>,
}

fn member(name: &str, content: &str) -> Member {
    Member {
        name: name.to_owned(),
        listed_name: name.to_owned(),
        content: content.into(),
        method: 8,
        listed_method: 8,
        has_header: true,
        is_listed: true,
        slack: Vec::new(),
        comment: Vec::new(),
        extra: Vec::new(),
        is_streamed: false,
        gap: Vec::new(),
    }
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An archive, with what can be wrong with its end.
#[derive(Clone, Default)]
struct Archive {
    prefix: Vec<u8>,
    /// Offsets count from the first byte of the file, not from the archive's.
    counts_prefix: bool,
    members: Vec<Member>,
    comment: Vec<u8>,
    suffix: Vec<u8>,
    has_end_64: bool,
    /// Added to what the end says.
    count_error: i64,
    length_error: i64,
}

impl Archive {
    fn of(members: impl Into<Vec<Member>>) -> Self {
        Self { members: members.into(), ..Self::default() }
    }

    fn bytes(&self) -> Vec<u8> {
        let (mut bytes, mut directory) = (self.prefix.clone(), Vec::new());
        let base = if self.counts_prefix { 0 } else { self.prefix.len() };
        let mut count = 0;
        for member in &self.members {
            bytes.extend(&member.gap);
            let packed = match member.method {
                8 => deflate(&member.content),
                93 => zstd(&member.content),
                _ => member.content.clone(),
            };
            let stored = [packed, member.slack.clone()].concat();
            let crc = crc32fast::hash(&member.content);
            let fields = |name: &str, method: u16, is_described: bool, extra: usize| {
                let sizes =
                    if is_described { [stored.len() as u32, member.content.len() as u32] } else { [0; 2] };
                let mut fields = Vec::new();
                fields.extend(20u16.to_le_bytes());
                fields.extend(if member.is_streamed { 8u16 } else { 0 }.to_le_bytes());
                fields.extend(method.to_le_bytes());
                fields.extend([0; 4]);
                fields.extend(if is_described { crc } else { 0 }.to_le_bytes());
                sizes.iter().for_each(|size| fields.extend(size.to_le_bytes()));
                fields.extend((name.len() as u16).to_le_bytes());
                fields.extend((extra as u16).to_le_bytes());
                fields
            };
            let offset = (bytes.len() - base) as u32;
            if member.has_header {
                bytes.extend(b"PK\x03\x04");
                bytes.extend(fields(&member.name, member.method, !member.is_streamed, member.extra.len()));
                bytes.extend(member.name.as_bytes());
                bytes.extend(&member.extra);
            }
            bytes.extend(&stored);
            if member.is_streamed {
                bytes.extend(b"PK\x07\x08");
                bytes.extend(crc.to_le_bytes());
                bytes.extend((stored.len() as u32).to_le_bytes());
                bytes.extend((member.content.len() as u32).to_le_bytes());
            }
            if member.is_listed {
                count += 1;
                directory.extend(b"PK\x01\x02\x14\x00");
                directory.extend(fields(&member.listed_name, member.listed_method, true, 0));
                directory.extend((member.comment.len() as u16).to_le_bytes());
                directory.extend([0; 8]);
                directory.extend(offset.to_le_bytes());
                directory.extend(member.listed_name.as_bytes());
                directory.extend(&member.comment);
            }
        }
        let start = (bytes.len() - base) as u64;
        let length = (directory.len() as i64 + self.length_error) as u64;
        bytes.extend(&directory);
        let count = (i64::from(count) + self.count_error) as u64;
        if self.has_end_64 {
            let at = (bytes.len() - base) as u64;
            bytes.extend(b"PK\x06\x06");
            bytes.extend(44u64.to_le_bytes());
            bytes.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            for number in [count, count, length, start] {
                bytes.extend(number.to_le_bytes());
            }
            bytes.extend(b"PK\x06\x07\0\0\0\0");
            bytes.extend(at.to_le_bytes());
            bytes.extend(1u32.to_le_bytes());
        }
        let (count, length, start) = match self.has_end_64 {
            true => (u16::MAX, u32::MAX, u32::MAX),
            false => (count as u16, length as u32, start as u32),
        };
        bytes.extend(b"PK\x05\x06\0\0\0\0");
        bytes.extend(count.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(start.to_le_bytes());
        bytes.extend((self.comment.len() as u16).to_le_bytes());
        bytes.extend(&self.comment);
        bytes.extend(&self.suffix);
        bytes
    }
}

/// Each token is found in `file`, or `file` is named as unread.
#[track_caller]
fn assert_told(report: &Report, file: &str, tokens: &[String]) {
    let unread = report.summary["unread"].as_array().unwrap();
    let is_named = unread.iter().any(|gap| gap["what"].as_str().unwrap().starts_with(file));
    for token in tokens {
        let found = report.findings.iter().filter(|finding| finding["secret"] == token.as_str());
        let mut places = found.flat_map(|finding| finding["places"].as_array().unwrap());
        assert!(is_named || places.any(|place| place["path"] == file), "{file}: {token} is passed over");
    }
    assert!(!is_named || report.code == 2);
}

fn is_unread(report: &Report, file: &str) -> bool {
    report.summary["unread"]
        .as_array()
        .unwrap()
        .iter()
        .any(|gap| gap["what"].as_str().unwrap().starts_with(file))
}

/// Archives that other programs make, with a token in each member: read in full.
fn sound() -> Vec<(&'static str, Archive)> {
    let two = || [member("a.py", &token_line(&github_pat(1))), member("b/c.py", &token_line(&github_pat(2)))];
    let stored = || {
        let stored = |member: Member| Member { method: 0, listed_method: 0, ..member };
        Archive::of(two().map(stored))
    };
    let program: Vec<u8> = [b"MZ\x90\0PK\x03\x04\0PK\x01\x02 stub ".as_slice(), &[0xe8; 3000]].concat();
    let script = b"#!/usr/bin/env python3\n".to_vec();
    let picture = [b"\x89PNG\r\n\x1a\n".as_slice(), &[3; 900], b"IEND\xaeB`\x82"].concat();
    vec![
        ("plain.zip", Archive::of(two())),
        ("stored.zip", stored()),
        ("streamed.zip", Archive::of(two().map(|member| Member { is_streamed: true, ..member }))),
        ("zstd.zip", Archive::of(two().map(|member| Member { method: 93, listed_method: 93, ..member }))),
        // As `git archive` has it: the commit's id.
        ("commit.zip", Archive { comment: "0123456789".repeat(4).into(), ..Archive::of(two()) }),
        (
            "comment.zip",
            Archive { comment: noise(3, 2000).into_bytes()[..65535].to_vec(), ..Archive::of(two()) },
        ),
        ("short.zip", Archive { comment: b"x".to_vec(), ..stored() }),
        ("large.zip", Archive { has_end_64: true, comment: b"large".to_vec(), ..Archive::of(two()) }),
        (
            "same.zip",
            Archive::of(two().map(|member| Member { name: "a".into(), listed_name: "a".into(), ..member })),
        ),
        ("empty.zip", Archive::default()),
        (
            "unlisted.zip",
            Archive::of(two().map(|member| Member { is_listed: member.name == "a.py", ..member })),
        ),
        ("renamed.zip", Archive::of(two().map(|member| Member { listed_name: "other".into(), ..member }))),
        ("setup.exe", Archive { prefix: program.clone(), ..Archive::of(two()) }),
        ("adjusted.exe", Archive { prefix: program.clone(), counts_prefix: true, ..Archive::of(two()) }),
        (
            "large.exe",
            Archive { prefix: program, has_end_64: true, counts_prefix: true, ..Archive::of(two()) },
        ),
        ("app.pyz", Archive { prefix: script.clone(), counts_prefix: true, ..Archive::of(two()) }),
        ("app.jar", Archive { prefix: script, comment: b"run me".to_vec(), ..Archive::of(two()) }),
        (
            "addon.crx",
            Archive { prefix: [b"Cr24\x03\0\0\0".as_slice(), &[9; 600]].concat(), ..Archive::of(two()) },
        ),
        ("picture.png", Archive { prefix: picture, ..Archive::of(two()) }),
        ("picture.gif", Archive { prefix: b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), ..Archive::of(two()) }),
        ("tail.zip", Archive { suffix: vec![b'\n'; 70_000], ..Archive::of(two()) }),
        (
            "apk.zip",
            Archive::of({
                let [first, last] = two();
                [first, Member { gap: vec![7; 5000], ..last }]
            }),
        ),
    ]
}

#[test]
fn archives_of_every_sound_shape_are_read_in_full() {
    let scratch = Scratch::new();
    for (name, archive) in sound() {
        scratch.write(name, archive.bytes());
    }
    let report = scratch.scan(&["."]);
    report.assert_complete();
    for (name, archive) in sound() {
        let tokens: Vec<String> = (1..=archive.members.len() as u64).map(github_pat).collect();
        assert_told(&report, name, &tokens);
    }
}

#[test]
fn archives_in_a_history_are_read_like_those_on_disk() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    for (name, archive) in sound() {
        repository.write(name, archive.bytes());
    }
    repository.commit("Add archives");
    for (name, _) in sound() {
        repository.remove(name);
    }
    repository.commit("Remove them");
    let report = repository.audit();
    report.assert_complete();
    for (name, archive) in sound() {
        let tokens: Vec<String> = (1..=archive.members.len() as u64).map(github_pat).collect();
        assert_told(&report, name, &tokens);
    }
}

#[test]
fn archives_that_git_makes_are_read_in_full() {
    let scratch = Scratch::new();
    let (repository, secret) = (scratch.repository("r"), github_pat(5));
    repository.commit_file("app.py", token_line(&secret));
    let file = scratch.path("out/source.zip");
    std::fs::create_dir(scratch.path("out")).unwrap();
    repository.git(["archive", "--format=zip", "-o", file.to_str().unwrap(), "HEAD"]);
    let report = scratch.scan(&["out"]);
    report.assert_complete();
    report.assert_secrets(&[&secret]);
}

/// A member's header and content that lie where nobody looks who reads an archive from its front.
fn hidden(token: &str) -> Vec<u8> {
    let bytes = Archive::of([member("hidden.py", &token_line(token))]).bytes();
    let list = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    bytes[..list].to_vec()
}

/// Archives that show different readers different things, the token being `github_pat(7)`.
fn lying() -> Vec<(&'static str, Vec<u8>)> {
    let token = github_pat(7);
    let (decoy, secret) = (member("decoy.py", "nothing\n"), member("secret.py", &token_line(&token)));
    let bytes = |members: &[Member]| Archive::of(members).bytes();
    let whole = bytes(std::slice::from_ref(&secret));
    let listed = |at: usize, entries: &[&str]| {
        // A directory that lists members that begin at `at`.
        let mut bytes = Vec::new();
        for name in entries {
            let mut entry = b"PK\x01\x02\x14\0\x14\0\0\0\x08\0".to_vec();
            entry.extend([0; 16]);
            entry.extend((name.len() as u16).to_le_bytes());
            entry.extend([0; 12]);
            entry.extend((at as u32).to_le_bytes());
            bytes.extend([entry, name.as_bytes().to_vec()].concat());
        }
        bytes
    };
    let end = |count: u16, length: usize, start: usize| {
        let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
        end.extend(count.to_le_bytes());
        end.extend(count.to_le_bytes());
        end.extend((length as u32).to_le_bytes());
        end.extend((start as u32).to_le_bytes());
        end.extend([0; 2]);
        end
    };
    let mut shapes = vec![
        ("count", Archive { count_error: -1, ..Archive::of([decoy.clone(), secret.clone()]) }.bytes()),
        ("length", Archive { length_error: -10, ..Archive::of([decoy.clone(), secret.clone()]) }.bytes()),
        ("slack", bytes(&[Member { slack: hidden(&token), ..decoy.clone() }])),
        ("slack-zip", bytes(&[Member { slack: whole.clone(), ..decoy.clone() }])),
        ("slack-text", bytes(&[Member { slack: token.clone().into(), ..decoy.clone() }])),
        (
            "method",
            bytes(&[Member { content: deflate(token_line(&token).as_bytes()), method: 0, ..decoy.clone() }]),
        ),
        ("gap-text", bytes(&[decoy.clone(), Member { gap: token_line(&token).into(), ..decoy.clone() }])),
        ("extra", bytes(&[Member { extra: format!(" {token} ").into(), ..decoy.clone() }])),
        ("member-comment", bytes(&[Member { comment: token.clone().into(), ..decoy.clone() }])),
        ("listed-name", bytes(&[Member { listed_name: token.clone(), ..decoy.clone() }])),
        ("comment", Archive { comment: token.clone().into(), ..Archive::of([decoy.clone()]) }.bytes()),
        ("comment-zip", Archive { comment: whole.clone(), ..Archive::of([decoy.clone()]) }.bytes()),
        ("suffix-zip", [bytes(std::slice::from_ref(&decoy)), whole.clone()].concat()),
        (
            "suffix-text",
            Archive { suffix: token_line(&token).into(), ..Archive::of([decoy.clone()]) }.bytes(),
        ),
        ("no-header", bytes(&[decoy.clone(), Member { has_header: false, ..secret.clone() }])),
        ("no-directory", bytes(&[Member { is_listed: false, ..secret.clone() }])),
        (
            "unlisted-first",
            Archive {
                prefix: b"#!/bin/sh\n".to_vec(),
                ..Archive::of([Member { is_listed: false, ..secret.clone() }, decoy.clone()])
            }
            .bytes(),
        ),
        ("cut", whole[..whole.len() - 30].to_vec()),
    ];
    // A member in the stored bytes of another one, which only the directory leads to; a decoy keeps the count.
    let inside = [b"some bytes ".to_vec(), hidden(&token)].concat();
    let carrier = Member { content: inside, method: 0, listed_method: 0, is_listed: false, ..decoy.clone() };
    let front = bytes(std::slice::from_ref(&carrier));
    let front = front[..front.len() - 22].to_vec();
    let at = front.windows(9).position(|name| name == b"hidden.py").unwrap() - 30;
    let list = listed(at, &["hidden.py"]);
    shapes.push(("carried", [front.clone(), list.clone(), end(1, list.len(), front.len())].concat()));
    // The real directory lies in a comment on an entry, where only the end's length leads to.
    let mut outer = listed(0, &["decoy.py"]);
    outer[32..34].copy_from_slice(&(list.len() as u16).to_le_bytes());
    let outer = [outer, list.clone()].concat();
    shapes.push(("listed-in-comment", [front.clone(), outer, end(1, list.len(), front.len())].concat()));
    // Or in the comment on the archive, with an end of its own.
    let comment = [list.clone(), end(1, list.len(), front.len() + 22)].concat();
    let mut first_end = end(0, 0, front.len());
    first_end[20..22].copy_from_slice(&(comment.len() as u16).to_le_bytes());
    shapes.push(("second-end", [front, first_end, comment].concat()));
    shapes
}

#[test]
fn archives_that_lie_are_read_or_named() {
    let scratch = Scratch::new();
    let prefixes: [(&str, &[u8]); 3] =
        [("", b""), ("sfx-", b"MZ\x90\0PK\x03\x04\0PK\x01\x02"), ("gif-", b"GIF89a;")];
    for (prefix, bytes) in prefixes {
        for (name, archive) in lying() {
            scratch.write(&format!("in/{prefix}{name}.zip"), [bytes, &archive].concat());
        }
    }
    for (prefix, _) in prefixes {
        for (name, _) in lying() {
            let file = format!("in/{prefix}{name}.zip");
            let report = scratch.scan(&[&file]);
            assert_told(&report, &file, &[github_pat(7)]);
        }
    }
}

/// Says that a member's CRC-32 is another one, behind each signature in `places`.
fn misstate(bytes: &mut [u8], crc32: u32, places: &[(&[u8], usize)]) {
    for (signature, offset) in places {
        let at = bytes.windows(4).position(|four| four == *signature).unwrap() + offset;
        assert_eq!(bytes[at..at + 4], crc32.to_le_bytes());
        bytes[at] ^= 1;
    }
}

#[test]
fn content_that_is_not_what_was_packed_is_named() {
    let (scratch, token) = (Scratch::new(), github_pat(21));
    let content = format!("note: nothing\n{}", token_line(&token));
    let crc32 = crc32fast::hash(content.as_bytes());
    let of = |method: u16| Member { method, listed_method: method, ..member("a.py", &content) };
    const OWN: (&[u8], usize) = (b"PK\x03\x04", 14);
    const LISTED: (&[u8], usize) = (b"PK\x01\x02", 16);
    for (name, member, places) in [
        ("deflated", of(8), vec![OWN, LISTED]),
        ("stored", of(0), vec![OWN, LISTED]),
        ("zstd", of(93), vec![OWN, LISTED]),
        ("own", of(8), vec![OWN]),
        ("listed", of(8), vec![LISTED]),
        ("streamed", Member { is_streamed: true, ..of(8) }, vec![LISTED]),
    ] {
        for (prefix, front) in [("", b"".as_slice()), ("sfx-", b"#!/bin/sh\n")] {
            let file = format!("{prefix}{name}.zip");
            let mut archive = Archive { prefix: front.to_vec(), ..Archive::of([member.clone()]) }.bytes();
            misstate(&mut archive, crc32, &places);
            scratch.write(&file, &archive);
            let report = scratch.scan(&[&file]);
            report.assert_unread(&[&format!("{file}!a.py"), "damaged", "CRC-32"]);
            assert_eq!(report.summary["unread"].as_array().unwrap().len(), 1, "{file}");
            report.assert_secrets(&[&token]);
        }
    }
    // Whichever byte it is, of what is compressed or not.
    for method in [0, 8] {
        let archive = Archive::of([of(method)]).bytes();
        let end = archive.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        for at in 34..end {
            let mut archive = archive.clone();
            archive[at] ^= 0x55;
            scratch.write(&format!("bytes/{method}/{at}.zip"), archive);
        }
        let report = scratch.scan(&[&format!("bytes/{method}")]);
        for at in 34..end {
            assert!(is_unread(&report, &format!("bytes/{method}/{at}.zip")), "{method}: {at}");
        }
    }
}

#[test]
fn archives_behind_other_data_are_read_to_where_they_are_cut_off() {
    let (scratch, tokens) = (Scratch::new(), [github_pat(31), github_pat(32)]);
    let members = || [member("a.py", &token_line(&tokens[0])), member("b.py", &token_line(&tokens[1]))];
    let streamed = members().map(|member| Member { is_streamed: true, ..member });
    for (name, members) in [("plain", members()), ("streamed", streamed)] {
        let whole = Archive { prefix: b"#!/bin/sh\nexit\n".to_vec(), ..Archive::of(members) }.bytes();
        let list = whole.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        let second = whole.windows(4).rposition(|four| four == b"PK\x03\x04").unwrap();
        for end in [
            whole.len() - 1,
            whole.len() - 20,
            whole.len() - 30,
            list + 3,
            list,
            list - 1,
            second + 50,
            second,
        ] {
            let file = format!("{name}-{end}.sh");
            scratch.write(&file, &whole[..end]);
            let report = scratch.scan(&[&file]);
            report.assert_unread(&[&file, "cut off"]);
            let found = if end >= list { &tokens[..] } else { &tokens[..1] };
            for token in found {
                assert!(report.findings.iter().any(|finding| finding["secret"] == token.as_str()), "{file}");
            }
        }
    }
}

#[test]
fn what_only_looks_like_the_beginning_of_an_archive_is_none() {
    let (scratch, token) = (Scratch::new(), github_pat(33));
    let table = [b"\x7fELF\0 PK\x03\x04".as_slice(), &[0; 28], b"zip archive\0PK\x05\x06\0"].concat();
    scratch.write("table.bin", table.repeat(20));
    scratch.write("text.txt", "A zip file begins with PK\u{3}\u{4}, and each entry too.\n".repeat(9));
    let mut odd = [b"x".to_vec(), hidden(&token)].concat();
    odd[9..11].copy_from_slice(&777u16.to_le_bytes());
    scratch.write("odd.bin", odd);
    // A whole archive in the middle of something else is opened.
    let archive = Archive::of([member("a.py", &token_line(&token))]).bytes();
    scratch.write("middle.bin", [b"MZ".to_vec(), archive, vec![b'\n'; 200_000]].concat());
    let report = scratch.scan(&["."]);
    report.assert_complete();
    report.assert_secrets(&[&token]);
}

#[test]
fn whatever_an_archive_is_made_of_nothing_is_passed_over() {
    let scratch = Scratch::new();
    let mut random = Random::new(77);
    let mut expected = Vec::new();
    for number in 0..60 {
        let file = format!("in/{number}.bin");
        let tokens: Vec<String> = (0..3).map(|at| github_pat(1000 + number * 10 + at)).collect();
        let mut chance = |one_in: u64| random.next().is_multiple_of(one_in);
        let members = tokens.iter().enumerate().map(|(at, token)| {
            let mut made = member(&format!("m{at}"), &token_line(token));
            made.method = if chance(3) { 0 } else { 8 };
            made.listed_method = if chance(8) { 0 } else { made.method };
            made.has_header = !chance(9);
            // Without either it is no member.
            made.is_listed = !made.has_header || !chance(5);
            made.is_streamed = made.method == 8 && chance(4);
            // Of what is stored as it is, everything is the content.
            if made.method == 8 && chance(6) {
                made.slack = hidden(token);
                made.content = b"nothing\n".to_vec();
            }
            if chance(5) {
                made.gap = noise(number, 3).into_bytes();
            }
            made
        });
        let members: Vec<Member> = members.collect();
        let archive = Archive {
            members,
            prefix: if chance(3) { noise(number, 20).into_bytes() } else { Vec::new() },
            counts_prefix: chance(2),
            comment: if chance(3) { noise(number, 2).into_bytes() } else { Vec::new() },
            suffix: if chance(4) { noise(number, 9).into_bytes() } else { Vec::new() },
            has_end_64: chance(5),
            count_error: i64::from(chance(10)),
            length_error: i64::from(chance(10)),
        };
        scratch.write(&file, archive.bytes());
        expected.push((file, tokens));
    }
    let report = scratch.scan(&["in"]);
    for (file, tokens) in &expected {
        assert_told(&report, file, tokens);
    }
    assert!(expected.iter().any(|(file, _)| !is_unread(&report, file)), "some of them are sound");
}
