//! `keysieve hook status --self-test`: a made-up secret is pushed through the installed hook into a scratch remote.

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, bail};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Pushes through the hooks in `hooks`. Says what came of it.
pub(super) fn run(hooks: &Path) -> anyhow::Result<&'static str> {
    let scratch = Scratch::new()?;
    let (remote, local) = (scratch.0.join("remote.git"), scratch.0.join("local"));
    let here = &scratch.0;
    succeed(here, &["init", "--quiet", "--bare", "remote.git"])?;
    succeed(here, &["init", "--quiet", "local"])?;
    let hooks = hooks.to_str().context("the hooks' directory is not UTF-8")?;
    succeed(&local, &["config", "core.hooksPath", hooks])?;
    let commit = |content: &str| -> anyhow::Result<()> {
        fs::write(local.join("settings.py"), content)?;
        succeed(&local, &["add", "settings.py"])?;
        succeed(&local, &["commit", "--quiet", "--no-verify", "--message", "Self-test"])
    };
    let push = || git(&local, &["push", "--quiet", "../remote.git", "HEAD:refs/heads/main"]);
    commit("import os\n")?;
    let clean = push()?;
    if !clean.status.success() {
        bail!(
            "self-test: a push without any secret was stopped: {}",
            String::from_utf8_lossy(&clean.stderr).trim()
        );
    }
    let before = git(&remote, &["rev-parse", "refs/heads/main"])?.stdout;
    commit(&format!("TOKEN = \"{}\"\n", made_up_token()))?;
    let stopped = push()?;
    let after = git(&remote, &["rev-parse", "refs/heads/main"])?.stdout;
    if stopped.status.success() || before != after {
        bail!("self-test: a push with a made-up secret went through: git does not run keysieve's hook here");
    }
    if !String::from_utf8_lossy(&stopped.stderr).contains("push stopped") {
        bail!(
            "self-test: the push failed for another reason: {}",
            String::from_utf8_lossy(&stopped.stderr).trim()
        );
    }
    Ok("self-test   a push with a made-up GitHub token was stopped, one without went through")
}

/// A directory that is gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> anyhow::Result<Self> {
        let dir = std::env::temp_dir().join(format!("keysieve-{:016x}", random(0)));
        fs::create_dir(&dir)
            .with_context(|| format!("cannot make the scratch directory {}", dir.display()))?;
        Ok(Self(dir))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A file that cannot be removed is the system's to clean up.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A token in GitHub's form that GitHub never gave out: <https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/>.
fn made_up_token() -> String {
    let digit = |value: u64| char::from(BASE62[(value % 62) as usize]);
    let body: String = (0..30).map(|at| digit(random(at))).collect();
    let mut checksum = u64::from(crc32fast::hash(body.as_bytes()));
    let mut digits = ['0'; 6];
    for place in digits.iter_mut().rev() {
        *place = digit(checksum);
        checksum /= 62;
    }
    format!("ghp_{body}{}", String::from_iter(digits))
}

/// A number that nobody can foretell, good enough for a name.
fn random(seed: u64) -> u64 {
    RandomState::new().hash_one(seed)
}

fn succeed(dir: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let output = git(dir, arguments)?;
    if !output.status.success() {
        bail!("self-test: git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn git(dir: &Path, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut git = Command::new("git");
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "KEYSIEVE_SKIP"] {
        git.env_remove(name);
    }
    for (name, value) in [("NAME", "keysieve"), ("EMAIL", "keysieve@localhost")] {
        git.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
    }
    git.env("KEYSIEVE_SELF_TEST", "1");
    git.arg("-C").arg(dir).args(["-c", "commit.gpgSign=false"]).args(arguments);
    git.output().context("cannot start git")
}
