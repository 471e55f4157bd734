//! Joins the stages: sources -> detect -> judge -> findings. The one module that sees them all.

mod range;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bstr::{BString, ByteSlice};

use crate::chunk::{Chunk, Searched, Visitor};
use crate::coverage::{Coverage, Unread};
use crate::detect::{Detector, Match, Memo, checks, resolve_overlaps};
use crate::dotenv::{EnvFile, EnvState, file_name, is_env_name};
use crate::finding::{
    CommitSummary, Container, Exposure, Finding, Fingerprint, HistoryPlace, MetadataPlace, Place, Reach,
    Salt, Secret,
};
use crate::judge::{Verdict, judge};
use crate::location::Location;
use crate::provenance::{Metadata, ObjectId, Provenance, path_bytes};
use crate::redaction::Redaction;
use crate::rules::{Confidence, Kind, RuleId, RuleSet};
use crate::sources::Source;
use crate::sources::git::{self, History, Places, Repository};
use crate::sources::stdin::Stdin;
use crate::sources::worktree::Worktree;
use crate::suppress::{By, Marker, Suppressed, Suppressions};
use crate::sync::{into_inner, lock};

pub use self::range::{RangeOutcome, scan_range};

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

/// What a run found, and what it read.
#[derive(Debug)]
pub struct Outcome {
    /// The rules that were used; findings name them.
    pub rules: Arc<RuleSet>,
    /// The secrets, the worst first.
    pub findings: Vec<Finding>,
    /// How many of them are bad and sure enough to change the exit code.
    pub failing: usize,
    /// Secrets that are not reported, and what keeps them out.
    pub suppressed: Vec<Suppressed>,
    /// Environment files that are not as they should be.
    pub env_files: Vec<EnvFile>,
    /// Secrets that lie in ignored environment files only, where they belong.
    pub kept_in_env: usize,
    /// What was read and what was not.
    pub coverage: Coverage,
    /// Things to know that are neither findings nor gaps.
    pub notices: Vec<String>,
    /// How long it took.
    pub elapsed: Duration,
}

/// Why a run could not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The repository cannot be opened.
    #[error(transparent)]
    Git(#[from] git::Error),
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
    let mut gaps = Vec::new();
    let tracked = tracked_below(&paths, &mut gaps);
    let mut outcome = scan_source(config, &Worktree::of_paths(paths, tracked, is_env_name), progress)?;
    outcome.coverage.unread.extend(gaps);
    if outcome.coverage.read.files == 0 && outcome.coverage.is_complete() {
        let why = "there was no file to read; name a path that holds files";
        outcome.coverage.unread.push(Unread::new("the given paths", why));
    }
    Ok(outcome)
}

