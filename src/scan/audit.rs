//! Audits a repository: its history, its text that is no blob, its work tree and environment files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use bstr::{BString, ByteSlice};

use crate::chunk::Visitor;
use crate::dotenv::{EnvFile, EnvState, file_name, is_env_name};
use crate::finding::{Container, Finding, HistoryPlace};
use crate::provenance::{ObjectId, path_bytes};
use crate::sources::Source;
use crate::sources::git::Repository;
use crate::sources::worktree::Worktree;
use crate::suppress::Suppressed;

use super::assembly::assemble;
use super::collector::Collector;
use super::{Error, Outcome, Progress, ScanConfig, failing, in_pool, redacted};

/// Audits a repository: all objects, the text that is no blob, the work tree and its environment files. With a `revision`,
/// only findings that its history holds are reported.
///
/// # Errors
///
/// When there is no repository or no such revision; what cannot be read on the way is in the outcome's coverage.
pub fn audit(
    config: &ScanConfig,
    path: &Path,
    revision: Option<&str>,
    progress: &(dyn Progress + Send),
) -> Result<Outcome, Error> {
    let start = Instant::now();
    let repository = Repository::open(path)?;
    let revision = revision.map(|revision| repository.resolve(revision)).transpose()?;
    let audit = Audit { config, repository, revision, start, progress };
    in_pool(config.threads, || audit.run())
}

struct Audit<'a> {
    config: &'a ScanConfig,
    repository: Repository,
    revision: Option<ObjectId>,
    start: Instant,
    progress: &'a (dyn Progress + Send),
}

impl Audit<'_> {
    fn run(&self) -> Outcome {
        let repository = &self.repository;
        let collector = Collector::new(self.config, self.progress).at(repository.workdir());
        self.progress.stage("history", None);
        // What is clean under the rules may hold a value that is swept for.
        let uses_cache = self.config.uses_cache && !self.config.scans_whole && self.config.sweep.is_none();
        let cache = uses_cache.then(|| self.config.rules.digest());
        let history = repository.read(&collector, is_env_name, self.revision, cache);
        let mut read = history.read();
        let tracked = repository.tracked_paths().unwrap_or_else(|unread| {
            collector.unread(unread);
            BTreeSet::new()
        });
        if let Some(workdir) = repository.workdir().filter(|_| self.revision.is_none()) {
            self.progress.stage("work tree", None);
            let files = Worktree::of_repository(workdir, tracked.clone(), is_env_name);
            read += files.limited(self.config.suppressions.config.max_file_bytes).visit_chunks(&collector);
        }
        collector.note_oversized(|blobs| history.paths(blobs));
        let mut coverage = collector.coverage();
        coverage.read += read;
        self.progress.stage("attribution", None);
        let unignored = collector.unignored_env_files();
        let mut found = assemble(self.config, collector.found(), Some(&history), None);
        coverage.unread.extend(found.unread.take());
        let env_files = match self.revision {
            None => env_files(found.env_places, &tracked_names(repository, &tracked), &unignored),
            Some(_) => {
                let in_revision = |finding: &mut Finding| {
                    finding.places.retain(|place| is_in_revision(&place.container));
                    !finding.places.is_empty()
                };
                found.findings.retain_mut(in_revision);
                found.suppressed.retain_mut(|suppressed| in_revision(&mut suppressed.finding));
                Vec::new()
            }
        };
        let mut notices = self.config.notices();
        if self.revision.is_none() && coverage.is_complete() {
            notices.extend(idle_entries(self.config, &found.suppressed));
        }
        if history.is_empty() {
            notices.push("the repository has no commits yet; only the work tree was read".to_owned());
        }
        let outcome = Outcome {
            rules: Arc::clone(&self.config.rules),
            failing: failing(self.config, &found.findings),
            findings: found.findings,
            suppressed: found.suppressed,
            env_files,
            kept_in_env: found.kept_in_env,
            swept: found.swept,
            coverage,
            notices,
            elapsed: self.start.elapsed(),
        };
        redacted(self.config, outcome, &found.secrets)
    }
}

/// Says how many entries of the baseline match nothing any more.
fn idle_entries(config: &ScanConfig, suppressed: &[Suppressed]) -> Option<String> {
    let used: BTreeSet<String> =
        suppressed.iter().map(|suppressed| suppressed.finding.fingerprint.to_string()).collect();
    let entries = config.suppressions.baseline.entries();
    let idle = entries.filter(|entry| !used.contains(&entry.fingerprint)).count();
    (idle > 0).then(|| {
        format!("entries of the baseline that match nothing any more: {idle}; `keysieve baseline update` takes them out")
    })
}

fn is_in_revision(container: &Container) -> bool {
    match container {
        Container::History(place) => place.reach.in_revision,
        Container::Metadata(place) => place.reach.in_revision,
        Container::File { .. } | Container::Stdin | Container::Image(_) => false,
    }
}

/// The tracked paths, relative to the work tree.
fn tracked_names(repository: &Repository, tracked: &BTreeSet<PathBuf>) -> BTreeSet<BString> {
    let Some(workdir) = repository.workdir() else { return BTreeSet::new() };
    let workdir = std::path::absolute(workdir).unwrap_or_else(|_| workdir.to_owned());
    tracked.iter().filter_map(|path| path.strip_prefix(&workdir).ok()).map(path_bytes).collect()
}

/// The environment files that are tracked, were ever committed, or are not ignored.
fn env_files(
    committed: Vec<HistoryPlace>,
    tracked: &BTreeSet<BString>,
    unignored: &BTreeSet<BString>,
) -> Vec<EnvFile> {
    let is_env = |path: &BString| is_env_name(file_name(path.as_bstr()));
    let mut states: BTreeMap<BString, EnvState> = BTreeMap::new();
    for HistoryPlace { path, introduced, reach, .. } in committed {
        if let Some(path) = path.filter(is_env) {
            states.insert(path, EnvState::Committed { introduced, pushed: reach.pushed });
        }
    }
    for path in unignored {
        states.entry(path.clone()).or_insert(EnvState::NotIgnored);
    }
    states.extend(tracked.iter().filter(|path| is_env(path)).map(|path| (path.clone(), EnvState::Tracked)));
    states.into_iter().map(|(path, state)| EnvFile { path, state }).collect()
}
