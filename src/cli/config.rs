//! What was typed, and the environment -> what each stage needs.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use bstr::BString;
use keysieve::ci::Environment as CiEnvironment;
use keysieve::policy::{Baseline, Config as SuppressConfig, Suppressions, baseline, config};
use keysieve::run::ScanConfig;
use keysieve_git::{GitEnvironment, Repository};
use keysieve_model::about::About;
use keysieve_model::finding::utc_day;
use keysieve_model::provenance::ObjectId;
use keysieve_paths::control;
use keysieve_report::{Format, Options};
use keysieve_rules::{Confidence, Error as RulesError, Files as RuleFiles, Folder, RuleSet, Severity};

use super::about::{about_repository, command_line};
use super::args::{ColourArg, Common, ConfidenceArg, FailOnArg, FormatArg, ResultsArgs};

/// Where and how results are written.
#[derive(Debug)]
pub(crate) struct OutputConfig {
    pub(crate) format: Format,
    pub(crate) options: Options,
    pub(crate) file: Option<PathBuf>,
    /// Other formats, each into a file of its own.
    pub(crate) also: Vec<(Format, PathBuf)>,
    /// Where a few values for the CI system go.
    pub(crate) outputs: Option<PathBuf>,
}

/// The built-in rules and those of the given files.
pub(crate) fn rules(files: &[PathBuf]) -> Result<RuleSet, RulesError> {
    files.iter().try_fold(keysieve_builtin::rules(), |rules, file| rules.with_file(file))
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
    /// The same, and what is named on the command line is taken from the commit too where it lies in the work tree: in CI that is
    /// what somebody wants to be merged.
    Base(&'a Repository, ObjectId),
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

    /// The first of the repository's own policy files that these options do not replace; `None` if there is none.
    pub(crate) fn own_file(&self, common: &Common) -> anyhow::Result<Option<&'static str>> {
        let files = [(config::FILE, common.config.is_none()), (baseline::FILE, common.baseline.is_none())];
        for (name, is_used) in files {
            if is_used && self.read(name)?.is_some() {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// The text of a file; none where there is no such file.
    pub(crate) fn read(&self, name: &str) -> anyhow::Result<Option<String>> {
        let bytes = match self {
            Self::Nowhere => None,
            Self::Directory(dir) => read_own(dir, &dir.join(name))?,
            Self::Commit(repository, commit) | Self::Base(repository, commit) => {
                repository.file_at(commit, name)?
            }
        };
        bytes.map(|bytes| String::from_utf8(bytes).with_context(|| format!("{name}: not UTF-8"))).transpose()
    }

    /// The text of a file that was named on the command line; none where there is no such file.
    fn read_named(&self, file: &Path) -> anyhow::Result<Option<String>> {
        if let Self::Base(repository, _) = self
            && let Some(path) = repository.workdir().and_then(|workdir| path_below(workdir, file))
        {
            return self.read(&path);
        }
        let bytes = read_if_there(file)?;
        bytes
            .map(|bytes| String::from_utf8(bytes).with_context(|| format!("{}: not UTF-8", file.display())))
            .transpose()
    }

    /// Like [`Self::read_named`], and it has to be there.
    fn read_needed(&self, file: &Path) -> anyhow::Result<String> {
        self.read_named(file)?.with_context(|| match self {
            Self::Base(_, base) => {
                format!("{}: there is no such file in {base}, from which the policy is taken", file.display())
            }
            _ => format!("{}: there is no such file", file.display()),
        })
    }

    /// Where what the rule file `name` includes is read from: beside it, in the same commit.
    fn files_beside(&self, name: &str) -> Box<dyn RuleFiles + 'a> {
        match *self {
            Self::Nowhere => Box::new(Folder::of(Path::new(name))),
            Self::Directory(dir) => Box::new(Folder::of(&dir.join(name))),
            Self::Commit(repository, commit) | Self::Base(repository, commit) => {
                let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
                Box::new(CommitFolder { repository, commit, folder })
            }
        }
    }

    /// The same for a file that was named on the command line.
    fn files_beside_named(&self, file: &Path) -> Box<dyn RuleFiles + 'a> {
        if let Self::Base(repository, _) = self
            && let Some(path) = repository.workdir().and_then(|workdir| path_below(workdir, file))
        {
            return self.files_beside(&path);
        }
        Box::new(Folder::of(file))
    }

    fn suppressions(&self, common: &Common) -> anyhow::Result<Suppressions> {
        let mut config = match (&common.config, self.read(config::FILE)?) {
            (Some(file), _) => SuppressConfig::parse(&file.display().to_string(), &self.read_needed(file)?)?,
            (None, Some(text)) => SuppressConfig::parse(config::FILE, &text)?,
            (None, None) => SuppressConfig::default(),
        };
        match common.fail_on {
            None => {}
            Some(FailOnArg::Low) => config.min_severity = Severity::Low,
            Some(FailOnArg::Medium) => config.min_severity = Severity::Medium,
            Some(FailOnArg::High) => config.min_severity = Severity::High,
            Some(FailOnArg::Critical) => config.min_severity = Severity::Critical,
            Some(FailOnArg::Never) => config.never_fails = true,
        }
        for pattern in &common.exclude {
            config.exclude(pattern).map_err(|error| anyhow!("--exclude: {error}"))?;
        }
        Ok(Suppressions { baseline: self.baseline(common.baseline.as_deref())?, config, today: today() })
    }

    /// The baseline, or the one in `file`, and the salt beside it.
    fn baseline(&self, file: Option<&Path>) -> anyhow::Result<Baseline> {
        let (name, text, salt) = match file {
            None => (baseline::FILE.to_owned(), self.read(baseline::FILE)?, self.read(baseline::SALT_FILE)?),
            Some(file) => {
                let salt = self.read_named(&file.with_file_name(baseline::SALT_FILE))?;
                (file.display().to_string(), Some(self.read_needed(file)?), salt)
            }
        };
        match text {
            Some(text) => Ok(Baseline::parse(&name, &text, salt.as_deref())?),
            None => Ok(Baseline::default()),
        }
    }
}

/// The path of `file` below `dir` as git writes it; none where it lies elsewhere. A link counts as where it lies: where it leads
/// is up to whoever made it.
fn path_below(dir: &Path, file: &Path) -> Option<String> {
    let mut lexical = PathBuf::new();
    for part in std::path::absolute(file).ok()?.components() {
        match part {
            Component::ParentDir => drop(lexical.pop()),
            part => lexical.push(part),
        }
    }
    let real = file.canonicalize().ok();
    let dirs = [std::path::absolute(dir).ok(), dir.canonicalize().ok()];
    let dirs: Vec<PathBuf> = dirs.into_iter().flatten().collect();
    let files = std::iter::once(lexical).chain(real);
    let below = files
        .into_iter()
        .find_map(|file| dirs.iter().find_map(|dir| file.strip_prefix(dir).ok().map(Path::to_owned)))?;
    let parts = below.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    Some(parts.collect::<Vec<_>>().join("/"))
}

/// The largest file of a policy that is read, in bytes.
pub(crate) const MAX_POLICY_BYTES: u64 = 16 << 20;

/// A file that the folder `dir` supplies.
fn read_own(dir: &Path, path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    control::read_below(dir, path, MAX_POLICY_BYTES).with_context(|| path.display().to_string())
}

/// A file that was named on the command line.
fn read_if_there(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    match control::read(path, MAX_POLICY_BYTES) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// Today in UTC, `YYYY-MM-DD`.
fn today() -> String {
    utc_day(now_seconds())
}

/// Now, in seconds since 1970-01-01 UTC.
pub(crate) fn now_seconds() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

/// Checks a configuration; gives the rule files that it names.
pub(crate) fn check(file: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let name = file.display().to_string();
    let text = control::read_text(file, MAX_POLICY_BYTES).with_context(|| format!("cannot read {name}"))?;
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
    let mut rules = keysieve_builtin::rules();
    for file in &own.rule_files {
        let text = policy.read(file)?.with_context(|| format!("{}: there is no {file}", config::FILE))?;
        rules = rules.with_yaml(file, &text, &*policy.files_beside(file))?;
    }
    common.rules.iter().try_fold(rules, |rules, file| {
        if !matches!(policy, PolicySource::Base(..)) {
            return Ok(rules.with_file(file)?);
        }
        let (name, text) = (file.display().to_string(), policy.read_needed(file)?);
        let is_toml = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
        Ok(match is_toml {
            true => rules.with_toml(&name, &text)?,
            false => rules.with_yaml(&name, &text, &*policy.files_beside_named(file))?,
        })
    })
}

/// The files of a folder of a commit.
struct CommitFolder<'a> {
    repository: &'a Repository,
    commit: ObjectId,
    folder: String,
}

impl CommitFolder<'_> {
    fn path(&self, path: &str) -> String {
        [self.folder.as_str(), path]
            .iter()
            .filter(|part| !part.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join("/")
    }
}

impl RuleFiles for CommitFolder<'_> {
    fn read(&self, path: &str) -> std::io::Result<String> {
        let path = self.path(path);
        let bytes = self.repository.file_at(&self.commit, &path).map_err(std::io::Error::other)?;
        let bytes =
            bytes.ok_or_else(|| std::io::Error::other(format!("{} has no such file", self.commit)))?;
        String::from_utf8(bytes).map_err(|_| std::io::Error::other("it is not UTF-8"))
    }

    fn list(&self, folder: &str) -> std::io::Result<Vec<String>> {
        let names = self.repository.files_in(&self.commit, &self.path(folder));
        let names = names.map_err(std::io::Error::other)?;
        Ok(names.into_iter().filter_map(|name| String::from_utf8(name.into()).ok()).collect())
    }
}

