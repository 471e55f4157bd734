//! What a continuous integration system says of the run -> what is to be scanned, and why. Nothing is read here: variables and
//! the event come in as values.
//!
//! Where a system does not say what was there before, more is scanned, never less.

mod azure;
mod bitbucket;
mod circleci;
mod github;
mod gitlab;
mod jenkins;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

/// What the run was told.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// The environment variables.
    pub variables: BTreeMap<String, String>,
    /// The text of the file that `GITHUB_EVENT_PATH` names.
    pub event: Option<String>,
}

impl Environment {
    /// A variable that is set to something.
    fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The commit that a variable names by its id; none where it is not set, or set to zeros.
    fn commit(&self, system: System, name: &'static str) -> Result<Option<Revision>, Error> {
        self.get(name).map_or(Ok(None), |id| Revision::commit(system, name, id))
    }

    /// Like [`Self::commit`], and it has to be there.
    fn needed_commit(&self, system: System, name: &'static str) -> Result<Revision, Error> {
        self.commit(system, name)?.ok_or(Error::NotSet { system, what: name })
    }
}

/// A continuous integration system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// <https://docs.github.com/actions/reference/workflows-and-actions/variables>; Gitea and Forgejo set the same.
    GitHub,
    /// <https://docs.gitlab.com/ci/variables/predefined_variables/>
    GitLab,
    /// <https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/>
    Bitbucket,
    /// <https://learn.microsoft.com/azure/devops/pipelines/build/variables>
    Azure,
    /// <https://circleci.com/docs/variables/>
    CircleCi,
    /// <https://plugins.jenkins.io/git/> and the multibranch variables of Jenkins.
    Jenkins,
    /// What was typed says it.
    Typed,
}

impl System {
    /// What to change so that the whole history is there, in a few words.
    #[must_use]
    pub fn full_checkout(self) -> &'static str {
        match self {
            Self::GitHub => "set `fetch-depth: 0` in the step that uses actions/checkout",
            Self::GitLab => "set the variable `GIT_DEPTH: 0` for the job",
            Self::Bitbucket => "set `clone: {depth: full}` in bitbucket-pipelines.yml",
            Self::Azure => "set `fetchDepth: 0` in the `checkout: self` step",
            Self::CircleCi => "set `method: full` in the `checkout` step, or run `git fetch --unshallow`",
            Self::Jenkins => "switch off the shallow clone of the git step, or run `git fetch --unshallow`",
            Self::Typed => "run `git fetch --unshallow`",
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GitHub => "GitHub Actions",
            Self::GitLab => "GitLab CI",
            Self::Bitbucket => "Bitbucket Pipelines",
            Self::Azure => "Azure Pipelines",
            Self::CircleCi => "CircleCI",
            Self::Jenkins => "Jenkins",
            Self::Typed => "--base",
        })
    }
}

/// A commit or tag, and how to get it where it is not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// What git finds it by.
    pub spec: String,
    /// What to ask `origin` for; nothing for what can only be here.
    pub refspec: Option<String>,
}

impl Revision {
    /// What is checked out.
    #[must_use]
    pub fn head() -> Self {
        Self { spec: "HEAD".to_owned(), refspec: None }
    }

    /// What somebody typed.
    #[must_use]
    pub fn typed(spec: &str) -> Self {
        Self { spec: spec.to_owned(), refspec: is_id(spec).then(|| spec.to_owned()) }
    }

    /// The commit with this id; none where it is all zeros.
    fn commit(system: System, what: &'static str, id: &str) -> Result<Option<Self>, Error> {
        if !is_id(id) {
            return Err(Error::NoId { system, what, found: id.to_owned() });
        }
        Ok((!is_zeros(id)).then(|| Self::typed(id)))
    }

    /// A branch as the remote has it.
    fn remote_branch(system: System, what: &'static str, name: &str) -> Result<Self, Error> {
        let name = branch_name(system, what, name)?;
        let spec = format!("refs/remotes/origin/{name}");
        Ok(Self { refspec: Some(format!("+refs/heads/{name}:{spec}")), spec })
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = if is_id(&self.spec) { &self.spec[..SHORT_ID] } else { &self.spec };
        f.write_str(shown.strip_prefix("refs/remotes/").unwrap_or(shown))
    }
}

/// How many digits of an id are shown.
const SHORT_ID: usize = 10;

/// What is to be scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// What somebody asks to be merged: the commits of `head` that `base` has not. The two must have a commit in common.
    Request {
        /// Where it is to be merged into.
        base: Revision,
        /// What is to be merged.
        head: Revision,
    },
    /// A push to a branch that was there: the commits of `after` that `before` has not; all where `before` is nowhere any more.
    Push {
        /// What the branch was.
        before: Revision,
        /// What it is.
        after: Revision,
    },
    /// A branch or tag of which is not known what it was: what no other branch of the remote has.
    Reference {
        /// The branch's name; absent for a tag.
        branch: Option<String>,
        /// What it is.
        head: Revision,
    },
    /// The history of all references, and of what is checked out.
    Everything,
    /// A deletion.
    Nothing,
}

