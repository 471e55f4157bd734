//! Joins the stages: sources -> detect -> judge -> findings. The one module that sees them all.

mod assembly;
mod audit;
mod collector;
mod env;
pub mod explain;
mod image;
mod range;
pub mod redact;
pub mod sweep;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use bstr::BString;

use crate::policy::Suppressions;
use keysieve_containers::documents::{Documents, Input};
use keysieve_containers::stdin::Stdin;
use keysieve_containers::worktree::Worktree;
use keysieve_detect::{Detector, Match};
use keysieve_envfiles::{EnvFile, is_env_path};
use keysieve_git::{Repository, folder_of};
use keysieve_image as image_source;
use keysieve_model::about::About;
use keysieve_model::chunk::Chunk;
use keysieve_model::chunk::Source;
use keysieve_model::coverage::Unread;
use keysieve_model::finding::{Finding, Secret};
pub use keysieve_model::outcome::Outcome;
use keysieve_model::outcome::{Collected, Seal, Threshold};
use keysieve_model::provenance::{Provenance, path_bytes};
use keysieve_rules::{Confidence, Kind, RuleSet};

use self::assembly::assemble;
use self::collector::Collector;
use self::env::{SecretsByPath, Shown, WorkTrees, real, set_aside};

pub use self::audit::audit;
pub use self::env::{env, env_files_on_disk, env_sweep};
pub use self::image::scan_image;
pub use self::range::{RangeOutcome, scan_range};
pub use self::sweep::{Sweep, Swept};

/// What a run needs to know.
#[derive(Debug, Clone)]
pub struct ScanConfig {
    /// What to look for.
    pub rules: Arc<RuleSet>,
    /// How many threads to use; 0 for one a core.
    pub threads: usize,
    /// Findings that are less sure are left out.
    pub min_confidence: Confidence,
    /// Leave secrets as they are where they stand in names too: of files, branches, authors.
    pub shows_secrets: bool,
    /// What removes findings.
    pub suppressions: Arc<Suppressions>,
    /// Scan every version of a file whole instead of deriving it from another. Slower, and must change nothing: for checking
    /// that it does not.
    pub scans_whole: bool,
    /// Keep what is found clean in the git directory, and do not read it again.
    pub uses_cache: bool,
    /// What the run is about, for its results.
    pub about: About,
    /// Values that are looked for besides; see [`sweep`].
    pub sweep: Option<Arc<Sweep>>,
}

impl ScanConfig {
    /// What counts for the exit code.
    fn threshold(&self) -> Threshold {
        let config = &self.suppressions.config;
        Threshold {
            severity: config.min_severity,
            confidence: config.min_confidence,
            is_never: config.never_fails,
        }
    }

    /// Which rules the configuration switches off.
    fn off_notice(&self) -> Option<String> {
        const MAX_NAMED: usize = 10;
        let off = &self.suppressions.config.off;
        let named: Vec<&str> = off.iter().map(String::as_str).take(MAX_NAMED).collect();
        let more = match off.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let rules = if off.len() == 1 { "rule" } else { "rules" };
        (!off.is_empty()).then(|| {
            format!("the configuration switches off {} {rules}: {}{more}", off.len(), named.join(", "))
        })
    }

    /// Things to know of what is looked for.
    fn notices(&self) -> Vec<String> {
        let of_sweep = self.sweep.iter().flat_map(|sweep| sweep.notices());
        self.off_notice().into_iter().chain(self.rules.notices().iter().chain(of_sweep).cloned()).collect()
    }
}

/// Told how a run gets on, from several threads.
pub trait Progress: Sync {
    /// A stage begins, of about `total` steps where that is known.
    fn stage(&self, name: &'static str, total: Option<u64>);
    /// One step is done.
    fn step(&self);
}

/// Says nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _name: &'static str, _total: Option<u64>) {}
    fn step(&self) {}
}

/// Why a run could not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The repository cannot be opened.
    #[error(transparent)]
    Git(#[from] keysieve_git::Error),
    /// The image cannot be read.
    #[error(transparent)]
    Image(#[from] image_source::Error),
    /// The threads cannot be started.
    #[error("cannot start {threads} threads: {why}; ask for fewer with -j")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the system said.
        why: String,
    },
}

