//! The test environment: a scratch directory, a builder of repositories that drives the real git with fixed names and
//! dates, and runs of the binary with their parsed output. Nothing of the user's own configuration gets in.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The date of the first commit; each further one is an hour later.
const FIRST_COMMIT_SECONDS: u64 = 1_700_000_000;
const COMMIT_STEP_SECONDS: u64 = 3600;

pub(crate) const AUTHOR: &str = "Ada Author <ada@example.com>";

/// A scratch directory that is gone after the test.
pub(crate) struct Scratch {
    dir: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::Builder::new().prefix("keysieve-test-").tempdir().unwrap() }
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.dir.path().join(relative)
    }

    pub(crate) fn write(&self, relative: &str, content: impl AsRef<[u8]>) -> PathBuf {
        write(&self.path(relative), content)
    }

    /// A new repository in the directory `name`.
    pub(crate) fn repository(&self, name: &str) -> Repository {
        self.repository_with(name, &[])
    }

    /// A new repository, with further options of `git init`.
    pub(crate) fn repository_with(&self, name: &str, options: &[&str]) -> Repository {
        let repository = self.existing(name);
        fs::create_dir_all(&repository.path).unwrap();
        repository.git([&["init", "--quiet", "-b", "main"], options].concat());
        repository.configure();
        repository
    }

    /// What `git clone ARGUMENTS NAME` makes.
    pub(crate) fn clone(&self, name: &str, arguments: &[&str]) -> Repository {
        let repository = self.existing(name);
        let target = repository.path.to_str().unwrap().to_owned();
        let arguments = [&["clone", "--quiet"], arguments, &[&target]].concat();
        succeed(git_command(self.dir.path(), self.dir.path()).args(arguments));
        repository.configure();
        repository
    }

    /// The repository that is already in the directory `name`.
    pub(crate) fn existing(&self, name: &str) -> Repository {
        Repository { path: self.path(name), home: self.dir.path().to_owned(), commits: Cell::new(0) }
    }

    /// `keysieve ARGUMENTS`, started in the scratch directory.
    pub(crate) fn keysieve<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Run {
        run(keysieve_command(self.dir.path()).args(arguments), b"")
    }

    /// `keysieve ARGUMENTS`, started in a directory inside.
    pub(crate) fn keysieve_in<A: AsRef<OsStr>>(
        &self,
        dir: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Run {
        run(keysieve_command(self.dir.path()).current_dir(self.path(dir)).args(arguments), b"")
    }

    /// `keysieve ARGUMENTS` with this on its standard input.
    pub(crate) fn keysieve_reading(&self, input: &[u8], arguments: &[&str]) -> Run {
        run(keysieve_command(self.dir.path()).args(arguments), input)
    }

    /// `keysieve scan PATHS`, with secrets shown.
    pub(crate) fn scan(&self, paths: &[&str]) -> Report {
        self.keysieve([&["scan", "--format", "jsonl", "--show-secrets"], paths].concat()).report()
    }
}

/// A repository under construction.
pub(crate) struct Repository {
    path: PathBuf,
    home: PathBuf,
    commits: Cell<u64>,
}

impl Repository {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn path_text(&self) -> &str {
        self.path.to_str().unwrap()
    }

