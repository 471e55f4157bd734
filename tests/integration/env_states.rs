//! `keysieve env`: each state of an environment file, alone and combined, made with the real git.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use serde_json::Value;

use crate::fixture::{Report, Repository, Run, Scratch};
use crate::secrets::{Random, github_pat, noise, password};

/// Writes an environment file with a secret, readable by its owner alone.
fn write_env(repository: &Repository, path: &str) {
    let secret = github_pat(3000 + path.len() as u64);
    let file = repository.write(path, format!("DEBUG=1\nGITHUB_TOKEN={secret}\n"));
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

fn env(repository: &Repository, arguments: &[&str]) -> Report {
    repository.run_keysieve(&[&["env", "--format", "jsonl"], arguments].concat()).report()
}

/// The names of the states of a file, the most severe first; none where it is not told.
fn states<'a>(report: &'a Report, path: &str) -> Vec<&'a str> {
    let told = file(report, path).map(|file| file["states"].as_array().unwrap().iter());
    told.into_iter().flatten().map(|state| state["state"].as_str().unwrap()).collect()
}

fn file<'a>(report: &'a Report, path: &str) -> Option<&'a Value> {
    report.summary["env_files"].as_array().unwrap().iter().find(|file| file["path"] == path)
}

fn fixes(report: &Report, path: &str) -> String {
    file(report, path).unwrap()["fix"].as_str().unwrap().to_owned()
}

/// Letters and digits at random, as a value without any form of its own.
fn random_value(seed: u64) -> String {
    let mut random = Random::new(seed);
    (0..6)
        .map(|_| random.text(b"abcdefghijkmnpqrstuvwxyzABCDEFGHJK", 3) + &random.text(b"23456789", 1))
        .collect()
}

/// A way to a state: what is done, the states that then hold, a part of the fix, and the exit code.
struct Case {
    name: &'static str,
    path: &'static str,
    make: fn(&Repository),
    states: &'static [&'static str],
    fix: &'static str,
    code: i32,
}