/// What was typed, with what the repository's own files say.
pub(crate) fn scan_config(common: &Common, policy: PolicySource<'_>) -> anyhow::Result<ScanConfig> {
    let mut suppressions = policy.suppressions(common)?;
    let rules =
        suppressions.config.apply(config::FILE, all_rules_of(common, policy, &suppressions.config)?)?;
    let rules = only(rules, &common.only_rule)?;
    suppressions.config.only_some_rules = !common.only_rule.is_empty();
    let about = about(common, policy, &suppressions.config)?;
    Ok(ScanConfig {
        about,
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

/// The rules with these ids; all where none is named.
fn only(rules: RuleSet, ids: &[String]) -> anyhow::Result<RuleSet> {
    if ids.is_empty() {
        return Ok(rules);
    }
    let known: Vec<&str> = rules.rules().iter().map(|rule| rule.id.as_ref()).collect();
    if let Some(unknown) = ids.iter().find(|id| !known.contains(&id.as_str())) {
        bail!("--only-rule: {}", config::no_rule(unknown, &known));
    }
    let is_other = |id: &&str| !ids.iter().any(|asked| asked == id);
    let others = known.into_iter().filter(is_other).map(str::to_owned).collect();
    Ok(rules.adapted(&others, &BTreeMap::new()))
}

/// The same, for results of this repository.
pub(crate) fn scan_config_of(
    common: &Common,
    policy: PolicySource<'_>,
    repository: &Repository,
) -> anyhow::Result<ScanConfig> {
    let config = scan_config(common, policy)?;
    let about = About { repository: Some(about_repository(repository)), ..config.about };
    Ok(ScanConfig { about, ..config })
}

/// The same, where there may be no repository.
pub(crate) fn scan_config_at(
    common: &Common,
    policy: PolicySource<'_>,
    repository: Option<&Repository>,
) -> anyhow::Result<ScanConfig> {
    match repository {
        Some(repository) => scan_config_of(common, policy, repository),
        None => scan_config(common, policy),
    }
}

/// What results say of the command and the configuration.
fn about(common: &Common, policy: PolicySource<'_>, own: &SuppressConfig) -> anyhow::Result<About> {
    let bytes = |path: &Path| BString::from(path.as_os_str().as_encoded_bytes());
    let mut files = Vec::new();
    for (name, asked) in [(config::FILE, &common.config), (baseline::FILE, &common.baseline)] {
        match asked {
            Some(file) => files.push(bytes(file)),
            None if policy.read(name)?.is_some() => files.push(name.into()),
            None => {}
        }
    }
    files.extend(own.rule_files.iter().map(|file| BString::from(file.as_str())));
    files.extend(common.rules.iter().map(|file| bytes(file)));
    Ok(About {
        command: command_line(),
        explain: None,
        rules_version: keysieve_builtin::VERSION.to_owned(),
        configuration: files,
        fail_on: match own.never_fails {
            true => "never".to_owned(),
            false => own.min_severity.to_string(),
        },
        min_confidence: match common.min_confidence {
            ConfidenceArg::Low => "low".to_owned(),
            ConfidenceArg::Medium => "medium".to_owned(),
            ConfidenceArg::High => "high".to_owned(),
        },
        repository: None,
    })
}

/// Where and how results are written, checked before there are any.
pub(crate) fn output_config(common: &Common) -> anyhow::Result<OutputConfig> {
    let show = Options {
        show_secrets: common.show_secrets,
        show_suppressed: common.show_suppressed,
        show_fine: common.verbose,
        details: common.verbose,
        quiet: common.quiet,
        ..Options::default()
    };
    Ok(OutputConfig { outputs: common.outputs.clone(), ..results_config(&common.results, show)? })
}

/// The same, for results that may show this.
pub(crate) fn results_config(asked: &ResultsArgs, show: Options) -> anyhow::Result<OutputConfig> {
    let also: Vec<(Format, PathBuf)> =
        asked.also.iter().map(|(asked, file)| (format(*asked), file.clone())).collect();
    let files: Vec<&Path> =
        asked.output.as_deref().into_iter().chain(also.iter().map(|(_, file)| file.as_path())).collect();
    check_files(&files)?;
    let is_terminal = asked.output.is_none() && std::io::stdout().is_terminal();
    let colour = match asked.color {
        ColourArg::Auto => wants_colour(is_terminal),
        ColourArg::Always => true,
        ColourArg::Never => false,
    };
    Ok(OutputConfig {
        format: format(asked.format),
        options: Options { colour, columns: is_terminal.then(columns).flatten(), ..show },
        file: asked.output.clone(),
        also,
        outputs: None,
    })
}

/// Whether the environment wants colours where `--color` says nothing: <https://no-color.org>, <https://bixense.com/clicolors>.
fn wants_colour(is_terminal: bool) -> bool {
    let text = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if text("NO_COLOR").is_some() {
        return false;
    }
    if text("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    is_terminal && !is_dumb_terminal() && text("CLICOLOR").is_none_or(|value| value != "0")
}

/// Whether the terminal understands no control sequences.
fn is_dumb_terminal() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// How wide the terminal is: `COLUMNS`, or what it says itself.
fn columns() -> Option<usize> {
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    asked.or_else(|| Some(usize::from(terminal_size::terminal_size()?.0.0)))
}

/// When the run ended, for its results: `SOURCE_DATE_EPOCH`, which makes them reproducible, or now.
/// <https://reproducible-builds.org/specs/source-date-epoch/>
pub(crate) fn end_of_run() -> (i64, bool) {
    let fixed = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|seconds| seconds.trim().parse().ok());
    fixed.map_or_else(|| (now_seconds(), false), |seconds| (seconds, true))
}

/// Refuses what results can surely not be written to, before there are any: an audit may take minutes.
fn check_files(paths: &[&Path]) -> anyhow::Result<()> {
    for (at, path) in paths.iter().enumerate() {
        check_file(path)?;
        if paths[..at].contains(path) {
            bail!("{} is named twice; give each format a file of its own", path.display());
        }
    }
    Ok(())
}

fn check_file(path: &Path) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.is_dir() {
        bail!("{}: it is a folder; name a file in it", cannot_write_to(path));
    }
    if !folder.is_dir() {
        bail!("{}: there is no folder {}; make it first", cannot_write_to(path), folder.display());
    }
    Ok(())
}

pub(crate) fn cannot_write_to(path: &Path) -> String {
    format!("cannot write the results to {}", path.display())
}

fn format(asked: FormatArg) -> Format {
    match asked {
        FormatArg::Text => Format::Text,
        FormatArg::Json => Format::Json,
        FormatArg::Jsonl => Format::JsonLines,
        FormatArg::Sarif => Format::Sarif,
        FormatArg::Github => Format::Github,
        FormatArg::Gitlab => Format::Gitlab,
        FormatArg::Junit => Format::Junit,
        FormatArg::Csv => Format::Csv,
        FormatArg::Markdown => Format::Markdown,
        FormatArg::Html => Format::Html,
    }
}

/// What a CI system says: the variables, and the event that one of them names.
pub(crate) fn ci_environment() -> anyhow::Result<CiEnvironment> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let variables = std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
    let event = match std::env::var_os("GITHUB_EVENT_PATH").filter(|path| !path.is_empty()) {
        Some(path) => {
            let context =
                || format!("cannot read the event that GITHUB_EVENT_PATH names, {}", path.display());
            Some(std::fs::read_to_string(&path).with_context(context)?)
        }
        None => None,
    };
    Ok(CiEnvironment { variables, event })
}

/// Where git says that the repository's parts lie, when it runs a hook.
pub(crate) fn git_environment() -> GitEnvironment {
    let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let alternates = std::env::var_os("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
    GitEnvironment {
        git_dir: path("GIT_DIR"),
        work_tree: path("GIT_WORK_TREE"),
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
    /// The reference over there, where the framework says it.
    pub(crate) target: Option<String>,
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
        target: text("PRE_COMMIT_REMOTE_BRANCH"),
        remote: text("PRE_COMMIT_REMOTE_NAME").or_else(|| text("PRE_COMMIT_REMOTE_URL")).unwrap_or_default(),
    })
}

/// Whether the pre-commit framework was started by hand, as in `pre-commit run --all-files`, and not by a commit: git names the
/// index to its hooks.
pub(crate) fn is_pre_commit_run() -> bool {
    std::env::var_os("PRE_COMMIT").is_some() && std::env::var_os("GIT_INDEX_FILE").is_none()
}

/// Whether the user lets this one through: `KEYSIEVE_SKIP=1`.
pub(crate) fn skips_hook() -> bool {
    std::env::var_os("KEYSIEVE_SKIP").is_some_and(|value| !value.is_empty() && value != "0")
}

/// Whether progress is shown: on a terminal, where nobody asked for quiet.
pub(crate) fn shows_progress(common: &Common) -> bool {
    !common.quiet && std::io::stderr().is_terminal() && !is_dumb_terminal()
}
