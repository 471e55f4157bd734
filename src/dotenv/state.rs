//! What is wrong with an environment file, how bad that is, and what to do about it.

use bstr::{BStr, BString, ByteSlice};

use crate::finding::{CommitSummary, ImagePlace};
use crate::rules::Severity;

use super::ignores::{Decision, TakenBack};
use super::names::file_name;
use super::value::Judgement;

/// An environment file, or a template of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnvFile {
    /// Its path: in a repository from its top, elsewhere as it was asked for.
    pub path: BString,
    /// What holds for it, the most severe first; never empty.
    pub states: Vec<EnvState>,
    /// The secrets that were found in it, now or in any of its versions, by line.
    pub secrets: Vec<SecretValue>,
    /// What each of its values is, in the order of the file as it lies on disk.
    pub values: Vec<JudgedValue>,
    /// Lines that would keep it out of commits and images.
    pub additions: Vec<Addition>,
}

/// A secret in an environment file. What it is, not its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretValue {
    /// Counted from 1.
    pub line: u64,
    /// What it is.
    pub name: String,
}

/// A variable of an environment file, and what its value is. Not the value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct JudgedValue {
    /// Counted from 1.
    pub line: u64,
    /// Its name; none where what stands in its place may be part of a value.
    pub name: Option<BString>,
    /// What its value is.
    pub judgement: Judgement,
}

/// A line to be added to an ignore file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Addition {
    /// The file, as reports show it.
    pub file: BString,
    /// The file, as it is opened.
    pub target: std::path::PathBuf,
    /// The line, without its end.
    pub line: BString,
}

/// What holds for an environment file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum EnvState {
    /// HEAD and the index have it: the next clone has it.
    Tracked {
        /// Whether a remote has a version of it.
        pushed: bool,
    },
    /// The index has a version of it that HEAD has not: the next commit brings it.
    Staged,
    /// A commit has it.
    Committed {
        /// The commit that brought it in.
        introduced: Option<CommitSummary>,
        /// The latest commit that has it.
        last: Option<CommitSummary>,
        /// How many versions of it there are.
        versions: usize,
        /// Whether a remote has it.
        pushed: bool,
        /// Whether a branch, a tag or another reference leads to it.
        is_reachable: bool,
    },
    /// A template, which is meant to be committed, and holds a real value.
    FilledTemplate,
    /// In a container image: whoever can pull it has it.
    InImage(Box<ImagePlace>),
    /// A Dockerfile copies it into an image, and no `.dockerignore` keeps it out.
    InBuildContext {
        /// The Dockerfile.
        dockerfile: BString,
        /// The line of the instruction, counted from 1.
        line: usize,
        /// The instruction.
        instruction: BString,
        /// The ignore file that Docker reads for it, whether it is there or not.
        ignore_file: BString,
        /// The line of that file that takes it back.
        taken_back_by: Option<(usize, BString)>,
    },
    /// The next package that is built of this project holds it.
    InPackage {
        /// The file that says so, or that should keep it out.
        file: BString,
        /// What is built: `sdist`, `wheel`, `npm package`.
        kind: &'static str,
        /// Why it is in there.
        why: String,
        /// What keeps it out.
        fix: String,
    },
    /// One `git add .` away from being committed.
    NotIgnored,
    /// The same, because a later line takes back what one ignores.
    TakenBack(TakenBack),
    /// Tracked or staged, though a line ignores it: somebody forced it.
    ForceAdded(Decision),
    /// Whether git ever sees it is not known: there is no repository.
    Unknown,
    /// Ignored by nothing but the user's own files, which others do not have.
    IgnoredByOwn(Decision),
    /// Every user of this machine can read it.
    ReadableByOthers {
        /// The permission bits.
        mode: u32,
    },
    /// Ignored, and never committed: as it should be.
    Ignored(Decision),
    /// A template without real values: as it should be.
    Template,
}

