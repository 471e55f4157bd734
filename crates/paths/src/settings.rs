//! Where ignore files are, and how they are called.

use std::path::PathBuf;

/// Where a repository's ignore files are, besides those in its work tree.
#[derive(Debug, Clone, Default)]
pub struct IgnoreSettings {
    /// `core.ignoreCase`
    pub folds_case: bool,
    /// The user's own, of which a team knows nothing: `.git/info/exclude` first, then `core.excludesFile`.
    pub own_files: Vec<PathBuf>,
    /// What the file in each folder is called; of several the first that is there. Empty for `.gitignore`.
    pub names: &'static [&'static str],
}

impl IgnoreSettings {
    /// What the file in each folder is called, the first that is there.
    #[must_use]
    pub fn names(&self) -> &'static [&'static str] {
        if self.names.is_empty() { &[".gitignore"] } else { self.names }
    }
}
