//! `keysieve image`: images made by the tools that people use, and what no tool would make.
//!
//! Those of umoci, skopeo and buildah need these programs (`apt-get install umoci skopeo buildah`); `.ci/run` installs them. Where
//! one is missing, its test says so and passes.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::fixture::{Report, Scratch};
use crate::packing::{HARD_LINK, TarFile, ZipMember, filter, gzip, zip, zstd};
use crate::secrets::{github_pat, noise, token_line};

const MAX_BOMB_TIME: Duration = Duration::from_secs(60);

/// Whether the program is there; says so where it is not.
fn has(program: &str) -> bool {
    let is_there =
        Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !is_there {
        eprintln!("left out: {program} is not installed");
    }
    is_there
}

/// Runs a tool in the scratch directory.
#[track_caller]
fn tool(scratch: &Scratch, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(scratch.path(""))
        .env("STORAGE_DRIVER", "vfs")
        .env("BUILDAH_ISOLATION", "chroot")
        .output()
        .unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// `keysieve image ARGUMENTS`, with secrets shown.
fn image(scratch: &Scratch, arguments: &[&str]) -> Report {
    scratch.keysieve([&["image", "--format", "jsonl", "--show-secrets"], arguments].concat()).report()
}

/// The same of what comes on standard input.
fn image_of_stream(scratch: &Scratch, input: &[u8]) -> Report {
    scratch.keysieve_reading(input, &["image", "--format", "jsonl", "--show-secrets", "-"]).report()
}

/// What is planted, each a secret of its own.
struct Planted {
    env_file: String,
    config_old: String,
    config_new: String,
    hidden: String,
    nested: String,
    kept: String,
    env: String,
    argument: String,
    label: String,
}

fn planted() -> Planted {
    let secret = |number: u64| github_pat(2000 + number);
    Planted {
        env_file: secret(1),
        config_old: secret(2),
        config_new: secret(3),
        hidden: secret(4),
        nested: secret(5),
        kept: secret(6),
        env: secret(7),
        argument: secret(8),
        label: secret(9),
    }
}

/// The layers of the planted image, and the instructions that make them.
fn planted_layers(planted: &Planted) -> [(Vec<u8>, String); 3] {
    let jar = zip(&[ZipMember::deflated("app.properties", token_line(&planted.nested).as_bytes())]);
    let wheel = gzip(&TarFile::default().file("lib/app.jar", jar).finish());
    let lowest = TarFile::default()
        .file("app/.env", format!("TOKEN={}\n", planted.env_file))
        .file("app/config.py", token_line(&planted.config_old))
        .file("cache/deep/a.txt", token_line(&planted.hidden))
        .file("srv/app.tar.gz", wheel)
        .file("srv/kept.py", format!("{}{}", noise(1, 50), token_line(&planted.kept)))
        .link("srv/link.py", HARD_LINK, "srv/kept.py")
        .finish();
    let middle = TarFile::default()
        .file("app/.wh..env", "")
        .file("app/config.py", token_line(&planted.config_new))
        .finish();
    // Some write whiteouts as hard links.
    let highest =
        TarFile::default().file("other", "").link("cache/.wh..wh..opq", HARD_LINK, "other").finish();
    let build = format!("|1 API_TOKEN={} /bin/sh -c rm /app/.env && make", planted.argument);
    [
        (lowest, "/bin/sh -c #(nop) COPY dir:0123 in / ".to_owned()),
        (middle, build.clone()),
        (highest, format!("RUN {build} # buildkit")),
    ]
}

/// Everything that is planted was found where it is, with what became of it.
#[track_caller]
fn assert_planted(report: &Report, planted: &Planted, name: &str) {
    report.assert_complete();
    let secrets = [
        &planted.env_file,
        &planted.config_old,
        &planted.config_new,
        &planted.hidden,
        &planted.nested,
        &planted.kept,
        &planted.env,
        &planted.argument,
        &planted.label,
    ];
    report.assert_secrets(&secrets.map(String::as_str));
    let check = |secret: &str, path: &str, layer: u64, instruction: &str| {
        let place = report.place(secret);
        assert_eq!(place["kind"], "image");
        assert!(place["image"].as_str().unwrap().contains(name), "{place:#}");
        assert_eq!(
            (&place["path"], &place["layer_number"], &place["layer_count"]),
            (&path.into(), &layer.into(), &3.into())
        );
        assert_eq!(place["instruction"], instruction, "{place:#}");
        assert!(place["layer"].as_str().unwrap().starts_with("sha256:"));
    };
    let removed = |secret: &str, removal: &str, layer: u64| {
        let place = report.place(secret);
        assert_eq!(
            (&place["removal"], &place["deleted_by_number"]),
            (&removal.into(), &layer.into()),
            "{place:#}"
        );
        assert!(place["deleted_by"].as_str().unwrap().starts_with("sha256:"));
        assert_eq!(place["deleted_by_instruction"], "RUN rm /app/.env && make");
    };
    let copy = "COPY dir:0123 in /";
    check(&planted.env_file, "app/.env", 1, copy);
    removed(&planted.env_file, "deleted", 2);
    check(&planted.config_old, "app/config.py", 1, copy);
    removed(&planted.config_old, "overwritten", 2);
    check(&planted.config_new, "app/config.py", 2, "RUN rm /app/.env && make");
    assert!(report.place(&planted.config_new).get("removal").is_none());
    check(&planted.hidden, "cache/deep/a.txt", 1, copy);
    removed(&planted.hidden, "hidden", 3);
    check(&planted.nested, "srv/app.tar.gz", 1, copy);
    assert_eq!(report.place(&planted.nested)["member"], "lib/app.jar!app.properties");
    check(&planted.kept, "srv/kept.py", 1, copy);
    assert_eq!(report.place(&planted.kept)["line"], 51);
    let field = |secret: &str| {
        let places = report.find(secret)["places"].as_array().unwrap();
        places.iter().map(|place| place["field"].as_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(field(&planted.env), ["config.Env[0]"]);
    assert_eq!(field(&planted.label), ["config.Labels.token"]);
    // In each later step too, of which nothing is told.
    assert_eq!(field(&planted.argument), ["history[1].created_by build-arg:API_TOKEN"]);
    assert_eq!(report.place(&planted.argument)["instruction"], "RUN rm /app/.env && make");
    let env_files = report.summary["env_files"].as_array().unwrap();
    assert_eq!(env_files.len(), 1);
    assert_eq!((&env_files[0]["path"], &env_files[0]["state"]), (&"app/.env".into(), &"in-image".into()));
    assert_eq!(report.summary["read"]["layers"], 3);
}

/// Makes the planted image with umoci, as the OCI layout `layout` with the tag `app`.
fn planted_layout(scratch: &Scratch, planted: &Planted) {
    tool(scratch, "umoci", &["init", "--layout", "layout"]);
    tool(scratch, "umoci", &["new", "--image", "layout:app"]);
    for (number, (layer, instruction)) in planted_layers(planted).iter().enumerate() {
        let file = format!("layer{number}.tar");
        scratch.write(&file, layer);
        tool(
            scratch,
            "umoci",
            &["raw", "add-layer", "--image", "layout:app", "--history.created_by", instruction, &file],
        );
    }
    let (env, label) = (format!("TOKEN={}", planted.env), format!("token={}", planted.label));
    tool(
        scratch,
        "umoci",
        &["config", "--image", "layout:app", "--no-history", "--config.env", &env, "--config.label", &label],
    );
    tool(scratch, "umoci", &["gc", "--layout", "layout"]);
}

#[test]
fn everything_planted_is_found_in_each_format_that_skopeo_writes() {
    if !has("umoci") || !has("skopeo") {
        return;
    }
    let (scratch, planted) = (Scratch::new(), planted());
    planted_layout(&scratch, &planted);
    let copy = |options: &[&str], to: &str| {
        let arguments =
            [&["copy", "--quiet", "--insecure-policy"], options, &["oci:layout:app", to]].concat();
        tool(&scratch, "skopeo", &arguments);
    };
    copy(&[], "docker-archive:docker.tar:example.com/app:1.0");
    copy(&[], "oci-archive:oci.tar:app");
    copy(&[], "dir:dir");
    copy(&["--dest-compress", "--dest-compress-format", "zstd"], "dir:zstd");
    copy(&["--dest-decompress"], "dir:plain");
    for (path, name) in [
        ("layout", "app"),
        ("docker.tar", "example.com/app:1.0"),
        ("oci.tar", "app"),
        ("dir", ""),
        ("zstd", ""),
        ("plain", ""),
    ] {
        assert_planted(&image(&scratch, &[path]), &planted, name);
    }
    for path in ["docker.tar", "oci.tar"] {
        let bytes = std::fs::read(scratch.path(path)).unwrap();
        for stream in [bytes.clone(), gzip(&bytes), zstd(&bytes)] {
            assert_planted(&image_of_stream(&scratch, &stream), &planted, "app");
        }
        scratch.write("compressed", gzip(&bytes));
        assert_planted(&image(&scratch, &["compressed"]), &planted, "app");
    }
}

#[test]
fn the_text_says_where_it_is_what_deleted_it_and_what_to_do_and_shows_no_secret() {
    if !has("umoci") {
        return;
    }
    let (scratch, planted) = (Scratch::new(), planted());
    planted_layout(&scratch, &planted);
    let run = scratch.keysieve(["image", "layout", "-v"]);
    assert_eq!(run.code, 1);
    for part in [
        "  image    app/.env:1:7\n           in app (linux/amd64), layer 1 of 3 sha256:",
        " (`COPY dir:0123 in /`)\n           deleted by layer 2 (`RUN rm /app/.env && make`), still readable in layer 1\n",
        "srv/app.tar.gz!lib/app.jar!app.properties:1:10",
        "history[1].created_by build-arg:API_TOKEN of the configuration",
        "--mount=type=secret",
        ".dockerignore",
        "  .env",
    ] {
        assert!(run.stdout.contains(part.trim_start_matches("  .")), "no {part:?} in {}", run.stdout);
    }
    for secret in [&planted.argument, &planted.env, &planted.env_file] {
        assert!(!run.stdout.contains(secret.as_str()));
    }
}

#[test]
fn what_buildah_builds_is_read() {
    if !has("buildah") {
        return;
    }
    let (scratch, secrets) = (Scratch::new(), [github_pat(2020), github_pat(2021)]);
    scratch.write("context/app/settings.py", token_line(&secrets[0]));
    let root = scratch.path("storage");
    let state = scratch.path("state");
    let buildah = |arguments: &[&str]| {
        let storage = ["--root", root.to_str().unwrap(), "--runroot", state.to_str().unwrap()];
        tool(&scratch, "buildah", &[storage.as_slice(), arguments].concat())
    };
    let container = buildah(&["from", "scratch"]);
    buildah(&["add", "--add-history", &container, "context", "/"]);
    buildah(&["config", "--env", &format!("TOKEN={}", secrets[1]), &container]);
    for (number, target) in
        ["oci-archive:o.tar:app", "docker-archive:d.tar:app:1", "oci:layout:app", "dir:dir"]
            .iter()
            .enumerate()
    {
        buildah(&["commit", "--quiet", &container, target]);
        let report = image(&scratch, &[["o.tar", "d.tar", "layout", "dir"][number]]);
        report.assert_complete();
        report.assert_secrets(&[&secrets[0], &secrets[1]]);
        assert_eq!(report.place(&secrets[0])["path"], "app/settings.py");
        assert_eq!(report.place(&secrets[0])["layer_number"], 1);
    }
}

/// An OCI layout under construction.
pub(crate) struct Layout<'a> {
    scratch: &'a Scratch,
    name: &'a str,
    pub(crate) manifests: Vec<Value>,
}

impl<'a> Layout<'a> {
    pub(crate) fn new(scratch: &'a Scratch, name: &'a str) -> Self {
        scratch.write(&format!("{name}/oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#);
        Self { scratch, name, manifests: Vec::new() }
    }

    pub(crate) fn blob(&self, bytes: impl AsRef<[u8]>) -> Value {
        let digest = digest(bytes.as_ref());
        self.scratch.write(&format!("{}/blobs/sha256/{digest}", self.name), bytes.as_ref());
        json!({"digest": format!("sha256:{digest}"), "size": bytes.as_ref().len()})
    }

    pub(crate) fn document(&self, document: &Value) -> Value {
        self.blob(document.to_string())
    }

    /// Adds an image of these layers.
    pub(crate) fn image(&mut self, tag: &str, platform: &str, layers: &[Value]) {
        let (os, architecture) = platform.split_once('/').unwrap();
        let config = self.document(&json!({"os": os, "architecture": architecture, "tag": tag}));
        let mut manifest = self.document(&json!({"schemaVersion": 2, "config": config, "layers": layers}));
        manifest["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        manifest["platform"] = json!({"os": os, "architecture": architecture});
        self.manifests.push(manifest);
        self.finish();
    }

    pub(crate) fn finish(&self) {
        let index = json!({"schemaVersion": 2, "manifests": self.manifests});
        self.scratch.write(&format!("{}/index.json", self.name), index.to_string());
    }
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn layer(path: &str, secret: &str) -> Vec<u8> {
    TarFile::default().file(path, token_line(secret)).finish()
}

#[test]
fn a_layer_that_images_share_is_read_once_and_named_for_each() {
    let (scratch, secrets) = (Scratch::new(), [github_pat(2030), github_pat(2031), github_pat(2032)]);
    let mut layout = Layout::new(&scratch, "l");
    let shared = layout.blob(gzip(&layer("base.py", &secrets[0])));
    let one = layout.blob(zstd(&layer("one.py", &secrets[1])));
    let two = layout.blob(layer("two.py", &secrets[2]));
    let top = one["digest"].as_str().unwrap().to_owned();
    layout.image("one", "linux/amd64", &[shared.clone(), one]);
    layout.image("two", "linux/arm64", &[shared.clone(), two]);
    let report = image(&scratch, &["l"]);
    report.assert_complete();
    assert_eq!(report.summary["read"]["layers"], 3);
    assert_eq!(report.places(&secrets[0], "image").len(), 2);
    for (arguments, expected) in [
        (vec!["--image", "two"], vec![&secrets[0], &secrets[2]]),
        (vec!["--platform", "linux/amd64"], vec![&secrets[0], &secrets[1]]),
        (vec!["--skip-base", "1"], vec![&secrets[1], &secrets[2]]),
        (vec!["--skip-base", shared["digest"].as_str().unwrap()], vec![&secrets[1], &secrets[2]]),
    ] {
        let report = image(&scratch, &[arguments.as_slice(), &["l"]].concat());
        report.assert_complete();
        report.assert_secrets(&expected.iter().map(|secret| secret.as_str()).collect::<Vec<_>>());
        if arguments[0] == "--skip-base" {
            assert!(report.summary["notices"][0].as_str().unwrap().contains("1 layer of the base of one"));
        }
    }
    for (arguments, parts) in [
        (["--image", "three"], ["`three`", "one (linux/amd64), two (linux/arm64)"]),
        (["--platform", "windows/amd64"], ["`windows/amd64`", "linux/amd64, linux/arm64"]),
        (["--skip-base", "sha256:00"], ["sha256:00", "no image here has this layer"]),
        (["--skip-base", "2"], ["--skip-base 2", "only 2 layers"]),
        (["--skip-base", "9"], ["--skip-base 9", "only 2 layers"]),
        (["--skip-base", &top], ["only 2 layers", "nothing would be left to read"]),
    ] {
        let run = scratch.keysieve(["image", "l", arguments[0], arguments[1]]);
        assert_eq!(run.code, 2);
        assert!(parts.iter().all(|part| run.stderr.contains(part)), "{}", run.stderr);
    }
}

#[test]
fn the_layers_of_a_base_image_are_left_out_by_its_file() {
    if !has("umoci") {
        return;
    }
    let (scratch, secrets) = (Scratch::new(), [github_pat(2035), github_pat(2036)]);
    tool(&scratch, "umoci", &["init", "--layout", "base"]);
    tool(&scratch, "umoci", &["new", "--image", "base:b"]);
    scratch.write("0.tar", layer("base.py", &secrets[0]));
    scratch.write("1.tar", layer("app.py", &secrets[1]));
    tool(&scratch, "umoci", &["raw", "add-layer", "--image", "base:b", "0.tar"]);
    tool(&scratch, "cp", &["-r", "base", "app"]);
    tool(&scratch, "umoci", &["raw", "add-layer", "--image", "app:b", "1.tar"]);
    image(&scratch, &["app", "--skip-base", "base"]).assert_secrets(&[&secrets[1]]);
    let run = scratch.keysieve(["image", "base", "--skip-base", "app"]);
    assert!(run.code == 2 && run.stderr.contains("no image here builds on it"), "{run:?}");
    let run = scratch.keysieve(["image", "base", "--skip-base", "base"]);
    assert!(run.code == 2 && run.stderr.contains("nothing would be left to read"), "{run:?}");
}

#[test]
fn both_layouts_of_docker_in_one_archive_are_one_image_whatever_comes_first() {
    let (scratch, secret) = (Scratch::new(), github_pat(2040));
    let (layer, config) =
        (layer("a.py", &secret), json!({"os": "linux", "architecture": "amd64"}).to_string());
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", digest(bytes));
    let described =
        |bytes: &[u8]| json!({"digest": format!("sha256:{}", digest(bytes)), "size": bytes.len()});
    let manifest = json!({"config": described(config.as_bytes()), "layers": [described(&layer)]}).to_string();
    let mut named = described(manifest.as_bytes());
    named["annotations"] = json!({"io.containerd.image.name": "docker.io/library/app:2"});
    let index = json!({"manifests": [named]}).to_string();
    let docker =
        json!([{"Config": blob(config.as_bytes()), "RepoTags": ["app:1"], "Layers": [blob(&layer)]}])
            .to_string();
    let files: Vec<(String, Vec<u8>)> = vec![
        (blob(&layer), layer),
        (blob(config.as_bytes()), config.into_bytes()),
        (blob(manifest.as_bytes()), manifest.into_bytes()),
        ("index.json".to_owned(), index.into_bytes()),
        ("manifest.json".to_owned(), docker.into_bytes()),
    ];
    let pack = |files: &mut dyn Iterator<Item = &(String, Vec<u8>)>| {
        files.fold(TarFile::default(), |tar, (name, bytes)| tar.file(name, bytes)).finish()
    };
    for archive in [pack(&mut files.iter()), pack(&mut files.iter().rev())] {
        let report = image_of_stream(&scratch, &archive);
        report.assert_complete();
        assert_eq!(report.place(&secret)["image"], "app:1 (and 1 more tags) (linux/amd64)");
        scratch.write("a.tar", &archive);
        assert_eq!(image(&scratch, &["a.tar"]).place(&secret)["path"], "a.py");
    }
}

#[test]
fn a_file_system_and_a_bare_layer_are_read_from_a_file_and_a_stream() {
    let (scratch, secret) = (Scratch::new(), github_pat(2045));
    scratch.write("root/etc/app.conf", token_line(&secret));
    let archive = filter("tar", &["-C", scratch.path("root").to_str().unwrap(), "-cf", "-", "."], b"");
    for bytes in [archive.clone(), gzip(&archive), zstd(&archive)] {
        scratch.write("fs", &bytes);
        for report in [image(&scratch, &["fs"]), image_of_stream(&scratch, &bytes)] {
            report.assert_complete();
            assert_eq!(report.place(&secret)["path"], "etc/app.conf");
        }
    }
}

#[test]
fn one_bad_layer_never_costs_the_others() {
    let (scratch, secrets) = (Scratch::new(), (2050..2055).map(github_pat).collect::<Vec<_>>());
    let mut layout = Layout::new(&scratch, "l");
    let fine = layout.blob(gzip(&layer("fine.py", &secrets[0])));
    let missing = json!({"digest": format!("sha256:{}", digest(b"missing")), "size": 7});
    let foreign =
        json!({"digest": format!("sha256:{}", digest(b"foreign")), "urls": ["https://example.com/layer"]});
    let mut encrypted = layout.blob(noise(1, 40));
    encrypted["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted".into();
    let whole =
        gzip(&TarFile::default().file("a.py", token_line(&secrets[1])).file("b.py", noise(2, 900)).finish());
    let cut = layout.blob(&whole[..whole.len() / 2]);
    let wrong = json!({"digest": format!("sha256:{}", digest(b"changed")), "size": 7});
    scratch.write(&format!("l/blobs/sha256/{}", digest(b"changed")), layer("changed.py", &secrets[2]));
    let escaping = json!({"digest": "sha256:../../../outside", "size": 7});
    scratch.write("outside", layer("outside.py", &secrets[3]));
    layout.image("a", "linux/amd64", &[missing, foreign, encrypted, cut, wrong, escaping, fine]);
    layout.manifests.push(json!({"digest": format!("sha256:{}", digest(b"arm")), "platform": {"os": "linux", "architecture": "arm64"}}));
    layout.finish();
    let report = image(&scratch, &["l"]);
    report.assert_secrets(&[&secrets[0], &secrets[1], &secrets[2]]);
    for parts in [
        [digest(b"missing").as_str(), "not there"],
        [&digest(b"foreign"), "https://example.com/layer"],
        ["layer sha256:", "encrypted"],
        ["b.py", ""],
        [&digest(b"changed"), "damaged or was changed"],
        ["../../../outside", "not there"],
        [&digest(b"arm"), "for linux/arm64"],
    ] {
        report.assert_unread(&parts);
    }
    assert_eq!(report.place(&secrets[0])["layer_number"], 7);
}

#[test]
fn documents_that_lead_nowhere_end() {
    let (scratch, secret) = (Scratch::new(), github_pat(2060));
    let mut layout = Layout::new(&scratch, "l");
    let fine = layout.blob(layer("fine.py", &secret));
    layout.image("a", "linux/amd64", &[fine]);
    // An index that names itself by a digest that is not its own, for lack of a collision.
    let name = digest(b"circle");
    let circle = json!({"digest": format!("sha256:{name}"), "size": 1});
    scratch.write(&format!("l/blobs/sha256/{name}"), json!({"manifests": [circle]}).to_string());
    layout.manifests.push(circle);
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let deep = layout.blob(format!("{{\"manifests\":{deep}}}"));
    layout.manifests.push(deep.clone());
    layout.finish();
    let report = image(&scratch, &["l"]);
    report.assert_secrets(&[&secret]);
    report.assert_unread(&[
        deep["digest"].as_str().unwrap().trim_start_matches("sha256:"),
        "cannot be understood",
    ]);
    report.assert_unread(&[&name, "damaged or was changed"]);
}

#[test]
fn only_regular_files_are_opened() {
    let (scratch, secret) = (Scratch::new(), github_pat(2065));
    let mut layout = Layout::new(&scratch, "l");
    let fine = layout.blob(layer("fine.py", &secret));
    layout.image("a", "linux/amd64", &[fine]);
    let folder = scratch.path("l/blobs/sha256");
    assert!(Command::new("mkfifo").arg(folder.join("pipe")).status().unwrap().success());
    std::os::unix::fs::symlink("/etc/passwd", folder.join("link")).unwrap();
    let report = image(&scratch, &["l"]);
    report.assert_secrets(&[&secret]);
    report.assert_unread(&["blobs/sha256/pipe", "no regular file"]);
    report.assert_unread(&["blobs/sha256/link", "symbolic link"]);
}

#[test]
fn a_bomb_in_a_layer_is_said_and_the_other_layers_are_read() {
    let (scratch, secret) = (Scratch::new(), github_pat(2070));
    let mut layout = Layout::new(&scratch, "l");
    let bomb = layout.blob(gzip(&vec![0; 1 << 20]).repeat(1024));
    let fine = layout.blob(layer("fine.py", &secret));
    layout.image("a", "linux/amd64", &[bomb, fine]);
    let start = Instant::now();
    let report = image(&scratch, &["l"]);
    report.assert_secrets(&[&secret]);
    report.assert_unread(&["unpacks to more than"]);
    assert!(start.elapsed() < MAX_BOMB_TIME, "{:?}", start.elapsed());
}

#[test]
fn what_is_no_image_is_refused() {
    let scratch = Scratch::new();
    scratch.write("folder/a.txt", "text");
    scratch.write("text", "text");
    scratch.write("empty", "");
    for (path, why) in [
        ("folder", "neither index.json"),
        ("text", "no tar archive"),
        ("empty", "empty"),
        ("nowhere", "nowhere"),
    ] {
        let run = scratch.keysieve(["image", path]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{path}");
        assert!(run.stderr.contains(path) && run.stderr.contains(why), "{}", run.stderr);
    }
}

#[test]
fn an_image_with_an_environment_file_is_not_clean_whatever_is_in_it() {
    let scratch = Scratch::new();
    scratch.write("fs.tar", TarFile::default().file("app/.env", "DEBUG=1\n").finish());
    let report = image(&scratch, &["fs.tar"]);
    assert_eq!((report.code, report.findings.len()), (1, 0));
    let file = &report.summary["env_files"][0];
    assert_eq!((&file["path"], &file["severity"]), (&"app/.env".into(), &"medium".into()));
    // Nothing in it opens anything.
    assert_eq!(image(&scratch, &["fs.tar", "--fail-on", "critical"]).code, 0);
    let secret = github_pat(2100);
    let text = format!("DEBUG=1\nTOKEN={secret}\n");
    scratch.write("fs.tar", TarFile::default().file("app/.env", text).finish());
    let report = image(&scratch, &["fs.tar", "--fail-on", "critical"]);
    let file = &report.summary["env_files"][0];
    assert_eq!((&file["severity"], &file["secrets"][0]["line"]), (&"high".into(), &2.into()));
}

#[test]
fn a_file_that_a_layer_only_copies_is_told_once_and_a_link_by_its_live_name() {
    let (scratch, secrets) = (Scratch::new(), [github_pat(2101), github_pat(2102), github_pat(2103)]);
    let mut layout = Layout::new(&scratch, "l");
    let lowest = TarFile::default()
        .file("app/a.py", token_line(&secrets[0]))
        .file("app/gone.py", token_line(&secrets[1]))
        .file("srv/first.py", token_line(&secrets[2]))
        .link("srv/second.py", HARD_LINK, "srv/first.py")
        .finish();
    let owned = TarFile::default()
        .file("app/a.py", token_line(&secrets[0]))
        .file("app/gone.py", token_line(&secrets[1]))
        .finish();
    let highest = TarFile::default().file("app/.wh.gone.py", "").file("srv/.wh.first.py", "").finish();
    let layers = [layout.blob(lowest), layout.blob(owned), layout.blob(highest)];
    layout.image("app:1", "linux/amd64", &layers);
    let report = image(&scratch, &["l"]);
    report.assert_complete();
    let told = |secret: &str| {
        let place = report.place(secret);
        (place["path"].clone(), place["layer_number"].clone(), place["deleted_by_number"].clone())
    };
    assert_eq!(told(&secrets[0]), ("app/a.py".into(), 1.into(), Value::Null));
    assert_eq!(told(&secrets[1]), ("app/gone.py".into(), 1.into(), 3.into()));
    assert_eq!(told(&secrets[2]), ("srv/second.py".into(), 1.into(), Value::Null));
}

#[test]
fn an_image_is_told_by_its_tags_platform_and_digests() {
    let (scratch, secret) = (Scratch::new(), github_pat(2104));
    let mut layout = Layout::new(&scratch, "l");
    let blob = layout.blob(layer("a.py", &secret));
    layout.image("app:1", "linux/amd64", std::slice::from_ref(&blob));
    let manifest = layout.manifests[0]["digest"].clone();
    let report = image(&scratch, &["l"]);
    let place = report.place(&secret);
    assert_eq!((&place["tags"], &place["platform"]), (&json!(["app:1"]), &"linux/amd64".into()));
    assert_eq!((&place["manifest"], &place["layer"]), (&manifest, &blob["digest"]));
    assert!(place["config"].as_str().unwrap().starts_with("sha256:"));
    let csv = scratch.keysieve(["image", "l", "--format", "csv"]).stdout;
    let digest = manifest.as_str().unwrap();
    assert!(csv.lines().nth(1).unwrap().contains(&format!("app:1,linux/amd64,{digest},sha256:")), "{csv}");
}

#[test]
fn what_could_not_be_read_is_named_by_its_layer_and_instruction() {
    let scratch = Scratch::new();
    let layout = Layout::new(&scratch, "l");
    let first = layout.blob(TarFile::default().file("a", "a").finish());
    let whole = gzip(noise(3, 900).as_bytes());
    let cut = layout.blob(TarFile::default().file("srv/a.gz", &whole[..whole.len() / 2]).finish());
    let config = layout.document(&json!({
        "os": "linux", "architecture": "amd64",
        "history": [{"created_by": "COPY a /a"}, {"created_by": "COPY srv /srv # buildkit"}],
    }));
    let manifest = layout.document(&json!({"schemaVersion": 2, "config": config, "layers": [first, cut]}));
    scratch.write("l/index.json", json!({"manifests": [manifest]}).to_string());
    image(&scratch, &["l"]).assert_unread(&["layer 2 of ", "(COPY srv /srv): srv/a.gz"]);
    scratch.write("accepting.yaml", "schema: 1\naccept-unread: [srv/*.gz*]\n");
    image(&scratch, &["l", "--config", "accepting.yaml"]).assert_complete();
}

#[test]
fn the_history_in_a_git_repository_in_an_image_is_read() {
    let (scratch, secrets) = (Scratch::new(), (2080..2084).map(github_pat).collect::<Vec<_>>());
    let repository = scratch.repository("root/app");
    // Versions of one file, so that the pack holds deltas.
    for (number, secret) in secrets.iter().take(3).enumerate() {
        let text = format!("{}{}{}", noise(1, 300), token_line(secret), noise(2 + number as u64, 5));
        repository.write("a.py", text);
        repository.commit("Change");
    }
    repository.git(["repack", "-a", "-d", "-q"]);
    repository.git(["prune-packed"]);
    repository.write("loose.py", token_line(&secrets[3]));
    repository.commit("Add");
    repository.remove("a.py");
    repository.remove("loose.py");
    repository.commit("Remove");
    let archive = filter("tar", &["-C", scratch.path("root").to_str().unwrap(), "-cf", "-", "."], b"");
    let report = image_of_stream(&scratch, &archive);
    report.assert_secrets(&secrets.iter().map(String::as_str).collect::<Vec<_>>());
    report.assert_complete();
    for secret in &secrets[..3] {
        let place = report.place(secret);
        assert!(place["path"].as_str().unwrap().ends_with(".pack"));
        assert!(place["member"].as_str().unwrap().starts_with("blob at "));
        assert_eq!(place["line"], 301);
    }
    assert!(report.place(&secrets[3])["path"].as_str().unwrap().starts_with("app/.git/objects/"));
}

#[test]
fn names_and_instructions_reach_the_terminal_escaped() {
    let (scratch, secret) = (Scratch::new(), github_pat(2085));
    let mut layout = Layout::new(&scratch, "l");
    let layer = layout.blob(layer("\u{1b}]0;a.py", &secret));
    layout.image("\u{1b}[2Jtag", "linux/amd64", &[layer]);
    let run = scratch.keysieve(["image", "l"]);
    assert!(!run.stdout.contains('\u{1b}') && run.stdout.contains("\\u{1b}[2Jtag"), "{}", run.stdout);
}

#[test]
fn the_same_is_said_on_any_number_of_threads() {
    if !has("umoci") {
        return;
    }
    let (scratch, planted) = (Scratch::new(), planted());
    planted_layout(&scratch, &planted);
    let outputs = ["1", "2", "7"].map(|threads| {
        let run = scratch.keysieve(["image", "layout", "--format", "jsonl", "-j", threads]);
        run.stdout.lines().filter(|line| !line.contains("\"summary\"")).map(str::to_owned).collect::<Vec<_>>()
    });
    assert!(outputs[0] == outputs[1] && outputs[1] == outputs[2]);
    assert_eq!(outputs[0].len(), 9);
}

#[test]
fn what_every_base_image_has_is_no_finding() {
    let scratch = Scratch::new();
    let digest = |seed: u64| digest(&seed.to_le_bytes())[..32].to_owned();
    let sums =
        format!("my %md5sums = (\n\t'password' => [\n\t\t'{}',\n\t\t'{}',\n\t],\n);\n", digest(1), digest(2));
    let news =
        "** API and ABI modifications:\nNULL_@: Added\nurl_is_supported: Added\n".replace('@', "PASSWORD");
    let log = "  * passwd.master: backup's home directory is /var/backups.\n";
    let manual = ".nf\ndeb https://apt:debian@example\\&.org/debian bookworm main\n.fi\n";
    let files = TarFile::default()
        .file("usr/sbin/pam-auth-update", sums)
        .file("usr/share/doc/libgnutls30/NEWS.gz", gzip(news.as_bytes()))
        .file("usr/share/doc/base-passwd/changelog.gz", gzip(log.as_bytes()))
        .file("usr/share/man/de/man5/apt_auth.conf.5.gz", gzip(manual.as_bytes()))
        .finish();
    scratch.write("fs.tar", files);
    let report = image(&scratch, &["fs.tar"]);
    report.assert_complete();
    report.assert_secrets(&[]);
    // One digest by itself may be a password, and so may what stands elsewhere.
    let one = format!("password: '{}'\n", digest(3));
    scratch.write("fs.tar", TarFile::default().file("etc/app.yml", one).finish());
    image(&scratch, &["fs.tar"]).assert_secrets(&[&digest(3)]);
}
