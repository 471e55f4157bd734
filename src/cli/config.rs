//! What was typed, and the environment -> what each stage needs.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;

use keysieve::report::{Format, Options};
use keysieve::rules::{Confidence, Error as RulesError, RuleSet};
use keysieve::scan::ScanConfig;
use keysieve::sources::git::GitEnvironment;

use super::args::{ColourArg, Common, ConfidenceArg, FormatArg};

/// Where and how results are written.
#[derive(Debug)]
pub(crate) struct OutputConfig {
    pub(crate) format: Format,
    pub(crate) options: Options,
    pub(crate) file: Option<PathBuf>,
}

/// The built-in rules and those of the given files.
pub(crate) fn rules(files: &[PathBuf]) -> Result<RuleSet, RulesError> {
    files.iter().try_fold(RuleSet::builtin(), |rules, file| rules.with_file(file))
}

pub(crate) fn scan_config(common: &Common) -> Result<ScanConfig, RulesError> {
    Ok(ScanConfig {
        rules: Arc::new(rules(&common.rules)?),
        threads: usize::from(common.threads),
        min_confidence: match common.min_confidence {
            ConfidenceArg::Low => Confidence::Low,
            ConfidenceArg::Medium => Confidence::Medium,
            ConfidenceArg::High => Confidence::High,
        },
        shows_secrets: common.show_secrets,
        scans_whole: common.scan_whole,
    })
}

pub(crate) fn output_config(common: &Common) -> OutputConfig {
    let is_terminal = common.output.is_none() && std::io::stdout().is_terminal();
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    OutputConfig {
        format: match common.format {
            FormatArg::Text => Format::Text,
            FormatArg::Json => Format::Json,
            FormatArg::Jsonl => Format::JsonLines,
        },
        options: Options {
            show_secrets: common.show_secrets,
            colour: match common.color {
                ColourArg::Auto => is_terminal && !no_colour,
                ColourArg::Always => true,
                ColourArg::Never => false,
            },
        },
        file: common.output.clone(),
    }
}

/// Where git says that the repository's parts lie, when it runs a hook.
pub(crate) fn git_environment() -> GitEnvironment {
    let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let alternates = std::env::var_os("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
    GitEnvironment {
        git_dir: path("GIT_DIR"),
        index_file: path("GIT_INDEX_FILE"),
        object_directory: path("GIT_OBJECT_DIRECTORY").or_else(|| path("GIT_QUARANTINE_PATH")),
        alternate_object_directories: std::env::split_paths(&alternates)
            .filter(|path| !path.as_os_str().is_empty())
            .collect(),
    }
}

/// A push as the pre-commit framework tells its hooks: <https://pre-commit.com/#pre-commit-during-push>.
#[derive(Debug)]
pub(crate) struct PreCommitPush {
    /// What is pushed, as a revision.
    pub(crate) tip: String,
    /// The local branch.
    pub(crate) branch: String,
    /// What the remote has, where the framework knows.
    pub(crate) base: Option<String>,
    pub(crate) remote: String,
}

/// What the pre-commit framework says, where it started this.
pub(crate) fn pre_commit_push() -> Option<PreCommitPush> {
    let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let branch = text("PRE_COMMIT_LOCAL_BRANCH");
    let tip = text("PRE_COMMIT_TO_REF").or_else(|| branch.clone())?;
    Some(PreCommitPush {
        branch: branch.unwrap_or_else(|| tip.clone()),
        tip,
        base: text("PRE_COMMIT_FROM_REF"),
        remote: text("PRE_COMMIT_REMOTE_NAME").or_else(|| text("PRE_COMMIT_REMOTE_URL")).unwrap_or_default(),
    })
}

/// Whether the user lets this one through: `KEYSIEVE_SKIP=1`.
pub(crate) fn skips_hook() -> bool {
    std::env::var_os("KEYSIEVE_SKIP").is_some_and(|value| !value.is_empty() && value != "0")
}

/// Whether progress is shown: on a terminal, where nobody asked for quiet.
pub(crate) fn shows_progress(common: &Common) -> bool {
    !common.quiet && std::io::stderr().is_terminal()
}