/// What is to be scanned, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Who says so.
    pub system: System,
    /// What is to be scanned.
    pub target: Target,
    /// In a few words.
    pub why: String,
    /// The branch into which others are merged, where that is told.
    pub default_branch: Option<String>,
    /// The branch into which this request is to be merged, as the remote has it, where that is told: it may have gone on since
    /// the run was started, and the request may have taken over what is new in it.
    pub base_branch: Option<Revision>,
}

/// Why it cannot be told what to scan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No system is known by its variables.
    #[error(
        "no CI system that is known here set its variables (GitHub, GitLab, Bitbucket, Azure, CircleCI, Jenkins); say what to \
         scan with `keysieve ci --base REVISION [--head REVISION]`, or use `keysieve diff` or `keysieve audit`"
    )]
    Unknown,
    /// A variable that is documented is not set.
    #[error("{system}: {what} is not set; pass `--base REVISION` and, if it is not HEAD, `--head REVISION`")]
    NotSet {
        /// The system.
        system: System,
        /// The variable, or field of the event.
        what: &'static str,
    },
    /// What should be a commit's id is none.
    #[error(
        "{system}: {what} is no commit's id: `{found}`; pass `--base REVISION` and, if it is not HEAD, `--head REVISION`"
    )]
    NoId {
        /// The system.
        system: System,
        /// The variable, or field of the event.
        what: &'static str,
        /// Its value.
        found: String,
    },
    /// What should be a branch's name is none.
    #[error(
        "{system}: {what} is no branch's name: `{found}`; pass `--base REVISION` and, if it is not HEAD, `--head REVISION`"
    )]
    NoBranch {
        /// The system.
        system: System,
        /// The variable, or field of the event.
        what: &'static str,
        /// Its value.
        found: String,
    },
    /// The file with GitHub's event cannot be understood.
    #[error(
        "GitHub Actions: the event in the file that GITHUB_EVENT_PATH names is not as documented: {why}; pass `--base REVISION`"
    )]
    Event {
        /// What is wrong.
        why: String,
    },
}

impl Plan {
    /// What the system in whose run this is asks for.
    ///
    /// # Errors
    ///
    /// When no system is known, or it does not say what it documents.
    pub fn of(environment: &Environment) -> Result<Self, Error> {
        let is = |name: &str| environment.get(name).is_some();
        // The more telling first: agents of several systems run on machines of others.
        match () {
            () if is("GITHUB_ACTIONS") => github::plan(environment),
            () if is("GITLAB_CI") => gitlab::plan(environment),
            () if is("BITBUCKET_COMMIT") => bitbucket::plan(environment),
            () if is("TF_BUILD") => azure::plan(environment),
            () if is("CIRCLECI") => circleci::plan(environment),
            () if is("JENKINS_URL") => jenkins::plan(environment),
            () => Err(Error::Unknown),
        }
    }

    /// What was typed, whatever the system says.
    #[must_use]
    pub fn typed(environment: &Environment, base: &str, head: Option<&str>) -> Self {
        // Of the system only its way to a full checkout is of interest then.
        let system = Self::of(environment).map_or(System::Typed, |plan| plan.system);
        let head = head.map_or_else(Revision::head, Revision::typed);
        let target = Target::Request { base: Revision::typed(base), head };
        Self { system, target, why: "as --base says".to_owned(), default_branch: None, base_branch: None }
    }

    fn new(system: System, target: Target, why: impl Into<String>) -> Self {
        Self { system, target, why: why.into(), default_branch: None, base_branch: None }
    }

    /// The same, for a request to merge into the branch of this name.
    fn into_branch(self, what: &'static str, name: Option<&str>) -> Result<Self, Error> {
        let branch = name.map(|name| Revision::remote_branch(self.system, what, name)).transpose()?;
        Ok(Self { base_branch: branch, ..self })
    }
}

/// A branch's name as it may stand in a refspec: nothing in it means anything to git.
fn branch_name<'a>(system: System, what: &'static str, name: &'a str) -> Result<&'a str, Error> {
    let bare = name.strip_prefix("refs/heads/").unwrap_or(name);
    let is_name = !bare.is_empty()
        && !bare.starts_with(['-', '/'])
        && !bare.contains("..")
        && !bare.contains("@{")
        && !bare.contains(|c: char| c.is_control() || " ~^:?*[\\".contains(c));
    if is_name { Ok(bare) } else { Err(Error::NoBranch { system, what, found: name.to_owned() }) }
}

/// Whether it is a whole SHA-1 or SHA-256 id.
fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_zeros(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
}
