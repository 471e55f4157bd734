//! Has git fetch what a checkout lacks: the only thing here that uses the network, and only when it was asked for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use keysieve::ci::{Revision, Target};

use super::Gap;

/// How many commits are fetched behind an end that is missing in a shallow checkout.
const FIRST_DEPTH: &str = "--depth=100";
/// By how much the history is deepened, one after another, until the range is there.
const DEEPENINGS: &[&str] = &["--deepen=100", "--deepen=1000", "--unshallow"];
const ALL_BRANCHES: &str = "+refs/heads/*:refs/remotes/origin/*";

/// What may still be fetched.
#[derive(Debug)]
pub(super) struct Fetches {
    dir: PathBuf,
    is_allowed: bool,
    /// What the range's ends are to be asked for by.
    ends: Vec<String>,
    tried: BTreeSet<String>,
    /// What git said when it could not.
    refusal: Option<String>,
    deepenings: std::slice::Iter<'static, &'static str>,
}

impl Fetches {
    /// Where fetching is allowed, gets at once what surely is needed: the blobs that a partial clone left out, and the branches
    /// against which a new one is held.
    pub(super) fn new(dir: &Path, is_allowed: bool, target: &Target) -> anyhow::Result<Self> {
        let ends = match target {
            Target::Request { base, head } | Target::Push { before: base, after: head } => vec![base, head],
            Target::Reference { head, .. } => vec![head],
            Target::Everything | Target::Nothing => Vec::new(),
        };
        let fetches = Self {
            dir: dir.to_owned(),
            is_allowed,
            ends: ends.into_iter().filter_map(|end| end.refspec.clone()).collect(),
            tried: BTreeSet::new(),
            refusal: None,
            deepenings: DEEPENINGS.iter(),
        };
        if is_allowed && *target != Target::Nothing {
            if fetches.is_partial() {
                fetches.run(&["--refetch", "--tags"], &[ALL_BRANCHES])?;
            } else if matches!(target, Target::Reference { .. } | Target::Everything) {
                fetches.run(&["--tags"], &[ALL_BRANCHES])?;
            }
        }
        Ok(fetches)
    }

    /// Whether git may fetch at all.
    pub(super) fn is_allowed(&self) -> bool {
        self.is_allowed
    }

    /// Whether it is worth asking for a revision that is not here.
    pub(super) fn may_get(&self, revision: &Revision) -> bool {
        self.is_allowed && revision.refspec.as_ref().is_some_and(|refspec| !self.tried.contains(refspec))
    }

    /// Fetches what may close the gap; false where nothing is left to try.
    pub(super) fn fill(&mut self, gap: &Gap, is_shallow: bool) -> anyhow::Result<bool> {
        match gap {
            Gap::Revision(revision) => {
                let Some(refspec) = revision.refspec.clone().filter(|_| self.may_get(revision)) else {
                    return Ok(false);
                };
                // In a shallow checkout a fetch without a depth would bring all of the history.
                let depth: &[&str] = if is_shallow { &[FIRST_DEPTH] } else { &[] };
                // What is still missing is told by the next look: a push may be over what the remote does not have any more.
                self.refusal = self.run(depth, &[&refspec]).err().map(|error| error.to_string());
                self.tried.insert(refspec);
                Ok(true)
            }
            Gap::History if self.is_allowed => {
                let Some(&deepening) = self.deepenings.next() else { return Ok(false) };
                let ends: Vec<&str> = match self.ends.as_slice() {
                    [] => vec![ALL_BRANCHES],
                    ends => ends.iter().map(String::as_str).collect(),
                };
                // One of the ends may be gone over there; the configured branches deepen as well.
                if self.run(&[deepening], &ends).is_err() {
                    self.run(&[deepening], &[ALL_BRANCHES])?;
                }
                Ok(true)
            }
            Gap::History => Ok(false),
        }
    }

    /// What git said last, where it could not get what was asked for.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    fn is_partial(&self) -> bool {
        let arguments = ["config", "--get", "remote.origin.partialclonefilter"];
        self.git().args(arguments).output().is_ok_and(|output| output.status.success())
    }

    fn run(&self, options: &[&str], refspecs: &[&str]) -> anyhow::Result<()> {
        // Git does not replace a tag that is here as another, as https://github.com/actions/checkout/issues/882 leaves it.
        let tags = if options.contains(&"--tags") { "--force" } else { "--no-tags" };
        let mut git = self.git();
        git.args(["fetch", "--quiet", "--no-recurse-submodules", "--no-filter", tags]).args(options);
        let output = git.arg("origin").args(refspecs).output().context("cannot start git")?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
            bail!("git fetch origin {}: {}; {message}", refspecs.join(" "), output.status);
        }
        Ok(())
    }

    /// Git in the repository, which asks nobody for a password.
    fn git(&self) -> Command {
        let mut git = Command::new("git");
        git.arg("-C").arg(&self.dir).env("GIT_TERMINAL_PROMPT", "0").stdin(Stdio::null());
        git
    }
}
