//! `keysieve image NAME`: tools that are scripts here, and what is selected before it is read. `tests/registry/run` does the same
//! with a registry and the tools that people use.

use std::fs;

use serde_json::json;

use crate::fixture::{Run, Scratch, keysieve_command, make_executable, run};
use crate::images::{Layout, digest, layer};
use crate::packing::{TarFile, filter};
use crate::secrets::github_pat;

/// Tools by name that are shell scripts, and nothing else on `PATH`.
struct Tools<'a> {
    scratch: &'a Scratch,
}

impl<'a> Tools<'a> {
    fn new(scratch: &'a Scratch, scripts: &[(&str, &str)]) -> Self {
        fs::create_dir_all(scratch.path("tools")).unwrap();
        fs::create_dir_all(scratch.path("tmp")).unwrap();
        for (name, script) in scripts {
            let path = format!("tools/{name}");
            scratch.write(&path, format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{script}"));
            make_executable(&scratch.path(&path));
        }
        Self { scratch }
    }

    /// `keysieve image ARGUMENTS`, which leaves nothing in the temporary folder.
    fn image(&self, arguments: &[&str]) -> Run {
        let mut command = keysieve_command(&self.scratch.path(""));
        command.env("PATH", self.scratch.path("tools")).env("TMPDIR", self.scratch.path("tmp"));
        command.args(["image", "--format", "jsonl", "--show-secrets"]).args(arguments);
        let run = run(&mut command, b"");
        assert_eq!(fs::read_dir(self.scratch.path("tmp")).unwrap().count(), 0, "{}", run.stderr);
        run
    }
}

/// A `save` and `image inspect` of these names, which `image.tar` is.
fn saves(names: &str) -> String {
    format!(
        "case \"$1 $2 $3\" in\n  'image inspect '*) case $3 in {names}) exit 0;; *) exit 1;; esac;;\nesac\n\
         [ \"$1\" = save ] && [ $# = 2 ] && exec cat image.tar"
    )
}

const NOTHING: &str = "echo 'no such image' >&2; exit 1";

/// An archive with a secret in an image, `image.tar`.
fn archive(scratch: &Scratch, secret: &str) {
    let mut layout = Layout::new(scratch, "l");
    let blob = layout.blob(layer("app/config.py", secret));
    layout.image("app:1", "linux/amd64", &[blob]);
    let folder = scratch.path("l");
    let bytes = filter("tar", &["-C", folder.to_str().unwrap(), "-cf", "-", "."], b"");
    scratch.write("image.tar", bytes);
}

#[test]
fn the_store_that_has_the_image_is_asked_for_it() {
    let (scratch, secret) = (Scratch::new(), github_pat(2200));
    archive(&scratch, &secret);
    let docker = saves("app:1|registry.example/app:1");
    for (scripts, told) in [
        (vec![("docker", docker.as_str())], "`docker save app:1`"),
        (vec![("docker", docker.as_str()), ("podman", NOTHING)], "`docker save app:1`"),
        (vec![("docker", NOTHING), ("podman", docker.as_str())], "`podman save app:1`"),
    ] {
        let scratch = Scratch::new();
        archive(&scratch, &secret);
        let run = Tools::new(&scratch, &scripts).image(&["app:1"]);
        assert!(run.stderr.contains(told), "{}", run.stderr);
        let report = run.report();
        report.assert_complete();
        assert_eq!(report.place(&secret)["path"], "app/config.py");
    }
    let tools = Tools::new(&scratch, &[("docker", &docker)]);
    for name in ["docker-daemon:app:1", "registry.example/app:1"] {
        assert_eq!(tools.image(&[name]).code, 1, "{name}");
    }
}

#[test]
fn skopeo_copies_what_no_store_has_and_only_the_platform_that_is_asked_for() {
    let (scratch, secret) = (Scratch::new(), github_pat(2205));
    archive(&scratch, &secret);
    // The destination comes last: `oci:FOLDER:NAME`.
    let skopeo = "echo \"$@\" >arguments\nfor last; do :; done\nrest=${last#oci:}\ncp -r l \"${rest%%:*}\"";
    let tools = Tools::new(&scratch, &[("docker", NOTHING), ("skopeo", skopeo)]);
    let arguments = |asked: &[&str]| {
        let run = tools.image(asked);
        assert!(run.stderr.contains("reading the image from `skopeo "), "{}", run.stderr);
        let report = run.report();
        report.assert_complete();
        assert_eq!(report.place(&secret)["path"], "app/config.py");
        fs::read_to_string(scratch.path("arguments")).unwrap()
    };
    for (asked, from) in [
        ("app:1", "docker://app:1"),
        ("docker://registry.example/app:1", "docker://registry.example/app:1"),
        ("containers-storage:app:1", "containers-storage:app:1"),
        ("docker-daemon:app:1", "docker-daemon:app:1"),
    ] {
        if asked.starts_with("docker-daemon") {
            fs::remove_file(scratch.path("tools/docker")).unwrap();
        }
        let given = arguments(&[asked]);
        assert!(given.starts_with(&format!("copy --quiet --all {from} oci:")), "{given}");
    }
    let given = arguments(&["docker://app:1", "--platform", "linux/amd64"]);
    let expected = "--override-os=linux --override-arch=amd64 copy --quiet docker://app:1 oci:";
    assert!(given.starts_with(expected), "{given}");
}

#[test]
fn a_tool_that_fails_is_told_and_nothing_is_left_behind() {
    let (scratch, secret) = (Scratch::new(), github_pat(2210));
    archive(&scratch, &secret);
    let half = "[ \"$1\" = image ] && exit 0\nhead -c 9000 image.tar\necho 'daemon went away' >&2\nexit 3";
    let fails =
        "for last; do :; done\nrest=${last#oci:}\nmkdir \"${rest%%:*}\"\necho 'manifest unknown' >&2\nexit 1";
    for (scripts, told) in [
        (vec![("docker", half)], ["daemon went away", "`docker save app:1` failed"]),
        (vec![("docker", "[ \"$1\" = image ]")], ["`docker save app:1` failed", "exit status: 1"]),
        (vec![("skopeo", fails)], ["manifest unknown", "failed: exit status: 1"]),
    ] {
        let scratch = Scratch::new();
        archive(&scratch, &secret);
        let run = Tools::new(&scratch, &scripts).image(&["app:1"]);
        assert_eq!(run.code, 2);
        for part in told {
            assert!(run.stderr.contains(part), "{}", run.stderr);
        }
    }
}

#[test]
fn without_a_tool_the_lines_to_type_are_named() {
    let scratch = Scratch::new();
    let tools = Tools::new(&scratch, &[]);
    for (name, lines) in [
        ("app:1", ["  skopeo copy --all docker://app:1 oci:image", "  keysieve image image"]),
        ("docker://app:1", ["  skopeo copy --all docker://app:1 oci:image", "  keysieve image image"]),
        ("docker-daemon:app:1", ["  docker save -o image.tar app:1", "  keysieve image image.tar"]),
        ("containers-storage:app:1", ["  podman save -o image.tar app:1", "  keysieve image image.tar"]),
    ] {
        let run = tools.image(&[name]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{name}");
        let told: Vec<&str> = run.stderr.lines().skip(1).collect();
        assert_eq!(told, lines, "{name}");
    }
    let run = Tools::new(&scratch, &[("docker", NOTHING)]).image(&["app:1"]);
    assert!(
        run.stderr.contains("\n  docker pull app:1\n  docker save app:1 | keysieve image -\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn what_is_a_file_is_read_and_no_tool_is_asked() {
    let (scratch, secret) = (Scratch::new(), github_pat(2215));
    archive(&scratch, &secret);
    fs::copy(scratch.path("image.tar"), scratch.path("app:1")).unwrap();
    let tools = Tools::new(&scratch, &[("docker", "touch asked"), ("skopeo", "touch asked")]);
    for name in
        ["app:1", "image.tar", "oci:l", "oci:l:app:1", "oci-archive:image.tar:app:1", "docker-archive:app:1"]
    {
        let run = tools.image(&[name]);
        assert_eq!(run.report().place(&secret)["path"], "app/config.py", "{name}");
    }
    assert!(tools.image(&["oci:l:app:2"]).stderr.contains("there is no image `app:2` here"));
    for name in ["nowhere.tar", "./nowhere", "a b", "$(touch asked)", "docker://-v", "--", "oci:nowhere:1"] {
        let run = tools.image(&[name]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{name}");
    }
    assert_eq!(tools.image(&["--", "-v"]).code, 2);
    assert!(!scratch.path("asked").exists());
}

#[test]
fn what_is_not_selected_is_not_read_and_makes_nothing_incomplete() {
    let (scratch, secrets) = (Scratch::new(), [github_pat(2220), github_pat(2221)]);
    let mut layout = Layout::new(&scratch, "l");
    let missing = json!({"digest": format!("sha256:{}", digest(b"missing")), "size": 7});
    let fine = layout.blob(layer("fine.py", &secrets[0]));
    let other = layout.blob(layer("other.py", &secrets[1]));
    let broken = layout.blob(&layer("broken.py", &secrets[1])[..600]);
    layout.image("one", "linux/amd64", &[other.clone(), fine.clone()]);
    layout.image("two", "linux/arm64", &[missing, broken, other]);
    layout.manifests.push(json!({
        "digest": format!("sha256:{}", digest(b"s390x")), "platform": {"os": "linux", "architecture": "s390x"},
    }));
    layout.finish();
    let folder = scratch.path("l");
    scratch.write("l.tar", filter("tar", &["-C", folder.to_str().unwrap(), "-cf", "-", "."], b""));
    scratch.write("l.tar.gz", filter("gzip", &["-c"], &fs::read(scratch.path("l.tar")).unwrap()));
    let tools = Tools::new(&scratch, &[]);
    for image in ["l", "l.tar", "l.tar.gz"] {
        tools.image(&[image]).report().assert_unread(&[&digest(b"missing")]);
        for selection in [["--image", "one"], ["--platform", "linux/amd64"]] {
            let report = tools.image(&[image, selection[0], selection[1]]).report();
            report.assert_complete();
            report.assert_secrets(&[&secrets[0], &secrets[1]]);
        }
        let report = tools.image(&[image, "--image", "one", "--skip-base", "1"]).report();
        report.assert_complete();
        report.assert_secrets(&[&secrets[0]]);
        if image != "l.tar.gz" {
            assert_eq!(report.summary["read"]["layers"], 1);
        }
        // What is damaged in the base is its builder's.
        let report = tools.image(&[image, "--image", "two", "--skip-base", "2"]).report();
        report.assert_complete();
        report.assert_secrets(&[&secrets[1]]);
    }
}

#[test]
fn layers_are_listed_with_what_made_them() {
    let scratch = Scratch::new();
    let layout = Layout::new(&scratch, "l");
    let blobs = [
        layout.blob(TarFile::default().file("a", "a").finish()),
        layout.blob(TarFile::default().file("b", "b").finish()),
    ];
    let config = layout.document(&json!({
        "os": "linux", "architecture": "amd64",
        "history": [
            {"created_by": "COPY a /a"}, {"created_by": "ENV A=1", "empty_layer": true}, {"created_by": "RUN |1 A=1 /bin/sh -c make"},
        ],
    }));
    let manifest = layout.document(&json!({"schemaVersion": 2, "config": config, "layers": blobs}));
    scratch.write("l/index.json", json!({"manifests": [manifest]}).to_string());
    let run = scratch.keysieve(["image", "layers", "l"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let lines: Vec<Vec<&str>> =
        run.stdout.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    let row = |number: &'static str, at: usize, instruction: &[&'static str]| {
        [&[number, blobs[at]["digest"].as_str().unwrap()], &["2.0", "KiB"], instruction].concat()
    };
    assert_eq!(lines, [row("1", 0, &["COPY", "a", "/a"]), row("2", 1, &["RUN", "make"])], "{}", run.stdout);
}
