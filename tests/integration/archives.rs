//! Archives and compressed files: opened by content, wherever they lie, and never at any price.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::fixture::Scratch;
use crate::packing::{
    FILE, SYMBOLIC_LINK, TarFile, ZipMember, bzip2, filter, gzip, header, seal, xz, zip, zstd,
};
use crate::secrets::{github_pat, noise, password, token_line};

/// How long a bomb may take at most, on a busy machine and without optimisation.
const MAX_BOMB_TIME: Duration = Duration::from_secs(60);

#[test]
fn each_kind_of_container_is_told_by_its_content_not_its_name() {
    let scratch = Scratch::new();
    let line = |seed| token_line(&github_pat(seed));
    scratch.write("a.dat", gzip(line(1).as_bytes()));
    scratch.write("b.dat", zstd(line(2).as_bytes()));
    scratch.write("c.dat", bzip2(line(3).as_bytes()));
    scratch.write("d.dat", xz(line(4).as_bytes()));
    scratch.write("e.dat", TarFile::default().file("in/a.py", line(5)).finish());
    scratch.write("f.dat", zip(&[ZipMember::deflated("in/b.py", line(6).as_bytes())]));
    let deb = [
        b"!<arch>\ndata.txt/       0           0     0     100644  ",
        format!("{:<10}`\n", line(7).len()).as_bytes(),
        line(7).as_bytes(),
    ]
    .concat();
    scratch.write("g.dat", deb);
    let report = scratch.scan(&["."]);
    let secrets: Vec<String> = (1..=7).map(github_pat).collect();
    report.assert_secrets(&secrets.iter().map(String::as_str).collect::<Vec<_>>());
    report.assert_complete();
    let place = report.place(&secrets[4]);
    assert_eq!(
        (&place["path"], &place["member"], &place["line"]),
        (&"e.dat".into(), &"in/a.py".into(), &1.into())
    );
    assert_eq!(report.place(&secrets[5])["member"], "in/b.py");
    assert_eq!(report.place(&secrets[6])["member"], "data.txt");
}

#[test]
fn containers_in_each_other_are_opened_and_their_path_says_so() {
    let (scratch, secret) = (Scratch::new(), github_pat(10));
    let inner = zip(&[ZipMember::deflated("b/c.py", token_line(&secret).as_bytes())]);
    let tar = TarFile::default().file("lib/a.zip", inner).finish();
    scratch.write("app.tar.gz", gzip(&tar));
    scratch.write("log.txt.gz", gzip(token_line(&github_pat(11)).as_bytes()));
    let report = scratch.scan(&["."]);
    assert_eq!(report.place(&secret)["member"], "lib/a.zip!b/c.py");
    assert_eq!(report.place(&github_pat(11))["member"], "log.txt");
    report.assert_complete();
    let text = scratch.keysieve(["scan", "app.tar.gz"]).stdout;
    assert!(text.contains("app.tar.gz!lib/a.zip!b/c.py:1:10"), "{text}");
}

#[test]
fn a_member_is_judged_by_the_paths_around_it_whatever_signs_are_in_them() {
    let scratch = Scratch::new();
    let line = |seed| format!("password = \"{}\"\n", password(seed));
    let folder = zip(&[ZipMember::deflated("tests!/c.py", line(12).as_bytes())]);
    let hidden = zip(&[ZipMember::deflated("tests/a!b.py", line(13).as_bytes())]);
    let locale = zip(&[ZipMember::deflated("x!locale/y.py", line(14).as_bytes())]);
    let lock = TarFile::default().file("src/a!yarn.lock", line(15)).finish();
    let log = TarFile::default().file("tests/a!b.py.gz", gzip(line(16).as_bytes())).finish();
    for (name, content) in
        [("a.zip", folder), ("b.zip", hidden), ("c.zip", locale), ("d.tar", lock), ("e.tar", log)]
    {
        scratch.write(name, &content);
        scratch.write(&format!("in/{name}"), zip(&[ZipMember::stored(&format!("x!{name}"), &content)]));
    }
    for place in ["", "in/"] {
        let report = scratch.scan(
            &["a.zip", "b.zip", "c.zip", "d.tar", "e.tar"]
                .map(|name| format!("{place}{name}"))
                .each_ref()
                .map(String::as_str),
        );
        let member = |seed: u64, name: &str, path: &str| {
            let found = report.place(&password(seed));
            let around = if place.is_empty() { String::new() } else { format!("x!{name}!") };
            assert_eq!(found["member"], format!("{around}{path}"));
            report.find(&password(seed))["severity"].as_str().unwrap().to_owned()
        };
        let (plain, in_tests) = (member(12, "a.zip", "tests!/c.py"), member(13, "b.zip", "tests/a!b.py"));
        assert_ne!(plain, in_tests, "a test's password opens less");
        assert_eq!(member(14, "c.zip", "x!locale/y.py"), plain);
        assert_eq!(member(15, "d.tar", "src/a!yarn.lock"), plain);
        // The names of all archives around it count.
        assert_eq!(member(16, "e.tar", "tests/a!b.py.gz!a!b.py"), in_tests);
    }
}