    /// The repository as a URL, for clones that must go through git's protocol.
    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.path_text())
    }

    /// A file in the git directory.
    pub(crate) fn git_file(&self, relative: &str) -> PathBuf {
        let dir = self.path.join(".git");
        match fs::metadata(&dir) {
            Ok(metadata) if metadata.is_dir() => dir.join(relative),
            // A linked work tree, or a submodule.
            Ok(_) => self.path.join(self.git(["rev-parse", "--git-path", relative])),
            Err(_) => self.path.join(relative),
        }
    }

    /// Nothing goes away by age: the dates of the tests are long past.
    fn configure(&self) {
        for (key, value) in [
            ("gc.auto", "0"),
            ("maintenance.auto", "false"),
            ("gc.reflogExpire", "never"),
            ("gc.reflogExpireUnreachable", "never"),
        ] {
            self.git(["config", key, value]);
        }
    }

    /// Runs git and gives what it printed, without the line break at the end.
    pub(crate) fn git<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        let output = succeed(self.command().args(arguments));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Runs git with this on its standard input.
    pub(crate) fn git_reading(&self, input: &[u8], arguments: &[&str]) -> String {
        let run = run(self.command().args(arguments), input);
        assert_eq!(run.code, 0, "git {arguments:?}: {}", run.stderr);
        run.stdout.trim_end().to_owned()
    }

    /// Git in this repository, at the date of the next commit.
    pub(crate) fn command(&self) -> Command {
        let date = format!("{} +0000", FIRST_COMMIT_SECONDS + self.commits.get() * COMMIT_STEP_SECONDS);
        let mut command = git_command(&self.path, &self.home);
        command.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
        command
    }

    pub(crate) fn write(&self, relative: &str, content: impl AsRef<[u8]>) -> PathBuf {
        write(&self.path.join(relative), content)
    }

    pub(crate) fn remove(&self, relative: &str) {
        fs::remove_file(self.path.join(relative)).unwrap();
    }

    /// Commits the work tree as it is. Returns the commit's id.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.commit_with(message, |_| {})
    }

    /// Commits the work tree, with the command changed before it runs.
    pub(crate) fn commit_with(&self, message: &str, change: impl FnOnce(&mut Command)) -> String {
        self.git(["add", "--all"]);
        let mut command = self.command();
        command.args(["commit", "--quiet", "--allow-empty", "-m", message]);
        change(&mut command);
        succeed(&mut command);
        self.commits.set(self.commits.get() + 1);
        self.git(["rev-parse", "HEAD"])
    }

    /// Writes one file and commits it.
    pub(crate) fn commit_file(&self, relative: &str, content: impl AsRef<[u8]>) -> String {
        self.write(relative, content);
        self.commit(&format!("Write {relative}"))
    }

    /// A blob that nothing refers to.
    pub(crate) fn store_blob(&self, content: &[u8]) -> String {
        self.git_reading(content, &["hash-object", "-w", "--stdin"])
    }

    /// Forgets every reflog, so that only references keep objects.
    pub(crate) fn expire_reflogs(&self) {
        self.git(["reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all"]);
    }

    /// The path of a loose object's file.
    pub(crate) fn loose_object(&self, id: &str) -> PathBuf {
        let path = self.git_file(&format!("objects/{}/{}", &id[..2], &id[2..]));
        assert!(path.is_file(), "{id} is no loose object");
        path
    }

    /// The packs, as paths of their `.pack` files, sorted.
    pub(crate) fn packs(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.git_file("objects/pack")).unwrap();
        let mut packs: Vec<_> = entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "pack"))
            .collect();
        packs.sort();
        packs
    }

    /// Where the object's entry begins in the only pack, and how many bytes it has there.
    pub(crate) fn packed_entry(&self, id: &str) -> (usize, usize) {
        let [pack] = self.packs().try_into().expect("one pack");
        let listing = self.git(["verify-pack", "-v", pack.to_str().unwrap()]);
        let line = listing.lines().find(|line| line.starts_with(id)).unwrap();
        let fields: Vec<&str> = line.split_whitespace().collect();
        (fields[4].parse().unwrap(), fields[3].parse().unwrap())
    }

    /// How many objects of this type git lists, alternates included.
    pub(crate) fn count(&self, kind: &str) -> u64 {
        let listing = self.git(["cat-file", "--batch-all-objects", "--batch-check=%(objecttype)"]);
        listing.lines().filter(|line| *line == kind).count() as u64
    }

    /// `keysieve audit` here, with secrets shown.
    pub(crate) fn audit(&self) -> Report {
        self.audit_with(&["--show-secrets"])
    }

    /// `keysieve audit --format jsonl ARGUMENTS` here.
    pub(crate) fn audit_with(&self, arguments: &[&str]) -> Report {
        self.keysieve(&[&["--format", "jsonl"], arguments].concat()).report()
    }

    /// `keysieve audit ARGUMENTS` here.
    pub(crate) fn keysieve(&self, arguments: &[&str]) -> Run {
        run(keysieve_command(&self.home).arg("audit").arg(&self.path).args(arguments), b"")
    }

    /// `keysieve diff --format jsonl --show-secrets ARGUMENTS` here.
    pub(crate) fn diff(&self, arguments: &[&str]) -> Report {
        self.run_keysieve(&[&["diff", "--format", "jsonl", "--show-secrets"], arguments].concat()).report()
    }

    /// `keysieve ARGUMENTS`, started in the work tree.
    pub(crate) fn run_keysieve(&self, arguments: &[&str]) -> Run {
        run(keysieve_command(&self.home).current_dir(&self.path).args(arguments), b"")
    }

    /// Makes `keysieve hook run NAME` the hook of this name.
    pub(crate) fn set_hook(&self, name: &str) {
        let keysieve = env!("CARGO_BIN_EXE_keysieve");
        let path = self.git_file(&format!("hooks/{name}"));
        write(&path, format!("#!/bin/sh\nexec '{keysieve}' hook run {name} \"$@\"\n"));
        make_executable(&path);
    }

    /// `git push ARGUMENTS`, with its hooks; whatever comes of it.
    pub(crate) fn push(&self, arguments: &[&str]) -> Run {
        self.try_git(&[&["push"], arguments].concat())
    }

    /// Runs git, whatever comes of it.
    pub(crate) fn try_git(&self, arguments: &[&str]) -> Run {
        run(self.command().args(arguments), b"")
    }

    /// Like [`Self::audit`], and all that git lists was read.
    pub(crate) fn audit_everything(&self) -> Report {
        let report = self.audit();
        report.assert_complete();
        for (field, kind) in [("blobs", "blob"), ("commits", "commit"), ("tags", "tag")] {
            assert_eq!(report.summary["read"][field], self.count(kind), "{kind}s read");
        }
        report
    }
}

