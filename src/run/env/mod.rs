//! The state of environment files: what git, Docker and packages make of them, and which secrets they hold.

mod secrets;
mod states;
mod trees;
mod values;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use bstr::{BString, ByteSlice};

use keysieve_containers::files::Files;
use keysieve_envfiles::survey::survey;
use keysieve_envfiles::{EnvFile, is_env_path, is_known_path, is_template_path, may_be_known};
use keysieve_git::{History, Repository};
use keysieve_model::chunk::Source;
use keysieve_model::chunk::{Chunk, Searched, Visitor};
use keysieve_model::coverage::{Coverage, Read, Unread};
use keysieve_model::finding::{Container, Finding, HistoryPlace, Place, Secret};
use keysieve_model::provenance::{ObjectId, Provenance, path_bytes};

use super::assembly::{Assembled, assemble};
use super::audit::collect_audit;
use super::collector::Collector;
use super::{Collected, Error, Outcome, Progress, Run, ScanConfig, collect_paths, in_pool};

use self::trees::WorkTree;

pub(super) use self::secrets::{SecretsByPath, set_aside};
pub(super) use self::states::states_in_history;
pub(super) use self::trees::{Shown, WorkTrees, real};

/// Tells the state of the environment files of the repository in which `dir` lies, or below `dir` where there is none, and judges
/// their values. Of a history the environment files alone are searched.
///
/// # Errors
///
/// When there is nothing at `dir`; what cannot be read on the way is in the outcome's coverage.
pub fn env(config: &ScanConfig, dir: &Path, progress: &(dyn Progress + Send)) -> Result<Outcome, Error> {
    Ok(collect_env(config, dir, progress)?.finish(config))
}