#[test]
fn archives_on_standard_input_are_opened() {
    let (scratch, secret) = (Scratch::new(), github_pat(12));
    let tar = TarFile::default().file("a.py", token_line(&secret)).finish();
    let report =
        scratch.keysieve_reading(&zstd(&tar), &["scan", "--format", "jsonl", "--show-secrets", "-"]).report();
    assert_eq!(
        (&report.place(&secret)["kind"], &report.place(&secret)["member"]),
        (&"stdin".into(), &"a.py".into())
    );
}

#[test]
fn archives_in_history_are_opened_again_by_the_next_audit_only_where_they_hold_something() {
    let (scratch, secret) = (Scratch::new(), github_pat(13));
    let repository = scratch.repository("r");
    repository.write(
        "vendor/app.jar",
        zip(&[ZipMember::deflated("app.properties", token_line(&secret).as_bytes())]),
    );
    repository.write("clean.gz", gzip(b"nothing\n"));
    repository.commit("Add");
    repository.remove("vendor/app.jar");
    repository.commit("Remove");
    for _ in 0..2 {
        let report = repository.audit_everything();
        let place = report.place(&secret);
        assert_eq!(place["kind"], "git");
        assert_eq!((&place["path"], &place["member"]), (&"vendor/app.jar".into(), &"app.properties".into()));
        report.assert_complete();
    }
}

#[test]
fn archives_in_a_range_are_opened_and_only_what_is_new_in_them_counts() {
    let (scratch, old, new) = (Scratch::new(), github_pat(14), github_pat(15));
    let repository = scratch.repository("r");
    let jar = |secrets: &[&str]| {
        let text: String = secrets.iter().map(|secret| token_line(secret)).collect();
        zip(&[ZipMember::deflated("app.properties", text.as_bytes())])
    };
    repository.write("app.jar", jar(&[&old]));
    repository.commit("Add");
    repository.write("app.jar", jar(&[&old, &new]));
    repository.commit("Change");
    let report = repository.diff(&["HEAD~1..HEAD"]);
    report.assert_secrets(&[&new]);
    let place = report.place(&new);
    assert_eq!((&place["path"], &place["member"]), (&"app.jar".into(), &"app.properties".into()));
}

#[test]
fn git_bundles_are_opened_like_packs() {
    let scratch = Scratch::new();
    let kept = scratch.repository("kept");
    for (format, version, seed) in [("sha1", "2", 80), ("sha256", "3", 81)] {
        let secrets = [github_pat(seed), github_pat(seed + 10)];
        let source = scratch.repository_with(format, &[&format!("--object-format={format}")]);
        let lines = noise(seed, 200);
        source.commit_file("a.py", format!("{lines}{}", token_line(&secrets[0])));
        source.commit_file("a.py", &lines);
        source.git(["branch", &format!("leaked/{}", secrets[1])]);
        let bundle = kept.path().join("backup.bundle");
        let version = format!("--version={version}");
        source.git(["bundle", "create", "--quiet", &version, bundle.to_str().unwrap(), "--all"]);

        let report = scratch.scan(&["kept"]);
        report.assert_secrets(&secrets.each_ref().map(String::as_str));
        report.assert_complete();
        let place = report.place(&secrets[0]);
        assert_eq!(place["path"], "kept/backup.bundle");
        assert!(place["member"].as_str().unwrap().starts_with("blob at "), "{place}");
        // In an archive too.
        let tar = TarFile::default().file("b.bundle", fs::read(&bundle).unwrap()).finish();
        scratch.write("backup.tar.gz", gzip(&tar));
        scratch.scan(&["backup.tar.gz"]).assert_secrets(&secrets.each_ref().map(String::as_str));

        kept.commit("Keep a bundle");
        kept.remove("backup.bundle");
        let report = kept.audit_everything();
        assert_eq!(report.place(&secrets[0])["path"], "backup.bundle");
        // What it builds on is elsewhere, and that is said.
        let since = ["bundle", "create", "--quiet", &version, bundle.to_str().unwrap(), "main~1..main"];
        source.git(since);
        let thin = fs::read(&bundle).unwrap();
        scratch
            .scan(&["kept/backup.bundle"])
            .assert_unread(&["backup.bundle!object at", "outside of the pack"]);
        fs::write(&bundle, &thin[..40]).unwrap();
        scratch.scan(&["kept/backup.bundle"]).assert_unread(&["backup.bundle", "cut off"]);
        kept.remove("backup.bundle");
    }
}

