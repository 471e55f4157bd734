//! Sweeps: values of `.env` files and of given files, looked for by themselves.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::fixture::{Report, Repository, Run, Scratch};
use crate::packing::{TarFile, ZipMember, zip};
use crate::secrets::{github_pat, noise, password, token_line};

/// The finding of the variable's value.
#[track_caller]
fn of<'a>(report: &'a Report, name: &str) -> &'a Value {
    let is_meant = |finding: &&Value| {
        let sources = finding["values"].as_array().into_iter().flatten();
        sources.into_iter().any(|source| source["name"] == name)
    };
    let found: Vec<&Value> = report.findings.iter().filter(is_meant).collect();
    assert_eq!(found.len(), 1, "findings of {name} in {:#?}", report.findings);
    found[0]
}

#[track_caller]
fn place<'a>(report: &'a Report, name: &str) -> &'a Value {
    let places = of(report, name)["places"].as_array().unwrap();
    assert_eq!(places.len(), 1, "{places:#?}");
    &places[0]
}

fn names(report: &Report) -> Vec<&str> {
    let sources = report.findings.iter().flat_map(|finding| finding["values"].as_array().unwrap());
    let mut names: Vec<&str> = sources.map(|source| source["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

/// Nothing that is printed holds one of the values, in whichever form.
#[track_caller]
fn assert_hidden(run: &Run, values: &[&str]) {
    for value in values {
        for form in [(*value).to_owned(), STANDARD.encode(value), URL_SAFE_NO_PAD.encode(value)] {
            assert!(!run.stdout.contains(&form) && !run.stderr.contains(&form), "{value} in {run:?}");
        }
        assert!(!run.stdout.contains(&value[value.len() - 4..]), "the end of {value} in {run:?}");
    }
}

fn ignoring_env(scratch: &Scratch, env: &str) -> Repository {
    let repository = scratch.repository("r");
    repository.commit_file(".gitignore", ".env*\n*.tmp\n");
    repository.write(".env", env);
    repository
}

#[test]
fn values_of_an_ignored_env_file_are_found_wherever_they_got_out() {
    let scratch = Scratch::new();
    let value = |seed: u64| password(3000 + seed);
    let (deleted, encoded, message, branch, member, on_disk, nowhere) =
        (value(1), value(2), value(3), value(4), value(5), value(6), value(7));
    let (in_url, in_json) = (format!("{}&=/x", value(8)), format!("{}\"\\y", value(9)));
    let env = format!(
        "PORT=8080\nDELETED_SECRET={deleted}\nENCODED_SECRET={encoded}\nMESSAGE_SECRET={message}\nBRANCH_SECRET={branch}\n\
         MEMBER_SECRET={member}\nDISK_SECRET={on_disk}\nNOWHERE_SECRET={nowhere}\nURL_SECRET=\"{in_url}\"\nJSON_SECRET='{in_json}'\n"
    );
    let repository = ignoring_env(&scratch, &env);
    let filler = noise(1, 40);
    repository.write("a/settings.txt", format!("{filler}we use {deleted} there\n{filler}"));
    repository.write("k8s.txt", format!("{filler}data {}\n", STANDARD.encode(format!("u:{encoded};"))));
    repository.write(
        "url.txt",
        format!("{filler}x={}&y\n", in_url.replace('&', "%26").replace('=', "%3d").replace('/', "%2f")),
    );
    repository.write("j.txt", format!("{filler}{}\n", json!({ "x": in_json })));
    repository.write("b.bin", zip(&[ZipMember::deflated("c/d.txt", format!("so {member}\n").as_bytes())]));
    let first = repository.commit("Add");
    repository.remove("a/settings.txt");
    repository.commit(&format!("Do not use {message} any more"));
    repository.git(["branch", &format!("try-{branch}")]);
    repository.write("left.txt", format!("{on_disk}\n"));
    let expected = [
        "BRANCH_SECRET",
        "DELETED_SECRET",
        "DISK_SECRET",
        "ENCODED_SECRET",
        "JSON_SECRET",
        "MEMBER_SECRET",
        "MESSAGE_SECRET",
        "URL_SECRET",
    ];
    let values = [&deleted, &encoded, &message, &branch, &member, &on_disk, &nowhere, &in_url, &in_json];
    let values = values.map(String::as_str);
    let mut reports = Vec::new();
    for packed in [false, true] {
        if packed {
            repository.git(["gc", "--quiet"]);
        }
        for arguments in [&["--sweep"][..], &["--sweep", "--scan-whole"], &["--sweep", "-j", "1"]] {
            let report = repository.audit_with(arguments);
            report.assert_complete();
            assert_eq!(names(&report), expected);
            reports.push(report);
        }
    }
    assert!(reports.iter().all(|report| report.findings == reports[0].findings));
    let report = &reports[0];
    let deleted_at = place(report, "DELETED_SECRET");
    assert_eq!((&deleted_at["path"], &deleted_at["line"]), (&"a/settings.txt".into(), &41.into()));
    assert_eq!((&deleted_at["commit"], &deleted_at["in_head"]), (&first.as_str().into(), &false.into()));
    assert_eq!(place(report, "MESSAGE_SECRET")["field"], "message");
    // What is in HEAD is on disk too.
    for (name, path) in [
        ("ENCODED_SECRET", "k8s.txt"),
        ("URL_SECRET", "url.txt"),
        ("JSON_SECRET", "j.txt"),
        ("MEMBER_SECRET", "b.bin"),
    ] {
        let places = of(report, name)["places"].as_array().unwrap();
        let kinds: Vec<_> = places.iter().map(|place| (&place["kind"], &place["path"])).collect();
        assert_eq!(kinds, [(&json!("worktree"), &json!(path)), (&json!("git"), &json!(path))]);
    }
    assert_eq!(of(report, "MEMBER_SECRET")["places"][1]["member"], "c/d.txt");
    assert_eq!(of(report, "BRANCH_SECRET")["exposure"], "git-directory");
    assert_eq!(of(report, "DISK_SECRET")["exposure"], "worktree");
    assert_eq!(
        of(report, "DELETED_SECRET")["values"],
        json!([{ "name": "DELETED_SECRET", "file": ".env", "line": 2 }])
    );
    assert_eq!(report.summary["swept"]["values"], 9);
    assert_eq!(report.summary["swept"]["public_or_placeholder"], 1);

    let text = repository.keysieve(&["--sweep"]);
    let sentence =
        format!("the value of DELETED_SECRET in .env is in commit {}, a/settings.txt:41, local", &first[..7]);
    assert!(text.stdout.contains(&sentence), "{}", text.stdout);
    for arguments in
        [&["--sweep"][..], &["--sweep", "--show-secrets"], &["--sweep", "--format", "json", "--show-secrets"]]
    {
        assert_hidden(&repository.keysieve(arguments), &values);
    }
    for format in ["jsonl", "html", "sarif", "github", "gitlab", "junit", "csv", "markdown"] {
        for command in ["audit", "env"] {
            let run = repository.run_keysieve(&[command, "--sweep", "--format", format, "--show-secrets"]);
            assert_eq!(run.code, 1, "{run:?}");
            for value in values {
                let forms = [value.to_owned(), STANDARD.encode(value), URL_SAFE_NO_PAD.encode(value)];
                let shown =
                    forms.iter().find(|form| run.stdout.contains(*form) || run.stderr.contains(*form));
                assert_eq!(shown, None, "{command} --format {format}");
            }
        }
    }
}

#[test]
fn values_are_found_in_layers_of_images_that_a_later_one_deletes() {
    let (scratch, plain, encoded, in_config) =
        (Scratch::new(), password(3020), password(3021), password(3022));
    scratch.write(
        "prod.env",
        format!("PLAIN_TOKEN={plain}\nENCODED_TOKEN={encoded}\nCONFIG_TOKEN={in_config}\n"),
    );
    let lowest = TarFile::default()
        .file("app/run.sh", format!("start {plain}\n"))
        .file("app/x", STANDARD.encode(format!("{encoded}:")))
        .finish();
    let highest = TarFile::default().file("app/.wh.run.sh", "").finish();
    let config = json!({ "architecture": "amd64", "os": "linux", "config": { "Cmd": ["serve", in_config] } });
    let config = config.to_string().into_bytes();
    let blob = |bytes: &[u8]| {
        let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("blobs/sha256/{digest}")
    };
    let manifest = json!([{ "Config": blob(&config), "RepoTags": ["app:1"], "Layers": [blob(&lowest), blob(&highest)] }]);
    let image = TarFile::default()
        .file(&blob(&lowest), &lowest)
        .file(&blob(&highest), &highest)
        .file(&blob(&config), &config)
        .file("manifest.json", manifest.to_string())
        .finish();
    scratch.write("image.tar", &image);
    let arguments = ["image", "--format", "jsonl", "--values", "prod.env"];
    let from_file = scratch.keysieve([&arguments[..], &["image.tar"]].concat()).report();
    let from_stream = scratch.keysieve_reading(&image, &[&arguments[..], &["-"]].concat()).report();
    for report in [&from_file, &from_stream] {
        assert_eq!(names(report), ["CONFIG_TOKEN", "ENCODED_TOKEN", "PLAIN_TOKEN"]);
        let place = place(report, "PLAIN_TOKEN");
        assert_eq!((&place["path"], &place["removal"]), (&"app/run.sh".into(), &"deleted".into()));
        assert_eq!(of(report, "PLAIN_TOKEN")["exposure"], "image");
        assert_eq!(of(report, "PLAIN_TOKEN")["values"][0]["file"], "prod.env");
    }
}

#[test]
fn an_env_file_is_no_leak_of_itself_unless_it_was_committed() {
    let (scratch, secret, copied) = (Scratch::new(), password(3030), password(3031));
    let repository = ignoring_env(&scratch, &format!("DB_PASSWORD={secret}\n"));
    repository.write(".env.local", format!("DB_PASSWORD={copied}\n"));
    let report = repository.audit_with(&["--sweep"]);
    report.assert_complete();
    assert_eq!(report.findings, [Value::Null; 0]);
    repository.git(["add", "--force", ".env"]);
    repository.commit("Add the file by mistake");
    let report = repository.audit_with(&["--sweep"]);
    assert_eq!(names(&report), ["DB_PASSWORD"]);
    let places = of(&report, "DB_PASSWORD")["places"].as_array().unwrap();
    assert!(places.iter().any(|place| place["kind"] == "git" && place["path"] == ".env"), "{places:#?}");
}

#[test]
fn what_a_rule_finds_too_is_one_finding_that_says_both() {
    let (scratch, token, password) = (Scratch::new(), github_pat(3040), password(3041));
    let repository = ignoring_env(&scratch, &format!("GITHUB_TOKEN={token}\nDB_PASSWORD={password}\n"));
    repository.write("a.py", format!("{}PASSWORD = \"{password}\"\n", token_line(&token)));
    repository.commit("Add");
    let report = repository.audit_with(&["--sweep"]);
    assert_eq!(names(&report), ["DB_PASSWORD", "GITHUB_TOKEN"]);
    assert_eq!(report.findings.len(), 2, "{:#?}", report.findings);
    let (by_provider, by_value) = (of(&report, "GITHUB_TOKEN"), of(&report, "DB_PASSWORD"));
    assert_eq!((&by_provider["rule"], &by_provider["severity"]), (&"github-pat".into(), &"critical".into()));
    assert_eq!(by_value["rule"], "env-value");
    assert_eq!(by_value["also"], json!(["generic-password"]));
    for finding in [by_provider, by_value] {
        let places = finding["places"].as_array().unwrap();
        assert!(places.iter().all(|place| place["path"] == "a.py"), "{places:#?}");
    }
}

#[test]
fn of_a_url_the_password_is_what_got_out() {
    let (scratch, password) = (Scratch::new(), password(3050));
    let repository = ignoring_env(&scratch, &format!("DATABASE_URL=postgres://app:{password}@db/app\n"));
    repository.commit_file("a.sh", format!("# {password}\nexport URL=mysql://root:{password}@old/app\n"));
    let report = repository.audit_with(&["--sweep"]);
    assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
    assert_eq!(of(&report, "DATABASE_URL")["places"][0]["path"], "a.sh");
}

#[test]
fn what_is_known_to_be_clean_is_read_again_and_nothing_is_kept() {
    let (scratch, secret) = (Scratch::new(), password(3060));
    let repository = scratch.repository("r");
    let mut stream = String::new();
    for version in 0..520 {
        let text =
            format!("{}{version} {}\n", noise(version % 7, 3), if version == 99 { &secret } else { "" });
        stream += "commit refs/heads/main\ncommitter A <a@example.com> 1700000000 +0000\ndata 1\nx\n";
        stream += &format!("M 100644 inline dir{}/file.txt\ndata {}\n{text}\n", version % 5, text.len());
    }
    repository.git_reading(stream.as_bytes(), &["fast-import", "--quiet"]);
    repository.git(["reset", "--quiet", "--hard", "main"]);
    repository.git(["gc", "--quiet"]);
    repository.write(".git/info/exclude", ".env\n");
    repository.write(".env", format!("API_TOKEN={secret}\n"));
    let kept = |repository: &Repository| -> Vec<_> {
        let files = std::fs::read_dir(repository.git_file("keysieve")).into_iter().flatten();
        files
            .map(|file| file.unwrap().path())
            .map(|path| (path.clone(), std::fs::read(path).unwrap()))
            .collect()
    };
    let sweep = || {
        let report = repository.audit_with(&["--sweep"]);
        assert_eq!((names(&report), &report.summary["read"]["known"]), (vec!["API_TOKEN"], &0.into()));
    };
    sweep();
    assert_eq!(kept(&repository), []);
    repository.audit().assert_secrets(&[]);
    let before = kept(&repository);
    assert!(!before.is_empty());
    sweep();
    assert_eq!(kept(&repository), before);
    assert_eq!(repository.audit().summary["read"]["known"].as_u64().map(|known| known > 500), Some(true));
}

#[test]
fn values_come_from_files_and_standard_input_too() {
    let (scratch, first, second) = (Scratch::new(), password(3070), password(3071));
    scratch.write("src/a.txt", format!("one {first}\ntwo {second}\n"));
    scratch.write("list", format!("# old ones\n{first}\nsunshine\nx7k\n"));
    let report = scratch.keysieve(["scan", "--format", "jsonl", "--values", "list", "src"]).report();
    assert_eq!(report.findings[0]["values"], json!([{ "file": "list", "line": 2 }]));
    assert_eq!(report.findings.len(), 1);
    let left_out = report.summary["swept"]["left_out"].as_array().unwrap();
    assert_eq!(left_out.iter().map(|left_out| &left_out["line"]).collect::<Vec<_>>(), [3, 4]);
    let arguments = ["scan", "--format", "jsonl", "--values", "-", "--values", "list", "src"];
    let report = scratch.keysieve_reading(format!("TOKEN={second}\n").as_bytes(), &arguments).report();
    assert_eq!(report.findings.len(), 2);
    let text = scratch.keysieve(["scan", "--values", "list", "src"]);
    assert!(text.stdout.contains("swept for: 1 secret value of list"), "{}", text.stdout);
    assert!(text.stdout.contains("  line 4 of list: shorter than 8 characters"), "{}", text.stdout);
    assert_hidden(&text, &[&first]);
}

#[test]
fn what_cannot_be_swept_for_is_an_error_that_says_why() {
    let (scratch, secret) = (Scratch::new(), password(3080));
    let repository = scratch.repository_with("bare.git", &["--bare"]);
    scratch.write("values", format!("{secret}\n"));
    scratch.write("empty", "\n# nothing\n");
    scratch.write("binary", b"\x7fELF\0\0\0\x01");
    scratch.write("a/a.txt", "a\n");
    let cases: [(&[&str], &str); 7] = [
        (&["scan", "--values", "-", "-"], "can be read once"),
        (&["image", "--values", "-", "-"], "can be read once"),
        (&["scan", "--values", "-", "--values", "-", "a"], "name it once"),
        (&["scan", "--values", "missing", "a"], "cannot read the values in missing"),
        (&["scan", "--values", "a", "a"], "it is a folder"),
        (&["scan", "--values", "empty", "a"], "empty: there is no value in it"),
        (&["scan", "--values", "binary", "a"], "binary: it is binary"),
    ];
    for (arguments, message) in cases {
        let run = scratch.keysieve_reading(b"", arguments);
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(run.stderr.contains(message), "{arguments:?}: {}", run.stderr);
    }
    let run = repository.keysieve(&["--sweep"]);
    assert!(run.code == 2 && run.stderr.contains("--values FILE"), "{run:?}");
    // One that cannot be read is said, and the rest is swept for.
    let repository = ignoring_env(&scratch, &format!("API_TOKEN={secret}\n"));
    repository.write(".env.old", b"A=\0\0\0b\x01");
    repository.commit_file("a.txt", format!("a {secret}\n"));
    let report = repository.audit_with(&["--sweep"]);
    report.assert_unread(&[".env.old", "its values were not looked for"]);
    assert_eq!(names(&report), ["API_TOKEN"]);
}

#[test]
fn a_value_that_is_everywhere_means_nothing_and_is_said_to() {
    let (scratch, common, rare) = (Scratch::new(), password(3090), password(3091));
    scratch.write("values.env", format!("COMMON_KEY={common}\nRARE_KEY={rare}\n"));
    for number in 0..1001 {
        scratch.write(&format!("src/{}/{number}.txt", number % 10), format!("{common}\n"));
    }
    scratch.write("src/rare.txt", format!("{rare}\n").repeat(3));
    let report = scratch.keysieve(["scan", "--format", "jsonl", "--values", "values.env", "src"]).report();
    assert_eq!(names(&report), ["RARE_KEY"]);
    assert_eq!(of(&report, "RARE_KEY")["places"].as_array().map(Vec::len), Some(3));
    let left_out = &report.summary["swept"]["left_out"];
    assert_eq!(left_out[0]["name"], "COMMON_KEY");
    assert!(left_out[0]["why"].as_str().unwrap().contains("1001 places"), "{left_out}");
}

#[test]
fn a_range_is_swept_for_what_is_new_in_it() {
    let (scratch, old, new) = (Scratch::new(), password(3100), password(3101));
    let repository = scratch.repository("r");
    repository.commit_file("a.txt", format!("a {old}\n"));
    repository.commit_file("a.txt", format!("a {old}\nb {new}\n"));
    let file = scratch.write("values.env", format!("OLD_KEY={old}\nNEW_KEY={new}\n"));
    let report = repository.diff(&["--values", file.to_str().unwrap(), "HEAD~1..HEAD"]);
    assert_eq!(names(&report), ["NEW_KEY"]);
}

#[test]
fn without_a_salt_of_the_repository_a_fingerprint_tells_of_the_name_alone() {
    let (scratch, secrets) = (Scratch::new(), [password(3110), password(3111)]);
    let repository = ignoring_env(&scratch, "");
    let fingerprint = |secret: &str| {
        repository.write(".env", format!("API_TOKEN={secret}\n"));
        let report = repository.audit_with(&["--sweep"]);
        of(&report, "API_TOKEN")["fingerprint"].as_str().unwrap().to_owned()
    };
    repository.commit_file("a.txt", format!("a {}\nb {}\n", secrets[0], secrets[1]));
    assert_eq!(fingerprint(&secrets[0]), fingerprint(&secrets[1]));
    assert_eq!(repository.run_keysieve(&["baseline", "create"]).code, 0);
    assert_ne!(fingerprint(&secrets[0]), fingerprint(&secrets[1]));
}