/// Scans files and directories.
///
/// # Errors
///
/// When the run cannot begin; what cannot be read on the way is in the outcome's coverage.
pub fn scan_paths(
    config: &ScanConfig,
    paths: Vec<PathBuf>,
    progress: &dyn Progress,
) -> Result<Outcome, Error> {
    Ok(collect_paths(config, paths, progress)?.finish(config))
}

/// What [`scan_paths`] finds and reads.
fn collect_paths(config: &ScanConfig, paths: Vec<PathBuf>, progress: &dyn Progress) -> Result<Run, Error> {
    let mut gaps = Vec::new();
    let tracked = tracked_below(&paths, &mut gaps);
    let trees = trees_of(&paths);
    let files = Worktree::of_paths(paths, tracked, is_env_path);
    let files = files.limited(config.suppressions.config.max_file_bytes);
    let mut run = collect_source(config, &files, &trees, progress)?;
    let coverage = &mut run.collected.coverage;
    coverage.unread.extend(gaps);
    if coverage.read.files == 0 && coverage.is_complete() {
        let why = "there was no file to read; name a path that holds files";
        coverage.unread.push(Unread::new("the given paths", why));
    }
    Ok(run)
}

/// The work trees in which `paths` lie, or their folders where there is no repository.
fn trees_of(paths: &[PathBuf]) -> Vec<WorkTrees> {
    let mut asked: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for path in paths.iter().filter(|path| path.exists()) {
        let path = real(path);
        let folder = if path.is_dir() { &path } else { path.parent().unwrap_or(&path) };
        let repository = Repository::open(folder).ok();
        let top = repository.as_ref().and_then(Repository::workdir).map_or_else(|| folder.to_owned(), real);
        asked.entry(top).or_default().push(path);
    }
    let look = |(top, asked): (PathBuf, Vec<PathBuf>)| WorkTrees::look(&top, &asked, Shown::as_asked(paths));
    asked.into_iter().map(look).collect()
}

/// What git tracks in the repositories in which `paths` lie, as absolute paths: it is read even where `.gitignore` says
/// otherwise.
fn tracked_below(paths: &[PathBuf], gaps: &mut Vec<Unread>) -> BTreeSet<PathBuf> {
    let mut tracked = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let folders: BTreeSet<&Path> = paths.iter().map(|path| folder_of(path)).collect();
    for folder in folders {
        // No repository, or one that cannot be opened: then nothing is known to be tracked.
        let Ok(repository) = Repository::open(folder) else { continue };
        if repository.workdir().is_none_or(|workdir| !seen.insert(workdir.to_owned())) {
            continue;
        }
        match repository.tracked_paths() {
            Ok(paths) => tracked.extend(paths),
            Err(gap) => gaps.push(gap),
        }
    }
    tracked
}

/// Whether git ignores the file, so that an audit does not read it.
#[must_use]
pub fn is_ignored(file: &Path) -> bool {
    let tracked = tracked_below(&[file.to_owned()], &mut Vec::new());
    Worktree::of_paths(vec![file.to_owned()], tracked, is_env_path).is_ignored(file)
}

/// Scans standard input.
///
/// # Errors
///
/// When the run cannot begin.
pub fn scan_stdin(config: &ScanConfig, progress: &dyn Progress) -> Result<Outcome, Error> {
    Ok(collect_source(config, &Stdin, &[], progress)?.finish(config))
}

/// Scans documents, each a line of JSON.
///
/// # Errors
///
/// When the run cannot begin; lines that are no documents are in the outcome's coverage.
pub fn scan_documents(
    config: &ScanConfig,
    inputs: Vec<Input>,
    progress: &dyn Progress,
) -> Result<Outcome, Error> {
    Ok(collect_source(config, &Documents::of(inputs), &[], progress)?.finish(config))
}