const CASES: &[Case] = &[
    Case {
        name: "tracked, and never pushed",
        path: ".env",
        make: |repository| {
            write_env(repository, ".env");
            repository.commit("Add");
        },
        states: &["tracked", "committed"],
        fix: "git rm --cached .env; take it out of the history before you push: `git filter-repo --force --invert-paths --path .env` (or `git rebase -i`), or rotate what it held; add `.env` to .gitignore",
        code: 1,
    },
    Case {
        name: "staged for the first time",
        path: "a/b/.env",
        make: |repository| {
            write_env(repository, "a/b/.env");
            repository.git(["add", "."]);
        },
        states: &["staged"],
        fix: "git restore --staged a/b/.env",
        code: 1,
    },
    Case {
        name: "tracked, with another version staged",
        path: ".env",
        make: |repository| {
            repository.write(".env", "A=1\n");
            repository.commit("Add");
            write_env(repository, ".env");
            repository.git(["add", "."]);
        },
        states: &["tracked", "staged", "committed"],
        fix: "git rm --cached",
        code: 1,
    },
    Case {
        name: "committed once, and gone",
        path: "old/.env",
        make: |repository| {
            write_env(repository, "old/.env");
            repository.commit("Add");
            repository.git(["rm", "--quiet", "old/.env"]);
            repository.commit("Remove");
        },
        states: &["committed"],
        fix: "git filter-repo --force --invert-paths --path old/.env",
        code: 1,
    },
    Case {
        name: "ignored now, and committed once",
        path: ".env",
        make: |repository| {
            write_env(repository, ".env");
            repository.commit("Add");
            repository.git(["rm", "--quiet", "--cached", ".env"]);
            repository.commit_file(".gitignore", ".env\n");
        },
        states: &["committed"],
        fix: "git filter-repo",
        code: 1,
    },
    Case {
        name: "not ignored",
        path: ".env",
        make: |repository| write_env(repository, ".env"),
        states: &["not-ignored"],
        fix: "add `.env` to .gitignore",
        code: 1,
    },
    Case {
        name: "not ignored, and harmless",
        path: ".env",
        make: |repository| drop(repository.write(".env", "DEBUG=1\n")),
        states: &["not-ignored"],
        fix: "add `.env` to .gitignore",
        code: 0,
    },
    Case {
        name: "ignored by .git/info/exclude alone",
        path: ".env",
        make: |repository| {
            fs::write(repository.git_file("info/exclude"), "# mine\n.env\n").unwrap();
            write_env(repository, ".env");
        },
        states: &["ignored-by-own-excludes"],
        fix: "add `.env` to .gitignore",
        code: 0,
    },
    Case {
        name: "ignored by core.excludesFile alone",
        path: ".env",
        make: |repository| {
            let excludes = repository.path().parent().unwrap().join("excludes");
            fs::write(&excludes, "*.env\n").unwrap();
            repository.git(["config", "core.excludesFile", excludes.to_str().unwrap()]);
            write_env(repository, ".env");
        },
        states: &["ignored-by-own-excludes"],
        fix: "add `.env` to .gitignore",
        code: 0,
    },
    Case {
        name: "ignored, and added by force",
        path: "conf/.env",
        make: |repository| {
            repository.commit_file(".gitignore", ".env\n");
            write_env(repository, "conf/.env");
            repository.git(["add", "--force", "conf/.env"]);
        },
        states: &["staged", "force-added"],
        fix: "git restore --staged conf/.env",
        code: 1,
    },
    Case {
        name: "taken back by a later line",
        path: "conf/.env",
        make: |repository| {
            repository.commit_file(".gitignore", ".env*\n");
            repository.commit_file("conf/.gitignore", "# ours\n!.env\n");
            write_env(repository, "conf/.env");
        },
        states: &["re-included"],
        fix: "take out line 2 of conf/.gitignore: `!.env`, or overrule it; add `/.env` to conf/.gitignore",
        code: 1,
    },
    Case {
        name: "its folder taken back by a later line",
        path: "app/.env",
        make: |repository| {
            repository.commit_file(".gitignore", "/*\n!/app/\n!.gitignore\n");
            write_env(repository, "app/.env");
        },
        states: &["re-included"],
        fix: "add `.env` to .gitignore",
        code: 1,
    },
    Case {
        name: "ignored, and in a build context",
        path: "conf/.env",
        make: |repository| {
            repository.write("Dockerfile", "FROM a\nRUN b\nCOPY . .\n");
            repository.write(".dockerignore", ".env\n");
            repository.commit_file(".gitignore", ".env\n");
            write_env(repository, "conf/.env");
        },
        states: &["in-build-context"],
        fix: "add `**/.env` to .dockerignore",
        code: 1,
    },
    Case {
        name: "in the context of a Dockerfile with an ignore file of its own",
        path: "app/.env",
        make: |repository| {
            repository.write("app/prod.Dockerfile", "FROM a\nADD . /\n");
            repository.write("app/.dockerignore", "**/.env\n");
            repository.write("app/prod.Dockerfile.dockerignore", "*.log\n");
            repository.commit_file(".gitignore", ".env\n");
            write_env(repository, "app/.env");
        },
        states: &["in-build-context"],
        fix: "add `**/.env` to app/prod.Dockerfile.dockerignore",
        code: 1,
    },
    Case {
        name: "in a context that a compose file names",
        path: ".env",
        make: |repository| {
            repository.write("docker/Dockerfile", "FROM a\nCOPY . .\n");
            repository.write(
                "compose.yaml",
                "services:\n  a:\n    build:\n      context: .\n      dockerfile: docker/Dockerfile\n",
            );
            repository.commit_file(".gitignore", ".env\n");
            write_env(repository, ".env");
        },
        states: &["in-build-context"],
        fix: "add `**/.env` to .dockerignore",
        code: 1,
    },
    Case {
        name: "named by a compose file, under a name of its own",
        path: "conf/service.conf",
        make: |repository| {
            repository.write("compose.yaml", "services:\n  a:\n    env_file: ./conf/service.conf\n");
            write_env(repository, "conf/service.conf");
            repository.commit("Add");
            repository.git(["rm", "--quiet", "--cached", "conf/service.conf"]);
        },
        states: &["committed", "not-ignored"],
        fix: "add `/conf/service.conf` to .gitignore",
        code: 1,
    },
    Case {
        name: "in an npm package, since .npmignore hides .gitignore",
        path: ".env",
        make: |repository| {
            repository.write("package.json", "{\"name\": \"a\"}\n");
            repository.write(".npmignore", "*.log\n");
            repository.commit_file(".gitignore", ".env\n");
            write_env(repository, ".env");
        },
        states: &["in-package"],
        fix: "add `/.env` to .npmignore",
        code: 1,
    },
    Case {
        name: "in an sdist",
        path: "conf/prod.env",
        make: |repository| {
            repository.write("setup.py", "");
            repository.write("MANIFEST.in", "graft conf\n");
            repository.commit_file(".gitignore", "*.env\n");
            write_env(repository, "conf/prod.env");
        },
        states: &["in-package"],
        fix: "add `exclude conf/prod.env` to MANIFEST.in",
        code: 1,
    },
    Case {
        name: "in a wheel, and tracked though a line ignores it",
        path: "app/.env",
        make: |repository| {
            repository.write(
                "pyproject.toml",
                "[build-system]\nbuild-backend = 'hatchling.build'\n[tool.hatch.build.targets.wheel]\npackages = ['app']\nignore-vcs = true\n",
            );
            write_env(repository, "app/.env");
            repository.commit("Add");
            repository.commit_file(".gitignore", ".env\n");
        },
        states: &["tracked", "committed", "in-package", "force-added"],
        fix: "git rm --cached app/.env",
        code: 1,
    },
    Case {
        name: "what the files of an npm package name, and a Dockerfile copies",
        path: "conf/prod.env",
        make: |repository| {
            repository.write("package.json", "{\"name\": \"a\", \"files\": [\"conf\"]}\n");
            repository.write("Dockerfile", "FROM a\nCOPY conf/*.env /\n");
            repository.write(".dockerignore", "*.env\nconf\n!conf/prod.env\n");
            repository.commit_file(".gitignore", "*.env\n");
            write_env(repository, "conf/prod.env");
        },
        states: &["in-build-context", "in-package"],
        fix: "add `\"!conf/prod.env\"` to `files` in package.json; add `**/prod.env` to .dockerignore",
        code: 1,
    },
    Case {
        name: "named by a unit of systemd",
        path: "etc/service",
        make: |repository| {
            repository.write("etc/a.service", "[Service]\nEnvironmentFile=-service\n");
            write_env(repository, "etc/service");
        },
        states: &["not-ignored"],
        fix: "add `/etc/service` to .gitignore",
        code: 1,
    },
    Case {
        name: "staged with a secret that is gone from the disk",
        path: ".env",
        make: |repository| {
            write_env(repository, ".env");
            repository.git(["add", "."]);
            repository.write(".env", "DEBUG=1\n");
        },
        states: &["staged"],
        fix: "git restore --staged .env",
        code: 1,
    },
    Case {
        name: "named by a compose file, and once committed with a secret",
        path: "service.conf",
        make: |repository| {
            repository.write("compose.yaml", "services:\n  a:\n    env_file: service.conf\n");
            write_env(repository, "service.conf");
            repository.commit("Add");
            repository.write("service.conf", "DEBUG=1\n");
            repository.commit("Clean");
            repository.git(["rm", "--quiet", "--cached", "service.conf"]);
            repository.commit_file(".gitignore", "service.conf\n");
        },
        states: &["committed"],
        fix: "git filter-repo --force --invert-paths --path service.conf",
        code: 1,
    },
    Case {
        name: "not ignored, with a value that no rule knows",
        path: ".env",
        make: |repository| {
            let file = repository.write(".env", format!("ANYTHING={}\n", random_value(3200)));
            fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
        },
        states: &["not-ignored"],
        fix: "add `.env` to .gitignore",
        code: 1,
    },
    Case {
        name: "a template with a value that no rule knows",
        path: ".env.sample",
        make: |repository| {
            repository.commit_file(".env.sample", "SMTP_PASS=\"correct horse 9 battery\"\n");
        },
        states: &["committed", "filled-template"],
        fix: "put a placeholder in the value's place",
        code: 1,
    },
    Case {
        name: "a template with a real value",
        path: ".env.example",
        make: |repository| write_env(repository, ".env.example"),
        states: &["filled-template"],
        fix: "put a placeholder in the value's place",
        code: 1,
    },
];