/// What git tracks in the repositories in which `paths` lie, as absolute paths: it is read even where `.gitignore` says
/// otherwise.
fn tracked_below(paths: &[PathBuf], gaps: &mut Vec<Unread>) -> BTreeSet<PathBuf> {
    let mut tracked = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for path in paths {
        // No repository, or one that cannot be opened: then nothing is known to be tracked.
        let Ok(repository) = Repository::open(path) else { continue };
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

/// Scans standard input.
///
/// # Errors
///
/// When the run cannot begin.
pub fn scan_stdin(config: &ScanConfig, progress: &dyn Progress) -> Result<Outcome, Error> {
    scan_source(config, &Stdin, progress)
}

/// Scans one source whose chunks say themselves where they lie.
fn scan_source<S: Source + Sync>(
    config: &ScanConfig,
    source: &S,
    progress: &dyn Progress,
) -> Result<Outcome, Error> {
    let start = Instant::now();
    in_pool(config.threads, || {
        progress.stage("scanning", None);
        let collector = Collector::new(config, progress);
        let read = source.visit_chunks(&collector);
        let mut coverage = collector.coverage();
        coverage.read += read;
        let found = assemble(config, collector.found(), None);
        let outcome = Outcome {
            rules: Arc::clone(&config.rules),
            failing: failing(config, &found.findings),
            findings: found.findings,
            suppressed: found.suppressed,
            env_files: Vec::new(),
            kept_in_env: found.kept_in_env,
            coverage,
            notices: Vec::new(),
            elapsed: start.elapsed(),
        };
        redacted(config, outcome, &found.secrets)
    })
}

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

fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Error::Threads { threads, why: error.to_string() })?;
    Ok(pool.install(work))
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
        let collector = Collector::new(self.config, self.progress);
        self.progress.stage("history", None);
        let cache = (self.config.uses_cache && !self.config.scans_whole).then(|| self.config.rules.digest());
        let history = repository.read(&collector, is_env_name, self.revision, cache);
        let mut read = history.read();
        let tracked = repository.tracked_paths().unwrap_or_else(|unread| {
            collector.unread(unread);
            BTreeSet::new()
        });
        if let Some(workdir) = repository.workdir().filter(|_| self.revision.is_none()) {
            self.progress.stage("work tree", None);
            read += Worktree::of_repository(workdir, tracked.clone(), is_env_name).visit_chunks(&collector);
        }
        let mut coverage = collector.coverage();
        coverage.read += read;
        self.progress.stage("attribution", None);
        let unignored = collector.unignored_env_files();
        let mut found = assemble(self.config, collector.found(), Some(&history));
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
        let mut notices = Vec::new();
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
            coverage,
            notices,
            elapsed: self.start.elapsed(),
        };
        redacted(self.config, outcome, &found.secrets)
    }
}

/// Masks secrets where they stand in names, unless they may be seen.
fn redacted(config: &ScanConfig, mut outcome: Outcome, secrets: &[Secret]) -> Outcome {
    let redaction = if config.shows_secrets { None } else { Redaction::of(secrets) };
    if let Some(redaction) = redaction {
        let suppressed = outcome.suppressed.iter_mut().map(|suppressed| &mut suppressed.finding);
        outcome.findings.iter_mut().chain(suppressed).for_each(|finding| redaction.finding(finding));
        outcome.env_files.iter_mut().for_each(|file| redaction.env_file(file));
        redaction.coverage(&mut outcome.coverage);
    }
    outcome
}

/// How many findings are bad and sure enough to change the exit code.
fn failing(config: &ScanConfig, findings: &[Finding]) -> usize {
    let least = &config.suppressions.config;
    let counts = |finding: &&Finding| {
        finding.severity >= least.min_severity && finding.confidence >= least.min_confidence
    };
    findings.iter().filter(counts).count()
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
        Container::File { .. } | Container::Stdin => false,
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

/// Gathers matches and gaps from all threads.
struct Collector<'a> {
    config: &'a ScanConfig,
    detectors: Vec<Mutex<Detector>>,
    matches: Mutex<Vec<(Provenance, Match)>>,
    markers: Mutex<Markers>,
    coverage: Mutex<Coverage>,
    env_files: Mutex<BTreeSet<BString>>,
    progress: &'a dyn Progress,
}

impl<'a> Collector<'a> {
    fn new(config: &'a ScanConfig, progress: &'a dyn Progress) -> Self {
        let detector = Detector::new(Arc::clone(&config.rules));
        let threads = rayon::current_num_threads().max(1);
        Self {
            config,
            detectors: (0..threads).map(|_| Mutex::new(detector.clone())).collect(),
            matches: Mutex::default(),
            markers: Mutex::default(),
            coverage: Mutex::default(),
            env_files: Mutex::default(),
            progress,
        }
    }

    /// What was found, overlapping matches resolved.
    fn found(self) -> Found {
        let mut by_provenance: BTreeMap<Provenance, Vec<Match>> = BTreeMap::new();
        for (provenance, found) in into_inner(self.matches) {
            by_provenance.entry(provenance).or_default().push(found);
        }
        let resolved = by_provenance
            .into_iter()
            .map(|(provenance, matches)| (provenance, resolve_overlaps(&self.config.rules, matches)));
        Found { matches: resolved.collect(), markers: into_inner(self.markers) }
    }

