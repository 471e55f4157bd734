//! What only git itself can tell: where it looks for hooks, with all of the user's configuration.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, bail};

/// Where git looks for a repository's hooks.
#[derive(Debug)]
pub(super) struct HooksDir {
    pub(super) path: PathBuf,
    /// Which configuration says so, where one does.
    pub(super) configured_in: Option<String>,
    /// Whether husky writes it.
    pub(super) is_husky: bool,
}

/// Where git looks for the hooks of the repository in which `repo` lies.
pub(super) fn hooks_dir(repo: &Path) -> anyhow::Result<HooksDir> {
    let path = PathBuf::from(git(repo, &["rev-parse", "--git-path", "hooks"])?);
    let path = std::path::absolute(repo.join(path)).context("cannot tell the hooks' directory")?;
    let configured = git(repo, &["config", "--show-scope", "--get", "core.hooksPath"]).ok();
    let scope = configured.as_deref().and_then(|line| line.split_whitespace().next());
    Ok(HooksDir {
        is_husky: path.components().rev().take(2).any(|part| part.as_os_str() == ".husky"),
        path: path.components().collect(),
        configured_in: scope.map(|scope| format!(" (core.hooksPath in git's {scope} configuration)")),
    })
}

/// The user's directory for the hooks of all repositories, where there is one.
pub(super) fn global_hooks_dir() -> anyhow::Result<Option<PathBuf>> {
    let output = run(Path::new("."), &["config", "--global", "--type=path", "--get", "core.hooksPath"])?;
    let path = text(&output.stdout);
    if !output.status.success() || path.is_empty() {
        return Ok(None);
    }
    Ok(Some(std::path::absolute(&path).with_context(|| format!("core.hooksPath is `{path}`"))?))
}

/// Makes `dir` the user's directory for the hooks of all repositories.
pub(super) fn set_global_hooks_dir(dir: &Path) -> anyhow::Result<()> {
    let dir = dir.to_str().with_context(|| format!("{}: not UTF-8", dir.display()))?;
    git(Path::new("."), &["config", "--global", "core.hooksPath", dir]).map(drop)
}

/// Leaves each repository to its own hooks again.
pub(super) fn unset_global_hooks_dir() -> anyhow::Result<()> {
    git(Path::new("."), &["config", "--global", "--unset", "core.hooksPath"]).map(drop)
}

fn git(dir: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = run(dir, arguments)?;
    if !output.status.success() {
        bail!("git {}: {}", arguments.join(" "), text(&output.stderr));
    }
    Ok(text(&output.stdout))
}

fn run(dir: &Path, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut git = Command::new("git");
    git.arg("-C").arg(dir).args(arguments).output().context("cannot start git")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches(['\n', '\r']).to_owned()
}