#[test]
fn what_is_stored_as_it_is_has_one_place() {
    let (scratch, secret) = (Scratch::new(), github_pat(14));
    let repository = scratch.repository("r");
    repository.write("a.zip", zip(&[ZipMember::stored("a.py", token_line(&secret).as_bytes())]));
    repository.commit("Add");
    repository.remove("a.zip");
    repository.commit("Remove");
    assert_eq!(repository.audit_everything().place(&secret)["member"], "a.py");
}

#[test]
fn every_member_and_frame_of_a_stream_is_read() {
    let (scratch, secrets) = (Scratch::new(), (20..26).map(github_pat).collect::<Vec<_>>());
    let line = |at: usize| token_line(&secrets[at]).into_bytes();
    scratch.write("a.gz", [gzip(&line(0)), gzip(b""), gzip(&line(1)), vec![0; 512]].concat());
    let skippable = [b"\x50\x2a\x4d\x18\x04\0\0\0abcd".as_slice()].concat();
    scratch.write("b.zst", [skippable.clone(), zstd(&line(2)), skippable, zstd(&line(3))].concat());
    scratch.write("c.bz2", [bzip2(&line(4)), bzip2(&line(5))].concat());
    let report = scratch.scan(&["."]);
    report.assert_secrets(&secrets.iter().map(String::as_str).collect::<Vec<_>>());
    report.assert_complete();
}

#[test]
fn a_large_member_is_cut_like_a_file() {
    let (scratch, secrets) = (Scratch::new(), (30..33).map(github_pat).collect::<Vec<_>>());
    let mut content = noise(3, 200_000).into_bytes();
    for (secret, at) in secrets.iter().zip([(4 << 20) - 20, (4 << 20) + 3000, 11 << 20]) {
        content[at - 1] = b' ';
        content[at..at + secret.len()].copy_from_slice(secret.as_bytes());
        content[at + secret.len()] = b' ';
    }
    scratch.write("plain.txt", &content);
    scratch.write("a.tar.gz", gzip(&TarFile::default().file("plain.txt", &content).finish()));
    let report = scratch.scan(&["."]);
    for secret in &secrets {
        let places = report.places(secret, "worktree");
        assert_eq!(places.len(), 2, "{places:#?}");
        assert_eq!((&places[0]["line"], &places[0]["column"]), (&places[1]["line"], &places[1]["column"]));
    }
    report.assert_complete();
}

#[test]
fn what_tar_itself_writes_is_read_in_each_of_its_formats() {
    let scratch = Scratch::new();
    let long = format!("d/{}/{}/a.py", "x".repeat(90), "y".repeat(90));
    let (in_long, in_sparse) = (github_pat(40), github_pat(41));
    scratch.write(&format!("in/{long}"), token_line(&in_long));
    let sparse = fs::File::create(scratch.path("in/sparse.img")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, token_line(&in_sparse).as_bytes(), 3 << 20).unwrap();
    sparse.set_len(5 << 20).unwrap();
    for format in ["gnu", "posix", "oldgnu"] {
        let archive = scratch.path(&format!("{format}.tar"));
        let mut tar = Command::new("tar");
        tar.arg("-C")
            .arg(scratch.path("in"))
            .args(["--sparse", "--format", format, "-cf"])
            .arg(&archive)
            .arg(".");
        assert!(tar.status().unwrap().success());
        let report = scratch.scan(&[&format!("{format}.tar")]);
        assert_eq!(report.place(&in_long)["member"], format!("./{long}"), "{format}");
        let place = report.place(&in_sparse);
        assert_eq!(
            (&place["member"], &place["column"]),
            (&"./sparse.img".into(), &((3 << 20) + 10).into()),
            "{format}"
        );
        report.assert_complete();
    }
}