    fn coverage(&self) -> Coverage {
        let mut coverage = lock(&self.coverage).clone();
        let config = &self.config.suppressions.config;
        coverage.accepted = coverage.unread.extract_if(.., |unread| config.accepts(unread)).collect();
        coverage.accepted.sort();
        coverage.accepted.dedup();
        coverage.unread.sort();
        coverage.unread.dedup();
        coverage.skipped.sort();
        coverage
    }

    fn unignored_env_files(&self) -> BTreeSet<BString> {
        lock(&self.env_files).clone()
    }
}

impl Visitor for Collector<'_> {
    type Memo = Memo;

    fn chunk(&self, chunk: &Chunk<'_>, base: Option<&Memo>) -> Searched<Memo> {
        let thread = rayon::current_thread_index().unwrap_or(0) % self.detectors.len();
        let base = base.filter(|_| !self.config.scans_whole);
        let (found, memo) = lock(&self.detectors[thread]).scan(chunk, base);
        let is_clean = found.is_empty();
        for found in &found {
            if let Some(marker) = Marker::beside(chunk.bytes, found.span) {
                lock(&self.markers).insert((chunk.provenance.clone(), found.location), marker);
            }
        }
        if !found.is_empty() {
            lock(&self.matches).extend(found.into_iter().map(|found| (chunk.provenance.clone(), found)));
        }
        if let Provenance::File { path, ignored: false } = &chunk.provenance
            && is_env_name(file_name(path.as_bstr()))
        {
            lock(&self.env_files).insert(path.clone());
        }
        self.progress.step();
        Searched { memo, is_clean }
    }

    fn unread(&self, unread: Unread) {
        lock(&self.coverage).unread.push(unread);
    }

    fn skipped(&self, skipped: Unread) {
        lock(&self.coverage).skipped.push(skipped);
    }
}

/// Markers beside matches, by where these lie.
type Markers = BTreeMap<(Provenance, Location), Marker>;

/// What was found, by where it lies.
struct Found {
    matches: BTreeMap<Provenance, Vec<Match>>,
    markers: Markers,
}

/// What became of the matches.
struct Assembled {
    findings: Vec<Finding>,
    suppressed: Vec<Suppressed>,
    kept_in_env: usize,
    /// Where the blobs of environment files were.
    env_places: Vec<HistoryPlace>,
    /// Every secret that matched, reported or not: none may show in a name.
    secrets: Vec<Secret>,
    /// What is not told of places.
    unread: Option<Unread>,
}

/// The contents in which a secret lies; those that were watched for have none.
struct Group<'a> {
    secret: Option<&'a Secret>,
    blobs: Vec<ObjectId>,
}

