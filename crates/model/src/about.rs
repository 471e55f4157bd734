//! What a run was about: by which command, with which rules and configuration, of which repository.

use bstr::BString;

/// Facts that make results readable long after the run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The command as it was typed, without options that change only how results are written.
    pub command: BString,
    /// The command that explains a finding of the run, `ID` or `FILE:LINE` in its place; none where no command does.
    pub explain: Option<BString>,
    /// The version of the built-in rules.
    pub rules_version: String,
    /// The files that say what is looked for and reported: configuration, baseline, rule files.
    pub configuration: Vec<BString>,
    /// The least severity that changes the exit code, or `never`.
    pub fail_on: String,
    /// The least confidence that is reported.
    pub min_confidence: String,
    /// The repository, if there is one.
    pub repository: Option<AboutRepository>,
}

/// A repository as people name it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AboutRepository {
    /// The last part of the remote's address; the name of its folder if there is no remote.
    pub name: BString,
    /// The remote's address, without user, password and query.
    pub url: Option<BString>,
    /// The commit that HEAD names.
    pub head: Option<String>,
    /// The branch that is checked out, such as `main`.
    pub branch: Option<BString>,
}