/// What [`env()`] finds and reads.
fn collect_env(config: &ScanConfig, dir: &Path, progress: &(dyn Progress + Send)) -> Result<Run, Error> {
    let start = Instant::now();
    // Asked about a file, the folder that it lies in is looked at.
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let dir = if dir.is_file() { parent } else { dir };
    let repository = match Repository::open(dir) {
        Ok(repository) => Some(repository),
        Err(keysieve_git::Error::NotARepository { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    in_pool(config.threads, || {
        progress.stage("environment files", None);
        let mut notices = config.rules.notices().to_vec();
        let workdir = match &repository {
            Some(repository) => repository.workdir().map(real),
            None => {
                notices
                    .push("this is no repository: whether git ever sees these files is not known".to_owned());
                Some(real(dir))
            }
        };
        let trees = match &workdir {
            Some(top) => WorkTrees::look(top, std::slice::from_ref(top), Shown::from(top)),
            None => WorkTrees::default(),
        };
        let mut run = EnvRun {
            config,
            progress,
            coverage: Coverage::default(),
            env_files: Vec::new(),
            kept: 0,
            failing: 0,
        };
        let mut secrets = Vec::new();
        for tree in &trees.trees {
            secrets.extend(run.tree(&trees, tree));
        }
        if let (Some(repository), None) = (&repository, &workdir) {
            notices.push("the repository has no work tree: only its history was looked at".to_owned());
            secrets.extend(run.bare(repository));
        }
        trees.add_gaps(&mut run.coverage);
        states::worst_first(&mut run.env_files);
        let collected = Collected {
            rules: Arc::clone(&config.rules),
            failing_env_secrets: run.failing,
            findings: Vec::new(),
            suppressed: Vec::new(),
            env_files: run.env_files,
            kept_in_env: run.kept,
            swept: None,
            coverage: run.coverage,
            notices,
            about: config.about.clone(),
            elapsed: start.elapsed(),
        };
        Run { collected, secrets, tops: trees.tops().collect() }
    })
}

/// Looks for the values that `config` sweeps for in all that an audit of `dir` reads, or a scan where there is no repository, and
/// tells of these alone, besides the state of the environment files.
///
/// # Errors
///
/// When there is nothing at `dir`; what cannot be read on the way is in the outcome's coverage.
pub fn env_sweep(
    config: &ScanConfig,
    dir: &Path,
    progress: &(dyn Progress + Send),
) -> Result<Outcome, Error> {
    let mut run = match collect_audit(config, dir, None, progress) {
        Err(Error::Git(keysieve_git::Error::NotARepository { .. })) => {
            let states = collect_env(config, dir, progress)?;
            let mut scanned = collect_paths(config, vec![dir.to_owned()], progress)?;
            scanned.secrets.extend(states.secrets);
            let Collected { env_files, failing_env_secrets, notices, .. } = states.collected;
            scanned.collected.notices.extend(notices);
            let collected = Collected { env_files, failing_env_secrets, ..scanned.collected };
            Run { collected, ..scanned }
        }
        audited => audited?,
    };
    // The file that a value is from is told by its state.
    let repository = Repository::open(dir).ok();
    let base = repository.as_ref().and_then(Repository::workdir).unwrap_or(Path::new(""));
    let is_own = |place: &Place| match (&place.container, &config.sweep) {
        (Container::File { path, .. }, Some(sweep)) => sweep.is_own(base, path.as_bstr()),
        _ => false,
    };
    let is_told_elsewhere =
        |finding: &Finding| finding.values.is_empty() || finding.places.iter().all(is_own);
    let collected = &mut run.collected;
    collected.findings.retain(|finding| !is_told_elsewhere(finding));
    collected.findings.iter_mut().for_each(|finding| finding.places.retain(|place| !is_own(place)));
    collected.suppressed.retain(|suppressed| !is_told_elsewhere(&suppressed.finding));
    Ok(run.finish(config))
}

/// The environment files on disk, as absolute paths: of the work tree in which `dir` lies, or below `dir` where there is none.
#[must_use]
pub fn env_files_on_disk(dir: &Path) -> Vec<PathBuf> {
    let repository = Repository::open(dir).ok();
    let top = repository.as_ref().and_then(Repository::workdir).map_or_else(|| real(dir), real);
    let is_own = |file: &PathBuf| is_env_path(&path_bytes(file));
    survey(&top, std::slice::from_ref(&top), &path_bytes).files.into_iter().filter(is_own).collect()
}

/// The environment files of the work tree at `workdir` and of those inside, templates aside, with what reports call them.
pub(super) fn env_files_of(workdir: &Path) -> Vec<(PathBuf, BString)> {
    let top = real(workdir);
    let trees = WorkTrees::look(&top, std::slice::from_ref(&top), Shown::from(&top));
    let files = trees.trees.into_iter().flat_map(|tree| tree.survey.files);
    let named = files.map(|file| (trees.shown.path(&file), file));
    let mut named: Vec<_> = named.filter(|(shown, _)| !is_template_path(shown)).collect();
    named.sort();
    named.into_iter().map(|(shown, file)| (file, shown)).collect()
}

struct EnvRun<'a> {
    config: &'a ScanConfig,
    progress: &'a (dyn Progress + Send),
    coverage: Coverage,
    env_files: Vec<EnvFile>,
    kept: usize,
    failing: usize,
}

impl EnvRun<'_> {
    /// Reads the environment files of a work tree and of its repository's history. Returns the secrets in them.
    fn tree(&mut self, trees: &WorkTrees, tree: &WorkTree) -> Vec<Secret> {
        let collector = Collector::new(self.config, self.progress);
        let max_file_bytes = self.config.suppressions.config.max_file_bytes;
        let files = Files { files: trees.chosen(tree, |_| true), max_file_bytes };
        let mut read = files.visit_chunks(&collector);
        let history = tree.repository.as_ref().map(|repository| {
            let history = repository.read(&Gaps(&collector), may_be_known, None, None);
            let named = trees.named_in_history(tree, &history);
            let versions = tree.indexed.values().chain(named.iter().flat_map(|place| &place.versions));
            read += read_versions(repository, &collector, &history, versions);
            (history, named)
        });
        let (found, mut committed) =
            self.assemble(collector, history.as_ref().map(|(history, _)| history), read);
        let shown = |path: &BString| trees.shown.path(&tree.top.join(path.to_path_lossy()));
        let secrets = SecretsByPath::of(self.config, &found, shown);
        committed.extend(history.into_iter().flat_map(|(_, named)| named));
        self.add(trees.states(tree, &committed, &secrets), &secrets);
        found.secrets
    }

    fn bare(&mut self, repository: &Repository) -> Vec<Secret> {
        let collector = Collector::new(self.config, self.progress);
        let history = repository.read(&Gaps(&collector), may_be_known, None, None);
        let read = read_versions(repository, &collector, &history, []);
        let (found, committed) = self.assemble(collector, Some(&history), read);
        let secrets = SecretsByPath::of(self.config, &found, BString::clone);
        self.add(states_in_history(repository, &committed, &secrets), &secrets);
        found.secrets
    }

    fn assemble(
        &mut self,
        collector: Collector<'_>,
        history: Option<&History>,
        read: Read,
    ) -> (Assembled, Vec<HistoryPlace>) {
        if let Some(history) = history {
            collector.note_oversized(|blobs| history.paths(blobs));
        }
        let coverage = collector.coverage();
        self.coverage.read += read;
        self.coverage.unread.extend(coverage.unread);
        self.coverage.accepted.extend(coverage.accepted);
        self.coverage.skipped.extend(coverage.skipped);
        let history = history.map(|history| history as &dyn super::assembly::Lineage);
        let mut found = assemble(self.config, collector.found(), history, None);
        self.coverage.unread.extend(found.unread.take());
        let mut committed = std::mem::take(&mut found.env_places);
        committed.retain(|place| place.path.as_ref().is_some_and(|path| is_known_path(path)));
        (found, committed)
    }

    fn add(&mut self, files: Vec<EnvFile>, secrets: &SecretsByPath) {
        self.failing += secrets.count_failing(&files);
        let is_kept = |file: &&EnvFile| !file.secrets.is_empty() && !file.exposes_secret();
        self.kept += files.iter().filter(is_kept).map(|file| file.secrets.len()).sum::<usize>();
        self.env_files.extend(files);
    }
}

/// Hands over the environment files of a history, and `others`.
fn read_versions<'a>(
    repository: &Repository,
    collector: &Collector<'_>,
    history: &'a History,
    others: impl IntoIterator<Item = &'a ObjectId>,
) -> Read {
    let mut read = Read { commits: history.read().commits, ..Read::default() };
    let versions: BTreeSet<&ObjectId> = history.watched().iter().chain(others).collect();
    for id in versions {
        match repository.object(id) {
            Ok(bytes) => {
                collector.chunk(&Chunk::whole(&bytes, Provenance::GitBlob(*id)), None);
                read.blobs += 1;
                read.bytes += bytes.len() as u64;
            }
            Err(error) => collector.unread(Unread::new(format!("object {id}"), error.to_string())),
        }
    }
    read
}

/// Hears of gaps alone: the contents are looked at by others.
struct Gaps<'a, 'b>(&'a Collector<'b>);

impl Visitor for Gaps<'_, '_> {
    type Memo = ();

    fn chunk(&self, _chunk: &Chunk<'_>, _base: Option<&()>) -> Searched<()> {
        Searched { memo: (), is_clean: true }
    }

    fn unread(&self, unread: Unread) {
        self.0.unread(unread);
    }

    fn skipped(&self, _skipped: Unread) {}
}