/// Tells where contents and commits came from.
trait Lineage {
    /// Contents whose places are asked for though nothing was found in them.
    fn watched(&self) -> &[ObjectId];
    /// The places that count for each group.
    fn places(&self, groups: &[Group<'_>]) -> Places;
    /// Each commit or tag with its facts, and what reaches it.
    fn commits(&self, ids: &[ObjectId]) -> Commits;
}

impl Lineage for History {
    fn watched(&self) -> &[ObjectId] {
        self.watched()
    }

    fn places(&self, groups: &[Group<'_>]) -> Places {
        self.places(&groups.iter().map(|group| group.blobs.clone()).collect::<Vec<_>>())
    }

    fn commits(&self, ids: &[ObjectId]) -> Commits {
        self.commits(ids)
    }
}

/// A secret, with everything that matched it.
#[derive(Default)]
struct Candidate {
    blobs: BTreeMap<ObjectId, Vec<Match>>,
    others: Vec<(Provenance, Match)>,
}

/// A place at which the judge saw a finding.
struct Judged {
    rule: RuleId,
    verdict: Verdict,
    note: Option<String>,
    place: Place,
    /// What lets it be there, with the reason.
    let_be: Option<(By, Option<String>)>,
}

impl Judged {
    fn new(found: &Match, verdict: Verdict, container: Container) -> Self {
        Self {
            rule: found.rule,
            verdict,
            note: found.evidence.note.clone(),
            place: Place { container, location: found.location },
            let_be: None,
        }
    }

    /// Takes note of what lets it be, of the markers beside it in any version and of the configuration.
    fn let_be<'a>(mut self, config: &ScanConfig, mut markers: impl Iterator<Item = &'a Marker>) -> Self {
        let rule = config.rules.rule(self.rule);
        let policy = &config.suppressions.config;
        let marker = markers.find(|marker| marker.allows(&rule.id, policy.compat_markers));
        let by_marker = marker.map(|marker| (By::Marker, marker.reason.clone()));
        let by_config = || {
            let reason = policy.ignores(rule, path_of(&self.place.container)?.as_bstr())?;
            Some((By::Config, reason.map(str::to_owned)))
        };
        self.let_be = by_marker.or_else(by_config);
        self
    }
}

/// Matches -> findings: places are looked up, each match is judged at each of its places, and what one secret left behind
/// becomes one finding.
fn assemble(config: &ScanConfig, found: Found, history: Option<&dyn Lineage>) -> Assembled {
    let Found { matches, markers } = found;
    let mut candidates: BTreeMap<Secret, Candidate> = BTreeMap::new();
    for (provenance, matches) in matches {
        for found in matches {
            let candidate = candidates.entry(found.secret.clone()).or_default();
            match &provenance {
                Provenance::GitBlob(id) => candidate.blobs.entry(*id).or_default().push(found),
                _ => candidate.others.push((provenance.clone(), found)),
            }
        }
    }
    let mut groups: Vec<Group<'_>> = candidates
        .iter()
        .map(|(secret, candidate)| Group {
            secret: Some(secret),
            blobs: candidate.blobs.keys().copied().collect(),
        })
        .collect();
    // One look-up for all: it walks every tree.
    let watched = history.map(|history| history.watched().to_vec()).unwrap_or_default();
    groups.push(Group { secret: None, blobs: watched });
    let Places { of_groups: mut places, unread } = match history {
        Some(history) => history.places(&groups),
        None => Places { of_groups: vec![Vec::new(); groups.len()], unread: None },
    };
    let env_places = places.pop().unwrap_or_default();
    let commits = history.map(|history| history.commits(&metadata_ids(&candidates))).unwrap_or_default();
    let mut assembled = Assembled {
        findings: Vec::new(),
        suppressed: Vec::new(),
        kept_in_env: 0,
        env_places,
        secrets: Vec::new(),
        unread,
    };
    for ((secret, candidate), places) in candidates.into_iter().zip(places) {
        let in_blobs =
            places.into_iter().filter_map(|place| judge_in_history(config, &candidate, place, &markers));
        let elsewhere = candidate.others.iter().filter_map(|(provenance, found)| {
            let container = container(provenance, found, &commits)?;
            let verdict = judge_at(config, found, path_of(&container))?;
            let marker = markers.get(&(provenance.clone(), found.location));
            Some(Judged::new(found, verdict, container).let_be(config, marker.into_iter()))
        });
        let judged: Vec<Judged> = in_blobs.chain(elsewhere).collect();
        assembled.secrets.push(secret.clone());
        let is_sure = |finding: &Finding| finding.confidence >= config.min_confidence;
        match suppress(config, &secret, judged) {
            Some(Ok(finding)) if !is_sure(&finding) => {}
            Some(Ok(finding)) if finding.places.iter().all(|place| is_kept_in_env(&place.container)) => {
                assembled.kept_in_env += 1;
            }
            Some(Ok(finding)) => assembled.findings.push(finding),
            Some(Err(suppressed)) if is_sure(&suppressed.finding) => assembled.suppressed.push(suppressed),
            Some(Err(_)) | None => {}
        }
    }
    let order =
        |finding: &Finding| (std::cmp::Reverse((finding.severity, finding.confidence)), finding.exposure);
    let compare = |a: &Finding, b: &Finding| {
        order(a)
            .cmp(&order(b))
            .then_with(|| (&a.places, a.rule, &a.secret).cmp(&(&b.places, b.rule, &b.secret)))
    };
    assembled.findings.sort_by(compare);
    assembled.suppressed.sort_by(|a, b| compare(&a.finding, &b.finding));
    assembled
}

/// The finding with the places that nothing lets be; where none is left, what was suppressed.
fn suppress(
    config: &ScanConfig,
    secret: &Secret,
    mut judged: Vec<Judged>,
) -> Option<Result<Finding, Suppressed>> {
    let let_be: Vec<Judged> = judged.extract_if(.., |judged| judged.let_be.is_some()).collect();
    let Some(mut finding) = finding(config, secret.clone(), judged) else {
        let (by, reason) = let_be.first()?.let_be.clone()?;
        let finding = finding(config, secret.clone(), let_be)?;
        return Some(Err(Suppressed { finding, by, reason }));
    };
    let Suppressions { baseline, today, .. } = &*config.suppressions;
    let all = finding.clone();
    let mut reason = None;
    finding.places.retain(|place| match baseline.entry_for(&all, place, today) {
        Some(entry) => {
            reason.get_or_insert_with(|| entry.reason.clone());
            false
        }
        None => true,
    });
    if finding.places.is_empty() {
        let reason = reason.filter(|reason| !reason.is_empty());
        return Some(Err(Suppressed { finding: all, by: By::Baseline, reason }));
    }
    finding.exposure = finding.places.iter().map(|place| exposure(&place.container)).min()?;
    Some(Ok(finding))
}

/// The commits and tags in which something matched.
fn metadata_ids(candidates: &BTreeMap<Secret, Candidate>) -> Vec<ObjectId> {
    let others = candidates.values().flat_map(|candidate| &candidate.others);
    let ids: BTreeSet<ObjectId> = others
        .filter_map(|(provenance, _)| match provenance {
            Provenance::GitMetadata(Metadata::Commit(id) | Metadata::Tag(id)) => Some(*id),
            _ => None,
        })
        .collect();
    ids.into_iter().collect()
}

/// The best verdict, at `place`, on what matched in the versions that were there; shown where it lies in the first of them.
fn judge_in_history(
    config: &ScanConfig,
    candidate: &Candidate,
    place: HistoryPlace,
    markers: &Markers,
) -> Option<Judged> {
    let path = place.path.as_ref().map(|path| path.as_bytes());
    let versions = place.versions.iter().filter_map(|blob| candidate.blobs.get_key_value(blob));
    let judged = versions.flat_map(|(blob, matches)| matches.iter().map(move |found| (blob, found)));
    let (verdict, _, best) = judged
        .filter_map(|(blob, found)| Some((judge_at(config, found, path)?, *blob == place.blob, found)))
        .max_by_key(|(verdict, is_first, found)| {
            (verdict.confidence, verdict.severity, *is_first, std::cmp::Reverse((found.rule, found.span)))
        })?;
    let first = candidate.blobs.get(&place.blob).into_iter().flatten();
    let shown = first.min_by_key(|found| (found.rule != best.rule, found.span)).unwrap_or(best);
    let location: Location = shown.location;
    let at_path = place.versions.iter().filter_map(|blob| Some((*blob, candidate.blobs.get(blob)?)));
    let at_path = at_path.flat_map(|(blob, matches)| matches.iter().map(move |found| (blob, found.location)));
    let beside: Vec<&Marker> =
        at_path.filter_map(|(blob, at)| markers.get(&(Provenance::GitBlob(blob), at))).collect();
    let judged = Judged {
        place: Place { container: Container::History(place.clone()), location },
        ..Judged::new(best, verdict, Container::History(place))
    };
    Some(judged.let_be(config, beside.into_iter()))
}

fn judge_at(config: &ScanConfig, found: &Match, path: Option<&[u8]>) -> Option<Verdict> {
    judge(config.rules.rule(found.rule), &found.evidence, found.secret.expose().len(), path)
}

/// What is known of commits and tags, by id.
type Commits = HashMap<ObjectId, (Option<CommitSummary>, Reach)>;

fn container(provenance: &Provenance, found: &Match, commits: &Commits) -> Option<Container> {
    match provenance {
        Provenance::File { path, ignored } => Some(Container::File { path: path.clone(), ignored: *ignored }),
        Provenance::Stdin => Some(Container::Stdin),
        Provenance::GitBlob(_) => None,
        Provenance::GitMetadata(metadata) => {
            let (commit, reach) = match metadata {
                Metadata::Commit(id) | Metadata::Tag(id) => commits.get(id).cloned().unwrap_or_default(),
                Metadata::RefName | Metadata::RemoteRefName | Metadata::File(_) => Default::default(),
            };
            Some(Container::Metadata(MetadataPlace {
                metadata: metadata.clone(),
                field: found.field,
                commit,
                reach,
            }))
        }
    }
}

fn path_of(container: &Container) -> Option<&[u8]> {
    match container {
        Container::File { path, .. } => Some(path.as_bytes()),
        Container::History(place) => place.path.as_ref().map(|path| path.as_bytes()),
        Container::Stdin | Container::Metadata(_) => None,
    }
}

fn is_kept_in_env(container: &Container) -> bool {
    matches!(container, Container::File { path, ignored: true } if is_env_name(file_name(path.as_bstr())))
}

/// One finding of what was judged for one secret: the most telling rule speaks for it.
fn finding(config: &ScanConfig, secret: Secret, mut judged: Vec<Judged>) -> Option<Finding> {
    let rank = |judged: &Judged| {
        let is_generic = config.rules.rule(judged.rule).kind == Kind::Generic;
        (is_generic, std::cmp::Reverse((judged.verdict.confidence, judged.verdict.severity)), judged.rule)
    };
    judged.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.place.cmp(&b.place)));
    let best = judged.first()?;
    let rule = config.rules.rule(best.rule);
    // Generic rules overlap; which of them spoke first must not change the fingerprint.
    let family = if rule.kind == Kind::Generic { "generic" } else { rule.id.as_ref() };
    let mut places: Vec<Place> = judged.iter().map(|judged| judged.place.clone()).collect();
    // Git copies messages and names into reflogs and COMMIT_EDITMSG: said only where nothing else has the secret.
    if places.iter().any(|place| !is_gits_own_copy(&place.container)) {
        places.retain(|place| !is_gits_own_copy(&place.container));
    }
    places.sort();
    places.dedup();
    Some(Finding {
        rule: best.rule,
        severity: judged.iter().map(|judged| judged.verdict.severity).max()?,
        confidence: judged.iter().map(|judged| judged.verdict.confidence).max()?,
        unsalted: Fingerprint::new(&Salt::default(), family, &secret),
        fingerprint: Fingerprint::new(config.suppressions.baseline.salt(), family, &secret),
        public_prefix: checks::public_prefix_length(rule, secret.expose()),
        exposure: places.iter().map(|place| exposure(&place.container)).min()?,
        note: judged.iter().find_map(|judged| judged.note.clone()),
        secret,
        places,
    })
}

/// Whether git wrote the text itself, from what stands elsewhere.
fn is_gits_own_copy(container: &Container) -> bool {
    let Container::Metadata(MetadataPlace { metadata: Metadata::File(path), .. }) = container else {
        return false;
    };
    !file_name(path.as_bstr()).starts_with(b"config")
}

fn exposure(container: &Container) -> Exposure {
    match container {
        Container::File { .. } => Exposure::Worktree,
        Container::Stdin => Exposure::Stdin,
        Container::History(place) => place.reach.exposure(),
        Container::Metadata(MetadataPlace { metadata: Metadata::RemoteRefName, .. }) => Exposure::Pushed,
        Container::Metadata(MetadataPlace { metadata: Metadata::File(_) | Metadata::RefName, .. }) => {
            Exposure::GitDirectory
        }
        Container::Metadata(place) => place.reach.exposure(),
    }
}
