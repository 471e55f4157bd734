//! What is wrong with an environment file, how bad that is, and what to do about it.

use bstr::{BString, ByteSlice};

use crate::finding::{CommitSummary, ImagePlace};
use keysieve_rules::Severity;

use crate::provenance::file_name;

/// What a value is, the least telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Judgement {
    /// Nothing, or what is to be replaced: `your-key-here`, `<token>`, `${TOKEN}`.
    Placeholder,
    /// What anybody may know: a port, a URL without a password, a path, `true`, a word.
    Public,
    /// By its name or place a secret, but one that anybody guesses: `changeme`, `admin123`.
    Weak,
    /// A secret.
    Secret,
}

impl Judgement {
    /// The name that machine output has.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Placeholder => "placeholder",
            Self::Public => "public",
            Self::Weak => "weak",
            Self::Secret => "secret",
        }
    }
}

/// A line of an ignore file that decides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decision {
    /// The file, relative to the top of the work tree where it lies in it.
    pub file: BString,
    /// Counted from 1.
    pub line: usize,
    /// The line as it was written.
    pub pattern: BString,
    /// The file is the user's own.
    pub is_own: bool,
}

/// A line that ignores, and one that comes later and takes that back: `!pattern`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TakenBack {
    /// The line that ignores.
    pub ignoring: Decision,
    /// The line that takes it back.
    pub by: Decision,
}

/// An environment file, or a template of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnvFile {
    /// Its path: in a repository from its top, elsewhere as it was asked for.
    pub path: BString,
    /// Where commands find it.
    pub whereabouts: Whereabouts,
    /// What holds for it, the most severe first; never empty.
    pub states: Vec<EnvState>,
    /// The secrets that are in it, now or in any of its versions, by line.
    pub secrets: Vec<SecretValue>,
    /// What each of its values is, in the order of the file as it lies on disk.
    pub values: Vec<JudgedValue>,
    /// Lines that would keep it out of commits and images.
    pub additions: Vec<Addition>,
}

/// Where commands find a file: people paste them.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Whereabouts {
    /// The top of its work tree, from the current directory; empty where that is it.
    pub top: BString,
    /// Its path from there.
    pub path: BString,
    /// The repository has no work tree.
    pub is_bare: bool,
}