/// Each way to a state, in the repository that `make` makes; `outer` is the one that it lies in.
fn each_state_in(make: fn(&Scratch) -> Repository, outer: Option<&str>) {
    for case in CASES {
        let scratch = Scratch::new();
        let repository = make(&scratch);
        (case.make)(&repository);
        let report = env(&repository, &[]);
        assert_eq!(states(&report, case.path), case.states, "{}: {:#}", case.name, report.summary);
        let fix = fixes(&report, case.path);
        assert!(fix.contains(case.fix), "{}: {fix}", case.name);
        assert_eq!(report.code, case.code, "{}", case.name);
        if let Some(outer) = outer {
            let report = env(&scratch.existing(outer), &[]);
            let told = states(&report, &format!("module/{}", case.path));
            assert_eq!((told.as_slice(), report.code), (case.states, case.code), "outside, {}", case.name);
            continue;
        }
        // An audit says the same of it.
        let audit = repository.audit_with(&[]);
        assert_eq!(states(&audit, case.path), case.states, "audit, {}: {:#}", case.name, audit.summary);
        // Of what only this user ignores it makes a finding besides.
        assert!(audit.code >= case.code, "audit, {}", case.name);
        // And the last line never calls it clean.
        let last = repository.run_keysieve(&["env"]).stdout.lines().last().unwrap().to_owned();
        assert!(last.contains("above"), "{}: {last}", case.name);
    }
}

#[test]
fn each_state() {
    let make = |scratch: &Scratch| {
        let repository = scratch.repository("r");
        repository.commit_file("a.py", "a = 1\n");
        repository
    };
    each_state_in(make, None);
}

#[test]
fn each_state_in_a_linked_work_tree() {
    let make = |scratch: &Scratch| {
        let repository = scratch.repository("r");
        repository.commit_file("a.py", "a = 1\n");
        repository.git(["worktree", "add", "--quiet", "-b", "work", "../linked"]);
        scratch.existing("linked")
    };
    each_state_in(make, None);
}

#[test]
fn each_state_in_a_submodule() {
    let make = |scratch: &Scratch| {
        let library = scratch.repository("library");
        library.commit_file("a.py", "a = 1\n");
        // That the outer repository ignores it means nothing for the inner one.
        let outer = scratch.repository("outer");
        outer.commit_file(".gitignore", ".env*\n");
        let add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add"];
        outer.git([add.as_slice(), &[library.path_text(), "module"]].concat());
        outer.commit("Add a submodule");
        let module = scratch.existing("outer/module");
        // What was cloned is not of this test.
        module.git(["remote", "remove", "origin"]);
        module
    };
    each_state_in(make, Some("outer"));
}