#[test]
fn archives_without_padding_and_end_are_whole() {
    let (scratch, secrets) = (Scratch::new(), [github_pat(42), github_pat(43)]);
    let archive =
        TarFile::default().file("a", token_line(&secrets[0])).file("b", token_line(&secrets[1])).unfinished();
    let end = archive.iter().rposition(|&byte| byte != 0).unwrap() + 1;
    scratch.write("a.tar", &archive[..end]);
    let report = scratch.scan(&["a.tar"]);
    report.assert_secrets(&[&secrets[0], &secrets[1]]);
    report.assert_complete();
}

#[test]
fn what_lies_behind_the_end_of_an_archive_is_read() {
    let (scratch, secrets) = (Scratch::new(), (44..47).map(github_pat).collect::<Vec<_>>());
    let tar = |at: usize| TarFile::default().file("a", token_line(&secrets[at])).finish();
    scratch.write("two.tar", [tar(0), tar(1)].concat());
    scratch.write("tail.gz", [gzip(b"nothing"), token_line(&secrets[2]).into_bytes()].concat());
    let report = scratch.scan(&["."]);
    report.assert_secrets(&secrets.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(report.place(&secrets[1])["member"], "a#2", "two files of one name are two contents");
    report.assert_complete();
}

#[test]
fn names_and_attributes_in_archives_are_read() {
    let (scratch, secrets) = (Scratch::new(), (48..51).map(github_pat).collect::<Vec<_>>());
    let attribute = format!("SCHILY.xattr.user.token={}", token_line(&secrets[2]));
    let record = format!("{} {attribute}", attribute.len() + 3);
    let archive = TarFile::default()
        .file(&format!("d/{}.txt", secrets[0]), "nothing")
        .link("l", SYMBOLIC_LINK, &secrets[1])
        .entry(b"x", b'x', "", record.len() as u64, record.as_bytes())
        .file("c", "nothing")
        .finish();
    scratch.write("a.tar", archive);
    let report = scratch.scan(&["a.tar"]);
    report.assert_secrets(&secrets.iter().map(String::as_str).collect::<Vec<_>>());
    report.assert_complete();
}

#[test]
fn zip_members_of_every_form_are_read() {
    let (scratch, secrets) = (Scratch::new(), (52..57).map(github_pat).collect::<Vec<_>>());
    let lines: Vec<Vec<u8>> = secrets.iter().map(|secret| token_line(secret).into_bytes()).collect();
    let archive = zip(&[
        ZipMember { name: "streamed", method: 8, flags: 8, content: &lines[0] },
        ZipMember::stored("stored", &lines[1]),
        ZipMember { name: "zstd", method: 93, flags: 0, content: &lines[2] },
        ZipMember::deflated("last", &lines[3]),
    ]);
    scratch.write("a.zip", &archive);
    // What stands between a member and the list, as an APK's signatures do.
    let list = archive.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    let mut apk = [&archive[..list], &[7; 5000], &archive[list..]].concat();
    let start = apk.len() - 6;
    apk[start..start + 4].copy_from_slice(&(list as u32 + 5000).to_le_bytes());
    scratch.write("b.apk", apk);
    let report = scratch.scan(&["."]);
    report.assert_complete();
    for secret in &secrets[..4] {
        assert_eq!(report.find(secret)["places"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn one_bad_member_costs_itself_only() {
    let (scratch, secrets) = (Scratch::new(), (60..64).map(github_pat).collect::<Vec<_>>());
    let line = |at: usize| token_line(&secrets[at]).into_bytes();
    let mut damaged = gzip(noise(5, 2000).as_bytes());
    let middle = damaged.len() / 2;
    damaged[middle..middle + 50].fill(0xff);
    let archive = TarFile::default()
        .file("first", line(0))
        .file("damaged.gz", &damaged)
        .file("cut.gz", &gzip(noise(6, 2000).as_bytes())[..9000])
        .file(
            "some.zip",
            zip(&[
                ZipMember { name: "locked", method: 8, flags: 1, content: b"???" },
                ZipMember { name: "odd", method: 99, flags: 0, content: b"???" },
                ZipMember::deflated("fine", &line(1)),
            ]),
        )
        .file("last", line(2))
        .finish();
    scratch.write("a.tar", archive);
    let report = scratch.scan(&["a.tar"]);
    report.assert_secrets(&[&secrets[0], &secrets[1], &secrets[2]]);
    for part in [
        ["a.tar!damaged.gz!damaged", ""],
        ["a.tar!cut.gz!cut", ""],
        ["a.tar!some.zip!locked", "encrypted"],
        ["a.tar!some.zip!odd", "method 99"],
    ] {
        report.assert_unread(&part);
    }
    assert_eq!(report.summary["unread"].as_array().unwrap().len(), 4, "{:#?}", report.summary["unread"]);
}

#[test]
fn a_file_that_only_begins_like_a_container_is_read_as_it_is() {
    let (scratch, secret) = (Scratch::new(), github_pat(64));
    let content = [
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03 and then text\n".as_slice(),
        noise(7, 50).as_bytes(),
        token_line(&secret).as_bytes(),
    ]
    .concat();
    scratch.write("odd.bin", content);
    let report = scratch.scan(&["odd.bin"]);
    report.assert_unread(&["odd.bin"]);
    report.assert_secrets(&[&secret]);
}

#[test]
fn cut_off_archives_are_read_to_the_cut_and_said() {
    let (scratch, secret) = (Scratch::new(), github_pat(65));
    let tar = TarFile::default().file("first", token_line(&secret)).file("second", noise(8, 400)).finish();
    scratch.write("a.tar", &tar[..8000]);
    scratch.write("b.tar.gz", &gzip(&tar)[..4000]);
    scratch.write("c.tar.zst", &zstd(&tar)[..4000]);
    let archive = zip(&[
        ZipMember::deflated("first", token_line(&secret).as_bytes()),
        ZipMember::deflated("x", noise(9, 90).as_bytes()),
    ]);
    scratch.write("d.zip", &archive[..1000]);
    for name in ["a.tar", "b.tar.gz", "c.tar.zst", "d.zip"] {
        let report = scratch.scan(&[name]);
        assert_eq!(
            report.summary["unread"].as_array().unwrap().len(),
            1,
            "{name} {:#?}",
            report.summary["unread"]
        );
        report.assert_unread(&[name]);
        if name != "c.tar.zst" {
            report.assert_secrets(&[&secret]);
        }
    }
}

#[test]
fn damage_in_a_tar_archive_is_said_and_what_follows_read_as_it_is() {
    let (scratch, secrets) = (Scratch::new(), [github_pat(66), github_pat(67)]);
    let mut tar = TarFile::default()
        .file("first", token_line(&secrets[0]))
        .file("second", token_line(&secrets[1]))
        .finish();
    tar[1024 + 20] ^= 1;
    scratch.write("a.tar", tar);
    let report = scratch.scan(&["a.tar"]);
    report.assert_unread(&["a.tar", "checksum"]);
    report.assert_secrets(&[&secrets[0], &secrets[1]]);
}

#[test]
fn bombs_cost_a_bounded_amount_and_are_said() {
    let (scratch, secret) = (Scratch::new(), github_pat(70));
    // A hole of 1 TiB, and then a secret.
    let mut block = header(b"hole", b'S', "", 512);
    let number = |value: u64| format!("{value:011o}\0").into_bytes();
    block[386..398].copy_from_slice(&binary(1 << 40));
    block[398..410].copy_from_slice(&number(512));
    block[483..495].copy_from_slice(&binary((1 << 40) + 512));
    seal(&mut block);
    let mut content = token_line(&secret).into_bytes();
    content.resize(512, b' ');
    scratch.write("hole.tar", TarFile::default().raw(&block).raw(&content).file("z", "nothing").finish());
    // 2 GiB of zeros, in gzip in gzip, and beside a secret.
    let zeros = vec![0; 1 << 20];
    let member = gzip(&zeros);
    scratch.write("zeros.gz", member.repeat(2048));
    let inner = gzip(&member.repeat(2048));
    let line = token_line(&secret);
    let archive = zip(&[ZipMember::stored("bomb", &inner), ZipMember::deflated("fine", line.as_bytes())]);
    assert!(archive.len() < 70_000, "{}", archive.len());
    scratch.write("small.zip", archive);
    for (name, what) in
        [("hole.tar", "hole.tar!hole"), ("zeros.gz", "zeros.gz!zeros"), ("small.zip", "small.zip!bomb")]
    {
        let start = Instant::now();
        let report = scratch.scan(&[name]);
        report.assert_unread(&[what, "unpacks to more than"]);
        assert!(start.elapsed() < MAX_BOMB_TIME, "{name} took {:?}", start.elapsed());
        if name != "zeros.gz" {
            report.assert_secrets(&[&secret]);
        }
    }
}

/// A number as tar writes those that have no room in octal.
fn binary(value: u64) -> [u8; 12] {
    let mut field = [0; 12];
    field[0] = 0x80;
    field[4..].copy_from_slice(&value.to_be_bytes());
    field
}

#[test]
fn archives_a_thousand_deep_are_read_to_a_limit() {
    let (scratch, secret) = (Scratch::new(), github_pat(71));
    let mut archive = token_line(&secret).into_bytes();
    for level in 0..1000 {
        archive =
            if level % 2 == 0 { TarFile::default().file("a", archive).finish() } else { gzip(&archive) };
    }
    scratch.write("deep", archive);
    let report = scratch.scan(&["deep"]);
    report.assert_unread(&["deep!a!a", "more than 16 containers in each other"]);
}

#[test]
fn names_are_shown_and_never_used() {
    let scratch = Scratch::new();
    let secrets: Vec<String> = (72..76).map(github_pat).collect();
    let archive = TarFile::default()
        .file("../../escape.py", token_line(&secrets[0]))
        .file("/etc/absolute.py", token_line(&secrets[1]))
        .entry(
            b"not-utf8-\xff.py",
            FILE,
            "",
            token_line(&secrets[2]).len() as u64,
            token_line(&secrets[2]).as_bytes(),
        )
        .file("\u{1b}[2Jclear.py", token_line(&secrets[3]))
        .finish();
    scratch.write("d/a.tar", archive);
    let report = scratch.scan(&["d/a.tar"]);
    assert_eq!(report.place(&secrets[0])["member"], "../../escape.py");
    assert_eq!(report.place(&secrets[1])["member"], "/etc/absolute.py");
    assert!(report.place(&secrets[2])["member_bytes"].is_string());
    let text = scratch.keysieve(["scan", "d/a.tar"]).stdout;
    assert!(text.contains("a.tar!\\u{1b}[2Jclear.py:1"), "{text}");
    assert!(!scratch.path("escape.py").exists());
}

#[test]
fn a_million_empty_files_are_no_trouble() {
    let scratch = Scratch::new();
    let block = header(b"empty", FILE, "", 0);
    scratch.write("a.tar.zst", zstd(&block.repeat(1_000_000)));
    let start = Instant::now();
    scratch.scan(&["a.tar.zst"]).assert_complete();
    assert!(start.elapsed() < MAX_BOMB_TIME, "{:?}", start.elapsed());
}

#[test]
fn programs_and_data_are_read_by_their_strings() {
    let (scratch, secrets) = (Scratch::new(), (80..83).map(github_pat).collect::<Vec<_>>());
    let python = |code: &str, file: &str| {
        filter(
            "python3",
            &["-c", &format!("import sys\nv = sys.stdin.read()\n{code}")],
            secrets[0].as_bytes(),
        );
        assert!(scratch.path(file).exists());
    };
    let at = |name: &str| scratch.path(name).to_str().unwrap().to_owned();
    scratch.write("x.py", token_line(&secrets[0]));
    python(
        &format!("import py_compile; py_compile.compile({:?}, {:?})", at("x.py"), at("out/x.pyc")),
        "out/x.pyc",
    );
    python(
        &format!("import pickle; pickle.dump({{'token': v}}, open({:?}, 'wb'))", at("out/a.pickle")),
        "out/a.pickle",
    );
    python(
        &format!(
            "import sqlite3; c = sqlite3.connect({:?}); c.execute('create table t(v)'); c.execute('insert into t values (?)', (v,)); c.commit()",
            at("out/a.sqlite")
        ),
        "out/a.sqlite",
    );
    let report = scratch.scan(&["out"]);
    assert_eq!(report.find(&secrets[0])["places"].as_array().unwrap().len(), 3);
    report.assert_complete();
}
