//! Why a repository cannot be opened or asked.

/// Why a repository cannot be opened or asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such file or directory.
    #[error("{path}: no such directory; give the path of a git repository")]
    NoSuchPath {
        /// What was asked for.
        path: String,
    },
    /// There is something, but no repository.
    #[error(
        "{path}: not a git repository, nor inside one ({why}); use `keysieve scan {path}` to scan plain files"
    )]
    NotARepository {
        /// What was asked for.
        path: String,
        /// What gix said.
        why: String,
    },
    /// There is a repository, but its own files are damaged.
    #[error(
        "{path}: the repository in {git_dir} cannot be opened: {why}; mend its `config`, `HEAD` or `objects/info/alternates`, \
             or clone it anew"
    )]
    Unusable {
        /// What was asked for.
        path: String,
        /// The git directory.
        git_dir: String,
        /// What gix said.
        why: String,
    },
    /// One of git's own files is a pipe or a device.
    #[error("{file}: not a regular file, and not read; git cannot use it either: restore it, or clone anew")]
    SpecialFile {
        /// The file.
        file: String,
    },
    /// One of git's own files is a link to something that is not git's.
    #[error(
        "{file}: a link that leads out of the repository, and not followed; put the file itself there, or clone anew"
    )]
    LinkOut {
        /// The file.
        file: String,
    },
    /// A file that names a git directory names none.
    #[error("{file} names no git directory; restore it, or clone anew")]
    NoGitDir {
        /// The file.
        file: String,
    },
    /// A `.git` file, or the one that names a work tree's main git directory, leads nowhere.
    #[error(
        "{file} leads to {missing}, which does not exist; restore that folder, run `git worktree repair` in the main work \
         tree if it was moved, or clone anew"
    )]
    LostGitDir {
        /// The file.
        file: String,
        /// The folder that it names.
        missing: String,
    },
    /// The revision names nothing.
    #[error(
        "revision `{revision}` does not name a commit of {path} ({why}); see `git branch -a` and `git tag` for what there is"
    )]
    NoSuchRevision {
        /// What was asked for.
        revision: String,
        /// The repository.
        path: String,
        /// What gix said.
        why: String,
    },
    /// One end of a range names nothing.
    #[error(
        "`{revision}` in `{range}` does not name a commit of {path} ({why}); in CI, check out with `fetch-depth: 0`; \
         elsewhere fetch it, or `git fetch --deepen=100` a shallow clone"
    )]
    NoSuchEnd {
        /// The end that is missing.
        revision: String,
        /// What was asked for.
        range: String,
        /// The repository.
        path: String,
        /// What gix said.
        why: String,
    },
    /// The two ends of a range share no history.
    #[error(
        "`{range}`: the two have no commit in common{}; in CI, check out with `fetch-depth: 0`; elsewhere \
         `git fetch --deepen=100`, or `A..B` where that is meant", if *is_shallow { " that is here: this is a shallow clone" } else { "" }
    )]
    NoMergeBase {
        /// What was asked for.
        range: String,
        /// Whether the reason may be that history was cut off.
        is_shallow: bool,
    },
    /// A range that should hold commits holds none.
    #[error(
        "`{range}` holds no commit: its second end is part of the first's history; give the older revision first"
    )]
    EmptyRange {
        /// What was asked for.
        range: String,
    },
    /// A shallow clone's history ends inside the range.
    #[error(
        "the range reaches past the end of this shallow clone's history ({commits} commits have parents that are not here): \
         what is new in it cannot be told; in CI, check out with `fetch-depth: 0`; elsewhere `git fetch --deepen=100` or \
         `git fetch --unshallow`"
    )]
    CutOff {
        /// How many commits of the range were cut off from their parents.
        commits: usize,
    },
    /// There is no index in a bare repository.
    #[error("{path}: a bare repository has no index, so nothing can be staged in it")]
    NoIndex {
        /// The repository.
        path: String,
    },
    /// An object database that is needed cannot be opened.
    #[error("{0}")]
    ObjectDatabase(String),
}

/// An error of gix without what it quotes of files: they may be other ones than they claim to be.
pub(super) fn unquoted(error: &impl std::fmt::Display) -> String {
    without_input(&error.to_string())
}

fn without_input(message: &str) -> String {
    const INPUT: &str = "input=\"";
    let (mut text, mut rest) = (String::new(), message);
    while let Some(start) = rest.find(INPUT) {
        text.push_str(&rest[..start]);
        text.push_str("input=...");
        let mut quoted = rest[start + INPUT.len()..].char_indices();
        rest = loop {
            match quoted.next() {
                Some((_, '\\')) => drop(quoted.next()),
                Some((_, '"')) => break quoted.as_str(),
                Some(_) => {}
                None => break "",
            }
        };
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_lose_what_they_quote_of_files() {
        let message = r#"Invalid packed reference, input="a \"b\" c\\", line=1"#;
        assert_eq!(without_input(message), "Invalid packed reference, input=..., line=1");
        assert_eq!(without_input(r#"torn, input="a"#), "torn, input=...");
        assert_eq!(without_input(r#"at "refs/x""#), r#"at "refs/x""#);
    }
}