/// A finished run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Parses JSON Lines: findings, then the summary.
    pub(crate) fn report(self) -> Report {
        let parsed: Result<Vec<Value>, _> = self.stdout.lines().map(serde_json::from_str).collect();
        let mut objects = parsed.unwrap_or_else(|error| panic!("{error}: {self:?}"));
        let summary = objects.pop().unwrap_or_else(|| panic!("no output: {self:?}"));
        assert_eq!(summary["type"], "summary");
        assert!(objects.iter().all(|finding| finding["type"] == "finding"));
        assert_eq!(summary["findings"], objects.len());
        Report { code: self.code, findings: objects, summary }
    }

    /// Standard output with times taken out.
    pub(crate) fn timeless(&self) -> String {
        timeless(&self.stdout)
    }
}

/// `output` without the seconds that a run took and when it ended, which is all that differs from run to run.
pub(crate) fn timeless(output: &str) -> String {
    const DATES: [&str; 5] =
        ["\"finished\":", "\"endTimeUtc\":", "\"start_time\":", "\"end_time\":", "- Ended: "];
    let is_date = |line: &str| DATES.iter().any(|date| line.trim_start().starts_with(date));
    let before = |line: &str, end: &str| line.rsplit_once(end).map(|(before, _)| before.to_owned());
    let line = |line: &str| {
        let kept = match line.trim_start() {
            start if start.starts_with("{\"type\":\"summary\"") || start.starts_with("\"seconds\":") => {
                before(line, "\"seconds\":")
            }
            start if start.starts_with("<testsuite") => before(line, " time="),
            start
                if start.starts_with("read: ")
                    || start.starts_with("- Read: ")
                    || start.ends_with(" s.</p>") =>
            {
                before(line, ", in ")
            }
            _ => None,
        };
        format!("{}\n", kept.unwrap_or_else(|| line.to_owned()))
    };
    output.lines().filter(|line| !is_date(line)).map(line).collect()
}

/// A run's JSON Lines.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) code: i32,
    pub(crate) findings: Vec<Value>,
    pub(crate) summary: Value,
}

impl Report {
    /// The finding of this secret; needs `--show-secrets`.
    #[track_caller]
    pub(crate) fn find(&self, secret: &str) -> &Value {
        let found: Vec<&Value> = self.findings.iter().filter(|finding| finding["secret"] == secret).collect();
        assert_eq!(found.len(), 1, "findings of {secret} in {self:#?}");
        found[0]
    }

