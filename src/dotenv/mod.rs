//! Environment files: secrets belong there in development, as long as git never sees the file. Their state, how they are read
//! ([`mod@parse`]), what each value is ([`value`]), and which of them can be looked for elsewhere ([`values`]).

pub mod parse;
pub mod value;
pub mod values;

use bstr::{BStr, BString, ByteSlice};

use crate::finding::{CommitSummary, ImagePlace};

pub use self::parse::{NotText, Parsed, Variable, parse};
pub use self::value::{Judgement, judge};
pub use self::values::Values;

/// Whether a file of this name holds environment variables with their values.
#[must_use]
pub fn is_env_name(name: &[u8]) -> bool {
    let is_env = name == b".env"
        || name == b".envrc"
        || name == b".flaskenv"
        || name.strip_prefix(b".env.").is_some_and(|rest| !rest.is_empty())
        || name.strip_suffix(b".env").is_some_and(|rest| !rest.is_empty());
    is_env && !is_template_name(name)
}

/// Whether a file of this name shows which variables there are, without real values: `.env.example`.
#[must_use]
pub fn is_template_name(name: &[u8]) -> bool {
    [".example", ".sample", ".template", ".dist", ".tmpl", ".tpl", ".default", ".defaults"]
        .iter()
        .any(|part| name.to_ascii_lowercase().contains_str(part))
}

/// The last part of a path with `/` between its parts.
#[must_use]
pub fn file_name(path: &BStr) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
}

/// What git knows of an environment file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum EnvState {
    /// In the index: the next clone has it.
    Tracked,
    /// Not tracked any more, but still in the history.
    Committed {
        /// The commit that brought it in.
        introduced: Option<CommitSummary>,
        /// Whether a remote has it.
        pushed: bool,
    },
    /// One `git add .` away from being committed.
    NotIgnored,
    /// In a container image: whoever can pull it has it.
    InImage(Box<ImagePlace>),
}

/// An environment file that is not as it should be: ignored, and never committed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnvFile {
    /// Its path in the repository.
    pub path: BString,
    /// What git knows of it.
    pub state: EnvState,
}

impl EnvFile {
    /// What to do about it.
    #[must_use]
    pub fn fix(&self) -> String {
        let (path, name) = (shell_word(&self.path), file_name(self.path.as_bstr()).as_bstr());
        let ignore = format!("add `{name}` to .gitignore");
        match &self.state {
            EnvState::Tracked => format!("`git rm --cached {path}`, {ignore}, and rotate what it holds once it was pushed"),
            EnvState::Committed { pushed: true, .. } => {
                "rotate every secret that it held: whoever has a clone has them".to_owned()
            }
            EnvState::Committed { pushed: false, .. } => {
                "take it out of the history before you push (`git rebase -i`, `git filter-repo`), or rotate what it held"
                    .to_owned()
            }
            EnvState::NotIgnored => ignore,
            EnvState::InImage(_) => format!(
                "add `{name}` to .dockerignore, give its values to the container when it starts (`--env-file`, a secrets manager), \
                 and rotate them once the image left this machine"
            ),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_files_and_their_templates_are_told_apart() {
        for name in [".env", ".env.local", ".env.production", "prod.env", ".envrc", ".flaskenv"] {
            assert!(is_env_name(name.as_bytes()), "{name}");
        }
        for name in
            [".env.example", ".env.sample", "env", "environment.py", "env.py", ".environment", ".env."]
        {
            assert!(!is_env_name(name.as_bytes()), "{name}");
        }
    }
}
