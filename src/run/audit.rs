//! Audits a repository: its history, its text that is no blob, its work tree and environment files.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bstr::BString;
use sha2::{Digest as _, Sha256};

use crate::policy::Suppressed;
use keysieve_containers::worktree::Worktree;
use keysieve_envfiles::{TABLE, is_env_path, may_be_known};
use keysieve_git::Repository;
use keysieve_model::chunk::Source;
use keysieve_model::chunk::Visitor;
use keysieve_model::finding::{Container, Finding};
use keysieve_model::provenance::ObjectId;
use keysieve_rules::RuleSet;

use super::assembly::assemble;
use super::collector::Collector;
use super::env::{SecretsByPath, Shown, WorkTrees, real, set_aside, states_in_history};
use super::{Collected, Error, Outcome, Progress, Run, ScanConfig, in_pool};

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
    Ok(collect_audit(config, path, revision, progress)?.finish(config))
}

/// What [`audit`] finds and reads.
pub(super) fn collect_audit(
    config: &ScanConfig,
    path: &Path,
    revision: Option<&str>,
    progress: &(dyn Progress + Send),
) -> Result<Run, Error> {
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
    fn run(&self) -> Run {
        let repository = &self.repository;
        let collector = Collector::new(self.config, self.progress).at(repository.workdir());
        self.progress.stage("history", None);
        // What is clean under the rules may hold a value that is swept for.
        let uses_cache = self.config.uses_cache && !self.config.scans_whole && self.config.sweep.is_none();
        let cache = uses_cache.then(|| cache_key(&self.config.rules));
        let history = repository.read(&collector, may_be_known, self.revision, cache);
        let mut read = history.read();
        let tracked = repository.tracked_paths().unwrap_or_else(|unread| {
            collector.unread(unread);
            BTreeSet::new()
        });
        let mut trees = WorkTrees::default();
        if let Some(workdir) = repository.workdir().filter(|_| self.revision.is_none()) {
            self.progress.stage("work tree", None);
            let max_file_bytes = self.config.suppressions.config.max_file_bytes;
            let files = Worktree::of_repository(workdir, tracked, is_env_path);
            read += files.limited(max_file_bytes).visit_chunks(&collector);
            let top = real(workdir);
            trees = WorkTrees::look(&top, std::slice::from_ref(&top), Shown::from(&top));
            read += trees.otherwise_unread(max_file_bytes).visit_chunks(&collector);
        }
        collector.note_oversized(|blobs| history.paths(blobs));
        let mut coverage = collector.coverage();
        coverage.read += read;
        self.progress.stage("attribution", None);
        let mut found = assemble(self.config, collector.found(), Some(&history), None);
        coverage.unread.extend(found.unread.take());
        let aside = set_aside(&mut found.findings, &trees.named());
        found.kept_in_env.extend(aside);
        let secrets = SecretsByPath::of(self.config, &found, BString::clone);
        let env_files = match self.revision {
            None if repository.workdir().is_none() => {
                states_in_history(repository, &found.env_places, &secrets)
            }
            None => trees.all_states(Some((&history, &found.env_places)), &secrets),
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
        trees.add_gaps(&mut coverage);
        let mut notices = self.config.notices();
        notices.extend(std::mem::take(&mut found.slips));
        if self.revision.is_none() && coverage.is_complete() {
            notices.extend(idle_entries(self.config, &found.suppressed));
        }
        if history.is_empty() {
            notices.push("the repository has no commits yet; only the work tree was read".to_owned());
        }
        let collected = Collected {
            rules: Arc::clone(&self.config.rules),
            failing_env_secrets: secrets.count_failing(&env_files),
            kept_in_env: secrets.count_kept(&found.kept_in_env, &env_files),
            findings: found.findings,
            suppressed: found.suppressed,
            env_files,
            swept: found.swept,
            coverage,
            notices,
            about: self.config.about.clone(),
            elapsed: self.start.elapsed(),
        };
        Run { collected, secrets: found.secrets, tops: trees.tops().collect() }
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
        Container::File { .. } | Container::Stdin | Container::Document(_) | Container::Image(_) => false,
    }
}

/// What stands for the question that is put to each object: the rules, and the names of environment files.
fn cache_key(rules: &RuleSet) -> [u8; 32] {
    let table = format!("{TABLE:?}");
    Sha256::new()
        .chain_update(env!("KEYSIEVE_SOURCES"))
        .chain_update(rules.digest())
        .chain_update(table)
        .finalize()
        .into()
}