impl EnvState {
    /// The name that machine output has.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Tracked { .. } => "tracked",
            Self::Staged => "staged",
            Self::Committed { .. } => "committed",
            Self::FilledTemplate => "filled-template",
            Self::InImage(_) => "in-image",
            Self::InBuildContext { .. } => "in-build-context",
            Self::InPackage { .. } => "in-package",
            Self::NotIgnored => "not-ignored",
            Self::TakenBack(_) => "re-included",
            Self::ForceAdded(_) => "force-added",
            Self::Unknown => "unknown",
            Self::IgnoredByOwn(_) => "ignored-by-own-excludes",
            Self::ReadableByOthers { .. } => "readable-by-others",
            Self::Ignored(_) => "ignored",
            Self::Template => "template",
        }
    }

    /// How bad it is for a file that holds a secret; a file in which none was found is one step less bad. None where it is as
    /// it should be.
    #[must_use]
    pub fn severity(&self, holds_secret: bool) -> Option<Severity> {
        let severity = match self {
            Self::Tracked { pushed: true } | Self::Committed { pushed: true, .. } => Severity::Critical,
            Self::Tracked { .. } | Self::Staged | Self::FilledTemplate | Self::InImage(_) => Severity::High,
            Self::Committed { is_reachable, .. } => {
                if *is_reachable {
                    Severity::High
                } else {
                    Severity::Medium
                }
            }
            Self::InBuildContext { .. } | Self::InPackage { .. } => Severity::High,
            Self::NotIgnored | Self::TakenBack(_) | Self::ForceAdded(_) | Self::Unknown => Severity::Medium,
            Self::IgnoredByOwn(_) | Self::ReadableByOthers { .. } => Severity::Low,
            Self::Ignored(_) | Self::Template => return None,
        };
        Some(match severity {
            _ if holds_secret => severity,
            Severity::Critical => Severity::High,
            Severity::High => Severity::Medium,
            Severity::Medium | Severity::Low => Severity::Low,
        })
    }

    /// What to do about it; none where the additions say it all.
    fn fix(&self, path: &BStr) -> Option<String> {
        let word = shell_word(path);
        let rewrite = format!("git filter-repo --invert-paths --path {word}");
        Some(match self {
            Self::Tracked { .. } => format!("git rm --cached {word}"),
            Self::Staged => format!("git restore --staged {word} (before the first commit: git rm --cached {word})"),
            Self::Committed { pushed: true, .. } => {
                format!(
                    "rotate every secret that it held: whoever has a clone has them; then `{rewrite}` and a forced push take it out \
                     of the history"
                )
            }
            Self::Committed { is_reachable: true, .. } => {
                format!("take it out of the history before you push: `{rewrite}` (or `git rebase -i`), or rotate what it held")
            }
            Self::Committed { .. } => {
                "git reflog expire --expire=now --all && git gc --prune=now, once nothing else of what was abandoned is needed"
                    .to_owned()
            }
            Self::FilledTemplate => {
                "put a placeholder in the value's place, and rotate the secret once it was pushed".to_owned()
            }
            Self::InImage(_) => {
                let name = file_name(path).as_bstr();
                format!(
                    "add `**/{name}` to .dockerignore, give its values to the container when it starts (`--env-file`, a secrets \
                     manager), and rotate them once the image left this machine"
                )
            }
            Self::InPackage { fix, .. } => fix.clone(),
            Self::TakenBack(taken_back) => {
                let Decision { file, line, pattern, .. } = &taken_back.by;
                format!("take out line {line} of {file}: `{pattern}`")
            }
            Self::ReadableByOthers { .. } => format!("chmod go= {word}"),
            Self::Unknown => "keep it in a repository that ignores it, or out of reach of others".to_owned(),
            Self::InBuildContext { .. }
            | Self::NotIgnored
            | Self::ForceAdded(_)
            | Self::IgnoredByOwn(_)
            | Self::Ignored(_)
            | Self::Template => return None,
        })
    }
}

impl EnvFile {
    /// A file with these states, put in their order.
    #[must_use]
    pub fn new(path: BString, mut states: Vec<EnvState>, mut secrets: Vec<SecretValue>) -> Self {
        secrets.sort();
        secrets.dedup();
        // Of those that are equally bad the one that is told first comes first.
        states.sort_by(|a, b| {
            let severity = |state: &EnvState| std::cmp::Reverse(state.severity(true));
            severity(a).cmp(&severity(b)).then_with(|| a.cmp(b))
        });
        Self { path, states, secrets, values: Vec::new(), additions: Vec::new() }
    }

    /// How bad the worst of its states is; none where it is as it should be.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.states.iter().filter_map(|state| state.severity(!self.secrets.is_empty())).max()
    }

    /// Whether a secret in it is, or is about to be, where others can get at it.
    #[must_use]
    pub fn exposes_secret(&self) -> bool {
        !self.secrets.is_empty() && self.severity() >= Some(Severity::Medium)
    }

    /// What to do about it, a step each.
    #[must_use]
    pub fn fixes(&self) -> Vec<String> {
        let mut steps: Vec<String> =
            self.states.iter().filter_map(|state| state.fix(self.path.as_bstr())).collect();
        steps.extend(
            self.additions.iter().map(|Addition { file, line, .. }| format!("add `{line}` to {file}")),
        );
        let is_pushed = |state: &EnvState| matches!(state, EnvState::Tracked { pushed: true });
        let is_told = |state: &EnvState| matches!(state, EnvState::Committed { pushed: true, .. });
        if self.states.iter().any(is_pushed) && !self.states.iter().any(is_told) {
            steps.push("rotate what it holds: a remote has it".to_owned());
        }
        steps
    }

    /// The same in one line.
    #[must_use]
    pub fn fix(&self) -> String {
        self.fixes().join("; ")
    }
}

/// The path as one word of a POSIX shell, whatever is in it: people paste commands.
fn shell_word(path: &[u8]) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-/".contains(byte);
    let text = path.to_str_lossy();
    if path.iter().all(is_plain) && !path.starts_with(b"-") {
        text.into_owned()
    } else {
        format!("-- '{}'", text.replace('\'', "'\\''"))
    }
}