/// Scans one source whose chunks say themselves where they lie.
fn collect_source<S: Source + Sync>(
    config: &ScanConfig,
    source: &S,
    trees: &[WorkTrees],
    progress: &dyn Progress,
) -> Result<Run, Error> {
    let start = Instant::now();
    in_pool(config.threads, || {
        progress.stage("scanning", None);
        let collector = Collector::new(config, progress);
        let mut read = source.visit_chunks(&collector);
        for trees in trees {
            let others = trees.otherwise_unread(config.suppressions.config.max_file_bytes);
            read += others.visit_chunks(&collector);
        }
        let mut coverage = collector.coverage();
        coverage.read += read;
        let mut found = assemble(config, collector.found(), None, None);
        for trees in trees {
            let aside = set_aside(&mut found.findings, &trees.named());
            found.kept_in_env.extend(aside);
        }
        let secrets = SecretsByPath::of(config, &found, BString::clone);
        let env_files: Vec<EnvFile> =
            trees.iter().flat_map(|trees| trees.all_states(None, &secrets)).collect();
        trees.iter().for_each(|trees| trees.add_gaps(&mut coverage));
        let collected = Collected {
            rules: Arc::clone(&config.rules),
            failing_env_secrets: secrets.count_failing(&env_files),
            kept_in_env: secrets.count_kept(&found.kept_in_env, &env_files),
            findings: found.findings,
            suppressed: found.suppressed,
            env_files,
            swept: found.swept,
            coverage,
            notices: config.notices().into_iter().chain(found.slips).collect(),
            about: config.about.clone(),
            elapsed: start.elapsed(),
        };
        Run { collected, secrets: found.secrets, tops: trees.iter().flat_map(WorkTrees::tops).collect() }
    })
}

fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Error::Threads { threads, why: error.to_string() })?;
    Ok(pool.install(work))
}

/// What a run collected, and every secret that matched, reported or not: on the one way to an [`Outcome`].
struct Run {
    collected: Collected,
    secrets: Vec<Secret>,
    /// The tops of the work trees that were read, which patterns of the configuration count from.
    tops: Vec<PathBuf>,
}

impl Run {
    /// Seals what was collected. A name may hold a token that no content does, so names are searched too.
    fn finish(mut self, config: &ScanConfig) -> Outcome {
        // Gaps that came up after the sources were read may be accepted like all others.
        let coverage = &mut self.collected.coverage;
        let tops: Vec<BString> = self.tops.iter().map(|top| path_bytes(top)).collect();
        let is_accepted = |unread: &mut Unread| accepts(config, unread, &tops);
        coverage.accepted.extend(coverage.unread.extract_if(.., is_accepted));
        let names = self.collected.names();
        if !config.shows_secrets && !names.is_empty() {
            let mut detector = Detector::new(Arc::clone(&config.rules));
            let (matches, _) = detector.scan(&Chunk::whole(&names, Provenance::Stdin), None);
            let is_token = |found: &Match| config.rules.rule(found.rule).kind == Kind::Provider;
            self.secrets.extend(matches.into_iter().filter(is_token).map(|found| found.secret));
        }
        // Values that are known by their names are never shown.
        let values = config.sweep.as_ref().map(|sweep| sweep.forms_of(&self.secrets)).unwrap_or_default();
        self.collected.seal(&Seal {
            secrets: &self.secrets,
            values: &values,
            shows_secrets: config.shows_secrets,
            threshold: config.threshold(),
        })
    }
}

/// Whether the configuration accepts the gap, by its name as it is or from the top of one of the work trees.
fn accepts(config: &ScanConfig, unread: &Unread, tops: &[BString]) -> bool {
    let below = |top: &BString| unread.what.strip_prefix(top.as_slice())?.strip_prefix(b"/");
    let config = &config.suppressions.config;
    let is_below = |path: &[u8]| config.accepts(&Unread::new(path, unread.why.as_str()));
    config.accepts(unread) || tops.iter().filter_map(below).any(is_below)
}

/// How many findings are bad and sure enough to change the exit code.
fn failing(config: &ScanConfig, findings: &[Finding]) -> usize {
    config.threshold().count(findings)
}

#[cfg(test)]
mod tests;