#[test]
fn what_is_fine_is_told_when_asked() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.write(".env.example", "GITHUB_TOKEN=\n");
    repository.commit_file("conf/.gitignore", "# local\n.env\n");
    write_env(&repository, "conf/.env");
    let report = env(&repository, &[]);
    assert_eq!((report.code, &report.summary["env_files"]), (0, &Value::Array(Vec::new())));
    assert_eq!(report.summary["in_ignored_env"], 1);
    let report = env(&repository, &["-v"]);
    assert_eq!(states(&report, "conf/.env"), ["ignored"]);
    let decided = &file(&report, "conf/.env").unwrap()["states"][0];
    assert_eq!((&decided["file"], &decided["line"]), (&"conf/.gitignore".into(), &2.into()));
    assert_eq!(states(&report, ".env.example"), ["template"]);
    let text = repository.run_keysieve(&["env", "-v"]).stdout;
    assert!(
        text.contains("fine  conf/.env is ignored by conf/.gitignore:2 (`.env`), and was never committed"),
        "{text}"
    );
    assert!(text.contains("no secrets out of place; everything was read"), "{text}");
}

#[test]
fn readable_by_others() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit_file(".gitignore", ".env\n");
    write_env(&repository, ".env");
    let chmod = |path: &str, mode: u32| {
        fs::set_permissions(scratch.path(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    chmod("r/.env", 0o644);
    // Nobody gets to it.
    chmod("", 0o700);
    assert_eq!(states(&env(&repository, &[]), ".env"), [""; 0]);
    chmod("", 0o755);
    let report = env(&repository, &[]);
    assert_eq!(states(&report, ".env"), ["readable-by-others"]);
    assert_eq!(file(&report, ".env").unwrap()["states"][0]["mode"], "0644");
    assert!(fixes(&report, ".env").contains("chmod go= .env"));
    assert_eq!(report.code, 0);
}

#[test]
fn pushed() {
    let scratch = Scratch::new();
    let remote = scratch.repository_with("remote.git", &["--bare"]);
    let repository = scratch.repository("r");
    write_env(&repository, ".env");
    let commit = repository.commit("Add");
    repository.git(["remote", "add", "origin", remote.path_text()]);
    repository.git(["push", "--quiet", "origin", "main"]);
    let report = env(&repository, &[]);
    assert_eq!(states(&report, ".env"), ["tracked", "committed"]);
    let told = file(&report, ".env").unwrap();
    assert_eq!((&told["severity"], &told["pushed"]), (&"critical".into(), &true.into()));
    assert_eq!(told["commit"], commit);
    assert_eq!(told["secrets"][0]["line"], 2);
    assert!(fixes(&report, ".env").contains("rotate"));
    // The remote has no work tree: its history says it.
    let report = env(&remote, &[]);
    assert_eq!(states(&report, ".env"), ["tracked", "committed"]);
    assert_eq!(report.code, 1);
}

#[test]
fn submodules_and_linked_work_trees_have_rules_of_their_own() {
    let scratch = Scratch::new();
    let library = scratch.repository("library");
    library.commit_file("a.py", "a = 1\n");
    let repository = scratch.repository("r");
    // That the outer repository ignores it means nothing for the inner one.
    repository.commit_file(".gitignore", ".env\n");
    let add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add"];
    repository.git([add.as_slice(), &[library.path_text(), "libs/one"]].concat());
    repository.commit("Add a submodule");
    write_env(&repository, "libs/one/.env");
    write_env(&repository, ".env");
    let report = env(&repository, &[]);
    assert_eq!(states(&report, "libs/one/.env"), ["not-ignored"]);
    assert_eq!(states(&report, ".env"), [""; 0]);
    assert!(fixes(&report, "libs/one/.env").contains("add `.env` to libs/one/.gitignore"));
    let module = scratch.existing("r/libs/one");
    module.commit("Add");
    assert_eq!(states(&env(&repository, &[]), "libs/one/.env"), ["tracked", "committed"]);

    repository.git(["worktree", "add", "--quiet", "--detach", "../linked"]);
    let linked = scratch.existing("linked");
    fs::write(repository.git_file("info/exclude"), "*.env\n").unwrap();
    write_env(&linked, ".env");
    write_env(&linked, "prod.env");
    let report = env(&linked, &[]);
    assert_eq!(states(&report, ".env"), [""; 0]);
    assert_eq!(states(&report, "prod.env"), ["ignored-by-own-excludes"]);
}

#[test]
fn fix_writes_what_is_missing_once_and_nothing_else() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.write("Dockerfile", "FROM a\nCOPY . .\n");
    repository.write(".gitignore", "*.log\r\n*.tmp");
    repository.commit("Add");
    write_env(&repository, "conf/.env");
    write_env(&repository, "#odd *.env");
    // Nobody can be asked: nothing is written.
    let refused = repository.run_keysieve(&["env", "--fix"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains(".gitignore: + .env") && refused.stderr.contains("--yes"), "{refused:?}");
    assert_eq!(repository.git(["status", "--porcelain", "--untracked-files=no"]), "");
    let fixed = repository.run_keysieve(&["env", "--fix", "--yes"]);
    assert_eq!(fixed.code, 0, "{fixed:?}");
    let gitignore = fs::read_to_string(repository.path().join(".gitignore")).unwrap();
    assert_eq!(gitignore, "*.log\r\n*.tmp\r\n\\#odd \\*.env\r\n.env\r\n");
    let dockerignore = fs::read_to_string(repository.path().join(".dockerignore")).unwrap();
    assert_eq!(dockerignore, "**/\\#odd \\*.env\n**/.env\n");
    for path in ["conf/.env", "#odd *.env"] {
        assert!(
            repository.command().args(["check-ignore", "-q", path]).status().unwrap().success(),
            "{path}"
        );
    }
    let again = repository.run_keysieve(&["env", "--fix", "--yes"]);
    assert!(again.stderr.contains("no line is missing"), "{again:?}");
    assert_eq!(fs::read_to_string(repository.path().join(".gitignore")).unwrap(), gitignore);
    assert_eq!(repository.git(["status", "--porcelain"]), " M .gitignore\n?? .dockerignore");
}

#[test]
fn examples_have_names_and_no_values() {
    let (scratch, secret) = (Scratch::new(), github_pat(3100));
    let repository = scratch.repository("r");
    repository.write(".env", format!("# c\nDEBUG=1\nexport TOKEN='{secret}'\nKEY=\"a\nb=c\n\"\n"));
    repository.write("conf/.env.example", "KEPT=\n");
    repository.write("conf/.env", "NEW=1\n");
    let run = repository.run_keysieve(&["env", "--write-example"]);
    assert_eq!(run.code, 0, "{run:?}");
    let read = |path: &str| fs::read_to_string(repository.path().join(path)).unwrap();
    assert_eq!(read(".env.example"), "DEBUG=\nTOKEN=\nKEY=\n");
    assert_eq!(read("conf/.env.example"), "KEPT=\n");
}

#[test]
fn without_a_repository_the_state_is_unknown_and_values_are_judged() {
    let (scratch, secret) = (Scratch::new(), github_pat(3101));
    scratch.write("d/.env", format!("TOKEN={secret}\n"));
    scratch.write("d/harmless.env", "A=1\n");
    let report = scratch.keysieve(["env", "d", "--format", "jsonl"]).report();
    assert_eq!((states(&report, ".env")[0], report.code), ("unknown", 1));
    assert_eq!(states(&report, "harmless.env"), ["unknown"]);
    let text = scratch.keysieve(["env", "d"]).stdout;
    assert!(text.contains("this is no repository") && !text.contains(&secret), "{text}");
    assert_eq!(scratch.keysieve(["env", "nowhere"]).code, 2);
}

#[test]
fn what_is_no_file_is_named() {
    let (scratch, secret) = (Scratch::new(), github_pat(3102));
    let repository = scratch.repository("r");
    repository.write(".env/bin/python", "");
    repository.write("a/real", format!("TOKEN={secret}\n"));
    scratch.write("outside", "TOKEN=1\n");
    symlink(scratch.path("outside"), repository.path().join("a/out.env")).unwrap();
    symlink("real", repository.path().join("a/in.env")).unwrap();
    symlink("nothing", repository.path().join("a/broken.env")).unwrap();
    assert!(Command::new("mkfifo").arg(repository.path().join("a/.env")).status().unwrap().success());
    let report = env(&repository, &[]);
    report.assert_skipped(&[".env", "a folder"]);
    report.assert_skipped(&["a/out.env", "symbolic link out of the tree"]);
    report.assert_skipped(&["a/in.env", "symbolic link; see a/real"]);
    report.assert_skipped(&["a/broken.env", "leads nowhere"]);
    report.assert_skipped(&["a/.env", "special file"]);
    // What the link in the tree leads to is looked at.
    assert_eq!((states(&report, "a/real")[0], report.code), ("not-ignored", 1));
}

#[test]
fn odd_contents_are_judged_too() {
    let (scratch, secret) = (Scratch::new(), github_pat(3103));
    let repository = scratch.repository("r");
    let line = format!("TOKEN={secret}\n");
    let utf16: Vec<u8> =
        std::iter::once(0xfeff).chain(line.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    repository.write("utf16.env", utf16);
    repository.write("binary.env", [b"\0\x01\xff\n".as_slice(), line.as_bytes()].concat());
    repository.write("long.env", noise(7, 100_000) + &line);
    repository.write("empty.env", "");
    let report = env(&repository, &[]);
    for path in ["utf16.env", "binary.env", "long.env"] {
        assert_eq!(file(&report, path).unwrap()["exposes_secret"], true, "{path}");
    }
    assert_eq!(states(&report, "empty.env"), ["not-ignored"]);
    assert_eq!(report.code, 1);
}

#[test]
fn what_cannot_be_read_is_no_clean_run() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit_file("Dockerfile", "FROM a\nCOPY . .\n");
    // Docker refuses the whole file, and so nothing is known to be kept out.
    repository.commit_file(".dockerignore", ".env\n[\n");
    repository.commit_file(".gitignore", ".env\n");
    repository.write(".env", "A=1\n");
    let report = env(&repository, &[]);
    report.assert_unread(&[".dockerignore", "line 2: `[` is no pattern"]);
    assert_eq!(states(&report, ".env")[0], "in-build-context");
    repository.write(".dockerignore", ".env\n");
    repository.write("compose.yaml", "services: [\n");
    env(&repository, &[]).assert_unread(&["compose.yaml", "environment files that it names are not known"]);
}

#[test]
fn a_hundred_thousand_patterns_are_quick() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    let mut patterns: String =
        (0..100_000).map(|number| format!("name{number}\n/dir{number}/*.log\n")).collect();
    patterns += "*.env\n!prod.env\n";
    repository.commit_file(".gitignore", patterns);
    for number in 0..10 {
        write_env(&repository, &format!("d{number}/.env"));
    }
    write_env(&repository, "prod.env");
    let start = std::time::Instant::now();
    let report = env(&repository, &[]);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    assert_eq!(states(&report, "prod.env"), ["re-included"]);
    assert_eq!(report.summary["env_files"].as_array().unwrap().len(), 1);
}

fn buildah(scratch: &Scratch, arguments: &[&str]) -> Option<String> {
    let output = Command::new("buildah")
        .args(["--root", scratch.path("storage").to_str()?, "--runroot", scratch.path("state").to_str()?])
        .args(arguments)
        .current_dir(scratch.path(""))
        .env("STORAGE_DRIVER", "vfs")
        .env("BUILDAH_ISOLATION", "chroot")
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[test]
fn what_an_image_gets_is_what_a_build_puts_in() {
    let scratch = Scratch::new();
    if buildah(&scratch, &["--version"]).is_none() {
        eprintln!("left out: buildah is not installed");
        return;
    }
    let repository = scratch.repository("r");
    let paths =
        [".env", "prod.env", "a/.env", "a/b/.env", "a/b/prod.env", "ab/.env", "conf/.env", "conf/x/a.env"];
    paths.iter().for_each(|path| write_env(&repository, path));
    repository.commit_file("Dockerfile", "FROM scratch\nCOPY . /\n");
    let fixed = [
        ".env\n",
        "**/.env\n",
        "a\n!a/b/.env\n",
        "*\n!conf\nconf/.env\n",
        "*/.env\n",
        "a/**\n/conf/\n",
        "# .env\n .env \n[ac]*/*.env\n",
        "*.env\n!prod.env\n?/.env\n",
    ];
    let mut random = Random::new(72);
    let pieces = ["a", "b", "*", "**/", "a/", ".env", "conf", "?", "x", "[a-c]", "*.env"];
    let generated = (0..4).map(|_| {
        let line = |random: &mut Random| {
            let count = 1 + random.next() % 3;
            let text: String = (0..count).map(|_| pieces[random.next() as usize % pieces.len()]).collect();
            let mark = if random.next().is_multiple_of(3) { "!" } else { "" };
            format!("{mark}{text}\n")
        };
        (0..3).map(|_| line(&mut random)).collect::<String>()
    });
    let generated: Vec<String> = generated.collect();
    for (number, lines) in fixed.into_iter().chain(generated.iter().map(String::as_str)).enumerate() {
        repository.write(".dockerignore", lines);
        let target = format!("dir:out{number}");
        let built = buildah(&scratch, &["build", "--quiet", "--layers=false", "-t", "x", "r"])
            .and_then(|id| buildah(&scratch, &["push", "--quiet", &id, &target]));
        assert!(built.is_some(), "buildah builds nothing with {lines:?}");
        let image = scratch.keysieve(["image", &format!("out{number}"), "--format", "jsonl"]).report();
        let report = env(&repository, &["--no-cache"]);
        for path in paths {
            let is_in_image = file(&image, path).is_some();
            let is_told = states(&report, path).contains(&"in-build-context");
            assert_eq!(is_told, is_in_image, "{path} with {lines:?}");
        }
    }
}

#[test]
fn a_scan_tells_states_too() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.write("Dockerfile", "FROM a\nCOPY . .\n");
    repository.commit_file(".gitignore", ".env\n");
    write_env(&repository, "conf/.env");
    let run = |arguments: &[&str]| -> Run { scratch.keysieve([&["scan"], arguments].concat()) };
    // Asked for a folder, what lies above it counts as well.
    for asked in ["r", "r/conf", "r/conf/.env"] {
        let report = run(&[asked, "--format", "jsonl"]).report();
        assert_eq!(states(&report, "r/conf/.env"), ["in-build-context"], "{asked}");
        assert_eq!((report.code, &report.summary["in_ignored_env"]), (1, &0.into()), "{asked}");
    }
    let text = run(&["r"]).stdout;
    assert!(text.ends_with("everything was read; 1 .env file that exposes secrets above\n"), "{text}");
}

#[test]
fn each_value_is_judged_and_none_is_shown() {
    let (scratch, secret) = (Scratch::new(), password(3110));
    let repository = scratch.repository("r");
    let weak = "changeme";
    repository
        .write(".env", format!("PORT=8080\nAPI_KEY={secret}\nDB_PASSWORD={weak}\nTOKEN=<your-token>\n"));
    repository.write(".streamlit/secrets.toml", format!("[db]\npassword = \"{secret}\"\n"));
    let report = env(&repository, &[]);
    let judged = |path: &str| {
        let values = file(&report, path).unwrap()["values"].as_array().unwrap();
        let told = values.iter().map(|value| {
            format!(
                "{} {} {}",
                value["line"],
                value["name"].as_str().unwrap(),
                value["judgement"].as_str().unwrap()
            )
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        judged(".env"),
        ["1 PORT public", "2 API_KEY secret", "3 DB_PASSWORD weak", "4 TOKEN placeholder"]
    );
    assert_eq!(judged(".streamlit/secrets.toml"), ["2 db.password secret"]);
    let text = repository.run_keysieve(&["env"]).stdout;
    assert!(text.contains("values   secret: API_KEY; weak: DB_PASSWORD; 1 public, 1 placeholder"), "{text}");
    assert!(!text.contains(&secret) && !text.contains(weak), "{text}");
}

#[test]
fn a_sweep_of_environment_files_tells_of_their_values_alone() {
    let (scratch, [in_toml, in_compose_file, other]) = (Scratch::new(), [3111, 3112, 3113].map(password));
    let repository = scratch.repository("r");
    repository.commit_file(".gitignore", "secrets.toml\nvars\n");
    repository.commit_file("compose.yaml", "services:\n  app:\n    env_file: ./vars\n");
    repository.write(".streamlit/secrets.toml", format!("[db]\npassword = \"{in_toml}\"\n"));
    repository.write("vars", format!("APP_SECRET={in_compose_file}\n"));
    repository.commit_file("notes.txt", format!("x {in_toml}\n"));
    repository.commit_file("more.txt", format!("y {in_compose_file}\n"));
    repository.commit_file("settings.py", format!("password = '{other}'\n"));
    let report = env(&repository, &["--sweep"]);
    let mut told: Vec<String> = report
        .findings
        .iter()
        .map(|finding| {
            let source = &finding["values"][0];
            let (name, path) =
                (source["name"].as_str().unwrap(), finding["places"][0]["path"].as_str().unwrap());
            format!("{name} in {path}")
        })
        .collect();
    told.sort_unstable();
    assert_eq!(told, ["APP_SECRET in more.txt", "db.password in notes.txt"]);
    assert_eq!((report.code, report.summary["failing"].as_u64()), (1, Some(2)), "{:?}", report.summary);
}

#[test]
fn values_that_no_rule_knows_count_unless_something_lets_them_be() {
    let (scratch, value) = (Scratch::new(), random_value(3210));
    let repository = scratch.repository("r");
    let exposes = |content: &str| {
        repository.write(".env", content);
        let report = env(&repository, &[]);
        let told = file(&report, ".env").unwrap();
        (told["exposes_secret"].as_bool().unwrap(), report.code, told["secrets"].to_string())
    };
    let (exposed, code, secrets) = exposes(&format!("DEBUG=1\nANYTHING={value}\n"));
    assert!(
        exposed && code == 1 && secrets.contains("value of ANYTHING") && !secrets.contains(&value),
        "{secrets}"
    );
    assert_eq!(exposes(&format!("ANYTHING={value} # keysieve:allow made up\n")).1, 0);
    assert_eq!(exposes("ANYTHING=production\nBUCKET=assets-7f3k2m9x1q8z\n").1, 0);
    // A rule's finding that the baseline knows is none by its value either.
    let known = format!("API_TOKEN={value}\n");
    assert_eq!(exposes(&known).1, 1);
    assert_eq!(repository.run_keysieve(&["baseline", "create"]).code, 0);
    assert_eq!(exposes(&known).1, 0);
    repository.write(".keysieve.yaml", "schema: 1\npaths:\n  - ignore: .env\n    reason: made up\n");
    assert_eq!(exposes(&format!("ANYTHING={value}\n")).1, 0);
    // What was committed once counts as well.
    repository.write(".keysieve.yaml", "schema: 1\n");
    repository.write(".env", format!("ANYTHING={}\n", random_value(3211)));
    repository.git(["add", ".env"]);
    repository.commit("Add");
    repository.git(["rm", "--quiet", "--cached", ".env"]);
    repository.write(".env", "DEBUG=1\n");
    repository.commit_file(".gitignore", ".env\n");
    let report = env(&repository, &[]);
    assert_eq!((states(&report, ".env")[0], report.code), ("committed", 1));
}

#[test]
fn commands_of_fixes_work_where_they_are_told() {
    let (scratch, outer) = (Scratch::new(), "outer");
    let library = scratch.repository("library");
    library.commit_file("a.py", "a = 1\n");
    let repository = scratch.repository(outer);
    repository.commit_file("sub/a.py", "a = 1\n");
    let add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add"];
    repository.git([add.as_slice(), &[library.path_text(), "libs/one"]].concat());
    let module = scratch.existing("outer/libs/one");
    for path in ["a b/*.env", "-x.env", "o'brien.env", "new\nline.env", "\\n.env"] {
        write_env(&repository, path);
        write_env(&module, path);
    }
    repository.write("keep x.env", "A=1\n");
    [&repository, &module].iter().for_each(|repository| drop(repository.git(["add", "--", "."])));
    let inside = scratch.path("outer/sub");
    let report = scratch.keysieve_in("outer/sub", ["env", "--format", "jsonl"]).report();
    let told = report.summary["env_files"].as_array().unwrap();
    assert_eq!(told.len(), 11);
    for file in told.iter().filter(|file| file["path"] != "keep x.env") {
        let fix = file["fixes"][0].as_str().unwrap();
        let (command, _) = fix.split_once(" (before").unwrap();
        let shell = Command::new("bash").args(["-c", command]).current_dir(&inside).status().unwrap();
        assert!(shell.success(), "{command}");
    }
    let staged = |repository: &Repository| repository.git(["diff", "--cached", "--name-only"]);
    assert_eq!(staged(&module), "");
    assert!(staged(&repository).contains("keep x.env") && !staged(&repository).contains("brien"));
}

#[test]
fn where_there_is_no_work_tree_there_is_none_to_sweep_from() {
    let scratch = Scratch::new();
    let bare = scratch.repository_with("bare.git", &["--bare"]);
    let run = bare.run_keysieve(&["env", "--sweep"]);
    assert!(run.code == 2 && run.stderr.contains("--values FILE"), "{run:?}");
    // Without a repository the state is told to be unknown, and the file itself is no place where its values should not be.
    let secret = password(3220);
    scratch.write("d/.env", format!("API_TOKEN={secret}\n"));
    let report = scratch.keysieve(["env", "d", "--sweep", "--format", "jsonl"]).report();
    assert_eq!((states(&report, ".env")[0], report.code, report.findings.len()), ("unknown", 1, 0));
    scratch.write("d/notes", format!("so {secret}\n"));
    let report = scratch.keysieve(["env", "d", "--sweep", "--format", "jsonl"]).report();
    assert_eq!((report.findings.len(), report.findings[0]["places"].as_array().unwrap().len()), (1, 1));
}

#[test]
fn values_that_are_not_judged_are_told() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.write("big.env", "A=1\n".repeat(5 << 20));
    repository.write("binary.env", b"\x7fELF\0\0\0\x01");
    let report = env(&repository, &[]);
    report.assert_skipped(&["big.env", "more than 16777216 bytes", "not judged one by one"]);
    report.assert_skipped(&["binary.env", "binary", "not judged one by one"]);
}

#[test]
fn a_line_of_a_key_becomes_no_name_in_an_example() {
    let (scratch, line) = (Scratch::new(), random_value(3230));
    let repository = scratch.repository("r");
    repository.write(".env", format!("KEY=-----BEGIN PRIVATE KEY-----\n{line}=\nDEBUG=1\n"));
    assert_eq!(repository.run_keysieve(&["env", "--write-example"]).code, 0);
    assert_eq!(fs::read_to_string(repository.path().join(".env.example")).unwrap(), "KEY=\nDEBUG=\n");
    assert!(!repository.run_keysieve(&["env", "-v", "--format", "jsonl"]).stdout.contains(&line));
}

#[test]
fn a_configured_file_counts_from_the_top() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.git(["config", "core.excludesFile", "mine"]);
    repository.write("mine", ".env\n");
    write_env(&repository, ".env");
    repository.write("sub/a.py", "");
    let report = scratch.keysieve_in("r/sub", ["env", "--format", "jsonl"]).report();
    assert_eq!(states(&report, ".env"), ["ignored-by-own-excludes"]);
}

#[test]
fn public_values_need_no_rotation() {
    let scratch = Scratch::new();
    let remote = scratch.repository_with("remote.git", &["--bare"]);
    let repository = scratch.repository("r");
    repository.commit_file(".env", "DEBUG=0\nPORT=8080\n");
    let local = fixes(&env(&repository, &[]), ".env");
    assert!(local.contains("filter-repo") && !local.contains("rotate"), "{local}");
    repository.git(["remote", "add", "origin", remote.path_text()]);
    repository.git(["push", "--quiet", "origin", "main"]);
    let pushed = fixes(&env(&repository, &[]), ".env");
    assert!(pushed.contains("no secret was found in it") && pushed.contains("filter-repo"), "{pushed}");
    assert!(!pushed.contains("rotate every secret"), "{pushed}");
}