    /// The one place of this secret.
    #[track_caller]
    pub(crate) fn place(&self, secret: &str) -> &Value {
        let places = self.find(secret)["places"].as_array().unwrap();
        assert_eq!(places.len(), 1, "{places:#?}");
        &places[0]
    }

    /// The places of this secret that are of this kind.
    #[track_caller]
    pub(crate) fn places(&self, secret: &str, kind: &str) -> Vec<&Value> {
        let places = self.find(secret)["places"].as_array().unwrap();
        places.iter().filter(|place| place["kind"] == kind).collect()
    }

    pub(crate) fn secrets(&self) -> Vec<&str> {
        let mut secrets: Vec<&str> =
            self.findings.iter().map(|finding| finding["secret"].as_str().unwrap()).collect();
        secrets.sort_unstable();
        secrets
    }

    /// Exactly these secrets were found.
    #[track_caller]
    pub(crate) fn assert_secrets(&self, expected: &[&str]) {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(self.secrets(), expected, "{:#?}", self.summary);
    }

    /// All was read, and the exit code says whether something was found.
    #[track_caller]
    pub(crate) fn assert_complete(&self) {
        assert_eq!(self.summary["complete"], true, "{:#?}", self.summary);
        assert_eq!(self.summary["unread"], Value::Array(Vec::new()));
        assert_eq!(self.code, i32::from(!self.findings.is_empty()));
    }

    /// Something was not read, and an entry about it holds all of `parts` in what it names and why.
    #[track_caller]
    pub(crate) fn assert_unread(&self, parts: &[&str]) {
        assert_eq!(self.code, 2, "{:#?}", self.summary);
        assert_eq!(self.summary["complete"], false);
        assert_lists(&self.summary["unread"], parts);
    }

    /// Something was passed over, and an entry about it holds all of `parts`.
    #[track_caller]
    pub(crate) fn assert_skipped(&self, parts: &[&str]) {
        assert_lists(&self.summary["skipped"], parts);
    }
}

#[track_caller]
fn assert_lists(list: &Value, parts: &[&str]) {
    let texts = list
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| format!("{}: {}", entry["what"].as_str().unwrap(), entry["why"].as_str().unwrap()));
    assert!(
        texts.into_iter().any(|text| parts.iter().all(|part| text.contains(part))),
        "no entry holds {parts:?}: {list:#}"
    );
}

/// The names of references that reach the place.
pub(crate) fn refs(place: &Value) -> Vec<&str> {
    place["refs"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

/// `keysieve` with nothing of the user's environment but `PATH`.
pub(crate) fn keysieve_command(home: &Path) -> Command {
    isolated(Command::new(env!("CARGO_BIN_EXE_keysieve")), home, home)
}

fn git_command(dir: &Path, home: &Path) -> Command {
    let mut command = isolated(Command::new("git"), dir, home);
    let (name, address) = AUTHOR.trim_end_matches('>').split_once(" <").unwrap();
    command
        .env("GIT_AUTHOR_NAME", name)
        .env("GIT_AUTHOR_EMAIL", address)
        .env("GIT_COMMITTER_NAME", "Carl Committer")
        .env("GIT_COMMITTER_EMAIL", "carl@example.com")
        .env("GIT_TERMINAL_PROMPT", "0");
    command
}

fn isolated(mut command: Command, dir: &Path, home: &Path) -> Command {
    command
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

#[track_caller]
fn succeed(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Runs `command` with `input`.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> Run {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // A program that does not read its input is no failure of the test.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Run {
        code: output.status.code().unwrap_or_else(|| panic!("killed: {output:?}")),
        stdout: String::from_utf8(output.stdout).expect("output is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("messages are UTF-8"),
    }
}

fn write(path: &Path, content: impl AsRef<[u8]>) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    path.to_owned()
}

#[cfg(unix)]
pub(crate) fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(not(unix))]
pub(crate) fn make_executable(_path: &Path) {}

/// Makes a read-only file of git's writable and writes it anew.
pub(crate) fn overwrite(path: &Path, content: impl AsRef<[u8]>) {
    fs::remove_file(path).unwrap();
    fs::write(path, content).unwrap();
}