/// A secret in an environment file. What it is, not its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretValue {
    /// Counted from 1.
    pub line: u64,
    /// What it is.
    pub name: String,
    /// No rule found it: what its variable is called tells it, or that it looks random.
    pub is_judged: bool,
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
    fn fix(&self, file: &EnvFile) -> Option<String> {
        let at = &file.whereabouts;
        let (git, spec) = (at.git(), at.pathspec());
        let rewrite =
            |options: &str| format!("{git} filter-repo {options}--invert-paths {}", at.path_option());
        Some(match self {
            Self::Tracked { .. } if at.is_bare => format!("in a clone: {git} rm --cached {spec}, and commit"),
            Self::Tracked { .. } => format!("{git} rm --cached {spec}"),
            Self::Staged => {
                format!("{git} restore --staged {spec} (before the first commit: {git} rm --cached {spec})")
            }
            Self::Committed { pushed: true, .. } => {
                let first = match file.may_need_rotation() {
                    true => "rotate every secret that it held: whoever has a clone has them; then",
                    false => "no secret was found in it (rotate what you know to be one);",
                };
                let rewrite = rewrite("");
                format!("{first} `{rewrite}` in a fresh clone and a forced push take it out of the history")
            }
            Self::Committed { is_reachable: true, .. } => {
                let or = if file.may_need_rotation() { ", or rotate what it held" } else { "" };
                let rewrite = rewrite("--force ");
                format!("take it out of the history before you push: `{rewrite}` (or `git rebase -i`){or}")
            }
            Self::Committed { .. } => format!(
                "{git} reflog expire --expire=now --all && {git} gc --prune=now, once nothing else of what was abandoned is needed"
            ),
            Self::FilledTemplate => {
                "put a placeholder in the value's place, and rotate the secret once it was pushed".to_owned()
            }
            Self::InImage(_) => {
                let name = file_name(file.path.as_bstr()).as_bstr();
                let rotate = match file.may_need_rotation() {
                    true => ", and rotate them once the image left this machine",
                    false => "",
                };
                format!(
                    "add `**/{name}` to .dockerignore, give its values to the container when it starts (`--env-file`, a secrets \
                     manager){rotate}"
                )
            }
            Self::InPackage { fix, .. } => fix.clone(),
            Self::TakenBack(TakenBack { by: Decision { file: ignore_file, line, pattern, .. }, .. }) => {
                let instead = if file.additions.is_empty() { "" } else { ", or overrule it" };
                format!("take out line {line} of {ignore_file}: `{pattern}`{instead}")
            }
            Self::ReadableByOthers { .. } => format!("chmod go= {}", at.shell_path()),
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
        let whereabouts = Whereabouts { path: path.clone(), ..Whereabouts::default() };
        Self { path, whereabouts, states, secrets, values: Vec::new(), additions: Vec::new() }
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

    /// Whether there is something in it to rotate: a secret in any of its versions, or a weak password on disk.
    fn may_need_rotation(&self) -> bool {
        let is_weak = |value: &JudgedValue| value.judgement >= Judgement::Weak;
        !self.secrets.is_empty() || self.values.iter().any(is_weak)
    }

    /// What to do about it, a step each.
    #[must_use]
    pub fn fixes(&self) -> Vec<String> {
        let mut steps: Vec<String> = self.states.iter().filter_map(|state| state.fix(self)).collect();
        steps.extend(
            self.additions.iter().map(|Addition { file, line, .. }| format!("add `{line}` to {file}")),
        );
        let is_pushed = |state: &EnvState| matches!(state, EnvState::Tracked { pushed: true });
        let is_told = |state: &EnvState| matches!(state, EnvState::Committed { pushed: true, .. });
        let is_pushed_only = self.states.iter().any(is_pushed) && !self.states.iter().any(is_told);
        if is_pushed_only && self.may_need_rotation() {
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

impl Whereabouts {
    /// `git`, told where the repository is.
    fn git(&self) -> String {
        if self.top.is_empty() { "git".to_owned() } else { format!("git -C {}", operand(&self.top)) }
    }

    /// The path as git's commands take it, for which some signs are patterns.
    fn pathspec(&self) -> String {
        match self.path.find_byteset(br"*?[\").is_some() || self.path.starts_with(b":") {
            true => quoted(&[b":(literal)", self.path.as_slice()].concat()),
            false => operand(&self.path),
        }
    }

    fn path_option(&self) -> String {
        let sign = if self.path.starts_with(b"-") { '=' } else { ' ' };
        format!("--path{sign}{}", quoted(&self.path))
    }

    /// The path from the current directory.
    fn shell_path(&self) -> String {
        match self.top.is_empty() {
            true => operand(&self.path),
            false => operand(&[self.top.as_slice(), b"/", self.path.as_slice()].concat()),
        }
    }
}

/// A path as one word of a shell that no command takes for an option.
fn operand(path: &[u8]) -> String {
    if path.starts_with(b"-") { quoted(&[b"./", path].concat()) } else { quoted(path) }
}

/// The text as one word of a shell, whatever is in it.
fn quoted(text: &[u8]) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-/=,+@%".contains(byte);
    match text.to_str() {
        Ok(plain) if !plain.is_empty() && text.iter().all(is_plain) => plain.to_owned(),
        Ok(text) if !text.chars().any(char::is_control) => format!("'{}'", text.replace('\'', r"'\''")),
        // What no terminal shows as it is: bash, zsh and ksh know these escapes.
        _ => {
            let byte = |byte: &u8| match byte {
                b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
                b' '..=b'~' => char::from(*byte).to_string(),
                _ => format!("\\x{byte:02x}"),
            };
            format!("$'{}'", text.iter().map(byte).collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(top: &str, path: &[u8]) -> Whereabouts {
        Whereabouts { top: top.into(), path: path.into(), is_bare: false }
    }

    #[test]
    fn commands_name_the_repository_and_the_file_whatever_they_are_called() {
        for (top, path, git, spec, option, shell) in [
            ("", b".env".as_slice(), "git", ".env", "--path .env", ".env"),
            ("libs/one", b"a/.env", "git -C libs/one", "a/.env", "--path a/.env", "libs/one/a/.env"),
            ("../..", b"a b.env", "git -C ../..", "'a b.env'", "--path 'a b.env'", "'../../a b.env'"),
            ("-x", b".env", "git -C ./-x", ".env", "--path .env", "./-x/.env"),
            ("", b"-x.env", "git", "./-x.env", "--path=-x.env", "./-x.env"),
            ("", b"*.env", "git", "':(literal)*.env'", "--path '*.env'", "'*.env'"),
            ("", b"o'b.env", "git", r"'o'\''b.env'", r"--path 'o'\''b.env'", r"'o'\''b.env'"),
            (
                "",
                b"a\n\xe4'.env",
                "git",
                r"$'a\x0a\xe4\'.env'",
                r"--path $'a\x0a\xe4\'.env'",
                r"$'a\x0a\xe4\'.env'",
            ),
        ] {
            let at = at(top, path);
            assert_eq!((at.git(), at.pathspec()), (git.to_owned(), spec.to_owned()));
            assert_eq!((at.path_option(), at.shell_path()), (option.to_owned(), shell.to_owned()));
        }
    }
}
