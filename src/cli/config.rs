//! What was typed, and the environment -> what each stage needs.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use keysieve::finding::utc_day;
use keysieve::provenance::ObjectId;
use keysieve::report::{Format, Options};
use keysieve::rules::{Confidence, Error as RulesError, RuleSet};
use keysieve::scan::ScanConfig;
use keysieve::sources::git::{GitEnvironment, Repository};
use keysieve::suppress::{Baseline, Config as SuppressConfig, Suppressions, baseline, config};

use super::args::{ColourArg, Common, ConfidenceArg, FormatArg};
use super::output::check_file;

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

/// Where a repository's `.keysieve.yaml` and baseline are taken from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PolicySource<'a> {
    /// There is no repository.
    Nowhere,
    /// The top directory of a work tree.
    Directory(&'a Path),
    /// A commit: what is being looked at must not change how it is looked at.
    Commit(&'a Repository, ObjectId),
}

impl<'a> PolicySource<'a> {
    /// The work tree's files; those of HEAD where there is no work tree.
    pub(crate) fn of(repository: &'a Repository) -> Self {
        match (repository.workdir(), repository.head()) {
            (Some(workdir), _) => Self::Directory(workdir),
            (None, (_, Some(head))) => Self::Commit(repository, head),
            (None, (_, None)) => Self::Nowhere,
        }
    }

    /// The text of a file; none where there is no such file.
    pub(crate) fn read(&self, name: &str) -> anyhow::Result<Option<String>> {
        let bytes = match self {
            Self::Nowhere => None,
            Self::Directory(dir) => read_if_there(&dir.join(name))?,
            Self::Commit(repository, commit) => repository.file_at(commit, name)?,
        };
        bytes.map(|bytes| String::from_utf8(bytes).with_context(|| format!("{name}: not UTF-8"))).transpose()
    }

    fn suppressions(&self, common: &Common) -> anyhow::Result<Suppressions> {
        let config = match self.read(config::FILE)? {
            Some(text) => SuppressConfig::parse(config::FILE, &text)?,
            None => SuppressConfig::default(),
        };
        Ok(Suppressions { baseline: self.baseline(common.baseline.as_deref())?, config, today: today() })
    }

    /// The baseline, or the one in `file`, and the salt beside it.
    fn baseline(&self, file: Option<&Path>) -> anyhow::Result<Baseline> {
        let (name, text, salt) = match file {
            None => (baseline::FILE.to_owned(), self.read(baseline::FILE)?, self.read(baseline::SALT_FILE)?),
            Some(file) => {
                let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
                let salt = read_if_there(&file.with_file_name(baseline::SALT_FILE))?;
                let salt = salt.map(|salt| String::from_utf8_lossy(&salt).into_owned());
                (file.display().to_string(), Some(text), salt)
            }
        };
        match text {
            Some(text) => Ok(Baseline::parse(&name, &text, salt.as_deref())?),
            None => Ok(Baseline::default()),
        }
    }
}

fn read_if_there(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// Today in UTC, `YYYY-MM-DD`.
fn today() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    utc_day(i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
}

/// Checks a configuration; gives the rule files that it names.
pub(crate) fn check(file: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    let config = SuppressConfig::parse(&name, &text)?;
    let dir = file.parent().unwrap_or(Path::new(""));
    let files: Vec<PathBuf> = config.rule_files.iter().map(|file| dir.join(file)).collect();
    config.apply(&name, rules(&files)?)?;
    Ok(files)
}

/// All rules, before the repository's configuration switches any off.
pub(crate) fn all_rules(common: &Common, policy: PolicySource<'_>) -> anyhow::Result<RuleSet> {
    all_rules_of(common, policy, &policy.suppressions(common)?.config)
}

fn all_rules_of(common: &Common, policy: PolicySource<'_>, own: &SuppressConfig) -> anyhow::Result<RuleSet> {
    let mut rules = RuleSet::builtin();
    for file in &own.rule_files {
        let text = policy.read(file)?.with_context(|| format!("{}: there is no {file}", config::FILE))?;
        rules = rules.with_yaml(file, &text)?;
    }
    Ok(common.rules.iter().try_fold(rules, |rules, file| rules.with_file(file))?)
}

/// What was typed, with what the repository's own files say.
pub(crate) fn scan_config(common: &Common, policy: PolicySource<'_>) -> anyhow::Result<ScanConfig> {
    let suppressions = policy.suppressions(common)?;
    let rules =
        suppressions.config.apply(config::FILE, all_rules_of(common, policy, &suppressions.config)?)?;
    Ok(ScanConfig {
        rules: Arc::new(rules),
        threads: usize::from(common.threads),
        min_confidence: match common.min_confidence {
            ConfidenceArg::Low => Confidence::Low,
            ConfidenceArg::Medium => Confidence::Medium,
            ConfidenceArg::High => Confidence::High,
        },
        shows_secrets: common.show_secrets,
        suppressions: Arc::new(suppressions),
        scans_whole: common.scan_whole,
        uses_cache: !common.no_cache,
        sweep: None,
    })
}

/// Where and how results are written, checked before there are any.
pub(crate) fn output_config(common: &Common) -> anyhow::Result<OutputConfig> {
    common.output.as_deref().map(check_file).transpose()?;
    let is_terminal = common.output.is_none() && std::io::stdout().is_terminal();
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Ok(OutputConfig {
        format: match common.format {
            FormatArg::Text => Format::Text,
            FormatArg::Json => Format::Json,
            FormatArg::Jsonl => Format::JsonLines,
        },
        options: Options {
            show_secrets: common.show_secrets,
            show_suppressed: common.show_suppressed,
            colour: match common.color {
                ColourArg::Auto => is_terminal && !no_colour,
                ColourArg::Always => true,
                ColourArg::Never => false,
            },
        },
        file: common.output.clone(),
    })
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
